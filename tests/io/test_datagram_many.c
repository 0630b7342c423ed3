/* SPDX-License-Identifier: MIT */
/* Datagrams in batches, in segments, and to groups. */
#include <netinet/in.h>

#include "datagram_rig.h"

enum { ROOM = 256 };

/* Messages with memory of their own. */
struct batch {
    struct asyncio_datagram_message messages[ROOM];
    char bytes[ROOM][64];
};

static void batch_init(struct batch *batch)
{
    memset(batch, 0, sizeof *batch);
    for (int i = 0; i < ROOM; i++) {
        batch->messages[i].buf = batch->bytes[i];
        batch->messages[i].size = sizeof batch->bytes[i];
    }
}

/* Message i says i. */
static void batch_number(struct batch *batch, int count)
{
    for (int i = 0; i < count; i++)
        batch->messages[i].len = (size_t)snprintf(
            batch->bytes[i], sizeof batch->bytes[i], "%d", i);
}

static int number_of(const struct asyncio_datagram_message *message)
{
    char text[16] = "";
    ck_assert_uint_lt(message->len, sizeof text);
    memcpy(text, message->buf, message->len);
    return (int)strtol(text, NULL, 10);
}

/* ---- batches ---- */

NET_SCENARIO(a_batch_arrives_in_order_with_its_sender)
{
    static struct batch out, in;
    asyncio_datagram *far = open_udp("127.0.0.1", NULL);
    asyncio_datagram *near = connect_udp(far, NULL);
    struct asyncio_address sender = address_of(near);
    size_t sent = 99;
    batch_init(&out);
    batch_init(&in);
    batch_number(&out, 100);
    ck_assert_int_eq(
        asyncio_datagram_send_many(near, out.messages, 100, &sent), 100);
    ck_assert_uint_eq(sent, 100);
    for (int heard = 0; heard < 100;) {
        ssize_t got = asyncio_datagram_receive_many(far, in.messages, ROOM);
        ck_assert_int_gt(got, 0);
        ck_assert_int_le(got, 32);
        for (int i = 0; i < got; i++) {
            ck_assert_int_eq(number_of(&in.messages[i]), heard++);
            ck_assert_uint_eq(in.messages[i].segment_size, 0);
            ck_assert(asyncio_address_equal(&in.messages[i].address, &sender));
        }
    }
    asyncio_datagram_close(near);
    asyncio_datagram_close(far);
}

NET_SCENARIO(each_message_has_its_receiver)
{
    static struct batch out;
    asyncio_datagram *near = open_udp("127.0.0.1", NULL);
    asyncio_datagram *far[3];
    batch_init(&out);
    batch_number(&out, 3);
    for (int i = 0; i < 3; i++) {
        far[i] = open_udp("127.0.0.1", NULL);
        out.messages[i].address = address_of(far[i]);
    }
    ck_assert_int_eq(asyncio_datagram_send_many(near, out.messages, 3, NULL),
                     3);
    hear_datagram(far[0], "0");
    hear_datagram(far[1], "1");
    hear_datagram(far[2], "2");
    for (int i = 0; i < 3; i++)
        asyncio_datagram_close(far[i]);
    asyncio_datagram_close(near);
}

NET_SCENARIO(a_batch_says_who_was_cut)
{
    static struct batch in;
    asyncio_datagram *ends[2];
    ck_assert_int_eq(asyncio_datagram_pair(ends), 0);
    batch_init(&in);
    in.messages[0].size = 3;
    ck_assert_int_eq(asyncio_datagram_send(ends[0], "0123456789", 10), 10);
    ck_assert_int_eq(asyncio_datagram_send(ends[0], "abc", 3), 3);
    ck_assert_int_eq(asyncio_datagram_receive_many(ends[1], in.messages, 5),
                     2);
    ck_assert_uint_eq(in.messages[0].len, 10);
    ck_assert_mem_eq(in.bytes[0], "012\0", 4);
    ck_assert_uint_eq(in.messages[1].len, 3);
    asyncio_datagram_close(ends[0]);
    asyncio_datagram_close(ends[1]);
}

struct many {
    asyncio_datagram *datagram;
    struct batch *batch;
    size_t count;
    size_t sent;
};

static int receive_many(void *arg)
{
    struct many *many = arg;
    return (int)asyncio_datagram_receive_many(
        many->datagram, many->batch->messages, many->count);
}

