/* SPDX-License-Identifier: MIT */
/*
 * TLS with a cancel at every step, and with the n-th allocation or system call
 * of ours failing: it ends cleanly, and nothing is left behind.
 */
#include "../extremes/everywhere.h"
#include "rig.h"

#include "base/fault.h"

/* ---- cancelled everywhere ---- */

COROUTINE(serve_once)
{
    asyncio_tls_context *context = server_context("server");
    struct asyncio_tls_options options = {.context = context};
    asyncio_stream *stream = arg;
    char buf[64];
    int err = STEP(asyncio_start_tls(stream, &options));
    asyncio_tls_context_free(context);
    while (err == 0) {
        int len = STEP(asyncio_stream_readline(stream, buf, sizeof buf));
        if (len <= 0) {
            err = len;
            break;
        }
        len = STEP(asyncio_stream_write(stream, buf, (size_t)len, NULL));
        err = len < 0 ? len : 0;
    }
    run_step();
    asyncio_stream_close(stream);
    return err;
}

COROUTINE(ask_once)
{
    asyncio_tls_context *context = client_context();
    struct asyncio_tls_options options = {.context = context,
                                          .server_name = "localhost"};
    asyncio_stream *stream = arg;
    char buf[64];
    int err = STEP(asyncio_start_tls(stream, &options));
    asyncio_tls_context_free(context);
    for (int i = 0; i < 3 && err >= 0; i++) {
        err = STEP(asyncio_stream_write_text(stream, "a line\n"));
        if (err >= 0)
            err = STEP(asyncio_stream_readline(stream, buf, sizeof buf));
    }
    if (err >= 0)
        err = STEP(asyncio_stream_write_eof(stream));
    if (err >= 0)
        err = STEP(asyncio_stream_read(stream, buf, sizeof buf));
    run_step();
    asyncio_stream_close(stream);
    return err < 0 ? err : 0;
}

/* What the other side says of a side that was cancelled. */
static bool is_of_cancel(int err)
{
    return err == -ECANCELED || err == -ASYNCIO_TLS_TRUNCATED ||
           err == -ECONNABORTED || err == -ECONNRESET || err == -EPIPE;
}

COROUTINE(talk_main)
{
    asyncio_stream *streams[2];
    asyncio_task tasks[2];
    int results[2];
    ck_assert_int_eq(asyncio_stream_pair(streams), 0);
    tasks[0] = asyncio_create_task(serve_once, streams[0]);
    tasks[1] = asyncio_create_task(ask_once, streams[1]);
    int err = STEP(asyncio_gather(tasks, 2, results));
    for (int i = 0; i < 2; i++)
        ck_assert_msg(results[i] == 0 || is_of_cancel(results[i]), "%s",
                      asyncio_errname(results[i]));
    return is_of_cancel(err) ? -ECANCELED : err;
}

static void talk_check(bool is_unharmed)
{
    (void)is_unharmed;
}

EVERYWHERE(talk, NULL, true)

/* ---- failing everywhere ---- */

static int fail_serve(void *arg)
{
    asyncio_tls_context *context;
    struct asyncio_tls_options options = {0};
    asyncio_stream *stream = arg;
    static char buf[50000];
    ssize_t len = asyncio_tls_context_new_server(&context);
    if (len == 0) {
        options.context = context;
        len = asyncio_tls_context_load_cert_chain(
            context, rig_path("server.pem"), rig_path("server.key"), NULL);
        if (len == 0)
            len = asyncio_start_tls(stream, &options);
        asyncio_tls_context_free(context);
    }
    if (len == 0)
        len = asyncio_stream_readline(stream, buf, sizeof buf);
    if (len > 0)
        len = asyncio_stream_write(stream, buf, sizeof buf, NULL);
    if (len > 0)
        len = asyncio_stream_read(stream, buf, sizeof buf);
    asyncio_stream_close(stream);
    return (int)len;
}

static const char *const fail_protocols[] = {"h2"};

