/* SPDX-License-Identifier: MIT */
/* What the tests of streams and servers share. Sockets are of the real world:
 * in a simulation these tests have nothing to say. */
#ifndef IO_NET_RIG_H
#define IO_NET_RIG_H

#include "rig.h"

/* A scenario of the real world. */
#define NET_SCENARIO(name)                                                     \
    static void name##_net(void);                                              \
    SCENARIO(name)                                                             \
    {                                                                          \
        if (!rig_is_virtual())                                                 \
            name##_net();                                                      \
    }                                                                          \
    static void name##_net(void)

/* A ring lets go of what was watched at a later turn. */
static UNUSED void settle_fds(int count)
{
    for (int i = 0; i < 500 && count_fds() != count; i++)
        let_a_turn_pass();
    ck_assert_int_eq(count_fds(), count);
}

/* Two streams that are connected to each other. */
struct pair {
    asyncio_stream *near;
    asyncio_stream *far;
};

static UNUSED struct pair open_pair(void)
{
    asyncio_stream *streams[2];
    ck_assert_int_eq(asyncio_stream_pair(streams), 0);
    return (struct pair){streams[0], streams[1]};
}

static UNUSED void close_pair(struct pair pair)
{
    asyncio_stream_close(pair.near);
    asyncio_stream_close(pair.far);
}

static UNUSED void say_text(asyncio_stream *stream, const char *text)
{
    ck_assert_int_eq(asyncio_stream_write_text(stream, text), strlen(text));
}

static UNUSED void hear_text(asyncio_stream *stream, const char *text)
{
    char buf[4096];
    size_t len = strlen(text);
    ck_assert_uint_lt(len, sizeof buf);
    ck_assert_int_eq(asyncio_stream_readexactly(stream, buf, len, NULL), len);
    ck_assert_mem_eq(buf, text, len);
}

static UNUSED void hear_end(asyncio_stream *stream)
{
    char byte;
    ck_assert_int_eq(asyncio_stream_read(stream, &byte, 1), 0);
    ck_assert(asyncio_stream_at_eof(stream));
}

/* Waits for a child that needs nothing of this process any more; not by the
 * loop, which valgrind does not let wait for children. */
static UNUSED void reap_child(pid_t child)
{
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}

/* Says back what it hears. */
static UNUSED int echo_client(asyncio_stream *stream, void *arg)
{
    char buf[4096];
    ssize_t len;
    (void)arg;
    while ((len = asyncio_stream_read(stream, buf, sizeof buf)) > 0) {
        len = asyncio_stream_write(stream, buf, (size_t)len, NULL);
        if (len < 0)
            break;
    }
    return (int)len;
}

static UNUSED asyncio_server *start_echo(void)
{
    asyncio_server *server;
    ck_assert_int_eq(asyncio_start_server(echo_client, NULL, "127.0.0.1", "0",
                                          NULL, &server),
                     0);
    return server;
}

/* Connects to a server of this process. */
static UNUSED asyncio_stream *connect_to_server(const asyncio_server *server)
{
    asyncio_stream *stream;
    char port[16];
    snprintf(port, sizeof port, "%d", asyncio_server_port(server));
    ck_assert_int_eq(
        asyncio_open_connection("127.0.0.1", port, NULL, &stream), 0);
    return stream;
}

#endif
