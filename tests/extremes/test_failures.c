/* SPDX-License-Identifier: MIT */
/*
 * Every path with its first allocation or system call failing, then its
 * second, and so on until the failure lies behind its end (failing.h).
 */
#include "failing.h"

#include <pthread.h>
#include <sched.h>

static int nap(void *arg)
{
    (void)arg;
    return asyncio_sleep(nap_seconds);
}

/* ---- hello ---- */

static int hello_main(void *arg)
{
    (void)arg;
    TRY(asyncio_sleep(nap_seconds));
    return asyncio_await(asyncio_create_task(nap, NULL));
}

FAILING(hello)
{
    int err = asyncio_run(hello_main, NULL);
    /* A loop that cannot wait cancels everything, and says why. */
    ck_assert_int_ne(err, -ECANCELED);
    return err;
}

/* Nothing but the refusal of the back end may end it so. */
static int unwound;

static int unwinding_main(void *arg)
{
    asyncio_task child = asyncio_create_task(nap, arg);
    int err = asyncio_await(child);
    unwound++;
    return err;
}

FAILING(a_loop_that_cannot_wait_unwinds)
{
    unwound = 0;
    int err = asyncio_run(unwinding_main, NULL);
    if (err == 0)
        ck_assert_int_eq(unwound, 1);
    return err;
}

/* ---- tasks ---- */

enum { CROWD = 300 };

static int value_after_yield(void *arg)
{
    TRY(asyncio_sleep(0));
    return *(int *)arg;
}

/* One failure is one task's. */
static int crowd_main(void *arg)
{
    asyncio_task tasks[CROWD];
    int values[CROWD], results[CROWD], failures = 0;
    (void)arg;
    for (int i = 0; i < CROWD; i++) {
        values[i] = i;
        tasks[i] = asyncio_create_task(value_after_yield, &values[i]);
    }
    int err = asyncio_gather(tasks, CROWD, results);
    for (int i = 0; i < CROWD; i++) {
        if (results[i] == -ENOMEM)
            failures++;
        else
            ck_assert_int_eq(results[i], i);
    }
    ck_assert_int_le(failures, 1);
    ck_assert_int_eq(err, failures ? -ENOMEM : 0);
    return err;
}

FAILING(a_crowd)
{
    return asyncio_run(crowd_main, NULL);
}

static int sum_of_bytes(void *arg)
{
    const unsigned char *bytes = arg;
    int sum = 0;
    TRY(asyncio_sleep(0));
    for (int i = 0; i < 64; i++)
        sum += bytes[i];
    return sum;
}

/* The frames of sanitizers are large. */
enum { SIZE_FACTOR = CTX_MARKED ? 16 : 1 };

static int sizes_main(void *arg)
{
    static const struct asyncio_task_options options[] = {
        {.stack_size = SIZE_FACTOR * 64 * 1024, .arg_size = 64},
        {.stack_size = SIZE_FACTOR * 16 * 1024, .arg_size = 64, .name = "few"},
        {.stack_size = SIZE_FACTOR * 2048, .dense_stack = true, .arg_size = 64},
        {.stack_size = SIZE_FACTOR * 6144, .dense_stack = true, .name = "many"},
        {.dense_stack = true},
    };
    unsigned char bytes[64];
    asyncio_task tasks[4 * ARRAY_SIZE(options)];
    int results[ARRAY_SIZE(tasks)];
    (void)arg;
    memset(bytes, 1, sizeof bytes);
    for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
        tasks[i] = asyncio_create_task_with(
            sum_of_bytes, bytes, &options[i % ARRAY_SIZE(options)]);
    int err = asyncio_gather(tasks, ARRAY_SIZE(tasks), results);
    for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
        ck_assert(results[i] == 64 || results[i] == err);
    return err;
}

FAILING(stacks_of_many_sizes)
{
    return asyncio_run(sizes_main, NULL);
}

/* ---- scopes ---- */

