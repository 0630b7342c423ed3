/* SPDX-License-Identifier: MIT */
/*
 * Servers: a task for each connection.
 *
 *     static int on_client(asyncio_stream *stream, void *arg)
 *     {
 *         char buf[4096];
 *         ssize_t len;
 *         while ((len = asyncio_stream_read(stream, buf, sizeof buf)) > 0)
 *             if ((len = asyncio_stream_write(stream, buf, (size_t)len,
 *                                             NULL)) < 0)
 *                 break;
 *         return (int)len;
 *     }
 *     ...
 *     asyncio_server *server;
 *     int err = asyncio_start_server(on_client, NULL, "0.0.0.0", "8888", NULL,
 *                                    &server);
 *     if (err == 0)
 *         err = asyncio_server_serve_forever(server);
 *
 * The server owns its connections: the stream is closed when on_client
 * returns, and closing the server ends those that are left. A failure of one
 * connection is its own and nobody else's; it is counted.
 */
#ifndef ASYNCIO_SERVER_H
#define ASYNCIO_SERVER_H

#include <asyncio/base.h>
#include <asyncio/run.h>
#include <asyncio/stream.h>
#include <asyncio/sync.h>
#include <asyncio/task.h>

ASYNCIO_BEGIN

typedef struct asyncio_server asyncio_server;

/* Runs in a task of its own; the stream is closed when it returns, if it has
 * not closed or aborted it before. */
typedef int asyncio_client_fn(asyncio_stream *stream, void *arg);

/* Zeros are defaults. */
struct asyncio_server_options {
    int family;                  /* AF_INET or AF_INET6 only; 0: both */
    int backlog;                 /* of listen(2); 0: the system's most */
    size_t max_clients;          /* more wait in the backlog; 0: no bound */
    size_t limit;                /* of readuntil and readline; 0: 64 KiB */
    bool reuse_port;             /* SO_REUSEPORT: several loops, one port */
    bool ipv6_dual;              /* IPv6 sockets take IPv4 as well */
    unsigned unix_mode;          /* permissions of a Unix socket; 0: 0666 less
                                  * the umask */
    struct asyncio_task_options task; /* of the clients' tasks; no arg_size */
    /* Called with on_client's argument when the server that was started is
     * freed, to free that as well; NULL: nothing. */
    void (*on_end)(void *arg);
};

/*
 * Listens on `port` (a number, "0" for any free one, or a service's name) of
 * every address of `host` (NULL: all of the machine's) and starts a task for
 * each connection. The server is a child of the calling task: it ends at the
 * latest with that. `options` may be NULL. Suspends where a name is looked up.
 * Cancelled: -ECANCELED. -EADDRINUSE, -EACCES, as bind(2).
 */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_start_server(asyncio_client_fn *on_client, void *arg, const char *host,
                     const char *port,
                     const struct asyncio_server_options *options,
                     asyncio_server **ret_server);

/* The same on a Unix socket. A socket file that nobody listens on any more is
 * replaced; any other file is -EADDRINUSE. Closing the server removes it, if it
 * is still its own. "@..." is in the abstract name space. Never suspends. */
ASYNCIO_API int
asyncio_start_unix_server(asyncio_client_fn *on_client, void *arg,
                          const char *path,
                          const struct asyncio_server_options *options,
                          asyncio_server **ret_server);

/* The same on sockets that listen already (systemd's LISTEN_FDS: see
 * asyncio_listen_fds); they are taken over once it returns 0. Never
 * suspends. -EINVAL: none, or more than 32. */
ASYNCIO_API int
asyncio_start_server_from_fds(asyncio_client_fn *on_client, void *arg,
                              const int *take_fds, size_t count,
                              const struct asyncio_server_options *options,
                              asyncio_server **ret_server);

/*
 * The listening sockets that a service manager has passed (sd_listen_fds(3)):
 * writes up to `size` of them to ret_fds and returns how many there are; 0 when
 * none are meant for this process. They become close-on-exec. Never suspends.
 */
