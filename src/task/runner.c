/* SPDX-License-Identifier: MIT */
/* The life of a runner, its pools of stacks, and its idle moments. */
#include "task/release.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/say.h"
#include "engine/callback.h"
#include "engine/process.h"
#include "sys/sys.h"
#include "task/overflow.h"

__thread struct asyncio_runner *runner_current;

static atomic_uint runners_made;

/* ---- stacks ---- */

struct pool_link {
    struct stack_pool pool;
    size_t asked_size;
    struct pool_link *next;
};

/* Idle stacks are looked at so often; fewer than so many are not worth it. */
#define TRIM_PERIOD_NS NSEC_PER_SEC
enum { TRIM_MIN_STACKS = 64 };

static struct pool_link *runner_add_pool(struct asyncio_runner *runner,
                                         size_t size, unsigned flags,
                                         int *ret_err)
{
    struct pool_link *link = mem_zalloc(sizeof *link);
    if (!link) {
        *ret_err = -ENOMEM;
        return NULL;
    }
    *ret_err = stack_pool_init(&link->pool, size, flags);
    if (*ret_err < 0) {
        mem_free(link);
        return NULL;
    }
    link->asked_size = size;
    link->next = runner->other_pools;
    runner->other_pools = link;
    return link;
}

struct stack_pool *runner_pool(struct asyncio_runner *runner, size_t size,
                               bool is_dense, int *ret_err)
{
    unsigned flags = is_dense ? STACK_DENSE : 0;
    struct pool_link *link = runner->other_pools;
    while (link && (link->asked_size != size || link->pool.flags != flags))
        link = link->next;
    if (!link)
        link = runner_add_pool(runner, size, flags, ret_err);
    return link ? &link->pool : NULL;
}

static bool pool_may_shrink(const struct stack_pool *pool)
{
    return pool->free_count > pool->cold_count + TRIM_MIN_STACKS;
}

static bool runner_may_shrink(const struct asyncio_runner *runner)
{
    bool may = pool_may_shrink(&runner->pool);
    for (struct pool_link *link = runner->other_pools; link; link = link->next)
        may |= pool_may_shrink(&link->pool);
    return may;
}

/* True when there is more to give back. */
static bool runner_trim(struct asyncio_runner *runner)
{
    bool more = stack_pool_trim(&runner->pool);
    for (struct pool_link *link = runner->other_pools; link; link = link->next)
        more |= stack_pool_trim(&link->pool);
    return more;
}

/* The loop is about to sleep: once a second, stacks that a crowd has left
 * behind are given back. While some are left the sleep is no longer than
 * that. */
static uint64_t runner_on_idle(struct asyncio_loop *loop)
{
    struct asyncio_runner *runner = loop->owner;
    runner_reap(runner);
    if (loop->is_virtual || !runner_may_shrink(runner))
        return NSEC_NEVER;
    if (loop->now_ns < runner->trim_at_ns)
        return TRIM_PERIOD_NS;
    if (runner_trim(runner))
        return 0;                /* after a look at what else there is to do */
    runner->trim_at_ns = loop->now_ns + TRIM_PERIOD_NS;
    return TRIM_PERIOD_NS;
}

/* A task that yields lets all run that were ready before it. */
static enum work_order runner_order_of(const struct work *work)
{
    if (work->run != task_step)
        return callback_order_of(work);
    const struct asyncio_tcb *task =
        container_of(work, const struct asyncio_tcb, work);
    return task->wait_kind == WAIT_YIELD ? WORK_LAST : WORK_ANYWHERE;
}

static void runner_fini_pools(struct asyncio_runner *runner)
{
    stack_pool_fini(&runner->pool);
    while (runner->other_pools) {
        struct pool_link *link = runner->other_pools;
        runner->other_pools = link->next;
        stack_pool_fini(&link->pool);
        mem_free(link);
    }
}

/* ---- life ---- */

static void detached_on_end(struct asyncio_join *join, struct asyncio_tcb *task)
{
    (void)join;
    task_report_failure(task);
    task_release(task);
}

static void in_fork_child(void)
{
    runner_current = NULL;
    overflow_reset_after_fork();
}

static const struct process_fork_hooks fork_hooks = {
    .before = overflow_before_fork,
    .in_parent = overflow_after_fork_in_parent,
    .in_child = in_fork_child,
};

static int runner_init(struct asyncio_runner *runner,
                       const struct asyncio_runner_options *options)
{
    size_t size = options->stack_size;
    if (!size)
        size = STACK_SIZE_DEFAULT;
    int err = stack_pool_init(&runner->pool, size,
                              options->dense_stacks ? STACK_DENSE : 0);
    if (err < 0)
        return err;
    struct loop_options loop_options = {options->backend, options->seed,
                                        options->spin};
    err = loop_new(&loop_options, &runner->loop);
    if (err < 0)
        return err;

    runner->loop->owner = runner;
    runner->loop->on_idle = runner_on_idle;
    runner->loop->shuffle.order_of = runner_order_of;
    runner->detached.on_end = detached_on_end;
    runner->id = atomic_fetch_add(&runners_made, 1) + 1;
    runner->thread = sys_thread_id();
    runner->takes_sigint = !options->ignore_sigint;
    const char *debug = getenv("ASYNCIO_DEBUG");
    runner->is_debug = debug && *debug && *debug != '0';
    slots_init(&runner->slots);
    list_init(&runner->exited);
    list_init(&runner->interrupted);
    scope_init(&runner->root, SCOPE_RUNNER, NULL, NULL);
    process_set_fork_hooks(&fork_hooks);
    return 0;
}

int asyncio_runner_new(const struct asyncio_runner_options *options,
                       asyncio_runner **ret_runner)
{
    static const struct asyncio_runner_options defaults;
    struct asyncio_runner *runner = mem_zalloc(sizeof *runner);
    if (!runner)
        return -ENOMEM;
    int err = runner_init(runner, options ? options : &defaults);
    if (err < 0) {
        mem_free(runner);
        return err;
    }
    *ret_runner = runner;
    return 0;
}

void asyncio_runner_free(asyncio_runner *runner)
{
    if (!runner)
        return;
    if (runner_alive(runner) && runner_current)
        panic("asyncio_runner_free: it has tasks, and a loop is running here");
    /* In a fork's child the caller may be on one of the stacks. */
    bool stacks_stay = runner->loop->is_poisoned;
    runner_end_tasks(runner);
    loop_close(runner->loop);
    loop_unref(runner->loop);
    slots_fini(&runner->slots);
    if (!stacks_stay)
        runner_fini_pools(runner);
    mem_free(runner);
}
