/* SPDX-License-Identifier: MIT */
/* Connections that do not come about: refused, forbidden, unanswered, full. */
#include <netinet/in.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "net_rig.h"

/* ---- helpers ---- */

/* Where to, for connections that hang, and what came of it. */
struct attempt {
    const char *host, *port;
    char path[100];              /* a Unix socket's, where there is no host */
    struct asyncio_connect_options options;
    asyncio_stream *stream;
};

static int run_attempt(void *arg)
{
    struct attempt *attempt = arg;
    if (!attempt->host)
        return asyncio_open_unix_connection(attempt->path, NULL,
                                            &attempt->stream);
    return asyncio_open_connection(attempt->host, attempt->port,
                                   &attempt->options, &attempt->stream);
}

/* A socket that listens and has no room in its backlog: connecting hangs. */
struct full {
    int fd;
    int crowd[8];
    char port[16];
};

static int connect_raw(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    int err = connect(fd, (const struct sockaddr *)address, sizeof *address);
    ck_assert(err == 0 || errno == EINPROGRESS);
    return fd;
}

static struct full listen_full(void)
{
    struct full full;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    full.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(
        bind(full.fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(full.fd, 0), 0);
    ck_assert_int_eq(getsockname(full.fd, (struct sockaddr *)&address, &len),
                     0);
    for (size_t i = 0; i < ARRAY_SIZE(full.crowd); i++)
        full.crowd[i] = connect_raw(&address);
    snprintf(full.port, sizeof full.port, "%d", ntohs(address.sin_port));
    return full;
}

static void close_full(const struct full *full)
{
    close(full->fd);
    for (size_t i = 0; i < ARRAY_SIZE(full->crowd); i++)
        close(full->crowd[i]);
}

/* ---- cancels ---- */

NET_SCENARIO(an_unanswered_connect_is_cancelled)
{
    struct full full = listen_full();
    ck_assert_ptr_nonnull(asyncio_backend_name());
    int before = count_fds();
    struct attempt attempt = {.host = "127.0.0.1", .port = full.port};
    asyncio_task task = asyncio_create_task(run_attempt, &attempt);
    let_a_turn_pass();
    ck_assert(!asyncio_task_is_done(task));
    asyncio_task_cancel(task);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    task = asyncio_create_task(run_attempt, &attempt);
    ck_assert_int_eq(asyncio_wait_for(task, TICK), -ETIMEDOUT);
    let_a_turn_pass();
    ck_assert_int_eq(count_fds(), before);
    close_full(&full);
}

/* Several addresses, none of which answers: all attempts are withdrawn. */
NET_SCENARIO(an_unanswered_race_is_cancelled)
{
    struct full full = listen_full();
    ck_assert_ptr_nonnull(asyncio_backend_name());
    struct attempt attempt = {
        .host = "localhost",
        .port = full.port,
        .options.attempt_delay = 0.001,
    };
    /* The resolver opens files of its own, once. */
    asyncio_task task = asyncio_create_task(run_attempt, &attempt);
    ck_assert_int_eq(asyncio_wait_for(task, 10 * TICK), -ETIMEDOUT);
    int before = count_fds();
    task = asyncio_create_task(run_attempt, &attempt);
    ck_assert_int_eq(asyncio_wait_for(task, 10 * TICK), -ETIMEDOUT);
    await_fds(before);
    close_full(&full);
}

static int cancel_self_and_connect(void *arg)
{
    asyncio_task_cancel(asyncio_current_task());
    return run_attempt(arg);
}

/* The other side does not even hear of it. */
NET_SCENARIO(cancelled_before_it_does_not_begin)
{
    asyncio_server *server = start_echo();
    char port[16];
    snprintf(port, sizeof port, "%d", asyncio_server_port(server));
    struct attempt attempt = {.host = "127.0.0.1", .port = port};
    let_a_turn_pass();
    asyncio_task task =
        asyncio_create_task(cancel_self_and_connect, &attempt);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    attempt = (struct attempt){.path = "/nowhere/at/all"};
    task = asyncio_create_task(cancel_self_and_connect, &attempt);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    let_a_turn_pass();
    ck_assert_uint_eq(asyncio_server_clients(server), 0);
    asyncio_server_close(server);
}

/* ---- Unix ---- */

static int listen_on_file(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    ck_assert_uint_lt(strlen(path), sizeof address.sun_path);
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(
        bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 0), 0);
    return fd;
}

