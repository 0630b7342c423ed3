/* SPDX-License-Identifier: MIT */
/* call_soon_threadsafe: from many threads, to sleeping and to ending loops. */
#include "rig.h"

#include "base/fault.h"

enum { THREADS = 4 };

/* ---- one thread, one loop ---- */

SCENARIO(from_the_loops_own_thread_it_is_call_soon)
{
    asyncio_loop *loop = asyncio_get_running_loop();
    note_count = 0;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(
            asyncio_call_soon_threadsafe(loop, note_arg, number(i)), 0);
    ck_assert_int_eq(note_count, 0);
    let_a_turn_pass();
    ASSERT_NOTES(0, 1, 2);
}

SCENARIO(no_loop_and_no_function_are_einval)
{
    asyncio_loop *loop = asyncio_get_running_loop();
    ck_assert_int_eq(asyncio_call_soon_threadsafe(NULL, note_arg, NULL),
                     -EINVAL);
    ck_assert_int_eq(asyncio_call_soon_threadsafe(loop, NULL, NULL), -EINVAL);
    fault_arm(FAULT_MEMORY, 1);
    ck_assert_int_eq(asyncio_call_soon_threadsafe(loop, note_arg, NULL),
                     -ENOMEM);
    fault_disarm();
}

/* ---- a loop that sleeps ---- */

static asyncio_loop *target;
static atomic_int called;
static asyncio_task sleeper;

static void cancel_sleeper(void *arg)
{
    (void)arg;
    ck_assert_ptr_eq(asyncio_get_running_loop(), target);
    ck_assert_int_eq(asyncio_task_cancel(sleeper), 0);
}

static void *wake_after_a_while(void *arg)
{
    pause_thread(*(double *)arg);
    ck_assert_int_eq(
        asyncio_call_soon_threadsafe(target, cancel_sleeper, NULL), 0);
    return NULL;
}

static int sleep_until_woken(void *arg)
{
    target = asyncio_get_running_loop();
    double start = asyncio_time();
    sleeper = asyncio_create_task(sleep_for_ever, NULL);
    pthread_t thread = thread_start(wake_after_a_while, arg);
    ck_assert_int_eq(asyncio_await(sleeper), -ECANCELED);
    thread_join(thread);
    ck_assert_double_lt(asyncio_time() - start, 10);
    return 0;
}

START_TEST(a_sleeping_loop_is_woken)
{
    if (rig_is_virtual())
        return;                  /* its loop never sleeps */
    double pauses[] = {0, 0.0001, 0.02};
    for (int i = 0; i < 60; i++)
        ck_assert_int_eq(
            asyncio_run(sleep_until_woken, &pauses[i % ARRAY_SIZE(pauses)]), 0);
}
END_TEST

/* ---- many threads ---- */

enum { POSTS = 2000 };

struct poster {
    int next;                    /* the loop's thread: the one expected */
    struct posting {
        struct poster *poster;
        int number;
    } postings[POSTS];
};

static struct poster posters[THREADS];

static void take_posting(void *arg)
{
    struct posting *posting = arg;
    ck_assert_int_eq(posting->number, posting->poster->next);
    posting->poster->next++;
    atomic_fetch_add(&called, 1);
}

static void *post_many(void *arg)
{
    struct poster *poster = arg;
    for (int i = 0; i < POSTS; i++) {
        poster->postings[i] = (struct posting){poster, i};
        ck_assert_int_eq(asyncio_call_soon_threadsafe(target, take_posting,
                                                      &poster->postings[i]),
                         0);
        if (i % 100 == 0)
            pause_thread(0.0002);        /* the loop falls asleep meanwhile */
    }
    return NULL;
}

SCENARIO(all_arrive_each_threads_in_order)
{
    pthread_t threads[THREADS];
    target = asyncio_get_running_loop();
    atomic_store(&called, 0);
    for (int i = 0; i < THREADS; i++) {
        posters[i].next = 0;
        threads[i] = thread_start(post_many, &posters[i]);
    }
    task_await_count(&called, THREADS * POSTS);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    let_others_run();
    ck_assert_int_eq(atomic_load(&called), THREADS * POSTS);
}

/* ---- a loop that ends ---- */

static atomic_int accepted, posting_threads;

static void count_call(void *arg)
{
    (void)arg;
    atomic_fetch_add(&called, 1);
}

/* Faster than it is emptied, the mailbox would only grow. */
static void keep_pace(int posted)
{
    await_count(&called, posted - 200);
}

static void *post_until_shutdown(void *arg)
{
    asyncio_loop *loop = arg;
    int err;
    atomic_fetch_add(&posting_threads, 1);
    while ((err = asyncio_call_soon_threadsafe(loop, count_call, NULL)) == 0)
        keep_pace(atomic_fetch_add(&accepted, 1) + 1);
    ck_assert_int_eq(err, -ESHUTDOWN);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(asyncio_call_soon_threadsafe(loop, count_call, NULL),
                         -ESHUTDOWN);
    asyncio_loop_unref(loop);
    return NULL;
}

