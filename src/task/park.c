/* SPDX-License-Identifier: MIT */
/*
 * What surrounds the parking of tasks (park.h): the step from the loop, the
 * entry of suspending calls, cutting a wait short, waiting for an operation.
 */
#include <errno.h>

#include "base/say.h"
#include "task/park.h"
#include "task/scope.h"

/* A task that shrugs off this many cancelled calls is told of in debug mode. */
enum { SCOPE_IGNORED_MANY = 1000 };

void task_step(struct work *work)
{
    struct asyncio_tcb *task = task_of_work(work);
    struct asyncio_runner *runner = task->runner;
    runner_took(runner, task);
    task->state = TASK_RUNNING;
    runner->current = task;
    ctx_switch(&runner->native, &task->ctx);
}

void crowd_begin(struct asyncio_runner *runner)
{
    if (runner->loop->is_virtual)
        return;
    runner->is_crowd = true;
    runner->ready = 0;
    runner->ready_noted = 0;
    for (struct work *at = runner->loop->ready.head; at; at = at->next) {
        if (at->run != task_step)
            continue;
        task_of_work(at)->ahead = NULL;
        runner->ready++;
    }
}

void task_interrupt(struct asyncio_tcb *task)
{
    if (task->state != TASK_PARKED || !task->wait.abort)
        return;
    if (task->wait.abort(task, task->wait.object))
        task_wake(task, -ECANCELED);
}

/* ---- the entry of suspending calls ---- */

int task_refuse(struct asyncio_tcb *task)
{
    struct asyncio_scope *scope = task->scope;
    /* The mark may be what another frame has left in a dead one. */
    scope_check(task, __builtin_frame_address(0));
    if (scope->ignored < UINT16_MAX)
        scope->ignored++;
    if (scope->ignored == SCOPE_IGNORED_MANY && task->runner->is_debug) {
        char name[TASK_NAME_SIZE];
        task_name(task, name, sizeof name);
        say("%s has ignored %d cancellations", name, SCOPE_IGNORED_MANY);
    }
    return -ECANCELED;
}

/* To the loop, too: what is always ready would else keep its turn for itself,
 * for as many calls as there are steps and credit. */
void task_let_others_run(struct asyncio_tcb *task)
{
    task->runner->loop->budget = 0;
    task_yield(task);
}

/* ---- operations ---- */

static void task_op_done(struct op *op)
{
    struct task_op *task_op = container_of(op, struct task_op, op);
    task_wake(task_op->task, op->result);
}

static bool task_op_abort(struct asyncio_tcb *task, void *object)
{
    struct task_op *task_op = object;
    loop_cancel(task->runner->loop, &task_op->op);
    return false;
}

ssize_t task_run_op(struct asyncio_tcb *task, struct task_op *task_op,
                    enum wait_kind kind)
{
    int err = task_checkpoint(task);
    return err < 0 ? err : task_carry_op(task, task_op, kind);
}

ssize_t task_carry_op(struct asyncio_tcb *task, struct task_op *task_op,
                      enum wait_kind kind)
{
    task_op->task = task;
    task_op->op.done = task_op_done;
    if (loop_submit(task->runner->loop, &task_op->op))
        return task_op->op.result;
    return task_park(task, kind, task_op, task_op_abort);
}
