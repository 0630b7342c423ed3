/* SPDX-License-Identifier: MIT */
/* The life of streams, and what lies below reading and writing. */
#include "io/stream.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "backend/pool.h"
#include "base/mem.h"
#include "io/address.h"
#include "sys/sockets.h"

/* ---- making one ---- */

/* One of no descriptor yet, or NULL. */
static asyncio_stream *stream_empty(bool is_socket)
{
    asyncio_stream *stream = mem_zalloc(sizeof *stream);
    if (!stream)
        return NULL;
    stream->bare_fd = -1;
    stream->is_socket = is_socket;
    stream->limit = STREAM_LIMIT_DEFAULT;
    return stream;
}

/* A Unix socket's reads stop at what carries descriptors or comes from another
 * sender; so a short one says nothing of what is left. */
static bool stream_is_lumpy(int fd)
{
    int family;
    socklen_t len = sizeof family;
    int err = sys_getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len);
    return err < 0 || (family != AF_INET && family != AF_INET6);
}

int stream_new(int fd, bool is_socket, unsigned ready,
               asyncio_stream **ret_stream)
{
    struct asyncio_loop *loop = loop_current;
    if (!loop)
        return -EPERM;
    int err = loop_open_backend(loop);
    if (err < 0)
        return err;
    asyncio_stream *stream = stream_empty(is_socket);
    if (!stream)
        return -ENOMEM;
    err = source_open(loop->backend, fd, ready, &stream->source);
    if (err < 0) {
        mem_free(stream);
        return err;
    }
    stream->source->is_lumpy = is_socket && stream_is_lumpy(fd);
    *ret_stream = stream;
    return 0;
}

int stream_new_bare(int fd, asyncio_stream **ret_stream)
{
    struct asyncio_loop *loop = loop_current;
    if (!loop)
        return -EPERM;
    if (loop->is_virtual)
        return -ENOTSUP;
    asyncio_stream *stream = stream_empty(false);
    if (!stream)
        return -ENOMEM;
    stream->bare_fd = fd;
    stream->bare_loop = loop->number;
    *ret_stream = stream;
    return 0;
}

int asyncio_stream_from_fd(int take_fd, asyncio_stream **ret_stream)
{
    int type;
    socklen_t len = sizeof type;
    int err = sys_getsockopt(take_fd, SOL_SOCKET, SO_TYPE, &type, &len);
    bool is_socket = err == 0;
    if (err < 0 && err != -ENOTSOCK)
        return err;
    if (is_socket && type != SOCK_STREAM)
        return -EPROTOTYPE;
    err = is_socket ? 0 : sys_check_pollable(take_fd);
    if (err == 0)
        err = sys_set_nonblocking(take_fd);
    if (err < 0)
        return err;
    return stream_new(take_fd, is_socket, 0, ret_stream);
}

int asyncio_stream_pair(asyncio_stream *ret_streams[2])
{
    int fds[2];
    asyncio_stream *first;
    int err = sys_socketpair(SOCK_STREAM, fds);
    if (err < 0)
        return err;
    err = stream_new(fds[0], true, POLLOUT, &first);
    if (err < 0)
        goto err_close_both;
    err = stream_new(fds[1], true, POLLOUT, &ret_streams[1]);
    if (err < 0)
        goto err_close_stream;
    ret_streams[0] = first;
    return 0;

err_close_stream:
    asyncio_stream_abort(first);
    sys_close(fds[1]);
    return err;
err_close_both:
    sys_close(fds[0]);
    sys_close(fds[1]);
    return err;
}

/* ---- who may do what now ---- */

int stream_begin(asyncio_stream *stream, bool *is_busy)
{
    if (unlikely(!task_current()))
        return -EPERM;
    if (unlikely(stream_fd(stream) < 0))
        return -EBADF;
    if (unlikely(!stream_is_here(stream)))
        return -EXDEV;
    if (unlikely(*is_busy))
        return -EBUSY;
    *is_busy = true;
    return 0;
}

