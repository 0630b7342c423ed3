/* SPDX-License-Identifier: MIT */
/* Groups: children end before the block, the first failure cancels the rest. */
#include "rig.h"

static void begin(struct asyncio_group *group)
{
    ck_assert_int_eq(asyncio_group_begin(group), 0);
}

static asyncio_task spawn(struct asyncio_group *group, struct job *job)
{
    asyncio_task task = asyncio_group_create_task(group, run_job, job);
    ck_assert_int_eq(asyncio_task_error(task), 0);
    return task;
}

/* ---- children and the end ---- */

SCENARIO(an_empty_group_ends_at_once)
{
    struct asyncio_group group;
    int results[] = {0, 4, -EIO, -ECANCELED};
    for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
        begin(&group);
        ck_assert_uint_eq(asyncio_group_alive(&group), 0);
        ck_assert_int_eq(asyncio_group_end(&group, results[i]), results[i]);
    }
}

SCENARIO(the_end_waits_for_all_children)
{
    struct asyncio_group group;
    struct job jobs[5];
    double start = asyncio_time();
    begin(&group);
    for (int i = 0; i < 5; i++) {
        jobs[i] = (struct job){.seconds = (i + 1) * TICK, .result = i};
        spawn(&group, &jobs[i]);
    }
    ck_assert_uint_eq(asyncio_group_alive(&group), 5);
    ck_assert_int_eq(asyncio_group_end(&group, 0), 0);
    assert_passed(start, 5 * TICK);
    for (int i = 0; i < 5; i++)
        ck_assert(jobs[i].ended);
    ck_assert_uint_eq(asyncio_group_failures(&group), 0);
}

SCENARIO(children_are_released_as_they_end)
{
    struct asyncio_group group;
    struct job job = {.seconds = TICK, .result = 7};
    begin(&group);
    asyncio_task child = spawn(&group, &job);
    ck_assert(!asyncio_task_is_done(child));
    while (!job.ended)
        ck_assert_int_eq(asyncio_sleep(TICK / 2), 0);
    let_others_run();
    ck_assert_uint_eq(asyncio_group_alive(&group), 0);
    ck_assert(asyncio_task_is_done(child));
    ck_assert_int_eq(asyncio_task_error(child), -ESRCH);
    ck_assert_int_eq(asyncio_group_end(&group, 0), 0);
}

SCENARIO(a_child_cannot_be_awaited_or_detached)
{
    struct asyncio_group group;
    struct job job = {.seconds = TICK};
    begin(&group);
    asyncio_task child = spawn(&group, &job);
    ck_assert_int_eq(asyncio_await(child), -EBUSY);
    ck_assert_int_eq(asyncio_task_detach(child), -EBUSY);
    ck_assert_int_eq(asyncio_gather(&child, 1, NULL), -EBUSY);
    ck_assert_int_eq(asyncio_task_set_name(child, "mine"), 0);
    ck_assert_int_eq(asyncio_group_end(&group, 0), 0);
}

SCENARIO(children_take_options)
{
    struct asyncio_group group;
    char name[16];
    struct job job = {.seconds = TICK};
    struct asyncio_task_options options = {.name = "with",
                                           .stack_size = 128 * 1024};
    begin(&group);
    asyncio_task child =
        asyncio_group_create_task_with(&group, run_job, &job, &options);
    ck_assert_int_eq(asyncio_task_get_name(child, name, sizeof name), 4);
    ck_assert_str_eq(name, "with");
    child = asyncio_group_create_task(&group, NULL, NULL);
    ck_assert_int_eq(asyncio_task_error(child), -EINVAL);
    options.stack_size = 1;
    child = asyncio_group_create_task_with(&group, run_job, &job, &options);
    ck_assert_int_eq(asyncio_task_error(child), -EINVAL);
    ck_assert_uint_eq(asyncio_group_alive(&group), 1);
    ck_assert_int_eq(asyncio_group_end(&group, 0), 0);
    ck_assert(job.ended);
}

SCENARIO(creating_after_the_end_is_epipe)
{
    struct asyncio_group group;
    struct job job = {0};
    begin(&group);
    ck_assert_int_eq(asyncio_group_end(&group, 0), 0);
    asyncio_task child = asyncio_group_create_task(&group, run_job, &job);
    ck_assert_int_eq(asyncio_task_error(child), -EPIPE);
    let_others_run();
    ck_assert(!job.began);
}

struct tree {
    struct asyncio_group *group;
    int depth;
    int *count;
};

