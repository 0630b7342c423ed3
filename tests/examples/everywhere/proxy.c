/* SPDX-License-Identifier: MIT */
/* The proxy: two clients, and an echo behind it. */
#include "example.h"

#include "../../../examples/proxy.c"

static int echo(asyncio_stream *stream, void *arg)
{
    char buf[64];
    int len = peer_hear(stream, buf, sizeof buf);
    (void)arg;
    return len < 0 ? len : peer_say(stream, buf);
}

/* The server behind the proxy is the example's own child here, so that it is
 * there when the proxy begins. */
static int serve_before_echo(void *arg)
{
    struct proxy proxy = *(struct proxy *)arg;
    asyncio_server *target;
    char port[16];
    TRY(asyncio_start_server(echo, NULL, "127.0.0.1", "0", NULL, &target));
    snprintf(port, sizeof port, "%d", asyncio_server_port(target));
    proxy.target_port = port;
    int err = serve(&proxy);
    asyncio_server_close(target);
    return err;
}

PEER(client)
{
    asyncio_stream *stream;
    char buf[100];
    TRY(peer_connect(&stream));
    int err = peer_say(stream, "there and back");
    if (err >= 0)
        err = peer_hear(stream, buf, sizeof buf);
    asyncio_stream_close(stream);
    return err < 0 ? err : -(strcmp(buf, "there and back") != 0);
}

static struct proxy proxy_of_test = {
    .port = "0", .target_host = "127.0.0.1", .most = 10, .idle_seconds = 100,
};

EXAMPLE(proxy, serve_before_echo, &proxy_of_test, client, client)
