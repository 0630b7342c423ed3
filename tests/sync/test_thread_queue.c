/* SPDX-License-Identifier: MIT */
/* The queue that crosses threads: one loop, plain threads, several loops. */
#include "rig.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/fault.h"
#include "sys/sys.h"

static asyncio_thread_queue *queue;

static void make(size_t max_items)
{
    queue = NULL;
    ck_assert_int_eq(asyncio_thread_queue_new(sizeof(int), max_items, &queue),
                     0);
}

static int put(int item)
{
    return asyncio_thread_queue_put(queue, &item);
}

static int try_put(int item)
{
    return asyncio_thread_queue_try_put(queue, &item);
}

/* The item, or the negative error. */
static int get(void)
{
    int item;
    int err = asyncio_thread_queue_get(queue, &item);
    return err < 0 ? err : item;
}

static int try_get(void)
{
    int item;
    int err = asyncio_thread_queue_try_get(queue, &item);
    return err < 0 ? err : item;
}

static int get_call(void *arg)
{
    (void)arg;
    return get();
}

static int put_call(void *arg)
{
    return put(*(int *)arg);
}

static pthread_t thread_start(void *(*fn)(void *arg), void *arg)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, fn, arg), 0);
    return thread;
}

static void thread_join(pthread_t thread)
{
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

/* ---- without waiting ---- */

START_TEST(items_come_out_in_order)
{
    make(3);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(try_put(i), 0);
    ck_assert_int_eq(try_put(3), -EAGAIN);
    ck_assert_uint_eq(asyncio_thread_queue_size(queue), 3);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(try_get(), i);
    ck_assert_int_eq(try_get(), -EAGAIN);
    asyncio_thread_queue_free(queue);

    make(0);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(put(i), 0);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(get(), i);
    asyncio_thread_queue_free(queue);
}
END_TEST

START_TEST(misuse_is_refused)
{
    ck_assert_int_eq(asyncio_thread_queue_new(0, 1, &queue), -EINVAL);
    ck_assert_int_eq(asyncio_thread_queue_new(SIZE_MAX, 1, &queue), -EINVAL);
    ck_assert_int_eq(asyncio_thread_queue_new(1, 1, NULL), -EINVAL);
    asyncio_thread_queue_free(NULL);
    for (uint64_t n = 1; n <= 2; n++) {
        fault_arm(FAULT_MEMORY, n);
        int err = asyncio_thread_queue_new(4, 4, &queue);
        fault_disarm();
        ck_assert_int_eq(err, -ENOMEM);
    }
    make(0);
    fault_arm(FAULT_MEMORY, 1);
    ck_assert_int_eq(try_put(1), -ENOMEM);
    fault_disarm();
    ck_assert_int_eq(try_get(), -EAGAIN);
    asyncio_thread_queue_free(queue);
}
END_TEST

START_TEST(shut_queue_is_emptied_and_then_ends)
{
    make(0);
    ck_assert_int_eq(try_put(1), 0);
    asyncio_thread_queue_shutdown(queue);
    asyncio_thread_queue_shutdown(queue);
    ck_assert_int_eq(try_put(2), -EPIPE);
    ck_assert_int_eq(put(2), -EPIPE);
    ck_assert_int_eq(get(), 1);
    ck_assert_int_eq(get(), -EPIPE);
    ck_assert_int_eq(try_get(), -EPIPE);
    asyncio_thread_queue_free(queue);
}
END_TEST

static void wait_in_callback(void *arg)
{
    ck_assert_int_eq(put(1), -EPERM);
    ck_assert_int_eq(get(), -EPERM);
    ck_assert_int_eq(try_put(1), 0);
    ck_assert_int_eq(try_get(), 1);
    *(bool *)arg = true;
}

static int use_callback(void *arg)
{
    ck_assert_int_eq(asyncio_call_soon(wait_in_callback, arg, NULL), 0);
    return asyncio_sleep(0.001);
}

START_TEST(callback_of_a_loop_may_not_wait)
{
    bool called = false;
    make(0);
    run(use_callback, &called);
    ck_assert(called);
    asyncio_thread_queue_free(queue);
}
END_TEST

/* ---- in one loop ---- */

static int in_line(void *arg)
{
    struct call calls[5];
    int items[5];
    (void)arg;
    make(1);
    for (int i = 0; i < 5; i++) {
        call_start(&calls[i], get_call, NULL);
        settle();
    }
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(put(i), 0);
    ck_assert_uint_eq(asyncio_thread_queue_size(queue), 0);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(call_end(&calls[i]), i);

    ck_assert_int_eq(put(100), 0);
    for (int i = 0; i < 5; i++) {
        items[i] = i;
        call_start(&calls[i], put_call, &items[i]);
        settle();
        ck_assert(call_waits(&calls[i]));
    }
    ck_assert_int_eq(get(), 100);
    for (int i = 0; i < 5; i++) {
        /* The next one is in already. */
        ck_assert_int_eq(try_put(7), -EAGAIN);
        ck_assert_int_eq(get(), i);
        ck_assert_int_eq(call_end(&calls[i]), 0);
    }
    asyncio_thread_queue_free(queue);
    return 0;
}

START_TEST(tasks_wait_in_line)
{
    run(in_line, NULL);
    run_seeds(in_line, NULL);
}
END_TEST

static int cancel_one(void *arg)
{
    int which = *(int *)arg, seven = 7;
    struct call gets[3], putter;
    make(1);
    for (int i = 0; i < 3; i++) {
        call_start(&gets[i], get_call, NULL);
        settle();
    }
    call_cancel(&gets[which]);
    ck_assert_int_eq(put(0), 0);
    ck_assert_int_eq(put(1), 0);
    int expected = 0;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(call_end(&gets[i]),
                         i == which ? -ECANCELED : expected++);

    ck_assert_int_eq(put(5), 0);
    call_start(&putter, put_call, &seven);
    settle();
    call_cancel(&putter);
    ck_assert_int_eq(call_end(&putter), -ECANCELED);
    ck_assert_int_eq(get(), 5);
    ck_assert_int_eq(try_get(), -EAGAIN);
    asyncio_thread_queue_free(queue);
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

static int cancel_after_hand_over(void *arg)
{
    int seven = 7;
    struct call getter, putter;
    (void)arg;
    make(1);
    call_start(&getter, get_call, NULL);
    settle();
    ck_assert_int_eq(put(4), 0);
    call_cancel(&getter);
    ck_assert_int_eq(call_end(&getter), 4);

    ck_assert_int_eq(put(5), 0);
    call_start(&putter, put_call, &seven);
    settle();
    ck_assert_int_eq(get(), 5);
    call_cancel(&putter);
    ck_assert_int_eq(call_end(&putter), 0);
    ck_assert_int_eq(get(), 7);
    asyncio_thread_queue_free(queue);
    return 0;
}

START_TEST(hand_over_stands_against_a_later_cancel)
{
    run(cancel_after_hand_over, NULL);
    run_seeds(cancel_after_hand_over, NULL);
}
END_TEST

static int under_timeout(void *arg)
{
    struct asyncio_timeout timeout;
    (void)arg;
    make(1);
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0.002), 0);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, get()), -ETIMEDOUT);
    ck_assert_int_eq(put(1), 0);
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0.002), 0);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, put(2)), -ETIMEDOUT);
    /* Cancelled already: moves nothing, though it could. */
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0), 0);
    ck_assert_int_eq(get(), -ECANCELED);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, 0), 0);
    ck_assert_int_eq(get(), 1);
    ck_assert_int_eq(try_get(), -EAGAIN);
    asyncio_thread_queue_free(queue);
    return 0;
}

