/* SPDX-License-Identifier: MIT */
/* asyncio_run and the runner: results, nesting, several mains, the end. */
#include "rig.h"

#include <pthread.h>

/* ---- asyncio_run ---- */

static int returns_17(void *arg)
{
    (void)arg;
    return 17;
}

START_TEST(run_returns_what_the_function_returned)
{
    int results[] = {0, 1, 123456, -1, -EIO, -ECANCELED, -100000};
    for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
        ck_assert_int_eq(asyncio_run(return_value, &results[i]), results[i]);
        ck_assert_int_eq(asyncio_run_simulated(i, return_value, &results[i]),
                         results[i]);
    }
}
END_TEST

START_TEST(run_without_a_function_is_einval)
{
    ck_assert_int_eq(asyncio_run(NULL, NULL), -EINVAL);
    ck_assert_int_eq(asyncio_run_simulated(1, NULL, NULL), -EINVAL);
    asyncio_runner *runner;
    ck_assert_int_eq(asyncio_runner_new(NULL, &runner), 0);
    ck_assert_int_eq(asyncio_runner_run(runner, NULL, NULL), -EINVAL);
    asyncio_runner_free(runner);
    asyncio_runner_free(NULL);
}
END_TEST

SCENARIO(a_nested_run_is_ebusy)
{
    ck_assert_int_eq(asyncio_run(returns_17, NULL), -EBUSY);
    ck_assert_int_eq(asyncio_run_simulated(3, returns_17, NULL), -EBUSY);
    /* And the outer one has not suffered. */
    ck_assert_int_eq(asyncio_sleep(TICK), 0);
}

static int seen_in_callback;

static void run_in_callback(void *arg)
{
    seen_in_callback = asyncio_run(returns_17, arg);
}

SCENARIO(a_run_in_a_callback_is_ebusy)
{
    seen_in_callback = 0;
    ck_assert_int_eq(asyncio_call_soon(run_in_callback, NULL, NULL), 0);
    let_others_run();
    ck_assert_int_eq(seen_in_callback, -EBUSY);
}

START_TEST(runs_follow_one_another)
{
    int fds = count_fds();
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(asyncio_run(return_value, &i), i);
    ck_assert_int_eq(count_fds(), fds);
}
END_TEST

START_TEST(an_unknown_back_end_is_einval)
{
    struct asyncio_runner_options options = {.backend = "select"};
    asyncio_runner *runner = NULL;
    ck_assert_int_eq(asyncio_runner_new(&options, &runner), -EINVAL);
    ck_assert_ptr_null(runner);
    setenv("ASYNCIO_BACKEND", "select", 1);
    ck_assert_int_eq(asyncio_run(returns_17, NULL), -EINVAL);
    setenv("ASYNCIO_BACKEND", "", 1);
    ck_assert_int_eq(asyncio_run(returns_17, NULL), 17);
}
END_TEST

SCENARIO(the_back_end_is_the_one_asked_for)
{
    ck_assert_ptr_nonnull(asyncio_backend_name());
    const char *name = getenv("ASYNCIO_BACKEND");
    if (name)
        ck_assert_str_eq(asyncio_backend_name(), name);
}

START_TEST(outside_of_a_loop_there_is_nothing)
{
    ck_assert_ptr_null(asyncio_backend_name());
    ck_assert_ptr_null(asyncio_get_running_loop());
    ck_assert_double_gt(asyncio_time(), 0);
    ck_assert_int_eq(asyncio_run(returns_17, NULL), 17);
    ck_assert_ptr_null(asyncio_backend_name());
    ck_assert_ptr_null(asyncio_get_running_loop());
    ck_assert_int_eq(asyncio_task_error(asyncio_current_task()), -EPERM);
}
END_TEST

/* ---- the end of a run ---- */

static int ended_count;

static int note_end(void *arg)
{
    (void)arg;
    int err = asyncio_sleep(ASYNCIO_FOREVER);
    ended_count++;
    return err;
}

