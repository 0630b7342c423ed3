/* SPDX-License-Identifier: MIT */
/* Creating tasks: what is passed, what is refused, names, handles, stacks. */
#include "rig.h"

#include <pthread.h>

/* ---- what creation answers ---- */

SCENARIO(a_new_task_runs_when_the_caller_suspends)
{
    struct job job = {.result = 4};
    asyncio_task task = asyncio_create_task(run_job, &job);
    ck_assert_int_eq(asyncio_task_error(task), 0);
    ck_assert(!job.began);
    ck_assert(!asyncio_task_is_done(task));
    ck_assert_int_eq(asyncio_await(task), 4);
    ck_assert(job.began);
}

SCENARIO(a_null_function_gives_the_null_task)
{
    asyncio_task task = asyncio_create_task(NULL, NULL);
    ck_assert_int_eq(asyncio_task_error(task), -EINVAL);
    ck_assert_int_eq(asyncio_await(task), -EINVAL);
}

SCENARIO(the_null_task_answers_enomem_to_everything)
{
    asyncio_task null = {0};
    char name[8];
    int result = 1;
    bool done;
    ck_assert_int_eq(asyncio_task_error(null), -ENOMEM);
    ck_assert_int_eq(asyncio_await(null), -ENOMEM);
    ck_assert_int_eq(asyncio_wait_for(null, 1), -ENOMEM);
    ck_assert_int_eq(asyncio_task_detach(null), -ENOMEM);
    ck_assert_int_eq(asyncio_task_cancel(null), -ENOMEM);
    ck_assert_int_eq(asyncio_task_set_name(null, "x"), -ENOMEM);
    ck_assert_int_eq(asyncio_task_get_name(null, name, sizeof name), -ENOMEM);
    ck_assert_int_eq(asyncio_gather(&null, 1, &result), -ENOMEM);
    ck_assert_int_eq(result, -ENOMEM);
    ck_assert_int_eq(
        asyncio_wait(&null, 1, ASYNCIO_ALL_COMPLETED, 1, &done), -ENOMEM);
    ck_assert(asyncio_task_is_done(null));
    ck_assert(!asyncio_task_is_cancelled(null));
}

START_TEST(outside_of_tasks_everything_is_eperm)
{
    struct asyncio_as_completed it;
    asyncio_task task = asyncio_create_task(return_value, NULL);
    ck_assert_int_eq(asyncio_task_error(task), -EPERM);
    ck_assert_int_eq(asyncio_await(task), -EPERM);
    ck_assert_int_eq(asyncio_sleep(0), -EPERM);
    ck_assert_int_eq(asyncio_gather(NULL, 0, NULL), -EPERM);
    ck_assert_int_eq(asyncio_gather(&task, 1, NULL), -EPERM);
    ck_assert_int_eq(
        asyncio_wait(&task, 1, ASYNCIO_ALL_COMPLETED, 1, NULL), -EPERM);
    ck_assert_int_eq(asyncio_as_completed_init(&it, &task, 1), -EPERM);
    ck_assert_int_eq(asyncio_check_cancelled(), -EPERM);
    ck_assert_int_eq(asyncio_all_tasks(NULL, 0), -EPERM);
    ck_assert_int_eq(asyncio_task_error(asyncio_current_task()), -EPERM);
    ck_assert_int_eq(asyncio_wait_child(1, NULL), -EPERM);
}
END_TEST

START_TEST(scopes_outside_of_tasks_are_eperm)
{
    struct asyncio_timeout timeout;
    struct asyncio_shield shield;
    struct asyncio_group group;
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 1), -EPERM);
    ck_assert_int_eq(asyncio_timeout_at(&timeout, 1), -EPERM);
    ck_assert_int_eq(asyncio_shield_begin(&shield, 1), -EPERM);
    ck_assert_int_eq(asyncio_group_begin(&group), -EPERM);
    ck_assert_int_eq(asyncio_timeout_run(1, return_value, NULL), -EPERM);
    ck_assert_int_eq(asyncio_shield_run(1, return_value, NULL), -EPERM);
}
END_TEST

static asyncio_task survivor;

static int leave_a_handle(void *arg)
{
    (void)arg;
    survivor = asyncio_current_task();
    return asyncio_sleep(0);
}

