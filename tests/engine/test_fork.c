/* SPDX-License-Identifier: MIT */
/* A fork's child inherits no loop, and its parent does not notice. */
#include "rig.h"

/* Check's handler of SIGALRM would end the whole test. */
static void end_if_it_hangs(void)
{
    signal(SIGALRM, SIG_DFL);
    alarm((unsigned)(15 * rig_slowness()));
}

/* The memory of the threads that a child does not have is lost in it. So that
 * nobody counts that as leaks, it ends well as another program. */
static _Noreturn void end_with(int status)
{
    if (status == 0)
        execl("/bin/true", "true", (char *)NULL);
    _exit(status);
}

/* A forked child that calls `body` and exits with what that returned. */
static pid_t fork_child(int (*body)(void))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        end_if_it_hangs();
        end_with(body());
    }
    /* In the parent only: Check's lock may have been held by another thread
     * when the child was made. */
    ck_assert_int_gt(child, 0);
    return child;
}

static int wait_status(pid_t child)
{
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

static void assert_child_is_well(int (*body)(void))
{
    int status = wait_status(fork_child(body));
    ck_assert_msg(status == 0, "status %#x", (unsigned)status);
}

/* ---- what is left of the parent's loop ---- */

static asyncio_loop *parents_loop;
static asyncio_task parents_task, parents_main;
static int parents_pipe[2];
static struct asyncio_lock parents_lock;

static int nothing_runs_here(void)
{
    char byte;
    asyncio_handle handle = {0};
    ck_assert_ptr_null(asyncio_get_running_loop());
    ck_assert_ptr_null(asyncio_backend_name());
    ck_assert_int_eq(asyncio_task_error(asyncio_current_task()), -EPERM);
    ck_assert_int_eq(asyncio_task_error(parents_task), -EPERM);
    ck_assert_int_eq(asyncio_sleep(0), -EPERM);
    ck_assert_int_eq(asyncio_sleep(1), -EPERM);
    ck_assert_int_eq(asyncio_await(parents_task), -EPERM);
    ck_assert_int_eq(asyncio_gather(&parents_task, 1, NULL), -EPERM);
    ck_assert_int_eq(asyncio_task_cancel(parents_task), -EPERM);
    ck_assert_int_eq(asyncio_check_cancelled(), -EPERM);
    ck_assert_int_eq(
        asyncio_task_error(asyncio_create_task(return_value, NULL)), -EPERM);
    ck_assert_int_eq(asyncio_fd_read(parents_pipe[0], &byte, 1), -EPERM);
    ck_assert_int_eq(asyncio_fd_wait(parents_pipe[1], ASYNCIO_WRITABLE),
                     -EPERM);
    ck_assert_int_eq(asyncio_wait_child(1, NULL), -EPERM);
    ck_assert_int_eq(asyncio_to_thread(return_value, NULL), -EPERM);
    ck_assert_int_eq(asyncio_lock_acquire(&parents_lock), -EPERM);
    ck_assert_int_eq(asyncio_call_soon(note_arg, NULL, NULL), -EPERM);
    ck_assert_int_eq(asyncio_call_later(1, note_arg, NULL, NULL), -EPERM);
    ck_assert_int_eq(asyncio_handle_cancel(handle), -EPERM);
    ck_assert_int_eq(asyncio_add_signal_handler(SIGUSR1, note_arg, NULL),
                     -EPERM);
    ck_assert_int_eq(
        asyncio_call_soon_threadsafe(parents_loop, note_arg, NULL),
        -ESHUTDOWN);
    return 0;
}

SCENARIO(in_the_child_nothing_runs)
{
    ck_assert_int_eq(pipe(parents_pipe), 0);
    parents_loop = asyncio_get_running_loop();
    parents_main = asyncio_current_task();
    parents_task = asyncio_create_task(sleep_for_ever, NULL);
    asyncio_lock_init(&parents_lock);
    ck_assert_int_eq(asyncio_sleep(0), 0);
    assert_child_is_well(nothing_runs_here);
    let_a_turn_pass();
    ck_assert(!asyncio_task_is_done(parents_task));
    asyncio_task_cancel(parents_task);
    ck_assert_int_eq(asyncio_await(parents_task), -ECANCELED);
    asyncio_lock_fini(&parents_lock);
    close(parents_pipe[0]);
    close(parents_pipe[1]);
}

static int fds_before;

static int fds_are_as_before(void)
{
    return count_fds() != fds_before;
}

static int fork_with_open_loop(void *arg)
{
    (void)arg;
    ck_assert_ptr_nonnull(asyncio_backend_name());
    atomic_int unused;
    ck_assert_int_eq(
        asyncio_add_signal_handler(SIGUSR1, note_arg, &unused), 0);
    let_a_turn_pass();
    assert_child_is_well(fds_are_as_before);
    return 0;
}

START_TEST(the_child_has_none_of_the_loops_descriptors)
{
    fds_before = count_fds();
    ck_assert_int_eq(asyncio_run(fork_with_open_loop, NULL), 0);
    ck_assert_int_eq(count_fds(), fds_before);
}
END_TEST

/* ---- a run in the child ---- */

static int thread_job(void *arg)
{
    return *(int *)arg + 1;
}

/* A bit of everything: timers, tasks, threads, pipes, children, signals. */
static int whole_main(void *arg)
{
    int one = 1, ends[2];
    double tick = TICK / 4;
    atomic_int arrivals = 0;
    char byte = 0;
    (void)arg;
    asyncio_task tasks[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = asyncio_create_task(sleep_seconds, &tick);
    ck_assert_int_eq(asyncio_gather(tasks, 3, NULL), 0);
    /* ThreadSanitizer allows no threads in the child of threads. */
    if (!CTX_TSAN)
        ck_assert_int_eq(asyncio_to_thread(thread_job, &one), 2);
    ck_assert_int_eq(asyncio_add_signal_handler(SIGUSR1, note_arg, &arrivals),
                     0);
    ck_assert_int_eq(asyncio_remove_signal_handler(SIGUSR1), 0);
    if (rig_is_virtual())
        return 0;
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(asyncio_fd_write(ends[1], "x", 1), 1);
    ck_assert_int_eq(asyncio_fd_read(ends[0], &byte, 1), 1);
    ck_assert_int_eq(byte, 'x');
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static int run_whole_main(void)
{
    return asyncio_run(whole_main, NULL) != 0;
}

SCENARIO(asyncio_run_works_anew_in_the_child)
{
    ck_assert_int_eq(whole_main(NULL), 0);
    assert_child_is_well(run_whole_main);
    ck_assert_int_eq(whole_main(NULL), 0);
}

static int generations_left;

static int descend(void *arg);

static int run_descend(void)
{
    return asyncio_run(descend, NULL) != 0;
}

static int descend(void *arg)
{
    ck_assert_int_eq(whole_main(arg), 0);
    if (--generations_left > 0)
        assert_child_is_well(run_descend);
    return whole_main(arg);
}

START_TEST(children_of_children_of_children)
{
    generations_left = 4;
    ck_assert_int_eq(asyncio_run(descend, NULL), 0);
}
END_TEST

/* ---- the parent ---- */

static int read_one(void *arg)
{
    char byte = 0;
    ssize_t len = asyncio_fd_read(*(int *)arg, &byte, 1);
    return len == 1 ? byte : -EIO;
}

static int block_on_pipe(void *arg)
{
    char byte = 0;
    return read(*(int *)arg, &byte, 1) == 1 ? byte : -EIO;
}

static int fork_among_waits(void *arg)
{
    int ends[2], thread_ends[2], fds;
    double seconds = 0.1;
    (void)arg;
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(pipe(thread_ends), 0);
    double start = asyncio_time();
    asyncio_task sleeping = asyncio_create_task(sleep_seconds, &seconds);
    asyncio_task reading = asyncio_create_task(read_one, &ends[0]);
    let_a_turn_pass();
    fds = count_fds();
    for (int i = 0; i < 5; i++)
        assert_child_is_well(run_whole_main);
    ck_assert_int_eq(count_fds(), fds);
    ck_assert(!asyncio_task_is_done(reading));
    ck_assert_int_eq(write(ends[1], "a", 1), 1);
    ck_assert_int_eq(asyncio_await(reading), 'a');
    ck_assert_int_eq(asyncio_await(sleeping), 0);
    assert_passed(start, seconds);
    close(ends[0]);
    close(ends[1]);
    close(thread_ends[0]);
    close(thread_ends[1]);
    return 0;
}

START_TEST(the_parents_timers_and_descriptors_go_on)
{
    if (rig_is_virtual())
        return;
    ck_assert_int_eq(asyncio_run(fork_among_waits, NULL), 0);
}
END_TEST

static int job_on_thread(void *arg)
{
    return asyncio_to_thread(block_on_pipe, arg);
}

static int fork_beside_thread(void *arg)
{
    int ends[2];
    (void)arg;
    ck_assert_int_eq(pipe(ends), 0);
    asyncio_task job = asyncio_create_task(job_on_thread, &ends[0]);
    let_a_turn_pass();
    for (int i = 0; i < 5; i++)
        assert_child_is_well(run_whole_main);
    ck_assert(!asyncio_task_is_done(job));
    ck_assert_int_eq(write(ends[1], "b", 1), 1);
    ck_assert_int_eq(asyncio_await(job), 'b');
    close(ends[0]);
    close(ends[1]);
    return whole_main(NULL);
}

START_TEST(the_parents_pool_threads_go_on)
{
    if (rig_is_virtual())
        return;                  /* jobs run inline there */
    ck_assert_int_eq(asyncio_run(fork_beside_thread, NULL), 0);
}
END_TEST

static int post_to_parent(void)
{
    for (int i = 0; i < 10; i++) {
        if (asyncio_call_soon_threadsafe(parents_loop, note_arg, NULL) !=
            -ESHUTDOWN)
            return 1;
    }
    asyncio_loop_ref(parents_loop);
    asyncio_loop_unref(parents_loop);
    return 0;
}

SCENARIO(posts_of_the_child_do_not_reach_the_parent)
{
    note_count = 0;
    parents_loop = asyncio_get_running_loop();
    assert_child_is_well(post_to_parent);
    let_a_turn_pass();
    ck_assert_int_eq(note_count, 0);
    ck_assert_int_eq(
        asyncio_call_soon_threadsafe(parents_loop, note_arg, NULL), 0);
    let_a_turn_pass();
    ck_assert_int_eq(note_count, 1);
}

/* ---- other threads' loops ---- */

enum { THREADS = 3 };

static atomic_int busy, may_end, busy_failures;

/* No assertions here: a child may be made while a thread holds Check's lock,
 * and has assertions of its own. */
static int be_busy(void *arg)
{
    int one = 1, failures = 0;
    double pause = rig_is_virtual() ? 0 : 0.0002;
    atomic_fetch_add((atomic_int *)arg, 1);
    for (int i = 0; i < 20; i++) {
        failures += asyncio_sleep(pause) != 0;
        failures += asyncio_to_thread(thread_job, &one) != 2;
    }
    return failures;
}

static void *run_busy_loops(void *arg)
{
    while (!atomic_load(&may_end))
        atomic_fetch_add(&busy_failures, asyncio_run(be_busy, &busy) != 0);
    return arg;
}

static int fork_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20; i++) {
        assert_child_is_well(run_whole_main);
        ck_assert_int_eq(asyncio_sleep(0), 0);
    }
    return 0;
}

/* AddressSanitizer's allocator (gcc 12's) does not hold its locks across a
 * fork: what a busy thread had locked stays so in the child, for ever. */
static bool children_of_busy_threads_can_allocate(void)
{
    if (CTX_ASAN)
        fprintf(stderr, "skipped: no forks beside busy threads under "
                        "AddressSanitizer\n");
    return !CTX_ASAN;
}

static void with_busy_threads(void (*body)(void))
{
    pthread_t threads[THREADS];
    if (!children_of_busy_threads_can_allocate())
        return;
    atomic_store(&may_end, 0);
    for (int i = 0; i < THREADS; i++)
        threads[i] = thread_start(run_busy_loops, NULL);
    await_count(&busy, THREADS);
    body();
    atomic_store(&may_end, 1);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    ck_assert_int_eq(atomic_load(&busy_failures), 0);
}

static void fork_in_a_run(void)
{
    ck_assert_int_eq(asyncio_run(fork_many, NULL), 0);
}

START_TEST(a_task_forks_while_other_threads_run_loops)
{
    with_busy_threads(fork_in_a_run);
}
END_TEST

static void fork_in_the_open(void)
{
    for (int i = 0; i < 20; i++)
        assert_child_is_well(run_whole_main);
}

START_TEST(a_thread_without_loop_forks_while_others_run_loops)
{
    with_busy_threads(fork_in_the_open);
}
END_TEST

/* ---- signals ---- */

static int sigint_is_default(void)
{
    struct sigaction action;
    if (sigaction(SIGINT, NULL, &action) != 0 || action.sa_handler != SIG_DFL)
        return 1;
    if (sigaction(SIGUSR1, NULL, &action) != 0 || action.sa_handler != SIG_IGN)
        return 2;
    return 0;
}

static int interrupt_oneself(void)
{
    raise(SIGINT);
    return 3;
}

static int be_interrupted(void *arg)
{
    int err;
    (void)arg;
    raise(SIGINT);
    do
        err = asyncio_sleep(TICK);
    while (err == 0);
    return err;
}

static int run_interrupted(void)
{
    return asyncio_run(be_interrupted, NULL) != -EINTR;
}

static int fork_with_handlers(void *arg)
{
    atomic_int count = 0;
    (void)arg;
    ck_assert_int_eq(asyncio_add_signal_handler(SIGUSR1, note_arg, &count), 0);
    assert_child_is_well(sigint_is_default);
    int status = wait_status(fork_child(interrupt_oneself));
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGINT);
    /* Nor does it deliver signals there. */
    if (!CTX_TSAN)
        assert_child_is_well(run_interrupted);
    /* And here both are still handled. */
    note_count = 0;
    raise(SIGUSR1);
    let_a_turn_pass();
    ck_assert_int_eq(note_count, 1);
    return be_interrupted(NULL);
}

