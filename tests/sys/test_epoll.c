/* SPDX-License-Identifier: MIT */
/* epoll: events with their data, and timeouts finer than a millisecond. */
#include "suite.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>

#include "base/fault.h"
#include "sys/sys.h"

static int epfd;
static struct epoll_event events[4];

static void setup(void)
{
    epfd = sys_epoll_create();
    ck_assert_int_ge(epfd, 0);
}

/* How long a wait for nothing takes. */
static uint64_t time_wait(uint64_t timeout_ns)
{
    uint64_t before = sys_now_ns();
    ck_assert_int_eq(sys_epoll_wait(epfd, events, 4, timeout_ns), 0);
    return sys_now_ns() - before;
}

START_TEST(an_event_comes_with_its_data)
{
    const uint64_t data = UINT64_C(0x123456789abcdef0);
    int fd = sys_eventfd();
    setup();
    ck_assert_int_eq(
        sys_epoll_ctl(epfd, EPOLL_CTL_ADD, fd, EPOLLIN, data), 0);
    ck_assert_int_eq(sys_epoll_wait(epfd, events, 4, 0), 0);
    sys_eventfd_signal(fd);
    ck_assert_int_eq(sys_epoll_wait(epfd, events, 4, NSEC_NEVER), 1);
    ck_assert_uint_eq(events[0].data.u64, data);
    ck_assert_uint_eq(events[0].events, EPOLLIN);
}
END_TEST

START_TEST(errors_are_negative)
{
    int fd = sys_eventfd();
    setup();
    ck_assert_int_eq(sys_epoll_ctl(epfd, EPOLL_CTL_MOD, fd, EPOLLIN, 0),
                     -ENOENT);
    ck_assert_int_eq(sys_epoll_wait(fd, events, 4, 0), -EINVAL);
    fault_arm(FAULT_SYSCALL, 1);
    ck_assert_int_eq(sys_epoll_create(), -EMFILE);
    fault_arm(FAULT_SYSCALL, 1);
    ck_assert_int_lt(sys_epoll_ctl(epfd, EPOLL_CTL_ADD, fd, 0, 0), 0);
    fault_arm(FAULT_SYSCALL, 1);
    ck_assert_int_lt(sys_epoll_wait(epfd, events, 4, 0), 0);
    fault_disarm();
}
END_TEST

START_TEST(it_never_waits_too_short)
{
    setup();
    ck_assert_uint_ge(time_wait(300 * 1000), 300 * 1000);
    ck_assert_uint_ge(time_wait(2 * NSEC_PER_MSEC), 2 * NSEC_PER_MSEC);
    ck_assert_uint_ge(time_wait(2500 * 1000), 2500 * 1000);
    time_wait(0);
}
END_TEST

START_TEST(short_waits_are_short)
{
    setup();
    uint64_t shortest = NSEC_NEVER;
    for (int i = 0; i < 20; i++) {
        uint64_t time = time_wait(100 * 1000);
        shortest = time < shortest ? time : shortest;
    }
    /* 100 us; a whole millisecond where epoll_pwait2 is missing. */
    ck_assert_uint_lt(shortest, 5 * NSEC_PER_MSEC);
}
END_TEST

static void on_alarm(int signo)
{
    (void)signo;
}

/* Again and again, since the first may come before the wait has begun. */
static void send_alarms(void)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval often = {{0, 2000}, {0, 2000}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
}

START_TEST(a_signal_ends_the_wait)
{
    setup();
    send_alarms();
    ck_assert_int_eq(sys_epoll_wait(epfd, events, 4, NSEC_NEVER), -EINTR);
}
END_TEST

START_TEST(huge_timeouts_do_not_wrap_round)
{
    static const uint64_t timeouts[] = {
        NSEC_NEVER - 1, NSEC_PER_SEC << 31, (NSEC_PER_SEC << 32) + 1};
    setup();
    send_alarms();
    for (size_t i = 0; i < ARRAY_SIZE(timeouts); i++)
        ck_assert_int_eq(sys_epoll_wait(epfd, events, 4, timeouts[i]), -EINTR);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("epoll");
    suite_case(suite, an_event_comes_with_its_data);
    suite_case(suite, errors_are_negative);
    suite_case(suite, it_never_waits_too_short);
    suite_case(suite, short_waits_are_short);
    suite_case(suite, a_signal_ends_the_wait);
    suite_case(suite, huge_timeouts_do_not_wrap_round);
    return suite;
}
