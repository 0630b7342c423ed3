/* SPDX-License-Identifier: MIT */
/*
 * Standard streams of every kind, pipes, terminals. What a test reads as its
 * standard input is put there in a forked child, which runs the main task.
 */
#include "net_rig.h"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

#include "base/fault.h"

/* ---- descriptors 0 and 1 of many kinds ---- */

enum kind { PIPE, SOCKET, TERMINAL, KINDS };

static const char *const kind_names[KINDS] = {"pipe", "socket", "terminal"};

/* What the child has: `standard` as 0 or 1, and the other end of that. */
static struct {
    enum kind kind;
    bool is_bare;                /* it cannot be opened anew */
    int number;
    int standard;
    int other;
} here;

static void open_terminal(int *ret_main, int *ret_other)
{
    *ret_main = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(*ret_main, 0);
    ck_assert_int_eq(grantpt(*ret_main), 0);
    ck_assert_int_eq(unlockpt(*ret_main), 0);
    *ret_other = open(ptsname(*ret_main), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(*ret_other, 0);
}

static void here_open(void)
{
    struct ends ends;
    switch (here.kind) {
    case PIPE:
        ends = open_pipe(0);
        here.standard = here.number == 0 ? ends.read : ends.write;
        here.other = here.number == 0 ? ends.write : ends.read;
        break;
    case SOCKET:
        ends = open_sockets(0);
        here.standard = ends.read;
        here.other = ends.write;
        break;
    default:
        open_terminal(&here.other, &here.standard);
    }
}

/* The third call of an opening is that of the pipe or terminal itself. */
static asyncio_stream *open_standard(void)
{
    asyncio_stream *stream = NULL;
    if (here.is_bare)
        fault_arm(FAULT_SYSCALL, 3);
    int err = here.number == 0 ? asyncio_stdin(&stream)
                               : asyncio_stdout(&stream);
    fault_disarm();
    ck_assert_int_eq(err, 0);
    return stream;
}

/* The mode of what others share is as it was. */
static void assert_blocking(void)
{
    ck_assert_int_eq(fcntl(here.number, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(fcntl(here.standard, F_GETFL) & O_NONBLOCK, 0);
}

static void run_here(void *arg)
{
    asyncio_fn **fn = arg;
    here_open();
    if (dup2(here.standard, here.number) < 0 || asyncio_run(*fn, NULL) != 0)
        _exit(1);
}

/* Runs fn with each kind of standard stream, and where that can be had both
 * ways. */
static void with_each_kind(int number, asyncio_fn *fn)
{
    if (rig_is_virtual())
        return;
    for (int i = 0; i < 2 * KINDS; i++) {
        here.kind = (enum kind)(i % KINDS);
        here.is_bare = i >= KINDS;
        here.number = number;
        if (here.is_bare && here.kind == SOCKET)
            continue;
        struct outcome outcome = in_child(run_here, &fn);
        ck_assert_msg(WIFEXITED(outcome.status) &&
                          WEXITSTATUS(outcome.status) == 0,
                      "%s%s: %#x %s", here.is_bare ? "bare " : "",
                      kind_names[here.kind], (unsigned)outcome.status,
                      outcome.said);
    }
}

/* The back end has its own descriptors afterwards. */
static void warm_up(void)
{
    asyncio_stream_close(open_standard());
    let_a_turn_pass();
    let_a_turn_pass();
}

/* ---- reading ---- */

static int read_line_in_task(void *stream)
{
    char line[64];
    ssize_t len = asyncio_stream_readline(stream, line, sizeof line);
    return len < 0 ? (int)len : len == 0 ? 0 : line[0];
}

static int read_as_it_comes(void *arg)
{
    (void)arg;
    warm_up();
    int fds = count_fds();
    asyncio_stream *input = open_standard();
    assert_blocking();
    for (char letter = 'a'; letter < 'f'; letter++) {
        asyncio_task reader = asyncio_create_task(read_line_in_task, input);
        let_a_turn_pass();
        let_a_turn_pass();
        ck_assert(!asyncio_task_is_done(reader));
        ck_assert_int_eq(write(here.other, (char[]){letter, '\n'}, 2), 2);
        ck_assert_int_eq(asyncio_await(reader), letter);
    }
    assert_blocking();
    asyncio_stream_close(input);
    settle_fds(fds);
    ck_assert_int_ge(fcntl(0, F_GETFD), 0);
    return 0;
}

START_TEST(input_is_read_as_it_comes)
{
    with_each_kind(0, read_as_it_comes);
}
END_TEST

static int cancel_and_read(void *arg)
{
    (void)arg;
    asyncio_stream *input = open_standard();
    for (int i = 0; i < 6; i++) {
        asyncio_task reader = asyncio_create_task(read_line_in_task, input);
        if (i % 3)
            let_a_turn_pass();
        if (i % 3 == 2)
            put(here.other, "c\n");
        asyncio_task_cancel(reader);
        int result = asyncio_await(reader);
        ck_assert(result == -ECANCELED || (i % 3 == 2 && result == 'c'));
        if (i % 3 == 2 && result != 'c')
            ck_assert_int_eq(read_line_in_task(input), 'c');
    }
    put(here.other, "d\n");
    ck_assert_int_eq(read_line_in_task(input), 'd');
    assert_blocking();
    asyncio_stream_close(input);
    return 0;
}

START_TEST(a_cancelled_read_takes_nothing)
{
    with_each_kind(0, cancel_and_read);
}
END_TEST

static int close_under_reader(void *arg)
{
    (void)arg;
    asyncio_stream *input = open_standard();
    asyncio_task reader = asyncio_create_task(read_line_in_task, input);
    let_a_turn_pass();
    let_a_turn_pass();
    asyncio_stream_close(input);
    ck_assert_int_eq(asyncio_await(reader), -EBADF);
    input = open_standard();
    put(here.other, "again\n");
    ck_assert_int_eq(read_line_in_task(input), 'a');
    asyncio_stream_close(input);
    return 0;
}

START_TEST(closed_under_its_reader_it_is_ebadf)
{
    with_each_kind(0, close_under_reader);
}
END_TEST

/* A terminal's end is a Ctrl-D, which is no end for ever. */
static int read_to_the_end(void *arg)
{
    char bytes[16];
    (void)arg;
    bool is_terminal = here.kind == TERMINAL;
    put(here.other, "rest\n");
    if (is_terminal)
        put(here.other, "\004");
    else
        close(here.other);
    asyncio_stream *input = open_standard();
    ck_assert_int_eq(asyncio_stream_wait_readable(input), 1);
    hear_text(input, "rest\n");
    ck_assert_int_eq(asyncio_stream_read(input, bytes, sizeof bytes), 0);
    ck_assert(asyncio_stream_at_eof(input));
    asyncio_stream_close(input);
    return 0;
}

START_TEST(input_that_has_ended_is_read_to_its_end)
{
    with_each_kind(0, read_to_the_end);
}
END_TEST

static int hear_nothing_but_the_end(void *arg)
{
    (void)arg;
    if (here.kind == TERMINAL)
        return 0;
    close(here.other);
    asyncio_stream *input = open_standard();
    hear_end(input);
    asyncio_stream_close(input);
    return 0;
}

START_TEST(input_that_has_ended_before_is_at_its_end)
{
    with_each_kind(0, hear_nothing_but_the_end);
}
END_TEST

/* ---- writing ---- */

enum { BULK = 300000 };

static int write_bulk(void *stream)
{
    static char bytes[BULK];
    memset(bytes, 'x', sizeof bytes);
    ssize_t done = asyncio_stream_write(stream, bytes, sizeof bytes, NULL);
    return done < 0 ? (int)done : 0;
}

static int read_bulk(void *arg)
{
    static char bytes[4096];
    size_t heard = 0;
    (void)arg;
    while (heard < BULK) {
        ssize_t len = asyncio_fd_read(here.other, bytes, sizeof bytes);
        if (len == -ECANCELED)
            return -ECANCELED;
        ck_assert_int_gt(len, 0);
        heard += (size_t)len;
    }
    ck_assert_uint_eq(heard, BULK);
    return 0;
}

static int write_to_a_slow_reader(void *arg)
{
    (void)arg;
    asyncio_stream *output = open_standard();
    say_text(output, "hello");
    char said[5];
    ck_assert_int_eq(read(here.other, said, sizeof said), 5);
    asyncio_task writer = asyncio_create_task(write_bulk, output);
    let_a_turn_pass();
    let_a_turn_pass();
    ck_assert(!asyncio_task_is_done(writer));
    assert_blocking();
    asyncio_task reader = asyncio_create_task(read_bulk, NULL);
    ck_assert_int_eq(asyncio_await(writer), 0);
    ck_assert_int_eq(asyncio_await(reader), 0);
    assert_blocking();
    asyncio_stream_close(output);
    ck_assert_int_ge(fcntl(1, F_GETFD), 0);
    return 0;
}

START_TEST(output_waits_for_its_reader)
{
    with_each_kind(1, write_to_a_slow_reader);
}
END_TEST

static int write_to_nobody(void *arg)
{
    (void)arg;
    close(here.other);
    asyncio_stream *output = open_standard();
    int err = write_bulk(output);
    ck_assert_int_eq(err, here.kind == TERMINAL ? -EIO : -EPIPE);
    asyncio_stream_close(output);
    return 0;
}

START_TEST(output_for_nobody_is_epipe)
{
    with_each_kind(1, write_to_nobody);
}
END_TEST

/* On a terminal that is shared a write must finish. */
static int cancel_a_writer(void *arg)
{
    (void)arg;
    if (here.is_bare && here.kind == TERMINAL)
        return 0;
    asyncio_stream *output = open_standard();
    asyncio_task writer = asyncio_create_task(write_bulk, output);
    let_a_turn_pass();
    let_a_turn_pass();
    asyncio_task_cancel(writer);
    ck_assert_int_eq(asyncio_await(writer), -ECANCELED);
    writer = asyncio_create_task(write_bulk, output);
    let_a_turn_pass();
    asyncio_stream_close(output);
    ck_assert_int_eq(asyncio_await(writer), -EBADF);
    assert_blocking();
    return 0;
}

static int cancel_a_writer_that_must_finish(void *arg)
{
    (void)arg;
    if (!here.is_bare || here.kind != TERMINAL)
        return 0;
    for (int i = 0; i < 2; i++) {
        asyncio_stream *output = open_standard();
        asyncio_task writer = asyncio_create_task(write_bulk, output);
        let_a_turn_pass();
        asyncio_task reader = asyncio_create_task(read_bulk, NULL);
        if (i == 0)
            asyncio_task_cancel(writer);
        else
            asyncio_stream_close(output);
        int err = asyncio_await(writer);
        ck_assert_int_eq(err, i == 0 ? -ECANCELED : -EBADF);
        asyncio_task_cancel(reader);
        ck_assert_int_eq(asyncio_await(reader), -ECANCELED);
        if (i == 0)
            asyncio_stream_close(output);
    }
    return 0;
}

START_TEST(a_write_that_must_finish_does)
{
    with_each_kind(1, cancel_a_writer_that_must_finish);
}
END_TEST

START_TEST(a_cancelled_or_closed_writer_lets_go)
{
    with_each_kind(1, cancel_a_writer);
}
END_TEST

/* ---- files ---- */

static int copy_input_to_output(void *arg)
{
    char line[32];
    asyncio_stream *input, *output, *error;
    ssize_t len;
    (void)arg;
    ck_assert_int_eq(asyncio_stdin(&input), 0);
    ck_assert_int_eq(asyncio_stdout(&output), 0);
    ck_assert_int_eq(asyncio_stderr(&error), 0);
    while ((len = asyncio_stream_readline(input, line, sizeof line)) > 0)
        say_text(output, line);
    ck_assert_int_eq(len, 0);
    say_text(error, "done");
    ck_assert_int_eq(fcntl(0, F_GETFL) & O_NONBLOCK, 0);
    asyncio_stream_close(input);
    asyncio_stream_close(output);
    asyncio_stream_close(error);
    return 0;
}

static void copy_in_child(void *arg)
{
    const int *files = arg;
    dup2(files[0], 0);
    dup2(files[1], 1);
    if (asyncio_run(copy_input_to_output, NULL) != 0)
        _exit(1);
    put(1, "after\n");           /* the position is shared */
}

START_TEST(files_are_read_and_written)
{
    if (rig_is_virtual())
        return;
    char said[32] = "";
    int files[] = {open_temporary(), open_temporary()};
    put(files[0], "one\ntwo\n\nlast");
    lseek(files[0], 0, SEEK_SET);
    put(files[1], "before\n");
    struct outcome outcome = in_child(copy_in_child, files);
    assert_exited(&outcome, 0);
    ck_assert_str_eq(outcome.said, "done");
    ck_assert_int_gt(pread(files[1], said, sizeof said - 1, 0), 0);
    ck_assert_str_eq(said, "before\none\ntwo\n\nlastafter\n");
    close(files[0]);
    close(files[1]);
}
END_TEST

START_TEST(devices_are_read_and_written)
{
    if (rig_is_virtual())
        return;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct outcome outcome = in_child(copy_in_child, (int[]){null, null});
    assert_exited(&outcome, 0);
    close(null);
}
END_TEST

/* ---- what cannot be opened ---- */

static int open_what_is_closed(void *arg)
{
    asyncio_stream *stream;
    (void)arg;
    close(0);
    return asyncio_stdin(&stream) == -EBADF ? 0 : -EIO;
}

START_TEST(a_closed_descriptor_is_ebadf)
{
    if (rig_is_virtual())
        return;
    struct outcome outcome = run_in_child(open_what_is_closed);
    assert_exited(&outcome, 0);
}
END_TEST

static int fail_each_call(void *arg)
{
    (void)arg;
    warm_up();
    int fds = count_fds(), failures = 0;
    for (uint64_t n = 1;; n++) {
        asyncio_stream *stream = NULL;
        fault_arm(FAULT_ANY, n);
        int err = asyncio_stdin(&stream);
        bool has_struck = fault_disarm() >= n;
        if (err == 0)
            asyncio_stream_close(stream);
        failures += err < 0;
        settle_fds(fds);
        if (!has_struck)
            break;
    }
    ck_assert_int_gt(failures, 0);
    return 0;
}

START_TEST(an_opening_that_fails_leaves_nothing_behind)
{
    with_each_kind(0, fail_each_call);
}
END_TEST

SCENARIO(simulated_they_are_enotsup)
{
    asyncio_stream *stream, *other;
    if (!rig_is_virtual())
        return;
    ck_assert_int_eq(asyncio_stdin(&stream), -ENOTSUP);
    ck_assert_int_eq(asyncio_pipe(&stream, &other), -ENOTSUP);
}

START_TEST(outside_of_loops_they_are_eperm)
{
    asyncio_stream *stream, *other;
    ck_assert_int_eq(asyncio_stdin(&stream), -EPERM);
    ck_assert_int_eq(asyncio_stdout(&stream), -EPERM);
    ck_assert_int_eq(asyncio_stderr(&stream), -EPERM);
    ck_assert_int_eq(asyncio_pipe(&stream, &other), -EPERM);
}
END_TEST

/* ---- pipes ---- */

NET_SCENARIO(what_goes_into_a_pipe_comes_out)
{
    asyncio_stream *reader, *writer;
    ck_assert_int_eq(asyncio_pipe(&reader, &writer), 0);
    say_text(writer, "hello\n");
    hear_text(reader, "hello\n");
    asyncio_task line = asyncio_create_task(read_line_in_task, reader);
    let_a_turn_pass();
    say_text(writer, "z\n");
    ck_assert_int_eq(asyncio_await(line), 'z');
    ck_assert_int_eq(asyncio_stream_write_eof(writer), 0);
    hear_end(reader);
    asyncio_stream_close(writer);
    asyncio_stream_close(reader);
}

NET_SCENARIO(a_pipe_that_nobody_reads_is_epipe)
{
    asyncio_stream *reader, *writer;
    ck_assert_int_eq(asyncio_pipe(&reader, &writer), 0);
    asyncio_stream_close(reader);
    let_a_turn_pass();
    ck_assert_int_eq(asyncio_stream_write(writer, "x", 1, NULL), -EPIPE);
    asyncio_stream_close(writer);
}

/* ---- terminals ---- */

static bool modes_are_equal(int fd, const struct termios *before)
{
    struct termios now;
    ck_assert_int_eq(tcgetattr(fd, &now), 0);
    return now.c_lflag == before->c_lflag && now.c_iflag == before->c_iflag &&
           now.c_oflag == before->c_oflag && now.c_cflag == before->c_cflag &&
           !memcmp(now.c_cc, before->c_cc, sizeof now.c_cc);
}

static void read_key(asyncio_stream *stream, int main_fd, char key)
{
    char byte = 0;
    ck_assert_int_eq(write(main_fd, &key, 1), 1);
    ck_assert_int_eq(asyncio_stream_read(stream, &byte, 1), 1);
    ck_assert_int_eq(byte, key);
}

NET_SCENARIO(a_terminals_mode_is_changed_and_put_back)
{
    int main_fd, fd;
    struct termios before;
    struct asyncio_terminal terminal;
    asyncio_stream *stream;
    open_terminal(&main_fd, &fd);
    ck_assert_int_eq(tcgetattr(fd, &before), 0);
    int own = open(ptsname(main_fd), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_eq(asyncio_stream_from_fd(own, &stream), 0);

    ck_assert_int_eq(
        asyncio_terminal_begin(&terminal, fd, ASYNCIO_TERMINAL_CBREAK), 0);
    ck_assert(!modes_are_equal(fd, &before));
    read_key(stream, main_fd, 'k');
    ck_assert_int_eq(asyncio_terminal_end(&terminal), 0);
    ck_assert(modes_are_equal(fd, &before));

    ck_assert_int_eq(
        asyncio_terminal_begin(&terminal, fd, ASYNCIO_TERMINAL_RAW), 0);
    read_key(stream, main_fd, '\003');
    ck_assert_int_eq(asyncio_terminal_end(&terminal), 0);
    ck_assert(modes_are_equal(fd, &before));

    ck_assert_int_eq(
        asyncio_terminal_begin(&terminal, fd, ASYNCIO_TERMINAL_NO_ECHO), 0);
    put(main_fd, "secret\n");
    hear_text(stream, "secret\n");
    ck_assert_int_eq(asyncio_terminal_end(&terminal), 0);
    ck_assert(modes_are_equal(fd, &before));
    /* Of all that nothing came back; what is typed now does. */
    char echo[8] = "";
    put(main_fd, "x");
    ck_assert_int_eq(read(main_fd, echo, sizeof echo), 1);
    ck_assert_str_eq(echo, "x");

    asyncio_stream_close(stream);
    close(fd);
    close(main_fd);
}

NET_SCENARIO(a_terminal_tells_its_size)
{
    int main_fd, fd;
    struct asyncio_terminal_size size = {0, 0};
    const struct winsize window = {.ws_row = 24, .ws_col = 132};
    open_terminal(&main_fd, &fd);
    ck_assert_int_eq(ioctl(main_fd, TIOCSWINSZ, &window), 0);
    ck_assert_int_eq(asyncio_terminal_get_size(fd, &size), 0);
    ck_assert_uint_eq(size.rows, 24);
    ck_assert_uint_eq(size.columns, 132);
    close(fd);
    close(main_fd);
}

START_TEST(what_is_no_terminal_is_enotty)
{
    struct asyncio_terminal terminal;
    struct asyncio_terminal_size size;
    struct ends ends = open_pipe(0);
    int main_fd, fd;
    ck_assert_int_eq(asyncio_terminal_begin(&terminal, ends.read,
                                            ASYNCIO_TERMINAL_RAW),
                     -ENOTTY);
    ck_assert_int_eq(asyncio_terminal_get_size(ends.read, &size), -ENOTTY);
    ck_assert_int_eq(asyncio_terminal_get_size(-1, &size), -EBADF);
    close_ends(ends);
    open_terminal(&main_fd, &fd);
    ck_assert_int_eq(
        asyncio_terminal_begin(&terminal, fd, (enum asyncio_terminal_mode)9),
        -EINVAL);
    close(fd);
    close(main_fd);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("stdio");
    suite_case(suite, input_is_read_as_it_comes);
    suite_case(suite, a_cancelled_read_takes_nothing);
    suite_case(suite, closed_under_its_reader_it_is_ebadf);
    suite_case(suite, input_that_has_ended_is_read_to_its_end);
    suite_case(suite, input_that_has_ended_before_is_at_its_end);
    suite_case(suite, output_waits_for_its_reader);
    suite_case(suite, output_for_nobody_is_epipe);
    suite_case(suite, a_cancelled_or_closed_writer_lets_go);
    suite_case(suite, a_write_that_must_finish_does);
    suite_case(suite, files_are_read_and_written);
    suite_case(suite, devices_are_read_and_written);
    suite_case(suite, a_closed_descriptor_is_ebadf);
    suite_case(suite, an_opening_that_fails_leaves_nothing_behind);
    suite_case(suite, simulated_they_are_enotsup);
    suite_case(suite, outside_of_loops_they_are_eperm);
    suite_case(suite, what_goes_into_a_pipe_comes_out);
    suite_case(suite, a_pipe_that_nobody_reads_is_epipe);
    suite_case(suite, a_terminals_mode_is_changed_and_put_back);
    suite_case(suite, a_terminal_tells_its_size);
    suite_case(suite, what_is_no_terminal_is_enotty);
    return suite;
}
