/* SPDX-License-Identifier: MIT */
/* Signals that are waited for: none lost, each waiter has its own, and what
 * becomes of Ctrl-C. */
#include "rig.h"

#include "base/fault.h"

static asyncio_signals *open_signals(int first, int second)
{
    asyncio_signals *signals = NULL;
    const int signos[] = {first, second};
    ck_assert_int_eq(asyncio_signals_open(signos, second ? 2 : 1, &signals), 0);
    return signals;
}

static bool is_default(int signo)
{
    struct sigaction action;
    ck_assert_int_eq(sigaction(signo, NULL, &action), 0);
    return !(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_DFL;
}

static int next_in_task(void *signals)
{
    return asyncio_signals_next(signals);
}

/* On the virtual clock a wait for a signal is a wait for ever. */
static int raise_soon(void *arg)
{
    int err = asyncio_sleep(TICK);
    raise((int)(intptr_t)arg);
    return err;
}

static void start_raise(int signo)
{
    asyncio_task task = asyncio_create_task(raise_soon, number(signo));
    ck_assert_int_eq(asyncio_task_detach(task), 0);
}

/* ---- arrivals ---- */

SCENARIO(a_signal_is_waited_for)
{
    asyncio_signals *signals = open_signals(SIGUSR1, SIGUSR2);
    start_raise(SIGUSR2);
    ck_assert_int_eq(asyncio_signals_next(signals), SIGUSR2);
    start_raise(SIGUSR1);
    ck_assert_int_eq(asyncio_signals_next(signals), SIGUSR1);
    asyncio_signals_close(signals);
    asyncio_signals_close(NULL);
    ck_assert(is_default(SIGUSR1));
    ck_assert(is_default(SIGUSR2));
}

SCENARIO(what_comes_between_two_waits_is_not_lost)
{
    asyncio_signals *signals = open_signals(SIGUSR2, SIGUSR1);
    raise(SIGUSR1);
    let_a_turn_pass();
    raise(SIGUSR2);
    let_a_turn_pass();
    let_a_turn_pass();
    ck_assert_int_eq(asyncio_signals_next(signals), SIGUSR1);
    raise(SIGUSR1);
    let_a_turn_pass();
    ck_assert_int_eq(asyncio_signals_next(signals), SIGUSR1);
    ck_assert_int_eq(asyncio_signals_next(signals), SIGUSR2);
    asyncio_signals_close(signals);
}

SCENARIO(several_arrivals_are_one)
{
    struct asyncio_timeout timeout;
    asyncio_signals *signals = open_signals(SIGUSR1, 0);
    for (int i = 0; i < 5; i++)
        raise(SIGUSR1);
    let_a_turn_pass();
    ck_assert_int_eq(asyncio_signals_next(signals), SIGUSR1);
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, TICK), 0);
    int err = asyncio_signals_next(signals);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
    asyncio_signals_close(signals);
}

SCENARIO(one_may_be_waited_for_without_a_handle)
{
    const int signos[] = {SIGHUP, SIGUSR1};
    start_raise(SIGUSR1);
    ck_assert_int_eq(asyncio_signal_wait(signos, 2), SIGUSR1);
    ck_assert(is_default(SIGHUP));
    ck_assert(is_default(SIGUSR1));
}

SCENARIO(named_twice_it_comes_once)
{
    struct asyncio_timeout timeout;
    asyncio_signals *signals = open_signals(SIGUSR1, SIGUSR1);
    raise(SIGUSR1);
    let_a_turn_pass();
    ck_assert_int_eq(asyncio_signals_next(signals), SIGUSR1);
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, TICK), 0);
    ck_assert_int_eq(
        asyncio_timeout_end(&timeout, asyncio_signals_next(signals)),
        -ETIMEDOUT);
    asyncio_signals_close(signals);
}

