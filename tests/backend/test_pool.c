/* SPDX-License-Identifier: MIT */
/*
 * The pools alone: how many threads, who takes which job, and what becomes of
 * jobs that are withdrawn or abandoned.
 */
#include "suite.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "base/fault.h"
#include "base/rng.h"
#include "rig.h"
#include "sys/cpus.h"

static _Atomic bool gate_open;
static _Atomic int inside;
static _Atomic int runs;
static _Atomic int discarded;

static int count_run(void *arg)
{
    atomic_fetch_add(&runs, 1);
    return (int)(intptr_t)arg;
}

static int wait_at_gate(void *arg)
{
    (void)arg;
    atomic_fetch_add(&inside, 1);
    while (!atomic_load(&gate_open))
        sys_thread_sleep(100000);
    return 0;
}

static void note_discard(struct op *op)
{
    (void)op;
    atomic_fetch_add(&discarded, 1);
}

static struct mailbox *box;

static int submit_to(struct pool *pool, struct probe *probe,
                     int (*run)(void *), void *arg)
{
    probe_init(probe, OP_WORK, -1);
    probe->op.job.pool = pool;
    probe->op.job.run = run;
    probe->op.job.arg = arg;
    return pool_submit(pool, &probe->op, box);
}

static void collect(void)
{
    struct rig rig = {.box = box};
    rig_collect(&rig);
}

static void await_all(struct probe *probes, int count)
{
    for (int i = 0; i < count; i++) {
        while (!probes[i].done) {
            collect();
            sys_thread_sleep(50000);
        }
        ck_assert_int_eq(probes[i].done, 1);
    }
}

static void await_count(_Atomic int *counter, int value)
{
    while (atomic_load(counter) != value)
        sys_thread_sleep(100000);
}

static unsigned threads_of(struct pool *pool)
{
    unsigned threads, idle;
    pool_count(pool, &threads, &idle);
    ck_assert_uint_le(idle, threads);
    return threads;
}

static void await_idle(struct pool *pool)
{
    unsigned threads, idle;
    do {
        sys_thread_sleep(100000);
        pool_count(pool, &threads, &idle);
    } while (idle != threads);
}

START_TEST(results_come_home)
{
    enum { JOBS = 200 };
    static struct probe probes[JOBS];
    box = mailbox_new();
    for (intptr_t i = 0; i < JOBS; i++)
        ck_assert_int_eq(
            submit_to(&pool_files, &probes[i], count_run, (void *)-i), 0);
    await_all(probes, JOBS);
    for (int i = 0; i < JOBS; i++)
        ck_assert_int_eq(probes[i].op.result, -i);
    ck_assert_int_eq(atomic_load(&runs), JOBS);
    mailbox_unref(box);
}
END_TEST

static void check_bound(struct pool *pool, unsigned bound)
{
    enum { JOBS = 60 };
    static struct probe probes[JOBS];
    atomic_store(&gate_open, false);
    atomic_store(&inside, 0);
    for (int i = 0; i < JOBS; i++) {
        ck_assert_int_eq(submit_to(pool, &probes[i], wait_at_gate, NULL), 0);
        unsigned expected = (unsigned)i + 1 < bound ? (unsigned)i + 1 : bound;
        ck_assert_uint_eq(threads_of(pool), expected);
    }
    await_count(&inside, (int)bound);
    sys_thread_sleep(5 * MSEC);
    ck_assert_int_eq(atomic_load(&inside), (int)bound);
    atomic_store(&gate_open, true);
    await_all(probes, JOBS);
    ck_assert_int_eq(atomic_load(&inside), JOBS);
}

START_TEST(pools_grow_to_their_bounds)
{
    unsigned cpus = sys_cpu_count();
    box = mailbox_new();
    check_bound(&pool_files, 16);
    check_bound(&pool_names, 8);
    check_bound(&pool_tasks, cpus + 4 < 32 ? cpus + 4 : 32);
    mailbox_unref(box);
}
END_TEST

START_TEST(an_idle_thread_is_used_before_a_new_one)
{
    struct probe probe;
    box = mailbox_new();
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(submit_to(&pool_files, &probe, count_run, NULL), 0);
        await_all(&probe, 1);
        await_idle(&pool_files);
        ck_assert_uint_eq(threads_of(&pool_files), 1);
    }
    mailbox_unref(box);
}
END_TEST

