/* SPDX-License-Identifier: MIT */
/* The queue, first in, first out; and what all three queues have in common. */
#include "queue_rig.h"

#include "base/fault.h"

static struct asyncio_queue queue;

static void init(size_t max_items)
{
    ck_assert_int_eq(asyncio_queue_init(&queue, sizeof(int), max_items), 0);
}

/* ---- without waiting; no loop is needed ---- */

START_TEST(items_come_out_in_order)
{
    int next = 0, expected = 0;
    init(0);
    /* Up and down, so that the ring wraps round and grows while wrapped. */
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < 7; i++, next++)
            ck_assert_int_eq(asyncio_queue_try_put(&queue, &next), 0);
        for (int i = 0; i < 5; i++)
            ck_assert_int_eq(take(&queue), expected++);
    }
    ck_assert_uint_eq(asyncio_queue_size(&queue), 80);
    while (expected < next)
        ck_assert_int_eq(take(&queue), expected++);
    ck_assert_int_eq(take(&queue), -EAGAIN);
    asyncio_queue_fini(&queue);
}
END_TEST

START_TEST(bound_is_kept)
{
    int item = 1;
    init(3);
    ck_assert(asyncio_queue_is_empty(&queue));
    for (size_t i = 0; i < 3; i++) {
        ck_assert(!asyncio_queue_is_full(&queue));
        ck_assert_int_eq(asyncio_queue_try_put(&queue, &item), 0);
        ck_assert_uint_eq(asyncio_queue_size(&queue), i + 1);
    }
    ck_assert(asyncio_queue_is_full(&queue));
    ck_assert_int_eq(asyncio_queue_try_put(&queue, &item), -EAGAIN);
    ck_assert_int_eq(take(&queue), 1);
    ck_assert(!asyncio_queue_is_full(&queue));
    ck_assert(!asyncio_queue_is_empty(&queue));
    asyncio_queue_fini(&queue);
}
END_TEST

START_TEST(items_of_any_size_are_copied)
{
    static const size_t sizes[] = {1, 3, 8, 100, 5000};
    static unsigned char in[5000], out[5000];
    for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
        ck_assert_int_eq(asyncio_queue_init(&queue, sizes[s], 0), 0);
        for (int i = 0; i < 20; i++) {
            memset(in, i, sizes[s]);
            ck_assert_int_eq(asyncio_queue_try_put(&queue, in), 0);
        }
        for (int i = 0; i < 20; i++) {
            memset(in, i, sizes[s]);
            ck_assert_int_eq(asyncio_queue_try_get(&queue, out), 0);
            ck_assert_mem_eq(in, out, sizes[s]);
        }
        asyncio_queue_fini(&queue);
    }
}
END_TEST

START_TEST(sizes_out_of_bounds_are_invalid)
{
    ck_assert_int_eq(asyncio_queue_init(&queue, 0, 1), -EINVAL);
    ck_assert_int_eq(asyncio_queue_init(&queue, SIZE_MAX, 1), -EINVAL);
    ck_assert_int_eq(asyncio_queue_init(&queue, SIZE_MAX / 8, 0), -EINVAL);
    ck_assert_int_eq(asyncio_lifo_queue_init(&queue, 0, 1), -EINVAL);
    /* A bound that is never reached takes no memory. */
    uint64_t before = mem_alloc_count();
    ck_assert_int_eq(asyncio_queue_init(&queue, 8, SIZE_MAX), 0);
    ck_assert_uint_eq(mem_alloc_count(), before);
    asyncio_queue_fini(&queue);
}
END_TEST

