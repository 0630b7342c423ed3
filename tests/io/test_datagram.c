/* SPDX-License-Identifier: MIT */
/* Datagrams, one by one: UDP and Unix. */
#include <sys/un.h>

#include "datagram_rig.h"

/* ---- UDP ---- */

NET_SCENARIO(what_is_sent_is_received_and_by_whom)
{
    asyncio_datagram *near = open_udp("127.0.0.1", NULL);
    asyncio_datagram *far = open_udp("127.0.0.1", NULL);
    struct asyncio_address to = address_of(far), from;
    char buf[64];
    ck_assert_int_eq(asyncio_datagram_sendto(near, "hello", 5, &to), 5);
    ck_assert_int_eq(asyncio_datagram_receive_from(far, buf, sizeof buf, &from),
                     5);
    ck_assert_mem_eq(buf, "hello", 5);
    struct asyncio_address expected = address_of(near);
    ck_assert(asyncio_address_equal(&from, &expected));
    ck_assert_int_eq(asyncio_datagram_sendto(far, "world!", 6, &from), 6);
    ck_assert_int_eq(asyncio_datagram_receive(near, buf, sizeof buf), 6);
    asyncio_datagram_close(near);
    asyncio_datagram_close(far);
}

NET_SCENARIO(connected_it_hears_its_peer_alone)
{
    asyncio_datagram *far = open_udp("127.0.0.1", NULL);
    asyncio_datagram *near = connect_udp(far, NULL);
    asyncio_datagram *stranger = open_udp("127.0.0.1", NULL);
    struct asyncio_address to = address_of(near);
    ck_assert_int_eq(asyncio_datagram_sendto(stranger, "spam", 4, &to), 4);
    ck_assert_int_eq(asyncio_datagram_sendto(far, "mail", 4, &to), 4);
    hear_datagram(near, "mail");
    ck_assert_int_eq(asyncio_datagram_send(near, "answer", 6), 6);
    hear_datagram(far, "answer");
    asyncio_datagram_close(stranger);
    asyncio_datagram_close(near);
    asyncio_datagram_close(far);
}

NET_SCENARIO(ipv6_is_spoken_too)
{
    asyncio_datagram *far;
    char host[128];
    if (asyncio_datagram_bind("::1", "0", NULL, &far) == -EADDRNOTAVAIL) {
        puts("skipped: no IPv6 here");
        return;
    }
    asyncio_datagram *near = connect_udp(far, NULL);
    ck_assert_int_eq(asyncio_datagram_send(near, "six", 3), 3);
    hear_datagram(far, "six");
    ck_assert_int_gt(asyncio_datagram_get_extra_info(near, "peername", host,
                                                     sizeof host),
                     0);
    ck_assert_int_eq(strncmp(host, "[::1]:", 6), 0);
    asyncio_datagram_close(near);
    asyncio_datagram_close(far);
}

NET_SCENARIO(a_dual_one_hears_ipv4)
{
    struct asyncio_datagram_options options = {.ipv6_dual = true};
    asyncio_datagram *far, *near;
    char port[16];
    if (asyncio_datagram_bind(NULL, "0", &options, &far) == -EAFNOSUPPORT) {
        puts("skipped: no IPv6 here");
        return;
    }
    struct asyncio_address address = address_of(far);
    snprintf(port, sizeof port, "%d", asyncio_address_port(&address));
    ck_assert_int_eq(asyncio_datagram_connect("127.0.0.1", port, NULL, &near),
                     0);
    ck_assert_int_eq(asyncio_datagram_send(near, "four", 4), 4);
    hear_datagram(far, "four");
    asyncio_datagram_close(near);
    asyncio_datagram_close(far);
}

