/* SPDX-License-Identifier: MIT */
/* Mappings: zero at first, zero again after a discard, and really gone. */
#include "suite.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fault.h"
#include "sys/sys.h"

/* Whether the page is in core. */
static bool is_resident(void *page)
{
    unsigned char resident;
    ck_assert_int_eq(mincore(page, sys_page_size(), &resident), 0);
    return resident & 1;
}

START_TEST(a_mapping_is_zero_and_untouched)
{
    size_t size = 16 * sys_page_size();
    char *memory = sys_map(size);
    ck_assert_ptr_nonnull(memory);
    ck_assert(!is_resident(memory));
    memory[0] = 1;
    ck_assert(is_resident(memory));
    ck_assert(!is_resident(memory + sys_page_size()));
    ck_assert_int_eq(memory[size - 1], 0);
    sys_unmap(memory, size);
}
END_TEST

START_TEST(a_discarded_page_is_given_back_and_reads_as_zero)
{
    size_t size = 4 * sys_page_size();
    char *memory = sys_map(size);
    ck_assert_ptr_nonnull(memory);
    memset(memory, 7, size);
    ck_assert_int_eq(sys_discard(memory, size / 2), 0);
    ck_assert(!is_resident(memory));
    ck_assert(is_resident(memory + size / 2));
    ck_assert_int_eq(memory[0], 0);
    ck_assert_int_eq(memory[size / 2], 7);
    sys_unmap(memory, size);
}
END_TEST

START_TEST(address_space_is_not_memory)
{
    size_t size = (size_t)1 << 35; /* as much as valgrind has left */
    char *memory = sys_map(size);
    ck_assert_ptr_nonnull(memory);
    memory[size - 1] = 1;
    sys_unmap(memory, size);
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
    ck_assert_ptr_null(sys_map((size_t)1 << 60));
    fault_arm(FAULT_MEMORY, 1);
    ck_assert_ptr_null(sys_map(4096));
    fault_arm(FAULT_SYSCALL, 1);
    ck_assert_int_eq(sys_discard(NULL, 4096), -ENOMEM);
    fault_disarm();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("memory");
    suite_case(suite, a_mapping_is_zero_and_untouched);
    suite_case(suite, a_discarded_page_is_given_back_and_reads_as_zero);
    suite_case(suite, address_space_is_not_memory);
    suite_case(suite, what_does_not_fit_is_refused);
    return suite;
}
