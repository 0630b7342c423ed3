/* SPDX-License-Identifier: MIT */
/* as_completed: tasks in the order in which they end. */
#include <errno.h>

#include "task/join.h"
#include "task/park.h"

static void as_completed_on_end(struct asyncio_join *join,
                                struct asyncio_tcb *task)
{
    join_note_end(join, task);
    list_push_back(&join->ended, &task->join_link);
    join_wake(join);
}

static bool as_completed_abort(struct asyncio_tcb *task, void *object)
{
    struct asyncio_join *join = object;
    (void)task;
    join->waiter = NULL;
    return true;
}

int asyncio_as_completed_init(struct asyncio_as_completed *it,
                              const asyncio_task *tasks, size_t count)
{
    struct asyncio_tcb *waiter = task_current();
    if (!waiter)
        return -EPERM;
    join_init(&it->join_, as_completed_on_end);
    it->tasks_ = tasks;
    it->count_ = count;
    return join_watch(&it->join_, tasks, count, waiter);
}

int asyncio_as_completed_next(struct asyncio_as_completed *it,
                              size_t *ret_index, int *ret_result)
{
    struct asyncio_join *join = &it->join_;
    struct asyncio_tcb *waiter = task_current();
    if (!waiter)
        return -EPERM;
    int err = task_checkpoint(waiter);
    if (err < 0)
        return err;
    while (list_is_empty(&join->ended)) {
        if (!join->pending)
            return 0;
        join->waiter = waiter;
        err = (int)task_park(waiter, WAIT_TASKS, join, as_completed_abort);
        if (err < 0)
            return err;
    }
    struct asyncio_link *link = list_pop_front(&join->ended);
    struct asyncio_tcb *task =
        container_of(link, struct asyncio_tcb, join_link);
    if (ret_index)
        *ret_index = task->join_index;
    int result = join_take_result(task);
    if (ret_result)
        *ret_result = result;
    return 1;
}

void asyncio_as_completed_fini(struct asyncio_as_completed *it)
{
    join_unwatch(&it->join_);
}
