/* SPDX-License-Identifier: MIT */
/*
 * Running off a stack: the task and the size of its stack are named on
 * standard error, then the process dies of SIGSEGV. Any other SIGSEGV is none
 * of the library's business.
 */
#include "rig.h"

#include <pthread.h>

static const char overflow_words[] = "asyncio: stack overflow in ";

/* ---- ways to run off ---- */

/* More than any stack has. */
static volatile int depth_max = 1 << 30;

/* Small frames, one after the other. */
static __attribute__((noinline)) int descend(int depth)
{
    volatile char frame[256];
    frame[0] = (char)depth;
    int below = depth < depth_max ? descend(depth + 1) : 0;
    return below + frame[0];
}

/* One frame that is larger than a common guard page. */
static __attribute__((noinline)) int hop(void)
{
    volatile char frame[60 * 1024];
    /* The compiler cannot know that nobody looks at the rest of it. */
    __asm__ volatile("" : : "r"(frame) : "memory");
    frame[0] = 1;
    return frame[0];
}

/* Down to just above the guard, then over it. */
static __attribute__((noinline)) int descend_and_hop(char *top, size_t usable)
{
    volatile char frame[256];
    __asm__ volatile("" : : "r"(frame) : "memory");
    frame[0] = 1;
    if ((size_t)(top - (char *)frame) < usable - 2048)
        return descend_and_hop(top, usable) + frame[0];
    return hop() + frame[0];
}

static int run_off(void *arg)
{
    (void)arg;
    return descend(0);
}

static int run_off_named(void *arg)
{
    asyncio_task_set_name(asyncio_current_task(), "reader of the deep");
    return run_off(arg);
}

/* Beneath the control block, which is staggered, a few KiB are left for the
 * last step. */
static int run_off_by_a_hop(void *arg)
{
    char top;
    (void)arg;
    return descend_and_hop(&top, 192 * 1024 - 4 * 1024);
}

/* ---- children ---- */

static void expect_overflow(const struct outcome *outcome, const char *who,
                            const char *size)
{
    char words[128];
    assert_died(outcome, SIGSEGV);
    snprintf(words, sizeof words, "%s%s: its stack has %s bytes",
             overflow_words, who, size);
    assert_said(outcome, words);
}

static void expect_plain_death(const struct outcome *outcome)
{
    assert_died(outcome, SIGSEGV);
    assert_silent(outcome);
}

START_TEST(the_main_task_is_named)
{
    struct outcome outcome = run_in_child(run_off_named);
    expect_overflow(&outcome, "reader of the deep", "196608");
}
END_TEST

static int start_nameless(void *arg)
{
    return asyncio_await(asyncio_create_task(run_off, arg));
}

START_TEST(a_task_without_a_name_has_its_number)
{
    struct outcome outcome = run_in_child(start_nameless);
    expect_overflow(&outcome, "task-1", "196608");
}
END_TEST

static int start_small(void *arg)
{
    const struct asyncio_task_options options = {
        .name = "small",
        .stack_size = 32 * 1024,
    };
    return asyncio_await(asyncio_create_task_with(run_off, arg, &options));
}

START_TEST(a_task_with_its_own_stack_size)
{
    struct outcome outcome = run_in_child(start_small);
    expect_overflow(&outcome, "small", "24576");
}
END_TEST

/* Not the first on its stack, and others stand beside it. */
static int start_crowd(void *arg)
{
    asyncio_task crowd[100];
    double seconds = 1000;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < ARRAY_SIZE(crowd); i++)
            crowd[i] = asyncio_create_task(sleep_seconds, &seconds);
        if (round)
            break;
        asyncio_sleep(0);
        for (size_t i = 0; i < ARRAY_SIZE(crowd); i++)
            asyncio_task_cancel(crowd[i]);
        asyncio_gather(crowd, ARRAY_SIZE(crowd), NULL);
    }
    const struct asyncio_task_options options = {.name = "one of many"};
    return asyncio_await(asyncio_create_task_with(run_off, arg, &options));
}

