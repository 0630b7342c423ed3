/* SPDX-License-Identifier: MIT */
/*
 * The condition.
 *
 * A notified task needs the lock before it may go on, and its notifier has
 * the lock. So it is not woken: its waiter moves from the condition's list to
 * the end of the lock's, and the task wakes once, as the owner. A cancel moves
 * it the same way. What came first, notification or cancel, is what the call
 * returns, and no notification is lost to a task that has been cancelled.
 */
#include <errno.h>

#include "sync/lock.h"
#include "task/park.h"
#include "task/scope.h"

struct condition_wait {
    struct waiter waiter;
    struct asyncio_lock *lock;
    int outcome;                 /* 0, or -ECANCELED */
};

void asyncio_condition_init(struct asyncio_condition *condition,
                            struct asyncio_lock *lock)
{
    list_init(&condition->waiters_);
    condition->lock_ = lock;
}

void asyncio_condition_fini(struct asyncio_condition *condition)
{
    waiters_fini(&condition->waiters_, "condition");
}

/* ---- waiting ---- */

static bool condition_abort(struct asyncio_tcb *task, void *object)
{
    struct condition_wait *wait = object;
    (void)task;
    list_remove(&wait->waiter.link);
    wait->outcome = -ECANCELED;
    return lock_take_for(wait->lock, &wait->waiter);
}

_Static_assert(offsetof(struct condition_wait, waiter) == 0,
               "the abort gets the waiter's address");

static int condition_check(const struct asyncio_condition *condition)
{
    const struct asyncio_tcb *task = task_current();
    return task && condition->lock_->owner_ == task ? 0 : -EPERM;
}

/* The caller has the lock. */
static int condition_wait(struct asyncio_condition *condition)
{
    struct condition_wait wait = {
        .waiter = {.task = task_current()},
        .lock = condition->lock_,
    };
    int err = task_checkpoint(wait.waiter.task);
    if (err < 0)
        return err;
    lock_pass_on(wait.lock);
    waiter_park(&wait.waiter, &condition->waiters_, WAIT_CONDITION,
                condition_abort);
    return wait.outcome;
}

int asyncio_condition_wait(struct asyncio_condition *condition)
{
    int err = condition_check(condition);
    if (err < 0)
        return err;
    return condition_wait(condition);
}

int asyncio_condition_wait_for(struct asyncio_condition *condition,
                               bool (*predicate)(void *arg), void *arg)
{
    if (!predicate)
        return -EINVAL;
    int err = condition_check(condition);
    if (err == 0)
        err = task_checkpoint(task_current());
    while (err == 0 && !predicate(arg))
        err = condition_wait(condition);
    return err;
}

/* ---- notifying ---- */

int asyncio_condition_notify(struct asyncio_condition *condition, size_t count)
{
    int err = condition_check(condition);
    if (err < 0)
        return err;
    struct waiter *waiter;
    while (count-- && (waiter = waiters_pop(&condition->waiters_))) {
        /* Never at once: the notifier has the lock. */
        lock_take_for(condition->lock_, waiter);
    }
    return 0;
}

int asyncio_condition_notify_all(struct asyncio_condition *condition)
{
    return asyncio_condition_notify(condition, SIZE_MAX);
}
