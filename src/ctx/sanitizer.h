/* SPDX-License-Identifier: MIT */
/*
 * What the tools must be told about stacks that the program switches itself.
 *
 * AddressSanitizer: the bounds of the stack that runs, before and after each
 * switch. ThreadSanitizer: each context is a fiber of its own. Both are in
 * the compiler's hands, so builds without them know nothing of it. valgrind
 * comes to programs as they are: it learns of each stack when that is carved.
 */
#ifndef CTX_SANITIZER_H
#define CTX_SANITIZER_H

#include "base/base.h"

#ifndef __has_feature
#define __has_feature(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define CTX_ASAN 1
#else
#define CTX_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define CTX_TSAN 1
#else
#define CTX_TSAN 0
#endif

#define CTX_MARKED (CTX_ASAN || CTX_TSAN)

#if CTX_MARKED
/* Of one context. */
struct ctx_marks {
    void (*entry)(void *arg);    /* what ctx_make was told to call, after */
    void *arg;                   /* the marks of the first switch are set */
    const void *low;             /* its stack, for AddressSanitizer; the */
    size_t size;                 /* native one's is learned at leaving: 0 */
    void *fake_stack;            /* AddressSanitizer's, while switched away */
    void *fiber;                 /* ThreadSanitizer's */
};
#endif

/* A free stack has no frames left whose surroundings are poisoned. */
#if CTX_ASAN
void sanitizer_stack_clean(void *low, size_t size);
#else
static inline void sanitizer_stack_clean(void *low, size_t size)
{
    (void)low, (void)size;
}
#endif

/* Whether the program runs under valgrind, where alone it is worth keeping
 * what sanitizer_stack_register returns for each stack. */
bool sanitizer_on_valgrind(void);
unsigned sanitizer_stack_register(void *low, void *top);
void sanitizer_stack_deregister(unsigned id);
/* Nothing has been written to it yet: to valgrind, what lay under the last
 * frame of a stack is out of bounds until a frame is there again. */
void sanitizer_stack_renew(void *low, size_t size);

#endif
