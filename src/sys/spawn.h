/* SPDX-License-Identifier: MIT */
/* Starting other programs, and ending them. */
#ifndef SYS_SPAWN_H
#define SYS_SPAWN_H

#include "sys/sys.h"

/* In place of a descriptor of ours: */
enum {
    SPAWN_NULL = -1,             /* /dev/null */
    SPAWN_AS_STDOUT = -2,        /* the child's own descriptor 1 */
};

/* What the child has as descriptor `number`. */
struct sys_spawn_fd {
    int number;
    int fd;                      /* of ours; `number` itself, or over all of
                                  * the numbers; or SPAWN_... */
};

struct sys_spawn {
    const char *program;         /* looked up in PATH unless it has a slash */
    const char *const *argv;
    const char *const *env;      /* NULL: this program's */
    const char *cwd;             /* NULL: this program's */
    /* 0, 1 and 2 are inherited where they are not in the list; no other
     * descriptor is. */
    const struct sys_spawn_fd *fds;
    size_t fd_count;
    int highest;                 /* of the numbers, at least 2 */
    bool new_session;
    bool new_group;
    pid_t group;                 /* to join; 0: none */
    bool keep_signals;           /* else all are at their default, unblocked;
                                  * SIGPIPE is in any case */
};

/* Starts it; when it returns 0 the program runs. Else why it could not be
 * loaded, and there is no child. Blocks until it is loaded. */
int sys_spawn(const struct sys_spawn *plan, pid_t *ret_pid);

/* 0, -ESRCH when it has been reaped, -EINVAL, -EPERM. */
int sys_pidfd_signal(int pidfd, int signo);
/* The same of a process group. */
int sys_group_signal(pid_t group, int signo);
/* Kills a child and waits until it has ended; its status is lost. Blocks. */
void sys_kill_and_reap(pid_t pid);

#endif
