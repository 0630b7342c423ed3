/* SPDX-License-Identifier: MIT */
/* The end of the work: task_done, join and shutdown, as in asyncio 3.13. */
#include "queue_rig.h"

static struct asyncio_queue queue;
static const int items[] = {1, 2, 3};

static void init(size_t max_items)
{
    ck_assert_int_eq(asyncio_queue_init(&queue, sizeof(int), max_items), 0);
}

static int join(void *arg)
{
    return asyncio_queue_join(arg);
}

/* ---- join ---- */

START_TEST(done_more_often_than_put_is_invalid)
{
    init(0);
    ck_assert_int_eq(asyncio_queue_task_done(&queue), -EINVAL);
    fill(&queue, items, 1);
    ck_assert_int_eq(asyncio_queue_task_done(&queue), 0);
    ck_assert_int_eq(asyncio_queue_task_done(&queue), -EINVAL);
    asyncio_queue_fini(&queue);
}
END_TEST

static int join_until_done(void *arg)
{
    struct call joins[3];
    (void)arg;
    init(0);
    ck_assert_int_eq(asyncio_queue_join(&queue), 0);
    fill(&queue, items, 3);
    for (int i = 0; i < 3; i++)
        call_start(&joins[i], join, &queue);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(take(&queue), items[i]);
        settle();
        ck_assert(call_waits(&joins[0]));
        ck_assert_int_eq(asyncio_queue_task_done(&queue), 0);
    }
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(call_end(&joins[i]), 0);
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(join_waits_until_all_is_done)
{
    run(join_until_done, NULL);
    run_seeds(join_until_done, NULL);
}
END_TEST