NET_SCENARIO(what_is_cut_says_how_long_it_was)
{
    asyncio_datagram *far = open_udp("127.0.0.1", NULL);
    asyncio_datagram *near = connect_udp(far, NULL);
    char buf[4] = "xxxx";
    ck_assert_int_eq(asyncio_datagram_send(near, "0123456789", 10), 10);
    ck_assert_int_eq(asyncio_datagram_send(near, "next", 4), 4);
    ck_assert_int_eq(asyncio_datagram_receive(far, buf, 3), 10);
    ck_assert_mem_eq(buf, "012x", 4);
    hear_datagram(far, "next");
    asyncio_datagram_close(near);
    asyncio_datagram_close(far);
}

NET_SCENARIO(an_empty_datagram_is_no_end)
{
    asyncio_datagram *far = open_udp("127.0.0.1", NULL);
    asyncio_datagram *near = connect_udp(far, NULL);
    char buf[4];
    ck_assert_int_eq(asyncio_datagram_send(near, NULL, 0), 0);
    ck_assert_int_eq(asyncio_datagram_send(near, "x", 1), 1);
    ck_assert_int_eq(asyncio_datagram_receive(far, buf, sizeof buf), 0);
    ck_assert_int_eq(asyncio_datagram_receive(far, buf, sizeof buf), 1);
    asyncio_datagram_close(near);
    asyncio_datagram_close(far);
}

/* Short datagrams, of which a stream would say that no more is there. */
NET_SCENARIO(all_that_wait_in_the_socket_are_received)
{
    enum { COUNT = 50 };
    asyncio_datagram *far = open_udp("127.0.0.1", NULL);
    asyncio_datagram *near = connect_udp(far, NULL);
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(asyncio_datagram_send(near, &i, sizeof i), sizeof i);
    for (int i = 0; i < COUNT; i++) {
        int got[16] = {-1};
        ck_assert_int_eq(asyncio_datagram_receive(far, got, sizeof got),
                         sizeof i);
        ck_assert_int_eq(got[0], i);
    }
    asyncio_datagram_close(near);
    asyncio_datagram_close(far);
}

NET_SCENARIO(a_name_is_looked_up)
{
    struct asyncio_datagram_options options = {.family = AF_INET};
    asyncio_datagram *far, *near;
    char port[16];
    ck_assert_int_eq(asyncio_datagram_bind("localhost", "0", &options, &far),
                     0);
    struct asyncio_address address = address_of(far);
    snprintf(port, sizeof port, "%d", asyncio_address_port(&address));
    ck_assert_int_eq(
        asyncio_datagram_connect("localhost", port, &options, &near), 0);
    ck_assert_int_eq(asyncio_datagram_send(near, "x", 1), 1);
    hear_datagram(far, "x");
    asyncio_datagram_close(near);
    asyncio_datagram_close(far);
}

NET_SCENARIO(it_sends_from_where_it_is_told)
{
    struct asyncio_datagram_options options = {.local_host = "127.0.0.2",
                                               .local_port = "0"};
    asyncio_datagram *far = open_udp("127.0.0.1", NULL), *near;
    struct asyncio_address from;
    char text[ASYNCIO_ADDRESS_TEXT_SIZE], buf[4];
    near = connect_udp(far, &options);
    ck_assert_int_eq(asyncio_datagram_send(near, "x", 1), 1);
    ck_assert_int_eq(asyncio_datagram_receive_from(far, buf, sizeof buf, &from),
                     1);
    asyncio_address_format(&from, text, sizeof text);
    ck_assert_int_eq(strncmp(text, "127.0.0.2:", 10), 0);
    asyncio_datagram_close(near);

    options.local_host = "::1";
    ck_assert_int_eq(
        asyncio_datagram_connect("127.0.0.1", "9", &options, &near),
        -EADDRNOTAVAIL);
    asyncio_datagram_close(far);
}

/* ---- what goes wrong ---- */

