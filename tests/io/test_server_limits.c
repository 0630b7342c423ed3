/* SPDX-License-Identifier: MIT */
/* Servers at their limits: what cannot be had, what is taken, what is full. */
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

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

/* A client that is not of this library's making. */
static int connect_raw(int fd, int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
    };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(
        connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static int new_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static double cpu_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
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

/* What is free on one address may be taken on the next one. */
NET_SCENARIO(any_port_is_never_in_use)
{
    ck_assert_ptr_nonnull(asyncio_backend_name());
    for (uint64_t n = 1;; n++) {
        asyncio_server *server;
        fault_arm(FAULT_SYSCALL, n);
        int err = asyncio_start_server(echo_client, NULL, "127.0.0.1", "0",
                                       NULL, &server);
        uint64_t asks = fault_disarm();
        ck_assert_int_ne(err, -EADDRINUSE);
        if (err == 0)
            asyncio_server_close(server);
        if (asks < n)
            break;
    }
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

/* The client hears its byte, or the end of it; the server goes on. */
static void check_one_client(asyncio_server *server, uint64_t n,
                             uint64_t *ret_asks)
{
    struct asyncio_timeout timeout;
    char byte;
    int fd = connect_raw(new_socket(), asyncio_server_port(server));
    put(fd, "x");
    fault_arm(FAULT_ANY, n);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(asyncio_sleep(0.0005), 0);
    *ret_asks = fault_disarm();
    asyncio_timeout_begin(&timeout, 10);
    ck_assert_int_gt(asyncio_fd_wait(fd, ASYNCIO_READABLE), 0);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, 0), 0);
    ssize_t len = read(fd, &byte, 1);
    ck_assert(len == 0 || (len == 1 && byte == 'x') ||
              (len < 0 && errno == ECONNRESET));
    close(fd);
}

NET_SCENARIO(whatever_fails_clients_are_served_or_told)
{
    asyncio_server *server = start_echo();
    let_a_turn_pass();
    int before = count_fds();
    uint64_t asks;
    for (uint64_t n = 1; n < 200; n++) {
        check_one_client(server, n, &asks);
        if (asks < n)
            break;
    }
    for (int i = 0; i < 100 && asyncio_server_clients(server) > 0; i++)
        let_a_turn_pass();
    let_a_turn_pass();
    ck_assert_int_eq(count_fds(), before);
    asyncio_server_close(server);
}

/* ---- too few descriptors ---- */

enum { WAITING = 5, ROOM = 2 };

static void allow_descriptors(int count)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = (rlim_t)count;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Of all that knock only ROOM are let in. */
static void check_some_are_served(asyncio_stream *streams[WAITING])
{
    for (int i = 0; i < WAITING; i++)
        say_text(streams[i], "x");
    for (int i = 0; i < ROOM; i++)
        hear_text(streams[i], "x");
    struct asyncio_timeout timeout;
    asyncio_timeout_begin(&timeout, 0.01);
    int err = asyncio_stream_wait_readable(streams[ROOM]);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
}

static int run_out_of_descriptors(void *arg)
{
    asyncio_server *server = start_echo();
    asyncio_stream *streams[WAITING];
    int fds[WAITING];
    bool is_freed_by_clients = *(bool *)arg;
    let_a_turn_pass();
    for (int i = 0; i < WAITING; i++)
        fds[i] = new_socket();
    allow_descriptors(fds[WAITING - 1] + 1 + ROOM);
    for (int i = 0; i < WAITING; i++) {
        connect_raw(fds[i], asyncio_server_port(server));
        ck_assert_int_eq(asyncio_stream_from_fd(fds[i], &streams[i]), 0);
    }
    check_some_are_served(streams);

    double cpu = cpu_seconds();
    ck_assert_int_eq(asyncio_sleep(0.3), 0);
    ck_assert_double_lt(cpu_seconds() - cpu, 0.05 * (double)rig_slowness());
    ck_assert_uint_eq(asyncio_server_clients(server), ROOM);

    for (int i = 0; is_freed_by_clients && i < ROOM; i++)
        asyncio_stream_close(streams[i]);
    if (!is_freed_by_clients)
        allow_descriptors(1000);
    for (int i = ROOM; i < 2 * ROOM; i++)
        hear_text(streams[i], "x");
    for (int i = is_freed_by_clients ? ROOM : 0; i < WAITING; i++)
        asyncio_stream_close(streams[i]);
    asyncio_server_close(server);
    return 0;
}

