/* SPDX-License-Identifier: MIT */
/*
 * A queue of items of one size in a ring that grows by doubling. Both ends
 * can be taken from, so it serves first-in-first-out and last-in-first-out.
 */
#ifndef BASE_RING_H
#define BASE_RING_H

#include "base/base.h"

struct ring {
    char *items;                 /* mem_alloc'ed; NULL before the first push */
    size_t item_size;
    size_t head;                 /* index of the oldest item */
    size_t count;
    size_t capacity;             /* in items: 0 or a power of two */
};

/* Empty. Allocates nothing yet. */
void ring_init(struct ring *ring, size_t item_size);
void ring_fini(struct ring *ring);

/* Makes room for `count` items in all, so that pushes up to there cannot
 * fail. 0 or -ENOMEM; the ring stays as it was then. */
int ring_reserve(struct ring *ring, size_t count);

/* Copies the item in behind the newest. 0 or -ENOMEM. */
int ring_push_back(struct ring *ring, const void *item);

/* Moves the oldest (newest) item out; false when the ring is empty. */
bool ring_pop_front(struct ring *ring, void *ret_item);
bool ring_pop_back(struct ring *ring, void *ret_item);

#endif
