/* SPDX-License-Identifier: MIT */
/* await and detach: results, ownership, refusals, failures nobody looked at. */
#include "rig.h"

/* ---- await ---- */

SCENARIO(await_returns_the_result)
{
    int results[] = {0, 1, 42, -EIO, -ECANCELED, -12345};
    for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
        asyncio_task task = asyncio_create_task(return_value, &results[i]);
        ck_assert_int_eq(asyncio_await(task), results[i]);
    }
}

SCENARIO(await_returns_at_once_when_it_has_ended)
{
    int result = 7;
    asyncio_task task = asyncio_create_task(return_value, &result);
    let_others_run();
    ck_assert(asyncio_task_is_done(task));
    ck_assert_int_eq(asyncio_await(task), 7);
}

static int fail_deep_down(void *arg)
{
    int *depth = arg;
    if (--*depth == 0)
        return -EBADMSG;
    asyncio_task task = asyncio_create_task(fail_deep_down, depth);
    int err = asyncio_await(task);
    return err < 0 ? err : 0;
}

SCENARIO(a_failure_travels_up)
{
    int depth = 20;
    asyncio_task task = asyncio_create_task(fail_deep_down, &depth);
    ck_assert_int_eq(asyncio_await(task), -EBADMSG);
}

SCENARIO(awaiting_takes_as_long_as_the_task)
{
    double start = asyncio_time(), seconds = 3 * TICK;
    asyncio_task task = asyncio_create_task(sleep_seconds, &seconds);
    ck_assert_int_eq(asyncio_await(task), 0);
    assert_passed(start, seconds);
}

SCENARIO(awaiting_twice_is_esrch)
{
    int result = 1;
    asyncio_task task = asyncio_create_task(return_value, &result);
    ck_assert_int_eq(asyncio_await(task), 1);
    ck_assert_int_eq(asyncio_await(task), -ESRCH);
}

SCENARIO(awaiting_itself_is_edeadlk)
{
    asyncio_task self = asyncio_current_task();
    int result = 0;
    ck_assert_int_eq(asyncio_await(self), -EDEADLK);
    ck_assert_int_eq(asyncio_wait_for(self, 1), -EDEADLK);
    ck_assert_int_eq(asyncio_gather(&self, 1, &result), -EDEADLK);
    ck_assert_int_eq(result, -EDEADLK);
    ck_assert_int_eq(asyncio_wait(&self, 1, ASYNCIO_ALL_COMPLETED, 1, NULL),
                     -EDEADLK);
}

static int await_it(void *arg)
{
    return asyncio_await(*(asyncio_task *)arg);
}

SCENARIO(a_second_awaiter_is_ebusy)
{
    double seconds = TICK;
    asyncio_task task = asyncio_create_task(sleep_seconds, &seconds);
    asyncio_task first = asyncio_create_task(await_it, &task);
    let_others_run();
    ck_assert_int_eq(asyncio_await(task), -EBUSY);
    ck_assert_int_eq(asyncio_wait_for(task, 0), -EBUSY);
    ck_assert_int_eq(asyncio_gather(&task, 1, NULL), -EBUSY);
    ck_assert_int_eq(asyncio_task_detach(task), -EBUSY);
    ck_assert_int_eq(asyncio_await(first), 0);
    ck_assert_int_eq(asyncio_await(task), -ESRCH);
}

/* ---- cycles ---- */

SCENARIO(two_that_await_each_other_are_edeadlk)
{
    asyncio_task tasks[2];
    tasks[0] = asyncio_create_task(await_it, &tasks[1]);
    tasks[1] = asyncio_create_task(await_it, &tasks[0]);
    let_others_run();
    /* One of them was refused, and that ended both. */
    int first = asyncio_await(tasks[0]);
    int second = asyncio_await(tasks[1]);
    ck_assert(first == -EDEADLK || first == -ESRCH);
    ck_assert(second == -EDEADLK || second == -ESRCH);
    ck_assert(first == -EDEADLK || second == -EDEADLK);
}

static int await_the_next(void *arg)
{
    asyncio_task *next = arg;
    return asyncio_await(*next);
}

