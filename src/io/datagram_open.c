/* SPDX-License-Identifier: MIT */
/* Datagram sockets with names: bound ones, connected ones. */
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/udp.h>

#include <asyncio/names.h>

#include "io/address.h"
#include "io/datagram.h"
#include "sys/sockets.h"

static const struct asyncio_datagram_options no_options;

/* ---- options ---- */

static int option_set(int fd, int level, int name, int value)
{
    return sys_setsockopt(fd, level, name, &value, sizeof value);
}

static int option_size(int fd, int name, size_t size)
{
    int value = size < INT_MAX ? (int)size : INT_MAX;
    return size ? option_set(fd, SOL_SOCKET, name, value) : 0;
}

static int options_apply(int fd, int family,
                         const struct asyncio_datagram_options *options)
{
    int err = option_size(fd, SO_RCVBUF, options->receive_buffer);
    if (err == 0)
        err = option_size(fd, SO_SNDBUF, options->send_buffer);
    if (err == 0 && options->reuse_address)
        err = option_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (err == 0 && options->reuse_port)
        err = option_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (err == 0 && options->broadcast)
        err = option_set(fd, SOL_SOCKET, SO_BROADCAST, 1);
    if (err == 0 && family == AF_INET6)
        err = option_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, !options->ipv6_dual);
    return err;
}

/* A kernel without (before Linux 5.0) hands out one datagram after the other,
 * which the caller takes as well. */
static bool ask_for_segments(int fd,
                             const struct asyncio_datagram_options *options)
{
    return options->receive_segments &&
           option_set(fd, IPPROTO_UDP, UDP_GRO, 1) == 0;
}

/* ---- UDP ---- */

/* What becomes of one address: a bound one, or with `to` a connected one. */
struct plan {
    const struct asyncio_datagram_options *options;
    const struct addrinfo *from; /* NULL: of the system's choice */
    const struct addrinfo *to;   /* NULL: to anybody */
};

static int plan_try(const struct plan *plan, int fd, int family,
                    asyncio_datagram **ret_datagram)
{
    int err = options_apply(fd, family, plan->options);
    if (err == 0 && plan->from)
        err = sys_bind(fd, plan->from->ai_addr, plan->from->ai_addrlen);
    if (err == 0 && plan->to)
        err = sys_connect(fd, plan->to->ai_addr, plan->to->ai_addrlen);
    bool gets_segments = err == 0 && ask_for_segments(fd, plan->options);
    if (err == 0)
        err = datagram_new(fd, family, ret_datagram);
    if (err == 0)
        (*ret_datagram)->gets_segments = gets_segments;
    return err;
}

static int plan_carry_out(const struct plan *plan,
                          asyncio_datagram **ret_datagram)
{
    int family = plan->to ? plan->to->ai_family : plan->from->ai_family;
    int fd = sys_socket(family, SOCK_DGRAM, 0);
    if (fd < 0)
        return fd;
    int err = plan_try(plan, fd, family, ret_datagram);
    if (err < 0)
        sys_close(fd);
    return err;
}

static struct addrinfo hints_of(const struct asyncio_datagram_options *options,
                                int flags)
{
    bool is_dual = !options->family && options->ipv6_dual;
    return (struct addrinfo){
        .ai_family = is_dual ? AF_INET6 : options->family,
        .ai_socktype = SOCK_DGRAM,
        .ai_flags = flags,
    };
}

/* A machine without IPv6 has names with IPv6 addresses all the same. A port
 * that is taken, though, is not to be had of another address instead. */
static bool is_family_missing(int err)
{
    return err == -EAFNOSUPPORT || err == -EADDRNOTAVAIL;
}

/* The entry of what may look a name up. */
static int open_begin(void)
{
    struct asyncio_tcb *task = task_current();
    return task ? task_checkpoint(task) : -EPERM;
}

static int bind_any(const struct addrinfo *found,
                    const struct asyncio_datagram_options *options,
                    asyncio_datagram **ret_datagram)
{
    int err;
    do {
        struct plan plan = {.options = options, .from = found};
        err = plan_carry_out(&plan, ret_datagram);
        found = found->ai_next;
    } while (is_family_missing(err) && found);
    return err;
}

