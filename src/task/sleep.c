/* SPDX-License-Identifier: MIT */
/* sleep: a timer in the frame of the sleeper. */
#include <errno.h>
#include <math.h>

#include "task/park.h"

struct sleeper {
    struct asyncio_timer timer;
    struct asyncio_tcb *task;
};

static void sleeper_fire(struct asyncio_timer *timer)
{
    task_wake(container_of(timer, struct sleeper, timer)->task, 0);
}

static bool sleeper_abort(struct asyncio_tcb *task, void *object)
{
    struct sleeper *sleeper = object;
    loop_stop_timer(task->runner->loop, &sleeper->timer);
    return true;
}

static __attribute__((noinline)) int sleep_for(struct asyncio_tcb *task,
                                               double seconds)
{
    int err = task_checkpoint(task);
    if (unlikely(err < 0))
        return err;
    struct asyncio_loop *loop = task->runner->loop;
    struct sleeper sleeper = {.task = task};
    timer_init(&sleeper.timer, sleeper_fire);
    loop_start_timer(loop, &sleeper.timer, loop_deadline_ns(loop, seconds));
    return (int)task_park(task, WAIT_SLEEP, &sleeper, sleeper_abort);
}

/* sleep(0) is the yield, so it has a short way of its own; credit is spent
 * only where it does not suspend. */
int asyncio_sleep(double seconds)
{
    struct asyncio_tcb *task = task_current();
    if (unlikely(!task))
        return -EPERM;
    if (seconds > 0)
        return sleep_for(task, seconds);
    if (unlikely(isnan(seconds) || seconds < 0))
        return -EINVAL;
    if (unlikely(scope_is_effective(task->scope)))
        return task_checkpoint(task);
    task_yield(task);
    return 0;
}