static int end_among_posters(void *arg)
{
    pthread_t *threads = arg;
    for (int i = 0; i < THREADS; i++) {
        asyncio_loop *loop = asyncio_loop_ref(asyncio_get_running_loop());
        threads[i] = thread_start(post_until_shutdown, loop);
    }
    task_await_count(&posting_threads, THREADS);
    task_await_count(&called, 10);
    return 0;
}

START_TEST(what_was_accepted_is_called_however_the_loop_ends)
{
    pthread_t threads[THREADS];
    for (int round = 0; round < 30; round++) {
        atomic_store(&called, 0);
        atomic_store(&accepted, 0);
        atomic_store(&posting_threads, 0);
        ck_assert_int_eq(asyncio_run(end_among_posters, threads), 0);
        for (int i = 0; i < THREADS; i++)
            thread_join(threads[i]);
        ck_assert_int_ge(atomic_load(&called), 10);
        ck_assert_int_eq(atomic_load(&called), atomic_load(&accepted));
    }
}
END_TEST

static int post_result;

static void post_again(void *arg)
{
    note(1);
    post_result = asyncio_call_soon_threadsafe(arg, note_arg, number(2));
}

static int post_and_return(void *arg)
{
    asyncio_loop **ret_loop = arg;
    *ret_loop = asyncio_loop_ref(asyncio_get_running_loop());
    return asyncio_call_soon_threadsafe(*ret_loop, post_again, *ret_loop);
}

START_TEST(a_callback_during_the_end_cannot_keep_the_loop_alive)
{
    asyncio_loop *loop;
    note_count = 0;
    post_result = 1;
    ck_assert_int_eq(asyncio_run(post_and_return, &loop), 0);
    ck_assert_int_ge(note_count, 1);
    /* Whichever it was told, it is what happened. */
    ck_assert_int_eq(note_count, post_result == 0 ? 2 : 1);
    if (post_result != 0)
        ck_assert_int_eq(post_result, -ESHUTDOWN);
    asyncio_loop_unref(loop);
}
END_TEST

static int hand_out_reference(void *arg)
{
    asyncio_loop *loop = asyncio_get_running_loop();
    ck_assert_ptr_eq(asyncio_loop_ref(loop), loop);
    *(asyncio_loop **)arg = loop;
    return 0;
}

START_TEST(references_outlive_the_loop)
{
    asyncio_loop *loop;
    note_count = 0;
    ck_assert_int_eq(asyncio_run(hand_out_reference, &loop), 0);
    ck_assert_int_eq(asyncio_call_soon_threadsafe(loop, note_arg, NULL),
                     -ESHUTDOWN);
    ck_assert_ptr_eq(asyncio_loop_ref(loop), loop);
    asyncio_loop_unref(loop);
    ck_assert_int_eq(asyncio_call_soon_threadsafe(loop, note_arg, NULL),
                     -ESHUTDOWN);
    asyncio_loop_unref(loop);
    ck_assert_int_eq(note_count, 0);
    ck_assert_ptr_null(asyncio_loop_ref(NULL));
    asyncio_loop_unref(NULL);
}
END_TEST

START_TEST(a_runner_between_two_runs_accepts)
{
    asyncio_runner *runner;
    asyncio_loop *loop;
    double tick = TICK;
    note_count = 0;
    ck_assert_int_eq(asyncio_runner_new(NULL, &runner), 0);
    ck_assert_int_eq(asyncio_runner_run(runner, hand_out_reference, &loop), 0);
    ck_assert_int_eq(asyncio_call_soon_threadsafe(loop, note_arg, number(1)),
                     0);
    ck_assert_int_eq(asyncio_runner_run(runner, sleep_seconds, &tick), 0);
    ck_assert_int_eq(note_count, 1);
    ck_assert_int_eq(asyncio_call_soon_threadsafe(loop, note_arg, number(2)),
                     0);
    asyncio_runner_free(runner);
    ASSERT_NOTES(1, 2);
    ck_assert_int_eq(asyncio_call_soon_threadsafe(loop, note_arg, number(3)),
                     -ESHUTDOWN);
    asyncio_loop_unref(loop);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("threadsafe");
    suite_case(suite, from_the_loops_own_thread_it_is_call_soon);
    suite_case(suite, no_loop_and_no_function_are_einval);
    suite_case(suite, a_sleeping_loop_is_woken);
    suite_case(suite, all_arrive_each_threads_in_order);
    suite_case(suite, what_was_accepted_is_called_however_the_loop_ends);
    suite_case(suite, a_callback_during_the_end_cannot_keep_the_loop_alive);
    suite_case(suite, references_outlive_the_loop);
    suite_case(suite, a_runner_between_two_runs_accepts);
    return suite;
}
