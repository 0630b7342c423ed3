/* SPDX-License-Identifier: MIT */
/*
 * Tasks: coroutines that run on the loop of their thread, each on a stack of
 * its own, so any function they call may suspend.
 *
 *     static int job(void *arg)
 *     {
 *         int *number = arg;
 *         printf("Starting job %d\n", *number);
 *         int err = asyncio_sleep(1.0);
 *         return err < 0 ? err : 10 * *number;
 *     }
 *     ...
 *     int number = 4;
 *     asyncio_task task = asyncio_create_task(job, &number);
 *     int result = asyncio_await(task);
 *
 * Who starts a task owns it, and awaits it, gathers it or detaches it. What a
 * returning task has done none of that with is cancelled and waited for
 * before it counts as finished.
 *
 * Everything here is for the thread of the loop. Called elsewhere, functions
 * that return int answer -EPERM, and a task of another loop is -EXDEV. A
 * handle whose task has been awaited or has ended detached is -ESRCH.
 */
#ifndef ASYNCIO_TASK_H
#define ASYNCIO_TASK_H

#include <asyncio/base.h>

ASYNCIO_BEGIN

/*
 * A coroutine: negative is failure and is what an exception is in Python, it
 * travels through await, gather and groups; anything else is the result.
 */
typedef int asyncio_fn(void *arg);

struct asyncio_tcb;

/*
 * A handle: a value, not a pointer, that names one task for ever. Copies name
 * the same task. Fields are private.
 *
 * The null task stands for a creation that failed: whatever is done with it
 * answers the reason, and all zeros is -ENOMEM.
 */
typedef struct asyncio_task {
    uint32_t slot_;
    uint32_t loop_;
    uint64_t generation_;
} asyncio_task;

/* Zeros are defaults. */
struct asyncio_task_options {
    const char *name;            /* copied, at most 31 bytes of it */
    size_t stack_size;           /* bytes of address space, guard included;
                                  * default: the runner's */
    /*
     * A small stack without a guard, packed densely: stack_size (2 KiB and
     * up) is all it has, and running off it corrupts its neighbour. Name the
     * price: no printf, no first call through the lazy linker (link with
     * -z now), no signal handler that is not on the alternate stack.
     */
    bool dense_stack;
    /* Bytes at `arg` copied on to the task's own stack; the function then
     * gets the address of the copy. 0: `arg` itself is passed. */
    size_t arg_size;
};

/*
 * Starts a task that calls fn(arg); it first runs when the caller suspends.
 * `arg` is lent until the task ends. Never suspends.
 * Returns the null task when it cannot: fn is NULL (-EINVAL), memory is
 * exhausted (-ENOMEM), no task of this thread is running (-EPERM).
 */
ASYNCIO_API asyncio_task asyncio_create_task(asyncio_fn *fn, void *arg);

/* As asyncio_create_task; `options` may be NULL. A stack size that is out of
 * bounds, or arg_size over a quarter of the stack: -EINVAL. Never suspends. */
ASYNCIO_API asyncio_task
asyncio_create_task_with(asyncio_fn *fn, void *arg,
                         const struct asyncio_task_options *options);

/*
 * Waits until `task` has ended, releases it, and returns its result.
 * Suspends. When the caller is cancelled, so is `task`, and the join is still
 * waited for. -EDEADLK: the task itself, or one that waits for the caller;
 * -EBUSY: somebody else awaits it now.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_await(asyncio_task task);

/*
 * Gives `task` to the runner: it needs no await, a failure of it is reported
 * on standard error, and asyncio_run ends by cancelling it and waiting for it.
 * Never suspends. -EBUSY: somebody awaits it.
 */
ASYNCIO_API int asyncio_task_detach(asyncio_task task);

/*
 * Cancels the root scope of `task`: every suspending call in it and below it
 * fails with -ECANCELED from now on, but under a shield. A task that has not
 * run yet still runs. Never suspends; 0 also when it has ended already.
 */
ASYNCIO_API int asyncio_task_cancel(asyncio_task task);

/* True when `task` was cancelled by asyncio_task_cancel or from above. */
ASYNCIO_API bool asyncio_task_is_cancelled(asyncio_task task);

/* True when `task` has ended or its handle is stale or null. */
ASYNCIO_API bool asyncio_task_is_done(asyncio_task task);

/* 0, or why the handle names no task: the creation's error or -ESRCH. */
ASYNCIO_API int asyncio_task_error(asyncio_task task);

/* True when both name the same task. */
ASYNCIO_API bool asyncio_task_equal(asyncio_task a, asyncio_task b);

