/* SPDX-License-Identifier: MIT */
/*
 * What the tests of this layer share: a mailbox and a back end with the little
 * of an engine that they need, and an op that counts how often it was done.
 */
#pragma once

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/backend.h"
#include "backend/op_class.h"
#include "backend/pool.h"
#include "base/mem.h"
#include "sys/sys.h"
#ifdef HAVE_LIBURING
#include "backend/uring_calls.h"
#endif

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAVE_THREAD_SANITIZER 1
#endif
#endif

#define MSEC NSEC_PER_MSEC
/* Longer than anything here takes, shorter than the case's limit. */
#define LONG_NS (20 * NSEC_PER_SEC)

struct rig {
    struct mailbox *box;
    struct backend *backend;
};

struct probe {
    struct op op;
    int done;                    /* how often; only 1 is right, once ended */
    unsigned order;              /* when, among all of the process */
};

/* ---- the back ends that run the same bodies ---- */

static const char *const rig_names[] = {
    "epoll", "uring", "uring-coop", "uring-plain",
};

#define RIG_COUNT ((int)ARRAY_SIZE(rig_names))

static inline int rig_try_open(struct rig *rig, const char *name)
{
    /* A write to a pipe that nobody reads must be an error, no death. */
    signal(SIGPIPE, SIG_IGN);
    rig->box = mailbox_new();
    ck_assert_ptr_nonnull(rig->box);
    int err = -ENOSYS;
    if (strcmp(name, "epoll") == 0) {
        err = backend_epoll_open(rig->box, &rig->backend);
    } else {
#ifdef HAVE_LIBURING
        ring_setups_skipped = strcmp(name, "uring-plain") == 0  ? 2
                              : strcmp(name, "uring-coop") == 0 ? 1
                                                                : 0;
#endif
        err = backend_uring_open(rig->box, &rig->backend);
    }
    if (err < 0)
        mailbox_unref(rig->box);
    return err;
}

/* False, with a word, where the kernel has no such thing: then it is not
 * tested, which is no failure. */
static inline bool rig_open(struct rig *rig, int index)
{
    int err = rig_try_open(rig, rig_names[index]);
    if (err < 0)
        fprintf(stderr, "%s cannot be had here: %s\n", rig_names[index],
                strerror(-err));
    ck_assert(err == 0 || index > 0);
    return err == 0;
}

static inline int rig_collect(struct rig *rig)
{
    struct work_queue queue;
    work_queue_init(&queue);
    mailbox_collect(rig->box, &queue);
    int count = 0;
    for (; !work_queue_is_empty(&queue); count++) {
        struct work *work = work_queue_pop(&queue);
        work->run(work);
    }
    return count;
}

/* One sleep as the engine has it. Returns what ended and was posted, or
 * negative. */
static inline int rig_wait(struct rig *rig, uint64_t timeout_ns)
{
    if (!mailbox_will_sleep(rig->box))
        timeout_ns = 0;
    int ended = rig->backend->class->wait(rig->backend, timeout_ns);
    mailbox_woke(rig->box);
    int posted = rig_collect(rig);
    /* As the engine does each turn; and it is here that the thread sanitizer
     * delivers signals, which it keeps back from where they came. */
    sys_now_ns();
    return ended < 0 && posted == 0 ? ended : (ended < 0 ? 0 : ended) + posted;
}

static inline void rig_close(struct rig *rig)
{
    ck_assert_uint_eq(rig->backend->in_flight, 0);
    rig->backend->class->close(rig->backend);
    struct work_queue queue;
    work_queue_init(&queue);
    mailbox_close(rig->box, &queue);
    ck_assert(work_queue_is_empty(&queue));
    mailbox_unref(rig->box);
}

/* ---- ops ---- */

static inline void probe_done(struct op *op)
{
    static _Atomic unsigned clock;
    struct probe *probe = container_of(op, struct probe, op);
    ck_assert_int_eq(op->state, OP_IDLE);
    probe->done++;
    probe->order = atomic_fetch_add(&clock, 1);
}

