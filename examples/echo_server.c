/* SPDX-License-Identifier: MIT */
/*
 * A server that says back what it is told: a task for each connection, written
 * as if it were the only one.
 *
 *     echo_server [HOST] [PORT]        127.0.0.1 8888
 *
 * Try it: socat - TCP:127.0.0.1:8888. Ctrl-C ends it.
 */
#include <errno.h>
#include <stdio.h>
#include <asyncio.h>

static int on_client(asyncio_stream *stream, void *arg)
{
    char buf[1024];
    ssize_t len;
    (void)arg;
    while ((len = asyncio_stream_read(stream, buf, sizeof buf)) > 0) {
        len = asyncio_stream_write(stream, buf, (size_t)len, NULL);
        if (len < 0)
            break;
    }
    return (int)len;
}

static int serve(void *arg)
{
    const char **words = arg;
    asyncio_server *server;
    char name[64] = "?";
    int err = asyncio_start_server(on_client, NULL, words[0], words[1], NULL,
                                   &server);
    if (err < 0)
        return err;
    asyncio_server_sockname(server, 0, name, sizeof name);
    printf("serving on %s\n", name);
    return asyncio_server_serve_forever(server);
}

int main(int argc, char **argv)
{
    const char *words[2] = {"127.0.0.1", "8888"};
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc && i <= 2; i++)
        words[i - 1] = argv[i];
    int err = asyncio_run(serve, words);
    if (err < 0 && err != -EINTR)
        fprintf(stderr, "echo_server: %s\n", asyncio_strerror(err));
    return err < 0 && err != -EINTR;
}
