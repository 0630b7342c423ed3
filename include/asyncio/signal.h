/* SPDX-License-Identifier: MIT */
/*
 * Signals as something to wait for, beside the callbacks of asyncio/loop.h.
 *
 *     asyncio_signals *signals;
 *     const int wanted[] = {SIGHUP, SIGTERM};
 *     int err = asyncio_signals_open(wanted, 2, &signals);
 *     int signo;
 *     while ((signo = asyncio_signals_next(signals)) == SIGHUP)
 *         reload();
 *     asyncio_signals_close(signals);
 *
 * While a handle is open its signals do nothing else in the process, and none
 * is lost between two calls of next. Any number of handles, of any loops, may
 * want the same signal: each has it. Several arrivals before the loop looks
 * are one, as with signals anywhere.
 *
 * Ctrl-C: a handle for SIGINT takes the place of the runner's own answer to
 * it (asyncio_run), for all of that run: the main task is not cancelled. Once
 * the handle is closed SIGINT has its default action, and ends the program.
 */
#ifndef ASYNCIO_SIGNAL_H
#define ASYNCIO_SIGNAL_H

#include <asyncio/base.h>
#include <asyncio/task.h>

ASYNCIO_BEGIN

typedef struct asyncio_signals asyncio_signals;

/*
 * Takes the signals of the list from here on. Writes *ret_signals. Never
 * suspends. -EINVAL: an empty list, or one that cannot be caught; -EEXIST: the
 * loop has a callback for one (asyncio_add_signal_handler); -EMFILE: too many
 * loops take signals; -EPERM: no loop runs here; -ENOMEM.
 */
ASYNCIO_API int asyncio_signals_open(const int *signos, size_t count,
                                     asyncio_signals **ret_signals);

/*
 * Waits for the next of its signals and returns the signal's number; of several
 * that have come, the lowest. Of tasks that wait for the same handle, the first
 * has it. Suspends. Cancelled: -ECANCELED, and none is lost. -EBADF: closed
 * meanwhile; -EXDEV: the handle is another loop's.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_signals_next(asyncio_signals *signals);

/* Gives them up; what has come and was not asked for is dropped. NULL is
 * fine. Never suspends. */
ASYNCIO_API void asyncio_signals_close(asyncio_signals *signals);

/* Opens, waits for one, closes; returns its number. Between two calls a signal
 * does what it did before the first: for more than one, keep a handle.
 * Suspends. Cancelled: -ECANCELED. As asyncio_signals_open. */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_signal_wait(const int *signos,
                                                     size_t count);

ASYNCIO_END

#endif
