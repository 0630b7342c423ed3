/* SPDX-License-Identifier: MIT */
/*
 * Servers: a task that holds a group, in which one task per listening socket
 * accepts, and one task per connection serves.
 *
 *              server_stop            the last client has gone
 *    SERVING --------------> STOPPED ---------------------------> ended
 *       |                       |   close, or the owner is cancelled:
 *       +-----------------------+-- all tasks are cancelled
 *
 * The group never fails: whatever a client or a listener comes to is counted
 * or kept in the server.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <asyncio/scope.h>
#include <asyncio/server.h>
#include <asyncio/sync.h>

#include "base/mem.h"
#include "io/listen.h"
#include "io/stream.h"
#include "sys/files.h"
#include "sys/sockets.h"
#include "task/join.h"

struct listener {
    struct asyncio_server *server;
    struct source *source;       /* NULL: closed */
    asyncio_task task;
};

struct asyncio_server {
    asyncio_client_fn *on_client;
    void *arg;
    struct asyncio_server_options options;
    asyncio_task task;
    struct asyncio_group group;  /* open as long as `task` runs */
    struct asyncio_event stop;   /* set: no more connections */
    struct asyncio_event client_left;
    struct asyncio_link clients;
    size_t client_count;
    size_t failures;
    int failure;                 /* why it has stopped by itself; 0 */
    bool has_ended;              /* `task` has */
    struct socket_file file;     /* of a Unix socket */
    char client_name[TASK_NAME_SIZE]; /* of the clients' tasks */
    size_t listener_count;
    struct listener listeners[];
};

struct client {
    struct asyncio_link link;    /* in the server's clients */
    struct asyncio_server *server;
    asyncio_stream *stream;
    asyncio_task task;
};

/* ---- a connection ---- */

static void client_end(struct client *client, int result)
{
    struct asyncio_server *server = client->server;
    if (result < 0 && result != -ECANCELED)
        server->failures++;
    list_remove(&client->link);
    server->client_count--;
    asyncio_event_set(&server->client_left);
    mem_free(client);
}

static int client_run(void *arg)
{
    struct client *client = arg;
    struct asyncio_server *server = client->server;
    asyncio_stream *stream = client->stream;
    stream->is_lent = true;
    int result = server->on_client(stream, server->arg);
    stream->is_lent = false;
    asyncio_stream_close(stream);
    client_end(client, result);
    return 0;
}

static int client_start(struct asyncio_server *server, asyncio_stream *stream)
{
    struct client *client = mem_zalloc(sizeof *client);
    if (!client)
        return -ENOMEM;
    client->server = server;
    client->stream = stream;
    client->task = asyncio_group_create_task_with(
        &server->group, client_run, client, &server->options.task);
    int err = asyncio_task_error(client->task);
    if (err < 0) {
        mem_free(client);
        return err;
    }
    list_push_back(&server->clients, &client->link);
    server->client_count++;
    return 0;
}

/* ---- accepting ---- */

/* A connection that there is no memory or descriptor for is dropped: its other
 * side is told, and the next one may have more luck. */
static void server_welcome(struct asyncio_server *server, int fd)
{
    asyncio_stream *stream;
    int err = stream_new(fd, true, POLLOUT, &stream);
    if (err < 0) {
        sys_close(fd);
        return;
    }
    if (server->options.limit)
        stream->limit = server->options.limit;
    if (client_start(server, stream) < 0)
        asyncio_stream_abort(stream);
}

static int server_accept(struct listener *listener)
{
    struct task_op op;
    /* Stopped, before this task has begun or while it had something else to
     * do than to wait: it is cancelled, and meets that here. */
    if (!listener->source)
        return -ECANCELED;
    memset(&op, 0, sizeof op);
    op.op.kind = OP_ACCEPT;
    op.op.fd = listener->source->fd;
    op.op.source = listener->source;
    return (int)task_run_op(task_current(), &op, WAIT_FD);
}

