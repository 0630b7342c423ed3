/* SPDX-License-Identifier: MIT */
/* The end of a task's life: its handle, its place in the tree, its stack. */
#ifndef TASK_RELEASE_H
#define TASK_RELEASE_H

#include "task/park.h"

/* Its stack is free for the next one. */
static inline void task_free(struct asyncio_tcb *task)
{
    ctx_release(&task->ctx);
    stack_give(task->pool, task->stack_top);
}

/* Forgets an ENDED task: its handles are stale and its stack is free. May be
 * called by the task itself as the last thing before it leaves. */
static inline void task_release(struct asyncio_tcb *task)
{
    struct asyncio_runner *runner = task->runner;
    struct asyncio_scope *parent = task->root.parent;
    slots_give(&runner->slots, task->slot);
    list_unlink(&task->root.siblings);

    struct asyncio_tcb *owner = parent->task;
    if (unlikely(owner && owner->is_closing && owner->state == TASK_PARKED &&
                 list_is_empty(&owner->root.children)))
        task_wake(owner, 0);

    if (CTX_MARKED && runner->current == task)
        list_push_back(&runner->exited, &task->join_link);
    else
        task_free(task);
}

#endif
