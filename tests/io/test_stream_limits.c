/* SPDX-License-Identifier: MIT */
/* Streams at their limits: tiny pieces, huge ones, exact boundaries, and the
 * memory that slow readers do not cost. */
#include <limits.h>
#include <malloc.h>
#include <netinet/in.h>

#include "net_rig.h"

#include "io/stream.h"

/* ---- helpers ---- */

static void set_limit(asyncio_stream *stream, size_t limit)
{
    stream->limit = limit;
}

static void set_socket_buffers(struct pair pair, int size)
{
    int fds[2] = {asyncio_stream_fd(pair.near), asyncio_stream_fd(pair.far)};
    for (int i = 0; i < 2; i++) {
        setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    }
}

static unsigned char pattern(size_t at)
{
    return (unsigned char)(at * 31 + (at >> 8) * 7);
}

static void fill_pattern(unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = pattern(i);
}

static void check_pattern(const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != pattern(i))
            ck_abort_msg("byte %zu is wrong", i);
}

/* ---- tiny and many ---- */

static size_t tiny_count(void)
{
    return (size_t)(1000000 / rig_slowness());
}

static int write_tiny_pieces(void *arg)
{
    size_t count = tiny_count();
    for (size_t i = 0; i < count; i++) {
        unsigned char byte = pattern(i);
        ssize_t done = asyncio_stream_write(arg, &byte, 1, NULL);
        if (done != 1)
            return (int)done;
    }
    return asyncio_stream_write_eof(arg);
}

NET_SCENARIO(a_million_tiny_writes_arrive)
{
    static unsigned char bytes[1000000];
    struct pair pair = open_pair();
    asyncio_task writer = asyncio_create_task(write_tiny_pieces, pair.near);
    size_t count = tiny_count();
    ck_assert_int_eq(
        asyncio_stream_readexactly(pair.far, bytes, count, NULL), count);
    check_pattern(bytes, count);
    hear_end(pair.far);
    ck_assert_int_eq(asyncio_await(writer), 0);
    close_pair(pair);
}

enum { SMALL_LEN = 100000 };

static int write_small_len(void *arg)
{
    static unsigned char bytes[SMALL_LEN];
    fill_pattern(bytes, sizeof bytes);
    ssize_t done = asyncio_stream_write(arg, bytes, sizeof bytes, NULL);
    return done < 0 ? (int)done : asyncio_stream_write_eof(arg);
}

NET_SCENARIO(it_is_read_byte_by_byte)
{
    struct pair pair = open_pair();
    asyncio_task writer = asyncio_create_task(write_small_len, pair.near);
    for (size_t i = 0; i < SMALL_LEN; i++) {
        unsigned char byte;
        ck_assert_int_eq(asyncio_stream_read(pair.far, &byte, 1), 1);
        ck_assert_int_eq(byte, pattern(i));
    }
    hear_end(pair.far);
    ck_assert_int_eq(asyncio_await(writer), 0);
    close_pair(pair);
}

/* The kernel takes a piece at a time. */
NET_SCENARIO(short_writes_are_gone_on_with)
{
    static unsigned char bytes[SMALL_LEN];
    struct pair pair = open_pair();
    set_socket_buffers(pair, 1);
    asyncio_task writer = asyncio_create_task(write_small_len, pair.near);
    ck_assert_int_eq(
        asyncio_stream_readexactly(pair.far, bytes, sizeof bytes, NULL),
        sizeof bytes);
    check_pattern(bytes, sizeof bytes);
    hear_end(pair.far);
    ck_assert_int_eq(asyncio_await(writer), 0);
    close_pair(pair);
}

/* Others get their turn beside a stream that is always ready. */
static int count_turns(void *arg)
{
    size_t *turns = arg;
    while (asyncio_sleep(0) == 0)
        ++*turns;
    return 0;
}

NET_SCENARIO(a_stream_that_is_always_ready_lets_others_run)
{
    struct pair pair = open_pair();
    size_t turns = 0;
    asyncio_task counter = asyncio_create_task(count_turns, &turns);
    static char lines[4096];
    char line[8];
    memset(lines, '\n', sizeof lines);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(
            asyncio_stream_write(pair.near, lines, sizeof lines, NULL),
            sizeof lines);
    for (int i = 0; i < 8 * (int)sizeof lines; i++)
        ck_assert_int_eq(
            asyncio_stream_readline(pair.far, line, sizeof line), 1);
    ck_assert_uint_gt(turns, 100);
    asyncio_task_cancel(counter);
    ck_assert_int_eq(asyncio_await(counter), 0);
    close_pair(pair);
}

