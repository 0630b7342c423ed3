/* SPDX-License-Identifier: MIT */
/* Many loops: one per thread, at once and one after the other. */
#include "rig.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 16 };

/* ---- at once ---- */

struct lane {
    int number;
    long steps;
    int result;
    asyncio_loop *loop;
};

static int step_often(void *arg)
{
    struct lane *lane = arg;
    for (int i = 0; i < 50; i++) {
        ck_assert_ptr_eq(asyncio_get_running_loop(), lane->loop);
        int err = asyncio_sleep(i % 10 ? 0 : 1e-4);
        if (err < 0)
            return err;
        lane->steps++;
    }
    return 0;
}

static int run_lane(void *arg)
{
    struct lane *lane = arg;
    asyncio_task tasks[20];
    lane->loop = asyncio_get_running_loop();
    for (int i = 0; i < 20; i++)
        tasks[i] = asyncio_create_task(step_often, lane);
    int err = asyncio_gather(tasks, 20, NULL);
    return err < 0 ? err : lane->number;
}

static void *lane_thread(void *arg)
{
    struct lane *lane = arg;
    lane->result = asyncio_run(run_lane, lane);
    return NULL;
}

START_TEST(many_loops_run_at_once)
{
    struct lane lanes[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        lanes[i] = (struct lane){.number = i};
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, lane_thread, &lanes[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(lanes[i].result, i);
        ck_assert_int_eq(lanes[i].steps, 20 * 50);
    }
}
END_TEST

static void *simulate_lane(void *arg)
{
    struct lane *lane = arg;
    lane->result = asyncio_run_simulated((uint64_t)lane->number, run_lane,
                                         lane);
    return NULL;
}

START_TEST(simulations_run_at_once)
{
    struct lane lanes[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        lanes[i] = (struct lane){.number = i};
        pthread_create(&threads[i], NULL, simulate_lane, &lanes[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(lanes[i].result, i);
    }
}
END_TEST

static int cancel_across(void *arg)
{
    asyncio_task *task = arg;
    return asyncio_task_cancel(*task);
}

static void *cancel_thread(void *arg)
{
    return (void *)(intptr_t)asyncio_run(cancel_across, arg);
}

SCENARIO(another_threads_task_cannot_be_cancelled)
{
    asyncio_task self = asyncio_current_task();
    pthread_t thread;
    void *err;
    pthread_create(&thread, NULL, cancel_thread, &self);
    pthread_join(thread, &err);
    ck_assert_int_eq((int)(intptr_t)err, -EXDEV);
    ck_assert_int_eq(asyncio_sleep(0), 0);
}

/* ---- one after the other ---- */

static int live_shortly(void *arg)
{
    double seconds = 1e-6;
    asyncio_task tasks[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = asyncio_create_task(sleep_seconds, &seconds);
    /* Left behind, for the end to see to. */
    asyncio_task_detach(asyncio_create_task(sleep_for_ever, arg));
    return asyncio_gather(tasks, 3, NULL);
}

static void *short_life(void *arg)
{
    return (void *)(intptr_t)asyncio_run(live_shortly, arg);
}

static void start_and_end_loops(int count)
{
    for (int i = 0; i < count; i++) {
        pthread_t thread;
        void *err;
        ck_assert_int_eq(pthread_create(&thread, NULL, short_life, NULL), 0);
        pthread_join(thread, &err);
        ck_assert_ptr_null(err);
    }
}

START_TEST(a_loop_per_thread_a_thousand_times_leaves_nothing)
{
    int count = 1000 / (int)rig_slowness();
    start_and_end_loops(20);
    int fds = count_fds();
    long memory = proc_kib("/proc/self/status", "VmRSS:");
    long space = proc_kib("/proc/self/status", "VmSize:");
    start_and_end_loops(count);
    ck_assert_int_eq(count_fds(), fds);
    if (CTX_MARKED || rig_slowness() > 1)
        return;
    ck_assert_int_lt(proc_kib("/proc/self/status", "VmRSS:") - memory, 2048);
    ck_assert_int_lt(proc_kib("/proc/self/status", "VmSize:") - space,
                     64 * 1024);
}
END_TEST

START_TEST(a_loop_a_thousand_times_leaves_nothing)
{
    int count = 1000 / (int)rig_slowness();
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(asyncio_run(live_shortly, NULL), 0);
    int fds = count_fds();
    long memory = proc_kib("/proc/self/status", "VmRSS:");
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(asyncio_run(live_shortly, NULL), 0);
    ck_assert_int_eq(count_fds(), fds);
    if (!CTX_MARKED && rig_slowness() == 1)
        ck_assert_int_lt(proc_kib("/proc/self/status", "VmRSS:") - memory,
                         2048);
}
END_TEST

/* The runner belongs to its maker's thread, and goes on there, whatever loops
 * come and go elsewhere. */
static int sleep_shortly(void *arg)
{
    (void)arg;
    return asyncio_sleep(1e-3);
}

START_TEST(a_runner_goes_on_while_other_loops_come_and_go)
{
    asyncio_runner *runner;
    ck_assert_int_eq(asyncio_runner_new(NULL, &runner), 0);
    for (int i = 0; i < 20; i++) {
        start_and_end_loops(2);
        ck_assert_int_eq(asyncio_runner_run(runner, sleep_shortly, NULL), 0);
    }
    asyncio_runner_free(runner);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("threads");
    suite_case(suite, many_loops_run_at_once);
    suite_case(suite, simulations_run_at_once);
    suite_case(suite, another_threads_task_cannot_be_cancelled);
    suite_case(suite, a_loop_per_thread_a_thousand_times_leaves_nothing);
    suite_case(suite, a_loop_a_thousand_times_leaves_nothing);
    suite_case(suite, a_runner_goes_on_while_other_loops_come_and_go);
    return suite;
}