static int grow_tree(void *arg)
{
    struct tree *tree = arg;
    ++*tree->count;
    struct tree branch = {tree->group, tree->depth - 1, tree->count};
    struct asyncio_task_options options = {.arg_size = sizeof branch};
    for (int i = 0; i < 2 && tree->depth > 0; i++)
        asyncio_group_create_task_with(tree->group, grow_tree, &branch,
                                       &options);
    return asyncio_sleep(0);
}

SCENARIO(children_may_create_children_while_it_closes)
{
    struct asyncio_group group;
    int count = 0;
    struct tree tree = {&group, 6, &count};
    begin(&group);
    asyncio_group_create_task(&group, grow_tree, &tree);
    ck_assert_int_eq(asyncio_group_end(&group, 0), 0);
    ck_assert_int_eq(count, 127);
}

/* The last child has ended, and the end is about to notice. */
static int add_a_late_child(void *arg)
{
    struct tree *tree = arg;
    while (asyncio_group_alive(tree->group) > 0)
        ck_assert_int_eq(asyncio_sleep(0), 0);
    asyncio_task child =
        asyncio_group_create_task(tree->group, grow_tree, tree);
    return asyncio_task_error(child);
}

SCENARIO(a_child_that_comes_at_the_last_moment_is_waited_for_or_refused)
{
    struct asyncio_group group;
    int count = 0;
    struct tree tree = {&group, 1, &count};
    struct job job = {.seconds = 0};
    begin(&group);
    spawn(&group, &job);
    asyncio_task late = asyncio_create_task(add_a_late_child, &tree);
    ck_assert_int_eq(asyncio_group_end(&group, 0), 0);
    int err = asyncio_await(late);
    ck_assert(err == 0 || err == -EPIPE);
    ck_assert_int_eq(count, err == 0 ? 3 : 0);
}

/* ---- failures ---- */

SCENARIO(the_first_failure_cancels_the_rest_and_is_returned)
{
    struct asyncio_group group;
    struct job jobs[] = {
        {.seconds = ASYNCIO_FOREVER},
        {.seconds = 2 * TICK, .result = -EIO},
        {.seconds = TICK, .result = 3},
        {.seconds = ASYNCIO_FOREVER},
    };
    double start = asyncio_time();
    begin(&group);
    for (int i = 0; i < 4; i++)
        spawn(&group, &jobs[i]);
    ck_assert_int_eq(asyncio_group_end(&group, 0), -EIO);
    assert_passed(start, 2 * TICK);
    ck_assert_int_eq(jobs[0].slept, -ECANCELED);
    ck_assert_int_eq(jobs[2].slept, 0);
    ck_assert_int_eq(jobs[3].slept, -ECANCELED);
    ck_assert_uint_eq(asyncio_group_failures(&group), 1);
    /* The caller is not cancelled by that. */
    ck_assert_int_eq(asyncio_sleep(0), 0);
}

SCENARIO(a_failure_cancels_the_body)
{
    struct asyncio_group group;
    struct job job = {.seconds = TICK, .result = -EIO};
    begin(&group);
    spawn(&group, &job);
    int err = asyncio_sleep(ASYNCIO_FOREVER);
    ck_assert_int_eq(err, -ECANCELED);
    ck_assert_int_eq(asyncio_group_end(&group, err), -EIO);
    ck_assert_int_eq(asyncio_sleep(0), 0);
}

SCENARIO(a_failure_of_the_body_cancels_the_children)
{
    struct asyncio_group group;
    struct job job = {.seconds = ASYNCIO_FOREVER};
    begin(&group);
    spawn(&group, &job);
    ck_assert_int_eq(asyncio_group_end(&group, -ENOENT), -ENOENT);
    ck_assert(job.began);
    ck_assert_int_eq(job.slept, -ECANCELED);
}

/* -ECANCELED out of thin air is a failure like any other. */
SCENARIO(an_invented_cancellation_of_the_body_is_a_failure)
{
    struct asyncio_group group;
    struct job job = {.seconds = ASYNCIO_FOREVER};
    begin(&group);
    spawn(&group, &job);
    ck_assert_int_eq(asyncio_group_end(&group, -ECANCELED), -ECANCELED);
    ck_assert_int_eq(job.slept, -ECANCELED);
}

SCENARIO(a_positive_body_is_no_failure)
{
    struct asyncio_group group;
    struct job job = {.seconds = TICK};
    begin(&group);
    spawn(&group, &job);
    ck_assert_int_eq(asyncio_group_end(&group, 12), 12);
    ck_assert_int_eq(job.slept, 0);
}