static int send_many(void *arg)
{
    struct many *many = arg;
    return (int)asyncio_datagram_send_many(
        many->datagram, many->batch->messages, many->count, &many->sent);
}

NET_SCENARIO(a_batch_waits_for_the_first)
{
    static struct batch in;
    asyncio_datagram *ends[2];
    struct many many = {.batch = &in, .count = 10};
    ck_assert_int_eq(asyncio_datagram_pair(ends), 0);
    batch_init(&in);
    many.datagram = ends[1];
    for (int round = 0; round < 3; round++) {
        asyncio_task receiver = asyncio_create_task(receive_many, &many);
        let_a_turn_pass();
        ck_assert(!asyncio_task_is_done(receiver));
        ck_assert_int_eq(asyncio_datagram_receive_many(ends[1], in.messages, 1),
                         -EBUSY);
        ck_assert_int_eq(asyncio_datagram_send(ends[0], "x", 1), 1);
        ck_assert_int_eq(asyncio_await(receiver), 1);
    }
    asyncio_task receiver = asyncio_create_task(receive_many, &many);
    let_a_turn_pass();
    asyncio_task_cancel(receiver);
    ck_assert_int_eq(asyncio_await(receiver), -ECANCELED);
    ck_assert_int_eq(asyncio_datagram_receive_many(ends[1], in.messages, 0),
                     -EINVAL);
    asyncio_datagram_close(ends[0]);
    asyncio_datagram_close(ends[1]);
}

/* As many as the batch has room for, and one more. */
NET_SCENARIO(a_full_batch_leaves_the_rest_for_the_next)
{
    static struct batch in;
    asyncio_datagram *ends[2];
    ck_assert_int_eq(asyncio_datagram_pair(ends), 0);
    batch_init(&in);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(asyncio_datagram_send(ends[0], "x", 1), 1);
    ck_assert_int_eq(asyncio_datagram_receive_many(ends[1], in.messages, 4),
                     4);
    ck_assert_int_eq(asyncio_datagram_receive_many(ends[1], in.messages, 4),
                     1);
    asyncio_datagram_close(ends[0]);
    asyncio_datagram_close(ends[1]);
}

NET_SCENARIO(a_batch_that_does_not_fit_waits_and_a_cancel_tells_how_far)
{
    static struct batch out, in;
    struct asyncio_datagram_options options = {.send_buffer = 1};
    const char *path = own_path("many");
    asyncio_datagram *far, *near;
    struct many many = {.batch = &out, .count = ROOM};
    ck_assert_int_eq(asyncio_datagram_bind_unix(path, NULL, &far), 0);
    ck_assert_int_eq(asyncio_datagram_connect_unix(path, &options, &near), 0);
    batch_init(&out);
    batch_init(&in);
    batch_number(&out, ROOM);
    many.datagram = near;
    asyncio_task sender = asyncio_create_task(send_many, &many);
    let_a_turn_pass();
    ck_assert(!asyncio_task_is_done(sender));
    int heard = 0;
    while (heard < ROOM) {
        ssize_t got = asyncio_datagram_receive_many(far, in.messages, ROOM);
        ck_assert_int_gt(got, 0);
        for (int i = 0; i < got; i++)
            ck_assert_int_eq(number_of(&in.messages[i]), heard++);
    }
    ck_assert_int_eq(asyncio_await(sender), ROOM);

    sender = asyncio_create_task(send_many, &many);
    let_a_turn_pass();
    asyncio_task_cancel(sender);
    ck_assert_int_eq(asyncio_await(sender), -ECANCELED);
    ck_assert_uint_gt(many.sent, 0);
    ck_assert_uint_lt(many.sent, ROOM);
    ssize_t left = asyncio_datagram_receive_many(far, in.messages, ROOM);
    ck_assert_int_eq(left, many.sent);
    asyncio_datagram_close(near);
    asyncio_datagram_close(far);
}

