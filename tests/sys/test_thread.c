/* SPDX-License-Identifier: MIT */
/* Threads: started detached, with all signals blocked. */
#include "suite.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/fault.h"
#include "sys/sys.h"

static _Atomic int started;
static _Atomic int thread_id;
static _Atomic bool was_main;
static _Atomic bool was_blocked;
static _Atomic size_t stack_size;

static void note(void *arg)
{
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    pthread_attr_t attr;
    pthread_getattr_np(pthread_self(), &attr);
    size_t size;
    pthread_attr_getstacksize(&attr, &size);
    pthread_attr_destroy(&attr);
    stack_size = size;
    thread_id = sys_thread_id();
    was_main = sys_is_main_thread();
    was_blocked = sigismember(&mask, SIGINT) && sigismember(&mask, SIGTERM) &&
                  sigismember(&mask, SIGCHLD);
    *(int *)arg += 1;
    atomic_fetch_add(&started, 1);
}

static void wait_for(int count)
{
    while (atomic_load(&started) < count)
        sys_thread_sleep(NSEC_PER_MSEC / 10);
}

START_TEST(a_thread_runs_with_its_argument)
{
    int number = 41;
    ck_assert_int_eq(sys_thread_start(note, &number, 0), 0);
    wait_for(1);
    ck_assert_int_eq(number, 42);
    ck_assert_int_ne(thread_id, sys_thread_id());
    ck_assert(!was_main);
    ck_assert(sys_is_main_thread());
}
END_TEST

START_TEST(no_signal_is_delivered_to_it)
{
    int number = 0;
    ck_assert_int_eq(sys_thread_start(note, &number, 0), 0);
    wait_for(1);
    ck_assert(was_blocked);
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    ck_assert(!sigismember(&mask, SIGINT));
}
END_TEST

START_TEST(its_stack_has_the_size_asked_for)
{
    int number = 0;
    size_t size = (size_t)1 << 20;
    ck_assert_int_eq(sys_thread_start(note, &number, size), 0);
    wait_for(1);
    ck_assert_uint_ge(stack_size, size / 2);
    ck_assert_uint_le(stack_size, 2 * size);
    /* Too small a stack is made as large as it must be. */
    ck_assert_int_eq(sys_thread_start(note, &number, 1), 0);
    wait_for(2);
}
END_TEST

START_TEST(a_refusal_is_eagain)
{
    int number = 0;
    for (uint64_t n = 1; n <= 2; n++) {
        fault_arm(FAULT_ANY, n);
        ck_assert_int_eq(sys_thread_start(note, &number, 0), -EAGAIN);
        fault_disarm();
    }
    ck_assert_int_eq(sys_thread_start(note, &number, (size_t)1 << 62),
                     -EAGAIN);
    ck_assert_int_eq(started, 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("thread");
    suite_case(suite, a_thread_runs_with_its_argument);
    suite_case(suite, no_signal_is_delivered_to_it);
    suite_case(suite, its_stack_has_the_size_asked_for);
    suite_case(suite, a_refusal_is_eagain);
    return suite;
}
