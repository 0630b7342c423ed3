/* SPDX-License-Identifier: MIT */
/* Timeouts: when they expire, what their end says, nesting, moving. */
#include "rig.h"

static struct asyncio_timeout *begun(struct asyncio_timeout *timeout,
                                     double seconds)
{
    ck_assert_int_eq(asyncio_timeout_begin(timeout, seconds), 0);
    return timeout;
}

/* ---- one ---- */

SCENARIO(a_body_that_is_in_time_keeps_its_result)
{
    int results[] = {0, 5, -EIO, -ECANCELED};
    for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
        struct asyncio_timeout timeout;
        begun(&timeout, 500 * TICK);
        ck_assert_int_eq(asyncio_sleep(TICK), 0);
        ck_assert(!asyncio_timeout_expired(&timeout));
        ck_assert_int_eq(asyncio_timeout_end(&timeout, results[i]), results[i]);
    }
    ck_assert_int_eq(asyncio_sleep(0), 0);
}

SCENARIO(a_body_that_is_late_times_out)
{
    struct asyncio_timeout timeout;
    double start = asyncio_time();
    begun(&timeout, 2 * TICK);
    int err = asyncio_sleep(500 * TICK);
    assert_passed(start, 2 * TICK);
    ck_assert_int_eq(err, -ECANCELED);
    ck_assert(asyncio_timeout_expired(&timeout));
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
    /* It is over with it. */
    ck_assert_int_eq(asyncio_check_cancelled(), 0);
    ck_assert_int_eq(asyncio_sleep(0), 0);
}

SCENARIO(everything_fails_until_the_end)
{
    struct asyncio_timeout timeout;
    begun(&timeout, TICK);
    ck_assert_int_eq(asyncio_sleep(ASYNCIO_FOREVER), -ECANCELED);
    for (int i = 0; i < 300; i++) {
        ck_assert_int_eq(asyncio_sleep(0), -ECANCELED);
        ck_assert_int_eq(asyncio_sleep(TICK), -ECANCELED);
        ck_assert_int_eq(asyncio_check_cancelled(), -ECANCELED);
    }
    ck_assert_int_eq(asyncio_timeout_end(&timeout, -ECANCELED), -ETIMEDOUT);
}

SCENARIO(a_failure_of_a_late_body_stays)
{
    int results[] = {0, 7, -EIO};
    for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
        struct asyncio_timeout timeout;
        begun(&timeout, TICK);
        ck_assert_int_eq(asyncio_sleep(ASYNCIO_FOREVER), -ECANCELED);
        ck_assert_int_eq(asyncio_timeout_end(&timeout, results[i]), results[i]);
    }
}

SCENARIO(a_deadline_in_the_past_has_passed)
{
    static const double seconds[] = {0, -0.0, -1, -ASYNCIO_FOREVER};
    for (size_t i = 0; i < ARRAY_SIZE(seconds); i++) {
        struct asyncio_timeout timeout;
        begun(&timeout, seconds[i]);
        ck_assert(asyncio_timeout_expired(&timeout));
        ck_assert_int_eq(asyncio_check_cancelled(), -ECANCELED);
        int err = asyncio_sleep(0);
        ck_assert_int_eq(err, -ECANCELED);
        ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
    }
}

SCENARIO(nan_is_einval_and_opens_nothing)
{
    struct asyncio_timeout timeout;
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, (double)NAN), -EINVAL);
    ck_assert_int_eq(asyncio_timeout_at(&timeout, (double)NAN), -EINVAL);
    ck_assert_int_eq(asyncio_sleep(0), 0);
}

SCENARIO(no_deadline_never_passes)
{
    struct asyncio_timeout timeout;
    begun(&timeout, ASYNCIO_FOREVER);
    ck_assert_int_eq(asyncio_sleep(3 * TICK), 0);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, 0), 0);
}

SCENARIO(a_deadline_at_a_point_in_time)
{
    struct asyncio_timeout timeout;
    double start = asyncio_time();
    ck_assert_int_eq(asyncio_timeout_at(&timeout, start + 2 * TICK), 0);
    int err = asyncio_sleep(500 * TICK);
    assert_passed(start, 2 * TICK);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
    ck_assert_int_eq(asyncio_timeout_at(&timeout, start), 0);
    ck_assert(asyncio_timeout_expired(&timeout));
    ck_assert_int_eq(asyncio_timeout_end(&timeout, 0), 0);
    ck_assert_int_eq(asyncio_timeout_at(&timeout, ASYNCIO_FOREVER), 0);
    ck_assert_int_eq(asyncio_sleep(TICK), 0);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, 0), 0);
}

