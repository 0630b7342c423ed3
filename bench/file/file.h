/* SPDX-License-Identifier: MIT */
/*
 * What the programs that read files share: the file, the blocks, the slices.
 * A program is called `PROGRAM ROW DIVISOR FILE`.
 *
 *     read-hot     one block after the other, from the page cache
 *     read-direct  DEPTH blocks at once, O_DIRECT: from the device
 */
#ifndef BENCH_FILE_H
#define BENCH_FILE_H

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../bench.h"

enum { BLOCK = 4096, DEPTH = 64, HOT_READS = 50000, DIRECT_READS = 20000,
       FILE_SLICES = 9 };

struct blocks {
    const char *row;
    const char *path;
    int is_direct;
    long count;                  /* blocks in the file */
    long reads;                  /* in a slice */
    uint64_t random;             /* the same for all programs */
};

static inline struct blocks blocks_plan(int argc, char **argv)
{
    struct stat status;
    struct blocks blocks = {.row = bench_row(argc, argv, "read-hot"),
                            .random = 88172645463325252};
    bench_check(argc > 3, "PROGRAM ROW DIVISOR FILE");
    blocks.path = argv[3];
    blocks.is_direct = strcmp(blocks.row, "read-direct") == 0;
    bench_check(blocks.is_direct || strcmp(blocks.row, "read-hot") == 0,
                "there is such a row");
    blocks.reads = bench_count(argc, argv,
                               blocks.is_direct ? DIRECT_READS : HOT_READS);
    bench_check(stat(blocks.path, &status) == 0, "stat");
    blocks.count = (long)(status.st_size / BLOCK);
    bench_check(blocks.count > 0, "the file has a block");
    return blocks;
}

static inline int blocks_flags(const struct blocks *blocks)
{
    return O_RDONLY | O_CLOEXEC | (blocks->is_direct ? O_DIRECT : 0);
}

/* Memory for DEPTH blocks, aligned as O_DIRECT asks for. */
static inline char *blocks_memory(void)
{
    char *memory = aligned_alloc(BLOCK, (size_t)DEPTH * BLOCK);
    bench_check(memory != NULL, "memory");
    memset(memory, 0, (size_t)DEPTH * BLOCK);
    return memory;
}

/* Where the next block lies. */
static inline off_t blocks_next(struct blocks *blocks)
{
    uint64_t index = bench_random(&blocks->random) % (uint64_t)blocks->count;
    return (off_t)index * BLOCK;
}

/* Has the whole file in the page cache, where the row asks for that. */
static inline void blocks_warm(const struct blocks *blocks, char *memory)
{
    if (blocks->is_direct)
        return;
    int fd = open(blocks->path, O_RDONLY | O_CLOEXEC);
    bench_check(fd >= 0, "open");
    while (read(fd, memory, (size_t)DEPTH * BLOCK) > 0)
        ;
    close(fd);
}

/* Measures slices of `slice`, which reads blocks->reads blocks, and prints the
 * row: wall ns per read. */
static inline void blocks_measure(struct blocks *blocks,
                                  void (*slice)(struct blocks *, void *),
                                  void *arg)
{
    double slices[FILE_SLICES];
    slice(blocks, arg);
    for (int i = 0; i < FILE_SLICES; i++) {
        int64_t begin = bench_now_ns();
        slice(blocks, arg);
        slices[i] = bench_each(bench_now_ns() - begin, blocks->reads);
    }
    bench_report(blocks->row, bench_quartile(slices, FILE_SLICES), "ns");
}

#endif
