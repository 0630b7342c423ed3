/* SPDX-License-Identifier: MIT */
/* Writing to streams. Nothing is buffered: what a slow reader does not take
 * keeps its writer waiting, so memory stays bounded. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "io/pieces.h"
#include "io/stream.h"
#include "sys/descriptors.h"
#include "sys/sockets.h"

static ssize_t stream_write(asyncio_stream *stream, const char *buf, size_t len,
                            size_t *moved)
{
    ssize_t done = len ? 0 : task_checkpoint(task_current());
    size_t at = 0;
    while (at < len && done >= 0) {
        done = stream_push(stream, buf + at, len - at);
        at += done > 0 ? (size_t)done : 0;
    }
    *moved += at;
    return done < 0 ? done : (ssize_t)len;
}

static int write_begin(asyncio_stream *stream)
{
    int err = stream_begin(stream, &stream->is_writing);
    if (unlikely(err == 0 && stream->has_ended)) {
        stream_end(stream, &stream->is_writing);
        return -EPIPE;
    }
    return err;
}

ssize_t asyncio_stream_write(asyncio_stream *stream, const void *buf,
                             size_t len, size_t *ret_moved)
{
    size_t moved = 0;
    ssize_t result =
        unlikely(len > SSIZE_MAX) ? -EINVAL : write_begin(stream);
    if (likely(result == 0)) {
        result = stream_write(stream, buf, len, &moved);
        stream_end(stream, &stream->is_writing);
    }
    if (ret_moved)
        *ret_moved = moved;
    return result;
}

ssize_t asyncio_stream_write_text(asyncio_stream *stream, const char *text)
{
    return asyncio_stream_write(stream, text, strlen(text), NULL);
}

/* ---- many pieces ---- */

static ssize_t stream_sendmsg(asyncio_stream *stream,
                              const struct pieces *pieces)
{
    struct iovec window[WINDOW_PARTS];
    struct msghdr header = {.msg_iov = window};
    struct task_op op;
    header.msg_iovlen = pieces_window(pieces, window);
    memset(&op, 0, sizeof op);
    op.op.kind = OP_SENDMSG;
    op.op.message.header = &header;
    return stream_run(stream, &op);
}

/* As write(2), of the first piece or of several at once. */
static ssize_t stream_push_pieces(asyncio_stream *stream,
                                  const struct pieces *pieces)
{
    if (stream->is_socket && !stream->filter && pieces->count > 1)
        return stream_sendmsg(stream, pieces);
    return stream_push(stream,
                       (const char *)pieces->parts->iov_base + pieces->skip,
                       pieces->parts->iov_len - pieces->skip);
}

static ssize_t stream_writev(asyncio_stream *stream, struct pieces pieces,
                             size_t *moved)
{
    pieces_advance(&pieces, 0);
    ssize_t done = pieces.count ? 0 : task_checkpoint(task_current());
    while (pieces.count && done >= 0) {
        done = stream_push_pieces(stream, &pieces);
        if (done > 0) {
            pieces_advance(&pieces, (size_t)done);
            *moved += (size_t)done;
        }
    }
    return done < 0 ? done : (ssize_t)*moved;
}

ssize_t asyncio_stream_writev(asyncio_stream *stream, const struct iovec *parts,
                              size_t count, size_t *ret_moved)
{
    size_t moved = 0;
    ssize_t result = parts_fit(parts, count) ? write_begin(stream) : -EINVAL;
    if (result == 0) {
        struct pieces pieces = {.parts = parts, .count = count};
        result = stream_writev(stream, pieces, &moved);
        stream_end(stream, &stream->is_writing);
    }
    if (ret_moved)
        *ret_moved = moved;
    return result;
}

/* ---- the end ---- */

/* The end of a pipe is its writer's close. */
static int pipe_write_eof(asyncio_stream *stream)
{
    int access = sys_access_mode(stream_fd(stream));
    if (access < 0)
        return access;
    if (access != O_WRONLY)
        return -ENOTSUP;         /* a terminal; it can be read, too */
    stream_cut(stream, false);
    return 0;
}

static int stream_write_eof(asyncio_stream *stream)
{
    if (stream->filter)
        return stream->filter->class_->write_eof(stream->filter);
    if (!stream->is_socket)
        return pipe_write_eof(stream);
    return sys_shutdown(stream->source->fd, SHUT_WR);
}

int asyncio_stream_write_eof(asyncio_stream *stream)
{
    int err = stream_begin(stream, &stream->is_writing);
    if (err < 0)
        return err;
    if (!stream->has_ended)
        err = stream_write_eof(stream);
    if (err >= 0)
        stream->has_ended = true;
    stream_end(stream, &stream->is_writing);
    return err < 0 ? err : 0;
}