NET_SCENARIO(a_port_that_nobody_has_is_told_once)
{
    asyncio_datagram *far = open_udp("127.0.0.1", NULL);
    asyncio_datagram *near = connect_udp(far, NULL);
    struct asyncio_address nobody = address_of(far);
    char buf[4];
    asyncio_datagram_close(far);
    let_a_turn_pass();           /* a ring closes it after its next wait */
    ck_assert_int_eq(asyncio_datagram_send(near, "x", 1), 1);
    ck_assert_int_eq(asyncio_datagram_receive(near, buf, sizeof buf),
                     -ECONNREFUSED);
    /* and not again: it waits, and hears who comes later */
    struct receiving call = {.datagram = near};
    asyncio_task receiver = asyncio_create_task(receive, &call);
    let_a_turn_pass();
    ck_assert(!asyncio_task_is_done(receiver));
    far = open_udp_at(&nobody);
    struct asyncio_address to = address_of(near);
    ck_assert_int_eq(asyncio_datagram_sendto(far, "late", 4, &to), 4);
    ck_assert_int_eq(asyncio_await(receiver), 4);
    ck_assert_mem_eq(call.buf, "late", 4);
    asyncio_datagram_close(near);
    asyncio_datagram_close(far);
}

NET_SCENARIO(a_waiting_receiver_is_told_of_a_refusal)
{
    asyncio_datagram *far = open_udp("127.0.0.1", NULL);
    asyncio_datagram *near = connect_udp(far, NULL);
    struct receiving call = {.datagram = near};
    asyncio_datagram_close(far);
    let_a_turn_pass();
    asyncio_task receiver = asyncio_create_task(receive, &call);
    let_a_turn_pass();
    ck_assert_int_eq(asyncio_datagram_send(near, "x", 1), 1);
    ck_assert_int_eq(asyncio_await(receiver), -ECONNREFUSED);
    asyncio_datagram_close(near);
}

NET_SCENARIO(a_taken_port_is_eaddrinuse)
{
    asyncio_datagram *first = open_udp("127.0.0.1", NULL), *second;
    struct asyncio_address address = address_of(first);
    char port[16];
    snprintf(port, sizeof port, "%d", asyncio_address_port(&address));
    ck_assert_int_eq(asyncio_datagram_bind("127.0.0.1", port, NULL, &second),
                     -EADDRINUSE);
    asyncio_datagram_close(first);
}

NET_SCENARIO(several_loops_may_share_a_port)
{
    struct asyncio_datagram_options options = {.reuse_port = true};
    asyncio_datagram *first = open_udp("127.0.0.1", &options), *second;
    struct asyncio_address address = address_of(first);
    char port[16];
    snprintf(port, sizeof port, "%d", asyncio_address_port(&address));
    ck_assert_int_eq(
        asyncio_datagram_bind("127.0.0.1", port, &options, &second), 0);
    asyncio_datagram_close(first);
    asyncio_datagram_close(second);
}

NET_SCENARIO(too_long_and_nowhere_have_their_errors)
{
    static const char bytes[70000];
    asyncio_datagram *far = open_udp("127.0.0.1", NULL);
    asyncio_datagram *near = connect_udp(far, NULL);
    struct asyncio_address overlong = {.len_ = 1000};
    ck_assert_int_eq(asyncio_datagram_send(near, bytes, sizeof bytes),
                     -EMSGSIZE);
    ck_assert_int_eq(asyncio_datagram_send(far, "x", 1), -EDESTADDRREQ);
    ck_assert_int_eq(asyncio_datagram_sendto(far, "x", 1, &overlong), -EINVAL);
    ck_assert_int_eq(asyncio_datagram_connect("127.0.0.1", "no-such-service",
                                              NULL, &near),
                     -ASYNCIO_EAI_SERVICE);
    ck_assert_int_eq(asyncio_datagram_bind("127.0.0.1", "1:2", NULL, &near),
                     -ASYNCIO_EAI_SERVICE);
    ck_assert_int_eq(asyncio_datagram_bind("192.0.2.1", "0", NULL, &near),
                     -EADDRNOTAVAIL);
    asyncio_datagram_close(near);
    asyncio_datagram_close(far);
}

