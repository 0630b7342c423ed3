/* SPDX-License-Identifier: MIT */
/*
 * Queues between the tasks of one loop. Items are of one size and are copied
 * in and out.
 *
 *     struct asyncio_queue queue;
 *     asyncio_queue_init(&queue, sizeof(struct order), 10);
 *     int err = asyncio_queue_put(&queue, &order);
 *     ...
 *     err = asyncio_queue_get(&queue, &order);
 *     asyncio_queue_task_done(&queue);
 *
 * An item handed to a waiting task is its result: a cancel that comes later
 * does not lose it. fini with somebody waiting aborts the program.
 */
#ifndef ASYNCIO_QUEUE_H
#define ASYNCIO_QUEUE_H

#include <asyncio/base.h>
#include <asyncio/task.h>

ASYNCIO_BEGIN

/* Negative, 0, positive: `a` comes out before, with, after `b`. */
typedef int asyncio_compare_fn(const void *a, const void *b);

struct asyncio_queue {
    struct asyncio_link getters_;
    struct asyncio_link putters_;
    struct asyncio_link joiners_;
    unsigned char *items_;
    size_t item_size_;
    size_t capacity_;            /* items that items_ has room for */
    size_t max_;                 /* SIZE_MAX: no bound */
    size_t head_;
    size_t count_;
    size_t unfinished_;          /* put and not yet task_done */
    uint64_t sequence_;          /* keeps equals in order of arrival */
    asyncio_compare_fn *compare_; /* of a priority queue */
    uint8_t order_;
    bool is_shut_;
};

/*
 * First in, first out. `max_items` 0: no bound. Never suspends. -EINVAL: item
 * size 0 or so huge that it overflows; -ENOMEM.
 * A bounded queue of at most 64 KiB allocates all it needs here; others grow.
 */
ASYNCIO_API int asyncio_queue_init(struct asyncio_queue *queue,
                                   size_t item_size, size_t max_items);
/* Least first, equals in order of arrival. */
ASYNCIO_API int asyncio_priority_queue_init(struct asyncio_queue *queue,
                                            size_t item_size, size_t max_items,
                                            asyncio_compare_fn *compare);
/* Last in, first out. */
ASYNCIO_API int asyncio_lifo_queue_init(struct asyncio_queue *queue,
                                        size_t item_size, size_t max_items);
/* Frees what the queue holds; items still in it are dropped. */
ASYNCIO_API void asyncio_queue_fini(struct asyncio_queue *queue);

/* Copies *item in, waiting while the queue is full. Suspends. Cancelled:
 * -ECANCELED, not put. -EPIPE: shut down; -ENOMEM. */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_queue_put(struct asyncio_queue *queue,
                                                   const void *item);
/* -EAGAIN where put would wait. Never suspends. */
ASYNCIO_API int asyncio_queue_try_put(struct asyncio_queue *queue,
                                      const void *item);
/* Moves the next item to *ret_item, waiting while there is none. Suspends.
 * Cancelled: -ECANCELED, nothing taken. -EPIPE: shut down and empty. */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_queue_get(struct asyncio_queue *queue,
                                                   void *ret_item);
/* -EAGAIN where get would wait. Never suspends. */
ASYNCIO_API int asyncio_queue_try_get(struct asyncio_queue *queue,
                                      void *ret_item);

/* An item that was got has been worked on. Never suspends. -EINVAL: called
 * more often than items were put. */
ASYNCIO_API int asyncio_queue_task_done(struct asyncio_queue *queue);
/* Waits until task_done has been called for every item. Suspends. Cancelled:
 * -ECANCELED. */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_queue_join(struct asyncio_queue *queue);

/* No more puts (-EPIPE); gets go on until it is empty, then -EPIPE.
 * `immediate` drops what is in it, and counts that as done. Never suspends. */
ASYNCIO_API void asyncio_queue_shutdown(struct asyncio_queue *queue,
                                        bool immediate);

/* Items in it now. Never suspends. */
ASYNCIO_API size_t asyncio_queue_size(const struct asyncio_queue *queue);

/* True when get would wait. Never suspends. */
ASYNCIO_API bool asyncio_queue_is_empty(const struct asyncio_queue *queue);

/* True when put would wait. Never suspends. */
ASYNCIO_API bool asyncio_queue_is_full(const struct asyncio_queue *queue);

ASYNCIO_END

#endif
