/* SPDX-License-Identifier: MIT */
/*
 * Looking for news for a moment before sleeping.
 *
 * Going to sleep and being woken costs some 50 us a message where only one is
 * under way; who looks again and again meanwhile has it at once, and burns the
 * time instead. So it is asked for, is bounded, and backs off: a look in vain
 * makes the next sleeps go without one, twice as many each time, and one in
 * which the thread was pushed off its processor still more, since somebody else
 * has use for that.
 */
#ifndef ENGINE_SPIN_H
#define ENGINE_SPIN_H

#include "base/base.h"

struct asyncio_loop;

struct spin {
    uint64_t limit_ns;           /* of one look; 0: none */
    uint32_t rest;               /* sleeps that go without, from now on */
    uint32_t penalty;            /* how many the last look in vain cost */
    uint32_t pushed_penalty;     /* how many the last one that was interrupted
                                  * cost; forgotten after a while of success */
    uint32_t successes;          /* since then */
};

/* `seconds` 0: the environment's ASYNCIO_SPIN, in microseconds. -EINVAL: over
 * a second, negative or NaN. */
int spin_init(struct spin *spin, double seconds);

/* Looks for at most `patience_ns`. True: there is something to do. */
bool spin_for_news(struct asyncio_loop *loop, uint64_t patience_ns);

#endif
