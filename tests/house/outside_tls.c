/* SPDX-License-Identifier: MIT */
/*
 * A program outside the tree that uses TLS, built against the installed
 * libraries by install.sh. It names functions as internal ones are named, which
 * must not collide when the libraries are linked statically.
 */
#include <asyncio.h>
#include <asyncio/tls.h>
#include <errno.h>
#include <stdio.h>

void out_push(void);
int mem_free(void);

void out_push(void)
{
}

int mem_free(void)
{
    return 42;
}

/* A handshake with somebody who does not speak TLS. */
static int main_task(void *arg)
{
    struct asyncio_tls_options options = {.server_name = "localhost"};
    asyncio_stream *streams[2];
    int err = asyncio_stream_pair(streams);
    if (err < 0)
        return err;
    asyncio_stream_write_text(streams[1], "no TLS here, please\n");
    err = asyncio_start_tls(streams[0], &options);
    asyncio_stream_close(streams[0]);
    asyncio_stream_close(streams[1]);
    if (err == -ASYNCIO_TLS_PROTOCOL)
        *(int *)arg = mem_free();
    return err == -ASYNCIO_TLS_PROTOCOL ? 0 : err;
}

int main(void)
{
    int answer = 0;
    int err = asyncio_run(main_task, &answer);

    out_push();
    if (err < 0 || answer != 42) {
        fprintf(stderr, "answer %d, %s\n", answer, asyncio_strerror(err));
        return 1;
    }
    printf("outside: %d, casyncio %s\n", answer, asyncio_version());
    return 0;
}
