/* SPDX-License-Identifier: MIT */
/* Servers on several threads: one port, many loops, one end. */
#include <netinet/in.h>

#include "net_rig.h"

enum { THREADS = 3, CLIENTS = 64 };

/* ---- what the threads have in common ---- */

struct hall {
    pthread_mutex_t lock;
    int threads[THREADS + 1];    /* that have served somebody */
    int thread_count;
    atomic_int clients;          /* connected now */
    atomic_int cancelled;        /* whose task was */
    atomic_int served;
    asyncio_fn *visit;           /* once all threads serve */
    asyncio_stream *left;        /* by a visit that leaves one connected */
    char port[16];
};

static void hall_enter(struct hall *hall)
{
    int id = sys_thread_id();
    pthread_mutex_lock(&hall->lock);
    for (int i = 0; i < hall->thread_count; i++) {
        if (hall->threads[i] == id)
            id = 0;
    }
    if (id && hall->thread_count <= THREADS)
        hall->threads[hall->thread_count++] = id;
    pthread_mutex_unlock(&hall->lock);
    atomic_fetch_add(&hall->clients, 1);
}

static int echo_in_hall(asyncio_stream *stream, void *arg)
{
    struct hall *hall = arg;
    hall_enter(hall);
    int err = echo_client(stream, NULL);
    if (err == -ECANCELED)
        atomic_fetch_add(&hall->cancelled, 1);
    atomic_fetch_sub(&hall->clients, 1);
    atomic_fetch_add(&hall->served, 1);
    return err;
}

static int on_ready(int port, void *arg)
{
    struct hall *hall = arg;
    snprintf(hall->port, sizeof hall->port, "%d", port);
    return hall->visit ? hall->visit(hall) : 0;
}

static asyncio_stream *visit_hall(const struct hall *hall)
{
    asyncio_stream *stream;
    ck_assert_int_eq(
        asyncio_open_connection("127.0.0.1", hall->port, NULL, &stream), 0);
    say_text(stream, "hello");
    hear_text(stream, "hello");
    return stream;
}

static int threads_now(void)
{
    return (int)proc_kib("/proc/self/status", "Threads:");
}

struct counts {
    int fds, threads;
};

static void *come_and_go(void *arg)
{
    return arg;
}

/* Once the loop has had reason to open its descriptors, and a sanitizer to
 * start a thread of its own, which it does with the first of the program's. */
static struct counts counts_now(void)
{
    thread_join(thread_start(come_and_go, NULL));
    let_a_turn_pass();
    return (struct counts){count_fds(), threads_now()};
}

/* A detached thread is there for a moment after its last act. */
static void assert_nothing_left(const struct counts *before)
{
    for (int i = 0; i < 5000 && threads_now() > before->threads; i++)
        pause_thread(0.001);
    struct counts now = counts_now();
    ck_assert_int_le(now.threads, before->threads);
    ck_assert_int_eq(now.fds, before->fds);
}

static struct hall new_hall(asyncio_fn *visit)
{
    return (struct hall){.lock = PTHREAD_MUTEX_INITIALIZER, .visit = visit};
}

/* ---- serving ---- */

