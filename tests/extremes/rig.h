/* SPDX-License-Identifier: MIT */
/*
 * What the tests of extremes share: counting what must not be left behind,
 * limits on time, and saying where a test cannot be had.
 */
#ifndef EXTREMES_RIG_H
#define EXTREMES_RIG_H

#include "../task/rig.h"

#include <dirent.h>

/* The descriptors that are open, whatever their numbers. */
static UNUSED int fds_open(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 3;            /* ".", ".." and the directory's own */
}

/* Sanitizers and valgrind keep memory and signals for themselves. */
static UNUSED bool is_under_tools(void)
{
    return CTX_MARKED || sanitizer_on_valgrind();
}

/* As many tasks as are asked for, or as the tools can take: a fiber of
 * ThreadSanitizer's costs a megabyte, and valgrind is slow. */
static UNUSED size_t crowd_of(size_t count)
{
    size_t most = SIZE_MAX;
    if (CTX_ASAN)
        most = 10000;
    if (CTX_TSAN || sanitizer_on_valgrind())
        most = 1000;
    return count < most ? count : most;
}

/* For loops of very many: Check writes a record for every assertion that
 * holds, so one of its own is made only where this does not hold. */
#define CHEAP_ASSERT(condition)                                                \
    do {                                                                       \
        if (!(condition))                                                      \
            ck_abort_msg("%s", #condition);                                    \
    } while (0)

/* Returns the failure of a call, if it is one, from the calling function. */
#define TRY(call)                                                              \
    do {                                                                       \
        int try_err = (int)(call);                                             \
        if (try_err < 0)                                                       \
            return try_err;                                                    \
    } while (0)

/* ---- hanging ---- */

static char watch_words[160];

static void watch_bark(int signo)
{
    (void)signo;
    ssize_t written = write(STDERR_FILENO, watch_words, strlen(watch_words));
    (void)written;
    abort();
}

/* From here to watch_end this may take ten seconds; then the process dies and
 * says what hung. */
static UNUSED void watch_begin(const char *what, unsigned long which)
{
    snprintf(watch_words, sizeof watch_words, "%s, %lu: it hangs\n", what,
             which);
    signal(SIGALRM, watch_bark);
    alarm((unsigned)(10 * rig_slowness()));
}

static UNUSED void watch_end(void)
{
    alarm(0);
}

#endif
