/* SPDX-License-Identifier: MIT */
/*
 * Cancellation, rule by rule as the design counts them. Rule 6 has a file of
 * its own, test_early_return.c; rule 8 is about locks and queues; more of rules
 * 3 and 5 is in the tests of joins and timeouts.
 */
#include "rig.h"

#include <asyncio/fd.h>

#include "engine/loop.h"

/* ---- rule 1: what is marked, and what is above what ---- */

struct family {
    struct job children[2];
    asyncio_task tasks[2];
    double deadline;
};

static int raise_children(void *arg)
{
    struct family *family = arg;
    for (int i = 0; i < 2; i++)
        family->tasks[i] =
            asyncio_create_task(run_job, &family->children[i]);
    return asyncio_gather(family->tasks, 2, NULL);
}

static void family_init(struct family *family)
{
    *family = (struct family){.deadline = ASYNCIO_FOREVER};
    for (int i = 0; i < 2; i++)
        family->children[i].seconds = ASYNCIO_FOREVER;
}

SCENARIO(rule_1_a_cancel_reaches_the_tasks_below)
{
    struct family family;
    family_init(&family);
    asyncio_task task = asyncio_create_task(raise_children, &family);
    let_others_run();
    ck_assert(!asyncio_task_is_cancelled(family.tasks[0]));
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert(asyncio_task_is_cancelled(task));
    ck_assert(asyncio_task_is_cancelled(family.tasks[0]));
    ck_assert(asyncio_task_is_cancelled(family.tasks[1]));
    ck_assert(!asyncio_task_is_cancelled(asyncio_current_task()));
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    ck_assert_int_eq(family.children[1].slept, -ECANCELED);
}

SCENARIO(rule_1_a_cancelled_child_leaves_its_creator_alone)
{
    struct family family;
    family_init(&family);
    family.children[1].seconds = TICK;
    asyncio_task task = asyncio_create_task(raise_children, &family);
    let_others_run();
    ck_assert_int_eq(asyncio_task_cancel(family.tasks[0]), 0);
    ck_assert(!asyncio_task_is_cancelled(task));
    ck_assert(!asyncio_task_is_cancelled(family.tasks[1]));
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    ck_assert_int_eq(family.children[1].slept, 0);
}

static int sleep_in_a_group_in_a_timeout(void *arg)
{
    struct family *family = arg;
    struct asyncio_timeout timeout;
    struct asyncio_group group;
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, family->deadline), 0);
    ck_assert_int_eq(asyncio_group_begin(&group), 0);
    family->tasks[0] =
        asyncio_group_create_task(&group, run_job, &family->children[0]);
    family->tasks[1] = asyncio_create_task(run_job, &family->children[1]);
    int err = asyncio_group_end(&group, 0);
    err = asyncio_timeout_end(&timeout, err);
    ck_assert(!asyncio_task_is_cancelled(family->tasks[1]) ||
              asyncio_check_cancelled() < 0);
    asyncio_task_cancel(family->tasks[1]);
    asyncio_await(family->tasks[1]);
    return err;
}

/* The root of a group's child is under the group, and so under what is around
 * that; another task's root is under its creator's root. */
SCENARIO(rule_1_a_deadline_reaches_the_children_of_groups_only)
{
    struct family family;
    family_init(&family);
    family.deadline = TICK;
    family.children[1].seconds = 500 * TICK;
    asyncio_task task =
        asyncio_create_task(sleep_in_a_group_in_a_timeout, &family);
    ck_assert_int_eq(asyncio_await(task), -ETIMEDOUT);
    ck_assert_int_eq(family.children[0].slept, -ECANCELED);
}

SCENARIO(rule_1_a_cancel_reaches_them_all)
{
    struct family family;
    family_init(&family);
    asyncio_task task =
        asyncio_create_task(sleep_in_a_group_in_a_timeout, &family);
    let_others_run();
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert(asyncio_task_is_cancelled(family.tasks[0]));
    ck_assert(asyncio_task_is_cancelled(family.tasks[1]));
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    ck_assert_int_eq(family.children[0].slept, -ECANCELED);
    ck_assert_int_eq(family.children[1].slept, -ECANCELED);
}

