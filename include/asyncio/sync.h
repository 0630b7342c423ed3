/* SPDX-License-Identifier: MIT */
/*
 * Locks, events, conditions, semaphores, barriers: for the tasks of one loop.
 * (Queues that cross threads are in asyncio/thread.h.)
 *
 *     struct asyncio_lock lock;
 *     asyncio_lock_init(&lock);
 *     int err = asyncio_lock_acquire(&lock);
 *     if (err < 0)
 *         return err;
 *     ...
 *     asyncio_lock_release(&lock);
 *
 * Each is initialised in place, does not move, and wakes in first-in first-out
 * order. A wake-up handed to a task is a result: a cancel that comes after it
 * does not take it back, so none is lost. Nothing here allocates memory. A
 * cancelled call returns -ECANCELED and has no effect.
 *
 * fini of an object somebody waits for aborts the program.
 */
#ifndef ASYNCIO_SYNC_H
#define ASYNCIO_SYNC_H

#include <asyncio/base.h>
#include <asyncio/task.h>

ASYNCIO_BEGIN

/* ---- lock ---- */

struct asyncio_lock {
    struct asyncio_link waiters_;
    struct asyncio_tcb *owner_; /* NULL: unlocked */
};

/* An unlocked lock. Never suspends. */
ASYNCIO_API void asyncio_lock_init(struct asyncio_lock *lock);

/* Nobody may wait for it. Never suspends. */
ASYNCIO_API void asyncio_lock_fini(struct asyncio_lock *lock);

/* Waits until the lock is free and takes it. Suspends. Cancelled: -ECANCELED,
 * not taken. -EDEADLK: the caller has it already; -EPERM: not in a task. */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_lock_acquire(struct asyncio_lock *lock);

/* Takes it if it is free, else -EAGAIN. Never suspends. */
ASYNCIO_API int asyncio_lock_try_acquire(struct asyncio_lock *lock);

/* Hands the lock to the first who waits. Never suspends. -EPERM: the caller
 * does not have it. */
ASYNCIO_API int asyncio_lock_release(struct asyncio_lock *lock);

/* True when a task has it. Never suspends. */
ASYNCIO_API bool asyncio_lock_is_locked(const struct asyncio_lock *lock);

/* ---- event ---- */

struct asyncio_event {
    struct asyncio_link waiters_;
    bool is_set_;
};

/* An event that is not set. Never suspends. */
ASYNCIO_API void asyncio_event_init(struct asyncio_event *event);

/* Nobody may wait for it. Never suspends. */
ASYNCIO_API void asyncio_event_fini(struct asyncio_event *event);

/* Wakes all who wait, and lets everybody through until it is cleared. Never
 * suspends. */
ASYNCIO_API void asyncio_event_set(struct asyncio_event *event);

/* Makes those who come from here on wait. Never suspends. */
ASYNCIO_API void asyncio_event_clear(struct asyncio_event *event);

/* True between set and clear. Never suspends. */
ASYNCIO_API bool asyncio_event_is_set(const struct asyncio_event *event);

/* Waits until the event is set. Suspends. Cancelled: -ECANCELED. */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_event_wait(struct asyncio_event *event);

/* ---- condition ---- */

struct asyncio_condition {
    struct asyncio_link waiters_;
    struct asyncio_lock *lock_;
};

/* `lock` is lent until fini; several conditions may share one. */
ASYNCIO_API void asyncio_condition_init(struct asyncio_condition *condition,
                                        struct asyncio_lock *lock);

/* Nobody may wait for it. Never suspends. */
ASYNCIO_API void asyncio_condition_fini(struct asyncio_condition *condition);

/*
 * Releases the lock, waits to be notified, takes the lock again. Suspends.
 * Always returns with the lock held, also cancelled: the taking is shielded.
 * 0: notified. -ECANCELED: not notified. -EPERM: the caller has not the lock.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_condition_wait(struct asyncio_condition *condition);

/* Waits until predicate(arg) holds, as asyncio_condition_wait in a loop. */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_condition_wait_for(struct asyncio_condition *condition,
                           bool (*predicate)(void *arg), void *arg);

/* Notifies the first `count` who wait. Never suspends. -EPERM: the caller has
 * not the lock. */
ASYNCIO_API int asyncio_condition_notify(struct asyncio_condition *condition,
                                         size_t count);

/* Notifies all who wait. Never suspends. -EPERM: as notify. */
ASYNCIO_API int
asyncio_condition_notify_all(struct asyncio_condition *condition);

/* ---- semaphores ---- */

struct asyncio_semaphore {
    struct asyncio_link waiters_;
    size_t value_;
    size_t bound_;               /* SIZE_MAX: unbounded */
};

/* `value` permits, and no bound on how many are given back. Never
 * suspends. */
ASYNCIO_API void asyncio_semaphore_init(struct asyncio_semaphore *semaphore,
                                        size_t value);

/* As asyncio_semaphore_init; releasing it more often than it was acquired is
 * an error (-EOVERFLOW). Never suspends. */
ASYNCIO_API void
asyncio_bounded_semaphore_init(struct asyncio_semaphore *semaphore,
                               size_t value);

/* Nobody may wait for it. Never suspends. */
ASYNCIO_API void asyncio_semaphore_fini(struct asyncio_semaphore *semaphore);

/* Waits until the value is over 0 and takes 1 of it. Suspends. Cancelled:
 * -ECANCELED, nothing taken. */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_semaphore_acquire(struct asyncio_semaphore *semaphore);

/* -EAGAIN where acquire would wait. Never suspends. */
ASYNCIO_API int
asyncio_semaphore_try_acquire(struct asyncio_semaphore *semaphore);

/* Gives 1 back, to the first who waits. Never suspends. -EOVERFLOW: above its
 * bound, or SIZE_MAX. */
ASYNCIO_API int
asyncio_semaphore_release(struct asyncio_semaphore *semaphore);

/* True when acquire would wait. */
ASYNCIO_API bool
asyncio_semaphore_is_locked(const struct asyncio_semaphore *semaphore);

/* ---- barrier ---- */

struct asyncio_barrier {
    struct asyncio_link waiters_;
    size_t parties_;
    size_t waiting_;
    bool is_broken_;
};

/* `parties` tasks pass it together. -EINVAL: 0, or over INT_MAX. */
ASYNCIO_API int asyncio_barrier_init(struct asyncio_barrier *barrier,
                                     size_t parties);

/* Nobody may wait for it. Never suspends. */
ASYNCIO_API void asyncio_barrier_fini(struct asyncio_barrier *barrier);

/*
 * Waits until all parties wait. Returns a number from 0 to parties - 1, a
 * different one to each. Suspends. Cancelled: -ECANCELED, and the place is
 * free again. -EPIPE: the barrier is broken, or was reset meanwhile.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_barrier_wait(struct asyncio_barrier *barrier);

/* Fails those who wait with -EPIPE and begins anew. Never suspends. */
ASYNCIO_API void asyncio_barrier_reset(struct asyncio_barrier *barrier);

/* Breaks it: every wait fails with -EPIPE until a reset. Never suspends. */
ASYNCIO_API void asyncio_barrier_abort(struct asyncio_barrier *barrier);

/* Tasks that wait now. Never suspends. */
ASYNCIO_API size_t
asyncio_barrier_waiting(const struct asyncio_barrier *barrier);

/* True from abort to reset. Never suspends. */
ASYNCIO_API bool
asyncio_barrier_is_broken(const struct asyncio_barrier *barrier);

ASYNCIO_END

#endif
