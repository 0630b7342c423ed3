/* SPDX-License-Identifier: MIT */
/* The tree of cancellation scopes; see scope.h. */
#include "task/scope.h"

#include <errno.h>

#include "task/park.h"

/* In a frame of its own, below all that its caller has open. */
__attribute__((noinline)) void scope_open(struct asyncio_scope *scope,
                                          enum scope_kind kind,
                                          struct asyncio_tcb *task)
{
    scope_check(task, __builtin_frame_address(0));
    /* Two that are open do not overlap. */
    uintptr_t at = (uintptr_t)scope, open_at = (uintptr_t)task->scope;
    if ((at > open_at ? at - open_at : open_at - at) < sizeof *scope)
        scope_die_left_early(task);
    scope_init(scope, kind, task->scope, task);
    task->scope = scope;
}

void scope_assert_innermost(const struct asyncio_scope *scope,
                            const char *what)
{
    struct asyncio_tcb *task = task_current();
    if (task && task->scope == scope && scope_is_open(scope))
        return;
    char name[TASK_NAME_SIZE] = "no task";
    if (task)
        task_name(task, name, sizeof name);
    panic("%s: %s is not the innermost open scope here", name, what);
}

void scope_close(struct asyncio_scope *scope, const char *what)
{
    scope_assert_innermost(scope, what);
    list_remove(&scope->siblings);
    scope->canary = 0;
    scope->task->scope = scope->parent;
}

void scope_die_left_early(const struct asyncio_tcb *task)
{
    char name[TASK_NAME_SIZE];
    task_name(task, name, sizeof name);
    panic("%s: a frame returned without ending the timeout, shield or group "
          "that it began",
          name);
}

/* ---- spreading a mark ---- */

static struct asyncio_scope *scope_of_link(struct asyncio_link *link)
{
    return container_of(link, struct asyncio_scope, siblings);
}

static struct asyncio_runner *scope_runner(struct asyncio_scope *scope)
{
    if (scope->task)
        return scope->task->runner;
    return container_of(scope, struct asyncio_runner, root);
}

/* Marks one scope; false when nothing below it needs a visit. */
static bool scope_touch(struct asyncio_scope *scope)
{
    if (scope_is_effective(scope))
        return false;
    scope->flags |= SCOPE_EFFECTIVE;
    struct asyncio_tcb *task = scope->task;
    if (task && task->scope == scope && task->state == TASK_PARKED)
        list_push_back(&task->runner->interrupted, &task->interrupted_link);
    return true;
}

/*
 * Cuts the waits of all those short. That may mark further scopes, for a wait
 * that is a join passes the cancel on: what it finds waits for its turn here,
 * so that no chain of joins, however long, is walked by recursion.
 */
static void runner_interrupt_tasks(struct asyncio_runner *runner)
{
    if (runner->is_interrupting)
        return;
    runner->is_interrupting = true;
    struct asyncio_link *link;
    while ((link = list_pop_front(&runner->interrupted)))
        task_interrupt(
            container_of(link, struct asyncio_tcb, interrupted_link));
    runner->is_interrupting = false;
}

/* The next scope of a walk in preorder below `top`, or NULL. */
static struct asyncio_scope *scope_next(struct asyncio_scope *scope,
                                        struct asyncio_scope *top,
                                        bool descend)
{
    if (descend && !list_is_empty(&scope->children))
        return scope_of_link(scope->children.next);
    while (scope != top) {
        struct asyncio_scope *parent = scope->parent;
        if (scope->siblings.next != &parent->children)
            return scope_of_link(scope->siblings.next);
        scope = parent;
    }
    return NULL;
}

/* Without recursion: the tree may be as deep as there are tasks. */
static void scope_spread(struct asyncio_scope *top)
{
    bool descend = scope_touch(top);
    struct asyncio_scope *scope = top;
    while ((scope = scope_next(scope, top, descend)))
        descend = scope->kind != SCOPE_SHIELD && scope_touch(scope);
    runner_interrupt_tasks(scope_runner(top));
}

void scope_cancel(struct asyncio_scope *scope)
{
    scope->flags |= SCOPE_CANCELLED;
    scope_spread(scope);
}

void scope_move(struct asyncio_scope *root, struct asyncio_scope *parent)
{
    list_remove(&root->siblings);
    list_push_back(&parent->children, &root->siblings);
    root->parent = parent;
    if (scope_is_effective(parent))
        scope_spread(root);
}

void scope_expire(struct asyncio_scope *scope)
{
    scope->flags |= SCOPE_EXPIRED;
    scope_cancel(scope);
}

int asyncio_check_cancelled(void)
{
    struct asyncio_tcb *task = task_current();
    if (!task)
        return -EPERM;
    return scope_is_effective(task->scope) ? -ECANCELED : 0;
}
