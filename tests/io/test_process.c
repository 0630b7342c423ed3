/* SPDX-License-Identifier: MIT */
/* Child processes: starting, redirecting, waiting, ending. */
#include "process_rig.h"

#include <sys/stat.h>

#include "base/fault.h"

static const struct asyncio_redirect to_pipe = {.to = ASYNCIO_PIPE};
static const struct asyncio_redirect to_null = {.to = ASYNCIO_DEVNULL};

/* ---- how they end ---- */

NET_SCENARIO(a_program_ends_with_its_status)
{
    const struct {
        const char *command;
        int returncode;
    } ends[] = {
        {"true", 0},
        {"false", 1},
        {"exit 77", 77},
        {"exit 255", 255},
        {"kill -TERM $$", -SIGTERM},
        {"kill -KILL $$", -SIGKILL},
        {"kill -PIPE $$", -SIGPIPE},
    };
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        asyncio_process *process = start_shell(ends[i].command, NULL);
        pid_t pid = asyncio_process_pid(process);
        ck_assert_int_gt(pid, 1);
        ck_assert_int_eq(wait_for(process), ends[i].returncode);
        ck_assert_int_eq(wait_for(process), ends[i].returncode);
        ck_assert_int_eq(kill(pid, 0), -1);
        asyncio_process_close(process);
    }
    assert_no_children();
}

NET_SCENARIO(the_returncode_of_one_that_runs_is_eagain)
{
    int returncode = 5;
    struct asyncio_process_options options = {.std_in = to_pipe};
    asyncio_process *process = start_program(ARGV("cat"), &options);
    ck_assert_int_eq(asyncio_process_returncode(process, &returncode),
                     -EAGAIN);
    ck_assert_int_eq(returncode, 5);
    ck_assert_int_eq(
        asyncio_stream_write_eof(asyncio_process_stdin(process)), 0);
    ck_assert_int_eq(asyncio_process_wait(process, NULL), 0);
    ck_assert_int_eq(asyncio_process_returncode(process, &returncode), 0);
    ck_assert_int_eq(returncode, 0);
    ck_assert_int_eq(asyncio_process_returncode(process, NULL), 0);
    asyncio_process_close(process);
}

static int wait_in_task(void *process)
{
    int returncode = -1;
    int err = asyncio_process_wait(process, &returncode);
    return err < 0 ? err : returncode;
}

NET_SCENARIO(many_may_wait_for_one)
{
    asyncio_task waiters[10];
    struct asyncio_process_options options = {.std_in = to_pipe};
    asyncio_process *process = start_shell("read line; exit 9", &options);
    for (size_t i = 0; i < ARRAY_SIZE(waiters); i++)
        waiters[i] = asyncio_create_task(wait_in_task, process);
    let_a_turn_pass();
    asyncio_task_cancel(waiters[3]);
    say_text(asyncio_process_stdin(process), "go\n");
    for (size_t i = 0; i < ARRAY_SIZE(waiters); i++)
        ck_assert_int_eq(asyncio_await(waiters[i]), i == 3 ? -ECANCELED : 9);
    asyncio_process_close(process);
}

NET_SCENARIO(it_need_not_be_waited_for)
{
    warm_up();
    int fds = count_fds();
    for (int i = 0; i < 20; i++)
        asyncio_process_close(start_program(ARGV("true"), NULL));
    assert_no_children();
    settle_fds(fds);
}

/* ---- redirections ---- */

NET_SCENARIO(a_child_talks_through_pipes)
{
    struct asyncio_process_options options = {.std_in = to_pipe,
                                              .std_out = to_pipe};
    asyncio_process *process = start_program(ARGV("cat"), &options);
    ck_assert_ptr_null(asyncio_process_stderr(process));
    ck_assert_ptr_null(asyncio_process_pipe(process, 3));
    for (int i = 0; i < 3; i++) {
        say_text(asyncio_process_stdin(process), "words\n");
        hear_text(asyncio_process_stdout(process), "words\n");
    }
    ck_assert_int_eq(
        asyncio_stream_write_eof(asyncio_process_stdin(process)), 0);
    hear_end(asyncio_process_stdout(process));
    ck_assert_int_eq(wait_for(process), 0);
    asyncio_process_close(process);
}

