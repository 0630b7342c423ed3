/* SPDX-License-Identifier: MIT */
/*
 * Joins: whoever waits for tasks to end. A task has at most one; when it ends
 * it calls join->on_end, which releases it or notes it and wakes the waiter.
 *
 * await, gather and wait_for consume: they release the tasks, and a cancel of
 * the waiter is passed on to them while the join goes on. wait and as_completed
 * only watch: they let go again.
 */
#ifndef TASK_JOIN_H
#define TASK_JOIN_H

#include <errno.h>

#include "task/release.h"

/* An empty join that the calling task will wait on. */
static inline void join_init(struct asyncio_join *join,
                             void (*on_end)(struct asyncio_join *join,
                                            struct asyncio_tcb *task))
{
    join->on_end = on_end;
    join->waiter = NULL;
    list_init(&join->tasks);
    list_init(&join->ended);
    join->pending = 0;
    join->first_failure = 0;
}

/* Does `task` wait for `sought`, by way of joins and of creators that end after
 * what they have started? */
bool task_waits_for(const struct asyncio_tcb *task, struct asyncio_tcb *sought);

/* Can it wait for any task, now or at its end? */
static inline bool task_may_join(const struct asyncio_tcb *task)
{
    return task->wait_kind == WAIT_TASK || task->wait_kind == WAIT_TASKS ||
           !list_is_empty(&task->root.children);
}

/* Why `waiter` cannot wait for `task`: -EBUSY, -EDEADLK, or 0. */
static inline int join_check(const struct asyncio_tcb *task,
                             struct asyncio_tcb *waiter)
{
    if (task == waiter)
        return -EDEADLK;
    if (unlikely(task->join))
        return -EBUSY;
    if (likely(!task_may_join(task)))
        return 0;
    return task_waits_for(task, waiter) ? -EDEADLK : 0;
}

/* Begins to wait for a task that has not ended. */
static inline void join_add(struct asyncio_join *join,
                            struct asyncio_tcb *task, size_t index)
{
    task->join = join;
    task->join_index = index;
    list_push_back(&join->tasks, &task->join_link);
    join->pending++;
}

/* Lets go of a task that join_add took. */
void join_drop(struct asyncio_tcb *task);

/* Takes note that `task` has ended: it leaves the list of pending tasks. */
static inline void join_note_end(struct asyncio_join *join,
                                 struct asyncio_tcb *task)
{
    list_remove(&task->join_link);
    join->pending--;
    if (task->result < 0 && !join->first_failure)
        join->first_failure = task->result;
}

/* Wakes the waiter if there is one parked. */
static inline void join_wake(struct asyncio_join *join)
{
    struct asyncio_tcb *waiter = join->waiter;
    if (!waiter)
        return;
    join->waiter = NULL;
    task_wake(waiter, 0);
}

/* Passes a cancel on to all pending tasks. */
void join_cancel_tasks(struct asyncio_join *join);

/* The wait.abort of a join: it goes on. */
bool join_abort(struct asyncio_tcb *waiter, void *object);

/* Parks until no task is pending; a cancel is passed on to them. */
static inline void join_wait_for_all(struct asyncio_join *join,
                                     struct asyncio_tcb *waiter)
{
    if (unlikely(scope_is_effective(waiter->scope)))
        join_cancel_tasks(join);
    while (join->pending) {
        join->waiter = waiter;
        task_park(waiter, WAIT_TASKS, join, join_abort);
    }
}

/* Finds the tasks of a list and begins to watch them. -EINVAL (count 0), or
 * the first handle's error: then nothing has begun. Tasks that have ended
 * already are noted by on_end. */
int join_watch(struct asyncio_join *join, const asyncio_task *tasks,
               size_t count, struct asyncio_tcb *waiter);

/* Lets go of all that join_watch took and that is still there. */
void join_unwatch(struct asyncio_join *join);

/* The result of an ended task, which is released. */
static inline int join_take_result(struct asyncio_tcb *task)
{
    int result = task->result;
    task_release(task);
    return result;
}

#endif
