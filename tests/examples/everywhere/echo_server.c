/* SPDX-License-Identifier: MIT */
/* The echo server: two clients, each with a few words. */
#include "example.h"

#include "../../../examples/echo_server.c"

PEER(client)
{
    static const char *const words = "hello, is there anybody?\n";
    asyncio_stream *stream;
    char buf[100];
    TRY(peer_connect(&stream));
    int err = peer_say(stream, words);
    if (err >= 0)
        err = peer_hear(stream, buf, sizeof buf);
    asyncio_stream_close(stream);
    return err < 0 ? err : -(strcmp(buf, words) != 0);
}

static const char *words[] = {"127.0.0.1", "0"};

EXAMPLE(echo_server, serve, words, client, client)