static void *signal_after_a_while(void *arg)
{
    pause_thread(*(double *)arg);
    kill(getpid(), SIGUSR1);
    return NULL;
}

SCENARIO(a_signal_wakes_a_sleeping_loop)
{
    double pauses[] = {0, 0.0001, 0.01};
    if (rig_is_virtual())
        return;
    for (int i = 0; i < 30; i++) {
        asyncio_signals *signals = open_signals(SIGUSR1, 0);
        pthread_t thread = thread_start(signal_after_a_while, &pauses[i % 3]);
        ck_assert_int_eq(asyncio_signals_next(signals), SIGUSR1);
        thread_join(thread);
        asyncio_signals_close(signals);
    }
}

/* ---- several who wait ---- */

SCENARIO(each_handle_has_its_own)
{
    asyncio_task tasks[5];
    asyncio_signals *signals[5];
    for (int i = 0; i < 5; i++) {
        signals[i] = open_signals(SIGUSR1, i % 2 ? SIGUSR2 : 0);
        tasks[i] = asyncio_create_task(next_in_task, signals[i]);
    }
    start_raise(SIGUSR1);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(asyncio_await(tasks[i]), SIGUSR1);
    asyncio_signals_close(signals[0]);
    asyncio_signals_close(signals[1]);
    ck_assert(!is_default(SIGUSR1));
    ck_assert(!is_default(SIGUSR2));
    start_raise(SIGUSR2);
    ck_assert_int_eq(asyncio_signals_next(signals[3]), SIGUSR2);
    for (int i = 2; i < 5; i++)
        asyncio_signals_close(signals[i]);
    ck_assert(is_default(SIGUSR1));
    ck_assert(is_default(SIGUSR2));
}

SCENARIO(of_those_at_one_handle_the_first_has_it)
{
    asyncio_task tasks[3];
    asyncio_signals *signals = open_signals(SIGUSR1, 0);
    for (int i = 0; i < 3; i++) {
        tasks[i] = asyncio_create_task(next_in_task, signals);
        let_others_run();
    }
    for (int i = 0; i < 3; i++) {
        raise(SIGUSR1);
        let_a_turn_pass();
        let_others_run();
        ck_assert(asyncio_task_is_done(tasks[i]));
        ck_assert(i == 2 || !asyncio_task_is_done(tasks[i + 1]));
        ck_assert_int_eq(asyncio_await(tasks[i]), SIGUSR1);
    }
    asyncio_signals_close(signals);
}

/* ---- cancels and closes ---- */

SCENARIO(a_cancel_loses_none)
{
    asyncio_signals *signals = open_signals(SIGUSR1, 0);
    for (int i = 0; i < 20; i++) {
        asyncio_task task = asyncio_create_task(next_in_task, signals);
        if (i % 2)
            let_others_run();
        if (i % 3)
            raise(SIGUSR1);
        if (i % 5)
            let_a_turn_pass();
        asyncio_task_cancel(task);
        int result = asyncio_await(task);
        let_a_turn_pass();
        ck_assert(result == SIGUSR1 || result == -ECANCELED);
        if (i % 3 && result != SIGUSR1)
            ck_assert_int_eq(asyncio_signals_next(signals), SIGUSR1);
        if (!(i % 3))
            ck_assert_int_eq(result, -ECANCELED);
    }
    asyncio_signals_close(signals);
}

SCENARIO(closed_under_those_who_wait_it_is_ebadf)
{
    asyncio_task tasks[3];
    asyncio_signals *signals = open_signals(SIGUSR1, SIGUSR2);
    for (int i = 0; i < 3; i++)
        tasks[i] = asyncio_create_task(next_in_task, signals);
    let_others_run();
    asyncio_signals_close(signals);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(asyncio_await(tasks[i]), -EBADF);
    ck_assert(is_default(SIGUSR1));
}

static asyncio_signals *left_open;

static int leave_open(void *arg)
{
    (void)arg;
    left_open = open_signals(SIGUSR1, SIGUSR2);
    return 0;
}

