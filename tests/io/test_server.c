/* SPDX-License-Identifier: MIT */
/* Servers: connections in tasks of their own, and the ways to end. */
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "net_rig.h"

NET_SCENARIO(it_serves_one_after_the_other_and_many_at_once)
{
    enum { CLIENTS = 50 };
    asyncio_server *server = start_echo();
    asyncio_stream *streams[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        streams[i] = connect_to_server(server);
        say_text(streams[i], "once");
        hear_text(streams[i], "once");
    }
    ck_assert_uint_eq(asyncio_server_clients(server), CLIENTS);
    for (int i = 0; i < CLIENTS; i++)
        say_text(streams[i], "again");
    for (int i = 0; i < CLIENTS; i++)
        hear_text(streams[i], "again");
    for (int i = 0; i < CLIENTS; i++)
        asyncio_stream_close(streams[i]);
    asyncio_server_close(server);
}

NET_SCENARIO(closing_ends_the_connections)
{
    asyncio_server *server = start_echo();
    asyncio_stream *stream = connect_to_server(server);
    say_text(stream, "x");
    hear_text(stream, "x");
    asyncio_server_close(server);
    hear_end(stream);
    asyncio_stream_close(stream);
}

static void note_end(void *arg)
{
    ++*(int *)arg;
}

NET_SCENARIO(its_end_is_told_to_who_owns_its_argument)
{
    struct asyncio_server_options options = {.on_end = note_end};
    asyncio_server *server;
    int ended = 0;
    ck_assert_int_eq(asyncio_start_server(echo_client, &ended, "127.0.0.1",
                                          "0", &options, &server),
                     0);
    let_a_turn_pass();
    ck_assert_int_eq(ended, 0);
    asyncio_server_close(server);
    ck_assert_int_eq(ended, 1);
    ck_assert_int_lt(asyncio_start_server(echo_client, &ended, "127.0.0.1",
                                          "no such port", &options, &server),
                     0);
    ck_assert_int_eq(ended, 1);
}

NET_SCENARIO(draining_waits_for_those_who_end_by_themselves)
{
    asyncio_server *server = start_echo();
    asyncio_stream *stream = connect_to_server(server);
    say_text(stream, "x");
    hear_text(stream, "x");
    asyncio_stream_close(stream);
    ck_assert_int_eq(asyncio_server_drain(server, 10), 0);
    asyncio_server_close(server);
}

NET_SCENARIO(draining_cancels_who_stays_too_long)
{
    asyncio_server *server = start_echo();
    asyncio_stream *stream = connect_to_server(server);
    say_text(stream, "x");
    hear_text(stream, "x");
    ck_assert_int_eq(asyncio_server_drain(server, TICK), 1);
    hear_end(stream);
    asyncio_server_close(server);
    asyncio_stream_close(stream);
}

NET_SCENARIO(aborted_clients_reset_the_connection)
{
    asyncio_server *server = start_echo();
    asyncio_stream *stream = connect_to_server(server);
    char byte;
    say_text(stream, "x");
    hear_text(stream, "x");
    asyncio_server_abort_clients(server);
    ck_assert_int_eq(asyncio_stream_read(stream, &byte, 1), -ECONNRESET);
    asyncio_server_close(server);
    asyncio_stream_close(stream);
}

static int stop_after_a_while(void *arg)
{
    let_a_turn_pass();
    asyncio_server_stop(arg);
    return 0;
}

NET_SCENARIO(stopped_it_serves_who_is_there_and_ends)
{
    asyncio_server *server = start_echo();
    asyncio_stream *stream = connect_to_server(server);
    say_text(stream, "x");
    hear_text(stream, "x");
    asyncio_task stopper = asyncio_create_task(stop_after_a_while, server);
    ck_assert_int_eq(asyncio_await(stopper), 0);
    say_text(stream, "y");
    hear_text(stream, "y");
    asyncio_stream_close(stream);
    ck_assert_int_eq(asyncio_server_serve_forever(server), 0);
}

