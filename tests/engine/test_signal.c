/* SPDX-License-Identifier: MIT */
/* Signal handlers: delivered to every loop that asked, gone without trace. */
#include "rig.h"

#include <limits.h>

#include "base/fault.h"
#include "engine/loop.h"
#include "engine/signals.h"

static void count_arrival(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
}

static void add(int signo, atomic_int *count)
{
    ck_assert_int_eq(asyncio_add_signal_handler(signo, count_arrival, count),
                     0);
}

static struct sigaction action_of(int signo)
{
    struct sigaction action;
    ck_assert_int_eq(sigaction(signo, NULL, &action), 0);
    return action;
}

static void assert_default(int signo)
{
    struct sigaction action = action_of(signo);
    ck_assert(!(action.sa_flags & SA_SIGINFO));
    ck_assert(action.sa_handler == SIG_DFL);
}

/* ---- delivery ---- */

SCENARIO(a_handler_is_called_from_the_loop)
{
    atomic_int count = 0;
    add(SIGUSR1, &count);
    raise(SIGUSR1);
    ck_assert_int_eq(atomic_load(&count), 0);
    task_await_count(&count, 1);
    raise(SIGUSR1);
    task_await_count(&count, 2);
    let_a_turn_pass();
    ck_assert_int_eq(atomic_load(&count), 2);
    ck_assert_int_eq(asyncio_remove_signal_handler(SIGUSR1), 0);
}

SCENARIO(several_arrivals_before_a_turn_are_one_call)
{
    atomic_int count = 0;
    add(SIGUSR1, &count);
    for (int i = 0; i < 10; i++)
        raise(SIGUSR1);
    let_a_turn_pass();
    let_a_turn_pass();
    ck_assert_int_eq(atomic_load(&count), 1);
    ck_assert_int_eq(asyncio_remove_signal_handler(SIGUSR1), 0);
}

SCENARIO(each_signal_has_its_own_handler)
{
    int signals[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGTERM, SIGCHLD, SIGRTMIN, 63};
    atomic_int counts[ARRAY_SIZE(signals)];
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
        atomic_store(&counts[i], 0);
        add(signals[i], &counts[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
        raise(signals[i]);
        task_await_count(&counts[i], 1);
    }
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
        ck_assert_int_eq(atomic_load(&counts[i]), 1);
        ck_assert_int_eq(asyncio_remove_signal_handler(signals[i]), 0);
    }
}

static void *signal_after_a_while(void *arg)
{
    pause_thread(*(double *)arg);
    kill(getpid(), SIGUSR1);
    return NULL;
}

static asyncio_task sleeper;

static void cancel_sleeper(void *arg)
{
    (void)arg;
    asyncio_task_cancel(sleeper);
}

static int sleep_until_signalled(void *arg)
{
    double start = asyncio_time();
    sleeper = asyncio_create_task(sleep_for_ever, NULL);
    ck_assert_int_eq(asyncio_add_signal_handler(SIGUSR1, cancel_sleeper, NULL),
                     0);
    pthread_t thread = thread_start(signal_after_a_while, arg);
    ck_assert_int_eq(asyncio_await(sleeper), -ECANCELED);
    thread_join(thread);
    ck_assert_double_lt(asyncio_time() - start, 10);
    return 0;
}

START_TEST(a_signal_wakes_a_sleeping_loop)
{
    if (rig_is_virtual())
        return;                  /* its loop never sleeps */
    double pauses[] = {0, 0.0001, 0.02};
    for (int i = 0; i < 30; i++)
        ck_assert_int_eq(asyncio_run(sleep_until_signalled,
                                     &pauses[i % ARRAY_SIZE(pauses)]),
                         0);
}
END_TEST

/* ---- many loops ---- */

enum { THREADS = 4 };

static atomic_int listening, heard, may_end;

static void hear(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
    atomic_fetch_add(&heard, 1);
}