static void stream_close_bare(asyncio_stream *stream)
{
    struct asyncio_loop *loop = loop_current;
    if (stream->bare_fd < 0)
        return;
    if (loop && loop->backend)
        loop->backend->class->forget_fd(loop->backend, stream->bare_fd);
    sys_close(stream->bare_fd);
    stream->bare_fd = -1;
}

/* The last one out of a closed stream turns the lights off. */
static void stream_free(asyncio_stream *stream)
{
    stream_close_bare(stream);
    if (stream->filter)
        stream->filter->class_->close(stream->filter, true);
    buffer_free(&stream->ahead);
    buffer_free(&stream->below);
    mem_free(stream);
}

void stream_end(asyncio_stream *stream, bool *is_busy)
{
    *is_busy = false;
    if (unlikely(stream->is_closed && !stream->is_reading &&
                 !stream->is_writing))
        stream_free(stream);
}

/* ---- the socket ---- */

/* Closed meanwhile, the operation was cancelled by stream_cut_bare. */
static ssize_t stream_run_bare(asyncio_stream *stream, struct task_op *op)
{
    struct op **place = &stream->bare_ops[op->op.kind != OP_READ];
    op->op.fd = stream->bare_fd;
    *place = &op->op;
    ssize_t result = task_carry_op(task_current(), op, WAIT_FD);
    *place = NULL;
    return result == -ECANCELED && stream->is_closed ? -EBADF : result;
}

/* Another task may close the stream while the checkpoint lets it run. */
ssize_t stream_run(asyncio_stream *stream, struct task_op *op)
{
    struct asyncio_tcb *task = task_current();
    int err = task_checkpoint(task);
    if (unlikely(err < 0))
        return err;
    if (unlikely(!stream->source)) {
        int fd = stream_fd(stream);
        return fd < 0 ? fd : stream_run_bare(stream, op);
    }
    op->op.source = stream->source;
    op->op.fd = stream->source->fd;
    return task_carry_op(task, op, WAIT_FD);
}

static ssize_t stream_try(asyncio_stream *stream, struct task_op *op)
{
    if (unlikely(!stream->source))
        return stream_fd(stream) < 0 ? -EBADF : -ENOTSUP;
    op->op.source = stream->source;
    op->op.fd = stream->source->fd;
    return source_try(&op->op);
}

static void op_of_read(struct task_op *op, const asyncio_stream *stream,
                       void *buf, size_t len)
{
    memset(op, 0, sizeof *op);
    op->op.kind = stream->is_socket ? OP_RECV : OP_READ;
    op->op.io.buf = buf;
    op->op.io.len = len;
}

static void op_of_write(struct task_op *op, const asyncio_stream *stream,
                        const void *buf, size_t len)
{
    memset(op, 0, sizeof *op);
    op->op.kind = stream->is_socket ? OP_SEND : OP_WRITE;
    op->op.io.buf = (void *)(uintptr_t)buf;
    op->op.io.len = len;
}

ssize_t asyncio_stream_raw_read(asyncio_stream *stream, void *buf, size_t len)
{
    struct task_op op;
    if (unlikely(buffer_len(&stream->below)))
        return (ssize_t)buffer_take(&stream->below, buf, len);
    op_of_read(&op, stream, buf, len);
    return stream_run(stream, &op);
}

struct blocking_write {
    int fd;
    const void *buf;
    size_t len;
};

static int write_on_thread(void *arg)
{
    const struct blocking_write *write = arg;
    return (int)sys_write(write->fd, write->buf, write->len);
}

/* In pieces, so that a cancel has its effect between two of them. */
static ssize_t stream_write_blocking(asyncio_stream *stream, const void *buf,
                                     size_t len)
{
    struct blocking_write write = {
        stream->bare_fd, buf, len < PIPE_BUF ? len : PIPE_BUF};
    struct task_op op;
    memset(&op, 0, sizeof op);
    op.op.kind = OP_WORK;
    op.op.job.run = write_on_thread;
    op.op.job.arg = &write;
    op.op.job.pool = &pool_files;
    return stream_run(stream, &op);
}