NET_SCENARIO(standard_error_goes_its_own_way_or_along)
{
    struct asyncio_communication talk = {0};
    struct asyncio_process_options options = {.std_out = to_pipe,
                                              .std_err = to_pipe};
    const char *command = "echo out; echo err >&2; echo again";
    asyncio_process *process = start_shell(command, &options);
    ck_assert_int_eq(asyncio_process_communicate(process, &talk), 0);
    ck_assert_str_eq(talk.out.bytes, "out\nagain\n");
    ck_assert_str_eq(talk.err.bytes, "err\n");
    ck_assert_uint_eq(talk.err.len, 4);
    asyncio_communication_fini(&talk);
    asyncio_process_close(process);

    options.std_err.to = ASYNCIO_STDOUT;
    assert_shell_says(command, options, "out\nerr\nagain\n");
    options.std_err.to = ASYNCIO_DEVNULL;
    assert_shell_says(command, options, "out\nagain\n");
}

NET_SCENARIO(input_from_nowhere_ends_at_once)
{
    struct asyncio_process_options options = {.std_in = to_null,
                                              .std_out = to_null};
    asyncio_process *process = start_program(ARGV("cat"), &options);
    ck_assert_int_eq(wait_for(process), 0);
    asyncio_process_close(process);
}

NET_SCENARIO(a_descriptor_of_the_callers_is_lent)
{
    char said[16] = "";
    int file = open_temporary();
    struct asyncio_process_options options = {
        .std_out = {ASYNCIO_FD, file},
        .std_err = {.to = ASYNCIO_STDOUT},
    };
    asyncio_process *process = start_shell("echo a; echo b >&2", &options);
    ck_assert_int_eq(wait_for(process), 0);
    asyncio_process_close(process);
    ck_assert_int_eq(pread(file, said, sizeof said, 0), 4);
    ck_assert_str_eq(said, "a\nb\n");
    ck_assert_int_eq(close(file), 0);
}

NET_SCENARIO(further_descriptors_lead_where_they_are_told)
{
    int file = open_temporary();
    put(file, "filed\n");
    ck_assert_int_eq(lseek(file, 0, SEEK_SET), 0);
    const struct asyncio_process_fd fds[] = {
        {7, {ASYNCIO_PIPE_IN, 0}}, {3, {ASYNCIO_FD, file}},
        {5, {ASYNCIO_PIPE, 0}},    {9, {ASYNCIO_STDOUT, 0}},
        {8, {ASYNCIO_DEVNULL, 0}},
    };
    struct asyncio_process_options options = {
        .std_out = to_pipe, .fds = fds, .fd_count = ARRAY_SIZE(fds)};
    asyncio_process *process = start_shell(
        "cat <&7 >&5; echo nine >&9; cat <&3; cat <&8", &options);
    say_text(asyncio_process_pipe(process, 7), "seven\n");
    ck_assert_int_eq(
        asyncio_stream_write_eof(asyncio_process_pipe(process, 7)), 0);
    hear_text(asyncio_process_pipe(process, 5), "seven\n");
    hear_text(asyncio_process_stdout(process), "nine\nfiled\n");
    hear_end(asyncio_process_stdout(process));
    ck_assert_int_eq(wait_for(process), 0);
    asyncio_process_close(process);
    close(file);
}

/* The shell's glob shows all it has; its own 10 and above is bash's affair. */
NET_SCENARIO(nothing_else_is_inherited)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);           /* no close-on-exec */
    int far = fcntl(ends[0], F_DUPFD, 200);
    const struct asyncio_process_fd fds[] = {{12, {ASYNCIO_DEVNULL, 0}}};
    struct asyncio_process_options options = {0};
    assert_shell_says("ls /proc/self/fd", options, "0\n1\n2\n3\n");
    options.fds = fds;
    options.fd_count = 1;
    assert_shell_says("exec ls /proc/self/fd", options, "0\n1\n12\n2\n3\n");
    const struct asyncio_process_fd own[] = {{ends[1], {ASYNCIO_INHERIT, 0}}};
    char expected[64];
    snprintf(expected, sizeof expected, "test -e /proc/self/fd/%d && echo yes",
             ends[1]);
    options.fds = own;
    assert_shell_says(expected, options, "yes\n");
    close(far);
    close(ends[0]);
    close(ends[1]);
}

/* 1 and 2 change places; each is needed when the other is overwritten. */
static int swap_outputs(void *arg)
{
    struct asyncio_process_options options = {
        .std_out = {ASYNCIO_FD, 2},
        .std_err = {ASYNCIO_FD, 1},
    };
    (void)arg;
    asyncio_process *process = start_shell("echo to one; echo to two >&2",
                                           &options);
    ck_assert_int_eq(wait_for(process), 0);
    asyncio_process_close(process);
    return 0;
}

static void swap_outputs_in_child(void *arg)
{
    const int *files = arg;
    dup2(files[0], 1);
    dup2(files[1], 2);
    if (asyncio_run(swap_outputs, NULL) != 0)
        _exit(1);
}

