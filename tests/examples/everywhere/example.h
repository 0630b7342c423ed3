/* SPDX-License-Identifier: MIT */
/*
 * The examples, cancelled everywhere (../../extremes/everywhere.h) and failing
 * at each place in turn (../../extremes/failing.h).
 *
 * A file here includes this one, then the example's source, whose suspending
 * calls thereby become steps, and whose memory is counted. Then follow the
 * peers that use the example, which run beside it on the same loop: small
 * coroutines that take whatever happens to them, and say in `heard` whether
 * it was what they had hoped for. When all peers have ended, the example is
 * cancelled, as Ctrl-C would do it.
 *
 *     #include "example.h"
 *     #include "../../../examples/echo_server.c"
 *
 *     PEER(client) { ... }
 *
 *     EXAMPLE(echo_server, serve, words, client, client)
 */
#ifndef EXAMPLES_EVERYWHERE_EXAMPLE_H
#define EXAMPLES_EVERYWHERE_EXAMPLE_H

#include "everywhere.h"
#include "failing.h"

/* What a file may say of its example before it includes this one. */
#ifndef EXAMPLE_IS_POSSIBLE
#define EXAMPLE_IS_POSSIBLE true /* on this system */
#endif
#ifndef EXAMPLE_IS_SIMULATED
#define EXAMPLE_IS_SIMULATED 0
#endif

static struct {
    asyncio_task task;           /* the example's */
    struct asyncio_event serving; /* or ended */
    char port[16];               /* that it serves on; "" : none */
    size_t peers;                /* that have not ended */
    size_t heard;                /* peers that all went well for */
} example;

/* ---- what surrounds the example ---- */

static UNUSED asyncio_server *example_serves(asyncio_server *server)
{
    snprintf(example.port, sizeof example.port, "%d",
             asyncio_server_port(server));
    asyncio_event_set(&example.serving);
    return server;
}

static int example_ends(int err)
{
    asyncio_event_set(&example.serving);
    return err;
}

static void peer_ends(bool is_well)
{
    example.heard += is_well;
    if (--example.peers == 0)
        asyncio_task_cancel(example.task);
}

/* A coroutine beside the example; 0 where all went well, else negative. */
#define PEER(name)                                                             \
    static int name##_talk(void);                                              \
    static int name(void *arg)                                                 \
    {                                                                          \
        (void)arg;                                                             \
        run_enter();                                                           \
        int err = name##_talk();                                               \
        peer_ends(err == 0);                                                   \
        return run_leave(err == -ECANCELED ? err : 0);                         \
    }                                                                          \
    static int name##_talk(void)

/* For peers: connects to the example once it serves. */
static UNUSED int peer_connect(asyncio_stream **ret_stream)
{
    TRY(asyncio_event_wait(&example.serving));
    if (!*example.port)
        return -ECONNREFUSED;
    return asyncio_open_connection("127.0.0.1", example.port, NULL, ret_stream);
}

/* For peers: says a text, and nothing after it. */
static UNUSED int peer_say(asyncio_stream *stream, const char *text)
{
    TRY(asyncio_stream_write_text(stream, text));
    return asyncio_stream_write_eof(stream);
}

/* For peers: reads to the end; how much that was. */
static UNUSED int peer_hear(asyncio_stream *stream, char *buf, size_t size)
{
    size_t have = 0;
    ssize_t len;
    while ((len = asyncio_stream_read(stream, buf + have, size - 1 - have)) > 0)
        have += (size_t)len;
    buf[have] = '\0';
    return len < 0 ? (int)len : (int)have;
}

/* ---- one run ---- */

static int example_start(struct asyncio_group *group, asyncio_fn *main_fn,
                         asyncio_fn *const *peers, size_t count)
{
    example.task = asyncio_group_create_task(group, main_fn, NULL);
    TRY(asyncio_task_error(example.task));
    for (; example.peers < count; example.peers++)
        TRY(asyncio_task_error(asyncio_group_create_task(
            group, peers[example.peers], NULL)));
    return 0;
}

static UNUSED int example_run(asyncio_fn *main_fn, asyncio_fn *const *peers,
                              size_t count)
{
    struct asyncio_group group;
    *example.port = '\0';
    example.peers = example.heard = 0;
    asyncio_event_init(&example.serving);
    TRY(asyncio_group_begin(&group));
    int err = example_start(&group, main_fn, peers, count);
    err = asyncio_group_end(&group, err);
    asyncio_event_fini(&example.serving);
    return err;
}

static UNUSED int example_fails(asyncio_fn *main_fn)
{
    run_reset();
    run.step = run.entered = run.left = 0;
    int err = asyncio_run(main_fn, NULL);
    ck_assert_uint_eq(run.left, run.entered);
    return err;
}

/* What it prints is of no interest here. */
static UNUSED bool example_begins(void)
{
    return rig_is_virtual() == EXAMPLE_IS_SIMULATED &&
           freopen("/dev/null", "w", stdout);
}

/*
 * The two tests, and the suite: the example's coroutine `fn` with `arg` and
 * the peers after it, all of which it goes well for when nothing is cancelled.
 */