/* ---- moving ---- */

SCENARIO(a_deadline_can_be_put_off)
{
    struct asyncio_timeout timeout;
    double start = asyncio_time();
    begun(&timeout, 100 * TICK);
    ck_assert_int_eq(asyncio_timeout_reschedule(&timeout, 300 * TICK), 0);
    ck_assert_int_eq(asyncio_timeout_reschedule(&timeout, 4 * TICK), 0);
    int err = asyncio_sleep(500 * TICK);
    assert_passed(start, 4 * TICK);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
}

SCENARIO(a_deadline_can_be_taken_away)
{
    struct asyncio_timeout timeout;
    begun(&timeout, 50 * TICK);
    ck_assert_int_eq(asyncio_timeout_reschedule(&timeout, ASYNCIO_FOREVER), 0);
    ck_assert_int_eq(asyncio_sleep(rig_is_virtual() ? 60 : 3 * TICK), 0);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, 0), 0);
}

SCENARIO(a_deadline_can_be_set_later_and_to_now)
{
    struct asyncio_timeout timeout;
    begun(&timeout, ASYNCIO_FOREVER);
    ck_assert_int_eq(asyncio_timeout_reschedule(&timeout, -1), 0);
    ck_assert(asyncio_timeout_expired(&timeout));
    ck_assert_int_eq(asyncio_timeout_end(&timeout, -ECANCELED), -ETIMEDOUT);
}

SCENARIO(what_has_expired_cannot_be_moved)
{
    struct asyncio_timeout timeout;
    begun(&timeout, TICK);
    ck_assert_int_eq(asyncio_timeout_reschedule(&timeout, (double)NAN),
                     -EINVAL);
    ck_assert_int_eq(asyncio_sleep(ASYNCIO_FOREVER), -ECANCELED);
    ck_assert_int_eq(asyncio_timeout_reschedule(&timeout, 1), -EINVAL);
    ck_assert_int_eq(asyncio_sleep(0), -ECANCELED);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, -ECANCELED), -ETIMEDOUT);
}

SCENARIO(what_has_ended_cannot_be_moved)
{
    struct asyncio_timeout timeout;
    begun(&timeout, 500 * TICK);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, 0), 0);
    ck_assert_int_eq(asyncio_timeout_reschedule(&timeout, TICK), -EINVAL);
    ck_assert_int_eq(asyncio_sleep(2 * TICK), 0);
}

static int put_off(void *arg)
{
    return asyncio_timeout_reschedule(arg, 6 * TICK);
}

SCENARIO(another_task_may_put_it_off)
{
    struct asyncio_timeout timeout;
    asyncio_task task;
    double start = asyncio_time();
    begun(&timeout, 500 * TICK);
    task = asyncio_create_task(put_off, &timeout);
    int err = asyncio_sleep(500 * TICK);
    assert_passed(start, 6 * TICK);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
    ck_assert_int_eq(asyncio_await(task), 0);
}

/* ---- nesting ---- */

SCENARIO(the_inner_one_expires_alone)
{
    struct asyncio_timeout outer, inner;
    double start = asyncio_time();
    begun(&outer, 500 * TICK);
    begun(&inner, 2 * TICK);
    int err = asyncio_sleep(600 * TICK);
    assert_passed(start, 2 * TICK);
    ck_assert_int_eq(asyncio_timeout_end(&inner, err), -ETIMEDOUT);
    ck_assert_int_eq(asyncio_sleep(TICK), 0);
    ck_assert_int_eq(asyncio_timeout_end(&outer, -ETIMEDOUT), -ETIMEDOUT);
    ck_assert(!asyncio_timeout_expired(&outer));
}

SCENARIO(the_outer_one_expires_through_the_inner)
{
    struct asyncio_timeout outer, inner;
    begun(&outer, 2 * TICK);
    begun(&inner, 500 * TICK);
    int err = asyncio_sleep(600 * TICK);
    ck_assert_int_eq(err, -ECANCELED);
    ck_assert(!asyncio_timeout_expired(&inner));
    err = asyncio_timeout_end(&inner, err);
    ck_assert_int_eq(err, -ECANCELED);
    ck_assert_int_eq(asyncio_sleep(0), -ECANCELED);
    ck_assert_int_eq(asyncio_timeout_end(&outer, err), -ETIMEDOUT);
}

