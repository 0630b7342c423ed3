/* SPDX-License-Identifier: MIT */
/*
 * The driver that makes a path fail at each place in turn: its first
 * allocation or system call, then its second, and so on until the failure lies
 * behind its end.
 *
 * Whatever fails, a run ends, with success or with a clean error; no descriptor
 * stays open, no memory is kept, signals and the alternate stack are as they
 * were.
 */
#ifndef EXTREMES_FAILING_H
#define EXTREMES_FAILING_H

#include "rig.h"

#include <malloc.h>

#include "blocks.h"

enum { ASKS_MAX = 5000 };

/* What a run must leave as it was. */
struct leftovers {
    int fds;
    long blocks;
    int altstack;
    void (*on_segv)(int signo);
    void (*on_int)(int signo);
};

static struct leftovers leftovers_now(void)
{
    stack_t stack;
    struct sigaction segv, interrupt;
    ck_assert_int_eq(sigaltstack(NULL, &stack), 0);
    ck_assert_int_eq(sigaction(SIGSEGV, NULL, &segv), 0);
    ck_assert_int_eq(sigaction(SIGINT, NULL, &interrupt), 0);
    return (struct leftovers){fds_open(), atomic_load(&blocks_alive),
                              stack.ss_flags, segv.sa_handler,
                              interrupt.sa_handler};
}

/* Threads of the pool may still be letting go of what they had. */
static struct leftovers leftovers_settled(const struct leftovers *before)
{
    struct leftovers now = leftovers_now();
    for (int i = 0; i < 5000; i++) {
        if (now.blocks == before->blocks && now.fds == before->fds)
            break;
        sys_thread_sleep(NSEC_PER_MSEC);
        now = leftovers_now();
    }
    return now;
}

static void assert_left(const struct leftovers *before, unsigned long ask)
{
    struct leftovers now = leftovers_settled(before);
    ck_assert_msg(now.fds == before->fds, "ask %lu: fds %d, were %d", ask,
                  now.fds, before->fds);
    ck_assert_msg(now.blocks == before->blocks, "ask %lu: blocks %ld, were %ld",
                  ask, now.blocks, before->blocks);
    ck_assert_msg(now.altstack == before->altstack,
                  "ask %lu: the alternate stack stays", ask);
    ck_assert_msg(now.on_segv == before->on_segv, "ask %lu: SIGSEGV", ask);
    ck_assert_msg(now.on_int == before->on_int, "ask %lu: SIGINT", ask);
}

/* What an exhausted system says, and what follows from it. */
static bool is_clean(int err)
{
    static const int clean[] = {
        ENOMEM, EMFILE, EAGAIN, EIO, EBADF, EINVAL, ECHILD, ECANCELED,
        ESHUTDOWN,
        /* of files and names */
        EACCES, EPERM, ENODATA, ENOSPC, ASYNCIO_EAI_AGAIN,
        /* of sockets */
        ENOBUFS, EADDRINUSE, ENETUNREACH, ENOTCONN, ECONNRESET, EPIPE,
    };
    for (size_t i = 0; i < ARRAY_SIZE(clean); i++) {
        if (err == -clean[i])
            return true;
    }
    return err == 0;
}

/* Of address space; 0 where others map memory too: threads, tools. */
static long mapped_kib(void)
{
    if (is_under_tools() ||
        proc_kib("/proc/self/status", "Threads:") != 1)
        return 0;
    return proc_kib("/proc/self/status", "VmSize:");
}

/* Less than the smallest slab of stacks of the default size. */
enum { MAPPED_SLACK_KIB = 3 * 1024 };

static void fail_each(const char *name, int (*path)(void))
{
    struct leftovers before = leftovers_now();
    /* Threads that come and go leave nothing mapped beyond the first time. */
    mallopt(M_ARENA_MAX, 1);
    ck_assert_int_eq(path(), 0);
    long mapped = mapped_kib();
    unsigned long ask = 0, asks = 0;
    int err;
    do {
        ck_assert_uint_lt(++ask, ASKS_MAX);
        watch_begin(name, ask);
        fault_arm(FAULT_ANY, ask);
        err = path();
        asks = fault_disarm();
        watch_end();
        ck_assert_msg(is_clean(err), "ask %lu: %d (%s)", ask, err,
                      asyncio_errname(err));
        assert_left(&before, ask);
    } while (asks >= ask);
    ck_assert_int_le(mapped_kib(), mapped + MAPPED_SLACK_KIB);
    ck_assert_int_eq(err, 0);
}

/* So long that the loop must wait, and no longer. */
static UNUSED const double nap_seconds = 0.0002;

/* A test whose body is a run that returns 0 or a negative error. */
#define FAILING(name)                                                          \
    static int name##_run(void);                                               \
    START_TEST(name)                                                           \
    {                                                                          \
        fail_each(#name, name##_run);                                          \
    }                                                                          \
    END_TEST                                                                   \
    static int name##_run(void)

#endif
