/* SPDX-License-Identifier: MIT */
/*
 * What the programs that speak over loopback share: listening and connecting.
 * They stop the program where that does not work. All inline, as bench.h.
 */
#ifndef BENCH_NET_H
#define BENCH_NET_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../bench.h"

static inline struct sockaddr_in net_address(const char *host, long port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port)};
    bench_check(inet_pton(AF_INET, host, &address.sin_addr) == 1,
                "the host is an IPv4 address");
    return address;
}

/* Tells the caller where the server listens: the line it waits for. */
static inline void net_say_port(int port)
{
    printf("port %d\n", port);
    fflush(stdout);
}

/* A nonblocking socket that listens on a free port of 127.0.0.1; says which. */
static inline int net_listen(void)
{
    struct sockaddr_in address = net_address("127.0.0.1", 0);
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bench_check(fd >= 0, "socket");
    bench_check(bind(fd, (struct sockaddr *)&address, len) == 0, "bind");
    bench_check(listen(fd, SOMAXCONN) == 0, "listen");
    getsockname(fd, (struct sockaddr *)&address, &len);
    net_say_port(ntohs(address.sin_port));
    return fd;
}

static inline void net_no_delay(int fd)
{
    int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

/* As epoll_ctl(EPOLL_CTL_ADD), for reading, level-triggered. */
static inline void net_watch(int epoll, int fd, void *tag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = tag};
    bench_check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

#endif
