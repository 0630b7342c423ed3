/* SPDX-License-Identifier: MIT */
/* call_soon, call_later, call_at and the handles of what they schedule. */
#include "rig.h"

#include "base/fault.h"
#include "base/mem.h"

static void soon(int what)
{
    ck_assert_int_eq(asyncio_call_soon(note_arg, number(what), NULL), 0);
}

static void later(double ticks, int what)
{
    ck_assert_int_eq(
        asyncio_call_later(ticks * TICK, note_arg, number(what), NULL), 0);
}

static void at(double when, int what)
{
    ck_assert_int_eq(asyncio_call_at(when, note_arg, number(what), NULL), 0);
}

/* ---- order and time ---- */

SCENARIO(callbacks_are_called_later_and_in_order)
{
    note_count = 0;
    for (int i = 0; i < 5; i++)
        soon(i);
    ck_assert_int_eq(note_count, 0);
    let_others_run();
    ASSERT_NOTES(0, 1, 2, 3, 4);
}

SCENARIO(thousands_are_called_in_order)
{
    note_count = 0;
    for (int i = 0; i < NOTES_MAX; i++)
        soon(i);
    while (note_count < NOTES_MAX)
        ck_assert_int_eq(asyncio_sleep(0), 0);
    for (int i = 0; i < NOTES_MAX; i++)
        ck_assert_int_eq(notes[i], i);
}

SCENARIO(the_nearer_deadline_comes_first)
{
    note_count = 0;
    /* All from one moment: a slow machine may be long between two calls. */
    double now = asyncio_time();
    at(now + 3 * TICK, 3);
    at(now + 1 * TICK, 1);
    at(now + 4 * TICK, 4);
    at(now, 0);
    at(now + 2 * TICK, 2);
    soon(100);
    ck_assert_int_eq(asyncio_sleep(5 * TICK), 0);
    while (note_count < 6)
        ck_assert_int_eq(asyncio_sleep(TICK), 0);
    ASSERT_NOTES(100, 0, 1, 2, 3, 4);
}

SCENARIO(equal_times_are_called_first_in_first_out)
{
    double when = asyncio_time() + 2 * TICK;
    note_count = 0;
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(
            asyncio_call_at(when, note_arg, number(i), NULL), 0);
    while (note_count < 1000)
        ck_assert_int_eq(asyncio_sleep(TICK), 0);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(notes[i], i);
}

struct clocked {
    double due;
    double called;               /* 0: not yet */
};

static void note_time(void *arg)
{
    struct clocked *clocked = arg;
    clocked->called = asyncio_time();
}

static void assert_on_time(const struct clocked *clocked)
{
    ck_assert_double_ge(clocked->called, clocked->due - 1e-9);
    ck_assert_double_le(clocked->called,
                        clocked->due + (rig_is_virtual() ? 2e-9 : 5.0));
}

SCENARIO(nobody_is_called_early_nor_late_on_the_virtual_clock)
{
    static const double ticks[] = {0, 1e-6, 0.1, 1.0 / 3, 1, 1.5, 2.25, 3};
    struct clocked in[ARRAY_SIZE(ticks)], on[ARRAY_SIZE(ticks)];
    for (size_t i = 0; i < ARRAY_SIZE(ticks); i++) {
        double seconds = ticks[i] * TICK;
        in[i] = on[i] = (struct clocked){asyncio_time() + seconds, 0};
        ck_assert_int_eq(asyncio_call_later(seconds, note_time, &in[i], NULL),
                         0);
        ck_assert_int_eq(asyncio_call_at(on[i].due, note_time, &on[i], NULL),
                         0);
    }
    ck_assert_int_eq(asyncio_sleep(3.1 * TICK), 0);
    for (size_t i = 0; i < ARRAY_SIZE(ticks); i++) {
        while (in[i].called == 0 || on[i].called == 0)
            let_a_turn_pass();
        assert_on_time(&in[i]);
        assert_on_time(&on[i]);
    }
}