static int note_end_slowly(void *arg)
{
    struct asyncio_shield shield;
    int err = asyncio_sleep(ASYNCIO_FOREVER);
    ck_assert_int_eq(asyncio_shield_begin(&shield, ASYNCIO_FOREVER), 0);
    ck_assert_int_eq(asyncio_sleep(*(double *)arg), 0);
    ended_count++;
    return asyncio_shield_end(&shield, err);
}

static int leave_tasks_behind(void *arg)
{
    asyncio_create_task(note_end, NULL);
    asyncio_create_task(note_end_slowly, arg);
    asyncio_task detached = asyncio_create_task(note_end, NULL);
    ck_assert_int_eq(asyncio_task_detach(detached), 0);
    detached = asyncio_create_task(note_end_slowly, arg);
    ck_assert_int_eq(asyncio_task_detach(detached), 0);
    return 5;
}

START_TEST(the_end_cancels_what_is_left_and_waits)
{
    double tick = TICK;
    ended_count = 0;
    ck_assert_int_eq(asyncio_run(leave_tasks_behind, &tick), 5);
    ck_assert_int_eq(ended_count, 4);
    for (uint64_t seed = 0; seed < RIG_SEEDS; seed++) {
        ended_count = 0;
        ck_assert_int_eq(asyncio_run_simulated(seed, leave_tasks_behind, &tick),
                         5);
        ck_assert_int_eq(ended_count, 4);
    }
}
END_TEST

static int start_more_at_the_end(void *arg)
{
    int *left = arg;
    int err = asyncio_sleep(ASYNCIO_FOREVER);
    ended_count++;
    if (--*left > 0) {
        asyncio_task task = asyncio_create_task(start_more_at_the_end, left);
        ck_assert_int_eq(asyncio_task_detach(task), 0);
    }
    return err;
}

static int leave_a_chain_behind(void *arg)
{
    asyncio_task task = asyncio_create_task(start_more_at_the_end, arg);
    return asyncio_task_detach(task);
}

START_TEST(what_is_started_during_the_end_ends_too)
{
    int left = 20;
    ended_count = 0;
    ck_assert_int_eq(asyncio_run(leave_a_chain_behind, &left), 0);
    ck_assert_int_eq(ended_count, 20);
}
END_TEST

/* A task that the run's end does not reach, since it is shielded, gives
 * another one to the runner, which has begun to end. */
static int detach_under_shield(void *arg)
{
    struct asyncio_shield shield;
    struct asyncio_group group;
    int err = asyncio_sleep(ASYNCIO_FOREVER);
    ck_assert_int_eq(asyncio_shield_begin(&shield, ASYNCIO_FOREVER), 0);
    ck_assert_int_eq(asyncio_group_begin(&group), 0);
    asyncio_group_create_task(&group, leave_a_chain_behind, arg);
    ck_assert_int_eq(asyncio_group_end(&group, 0), 0);
    return asyncio_shield_end(&shield, err);
}

static int leave_a_shielded_one_behind(void *arg)
{
    asyncio_task task = asyncio_create_task(detach_under_shield, arg);
    int err = asyncio_task_detach(task);
    return err < 0 ? err : asyncio_sleep(0);
}

START_TEST(what_is_detached_under_a_shield_during_the_end_ends_too)
{
    int left = 1;
    ended_count = 0;
    ck_assert_int_eq(asyncio_run(leave_a_shielded_one_behind, &left), 0);
    ck_assert_int_eq(ended_count, 1);
}
END_TEST

/* ---- the runner ---- */

static int count_up(void *arg)
{
    int *count = arg;
    ++*count;
    int err = asyncio_sleep(TICK);
    return err < 0 ? err : *count;
}

START_TEST(a_runner_runs_several_mains)
{
    asyncio_runner *runner;
    int count = 0;
    ck_assert_int_eq(asyncio_runner_new(NULL, &runner), 0);
    for (int i = 1; i <= 5; i++)
        ck_assert_int_eq(asyncio_runner_run(runner, count_up, &count), i);
    int failure = -EIO;
    ck_assert_int_eq(asyncio_runner_run(runner, return_value, &failure), -EIO);
    ck_assert_int_eq(asyncio_runner_run(runner, count_up, &count), 6);
    asyncio_runner_free(runner);
}
END_TEST