static int shielded_nap(void *arg)
{
    struct asyncio_shield shield;
    TRY(asyncio_shield_begin(&shield, ASYNCIO_FOREVER));
    return asyncio_shield_end(&shield, nap(arg));
}

static int hurried_nap(void *arg)
{
    struct asyncio_timeout timeout;
    (void)arg;
    TRY(asyncio_timeout_begin(&timeout, nap_seconds));
    int err = asyncio_timeout_end(&timeout, asyncio_sleep(1000));
    return err == -ETIMEDOUT ? 0 : err;
}

static int fill_group(struct asyncio_group *group, void *arg)
{
    for (int i = 0; i < 20; i++) {
        asyncio_fn *fn = i % 2 ? shielded_nap : hurried_nap;
        TRY(asyncio_task_error(asyncio_group_create_task(group, fn, arg)));
    }
    return shielded_nap(arg);
}

static int scopes_main(void *arg)
{
    struct asyncio_timeout timeout;
    TRY(asyncio_timeout_begin(&timeout, 1000));
    return asyncio_timeout_end(&timeout, asyncio_group_run(fill_group, arg));
}

FAILING(groups_timeouts_and_shields)
{
    return asyncio_run(scopes_main, NULL);
}

/* ---- waiting for several ---- */

enum { WAITED = 20 };

static int take_in_order(const asyncio_task *tasks, size_t *ret_taken)
{
    struct asyncio_as_completed it;
    size_t index;
    int result, got;
    TRY(asyncio_as_completed_init(&it, tasks, WAITED));
    while ((got = asyncio_as_completed_next(&it, &index, &result)) > 0)
        *ret_taken += 1;
    asyncio_as_completed_fini(&it);
    return got;
}

static int waits_main(void *arg)
{
    asyncio_task tasks[WAITED] = {{0}};
    bool done[WAITED];
    size_t taken = 0, alive = 0;
    for (int i = 0; i < WAITED; i++) {
        tasks[i] = asyncio_create_task(i % 2 ? nap : hurried_nap, arg);
        if (asyncio_task_error(tasks[i]) < 0)
            break;
    }
    int err = asyncio_wait(tasks, WAITED, ASYNCIO_FIRST_COMPLETED, 1000, done);
    if (err >= 0)
        err = take_in_order(tasks, &taken);
    for (int i = 0; i < WAITED; i++)
        alive += asyncio_task_error(tasks[i]) == 0;
    if (err == 0)
        ck_assert_uint_eq(taken, WAITED);
    ck_assert_uint_le(taken + alive, WAITED);
    /* What is left is ended by the end of its owner. */
    return err;
}

FAILING(wait_and_as_completed)
{
    return asyncio_run(waits_main, NULL);
}

/* ---- task-locals ---- */

static int locals_set, locals_destroyed;

static void local_destroy(void *value)
{
    (void)value;
    locals_destroyed++;
}

static const struct asyncio_local locals[3] = {
    {.destroy = local_destroy},
    {.destroy = local_destroy},
    {.destroy = local_destroy},
};

static int set_locals(void *arg)
{
    for (size_t i = 0; i < ARRAY_SIZE(locals); i++) {
        TRY(asyncio_local_set(&locals[i], arg));
        locals_set++;
        ck_assert_ptr_eq(asyncio_local_get(&locals[i]), arg);
    }
    return asyncio_sleep(0);
}

static int locals_main(void *arg)
{
    int own, values[4];
    asyncio_task tasks[4];
    (void)arg;
    int err = set_locals(&own);
    for (int i = 0; i < 4; i++)
        tasks[i] = asyncio_create_task(set_locals, &values[i]);
    int failure = asyncio_gather(tasks, 4, NULL);
    return err < 0 ? err : failure;
}

FAILING(task_locals)
{
    locals_set = locals_destroyed = 0;
    int err = asyncio_run(locals_main, NULL);
    ck_assert_int_eq(locals_set, locals_destroyed);
    return err;
}

