/* SPDX-License-Identifier: MIT */
/*
 * A server on several threads: one loop each, one port for all (SO_REUSEPORT).
 *
 *     the caller's task                       a thread
 *     binds a socket for each thread
 *     starts the threads -------------------> makes a loop and a server
 *     waits for them all    <--- news ------- serves; or ends, with an error
 *     waits for a reason to end               connections come and go
 *     stops them all -------- post ---------> drains and closes its server;
 *     cancelled meanwhile --- post ---------> drains no longer
 *     waits for the last    <--- news ------- frees its loop, has ended
 *
 * What both sides know of each other lies in the caller's block, which is there
 * until the last thread has ended; a thread's last act is to post that.
 */
#include <asyncio/server.h>

#include <errno.h>
#include <string.h>

#include <asyncio/scope.h>

#include "backend/backend.h"
#include "base/mem.h"
#include "io/listen.h"
#include "sys/cpus.h"
#include "sys/sockets.h"
#include "task/runner.h"

enum { THREADS_MAX = 1024 };

enum thread_state {
    THREAD_NONE,                 /* not started */
    THREAD_STARTING,
    THREAD_SERVING,
    THREAD_ENDED,
};

struct crew;

struct server_thread {
    struct crew *crew;
    int fds[LISTEN_MAX];         /* owned until its server has them */
    int fd_count;

    /* The caller's loop alone. */
    enum thread_state state;
    struct work serving;         /* posted to the caller: it serves */
    struct work ended;           /* posted to the caller: its last word */

    /* Set by the thread before it posts `serving`, then the caller's too. */
    struct asyncio_loop *loop;   /* counted */
    int result;                  /* when ended */

    /* The thread's loop alone. */
    struct work stop;            /* posted to the thread */
    struct work hurry;           /* likewise: drain no longer */
    struct asyncio_event is_stopped;
    asyncio_task task;           /* the loop's main task */
};

struct crew {
    const struct asyncio_serve_threads_options *options;
    struct asyncio_server_options server_options;
    asyncio_client_fn *on_client;
    void *arg;
    struct asyncio_loop *loop;   /* the caller's; it outlives the crew */
    struct asyncio_event news;   /* a thread's state has changed, or the caller
                                  * has had enough */
    double drain_seconds;        /* set before any thread is stopped */
    bool is_stopped;             /* by options->stop */
    int first_failure;
    int port;
    size_t count;
    struct server_thread threads[];
};

/* ---- on a thread ---- */

static void thread_stop(struct work *work)
{
    struct server_thread *thread =
        container_of(work, struct server_thread, stop);
    asyncio_event_set(&thread->is_stopped);
}

static void thread_hurry(struct work *work)
{
    struct server_thread *thread =
        container_of(work, struct server_thread, hurry);
    asyncio_task_cancel(thread->task);
}

static void close_fds(struct server_thread *thread)
{
    for (int i = 0; i < thread->fd_count; i++)
        sys_close(thread->fds[i]);
    thread->fd_count = 0;
}

static int thread_start_server(struct server_thread *thread,
                               asyncio_server **ret_server)
{
    struct crew *crew = thread->crew;
    int err = asyncio_start_server_from_fds(
        crew->on_client, crew->arg, thread->fds, (size_t)thread->fd_count,
        &crew->server_options, ret_server);
    if (err == 0)
        thread->fd_count = 0;    /* they have been taken over */
    return err;
}

/* Nobody cancels this task but for draining too long: it ends its connections
 * by itself. */
static int thread_serve(void *arg)
{
    struct server_thread *thread = arg;
    struct crew *crew = thread->crew;
    asyncio_server *server;
    asyncio_event_init(&thread->is_stopped);
    thread->task = asyncio_current_task();
    int err = thread_start_server(thread, &server);
    if (err < 0)
        return err;
    thread->loop = loop_ref(loop_current);
    err = mailbox_post(crew->loop->mailbox, &thread->serving);
    if (err == 0)
        err = asyncio_event_wait(&thread->is_stopped);
    if (err == 0 && crew->drain_seconds > 0)
        (void)asyncio_server_drain(server, crew->drain_seconds);
    asyncio_server_close(server);
    return err;
}

