/* SPDX-License-Identifier: MIT */
/*
 * Peer of tls-16m: epoll, OpenSSL and nothing else, one thread. It gives out
 * one file, mapped into memory, so that encrypting is the first to touch its
 * bytes. `site_openssl CERTIFICATE KEY FILE`; TLS 1.3.
 *
 * A request ends at an empty line, and nobody looks at what it asks for.
 * The answer goes out a record at a time, a few records per event.
 */
#include "../net/net.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { EVENTS = 64, RECORD = 16384, RECORDS_PER_EVENT = 16 };

struct connection {
    int fd;
    SSL *ssl;
    uint32_t events;             /* what epoll looks for */
    int seen;                    /* of the four bytes that end a request */
    size_t head_left;            /* of the answer, from the end */
    size_t body_left;
};

static SSL_CTX *context;
static char head[256];
static size_t head_len;
static char *body;
static size_t body_len;
static int epoll;

static void close_connection(struct connection *connection)
{
    SSL_free(connection->ssl);
    close(connection->fd);
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
        connection->events = EPOLLIN;
        connection->ssl = SSL_new(context);
        SSL_set_fd(connection->ssl, fd);
        SSL_set_accept_state(connection->ssl);
        net_no_delay(fd);
        net_watch(epoll, fd, connection);
    }
}

static void set_events(struct connection *connection, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (connection->events == events)
        return;
    connection->events = events;
    epoll_ctl(epoll, EPOLL_CTL_MOD, connection->fd, &event);
}

/* What a call that did not work waits for; 0: the connection is over. */
static uint32_t events_after(struct connection *connection, int result)
{
    switch (SSL_get_error(connection->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return EPOLLIN;
    case SSL_ERROR_WANT_WRITE:
        return EPOLLOUT;
    default:
        ERR_clear_error();
        return 0;
    }
}

static int ends_request(struct connection *connection, const char *bytes,
                        int len)
{
    for (int i = 0; i < len; i++) {
        if (bytes[i] == "\r\n\r\n"[connection->seen])
            connection->seen++;
        else
            connection->seen = bytes[i] == '\r';
        if (connection->seen == 4)
            return 1;
    }
    return 0;
}

/* Reads until there is a whole request; returns the events to wait for if there
 * is none yet, EPOLLOUT if there is one. */
static uint32_t receive(struct connection *connection)
{
    char bytes[4096];
    int len;
    while ((len = SSL_read(connection->ssl, bytes, sizeof bytes)) > 0) {
        if (!ends_request(connection, bytes, len))
            continue;
        connection->seen = 0;
        connection->head_left = head_len;
        connection->body_left = body_len;
        return EPOLLOUT;
    }
    return events_after(connection, len);
}

static int write_some(struct connection *connection, const char *end,
                      size_t *left)
{
    size_t len = *left < RECORD ? *left : RECORD;
    int done = SSL_write(connection->ssl, end - *left, (int)len);
    if (done > 0)
        *left -= (size_t)done;
    return done;
}

static uint32_t send_answer(struct connection *connection)
{
    for (int i = 0; i < RECORDS_PER_EVENT; i++) {
        int done = connection->head_left
                       ? write_some(connection, head + head_len,
                                    &connection->head_left)
                       : write_some(connection, body + body_len,
                                    &connection->body_left);
        if (done <= 0)
            return events_after(connection, done);
        if (connection->body_left == 0)
            return receive(connection);
    }
    return EPOLLOUT;
}

static void on_event(struct connection *connection)
{
    uint32_t events = connection->body_left ? send_answer(connection)
                                            : receive(connection);
    if (events)
        set_events(connection, events);
    else
        close_connection(connection);
}

static void map_body(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bench_check(fd >= 0 && fstat(fd, &status) == 0, "open the file");
    body_len = (size_t)status.st_size;
    body = mmap(NULL, body_len, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    bench_check(body != MAP_FAILED, "map the file");
    head_len = (size_t)snprintf(head, sizeof head,
                                "HTTP/1.1 200 OK\r\n"
                                "Content-Length: %zu\r\n\r\n", body_len);
}

static void make_context(const char *certificate, const char *key)
{
    context = SSL_CTX_new(TLS_server_method());
    bench_check(context != NULL, "a context of OpenSSL");
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    bench_check(SSL_CTX_use_certificate_chain_file(context, certificate) == 1,
                "the certificate");
    bench_check(SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM)
                == 1, "the key");
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS];
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        puts(OPENSSL_VERSION_TEXT);
        return 0;
    }
    bench_check(argc == 4, "site_openssl CERTIFICATE KEY FILE");
    signal(SIGPIPE, SIG_IGN);
    make_context(argv[1], argv[2]);
    map_body(argv[3]);
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
