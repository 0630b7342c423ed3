/* SPDX-License-Identifier: MIT */
/* The lock: order, hand-over, cancels at every point, misuse. */
#include "rig.h"

static struct asyncio_lock lock;

static int acquire(void *arg)
{
    return asyncio_lock_acquire(arg);
}

/* Acquires, notes it, and goes on to hold the lock until it may let go. */
static int acquire_and_release(void *arg)
{
    int err = asyncio_lock_acquire(arg);
    if (err < 0)
        return err;
    return asyncio_lock_release(arg);
}

static int with_lock(asyncio_fn *fn)
{
    asyncio_lock_init(&lock);
    int err = fn(NULL);
    asyncio_lock_fini(&lock);
    return err;
}

/* ---- one task ---- */

static int alone(void *arg)
{
    (void)arg;
    ck_assert(!asyncio_lock_is_locked(&lock));
    ck_assert_int_eq(asyncio_lock_acquire(&lock), 0);
    ck_assert(asyncio_lock_is_locked(&lock));
    ck_assert_int_eq(asyncio_lock_release(&lock), 0);
    ck_assert(!asyncio_lock_is_locked(&lock));
    ck_assert_int_eq(asyncio_lock_try_acquire(&lock), 0);
    ck_assert_int_eq(asyncio_lock_release(&lock), 0);
    return 0;
}

START_TEST(free_lock_is_taken_at_once)
{
    asyncio_lock_init(&lock);
    run(alone, NULL);
    asyncio_lock_fini(&lock);
}
END_TEST

static int twice(void *arg)
{
    (void)arg;
    ck_assert_int_eq(asyncio_lock_acquire(&lock), 0);
    ck_assert_int_eq(asyncio_lock_acquire(&lock), -EDEADLK);
    ck_assert_int_eq(asyncio_lock_try_acquire(&lock), -EDEADLK);
    return asyncio_lock_release(&lock);
}

START_TEST(own_lock_is_a_deadlock)
{
    asyncio_lock_init(&lock);
    run(twice, NULL);
}
END_TEST

static int release_of_another(void *arg)
{
    struct call holder;
    (void)arg;
    ck_assert_int_eq(asyncio_lock_release(&lock), -EPERM);
    call_start(&holder, acquire, &lock);
    settle();
    ck_assert_int_eq(asyncio_lock_release(&lock), -EPERM);
    ck_assert_int_eq(asyncio_lock_try_acquire(&lock), -EAGAIN);
    return 0;
}

START_TEST(only_the_owner_releases)
{
    asyncio_lock_init(&lock);
    run(release_of_another, NULL);
}
END_TEST

static void use_from_callback(void *arg)
{
    int *count = arg;
    ck_assert_int_eq(asyncio_lock_acquire(&lock), -EPERM);
    ck_assert_int_eq(asyncio_lock_try_acquire(&lock), -EPERM);
    ck_assert_int_eq(asyncio_lock_release(&lock), -EPERM);
    ++*count;
}

static int schedule_use(void *arg)
{
    ck_assert_int_eq(asyncio_call_soon(use_from_callback, arg, NULL), 0);
    return asyncio_sleep(0.001);
}

START_TEST(outside_of_tasks_is_refused)
{
    int count = 0;
    asyncio_lock_init(&lock);
    use_from_callback(&count);
    run(schedule_use, &count);
    ck_assert_int_eq(count, 2);
    ck_assert(!asyncio_lock_is_locked(&lock));
}
END_TEST

/* ---- order ---- */

enum { WAITERS = 6 };

static int in_line(void *arg)
{
    struct call calls[WAITERS];
    (void)arg;
    ck_assert_int_eq(asyncio_lock_acquire(&lock), 0);
    for (int i = 0; i < WAITERS; i++) {
        call_start(&calls[i], acquire_and_release, &lock);
        settle();
        ck_assert(call_waits(&calls[i]));
    }
    ck_assert_int_eq(asyncio_lock_release(&lock), 0);
    /* Handed over: not free for a moment, and nobody comes in between. */
    ck_assert(asyncio_lock_is_locked(&lock));
    ck_assert_int_eq(asyncio_lock_try_acquire(&lock), -EAGAIN);
    ck_assert_int_eq(asyncio_lock_acquire(&lock), 0);
    for (int i = 0; i < WAITERS; i++) {
        ck_assert_int_eq(calls[i].place, i + 1);
        ck_assert_int_eq(call_end(&calls[i]), 0);
    }
    return asyncio_lock_release(&lock);
}

