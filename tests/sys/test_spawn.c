/* SPDX-License-Identifier: MIT */
/* Spawning, and descriptors that are shared with others. */
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "ctx/sanitizer.h"
#include "sys/descriptors.h"
#include "sys/spawn.h"

static struct sys_spawn shell(const char *const *argv)
{
    return (struct sys_spawn){.program = argv[0], .argv = argv, .highest = 2};
}

START_TEST(a_program_is_started_and_ends)
{
    const char *const argv[] = {"sh", "-c", "exit 3", NULL};
    struct sys_spawn plan = shell(argv);
    pid_t pid = 0;
    int status;
    ck_assert_int_eq(sys_spawn(&plan, &pid), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(WEXITSTATUS(status), 3);
}
END_TEST

START_TEST(one_that_cannot_be_loaded_leaves_no_child)
{
    const char *const argv[] = {"no-such-program", NULL};
    struct sys_spawn plan = shell(argv);
    pid_t pid = 0;
    if (sanitizer_on_valgrind())
        return;                  /* its vfork shares no memory */
    ck_assert_int_eq(sys_spawn(&plan, &pid), -ENOENT);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}
END_TEST

START_TEST(one_is_killed_and_reaped)
{
    const char *const argv[] = {"sleep", "100", NULL};
    struct sys_spawn plan = shell(argv);
    pid_t pid = 0;
    plan.new_group = true;
    ck_assert_int_eq(sys_spawn(&plan, &pid), 0);
    ck_assert_int_eq(sys_group_signal(pid, SIGSTOP), 0);
    sys_kill_and_reap(pid);
    ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), -1);
    ck_assert_int_eq(sys_group_signal(pid, 0), -ESRCH);
}
END_TEST

/* ---- descriptors ---- */

static int open_terminal(int *ret_main)
{
    *ret_main = posix_openpt(O_RDWR | O_NOCTTY);
    grantpt(*ret_main);
    unlockpt(*ret_main);
    return open(ptsname(*ret_main), O_RDWR | O_NOCTTY);
}

START_TEST(descriptors_are_told_apart)
{
    int pipes[2], sockets[2], datagrams[2], main_fd;
    ck_assert_int_eq(pipe(pipes), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, datagrams), 0);
    int terminal = open_terminal(&main_fd);
    ck_assert_int_eq(sys_fd_kind(pipes[0]), FD_PIPE);
    ck_assert_int_eq(sys_fd_kind(sockets[0]), FD_SOCKET);
    ck_assert_int_eq(sys_fd_kind(datagrams[0]), -EPROTOTYPE);
    ck_assert_int_eq(sys_fd_kind(terminal), FD_TERMINAL);
    ck_assert_int_eq(sys_fd_kind(open("/", O_RDONLY)), FD_FILE);
    ck_assert_int_eq(sys_fd_kind(open("/dev/null", O_RDONLY)), FD_OTHER);
    ck_assert_int_eq(sys_fd_kind(-1), -EBADF);
    ck_assert_int_eq(sys_access_mode(pipes[0]), O_RDONLY);
    ck_assert_int_eq(sys_access_mode(pipes[1]), O_WRONLY);
    ck_assert_int_eq(sys_access_mode(terminal), O_RDWR);
}
END_TEST

START_TEST(opened_anew_it_has_a_mode_of_its_own)
{
    int ends[2];
    char byte;
    ck_assert_int_eq(sys_pipe_blocking(ends), 0);
    for (int i = 0; i < 2; i++) {
        int own = sys_reopen(ends[i]);
        ck_assert_int_ge(own, 0);
        ck_assert(fcntl(own, F_GETFL) & O_NONBLOCK);
        ck_assert(fcntl(own, F_GETFD) & FD_CLOEXEC);
        ck_assert_int_eq(fcntl(ends[i], F_GETFL) & O_NONBLOCK, 0);
        if (i == 0)
            ck_assert_int_eq(sys_read(own, &byte, 1), -EAGAIN);
        sys_close(own);
    }
    int far = sys_duplicate_above(ends[1], 100);
    ck_assert_int_ge(far, 100);
    ck_assert(fcntl(far, F_GETFD) & FD_CLOEXEC);
}
END_TEST

START_TEST(each_call_can_be_made_to_fail)
{
    const char *const argv[] = {"true", NULL};
    struct sys_spawn plan = shell(argv);
    struct termios mode;
    unsigned rows, columns;
    pid_t pid;
    int main_fd, ends[2];
    int fd = open_terminal(&main_fd);
    ck_assert_int_eq(sys_terminal_get(fd, &mode), 0);
    for (int i = 0; i < 11; i++) {
        int err = 0;
        fault_arm(FAULT_SYSCALL, 1);
        switch (i) {
        case 0: err = sys_spawn(&plan, &pid); break;
        case 1: err = sys_pidfd_signal(fd, 0); break;
        case 2: err = sys_group_signal(getpgrp(), 0); break;
        case 3: err = sys_fd_kind(fd); break;
        case 4: err = sys_access_mode(fd); break;
        case 5: err = sys_duplicate_above(fd, 0); break;
        case 6: err = sys_reopen(fd); break;
        case 7: err = sys_pipe_blocking(ends); break;
        case 8: err = sys_terminal_get(fd, &mode); break;
        case 9: err = sys_terminal_set(fd, &mode); break;
        default: err = sys_terminal_size(fd, &rows, &columns); break;
        }
        fault_disarm();
        ck_assert_msg(err < 0, "call %d: %d", i, err);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("spawn");
    suite_case(suite, a_program_is_started_and_ends);
    suite_case(suite, one_that_cannot_be_loaded_leaves_no_child);
    suite_case(suite, one_is_killed_and_reaped);
    suite_case(suite, descriptors_are_told_apart);
    suite_case(suite, opened_anew_it_has_a_mode_of_its_own);
    suite_case(suite, each_call_can_be_made_to_fail);
    return suite;
}
