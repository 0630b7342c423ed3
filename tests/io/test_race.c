/* SPDX-License-Identifier: MIT */
/*
 * Happy eyeballs: several addresses of one name, of which some answer, some
 * refuse, and some do not answer at all. They are found in a network of the
 * test's own.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>

#include "netns_rig.h"

/* ---- places to connect to ---- */

enum { PORT = 7777 };

#define PORT_TEXT "7777"

/* An address of `name`, by its place in the order in which they are tried. */
static void address_at(const char *name, int place,
                       struct sockaddr_storage *ret_address, char *ret_text,
                       size_t size)
{
    struct addrinfo *found;
    ck_assert_int_eq(asyncio_getaddrinfo(name, PORT_TEXT, NULL, &found), 0);
    const struct addrinfo *at = found;
    while (place-- > 0) {
        at = at->ai_next;
        ck_assert_ptr_nonnull(at);
    }
    memcpy(ret_address, at->ai_addr, at->ai_addrlen);
    ck_assert_int_eq(asyncio_getnameinfo(at->ai_addr, at->ai_addrlen, ret_text,
                                         size, NULL, 0,
                                         NI_NUMERICHOST | NI_NUMERICSERV),
                     0);
    asyncio_freeaddrinfo(found);
}

static socklen_t length_of(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in);
}

/* Listens on the address of that place. */
static int listen_at(const char *name, int place, int backlog)
{
    static const int on = 1;
    struct sockaddr_storage address;
    char text[64];
    address_at(name, place, &address, text, sizeof text);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address,
                          length_of(&address)),
                     0);
    ck_assert_int_eq(listen(fd, backlog), 0);
    return fd;
}

/* A place that does not answer: its backlog of one is full, and the kernel
 * drops the rest without a word. */
struct abyss {
    int listener;
    int fill;
};

static struct abyss abyss_at(const char *name, int place)
{
    struct sockaddr_storage address;
    char text[64];
    struct abyss abyss = {.listener = listen_at(name, place, 0)};
    address_at(name, place, &address, text, sizeof text);
    abyss.fill = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(abyss.fill, (const struct sockaddr *)&address,
                             length_of(&address)),
                     0);
    /* It has arrived when it can be accepted. */
    struct pollfd arrival = {.fd = abyss.listener, .events = POLLIN};
    ck_assert_int_eq(poll(&arrival, 1, 10000), 1);
    return abyss;
}

static void abyss_close(struct abyss abyss)
{
    close(abyss.fill);
    close(abyss.listener);
}

static int accept_now(int listener)
{
    struct pollfd arrival = {.fd = listener, .events = POLLIN};
    ck_assert_int_eq(poll(&arrival, 1, 10000), 1);
    return accept(listener, NULL, NULL);
}

/* A ring closes descriptors after its next wait. */
static void assert_fds(int count)
{
    for (int i = 0; i < 1000 && count_fds() != count; i++)
        let_a_turn_pass();
    ck_assert_int_eq(count_fds(), count);
}

static int fds_now(void)
{
    let_a_turn_pass();           /* the loop has its own by now */
    return count_fds();
}

struct call_of {
    const char *name;
    const struct asyncio_connect_options *options;
    asyncio_stream *stream;
};

static int open_in_a_task(void *arg)
{
    struct call_of *call = arg;
    return asyncio_open_connection(call->name, PORT_TEXT, call->options,
                                   &call->stream);
}

/* ---- races ---- */

NET_SCENARIO(when_the_first_does_not_answer_the_second_is_tried)
{
    struct asyncio_connect_options options = {.attempt_delay = 0.05};
    asyncio_stream *stream;
    char text[80], peer[80], host[64];
    struct sockaddr_storage address;
    int fds = fds_now();
    struct abyss abyss = abyss_at("two", 0);
    int listener = listen_at("two", 1, 5);
    double start = asyncio_time();
    ck_assert_int_eq(
        asyncio_open_connection("two", PORT_TEXT, &options, &stream), 0);
    assert_passed(start, 0.05);
    address_at("two", 1, &address, host, sizeof host);
    snprintf(text, sizeof text, "%s:" PORT_TEXT, host);
    asyncio_stream_get_extra_info(stream, "peername", peer, sizeof peer);
    ck_assert_str_eq(peer, text);
    asyncio_stream_close(stream);
    close(listener);
    abyss_close(abyss);
    assert_fds(fds);
}

NET_SCENARIO(when_the_first_refuses_the_second_need_not_wait)
{
    struct asyncio_connect_options options = {.attempt_delay = 1000};
    asyncio_stream *stream;
    int listener = listen_at("two", 1, 5);
    ck_assert_int_eq(
        asyncio_open_connection("two", PORT_TEXT, &options, &stream), 0);
    asyncio_stream_close(stream);
    close(listener);
}