START_TEST(a_task_in_a_crowd)
{
    struct outcome outcome = run_in_child(start_crowd);
    expect_overflow(&outcome, "one of many", "196608");
}
END_TEST

static int start_hop(void *arg)
{
    const struct asyncio_task_options options = {.name = "hopper"};
    return asyncio_await(
        asyncio_create_task_with(run_off_by_a_hop, arg, &options));
}

START_TEST(a_local_of_60_kib_does_not_hop_the_guard)
{
    struct outcome outcome = run_in_child(start_hop);
    expect_overflow(&outcome, "hopper", "196608");
}
END_TEST

static void overflow_on_mprotect(void *arg)
{
    sys_guard_force_mprotect(true);
    asyncio_run(arg ? start_small : start_hop, NULL);
}

START_TEST(guards_by_mprotect)
{
    struct outcome outcome = in_child(overflow_on_mprotect, NULL);
    expect_overflow(&outcome, "hopper", "196608");
    outcome = in_child(overflow_on_mprotect, &outcome);
    expect_overflow(&outcome, "small", "24576");
}
END_TEST

/* ---- threads ---- */

static int run_one_after_another(void *arg)
{
    TRY(asyncio_sleep(0.001));
    return start_small(arg);
}

static void *run_in_thread(void *arg)
{
    asyncio_run(run_one_after_another, arg);
    return NULL;
}

static void overflow_in_a_thread(void *arg)
{
    pthread_t thread;
    pthread_create(&thread, NULL, run_in_thread, arg);
    pthread_join(thread, NULL);
}

START_TEST(a_loop_in_another_thread)
{
    struct outcome outcome = in_child(overflow_in_a_thread, NULL);
    expect_overflow(&outcome, "small", "24576");
}
END_TEST

/* The handler is the process's: the loop that ends first leaves it to the
 * others. */
static void *run_briefly(void *arg)
{
    (void)arg;
    int value = 0;
    asyncio_run(return_value, &value);
    return NULL;
}

static int overflow_after_a_neighbour(void *arg)
{
    pthread_t thread;
    pthread_create(&thread, NULL, run_briefly, NULL);
    pthread_join(thread, NULL);
    return start_small(arg);
}

START_TEST(a_loop_that_outlives_another)
{
    struct outcome outcome = run_in_child(overflow_after_a_neighbour);
    expect_overflow(&outcome, "small", "24576");
}
END_TEST

/* ---- what is none of it ---- */

static int *volatile nowhere;

static int write_nowhere(void *arg)
{
    (void)arg;
    *nowhere = 1;
    return 0;
}

START_TEST(a_plain_fault_in_a_task_kills_plainly)
{
    struct outcome outcome = run_in_child(write_nowhere);
    expect_plain_death(&outcome);
}
END_TEST

static void fault_in_callback(void *arg)
{
    write_nowhere(arg);
}

static int call_fault(void *arg)
{
    TRY(asyncio_call_soon(fault_in_callback, arg, NULL));
    return asyncio_sleep(0.001);
}

START_TEST(a_fault_outside_of_tasks_kills_plainly)
{
    struct outcome outcome = run_in_child(call_fault);
    expect_plain_death(&outcome);
}
END_TEST

static int fault_after_the_run(void *arg)
{
    (void)arg;
    return 0;
}

static void fault_after(void *arg)
{
    asyncio_run(fault_after_the_run, arg);
    write_nowhere(arg);
}

START_TEST(a_fault_after_the_run_kills_plainly)
{
    struct outcome outcome = in_child(fault_after, NULL);
    expect_plain_death(&outcome);
}
END_TEST

static int raise_segv(void *arg)
{
    (void)arg;
    raise(SIGSEGV);
    return 0;
}

START_TEST(a_signal_that_is_sent_kills_plainly)
{
    struct outcome outcome = run_in_child(raise_segv);
    expect_plain_death(&outcome);
}
END_TEST

/* ---- the program's own handler ---- */

static const char own_words[] = "own handler\n";

static void own_handler(int signo)
{
    (void)signo;
    ssize_t len = write(STDERR_FILENO, own_words, sizeof own_words - 1);
    _exit(len > 0 ? 42 : 43);
}

