/* SPDX-License-Identifier: MIT */
/* gather: all results in order, the first failure in time, all are joined. */
#include "rig.h"

enum { MANY = 100000 };

SCENARIO(results_are_in_the_order_of_the_tasks)
{
    struct job jobs[8];
    asyncio_task tasks[8];
    int results[8];
    /* The first ends last. */
    for (int i = 0; i < 8; i++) {
        jobs[i] = (struct job){.seconds = (8 - i) * TICK, .result = 100 + i};
        tasks[i] = asyncio_create_task(run_job, &jobs[i]);
    }
    double start = asyncio_time();
    ck_assert_int_eq(asyncio_gather(tasks, 8, results), 0);
    assert_passed(start, 8 * TICK);
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(results[i], 100 + i);
        ck_assert_int_eq(asyncio_task_error(tasks[i]), -ESRCH);
    }
}

SCENARIO(zero_tasks_are_gathered_at_once)
{
    asyncio_task none[1];
    ck_assert_int_eq(asyncio_gather(NULL, 0, NULL), 0);
    ck_assert_int_eq(asyncio_gather(none, 0, NULL), 0);
}

SCENARIO(a_list_that_is_missing_is_einval)
{
    ck_assert_int_eq(asyncio_gather(NULL, 1, NULL), -EINVAL);
}

SCENARIO(results_may_be_left_out)
{
    int one = 1, failure = -EIO;
    asyncio_task tasks[2];
    tasks[0] = asyncio_create_task(return_value, &one);
    tasks[1] = asyncio_create_task(return_value, &failure);
    ck_assert_int_eq(asyncio_gather(tasks, 2, NULL), -EIO);
}

SCENARIO(the_failure_that_came_first_in_time_is_returned)
{
    struct job jobs[] = {
        {.seconds = 3 * TICK, .result = -E2BIG},
        {.seconds = 2 * TICK, .result = 5},
        {.seconds = 1 * TICK, .result = -EIO},
        {.seconds = 4 * TICK, .result = -ENOSPC},
    };
    asyncio_task tasks[4];
    int results[4];
    for (int i = 0; i < 4; i++)
        tasks[i] = asyncio_create_task(run_job, &jobs[i]);
    double start = asyncio_time();
    ck_assert_int_eq(asyncio_gather(tasks, 4, results), -EIO);
    /* And the others were not left running. */
    assert_passed(start, 4 * TICK);
    ck_assert_int_eq(results[0], -E2BIG);
    ck_assert_int_eq(results[1], 5);
    ck_assert_int_eq(results[2], -EIO);
    ck_assert_int_eq(results[3], -ENOSPC);
}

SCENARIO(a_failure_cancels_nobody)
{
    struct job jobs[] = {{.result = -EIO}, {.seconds = TICK, .result = 6}};
    asyncio_task tasks[2];
    int results[2];
    for (int i = 0; i < 2; i++)
        tasks[i] = asyncio_create_task(run_job, &jobs[i]);
    ck_assert_int_eq(asyncio_gather(tasks, 2, results), -EIO);
    ck_assert_int_eq(results[1], 6);
}

