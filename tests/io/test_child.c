/* SPDX-License-Identifier: MIT */
/* asyncio_wait_child: how children end, and who may wait for them. */
#include "rig.h"

/* A child that lives until its pipe ends, and exits with `status`; or, when
 * that is negative, dies of the signal. */
struct child {
    pid_t pid;
    int fd;                      /* closing it ends the child */
};

static struct child start_child(int status)
{
    struct ends ends = open_pipe(0);
    fflush(NULL);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        char byte;
        close(ends.write);
        signal(SIGALRM, SIG_DFL);
        alarm((unsigned)(15 * rig_slowness()));
        while (read(ends.read, &byte, 1) > 0)
            ;
        if (status < 0) {
            signal(-status, SIG_DFL);
            raise(-status);
        }
        _exit(status);
    }
    close(ends.read);
    return (struct child){pid, ends.write};
}

/* Lets it end, and waits until it has, without reaping it. */
static void end_child(const struct child *child)
{
    siginfo_t info;
    close(child->fd);
    ck_assert_int_eq(waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT),
                     0);
}

struct wait_call {
    pid_t pid;
    int status;
    asyncio_task task;
};

static int wait_in_task(void *arg)
{
    struct wait_call *call = arg;
    return asyncio_wait_child(call->pid, &call->status);
}

static void start_wait_child(struct wait_call *call, pid_t pid)
{
    *call = (struct wait_call){.pid = pid, .status = -1};
    call->task = asyncio_create_task(wait_in_task, call);
}

/* ---- how they end ---- */

SCENARIO(the_status_of_one_that_has_ended)
{
    int statuses[] = {0, 1, 7, 255};
    for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
        int status = -1;
        struct child child = start_child(statuses[i]);
        end_child(&child);
        ck_assert_int_eq(asyncio_wait_child(child.pid, &status), 0);
        ck_assert(WIFEXITED(status));
        ck_assert_int_eq(WEXITSTATUS(status), statuses[i]);
    }
}

SCENARIO(one_that_ends_meanwhile_is_waited_for)
{
    int statuses[] = {0, 3, -SIGTERM, -SIGKILL};
    for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
        struct wait_call call;
        struct child child = start_child(statuses[i]);
        start_wait_child(&call, child.pid);
        let_a_turn_pass();
        ck_assert(!asyncio_task_is_done(call.task));
        ck_assert_int_eq(call.status, -1);
        close(child.fd);
        ck_assert_int_eq(asyncio_await(call.task), 0);
        if (statuses[i] < 0) {
            ck_assert(WIFSIGNALED(call.status));
            ck_assert_int_eq(WTERMSIG(call.status), -statuses[i]);
        } else {
            ck_assert(WIFEXITED(call.status));
            ck_assert_int_eq(WEXITSTATUS(call.status), statuses[i]);
        }
        /* Reaped: not even a zombie is left. */
        ck_assert_int_eq(kill(child.pid, 0), -1);
        ck_assert_int_eq(errno, ESRCH);
    }
}

SCENARIO(the_status_need_not_be_asked_for)
{
    struct child child = start_child(5);
    close(child.fd);
    ck_assert_int_eq(asyncio_wait_child(child.pid, NULL), 0);
    ck_assert_int_eq(asyncio_wait_child(child.pid, NULL), -ECHILD);
}

SCENARIO(one_that_is_stopped_has_not_ended)
{
    struct wait_call call;
    siginfo_t info;
    struct child child = start_child(0);
    start_wait_child(&call, child.pid);
    kill(child.pid, SIGSTOP);
    ck_assert_int_eq(waitid(P_PID, (id_t)child.pid, &info, WSTOPPED), 0);
    let_a_turn_pass();
    ck_assert(!asyncio_task_is_done(call.task));
    kill(child.pid, SIGKILL);
    ck_assert_int_eq(asyncio_await(call.task), 0);
    ck_assert_int_eq(WTERMSIG(call.status), SIGKILL);
    close(child.fd);
}