static int detach_one(void *arg)
{
    asyncio_task task = asyncio_create_task(run_job, arg);
    ck_assert_int_eq(asyncio_task_detach(task), 0);
    return asyncio_sleep(ASYNCIO_FOREVER);
}

SCENARIO(rule_1_a_detached_task_is_under_the_runner)
{
    struct job job = {.seconds = 3 * TICK};
    asyncio_task task = asyncio_create_task(detach_one, &job);
    let_others_run();
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    while (!job.ended)
        ck_assert_int_eq(asyncio_sleep(TICK), 0);
    ck_assert_int_eq(job.slept, 0);
}

SCENARIO(rule_1_cancelling_again_or_an_ended_task_changes_nothing)
{
    struct job job = {.result = 5};
    asyncio_task task = asyncio_create_task(run_job, &job);
    let_others_run();
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert(!asyncio_task_is_cancelled(task));
    ck_assert_int_eq(asyncio_await(task), 5);
    task = asyncio_create_task(sleep_for_ever, NULL);
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
}

static int cancel_itself(void *arg)
{
    (void)arg;
    ck_assert_int_eq(asyncio_task_cancel(asyncio_current_task()), 0);
    ck_assert_int_eq(asyncio_check_cancelled(), -ECANCELED);
    return asyncio_sleep(0);
}

SCENARIO(rule_1_a_task_may_cancel_itself)
{
    asyncio_task task = asyncio_create_task(cancel_itself, NULL);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
}

/* ---- rule 2: every suspending call, from then on ---- */

static int call_everything(void *arg)
{
    struct asyncio_as_completed it;
    double seconds = 0;
    (void)arg;
    asyncio_task_cancel(asyncio_current_task());
    for (int i = 0; i < 3; i++) {
        asyncio_task task = asyncio_create_task(sleep_seconds, &seconds);
        ck_assert_int_eq(asyncio_sleep(0), -ECANCELED);
        ck_assert_int_eq(asyncio_sleep(1), -ECANCELED);
        ck_assert_int_eq(asyncio_sleep(ASYNCIO_FOREVER), -ECANCELED);
        ck_assert_int_eq(
            asyncio_wait(&task, 1, ASYNCIO_ALL_COMPLETED, 0, NULL),
            -ECANCELED);
        ck_assert_int_eq(asyncio_as_completed_init(&it, &task, 1), 0);
        ck_assert_int_eq(asyncio_as_completed_next(&it, NULL, NULL),
                         -ECANCELED);
        asyncio_as_completed_fini(&it);
        ck_assert_int_eq(asyncio_fd_wait(0, ASYNCIO_READABLE), -ECANCELED);
        ck_assert_int_eq((int)asyncio_fd_read(0, NULL, 0), -ECANCELED);
        ck_assert_int_eq((int)asyncio_fd_write(1, NULL, 0), -ECANCELED);
        ck_assert_int_eq(asyncio_wait_child(1, NULL), -ECANCELED);
        ck_assert_int_eq(asyncio_await(task), -ECANCELED);
        /* Nonsense is told first. */
        ck_assert_int_eq(asyncio_sleep(-1), -EINVAL);
    }
    return 0;
}

SCENARIO(rule_2_every_suspending_call_fails)
{
    asyncio_task task = asyncio_create_task(call_everything, NULL);
    ck_assert_int_eq(asyncio_await(task), 0);
}

/* A call that never has to suspend: the tasks have ended. */
static int wait_for_what_has_ended(void *arg)
{
    int result = 1, err;
    long *calls = arg;
    asyncio_task task = asyncio_create_task(return_value, &result);
    let_others_run();
    do {
        ++*calls;
        err = asyncio_wait(&task, 1, ASYNCIO_ALL_COMPLETED, ASYNCIO_FOREVER,
                           NULL);
    } while (err == 1);
    ck_assert_int_eq(asyncio_await(task), 1);
    return err;
}

SCENARIO(rule_2_a_call_that_is_always_ready_is_cancelled)
{
    long calls = 0;
    asyncio_task task = asyncio_create_task(wait_for_what_has_ended, &calls);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(asyncio_sleep(0), 0);
    ck_assert_int_gt(calls, 100);
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
}