static int use_another_loops(void *arg)
{
    (void)arg;
    return asyncio_signals_next(left_open) == -EXDEV ? 0 : -EIO;
}

START_TEST(one_may_be_closed_when_its_loop_has_ended)
{
    ck_assert_int_eq(asyncio_run(leave_open, NULL), 0);
    ck_assert(is_default(SIGUSR1));
    ck_assert_int_eq(asyncio_run(use_another_loops, NULL), 0);
    ck_assert_int_eq(asyncio_signals_next(left_open), -EPERM);
    asyncio_signals_close(left_open);
}
END_TEST

/* ---- what cannot be had ---- */

SCENARIO(signals_that_cannot_be_caught_are_refused)
{
    const int wrong[] = {0, -1, 65, SIGKILL, SIGSTOP, SIGSEGV};
    asyncio_signals *signals = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        const int signos[] = {SIGUSR1, wrong[i]};
        ck_assert_int_eq(asyncio_signals_open(signos, 2, &signals), -EINVAL);
        ck_assert_int_eq(asyncio_signal_wait(&wrong[i], 1), -EINVAL);
        ck_assert(is_default(SIGUSR1));
    }
    ck_assert_int_eq(asyncio_signals_open(wrong, 0, &signals), -EINVAL);
    ck_assert_int_eq(asyncio_signals_open(NULL, 1, &signals), -EINVAL);
    ck_assert_ptr_null(signals);
}

static void ignore_arg(void *arg)
{
    (void)arg;
}

SCENARIO(a_callback_and_a_handle_do_not_share)
{
    const int signo = SIGUSR1;
    asyncio_signals *signals = NULL;
    ck_assert_int_eq(asyncio_add_signal_handler(signo, ignore_arg, NULL), 0);
    ck_assert_int_eq(asyncio_signals_open(&signo, 1, &signals), -EEXIST);
    ck_assert_int_eq(asyncio_remove_signal_handler(signo), 0);
    ck_assert_int_eq(asyncio_signals_open(&signo, 1, &signals), 0);
    ck_assert_int_eq(asyncio_add_signal_handler(signo, ignore_arg, NULL),
                     -EEXIST);
    ck_assert_int_eq(asyncio_remove_signal_handler(signo), -ESRCH);
    asyncio_signals_close(signals);
}

SCENARIO(an_opening_that_fails_leaves_nothing_behind)
{
    const int signos[] = {SIGUSR1, SIGUSR2, SIGHUP};
    for (uint64_t n = 1;; n++) {
        asyncio_signals *signals = NULL;
        fault_arm(FAULT_ANY, n);
        int err = asyncio_signals_open(signos, 3, &signals);
        bool has_struck = fault_disarm() >= n;
        if (err == 0)
            asyncio_signals_close(signals);
        for (size_t i = 0; i < ARRAY_SIZE(signos); i++)
            ck_assert(is_default(signos[i]));
        if (!has_struck)
            break;
        ck_assert_int_lt(err, 0);
    }
}

START_TEST(outside_of_loops_it_is_eperm)
{
    const int signo = SIGUSR1;
    asyncio_signals *signals;
    ck_assert_int_eq(asyncio_signals_open(&signo, 1, &signals), -EPERM);
    ck_assert_int_eq(asyncio_signal_wait(&signo, 1), -EPERM);
}
END_TEST

/* ---- Ctrl-C ---- */

static int take_ctrl_c(void *arg)
{
    (void)arg;
    asyncio_signals *signals = open_signals(SIGINT, SIGTERM);
    for (int i = 0; i < 5; i++) {
        start_raise(SIGINT);
        ck_assert_int_eq(asyncio_signals_next(signals), SIGINT);
    }
    raise(SIGINT);
    raise(SIGINT);
    let_a_turn_pass();
    ck_assert_int_eq(asyncio_check_cancelled(), 0);
    asyncio_signals_close(signals);
    ck_assert(is_default(SIGINT));
    return 0;
}

