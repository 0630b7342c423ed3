/* SPDX-License-Identifier: MIT */
/* The clock only goes forward, and at the pace of seconds. */
#include "suite.h"

#include <time.h>

#include "sys/sys.h"

START_TEST(time_never_goes_back)
{
    uint64_t before = sys_now_ns();
    for (int i = 0; i < 100000; i++) {
        uint64_t now = sys_now_ns();
        ck_assert_uint_ge(now, before);
        before = now;
    }
}
END_TEST

START_TEST(it_is_the_monotonic_clock)
{
    struct timespec ts;
    uint64_t before = sys_now_ns();
    clock_gettime(CLOCK_MONOTONIC, &ts);
    uint64_t after = sys_now_ns();
    uint64_t now = (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
    ck_assert_uint_le(before, now);
    ck_assert_uint_le(now, after);
}
END_TEST

START_TEST(a_thread_sleeps_at_least_as_long_as_asked)
{
    uint64_t before = sys_now_ns();
    sys_thread_sleep(3 * NSEC_PER_MSEC);
    ck_assert_uint_ge(sys_now_ns() - before, 3 * NSEC_PER_MSEC);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("clock");
    suite_case(suite, time_never_goes_back);
    suite_case(suite, it_is_the_monotonic_clock);
    suite_case(suite, a_thread_sleeps_at_least_as_long_as_asked);
    return suite;
}
