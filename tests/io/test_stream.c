/* SPDX-License-Identifier: MIT */
/* Streams: reading, writing, ends, and what a cancel leaves behind. */
#include <asyncio/filter.h>

#include "net_rig.h"

NET_SCENARIO(what_is_written_is_read)
{
    struct pair pair = open_pair();
    say_text(pair.near, "hello");
    hear_text(pair.far, "hello");
    say_text(pair.far, "world");
    hear_text(pair.near, "world");
    close_pair(pair);
}

NET_SCENARIO(the_end_is_zero_again_and_again)
{
    struct pair pair = open_pair();
    say_text(pair.near, "last");
    asyncio_stream_close(pair.near);
    hear_text(pair.far, "last");
    hear_end(pair.far);
    hear_end(pair.far);
    asyncio_stream_close(pair.far);
}

NET_SCENARIO(lines_are_read_one_by_one)
{
    struct pair pair = open_pair();
    char line[64];
    say_text(pair.near, "one\n\nthree\nrest");
    asyncio_stream_close(pair.near);
    ck_assert_int_eq(asyncio_stream_readline(pair.far, line, sizeof line), 4);
    ck_assert_str_eq(line, "one\n");
    ck_assert_int_eq(asyncio_stream_readline(pair.far, line, sizeof line), 1);
    ck_assert_str_eq(line, "\n");
    ck_assert_int_eq(asyncio_stream_readline(pair.far, line, sizeof line), 6);
    ck_assert_int_eq(asyncio_stream_readline(pair.far, line, sizeof line), 4);
    ck_assert_str_eq(line, "rest");
    ck_assert_int_eq(asyncio_stream_readline(pair.far, line, sizeof line), 0);
    asyncio_stream_close(pair.far);
}

static int write_a_megabyte(void *arg)
{
    static char bytes[1 << 20];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7);
    ssize_t done = asyncio_stream_write(arg, bytes, sizeof bytes, NULL);
    return done < 0 ? (int)done : 0;
}

NET_SCENARIO(a_writer_waits_for_its_reader)
{
    struct pair pair = open_pair();
    static unsigned char bytes[1 << 20];
    asyncio_task writer = asyncio_create_task(write_a_megabyte, pair.near);
    let_a_turn_pass();
    ck_assert(!asyncio_task_is_done(writer));
    ck_assert_int_eq(
        asyncio_stream_readexactly(pair.far, bytes, sizeof bytes, NULL),
        sizeof bytes);
    ck_assert_int_eq(asyncio_await(writer), 0);
    for (size_t i = 0; i < sizeof bytes; i++)
        if (bytes[i] != (unsigned char)(i * 7))
            ck_abort_msg("byte %zu is wrong", i);
    close_pair(pair);
}

NET_SCENARIO(half_closed_it_still_reads)
{
    struct pair pair = open_pair();
    ck_assert_int_eq(asyncio_stream_write_eof(pair.near), 0);
    hear_end(pair.far);
    say_text(pair.far, "answer");
    hear_text(pair.near, "answer");
    ck_assert_int_eq(asyncio_stream_write(pair.near, "x", 1, NULL), -EPIPE);
    close_pair(pair);
}

static int read_byte(void *arg)
{
    char byte = 0;
    ssize_t len = asyncio_stream_read(arg, &byte, 1);
    return len == 1 ? byte : (int)len;
}

NET_SCENARIO(a_cancelled_reader_has_taken_nothing)
{
    struct pair pair = open_pair();
    asyncio_task reader = asyncio_create_task(read_byte, pair.near);
    let_a_turn_pass();
    asyncio_task_cancel(reader);
    ck_assert_int_eq(asyncio_await(reader), -ECANCELED);
    say_text(pair.far, "z");
    ck_assert_int_eq(read_byte(pair.near), 'z');
    close_pair(pair);
}

NET_SCENARIO(a_second_reader_is_ebusy)
{
    struct pair pair = open_pair();
    asyncio_task reader = asyncio_create_task(read_byte, pair.near);
    let_a_turn_pass();
    ck_assert_int_eq(read_byte(pair.near), -EBUSY);
    say_text(pair.far, "a");
    ck_assert_int_eq(asyncio_await(reader), 'a');
    close_pair(pair);
}

NET_SCENARIO(closed_under_its_reader_it_is_ebadf)
{
    struct pair pair = open_pair();
    asyncio_task reader = asyncio_create_task(read_byte, pair.near);
    let_a_turn_pass();
    asyncio_stream_close(pair.near);
    ck_assert_int_eq(asyncio_await(reader), -EBADF);
    asyncio_stream_close(pair.far);
}