static int serve(void *arg)
{
    return asyncio_server_serve_forever(arg);
}

NET_SCENARIO(cancelled_it_ends_its_clients)
{
    asyncio_server *server = start_echo();
    asyncio_stream *stream = connect_to_server(server);
    say_text(stream, "x");
    hear_text(stream, "x");
    asyncio_task serving = asyncio_create_task(serve, server);
    let_a_turn_pass();
    asyncio_task_cancel(serving);
    ck_assert_int_eq(asyncio_await(serving), -ECANCELED);
    hear_end(stream);
    asyncio_stream_close(stream);
}

/* Before it has begun to accept, and with a connection at the door. */
NET_SCENARIO(stopped_at_once_it_ends)
{
    asyncio_server *server = start_echo();
    asyncio_server_stop(server);
    ck_assert_int_eq(asyncio_server_port(server), -ENOENT);
    ck_assert_int_eq(asyncio_server_serve_forever(server), 0);
}

NET_SCENARIO(closed_at_once_it_ends)
{
    asyncio_server_close(start_echo());
}

NET_SCENARIO(stopped_in_the_step_of_an_accept_it_ends)
{
    asyncio_server *server = start_echo();
    let_a_turn_pass();
    asyncio_stream *stream = connect_to_server(server);
    for (int i = 0; i < 3; i++) {
        asyncio_sleep(0);
        asyncio_server_stop(server);
    }
    asyncio_stream_close(stream);
    ck_assert_int_eq(asyncio_server_serve_forever(server), 0);
}

NET_SCENARIO(closed_beside_serve_forever_it_is_freed_once)
{
    asyncio_server *server = start_echo();
    asyncio_task serving = asyncio_create_task(serve, server);
    asyncio_stream *stream = connect_to_server(server);
    say_text(stream, "x");
    hear_text(stream, "x");
    asyncio_server_close(server);
    ck_assert_int_eq(asyncio_await(serving), -ECANCELED);
    hear_end(stream);
    asyncio_stream_close(stream);
}

static int close_the_server(asyncio_stream *stream, void *arg)
{
    asyncio_server **server = arg;
    say_text(stream, "bye");
    int err = asyncio_server_serve_forever(*server);
    ck_assert(err == -EDEADLK || err == -EBUSY);
    asyncio_server_close(*server);
    return asyncio_check_cancelled();
}

/* Once while somebody waits for it, once while nobody does. */
NET_SCENARIO(closed_by_a_client_it_ends_and_is_freed_once)
{
    for (int is_awaited = 0; is_awaited <= 1; is_awaited++) {
        asyncio_server *server;
        ck_assert_int_eq(asyncio_start_server(close_the_server, &server,
                                              "127.0.0.1", "0", NULL, &server),
                         0);
        asyncio_stream *stream = connect_to_server(server);
        if (is_awaited) {
            ck_assert_int_eq(asyncio_server_serve_forever(server), -ECANCELED);
            hear_text(stream, "bye");
        } else {
            hear_text(stream, "bye");
            hear_end(stream);
            asyncio_server_close(server);
        }
        asyncio_stream_close(stream);
    }
}

static int fail_with(asyncio_stream *stream, void *arg)
{
    (void)stream;
    return *(int *)arg;
}

NET_SCENARIO(a_client_that_fails_is_counted_and_nobody_elses_affair)
{
    int failure = -EPROTO;
    asyncio_server *server;
    ck_assert_int_eq(asyncio_start_server(fail_with, &failure, "127.0.0.1", "0",
                                          NULL, &server),
                     0);
    for (int i = 0; i < 3; i++) {
        asyncio_stream *stream = connect_to_server(server);
        hear_end(stream);
        asyncio_stream_close(stream);
    }
    ck_assert_uint_eq(asyncio_server_failures(server), 3);
    ck_assert_uint_eq(asyncio_server_clients(server), 0);
    asyncio_server_close(server);
}

