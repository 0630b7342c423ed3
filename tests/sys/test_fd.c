/* SPDX-License-Identifier: MIT */
/* Descriptors: born close-on-exec, errors as negative errno, EINTR hidden. */
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/fault.h"
#include "sys/sys.h"

static int fds[2];

static void open_pipe(void)
{
    ck_assert_int_eq(sys_pipe(fds), 0);
}

static bool is_cloexec(int fd)
{
    return fcntl(fd, F_GETFD) & FD_CLOEXEC;
}

START_TEST(descriptors_are_close_on_exec_from_birth)
{
    open_pipe();
    ck_assert(is_cloexec(fds[0]));
    ck_assert(is_cloexec(fds[1]));
    ck_assert(is_cloexec(sys_eventfd()));
}
END_TEST

START_TEST(bytes_go_through_a_pipe)
{
    char buf[8];
    open_pipe();
    ck_assert_int_eq(sys_read(fds[0], buf, sizeof(buf)), -EAGAIN);
    ck_assert_int_eq(sys_write(fds[1], "abc", 3), 3);
    ck_assert_int_eq(sys_read(fds[0], buf, sizeof(buf)), 3);
    ck_assert_mem_eq(buf, "abc", 3);
    sys_close(fds[1]);
    ck_assert_int_eq(sys_read(fds[0], buf, sizeof(buf)), 0);
    sys_close(fds[0]);
}
END_TEST

START_TEST(a_closed_descriptor_says_so)
{
    char buf[1];
    open_pipe();
    sys_close(fds[0]);
    ck_assert_int_eq(sys_read(fds[0], buf, 1), -EBADF);
    ck_assert_int_eq(sys_is_nonblocking(fds[0]), -EBADF);
    ck_assert_int_eq(sys_poll_now(fds[0], POLLIN), -EBADF);
}
END_TEST

START_TEST(closing_twice_aborts)
{
    open_pipe();
    sys_close(fds[0]);
    sys_close(fds[0]);
}
END_TEST

START_TEST(poll_tells_what_holds_now)
{
    open_pipe();
    ck_assert_int_eq(sys_poll_now(fds[0], POLLIN), 0);
    ck_assert_int_eq(sys_poll_now(fds[1], POLLOUT), POLLOUT);
    sys_write(fds[1], "x", 1);
    ck_assert_int_eq(sys_poll_now(fds[0], POLLIN), POLLIN);
    sys_close(fds[1]);
    ck_assert_int_eq(sys_poll_now(fds[0], POLLIN), POLLIN | POLLHUP);
}
END_TEST

START_TEST(nonblocking_is_seen)
{
    int blocking[2];
    open_pipe();
    ck_assert_int_eq(pipe(blocking), 0);
    ck_assert_int_eq(sys_is_nonblocking(fds[0]), 1);
    ck_assert_int_eq(sys_is_nonblocking(blocking[0]), 0);
}
END_TEST

START_TEST(nowait_never_blocks_on_a_blocking_pipe)
{
    int blocking[2];
    char buf[4];
    ck_assert_int_eq(pipe(blocking), 0);
    ck_assert_int_eq(sys_read_nowait(blocking[0], buf, 4), -EAGAIN);
    ck_assert_int_eq(sys_write_nowait(blocking[1], "abcd", 4), 4);
    ck_assert_int_eq(sys_read_nowait(blocking[0], buf, 4), 4);
    ck_assert_mem_eq(buf, "abcd", 4);
}
END_TEST

START_TEST(nowait_reads_what_the_page_cache_has)
{
    char path[] = "/tmp/casyncio-test-XXXXXX";
    char buf[8];
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    unlink(path);
    ck_assert_int_eq(sys_write(fd, "abcdef", 6), 6);
    ck_assert_int_eq(lseek(fd, 2, SEEK_SET), 2);
    ssize_t len = sys_read_nowait(fd, buf, sizeof(buf));
    if (len == -EOPNOTSUPP || len == -EAGAIN)
        return; /* this file system promises nothing */
    ck_assert_int_eq(len, 4);
    ck_assert_mem_eq(buf, "cdef", 4);
    ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 6);
}
END_TEST

START_TEST(an_eventfd_is_readable_from_signal_to_drain)
{
    int fd = sys_eventfd();
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(sys_poll_now(fd, POLLIN), 0);
    sys_eventfd_drain(fd);
    sys_eventfd_signal(fd);
    sys_eventfd_signal(fd);
    ck_assert_int_eq(sys_poll_now(fd, POLLIN), POLLIN);
    sys_eventfd_drain(fd);
    ck_assert_int_eq(sys_poll_now(fd, POLLIN), 0);
    sys_close(fd);
}
END_TEST

START_TEST(signalling_a_full_eventfd_neither_blocks_nor_touches_errno)
{
    int fd = sys_eventfd();
    const uint64_t full = UINT64_MAX - 1;
    ck_assert_int_eq(sys_write(fd, &full, sizeof(full)), sizeof(full));
    errno = ENOENT;
    sys_eventfd_signal(fd);
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

static void on_alarm(int signo)
{
    static int calls;
    (void)signo;
    if (++calls == 20) {
        ssize_t written = write(fds[1], "x", 1);
        (void)written;
    }
}

START_TEST(an_interrupted_read_is_taken_up_again)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval often = {{0, 1000}, {0, 1000}};
    char buf[1];
    ck_assert_int_eq(pipe(fds), 0);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    ck_assert_int_eq(sys_read(fds[0], buf, 1), 1);
    struct itimerval never = {0};
    setitimer(ITIMER_REAL, &never, NULL);
}
END_TEST

START_TEST(each_call_can_be_made_to_fail)
{
    char buf[1];
    open_pipe();
    for (int i = 0; i < 8; i++) {
        fault_arm(FAULT_SYSCALL, 1);
        int err = i == 0   ? (int)sys_read(fds[0], buf, 1)
                  : i == 1 ? (int)sys_write(fds[1], buf, 1)
                  : i == 2 ? (int)sys_read_nowait(fds[0], buf, 1)
                  : i == 3 ? (int)sys_write_nowait(fds[1], buf, 1)
                  : i == 4 ? sys_poll_now(fds[0], POLLIN)
                  : i == 5 ? sys_is_nonblocking(fds[0])
                  : i == 6 ? sys_eventfd()
                           : sys_pipe(fds);
        ck_assert_int_lt(err, 0);
        ck_assert_uint_eq(fault_disarm(), 1);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("fd");
    suite_case(suite, descriptors_are_close_on_exec_from_birth);
    suite_case(suite, bytes_go_through_a_pipe);
    suite_case(suite, a_closed_descriptor_says_so);
    suite_case_signal(suite, closing_twice_aborts, SIGABRT);
    suite_case(suite, poll_tells_what_holds_now);
    suite_case(suite, nonblocking_is_seen);
    suite_case(suite, nowait_never_blocks_on_a_blocking_pipe);
    suite_case(suite, nowait_reads_what_the_page_cache_has);
    suite_case(suite, an_eventfd_is_readable_from_signal_to_drain);
    suite_case(suite,
               signalling_a_full_eventfd_neither_blocks_nor_touches_errno);
    suite_case(suite, an_interrupted_read_is_taken_up_again);
    suite_case(suite, each_call_can_be_made_to_fail);
    return suite;
}
