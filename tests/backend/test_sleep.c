/* SPDX-License-Identifier: MIT */
/*
 * Waiting: its limit, its wake-ups by posts and signals, blocking jobs that
 * come home, and what a fork's child does with a back end.
 */
#include "suite.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "base/rng.h"
#include "rig.h"

START_TEST(a_limit_is_kept)
{
    static const uint64_t limits[] = {1, 300000, 5 * MSEC, 30 * MSEC};
    struct rig rig;
    if (!rig_open(&rig, _i))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        uint64_t start_ns = sys_now_ns();
        uint64_t slept_ns = 0;
        /* It may come back early, never late. */
        while (slept_ns < limits[i]) {
            ck_assert_int_eq(rig_wait(&rig, limits[i] - slept_ns), 0);
            slept_ns = sys_now_ns() - start_ns;
        }
        ck_assert_uint_lt(slept_ns, limits[i] + 2 * NSEC_PER_SEC);
    }
    rig_close(&rig);
}
END_TEST

START_TEST(a_look_does_not_wait)
{
    struct rig rig;
    struct probe probe;
    int fds[2];
    if (!rig_open(&rig, _i))
        return;
    ck_assert(!rig.backend->class->may_have_completions(rig.backend));
    ck_assert_int_eq(rig_wait(&rig, 0), 0);
    pipe_open(fds);
    submit_poll(&rig, &probe, fds[0], POLLIN);
    ck_assert(rig.backend->class->may_have_completions(rig.backend));
    ck_assert_int_eq(rig_wait(&rig, 0), 0);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    ck_assert(rig.backend->class->may_have_completions(rig.backend));
    ck_assert_int_eq(rig_wait(&rig, 0), 1);
    ck_assert(!rig.backend->class->may_have_completions(rig.backend));
    both_close(fds);
    rig_close(&rig);
}
END_TEST

START_TEST(the_clock_runs)
{
    struct rig rig;
    if (!rig_open(&rig, _i))
        return;
    uint64_t before_ns = sys_now_ns();
    uint64_t now_ns = rig.backend->class->now_ns(rig.backend);
    ck_assert_uint_ge(now_ns, before_ns);
    ck_assert_uint_le(now_ns, sys_now_ns());
    rig_close(&rig);
}
END_TEST

/* ---- posts ---- */

struct posted {
    struct work work;
    _Atomic int runs;
};

struct poster {
    struct mailbox *box;
    struct posted items[300];
};

static void count_run(struct work *work)
{
    atomic_fetch_add(&container_of(work, struct posted, work)->runs, 1);
}

/* Each post waits until the one before was taken, so that each has to wake. */
static void *post_one_by_one(void *arg)
{
    struct poster *poster = arg;
    struct rng rng;
    rng_seed(&rng, 5);
    for (size_t i = 0; i < ARRAY_SIZE(poster->items); i++) {
        struct posted *item = &poster->items[i];
        item->work.run = count_run;
        if (mailbox_post(poster->box, &item->work) < 0)
            return (void *)1;
        while (!atomic_load(&item->runs))
            sys_thread_sleep(1000);
        sys_thread_sleep(rng_below(&rng, 40000));
    }
    mailbox_unref(poster->box);
    return NULL;
}

START_TEST(posts_wake_a_sleeper_every_time)
{
    static struct poster poster;
    struct rig rig;
    pthread_t thread;
    void *failed;
    if (!rig_open(&rig, _i))
        return;
    poster.box = mailbox_ref(rig.box);
    pthread_create(&thread, NULL, post_one_by_one, &poster);
    size_t last = ARRAY_SIZE(poster.items) - 1;
    while (!atomic_load(&poster.items[last].runs)) {
        uint64_t start_ns = sys_now_ns();
        rig_wait(&rig, NSEC_NEVER);
        ck_assert_uint_lt(sys_now_ns() - start_ns, LONG_NS);
    }
    pthread_join(thread, &failed);
    ck_assert_ptr_null(failed);
    rig_close(&rig);
}
END_TEST

/* ---- signals ---- */

static struct mailbox *signalled_box;

static void tell_mailbox(int signo)
{
    mailbox_post_signal(signalled_box, signo);
}

static void ignore_signal(int signo)
{
    (void)signo;
}

