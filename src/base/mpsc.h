/* SPDX-License-Identifier: MIT */
/*
 * An inbox that any thread may put work into and one thread empties.
 *
 * It is a stack of pieces of work, pushed by compare-and-swap and taken as a
 * whole by one exchange; taking all at once is what keeps a piece from being
 * popped and pushed again under another popper (the ABA problem). Taking
 * turns the order round, so work runs in the order in which it arrived.
 * No locks: a signal handler may push, whatever its thread was doing.
 */
#ifndef BASE_MPSC_H
#define BASE_MPSC_H

#include <stdatomic.h>

#include "base/work.h"

struct mpsc {
    struct work *_Atomic newest; /* NULL when empty */
};

static inline void mpsc_init(struct mpsc *inbox)
{
    atomic_init(&inbox->newest, NULL);
}

/* Any thread, any signal handler. What the pusher wrote before is visible to
 * whoever takes the work. True when the inbox was empty: only that pusher
 * needs to wake the taker. */
static inline bool mpsc_push(struct mpsc *inbox, struct work *work)
{
    struct work *newest =
        atomic_load_explicit(&inbox->newest, memory_order_relaxed);
    do {
        work->next = newest;
    } while (!atomic_compare_exchange_weak_explicit(
        &inbox->newest, &newest, work, memory_order_acq_rel,
        memory_order_relaxed));
    return !newest;
}

/* A hint for the taker; a push may follow at any moment. */
static inline bool mpsc_is_empty(struct mpsc *inbox)
{
    return !atomic_load_explicit(&inbox->newest, memory_order_acquire);
}

/* Takes everything, first in first, linked by `next`; NULL when empty. */
static inline struct work *mpsc_take_all(struct mpsc *inbox)
{
    if (mpsc_is_empty(inbox))
        return NULL;
    struct work *work =
        atomic_exchange_explicit(&inbox->newest, NULL, memory_order_acq_rel);
    struct work *first = NULL;
    while (work) {
        struct work *older = work->next;
        work->next = first;
        first = work;
        work = older;
    }
    return first;
}

#endif