SCENARIO(times_that_have_passed_are_now)
{
    note_count = 0;
    double past[] = {asyncio_time(), asyncio_time() - 1, 0, -5, -INFINITY};
    for (size_t i = 0; i < ARRAY_SIZE(past); i++)
        ck_assert_int_eq(
            asyncio_call_at(past[i], note_arg, number((int)i), NULL), 0);
    let_a_turn_pass();
    ck_assert_int_eq(note_count, ARRAY_SIZE(past));
}

/* On the virtual clock, which comes to whatever is scheduled: never is not. */
static int schedule_for_ever(void *arg)
{
    (void)arg;
    double times[] = {INFINITY, 1e300, 1e11};
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        asyncio_handle handle;
        ck_assert_int_eq(
            asyncio_call_later(times[i], note_arg, number(1), NULL), 0);
        ck_assert_int_eq(asyncio_call_at(times[i], note_arg, NULL, &handle), 0);
        ck_assert_int_eq(asyncio_handle_cancel(handle), 0);
        ck_assert_int_eq(asyncio_handle_cancel(handle), -ESRCH);
    }
    return asyncio_sleep(ASYNCIO_FOREVER);
}

START_TEST(a_time_beyond_all_clocks_never_comes)
{
    note_count = 0;
    ck_assert_int_eq(asyncio_run_simulated(1, schedule_for_ever, NULL),
                     -EDEADLK);
    ck_assert_int_eq(note_count, 0);
}
END_TEST

/* ---- bad use ---- */

SCENARIO(bad_times_and_no_function_are_einval)
{
    asyncio_handle handle = {0};
    note_count = 0;
    ck_assert_int_eq(asyncio_call_soon(NULL, NULL, &handle), -EINVAL);
    ck_assert_int_eq(asyncio_call_later(1, NULL, NULL, &handle), -EINVAL);
    ck_assert_int_eq(asyncio_call_at(1, NULL, NULL, &handle), -EINVAL);
    ck_assert_int_eq(asyncio_call_later(-1, note_arg, NULL, &handle), -EINVAL);
    ck_assert_int_eq(asyncio_call_later(-1e-300, note_arg, NULL, &handle),
                     -EINVAL);
    ck_assert_int_eq(asyncio_call_later(-INFINITY, note_arg, NULL, &handle),
                     -EINVAL);
    ck_assert_int_eq(asyncio_call_later(NAN, note_arg, NULL, &handle),
                     -EINVAL);
    ck_assert_int_eq(asyncio_call_at(NAN, note_arg, NULL, &handle), -EINVAL);
    ck_assert_ptr_null(handle.impl_);
    ck_assert_int_eq(asyncio_call_later(-0.0, note_arg, NULL, NULL), 0);
    let_a_turn_pass();
    ck_assert_int_eq(note_count, 1);
}

static void assert_no_loop(void)
{
    ck_assert_int_eq(asyncio_call_soon(note_arg, NULL, NULL), -EPERM);
    ck_assert_int_eq(asyncio_call_later(0, note_arg, NULL, NULL), -EPERM);
    ck_assert_int_eq(asyncio_call_at(0, note_arg, NULL, NULL), -EPERM);
    ck_assert_int_eq(asyncio_handle_cancel((asyncio_handle){0}), -EPERM);
}

static void *assert_no_loop_in_thread(void *arg)
{
    assert_no_loop();
    return arg;
}

SCENARIO(another_thread_has_no_loop)
{
    thread_join(thread_start(assert_no_loop_in_thread, NULL));
}

static int return_at_once(void *arg)
{
    (void)arg;
    return 0;
}

START_TEST(outside_of_a_loop_it_is_eperm)
{
    assert_no_loop();
    ck_assert_int_eq(asyncio_run(return_at_once, NULL), 0);
    assert_no_loop();
}
END_TEST

static int suspending_calls[8];
static asyncio_task suspended_task;

static void try_to_suspend(void *arg)
{
    int pipe_end = *(int *)arg;
    char byte;
    suspending_calls[0] = asyncio_sleep(0);
    suspending_calls[1] = asyncio_sleep(1);
    suspending_calls[2] = asyncio_await(suspended_task);
    suspending_calls[3] = asyncio_gather(&suspended_task, 1, NULL);
    suspending_calls[4] = (int)asyncio_fd_read(pipe_end, &byte, 1);
    suspending_calls[5] = asyncio_fd_wait(pipe_end, ASYNCIO_READABLE);
    suspending_calls[6] = asyncio_wait_child(1, NULL);
    suspending_calls[7] =
        asyncio_task_error(asyncio_create_task(return_value, NULL));
    note(1);
}

