/* SPDX-License-Identifier: MIT */
/*
 * The load of all rows about connections: a client with one message in flight
 * on each of its connections, which it gets back unchanged.
 *
 *     loadgen MODE HOST PORT CONNECTIONS SIZE SECONDS PID
 *
 *     echo       every connection sends as soon as its message is back
 *     roundtrip  the same on one connection, and instead of sleeping the
 *                client looks again and again: what is seen is the server's
 *                time to wake up and answer, and not the client's
 *     churn      each connection serves one message and is closed
 *     idle       all are opened, say one message, and stay
 *
 * PID is the server's process: it is asked for the CPU time it used while the
 * load was on, to the ns, and for the memory it occupies; 0: there is nobody
 * to ask. Prints, as they apply: `messages N n`, `cpu X ns` and `wall X ns` per
 * message, the latencies `p50 X us` and `p99 X us`, `memory X B` per
 * connection.
 */
#include "net.h"

#include <sys/resource.h>

enum {
    EVENTS = 256,
    LATENCIES_MAX = 1 << 22,     /* those after it are not recorded */
    OPEN_AT_ONCE = 64,           /* no backlog is too short for so many */
    SOURCES = 250,               /* churn connects from 127.0.0.2 ... .251 */
};

struct connection {
    int fd;
    size_t received;             /* of the message that is in flight */
    int64_t begin_ns;            /* when that was sent */
};

struct plan {
    const char *mode;
    const char *host;
    long port;
    long connection_count;
    size_t size;
    int64_t span_ns;
    pid_t pid;
};

static struct plan plan;
static struct connection *connections;
static char *message;            /* what is sent */
static char *answer;             /* where what comes back lands */
static int epoll;
static uint32_t *latencies;      /* ns */
static long message_count;
static long opened_count;

/* ---- one connection ---- */

/* A client's own addresses in turn: each has but 28,000 ports, and a closed
 * connection holds one for a minute. The kernel picks it when it connects. */
static void bind_source(int fd)
{
    int yes = 1;
    struct sockaddr_in source = net_address("127.0.0.2", 0);
    long turn = opened_count % SOURCES;
    source.sin_addr.s_addr = htonl(ntohl(source.sin_addr.s_addr) +
                                   (uint32_t)turn);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    bench_check(bind(fd, (struct sockaddr *)&source, sizeof source) == 0,
                "bind");
}

/* The socket blocks: a message that is sent has gone in full, since the server
 * reads whatever comes. It is read only when there is something. */
static void connection_open(struct connection *connection)
{
    struct sockaddr_in address = net_address(plan.host, plan.port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bench_check(fd >= 0, "socket: are there descriptors enough?");
    bind_source(fd);
    bench_check(connect(fd, (struct sockaddr *)&address, sizeof address) == 0,
                "connect");
    net_no_delay(fd);
    net_watch(epoll, fd, connection);
    connection->fd = fd;
    opened_count++;
}

static void connection_close(struct connection *connection)
{
    close(connection->fd);
    connection->fd = -1;
}

static void connection_send(struct connection *connection, int64_t now_ns)
{
    connection->received = 0;
    connection->begin_ns = now_ns;
    ssize_t len = send(connection->fd, message, plan.size, MSG_NOSIGNAL);
    bench_check(len == (ssize_t)plan.size, "send");
}

/* Reads what there is; true when the message is back in full. */
static int connection_receive(struct connection *connection)
{
    size_t left = plan.size - connection->received;
    ssize_t len = recv(connection->fd, answer, left, MSG_DONTWAIT);
    if (len < 0 && errno == EAGAIN)
        return 0;
    bench_check(len > 0, "the server closed the connection");
    bench_check(memcmp(answer, message + connection->received, (size_t)len)
                == 0, "the answer is the message");
    connection->received += (size_t)len;
    return connection->received == plan.size;
}

static void note_latency(struct connection *connection, int64_t now_ns)
{
    if (message_count < LATENCIES_MAX)
        latencies[message_count] = (uint32_t)(now_ns - connection->begin_ns);
    message_count++;
}

/* ---- all of them ---- */

/* Waits for events; calls `on_answer` for each message that is back. */
static void poll_once(void (*on_answer)(struct connection *, int64_t))
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        if (connection_receive(connection))
            on_answer(connection, bench_now_ns());
    }
}

static long outstanding;
static int64_t end_ns;

static void on_greeted(struct connection *connection, int64_t now_ns)
{
    (void)connection;
    (void)now_ns;
    outstanding--;
}

/* Opens the connections and has each say something, a few at a time, so that
 * a server is never asked for more than its backlog holds. */
static void open_all(void)
{
    for (long i = 0; i < plan.connection_count; i++) {
        connection_open(&connections[i]);
        connection_send(&connections[i], 0);
        outstanding++;
        while (outstanding == OPEN_AT_ONCE)
            poll_once(on_greeted);
    }
    while (outstanding > 0)
        poll_once(on_greeted);
}

