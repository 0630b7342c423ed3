/* SPDX-License-Identifier: MIT */
/*
 * The runner: the tasks of one loop, and the way from a thread's own stack into
 * them and back.
 */
#ifndef TASK_RUNNER_H
#define TASK_RUNNER_H

#include <asyncio/run.h>

#include "engine/signals.h"
#include "task/slots.h"
#include "task/task.h"

struct overflow_watch;

/* How many steps ahead a crowd's tasks are fetched. */
enum { CROWD_AHEAD = 8 };

struct asyncio_runner {
    struct asyncio_loop *loop;
    struct asyncio_tcb *current; /* the RUNNING task; NULL in the loop */
    struct ctx native;           /* the loop's own stack, while tasks run */
    struct slots slots;          /* what handles name */
    struct stack_pool pool;      /* stacks of the default size */
    struct pool_link *other_pools; /* of other sizes; see runner.c */
    struct asyncio_scope root;   /* above all tasks that have no owner */
    struct asyncio_join detached; /* joins the detached tasks */
    struct asyncio_link interrupted; /* tasks whose waits a cancel is about
                                  * to cut short (scope.c); in between, those
                                  * that task_waits_for has reached */
    bool is_interrupting;
    struct asyncio_link exited;  /* left, but not yet given back: CTX_MARKED
                                  * builds only; by join_link */
    struct signal_watch sigint;
    struct asyncio_tcb *main_task;
    struct overflow_watch *overflow;
    uint64_t trim_at_ns;         /* when idle stacks are looked at again */
    uint64_t created;            /* tasks ever */
    uint64_t ended;              /* of these */
    size_t ready;                /* is_crowd: tasks in the ready queue */
    size_t ready_noted;          /* is_crowd: those that joined it since it
                                  * was last short */
    struct asyncio_tcb *last_ready[CROWD_AHEAD]; /* see crowd.h */
    uint32_t id;                 /* of the loop, in handles */
    int thread;                  /* whose runner it is */
    int broken;                  /* why the loop cannot go on; 0 */
    bool is_crowd;               /* see crowd.h */
    bool takes_sigint;
    bool is_interrupted;         /* by Ctrl-C, in this run */
    bool is_debug;               /* ASYNCIO_DEBUG */
};

/* The runner whose loop runs on this thread, or NULL. */
extern __thread struct asyncio_runner *runner_current;

/* Tasks that have not ended. */
static inline size_t runner_alive(const struct asyncio_runner *runner)
{
    return (size_t)(runner->created - runner->ended);
}

/* The calling task, or NULL outside of tasks. */
static inline struct asyncio_tcb *task_current(void)
{
    struct asyncio_runner *runner = runner_current;
    return likely(runner) ? runner->current : NULL;
}

/* The handle of a living task. */
static inline asyncio_task task_handle(const struct asyncio_tcb *task)
{
    const struct asyncio_runner *runner = task->runner;
    return (asyncio_task){
        .slot_ = task->slot,
        .loop_ = runner->id,
        .generation_ = runner->slots.items[task->slot].generation,
    };
}

/* Why a handle names no task here. */
int task_find_failed(asyncio_task handle);

/*
 * The task that `handle` names, for a caller on its loop's thread. The null
 * task's reason, -EPERM (no loop runs here), -EXDEV, -ESRCH. NULL then.
 */
static inline int task_find(asyncio_task handle, struct asyncio_tcb **ret_task)
{
    struct asyncio_runner *runner = runner_current;
    struct asyncio_tcb *task = NULL;
    /* No runner has the null task's number, 0. */
    if (likely(runner && handle.loop_ == runner->id))
        task = slots_find(&runner->slots, handle.slot_, handle.generation_);
    *ret_task = task;
    return likely(task) ? 0 : task_find_failed(handle);
}

/* The pool for stacks of that kind, made at first use. NULL: no memory, and
 * -EINVAL in *ret_err when the size is out of bounds. */
struct stack_pool *runner_pool(struct asyncio_runner *runner, size_t size,
                               bool is_dense, int *ret_err);

/* Cancels every task there is and drives the loop until they have ended. */
void runner_end_tasks(struct asyncio_runner *runner);

/* Gives back the stacks of tasks that have left for good. */
void runner_reap(struct asyncio_runner *runner);

#endif
