/* SPDX-License-Identifier: MIT */
/* The handler that names a task which ran off its stack; see overflow.h. */
#include "task/overflow.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sys/sys.h"
#include "task/runner.h"

/* The handler formats a sentence; vector registers alone may take 11 KiB of
 * the signal's frame. */
enum { SIGNAL_STACK_SIZE = 64 * 1024 };

struct overflow_watch {
    stack_t old_stack;
    char stack[SIGNAL_STACK_SIZE];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned watches;

static bool is_in_guard(const struct asyncio_tcb *task, const void *address)
{
    const char *at = address;
    const char *bottom = (const char *)task->stack_top - task->pool->size;
    return at >= bottom && at < bottom + task->pool->guard;
}

static void overflow_say(const struct asyncio_tcb *task)
{
    char name[TASK_NAME_SIZE];
    char line[160];
    task_name(task, name, sizeof name);
    int len = snprintf(line, sizeof line,
                       "asyncio: stack overflow in %s: its stack has %zu bytes "
                       "(stack_size of the task or runner)\n",
                       name, task->pool->size - task->pool->guard);
    sys_write(2, line, (size_t)len);
}

static void on_fault(int signo, siginfo_t *info, void *context)
{
    (void)context;
    const struct asyncio_tcb *task = task_current();
    if (task && is_in_guard(task, info->si_addr))
        overflow_say(task);
    /* The default action from here on: the fault strikes again on return. */
    struct sigaction action = {.sa_handler = SIG_DFL};
    sys_sigaction_restore(signo, &action);
    if (info->si_code <= 0)
        sys_die_by_signal(signo);
}

static void handler_install(void)
{
    pthread_mutex_lock(&lock);
    if (watches++ == 0) {
        struct sigaction action = {
            .sa_sigaction = on_fault,
            .sa_flags = SA_SIGINFO | SA_ONSTACK,
        };
        sigemptyset(&action.sa_mask);
        sys_sigaction(SIGSEGV, &action, NULL);
    }
    pthread_mutex_unlock(&lock);
}

static bool handler_is_ours(const struct sigaction *action)
{
    return action->sa_flags & SA_SIGINFO && action->sa_sigaction == on_fault;
}

/* One that the program has installed meanwhile stays. */
static void handler_remove(void)
{
    struct sigaction now;
    pthread_mutex_lock(&lock);
    if (--watches == 0 && sys_sigaction(SIGSEGV, NULL, &now) == 0 &&
        handler_is_ours(&now)) {
        struct sigaction action = {.sa_handler = SIG_DFL};
        sys_sigaction_restore(SIGSEGV, &action);
    }
    pthread_mutex_unlock(&lock);
}

static bool handler_is_wanted(void)
{
    struct sigaction now;
    if (sys_sigaction(SIGSEGV, NULL, &now) < 0)
        return false;
    return handler_is_ours(&now) ||
           (!(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_DFL);
}

struct overflow_watch *overflow_watch_start(void)
{
    if (!handler_is_wanted())
        return NULL;
    struct overflow_watch *watch = mem_alloc(sizeof *watch);
    if (!watch)
        return NULL;
    stack_t stack = {.ss_sp = watch->stack, .ss_size = sizeof watch->stack};
    int err = sys_sigaltstack(NULL, &watch->old_stack);
    if (err == 0 && watch->old_stack.ss_flags & SS_DISABLE)
        err = sys_sigaltstack(&stack, NULL);
    if (err < 0) {
        mem_free(watch);
        return NULL;
    }
    handler_install();
    return watch;
}

/* Is the alternate stack still the one that overflow_watch_start set? */
static bool stack_is_ours(const struct overflow_watch *watch)
{
    stack_t now;
    return sys_sigaltstack(NULL, &now) == 0 && now.ss_sp == watch->stack;
}

void overflow_watch_stop(struct overflow_watch *watch)
{
    if (!watch)
        return;
    handler_remove();
    if (stack_is_ours(watch))
        sys_sigaltstack_restore(&watch->old_stack);
    mem_free(watch);
}

void overflow_before_fork(void)
{
    pthread_mutex_lock(&lock);
}

void overflow_after_fork_in_parent(void)
{
    pthread_mutex_unlock(&lock);
}

void overflow_reset_after_fork(void)
{
    watches = 0;
    pthread_mutex_unlock(&lock);
}
