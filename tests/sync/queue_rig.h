/* SPDX-License-Identifier: MIT */
/* Puts and gets of numbers, each in a task of its own: for the tests of the
 * three queues. */
#ifndef TESTS_SYNC_QUEUE_RIG_H
#define TESTS_SYNC_QUEUE_RIG_H

#include "rig.h"

struct transfer {
    struct call call;
    struct asyncio_queue *queue;
    int item;
};

static int transfer_put(void *object)
{
    struct transfer *transfer = object;
    return asyncio_queue_put(transfer->queue, &transfer->item);
}

static int transfer_get(void *object)
{
    struct transfer *transfer = object;
    return asyncio_queue_get(transfer->queue, &transfer->item);
}

/* Starts it, and sees it through or waiting. */
static inline void put_start(struct transfer *transfer,
                             struct asyncio_queue *queue, int item)
{
    transfer->queue = queue;
    transfer->item = item;
    call_start(&transfer->call, transfer_put, transfer);
    settle();
}

static inline void get_start(struct transfer *transfer,
                             struct asyncio_queue *queue)
{
    transfer->queue = queue;
    transfer->item = -1;
    call_start(&transfer->call, transfer_get, transfer);
    settle();
}

static inline bool transfer_waits(const struct transfer *transfer)
{
    return call_waits(&transfer->call);
}

static inline int transfer_end(struct transfer *transfer)
{
    return call_end(&transfer->call);
}

/* The number that comes out next without waiting, or the negative error. */
static inline int take(struct asyncio_queue *queue)
{
    int item;
    int err = asyncio_queue_try_get(queue, &item);
    return err < 0 ? err : item;
}

static inline void fill(struct asyncio_queue *queue, const int *items,
                        size_t count)
{
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(asyncio_queue_try_put(queue, &items[i]), 0);
}

#endif