NET_SCENARIO(more_clients_than_allowed_wait)
{
    struct asyncio_server_options options = {.max_clients = 1};
    asyncio_server *server;
    ck_assert_int_eq(asyncio_start_server(echo_client, NULL, "127.0.0.1", "0",
                                          &options, &server),
                     0);
    asyncio_stream *first = connect_to_server(server);
    say_text(first, "a");
    hear_text(first, "a");
    asyncio_stream *second = connect_to_server(server);
    say_text(second, "b");
    let_a_turn_pass();
    ck_assert_uint_eq(asyncio_server_clients(server), 1);
    asyncio_stream_close(first);
    hear_text(second, "b");
    asyncio_stream_close(second);
    asyncio_server_close(server);
}

static int listen_anywhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(
        bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 5), 0);
    return fd;
}

/* Each of its two sockets has a client at the door at the same time. */
NET_SCENARIO(more_clients_than_allowed_wait_at_several_sockets_too)
{
    struct asyncio_server_options options = {.max_clients = 1};
    int fds[2] = {listen_anywhere(), listen_anywhere()};
    asyncio_server *server;
    asyncio_stream *streams[2];
    char name[64];
    ck_assert_int_eq(asyncio_start_server_from_fds(echo_client, NULL, fds, 2,
                                                   &options, &server),
                     0);
    let_a_turn_pass();
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_gt(
            asyncio_server_sockname(server, i, name, sizeof name), 0);
        char *port = strrchr(name, ':') + 1;
        ck_assert_int_eq(
            asyncio_open_connection("127.0.0.1", port, NULL, &streams[i]), 0);
        say_text(streams[i], "x");
    }
    hear_text(streams[0], "x");
    let_a_turn_pass();
    ck_assert_uint_eq(asyncio_server_clients(server), 1);
    asyncio_stream_close(streams[0]);
    hear_text(streams[1], "x");
    asyncio_stream_close(streams[1]);
    asyncio_server_close(server);
}

NET_SCENARIO(sockets_that_listen_are_taken_over)
{
    int fd = listen_anywhere();
    asyncio_server *server;
    ck_assert_int_eq(asyncio_start_server_from_fds(echo_client, NULL, &fd, 1,
                                                   NULL, &server),
                     0);
    asyncio_stream *stream = connect_to_server(server);
    say_text(stream, "x");
    asyncio_server_close_clients(server);
    asyncio_stream_close(stream);
    asyncio_server_close(server);
    ck_assert_int_eq(
        asyncio_start_server_from_fds(echo_client, NULL, &fd, 0, NULL, &server),
        -EINVAL);
}

NET_SCENARIO(a_socket_that_listens_no_more_stops_the_server)
{
    int fd = listen_anywhere();
    asyncio_server *server;
    ck_assert_int_eq(asyncio_start_server_from_fds(echo_client, NULL, &fd, 1,
                                                   NULL, &server),
                     0);
    asyncio_stream *stream = connect_to_server(server);
    say_text(stream, "x");
    hear_text(stream, "x");
    ck_assert_int_eq(shutdown(fd, SHUT_RDWR), 0);
    say_text(stream, "y");
    hear_text(stream, "y");
    asyncio_stream_close(stream);
    ck_assert_int_eq(asyncio_server_serve_forever(server), -EINVAL);
}

/* In a process of its own, where descriptor 3 is free. */
static void pass_a_socket(void *arg)
{
    char pid[16];
    int fds[2] = {-1, -1};
    (void)arg;
    int fd = listen_anywhere();
    if (fd != 3)
        dup2(fd, 3);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_PID", "1", 1);
    if (asyncio_listen_fds(fds, 2) != 0)
        _exit(1);                /* they are for another process */
    setenv("LISTEN_PID", pid, 1);
    if (asyncio_listen_fds(fds, 2) != 1 || fds[0] != 3)
        _exit(2);
    if (!(fcntl(3, F_GETFD) & FD_CLOEXEC))
        _exit(3);
    setenv("LISTEN_FDS", "x", 1);
    if (asyncio_listen_fds(fds, 2) != 0)
        _exit(4);
}

