/* SPDX-License-Identifier: MIT */
/* Bytes over TLS: all of them, both ways, cut short, and to the end. */
#include "rig.h"

/* ---- plenty ---- */

enum { PLENTY = 8 << 20 };

static size_t plenty(void)
{
    return rig_slowness() > 1 ? PLENTY / 16 : PLENTY;
}

static char byte_at(size_t at, int seed)
{
    return (char)(at * 7 + at / 4093 + (size_t)seed);
}

struct stretch {
    asyncio_stream *stream;
    int seed;
    size_t piece, len;
    bool ends;
};

static int send_stretch(void *arg)
{
    struct stretch *stretch = arg;
    static char bytes[1 << 16];
    ssize_t done = 0;
    for (size_t at = 0; at < stretch->len && done >= 0; at += (size_t)done) {
        size_t len = stretch->len - at;
        len = len < stretch->piece ? len : stretch->piece;
        char *piece = bytes + (stretch->seed ? sizeof bytes / 2 : 0);
        for (size_t i = 0; i < len; i++)
            piece[i] = byte_at(at + i, stretch->seed);
        done = asyncio_stream_write(stretch->stream, piece, len, NULL);
    }
    if (done >= 0 && stretch->ends)
        done = asyncio_stream_write_eof(stretch->stream);
    return done < 0 ? (int)done : 0;
}

static int hear_stretch(void *arg)
{
    struct stretch *stretch = arg;
    static char bytes[40000];
    ssize_t got = 1;
    for (size_t at = 0; at < stretch->len; at += (size_t)got) {
        got = asyncio_stream_read(stretch->stream, bytes, stretch->piece);
        if (got <= 0)
            return got == 0 ? -ENODATA : (int)got;
        for (ssize_t i = 0; i < got; i++) {
            if (bytes[i] != byte_at(at + (size_t)i, stretch->seed))
                return -EILSEQ;
        }
    }
    if (stretch->ends)
        got = asyncio_stream_read(stretch->stream, bytes, 1);
    return stretch->ends ? (int)got : 0;
}

static void exchange(size_t len, size_t write_len, size_t read_len)
{
    struct pair pair = open_tls_pair();
    struct stretch stretches[] = {
        {pair.near, 0, write_len, len, true},
        {pair.far, 1, write_len, len, true},
        {pair.near, 1, read_len, len, true},
        {pair.far, 0, read_len, len, true},
    };
    asyncio_task tasks[4];
    int results[4];
    for (int i = 0; i < 4; i++)
        tasks[i] = asyncio_create_task(i < 2 ? send_stretch : hear_stretch,
                                       &stretches[i]);
    asyncio_gather(tasks, 4, results);
    for (int i = 0; i < 4; i++)
        ck_assert_code(results[i], 0);
    close_pair(pair);
}

NET_SCENARIO(plenty_goes_both_ways_at_once)
{
    exchange(plenty(), 32768, 40000);
    exchange(plenty() / 8, 5000, 1000);
}

NET_SCENARIO(one_byte_at_a_time_arrives_too)
{
    exchange(rig_slowness() > 1 ? 500 : 20000, 1, 1);
    exchange(rig_slowness() > 1 ? 500 : 20000, 1, 4096);
    exchange(rig_slowness() > 1 ? 500 : 20000, 16384, 1);
}

NET_SCENARIO(pieces_arrive_in_their_order)
{
    struct pair pair = open_tls_pair();
    struct iovec parts[] = {{(void *)(uintptr_t) "one ", 4},
                            {NULL, 0},
                            {(void *)(uintptr_t) "two ", 4},
                            {(void *)(uintptr_t) "three", 5}};
    ck_assert_int_eq(asyncio_stream_writev(pair.near, parts, 4, NULL), 13);
    hear_text(pair.far, "one two three");
    close_pair(pair);
}

/* More than fits in the buffer that looks for its end comes in one record: the
 * rest waits in TLS, and the socket has no more news. */
