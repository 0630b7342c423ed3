/* SPDX-License-Identifier: MIT */
/*
 * posix_spawn: a child that shares this process's memory until it has loaded
 * its program, on a stack of its own and with the caller stopped meanwhile. So
 * nothing is copied, however large this process is; handlers of ours never run
 * there; and what kept the program from loading comes back as it is. No
 * pthread_atfork handler runs.
 */
#include "sys/spawn.h"

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/internal.h"

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

/* ---- descriptors ---- */

static int plan_fd(posix_spawn_file_actions_t *actions,
                   const struct sys_spawn_fd *fd)
{
    if (fd->fd == SPAWN_NULL)
        return posix_spawn_file_actions_addopen(actions, fd->number,
                                                "/dev/null", O_RDWR, 0);
    /* One onto itself is not close-on-exec any more afterwards. */
    return posix_spawn_file_actions_adddup2(actions, fd->fd, fd->number);
}

static bool plan_has(const struct sys_spawn *plan, int number)
{
    bool has = number <= STDERR_FILENO;
    for (size_t i = 0; i < plan->fd_count; i++)
        has |= plan->fds[i].number == number;
    return has;
}

/* Where standard output leads is known when all others are in place. */
static int plan_fds(posix_spawn_file_actions_t *actions,
                    const struct sys_spawn *plan)
{
    int err = 0;
    for (size_t i = 0; i < plan->fd_count && !err; i++) {
        if (plan->fds[i].fd != SPAWN_AS_STDOUT)
            err = plan_fd(actions, &plan->fds[i]);
    }
    for (size_t i = 0; i < plan->fd_count && !err; i++) {
        if (plan->fds[i].fd == SPAWN_AS_STDOUT)
            err = posix_spawn_file_actions_adddup2(actions, STDOUT_FILENO,
                                                   plan->fds[i].number);
    }
    for (int number = 0; number <= plan->highest && !err; number++) {
        if (!plan_has(plan, number))
            err = posix_spawn_file_actions_addclose(actions, number);
    }
    if (!err)
        err = posix_spawn_file_actions_addclosefrom_np(actions,
                                                       plan->highest + 1);
    return err;
}

/* ---- the rest ---- */

static int plan_signals(posix_spawnattr_t *attributes,
                        const struct sys_spawn *plan, short *flags)
{
    sigset_t none, reset;
    sigemptyset(&none);
    sigemptyset(&reset);
    /* All of them: sigfillset leaves out two that the C library uses, and
     * those it would ignore in the child. */
    if (!plan->keep_signals)
        memset(&reset, 0xff, sizeof reset);
    sigaddset(&reset, SIGPIPE);
    *flags |= POSIX_SPAWN_SETSIGDEF;
    if (!plan->keep_signals)
        *flags |= POSIX_SPAWN_SETSIGMASK;
    int err = posix_spawnattr_setsigdefault(attributes, &reset);
    return err ? err : posix_spawnattr_setsigmask(attributes, &none);
}

static int plan_attributes(posix_spawnattr_t *attributes,
                           const struct sys_spawn *plan)
{
    short flags = 0;
    if (plan->new_session)
        flags |= POSIX_SPAWN_SETSID;
    else if (plan->new_group || plan->group)
        flags |= POSIX_SPAWN_SETPGROUP;
    int err = posix_spawnattr_setpgroup(attributes, plan->group);
    if (!err)
        err = plan_signals(attributes, plan, &flags);
    return err ? err : posix_spawnattr_setflags(attributes, flags);
}

static int spawn_planned(const struct sys_spawn *plan, pid_t *ret_pid,
                         posix_spawn_file_actions_t *actions,
                         posix_spawnattr_t *attributes)
{
    int err = plan_attributes(attributes, plan);
    if (!err)
        err = plan_fds(actions, plan);
    if (!err && plan->cwd)
        err = posix_spawn_file_actions_addchdir_np(actions, plan->cwd);
    if (err)
        return err;
    return posix_spawnp(ret_pid, plan->program, actions, attributes,
                        (char *const *)plan->argv,
                        plan->env ? (char *const *)plan->env : environ);
}

int sys_spawn(const struct sys_spawn *plan, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (fault_strikes(FAULT_SYSCALL))
        return -EAGAIN;
    int err = posix_spawn_file_actions_init(&actions);
    if (err)
        return -err;
    err = posix_spawnattr_init(&attributes);
    if (!err) {
        err = spawn_planned(plan, ret_pid, &actions, &attributes);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return -err;
}

/* ---- ending them ---- */

int sys_pidfd_signal(int pidfd, int signo)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EPERM;
    return (int)sys_result(
        syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0U));
}

int sys_group_signal(pid_t group, int signo)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EPERM;
    ASSERT(group > 1);
    return (int)sys_result(kill(-group, signo));
}

void sys_kill_and_reap(pid_t pid)
{
    int status;
    ASSERT(pid > 1);
    kill(pid, SIGKILL);
    (void)SYS_RETRY(waitpid(pid, &status, 0));
}
