/* SPDX-License-Identifier: MIT */
/*
 * What a queue holds, in one of three orders: the part of struct
 * asyncio_queue that knows nothing of tasks. It grows by doubling up to the
 * bound and is never given back before fini, so a queue that has been as full
 * once allocates no more.
 */
#ifndef SYNC_STORE_H
#define SYNC_STORE_H

#include <asyncio/queue.h>

#include "base/base.h"

enum store_order {
    STORE_FIFO,                  /* a ring: head_ is the oldest */
    STORE_LIFO,                  /* a stack */
    STORE_PRIORITY,              /* a heap; see store.c for its items */
};

/* An empty store. The queue's item_size_, max_, order_ and compare_ are set.
 * Memory is taken at once where that is all it will ever need and little.
 * -EINVAL: an item size that no memory could hold; -ENOMEM. */
int store_init(struct asyncio_queue *queue);
void store_fini(struct asyncio_queue *queue);

/* Copies an item in; there are fewer than max_. 0 or -ENOMEM; 0 for certain
 * after a pop. */
int store_push(struct asyncio_queue *queue, const void *item);

/* Moves the next item out; there is one. */
void store_pop(struct asyncio_queue *queue, void *ret_item);

/* Drops all items. */
void store_clear(struct asyncio_queue *queue);

#endif