/* ---- callbacks ---- */

enum { CALLBACKS = 150 };

static int calls;

static void count_call(void *arg)
{
    (void)arg;
    calls++;
}

static int callbacks_main(void *arg)
{
    asyncio_handle soon, later;
    for (int i = 0; i < CALLBACKS; i++) {
        TRY(asyncio_call_soon(count_call, arg, &soon));
        TRY(asyncio_call_later(nap_seconds / 2, count_call, arg, &later));
        if (i % 3)
            continue;
        ck_assert_int_eq(asyncio_handle_cancel(soon), 0);
        ck_assert_int_eq(asyncio_handle_cancel(later), 0);
        ck_assert_int_eq(asyncio_handle_cancel(later), -ESRCH);
    }
    TRY(asyncio_sleep(nap_seconds));
    ck_assert_int_eq(calls, 2 * (CALLBACKS - CALLBACKS / 3));
    return 0;
}

FAILING(callbacks_and_handles)
{
    calls = 0;
    return asyncio_run(callbacks_main, NULL);
}

/* ---- from other threads ---- */

struct outsider {
    pthread_t thread;
    asyncio_loop *loop;          /* counted */
    atomic_int called;
    atomic_bool is_over;
    int err;                     /* the first that the thread was told */
};

static void outsider_callback(void *arg)
{
    struct outsider *outsider = arg;
    atomic_fetch_add(&outsider->called, 1);
}

static int outsider_drive(struct outsider *outsider)
{
    asyncio_future *future;
    for (int i = 0; i < 3; i++)
        TRY(asyncio_call_soon_threadsafe(outsider->loop, outsider_callback,
                                         outsider));
    TRY(asyncio_run_coroutine_threadsafe(outsider->loop, nap, NULL, &future));
    int err = asyncio_future_result(future, 100);
    asyncio_future_free(future);
    return err;
}

static void *outsider_thread(void *arg)
{
    struct outsider *outsider = arg;
    outsider->err = outsider_drive(outsider);
    atomic_store(&outsider->is_over, true);
    return NULL;
}

static int outsider_main(void *arg)
{
    struct outsider *outsider = arg;
    outsider->loop = asyncio_loop_ref(asyncio_get_running_loop());
    ck_assert_int_eq(pthread_create(&outsider->thread, NULL, outsider_thread,
                                    outsider),
                     0);
    while (!atomic_load(&outsider->is_over))
        TRY(asyncio_sleep(nap_seconds));
    return 0;
}

FAILING(calls_from_another_thread)
{
    struct outsider outsider = {.loop = NULL};
    if (rig_is_virtual())
        return 0;                /* threads are outside of the simulation */
    int err = asyncio_run(outsider_main, &outsider);
    if (outsider.loop)
        ck_assert_int_eq(pthread_join(outsider.thread, NULL), 0);
    asyncio_loop_unref(outsider.loop);
    if (err == 0 && outsider.err == 0)
        ck_assert_int_eq(atomic_load(&outsider.called), 3);
    return err < 0 ? err : outsider.err;
}

static int work_briefly(void *arg)
{
    (void)arg;
    sys_thread_sleep(100000);
    return 0;
}

static int send_to_thread(void *arg)
{
    return asyncio_to_thread(work_briefly, arg);
}

static int to_thread_main(void *arg)
{
    asyncio_task tasks[8];
    for (int i = 0; i < 8; i++)
        tasks[i] = asyncio_create_task(send_to_thread, arg);
    return asyncio_gather(tasks, 8, NULL);
}

FAILING(to_thread)
{
    return asyncio_run(to_thread_main, NULL);
}

static atomic_int discarded;

static void discard(void *arg)
{
    (void)arg;
    atomic_fetch_add(&discarded, 1);
}

