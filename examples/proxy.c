/* SPDX-License-Identifier: MIT */
/*
 * A TCP proxy: hands on what comes in to another address, and back.
 *
 *     proxy [-n MOST] [-i SECONDS] PORT TARGET_HOST TARGET_PORT
 *
 * It listens on PORT of 127.0.0.1, holds MOST connections at once (1000; more
 * wait until one ends), and ends those on which nothing has moved either way
 * for SECONDS (60). A side that has no more to say may still listen. Ctrl-C
 * ends it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <asyncio.h>

struct proxy {
    const char *port;
    const char *target_host;
    const char *target_port;
    size_t most;
    double idle_seconds;
};

/* One way of a connection. */
struct flow {
    asyncio_stream *from;
    asyncio_stream *to;
    struct asyncio_timeout *idle; /* of both ways together */
    double idle_seconds;
    size_t bytes;
};

static const double connect_seconds = 10;

static int flow_run(void *arg)
{
    struct flow *flow = arg;
    char buf[16 * 1024];
    ssize_t len;
    while ((len = asyncio_stream_read(flow->from, buf, sizeof buf)) > 0) {
        asyncio_timeout_reschedule(flow->idle, flow->idle_seconds);
        len = asyncio_stream_write(flow->to, buf, (size_t)len, NULL);
        if (len < 0)
            break;
        asyncio_timeout_reschedule(flow->idle, flow->idle_seconds);
        flow->bytes += (size_t)len;
    }
    if (len < 0)
        return (int)len;

    /* Only this way has ended: the answer may be still to come. */
    return asyncio_stream_write_eof(flow->to);
}

/* Both ways at once. A failure of one ends the other. */
static int relay(struct flow *there, struct flow *back)
{
    struct asyncio_group group;
    int err = asyncio_group_begin(&group);
    if (err < 0)
        return err;
    err = asyncio_task_error(
        asyncio_group_create_task(&group, flow_run, there));
    if (err == 0)
        err = flow_run(back);
    return asyncio_group_end(&group, err);
}

static int relay_while_busy(struct flow *there, struct flow *back)
{
    struct asyncio_timeout idle;
    int err = asyncio_timeout_begin(&idle, there->idle_seconds);
    if (err < 0)
        return err;
    there->idle = back->idle = &idle;
    return asyncio_timeout_end(&idle, relay(there, back));
}

static int connect_target(const struct proxy *proxy, asyncio_stream **ret)
{
    struct asyncio_timeout timeout;
    int err = asyncio_timeout_begin(&timeout, connect_seconds);
    if (err < 0)
        return err;
    err = asyncio_open_connection(proxy->target_host, proxy->target_port, NULL,
                                  ret);
    return asyncio_timeout_end(&timeout, err);
}

static int on_client(asyncio_stream *client, void *arg)
{
    const struct proxy *proxy = arg;
    asyncio_stream *target;
    char name[64] = "?";
    asyncio_stream_get_extra_info(client, "peername", name, sizeof name);
    int err = connect_target(proxy, &target);
    if (err < 0) {
        printf("%s: no connection: %s\n", name, asyncio_strerror(err));
        return err;
    }
    struct flow there = {client, target, NULL, proxy->idle_seconds, 0};
    struct flow back = {target, client, NULL, proxy->idle_seconds, 0};
    err = relay_while_busy(&there, &back);
    asyncio_stream_close(target);
    printf("%s: %zu bytes there, %zu back: %s\n", name, there.bytes,
           back.bytes, err < 0 ? asyncio_strerror(err) : "ended");
    return err;
}

static int serve(void *arg)
{
    struct proxy *proxy = arg;
    struct asyncio_server_options options = {.max_clients = proxy->most};
    asyncio_server *server;
    char address[64] = "?";
    int err = asyncio_start_server(on_client, proxy, "127.0.0.1", proxy->port,
                                   &options, &server);
    if (err < 0)
        return err;
    asyncio_server_sockname(server, 0, address, sizeof address);
    printf("proxy on %s\n", address);
    return asyncio_server_serve_forever(server);
}

static bool options_read(struct proxy *proxy, int argc, char **argv)
{
    int option;
    while ((option = getopt(argc, argv, "n:i:")) != -1) {
        if (option == 'n')
            proxy->most = strtoul(optarg, NULL, 10);
        else if (option == 'i')
            proxy->idle_seconds = strtod(optarg, NULL);
        else
            return false;
    }
    if (argc - optind != 3 || !(proxy->idle_seconds > 0))
        return false;
    proxy->port = argv[optind];
    proxy->target_host = argv[optind + 1];
    proxy->target_port = argv[optind + 2];
    return true;
}

int main(int argc, char **argv)
{
    struct proxy proxy = {.most = 1000, .idle_seconds = 60};
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!options_read(&proxy, argc, argv)) {
        fprintf(stderr, "usage: proxy [-n MOST] [-i SECONDS] "
                        "PORT TARGET_HOST TARGET_PORT\n");
        return 2;
    }
    int err = asyncio_run(serve, &proxy);
    if (err < 0 && err != -EINTR)
        fprintf(stderr, "proxy: %s\n", asyncio_strerror(err));
    return err < 0 && err != -EINTR;
}