static int listen_until_told(void *arg)
{
    (void)arg;
    atomic_int mine = 0;
    ck_assert_int_eq(asyncio_add_signal_handler(SIGUSR2, hear, &mine), 0);
    atomic_fetch_add(&listening, 1);
    task_await_count(&may_end, 1);
    ck_assert_int_eq(atomic_load(&mine), 1);
    return asyncio_remove_signal_handler(SIGUSR2);
}

static void *run_listener(void *arg)
{
    ck_assert_int_eq(asyncio_run(listen_until_told, arg), 0);
    return NULL;
}

START_TEST(every_loop_that_asked_hears_it)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = thread_start(run_listener, NULL);
    await_count(&listening, THREADS);
    kill(getpid(), SIGUSR2);
    await_count(&heard, THREADS);
    atomic_store(&may_end, 1);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    ck_assert_int_eq(atomic_load(&heard), THREADS);
    assert_default(SIGUSR2);
}
END_TEST

static atomic_int storm_ended;

static void *storm(void *arg)
{
    while (!atomic_load(&storm_ended))
        kill(getpid(), SIGUSR2);
    return arg;
}

static int come_and_go(void *arg)
{
    (void)arg;
    atomic_int count = 0;
    add(SIGUSR2, &count);
    ck_assert_int_eq(asyncio_sleep(0), 0);
    return 0;
}

static void *run_come_and_go(void *arg)
{
    for (int i = 0; i < 200; i++)
        ck_assert_int_eq(asyncio_run(come_and_go, NULL), 0);
    return arg;
}

START_TEST(loops_come_and_go_in_a_storm_of_signals)
{
    pthread_t threads[THREADS], stormer;
    signal(SIGUSR2, SIG_IGN);
    stormer = thread_start(storm, NULL);
    for (int i = 0; i < THREADS; i++)
        threads[i] = thread_start(run_come_and_go, NULL);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    atomic_store(&storm_ended, 1);
    thread_join(stormer);
    ck_assert(action_of(SIGUSR2).sa_handler == SIG_IGN);
}
END_TEST

/* ---- what was there before ---- */

static volatile sig_atomic_t own_handler_calls;

static void own_handler(int signo)
{
    (void)signo;
    own_handler_calls++;
}

static void set_own_handler(int signo)
{
    struct sigaction action = {.sa_handler = own_handler,
                               .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGHUP);
    ck_assert_int_eq(sigaction(signo, &action, NULL), 0);
}

static void assert_own_handler(int signo)
{
    struct sigaction action = action_of(signo);
    ck_assert(action.sa_handler == own_handler);
    ck_assert(action.sa_flags & SA_RESTART);
    ck_assert_int_eq(sigismember(&action.sa_mask, SIGHUP), 1);
}

SCENARIO(removing_restores_what_was_there)
{
    atomic_int count = 0;
    set_own_handler(SIGUSR1);
    own_handler_calls = 0;
    for (int i = 0; i < 3; i++) {
        add(SIGUSR1, &count);
        raise(SIGUSR1);
        task_await_count(&count, i + 1);
        ck_assert_int_eq(own_handler_calls, i);
        ck_assert_int_eq(asyncio_remove_signal_handler(SIGUSR1), 0);
        assert_own_handler(SIGUSR1);
        raise(SIGUSR1);
        ck_assert_int_eq(own_handler_calls, i + 1);
    }
    let_a_turn_pass();
    ck_assert_int_eq(atomic_load(&count), 3);
}

static int add_and_return(void *arg)
{
    add(SIGUSR1, arg);
    add(SIGHUP, arg);
    return 0;
}

START_TEST(the_end_of_the_loop_removes_its_handlers)
{
    atomic_int count = 0;
    set_own_handler(SIGUSR1);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(asyncio_run(add_and_return, &count), 0);
        assert_own_handler(SIGUSR1);
        assert_default(SIGHUP);
    }
}
END_TEST

