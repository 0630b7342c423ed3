/* SPDX-License-Identifier: MIT */
/* Waiting for the end of tasks: the parts (join.h), await and detach. */
#include "task/join.h"

#include <errno.h>
#include <math.h>

#include "task/park.h"

static struct asyncio_tcb *task_of_join_link(struct asyncio_link *link)
{
    return container_of(link, struct asyncio_tcb, join_link);
}

static void task_reach(struct asyncio_link *reached, struct asyncio_tcb *task)
{
    if (!task || task->is_reached)
        return;
    task->is_reached = true;
    list_push_back(reached, &task->interrupted_link);
}

/* Walked from below, where each has at most one that joins it and one that
 * started it: both end after it. */
bool task_waits_for(const struct asyncio_tcb *task, struct asyncio_tcb *sought)
{
    struct asyncio_link *reached = &sought->runner->interrupted;
    DEBUG_ASSERT(list_is_empty(reached));
    task_reach(reached, sought);
    LIST_FOR_EACH(link, reached) {
        struct asyncio_tcb *at =
            container_of(link, struct asyncio_tcb, interrupted_link);
        task_reach(reached, at->join ? at->join->waiter : NULL);
        task_reach(reached, at->root.parent->task);
    }
    bool found = task->is_reached;

    struct asyncio_link *link;
    while ((link = list_pop_front(reached)))
        container_of(link, struct asyncio_tcb, interrupted_link)->is_reached =
            false;
    return found;
}

void join_drop(struct asyncio_tcb *task)
{
    if (task->state != TASK_ENDED)
        task->join->pending--;
    list_remove(&task->join_link);
    task->join = NULL;
    /* Its creator may have returned meanwhile, and has to see to it. */
    struct asyncio_tcb *owner = task->root.parent->task;
    if (owner && owner->is_closing && owner->state == TASK_PARKED)
        task_wake(owner, 0);
}

void join_cancel_tasks(struct asyncio_join *join)
{
    LIST_FOR_EACH(link, &join->tasks)
        scope_cancel(&task_of_join_link(link)->root);
}

bool join_abort(struct asyncio_tcb *waiter, void *object)
{
    (void)waiter;
    join_cancel_tasks(object);
    return false;
}

/* ---- watching ---- */

static int join_watch_one(struct asyncio_join *join, asyncio_task handle,
                          size_t index, struct asyncio_tcb *waiter)
{
    struct asyncio_tcb *task;
    int err = task_find(handle, &task);
    if (err < 0)
        return err;
    err = join_check(task, waiter);
    if (err < 0)
        return err;
    join_add(join, task, index);
    return 0;
}

int join_watch(struct asyncio_join *join, const asyncio_task *tasks,
               size_t count, struct asyncio_tcb *waiter)
{
    if (!count || !tasks)
        return -EINVAL;
    for (size_t i = 0; i < count; i++) {
        int err = join_watch_one(join, tasks[i], i, waiter);
        if (err < 0) {
            join_unwatch(join);
            return err;
        }
    }
    LIST_FOR_EACH_SAFE(link, &join->tasks) {
        struct asyncio_tcb *task = task_of_join_link(link);
        if (task->state == TASK_ENDED)
            join->on_end(join, task);
    }
    return 0;
}

static void join_drop_list(struct asyncio_link *list)
{
    LIST_FOR_EACH_SAFE(link, list)
        join_drop(task_of_join_link(link));
}

void join_unwatch(struct asyncio_join *join)
{
    join_drop_list(&join->tasks);
    join_drop_list(&join->ended);
}

/* ---- await ---- */

/* The commonest join of all, so it is made of two stores: no lists, and the
 * end itself tells that it has come. */
static void await_on_end(struct asyncio_join *join, struct asyncio_tcb *task)
{
    (void)task;
    task_wake(join->waiter, 0);
}

static bool await_abort(struct asyncio_tcb *waiter, void *object)
{
    struct asyncio_tcb *task = object;
    (void)waiter;
    scope_cancel(&task->root);
    return false;
}

/* Waits for `task` and releases it. */
static inline int await_task(struct asyncio_tcb *task,
                             struct asyncio_tcb *waiter)
{
    if (unlikely(scope_is_effective(waiter->scope)))
        scope_cancel(&task->root);
    if (task->state != TASK_ENDED) {
        struct asyncio_join join;
        join.on_end = await_on_end;
        join.waiter = waiter;
        task->join = &join;
        task_park(waiter, WAIT_TASK, task, await_abort);
    }
    return join_take_result(task);
}

/* The task that the calling one may await. */
static inline int await_find(asyncio_task handle,
                             struct asyncio_tcb **ret_waiter,
                             struct asyncio_tcb **ret_task)
{
    struct asyncio_tcb *task;
    int err = task_find(handle, &task);
    if (unlikely(err < 0))
        return err;
    struct asyncio_tcb *waiter = task_current();
    if (unlikely(!waiter))
        return -EPERM;
    err = join_check(task, waiter);
    if (unlikely(err < 0))
        return err;
    *ret_waiter = waiter;
    *ret_task = task;
    return 0;
}

int asyncio_await(asyncio_task handle)
{
    struct asyncio_tcb *waiter, *task;
    int err = await_find(handle, &waiter, &task);
    if (unlikely(err < 0))
        return err;
    return await_task(task, waiter);
}

/* In a frame of its own: what parks in the frame that holds a scope would look
 * like a frame that was left early (scope_check). */
static __attribute__((noinline)) int
await_task_apart(struct asyncio_tcb *task, struct asyncio_tcb *waiter)
{
    return await_task(task, waiter);
}

int asyncio_wait_for(asyncio_task handle, double seconds)
{
    struct asyncio_tcb *waiter, *task;
    if (isnan(seconds))
        return -EINVAL;
    int err = await_find(handle, &waiter, &task);
    if (err < 0)
        return err;
    /* A result that is there wins, whatever the deadline. */
    if (task->state == TASK_ENDED)
        return join_take_result(task);

    /* Under a deadline, await cancels the task and gives its result. */
    struct asyncio_timeout timeout;
    err = asyncio_timeout_begin(&timeout, seconds);
    if (err < 0)
        return err;
    return asyncio_timeout_end(&timeout, await_task_apart(task, waiter));
}

/* ---- detach ---- */

int asyncio_task_detach(asyncio_task handle)
{
    struct asyncio_tcb *task;
    int err = task_find(handle, &task);
    if (err < 0)
        return err;
    if (task->join)
        return -EBUSY;
    struct asyncio_join *detached = &task->runner->detached;
    task->join = detached;
    scope_move(&task->root, &task->runner->root);
    if (task->state == TASK_ENDED)
        detached->on_end(detached, task);
    return 0;
}
