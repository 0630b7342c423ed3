/* SPDX-License-Identifier: MIT */
/* The many ways in which a stream can end, or not. */
#include <asyncio/filter.h>
#include <netinet/in.h>

#include "net_rig.h"

/* ---- helpers ---- */

/* Two ends of a TCP connection. */
static struct pair open_tcp_pair(void)
{
    struct pair pair;
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    char port[16];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    const struct sockaddr_in *in = (const void *)&address;
    snprintf(port, sizeof port, "%d", ntohs(in->sin_port));
    ck_assert_int_eq(
        asyncio_open_connection("127.0.0.1", port, NULL, &pair.near), 0);
    int far = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(far, 0);
    close(fd);
    ck_assert_int_eq(asyncio_stream_from_fd(far, &pair.far), 0);
    return pair;
}

static int read_byte(void *arg)
{
    char byte = 0;
    ssize_t len = asyncio_stream_read(arg, &byte, 1);
    return len == 1 ? byte : (int)len;
}

static int read_line(void *arg)
{
    char line[64];
    return (int)asyncio_stream_readline(arg, line, sizeof line);
}

/* A long write, and how far it came. */
struct writer {
    asyncio_stream *stream;
    size_t moved;
    double seconds;              /* its deadline; 0: none */
};

static ssize_t write_much(struct writer *writer)
{
    static const char bytes[16 << 20];
    return asyncio_stream_write(writer->stream, bytes, sizeof bytes,
                                &writer->moved);
}

static int run_writer(void *arg)
{
    struct writer *writer = arg;
    if (writer->seconds == 0)
        return (int)write_much(writer);
    struct asyncio_timeout timeout;
    int err = asyncio_timeout_begin(&timeout, writer->seconds);
    if (err < 0)
        return err;
    return asyncio_timeout_end(&timeout, (int)write_much(writer));
}

/* ---- resets ---- */

NET_SCENARIO(reset_while_reading_is_econnreset)
{
    struct pair pair = open_tcp_pair();
    asyncio_task reader = asyncio_create_task(read_byte, pair.near);
    let_a_turn_pass();
    asyncio_stream_abort(pair.far);
    ck_assert_int_eq(asyncio_await(reader), -ECONNRESET);
    ck_assert_int_le(read_byte(pair.near), 0);
    ck_assert_int_eq(asyncio_stream_write(pair.near, "x", 1, NULL), -EPIPE);
    asyncio_stream_close(pair.near);
}

NET_SCENARIO(reset_while_a_line_is_read_is_econnreset)
{
    struct pair pair = open_tcp_pair();
    asyncio_task reader = asyncio_create_task(read_line, pair.near);
    say_text(pair.far, "half a ");
    let_a_turn_pass();
    asyncio_stream_abort(pair.far);
    ck_assert_int_eq(asyncio_await(reader), -ECONNRESET);
    hear_text(pair.near, "half a ");
    asyncio_stream_close(pair.near);
}

NET_SCENARIO(reset_while_writing_ends_the_write)
{
    struct pair pair = open_tcp_pair();
    struct writer writer = {.stream = pair.near};
    asyncio_task task = asyncio_create_task(run_writer, &writer);
    let_a_turn_pass();
    ck_assert(!asyncio_task_is_done(task));
    asyncio_stream_abort(pair.far);
    int err = asyncio_await(task);
    ck_assert_msg(err == -ECONNRESET || err == -EPIPE, "%d", err);
    ck_assert_uint_gt(writer.moved, 0);
    asyncio_stream_close(pair.near);
}

/* The other side closes with bytes of ours unread, which is a reset, too. */
NET_SCENARIO(closed_with_unread_bytes_is_a_reset)
{
    struct pair pair = open_tcp_pair();
    say_text(pair.near, "nobody reads this");
    let_a_turn_pass();
    asyncio_stream_close(pair.far);
    ck_assert_int_eq(read_byte(pair.near), -ECONNRESET);
    asyncio_stream_close(pair.near);
}

/* ---- short reads that are not all ---- */

/* Sends a byte with a descriptor at its side. */
static void send_with_descriptor(int to, int fd)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof fd)];
    } control = {.head = {
        .cmsg_len = CMSG_LEN(sizeof fd),
        .cmsg_level = SOL_SOCKET,
        .cmsg_type = SCM_RIGHTS,
    }};
    char byte = 'a';
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.room,
        .msg_controllen = sizeof control.room,
    };
    memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    ck_assert_int_eq(sendmsg(to, &message, 0), 1);
}

static int read_whatever(void *arg)
{
    char buf[64];
    ssize_t len = asyncio_stream_read(arg, buf, sizeof buf);
    return len > 0 ? buf[0] : (int)len;
}