START_TEST(timeout_ends_each_wait)
{
    run(under_timeout, NULL);
}
END_TEST

static int shutdown_under_tasks(void *arg)
{
    struct call calls[3];
    int seven = 7;
    (void)arg;
    make(1);
    for (int i = 0; i < 3; i++)
        call_start(&calls[i], get_call, NULL);
    settle();
    asyncio_thread_queue_shutdown(queue);
    call_cancel(&calls[1]);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(call_end(&calls[i]), -EPIPE);
    asyncio_thread_queue_free(queue);

    make(1);
    ck_assert_int_eq(put(1), 0);
    for (int i = 0; i < 3; i++)
        call_start(&calls[i], put_call, &seven);
    settle();
    asyncio_thread_queue_shutdown(queue);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(call_end(&calls[i]), -EPIPE);
    ck_assert_int_eq(get(), 1);
    ck_assert_int_eq(get(), -EPIPE);
    asyncio_thread_queue_free(queue);
    return 0;
}

START_TEST(shutdown_wakes_tasks)
{
    run(shutdown_under_tasks, NULL);
    run_seeds(shutdown_under_tasks, NULL);
}
END_TEST

static int free_under_task(void *arg)
{
    struct call call;
    (void)arg;
    make(1);
    call_start(&call, get_call, NULL);
    settle();
    asyncio_thread_queue_free(queue);
    return 0;
}

