/* SPDX-License-Identifier: MIT */
/* wait with its three modes, as_completed, wait_for. */
#include "rig.h"

static struct job jobs[4];
static asyncio_task tasks[4];

/* Four jobs that end after 1, 2, 3 and 4 ticks. */
static void start_jobs(void)
{
    for (int i = 0; i < 4; i++) {
        jobs[i] = (struct job){.seconds = (i + 1) * TICK, .result = i};
        tasks[i] = asyncio_create_task(run_job, &jobs[i]);
    }
}

/* Still the caller's: each can be awaited. */
static void await_jobs(void)
{
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(asyncio_await(tasks[i]), jobs[i].result);
}

static void cancel_and_await_jobs(void)
{
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(asyncio_task_cancel(tasks[i]), 0);
        ck_assert_int_eq(asyncio_task_error(tasks[i]), 0);
        asyncio_await(tasks[i]);
    }
}

static int count_done(const bool *done)
{
    return done[0] + done[1] + done[2] + done[3];
}

/* ---- wait ---- */

SCENARIO(wait_until_the_first_has_ended)
{
    bool done[4];
    double start = asyncio_time();
    start_jobs();
    int ended = asyncio_wait(tasks, 4, ASYNCIO_FIRST_COMPLETED,
                             ASYNCIO_FOREVER, done);
    assert_passed(start, TICK);
    ck_assert_int_ge(ended, 1);
    ck_assert_int_eq(ended, count_done(done));
    ck_assert(done[0]);
    if (rig_is_virtual())
        ck_assert_int_eq(ended, 1);
    await_jobs();
}

SCENARIO(wait_until_all_have_ended)
{
    bool done[4];
    double start = asyncio_time();
    start_jobs();
    jobs[1].result = -EIO;
    ck_assert_int_eq(asyncio_wait(tasks, 4, ASYNCIO_ALL_COMPLETED,
                                  ASYNCIO_FOREVER, done),
                     4);
    assert_passed(start, 4 * TICK);
    ck_assert_int_eq(count_done(done), 4);
    await_jobs();
}

SCENARIO(wait_until_the_first_failure)
{
    bool done[4];
    double start = asyncio_time();
    start_jobs();
    jobs[1].result = -EIO;
    int ended = asyncio_wait(tasks, 4, ASYNCIO_FIRST_EXCEPTION,
                             ASYNCIO_FOREVER, done);
    assert_passed(start, 2 * TICK);
    ck_assert_int_ge(ended, 2);
    ck_assert_int_eq(ended, count_done(done));
    ck_assert(done[0] && done[1]);
    if (rig_is_virtual())
        ck_assert_int_eq(ended, 2);
    await_jobs();
}

SCENARIO(without_a_failure_first_exception_waits_for_all)
{
    start_jobs();
    ck_assert_int_eq(asyncio_wait(tasks, 4, ASYNCIO_FIRST_EXCEPTION,
                                  ASYNCIO_FOREVER, NULL),
                     4);
    await_jobs();
}

SCENARIO(wait_returns_at_once_when_it_holds_already)
{
    bool done[4];
    start_jobs();
    jobs[0].result = -EIO;
    while (!jobs[0].ended)
        ck_assert_int_eq(asyncio_sleep(TICK / 2), 0);
    let_others_run();
    double start = asyncio_time();
    for (enum asyncio_when when = ASYNCIO_FIRST_COMPLETED;
         when <= ASYNCIO_FIRST_EXCEPTION; when++) {
        int ended = asyncio_wait(tasks, 4, when, ASYNCIO_FOREVER, done);
        ck_assert_int_ge(ended, 1);
        ck_assert_int_eq(ended, count_done(done));
    }
    if (rig_is_virtual())
        assert_passed(start, 0);
    await_jobs();
}

