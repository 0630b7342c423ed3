/* SPDX-License-Identifier: MIT */
/* Ctrl-C: the first cancels the main task, the second ends the process. */
#include "rig.h"

static void (*action_of_sigint(void))(int)
{
    struct sigaction action;
    ck_assert_int_eq(sigaction(SIGINT, NULL, &action), 0);
    ck_assert(!(action.sa_flags & SA_SIGINFO));
    return action.sa_handler;
}

/* On the virtual clock too the interrupted call must be one that ends. */
static int be_interrupted(void *arg)
{
    (void)arg;
    raise(SIGINT);
    int err;
    do
        err = asyncio_sleep(TICK);
    while (err == 0);
    return err;
}

static int return_at_once(void *arg)
{
    (void)arg;
    return 0;
}

START_TEST(ctrl_c_cancels_the_main_task_and_the_run_is_eintr)
{
    ck_assert_int_eq(asyncio_run(be_interrupted, NULL), -EINTR);
}
END_TEST

START_TEST(the_default_action_is_back_after_each_run)
{
    ck_assert(action_of_sigint() == SIG_DFL);
    ck_assert_int_eq(asyncio_run(return_at_once, NULL), 0);
    ck_assert(action_of_sigint() == SIG_DFL);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(asyncio_run(be_interrupted, NULL), -EINTR);
        ck_assert(action_of_sigint() == SIG_DFL);
    }
    ck_assert_int_eq(asyncio_run(return_at_once, NULL), 0);
}
END_TEST

static int be_interrupted_but_return(void *arg)
{
    ck_assert_int_eq(be_interrupted(NULL), -ECANCELED);
    return *(int *)arg;
}

START_TEST(a_main_that_swallows_it_returns_its_own_result)
{
    int results[] = {0, 7, -EIO};
    for (size_t i = 0; i < ARRAY_SIZE(results); i++)
        ck_assert_int_eq(asyncio_run(be_interrupted_but_return, &results[i]),
                         results[i]);
}
END_TEST

START_TEST(a_runner_goes_on_after_ctrl_c)
{
    asyncio_runner *runner;
    double tick = TICK;
    ck_assert_int_eq(asyncio_runner_new(NULL, &runner), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(asyncio_runner_run(runner, be_interrupted, NULL),
                         -EINTR);
        ck_assert_int_eq(asyncio_runner_run(runner, sleep_seconds, &tick), 0);
    }
    asyncio_runner_free(runner);
    ck_assert(action_of_sigint() == SIG_DFL);
}
END_TEST

static int children_ended;

static int wait_and_clean_up(void *arg)
{
    struct asyncio_shield shield;
    int err = asyncio_sleep(ASYNCIO_FOREVER);
    ck_assert_int_eq(asyncio_shield_begin(&shield, ASYNCIO_FOREVER), 0);
    ck_assert_int_eq(asyncio_sleep(*(double *)arg), 0);
    children_ended++;
    return asyncio_shield_end(&shield, err);
}