SCENARIO(a_ring_of_awaiting_tasks_is_edeadlk)
{
    enum { RING = 10 };
    asyncio_task tasks[RING + 1];
    for (int i = 0; i < RING; i++)
        tasks[i] = asyncio_create_task(await_the_next, &tasks[i + 1]);
    tasks[RING] = tasks[0];
    for (int i = 0; i < RING; i++)
        let_others_run();
    int refused = 0;
    for (int i = 0; i < RING; i++) {
        ck_assert(asyncio_task_is_done(tasks[i]));
        if (asyncio_task_error(tasks[i]) == 0)
            refused += asyncio_await(tasks[i]) == -EDEADLK;
    }
    ck_assert_int_eq(refused, 1);
}

static int gather_two(void *arg)
{
    int err = asyncio_gather(arg, 2, NULL);
    return err;
}

SCENARIO(gathering_one_another_is_edeadlk)
{
    double seconds = TICK;
    asyncio_task first[2], second[2];
    first[0] = asyncio_create_task(sleep_seconds, &seconds);
    second[0] = asyncio_create_task(sleep_seconds, &seconds);
    asyncio_task a = asyncio_create_task(gather_two, first);
    asyncio_task b = asyncio_create_task(gather_two, second);
    first[1] = b;
    second[1] = a;
    let_others_run();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(asyncio_sleep(TICK), 0);
    let_others_run();
    ck_assert(asyncio_task_is_done(a));
    ck_assert(asyncio_task_is_done(b));
    if (asyncio_task_error(a) == 0)
        ck_assert_int_eq(asyncio_await(a), -EDEADLK);
    else
        ck_assert_int_eq(asyncio_await(b), -EDEADLK);
}

/* The ring closes by way of the second of what each has gathered. */
SCENARIO(a_ring_of_gathers_is_edeadlk)
{
    enum { RING = 5 };
    asyncio_task lists[RING][2], tasks[RING];
    int refused = 0;
    for (int i = 0; i < RING; i++) {
        lists[i][0] = asyncio_create_task(sleep_for_ever, NULL);
        tasks[i] = asyncio_create_task(gather_two, lists[i]);
    }
    for (int i = 0; i < RING; i++)
        lists[i][1] = tasks[(i + 1) % RING];
    let_others_run();
    /* All but one are joined to the next; the one that was refused waits for
     * its sleeper alone. */
    for (int i = 0; i < RING; i++)
        ck_assert_int_eq(asyncio_task_cancel(lists[i][0]), 0);
    while (asyncio_all_tasks(NULL, 0) > 1)
        ck_assert_int_eq(asyncio_sleep(TICK / 10), 0);
    for (int i = 0; i < RING; i++) {
        if (asyncio_task_error(tasks[i]) == 0)
            refused += asyncio_await(tasks[i]) < 0;
    }
    ck_assert_int_eq(refused, 1);
}

static int await_creator(void *arg)
{
    return asyncio_await(*(asyncio_task *)arg);
}

static int create_one_that_awaits_its_creator(void *arg)
{
    asyncio_task self = asyncio_current_task();
    asyncio_task child = asyncio_create_task(await_creator, &self);
    ck_assert_int_eq(asyncio_sleep(0), 0);
    let_others_run();
    /* Its creator ends only after it: the await can never succeed. */
    ck_assert(asyncio_task_is_done(child));
    ck_assert_int_eq(asyncio_await(child), -EDEADLK);
    return *(int *)arg;
}

SCENARIO(a_child_that_awaits_its_creator_is_edeadlk)
{
    int result = 6;
    asyncio_task task =
        asyncio_create_task(create_one_that_awaits_its_creator, &result);
    let_others_run();
    ck_assert_int_eq(asyncio_await(task), 6);
}

static int await_grand_creator(void *arg)
{
    asyncio_task child = asyncio_create_task(await_creator, arg);
    return asyncio_await(child);
}

static int group_of_one_that_awaits_its_owner(void *arg)
{
    struct asyncio_group group;
    asyncio_task self = asyncio_current_task();
    (void)arg;
    ck_assert_int_eq(asyncio_group_begin(&group), 0);
    asyncio_group_create_task(&group, await_grand_creator, &self);
    return asyncio_group_end(&group, 0);
}

SCENARIO(a_grandchild_that_awaits_the_owner_of_its_group_is_edeadlk)
{
    asyncio_task task =
        asyncio_create_task(group_of_one_that_awaits_its_owner, NULL);
    let_others_run();
    ck_assert_int_eq(asyncio_await(task), -EDEADLK);
}

