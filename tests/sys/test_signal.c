/* SPDX-License-Identifier: MIT */
/* Signals: handlers, the alternate stack, dying of one. */
#include "suite.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "sys/sys.h"

static volatile sig_atomic_t seen;
static char *volatile handler_frame;

static void on_signal(int signo)
{
    seen = signo;
    handler_frame = __builtin_frame_address(0);
}

START_TEST(a_handler_is_set_and_the_old_one_returned)
{
    struct sigaction action = {.sa_handler = on_signal}, old;
    ck_assert_int_eq(sys_sigaction(SIGUSR1, &action, &old), 0);
    ck_assert_ptr_eq((void *)old.sa_handler, (void *)SIG_DFL);
    raise(SIGUSR1);
    ck_assert_int_eq(seen, SIGUSR1);
    ck_assert_int_eq(sys_sigaction(SIGKILL, &action, NULL), -EINVAL);
    fault_arm(FAULT_SYSCALL, 1);
    ck_assert_int_lt(sys_sigaction(SIGUSR1, &action, NULL), 0);
    fault_disarm();
}
END_TEST

START_TEST(a_handler_can_run_on_the_alternate_stack)
{
    size_t size = 64 * 1024;
    char *memory = malloc(size);
    stack_t stack = {.ss_sp = memory, .ss_size = size}, old;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    ck_assert_int_eq(sys_sigaltstack(&stack, &old), 0);
    ck_assert_int_eq(sys_sigaction(SIGUSR1, &action, NULL), 0);
    raise(SIGUSR1);
    ck_assert(handler_frame > memory && handler_frame < memory + size);
    ck_assert_int_eq(sys_sigaltstack(&old, NULL), 0);
    free(memory);
    fault_arm(FAULT_SYSCALL, 1);
    ck_assert_int_lt(sys_sigaltstack(&old, NULL), 0);
    fault_disarm();
}
END_TEST

START_TEST(dying_of_a_signal_ignores_handler_and_mask)
{
    pid_t child = fork();
    if (child == 0) {
        sigset_t all;
        sigfillset(&all);
        signal(SIGINT, SIG_IGN);
        pthread_sigmask(SIG_SETMASK, &all, NULL);
        sys_die_by_signal(SIGINT);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGINT);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("signal");
    suite_case(suite, a_handler_is_set_and_the_old_one_returned);
    suite_case(suite, a_handler_can_run_on_the_alternate_stack);
    suite_case(suite, dying_of_a_signal_ignores_handler_and_mask);
    return suite;
}