SCENARIO(wait_for_a_time)
{
    bool done[4] = {true, true, true, true};
    double start = asyncio_time();
    start_jobs();
    jobs[0].result = -EIO;
    int ended = asyncio_wait(tasks, 4, ASYNCIO_ALL_COMPLETED, 2.5 * TICK, done);
    assert_passed(start, 2.5 * TICK);
    ck_assert_int_eq(ended, count_done(done));
    if (rig_is_virtual())
        ck_assert_int_eq(ended, 2);
    await_jobs();
}

SCENARIO(wait_for_no_time_looks_only)
{
    bool done[4];
    int result = 1;
    asyncio_task ended = asyncio_create_task(return_value, &result);
    let_others_run();
    start_jobs();
    tasks[3] = ended;
    ck_assert_int_eq(asyncio_wait(tasks, 3, ASYNCIO_ALL_COMPLETED, 0, done), 0);
    ck_assert_int_eq(asyncio_wait(tasks, 4, ASYNCIO_ALL_COMPLETED, 0, done), 1);
    ck_assert(done[3]);
    ck_assert_int_eq(count_done(done), 1);
    ck_assert_int_eq(asyncio_await(ended), 1);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(asyncio_await(tasks[i]), i);
}

SCENARIO(wait_refuses_nonsense)
{
    start_jobs();
    ck_assert_int_eq(asyncio_wait(tasks, 0, ASYNCIO_ALL_COMPLETED, 1, NULL),
                     -EINVAL);
    ck_assert_int_eq(asyncio_wait(NULL, 1, ASYNCIO_ALL_COMPLETED, 1, NULL),
                     -EINVAL);
    ck_assert_int_eq(
        asyncio_wait(tasks, 4, ASYNCIO_ALL_COMPLETED, (double)NAN, NULL),
        -EINVAL);
    ck_assert_int_eq(asyncio_wait(tasks, 4, ASYNCIO_ALL_COMPLETED, -1, NULL),
                     -EINVAL);
    ck_assert_int_eq(asyncio_wait(tasks, 4, (enum asyncio_when)3, 1, NULL),
                     -EINVAL);
    ck_assert_int_eq(asyncio_wait(tasks, 4, (enum asyncio_when)-1, 1, NULL),
                     -EINVAL);
    await_jobs();
}

static int await_it(void *arg)
{
    return asyncio_await(*(asyncio_task *)arg);
}

SCENARIO(wait_refuses_a_list_with_a_bad_handle_and_lets_go_of_the_rest)
{
    int one = 1;
    start_jobs();
    asyncio_task good = tasks[3];
    asyncio_task stale = asyncio_create_task(return_value, &one);
    ck_assert_int_eq(asyncio_await(stale), 1);
    asyncio_task other = asyncio_create_task(await_it, &tasks[2]);
    let_others_run();
    asyncio_task bad[] = {stale, {0}, asyncio_current_task(), tasks[0],
                          tasks[2]};
    int errors[] = {-ESRCH, -ENOMEM, -EDEADLK, -EBUSY, -EBUSY};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        asyncio_task list[] = {tasks[0], tasks[1], bad[i]};
        ck_assert_int_eq(
            asyncio_wait(list, 3, ASYNCIO_FIRST_COMPLETED, 1, NULL),
            errors[i]);
    }
    ck_assert_int_eq(asyncio_await(tasks[0]), 0);
    ck_assert_int_eq(asyncio_await(tasks[1]), 1);
    ck_assert_int_eq(asyncio_await(other), 2);
    ck_assert_int_eq(asyncio_await(good), 3);
}

static int wait_for_all_jobs(void *arg)
{
    bool done[4];
    (void)arg;
    return asyncio_wait(tasks, 4, ASYNCIO_ALL_COMPLETED, ASYNCIO_FOREVER, done);
}

SCENARIO(a_cancelled_wait_leaves_the_tasks_alone)
{
    start_jobs();
    asyncio_task waiter = asyncio_create_task(wait_for_all_jobs, NULL);
    let_others_run();
    ck_assert_int_eq(asyncio_task_cancel(waiter), 0);
    ck_assert_int_eq(asyncio_await(waiter), -ECANCELED);
    for (int i = 0; i < 4; i++)
        ck_assert(!asyncio_task_is_cancelled(tasks[i]));
    await_jobs();
}

