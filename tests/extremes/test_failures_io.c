/* SPDX-License-Identifier: MIT */
/*
 * Streams, servers and names with each allocation and system call failing in
 * turn (failing.h): connecting, accepting, reading, writing, closing.
 */
#include "failing.h"

#include <netinet/in.h>
#include <sys/socket.h>

/* A test whose body is a main task, of the real world only. */
#define FAILING_TASK(name)                                                     \
    static int name##_task(void *arg);                                         \
    FAILING(name)                                                              \
    {                                                                          \
        return rig_is_virtual() ? 0 : asyncio_run(name##_task, NULL);          \
    }                                                                          \
    static int name##_task(UNUSED void *arg)

/* ---- a talk ---- */

static int say_back(asyncio_stream *stream, void *arg)
{
    char line[64];
    ssize_t len;
    (void)arg;
    while ((len = asyncio_stream_readline(stream, line, sizeof line)) > 0)
        TRY(asyncio_stream_write_text(stream, line));
    return (int)len;
}

/* Whatever fails on the other side is the end of the stream on this one. */
static int expect(ssize_t len, const char *buf, const char *text)
{
    if (len < 0)
        return (int)len;
    if (len < (ssize_t)strlen(text))
        return -ECONNRESET;
    ck_assert_mem_eq(buf, text, strlen(text));
    return 0;
}

static int talk(asyncio_stream *stream)
{
    char buf[64];
    char texts[3][8] = {"on", "e\n", "two\n"};
    struct iovec parts[3] = {{texts[0], 2}, {texts[1], 2}, {texts[2], 4}};
    TRY(asyncio_stream_writev(stream, parts, 3, NULL));
    TRY(expect(asyncio_stream_readline(stream, buf, sizeof buf), buf, "one\n"));
    TRY(expect(asyncio_stream_readuntil(stream, "\n", 1, buf, sizeof buf), buf,
               "two\n"));
    TRY(asyncio_stream_write_text(stream, "three\n"));
    TRY(asyncio_stream_write_eof(stream));
    TRY(expect(asyncio_stream_readexactly(stream, buf, 6, NULL), buf,
               "three\n"));
    return (int)asyncio_stream_read(stream, buf, sizeof buf);
}

static int talk_and_close(asyncio_stream *stream)
{
    char name[64];
    int err = asyncio_stream_get_extra_info(stream, "peername", name,
                                            sizeof name);
    if (err >= 0)
        err = talk(stream);
    asyncio_stream_close(stream);
    return err;
}

/* ---- over TCP ---- */

static int talk_to_server(asyncio_server *server, const char *host)
{
    struct asyncio_connect_failure failures[4];
    size_t failure_count;
    const struct asyncio_connect_options options = {
        .attempt_delay = nap_seconds,
        .ret_failures = failures,
        .failures_size = ARRAY_SIZE(failures),
        .ret_failure_count = &failure_count,
    };
    asyncio_stream *stream;
    char port[16];
    int number = asyncio_server_port(server);
    TRY(number);
    snprintf(port, sizeof port, "%d", number);
    TRY(asyncio_open_connection(host, port, &options, &stream));
    return talk_and_close(stream);
}

static int serve_and_talk(const char *host, const char *peer_host)
{
    asyncio_server *server;
    TRY(asyncio_start_server(say_back, NULL, host, "0", NULL, &server));
    int err = talk_to_server(server, peer_host);
    asyncio_server_close(server);
    return err;
}

FAILING_TASK(a_connection)
{
    return serve_and_talk("127.0.0.1", "127.0.0.1");
}

/* A name, which a thread looks up, and what may be several addresses. */
FAILING_TASK(a_connection_by_name)
{
    return serve_and_talk("localhost", "localhost");
}

FAILING_TASK(a_server_of_all_addresses)
{
    return serve_and_talk(NULL, "127.0.0.1");
}

static int talk_at_once(void *arg)
{
    return talk_to_server(arg, "127.0.0.1");
}

static int talk_all_at_once(asyncio_server *server)
{
    asyncio_task tasks[5];
    for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
        tasks[i] = asyncio_create_task(talk_at_once, server);
    return asyncio_gather(tasks, ARRAY_SIZE(tasks), NULL);
}

/* Two at a time, the others in the backlog; and an end without haste. */
FAILING_TASK(clients_that_wait_and_a_drain)
{
    const struct asyncio_server_options options = {.max_clients = 2};
    asyncio_server *server;
    TRY(asyncio_start_server(say_back, NULL, "127.0.0.1", "0", &options,
                             &server));
    int err = talk_all_at_once(server);
    int left = asyncio_server_drain(server, 10);
    asyncio_server_close(server);
    return err < 0 ? err : left;
}

static int listening_socket(void)
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

/* Which are the server's, or stay the caller's. */
FAILING_TASK(sockets_that_listen)
{
    int fds[2] = {listening_socket(), listening_socket()};
    asyncio_server *server;
    int err = asyncio_start_server_from_fds(say_back, NULL, fds, 2, NULL,
                                            &server);
    for (int i = 0; i < 2 && err < 0; i++)
        close(fds[i]);
    TRY(err);
    err = talk_to_server(server, "127.0.0.1");
    asyncio_server_close(server);
    return err;
}

/* ---- over Unix sockets, and pairs ---- */

static int serve_and_talk_unix(const char *path)
{
    asyncio_server *server;
    asyncio_stream *stream;
    TRY(asyncio_start_unix_server(say_back, NULL, path, NULL, &server));
    int err = asyncio_open_unix_connection(path, NULL, &stream);
    if (err == 0)
        err = talk_and_close(stream);
    asyncio_server_close(server);
    return err;
}

FAILING_TASK(a_unix_connection)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/casyncio-failures-%d", (int)getpid());
    int err = serve_and_talk_unix(path);
    unlink(path);                /* where the server could not */
    return err;
}