/* A read stops at what carries descriptors, with more behind it. */
NET_SCENARIO(a_read_cut_short_by_a_descriptor_is_not_the_last)
{
    struct pair pair = open_pair();
    int far = asyncio_stream_fd(pair.far);
    asyncio_task reader = asyncio_create_task(read_whatever, pair.near);
    let_a_turn_pass();
    send_with_descriptor(far, far);
    put(far, "b");
    ck_assert_int_eq(asyncio_await(reader), 'a');
    reader = asyncio_create_task(read_whatever, pair.near);
    ck_assert_int_eq(asyncio_wait_for(reader, 5), 'b');
    close_pair(pair);
}

/* And at the mark of urgent data. */
NET_SCENARIO(a_read_cut_short_by_urgent_data_is_not_the_last)
{
    if (strcmp(asyncio_backend_name(), "epoll") != 0)
        return;                  /* see source.c */
    struct pair pair = open_tcp_pair();
    int far = asyncio_stream_fd(pair.far);
    asyncio_task reader = asyncio_create_task(read_whatever, pair.near);
    let_a_turn_pass();
    put(far, "a");
    ck_assert_int_eq(send(far, "!", 1, MSG_OOB), 1);
    put(far, "b");
    ck_assert_int_eq(asyncio_await(reader), 'a');
    reader = asyncio_create_task(read_whatever, pair.near);
    ck_assert_int_eq(asyncio_wait_for(reader, 5), 'b');
    close_pair(pair);
}

NET_SCENARIO(a_pipe_that_nobody_reads_is_epipe)
{
    struct ends ends = open_pipe(0);
    asyncio_stream *stream;
    struct writer writer = {0};
    ck_assert_int_eq(asyncio_stream_from_fd(ends.write, &stream), 0);
    writer.stream = stream;
    asyncio_task task = asyncio_create_task(run_writer, &writer);
    let_a_turn_pass();
    close(ends.read);
    ck_assert_int_eq(asyncio_await(task), -EPIPE);
    asyncio_stream_close(stream);
}

/* ---- silence ---- */

static int read_in_time(void *arg)
{
    struct asyncio_timeout timeout;
    int err = asyncio_timeout_begin(&timeout, TICK);
    if (err < 0)
        return err;
    return asyncio_timeout_end(&timeout, read_byte(arg));
}

NET_SCENARIO(silence_ends_by_a_timeout)
{
    struct pair pair = open_tcp_pair();
    ck_assert_int_eq(read_in_time(pair.near), -ETIMEDOUT);
    say_text(pair.far, "x");
    ck_assert_int_eq(read_in_time(pair.near), 'x');
    close_pair(pair);
}

/* What was moved by the time is just what the other side finds. */
NET_SCENARIO(a_write_that_nobody_reads_ends_by_a_timeout)
{
    struct pair pair = open_tcp_pair();
    struct writer writer = {.stream = pair.near, .seconds = TICK};
    static char buf[1 << 16];
    ck_assert_int_eq(run_writer(&writer), -ETIMEDOUT);
    ck_assert_int_eq(asyncio_stream_write_eof(pair.near), 0);
    size_t heard = 0;
    ssize_t len;
    while ((len = asyncio_stream_read(pair.far, buf, sizeof buf)) > 0)
        heard += (size_t)len;
    ck_assert_int_eq(len, 0);
    ck_assert_uint_eq(heard, writer.moved);
    close_pair(pair);
}

/* ---- closing under others ---- */

struct crossed {
    asyncio_stream *own, *others;
    struct asyncio_event *both_wait;
};

static int close_the_others(void *arg)
{
    struct crossed *crossed = arg;
    int heard = read_byte(crossed->own);
    asyncio_stream_close(crossed->others);
    return heard;
}

/* Each reads one stream and, when that ends, closes the other's. */
NET_SCENARIO(two_close_each_others_streams)
{
    struct pair first = open_pair(), second = open_pair();
    struct crossed left = {first.near, second.near, NULL};
    struct crossed right = {second.near, first.near, NULL};
    asyncio_task tasks[2] = {
        asyncio_create_task(close_the_others, &left),
        asyncio_create_task(close_the_others, &right),
    };
    let_a_turn_pass();
    say_text(first.far, "x");
    ck_assert_int_eq(asyncio_await(tasks[0]), 'x');
    ck_assert_int_eq(asyncio_await(tasks[1]), -EBADF);
    asyncio_stream_close(first.far);
    asyncio_stream_close(second.far);
}

static int close_stream(void *arg)
{
    asyncio_stream_close(arg);
    return 0;
}

