/* SPDX-License-Identifier: MIT */
/*
 * Peer of the rows about connections: libuv, the quickest way it has. The
 * buffer for reading is shared; uv_try_write answers at once, and only what it
 * leaves is copied and queued. `echo_libuv SIZE`: the largest message.
 */
#include <uv.h>

#include "../bench.h"

enum { BUF = 16384 };

struct rest {
    uv_write_t request;
    char bytes[];
};

static char buf[BUF];
static size_t size;

static void on_close(uv_handle_t *handle)
{
    free(handle);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    (void)handle;
    (void)suggested;
    *ret_buf = uv_buf_init(buf, (unsigned)size);
}

static void on_written(uv_write_t *request, int status)
{
    (void)status;
    free(request);
}

static void queue_rest(uv_stream_t *stream, const char *bytes, size_t len)
{
    struct rest *rest = malloc(sizeof *rest + len);
    bench_check(rest != NULL, "memory");
    memcpy(rest->bytes, bytes, len);
    uv_buf_t part = uv_buf_init(rest->bytes, (unsigned)len);
    if (uv_write(&rest->request, stream, &part, 1, on_written) < 0)
        free(rest);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *ignored)
{
    (void)ignored;
    if (len == 0)
        return;
    if (len < 0) {
        uv_close((uv_handle_t *)stream, on_close);
        return;
    }
    uv_buf_t part = uv_buf_init(buf, (unsigned)len);
    int sent = uv_try_write(stream, &part, 1);
    if (sent < 0)
        sent = 0;
    if (sent < len)
        queue_rest(stream, buf + sent, (size_t)(len - sent));
}

static void on_connection(uv_stream_t *server, int status)
{
    bench_check(status == 0, "accept");
    uv_tcp_t *client = malloc(sizeof *client);
    bench_check(client != NULL, "memory");
    uv_tcp_init(server->loop, client);
    bench_check(uv_accept(server, (uv_stream_t *)client) == 0, "accept");
    uv_tcp_nodelay(client, 1);
    uv_read_start((uv_stream_t *)client, on_alloc, on_read);
}

static void listen_and_say(uv_loop_t *loop, uv_tcp_t *server)
{
    struct sockaddr_in address;
    int len = sizeof address;
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_init(loop, server);
    uv_tcp_bind(server, (const struct sockaddr *)&address, 0);
    bench_check(uv_listen((uv_stream_t *)server, SOMAXCONN, on_connection)
                == 0, "listen");
    uv_tcp_getsockname(server, (struct sockaddr *)&address, &len);
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    uv_tcp_t server;
    size = argc > 1 ? (size_t)bench_number(argv[1]) : BUF;
    bench_check(size > 0 && size <= BUF, "the size fits in the buffer");
    signal(SIGPIPE, SIG_IGN);
    listen_and_say(uv_default_loop(), &server);
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