NET_SCENARIO(lines_are_found_in_long_records)
{
    struct pair pair = open_tls_pair();
    static char text[16000], line[12000];
    memset(text, 'a', sizeof text);
    text[9999] = '\n';
    text[15998] = '\n';
    ck_assert_int_eq(
        asyncio_stream_write(pair.near, text, sizeof text, NULL), 16000);
    ck_assert_int_eq(
        asyncio_stream_readline(pair.far, line, sizeof line), 10000);
    ck_assert_int_eq(
        asyncio_stream_readline(pair.far, line, sizeof line), 5999);
    asyncio_stream_close(pair.near);
    ck_assert_int_eq(asyncio_stream_readline(pair.far, line, sizeof line), 1);
    ck_assert_int_eq(asyncio_stream_readline(pair.far, line, sizeof line), 0);
    asyncio_stream_close(pair.far);
}

NET_SCENARIO(what_waits_in_tls_is_readable)
{
    struct pair pair = open_tls_pair();
    char byte;
    say_text(pair.near, "two");
    ck_assert_int_eq(asyncio_stream_wait_readable(pair.far), 1);
    ck_assert_int_eq(asyncio_stream_read(pair.far, &byte, 1), 1);
    ck_assert_int_eq(asyncio_stream_wait_readable(pair.far), 1);
    hear_text(pair.far, "wo");
    asyncio_stream_close(pair.near);
    ck_assert_int_eq(asyncio_stream_wait_readable(pair.far), 0);
    ck_assert(asyncio_stream_at_eof(pair.far));
    asyncio_stream_close(pair.far);
}

/* ---- in mid-stream ---- */

static int serve_starttls(void *arg)
{
    struct shake *far = arg;
    char line[64];
    let_a_turn_pass();           /* so that the handshake has come, too */
    ck_assert_int_eq(asyncio_stream_readline(far->stream, line, sizeof line),
                     9);
    ck_assert_str_eq(line, "STARTTLS\n");
    return asyncio_start_tls(far->stream, &far->options);
}

NET_SCENARIO(what_was_read_ahead_belongs_to_tls)
{
    struct pair pair = open_pair();
    asyncio_tls_context *client = client_context(),
                        *server = server_context("server");
    struct shake near = {.stream = pair.near,
                         .options = {.context = client,
                                     .server_name = "localhost"}};
    struct shake far = {.stream = pair.far, .options = {.context = server}};
    say_text(pair.near, "STARTTLS\n");
    far.task = asyncio_create_task(serve_starttls, &far);
    ck_assert_code(shake_run(&near), 0);
    ck_assert_code(asyncio_await(far.task), 0);
    say_text(pair.near, "secret");
    hear_text(pair.far, "secret");
    say_text(pair.far, "yes");
    hear_text(pair.near, "yes");
    asyncio_tls_context_free(client);
    asyncio_tls_context_free(server);
    close_pair(pair);
}

NET_SCENARIO(a_busy_stream_does_not_go_over)
{
    struct pair pair = open_pair();
    struct stretch stretch = {pair.near, 0, 1, 1, false};
    asyncio_tls_context *server = server_context("server");
    struct asyncio_tls_options options = {.context = server};
    asyncio_task reader = asyncio_create_task(hear_stretch, &stretch);
    let_a_turn_pass();
    ck_assert_code(asyncio_start_tls(pair.near, &options), -EBUSY);
    asyncio_task_cancel(reader);
    ck_assert_code(asyncio_await(reader), -ECANCELED);
    asyncio_tls_context_free(server);
    close_pair(pair);
}

/* ---- the end ---- */

static void half_close(int version)
{
    asyncio_tls_context *server = server_context("server");
    ck_assert_code(
        asyncio_tls_context_set_versions(server, version, version), 0);
    struct pair pair = open_tls_pair_with(client_context(), server);
    say_text(pair.near, "question");
    ck_assert_code(asyncio_stream_write_eof(pair.near), 0);
    ck_assert_code(asyncio_stream_write_eof(pair.near), 0);
    ck_assert_code(asyncio_stream_write(pair.near, "x", 1, NULL), -EPIPE);
    hear_text(pair.far, "question");
    hear_end(pair.far);
    hear_end(pair.far);
    say_text(pair.far, "a long");
    let_a_turn_pass();
    say_text(pair.far, " answer");
    hear_text(pair.near, "a long answer");
    asyncio_stream_close(pair.far);
    hear_end(pair.near);
    asyncio_stream_close(pair.near);
}