START_TEST(the_child_has_the_old_actions)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGUSR1, SIG_IGN);
    ck_assert_int_eq(asyncio_run(fork_with_handlers, NULL), -EINTR);
}
END_TEST

static atomic_int storm_ended, listening;

static void *storm(void *arg)
{
    while (!atomic_load(&storm_ended))
        kill(0, SIGUSR1);        /* the whole group: children too */
    return arg;
}

static void ignore_arrival(void *arg)
{
    (void)arg;
}

static int listen_until_told(void *arg)
{
    ck_assert_int_eq(
        asyncio_add_signal_handler(SIGUSR1, ignore_arrival, arg), 0);
    atomic_fetch_add(&listening, 1);
    task_await_count(&may_end, 1);
    return 0;
}

static void *run_listener(void *arg)
{
    ck_assert_int_eq(asyncio_run(listen_until_told, NULL), 0);
    return arg;
}

static int nothing(void)
{
    return 0;
}

static void fork_in_a_storm(void *arg)
{
    pthread_t threads[THREADS], stormer;
    (void)arg;
    ck_assert_int_eq(setpgid(0, 0), 0);
    signal(SIGUSR1, SIG_IGN);
    for (int i = 0; i < THREADS; i++)
        threads[i] = thread_start(run_listener, NULL);
    await_count(&listening, THREADS);
    stormer = thread_start(storm, NULL);
    for (int i = 0; i < 200; i++)
        assert_child_is_well(nothing);
    atomic_store(&storm_ended, 1);
    thread_join(stormer);
    atomic_store(&may_end, 1);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
}