SCENARIO(a_callback_cannot_suspend)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    suspended_task = asyncio_create_task(sleep_for_ever, NULL);
    note_count = 0;
    ck_assert_int_eq(asyncio_call_soon(try_to_suspend, &ends[0], NULL), 0);
    ck_assert_int_eq(asyncio_call_later(TICK, try_to_suspend, &ends[0], NULL),
                     0);
    ck_assert_int_eq(asyncio_sleep(2 * TICK), 0);
    ck_assert_int_eq(note_count, 2);
    for (size_t i = 0; i < ARRAY_SIZE(suspending_calls); i++)
        ck_assert_msg(suspending_calls[i] == -EPERM, "call %zu: %d", i,
                      suspending_calls[i]);
    ck_assert(!asyncio_task_is_done(suspended_task));
    close(ends[0]);
    close(ends[1]);
}

/* ---- callbacks of callbacks ---- */

static void note_down_to_zero(void *arg)
{
    int left = (int)(intptr_t)arg;
    ck_assert_ptr_nonnull(asyncio_get_running_loop());
    note(left);
    if (left > 0)
        ck_assert_int_eq(
            asyncio_call_soon(note_down_to_zero, number(left - 1), NULL), 0);
}

SCENARIO(a_callback_schedules_the_next)
{
    note_count = 0;
    ck_assert_int_eq(asyncio_call_soon(note_down_to_zero, number(999), NULL),
                     0);
    while (note_count < 1000)
        ck_assert_int_eq(asyncio_sleep(0), 0);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(notes[i], 999 - i);
}

static bool chain_is_over;

static void go_round(void *arg)
{
    if (!chain_is_over)
        ck_assert_int_eq(asyncio_call_soon(go_round, arg, NULL), 0);
    /* The virtual clock stands while anything is ready. */
    if (rig_is_virtual() && ++*(int *)arg == 1000)
        chain_is_over = true;
}

static void end_chain(void *arg)
{
    (void)arg;
    chain_is_over = true;
}

SCENARIO(a_chain_without_end_lets_timers_and_tasks_run)
{
    int rounds = 0;
    chain_is_over = false;
    ck_assert_int_eq(asyncio_call_soon(go_round, &rounds, NULL), 0);
    ck_assert_int_eq(asyncio_call_later(TICK, end_chain, NULL, NULL), 0);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(asyncio_sleep(0), 0);
    while (!chain_is_over)
        ck_assert_int_eq(asyncio_sleep(TICK), 0);
}

static int left_to_tick;

static void tick_on(void *arg)
{
    double *last = arg;
    double now = asyncio_time();
    ck_assert_double_ge(now, *last + TICK - 1e-9);
    *last = now;
    if (--left_to_tick > 0)
        ck_assert_int_eq(asyncio_call_later(TICK, tick_on, arg, NULL), 0);
}

SCENARIO(a_timer_sets_itself_again)
{
    double last = asyncio_time();
    left_to_tick = 10;
    ck_assert_int_eq(asyncio_call_later(TICK, tick_on, &last, NULL), 0);
    while (left_to_tick > 0)
        ck_assert_int_eq(asyncio_sleep(TICK), 0);
}

/* ---- handles ---- */

SCENARIO(what_is_cancelled_is_not_called)
{
    asyncio_handle handles[10];
    note_count = 0;
    for (int i = 0; i < 10; i++) {
        double seconds = i * TICK;
        int err = i < 5 ? asyncio_call_soon(note_arg, number(i), &handles[i])
                        : asyncio_call_later(seconds, note_arg, number(i),
                                             &handles[i]);
        ck_assert_int_eq(err, 0);
    }
    for (int i = 0; i < 10; i += 2)
        ck_assert_int_eq(asyncio_handle_cancel(handles[i]), 0);
    for (int i = 0; i < 10; i += 2)
        ck_assert_int_eq(asyncio_handle_cancel(handles[i]), -ESRCH);
    ck_assert_int_eq(asyncio_sleep(10 * TICK), 0);
    while (note_count < 5)
        ck_assert_int_eq(asyncio_sleep(TICK), 0);
    ASSERT_NOTES(1, 3, 5, 7, 9);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(asyncio_handle_cancel(handles[i]), -ESRCH);
}