SCENARIO(a_wait_that_begins_cancelled_leaves_the_tasks_alone)
{
    start_jobs();
    asyncio_task waiter = asyncio_create_task(wait_for_all_jobs, NULL);
    ck_assert_int_eq(asyncio_task_cancel(waiter), 0);
    ck_assert_int_eq(asyncio_await(waiter), -ECANCELED);
    await_jobs();
}

SCENARIO(a_wait_under_a_timeout_leaves_the_tasks_alone)
{
    struct asyncio_timeout timeout;
    start_jobs();
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, TICK / 2), 0);
    int err = wait_for_all_jobs(NULL);
    ck_assert_int_eq(err, -ECANCELED);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
    await_jobs();
}

SCENARIO(tasks_can_be_waited_for_again_and_again)
{
    start_jobs();
    for (int i = 0; i < 10; i++)
        ck_assert_int_ge(asyncio_wait(tasks, 4, ASYNCIO_ALL_COMPLETED,
                                      TICK / 4, NULL),
                         0);
    cancel_and_await_jobs();
}

/* ---- as_completed ---- */

SCENARIO(as_completed_hands_out_in_the_order_of_the_ends)
{
    struct asyncio_as_completed it;
    size_t index;
    int result;
    double seconds[] = {3, 1, 4, 2};
    size_t order[] = {1, 3, 0, 2};
    for (int i = 0; i < 4; i++) {
        jobs[i] = (struct job){.seconds = seconds[i] * TICK, .result = 10 * i};
        tasks[i] = asyncio_create_task(run_job, &jobs[i]);
    }
    ck_assert_int_eq(asyncio_as_completed_init(&it, tasks, 4), 0);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(asyncio_as_completed_next(&it, &index, &result), 1);
        ck_assert_uint_eq(index, order[i]);
        ck_assert_int_eq(result, 10 * (int)index);
        ck_assert_int_eq(asyncio_task_error(tasks[index]), -ESRCH);
    }
    ck_assert_int_eq(asyncio_as_completed_next(&it, &index, &result), 0);
    ck_assert_int_eq(asyncio_as_completed_next(&it, NULL, NULL), 0);
    asyncio_as_completed_fini(&it);
}

SCENARIO(as_completed_lets_go_of_what_it_did_not_hand_out)
{
    struct asyncio_as_completed it;
    size_t index = 9;
    start_jobs();
    ck_assert_int_eq(asyncio_as_completed_init(&it, tasks, 4), 0);
    ck_assert_int_eq(asyncio_await(tasks[3]), -EBUSY);
    ck_assert_int_eq(asyncio_as_completed_next(&it, &index, NULL), 1);
    ck_assert_uint_eq(index, 0);
    while (!jobs[1].ended)
        ck_assert_int_eq(asyncio_sleep(TICK / 2), 0);
    asyncio_as_completed_fini(&it);
    for (int i = 1; i < 4; i++)
        ck_assert_int_eq(asyncio_await(tasks[i]), i);
}

SCENARIO(as_completed_takes_those_that_have_ended)
{
    struct asyncio_as_completed it;
    int values[] = {5, 6}, result;
    for (int i = 0; i < 2; i++)
        tasks[i] = asyncio_create_task(return_value, &values[i]);
    let_others_run();
    ck_assert_int_eq(asyncio_as_completed_init(&it, tasks, 2), 0);
    int sum = 0;
    while (asyncio_as_completed_next(&it, NULL, &result) > 0)
        sum += result;
    ck_assert_int_eq(sum, 11);
    asyncio_as_completed_fini(&it);
}

SCENARIO(as_completed_refuses_what_wait_refuses)
{
    struct asyncio_as_completed it;
    start_jobs();
    asyncio_task twice[] = {tasks[0], tasks[0]};
    asyncio_task self = asyncio_current_task();
    asyncio_task null = {0};
    ck_assert_int_eq(asyncio_as_completed_init(&it, tasks, 0), -EINVAL);
    ck_assert_int_eq(asyncio_as_completed_init(&it, twice, 2), -EBUSY);
    ck_assert_int_eq(asyncio_as_completed_init(&it, &self, 1), -EDEADLK);
    ck_assert_int_eq(asyncio_as_completed_init(&it, &null, 1), -ENOMEM);
    await_jobs();
}