START_TEST(a_runner_that_never_ran_is_freed)
{
    int fds = count_fds();
    asyncio_runner *runner;
    ck_assert_int_eq(asyncio_runner_new(NULL, &runner), 0);
    asyncio_runner_free(runner);
    ck_assert_int_eq(count_fds(), fds);
}
END_TEST

static int ticks_seen;
static asyncio_task ticker_task;

static int ticker(void *arg)
{
    int err;
    (void)arg;
    while ((err = asyncio_sleep(TICK)) == 0)
        ticks_seen++;
    ended_count++;
    return err;
}

static int start_ticker(void *arg)
{
    (void)arg;
    ticker_task = asyncio_create_task(ticker, NULL);
    return asyncio_task_detach(ticker_task);
}

static int sleep_some_ticks(void *arg)
{
    (void)arg;
    int seen = ticks_seen;
    ck_assert(!asyncio_task_is_done(ticker_task));
    while (ticks_seen < seen + 3)
        ck_assert_int_eq(asyncio_sleep(TICK), 0);
    return 0;
}

START_TEST(detached_tasks_go_on_in_the_next_run)
{
    asyncio_runner *runner;
    ck_assert_int_eq(asyncio_runner_new(NULL, &runner), 0);
    ended_count = ticks_seen = 0;
    ck_assert_int_eq(asyncio_runner_run(runner, start_ticker, NULL), 0);
    ck_assert_int_eq(asyncio_runner_run(runner, sleep_some_ticks, NULL), 0);
    ck_assert_int_eq(asyncio_runner_run(runner, sleep_some_ticks, NULL), 0);
    ck_assert_int_eq(ended_count, 0);
    asyncio_runner_free(runner);
    ck_assert_int_eq(ended_count, 1);
    ck_assert_int_ge(ticks_seen, 6);
}
END_TEST

static int children_before_main_counts(void *arg)
{
    (void)arg;
    asyncio_create_task(note_end, NULL);
    return 0;
}

static int count_all_tasks(void *arg)
{
    (void)arg;
    return asyncio_all_tasks(NULL, 0);
}

START_TEST(what_a_main_did_not_detach_ends_with_it)
{
    asyncio_runner *runner;
    ck_assert_int_eq(asyncio_runner_new(NULL, &runner), 0);
    ended_count = 0;
    ck_assert_int_eq(
        asyncio_runner_run(runner, children_before_main_counts, NULL), 0);
    ck_assert_int_eq(ended_count, 1);
    ck_assert_int_eq(asyncio_runner_run(runner, count_all_tasks, NULL), 1);
    asyncio_runner_free(runner);
}
END_TEST

struct elsewhere {
    asyncio_runner *runner;
    int result;
};

static void *run_elsewhere(void *arg)
{
    struct elsewhere *elsewhere = arg;
    elsewhere->result =
        asyncio_runner_run(elsewhere->runner, returns_17, NULL);
    return NULL;
}

START_TEST(another_threads_runner_is_eperm)
{
    struct elsewhere elsewhere = {0};
    pthread_t thread;
    ck_assert_int_eq(asyncio_runner_new(NULL, &elsewhere.runner), 0);
    pthread_create(&thread, NULL, run_elsewhere, &elsewhere);
    pthread_join(thread, NULL);
    ck_assert_int_eq(elsewhere.result, -EPERM);
    ck_assert_int_eq(asyncio_runner_run(elsewhere.runner, returns_17, NULL),
                     17);
    asyncio_runner_free(elsewhere.runner);
}
END_TEST

static int use_inner_runner(void *arg)
{
    (void)arg;
    asyncio_runner *inner;
    ck_assert_int_eq(asyncio_runner_new(NULL, &inner), 0);
    ck_assert_int_eq(asyncio_runner_run(inner, returns_17, NULL), -EBUSY);
    asyncio_runner_free(inner);
    return asyncio_sleep(0);
}