NET_SCENARIO(all_refusals_are_told_in_order)
{
    struct asyncio_connect_failure failures[4];
    size_t count = 77;
    struct asyncio_connect_options options = {
        .attempt_delay = ASYNCIO_FOREVER,
        .ret_failures = failures,
        .failures_size = ARRAY_SIZE(failures),
        .ret_failure_count = &count,
    };
    asyncio_stream *stream;
    char host[64], text[80];
    struct sockaddr_storage address;
    int fds = fds_now();
    ck_assert_int_eq(
        asyncio_open_connection("three", PORT_TEXT, &options, &stream),
        -ECONNREFUSED);
    ck_assert_uint_eq(count, 3);
    for (int i = 0; i < 3; i++) {
        address_at("three", i, &address, host, sizeof host);
        snprintf(text, sizeof text, "%s:" PORT_TEXT, host);
        ck_assert_str_eq(failures[i].address, text);
        ck_assert_int_eq(failures[i].err, -ECONNREFUSED);
    }
    options.failures_size = 1;   /* more than there is room for */
    failures[1].err = 0;
    ck_assert_int_eq(
        asyncio_open_connection("three", PORT_TEXT, &options, &stream),
        -ECONNREFUSED);
    ck_assert_uint_eq(count, 3);
    ck_assert_int_eq(failures[1].err, 0);
    assert_fds(fds);
}

NET_SCENARIO(cancelled_in_the_middle_every_socket_is_closed)
{
    struct asyncio_connect_options options = {.attempt_delay = 0.01};
    struct call_of call = {"three", &options, NULL};
    struct abyss abysses[3];
    int fds = fds_now();
    for (int i = 0; i < 3; i++)
        abysses[i] = abyss_at("three", i);
    int fds_before = count_fds();
    asyncio_task task = asyncio_create_task(open_in_a_task, &call);
    while (count_fds() < fds_before + 3)
        let_a_turn_pass();       /* until all three are under way */
    ck_assert(!asyncio_task_is_done(task));
    asyncio_task_cancel(task);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    assert_fds(fds_before);
    for (int i = 0; i < 3; i++)
        abyss_close(abysses[i]);
    assert_fds(fds);
}

NET_SCENARIO(a_deadline_ends_a_race_that_nobody_wins)
{
    struct asyncio_connect_options options = {.attempt_delay = 0.01};
    struct asyncio_timeout timeout;
    asyncio_stream *stream;
    int fds = fds_now();
    struct abyss first = abyss_at("two", 0), second = abyss_at("two", 1);
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0.05), 0);
    int err = asyncio_open_connection("two", PORT_TEXT, &options, &stream);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
    abyss_close(first);
    abyss_close(second);
    assert_fds(fds);
}

/* The other end of a closed one reads its end, or a reset. */
static bool hears(int fd, char expected)
{
    char byte;
    return read(fd, &byte, 1) == 1 && byte == expected;
}

/* Two abysses come to life while the loop is looking elsewhere, so that it
 * finds both attempts connected in one turn. (They do when the kernel sends
 * its SYNs again, after a second.) */
NET_SCENARIO(the_loser_that_connects_as_well_is_closed)
{
    struct asyncio_connect_options options = {.attempt_delay = 0.001};
    struct call_of call = {"two", &options, NULL};
    int fds = fds_now(), peers[2];
    struct abyss abysses[2] = {abyss_at("two", 0), abyss_at("two", 1)};
    int fds_before = count_fds();
    asyncio_task task = asyncio_create_task(open_in_a_task, &call);
    while (count_fds() < fds_before + 2)
        let_a_turn_pass();
    for (int i = 0; i < 2; i++)
        close(accept_now(abysses[i].listener));
    for (int i = 0; i < 2; i++)
        peers[i] = accept_now(abysses[i].listener);
    ck_assert_int_eq(asyncio_await(task), 0);
    say_text(call.stream, "w");
    let_a_turn_pass();           /* a ring closes the other one meanwhile */
    int heard = hears(peers[0], 'w') + hears(peers[1], 'w');
    ck_assert_int_eq(heard, 1);
    for (int i = 0; i < 2; i++) {
        close(peers[i]);
        abyss_close(abysses[i]);
    }
    asyncio_stream_close(call.stream);
    assert_fds(fds);
}

NET_SCENARIO(for_ever_means_one_after_the_other)
{
    struct asyncio_connect_options options = {.attempt_delay = ASYNCIO_FOREVER};
    struct call_of call = {"two", &options, NULL};
    int fds = fds_now();
    struct abyss abyss = abyss_at("two", 0);
    int listener = listen_at("two", 1, 5);
    asyncio_task task = asyncio_create_task(open_in_a_task, &call);
    ck_assert_int_eq(asyncio_sleep(0.4), 0); /* past the usual delay */
    struct pollfd arrival = {.fd = listener, .events = POLLIN};
    ck_assert_int_eq(poll(&arrival, 1, 0), 0);
    asyncio_task_cancel(task);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    close(listener);
    abyss_close(abyss);
    assert_fds(fds);
}

