/* SPDX-License-Identifier: MIT */
/*
 * Scopes of cancellation: groups of tasks, timeouts, shields.
 *
 * Each lives in the frame that begins it and must be ended in that frame, the
 * innermost first. A frame left early, without the end, aborts the program
 * with the task's name at the next suspension, in release builds too; the
 * callback forms (asyncio_timeout_run, ...) cannot be left early.
 *
 * Cancellation is level-triggered: once a scope is cancelled every suspending
 * call under it fails with -ECANCELED until the scope ends or a shield covers
 * it. A result that was there before the cancel wins.
 *
 *     struct asyncio_timeout timeout;
 *     int err = asyncio_timeout_begin(&timeout, 0.5);
 *     if (err < 0)
 *         return err;
 *     err = talk();
 *     err = asyncio_timeout_end(&timeout, err);
 *     if (err == -ETIMEDOUT)
 *         puts("too slow");
 */
#ifndef ASYNCIO_SCOPE_H
#define ASYNCIO_SCOPE_H

#include <asyncio/base.h>
#include <asyncio/task.h>

ASYNCIO_BEGIN

/* What all scopes share. Private. */
struct asyncio_scope {
    struct asyncio_link siblings; /* in the parent's `children` */
    struct asyncio_link children;
    struct asyncio_scope *parent; /* NULL for a runner's */
    struct asyncio_tcb *task;
    uint32_t canary;              /* tells a dead frame from a living one */
    uint8_t kind;
    uint8_t flags;
    uint16_t ignored;             /* cancelled calls it shrugged off */
};

/* ---- timeouts ---- */

struct asyncio_timeout {
    struct asyncio_scope scope_;
    struct asyncio_timer timer_;
};

/*
 * From here to the end, everything fails with -ECANCELED once `seconds` have
 * passed. ASYNCIO_FOREVER: no deadline yet. 0 or negative: it has passed
 * already. -EINVAL: NaN; -EPERM: not in a task. Never suspends.
 */
ASYNCIO_API int asyncio_timeout_begin(struct asyncio_timeout *timeout,
                                      double seconds);

/* As asyncio_timeout_begin with a point in the time of asyncio_time(). */
ASYNCIO_API int asyncio_timeout_at(struct asyncio_timeout *timeout,
                                   double when);

/* Moves the deadline to `seconds` from now. Never suspends. -EINVAL: NaN, or
 * it has expired already. */
ASYNCIO_API int asyncio_timeout_reschedule(struct asyncio_timeout *timeout,
                                           double seconds);

/* True once its deadline has passed. */
ASYNCIO_API bool asyncio_timeout_expired(const struct asyncio_timeout *timeout);

/*
 * Ends the scope; `err` is what its body came to. Returns -ETIMEDOUT when the
 * deadline passed, the body came to -ECANCELED, and nothing around it is
 * cancelled; else `err`. Never suspends.
 */
ASYNCIO_API int asyncio_timeout_end(struct asyncio_timeout *timeout, int err);

/* Calls body(arg) under a timeout, in the same task. Suspends if body does. */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_timeout_run(double seconds,
                                                     asyncio_fn *body,
                                                     void *arg);

/* ---- shields ---- */

struct asyncio_shield {
    struct asyncio_timeout timeout_; /* its scope and its own deadline */
};

/*
 * From here to the end, no cancellation from outside arrives: for cleanup
 * that must wait. `seconds` is a deadline of its own, as a timeout's;
 * ASYNCIO_FOREVER for none. Never suspends. -EINVAL: NaN; -EPERM.
 */
ASYNCIO_API int asyncio_shield_begin(struct asyncio_shield *shield,
                                     double seconds);

/* Ends the scope, as asyncio_timeout_end: -ETIMEDOUT when its own deadline cut
 * the body short, else `err`. Never suspends. */
ASYNCIO_API int asyncio_shield_end(struct asyncio_shield *shield, int err);

/* Calls body(arg) under a shield, in the same task. Suspends if body does. */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_shield_run(double seconds,
                                                    asyncio_fn *body,
                                                    void *arg);

/* ---- groups ---- */

/*
 * Tasks that end before the block does:
 *
 *     struct asyncio_group group;
 *     int err = asyncio_group_begin(&group);
 *     if (err < 0)
 *         return err;
 *     asyncio_group_create_task(&group, fetch, &first);
 *     asyncio_group_create_task(&group, fetch, &second);
 *     return asyncio_group_end(&group, 0);
 *
 * The first failure cancels the rest and is what the end returns. Children are
 * released as they end; their handles serve to cancel and name them, and to
 * ask whether they are done. Awaiting one is -EBUSY: the group does.
 */
struct asyncio_group {
    struct asyncio_scope scope_;
    struct asyncio_join join_;   /* of its children */
    size_t failures_;
};

/* Opens a group in the calling task. Never suspends. -EPERM: not in a task. */
ASYNCIO_API int asyncio_group_begin(struct asyncio_group *group);

/* Starts a child; as asyncio_create_task. -EPIPE: the group has been ended. In
 * a group that is cancelled the child still runs, cancelled. The caller may be
 * any task below the group. Never suspends. */
ASYNCIO_API asyncio_task asyncio_group_create_task(struct asyncio_group *group,
                                                   asyncio_fn *fn, void *arg);

/* As asyncio_group_create_task with options. Never suspends. */
ASYNCIO_API asyncio_task
asyncio_group_create_task_with(struct asyncio_group *group, asyncio_fn *fn,
                               void *arg,
                               const struct asyncio_task_options *options);

/* Cancels the block and its children; its end then returns 0 or the first
 * failure, not -ECANCELED. Never suspends. */
ASYNCIO_API void asyncio_group_cancel(struct asyncio_group *group);

/* Children that have not ended. Never suspends. */
ASYNCIO_API size_t asyncio_group_alive(const struct asyncio_group *group);

/* Children that have failed so far. Never suspends. */
ASYNCIO_API size_t asyncio_group_failures(const struct asyncio_group *group);

/*
 * Waits for every child and closes the block; `err` is what its body came to,
 * and a failure of it cancels the children. Returns the first failure, else
 * `err`. Suspends. When the caller is cancelled the children are too, and the
 * end still waits for them; it returns -ECANCELED then, unless a child had
 * failed before.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_group_end(struct asyncio_group *group,
                                                   int err);

/* Calls body(group, arg) in a group, in the same task, and ends it.
 * Suspends. */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_group_run(int (*body)(struct asyncio_group *group, void *arg),
                  void *arg);

/* ---- checks ---- */

/* -ECANCELED when a suspending call would fail with it here, else 0. Never
 * suspends; for loops that compute. */
ASYNCIO_API int asyncio_check_cancelled(void);

ASYNCIO_END

#endif
