/* SPDX-License-Identifier: MIT */
/*
 * The loop below the tasks: callbacks, the clock, signals. Most programs need
 * none of it.
 *
 * A loop is a counted object: its thread has it while it runs, and other
 * threads may keep references; after its end their calls are -ESHUTDOWN.
 */
#ifndef ASYNCIO_LOOP_H
#define ASYNCIO_LOOP_H

#include <asyncio/base.h>

ASYNCIO_BEGIN

typedef struct asyncio_loop asyncio_loop;

/* Called by the loop, outside of any task: it must not suspend (-EPERM). */
typedef void asyncio_callback(void *arg);

/* Names one scheduled callback, for cancelling it. A value; private. */
typedef struct asyncio_handle {
    void *impl_;
    uint64_t generation_;
} asyncio_handle;

/* The loop that runs on this thread, or NULL. Borrowed. Never suspends. */
ASYNCIO_API asyncio_loop *asyncio_get_running_loop(void);

/* Keeps the loop's door open for one more holder; returns it. From any
 * thread that has a reference; NULL is fine. Never suspends. */
ASYNCIO_API asyncio_loop *asyncio_loop_ref(asyncio_loop *loop);

/* Gives one reference up. Any thread; NULL is fine. Never suspends. */
ASYNCIO_API void asyncio_loop_unref(asyncio_loop *loop);

/* The loop's clock in seconds: monotonic, or virtual in a simulation. Outside
 * of a loop, the monotonic clock. Never suspends. */
ASYNCIO_API double asyncio_time(void);

/* The back end that the running loop uses, as "uring"; NULL outside. */
ASYNCIO_API const char *asyncio_backend_name(void);

/*
 * Calls callback(arg) in the loop's next turn, in order. *ret_handle may be
 * NULL. Loop's thread only. Never suspends. -EINVAL: no callback; -EPERM: no
 * loop runs on this thread; -ENOMEM.
 */
ASYNCIO_API int asyncio_call_soon(asyncio_callback *callback, void *arg,
                                  asyncio_handle *ret_handle);

/* As asyncio_call_soon, after `seconds`. -EINVAL: negative or NaN. */
ASYNCIO_API int asyncio_call_later(double seconds, asyncio_callback *callback,
                                   void *arg, asyncio_handle *ret_handle);

/* As asyncio_call_soon, at the time `when` of asyncio_time(). */
ASYNCIO_API int asyncio_call_at(double when, asyncio_callback *callback,
                                void *arg, asyncio_handle *ret_handle);

/* The callback will not be called. -ESRCH: it has been, or was cancelled. */
ASYNCIO_API int asyncio_handle_cancel(asyncio_handle handle);

/*
 * As asyncio_call_soon, from any thread. Never suspends, never blocks.
 * -ESHUTDOWN: the loop has ended; -ENOMEM. Accepted callbacks are called even
 * if the loop is about to end.
 */
ASYNCIO_API int asyncio_call_soon_threadsafe(asyncio_loop *loop,
                                             asyncio_callback *callback,
                                             void *arg);

/*
 * Calls callback(arg) in the loop whenever signal `signo` has arrived, in
 * place of what was to happen; several loops may each have one. Several
 * arrivals before a turn are one call. Never suspends. -EINVAL: no such signal
 * or one that cannot be caught; -EEXIST: this loop has one, or waits for the
 * signal (asyncio/signal.h); -EPERM: no loop.
 */
ASYNCIO_API int asyncio_add_signal_handler(int signo,
                                           asyncio_callback *callback,
                                           void *arg);
/* -ESRCH: there is none. The last remover restores what was there before. */
ASYNCIO_API int asyncio_remove_signal_handler(int signo);

/* Waits until child process `pid` ends and reaps it; *ret_status as waitpid's
 * (may be NULL). Suspends. Cancelled: -ECANCELED, the child runs on. -ECHILD:
 * no child of ours. */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_wait_child(int pid, int *ret_status);

ASYNCIO_END

#endif