/* Sleeps until a client has left, at most `seconds`. */
static int server_await_departure(struct asyncio_server *server, double seconds)
{
    struct asyncio_timeout timeout;
    int err = asyncio_timeout_begin(&timeout, seconds);
    if (err < 0)
        return err;
    asyncio_event_clear(&server->client_left);
    err = asyncio_timeout_end(&timeout,
                              asyncio_event_wait(&server->client_left));
    return err == -ETIMEDOUT ? 0 : err;
}

static int server_await_room(struct asyncio_server *server)
{
    size_t most = server->options.max_clients;
    int err = 0;
    while (most && server->client_count >= most && err == 0)
        err = server_await_departure(server, ASYNCIO_FOREVER);
    return err;
}

/* Without descriptors or memory an accept fails at once, again and again: a
 * pause, or the next client that leaves, and it may go on (accept(2) names
 * these as the ones to wait for). */
static bool is_shortage(int err)
{
    return err == -EMFILE || err == -ENFILE || err == -ENOBUFS ||
           err == -ENOMEM;
}

/* Errors that are of the one connection, which is gone (accept(2)). */
static bool is_of_connection(int err)
{
    return err == -ECONNABORTED || err == -EPERM || err == -EPROTO ||
           err == -ENETDOWN || err == -ENOPROTOOPT || err == -EHOSTDOWN ||
           err == -ENONET || err == -EHOSTUNREACH || err == -EOPNOTSUPP ||
           err == -ENETUNREACH || err == -ETIMEDOUT;
}

static const double shortage_pause = 0.1;

/* Another listener may have filled the last place meanwhile. */
static int server_admit(struct asyncio_server *server, int fd)
{
    int err = server_await_room(server);
    if (err < 0)
        sys_close(fd);
    else
        server_welcome(server, fd);
    return err;
}

static int listener_step(struct listener *listener)
{
    struct asyncio_server *server = listener->server;
    int err = server_await_room(server);
    if (err < 0)
        return err;
    int fd = server_accept(listener);
    if (fd >= 0)
        return server_admit(server, fd);
    if (is_shortage(fd))
        return server_await_departure(server, shortage_pause);
    return is_of_connection(fd) ? 0 : fd;
}

static void listener_close(struct listener *listener)
{
    source_close(listener->source);
    listener->source = NULL;
}

static void server_fail(struct asyncio_server *server, int err)
{
    if (!server->failure)
        server->failure = err;
    asyncio_server_stop(server);
}

static int listener_run(void *arg)
{
    struct listener *listener = arg;
    int err;
    do
        err = listener_step(listener);
    while (err == 0);
    /* With its source it was not stopped: something is wrong with it. */
    if (listener->source && err != -ECANCELED)
        server_fail(listener->server, err);
    listener_close(listener);
    return 0;
}

/* ---- the server's task ---- */

static void server_stop_listening(struct asyncio_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        struct listener *listener = &server->listeners[i];
        asyncio_task_cancel(listener->task);
        listener_close(listener);
    }
    socket_file_remove(&server->file);
}

static int server_serve(struct asyncio_group *group, void *arg)
{
    struct asyncio_server *server = arg;
    (void)group;
    int err = asyncio_event_wait(&server->stop);
    server_stop_listening(server);
    return err;
}

/* The group is opened here, in the frame of the task that is its own. */
static int server_run(void *arg)
{
    struct asyncio_server *server = arg;
    int err = asyncio_group_begin(&server->group);
    for (size_t i = 0; err == 0 && i < server->listener_count; i++) {
        struct listener *listener = &server->listeners[i];
        listener->task =
            asyncio_group_create_task(&server->group, listener_run, listener);
        err = asyncio_task_error(listener->task);
    }
    if (err == 0)
        err = server_serve(&server->group, server);
    else
        server_stop_listening(server);
    err = asyncio_group_end(&server->group, err);
    server->has_ended = true;
    return err == 0 ? server->failure : err;
}

/* ---- starting ---- */