NET_SCENARIO(a_broadcast_must_be_meant)
{
    struct asyncio_datagram_options options = {.broadcast = true};
    struct asyncio_address everybody;
    asyncio_datagram *near = open_udp("0.0.0.0", NULL);
    ck_assert_int_eq(
        asyncio_address_parse("127.255.255.255:9", &everybody), 0);
    ck_assert_int_eq(asyncio_datagram_sendto(near, "x", 1, &everybody),
                     -EACCES);
    asyncio_datagram_close(near);
    near = open_udp("0.0.0.0", &options);
    ck_assert_int_eq(asyncio_datagram_sendto(near, "x", 1, &everybody), 1);
    asyncio_datagram_close(near);
}

NET_SCENARIO(buffers_have_the_size_that_was_asked_for)
{
    struct asyncio_datagram_options options = {.receive_buffer = 20000,
                                               .send_buffer = 30000};
    asyncio_datagram *near = open_udp("127.0.0.1", &options);
    int receive_size, send_size;
    socklen_t len = sizeof receive_size;
    int fd = asyncio_datagram_fd(near);
    getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_size, &len);
    getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_size, &len);
    ck_assert_int_eq(receive_size, 40000); /* the kernel's overhead is in it */
    ck_assert_int_eq(send_size, 60000);
    asyncio_datagram_close(near);
}

/* ---- Unix ---- */

NET_SCENARIO(unix_sockets_have_paths)
{
    struct asyncio_datagram_options options = {.local_path = own_path("near")};
    const char *path = own_path("far");
    asyncio_datagram *far, *near;
    struct asyncio_address from;
    char buf[16], text[ASYNCIO_ADDRESS_TEXT_SIZE];
    ck_assert_int_eq(asyncio_datagram_bind_unix(path, NULL, &far), 0);
    ck_assert_int_eq(asyncio_datagram_connect_unix(path, &options, &near), 0);
    ck_assert_int_eq(asyncio_datagram_send(near, "hello", 5), 5);
    ck_assert_int_eq(asyncio_datagram_receive_from(far, buf, sizeof buf, &from),
                     5);
    asyncio_address_format(&from, text, sizeof text);
    ck_assert_str_eq(text, options.local_path);
    ck_assert_int_eq(asyncio_datagram_sendto(far, "back", 4, &from), 4);
    hear_datagram(near, "back");
    asyncio_datagram_close(near);
    asyncio_datagram_close(far);
    ck_assert_int_eq(access(path, F_OK), -1);
    ck_assert_int_eq(access(options.local_path, F_OK), -1);
}

NET_SCENARIO(unix_sockets_may_be_abstract_or_nameless)
{
    asyncio_datagram *far, *near;
    struct asyncio_address from = {.len_ = 99};
    char name[64], buf[16], text[ASYNCIO_ADDRESS_TEXT_SIZE];
    snprintf(name, sizeof name, "@casyncio-test-%d", (int)getpid());
    ck_assert_int_eq(asyncio_datagram_bind_unix(name, NULL, &far), 0);
    ck_assert_int_eq(asyncio_datagram_connect_unix(name, NULL, &near), 0);
    ck_assert_int_eq(asyncio_datagram_send(near, "hello", 5), 5);
    ck_assert_int_eq(asyncio_datagram_receive_from(far, buf, sizeof buf, &from),
                     5);
    ck_assert_int_eq(asyncio_address_format(&from, text, sizeof text), 0);
    ck_assert_int_gt(asyncio_datagram_get_extra_info(near, "peername", text,
                                                     sizeof text),
                     0);
    ck_assert_str_eq(text, name);
    asyncio_datagram_close(near);
    asyncio_datagram_close(far);
}

