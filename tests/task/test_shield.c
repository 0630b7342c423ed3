/* SPDX-License-Identifier: MIT */
/* Shields: what they keep out, their own deadline, what comes after them. */
#include "rig.h"

static void shielded(struct asyncio_shield *shield, double seconds)
{
    ck_assert_int_eq(asyncio_shield_begin(shield, seconds), 0);
}

static void cancel_self(void)
{
    ck_assert_int_eq(asyncio_task_cancel(asyncio_current_task()), 0);
}

/* ---- keeping out ---- */

static int clean_up_when_cancelled(void *arg)
{
    struct asyncio_shield shield;
    int *steps = arg;
    int err = asyncio_sleep(ASYNCIO_FOREVER);
    ck_assert_int_eq(err, -ECANCELED);
    shielded(&shield, ASYNCIO_FOREVER);
    ck_assert_int_eq(asyncio_check_cancelled(), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(asyncio_sleep(TICK), 0);
        ++*steps;
    }
    ck_assert_int_eq(asyncio_shield_end(&shield, err), -ECANCELED);
    ck_assert_int_eq(asyncio_sleep(0), -ECANCELED);
    return err;
}

SCENARIO(cleanup_may_wait_under_a_shield)
{
    int steps = 0;
    asyncio_task task = asyncio_create_task(clean_up_when_cancelled, &steps);
    let_others_run();
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    ck_assert_int_eq(steps, 3);
}

static int sleep_under_a_shield(void *arg)
{
    struct asyncio_shield shield;
    double *seconds = arg;
    shielded(&shield, ASYNCIO_FOREVER);
    int err = asyncio_sleep(*seconds);
    ck_assert_int_eq(err, 0);
    ck_assert_int_eq(asyncio_shield_end(&shield, 13), 13);
    return asyncio_check_cancelled() < 0 ? asyncio_sleep(0) : 13;
}

SCENARIO(a_cancel_during_a_shield_arrives_after_it)
{
    double seconds = 3 * TICK, start = asyncio_time();
    asyncio_task task = asyncio_create_task(sleep_under_a_shield, &seconds);
    let_others_run();
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    assert_passed(start, seconds);
}

SCENARIO(a_task_cancelled_before_it_ran_is_shielded_too)
{
    double seconds = TICK;
    asyncio_task task = asyncio_create_task(sleep_under_a_shield, &seconds);
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
}

SCENARIO(without_a_cancel_a_shield_does_nothing)
{
    double seconds = TICK;
    asyncio_task task = asyncio_create_task(sleep_under_a_shield, &seconds);
    ck_assert_int_eq(asyncio_await(task), 13);
}

/* ---- timeouts around and inside ---- */

/* asyncio's shield leaves the inner work running when the timeout ends. */
SCENARIO(a_shield_under_a_timeout_is_waited_for)
{
    struct asyncio_timeout timeout;
    struct asyncio_shield shield;
    double start = asyncio_time();
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, TICK), 0);
    shielded(&shield, ASYNCIO_FOREVER);
    ck_assert_int_eq(asyncio_sleep(4 * TICK), 0);
    assert_passed(start, 4 * TICK);
    ck_assert(asyncio_timeout_expired(&timeout));
    ck_assert_int_eq(asyncio_shield_end(&shield, 0), 0);
    int err = asyncio_sleep(0);
    ck_assert_int_eq(err, -ECANCELED);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
}

SCENARIO(a_shielded_result_outlives_the_timeout)
{
    struct asyncio_timeout timeout;
    struct asyncio_shield shield;
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0), 0);
    shielded(&shield, ASYNCIO_FOREVER);
    ck_assert_int_eq(asyncio_sleep(TICK), 0);
    int err = asyncio_shield_end(&shield, 8);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), 8);
}