START_TEST(idle_threads_end)
{
    struct probe probes[8];
    pool_idle_ns = 10 * MSEC;
    box = mailbox_new();
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 8; i++)
            submit_to(&pool_files, &probes[i], count_run, NULL);
        await_all(probes, 8);
        while (threads_of(&pool_files) > 0)
            sys_thread_sleep(MSEC);
    }
    mailbox_unref(box);
}
END_TEST

START_TEST(a_full_pool_does_not_fill_another)
{
    struct probe probes[30], probe;
    box = mailbox_new();
    for (int i = 0; i < 30; i++)
        submit_to(&pool_names, &probes[i], wait_at_gate, NULL);
    submit_to(&pool_files, &probe, count_run, NULL);
    await_all(&probe, 1);
    atomic_store(&gate_open, true);
    await_all(probes, 30);
    mailbox_unref(box);
}
END_TEST

/* ---- jobs that are not wanted any more ---- */

/* Occupies every thread of pool_names. */
static void stuff_pool(struct probe probes[8])
{
    for (int i = 0; i < 8; i++)
        submit_to(&pool_names, &probes[i], wait_at_gate, NULL);
    await_count(&inside, 8);
}

START_TEST(a_withdrawn_job_is_the_callers_again)
{
    struct probe stuffing[8], probe;
    box = mailbox_new();
    stuff_pool(stuffing);
    ck_assert(!pool_withdraw(&pool_names, &stuffing[0].op));
    submit_to(&pool_names, &probe, count_run, NULL);
    ck_assert(pool_withdraw(&pool_names, &probe.op));
    ck_assert(!pool_withdraw(&pool_names, &probe.op));
    ck_assert_int_eq(probe.op.state, OP_IDLE);
    submit_to(&pool_names, &probe, count_run, (void *)5);
    atomic_store(&gate_open, true);
    await_all(&probe, 1);
    ck_assert_int_eq(probe.op.result, 5);
    ck_assert_int_eq(atomic_load(&runs), 1);
    ck_assert(!pool_withdraw(&pool_names, &probe.op));
    await_all(stuffing, 8);
    mailbox_unref(box);
}
END_TEST

START_TEST(an_abandoned_job_is_discarded_when_it_returns)
{
    struct probe stuffing[8], probe;
    box = mailbox_new();
    stuff_pool(stuffing);
    ck_assert(pool_abandon(&pool_names, &stuffing[3].op, note_discard));
    /* One that nobody has begun is not begun any more. */
    submit_to(&pool_names, &probe, count_run, NULL);
    ck_assert(pool_abandon(&pool_names, &probe.op, note_discard));
    ck_assert(!pool_withdraw(&pool_names, &probe.op));
    sys_thread_sleep(2 * MSEC);
    ck_assert_int_eq(atomic_load(&discarded), 0);
    atomic_store(&gate_open, true);
    await_count(&discarded, 2);
    for (int i = 0; i < 8; i++)
        if (i != 3)
            await_all(&stuffing[i], 1);
    ck_assert_int_eq(stuffing[3].done, 0);
    ck_assert_int_eq(probe.done, 0);
    ck_assert_int_eq(atomic_load(&runs), 0);
    mailbox_unref(box);
}
END_TEST

START_TEST(a_returned_job_cannot_be_abandoned)
{
    struct probe probe;
    box = mailbox_new();
    submit_to(&pool_names, &probe, count_run, NULL);
    while (!mailbox_has_mail(box))
        sys_thread_sleep(MSEC);
    ck_assert(!pool_abandon(&pool_names, &probe.op, note_discard));
    await_all(&probe, 1);
    ck_assert_int_eq(atomic_load(&discarded), 0);
    mailbox_unref(box);
}
END_TEST

START_TEST(a_loop_that_has_ended_misses_nothing)
{
    struct probe *probe = calloc(1, sizeof(*probe));
    struct work_queue queue;
    work_queue_init(&queue);
    box = mailbox_new();
    submit_to(&pool_names, probe, wait_at_gate, NULL);
    await_count(&inside, 1);
    mailbox_close(box, &queue);
    mailbox_unref(box);
    atomic_store(&gate_open, true);
    await_idle(&pool_names);
    ck_assert_int_eq(probe->done, 0);
    free(probe);
}
END_TEST

/* ---- no threads ---- */

