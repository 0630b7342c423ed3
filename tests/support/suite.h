/* SPDX-License-Identifier: MIT */
/*
 * The frame of a unit test.
 *
 * A test file is a list of cases and one function that collects them:
 *
 *     #include "suite.h"
 *
 *     #include "base/list.h"
 *
 *     START_TEST(empty_list_has_no_first)
 *     {
 *         ck_assert_ptr_null(...);
 *     }
 *     END_TEST
 *
 *     Suite *test_suite(void)
 *     {
 *         Suite *suite = suite_create("list");
 *         suite_case(suite, empty_list_has_no_first);
 *         return suite;
 *     }
 *
 * main() is in suite.c: every case runs in a process of its own (Check's
 * CK_FORK), so a crash or a failed assertion is one failed case. Asserting on
 * another stack than the one the case began on is fine: a failure leaves by
 * exiting the process.
 */
#ifndef SUPPORT_SUITE_H
#define SUPPORT_SUITE_H

#include <check.h>

/* The one function that each test file defines. */
Suite *test_suite(void);

/* The wall-clock limit of one case: not the time that it should take. */
#define SUITE_CASE_SECONDS 30

/* Adds one case, under its own name. */
#define suite_case(suite, test) suite_case_add(suite, test, 0, 0)

/* Adds one case that must end by `signal`, as a failed assertion does. */
#define suite_case_signal(suite, test, signal)                                 \
    suite_case_add(suite, test, signal, 0)

/* Adds one case that must end by exiting with `status`. */
#define suite_case_exit(suite, test, status)                                   \
    suite_case_add(suite, test, 0, status)

void suite_case_add(Suite *suite, const TTest *test, int signal, int status);

/* Says why on stderr and ends the whole program as skipped (status 77). */
_Noreturn void suite_skip(const char *why);

#endif