START_TEST(free_with_a_waiter_aborts)
{
    run(free_under_task, NULL);
}
END_TEST

static int wake_often(void *arg)
{
    (void)arg;
    for (int i = 0; i < 200; i++)
        ck_assert_int_eq(get(), i);
    return 0;
}

static int count_allocations(void *arg)
{
    struct call call;
    (void)arg;
    make(2);
    for (int round = 0; round < 2; round++) {
        uint64_t before = mem_alloc_count();
        call_start(&call, wake_often, NULL);
        for (int i = 0; i < 200; i++)
            ck_assert_int_eq(put(i), 0);
        ck_assert_int_eq(call_end(&call), 0);
        if (round)
            ck_assert_uint_eq(mem_alloc_count(), before);
    }
    asyncio_thread_queue_free(queue);
    return 0;
}

START_TEST(nothing_is_allocated)
{
    run(count_allocations, NULL);
}
END_TEST

/* ---- threads without a loop ---- */

enum { ITEMS = 2000 };

static void *thread_put_all(void *arg)
{
    (void)arg;
    for (int i = 0; i < ITEMS; i++)
        ck_assert_int_eq(put(i), 0);
    return NULL;
}

static void *thread_get_end(void *arg)
{
    (void)arg;
    ck_assert_int_eq(get(), -EPIPE);
    return NULL;
}

static void *thread_put_end(void *arg)
{
    (void)arg;
    ck_assert_int_eq(put(1), -EPIPE);
    return NULL;
}

START_TEST(threads_block)
{
    make(2);
    pthread_t thread = thread_start(thread_put_all, NULL);
    for (int i = 0; i < ITEMS; i++)
        ck_assert_int_eq(get(), i);
    thread_join(thread);

    pthread_t getter = thread_start(thread_get_end, NULL);
    sys_thread_sleep(5 * NSEC_PER_MSEC);
    asyncio_thread_queue_shutdown(queue);
    thread_join(getter);
    asyncio_thread_queue_free(queue);

    make(1);
    ck_assert_int_eq(put(0), 0);
    pthread_t putter = thread_start(thread_put_end, NULL);
    sys_thread_sleep(5 * NSEC_PER_MSEC);
    asyncio_thread_queue_shutdown(queue);
    thread_join(putter);
    asyncio_thread_queue_free(queue);
}
END_TEST

/* ---- a thread and a loop ---- */

static int get_all(void *arg)
{
    (void)arg;
    for (int i = 0; i < ITEMS; i++)
        ck_assert_int_eq(get(), i);
    return 0;
}

static int put_all(void *arg)
{
    (void)arg;
    for (int i = 0; i < ITEMS; i++)
        ck_assert_int_eq(put(i), 0);
    return 0;
}

static void *thread_get_all(void *arg)
{
    return get_all(arg) ? arg : NULL;
}

START_TEST(thread_feeds_a_task)
{
    if (is_simulated())
        return;
    make(3);
    pthread_t thread = thread_start(thread_put_all, NULL);
    run(get_all, NULL);
    thread_join(thread);
    asyncio_thread_queue_free(queue);
}
END_TEST

START_TEST(task_feeds_a_thread)
{
    if (is_simulated())
        return;
    make(3);
    pthread_t thread = thread_start(thread_get_all, NULL);
    run(put_all, NULL);
    thread_join(thread);
    asyncio_thread_queue_free(queue);
}
END_TEST

/* The one that gets the last item frees the queue while the putter may still
 * be on its way out: the putter has let go of it by then. */
