/* SPDX-License-Identifier: MIT */
/*
 * Coroutines into a loop from other threads.
 *
 *                 start arrives            the task ends
 *    POSTED ---------------------> RUNS ----------------> DONE
 *       |   the loop had ended, or no memory               ^
 *       +--------------------------------------------------+
 *
 * Two sides hold a future: the thread, until it frees it, and the loop, until
 * the task has ended; a cancel on its way holds it too. The loop's side always
 * ends: what was posted runs even when the loop is closing, only that no
 * runner is there then to run tasks.
 */
#include <asyncio/thread.h>

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#include "backend/mailbox.h"
#include "base/mem.h"
#include "base/say.h"
#include "sys/sys.h"
#include "task/join.h"
#include "task/runner.h"
#include "task/scope.h"

struct asyncio_future {
    atomic_uint holders;
    asyncio_loop *loop;          /* counted */
    asyncio_fn *fn;
    void *arg;

    /* The loop's thread alone. */
    struct work start;
    struct work cancel;
    struct asyncio_join join;
    struct asyncio_tcb *task;    /* RUNS */
    bool is_cancelled;           /* before it was started */

    pthread_mutex_t lock;        /* guards the rest */
    pthread_cond_t ended;        /* on the monotonic clock */
    bool is_done;
    bool is_cancel_posted;
    bool is_let_go;              /* by the thread; nobody will ask */
    bool is_looked_at;
    int result;                  /* is_done */
};

/* ---- life ---- */

static void future_drop(struct asyncio_future *future)
{
    if (atomic_fetch_sub_explicit(&future->holders, 1,
                                  memory_order_acq_rel) != 1)
        return;
    pthread_cond_destroy(&future->ended);
    pthread_mutex_destroy(&future->lock);
    loop_unref(future->loop);
    mem_free(future);
}

static void future_init_lock(struct asyncio_future *future)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&future->ended, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&future->lock, NULL);
}

/* ---- the loop's side ---- */

/* The loop's side lets go. False: nobody will ask for the result. */
static bool future_finish(struct asyncio_future *future, int result)
{
    pthread_mutex_lock(&future->lock);
    future->result = result;
    future->is_done = true;
    bool is_awaited = !future->is_let_go;
    pthread_cond_broadcast(&future->ended);
    pthread_mutex_unlock(&future->lock);
    future_drop(future);
    return is_awaited;
}

static void future_on_end(struct asyncio_join *join, struct asyncio_tcb *task)
{
    struct asyncio_future *future =
        container_of(join, struct asyncio_future, join);
    future->task = NULL;
    if (!future_finish(future, task->result))
        task_report_failure(task);
    task_release(task);
}

/* The runner that drives the future's loop, or NULL when the loop has ended
 * and only empties its mailbox. */
static struct asyncio_runner *future_runner(struct asyncio_future *future)
{
    struct asyncio_runner *runner = runner_current;
    return runner && runner->loop == future->loop ? runner : NULL;
}

static void future_start(struct work *work)
{
    struct asyncio_future *future =
        container_of(work, struct asyncio_future, start);
    struct asyncio_runner *runner = future_runner(future);
    if (!runner) {
        future_finish(future, -ECANCELED);
        return;
    }
    struct task_plan plan = {
        .fn = future->fn,
        .arg = future->arg,
        .parent = &runner->root,
        .join = &future->join,
    };
    int err = task_create(runner, &plan, &future->task);
    if (err < 0)
        future_finish(future, err);
    else if (future->is_cancelled)
        scope_cancel(&future->task->root);
}

/* A simulation may shuffle it before the start. */
static void future_cancel(struct work *work)
{
    struct asyncio_future *future =
        container_of(work, struct asyncio_future, cancel);
    future->is_cancelled = true;
    if (future->task)
        scope_cancel(&future->task->root);
    future_drop(future);
}

/* ---- the thread's side ---- */

int asyncio_run_coroutine_threadsafe(asyncio_loop *loop, asyncio_fn *fn,
                                     void *arg, asyncio_future **ret_future)
{
    if (!loop || !fn || !ret_future)
        return -EINVAL;
    struct asyncio_future *future = mem_zalloc(sizeof *future);
    if (!future)
        return -ENOMEM;
    atomic_init(&future->holders, 2);
    future->loop = loop_ref(loop);
    future->fn = fn;
    future->arg = arg;
    future->start.run = future_start;
    future->cancel.run = future_cancel;
    future->join.on_end = future_on_end;
    future_init_lock(future);

    int err = mailbox_post(loop->mailbox, &future->start);
    if (err < 0) {
        future_drop(future);
        future_drop(future);
        return err;
    }
    *ret_future = future;
    return 0;
}

/* With the lock held. False: `until_ns` has passed. */
static bool future_wait(struct asyncio_future *future, uint64_t until_ns)
{
    struct timespec until = {
        .tv_sec = (time_t)(until_ns / NSEC_PER_SEC),
        .tv_nsec = (long)(until_ns % NSEC_PER_SEC),
    };
    int err = 0;
    while (!future->is_done && err != ETIMEDOUT) {
        if (until_ns == NSEC_NEVER)
            pthread_cond_wait(&future->ended, &future->lock);
        else
            err = pthread_cond_timedwait(&future->ended, &future->lock,
                                         &until);
    }
    return future->is_done;
}

static uint64_t deadline_after(double seconds)
{
    uint64_t now = sys_now_ns();
    double wait_ns = ceil(seconds * (double)NSEC_PER_SEC);
    if (wait_ns >= (double)(NSEC_NEVER - now))
        return NSEC_NEVER;
    return now + (uint64_t)wait_ns;
}

int asyncio_future_result(asyncio_future *future, double seconds)
{
    if (!future || isnan(seconds) || seconds < 0)
        return -EINVAL;
    int result = -EDEADLK;
    pthread_mutex_lock(&future->lock);
    if (future->is_done || !loop_current) {
        result = -ETIMEDOUT;
        if (future_wait(future, deadline_after(seconds))) {
            future->is_looked_at = true;
            result = future->result;
        }
    }
    pthread_mutex_unlock(&future->lock);
    return result;
}

int asyncio_future_cancel(asyncio_future *future)
{
    if (!future)
        return -EINVAL;
    pthread_mutex_lock(&future->lock);
    bool is_posted = future->is_cancel_posted;
    future->is_cancel_posted = true;
    pthread_mutex_unlock(&future->lock);
    if (is_posted)
        return 0;

    atomic_fetch_add_explicit(&future->holders, 1, memory_order_relaxed);
    int err = mailbox_post(future->loop->mailbox, &future->cancel);
    if (err < 0) {
        pthread_mutex_lock(&future->lock);
        future->is_cancel_posted = false;
        pthread_mutex_unlock(&future->lock);
        future_drop(future);
    }
    return err;
}

bool asyncio_future_is_done(const asyncio_future *future)
{
    asyncio_future *unlocked = (asyncio_future *)future;
    pthread_mutex_lock(&unlocked->lock);
    bool is_done = future->is_done;
    pthread_mutex_unlock(&unlocked->lock);
    return is_done;
}

void asyncio_future_free(asyncio_future *future)
{
    if (!future)
        return;
    pthread_mutex_lock(&future->lock);
    future->is_let_go = true;
    bool is_ignored = future->is_done && !future->is_looked_at;
    int result = future->result;
    pthread_mutex_unlock(&future->lock);
    if (is_ignored && result < 0 && result != -ECANCELED)
        say("a coroutine from another thread failed with %s (%s) and nobody "
            "asked for its result",
            asyncio_errname(result), asyncio_strerror(result));
    future_drop(future);
}