NET_SCENARIO(a_socket_file_of_the_dead_is_replaced)
{
    const char *path = own_path("dead");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    asyncio_datagram *datagram, *second;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    ck_assert_int_eq(
        bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(asyncio_datagram_bind_unix(path, NULL, &datagram),
                     -EADDRINUSE);
    close(fd);
    ck_assert_int_eq(asyncio_datagram_bind_unix(path, NULL, &datagram), 0);
    ck_assert_int_eq(asyncio_datagram_bind_unix(path, NULL, &second),
                     -EADDRINUSE);
    asyncio_datagram_close(datagram);
}

NET_SCENARIO(closing_leaves_the_file_of_another_alone)
{
    const char *path = own_path("moved");
    asyncio_datagram *first, *second;
    ck_assert_int_eq(asyncio_datagram_bind_unix(path, NULL, &first), 0);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(asyncio_datagram_bind_unix(path, NULL, &second), 0);
    asyncio_datagram_close(first);
    ck_assert_int_eq(access(path, F_OK), 0);
    asyncio_datagram_close(second);
    ck_assert_int_eq(access(path, F_OK), -1);
}

NET_SCENARIO(paths_that_lead_nowhere_say_why)
{
    const char *path = own_path("local");
    struct asyncio_datagram_options options = {.local_path = path};
    asyncio_datagram *datagram;
    int fds = count_fds();
    ck_assert_int_eq(asyncio_datagram_connect_unix("/nowhere/at/all", &options,
                                                   &datagram),
                     -ENOENT);
    ck_assert_int_eq(access(path, F_OK), -1);
    ck_assert_int_eq(asyncio_datagram_bind_unix("/nowhere/x", NULL, &datagram),
                     -ENOENT);
    ck_assert_int_eq(asyncio_datagram_bind_unix("", NULL, &datagram), -EINVAL);
    ck_assert_int_eq(asyncio_datagram_bind_unix(NULL, NULL, &datagram),
                     -EINVAL);
    ck_assert_int_eq(asyncio_datagram_connect_unix(NULL, NULL, &datagram),
                     -EINVAL);
    ck_assert_int_eq(count_fds(), fds);
}

static int send_many_small(void *arg)
{
    for (int i = 0; i < 2000; i++) {
        ssize_t sent = asyncio_datagram_send(arg, &i, sizeof i);
        if (sent < 0)
            return (int)sent;
    }
    return 0;
}

NET_SCENARIO(a_sender_waits_for_its_receiver)
{
    asyncio_datagram *ends[2];
    ck_assert_int_eq(asyncio_datagram_pair(ends), 0);
    asyncio_task sender = asyncio_create_task(send_many_small, ends[0]);
    let_a_turn_pass();
    ck_assert(!asyncio_task_is_done(sender));
    for (int i = 0; i < 2000; i++) {
        int got = -1;
        ck_assert_int_eq(asyncio_datagram_receive(ends[1], &got, sizeof got),
                         sizeof got);
        ck_assert_int_eq(got, i);
    }
    ck_assert_int_eq(asyncio_await(sender), 0);
    asyncio_datagram_close(ends[0]);
    asyncio_datagram_close(ends[1]);
}

NET_SCENARIO(a_connected_unix_sender_waits_for_the_queue)
{
    const char *path = own_path("queue");
    asyncio_datagram *far, *near;
    ck_assert_int_eq(asyncio_datagram_bind_unix(path, NULL, &far), 0);
    ck_assert_int_eq(asyncio_datagram_connect_unix(path, NULL, &near), 0);
    asyncio_task sender = asyncio_create_task(send_many_small, near);
    let_a_turn_pass();
    ck_assert(!asyncio_task_is_done(sender));
    for (int i = 0; i < 2000; i++) {
        int got = -1;
        ck_assert_int_eq(asyncio_datagram_receive(far, &got, sizeof got),
                         sizeof got);
        ck_assert_int_eq(got, i);
    }
    ck_assert_int_eq(asyncio_await(sender), 0);
    asyncio_datagram_close(near);
    asyncio_datagram_close(far);
}

struct sending {
    asyncio_datagram *datagram;
    struct asyncio_address to;
    int count;
};

static int send_to_each(void *arg)
{
    struct sending *sending = arg;
    for (; sending->count < 50; sending->count++) {
        ssize_t sent = asyncio_datagram_sendto(
            sending->datagram, &sending->count, sizeof sending->count,
            &sending->to);
        if (sent < 0)
            return (int)sent;
    }
    return 0;
}

NET_SCENARIO(one_that_sends_to_many_waits_for_a_full_queue)
{
    asyncio_datagram *far, *near;
    ck_assert_int_eq(asyncio_datagram_bind_unix(own_path("a"), NULL, &far), 0);
    ck_assert_int_eq(asyncio_datagram_bind_unix(own_path("b"), NULL, &near), 0);
    struct sending sending = {.datagram = near, .to = address_of(far)};
    asyncio_task sender = asyncio_create_task(send_to_each, &sending);
    let_a_turn_pass();
    ck_assert(!asyncio_task_is_done(sender));
    for (int i = 0; i < 50; i++) {
        int got = -1;
        ck_assert_int_eq(asyncio_datagram_receive(far, &got, sizeof got),
                         sizeof got);
        ck_assert_int_eq(got, i);
    }
    ck_assert_int_eq(asyncio_await(sender), 0);

    sending.count = 0;
    sender = asyncio_create_task(send_to_each, &sending);
    let_a_turn_pass();
    asyncio_task_cancel(sender);
    ck_assert_int_eq(asyncio_await(sender), -ECANCELED);

    sending.count = 0;
    sender = asyncio_create_task(send_to_each, &sending);
    let_a_turn_pass();
    asyncio_datagram_close(near);
    ck_assert_int_eq(asyncio_await(sender), -EBADF);
    asyncio_datagram_close(far);
}

/* ---- who, and when ---- */

NET_SCENARIO(a_cancelled_receiver_has_taken_nothing)
{
    asyncio_datagram *ends[2];
    ck_assert_int_eq(asyncio_datagram_pair(ends), 0);
    struct receiving call = {.datagram = ends[0]};
    asyncio_task receiver = asyncio_create_task(receive, &call);
    let_a_turn_pass();
    asyncio_task_cancel(receiver);
    ck_assert_int_eq(asyncio_await(receiver), -ECANCELED);
    ck_assert_int_eq(asyncio_datagram_send(ends[1], "z", 1), 1);
    hear_datagram(ends[0], "z");
    asyncio_datagram_close(ends[0]);
    asyncio_datagram_close(ends[1]);
}

static int open_and_talk(void *arg)
{
    asyncio_datagram *datagram;
    char buf[4];
    ck_assert_int_eq(asyncio_datagram_bind("127.0.0.1", "0", NULL, &datagram),
                     -ECANCELED);
    ck_assert_int_eq(
        asyncio_datagram_connect("127.0.0.1", "9", NULL, &datagram),
        -ECANCELED);
    ck_assert_int_eq(asyncio_datagram_send(arg, "x", 1), -ECANCELED);
    ck_assert_int_eq(asyncio_datagram_receive(arg, buf, sizeof buf),
                     -ECANCELED);
    ck_assert_int_eq(asyncio_datagram_send_many(arg, NULL, 0, NULL),
                     -ECANCELED);
    return 0;
}

NET_SCENARIO(a_cancelled_task_begins_nothing)
{
    asyncio_datagram *ends[2];
    ck_assert_int_eq(asyncio_datagram_pair(ends), 0);
    ck_assert_int_eq(asyncio_datagram_send(ends[1], "x", 1), 1);
    asyncio_task task = asyncio_create_task(open_and_talk, ends[0]);
    asyncio_task_cancel(task);
    ck_assert_int_eq(asyncio_await(task), 0);
    hear_datagram(ends[0], "x");
    asyncio_datagram_close(ends[0]);
    asyncio_datagram_close(ends[1]);
}

NET_SCENARIO(a_second_receiver_is_ebusy)
{
    asyncio_datagram *ends[2];
    char buf[4];
    ck_assert_int_eq(asyncio_datagram_pair(ends), 0);
    struct receiving call = {.datagram = ends[0]};
    asyncio_task receiver = asyncio_create_task(receive, &call);
    let_a_turn_pass();
    ck_assert_int_eq(asyncio_datagram_receive(ends[0], buf, sizeof buf),
                     -EBUSY);
    ck_assert_int_eq(asyncio_datagram_send(ends[0], "to", 2), 2);
    ck_assert_int_eq(asyncio_datagram_send(ends[1], "fro", 3), 3);
    ck_assert_int_eq(asyncio_await(receiver), 3);
    asyncio_datagram_close(ends[0]);
    asyncio_datagram_close(ends[1]);
}

NET_SCENARIO(closed_under_its_receiver_it_is_ebadf)
{
    asyncio_datagram *ends[2];
    ck_assert_int_eq(asyncio_datagram_pair(ends), 0);
    struct receiving call = {.datagram = ends[0]};
    asyncio_task receiver = asyncio_create_task(receive, &call);
    let_a_turn_pass();
    asyncio_datagram_close(ends[0]);
    ck_assert_int_eq(asyncio_await(receiver), -EBADF);
    asyncio_datagram_close(ends[1]);
    asyncio_datagram_close(NULL);
}

static int receive_all(void *arg)
{
    struct receiving *call = arg;
    int err;
    while ((err = receive(call)) >= 0)
        call->count++;
    return err;
}

/* The receiver finds something each time, so it yields where it enters the
 * call, and what is closed then has been closed before the call began. */
NET_SCENARIO(closed_while_its_receiver_lets_others_run_it_is_ebadf)
{
    asyncio_datagram *ends[2];
    ck_assert_int_eq(asyncio_datagram_pair(ends), 0);
    for (int i = 0; i < 200; i++)
        ck_assert_int_eq(asyncio_datagram_send(ends[1], "x", 1), 1);
    hear_datagram(ends[0], "x"); /* from here on it is known to be ready */
    struct receiving call = {.datagram = ends[0]};
    asyncio_task receiver = asyncio_create_task(receive_all, &call);
    ck_assert_int_eq(asyncio_sleep(0), 0);
    ck_assert_int_lt(call.count, 200);
    asyncio_datagram_close(ends[0]);
    ck_assert_int_eq(asyncio_await(receiver), -EBADF);
    asyncio_datagram_close(ends[1]);
}

/* ---- facts ---- */

NET_SCENARIO(facts_are_told_as_text)
{
    asyncio_datagram *far = open_udp("127.0.0.1", NULL);
    asyncio_datagram *near = connect_udp(far, NULL);
    char near_name[64], far_name[64], text[8];
    ck_assert_int_gt(asyncio_datagram_get_extra_info(near, "peername",
                                                     near_name,
                                                     sizeof near_name),
                     0);
    ck_assert_int_gt(asyncio_datagram_get_extra_info(far, "sockname", far_name,
                                                     sizeof far_name),
                     0);
    ck_assert_str_eq(near_name, far_name);
    ck_assert_int_eq(
        asyncio_datagram_get_extra_info(far, "peername", text, sizeof text),
        -ENOTCONN);
    ck_assert_int_eq(
        asyncio_datagram_get_extra_info(far, "colour", text, sizeof text),
        -ENOENT);
    ck_assert_int_ge(asyncio_datagram_fd(far), 0);
    asyncio_datagram_close(near);
    asyncio_datagram_close(far);
}

NET_SCENARIO(sockets_of_others_are_taken_over)
{
    asyncio_datagram *datagram;
    int fds[2], pipe_ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
    ck_assert_int_eq(asyncio_datagram_from_fd(fds[0], &datagram), 0);
    ck_assert(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
    put(fds[1], "x");
    hear_datagram(datagram, "x");
    close(fds[1]);
    asyncio_datagram_close(datagram);

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ck_assert_int_eq(asyncio_datagram_from_fd(fds[0], &datagram), -EPROTOTYPE);
    close(fds[0]);
    close(fds[1]);
    ck_assert_int_eq(pipe(pipe_ends), 0);
    ck_assert_int_eq(asyncio_datagram_from_fd(pipe_ends[0], &datagram),
                     -ENOTSOCK);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    ck_assert_int_eq(asyncio_datagram_from_fd(-1, &datagram), -EBADF);
}

static asyncio_datagram *left_behind;

static int leave_one(void *arg)
{
    (void)arg;
    left_behind = open_udp("127.0.0.1", NULL);
    return 0;
}

static int use_the_left_one(void *arg)
{
    char buf[4];
    (void)arg;
    let_a_turn_pass();
    ck_assert_int_eq(asyncio_datagram_receive(left_behind, buf, sizeof buf),
                     -EXDEV);
    asyncio_datagram_close(left_behind);
    return 0;
}

START_TEST(what_a_loop_has_left_behind_is_exdev)
{
    if (rig_is_virtual())
        return;
    int fds = count_fds();
    ck_assert_int_eq(asyncio_run(leave_one, NULL), 0);
    ck_assert_int_eq(asyncio_run(use_the_left_one, NULL), 0);
    ck_assert_int_eq(count_fds(), fds);
}
END_TEST

START_TEST(outside_of_tasks_it_is_eperm)
{
    asyncio_datagram *datagram, *ends[2];
    ck_assert_int_eq(asyncio_datagram_bind("127.0.0.1", "0", NULL, &datagram),
                     -EPERM);
    ck_assert_int_eq(asyncio_datagram_bind_unix("@x", NULL, &datagram), -EPERM);
    int fds = count_fds();
    ck_assert_int_eq(asyncio_datagram_pair(ends), -EPERM);
    ck_assert_int_eq(count_fds(), fds);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("datagram");
    suite_case(suite, what_is_sent_is_received_and_by_whom);
    suite_case(suite, connected_it_hears_its_peer_alone);
    suite_case(suite, ipv6_is_spoken_too);
    suite_case(suite, a_dual_one_hears_ipv4);
    suite_case(suite, what_is_cut_says_how_long_it_was);
    suite_case(suite, an_empty_datagram_is_no_end);
    suite_case(suite, all_that_wait_in_the_socket_are_received);
    suite_case(suite, a_name_is_looked_up);
    suite_case(suite, it_sends_from_where_it_is_told);
    suite_case(suite, a_port_that_nobody_has_is_told_once);
    suite_case(suite, a_waiting_receiver_is_told_of_a_refusal);
    suite_case(suite, a_taken_port_is_eaddrinuse);
    suite_case(suite, several_loops_may_share_a_port);
    suite_case(suite, too_long_and_nowhere_have_their_errors);
    suite_case(suite, a_broadcast_must_be_meant);
    suite_case(suite, buffers_have_the_size_that_was_asked_for);
    suite_case(suite, unix_sockets_have_paths);
    suite_case(suite, unix_sockets_may_be_abstract_or_nameless);
    suite_case(suite, a_socket_file_of_the_dead_is_replaced);
    suite_case(suite, closing_leaves_the_file_of_another_alone);
    suite_case(suite, paths_that_lead_nowhere_say_why);
    suite_case(suite, a_sender_waits_for_its_receiver);
    suite_case(suite, a_connected_unix_sender_waits_for_the_queue);
    suite_case(suite, one_that_sends_to_many_waits_for_a_full_queue);
    suite_case(suite, a_cancelled_receiver_has_taken_nothing);
    suite_case(suite, a_cancelled_task_begins_nothing);
    suite_case(suite, a_second_receiver_is_ebusy);
    suite_case(suite, closed_under_its_receiver_it_is_ebadf);
    suite_case(suite, closed_while_its_receiver_lets_others_run_it_is_ebadf);
    suite_case(suite, facts_are_told_as_text);
    suite_case(suite, sockets_of_others_are_taken_over);
    suite_case(suite, what_a_loop_has_left_behind_is_exdev);
    suite_case(suite, outside_of_tasks_it_is_eperm);
    return suite;
}
