/* SPDX-License-Identifier: MIT */
/*
 * epoll, with a timeout in nanoseconds where the kernel has it.
 *
 * epoll_pwait2 came with Linux 5.11 and is forbidden by older seccomp filters;
 * its absence is found out by the first call that needs it. valgrind 3.19
 * complains aloud about it.
 */
#include "sys/internal.h"

#include <limits.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int sys_epoll_create(void)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EMFILE;
    return (int)sys_result(epoll_create1(EPOLL_CLOEXEC));
}

/* epoll is who knows: the modes of stat(2) do not tell of /dev/null. */
int sys_check_pollable(int fd)
{
    int epfd = sys_epoll_create();
    if (epfd < 0)
        return epfd;
    int err = sys_epoll_ctl(epfd, EPOLL_CTL_ADD, fd, 0, 0);
    sys_close(epfd);
    return err;
}

int sys_epoll_ctl(int epfd, int op, int fd, uint32_t events, uint64_t data)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -ENOMEM;
    struct epoll_event event = {.events = events, .data.u64 = data};
    return (int)sys_result(epoll_ctl(epfd, op, fd, &event));
}

/* Rounded up, so that a timer is never waited for too short a time, which
 * would make the loop spin through its last millisecond. */
static int timeout_to_ms(uint64_t timeout_ns)
{
    uint64_t ms = timeout_ns / NSEC_PER_MSEC + (timeout_ns % NSEC_PER_MSEC > 0);
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* -ENOSYS when the kernel has no such call. */
static int epoll_wait_ns(int epfd, struct epoll_event *events, int max,
                         uint64_t timeout_ns)
{
#ifdef SYS_epoll_pwait2
    static _Atomic bool missing;
    if (atomic_load_explicit(&missing, memory_order_relaxed) ||
        RUNNING_ON_VALGRIND)
        return -ENOSYS;
    struct timespec timeout = {
        .tv_sec = (time_t)(timeout_ns / NSEC_PER_SEC),
        .tv_nsec = (long)(timeout_ns % NSEC_PER_SEC),
    };
    int count = (int)sys_result(syscall(SYS_epoll_pwait2, epfd, events, max,
                                        &timeout, NULL, (size_t)0));
    if (count != -ENOSYS && count != -EPERM)
        return count;
    atomic_store_explicit(&missing, true, memory_order_relaxed);
#else
    (void)epfd, (void)events, (void)max, (void)timeout_ns;
#endif
    return -ENOSYS;
}

int sys_epoll_wait(int epfd, struct epoll_event *events, int max,
                   uint64_t timeout_ns)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EINTR;
    int timeout_ms = -1;
    if (timeout_ns != NSEC_NEVER) {
        if (timeout_ns % NSEC_PER_MSEC) {
            int count = epoll_wait_ns(epfd, events, max, timeout_ns);
            if (count != -ENOSYS)
                return count;
        }
        timeout_ms = timeout_to_ms(timeout_ns);
    }
    return (int)sys_result(epoll_wait(epfd, events, max, timeout_ms));
}
