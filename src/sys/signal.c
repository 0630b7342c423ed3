/* SPDX-License-Identifier: MIT */
/* Signals: handlers, the alternate stack, and dying by one. */
#include "sys/internal.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

/* Only what sets something can be made to fail: asking cannot, nor can putting
 * back what was there, and there is nobody to be told. */
int sys_sigaction(int signo, const struct sigaction *action,
                  struct sigaction *ret_old)
{
    if (action && fault_strikes(FAULT_SYSCALL))
        return -EINVAL;
    return (int)sys_result(sigaction(signo, action, ret_old));
}

int sys_sigaltstack(const stack_t *stack, stack_t *ret_old)
{
    if (stack && fault_strikes(FAULT_SYSCALL))
        return -ENOMEM;
    return (int)sys_result(sigaltstack(stack, ret_old));
}

void sys_sigaction_restore(int signo, const struct sigaction *old)
{
    int err = sigaction(signo, old, NULL);
    ASSERT(err == 0);
}

void sys_sigaltstack_restore(const stack_t *old)
{
    int err = sigaltstack(old, NULL);
    ASSERT(err == 0);
}

void sys_block_signals(sigset_t *ret_old)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, ret_old);
}

void sys_unblock_signals(const sigset_t *old)
{
    pthread_sigmask(SIG_SETMASK, old, NULL);
}

/* The parent then sees the true cause in the wait status, which an exit with
 * a code of our own would hide. */
void sys_die_by_signal(int signo)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(signo, &action, NULL);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, signo);
    pthread_sigmask(SIG_UNBLOCK, &only, NULL);
    raise(signo);
}