START_TEST(memory_that_cannot_be_had_is_told)
{
    fault_arm(FAULT_MEMORY, 1);
    ck_assert_int_eq(asyncio_queue_init(&queue, 4, 4), -ENOMEM);
    fault_disarm();

    init(0);
    int next = 0;
    for (size_t full = 8; full <= 64; full *= 2) {
        for (; next < (int)full; next++)
            ck_assert_int_eq(asyncio_queue_try_put(&queue, &next), 0);
        fault_arm(FAULT_MEMORY, 1);
        ck_assert_int_eq(asyncio_queue_try_put(&queue, &next), -ENOMEM);
        ck_assert_uint_eq(fault_disarm(), 1);
        ck_assert_uint_eq(asyncio_queue_size(&queue), full);
    }
    /* What failed was not put, so 64 are in it and unfinished. */
    for (int i = 0; i < 64; i++) {
        ck_assert_int_eq(take(&queue), i);
        ck_assert_int_eq(asyncio_queue_task_done(&queue), 0);
    }
    ck_assert_int_eq(asyncio_queue_task_done(&queue), -EINVAL);
    asyncio_queue_fini(&queue);
}
END_TEST

START_TEST(small_bounded_queue_allocates_once)
{
    int item = 0;
    init(1000);
    uint64_t before = mem_alloc_count();
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(asyncio_queue_try_put(&queue, &item), 0);
    ck_assert_uint_eq(mem_alloc_count(), before);
    asyncio_queue_fini(&queue);
}
END_TEST

START_TEST(fini_drops_what_is_left)
{
    int item = 0;
    init(0);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(asyncio_queue_try_put(&queue, &item), 0);
    asyncio_queue_fini(&queue);
}
END_TEST

START_TEST(waiting_outside_of_tasks_is_refused)
{
    int item = 0;
    init(1);
    ck_assert_int_eq(asyncio_queue_put(&queue, &item), -EPERM);
    ck_assert_int_eq(asyncio_queue_get(&queue, &item), -EPERM);
    ck_assert_int_eq(asyncio_queue_join(&queue), -EPERM);
    asyncio_queue_fini(&queue);
}
END_TEST

/* ---- waiting ---- */

static int getters_wait(void *arg)
{
    struct transfer gets[4];
    (void)arg;
    init(0);
    for (int i = 0; i < 4; i++) {
        get_start(&gets[i], &queue);
        ck_assert(transfer_waits(&gets[i]));
    }
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(asyncio_queue_put(&queue, &i), 0);
        /* Handed over: it was never in the queue. */
        ck_assert(asyncio_queue_is_empty(&queue));
        ck_assert_int_eq(take(&queue), -EAGAIN);
    }
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(transfer_end(&gets[i]), 0);
        ck_assert_int_eq(gets[i].item, i);
    }
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(items_are_handed_to_getters_in_order)
{
    run(getters_wait, NULL);
    run_seeds(getters_wait, NULL);
}
END_TEST

static int putters_wait(void *arg)
{
    struct transfer puts[4];
    int zero = 0;
    (void)arg;
    init(1);
    ck_assert_int_eq(asyncio_queue_put(&queue, &zero), 0);
    for (int i = 0; i < 4; i++) {
        put_start(&puts[i], &queue, i + 1);
        ck_assert(transfer_waits(&puts[i]));
    }
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(take(&queue), i);
        /* The next one is in already, nobody can come before it. */
        ck_assert_int_eq(asyncio_queue_try_put(&queue, &zero),
                         i < 4 ? -EAGAIN : 0);
    }
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(transfer_end(&puts[i]), 0);
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(putters_come_in_in_order)
{
    run(putters_wait, NULL);
    run_seeds(putters_wait, NULL);
}
END_TEST

/* ---- cancels ---- */