/* Copies at most 31 bytes of `name`. Never suspends. */
ASYNCIO_API int asyncio_task_set_name(asyncio_task task, const char *name);

/* Copies the name, "task-<number>" by default, to `ret_name` of `size` bytes,
 * cut to fit. Returns its whole length. Never suspends. */
ASYNCIO_API int asyncio_task_get_name(asyncio_task task, char *ret_name,
                                      size_t size);

/* The task that calls; the null task (-EPERM) outside of tasks. */
ASYNCIO_API asyncio_task asyncio_current_task(void);

/* Writes up to `size` handles of the loop's tasks that have not ended, in no
 * particular order; returns how many there are. Never suspends. */
ASYNCIO_API int asyncio_all_tasks(asyncio_task *ret_tasks, size_t size);

/*
 * Lets at least `seconds` pass. 0 lets every other ready task run once.
 * Suspends. Cancelled: -ECANCELED. Negative or NaN seconds: -EINVAL;
 * ASYNCIO_FOREVER ends by a cancel only.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_sleep(double seconds);

/* Whoever waits for tasks to end, and is told of each. Private. */
struct asyncio_join {
    void (*on_end)(struct asyncio_join *join, struct asyncio_tcb *task);
    struct asyncio_tcb *waiter; /* parked on this; else NULL */
    struct asyncio_link tasks;   /* that have not ended */
    struct asyncio_link ended;   /* that have, and are not handed out */
    size_t pending;              /* the number of `tasks` */
    int first_failure;
};

/*
 * Waits for all `count` tasks and releases them. results[i] (may be NULL) is
 * the result of tasks[i]. Returns 0, or the failure that came first in time.
 * Suspends. When the caller is cancelled all of them are, and they are still
 * waited for. A handle that cannot be awaited (null, stale, awaited already,
 * the caller itself, twice in the list) counts as a task with that failure.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_gather(const asyncio_task *tasks,
                                                size_t count, int *results);

enum asyncio_when {
    ASYNCIO_FIRST_COMPLETED,
    ASYNCIO_FIRST_EXCEPTION,     /* a failure, or all of them */
    ASYNCIO_ALL_COMPLETED,
};

/*
 * Waits until `when` holds of the tasks or `seconds` have passed. done[i] (may
 * be NULL) tells whether tasks[i] has ended. Returns how many have. Releases
 * nothing: each is still to be awaited. Suspends. Cancelled: -ECANCELED, and
 * the tasks go on. -EINVAL: count 0, negative or NaN seconds, a wrong `when`;
 * -EBUSY, -ESRCH, -EDEADLK as asyncio_await, of any of them, before waiting.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_wait(const asyncio_task *tasks, size_t count, enum asyncio_when when,
             double seconds, bool *done);

/*
 * As asyncio_await with a deadline: when `seconds` have passed the task is
 * cancelled and waited for. Returns its result, or -ETIMEDOUT when it was
 * cancelled for that. Suspends. Cancelled as asyncio_await.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_wait_for(asyncio_task task,
                                                  double seconds);

/*
 * Hands out tasks in the order in which they end:
 *
 *     struct asyncio_as_completed it;
 *     int err = asyncio_as_completed_init(&it, tasks, 3);
 *     size_t index;
 *     int result;
 *     while (asyncio_as_completed_next(&it, &index, &result) > 0)
 *         printf("task %zu: %d\n", index, result);
 *     asyncio_as_completed_fini(&it);
 *
 * Must not move, and must be ended, in the frame that began it.
 */
struct asyncio_as_completed {
    struct asyncio_join join_;
    const asyncio_task *tasks_;
    size_t count_;
};

/* `tasks` is lent until fini. Never suspends. -EINVAL, -EBUSY, -ESRCH,
 * -EDEADLK of any of the tasks: then nothing has begun. */
ASYNCIO_API int asyncio_as_completed_init(struct asyncio_as_completed *it,
                                          const asyncio_task *tasks,
                                          size_t count);

/*
 * Waits for the next task to end, releases it, writes its index and result.
 * Returns 1, or 0 when all have been handed out. Suspends. Cancelled:
 * -ECANCELED, and the tasks go on.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_as_completed_next(struct asyncio_as_completed *it, size_t *ret_index,
                          int *ret_result);

/* Lets go of tasks not handed out; they are the caller's to await as before.
 * Never suspends. */
ASYNCIO_API void asyncio_as_completed_fini(struct asyncio_as_completed *it);

ASYNCIO_END

#endif