static int gather_and_be_interrupted(void *arg)
{
    asyncio_task tasks[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = asyncio_create_task(wait_and_clean_up, arg);
    ck_assert_int_eq(asyncio_sleep(0), 0);
    raise(SIGINT);
    return asyncio_gather(tasks, 3, NULL);
}

START_TEST(ctrl_c_reaches_the_children_and_waits_for_their_cleanup)
{
    double tick = TICK;
    if (rig_is_virtual())        /* a sleep for ever and nothing else: */
        return;                  /* -EDEADLK comes before a signal */
    ck_assert_int_eq(asyncio_run(gather_and_be_interrupted, &tick), -EINTR);
    ck_assert_int_eq(children_ended, 3);
}
END_TEST

static void *interrupt_after_a_while(void *arg)
{
    pause_thread(*(double *)arg);
    kill(getpid(), SIGINT);
    return NULL;
}

static int sleep_until_interrupted(void *arg)
{
    pthread_t thread = thread_start(interrupt_after_a_while, arg);
    int err = asyncio_sleep(20);
    thread_join(thread);
    return err;
}

START_TEST(ctrl_c_wakes_a_sleeping_loop)
{
    double pause = 0.02;
    if (rig_is_virtual())
        return;
    double start = asyncio_time();
    ck_assert_int_eq(asyncio_run(sleep_until_interrupted, &pause), -EINTR);
    ck_assert_double_lt(asyncio_time() - start, 10);
}
END_TEST

/* ---- the second ---- */

static int interrupt_twice(void *arg)
{
    (void)arg;
    ck_assert_int_eq(be_interrupted(NULL), -ECANCELED);
    raise(SIGINT);
    return 0;
}

static int spin_through_two(void *arg)
{
    (void)arg;
    raise(SIGINT);
    raise(SIGINT);
    return 0;
}

static int sleep_in_shield_through_two(void *arg)
{
    struct asyncio_shield shield;
    (void)arg;
    ck_assert_int_eq(be_interrupted(NULL), -ECANCELED);
    ck_assert_int_eq(asyncio_shield_begin(&shield, ASYNCIO_FOREVER), 0);
    double pause = 0.02;
    pthread_t thread = thread_start(interrupt_after_a_while, &pause);
    asyncio_sleep(rig_is_virtual() ? 0 : 10);
    thread_join(thread);
    return asyncio_shield_end(&shield, 0);
}

START_TEST(a_second_ctrl_c_kills)
{
    asyncio_fn *mains[] = {interrupt_twice, spin_through_two,
                           sleep_in_shield_through_two};
    for (size_t i = 0; i < ARRAY_SIZE(mains); i++) {
        struct outcome outcome = run_in_child(mains[i]);
        assert_died(&outcome, SIGINT);
        assert_silent(&outcome);
    }
}
END_TEST

/* ---- when it is left alone ---- */

static int raise_and_sleep(void *arg)
{
    (void)arg;
    raise(SIGINT);
    raise(SIGINT);
    return asyncio_sleep(TICK);
}

START_TEST(ctrl_c_that_is_ignored_stays_so)
{
    signal(SIGINT, SIG_IGN);
    ck_assert_int_eq(asyncio_run(raise_and_sleep, NULL), 0);
    ck_assert(action_of_sigint() == SIG_IGN);
}
END_TEST

static volatile sig_atomic_t own_calls;

static void own_handler(int signo)
{
    (void)signo;
    own_calls++;
}

START_TEST(a_handler_of_the_programs_own_stays)
{
    signal(SIGINT, own_handler);
    ck_assert_int_eq(asyncio_run(raise_and_sleep, NULL), 0);
    ck_assert_int_eq(own_calls, 2);
    ck_assert(action_of_sigint() == own_handler);
}
END_TEST

static int default_is_untouched(void *arg)
{
    (void)arg;
    ck_assert(action_of_sigint() == SIG_DFL);
    return 0;
}

static void *run_untouched(void *arg)
{
    ck_assert_int_eq(asyncio_run(default_is_untouched, NULL), 0);
    return arg;
}

START_TEST(another_thread_leaves_it_alone)
{
    thread_join(thread_start(run_untouched, NULL));
}
END_TEST

START_TEST(ignore_sigint_leaves_it_alone)
{
    struct asyncio_runner_options options = {.ignore_sigint = true};
    asyncio_runner *runner;
    ck_assert_int_eq(asyncio_runner_new(&options, &runner), 0);
    ck_assert_int_eq(asyncio_runner_run(runner, default_is_untouched, NULL), 0);
    asyncio_runner_free(runner);
}
END_TEST

/* ---- a handler of the loop's own ---- */

static void note_interrupt(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
}

static int handle_interrupts(void *arg)
{
    (void)arg;
    atomic_int count = 0;
    ck_assert_int_eq(asyncio_add_signal_handler(SIGINT, note_interrupt, &count),
                     0);
    ck_assert_int_eq(asyncio_add_signal_handler(SIGINT, note_interrupt, &count),
                     -EEXIST);
    for (int i = 1; i <= 5; i++) {
        raise(SIGINT);
        task_await_count(&count, i);
    }
    raise(SIGINT);
    raise(SIGINT);
    task_await_count(&count, 6);
    return asyncio_check_cancelled();
}

START_TEST(a_handler_of_ones_own_replaces_the_runners)
{
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(asyncio_run(handle_interrupts, NULL), 0);
        ck_assert(action_of_sigint() == SIG_DFL);
    }
    ck_assert_int_eq(asyncio_run(be_interrupted, NULL), -EINTR);
}
END_TEST