SCENARIO(all_failures_are_counted_and_the_first_in_time_counts)
{
    struct asyncio_group group;
    int errors[] = {-EIO, -ENOSPC, -EACCES};
    begin(&group);
    struct job jobs[3];
    for (int i = 0; i < 3; i++) {
        /* Far apart: on a loaded machine all that are due end at once. */
        double seconds = i == 2 ? TICK : 1000;
        jobs[i] = (struct job){.seconds = seconds, .result = errors[i]};
        spawn(&group, &jobs[i]);
    }
    ck_assert_int_eq(asyncio_group_end(&group, 0), -EACCES);
    ck_assert_uint_eq(asyncio_group_failures(&group), 1);

    begin(&group);
    for (int i = 0; i < 3; i++)
        asyncio_group_create_task(&group, return_value, &errors[1]);
    ck_assert_int_eq(asyncio_group_end(&group, 0), -ENOSPC);
    ck_assert_uint_eq(asyncio_group_failures(&group), 3);
}

/* ---- cancellations of children ---- */

SCENARIO(a_cancelled_child_is_no_failure)
{
    struct asyncio_group group;
    struct job jobs[] = {{.seconds = ASYNCIO_FOREVER}, {.seconds = 3 * TICK}};
    begin(&group);
    asyncio_task child = spawn(&group, &jobs[0]);
    spawn(&group, &jobs[1]);
    let_others_run();
    ck_assert_int_eq(asyncio_task_cancel(child), 0);
    ck_assert_int_eq(asyncio_group_end(&group, 0), 0);
    ck_assert_int_eq(jobs[0].slept, -ECANCELED);
    ck_assert_int_eq(jobs[1].slept, 0);
    ck_assert_uint_eq(asyncio_group_failures(&group), 0);
}

SCENARIO(an_invented_cancellation_of_a_child_is_a_failure)
{
    struct asyncio_group group;
    struct job job = {.seconds = ASYNCIO_FOREVER};
    int cancelled = -ECANCELED;
    begin(&group);
    spawn(&group, &job);
    asyncio_group_create_task(&group, return_value, &cancelled);
    ck_assert_int_eq(asyncio_group_end(&group, 0), -ECANCELED);
    ck_assert_uint_eq(asyncio_group_failures(&group), 1);
    ck_assert_int_eq(job.slept, -ECANCELED);
}

/* ---- cancelling the group ---- */

SCENARIO(a_cancelled_group_ends_without_a_failure)
{
    struct asyncio_group group;
    struct job jobs[2] = {{.seconds = ASYNCIO_FOREVER},
                          {.seconds = ASYNCIO_FOREVER}};
    begin(&group);
    spawn(&group, &jobs[0]);
    asyncio_group_cancel(&group);
    asyncio_group_cancel(&group);
    /* What comes late is cancelled, too, and still runs. */
    spawn(&group, &jobs[1]);
    int err = asyncio_sleep(0);
    ck_assert_int_eq(err, -ECANCELED);
    ck_assert_int_eq(asyncio_group_end(&group, err), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert(jobs[i].began);
        ck_assert_int_eq(jobs[i].slept, -ECANCELED);
    }
    ck_assert_int_eq(asyncio_sleep(0), 0);
}

static int cancel_the_group(void *arg)
{
    int err = asyncio_sleep(TICK);
    asyncio_group_cancel(arg);
    return err;
}

SCENARIO(a_child_may_cancel_the_group_while_it_closes)
{
    struct asyncio_group group;
    struct job job = {.seconds = ASYNCIO_FOREVER};
    begin(&group);
    spawn(&group, &job);
    asyncio_group_create_task(&group, cancel_the_group, &group);
    ck_assert_int_eq(asyncio_group_end(&group, 5), 5);
    ck_assert_int_eq(job.slept, -ECANCELED);
}

static int fail_when_cancelled(void *arg)
{
    int err = asyncio_sleep(ASYNCIO_FOREVER);
    return err < 0 ? *(int *)arg : 0;
}

SCENARIO(a_failure_during_a_cancel_is_returned)
{
    struct asyncio_group group;
    int failure = -EIO;
    begin(&group);
    asyncio_group_create_task(&group, fail_when_cancelled, &failure);
    asyncio_group_cancel(&group);
    ck_assert_int_eq(asyncio_group_end(&group, -ECANCELED), -EIO);
}

/* ---- the caller is cancelled ---- */

static struct job members[3];

static int hold_group(void *arg)
{
    struct asyncio_group group;
    bool *is_closing = arg;
    begin(&group);
    for (size_t i = 0; i < ARRAY_SIZE(members); i++)
        spawn(&group, &members[i]);
    int err = is_closing ? 0 : asyncio_sleep(ASYNCIO_FOREVER);
    if (is_closing)
        *is_closing = true;
    return asyncio_group_end(&group, err);
}

