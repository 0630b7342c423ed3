/* SPDX-License-Identifier: MIT */
/* asyncio_fd_read and asyncio_fd_write: nothing blocks, and nothing is lost. */
#include "rig.h"

#include "base/mem.h"

/* All that can be at both ends, blocking and not. */
static int open_all(struct ends all[4])
{
    all[0] = open_pipe(0);
    all[1] = open_pipe(O_NONBLOCK);
    all[2] = open_sockets(0);
    all[3] = open_sockets(SOCK_NONBLOCK);
    return 4;
}

/* ---- bytes ---- */

SCENARIO(what_is_written_is_read)
{
    struct ends all[4];
    int count = open_all(all);
    for (int i = 0; i < count; i++) {
        char buf[16] = "";
        ck_assert_int_eq(asyncio_fd_write(all[i].write, "hello", 5), 5);
        ck_assert_int_eq(asyncio_fd_read(all[i].read, buf, sizeof buf), 5);
        ck_assert_str_eq(buf, "hello");
        ck_assert_int_eq(asyncio_fd_write(all[i].write, "again", 5), 5);
        ck_assert_int_eq(asyncio_fd_read(all[i].read, buf, 2), 2);
        ck_assert_int_eq(asyncio_fd_read(all[i].read, buf + 2, 14), 3);
        ck_assert_str_eq(buf, "again");
        close_ends(all[i]);
    }
}

SCENARIO(a_reader_waits_and_gets_what_there_is)
{
    struct ends all[4];
    int count = open_all(all);
    for (int i = 0; i < count; i++) {
        struct call call;
        start_read(&call, all[i].read);
        assert_waits(&call);
        put(all[i].write, "abc");
        ck_assert_int_eq(call_end(&call), 3);
        ck_assert_mem_eq(call.buf, "abc", 4);
        close_ends(all[i]);
    }
}

SCENARIO(the_end_is_zero)
{
    struct ends all[4];
    int count = open_all(all);
    for (int i = 0; i < count; i++) {
        struct call call;
        start_read(&call, all[i].read);
        assert_waits(&call);
        close(all[i].write);
        ck_assert_int_eq(call_end(&call), 0);
        ck_assert_int_eq(asyncio_fd_read(all[i].read, call.buf, 1), 0);
        close(all[i].read);
    }
}

SCENARIO(what_was_written_before_the_end_comes_first)
{
    struct ends pipe_ = open_pipe(0);
    char buf[8];
    put(pipe_.write, "abc");
    close(pipe_.write);
    ck_assert_int_eq(asyncio_fd_read(pipe_.read, buf, sizeof buf), 3);
    ck_assert_int_eq(asyncio_fd_read(pipe_.read, buf, sizeof buf), 0);
    close(pipe_.read);
}

static int write_on_and_on(void *arg)
{
    static const char bytes[1 << 20];
    ssize_t len;
    do {
        len = asyncio_fd_write(*(int *)arg, bytes, sizeof bytes);
    } while (len > 0);
    return (int)len;
}

SCENARIO(without_readers_a_write_is_epipe)
{
    struct ends all[4];
    int count = open_all(all);
    for (int i = 0; i < count; i++) {
        asyncio_task task = asyncio_create_task(write_on_and_on, &all[i].write);
        let_a_turn_pass();
        ck_assert(!asyncio_task_is_done(task));
        close(all[i].read);
        int err = asyncio_await(task);
        /* A socket whose other side left with bytes unread says so first. */
        ck_assert(err == -EPIPE || err == -ECONNRESET);
        ck_assert_int_eq(asyncio_fd_write(all[i].write, "x", 1), -EPIPE);
        close(all[i].write);
    }
}

SCENARIO(no_bytes_are_no_wait)
{
    struct ends pipe_ = open_pipe(0);
    char byte;
    ck_assert_int_eq(asyncio_fd_read(pipe_.read, &byte, 0), 0);
    ck_assert_int_eq(asyncio_fd_write(pipe_.write, &byte, 0), 0);
    close_ends(pipe_);
}

/* ---- much ---- */

enum { MUCH = 1500 * 1000 };