/* A pipe that is kept full by its reader. */
struct spring {
    int ends[2];
    long reads;
};

static int read_for_ever(void *arg)
{
    struct spring *spring = arg;
    char bytes[16];
    ssize_t len;
    while ((len = asyncio_fd_read(spring->ends[0], bytes, sizeof bytes)) > 0) {
        spring->reads++;
        if (write(spring->ends[1], bytes, (size_t)len) != len)
            return -EIO;
    }
    return (int)len;
}

static void spring_open(struct spring *spring)
{
    spring->reads = 0;
    ck_assert_int_eq(sys_pipe(spring->ends), 0);
    for (int i = 0; i < 32; i++)
        ck_assert_int_eq((int)write(spring->ends[1], "0123456789abcdef", 16),
                         16);
}

static void spring_close(struct spring *spring)
{
    close(spring->ends[0]);
    close(spring->ends[1]);
}

static int cancel_a_reader(void *arg)
{
    struct spring spring;
    (void)arg;
    spring_open(&spring);
    asyncio_task task = asyncio_create_task(read_for_ever, &spring);
    while (spring.reads < 1000)
        ck_assert_int_eq(asyncio_sleep(0), 0);
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    spring_close(&spring);
    return 0;
}

START_TEST(rule_2_an_always_ready_reader_is_cancelled)
{
    if (!rig_is_virtual())
        ck_assert_int_eq(asyncio_run(cancel_a_reader, NULL), 0);
}
END_TEST

/* The deadline is met although each read takes long: the turn of the loop ends
 * after some reads, not after some ten thousands. */
static int time_a_reader_out(void *arg)
{
    struct spring spring;
    struct asyncio_timeout timeout;
    double start = asyncio_time();
    (void)arg;
    spring_open(&spring);
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0.02), 0);
    int err = read_for_ever(&spring);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
    assert_passed(start, 0.02);
    ck_assert_int_gt(spring.reads, 10);
    spring_close(&spring);
    return 0;
}

static int count_turns_of_a_reader(void *arg)
{
    struct spring spring;
    const struct asyncio_loop *loop = asyncio_get_running_loop();
    (void)arg;
    spring_open(&spring);
    asyncio_task reader = asyncio_create_task(read_for_ever, &spring);
    uint64_t turns = loop->turns;
    while (spring.reads < 100000)
        ck_assert_int_eq(asyncio_sleep(0.001), 0);
    ck_assert_int_gt((long)(loop->turns - turns), spring.reads / 1000);
    ck_assert_int_eq(asyncio_task_cancel(reader), 0);
    ck_assert_int_eq(asyncio_await(reader), -ECANCELED);
    spring_close(&spring);
    return 0;
}

START_TEST(rule_2_an_always_ready_reader_times_out)
{
    if (rig_is_virtual())
        return;
    ck_assert_int_eq(asyncio_run(time_a_reader_out, NULL), 0);
    ck_assert_int_eq(asyncio_run(count_turns_of_a_reader, NULL), 0);
}
END_TEST

static int wake_often(void *arg)
{
    int *wakes = arg;
    for (int i = 0; i < 10; i++) {
        int err = asyncio_sleep(0.001);
        if (err < 0)
            return err;
        ++*wakes;
    }
    return 0;
}

static int read_while_others_run(void *arg)
{
    struct spring springs[3];
    asyncio_task readers[3];
    int wakes = 0;
    (void)arg;
    for (int i = 0; i < 3; i++) {
        spring_open(&springs[i]);
        readers[i] = asyncio_create_task(read_for_ever, &springs[i]);
    }
    ck_assert_int_eq(asyncio_await(asyncio_create_task(wake_often, &wakes)), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_gt(springs[i].reads, 10);
        asyncio_task_cancel(readers[i]);
        ck_assert_int_eq(asyncio_await(readers[i]), -ECANCELED);
        spring_close(&springs[i]);
    }
    return wakes;
}

START_TEST(rule_2_always_ready_readers_let_others_run)
{
    if (!rig_is_virtual())
        ck_assert_int_eq(asyncio_run(read_while_others_run, NULL), 10);
}
END_TEST

