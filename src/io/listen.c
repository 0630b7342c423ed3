/* SPDX-License-Identifier: MIT */
/* Sockets that listen: on a host's addresses, on a path, and those that a
 * service manager has passed. */
#include "io/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <asyncio/names.h>

#include "sys/files.h"
#include "sys/sockets.h"
#include "task/runner.h"

static int option_on(int fd, int level, int name)
{
    static const int on = 1;
    return sys_setsockopt(fd, level, name, &on, sizeof on);
}

static int listen_backlog(const struct asyncio_server_options *options)
{
    return options->backlog > 0 ? options->backlog : INT_MAX;
}

/* ---- Internet ---- */

/* An IPv6 socket takes IPv6 alone unless asked otherwise: else it would have
 * the IPv4 port too, and the next address of the list could not be bound. */
static int listen_prepare(int fd, int family,
                          const struct asyncio_server_options *options)
{
    int err = option_on(fd, SOL_SOCKET, SO_REUSEADDR);
    if (err == 0 && options->reuse_port)
        err = option_on(fd, SOL_SOCKET, SO_REUSEPORT);
    if (err == 0 && family == AF_INET6) {
        int only = !options->ipv6_dual;
        err = sys_setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only,
                             sizeof only);
    }
    if (err == 0)
        err = sys_set_nodelay(fd);
    return err;
}

static int listen_on(const struct address *address,
                     const struct asyncio_server_options *options)
{
    int family = address->any.sa_family;
    int fd = sys_socket(family, SOCK_STREAM, 0);
    if (fd < 0)
        return fd;
    int err = listen_prepare(fd, family, options);
    if (err == 0)
        err = sys_bind(fd, &address->any, address->len);
    if (err == 0)
        err = sys_listen(fd, listen_backlog(options));
    if (err == 0)
        return fd;
    sys_close(fd);
    return err;
}

static void address_set_port(struct address *address, int port)
{
    void *any = &address->storage;
    if (address->any.sa_family == AF_INET)
        ((struct sockaddr_in *)any)->sin_port = htons((uint16_t)port);
    else if (address->any.sa_family == AF_INET6)
        ((struct sockaddr_in6 *)any)->sin6_port = htons((uint16_t)port);
}

static void close_all(const int *fds, int count)
{
    for (int i = 0; i < count; i++)
        sys_close(fds[i]);
}

/* A machine without IPv6 has names with IPv6 addresses all the same. */
static bool is_family_missing(int err)
{
    return err == -EAFNOSUPPORT || err == -EADDRNOTAVAIL;
}

static int listen_on_all(const struct addrinfo *found,
                         const struct asyncio_server_options *options,
                         int ret_fds[LISTEN_MAX])
{
    int count = 0, missing = 0, port = 0;
    for (; found && count < LISTEN_MAX; found = found->ai_next) {
        struct address address;
        int fd = address_copy(found->ai_addr, found->ai_addrlen, &address);
        if (fd == 0) {
            if (port && address_port(&address) == 0)
                address_set_port(&address, port);
            fd = listen_on(&address, options);
        }
        if (fd < 0 && is_family_missing(fd) && (found->ai_next || count)) {
            missing = fd;
            continue;
        }
        if (fd < 0) {
            close_all(ret_fds, count);
            return fd;
        }
        ret_fds[count++] = fd;
        if (!port && address_of_socket(fd, &address) == 0)
            port = address_port(&address);
    }
    return count ? count : missing;
}

/* A port that is free on one address may be taken on the next one. */
static int listen_on_some_port(const struct addrinfo *found,
                               const struct asyncio_server_options *options,
                               int ret_fds[LISTEN_MAX])
{
    struct address first;
    int count = address_copy(found->ai_addr, found->ai_addrlen, &first);
    int tries = count == 0 && address_port(&first) == 0 ? 32 : 1;
    do
        count = listen_on_all(found, options, ret_fds);
    while (count == -EADDRINUSE && --tries > 0);
    return count;
}

int listen_on_host(const char *host, const char *port,
                   const struct asyncio_server_options *options,
                   int ret_fds[LISTEN_MAX])
{
    struct addrinfo *found;
    struct addrinfo hints = {
        .ai_family = options->family,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE,
    };
    int err = asyncio_getaddrinfo(host, port, &hints, &found);
    if (err < 0)
        return err;
    int count = listen_on_some_port(found, options, ret_fds);
    asyncio_freeaddrinfo(found);
    return count;
}

int listen_beside(const int *fds, int count,
                  const struct asyncio_server_options *options,
                  int ret_fds[LISTEN_MAX])
{
    for (int i = 0; i < count; i++) {
        struct address address;
        int fd = address_of_socket(fds[i], &address);
        if (fd == 0)
            fd = listen_on(&address, options);
        if (fd < 0) {
            close_all(ret_fds, i);
            return fd;
        }
        ret_fds[i] = fd;
    }
    return count;
}

/* ---- Unix ---- */

static int listen_bound(int fd, const struct socket_file *file,
                        const struct asyncio_server_options *options)
{
    int err = 0;
    if (file->path && options->unix_mode)
        err = sys_chmod(file->path, options->unix_mode);
    return err < 0 ? err : sys_listen(fd, listen_backlog(options));
}

int listen_on_path(const char *path,
                   const struct asyncio_server_options *options,
                   struct socket_file *ret_file)
{
    struct socket_file file;
    int fd = sys_socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return fd;
    int err = socket_file_bind(fd, SOCK_STREAM, path, &file);
    if (err < 0)
        goto err_close;
    err = listen_bound(fd, &file, options);
    if (err < 0)
        goto err_remove;
    *ret_file = file;
    return fd;

err_remove:
    socket_file_remove(&file);
err_close:
    sys_close(fd);
    return err;
}

/* ---- socket activation: sd_listen_fds(3) ---- */

enum { LISTEN_FDS_START = 3 };

/* The value of a variable that is a number, else -1. */
static long number_of(const char *variable)
{
    const char *text = getenv(variable);
    char *end;
    if (!text || !*text)
        return -1;
    long number = strtol(text, &end, 10);
    return *end ? -1 : number;
}

int asyncio_listen_fds(int *ret_fds, size_t size)
{
    long count = number_of("LISTEN_FDS");
    if (number_of("LISTEN_PID") != sys_process_id() || count <= 0 ||
        count > INT_MAX - LISTEN_FDS_START)
        return 0;
    for (int i = 0; i < count; i++) {
        int fd = LISTEN_FDS_START + i;
        int err = sys_set_cloexec(fd);
        if (err < 0)
            return err;
        if ((size_t)i < size)
            ret_fds[i] = fd;
    }
    return (int)count;
}
