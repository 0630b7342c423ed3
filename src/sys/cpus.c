/* SPDX-License-Identifier: MIT */
/*
 * Counting processors. The affinity mask is what counts: a container or
 * taskset that gives one processor of sixty-four means one.
 */
#include "sys/cpus.h"

#include <sched.h>

unsigned sys_cpu_count(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    /* Fails on machines with more processors than the set has bits. */
    if (sched_getaffinity(0, sizeof(set), &set) < 0)
        return CPU_SETSIZE;
    int count = CPU_COUNT(&set);
    return count > 0 ? (unsigned)count : 1;
}
