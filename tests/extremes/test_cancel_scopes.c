/* SPDX-License-Identifier: MIT */
/*
 * Cancelling everywhere (everywhere.h) in programs made of groups, timeouts,
 * shields, gathers and waits.
 */
#include "everywhere.h"

/* ---- nested groups, with timeouts and shields ---- */

static struct {
    int slept, expired, cleaned;
} nest;

COROUTINE(nest_sleep)
{
    int err = step_sleep(*(const int *)arg);
    nest.slept += err == 0;
    return err;
}

/* Gives up in good time. */
COROUTINE(nest_expire)
{
    struct asyncio_timeout outer, inner;
    ck_assert_int_eq(asyncio_timeout_begin(&outer, 1000), 0);
    ck_assert_int_eq(asyncio_timeout_begin(&inner, moment(2)), 0);
    int err = asyncio_timeout_end(&inner, step_sleep(500));
    nest.expired += err == -ETIMEDOUT;
    err = asyncio_timeout_end(&outer, err);
    return err == -ETIMEDOUT ? 0 : err;
}

static int nest_tidy(void *arg)
{
    (void)arg;
    /* Nothing from outside reaches in here. */
    ck_assert_int_eq(step_sleep(1), 0);
    ck_assert_int_eq(step_sleep(0), 0);
    nest.cleaned++;
    return 0;
}

/* However it ends, it tidies up, and waits for that. */
COROUTINE(nest_clean)
{
    int err = step_sleep(1);
    ck_assert_int_eq(asyncio_shield_run(ASYNCIO_FOREVER, nest_tidy, NULL), 0);
    return err;
}

/* A shield that is itself cut short, under a timeout, in a shield. */
COROUTINE(nest_hurry)
{
    struct asyncio_shield outer, inner;
    struct asyncio_timeout timeout;
    ck_assert_int_eq(asyncio_shield_begin(&outer, ASYNCIO_FOREVER), 0);
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, moment(1)), 0);
    ck_assert_int_eq(asyncio_shield_begin(&inner, moment(3)), 0);
    int err = step_sleep(1000);
    ck_assert_int_eq(err, -ECANCELED);
    err = asyncio_shield_end(&inner, err);
    ck_assert_int_eq(err, -ETIMEDOUT);
    /* By now the timeout has passed as well. */
    ck_assert_int_eq(step_sleep(0), -ECANCELED);
    err = asyncio_timeout_end(&timeout, -ECANCELED);
    ck_assert_int_eq(err, -ETIMEDOUT);
    ck_assert_int_eq(step_sleep(0), 0);
    return asyncio_shield_end(&outer, 0);
}

COROUTINE(nest_inner)
{
    static const int moments[] = {0, 1, 3};
    struct asyncio_group group;
    ck_assert_int_eq(asyncio_group_begin(&group), 0);
    for (size_t i = 0; i < ARRAY_SIZE(moments); i++)
        asyncio_group_create_task(&group, nest_sleep, (void *)&moments[i]);
    asyncio_group_create_task(&group, nest_clean, NULL);
    return STEP(asyncio_group_end(&group, step_sleep(1)));
}

COROUTINE(nest_main)
{
    struct asyncio_timeout timeout;
    struct asyncio_group group;
    memset(&nest, 0, sizeof nest);
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 1000), 0);
    ck_assert_int_eq(asyncio_group_begin(&group), 0);
    asyncio_group_create_task(&group, nest_inner, NULL);
    asyncio_group_create_task(&group, nest_inner, NULL);
    asyncio_group_create_task(&group, nest_expire, NULL);
    asyncio_group_create_task(&group, nest_hurry, NULL);
    int err = STEP(asyncio_group_end(&group, 0));
    return asyncio_timeout_end(&timeout, err);
}

static void nest_check(bool is_unharmed)
{
    if (run.entered > 1)
        ck_assert_int_eq(nest.cleaned, 2);
    if (!is_unharmed)
        return;
    ck_assert_int_eq(nest.slept, 6);
    ck_assert_int_eq(nest.expired, 1);
}

