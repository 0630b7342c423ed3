/* SPDX-License-Identifier: MIT */
/* The process's loops, and the fork that ends them in the child. */
#include "engine/process.h"

#include <pthread.h>

#include "backend/pool.h"
#include "engine/signals.h"
#include "engine/sigpipe.h"

static pthread_mutex_t loops_lock = PTHREAD_MUTEX_INITIALIZER;
static struct asyncio_link loops = {&loops, &loops};
static pthread_once_t prepared = PTHREAD_ONCE_INIT;
static int prepare_err;

static const struct process_fork_hooks no_hooks;
static const struct process_fork_hooks *_Atomic fork_hooks = &no_hooks;
/* Those whose `before` was called; guarded by the lock. */
static const struct process_fork_hooks *hooks_at_fork;

void process_set_fork_hooks(const struct process_fork_hooks *hooks)
{
    atomic_store(&fork_hooks, hooks);
}

static void call_hook(void (*hook)(void))
{
    if (hook)
        hook();
}

/* The forking thread holds the locks across the fork, so that the child finds
 * whole what they guard. */
static void before_fork(void)
{
    pthread_mutex_lock(&loops_lock);
    hooks_at_fork = atomic_load(&fork_hooks);
    call_hook(hooks_at_fork->before);
    signals_before_fork();
    pool_before_fork();
}

static void after_fork_in_parent(void)
{
    pool_after_fork_in_parent();
    signals_after_fork_in_parent();
    call_hook(hooks_at_fork->in_parent);
    pthread_mutex_unlock(&loops_lock);
}

static void loop_poison(struct asyncio_loop *loop)
{
    loop->is_poisoned = true;
    if (loop->backend)
        loop->backend->class->poison(loop->backend);
    loop->backend = NULL;
    work_queue_init(&loop->ready);
    list_init(&loop->signal_watches);
    mailbox_poison(loop->mailbox);
}

static void after_fork_in_child(void)
{
    pthread_mutex_unlock(&loops_lock);
    struct asyncio_link *link;
    while ((link = list_pop_front(&loops)))
        loop_poison(container_of(link, struct asyncio_loop, loops));
    loop_current = NULL;
    pool_reset_after_fork();
    signals_reset_after_fork();
    sigpipe_restore();
    call_hook(hooks_at_fork->in_child);
}

static void prepare(void)
{
    prepare_err = -pthread_atfork(before_fork, after_fork_in_parent,
                                  after_fork_in_child);
}

int process_add_loop(struct asyncio_loop *loop)
{
    pthread_once(&prepared, prepare);
    if (prepare_err < 0)
        return prepare_err;
    pthread_mutex_lock(&loops_lock);
    int err = list_is_empty(&loops) ? sigpipe_ignore() : 0;
    if (err == 0)
        list_push_back(&loops, &loop->loops);
    pthread_mutex_unlock(&loops_lock);
    return err;
}

void process_remove_loop(struct asyncio_loop *loop)
{
    pthread_mutex_lock(&loops_lock);
    list_remove(&loop->loops);
    if (list_is_empty(&loops))
        sigpipe_restore();
    pthread_mutex_unlock(&loops_lock);
}

void process_hold_forks(void)
{
    pthread_mutex_lock(&loops_lock);
}

void process_allow_forks(void)
{
    pthread_mutex_unlock(&loops_lock);
}