struct triangle {
    asyncio_task creator, friend;
    int childs_result;
};

static int await_the_creator(void *arg)
{
    struct triangle *triangle = arg;
    return asyncio_await(triangle->creator);
}

static int await_the_friend(void *arg)
{
    struct triangle *triangle = arg;
    triangle->childs_result = asyncio_await(triangle->friend);
    return 0;
}

static int create_one_that_awaits_the_friend(void *arg)
{
    let_others_run();
    asyncio_task child = asyncio_create_task(await_the_friend, arg);
    let_others_run();
    return asyncio_task_error(child);
}

/* The creator ends after its child, the friend after the creator. */
SCENARIO(a_child_that_awaits_one_who_awaits_its_creator_is_edeadlk)
{
    struct triangle triangle = {.childs_result = 1};
    triangle.creator =
        asyncio_create_task(create_one_that_awaits_the_friend, &triangle);
    triangle.friend = asyncio_create_task(await_the_creator, &triangle);
    while (triangle.childs_result == 1)
        ck_assert_int_eq(asyncio_sleep(TICK), 0);
    ck_assert_int_eq(triangle.childs_result, -EDEADLK);
    ck_assert_int_eq(asyncio_await(triangle.friend), 0);
}

static int await_the_creator_later(void *arg)
{
    struct triangle *triangle = arg;
    let_others_run();
    let_others_run();
    triangle->childs_result = asyncio_await(triangle->creator);
    return 0;
}

static int await_friend(void *arg)
{
    struct triangle *triangle = arg;
    return asyncio_await(triangle->friend);
}

static int sleep_with_such_a_child(void *arg)
{
    asyncio_task child = asyncio_create_task(await_friend, arg);
    int err = asyncio_sleep(10 * TICK);
    return err < 0 ? err : asyncio_await(child);
}

/* The creator does not wait for its child yet, but will. */
SCENARIO(one_whose_child_awaits_the_caller_is_edeadlk)
{
    struct triangle triangle = {.childs_result = 1};
    triangle.creator = asyncio_create_task(sleep_with_such_a_child, &triangle);
    triangle.friend = asyncio_create_task(await_the_creator_later, &triangle);
    while (triangle.childs_result == 1)
        ck_assert_int_eq(asyncio_sleep(TICK), 0);
    ck_assert_int_eq(triangle.childs_result, -EDEADLK);
    ck_assert_int_eq(asyncio_await(triangle.creator), 0);
}

SCENARIO(siblings_may_await_each_other)
{
    double seconds = TICK;
    asyncio_task older = asyncio_create_task(sleep_seconds, &seconds);
    asyncio_task younger = asyncio_create_task(await_it, &older);
    ck_assert_int_eq(asyncio_await(younger), 0);
    ck_assert_int_eq(asyncio_await(older), -ESRCH);
}

/* ---- children that nobody awaited ---- */

static struct job children[3];

static int leave_children(void *arg)
{
    for (size_t i = 0; i < ARRAY_SIZE(children); i++) {
        children[i] = (struct job){.seconds = ASYNCIO_FOREVER};
        asyncio_create_task(run_job, &children[i]);
    }
    if (arg)
        ck_assert_int_eq(asyncio_sleep(0), 0);
    return 8;
}

SCENARIO(unawaited_children_are_cancelled_and_waited_for)
{
    for (int has_yielded = 0; has_yielded < 2; has_yielded++) {
        asyncio_task task =
            asyncio_create_task(leave_children,
                                has_yielded ? &has_yielded : NULL);
        ck_assert_int_eq(asyncio_await(task), 8);
        for (size_t i = 0; i < ARRAY_SIZE(children); i++) {
            ck_assert(children[i].began);
            ck_assert(children[i].ended);
            ck_assert_int_eq(children[i].slept, -ECANCELED);
        }
    }
    ck_assert_int_eq(asyncio_all_tasks(NULL, 0), 1);
}

static int slow_to_end(void *arg)
{
    double seconds = TICK;
    struct asyncio_shield shield;
    int err = asyncio_sleep(ASYNCIO_FOREVER);
    ck_assert_int_eq(asyncio_shield_begin(&shield, ASYNCIO_FOREVER), 0);
    ck_assert_int_eq(asyncio_sleep(seconds), 0);
    *(bool *)arg = true;
    return asyncio_shield_end(&shield, err);
}