static int visit_in_crowds(void *arg)
{
    struct hall *hall = arg;
    asyncio_stream *streams[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        streams[i] = visit_hall(hall);
    ck_assert_int_eq(atomic_load(&hall->clients), CLIENTS);
    for (int i = 0; i < CLIENTS; i++) {
        say_text(streams[i], "again");
        hear_text(streams[i], "again");
        asyncio_stream_close(streams[i]);
    }
    return 0;
}

/* Where the crowd has gone, the event is set. */
struct serving {
    struct hall hall;
    struct asyncio_serve_threads_options options;
    struct asyncio_event stop;
    const char *port;
};

static void serving_init(struct serving *serving, asyncio_fn *visit)
{
    *serving = (struct serving){
        .hall = new_hall(visit),
        .options = {.thread_count = THREADS, .on_ready = on_ready},
        .port = "0",
    };
    asyncio_event_init(&serving->stop);
    serving->options.stop = &serving->stop;
}

static int serve(void *arg)
{
    struct serving *serving = arg;
    return asyncio_serve_threads(echo_in_hall, &serving->hall, "127.0.0.1",
                                 serving->port, &serving->options);
}

static int visit_and_stop(void *arg)
{
    struct serving *serving = container_of(arg, struct serving, hall);
    int err = visit_in_crowds(arg);
    asyncio_event_set(&serving->stop);
    return err;
}

NET_SCENARIO(connections_are_spread_over_the_threads)
{
    struct serving serving;
    struct counts before = counts_now();
    serving_init(&serving, visit_and_stop);
    serving.options.drain_seconds = 10;
    ck_assert_int_eq(serve(&serving), 0);
    ck_assert_int_gt(serving.hall.thread_count, 1);
    ck_assert_int_le(serving.hall.thread_count, THREADS);
    ck_assert_int_eq(atomic_load(&serving.hall.served), CLIENTS);
    ck_assert_int_eq(atomic_load(&serving.hall.cancelled), 0);
    assert_nothing_left(&before);
}

NET_SCENARIO(there_is_a_thread_for_each_cpu_if_nobody_says)
{
    struct serving serving;
    serving_init(&serving, visit_and_stop);
    serving.options.thread_count = 0;
    serving.options.drain_seconds = 10;
    ck_assert_int_eq(serve(&serving), 0);
}

static int visit_and_stay(void *arg)
{
    struct serving *serving = container_of(arg, struct serving, hall);
    serving->hall.left = visit_hall(arg);
    asyncio_event_set(&serving->stop);
    return 0;
}

NET_SCENARIO(stopped_without_patience_it_cancels_who_is_there)
{
    struct serving serving;
    serving_init(&serving, visit_and_stay);
    ck_assert_int_eq(serve(&serving), 0);
    ck_assert_int_eq(atomic_load(&serving.hall.clients), 0);
    ck_assert_int_eq(atomic_load(&serving.hall.cancelled), 1);
    hear_end(serving.hall.left);
    asyncio_stream_close(serving.hall.left);
}

NET_SCENARIO(stopped_before_it_began_it_ends_at_once)
{
    struct serving serving;
    struct counts before = counts_now();
    serving_init(&serving, NULL);
    asyncio_event_set(&serving.stop);
    ck_assert_int_eq(serve(&serving), 0);
    assert_nothing_left(&before);
}

/* ---- cancelling ---- */

static int set_ready(void *arg)
{
    struct serving *serving = container_of(arg, struct serving, hall);
    asyncio_event_set(&serving->stop);
    return 0;
}

NET_SCENARIO(cancelled_it_ends_all_threads)
{
    struct serving serving;
    struct counts before = counts_now();
    asyncio_stream *streams[8];
    serving_init(&serving, set_ready);
    serving.options.stop = NULL;
    serving.options.drain_seconds = 1000; /* not for who is cancelled */
    asyncio_task task = asyncio_create_task(serve, &serving);
    ck_assert_int_eq(asyncio_event_wait(&serving.stop), 0);
    for (size_t i = 0; i < ARRAY_SIZE(streams); i++)
        streams[i] = visit_hall(&serving.hall);
    asyncio_task_cancel(task);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    ck_assert_int_eq(atomic_load(&serving.hall.cancelled), 8);
    for (size_t i = 0; i < ARRAY_SIZE(streams); i++) {
        hear_end(streams[i]);
        asyncio_stream_close(streams[i]);
    }
    assert_nothing_left(&before);
}

NET_SCENARIO(cancelled_while_it_drains_it_waits_no_longer)
{
    struct serving serving;
    struct counts before = counts_now();
    serving_init(&serving, visit_and_stay);
    serving.options.drain_seconds = 1000;
    asyncio_task task = asyncio_create_task(serve, &serving);
    ck_assert_int_eq(asyncio_event_wait(&serving.stop), 0);
    for (int i = 0; i < 3; i++)
        let_a_turn_pass();
    ck_assert(!asyncio_task_is_done(task));
    ck_assert_int_eq(atomic_load(&serving.hall.clients), 1);
    asyncio_task_cancel(task);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    ck_assert_int_eq(atomic_load(&serving.hall.cancelled), 1);
    hear_end(serving.hall.left);
    asyncio_stream_close(serving.hall.left);
    assert_nothing_left(&before);
}

NET_SCENARIO(cancelled_while_the_threads_start_it_waits_for_them)
{
    struct serving serving;
    struct counts before = counts_now();
    for (int turns = 0; turns < 6; turns++) {
        serving_init(&serving, NULL);
        asyncio_task task = asyncio_create_task(serve, &serving);
        for (int i = 0; i < turns; i++)
            ck_assert_int_eq(asyncio_sleep(0), 0);
        asyncio_task_cancel(task);
        ck_assert_int_eq(asyncio_await(task), -ECANCELED);
        assert_nothing_left(&before);
    }
}

/* ---- failing ---- */

static int refuse(void *arg)
{
    (void)arg;
    return -EPROTO;
}

NET_SCENARIO(what_on_ready_fails_with_ends_it)
{
    struct serving serving;
    struct counts before = counts_now();
    serving_init(&serving, refuse);
    ck_assert_int_eq(serve(&serving), -EPROTO);
    assert_nothing_left(&before);
}

NET_SCENARIO(a_port_that_is_taken_leaves_nothing_behind)
{
    struct serving serving;
    char port[16];
    asyncio_server *server = start_echo();
    struct counts before = counts_now();
    snprintf(port, sizeof port, "%d", asyncio_server_port(server));
    serving_init(&serving, NULL);
    serving.port = port;
    ck_assert_int_eq(serve(&serving), -EADDRINUSE);
    assert_nothing_left(&before);
    asyncio_server_close(server);
}

NET_SCENARIO(a_thread_that_cannot_start_ends_the_others)
{
    struct serving serving;
    struct counts before = counts_now();
    serving_init(&serving, NULL);
    serving.options.runner.backend = "steam";
    ck_assert_int_eq(serve(&serving), -EINVAL);
    assert_nothing_left(&before);
}

NET_SCENARIO(nonsense_is_refused)
{
    struct asyncio_serve_threads_options options = {.thread_count = 100000};
    ck_assert_int_eq(
        asyncio_serve_threads(echo_client, NULL, NULL, "0", &options), -EINVAL);
    options = (struct asyncio_serve_threads_options){.drain_seconds = -1};
    ck_assert_int_eq(
        asyncio_serve_threads(echo_client, NULL, NULL, "0", &options), -EINVAL);
    options.drain_seconds = (double)NAN;
    ck_assert_int_eq(
        asyncio_serve_threads(echo_client, NULL, NULL, "0", &options), -EINVAL);
    ck_assert_int_eq(asyncio_serve_threads(NULL, NULL, NULL, "0", NULL),
                     -EINVAL);
    ck_assert_int_eq(
        asyncio_serve_threads(echo_client, NULL, "127.0.0.1", "no-such", NULL),
        -ASYNCIO_EAI_SERVICE);
}

SCENARIO(a_simulation_has_no_threads)
{
    if (rig_is_virtual())
        ck_assert_int_eq(
            asyncio_serve_threads(echo_client, NULL, NULL, "0", NULL),
            -ENOTSUP);
}

START_TEST(outside_of_tasks_it_is_eperm)
{
    ck_assert_int_eq(asyncio_serve_threads(echo_client, NULL, NULL, "0", NULL),
                     -EPERM);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("server_threads");
    suite_case(suite, connections_are_spread_over_the_threads);
    suite_case(suite, there_is_a_thread_for_each_cpu_if_nobody_says);
    suite_case(suite, stopped_without_patience_it_cancels_who_is_there);
    suite_case(suite, stopped_before_it_began_it_ends_at_once);
    suite_case(suite, cancelled_it_ends_all_threads);
    suite_case(suite, cancelled_while_it_drains_it_waits_no_longer);
    suite_case(suite, cancelled_while_the_threads_start_it_waits_for_them);
    suite_case(suite, what_on_ready_fails_with_ends_it);
    suite_case(suite, a_port_that_is_taken_leaves_nothing_behind);
    suite_case(suite, a_thread_that_cannot_start_ends_the_others);
    suite_case(suite, nonsense_is_refused);
    suite_case(suite, a_simulation_has_no_threads);
    suite_case(suite, outside_of_tasks_it_is_eperm);
    return suite;
}
