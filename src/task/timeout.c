/* SPDX-License-Identifier: MIT */
/* Timeouts: a scope with a deadline. */
#include "task/deadline.h"

#include <errno.h>
#include <math.h>

#include "task/runner.h"

/* ---- what timeouts and shields share ---- */

static struct asyncio_loop *scope_loop(const struct asyncio_scope *scope)
{
    return scope->task->runner->loop;
}

static void deadline_pass(struct asyncio_timer *timer)
{
    struct asyncio_timeout *timeout =
        container_of(timer, struct asyncio_timeout, timer_);
    scope_expire(&timeout->scope_);
}

int deadline_begin(struct asyncio_timeout *timeout, enum scope_kind kind,
                   double seconds)
{
    struct asyncio_tcb *task = task_current();
    if (!task)
        return -EPERM;
    if (isnan(seconds))
        return -EINVAL;
    scope_open(&timeout->scope_, kind, task);
    timer_init(&timeout->timer_, deadline_pass);
    deadline_set(timeout, seconds);
    return 0;
}

void deadline_set(struct asyncio_timeout *timeout, double seconds)
{
    struct asyncio_loop *loop = scope_loop(&timeout->scope_);
    loop_stop_timer(loop, &timeout->timer_);
    if (seconds <= 0) {
        scope_expire(&timeout->scope_);
        return;
    }
    loop_start_timer(loop, &timeout->timer_, loop_deadline_ns(loop, seconds));
}

int deadline_end(struct asyncio_timeout *timeout, int err, const char *what)
{
    struct asyncio_scope *scope = &timeout->scope_;
    /* Before anything is touched: a misplaced end aborts here. */
    struct asyncio_scope *parent = scope->parent;
    scope_close(scope, what);
    loop_stop_timer(scope_loop(scope), &timeout->timer_);

    bool is_expired = scope->flags & SCOPE_EXPIRED;
    /* No mark from above has entered a shield: it was not that. */
    bool is_outer = scope->kind != SCOPE_SHIELD && scope_is_effective(parent);
    if (is_expired && err == -ECANCELED && !is_outer)
        return -ETIMEDOUT;
    return err;
}

/* ---- the public words ---- */

int asyncio_timeout_begin(struct asyncio_timeout *timeout, double seconds)
{
    return deadline_begin(timeout, SCOPE_TIMEOUT, seconds);
}

int asyncio_timeout_at(struct asyncio_timeout *timeout, double when)
{
    return asyncio_timeout_begin(timeout, when - asyncio_time());
}

int asyncio_timeout_reschedule(struct asyncio_timeout *timeout, double seconds)
{
    if (isnan(seconds) || !scope_is_open(&timeout->scope_) ||
        asyncio_timeout_expired(timeout))
        return -EINVAL;
    deadline_set(timeout, seconds);
    return 0;
}

bool asyncio_timeout_expired(const struct asyncio_timeout *timeout)
{
    return timeout->scope_.flags & SCOPE_EXPIRED;
}

int asyncio_timeout_end(struct asyncio_timeout *timeout, int err)
{
    return deadline_end(timeout, err, "the timeout that ends");
}

int asyncio_timeout_run(double seconds, asyncio_fn *body, void *arg)
{
    struct asyncio_timeout timeout;
    if (!body)
        return -EINVAL;
    int err = asyncio_timeout_begin(&timeout, seconds);
    if (err < 0)
        return err;
    return asyncio_timeout_end(&timeout, body(arg));
}