#define EXAMPLE(name, fn, arg, ...)                                            \
    static asyncio_fn *const name##_peers[] = {__VA_ARGS__};                   \
    static int name##_body(void *unused)                                       \
    {                                                                          \
        (void)unused;                                                          \
        run_enter();                                                           \
        int err = example_ends(fn(arg));                                       \
        return run_leave(err);                                                 \
    }                                                                          \
    COROUTINE(name##_scenario)                                                 \
    {                                                                          \
        return example_run(name##_body, name##_peers,                          \
                           ARRAY_SIZE(name##_peers));                          \
    }                                                                          \
    static void name##_check(bool is_unharmed)                                 \
    {                                                                          \
        if (is_unharmed)                                                       \
            ck_assert_uint_eq(example.heard, ARRAY_SIZE(name##_peers));        \
    }                                                                          \
    START_TEST(name##_cancelled_everywhere)                                    \
    {                                                                          \
        static const struct scenario scenario = {                              \
            #name, name##_scenario, name##_check, NULL,                        \
            !EXAMPLE_IS_SIMULATED};                                            \
        if (example_begins())                                                  \
            cancel_everywhere(&scenario);                                      \
    }                                                                          \
    END_TEST                                                                   \
    static int name##_fails(void)                                              \
    {                                                                          \
        return example_fails(name##_scenario);                                 \
    }                                                                          \
    START_TEST(name##_failing_everywhere)                                      \
    {                                                                          \
        if (example_begins())                                                  \
            fail_each(#name, name##_fails);                                    \
    }                                                                          \
    END_TEST                                                                   \
    Suite *test_suite(void)                                                    \
    {                                                                          \
        Suite *suite = suite_create(#name);                                    \
        if (!(EXAMPLE_IS_POSSIBLE))                                            \
            suite_skip("what the example needs is not there");                 \
        suite_case(suite, name##_cancelled_everywhere);                        \
        suite_case(suite, name##_failing_everywhere);                          \
        return suite;                                                          \
    }

/* ---- what the example's source sees ---- */

#define main(...)                                                              \
    main_of_example(__VA_ARGS__);                                              \
    int main_of_example(__VA_ARGS__)
#define malloc mem_alloc
#define calloc(count, size) mem_zalloc((count) * (size))
#define free mem_free

/* A suspending call that returns nothing. */
#define STEP_VOID(call) (run_step(), call, run_step())

#define asyncio_server_serve_forever(server)                                   \
    STEP(asyncio_server_serve_forever(example_serves(server)))
#define asyncio_await(...) STEP(asyncio_await(__VA_ARGS__))
#define asyncio_sleep(...) STEP(asyncio_sleep(__VA_ARGS__))
#define asyncio_gather(...) STEP(asyncio_gather(__VA_ARGS__))
#define asyncio_group_end(...) STEP(asyncio_group_end(__VA_ARGS__))
#define asyncio_timeout_run(...) STEP(asyncio_timeout_run(__VA_ARGS__))
#define asyncio_to_thread(...) STEP(asyncio_to_thread(__VA_ARGS__))
#define asyncio_to_thread_abandonable(...)                                     \
    STEP(asyncio_to_thread_abandonable(__VA_ARGS__))
#define asyncio_event_wait(...) STEP(asyncio_event_wait(__VA_ARGS__))
#define asyncio_semaphore_acquire(...)                                         \
    STEP(asyncio_semaphore_acquire(__VA_ARGS__))
#define asyncio_queue_get(...) STEP(asyncio_queue_get(__VA_ARGS__))
#define asyncio_queue_put(...) STEP(asyncio_queue_put(__VA_ARGS__))
#define asyncio_queue_join(...) STEP(asyncio_queue_join(__VA_ARGS__))
#define asyncio_open_connection(...) STEP(asyncio_open_connection(__VA_ARGS__))
#define asyncio_stream_read(...) STEP(asyncio_stream_read(__VA_ARGS__))
#define asyncio_stream_readline(...) STEP(asyncio_stream_readline(__VA_ARGS__))
#define asyncio_stream_write(...) STEP(asyncio_stream_write(__VA_ARGS__))
#define asyncio_stream_writev(...) STEP(asyncio_stream_writev(__VA_ARGS__))
#define asyncio_stream_write_text(...)                                         \
    STEP(asyncio_stream_write_text(__VA_ARGS__))
#define asyncio_stream_write_eof(...)                                          \
    STEP(asyncio_stream_write_eof(__VA_ARGS__))
#define asyncio_stream_sendfile(...) STEP(asyncio_stream_sendfile(__VA_ARGS__))
#define asyncio_start_server(...) STEP(asyncio_start_server(__VA_ARGS__))
#define asyncio_file_open(...) STEP(asyncio_file_open(__VA_ARGS__))
#define asyncio_file_read(...) STEP(asyncio_file_read(__VA_ARGS__))
#define asyncio_file_pread(...) STEP(asyncio_file_pread(__VA_ARGS__))
#define asyncio_file_seek(...) STEP(asyncio_file_seek(__VA_ARGS__))
#define asyncio_file_stat(...) STEP(asyncio_file_stat(__VA_ARGS__))
#define asyncio_file_close(...) STEP(asyncio_file_close(__VA_ARGS__))
#define asyncio_stat(...) STEP(asyncio_stat(__VA_ARGS__))
#define asyncio_scandir_open(...) STEP(asyncio_scandir_open(__VA_ARGS__))
#define asyncio_scandir_next(...) STEP(asyncio_scandir_next(__VA_ARGS__))
#define asyncio_watch_add(...) STEP(asyncio_watch_add(__VA_ARGS__))
#define asyncio_watch_next(...) STEP(asyncio_watch_next(__VA_ARGS__))
#define asyncio_create_subprocess_exec(...)                                    \
    STEP(asyncio_create_subprocess_exec(__VA_ARGS__))
#define asyncio_process_communicate(...)                                       \
    STEP(asyncio_process_communicate(__VA_ARGS__))
#define asyncio_stream_close(...) STEP_VOID(asyncio_stream_close(__VA_ARGS__))
#define asyncio_process_close(...) STEP_VOID(asyncio_process_close(__VA_ARGS__))

#endif
