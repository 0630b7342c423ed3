/* SPDX-License-Identifier: MIT */
/* The failure plan, and the allocator that obeys it. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"

START_TEST(unarmed_nothing_fails)
{
    for (int i = 0; i < 100; i++)
        ck_assert(!fault_strikes(FAULT_MEMORY));
}
END_TEST

START_TEST(just_the_nth_ask_fails)
{
    for (uint64_t n = 1; n <= 5; n++) {
        fault_arm(FAULT_ANY, n);
        for (uint64_t ask = 1; ask <= 6; ask++)
            ck_assert_int_eq(fault_strikes(FAULT_SYSCALL), ask == n);
        ck_assert_uint_eq(fault_disarm(), 6);
    }
    ck_assert(!fault_strikes(FAULT_SYSCALL));
}
END_TEST

START_TEST(other_kinds_are_not_counted)
{
    fault_arm(FAULT_MEMORY, 2);
    ck_assert(!fault_strikes(FAULT_MEMORY));
    ck_assert(!fault_strikes(FAULT_SYSCALL));
    ck_assert(fault_strikes(FAULT_MEMORY));
    ck_assert_uint_eq(fault_disarm(), 2);
}
END_TEST

START_TEST(every_allocation_can_fail)
{
    fault_arm(FAULT_MEMORY, 1);
    ck_assert_ptr_null(mem_alloc(1));
    fault_arm(FAULT_MEMORY, 1);
    ck_assert_ptr_null(mem_zalloc(1));
    fault_disarm();

    char *block = mem_alloc(4);
    memcpy(block, "abc", 4);
    fault_arm(FAULT_MEMORY, 1);
    ck_assert_ptr_null(mem_realloc(block, 1000));
    fault_disarm();
    ck_assert_str_eq(block, "abc");
    mem_free(block);
}
END_TEST

START_TEST(allocations_are_counted)
{
    uint64_t before = mem_alloc_count();
    char *block = mem_zalloc(100);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(block[i], 0);
    block = mem_realloc(block, 200);
    mem_free(block);
    mem_free(NULL);
    ck_assert_uint_eq(mem_alloc_count(), before + 2);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("fault");
    suite_case(suite, unarmed_nothing_fails);
    suite_case(suite, just_the_nth_ask_fails);
    suite_case(suite, other_kinds_are_not_counted);
    suite_case(suite, every_allocation_can_fail);
    suite_case(suite, allocations_are_counted);
    return suite;
}