static int leave_a_slow_child(void *arg)
{
    asyncio_create_task(slow_to_end, arg);
    return 9;
}

SCENARIO(a_task_has_not_ended_before_its_children)
{
    bool ended = false;
    double start = asyncio_time();
    asyncio_task task = asyncio_create_task(leave_a_slow_child, &ended);
    let_others_run();
    ck_assert(!asyncio_task_is_done(task));
    ck_assert_int_eq(asyncio_await(task), 9);
    ck_assert(ended);
    assert_passed(start, TICK);
}

struct lent {
    asyncio_task child;
    bool child_ended;
    int awaited;
};

static int await_lent(void *arg)
{
    struct lent *lent = arg;
    lent->awaited = asyncio_await(lent->child);
    return 0;
}

static int lend_a_child(void *arg)
{
    struct lent *lent = arg;
    lent->child = asyncio_create_task(slow_to_end, &lent->child_ended);
    let_others_run();
    let_others_run();
    return 3;
}

SCENARIO(a_child_that_somebody_else_awaits_is_waited_for_too)
{
    struct lent lent = {.awaited = 1};
    asyncio_task owner = asyncio_create_task(lend_a_child, &lent);
    ck_assert_int_eq(asyncio_sleep(0), 0);
    while (asyncio_task_error(lent.child) < 0)
        ck_assert_int_eq(asyncio_sleep(0), 0);
    asyncio_task other = asyncio_create_task(await_lent, &lent);
    ck_assert_int_eq(asyncio_await(owner), 3);
    ck_assert(lent.child_ended);
    ck_assert_int_eq(asyncio_await(other), 0);
    ck_assert_int_eq(lent.awaited, -ECANCELED);
}

static int watch_lent(void *arg)
{
    struct lent *lent = arg;
    bool done = false;
    int ended = asyncio_wait(&lent->child, 1, ASYNCIO_ALL_COMPLETED,
                             ASYNCIO_FOREVER, &done);
    ck_assert_int_eq(ended, 1);
    lent->awaited = done;
    return 0;
}

/* The watcher lets go of it; somebody must release it all the same. */
SCENARIO(a_child_that_somebody_else_watches_is_released)
{
    struct lent lent = {0};
    asyncio_task owner = asyncio_create_task(lend_a_child, &lent);
    while (asyncio_task_error(lent.child) < 0)
        ck_assert_int_eq(asyncio_sleep(0), 0);
    asyncio_task other = asyncio_create_task(watch_lent, &lent);
    ck_assert_int_eq(asyncio_await(owner), 3);
    ck_assert_int_eq(asyncio_await(other), 0);
    ck_assert_int_eq(lent.awaited, 1);
    ck_assert_int_eq(asyncio_task_error(lent.child), -ESRCH);
}

static int watch_lent_for_a_moment(void *arg)
{
    struct lent *lent = arg;
    lent->awaited = asyncio_wait(&lent->child, 1, ASYNCIO_ALL_COMPLETED,
                                 TICK / 2, NULL);
    return 0;
}

SCENARIO(a_child_that_a_watcher_gave_up_on_is_released)
{
    struct lent lent = {.awaited = 9};
    asyncio_task owner = asyncio_create_task(lend_a_child, &lent);
    while (asyncio_task_error(lent.child) < 0)
        ck_assert_int_eq(asyncio_sleep(0), 0);
    asyncio_task other = asyncio_create_task(watch_lent_for_a_moment, &lent);
    ck_assert_int_eq(asyncio_await(owner), 3);
    ck_assert_int_eq(asyncio_await(other), 0);
    ck_assert_int_ge(lent.awaited, 0);
    ck_assert_int_eq(asyncio_task_error(lent.child), -ESRCH);
}

static int leave_ended_children(void *arg)
{
    static int results[] = {0, 4, -ECANCELED};
    (void)arg;
    for (size_t i = 0; i < ARRAY_SIZE(results) - 1; i++)
        asyncio_create_task(return_value, &results[i]);
    let_others_run();
    return 0;
}

SCENARIO(ended_children_are_released)
{
    asyncio_task task = asyncio_create_task(leave_ended_children, NULL);
    ck_assert_int_eq(asyncio_await(task), 0);
}

/* ---- detach ---- */

