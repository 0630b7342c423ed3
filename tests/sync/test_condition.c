/* SPDX-License-Identifier: MIT */
/* The condition: who is notified, and that the lock is always held after. */
#include "rig.h"

static struct asyncio_lock lock;
static struct asyncio_condition condition;

static void init(void)
{
    asyncio_lock_init(&lock);
    asyncio_condition_init(&condition, &lock);
}

static void fini(void)
{
    asyncio_condition_fini(&condition);
    ck_assert(!asyncio_lock_is_locked(&lock));
    asyncio_lock_fini(&lock);
}

/* Acquires, waits, and releases: the release tells that the lock was held
 * whatever the wait returned. */
static int wait_once(void *arg)
{
    (void)arg;
    int err = asyncio_lock_acquire(&lock);
    if (err < 0)
        return err;
    err = asyncio_condition_wait(&condition);
    ck_assert_int_eq(asyncio_lock_release(&lock), 0);
    return err;
}

static void start_waiters(struct call *calls, int count)
{
    for (int i = 0; i < count; i++) {
        call_start(&calls[i], wait_once, NULL);
        settle();
        ck_assert(call_waits(&calls[i]));
    }
    ck_assert(!asyncio_lock_is_locked(&lock));
}

static void notify(size_t count)
{
    ck_assert_int_eq(asyncio_lock_acquire(&lock), 0);
    ck_assert_int_eq(asyncio_condition_notify(&condition, count), 0);
    ck_assert_int_eq(asyncio_lock_release(&lock), 0);
}

/* ---- notifying ---- */

static int one_by_one(void *arg)
{
    struct call calls[4];
    (void)arg;
    init();
    start_waiters(calls, 4);
    for (int i = 0; i < 4; i++) {
        notify(1);
        settle();
        ck_assert_int_eq(calls[i].place, i + 1);
        ck_assert_int_eq(call_end(&calls[i]), 0);
    }
    fini();
    return 0;
}

START_TEST(notify_wakes_in_order)
{
    run(one_by_one, NULL);
    run_seeds(one_by_one, NULL);
}
END_TEST

static int some_then_all(void *arg)
{
    struct call calls[6];
    (void)arg;
    init();
    start_waiters(calls, 6);
    notify(0);
    settle();
    ck_assert(call_waits(&calls[0]));
    notify(2);
    settle();
    ck_assert(!call_waits(&calls[1]) && call_waits(&calls[2]));

    ck_assert_int_eq(asyncio_lock_acquire(&lock), 0);
    ck_assert_int_eq(asyncio_condition_notify_all(&condition), 0);
    /* They come once the notifier lets go, one after the other. */
    settle();
    ck_assert(call_waits(&calls[2]));
    ck_assert_int_eq(asyncio_lock_release(&lock), 0);
    for (int i = 0; i < 6; i++) {
        ck_assert_int_eq(call_end(&calls[i]), 0);
        ck_assert_int_eq(calls[i].place, i + 1);
    }
    fini();
    return 0;
}

START_TEST(notify_counts)
{
    run(some_then_all, NULL);
    run_seeds(some_then_all, NULL);
}
END_TEST

static int notify_nobody(void *arg)
{
    struct call call;
    (void)arg;
    init();
    notify(1);
    notify(SIZE_MAX);
    call_start(&call, wait_once, NULL);
    settle();
    ck_assert(call_waits(&call));
    notify(SIZE_MAX);
    ck_assert_int_eq(call_end(&call), 0);
    fini();
    return 0;
}

START_TEST(notification_of_nobody_is_not_kept)
{
    run(notify_nobody, NULL);
}
END_TEST

static int two_conditions(void *arg)
{
    struct asyncio_condition other;
    struct call call;
    (void)arg;
    init();
    asyncio_condition_init(&other, &lock);
    call_start(&call, wait_once, NULL);
    settle();
    ck_assert_int_eq(asyncio_lock_acquire(&lock), 0);
    ck_assert_int_eq(asyncio_condition_notify_all(&other), 0);
    ck_assert_int_eq(asyncio_lock_release(&lock), 0);
    settle();
    ck_assert(call_waits(&call));
    notify(1);
    ck_assert_int_eq(call_end(&call), 0);
    asyncio_condition_fini(&other);
    fini();
    return 0;
}

