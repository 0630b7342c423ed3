/* SPDX-License-Identifier: MIT */
/*
 * Operations on files: bytes at an offset, fsync, and a file's bytes to a
 * socket.
 *
 * A file is always ready and may block all the same, so readiness means
 * nothing here: either the ring has it or the pool. What the page cache can
 * answer at once is tried before there is an operation at all, see
 * io/file_rw.c; for O_DIRECT that try would itself wait for the disk.
 *
 * A cancel withdraws what no thread and no device has begun. What has begun
 * finishes, and its result stands; a write in a ring's thread may be cut short
 * by it, and says how far it came.
 */
#include <errno.h>
#include <poll.h>
#include <sys/uio.h>

#include "backend/op_class.h"
#include "backend/pool.h"
#include "backend/ring.h"
#include "sys/files.h"

static struct pool *file_pool(const struct op *op)
{
    (void)op;
    return &pool_files;
}

/* For a file system that answers -EAGAIN even to a ring's own thread. */
static unsigned file_events_in(const struct op *op)
{
    (void)op;
    return POLLIN;
}

static unsigned file_events_out(const struct op *op)
{
    (void)op;
    return POLLOUT;
}

/* ---- bytes at an offset ---- */

static ssize_t preadv_block(struct op *op)
{
    return sys_preadv(op->fd, op->vector.parts, op->vector.count,
                      op->vector.offset);
}

static ssize_t pwritev_block(struct op *op)
{
    return sys_pwritev(op->fd, op->vector.parts, op->vector.count,
                       op->vector.offset);
}

#ifdef HAVE_LIBURING
/* The most that one read or write moves (MAX_RW_COUNT of the kernel). */
enum { PART_LEN_MAX = 0x7ffff000 };

static unsigned part_len(const struct iovec *part)
{
    return part->iov_len < PART_LEN_MAX ? (unsigned)part->iov_len
                                        : PART_LEN_MAX;
}

/* One part alone spares the kernel the copying of the vector. */
static void preadv_prepare(struct op *op, struct io_uring_sqe *sqe)
{
    const struct iovec *parts = op->vector.parts;
    uint64_t offset = (uint64_t)op->vector.offset;
    if (op->vector.count == 1)
        io_uring_prep_read(sqe, op->fd, parts->iov_base, part_len(parts),
                           offset);
    else
        io_uring_prep_readv(sqe, op->fd, parts, (unsigned)op->vector.count,
                            offset);
}

static void pwritev_prepare(struct op *op, struct io_uring_sqe *sqe)
{
    const struct iovec *parts = op->vector.parts;
    uint64_t offset = (uint64_t)op->vector.offset;
    if (op->vector.count == 1)
        io_uring_prep_write(sqe, op->fd, parts->iov_base, part_len(parts),
                            offset);
    else
        io_uring_prep_writev(sqe, op->fd, parts, (unsigned)op->vector.count,
                             offset);
}
#endif

static void preadv_landed(struct op *op, ssize_t result)
{
    size_t left = result > 0 ? (size_t)result : 0;
    for (const struct iovec *part = op->vector.parts; left > 0; part++) {
        size_t len = part->iov_len < left ? part->iov_len : left;
        MARK_DEFINED(part->iov_base, len);
        left -= len;
    }
}

const struct op_class op_preadv_class = {
    .name = "preadv",
    .cancel_rule = OP_WITHDRAWN,
    .events = file_events_in,
    .pool = file_pool,
    .block = preadv_block,
    .prepare = RING_VIEW(preadv_prepare),
    .landed = preadv_landed,
};

const struct op_class op_pwritev_class = {
    .name = "pwritev",
    .cancel_rule = OP_WITHDRAWN,
    .events = file_events_out,
    .pool = file_pool,
    .block = pwritev_block,
    .prepare = RING_VIEW(pwritev_prepare),
};

/* ---- fsync ---- */

static ssize_t fsync_block(struct op *op)
{
    return sys_fsync(op->fd, op->sync.is_data_only);
}

#ifdef HAVE_LIBURING
static void fsync_prepare(struct op *op, struct io_uring_sqe *sqe)
{
    io_uring_prep_fsync(sqe, op->fd,
                        op->sync.is_data_only ? IORING_FSYNC_DATASYNC : 0);
}
#endif

const struct op_class op_fsync_class = {
    .name = "fsync",
    .cancel_rule = OP_WITHDRAWN,
    .events = file_events_out,
    .pool = file_pool,
    .block = fsync_block,
    .prepare = RING_VIEW(fsync_prepare),
};

/* ---- a file's bytes to a socket, which a source owns ---- */

/* Waits for no socket, but for a disk; whoever asks knows the page cache. */
static ssize_t sendfile_attempt(struct op *op, unsigned got)
{
    (void)got;
    return sys_sendfile(op->fd, op->sendfile.from_fd, op->sendfile.offset,
                        op->sendfile.len);
}

const struct op_class op_sendfile_class = {
    .name = "sendfile",
    .cancel_rule = OP_WITHDRAWN,
    .attempt = sendfile_attempt,
    .events = file_events_out,
};