NET_SCENARIO(closed_under_reader_and_writer_both_end)
{
    struct pair pair = open_tcp_pair();
    struct writer writer = {.stream = pair.near};
    asyncio_task tasks[2] = {
        asyncio_create_task(run_writer, &writer),
        asyncio_create_task(read_line, pair.near),
    };
    let_a_turn_pass();
    asyncio_task closer = asyncio_create_task(close_stream, pair.near);
    ck_assert_int_eq(asyncio_await(closer), 0);
    ck_assert_int_eq(asyncio_await(tasks[0]), -EBADF);
    ck_assert_int_eq(asyncio_await(tasks[1]), -EBADF);
    asyncio_stream_close(pair.far);
}

/* The result was there before the stream was closed. */
NET_SCENARIO(closed_after_the_news_the_reader_has_its_bytes)
{
    struct pair pair = open_pair();
    asyncio_task reader = asyncio_create_task(read_byte, pair.near);
    let_a_turn_pass();
    say_text(pair.far, "x");
    for (int i = 0; i < 100 && !asyncio_task_is_done(reader); i++)
        asyncio_sleep(0.0001);
    asyncio_stream_close(pair.near);
    ck_assert_int_eq(asyncio_await(reader), 'x');
    asyncio_stream_close(pair.far);
}

/* ---- a filter that has something to say at the end ---- */

struct slow_filter {
    struct asyncio_filter filter;
    struct asyncio_event *may_end;
    int closed;
};

static void slow_filter_close(struct asyncio_filter *filter, bool is_abort)
{
    struct slow_filter *slow = container_of(filter, struct slow_filter, filter);
    if (!is_abort)
        asyncio_event_wait(slow->may_end);
    slow->closed++;
}

static const struct asyncio_filter_class slow_filter_class = {
    .close = slow_filter_close,
};

/* Meanwhile others find it busy, and one of them breaks it off. */
NET_SCENARIO(a_stream_that_is_saying_goodbye_is_busy)
{
    for (int is_aborted = 0; is_aborted <= 1; is_aborted++) {
        struct pair pair = open_pair();
        struct asyncio_event may_end;
        struct slow_filter slow = {{&slow_filter_class, NULL}, &may_end, 0};
        asyncio_event_init(&may_end);
        ck_assert_int_eq(asyncio_stream_set_filter(pair.near, &slow.filter), 0);
        asyncio_task closer = asyncio_create_task(close_stream, pair.near);
        let_a_turn_pass();
        ck_assert_int_eq(read_byte(pair.near), -EBUSY);
        ck_assert_int_eq(asyncio_stream_write(pair.near, "x", 1, NULL), -EBUSY);
        if (is_aborted)
            asyncio_stream_abort(pair.near);
        asyncio_event_set(&may_end);
        ck_assert_int_eq(asyncio_await(closer), 0);
        ck_assert_int_eq(slow.closed, 1);
        hear_end(pair.far);
        asyncio_stream_close(pair.far);
        asyncio_event_fini(&may_end);
    }
}

/* ---- from elsewhere ---- */

static int use_from_elsewhere(void *arg)
{
    char byte;
    int *results = arg;
    asyncio_stream *stream = *(asyncio_stream **)(results + 4);
    results[0] = (int)asyncio_stream_read(stream, &byte, 1);
    results[1] = (int)asyncio_stream_write(stream, "x", 1, NULL);
    results[2] = asyncio_stream_wait_readable(stream);
    results[3] = asyncio_stream_write_eof(stream);
    return 0;
}

struct elsewhere {
    int results[4];
    asyncio_stream *stream;
};

static void *thread_elsewhere(void *arg)
{
    ck_assert_int_eq(asyncio_run(use_from_elsewhere, arg), 0);
    return NULL;
}

NET_SCENARIO(from_another_loop_it_is_exdev)
{
    struct pair pair = open_pair();
    struct elsewhere elsewhere = {.stream = pair.near};
    pthread_t thread = thread_start(thread_elsewhere, &elsewhere);
    thread_join(thread);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(elsewhere.results[i], -EXDEV);
    close_pair(pair);
}

static int outside_result;

static void read_outside(void *arg)
{
    char byte;
    outside_result = (int)asyncio_stream_read(arg, &byte, 1);
}

NET_SCENARIO(outside_of_tasks_it_is_eperm)
{
    struct pair pair = open_pair();
    ck_assert_int_eq(asyncio_call_soon(read_outside, pair.near, NULL), 0);
    let_a_turn_pass();
    ck_assert_int_eq(outside_result, -EPERM);
    close_pair(pair);
}

static int leave_a_pair(void *arg)
{
    struct pair *pair = arg;
    *pair = open_pair();
    say_text(pair->near, "left behind");
    let_a_turn_pass();
    return 0;
}

static int find_a_pair(void *arg)
{
    struct pair *pair = arg;
    char byte;
    ck_assert_int_eq(asyncio_stream_read(pair->far, &byte, 1), -EXDEV);
    ck_assert_int_eq(asyncio_stream_write(pair->near, "x", 1, NULL), -EXDEV);
    struct pair own = open_pair();
    ck_assert_int_eq(asyncio_stream_read(pair->far, &byte, 1), -EXDEV);
    asyncio_stream_close(pair->near);
    close_pair(own);
    return 0;
}

