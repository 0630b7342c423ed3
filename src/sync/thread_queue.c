/* SPDX-License-Identifier: MIT */
/*
 * The queue that crosses threads: the same two rules as in queue.c, under a
 * mutex, with waiters that are tasks of any loop or threads without one.
 *
 *            the lock held                   after the lock
 *    waits ------------------> chosen ----------------------------> goes on
 *      |     item moved,               a task: posted to its home loop
 *      |     out of the list           (a thread: its condition is
 *      |                               signalled, with the lock held)
 *      +-- a cancel, with the lock held: out of the list, goes on
 *
 * A waiter stands in the frame of whoever waits, which is there until the
 * waiter has been chosen and the news has reached it: a chosen task cannot be
 * cut short any more, the post is on its way. So what was moved to or from a
 * frame is never lost. A waiting task holds its loop's mailbox, which outlives
 * the loop; the poster lets go of it.
 *
 * Posting comes after unlocking, so a task that is woken by the last put or
 * get there will ever be may free the queue at once.
 */
#include <asyncio/thread.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "backend/mailbox.h"
#include "base/mem.h"
#include "base/ring.h"
#include "task/park.h"

enum { EAGER_BYTES = 64 * 1024 };

struct asyncio_thread_queue {
    pthread_mutex_t lock;        /* guards all below */
    struct asyncio_link getters; /* none unless the ring is empty */
    struct asyncio_link putters; /* none unless it is full */
    struct ring ring;
    size_t max;                  /* SIZE_MAX: no bound */
    bool is_shut;
};

struct crossing {
    struct asyncio_link link;    /* in getters or putters until chosen */
    asyncio_thread_queue *queue;
    void *item;                  /* where it goes to, or comes from */
    bool is_chosen;              /* the queue's lock */
    int result;                  /* is_chosen */
    struct asyncio_tcb *task;    /* NULL: a thread */
    struct mailbox *home;        /* a task's: counted, of its loop */
    struct work news;            /* a task's: posted home */
    pthread_cond_t chosen;       /* a thread's */
};

static struct crossing *crossing_of_link(struct asyncio_link *link)
{
    return container_of(link, struct crossing, link);
}

/* ---- life ---- */

int asyncio_thread_queue_new(size_t item_size, size_t max_items,
                             asyncio_thread_queue **ret_queue)
{
    size_t bytes;
    if (!item_size || item_size > PTRDIFF_MAX || !ret_queue)
        return -EINVAL;
    asyncio_thread_queue *queue = mem_zalloc(sizeof *queue);
    if (!queue)
        return -ENOMEM;
    pthread_mutex_init(&queue->lock, NULL);
    list_init(&queue->getters);
    list_init(&queue->putters);
    ring_init(&queue->ring, item_size);
    queue->max = max_items ? max_items : SIZE_MAX;
    if (!__builtin_mul_overflow(queue->max, item_size, &bytes) &&
        bytes <= EAGER_BYTES && ring_reserve(&queue->ring, queue->max) < 0) {
        asyncio_thread_queue_free(queue);
        return -ENOMEM;
    }
    *ret_queue = queue;
    return 0;
}

void asyncio_thread_queue_free(asyncio_thread_queue *queue)
{
    if (!queue)
        return;
    pthread_mutex_lock(&queue->lock);
    bool is_awaited = !list_is_empty(&queue->getters) ||
                      !list_is_empty(&queue->putters);
    pthread_mutex_unlock(&queue->lock);
    if (is_awaited)
        panic("a thread queue was freed while somebody waits for it");
    pthread_mutex_destroy(&queue->lock);
    ring_fini(&queue->ring);
    mem_free(queue);
}

/* ---- choosing ---- */

/* On the waiter's loop: the news has come home. */
static void crossing_arrive(struct work *work)
{
    struct crossing *crossing = container_of(work, struct crossing, news);
    task_wake(crossing->task, crossing->result);
}

/* With the lock held. Returns the waiter if it is a task, for
 * crossing_tell; a thread is told here. */
static struct crossing *crossing_choose(struct crossing *crossing, int result)
{
    list_remove(&crossing->link);
    crossing->result = result;
    crossing->is_chosen = true;
    if (crossing->task)
        return crossing;
    pthread_cond_signal(&crossing->chosen);
    return NULL;
}

/* After unlocking. The waiter is gone once it has the news. */
static void crossing_tell(struct crossing *crossing)
{
    if (!crossing)
        return;
    struct mailbox *home = crossing->home;
    int err = mailbox_post(home, &crossing->news);
    /* A loop does not end before its tasks have. */
    ASSERT(err == 0);
    mailbox_unref(home);
}

/* ---- moving items, with the lock held ---- */

/* -EAGAIN: full. *ret_chosen is to be told after unlocking. */
static int queue_put(asyncio_thread_queue *queue, const void *item,
                     struct crossing **ret_chosen)
{
    if (queue->is_shut)
        return -EPIPE;
    if (!list_is_empty(&queue->getters)) {
        struct crossing *getter = crossing_of_link(queue->getters.next);
        memcpy(getter->item, item, queue->ring.item_size);
        *ret_chosen = crossing_choose(getter, 0);
        return 0;
    }
    if (queue->ring.count >= queue->max)
        return -EAGAIN;
    return ring_push_back(&queue->ring, item);
}

