/* SPDX-License-Identifier: MIT */
/* Stacks: their bounds and guards, the order they are reused in, growing. */
#include "suite.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/mem.h"
#include "ctx/stack.h"
#include "sys/sys.h"

enum { MANY = 3000 };

static struct stack_pool pool;
static void *tops[MANY];

static void take(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tops[i] = stack_take(&pool);
        ck_assert_ptr_nonnull(tops[i]);
    }
}

static void give(size_t count)
{
    while (count > 0)
        stack_give(&pool, tops[--count]);
}

static void setup(size_t size, unsigned flags)
{
    ck_assert_int_eq(stack_pool_init(&pool, size, flags), 0);
}

/* ---- sizes ---- */

START_TEST(absurd_sizes_are_refused)
{
    static const size_t sizes[] = {0, 1, STACK_SIZE_MIN - 1,
                                   STACK_SIZE_MAX + 1, SIZE_MAX};
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
        ck_assert_int_eq(stack_pool_init(&pool, sizes[i], 0), -EINVAL);
    ck_assert_int_eq(
        stack_pool_init(&pool, STACK_SIZE_MIN_DENSE - 1, STACK_DENSE), -EINVAL);
    setup(STACK_SIZE_MIN, 0);
    setup(STACK_SIZE_MAX, 0);
    setup(STACK_SIZE_MIN_DENSE, STACK_DENSE);
}
END_TEST

START_TEST(sizes_are_rounded_up_to_pages)
{
    size_t page = sys_page_size();
    setup(64 * page + 1, 0);
    ck_assert_uint_eq(pool.size, 65 * page);
    setup(STACK_SIZE_MIN_DENSE + 1, STACK_DENSE);
    ck_assert_uint_eq(pool.size, STACK_SIZE_MIN_DENSE + 64);
}
END_TEST

START_TEST(the_guard_is_64_kib_or_a_quarter)
{
    setup(STACK_SIZE_DEFAULT, 0);
    ck_assert_uint_eq(pool.guard, STACK_GUARD);
    setup(STACK_SIZE_MAX, 0);
    ck_assert_uint_eq(pool.guard, STACK_GUARD);
    setup(STACK_GUARD * 2, 0);
    ck_assert_uint_eq(pool.guard, STACK_GUARD / 2);
    setup(STACK_GUARD, STACK_DENSE);
    ck_assert_uint_eq(pool.guard, 0);
}
END_TEST

START_TEST(an_unused_pool_has_nothing_to_give_back)
{
    uint64_t before = mem_alloc_count();
    setup(STACK_SIZE_DEFAULT, 0);
    ck_assert(!stack_pool_trim(&pool));
    stack_pool_fini(&pool);
    ck_assert_uint_eq(mem_alloc_count(), before);
}
END_TEST

/* ---- the stacks ---- */

static int compare_pointers(const void *a, const void *b)
{
    uintptr_t x = *(const uintptr_t *)a;
    uintptr_t y = *(const uintptr_t *)b;
    return (x > y) - (x < y);
}

/* Takes MANY, writes to both ends of each, and sees that none overlaps. */
static void check_many(size_t size, unsigned flags)
{
    setup(size, flags);
    take(MANY);
    ck_assert_ptr_nonnull(pool.slabs);
    ck_assert_uint_ge(pool.total, MANY);
    for (size_t i = 0; i < MANY; i++) {
        struct ctx_stack stack = stack_range(&pool, tops[i]);
        ck_assert_ptr_eq(stack.top, tops[i]);
        ck_assert_uint_eq((uintptr_t)stack.top % 64, 0);
        memcpy((char *)stack.top - sizeof(i), &i, sizeof(i));
        memcpy(stack.low, &i, sizeof(i));
    }
    for (size_t i = 0; i < MANY; i++) {
        struct ctx_stack stack = stack_range(&pool, tops[i]);
        ck_assert_mem_eq((char *)stack.top - sizeof(i), &i, sizeof(i));
        ck_assert_mem_eq(stack.low, &i, sizeof(i));
    }
    qsort(tops, MANY, sizeof(tops[0]), compare_pointers);
    for (size_t i = 1; i < MANY; i++)
        ck_assert_uint_ge((size_t)((char *)tops[i] - (char *)tops[i - 1]),
                          pool.size);
    give(MANY);
    stack_pool_fini(&pool);
}

START_TEST(stacks_are_writable_and_apart_across_slabs)
{
    check_many(STACK_SIZE_DEFAULT, 0);
    check_many(STACK_SIZE_MIN, 0);
    check_many((size_t)4 << 20, 0);
}
END_TEST

START_TEST(dense_stacks_are_writable_and_apart)
{
    check_many(STACK_SIZE_MIN_DENSE, STACK_DENSE);
    check_many(STACK_SIZE_MIN_DENSE + 192, STACK_DENSE);
    check_many(STACK_SIZE_DEFAULT, STACK_DENSE);
}
END_TEST

START_TEST(mprotected_stacks_work_the_same)
{
    sys_guard_force_mprotect(true);
    check_many(STACK_SIZE_DEFAULT, 0);
}
END_TEST