/* Of two that expire the outer one has the word. */
SCENARIO(of_two_that_have_expired_the_outer_one_says_so)
{
    double seconds[][2] = {{0, 0}, {-2, -1}, {-1, -2}, {1, 1}};
    for (size_t i = 0; i < ARRAY_SIZE(seconds); i++) {
        struct asyncio_timeout outer, inner;
        begun(&outer, seconds[i][0] * TICK);
        begun(&inner, seconds[i][1] * TICK);
        int err = asyncio_sleep(ASYNCIO_FOREVER);
        ck_assert_int_eq(err, -ECANCELED);
        err = asyncio_timeout_end(&inner, err);
        if (seconds[i][0] <= 0)
            ck_assert_int_eq(err, -ECANCELED);
        /* Of one moment: the outer one may not have been seen to expire yet;
         * but it has when it is asked. */
        ck_assert(err == -ECANCELED || err == -ETIMEDOUT);
        ck_assert_int_eq(asyncio_timeout_end(&outer, err), -ETIMEDOUT);
    }
}

SCENARIO(deep_nesting)
{
    enum { DEPTH = 50 };
    struct asyncio_timeout timeouts[DEPTH];
    for (int i = 0; i < DEPTH; i++)
        begun(&timeouts[i], i == 20 ? TICK : 500 * TICK);
    int err = asyncio_sleep(600 * TICK);
    for (int i = DEPTH - 1; i > 20; i--) {
        err = asyncio_timeout_end(&timeouts[i], err);
        ck_assert_int_eq(err, -ECANCELED);
    }
    err = asyncio_timeout_end(&timeouts[20], err);
    ck_assert_int_eq(err, -ETIMEDOUT);
    for (int i = 19; i >= 0; i--) {
        ck_assert_int_eq(asyncio_sleep(0), 0);
        ck_assert_int_eq(asyncio_timeout_end(&timeouts[i], err), -ETIMEDOUT);
    }
}

/* ---- rule 5 in every combination ---- */

struct combination {
    bool expires;                /* this timeout */
    int body;                    /* what its body came to */
    enum { NOTHING, ROOT, OUTER, OUTER_SHIELDED } around; /* cancelled */
};

static int expected_end(const struct combination *combination)
{
    bool is_covered = combination->around == ROOT ||
                      combination->around == OUTER;
    if (combination->expires && combination->body == -ECANCELED && !is_covered)
        return -ETIMEDOUT;
    return combination->body;
}

static int run_combination(void *arg)
{
    const struct combination *combination = arg;
    struct asyncio_timeout outer, inner;
    struct asyncio_shield shield;
    begun(&outer, ASYNCIO_FOREVER);
    if (combination->around == OUTER_SHIELDED)
        asyncio_shield_begin(&shield, ASYNCIO_FOREVER);
    begun(&inner, ASYNCIO_FOREVER);
    if (combination->expires)
        asyncio_timeout_reschedule(&inner, 0);
    if (combination->around == ROOT)
        asyncio_task_cancel(asyncio_current_task());
    if (combination->around >= OUTER)
        asyncio_timeout_reschedule(&outer, 0);

    int err = asyncio_timeout_end(&inner, combination->body);
    ck_assert_int_eq(err, expected_end(combination));
    if (combination->around == OUTER_SHIELDED)
        asyncio_shield_end(&shield, 0);
    asyncio_timeout_end(&outer, 0);
    return 0;
}

SCENARIO(only_a_cancellation_by_the_deadline_alone_is_a_timeout)
{
    static const int bodies[] = {0, 3, -EIO, -ETIMEDOUT, -ECANCELED};
    struct combination combination;
    for (int expires = 0; expires < 2; expires++) {
        for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
            for (int around = NOTHING; around <= OUTER_SHIELDED; around++) {
                combination = (struct combination){expires != 0, bodies[i],
                                                   around};
                asyncio_task task =
                    asyncio_create_task(run_combination, &combination);
                ck_assert_int_eq(asyncio_await(task), 0);
            }
        }
    }
}

