/* SPDX-License-Identifier: MIT */
/* Coroutines into a loop from another thread. */
#include "rig.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fault.h"
#include "sys/sys.h"

/*
 * A client is a plain function on a thread of the pool, so the loop goes on
 * under it until it has returned. In a simulation there is no other thread.
 */
static int with_client(void *arg)
{
    asyncio_fn *client = *(asyncio_fn **)arg;
    return asyncio_to_thread(client, asyncio_get_running_loop());
}

static void run_client(asyncio_fn *client)
{
    if (!is_simulated())
        run(with_client, &client);
}

static asyncio_future *send(asyncio_loop *loop, asyncio_fn *fn, void *arg)
{
    asyncio_future *future = NULL;
    ck_assert_int_eq(asyncio_run_coroutine_threadsafe(loop, fn, arg, &future),
                     0);
    return future;
}

/* ---- coroutines ---- */

static int double_slowly(void *arg)
{
    int err = asyncio_sleep(0.001);
    return err < 0 ? err : 2 * *(int *)arg;
}

static int fail_at_once(void *arg)
{
    (void)arg;
    return -EIO;
}

static atomic_int started, cancelled;

static int wait_for_ever(void *arg)
{
    (void)arg;
    atomic_fetch_add(&started, 1);
    int err = asyncio_sleep(ASYNCIO_FOREVER);
    if (err == -ECANCELED)
        atomic_fetch_add(&cancelled, 1);
    return err;
}

static void await_start(void)
{
    while (!atomic_load(&started))
        sys_thread_sleep(NSEC_PER_MSEC);
}

/* ---- results ---- */

static int client_of_results(void *arg)
{
    int number = 21;
    asyncio_future *future = send(arg, double_slowly, &number);
    ck_assert_int_eq(asyncio_future_result(future, ASYNCIO_FOREVER), 42);
    ck_assert(asyncio_future_is_done(future));
    ck_assert_int_eq(asyncio_future_result(future, 0), 42);
    asyncio_future_free(future);

    future = send(arg, fail_at_once, NULL);
    ck_assert_int_eq(asyncio_future_result(future, 10), -EIO);
    asyncio_future_free(future);
    return 0;
}

START_TEST(result_comes_back)
{
    run_client(client_of_results);
}
END_TEST

static int client_of_deadlines(void *arg)
{
    asyncio_future *future = send(arg, wait_for_ever, NULL);
    ck_assert(!asyncio_future_is_done(future));
    ck_assert_int_eq(asyncio_future_result(future, 0), -ETIMEDOUT);
    double before = asyncio_time();
    ck_assert_int_eq(asyncio_future_result(future, 0.02), -ETIMEDOUT);
    ck_assert_double_ge(asyncio_time() - before, 0.02);
    /* It goes on. */
    await_start();
    ck_assert_int_eq(cancelled, 0);
    ck_assert_int_eq(asyncio_future_cancel(future), 0);
    ck_assert_int_eq(asyncio_future_result(future, 1e300), -ECANCELED);
    asyncio_future_free(future);
    return 0;
}

START_TEST(deadline_of_the_wait_does_not_end_the_coroutine)
{
    run_client(client_of_deadlines);
}
END_TEST

/* ---- misuse ---- */

static int try_send(asyncio_loop *loop, asyncio_fn *fn,
                    asyncio_future **ret_future)
{
    return asyncio_run_coroutine_threadsafe(loop, fn, NULL, ret_future);
}

static int misuse(void *arg)
{
    asyncio_loop *loop = asyncio_get_running_loop();
    asyncio_future *future = NULL;
    (void)arg;
    ck_assert_int_eq(try_send(NULL, fail_at_once, &future), -EINVAL);
    ck_assert_int_eq(try_send(loop, NULL, &future), -EINVAL);
    ck_assert_int_eq(try_send(loop, fail_at_once, NULL), -EINVAL);
    fault_arm(FAULT_MEMORY, 1);
    int err = try_send(loop, fail_at_once, &future);
    fault_disarm();
    ck_assert_int_eq(err, -ENOMEM);
    ck_assert_ptr_null(future);
    ck_assert_int_eq(asyncio_future_result(NULL, 0), -EINVAL);
    ck_assert_int_eq(asyncio_future_cancel(NULL), -EINVAL);
    asyncio_future_free(NULL);

    future = send(loop, wait_for_ever, NULL);
    ck_assert_int_eq(asyncio_future_result(future, NAN), -EINVAL);
    ck_assert_int_eq(asyncio_future_result(future, -1), -EINVAL);
    asyncio_future_free(future);
    return 0;
}

START_TEST(misuse_is_refused)
{
    run(misuse, NULL);
}
END_TEST