int asyncio_datagram_bind(const char *host, const char *port,
                          const struct asyncio_datagram_options *options,
                          asyncio_datagram **ret_datagram)
{
    struct addrinfo *found;
    options = options ? options : &no_options;
    struct addrinfo hints = hints_of(options, AI_PASSIVE);
    int err = open_begin();
    if (err == 0)
        err = asyncio_getaddrinfo(host, port, &hints, &found);
    if (err < 0)
        return err;
    err = bind_any(found, options, ret_datagram);
    asyncio_freeaddrinfo(found);
    return err;
}

static int look_up_local(const struct asyncio_datagram_options *options,
                         struct addrinfo **ret_local)
{
    struct addrinfo hints = hints_of(options, AI_PASSIVE | AI_NUMERICHOST);
    *ret_local = NULL;
    if (!options->local_host && !options->local_port)
        return 0;
    return asyncio_getaddrinfo(options->local_host, options->local_port,
                               &hints, ret_local);
}

static int connect_one(const struct addrinfo *to, const struct addrinfo *local,
                       const struct asyncio_datagram_options *options,
                       asyncio_datagram **ret_datagram)
{
    struct plan plan = {.options = options, .to = to};
    for (plan.from = local; plan.from; plan.from = plan.from->ai_next) {
        if (plan.from->ai_family == to->ai_family)
            break;
    }
    if (local && !plan.from)
        return -EADDRNOTAVAIL;
    return plan_carry_out(&plan, ret_datagram);
}

static int connect_any(const struct addrinfo *found,
                       const struct addrinfo *local,
                       const struct asyncio_datagram_options *options,
                       asyncio_datagram **ret_datagram)
{
    int first = connect_one(found, local, options, ret_datagram);
    int err = first;
    while (err < 0 && (found = found->ai_next) != NULL)
        err = connect_one(found, local, options, ret_datagram);
    return err < 0 ? first : 0;
}

int asyncio_datagram_connect(const char *host, const char *port,
                             const struct asyncio_datagram_options *options,
                             asyncio_datagram **ret_datagram)
{
    struct addrinfo *found, *local;
    options = options ? options : &no_options;
    struct addrinfo hints = hints_of(options, 0);
    int err = open_begin();
    if (err == 0)
        err = asyncio_getaddrinfo(host, port, &hints, &found);
    if (err < 0)
        return err;
    err = look_up_local(options, &local);
    if (err == 0) {
        err = connect_any(found, local, options, ret_datagram);
        asyncio_freeaddrinfo(local);
    }
    asyncio_freeaddrinfo(found);
    return err;
}

/* ---- Unix ---- */

static int connect_path(int fd, const char *path)
{
    struct address address;
    int err = address_of_path(path, &address);
    if (err < 0)
        return err;
    return sys_connect(fd, &address.any, address.len);
}

static int unix_try(int fd, const char *from, const char *to,
                    const struct asyncio_datagram_options *options,
                    asyncio_datagram **ret_datagram)
{
    struct socket_file file = {.path = NULL};
    int err = options_apply(fd, AF_UNIX, options);
    if (err == 0 && from)
        err = socket_file_bind(fd, SOCK_DGRAM, from, &file);
    if (err == 0 && to)
        err = connect_path(fd, to);
    if (err == 0)
        err = datagram_new(fd, AF_UNIX, ret_datagram);
    if (err == 0)
        (*ret_datagram)->file = file;
    else
        socket_file_remove(&file);
    return err;
}

static int unix_open(const char *from, const char *to,
                     const struct asyncio_datagram_options *options,
                     asyncio_datagram **ret_datagram)
{
    if (!task_current())
        return -EPERM;
    int fd = sys_socket(AF_UNIX, SOCK_DGRAM, 0);
    if (fd < 0)
        return fd;
    int err = unix_try(fd, from, to, options ? options : &no_options,
                       ret_datagram);
    if (err < 0)
        sys_close(fd);
    return err;
}

int asyncio_datagram_bind_unix(const char *path,
                               const struct asyncio_datagram_options *options,
                               asyncio_datagram **ret_datagram)
{
    return path ? unix_open(path, NULL, options, ret_datagram) : -EINVAL;
}

int asyncio_datagram_connect_unix(
    const char *path, const struct asyncio_datagram_options *options,
    asyncio_datagram **ret_datagram)
{
    const char *local = options ? options->local_path : NULL;
    return path ? unix_open(local, path, options, ret_datagram) : -EINVAL;
}
