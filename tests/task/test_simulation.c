/* SPDX-License-Identifier: MIT */
/* Simulation: the virtual clock, orders by seed, deadlocks. */
#include "rig.h"

#include <asyncio/fd.h>

/* ---- the clock ---- */

static int sleep_for_years(void *arg)
{
    double *passed = arg;
    double start = asyncio_time();
    for (int i = 0; i < 100; i++) {
        int err = asyncio_sleep(365.25 * 86400);
        if (err < 0)
            return err;
    }
    *passed = asyncio_time() - start;
    return 0;
}

START_TEST(a_century_takes_no_time)
{
    double passed = 0, start = asyncio_time();
    ck_assert_int_eq(asyncio_run_simulated(1, sleep_for_years, &passed), 0);
    ck_assert_double_eq_tol(passed, 100 * 365.25 * 86400, 1e-3);
    ck_assert_double_lt(asyncio_time() - start, 5);
}
END_TEST

static int read_clock(void *arg)
{
    double *seconds = arg;
    ck_assert_str_eq(asyncio_backend_name(), "sim");
    *seconds = asyncio_time();
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(asyncio_sleep(0), 0);
    return *seconds == asyncio_time();
}

START_TEST(time_stands_still_while_somebody_is_ready)
{
    double first, second;
    ck_assert_int_eq(asyncio_run_simulated(1, read_clock, &first), 1);
    ck_assert_int_eq(asyncio_run_simulated(99, read_clock, &second), 1);
    /* And begins at the same moment in each run. */
    ck_assert_double_eq(first, second);
}
END_TEST

/* ---- orders ---- */

enum { WORKERS = 12, STEPS = 6 };

struct history {
    int events[WORKERS * STEPS];
    int count;
};

struct worker {
    struct history *history;
    int number;
};

static int work(void *arg)
{
    struct worker *worker = arg;
    struct history *history = worker->history;
    for (int i = 0; i < STEPS; i++) {
        history->events[history->count++] = worker->number;
        int err = asyncio_sleep(1);
        if (err < 0)
            return err;
    }
    return 0;
}

static int write_history(void *arg)
{
    struct worker workers[WORKERS];
    asyncio_task tasks[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){arg, i};
        tasks[i] = asyncio_create_task(work, &workers[i]);
    }
    return asyncio_gather(tasks, WORKERS, NULL);
}

static struct history simulate(uint64_t seed)
{
    struct history history = {.count = 0};
    ck_assert_int_eq(asyncio_run_simulated(seed, write_history, &history), 0);
    ck_assert_int_eq(history.count, WORKERS * STEPS);
    return history;
}

START_TEST(a_seed_is_an_order)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct history first = simulate(seed), second = simulate(seed);
        ck_assert_mem_eq(&first, &second, sizeof first);
    }
}
END_TEST

START_TEST(another_seed_is_another_order)
{
    enum { SEEDS = 50 };
    static struct history histories[SEEDS];
    int same = 0;
    for (int i = 0; i < SEEDS; i++) {
        histories[i] = simulate((uint64_t)i);
        for (int j = 0; j < i; j++)
            same += memcmp(&histories[i], &histories[j],
                           sizeof histories[i]) == 0;
    }
    ck_assert_int_eq(same, 0);
}
END_TEST

/* Every order of three tasks comes up, and about as often as the others. */
START_TEST(all_orders_come_up)
{
    int seen[6] = {0};
    for (uint64_t seed = 0; seed < 600; seed++) {
        struct history history = simulate(seed);
        int place[3];
        for (int i = 0; i < WORKERS; i++) {
            if (history.events[i] < 3)
                place[history.events[i]] = i;
        }
        int order = (place[0] < place[1]) + 2 * (place[1] < place[2]);
        seen[order == 3   ? 0
             : order == 0 ? 1
             : order == 1 ? 2 + (place[0] < place[2])
                          : 4 + (place[0] < place[2])]++;
    }
    for (int i = 0; i < 6; i++) {
        ck_assert_int_gt(seen[i], 50);
        ck_assert_int_lt(seen[i], 200);
    }
}
END_TEST

static int same_at_each_time(void *arg)
{
    (void)arg;
    struct history history = {.count = 0};
    ck_assert_int_eq(write_history(&history), 0);
    /* Each round has all workers, whatever their order. */
    for (int round = 0; round < STEPS; round++) {
        unsigned seen = 0;
        for (int i = 0; i < WORKERS; i++)
            seen |= 1u << history.events[round * WORKERS + i];
        ck_assert_uint_eq(seen, (1u << WORKERS) - 1);
    }
    return 0;
}

START_TEST(the_order_of_time_is_kept)
{
    for (uint64_t seed = 0; seed < 50; seed++)
        ck_assert_int_eq(asyncio_run_simulated(seed, same_at_each_time, NULL),
                         0);
}
END_TEST

/* ---- deadlocks ---- */

START_TEST(a_sleep_for_ever_is_edeadlk)
{
    for (uint64_t seed = 0; seed < 5; seed++)
        ck_assert_int_eq(asyncio_run_simulated(seed, sleep_for_ever, NULL),
                         -EDEADLK);
}
END_TEST

static int wait_in_a_crowd(void *arg)
{
    struct job *jobs = arg;
    asyncio_task tasks[10];
    for (int i = 0; i < 10; i++)
        tasks[i] = asyncio_create_task(run_job, &jobs[i]);
    return asyncio_gather(tasks, 10, NULL);
}

