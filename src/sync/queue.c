/* SPDX-License-Identifier: MIT */
/*
 * Queues between tasks. Two rules carry everything:
 *
 *   somebody waits to get  =>  there is nothing in the queue
 *   somebody waits to put  =>  the queue is full
 *
 * So a put with a getter waiting copies the item straight into the getter's
 * buffer, in any of the three orders, and a get from a full queue makes the
 * room for the first waiting putter's item and moves it in.
 */
#include <asyncio/queue.h>

#include <errno.h>
#include <string.h>

#include "sync/store.h"
#include "sync/waiters.h"
#include "task/park.h"

/* ---- life ---- */

static int queue_init(struct asyncio_queue *queue, size_t item_size,
                      size_t max_items, enum store_order order)
{
    list_init(&queue->getters_);
    list_init(&queue->putters_);
    list_init(&queue->joiners_);
    queue->item_size_ = item_size;
    queue->max_ = max_items ? max_items : SIZE_MAX;
    queue->order_ = (uint8_t)order;
    queue->unfinished_ = 0;
    queue->is_shut_ = false;
    return store_init(queue);
}

int asyncio_queue_init(struct asyncio_queue *queue, size_t item_size,
                       size_t max_items)
{
    queue->compare_ = NULL;
    return queue_init(queue, item_size, max_items, STORE_FIFO);
}

int asyncio_priority_queue_init(struct asyncio_queue *queue, size_t item_size,
                                size_t max_items, asyncio_compare_fn *compare)
{
    if (!compare)
        return -EINVAL;
    queue->compare_ = compare;
    return queue_init(queue, item_size, max_items, STORE_PRIORITY);
}

int asyncio_lifo_queue_init(struct asyncio_queue *queue, size_t item_size,
                            size_t max_items)
{
    queue->compare_ = NULL;
    return queue_init(queue, item_size, max_items, STORE_LIFO);
}

void asyncio_queue_fini(struct asyncio_queue *queue)
{
    waiters_fini(&queue->getters_, "queue");
    waiters_fini(&queue->putters_, "queue");
    waiters_fini(&queue->joiners_, "queue");
    store_fini(queue);
}

/* ---- put ---- */

int asyncio_queue_try_put(struct asyncio_queue *queue, const void *item)
{
    if (queue->is_shut_)
        return -EPIPE;
    struct waiter *getter = waiters_pop(&queue->getters_);
    if (getter) {
        memcpy(getter->item, item, queue->item_size_);
        waiter_wake(getter, 0);
    } else {
        if (queue->count_ >= queue->max_)
            return -EAGAIN;
        int err = store_push(queue, item);
        if (err < 0)
            return err;
    }
    queue->unfinished_++;
    return 0;
}

int asyncio_queue_put(struct asyncio_queue *queue, const void *item)
{
    struct waiter waiter = {.task = task_current(), .item = (void *)item};
    if (unlikely(!waiter.task))
        return -EPERM;
    int err = task_checkpoint(waiter.task);
    if (unlikely(err < 0))
        return err;
    err = asyncio_queue_try_put(queue, item);
    if (likely(err != -EAGAIN))
        return err;
    return (int)waiter_park(&waiter, &queue->putters_, WAIT_QUEUE_PUT,
                            waiter_abort);
}

/* ---- get ---- */

/* Room was made: the item of the first who waits to put one comes in. */
static void queue_admit(struct asyncio_queue *queue)
{
    struct waiter *putter = waiters_pop(&queue->putters_);
    if (likely(!putter))
        return;
    int err = store_push(queue, putter->item);
    ASSERT(err == 0);
    queue->unfinished_++;
    waiter_wake(putter, 0);
}

int asyncio_queue_try_get(struct asyncio_queue *queue, void *ret_item)
{
    if (!queue->count_)
        return queue->is_shut_ ? -EPIPE : -EAGAIN;
    store_pop(queue, ret_item);
    queue_admit(queue);
    return 0;
}

int asyncio_queue_get(struct asyncio_queue *queue, void *ret_item)
{
    struct waiter waiter = {.task = task_current(), .item = ret_item};
    if (unlikely(!waiter.task))
        return -EPERM;
    int err = task_checkpoint(waiter.task);
    if (unlikely(err < 0))
        return err;
    err = asyncio_queue_try_get(queue, ret_item);
    if (likely(err != -EAGAIN))
        return err;
    return (int)waiter_park(&waiter, &queue->getters_, WAIT_QUEUE_GET,
                            waiter_abort);
}

/* ---- the end of the work ---- */

int asyncio_queue_task_done(struct asyncio_queue *queue)
{
    if (!queue->unfinished_)
        return -EINVAL;
    if (!--queue->unfinished_)
        waiters_wake_all(&queue->joiners_, 0);
    return 0;
}

int asyncio_queue_join(struct asyncio_queue *queue)
{
    struct asyncio_tcb *task = task_current();
    if (unlikely(!task))
        return -EPERM;
    int err = task_checkpoint(task);
    if (unlikely(err < 0))
        return err;
    if (!queue->unfinished_)
        return 0;
    return (int)waiters_wait(&queue->joiners_, task, WAIT_QUEUE_JOIN);
}

/* Items that are in the queue have not been counted as done, since task_done
 * is for those that were got; a program that calls it early gets away with it
 * here as in asyncio. */
static void queue_drop_items(struct asyncio_queue *queue)
{
    size_t dropped = queue->count_;
    store_clear(queue);
    if (dropped > queue->unfinished_)
        dropped = queue->unfinished_;
    queue->unfinished_ -= dropped;
    if (!queue->unfinished_)
        waiters_wake_all(&queue->joiners_, 0);
}

void asyncio_queue_shutdown(struct asyncio_queue *queue, bool immediate)
{
    queue->is_shut_ = true;
    if (immediate)
        queue_drop_items(queue);
    waiters_wake_all(&queue->getters_, -EPIPE);
    waiters_wake_all(&queue->putters_, -EPIPE);
}

/* ---- looking ---- */

size_t asyncio_queue_size(const struct asyncio_queue *queue)
{
    return queue->count_;
}

bool asyncio_queue_is_empty(const struct asyncio_queue *queue)
{
    return !queue->count_;
}

bool asyncio_queue_is_full(const struct asyncio_queue *queue)
{
    return queue->count_ >= queue->max_;
}
