/* SPDX-License-Identifier: MIT */
/*
 * What stacks cost in memory, and that it comes back: measured in resident
 * pages of the stacks themselves, and for the whole in what the kernel says
 * of the process.
 */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ctx/stack.h"
#include "sys/sys.h"

enum { CROWD = 5000 };

static struct stack_pool pool;
static void *tops[CROWD];

static void take_and_touch(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tops[i] = stack_take(&pool);
        ck_assert_ptr_nonnull(tops[i]);
        memset((char *)tops[i] - 512, 0x55, 512);
    }
}

static void give(size_t count)
{
    while (count > 0)
        stack_give(&pool, tops[--count]);
}

static void trim_fully(void)
{
    for (int calls = 0; stack_pool_trim(&pool); calls++)
        ck_assert_int_lt(calls, CROWD);
}

/* How many of the stacks have their top page in core. */
static size_t warm_count(size_t first, size_t count)
{
    size_t page = sys_page_size();
    size_t warm = 0;
    for (size_t i = first; i < first + count; i++) {
        uintptr_t last = ((uintptr_t)tops[i] - 1) / page * page;
        unsigned char resident;
        ck_assert_int_eq(mincore((char *)tops[i] - ((uintptr_t)tops[i] - last),
                                 page, &resident),
                         0);
        warm += resident & 1;
    }
    return warm;
}

static void setup(size_t size, unsigned flags)
{
    ck_assert_int_eq(stack_pool_init(&pool, size, flags), 0);
}

START_TEST(a_stack_that_was_only_carved_has_no_memory)
{
    setup(STACK_SIZE_DEFAULT, 0);
    for (size_t i = 0; i < CROWD; i++)
        ck_assert_ptr_nonnull(tops[i] = stack_take(&pool));
    ck_assert_uint_eq(warm_count(0, CROWD), 0);
    give(CROWD);
    stack_pool_fini(&pool);
}
END_TEST

START_TEST(a_crowd_that_has_left_gives_its_memory_back)
{
    setup(STACK_SIZE_DEFAULT, 0);
    take_and_touch(CROWD);
    ck_assert_uint_eq(warm_count(0, CROWD), CROWD);
    give(CROWD);
    /* All were needed a moment ago. */
    trim_fully();
    ck_assert_uint_eq(warm_count(0, CROWD), CROWD);
    trim_fully();
    ck_assert_uint_eq(warm_count(0, CROWD), 0);
    stack_pool_fini(&pool);
}
END_TEST

START_TEST(one_trim_is_short)
{
    setup(STACK_SIZE_DEFAULT, 0);
    take_and_touch(CROWD);
    give(CROWD);
    trim_fully();
    ck_assert(stack_pool_trim(&pool));
    size_t warm = warm_count(0, CROWD);
    ck_assert_uint_gt(warm, 0);
    ck_assert_uint_lt(warm, CROWD);
    trim_fully();
    stack_pool_fini(&pool);
}
END_TEST

START_TEST(stacks_in_use_and_stacks_just_used_stay_warm)
{
    setup(STACK_SIZE_DEFAULT, 0);
    take_and_touch(CROWD);
    /* The last ones stay away, the first ones are used between trims. */
    for (size_t i = CROWD - 100; i-- > 0;)
        stack_give(&pool, tops[i]);
    trim_fully();
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 50; i++)
            ck_assert_ptr_eq(stack_take(&pool), tops[i]);
        give(50);
        trim_fully();
    }
    ck_assert_uint_eq(warm_count(CROWD - 100, 100), 100);
    ck_assert_uint_eq(warm_count(0, 50), 50);
    ck_assert_uint_eq(warm_count(50, CROWD - 150), 0);
    for (size_t i = CROWD - 100; i < CROWD; i++)
        stack_give(&pool, tops[i]);
    stack_pool_fini(&pool);
}
END_TEST

START_TEST(trimmed_stacks_are_as_good_as_new)
{
    setup(STACK_SIZE_MIN, 0);
    for (int round = 0; round < 3; round++) {
        take_and_touch(CROWD);
        ck_assert_uint_eq(warm_count(0, CROWD), CROWD);
        give(CROWD);
        trim_fully();
        trim_fully();
        ck_assert_uint_eq(warm_count(0, CROWD), 0);
    }
    stack_pool_fini(&pool);
}
END_TEST

START_TEST(dense_stacks_go_when_their_whole_page_is_cold)
{
    setup(STACK_SIZE_MIN_DENSE, STACK_DENSE);
    take_and_touch(CROWD);
    /* Every fourth stays in use: so does, of two pages, the one it is on. */
    for (size_t i = 0; i < CROWD; i++)
        if (i % 4)
            stack_give(&pool, tops[i]);
    trim_fully();
    trim_fully();
    size_t warm = warm_count(0, CROWD);
    ck_assert_uint_ge(warm, CROWD / 2);
    ck_assert_uint_le(warm, CROWD / 2 + 200);
    for (size_t i = 0; i < CROWD; i += 4) {
        char *top = tops[i];
        ck_assert_int_eq(top[-1], 0x55);
        ck_assert_int_eq(top[-512], 0x55);
        stack_give(&pool, top);
    }
    trim_fully();
    trim_fully();
    /* What shares a page with the end of a slab or a chunk may stay. */
    ck_assert_uint_le(warm_count(0, CROWD), 200);
    stack_pool_fini(&pool);
}
END_TEST

/* Pages and page tables of this process, in bytes. */
static size_t process_memory(void)
{
    char line[256];
    size_t total = 0, kib;
    FILE *status = fopen("/proc/self/status", "r");
    ck_assert_ptr_nonnull(status);
    while (fgets(line, sizeof(line), status))
        if (sscanf(line, "VmRSS: %zu", &kib) == 1 ||
            sscanf(line, "VmPTE: %zu", &kib) == 1)
            total += kib * 1024;
    fclose(status);
    return total;
}

/* Bytes in all for each of `count` stacks that use one page. */
static size_t cost_of_each(size_t size, unsigned flags, size_t count)
{
    size_t before = process_memory();
    setup(size, flags);
    for (size_t i = 0; i < count; i++) {
        char *top = stack_take(&pool);
        ck_assert_ptr_nonnull(top);
        top[-1] = 1;
    }
    return (process_memory() - before) / count;
}

START_TEST(a_sleeper_costs_little_more_than_its_page)
{
    if (sys_page_size() != 4096)
        return;
    ck_assert_uint_le(cost_of_each(STACK_SIZE_DEFAULT, 0, 50000), 4680);
    ck_assert_uint_le(cost_of_each((size_t)64 * 1024, 0, 50000), 4280);
    ck_assert_uint_le(
        cost_of_each(STACK_SIZE_MIN_DENSE, STACK_DENSE, 50000), 2150);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("stack_memory");
    suite_case(suite, a_stack_that_was_only_carved_has_no_memory);
    suite_case(suite, a_crowd_that_has_left_gives_its_memory_back);
    suite_case(suite, one_trim_is_short);
    suite_case(suite, stacks_in_use_and_stacks_just_used_stay_warm);
    suite_case(suite, trimmed_stacks_are_as_good_as_new);
    suite_case(suite, dense_stacks_go_when_their_whole_page_is_cold);
    if (!CTX_MARKED && !sanitizer_on_valgrind())
        suite_case(suite, a_sleeper_costs_little_more_than_its_page);
    return suite;
}