static int read_bytes(void *arg)
{
    int got;
    while ((got = read_byte(arg)) > 0)
        continue;
    return got;
}

static int write_bytes(void *arg)
{
    ssize_t done;
    while ((done = asyncio_stream_write(arg, "x", 1, NULL)) > 0)
        continue;
    return (int)done;
}

/* Who finds something to do each time yields where the call begins, and what is
 * closed then must not be touched any more. */
NET_SCENARIO(closed_while_a_busy_reader_or_writer_yields_it_is_ebadf)
{
    char bytes[1000];
    struct pair pair = open_pair();
    memset(bytes, 'x', sizeof bytes);
    ck_assert_int_eq(
        asyncio_stream_write(pair.far, bytes, sizeof bytes, NULL),
        sizeof bytes);
    hear_text(pair.near, "x");   /* from here on it is known to be ready */
    asyncio_task reader = asyncio_create_task(read_bytes, pair.near);
    asyncio_task writer = asyncio_create_task(write_bytes, pair.near);
    ck_assert_int_eq(asyncio_sleep(0), 0);
    asyncio_stream_close(pair.near);
    ck_assert_int_eq(asyncio_await(reader), -EBADF);
    ck_assert_int_eq(asyncio_await(writer), -EBADF);
    asyncio_stream_close(pair.far);
}

NET_SCENARIO(a_short_stream_is_enodata)
{
    struct pair pair = open_pair();
    char buf[16];
    size_t moved = 0;
    say_text(pair.near, "abc");
    asyncio_stream_close(pair.near);
    ck_assert_int_eq(asyncio_stream_readexactly(pair.far, buf, 5, &moved),
                     -ENODATA);
    ck_assert_uint_eq(moved, 3);
    asyncio_stream_close(pair.far);
}

NET_SCENARIO(a_piece_ends_at_its_separator)
{
    struct pair pair = open_pair();
    char buf[32];
    say_text(pair.near, "head\r\n\r\nbody");
    ck_assert_int_eq(asyncio_stream_readuntil(pair.far, "\r\n\r\n", 4, buf,
                                              sizeof buf),
                     8);
    ck_assert_mem_eq(buf, "head\r\n\r\n", 8);
    hear_text(pair.far, "body");
    close_pair(pair);
}

static int say_in_pieces(void *arg)
{
    static const char *const pieces[] = {"ab", "c\r", "\n\r", "\nx"};
    for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
        say_text(arg, pieces[i]);
        let_a_turn_pass();
    }
    return 0;
}

NET_SCENARIO(a_separator_may_come_in_pieces)
{
    struct pair pair = open_pair();
    char buf[32];
    asyncio_task writer = asyncio_create_task(say_in_pieces, pair.near);
    ck_assert_int_eq(asyncio_stream_readuntil(pair.far, "\r\n\r\n", 4, buf,
                                              sizeof buf),
                     7);
    ck_assert_mem_eq(buf, "abc\r\n\r\n", 7);
    hear_text(pair.far, "x");
    ck_assert_int_eq(asyncio_await(writer), 0);
    close_pair(pair);
}

NET_SCENARIO(what_is_too_long_stays_to_be_read)
{
    struct pair pair = open_pair();
    char buf[8];
    say_text(pair.near, "0123456789\n");
    ck_assert_int_eq(asyncio_stream_readuntil(pair.far, "\n", 1, buf, 8),
                     -EMSGSIZE);
    ck_assert_int_eq(asyncio_stream_readline(pair.far, buf, sizeof buf),
                     -EMSGSIZE);
    hear_text(pair.far, "0123456789\n");
    close_pair(pair);
}

NET_SCENARIO(a_piece_without_its_end_stays_to_be_read)
{
    struct pair pair = open_pair();
    char buf[32];
    say_text(pair.near, "rest");
    asyncio_stream_close(pair.near);
    ck_assert_int_eq(
        asyncio_stream_readuntil(pair.far, "\n", 1, buf, sizeof buf), -ENODATA);
    ck_assert(!asyncio_stream_at_eof(pair.far));
    hear_text(pair.far, "rest");
    hear_end(pair.far);
    asyncio_stream_close(pair.far);
}

static int read_a_line(void *arg)
{
    char line[64];
    ssize_t len = asyncio_stream_readline(arg, line, sizeof line);
    return len < 0 ? (int)len : line[0];
}

