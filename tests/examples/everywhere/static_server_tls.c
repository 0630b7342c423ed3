/* SPDX-License-Identifier: MIT */
/* The static server with TLS, of a folder that each machine with a compiler
 * has. */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <asyncio/tls.h>

/* As static_server.c, and certificates. */
#define EXAMPLE_IS_POSSIBLE                                                    \
    (system("openssl version >/dev/null") == 0 &&                              \
     syscall(SYS_openat2, -1, "", NULL, 0) < 0 && errno != ENOSYS)

#include "example.h"

#define WITH_TLS 1
#define asyncio_tls_start_server(...)                                          \
    STEP(asyncio_tls_start_server(__VA_ARGS__))
#define asyncio_tls_open_connection(...)                                       \
    STEP(asyncio_tls_open_connection(__VA_ARGS__))

#include "../../../examples/http.c"
#include "../../../examples/beneath.c"
#include "../../../examples/static_server.c"

static char pem_path[64];

static void certificate_remove(void)
{
    unlink(pem_path);
}

/* A certificate and its key, in one file, by the program that everybody makes
 * them with. */
static int serve_with_certificate(void *arg)
{
    char command[512];
    if (*pem_path)
        return serve(arg);
    snprintf(pem_path, sizeof pem_path, "/tmp/casyncio-example-%d.pem",
             (int)getpid());
    snprintf(command, sizeof command,
             "openssl req -x509 -nodes -subj /CN=test -newkey ec "
             "-pkeyopt ec_paramgen_curve:prime256v1 "
             "-keyout %s -out - >>%s 2>/dev/null",
             pem_path, pem_path);
    atexit(certificate_remove);
    ck_assert_int_eq(system(command), 0);
    return serve(arg);
}

static int talk_tls(asyncio_tls_context *context)
{
    /* A handshake that lost a message waits to hear why. */
    const struct asyncio_tls_options options = {
        .context = context,
        .handshake_timeout = 0.25 * (double)rig_slowness(),
    };
    asyncio_stream *stream;
    char buf[64 * 1024];
    TRY(asyncio_event_wait(&example.serving));
    TRY(asyncio_tls_open_connection("127.0.0.1", example.port, &options,
                                    &stream));
    int err = peer_say(stream, "GET /errno.h HTTP/1.1\r\n\r\n"
                               "GET /stdio.h HTTP/1.1\r\n\r\n");
    if (err >= 0)
        err = peer_hear(stream, buf, sizeof buf);
    asyncio_stream_close(stream);
    return err < 0 ? err : -(strncmp(buf, "HTTP/1.1 200", 12) != 0);
}

PEER(browser)
{
    asyncio_tls_context *context;
    TRY(asyncio_tls_context_new_client(&context));
    asyncio_tls_context_dangerously_trust_anybody(context);
    int err = talk_tls(context);
    asyncio_tls_context_free(context);
    return err;
}

static struct options options_of_test = {
    .address = "127.0.0.1",
    .port = "0",
    .certificate = pem_path,
    .folder = "/usr/include",
};

EXAMPLE(static_server_tls, serve_with_certificate, &options_of_test, browser,
        browser)
