/* SPDX-License-Identifier: MIT */
/*
 * What the tests of this layer share: running a scenario on the back end under
 * test or on many simulations, and calls that wait, each in a task of its own.
 *
 *     struct call call;
 *     call_start(&call, acquire, &lock);
 *     settle();
 *     ck_assert(call_waits(&call));
 *     ...
 *     ck_assert_int_eq(call_end(&call), 0);
 */
#ifndef TESTS_SYNC_RIG_H
#define TESTS_SYNC_RIG_H

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <asyncio.h>

#include "suite.h"

#include "base/base.h"
#include "base/mem.h"

enum { SEEDS = 200 };

/* ---- calls ---- */

struct call {
    int (*fn)(void *object);
    void *object;
    asyncio_task task;
    int result;
    int place;                   /* 1: the first call that returned; 0: none
                                  * yet */
};

static int calls_returned;

static int call_main(void *arg)
{
    struct call *call = arg;
    call->result = call->fn(call->object);
    call->place = ++calls_returned;
    return call->result;
}

static inline void call_start(struct call *call, int (*fn)(void *object),
                              void *object)
{
    *call = (struct call){.fn = fn, .object = object};
    call->task = asyncio_create_task(call_main, call);
    ck_assert_int_eq(asyncio_task_error(call->task), 0);
}

static inline bool call_waits(const struct call *call)
{
    return !call->place;
}

static inline void call_cancel(struct call *call)
{
    ck_assert_int_eq(asyncio_task_cancel(call->task), 0);
}

/* Waits for the call to return; its result. */
static inline int call_end(struct call *call)
{
    return asyncio_await(call->task);
}

/* ---- running ---- */

/* Lets everybody run until they all wait. */
static inline void settle(void)
{
    ck_assert_int_eq(asyncio_sleep(0.001), 0);
}

/* Runs the scenario, which must return 0, on the back end under test. */
static inline void run(asyncio_fn *fn, void *arg)
{
    calls_returned = 0;
    ck_assert_int_eq(asyncio_run(fn, arg), 0);
}

/* Runs it on simulations, the order of ready tasks another in each. */
static inline void run_seeds(asyncio_fn *fn, void *arg)
{
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        calls_returned = 0;
        int err = asyncio_run_simulated(seed, fn, arg);
        ck_assert_msg(err == 0, "seed %u: %d (%s)", seed, err,
                      asyncio_errname(err));
    }
}

/* On the simulated back end there is one thread, and what blocks it blocks
 * everything: cases that need a second one return at once there. */
static inline bool is_simulated(void)
{
    const char *name = getenv("ASYNCIO_BACKEND");
    return name && strcmp(name, "sim") == 0;
}

/* A number below `bound`, the same in every run. */
static inline unsigned dice(unsigned bound)
{
    static unsigned state = 12345;
    state = state * 1664525u + 1013904223u;
    return (state >> 16) % bound;
}

#endif
