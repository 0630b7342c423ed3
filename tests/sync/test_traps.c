/* SPDX-License-Identifier: MIT */
/*
 * What asyncio fell into, by the name of the trap: wake-ups that were lost
 * with a cancelled task, cancels that were lost with a wake-up, and waits that
 * nobody ended any more. Each on many simulations, and on the back end.
 */
#include "queue_rig.h"

static void run_everywhere(asyncio_fn *fn)
{
    run(fn, NULL);
    run_seeds(fn, NULL);
}

/* ---- lost notify (python/cpython#112202) ---- */

static struct asyncio_lock lock;
static struct asyncio_condition condition;

static int wait_notified(void *arg)
{
    (void)arg;
    int err = asyncio_lock_acquire(&lock);
    if (err < 0)
        return err;
    err = asyncio_condition_wait(&condition);
    ck_assert_int_eq(asyncio_lock_release(&lock), 0);
    return err;
}

static void condition_init(void)
{
    asyncio_lock_init(&lock);
    asyncio_condition_init(&condition, &lock);
}

/* Notifies and cancels the same tasks in every order: there must be as many
 * who were notified as there were notifications. */
static int notify_and_cancel(void *arg)
{
    struct call calls[6];
    int notified = 0;
    (void)arg;
    condition_init();
    for (int i = 0; i < 6; i++)
        call_start(&calls[i], wait_notified, NULL);
    settle();
    ck_assert_int_eq(asyncio_lock_acquire(&lock), 0);
    if (dice(2))
        call_cancel(&calls[dice(6)]);
    ck_assert_int_eq(asyncio_condition_notify(&condition, 2), 0);
    for (int i = 0; i < 3; i++)
        call_cancel(&calls[dice(6)]);
    if (dice(2))
        ck_assert_int_eq(asyncio_sleep(0), 0);
    call_cancel(&calls[dice(6)]);
    ck_assert_int_eq(asyncio_lock_release(&lock), 0);
    settle();
    for (int i = 0; i < 6; i++)
        notified += !call_waits(&calls[i]) && calls[i].result == 0;
    ck_assert_int_eq(notified, 2);

    ck_assert_int_eq(asyncio_lock_acquire(&lock), 0);
    ck_assert_int_eq(asyncio_condition_notify_all(&condition), 0);
    ck_assert_int_eq(asyncio_lock_release(&lock), 0);
    for (int i = 0; i < 6; i++)
        call_end(&calls[i]);
    asyncio_condition_fini(&condition);
    ck_assert(!asyncio_lock_is_locked(&lock));
    return 0;
}

START_TEST(lost_notify_gh_112202)
{
    run_everywhere(notify_and_cancel);
}
END_TEST

/* ---- condition blocks cancellation (#77022) ---- */

/* Waits, and tells if the cancel that came meanwhile is still felt. */
static int wait_then_feel(void *arg)
{
    int *outcome = arg;
    int err = asyncio_lock_acquire(&lock);
    if (err < 0)
        return err;
    *outcome = asyncio_condition_wait(&condition);
    err = asyncio_sleep(0);
    ck_assert_int_eq(asyncio_lock_release(&lock), 0);
    return err;
}

static int cancel_while_taking_again(void *arg)
{
    int outcomes[2] = {1, 1};
    struct call calls[2];
    (void)arg;
    condition_init();
    call_start(&calls[0], wait_then_feel, &outcomes[0]);
    settle();
    call_start(&calls[1], wait_then_feel, &outcomes[1]);
    settle();
    ck_assert_int_eq(asyncio_lock_acquire(&lock), 0);
    /* Both now wait for the lock: one notified, one cancelled. */
    ck_assert_int_eq(asyncio_condition_notify(&condition, 1), 0);
    settle();
    call_cancel(&calls[0]);
    call_cancel(&calls[1]);
    settle();
    ck_assert(call_waits(&calls[0]) && call_waits(&calls[1]));
    ck_assert_int_eq(asyncio_lock_release(&lock), 0);
    ck_assert_int_eq(call_end(&calls[0]), -ECANCELED);
    ck_assert_int_eq(call_end(&calls[1]), -ECANCELED);
    ck_assert_int_eq(outcomes[0], 0);
    ck_assert_int_eq(outcomes[1], -ECANCELED);
    return 0;
}

START_TEST(condition_does_not_block_cancellation_gh_77022)
{
    run_everywhere(cancel_while_taking_again);
}
END_TEST

/* ---- hanging semaphore (#90155, #93222) ---- */

static struct asyncio_semaphore semaphore;

static int acquire(void *arg)
{
    return asyncio_semaphore_acquire(arg);
}