NET_SCENARIO(a_cancelled_line_stays_to_be_read)
{
    struct pair pair = open_pair();
    say_text(pair.near, "half a ");
    asyncio_task reader = asyncio_create_task(read_a_line, pair.far);
    let_a_turn_pass();
    asyncio_task_cancel(reader);
    ck_assert_int_eq(asyncio_await(reader), -ECANCELED);
    say_text(pair.near, "line\n");
    ck_assert_int_eq(read_a_line(pair.far), 'h');
    close_pair(pair);
}

NET_SCENARIO(pieces_are_written_as_one)
{
    enum { PARTS = 100 };
    struct pair pair = open_pair();
    struct iovec parts[PARTS];
    char digits[PARTS][4];
    size_t moved = 0, len = 0;
    char buf[512];
    for (int i = 0; i < PARTS; i++) {
        snprintf(digits[i], sizeof digits[i], "%d", i);
        parts[i] = (struct iovec){digits[i], i % 7 ? strlen(digits[i]) : 0};
        len += parts[i].iov_len;
    }
    ck_assert_int_eq(asyncio_stream_writev(pair.near, parts, PARTS, &moved),
                     len);
    ck_assert_uint_eq(moved, len);
    ck_assert_int_eq(asyncio_stream_readexactly(pair.far, buf, len, NULL), len);
    const char *at = buf;
    for (int i = 0; i < PARTS; i++) {
        ck_assert_mem_eq(at, digits[i], parts[i].iov_len);
        at += parts[i].iov_len;
    }
    ck_assert_int_eq(asyncio_stream_writev(pair.near, parts, 0, NULL), 0);
    struct iovec huge[2] = {{buf, SIZE_MAX / 2}, {buf, SIZE_MAX / 2}};
    ck_assert_int_eq(asyncio_stream_writev(pair.near, huge, 2, NULL), -EINVAL);
    close_pair(pair);
}

static int writev_a_megabyte(void *arg)
{
    static char bytes[1 << 20];
    struct iovec parts[32];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 13);
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        parts[i] = (struct iovec){bytes + i * sizeof bytes / 32,
                                  sizeof bytes / 32};
    ssize_t done = asyncio_stream_writev(arg, parts, ARRAY_SIZE(parts), NULL);
    return done == (ssize_t)sizeof bytes ? 0 : (int)done;
}

NET_SCENARIO(pieces_that_do_not_fit_wait_for_their_reader)
{
    struct pair pair = open_pair();
    static unsigned char bytes[1 << 20];
    asyncio_task writer = asyncio_create_task(writev_a_megabyte, pair.near);
    ck_assert_int_eq(
        asyncio_stream_readexactly(pair.far, bytes, sizeof bytes, NULL),
        sizeof bytes);
    ck_assert_int_eq(asyncio_await(writer), 0);
    for (size_t i = 0; i < sizeof bytes; i++)
        if (bytes[i] != (unsigned char)(i * 13))
            ck_abort_msg("byte %zu is wrong", i);
    close_pair(pair);
}

struct cut_write {
    asyncio_stream *stream;
    size_t moved;
};

static int write_for_ever(void *arg)
{
    static const char bytes[1 << 20];
    struct cut_write *write = arg;
    return (int)asyncio_stream_write(write->stream, bytes, sizeof bytes,
                                     &write->moved);
}

NET_SCENARIO(a_cancelled_write_says_what_has_gone)
{
    struct pair pair = open_pair();
    struct cut_write cut = {pair.near, 0};
    asyncio_task writer = asyncio_create_task(write_for_ever, &cut);
    let_a_turn_pass();
    asyncio_task_cancel(writer);
    ck_assert_int_eq(asyncio_await(writer), -ECANCELED);
    ck_assert_uint_gt(cut.moved, 0);
    asyncio_stream_close(pair.near);
    size_t heard = 0;
    ssize_t len;
    static char buf[4096];
    while ((len = asyncio_stream_read(pair.far, buf, sizeof buf)) > 0)
        heard += (size_t)len;
    ck_assert_int_eq(len, 0);
    ck_assert_uint_eq(heard, cut.moved);
    asyncio_stream_close(pair.far);
}

static int await_readable(void *arg)
{
    return asyncio_stream_wait_readable(arg);
}