START_TEST(descriptors_may_change_places)
{
    if (rig_is_virtual())
        return;
    char said[2][16] = {"", ""};
    int files[] = {open_temporary(), open_temporary()};
    struct outcome outcome = in_child(swap_outputs_in_child, files);
    assert_exited(&outcome, 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_gt(pread(files[i], said[i], sizeof said[i], 0), 0);
        close(files[i]);
    }
    ck_assert_str_eq(said[0], "to two\n");
    ck_assert_str_eq(said[1], "to one\n");
}
END_TEST

/* Pipes then get the lowest numbers themselves. */
static int talk_without_standard_streams(void *arg)
{
    struct asyncio_process_options options = {.std_in = to_pipe,
                                              .std_out = to_pipe};
    (void)arg;
    asyncio_process *process = start_program(ARGV("cat"), &options);
    struct asyncio_communication talk = {.input = "hello", .input_len = 5};
    int err = asyncio_process_communicate(process, &talk);
    bool is_same = talk.out.len == 5 && !memcmp(talk.out.bytes, "hello", 5);
    asyncio_communication_fini(&talk);
    asyncio_process_close(process);
    return err < 0 ? err : is_same ? 0 : -EIO;
}

static void close_and_talk(void *arg)
{
    (void)arg;
    close(0);
    close(1);
    int err = asyncio_run(talk_without_standard_streams, NULL);
    if (err != 0)
        _exit(1);
}

START_TEST(a_program_without_standard_streams_starts_children)
{
    if (rig_is_virtual())
        return;
    struct outcome outcome = in_child(close_and_talk, NULL);
    assert_exited(&outcome, 0);
}
END_TEST

static int inherit_error(void *arg)
{
    (void)arg;
    asyncio_process *process = start_shell("echo from the child >&2", NULL);
    ck_assert_int_eq(wait_for(process), 0);
    asyncio_process_close(process);
    return 0;
}

START_TEST(standard_streams_are_inherited_by_default)
{
    if (rig_is_virtual())
        return;
    struct outcome outcome = run_in_child(inherit_error);
    assert_exited(&outcome, 0);
    assert_said(&outcome, "from the child");
}
END_TEST

/* A nonblocking pipe would surprise most programs. */
NET_SCENARIO(the_childs_ends_of_pipes_block)
{
    struct asyncio_process_options options = {.std_in = to_pipe};
    assert_shell_says("grep flags /proc/self/fdinfo/0 | tr -d 024; exec 0<&-",
                      options, "flags:\t\n");
}

/* ---- what else they are given ---- */

NET_SCENARIO(a_child_has_its_own_directory_and_environment)
{
    struct asyncio_process_options options = {.cwd = "/proc"};
    assert_shell_says("pwd", options, "/proc\n");
    options.cwd = NULL;
    options.env = ARGV("WORD=one two");
    assert_shell_says("echo \"$WORD\"; echo \"$HOME\"", options,
                      "one two\n\n");
    setenv("ASYNCIO_TEST_WORD", "inherited", 1);
    options.env = NULL;
    assert_shell_says("echo $ASYNCIO_TEST_WORD", options, "inherited\n");
}

NET_SCENARIO(the_program_may_differ_from_its_first_argument)
{
    struct asyncio_communication talk = {0};
    struct asyncio_process_options options = {.program = "/bin/sh",
                                              .std_out = to_pipe};
    asyncio_process *process =
        start_program(ARGV("other", "-c", "echo $0"), &options);
    ck_assert_int_eq(asyncio_process_communicate(process, &talk), 0);
    ck_assert_str_eq(talk.out.bytes, "other\n");
    asyncio_communication_fini(&talk);
    asyncio_process_close(process);
}

#define SIGNAL_SETS "grep -E '^Sig(Blk|Ign)' /proc/self/status"

static const char no_signals[] =
    "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n";

