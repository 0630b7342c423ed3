/* SPDX-License-Identifier: MIT */
/* wait: until the first, the first failure, or all; nothing is released. */
#include <errno.h>
#include <math.h>

#include "task/join.h"
#include "task/park.h"

struct wait_call {
    struct asyncio_join join;
    struct asyncio_timer timer;
    enum asyncio_when when;
};

static bool wait_is_over(const struct wait_call *call)
{
    const struct asyncio_join *join = &call->join;
    if (!join->pending)
        return true;
    if (call->when == ASYNCIO_FIRST_COMPLETED)
        return !list_is_empty(&join->ended);
    return call->when == ASYNCIO_FIRST_EXCEPTION && join->first_failure;
}

static void wait_on_end(struct asyncio_join *join, struct asyncio_tcb *task)
{
    struct wait_call *call = container_of(join, struct wait_call, join);
    join_note_end(join, task);
    list_push_back(&join->ended, &task->join_link);
    if (wait_is_over(call))
        join_wake(join);
}

static void wait_on_deadline(struct asyncio_timer *timer)
{
    join_wake(&container_of(timer, struct wait_call, timer)->join);
}

static bool wait_abort_call(struct asyncio_tcb *task, void *object)
{
    struct wait_call *call = container_of(object, struct wait_call, join);
    (void)task;
    call->join.waiter = NULL;
    return true;
}

static int wait_until_over(struct wait_call *call, struct asyncio_tcb *waiter,
                           double seconds)
{
    struct asyncio_loop *loop = waiter->runner->loop;
    if (wait_is_over(call))
        return 0;
    if (seconds <= 0) {
        task_yield(waiter);
        return 0;
    }
    timer_init(&call->timer, wait_on_deadline);
    loop_start_timer(loop, &call->timer, loop_deadline_ns(loop, seconds));
    call->join.waiter = waiter;
    intptr_t err = task_park(waiter, WAIT_TASKS, &call->join, wait_abort_call);
    loop_stop_timer(loop, &call->timer);
    return (int)err;
}

static int wait_count(const struct wait_call *call, size_t count, bool *done)
{
    size_t ended = 0;
    for (size_t i = 0; done && i < count; i++)
        done[i] = false;
    LIST_FOR_EACH(link, &call->join.ended) {
        const struct asyncio_tcb *task =
            container_of(link, struct asyncio_tcb, join_link);
        if (done)
            done[task->join_index] = true;
        ended++;
    }
    return (int)ended;
}

int asyncio_wait(const asyncio_task *tasks, size_t count,
                 enum asyncio_when when, double seconds, bool *done)
{
    struct asyncio_tcb *waiter = task_current();
    if (!waiter)
        return -EPERM;
    if (isnan(seconds) || seconds < 0 || when > ASYNCIO_ALL_COMPLETED)
        return -EINVAL;
    int err = task_checkpoint(waiter);
    if (err < 0)
        return err;

    struct wait_call call = {.when = when};
    join_init(&call.join, wait_on_end);
    err = join_watch(&call.join, tasks, count, waiter);
    if (err < 0)
        return err;
    err = wait_until_over(&call, waiter, seconds);
    int ended = wait_count(&call, count, done);
    join_unwatch(&call.join);
    return err < 0 ? err : ended;
}
