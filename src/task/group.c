/* SPDX-License-Identifier: MIT */
/*
 * Groups: a scope whose children end before it does.
 *
 *     OPEN ---- group_end ----> CLOSING ---- the last child ended ----> closed
 *
 * The first failure, of a child or of the body, cancels the scope and with it
 * the rest. A child releases itself as it ends (join_.on_end); the group keeps
 * only the counts and the first failure.
 */
#include <errno.h>

#include "task/join.h"
#include "task/park.h"

static struct asyncio_group *group_of_join(struct asyncio_join *join)
{
    return container_of(join, struct asyncio_group, join_);
}

static void group_fail(struct asyncio_group *group, int err)
{
    if (!group->join_.first_failure)
        group->join_.first_failure = err;
    scope_cancel(&group->scope_);
}

/* A cancelled child's -ECANCELED is no failure. */
static bool child_failed(const struct asyncio_tcb *child)
{
    if (child->result >= 0)
        return false;
    return child->result != -ECANCELED || !scope_is_effective(&child->root);
}

static void group_on_end(struct asyncio_join *join, struct asyncio_tcb *child)
{
    struct asyncio_group *group = group_of_join(join);
    bool failed = child_failed(child);
    list_remove(&child->join_link);
    join->pending--;
    int result = join_take_result(child);
    if (failed) {
        group->failures_++;
        group_fail(group, result);
    }
    if (!join->pending)
        join_wake(join);
}

int asyncio_group_begin(struct asyncio_group *group)
{
    struct asyncio_tcb *task = task_current();
    if (!task)
        return -EPERM;
    scope_open(&group->scope_, SCOPE_GROUP, task);
    join_init(&group->join_, group_on_end);
    group->failures_ = 0;
    return 0;
}

asyncio_task asyncio_group_create_task(struct asyncio_group *group,
                                       asyncio_fn *fn, void *arg)
{
    return asyncio_group_create_task_with(group, fn, arg, NULL);
}

asyncio_task
asyncio_group_create_task_with(struct asyncio_group *group, asyncio_fn *fn,
                               void *arg,
                               const struct asyncio_task_options *options)
{
    struct asyncio_tcb *creator = task_current();
    if (!creator)
        return task_null(-EPERM);
    if (!scope_is_open(&group->scope_))
        return task_null(-EPIPE);
    if (group->scope_.task->runner != creator->runner)
        return task_null(-EXDEV);
    struct task_plan plan = {
        .fn = fn,
        .arg = arg,
        .options = options,
        .parent = &group->scope_,
        .creator = creator,
    };
    struct asyncio_tcb *task;
    int err = task_create(creator->runner, &plan, &task);
    if (err < 0)
        return task_null(err);
    join_add(&group->join_, task, 0);
    return task_handle(task);
}

void asyncio_group_cancel(struct asyncio_group *group)
{
    scope_cancel(&group->scope_);
}

size_t asyncio_group_alive(const struct asyncio_group *group)
{
    return group->join_.pending;
}

size_t asyncio_group_failures(const struct asyncio_group *group)
{
    return group->failures_;
}

/* What the block comes to, once all its children have ended. */
static int group_result(const struct asyncio_group *group, int err,
                        bool was_cancelled)
{
    if (group->join_.first_failure)
        return group->join_.first_failure;
    if (was_cancelled)
        return -ECANCELED;
    bool cancelled_itself = group->scope_.flags & SCOPE_CANCELLED;
    return err == -ECANCELED && cancelled_itself ? 0 : err;
}

int asyncio_group_end(struct asyncio_group *group, int err)
{
    static const char what[] = "the group that ends";
    scope_assert_innermost(&group->scope_, what);
    struct asyncio_tcb *task = group->scope_.task;
    bool is_cancelled = scope_is_effective(&group->scope_);
    if (err < 0 && !(err == -ECANCELED && is_cancelled))
        group_fail(group, err);

    bool waited = group->join_.pending > 0;
    if (waited)
        join_wait_for_all(&group->join_, task);
    scope_close(&group->scope_, what);
    return group_result(group, err, waited && scope_is_effective(task->scope));
}

int asyncio_group_run(int (*body)(struct asyncio_group *group, void *arg),
                      void *arg)
{
    struct asyncio_group group;
    if (!body)
        return -EINVAL;
    int err = asyncio_group_begin(&group);
    if (err < 0)
        return err;
    return asyncio_group_end(&group, body(&group, arg));
}
