/* SPDX-License-Identifier: MIT */
/* Task-locals: inherited, changed on one's own, destroyed with the last. */
#include "rig.h"

#include "base/fault.h"
#include "base/mem.h"

static int destroyed;
static void *last_destroyed;

static void on_destroy(void *value)
{
    destroyed++;
    last_destroyed = value;
}

static struct asyncio_local plain;
static struct asyncio_local with_default = {.default_value = &plain};
static struct asyncio_local counted = {.destroy = on_destroy};
static struct asyncio_local freed = {.destroy = free};

START_TEST(outside_of_tasks_there_is_the_default)
{
    ck_assert_ptr_null(asyncio_local_get(&plain));
    ck_assert_ptr_eq(asyncio_local_get(&with_default), &plain);
    ck_assert_int_eq(asyncio_local_set(&plain, &plain), -EPERM);
}
END_TEST

SCENARIO(a_value_that_was_not_set_is_the_default)
{
    ck_assert_ptr_null(asyncio_local_get(&plain));
    ck_assert_ptr_eq(asyncio_local_get(&with_default), &plain);
}

SCENARIO(values_are_set_and_got)
{
    int a, b;
    ck_assert_int_eq(asyncio_local_set(&plain, &a), 0);
    ck_assert_int_eq(asyncio_local_set(&with_default, &b), 0);
    ck_assert_ptr_eq(asyncio_local_get(&plain), &a);
    ck_assert_ptr_eq(asyncio_local_get(&with_default), &b);
    ck_assert_int_eq(asyncio_local_set(&plain, &b), 0);
    ck_assert_ptr_eq(asyncio_local_get(&plain), &b);
    ck_assert_int_eq(asyncio_local_set(&with_default, NULL), 0);
    ck_assert_ptr_null(asyncio_local_get(&with_default));
}

struct seen {
    void *at_start;
    void *set;                   /* by it; NULL: leaves it */
    void *at_end;
};

static int look_and_set(void *arg)
{
    struct seen *seen = arg;
    seen->at_start = asyncio_local_get(&plain);
    if (seen->set)
        ck_assert_int_eq(asyncio_local_set(&plain, seen->set), 0);
    let_others_run();
    seen->at_end = asyncio_local_get(&plain);
    return 0;
}

SCENARIO(children_inherit_what_was_set_at_their_creation)
{
    int before, after;
    struct seen seen[2] = {{0}, {0}};
    asyncio_task tasks[2];
    ck_assert_int_eq(asyncio_local_set(&plain, &before), 0);
    tasks[0] = asyncio_create_task(look_and_set, &seen[0]);
    ck_assert_int_eq(asyncio_local_set(&plain, &after), 0);
    tasks[1] = asyncio_create_task(look_and_set, &seen[1]);
    ck_assert_int_eq(asyncio_gather(tasks, 2, NULL), 0);
    ck_assert_ptr_eq(seen[0].at_start, &before);
    ck_assert_ptr_eq(seen[0].at_end, &before);
    ck_assert_ptr_eq(seen[1].at_start, &after);
    ck_assert_ptr_eq(seen[1].at_end, &after);
}

SCENARIO(changes_are_a_tasks_own)
{
    int own, others[2];
    struct seen seen[2] = {{.set = &others[0]}, {.set = &others[1]}};
    asyncio_task tasks[2];
    ck_assert_int_eq(asyncio_local_set(&plain, &own), 0);
    for (int i = 0; i < 2; i++)
        tasks[i] = asyncio_create_task(look_and_set, &seen[i]);
    ck_assert_int_eq(asyncio_gather(tasks, 2, NULL), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_ptr_eq(seen[i].at_start, &own);
        ck_assert_ptr_eq(seen[i].at_end, &others[i]);
    }
    ck_assert_ptr_eq(asyncio_local_get(&plain), &own);
}

SCENARIO(a_groups_children_inherit_from_who_starts_them)
{
    struct asyncio_group group;
    int own;
    struct seen seen = {0};
    ck_assert_int_eq(asyncio_group_begin(&group), 0);
    ck_assert_int_eq(asyncio_local_set(&plain, &own), 0);
    asyncio_group_create_task(&group, look_and_set, &seen);
    ck_assert_int_eq(asyncio_group_end(&group, 0), 0);
    ck_assert_ptr_eq(seen.at_start, &own);
}

static int look_in_grandchild(void *arg)
{
    asyncio_task task = asyncio_create_task(look_and_set, arg);
    return asyncio_await(task);
}

SCENARIO(grandchildren_inherit_too)
{
    int own;
    struct seen seen = {0};
    ck_assert_int_eq(asyncio_local_set(&plain, &own), 0);
    asyncio_task task = asyncio_create_task(look_in_grandchild, &seen);
    ck_assert_int_eq(asyncio_await(task), 0);
    ck_assert_ptr_eq(seen.at_start, &own);
}