static int cancel_getters(void *arg)
{
    struct transfer gets[3];
    int which = *(int *)arg;
    init(0);
    for (int i = 0; i < 3; i++)
        get_start(&gets[i], &queue);
    call_cancel(&gets[which].call);
    for (int i = 1; i <= 2; i++)
        ck_assert_int_eq(asyncio_queue_put(&queue, &i), 0);
    ck_assert_int_eq(transfer_end(&gets[which]), -ECANCELED);
    ck_assert_int_eq(gets[which].item, -1);
    int expected = 1;
    for (int i = 0; i < 3; i++) {
        if (i == which)
            continue;
        ck_assert_int_eq(transfer_end(&gets[i]), 0);
        ck_assert_int_eq(gets[i].item, expected++);
    }
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(cancelled_getter_takes_nothing)
{
    for (int which = 0; which < 3; which++) {
        run(cancel_getters, &which);
        run_seeds(cancel_getters, &which);
    }
}
END_TEST

static int cancel_putters(void *arg)
{
    struct transfer puts[3];
    int which = *(int *)arg, full = 9;
    init(1);
    ck_assert_int_eq(asyncio_queue_put(&queue, &full), 0);
    for (int i = 0; i < 3; i++)
        put_start(&puts[i], &queue, i);
    call_cancel(&puts[which].call);
    ck_assert_int_eq(transfer_end(&puts[which]), -ECANCELED);
    ck_assert_int_eq(take(&queue), 9);
    for (int i = 0; i < 3; i++) {
        if (i == which)
            continue;
        ck_assert_int_eq(take(&queue), i);
        ck_assert_int_eq(transfer_end(&puts[i]), 0);
    }
    ck_assert_int_eq(take(&queue), -EAGAIN);
    /* Three came in and are unfinished; the cancelled one is not. */
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(asyncio_queue_task_done(&queue), 0);
    ck_assert_int_eq(asyncio_queue_task_done(&queue), -EINVAL);
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(cancelled_putter_puts_nothing)
{
    for (int which = 0; which < 3; which++) {
        run(cancel_putters, &which);
        run_seeds(cancel_putters, &which);
    }
}
END_TEST

static int cancel_after_hand_over(void *arg)
{
    struct transfer get, put;
    int item = 5, full = 6;
    (void)arg;
    init(1);
    get_start(&get, &queue);
    ck_assert_int_eq(asyncio_queue_put(&queue, &item), 0);
    call_cancel(&get.call);
    ck_assert_int_eq(transfer_end(&get), 0);
    ck_assert_int_eq(get.item, 5);

    ck_assert_int_eq(asyncio_queue_put(&queue, &full), 0);
    put_start(&put, &queue, 7);
    ck_assert_int_eq(take(&queue), 6);
    call_cancel(&put.call);
    ck_assert_int_eq(transfer_end(&put), 0);
    ck_assert_int_eq(take(&queue), 7);
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(hand_over_stands_against_a_later_cancel)
{
    run(cancel_after_hand_over, NULL);
    run_seeds(cancel_after_hand_over, NULL);
}
END_TEST

static int cancelled_before(void *arg)
{
    struct asyncio_timeout timeout;
    int item = 1;
    (void)arg;
    init(2);
    fill(&queue, &item, 1);
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0), 0);
    ck_assert_int_eq(asyncio_queue_put(&queue, &item), -ECANCELED);
    ck_assert_int_eq(asyncio_queue_get(&queue, &item), -ECANCELED);
    ck_assert_int_eq(asyncio_queue_join(&queue), -ECANCELED);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, -ECANCELED), -ETIMEDOUT);
    ck_assert_uint_eq(asyncio_queue_size(&queue), 1);
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(cancelled_task_moves_nothing)
{
    run(cancelled_before, NULL);
}
END_TEST

static int under_timeout(void *arg)
{
    struct asyncio_timeout timeout;
    int item = 1;
    (void)arg;
    init(1);
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0.002), 0);
    int err = asyncio_queue_get(&queue, &item);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);

    fill(&queue, &item, 1);
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0.002), 0);
    err = asyncio_queue_put(&queue, &item);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);

    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0.002), 0);
    err = asyncio_queue_join(&queue);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(timeout_ends_each_wait)
{
    run(under_timeout, NULL);
}
END_TEST

/* ---- crowds ---- */

enum { ITEMS = 60 };

static int next_item, received[ITEMS];

static int produce(void *arg)
{
    (void)arg;
    while (next_item < ITEMS) {
        int item = next_item++;
        int err = asyncio_queue_put(&queue, &item);
        if (err < 0) {
            received[item]++;    /* stayed here */
            return err;
        }
    }
    return 0;
}

