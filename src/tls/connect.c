/* SPDX-License-Identifier: MIT */
/* Connections that speak TLS from the start, servers of them, and streams that
 * go over to it. */
#include <asyncio/scope.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tls/filter.h"

enum { SESSION_NAME_SIZE = 512 };

static const struct asyncio_tls_options no_options;

static int stream_go_over(asyncio_stream *stream,
                          const struct asyncio_tls_options *options,
                          const char *session_name)
{
    struct tls *tls;
    int err = filter_new(options, session_name, &tls);
    return err < 0 ? err : filter_install(tls, stream);
}

/* ---- in mid-stream ---- */

/* Sessions belong to a server: here that is who it is said to be, and where it
 * is. */
static const char *session_name_of(asyncio_stream *stream, const char *name,
                                   char ret_name[SESSION_NAME_SIZE])
{
    char where[128];
    int len = asyncio_stream_get_extra_info(stream, "peername", where,
                                            sizeof where);
    if (len < 0 || !name)
        return NULL;
    len = snprintf(ret_name, SESSION_NAME_SIZE, "%s at %s", name, where);
    return len < SESSION_NAME_SIZE ? ret_name : NULL;
}

int asyncio_start_tls(asyncio_stream *stream,
                      const struct asyncio_tls_options *options)
{
    char room[SESSION_NAME_SIZE];
    options = options ? options : &no_options;
    int err = asyncio_check_cancelled();
    if (err < 0)
        return err;
    return stream_go_over(
        stream, options, session_name_of(stream, options->server_name, room));
}

/* ---- from the start ---- */

int asyncio_tls_open_connection(const char *host, const char *port,
                                const struct asyncio_tls_options *options,
                                asyncio_stream **ret_stream)
{
    char session_name[SESSION_NAME_SIZE];
    struct asyncio_tls_options own = options ? *options : no_options;
    asyncio_stream *stream;
    if (!host || !port || (own.context && own.context->is_server))
        return -EINVAL;
    if (!own.server_name)
        own.server_name = host;
    int err = asyncio_open_connection(host, port, own.connect, &stream);
    if (err < 0)
        return err;
    int len = snprintf(session_name, sizeof session_name, "%s on %s port %s",
                       own.server_name, host, port);
    err = stream_go_over(
        stream, &own, len < SESSION_NAME_SIZE ? session_name : NULL);
    if (err < 0)
        asyncio_stream_close(stream);
    else
        *ret_stream = stream;
    return err;
}

/* ---- servers ---- */

struct tls_server {
    asyncio_client_fn *on_client;
    void *arg;
    void (*on_end)(void *arg);
    struct asyncio_tls_options options; /* with a reference to the context */
};

static int tls_server_client(asyncio_stream *stream, void *arg)
{
    const struct tls_server *server = arg;
    int err = asyncio_start_tls(stream, &server->options);
    return err < 0 ? err : server->on_client(stream, server->arg);
}

static void tls_server_free(struct tls_server *server)
{
    asyncio_tls_context_free(server->options.context);
    mem_free(server);
}

static void tls_server_end(void *arg)
{
    struct tls_server *server = arg;
    if (server->on_end)
        server->on_end(server->arg);
    tls_server_free(server);
}

static struct tls_server *
tls_server_new(asyncio_client_fn *on_client, void *arg,
               const struct asyncio_tls_options *options)
{
    struct tls_server *server = mem_zalloc(sizeof *server);
    if (!server)
        return NULL;
    server->on_client = on_client;
    server->arg = arg;
    server->options.context = options->context;
    server->options.handshake_timeout = options->handshake_timeout;
    server->options.shutdown_timeout = options->shutdown_timeout;
    SSL_CTX_up_ref(options->context->ctx);
    return server;
}

int asyncio_tls_start_server(asyncio_client_fn *on_client, void *arg,
                             const char *host, const char *port,
                             const struct asyncio_tls_options *options,
                             asyncio_server **ret_server)
{
    struct asyncio_server_options plain = {0};
    if (!on_client || !options || !options->context ||
        !options->context->is_server)
        return -EINVAL;
    if (options->server)
        plain = *options->server;
    struct tls_server *server = tls_server_new(on_client, arg, options);
    if (!server)
        return -ENOMEM;
    server->on_end = plain.on_end;
    plain.on_end = tls_server_end;
    int err = asyncio_start_server(tls_server_client, server, host, port,
                                   &plain, ret_server);
    if (err < 0)
        tls_server_free(server);
    return err;
}