/* From the loop's own thread: to start is fine, to block is not. */
static int on_own_thread(void *arg)
{
    int number = 4;
    asyncio_future *future =
        send(asyncio_get_running_loop(), double_slowly, &number);
    (void)arg;
    ck_assert_int_eq(asyncio_future_result(future, ASYNCIO_FOREVER),
                     -EDEADLK);
    ck_assert_int_eq(asyncio_future_result(future, 0), -EDEADLK);
    while (!asyncio_future_is_done(future))
        ck_assert_int_eq(asyncio_sleep(0.001), 0);
    ck_assert_int_eq(asyncio_future_result(future, 0), 8);
    asyncio_future_free(future);
    return 0;
}

START_TEST(loop_does_not_block_on_itself)
{
    run(on_own_thread, NULL);
    run_seeds(on_own_thread, NULL);
}
END_TEST

/* ---- cancels ---- */

static int client_that_cancels(void *arg)
{
    asyncio_future *future = send(arg, wait_for_ever, NULL);
    await_start();
    ck_assert_int_eq(asyncio_future_cancel(future), 0);
    ck_assert_int_eq(asyncio_future_cancel(future), 0);
    ck_assert_int_eq(asyncio_future_result(future, ASYNCIO_FOREVER),
                     -ECANCELED);
    ck_assert_int_eq(asyncio_future_cancel(future), 0);
    asyncio_future_free(future);
    ck_assert_int_eq(cancelled, 1);
    return 0;
}

START_TEST(cancel_reaches_the_task)
{
    run_client(client_that_cancels);
}
END_TEST

/* Simulated, the cancel may overtake the start: what is cancelled before it
 * runs still runs, and finds out. */
static int cancel_at_once(void *arg)
{
    asyncio_future *future =
        send(asyncio_get_running_loop(), wait_for_ever, NULL);
    (void)arg;
    atomic_store(&started, 0);
    ck_assert_int_eq(asyncio_future_cancel(future), 0);
    while (!asyncio_future_is_done(future))
        ck_assert_int_eq(asyncio_sleep(0.001), 0);
    ck_assert_int_eq(asyncio_future_result(future, 0), -ECANCELED);
    ck_assert_int_eq(started, 1);
    asyncio_future_free(future);
    return 0;
}

START_TEST(cancelled_before_its_start_it_still_runs)
{
    run(cancel_at_once, NULL);
    run_seeds(cancel_at_once, NULL);
}
END_TEST

static int cancel_after_end(void *arg)
{
    int number = 1;
    asyncio_future *future =
        send(asyncio_get_running_loop(), double_slowly, &number);
    (void)arg;
    settle();
    while (!asyncio_future_is_done(future))
        settle();
    ck_assert_int_eq(asyncio_future_cancel(future), 0);
    settle();
    ck_assert_int_eq(asyncio_future_result(future, 0), 2);
    asyncio_future_free(future);
    return 0;
}

START_TEST(result_stands_against_a_later_cancel)
{
    run(cancel_after_end, NULL);
}
END_TEST

/* ---- letting go ---- */

static int set_flag(void *arg)
{
    int err = asyncio_sleep(0.002);
    *(bool *)arg = true;
    return err;
}

static int let_go(void *arg)
{
    bool flag = false;
    (void)arg;
    asyncio_future_free(send(asyncio_get_running_loop(), set_flag, &flag));
    ck_assert_int_eq(asyncio_sleep(0.02), 0);
    ck_assert(flag);
    return 0;
}

START_TEST(coroutine_goes_on_when_it_is_let_go)
{
    run(let_go, NULL);
}
END_TEST

static int ignore_failures(void *arg)
{
    asyncio_loop *loop = asyncio_get_running_loop();
    (void)arg;
    asyncio_future_free(send(loop, fail_at_once, NULL));
    settle();
    asyncio_future *future = send(loop, fail_at_once, NULL);
    settle();
    asyncio_future_free(future);
    /* This one was looked at. */
    future = send(loop, fail_at_once, NULL);
    settle();
    ck_assert_int_eq(asyncio_future_result(future, 0), -EIO);
    asyncio_future_free(future);
    return 0;
}

