/* SPDX-License-Identifier: MIT */
/*
 * A million tasks asleep at once, each on a stack of its own: that they fit,
 * how much of memory each takes, page tables included, and that each wakes
 * with its own result.
 */
#include "rig.h"

enum {
    MILLION = 1000 * 1000,
    ENOUGH_KIB = 8 * 1024 * 1024,
    /* Of a task: its page and its share of page tables (512 bytes, where a
     * table's 2 MiB hold eight stacks), or its part of a page; and what the
     * handles and lists take. */
    GUARDED_BYTES = 4800,
    DENSE_BYTES = 2400,
};

static struct {
    const struct asyncio_task_options *options;
    long bytes_max;              /* per task */
    double wake_at;
    size_t asleep, woken;
} plan;

static int sleep_until_morning(void *arg)
{
    uintptr_t number = (uintptr_t)arg;
    plan.asleep++;
    /* Not all at the same moment, nor in the order of their numbers. */
    double spread = (double)(number * 7919 % 1000) / 10000;
    int err = asyncio_sleep(plan.wake_at + spread - asyncio_time());
    plan.woken++;
    return err < 0 ? err : (int)number;
}

static long memory_kib(void)
{
    return proc_kib("/proc/self/status", "VmRSS:") +
           proc_kib("/proc/self/status", "VmPTE:");
}

static void start_million(asyncio_task *tasks)
{
    for (uintptr_t i = 0; i < MILLION; i++) {
        tasks[i] = asyncio_create_task_with(sleep_until_morning, (void *)i,
                                            plan.options);
        CHEAP_ASSERT(asyncio_task_error(tasks[i]) == 0);
    }
}

static void end_million(const asyncio_task *tasks, int *results)
{
    ck_assert_int_eq(asyncio_gather(tasks, MILLION, results), 0);
    for (int i = 0; i < MILLION; i++)
        CHEAP_ASSERT(results[i] == i);
    ck_assert_uint_eq(plan.woken, MILLION);
}

static int million_main(void *arg)
{
    asyncio_task *tasks = calloc(MILLION, sizeof *tasks);
    int *results = calloc(MILLION, sizeof *results);
    (void)arg;
    ck_assert(tasks && results);
    memset(tasks, 1, MILLION * sizeof *tasks);
    memset(results, 1, MILLION * sizeof *results);

    long before = memory_kib();
    double began = asyncio_time();
    start_million(tasks);
    /* Falling asleep takes much less than being made. */
    plan.wake_at = asyncio_time() + (asyncio_time() - began) + 1;
    ck_assert_int_eq(asyncio_sleep(0), 0);
    long bytes = (memory_kib() - before) * 1024 / MILLION;
    ck_assert_uint_eq(plan.asleep, MILLION);
    ck_assert_uint_eq(plan.woken, 0);
    ck_assert_int_eq(asyncio_all_tasks(NULL, 0), MILLION + 1);
    ck_assert_int_le(bytes, plan.bytes_max);
    ck_assert_int_ge(bytes, plan.bytes_max / 2); /* else they are not there */

    end_million(tasks, results);
    free(tasks);
    free(results);
    return 0;
}

START_TEST(a_million_guarded_sleepers)
{
    plan.bytes_max = GUARDED_BYTES;
    ck_assert_int_eq(asyncio_run(million_main, NULL), 0);
}
END_TEST

START_TEST(a_million_dense_sleepers)
{
    static const struct asyncio_task_options dense = {
        .stack_size = 2048,
        .dense_stack = true,
    };
    plan.options = &dense;
    plan.bytes_max = DENSE_BYTES;
    ck_assert_int_eq(asyncio_run(million_main, NULL), 0);
}
END_TEST

Suite *test_suite(void)
{
    if (is_under_tools())
        suite_skip("a million tasks are too many for sanitizers and valgrind");
    if (proc_kib("/proc/meminfo", "MemAvailable:") < ENOUGH_KIB)
        suite_skip("a million tasks need 8 GB of memory to be sure of");
    Suite *suite = suite_create("million");
    TCase *cases = tcase_create("sleepers");
    tcase_set_timeout(cases, 110);
    tcase_add_test(cases, a_million_guarded_sleepers);
    tcase_add_test(cases, a_million_dense_sleepers);
    suite_add_tcase(suite, cases);
    return suite;
}