SCENARIO(ended_and_unended_tasks_mix)
{
    int one = 1, two = 2;
    struct job job = {.seconds = TICK, .result = 3};
    asyncio_task tasks[3];
    int results[3];
    tasks[0] = asyncio_create_task(return_value, &one);
    tasks[2] = asyncio_create_task(run_job, &job);
    let_others_run();
    tasks[1] = asyncio_create_task(return_value, &two);
    ck_assert_int_eq(asyncio_gather(tasks, 3, results), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(results[i], i + 1);
}

SCENARIO(a_duplicate_counts_as_busy)
{
    int one = 1;
    asyncio_task task = asyncio_create_task(return_value, &one);
    asyncio_task tasks[] = {task, task};
    int results[2];
    ck_assert_int_eq(asyncio_gather(tasks, 2, results), -EBUSY);
    ck_assert_int_eq(results[0], 1);
    ck_assert_int_eq(results[1], -EBUSY);
}

SCENARIO(stale_and_null_handles_count_as_failures)
{
    int one = 1, two = 2;
    asyncio_task stale = asyncio_create_task(return_value, &one);
    ck_assert_int_eq(asyncio_await(stale), 1);
    asyncio_task tasks[] = {
        asyncio_create_task(return_value, &two),
        stale,
        {0},
        asyncio_create_task(NULL, NULL),
        asyncio_create_task(return_value, &one),
    };
    int results[5];
    ck_assert_int_eq(asyncio_gather(tasks, 5, results), -ESRCH);
    ck_assert_int_eq(results[0], 2);
    ck_assert_int_eq(results[1], -ESRCH);
    ck_assert_int_eq(results[2], -ENOMEM);
    ck_assert_int_eq(results[3], -EINVAL);
    ck_assert_int_eq(results[4], 1);
}

/* ---- cancelled ---- */

static struct job gathered[4];

static int gather_jobs(void *arg)
{
    asyncio_task tasks[4];
    for (int i = 0; i < 4; i++)
        tasks[i] = asyncio_create_task(run_job, &gathered[i]);
    return asyncio_gather(tasks, 4, arg);
}

static void set_up_jobs(void)
{
    for (int i = 0; i < 4; i++)
        gathered[i] = (struct job){.seconds = ASYNCIO_FOREVER};
}

SCENARIO(a_cancelled_gather_cancels_all_and_joins_them)
{
    int results[4];
    set_up_jobs();
    gathered[2] = (struct job){.result = 17};
    asyncio_task task = asyncio_create_task(gather_jobs, results);
    let_others_run();
    ck_assert(gathered[2].ended);
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    for (int i = 0; i < 4; i++) {
        ck_assert(gathered[i].ended);
        ck_assert_int_eq(results[i], i == 2 ? 17 : -ECANCELED);
    }
}

SCENARIO(a_gather_that_begins_cancelled_cancels_all_and_joins_them)
{
    int results[4];
    set_up_jobs();
    asyncio_task task = asyncio_create_task(gather_jobs, results);
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    for (int i = 0; i < 4; i++) {
        ck_assert(gathered[i].began);
        ck_assert_int_eq(results[i], -ECANCELED);
    }
}

SCENARIO(a_gather_that_times_out_cancels_all_and_joins_them)
{
    struct asyncio_timeout timeout;
    asyncio_task tasks[4];
    int results[4];
    set_up_jobs();
    gathered[1] = (struct job){.seconds = TICK, .result = 4};
    for (int i = 0; i < 4; i++)
        tasks[i] = asyncio_create_task(run_job, &gathered[i]);
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 3 * TICK), 0);
    int err = asyncio_gather(tasks, 4, results);
    ck_assert_int_eq(err, -ECANCELED);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
    ck_assert_int_eq(results[0], -ECANCELED);
    ck_assert_int_eq(results[1], 4);
    /* The caller itself is not cancelled any more. */
    ck_assert_int_eq(asyncio_sleep(0), 0);
}

static int gather_foreign(void *arg)
{
    return asyncio_gather(arg, 2, NULL);
}

/* Not below the gathering task in the tree: the cancel must be passed on. */
SCENARIO(a_cancelled_gather_cancels_tasks_of_others)
{
    asyncio_task tasks[2];
    for (int i = 0; i < 2; i++)
        tasks[i] = asyncio_create_task(sleep_for_ever, NULL);
    asyncio_task task = asyncio_create_task(gather_foreign, tasks);
    let_others_run();
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    ck_assert_int_eq(asyncio_task_error(tasks[0]), -ESRCH);
    ck_assert_int_eq(asyncio_task_error(tasks[1]), -ESRCH);
}

/* ---- many ---- */

static int number_of(void *arg)
{
    int err = asyncio_sleep(0);
    return err < 0 ? err : *(int *)arg;
}

static int gather_many(void *arg)
{
    int count = *(int *)arg;
    asyncio_task *tasks = calloc((size_t)count, sizeof *tasks);
    int *numbers = calloc((size_t)count, sizeof *numbers);
    int *results = calloc((size_t)count, sizeof *results);
    for (int i = 0; i < count; i++) {
        numbers[i] = i;
        tasks[i] = asyncio_create_task(number_of, &numbers[i]);
    }
    int err = asyncio_gather(tasks, (size_t)count, results);
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(results[i], i);
    free(tasks);
    free(numbers);
    free(results);
    return err;
}

START_TEST(a_hundred_thousand_tasks_are_gathered)
{
    /* ThreadSanitizer has few fibers, and valgrind little patience. */
    int count = CTX_TSAN ? 1000 : MANY / (int)rig_slowness();
    ck_assert_int_eq(asyncio_run(gather_many, &count), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("gather");
    suite_case(suite, results_are_in_the_order_of_the_tasks);
    suite_case(suite, zero_tasks_are_gathered_at_once);
    suite_case(suite, a_list_that_is_missing_is_einval);
    suite_case(suite, results_may_be_left_out);
    suite_case(suite, the_failure_that_came_first_in_time_is_returned);
    suite_case(suite, a_failure_cancels_nobody);
    suite_case(suite, ended_and_unended_tasks_mix);
    suite_case(suite, a_duplicate_counts_as_busy);
    suite_case(suite, stale_and_null_handles_count_as_failures);
    suite_case(suite, a_cancelled_gather_cancels_all_and_joins_them);
    suite_case(suite,
               a_gather_that_begins_cancelled_cancels_all_and_joins_them);
    suite_case(suite, a_gather_that_times_out_cancels_all_and_joins_them);
    suite_case(suite, a_cancelled_gather_cancels_tasks_of_others);
    suite_case(suite, a_hundred_thousand_tasks_are_gathered);
    return suite;
}
