/* SPDX-License-Identifier: MIT */
/*
 * The failure plan: one counter for the whole process, so that "the n-th ask"
 * means the same in every run of a single-threaded program. Asks may come from
 * any thread and from signal handlers, hence atomics and no lock.
 */
#include "base/fault.h"

_Atomic bool fault_armed;

static _Atomic unsigned plan_kinds;
static _Atomic uint64_t plan_strike;     /* the ask that fails, from 1 */
static _Atomic uint64_t plan_asks;       /* made since fault_arm */

void fault_arm(unsigned kinds, uint64_t n)
{
    atomic_store(&fault_armed, false);
    atomic_store(&plan_kinds, kinds);
    atomic_store(&plan_strike, n);
    atomic_store(&plan_asks, 0);
    atomic_store(&fault_armed, true);
}

uint64_t fault_disarm(void)
{
    atomic_store(&fault_armed, false);
    return atomic_load(&plan_asks);
}

bool fault_count(enum fault_kind kind)
{
    if (!(atomic_load(&plan_kinds) & (unsigned)kind))
        return false;
    return atomic_fetch_add(&plan_asks, 1) + 1 == atomic_load(&plan_strike);
}
