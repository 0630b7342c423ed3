/* SPDX-License-Identifier: MIT */
/* The priority queue: order, equals, and what it shares with the others. */
#include "queue_rig.h"

static struct asyncio_queue queue;

static int compare(const void *a, const void *b)
{
    int left = *(const int *)a, right = *(const int *)b;
    return (left > right) - (left < right);
}

static void init(size_t max_items)
{
    ck_assert_int_eq(asyncio_priority_queue_init(&queue, sizeof(int),
                                                 max_items, compare),
                     0);
}

START_TEST(least_comes_out_first)
{
    static const int items[] = {5, 3, 9, -4, 3, 0};
    static const int sorted[] = {-4, 0, 3, 3, 5, 9};
    init(0);
    fill(&queue, items, ARRAY_SIZE(items));
    for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
        ck_assert_int_eq(asyncio_queue_try_get(&queue, &(int){0}), 0);
    fill(&queue, items, ARRAY_SIZE(items));
    for (size_t i = 0; i < ARRAY_SIZE(sorted); i++) {
        int item;
        ck_assert_int_eq(asyncio_queue_try_get(&queue, &item), 0);
        ck_assert_int_eq(item, sorted[i]);
    }
    ck_assert_int_eq(take(&queue), -EAGAIN);
    asyncio_queue_fini(&queue);
}
END_TEST

/* ---- stability ---- */

struct job {
    char priority;
    short number;
    char filling[6];
};

static int compare_jobs(const void *a, const void *b)
{
    const struct job *left = a, *right = b;
    /* Items stand aligned, so their members may be read in place. */
    ck_assert_uint_eq((uintptr_t)a % _Alignof(max_align_t), 0);
    return left->priority - right->priority;
}

START_TEST(equals_come_out_in_order_of_arrival)
{
    enum { JOBS = 500 };
    short last[4] = {-1, -1, -1, -1};
    struct job job = {.filling = "12345"};
    char priority = 0;
    ck_assert_int_eq(asyncio_priority_queue_init(&queue, sizeof(struct job), 0,
                                                 compare_jobs),
                     0);
    for (short i = 0; i < JOBS; i++) {
        job.number = i;
        job.priority = (char)dice(4);
        ck_assert_int_eq(asyncio_queue_try_put(&queue, &job), 0);
    }
    for (int i = 0; i < JOBS; i++) {
        ck_assert_int_eq(asyncio_queue_try_get(&queue, &job), 0);
        ck_assert_int_ge(job.priority, priority);
        priority = job.priority;
        ck_assert_int_gt(job.number, last[(int)priority]);
        last[(int)priority] = job.number;
        ck_assert_str_eq(job.filling, "12345");
    }
    asyncio_queue_fini(&queue);
}
END_TEST

START_TEST(mixed_puts_and_gets_keep_the_order)
{
    static int model[64];
    int count = 0;
    init(0);
    for (int step = 0; step < 20000; step++) {
        if (count < 64 && (count == 0 || dice(2))) {
            int item = (int)dice(50);
            ck_assert_int_eq(asyncio_queue_try_put(&queue, &item), 0);
            model[count++] = item;
        } else {
            int least = 0;
            for (int i = 1; i < count; i++)
                least = model[i] < model[least] ? i : least;
            ck_assert_int_eq(take(&queue), model[least]);
            model[least] = model[--count];
        }
        ck_assert_uint_eq(asyncio_queue_size(&queue), (size_t)count);
    }
    asyncio_queue_fini(&queue);
}
END_TEST

/* ---- misuse ---- */

START_TEST(bad_arguments_are_invalid)
{
    ck_assert_int_eq(asyncio_priority_queue_init(&queue, 4, 0, NULL), -EINVAL);
    ck_assert_int_eq(asyncio_priority_queue_init(&queue, 0, 0, compare),
                     -EINVAL);
    ck_assert_int_eq(asyncio_priority_queue_init(&queue, SIZE_MAX, 0, compare),
                     -EINVAL);
    ck_assert_int_eq(
        asyncio_priority_queue_init(&queue, SIZE_MAX - 20, 0, compare),
        -EINVAL);
    ck_assert_int_eq(
        asyncio_priority_queue_init(&queue, 4, SIZE_MAX, compare), 0);
    asyncio_queue_fini(&queue);
}
END_TEST

START_TEST(small_bounded_queue_allocates_once)
{
    init(100);
    uint64_t before = mem_alloc_count();
    for (int i = 100; i > 0; i--)
        ck_assert_int_eq(asyncio_queue_try_put(&queue, &i), 0);
    ck_assert_int_eq(asyncio_queue_try_put(&queue, &(int){0}), -EAGAIN);
    for (int i = 1; i <= 100; i++)
        ck_assert_int_eq(take(&queue), i);
    ck_assert_uint_eq(mem_alloc_count(), before);
    asyncio_queue_fini(&queue);
}
END_TEST

/* ---- waiting ---- */

static int putters_wait(void *arg)
{
    static const int full[] = {5, 6};
    struct transfer puts[3];
    (void)arg;
    init(2);
    fill(&queue, full, 2);
    put_start(&puts[0], &queue, 9);
    put_start(&puts[1], &queue, 1);
    put_start(&puts[2], &queue, 7);
    /* They come in as they came, and go out by priority. */
    ck_assert_int_eq(take(&queue), 5);
    ck_assert_int_eq(take(&queue), 6);
    ck_assert_int_eq(take(&queue), 1);
    ck_assert_int_eq(take(&queue), 7);
    ck_assert_int_eq(take(&queue), 9);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(transfer_end(&puts[i]), 0);
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
    struct transfer gets[2];
    static const int items[] = {8, 2};
    (void)arg;
    init(0);
    get_start(&gets[0], &queue);
    get_start(&gets[1], &queue);
    fill(&queue, items, 2);
    call_cancel(&gets[0].call);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(transfer_end(&gets[i]), 0);
        ck_assert_int_eq(gets[i].item, items[i]);
    }
    ck_assert(asyncio_queue_is_empty(&queue));
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(waiting_getters_are_handed_items)
{
    run(getters_wait, NULL);
    run_seeds(getters_wait, NULL);
}
END_TEST

START_TEST(shutdown_lets_the_rest_out_in_order)
{
    static const int items[] = {3, 1, 2};
    init(0);
    fill(&queue, items, 3);
    asyncio_queue_shutdown(&queue, false);
    for (int i = 1; i <= 3; i++)
        ck_assert_int_eq(take(&queue), i);
    ck_assert_int_eq(take(&queue), -EPIPE);
    asyncio_queue_fini(&queue);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("priority_queue");
    suite_case(suite, least_comes_out_first);
    suite_case(suite, equals_come_out_in_order_of_arrival);
    suite_case(suite, mixed_puts_and_gets_keep_the_order);
    suite_case(suite, bad_arguments_are_invalid);
    suite_case(suite, small_bounded_queue_allocates_once);
    suite_case(suite, waiting_putters_come_in_in_order);
    suite_case(suite, waiting_getters_are_handed_items);
    suite_case(suite, shutdown_lets_the_rest_out_in_order);
    return suite;
}
