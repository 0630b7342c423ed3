/* SPDX-License-Identifier: MIT */
/*
 * Our echo server of the rows about connections: straight code, a task for
 * each connection. `echo SIZE`: the largest message, 1024 or 16384 bytes. The
 * environment's ASYNCIO_BACKEND chooses the back end.
 */
#include <asyncio.h>

#include "net.h"

static int echo(asyncio_stream *stream, char *buf, size_t size)
{
    ssize_t len;
    while ((len = asyncio_stream_read(stream, buf, size)) > 0) {
        len = asyncio_stream_write(stream, buf, (size_t)len, NULL);
        if (len < 0)
            break;
    }
    return (int)len;
}

static int on_client_1k(asyncio_stream *stream, void *arg)
{
    char buf[1024];
    (void)arg;
    return echo(stream, buf, sizeof buf);
}

static int on_client_16k(asyncio_stream *stream, void *arg)
{
    char buf[16384];
    (void)arg;
    return echo(stream, buf, sizeof buf);
}

static int serve(void *arg)
{
    asyncio_server *server;
    asyncio_client_fn *on_client =
        *(long *)arg > 1024 ? on_client_16k : on_client_1k;
    int err = asyncio_start_server(on_client, NULL, "127.0.0.1", "0", NULL,
                                   &server);
    bench_check(err == 0, "start the server");
    net_say_port(asyncio_server_port(server));
    return asyncio_server_serve_forever(server);
}

int main(int argc, char **argv)
{
    long size = argc > 1 ? bench_number(argv[1]) : 1024;
    return asyncio_run(serve, &size) < 0;
}