static void alarm_in_ms(long ms)
{
    struct itimerval timer = {.it_value = {.tv_usec = ms * 1000}};
    ck_assert_int_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

START_TEST(a_signal_wakes)
{
    struct rig rig;
    if (!rig_open(&rig, _i))
        return;
    signalled_box = rig.box;
    struct sigaction action = {.sa_handler = tell_mailbox,
                               .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    alarm_in_ms(20);
    uint64_t signals;
    while ((signals = mailbox_collect_signals(rig.box)) == 0)
        rig_wait(&rig, NSEC_NEVER);
    ck_assert_uint_eq(signals, UINT64_C(1) << (SIGALRM - 1));
    rig_close(&rig);
}
END_TEST

START_TEST(an_interrupted_sleep_says_so)
{
    struct rig rig;
    struct probe probe;
    int fds[2];
    if (!rig_open(&rig, _i))
        return;
    pipe_open(fds);
    submit_poll(&rig, &probe, fds[0], POLLIN);
    rig_wait(&rig, 0);
    rig_wait(&rig, MSEC);        /* the wake-up is armed */
    struct sigaction action = {.sa_handler = ignore_signal};
    sigaction(SIGALRM, &action, NULL);
    alarm_in_ms(20);
    ck_assert_int_eq(rig_wait(&rig, LONG_NS), -EINTR);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    ck_assert_int_eq(finish(&rig, &probe), POLLIN);
    both_close(fds);
    rig_close(&rig);
}
END_TEST

/* ---- blocking jobs ---- */

static int seven(void *arg)
{
    *(int *)arg = sys_thread_id();
    return 7;
}

START_TEST(blocking_work_runs_on_another_thread)
{
    struct rig rig;
    struct probe probe;
    int thread_id = 0;
    if (!rig_open(&rig, _i))
        return;
    ck_assert(!submit_work(&rig, &probe, seven, &thread_id));
    ck_assert_uint_eq(rig.backend->in_flight, 1);
    ck_assert_int_eq(finish(&rig, &probe), 7);
    ck_assert_int_ne(thread_id, sys_thread_id());
    rig_close(&rig);
}
END_TEST

static _Atomic bool gate_open;
static _Atomic int inside;
static _Atomic int discarded;

static int wait_at_gate(void *arg)
{
    atomic_fetch_add(&inside, 1);
    while (!atomic_load(&gate_open))
        sys_thread_sleep(100000);
    atomic_fetch_sub(&inside, 1);
    return (int)(intptr_t)arg;
}

static void note_discard(struct op *op)
{
    (void)op;
    atomic_fetch_add(&discarded, 1);
}

START_TEST(only_queued_work_is_withdrawn)
{
    enum { JOBS = 60 };          /* more than the pool has threads */
    static struct probe probes[JOBS];
    struct rig rig;
    if (!rig_open(&rig, _i))
        return;
    for (intptr_t i = 0; i < JOBS; i++)
        submit_work(&rig, &probes[i], wait_at_gate, (void *)i);
    while (atomic_load(&inside) < 5)
        sys_thread_sleep(MSEC);
    cancel(&rig, &probes[0]);
    cancel(&rig, &probes[JOBS - 1]);
    cancel(&rig, &probes[JOBS - 1]);
    ck_assert_int_eq(finish(&rig, &probes[JOBS - 1]), -ECANCELED);
    expect_waiting(&rig, &probes[0]);
    atomic_store(&gate_open, true);
    for (int i = 0; i < JOBS - 1; i++)
        ck_assert_int_eq(finish(&rig, &probes[i]), i);
    rig_close(&rig);
}
END_TEST

START_TEST(abandoned_work_is_discarded_once)
{
    static struct probe probe, quick;
    struct rig rig;
    int thread_id;
    if (!rig_open(&rig, _i))
        return;
    submit_work(&rig, &probe, wait_at_gate, NULL);
    while (atomic_load(&inside) == 0)
        sys_thread_sleep(MSEC);
    ck_assert(rig.backend->class->abandon(rig.backend, &probe.op,
                                          note_discard));
    ck_assert_uint_eq(rig.backend->in_flight, 0);
    ck_assert_int_eq(atomic_load(&discarded), 0);

    /* Too late for one that has returned. */
    submit_work(&rig, &quick, seven, &thread_id);
    while (!mailbox_has_mail(rig.box))
        sys_thread_sleep(MSEC);
    ck_assert(!rig.backend->class->abandon(rig.backend, &quick.op,
                                           note_discard));
    ck_assert_int_eq(finish(&rig, &quick), 7);

    /* The loop may end before the job does. */
    rig_close(&rig);
    atomic_store(&gate_open, true);
    while (atomic_load(&discarded) == 0)
        sys_thread_sleep(MSEC);
    ck_assert_int_eq(probe.done, 0);
    ck_assert_int_eq(atomic_load(&discarded), 1);
}
END_TEST

/* ---- fork ---- */

static int child_of_fork(struct rig *rig)
{
    rig->backend->class->poison(rig->backend);
    mailbox_poison(rig->box);
    pool_reset_after_fork();
    struct work work = {0};
    if (mailbox_post(rig->box, &work) != -ESHUTDOWN)
        return 1;
    mailbox_unref(rig->box);
#ifdef HAVE_THREAD_SANITIZER
    return 0;                    /* it has no threads after a fork */
#endif
    struct rig own;
    struct probe probe;
    int thread_id;
    if (rig_try_open(&own, "epoll") < 0)
        return 2;
    submit_work(&own, &probe, seven, &thread_id);
    if (finish(&own, &probe) != 7)
        return 3;
    rig_close(&own);
    return 0;
}

START_TEST(a_fork_leaves_the_parent_alone)
{
    struct rig rig;
    struct probe probe, work;
    int fds[2], status, thread_id;
    if (!rig_open(&rig, _i))
        return;
    pipe_open(fds);
    submit_work(&rig, &work, seven, &thread_id);
    ck_assert_int_eq(finish(&rig, &work), 7);
    submit_poll(&rig, &probe, fds[0], POLLIN);
    expect_waiting(&rig, &probe);
    pool_before_fork();
    pid_t pid = fork();
    if (pid == 0)
        _exit(child_of_fork(&rig));
    pool_after_fork_in_parent();
    ck_assert_int_ge(pid, 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    expect_waiting(&rig, &probe);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    ck_assert_int_eq(finish(&rig, &probe), POLLIN);
    submit_work(&rig, &work, seven, &thread_id);
    ck_assert_int_eq(finish(&rig, &work), 7);
    both_close(fds);
    rig_close(&rig);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("sleep");
    case_per_back_end(suite, a_limit_is_kept);
    case_per_back_end(suite, a_look_does_not_wait);
    case_per_back_end(suite, the_clock_runs);
    case_per_back_end(suite, posts_wake_a_sleeper_every_time);
    case_per_back_end(suite, a_signal_wakes);
    case_per_back_end(suite, an_interrupted_sleep_says_so);
    case_per_back_end(suite, blocking_work_runs_on_another_thread);
    case_per_back_end(suite, only_queued_work_is_withdrawn);
    case_per_back_end(suite, abandoned_work_is_discarded_once);
    case_per_back_end(suite, a_fork_leaves_the_parent_alone);
    return suite;
}
