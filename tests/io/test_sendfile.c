/* SPDX-License-Identifier: MIT */
/* asyncio_stream_sendfile: in the kernel, through a filter, cut short. */
#include "file_rig.h"

#include <asyncio/filter.h>

enum { LARGE = 3 << 20 };

struct sending {
    asyncio_stream *stream;
    asyncio_file *file;
    int64_t offset;
    size_t count;
    size_t moved;
};

static int send_it(void *arg)
{
    struct sending *sending = arg;
    return (int)asyncio_stream_sendfile(sending->stream, sending->file,
                                        sending->offset, sending->count,
                                        &sending->moved);
}

/* Reads `len` bytes that began at `offset` of the file. */
static void hear_bytes(asyncio_stream *stream, size_t len, size_t offset)
{
    unsigned char *bytes = malloc(len);
    ck_assert_int_eq(asyncio_stream_readexactly(stream, bytes, len, NULL), len);
    assert_bytes(bytes, len, offset);
    free(bytes);
}

static void expect_sent(struct sending sending, asyncio_stream *far, size_t len)
{
    asyncio_task task = asyncio_create_task(send_it, &sending);
    hear_bytes(far, len, (size_t)sending.offset);
    ck_assert_int_eq(asyncio_await(task), len);
    ck_assert_uint_eq(sending.moved, len);
}

static void send_in_all_ways(asyncio_stream *near, asyncio_stream *far,
                             asyncio_file *file)
{
    expect_sent((struct sending){near, file, 0, 0, 0}, far, LARGE);
    expect_sent((struct sending){near, file, 4096, 5, 0}, far, 5);
    expect_sent((struct sending){near, file, 8192, LARGE, 0}, far,
                LARGE - 8192);
    struct sending nothing = {near, file, LARGE, 0, 7};
    ck_assert_int_eq(send_it(&nothing), 0);
    ck_assert_uint_eq(nothing.moved, 0);
    ck_assert_int_eq(asyncio_file_tell(file), 0);
}

FILE_SCENARIO(a_file_goes_to_a_socket)
{
    struct pair pair = open_pair();
    make_large("large", LARGE);
    asyncio_file *file = open_file("large", O_RDONLY);
    send_in_all_ways(pair.near, pair.far, file);
    make_cold(asyncio_file_fd(file));
    send_in_all_ways(pair.near, pair.far, file);
    close_file(file);
    close_pair(pair);
}

FILE_SCENARIO(a_file_goes_to_a_pipe)
{
    asyncio_stream *near, *far;
    struct ends ends = open_pipe(0);
    ck_assert_int_eq(asyncio_stream_from_fd(ends.write, &near), 0);
    ck_assert_int_eq(asyncio_stream_from_fd(ends.read, &far), 0);
    make_large("large", LARGE);
    asyncio_file *file = open_file("large", O_RDONLY);
    send_in_all_ways(near, far, file);
    close_file(file);
    asyncio_stream_close(near);
    asyncio_stream_close(far);
}

FILE_SCENARIO(a_direct_file_goes_to_a_socket)
{
    struct pair pair = open_pair();
    asyncio_file *file;
    make_large("large", LARGE);
    int err = asyncio_file_open("large", O_RDONLY | O_DIRECT, 0, &file);
    if (err == 0) {
        send_in_all_ways(pair.near, pair.far, file);
        close_file(file);
    } else {
        ck_assert_int_eq(err, -EINVAL);
        printf("skipped: this file system has no O_DIRECT\n");
    }
    close_pair(pair);
}

FILE_SCENARIO(what_the_kernel_does_not_splice_goes_by_hand)
{
    struct pair pair = open_pair();
    char there[64] = "", sent[64] = "";
    asyncio_file *file = open_file("/proc/self/stat", O_RDONLY);
    ck_assert_int_eq(asyncio_file_read(file, there, 10), 10);
    ck_assert_int_eq(
        asyncio_stream_sendfile(pair.near, file, 0, 10, NULL), 10);
    ck_assert_int_eq(
        asyncio_stream_readexactly(pair.far, sent, 10, NULL), 10);
    ck_assert_str_eq(sent, there);
    close_file(file);
    close_pair(pair);
}

