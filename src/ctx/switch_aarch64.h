/* SPDX-License-Identifier: MIT */
/*
 * The switch on aarch64: as on x86-64 (switch_x86_64.h says why) inline, with
 * every register clobbered, so that the compiler saves those that live, among
 * them x19-x28, x30 and d8-d15. sp and x29, the frame pointer, are saved by
 * hand; x18 is the platform's, but where that does not use it, gcc does. The
 * jump goes through x16 to a `bti`.
 */
#ifndef CTX_SWITCH_AARCH64_H
#define CTX_SWITCH_AARCH64_H

#include "ctx/switch_state.h"

/* Beyond the registers that each aarch64 has. */
#ifdef __ARM_FEATURE_SVE
#define CTX_CPU_CLOBBERS_SVE                                                  \
    , "p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10",      \
        "p11", "p12", "p13", "p14", "p15"
#else
#define CTX_CPU_CLOBBERS_SVE
#endif

static inline __attribute__((always_inline)) void
ctx_cpu_switch(struct ctx_cpu *from, struct ctx_cpu *to)
{
    register struct ctx_cpu *x0 __asm__("x0") = from;
    register struct ctx_cpu *x1 __asm__("x1") = to;
    __asm__ volatile("adr x9, 1f\n\t"
                     "mov x10, sp\n\t"
                     "stp x10, x9, [x0]\n\t"
                     "str x29, [x0, #16]\n\t"
                     "ldp x10, x16, [x1]\n\t"
                     "ldr x29, [x1, #16]\n\t"
                     "mov sp, x10\n\t"
                     "br x16\n"
                     "1:\thint #36" /* bti j */
                     : "+r"(x0), "+r"(x1)
                     :
                     : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10",
                       "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18",
                       "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26",
                       "x27", "x28", "x30", "v0", "v1", "v2", "v3", "v4", "v5",
                       "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",
                       "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21",
                       "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29",
                       "v30", "v31", "cc",
                       "memory" CTX_CPU_CLOBBERS_SVE);
}

static inline __attribute__((always_inline)) _Noreturn void
ctx_cpu_leave(struct ctx_cpu *to)
{
    register struct ctx_cpu *x1 __asm__("x1") = to;
    __asm__ volatile("ldp x10, x16, [x1]\n\t"
                     "ldr x29, [x1, #16]\n\t"
                     "mov sp, x10\n\t"
                     "br x16"
                     :
                     : "r"(x1)
                     : "x10", "x16", "memory");
    __builtin_unreachable();
}

#endif