NET_SCENARIO(signals_are_at_their_defaults_in_the_child)
{
    sigset_t set, old;
    struct asyncio_process_options options = {0};
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, &old);
    signal(SIGUSR1, SIG_IGN);
    assert_shell_says("exec " SIGNAL_SETS, options, no_signals);
    options.keep_signals = true;
    assert_shell_says(SIGNAL_SETS " | sed 's/.*\\(...\\)$/\\1/'", options,
                      "800\n200\n");
    signal(SIGUSR1, SIG_DFL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

NET_SCENARIO(a_child_has_a_group_or_a_session_of_its_own_if_asked)
{
    struct asyncio_process_options options = {0};
    asyncio_process *process = start_sleeper(NULL, options);
    pid_t pid = asyncio_process_pid(process);
    ck_assert_int_eq(getpgid(pid), getpgrp());
    asyncio_process_close(process);

    options.new_session = true;
    process = start_sleeper(NULL, options);
    pid = asyncio_process_pid(process);
    ck_assert_int_eq(getsid(pid), pid);
    asyncio_process_close(process);

    options.new_session = false;
    options.new_group = true;
    process = start_sleeper(NULL, options);
    pid = asyncio_process_pid(process);
    ck_assert_int_eq(getpgid(pid), pid);
    struct asyncio_process_options join = {.group = pid};
    asyncio_process *second = start_sleeper(NULL, join);
    ck_assert_int_eq(getpgid(asyncio_process_pid(second)), pid);
    asyncio_process_close(second);
    asyncio_process_close(process);
}

/* ---- what keeps them from starting ---- */

static int try_start(const char *const *argv,
                     const struct asyncio_process_options *options)
{
    asyncio_process *process = NULL;
    int err = asyncio_create_subprocess_exec(argv, options, &process);
    if (err == 0)
        asyncio_process_close(process);
    return err;
}

static void make_file(char *ret_path, size_t size, const char *text,
                      mode_t mode)
{
    snprintf(ret_path, size, "/tmp/casyncio-test-XXXXXX");
    int fd = mkstemp(ret_path);
    ck_assert_int_ge(fd, 0);
    put(fd, text);
    fchmod(fd, mode);
    close(fd);
}

NET_SCENARIO(what_keeps_a_program_from_loading_is_the_result)
{
    static char long_word[1 << 20];
    char plain[64], junk[64];
    warm_up();
    make_file(plain, sizeof plain, "#!/bin/sh\n", 0644);
    make_file(junk, sizeof junk, "what is this", 0755);
    memset(long_word, 'x', sizeof long_word - 1);
    struct asyncio_process_options piped = {
        .std_in = to_pipe, .std_out = to_pipe, .std_err = to_pipe};
    struct asyncio_process_options nowhere = {.cwd = "/no/such/place"};
    struct asyncio_process_options in_file = {.cwd = plain};
    struct asyncio_process_options no_group = {.group = INT32_MAX};
    int fds = count_fds();

    ck_assert_int_eq(try_start(ARGV("no-such-program"), &piped), -ENOENT);
    ck_assert_int_eq(try_start(ARGV("/no/such/program"), &piped), -ENOENT);
    ck_assert_int_eq(try_start(ARGV(""), &piped), -ENOENT);
    ck_assert_int_eq(try_start(ARGV(plain), &piped), -EACCES);
    ck_assert_int_eq(try_start(ARGV("/tmp"), &piped), -EACCES);
    ck_assert_int_eq(try_start(ARGV(junk), &piped), -ENOEXEC);
    ck_assert_int_eq(try_start(ARGV("true", long_word), &piped), -E2BIG);
    ck_assert_int_eq(try_start(ARGV("true"), &nowhere), -ENOENT);
    ck_assert_int_eq(try_start(ARGV("true"), &in_file), -ENOTDIR);
    int err = try_start(ARGV("true"), &no_group);
    ck_assert(err == -EPERM || err == -ESRCH);
    settle_fds(fds);
    assert_no_children();
    unlink(plain);
    unlink(junk);
}

NET_SCENARIO(options_that_make_no_sense_are_refused)
{
    const struct asyncio_process_fd twice[] = {{4, {ASYNCIO_PIPE, 0}},
                                               {4, {ASYNCIO_PIPE, 0}}};
    const struct asyncio_process_fd low[] = {{2, {ASYNCIO_PIPE, 0}}};
    const struct asyncio_process_fd high[] = {{256, {ASYNCIO_PIPE, 0}}};
    const struct asyncio_process_options options[] = {
        {.fds = twice, .fd_count = 2},
        {.fds = low, .fd_count = 1},
        {.fds = high, .fd_count = 1},
        {.fds = twice, .fd_count = ASYNCIO_PROCESS_FDS_MAX + 1},
        {.std_out = {ASYNCIO_STDOUT, 0}},
        {.std_out = {(enum asyncio_redirect_to)99, 0}},
        {.new_group = true, .group = 5},
        {.new_session = true, .group = 5},
        {.group = -1},
        {.kill_group = true},
        {.grace = (double)NAN},
    };
    asyncio_process *process;
    warm_up();
    int fds = count_fds();
    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        ck_assert_int_eq(try_start(ARGV("true"), &options[i]), -EINVAL);
    ck_assert_int_eq(try_start(NULL, NULL), -EINVAL);
    ck_assert_int_eq(try_start((const char *const[]){NULL}, NULL), -EINVAL);
    ck_assert_int_eq(asyncio_create_subprocess_shell(NULL, NULL, &process),
                     -EINVAL);
    struct asyncio_process_options bad = {.std_out = {ASYNCIO_FD, 999}};
    ck_assert_int_eq(try_start(ARGV("true"), &bad), -EBADF);
    bad.std_out.fd = -1;
    ck_assert_int_eq(try_start(ARGV("true"), &bad), -EBADF);
    settle_fds(fds);
}

NET_SCENARIO(cancelled_already_it_starts_nothing)
{
    struct asyncio_timeout timeout;
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0), 0);
    ck_assert_int_eq(try_start(ARGV("true"), NULL), -ECANCELED);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, -ECANCELED), -ETIMEDOUT);
    assert_no_children();
}

