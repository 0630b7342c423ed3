/* SPDX-License-Identifier: MIT */
/*
 * Filters: what stands between a stream and its socket, as TLS does. Only for
 * those who write one; programs that use TLS include asyncio/tls.h.
 *
 * A filter lies under the stream's buffer and above its socket. It is asked
 * with the stream's own calls (one reader, one writer at a time, which may be
 * two tasks), past their look at cancellation, and reads and writes the socket
 * by the asyncio_stream_raw_* below. While it is inside one of these, the
 * stream may be closed by another task; filter and stream stay until it has
 * returned, and the calls below fail with -EBADF.
 */
#ifndef ASYNCIO_FILTER_H
#define ASYNCIO_FILTER_H

#include <sys/types.h>

#include <asyncio/base.h>
#include <asyncio/fd.h>
#include <asyncio/stream.h>
#include <asyncio/task.h>

ASYNCIO_BEGIN

struct asyncio_filter;

struct asyncio_filter_class {
    /* Some bytes, 0 at the end of the stream, or negative. Suspends. */
    ssize_t (*read)(struct asyncio_filter *filter, void *buf, size_t len);
    /* Takes at least one byte; how many, or negative. Suspends. */
    ssize_t (*write)(struct asyncio_filter *filter, const void *buf,
                     size_t len);
    /* May a read return without news from the socket? Rather too often true
     * than once too rarely. */
    bool (*is_readable)(const struct asyncio_filter *filter);
    /* Tells the other side that nothing more comes. Suspends. */
    int (*write_eof)(struct asyncio_filter *filter);
    /* Frees it; `is_abort`: the other side hears nothing more of it. */
    void (*close)(struct asyncio_filter *filter, bool is_abort);
    /* As asyncio_stream_get_extra_info; -ENOENT: ask below. NULL: nothing. */
    int (*get_extra_info)(struct asyncio_filter *filter, const char *name,
                          char *ret_text, size_t size);
    /* Does the kernel do to the socket's bytes what the filter would, so that
     * sendfile(2) may pass it by (kTLS)? NULL: no. */
    bool (*sends_plain)(const struct asyncio_filter *filter);
    /* What is to be said before anything else, as TLS's handshake. The stream
     * is busy for everybody else meanwhile. Suspends. NULL: nothing. */
    int (*start)(struct asyncio_filter *filter);
};

/* Embedded in the filter's own structure. */
struct asyncio_filter {
    const struct asyncio_filter_class *class_;
    asyncio_stream *stream;
};

/*
 * Puts a filter into a stream that has none; the stream frees it from here on.
 * What has been read ahead and not taken is the first that raw_read hands out.
 * Then starts it, and returns what that comes to: if it fails, the filter is
 * the stream's all the same. Suspends where start does. Before that, and then
 * the filter stays the caller's: -EBUSY: somebody reads or writes; -EALREADY:
 * it has one; -EPERM, -EXDEV, -EBADF.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_stream_set_filter(asyncio_stream *stream,
                          struct asyncio_filter *take_filter);

/* As asyncio_stream_read, below the filter. Suspends. Cancelled: -ECANCELED. */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t
asyncio_stream_raw_read(asyncio_stream *stream, void *buf, size_t len);

/* Writes at least one byte below the filter and returns how many, as write(2).
 * Suspends. Cancelled: -ECANCELED, nothing written. */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t asyncio_stream_raw_write(
    asyncio_stream *stream, const void *buf, size_t len);

/* As raw_read, of what is there now: -EAGAIN where that would wait, and waiting
 * for ASYNCIO_READABLE is the way on. Never suspends. -ENOTSUP: a stream on a
 * descriptor that others share (asyncio/stdio.h). */
ASYNCIO_API ssize_t asyncio_stream_raw_try_read(asyncio_stream *stream,
                                                void *buf, size_t len);

/* As raw_write, of what fits now; else -EAGAIN. Never suspends. -ENOTSUP: as
 * raw_try_read. */
ASYNCIO_API ssize_t asyncio_stream_raw_try_write(asyncio_stream *stream,
                                                 const void *buf, size_t len);

/* Waits until a try of one of `events` (ASYNCIO_READABLE, ASYNCIO_WRITABLE) may
 * get on. Suspends. Cancelled: -ECANCELED. -EBADF: closed meanwhile. */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_stream_raw_wait(asyncio_stream *stream,
                                                         unsigned events);

ASYNCIO_END

#endif