static void reset_members(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(members); i++)
        members[i] = (struct job){.seconds = ASYNCIO_FOREVER};
}

SCENARIO(a_group_cancelled_in_its_body_cancels_and_joins)
{
    reset_members();
    asyncio_task task = asyncio_create_task(hold_group, NULL);
    let_others_run();
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    for (size_t i = 0; i < ARRAY_SIZE(members); i++)
        ck_assert_int_eq(members[i].slept, -ECANCELED);
}

SCENARIO(a_group_cancelled_while_closing_cancels_and_joins)
{
    bool is_closing = false;
    reset_members();
    asyncio_task task = asyncio_create_task(hold_group, &is_closing);
    while (!is_closing)
        let_others_run();
    let_others_run();
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    for (size_t i = 0; i < ARRAY_SIZE(members); i++)
        ck_assert_int_eq(members[i].slept, -ECANCELED);
}

SCENARIO(a_task_cancelled_before_it_ran_still_joins_its_group)
{
    reset_members();
    asyncio_task task = asyncio_create_task(hold_group, NULL);
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        ck_assert(members[i].began);
        ck_assert_int_eq(members[i].slept, -ECANCELED);
    }
}

SCENARIO(a_child_that_failed_before_the_cancel_is_what_comes_out)
{
    bool is_closing = false;
    reset_members();
    members[1] = (struct job){.result = -EIO};
    asyncio_task task = asyncio_create_task(hold_group, &is_closing);
    while (!members[1].ended)
        let_others_run();
    asyncio_task_cancel(task);
    ck_assert_int_eq(asyncio_await(task), -EIO);
}

SCENARIO(children_that_ended_before_the_cancel_win)
{
    bool is_closing = false;
    for (size_t i = 0; i < ARRAY_SIZE(members); i++)
        members[i] = (struct job){.result = 1};
    asyncio_task task = asyncio_create_task(hold_group, &is_closing);
    ck_assert_int_eq(asyncio_await(task), 0);
    ck_assert_int_eq(asyncio_task_cancel(task), -ESRCH);
}

/* ---- timeouts and groups ---- */

SCENARIO(a_timeout_around_a_group_ends_it)
{
    struct asyncio_timeout timeout;
    reset_members();
    double start = asyncio_time();
    bool is_closing;
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 2 * TICK), 0);
    int err = hold_group(&is_closing);
    assert_passed(start, 2 * TICK);
    ck_assert_int_eq(err, -ECANCELED);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
    ck_assert_int_eq(members[0].slept, -ECANCELED);
}

SCENARIO(groups_nest)
{
    struct asyncio_group outer, inner;
    struct job jobs[] = {{.seconds = 4 * TICK},
                         {.seconds = ASYNCIO_FOREVER},
                         {.seconds = TICK, .result = -EIO}};
    begin(&outer);
    spawn(&outer, &jobs[0]);
    begin(&inner);
    spawn(&inner, &jobs[1]);
    spawn(&inner, &jobs[2]);
    ck_assert_int_eq(asyncio_group_end(&inner, 0), -EIO);
    ck_assert_int_eq(jobs[1].slept, -ECANCELED);
    ck_assert(!jobs[0].ended);
    ck_assert_int_eq(asyncio_group_end(&outer, 0), 0);
    ck_assert_int_eq(jobs[0].slept, 0);
}

SCENARIO(a_failure_in_the_outer_group_ends_the_inner)
{
    struct asyncio_group outer, inner;
    struct job jobs[] = {{.seconds = TICK, .result = -EIO},
                         {.seconds = ASYNCIO_FOREVER}};
    begin(&outer);
    spawn(&outer, &jobs[0]);
    begin(&inner);
    spawn(&inner, &jobs[1]);
    int err = asyncio_group_end(&inner, 0);
    ck_assert_int_eq(err, -ECANCELED);
    ck_assert_int_eq(asyncio_group_end(&outer, err), -EIO);
    ck_assert_int_eq(asyncio_sleep(0), 0);
}

/* ---- misuse ---- */

static int end_a_strangers_group(void *arg)
{
    return asyncio_group_end(arg, 0);
}

static int lend_group_to_its_end(void *arg)
{
    struct asyncio_group group;
    (void)arg;
    begin(&group);
    asyncio_group_create_task(&group, sleep_for_ever, NULL);
    asyncio_task task = asyncio_create_task(end_a_strangers_group, &group);
    asyncio_task_set_name(task, "stranger");
    let_others_run();
    return 0;
}

