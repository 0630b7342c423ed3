/* SPDX-License-Identifier: MIT */
/*
 * liburing for the op files and uring.c, nobody else: in a build without it
 * the ring view of every operation is NULL and its function is not compiled.
 */
#ifndef BACKEND_RING_H
#define BACKEND_RING_H

#ifdef HAVE_LIBURING
#include <liburing.h>
#define RING_VIEW(function) function
#else
#define RING_VIEW(function) NULL
#endif

/* What the ring wrote into memory valgrind did not see: say that it is set. */
#ifdef HAVE_VALGRIND_H
#include <valgrind/memcheck.h>
#define MARK_DEFINED(memory, len)                                             \
    ((void)VALGRIND_MAKE_MEM_DEFINED((memory), (len)))
#define IS_UNDER_VALGRIND (RUNNING_ON_VALGRIND != 0)
#else
#define IS_UNDER_VALGRIND false
#define MARK_DEFINED(memory, len) ((void)(memory), (void)(len))
#endif

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define IS_UNDER_TSAN true
#endif
#endif
#ifndef IS_UNDER_TSAN
#define IS_UNDER_TSAN false
#endif

#endif