ASYNCIO_API int asyncio_listen_fds(int *ret_fds, size_t size);

/* The address of its socket number `index` (from 0), as "127.0.0.1:8888" or a
 * path, cut to fit; returns the whole length. -ENOENT: no such socket. */
ASYNCIO_API int asyncio_server_sockname(const asyncio_server *server,
                                        size_t index, char *ret_text,
                                        size_t size);

/* The port of its first socket, 0 for a Unix socket. */
ASYNCIO_API int asyncio_server_port(const asyncio_server *server);

/* Connections that are open now. */
ASYNCIO_API size_t asyncio_server_clients(const asyncio_server *server);

/* Clients whose on_client has failed so far, cancellations aside. */
ASYNCIO_API size_t asyncio_server_failures(const asyncio_server *server);

/* Serves until cancelled or until asyncio_server_stop; then closes and frees
 * the server. Suspends. Cancelled, or closed by another task: its clients are
 * cancelled, too, and waited for; -ECANCELED. -EDEADLK: called by one of its
 * own clients; -EBUSY: another task serves it; else what keeps it from
 * accepting, if anything. */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_server_serve_forever(asyncio_server *server);

/* Stops listening; connections go on. Never suspends. */
ASYNCIO_API void asyncio_server_stop(asyncio_server *server);

/* Stops listening and gives the connections `seconds` to end by themselves;
 * then cancels those that are left and waits for them. Returns how many that
 * were. The server can then only be closed. Suspends. Cancelled: as if the
 * time were over. -EDEADLK: called by one of its own clients. */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_server_drain(asyncio_server *server,
                                                      double seconds);

/* Cancels every connection's task; they end as they like to. Never
 * suspends. */
ASYNCIO_API void asyncio_server_close_clients(asyncio_server *server);

/* As close_clients, and their streams are aborted first: what they have
 * written and nobody has read is dropped. Never suspends. */
ASYNCIO_API void asyncio_server_abort_clients(asyncio_server *server);

/* Stops listening, cancels what is left, waits for it, frees the server. NULL
 * is fine. Suspends; not cut short by a cancel. In one of its own clients, and
 * while another task is in serve_forever, it only cancels: that other task
 * frees the server, or whoever has started it and closes it in turn. */
ASYNCIO_API ASYNCIO_SUSPENDS void asyncio_server_close(asyncio_server *server);

/* ---- several threads ---- */

/* Zeros are defaults. */
struct asyncio_serve_threads_options {
    struct asyncio_server_options server; /* of each thread's; reuse_port goes
                                  * without saying */
    struct asyncio_runner_options runner; /* of each thread's loop */
    size_t thread_count;         /* 0: one for each CPU; at most 1024 */
    double drain_seconds;        /* when stopped: what connections have to end
                                  * by themselves */
    /* Set it, in the calling loop, to stop serving; NULL: a cancel does. */
    struct asyncio_event *stop;
    /* Called in the calling task once all threads serve; it may suspend, and a
     * negative result ends them all and is what the call returns. NULL: nobody
     * asks. */
    int (*on_ready)(int port, void *arg);
};

/*
 * Serves on `thread_count` new threads, each with a loop and a server of its
 * own on the same port of `host` (as asyncio_start_server): the kernel spreads
 * the connections over them. on_client and `arg` are used by all threads. A
 * process of the same user that asks for the port in the same way shares it.
 * `options` may be NULL. Returns when all threads have ended: 0 after `stop`,
 * or the first failure to start. Suspends. Cancelled, also while it drains:
 * -ECANCELED, after the connections of all threads have been cancelled and
 * waited for. -EADDRINUSE,
 * -EACCES, as bind(2); -EINVAL: an option is out of bounds; -EAGAIN: no more
 * threads to be had; -EMFILE, -ENOMEM.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_serve_threads(
    asyncio_client_fn *on_client, void *arg, const char *host, const char *port,
    const struct asyncio_serve_threads_options *options);

ASYNCIO_END

#endif
