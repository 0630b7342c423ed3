/* SPDX-License-Identifier: MIT */
/*
 * Names and addresses: getaddrinfo(3) and getnameinfo(3), awaited. They run on
 * a pool of threads of their own, so that a slow name server holds up nobody
 * who waits for files; literal addresses never leave the thread.
 *
 *     struct addrinfo *found;
 *     int err = asyncio_getaddrinfo("example.org", "443", NULL, &found);
 *     ...
 *     asyncio_freeaddrinfo(found);
 */
#ifndef ASYNCIO_NAMES_H
#define ASYNCIO_NAMES_H

#include <stddef.h>

#include <asyncio/base.h>
#include <asyncio/task.h>

ASYNCIO_BEGIN

struct addrinfo;
struct sockaddr;

/*
 * As getaddrinfo(3): `host` or `port` may be NULL, `hints` too (then: stream
 * sockets of any family). Writes *ret_found, to be freed by
 * asyncio_freeaddrinfo. Suspends, but for literals. Cancelled: -ECANCELED; the
 * look-up is left behind and its answer dropped.
 * -ASYNCIO_EAI_NONAME and the
 * resolver's other codes (asyncio/base.h); -ENOMEM.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_getaddrinfo(const char *host, const char *port,
                    const struct addrinfo *hints, struct addrinfo **ret_found);

/* Frees what asyncio_getaddrinfo found; NULL is fine. Never suspends. */
ASYNCIO_API void asyncio_freeaddrinfo(struct addrinfo *found);

/*
 * As getnameinfo(3): names for an address of `len` bytes, each NUL-terminated
 * and cut to fit; either may be NULL. `flags` are NI_*; with NI_NUMERICHOST and
 * NI_NUMERICSERV it never suspends. Else as asyncio_getaddrinfo.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_getnameinfo(const struct sockaddr *address, size_t len, char *ret_host,
                    size_t host_size, char *ret_port, size_t port_size,
                    int flags);

ASYNCIO_END

#endif
