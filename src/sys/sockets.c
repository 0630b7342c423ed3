/* SPDX-License-Identifier: MIT */
/* Sockets; see sockets.h. */
#include "sys/sockets.h"

#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "sys/internal.h"

int sys_socket(int family, int type, int protocol)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EMFILE;
    return (int)sys_result(
        socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
}

int sys_socketpair(int type, int ret_fds[2])
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EMFILE;
    return (int)sys_result(socketpair(
        AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ret_fds));
}

int sys_bind(int fd, const struct sockaddr *address, socklen_t len)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EADDRINUSE;
    return (int)sys_result(bind(fd, address, len));
}

int sys_listen(int fd, int backlog)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EADDRINUSE;
    return (int)sys_result(listen(fd, backlog));
}

int sys_accept(int fd, struct sockaddr *ret_address, socklen_t *len)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EMFILE;
    return (int)SYS_RETRY(
        accept4(fd, ret_address, len, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

/* Not retried: an interrupted connect goes on by itself. */
int sys_connect(int fd, const struct sockaddr *address, socklen_t len)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -ENETUNREACH;
    int err = (int)sys_result(connect(fd, address, len));
    return err == -EINTR ? -EINPROGRESS : err;
}

int sys_socket_error(int fd)
{
    int err = 0;
    socklen_t len = sizeof err;
    if (fault_strikes(FAULT_SYSCALL))
        return -EIO;
    ssize_t result = sys_result(
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len));
    return result < 0 ? (int)result : -err;
}

ssize_t sys_recv(int fd, void *buf, size_t len, int flags)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -ECONNRESET;
    return SYS_RETRY(recv(fd, buf, len, flags | MSG_DONTWAIT));
}

ssize_t sys_send(int fd, const void *buf, size_t len, int flags)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -ECONNRESET;
    return SYS_RETRY(
        send(fd, buf, len, flags | MSG_DONTWAIT | MSG_NOSIGNAL));
}

ssize_t sys_recvmsg(int fd, struct msghdr *message, int flags)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -ECONNRESET;
    return SYS_RETRY(
        recvmsg(fd, message, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
}

ssize_t sys_sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -ECONNRESET;
    return SYS_RETRY(
        sendmsg(fd, message, flags | MSG_DONTWAIT | MSG_NOSIGNAL));
}

int sys_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -ECONNRESET;
    return (int)SYS_RETRY(recvmmsg(
        fd, messages, count, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL));
}

int sys_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -ECONNRESET;
    return (int)SYS_RETRY(sendmmsg(
        fd, messages, count, flags | MSG_DONTWAIT | MSG_NOSIGNAL));
}

int sys_shutdown(int fd, int how)
{
    return (int)sys_result(shutdown(fd, how));
}

int sys_getsockname(int fd, struct sockaddr *ret_address, socklen_t *len)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -ENOBUFS;
    return (int)sys_result(getsockname(fd, ret_address, len));
}

int sys_getpeername(int fd, struct sockaddr *ret_address, socklen_t *len)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -ENOTCONN;
    return (int)sys_result(getpeername(fd, ret_address, len));
}

int sys_setsockopt(int fd, int level, int name, const void *value,
                   socklen_t len)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -ENOBUFS;
    return (int)sys_result(setsockopt(fd, level, name, value, len));
}

int sys_set_nodelay(int fd)
{
    static const int on = 1;
    return sys_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int sys_getsockopt(int fd, int level, int name, void *ret_value,
                   socklen_t *len)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -ENOBUFS;
    return (int)sys_result(getsockopt(fd, level, name, ret_value, len));
}

int sys_interface_index(const char *name)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -ENODEV;
    unsigned index = if_nametoindex(name);
    return index ? (int)index : -ENODEV;
}
