/* SPDX-License-Identifier: MIT */
/* Peer of read-hot: a loop around pread(2). */
#include "../file/file.h"

struct reader {
    int fd;
    char *memory;
};

static void slice(struct blocks *blocks, void *arg)
{
    struct reader *reader = arg;
    for (long i = 0; i < blocks->reads; i++) {
        ssize_t len = pread(reader->fd, reader->memory, BLOCK,
                            blocks_next(blocks));
        bench_check(len == BLOCK, "pread");
    }
}

int main(int argc, char **argv)
{
    struct blocks blocks = blocks_plan(argc, argv);
    struct reader reader = {.memory = blocks_memory()};
    reader.fd = open(blocks.path, blocks_flags(&blocks));
    bench_check(reader.fd >= 0, "open");
    blocks_warm(&blocks, reader.memory);
    blocks_measure(&blocks, slice, &reader);
    return 0;
}