START_TEST(a_signal_that_a_child_gets_at_its_birth_is_not_the_parents)
{
    struct outcome outcome = in_child(fork_in_a_storm, NULL);
    assert_exited(&outcome, 0);
    assert_silent(&outcome);
}
END_TEST

/* ---- ways out ---- */

static int fork_and_return(void *arg)
{
    pid_t child = fork();
    if (child == 0)
        return *(int *)arg;
    return wait_status(child);
}

static void run_fork_and_return(void *arg)
{
    int zero = 0;
    (void)arg;
    int status = asyncio_run(fork_and_return, &zero);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
        _exit(1);
}

START_TEST(a_task_that_returns_in_the_child_panics)
{
    struct outcome outcome = in_child(run_fork_and_return, NULL);
    assert_exited(&outcome, 0);
    assert_said(&outcome, "a task returned in a fork's child");
}
END_TEST

static int callback_status;

static void fork_in_callback(void *arg)
{
    pid_t child = fork();
    if (child == 0) {
        end_if_it_hangs();
        if (arg)
            end_with(run_whole_main());
        return;
    }
    callback_status = wait_status(child);
}

static int call_fork_in_callback(void *arg)
{
    note_count = 0;
    callback_status = -1;
    ck_assert_int_eq(asyncio_call_soon(fork_in_callback, arg, NULL), 0);
    ck_assert_int_eq(asyncio_call_soon(note_arg, NULL, NULL), 0);
    let_a_turn_pass();
    ck_assert_int_eq(note_count, 1);
    return callback_status;
}