static void *add_remove_elsewhere(void *arg)
{
    ck_assert_int_eq(asyncio_run(add_and_return, arg), 0);
    return NULL;
}

SCENARIO(the_last_of_several_loops_restores)
{
    atomic_int count = 0, elsewhere = 0;
    signal(SIGUSR1, SIG_IGN);
    add(SIGUSR1, &count);
    thread_join(thread_start(add_remove_elsewhere, &elsewhere));
    raise(SIGUSR1);
    task_await_count(&count, 1);
    ck_assert_int_eq(asyncio_remove_signal_handler(SIGUSR1), 0);
    ck_assert(action_of(SIGUSR1).sa_handler == SIG_IGN);
    ck_assert_int_eq(atomic_load(&elsewhere), 0);
}

/* ---- bad use ---- */

SCENARIO(one_handler_for_each_signal_in_a_loop)
{
    atomic_int first = 0, second = 0;
    add(SIGUSR1, &first);
    ck_assert_int_eq(
        asyncio_add_signal_handler(SIGUSR1, count_arrival, &second), -EEXIST);
    raise(SIGUSR1);
    task_await_count(&first, 1);
    ck_assert_int_eq(asyncio_remove_signal_handler(SIGUSR1), 0);
    ck_assert_int_eq(asyncio_remove_signal_handler(SIGUSR1), -ESRCH);
    add(SIGUSR1, &second);
    raise(SIGUSR1);
    task_await_count(&second, 1);
    ck_assert_int_eq(atomic_load(&first), 1);
    ck_assert_int_eq(asyncio_remove_signal_handler(SIGUSR1), 0);
}

SCENARIO(signals_that_cannot_be_had_are_einval)
{
    int wrong[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE,  SIGILL,
                   0,       -1,      65,      1000,   INT_MIN, INT_MAX};
    atomic_int count = 0;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        ck_assert_int_eq(
            asyncio_add_signal_handler(wrong[i], count_arrival, &count),
            -EINVAL);
        ck_assert_int_eq(asyncio_remove_signal_handler(wrong[i]), -ESRCH);
    }
    /* The C library keeps these for itself. */
    ck_assert_int_eq(asyncio_add_signal_handler(32, count_arrival, &count),
                     -EINVAL);
    ck_assert_int_eq(asyncio_remove_signal_handler(32), -ESRCH);
    ck_assert_int_eq(asyncio_add_signal_handler(SIGUSR1, NULL, NULL), -EINVAL);
    ck_assert_int_eq(asyncio_remove_signal_handler(SIGUSR1), -ESRCH);
    ck_assert_int_eq(asyncio_remove_signal_handler(SIGINT), -ESRCH);
    assert_default(SIGUSR1);
}

START_TEST(outside_of_a_loop_it_is_eperm)
{
    atomic_int count = 0;
    ck_assert_int_eq(
        asyncio_add_signal_handler(SIGUSR1, count_arrival, &count), -EPERM);
    ck_assert_int_eq(asyncio_remove_signal_handler(SIGUSR1), -EPERM);
    assert_default(SIGUSR1);
}
END_TEST

SCENARIO(without_memory_nothing_has_changed)
{
    atomic_int count = 0;
    fault_arm(FAULT_MEMORY, 1);
    ck_assert_int_eq(
        asyncio_add_signal_handler(SIGUSR1, count_arrival, &count), -ENOMEM);
    fault_disarm();
    assert_default(SIGUSR1);
    for (uint64_t n = 1; n < 10; n++) {
        fault_arm(FAULT_SYSCALL, n);
        int err = asyncio_add_signal_handler(SIGUSR1, count_arrival, &count);
        uint64_t asked = fault_disarm();
        if (err == 0)
            ck_assert_uint_lt(asked, n);
        else
            assert_default(SIGUSR1);
        asyncio_remove_signal_handler(SIGUSR1);
    }
    add(SIGUSR1, &count);
    raise(SIGUSR1);
    task_await_count(&count, 1);
    ck_assert_int_eq(asyncio_remove_signal_handler(SIGUSR1), 0);
}