/* CPython's test_acquire_hang: a cancel and a release in one breath. */
static int cancel_then_release(void *arg)
{
    struct call calls[2];
    (void)arg;
    asyncio_semaphore_init(&semaphore, 0);
    call_start(&calls[0], acquire, &semaphore);
    settle();
    call_start(&calls[1], acquire, &semaphore);
    settle();
    call_cancel(&calls[0]);
    ck_assert_int_eq(asyncio_semaphore_release(&semaphore), 0);
    ck_assert_int_eq(call_end(&calls[1]), 0);
    ck_assert_int_eq(call_end(&calls[0]), -ECANCELED);
    ck_assert(asyncio_semaphore_is_locked(&semaphore));
    asyncio_semaphore_fini(&semaphore);
    return 0;
}

/* CPython's test_acquire_no_hang: those behind a cancelled one pass. */
static int hold_and_release(void *arg)
{
    int err = asyncio_semaphore_acquire(arg);
    if (err < 0)
        return err;
    err = asyncio_sleep(0);
    ck_assert_int_eq(asyncio_semaphore_release(arg), 0);
    return err;
}

static int cancel_in_the_middle(void *arg)
{
    struct call calls[4];
    (void)arg;
    asyncio_semaphore_init(&semaphore, 1);
    for (int i = 0; i < 4; i++)
        call_start(&calls[i], hold_and_release, &semaphore);
    asyncio_sleep(0);
    call_cancel(&calls[1]);
    asyncio_sleep(0);
    call_cancel(&calls[2]);
    for (int i = 0; i < 4; i++) {
        int err = call_end(&calls[i]);
        if (i % 3 == 0)
            ck_assert_int_eq(err, 0);
    }
    /* And it is whole. */
    ck_assert_int_eq(asyncio_semaphore_try_acquire(&semaphore), 0);
    ck_assert_int_eq(asyncio_semaphore_try_acquire(&semaphore), -EAGAIN);
    asyncio_semaphore_fini(&semaphore);
    return 0;
}

START_TEST(hanging_semaphore_after_cancel_gh_90155)
{
    run_everywhere(cancel_then_release);
    run_everywhere(cancel_in_the_middle);
}
END_TEST

/* ---- cancel while a result is being handed over (#86296 and others) ---- */

static struct asyncio_queue queue;
static struct asyncio_event event;

/* A call and, in the same task, whether the cancel was swallowed by it. */
static int call_then_feel(void *arg)
{
    int (*fn)(void) = *(int (**)(void))arg;
    ck_assert_int_eq(fn(), 0);
    return asyncio_sleep(0);
}

static int lock_acquire(void)
{
    return asyncio_lock_acquire(&lock);
}

static int event_wait(void)
{
    return asyncio_event_wait(&event);
}

static int semaphore_acquire(void)
{
    return asyncio_semaphore_acquire(&semaphore);
}

static int queue_get(void)
{
    int item;
    return asyncio_queue_get(&queue, &item);
}

static int queue_join(void)
{
    return asyncio_queue_join(&queue);
}

static int hand_over_and_cancel(void *arg)
{
    int (*fns[])(void) = {lock_acquire, event_wait, semaphore_acquire,
                          queue_get, queue_join};
    struct call calls[ARRAY_SIZE(fns)];
    int item = 1;
    (void)arg;
    asyncio_lock_init(&lock);
    asyncio_event_init(&event);
    asyncio_semaphore_init(&semaphore, 0);
    ck_assert_int_eq(asyncio_queue_init(&queue, sizeof(int), 0), 0);
    ck_assert_int_eq(asyncio_queue_put(&queue, &item), 0);
    ck_assert_int_eq(queue_get(), 0);
    ck_assert_int_eq(asyncio_lock_acquire(&lock), 0);
    for (size_t i = 0; i < ARRAY_SIZE(fns); i++)
        call_start(&calls[i], call_then_feel, &fns[i]);
    settle();

    ck_assert_int_eq(asyncio_queue_task_done(&queue), 0);
    ck_assert_int_eq(asyncio_queue_put(&queue, &item), 0);
    ck_assert_int_eq(asyncio_semaphore_release(&semaphore), 0);
    asyncio_event_set(&event);
    ck_assert_int_eq(asyncio_lock_release(&lock), 0);
    for (size_t i = 0; i < ARRAY_SIZE(fns); i++)
        call_cancel(&calls[i]);
    for (size_t i = 0; i < ARRAY_SIZE(fns); i++)
        ck_assert_int_eq(call_end(&calls[i]), -ECANCELED);
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(cancel_while_a_result_is_handed_over)
{
    run_everywhere(hand_over_and_cancel);
}
END_TEST

/* wait_for used to swallow a cancel that came with the result. */
static int wait_for_a_task(void *arg)
{
    struct call *inner = arg;
    ck_assert_int_eq(asyncio_wait_for(inner->task, 10), 0);
    return asyncio_sleep(0);
}

static int cancel_wait_for(void *arg)
{
    struct call inner, outer;
    (void)arg;
    asyncio_semaphore_init(&semaphore, 0);
    inner = (struct call){.fn = acquire, .object = &semaphore};
    call_start(&inner, acquire, &semaphore);
    call_start(&outer, wait_for_a_task, &inner);
    settle();
    ck_assert_int_eq(asyncio_semaphore_release(&semaphore), 0);
    call_cancel(&outer);
    ck_assert_int_eq(call_end(&outer), -ECANCELED);
    ck_assert_int_eq(inner.result, 0);
    return 0;
}

START_TEST(swallowed_cancel_in_wait_for_gh_86296)
{
    run_everywhere(cancel_wait_for);
}
END_TEST

/* ---- items and queues ---- */

/* A deadline and an item at the same instant: the item is in the getter's
 * hands or in the queue, never in neither. */
static int get_until_deadline(void *arg)
{
    struct asyncio_timeout timeout;
    int item, *got = arg;
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0.005), 0);
    int err = asyncio_queue_get(&queue, &item);
    if (err == 0)
        *got += item;
    return asyncio_timeout_end(&timeout, err);
}

