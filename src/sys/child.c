/* SPDX-License-Identifier: MIT */
/* Child processes: a descriptor that tells of the end, and the status. */
#include "sys/internal.h"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

/* Close-on-exec without asking. */
int sys_pidfd_open(pid_t pid)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EMFILE;
    return (int)sys_result(syscall(SYS_pidfd_open, pid, 0U));
}

int sys_wait_child(pid_t pid, int *ret_status)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -ECHILD;
    /* 0 and negative numbers would reap children of somebody else's. */
    if (pid <= 0)
        return -EINVAL;
    int status;
    ssize_t ended = SYS_RETRY(waitpid(pid, &status, WNOHANG));
    if (ended <= 0)
        return (int)ended;
    *ret_status = status;
    return 1;
}