/* No event says when there is room again. */
NET_SCENARIO(a_full_unix_backlog_is_tried_again)
{
    enum { COUNT = 6 };
    char directory[] = "/tmp/casyncio-test-XXXXXX";
    struct attempt attempts[COUNT];
    asyncio_task tasks[COUNT];
    int accepted[COUNT];
    ck_assert_ptr_nonnull(mkdtemp(directory));
    for (int i = 0; i < COUNT; i++) {
        attempts[i] = (struct attempt){.host = NULL};
        snprintf(attempts[i].path, sizeof attempts[i].path, "%s/socket",
                 directory);
    }
    int fd = listen_on_file(attempts[0].path);
    for (int i = 0; i < COUNT; i++)
        tasks[i] = asyncio_create_task(run_attempt, &attempts[i]);
    let_a_turn_pass();
    ck_assert(!asyncio_task_is_done(tasks[COUNT - 1]));
    asyncio_task_cancel(tasks[COUNT - 1]);
    ck_assert_int_eq(asyncio_await(tasks[COUNT - 1]), -ECANCELED);
    for (int i = 0; i < COUNT - 1; i++) {
        ck_assert_int_gt(asyncio_fd_wait(fd, ASYNCIO_READABLE), 0);
        accepted[i] = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        ck_assert_int_ge(accepted[i], 0);
    }
    for (int i = 0; i < COUNT - 1; i++) {
        ck_assert_int_eq(asyncio_await(tasks[i]), 0);
        asyncio_stream_close(attempts[i].stream);
        close(accepted[i]);
    }
    close(fd);
    unlink(attempts[0].path);
    rmdir(directory);
}

/* Who may not: as somebody else than root, whom nothing is forbidden. */
static int try_what_is_forbidden(void *arg)
{
    const char *const *paths = arg;
    asyncio_stream *stream;
    asyncio_server *server;
    if (setgid(65534) < 0 || setuid(65534) < 0)
        fprintf(stderr, "skipped: cannot be anybody else\n");
    if (geteuid() == 0)
        return 0;
    int err = asyncio_open_unix_connection(paths[0], NULL, &stream);
    if (err != -EACCES)
        return err;
    err = asyncio_start_unix_server(echo_client, NULL, paths[1], NULL, &server);
    return err == -EACCES ? 0 : err;
}

static void as_somebody_else(void *arg)
{
    if (asyncio_run(try_what_is_forbidden, arg) != 0)
        _exit(1);
}

START_TEST(a_forbidden_path_is_eacces)
{
    char directory[] = "/tmp/casyncio-test-XXXXXX";
    char paths[2][64];
    if (rig_is_virtual())
        return;
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(paths[0], sizeof paths[0], "%s/socket", directory);
    snprintf(paths[1], sizeof paths[1], "%s/another", directory);
    int fd = listen_on_file(paths[0]);
    ck_assert_int_eq(chmod(paths[0], 0600), 0);
    ck_assert_int_eq(chmod(directory, 0755), 0);
    if (geteuid() != 0)
        ck_assert_int_eq(chmod(paths[0], 0) | chmod(directory, 0555), 0);
    const char *both[2] = {paths[0], paths[1]};
    struct outcome outcome = in_child(as_somebody_else, both);
    assert_exited(&outcome, 0);
    ck_assert_int_eq(chmod(directory, 0755), 0);
    close(fd);
    unlink(paths[0]);
    rmdir(directory);
}
END_TEST

/* ---- no way ---- */