/* ---- filters ---- */

/* Turns every bit round, so that what passes it by is seen. */
struct turner {
    struct asyncio_filter filter;
    bool sends_plain;
    int writes;
};

static struct turner *turner_of(const struct asyncio_filter *filter)
{
    return container_of(filter, struct turner, filter);
}

static ssize_t turner_read(struct asyncio_filter *filter, void *buf, size_t len)
{
    return asyncio_stream_raw_read(filter->stream, buf, len);
}

static ssize_t turner_write(struct asyncio_filter *filter, const void *buf,
                            size_t len)
{
    unsigned char turned[512];
    turner_of(filter)->writes++;
    if (len > sizeof turned)
        len = sizeof turned;
    for (size_t i = 0; i < len; i++)
        turned[i] = (unsigned char)~((const unsigned char *)buf)[i];
    return asyncio_stream_raw_write(filter->stream, turned, len);
}

static bool turner_is_readable(const struct asyncio_filter *filter)
{
    (void)filter;
    return false;
}

static int turner_write_eof(struct asyncio_filter *filter)
{
    (void)filter;
    return 0;
}

static void turner_close(struct asyncio_filter *filter, bool is_abort)
{
    (void)filter;
    (void)is_abort;
}

static bool turner_sends_plain(const struct asyncio_filter *filter)
{
    return turner_of(filter)->sends_plain;
}

static const struct asyncio_filter_class turner_class = {
    .read = turner_read,
    .write = turner_write,
    .is_readable = turner_is_readable,
    .write_eof = turner_write_eof,
    .close = turner_close,
    .sends_plain = turner_sends_plain,
};

FILE_SCENARIO(a_filter_sees_every_byte_unless_the_kernel_does_its_work)
{
    struct pair pair = open_pair();
    struct turner turner = {.filter = {.class_ = &turner_class}};
    unsigned char bytes[2000];
    make_large("large", sizeof bytes);
    asyncio_file *file = open_file("large", O_RDONLY);
    ck_assert_int_eq(asyncio_stream_set_filter(pair.near, &turner.filter), 0);
    ck_assert_int_eq(asyncio_stream_sendfile(pair.near, file, 0, 0, NULL),
                     sizeof bytes);
    ck_assert_int_ge(turner.writes, 4);
    ck_assert_int_eq(asyncio_stream_readexactly(pair.far, bytes, 2000, NULL),
                     2000);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)~bytes[i];
    assert_bytes(bytes, sizeof bytes, 0);

    turner = (struct turner){.filter = turner.filter, .sends_plain = true};
    ck_assert_int_eq(asyncio_stream_sendfile(pair.near, file, 0, 0, NULL),
                     sizeof bytes);
    hear_bytes(pair.far, sizeof bytes, 0);
    if (cache_can_be_asked(asyncio_file_fd(file)))
        ck_assert_int_eq(turner.writes, 0);
    close_file(file);
    close_pair(pair);
}

/* ---- cut short ---- */

FILE_SCENARIO(a_cancelled_sender_says_how_much_has_gone)
{
    struct pair pair = open_pair();
    make_large("large", LARGE);
    struct sending sending = {
        .stream = pair.near, .file = open_file("large", O_RDONLY)};
    asyncio_task task = asyncio_create_task(send_it, &sending);
    let_a_turn_pass();
    ck_assert(!asyncio_task_is_done(task));
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    ck_assert_uint_gt(sending.moved, 0);
    ck_assert_uint_lt(sending.moved, LARGE);
    hear_bytes(pair.far, sending.moved, 0);
    /* The stream is whole, and goes on. */
    sending.offset = (int64_t)sending.moved;
    expect_sent(sending, pair.far, LARGE - sending.moved);
    close_file(sending.file);
    close_pair(pair);
}

