/* SPDX-License-Identifier: MIT */
/* The chat: three members who come, speak and go. */
#include "example.h"

#include "../../../examples/chat.c"

PEER(talker)
{
    asyncio_stream *stream;
    char buf[1000];
    TRY(peer_connect(&stream));
    int err = peer_say(stream, "ann\ngood morning\n");
    if (err >= 0)
        err = peer_hear(stream, buf, sizeof buf);
    asyncio_stream_close(stream);
    return err < 0 ? err : -(strstr(buf, "* ann has come") == NULL);
}

static const char *words[] = {"127.0.0.1", "0"};

EXAMPLE(chat, serve, words, talker, talker, talker)