START_TEST(a_handle_takes_the_place_of_the_runners_answer)
{
    signal(SIGINT, SIG_DFL);
    ck_assert_int_eq(asyncio_run(take_ctrl_c, NULL), 0);
    ck_assert(is_default(SIGINT));
}
END_TEST

/* The way of a server: the first Ctrl-C asks it to end. */
static int end_in_order(void *arg)
{
    const int signos[] = {SIGINT, SIGTERM};
    (void)arg;
    start_raise(SIGINT);
    ck_assert_int_eq(asyncio_signal_wait(signos, 2), SIGINT);
    ck_assert_int_eq(asyncio_sleep(TICK), 0);
    raise(SIGINT);               /* the second ends the process */
    return 0;
}

START_TEST(a_second_ctrl_c_kills)
{
    signal(SIGINT, SIG_DFL);
    struct outcome outcome = run_in_child(end_in_order);
    assert_died(&outcome, SIGINT);
}
END_TEST

static int be_interrupted(void *arg)
{
    (void)arg;
    asyncio_signals *signals = open_signals(SIGTERM, 0);
    raise(SIGINT);
    int err = asyncio_signals_next(signals);
    asyncio_signals_close(signals);
    return err;
}

START_TEST(ctrl_c_cancels_a_wait_for_other_signals)
{
    if (rig_is_virtual())
        return;                  /* a wait for ever: -EDEADLK comes first */
    signal(SIGINT, SIG_DFL);
    ck_assert_int_eq(asyncio_run(be_interrupted, NULL), -EINTR);
}
END_TEST

/* ---- other loops ---- */

static atomic_int listening;

static int listen_once(void *arg)
{
    (void)arg;
    asyncio_signals *signals = open_signals(SIGUSR2, 0);
    atomic_fetch_add(&listening, 1);
    int signo = asyncio_signals_next(signals);
    asyncio_signals_close(signals);
    return signo;
}

static void *run_listener(void *arg)
{
    ck_assert_int_eq(asyncio_run(listen_once, NULL), SIGUSR2);
    return arg;
}

START_TEST(every_loop_hears_it)
{
    pthread_t threads[4];
    if (rig_is_virtual())
        return;
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        threads[i] = thread_start(run_listener, NULL);
    await_count(&listening, ARRAY_SIZE(threads));
    kill(getpid(), SIGUSR2);
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        thread_join(threads[i]);
    ck_assert(is_default(SIGUSR2));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("signal_wait");
    suite_case(suite, a_signal_is_waited_for);
    suite_case(suite, what_comes_between_two_waits_is_not_lost);
    suite_case(suite, several_arrivals_are_one);
    suite_case(suite, one_may_be_waited_for_without_a_handle);
    suite_case(suite, named_twice_it_comes_once);
    suite_case(suite, a_signal_wakes_a_sleeping_loop);
    suite_case(suite, each_handle_has_its_own);
    suite_case(suite, of_those_at_one_handle_the_first_has_it);
    suite_case(suite, a_cancel_loses_none);
    suite_case(suite, closed_under_those_who_wait_it_is_ebadf);
    suite_case(suite, one_may_be_closed_when_its_loop_has_ended);
    suite_case(suite, signals_that_cannot_be_caught_are_refused);
    suite_case(suite, a_callback_and_a_handle_do_not_share);
    suite_case(suite, an_opening_that_fails_leaves_nothing_behind);
    suite_case(suite, outside_of_loops_it_is_eperm);
    suite_case(suite, a_handle_takes_the_place_of_the_runners_answer);
    suite_case(suite, a_second_ctrl_c_kills);
    suite_case(suite, ctrl_c_cancels_a_wait_for_other_signals);
    suite_case(suite, every_loop_hears_it);
    return suite;
}