/* -EAGAIN: empty. */
static int queue_get(asyncio_thread_queue *queue, void *ret_item,
                     struct crossing **ret_chosen)
{
    if (!ring_pop_front(&queue->ring, ret_item))
        return queue->is_shut ? -EPIPE : -EAGAIN;
    if (!list_is_empty(&queue->putters)) {
        struct crossing *putter = crossing_of_link(queue->putters.next);
        int err = ring_push_back(&queue->ring, putter->item);
        /* There is room: the ring does not shrink. */
        ASSERT(err == 0);
        *ret_chosen = crossing_choose(putter, 0);
    }
    return 0;
}

/* ---- waiting ---- */

static bool crossing_abort(struct asyncio_tcb *task, void *object)
{
    struct crossing *crossing = object;
    asyncio_thread_queue *queue = crossing->queue;
    (void)task;
    pthread_mutex_lock(&queue->lock);
    bool in_time = !crossing->is_chosen;
    if (in_time)
        list_remove(&crossing->link);
    pthread_mutex_unlock(&queue->lock);
    if (in_time)
        mailbox_unref(crossing->home);
    return in_time;
}

/* Both are called with the lock held, and return without it. */
static int wait_in_task(struct crossing *crossing, struct asyncio_link *list,
                        enum wait_kind kind)
{
    struct asyncio_tcb *task = crossing->task;
    crossing->home = mailbox_ref(task->runner->loop->mailbox);
    crossing->news.run = crossing_arrive;
    list_push_back(list, &crossing->link);
    pthread_mutex_unlock(&crossing->queue->lock);
    return (int)task_park(task, kind, crossing, crossing_abort);
}

static int wait_in_thread(struct crossing *crossing, struct asyncio_link *list)
{
    pthread_mutex_t *lock = &crossing->queue->lock;
    pthread_cond_init(&crossing->chosen, NULL);
    list_push_back(list, &crossing->link);
    while (!crossing->is_chosen)
        pthread_cond_wait(&crossing->chosen, lock);
    pthread_mutex_unlock(lock);
    pthread_cond_destroy(&crossing->chosen);
    return crossing->result;
}

/* May the caller wait? A task may, unless it is cancelled; a thread may; a
 * callback of a loop may not. */
static int wait_begin(struct asyncio_tcb **ret_task)
{
    struct asyncio_tcb *task = task_current();
    *ret_task = task;
    if (task)
        return task_checkpoint(task);
    return loop_current ? -EPERM : 0;
}

int asyncio_thread_queue_put(asyncio_thread_queue *queue, const void *item)
{
    struct crossing self = {.queue = queue, .item = (void *)item};
    struct crossing *chosen = NULL;
    int err = wait_begin(&self.task);
    if (err < 0)
        return err;
    pthread_mutex_lock(&queue->lock);
    err = queue_put(queue, item, &chosen);
    if (err == -EAGAIN) {
        return self.task ? wait_in_task(&self, &queue->putters, WAIT_QUEUE_PUT)
                         : wait_in_thread(&self, &queue->putters);
    }
    pthread_mutex_unlock(&queue->lock);
    crossing_tell(chosen);
    return err;
}

int asyncio_thread_queue_get(asyncio_thread_queue *queue, void *ret_item)
{
    struct crossing self = {.queue = queue, .item = ret_item};
    struct crossing *chosen = NULL;
    int err = wait_begin(&self.task);
    if (err < 0)
        return err;
    pthread_mutex_lock(&queue->lock);
    err = queue_get(queue, ret_item, &chosen);
    if (err == -EAGAIN) {
        return self.task ? wait_in_task(&self, &queue->getters, WAIT_QUEUE_GET)
                         : wait_in_thread(&self, &queue->getters);
    }
    pthread_mutex_unlock(&queue->lock);
    crossing_tell(chosen);
    return err;
}

/* ---- without waiting ---- */

int asyncio_thread_queue_try_put(asyncio_thread_queue *queue, const void *item)
{
    struct crossing *chosen = NULL;
    pthread_mutex_lock(&queue->lock);
    int err = queue_put(queue, item, &chosen);
    pthread_mutex_unlock(&queue->lock);
    crossing_tell(chosen);
    return err;
}

int asyncio_thread_queue_try_get(asyncio_thread_queue *queue, void *ret_item)
{
    struct crossing *chosen = NULL;
    pthread_mutex_lock(&queue->lock);
    int err = queue_get(queue, ret_item, &chosen);
    pthread_mutex_unlock(&queue->lock);
    crossing_tell(chosen);
    return err;
}

/* Moves those of the list that are tasks to `chosen`. */
static void choose_all(struct asyncio_link *list, struct asyncio_link *chosen)
{
    while (!list_is_empty(list)) {
        struct crossing *crossing = crossing_of_link(list->next);
        if (crossing_choose(crossing, -EPIPE))
            list_push_back(chosen, &crossing->link);
    }
}

void asyncio_thread_queue_shutdown(asyncio_thread_queue *queue)
{
    struct asyncio_link chosen, *link;
    list_init(&chosen);
    pthread_mutex_lock(&queue->lock);
    queue->is_shut = true;
    choose_all(&queue->getters, &chosen);
    choose_all(&queue->putters, &chosen);
    pthread_mutex_unlock(&queue->lock);
    while ((link = list_pop_front(&chosen)))
        crossing_tell(crossing_of_link(link));
}

size_t asyncio_thread_queue_size(asyncio_thread_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t count = queue->ring.count;
    pthread_mutex_unlock(&queue->lock);
    return count;
}
