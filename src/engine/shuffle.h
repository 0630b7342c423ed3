/* SPDX-License-Identifier: MIT */
/*
 * A simulation runs what is ready in an order that its seed decides, as far as
 * the order is anybody's guess: what is promised to programs (callbacks are
 * called in order, sleep(0) lets every other ready task run) holds for every
 * seed.
 */
#ifndef ENGINE_SHUFFLE_H
#define ENGINE_SHUFFLE_H

#include "base/rng.h"
#include "base/work.h"

/* What the order of a piece of ready work must heed. */
enum work_order {
    WORK_ANYWHERE,
    WORK_IN_ORDER,               /* after all other such that were ready
                                  * before */
    WORK_LAST,                   /* after all that were ready before */
};

struct card;

struct shuffle {
    struct rng rng;
    enum work_order (*order_of)(const struct work *work);
    struct card *deck;           /* room for `capacity` pieces */
    size_t capacity;
};

/* Returns how many pieces there are. Where there is no memory for it, the rest
 * of the queue stays in order. */
size_t shuffle_ready(struct shuffle *shuffle, struct work_queue *ready);

void shuffle_free(struct shuffle *shuffle);

#endif
