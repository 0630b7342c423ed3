/* SPDX-License-Identifier: MIT */
/* Sleeping on one descriptor; see nap.h. */
#include "sys/nap.h"

#include <poll.h>
#include <time.h>

#include "sys/internal.h"

int sys_nap(int fd, unsigned events, uint64_t timeout_ns)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EINTR;
    struct pollfd poll_fd = {.fd = fd, .events = (short)events};
    struct timespec limit = {
        .tv_sec = (time_t)(timeout_ns / NSEC_PER_SEC),
        .tv_nsec = (long)(timeout_ns % NSEC_PER_SEC),
    };
    int count = (int)sys_result(
        ppoll(&poll_fd, 1, timeout_ns == NSEC_NEVER ? NULL : &limit, NULL));
    return count <= 0 ? count : (unsigned short)poll_fd.revents;
}