/* Cancelled after the deadline, and before the end. */
static int expire_then_wait(void *arg)
{
    struct asyncio_timeout timeout;
    struct asyncio_shield shield;
    begun(&timeout, TICK);
    int err = asyncio_sleep(ASYNCIO_FOREVER);
    asyncio_shield_begin(&shield, ASYNCIO_FOREVER);
    *(bool *)arg = true;
    ck_assert_int_eq(asyncio_sleep(2 * TICK), 0);
    asyncio_shield_end(&shield, 0);
    err = asyncio_timeout_end(&timeout, err);
    ck_assert_int_eq(err, -ECANCELED);
    return err;
}

SCENARIO(a_cancel_after_the_deadline_is_no_timeout)
{
    bool expired = false;
    asyncio_task task = asyncio_create_task(expire_then_wait, &expired);
    while (!expired)
        ck_assert_int_eq(asyncio_sleep(TICK / 4), 0);
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
}

/* ---- what waits under it ---- */

SCENARIO(a_result_that_was_there_wins)
{
    struct asyncio_timeout timeout;
    int result = 9;
    asyncio_task task = asyncio_create_task(return_value, &result);
    let_others_run();
    begun(&timeout, 0);
    int err = asyncio_await(task);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), 9);
}

static int children_of_a_timeout(void *arg)
{
    struct asyncio_timeout timeout;
    struct job *job = arg;
    begun(&timeout, TICK);
    asyncio_task child = asyncio_create_task(run_job, job);
    int err = asyncio_sleep(ASYNCIO_FOREVER);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
    /* A task belongs to its creator, not to the creator's timeout. */
    ck_assert(!asyncio_task_is_cancelled(child));
    return asyncio_await(child);
}

SCENARIO(a_timeout_does_not_reach_tasks_created_under_it)
{
    struct job job = {.seconds = 3 * TICK, .result = 4};
    ck_assert_int_eq(children_of_a_timeout(&job), 4);
    ck_assert_int_eq(job.slept, 0);
}

/* ---- the callback form ---- */

static int sleep_long(void *arg)
{
    double *seconds = arg;
    int err = asyncio_sleep(*seconds);
    return err < 0 ? err : 11;
}

SCENARIO(the_callback_form)
{
    double shortly = TICK, long_ = 500 * TICK;
    ck_assert_int_eq(asyncio_timeout_run(500 * TICK, sleep_long, &shortly), 11);
    ck_assert_int_eq(asyncio_timeout_run(TICK, sleep_long, &long_), -ETIMEDOUT);
    ck_assert_int_eq(asyncio_timeout_run(0, sleep_long, &shortly), -ETIMEDOUT);
    ck_assert_int_eq(asyncio_timeout_run(1, NULL, NULL), -EINVAL);
    ck_assert_int_eq(asyncio_timeout_run((double)NAN, sleep_long, &shortly),
                     -EINVAL);
    ck_assert_int_eq(asyncio_sleep(0), 0);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("timeout");
    suite_case(suite, a_body_that_is_in_time_keeps_its_result);
    suite_case(suite, a_body_that_is_late_times_out);
    suite_case(suite, everything_fails_until_the_end);
    suite_case(suite, a_failure_of_a_late_body_stays);
    suite_case(suite, a_deadline_in_the_past_has_passed);
    suite_case(suite, nan_is_einval_and_opens_nothing);
    suite_case(suite, no_deadline_never_passes);
    suite_case(suite, a_deadline_at_a_point_in_time);
    suite_case(suite, a_deadline_can_be_put_off);
    suite_case(suite, a_deadline_can_be_taken_away);
    suite_case(suite, a_deadline_can_be_set_later_and_to_now);
    suite_case(suite, what_has_expired_cannot_be_moved);
    suite_case(suite, what_has_ended_cannot_be_moved);
    suite_case(suite, another_task_may_put_it_off);
    suite_case(suite, the_inner_one_expires_alone);
    suite_case(suite, the_outer_one_expires_through_the_inner);
    suite_case(suite, of_two_that_have_expired_the_outer_one_says_so);
    suite_case(suite, deep_nesting);
    suite_case(suite, only_a_cancellation_by_the_deadline_alone_is_a_timeout);
    suite_case(suite, a_cancel_after_the_deadline_is_no_timeout);
    suite_case(suite, a_result_that_was_there_wins);
    suite_case(suite, a_timeout_does_not_reach_tasks_created_under_it);
    suite_case(suite, the_callback_form);
    return suite;
}