static int detach_and_return(void *arg)
{
    asyncio_task task = asyncio_create_task(run_job, arg);
    ck_assert_int_eq(asyncio_task_detach(task), 0);
    ck_assert_int_eq(asyncio_task_detach(task), -EBUSY);
    ck_assert_int_eq(asyncio_await(task), -EBUSY);
    return asyncio_task_error(task);
}

SCENARIO(a_detached_task_outlives_its_creator)
{
    struct job job = {.seconds = 2 * TICK};
    asyncio_task task = asyncio_create_task(detach_and_return, &job);
    ck_assert_int_eq(asyncio_await(task), 0);
    ck_assert(!job.ended);
    while (!job.ended)
        ck_assert_int_eq(asyncio_sleep(TICK), 0);
    ck_assert_int_eq(job.slept, 0);
}

SCENARIO(a_detached_task_is_esrch_when_it_has_ended)
{
    int result = 3;
    asyncio_task task = asyncio_create_task(return_value, &result);
    ck_assert_int_eq(asyncio_task_detach(task), 0);
    let_others_run();
    ck_assert_int_eq(asyncio_await(task), -ESRCH);
    /* One that has ended already is gone at once. */
    task = asyncio_create_task(return_value, &result);
    let_others_run();
    ck_assert_int_eq(asyncio_task_detach(task), 0);
    ck_assert_int_eq(asyncio_task_detach(task), -ESRCH);
}

SCENARIO(a_detached_task_can_be_cancelled)
{
    struct job job = {.seconds = ASYNCIO_FOREVER};
    asyncio_task task = asyncio_create_task(run_job, &job);
    ck_assert_int_eq(asyncio_task_detach(task), 0);
    let_others_run();
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    let_others_run();
    ck_assert_int_eq(job.slept, -ECANCELED);
}

static int detach_itself(void *arg)
{
    struct job *job = arg;
    ck_assert_int_eq(asyncio_task_detach(asyncio_current_task()), 0);
    return run_job(job);
}

static int create_one_that_detaches_itself(void *arg)
{
    asyncio_create_task(detach_itself, arg);
    let_others_run();
    return 0;
}

SCENARIO(a_task_may_detach_itself)
{
    struct job job = {.seconds = TICK};
    asyncio_task task =
        asyncio_create_task(create_one_that_detaches_itself, &job);
    ck_assert_int_eq(asyncio_await(task), 0);
    while (!job.ended)
        ck_assert_int_eq(asyncio_sleep(TICK), 0);
    ck_assert_int_eq(job.slept, 0);
}

/* ---- failures that nobody looked at ---- */

static int fail_unseen(void *arg)
{
    static int failure = -ENOTTY, fine = 5;
    struct asyncio_task_options options = {.name = "forgotten"};
    asyncio_create_task(return_value, &fine);
    asyncio_task task =
        asyncio_create_task_with(return_value, &failure, &options);
    if (arg)
        let_others_run();
    return asyncio_task_error(task);
}

static void fail_unseen_body(void *arg)
{
    if (asyncio_run(fail_unseen, arg) != 0)
        _exit(1);
}

START_TEST(a_failure_of_an_unawaited_task_is_reported)
{
    /* Both when it had ended before its creator, and when it had not. */
    for (int i = 0; i < 2; i++) {
        struct outcome outcome = in_child(fail_unseen_body, i ? &i : NULL);
        assert_exited(&outcome, 0);
        assert_said(&outcome, "asyncio: forgotten failed with ENOTTY");
        ck_assert_ptr_null(strstr(outcome.said, "task-"));
    }
}
END_TEST

static int fail_detached(void *arg)
{
    static int failure = -ENOTTY;
    struct asyncio_task_options options = {.name = "let go"};
    asyncio_task task =
        asyncio_create_task_with(return_value, &failure, &options);
    if (arg)
        let_others_run();
    int err = asyncio_task_detach(task);
    let_others_run();
    return err;
}

static int fail_detached_after_end(void *arg)
{
    int yes = 1;
    (void)arg;
    return fail_detached(&yes);
}

START_TEST(a_failure_of_a_detached_task_is_reported)
{
    struct outcome outcome = run_in_child(fail_detached);
    assert_exited(&outcome, 0);
    assert_said(&outcome, "let go failed with ENOTTY");
    outcome = run_in_child(fail_detached_after_end);
    assert_exited(&outcome, 0);
    assert_said(&outcome, "let go failed with ENOTTY");
}
END_TEST