static int take_all(void *arg)
{
    struct asyncio_as_completed it;
    (void)arg;
    int err = asyncio_as_completed_init(&it, tasks, 4);
    while (err >= 0)
        err = asyncio_as_completed_next(&it, NULL, NULL);
    /* Still usable, and still cancelled. */
    ck_assert_int_eq(asyncio_as_completed_next(&it, NULL, NULL), err);
    asyncio_as_completed_fini(&it);
    return err;
}

SCENARIO(a_cancelled_as_completed_leaves_the_tasks_alone)
{
    start_jobs();
    asyncio_task taker = asyncio_create_task(take_all, NULL);
    let_others_run();
    ck_assert_int_eq(asyncio_task_cancel(taker), 0);
    ck_assert_int_eq(asyncio_await(taker), -ECANCELED);
    await_jobs();
}

/* ---- wait_for ---- */

SCENARIO(wait_for_gives_the_result_in_time)
{
    struct job job = {.seconds = TICK, .result = 7};
    asyncio_task task = asyncio_create_task(run_job, &job);
    ck_assert_int_eq(asyncio_wait_for(task, 500 * TICK), 7);
    ck_assert_int_eq(asyncio_task_error(task), -ESRCH);
    int failure = -EIO;
    task = asyncio_create_task(return_value, &failure);
    ck_assert_int_eq(asyncio_wait_for(task, ASYNCIO_FOREVER), -EIO);
}

SCENARIO(wait_for_cancels_and_joins_at_its_deadline)
{
    double start = asyncio_time();
    struct job job = {.seconds = ASYNCIO_FOREVER};
    asyncio_task task = asyncio_create_task(run_job, &job);
    ck_assert_int_eq(asyncio_wait_for(task, 2 * TICK), -ETIMEDOUT);
    assert_passed(start, 2 * TICK);
    ck_assert(job.ended);
    ck_assert_int_eq(asyncio_task_error(task), -ESRCH);
    ck_assert_int_eq(asyncio_sleep(0), 0);
}

SCENARIO(wait_for_no_time_still_runs_the_task)
{
    struct job job = {.seconds = ASYNCIO_FOREVER};
    asyncio_task task = asyncio_create_task(run_job, &job);
    ck_assert_int_eq(asyncio_wait_for(task, 0), -ETIMEDOUT);
    ck_assert(job.began && job.ended);
    job = (struct job){.seconds = ASYNCIO_FOREVER};
    task = asyncio_create_task(run_job, &job);
    ck_assert_int_eq(asyncio_wait_for(task, -3), -ETIMEDOUT);
    ck_assert(job.began && job.ended);
}

SCENARIO(wait_for_takes_a_result_that_is_there)
{
    int results[] = {3, -EIO, -ECANCELED};
    for (int i = 0; i < 3; i++) {
        asyncio_task task = asyncio_create_task(return_value, &results[i]);
        let_others_run();
        ck_assert_int_eq(asyncio_wait_for(task, 0), results[i]);
    }
}

SCENARIO(wait_for_refuses_nan_and_keeps_the_task)
{
    int result = 2;
    asyncio_task task = asyncio_create_task(return_value, &result);
    ck_assert_int_eq(asyncio_wait_for(task, (double)NAN), -EINVAL);
    ck_assert_int_eq(asyncio_wait_for(task, 1), 2);
}

static int defy_cancellation(void *arg)
{
    asyncio_sleep(ASYNCIO_FOREVER);
    return *(int *)arg;
}

SCENARIO(wait_for_returns_what_a_cancelled_task_came_to)
{
    int results[] = {12, -EIO};
    for (int i = 0; i < 2; i++) {
        asyncio_task task = asyncio_create_task(defy_cancellation, &results[i]);
        ck_assert_int_eq(asyncio_wait_for(task, TICK), results[i]);
    }
}