static int abandon_some(int *ret_gone)
{
    for (int i = 0; i < 6; i++) {
        struct asyncio_timeout timeout;
        TRY(asyncio_timeout_begin(&timeout, i % 2 ? 1000 : nap_seconds / 10));
        int err =
            asyncio_to_thread_abandonable(work_briefly, NULL, discard);
        *ret_gone += err == -ECANCELED;
        err = asyncio_timeout_end(&timeout, err);
        if (err != -ETIMEDOUT)
            TRY(err);
    }
    return 0;
}

static int abandonable_main(void *arg)
{
    return abandon_some(arg);
}

/* -ECANCELED says that the argument is gone, now or when the thread is done;
 * everything else that it is still the caller's. */
FAILING(to_thread_abandonable)
{
    int gone = 0;
    atomic_store(&discarded, 0);
    int err = asyncio_run(abandonable_main, &gone);
    for (int i = 0; i < 5000 && atomic_load(&discarded) != gone; i++)
        sys_thread_sleep(NSEC_PER_MSEC);
    ck_assert_int_eq(atomic_load(&discarded), gone);
    return err;
}

/* ---- queues ---- */

static int compare_ints(const void *a, const void *b)
{
    int left = *(const int *)a, right = *(const int *)b;
    return (left > right) - (left < right);
}

/* What was put, and no more, comes out. */
static int fill_and_empty(struct asyncio_queue *queue)
{
    int item, count = 0, err = 0;
    for (; count < 100 && err == 0; count += err == 0)
        err = asyncio_queue_put(queue, &count);
    ck_assert_uint_eq(asyncio_queue_size(queue), (size_t)count);
    for (; count > 0; count--) {
        ck_assert_int_eq(asyncio_queue_get(queue, &item), 0);
        ck_assert_int_eq(asyncio_queue_task_done(queue), 0);
    }
    ck_assert(asyncio_queue_is_empty(queue));
    asyncio_queue_fini(queue);
    return err;
}

static int produce(void *arg)
{
    struct asyncio_queue *queue = arg;
    for (int i = 0; i < 20; i++)
        TRY(asyncio_queue_put(queue, &i));
    asyncio_queue_shutdown(queue, false);
    return 0;
}

static int consume(void *arg)
{
    struct asyncio_queue *queue = arg;
    int item, count = 0, err;
    while ((err = asyncio_queue_get(queue, &item)) == 0)
        ck_assert_int_eq(item, count++);
    return err == -EPIPE && count == 20 ? 0 : err;
}

static int pass_through(struct asyncio_queue *queue)
{
    asyncio_task tasks[2];
    tasks[0] = asyncio_create_task(produce, queue);
    if (asyncio_task_error(tasks[0]) < 0)
        asyncio_queue_shutdown(queue, false);
    tasks[1] = asyncio_create_task(consume, queue);
    if (asyncio_task_error(tasks[1]) < 0)
        asyncio_queue_shutdown(queue, true);
    int err = asyncio_gather(tasks, 2, NULL);
    asyncio_queue_fini(queue);
    return err == -EPIPE ? -ENOMEM : err;
}

static int queues_main(void *arg)
{
    struct asyncio_queue queue;
    (void)arg;
    TRY(asyncio_queue_init(&queue, sizeof(int), 0));
    TRY(fill_and_empty(&queue));
    TRY(asyncio_lifo_queue_init(&queue, sizeof(int), 0));
    TRY(fill_and_empty(&queue));
    TRY(asyncio_priority_queue_init(&queue, sizeof(int), 0, compare_ints));
    TRY(fill_and_empty(&queue));
    TRY(asyncio_queue_init(&queue, sizeof(int), 3));
    return pass_through(&queue);
}

FAILING(queues_that_grow)
{
    return asyncio_run(queues_main, NULL);
}

static int cross_put(void *arg)
{
    for (int i = 0; i < 30; i++)
        TRY(asyncio_thread_queue_put(arg, &i));
    asyncio_thread_queue_shutdown(arg);
    return 0;
}