NET_SCENARIO(half_closed_it_still_reads)
{
    half_close(ASYNCIO_TLS_1_2);
    half_close(ASYNCIO_TLS_1_3);
}

NET_SCENARIO(what_was_written_before_the_close_arrives)
{
    struct pair pair = open_tls_pair();
    struct stretch near = {pair.near, 0, 30000, 300000, false},
                   far = {pair.far, 0, 7000, 300000, true};
    asyncio_task reader = asyncio_create_task(hear_stretch, &far);
    ck_assert_code(send_stretch(&near), 0);
    asyncio_stream_close(pair.near);
    ck_assert_code(asyncio_await(reader), 0);
    asyncio_stream_close(pair.far);
}

static int count_bytes(asyncio_stream *stream, void *arg)
{
    char bytes[64];
    ssize_t got;
    asyncio_sleep(0);
    while ((got = asyncio_stream_read(stream, bytes, sizeof bytes)) > 0)
        *(size_t *)arg += (size_t)got;
    return (int)got;
}

/* A client of TLS 1.3 is done with its handshake before the server is. What the
 * server then sends, tickets, must not find a socket that is gone: its answer
 * would be a reset, which overtakes what the client has written. */
NET_SCENARIO(whoever_writes_and_leaves_at_once_is_heard)
{
    enum { CLIENTS = 100 };
    size_t heard = 0;
    asyncio_tls_context *client = client_context();
    asyncio_server *server =
        serve_tls(count_bytes, &heard, server_context("server"));
    for (int i = 0; i < CLIENTS; i++) {
        asyncio_stream *stream;
        ck_assert_code(dial(server, "localhost", client, &stream), 0);
        say_text(stream, "last words");
        asyncio_stream_close(stream);
    }
    while (asyncio_server_clients(server))
        let_a_turn_pass();
    ck_assert_uint_eq(asyncio_server_failures(server), 0);
    ck_assert_uint_eq(heard, CLIENTS * strlen("last words"));
    asyncio_tls_context_free(client);
    asyncio_server_close(server);
}

NET_SCENARIO(an_end_without_goodbye_is_an_error)
{
    struct pair pair = open_tls_pair();
    char byte;
    say_text(pair.near, "all of i");
    ck_assert_int_eq(shutdown(asyncio_stream_fd(pair.near), SHUT_WR), 0);
    hear_text(pair.far, "all of i");
    ck_assert_code(asyncio_stream_read(pair.far, &byte, 1),
                   -ASYNCIO_TLS_TRUNCATED);
    ck_assert(!asyncio_stream_at_eof(pair.far));
    ck_assert_code(asyncio_stream_read(pair.far, &byte, 1),
                   -ASYNCIO_TLS_TRUNCATED);
    ck_assert_code(asyncio_stream_write(pair.far, "x", 1, NULL),
                   -ASYNCIO_TLS_TRUNCATED);
    ck_assert_ptr_nonnull(strstr(fact(pair.far, "tls_error"), "eof"));
    close_pair(pair);
}

static int sever(asyncio_stream *stream, void *arg)
{
    say_text(stream, "x");
    asyncio_server_abort_clients(*(asyncio_server **)arg);
    return 0;
}

NET_SCENARIO(a_reset_is_a_reset)
{
    asyncio_server *server;
    server = serve_tls(sever, &server, server_context("server"));
    asyncio_stream *stream = dial_well(server, client_context());
    char bytes[8];
    ssize_t got = 1;
    while (got > 0)
        got = asyncio_stream_read(stream, bytes, sizeof bytes);
    ck_assert_code(got, -ECONNRESET);
    ck_assert_code(asyncio_stream_read(stream, bytes, 1), -ECONNRESET);
    asyncio_stream_close(stream);
    asyncio_server_close(server);
}

