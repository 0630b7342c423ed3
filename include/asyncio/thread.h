/* SPDX-License-Identifier: MIT */
/*
 * Threads and loops: blocking functions out of the loop, coroutines into it
 * from other threads, and a queue that crosses threads.
 *
 *     int err = asyncio_to_thread(compress, &file);
 */
#ifndef ASYNCIO_THREAD_H
#define ASYNCIO_THREAD_H

#include <asyncio/base.h>
#include <asyncio/loop.h>
#include <asyncio/task.h>

ASYNCIO_BEGIN

/*
 * Calls fn(arg) on a thread of the pool and returns what it returns, while
 * other tasks run. Suspends. Cancelled before a thread has taken it:
 * -ECANCELED and fn is not called. Afterwards it must finish: `arg` is lent to
 * the thread, so the call waits for it and returns its result. -EINVAL: fn is
 * NULL; -EAGAIN: no thread to be had.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_to_thread(asyncio_fn *fn, void *arg);

/*
 * As asyncio_to_thread, but a cancelled call leaves fn behind and returns
 * -ECANCELED at once. `arg` (on the heap) is then the thread's: when fn
 * returns, the thread calls discard(arg), so that nothing is lost; discard may
 * be `free`. -ECANCELED always means that `arg` has been or will be discarded,
 * also where fn was never called or returned it itself; with every other
 * result it stays the caller's. -EINVAL: no fn or no discard; -ENOMEM.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_to_thread_abandonable(asyncio_fn *fn, void *arg,
                              void (*discard)(void *arg));

/* What another thread holds of a coroutine it sent to a loop. Opaque. */
typedef struct asyncio_future asyncio_future;

/*
 * Starts fn(arg) as a detached task of `loop`, from any thread; `arg` is lent
 * until the result is there. Writes *ret_future, to be freed by the caller.
 * Never suspends. -ESHUTDOWN: the loop has ended; -EINVAL; -ENOMEM.
 */
ASYNCIO_API int asyncio_run_coroutine_threadsafe(asyncio_loop *loop,
                                                 asyncio_fn *fn, void *arg,
                                                 asyncio_future **ret_future);
/*
 * Blocks the calling thread (not a loop's own: -EDEADLK) until the coroutine
 * has ended, at most `seconds`: -ETIMEDOUT, and it goes on. Returns its result.
 * -ECANCELED also when the loop ended before it could be started. -EINVAL:
 * negative or NaN seconds. A failure that nobody has asked for is reported on
 * standard error when the future is freed.
 */
ASYNCIO_API int asyncio_future_result(asyncio_future *future, double seconds);

/* Asks the loop to cancel the task. Any thread. Never blocks. -ESHUTDOWN: the
 * loop has ended. */
ASYNCIO_API int asyncio_future_cancel(asyncio_future *future);

/* True once the result is there. Any thread. Never blocks. */
ASYNCIO_API bool asyncio_future_is_done(const asyncio_future *future);

/* Lets go of it; the coroutine goes on. NULL is fine. */
ASYNCIO_API void asyncio_future_free(asyncio_future *future);

/*
 * A first-in first-out queue that tasks of any loop and plain threads put to
 * and get from. Items are copied. Opaque and counted by nobody: free it when
 * no one uses it any more.
 */
typedef struct asyncio_thread_queue asyncio_thread_queue;

/* `max_items` 0: no bound. -EINVAL: item_size 0; -ENOMEM. */
ASYNCIO_API int asyncio_thread_queue_new(size_t item_size, size_t max_items,
                                         asyncio_thread_queue **ret_queue);

/* Frees it and drops what is in it; NULL is fine. Nobody may use it any
 * more. Never blocks. */
ASYNCIO_API void asyncio_thread_queue_free(asyncio_thread_queue *queue);

/* In a task: suspends; cancelled: -ECANCELED, not put. In a thread without a
 * loop: blocks. -EPIPE: shut down; -ENOMEM. */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_thread_queue_put(asyncio_thread_queue *queue, const void *item);
/* -EAGAIN where put would wait. Never suspends or blocks. Any thread. */
ASYNCIO_API int asyncio_thread_queue_try_put(asyncio_thread_queue *queue,
                                             const void *item);
/* In a task: suspends; cancelled: -ECANCELED, nothing taken. In a thread
 * without a loop: blocks. -EPIPE: shut down and empty. */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_thread_queue_get(asyncio_thread_queue *queue, void *ret_item);
/* -EAGAIN where get would wait. Never suspends or blocks. Any thread. */
ASYNCIO_API int asyncio_thread_queue_try_get(asyncio_thread_queue *queue,
                                             void *ret_item);
/* No more puts; gets go on until it is empty. Any thread. */
ASYNCIO_API void asyncio_thread_queue_shutdown(asyncio_thread_queue *queue);

/* Items in it now. Any thread. */
ASYNCIO_API size_t asyncio_thread_queue_size(asyncio_thread_queue *queue);

ASYNCIO_END

#endif
