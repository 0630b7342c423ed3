/* SPDX-License-Identifier: MIT */
/*
 * OP_READ and OP_WRITE, at the file position, on whatever has one or needs
 * none: pipes, sockets, terminals, files. Short results are results.
 *
 * Readiness: try without blocking (RWF_NOWAIT: works whatever the mode of the
 * descriptor, and on a file says whether the page cache has it). Where the
 * kernel cannot promise that (a pipe before Linux 6.5, a terminal), a
 * nonblocking descriptor is tried as it is, and a blocking one only after it
 * was reported ready. What cannot be polled (EPERM: files) goes to the pool.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>

#include "backend/op_class.h"
#include "backend/pool.h"
#include "backend/ring.h"
#include "sys/sys.h"

/* The most that one read or write moves (MAX_RW_COUNT of the kernel). */
enum { RW_LEN_MAX = 0x7ffff000 };

static size_t rw_len(const struct op *op)
{
    return op->io.len < RW_LEN_MAX ? op->io.len : RW_LEN_MAX;
}

/* 1: a plain call does not hang the loop; 0: it may. */
static int rw_plain_is_safe(const struct op *op, unsigned got)
{
    return got ? 1 : sys_is_nonblocking(op->fd);
}

static ssize_t read_attempt(struct op *op, unsigned got)
{
    ssize_t len = sys_read_nowait(op->fd, op->io.buf, rw_len(op));
    if (len != -EOPNOTSUPP)
        return len;
    int is_safe = rw_plain_is_safe(op, got);
    if (is_safe != 1)
        return is_safe < 0 ? is_safe : -EAGAIN;
    return sys_read(op->fd, op->io.buf, rw_len(op));
}

static ssize_t write_attempt(struct op *op, unsigned got)
{
    size_t len = rw_len(op);
    ssize_t done = sys_write_nowait(op->fd, op->io.buf, len);
    if (done != -EOPNOTSUPP)
        return done;
    int nonblocking = sys_is_nonblocking(op->fd);
    if (nonblocking < 0)
        return nonblocking;
    if (nonblocking != 1 && got == 0)
        return -EAGAIN;
    /* A blocking pipe that is writable has room for so much, and no more is
     * promised. */
    if (nonblocking != 1 && len > PIPE_BUF)
        len = PIPE_BUF;
    return sys_write(op->fd, op->io.buf, len);
}

static unsigned read_events(const struct op *op)
{
    (void)op;
    return POLLIN;
}

static unsigned write_events(const struct op *op)
{
    (void)op;
    return POLLOUT;
}

static struct pool *rw_pool(const struct op *op)
{
    (void)op;
    return &pool_files;
}

static ssize_t read_block(struct op *op)
{
    return sys_read(op->fd, op->io.buf, rw_len(op));
}

static ssize_t write_block(struct op *op)
{
    return sys_write(op->fd, op->io.buf, rw_len(op));
}

#ifdef HAVE_LIBURING
/* Offset -1 is the file position. */
static void read_prepare(struct op *op, struct io_uring_sqe *sqe)
{
    io_uring_prep_read(sqe, op->fd, op->io.buf, (unsigned)rw_len(op),
                       (uint64_t)-1);
}

static void write_prepare(struct op *op, struct io_uring_sqe *sqe)
{
    io_uring_prep_write(sqe, op->fd, op->io.buf, (unsigned)rw_len(op),
                        (uint64_t)-1);
}
#endif

static void read_landed(struct op *op, ssize_t result)
{
    if (result > 0)
        MARK_DEFINED(op->io.buf, (size_t)result);
}

const struct op_class op_read_class = {
    .name = "read",
    .cancel_rule = OP_WITHDRAWN,
    .attempt_first = true,
    .attempt = read_attempt,
    .events = read_events,
    .pool = rw_pool,
    .block = read_block,
    .prepare = RING_VIEW(read_prepare),
    .landed = read_landed,
};

const struct op_class op_write_class = {
    .name = "write",
    .cancel_rule = OP_WITHDRAWN,
    .attempt_first = true,
    .attempt = write_attempt,
    .events = write_events,
    .pool = rw_pool,
    .block = write_block,
    .prepare = RING_VIEW(write_prepare),
};
