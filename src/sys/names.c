/* SPDX-License-Identifier: MIT */
/* The resolver; see names.h. */
#include "sys/names.h"

#include <asyncio/base.h>

#include "sys/internal.h"

/* EAI_* are negative in glibc and musl. */
_Static_assert(EAI_NONAME == ASYNCIO_EAI_BASE - ASYNCIO_EAI_NONAME &&
                   EAI_AGAIN == ASYNCIO_EAI_BASE - ASYNCIO_EAI_AGAIN &&
                   EAI_OVERFLOW == ASYNCIO_EAI_BASE - ASYNCIO_EAI_OVERFLOW,
               "the block is the C library's codes, moved");

static int names_error(int code)
{
    if (code == 0)
        return 0;
    if (code == EAI_MEMORY)
        return -ENOMEM;
    if (code == EAI_SYSTEM)
        return errno ? -errno : -EIO;
    return code - ASYNCIO_EAI_BASE;
}

int sys_getaddrinfo(const char *host, const char *port,
                    const struct addrinfo *hints, struct addrinfo **ret_found)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -ASYNCIO_EAI_AGAIN;
    return names_error(getaddrinfo(host, port, hints, ret_found));
}

void sys_freeaddrinfo(struct addrinfo *found)
{
    if (found)
        freeaddrinfo(found);
}

int sys_getnameinfo(const struct sockaddr *address, socklen_t len,
                    char *ret_host, size_t host_size, char *ret_port,
                    size_t port_size, int flags)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -ASYNCIO_EAI_AGAIN;
    return names_error(getnameinfo(address, len, ret_host,
                                   (socklen_t)host_size, ret_port,
                                   (socklen_t)port_size, flags));
}
