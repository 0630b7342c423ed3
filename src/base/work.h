/* SPDX-License-Identifier: MIT */
/*
 * A piece of work that waits for its turn on a loop, and the first-in
 * first-out queue it waits in. Work is embedded in whatever it belongs to; a
 * piece is in at most one queue at a time.
 */
#ifndef BASE_WORK_H
#define BASE_WORK_H

#include "base/base.h"

struct work {
    struct work *next;           /* in a work_queue or an inbox */
    void (*run)(struct work *work);
};

struct work_queue {
    struct work *head;           /* NULL when empty */
    struct work **tail;          /* the `next` that ends the queue */
};

static inline void work_queue_init(struct work_queue *queue)
{
    queue->head = NULL;
    queue->tail = &queue->head;
}

static inline bool work_queue_is_empty(const struct work_queue *queue)
{
    return !queue->head;
}

static inline void work_queue_push(struct work_queue *queue, struct work *work)
{
    work->next = NULL;
    *queue->tail = work;
    queue->tail = &work->next;
}

/* The caller knows that the queue is not empty. */
static inline struct work *work_queue_pop(struct work_queue *queue)
{
    struct work *work = queue->head;
    queue->head = work->next;
    if (!queue->head)
        queue->tail = &queue->head;
    return work;
}

#endif