START_TEST(a_group_ended_by_another_task_aborts)
{
    struct outcome outcome = run_in_child(lend_group_to_its_end);
    assert_died(&outcome, SIGABRT);
    assert_said(&outcome, "stranger");
}
END_TEST

static int end_out_of_order(void *arg)
{
    struct asyncio_group outer, inner;
    (void)arg;
    asyncio_task_set_name(asyncio_current_task(), "confused");
    begin(&outer);
    asyncio_group_create_task(&outer, sleep_for_ever, NULL);
    begin(&inner);
    asyncio_group_cancel(&outer);
    asyncio_group_end(&outer, 0);
    return 0;
}

START_TEST(groups_ended_out_of_order_abort)
{
    struct outcome outcome = run_in_child(end_out_of_order);
    assert_died(&outcome, SIGABRT);
    assert_said(&outcome, "confused");
}
END_TEST

/* ---- the callback form, and many ---- */

static int fill_group(struct asyncio_group *group, void *arg)
{
    struct job *jobs = arg;
    for (int i = 0; i < 3; i++)
        spawn(group, &jobs[i]);
    return 30;
}

SCENARIO(the_callback_form)
{
    struct job jobs[3] = {{.seconds = TICK},
                          {.seconds = TICK},
                          {.seconds = 0}};
    ck_assert_int_eq(asyncio_group_run(fill_group, jobs), 30);
    ck_assert(jobs[0].ended && jobs[1].ended && jobs[2].ended);
    jobs[1].result = -EIO;
    jobs[2].seconds = ASYNCIO_FOREVER;
    ck_assert_int_eq(asyncio_group_run(fill_group, jobs), -EIO);
    ck_assert_int_eq(asyncio_group_run(NULL, NULL), -EINVAL);
}

SCENARIO(a_group_of_a_thousand)
{
    struct asyncio_group group;
    static struct job jobs[1000];
    begin(&group);
    for (int i = 0; i < 1000; i++) {
        jobs[i] = (struct job){.seconds = i % 7 * TICK / 10};
        spawn(&group, &jobs[i]);
    }
    ck_assert_int_eq(asyncio_group_end(&group, 0), 0);
    for (int i = 0; i < 1000; i++)
        ck_assert(jobs[i].ended);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("group");
    suite_case(suite, an_empty_group_ends_at_once);
    suite_case(suite, the_end_waits_for_all_children);
    suite_case(suite, children_are_released_as_they_end);
    suite_case(suite, a_child_cannot_be_awaited_or_detached);
    suite_case(suite, children_take_options);
    suite_case(suite, creating_after_the_end_is_epipe);
    suite_case(suite, children_may_create_children_while_it_closes);
    suite_case(suite,
               a_child_that_comes_at_the_last_moment_is_waited_for_or_refused);
    suite_case(suite, the_first_failure_cancels_the_rest_and_is_returned);
    suite_case(suite, a_failure_cancels_the_body);
    suite_case(suite, a_failure_of_the_body_cancels_the_children);
    suite_case(suite, an_invented_cancellation_of_the_body_is_a_failure);
    suite_case(suite, a_positive_body_is_no_failure);
    suite_case(suite, all_failures_are_counted_and_the_first_in_time_counts);
    suite_case(suite, a_cancelled_child_is_no_failure);
    suite_case(suite, an_invented_cancellation_of_a_child_is_a_failure);
    suite_case(suite, a_cancelled_group_ends_without_a_failure);
    suite_case(suite, a_child_may_cancel_the_group_while_it_closes);
    suite_case(suite, a_failure_during_a_cancel_is_returned);
    suite_case(suite, a_group_cancelled_in_its_body_cancels_and_joins);
    suite_case(suite, a_group_cancelled_while_closing_cancels_and_joins);
    suite_case(suite, a_task_cancelled_before_it_ran_still_joins_its_group);
    suite_case(suite, a_child_that_failed_before_the_cancel_is_what_comes_out);
    suite_case(suite, children_that_ended_before_the_cancel_win);
    suite_case(suite, a_timeout_around_a_group_ends_it);
    suite_case(suite, groups_nest);
    suite_case(suite, a_failure_in_the_outer_group_ends_the_inner);
    suite_case(suite, a_group_ended_by_another_task_aborts);
    suite_case(suite, groups_ended_out_of_order_abort);
    suite_case(suite, the_callback_form);
    suite_case(suite, a_group_of_a_thousand);
    return suite;
}