NET_SCENARIO(a_unix_batch_to_a_full_queue_goes_on_later)
{
    static struct batch out, in;
    asyncio_datagram *far, *near;
    struct many many = {.batch = &out, .count = 50};
    ck_assert_int_eq(asyncio_datagram_bind_unix(own_path("a"), NULL, &far), 0);
    ck_assert_int_eq(asyncio_datagram_bind_unix(own_path("b"), NULL, &near), 0);
    batch_init(&out);
    batch_init(&in);
    batch_number(&out, 50);
    for (int i = 0; i < 50; i++)
        out.messages[i].address = address_of(far);
    many.datagram = near;
    asyncio_task sender = asyncio_create_task(send_many, &many);
    let_a_turn_pass();
    ck_assert(!asyncio_task_is_done(sender));
    for (int heard = 0; heard < 50;) {
        ssize_t got = asyncio_datagram_receive_many(far, in.messages, ROOM);
        ck_assert_int_gt(got, 0);
        for (int i = 0; i < got; i++)
            ck_assert_int_eq(number_of(&in.messages[i]), heard++);
    }
    ck_assert_int_eq(asyncio_await(sender), 50);
    asyncio_datagram_close(near);
    asyncio_datagram_close(far);
}

NET_SCENARIO(what_was_sent_before_a_failure_is_told)
{
    static struct batch out;
    static char bytes[70000];
    asyncio_datagram *far = open_udp("127.0.0.1", NULL);
    asyncio_datagram *near = connect_udp(far, NULL);
    size_t sent = 99;
    batch_init(&out);
    batch_number(&out, 10);
    out.messages[4].buf = bytes;
    out.messages[4].len = sizeof bytes;
    ck_assert_int_eq(asyncio_datagram_send_many(near, out.messages, 10, &sent),
                     -EMSGSIZE);
    ck_assert_uint_eq(sent, 4);
    out.messages[4].len = 1;
    out.messages[7].address.len_ = 1000;
    ck_assert_int_eq(asyncio_datagram_send_many(near, out.messages, 10, &sent),
                     -EINVAL);
    ck_assert_uint_eq(sent, 7);
    ck_assert_int_eq(asyncio_datagram_send_many(near, out.messages, 0, &sent),
                     0);
    ck_assert_uint_eq(sent, 0);
    asyncio_datagram_close(near);
    asyncio_datagram_close(far);
}

/* ---- segments ---- */

NET_SCENARIO(a_message_is_cut_into_segments)
{
    char bytes[2500], buf[2000];
    asyncio_datagram *far = open_udp("127.0.0.1", NULL);
    asyncio_datagram *near = connect_udp(far, NULL);
    struct asyncio_datagram_message message = {
        .buf = bytes, .len = sizeof bytes, .segment_size = 1000};
    memset(bytes, 'a', 1000);
    memset(bytes + 1000, 'b', 1000);
    memset(bytes + 2000, 'c', 500);
    if (asyncio_datagram_can_segment(near)) {
        ck_assert_int_eq(asyncio_datagram_send_many(near, &message, 1, NULL),
                         1);
        for (int i = 0; i < 3; i++) {
            ck_assert_int_eq(asyncio_datagram_receive(far, buf, sizeof buf),
                             i < 2 ? 1000 : 500);
            ck_assert_int_eq(buf[0], 'a' + i);
        }
        message.segment_size = 70000;
        ck_assert_int_eq(asyncio_datagram_send_many(near, &message, 1, NULL),
                         -EINVAL);
    } else {
        puts("skipped: this kernel has no UDP_SEGMENT");
    }
    asyncio_datagram_close(near);
    asyncio_datagram_close(far);
}

/* The loopback device hands a cut message on in one piece, as a good network
 * card does. */
NET_SCENARIO(segments_come_in_together)
{
    struct asyncio_datagram_options options = {.receive_segments = true};
    static char bytes[10000], buf[65536];
    asyncio_datagram *far = open_udp("127.0.0.1", &options);
    asyncio_datagram *near = connect_udp(far, NULL);
    struct asyncio_datagram_message message = {
        .buf = bytes, .len = sizeof bytes, .segment_size = 1200};
    struct asyncio_datagram_message got = {.buf = buf, .size = sizeof buf};
    size_t total = 0;
    if (!asyncio_datagram_can_segment(near)) {
        puts("skipped: this kernel has no UDP_SEGMENT");
        goto close;
    }
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 13);
    ck_assert_int_eq(asyncio_datagram_send_many(near, &message, 1, NULL), 1);
    while (total < sizeof bytes) {
        ck_assert_int_eq(asyncio_datagram_receive_many(far, &got, 1), 1);
        ck_assert_mem_eq(buf, bytes + total, got.len);
        if (got.len > 1200)
            ck_assert_uint_eq(got.segment_size, 1200);
        total += got.len;
    }
    ck_assert_uint_eq(total, sizeof bytes);
    /* a single one has no segments */
    ck_assert_int_eq(asyncio_datagram_send(near, "x", 1), 1);
    ck_assert_int_eq(asyncio_datagram_receive_many(far, &got, 1), 1);
    ck_assert_uint_eq(got.len, 1);
    ck_assert_uint_eq(got.segment_size, 0);
    /* and who cannot be told where one ends is not given any */
    ck_assert_int_eq(asyncio_datagram_receive(far, buf, sizeof buf),
                     -EOPNOTSUPP);