static bool ignorer_may_end;

static int ignore_cancellation(void *arg)
{
    const double *seconds = arg;
    while (!ignorer_may_end)
        asyncio_sleep(*seconds);
    return 0;
}

/* What shrugs its cancel off still lets others run. */
SCENARIO(rule_2_one_that_ignores_its_cancel_lets_others_run)
{
    double seconds[] = {0, 1};
    for (int i = 0; i < 2; i++) {
        ignorer_may_end = false;
        asyncio_task task =
            asyncio_create_task(ignore_cancellation, &seconds[i]);
        ck_assert_int_eq(asyncio_task_cancel(task), 0);
        let_others_run();
        let_others_run();
        ignorer_may_end = true;
        ck_assert_int_eq(asyncio_await(task), 0);
    }
}

static int await_and_tell(void *arg)
{
    asyncio_task *tasks = arg;
    int result = asyncio_await(tasks[0]);
    ck_assert_int_eq(asyncio_sleep(0), -ECANCELED);
    return result;
}

static int end_and_cancel(void *arg)
{
    asyncio_task *tasks = arg;
    int err = asyncio_sleep(TICK);
    if (err < 0)
        return err;
    ck_assert_int_eq(asyncio_task_cancel(tasks[1]), 0);
    return 77;
}

SCENARIO(rule_2_a_result_that_was_there_before_the_cancel_wins)
{
    asyncio_task tasks[2];
    int result = 6;
    /* Ended before anybody awaited it. */
    tasks[0] = asyncio_create_task(return_value, &result);
    let_others_run();
    tasks[1] = asyncio_create_task(await_and_tell, tasks);
    ck_assert_int_eq(asyncio_task_cancel(tasks[1]), 0);
    ck_assert_int_eq(asyncio_await(tasks[1]), 6);
    /* Ended in the moment of the cancel, its awaiter not yet resumed. */
    tasks[0] = asyncio_create_task(end_and_cancel, tasks);
    tasks[1] = asyncio_create_task(await_and_tell, tasks);
    ck_assert_int_eq(asyncio_await(tasks[1]), 77);
}

static int sleep_and_tell(void *arg)
{
    int *slept = arg;
    *slept = asyncio_sleep(TICK);
    return asyncio_check_cancelled();
}

static asyncio_task victim;

static void cancel_victim(void *arg)
{
    (void)arg;
    asyncio_task_cancel(victim);
}

/* The timer has woken the sleeper; then, in the same turn, it is cancelled. */
SCENARIO(rule_2_a_sleep_that_is_over_is_not_cancelled)
{
    int slept = 1;
    victim = asyncio_create_task(sleep_and_tell, &slept);
    ck_assert_int_eq(asyncio_sleep(0), 0);
    ck_assert_int_eq(asyncio_call_later(TICK, cancel_victim, NULL, NULL), 0);
    int err = asyncio_await(victim);
    ck_assert_int_eq(slept, 0);
    ck_assert(err == 0 || err == -ECANCELED);
}

/* ---- rule 3: joins come first ---- */

static int unwind_slowly(void *arg)
{
    struct asyncio_shield shield;
    int err = asyncio_sleep(ASYNCIO_FOREVER);
    ck_assert_int_eq(asyncio_shield_begin(&shield, ASYNCIO_FOREVER), 0);
    ck_assert_int_eq(asyncio_sleep(3 * TICK), 0);
    *(bool *)arg = true;
    return asyncio_shield_end(&shield, err);
}

struct joined {
    bool unwound;
    bool unwound_at_return;
    int kind;
};

static int join_somehow(void *arg)
{
    struct joined *joined = arg;
    struct asyncio_group group;
    int err = 0;
    if (joined->kind == 3) {
        ck_assert_int_eq(asyncio_group_begin(&group), 0);
        asyncio_group_create_task(&group, unwind_slowly, &joined->unwound);
        err = asyncio_group_end(&group, 0);
    } else {
        asyncio_task task =
            asyncio_create_task(unwind_slowly, &joined->unwound);
        if (joined->kind == 0)
            err = asyncio_await(task);
        else if (joined->kind == 1)
            err = asyncio_gather(&task, 1, NULL);
        else
            err = asyncio_wait_for(task, ASYNCIO_FOREVER);
    }
    joined->unwound_at_return = joined->unwound;
    return err;
}

