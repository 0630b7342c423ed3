/* SPDX-License-Identifier: MIT */
/* Addresses; see address.h. */
#include "io/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "sys/sockets.h"

/* ---- to text ---- */

static int format_ipv4(const struct sockaddr_in *in, char *ret_text,
                       size_t size)
{
    char host[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
    return snprintf(ret_text, size, "%s:%u", host, ntohs(in->sin_port));
}

static int format_ipv6(const struct sockaddr_in6 *in, char *ret_text,
                       size_t size)
{
    char host[INET6_ADDRSTRLEN];
    char zone[IF_NAMESIZE + 1] = "";
    inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof host);
    if (in->sin6_scope_id)
        snprintf(zone, sizeof zone, "%%%u", in->sin6_scope_id);
    return snprintf(ret_text, size, "[%s%s]:%u", host, zone,
                    ntohs(in->sin6_port));
}

/* A path may fill its field to the last byte, without a NUL; an abstract name
 * begins with one and may hold more. */
static int format_local(const struct address *address, char *ret_text,
                        size_t size)
{
    const char *path = address->local.sun_path;
    size_t start = offsetof(struct sockaddr_un, sun_path);
    size_t len = address->len > start ? address->len - start : 0;
    if (len && path[0] == '\0')
        return snprintf(ret_text, size, "@%.*s", (int)len - 1, path + 1);
    return snprintf(ret_text, size, "%.*s", (int)len, path);
}

int address_format(const struct address *address, char *ret_text, size_t size)
{
    switch (address->any.sa_family) {
    case AF_INET:
        return format_ipv4((const struct sockaddr_in *)&address->storage,
                           ret_text, size);
    case AF_INET6:
        return format_ipv6((const struct sockaddr_in6 *)&address->storage,
                           ret_text, size);
    case AF_UNIX:
        return format_local(address, ret_text, size);
    default:
        return snprintf(ret_text, size, "family %d", address->any.sa_family);
    }
}

int address_port(const struct address *address)
{
    const void *any = &address->storage;
    if (address->any.sa_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)any)->sin_port);
    if (address->any.sa_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)any)->sin6_port);
    return 0;
}

/* ---- from elsewhere ---- */

int address_of_path(const char *path, struct address *ret_address)
{
    size_t len = path ? strlen(path) : 0;
    if (!len)
        return -EINVAL;
    if (len >= sizeof ret_address->local.sun_path)
        return -ENAMETOOLONG;
    *ret_address = (struct address){.local.sun_family = AF_UNIX};
    memcpy(ret_address->local.sun_path, path, len);
    bool is_abstract = path[0] == '@';
    if (is_abstract)
        ret_address->local.sun_path[0] = '\0';
    /* A path counts its NUL, an abstract name has none. */
    ret_address->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
                                   len + !is_abstract);
    return 0;
}

int address_copy(const struct sockaddr *from, socklen_t len,
                 struct address *ret_address)
{
    if (len > sizeof ret_address->storage)
        return -EAFNOSUPPORT;
    *ret_address = (struct address){.len = len};
    memcpy(&ret_address->storage, from, len);
    return 0;
}

int address_of_socket(int fd, struct address *ret_address)
{
    *ret_address = (struct address){.len = sizeof ret_address->storage};
    return sys_getsockname(fd, &ret_address->any, &ret_address->len);
}

int address_of_peer(int fd, struct address *ret_address)
{
    *ret_address = (struct address){.len = sizeof ret_address->storage};
    return sys_getpeername(fd, &ret_address->any, &ret_address->len);
}