static unsigned char byte_at(size_t i)
{
    return (unsigned char)(i * 31 + (i >> 8) * 17);
}

static int write_much(void *arg)
{
    unsigned char *bytes = malloc(MUCH);
    size_t done = 0;
    for (size_t i = 0; i < MUCH; i++)
        bytes[i] = byte_at(i);
    while (done < MUCH) {
        ssize_t len = asyncio_fd_write(*(int *)arg, bytes + done, MUCH - done);
        ck_assert_int_gt(len, 0);
        done += (size_t)len;
    }
    free(bytes);
    close(*(int *)arg);
    return 0;
}

static size_t read_much(int fd, size_t step)
{
    unsigned char bytes[5000];
    size_t done = 0;
    ssize_t len;
    while ((len = asyncio_fd_read(fd, bytes, step)) > 0) {
        size_t wrong = 0;
        for (ssize_t i = 0; i < len; i++)
            wrong += bytes[i] != byte_at(done + (size_t)i);
        ck_assert_uint_eq(wrong, 0);
        done += (size_t)len;
    }
    ck_assert_int_eq(len, 0);
    return done;
}

SCENARIO(much_goes_through_every_kind_whole)
{
    struct ends all[4];
    int count = open_all(all);
    for (int i = 0; i < count; i++) {
        asyncio_task task = asyncio_create_task(write_much, &all[i].write);
        ck_assert_uint_eq(read_much(all[i].read, 5000), MUCH);
        ck_assert_int_eq(asyncio_await(task), 0);
        close(all[i].read);
    }
}

SCENARIO(a_full_pipe_blocks_the_writer_and_nobody_else)
{
    struct ends all[4];
    int count = open_all(all);
    for (int i = 0; i < count; i++) {
        asyncio_task task = asyncio_create_task(write_much, &all[i].write);
        for (int j = 0; j < 5; j++)
            let_a_turn_pass();
        ck_assert(!asyncio_task_is_done(task));
        ck_assert_uint_eq(read_much(all[i].read, 4096), MUCH);
        ck_assert_int_eq(asyncio_await(task), 0);
        close(all[i].read);
    }
}

static int echo(void *arg)
{
    char buf[100];
    int fd = *(int *)arg;
    ssize_t len;
    while ((len = asyncio_fd_read(fd, buf, sizeof buf)) > 0)
        ck_assert_int_eq(asyncio_fd_write(fd, buf, (size_t)len), len);
    return (int)len;
}

SCENARIO(to_and_fro_a_thousand_times)
{
    struct ends sockets = open_sockets(0);
    asyncio_task task = asyncio_create_task(echo, &sockets.write);
    for (int i = 0; i < 1000; i++) {
        int got = -1;
        ck_assert_int_eq(asyncio_fd_write(sockets.read, &i, sizeof i),
                         sizeof i);
        ck_assert_int_eq(asyncio_fd_read(sockets.read, &got, sizeof got),
                         sizeof got);
        ck_assert_int_eq(got, i);
    }
    close(sockets.read);
    ck_assert_int_eq(asyncio_await(task), 0);
    close(sockets.write);
}

SCENARIO(a_thousand_pipes_at_once)
{
    static struct ends pipes[MANY];
    static struct call calls[MANY];
    int count = many_pipes();
    for (int i = 0; i < count; i++) {
        pipes[i] = open_pipe(i % 2 ? O_NONBLOCK : 0);
        start_read(&calls[i], pipes[i].read);
    }
    let_a_turn_pass();
    for (int i = count - 1; i >= 0; i--)
        ck_assert_int_eq(write(pipes[i].write, &i, sizeof i), sizeof i);
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(call_end(&calls[i]), sizeof i);
        ck_assert_mem_eq(calls[i].buf, &i, sizeof i);
        close_ends(pipes[i]);
    }
}

static void *write_slowly(void *arg)
{
    for (int i = 0; i < 10; i++) {
        pause_thread(0.002);
        ck_assert_int_eq(write(*(int *)arg, "x", 1), 1);
    }
    close(*(int *)arg);
    return NULL;
}

