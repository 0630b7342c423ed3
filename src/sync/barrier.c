/* SPDX-License-Identifier: MIT */
/*
 * The barrier. Whoever comes last wakes the others and starts the next round
 * at once: those of the round before have their numbers by then, so nobody
 * need wait until they have left.
 */
#include <asyncio/sync.h>

#include <errno.h>
#include <limits.h>

#include "sync/waiters.h"
#include "task/park.h"

int asyncio_barrier_init(struct asyncio_barrier *barrier, size_t parties)
{
    /* Each gets its number as an int. */
    if (!parties || parties > INT_MAX)
        return -EINVAL;
    list_init(&barrier->waiters_);
    barrier->parties_ = parties;
    barrier->waiting_ = 0;
    barrier->is_broken_ = false;
    return 0;
}

void asyncio_barrier_fini(struct asyncio_barrier *barrier)
{
    waiters_fini(&barrier->waiters_, "barrier");
}

/* ---- waiting ---- */

/* The place is free before the cancelled task runs, so that one who arrives
 * until then does not count it. */
static bool barrier_leave(struct asyncio_tcb *task, void *object)
{
    struct waiter *waiter = object;
    struct asyncio_barrier *barrier =
        container_of(waiter->list, struct asyncio_barrier, waiters_);
    barrier->waiting_--;
    return waiter_abort(task, object);
}

/* Numbers are given here and not on arrival, since the ones of those who left
 * again would be given twice. Returns the last. */
static int barrier_open(struct asyncio_barrier *barrier)
{
    struct waiter *waiter;
    int number = 0;
    while ((waiter = waiters_pop(&barrier->waiters_)))
        waiter_wake(waiter, number++);
    barrier->waiting_ = 0;
    return number;
}

int asyncio_barrier_wait(struct asyncio_barrier *barrier)
{
    struct waiter waiter = {.task = task_current()};
    if (unlikely(!waiter.task))
        return -EPERM;
    int err = task_checkpoint(waiter.task);
    if (unlikely(err < 0))
        return err;
    if (barrier->is_broken_)
        return -EPIPE;
    if (barrier->waiting_ + 1 == barrier->parties_)
        return barrier_open(barrier);
    barrier->waiting_++;
    return (int)waiter_park(&waiter, &barrier->waiters_, WAIT_BARRIER,
                            barrier_leave);
}

/* ---- failing ---- */

static void barrier_fail(struct asyncio_barrier *barrier, bool is_broken)
{
    barrier->is_broken_ = is_broken;
    barrier->waiting_ = 0;
    waiters_wake_all(&barrier->waiters_, -EPIPE);
}

void asyncio_barrier_reset(struct asyncio_barrier *barrier)
{
    barrier_fail(barrier, false);
}

void asyncio_barrier_abort(struct asyncio_barrier *barrier)
{
    barrier_fail(barrier, true);
}

size_t asyncio_barrier_waiting(const struct asyncio_barrier *barrier)
{
    return barrier->waiting_;
}

bool asyncio_barrier_is_broken(const struct asyncio_barrier *barrier)
{
    return barrier->is_broken_;
}