/* An item handed straight over, and one of a waiting putter, count as well. */
static int join_counts_hand_overs(void *arg)
{
    struct transfer get, put;
    struct call joiner;
    (void)arg;
    init(1);
    get_start(&get, &queue);
    fill(&queue, items, 2);
    put_start(&put, &queue, 3);
    ck_assert_int_eq(transfer_end(&get), 0);
    ck_assert_int_eq(asyncio_queue_task_done(&queue), 0);
    call_start(&joiner, join, &queue);
    for (int i = 2; i <= 3; i++) {
        settle();
        ck_assert(call_waits(&joiner));
        ck_assert_int_eq(take(&queue), i);
        ck_assert_int_eq(asyncio_queue_task_done(&queue), 0);
    }
    ck_assert_int_eq(transfer_end(&put), 0);
    ck_assert_int_eq(call_end(&joiner), 0);
    ck_assert_int_eq(asyncio_queue_task_done(&queue), -EINVAL);
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(join_counts_what_was_handed_over)
{
    run(join_counts_hand_overs, NULL);
}
END_TEST

static int cancel_join(void *arg)
{
    struct call first, second;
    (void)arg;
    init(0);
    fill(&queue, items, 1);
    call_start(&first, join, &queue);
    call_start(&second, join, &queue);
    settle();
    call_cancel(&first);
    ck_assert_int_eq(call_end(&first), -ECANCELED);
    ck_assert_int_eq(asyncio_queue_task_done(&queue), 0);
    call_cancel(&second);
    ck_assert_int_eq(call_end(&second), 0);
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(cancelled_join_leaves_and_a_finished_one_stands)
{
    run(cancel_join, NULL);
    run_seeds(cancel_join, NULL);
}
END_TEST

static int fini_under_joiner(void *arg)
{
    struct call joiner;
    (void)arg;
    init(0);
    fill(&queue, items, 1);
    call_start(&joiner, join, &queue);
    settle();
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(fini_with_a_joiner_aborts)
{
    run(fini_under_joiner, NULL);
}
END_TEST

/* ---- shutdown ---- */

START_TEST(shut_queue_is_emptied_and_then_ends)
{
    init(0);
    fill(&queue, items, 2);
    asyncio_queue_shutdown(&queue, false);
    ck_assert_int_eq(asyncio_queue_try_put(&queue, &items[2]), -EPIPE);
    ck_assert_int_eq(take(&queue), 1);
    asyncio_queue_shutdown(&queue, false);
    ck_assert_int_eq(take(&queue), 2);
    ck_assert_int_eq(take(&queue), -EPIPE);
    ck_assert_int_eq(asyncio_queue_task_done(&queue), 0);
    ck_assert_int_eq(asyncio_queue_task_done(&queue), 0);
    asyncio_queue_fini(&queue);
}
END_TEST

static int put_and_get_after_shutdown(void *arg)
{
    int item;
    (void)arg;
    init(0);
    fill(&queue, items, 1);
    asyncio_queue_shutdown(&queue, false);
    ck_assert_int_eq(asyncio_queue_put(&queue, &items[1]), -EPIPE);
    ck_assert_int_eq(asyncio_queue_get(&queue, &item), 0);
    ck_assert_int_eq(item, 1);
    ck_assert_int_eq(asyncio_queue_get(&queue, &item), -EPIPE);
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(nobody_waits_at_a_shut_queue)
{
    run(put_and_get_after_shutdown, NULL);
}
END_TEST

static int shutdown_under_getters(void *arg)
{
    struct transfer gets[2];
    init(0);
    get_start(&gets[0], &queue);
    get_start(&gets[1], &queue);
    asyncio_queue_shutdown(&queue, *(bool *)arg);
    ck_assert_int_eq(transfer_end(&gets[0]), -EPIPE);
    ck_assert_int_eq(transfer_end(&gets[1]), -EPIPE);
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(shutdown_wakes_getters)
{
    static bool kinds[] = {false, true};
    for (int i = 0; i < 2; i++) {
        run(shutdown_under_getters, &kinds[i]);
        run_seeds(shutdown_under_getters, &kinds[i]);
    }
}
END_TEST

static int shutdown_under_putters(void *arg)
{
    struct transfer puts[2];
    bool immediate = *(bool *)arg;
    init(1);
    fill(&queue, items, 1);
    put_start(&puts[0], &queue, 8);
    put_start(&puts[1], &queue, 9);
    asyncio_queue_shutdown(&queue, immediate);
    ck_assert_int_eq(transfer_end(&puts[0]), -EPIPE);
    ck_assert_int_eq(transfer_end(&puts[1]), -EPIPE);
    ck_assert_int_eq(take(&queue), immediate ? -EPIPE : 1);
    ck_assert_int_eq(take(&queue), -EPIPE);
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(shutdown_wakes_putters_who_put_nothing)
{
    static bool kinds[] = {false, true};
    for (int i = 0; i < 2; i++) {
        run(shutdown_under_putters, &kinds[i]);
        run_seeds(shutdown_under_putters, &kinds[i]);
    }
}
END_TEST

static int immediate_shutdown_ends_joins(void *arg)
{
    struct call joiner;
    (void)arg;
    init(0);
    fill(&queue, items, 3);
    call_start(&joiner, join, &queue);
    settle();
    asyncio_queue_shutdown(&queue, true);
    ck_assert_uint_eq(asyncio_queue_size(&queue), 0);
    ck_assert_int_eq(call_end(&joiner), 0);
    ck_assert_int_eq(asyncio_queue_task_done(&queue), -EINVAL);
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(what_an_immediate_shutdown_drops_counts_as_done)
{
    run(immediate_shutdown_ends_joins, NULL);
}
END_TEST

/* What has been got is still being worked on. */
static int join_after_immediate_shutdown(void *arg)
{
    struct call joiner;
    (void)arg;
    init(0);
    fill(&queue, items, 3);
    ck_assert_int_eq(take(&queue), 1);
    call_start(&joiner, join, &queue);
    settle();
    asyncio_queue_shutdown(&queue, true);
    settle();
    ck_assert(call_waits(&joiner));
    ck_assert_int_eq(asyncio_queue_task_done(&queue), 0);
    ck_assert_int_eq(call_end(&joiner), 0);
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(what_was_got_is_unfinished_after_an_immediate_shutdown)
{
    run(join_after_immediate_shutdown, NULL);
}
END_TEST

/* task_done before the get is odd but counts, as in asyncio; the drop does not
 * count below nothing. */
START_TEST(immediate_shutdown_after_early_done_does_not_underflow)
{
    init(0);
    fill(&queue, items, 3);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(asyncio_queue_task_done(&queue), 0);
    asyncio_queue_shutdown(&queue, true);
    ck_assert_int_eq(asyncio_queue_task_done(&queue), -EINVAL);
    asyncio_queue_fini(&queue);
}
END_TEST

static int cancel_after_shutdown(void *arg)
{
    struct transfer get;
    (void)arg;
    init(0);
    get_start(&get, &queue);
    asyncio_queue_shutdown(&queue, false);
    call_cancel(&get.call);
    ck_assert_int_eq(transfer_end(&get), -EPIPE);
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(shutdown_stands_against_a_later_cancel)
{
    run(cancel_after_shutdown, NULL);
    run_seeds(cancel_after_shutdown, NULL);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("queue_join");
    suite_case(suite, done_more_often_than_put_is_invalid);
    suite_case(suite, join_waits_until_all_is_done);
    suite_case(suite, join_counts_what_was_handed_over);
    suite_case(suite, cancelled_join_leaves_and_a_finished_one_stands);
    suite_case_signal(suite, fini_with_a_joiner_aborts, SIGABRT);
    suite_case(suite, shut_queue_is_emptied_and_then_ends);
    suite_case(suite, nobody_waits_at_a_shut_queue);
    suite_case(suite, shutdown_wakes_getters);
    suite_case(suite, shutdown_wakes_putters_who_put_nothing);
    suite_case(suite, what_an_immediate_shutdown_drops_counts_as_done);
    suite_case(suite, what_was_got_is_unfinished_after_an_immediate_shutdown);
    suite_case(suite, immediate_shutdown_after_early_done_does_not_underflow);
    suite_case(suite, shutdown_stands_against_a_later_cancel);
    return suite;
}
