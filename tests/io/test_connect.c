/* SPDX-License-Identifier: MIT */
/* Connecting, and looking up what to connect to. */
#include <netdb.h>

#include "net_rig.h"

NET_SCENARIO(nobody_listens_there)
{
    asyncio_stream *stream;
    ck_assert_int_eq(asyncio_open_connection("127.0.0.1", "1", NULL, &stream),
                     -ECONNREFUSED);
}

NET_SCENARIO(localhost_is_looked_up_and_raced)
{
    asyncio_server *server;
    asyncio_stream *stream;
    char port[16];
    ck_assert_int_eq(asyncio_start_server(echo_client, NULL, "localhost", "0",
                                          NULL, &server),
                     0);
    snprintf(port, sizeof port, "%d", asyncio_server_port(server));
    ck_assert_int_eq(
        asyncio_open_connection("localhost", port, NULL, &stream), 0);
    say_text(stream, "hello");
    hear_text(stream, "hello");
    asyncio_stream_close(stream);
    asyncio_server_close(server);
}

NET_SCENARIO(a_unix_socket_is_connected_to)
{
    asyncio_server *server;
    asyncio_stream *stream;
    char path[64], name[128];
    snprintf(path, sizeof path, "/tmp/casyncio-test-%d.sock", (int)getpid());
    ck_assert_int_eq(
        asyncio_start_unix_server(echo_client, NULL, path, NULL, &server), 0);
    ck_assert_int_eq(asyncio_open_unix_connection(path, NULL, &stream), 0);
    say_text(stream, "hello");
    hear_text(stream, "hello");
    ck_assert_int_gt(asyncio_stream_get_extra_info(stream, "peername", name,
                                                   sizeof name),
                     0);
    ck_assert_str_eq(name, path);
    asyncio_stream_close(stream);
    asyncio_server_close(server);
    ck_assert_int_eq(access(path, F_OK), -1);
}

NET_SCENARIO(all_failures_are_told)
{
    asyncio_stream *stream;
    struct asyncio_connect_failure failures[4];
    size_t count = 77;
    struct asyncio_connect_options options = {
        .ret_failures = failures,
        .failures_size = ARRAY_SIZE(failures),
        .ret_failure_count = &count,
    };
    ck_assert_int_eq(
        asyncio_open_connection("127.0.0.1", "1", &options, &stream),
        -ECONNREFUSED);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(failures[0].err, -ECONNREFUSED);
    ck_assert_str_eq(failures[0].address, "127.0.0.1:1");
}

NET_SCENARIO(bad_delays_are_einval)
{
    asyncio_stream *stream;
    struct asyncio_connect_options options = {.attempt_delay = -1};
    ck_assert_int_eq(
        asyncio_open_connection("127.0.0.1", "1", &options, &stream), -EINVAL);
    options.attempt_delay = (double)NAN;
    ck_assert_int_eq(
        asyncio_open_connection("127.0.0.1", "1", &options, &stream), -EINVAL);
}

NET_SCENARIO(paths_of_any_length_have_an_answer)
{
    asyncio_stream *stream;
    char path[300];
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    ck_assert_int_eq(asyncio_open_unix_connection(path, NULL, &stream),
                     -ENAMETOOLONG);
    ck_assert_int_eq(asyncio_open_unix_connection("", NULL, &stream), -EINVAL);
    ck_assert_int_eq(
        asyncio_open_unix_connection("/nowhere/at/all", NULL, &stream),
        -ENOENT);
}

/* ---- names ---- */

NET_SCENARIO(literals_do_not_suspend)
{
    struct addrinfo *found;
    char host[64], port[16];
    asyncio_task_cancel(asyncio_current_task());
    ck_assert_int_eq(asyncio_getaddrinfo("::1", "80", NULL, &found), 0);
    ck_assert_int_eq(found->ai_family, AF_INET6);
    ck_assert_int_eq(asyncio_getnameinfo(found->ai_addr, found->ai_addrlen,
                                         host, sizeof host, port, sizeof port,
                                         NI_NUMERICHOST | NI_NUMERICSERV),
                     0);
    ck_assert_str_eq(host, "::1");
    ck_assert_str_eq(port, "80");
    asyncio_freeaddrinfo(found);
    asyncio_freeaddrinfo(NULL);
}

NET_SCENARIO(a_name_is_looked_up_on_a_thread)
{
    struct addrinfo *found;
    char host[64];
    ck_assert_int_eq(asyncio_getaddrinfo("localhost", "80", NULL, &found), 0);
    ck_assert_int_eq(asyncio_getnameinfo(found->ai_addr, found->ai_addrlen,
                                         host, sizeof host, NULL, 0, 0),
                     0);
    ck_assert_str_ne(host, "");
    asyncio_freeaddrinfo(found);
}

static int look_up(void *arg)
{
    struct addrinfo *found;
    int err = asyncio_getaddrinfo(arg, "80", NULL, &found);
    if (err == 0)
        asyncio_freeaddrinfo(found);
    return err;
}

NET_SCENARIO(a_name_that_is_none_says_so)
{
    int err = look_up((char[]){"no.such.name.invalid"});
    ck_assert(err == -ASYNCIO_EAI_NONAME || err == -ASYNCIO_EAI_AGAIN);
    ck_assert_str_ne(asyncio_strerror(err), "unknown error");
    ck_assert_int_eq(strncmp(asyncio_errname(err), "EAI_", 4), 0);
    ck_assert_int_eq(asyncio_getaddrinfo(NULL, NULL, NULL, NULL), -EINVAL);
}

NET_SCENARIO(a_cancelled_look_up_is_left_behind)
{
    asyncio_task task = asyncio_create_task(look_up, (char[]){"localhost"});
    ck_assert_int_eq(asyncio_sleep(0), 0);
    asyncio_task_cancel(task);
    int err = asyncio_await(task);
    ck_assert(err == -ECANCELED || err == 0);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("connect");
    suite_case(suite, nobody_listens_there);
    suite_case(suite, localhost_is_looked_up_and_raced);
    suite_case(suite, a_unix_socket_is_connected_to);
    suite_case(suite, all_failures_are_told);
    suite_case(suite, bad_delays_are_einval);
    suite_case(suite, paths_of_any_length_have_an_answer);
    suite_case(suite, literals_do_not_suspend);
    suite_case(suite, a_name_is_looked_up_on_a_thread);
    suite_case(suite, a_name_that_is_none_says_so);
    suite_case(suite, a_cancelled_look_up_is_left_behind);
    return suite;
}
