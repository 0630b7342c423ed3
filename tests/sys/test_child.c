/* SPDX-License-Identifier: MIT */
/* Children: the pidfd tells of the end, the status is reaped once. */
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "sys/sys.h"

/* A child that waits for a byte, or the pipe's end, and exits with 7. */
static pid_t start_child(int *ret_fd)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(fds[1]);
        ssize_t len = read(fds[0], &byte, 1);
        _exit(len == 0 ? 7 : 8);
    }
    close(fds[0]);
    *ret_fd = fds[1];
    return child;
}

static int open_pidfd(pid_t child)
{
    int pidfd = sys_pidfd_open(child);
    ck_assert_int_ge(pidfd, 0);
    ck_assert(fcntl(pidfd, F_GETFD) & FD_CLOEXEC);
    return pidfd;
}

START_TEST(a_child_is_reaped_once_it_has_ended)
{
    int fd, status = -1;
    pid_t child = start_child(&fd);
    int pidfd = open_pidfd(child);
    ck_assert_int_eq(sys_wait_child(child, &status), 0);
    ck_assert_int_eq(status, -1);
    ck_assert_int_eq(sys_poll_now(pidfd, POLLIN), 0);
    close(fd);
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    ck_assert_int_eq(poll(&poll_fd, 1, 10000), 1);
    ck_assert_int_eq(sys_wait_child(child, &status), 1);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 7);
    ck_assert_int_eq(sys_wait_child(child, &status), -ECHILD);
    sys_close(pidfd);
}
END_TEST

START_TEST(a_killed_child_names_its_signal)
{
    int fd, status, err;
    pid_t child = start_child(&fd);
    kill(child, SIGKILL);
    while ((err = sys_wait_child(child, &status)) == 0)
        sys_thread_sleep(NSEC_PER_MSEC);
    ck_assert_int_eq(err, 1);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGKILL);
}
END_TEST

START_TEST(other_peoples_children_are_left_alone)
{
    int status;
    ck_assert_int_eq(sys_wait_child(0, &status), -EINVAL);
    ck_assert_int_eq(sys_wait_child(-1, &status), -EINVAL);
    ck_assert_int_eq(sys_wait_child(getpid(), &status), -ECHILD);
    ck_assert_int_lt(sys_pidfd_open(-1), 0);
}
END_TEST

START_TEST(each_call_can_be_made_to_fail)
{
    int status;
    fault_arm(FAULT_SYSCALL, 1);
    ck_assert_int_lt(sys_pidfd_open(getpid()), 0);
    fault_arm(FAULT_SYSCALL, 1);
    ck_assert_int_lt(sys_wait_child(1, &status), 0);
    fault_disarm();
}
END_TEST

Suite *test_suite(void)
{
    int pidfd = sys_pidfd_open(getpid());
    if (pidfd == -ENOSYS || pidfd == -EPERM)
        suite_skip("pidfd_open is missing or forbidden");
    sys_close(pidfd);

    Suite *suite = suite_create("child");
    suite_case(suite, a_child_is_reaped_once_it_has_ended);
    suite_case(suite, a_killed_child_names_its_signal);
    suite_case(suite, other_peoples_children_are_left_alone);
    suite_case(suite, each_call_can_be_made_to_fail);
    return suite;
}