SCENARIO(a_thread_writes_while_the_loop_sleeps)
{
    struct ends pipe_ = open_pipe(0);
    char buf[16];
    ssize_t len, total = 0;
    pthread_t thread = thread_start(write_slowly, &pipe_.write);
    while ((len = asyncio_fd_read(pipe_.read, buf, sizeof buf)) > 0)
        total += len;
    thread_join(thread);
    ck_assert_int_eq(len, 0);
    ck_assert_int_eq(total, 10);
    close(pipe_.read);
}

/* ---- several on one ---- */

SCENARIO(two_readers_get_each_what_the_other_does_not)
{
    struct ends all[4];
    int count = open_all(all);
    for (int i = 0; i < count; i++) {
        struct call calls[2] = {{.fd = all[i].read, .len = 1},
                                {.fd = all[i].read, .len = 1}};
        call_start(&calls[0], call_read);
        call_start(&calls[1], call_read);
        assert_waits(&calls[0]);
        assert_waits(&calls[1]);
        put(all[i].write, "a");
        while (!asyncio_task_is_done(calls[0].task) &&
               !asyncio_task_is_done(calls[1].task))
            let_a_turn_pass();
        ck_assert(!asyncio_task_is_done(calls[0].task) ||
                  !asyncio_task_is_done(calls[1].task));
        put(all[i].write, "b");
        ck_assert_int_eq(call_end(&calls[0]), 1);
        ck_assert_int_eq(call_end(&calls[1]), 1);
        ck_assert_int_eq(calls[0].buf[0] + calls[1].buf[0], 'a' + 'b');
        close_ends(all[i]);
    }
}

static int write_one(void *arg)
{
    return (int)asyncio_fd_write(*(int *)arg, "w", 1);
}

SCENARIO(a_reader_and_a_writer_on_one_socket)
{
    struct call reader;
    struct ends sockets = open_sockets(0);
    size_t len = fill(sockets.read);
    start_read(&reader, sockets.read);
    asyncio_task writer = asyncio_create_task(write_one, &sockets.read);
    assert_waits(&reader);
    ck_assert(!asyncio_task_is_done(writer));
    drain(sockets.write, len);
    ck_assert_int_eq(asyncio_await(writer), 1);
    assert_waits(&reader);
    put(sockets.write, "r");
    ck_assert_int_eq(call_end(&reader), 1);
    ck_assert_int_eq(reader.buf[0], 'r');
    close_ends(sockets);
}

/* ---- cancels ---- */

SCENARIO(a_cancelled_reader_has_taken_nothing)
{
    struct ends all[4];
    int count = open_all(all);
    for (int i = 0; i < count; i++) {
        struct call call;
        char buf[8];
        for (int j = 0; j < 10; j++) {
            start_read(&call, all[i].read);
            if (j % 2)
                assert_waits(&call);
            ck_assert_int_eq(call_cancel(&call), -ECANCELED);
        }
        put(all[i].write, "abc");
        let_a_turn_pass();
        ck_assert_int_eq(asyncio_fd_read(all[i].read, buf, sizeof buf), 3);
        close_ends(all[i]);
    }
}

SCENARIO(a_byte_that_meets_a_cancel_is_read_or_still_there)
{
    struct ends all[4];
    int count = open_all(all), kept = 0, taken = 0;
    for (int i = 0; i < 400; i++) {
        struct ends ends = all[i % count];
        struct call call;
        char byte = 0;
        start_read(&call, ends.read);
        ck_assert_int_eq(asyncio_sleep(i % 8 < 4 ? 0 : 1e-5), 0);
        put(ends.write, "x");
        if (i % 3 == 0)
            ck_assert_int_eq(asyncio_sleep(1e-6), 0);
        int result = call_cancel(&call);
        if (result == 1) {
            taken++;
            ck_assert_int_eq(call.buf[0], 'x');
            continue;
        }
        ck_assert_int_eq(result, -ECANCELED);
        kept++;
        ck_assert_int_eq(asyncio_fd_read(ends.read, &byte, 1), 1);
        ck_assert_int_eq(byte, 'x');
    }
    ck_assert_int_eq(kept + taken, 400);
    for (int i = 0; i < count; i++)
        close_ends(all[i]);
}

