/* SPDX-License-Identifier: MIT */
/*
 * gather: waits for many, releases all, results in the order of the tasks.
 *
 * Results are written as tasks end, where the caller wants them, so nothing is
 * kept per task but the index in its control block.
 */
#include <errno.h>

#include "task/join.h"
#include "task/park.h"

struct gather {
    struct asyncio_join join;
    int *results;                /* or NULL */
};

static void gather_note(struct gather *gather, size_t index, int result)
{
    if (gather->results)
        gather->results[index] = result;
    if (result < 0 && !gather->join.first_failure)
        gather->join.first_failure = result;
}

static void gather_on_end(struct asyncio_join *join, struct asyncio_tcb *task)
{
    struct gather *gather = container_of(join, struct gather, join);
    size_t index = task->join_index;
    join_note_end(join, task);
    gather_note(gather, index, join_take_result(task));
    if (!join->pending)
        join_wake(join);
}

/* Ended already: its failure is as old as the call. */
static void gather_take(struct gather *gather, asyncio_task handle,
                        size_t index, struct asyncio_tcb *waiter)
{
    struct asyncio_tcb *task;
    int err = task_find(handle, &task);
    if (err == 0)
        err = join_check(task, waiter);
    if (err < 0)
        gather_note(gather, index, err);
    else if (task->state == TASK_ENDED)
        gather_note(gather, index, join_take_result(task));
    else
        join_add(&gather->join, task, index);
}

int asyncio_gather(const asyncio_task *tasks, size_t count, int *results)
{
    struct asyncio_tcb *waiter = task_current();
    if (!waiter)
        return -EPERM;
    if (!tasks && count)
        return -EINVAL;
    struct gather gather = {.results = results};
    join_init(&gather.join, gather_on_end);
    for (size_t i = 0; i < count; i++)
        gather_take(&gather, tasks[i], i, waiter);
    join_wait_for_all(&gather.join, waiter);
    return gather.join.first_failure;
}