NET_SCENARIO(waiting_takes_nothing)
{
    struct pair pair = open_pair();
    asyncio_task waiter = asyncio_create_task(await_readable, pair.far);
    let_a_turn_pass();
    ck_assert(!asyncio_task_is_done(waiter));
    say_text(pair.near, "x");
    ck_assert_int_eq(asyncio_await(waiter), 1);
    ck_assert_int_eq(asyncio_stream_wait_readable(pair.far), 1);
    hear_text(pair.far, "x");
    asyncio_stream_close(pair.near);
    ck_assert_int_eq(asyncio_stream_wait_readable(pair.far), 0);
    asyncio_stream_close(pair.far);
}

NET_SCENARIO(an_aborted_stream_ends_the_other)
{
    struct pair pair = open_pair();
    asyncio_stream_abort(pair.near);
    hear_end(pair.far);
    asyncio_stream_close(pair.far);
}

NET_SCENARIO(a_pipe_is_a_stream_too)
{
    struct ends ends = open_pipe(0);
    asyncio_stream *reader, *writer;
    ck_assert_int_eq(asyncio_stream_from_fd(ends.read, &reader), 0);
    ck_assert_int_eq(asyncio_stream_from_fd(ends.write, &writer), 0);
    ck_assert_int_eq(asyncio_stream_fd(reader), ends.read);
    asyncio_task bytes = asyncio_create_task(write_a_megabyte, writer);
    static unsigned char heard[1 << 20];
    ck_assert_int_eq(
        asyncio_stream_readexactly(reader, heard, sizeof heard, NULL),
        sizeof heard);
    ck_assert_int_eq(asyncio_await(bytes), 0);
    ck_assert_int_eq(asyncio_stream_write_eof(reader), -ENOTSUP);
    ck_assert_int_eq(asyncio_stream_write_eof(writer), 0);
    hear_end(reader);
    ck_assert_int_eq(asyncio_stream_write(writer, "x", 1, NULL), -EBADF);
    asyncio_stream_close(writer);
    asyncio_stream_close(reader);
}

NET_SCENARIO(what_is_no_stream_is_refused_and_stays)
{
    asyncio_stream *stream;
    int file = open_temporary();
    int datagrams = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(asyncio_stream_from_fd(-1, &stream), -EBADF);
    ck_assert_int_eq(asyncio_stream_from_fd(file, &stream), -EPERM);
    ck_assert_int_eq(asyncio_stream_from_fd(datagrams, &stream), -EPROTOTYPE);
    ck_assert_int_eq(close(file), 0);
    ck_assert_int_eq(close(datagrams), 0);
}

/* ---- filters ---- */

/* Turns letters into the ones thirteen further on. */
struct rot13 {
    struct asyncio_filter filter;
    int closed;
};

static void rotate(char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] >= 'a' && bytes[i] <= 'z')
            bytes[i] = (char)('a' + (bytes[i] - 'a' + 13) % 26);
    }
}

static ssize_t rot13_read(struct asyncio_filter *filter, void *buf, size_t len)
{
    ssize_t got = asyncio_stream_raw_read(filter->stream, buf, len);
    if (got > 0)
        rotate(buf, (size_t)got);
    return got;
}

static ssize_t rot13_write(struct asyncio_filter *filter, const void *buf,
                           size_t len)
{
    char part[16];
    size_t count = len < sizeof part ? len : sizeof part;
    memcpy(part, buf, count);
    rotate(part, count);
    return asyncio_stream_raw_write(filter->stream, part, count);
}

static bool rot13_is_readable(const struct asyncio_filter *filter)
{
    (void)filter;
    return false;
}

static int rot13_write_eof(struct asyncio_filter *filter)
{
    (void)filter;
    return -ENOTSUP;
}

static void rot13_close(struct asyncio_filter *filter, bool is_abort)
{
    struct rot13 *rot13 = container_of(filter, struct rot13, filter);
    rot13->closed += is_abort ? 100 : 1;
}

static const struct asyncio_filter_class rot13_class = {
    .read = rot13_read,
    .write = rot13_write,
    .is_readable = rot13_is_readable,
    .write_eof = rot13_write_eof,
    .close = rot13_close,
};