static int thread_run_loop(struct server_thread *thread)
{
    asyncio_runner *runner;
    int err = asyncio_runner_new(&thread->crew->options->runner, &runner);
    if (err < 0)
        return err;
    err = asyncio_runner_run(runner, thread_serve, thread);
    asyncio_runner_free(runner);
    return err;
}

static void thread_main(void *arg)
{
    struct server_thread *thread = arg;
    struct asyncio_loop *home = thread->crew->loop;
    thread->result = thread_run_loop(thread);
    close_fds(thread);
    /* The block may be gone as soon as this is posted. */
    loop_ref(home);
    (void)mailbox_post(home->mailbox, &thread->ended);
    loop_unref(home);
}

/* ---- news, on the caller's loop ---- */

static void thread_is_serving(struct work *work)
{
    struct server_thread *thread =
        container_of(work, struct server_thread, serving);
    thread->state = THREAD_SERVING;
    asyncio_event_set(&thread->crew->news);
}

static void thread_has_ended(struct work *work)
{
    struct server_thread *thread =
        container_of(work, struct server_thread, ended);
    struct crew *crew = thread->crew;
    thread->state = THREAD_ENDED;
    if (thread->result < 0 && crew->first_failure == 0)
        crew->first_failure = thread->result;
    asyncio_event_set(&crew->news);
}

static bool crew_has(const struct crew *crew, enum thread_state state)
{
    for (size_t i = 0; i < crew->count; i++) {
        if (crew->threads[i].state == state)
            return true;
    }
    return false;
}

/* Threads that start do not take long, and must not be left alone meanwhile;
 * nor while they end, which may take drain_seconds. */
static int crew_await_none(struct crew *crew, enum thread_state state)
{
    int err = 0;
    while (crew_has(crew, state) && err == 0) {
        asyncio_event_clear(&crew->news);
        err = asyncio_event_wait(&crew->news);
    }
    return err;
}

static int crew_await_none_shielded(struct crew *crew, enum thread_state state)
{
    struct asyncio_shield shield;
    int err = asyncio_shield_begin(&shield, ASYNCIO_FOREVER);
    if (err < 0)
        return err;
    return asyncio_shield_end(&shield, crew_await_none(crew, state));
}

/* ---- the caller ---- */

static int crew_start(struct crew *crew)
{
    int err = 0;
    for (size_t i = 0; i < crew->count && err == 0; i++) {
        struct server_thread *thread = &crew->threads[i];
        err = sys_thread_start(thread_main, thread, 0);
        if (err == 0)
            thread->state = THREAD_STARTING;
    }
    int waited = crew_await_none_shielded(crew, THREAD_STARTING);
    if (err == 0)
        err = waited;
    return err < 0 ? err : crew->first_failure;
}

/* The program's event becomes news. */
struct stop_watch {
    struct asyncio_event *stop;
    struct crew *crew;
};

static int stop_watch_run(void *arg)
{
    struct stop_watch *watch = arg;
    int err = asyncio_event_wait(watch->stop);
    watch->crew->is_stopped = err == 0;
    asyncio_event_set(&watch->crew->news);
    return 0;
}

/* Until there is a reason to end. */
static int crew_await_end(struct crew *crew)
{
    int err = crew->first_failure;
    while (err == 0 && !crew->is_stopped && !crew_has(crew, THREAD_ENDED)) {
        asyncio_event_clear(&crew->news);
        err = asyncio_event_wait(&crew->news);
    }
    return err < 0 ? err : crew->first_failure;
}

static int crew_watch(struct crew *crew)
{
    struct stop_watch watch = {crew->options->stop, crew};
    if (!watch.stop)
        return crew_await_end(crew);
    asyncio_task task = asyncio_create_task(stop_watch_run, &watch);
    int err = asyncio_task_error(task);
    if (err < 0)
        return err;
    err = crew_await_end(crew);
    asyncio_task_cancel(task);
    (void)asyncio_await(task);
    return err;
}

static int crew_serve(struct crew *crew)
{
    const struct asyncio_serve_threads_options *options = crew->options;
    int err = crew_start(crew);
    if (err == 0 && options->on_ready)
        err = options->on_ready(crew->port, crew->arg);
    if (err >= 0)
        err = crew_watch(crew);
    crew->drain_seconds = err == 0 ? options->drain_seconds : 0;
    return err;
}

