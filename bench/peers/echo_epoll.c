/* SPDX-License-Identifier: MIT */
/*
 * Peer of the rows about connections: epoll and nothing else, one thread, level
 * triggered. `echo_epoll SIZE`: the largest message.
 *
 * For an event there is one read and one write. The buffer is shared; only
 * what the other side is too slow for gets memory of its own, and only then
 * are the events of the connection changed.
 */
#include "../net/net.h"

enum { EVENTS = 256, BUF = 16384 };

/* What a connection has still to say. */
struct rest {
    size_t len;
    size_t sent;
    char bytes[];
};

struct connection {
    int fd;
    struct rest *rest;           /* NULL: nothing */
};

static char buf[BUF];
static size_t size;
static int epoll;

static void close_connection(struct connection *connection)
{
    close(connection->fd);
    free(connection->rest);
    free(connection);
}

static void accept_all(int listener)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC))
           >= 0) {
        struct connection *connection = calloc(1, sizeof *connection);
        bench_check(connection != NULL, "memory");
        connection->fd = fd;
        net_no_delay(fd);
        net_watch(epoll, fd, connection);
    }
    bench_check(errno == EAGAIN, "accept");
}

static void set_events(struct connection *connection, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};
    epoll_ctl(epoll, EPOLL_CTL_MOD, connection->fd, &event);
}

static void keep_rest(struct connection *connection, size_t sent, size_t len)
{
    struct rest *rest = malloc(sizeof *rest + len - sent);
    bench_check(rest != NULL, "memory");
    rest->len = len - sent;
    rest->sent = 0;
    memcpy(rest->bytes, buf + sent, rest->len);
    connection->rest = rest;
    set_events(connection, EPOLLOUT);
}

static void on_readable(struct connection *connection)
{
    ssize_t len = recv(connection->fd, buf, size, 0);
    if (len < 0 && errno == EAGAIN)
        return;
    if (len <= 0) {
        close_connection(connection);
        return;
    }
    ssize_t sent = send(connection->fd, buf, (size_t)len, MSG_NOSIGNAL);
    if (sent == len)
        return;
    if (sent < 0 && errno != EAGAIN)
        close_connection(connection);
    else
        keep_rest(connection, sent < 0 ? 0 : (size_t)sent, (size_t)len);
}

static void on_writable(struct connection *connection)
{
    struct rest *rest = connection->rest;
    ssize_t sent = send(connection->fd, rest->bytes + rest->sent,
                        rest->len - rest->sent, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN)
        return;
    if (sent < 0) {
        close_connection(connection);
        return;
    }
    rest->sent += (size_t)sent;
    if (rest->sent < rest->len)
        return;
    free(rest);
    connection->rest = NULL;
    set_events(connection, EPOLLIN);
}

static void on_event(struct connection *connection)
{
    if (connection->rest)
        on_writable(connection);
    else
        on_readable(connection);
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS];
    size = argc > 1 ? (size_t)bench_number(argv[1]) : BUF;
    bench_check(size > 0 && size <= BUF, "the size fits in the buffer");
    epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = net_listen();
    net_watch(epoll, listener, NULL);
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr)
                on_event(events[i].data.ptr);
            else
                accept_all(listener);
        }
    }
}