/* 0, or the signal that a child dies of when it writes there. */
static int signal_of_touch(char *place)
{
    pid_t child = fork();
    if (child == 0) {
        /* Sanitizers would turn the signal into an exit. */
        signal(SIGSEGV, SIG_DFL);
        *(volatile char *)place = 1;
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void check_guards(void)
{
    for (size_t i = 0; i < 100; i += 33) {
        struct ctx_stack stack = stack_range(&pool, tops[i]);
        char *low = stack.low;
        ck_assert_int_eq(signal_of_touch(low), 0);
        ck_assert_int_eq(signal_of_touch(low - 1), SIGSEGV);
        ck_assert_int_eq(signal_of_touch(low - pool.guard), SIGSEGV);
    }
}

START_TEST(running_off_a_stack_faults)
{
    for (int force = 0; force < 2; force++) {
        sys_guard_force_mprotect(force);
        setup(STACK_SIZE_DEFAULT, 0);
        take(100);
        check_guards();
        give(100);
        stack_pool_trim(&pool);
        stack_pool_trim(&pool);
        take(100);
        check_guards();
        give(100);
        stack_pool_fini(&pool);
    }
}
END_TEST

/* ---- order ---- */

START_TEST(the_hottest_stack_is_taken_first)
{
    setup(STACK_SIZE_DEFAULT, 0);
    take(30);
    stack_give(&pool, tops[7]);
    stack_give(&pool, tops[3]);
    stack_give(&pool, tops[21]);
    ck_assert_ptr_eq(stack_take(&pool), tops[21]);
    ck_assert_ptr_eq(stack_take(&pool), tops[3]);
    ck_assert_ptr_eq(stack_take(&pool), tops[7]);
    give(30);
    stack_pool_fini(&pool);
}
END_TEST

START_TEST(growing_early_puts_new_stacks_below_the_hot_ones)
{
    setup(STACK_SIZE_DEFAULT, 0);
    take(3);
    give(3);
    void *hottest = tops[0];
    size_t before = pool.free_count;
    ck_assert_int_eq(stack_pool_grow(&pool), 0);
    ck_assert_uint_gt(pool.free_count, before);
    ck_assert_ptr_eq(stack_take(&pool), hottest);
    stack_give(&pool, hottest);
    stack_pool_fini(&pool);
}
END_TEST

START_TEST(a_warm_take_asks_the_system_for_nothing)
{
    setup(STACK_SIZE_DEFAULT, 0);
    take(100);
    give(100);
    fault_arm(FAULT_ANY, UINT64_MAX);
    for (int i = 0; i < 10; i++) {
        take(100);
        give(100);
    }
    ck_assert_uint_eq(fault_disarm(), 0);
    stack_pool_fini(&pool);
}
END_TEST

START_TEST(the_first_stack_is_cheap)
{
    setup(STACK_SIZE_DEFAULT, 0);
    take(1);
    ck_assert_uint_le(pool.total, 16);
    give(1);
    stack_pool_fini(&pool);
}
END_TEST

/* ---- failure ---- */

/* Takes until the pool has grown several times; gives up at a failure. */
static size_t take_until_failure(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tops[i] = stack_take(&pool);
        if (!tops[i])
            return i;
    }
    return count;
}

/* Fails the 1st, the 2nd, the 3rd ... ask, until there are no more of them. */
static void fail_each(size_t size, unsigned flags)
{
    size_t taken = 0;
    for (uint64_t n = 1; taken < 200; n++) {
        setup(size, flags);
        fault_arm(FAULT_ANY, n);
        taken = take_until_failure(200);
        uint64_t asks = fault_disarm();
        ck_assert_int_eq(taken < 200, asks >= n);
        /* What failed once works now, and nothing is lost. */
        give(taken);
        take(200);
        give(200);
        stack_pool_fini(&pool);
    }
}

START_TEST(every_failure_leaves_a_pool_that_works)
{
    fail_each(STACK_SIZE_DEFAULT, 0);
    fail_each(STACK_SIZE_MIN_DENSE, STACK_DENSE);
}
END_TEST

START_TEST(without_address_space_there_is_no_stack_but_no_harm)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
    setup((size_t)16 << 20, 0);
    take(10);
    struct rlimit tight = {(rlim_t)1 << 30, limit.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &tight), 0);
    size_t taken = take_until_failure(MANY);
    ck_assert_uint_lt(taken, MANY);
    ck_assert_ptr_null(stack_take(&pool));
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    void *top = stack_take(&pool);
    ck_assert_ptr_nonnull(top);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("stack");
    suite_case(suite, absurd_sizes_are_refused);
    suite_case(suite, sizes_are_rounded_up_to_pages);
    suite_case(suite, the_guard_is_64_kib_or_a_quarter);
    suite_case(suite, an_unused_pool_has_nothing_to_give_back);
    suite_case(suite, stacks_are_writable_and_apart_across_slabs);
    suite_case(suite, dense_stacks_are_writable_and_apart);
    suite_case(suite, mprotected_stacks_work_the_same);
    suite_case(suite, running_off_a_stack_faults);
    suite_case(suite, the_hottest_stack_is_taken_first);
    suite_case(suite, growing_early_puts_new_stacks_below_the_hot_ones);
    suite_case(suite, a_warm_take_asks_the_system_for_nothing);
    suite_case(suite, the_first_stack_is_cheap);
    suite_case(suite, every_failure_leaves_a_pool_that_works);
    /* Sanitizers have terabytes of address space in use. */
    if (!CTX_MARKED && !sanitizer_on_valgrind())
        suite_case(suite, without_address_space_there_is_no_stack_but_no_harm);
    return suite;
}
