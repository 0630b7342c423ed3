/* SPDX-License-Identifier: MIT */
/* Descriptors over Unix streams: they arrive, or they are closed. */
#include <sys/stat.h>

#include "net_rig.h"

enum { MOST = 253 };

static ino_t inode_of(int fd)
{
    struct stat info;
    ck_assert_int_eq(fstat(fd, &info), 0);
    return info.st_ino;
}

static void close_fds(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(close(fds[i]), 0);
}

static ssize_t receive_byte(asyncio_stream *stream,
                            struct asyncio_received_fds *received)
{
    char byte;
    return asyncio_stream_receive_fds(stream, &byte, 1, received);
}

NET_SCENARIO(what_is_sent_is_the_same_file)
{
    struct pair pair = open_pair();
    struct ends ends = open_pipe(0);
    int fds[2] = {-1, -1};
    struct asyncio_received_fds received = {.fds = fds, .size = 2};
    char buf[16];
    size_t moved = 0;
    ck_assert_int_eq(asyncio_stream_send_fds(pair.near, &ends.read, 1, "hello",
                                             5, &moved),
                     5);
    ck_assert_uint_eq(moved, 5);
    ck_assert_int_eq(
        asyncio_stream_receive_fds(pair.far, buf, sizeof buf, &received), 5);
    ck_assert_mem_eq(buf, "hello", 5);
    ck_assert_uint_eq(received.count, 1);
    ck_assert_uint_eq(received.lost, 0);
    ck_assert_int_ne(fds[0], ends.read);
    ck_assert_uint_eq(inode_of(fds[0]), inode_of(ends.read));
    ck_assert(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
    close(fds[0]);
    close_ends(ends);
    close_pair(pair);
}

NET_SCENARIO(many_go_at_once_and_keep_their_order)
{
    struct pair pair = open_pair();
    int out[MOST + 1], in[MOST];
    struct asyncio_received_fds received = {.fds = in, .size = MOST};
    struct ends ends = open_pipe(0);
    for (int i = 0; i <= MOST; i++)
        out[i] = i % 2 ? ends.write : ends.read;
    ck_assert_int_eq(
        asyncio_stream_send_fds(pair.near, out, MOST, "x", 1, NULL), 1);
    ck_assert_int_eq(receive_byte(pair.far, &received), 1);
    ck_assert_uint_eq(received.count, MOST);
    for (int i = 0; i < MOST; i++)
        ck_assert_int_eq(fcntl(in[i], F_GETFL) & O_ACCMODE,
                         i % 2 ? O_WRONLY : O_RDONLY);
    close_fds(in, MOST);
    ck_assert_int_eq(
        asyncio_stream_send_fds(pair.near, out, MOST + 1, "x", 1, NULL),
        -EINVAL);
    close_ends(ends);
    close_pair(pair);
}

NET_SCENARIO(those_without_room_are_closed_and_counted)
{
    struct pair pair = open_pair();
    int out[5], in[3];
    struct asyncio_received_fds received = {.fds = in, .size = 3};
    for (int i = 0; i < 5; i++)
        out[i] = STDIN_FILENO;
    int fds = count_fds();
    ck_assert_int_eq(asyncio_stream_send_fds(pair.near, out, 5, "x", 1, NULL),
                     1);
    ck_assert_int_eq(receive_byte(pair.far, &received), 1);
    ck_assert_uint_eq(received.count, 3);
    ck_assert_uint_eq(received.lost, 2);
    ck_assert_int_eq(count_fds(), fds + 3);
    close_fds(in, 3);
    /* no room at all */
    received.size = 0;
    ck_assert_int_eq(asyncio_stream_send_fds(pair.near, out, 5, "x", 1, NULL),
                     1);
    ck_assert_int_eq(receive_byte(pair.far, &received), 1);
    ck_assert_uint_eq(received.count, 0);
    ck_assert_uint_eq(received.lost, 5);
    ck_assert_int_eq(count_fds(), fds);
    close_pair(pair);
}

NET_SCENARIO(a_process_without_descriptors_is_told_of_the_loss)
{
    struct pair pair = open_pair();
    int out[4] = {0, 0, 0, 0}, in[4];
    struct asyncio_received_fds received = {.fds = in, .size = 4};
    struct rlimit before, limit;
    getrlimit(RLIMIT_NOFILE, &before);
    int next = dup(STDIN_FILENO);
    close(next);
    limit = before;
    limit.rlim_cur = (rlim_t)next + 1; /* one more, then none */
    ck_assert_int_eq(asyncio_stream_send_fds(pair.near, out, 4, "x", 1, NULL),
                     1);
    setrlimit(RLIMIT_NOFILE, &limit);
    ssize_t got = receive_byte(pair.far, &received);
    setrlimit(RLIMIT_NOFILE, &before);
    ck_assert_int_eq(got, 1);
    if (received.count == 4) {   /* valgrind has limits of its own */
        puts("skipped: the limit does not bind");
    } else {
        ck_assert_uint_eq(received.count, 1);
        ck_assert_uint_eq(received.lost, 1);
    }
    close_fds(in, received.count);
    close_pair(pair);
}

NET_SCENARIO(each_batch_comes_with_its_own_byte)
{
    struct pair pair = open_pair();
    int fd = STDIN_FILENO, in[4];
    struct asyncio_received_fds received = {.fds = in, .size = 4};
    char buf[16];
    ck_assert_int_eq(asyncio_stream_send_fds(pair.near, &fd, 1, "a", 1, NULL),
                     1);
    ck_assert_int_eq(asyncio_stream_send_fds(pair.near, &fd, 1, "b", 1, NULL),
                     1);
    say_text(pair.near, "c");
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(
            asyncio_stream_receive_fds(pair.far, buf, sizeof buf, &received),
            1);
        ck_assert_uint_eq(received.count, 1);
        close_fds(in, 1);
    }
    ck_assert_int_eq(
        asyncio_stream_receive_fds(pair.far, buf, sizeof buf, &received), 1);
    ck_assert_uint_eq(received.count, 0);
    asyncio_stream_close(pair.near);
    ck_assert_int_eq(
        asyncio_stream_receive_fds(pair.far, buf, sizeof buf, &received), 0);
    ck_assert(asyncio_stream_at_eof(pair.far));
    asyncio_stream_close(pair.far);
}

