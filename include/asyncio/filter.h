/* SPDX-License-Identifier: MIT */
/*
 * Filters: what stands between a stream and its socket, as TLS does. Only for
 * those who write one; programs that use TLS include asyncio/tls.h.
 *
 * A filter lies under the stream's buffer and above its socket. It is asked
 * with the stream's own calls (one reader, one writer at a time), and reads and
 * writes the socket by asyncio_stream_raw_read and asyncio_stream_raw_write.
 */
#ifndef ASYNCIO_FILTER_H
#define ASYNCIO_FILTER_H

#include <sys/types.h>

#include <asyncio/base.h>
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
    /* Would a read return at once, without a look at the socket? */
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
};

/* Embedded in the filter's own structure. */
struct asyncio_filter {
    const struct asyncio_filter_class *class_;
    asyncio_stream *stream;
};

/*
 * Puts a filter into a stream that has none; the stream frees it from here on.
 * What has been read ahead and not taken is the first that raw_read hands out.
 * Never suspends. -EBUSY: somebody reads or writes; -EALREADY: it has one.
 */
ASYNCIO_API int asyncio_stream_set_filter(asyncio_stream *stream,
                                          struct asyncio_filter *take_filter);

/* As asyncio_stream_read, below the filter. Suspends. Cancelled: -ECANCELED. */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t
asyncio_stream_raw_read(asyncio_stream *stream, void *buf, size_t len);

/* Writes at least one byte below the filter and returns how many, as write(2).
 * Suspends. Cancelled: -ECANCELED, nothing written. */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t asyncio_stream_raw_write(
    asyncio_stream *stream, const void *buf, size_t len);

ASYNCIO_END

#endif
