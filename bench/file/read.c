/* SPDX-License-Identifier: MIT */
/*
 * read-hot, read-direct: asyncio_file_pread in one task, or in DEPTH tasks at
 * once, each of which reads one block after the other.
 */
#include <asyncio.h>

#include "file.h"

struct reading {
    struct blocks *blocks;
    asyncio_file *file;
    char *memory;
    long started;                /* reads of this slice */
};

/* A task's own block of memory. */
struct reader {
    struct reading *reading;
    char *memory;
};

static int read_blocks(void *arg)
{
    struct reader *reader = arg;
    struct reading *reading = reader->reading;
    while (reading->started < reading->blocks->reads) {
        reading->started++;
        ssize_t len = asyncio_file_pread(reading->file, reader->memory, BLOCK,
                                         blocks_next(reading->blocks));
        bench_check(len == BLOCK, "asyncio_file_pread");
    }
    return 0;
}

static void slice_hot(struct blocks *blocks, void *arg)
{
    struct reading *reading = arg;
    struct reader reader = {reading, reading->memory};
    (void)blocks;
    reading->started = 0;
    read_blocks(&reader);
}

static void slice_direct(struct blocks *blocks, void *arg)
{
    struct reading *reading = arg;
    struct reader readers[DEPTH];
    asyncio_task tasks[DEPTH];
    (void)blocks;
    reading->started = 0;
    for (int i = 0; i < DEPTH; i++) {
        readers[i] = (struct reader){reading,
                                     reading->memory + (size_t)i * BLOCK};
        tasks[i] = asyncio_create_task(read_blocks, &readers[i]);
    }
    bench_check(asyncio_gather(tasks, DEPTH, NULL) == 0, "gather");
}

static int main_task(void *arg)
{
    struct blocks *blocks = arg;
    struct reading reading = {.blocks = blocks, .memory = blocks_memory()};
    blocks_warm(blocks, reading.memory);
    int err = asyncio_file_open(blocks->path, blocks_flags(blocks), 0,
                                &reading.file);
    bench_check(err == 0, "asyncio_file_open");
    blocks_measure(blocks, blocks->is_direct ? slice_direct : slice_hot,
                   &reading);
    return asyncio_file_close(reading.file);
}

int main(int argc, char **argv)
{
    struct blocks blocks = blocks_plan(argc, argv);
    return asyncio_run(main_task, &blocks) < 0;
}
