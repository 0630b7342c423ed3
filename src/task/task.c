/* SPDX-License-Identifier: MIT */
/* Handles, names, release: what can be done with a task from outside. */
#include "task/task.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/say.h"
#include "task/release.h"

/* ---- handles ---- */

asyncio_task task_null(int err)
{
    /* Generation 0 names no task; all zeros is -ENOMEM. */
    uint32_t reason = err == -ENOMEM ? 0 : (uint32_t)-err;
    return (asyncio_task){.slot_ = reason};
}

int task_find_failed(asyncio_task handle)
{
    if (!handle.generation_)
        return handle.slot_ ? -(int)handle.slot_ : -ENOMEM;
    const struct asyncio_runner *runner = runner_current;
    if (!runner)
        return -EPERM;
    return handle.loop_ == runner->id ? -ESRCH : -EXDEV;
}

void runner_reap(struct asyncio_runner *runner)
{
    struct asyncio_link *link;
    while ((link = list_pop_front(&runner->exited)))
        task_free(container_of(link, struct asyncio_tcb, join_link));
}

/* ---- names and reports ---- */

int task_name(const struct asyncio_tcb *task, char *ret_name, size_t size)
{
    if (task->is_named)
        return snprintf(ret_name, size, "%s", task->name);
    return snprintf(ret_name, size, "task-%llu",
                    (unsigned long long)task->number);
}

void task_rename(struct asyncio_tcb *task, const char *name)
{
    size_t len = strnlen(name, TASK_NAME_SIZE - 1);
    memmove(task->name, name, len);
    task->name[len] = '\0';
    task->is_named = true;
}

void task_report_failure(const struct asyncio_tcb *task)
{
    if (task->result >= 0)
        return;
    if (task->result == -ECANCELED && scope_is_effective(&task->root))
        return;
    char name[TASK_NAME_SIZE];
    task_name(task, name, sizeof name);
    say("%s failed with %s (%s) and nobody awaited it", name,
        asyncio_errname(task->result), asyncio_strerror(task->result));
}

/* ---- the public words ---- */

asyncio_task asyncio_current_task(void)
{
    struct asyncio_tcb *task = task_current();
    return task ? task_handle(task) : task_null(-EPERM);
}

int asyncio_task_error(asyncio_task handle)
{
    struct asyncio_tcb *task;
    return task_find(handle, &task);
}

bool asyncio_task_is_done(asyncio_task handle)
{
    struct asyncio_tcb *task;
    return task_find(handle, &task) < 0 || task->state == TASK_ENDED;
}

bool asyncio_task_equal(asyncio_task a, asyncio_task b)
{
    return a.slot_ == b.slot_ && a.loop_ == b.loop_ &&
           a.generation_ == b.generation_;
}

int asyncio_task_cancel(asyncio_task handle)
{
    struct asyncio_tcb *task;
    int err = task_find(handle, &task);
    if (err < 0)
        return err;
    if (task->state != TASK_ENDED)
        scope_cancel(&task->root);
    return 0;
}

bool asyncio_task_is_cancelled(asyncio_task handle)
{
    struct asyncio_tcb *task;
    return task_find(handle, &task) == 0 && scope_is_effective(&task->root);
}

int asyncio_task_set_name(asyncio_task handle, const char *name)
{
    struct asyncio_tcb *task;
    int err = task_find(handle, &task);
    if (err < 0)
        return err;
    if (!name)
        return -EINVAL;
    task_rename(task, name);
    return 0;
}

int asyncio_task_get_name(asyncio_task handle, char *ret_name, size_t size)
{
    struct asyncio_tcb *task;
    int err = task_find(handle, &task);
    if (err < 0)
        return err;
    return task_name(task, ret_name, size);
}

int asyncio_all_tasks(asyncio_task *ret_tasks, size_t size)
{
    struct asyncio_runner *runner = runner_current;
    if (!runner)
        return -EPERM;
    size_t count = 0;
    for (uint32_t i = 0; i < runner->slots.count; i++) {
        const struct slot *slot = &runner->slots.items[i];
        if (slot->generation % 2 == 0 || slot->task->state == TASK_ENDED)
            continue;
        if (count < size)
            ret_tasks[count] = task_handle(slot->task);
        count++;
    }
    return (int)count;
}