static int receive_in_a_task(void *arg)
{
    struct asyncio_received_fds received = {.size = 0};
    return (int)receive_byte(arg, &received);
}

NET_SCENARIO(a_cancelled_receiver_leaves_them_to_the_next)
{
    struct pair pair = open_pair();
    int fd = STDIN_FILENO, in[1];
    struct asyncio_received_fds received = {.fds = in, .size = 1};
    int fds = count_fds();
    asyncio_task receiver = asyncio_create_task(receive_in_a_task, pair.far);
    let_a_turn_pass();
    ck_assert_int_eq(receive_byte(pair.far, &received), -EBUSY);
    asyncio_task_cancel(receiver);
    ck_assert_int_eq(asyncio_await(receiver), -ECANCELED);
    ck_assert_int_eq(asyncio_stream_send_fds(pair.near, &fd, 1, "x", 1, NULL),
                     1);
    ck_assert_int_eq(receive_byte(pair.far, &received), 1);
    ck_assert_uint_eq(received.count, 1);
    close_fds(in, 1);
    ck_assert_int_eq(count_fds(), fds);
    close_pair(pair);
}

/* The message is there before the cancel: it wins, with what it carries. */
NET_SCENARIO(cancelled_too_late_it_leaks_none)
{
    struct pair pair = open_pair();
    int fd = STDIN_FILENO;
    int fds = count_fds();
    asyncio_task receiver = asyncio_create_task(receive_in_a_task, pair.far);
    let_a_turn_pass();
    ck_assert_int_eq(asyncio_stream_send_fds(pair.near, &fd, 1, "x", 1, NULL),
                     1);
    asyncio_task_cancel(receiver);
    int result = asyncio_await(receiver);
    ck_assert(result == 1 || result == -ECANCELED);
    close_pair(pair);
    let_a_turn_pass();
    ck_assert_int_eq(count_fds(), fds - 2);
}

struct sender {
    asyncio_stream *stream;
    size_t moved;
};

static int send_a_megabyte(void *arg)
{
    static const char bytes[1 << 20];
    static const int fds[2] = {STDIN_FILENO, STDIN_FILENO};
    struct sender *sender = arg;
    return (int)asyncio_stream_send_fds(sender->stream, fds, 2, bytes,
                                        sizeof bytes, &sender->moved);
}