/* ---- destruction ---- */

static int set_counted(void *arg)
{
    ck_assert_int_eq(asyncio_local_set(&counted, arg), 0);
    return asyncio_sleep(0);
}

SCENARIO(a_value_is_destroyed_when_its_task_ends)
{
    int value;
    destroyed = 0;
    asyncio_task task = asyncio_create_task(set_counted, &value);
    ck_assert_int_eq(asyncio_await(task), 0);
    ck_assert_int_eq(destroyed, 1);
    ck_assert_ptr_eq(last_destroyed, &value);
}

static int set_and_start(void *arg)
{
    double *seconds = arg;
    ck_assert_int_eq(asyncio_local_set(&counted, arg), 0);
    asyncio_task child = asyncio_create_task(sleep_seconds, seconds);
    return asyncio_task_detach(child);
}

SCENARIO(a_value_is_destroyed_when_the_last_that_sees_it_ends)
{
    double seconds = TICK;
    destroyed = 0;
    asyncio_task task = asyncio_create_task(set_and_start, &seconds);
    ck_assert_int_eq(asyncio_await(task), 0);
    ck_assert_int_eq(destroyed, 0);
    while (!destroyed)
        ck_assert_int_eq(asyncio_sleep(TICK), 0);
    let_others_run();
    ck_assert_int_eq(destroyed, 1);
}

static int replace_counted(void *arg)
{
    char *values = arg;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(asyncio_local_set(&counted, &values[i]), 0);
    ck_assert_int_eq(destroyed, 2);
    /* The same again is no replacement. */
    ck_assert_int_eq(asyncio_local_set(&counted, &values[2]), 0);
    ck_assert_int_eq(destroyed, 2);
    return 0;
}

SCENARIO(a_replaced_value_is_destroyed)
{
    char values[3];
    destroyed = 0;
    asyncio_task task = asyncio_create_task(replace_counted, values);
    ck_assert_int_eq(asyncio_await(task), 0);
    ck_assert_int_eq(destroyed, 3);
}

static int set_inherited_again(void *arg)
{
    (void)arg;
    void *value = asyncio_local_get(&counted);
    ck_assert_int_eq(asyncio_local_set(&counted, value), 0);
    return asyncio_sleep(0);
}

static int share_and_set_again(void *arg)
{
    ck_assert_int_eq(asyncio_local_set(&counted, arg), 0);
    asyncio_task task = asyncio_create_task(set_inherited_again, NULL);
    ck_assert_int_eq(asyncio_local_set(&counted, arg), 0);
    int err = asyncio_await(task);
    ck_assert_int_eq(destroyed, 0);
    return err;
}

SCENARIO(a_shared_value_that_is_set_again_is_destroyed_once)
{
    int value;
    destroyed = 0;
    asyncio_task task = asyncio_create_task(share_and_set_again, &value);
    ck_assert_int_eq(asyncio_await(task), 0);
    ck_assert_int_eq(destroyed, 1);
}

static int set_two_keys(void *arg)
{
    (void)arg;
    ck_assert_int_eq(asyncio_local_set(&freed, malloc(10)), 0);
    ck_assert_int_eq(asyncio_local_set(&plain, &plain), 0);
    ck_assert_int_eq(asyncio_local_set(&counted, &counted), 0);
    return 0;
}

SCENARIO(each_key_destroys_its_own)
{
    destroyed = 0;
    asyncio_task task = asyncio_create_task(set_two_keys, NULL);
    ck_assert_int_eq(asyncio_await(task), 0);
    ck_assert_int_eq(destroyed, 1);
}

static struct job started_by_destroy;

static void start_a_task(void *value)
{
    (void)value;
    started_by_destroy = (struct job){.seconds = ASYNCIO_FOREVER};
    asyncio_create_task(run_job, &started_by_destroy);
}

static struct asyncio_local starting = {.destroy = start_a_task};

static int set_starting(void *arg)
{
    return asyncio_local_set(&starting, arg);
}

/* It is the program's code, and runs in the task that ends. */
SCENARIO(what_a_destructor_starts_ends_with_the_task)
{
    int value;
    asyncio_task task = asyncio_create_task(set_starting, &value);
    ck_assert_int_eq(asyncio_await(task), 0);
    ck_assert(started_by_destroy.ended);
}

/* ---- what it costs ---- */

static int set_many_times(void *arg)
{
    char *values = arg;
    uint64_t before = 0;
    for (int i = 0; i < 1000; i++) {
        if (i == 1)
            before = mem_alloc_count();
        ck_assert_int_eq(asyncio_local_set(&plain, &values[i % 2]), 0);
    }
    ck_assert_uint_eq(mem_alloc_count(), before);
    return 0;
}

