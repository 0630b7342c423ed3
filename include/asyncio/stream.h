/* SPDX-License-Identifier: MIT */
/*
 * Streams: connected byte streams with a buffer for reading. TCP, Unix
 * sockets, and what a filter such as TLS makes of one.
 *
 *     asyncio_stream *stream;
 *     int err = asyncio_open_connection("example.org", "80", NULL, &stream);
 *     if (err < 0)
 *         return err;
 *     ssize_t done = asyncio_stream_write(stream, request, len, NULL);
 *     if (done >= 0)
 *         done = asyncio_stream_read(stream, answer, sizeof answer);
 *     asyncio_stream_close(stream);
 *
 * Over TCP what is written is sent at once (TCP_NODELAY), as in asyncio.
 *
 * One task at a time reads and one writes, which may be two: another one gets
 * -EBUSY. Memory that is read into or written from is lent until the call
 * returns and may be on the stack. A stream belongs to the loop it was opened
 * in (-EXDEV elsewhere) and is closed by whoever opened it, if need be after
 * the loop's end.
 */
#ifndef ASYNCIO_STREAM_H
#define ASYNCIO_STREAM_H

#include <sys/types.h>
#include <sys/uio.h>

#include <asyncio/base.h>
#include <asyncio/task.h>

ASYNCIO_BEGIN

typedef struct asyncio_stream asyncio_stream;

/* ---- opening ---- */

/* An address that could not be connected to, and why. */
struct asyncio_connect_failure {
    char address[64];            /* as "[::1]:80"; a Unix path may be cut */
    int err;
};

/* Zeros are defaults. */
struct asyncio_connect_options {
    int family;                  /* AF_INET or AF_INET6 only; 0: both */
    /* Happy eyeballs (RFC 8305): how long an attempt has before the next
     * address is tried beside it, in seconds; 0: 0.25; ASYNCIO_FOREVER: one
     * after the other. */
    double attempt_delay;
    const char *local_host;      /* to connect from; a literal address */
    const char *local_port;
    size_t limit;                /* of readuntil and readline; 0: 64 KiB */
    /* Where every attempt that failed is told of: room for so many, and how
     * many there were (also more than there is room for). NULL: nowhere. */
    struct asyncio_connect_failure *ret_failures;
    size_t failures_size;
    size_t *ret_failure_count;
};

/*
 * Connects to `port` (a number or a service's name) of `host` (a name or an
 * address): tries the addresses of both families in turn and beside each other,
 * and keeps the first that answers. `options` may be NULL. Writes *ret_stream.
 * Suspends. Cancelled: -ECANCELED, and all attempts are closed. Else the first
 * failure of an attempt, or a resolver's code (enum asyncio_code).
 */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_open_connection(const char *host, const char *port,
                        const struct asyncio_connect_options *options,
                        asyncio_stream **ret_stream);

/* Connects to a Unix socket; a path that begins with "@" is in the abstract
 * name space. Suspends. Cancelled: -ECANCELED. -ENAMETOOLONG: over 107 bytes;
 * as connect(2) otherwise. */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_open_unix_connection(const char *path,
                             const struct asyncio_connect_options *options,
                             asyncio_stream **ret_stream);

/* Two streams that are connected to each other. Never suspends. -EMFILE,
 * -ENOMEM. */
ASYNCIO_API int asyncio_stream_pair(asyncio_stream *ret_streams[2]);

/*
 * Makes a stream of a connected stream socket or of a pipe's end, which it
 * takes over: it becomes nonblocking, and closing the stream closes it. On
 * failure it stays the caller's. Never suspends. -EPERM: a file, which cannot
 * be waited for; -ENOTSUP: in a simulation; -EBADF; -ENOMEM.
 */
ASYNCIO_API int asyncio_stream_from_fd(int take_fd,
                                       asyncio_stream **ret_stream);

/* ---- reading ---- */

/* Reads at most `len` bytes: returns as soon as there are any. 0 is the end
 * of the stream. Suspends. Cancelled: -ECANCELED, nothing read. */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t asyncio_stream_read(asyncio_stream *stream,
                                                         void *buf, size_t len);

/*
 * Reads exactly `len` bytes and returns `len`. When it cannot, *ret_moved (may
 * be NULL) says how many bytes have been moved to `buf` all the same. -ENODATA:
 * the stream ended before that; -EINVAL: more than SSIZE_MAX. Suspends.
 * Cancelled: -ECANCELED.
 */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t
asyncio_stream_readexactly(asyncio_stream *stream, void *buf, size_t len,
                           size_t *ret_moved);

/*
 * Reads up to and with the first `separator` (of separator_len > 0 bytes) and
 * returns how many bytes that is, the separator included. Until there is one,
 * nothing is taken: what has come stays in the stream's buffer, so that a
 * cancelled call loses nothing. Suspends. Cancelled: -ECANCELED.
 * -EMSGSIZE: there is none within the stream's limit, or it does not fit in
 * `size`; all of it stays to be read. -ENODATA: the stream ended before it;
 * what had come, if anything, stays to be read.
 */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t
