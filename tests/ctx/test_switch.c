/* SPDX-License-Identifier: MIT */
/* Contexts and the switch between them. */
#include "suite.h"

#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>

#define CHECK(condition) ck_assert(condition)
#include "scenarios.h"

START_TEST(registers_survive_a_switch)
{
    scenario_registers();
}
END_TEST

START_TEST(a_context_starts_aligned_on_its_own_stack)
{
    scenario_first_look();
}
END_TEST

START_TEST(a_context_may_stop_deep_in_a_recursion)
{
    scenario_recursion();
}
END_TEST

START_TEST(thousands_run_side_by_side)
{
    /* ThreadSanitizer knows 8128 fibers at most, and is slow at it. */
    scenario_crowd(CTX_TSAN ? 500 : 5000);
}
END_TEST

START_TEST(contexts_may_switch_among_themselves)
{
    scenario_circle();
}
END_TEST

START_TEST(a_stack_is_used_again_at_once)
{
    scenario_begin();
    void *first_top = NULL;
    for (int i = 0; i < 5000; i++) {
        struct coroutine one = {.seed = 1, .steps = 0};
        coroutine_start(&one, count_body);
        if (!first_top)
            first_top = one.top;
        ck_assert_ptr_eq(one.top, first_top);
        ctx_switch(&scenario_main, &one.ctx);
        ck_assert(one.is_done);
        coroutine_end(&one);
    }
    scenario_end();
}
END_TEST

START_TEST(a_context_that_never_ran_can_be_released)
{
    scenario_begin();
    struct coroutine one = {.seed = 1};
    coroutine_start(&one, count_body);
    coroutine_end(&one);
    scenario_end();
}
END_TEST

/* ---- the end of the stack, for debuggers ---- */

static int frame_count;

static void backtrace_body(void *arg)
{
    void *frames[64];
    frame_count = backtrace(frames, ARRAY_SIZE(frames));
    coroutine_finish(arg);
}

START_TEST(a_backtrace_ends_where_the_context_began)
{
    scenario_begin();
    struct coroutine one = {.seed = 1};
    coroutine_start(&one, backtrace_body);
    ctx_switch(&scenario_main, &one.ctx);
    coroutine_end(&one);
    scenario_end();
    ck_assert_int_ge(frame_count, 1);
    ck_assert_int_le(frame_count, 8);
}
END_TEST

/* ---- signals in between ---- */

static volatile sig_atomic_t alarms;

static void on_alarm(int signo)
{
    (void)signo;
    volatile char frame[2048];
    for (size_t i = 0; i < sizeof(frame); i++)
        frame[i] = (char)0xff;
    alarms++;
}

START_TEST(a_signal_may_come_at_any_instruction)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval often = {{0, 100}, {0, 100}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 100 || alarms < 200; i++)
        scenario_registers();
    struct itimerval never = {0};
    setitimer(ITIMER_REAL, &never, NULL);
}
END_TEST

/* ---- threads ---- */

enum { THREADS = 4, ROUNDS = 20000 };

/* Two contexts of one thread. */
struct pair {
    struct ctx native;
    struct ctx other;
    long turns;
};

static void pair_body(void *arg)
{
    struct pair *pair = arg;
    for (int i = 0; i < ROUNDS; i++) {
        pair->turns++;
        ctx_switch(&pair->other, &pair->native);
    }
    ctx_exit(&pair->other, &pair->native);
}

static void *pair_thread(void *arg)
{
    struct pair *pair = arg;
    struct stack_pool pool;
    ck_assert_int_eq(stack_pool_init(&pool, STACK_SIZE_MIN, 0), 0);
    void *top = stack_take(&pool);
    ck_assert_ptr_nonnull(top);
    ctx_init_native(&pair->native);
    ctx_make(&pair->other, stack_range(&pool, top), pair_body, pair);
    for (int i = 0; i < ROUNDS; i++) {
        ctx_switch(&pair->native, &pair->other);
        ck_assert_int_eq(pair->turns, i + 1);
    }
    ctx_switch(&pair->native, &pair->other);
    ctx_release(&pair->other);
    ctx_fini_native(&pair->native);
    stack_give(&pool, top);
    stack_pool_fini(&pool);
    return NULL;
}

START_TEST(each_thread_has_its_own_contexts)
{
    static struct pair pairs[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, pair_thread, &pairs[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(pairs[i].turns, ROUNDS);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("switch");
    suite_case(suite, registers_survive_a_switch);
    suite_case(suite, a_context_starts_aligned_on_its_own_stack);
    suite_case(suite, a_context_may_stop_deep_in_a_recursion);
    suite_case(suite, thousands_run_side_by_side);
    suite_case(suite, contexts_may_switch_among_themselves);
    suite_case(suite, a_stack_is_used_again_at_once);
    suite_case(suite, a_context_that_never_ran_can_be_released);
    suite_case(suite, a_backtrace_ends_where_the_context_began);
    suite_case(suite, a_signal_may_come_at_any_instruction);
    suite_case(suite, each_thread_has_its_own_contexts);
    return suite;
}