/* ---- nothing and too much ---- */

static int do_nothing_cancelled(void *arg)
{
    char byte;
    asyncio_task_cancel(asyncio_current_task());
    ck_assert_int_eq(asyncio_stream_read(arg, &byte, 0), -ECANCELED);
    ck_assert_int_eq(asyncio_stream_write(arg, &byte, 0, NULL), -ECANCELED);
    ck_assert_int_eq(asyncio_stream_readexactly(arg, &byte, 0, NULL),
                     -ECANCELED);
    ck_assert_int_eq(asyncio_stream_writev(arg, NULL, 0, NULL), -ECANCELED);
    ck_assert_int_eq(asyncio_stream_wait_readable(arg), -ECANCELED);
    return 0;
}

NET_SCENARIO(nothing_is_moved_at_once)
{
    struct pair pair = open_pair();
    char byte;
    size_t moved = 7;
    ck_assert_int_eq(asyncio_stream_read(pair.near, &byte, 0), 0);
    ck_assert_int_eq(asyncio_stream_readexactly(pair.near, &byte, 0, &moved),
                     0);
    ck_assert_uint_eq(moved, 0);
    moved = 7;
    ck_assert_int_eq(asyncio_stream_write(pair.near, &byte, 0, &moved), 0);
    ck_assert_uint_eq(moved, 0);
    ck_assert_int_eq(asyncio_stream_write_text(pair.near, ""), 0);
    asyncio_task task = asyncio_create_task(do_nothing_cancelled, pair.near);
    ck_assert_int_eq(asyncio_await(task), 0);
    close_pair(pair);
}

/* A length is a bound, and may be more than there is memory. */
NET_SCENARIO(huge_lengths_are_bounds)
{
    if (sanitizer_on_valgrind())
        return;                  /* which looks at each byte of the memory */
    struct pair pair = open_pair();
    struct ends ends = open_pipe(0);
    static char buf[8];          /* there must be addresses for so many */
    asyncio_stream *reader;
    say_text(pair.near, "abc");
    ck_assert_int_eq(asyncio_stream_read(pair.far, buf, SSIZE_MAX), 3);
    say_text(pair.near, "a\n");
    ck_assert_int_eq(asyncio_stream_readline(pair.far, buf, SIZE_MAX), 2);
    say_text(pair.near, "a;b;");
    ck_assert_int_eq(
        asyncio_stream_readuntil(pair.far, ";", 1, buf, SIZE_MAX), 2);
    ck_assert_int_eq(asyncio_stream_read(pair.far, buf, SIZE_MAX), 2);
    ck_assert_int_eq(asyncio_stream_from_fd(ends.read, &reader), 0);
    put(ends.write, "abc");
    ck_assert_int_eq(asyncio_stream_read(reader, buf, SIZE_MAX), 3);
    ck_assert_int_eq(
        asyncio_stream_write(pair.near, buf, (size_t)SSIZE_MAX + 1, NULL),
        -EINVAL);
    ck_assert_int_eq(
        asyncio_stream_readexactly(pair.far, buf, (size_t)SSIZE_MAX + 1, NULL),
        -EINVAL);
    asyncio_stream_close(reader);
    close(ends.write);
    close_pair(pair);
}

/* ---- separators ---- */

struct message {
    asyncio_stream *stream;
    const char *bytes;
    size_t len;
};

static int say_byte_by_byte(void *arg)
{
    const struct message *message = arg;
    for (size_t i = 0; i < message->len; i++) {
        ssize_t done =
            asyncio_stream_write(message->stream, message->bytes + i, 1, NULL);
        if (done != 1)
            return (int)done;
        asyncio_sleep(0.0001);   /* the reader finds it alone */
    }
    return 0;
}