static int put_at_deadline(void *arg)
{
    int err = asyncio_sleep(0.005);
    return err < 0 ? err : asyncio_queue_put(&queue, arg);
}

static int item_at_deadline(void *arg)
{
    struct call getter, putter;
    int item = 1, got = 0;
    (void)arg;
    ck_assert_int_eq(asyncio_queue_init(&queue, sizeof(int), 0), 0);
    call_start(&getter, get_until_deadline, &got);
    call_start(&putter, put_at_deadline, &item);
    ck_assert_int_eq(call_end(&putter), 0);
    int err = call_end(&getter);
    ck_assert(err == 0 || err == -ETIMEDOUT);
    ck_assert_int_eq(got + (int)asyncio_queue_size(&queue), 1);
    ck_assert_int_eq(got, err == 0);
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(queue_item_lost_on_cancel)
{
    run_everywhere(item_at_deadline);
}
END_TEST

/* CPython's test_why_are_putters_waiting and test_cancelled_put_race: a
 * cancelled getter or putter must not take the others' wake-up with it. */
static int cancel_among_waiters(void *arg)
{
    struct transfer getters[2], putters[3];
    int full = 1, item;
    (void)arg;
    ck_assert_int_eq(asyncio_queue_init(&queue, sizeof(int), 1), 0);
    get_start(&getters[0], &queue);
    get_start(&getters[1], &queue);
    /* Woken with an item, cancelled at once; then the queue fills up. */
    ck_assert_int_eq(asyncio_queue_put(&queue, &full), 0);
    call_cancel(&getters[0].call);
    call_cancel(&getters[1].call);
    ck_assert_int_eq(asyncio_queue_put(&queue, &full), 0);
    for (int i = 0; i < 3; i++)
        put_start(&putters[i], &queue, i + 2);
    ck_assert_int_eq(transfer_end(&getters[0]), 0);
    ck_assert_int_eq(transfer_end(&getters[1]), -ECANCELED);

    /* The first putter is let in and cancelled, the second only cancelled. */
    ck_assert_int_eq(asyncio_queue_get(&queue, &item), 0);
    call_cancel(&putters[0].call);
    call_cancel(&putters[1].call);
    ck_assert_int_eq(transfer_end(&putters[0]), 0);
    ck_assert_int_eq(transfer_end(&putters[1]), -ECANCELED);
    ck_assert_int_eq(asyncio_queue_get(&queue, &item), 0);
    ck_assert_int_eq(item, 2);
    ck_assert_int_eq(transfer_end(&putters[2]), 0);
    ck_assert_int_eq(asyncio_queue_get(&queue, &item), 0);
    ck_assert_int_eq(item, 4);
    ck_assert(asyncio_queue_is_empty(&queue));
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(getter_cancelled_while_putters_wait)
{
    run_everywhere(cancel_among_waiters);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("traps");
    suite_case(suite, lost_notify_gh_112202);
    suite_case(suite, condition_does_not_block_cancellation_gh_77022);
    suite_case(suite, hanging_semaphore_after_cancel_gh_90155);
    suite_case(suite, cancel_while_a_result_is_handed_over);
    suite_case(suite, swallowed_cancel_in_wait_for_gh_86296);
    suite_case(suite, queue_item_lost_on_cancel);
    suite_case(suite, getter_cancelled_while_putters_wait);
    return suite;
}
