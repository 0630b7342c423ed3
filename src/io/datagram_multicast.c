/* SPDX-License-Identifier: MIT */
/* Groups of receivers, by the calls that IPv4 and IPv6 have in common
 * (RFC 3678), and those that differ. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "io/datagram.h"
#include "sys/names.h"
#include "sys/sockets.h"

/* The protocol whose options these are. -EBADF: closed; -EOPNOTSUPP: Unix
 * sockets have no groups. */
static int multicast_level(const asyncio_datagram *datagram)
{
    if (!datagram->source)
        return -EBADF;
    if (datagram->family == AF_INET)
        return IPPROTO_IP;
    if (datagram->family == AF_INET6)
        return IPPROTO_IPV6;
    return -EOPNOTSUPP;
}

/* 0 is the system's choice. */
static int interface_index(const char *interface)
{
    return interface ? sys_interface_index(interface) : 0;
}

static int group_parse(const char *group, int family,
                       struct sockaddr_storage *ret_group)
{
    struct addrinfo *found;
    struct addrinfo hints = {
        .ai_family = family,
        .ai_socktype = SOCK_DGRAM,
        .ai_flags = AI_NUMERICHOST,
    };
    if (!group)
        return -EINVAL;
    int err = sys_getaddrinfo(group, NULL, &hints, &found);
    if (err < 0)
        return err == -ENOMEM ? err : -EINVAL;
    memcpy(ret_group, found->ai_addr, found->ai_addrlen);
    sys_freeaddrinfo(found);
    return 0;
}

static int group_change(asyncio_datagram *datagram, int change,
                        const char *group, const char *interface)
{
    struct group_req request;
    memset(&request, 0, sizeof request);
    int level = multicast_level(datagram);
    int index = level < 0 ? level : interface_index(interface);
    if (index < 0)
        return index;
    request.gr_interface = (uint32_t)index;
    int err = group_parse(group, datagram->family, &request.gr_group);
    if (err < 0)
        return err;
    return sys_setsockopt(datagram->source->fd, level, change, &request,
                          sizeof request);
}

int asyncio_datagram_join(asyncio_datagram *datagram, const char *group,
                          const char *interface)
{
    return group_change(datagram, MCAST_JOIN_GROUP, group, interface);
}

int asyncio_datagram_leave(asyncio_datagram *datagram, const char *group,
                           const char *interface)
{
    return group_change(datagram, MCAST_LEAVE_GROUP, group, interface);
}

/* An option that both protocols have, each by a name of its own. */
static int multicast_set(asyncio_datagram *datagram, int name_ipv4,
                         int name_ipv6, int value)
{
    int level = multicast_level(datagram);
    if (level < 0)
        return level;
    int name = level == IPPROTO_IP ? name_ipv4 : name_ipv6;
    return sys_setsockopt(datagram->source->fd, level, name, &value,
                          sizeof value);
}

int asyncio_datagram_set_multicast_ttl(asyncio_datagram *datagram, int hops)
{
    if (hops < 0 || hops > UINT8_MAX)
        return -EINVAL;
    return multicast_set(datagram, IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS, hops);
}

int asyncio_datagram_set_multicast_loop(asyncio_datagram *datagram, bool is_on)
{
    return multicast_set(datagram, IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP,
                         is_on);
}

int asyncio_datagram_set_multicast_interface(asyncio_datagram *datagram,
                                             const char *interface)
{
    int level = multicast_level(datagram);
    int index = level < 0 ? level : interface_index(interface);
    if (index < 0)
        return index;
    int fd = datagram->source->fd;
    if (level == IPPROTO_IPV6)
        return sys_setsockopt(fd, level, IPV6_MULTICAST_IF, &index,
                              sizeof index);
    struct ip_mreqn request = {.imr_ifindex = index};
    return sys_setsockopt(fd, level, IP_MULTICAST_IF, &request,
                          sizeof request);
}
