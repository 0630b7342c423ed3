/* SPDX-License-Identifier: MIT */
/* Reading from streams: straight into the caller's memory where that is what
 * was asked for, through the buffer where the end has to be looked for. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

#include "io/stream.h"

enum { FILL_MIN = 4096 };

/* ---- some, and exactly so many ---- */

static ssize_t stream_read(asyncio_stream *stream, void *buf, size_t len)
{
    if (likely(!buffer_len(&stream->ahead) && len))
        return stream_pull(stream, buf, len);
    int err = task_checkpoint(task_current());
    if (err < 0)
        return err;
    return (ssize_t)buffer_take(&stream->ahead, buf, len);
}

ssize_t asyncio_stream_read(asyncio_stream *stream, void *buf, size_t len)
{
    int err = stream_begin(stream, &stream->is_reading);
    if (unlikely(err < 0))
        return err;
    ssize_t got = stream_read(stream, buf, len);
    stream_end(stream, &stream->is_reading);
    return got;
}

static ssize_t stream_readexactly(asyncio_stream *stream, char *buf, size_t len,
                                  size_t *ret_moved)
{
    size_t moved = 0;
    ssize_t got = len ? 1 : stream_read(stream, buf, 0);
    while (moved < len && got > 0) {
        got = stream_read(stream, buf + moved, len - moved);
        moved += got > 0 ? (size_t)got : 0;
    }
    *ret_moved = moved;
    if (moved == len && got >= 0)
        return (ssize_t)len;
    return got == 0 ? -ENODATA : got;
}

ssize_t asyncio_stream_readexactly(asyncio_stream *stream, void *buf,
                                   size_t len, size_t *ret_moved)
{
    size_t moved = 0;
    ssize_t result = -EINVAL;
    if (len <= SSIZE_MAX)
        result = stream_begin(stream, &stream->is_reading);
    if (result == 0) {
        result = stream_readexactly(stream, buf, len, &moved);
        stream_end(stream, &stream->is_reading);
    }
    if (ret_moved)
        *ret_moved = moved;
    return result;
}

/* ---- up to a separator ---- */

/* Of a bare descriptor nobody knows, and a look would be a call of its own. */
static bool stream_is_readable(asyncio_stream *stream)
{
    const struct asyncio_filter *filter = stream->filter;
    if (filter && filter->class_->is_readable(filter))
        return true;
    if (buffer_len(&stream->below) || !stream->source)
        return true;
    return source_is_ready(stream->source, POLLIN);
}

/* Reads more into the buffer, whose memory an idle stream does without. As
 * read(2). */
static ssize_t stream_fill(asyncio_stream *stream)
{
    struct buffer *ahead = &stream->ahead;
    if (!buffer_len(ahead) && !stream_is_readable(stream)) {
        buffer_free(ahead);
        int err = stream_await_news(stream);
        if (err < 0)
            return err;
    }
    size_t room = buffer_len(ahead);
    if (buffer_reserve(ahead, room < FILL_MIN ? FILL_MIN : room) < 0)
        return -ENOMEM;
    ssize_t got = stream_pull(stream, ahead->bytes + ahead->end,
                              ahead->capacity - ahead->end);
    if (got > 0)
        ahead->end += (size_t)got;
    return got;
}

struct separator {
    const void *bytes;
    size_t len;
};

/* The length of what ends with the separator, 0 where there is none. The first
 * `searched` bytes have been looked at before. */
static size_t buffer_find(const struct buffer *buffer, size_t searched,
                          const struct separator *separator)
{
    size_t from = searched < separator->len ? 0 : searched - separator->len + 1;
    size_t have = buffer_len(buffer);
    if (have < separator->len)
        return 0;
    const unsigned char *start = buffer_start(buffer);
    const unsigned char *at = memmem(start + from, have - from,
                                     separator->bytes, separator->len);
    return at ? (size_t)(at - start) + separator->len : 0;
}

/* Fills the buffer until it begins with a piece that ends with the separator
 * and is at most `size` long; its length. -ENODATA at the end. */
static ssize_t stream_find(asyncio_stream *stream,
                           const struct separator *separator, size_t size)
{
    size_t most = size < stream->limit ? size : stream->limit;
    size_t searched = 0;
    int err = task_checkpoint(task_current());
    if (err < 0)
        return err;
    for (;;) {
        size_t len = buffer_find(&stream->ahead, searched, separator);
        if (len)
            return len <= most ? (ssize_t)len : -EMSGSIZE;
        searched = buffer_len(&stream->ahead);
        if (searched >= most)
            return -EMSGSIZE;
        ssize_t got = stream_fill(stream);
        if (got <= 0)
            return got == 0 ? -ENODATA : got;
    }
}

ssize_t asyncio_stream_readuntil(asyncio_stream *stream, const void *separator,
                                 size_t separator_len, void *buf, size_t size)
{
    struct separator end = {separator, separator_len};
    if (!separator || !separator_len)
        return -EINVAL;
    int err = stream_begin(stream, &stream->is_reading);
    if (err < 0)
        return err;
    ssize_t len = stream_find(stream, &end, size);
    if (len > 0)
        buffer_take(&stream->ahead, buf, (size_t)len);
    stream_end(stream, &stream->is_reading);
    return len;
}

static ssize_t stream_readline(asyncio_stream *stream, char *buf, size_t size)
{
    static const struct separator newline = {"\n", 1};
    ssize_t len = stream_find(stream, &newline, size - 1);
    if (len == -ENODATA)
        len = (ssize_t)buffer_len(&stream->ahead); /* the last one lacks it */
    if (len < 0)
        return len;
    buffer_take(&stream->ahead, buf, (size_t)len);
    buf[len] = '\0';
    return len;
}

ssize_t asyncio_stream_readline(asyncio_stream *stream, char *buf, size_t size)
{
    if (size < 2)
        return -EINVAL;
    int err = stream_begin(stream, &stream->is_reading);
    if (err < 0)
        return err;
    ssize_t len = stream_readline(stream, buf, size);
    stream_end(stream, &stream->is_reading);
    return len;
}

/* ---- looking ---- */

static int stream_look(asyncio_stream *stream)
{
    int err = task_checkpoint(task_current());
    if (err < 0)
        return err;
    if (buffer_len(&stream->ahead))
        return 1;
    ssize_t got = stream_fill(stream);
    return got > 0 ? 1 : (int)got;
}

int asyncio_stream_wait_readable(asyncio_stream *stream)
{
    int err = stream_begin(stream, &stream->is_reading);
    if (err < 0)
        return err;
    int result = stream_look(stream);
    stream_end(stream, &stream->is_reading);
    return result;
}

bool asyncio_stream_at_eof(const asyncio_stream *stream)
{
    return stream->is_at_end && !buffer_len(&stream->ahead);
}
