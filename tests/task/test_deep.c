/* SPDX-License-Identifier: MIT */
/* Deep trees and long chains of tasks: nothing may walk them by recursion. */
#include "rig.h"

/* ThreadSanitizer has few fibers, and valgrind little patience. */
static int depth_max(void)
{
    return CTX_TSAN ? 1000 : 10000 / (int)rig_slowness();
}

struct chain {
    int depth;                   /* still to be started */
    bool is_grouped;
    int ended;
};

static int await_a_chain(void *arg);

static int group_a_chain(struct chain *chain)
{
    struct asyncio_group group;
    ck_assert_int_eq(asyncio_group_begin(&group), 0);
    asyncio_group_create_task(&group, await_a_chain, chain);
    return asyncio_group_end(&group, 0);
}

static int await_a_chain(void *arg)
{
    struct chain *chain = arg;
    int err;
    if (--chain->depth == 0)
        err = asyncio_sleep(ASYNCIO_FOREVER);
    else if (chain->is_grouped)
        err = group_a_chain(chain);
    else
        err = asyncio_await(asyncio_create_task(await_a_chain, chain));
    chain->ended++;
    return err;
}

static void cancel_from_the_top(bool is_grouped)
{
    int depth = depth_max();
    struct chain chain = {.depth = depth, .is_grouped = is_grouped};
    asyncio_task top = asyncio_create_task(await_a_chain, &chain);
    while (chain.depth > 0)
        ck_assert_int_eq(asyncio_sleep(0), 0);
    ck_assert_int_eq(asyncio_all_tasks(NULL, 0), depth + 1);
    ck_assert_int_eq(asyncio_task_cancel(top), 0);
    ck_assert_int_eq(asyncio_await(top), -ECANCELED);
    ck_assert_int_eq(chain.ended, depth);
}

static int cancel_awaits(void *arg)
{
    (void)arg;
    cancel_from_the_top(false);
    return 0;
}

static int cancel_groups(void *arg)
{
    (void)arg;
    cancel_from_the_top(true);
    return 0;
}

START_TEST(ten_thousand_awaits_are_cancelled_from_the_top)
{
    ck_assert_int_eq(asyncio_run(cancel_awaits, NULL), 0);
}
END_TEST

START_TEST(ten_thousand_groups_are_cancelled_from_the_top)
{
    ck_assert_int_eq(asyncio_run(cancel_groups, NULL), 0);
}
END_TEST

static int time_out_a_chain(void *arg)
{
    int depth = depth_max();
    struct chain chain = {.depth = depth};
    (void)arg;
    asyncio_task top = asyncio_create_task(await_a_chain, &chain);
    ck_assert_int_eq(asyncio_wait_for(top, 10 * TICK), -ETIMEDOUT);
    ck_assert_int_eq(chain.ended, depth - chain.depth);
    return 0;
}

START_TEST(a_deep_chain_times_out)
{
    ck_assert_int_eq(asyncio_run(time_out_a_chain, NULL), 0);
}
END_TEST

/* All started by one, each awaiting its neighbour: the tree is flat, and the
 * cancel travels by the joins. */
static int await_the_neighbour(void *arg)
{
    asyncio_task *task = arg;
    if (asyncio_task_error(task[1]) < 0)
        return asyncio_sleep(ASYNCIO_FOREVER);
    return asyncio_await(task[1]);
}

static int cancel_neighbours(void *arg)
{
    int count = depth_max();
    asyncio_task *tasks = calloc((size_t)count + 1, sizeof *tasks);
    (void)arg;
    for (int i = 0; i < count; i++)
        tasks[i] = asyncio_create_task(await_the_neighbour, &tasks[i]);
    let_others_run();
    ck_assert_int_eq(asyncio_all_tasks(NULL, 0), count + 1);
    ck_assert_int_eq(asyncio_task_cancel(tasks[0]), 0);
    ck_assert(asyncio_task_is_cancelled(tasks[count - 1]));
    ck_assert_int_eq(asyncio_await(tasks[0]), -ECANCELED);
    ck_assert_int_eq(asyncio_all_tasks(NULL, 0), 1);
    free(tasks);
    return 0;
}

START_TEST(a_long_row_of_neighbours_is_cancelled_from_its_head)
{
    ck_assert_int_eq(asyncio_run(cancel_neighbours, NULL), 0);
}
END_TEST

static int end_a_chain(void *arg)
{
    int *depth = arg;
    if (--*depth > 0)
        asyncio_create_task(end_a_chain, depth);
    return 0;
}

START_TEST(a_deep_chain_that_nobody_awaits_ends)
{
    int depth = depth_max();
    ck_assert_int_eq(asyncio_run(end_a_chain, &depth), 0);
    ck_assert_int_eq(depth, 0);
}
END_TEST

static int nest_timeouts(int depth)
{
    struct asyncio_timeout timeout;
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, ASYNCIO_FOREVER), 0);
    int err = depth > 1 ? nest_timeouts(depth - 1)
                        : asyncio_sleep(ASYNCIO_FOREVER);
    return asyncio_timeout_end(&timeout, err);
}

static int nest_five_hundred_timeouts(void *arg)
{
    (void)arg;
    return nest_timeouts(500);
}

SCENARIO(many_scopes_in_one_task)
{
    asyncio_task task = asyncio_create_task(nest_five_hundred_timeouts, NULL);
    let_others_run();
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("deep");
    suite_case(suite, ten_thousand_awaits_are_cancelled_from_the_top);
    suite_case(suite, ten_thousand_groups_are_cancelled_from_the_top);
    suite_case(suite, a_deep_chain_times_out);
    suite_case(suite, a_long_row_of_neighbours_is_cancelled_from_its_head);
    suite_case(suite, a_deep_chain_that_nobody_awaits_ends);
    suite_case(suite, many_scopes_in_one_task);
    return suite;
}
