/* SPDX-License-Identifier: MIT */
/*
 * Scheduled callbacks. A box's generation tells a handle that it has moved on:
 *
 *     FREE -> ARMED (timer) -> QUEUED (ready) -> run -> FREE
 *                \               \
 *                 cancel: FREE    cancel: stays queued, runs nothing
 *
 * Its low bits are the loop's number, so that a handle from another loop, whose
 * boxes may be gone, is told without a look at the box.
 */
#include "engine/callback.h"

#include <errno.h>
#include <math.h>

#include "base/mem.h"

enum {
    CALLBACKS_PER_SLAB = 64,
    LOOP_NUMBER_BITS = 24,
};

struct callback {
    struct work work;            /* QUEUED: in the ready queue */
    struct asyncio_timer timer;  /* ARMED: in the wheel */
    struct asyncio_loop *loop;
    asyncio_callback *function;  /* NULL: cancelled */
    void *arg;
    uint64_t generation;         /* changes when the box is freed */
    bool is_queued;              /* else ARMED, or never due */
    struct callback *next;       /* FREE: in free_callbacks; first of a slab:
                                  * the next slab */
};

/* The part of a generation that tells the loop. */
static uint64_t generation_loop(uint64_t generation)
{
    return generation & ((UINT64_C(1) << LOOP_NUMBER_BITS) - 1);
}

static int callbacks_grow(struct asyncio_loop *loop)
{
    struct callback *slab = mem_zalloc(CALLBACKS_PER_SLAB * sizeof *slab);
    if (!slab)
        return -ENOMEM;
    /* The first box only links the slabs. */
    slab->next = loop->callback_slabs;
    loop->callback_slabs = slab;
    for (size_t i = 1; i < CALLBACKS_PER_SLAB; i++) {
        slab[i].loop = loop;
        slab[i].generation = generation_loop(loop->number);
        slab[i].next = loop->free_callbacks;
        loop->free_callbacks = &slab[i];
    }
    return 0;
}

static void callback_free(struct callback *callback)
{
    struct asyncio_loop *loop = callback->loop;
    callback->generation += UINT64_C(1) << LOOP_NUMBER_BITS;
    callback->next = loop->free_callbacks;
    loop->free_callbacks = callback;
}

static void callback_run(struct work *work)
{
    struct callback *callback = container_of(work, struct callback, work);
    asyncio_callback *function = callback->function;
    void *arg = callback->arg;
    callback_free(callback);
    if (function)
        function(arg);
}

static void callback_queue(struct callback *callback)
{
    callback->is_queued = true;
    loop_ready(callback->loop, &callback->work);
}

static void callback_fire(struct asyncio_timer *timer)
{
    callback_queue(container_of(timer, struct callback, timer));
}

static int callback_new(asyncio_callback *function, void *arg,
                        struct callback **ret_callback)
{
    struct asyncio_loop *loop = loop_current;
    if (!loop)
        return -EPERM;
    if (!function)
        return -EINVAL;
    if (!loop->free_callbacks && callbacks_grow(loop) < 0)
        return -ENOMEM;
    struct callback *callback = loop->free_callbacks;
    loop->free_callbacks = callback->next;
    callback->work.run = callback_run;
    callback->function = function;
    callback->arg = arg;
    callback->is_queued = false;
    timer_init(&callback->timer, callback_fire);
    *ret_callback = callback;
    return 0;
}

static void callback_name(struct callback *callback, asyncio_handle *ret_handle)
{
    if (ret_handle)
        *ret_handle = (asyncio_handle){callback, callback->generation};
}

int asyncio_call_soon(asyncio_callback *function, void *arg,
                      asyncio_handle *ret_handle)
{
    struct callback *callback;
    int err = callback_new(function, arg, &callback);
    if (err < 0)
        return err;
    callback_queue(callback);
    callback_name(callback, ret_handle);
    return 0;
}

static int call_at_ns(uint64_t deadline_ns, asyncio_callback *function,
                      void *arg, asyncio_handle *ret_handle)
{
    struct callback *callback;
    int err = callback_new(function, arg, &callback);
    if (err < 0)
        return err;
    loop_start_timer(callback->loop, &callback->timer, deadline_ns);
    callback_name(callback, ret_handle);
    return 0;
}

int asyncio_call_later(double seconds, asyncio_callback *function, void *arg,
                       asyncio_handle *ret_handle)
{
    if (!loop_current)
        return -EPERM;
    if (isnan(seconds) || seconds < 0)
        return -EINVAL;
    return call_at_ns(loop_deadline_ns(loop_current, seconds), function, arg,
                      ret_handle);
}

int asyncio_call_at(double when, asyncio_callback *function, void *arg,
                    asyncio_handle *ret_handle)
{
    if (!loop_current)
        return -EPERM;
    if (isnan(when))
        return -EINVAL;
    return call_at_ns(loop_when_ns(when), function, arg, ret_handle);
}

int asyncio_handle_cancel(asyncio_handle handle)
{
    struct callback *callback = handle.impl_;
    if (!loop_current)
        return -EPERM;
    if (!callback)
        return -ESRCH;
    if (generation_loop(handle.generation_) !=
        generation_loop(loop_current->number))
        return -EXDEV;
    if (callback->generation != handle.generation_ || !callback->function)
        return -ESRCH;
    callback->function = NULL;
    if (callback->is_queued)
        return 0;
    loop_stop_timer(callback->loop, &callback->timer);
    callback_free(callback);
    return 0;
}

void callbacks_free(struct asyncio_loop *loop)
{
    while (loop->callback_slabs) {
        struct callback *slab = loop->callback_slabs;
        loop->callback_slabs = slab->next;
        mem_free(slab);
    }
    loop->free_callbacks = NULL;
}

/* ---- from other threads ---- */

struct posted {
    struct work work;
    asyncio_callback *function;
    void *arg;
};

static void posted_run(struct work *work)
{
    struct posted *posted = container_of(work, struct posted, work);
    asyncio_callback *function = posted->function;
    void *arg = posted->arg;
    mem_free(posted);
    function(arg);
}

int asyncio_call_soon_threadsafe(asyncio_loop *loop,
                                 asyncio_callback *function, void *arg)
{
    if (!loop || !function)
        return -EINVAL;
    struct posted *posted = mem_alloc(sizeof *posted);
    if (!posted)
        return -ENOMEM;
    *posted = (struct posted){{NULL, posted_run}, function, arg};
    int err = mailbox_post(loop->mailbox, &posted->work);
    if (err < 0)
        mem_free(posted);
    return err;
}

enum work_order callback_order_of(const struct work *work)
{
    bool is_callback = work->run == callback_run || work->run == posted_run;
    return is_callback ? WORK_IN_ORDER : WORK_ANYWHERE;
}