SCENARIO(a_hundred_at_once)
{
    enum { COUNT = 100 };
    struct child children[COUNT];
    struct wait_call calls[COUNT];
    int fds = -1;
    for (int i = 0; i < COUNT; i++) {
        children[i] = start_child(i);
        start_wait_child(&calls[i], children[i].pid);
    }
    let_a_turn_pass();
    for (int i = COUNT - 1; i >= 0; i--)
        close(children[i].fd);
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(asyncio_await(calls[i].task), 0);
        ck_assert_int_eq(WEXITSTATUS(calls[i].status), i);
    }
    /* And once more, to see that nothing is left open. */
    fds = count_fds();
    for (int i = 0; i < COUNT; i++) {
        struct child child = start_child(i);
        close(child.fd);
        ck_assert_int_eq(asyncio_wait_child(child.pid, NULL), 0);
    }
    ck_assert_int_eq(count_fds(), fds);
}

/* ---- whose they are ---- */

SCENARIO(processes_that_are_no_children_are_echild)
{
    int status = 77;
    ck_assert_int_eq(asyncio_wait_child(getpid(), &status), -ECHILD);
    ck_assert_int_eq(asyncio_wait_child(getppid(), &status), -ECHILD);
    ck_assert_int_eq(asyncio_wait_child(INT32_MAX, &status), -ECHILD);
    ck_assert_int_eq(status, 77);
}

/* 0 and negative numbers are groups to waitpid; here they are nobody. */
SCENARIO(numbers_that_are_no_processes_reap_nobody)
{
    struct child child = start_child(9);
    int status;
    end_child(&child);
    ck_assert_int_lt(asyncio_wait_child(0, &status), 0);
    ck_assert_int_lt(asyncio_wait_child(-1, &status), 0);
    ck_assert_int_lt(asyncio_wait_child(-getpid(), &status), 0);
    ck_assert_int_eq(waitpid(child.pid, &status, 0), child.pid);
    ck_assert_int_eq(WEXITSTATUS(status), 9);
}

SCENARIO(the_programs_other_children_are_left_alone)
{
    struct child mine = start_child(1), others = start_child(2);
    int status;
    end_child(&others);
    close(mine.fd);
    ck_assert_int_eq(asyncio_wait_child(mine.pid, &status), 0);
    let_a_turn_pass();
    ck_assert_int_eq(waitpid(others.pid, &status, 0), others.pid);
    ck_assert_int_eq(WEXITSTATUS(status), 2);
}

SCENARIO(of_two_who_wait_one_gets_it)
{
    struct wait_call calls[2];
    struct child child = start_child(4);
    start_wait_child(&calls[0], child.pid);
    start_wait_child(&calls[1], child.pid);
    let_a_turn_pass();
    close(child.fd);
    int first = asyncio_await(calls[0].task);
    int second = asyncio_await(calls[1].task);
    ck_assert(first == 0 || second == 0);
    ck_assert(first == -ECHILD || second == -ECHILD);
    ck_assert_int_eq(WEXITSTATUS(calls[first == 0 ? 0 : 1].status), 4);
}

SCENARIO(one_that_the_program_reaps_itself_is_echild)
{
    struct wait_call call;
    int status;
    struct child child = start_child(4);
    start_wait_child(&call, child.pid);
    let_a_turn_pass();
    close(child.fd);
    ck_assert_int_eq(waitpid(child.pid, &status, 0), child.pid);
    ck_assert_int_eq(asyncio_await(call.task), -ECHILD);
}

/* ---- cancels ---- */

SCENARIO(cancelled_the_child_runs_on_and_can_be_waited_for)
{
    struct child child = start_child(6);
    struct wait_call call;
    int fds = -1, status;
    for (int i = 0; i < 10; i++) {
        start_wait_child(&call, child.pid);
        if (i % 2)
            let_a_turn_pass();
        asyncio_task_cancel(call.task);
        ck_assert_int_eq(asyncio_await(call.task), -ECANCELED);
        ck_assert_int_eq(call.status, -1);
        if (i == 1)
            fds = count_fds();
    }
    ck_assert_int_eq(count_fds(), fds);
    ck_assert_int_eq(kill(child.pid, 0), 0);
    close(child.fd);
    ck_assert_int_eq(asyncio_wait_child(child.pid, &status), 0);
    ck_assert_int_eq(WEXITSTATUS(status), 6);
}