static asyncio_handle known_handle;
static int cancel_result;

static void cancel_known(void *arg)
{
    note((int)(intptr_t)arg);
    cancel_result = asyncio_handle_cancel(known_handle);
}

SCENARIO(one_that_is_due_already_can_be_cancelled)
{
    double when = asyncio_time() + TICK;
    note_count = 0;
    cancel_result = -1;
    asyncio_call_at(when, cancel_known, number(1), NULL);
    asyncio_call_at(when, note_arg, number(2), &known_handle);
    asyncio_call_at(when, note_arg, number(3), NULL);
    while (note_count < 2)
        ck_assert_int_eq(asyncio_sleep(TICK), 0);
    ASSERT_NOTES(1, 3);
    ck_assert_int_eq(cancel_result, 0);
    ck_assert_int_eq(asyncio_handle_cancel(known_handle), -ESRCH);
}

SCENARIO(one_that_runs_has_been_called)
{
    cancel_result = 0;
    note_count = 0;
    asyncio_call_soon(cancel_known, NULL, &known_handle);
    let_others_run();
    ck_assert_int_eq(note_count, 1);
    ck_assert_int_eq(cancel_result, -ESRCH);
}

SCENARIO(a_stale_handle_is_nobody_elses)
{
    asyncio_handle stale, fresh;
    note_count = 0;
    asyncio_call_soon(note_arg, number(1), &stale);
    let_others_run();
    for (int i = 0; i < 3; i++) {
        /* The freed box is the next to be used. */
        asyncio_call_soon(note_arg, number(2 + i), &fresh);
        ck_assert_int_eq(asyncio_handle_cancel(stale), -ESRCH);
        let_others_run();
        stale = fresh;
    }
    ASSERT_NOTES(1, 2, 3, 4);
    ck_assert_int_eq(asyncio_handle_cancel((asyncio_handle){0}), -ESRCH);
}

static int leave_timer_behind(void *arg)
{
    return asyncio_call_later(1000, note_arg, NULL, arg);
}

static int cancel_foreign_handle(void *arg)
{
    soon(1);
    int err = asyncio_handle_cancel(*(asyncio_handle *)arg);
    let_others_run();
    return err;
}

START_TEST(the_handle_of_a_loop_that_has_ended_names_nothing)
{
    asyncio_handle handle;
    note_count = 0;
    for (int i = 1; i <= 5; i++) {
        ck_assert_int_eq(asyncio_run(leave_timer_behind, &handle), 0);
        ck_assert_int_eq(asyncio_run(cancel_foreign_handle, &handle), -EXDEV);
        ck_assert_int_eq(note_count, i);
    }
}
END_TEST

static void *run_foreign_cancel(void *handle)
{
    ck_assert_int_eq(asyncio_run(cancel_foreign_handle, handle), -EXDEV);
    return NULL;
}

SCENARIO(the_handle_of_another_threads_loop_is_exdev)
{
    asyncio_handle handle;
    note_count = 0;
    ck_assert_int_eq(asyncio_call_later(TICK, note_arg, number(7), &handle), 0);
    thread_join(thread_start(run_foreign_cancel, &handle));
    while (note_count < 2)
        ck_assert_int_eq(asyncio_sleep(TICK), 0);
    ASSERT_NOTES(1, 7);
}

/* ---- the end of a run ---- */

static int schedule_and_return(void *arg)
{
    soon(1);
    later(1, 2);
    return asyncio_call_later(1000, note_arg, number(3), arg);
}

START_TEST(timers_left_behind_are_forgotten)
{
    note_count = 0;
    ck_assert_int_eq(asyncio_run(schedule_and_return, NULL), 0);
    ck_assert_int_le(note_count, 1);
    pause_thread(0.05);
    ck_assert_int_eq(asyncio_run(return_at_once, NULL), 0);
    ck_assert_int_le(note_count, 1);
}
END_TEST

