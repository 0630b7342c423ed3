/* SPDX-License-Identifier: MIT */
/* File descriptors: reading, writing, asking, and eventfds and pipes. */
#include "sys/internal.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Never retried: Linux frees the number even when close is interrupted, and
 * another thread may have it by then. */
void sys_close(int fd)
{
    int err = close(fd);
    ASSERT(err == 0 || errno != EBADF);
}

ssize_t sys_read(int fd, void *buf, size_t len)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EIO;
    return SYS_RETRY(read(fd, buf, len));
}

ssize_t sys_write(int fd, const void *buf, size_t len)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EIO;
    return SYS_RETRY(write(fd, buf, len));
}

/* Offset -1 is the file position, and what pipes and sockets have. The failure
 * to inject is the one that any kernel may show: a false -EAGAIN would make a
 * source wait for news that it has had. */
ssize_t sys_read_nowait(int fd, void *buf, size_t len)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EOPNOTSUPP;
    struct iovec part = {.iov_base = buf, .iov_len = len};
    return SYS_RETRY(preadv2(fd, &part, 1, -1, RWF_NOWAIT));
}

ssize_t sys_write_nowait(int fd, const void *buf, size_t len)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EOPNOTSUPP;
    struct iovec part = {.iov_base = (void *)(uintptr_t)buf, .iov_len = len};
    return SYS_RETRY(pwritev2(fd, &part, 1, -1, RWF_NOWAIT));
}

int sys_poll_now(int fd, unsigned events)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -ENOMEM;
    struct pollfd poll_fd = {.fd = fd, .events = (short)events};
    int count = (int)SYS_RETRY(poll(&poll_fd, 1, 0));
    if (count <= 0)
        return count;
    if (poll_fd.revents & POLLNVAL)
        return -EBADF;
    return (unsigned short)poll_fd.revents;
}

int sys_is_nonblocking(int fd)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EBADF;
    int flags = (int)sys_result(fcntl(fd, F_GETFL));
    return flags < 0 ? flags : (flags & O_NONBLOCK) != 0;
}

int sys_set_nonblocking(int fd)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EBADF;
    int flags = (int)sys_result(fcntl(fd, F_GETFL));
    if (flags < 0 || flags & O_NONBLOCK)
        return flags < 0 ? flags : 0;
    return (int)sys_result(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

int sys_set_cloexec(int fd)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EBADF;
    return (int)sys_result(fcntl(fd, F_SETFD, FD_CLOEXEC));
}

int sys_eventfd(void)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EMFILE;
    return (int)sys_result(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

/* -EAGAIN, the counter is full, means that it is readable: all is well. The
 * interrupted code's errno survives, since handlers call this. */
void sys_eventfd_signal(int fd)
{
    int saved = errno;
    const uint64_t one = 1;
    SYS_RETRY(write(fd, &one, sizeof(one)));
    errno = saved;
}

void sys_eventfd_drain(int fd)
{
    uint64_t count;
    SYS_RETRY(read(fd, &count, sizeof(count)));
}

int sys_pipe(int ret_fds[2])
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EMFILE;
    return (int)sys_result(pipe2(ret_fds, O_CLOEXEC | O_NONBLOCK));
}