static int in_line_scenario(void *arg)
{
    (void)arg;
    return with_lock(in_line);
}

START_TEST(waiters_get_it_in_order_and_nobody_barges)
{
    run(in_line_scenario, NULL);
    run_seeds(in_line_scenario, NULL);
}
END_TEST

/* ---- cancels ---- */

static int cancel_one(void *arg)
{
    int which = *(int *)arg;
    struct call calls[3];
    asyncio_lock_init(&lock);
    ck_assert_int_eq(asyncio_lock_acquire(&lock), 0);
    for (int i = 0; i < 3; i++) {
        call_start(&calls[i], acquire_and_release, &lock);
        settle();
    }
    call_cancel(&calls[which]);
    ck_assert_int_eq(call_end(&calls[which]), -ECANCELED);
    ck_assert_int_eq(asyncio_lock_release(&lock), 0);
    for (int i = 0; i < 3; i++) {
        if (i != which)
            ck_assert_int_eq(call_end(&calls[i]), 0);
    }
    ck_assert(!asyncio_lock_is_locked(&lock));
    asyncio_lock_fini(&lock);
    return 0;
}

START_TEST(cancelled_waiter_leaves_the_line)
{
    for (int which = 0; which < 3; which++) {
        run(cancel_one, &which);
        run_seeds(cancel_one, &which);
    }
}
END_TEST

static int cancelled_before(void *arg)
{
    struct call call;
    (void)arg;
    call_start(&call, acquire, &lock);
    call_cancel(&call);
    ck_assert_int_eq(call_end(&call), -ECANCELED);
    ck_assert(!asyncio_lock_is_locked(&lock));
    return 0;
}

START_TEST(cancelled_task_does_not_take_a_free_lock)
{
    asyncio_lock_init(&lock);
    run(cancelled_before, NULL);
}
END_TEST

/* Gets the lock, then finds that it is cancelled, and lets it go properly. */
static int acquire_then_find_out(void *arg)
{
    int err = asyncio_lock_acquire(arg);
    if (err < 0)
        return err;
    ck_assert_int_eq(asyncio_sleep(0), -ECANCELED);
    ck_assert_int_eq(asyncio_lock_release(arg), 0);
    return 7;
}

static int cancel_after_hand_over(void *arg)
{
    struct call first, second;
    (void)arg;
    asyncio_lock_init(&lock);
    ck_assert_int_eq(asyncio_lock_acquire(&lock), 0);
    call_start(&first, acquire_then_find_out, &lock);
    settle();
    call_start(&second, acquire_and_release, &lock);
    settle();
    ck_assert_int_eq(asyncio_lock_release(&lock), 0);
    call_cancel(&first);
    ck_assert_int_eq(call_end(&first), 7);
    ck_assert_int_eq(call_end(&second), 0);
    ck_assert(!asyncio_lock_is_locked(&lock));
    return 0;
}

START_TEST(lock_handed_over_stands_against_a_later_cancel)
{
    run(cancel_after_hand_over, NULL);
    run_seeds(cancel_after_hand_over, NULL);
}
END_TEST

/* ---- timeouts and shields ---- */

static int under_timeout(void *arg)
{
    struct call holder;
    struct asyncio_timeout timeout;
    (void)arg;
    call_start(&holder, acquire, &lock);
    settle();
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0.005), 0);
    int err = asyncio_timeout_end(&timeout, asyncio_lock_acquire(&lock));
    ck_assert_int_eq(err, -ETIMEDOUT);
    ck_assert_int_eq(asyncio_lock_try_acquire(&lock), -EAGAIN);

    /* A deadline that had passed already does not take a free lock either. */
    struct asyncio_lock other;
    asyncio_lock_init(&other);
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0), 0);
    err = asyncio_timeout_end(&timeout, asyncio_lock_acquire(&other));
    ck_assert_int_eq(err, -ETIMEDOUT);
    ck_assert(!asyncio_lock_is_locked(&other));
    return 0;
}

START_TEST(timeout_ends_the_wait)
{
    asyncio_lock_init(&lock);
    run(under_timeout, NULL);
}
END_TEST

