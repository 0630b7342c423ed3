/* SPDX-License-Identifier: MIT */
/*
 * Streams and servers on what is left when the kernel refuses the rest: by a
 * seccomp filter, by little memory that may be locked, by polls of the ring
 * that do not go on. Each in a process of its own.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "net_rig.h"

#ifdef HAVE_LIBURING
#include "backend/uring_calls.h"
#endif

/* ---- what is done on it ---- */

static int read_byte(void *arg)
{
    char byte = 0;
    ssize_t len = asyncio_stream_read(arg, &byte, 1);
    return len == 1 ? byte : (int)len;
}

static void try_endings(asyncio_stream *stream)
{
    asyncio_task reader = asyncio_create_task(read_byte, stream);
    let_a_turn_pass();
    asyncio_task_cancel(reader);
    ck_assert_int_eq(asyncio_await(reader), -ECANCELED);
    reader = asyncio_create_task(read_byte, stream);
    let_a_turn_pass();
    say_text(stream, "x");
    ck_assert_int_eq(asyncio_await(reader), 'x');
    reader = asyncio_create_task(read_byte, stream);
    let_a_turn_pass();
    asyncio_stream_close(stream);
    ck_assert_int_eq(asyncio_await(reader), -EBADF);
}

static int write_much(void *arg)
{
    static char bytes[1 << 20];
    ssize_t done = asyncio_stream_write(arg, bytes, sizeof bytes, NULL);
    return done < 0 ? (int)done : asyncio_stream_write_eof(arg);
}

static void try_back_pressure(void)
{
    static char bytes[1 << 20];
    struct pair pair = open_pair();
    asyncio_task writer = asyncio_create_task(write_much, pair.near);
    ck_assert_int_eq(
        asyncio_stream_readexactly(pair.far, bytes, sizeof bytes, NULL),
        sizeof bytes);
    ck_assert_int_eq(asyncio_await(writer), 0);
    hear_end(pair.far);
    close_pair(pair);
}

static int try_everything(void *arg)
{
    enum { CLIENTS = 30 };
    const char *name = arg;
    asyncio_stream *streams[CLIENTS];
    char line[16];
    if (name)
        ck_assert_str_eq(asyncio_backend_name(), name);
    asyncio_server *server = start_echo();
    for (int i = 0; i < CLIENTS; i++) {
        streams[i] = connect_to_server(server);
        say_text(streams[i], "hello\n");
    }
    for (int i = 0; i < CLIENTS; i++)
        ck_assert_int_eq(
            asyncio_stream_readline(streams[i], line, sizeof line), 6);
    try_endings(streams[0]);
    asyncio_stream_abort(streams[1]);
    try_back_pressure();
    ck_assert_int_eq(asyncio_server_drain(server, TICK), CLIENTS - 2);
    for (int i = 2; i < CLIENTS; i++) {
        hear_end(streams[i]);
        asyncio_stream_close(streams[i]);
    }
    asyncio_server_close(server);
    return 0;
}

/* In the child; a failed assertion there is no exit with 0. */
static void try_on(const char *name)
{
    int before = count_fds();
    if (asyncio_run(try_everything, (void *)(uintptr_t)name) != 0 ||
        count_fds() != before)
        _exit(1);
}

/* ---- refusals ---- */

/* A system call, what the kernel is made to answer, and the back end then;
 * NULL: whichever it was. */
struct refusal {
    int call;
    unsigned err;
    const char *back_end;
};

static const struct refusal refusals[] = {
    {SYS_io_uring_setup, EPERM, "epoll"},
    {SYS_io_uring_setup, ENOSYS, "epoll"},
    {SYS_io_uring_setup, ENOMEM, "epoll"},
    {SYS_io_uring_register, EPERM, "epoll"},
#ifdef SYS_epoll_pwait2
    {SYS_epoll_pwait2, ENOSYS, NULL},
    {SYS_epoll_pwait2, EPERM, NULL},
#endif
};

static bool refuse(const struct refusal *refusal)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)refusal->call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | refusal->err),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {ARRAY_SIZE(filter), filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void try_refused(void *arg)
{
    const struct refusal *refusal = arg;
    if (refuse(refusal))
        try_on(refusal->back_end);
    else
        fprintf(stderr, "skipped: no seccomp filters here\n");
}

START_TEST(refused_a_system_call_it_does_without)
{
    if (rig_is_virtual())
        return;
    struct refusal refusal = refusals[_i];
    struct outcome outcome = in_child(try_refused, &refusal);
    assert_exited(&outcome, 0);
}
END_TEST

static void try_with_little_locked_memory(void *arg)
{
    struct rlimit limit = {.rlim_cur = 4096, .rlim_max = 4096};
    (void)arg;
    ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    try_on(NULL);
}

START_TEST(little_locked_memory_is_enough)
{
    if (rig_is_virtual())
        return;
    struct outcome outcome = in_child(try_with_little_locked_memory, NULL);
    assert_exited(&outcome, 0);
}
END_TEST

#ifdef HAVE_LIBURING
static void try_on_an_old_ring(void *arg)
{
    int index = *(int *)arg;
    ring_refuses_polls = index % 2;
    ring_setups_skipped = (unsigned)index / 2;
    try_on(NULL);
}

/* The rings of older kernels: without the best flags, without polls that go
 * on. */
START_TEST(an_old_ring_is_enough)
{
    if (rig_is_virtual())
        return;
    int index = _i;
    struct outcome outcome = in_child(try_on_an_old_ring, &index);
    assert_exited(&outcome, 0);
}
END_TEST
#endif

static void add_loop(Suite *suite, const TTest *test, int count)
{
    TCase *tcase = tcase_create(test->name);
    tcase_set_timeout(tcase, SUITE_CASE_SECONDS);
    tcase_add_loop_test(tcase, test, 0, count);
    suite_add_tcase(suite, tcase);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("fallback");
    add_loop(suite, refused_a_system_call_it_does_without,
             (int)ARRAY_SIZE(refusals));
    suite_case(suite, little_locked_memory_is_enough);
#ifdef HAVE_LIBURING
    add_loop(suite, an_old_ring_is_enough, 6);
#endif
    return suite;
}
