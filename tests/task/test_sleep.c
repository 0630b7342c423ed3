/* SPDX-License-Identifier: MIT */
/* sleep: how long, in which order, and what it refuses. */
#include "rig.h"

#include <time.h>

/* ---- how long ---- */

SCENARIO(at_least_the_time_asked_for_passes)
{
    static const double seconds[] = {1e-9, 1e-6, 1e-4, 0.001, 0.0015, 0.02};
    for (size_t i = 0; i < ARRAY_SIZE(seconds); i++) {
        double start = asyncio_time();
        ck_assert_int_eq(asyncio_sleep(seconds[i]), 0);
        assert_passed(start, seconds[i]);
    }
}

static int sleep_exactly(void *arg)
{
    static const double seconds[] = {0.1,  1.0,    1.1,      60,
                                     3600, 86400., 1e9 / 3., 1e-3};
    (void)arg;
    for (size_t i = 0; i < ARRAY_SIZE(seconds); i++) {
        double start = asyncio_time();
        ck_assert_int_eq(asyncio_sleep(seconds[i]), 0);
        double error = asyncio_time() - start - seconds[i];
        /* A double of that size is not finer. */
        ck_assert_double_le(fabs(error), 1e-9 + asyncio_time() * 3e-16);
    }
    return 0;
}

START_TEST(a_year_takes_no_time_on_the_virtual_clock_and_is_exact)
{
    double start = asyncio_time();
    for (uint64_t seed = 0; seed < 20; seed++)
        ck_assert_int_eq(asyncio_run_simulated(seed, sleep_exactly, NULL), 0);
    ck_assert_double_lt(asyncio_time() - start, 10);
}
END_TEST

static int sleep_all_along(void *arg)
{
    (void)arg;
    return asyncio_sleep(0.3);
}

START_TEST(sleeping_takes_no_cpu)
{
    clock_t before = clock();
    ck_assert_int_eq(asyncio_run(sleep_all_along, NULL), 0);
    double used = (double)(clock() - before) / CLOCKS_PER_SEC;
    ck_assert_double_lt(used, 0.1 * (double)rig_slowness());
}
END_TEST

SCENARIO(sleepers_sleep_at_the_same_time)
{
    double seconds = 3 * TICK, start = asyncio_time();
    asyncio_task tasks[100];
    for (int i = 0; i < 100; i++)
        tasks[i] = asyncio_create_task(sleep_seconds, &seconds);
    ck_assert_int_eq(asyncio_gather(tasks, 100, NULL), 0);
    assert_passed(start, seconds);
}

/* ---- refusals ---- */

SCENARIO(negative_and_nan_seconds_are_einval)
{
    double start = asyncio_time();
    ck_assert_int_eq(asyncio_sleep(-1), -EINVAL);
    ck_assert_int_eq(asyncio_sleep(-1e-300), -EINVAL);
    ck_assert_int_eq(asyncio_sleep(-ASYNCIO_FOREVER), -EINVAL);
    ck_assert_int_eq(asyncio_sleep((double)NAN), -EINVAL);
    if (rig_is_virtual())
        assert_passed(start, 0);
    ck_assert_int_eq(asyncio_sleep(-0.0), 0);
}

SCENARIO(forever_ends_by_a_cancel_only)
{
    static const double ages[] = {ASYNCIO_FOREVER, 1e300, 1e15, 2e10};
    for (size_t i = 0; i < ARRAY_SIZE(ages); i++) {
        struct job job = {.seconds = ages[i]};
        asyncio_task task = asyncio_create_task(run_job, &job);
        ck_assert_int_eq(asyncio_sleep(2 * TICK), 0);
        ck_assert(!job.ended);
        ck_assert_int_eq(asyncio_task_cancel(task), 0);
        ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    }
}

SCENARIO(a_cancelled_sleeper_wakes_at_once)
{
    struct job job = {.seconds = 1000};
    double start = asyncio_time();
    asyncio_task task = asyncio_create_task(run_job, &job);
    let_others_run();
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    ck_assert_double_lt(asyncio_time() - start, 100);
}

/* ---- order ---- */

static int order[64];
static int order_count;

static void note(int number)
{
    ck_assert_int_lt(order_count, (int)ARRAY_SIZE(order));
    order[order_count++] = number;
}

struct sleeper {
    double seconds;
    int number;
};

static int sleep_and_note(void *arg)
{
    struct sleeper *sleeper = arg;
    int err = asyncio_sleep(sleeper->seconds);
    note(sleeper->number);
    return err;
}

