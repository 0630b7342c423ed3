/* SPDX-License-Identifier: MIT */
/*
 * The simulation's back end: its clock, its seeded order, its dead ends.
 */
#include "suite.h"

#include <poll.h>

#include "rig.h"

enum { JOBS = 30 };

static void sim_open(struct rig *rig, uint64_t seed)
{
    rig->box = mailbox_new();
    ck_assert_int_eq(backend_sim_open(rig->box, seed, &rig->backend), 0);
}

static uint64_t now(struct rig *rig)
{
    return rig->backend->class->now_ns(rig->backend);
}

START_TEST(the_clock_starts_where_it_always_does)
{
    struct rig one, two;
    sim_open(&one, 1);
    sys_thread_sleep(2 * MSEC);
    sim_open(&two, 2);
    ck_assert_uint_eq(now(&one), now(&two));
    ck_assert_uint_gt(now(&one), 0);
    rig_close(&one);
    rig_close(&two);
}
END_TEST

START_TEST(an_hour_takes_no_time)
{
    struct rig rig;
    sim_open(&rig, 1);
    uint64_t start_ns = now(&rig), real_ns = sys_now_ns();
    ck_assert_int_eq(rig_wait(&rig, 0), 0);
    ck_assert_uint_eq(now(&rig), start_ns);
    ck_assert_int_eq(rig_wait(&rig, 3600 * NSEC_PER_SEC), 0);
    ck_assert_uint_eq(now(&rig), start_ns + 3600 * NSEC_PER_SEC);
    ck_assert_uint_lt(sys_now_ns() - real_ns, NSEC_PER_SEC);
    rig_close(&rig);
}
END_TEST

static int zero(void *arg)
{
    (void)arg;
    return 0;
}

START_TEST(nothing_to_wait_for_is_a_deadlock)
{
    struct rig rig;
    struct probe probe;
    sim_open(&rig, 1);
    ck_assert_int_eq(rig_wait(&rig, NSEC_NEVER), -EDEADLK);

    /* Somebody has posted: that is something. */
    struct work work = {0};
    mailbox_post(rig.box, &work);
    ck_assert_int_eq(
        rig.backend->class->wait(rig.backend, NSEC_NEVER), 0);
    struct work_queue queue;
    work_queue_init(&queue);
    mailbox_collect(rig.box, &queue);

    submit_work(&rig, &probe, zero, NULL);
    ck_assert_int_eq(finish(&rig, &probe), 0);
    rig_close(&rig);
}
END_TEST

START_TEST(mail_stops_the_clock)
{
    struct rig rig;
    struct work work = {0};
    sim_open(&rig, 1);
    uint64_t start_ns = now(&rig);
    mailbox_post(rig.box, &work);
    ck_assert_int_eq(
        rig.backend->class->wait(rig.backend, 5 * NSEC_PER_SEC), 0);
    ck_assert_uint_eq(now(&rig), start_ns);
    struct work_queue queue;
    work_queue_init(&queue);
    mailbox_collect(rig.box, &queue);
    rig_close(&rig);
}
END_TEST

START_TEST(real_descriptors_are_outside)
{
    struct rig rig;
    struct probe probe;
    char byte = 0;
    int fds[2];
    sim_open(&rig, 1);
    pipe_open(fds);
    submit_poll(&rig, &probe, fds[1], POLLOUT);
    ck_assert_int_eq(finish(&rig, &probe), -ENOTSUP);
    submit_read(&rig, &probe, fds[0], &byte, 1);
    ck_assert_int_eq(finish(&rig, &probe), -ENOTSUP);
    submit_write(&rig, &probe, fds[1], &byte, 1);
    ck_assert_int_eq(finish(&rig, &probe), -ENOTSUP);
    both_close(fds);
    rig_close(&rig);
}
END_TEST

/* ---- blocking functions ---- */

static struct {
    int order[JOBS];
    uint64_t ended_ns[JOBS];
    int count;
} tale;

static struct rig *tale_rig;