static int connect_to_nowhere(void *arg)
{
    asyncio_stream *stream;
    (void)arg;
    int err = asyncio_open_connection("127.0.0.1", "1", NULL, &stream);
    return err == -ENETUNREACH ? 0 : err;
}

/* In a network of its own, which has no routes. */
static void without_a_network(void *arg)
{
    (void)arg;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
        fprintf(stderr, "skipped: no network of one's own here\n");
        return;
    }
    if (asyncio_run(connect_to_nowhere, NULL) != 0)
        _exit(1);
}

START_TEST(no_route_is_enetunreach)
{
    if (rig_is_virtual())
        return;
    struct outcome outcome = in_child(without_a_network, NULL);
    assert_exited(&outcome, 0);
}
END_TEST

NET_SCENARIO(messages_say_what_happened)
{
    static const int codes[] = {
        ECONNREFUSED, ECONNRESET, EADDRINUSE, ENETUNREACH, EACCES, ENOTDIR,
        EMFILE, ENFILE, ENODATA, EMSGSIZE, ENAMETOOLONG, EPIPE, ETIMEDOUT,
    };
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        const char *sentence = asyncio_strerror(-codes[i]);
        ck_assert_str_ne(sentence, "unknown error");
        ck_assert_uint_gt(strlen(sentence), 10);
    }
    ck_assert_str_eq(asyncio_strerror(-ENODATA),
                     "the stream ended before that");
    ck_assert_str_eq(asyncio_strerror(-EMSGSIZE),
                     "longer than the limit or the buffer");
}

/* ---- literals ---- */

NET_SCENARIO(an_ipv6_literal_is_connected_to)
{
    asyncio_server *server;
    asyncio_stream *stream;
    char port[16], name[64];
    int err = asyncio_start_server(echo_client, NULL, "::1", "0", NULL,
                                   &server);
    if (err == -EADDRNOTAVAIL || err == -EAFNOSUPPORT) {
        fprintf(stderr, "skipped: no IPv6 here\n");
        return;
    }
    ck_assert_int_eq(err, 0);
    snprintf(port, sizeof port, "%d", asyncio_server_port(server));
    ck_assert_int_eq(asyncio_open_connection("::1", port, NULL, &stream), 0);
    say_text(stream, "hello");
    hear_text(stream, "hello");
    ck_assert_int_gt(asyncio_stream_get_extra_info(stream, "peername", name,
                                                   sizeof name),
                     0);
    ck_assert_int_eq(strncmp(name, "[::1]:", 6), 0);
    asyncio_stream_close(stream);
    asyncio_server_close(server);
}

NET_SCENARIO(the_local_address_is_chosen)
{
    asyncio_server *server = start_echo();
    asyncio_stream *stream;
    char port[16], name[64];
    struct asyncio_connect_options options = {.local_host = "127.0.0.2"};
    snprintf(port, sizeof port, "%d", asyncio_server_port(server));
    ck_assert_int_eq(
        asyncio_open_connection("127.0.0.1", port, &options, &stream), 0);
    asyncio_stream_get_extra_info(stream, "sockname", name, sizeof name);
    ck_assert_int_eq(strncmp(name, "127.0.0.2:", 10), 0);
    asyncio_stream_close(stream);
    options.local_host = "::1";  /* of the other family */
    ck_assert_int_eq(
        asyncio_open_connection("127.0.0.1", port, &options, &stream),
        -EADDRNOTAVAIL);
    asyncio_server_close(server);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("connect_limits");
    suite_case(suite, an_unanswered_connect_is_cancelled);
    suite_case(suite, an_unanswered_race_is_cancelled);
    suite_case(suite, cancelled_before_it_does_not_begin);
    suite_case(suite, a_full_unix_backlog_is_tried_again);
    suite_case(suite, a_forbidden_path_is_eacces);
    suite_case(suite, no_route_is_enetunreach);
    suite_case(suite, messages_say_what_happened);
    suite_case(suite, an_ipv6_literal_is_connected_to);
    suite_case(suite, the_local_address_is_chosen);
    return suite;
}
