/* SPDX-License-Identifier: MIT */
/*
 * The common core of locks, events, conditions, semaphores, barriers and
 * queues: lists of waiters, first in, first out, each waiter in the frame of
 * the task that waits.
 *
 *               waiter_park                 waiters_pop, waiter_wake
 *    running ----------------> in the list ---------------------------> ready
 *                                  | a cancel: abort unlinks it          ^
 *                                  +-------------------------------------+
 *
 * Who wakes a waiter has given it the thing it waited for by then: the lock is
 * its own, the item is in its buffer. So nobody who comes in between can snatch
 * it (no barging), and a cancel after the wake-up finds a result that stands.
 * A waiter that a cancel unlinks never had anything, so nothing is lost with
 * it either.
 */
#ifndef SYNC_WAITERS_H
#define SYNC_WAITERS_H

#include "task/task.h"

struct waiter {
    struct asyncio_link link;    /* in `list` until woken or cancelled */
    struct asyncio_link *list;   /* whose place tells what is waited for */
    struct asyncio_tcb *task;
    void *item;                  /* a queue's: copied from, or copied to */
};

/*
 * Suspends waiter->task, the calling one, at the end of `list`. Returns what
 * waiter_wake brings; -ECANCELED when a cancel came first and `abort` (as
 * wait.abort, called with the waiter) unlinked it. No checkpoint.
 */
intptr_t waiter_park(struct waiter *waiter, struct asyncio_link *list,
                     enum wait_kind kind, wait_abort *abort);

/* The abort of those who have nothing else to undo. */
bool waiter_abort(struct asyncio_tcb *task, void *object);

/* waiter_park with a waiter of its own, which only waits. */
intptr_t waiters_wait(struct asyncio_link *list, struct asyncio_tcb *task,
                      enum wait_kind kind);

/* Takes out the waiter that came first; NULL when nobody waits. */
struct waiter *waiters_pop(struct asyncio_link *list);

/* Ends the wait of a waiter that was taken out. */
void waiter_wake(struct waiter *waiter, intptr_t result);

/* Takes out and wakes all of them. */
void waiters_wake_all(struct asyncio_link *list, intptr_t result);

/* For fini: aborts the program when somebody waits for the `what`. */
void waiters_fini(const struct asyncio_link *list, const char *what);

#endif