START_TEST(failure_that_nobody_looked_at_is_reported)
{
    char text[512];
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    int old = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    run(ignore_failures, NULL);
    dup2(old, STDERR_FILENO);
    rewind(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    text[len] = '\0';
    int reports = 0;
    for (char *at = text; (at = strstr(at, "EIO")); at++)
        reports++;
    ck_assert_msg(reports == 2, "%s", text);
    fclose(file);
}
END_TEST

/* ---- the loop's end ---- */

static int keep_loop(void *arg)
{
    *(asyncio_loop **)arg = asyncio_loop_ref(asyncio_get_running_loop());
    return 0;
}

START_TEST(ended_loop_takes_nothing)
{
    asyncio_loop *loop;
    asyncio_future *future = NULL;
    run(keep_loop, &loop);
    ck_assert_int_eq(try_send(loop, fail_at_once, &future), -ESHUTDOWN);
    ck_assert_ptr_null(future);
    asyncio_loop_unref(loop);
}
END_TEST

START_TEST(loop_that_ends_before_the_start_cancels)
{
    asyncio_runner *runner;
    asyncio_loop *loop;
    ck_assert_int_eq(asyncio_runner_new(NULL, &runner), 0);
    ck_assert_int_eq(asyncio_runner_run(runner, keep_loop, &loop), 0);
    asyncio_future *future = send(loop, wait_for_ever, NULL);
    asyncio_future *other = send(loop, wait_for_ever, NULL);
    ck_assert_int_eq(asyncio_future_cancel(other), 0);
    ck_assert_int_eq(asyncio_future_result(future, 0.001), -ETIMEDOUT);
    asyncio_runner_free(runner);
    ck_assert_int_eq(asyncio_future_result(future, ASYNCIO_FOREVER),
                     -ECANCELED);
    ck_assert_int_eq(asyncio_future_result(other, 0), -ECANCELED);
    ck_assert_int_eq(started, 0);
    ck_assert_int_eq(asyncio_future_cancel(future), -ESHUTDOWN);
    ck_assert_int_eq(asyncio_future_cancel(future), -ESHUTDOWN);
    asyncio_future_free(future);
    asyncio_future_free(other);
    asyncio_loop_unref(loop);
}
END_TEST

static int wait_a_little(void *arg)
{
    (void)arg;
    return asyncio_sleep(0.02);
}

START_TEST(what_was_sent_between_two_runs_starts_in_the_next)
{
    asyncio_runner *runner;
    asyncio_loop *loop;
    int number = 3;
    ck_assert_int_eq(asyncio_runner_new(NULL, &runner), 0);
    ck_assert_int_eq(asyncio_runner_run(runner, keep_loop, &loop), 0);
    asyncio_future *future = send(loop, double_slowly, &number);
    ck_assert_int_eq(asyncio_runner_run(runner, wait_a_little, NULL), 0);
    ck_assert_int_eq(asyncio_future_result(future, 0), 6);
    asyncio_future_free(future);
    asyncio_runner_free(runner);
    asyncio_loop_unref(loop);
}
END_TEST

static int leave_running(void *arg)
{
    *(asyncio_future **)arg =
        send(asyncio_get_running_loop(), wait_for_ever, NULL);
    return asyncio_sleep(0.002);
}

START_TEST(end_of_the_loop_cancels_what_still_runs)
{
    asyncio_future *future;
    run(leave_running, &future);
    ck_assert_int_eq(asyncio_future_result(future, ASYNCIO_FOREVER),
                     -ECANCELED);
    ck_assert_int_eq(cancelled, 1);
    asyncio_future_free(future);
}
END_TEST

/* ---- crowds ---- */

enum { CLIENTS = 6, REQUESTS = 60 };

static int busy_client(void *arg)
{
    for (int i = 0; i < REQUESTS; i++) {
        int number = i;
        asyncio_future *future = send(arg, double_slowly, &number);
        if (i % 3 == 0)
            ck_assert_int_eq(asyncio_future_cancel(future), 0);
        int result = asyncio_future_result(future, ASYNCIO_FOREVER);
        ck_assert(result == 2 * i || (i % 3 == 0 && result == -ECANCELED));
        asyncio_future_free(future);
    }
    return 0;
}

static int many_clients(void *arg)
{
    asyncio_fn *client = busy_client;
    asyncio_task tasks[CLIENTS];
    (void)arg;
    for (int i = 0; i < CLIENTS; i++)
        tasks[i] = asyncio_create_task(with_client, &client);
    return asyncio_gather(tasks, CLIENTS, NULL);
}

START_TEST(many_threads_send_at_once)
{
    if (!is_simulated())
        run(many_clients, NULL);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("future");
    suite_case(suite, result_comes_back);
    suite_case(suite, deadline_of_the_wait_does_not_end_the_coroutine);
    suite_case(suite, misuse_is_refused);
    suite_case(suite, loop_does_not_block_on_itself);
    suite_case(suite, cancel_reaches_the_task);
    suite_case(suite, cancelled_before_its_start_it_still_runs);
    suite_case(suite, result_stands_against_a_later_cancel);
    suite_case(suite, coroutine_goes_on_when_it_is_let_go);
    suite_case(suite, failure_that_nobody_looked_at_is_reported);
    suite_case(suite, ended_loop_takes_nothing);
    suite_case(suite, loop_that_ends_before_the_start_cancels);
    suite_case(suite, what_was_sent_between_two_runs_starts_in_the_next);
    suite_case(suite, end_of_the_loop_cancels_what_still_runs);
    suite_case(suite, many_threads_send_at_once);
    return suite;
}