START_TEST(without_any_thread_the_answer_is_eagain)
{
    struct probe probe, second;
    box = mailbox_new();
    fault_arm(FAULT_SYSCALL, 1);
    ck_assert_int_eq(submit_to(&pool_names, &probe, count_run, NULL), -EAGAIN);
    fault_disarm();
    ck_assert_int_eq(probe.op.state, OP_IDLE);
    ck_assert_uint_eq(threads_of(&pool_names), 0);

    /* With one thread, though busy, it is a matter of waiting. */
    ck_assert_int_eq(submit_to(&pool_names, &probe, wait_at_gate, NULL), 0);
    await_count(&inside, 1);
    fault_arm(FAULT_SYSCALL, 1);
    ck_assert_int_eq(submit_to(&pool_names, &second, count_run, NULL), 0);
    ck_assert_uint_ge(fault_disarm(), 1);
    ck_assert_uint_eq(threads_of(&pool_names), 1);
    atomic_store(&gate_open, true);
    await_all(&second, 1);
    await_all(&probe, 1);
    mailbox_unref(box);
}
END_TEST

/* ---- many loops, random turns of mind ---- */

enum { LOOPS = 4, ROUNDS = 3000, BATCH = 16 };

static _Atomic int promised;     /* discards that were promised */

static void free_discarded(struct op *op)
{
    struct probe *probe = container_of(op, struct probe, op);
    ck_assert_int_eq(probe->done, 0);
    atomic_fetch_add(&discarded, 1);
    free(probe);
}

static int busy_a_little(void *arg)
{
    sys_thread_sleep((uint64_t)(uintptr_t)arg);
    return (int)(intptr_t)arg;
}

/* Leaves it be, withdraws or abandons it; NULL when it is not ours any more. */
static struct probe *change_mind(struct rng *rng, struct probe *item)
{
    uint64_t choice = rng_below(rng, 4);
    struct op *op = &item->op;
    if (choice == 0 && pool_withdraw(&pool_files, op)) {
        free(item);
        return NULL;
    }
    if (choice == 1 && pool_abandon(&pool_files, op, free_discarded)) {
        atomic_fetch_add(&promised, 1);
        return NULL;
    }
    return item;
}

static void one_batch(struct rng *rng, struct rig *rig)
{
    struct probe *items[BATCH];
    for (int i = 0; i < BATCH; i++) {
        items[i] = calloc(1, sizeof(*items[i]));
        probe_init(items[i], OP_WORK, -1);
        items[i]->op.job.run = busy_a_little;
        items[i]->op.job.arg = (void *)(uintptr_t)rng_below(rng, 20000);
        ck_assert_int_eq(
            pool_submit(&pool_files, &items[i]->op, rig->box), 0);
    }
    for (int i = 0; i < BATCH; i++)
        items[i] = change_mind(rng, items[i]);
    for (int i = 0; i < BATCH; i++) {
        while (items[i] && !items[i]->done) {
            rig_collect(rig);
            sys_thread_sleep(5000);
        }
        free(items[i]);
    }
}

static void *submit_at_random(void *arg)
{
    struct rig rig = {.box = mailbox_new()};
    struct rng rng;
    rng_seed(&rng, (uint64_t)(uintptr_t)arg);
    for (int i = 0; i < ROUNDS / BATCH; i++)
        one_batch(&rng, &rig);
    mailbox_unref(rig.box);
    return NULL;
}

START_TEST(random_changes_of_mind)
{
    pthread_t threads[LOOPS];
    for (uintptr_t i = 0; i < LOOPS; i++)
        pthread_create(&threads[i], NULL, submit_at_random, (void *)i);
    for (int i = 0; i < LOOPS; i++)
        pthread_join(threads[i], NULL);
    await_idle(&pool_files);
    ck_assert_int_gt(atomic_load(&promised), 0);
    ck_assert_int_eq(atomic_load(&discarded), atomic_load(&promised));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("pool");
    suite_case(suite, results_come_home);
    suite_case(suite, pools_grow_to_their_bounds);
    suite_case(suite, an_idle_thread_is_used_before_a_new_one);
    suite_case(suite, idle_threads_end);
    suite_case(suite, a_full_pool_does_not_fill_another);
    suite_case(suite, a_withdrawn_job_is_the_callers_again);
    suite_case(suite, an_abandoned_job_is_discarded_when_it_returns);
    suite_case(suite, a_returned_job_cannot_be_abandoned);
    suite_case(suite, a_loop_that_has_ended_misses_nothing);
    suite_case(suite, without_any_thread_the_answer_is_eagain);
    suite_case(suite, random_changes_of_mind);
    return suite;
}