NET_SCENARIO(the_bytes_behind_them_wait_for_their_reader)
{
    struct pair pair = open_pair();
    static char bytes[1 << 20];
    int in[2];
    struct asyncio_received_fds received = {.fds = in, .size = 2};
    struct sender sender = {.stream = pair.near};
    asyncio_task task = asyncio_create_task(send_a_megabyte, &sender);
    ck_assert_int_eq(receive_byte(pair.far, &received), 1);
    ck_assert_uint_eq(received.count, 2);
    close_fds(in, 2);
    ck_assert_int_eq(asyncio_stream_readexactly(pair.far, bytes,
                                                sizeof bytes - 1, NULL),
                     sizeof bytes - 1);
    ck_assert_int_eq(asyncio_await(task), sizeof bytes);

    task = asyncio_create_task(send_a_megabyte, &sender);
    let_a_turn_pass();
    asyncio_task_cancel(task);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    ck_assert_uint_gt(sender.moved, 0);
    ck_assert_uint_lt(sender.moved, sizeof bytes);
    close_pair(pair);
}

NET_SCENARIO(read_ahead_bytes_have_lost_theirs)
{
    struct pair pair = open_pair();
    int fd = STDIN_FILENO, in[1];
    char line[16];
    struct asyncio_received_fds received = {.fds = in, .size = 1};
    int fds = count_fds();
    say_text(pair.near, "line\n");
    ck_assert_int_eq(asyncio_stream_send_fds(pair.near, &fd, 1, "x", 1, NULL),
                     1);
    ck_assert_int_eq(asyncio_stream_readline(pair.far, line, sizeof line), 5);
    /* whether the first fill got as far as "x" is the kernel's affair */
    ssize_t got = receive_byte(pair.far, &received);
    if (got == 1)
        close_fds(in, received.count);
    else
        ck_assert_int_eq(got, -EBUSY);
    if (got == -EBUSY)
        hear_text(pair.far, "x");
    ck_assert_int_eq(count_fds(), fds);
    close_pair(pair);
}

NET_SCENARIO(who_cannot_carry_them_says_so)
{
    asyncio_server *server = start_echo();
    asyncio_stream *stream = connect_to_server(server), *pipe_stream;
    struct ends ends = open_pipe(0);
    struct asyncio_received_fds received = {.size = 0};
    int fd = STDIN_FILENO;
    size_t moved = 7;
    ck_assert_int_eq(asyncio_stream_send_fds(stream, &fd, 1, "x", 1, &moved),
                     -EOPNOTSUPP);
    ck_assert_uint_eq(moved, 0);
    ck_assert_int_eq(receive_byte(stream, &received), -EOPNOTSUPP);
    asyncio_stream_close(stream);
    asyncio_server_close(server);

    ck_assert_int_eq(asyncio_stream_from_fd(ends.read, &pipe_stream), 0);
    ck_assert_int_eq(receive_byte(pipe_stream, &received), -EOPNOTSUPP);
    asyncio_stream_close(pipe_stream);
    close(ends.write);
}

NET_SCENARIO(nonsense_is_refused_and_nothing_sent)
{
    struct pair pair = open_pair();
    struct asyncio_received_fds received = {.size = 0};
    int fd = STDIN_FILENO, bad = 1000000;
    char byte;
    ck_assert_int_eq(asyncio_stream_send_fds(pair.near, &fd, 0, "x", 1, NULL),
                     -EINVAL);
    ck_assert_int_eq(asyncio_stream_send_fds(pair.near, &fd, 1, "x", 0, NULL),
                     -EINVAL);
    ck_assert_int_eq(asyncio_stream_send_fds(pair.near, NULL, 1, "x", 1, NULL),
                     -EINVAL);
    ck_assert_int_eq(asyncio_stream_send_fds(pair.near, &bad, 1, "x", 1, NULL),
                     -EBADF);
    ck_assert_int_eq(asyncio_stream_receive_fds(pair.far, &byte, 0, &received),
                     -EINVAL);
    ck_assert_int_eq(asyncio_stream_write_eof(pair.near), 0);
    ck_assert_int_eq(asyncio_stream_send_fds(pair.near, &fd, 1, "x", 1, NULL),
                     -EPIPE);
    hear_end(pair.far);
    close_pair(pair);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("stream_fds");
    suite_case(suite, what_is_sent_is_the_same_file);
    suite_case(suite, many_go_at_once_and_keep_their_order);
    suite_case(suite, those_without_room_are_closed_and_counted);
    suite_case(suite, a_process_without_descriptors_is_told_of_the_loss);
    suite_case(suite, each_batch_comes_with_its_own_byte);
    suite_case(suite, a_cancelled_receiver_leaves_them_to_the_next);
    suite_case(suite, cancelled_too_late_it_leaks_none);
    suite_case(suite, the_bytes_behind_them_wait_for_their_reader);
    suite_case(suite, read_ahead_bytes_have_lost_theirs);
    suite_case(suite, who_cannot_carry_them_says_so);
    suite_case(suite, nonsense_is_refused_and_nothing_sent);
    return suite;
}