static int end_quietly(void *arg)
{
    static int failure = -ENOTTY;
    (void)arg;
    asyncio_create_task(sleep_for_ever, NULL);
    asyncio_task_detach(asyncio_create_task(sleep_for_ever, NULL));
    asyncio_task task = asyncio_create_task(return_value, &failure);
    if (asyncio_await(task) != -ENOTTY)
        return -EIO;
    task = asyncio_create_task(sleep_for_ever, NULL);
    asyncio_task_cancel(task);
    return asyncio_sleep(0);
}

START_TEST(cancellations_and_awaited_failures_are_not_reported)
{
    struct outcome outcome = run_in_child(end_quietly);
    assert_exited(&outcome, 0);
    assert_silent(&outcome);
}
END_TEST

static int invent_a_cancellation(void *arg)
{
    static int cancelled = -ECANCELED;
    (void)arg;
    asyncio_create_task(return_value, &cancelled);
    let_others_run();
    return 0;
}

START_TEST(a_cancellation_of_a_task_that_was_not_cancelled_is_reported)
{
    struct outcome outcome = run_in_child(invent_a_cancellation);
    assert_exited(&outcome, 0);
    assert_said(&outcome, "failed with ECANCELED");
}
END_TEST

static int leave_one(void *arg)
{
    (void)arg;
    asyncio_task_set_name(asyncio_current_task(), "careless");
    asyncio_create_task(sleep_for_ever, NULL);
    return asyncio_sleep(0);
}

START_TEST(debug_mode_tells_of_unawaited_tasks)
{
    setenv("ASYNCIO_DEBUG", "1", 1);
    struct outcome outcome = run_in_child(leave_one);
    assert_exited(&outcome, 0);
    assert_said(&outcome, "careless returned without awaiting");
    setenv("ASYNCIO_DEBUG", "0", 1);
    outcome = run_in_child(leave_one);
    assert_silent(&outcome);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("await");
    suite_case(suite, await_returns_the_result);
    suite_case(suite, await_returns_at_once_when_it_has_ended);
    suite_case(suite, a_failure_travels_up);
    suite_case(suite, awaiting_takes_as_long_as_the_task);
    suite_case(suite, awaiting_twice_is_esrch);
    suite_case(suite, awaiting_itself_is_edeadlk);
    suite_case(suite, a_second_awaiter_is_ebusy);
    suite_case(suite, two_that_await_each_other_are_edeadlk);
    suite_case(suite, a_ring_of_awaiting_tasks_is_edeadlk);
    suite_case(suite, gathering_one_another_is_edeadlk);
    suite_case(suite, a_ring_of_gathers_is_edeadlk);
    suite_case(suite, a_child_that_awaits_its_creator_is_edeadlk);
    suite_case(suite,
               a_grandchild_that_awaits_the_owner_of_its_group_is_edeadlk);
    suite_case(suite,
               a_child_that_awaits_one_who_awaits_its_creator_is_edeadlk);
    suite_case(suite, one_whose_child_awaits_the_caller_is_edeadlk);
    suite_case(suite, siblings_may_await_each_other);
    suite_case(suite, unawaited_children_are_cancelled_and_waited_for);
    suite_case(suite, a_task_has_not_ended_before_its_children);
    suite_case(suite, a_child_that_somebody_else_awaits_is_waited_for_too);
    suite_case(suite, a_child_that_somebody_else_watches_is_released);
    suite_case(suite, a_child_that_a_watcher_gave_up_on_is_released);
    suite_case(suite, ended_children_are_released);
    suite_case(suite, a_detached_task_outlives_its_creator);
    suite_case(suite, a_detached_task_is_esrch_when_it_has_ended);
    suite_case(suite, a_detached_task_can_be_cancelled);
    suite_case(suite, a_task_may_detach_itself);
    suite_case(suite, a_failure_of_an_unawaited_task_is_reported);
    suite_case(suite, a_failure_of_a_detached_task_is_reported);
    suite_case(suite, cancellations_and_awaited_failures_are_not_reported);
    suite_case(suite,
               a_cancellation_of_a_task_that_was_not_cancelled_is_reported);
    suite_case(suite, debug_mode_tells_of_unawaited_tasks);
    return suite;
}