START_TEST(a_service_manager_passes_sockets)
{
    struct outcome outcome = in_child(pass_a_socket, NULL);
    assert_exited(&outcome, 0);
}
END_TEST

static int no_delay_of(asyncio_stream *stream)
{
    int value = -1;
    socklen_t len = sizeof value;
    getsockopt(asyncio_stream_fd(stream), IPPROTO_TCP, TCP_NODELAY, &value,
               &len);
    return value;
}

static int say_no_delay(asyncio_stream *stream, void *arg)
{
    (void)arg;
    return (int)asyncio_stream_write_text(stream,
                                          no_delay_of(stream) ? "yes" : "no");
}

NET_SCENARIO(a_small_write_does_not_wait_for_the_one_before_it)
{
    asyncio_server *server;
    ck_assert_int_eq(asyncio_start_server(say_no_delay, NULL, "127.0.0.1", "0",
                                          NULL, &server),
                     0);
    asyncio_stream *stream = connect_to_server(server);
    ck_assert_int_ne(no_delay_of(stream), 0);
    hear_text(stream, "yes");
    asyncio_stream_close(stream);
    asyncio_server_close(server);
}

NET_SCENARIO(a_port_that_is_taken_is_eaddrinuse)
{
    asyncio_server *server = start_echo(), *second;
    char port[16];
    snprintf(port, sizeof port, "%d", asyncio_server_port(server));
    ck_assert_int_eq(asyncio_start_server(echo_client, NULL, "127.0.0.1", port,
                                          NULL, &second),
                     -EADDRINUSE);
    asyncio_server_close(server);
}

static int start_and_return(void *arg)
{
    asyncio_server **server = arg;
    *server = start_echo();
    return 0;
}

NET_SCENARIO(it_ends_with_the_task_that_started_it)
{
    asyncio_server *server;
    asyncio_task starter = asyncio_create_task(start_and_return, &server);
    ck_assert_int_eq(asyncio_await(starter), 0);
    ck_assert_int_eq(asyncio_server_port(server), -ENOENT);
    asyncio_server_close(server);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("server");
    suite_case(suite, it_serves_one_after_the_other_and_many_at_once);
    suite_case(suite, closing_ends_the_connections);
    suite_case(suite, its_end_is_told_to_who_owns_its_argument);
    suite_case(suite, draining_waits_for_those_who_end_by_themselves);
    suite_case(suite, draining_cancels_who_stays_too_long);
    suite_case(suite, aborted_clients_reset_the_connection);
    suite_case(suite, stopped_it_serves_who_is_there_and_ends);
    suite_case(suite, cancelled_it_ends_its_clients);
    suite_case(suite, closed_beside_serve_forever_it_is_freed_once);
    suite_case(suite, closed_by_a_client_it_ends_and_is_freed_once);
    suite_case(suite, stopped_at_once_it_ends);
    suite_case(suite, closed_at_once_it_ends);
    suite_case(suite, stopped_in_the_step_of_an_accept_it_ends);
    suite_case(suite, a_client_that_fails_is_counted_and_nobody_elses_affair);
    suite_case(suite, more_clients_than_allowed_wait);
    suite_case(suite, more_clients_than_allowed_wait_at_several_sockets_too);
    suite_case(suite, sockets_that_listen_are_taken_over);
    suite_case(suite, a_socket_that_listens_no_more_stops_the_server);
    suite_case(suite, a_service_manager_passes_sockets);
    suite_case(suite, a_small_write_does_not_wait_for_the_one_before_it);
    suite_case(suite, a_port_that_is_taken_is_eaddrinuse);
    suite_case(suite, it_ends_with_the_task_that_started_it);
    return suite;
}