NET_SCENARIO(families_take_turns)
{
    struct asyncio_connect_failure failures[4];
    size_t count = 0;
    struct asyncio_connect_options options = {
        .ret_failures = failures,
        .failures_size = ARRAY_SIZE(failures),
        .ret_failure_count = &count,
    };
    asyncio_stream *stream;
    ck_assert_int_eq(
        asyncio_open_connection("mixed", PORT_TEXT, &options, &stream),
        -ECONNREFUSED);
    ck_assert_uint_eq(count, 3);
    bool is_ipv6 = failures[0].address[0] == '[';
    ck_assert_int_eq(failures[1].address[0] == '[', !is_ipv6);
}

/* ---- one family ---- */

NET_SCENARIO(without_a_network_one_family_of_loopback_is_found)
{
    struct asyncio_connect_options options = {.family = AF_INET};
    asyncio_stream *stream;
    ck_assert_int_eq(
        asyncio_open_connection("127.0.0.1", PORT_TEXT, &options, &stream),
        -ECONNREFUSED);
    ck_assert_int_eq(
        asyncio_open_connection("two", PORT_TEXT, &options, &stream),
        -ECONNREFUSED);
    options.family = AF_INET6;
    ck_assert_int_eq(
        asyncio_open_connection("::1", PORT_TEXT, &options, &stream),
        -ECONNREFUSED);
    int err = asyncio_open_connection("two", PORT_TEXT, &options, &stream);
    ck_assert(err == -ASYNCIO_EAI_NODATA || err == -ASYNCIO_EAI_NONAME);
}

/* ---- where there is no way ---- */

NET_SCENARIO(without_a_route_it_is_enetunreach)
{
    asyncio_stream *stream;
    asyncio_datagram *datagram;
    int fds = fds_now();
    ck_assert_int_eq(
        asyncio_open_connection("192.0.2.1", PORT_TEXT, NULL, &stream),
        -ENETUNREACH);
    ck_assert_str_eq(asyncio_strerror(-ENETUNREACH), "Network is unreachable");
    ck_assert_int_eq(
        asyncio_datagram_connect("192.0.2.1", PORT_TEXT, NULL, &datagram),
        -ENETUNREACH);
    assert_fds(fds);
}

NET_SCENARIO(a_name_that_nobody_has_is_nonames)
{
    asyncio_stream *stream;
    ck_assert_int_eq(
        asyncio_open_connection("no-such-host", PORT_TEXT, NULL, &stream),
        -ASYNCIO_EAI_NONAME);
    ck_assert_int_eq(
        asyncio_open_connection("two", "no-such-service", NULL, &stream),
        -ASYNCIO_EAI_SERVICE);
}

NET_SCENARIO(a_local_port_that_is_taken_is_eaddrinuse)
{
    struct asyncio_connect_options options = {.local_host = "127.0.0.1",
                                              .local_port = PORT_TEXT};
    asyncio_stream *stream;
    int listener = listen_at("one", 0, 5);
    int fds = fds_now();
    ck_assert_int_eq(
        asyncio_open_connection("two", "7778", &options, &stream),
        -EADDRINUSE);
    assert_fds(fds);
    close(listener);
}

NET_SCENARIO(a_local_address_of_nobodys_is_eaddrnotavail)
{
    struct asyncio_connect_options options = {.local_host = "192.0.2.7"};
    asyncio_stream *stream;
    ck_assert_int_eq(
        asyncio_open_connection("one", PORT_TEXT, &options, &stream),
        -EADDRNOTAVAIL);
    options.local_host = "::1";  /* of the other family */
    ck_assert_int_eq(
        asyncio_open_connection("one", PORT_TEXT, &options, &stream),
        -EADDRNOTAVAIL);
}

NET_SCENARIO(a_server_cannot_be_where_the_machine_is_not)
{
    asyncio_server *server;
    int fds = fds_now();
    ck_assert_int_eq(asyncio_start_server(echo_client, NULL, "192.0.2.1", "0",
                                          NULL, &server),
                     -EADDRNOTAVAIL);
    assert_fds(fds);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("race");
    netns_enter("127.0.0.1 one localhost\n"
                "127.0.0.1 two\n127.0.0.2 two\n"
                "127.0.0.1 three\n127.0.0.2 three\n127.0.0.3 three\n"
                "127.0.0.1 mixed\n127.0.0.2 mixed\n::1 mixed\n");
    suite_case(suite, when_the_first_does_not_answer_the_second_is_tried);
    suite_case(suite, when_the_first_refuses_the_second_need_not_wait);
    suite_case(suite, all_refusals_are_told_in_order);
    suite_case(suite, cancelled_in_the_middle_every_socket_is_closed);
    suite_case(suite, a_deadline_ends_a_race_that_nobody_wins);
    suite_case(suite, the_loser_that_connects_as_well_is_closed);
    suite_case(suite, for_ever_means_one_after_the_other);
    suite_case(suite, families_take_turns);
    suite_case(suite, without_a_network_one_family_of_loopback_is_found);
    suite_case(suite, without_a_route_it_is_enetunreach);
    suite_case(suite, a_name_that_nobody_has_is_nonames);
    suite_case(suite, a_local_port_that_is_taken_is_eaddrinuse);
    suite_case(suite, a_local_address_of_nobodys_is_eaddrnotavail);
    suite_case(suite, a_server_cannot_be_where_the_machine_is_not);
    return suite;
}