static int cross_get(void *arg)
{
    int item, count = 0, err;
    while ((err = asyncio_thread_queue_get(arg, &item)) == 0)
        ck_assert_int_eq(item, count++);
    return err == -EPIPE && count == 30 ? 0 : err;
}

static int thread_queue_main(void *arg)
{
    asyncio_task tasks[2];
    tasks[0] = asyncio_create_task(cross_put, arg);
    tasks[1] = asyncio_create_task(cross_get, arg);
    for (int i = 0; i < 2; i++) {
        if (asyncio_task_error(tasks[i]) < 0)
            asyncio_thread_queue_shutdown(arg);
    }
    int err = asyncio_gather(tasks, 2, NULL);
    return err == -EPIPE ? -ENOMEM : err;
}

FAILING(thread_queue)
{
    asyncio_thread_queue *unbounded, *bounded;
    int err = asyncio_thread_queue_new(sizeof(int), 0, &unbounded);
    TRY(err);
    for (int i = 0; i < 100 && err == 0; i++)
        err = asyncio_thread_queue_put(unbounded, &i);
    asyncio_thread_queue_free(unbounded);
    TRY(err);
    TRY(asyncio_thread_queue_new(sizeof(int), 4, &bounded));
    err = asyncio_run(thread_queue_main, bounded);
    asyncio_thread_queue_free(bounded);
    return err;
}

/* ---- signals and children ---- */

static int signals_main(void *arg)
{
    calls = 0;
    TRY(asyncio_add_signal_handler(SIGUSR1, count_call, arg));
    ck_assert_int_eq(raise(SIGUSR1), 0);
    int err = 0;
    while (!calls && err == 0)
        err = asyncio_sleep(nap_seconds);
    ck_assert_int_eq(asyncio_remove_signal_handler(SIGUSR1), 0);
    return err;
}

FAILING(signal_handlers)
{
    struct sigaction now;
    int err = asyncio_run(signals_main, NULL);
    ck_assert_int_eq(sigaction(SIGUSR1, NULL, &now), 0);
    ck_assert(now.sa_handler == SIG_DFL);
    return err;
}

static int child_main(void *arg)
{
    int status = 0;
    pid_t pid = fork();
    (void)arg;
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        _exit(3);
    int err = asyncio_wait_child(pid, &status);
    if (err < 0)
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(WEXITSTATUS(status), 3);
    return err;
}

FAILING(children)
{
    return rig_is_virtual() ? 0 : asyncio_run(child_main, NULL);
}

/* ---- descriptors ---- */

struct echo {
    int ends[2];
    int got;                     /* bytes read */
};

static int echo_write(void *arg)
{
    struct echo *echo = arg;
    int err = 0;
    for (int i = 0; i < 3 && err == 0; i++) {
        err = asyncio_sleep(nap_seconds);
        ssize_t len = err;
        if (err == 0)
            len = asyncio_fd_write(echo->ends[1], "tick", 4);
        err = len < 0 ? (int)len : 0;
    }
    close(echo->ends[1]);
    return err;
}

static int echo_read(void *arg)
{
    struct echo *echo = arg;
    char buf[16];
    for (;;) {
        TRY(asyncio_fd_wait(echo->ends[0], ASYNCIO_READABLE));
        ssize_t len = asyncio_fd_read(echo->ends[0], buf, sizeof buf);
        if (len <= 0)
            return (int)len;
        echo->got += (int)len;
    }
}

static int echo_main(void *arg)
{
    struct echo *echo = arg;
    asyncio_task tasks[2];
    tasks[0] = asyncio_create_task(echo_write, echo);
    if (asyncio_task_error(tasks[0]) < 0)
        close(echo->ends[1]);
    tasks[1] = asyncio_create_task(echo_read, echo);
    return asyncio_gather(tasks, 2, NULL);
}

