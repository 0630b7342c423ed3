/* SPDX-License-Identifier: MIT */
/* Contexts by ucontext, for CPUs that have no assembly here. */
#include "ctx/switch_portable.h"

/* makecontext hands over ints only, so a pointer goes in two halves. */
static void ctx_cpu_first(unsigned high, unsigned low)
{
    uint64_t address = (uint64_t)high << 32 | low;
    const struct ctx_cpu *cpu = (const struct ctx_cpu *)(uintptr_t)address;
    cpu->entry(cpu->arg);
    panic("the entry of a context returned");
}

void ctx_cpu_make(struct ctx_cpu *cpu, void *low, void *top,
                  void (*entry)(void *arg), void *arg)
{
    int err = getcontext(&cpu->state);
    ASSERT(err == 0);
    cpu->state.uc_stack.ss_sp = low;
    cpu->state.uc_stack.ss_size = (size_t)((char *)top - (char *)low);
    cpu->state.uc_link = NULL;
    cpu->entry = entry;
    cpu->arg = arg;
    uint64_t address = (uintptr_t)cpu;
    makecontext(&cpu->state, (void (*)(void))ctx_cpu_first, 2,
                (unsigned)(address >> 32), (unsigned)address);
}

void ctx_cpu_switch(struct ctx_cpu *from, struct ctx_cpu *to)
{
    int err = swapcontext(&from->state, &to->state);
    ASSERT(err == 0);
}

_Noreturn void ctx_cpu_leave(struct ctx_cpu *to)
{
    setcontext(&to->state);
    panic("setcontext returned");
}
