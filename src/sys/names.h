/* SPDX-License-Identifier: MIT */
/*
 * The C library's resolver. It blocks, unless the host and the port are
 * literals; it needs some 20 KiB of stack and more under nsswitch's modules.
 * Its failures are codes of asyncio/base.h, negative.
 */
#ifndef SYS_NAMES_H
#define SYS_NAMES_H

#include <netdb.h>

#include "base/base.h"

int sys_getaddrinfo(const char *host, const char *port,
                    const struct addrinfo *hints, struct addrinfo **ret_found);
void sys_freeaddrinfo(struct addrinfo *found);
int sys_getnameinfo(const struct sockaddr *address, socklen_t len,
                    char *ret_host, size_t host_size, char *ret_port,
                    size_t port_size, int flags);

#endif