static void *thread_put_one(void *arg)
{
    int item = 1;
    ck_assert_int_eq(asyncio_thread_queue_put(arg, &item), 0);
    return NULL;
}

static int get_and_free(void *arg)
{
    (void)arg;
    for (int i = 0; i < 200; i++) {
        make(1);
        pthread_t thread = thread_start(thread_put_one, queue);
        ck_assert_int_eq(get(), 1);
        asyncio_thread_queue_free(queue);
        thread_join(thread);
    }
    return 0;
}

START_TEST(who_gets_the_last_item_may_free_the_queue)
{
    if (!is_simulated())
        run(get_and_free, NULL);
}
END_TEST

/* ---- several loops ---- */

enum { LOOPS = 4, PRODUCERS = 3, CONSUMERS = 3, EACH = 100 };

static atomic_int loops_done, next_item;
static atomic_int received[LOOPS * PRODUCERS * EACH];

static int produce(void *arg)
{
    (void)arg;
    for (int i = 0; i < EACH; i++) {
        int item = atomic_fetch_add(&next_item, 1);
        int err = put(item);
        if (err < 0) {
            received[item]++;    /* stayed here */
            return err;
        }
    }
    return 0;
}

static int consume(void *arg)
{
    int item;
    (void)arg;
    while ((item = get()) >= 0)
        received[item]++;
    return item;
}

static int both(void *arg)
{
    asyncio_task producers[PRODUCERS], consumers[CONSUMERS];
    unsigned salt = *(unsigned *)arg;
    for (int i = 0; i < PRODUCERS; i++)
        producers[i] = asyncio_create_task(produce, NULL);
    for (int i = 0; i < CONSUMERS; i++)
        consumers[i] = asyncio_create_task(consume, NULL);
    asyncio_sleep(0.001 * salt);
    asyncio_task_cancel(producers[salt % PRODUCERS]);
    /* One consumer is left in each loop. */
    asyncio_task_cancel(consumers[0]);
    asyncio_sleep(0.001);
    asyncio_task_cancel(consumers[1]);
    asyncio_gather(producers, PRODUCERS, NULL);
    if (atomic_fetch_add(&loops_done, 1) == LOOPS - 1)
        asyncio_thread_queue_shutdown(queue);
    asyncio_gather(consumers, CONSUMERS, NULL);
    return 0;
}

static void *thread_of_loop(void *arg)
{
    ck_assert_int_eq(asyncio_run(both, arg), 0);
    return NULL;
}

START_TEST(loops_in_several_threads_share_it)
{
    pthread_t threads[LOOPS];
    unsigned salts[LOOPS];
    int item;
    if (is_simulated())
        return;
    make(2);
    for (unsigned i = 0; i < LOOPS; i++) {
        salts[i] = i;
        threads[i] = thread_start(thread_of_loop, &salts[i]);
    }
    for (int i = 0; i < LOOPS; i++)
        thread_join(threads[i]);
    while ((item = get()) >= 0)
        received[item]++;
    for (int i = 0; i < next_item; i++)
        ck_assert_msg(received[i] == 1, "item %d: %d", i, received[i]);
    asyncio_thread_queue_free(queue);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("thread_queue");
    suite_case(suite, items_come_out_in_order);
    suite_case(suite, misuse_is_refused);
    suite_case(suite, shut_queue_is_emptied_and_then_ends);
    suite_case(suite, callback_of_a_loop_may_not_wait);
    suite_case(suite, tasks_wait_in_line);
    suite_case(suite, cancelled_waiter_leaves_the_line);
    suite_case(suite, hand_over_stands_against_a_later_cancel);
    suite_case(suite, timeout_ends_each_wait);
    suite_case(suite, shutdown_wakes_tasks);
    suite_case_signal(suite, free_with_a_waiter_aborts, SIGABRT);
    suite_case(suite, nothing_is_allocated);
    suite_case(suite, threads_block);
    suite_case(suite, thread_feeds_a_task);
    suite_case(suite, task_feeds_a_thread);
    suite_case(suite, who_gets_the_last_item_may_free_the_queue);
    suite_case(suite, loops_in_several_threads_share_it);
    return suite;
}
