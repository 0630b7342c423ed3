/* SPDX-License-Identifier: MIT */
/* While there are loops nobody dies of SIGPIPE, and afterwards all is as it
 * was. */
#include "rig.h"

typedef void disposition(int signo);

static disposition *sigpipe_now(void)
{
    struct sigaction now;
    ck_assert_int_eq(sigaction(SIGPIPE, NULL, &now), 0);
    return now.sa_handler;
}

static void write_to_nobody(void)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    ck_assert_int_eq(write(ends[1], "x", 1), -1);
    ck_assert_int_eq(errno, EPIPE);
    close(ends[1]);
}

static int write_to_nobody_main(void *arg)
{
    (void)arg;
    write_to_nobody();
    return 0;
}

START_TEST(it_is_ignored_during_the_run_and_default_after_it)
{
    signal(SIGPIPE, SIG_DFL);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(asyncio_run(write_to_nobody_main, NULL), 0);
        ck_assert_ptr_eq(sigpipe_now(), SIG_DFL);
    }
}
END_TEST

START_TEST(it_is_ignored_as_long_as_there_is_a_runner)
{
    asyncio_runner *first, *second;
    signal(SIGPIPE, SIG_DFL);
    ck_assert_int_eq(asyncio_runner_new(NULL, &first), 0);
    ck_assert_int_eq(asyncio_runner_new(NULL, &second), 0);
    asyncio_runner_free(first);
    write_to_nobody();
    asyncio_runner_free(second);
    ck_assert_ptr_eq(sigpipe_now(), SIG_DFL);
}
END_TEST

static volatile sig_atomic_t sigpipes;

static void on_sigpipe(int signo)
{
    sigpipes += signo == SIGPIPE;
}

static int find_own_handler(void *arg)
{
    (void)arg;
    ck_assert_ptr_eq(sigpipe_now(), on_sigpipe);
    write_to_nobody();
    return 0;
}

START_TEST(a_handler_of_the_programs_own_is_left_alone)
{
    signal(SIGPIPE, on_sigpipe);
    ck_assert_int_eq(asyncio_run(find_own_handler, NULL), 0);
    ck_assert_int_eq(sigpipes, 1);
    ck_assert_ptr_eq(sigpipe_now(), on_sigpipe);
}
END_TEST

START_TEST(ignored_before_it_stays_ignored)
{
    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(asyncio_run(write_to_nobody_main, NULL), 0);
    ck_assert_ptr_eq(sigpipe_now(), SIG_IGN);
}
END_TEST

static int install_own_handler(void *arg)
{
    (void)arg;
    signal(SIGPIPE, on_sigpipe);
    return 0;
}

START_TEST(a_handler_that_is_installed_during_the_run_stays)
{
    signal(SIGPIPE, SIG_DFL);
    ck_assert_int_eq(asyncio_run(install_own_handler, NULL), 0);
    ck_assert_ptr_eq(sigpipe_now(), on_sigpipe);
}
END_TEST

static int watch_it_in_the_loop(void *arg)
{
    (void)arg;
    note_count = 0;
    ck_assert_int_eq(
        asyncio_add_signal_handler(SIGPIPE, note_arg, number(1)), 0);
    write_to_nobody();
    let_a_turn_pass();
    ASSERT_NOTES(1);
    ck_assert_int_eq(asyncio_remove_signal_handler(SIGPIPE), 0);
    write_to_nobody();
    return 0;
}

START_TEST(a_loop_may_watch_it)
{
    signal(SIGPIPE, SIG_DFL);
    ck_assert_int_eq(asyncio_run(watch_it_in_the_loop, NULL), 0);
    ck_assert_ptr_eq(sigpipe_now(), SIG_DFL);
}
END_TEST

static int fork_a_child(void *arg)
{
    (void)arg;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(sigpipe_now() == SIG_DFL ? 0 : 1);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    write_to_nobody();
    return 0;
}

START_TEST(a_forked_child_has_the_default)
{
    signal(SIGPIPE, SIG_DFL);
    ck_assert_int_eq(asyncio_run(fork_a_child, NULL), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("sigpipe");
    suite_case(suite, it_is_ignored_during_the_run_and_default_after_it);
    suite_case(suite, it_is_ignored_as_long_as_there_is_a_runner);
    suite_case(suite, a_handler_of_the_programs_own_is_left_alone);
    suite_case(suite, ignored_before_it_stays_ignored);
    suite_case(suite, a_handler_that_is_installed_during_the_run_stays);
    suite_case(suite, a_loop_may_watch_it);
    suite_case(suite, a_forked_child_has_the_default);
    return suite;
}