static int consume(void *arg)
{
    int item, err;
    (void)arg;
    while ((err = asyncio_queue_get(&queue, &item)) == 0)
        received[item]++;
    return err;
}

static int crowd(void *arg)
{
    asyncio_task producers[4], consumers[4];
    int item;
    (void)arg;
    next_item = 0;
    memset(received, 0, sizeof received);
    init(3);
    for (int i = 0; i < 4; i++) {
        producers[i] = asyncio_create_task(produce, NULL);
        consumers[i] = asyncio_create_task(consume, NULL);
    }
    for (int i = 0; i < 3; i++) {
        asyncio_sleep(0);
        asyncio_task_cancel(producers[dice(4)]);
        asyncio_task_cancel(consumers[dice(3)]);
    }
    asyncio_gather(producers, 4, NULL);
    asyncio_queue_shutdown(&queue, false);
    asyncio_gather(consumers, 4, NULL);
    while ((item = take(&queue)) >= 0)
        received[item]++;
    for (int i = 0; i < next_item; i++)
        ck_assert_msg(received[i] == 1, "item %d: %d", i, received[i]);
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(no_item_is_lost_or_doubled_whatever_is_cancelled)
{
    run(crowd, NULL);
    run_seeds(crowd, NULL);
}
END_TEST

static int count_allocations(void *arg)
{
    asyncio_task tasks[2];
    (void)arg;
    init(4);
    for (int round = 0; round < 2; round++) {
        uint64_t before = mem_alloc_count();
        next_item = 0;
        tasks[0] = asyncio_create_task(produce, NULL);
        tasks[1] = asyncio_create_task(consume, NULL);
        ck_assert_int_eq(asyncio_await(tasks[0]), 0);
        settle();
        asyncio_task_cancel(tasks[1]);
        ck_assert_int_eq(asyncio_await(tasks[1]), -ECANCELED);
        if (round)
            ck_assert_uint_eq(mem_alloc_count(), before);
    }
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(nothing_is_allocated)
{
    run(count_allocations, NULL);
}
END_TEST

static int fini_under_getter(void *arg)
{
    struct transfer get;
    (void)arg;
    init(1);
    get_start(&get, &queue);
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(fini_with_a_getter_aborts)
{
    run(fini_under_getter, NULL);
}
END_TEST

static int fini_under_putter(void *arg)
{
    struct transfer put;
    int item = 1;
    (void)arg;
    init(1);
    fill(&queue, &item, 1);
    put_start(&put, &queue, 2);
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(fini_with_a_putter_aborts)
{
    run(fini_under_putter, NULL);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("queue");
    suite_case(suite, items_come_out_in_order);
    suite_case(suite, bound_is_kept);
    suite_case(suite, items_of_any_size_are_copied);
    suite_case(suite, sizes_out_of_bounds_are_invalid);
    suite_case(suite, memory_that_cannot_be_had_is_told);
    suite_case(suite, small_bounded_queue_allocates_once);
    suite_case(suite, fini_drops_what_is_left);
    suite_case(suite, waiting_outside_of_tasks_is_refused);
    suite_case(suite, items_are_handed_to_getters_in_order);
    suite_case(suite, putters_come_in_in_order);
    suite_case(suite, cancelled_getter_takes_nothing);
    suite_case(suite, cancelled_putter_puts_nothing);
    suite_case(suite, hand_over_stands_against_a_later_cancel);
    suite_case(suite, cancelled_task_moves_nothing);
    suite_case(suite, timeout_ends_each_wait);
    suite_case(suite, no_item_is_lost_or_doubled_whatever_is_cancelled);
    suite_case(suite, nothing_is_allocated);
    suite_case_signal(suite, fini_with_a_getter_aborts, SIGABRT);
    suite_case_signal(suite, fini_with_a_putter_aborts, SIGABRT);
    return suite;
}
