/* SPDX-License-Identifier: MIT */
/*
 * The words that every file uses: sizes, hints to the compiler, assertions.
 *
 * ASSERT stays on in release builds: it guards what would corrupt memory.
 * DEBUG_ASSERT is for costly checks and disappears with NDEBUG.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define container_of(pointer, type, member)                                   \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

#define NSEC_PER_SEC UINT64_C(1000000000)
#define NSEC_PER_MSEC UINT64_C(1000000)
/* A deadline that never comes. */
#define NSEC_NEVER UINT64_MAX

/* Prints "asyncio: <sentence>" on standard error and aborts. */
_Noreturn void panic(const char *format, ...)
    __attribute__((format(printf, 1, 2), cold));

#define ASSERT(condition)                                                     \
    (likely(condition)                                                        \
         ? (void)0                                                            \
         : panic("%s:%d: assertion failed: %s", __FILE__, __LINE__,           \
                 #condition))

#ifdef NDEBUG
#define DEBUG_ASSERT(condition) ((void)0)
#else
#define DEBUG_ASSERT(condition) ASSERT(condition)
#endif

#endif