ssize_t asyncio_stream_raw_write(asyncio_stream *stream, const void *buf,
                                 size_t len)
{
    struct task_op op;
    if (unlikely(stream->writes_block))
        return stream_write_blocking(stream, buf, len);
    op_of_write(&op, stream, buf, len);
    return stream_run(stream, &op);
}

ssize_t asyncio_stream_raw_try_read(asyncio_stream *stream, void *buf,
                                    size_t len)
{
    struct task_op op;
    if (unlikely(buffer_len(&stream->below)))
        return (ssize_t)buffer_take(&stream->below, buf, len);
    op_of_read(&op, stream, buf, len);
    return stream_try(stream, &op);
}

ssize_t asyncio_stream_raw_try_write(asyncio_stream *stream, const void *buf,
                                     size_t len)
{
    struct task_op op;
    op_of_write(&op, stream, buf, len);
    return stream_try(stream, &op);
}

int asyncio_stream_raw_wait(asyncio_stream *stream, unsigned events)
{
    struct task_op op;
    if (events & ASYNCIO_READABLE && buffer_len(&stream->below))
        return 0;
    memset(&op, 0, sizeof op);
    op.op.kind = OP_POLL;
    op.op.events = events;
    if (events & ASYNCIO_READABLE)
        op.op.events |= POLLRDHUP; /* news that came with bytes, and stays */
    ssize_t got = stream_run(stream, &op);
    return got < 0 ? (int)got : 0;
}

int stream_await_news(asyncio_stream *stream)
{
    return asyncio_stream_raw_wait(stream, ASYNCIO_READABLE);
}

/* ---- the filter, or the socket ---- */

/* What a filter has in store it hands out without suspending, for ever. */
static ssize_t filter_read(struct asyncio_filter *filter, void *buf, size_t len)
{
    int err = task_checkpoint(task_current());
    return err < 0 ? err : filter->class_->read(filter, buf, len);
}

static ssize_t filter_write(struct asyncio_filter *filter, const void *buf,
                            size_t len)
{
    int err = task_checkpoint(task_current());
    return err < 0 ? err : filter->class_->write(filter, buf, len);
}

ssize_t stream_pull(asyncio_stream *stream, void *buf, size_t len)
{
    ssize_t got = unlikely(stream->filter)
                      ? filter_read(stream->filter, buf, len)
                      : asyncio_stream_raw_read(stream, buf, len);
    if (got == 0)
        stream->is_at_end = true;
    return got;
}

ssize_t stream_push(asyncio_stream *stream, const void *buf, size_t len)
{
    if (unlikely(stream->filter))
        return filter_write(stream->filter, buf, len);
    return asyncio_stream_raw_write(stream, buf, len);
}

static int filter_start(asyncio_stream *stream, struct asyncio_filter *filter)
{
    bool *busy[] = {&stream->is_reading, &stream->is_writing};
    *busy[0] = *busy[1] = true;
    int err = filter->class_->start(filter);
    stream_end(stream, busy[0]);
    stream_end(stream, busy[1]);
    return err;
}

int asyncio_stream_set_filter(asyncio_stream *stream,
                              struct asyncio_filter *take_filter)
{
    bool is_busy = stream->is_reading || stream->is_writing;
    if (stream->filter)
        return -EALREADY;
    int err = stream_begin(stream, &is_busy);
    if (err < 0)
        return err;
    take_filter->stream = stream;
    stream->filter = take_filter;
    stream->below = stream->ahead;
    stream->ahead = (struct buffer){0};
    if (!take_filter->class_->start)
        return 0;
    return filter_start(stream, take_filter);
}

/* ---- ending ---- */

/* Where an operation is under way, perhaps on a thread, the descriptor is
 * closed by the last one out. */
