/* SPDX-License-Identifier: MIT */
/* The event: set, clear, and who is let through. */
#include "rig.h"

#include "sys/sys.h"

static struct asyncio_event event;

static int wait_for_event(void *arg)
{
    return asyncio_event_wait(arg);
}

/* ---- without waiting ---- */

static int set_before(void *arg)
{
    (void)arg;
    ck_assert_int_eq(asyncio_event_wait(&event), 0);
    ck_assert_int_eq(asyncio_event_wait(&event), 0);
    ck_assert(asyncio_event_is_set(&event));
    asyncio_event_clear(&event);
    ck_assert(!asyncio_event_is_set(&event));
    return 0;
}

START_TEST(set_event_lets_everybody_through)
{
    asyncio_event_init(&event);
    ck_assert(!asyncio_event_is_set(&event));
    /* Nobody waits, so no loop is needed. */
    asyncio_event_set(&event);
    run(set_before, NULL);
    asyncio_event_fini(&event);
}
END_TEST

START_TEST(outside_of_tasks_is_refused)
{
    asyncio_event_init(&event);
    ck_assert_int_eq(asyncio_event_wait(&event), -EPERM);
    asyncio_event_set(&event);
    ck_assert_int_eq(asyncio_event_wait(&event), -EPERM);
}
END_TEST

/* ---- waiting ---- */

static int wake_all(void *arg)
{
    struct call calls[50];
    (void)arg;
    asyncio_event_init(&event);
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
        call_start(&calls[i], wait_for_event, &event);
    settle();
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
        ck_assert(call_waits(&calls[i]));
    asyncio_event_set(&event);
    asyncio_event_set(&event);
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
        ck_assert_int_eq(call_end(&calls[i]), 0);
    asyncio_event_fini(&event);
    return 0;
}

START_TEST(set_wakes_all)
{
    run(wake_all, NULL);
    run_seeds(wake_all, NULL);
}
END_TEST

static int wake_in_order(void *arg)
{
    struct call calls[5];
    (void)arg;
    asyncio_event_init(&event);
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        call_start(&calls[i], wait_for_event, &event);
        settle();
    }
    asyncio_event_set(&event);
    settle();
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
        ck_assert_int_eq(calls[i].place, (int)i + 1);
    return 0;
}

START_TEST(set_wakes_in_order)
{
    if (is_simulated())
        return;                  /* there, ready tasks run in any order */
    run(wake_in_order, NULL);
}
END_TEST

static int set_and_clear(void *arg)
{
    struct call early, late;
    (void)arg;
    asyncio_event_init(&event);
    call_start(&early, wait_for_event, &event);
    settle();
    asyncio_event_set(&event);
    asyncio_event_clear(&event);
    ck_assert_int_eq(call_end(&early), 0);

    call_start(&late, wait_for_event, &event);
    settle();
    ck_assert(call_waits(&late));
    asyncio_event_set(&event);
    return call_end(&late);
}

START_TEST(waiter_that_saw_it_set_goes_on_though_it_is_cleared)
{
    run(set_and_clear, NULL);
    run_seeds(set_and_clear, NULL);
}
END_TEST

static void set_event(void *arg)
{
    asyncio_event_set(arg);
}

static int set_by_callback(void *arg)
{
    (void)arg;
    ck_assert_int_eq(asyncio_call_later(0.002, set_event, &event, NULL), 0);
    return asyncio_event_wait(&event);
}

START_TEST(callback_of_the_loop_may_set_it)
{
    asyncio_event_init(&event);
    run(set_by_callback, NULL);
}
END_TEST

/* ---- cancels ---- */

static int cancel_some(void *arg)
{
    struct call calls[9];
    (void)arg;
    asyncio_event_init(&event);
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
        call_start(&calls[i], wait_for_event, &event);
    settle();
    for (size_t i = 0; i < ARRAY_SIZE(calls); i += 2)
        call_cancel(&calls[i]);
    asyncio_event_set(&event);
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
        ck_assert_int_eq(call_end(&calls[i]), i % 2 ? 0 : -ECANCELED);
    asyncio_event_fini(&event);
    return 0;
}

START_TEST(cancel_before_the_set_wins)
{
    run(cancel_some, NULL);
    run_seeds(cancel_some, NULL);
}
END_TEST

static int cancel_after_set(void *arg)
{
    struct call call;
    (void)arg;
    asyncio_event_init(&event);
    call_start(&call, wait_for_event, &event);
    settle();
    asyncio_event_set(&event);
    call_cancel(&call);
    return call_end(&call);
}

START_TEST(set_before_the_cancel_wins)
{
    run(cancel_after_set, NULL);
    run_seeds(cancel_after_set, NULL);
}
END_TEST

static int cancelled_before(void *arg)
{
    struct call call;
    (void)arg;
    asyncio_event_init(&event);
    asyncio_event_set(&event);
    call_start(&call, wait_for_event, &event);
    call_cancel(&call);
    ck_assert_int_eq(call_end(&call), -ECANCELED);
    return 0;
}

START_TEST(cancelled_task_does_not_pass_a_set_event)
{
    run(cancelled_before, NULL);
}
END_TEST

static int under_timeout(void *arg)
{
    struct asyncio_timeout timeout;
    (void)arg;
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0.003), 0);
    int err = asyncio_timeout_end(&timeout, asyncio_event_wait(&event));
    ck_assert_int_eq(err, -ETIMEDOUT);
    asyncio_event_fini(&event);
    return 0;
}

START_TEST(timeout_ends_the_wait)
{
    asyncio_event_init(&event);
    run(under_timeout, NULL);
}
END_TEST

/* ---- misuse ---- */

static int fini_under_waiter(void *arg)
{
    struct call call;
    (void)arg;
    call_start(&call, wait_for_event, &event);
    settle();
    asyncio_event_fini(&event);
    return 0;
}

START_TEST(fini_with_a_waiter_aborts)
{
    asyncio_event_init(&event);
    run(fini_under_waiter, NULL);
}
END_TEST

static void set_from_thread(void *arg)
{
    asyncio_event_set(arg);
}

static int wait_for_thread(void *arg)
{
    struct call call;
    (void)arg;
    call_start(&call, wait_for_event, &event);
    settle();
    ck_assert_int_eq(sys_thread_start(set_from_thread, &event, 0), 0);
    sys_thread_sleep(SUITE_CASE_SECONDS * NSEC_PER_SEC);
    return 0;
}

START_TEST(another_thread_that_sets_it_under_a_waiter_aborts)
{
    asyncio_event_init(&event);
    run(wait_for_thread, NULL);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("event");
    suite_case(suite, set_event_lets_everybody_through);
    suite_case(suite, outside_of_tasks_is_refused);
    suite_case(suite, set_wakes_all);
    suite_case(suite, set_wakes_in_order);
    suite_case(suite, waiter_that_saw_it_set_goes_on_though_it_is_cleared);
    suite_case(suite, callback_of_the_loop_may_set_it);
    suite_case(suite, cancel_before_the_set_wins);
    suite_case(suite, set_before_the_cancel_wins);
    suite_case(suite, cancelled_task_does_not_pass_a_set_event);
    suite_case(suite, timeout_ends_the_wait);
    suite_case_signal(suite, fini_with_a_waiter_aborts, SIGABRT);
    suite_case_signal(suite, another_thread_that_sets_it_under_a_waiter_aborts,
                      SIGABRT);
    return suite;
}