static int write_into_the_full(void *arg)
{
    static const char bytes[100000];
    return (int)asyncio_fd_write(*(int *)arg, bytes, sizeof bytes);
}

SCENARIO(a_cancelled_writer_has_written_nothing)
{
    struct ends all[4];
    int count = open_all(all);
    for (int i = 0; i < count; i++) {
        size_t len = fill(all[i].write);
        asyncio_task task =
            asyncio_create_task(write_into_the_full, &all[i].write);
        let_a_turn_pass();
        ck_assert(!asyncio_task_is_done(task));
        asyncio_task_cancel(task);
        ck_assert_int_eq(asyncio_await(task), -ECANCELED);
        drain(all[i].read, len);
        fcntl(all[i].read, F_SETFL, O_NONBLOCK);
        char byte;
        let_a_turn_pass();
        ck_assert_int_eq(read(all[i].read, &byte, 1), -1);
        ck_assert_int_eq(errno, EAGAIN);
        close_ends(all[i]);
    }
}

SCENARIO(cancelled_already_it_takes_nothing_even_when_ready)
{
    struct asyncio_timeout timeout;
    struct ends pipe_ = open_pipe(0);
    char byte = 0;
    put(pipe_.write, "x");
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0), 0);
    ck_assert_int_eq(asyncio_fd_read(pipe_.read, &byte, 1), -ECANCELED);
    ck_assert_int_eq(asyncio_fd_write(pipe_.write, "y", 1), -ECANCELED);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, -ECANCELED), -ETIMEDOUT);
    ck_assert_int_eq(asyncio_fd_read(pipe_.read, &byte, 1), 1);
    ck_assert_int_eq(byte, 'x');
    ck_assert_int_eq(fcntl(pipe_.read, F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_eq(read(pipe_.read, &byte, 1), -1);
    close_ends(pipe_);
}

SCENARIO(a_read_meets_its_deadline)
{
    struct asyncio_timeout timeout;
    struct ends pipe_ = open_pipe(0);
    char byte;
    double start = asyncio_time();
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 3 * TICK), 0);
    int err = (int)asyncio_fd_read(pipe_.read, &byte, 1);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
    assert_passed(start, 3 * TICK);
    close_ends(pipe_);
}

static int read_for_ever(void *arg)
{
    char bytes[64];
    ssize_t len;
    while ((len = asyncio_fd_read(*(int *)arg, bytes, sizeof bytes)) > 0)
        ;
    return (int)len;
}

SCENARIO(a_reader_of_what_never_ends_lets_others_run_and_is_cancelled)
{
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(zero, 0);
    asyncio_task task = asyncio_create_task(read_for_ever, &zero);
    for (int i = 0; i < 10; i++)
        let_a_turn_pass();
    ck_assert(!asyncio_task_is_done(task));
    asyncio_task_cancel(task);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);

    struct asyncio_timeout timeout;
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 3 * TICK), 0);
    int err = read_for_ever(&zero);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
    close(zero);
}

/* ---- files ---- */

SCENARIO(files_are_read_and_written_at_their_position)
{
    int fd = open_temporary();
    char buf[32] = "";
    ck_assert_int_eq(asyncio_fd_write(fd, "one ", 4), 4);
    ck_assert_int_eq(asyncio_fd_write(fd, "two", 3), 3);
    ck_assert_int_eq(asyncio_fd_read(fd, buf, sizeof buf), 0);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    ck_assert_int_eq(asyncio_fd_read(fd, buf, 4), 4);
    ck_assert_int_eq(asyncio_fd_read(fd, buf + 4, sizeof buf - 4), 3);
    ck_assert_int_eq(asyncio_fd_read(fd, buf + 7, 1), 0);
    ck_assert_str_eq(buf, "one two");
    close(fd);
}

SCENARIO(a_large_file_is_read_whole)
{
    int fd = open_temporary();
    int duplicate = dup(fd);
    ck_assert_int_eq(write_much(&duplicate), 0);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    ck_assert_uint_eq(read_much(fd, 5000), MUCH);
    close(fd);
}

/* ---- bad use ---- */

