/* SPDX-License-Identifier: MIT */
/*
 * Semaphores. The value is over 0 only when nobody waits: a release with
 * somebody waiting goes to the first of them and leaves the value as it is.
 */
#include <asyncio/sync.h>

#include <errno.h>

#include "sync/waiters.h"
#include "task/park.h"

static void semaphore_init(struct asyncio_semaphore *semaphore, size_t value,
                           size_t bound)
{
    list_init(&semaphore->waiters_);
    semaphore->value_ = value;
    semaphore->bound_ = bound;
}

void asyncio_semaphore_init(struct asyncio_semaphore *semaphore, size_t value)
{
    semaphore_init(semaphore, value, SIZE_MAX);
}

void asyncio_bounded_semaphore_init(struct asyncio_semaphore *semaphore,
                                    size_t value)
{
    semaphore_init(semaphore, value, value);
}

void asyncio_semaphore_fini(struct asyncio_semaphore *semaphore)
{
    waiters_fini(&semaphore->waiters_, "semaphore");
}

int asyncio_semaphore_acquire(struct asyncio_semaphore *semaphore)
{
    struct asyncio_tcb *task = task_current();
    if (unlikely(!task))
        return -EPERM;
    int err = task_checkpoint(task);
    if (unlikely(err < 0))
        return err;
    if (likely(semaphore->value_)) {
        semaphore->value_--;
        return 0;
    }
    return (int)waiters_wait(&semaphore->waiters_, task, WAIT_SEMAPHORE);
}

int asyncio_semaphore_try_acquire(struct asyncio_semaphore *semaphore)
{
    if (!semaphore->value_)
        return -EAGAIN;
    semaphore->value_--;
    return 0;
}

int asyncio_semaphore_release(struct asyncio_semaphore *semaphore)
{
    if (unlikely(semaphore->value_ == semaphore->bound_))
        return -EOVERFLOW;
    struct waiter *first = waiters_pop(&semaphore->waiters_);
    if (first)
        waiter_wake(first, 0);
    else
        semaphore->value_++;
    return 0;
}

bool asyncio_semaphore_is_locked(const struct asyncio_semaphore *semaphore)
{
    return !semaphore->value_;
}