static void close_all(void)
{
    for (long i = 0; i < plan.connection_count; i++)
        if (connections[i].fd >= 0)
            connection_close(&connections[i]);
}

static void on_echo(struct connection *connection, int64_t now_ns)
{
    note_latency(connection, now_ns);
    if (now_ns < end_ns)
        connection_send(connection, now_ns);
    else
        outstanding--;
}

/* Every message that was sent is waited for, so that the CPU time is that of
 * the messages counted. */
static void load_echo(void)
{
    for (long i = 0; i < plan.connection_count; i++)
        connection_send(&connections[i], bench_now_ns());
    outstanding = plan.connection_count;
    while (outstanding > 0)
        poll_once(on_echo);
}

static void load_roundtrip(void)
{
    struct connection *connection = &connections[0];
    int64_t now_ns = bench_now_ns();
    while (now_ns < end_ns) {
        connection_send(connection, now_ns);
        while (!connection_receive(connection))
            ;
        now_ns = bench_now_ns();
        note_latency(connection, now_ns);
    }
}

static void on_served(struct connection *connection, int64_t now_ns)
{
    note_latency(connection, now_ns);
    connection_close(connection);
    if (now_ns < end_ns) {
        connection_open(connection);
        connection_send(connection, now_ns);
    } else {
        outstanding--;
    }
}

static void load_churn(void)
{
    for (long i = 0; i < plan.connection_count; i++) {
        connection_open(&connections[i]);
        connection_send(&connections[i], bench_now_ns());
    }
    outstanding = plan.connection_count;
    while (outstanding > 0)
        poll_once(on_served);
}

/* ---- figures ---- */

static int64_t server_cpu_ns(void)
{
    clockid_t clock;
    if (plan.pid == 0)
        return 0;
    bench_check(clock_getcpuclockid(plan.pid, &clock) == 0, "the server's CPU");
    return bench_clock_ns(clock);
}

static int compare_latencies(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void report_latencies(void)
{
    long count = message_count < LATENCIES_MAX ? message_count : LATENCIES_MAX;
    qsort(latencies, (size_t)count, sizeof *latencies, compare_latencies);
    bench_report("p50", latencies[count / 2] / 1e3, "us");
    bench_report("p99", latencies[count / 100 * 99] / 1e3, "us");
}

static void measure(void (*load)(void))
{
    int64_t cpu_ns = server_cpu_ns();
    int64_t begin_ns = bench_now_ns();
    end_ns = begin_ns + plan.span_ns;
    load();
    int64_t span_ns = bench_now_ns() - begin_ns;
    cpu_ns = server_cpu_ns() - cpu_ns;
    bench_check(message_count > 0, "at least one message");
    bench_report("messages", (double)message_count, "n");
    if (plan.pid != 0)
        bench_report("cpu", bench_each(cpu_ns, message_count), "ns");
    bench_report("wall", bench_each(span_ns, message_count), "ns");
    report_latencies();
}

/* What the first connection costs beside its own memory, the pages of code
 * that it touches, is not counted. */
static void measure_idle(void)
{
    struct connection first = {0};
    connection_open(&first);
    connection_send(&first, 0);
    outstanding = 1;
    poll_once(on_greeted);
    long before = bench_memory_of(plan.pid);
    open_all();
    long growth = bench_memory_of(plan.pid) - before;
    bench_report("memory", (double)growth / (double)plan.connection_count, "B");
    connection_close(&first);
}

/* ---- the program ---- */

static void plan_read(char **words)
{
    plan = (struct plan){.mode = words[1],
                         .host = words[2],
                         .port = bench_number(words[3]),
                         .connection_count = bench_number(words[4]),
                         .size = (size_t)bench_number(words[5]),
                         .span_ns = (int64_t)(strtod(words[6], NULL) * 1e9),
                         .pid = (pid_t)bench_number(words[7])};
    bench_check(plan.connection_count > 0 && plan.size > 0,
                "there are connections, and something to say");
}

static void prepare(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    connections = calloc((size_t)plan.connection_count, sizeof *connections);
    latencies = malloc(LATENCIES_MAX * sizeof *latencies);
    message = malloc(plan.size);
    answer = malloc(plan.size);
    bench_check(epoll >= 0 && connections && latencies && message && answer,
                "memory");
    for (size_t i = 0; i < plan.size; i++)
        message[i] = (char)('a' + i % 23);
}

int main(int argc, char **argv)
{
    bench_check(argc == 8, "loadgen MODE HOST PORT CONNECTIONS SIZE SECONDS "
                           "PID");
    plan_read(argv);
    prepare();
    if (strcmp(plan.mode, "churn") == 0) {
        measure(load_churn);
        return 0;
    }
    if (strcmp(plan.mode, "idle") == 0) {
        measure_idle();
    } else {
        open_all();
        int is_echo = strcmp(plan.mode, "echo") == 0;
        bench_check(is_echo || strcmp(plan.mode, "roundtrip") == 0,
                    "there is such a mode");
        measure(is_echo ? load_echo : load_roundtrip);
    }
    close_all();
    return 0;
}
