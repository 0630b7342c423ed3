/* SPDX-License-Identifier: MIT */
/* Blocking functions out of the loop: an operation for the pool of threads. */
#include "sync/to_thread.h"

#include <asyncio/thread.h>
#include <errno.h>

#include "backend/pool.h"
#include "base/mem.h"
#include "task/park.h"

int pool_call(struct pool *pool, asyncio_fn *fn, void *arg)
{
    struct asyncio_tcb *task = task_current();
    if (!task)
        return -EPERM;
    if (!fn)
        return -EINVAL;
    struct task_op call = {
        .op = {.kind = OP_WORK, .job = {fn, arg, pool}},
    };
    return (int)task_run_op(task, &call, WAIT_THREAD);
}

int asyncio_to_thread(asyncio_fn *fn, void *arg)
{
    return pool_call(&pool_tasks, fn, arg);
}

/* ---- abandonable ---- */

/* On the heap, for the thread may need it longer than the task. */
struct abandonable {
    struct op op;
    struct asyncio_tcb *task;
    void (*discard)(void *arg);
    bool *is_abandoned;          /* in the waiting frame */
};

static struct abandonable *abandonable_of_op(struct op *op)
{
    return container_of(op, struct abandonable, op);
}

/* On the thread, long after the task has gone. */
static void abandonable_discard(struct op *op)
{
    struct abandonable *call = abandonable_of_op(op);
    call->discard(op->job.arg);
    mem_free(call);
}

static void abandonable_done(struct op *op)
{
    task_wake(abandonable_of_op(op)->task, op->result);
}

static bool abandonable_abort(struct asyncio_tcb *task, void *object)
{
    struct abandonable *call = object;
    struct backend *backend = task->runner->loop->backend;
    /* The call may be gone as soon as it has been abandoned. */
    bool *is_abandoned = call->is_abandoned;
    bool in_time = backend->class->abandon(backend, &call->op,
                                           abandonable_discard);
    *is_abandoned = in_time;
    return in_time;
}

static int abandonable_run(struct asyncio_tcb *task, struct pool *pool,
                           asyncio_fn *fn, void *arg,
                           void (*discard)(void *arg))
{
    bool is_abandoned = false;
    struct abandonable *call = mem_zalloc(sizeof *call);
    if (!call)
        return -ENOMEM;
    call->op.kind = OP_WORK;
    call->op.job.run = fn;
    call->op.job.arg = arg;
    call->op.job.pool = pool;
    call->op.done = abandonable_done;
    call->task = task;
    call->discard = discard;
    call->is_abandoned = &is_abandoned;

    intptr_t result;
    if (loop_submit(task->runner->loop, &call->op))
        result = call->op.result;
    else
        result = task_park(task, WAIT_THREAD, call, abandonable_abort);
    if (is_abandoned)
        return -ECANCELED;
    mem_free(call);
    if (result == -ECANCELED)
        discard(arg);
    return (int)result;
}

/* -ECANCELED always means that `arg` is gone, also where nothing was left
 * behind: else the caller could not know whether it is its own. */
int pool_call_abandonable(struct pool *pool, asyncio_fn *fn, void *arg,
                          void (*discard)(void *arg))
{
    struct asyncio_tcb *task = task_current();
    if (!task)
        return -EPERM;
    if (!fn || !discard)
        return -EINVAL;
    int err = task_checkpoint(task);
    if (err < 0) {
        discard(arg);
        return err;
    }
    return abandonable_run(task, pool, fn, arg, discard);
}

int asyncio_to_thread_abandonable(asyncio_fn *fn, void *arg,
                                  void (*discard)(void *arg))
{
    return pool_call_abandonable(&pool_tasks, fn, arg, discard);
}
