/* SPDX-License-Identifier: MIT */
/*
 * Datagrams, passed descriptors and threads that serve, with their first
 * allocation or system call failing, then their second, and so on: each call
 * says so, and no descriptor or thread stays behind. (Memory is the sanitizer's
 * to count.)
 */
#include "datagram_rig.h"

#include "base/fault.h"

enum { ASKS_MAX = 3000 };

#define TRY(call)                                                              \
    do {                                                                       \
        int try_err = (int)(call);                                             \
        if (try_err < 0)                                                       \
            return try_err;                                                    \
    } while (0)

static int threads_now(void)
{
    return (int)proc_kib("/proc/self/status", "Threads:");
}

/* Threads of servers end a moment after their last word; those of a pool stay
 * a while. */
static void assert_settled(int fds, int threads, unsigned ask)
{
    for (int i = 0; i < 5000; i++) {
        if (count_fds() == fds && threads_now() <= threads)
            return;
        pause_thread(0.001);
    }
    ck_abort_msg("ask %u: %d fds, were %d; %d threads, were %d", ask,
                 count_fds(), fds, threads_now(), threads);
}

static void *come_and_go(void *arg)
{
    return arg;
}

static void fail_each(asyncio_fn *fn)
{
    if (rig_is_virtual())
        return;
    /* With the first thread a sanitizer starts one of its own. */
    thread_join(thread_start(come_and_go, NULL));
    int fds = count_fds(), threads = threads_now();
    ck_assert_int_eq(asyncio_run(fn, NULL), 0);
    unsigned ask = 0;
    uint64_t asks;
    int err;
    do {
        ck_assert_uint_lt(++ask, ASKS_MAX);
        fault_arm(FAULT_ANY, ask);
        err = asyncio_run(fn, NULL);
        asks = fault_disarm();
        ck_assert_msg(err <= 0, "ask %u: %d", ask, err);
        assert_settled(fds, threads, ask);
    } while (asks >= ask);
    ck_assert_int_eq(err, 0);
}

/* A test whose body is a run that returns 0 or a negative error. */
#define FAILING(name)                                                          \
    static int name##_main(void *arg);                                         \
    START_TEST(name)                                                           \
    {                                                                          \
        fail_each(name##_main);                                                \
    }                                                                          \
    END_TEST                                                                   \
    static int name##_main(void *arg)

/* ---- datagrams ---- */

static int talk(asyncio_datagram *near, asyncio_datagram *far)
{
    struct asyncio_datagram_message messages[3];
    struct asyncio_address to;
    char bytes[3][16];
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < 3; i++) {
        messages[i].buf = bytes[i];
        messages[i].size = sizeof bytes[i];
        messages[i].len = 1;
    }
    TRY(asyncio_datagram_address(far, &to));
    memset(bytes, 'x', sizeof bytes);
    TRY(asyncio_datagram_sendto(near, "x", 1, &to));
    TRY(asyncio_datagram_receive(far, bytes[0], 16));
    for (int i = 0; i < 3; i++)
        messages[i].address = to;
    TRY(asyncio_datagram_send_many(near, messages, 3, NULL));
    return (int)asyncio_datagram_receive_many(far, messages, 3);
}

FAILING(udp_sockets)
{
    struct asyncio_datagram_options options = {
        .reuse_address = true, .reuse_port = true, .broadcast = true,
        .send_buffer = 10000, .receive_buffer = 10000,
        .local_host = "127.0.0.1", .local_port = "0"};
    asyncio_datagram *near, *far;
    (void)arg;
    TRY(asyncio_datagram_bind("127.0.0.1", "0", &options, &far));
    int err = asyncio_datagram_bind("127.0.0.1", "0", NULL, &near);
    if (err == 0) {
        err = talk(near, far);
        asyncio_datagram_close(near);
    }
    asyncio_datagram_close(far);
    if (err < 0)
        return err;
    TRY(asyncio_datagram_connect("127.0.0.1", "9", &options, &near));
    asyncio_datagram_close(near);
    return 0;
}

FAILING(unix_datagram_sockets)
{
    struct asyncio_datagram_options options = {.local_path = own_path("near")};
    const char *path = own_path("far");
    asyncio_datagram *near, *far;
    (void)arg;
    int err = asyncio_datagram_bind_unix(path, NULL, &far);
    if (err == 0) {
        err = asyncio_datagram_connect_unix(path, &options, &near);
        if (err == 0) {
            err = (int)asyncio_datagram_send(near, "x", 1);
            asyncio_datagram_close(near);
        }
        asyncio_datagram_close(far);
    }
    /* whose removal has failed, or the look whether it is one's own */
    unlink(path);
    unlink(options.local_path);
    return err < 0 ? err : 0;
}

FAILING(pairs_of_datagram_sockets)
{
    asyncio_datagram *ends[2];
    char buf[4];
    (void)arg;
    TRY(asyncio_datagram_pair(ends));
    ssize_t len = asyncio_datagram_send(ends[0], "x", 1);
    if (len >= 0)
        len = asyncio_datagram_receive(ends[1], buf, sizeof buf);
    asyncio_datagram_close(ends[0]);
    asyncio_datagram_close(ends[1]);
    return len < 0 ? (int)len : 0;
}

FAILING(sockets_that_are_taken_over)
{
    asyncio_datagram *datagram;
    int fds[2];
    (void)arg;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
    int err = asyncio_datagram_from_fd(fds[0], &datagram);
    if (err == 0)
        asyncio_datagram_close(datagram);
    else
        close(fds[0]);
    close(fds[1]);
    return err;
}

/* ---- descriptors ---- */

static int pass_one(asyncio_stream *near, asyncio_stream *far)
{
    int fd = STDIN_FILENO, in[2];
    struct asyncio_received_fds received = {.fds = in, .size = 2};
    char byte;
    TRY(asyncio_stream_send_fds(near, &fd, 1, "x", 1, NULL));
    TRY(asyncio_stream_receive_fds(far, &byte, 1, &received));
    for (size_t i = 0; i < received.count; i++)
        close(in[i]);
    return 0;
}

FAILING(passed_descriptors)
{
    asyncio_stream *streams[2];
    (void)arg;
    TRY(asyncio_stream_pair(streams));
    int err = pass_one(streams[0], streams[1]);
    asyncio_stream_close(streams[0]);
    asyncio_stream_close(streams[1]);
    return err;
}

/* ---- threads ---- */

static int set_stop(int port, void *arg)
{
    (void)port;
    asyncio_event_set(arg);
    return 0;
}

static int serve_nobody(asyncio_stream *stream, void *arg)
{
    (void)stream;
    (void)arg;
    return 0;
}

FAILING(threads_that_serve)
{
    struct asyncio_event stop;
    struct asyncio_serve_threads_options options = {
        .thread_count = 2, .stop = &stop, .on_ready = set_stop};
    (void)arg;
    asyncio_event_init(&stop);
    return asyncio_serve_threads(serve_nobody, &stop, "127.0.0.1", "0",
                                 &options);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("net_failures");
    suite_case(suite, udp_sockets);
    suite_case(suite, unix_datagram_sockets);
    suite_case(suite, pairs_of_datagram_sockets);
    suite_case(suite, sockets_that_are_taken_over);
    suite_case(suite, passed_descriptors);
    suite_case(suite, threads_that_serve);
    return suite;
}
