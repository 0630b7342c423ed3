/* SPDX-License-Identifier: MIT */
/* Children as awaitables: asyncio_wait_child. */
#include <asyncio/loop.h>

#include <errno.h>

#include "engine/child.h"
#include "task/park.h"

struct child_wait {
    struct child_watch watch;
    struct asyncio_tcb *task;
};

static void child_wait_end(struct child_watch *watch, int err)
{
    task_wake(container_of(watch, struct child_wait, watch)->task, err);
}

static bool child_wait_abort(struct asyncio_tcb *task, void *object)
{
    struct child_wait *wait = object;
    (void)task;
    child_watch_cancel(&wait->watch);
    return false;
}

int asyncio_wait_child(int pid, int *ret_status)
{
    struct asyncio_tcb *task = task_current();
    if (!task)
        return -EPERM;
    int err = task_checkpoint(task);
    if (err < 0)
        return err;
    struct child_wait wait = {.task = task};
    wait.watch.on_end = child_wait_end;
    err = child_watch_start(task->runner->loop, &wait.watch, pid);
    if (err == 0)
        err = (int)task_park(task, WAIT_CHILD, &wait, child_wait_abort);
    if (err < 0)
        return err;
    if (ret_status)
        *ret_status = wait.watch.status;
    return 0;
}
