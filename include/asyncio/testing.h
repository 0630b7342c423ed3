/* SPDX-License-Identifier: MIT */
/*
 * Simulation: the same program on a virtual clock, in an order of ready tasks
 * that a seed decides. An hour of sleeping takes no time, and a failure is
 * replayed by its seed.
 *
 *     for (uint64_t seed = 1; seed <= 1000; seed++)
 *         assert(asyncio_run_simulated(seed, scenario, NULL) == 0);
 */
#ifndef ASYNCIO_TESTING_H
#define ASYNCIO_TESTING_H

#include <asyncio/base.h>
#include <asyncio/task.h>

ASYNCIO_BEGIN

/*
 * As asyncio_run, simulated: the clock jumps when everybody waits;
 * asyncio_to_thread runs inline after a seeded delay; descriptors from outside
 * are -ENOTSUP. When nothing can run and no timer is set, everything is
 * cancelled and the result is -EDEADLK.
 */
ASYNCIO_API int asyncio_run_simulated(uint64_t seed, asyncio_fn *fn,
                                      void *arg);

ASYNCIO_END

#endif