NET_SCENARIO(a_filter_is_put_in_between)
{
    struct pair pair = open_pair();
    struct rot13 near = {.filter.class_ = &rot13_class};
    struct rot13 far = {.filter.class_ = &rot13_class};
    char line[64];
    say_text(pair.near, "start\nuryyb\n");
    ck_assert_int_eq(asyncio_stream_readline(pair.far, line, sizeof line), 6);
    /* What was read ahead of the filter goes through it, too. */
    ck_assert_int_eq(asyncio_stream_set_filter(pair.far, &far.filter), 0);
    ck_assert_int_eq(asyncio_stream_readline(pair.far, line, sizeof line), 6);
    ck_assert_str_eq(line, "hello\n");
    ck_assert_int_eq(asyncio_stream_set_filter(pair.near, &near.filter), 0);
    ck_assert_int_eq(asyncio_stream_set_filter(pair.near, &near.filter),
                     -EALREADY);
    say_text(pair.near, "a longer text than the filter takes at once");
    hear_text(pair.far, "a longer text than the filter takes at once");
    ck_assert_int_eq(asyncio_stream_write_eof(pair.near), -ENOTSUP);
    asyncio_stream_close(pair.near);
    asyncio_stream_abort(pair.far);
    ck_assert_int_eq(near.closed, 1);
    ck_assert_int_eq(far.closed, 100);
}

/* Says a word to the other side before anything else, and hears its word; says
 * goodbye at the end. */
struct polite {
    struct asyncio_filter filter;
    size_t said;
};

static int polite_start(struct asyncio_filter *filter)
{
    struct polite *polite = container_of(filter, struct polite, filter);
    char heard[8];
    int err = 0;
    ssize_t done = asyncio_stream_raw_try_write(filter->stream, "hello!", 6);
    while ((done = asyncio_stream_raw_try_read(filter->stream, heard, 6)) ==
               -EAGAIN &&
           err == 0)
        err = asyncio_stream_raw_wait(filter->stream, ASYNCIO_READABLE);
    polite->said += done > 0 ? (size_t)done : 0;
    return err < 0 ? err : done == 6 ? 0 : -EPROTO;
}

static void polite_close(struct asyncio_filter *filter, bool is_abort)
{
    struct polite *polite = container_of(filter, struct polite, filter);
    static const char bytes[4096];
    ssize_t done = is_abort ? -EPIPE : 0;
    while (done >= 0) {
        done = asyncio_stream_raw_try_write(filter->stream, bytes,
                                            sizeof bytes);
        polite->said += done > 0 ? (size_t)done : 0;
        if (done == -EAGAIN)
            done = asyncio_stream_raw_wait(filter->stream, ASYNCIO_WRITABLE);
        if (polite->said > 4 * 1024 * 1024)
            return;
    }
}

static const struct asyncio_filter_class polite_class = {
    .read = rot13_read,
    .write = rot13_write,
    .is_readable = rot13_is_readable,
    .write_eof = rot13_write_eof,
    .close = polite_close,
    .start = polite_start,
};

struct start {
    asyncio_stream *stream;
    struct polite polite;
};

static int set_polite(void *arg)
{
    struct start *start = arg;
    start->polite = (struct polite){.filter.class_ = &polite_class};
    return asyncio_stream_set_filter(start->stream, &start->polite.filter);
}

NET_SCENARIO(a_filter_has_its_say_first)
{
    struct pair pair = open_pair();
    struct start near = {.stream = pair.near};
    asyncio_task task = asyncio_create_task(set_polite, &near);
    let_a_turn_pass();
    ck_assert_int_eq(read_byte(pair.near), -EBUSY);
    ck_assert_int_eq(asyncio_stream_write(pair.near, "x", 1, NULL), -EBUSY);
    hear_text(pair.far, "hello!");
    say_text(pair.far, "hello!");
    ck_assert_int_eq(asyncio_await(task), 0);
    say_text(pair.far, "a");
    ck_assert_int_eq(read_byte(pair.near), 'n');
    asyncio_stream_abort(pair.near);
    asyncio_stream_close(pair.far);
}

NET_SCENARIO(closed_under_its_filters_start_it_is_ebadf)
{
    struct pair pair = open_pair();
    struct start near = {.stream = pair.near};
    asyncio_task task = asyncio_create_task(set_polite, &near);
    let_a_turn_pass();
    asyncio_stream_close(pair.near);
    ck_assert_int_eq(asyncio_await(task), -EBADF);
    asyncio_stream_close(pair.far);
}

static int close_stream(void *arg)
{
    asyncio_stream_close(arg);
    return 0;
}