EVERYWHERE(nest, NULL, false)

/* ---- a group whose child fails ---- */

COROUTINE(failing_child)
{
    int err = step_sleep(2);
    return err < 0 ? err : -EIO;
}

COROUTINE(failing_main)
{
    static const int moments[] = {1, 500, 1000};
    struct asyncio_group group;
    ck_assert_int_eq(asyncio_group_begin(&group), 0);
    for (size_t i = 0; i < ARRAY_SIZE(moments); i++)
        asyncio_group_create_task(&group, nest_sleep, (void *)&moments[i]);
    asyncio_task bad = asyncio_group_create_task(&group, failing_child, NULL);
    int err = STEP(asyncio_group_end(&group, 0));
    ck_assert_int_eq(asyncio_task_error(bad), -ESRCH);
    ck_assert_uint_eq(asyncio_group_alive(&group), 0);
    /* A child that was cancelled is no failure, nor a result. */
    ck_assert(err == -EIO || err == -ECANCELED || err == 0);
    return err == -EIO ? 0 : err;
}

static void failing_check(bool is_unharmed)
{
    (void)is_unharmed;
}

EVERYWHERE(failing, NULL, false)

/* ---- a gather of gathers ---- */

enum { BRANCHES = 3 };

static int leaf_results[BRANCHES][BRANCHES];
static int branch_results[BRANCHES];

COROUTINE(tree_leaf)
{
    int number = *(const int *)arg;
    int err = step_sleep(number % 3);
    return err < 0 ? err : number;
}

COROUTINE(tree_branch)
{
    static const int numbers[BRANCHES] = {1, 2, 3};
    int *results = arg;
    asyncio_task leaves[BRANCHES];
    for (int i = 0; i < BRANCHES; i++)
        leaves[i] = asyncio_create_task(tree_leaf, (void *)&numbers[i]);
    int err = STEP(asyncio_gather(leaves, BRANCHES, results));
    for (int i = 0; i < BRANCHES; i++)
        ck_assert_int_eq(asyncio_task_error(leaves[i]), -ESRCH);
    return err;
}

COROUTINE(tree_main)
{
    asyncio_task branches[BRANCHES];
    for (int i = 0; i < BRANCHES; i++)
        branches[i] = asyncio_create_task(tree_branch, leaf_results[i]);
    return STEP(asyncio_gather(branches, BRANCHES, branch_results));
}

/* Each result is the task's own, or says that it was cancelled; a branch is
 * what its leaves are. */
static void tree_check(bool is_unharmed)
{
    for (int i = 0; i < BRANCHES; i++) {
        bool is_whole = true;
        for (int j = 0; j < BRANCHES; j++) {
            int result = leaf_results[i][j];
            ck_assert(result == j + 1 || result == -ECANCELED);
            is_whole &= result > 0;
        }
        ck_assert_int_eq(branch_results[i], is_whole ? 0 : -ECANCELED);
        ck_assert(is_whole || !is_unharmed);
    }
}

EVERYWHERE(tree, NULL, false)

/* ---- wait_for ---- */

static int patient_result, hasty_result;

COROUTINE(waiting_sleep)
{
    int err = step_sleep(*(const int *)arg);
    return err < 0 ? err : 7;
}

COROUTINE(waiting_main)
{
    static const int two = 2, many = 1000000;
    asyncio_task first, second;
    first = asyncio_create_task(waiting_sleep, (void *)&two);
    second = asyncio_create_task(waiting_sleep, (void *)&many);
    patient_result = STEP(asyncio_wait_for(first, 1000));
    hasty_result = STEP(asyncio_wait_for(second, moment(2)));
    ck_assert_int_eq(asyncio_task_error(first), -ESRCH);
    ck_assert_int_eq(asyncio_task_error(second), -ESRCH);
    if (patient_result < 0)
        return patient_result;
    return hasty_result == -ETIMEDOUT ? 0 : hasty_result;
}