NET_SCENARIO(nonsense_in_between_ends_it)
{
    struct pair pair = open_tls_pair();
    char byte;
    ck_assert_int_eq(
        write(asyncio_stream_fd(pair.near), "GET / HTTP/1.1\r\n\r\n", 18), 18);
    ck_assert_code(asyncio_stream_read(pair.far, &byte, 1),
                   -ASYNCIO_TLS_PROTOCOL);
    ck_assert_code(asyncio_stream_write(pair.far, "x", 1, NULL),
                   -ASYNCIO_TLS_PROTOCOL);
    ck_assert_int_lt(asyncio_stream_read(pair.near, &byte, 1), 0);
    close_pair(pair);
}

NET_SCENARIO(whoever_is_gone_cannot_be_written_to)
{
    struct pair pair = open_tls_pair();
    static char bytes[1 << 16];
    ssize_t done = 0;
    asyncio_stream_abort(pair.far);
    for (int i = 0; i < 100 && done >= 0; i++)
        done = asyncio_stream_write(pair.near, bytes, sizeof bytes, NULL);
    ck_assert_msg(done == -EPIPE || done == -ECONNRESET, "%d", (int)done);
    asyncio_stream_close(pair.near);
}

/* ---- cancelling ---- */

NET_SCENARIO(a_cancelled_reader_has_taken_nothing)
{
    struct pair pair = open_tls_pair();
    struct stretch stretch = {pair.far, 0, 100, 100, false};
    asyncio_task reader = asyncio_create_task(hear_stretch, &stretch);
    let_a_turn_pass();
    asyncio_task_cancel(reader);
    ck_assert_code(asyncio_await(reader), -ECANCELED);
    say_text(pair.near, "z");
    hear_text(pair.far, "z");
    close_pair(pair);
}

struct cut_write {
    asyncio_stream *stream;
    size_t moved, len;
};

static char long_bytes[1 << 20];

static int write_for_long(void *arg)
{
    struct cut_write *cut = arg;
    size_t moved = 0;
    ssize_t done = asyncio_stream_write(cut->stream, long_bytes + cut->moved,
                                        cut->len - cut->moved, &moved);
    cut->moved += moved;
    return done < 0 ? (int)done : 0;
}

/* Cancelled again and again it goes on where it says it was, and not a byte is
 * missing or there twice. */
NET_SCENARIO(a_cancelled_write_goes_on_where_it_was)
{
    struct pair pair = open_tls_pair();
    struct cut_write cut = {pair.near, 0, sizeof long_bytes};
    static char heard[1 << 20];
    size_t len = 0;
    int cancels = 0;
    for (size_t i = 0; i < sizeof long_bytes; i++)
        long_bytes[i] = byte_at(i, 3);
    while (cut.moved < cut.len) {
        asyncio_task writer = asyncio_create_task(write_for_long, &cut);
        let_a_turn_pass();
        cancels += !asyncio_task_is_done(writer);
        asyncio_task_cancel(writer);
        int err = asyncio_await(writer);
        ck_assert(err == 0 || err == -ECANCELED);
        ssize_t got = asyncio_stream_read(pair.far, heard + len, 50000);
        ck_assert_int_gt(got, 0);
        len += (size_t)got;
    }
    ck_assert_int_gt(cancels, 2);
    asyncio_task writer = asyncio_create_task(write_for_long, &cut);
    ck_assert_int_eq(asyncio_stream_readexactly(pair.far, heard + len,
                                                sizeof heard - len - 20000,
                                                NULL),
                     sizeof heard - len - 20000);
    ck_assert_code(asyncio_await(writer), 0);
    asyncio_stream_close(pair.near); /* sends what is left */
    ck_assert_int_eq(asyncio_stream_readexactly(
                         pair.far, heard + sizeof heard - 20000, 20000, NULL),
                     20000);
    hear_end(pair.far);
    ck_assert(memcmp(heard, long_bytes, sizeof heard) == 0);
    asyncio_stream_close(pair.far);
}

