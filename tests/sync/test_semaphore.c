/* SPDX-License-Identifier: MIT */
/* Semaphores, without and with a bound. */
#include "rig.h"

static struct asyncio_semaphore semaphore;

static int acquire(void *arg)
{
    return asyncio_semaphore_acquire(arg);
}

/* How many could be taken at once now; they are given back. */
static size_t count_free(void)
{
    size_t count = 0;
    while (asyncio_semaphore_try_acquire(&semaphore) == 0)
        count++;
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(asyncio_semaphore_release(&semaphore), 0);
    return count;
}

/* ---- counting ---- */

static int take_all(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++) {
        ck_assert(!asyncio_semaphore_is_locked(&semaphore));
        ck_assert_int_eq(asyncio_semaphore_acquire(&semaphore), 0);
    }
    ck_assert(asyncio_semaphore_is_locked(&semaphore));
    ck_assert_int_eq(asyncio_semaphore_try_acquire(&semaphore), -EAGAIN);
    ck_assert_int_eq(asyncio_semaphore_release(&semaphore), 0);
    ck_assert_uint_eq(count_free(), 1);
    return 0;
}

START_TEST(value_is_how_many_may_pass)
{
    asyncio_semaphore_init(&semaphore, 3);
    run(take_all, NULL);
    asyncio_semaphore_fini(&semaphore);
}
END_TEST

START_TEST(release_may_go_beyond_the_first_value)
{
    asyncio_semaphore_init(&semaphore, 0);
    ck_assert(asyncio_semaphore_is_locked(&semaphore));
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(asyncio_semaphore_release(&semaphore), 0);
    ck_assert_uint_eq(count_free(), 10);
}
END_TEST

START_TEST(bounded_release_beyond_the_bound_overflows)
{
    asyncio_bounded_semaphore_init(&semaphore, 2);
    ck_assert_int_eq(asyncio_semaphore_release(&semaphore), -EOVERFLOW);
    ck_assert_int_eq(asyncio_semaphore_try_acquire(&semaphore), 0);
    ck_assert_int_eq(asyncio_semaphore_release(&semaphore), 0);
    ck_assert_int_eq(asyncio_semaphore_release(&semaphore), -EOVERFLOW);
    ck_assert_uint_eq(count_free(), 2);
}
END_TEST

START_TEST(bound_of_nothing_is_never_released)
{
    asyncio_bounded_semaphore_init(&semaphore, 0);
    ck_assert_int_eq(asyncio_semaphore_release(&semaphore), -EOVERFLOW);
    ck_assert_int_eq(asyncio_semaphore_try_acquire(&semaphore), -EAGAIN);
}
END_TEST

START_TEST(largest_value_overflows)
{
    asyncio_semaphore_init(&semaphore, SIZE_MAX);
    ck_assert_int_eq(asyncio_semaphore_release(&semaphore), -EOVERFLOW);
    ck_assert_int_eq(asyncio_semaphore_try_acquire(&semaphore), 0);
    ck_assert_int_eq(asyncio_semaphore_release(&semaphore), 0);
    ck_assert_int_eq(asyncio_semaphore_release(&semaphore), -EOVERFLOW);
}
END_TEST

START_TEST(acquire_outside_of_tasks_is_refused)
{
    asyncio_semaphore_init(&semaphore, 1);
    ck_assert_int_eq(asyncio_semaphore_acquire(&semaphore), -EPERM);
    ck_assert_uint_eq(count_free(), 1);
}
END_TEST

/* ---- order ---- */

static int in_line(void *arg)
{
    struct call calls[6];
    (void)arg;
    asyncio_semaphore_init(&semaphore, 0);
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        call_start(&calls[i], acquire, &semaphore);
        settle();
    }
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        ck_assert_int_eq(asyncio_semaphore_release(&semaphore), 0);
        /* It is the waiter's already. */
        ck_assert(asyncio_semaphore_is_locked(&semaphore));
        ck_assert_int_eq(asyncio_semaphore_try_acquire(&semaphore), -EAGAIN);
        settle();
        ck_assert_int_eq(calls[i].place, (int)i + 1);
        ck_assert_int_eq(call_end(&calls[i]), 0);
    }
    asyncio_semaphore_fini(&semaphore);
    return 0;
}

START_TEST(waiters_pass_in_order_and_nobody_barges)
{
    run(in_line, NULL);
    run_seeds(in_line, NULL);
}
END_TEST

static int bounded_hand_over(void *arg)
{
    struct call call;
    (void)arg;
    asyncio_bounded_semaphore_init(&semaphore, 1);
    ck_assert_int_eq(asyncio_semaphore_acquire(&semaphore), 0);
    call_start(&call, acquire, &semaphore);
    settle();
    ck_assert_int_eq(asyncio_semaphore_release(&semaphore), 0);
    ck_assert_int_eq(call_end(&call), 0);
    ck_assert_int_eq(asyncio_semaphore_release(&semaphore), 0);
    ck_assert_int_eq(asyncio_semaphore_release(&semaphore), -EOVERFLOW);
    return 0;
}

START_TEST(bound_counts_what_was_handed_over)
{
    run(bounded_hand_over, NULL);
}
END_TEST

/* ---- cancels ---- */

static int cancel_each(void *arg)
{
    int which = *(int *)arg;
    struct call calls[3];
    asyncio_semaphore_init(&semaphore, 0);
    for (int i = 0; i < 3; i++) {
        call_start(&calls[i], acquire, &semaphore);
        settle();
    }
    call_cancel(&calls[which]);
    ck_assert_int_eq(call_end(&calls[which]), -ECANCELED);
    for (int i = 0; i < 3; i++) {
        if (i == which)
            continue;
        ck_assert_int_eq(asyncio_semaphore_release(&semaphore), 0);
        ck_assert_int_eq(call_end(&calls[i]), 0);
    }
    ck_assert_uint_eq(count_free(), 0);
    asyncio_semaphore_fini(&semaphore);
    return 0;
}