static int replace_and_remove(void *arg)
{
    atomic_int count = 0;
    (void)arg;
    ck_assert_int_eq(asyncio_add_signal_handler(SIGINT, note_interrupt, &count),
                     0);
    ck_assert_int_eq(asyncio_remove_signal_handler(SIGINT), 0);
    ck_assert_int_eq(asyncio_remove_signal_handler(SIGINT), -ESRCH);
    ck_assert(action_of_sigint() == SIG_DFL);
    return 0;
}

START_TEST(removing_it_brings_back_what_was_before_the_run)
{
    ck_assert_int_eq(asyncio_run(replace_and_remove, NULL), 0);
    ck_assert(action_of_sigint() == SIG_DFL);
}
END_TEST

/* ---- other loops ---- */

static atomic_int listening, heard, may_end;

static int listen_until_told(void *arg)
{
    (void)arg;
    ck_assert_int_eq(asyncio_add_signal_handler(SIGINT, note_interrupt, &heard),
                     0);
    atomic_store(&listening, 1);
    task_await_count(&may_end, 1);
    return 0;
}

static void *run_listener(void *arg)
{
    ck_assert_int_eq(asyncio_run(listen_until_told, NULL), 0);
    return arg;
}

START_TEST(another_loops_handler_hears_it_beside_the_main_task)
{
    pthread_t thread = thread_start(run_listener, NULL);
    await_count(&listening, 1);
    /* Not at its default any more: the run leaves it to the listener. */
    ck_assert_int_eq(asyncio_run(raise_and_sleep, NULL), 0);
    await_count(&heard, 1);
    atomic_store(&may_end, 1);
    thread_join(thread);
    ck_assert(action_of_sigint() == SIG_DFL);
}
END_TEST

/* Check has a handler of its own, which its forked cases inherit. */
static void setup(void)
{
    signal(SIGINT, SIG_DFL);
}

static void add(Suite *suite, const TTest *test)
{
    TCase *tcase = tcase_create(test->name);
    tcase_set_timeout(tcase, SUITE_CASE_SECONDS);
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, test);
    suite_add_tcase(suite, tcase);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("interrupt");
    add(suite, ctrl_c_cancels_the_main_task_and_the_run_is_eintr);
    add(suite, the_default_action_is_back_after_each_run);
    add(suite, a_main_that_swallows_it_returns_its_own_result);
    add(suite, a_runner_goes_on_after_ctrl_c);
    add(suite, ctrl_c_reaches_the_children_and_waits_for_their_cleanup);
    add(suite, ctrl_c_wakes_a_sleeping_loop);
    add(suite, a_second_ctrl_c_kills);
    add(suite, ctrl_c_that_is_ignored_stays_so);
    add(suite, a_handler_of_the_programs_own_stays);
    add(suite, another_thread_leaves_it_alone);
    add(suite, ignore_sigint_leaves_it_alone);
    add(suite, a_handler_of_ones_own_replaces_the_runners);
    add(suite, removing_it_brings_back_what_was_before_the_run);
    add(suite, another_loops_handler_hears_it_beside_the_main_task);
    return suite;
}