START_TEST(left_behind_by_its_loop_it_can_still_be_closed)
{
    if (rig_is_virtual())
        return;
    int before = count_fds();
    struct pair pair;
    ck_assert_int_eq(asyncio_run(leave_a_pair, &pair), 0);
    char byte;
    ck_assert_int_eq(asyncio_stream_read(pair.far, &byte, 1), -EPERM);
    ck_assert_int_eq(asyncio_run(find_a_pair, &pair), 0);
    asyncio_stream_close(pair.far);
    ck_assert_int_eq(count_fds(), before);
}
END_TEST

/* ---- forks ---- */

static int talk_to_yourself(void *arg)
{
    (void)arg;
    struct pair pair = open_pair();
    say_text(pair.near, "hello");
    hear_text(pair.far, "hello");
    close_pair(pair);
    return 0;
}

/* In the child: what was the parent's can be closed, and a loop begun anew. */
static void in_the_child(asyncio_stream *stream)
{
    char byte;
    if (asyncio_stream_read(stream, &byte, 1) != -EPERM)
        _exit(1);
    asyncio_stream_close(stream);
    if (asyncio_run(talk_to_yourself, NULL) != 0)
        _exit(2);
    _exit(0);
}

NET_SCENARIO(a_forked_child_closes_its_copy_alone)
{
    struct pair pair = open_pair();
    asyncio_task reader = asyncio_create_task(read_byte, pair.far);
    let_a_turn_pass();
    pid_t child = fork();
    if (child == 0)
        in_the_child(pair.near);
    reap_child(child);
    say_text(pair.near, "x");
    ck_assert_int_eq(asyncio_await(reader), 'x');
    close_pair(pair);
}

/* ---- signals ---- */

enum { STORM = 300 };

static atomic_int storm_is_over;

static void on_usr1(int signo)
{
    (void)signo;
}

static void *send_signals(void *arg)
{
    pthread_t target = *(pthread_t *)arg;
    while (!atomic_load(&storm_is_over)) {
        pthread_kill(target, SIGUSR1);
        pause_thread(0.0001);
    }
    return NULL;
}

static int read_all(void *arg)
{
    static char buf[5000];
    ssize_t len;
    int total = 0;
    while ((len = asyncio_stream_read(arg, buf, sizeof buf)) > 0)
        total += (int)len;
    return len < 0 ? (int)len : total;
}

/* Handlers that restart nothing, all the time. */
NET_SCENARIO(signals_disturb_nobody)
{
    struct sigaction action = {.sa_handler = on_usr1};
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    pthread_t self = pthread_self();
    pthread_t thread = thread_start(send_signals, &self);
    struct pair pair = open_tcp_pair();
    struct writer writer = {.stream = pair.near};
    asyncio_task reader = asyncio_create_task(read_all, pair.far);
    ssize_t written = write_much(&writer);
    ck_assert_int_eq(written, 16 << 20);
    for (int i = 0; i < STORM; i++)
        ck_assert_int_eq(asyncio_sleep(0.0001), 0);
    ck_assert_int_eq(asyncio_stream_write_eof(pair.near), 0);
    ck_assert_int_eq(asyncio_await(reader), 16 << 20);
    atomic_store(&storm_is_over, 1);
    thread_join(thread);
    close_pair(pair);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("stream_ends");
    suite_case(suite, reset_while_reading_is_econnreset);
    suite_case(suite, reset_while_a_line_is_read_is_econnreset);
    suite_case(suite, reset_while_writing_ends_the_write);
    suite_case(suite, closed_with_unread_bytes_is_a_reset);
    suite_case(suite, a_read_cut_short_by_a_descriptor_is_not_the_last);
    suite_case(suite, a_read_cut_short_by_urgent_data_is_not_the_last);
    suite_case(suite, a_pipe_that_nobody_reads_is_epipe);
    suite_case(suite, silence_ends_by_a_timeout);
    suite_case(suite, a_write_that_nobody_reads_ends_by_a_timeout);
    suite_case(suite, two_close_each_others_streams);
    suite_case(suite, closed_under_reader_and_writer_both_end);
    suite_case(suite, closed_after_the_news_the_reader_has_its_bytes);
    suite_case(suite, a_stream_that_is_saying_goodbye_is_busy);
    suite_case(suite, from_another_loop_it_is_exdev);
    suite_case(suite, outside_of_tasks_it_is_eperm);
    suite_case(suite, left_behind_by_its_loop_it_can_still_be_closed);
    suite_case(suite, a_forked_child_closes_its_copy_alone);
    suite_case(suite, signals_disturb_nobody);
    return suite;
}