SCENARIO(a_deadline_inside_a_shield_inside_a_deadline)
{
    struct asyncio_timeout outer, inner;
    struct asyncio_shield shield;
    double start = asyncio_time();
    ck_assert_int_eq(asyncio_timeout_begin(&outer, TICK), 0);
    shielded(&shield, ASYNCIO_FOREVER);
    ck_assert_int_eq(asyncio_timeout_begin(&inner, 3 * TICK), 0);
    int err = asyncio_sleep(500 * TICK);
    assert_passed(start, 3 * TICK);
    ck_assert_int_eq(err, -ECANCELED);
    /* The outer one has expired too, but outside of the shield. */
    ck_assert(asyncio_timeout_expired(&outer));
    err = asyncio_timeout_end(&inner, err);
    ck_assert_int_eq(err, -ETIMEDOUT);
    ck_assert_int_eq(asyncio_sleep(0), 0);
    ck_assert_int_eq(asyncio_shield_end(&shield, 0), 0);
    err = asyncio_sleep(0);
    ck_assert_int_eq(asyncio_timeout_end(&outer, err), -ETIMEDOUT);
    ck_assert_int_eq(asyncio_sleep(0), 0);
}

SCENARIO(a_shield_has_a_deadline_of_its_own)
{
    struct asyncio_shield shield;
    double start = asyncio_time();
    shielded(&shield, 2 * TICK);
    int err = asyncio_sleep(500 * TICK);
    assert_passed(start, 2 * TICK);
    ck_assert_int_eq(err, -ECANCELED);
    ck_assert_int_eq(asyncio_shield_end(&shield, err), -ETIMEDOUT);
    ck_assert_int_eq(asyncio_sleep(0), 0);
}

static int clean_up_for_too_long(void *arg)
{
    struct asyncio_shield shield;
    (void)arg;
    cancel_self();
    shielded(&shield, 2 * TICK);
    int err = asyncio_sleep(500 * TICK);
    ck_assert_int_eq(err, -ECANCELED);
    /* It was its own deadline that cut the body short: nothing else could. */
    ck_assert_int_eq(asyncio_shield_end(&shield, err), -ETIMEDOUT);
    return asyncio_sleep(0);
}

SCENARIO(a_cleanup_that_takes_too_long_says_so)
{
    asyncio_task task = asyncio_create_task(clean_up_for_too_long, NULL);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
}

SCENARIO(a_shield_that_is_in_time_keeps_its_result)
{
    int results[] = {0, 2, -EIO, -ECANCELED};
    for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
        struct asyncio_shield shield;
        shielded(&shield, 500 * TICK);
        ck_assert_int_eq(asyncio_sleep(0), 0);
        ck_assert_int_eq(asyncio_shield_end(&shield, results[i]), results[i]);
    }
}

SCENARIO(shields_refuse_nan)
{
    struct asyncio_shield shield;
    ck_assert_int_eq(asyncio_shield_begin(&shield, (double)NAN), -EINVAL);
}

SCENARIO(a_shield_whose_deadline_has_passed_lets_nothing_wait)
{
    struct asyncio_shield shield;
    shielded(&shield, 0);
    int err = asyncio_sleep(0);
    ck_assert_int_eq(err, -ECANCELED);
    ck_assert_int_eq(asyncio_shield_end(&shield, err), -ETIMEDOUT);
}

/* ---- shields in shields, tasks under shields ---- */

static int nest_shields(void *arg)
{
    struct asyncio_shield outer, inner;
    (void)arg;
    cancel_self();
    shielded(&outer, 2 * TICK);
    shielded(&inner, ASYNCIO_FOREVER);
    ck_assert_int_eq(asyncio_sleep(4 * TICK), 0);
    ck_assert_int_eq(asyncio_shield_end(&inner, 0), 0);
    int err = asyncio_sleep(0);
    ck_assert_int_eq(err, -ECANCELED);
    ck_assert_int_eq(asyncio_shield_end(&outer, err), -ETIMEDOUT);
    return asyncio_sleep(0);
}

SCENARIO(a_shield_keeps_the_outer_shields_deadline_out)
{
    asyncio_task task = asyncio_create_task(nest_shields, NULL);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
}

static int group_under_a_shield(void *arg)
{
    struct asyncio_shield shield;
    struct asyncio_group group;
    cancel_self();
    shielded(&shield, ASYNCIO_FOREVER);
    ck_assert_int_eq(asyncio_group_begin(&group), 0);
    asyncio_group_create_task(&group, run_job, arg);
    ck_assert_int_eq(asyncio_group_end(&group, 0), 0);
    ck_assert_int_eq(asyncio_shield_end(&shield, 0), 0);
    return asyncio_sleep(0);
}