START_TEST(cancelled_waiter_leaves_the_line)
{
    for (int which = 0; which < 3; which++) {
        run(cancel_each, &which);
        run_seeds(cancel_each, &which);
    }
}
END_TEST

static int cancel_after_release(void *arg)
{
    struct call first, second;
    (void)arg;
    asyncio_semaphore_init(&semaphore, 0);
    call_start(&first, acquire, &semaphore);
    settle();
    call_start(&second, acquire, &semaphore);
    settle();
    ck_assert_int_eq(asyncio_semaphore_release(&semaphore), 0);
    call_cancel(&first);
    ck_assert_int_eq(call_end(&first), 0);
    ck_assert(call_waits(&second));
    ck_assert_int_eq(asyncio_semaphore_release(&semaphore), 0);
    return call_end(&second);
}

START_TEST(permit_handed_over_stands_against_a_later_cancel)
{
    run(cancel_after_release, NULL);
    run_seeds(cancel_after_release, NULL);
}
END_TEST

static int cancelled_before(void *arg)
{
    struct call call;
    (void)arg;
    asyncio_semaphore_init(&semaphore, 1);
    call_start(&call, acquire, &semaphore);
    call_cancel(&call);
    ck_assert_int_eq(call_end(&call), -ECANCELED);
    ck_assert_uint_eq(count_free(), 1);
    return 0;
}

START_TEST(cancelled_task_takes_nothing)
{
    run(cancelled_before, NULL);
}
END_TEST

static int under_timeout(void *arg)
{
    struct asyncio_timeout timeout;
    (void)arg;
    asyncio_semaphore_init(&semaphore, 0);
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0.003), 0);
    int err = asyncio_semaphore_acquire(&semaphore);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
    ck_assert_int_eq(asyncio_semaphore_release(&semaphore), 0);
    ck_assert_uint_eq(count_free(), 1);
    return 0;
}

START_TEST(timeout_ends_the_wait)
{
    run(under_timeout, NULL);
}
END_TEST

/* ---- crowds ---- */

enum { PLACES = 3 };

static int inside;

static int visit(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10; i++) {
        int err = asyncio_semaphore_acquire(&semaphore);
        if (err < 0)
            return err;
        ck_assert_int_le(++inside, PLACES);
        err = asyncio_sleep(0);
        inside--;
        ck_assert_int_eq(asyncio_semaphore_release(&semaphore), 0);
        if (err < 0)
            return err;
    }
    return 0;
}

static int crowd(void *arg)
{
    asyncio_task tasks[20];
    (void)arg;
    asyncio_bounded_semaphore_init(&semaphore, PLACES);
    for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
        tasks[i] = asyncio_create_task(visit, NULL);
    for (int i = 0; i < 8; i++) {
        asyncio_sleep(0);
        asyncio_task_cancel(tasks[dice(ARRAY_SIZE(tasks))]);
    }
    int err = asyncio_gather(tasks, ARRAY_SIZE(tasks), NULL);
    ck_assert(err == 0 || err == -ECANCELED);
    ck_assert_uint_eq(count_free(), PLACES);
    asyncio_semaphore_fini(&semaphore);
    return 0;
}

START_TEST(no_permit_is_lost_whatever_is_cancelled)
{
    run(crowd, NULL);
    run_seeds(crowd, NULL);
}
END_TEST

static int count_allocations(void *arg)
{
    asyncio_task tasks[8];
    (void)arg;
    asyncio_semaphore_init(&semaphore, PLACES);
    for (int round = 0; round < 2; round++) {
        uint64_t before = mem_alloc_count();
        for (int i = 0; i < 8; i++)
            tasks[i] = asyncio_create_task(visit, NULL);
        ck_assert_int_eq(asyncio_gather(tasks, 8, NULL), 0);
        if (round)
            ck_assert_uint_eq(mem_alloc_count(), before);
    }
    return 0;
}

START_TEST(nothing_is_allocated)
{
    run(count_allocations, NULL);
}
END_TEST

static int fini_under_waiter(void *arg)
{
    struct call call;
    (void)arg;
    asyncio_semaphore_init(&semaphore, 0);
    call_start(&call, acquire, &semaphore);
    settle();
    asyncio_semaphore_fini(&semaphore);
    return 0;
}

START_TEST(fini_with_a_waiter_aborts)
{
    run(fini_under_waiter, NULL);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("semaphore");
    suite_case(suite, value_is_how_many_may_pass);
    suite_case(suite, release_may_go_beyond_the_first_value);
    suite_case(suite, bounded_release_beyond_the_bound_overflows);
    suite_case(suite, bound_of_nothing_is_never_released);
    suite_case(suite, largest_value_overflows);
    suite_case(suite, acquire_outside_of_tasks_is_refused);
    suite_case(suite, waiters_pass_in_order_and_nobody_barges);
    suite_case(suite, bound_counts_what_was_handed_over);
    suite_case(suite, cancelled_waiter_leaves_the_line);
    suite_case(suite, permit_handed_over_stands_against_a_later_cancel);
    suite_case(suite, cancelled_task_takes_nothing);
    suite_case(suite, timeout_ends_the_wait);
    suite_case(suite, no_permit_is_lost_whatever_is_cancelled);
    suite_case(suite, nothing_is_allocated);
    suite_case_signal(suite, fini_with_a_waiter_aborts, SIGABRT);
    return suite;
}