NET_SCENARIO(nobody_gets_past_a_filter_that_is_being_closed)
{
    struct pair pair = open_pair();
    struct start near = {.stream = pair.near};
    static char heard[1 << 16];
    size_t len = 0;
    ssize_t got;
    say_text(pair.far, "hello!and more");
    ck_assert_int_eq(set_polite(&near), 0);
    asyncio_task task = asyncio_create_task(close_stream, pair.near);
    let_a_turn_pass();
    ck_assert(!asyncio_task_is_done(task)); /* it has more to say than fits */
    ck_assert_int_eq(read_byte(pair.near), -EBUSY);
    while ((got = asyncio_stream_read(pair.far, heard, sizeof heard)) > 0)
        len += (size_t)got;
    ck_assert_int_eq(asyncio_await(task), 0);
    ck_assert_uint_eq(len, near.polite.said);
    asyncio_stream_close(pair.far);
}

/* The end came with the last bytes, and there is no news of it any more. */
NET_SCENARIO(waiting_below_a_filter_finds_the_end)
{
    struct pair pair = open_pair();
    char buf[64];
    say_text(pair.near, "last");
    asyncio_stream_close(pair.near);
    ck_assert_int_eq(asyncio_stream_raw_wait(pair.far, ASYNCIO_READABLE), 0);
    ck_assert_int_eq(asyncio_stream_raw_try_read(pair.far, buf, sizeof buf), 4);
    ck_assert_int_eq(asyncio_stream_raw_wait(pair.far, ASYNCIO_READABLE), 0);
    ck_assert_int_eq(asyncio_stream_raw_try_read(pair.far, buf, sizeof buf), 0);
    asyncio_stream_close(pair.far);
}

static int read_for_ever(void *arg)
{
    char buf[8];
    ssize_t got;
    while ((got = asyncio_stream_read(arg, buf, sizeof buf)) > 0)
        continue;
    return (int)got;
}

static ssize_t endless_read(struct asyncio_filter *filter, void *buf,
                            size_t len)
{
    (void)filter;
    memset(buf, 'x', len);
    return (ssize_t)len;
}

NET_SCENARIO(a_filter_that_never_waits_is_cancelled_all_the_same)
{
    static const struct asyncio_filter_class endless_class = {
        .read = endless_read,
        .write = rot13_write,
        .is_readable = rot13_is_readable,
        .write_eof = rot13_write_eof,
        .close = rot13_close,
    };
    struct pair pair = open_pair();
    struct rot13 endless = {.filter.class_ = &endless_class};
    ck_assert_int_eq(asyncio_stream_set_filter(pair.near, &endless.filter), 0);
    asyncio_task task = asyncio_create_task(read_for_ever, pair.near);
    let_a_turn_pass();
    asyncio_task_cancel(task);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    close_pair(pair);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("stream");
    suite_case(suite, what_is_written_is_read);
    suite_case(suite, the_end_is_zero_again_and_again);
    suite_case(suite, lines_are_read_one_by_one);
    suite_case(suite, a_writer_waits_for_its_reader);
    suite_case(suite, half_closed_it_still_reads);
    suite_case(suite, a_cancelled_reader_has_taken_nothing);
    suite_case(suite, a_second_reader_is_ebusy);
    suite_case(suite, closed_under_its_reader_it_is_ebadf);
    suite_case(suite,
               closed_while_a_busy_reader_or_writer_yields_it_is_ebadf);
    suite_case(suite, a_short_stream_is_enodata);
    suite_case(suite, a_piece_ends_at_its_separator);
    suite_case(suite, a_separator_may_come_in_pieces);
    suite_case(suite, what_is_too_long_stays_to_be_read);
    suite_case(suite, a_piece_without_its_end_stays_to_be_read);
    suite_case(suite, a_cancelled_line_stays_to_be_read);
    suite_case(suite, pieces_are_written_as_one);
    suite_case(suite, pieces_that_do_not_fit_wait_for_their_reader);
    suite_case(suite, a_cancelled_write_says_what_has_gone);
    suite_case(suite, waiting_takes_nothing);
    suite_case(suite, an_aborted_stream_ends_the_other);
    suite_case(suite, a_pipe_is_a_stream_too);
    suite_case(suite, what_is_no_stream_is_refused_and_stays);
    suite_case(suite, a_filter_is_put_in_between);
    suite_case(suite, a_filter_has_its_say_first);
    suite_case(suite, closed_under_its_filters_start_it_is_ebadf);
    suite_case(suite, nobody_gets_past_a_filter_that_is_being_closed);
    suite_case(suite, waiting_below_a_filter_finds_the_end);
    suite_case(suite, a_filter_that_never_waits_is_cancelled_all_the_same);
    return suite;
}