static void run_fork_in_callback(void *arg)
{
    int status = asyncio_run(call_fork_in_callback, arg);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
        _exit(1);
}

START_TEST(a_callback_that_returns_in_the_child_panics)
{
    struct outcome outcome = in_child(run_fork_in_callback, NULL);
    assert_exited(&outcome, 0);
    assert_said(&outcome, "a callback returned in a fork's child");
}
END_TEST

static int call_fork_in_handler(void *arg)
{
    callback_status = -1;
    ck_assert_int_eq(asyncio_add_signal_handler(SIGUSR1, fork_in_callback, arg),
                     0);
    raise(SIGUSR1);
    let_a_turn_pass();
    return callback_status;
}

static void run_fork_in_handler(void *arg)
{
    int status = asyncio_run(call_fork_in_handler, arg);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
        _exit(1);
}

START_TEST(a_signal_handler_that_returns_in_the_child_panics)
{
    struct outcome outcome = in_child(run_fork_in_handler, NULL);
    assert_exited(&outcome, 0);
    assert_said(&outcome, "a callback returned in a fork's child");
}
END_TEST

START_TEST(a_fork_in_a_callback_that_exits_is_fine)
{
    int one = 1;
    ck_assert_int_eq(asyncio_run(call_fork_in_callback, &one), 0);
    ck_assert_int_eq(asyncio_run(call_fork_in_handler, &one), 0);
}
END_TEST