close:
    asyncio_datagram_close(near);
    asyncio_datagram_close(far);
}

NET_SCENARIO(unix_sockets_have_no_segments)
{
    struct asyncio_datagram_message message = {
        .buf = (char[]){"abcd"}, .len = 4, .segment_size = 2};
    asyncio_datagram *ends[2];
    ck_assert_int_eq(asyncio_datagram_pair(ends), 0);
    ck_assert(!asyncio_datagram_can_segment(ends[0]));
    ck_assert_int_eq(asyncio_datagram_send_many(ends[0], &message, 1, NULL),
                     -EOPNOTSUPP);
    asyncio_datagram_close(ends[0]);
    asyncio_datagram_close(ends[1]);
}

/* ---- groups ---- */

static int send_to_group(asyncio_datagram *datagram, const char *group,
                         const struct asyncio_address *like)
{
    struct asyncio_address to;
    char text[ASYNCIO_ADDRESS_TEXT_SIZE];
    snprintf(text, sizeof text, "%s:%d", group, asyncio_address_port(like));
    ck_assert_int_eq(asyncio_address_parse(text, &to), 0);
    return (int)asyncio_datagram_sendto(datagram, "all", 3, &to);
}

NET_SCENARIO(members_of_a_group_hear_what_is_sent_to_it)
{
    static const char *const group = "239.255.7.7";
    struct asyncio_datagram_options options = {.reuse_address = true};
    asyncio_datagram *first = open_udp("0.0.0.0", &options);
    asyncio_datagram *near = open_udp("127.0.0.1", NULL), *second;
    struct asyncio_address port_of = address_of(first);
    char port[16];
    snprintf(port, sizeof port, "%d", asyncio_address_port(&port_of));
    ck_assert_int_eq(
        asyncio_datagram_bind("0.0.0.0", port, &options, &second), 0);
    ck_assert_int_eq(asyncio_datagram_join(first, group, "lo"), 0);
    ck_assert_int_eq(asyncio_datagram_join(second, group, "lo"), 0);
    ck_assert_int_eq(asyncio_datagram_join(second, group, "lo"), -EADDRINUSE);
    ck_assert_int_eq(asyncio_datagram_set_multicast_interface(near, "lo"), 0);
    ck_assert_int_eq(asyncio_datagram_set_multicast_ttl(near, 0), 0);
    ck_assert_int_eq(asyncio_datagram_set_multicast_loop(near, true), 0);
    ck_assert_int_eq(send_to_group(near, group, &port_of), 3);
    hear_datagram(first, "all");
    hear_datagram(second, "all");

    ck_assert_int_eq(asyncio_datagram_leave(second, group, "lo"), 0);
    ck_assert_int_eq(asyncio_datagram_leave(second, group, "lo"),
                     -EADDRNOTAVAIL);
    ck_assert_int_eq(send_to_group(near, group, &port_of), 3);
    hear_datagram(first, "all");
    asyncio_datagram_close(first);
    asyncio_datagram_close(second);
    asyncio_datagram_close(near);
}

/* Until it has heard from itself, or why not. */
static int talk_to_itself(asyncio_datagram *far, asyncio_datagram *near)
{
    static const char *const group = "ff01::7:7";
    struct asyncio_address port_of = address_of(far);
    int err = asyncio_datagram_join(far, group, "lo");
    if (err < 0)
        return err;
    ck_assert_int_eq(asyncio_datagram_set_multicast_interface(near, "lo"), 0);
    ck_assert_int_eq(asyncio_datagram_set_multicast_ttl(near, 1), 0);
    ck_assert_int_eq(asyncio_datagram_set_multicast_loop(near, true), 0);
    err = send_to_group(near, "[ff01::7:7]", &port_of);
    if (err < 0)
        return err;
    hear_datagram(far, "all");
    return asyncio_datagram_leave(far, group, "lo");
}

