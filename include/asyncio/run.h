/* SPDX-License-Identifier: MIT */
/*
 * Running: the way from a thread's plain code into tasks and back.
 *
 *     int main(void) { return asyncio_run(main_task, NULL) < 0; }
 *
 * One loop runs per thread at a time; any number of threads may each run one.
 */
#ifndef ASYNCIO_RUN_H
#define ASYNCIO_RUN_H

#include <asyncio/base.h>
#include <asyncio/task.h>

ASYNCIO_BEGIN

/*
 * Makes a loop, runs fn(arg) as its main task, then cancels every task that
 * is left and waits for it, and closes the loop. Returns what fn returned.
 * Blocks the calling thread; must not be called from a task (-EBUSY).
 *
 * On the main thread, and where SIGINT has its default action, Ctrl-C cancels
 * the main task; if that is what ends it the result is -EINTR. A second Ctrl-C
 * ends the process. While there is a loop, and where SIGPIPE has its default
 * action, it is ignored, so that writing to whom nobody reads is -EPIPE; a
 * forked child has the default again (one made by vfork or posix_spawn has
 * what POSIX_SPAWN_SETSIGDEF says).
 * -EINVAL: fn is NULL. -ENOMEM, -EMFILE: no loop to be had.
 */
ASYNCIO_API int asyncio_run(asyncio_fn *fn, void *arg);

/* Zeros are defaults. */
struct asyncio_runner_options {
    const char *backend;         /* "uring", "epoll", "sim"; default: the
                                  * environment's ASYNCIO_BACKEND, else the
                                  * best there is */
    size_t stack_size;           /* of each task; default 256 KiB */
    bool dense_stacks;           /* see asyncio_task_options.dense_stack */
    bool ignore_sigint;          /* Ctrl-C stays as the program has it */
    /* Seconds to look for news before the thread sleeps, at most: a message
     * that comes meanwhile is answered without a wake-up's 50 us, for the price
     * of the processor's time. It backs off where it does not pay. 0: the
     * environment's ASYNCIO_SPIN, in microseconds, else none. At most 1. */
    double spin;
    uint64_t seed;               /* of "sim" */
};

/* A loop that runs several main tasks, one after the other. Opaque. */
typedef struct asyncio_runner asyncio_runner;

/*
 * Makes a loop for the calling thread. `options` may be NULL. Writes
 * *ret_runner. -EINVAL: an option is out of bounds; -ENOMEM, -EMFILE.
 */
ASYNCIO_API int
asyncio_runner_new(const struct asyncio_runner_options *options,
                   asyncio_runner **ret_runner);

/* Runs fn(arg) as a main task until it ends; detached tasks stay for the next
 * run. Returns and blocks as asyncio_run. -EPERM: not the maker's thread. */
ASYNCIO_API int asyncio_runner_run(asyncio_runner *runner, asyncio_fn *fn,
                                   void *arg);

/* Cancels all that is left, waits for it, closes the loop. NULL is fine.
 * Blocks. */
ASYNCIO_API void asyncio_runner_free(asyncio_runner *runner);

ASYNCIO_END

#endif