START_TEST(conditions_share_a_lock)
{
    run(two_conditions, NULL);
}
END_TEST

/* ---- misuse ---- */

static bool yes(void *arg)
{
    (void)arg;
    return true;
}

static int acquire(void *arg)
{
    return asyncio_lock_acquire(arg);
}

static void expect_refused(void)
{
    ck_assert_int_eq(asyncio_condition_wait(&condition), -EPERM);
    ck_assert_int_eq(asyncio_condition_wait_for(&condition, yes, NULL),
                     -EPERM);
    ck_assert_int_eq(asyncio_condition_notify(&condition, 1), -EPERM);
    ck_assert_int_eq(asyncio_condition_notify_all(&condition), -EPERM);
}

static int without_lock(void *arg)
{
    struct call holder;
    (void)arg;
    expect_refused();
    call_start(&holder, acquire, &lock);
    settle();
    expect_refused();
    return 0;
}

START_TEST(without_the_lock_is_refused)
{
    init();
    expect_refused();
    run(without_lock, NULL);
}
END_TEST

static int no_predicate(void *arg)
{
    (void)arg;
    ck_assert_int_eq(asyncio_lock_acquire(&lock), 0);
    ck_assert_int_eq(asyncio_condition_wait_for(&condition, NULL, NULL),
                     -EINVAL);
    return asyncio_lock_release(&lock);
}

START_TEST(missing_predicate_is_invalid)
{
    init();
    run(no_predicate, NULL);
}
END_TEST

/* ---- wait_for ---- */

static int water;

static bool is_full(void *arg)
{
    return water >= *(int *)arg;
}

static int wait_full(void *arg)
{
    int err = asyncio_lock_acquire(&lock);
    if (err < 0)
        return err;
    err = asyncio_condition_wait_for(&condition, is_full, arg);
    ck_assert_int_eq(asyncio_lock_release(&lock), 0);
    return err;
}

static int fill(void *arg)
{
    int levels[] = {3, 1, 2};
    struct call calls[3];
    (void)arg;
    water = 0;
    init();
    for (int i = 0; i < 3; i++)
        call_start(&calls[i], wait_full, &levels[i]);
    for (water = 1; water <= 3; water++) {
        settle();
        ck_assert_int_eq(asyncio_lock_acquire(&lock), 0);
        ck_assert_int_eq(asyncio_condition_notify_all(&condition), 0);
        ck_assert_int_eq(asyncio_lock_release(&lock), 0);
        settle();
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(call_waits(&calls[i]), levels[i] > water);
    }
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(call_end(&calls[i]), 0);
    fini();
    return 0;
}

START_TEST(wait_for_waits_until_it_holds)
{
    run(fill, NULL);
    run_seeds(fill, NULL);
}
END_TEST

static int wait_for_cancelled(void *arg)
{
    int level = 3;
    struct call call;
    (void)arg;
    water = 0;
    init();
    call_start(&call, wait_full, &level);
    settle();
    call_cancel(&call);
    ck_assert_int_eq(call_end(&call), -ECANCELED);

    /* Nor does one go through that was cancelled, though it holds. */
    water = 3;
    ck_assert_int_eq(asyncio_lock_acquire(&lock), 0);
    ck_assert_int_eq(asyncio_condition_wait_for(&condition, is_full, &level),
                     0);
    struct asyncio_timeout timeout;
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0), 0);
    int err = asyncio_condition_wait_for(&condition, is_full, &level);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
    ck_assert_int_eq(asyncio_lock_release(&lock), 0);
    fini();
    return 0;
}

START_TEST(wait_for_is_cancelled)
{
    run(wait_for_cancelled, NULL);
}
END_TEST

/* ---- cancels ---- */