/* Each allocation and system call of the start fails in turn. */
NET_SCENARIO(a_start_that_fails_leaves_nothing_behind)
{
    const struct asyncio_process_fd more[] = {{3, {ASYNCIO_PIPE_IN, 0}},
                                              {4, {ASYNCIO_FD, 0}}};
    struct asyncio_process_options options = {
        .std_in = to_pipe, .std_out = to_pipe, .std_err = to_pipe,
        .fds = more, .fd_count = 2};
    warm_up();
    int fds = count_fds(), failures = 0;
    for (uint64_t n = 1;; n++) {
        asyncio_process *process = NULL;
        fault_arm(FAULT_ANY, n);
        int err =
            asyncio_create_subprocess_exec(ARGV("true"), &options, &process);
        bool has_struck = fault_disarm() >= n;
        if (err == 0)
            asyncio_process_close(process);
        else
            failures++;
        assert_no_children();
        settle_fds(fds);
        if (!has_struck)
            break;
    }
    ck_assert_int_gt(failures, 10);
}

NET_SCENARIO(without_descriptors_it_is_emfile_and_goes_on_afterwards)
{
    struct asyncio_process_options options = {
        .std_in = to_pipe, .std_out = to_pipe, .std_err = to_pipe};
    struct rlimit old, low;
    warm_up();
    int fds = count_fds(), failures = 0;
    getrlimit(RLIMIT_NOFILE, &old);
    int next = dup(0);
    close(next);
    for (int spare = 0; spare < 12; spare++) {
        low = old;
        low.rlim_cur = (rlim_t)(next + spare);
        setrlimit(RLIMIT_NOFILE, &low);
        int err = try_start(ARGV("true"), &options);
        setrlimit(RLIMIT_NOFILE, &old);
        ck_assert(err == 0 || err == -EMFILE);
        failures += err < 0;
        assert_no_children();
        settle_fds(fds);
    }
    ck_assert_int_gt(failures, 0);
    ck_assert_int_lt(failures, 12);
}

static int start_one_too_many(void *arg)
{
    (void)arg;
    return try_start(ARGV("true"), NULL) == -EAGAIN ? 0 : -EIO;
}

static void limit_processes(void *arg)
{
    struct rlimit one = {1, 1};
    (void)arg;
    setrlimit(RLIMIT_NPROC, &one);
    if (getuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
        _exit(77);
    _exit(asyncio_run(start_one_too_many, NULL) == 0 ? 0 : 1);
}

START_TEST(one_process_too_many_is_eagain)
{
    if (rig_is_virtual())
        return;
    struct outcome outcome = in_child(limit_processes, NULL);
    if (WEXITSTATUS(outcome.status) == 77)
        puts("skipped: this user cannot become another");
    else
        assert_exited(&outcome, 0);
}
END_TEST

/* ---- signals ---- */

NET_SCENARIO(a_child_is_signalled)
{
    struct asyncio_process_options options = {0};
    const struct {
        int (*end)(asyncio_process *process);
        int returncode;
    } ways[] = {{asyncio_process_terminate, -SIGTERM},
                {asyncio_process_kill, -SIGKILL}};
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        asyncio_process *process = start_sleeper(NULL, options);
        ck_assert_int_eq(ways[i].end(process), 0);
        ck_assert_int_eq(wait_for(process), ways[i].returncode);
        ck_assert_int_eq(ways[i].end(process), -ESRCH);
        asyncio_process_close(process);
    }
    asyncio_process *process = start_sleeper(NULL, options);
    ck_assert_int_eq(asyncio_process_send_signal(process, 0), 0);
    ck_assert_int_eq(asyncio_process_send_signal(process, 1000), -EINVAL);
    ck_assert_int_eq(asyncio_process_send_signal(process, SIGINT), 0);
    ck_assert_int_eq(wait_for(process), -SIGINT);
    ck_assert_int_eq(asyncio_process_send_signal(process, 0), -ESRCH);
    asyncio_process_close(process);
}