static inline void probe_init(struct probe *probe, enum op_kind kind, int fd)
{
    memset(probe, 0, sizeof(*probe));
    probe->op.kind = kind;
    probe->op.fd = fd;
    probe->op.done = probe_done;
}

static inline bool submit(struct rig *rig, struct probe *probe)
{
    probe->done = 0;
    if (!rig->backend->class->submit(rig->backend, &probe->op)) {
        ck_assert_int_eq(probe->done, 0);
        ck_assert_int_eq(probe->op.state, OP_IN_FLIGHT);
        return false;
    }
    ck_assert_int_eq(probe->op.state, OP_IDLE);
    probe_done(&probe->op);
    return true;
}

static inline bool submit_poll(struct rig *rig, struct probe *probe, int fd,
                               unsigned events)
{
    probe_init(probe, OP_POLL, fd);
    probe->op.events = events;
    return submit(rig, probe);
}

static inline bool submit_read(struct rig *rig, struct probe *probe, int fd,
                               void *buf, size_t len)
{
    probe_init(probe, OP_READ, fd);
    probe->op.io.buf = buf;
    probe->op.io.len = len;
    return submit(rig, probe);
}

static inline bool submit_write(struct rig *rig, struct probe *probe, int fd,
                                void *buf, size_t len)
{
    probe_init(probe, OP_WRITE, fd);
    probe->op.io.buf = buf;
    probe->op.io.len = len;
    return submit(rig, probe);
}

static inline bool submit_work(struct rig *rig, struct probe *probe,
                               int (*run)(void *), void *arg)
{
    probe_init(probe, OP_WORK, -1);
    probe->op.job.run = run;
    probe->op.job.arg = arg;
    probe->op.job.pool = &pool_tasks;
    return submit(rig, probe);
}

static inline void cancel(struct rig *rig, struct probe *probe)
{
    int done = probe->done;
    rig->backend->class->cancel(rig->backend, &probe->op);
    ck_assert_int_eq(probe->done, done);
}

/* Sleeps until it is done; what it came to. */
static inline ssize_t finish(struct rig *rig, struct probe *probe)
{
    uint64_t limit_ns = sys_now_ns() + LONG_NS;
    while (!probe->done && sys_now_ns() < limit_ns)
        rig_wait(rig, LONG_NS);
    ck_assert_int_eq(probe->done, 1);
    return probe->op.result;
}

/* Looks several times: nothing may come of it. */
static inline void expect_waiting(struct rig *rig, struct probe *probe)
{
    for (int i = 0; i < 3; i++)
        rig_wait(rig, 0);
    rig_wait(rig, 2 * MSEC);
    ck_assert_int_eq(probe->done, 0);
}

/* ---- descriptors ---- */

static inline void pair_open(int fds[2])
{
    int err = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                         fds);
    ck_assert_int_eq(err, 0);
}

static inline void pipe_open(int fds[2])
{
    ck_assert_int_eq(sys_pipe(fds), 0);
}

static inline void both_close(int fds[2])
{
    sys_close(fds[0]);
    sys_close(fds[1]);
}

static inline void set_blocking(int fd)
{
    ck_assert_int_eq(fcntl(fd, F_SETFL, 0), 0);
}

/* Writes until it would block; returns how much that was. */
static inline size_t fill(int fd)
{
    static char zeros[65536];
    size_t total = 0;
    ssize_t len;
    while ((len = write(fd, zeros, sizeof(zeros))) > 0)
        total += (size_t)len;
    while ((len = write(fd, zeros, 1)) > 0)
        total += (size_t)len;
    return total;
}

/* Reads until it would block. */
static inline size_t drain(int fd)
{
    static char bytes[65536];
    size_t total = 0;
    ssize_t len;
    while ((len = read(fd, bytes, sizeof(bytes))) > 0)
        total += (size_t)len;
    return total;
}

/* ---- a suite ---- */

/* Adds one case that runs once for each of rig_names, with the index in _i. */
static inline void case_per_back_end(Suite *suite, const TTest *test)
{
    TCase *tcase = tcase_create(test->name);
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, test, 0, RIG_COUNT);
    suite_add_tcase(suite, tcase);
}