/* Found wherever its pieces come from, also where it overlaps itself. */
NET_SCENARIO(a_separator_is_found_byte_by_byte)
{
    static const struct {
        const char *text, *separator;
        int len;
    } cases[] = {
        {"aaab", "aab", 4},       {"ababac", "abac", 6},
        {"x\r\r\n", "\r\n", 4},   {"-----end", "--end", 8},
        {"abcabcabd", "abcabd", 9}, {"bb", "b", 1},
    };
    char buf[32];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct pair pair = open_pair();
        struct message message = {pair.near, cases[i].text,
                                  strlen(cases[i].text)};
        asyncio_task task = asyncio_create_task(say_byte_by_byte, &message);
        ck_assert_int_eq(
            asyncio_stream_readuntil(pair.far, cases[i].separator,
                                     strlen(cases[i].separator), buf,
                                     sizeof buf),
            cases[i].len);
        ck_assert_mem_eq(buf, cases[i].text, cases[i].len);
        ck_assert_int_eq(asyncio_await(task), 0);
        close_pair(pair);
    }
}

NET_SCENARIO(a_separator_may_be_long)
{
    enum { LEN = 10000 };
    static char text[LEN + 6], separator[LEN], buf[LEN + 6];
    struct pair pair = open_pair();
    memset(separator, 's', sizeof separator);
    separator[LEN - 1] = 'e';
    memcpy(text, "sssss", 5);
    memcpy(text + 5, separator, LEN);
    text[LEN + 5] = '!';
    ck_assert_int_eq(asyncio_stream_write(pair.near, text, sizeof text, NULL),
                     sizeof text);
    /* Longer than the room for it: it cannot fit. */
    ck_assert_int_eq(
        asyncio_stream_readuntil(pair.far, separator, LEN, buf, LEN - 1),
        -EMSGSIZE);
    ck_assert_int_eq(
        asyncio_stream_readuntil(pair.far, separator, LEN, buf, LEN + 5),
        LEN + 5);
    ck_assert_mem_eq(buf, text, LEN + 5);
    hear_text(pair.far, "!");
    ck_assert_int_eq(
        asyncio_stream_readuntil(pair.far, separator, 0, buf, LEN), -EINVAL);
    close_pair(pair);
}

NET_SCENARIO(lines_may_hold_nul_bytes)
{
    struct pair pair = open_pair();
    char line[16];
    static const char text[] = "a\0b\n\0\n";
    ck_assert_int_eq(
        asyncio_stream_write(pair.near, text, sizeof text - 1, NULL), 6);
    ck_assert_int_eq(asyncio_stream_readline(pair.far, line, sizeof line), 4);
    ck_assert_mem_eq(line, "a\0b\n", 5);
    ck_assert_int_eq(asyncio_stream_readline(pair.far, line, sizeof line), 2);
    ck_assert_mem_eq(line, "\0\n", 3);
    ck_assert_int_eq(asyncio_stream_readline(pair.far, line, 1), -EINVAL);
    ck_assert_int_eq(asyncio_stream_readline(pair.far, line, 0), -EINVAL);
    static const char nul[] = "xy";
    ck_assert_int_eq(asyncio_stream_write(pair.near, nul, 3, NULL), 3);
    ck_assert_int_eq(
        asyncio_stream_readuntil(pair.far, "", 1, line, sizeof line), 3);
    close_pair(pair);
}

/* ---- limits, exactly ---- */

/* Is a piece of `len` bytes taken where `limit` and `size` are these? */
static void check_limit(size_t len, size_t limit, size_t size)
{
    static char text[20000], buf[20000];
    struct pair pair = open_pair();
    size_t most = limit < size ? limit : size;
    set_limit(pair.far, limit);
    memset(text, 'x', len - 1);
    text[len - 1] = '\n';
    ck_assert_int_eq(asyncio_stream_write(pair.near, text, len, NULL), len);
    ssize_t got = asyncio_stream_readuntil(pair.far, "\n", 1, buf, size);
    if (len <= most)
        ck_assert_int_eq(got, len);
    else
        ck_assert_int_eq(got, -EMSGSIZE);
    /* What is too long stays, to the last byte. */
    if (got < 0)
        ck_assert_int_eq(
            asyncio_stream_readexactly(pair.far, buf, len, NULL), len);
    ck_assert_mem_eq(buf, text, len);
    close_pair(pair);
}