START_TEST(a_runner_made_in_a_task_cannot_run_there)
{
    ck_assert_int_eq(asyncio_run(use_inner_runner, NULL), 0);
}
END_TEST

static asyncio_runner *shared_runner;

static int free_the_runner(void *arg)
{
    asyncio_runner_free(shared_runner);
    return *(int *)arg;
}

static void free_a_running_runner(void *arg)
{
    int result = 0;
    (void)arg;
    asyncio_runner_new(NULL, &shared_runner);
    asyncio_runner_run(shared_runner, free_the_runner, &result);
}

START_TEST(a_runner_freed_by_its_own_task_aborts)
{
    struct outcome outcome = in_child(free_a_running_runner, NULL);
    assert_died(&outcome, SIGABRT);
    assert_said(&outcome, "asyncio_runner_free");
}
END_TEST

/* ---- options ---- */

static int depth_bytes(void *arg)
{
    volatile char room[32 * 1024];
    memset((void *)room, 1, sizeof room);
    return room[sizeof room - 1] + *(int *)arg;
}

START_TEST(options_of_a_runner_are_heeded)
{
    struct asyncio_runner_options options = {
        .backend = "sim", .stack_size = 1024 * 1024, .seed = 7};
    asyncio_runner *runner;
    int one = 1;
    ck_assert_int_eq(asyncio_runner_new(&options, &runner), 0);
    ck_assert_int_eq(asyncio_runner_run(runner, depth_bytes, &one), 2);
    asyncio_runner_free(runner);

    options = (struct asyncio_runner_options){.stack_size = 16 * 1024};
    ck_assert_int_eq(asyncio_runner_new(&options, &runner), 0);
    ck_assert_int_eq(asyncio_runner_run(runner, return_value, &one), 1);
    asyncio_runner_free(runner);

    options = (struct asyncio_runner_options){.stack_size = 8 * 1024,
                                              .dense_stacks = true};
    ck_assert_int_eq(asyncio_runner_new(&options, &runner), 0);
    ck_assert_int_eq(asyncio_runner_run(runner, return_value, &one), 1);
    asyncio_runner_free(runner);
}
END_TEST

START_TEST(stack_sizes_out_of_bounds_are_einval)
{
    struct asyncio_runner_options options[] = {
        {.stack_size = 1},
        {.stack_size = 4096},
        {.stack_size = (size_t)1 << 40},
        {.stack_size = SIZE_MAX},
        {.stack_size = 1024, .dense_stacks = true},
    };
    int fds = count_fds();
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        asyncio_runner *runner = NULL;
        ck_assert_int_eq(asyncio_runner_new(&options[i], &runner), -EINVAL);
        ck_assert_ptr_null(runner);
    }
    ck_assert_int_eq(count_fds(), fds);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("run");
    suite_case(suite, run_returns_what_the_function_returned);
    suite_case(suite, run_without_a_function_is_einval);
    suite_case(suite, a_nested_run_is_ebusy);
    suite_case(suite, a_run_in_a_callback_is_ebusy);
    suite_case(suite, runs_follow_one_another);
    suite_case(suite, an_unknown_back_end_is_einval);
    suite_case(suite, the_back_end_is_the_one_asked_for);
    suite_case(suite, outside_of_a_loop_there_is_nothing);
    suite_case(suite, the_end_cancels_what_is_left_and_waits);
    suite_case(suite, what_is_started_during_the_end_ends_too);
    suite_case(suite, what_is_detached_under_a_shield_during_the_end_ends_too);
    suite_case(suite, a_runner_runs_several_mains);
    suite_case(suite, a_runner_that_never_ran_is_freed);
    suite_case(suite, detached_tasks_go_on_in_the_next_run);
    suite_case(suite, what_a_main_did_not_detach_ends_with_it);
    suite_case(suite, another_threads_runner_is_eperm);
    suite_case(suite, a_runner_made_in_a_task_cannot_run_there);
    suite_case(suite, a_runner_freed_by_its_own_task_aborts);
    suite_case(suite, options_of_a_runner_are_heeded);
    suite_case(suite, stack_sizes_out_of_bounds_are_einval);
    return suite;
}