/* ---- closing ---- */

/* The write end of a pipe that the child and all of its own have; the read end
 * tells when the last of them has gone. */
static void assert_all_gone(struct ends ends)
{
    char byte;
    alarm((unsigned)(15 * rig_slowness()));
    ck_assert_int_eq(read(ends.read, &byte, 1), 0);
    alarm(0);
    close(ends.read);
}

NET_SCENARIO(closing_ends_what_still_runs)
{
    struct asyncio_process_options options = {0};
    double start = asyncio_time();
    asyncio_process *process = start_sleeper(NULL, options);
    pid_t pid = asyncio_process_pid(process);
    asyncio_process_close(process);
    ck_assert_int_eq(kill(pid, 0), -1);
    assert_no_children();
    asyncio_process_close(NULL);
    ck_assert_double_lt(asyncio_time() - start, 5);
}

NET_SCENARIO(one_that_does_not_listen_is_killed_after_a_while)
{
    struct asyncio_process_options options = {.grace = 0.05};
    double start = asyncio_time();
    asyncio_process *process = start_sleeper("trap '' TERM;", options);
    asyncio_process_close(process);
    ck_assert_double_ge(asyncio_time() - start, 0.05);
    assert_no_children();
}

NET_SCENARIO(one_that_is_stopped_hears_of_it_too)
{
    siginfo_t info;
    struct asyncio_process_options options = {.grace = 1000};
    asyncio_process *process = start_sleeper(NULL, options);
    pid_t pid = asyncio_process_pid(process);
    ck_assert_int_eq(asyncio_process_send_signal(process, SIGSTOP), 0);
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
    asyncio_process_close(process);
    assert_no_children();
}

NET_SCENARIO(a_whole_group_is_ended_where_that_was_asked_for)
{
    struct ends ends = open_pipe(0);
    const struct asyncio_process_fd fds[] = {{3, {ASYNCIO_FD, ends.write}}};
    struct asyncio_process_options options = {
        .fds = fds, .fd_count = 1, .new_group = true, .kill_group = true};
    asyncio_process *process = start_sleeper("sleep 100 &", options);
    close(ends.write);
    asyncio_process_close(process);
    assert_all_gone(ends);
    assert_no_children();
}

static int close_in_task(void *process)
{
    asyncio_process_close(process);
    return asyncio_check_cancelled();
}

NET_SCENARIO(a_cancel_does_not_cut_the_end_short)
{
    struct asyncio_process_options options = {.grace = 0.05};
    asyncio_process *process = start_sleeper("trap '' TERM;", options);
    asyncio_task closer = asyncio_create_task(close_in_task, process);
    asyncio_task_cancel(closer);
    ck_assert_int_eq(asyncio_await(closer), -ECANCELED);
    assert_no_children();
}

NET_SCENARIO(closed_under_its_waiters_it_is_ebadf_or_has_ended)
{
    struct asyncio_process_options options = {0};
    for (int i = 0; i < 10; i++) {
        asyncio_process *process = start_sleeper(NULL, options);
        asyncio_task waiter = asyncio_create_task(wait_in_task, process);
        if (i % 2)
            let_a_turn_pass();
        asyncio_process_close(process);
        int result = asyncio_await(waiter);
        ck_assert(result == -EBADF || result == -SIGTERM);
    }
    assert_no_children();
}

static asyncio_process *left_open;

static int start_and_leave_open(void *arg)
{
    struct asyncio_process_options options = {.std_in = to_pipe};
    (void)arg;
    left_open = start_program(ARGV("cat"), &options);
    return 0;
}

START_TEST(one_may_be_closed_when_its_loop_has_ended)
{
    if (rig_is_virtual())
        return;
    int fds = count_fds();
    ck_assert_int_eq(asyncio_run(start_and_leave_open, NULL), 0);
    asyncio_process_close(left_open);
    assert_no_children();
    ck_assert_int_eq(count_fds(), fds);
}
END_TEST

NET_SCENARIO(detached_it_runs_on)
{
    int status;
    struct asyncio_process_options options = {.kill_on_cancel = true};
    asyncio_process *process = start_sleeper(NULL, options);
    asyncio_task waiter = asyncio_create_task(wait_in_task, process);
    let_a_turn_pass();
    ck_assert_int_eq(asyncio_process_detach(process), -EBUSY);
    asyncio_process_terminate(process);
    ck_assert_int_eq(asyncio_await(waiter), -SIGTERM);
    ck_assert_int_eq(asyncio_process_detach(process), -ECHILD);

    process = start_sleeper(NULL, options);
    pid_t pid = asyncio_process_pid(process);
    ck_assert_int_eq(asyncio_process_detach(process), pid);
    ck_assert_int_eq(kill(pid, SIGTERM), 0);
    ck_assert_int_eq(asyncio_wait_child(pid, &status), 0);
    ck_assert_int_eq(WTERMSIG(status), SIGTERM);
}

