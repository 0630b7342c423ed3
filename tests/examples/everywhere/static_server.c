/* SPDX-License-Identifier: MIT */
/* The static server, of a folder that each machine with a compiler has. */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux before 5.6 knows no openat2, and valgrind does not either. */
#define EXAMPLE_IS_POSSIBLE                                                    \
    (syscall(SYS_openat2, -1, "", NULL, 0) < 0 && errno != ENOSYS)

#include "example.h"

#include "../../../examples/http.c"
#include "../../../examples/beneath.c"
#include "../../../examples/static_server.c"

/* How many answers of which kind there are to the requests. */
static int ask(const char *requests, const char *kind, int count)
{
    asyncio_stream *stream;
    char buf[64 * 1024];
    TRY(peer_connect(&stream));
    int err = peer_say(stream, requests);
    if (err >= 0)
        err = peer_hear(stream, buf, sizeof buf);
    asyncio_stream_close(stream);
    for (char *at = buf; err >= 0 && (at = strstr(at, kind)); at++)
        count--;
    return err < 0 ? err : -(count != 0);
}

/* A small file, which goes out with its head, and one that does not. */
PEER(browser)
{
    return ask("GET /errno.h HTTP/1.1\r\n\r\n"
               "GET /math.h HTTP/1.1\r\nRange: bytes=0-20000\r\n\r\n"
               "GET /stdio.h HTTP/1.1\r\nIf-Range: x\r\n\r\n",
               "HTTP/1.1 20", 3);
}

PEER(stranger)
{
    return ask("HEAD /none HTTP/1.1\r\n\r\n"
               "GET /../etc/passwd HTTP/1.1\r\n\r\n"
               "GET /linux HTTP/1.1\r\n\r\n"
               "nonsense\r\n\r\n",
               "HTTP/1.1 4", 3);
}

static struct options options_of_test = {
    .address = "127.0.0.1", .port = "0", .folder = "/usr/include",
};

EXAMPLE(static_server, serve, &options_of_test, browser, stranger)