/* One that has ended just now does not mind. */
static void thread_post(struct server_thread *thread, struct work *work)
{
    if (thread->state == THREAD_SERVING)
        (void)mailbox_post(thread->loop->mailbox, work);
}

/* Returns when the last thread has ended. */
static int crew_stop(struct crew *crew)
{
    for (size_t i = 0; i < crew->count; i++)
        thread_post(&crew->threads[i], &crew->threads[i].stop);
    int err = crew_await_none(crew, THREAD_SERVING);
    if (err == 0)
        return 0;
    for (size_t i = 0; i < crew->count; i++)
        thread_post(&crew->threads[i], &crew->threads[i].hurry);
    int waited = crew_await_none_shielded(crew, THREAD_SERVING);
    ASSERT(waited == 0);
    return err;
}

/* ---- making and freeing ---- */

static struct crew *
crew_new(asyncio_client_fn *on_client, void *arg, size_t count,
         const struct asyncio_serve_threads_options *options)
{
    struct crew *crew =
        mem_zalloc(sizeof *crew + count * sizeof(struct server_thread));
    if (!crew)
        return NULL;
    crew->options = options;
    crew->server_options = options->server;
    crew->server_options.reuse_port = true;
    crew->on_client = on_client;
    crew->arg = arg;
    crew->loop = loop_current;
    crew->count = count;
    asyncio_event_init(&crew->news);
    for (size_t i = 0; i < count; i++) {
        struct server_thread *thread = &crew->threads[i];
        thread->crew = crew;
        thread->serving.run = thread_is_serving;
        thread->ended.run = thread_has_ended;
        thread->stop.run = thread_stop;
        thread->hurry.run = thread_hurry;
    }
    return crew;
}

static void crew_free(struct crew *crew)
{
    for (size_t i = 0; i < crew->count; i++) {
        close_fds(&crew->threads[i]);
        asyncio_loop_unref(crew->threads[i].loop);
    }
    asyncio_event_fini(&crew->news);
    mem_free(crew);
}

/* The first thread's sockets say where all the others listen: names are looked
 * up once, and "0" is one port. */
static int crew_listen(struct crew *crew, const char *host, const char *port)
{
    struct server_thread *first = &crew->threads[0];
    struct address address;
    int count = listen_on_host(host, port, &crew->server_options, first->fds);
    for (size_t i = 0; i < crew->count; i++) {
        struct server_thread *thread = &crew->threads[i];
        if (count >= 0 && i > 0)
            count = listen_beside(first->fds, first->fd_count,
                                  &crew->server_options, thread->fds);
        if (count < 0)
            return count;
        thread->fd_count = count;
    }
    int err = address_of_socket(first->fds[0], &address);
    crew->port = address_port(&address);
    return err;
}

/* Serves, and returns when the last thread has ended. */
static int crew_run(struct crew *crew)
{
    int err = crew_serve(crew);
    int stopped = crew_stop(crew);
    return err < 0 ? err : stopped;
}

/* ---- the public word ---- */

static const struct asyncio_serve_threads_options no_options;

static int serve_check(asyncio_client_fn *on_client,
                       const struct asyncio_serve_threads_options *options)
{
    if (!task_current())
        return -EPERM;
    if (!on_client || options->thread_count > THREADS_MAX ||
        !(options->drain_seconds >= 0))
        return -EINVAL;
    int err = loop_open_backend(loop_current);
    if (err < 0)
        return err;
    if (strcmp(loop_current->backend->class->name, "sim") == 0)
        return -ENOTSUP;         /* threads and sockets are of the real world */
    return asyncio_check_cancelled();
}

int asyncio_serve_threads(asyncio_client_fn *on_client, void *arg,
                          const char *host, const char *port,
                          const struct asyncio_serve_threads_options *options)
{
    options = options ? options : &no_options;
    int err = serve_check(on_client, options);
    if (err < 0)
        return err;
    size_t count = options->thread_count;
    struct crew *crew =
        crew_new(on_client, arg, count ? count : sys_cpu_count(), options);
    if (!crew)
        return -ENOMEM;
    err = crew_listen(crew, host, port);
    if (err == 0)
        err = crew_run(crew);
    crew_free(crew);
    return err;
}
