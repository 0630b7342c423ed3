/* SPDX-License-Identifier: MIT */
/*
 * Sockets: all of them nonblocking and close-on-exec from birth. (The plural
 * keeps the name clear of the C library's sys/socket.h.)
 */
#ifndef SYS_SOCKETS_H
#define SYS_SOCKETS_H

#include <sys/socket.h>

#include "sys/sys.h"

int sys_socket(int family, int type, int protocol);
int sys_socketpair(int type, int ret_fds[2]);             /* AF_UNIX */
int sys_bind(int fd, const struct sockaddr *address, socklen_t len);
int sys_listen(int fd, int backlog);
/* -EAGAIN: nobody there; the address may be NULL. */
int sys_accept(int fd, struct sockaddr *ret_address, socklen_t *len);
/* -EINPROGRESS: it goes on, POLLOUT tells, then sys_socket_error. */
int sys_connect(int fd, const struct sockaddr *address, socklen_t len);
/* TCP sends what is written at once; those a socket accepts inherit it. */
int sys_set_nodelay(int fd);
/* Takes the error that is pending on the socket: 0 or negative. */
int sys_socket_error(int fd);

/* MSG_DONTWAIT and, for writing, MSG_NOSIGNAL are added to `flags`. */
ssize_t sys_recv(int fd, void *buf, size_t len, int flags);
ssize_t sys_send(int fd, const void *buf, size_t len, int flags);
ssize_t sys_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t sys_sendmsg(int fd, const struct msghdr *message, int flags);
/* How many of them, at least one; an error that comes after the first is the
 * next call's. */
int sys_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
int sys_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);

int sys_shutdown(int fd, int how);
int sys_getsockname(int fd, struct sockaddr *ret_address, socklen_t *len);
int sys_getpeername(int fd, struct sockaddr *ret_address, socklen_t *len);
int sys_setsockopt(int fd, int level, int name, const void *value,
                   socklen_t len);
int sys_getsockopt(int fd, int level, int name, void *ret_value,
                   socklen_t *len);

/* The number of the network interface of that name. -ENODEV: there is none. */
int sys_interface_index(const char *name);

#endif
