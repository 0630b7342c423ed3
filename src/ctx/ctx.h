/* SPDX-License-Identifier: MIT */
/*
 * Contexts: a stack with a place on it where execution stopped. Switching is
 * a plain call for the compiler; everything a call may clobber is clobbered.
 *
 * The switch keeps what the ABI makes callee-saved, but no signal mask and no
 * floating-point control words (a task that changes rounding changes it for
 * its thread).
 *
 * There is one switch_<cpu>.h for each CPU. Sanitizers are told of every
 * switch here and nowhere else.
 */
#ifndef CTX_CTX_H
#define CTX_CTX_H

#include "base/base.h"
#include "ctx/sanitizer.h"

#if defined(CTX_PORTABLE)
#include "ctx/switch_portable.h"
#elif defined(__x86_64__) && defined(__LP64__)
#include "ctx/switch_x86_64.h"
#elif defined(__aarch64__) && defined(__LP64__)
#include "ctx/switch_aarch64.h"
#else
#error "this CPU needs the build option portable_switch"
#endif

/* [lowest usable byte, one past the highest). */
struct ctx_stack {
    void *low;
    void *top;
};

struct ctx {
    struct ctx_cpu cpu;          /* where it stopped; stale while it runs */
#if CTX_MARKED
    struct ctx_marks marks;
#endif
};

#if CTX_MARKED

/* sanitizer.c; the contracts are below. */
void ctx_make(struct ctx *ctx, struct ctx_stack stack,
              void (*entry)(void *arg), void *arg);
void ctx_init_native(struct ctx *ctx);
void ctx_fini_native(struct ctx *ctx);
void ctx_switch(struct ctx *from, struct ctx *to);
_Noreturn void ctx_exit(struct ctx *from, struct ctx *to);
void ctx_release(struct ctx *ctx);

#else

/*
 * Prepares `ctx` to call entry(arg) on `stack` when it is first switched to.
 * `entry` must never return; it ends by ctx_exit. Writes at most 64 bytes
 * below stack.top. Never fails.
 */
static inline void ctx_make(struct ctx *ctx, struct ctx_stack stack,
                            void (*entry)(void *arg), void *arg)
{
    ctx_cpu_make(&ctx->cpu, stack.low, stack.top, entry, arg);
}

/* Describes the running native stack as a context, so that it can be left. */
static inline void ctx_init_native(struct ctx *ctx)
{
    *ctx = (struct ctx){0};
}

static inline void ctx_fini_native(struct ctx *ctx)
{
    (void)ctx;
}

/* Stops here as `from`, goes on as `to`. Returns when somebody switches back
 * to `from`. */
static inline __attribute__((always_inline)) void ctx_switch(struct ctx *from,
                                                             struct ctx *to)
{
    ctx_cpu_switch(&from->cpu, &to->cpu);
}

/* Leaves `from` for ever: its stack may be reused as soon as `to` runs. */
static inline _Noreturn void ctx_exit(struct ctx *from, struct ctx *to)
{
    (void)from;
    ctx_cpu_leave(&to->cpu);
}

/* Releases what sanitizers keep for a context that was left by ctx_exit, or
 * was made and never ran. Runs on another context. */
static inline void ctx_release(struct ctx *ctx)
{
    (void)ctx;
}

#endif

#endif
