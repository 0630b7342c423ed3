/* SPDX-License-Identifier: MIT */
/* The parts of a lock that a condition moves. */
#ifndef SYNC_LOCK_H
#define SYNC_LOCK_H

#include <asyncio/sync.h>

#include "sync/waiters.h"

/* Gives the lock to the first who waits for it, else makes it free. */
void lock_pass_on(struct asyncio_lock *lock);

/*
 * Has a parked task, whose waiter is in no list, take the lock: true when it
 * has it now and is to be woken; false when it waits in line, out of reach of
 * cancels, and will be woken with 0 once the lock is its own.
 */
bool lock_take_for(struct asyncio_lock *lock, struct waiter *waiter);

#endif