SCENARIO(a_groups_children_are_under_its_shield)
{
    struct job job = {.seconds = 2 * TICK};
    asyncio_task task = asyncio_create_task(group_under_a_shield, &job);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    ck_assert_int_eq(job.slept, 0);
}

static int task_under_a_shield(void *arg)
{
    struct asyncio_shield shield;
    cancel_self();
    shielded(&shield, ASYNCIO_FOREVER);
    asyncio_task child = asyncio_create_task(run_job, arg);
    ck_assert(asyncio_task_is_cancelled(child));
    ck_assert_int_eq(asyncio_await(child), -ECANCELED);
    return asyncio_shield_end(&shield, 0);
}

/* Its parent is the creator's root: shields leak to nobody. */
SCENARIO(a_plain_child_is_not_under_its_creators_shield)
{
    struct job job = {.seconds = 2 * TICK};
    asyncio_task task = asyncio_create_task(task_under_a_shield, &job);
    ck_assert_int_eq(asyncio_await(task), 0);
    ck_assert_int_eq(job.slept, -ECANCELED);
}

static int await_under_a_shield(void *arg)
{
    struct asyncio_shield shield;
    shielded(&shield, ASYNCIO_FOREVER);
    int err = asyncio_await(*(asyncio_task *)arg);
    return asyncio_shield_end(&shield, err);
}

SCENARIO(a_shielded_await_does_not_cancel_its_task)
{
    struct job job = {.seconds = 3 * TICK, .result = 6};
    asyncio_task task = asyncio_create_task(run_job, &job);
    asyncio_task waiter = asyncio_create_task(await_under_a_shield, &task);
    let_others_run();
    ck_assert_int_eq(asyncio_task_cancel(waiter), 0);
    ck_assert_int_eq(asyncio_await(waiter), 6);
    ck_assert_int_eq(job.slept, 0);
}

/* ---- the callback form ---- */

static int sleep_a_tick(void *arg)
{
    (void)arg;
    int err = asyncio_sleep(TICK);
    return err < 0 ? err : 21;
}

static int run_shielded(void *arg)
{
    (void)arg;
    cancel_self();
    int err = asyncio_shield_run(ASYNCIO_FOREVER, sleep_a_tick, NULL);
    ck_assert_int_eq(err, 21);
    ck_assert_int_eq(asyncio_shield_run(0, sleep_a_tick, NULL), -ETIMEDOUT);
    ck_assert_int_eq(asyncio_shield_run(1, NULL, NULL), -EINVAL);
    return asyncio_sleep(0);
}

SCENARIO(the_callback_form)
{
    asyncio_task task = asyncio_create_task(run_shielded, NULL);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("shield");
    suite_case(suite, cleanup_may_wait_under_a_shield);
    suite_case(suite, a_cancel_during_a_shield_arrives_after_it);
    suite_case(suite, a_task_cancelled_before_it_ran_is_shielded_too);
    suite_case(suite, without_a_cancel_a_shield_does_nothing);
    suite_case(suite, a_shield_under_a_timeout_is_waited_for);
    suite_case(suite, a_shielded_result_outlives_the_timeout);
    suite_case(suite, a_deadline_inside_a_shield_inside_a_deadline);
    suite_case(suite, a_shield_has_a_deadline_of_its_own);
    suite_case(suite, a_cleanup_that_takes_too_long_says_so);
    suite_case(suite, a_shield_that_is_in_time_keeps_its_result);
    suite_case(suite, shields_refuse_nan);
    suite_case(suite, a_shield_whose_deadline_has_passed_lets_nothing_wait);
    suite_case(suite, a_shield_keeps_the_outer_shields_deadline_out);
    suite_case(suite, a_groups_children_are_under_its_shield);
    suite_case(suite, a_plain_child_is_not_under_its_creators_shield);
    suite_case(suite, a_shielded_await_does_not_cancel_its_task);
    suite_case(suite, the_callback_form);
    return suite;
}
