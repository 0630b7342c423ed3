/* SPDX-License-Identifier: MIT */
/*
 * A hierarchical timing wheel (Varghese and Lauck, "Hashed and hierarchical
 * timing wheels", SOSP 1987): insert and remove in constant time, whatever
 * the number of timers.
 *
 * Time is counted in ticks of 1.024 us. A timer stands on the level of the
 * highest digit (base 64) in which its tick differs from the wheel's, in the
 * slot of that digit; as the wheel reaches a slot, its timers move to lower
 * levels. Nine levels hold every 64-bit nanosecond. Timers keep their exact
 * deadline, so that none fires early and they fire in order.
 */
#ifndef ENGINE_WHEEL_H
#define ENGINE_WHEEL_H

#include <asyncio/base.h>

#include "base/base.h"
#include "base/list.h"

enum {
    WHEEL_TICK_SHIFT = 10,
    WHEEL_DIGIT_BITS = 6,
    WHEEL_SLOTS = 1 << WHEEL_DIGIT_BITS,
    WHEEL_LEVELS = 9,
};

struct wheel {
    uint64_t tick;               /* where the wheel stands */
    size_t count;                /* timers in it */
    /* A bit per slot. Clear: the slot's list is not even initialised, so a
     * new wheel touches no memory. Set: the list may have become empty. */
    uint64_t occupied[WHEEL_LEVELS];
    struct asyncio_link slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

/* `wheel` is zeroed memory. */
void wheel_init(struct wheel *wheel, uint64_t now_ns);

static inline void timer_init(struct asyncio_timer *timer,
                              void (*fire)(struct asyncio_timer *timer))
{
    list_init(&timer->link);
    timer->deadline_ns = NSEC_NEVER;
    timer->fire = fire;
}

static inline bool timer_is_armed(const struct asyncio_timer *timer)
{
    return !list_is_empty(&timer->link);
}

/* Arms a timer that is not armed. A deadline that has passed fires at the
 * next advance; NSEC_NEVER never does, and does not arm. */
void wheel_insert(struct wheel *wheel, struct asyncio_timer *timer,
                  uint64_t deadline_ns);

/* Disarms; harmless when it is not armed. */
void wheel_remove(struct wheel *wheel, struct asyncio_timer *timer);

/*
 * Moves on towards `now_ns` and takes out the timers of the first tick in which
 * any are past their deadline: they stand in `ret_due`, disarmed in all but
 * their link (and their deadline is NSEC_NEVER), in the order of their
 * deadlines, equals in the order of their insertion. One may still be removed
 * from there. True: there may be more that is due, call again; false: the wheel
 * stands at `now_ns`.
 */
bool wheel_advance(struct wheel *wheel, uint64_t now_ns,
                   struct asyncio_link *ret_due);

/*
 * A time to look again: the next deadline, or somewhat earlier where that is
 * still on a higher level. NSEC_NEVER when no timer is armed.
 */
uint64_t wheel_next_ns(struct wheel *wheel);

#endif