static void waiting_check(bool is_unharmed)
{
    ck_assert(patient_result == 7 || patient_result == -ECANCELED);
    ck_assert(hasty_result == -ETIMEDOUT || hasty_result == -ECANCELED);
    if (is_unharmed) {
        ck_assert_int_eq(patient_result, 7);
        ck_assert_int_eq(hasty_result, -ETIMEDOUT);
    }
}

EVERYWHERE(waiting, NULL, false)

/* ---- wait and as_completed ---- */

enum { RUNNERS = 4 };

static int handed_out;

static int finish_take(const asyncio_task *tasks)
{
    struct asyncio_as_completed it;
    size_t index;
    int result, got;
    ck_assert_int_eq(asyncio_as_completed_init(&it, tasks, RUNNERS), 0);
    while ((got = STEP(asyncio_as_completed_next(&it, &index, &result))) > 0) {
        ck_assert_int_eq(asyncio_task_error(tasks[index]), -ESRCH);
        ck_assert(result == 7 || result == -ECANCELED);
        handed_out++;
    }
    asyncio_as_completed_fini(&it);
    return got;
}

COROUTINE(finish_main)
{
    static const int moments[RUNNERS] = {3, 0, 2, 1};
    asyncio_task tasks[RUNNERS];
    bool done[RUNNERS];
    handed_out = 0;
    for (int i = 0; i < RUNNERS; i++)
        tasks[i] = asyncio_create_task(waiting_sleep, (void *)&moments[i]);
    int err = STEP(asyncio_wait(tasks, RUNNERS, ASYNCIO_FIRST_COMPLETED, 1000,
                                done));
    ck_assert(err == -ECANCELED || err >= 1);
    if (err >= 0)
        err = STEP(asyncio_wait(tasks, RUNNERS, ASYNCIO_ALL_COMPLETED,
                                moment(1.5), done));
    if (err >= 0)
        err = finish_take(tasks);
    /* Those that were not handed out are still there to be awaited. */
    int awaited = 0;
    for (int i = 0; i < RUNNERS; i++) {
        if (asyncio_task_error(tasks[i]) < 0)
            continue;
        STEP(asyncio_await(tasks[i]));
        awaited++;
    }
    ck_assert_int_eq(handed_out + awaited, RUNNERS);
    return err;
}

static void finish_check(bool is_unharmed)
{
    if (is_unharmed)
        ck_assert_int_eq(handed_out, RUNNERS);
}

EVERYWHERE(finish, NULL, false)

/* ---- children that are not awaited, and detached ones ---- */

COROUTINE(careless_child)
{
    static const int moments[] = {1, 500};
    int err = 0;
    for (size_t i = 0; i < ARRAY_SIZE(moments); i++)
        asyncio_create_task(nest_sleep, (void *)&moments[i]);
    if (arg)
        err = step_sleep(2);
    return err;
}

COROUTINE(careless_main)
{
    asyncio_task tasks[4];
    for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
        tasks[i] = asyncio_create_task(careless_child, i % 2 ? tasks : NULL);
    int err = STEP(asyncio_await(tasks[1]));
    /* Wanted back after it has been sent away. */
    ck_assert_int_eq(asyncio_task_detach(tasks[2]), 0);
    asyncio_task_cancel(tasks[2]);
    while (!asyncio_task_is_done(tasks[2])) {
        struct asyncio_shield shield;
        ck_assert_int_eq(asyncio_shield_begin(&shield, ASYNCIO_FOREVER), 0);
        ck_assert_int_eq(asyncio_shield_end(&shield, step_sleep(1)), 0);
    }
    return err;
}

static void careless_check(bool is_unharmed)
{
    (void)is_unharmed;
}

EVERYWHERE(careless, NULL, false)

Suite *test_suite(void)
{
    Suite *suite = suite_create("cancel_scopes");
    suite_case(suite, cancel_everywhere_in_nest);
    suite_case(suite, cancel_everywhere_in_failing);
    suite_case(suite, cancel_everywhere_in_tree);
    suite_case(suite, cancel_everywhere_in_waiting);
    suite_case(suite, cancel_everywhere_in_finish);
    suite_case(suite, cancel_everywhere_in_careless);
    return suite;
}
