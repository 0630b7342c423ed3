/* SPDX-License-Identifier: MIT */
/*
 * Which back end one gets: names, the environment, and the silent fallback
 * from a ring that is forbidden, missing or too dear. The kernel is made to
 * refuse for real, by a seccomp filter; each case is a process of its own.
 */
#include "suite.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "rig.h"

/* From here on `number` is answered by `action`. False: no filters here
 * (valgrind, some sandboxes). */
static bool forbid(int number, unsigned action)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {
        .len = ARRAY_SIZE(filter),
        .filter = filter,
    };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0)
        return true;
    fprintf(stderr, "no seccomp filters here: not tested\n");
    return false;
}

static bool uring_is_there(void)
{
    struct rig rig;
    if (rig_try_open(&rig, "uring") < 0)
        return false;
    rig_close(&rig);
    return true;
}

/* Opens by the front door. */
static int choose(struct rig *rig, const char *name)
{
    struct backend_options options = {.name = name};
    rig->box = mailbox_new();
    int err = backend_open(name ? &options : NULL, rig->box, &rig->backend);
    if (err < 0)
        mailbox_unref(rig->box);
    return err;
}

static void check_works(struct rig *rig)
{
    struct probe probe;
    char byte;
    int fds[2];
    pipe_open(fds);
    ck_assert(!submit_read(rig, &probe, fds[0], &byte, 1));
    expect_waiting(rig, &probe);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    ck_assert_int_eq(finish(rig, &probe), 1);
    both_close(fds);
}

static void check_choice(const char *name, const char *expected)
{
    struct rig rig;
    ck_assert_int_eq(choose(&rig, name), 0);
    ck_assert_str_eq(rig.backend->class->name, expected);
    if (strcmp(expected, "sim") != 0)
        check_works(&rig);
    rig_close(&rig);
}

START_TEST(names_are_obeyed)
{
    const char *best = uring_is_there() ? "uring" : "epoll";
    struct rig rig;
    unsetenv("ASYNCIO_BACKEND");
    check_choice(NULL, best);
    check_choice("uring", best);
    check_choice("epoll", "epoll");
    check_choice("sim", "sim");
    ck_assert_int_eq(choose(&rig, "kqueue"), -EINVAL);
    ck_assert_int_eq(choose(&rig, ""), -EINVAL);
}
END_TEST

START_TEST(the_environment_is_obeyed)
{
    const char *best = uring_is_there() ? "uring" : "epoll";
    struct rig rig;
    setenv("ASYNCIO_BACKEND", "epoll", 1);
    check_choice(NULL, "epoll");
    check_choice("uring", best);
    setenv("ASYNCIO_BACKEND", "sim", 1);
    check_choice(NULL, "sim");
    setenv("ASYNCIO_BACKEND", "", 1);
    check_choice(NULL, best);
    setenv("ASYNCIO_BACKEND", "kqueue", 1);
    ck_assert_int_eq(choose(&rig, NULL), -EINVAL);
    check_choice("epoll", "epoll");
}
END_TEST

static void check_falls_back(int number, unsigned err)
{
    unsetenv("ASYNCIO_BACKEND");
    if (!forbid(number, SECCOMP_RET_ERRNO | err))
        return;
    check_choice(NULL, "epoll");
    check_choice("uring", "epoll");
}

START_TEST(a_forbidden_ring_falls_back)
{
    check_falls_back(SYS_io_uring_setup, EPERM);
}
END_TEST

START_TEST(a_missing_ring_falls_back)
{
    check_falls_back(SYS_io_uring_setup, ENOSYS);
}
END_TEST

START_TEST(a_ring_too_dear_falls_back)
{
    check_falls_back(SYS_io_uring_setup, ENOMEM);
}
END_TEST

START_TEST(a_ring_that_cannot_be_probed_falls_back)
{
    check_falls_back(SYS_io_uring_register, EPERM);
}
END_TEST

START_TEST(little_locked_memory_is_enough)
{
    struct rlimit limit = {.rlim_cur = 4096, .rlim_max = 4096};
    struct rig rig;
    unsetenv("ASYNCIO_BACKEND");
    ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    ck_assert_int_eq(choose(&rig, NULL), 0);
    check_works(&rig);
    rig_close(&rig);
}
END_TEST

/* Some sandboxes kill whoever as much as asks: then epoll must not ask. */
START_TEST(epoll_does_not_even_ask_for_a_ring)
{
    if (!forbid(SYS_io_uring_setup, SECCOMP_RET_KILL_PROCESS))
        return;
    setenv("ASYNCIO_BACKEND", "epoll", 1);
    check_choice(NULL, "epoll");
    unsetenv("ASYNCIO_BACKEND");
    check_choice("epoll", "epoll");
    check_choice("sim", "sim");

#ifdef HAVE_LIBURING
    /* The filter is in earnest. */
    pid_t pid = fork();
    if (pid == 0) {
        struct rig rig;
        choose(&rig, NULL);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
#endif
}
END_TEST

START_TEST(no_descriptors_left_is_said)
{
    struct rlimit before, limit;
    struct rig rig;
    unsetenv("ASYNCIO_BACKEND");
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit = before;
    limit.rlim_cur = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(choose(&rig, NULL), -EMFILE);
    ck_assert_int_eq(choose(&rig, "epoll"), -EMFILE);
    check_choice("sim", "sim");
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("choice");
    suite_case(suite, names_are_obeyed);
    suite_case(suite, the_environment_is_obeyed);
    suite_case(suite, a_forbidden_ring_falls_back);
    suite_case(suite, a_missing_ring_falls_back);
    suite_case(suite, a_ring_too_dear_falls_back);
    suite_case(suite, a_ring_that_cannot_be_probed_falls_back);
    suite_case(suite, little_locked_memory_is_enough);
    suite_case(suite, epoll_does_not_even_ask_for_a_ring);
    suite_case(suite, no_descriptors_left_is_said);
    return suite;
}
