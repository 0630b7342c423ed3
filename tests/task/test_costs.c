/* SPDX-License-Identifier: MIT */
/* What costs nothing: no allocation on the warm paths, no descriptor for a
 * program that never waits. */
#include "rig.h"

#include "base/mem.h"

/* Calls fn(arg) twice in a run: the second time it must not allocate. */
struct path {
    asyncio_fn *fn;
    void *arg;
};

static int walk_twice(void *arg)
{
    struct path *path = arg;
    /* Each length of a crowd has its own high-water mark. */
    for (int i = 0; i < 3; i++)
        ck_assert_int_ge(path->fn(path->arg), 0);
    uint64_t before = mem_alloc_count();
    for (int i = 0; i < 3; i++)
        ck_assert_int_ge(path->fn(path->arg), 0);
    return (int)(mem_alloc_count() - before);
}

static void assert_free(asyncio_fn *fn, void *arg)
{
    struct path path = {fn, arg};
    ck_assert_int_eq(asyncio_run(walk_twice, &path), 0);
    ck_assert_int_eq(asyncio_run_simulated(1, walk_twice, &path), 0);
}

static int yield_often(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(asyncio_sleep(0), 0);
    return 0;
}

static int sleep_briefly(void *arg)
{
    (void)arg;
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(asyncio_sleep(1e-6), 0);
    return 0;
}

START_TEST(yielding_and_sleeping_allocate_nothing)
{
    assert_free(yield_often, NULL);
    assert_free(sleep_briefly, NULL);
}
END_TEST

static int spawn_and_await(void *arg)
{
    int result = 1;
    (void)arg;
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(
            asyncio_await(asyncio_create_task(return_value, &result)), 1);
    return 0;
}

static int spawn_a_crowd(void *arg)
{
    enum { CROWD = 500 };
    static asyncio_task tasks[CROWD];
    double seconds = 1e-6;
    (void)arg;
    for (int i = 0; i < CROWD; i++)
        tasks[i] = asyncio_create_task(sleep_seconds, &seconds);
    return asyncio_gather(tasks, CROWD, NULL);
}

static int spawn_and_detach(void *arg)
{
    static int result = 1;
    (void)arg;
    for (int i = 0; i < 100; i++)
        asyncio_task_detach(asyncio_create_task(return_value, &result));
    let_others_run();
    return 0;
}

static int spawn_named_with_argument(void *arg)
{
    struct asyncio_task_options options = {.name = "copied",
                                           .arg_size = sizeof(int)};
    int number = 5;
    (void)arg;
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(asyncio_await(asyncio_create_task_with(
                             return_value, &number, &options)),
                         5);
    return 0;
}

static int spawn_with_its_own_stack_size(void *arg)
{
    struct asyncio_task_options options = {.stack_size = 512 * 1024};
    int number = 5;
    (void)arg;
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(asyncio_await(asyncio_create_task_with(
                             return_value, &number, &options)),
                         5);
    return 0;
}

START_TEST(starting_and_joining_tasks_allocate_nothing)
{
    assert_free(spawn_and_await, NULL);
    assert_free(spawn_a_crowd, NULL);
    assert_free(spawn_and_detach, NULL);
    assert_free(spawn_named_with_argument, NULL);
    assert_free(spawn_with_its_own_stack_size, NULL);
}
END_TEST

static int open_scopes(void *arg)
{
    struct asyncio_timeout timeout;
    struct asyncio_shield shield;
    struct asyncio_group group;
    double seconds = 1e-6;
    (void)arg;
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 1000), 0);
    ck_assert_int_eq(asyncio_shield_begin(&shield, 1000), 0);
    ck_assert_int_eq(asyncio_group_begin(&group), 0);
    for (int i = 0; i < 10; i++)
        asyncio_group_create_task(&group, sleep_seconds, &seconds);
    int err = asyncio_group_end(&group, 0);
    err = asyncio_shield_end(&shield, err);
    err = asyncio_timeout_end(&timeout, err);
    ck_assert_int_eq(asyncio_timeout_run(0, sleep_seconds, &seconds),
                     -ETIMEDOUT);
    return err;
}

static int wait_in_every_way(void *arg)
{
    asyncio_task tasks[5];
    struct asyncio_as_completed it;
    double seconds = 1e-6;
    (void)arg;
    for (int i = 0; i < 5; i++)
        tasks[i] = asyncio_create_task(sleep_seconds, &seconds);
    ck_assert_int_gt(
        asyncio_wait(tasks, 5, ASYNCIO_FIRST_COMPLETED, 1000, NULL), 0);
    ck_assert_int_eq(asyncio_await(tasks[4]), 0);
    ck_assert_int_eq(asyncio_wait_for(tasks[3], 1000), 0);
    ck_assert_int_eq(asyncio_as_completed_init(&it, tasks, 3), 0);
    while (asyncio_as_completed_next(&it, NULL, NULL) > 0)
        continue;
    asyncio_as_completed_fini(&it);
    return 0;
}

static int cancel_some(void *arg)
{
    asyncio_task tasks[5];
    (void)arg;
    for (int i = 0; i < 5; i++) {
        tasks[i] = asyncio_create_task(sleep_for_ever, NULL);
        asyncio_task_cancel(tasks[i]);
    }
    ck_assert_int_eq(asyncio_gather(tasks, 5, NULL), -ECANCELED);
    return 0;
}

START_TEST(scopes_waits_and_cancels_allocate_nothing)
{
    assert_free(open_scopes, NULL);
    assert_free(wait_in_every_way, NULL);
    assert_free(cancel_some, NULL);
}
END_TEST

static void nothing(void *arg)
{
    (void)arg;
}

static int call_back(void *arg)
{
    asyncio_handle handle;
    (void)arg;
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(asyncio_call_soon(nothing, NULL, NULL), 0);
        ck_assert_int_eq(asyncio_call_later(1e-6, nothing, NULL, NULL), 0);
        ck_assert_int_eq(asyncio_call_later(1000, nothing, NULL, &handle), 0);
        ck_assert_int_eq(asyncio_handle_cancel(handle), 0);
        /* One that is never due is no timer of the wheel. */
        ck_assert_int_eq(
            asyncio_call_later(ASYNCIO_FOREVER, nothing, NULL, &handle), 0);
        ck_assert_int_eq(asyncio_handle_cancel(handle), 0);
    }
    ck_assert_int_eq(asyncio_sleep(1e-3), 0);
    return 0;
}

START_TEST(callbacks_allocate_nothing)
{
    assert_free(call_back, NULL);
}
END_TEST

static int fds_within(void *arg)
{
    int *before = arg;
    return count_fds() - *before;
}

START_TEST(a_program_that_never_waits_opens_nothing)
{
    int before = count_fds();
    ck_assert_int_eq(asyncio_run(fds_within, &before), 0);
    ck_assert_int_eq(asyncio_run_simulated(1, fds_within, &before), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("costs");
    suite_case(suite, yielding_and_sleeping_allocate_nothing);
    suite_case(suite, starting_and_joining_tasks_allocate_nothing);
    suite_case(suite, scopes_waits_and_cancels_allocate_nothing);
    suite_case(suite, callbacks_allocate_nothing);
    suite_case(suite, a_program_that_never_waits_opens_nothing);
    return suite;
}