static int cancel_one(void *arg)
{
    int which = *(int *)arg;
    struct call calls[3];
    init();
    start_waiters(calls, 3);
    call_cancel(&calls[which]);
    ck_assert_int_eq(call_end(&calls[which]), -ECANCELED);
    notify(2);
    for (int i = 0; i < 3; i++) {
        if (i != which)
            ck_assert_int_eq(call_end(&calls[i]), 0);
    }
    fini();
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

/* The cancelled one has to wait for the lock, however often it is asked. */
static int cancel_while_locked(void *arg)
{
    struct call call;
    (void)arg;
    init();
    start_waiters(&call, 1);
    ck_assert_int_eq(asyncio_lock_acquire(&lock), 0);
    call_cancel(&call);
    call_cancel(&call);
    settle();
    ck_assert(call_waits(&call));
    /* It is not among those who can be notified any more. */
    ck_assert_int_eq(asyncio_condition_notify(&condition, 1), 0);
    ck_assert_int_eq(asyncio_lock_release(&lock), 0);
    ck_assert_int_eq(call_end(&call), -ECANCELED);
    fini();
    return 0;
}

START_TEST(cancelled_waiter_takes_the_lock_again)
{
    run(cancel_while_locked, NULL);
    run_seeds(cancel_while_locked, NULL);
}
END_TEST

static int cancel_after_notify(void *arg)
{
    struct call calls[2];
    (void)arg;
    init();
    start_waiters(calls, 2);
    ck_assert_int_eq(asyncio_lock_acquire(&lock), 0);
    ck_assert_int_eq(asyncio_condition_notify(&condition, 1), 0);
    call_cancel(&calls[0]);
    ck_assert_int_eq(asyncio_lock_release(&lock), 0);
    ck_assert_int_eq(call_end(&calls[0]), 0);
    settle();
    ck_assert(call_waits(&calls[1]));
    notify(1);
    ck_assert_int_eq(call_end(&calls[1]), 0);
    fini();
    return 0;
}

START_TEST(notified_waiter_stands_against_a_later_cancel)
{
    run(cancel_after_notify, NULL);
    run_seeds(cancel_after_notify, NULL);
}
END_TEST

static int cancelled_before(void *arg)
{
    struct asyncio_timeout timeout;
    (void)arg;
    init();
    ck_assert_int_eq(asyncio_lock_acquire(&lock), 0);
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0), 0);
    int err = asyncio_condition_wait(&condition);
    ck_assert_int_eq(err, -ECANCELED);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
    ck_assert_int_eq(asyncio_lock_release(&lock), 0);
    fini();
    return 0;
}

START_TEST(cancelled_task_keeps_the_lock)
{
    run(cancelled_before, NULL);
}
END_TEST

static int under_timeout(void *arg)
{
    struct asyncio_timeout timeout;
    (void)arg;
    init();
    ck_assert_int_eq(asyncio_lock_acquire(&lock), 0);
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0.003), 0);
    int err = asyncio_condition_wait(&condition);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
    ck_assert_int_eq(asyncio_lock_release(&lock), 0);
    fini();
    return 0;
}

START_TEST(timeout_ends_the_wait_with_the_lock_held)
{
    run(under_timeout, NULL);
}
END_TEST

/* ---- the end ---- */

static int count_allocations(void *arg)
{
    struct call calls[4];
    (void)arg;
    init();
    for (int round = 0; round < 20; round++) {
        uint64_t before = mem_alloc_count();
        start_waiters(calls, 4);
        call_cancel(&calls[2]);
        notify(SIZE_MAX);
        for (int i = 0; i < 4; i++)
            ck_assert_int_eq(call_end(&calls[i]), i == 2 ? -ECANCELED : 0);
        if (round)
            ck_assert_uint_eq(mem_alloc_count(), before);
    }
    fini();
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
    init();
    start_waiters(&call, 1);
    asyncio_condition_fini(&condition);
    return 0;
}

START_TEST(fini_with_a_waiter_aborts)
{
    run(fini_under_waiter, NULL);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("condition");
    suite_case(suite, notify_wakes_in_order);
    suite_case(suite, notify_counts);
    suite_case(suite, notification_of_nobody_is_not_kept);
    suite_case(suite, conditions_share_a_lock);
    suite_case(suite, without_the_lock_is_refused);
    suite_case(suite, missing_predicate_is_invalid);
    suite_case(suite, wait_for_waits_until_it_holds);
    suite_case(suite, wait_for_is_cancelled);
    suite_case(suite, cancelled_waiter_leaves_the_line);
    suite_case(suite, cancelled_waiter_takes_the_lock_again);
    suite_case(suite, notified_waiter_stands_against_a_later_cancel);
    suite_case(suite, cancelled_task_keeps_the_lock);
    suite_case(suite, timeout_ends_the_wait_with_the_lock_held);
    suite_case(suite, nothing_is_allocated);
    suite_case_signal(suite, fini_with_a_waiter_aborts, SIGABRT);
    return suite;
}
