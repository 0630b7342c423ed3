/* SPDX-License-Identifier: MIT */
/* The queue that gives out the newest first. */
#include "queue_rig.h"

static struct asyncio_queue queue;

static void init(size_t max_items)
{
    ck_assert_int_eq(asyncio_lifo_queue_init(&queue, sizeof(int), max_items),
                     0);
}

START_TEST(newest_comes_out_first)
{
    init(0);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(asyncio_queue_try_put(&queue, &i), 0);
    for (int i = 99; i >= 50; i--)
        ck_assert_int_eq(take(&queue), i);
    for (int i = 50; i < 200; i++)
        ck_assert_int_eq(asyncio_queue_try_put(&queue, &i), 0);
    for (int i = 199; i >= 0; i--)
        ck_assert_int_eq(take(&queue), i);
    ck_assert_int_eq(take(&queue), -EAGAIN);
    asyncio_queue_fini(&queue);
}
END_TEST

START_TEST(bound_is_kept)
{
    static const int items[] = {1, 2};
    init(2);
    uint64_t before = mem_alloc_count();
    fill(&queue, items, 2);
    ck_assert(asyncio_queue_is_full(&queue));
    ck_assert_int_eq(asyncio_queue_try_put(&queue, items), -EAGAIN);
    ck_assert_int_eq(take(&queue), 2);
    ck_assert_int_eq(take(&queue), 1);
    ck_assert_uint_eq(mem_alloc_count(), before);
    asyncio_queue_fini(&queue);
}
END_TEST

static int putters_wait(void *arg)
{
    static const int full = 1;
    struct transfer puts[3];
    (void)arg;
    init(1);
    fill(&queue, &full, 1);
    for (int i = 0; i < 3; i++)
        put_start(&puts[i], &queue, i + 2);
    call_cancel(&puts[1].call);
    ck_assert_int_eq(take(&queue), 1);
    ck_assert_int_eq(take(&queue), 2);
    ck_assert_int_eq(take(&queue), 4);
    ck_assert_int_eq(take(&queue), -EAGAIN);
    ck_assert_int_eq(transfer_end(&puts[0]), 0);
    ck_assert_int_eq(transfer_end(&puts[1]), -ECANCELED);
    ck_assert_int_eq(transfer_end(&puts[2]), 0);
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(waiting_putters_come_in_in_order)
{
    run(putters_wait, NULL);
    run_seeds(putters_wait, NULL);
}
END_TEST

static int getters_wait(void *arg)
{
    static const int items[] = {1, 2};
    struct transfer gets[2];
    (void)arg;
    init(0);
    get_start(&gets[0], &queue);
    get_start(&gets[1], &queue);
    fill(&queue, items, 2);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(transfer_end(&gets[i]), 0);
        ck_assert_int_eq(gets[i].item, items[i]);
    }
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(waiting_getters_are_served_in_order)
{
    run(getters_wait, NULL);
    run_seeds(getters_wait, NULL);
}
END_TEST

START_TEST(shutdown_lets_the_rest_out)
{
    static const int items[] = {1, 2};
    init(0);
    fill(&queue, items, 2);
    asyncio_queue_shutdown(&queue, false);
    ck_assert_int_eq(take(&queue), 2);
    asyncio_queue_shutdown(&queue, true);
    ck_assert_int_eq(take(&queue), -EPIPE);
    /* The one that was got is still to be done, the dropped one is not. */
    ck_assert_int_eq(asyncio_queue_task_done(&queue), 0);
    ck_assert_int_eq(asyncio_queue_task_done(&queue), -EINVAL);
    asyncio_queue_fini(&queue);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("lifo");
    suite_case(suite, newest_comes_out_first);
    suite_case(suite, bound_is_kept);
    suite_case(suite, waiting_putters_come_in_in_order);
    suite_case(suite, waiting_getters_are_served_in_order);
    suite_case(suite, shutdown_lets_the_rest_out);
    return suite;
}
