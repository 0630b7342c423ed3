/* SPDX-License-Identifier: MIT */
/*
 * The switch on every other CPU, by ucontext. A hundred times slower than the
 * others: it saves the signal mask, which takes a system call.
 */
#ifndef CTX_SWITCH_PORTABLE_H
#define CTX_SWITCH_PORTABLE_H

#include <ucontext.h>

#include "base/base.h"

struct ctx_cpu {
    ucontext_t state;
    void (*entry)(void *arg);
    void *arg;
};

void ctx_cpu_make(struct ctx_cpu *cpu, void *low, void *top,
                  void (*entry)(void *arg), void *arg);
void ctx_cpu_switch(struct ctx_cpu *from, struct ctx_cpu *to);
_Noreturn void ctx_cpu_leave(struct ctx_cpu *to);

#endif