FILE_SCENARIO(a_reader_that_leaves_is_epipe)
{
    struct pair pair = open_pair();
    make_large("large", LARGE);
    struct sending sending = {
        .stream = pair.near, .file = open_file("large", O_RDONLY)};
    asyncio_task task = asyncio_create_task(send_it, &sending);
    let_a_turn_pass();
    asyncio_stream_close(pair.far);
    int err = asyncio_await(task);
    ck_assert_msg(err == -EPIPE || err == -ECONNRESET, "%d", err);
    close_file(sending.file);
    asyncio_stream_close(pair.near);
}

FILE_SCENARIO(a_stream_closed_under_the_sender_is_ebadf)
{
    struct pair pair = open_pair();
    make_large("large", LARGE);
    struct sending sending = {
        .stream = pair.near, .file = open_file("large", O_RDONLY)};
    asyncio_task task = asyncio_create_task(send_it, &sending);
    let_a_turn_pass();
    asyncio_stream_close(pair.near);
    ck_assert_int_eq(asyncio_await(task), -EBADF);
    close_file(sending.file);
    asyncio_stream_close(pair.far);
}

FILE_SCENARIO(bad_use_is_refused)
{
    struct pair pair = open_pair();
    size_t moved = 7;
    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    asyncio_file *fifo = open_file("fifo", O_RDWR);
    asyncio_file *file = open_file("file", O_WRONLY | O_CREAT);
    asyncio_file *dir = open_file(".", O_RDONLY);
    ck_assert_int_eq(asyncio_stream_sendfile(pair.near, fifo, 0, 0, &moved),
                     -ESPIPE);
    ck_assert_uint_eq(moved, 0);
    ck_assert_int_eq(asyncio_stream_sendfile(pair.near, file, 0, 0, NULL),
                     -EBADF);
    ck_assert_int_eq(asyncio_stream_sendfile(pair.near, dir, 0, 0, NULL),
                     -EISDIR);
    ck_assert_int_eq(asyncio_stream_sendfile(pair.near, file, -1, 0, NULL),
                     -EINVAL);
    ck_assert_int_eq(
        asyncio_stream_sendfile(pair.near, file, INT64_MAX, 0, NULL), -EINVAL);
    ck_assert_int_eq(asyncio_stream_write_eof(pair.near), 0);
    ck_assert_int_eq(asyncio_stream_sendfile(pair.near, dir, 0, 0, NULL),
                     -EPIPE);
    close_file(fifo);
    close_file(file);
    close_file(dir);
    close_pair(pair);
}

static struct pair shared;
static asyncio_file *shared_file;

static void send_once(void)
{
    size_t moved;
    char buf[1000];
    (void)asyncio_stream_sendfile(shared.near, shared_file, 0, 0, &moved);
    while (moved > 0) {
        ssize_t got = asyncio_stream_read(shared.far, buf, moved);
        moved -= got > 0 ? (size_t)got : 0;
    }
}

FILE_SCENARIO(whatever_fails_what_has_gone_is_told)
{
    shared = open_pair();
    make_large("file", 1000);
    shared_file = open_file("file", O_RDONLY);
    fail_each(send_once);
    close_file(shared_file);
    close_pair(shared);
}

START_TEST(nothing_is_said_in_a_simulation)
{
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("sendfile");
    if (rig_is_virtual()) {
        suite_case(suite, nothing_is_said_in_a_simulation);
        return suite;
    }
    suite_case(suite, a_file_goes_to_a_socket);
    suite_case(suite, a_file_goes_to_a_pipe);
    suite_case(suite, a_direct_file_goes_to_a_socket);
    suite_case(suite, what_the_kernel_does_not_splice_goes_by_hand);
    suite_case(suite,
               a_filter_sees_every_byte_unless_the_kernel_does_its_work);
    suite_case(suite, a_cancelled_sender_says_how_much_has_gone);
    suite_case(suite, a_reader_that_leaves_is_epipe);
    suite_case(suite, a_stream_closed_under_the_sender_is_ebadf);
    suite_case(suite, bad_use_is_refused);
    suite_case(suite, whatever_fails_what_has_gone_is_told);
    return suite;
}