SCENARIO(setting_repeatedly_allocates_nothing)
{
    char values[2];
    asyncio_task task = asyncio_create_task(set_many_times, values);
    ck_assert_int_eq(asyncio_await(task), 0);
}

static int set_without_memory(void *arg)
{
    int own, other;
    (void)arg;
    ck_assert_int_eq(asyncio_local_set(&counted, &own), 0);
    double seconds = 0;
    asyncio_task child = asyncio_create_task(sleep_seconds, &seconds);
    for (uint64_t n = 1; n <= 2; n++) {
        fault_arm(FAULT_MEMORY, n);
        ck_assert_int_eq(asyncio_local_set(&counted, &other), -ENOMEM);
        fault_disarm();
        ck_assert_ptr_eq(asyncio_local_get(&counted), &own);
    }
    ck_assert_int_eq(destroyed, 0);
    ck_assert_int_eq(asyncio_local_set(&counted, &other), 0);
    ck_assert_ptr_eq(asyncio_local_get(&counted), &other);
    return asyncio_await(child);
}

SCENARIO(without_memory_everything_stays_as_it_was)
{
    destroyed = 0;
    asyncio_task task = asyncio_create_task(set_without_memory, NULL);
    ck_assert_int_eq(asyncio_await(task), 0);
    ck_assert_int_eq(destroyed, 2);
}

/* A server that names each request before it starts its task: what was set
 * for requests that are over must not pile up. */
static int serve_requests(void *arg)
{
    (void)arg;
    double seconds = TICK / 10;
    asyncio_task previous = {0};
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(asyncio_local_set(&counted, malloc(1)), 0);
        asyncio_task task = asyncio_create_task(sleep_seconds, &seconds);
        if (i > 0)
            ck_assert_int_eq(asyncio_await(previous), 0);
        previous = task;
        ck_assert_int_ge(destroyed, i - 3);
    }
    return asyncio_await(previous);
}

static void free_and_count(void *value)
{
    destroyed++;
    free(value);
}

SCENARIO(values_of_the_past_do_not_pile_up)
{
    destroyed = 0;
    counted.destroy = free_and_count;
    asyncio_task task = asyncio_create_task(serve_requests, NULL);
    ck_assert_int_eq(asyncio_await(task), 0);
    ck_assert_int_eq(destroyed, 100);
    counted.destroy = on_destroy;
}

SCENARIO(inheriting_allocates_nothing)
{
    int value;
    ck_assert_int_eq(asyncio_local_set(&plain, &value), 0);
    ck_assert_int_eq(asyncio_local_set(&with_default, &value), 0);
    double seconds = 0;
    ck_assert_int_eq(
        asyncio_await(asyncio_create_task(sleep_seconds, &seconds)), 0);
    uint64_t before = mem_alloc_count();
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(
            asyncio_await(asyncio_create_task(sleep_seconds, &seconds)), 0);
    ck_assert_uint_eq(mem_alloc_count(), before);
}

SCENARIO(many_keys)
{
    enum { KEYS = 50 };
    static struct asyncio_local keys[KEYS];
    static int values[KEYS];
    for (int i = 0; i < KEYS; i++)
        ck_assert_int_eq(asyncio_local_set(&keys[i], &values[i]), 0);
    for (int i = 0; i < KEYS; i++)
        ck_assert_ptr_eq(asyncio_local_get(&keys[i]), &values[i]);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("local");
    suite_case(suite, outside_of_tasks_there_is_the_default);
    suite_case(suite, a_value_that_was_not_set_is_the_default);
    suite_case(suite, values_are_set_and_got);
    suite_case(suite, children_inherit_what_was_set_at_their_creation);
    suite_case(suite, changes_are_a_tasks_own);
    suite_case(suite, a_groups_children_inherit_from_who_starts_them);
    suite_case(suite, grandchildren_inherit_too);
    suite_case(suite, a_value_is_destroyed_when_its_task_ends);
    suite_case(suite, a_value_is_destroyed_when_the_last_that_sees_it_ends);
    suite_case(suite, a_replaced_value_is_destroyed);
    suite_case(suite, a_shared_value_that_is_set_again_is_destroyed_once);
    suite_case(suite, each_key_destroys_its_own);
    suite_case(suite, what_a_destructor_starts_ends_with_the_task);
    suite_case(suite, setting_repeatedly_allocates_nothing);
    suite_case(suite, without_memory_everything_stays_as_it_was);
    suite_case(suite, values_of_the_past_do_not_pile_up);
    suite_case(suite, inheriting_allocates_nothing);
    suite_case(suite, many_keys);
    return suite;
}
