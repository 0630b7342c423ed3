/* SPDX-License-Identifier: MIT */
/*
 * For the files of this folder only: errno, and the two turns that a system
 * call's result takes here.
 */
#ifndef SYS_INTERNAL_H
#define SYS_INTERNAL_H

#include <errno.h>

#ifdef HAVE_VALGRIND_H
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#include "base/fault.h"
#include "sys/sys.h"

/* -1 and errno to a negative errno; anything else as it is. */
static inline ssize_t sys_result(ssize_t result)
{
    return result < 0 ? -errno : result;
}

/* Evaluates `call` again for as long as a signal interrupts it. */
#define SYS_RETRY(call)                                                       \
    __extension__({                                                           \
        ssize_t retry_result;                                                 \
        do                                                                    \
            retry_result = sys_result(call);                                  \
        while (retry_result == -EINTR);                                       \
        retry_result;                                                         \
    })

#endif
