/* SPDX-License-Identifier: MIT */
/*
 * The lock. It is free only when nobody waits for it: a release makes the
 * first waiter the owner before that one runs.
 */
#include "sync/lock.h"

#include <errno.h>

#include "task/park.h"

void asyncio_lock_init(struct asyncio_lock *lock)
{
    list_init(&lock->waiters_);
    lock->owner_ = NULL;
}

void asyncio_lock_fini(struct asyncio_lock *lock)
{
    waiters_fini(&lock->waiters_, "lock");
}

/* ---- taking ---- */

/* 0, -EDEADLK, or -EAGAIN: somebody else has it. */
static int lock_try(struct asyncio_lock *lock, struct asyncio_tcb *task)
{
    if (likely(!lock->owner_)) {
        lock->owner_ = task;
        return 0;
    }
    return lock->owner_ == task ? -EDEADLK : -EAGAIN;
}

int asyncio_lock_acquire(struct asyncio_lock *lock)
{
    struct asyncio_tcb *task = task_current();
    if (unlikely(!task))
        return -EPERM;
    int err = task_checkpoint(task);
    if (unlikely(err < 0))
        return err;
    err = lock_try(lock, task);
    if (likely(err != -EAGAIN))
        return err;
    return (int)waiters_wait(&lock->waiters_, task, WAIT_LOCK);
}

int asyncio_lock_try_acquire(struct asyncio_lock *lock)
{
    struct asyncio_tcb *task = task_current();
    if (unlikely(!task))
        return -EPERM;
    return lock_try(lock, task);
}

bool lock_take_for(struct asyncio_lock *lock, struct waiter *waiter)
{
    if (lock_try(lock, waiter->task) == 0)
        return true;
    waiter->task->wait_kind = WAIT_LOCK;
    waiter->task->wait.abort = NULL;
    waiter->list = &lock->waiters_;
    list_push_back(&lock->waiters_, &waiter->link);
    return false;
}

/* ---- giving ---- */

void lock_pass_on(struct asyncio_lock *lock)
{
    struct waiter *next = waiters_pop(&lock->waiters_);
    lock->owner_ = next ? next->task : NULL;
    if (next)
        waiter_wake(next, 0);
}

int asyncio_lock_release(struct asyncio_lock *lock)
{
    struct asyncio_tcb *task = task_current();
    if (unlikely(!task || lock->owner_ != task))
        return -EPERM;
    lock_pass_on(lock);
    return 0;
}

bool asyncio_lock_is_locked(const struct asyncio_lock *lock)
{
    return lock->owner_;
}