static void run_out_of_descriptors_in_child(void *arg)
{
    struct asyncio_runner_options options = {0};
    asyncio_runner *runner;
    ck_assert_int_eq(asyncio_runner_new(&options, &runner), 0);
    ck_assert_int_eq(asyncio_runner_run(runner, run_out_of_descriptors, arg),
                     0);
    asyncio_runner_free(runner);
}

START_TEST(without_descriptors_it_waits_and_does_not_spin)
{
    /* Under valgrind the limit is not what it seems. */
    if (rig_is_virtual() || sanitizer_on_valgrind())
        return;
    for (int i = 0; i <= 1; i++) {
        bool is_freed_by_clients = i;
        struct outcome outcome =
            in_child(run_out_of_descriptors_in_child, &is_freed_by_clients);
        assert_exited(&outcome, 0);
    }
}
END_TEST

/* ---- clients that do as they like ---- */

/* Ignores for a while that it is cancelled. */
static int linger(asyncio_stream *stream, void *arg)
{
    char byte;
    int *lingered = arg;
    ssize_t len = asyncio_stream_read(stream, &byte, 1);
    struct asyncio_shield shield;
    asyncio_shield_begin(&shield, ASYNCIO_FOREVER);
    int err = asyncio_sleep(2 * TICK);
    *lingered += asyncio_shield_end(&shield, err) == 0;
    return (int)len;
}

NET_SCENARIO(a_client_that_lingers_is_waited_for)
{
    int lingered = 0;
    asyncio_server *server;
    ck_assert_int_eq(asyncio_start_server(linger, &lingered, "127.0.0.1", "0",
                                          NULL, &server),
                     0);
    asyncio_stream *stream = connect_to_server(server);
    let_a_turn_pass();
    asyncio_server_close_clients(server);
    asyncio_server_close_clients(server);
    ck_assert_uint_eq(asyncio_server_clients(server), 1);
    hear_end(stream);
    ck_assert_int_eq(lingered, 1);
    ck_assert_uint_eq(asyncio_server_failures(server), 0);
    asyncio_stream_close(stream);
    asyncio_server_close(server);
}

static int drain_for_long(void *arg)
{
    return asyncio_server_drain(arg, 1000);
}

/* A drain that is cut short cancels who is there, and waits all the same. */
NET_SCENARIO(a_drain_is_cut_short_by_a_timeout_or_a_cancel)
{
    for (int is_timeout = 0; is_timeout <= 1; is_timeout++) {
        int lingered = 0;
        asyncio_server *server;
        ck_assert_int_eq(asyncio_start_server(linger, &lingered, "127.0.0.1",
                                              "0", NULL, &server),
                         0);
        asyncio_stream *stream = connect_to_server(server);
        let_a_turn_pass();
        asyncio_task task = asyncio_create_task(drain_for_long, server);
        let_a_turn_pass();
        if (!is_timeout)
            asyncio_task_cancel(task);
        ck_assert_int_eq(asyncio_wait_for(task, TICK), 1);
        ck_assert_int_eq(lingered, 1);
        ck_assert_int_eq(asyncio_server_drain(server, 1000), 0);
        ck_assert_int_eq(asyncio_server_drain(server, 0), 0);
        asyncio_server_stop(server);
        asyncio_server_stop(server);
        asyncio_server_close(server);
        asyncio_stream_close(stream);
    }
}

static int serve(void *arg)
{
    return asyncio_server_serve_forever(arg);
}

/* As a program does that ends on a signal: the one serves, the other drains,
 * and the server is freed between the two. */
NET_SCENARIO(a_server_is_drained_beside_serve_forever)
{
    for (int is_patient = 0; is_patient <= 1; is_patient++) {
        asyncio_server *server = start_echo();
        asyncio_task serving = asyncio_create_task(serve, server);
        asyncio_stream *streams[2];
        for (int i = 0; i < 2; i++) {
            streams[i] = connect_to_server(server);
            say_text(streams[i], "x");
            hear_text(streams[i], "x");
        }
        if (is_patient)
            asyncio_stream_close(streams[1]);
        ck_assert_int_eq(asyncio_server_drain(server, is_patient ? TICK : 0),
                         is_patient ? 1 : 2);
        ck_assert_int_eq(asyncio_await(serving), 0);
        hear_end(streams[0]);
        asyncio_stream_close(streams[0]);
        if (!is_patient)
            asyncio_stream_close(streams[1]);
    }
}

static int drain_your_own_server(asyncio_stream *stream, void *arg)
{
    say_text(stream, "x");
    return asyncio_server_drain(*(asyncio_server **)arg, 1000) != -EDEADLK;
}