SCENARIO(rule_3_a_cancelled_join_still_joins)
{
    for (int kind = 0; kind < 4; kind++) {
        struct joined joined = {.kind = kind};
        asyncio_task task = asyncio_create_task(join_somehow, &joined);
        let_others_run();
        ck_assert_int_eq(asyncio_task_cancel(task), 0);
        ck_assert_int_eq(asyncio_await(task), -ECANCELED);
        ck_assert(joined.unwound_at_return);
    }
}

static int defy(void *arg)
{
    asyncio_sleep(ASYNCIO_FOREVER);
    return *(int *)arg;
}

static int await_defier(void *arg)
{
    asyncio_task task = asyncio_create_task(defy, arg);
    return asyncio_await(task);
}

SCENARIO(rule_3_a_cancelled_await_returns_what_the_child_came_to)
{
    int results[] = {44, -EIO};
    for (int i = 0; i < 2; i++) {
        asyncio_task task = asyncio_create_task(await_defier, &results[i]);
        let_others_run();
        ck_assert_int_eq(asyncio_task_cancel(task), 0);
        ck_assert_int_eq(asyncio_await(task), results[i]);
    }
}

static int await_foreign(void *arg)
{
    return asyncio_await(*(asyncio_task *)arg);
}

SCENARIO(rule_3_a_cancelled_await_cancels_also_what_is_not_its_own)
{
    struct job job = {.seconds = ASYNCIO_FOREVER};
    asyncio_task task = asyncio_create_task(run_job, &job);
    asyncio_task waiter = asyncio_create_task(await_foreign, &task);
    let_others_run();
    ck_assert_int_eq(asyncio_task_cancel(waiter), 0);
    ck_assert_int_eq(asyncio_await(waiter), -ECANCELED);
    ck_assert_int_eq(job.slept, -ECANCELED);
}

/* ---- rule 4: the function always runs ---- */

static int own_the_argument(void *arg)
{
    free(arg);
    return asyncio_sleep(0);
}

SCENARIO(rule_4_a_task_cancelled_before_it_ran_still_runs)
{
    asyncio_task task = asyncio_create_task(own_the_argument, malloc(100));
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
}

static int start_and_return(void *arg)
{
    asyncio_create_task(own_the_argument, arg);
    return 0;
}

SCENARIO(rule_4_so_does_one_whose_creator_has_returned)
{
    asyncio_task task = asyncio_create_task(start_and_return, malloc(100));
    ck_assert_int_eq(asyncio_await(task), 0);
    /* And of a creator that was cancelled before it ran itself. */
    task = asyncio_create_task(start_and_return, malloc(100));
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), 0);
}

SCENARIO(rule_4_so_does_one_in_a_cancelled_group)
{
    struct asyncio_group group;
    ck_assert_int_eq(asyncio_group_begin(&group), 0);
    asyncio_group_cancel(&group);
    asyncio_group_create_task(&group, own_the_argument, malloc(100));
    ck_assert_int_eq(asyncio_group_end(&group, 0), 0);
}

/* ---- rule 5: what is a failure and what is not ---- */

SCENARIO(rule_5_a_cancelled_child_is_no_failure_of_its_group)
{
    struct asyncio_group group;
    ck_assert_int_eq(asyncio_group_begin(&group), 0);
    asyncio_task task = asyncio_group_create_task(&group, sleep_for_ever, NULL);
    struct job job = {.seconds = 2 * TICK};
    asyncio_group_create_task(&group, run_job, &job);
    asyncio_task_cancel(task);
    ck_assert_int_eq(asyncio_group_end(&group, 0), 0);
    ck_assert_int_eq(job.slept, 0);
}

SCENARIO(rule_5_a_timeout_needs_an_expired_deadline)
{
    struct asyncio_timeout timeout;
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 500 * TICK), 0);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, -ECANCELED), -ECANCELED);
}

/* ---- rule 7: those who ignore it are told of ---- */