static struct asyncio_server *
server_new(asyncio_client_fn *on_client, void *arg, size_t listener_count,
           const struct asyncio_server_options *options)
{
    struct asyncio_server *server =
        mem_zalloc(sizeof *server + listener_count * sizeof(struct listener));
    if (!server)
        return NULL;
    server->on_client = on_client;
    server->arg = arg;
    server->options = *options;
    if (options->task.name) {
        snprintf(server->client_name, sizeof server->client_name, "%s",
                 options->task.name);
        server->options.task.name = server->client_name;
    }
    asyncio_event_init(&server->stop);
    asyncio_event_init(&server->client_left);
    list_init(&server->clients);
    return server;
}

/* The descriptors go back to those who gave them. */
static void server_give_up(struct asyncio_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++)
        source_release(server->listeners[i].source);
    mem_free(server);
}

static void server_free(struct asyncio_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++)
        listener_close(&server->listeners[i]);
    mem_free(server->file.path);
    mem_free(server);
}

/* Takes the descriptor over once it returns 0. */
static int server_add(struct asyncio_server *server, int fd)
{
    struct listener *listener = &server->listeners[server->listener_count];
    struct asyncio_loop *loop = loop_current;
    int err = loop_open_backend(loop);
    if (err == 0)
        err = source_open(loop->backend, fd, 0, &listener->source);
    if (err < 0)
        return err;
    listener->server = server;
    server->listener_count++;
    return 0;
}

/* Takes the descriptors over once it returns 0. */
static int server_start(asyncio_client_fn *on_client, void *arg,
                        const int *fds, size_t count,
                        const struct asyncio_server_options *options,
                        asyncio_server **ret_server)
{
    struct asyncio_server *server = server_new(on_client, arg, count, options);
    if (!server)
        return -ENOMEM;
    int err = 0;
    for (size_t i = 0; err == 0 && i < count; i++)
        err = server_add(server, fds[i]);
    if (err == 0) {
        server->task = asyncio_create_task(server_run, server);
        err = asyncio_task_error(server->task);
    }
    if (err < 0) {
        server_give_up(server);
        return err;
    }
    asyncio_task_set_name(server->task, "server");
    *ret_server = server;
    return 0;
}

static const struct asyncio_server_options no_options;

/* A client's argument is the server's own, and never a copy. */
static int server_check(asyncio_client_fn *on_client,
                        const struct asyncio_server_options *options)
{
    if (!task_current())
        return -EPERM;
    if (!on_client || options->task.arg_size)
        return -EINVAL;
    return asyncio_check_cancelled();
}

int asyncio_start_server(asyncio_client_fn *on_client, void *arg,
                         const char *host, const char *port,
                         const struct asyncio_server_options *options,
                         asyncio_server **ret_server)
{
    int fds[LISTEN_MAX];
    options = options ? options : &no_options;
    int count = server_check(on_client, options);
    if (count == 0)
        count = listen_on_host(host, port, options, fds);
    if (count < 0)
        return count;
    int err = server_start(on_client, arg, fds, (size_t)count, options,
                           ret_server);
    for (int i = 0; err < 0 && i < count; i++)
        sys_close(fds[i]);
    return err;
}

int asyncio_start_unix_server(asyncio_client_fn *on_client, void *arg,
                              const char *path,
                              const struct asyncio_server_options *options,
                              asyncio_server **ret_server)
{
    options = options ? options : &no_options;
    int err = server_check(on_client, options);
    if (err < 0)
        return err;
    struct socket_file file;
    int fd = listen_on_path(path, options, &file);
    if (fd < 0)
        return fd;
    err = server_start(on_client, arg, &fd, 1, options, ret_server);
    if (err < 0) {
        socket_file_remove(&file);
        sys_close(fd);
        return err;
    }
    (*ret_server)->file = file;
    return 0;
}

