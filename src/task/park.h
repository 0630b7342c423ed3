/* SPDX-License-Identifier: MIT */
/*
 * Parking and waking: how a task gives the thread away and gets it back.
 *
 * A task that stops takes the next ready task out of the loop's queue and
 * switches to it directly; only when there is none, or the turn's budget is
 * spent, does it go back to the loop. One switch per step instead of two.
 *
 * Inline, since everything that suspends is made of these few lines.
 */
#ifndef TASK_PARK_H
#define TASK_PARK_H

#include "task/crowd.h"
#include "task/runner.h"
#include "task/scope.h"

/* Runs a READY task: the `run` of its work. */
void task_step(struct work *work);

static inline struct asyncio_tcb *task_of_work(struct work *work)
{
    return container_of(work, struct asyncio_tcb, work);
}

/* Makes the next ready task the running one, or the loop; its context. */
static inline struct ctx *runner_pass_on(struct asyncio_runner *runner)
{
    struct work *work = loop_take(runner->loop, task_step);
    if (!work) {
        runner->current = NULL;
        return &runner->native;
    }
    struct asyncio_tcb *next = task_of_work(work);
    runner_took(runner, next);
    next->state = TASK_RUNNING;
    runner->current = next;
    return &next->ctx;
}

/* Stops here; the task is on some queue, or somebody will wake it. */
static inline void task_give_way(struct asyncio_tcb *task)
{
    scope_check(task, __builtin_frame_address(0));
    struct ctx *next = runner_pass_on(task->runner);
    if (next != &task->ctx)
        ctx_switch(&task->ctx, next);
    task->credit = TASK_CREDIT;
}

/* Leaves an ENDED task for ever. */
static inline _Noreturn void task_leave(struct asyncio_tcb *task)
{
    ctx_exit(&task->ctx, runner_pass_on(task->runner));
}

/*
 * Suspends the calling task until task_wake; returns the wake-up's result.
 * `abort` is as wait.abort. Does not check for cancellation on entry.
 */
static inline intptr_t task_park(struct asyncio_tcb *task,
                                 enum wait_kind kind, void *object,
                                 wait_abort *abort)
{
    task->wait_kind = (uint8_t)kind;
    task->wait.object = object;
    task->wait.abort = abort;
    task->wait.since_ns = task->runner->loop->now_ns;
    task->state = TASK_PARKED;
    task_give_way(task);
    task->wait_kind = WAIT_NONE;
    return task->wait.result;
}

/* Ends the park of a PARKED task with `result`. */
static inline void task_wake(struct asyncio_tcb *task, intptr_t result)
{
    DEBUG_ASSERT(task->state == TASK_PARKED);
    task->state = TASK_READY;
    task->wait.result = result;
    runner_ready(task->runner, task);
}

/* Lets every other ready task run once. */
static inline void task_yield(struct asyncio_tcb *task)
{
    task->wait_kind = WAIT_YIELD;
    task->state = TASK_READY;
    runner_ready(task->runner, task);
    task_give_way(task);
    task->wait_kind = WAIT_NONE;
}

/* Out of line, so that the entry below stays small. */
int task_refuse(struct asyncio_tcb *task) __attribute__((cold));
void task_let_others_run(struct asyncio_tcb *task) __attribute__((cold));

/*
 * The entry of every suspending call but joins: -ECANCELED when the task is
 * cancelled here. Calls that then return at once spend the task's credit; when
 * it is used up the task yields first, so that an always-ready reader lets
 * others run and meets its deadline.
 */
static inline int task_checkpoint(struct asyncio_tcb *task)
{
    if (unlikely(!task->credit--))
        task_let_others_run(task);
    if (unlikely(scope_is_effective(task->scope)))
        return task_refuse(task);
    return 0;
}

/* Cuts the wait of a cancelled task short, where it is parked and can be. */
void task_interrupt(struct asyncio_tcb *task);

/* An operation in the frame of the task that waits for it. */
struct task_op {
    struct op op;                /* but for `done`, set by the caller */
    struct asyncio_tcb *task;
};

/* Submits the operation and waits for it; a cancel withdraws it where its kind
 * allows. Returns its result. Includes the checkpoint. */
ssize_t task_run_op(struct asyncio_tcb *task, struct task_op *task_op,
                    enum wait_kind kind);

/* The same after the checkpoint, which may have let others run: for ops on what
 * one of them may have closed meanwhile. */
ssize_t task_carry_op(struct asyncio_tcb *task, struct task_op *task_op,
                      enum wait_kind kind);

#endif