FAILING_TASK(a_unix_connection_without_a_file)
{
    char path[64];
    snprintf(path, sizeof path, "@casyncio-failures-%d", (int)getpid());
    return serve_and_talk_unix(path);
}

/* More than the sockets hold, so that both sides wait. */
enum { LARGE = 1024 * 1024 };

static int write_much(void *arg)
{
    static const char bytes[LARGE];
    struct iovec parts[2] = {
        {(void *)(uintptr_t)bytes, LARGE / 2},
        {(void *)(uintptr_t)bytes, LARGE / 2},
    };
    ssize_t len = asyncio_stream_writev(arg, parts, 2, NULL);
    asyncio_stream_abort(arg);
    return len < 0 ? (int)len : 0;
}

static int read_much(asyncio_stream *stream)
{
    char buf[4096];
    size_t have = 0;
    while (have < LARGE) {
        int ready = asyncio_stream_wait_readable(stream);
        if (ready == 0)
            return -ECONNRESET;
        TRY(ready);
        ssize_t len = asyncio_stream_read(stream, buf, sizeof buf);
        TRY(len);
        have += (size_t)len;
    }
    return 0;
}

/* The writer's end is its own to close, where it comes to run. */
FAILING_TASK(a_pair_and_much_to_write)
{
    asyncio_stream *pair[2];
    TRY(asyncio_stream_pair(pair));
    asyncio_task writer = asyncio_create_task(write_much, pair[1]);
    if (asyncio_task_error(writer) < 0)
        asyncio_stream_abort(pair[1]);
    int err = read_much(pair[0]);
    asyncio_stream_close(pair[0]);
    int failure = asyncio_await(writer);
    return err < 0 && failure < 0 && failure != -EPIPE ? failure : err;
}

FAILING_TASK(a_stream_of_a_pipe)
{
    asyncio_stream *reader;
    char buf[8];
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(write(ends[1], "pipe", 4), 4);
    close(ends[1]);
    int err = asyncio_stream_from_fd(ends[0], &reader);
    if (err < 0)
        close(ends[0]);
    TRY(err);
    err = expect(asyncio_stream_read(reader, buf, sizeof buf), buf, "pipe");
    asyncio_stream_close(reader);
    return err;
}

/* ---- names ---- */

FAILING_TASK(names_and_addresses)
{
    struct addrinfo *found;
    struct sockaddr_in address = {.sin_family = AF_INET};
    char host[256];
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    TRY(asyncio_getaddrinfo("localhost", "80", NULL, &found));
    asyncio_freeaddrinfo(found);
    return asyncio_getnameinfo((const struct sockaddr *)&address,
                               sizeof address, host, sizeof host, NULL, 0, 0);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("failures_io");
    suite_case(suite, a_connection);
    suite_case(suite, a_connection_by_name);
    suite_case(suite, a_server_of_all_addresses);
    suite_case(suite, clients_that_wait_and_a_drain);
    suite_case(suite, sockets_that_listen);
    suite_case(suite, a_unix_connection);
    suite_case(suite, a_unix_connection_without_a_file);
    suite_case(suite, a_pair_and_much_to_write);
    suite_case(suite, a_stream_of_a_pipe);
    suite_case(suite, names_and_addresses);
    return suite;
}
