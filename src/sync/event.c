/* SPDX-License-Identifier: MIT */
/* The event: a flag that wakes all who wait for it. */
#include <asyncio/sync.h>

#include <errno.h>

#include "sync/waiters.h"
#include "task/park.h"

void asyncio_event_init(struct asyncio_event *event)
{
    list_init(&event->waiters_);
    event->is_set_ = false;
}

void asyncio_event_fini(struct asyncio_event *event)
{
    waiters_fini(&event->waiters_, "event");
}

void asyncio_event_set(struct asyncio_event *event)
{
    event->is_set_ = true;
    waiters_wake_all(&event->waiters_, 0);
}

void asyncio_event_clear(struct asyncio_event *event)
{
    event->is_set_ = false;
}

bool asyncio_event_is_set(const struct asyncio_event *event)
{
    return event->is_set_;
}

int asyncio_event_wait(struct asyncio_event *event)
{
    struct asyncio_tcb *task = task_current();
    if (unlikely(!task))
        return -EPERM;
    int err = task_checkpoint(task);
    if (unlikely(err < 0))
        return err;
    if (event->is_set_)
        return 0;
    /* Whoever is woken saw it set, even if it is cleared by the time it
     * runs. */
    return (int)waiters_wait(&event->waiters_, task, WAIT_EVENT);
}