static int tell(void *arg)
{
    tale.ended_ns[tale.count] = now(tale_rig);
    tale.order[tale.count++] = (int)(intptr_t)arg;
    return (int)(intptr_t)arg;
}

/* A crowd of jobs, some of them cancelled. */
static void run_tale(uint64_t seed)
{
    static struct probe probes[JOBS];
    struct rig rig;
    memset(&tale, 0, sizeof(tale));
    sim_open(&rig, seed);
    tale_rig = &rig;
    for (intptr_t i = 0; i < JOBS; i++)
        ck_assert(!submit_work(&rig, &probes[i], tell, (void *)i));
    ck_assert_uint_eq(rig.backend->in_flight, JOBS);
    for (int i = 0; i < JOBS; i += 5)
        cancel(&rig, &probes[i]);
    for (int i = 0; i < JOBS; i++) {
        ssize_t result = finish(&rig, &probes[i]);
        ck_assert(result == i || (i % 5 == 0 && result == -ECANCELED));
    }
    rig_close(&rig);
}

START_TEST(one_seed_one_order)
{
    typeof(tale) first;
    run_tale(42);
    memcpy(&first, &tale, sizeof(first));
    run_tale(42);
    ck_assert_int_eq(memcmp(&first, &tale, sizeof(tale)), 0);
    ck_assert_int_lt(tale.count, JOBS);   /* some were withdrawn ... */
    ck_assert_int_gt(tale.count, JOBS - JOBS / 5);    /* ... some not */
    for (int i = 1; i < tale.count; i++)
        ck_assert_uint_ge(tale.ended_ns[i], tale.ended_ns[i - 1]);
    run_tale(43);
    ck_assert_int_ne(memcmp(first.order, tale.order, sizeof(tale.order)), 0);
}
END_TEST

START_TEST(work_is_not_done_before_its_time)
{
    struct rig rig;
    struct probe probe;
    tale.count = 0;
    tale_rig = &rig;
    sim_open(&rig, 9);
    submit_work(&rig, &probe, tell, NULL);
    ck_assert_int_eq(rig_wait(&rig, 0), 0);
    ck_assert(!rig.backend->class->may_have_completions(rig.backend));
    ck_assert_int_eq(rig_wait(&rig, 1), 0);
    ck_assert_int_eq(probe.done, 0);
    ck_assert_int_eq(rig_wait(&rig, NSEC_NEVER), 1);
    ck_assert_int_eq(probe.done, 1);
    rig_close(&rig);
}
END_TEST

static int discarded;

static void note_discard(struct op *op)
{
    (void)op;
    discarded++;
}

START_TEST(abandoned_work_is_discarded_once)
{
    struct rig rig;
    struct probe first, second;
    tale.count = 0;
    tale_rig = &rig;
    sim_open(&rig, 9);
    submit_work(&rig, &first, tell, NULL);
    ck_assert(rig.backend->class->abandon(rig.backend, &first.op,
                                          note_discard));
    ck_assert_uint_eq(rig.backend->in_flight, 0);
    ck_assert_int_eq(discarded, 0);
    while (!discarded)
        rig_wait(&rig, NSEC_PER_SEC);
    ck_assert_int_eq(first.done, 0);

    /* The loop may end before the job does: it is seen to its end. */
    submit_work(&rig, &second, tell, NULL);
    ck_assert(rig.backend->class->abandon(rig.backend, &second.op,
                                          note_discard));
    rig_close(&rig);
    ck_assert_int_eq(discarded, 2);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("sim");
    suite_case(suite, the_clock_starts_where_it_always_does);
    suite_case(suite, an_hour_takes_no_time);
    suite_case(suite, nothing_to_wait_for_is_a_deadlock);
    suite_case(suite, mail_stops_the_clock);
    suite_case(suite, real_descriptors_are_outside);
    suite_case(suite, one_seed_one_order);
    suite_case(suite, work_is_not_done_before_its_time);
    suite_case(suite, abandoned_work_is_discarded_once);
    return suite;
}