int asyncio_start_server_from_fds(asyncio_client_fn *on_client, void *arg,
                                  const int *take_fds, size_t count,
                                  const struct asyncio_server_options *options,
                                  asyncio_server **ret_server)
{
    options = options ? options : &no_options;
    int err = server_check(on_client, options);
    if (err == 0 && (!count || count > LISTEN_MAX))
        err = -EINVAL;
    for (size_t i = 0; err == 0 && i < count; i++)
        err = sys_set_nonblocking(take_fds[i]);
    if (err < 0)
        return err;
    return server_start(on_client, arg, take_fds, count, options, ret_server);
}

/* ---- facts ---- */

static int server_address(const asyncio_server *server, size_t index,
                          struct address *ret_address)
{
    if (index >= server->listener_count || !server->listeners[index].source)
        return -ENOENT;
    return address_of_socket(server->listeners[index].source->fd, ret_address);
}

int asyncio_server_sockname(const asyncio_server *server, size_t index,
                            char *ret_text, size_t size)
{
    struct address address;
    int err = server_address(server, index, &address);
    return err < 0 ? err : address_format(&address, ret_text, size);
}

int asyncio_server_port(const asyncio_server *server)
{
    struct address address;
    int err = server_address(server, 0, &address);
    return err < 0 ? err : address_port(&address);
}

size_t asyncio_server_clients(const asyncio_server *server)
{
    return server->client_count;
}

size_t asyncio_server_failures(const asyncio_server *server)
{
    return server->failures;
}

/* ---- ending ---- */

void asyncio_server_stop(asyncio_server *server)
{
    server_stop_listening(server);
    asyncio_event_set(&server->stop);
}

void asyncio_server_close_clients(asyncio_server *server)
{
    LIST_FOR_EACH(link, &server->clients)
        asyncio_task_cancel(container_of(link, struct client, link)->task);
}

void asyncio_server_abort_clients(asyncio_server *server)
{
    LIST_FOR_EACH(link, &server->clients)
        stream_cut(container_of(link, struct client, link)->stream, true);
    asyncio_server_close_clients(server);
}

static int server_await_empty(struct asyncio_server *server)
{
    int err = 0;
    while (server->client_count && err == 0)
        err = server_await_departure(server, ASYNCIO_FOREVER);
    return err;
}

static int server_drain(struct asyncio_server *server, double seconds)
{
    struct asyncio_timeout timeout;
    int err = asyncio_timeout_begin(&timeout, seconds);
    if (err < 0)
        return err;
    return asyncio_timeout_end(&timeout, server_await_empty(server));
}

/* Its own clients, and what they have started, end before it does. */
static bool server_waits_for_caller(const struct asyncio_server *server)
{
    struct asyncio_tcb *task;
    return task_find(server->task, &task) == 0 &&
           task_waits_for(task, task_current());
}

int asyncio_server_drain(asyncio_server *server, double seconds)
{
    if (!task_current())
        return -EPERM;
    if (!(seconds >= 0))
        return -EINVAL;
    if (server_waits_for_caller(server))
        return -EDEADLK;
    asyncio_server_stop(server);
    (void)server_drain(server, seconds);
    int left = (int)server->client_count;
    asyncio_server_close_clients(server);
    struct asyncio_shield shield;
    int err = asyncio_shield_begin(&shield, ASYNCIO_FOREVER);
    if (err < 0)
        return err;
    err = asyncio_shield_end(&shield, server_await_empty(server));
    return err < 0 ? err : left;
}

/*
 * The join is waited for in any case, and the server is gone after it. Unless
 * it cannot be: somebody else waits for it already and frees it, or the caller
 * is one of its own clients, which end before it does.
 */
static int server_join(struct asyncio_server *server)
{
    int result = asyncio_await(server->task);
    if (!server->has_ended)
        return result;
    if (server->options.on_end)
        server->options.on_end(server->arg);
    server_free(server);
    return result;
}

int asyncio_server_serve_forever(asyncio_server *server)
{
    return server_join(server);
}

void asyncio_server_close(asyncio_server *server)
{
    if (!server)
        return;
    asyncio_task_cancel(server->task);
    (void)server_join(server);
}