START_TEST(a_handle_is_eperm_where_no_loop_runs)
{
    ck_assert_int_eq(asyncio_run(leave_a_handle, NULL), 0);
    ck_assert_int_eq(asyncio_await(survivor), -EPERM);
    ck_assert_int_eq(asyncio_task_cancel(survivor), -EPERM);
    ck_assert_int_eq(asyncio_task_error(survivor), -EPERM);
}
END_TEST

static void calls_in_a_callback(void *arg)
{
    asyncio_task *task = arg;
    ck_assert_int_eq(asyncio_sleep(1), -EPERM);
    ck_assert_int_eq(asyncio_await(*task), -EPERM);
    ck_assert_int_eq(asyncio_task_error(asyncio_create_task(return_value, 0)),
                     -EPERM);
    ck_assert_int_eq(asyncio_task_error(asyncio_current_task()), -EPERM);
    ck_assert_int_eq(asyncio_check_cancelled(), -EPERM);
    /* What does not suspend works there, too. */
    ck_assert_int_eq(asyncio_task_error(*task), 0);
    ck_assert_int_eq(asyncio_all_tasks(NULL, 0), 2);
    ck_assert_int_eq(asyncio_task_cancel(*task), 0);
}

SCENARIO(in_a_callback_there_is_no_task)
{
    asyncio_task task = asyncio_create_task(sleep_for_ever, NULL);
    ck_assert_int_eq(asyncio_call_soon(calls_in_a_callback, &task, NULL), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
}

/* ---- handles of other loops ---- */

static int use_a_strangers_handle(void *arg)
{
    asyncio_task *task = arg;
    char name[8];
    ck_assert_int_eq(asyncio_await(*task), -EXDEV);
    ck_assert_int_eq(asyncio_task_cancel(*task), -EXDEV);
    ck_assert_int_eq(asyncio_task_detach(*task), -EXDEV);
    ck_assert_int_eq(asyncio_task_error(*task), -EXDEV);
    ck_assert_int_eq(asyncio_task_set_name(*task, "mine"), -EXDEV);
    ck_assert_int_eq(asyncio_task_get_name(*task, name, sizeof name), -EXDEV);
    ck_assert_int_eq(asyncio_gather(task, 1, NULL), -EXDEV);
    ck_assert(asyncio_task_is_done(*task));
    return 0;
}

static void *run_with_a_strangers_handle(void *arg)
{
    int err = asyncio_run(use_a_strangers_handle, arg);
    return (void *)(intptr_t)err;
}

SCENARIO(a_task_of_another_threads_loop_is_exdev)
{
    pthread_t thread;
    void *err;
    asyncio_task task = asyncio_create_task(sleep_for_ever, NULL);
    pthread_create(&thread, NULL, run_with_a_strangers_handle, &task);
    pthread_join(thread, &err);
    ck_assert_ptr_null(err);
    ck_assert(!asyncio_task_is_done(task));
}

START_TEST(a_task_of_an_ended_loop_is_exdev)
{
    ck_assert_int_eq(asyncio_run(leave_a_handle, NULL), 0);
    ck_assert_int_eq(asyncio_run(use_a_strangers_handle, &survivor), 0);
}
END_TEST

static int add_to_a_strangers_group(void *arg)
{
    asyncio_task task = asyncio_group_create_task(arg, return_value, NULL);
    return asyncio_task_error(task);
}

static void *use_group_elsewhere(void *arg)
{
    return (void *)(intptr_t)asyncio_run(add_to_a_strangers_group, arg);
}

SCENARIO(a_group_of_another_threads_loop_is_exdev)
{
    struct asyncio_group group;
    pthread_t thread;
    void *err;
    ck_assert_int_eq(asyncio_group_begin(&group), 0);
    pthread_create(&thread, NULL, use_group_elsewhere, &group);
    pthread_join(thread, &err);
    ck_assert_int_eq((int)(intptr_t)err, -EXDEV);
    ck_assert_int_eq(asyncio_group_end(&group, 0), 0);
}

/* ---- the argument ---- */

struct numbers {
    long values[16];
};

static int sum(void *arg)
{
    const struct numbers *numbers = arg;
    long total = 0;
    for (size_t i = 0; i < ARRAY_SIZE(numbers->values); i++)
        total += numbers->values[i];
    int err = asyncio_sleep(0);
    return err < 0 ? err : (int)total;
}

SCENARIO(a_copied_argument_may_change_meanwhile)
{
    struct asyncio_task_options options = {.arg_size = sizeof(struct numbers)};
    asyncio_task tasks[10];
    int results[10];
    for (int i = 0; i < 10; i++) {
        struct numbers numbers;
        for (size_t j = 0; j < ARRAY_SIZE(numbers.values); j++)
            numbers.values[j] = i;
        tasks[i] = asyncio_create_task_with(sum, &numbers, &options);
        memset(&numbers, 0x55, sizeof numbers);
    }
    ck_assert_int_eq(asyncio_gather(tasks, 10, results), 0);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(results[i], 16 * i);
}

static int is_aligned(void *arg)
{
    return (uintptr_t)arg % 64 == 0 && *(char *)arg == 'x';
}

SCENARIO(a_copied_argument_is_aligned)
{
    struct asyncio_task_options options = {.name = "aligned"};
    char bytes[300];
    memset(bytes, 'x', sizeof bytes);
    for (size_t size = 1; size <= sizeof bytes; size += 13) {
        options.arg_size = size;
        asyncio_task task =
            asyncio_create_task_with(is_aligned, bytes, &options);
        ck_assert_int_eq(asyncio_await(task), 1);
    }
}

static int last_byte(void *arg)
{
    const char *bytes = arg;
    return bytes[48 * 1024 - 1];
}

SCENARIO(an_argument_of_a_quarter_of_the_stack_is_the_limit)
{
    static char bytes[64 * 1024];
    size_t quarter = (256 - 64) * 1024 / 4;
    struct asyncio_task_options options = {.arg_size = quarter};
    bytes[48 * 1024 - 1] = 'z';
    asyncio_task task = asyncio_create_task_with(last_byte, bytes, &options);
    ck_assert_int_eq(asyncio_await(task), 'z');
    options.arg_size = quarter + 1;
    task = asyncio_create_task_with(last_byte, bytes, &options);
    ck_assert_int_eq(asyncio_task_error(task), -EINVAL);
    options.arg_size = SIZE_MAX;
    task = asyncio_create_task_with(last_byte, bytes, &options);
    ck_assert_int_eq(asyncio_task_error(task), -EINVAL);
    options.arg_size = 1;
    task = asyncio_create_task_with(last_byte, NULL, &options);
    ck_assert_int_eq(asyncio_task_error(task), -EINVAL);
}

/* ---- names ---- */

SCENARIO(tasks_have_names)
{
    char name[64];
    asyncio_task self = asyncio_current_task();
    int len = asyncio_task_get_name(self, name, sizeof name);
    ck_assert_int_eq(len, (int)strlen(name));
    ck_assert_int_eq(strncmp(name, "task-", 5), 0);
    ck_assert_int_eq(asyncio_task_set_name(self, "main"), 0);
    ck_assert_int_eq(asyncio_task_get_name(self, name, sizeof name), 4);
    ck_assert_str_eq(name, "main");
    /* Cut to fit, and told how long it is. */
    ck_assert_int_eq(asyncio_task_get_name(self, name, 3), 4);
    ck_assert_str_eq(name, "ma");
    ck_assert_int_eq(asyncio_task_get_name(self, NULL, 0), 4);
    ck_assert_int_eq(asyncio_task_set_name(self, NULL), -EINVAL);
}

SCENARIO(default_names_differ)
{
    char first[40], second[40];
    asyncio_task tasks[2];
    double seconds = 0;
    for (int i = 0; i < 2; i++)
        tasks[i] = asyncio_create_task(sleep_seconds, &seconds);
    asyncio_task_get_name(tasks[0], first, sizeof first);
    asyncio_task_get_name(tasks[1], second, sizeof second);
    ck_assert_str_ne(first, second);
    ck_assert_int_eq(asyncio_gather(tasks, 2, NULL), 0);
}

SCENARIO(long_names_are_cut_at_31_bytes)
{
    char name[64];
    const char *longer = "0123456789012345678901234567890123456789";
    double seconds = 0;
    struct asyncio_task_options options = {.name = longer};
    asyncio_task task =
        asyncio_create_task_with(sleep_seconds, &seconds, &options);
    ck_assert_int_eq(asyncio_task_get_name(task, name, sizeof name), 31);
    ck_assert_str_eq(name, "0123456789012345678901234567890");
    ck_assert_int_eq(asyncio_task_set_name(task, longer + 1), 0);
    ck_assert_int_eq(asyncio_task_get_name(task, name, sizeof name), 31);
    ck_assert_str_eq(name, "1234567890123456789012345678901");
    ck_assert_int_eq(asyncio_task_set_name(task, ""), 0);
    ck_assert_int_eq(asyncio_task_get_name(task, name, sizeof name), 0);
    ck_assert_str_eq(name, "");
    ck_assert_int_eq(asyncio_await(task), 0);
}

/* ---- handles ---- */

static int return_own_handle(void *arg)
{
    *(asyncio_task *)arg = asyncio_current_task();
    return 0;
}

SCENARIO(current_is_the_handle_that_create_gave)
{
    asyncio_task seen;
    asyncio_task task = asyncio_create_task(return_own_handle, &seen);
    ck_assert_int_eq(asyncio_await(task), 0);
    ck_assert(asyncio_task_equal(task, seen));
    ck_assert(!asyncio_task_equal(task, asyncio_current_task()));
}

SCENARIO(a_stale_handle_is_esrch_and_no_strangers_task)
{
    int one = 1, two = 2;
    char name[8];
    asyncio_task old = asyncio_create_task(return_value, &one);
    ck_assert_int_eq(asyncio_await(old), 1);
    asyncio_task new = asyncio_create_task(return_value, &two);
    ck_assert(!asyncio_task_equal(old, new));
    ck_assert_int_eq(asyncio_await(old), -ESRCH);
    ck_assert_int_eq(asyncio_wait_for(old, 1), -ESRCH);
    ck_assert_int_eq(asyncio_task_cancel(old), -ESRCH);
    ck_assert_int_eq(asyncio_task_detach(old), -ESRCH);
    ck_assert_int_eq(asyncio_task_set_name(old, "x"), -ESRCH);
    ck_assert_int_eq(asyncio_task_get_name(old, name, sizeof name), -ESRCH);
    ck_assert_int_eq(asyncio_task_error(old), -ESRCH);
    ck_assert(asyncio_task_is_done(old));
    ck_assert(!asyncio_task_is_cancelled(old));
    ck_assert(!asyncio_task_is_done(new));
    ck_assert(!asyncio_task_is_cancelled(new));
    ck_assert_int_eq(asyncio_await(new), 2);
}

SCENARIO(a_made_up_handle_is_esrch)
{
    asyncio_task task = asyncio_current_task();
    task.generation_ += 2;
    ck_assert_int_eq(asyncio_await(task), -ESRCH);
    task = asyncio_current_task();
    task.slot_ = 4000000000u;
    ck_assert_int_eq(asyncio_await(task), -ESRCH);
}

SCENARIO(is_done_tells_the_end)
{
    struct job job = {.seconds = TICK, .result = 3};
    asyncio_task task = asyncio_create_task(run_job, &job);
    ck_assert(!asyncio_task_is_done(task));
    ck_assert_int_eq(asyncio_sleep(0), 0);
    ck_assert(!asyncio_task_is_done(task));
    while (!job.ended)
        ck_assert_int_eq(asyncio_sleep(TICK), 0);
    let_others_run();
    ck_assert(asyncio_task_is_done(task));
    ck_assert_int_eq(asyncio_task_error(task), 0);
    ck_assert_int_eq(asyncio_await(task), 3);
    ck_assert(asyncio_task_is_done(task));
}

SCENARIO(all_tasks_are_those_that_have_not_ended)
{
    asyncio_task tasks[3], seen[8];
    ck_assert_int_eq(asyncio_all_tasks(seen, 8), 1);
    ck_assert(asyncio_task_equal(seen[0], asyncio_current_task()));
    for (int i = 0; i < 3; i++)
        tasks[i] = asyncio_create_task(sleep_for_ever, NULL);
    ck_assert_int_eq(asyncio_all_tasks(NULL, 0), 4);
    memset(seen, 0, sizeof seen);
    ck_assert_int_eq(asyncio_all_tasks(seen, 2), 4);
    ck_assert_int_eq(asyncio_task_error(seen[2]), -ENOMEM);
    ck_assert_int_eq(asyncio_all_tasks(seen, 8), 4);
    for (int i = 0; i < 3; i++) {
        int found = 0;
        for (int j = 0; j < 4; j++)
            found += asyncio_task_equal(tasks[i], seen[j]);
        ck_assert_int_eq(found, 1);
        ck_assert_int_eq(asyncio_task_cancel(tasks[i]), 0);
    }
    let_others_run();
    /* Ended, though nobody has awaited them. */
    ck_assert_int_eq(asyncio_all_tasks(NULL, 0), 1);
    ck_assert_int_eq(asyncio_gather(tasks, 3, NULL), -ECANCELED);
}

/* ---- stacks ---- */

static int use_stack(void *arg)
{
    size_t size = *(size_t *)arg;
    volatile char *room = __builtin_alloca(size);
    for (size_t i = 0; i < size; i += 512)
        room[i] = 1;
    int err = asyncio_sleep(0);
    for (size_t i = 0; i < size; i += 512) {
        if (room[i] != 1)
            return -EIO;
    }
    return err;
}

SCENARIO(tasks_may_have_stacks_of_their_own_size)
{
    static const size_t sizes[] = {16 << 10, 64 << 10, 1 << 20, 8 << 20};
    size_t uses[ARRAY_SIZE(sizes)];
    asyncio_task tasks[ARRAY_SIZE(sizes)];
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct asyncio_task_options options = {.stack_size = sizes[i]};
        uses[i] = sizes[i] / 4;
        tasks[i] = asyncio_create_task_with(use_stack, &uses[i], &options);
    }
    ck_assert_int_eq(asyncio_gather(tasks, ARRAY_SIZE(sizes), NULL), 0);
}