SCENARIO(cancelled_already_it_does_not_reap)
{
    struct asyncio_timeout timeout;
    struct child child = start_child(6);
    int status;
    end_child(&child);
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0), 0);
    ck_assert_int_eq(asyncio_wait_child(child.pid, &status), -ECANCELED);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, -ECANCELED), -ETIMEDOUT);
    ck_assert_int_eq(asyncio_wait_child(child.pid, &status), 0);
}

SCENARIO(an_end_that_meets_a_cancel_is_not_lost)
{
    for (int i = 0; i < 60; i++) {
        struct wait_call call;
        struct child child = start_child(8);
        start_wait_child(&call, child.pid);
        if (i % 2)
            let_a_turn_pass();
        end_child(&child);
        if (i % 3 == 0)
            ck_assert_int_eq(asyncio_sleep(1e-6), 0);
        asyncio_task_cancel(call.task);
        int err = asyncio_await(call.task);
        if (err != 0) {
            ck_assert_int_eq(err, -ECANCELED);
            ck_assert_int_eq(asyncio_wait_child(child.pid, &call.status), 0);
        }
        ck_assert_int_eq(WEXITSTATUS(call.status), 8);
    }
}

SCENARIO(a_wait_meets_its_deadline)
{
    struct asyncio_timeout timeout;
    struct child child = start_child(0);
    double start = asyncio_time();
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 3 * TICK), 0);
    int err = asyncio_wait_child(child.pid, NULL);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
    assert_passed(start, 3 * TICK);
    close(child.fd);
    ck_assert_int_eq(asyncio_wait_child(child.pid, NULL), 0);
}

/* ---- elsewhere ---- */

START_TEST(outside_of_a_task_it_is_eperm)
{
    struct child child = start_child(0);
    ck_assert_int_eq(asyncio_wait_child(child.pid, NULL), -EPERM);
    close(child.fd);
    ck_assert_int_eq(waitpid(child.pid, NULL, 0), child.pid);
}
END_TEST

static int simulated_wait(void *arg)
{
    int status = 77, fds = count_fds();
    ck_assert_int_eq(asyncio_wait_child(*(pid_t *)arg, &status), -ENOTSUP);
    ck_assert_int_eq(status, 77);
    ck_assert_int_eq(count_fds(), fds);
    return 0;
}

START_TEST(a_simulation_has_no_real_children)
{
    struct child child = start_child(3);
    int status;
    ck_assert_int_eq(asyncio_run_simulated(1, simulated_wait, &child.pid), 0);
    close(child.fd);
    ck_assert_int_eq(waitpid(child.pid, &status, 0), child.pid);
    ck_assert_int_eq(WEXITSTATUS(status), 3);
}
END_TEST

Suite *test_suite(void)
{
    int pidfd = sys_pidfd_open(getpid());
    if (pidfd == -ENOSYS || pidfd == -EPERM)
        suite_skip("pidfd_open is missing or forbidden");
    sys_close(pidfd);

    Suite *suite = suite_create("child");
    suite_case(suite, outside_of_a_task_it_is_eperm);
    suite_case(suite, a_simulation_has_no_real_children);
    if (rig_is_virtual())
        return suite;
    suite_case(suite, the_status_of_one_that_has_ended);
    suite_case(suite, one_that_ends_meanwhile_is_waited_for);
    suite_case(suite, the_status_need_not_be_asked_for);
    suite_case(suite, one_that_is_stopped_has_not_ended);
    suite_case(suite, a_hundred_at_once);
    suite_case(suite, processes_that_are_no_children_are_echild);
    suite_case(suite, numbers_that_are_no_processes_reap_nobody);
    suite_case(suite, the_programs_other_children_are_left_alone);
    suite_case(suite, of_two_who_wait_one_gets_it);
    suite_case(suite, one_that_the_program_reaps_itself_is_echild);
    suite_case(suite, cancelled_the_child_runs_on_and_can_be_waited_for);
    suite_case(suite, cancelled_already_it_does_not_reap);
    suite_case(suite, an_end_that_meets_a_cancel_is_not_lost);
    suite_case(suite, a_wait_meets_its_deadline);
    return suite;
}
