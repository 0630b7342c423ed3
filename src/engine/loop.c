/* SPDX-License-Identifier: MIT */
/* The loop's turn, and its life; see loop.h. */
#include "engine/loop.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/callback.h"
#include "engine/process.h"
#include "engine/signals.h"
#include "sys/sys.h"

__thread struct asyncio_loop *loop_current;

static atomic_uint loops_made;

/* ---- the turn ---- */

/* A callback has forked, and has come back in the child. */
static void loop_check_not_forked(const struct asyncio_loop *loop)
{
    if (unlikely(loop->is_poisoned))
        panic("a callback returned in a fork's child; it should have ended by "
              "_exit or exec");
}

static void loop_collect(struct asyncio_loop *loop)
{
    mailbox_collect(loop->mailbox, &loop->ready);
    uint64_t signals = mailbox_collect_signals(loop->mailbox);
    if (unlikely(signals)) {
        signals_deliver(loop, signals);
        loop_check_not_forked(loop);
    }
}

/* How long the loop may sleep. */
static uint64_t loop_patience_ns(struct asyncio_loop *loop)
{
    uint64_t patience = NSEC_NEVER;
    if (loop->on_idle)
        patience = loop->on_idle(loop);

    uint64_t next = wheel_next_ns(loop->wheel);
    if (next == NSEC_NEVER)
        return patience;
    uint64_t now = loop_now_ns(loop);
    uint64_t until_next = next > now ? next - now : 0;
    return until_next < patience ? until_next : patience;
}

static int loop_sleep(struct asyncio_loop *loop)
{
    int err = loop_open_backend(loop);
    if (err < 0)
        return err;

    uint64_t patience = loop_patience_ns(loop);
    if (spin_for_news(loop, patience)) {
        loop_collect(loop);
        return 0;
    }
    if (!mailbox_will_sleep(loop->mailbox))
        patience = 0;
    err = loop->backend->class->wait(loop->backend, patience);
    mailbox_woke(loop->mailbox);
    loop_collect(loop);
    if (err == -EINTR)
        return 0;
    return err < 0 && work_queue_is_empty(&loop->ready) ? err : 0;
}

/* Looks at the back end without waiting, where that may find anything. */
static void loop_peek(struct asyncio_loop *loop)
{
    struct backend *backend = loop->backend;
    if (backend && backend->class->may_have_completions(backend))
        backend->class->wait(backend, 0);
}

static void loop_fire_timers(struct asyncio_loop *loop)
{
    loop->now_ns = loop_now_ns(loop);
    if (!loop->wheel->count)
        return;

    bool is_more;
    do {
        struct asyncio_link due, *link;
        is_more = wheel_advance(loop->wheel, loop->now_ns, &due);
        while ((link = list_pop_front(&due))) {
            struct asyncio_timer *timer =
                container_of(link, struct asyncio_timer, link);
            timer->fire(timer);
        }
    } while (is_more);
}

/* A simulated turn runs just what was ready when it began, shuffled. */
static size_t loop_budget(struct asyncio_loop *loop)
{
    if (unlikely(loop->is_virtual))
        return shuffle_ready(&loop->shuffle, &loop->ready);
    return LOOP_TURN_BUDGET;
}

static void loop_run_ready(struct asyncio_loop *loop)
{
    loop->budget = loop_budget(loop);
    while (loop->budget && !work_queue_is_empty(&loop->ready)) {
        loop->budget--;
        struct work *work = work_queue_pop(&loop->ready);
        work->run(work);
    }
    loop_check_not_forked(loop);
}

int loop_turn(struct asyncio_loop *loop)
{
    loop->turns++;
    loop_collect(loop);
    if (work_queue_is_empty(&loop->ready)) {
        int err = loop_sleep(loop);
        if (err < 0)
            return err;
    } else {
        loop_peek(loop);
    }
    loop_fire_timers(loop);
    loop_run_ready(loop);
    return 0;
}

/* ---- time ---- */

uint64_t loop_now_ns(struct asyncio_loop *loop)
{
    if (unlikely(loop->is_virtual))
        return loop->backend->class->now_ns(loop->backend);
    return sys_now_ns();
}

uint64_t loop_deadline_ns(struct asyncio_loop *loop, double seconds)
{
    uint64_t now = loop_now_ns(loop);
    if (seconds <= 0)
        return now;
    double wait_ns = ceil(seconds * (double)NSEC_PER_SEC);
    if (wait_ns >= (double)(NSEC_NEVER - now))
        return NSEC_NEVER;
    return now + (uint64_t)wait_ns;
}

uint64_t loop_when_ns(double when)
{
    double when_ns = ceil(when * (double)NSEC_PER_SEC);
    if (when_ns >= (double)NSEC_NEVER)
        return NSEC_NEVER;
    return when_ns > 0 ? (uint64_t)when_ns : 0;
}

/* ---- operations ---- */