SCENARIO(stack_sizes_out_of_bounds_are_einval)
{
    struct asyncio_task_options options[] = {
        {.stack_size = 1},
        {.stack_size = 8 * 1024},
        {.stack_size = ((size_t)1 << 30) + 1},
        {.stack_size = SIZE_MAX},
        {.stack_size = 1024, .dense_stack = true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        asyncio_task task =
            asyncio_create_task_with(return_value, NULL, &options[i]);
        ck_assert_int_eq(asyncio_task_error(task), -EINVAL);
    }
}

static int yield_and_return(void *arg)
{
    int err = asyncio_sleep(0);
    return err < 0 ? err : *(int *)arg;
}

/* Much smaller ones have no room for a sanitizer's larger frames. */
SCENARIO(dense_stacks_hold_small_tasks)
{
    enum { TASKS = 300 };
    struct asyncio_task_options options = {
        .stack_size = CTX_MARKED ? 64 * 1024 : 4 * 1024, .dense_stack = true};
    asyncio_task tasks[TASKS];
    int numbers[TASKS], results[TASKS];
    for (int i = 0; i < TASKS; i++) {
        numbers[i] = i;
        tasks[i] =
            asyncio_create_task_with(yield_and_return, &numbers[i], &options);
    }
    ck_assert_int_eq(asyncio_gather(tasks, TASKS, results), 0);
    for (int i = 0; i < TASKS; i++)
        ck_assert_int_eq(results[i], i);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("create");
    suite_case(suite, a_new_task_runs_when_the_caller_suspends);
    suite_case(suite, a_null_function_gives_the_null_task);
    suite_case(suite, the_null_task_answers_enomem_to_everything);
    suite_case(suite, outside_of_tasks_everything_is_eperm);
    suite_case(suite, scopes_outside_of_tasks_are_eperm);
    suite_case(suite, a_handle_is_eperm_where_no_loop_runs);
    suite_case(suite, in_a_callback_there_is_no_task);
    suite_case(suite, a_task_of_another_threads_loop_is_exdev);
    suite_case(suite, a_task_of_an_ended_loop_is_exdev);
    suite_case(suite, a_group_of_another_threads_loop_is_exdev);
    suite_case(suite, a_copied_argument_may_change_meanwhile);
    suite_case(suite, a_copied_argument_is_aligned);
    suite_case(suite, an_argument_of_a_quarter_of_the_stack_is_the_limit);
    suite_case(suite, tasks_have_names);
    suite_case(suite, default_names_differ);
    suite_case(suite, long_names_are_cut_at_31_bytes);
    suite_case(suite, current_is_the_handle_that_create_gave);
    suite_case(suite, a_stale_handle_is_esrch_and_no_strangers_task);
    suite_case(suite, a_made_up_handle_is_esrch);
    suite_case(suite, is_done_tells_the_end);
    suite_case(suite, all_tasks_are_those_that_have_not_ended);
    suite_case(suite, tasks_may_have_stacks_of_their_own_size);
    suite_case(suite, stack_sizes_out_of_bounds_are_einval);
    suite_case(suite, dense_stacks_hold_small_tasks);
    return suite;
}
