/* SPDX-License-Identifier: MIT */
/* Servers at their limits: what cannot be had, what is taken, what is full. */
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/fault.h"
#include "net_rig.h"

/* ---- helpers ---- */

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

/* A directory of this test's own. */
static char directory[64];

static const char *path_in_directory(const char *name)
{
    static char path[128];
    if (!*directory) {
        strcpy(directory, "/tmp/casyncio-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(directory));
    }
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void remove_directory(void)
{
    ck_assert_int_eq(rmdir(directory), 0);
    *directory = '\0';
}

static int start_on_path(const char *path, asyncio_server **ret_server)
{
    static const struct asyncio_server_options options = {.unix_mode = 0600};
    return asyncio_start_unix_server(echo_client, NULL, path, &options,
                                     ret_server);
}

/* Says something to the server at `path` and hears it. */
static void check_serves(const char *path)
{
    asyncio_stream *stream;
    ck_assert_int_eq(asyncio_open_unix_connection(path, NULL, &stream), 0);
    say_text(stream, "hello");
    hear_text(stream, "hello");
    asyncio_stream_close(stream);
}

/* ---- whatever fails ---- */

/* A start that fails leaves no file, no descriptor, and what was lent. */
NET_SCENARIO(a_start_that_fails_leaves_nothing_behind)
{
    const char *path = path_in_directory("socket");
    ck_assert_ptr_nonnull(asyncio_backend_name());
    int before = count_fds();
    int failed = 0;
    for (uint64_t n = 1;; n++) {
        asyncio_server *server = NULL;
        fault_arm(FAULT_ANY, n);
        int err = start_on_path(path, &server);
        uint64_t asks = fault_disarm();
        failed += err < 0;
        if (err == 0)
            asyncio_server_close(server);
        else
            ck_assert_ptr_null(server);
        let_others_run();
        ck_assert_int_eq(asyncio_sleep(0.001), 0);
        ck_assert_int_eq(access(path, F_OK), -1);
        ck_assert_int_eq(count_fds(), before);
        if (asks < n)
            break;
    }
    ck_assert_int_ge(failed, 5);
    remove_directory();
}

NET_SCENARIO(sockets_that_cannot_be_taken_over_stay)
{
    ck_assert_ptr_nonnull(asyncio_backend_name());
    for (uint64_t n = 1;; n++) {
        int fds[2] = {listen_anywhere(), listen_anywhere()};
        asyncio_server *server = NULL;
        fault_arm(FAULT_ANY, n);
        int err = asyncio_start_server_from_fds(echo_client, NULL, fds, 2, NULL,
                                                &server);
        uint64_t asks = fault_disarm();
        if (err == 0)
            asyncio_server_close(server);
        for (int i = 0; err < 0 && i < 2; i++)
            ck_assert_int_eq(close(fds[i]), 0);
        if (asks < n)
            break;
    }
}

NET_SCENARIO(what_is_wrong_is_einval)
{
    struct asyncio_server_options options = {.task.arg_size = 8};
    asyncio_server *server;
    int fd = listen_anywhere();
    ck_assert_int_eq(asyncio_start_server_from_fds(echo_client, NULL, &fd, 1,
                                                   &options, &server),
                     -EINVAL);
    ck_assert_int_eq(
        asyncio_start_server_from_fds(NULL, NULL, &fd, 1, NULL, &server),
        -EINVAL);
    ck_assert_int_eq(start_on_path("", &server), -EINVAL);
    ck_assert_int_eq(close(fd), 0);
}

/* ---- Unix paths ---- */

NET_SCENARIO(a_stale_socket_is_replaced_and_a_living_one_is_not)
{
    const char *path = path_in_directory("socket");
    asyncio_server *server, *second;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(
        bind(stale, (const struct sockaddr *)&address, sizeof address), 0);
    close(stale);
    ck_assert_int_eq(start_on_path(path, &server), 0);
    ck_assert_int_eq(start_on_path(path, &second), -EADDRINUSE);
    struct stat facts;
    ck_assert_int_eq(stat(path, &facts), 0);
    ck_assert_int_eq(facts.st_mode & 0777, 0600);
    check_serves(path);
    asyncio_server_close(server);
    ck_assert_int_eq(access(path, F_OK), -1);
    remove_directory();
}

NET_SCENARIO(the_socket_of_a_successor_stays)
{
    const char *path = path_in_directory("socket");
    asyncio_server *server, *second;
    ck_assert_int_eq(start_on_path(path, &server), 0);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(start_on_path(path, &second), 0);
    asyncio_server_close(server);
    check_serves(path);
    asyncio_server_close(second);
    ck_assert_int_eq(access(path, F_OK), -1);
    remove_directory();
}

NET_SCENARIO(places_where_no_socket_can_be_have_their_errors)
{
    asyncio_server *server;
    asyncio_stream *stream;
    const char *file = path_in_directory("file");
    int fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_int_eq(start_on_path(file, &server), -EADDRINUSE);
    ck_assert_int_eq(access(file, F_OK), 0);
    ck_assert_int_eq(asyncio_open_unix_connection(file, NULL, &stream),
                     -ECONNREFUSED);
    ck_assert_int_eq(start_on_path(directory, &server), -EADDRINUSE);
    ck_assert_int_eq(asyncio_open_unix_connection(directory, NULL, &stream),
                     -ECONNREFUSED);
    const char *below = path_in_directory("file/socket");
    ck_assert_int_eq(start_on_path(below, &server), -ENOTDIR);
    ck_assert_int_eq(asyncio_open_unix_connection(below, NULL, &stream),
                     -ENOTDIR);
    ck_assert_int_eq(start_on_path(path_in_directory("none/socket"), &server),
                     -ENOENT);
    unlink(path_in_directory("file"));
    remove_directory();
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("server_limits");
    suite_case(suite, a_start_that_fails_leaves_nothing_behind);
    suite_case(suite, sockets_that_cannot_be_taken_over_stay);
    suite_case(suite, what_is_wrong_is_einval);
    suite_case(suite, a_stale_socket_is_replaced_and_a_living_one_is_not);
    suite_case(suite, the_socket_of_a_successor_stays);
    suite_case(suite, places_where_no_socket_can_be_have_their_errors);
    return suite;
}
