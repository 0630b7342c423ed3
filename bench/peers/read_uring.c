/* SPDX-License-Identifier: MIT */
/*
 * Peer of read-direct: liburing and nothing else. DEPTH reads are in flight;
 * one system call hands in all that can start and waits for the next to end.
 * Neither the file nor the buffers are registered, as a library that is given
 * any buffer by anybody cannot do that either.
 */
#include <liburing.h>

#include "../file/file.h"

struct reader {
    struct io_uring ring;
    int fd;
    char *memory;
};

static void start(struct reader *reader, struct blocks *blocks, int index)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&reader->ring);
    bench_check(sqe != NULL, "an entry of the ring");
    io_uring_prep_read(sqe, reader->fd, reader->memory + index * BLOCK, BLOCK,
                       (uint64_t)blocks_next(blocks));
    io_uring_sqe_set_data(sqe, (void *)(intptr_t)index);
}

/* Takes what has ended and starts as many again, while there are any left to
 * start; how many have ended. */
static unsigned turn(struct reader *reader, struct blocks *blocks,
                     long *started)
{
    struct io_uring_cqe *cqe;
    unsigned head;
    unsigned count = 0;
    io_uring_for_each_cqe(&reader->ring, head, cqe) {
        bench_check(cqe->res == BLOCK, "a read of the ring");
        if (*started < blocks->reads) {
            start(reader, blocks, (int)(intptr_t)io_uring_cqe_get_data(cqe));
            ++*started;
        }
        count++;
    }
    io_uring_cq_advance(&reader->ring, count);
    return count;
}

static void slice(struct blocks *blocks, void *arg)
{
    struct reader *reader = arg;
    long started;
    long ended = 0;
    for (started = 0; started < DEPTH; started++)
        start(reader, blocks, (int)started);
    while (ended < blocks->reads) {
        io_uring_submit_and_wait(&reader->ring, 1);
        ended += turn(reader, blocks, &started);
    }
}

int main(int argc, char **argv)
{
    struct blocks blocks = blocks_plan(argc, argv);
    struct reader reader = {.memory = blocks_memory()};
    struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER |
                                              IORING_SETUP_DEFER_TASKRUN};
    reader.fd = open(blocks.path, blocks_flags(&blocks));
    bench_check(reader.fd >= 0, "open");
    bench_check(io_uring_queue_init_params(2 * DEPTH, &reader.ring, &params)
                == 0, "a ring");
    blocks_warm(&blocks, reader.memory);
    blocks_measure(&blocks, slice, &reader);
    io_uring_queue_exit(&reader.ring);
    return 0;
}