NET_SCENARIO(limits_are_exact)
{
    static const size_t limits[] = {1, 2, 10, 4095, 4096, 4097, 10000};
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
        for (size_t len = limits[i] > 1 ? limits[i] - 1 : 1;
             len <= limits[i] + 1; len++) {
            check_limit(len, limits[i], 20000);
            check_limit(len, 20000, limits[i]);
        }
}

NET_SCENARIO(a_line_and_its_nul_fit_exactly)
{
    struct pair pair = open_pair();
    char line[5];
    set_limit(pair.far, 4);
    say_text(pair.near, "abc\nabcd\nab");
    asyncio_stream_close(pair.near);
    ck_assert_int_eq(asyncio_stream_readline(pair.far, line, 5), 4);
    ck_assert_int_eq(asyncio_stream_readline(pair.far, line, 5), -EMSGSIZE);
    hear_text(pair.far, "abcd\n");
    ck_assert_int_eq(asyncio_stream_readline(pair.far, line, 3), -EMSGSIZE);
    ck_assert_int_eq(asyncio_stream_readline(pair.far, line, 4), 2);
    ck_assert_str_eq(line, "ab");
    ck_assert_int_eq(asyncio_stream_readline(pair.far, line, 2), 0);
    asyncio_stream_close(pair.far);
}

/* ---- memory ---- */

static size_t heap_used(void)
{
    return mallinfo2().uordblks;
}

static int write_for_ever(void *arg)
{
    static char bytes[1 << 20];
    ssize_t done;
    memset(bytes, 'x', sizeof bytes);
    while ((done = asyncio_stream_write(arg, bytes, sizeof bytes, NULL)) > 0)
        ;
    return (int)done;
}

/* The other side sends what it can, without an end of line; neither the
 * writer nor the reader keep more than their limits. */
NET_SCENARIO(a_slow_reader_costs_no_memory)
{
    struct pair pair = open_pair();
    char line[16];
    size_t before = heap_used();
    asyncio_task writer = asyncio_create_task(write_for_ever, pair.near);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(
            asyncio_stream_readline(pair.far, line, sizeof line), -EMSGSIZE);
        let_others_run();
    }
    ck_assert_uint_le(heap_used(), before + 16384);
    /* By the limit, where there is room for more. */
    static char long_line[1 << 20];
    ck_assert_int_eq(
        asyncio_stream_readline(pair.far, long_line, sizeof long_line),
        -EMSGSIZE);
    ck_assert_uint_le(heap_used(), before + 4 * 65536);
    asyncio_task_cancel(writer);
    ck_assert_int_eq(asyncio_await(writer), -ECANCELED);
    close_pair(pair);
}

static int read_line_by_line(void *arg)
{
    char line[64];
    ssize_t len;
    while ((len = asyncio_stream_readline(arg, line, sizeof line)) > 0)
        ;
    return (int)len;
}

/* Its buffer is given back while it waits. */
NET_SCENARIO(an_idle_reader_of_lines_holds_no_buffer)
{
    struct pair pair = open_pair();
    asyncio_task reader = asyncio_create_task(read_line_by_line, pair.far);
    for (int i = 0; i < 3; i++) {
        say_text(pair.near, "a line\n");
        let_a_turn_pass();
        ck_assert_ptr_null(pair.far->ahead.bytes);
    }
    asyncio_stream_close(pair.near);
    ck_assert_int_eq(asyncio_await(reader), 0);
    asyncio_stream_close(pair.far);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("stream_limits");
    suite_case(suite, a_million_tiny_writes_arrive);
    suite_case(suite, it_is_read_byte_by_byte);
    suite_case(suite, short_writes_are_gone_on_with);
    suite_case(suite, a_stream_that_is_always_ready_lets_others_run);
    suite_case(suite, nothing_is_moved_at_once);
    suite_case(suite, huge_lengths_are_bounds);
    suite_case(suite, a_separator_is_found_byte_by_byte);
    suite_case(suite, a_separator_may_be_long);
    suite_case(suite, lines_may_hold_nul_bytes);
    suite_case(suite, limits_are_exact);
    suite_case(suite, a_line_and_its_nul_fit_exactly);
    suite_case(suite, a_slow_reader_costs_no_memory);
    suite_case(suite, an_idle_reader_of_lines_holds_no_buffer);
    return suite;
}