struct waiting {
    asyncio_task task;
    double seconds;
    int result;
};

static int wait_for_it(void *arg)
{
    struct waiting *waiting = arg;
    waiting->result = asyncio_wait_for(waiting->task, waiting->seconds);
    return asyncio_check_cancelled();
}

/* asyncio's wait_for once lost a cancel that met the end of its task. */
SCENARIO(wait_for_swallows_no_cancel)
{
    struct waiting waiting = {.seconds = 500 * TICK};
    waiting.task = asyncio_create_task(sleep_for_ever, NULL);
    asyncio_task waiter = asyncio_create_task(wait_for_it, &waiting);
    let_others_run();
    ck_assert_int_eq(asyncio_task_cancel(waiter), 0);
    ck_assert_int_eq(asyncio_await(waiter), -ECANCELED);
    ck_assert_int_eq(waiting.result, -ECANCELED);
}

struct meeting {
    struct waiting waiting;
    asyncio_task waiter;
    int result;
};

/* Ends in the very moment in which it cancels the one that waits for it. */
static int cancel_the_waiter_and_end(void *arg)
{
    struct meeting *meeting = arg;
    int err = asyncio_sleep(TICK);
    if (err < 0)
        return err;
    ck_assert_int_eq(asyncio_task_cancel(meeting->waiter), 0);
    return meeting->result;
}

SCENARIO(wait_for_keeps_a_result_and_a_cancel_of_one_moment)
{
    struct meeting meeting = {.waiting.seconds = 500 * TICK, .result = 5};
    meeting.waiting.task =
        asyncio_create_task(cancel_the_waiter_and_end, &meeting);
    meeting.waiter = asyncio_create_task(wait_for_it, &meeting.waiting);
    ck_assert_int_eq(asyncio_await(meeting.waiter), -ECANCELED);
    ck_assert_int_eq(meeting.waiting.result, 5);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("wait");
    suite_case(suite, wait_until_the_first_has_ended);
    suite_case(suite, wait_until_all_have_ended);
    suite_case(suite, wait_until_the_first_failure);
    suite_case(suite, without_a_failure_first_exception_waits_for_all);
    suite_case(suite, wait_returns_at_once_when_it_holds_already);
    suite_case(suite, wait_for_a_time);
    suite_case(suite, wait_for_no_time_looks_only);
    suite_case(suite, wait_refuses_nonsense);
    suite_case(suite,
               wait_refuses_a_list_with_a_bad_handle_and_lets_go_of_the_rest);
    suite_case(suite, a_cancelled_wait_leaves_the_tasks_alone);
    suite_case(suite, a_wait_that_begins_cancelled_leaves_the_tasks_alone);
    suite_case(suite, a_wait_under_a_timeout_leaves_the_tasks_alone);
    suite_case(suite, tasks_can_be_waited_for_again_and_again);
    suite_case(suite, as_completed_hands_out_in_the_order_of_the_ends);
    suite_case(suite, as_completed_lets_go_of_what_it_did_not_hand_out);
    suite_case(suite, as_completed_takes_those_that_have_ended);
    suite_case(suite, as_completed_refuses_what_wait_refuses);
    suite_case(suite, a_cancelled_as_completed_leaves_the_tasks_alone);
    suite_case(suite, wait_for_gives_the_result_in_time);
    suite_case(suite, wait_for_cancels_and_joins_at_its_deadline);
    suite_case(suite, wait_for_no_time_still_runs_the_task);
    suite_case(suite, wait_for_takes_a_result_that_is_there);
    suite_case(suite, wait_for_refuses_nan_and_keeps_the_task);
    suite_case(suite, wait_for_returns_what_a_cancelled_task_came_to);
    suite_case(suite, wait_for_swallows_no_cancel);
    suite_case(suite, wait_for_keeps_a_result_and_a_cancel_of_one_moment);
    return suite;
}