/* ---- cancelled waits ---- */

NET_SCENARIO(cancelled_the_child_runs_on)
{
    struct asyncio_process_options options = {0};
    asyncio_process *process = start_sleeper(NULL, options);
    for (int i = 0; i < 4; i++) {
        asyncio_task waiter = asyncio_create_task(wait_in_task, process);
        if (i % 2)
            let_a_turn_pass();
        asyncio_task_cancel(waiter);
        ck_assert_int_eq(asyncio_await(waiter), -ECANCELED);
    }
    ck_assert_int_eq(asyncio_process_returncode(process, NULL), -EAGAIN);
    ck_assert_int_eq(asyncio_process_terminate(process), 0);
    ck_assert_int_eq(wait_for(process), -SIGTERM);
    asyncio_process_close(process);
}

NET_SCENARIO(cancelled_the_child_is_ended_where_that_was_asked_for)
{
    const struct {
        const char *before;
        double grace;
        int returncode;
    } ways[] = {
        {NULL, 0, -SIGTERM},
        {"trap '' TERM;", 0.01, -SIGKILL},
        {NULL, -1, -SIGKILL},
    };
    for (size_t i = 0; i < 2 * ARRAY_SIZE(ways); i++) {
        int returncode = 0;
        struct asyncio_process_options options = {
            .kill_on_cancel = true, .grace = ways[i / 2].grace};
        asyncio_process *process = start_sleeper(ways[i / 2].before, options);
        asyncio_task waiter = asyncio_create_task(wait_in_task, process);
        if (i % 2)
            let_a_turn_pass();
        asyncio_task_cancel(waiter);
        ck_assert_int_eq(asyncio_await(waiter), -ECANCELED);
        ck_assert_int_eq(asyncio_process_returncode(process, &returncode), 0);
        ck_assert_int_eq(returncode, ways[i / 2].returncode);
        asyncio_process_close(process);
    }
}

NET_SCENARIO(a_deadline_ends_it_and_is_etimedout)
{
    struct asyncio_timeout timeout;
    int returncode = 0;
    struct asyncio_process_options options = {.kill_on_cancel = true};
    asyncio_process *process = start_sleeper(NULL, options);
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0.01), 0);
    int err = asyncio_process_wait(process, NULL);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
    ck_assert_int_eq(asyncio_process_returncode(process, &returncode), 0);
    ck_assert_int_eq(returncode, -SIGTERM);
    asyncio_process_close(process);
}

/* ---- other owners ---- */

static int lose_children(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10; i++) {
        asyncio_process *process = start_program(ARGV("true"), NULL);
        ck_assert_int_eq(asyncio_process_wait(process, NULL), -ECHILD);
        ck_assert_int_eq(asyncio_process_kill(process), -ESRCH);
        asyncio_process_close(process);
    }
    return 0;
}

static void ignore_children(void *arg)
{
    (void)arg;
    signal(SIGCHLD, SIG_IGN);
    _exit(asyncio_run(lose_children, NULL) == 0 ? 0 : 1);
}

START_TEST(a_program_that_ignores_sigchld_loses_what_they_came_to)
{
    if (rig_is_virtual())
        return;
    struct outcome outcome = in_child(ignore_children, NULL);
    assert_exited(&outcome, 0);
}
END_TEST

NET_SCENARIO(the_programs_own_children_are_left_to_it)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(5);
    asyncio_process *process = start_program(ARGV("true"), NULL);
    ck_assert_int_eq(wait_for(process), 0);
    asyncio_process_close(process);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(WEXITSTATUS(status), 5);
}

SCENARIO(simulated_it_is_enotsup)
{
    if (rig_is_virtual())
        ck_assert_int_eq(try_start(ARGV("true"), NULL), -ENOTSUP);
}

START_TEST(outside_of_tasks_it_is_eperm)
{
    asyncio_process *process;
    ck_assert_int_eq(
        asyncio_create_subprocess_exec(ARGV("true"), NULL, &process), -EPERM);
    ck_assert_int_eq(asyncio_create_subprocess_shell("true", NULL, &process),
                     -EPERM);
}
END_TEST

/* ---- thousands ---- */

enum { CHILDREN = 2000, AT_ONCE = 32 };