int loop_open_backend(struct asyncio_loop *loop)
{
    if (likely(loop->backend))
        return 0;
    process_hold_forks();
    int err = backend_open(&loop->backend_options, loop->mailbox,
                           &loop->backend);
    process_allow_forks();
    return err;
}

bool loop_submit(struct asyncio_loop *loop, struct op *op)
{
    int err = loop_open_backend(loop);
    if (err < 0) {
        op->result = err;
        return true;
    }
    return loop->backend->class->submit(loop->backend, op);
}

void loop_cancel(struct asyncio_loop *loop, struct op *op)
{
    loop->backend->class->cancel(loop->backend, op);
}

/* ---- life ---- */

static const char *loop_backend_name(const struct loop_options *options)
{
    const char *name = options->backend;
    if (!name)
        name = getenv("ASYNCIO_BACKEND");
    return name && *name ? name : NULL;
}

static bool loop_backend_is_known(const char *name)
{
    return !name || !strcmp(name, "uring") || !strcmp(name, "epoll") ||
           !strcmp(name, "sim");
}

/* The virtual clock is the back end's, so that one is opened at once. */
static int loop_init_virtual(struct asyncio_loop *loop, uint64_t seed)
{
    loop->is_virtual = true;
    rng_seed(&loop->shuffle.rng, seed);
    loop->shuffle.order_of = callback_order_of;
    return loop_open_backend(loop);
}

static int loop_init(struct asyncio_loop *loop,
                     const struct loop_options *options)
{
    const char *name = loop_backend_name(options);
    if (!loop_backend_is_known(name))
        return -EINVAL;
    int err = spin_init(&loop->spin, options->spin);
    if (err < 0)
        return err;

    loop->backend_options.name = name;
    loop->backend_options.seed = options->seed;
    if (name && !strcmp(name, "sim")) {
        loop->spin.limit_ns = 0;
        err = loop_init_virtual(loop, options->seed);
        if (err < 0)
            return err;
    }
    loop->now_ns = loop_now_ns(loop);
    wheel_init(loop->wheel, loop->now_ns);
    return process_add_loop(loop);
}

int loop_new(const struct loop_options *options,
             struct asyncio_loop **ret_loop)
{
    int err = -ENOMEM;
    struct asyncio_loop *loop = mem_zalloc(sizeof *loop);
    if (!loop)
        return err;
    atomic_init(&loop->references, 1);
    loop->number = atomic_fetch_add(&loops_made, 1);
    work_queue_init(&loop->ready);
    list_init(&loop->signal_watches);
    list_init(&loop->loops);

    loop->wheel = mem_zalloc(sizeof *loop->wheel);
    if (!loop->wheel)
        goto err_free_loop;
    loop->mailbox = mailbox_new();
    if (!loop->mailbox)
        goto err_free_wheel;
    err = loop_init(loop, options);
    if (err < 0)
        goto err_free_backend;
    *ret_loop = loop;
    return 0;

err_free_backend:
    if (loop->backend)
        loop->backend->class->close(loop->backend);
    mailbox_unref(loop->mailbox);
err_free_wheel:
    mem_free(loop->wheel);
err_free_loop:
    mem_free(loop);
    return err;
}

void loop_close(struct asyncio_loop *loop)
{
    signals_forget(loop);
    mailbox_close(loop->mailbox, &loop->ready);
    while (!work_queue_is_empty(&loop->ready)) {
        struct work *work = work_queue_pop(&loop->ready);
        work->run(work);
    }
    process_remove_loop(loop);
    callbacks_free(loop);
    shuffle_free(&loop->shuffle);
    if (loop->backend)
        loop->backend->class->close(loop->backend);
    loop->backend = NULL;
    mem_free(loop->wheel);
    loop->wheel = NULL;
}

struct asyncio_loop *loop_ref(struct asyncio_loop *loop)
{
    atomic_fetch_add_explicit(&loop->references, 1, memory_order_relaxed);
    return loop;
}

void loop_unref(struct asyncio_loop *loop)
{
    if (atomic_fetch_sub_explicit(&loop->references, 1,
                                  memory_order_acq_rel) != 1)
        return;
    mailbox_unref(loop->mailbox);
    mem_free(loop);
}

/* ---- the public words ---- */

asyncio_loop *asyncio_get_running_loop(void)
{
    return loop_current;
}

asyncio_loop *asyncio_loop_ref(asyncio_loop *loop)
{
    return loop ? loop_ref(loop) : NULL;
}

void asyncio_loop_unref(asyncio_loop *loop)
{
    if (loop)
        loop_unref(loop);
}

double asyncio_time(void)
{
    uint64_t now = loop_current ? loop_now_ns(loop_current) : sys_now_ns();
    return (double)now / (double)NSEC_PER_SEC;
}

const char *asyncio_backend_name(void)
{
    struct asyncio_loop *loop = loop_current;
    if (!loop || loop_open_backend(loop) < 0)
        return NULL;
    return loop->backend->class->name;
}
