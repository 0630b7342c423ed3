/* SPDX-License-Identifier: MIT */
/*
 * A stream's insides.
 *
 *     asyncio_stream_read, readuntil, ...   asyncio_stream_write, writev
 *              |                                     |
 *        ahead: read and not taken                   |
 *              |                                     |
 *            filter (TLS), or nothing           the same filter
 *              |                                     |
 *        below: what was read ahead when the         |
 *               filter came                          |
 *              |                                     |
 *           the source: recv                       send
 */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include <errno.h>

#include <asyncio/filter.h>
#include <asyncio/stream.h>

#include "backend/source.h"
#include "io/buffer.h"
#include "task/park.h"

#define STREAM_LIMIT_DEFAULT ((size_t)64 * 1024)

struct asyncio_stream {
    struct source *source;       /* NULL: closed, or bare */
    int bare_fd;                 /* in place of a source: a file, or what others
                                  * share and must find in blocking mode; -1 */
    unsigned bare_loop;          /* the number of its loop */
    struct op *bare_ops[2];      /* on that, of the reader and the writer, while
                                  * they wait */
    bool writes_block;           /* bare_fd: even when it is writable */
    struct asyncio_filter *filter; /* NULL: none */
    struct buffer ahead;
    struct buffer below;
    size_t limit;
    bool is_socket;              /* else a pipe, for read and write */
    bool is_reading, is_writing; /* somebody does */
    bool is_lent;                /* to a client's task: its server frees it */
    bool is_closed;              /* by the other task, during a call of this */
    bool is_at_end;              /* the other side has ended */
    bool has_ended;              /* this side has */
};

/* A stream of a descriptor that it takes over once this returns 0. `ready`:
 * as source_open's. -EPERM: no loop runs here. */
int stream_new(int fd, bool is_socket, unsigned ready,
               asyncio_stream **ret_stream);

/* A stream of a descriptor whose mode is left alone and which may be a file;
 * taken over once this returns 0. -EPERM, -ENOMEM; -ENOTSUP: simulated. */
int stream_new_bare(int fd, asyncio_stream **ret_stream);

/* Its descriptor; -EBADF: it is closed. */
static inline int stream_fd(const asyncio_stream *stream)
{
    if (stream->source)
        return stream->source->fd;
    return stream->bare_fd >= 0 && !stream->is_closed ? stream->bare_fd
                                                      : -EBADF;
}

/* Is it of the loop that runs here? False also once that loop has ended. */
static inline bool stream_is_here(const asyncio_stream *stream)
{
    if (unlikely(!stream->source))
        return stream->bare_loop == loop_current->number;
    return backend_is_here(stream->source->backend);
}

/*
 * The entry of every call that reads or writes, and its end. In between the
 * stream stays, even if another task closes it. `is_busy` is is_reading or
 * is_writing. -EPERM, -EXDEV, -EBADF (closed), -EBUSY.
 */
int stream_begin(asyncio_stream *stream, bool *is_busy);
void stream_end(asyncio_stream *stream, bool *is_busy);

/* Carries an operation on its socket out; all but the descriptor is set. */
ssize_t stream_run(asyncio_stream *stream, struct task_op *op);

/* The next bytes from the filter, or from the socket; as read(2). */
ssize_t stream_pull(asyncio_stream *stream, void *buf, size_t len);

/* Hands some to the filter or to the socket; as write(2). */
ssize_t stream_push(asyncio_stream *stream, const void *buf, size_t len);

/* Waits until the socket has news for a reader. */
int stream_await_news(asyncio_stream *stream);

/* Ends the connection, and with it what waits on it; the stream stays. */
void stream_cut(asyncio_stream *stream, bool is_abort);

#endif
