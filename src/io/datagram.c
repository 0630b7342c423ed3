/* SPDX-License-Identifier: MIT */
/* The life of datagram sockets, and facts about them. */
#include "io/datagram.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>

#include "base/mem.h"
#include "io/address.h"
#include "sys/sockets.h"

/* ---- making one ---- */

/* 0 is what the option is from birth: setting it does nothing but tell whether
 * there is such an option (Linux 4.18). */
static bool probe_segments(int fd, int family)
{
    static const int none = 0;
    return family != AF_UNIX && sys_setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT,
                                               &none, sizeof none) == 0;
}

int datagram_new(int fd, int family, asyncio_datagram **ret_datagram)
{
    struct asyncio_loop *loop = loop_current;
    if (!loop)
        return -EPERM;
    int err = loop_open_backend(loop);
    if (err < 0)
        return err;
    asyncio_datagram *datagram = mem_zalloc(sizeof *datagram);
    if (!datagram)
        return -ENOMEM;
    datagram->family = family;
    datagram->can_segment = probe_segments(fd, family);
    err = source_open(loop->backend, fd, POLLOUT, &datagram->source);
    if (err < 0) {
        mem_free(datagram);
        return err;
    }
    *ret_datagram = datagram;
    return 0;
}

static int option_of(int fd, int name, int *ret_value)
{
    socklen_t len = sizeof *ret_value;
    return sys_getsockopt(fd, SOL_SOCKET, name, ret_value, &len);
}

int asyncio_datagram_from_fd(int take_fd, asyncio_datagram **ret_datagram)
{
    int type = 0, family = 0;
    int err = option_of(take_fd, SO_TYPE, &type);
    if (err == 0)
        err = option_of(take_fd, SO_DOMAIN, &family);
    if (err == 0 && type != SOCK_DGRAM)
        err = -EPROTOTYPE;
    if (err == 0)
        err = sys_set_nonblocking(take_fd);
    if (err < 0)
        return err;
    return datagram_new(take_fd, family, ret_datagram);
}

int asyncio_datagram_pair(asyncio_datagram *ret_datagrams[2])
{
    int fds[2];
    asyncio_datagram *first;
    int err = sys_socketpair(SOCK_DGRAM, fds);
    if (err < 0)
        return err;
    err = datagram_new(fds[0], AF_UNIX, &first);
    if (err < 0)
        goto err_close_both;
    err = datagram_new(fds[1], AF_UNIX, &ret_datagrams[1]);
    if (err < 0)
        goto err_close_datagram;
    ret_datagrams[0] = first;
    return 0;

err_close_datagram:
    asyncio_datagram_close(first);
    sys_close(fds[1]);
    return err;
err_close_both:
    sys_close(fds[0]);
    sys_close(fds[1]);
    return err;
}

/* ---- who may do what now ---- */

int datagram_begin(asyncio_datagram *datagram, bool *is_busy)
{
    if (unlikely(!task_current()))
        return -EPERM;
    if (unlikely(!datagram->source))
        return -EBADF;
    if (unlikely(!backend_is_here(datagram->source->backend)))
        return -EXDEV;
    if (unlikely(*is_busy))
        return -EBUSY;
    *is_busy = true;
    return 0;
}

/* The last one out of a closed one turns the lights off. */
void datagram_end(asyncio_datagram *datagram, bool *is_busy)
{
    *is_busy = false;
    if (unlikely(datagram->is_closed && !datagram->is_receiving &&
                 !datagram->is_sending))
        mem_free(datagram);
}

/* ---- ending ---- */

/* One of a loop that has ended is closed from anywhere. */
static void datagram_check_home(const asyncio_datagram *datagram)
{
    const struct source *source = datagram->source;
    const struct backend *home = source ? source->backend : NULL;
    if (home && loop_current && loop_current->backend != home)
        panic("a datagram socket was closed from another loop than its own");
}

void asyncio_datagram_close(asyncio_datagram *datagram)
{
    if (!datagram)
        return;
    datagram_check_home(datagram);
    struct source *source = datagram->source;
    datagram->source = NULL;
    datagram->is_closed = true;
    source_close(source);
    socket_file_remove(&datagram->file);
    if (!datagram->is_receiving && !datagram->is_sending)
        mem_free(datagram);
}

/* ---- facts ---- */

int asyncio_datagram_fd(const asyncio_datagram *datagram)
{
    return datagram->source ? datagram->source->fd : -EBADF;
}

bool asyncio_datagram_can_segment(const asyncio_datagram *datagram)
{
    return datagram->can_segment;
}

int asyncio_datagram_address(const asyncio_datagram *datagram,
                             struct asyncio_address *ret_address)
{
    struct address address;
    if (!datagram->source)
        return -EBADF;
    int err = address_of_socket(datagram->source->fd, &address);
    if (err < 0)
        return err;
    return asyncio_address_copy(&address.any, address.len, ret_address);
}

int asyncio_datagram_get_extra_info(asyncio_datagram *datagram,
                                    const char *name, char *ret_text,
                                    size_t size)
{
    struct address address;
    int err = -ENOENT;
    if (!datagram->source)
        return -EBADF;
    if (strcmp(name, "sockname") == 0)
        err = address_of_socket(datagram->source->fd, &address);
    else if (strcmp(name, "peername") == 0)
        err = address_of_peer(datagram->source->fd, &address);
    return err < 0 ? err : address_format(&address, ret_text, size);
}