/* On a stack of its own, as anybody who handles overflows does. */
static void own_handler_install(void)
{
    static char stack[64 * 1024];
    const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {
        .sa_handler = own_handler,
        .sa_flags = SA_ONSTACK,
    };
    sigaltstack(&alternate, NULL);
    sigaction(SIGSEGV, &action, NULL);
}

static void overflow_with_own_handler(void *arg)
{
    own_handler_install();
    asyncio_run(arg ? write_nowhere : run_off, NULL);
}

START_TEST(the_programs_own_handler_is_left_alone)
{
    struct outcome outcome = in_child(overflow_with_own_handler, NULL);
    assert_exited(&outcome, 42);
    ck_assert_str_eq(outcome.said, own_words);
    outcome = in_child(overflow_with_own_handler, &outcome);
    assert_exited(&outcome, 42);
    ck_assert_str_eq(outcome.said, own_words);
}
END_TEST

static int install_late(void *arg)
{
    (void)arg;
    own_handler_install();
    return 0;
}

static void fault_with_late_handler(void *arg)
{
    asyncio_run(install_late, NULL);
    asyncio_run(install_late, NULL);
    stack_t now;
    if (sigaltstack(NULL, &now) < 0 || now.ss_flags & SS_DISABLE)
        _exit(1);
    write_nowhere(arg);
}

START_TEST(a_handler_that_is_installed_during_the_run_stays)
{
    struct outcome outcome = in_child(fault_with_late_handler, NULL);
    assert_exited(&outcome, 42);
    ck_assert_str_eq(outcome.said, own_words);
}
END_TEST

static void overflow_with_own_altstack(void *arg)
{
    static char stack[64 * 1024];
    const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alternate, NULL);
    int value = 0;
    asyncio_run(return_value, &value);
    stack_t now;
    if (sigaltstack(NULL, &now) < 0 || now.ss_sp != stack)
        _exit(1);
    asyncio_run(start_small, arg);
}

START_TEST(the_programs_own_alternate_stack_serves)
{
    struct outcome outcome = in_child(overflow_with_own_altstack, NULL);
    expect_overflow(&outcome, "small", "24576");
}
END_TEST

static void check_ignored(void *arg)
{
    struct sigaction now;
    int value = 0;
    (void)arg;
    signal(SIGSEGV, SIG_IGN);
    asyncio_run(return_value, &value);
    _exit(sigaction(SIGSEGV, NULL, &now) < 0 || now.sa_handler != SIG_IGN);
}

START_TEST(an_ignored_sigsegv_stays_ignored)
{
    struct outcome outcome = in_child(check_ignored, NULL);
    assert_exited(&outcome, 0);
}
END_TEST

Suite *test_suite(void)
{
    if (is_under_tools())
        suite_skip("sanitizers and valgrind handle SIGSEGV themselves");
    Suite *suite = suite_create("stack");
    suite_case(suite, the_main_task_is_named);
    suite_case(suite, a_task_without_a_name_has_its_number);
    suite_case(suite, a_task_with_its_own_stack_size);
    suite_case(suite, a_task_in_a_crowd);
    suite_case(suite, a_local_of_60_kib_does_not_hop_the_guard);
    suite_case(suite, guards_by_mprotect);
    suite_case(suite, a_loop_in_another_thread);
    suite_case(suite, a_loop_that_outlives_another);
    suite_case(suite, a_plain_fault_in_a_task_kills_plainly);
    suite_case(suite, a_fault_outside_of_tasks_kills_plainly);
    suite_case(suite, a_fault_after_the_run_kills_plainly);
    suite_case(suite, a_signal_that_is_sent_kills_plainly);
    suite_case(suite, the_programs_own_handler_is_left_alone);
    suite_case(suite, a_handler_that_is_installed_during_the_run_stays);
    suite_case(suite, the_programs_own_alternate_stack_serves);
    suite_case(suite, an_ignored_sigsegv_stays_ignored);
    return suite;
}
