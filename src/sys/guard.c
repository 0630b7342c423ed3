/* SPDX-License-Identifier: MIT */
/*
 * Guards: ranges that fault at a touch.
 *
 * MADV_GUARD_INSTALL (Linux 6.13) marks page-table entries and leaves the
 * mapping whole, so a million of them fit where mprotect, which splits the
 * mapping twice per guard, ends at vm.max_map_count with stack 32,753.
 * process_madvise takes many ranges in one call; on one's own process it
 * takes this advice from 6.14 on.
 *
 * None of this is asked of the kernel's version. Emulators (qemu-user, some
 * sandboxes) accept the advice and do nothing, so the first range that was
 * advised is touched by the kernel on our behalf: a futex call that reads a
 * word there must say -EFAULT.
 */
#include "sys/internal.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ADVICE_GUARD_INSTALL 102 /* MADV_GUARD_INSTALL */
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

/* Short, since a task that starts another may stand on a small stack. */
#define BATCH_RANGES 32
/* Under this many a batch is not worth its descriptor: 1.1 us a guard one by
 * one, 20 us for the first batch of a process. */
#define BATCH_WORTH 16

enum mechanism {
    UNKNOWN,                     /* nobody has needed a guard yet */
    BATCHED,                     /* process_madvise; what fails goes ADVISED */
    ADVISED,                     /* madvise, range by range */
    PROTECTED,                   /* mprotect */
};

/* Found once per process. Two threads may find it at the same time; they
 * find the same. */
static _Atomic int mechanism;

void sys_guard_force_mprotect(bool force)
{
    atomic_store(&mechanism, force ? PROTECTED : UNKNOWN);
}

/* Guards `count` ranges, one call each. */
static int guard_each(int how, char *first, size_t len, size_t stride,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *range = first + i * stride;
        int err = how == PROTECTED
                      ? mprotect(range, len, PROT_NONE)
                      : madvise(range, len, ADVICE_GUARD_INSTALL);
        if (err < 0)
            return -errno;
    }
    return 0;
}

/* Whether the kernel faults at `word`, a word that holds zero: waiting there
 * for it to leave 1 never waits. */
static bool guard_is_felt(const void *word)
{
    return syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0) < 0 &&
           errno == EFAULT;
}

/* Guards the range and sees whether that has the effect it should have.
 * valgrind would not know of it, and faults word by word through every guard
 * when it looks for leaks (7 seconds for a hundred). */
static int guard_probe(char *range, size_t len)
{
    if (RUNNING_ON_VALGRIND ||
        madvise(range, len, ADVICE_GUARD_INSTALL) < 0 || !guard_is_felt(range))
        return PROTECTED;
    return BATCHED;
}

/* Returns how many ranges it guarded: all unless the kernel stopped early. */
static size_t guard_batch(int pidfd, char *first, size_t len, size_t stride,
                          size_t count)
{
    struct iovec ranges[BATCH_RANGES];
    for (size_t i = 0; i < count; i++)
        ranges[i] = (struct iovec){first + i * stride, len};
    ssize_t advised = syscall(SYS_process_madvise, pidfd, ranges, count,
                              ADVICE_GUARD_INSTALL, 0U);
    return advised < 0 ? 0 : (size_t)advised / len;
}

/* As many as go; the descriptor is opened anew each time, because one that
 * was kept would mean the parent after a fork. */
static size_t guard_batches(char *first, size_t len, size_t stride,
                            size_t count)
{
    size_t done = 0;
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0U);
    if (pidfd < 0)
        return 0;
    while (done < count) {
        size_t want = count - done;
        if (want > BATCH_RANGES)
            want = BATCH_RANGES;
        size_t got =
            guard_batch(pidfd, first + done * stride, len, stride, want);
        done += got;
        if (got < want)
            break;
    }
    close(pidfd);
    return done;
}

int sys_guard(void *first, size_t len, size_t stride, size_t count)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -ENOMEM;
    if (!count)
        return 0;
    char *range = first;
    int how = atomic_load_explicit(&mechanism, memory_order_relaxed);
    if (how == UNKNOWN) {
        how = guard_probe(range, len);
        atomic_store_explicit(&mechanism, how, memory_order_relaxed);
    }

    size_t done = 0;
    if (how == BATCHED && count >= BATCH_WORTH) {
        done = guard_batches(range, len, stride, count);
        if (done == 0)
            atomic_store_explicit(&mechanism, ADVISED, memory_order_relaxed);
    }
    if (how != PROTECTED) {
        int err = guard_each(ADVISED, range + done * stride, len, stride,
                             count - done);
        /* Memory locked in core refuses the advice, but can be protected. */
        if (err != -EINVAL)
            return err;
    }
    return guard_each(PROTECTED, range + done * stride, len, stride,
                      count - done);
}