static int acquire_under_shield(void *arg)
{
    struct asyncio_shield shield;
    ck_assert_int_eq(asyncio_shield_begin(&shield, ASYNCIO_FOREVER), 0);
    int err = asyncio_lock_acquire(arg);
    err = asyncio_shield_end(&shield, err);
    ck_assert_int_eq(asyncio_lock_release(arg), 0);
    return err;
}

static int cancel_under_shield(void *arg)
{
    struct call call;
    (void)arg;
    ck_assert_int_eq(asyncio_lock_acquire(&lock), 0);
    call_start(&call, acquire_under_shield, &lock);
    settle();
    call_cancel(&call);
    settle();
    ck_assert(call_waits(&call));
    ck_assert_int_eq(asyncio_lock_release(&lock), 0);
    return call_end(&call);
}

START_TEST(shielded_wait_is_not_cut_short)
{
    asyncio_lock_init(&lock);
    run(cancel_under_shield, NULL);
}
END_TEST

/* ---- crowds ---- */

static int inside;

static int work_under_lock(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10; i++) {
        int err = asyncio_lock_acquire(&lock);
        if (err < 0)
            return err;
        ck_assert_int_eq(++inside, 1);
        err = asyncio_sleep(0);
        ck_assert_int_eq(--inside, 0);
        ck_assert_int_eq(asyncio_lock_release(&lock), 0);
        if (err < 0)
            return err;
    }
    return 0;
}

static int crowd(void *arg)
{
    asyncio_task tasks[20];
    (void)arg;
    asyncio_lock_init(&lock);
    for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
        tasks[i] = asyncio_create_task(work_under_lock, NULL);
    for (int i = 0; i < 8; i++) {
        asyncio_sleep(0);
        asyncio_task_cancel(tasks[dice(ARRAY_SIZE(tasks))]);
    }
    int err = asyncio_gather(tasks, ARRAY_SIZE(tasks), NULL);
    ck_assert(err == 0 || err == -ECANCELED);
    ck_assert(!asyncio_lock_is_locked(&lock));
    asyncio_lock_fini(&lock);
    return 0;
}

START_TEST(one_at_a_time_whatever_is_cancelled)
{
    run(crowd, NULL);
    run_seeds(crowd, NULL);
}
END_TEST

static int pass_to_and_fro(void *arg)
{
    (void)arg;
    for (int i = 0; i < 500; i++) {
        int err = asyncio_lock_acquire(&lock);
        if (err < 0)
            return err;
        asyncio_sleep(0);
        asyncio_lock_release(&lock);
    }
    return 0;
}

static int count_allocations(void *arg)
{
    asyncio_task tasks[4];
    (void)arg;
    for (int round = 0; round < 2; round++) {
        uint64_t before = mem_alloc_count();
        for (int i = 0; i < 4; i++)
            tasks[i] = asyncio_create_task(pass_to_and_fro, NULL);
        ck_assert_int_eq(asyncio_gather(tasks, 4, NULL), 0);
        if (round)
            ck_assert_uint_eq(mem_alloc_count(), before);
    }
    return 0;
}

START_TEST(nothing_is_allocated)
{
    asyncio_lock_init(&lock);
    run(count_allocations, NULL);
}
END_TEST

/* ---- the end ---- */

static int fini_under_waiter(void *arg)
{
    struct call call;
    (void)arg;
    asyncio_lock_init(&lock);
    ck_assert_int_eq(asyncio_lock_acquire(&lock), 0);
    call_start(&call, acquire, &lock);
    settle();
    asyncio_lock_fini(&lock);
    return 0;
}

START_TEST(fini_with_a_waiter_aborts)
{
    run(fini_under_waiter, NULL);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("lock");
    suite_case(suite, free_lock_is_taken_at_once);
    suite_case(suite, own_lock_is_a_deadlock);
    suite_case(suite, only_the_owner_releases);
    suite_case(suite, outside_of_tasks_is_refused);
    suite_case(suite, waiters_get_it_in_order_and_nobody_barges);
    suite_case(suite, cancelled_waiter_leaves_the_line);
    suite_case(suite, cancelled_task_does_not_take_a_free_lock);
    suite_case(suite, lock_handed_over_stands_against_a_later_cancel);
    suite_case(suite, timeout_ends_the_wait);
    suite_case(suite, shielded_wait_is_not_cut_short);
    suite_case(suite, one_at_a_time_whatever_is_cancelled);
    suite_case(suite, nothing_is_allocated);
    suite_case_signal(suite, fini_with_a_waiter_aborts, SIGABRT);
    return suite;
}
