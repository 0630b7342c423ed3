/* SPDX-License-Identifier: MIT */
/*
 * What the switches in assembly have in common: where a context stopped, and
 * how a new one is laid out. The compiler saves all other registers in the
 * frame of whoever switches.
 */
#ifndef CTX_SWITCH_STATE_H
#define CTX_SWITCH_STATE_H

#include "base/base.h"

struct ctx_cpu {
    void *sp;
    void (*pc)(void);            /* where it goes on; no function's start */
    void *fp;                    /* the frame pointer: rbp, x29 */
};

_Static_assert(offsetof(struct ctx_cpu, sp) == 0, "the assembly knows");
_Static_assert(offsetof(struct ctx_cpu, pc) == 8, "the assembly knows");
_Static_assert(offsetof(struct ctx_cpu, fp) == 16, "the assembly knows");

/* What ctx_cpu_start finds on top of a new stack. */
struct ctx_cpu_first {
    void (*entry)(void *arg);
    void *arg;
};

/* In switch_<cpu>.S. Never called: a new context's first jump goes there. */
void ctx_cpu_start(void);

static inline void ctx_cpu_make(struct ctx_cpu *cpu, void *low, void *top,
                                void (*entry)(void *arg), void *arg)
{
    (void)low;
    uintptr_t aligned = (uintptr_t)top & ~(uintptr_t)15;
    struct ctx_cpu_first *first = (struct ctx_cpu_first *)aligned - 1;
    first->entry = entry;
    first->arg = arg;
    cpu->sp = first;
    cpu->pc = ctx_cpu_start;
    cpu->fp = NULL;
}

#endif