static int fail_ask(void *arg)
{
    asyncio_tls_context *context;
    struct asyncio_tls_options options = {.server_name = "localhost"};
    asyncio_stream *stream = arg;
    static char buf[50000];
    ssize_t len = asyncio_tls_context_new_client(&context);
    if (len == 0) {
        options.context = context;
        len = asyncio_tls_context_load_verify_file(context,
                                                   rig_path("authority.pem"));
        if (len == 0)
            len = asyncio_tls_context_set_alpn(context, fail_protocols, 1);
        if (len == 0)
            len = asyncio_start_tls(stream, &options);
        asyncio_tls_context_free(context);
    }
    if (len == 0)
        len = asyncio_stream_write_text(stream, "hello\n");
    if (len > 0)
        len = asyncio_stream_readexactly(stream, buf, sizeof buf, NULL);
    if (len > 0)
        len = asyncio_stream_write_eof(stream);
    asyncio_stream_close(stream);
    return (int)len;
}

static int fail_main(void *arg)
{
    asyncio_stream *streams[2];
    asyncio_task tasks[2];
    (void)arg;
    TRY(asyncio_stream_pair(streams));
    tasks[0] = asyncio_create_task(fail_serve, streams[0]);
    if (asyncio_task_error(tasks[0]) < 0)
        asyncio_stream_close(streams[0]);
    tasks[1] = asyncio_create_task(fail_ask, streams[1]);
    if (asyncio_task_error(tasks[1]) < 0)
        asyncio_stream_close(streams[1]);
    return asyncio_gather(tasks, 2, NULL);
}

static int fail_server_main(void *arg)
{
    asyncio_tls_context *context = NULL, *client = NULL;
    struct asyncio_tls_options options = {.server_name = "localhost"};
    asyncio_server *server;
    asyncio_stream *stream;
    char port[16];
    (void)arg;
    int err = asyncio_tls_context_new_server(&context);
    if (err == 0)
        err = asyncio_tls_context_load_cert_chain(
            context, rig_path("server.pem"), rig_path("server.key"), NULL);
    options.context = context;
    if (err == 0)
        err = asyncio_tls_start_server(echo_client, NULL, "127.0.0.1", "0",
                                       &options, &server);
    asyncio_tls_context_free(context);
    TRY(err);
    err = asyncio_tls_context_new_client(&client);
    if (err == 0)
        err = asyncio_tls_context_load_verify_file(client,
                                                   rig_path("authority.pem"));
    options.context = client;
    snprintf(port, sizeof port, "%d", asyncio_server_port(server));
    for (int i = 0; i < 2 && err == 0; i++) {
        char byte;
        err = asyncio_tls_open_connection("127.0.0.1", port, &options, &stream);
        if (err < 0)
            break;
        ssize_t len = asyncio_stream_write(stream, "x", 1, NULL);
        if (len > 0)
            len = asyncio_stream_read(stream, &byte, 1);
        asyncio_stream_close(stream);
        err = len < 0 ? (int)len : len == 0 ? -ENODATA : 0;
    }
    asyncio_tls_context_free(client);
    asyncio_server_close(server);
    return err;
}

/* The plan is for the whole process, so it may hit either side: the other one
 * then sees the connection end, or times out. */
static void fail_each(asyncio_fn *fn, enum fault_kind kinds)
{
    uint64_t asked = 1;
    int failures = 0;
    if (rig_is_virtual())
        return;
    asyncio_run(fn, NULL);       /* what is made once, is made now */
    for (uint64_t n = 1; n <= asked; n += rig_slowness() > 1 ? 5 : 1) {
        int fds = fds_open();
        watch_begin("the ask", n);
        fault_arm(kinds, n);
        int err = asyncio_run(fn, NULL);
        asked = fault_disarm();
        watch_end();
        failures += err < 0;
        for (int i = 0; i < 1000 && fds_open() != fds; i++)
            sys_thread_sleep(NSEC_PER_MSEC);
        ck_assert_int_eq(fds_open(), fds);
    }
    ck_assert_int_gt(failures, 0);
    ck_assert_int_eq(asyncio_run(fn, NULL), 0);
}

START_TEST(each_allocation_fails_in_a_talk)
{
    fail_each(fail_main, FAULT_MEMORY);
}
END_TEST

START_TEST(each_system_call_fails_in_a_talk)
{
    fail_each(fail_main, FAULT_SYSCALL);
}
END_TEST

START_TEST(each_allocation_fails_with_a_server)
{
    fail_each(fail_server_main, FAULT_MEMORY);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("failures");
    rig_make_certificates();
    suite_case(suite, cancel_everywhere_in_talk);
    suite_case(suite, each_allocation_fails_in_a_talk);
    suite_case(suite, each_system_call_fails_in_a_talk);
    suite_case(suite, each_allocation_fails_with_a_server);
    return suite;
}