NET_SCENARIO(a_client_cannot_drain_its_own_server)
{
    asyncio_server *server;
    ck_assert_int_eq(asyncio_start_server(drain_your_own_server, &server,
                                          "127.0.0.1", "0", NULL, &server),
                     0);
    asyncio_stream *stream = connect_to_server(server);
    hear_text(stream, "x");
    hear_end(stream);
    ck_assert_int_eq(asyncio_server_drain(server, NAN), -EINVAL);
    ck_assert_int_eq(asyncio_server_drain(server, -1), -EINVAL);
    asyncio_stream_close(stream);
    asyncio_server_close(server);
}

/* Closes or aborts its stream itself, as the first byte says. */
static int end_it_early(asyncio_stream *stream, void *arg)
{
    char how = 0;
    int *result = arg;
    asyncio_stream_read(stream, &how, 1);
    if (how == 'c')
        asyncio_stream_close(stream);
    else
        asyncio_stream_abort(stream);
    *result = (int)asyncio_stream_read(stream, &how, 1);
    asyncio_stream_close(stream);
    return asyncio_sleep(0);
}

NET_SCENARIO(a_client_may_end_its_stream_early)
{
    int result;
    char byte;
    asyncio_server *server;
    ck_assert_int_eq(asyncio_start_server(end_it_early, &result, "127.0.0.1",
                                          "0", NULL, &server),
                     0);
    for (int is_abort = 0; is_abort <= 1; is_abort++) {
        asyncio_stream *stream = connect_to_server(server);
        say_text(stream, is_abort ? "a" : "c");
        ck_assert_int_eq(asyncio_stream_read(stream, &byte, 1),
                         is_abort ? -ECONNRESET : 0);
        ck_assert_int_eq(result, -EBADF);
        asyncio_stream_close(stream);
    }
    asyncio_server_close(server);
}

static int say_your_name(asyncio_stream *stream, void *arg)
{
    char name[64];
    (void)arg;
    asyncio_task_get_name(asyncio_current_task(), name, sizeof name);
    return (int)asyncio_stream_write_text(stream, name);
}

static asyncio_server *start_named(void)
{
    char name[] = "somebody";
    struct asyncio_server_options options = {.task.name = name};
    asyncio_server *server;
    ck_assert_int_eq(asyncio_start_server(say_your_name, NULL, "127.0.0.1", "0",
                                          &options, &server),
                     0);
    memset(name, '?', sizeof name - 1);
    return server;
}

NET_SCENARIO(the_options_are_lent_for_the_start_alone)
{
    asyncio_server *server = start_named();
    asyncio_stream *stream = connect_to_server(server);
    hear_text(stream, "somebody");
    asyncio_stream_close(stream);
    asyncio_server_close(server);
}

/* ---- a bound, and many who come and go ---- */

static size_t served_now, served_most, served;

static int serve_one_word(asyncio_stream *stream, void *arg)
{
    char word[8];
    (void)arg;
    served++;
    served_now++;
    if (served_now > served_most)
        served_most = served_now;
    ssize_t len = asyncio_stream_read(stream, word, sizeof word);
    if (len > 0)
        len = asyncio_stream_write(stream, word, (size_t)len, NULL);
    served_now--;
    return (int)len;
}

static int say_one_word(void *arg)
{
    asyncio_stream *stream = connect_to_server(arg);
    say_text(stream, "word");
    hear_text(stream, "word");
    hear_end(stream);
    asyncio_stream_close(stream);
    return 0;
}

NET_SCENARIO(the_bound_holds_while_many_come_and_go)
{
    enum { COUNT = 100, MOST = 3 };
    struct asyncio_server_options options = {.max_clients = MOST};
    asyncio_server *server;
    asyncio_task tasks[COUNT];
    served_now = served_most = served = 0;
    ck_assert_int_eq(asyncio_start_server(serve_one_word, NULL, "127.0.0.1",
                                          "0", &options, &server),
                     0);
    for (int i = 0; i < COUNT; i++)
        tasks[i] = asyncio_create_task(say_one_word, server);
    ck_assert_int_eq(asyncio_gather(tasks, COUNT, NULL), 0);
    ck_assert_uint_eq(served, COUNT);
    ck_assert_uint_eq(served_most, MOST);
    asyncio_server_close(server);
}

/* ---- whose it is ---- */

static int serve_in_a_group(void *arg)
{
    asyncio_server **server = arg;
    *server = start_echo();
    return asyncio_server_serve_forever(*server);
}

