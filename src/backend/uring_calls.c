/* SPDX-License-Identifier: MIT */
/*
 * Everything that enters the kernel for a ring: making one and finding out
 * whether it is one to work with, sending, looking, sleeping.
 *
 * A ring may be missing (an old kernel), forbidden (seccomp, the sysctl
 * kernel.io_uring_disabled: EPERM, ENOSYS, EACCES) or too dear (RLIMIT_MEMLOCK
 * before Linux 5.12: ENOMEM). It is all one to the caller, who has epoll.
 */
#include "backend/uring_calls.h"

#include <errno.h>
#include <poll.h>

#include "base/fault.h"
#include "sys/nap.h"

enum {
    SQ_ENTRIES = 64,
    CQ_ENTRIES = 512,            /* more than these: the kernel keeps the rest
                                  * (FEAT_NODROP) and says CQ_OVERFLOW */
};

/* Best first; an older kernel says EINVAL to a flag that it does not know.
 * Measured: only the first row beats epoll, the others are there to work. */
static const unsigned setups[] = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
        IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
        IORING_SETUP_SUBMIT_ALL,
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    0,
};

unsigned ring_setups_skipped;

/* To valgrind a thread in io_uring_enter is one that runs, and no other gets
 * its turn; the thread sanitizer keeps signals back until a call that it
 * knows. Both know poll, and under them the ring's descriptor is polled. But
 * the kernel wakes a poll for work that is deferred only when its time is
 * over (seen with Linux 6.18): there, a ring without DEFER_TASKRUN. */
static bool sleeps_by_poll(void)
{
    return IS_UNDER_TSAN || IS_UNDER_VALGRIND;
}

static size_t first_setup(void)
{
    return ring_setups_skipped == 0 && sleeps_by_poll() ? 1
                                                        : ring_setups_skipped;
}

static int ring_setup(struct io_uring *ring)
{
    int err = -EINVAL;
    for (size_t i = first_setup(); i < ARRAY_SIZE(setups); i++) {
        struct io_uring_params params = {
            .flags = setups[i] | IORING_SETUP_CQSIZE,
            .cq_entries = CQ_ENTRIES,
        };
        if (fault_strikes(FAULT_SYSCALL))
            return -ENOMEM;
        err = io_uring_queue_init_params(SQ_ENTRIES, ring, &params);
        if (err != -EINVAL)
            break;
    }
    return err;
}

/* Can this kernel's ring do all that we ask of it? Never its version. */
static int ring_probe(struct io_uring *ring)
{
    static const unsigned features = IORING_FEAT_NODROP |
                                     IORING_FEAT_EXT_ARG |
                                     IORING_FEAT_RW_CUR_POS;
    static const int opcodes[] = {
        IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL,
        IORING_OP_READ, IORING_OP_WRITE,
    };
    union {
        struct io_uring_probe head;
        char room[sizeof(struct io_uring_probe) +
                  IORING_OP_LAST * sizeof(struct io_uring_probe_op)];
    } probe = {.room = {0}};

    if ((ring->features & features) != features)
        return -ENOSYS;
    if (fault_strikes(FAULT_SYSCALL))
        return -ENOMEM;
    int err = io_uring_register_probe(ring, &probe.head, IORING_OP_LAST);
    if (err < 0)
        return err;
    for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++)
        if (!io_uring_opcode_supported(&probe.head, opcodes[i]))
            return -ENOSYS;
    return 0;
}

int ring_open(struct io_uring *ring)
{
    int err = ring_setup(ring);
    if (err < 0)
        return err;
    err = ring_probe(ring);
    if (err < 0)
        io_uring_queue_exit(ring);
    return err;
}

bool ring_refuses_polls;

void ring_prepare_polls(struct io_uring_sqe *sqe, int fd, unsigned events)
{
    static const unsigned unknown_flag = 1u << 31;
    io_uring_prep_poll_multishot(sqe, fd, events);
    if (unlikely(ring_refuses_polls))
        sqe->len |= unknown_flag;
}

bool ring_has_news(struct io_uring *ring)
{
    unsigned flags = IO_URING_READ_ONCE(*ring->sq.kflags);
    return flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

int ring_submit(struct io_uring *ring)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EAGAIN;
    return io_uring_submit(ring);
}

int ring_look(struct io_uring *ring)
{
    if (io_uring_sq_ready(ring) == 0 && !ring_has_news(ring))
        return 0;
    if (fault_strikes(FAULT_SYSCALL))
        return -EAGAIN;
    return io_uring_submit_and_get_events(ring);
}

/* Far enough for ever, and far from what overflows. */
static const uint64_t ring_for_ever_s = UINT64_C(100) * 365 * 86400;

static int ring_nap(struct io_uring *ring, uint64_t timeout_ns)
{
    int err = io_uring_submit_and_get_events(ring);
    if (err < 0 || io_uring_cq_ready(ring) > 0)
        return err;
    err = sys_nap(ring->ring_fd, POLLIN, timeout_ns);
    if (err < 0)
        return err;
    return io_uring_get_events(ring);
}

int ring_sleep(struct io_uring *ring, uint64_t timeout_ns)
{
    struct __kernel_timespec limit = {
        .tv_sec = (int64_t)(timeout_ns / NSEC_PER_SEC),
        .tv_nsec = (int64_t)(timeout_ns % NSEC_PER_SEC),
    };
    /* Without any limit liburing would go back to sleep by itself after a
     * signal that came when it had submitted something. */
    if (timeout_ns == NSEC_NEVER)
        limit.tv_sec = (int64_t)ring_for_ever_s;
    struct io_uring_cqe *first;
    if (fault_strikes(FAULT_SYSCALL))
        return -EAGAIN;
    if (sleeps_by_poll())
        return ring_nap(ring, timeout_ns);
    int err = io_uring_submit_and_wait_timeout(ring, &first, 1, &limit, NULL);
    return err == -ETIME ? 0 : err;
}
