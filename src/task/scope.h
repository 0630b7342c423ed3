/* SPDX-License-Identifier: MIT */
/*
 * The tree of cancellation scopes.
 *
 * A node is a task's root, a timeout, a shield or a group. The parent of what a
 * frame opens is the scope that was innermost there; the parent of a root is
 * the group the task was started in, else its creator's root, else the
 * runner's scope. A task's open scopes form a chain from its root to
 * task->scope.
 *
 * SCOPE_CANCELLED is a scope's own mark; SCOPE_EFFECTIVE says that it or
 * something above it, not counting what lies above a shield, is marked. A mark
 * is spread downwards when it is made, so that asking costs one load.
 */
#ifndef TASK_SCOPE_H
#define TASK_SCOPE_H

#include <asyncio/scope.h>

#include "task/task.h"

enum scope_kind {
    SCOPE_RUNNER,
    SCOPE_ROOT,
    SCOPE_TIMEOUT,
    SCOPE_SHIELD,
    SCOPE_GROUP,
};

enum scope_flags {
    SCOPE_CANCELLED = 1,
    SCOPE_EFFECTIVE = 2,
    SCOPE_EXPIRED = 4,           /* its deadline made the mark */
};

static inline bool scope_is_effective(const struct asyncio_scope *scope)
{
    return scope->flags & SCOPE_EFFECTIVE;
}

/* Opens a scope in the frame of the calling task. Aborts where the one around
 * it stands in a frame that has been left. */
void scope_open(struct asyncio_scope *scope, enum scope_kind kind,
                struct asyncio_tcb *task);

/* Aborts unless the scope is the innermost of the calling task; `what` is the
 * sentence's subject. */
void scope_assert_innermost(const struct asyncio_scope *scope,
                            const char *what);

/* Closes it, after that check. */
void scope_close(struct asyncio_scope *scope, const char *what);

/* Marks the scope and spreads the mark. */
void scope_cancel(struct asyncio_scope *scope);

/* A deadline has passed: marks it so that the end can tell. */
void scope_expire(struct asyncio_scope *scope);

/* Moves a root under another parent, whose mark it takes on. */
void scope_move(struct asyncio_scope *root, struct asyncio_scope *parent);

/*
 * Aborts when the innermost scope of a task that is about to leave its frames
 * stands in a frame that has been left already: `sp` is the lowest living
 * address of its stack.
 */
void scope_die_left_early(const struct asyncio_tcb *task);

/* Ties the canary to the address, so that a copy does not pass for it. */
static inline uint32_t scope_canary(const struct asyncio_scope *scope)
{
    return (uint32_t)(uintptr_t)scope ^ UINT32_C(0x5c09e5ca);
}

static inline bool scope_is_open(const struct asyncio_scope *scope)
{
    return scope->canary == scope_canary(scope);
}

/* Hangs a node into the tree. Only the runner's has no parent. */
static inline void scope_init(struct asyncio_scope *scope,
                              enum scope_kind kind,
                              struct asyncio_scope *parent,
                              struct asyncio_tcb *task)
{
    list_init(&scope->children);
    scope->parent = parent;
    scope->task = task;
    scope->canary = scope_canary(scope);
    scope->kind = (uint8_t)kind;
    scope->flags = 0;
    scope->ignored = 0;
    if (!parent) {
        list_init(&scope->siblings);
        return;
    }
    list_push_back(&parent->children, &scope->siblings);
    if (kind != SCOPE_SHIELD)
        scope->flags = parent->flags & SCOPE_EFFECTIVE;
}

static inline void scope_check(const struct asyncio_tcb *task, const void *sp)
{
    const struct asyncio_scope *scope = task->scope;
    if (likely(scope == &task->root))
        return;
    bool is_below = (const char *)scope < (const char *)sp &&
                    (const char *)scope >= (const char *)task->stack_top -
                                               task->pool->size;
    if (unlikely(is_below || !scope_is_open(scope)))
        scope_die_left_early(task);
}

#endif
