/* SPDX-License-Identifier: MIT */
/* The fetch: three URLs of a server of our own, two at a time. */
#include "example.h"

#include "../../../examples/fetch.c"

static int answer(asyncio_stream *stream, void *arg)
{
    char line[200];
    (void)arg;
    TRY(asyncio_stream_readline(stream, line, sizeof line));
    return peer_say(stream, "HTTP/1.1 200 OK\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n"
                            "3\r\nabc\r\n0\r\n\r\n");
}

enum { URLS = 3 };

static int answers;              /* that the example has got */

static int fetch_from_own(void *arg)
{
    asyncio_server *server;
    char url[64], *urls[URLS] = {url, url, url};
    struct plan plan = {.urls = urls, .count = URLS, .most = 2, .timeout = 100};
    (void)arg;
    TRY(asyncio_start_server(answer, NULL, "127.0.0.1", "0", NULL, &server));
    snprintf(url, sizeof url, "http://127.0.0.1:%d/file",
             asyncio_server_port(server));
    int err = main_task(&plan);
    answers = err == 0 ? URLS : 0;
    asyncio_server_close(server);
    return err < 0 ? err : 0;
}

/* There is nobody but the example: its own end is what is waited for. */
PEER(onlooker)
{
    TRY(asyncio_event_wait(&example.serving));
    return answers == URLS ? 0 : -EIO;
}

EXAMPLE(fetch, fetch_from_own, NULL, onlooker)