static void stream_cut_bare(asyncio_stream *stream)
{
    bool is_in_use = false;
    for (size_t i = 0; i < ARRAY_SIZE(stream->bare_ops); i++) {
        if (!stream->bare_ops[i])
            continue;
        is_in_use = true;
        loop_cancel(loop_current, stream->bare_ops[i]);
    }
    if (!is_in_use)
        stream_close_bare(stream);
}

void stream_cut(asyncio_stream *stream, bool is_abort)
{
    static const struct linger at_once = {.l_onoff = 1};
    struct source *source = stream->source;
    if (!source) {
        stream_cut_bare(stream);
        return;
    }
    if (is_abort && stream->is_socket)
        (void)sys_setsockopt(source->fd, SOL_SOCKET, SO_LINGER, &at_once,
                             sizeof at_once);
    stream->source = NULL;
    source_close(source);
}

/* It may have a word for the other side, and others may want to do something
 * with the stream meanwhile: to them it is busy. */
static void stream_close_filter(asyncio_stream *stream, bool is_abort)
{
    struct asyncio_filter *filter = stream->filter;
    bool is_mute = is_abort || !task_current() || stream_fd(stream) < 0 ||
                   !stream_is_here(stream);
    stream->filter = NULL;
    stream->is_reading = stream->is_writing = true;
    filter->class_->close(filter, is_mute);
    stream->is_reading = stream->is_writing = false;
}

/* A stream of a loop that has ended is closed from anywhere. */
static void stream_check_home(const asyncio_stream *stream)
{
    const struct source *source = stream->source;
    const struct backend *home = source ? source->backend : NULL;
    if (home && loop_current && loop_current->backend != home)
        panic("a stream was closed from another loop than its own");
}

static void stream_close(asyncio_stream *stream, bool is_abort)
{
    stream_check_home(stream);
    bool is_busy = stream->is_reading || stream->is_writing;
    if (stream->filter && !is_busy)
        stream_close_filter(stream, is_abort);
    stream_cut(stream, is_abort);
    if (stream->is_lent)
        return;
    stream->is_closed = true;
    if (!is_busy)
        stream_free(stream);
}

void asyncio_stream_close(asyncio_stream *stream)
{
    if (stream)
        stream_close(stream, false);
}

void asyncio_stream_abort(asyncio_stream *stream)
{
    if (stream)
        stream_close(stream, true);
}

/* ---- facts ---- */

static int info_of_address(int err, const struct address *address,
                           char *ret_text, size_t size)
{
    return err < 0 ? err : address_format(address, ret_text, size);
}

static int info_of_peercred(int fd, char *ret_text, size_t size)
{
    struct ucred cred;
    socklen_t len = sizeof cred;
    int err = sys_getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
    if (err < 0 || cred.pid == 0)
        return -ENOENT;
    return snprintf(ret_text, size, "pid=%d uid=%u gid=%u", (int)cred.pid,
                    (unsigned)cred.uid, (unsigned)cred.gid);
}

int asyncio_stream_get_extra_info(asyncio_stream *stream, const char *name,
                                  char *ret_text, size_t size)
{
    struct address address;
    struct asyncio_filter *filter = stream->filter;
    int fd = stream_fd(stream);
    if (fd < 0)
        return fd;
    if (filter && filter->class_->get_extra_info) {
        int len = filter->class_->get_extra_info(filter, name, ret_text, size);
        if (len != -ENOENT)
            return len;
    }
    if (!stream->is_socket)
        return -ENOENT;
    if (strcmp(name, "peername") == 0)
        return info_of_address(address_of_peer(fd, &address), &address,
                               ret_text, size);
    if (strcmp(name, "sockname") == 0)
        return info_of_address(address_of_socket(fd, &address), &address,
                               ret_text, size);
    if (strcmp(name, "peercred") == 0)
        return info_of_peercred(fd, ret_text, size);
    return -ENOENT;
}

int asyncio_stream_fd(const asyncio_stream *stream)
{
    return stream_fd(stream);
}
