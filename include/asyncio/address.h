/* SPDX-License-Identifier: MIT */
/*
 * Addresses of sockets, as values that are copied and compared.
 *
 *     struct asyncio_address address;
 *     char text[ASYNCIO_ADDRESS_TEXT_SIZE];
 *     int err = asyncio_address_parse("[::1]:8888", &address);
 *     if (err == 0)
 *         asyncio_address_format(&address, text, sizeof text);
 *
 * Names are not looked up here: see asyncio/names.h.
 */
#ifndef ASYNCIO_ADDRESS_H
#define ASYNCIO_ADDRESS_H

#include <asyncio/base.h>

ASYNCIO_BEGIN

struct sockaddr;

/* Room for the text of any address, the NUL included. */
#define ASYNCIO_ADDRESS_TEXT_SIZE 112

/* Whatever a socket may have for an address; all zeros is none. Private. */
struct asyncio_address {
    uint64_t storage_[16];       /* a struct sockaddr_storage */
    uint32_t len_;               /* of what is used of it; 0: no address */
};

/*
 * Reads an address as asyncio_address_format writes it: "127.0.0.1:80",
 * "[::1]:80", "[fe80::1%eth0]:80"; what begins with "@" is an abstract Unix
 * socket, and what has a "/" in it the path of one. Never suspends. Needs no
 * loop. -EINVAL: none of these; -ENAMETOOLONG: a path of over 107 bytes.
 */
ASYNCIO_API int asyncio_address_parse(const char *text,
                                      struct asyncio_address *ret_address);

/* Writes the address as text, cut to fit `size`; returns the whole length. No
 * address, and a Unix socket without a name, is "". Never suspends. Needs no
 * loop. */
ASYNCIO_API int asyncio_address_format(const struct asyncio_address *address,
                                       char *ret_text, size_t size);

/* Copies a socket address, as getaddrinfo finds them. Never suspends. Needs no
 * loop. -EAFNOSUPPORT: longer than any address. */
ASYNCIO_API int asyncio_address_copy(const struct sockaddr *from, size_t len,
                                     struct asyncio_address *ret_address);

/* The same the other way: a struct sockaddr_in, _in6 or _un of *ret_len bytes,
 * which is part of `address`. NULL: there is none. Never suspends. Needs no
 * loop. */
ASYNCIO_API const struct sockaddr *
asyncio_address_sockaddr(const struct asyncio_address *address,
                         size_t *ret_len);

/* The port of an Internet address, else 0. Never suspends. Needs no loop. */
ASYNCIO_API int asyncio_address_port(const struct asyncio_address *address);

/* True when both are the same address and port. Never suspends. Needs no
 * loop. */
ASYNCIO_API bool asyncio_address_equal(const struct asyncio_address *a,
                                       const struct asyncio_address *b);

ASYNCIO_END

#endif
