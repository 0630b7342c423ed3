/* SPDX-License-Identifier: MIT */
/* Lists of waiters; see waiters.h. */
#include "sync/waiters.h"

#include "task/park.h"

static struct waiter *waiter_of_link(struct asyncio_link *link)
{
    return container_of(link, struct waiter, link);
}

/* What these objects are not for; going on would corrupt a ready queue. */
static _Noreturn __attribute__((cold)) void
waiter_die_elsewhere(const struct waiter *waiter)
{
    char name[TASK_NAME_SIZE];
    task_name(waiter->task, name, sizeof name);
    panic("what %s waits for was used from outside the thread of its loop: "
          "locks, events, queues and the like are for one loop; use "
          "asyncio_call_soon_threadsafe or asyncio_thread_queue",
          name);
}

intptr_t waiter_park(struct waiter *waiter, struct asyncio_link *list,
                     enum wait_kind kind, wait_abort *abort)
{
    struct asyncio_tcb *task = waiter->task;
    if (!list_is_empty(list)) {
        const struct waiter *first = waiter_of_link(list->next);
        if (unlikely(first->task->runner != task->runner))
            waiter_die_elsewhere(first);
    }
    waiter->list = list;
    list_push_back(list, &waiter->link);
    return task_park(task, kind, waiter, abort);
}

bool waiter_abort(struct asyncio_tcb *task, void *object)
{
    struct waiter *waiter = object;
    (void)task;
    list_remove(&waiter->link);
    return true;
}

intptr_t waiters_wait(struct asyncio_link *list, struct asyncio_tcb *task,
                      enum wait_kind kind)
{
    struct waiter waiter = {.task = task};
    return waiter_park(&waiter, list, kind, waiter_abort);
}

struct waiter *waiters_pop(struct asyncio_link *list)
{
    struct asyncio_link *link = list_pop_front(list);
    return link ? waiter_of_link(link) : NULL;
}

void waiter_wake(struct waiter *waiter, intptr_t result)
{
    if (unlikely(waiter->task->runner != runner_current))
        waiter_die_elsewhere(waiter);
    task_wake(waiter->task, result);
}

void waiters_wake_all(struct asyncio_link *list, intptr_t result)
{
    struct waiter *waiter;
    while ((waiter = waiters_pop(list)))
        waiter_wake(waiter, result);
}

void waiters_fini(const struct asyncio_link *list, const char *what)
{
    if (likely(list_is_empty(list)))
        return;
    char name[TASK_NAME_SIZE];
    task_name(waiter_of_link(list->next)->task, name, sizeof name);
    panic("fini of the %s that %s waits for", what, name);
}
