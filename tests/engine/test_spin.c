/* SPDX-License-Identifier: MIT */
/* Looking for news before sleeping: it hears them, and it costs little where
 * there are none. */
#include "rig.h"

static int run_spinning(double seconds, asyncio_fn *fn, void *arg)
{
    struct asyncio_runner_options options = {.spin = seconds};
    asyncio_runner *runner;
    int err = asyncio_runner_new(&options, &runner);
    if (err < 0)
        return err;
    err = asyncio_runner_run(runner, fn, arg);
    asyncio_runner_free(runner);
    return err;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    ck_assert_int_eq(getrusage(RUSAGE_THREAD, &usage), 0);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

START_TEST(bad_limits_are_einval)
{
    int zero = 0;
    static const double bad[] = {-1e-6, 1.5};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        ck_assert_int_eq(run_spinning(bad[i], return_value, &zero), -EINVAL);
    ck_assert_int_eq(run_spinning((double)NAN, return_value, &zero), -EINVAL);
    setenv("ASYNCIO_SPIN", "many", 1);
    ck_assert_int_eq(asyncio_run(return_value, &zero), -EINVAL);
    setenv("ASYNCIO_SPIN", "50", 1);
    ck_assert_int_eq(asyncio_run(return_value, &zero), 0);
}
END_TEST

/* ---- news ---- */

static void *answer(void *arg)
{
    int *fds = arg;
    char byte;
    while (read(fds[0], &byte, 1) == 1)
        ck_assert_int_eq(write(fds[1], &byte, 1), 1);
    return arg;
}

struct talk {
    int to, from;
};

static int talk_a_while(void *arg)
{
    struct talk *talk = arg;
    for (int i = 0; i < 500; i++) {
        char byte = (char)i, back = 0;
        ck_assert_int_eq(asyncio_fd_write(talk->to, &byte, 1), 1);
        ck_assert_int_eq(asyncio_fd_read(talk->from, &back, 1), 1);
        ck_assert_int_eq(back, byte);
    }
    return 0;
}

START_TEST(what_comes_during_a_look_is_heard)
{
    if (rig_is_virtual())
        return;
    int there[2], back[2];
    ck_assert_int_eq(pipe2(there, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(back, O_CLOEXEC), 0);
    int ends[2] = {there[0], back[1]};
    pthread_t thread = thread_start(answer, ends);
    struct talk talk = {there[1], back[0]};
    ck_assert_int_eq(run_spinning(100e-6, talk_a_while, &talk), 0);
    close(there[1]);
    thread_join(thread);
    close(there[0]);
    close(back[0]);
    close(back[1]);
}
END_TEST

static int thread_job(void *arg)
{
    pause_thread(0.002);
    return *(int *)arg;
}

static int work_elsewhere(void *arg)
{
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(asyncio_to_thread(thread_job, arg), *(int *)arg);
    return 0;
}

START_TEST(what_a_thread_has_done_is_heard)
{
    int seven = 7;
    ck_assert_int_eq(run_spinning(0.01, work_elsewhere, &seven), 0);
}
END_TEST

/* ---- silence ---- */

static int sleep_often(void *arg)
{
    (void)arg;
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(asyncio_sleep(0.002), 0);
    return 0;
}

START_TEST(who_only_sleeps_does_not_look)
{
    double before = cpu_seconds();
    ck_assert_int_eq(run_spinning(0.002, sleep_often, NULL), 0);
    double used = cpu_seconds() - before;
    ck_assert_double_lt(used, 0.05 * (double)rig_slowness());
}
END_TEST

static int read_one(void *arg)
{
    char byte;
    return (int)asyncio_fd_read(*(int *)arg, &byte, 1);
}

static int sleep_beside_a_read(void *arg)
{
    asyncio_task reader = asyncio_create_task(read_one, arg);
    int err = sleep_often(NULL);
    asyncio_task_cancel(reader);
    ck_assert_int_eq(asyncio_await(reader), -ECANCELED);
    return err;
}

/* 50 sleeps of 2 ms: who looked each time would burn 100 ms. */
START_TEST(in_vain_it_backs_off)
{
    if (rig_is_virtual())
        return;
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    double before = cpu_seconds();
    ck_assert_int_eq(run_spinning(0.002, sleep_beside_a_read, &ends[0]), 0);
    double used = cpu_seconds() - before;
    ck_assert_double_lt(used, 0.05 * (double)rig_slowness());
    close(ends[0]);
    close(ends[1]);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("spin");
    suite_case(suite, bad_limits_are_einval);
    suite_case(suite, what_comes_during_a_look_is_heard);
    suite_case(suite, what_a_thread_has_done_is_heard);
    suite_case(suite, who_only_sleeps_does_not_look);
    suite_case(suite, in_vain_it_backs_off);
    return suite;
}