FAILING(pipes)
{
    struct echo echo = {.got = 0};
    if (rig_is_virtual())
        return 0;
    ck_assert_int_eq(pipe(echo.ends), 0);
    int fds = fds_open();
    int err = asyncio_run(echo_main, &echo);
    if (fds_open() == fds)
        close(echo.ends[1]);     /* main did not get to run */
    close(echo.ends[0]);
    if (err == 0)
        ck_assert_int_eq(echo.got, 12);
    return err;
}

/* More than a ring has entries for. */
enum { READERS = 150 };

static int wait_readable(void *arg)
{
    int ready = asyncio_fd_wait(*(int *)arg, ASYNCIO_READABLE);
    return ready < 0 ? ready : 0;
}

static int readers_main(void *arg)
{
    asyncio_task tasks[READERS];
    int *ends = arg;
    for (int i = 0; i < READERS; i++)
        tasks[i] = asyncio_create_task(wait_readable, &ends[0]);
    int err = asyncio_sleep(nap_seconds);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    int failure = asyncio_gather(tasks, READERS, NULL);
    return err < 0 ? err : failure;
}

FAILING(more_waits_than_a_ring_has_entries)
{
    int ends[2];
    if (rig_is_virtual())
        return 0;
    ck_assert_int_eq(pipe(ends), 0);
    int err = asyncio_run(readers_main, ends);
    close(ends[0]);
    close(ends[1]);
    return err;
}

/* ---- runners ---- */

static int detach_nap(void *arg)
{
    asyncio_task task = asyncio_create_task(nap, arg);
    TRY(asyncio_task_detach(task));
    return asyncio_sleep(0);
}

FAILING(a_runner_with_options)
{
    const struct asyncio_runner_options options = {
        .stack_size = SIZE_FACTOR * 32 * 1024,
        .dense_stacks = true,
        .ignore_sigint = true,
    };
    asyncio_runner *runner;
    TRY(asyncio_runner_new(&options, &runner));
    int err = 0;
    for (int i = 0; i < 3 && err == 0; i++)
        err = asyncio_runner_run(runner, i == 1 ? nap : detach_nap, NULL);
    asyncio_runner_free(runner);
    return err;
}

FAILING(a_simulation)
{
    int err = asyncio_run_simulated(7, crowd_main, NULL);
    return err < 0 ? err : asyncio_run_simulated(8, scopes_main, NULL);
}

/* The second run on a loop whose first could not go on. */
FAILING(a_runner_goes_on_after_a_failure)
{
    asyncio_runner *runner;
    TRY(asyncio_runner_new(NULL, &runner));
    int err = asyncio_runner_run(runner, hello_main, NULL);
    int again = err;
    if (err < 0)
        again = asyncio_runner_run(runner, hello_main, NULL);
    asyncio_runner_free(runner);
    ck_assert_int_eq(again, 0);
    return err;
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("failures");
    suite_case(suite, hello);
    suite_case(suite, a_loop_that_cannot_wait_unwinds);
    suite_case(suite, a_crowd);
    suite_case(suite, stacks_of_many_sizes);
    suite_case(suite, groups_timeouts_and_shields);
    suite_case(suite, wait_and_as_completed);
    suite_case(suite, task_locals);
    suite_case(suite, callbacks_and_handles);
    suite_case(suite, calls_from_another_thread);
    suite_case(suite, to_thread);
    suite_case(suite, to_thread_abandonable);
    suite_case(suite, queues_that_grow);
    suite_case(suite, thread_queue);
    suite_case(suite, signal_handlers);
    if (!sanitizer_on_valgrind()) /* it knows no pidfds */
        suite_case(suite, children);
    suite_case(suite, pipes);
    suite_case(suite, more_waits_than_a_ring_has_entries);
    suite_case(suite, a_runner_with_options);
    suite_case(suite, a_simulation);
    suite_case(suite, a_runner_goes_on_after_a_failure);
    return suite;
}
