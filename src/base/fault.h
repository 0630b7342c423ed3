/* SPDX-License-Identifier: MIT */
/*
 * The seam where failures are injected. Every allocation and every wrapped
 * system call that can fail asks fault_strikes() first. A test arms the plan
 * to fail the n-th ask of the process; unarmed, which is always outside
 * tests, the ask costs one load and a predicted branch.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdatomic.h>

#include "base/base.h"

enum fault_kind {
    FAULT_MEMORY = 1,            /* allocations and mappings */
    FAULT_SYSCALL = 2,           /* every other system call */
    FAULT_ANY = 3,
};

extern _Atomic bool fault_armed;

/* Fails the n-th ask (from 1) of the kinds in the mask `kinds`, once. */
void fault_arm(unsigned kinds, uint64_t n);

/* Ends the plan; returns how many asks of its kinds were made since fault_arm,
 * so that a driver knows when n has passed them all. */
uint64_t fault_disarm(void);

bool fault_count(enum fault_kind kind);

static inline bool fault_strikes(enum fault_kind kind)
{
    if (likely(!atomic_load_explicit(&fault_armed, memory_order_relaxed)))
        return false;
    return fault_count(kind);
}

#endif