static int ignore_1000_times(void *arg)
{
    int count = arg ? *(int *)arg : 1000;
    asyncio_task_set_name(asyncio_current_task(), "deaf one");
    asyncio_task_cancel(asyncio_current_task());
    for (int i = 0; i < count; i++)
        asyncio_sleep(i % 2);
    return 0;
}

static int ignore_5000_times(void *arg)
{
    int count = 5000;
    (void)arg;
    return ignore_1000_times(&count);
}

static int ignore_999_times(void *arg)
{
    int count = 999;
    (void)arg;
    return ignore_1000_times(&count);
}

START_TEST(rule_7_debug_mode_tells_of_1000_ignored_cancellations)
{
    struct outcome outcome = run_in_child(ignore_1000_times);
    assert_exited(&outcome, 0);
    assert_silent(&outcome);
    setenv("ASYNCIO_DEBUG", "1", 1);
    outcome = run_in_child(ignore_999_times);
    assert_exited(&outcome, 0);
    assert_silent(&outcome);
    outcome = run_in_child(ignore_5000_times);
    assert_exited(&outcome, 0);
    assert_said(&outcome, "deaf one has ignored 1000 cancellations");
    /* Once is enough. */
    ck_assert_ptr_eq(strchr(outcome.said, '\n'),
                     outcome.said + strlen(outcome.said) - 1);
}
END_TEST

/* ---- rule 9: the end of a run, and of a group ---- */

static struct job last_job;

static int leave_one_behind(void *arg)
{
    last_job = (struct job){.seconds = ASYNCIO_FOREVER};
    asyncio_task task = asyncio_create_task(run_job, &last_job);
    return arg ? asyncio_task_detach(task) : 0;
}

START_TEST(rule_9_a_run_ends_by_cancelling_what_is_left)
{
    int yes = 1;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(asyncio_run(leave_one_behind, i ? &yes : NULL), 0);
        ck_assert(last_job.ended);
        ck_assert_int_eq(last_job.slept, -ECANCELED);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("cancel");
    suite_case(suite, rule_1_a_cancel_reaches_the_tasks_below);
    suite_case(suite, rule_1_a_cancelled_child_leaves_its_creator_alone);
    suite_case(suite, rule_1_a_deadline_reaches_the_children_of_groups_only);
    suite_case(suite, rule_1_a_cancel_reaches_them_all);
    suite_case(suite, rule_1_a_detached_task_is_under_the_runner);
    suite_case(suite, rule_1_cancelling_again_or_an_ended_task_changes_nothing);
    suite_case(suite, rule_1_a_task_may_cancel_itself);
    suite_case(suite, rule_2_every_suspending_call_fails);
    suite_case(suite, rule_2_a_call_that_is_always_ready_is_cancelled);
    suite_case(suite, rule_2_an_always_ready_reader_is_cancelled);
    suite_case(suite, rule_2_an_always_ready_reader_times_out);
    suite_case(suite, rule_2_always_ready_readers_let_others_run);
    suite_case(suite, rule_2_one_that_ignores_its_cancel_lets_others_run);
    suite_case(suite, rule_2_a_result_that_was_there_before_the_cancel_wins);
    suite_case(suite, rule_2_a_sleep_that_is_over_is_not_cancelled);
    suite_case(suite, rule_3_a_cancelled_join_still_joins);
    suite_case(suite, rule_3_a_cancelled_await_returns_what_the_child_came_to);
    suite_case(suite,
               rule_3_a_cancelled_await_cancels_also_what_is_not_its_own);
    suite_case(suite, rule_4_a_task_cancelled_before_it_ran_still_runs);
    suite_case(suite, rule_4_so_does_one_whose_creator_has_returned);
    suite_case(suite, rule_4_so_does_one_in_a_cancelled_group);
    suite_case(suite, rule_5_a_cancelled_child_is_no_failure_of_its_group);
    suite_case(suite, rule_5_a_timeout_needs_an_expired_deadline);
    suite_case(suite, rule_7_debug_mode_tells_of_1000_ignored_cancellations);
    suite_case(suite, rule_9_a_run_ends_by_cancelling_what_is_left);
    return suite;
}