NET_SCENARIO(closing_waits_only_so_long_for_a_slow_reader)
{
    struct pair pair = open_pair();
    asyncio_tls_context *client = client_context(),
                        *server = server_context("server");
    struct shake near = {.stream = pair.near,
                         .options = {.context = client,
                                     .server_name = "localhost",
                                     .shutdown_timeout = 3 * TICK}};
    struct shake far = {.stream = pair.far, .options = {.context = server}};
    far.task = asyncio_create_task(shake_run, &far);
    ck_assert_code(shake_run(&near), 0);
    ck_assert_code(asyncio_await(far.task), 0);
    struct cut_write cut = {pair.near, 0, sizeof long_bytes};
    asyncio_task writer = asyncio_create_task(write_for_long, &cut);
    let_a_turn_pass();
    asyncio_task_cancel(writer);
    ck_assert_code(asyncio_await(writer), -ECANCELED);
    double start = asyncio_time();
    asyncio_stream_close(pair.near);
    assert_passed(start, 3 * TICK);
    asyncio_tls_context_free(client);
    asyncio_tls_context_free(server);
    asyncio_stream_close(pair.far);
}

static int close_cancelled(void *arg)
{
    struct cut_write *cut = arg;
    int err = write_for_long(cut);
    asyncio_stream_close(cut->stream);
    return err;
}

NET_SCENARIO(closing_does_not_wait_when_cancelled)
{
    struct pair pair = open_tls_pair();
    struct cut_write cut = {pair.near, 0, sizeof long_bytes};
    asyncio_task writer = asyncio_create_task(close_cancelled, &cut);
    let_a_turn_pass();
    double start = asyncio_time();
    asyncio_task_cancel(writer);
    ck_assert_code(asyncio_await(writer), -ECANCELED);
    ck_assert_double_lt(asyncio_time() - start, 5);
    asyncio_stream_close(pair.far);
}

NET_SCENARIO(closed_under_its_reader_and_writer_it_is_ebadf)
{
    struct pair pair = open_tls_pair();
    struct stretch stretch = {pair.near, 0, 100, 100, false};
    struct cut_write cut = {pair.near, 0, sizeof long_bytes};
    asyncio_task reader = asyncio_create_task(hear_stretch, &stretch);
    asyncio_task writer = asyncio_create_task(write_for_long, &cut);
    let_a_turn_pass();
    asyncio_stream_close(pair.near);
    ck_assert_code(asyncio_await(reader), -EBADF);
    ck_assert_code(asyncio_await(writer), -EBADF);
    asyncio_stream_close(pair.far);
}

NET_SCENARIO(a_read_may_time_out_and_go_on)
{
    struct pair pair = open_tls_pair();
    for (int i = 0; i < 3; i++) {
        struct asyncio_timeout timeout;
        char byte;
        ck_assert_int_eq(asyncio_timeout_begin(&timeout, TICK), 0);
        int err = (int)asyncio_stream_read(pair.far, &byte, 1);
        ck_assert_code(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
        say_text(pair.near, "on");
        hear_text(pair.far, "on");
    }
    close_pair(pair);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("transfer");
    rig_make_certificates();
    suite_case(suite, plenty_goes_both_ways_at_once);
    suite_case(suite, one_byte_at_a_time_arrives_too);
    suite_case(suite, pieces_arrive_in_their_order);
    suite_case(suite, lines_are_found_in_long_records);
    suite_case(suite, what_waits_in_tls_is_readable);
    suite_case(suite, what_was_read_ahead_belongs_to_tls);
    suite_case(suite, a_busy_stream_does_not_go_over);
    suite_case(suite, half_closed_it_still_reads);
    suite_case(suite, what_was_written_before_the_close_arrives);
    suite_case(suite, whoever_writes_and_leaves_at_once_is_heard);
    suite_case(suite, an_end_without_goodbye_is_an_error);
    suite_case(suite, a_reset_is_a_reset);
    suite_case(suite, nonsense_in_between_ends_it);
    suite_case(suite, whoever_is_gone_cannot_be_written_to);
    suite_case(suite, a_cancelled_reader_has_taken_nothing);
    suite_case(suite, a_cancelled_write_goes_on_where_it_was);
    suite_case(suite, closing_waits_only_so_long_for_a_slow_reader);
    suite_case(suite, closing_does_not_wait_when_cancelled);
    suite_case(suite, closed_under_its_reader_and_writer_it_is_ebadf);
    suite_case(suite, a_read_may_time_out_and_go_on);
    return suite;
}
