/* SPDX-License-Identifier: MIT */
/*
 * The loop: one turn after the other, each a short drive through
 *
 *     posts and signals -> wait (only when nothing is ready) -> timers -> ready
 *
 * It knows operations and callbacks; tasks are one user of it. All of it is for
 * the thread that runs the loop, but for loop_ref, loop_unref and the mailbox.
 *
 * A completion, a timer or a post only puts work in the ready queue; user code
 * runs from there alone. A poll of the kernel per step is what makes naive
 * schedulers slow, so the back end is asked when the queue is empty or the
 * turn's budget of steps is spent.
 */
#ifndef ENGINE_LOOP_H
#define ENGINE_LOOP_H

#include <stdatomic.h>

#include <asyncio/loop.h>

#include "backend/backend.h"
#include "base/work.h"
#include "engine/shuffle.h"
#include "engine/spin.h"
#include "engine/wheel.h"

/* Steps between two looks at the kernel. */
enum { LOOP_TURN_BUDGET = 256 };

struct signal_watch;
struct callback;

struct asyncio_loop {
    struct work_queue ready;
    size_t budget;               /* steps left in this turn */
    bool is_virtual;             /* simulated: shuffled, on a virtual clock */
    bool is_poisoned;            /* in a fork's child: touch nothing */
    uint64_t now_ns;             /* when this turn began */

    struct wheel *wheel;
    struct backend *backend;     /* NULL until something needs it: a program
                                  * that never waits never opens a ring */
    struct backend_options backend_options;
    struct mailbox *mailbox;
    struct spin spin;
    struct shuffle shuffle;      /* is_virtual only; the layer above may
                                  * replace its order_of */

    /* Called before the loop sleeps; returns how long it may at most. */
    uint64_t (*on_idle)(struct asyncio_loop *loop);
    void *owner;                 /* of the layer above */

    struct asyncio_link loops;   /* in the process's list; see process.c */
    struct asyncio_link signal_watches;
    struct callback *free_callbacks; /* see callback.c */
    struct callback *callback_slabs;
    atomic_uint references;
    unsigned number;             /* of the loops that the process has made */
    uint64_t turns;
};

struct loop_options {
    const char *backend;
    uint64_t seed;
    double spin;                 /* seconds; see spin.h */
};

/* The loop that runs on this thread, or NULL. */
extern __thread struct asyncio_loop *loop_current;

/* ---- life ---- */

/* A loop with one reference. -EINVAL: no such back end; -ENOMEM, -EMFILE. */
int loop_new(const struct loop_options *options,
             struct asyncio_loop **ret_loop);

/* Ends it: posts fail from here on, what was posted before still runs. Nothing
 * may be in flight. Its maker's reference stays. */
void loop_close(struct asyncio_loop *loop);

struct asyncio_loop *loop_ref(struct asyncio_loop *loop);
void loop_unref(struct asyncio_loop *loop);

/* ---- running ---- */

/* One turn. -EDEADLK: simulated, and nothing can ever happen. -EMFILE,
 * -ENOMEM: it must wait, and there is no back end to wait with. */
int loop_turn(struct asyncio_loop *loop);

/* The loop's clock, read anew. */
uint64_t loop_now_ns(struct asyncio_loop *loop);

/* `seconds` from now on the loop's clock, or NSEC_NEVER if that is out of
 * range. `seconds` is no NaN; negative is now. */
uint64_t loop_deadline_ns(struct asyncio_loop *loop, double seconds);

/* The time `when` of asyncio_time(), or NSEC_NEVER likewise. Equal times are
 * equal deadlines, whenever that is asked. `when` is no NaN. */
uint64_t loop_when_ns(double when);

/* ---- work ---- */

static inline void loop_ready(struct asyncio_loop *loop, struct work *work)
{
    work_queue_push(&loop->ready, work);
}

/*
 * The next piece of work if it is run by `run` and the turn's budget allows,
 * taken out of the queue: so that a step may pass the thread on to the next
 * one of its own kind, without the way back through the loop. Else NULL.
 */
static inline struct work *loop_take(struct asyncio_loop *loop,
                                     void (*run)(struct work *work))
{
    struct work *work = loop->ready.head;
    if (!work || work->run != run || !loop->budget)
        return NULL;
    loop->budget--;
    return work_queue_pop(&loop->ready);
}

/* ---- timers and operations ---- */

/* Is it the back end of the loop that runs on this thread? NULL, that of a
 * loop that has ended, is nobody's. The caller runs in a loop. */
static inline bool backend_is_here(const struct backend *backend)
{
    return likely(backend && backend == loop_current->backend);
}

static inline void loop_start_timer(struct asyncio_loop *loop,
                                    struct asyncio_timer *timer,
                                    uint64_t deadline_ns)
{
    wheel_insert(loop->wheel, timer, deadline_ns);
}

static inline void loop_stop_timer(struct asyncio_loop *loop,
                                   struct asyncio_timer *timer)
{
    wheel_remove(loop->wheel, timer);
}

/* As backend_class.submit; without a back end the op fails at once. */
bool loop_submit(struct asyncio_loop *loop, struct op *op);
void loop_cancel(struct asyncio_loop *loop, struct op *op);

/* Opens the back end if that has not happened yet. */
int loop_open_backend(struct asyncio_loop *loop);

#endif
