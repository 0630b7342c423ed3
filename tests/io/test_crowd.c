/* SPDX-License-Identifier: MIT */
/*
 * Ten thousand connections at once, each doing work, and what an idle one
 * costs. The clients are another process, of plain blocking calls, since one
 * process may not have descriptors for both ends.
 */
#include <netinet/in.h>

#include "net_rig.h"

enum {
    CROWD = 10000,
    MESSAGE_LEN = 1000,
#ifdef CTX_PORTABLE
    BYTES_PER_CONNECTION_MAX = 7 * 1024, /* its contexts are a kilobyte each */
#else
    BYTES_PER_CONNECTION_MAX = 6 * 1024,
#endif
};

/* ---- the other process ---- */

static int crowd_fds[CROWD];

/* From an address of its own, so that the ports of other tests stay free. */
static int client_connect(int port)
{
    struct sockaddr_in from = {.sin_family = AF_INET}, to = from;
    static const int on = 1;
    static const struct linger at_once = {.l_onoff = 1};
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 0x010203);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        _exit(10);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    /* No connection lingers when the test is over. */
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    if (bind(fd, (const struct sockaddr *)&from, sizeof from) < 0)
        _exit(11);
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) < 0)
        _exit(12);
    return fd;
}

static void client_message(char *message, int number, int round)
{
    memset(message, 'a' + (number + round) % 26, MESSAGE_LEN);
    snprintf(message, MESSAGE_LEN, "%d %d", number, round);
}

/* All of them say something, then all of them hear it. */
static void clients_talk(int count, int round)
{
    char said[MESSAGE_LEN], heard[MESSAGE_LEN];
    for (int i = 0; i < count; i++) {
        client_message(said, i, round);
        if (write(crowd_fds[i], said, sizeof said) != sizeof said)
            _exit(13);
    }
    for (int i = 0; i < count; i++) {
        client_message(said, i, round);
        if (recv(crowd_fds[i], heard, sizeof heard, MSG_WAITALL) !=
            sizeof heard)
            _exit(14);
        if (memcmp(said, heard, sizeof heard) != 0)
            _exit(15);
    }
}

struct clients {
    int count, port;
    int said, may_go_on;         /* ends of pipes */
};

static _Noreturn void be_the_clients(const struct clients *clients)
{
    char byte = 0;
    for (int i = 0; i < clients->count; i++)
        crowd_fds[i] = client_connect(clients->port);
    for (int round = 0; round < 3; round++) {
        clients_talk(clients->count, round);
        if (write(clients->said, &byte, 1) != 1 ||
            read(clients->may_go_on, &byte, 1) != 1)
            _exit(16);
    }
    _exit(0);
}

/* ---- the server ---- */

/* As anybody would write it. */
static int echo(asyncio_stream *stream, void *arg)
{
    char buf[1024];
    ssize_t len;
    (void)arg;
    while ((len = asyncio_stream_read(stream, buf, sizeof buf)) > 0) {
        len = asyncio_stream_write(stream, buf, (size_t)len, NULL);
        if (len < 0)
            break;
    }
    return (int)len;
}

/* User space: the pages, and the tables that hold them. */
static long memory_now(void)
{
    return proc_kib("/proc/self/status", "VmRSS:") +
           proc_kib("/proc/self/status", "VmPTE:");
}

/* How many the limits on descriptors allow. */
static int crowd_count(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    long count = CROWD / rig_slowness();
    if (limit.rlim_cur < (rlim_t)count + 100)
        count = (long)limit.rlim_cur - 100;
    if (count < CROWD)
        fprintf(stderr, "%ld connections only\n", count);
    return (int)count;
}

static void await_clients(struct ends said)
{
    char byte;
    ck_assert_int_eq(asyncio_fd_read(said.read, &byte, 1), 1);
}

static void check_memory(long kib, int count)
{
    double bytes = (double)kib * 1024 / count;
    fprintf(stderr, "%s: %.0f bytes per idle connection\n",
            asyncio_backend_name(), bytes);
    if (count == CROWD && !CTX_MARKED)
        ck_assert_double_lt(bytes, BYTES_PER_CONNECTION_MAX);
}

NET_SCENARIO(ten_thousand_are_served_at_once)
{
    struct ends said = open_pipe(0), may_go_on = open_pipe(0);
    struct clients clients = {
        .count = crowd_count(),
        .said = said.write,
        .may_go_on = may_go_on.read,
    };
    asyncio_server *server;
    ck_assert_int_eq(
        asyncio_start_server(echo, NULL, "127.0.0.1", "0", NULL, &server), 0);
    clients.port = asyncio_server_port(server);
    long before = memory_now();
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        be_the_clients(&clients);
    close(said.write);
    for (int round = 0; round < 3; round++) {
        await_clients(said);
        ck_assert_uint_eq(asyncio_server_clients(server),
                          (size_t)clients.count);
        ck_assert_uint_eq(asyncio_server_failures(server), 0);
        if (round == 1)
            check_memory(memory_now() - before, clients.count);
        put(may_go_on.write, "x");
    }
    reap_child(child);
    asyncio_server_close(server);
    close(said.read);
    close_ends(may_go_on);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("crowd");
    suite_case(suite, ten_thousand_are_served_at_once);
    return suite;
}