START_TEST(in_a_deadlock_everybody_is_cancelled)
{
    struct job jobs[10];
    for (int i = 0; i < 10; i++)
        jobs[i] = (struct job){.seconds = i ? ASYNCIO_FOREVER : 5};
    ck_assert_int_eq(asyncio_run_simulated(1, wait_in_a_crowd, jobs), -EDEADLK);
    for (int i = 0; i < 10; i++) {
        ck_assert(jobs[i].ended);
        ck_assert_int_eq(jobs[i].slept, i ? -ECANCELED : 0);
    }
}
END_TEST

static int clean_up_in_time(void *arg)
{
    struct asyncio_shield shield;
    int err = asyncio_sleep(ASYNCIO_FOREVER);
    ck_assert_int_eq(asyncio_shield_begin(&shield, ASYNCIO_FOREVER), 0);
    ck_assert_int_eq(asyncio_sleep(60), 0);
    *(bool *)arg = true;
    return asyncio_shield_end(&shield, err);
}

START_TEST(in_a_deadlock_cleanup_may_still_sleep)
{
    bool cleaned = false;
    ck_assert_int_eq(asyncio_run_simulated(3, clean_up_in_time, &cleaned),
                     -EDEADLK);
    ck_assert(cleaned);
}
END_TEST

static int shield_for_ever(void *arg)
{
    (void)arg;
    asyncio_task_set_name(asyncio_current_task(), "stubborn");
    return asyncio_shield_run(ASYNCIO_FOREVER, sleep_for_ever, NULL);
}

static void simulate_shield_for_ever(void *arg)
{
    (void)arg;
    asyncio_run_simulated(1, shield_for_ever, NULL);
}

START_TEST(a_deadlock_under_a_shield_aborts_with_the_name)
{
    struct outcome outcome = in_child(simulate_shield_for_ever, NULL);
    assert_died(&outcome, SIGABRT);
    assert_said(&outcome, "EDEADLK");
    assert_said(&outcome, "stubborn");
}
END_TEST

START_TEST(after_a_deadlock_the_runner_goes_on)
{
    struct asyncio_runner_options options = {.backend = "sim"};
    asyncio_runner *runner;
    double seconds = 100;
    int result = 4;
    ck_assert_int_eq(asyncio_runner_new(&options, &runner), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(asyncio_runner_run(runner, sleep_for_ever, NULL),
                         -EDEADLK);
        ck_assert_int_eq(asyncio_runner_run(runner, sleep_seconds, &seconds),
                         0);
        ck_assert_int_eq(asyncio_runner_run(runner, return_value, &result), 4);
    }
    asyncio_runner_free(runner);
}
END_TEST

static int detach_a_sleeper(void *arg)
{
    asyncio_task task = asyncio_create_task(sleep_for_ever, arg);
    return asyncio_task_detach(task);
}

START_TEST(what_is_left_at_the_end_is_no_deadlock)
{
    ck_assert_int_eq(asyncio_run_simulated(1, detach_a_sleeper, NULL), 0);
}
END_TEST

/* ---- the outside ---- */

static int touch_the_outside(void *arg)
{
    int *ends = arg;
    char byte = 'x';
    ck_assert_int_eq((int)asyncio_fd_write(ends[1], &byte, 1), -ENOTSUP);
    ck_assert_int_eq((int)asyncio_fd_read(ends[0], &byte, 1), -ENOTSUP);
    ck_assert_int_eq(asyncio_fd_wait(ends[0], ASYNCIO_READABLE), -ENOTSUP);
    return 0;
}

START_TEST(real_descriptors_are_enotsup)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(asyncio_run_simulated(1, touch_the_outside, ends), 0);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

static int note_call(void *arg)
{
    ++*(int *)arg;
    return 6;
}

static int call_threads(void *arg)
{
    int calls = 0;
    double start = asyncio_time();
    (void)arg;
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(asyncio_to_thread(note_call, &calls), 6);
    /* Inline, and after a delay of its own. */
    ck_assert_int_eq(calls, 10);
    ck_assert_double_gt(asyncio_time(), start);
    return 0;
}

START_TEST(to_thread_runs_inline_after_a_delay)
{
    for (uint64_t seed = 0; seed < 10; seed++)
        ck_assert_int_eq(asyncio_run_simulated(seed, call_threads, NULL), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("simulation");
    suite_case(suite, a_century_takes_no_time);
    suite_case(suite, time_stands_still_while_somebody_is_ready);
    suite_case(suite, a_seed_is_an_order);
    suite_case(suite, another_seed_is_another_order);
    suite_case(suite, all_orders_come_up);
    suite_case(suite, the_order_of_time_is_kept);
    suite_case(suite, a_sleep_for_ever_is_edeadlk);
    suite_case(suite, in_a_deadlock_everybody_is_cancelled);
    suite_case(suite, in_a_deadlock_cleanup_may_still_sleep);
    suite_case(suite, a_deadlock_under_a_shield_aborts_with_the_name);
    suite_case(suite, after_a_deadlock_the_runner_goes_on);
    suite_case(suite, what_is_left_at_the_end_is_no_deadlock);
    suite_case(suite, real_descriptors_are_enotsup);
    suite_case(suite, to_thread_runs_inline_after_a_delay);
    return suite;
}