SCENARIO(wrong_descriptors_say_why)
{
    let_a_turn_pass();           /* the loop has its own by now */
    struct ends pipe_ = open_pipe(0);
    int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char byte = 0;
    ck_assert_int_eq(asyncio_fd_read(-1, &byte, 1), -EBADF);
    ck_assert_int_eq(asyncio_fd_write(-1, &byte, 1), -EBADF);
    ck_assert_int_eq(asyncio_fd_read(1000000, &byte, 1), -EBADF);
    ck_assert_int_eq(asyncio_fd_read(pipe_.write, &byte, 1), -EBADF);
    ck_assert_int_eq(asyncio_fd_write(pipe_.read, &byte, 1), -EBADF);
    ck_assert_int_eq(asyncio_fd_read(folder, &byte, 1), -EISDIR);
    close(folder);
    close_ends(pipe_);
    ck_assert_int_eq(asyncio_fd_read(pipe_.read, &byte, 1), -EBADF);
}

START_TEST(outside_of_a_task_it_is_eperm)
{
    struct ends pipe_ = open_pipe(0);
    char byte;
    ck_assert_int_eq(asyncio_fd_write(pipe_.write, "x", 1), -EPERM);
    ck_assert_int_eq(asyncio_fd_read(pipe_.read, &byte, 1), -EPERM);
    close_ends(pipe_);
}
END_TEST

/* ---- cost ---- */

SCENARIO(warm_reads_and_writes_allocate_nothing)
{
    struct ends sockets = open_sockets(0);
    uint64_t before = 0;
    for (int i = 0; i < 20; i++) {
        struct call call;
        if (i == 10)
            before = mem_alloc_count();
        start_read(&call, sockets.read);
        assert_waits(&call);
        ck_assert_int_eq(asyncio_fd_write(sockets.write, "x", 1), 1);
        ck_assert_int_eq(call_end(&call), 1);
    }
    ck_assert_uint_eq(mem_alloc_count(), before);
    close_ends(sockets);
}

SCENARIO(a_simulation_has_no_real_descriptors)
{
    struct ends pipe_ = open_pipe(0);
    char byte;
    put(pipe_.write, "x");
    ck_assert_int_eq(asyncio_fd_read(pipe_.read, &byte, 1), -ENOTSUP);
    ck_assert_int_eq(asyncio_fd_write(pipe_.write, "x", 1), -ENOTSUP);
    close_ends(pipe_);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("rw");
    suite_case(suite, outside_of_a_task_it_is_eperm);
    if (rig_is_virtual()) {
        suite_case(suite, a_simulation_has_no_real_descriptors);
        return suite;
    }
    suite_case(suite, what_is_written_is_read);
    suite_case(suite, a_reader_waits_and_gets_what_there_is);
    suite_case(suite, the_end_is_zero);
    suite_case(suite, what_was_written_before_the_end_comes_first);
    suite_case(suite, without_readers_a_write_is_epipe);
    suite_case(suite, no_bytes_are_no_wait);
    suite_case(suite, much_goes_through_every_kind_whole);
    suite_case(suite, a_full_pipe_blocks_the_writer_and_nobody_else);
    suite_case(suite, to_and_fro_a_thousand_times);
    suite_case(suite, a_thousand_pipes_at_once);
    suite_case(suite, a_thread_writes_while_the_loop_sleeps);
    suite_case(suite, two_readers_get_each_what_the_other_does_not);
    suite_case(suite, a_reader_and_a_writer_on_one_socket);
    suite_case(suite, a_cancelled_reader_has_taken_nothing);
    suite_case(suite, a_byte_that_meets_a_cancel_is_read_or_still_there);
    suite_case(suite, a_cancelled_writer_has_written_nothing);
    suite_case(suite, cancelled_already_it_takes_nothing_even_when_ready);
    suite_case(suite, a_read_meets_its_deadline);
    suite_case(suite,
               a_reader_of_what_never_ends_lets_others_run_and_is_cancelled);
    suite_case(suite, files_are_read_and_written_at_their_position);
    suite_case(suite, a_large_file_is_read_whole);
    suite_case(suite, wrong_descriptors_say_why);
    suite_case(suite, warm_reads_and_writes_allocate_nothing);
    return suite;
}