SCENARIO(sleepers_wake_in_the_order_of_their_deadlines)
{
    enum { COUNT = 20 };
    struct sleeper sleepers[COUNT];
    asyncio_task tasks[COUNT];
    order_count = 0;
    for (int i = 0; i < COUNT; i++) {
        int rank = (i * 7) % COUNT;
        sleepers[i] = (struct sleeper){(rank + 1) * TICK, rank};
        tasks[i] = asyncio_create_task(sleep_and_note, &sleepers[i]);
    }
    ck_assert_int_eq(asyncio_gather(tasks, COUNT, NULL), 0);
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(order[i], i);
}

static int count_to(void *arg)
{
    int *count = arg;
    for (int i = 0; i < 10; i++) {
        ++*count;
        int err = asyncio_sleep(0);
        if (err < 0)
            return err;
    }
    return 0;
}

/* The idiom of asyncio programs: after sleep(0), what was started has begun. */
SCENARIO(sleep_0_lets_every_ready_task_run_once)
{
    int counts[30] = {0};
    asyncio_task tasks[30];
    for (int i = 0; i < 30; i++)
        tasks[i] = asyncio_create_task(count_to, &counts[i]);
    for (int round = 1; round <= 9; round++) {
        ck_assert_int_eq(asyncio_sleep(0), 0);
        for (int i = 0; i < 30; i++)
            ck_assert_int_ge(counts[i], round);
    }
    ck_assert_int_eq(asyncio_gather(tasks, 30, NULL), 0);
}

/* And nobody overtakes: all that yield go round in turns. */
SCENARIO(sleep_0_is_fair)
{
    int counts[30] = {0};
    asyncio_task tasks[30];
    for (int i = 0; i < 30; i++)
        tasks[i] = asyncio_create_task(count_to, &counts[i]);
    for (int round = 1; round <= 9; round++) {
        ck_assert_int_eq(asyncio_sleep(0), 0);
        for (int i = 0; i < 30; i++) {
            ck_assert_int_le(counts[i], counts[0] + 1);
            ck_assert_int_ge(counts[i], counts[0] - 1);
        }
    }
    ck_assert_int_eq(asyncio_gather(tasks, 30, NULL), 0);
}

static int note_forever(void *arg)
{
    int err;
    do {
        ++*(long *)arg;
        err = asyncio_sleep(0);
    } while (err == 0);
    return err;
}

static int sleep_among_yielders(void *arg)
{
    long rounds = 0;
    asyncio_task tasks[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = asyncio_create_task(note_forever, &rounds);
    double start = asyncio_time();
    ck_assert_int_eq(asyncio_sleep(0.02), 0);
    assert_passed(start, 0.02);
    ck_assert_int_gt(rounds, 3);
    for (int i = 0; i < 3; i++)
        asyncio_task_cancel(tasks[i]);
    ck_assert_int_eq(asyncio_gather(tasks, 3, NULL), -ECANCELED);
    (void)arg;
    return 0;
}

/* On the virtual clock time stands still as long as somebody is ready. */
START_TEST(yielding_tasks_keep_no_sleeper_asleep)
{
    if (!rig_is_virtual())
        ck_assert_int_eq(asyncio_run(sleep_among_yielders, NULL), 0);
}
END_TEST

/* A timer that fires stops another one that is due in the same turn. */
SCENARIO(a_timeout_and_a_sleep_of_one_moment)
{
    for (int i = 0; i < 20; i++) {
        struct asyncio_timeout timeout;
        ck_assert_int_eq(asyncio_timeout_begin(&timeout, TICK), 0);
        int err = asyncio_sleep(TICK);
        ck_assert(err == 0 || err == -ECANCELED);
        err = asyncio_timeout_end(&timeout, err);
        ck_assert(err == 0 || err == -ETIMEDOUT);
    }
    double start = asyncio_time();
    ck_assert_int_eq(asyncio_sleep(TICK), 0);
    assert_passed(start, TICK);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("sleep");
    suite_case(suite, at_least_the_time_asked_for_passes);
    suite_case(suite,
               a_year_takes_no_time_on_the_virtual_clock_and_is_exact);
    suite_case(suite, sleeping_takes_no_cpu);
    suite_case(suite, sleepers_sleep_at_the_same_time);
    suite_case(suite, negative_and_nan_seconds_are_einval);
    suite_case(suite, forever_ends_by_a_cancel_only);
    suite_case(suite, a_cancelled_sleeper_wakes_at_once);
    suite_case(suite, sleepers_wake_in_the_order_of_their_deadlines);
    suite_case(suite, sleep_0_lets_every_ready_task_run_once);
    suite_case(suite, sleep_0_is_fair);
    suite_case(suite, yielding_tasks_keep_no_sleeper_asleep);
    suite_case(suite, a_timeout_and_a_sleep_of_one_moment);
    return suite;
}
