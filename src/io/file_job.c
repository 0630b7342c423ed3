/* SPDX-License-Identifier: MIT */
/* Blocking functions of files; see file_job.h. */
#include "io/file_job.h"

#include <errno.h>

#include "backend/pool.h"
#include "sync/to_thread.h"
#include "task/park.h"

int file_job_check(void)
{
    struct asyncio_tcb *task = task_current();
    if (!task)
        return -EPERM;
    return task->runner->loop->is_virtual ? -ENOTSUP : 0;
}

int file_job(asyncio_fn *fn, void *arg)
{
    int err = file_job_check();
    return err < 0 ? err : pool_call(&pool_files, fn, arg);
}

int file_job_abandonable(asyncio_fn *fn, void *arg, void (*discard)(void *arg))
{
    int err = file_job_check();
    if (err < 0)
        return err;
    return pool_call_abandonable(&pool_files, fn, arg, discard);
}

/* ---- stoppable ---- */

struct stoppable {
    struct op op;
    struct asyncio_tcb *task;
    atomic_bool *stop;
};

static void stoppable_done(struct op *op)
{
    task_wake(container_of(op, struct stoppable, op)->task, op->result);
}

static bool stoppable_abort(struct asyncio_tcb *task, void *object)
{
    struct stoppable *job = object;
    atomic_store(job->stop, true);
    loop_cancel(task->runner->loop, &job->op);
    return false;
}

int file_job_stoppable(asyncio_fn *fn, void *arg, atomic_bool *stop)
{
    int err = file_job_check();
    struct asyncio_tcb *task = task_current();
    if (err == 0)
        err = task_checkpoint(task);
    if (err < 0)
        return err;
    struct stoppable job = {
        .op = {.kind = OP_WORK, .job = {fn, arg, &pool_files}},
        .task = task,
        .stop = stop,
    };
    job.op.done = stoppable_done;
    if (loop_submit(task->runner->loop, &job.op))
        return (int)job.op.result;
    return (int)task_park(task, WAIT_THREAD, &job, stoppable_abort);
}