NET_SCENARIO(a_server_of_a_group_ends_with_it)
{
    asyncio_server *server;
    struct asyncio_group group;
    asyncio_group_begin(&group);
    asyncio_group_create_task(&group, serve_in_a_group, &server);
    let_a_turn_pass();
    asyncio_stream *stream = connect_to_server(server);
    say_text(stream, "x");
    hear_text(stream, "x");
    asyncio_group_cancel(&group);
    ck_assert_int_eq(asyncio_group_end(&group, 0), 0);
    hear_end(stream);
    asyncio_stream_close(stream);
}

static int close_its_socket(void *arg)
{
    int fd = listen_anywhere();
    asyncio_server *server;
    (void)arg;
    if (asyncio_start_server_from_fds(echo_client, NULL, &fd, 1, NULL,
                                      &server) < 0)
        return 1;
    let_a_turn_pass();
    close(fd);
    asyncio_server_close(server);
    return 0;
}

/* It would else close somebody else's descriptor. */
START_TEST(a_socket_closed_behind_its_back_is_a_loud_death)
{
    if (rig_is_virtual())
        return;
    struct outcome outcome = run_in_child(close_its_socket);
    assert_died(&outcome, SIGABRT);
    assert_said(&outcome, "EBADF");
}
END_TEST

/* ---- socket activation ---- */

/* What the activated program does: says one word to its first client. */
static int on_first_client(asyncio_stream *stream, void *arg)
{
    asyncio_server **server = arg;
    asyncio_server_stop(*server);
    return (int)asyncio_stream_write_text(stream, "activated");
}

static int serve_activated(void *arg)
{
    int fds[1];
    asyncio_server *server;
    (void)arg;
    int count = asyncio_listen_fds(fds, 1);
    if (count != 1)
        return -ENOENT;
    int err = asyncio_start_server_from_fds(on_first_client, &server, fds, 1,
                                            NULL, &server);
    return err < 0 ? err : asyncio_server_serve_forever(server);
}

static const char activated_mark[] = "CASYNCIO_TEST_ACTIVATED";

/* As a service manager does it: the socket is descriptor 3, and the variables
 * name the process that the program will be. */
static _Noreturn void exec_activated(int fd)
{
    char pid[16];
    char program[1024] = "";
    char *args[] = {program, NULL};
    /* By its name, which valgrind can follow. */
    if (readlink("/proc/self/exe", program, sizeof program - 1) < 0)
        _exit(98);
    dup2(fd, 3);
    fcntl(3, F_SETFD, 0);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_PID", pid, 1);
    setenv(activated_mark, "1", 1);
    execv(program, args);
    _exit(99);
}

NET_SCENARIO(an_activated_program_serves_on_its_socket)
{
    int fd = listen_anywhere();
    struct sockaddr_in address;
    socklen_t len = sizeof address;
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        exec_activated(fd);
    close(fd);
    asyncio_stream *stream;
    ck_assert_int_eq(
        asyncio_stream_from_fd(
            connect_raw(new_socket(), ntohs(address.sin_port)), &stream),
        0);
    hear_text(stream, "activated");
    hear_end(stream);
    asyncio_stream_close(stream);
    reap_child(child);
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
    if (getenv(activated_mark))
        _exit(asyncio_run(serve_activated, NULL) == 0 ? 0 : 1);
    Suite *suite = suite_create("server_limits");
    suite_case(suite, a_start_that_fails_leaves_nothing_behind);
    suite_case(suite, any_port_is_never_in_use);
    suite_case(suite, sockets_that_cannot_be_taken_over_stay);
    suite_case(suite, whatever_fails_clients_are_served_or_told);
    suite_case(suite, without_descriptors_it_waits_and_does_not_spin);
    suite_case(suite, a_client_may_end_its_stream_early);
    suite_case(suite, the_options_are_lent_for_the_start_alone);
    suite_case(suite, a_client_that_lingers_is_waited_for);
    suite_case(suite, a_drain_is_cut_short_by_a_timeout_or_a_cancel);
    suite_case(suite, a_server_is_drained_beside_serve_forever);
    suite_case(suite, a_client_cannot_drain_its_own_server);
    suite_case(suite, the_bound_holds_while_many_come_and_go);
    suite_case(suite, a_server_of_a_group_ends_with_it);
    suite_case(suite, a_socket_closed_behind_its_back_is_a_loud_death);
    suite_case(suite, an_activated_program_serves_on_its_socket);
    suite_case(suite, what_is_wrong_is_einval);
    suite_case(suite, a_stale_socket_is_replaced_and_a_living_one_is_not);
    suite_case(suite, the_socket_of_a_successor_stays);
    suite_case(suite, places_where_no_socket_can_be_have_their_errors);
    return suite;
}