asyncio_stream_readuntil(asyncio_stream *stream, const void *separator,
                         size_t separator_len, void *buf, size_t size);

/*
 * Reads a line to `buf`, with its "\n" and a NUL after it, and returns its
 * length without the NUL; the last line may lack the "\n". 0 is the end of the
 * stream. Suspends. Cancelled: -ECANCELED, nothing taken. -EMSGSIZE: longer
 * than the limit or than `size` - 1; it stays to be read.
 */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t
asyncio_stream_readline(asyncio_stream *stream, char *buf, size_t size);

/* Waits until a read would return at once; 1, or 0 at the end of the stream.
 * For who wants no buffer while idle. Suspends. Cancelled: -ECANCELED. */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_stream_wait_readable(asyncio_stream *stream);

/* True when all has been read and the other side has ended. Never suspends. */
ASYNCIO_API bool asyncio_stream_at_eof(const asyncio_stream *stream);

/* ---- writing ---- */

/*
 * Writes all `len` bytes; returns `len` when the kernel has taken the last of
 * them. Nothing is buffered here: while the other side is slow, the call
 * waits. When it fails, *ret_moved (may be NULL) says how many bytes have gone
 * all the same. Suspends. Cancelled: -ECANCELED. -EPIPE, -ECONNRESET: the
 * other side is gone; -EINVAL: longer than SSIZE_MAX.
 */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t
asyncio_stream_write(asyncio_stream *stream, const void *buf, size_t len,
                     size_t *ret_moved);

/* As asyncio_stream_write, of `count` pieces one after the other. -EINVAL:
 * together they are longer than SSIZE_MAX. */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t
asyncio_stream_writev(asyncio_stream *stream, const struct iovec *parts,
                      size_t count, size_t *ret_moved);

/* As asyncio_stream_write, of a NUL-terminated text. */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t
asyncio_stream_write_text(asyncio_stream *stream, const char *text);

/* Says that nothing more will be written; the other side reads the end, and
 * may go on writing. Suspends only where a filter has something to say. A pipe
 * is closed by it (later calls: -EBADF). -ENOTSUP: a terminal. */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_stream_write_eof(asyncio_stream *stream);

/* ---- descriptors, over Unix sockets ---- */

/*
 * Writes all `len` > 0 bytes as asyncio_stream_write does, and with the first
 * of them copies of `count` descriptors (1 to 253; they stay the caller's).
 * Whoever gets that byte gets them, if by asyncio_stream_receive_fds; every
 * other way to read it closes them. They have gone when *ret_moved is not 0.
 * Suspends. Cancelled: -ECANCELED. -EOPNOTSUPP: no Unix socket, or a filter is
 * in between; -EBADF: one is no descriptor; -ETOOMANYREFS: too many are on
 * their way.
 */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t
asyncio_stream_send_fds(asyncio_stream *stream, const int *fds, size_t count,
                        const void *buf, size_t len, size_t *ret_moved);

/* Where received descriptors go. */
struct asyncio_received_fds {
    int *fds;                    /* yours: room for `size` of them */
    size_t size;
    size_t count;                /* how many are there now, for you to close;
                                  * close-on-exec */
    size_t lost;                 /* came as well and have been closed, because
                                  * there was no room; with no descriptor free
                                  * in the process, 1 stands for any number */
};

/*
 * Reads at most `len` > 0 bytes as asyncio_stream_read does, and what
 * descriptors came with them: those of one asyncio_stream_send_fds at most.
 * Writes `count` and `lost`. Suspends. Cancelled: -ECANCELED, nothing read and
 * nothing received. -EBUSY: also when readline or the like has read ahead what
 * is still to be read, since descriptors among it are gone; -EOPNOTSUPP as
 * above.
 */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t
asyncio_stream_receive_fds(asyncio_stream *stream, void *buf, size_t len,
                           struct asyncio_received_fds *received);

/* ---- ending ---- */

/*
 * Closes it and frees it. What was written before still reaches the other
 * side. A read or write of another task that is under way fails with -EBADF.
 * NULL is fine. Suspends only where a filter has something to say to the
 * other side; cancelled, it closes without.
 */
ASYNCIO_API ASYNCIO_SUSPENDS void asyncio_stream_close(asyncio_stream *stream);

/* As close, but the other side is told that the connection broke (TCP: RST),
 * and what has not been sent is dropped. Never suspends. */
ASYNCIO_API void asyncio_stream_abort(asyncio_stream *stream);

/* ---- facts ---- */

/*
 * A fact about the stream as text: "peername" and "sockname" ("127.0.0.1:80",
 * "[::1]:80", a path), "peercred" of a Unix socket ("pid=1 uid=0 gid=0"); a
 * filter has more of its own. Copied to `ret_text`, cut to fit `size`; returns
 * the whole length. Never suspends. -ENOENT: no such fact.
 */
ASYNCIO_API int asyncio_stream_get_extra_info(asyncio_stream *stream,
                                              const char *name, char *ret_text,
                                              size_t size);

/* Its descriptor, which stays the stream's: for setsockopt and the like. */
ASYNCIO_API int asyncio_stream_fd(const asyncio_stream *stream);

ASYNCIO_END

#endif