static int sleep_two_ticks(void *arg)
{
    (void)arg;
    while (note_count < 2)
        ck_assert_int_eq(asyncio_sleep(TICK), 0);
    return 0;
}

static int cancel_handle(void *arg)
{
    return asyncio_handle_cancel(*(asyncio_handle *)arg);
}

START_TEST(a_runners_timers_go_on_in_its_next_run)
{
    asyncio_runner *runner;
    asyncio_handle handle;
    note_count = 0;
    ck_assert_int_eq(asyncio_runner_new(NULL, &runner), 0);
    ck_assert_int_eq(asyncio_runner_run(runner, schedule_and_return, &handle),
                     0);
    ck_assert_int_eq(asyncio_runner_run(runner, sleep_two_ticks, NULL), 0);
    ASSERT_NOTES(1, 2);
    ck_assert_int_eq(asyncio_runner_run(runner, cancel_handle, &handle), 0);
    ck_assert_int_eq(asyncio_runner_run(runner, cancel_handle, &handle),
                     -ESRCH);
    asyncio_runner_free(runner);
}
END_TEST

/* ---- memory ---- */

static void schedule_all_kinds(void)
{
    asyncio_handle handles[100];
    note_count = 0;
    for (int i = 0; i < 100; i++) {
        soon(i);
        later(0.01, i);
        asyncio_call_later(1000, note_arg, NULL, &handles[i]);
    }
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(asyncio_handle_cancel(handles[i]), 0);
    while (note_count < 200)
        ck_assert_int_eq(asyncio_sleep(0.01 * TICK), 0);
}

SCENARIO(warm_callbacks_allocate_nothing)
{
    schedule_all_kinds();
    schedule_all_kinds();
    uint64_t before = mem_alloc_count();
    for (int i = 0; i < 10; i++)
        schedule_all_kinds();
    ck_assert_uint_eq(mem_alloc_count(), before);
}

SCENARIO(without_memory_it_is_enomem_and_the_rest_goes_on)
{
    int scheduled = 0, err;
    note_count = 0;
    fault_arm(FAULT_MEMORY, 1);
    while ((err = asyncio_call_soon(note_arg, number(1), NULL)) == 0)
        ck_assert_int_lt(++scheduled, 1000);
    fault_disarm();
    ck_assert_int_eq(err, -ENOMEM);
    soon(2);
    let_others_run();
    ck_assert_int_eq(note_count, scheduled + 1);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("callback");
    suite_case(suite, callbacks_are_called_later_and_in_order);
    suite_case(suite, thousands_are_called_in_order);
    suite_case(suite, the_nearer_deadline_comes_first);
    suite_case(suite, equal_times_are_called_first_in_first_out);
    suite_case(suite, nobody_is_called_early_nor_late_on_the_virtual_clock);
    suite_case(suite, times_that_have_passed_are_now);
    suite_case(suite, a_time_beyond_all_clocks_never_comes);
    suite_case(suite, bad_times_and_no_function_are_einval);
    suite_case(suite, another_thread_has_no_loop);
    suite_case(suite, outside_of_a_loop_it_is_eperm);
    suite_case(suite, a_callback_cannot_suspend);
    suite_case(suite, a_callback_schedules_the_next);
    suite_case(suite, a_chain_without_end_lets_timers_and_tasks_run);
    suite_case(suite, a_timer_sets_itself_again);
    suite_case(suite, what_is_cancelled_is_not_called);
    suite_case(suite, one_that_is_due_already_can_be_cancelled);
    suite_case(suite, one_that_runs_has_been_called);
    suite_case(suite, a_stale_handle_is_nobody_elses);
    suite_case(suite, the_handle_of_a_loop_that_has_ended_names_nothing);
    suite_case(suite, the_handle_of_another_threads_loop_is_exdev);
    suite_case(suite, timers_left_behind_are_forgotten);
    suite_case(suite, a_runners_timers_go_on_in_its_next_run);
    suite_case(suite, warm_callbacks_allocate_nothing);
    suite_case(suite, without_memory_it_is_enomem_and_the_rest_goes_on);
    return suite;
}