/* ---- an inherited runner ---- */

static asyncio_runner *inherited;

static int use_and_free_inherited(void)
{
    int zero = 0;
    ck_assert_int_eq(asyncio_runner_run(inherited, return_value, &zero),
                     -EPERM);
    asyncio_runner_free(inherited);
    return run_whole_main();
}

static int start_a_crowd(void *arg)
{
    for (int i = 0; i < 5; i++) {
        asyncio_task task = asyncio_create_task(sleep_for_ever, arg);
        ck_assert_int_eq(asyncio_task_detach(task), 0);
    }
    return asyncio_call_soon(note_arg, NULL, NULL);
}

START_TEST(an_inherited_runner_does_not_run_and_is_freed)
{
    int one = 1;
    ck_assert_int_eq(asyncio_runner_new(NULL, &inherited), 0);
    assert_child_is_well(use_and_free_inherited);
    ck_assert_int_eq(asyncio_runner_run(inherited, whole_main, NULL), 0);
    assert_child_is_well(use_and_free_inherited);
    /* Tasks that are ready, and a callback. */
    note_count = 0;
    ck_assert_int_eq(asyncio_runner_run(inherited, start_a_crowd, NULL), 0);
    assert_child_is_well(use_and_free_inherited);
    ck_assert_int_eq(asyncio_runner_run(inherited, whole_main, NULL), 0);
    assert_child_is_well(use_and_free_inherited);
    ck_assert_int_eq(asyncio_runner_run(inherited, return_value, &one), 1);
    asyncio_runner_free(inherited);
}
END_TEST

static int free_it_in_a_childs_task(void *arg)
{
    (void)arg;
    /* Work that is ready must not run in the child. */
    parents_task = asyncio_create_task(return_value, &(int){0});
    ck_assert_int_eq(asyncio_call_soon(note_arg, number(1), NULL), 0);
    assert_child_is_well(use_and_free_inherited);
    ck_assert_int_eq(asyncio_await(parents_task), 0);
    return whole_main(NULL);
}

START_TEST(the_running_runner_is_freed_in_the_child)
{
    ck_assert_int_eq(asyncio_runner_new(NULL, &inherited), 0);
    ck_assert_int_eq(
        asyncio_runner_run(inherited, free_it_in_a_childs_task, NULL), 0);
    asyncio_runner_free(inherited);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("fork");
    suite_case(suite, in_the_child_nothing_runs);
    suite_case(suite, the_child_has_none_of_the_loops_descriptors);
    suite_case(suite, asyncio_run_works_anew_in_the_child);
    suite_case(suite, children_of_children_of_children);
    suite_case(suite, the_parents_timers_and_descriptors_go_on);
    suite_case(suite, the_parents_pool_threads_go_on);
    suite_case(suite, posts_of_the_child_do_not_reach_the_parent);
    suite_case(suite, a_task_forks_while_other_threads_run_loops);
    suite_case(suite, a_thread_without_loop_forks_while_others_run_loops);
    suite_case(suite, the_child_has_the_old_actions);
    suite_case(suite,
               a_signal_that_a_child_gets_at_its_birth_is_not_the_parents);
    suite_case(suite, a_task_that_returns_in_the_child_panics);
    suite_case(suite, a_callback_that_returns_in_the_child_panics);
    suite_case(suite, a_signal_handler_that_returns_in_the_child_panics);
    suite_case(suite, a_fork_in_a_callback_that_exits_is_fine);
    suite_case(suite, an_inherited_runner_does_not_run_and_is_freed);
    suite_case(suite, the_running_runner_is_freed_in_the_child);
    return suite;
}
