/* SPDX-License-Identifier: MIT */
/*
 * Plain descriptors: pipes, sockets, whatever can be waited for. Buffers are
 * lent until the call returns, and it returns only when the kernel has let go
 * of them, so they may be on the stack.
 *
 *     char line[80];
 *     ssize_t len = asyncio_fd_read(fd, line, sizeof line);
 */
#ifndef ASYNCIO_FD_H
#define ASYNCIO_FD_H

#include <sys/types.h>

#include <asyncio/base.h>
#include <asyncio/task.h>

ASYNCIO_BEGIN

enum asyncio_fd_events {
    ASYNCIO_READABLE = 1,
    ASYNCIO_WRITABLE = 4,
};

/* Waits until one of `events` holds; returns those that do (an error or a
 * hang-up counts as all). Suspends. Cancelled: -ECANCELED. -EBADF. */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_fd_wait(int fd, unsigned events);

/* Reads at most `len` bytes: returns as soon as there are any; 0 is the end.
 * Suspends. Cancelled: -ECANCELED, nothing read. As read(2) otherwise. */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t asyncio_fd_read(int fd, void *buf,
                                                     size_t len);

/* Writes at least one byte and returns how many. Suspends. Cancelled:
 * -ECANCELED, nothing written. As write(2) otherwise. */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t asyncio_fd_write(int fd, const void *buf,
                                                      size_t len);

ASYNCIO_END

#endif