/* ---- in the handler ---- */

static int suspend_result;

static void act_in_handler(void *arg)
{
    atomic_int *count = arg;
    suspend_result = asyncio_sleep(0);
    ck_assert_int_eq(asyncio_remove_signal_handler(SIGUSR1), 0);
    ck_assert_int_eq(asyncio_call_soon(count_arrival, count, NULL), 0);
    if (atomic_fetch_add(count, 1) == 0)
        ck_assert_int_eq(
            asyncio_add_signal_handler(SIGUSR1, act_in_handler, count), 0);
}

SCENARIO(a_handler_removes_and_adds_itself_and_cannot_suspend)
{
    atomic_int count = 0;
    signal(SIGUSR1, SIG_IGN);
    suspend_result = 0;
    ck_assert_int_eq(
        asyncio_add_signal_handler(SIGUSR1, act_in_handler, &count),
                     0);
    raise(SIGUSR1);
    task_await_count(&count, 2);
    ck_assert_int_eq(suspend_result, -EPERM);
    raise(SIGUSR1);
    task_await_count(&count, 4);
    ck_assert_int_eq(asyncio_remove_signal_handler(SIGUSR1), -ESRCH);
    ck_assert(action_of(SIGUSR1).sa_handler == SIG_IGN);
}

/* ---- the table ---- */

static void ignore_watch(struct signal_watch *watch)
{
    (void)watch;
}

START_TEST(only_so_many_loops_can_watch)
{
    static struct asyncio_loop *loops[SIGNALS_LOOPS_MAX + 1];
    static struct signal_watch watches[SIGNALS_LOOPS_MAX + 1][2];
    struct loop_options options = {0};
    int last = SIGNALS_LOOPS_MAX;
    for (int i = 0; i <= last; i++) {
        ck_assert_int_eq(loop_new(&options, &loops[i]), 0);
        watches[i][0].on_signal = watches[i][1].on_signal = ignore_watch;
        int err = signal_watch_start(loops[i], &watches[i][0], SIGUSR1);
        ck_assert_int_eq(err, i < last ? 0 : -EMFILE);
    }
    ck_assert_int_eq(signal_watch_start(loops[0], &watches[0][1], SIGUSR2), 0);
    signal_watch_stop(loops[0], &watches[0][0]);
    ck_assert_int_eq(
        signal_watch_start(loops[last], &watches[last][0], SIGUSR1),
                     -EMFILE);
    signal_watch_stop(loops[0], &watches[0][1]);
    ck_assert_int_eq(
        signal_watch_start(loops[last], &watches[last][0], SIGUSR1),
                     0);
    for (int i = 0; i <= last; i++) {
        loop_close(loops[i]);
        loop_unref(loops[i]);
    }
    assert_default(SIGUSR1);
    assert_default(SIGUSR2);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("signal");
    suite_case(suite, a_handler_is_called_from_the_loop);
    suite_case(suite, several_arrivals_before_a_turn_are_one_call);
    suite_case(suite, each_signal_has_its_own_handler);
    suite_case(suite, a_signal_wakes_a_sleeping_loop);
    suite_case(suite, every_loop_that_asked_hears_it);
    suite_case(suite, loops_come_and_go_in_a_storm_of_signals);
    suite_case(suite, removing_restores_what_was_there);
    suite_case(suite, the_end_of_the_loop_removes_its_handlers);
    suite_case(suite, the_last_of_several_loops_restores);
    suite_case(suite, one_handler_for_each_signal_in_a_loop);
    suite_case(suite, signals_that_cannot_be_had_are_einval);
    suite_case(suite, outside_of_a_loop_it_is_eperm);
    suite_case(suite, without_memory_nothing_has_changed);
    suite_case(suite, a_handler_removes_and_adds_itself_and_cannot_suspend);
    suite_case(suite, only_so_many_loops_can_watch);
    return suite;
}
