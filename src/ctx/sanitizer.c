/* SPDX-License-Identifier: MIT */
/*
 * The same functions as the inline ones of ctx.h, with the marks around each
 * switch, for the builds that need them; and the marks for valgrind.
 *
 * A switch has two ends: it starts on one stack and is finished by the first
 * act on the other, be that where a ctx_switch returns or where a new context
 * begins. So each leaver notes itself in `leaving`, and the arriver completes
 * what only it can learn about the leaver.
 */
#include "ctx/ctx.h"

#if CTX_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if CTX_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#ifdef HAVE_VALGRIND_H
#include <valgrind/memcheck.h>
#endif

/* The marks must be part of the function that switches: if they were a call,
 * it would begin on one fiber's list of calls and end on another's. */
#define PART_OF_CALLER static inline __attribute__((always_inline))

#if CTX_ASAN
/* For the arriver; NULL when the leaver exits. */
static _Thread_local struct ctx *leaving;

PART_OF_CALLER void marks_leave(struct ctx *from, struct ctx *to)
{
    leaving = from;
    __sanitizer_start_switch_fiber(from ? &from->marks.fake_stack : NULL,
                                   to->marks.low, to->marks.size);
}

PART_OF_CALLER void marks_arrive(void *fake_stack)
{
    const void *low;
    size_t size;
    __sanitizer_finish_switch_fiber(fake_stack, &low, &size);
    if (leaving && !leaving->marks.size) {
        leaving->marks.low = low;
        leaving->marks.size = size;
    }
}

void sanitizer_stack_clean(void *low, size_t size)
{
    __asan_unpoison_memory_region(low, size);
}
#elif CTX_TSAN
PART_OF_CALLER void marks_leave(struct ctx *from, struct ctx *to)
{
    (void)from;
    __tsan_switch_to_fiber(to->marks.fiber, 0);
}

PART_OF_CALLER void marks_arrive(void *fake_stack)
{
    (void)fake_stack;
}
#endif

#if CTX_MARKED
/* The first act on a new stack. */
static void marked_entry(void *arg)
{
    struct ctx *ctx = arg;
    marks_arrive(NULL);
    ctx->marks.entry(ctx->marks.arg);
    panic("the entry of a context returned");
}

void ctx_make(struct ctx *ctx, struct ctx_stack stack,
              void (*entry)(void *arg), void *arg)
{
    ctx->marks = (struct ctx_marks){
        .entry = entry,
        .arg = arg,
        .low = stack.low,
        .size = (size_t)((char *)stack.top - (char *)stack.low),
    };
#if CTX_TSAN
    ctx->marks.fiber = __tsan_create_fiber(0);
#endif
    ctx_cpu_make(&ctx->cpu, stack.low, stack.top, marked_entry, ctx);
}

void ctx_init_native(struct ctx *ctx)
{
    *ctx = (struct ctx){0};
#if CTX_TSAN
    ctx->marks.fiber = __tsan_get_current_fiber();
#endif
}

void ctx_fini_native(struct ctx *ctx)
{
    (void)ctx;
}

void ctx_switch(struct ctx *from, struct ctx *to)
{
    marks_leave(from, to);
    ctx_cpu_switch(&from->cpu, &to->cpu);
    marks_arrive(from->marks.fake_stack);
}

_Noreturn void ctx_exit(struct ctx *from, struct ctx *to)
{
    (void)from;
    marks_leave(NULL, to);
    ctx_cpu_leave(&to->cpu);
}

void ctx_release(struct ctx *ctx)
{
#if CTX_TSAN
    __tsan_destroy_fiber(ctx->marks.fiber);
#endif
    ctx->marks = (struct ctx_marks){0};
}
#endif

#ifdef HAVE_VALGRIND_H
bool sanitizer_on_valgrind(void)
{
    return RUNNING_ON_VALGRIND != 0;
}

unsigned sanitizer_stack_register(void *low, void *top)
{
    return VALGRIND_STACK_REGISTER(low, (char *)top - 1);
}

void sanitizer_stack_deregister(unsigned id)
{
    VALGRIND_STACK_DEREGISTER(id);
}

void sanitizer_stack_renew(void *low, size_t size)
{
    VALGRIND_MAKE_MEM_UNDEFINED(low, size);
}
#else
bool sanitizer_on_valgrind(void)
{
    return false;
}

unsigned sanitizer_stack_register(void *low, void *top)
{
    (void)low, (void)top;
    return 0;
}

void sanitizer_stack_deregister(unsigned id)
{
    (void)id;
}

void sanitizer_stack_renew(void *low, size_t size)
{
    (void)low, (void)size;
}
#endif