static struct asyncio_semaphore room;
static int ended, most_fds;

static int run_one(void *arg)
{
    struct asyncio_communication talk = {0};
    struct asyncio_process_options options = {.std_out = to_pipe};
    (void)arg;
    ck_assert_int_eq(asyncio_semaphore_acquire(&room), 0);
    asyncio_process *process = start_program(ARGV("echo", "x"), &options);
    ck_assert_int_eq(asyncio_process_communicate(process, &talk), 0);
    ck_assert_str_eq(talk.out.bytes, "x\n");
    ck_assert_int_eq(wait_for(process), 0);
    asyncio_communication_fini(&talk);
    if (++ended % 100 == 0 && count_fds() > most_fds)
        most_fds = count_fds();
    asyncio_process_close(process);
    return asyncio_semaphore_release(&room);
}

NET_SCENARIO(thousands_of_children_some_at_once)
{
    struct asyncio_group group;
    int children = CHILDREN / (int)rig_slowness();
    warm_up();
    int fds = count_fds();
    ended = most_fds = 0;
    asyncio_semaphore_init(&room, AT_ONCE);
    ck_assert_int_eq(asyncio_group_begin(&group), 0);
    for (int i = 0; i < children; i++)
        asyncio_group_create_task(&group, run_one, NULL);
    ck_assert_int_eq(asyncio_group_end(&group, 0), 0);
    asyncio_semaphore_fini(&room);
    ck_assert_int_eq(ended, children);
    /* A pipe and a pidfd each; a ring is late in letting go of them. */
    ck_assert_int_le(most_fds, fds + 4 * AT_ONCE);
    assert_no_children();
    settle_fds(fds);
}

Suite *test_suite(void)
{
    skip_without_pidfds();
    Suite *suite = suite_create("process");
    suite_case(suite, a_program_ends_with_its_status);
    suite_case(suite, the_returncode_of_one_that_runs_is_eagain);
    suite_case(suite, many_may_wait_for_one);
    suite_case(suite, it_need_not_be_waited_for);
    suite_case(suite, a_child_talks_through_pipes);
    suite_case(suite, standard_error_goes_its_own_way_or_along);
    suite_case(suite, input_from_nowhere_ends_at_once);
    suite_case(suite, a_descriptor_of_the_callers_is_lent);
    suite_case(suite, further_descriptors_lead_where_they_are_told);
    suite_case(suite, nothing_else_is_inherited);
    suite_case(suite, descriptors_may_change_places);
    suite_case(suite, a_program_without_standard_streams_starts_children);
    suite_case(suite, standard_streams_are_inherited_by_default);
    suite_case(suite, the_childs_ends_of_pipes_block);
    suite_case(suite, a_child_has_its_own_directory_and_environment);
    suite_case(suite, the_program_may_differ_from_its_first_argument);
    suite_case(suite, signals_are_at_their_defaults_in_the_child);
    suite_case(suite, a_child_has_a_group_or_a_session_of_its_own_if_asked);
    suite_case(suite, what_keeps_a_program_from_loading_is_the_result);
    suite_case(suite, options_that_make_no_sense_are_refused);
    suite_case(suite, cancelled_already_it_starts_nothing);
    suite_case(suite, a_start_that_fails_leaves_nothing_behind);
    suite_case(suite,
               without_descriptors_it_is_emfile_and_goes_on_afterwards);
    suite_case(suite, one_process_too_many_is_eagain);
    suite_case(suite, a_child_is_signalled);
    suite_case(suite, closing_ends_what_still_runs);
    suite_case(suite, one_that_does_not_listen_is_killed_after_a_while);
    suite_case(suite, one_that_is_stopped_hears_of_it_too);
    suite_case(suite, a_whole_group_is_ended_where_that_was_asked_for);
    suite_case(suite, a_cancel_does_not_cut_the_end_short);
    suite_case(suite, closed_under_its_waiters_it_is_ebadf_or_has_ended);
    suite_case(suite, one_may_be_closed_when_its_loop_has_ended);
    suite_case(suite, detached_it_runs_on);
    suite_case(suite, cancelled_the_child_runs_on);
    suite_case(suite, cancelled_the_child_is_ended_where_that_was_asked_for);
    suite_case(suite, a_deadline_ends_it_and_is_etimedout);
    suite_case(suite, a_program_that_ignores_sigchld_loses_what_they_came_to);
    suite_case(suite, the_programs_own_children_are_left_to_it);
    suite_case(suite, simulated_it_is_enotsup);
    suite_case(suite, outside_of_tasks_it_is_eperm);
    suite_case(suite, thousands_of_children_some_at_once);
    return suite;
}