NET_SCENARIO(ipv6_has_groups_too)
{
    asyncio_datagram *far, *near;
    struct asyncio_datagram_options options = {.family = AF_INET6};
    if (asyncio_datagram_bind("::", "0", &options, &far) < 0) {
        puts("skipped: no IPv6 here");
        return;
    }
    ck_assert_int_eq(asyncio_datagram_bind("::", "0", &options, &near), 0);
    int err = talk_to_itself(far, near);
    if (err < 0)
        printf("skipped: no IPv6 groups on the loopback device: %s\n",
               asyncio_errname(err));
    ck_assert(err == 0 || err == -ENETUNREACH || err == -ENODEV ||
              err == -EADDRNOTAVAIL);
    asyncio_datagram_close(near);
    asyncio_datagram_close(far);
}

static int ip_option(const asyncio_datagram *datagram, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    ck_assert_int_eq(getsockopt(asyncio_datagram_fd(datagram), IPPROTO_IP, name,
                                &value, &len),
                     0);
    return value;
}

/* (The loopback device is an echo by itself.) */
NET_SCENARIO(the_kernel_is_told_how_groups_are_sent_to)
{
    asyncio_datagram *near = open_udp("127.0.0.1", NULL);
    ck_assert_int_eq(ip_option(near, IP_MULTICAST_LOOP), 1);
    ck_assert_int_eq(ip_option(near, IP_MULTICAST_TTL), 1);
    ck_assert_int_eq(asyncio_datagram_set_multicast_loop(near, false), 0);
    ck_assert_int_eq(asyncio_datagram_set_multicast_ttl(near, 31), 0);
    ck_assert_int_eq(ip_option(near, IP_MULTICAST_LOOP), 0);
    ck_assert_int_eq(ip_option(near, IP_MULTICAST_TTL), 31);
    asyncio_datagram_close(near);
}

NET_SCENARIO(groups_that_are_none_say_so)
{
    asyncio_datagram *udp = open_udp("127.0.0.1", NULL), *ends[2];
    ck_assert_int_eq(asyncio_datagram_join(udp, "127.0.0.1", "lo"), -EINVAL);
    ck_assert_int_eq(asyncio_datagram_join(udp, "ff02::1", "lo"), -EINVAL);
    ck_assert_int_eq(asyncio_datagram_join(udp, "everybody", "lo"), -EINVAL);
    ck_assert_int_eq(asyncio_datagram_join(udp, NULL, "lo"), -EINVAL);
    ck_assert_int_eq(asyncio_datagram_join(udp, "239.1.1.1", "no-such-if"),
                     -ENODEV);
    ck_assert_int_eq(
        asyncio_datagram_set_multicast_interface(udp, "no-such-if"), -ENODEV);
    ck_assert_int_eq(asyncio_datagram_set_multicast_interface(udp, NULL), 0);
    ck_assert_int_eq(asyncio_datagram_set_multicast_ttl(udp, 256), -EINVAL);
    ck_assert_int_eq(asyncio_datagram_set_multicast_ttl(udp, -1), -EINVAL);
    asyncio_datagram_close(udp);

    ck_assert_int_eq(asyncio_datagram_pair(ends), 0);
    ck_assert_int_eq(asyncio_datagram_join(ends[0], "239.1.1.1", NULL),
                     -EOPNOTSUPP);
    ck_assert_int_eq(asyncio_datagram_set_multicast_loop(ends[0], true),
                     -EOPNOTSUPP);
    asyncio_datagram_close(ends[0]);
    asyncio_datagram_close(ends[1]);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("datagram_many");
    suite_case(suite, a_batch_arrives_in_order_with_its_sender);
    suite_case(suite, each_message_has_its_receiver);
    suite_case(suite, a_batch_says_who_was_cut);
    suite_case(suite, a_batch_waits_for_the_first);
    suite_case(suite, a_full_batch_leaves_the_rest_for_the_next);
    suite_case(suite,
               a_batch_that_does_not_fit_waits_and_a_cancel_tells_how_far);
    suite_case(suite, a_unix_batch_to_a_full_queue_goes_on_later);
    suite_case(suite, what_was_sent_before_a_failure_is_told);
    suite_case(suite, a_message_is_cut_into_segments);
    suite_case(suite, segments_come_in_together);
    suite_case(suite, unix_sockets_have_no_segments);
    suite_case(suite, members_of_a_group_hear_what_is_sent_to_it);
    suite_case(suite, ipv6_has_groups_too);
    suite_case(suite, the_kernel_is_told_how_groups_are_sent_to);
    suite_case(suite, groups_that_are_none_say_so);
    return suite;
}
