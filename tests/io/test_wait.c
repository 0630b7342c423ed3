/* SPDX-License-Identifier: MIT */
/* asyncio_fd_wait: readiness of pipes and sockets. */
#include "rig.h"

#include "base/mem.h"

enum { R = ASYNCIO_READABLE, W = ASYNCIO_WRITABLE };

/* ---- what is told ---- */

SCENARIO(what_is_ready_is_told_at_once)
{
    struct ends sockets = open_sockets(0);
    ck_assert_int_eq(asyncio_fd_wait(sockets.read, W), W);
    ck_assert_int_eq(asyncio_fd_wait(sockets.read, R | W), W);
    put(sockets.write, "x");
    ck_assert_int_eq(asyncio_fd_wait(sockets.read, R), R);
    ck_assert_int_eq(asyncio_fd_wait(sockets.read, R | W), R | W);
    close_ends(sockets);
}

SCENARIO(readable_once_something_is_written)
{
    struct ends pipes[] = {open_pipe(0), open_pipe(O_NONBLOCK),
                           open_sockets(0), open_sockets(SOCK_NONBLOCK)};
    for (size_t i = 0; i < ARRAY_SIZE(pipes); i++) {
        struct call call;
        start_wait(&call, pipes[i].read, R);
        assert_waits(&call);
        put(pipes[i].write, "x");
        ck_assert_int_eq(call_end(&call), R);
        /* Nothing has been read. */
        ck_assert_int_eq(asyncio_fd_wait(pipes[i].read, R), R);
        close_ends(pipes[i]);
    }
}

SCENARIO(writable_once_there_is_room)
{
    struct ends pipes[] = {open_pipe(0), open_sockets(0)};
    for (size_t i = 0; i < ARRAY_SIZE(pipes); i++) {
        struct call call;
        ck_assert_int_eq(asyncio_fd_wait(pipes[i].write, W), W);
        size_t len = fill(pipes[i].write);
        start_wait(&call, pipes[i].write, W);
        assert_waits(&call);
        drain(pipes[i].read, len);
        ck_assert_int_eq(call_end(&call), W);
        close_ends(pipes[i]);
    }
}

SCENARIO(a_hang_up_counts_as_all)
{
    struct call call;
    struct ends pipe_ = open_pipe(0), sockets = open_sockets(0);
    start_wait(&call, pipe_.read, R);
    assert_waits(&call);
    close(pipe_.write);
    ck_assert_int_eq(call_end(&call), R);
    close(pipe_.read);

    fill(sockets.read);
    start_wait(&call, sockets.read, R | W);
    assert_waits(&call);
    close(sockets.write);
    ck_assert_int_eq(call_end(&call), R | W);
    ck_assert_int_eq(asyncio_fd_wait(sockets.read, W), W);
    close(sockets.read);

    pipe_ = open_pipe(0);
    fill(pipe_.write);
    start_wait(&call, pipe_.write, W);
    assert_waits(&call);
    close(pipe_.read);
    ck_assert_int_eq(call_end(&call), W);
    close(pipe_.write);
}

SCENARIO(files_are_always_ready)
{
    int file = open_temporary(), null = open("/dev/null", O_RDWR);
    ck_assert_int_eq(asyncio_fd_wait(file, R), R);
    ck_assert_int_eq(asyncio_fd_wait(file, R | W), R | W);
    ck_assert_int_eq(asyncio_fd_wait(null, W), W);
    close(file);
    close(null);
}

/* ---- several at once ---- */

SCENARIO(all_who_wait_for_it_are_told)
{
    struct call calls[5];
    struct ends pipe_ = open_pipe(0);
    for (int i = 0; i < 5; i++)
        start_wait(&calls[i], pipe_.read, R);
    assert_waits(&calls[0]);
    put(pipe_.write, "x");
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(call_end(&calls[i]), R);
    close_ends(pipe_);
}

SCENARIO(each_is_told_of_what_it_waits_for)
{
    struct call reader, writer, both;
    struct ends sockets = open_sockets(0);
    size_t len = fill(sockets.read);
    start_wait(&reader, sockets.read, R);
    start_wait(&writer, sockets.read, W);
    assert_waits(&reader);
    assert_waits(&writer);
    put(sockets.write, "x");
    ck_assert_int_eq(call_end(&reader), R);
    assert_waits(&writer);
    start_wait(&both, sockets.read, R | W);
    ck_assert_int_eq(call_end(&both), R);
    drain(sockets.write, len);
    ck_assert_int_eq(call_end(&writer), W);
    close_ends(sockets);
}

SCENARIO(one_leaves_and_the_others_stay)
{
    struct call calls[3];
    struct ends pipe_ = open_pipe(0);
    for (int i = 0; i < 3; i++)
        start_wait(&calls[i], pipe_.read, R);
    assert_waits(&calls[0]);
    ck_assert_int_eq(call_cancel(&calls[1]), -ECANCELED);
    assert_waits(&calls[0]);
    assert_waits(&calls[2]);
    put(pipe_.write, "x");
    ck_assert_int_eq(call_end(&calls[0]), R);
    ck_assert_int_eq(call_end(&calls[2]), R);
    close_ends(pipe_);
}

SCENARIO(a_thousand_pipes_at_once)
{
    static struct ends pipes[MANY];
    static struct call calls[MANY];
    int count = many_pipes();
    for (int i = 0; i < count; i++) {
        pipes[i] = open_pipe(0);
        start_wait(&calls[i], pipes[i].read, R);
    }
    let_a_turn_pass();
    for (int i = 0; i < count; i++)
        ck_assert(!asyncio_task_is_done(calls[i].task));
    for (int i = count - 1; i >= 0; i--)
        put(pipes[i].write, "x");
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(call_end(&calls[i]), R);
        close_ends(pipes[i]);
    }
}

static void *write_after_a_while(void *arg)
{
    pause_thread(0.01);
    ck_assert_int_eq(write(*(int *)arg, "x", 1), 1);
    return NULL;
}

SCENARIO(a_thread_writes_while_the_loop_sleeps)
{
    struct ends pipe_ = open_pipe(0);
    pthread_t thread = thread_start(write_after_a_while, &pipe_.write);
    ck_assert_int_eq(asyncio_fd_wait(pipe_.read, R), R);
    thread_join(thread);
    close_ends(pipe_);
}

/* ---- cancels ---- */

SCENARIO(a_cancelled_wait_is_over_and_can_begin_again)
{
    struct ends pipe_ = open_pipe(0);
    for (int i = 0; i < 20; i++) {
        struct call call;
        start_wait(&call, pipe_.read, R);
        if (i % 2)
            assert_waits(&call);
        ck_assert_int_eq(call_cancel(&call), -ECANCELED);
    }
    struct call call;
    start_wait(&call, pipe_.read, R);
    assert_waits(&call);
    put(pipe_.write, "x");
    ck_assert_int_eq(call_end(&call), R);
    close_ends(pipe_);
}

SCENARIO(cancelled_already_it_does_not_wait_even_when_ready)
{
    struct asyncio_timeout timeout;
    struct ends pipe_ = open_pipe(0);
    put(pipe_.write, "x");
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0), 0);
    ck_assert_int_eq(asyncio_fd_wait(pipe_.read, R), -ECANCELED);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, -ECANCELED), -ETIMEDOUT);
    ck_assert_int_eq(asyncio_fd_wait(pipe_.read, R), R);
    close_ends(pipe_);
}

SCENARIO(a_cancel_after_the_result_does_not_take_it_back)
{
    struct call call;
    struct ends pipe_ = open_pipe(0);
    start_wait(&call, pipe_.read, R);
    assert_waits(&call);
    put(pipe_.write, "x");
    while (!asyncio_task_is_done(call.task))
        let_a_turn_pass();
    ck_assert_int_eq(call_cancel(&call), R);
    close_ends(pipe_);
}

SCENARIO(a_wait_meets_its_deadline)
{
    struct asyncio_timeout timeout;
    struct ends pipe_ = open_pipe(0);
    double start = asyncio_time();
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 3 * TICK), 0);
    int err = asyncio_fd_wait(pipe_.read, R);
    ck_assert_int_eq(err, -ECANCELED);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
    assert_passed(start, 3 * TICK);
    close_ends(pipe_);
}

static int wait_for_ever_and_ever(void *arg)
{
    int err;
    do
        err = asyncio_fd_wait(*(int *)arg, W);
    while (err == W);
    return err;
}

SCENARIO(who_is_always_ready_lets_others_run_and_is_cancelled)
{
    struct ends pipe_ = open_pipe(0);
    asyncio_task task = asyncio_create_task(wait_for_ever_and_ever,
                                            &pipe_.write);
    for (int i = 0; i < 10; i++)
        let_a_turn_pass();
    asyncio_task_cancel(task);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);

    struct asyncio_timeout timeout;
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 3 * TICK), 0);
    int err = wait_for_ever_and_ever(&pipe_.write);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);
    close_ends(pipe_);
}

/* ---- numbers that come again ---- */

SCENARIO(a_number_that_was_closed_and_comes_again_is_new)
{
    for (int i = 0; i < 20; i++) {
        struct call call;
        struct ends old = open_pipe(0);
        start_wait(&call, old.read, R);
        assert_waits(&call);
        if (i % 2)
            put(old.write, "x");
        else
            asyncio_task_cancel(call.task);
        ck_assert_int_eq(call_end(&call), i % 2 ? R : -ECANCELED);
        close_ends(old);

        struct ends new = i % 3 ? open_pipe(0) : open_sockets(0);
        ck_assert_int_eq(new.read, old.read);
        start_wait(&call, new.read, R);
        assert_waits(&call);
        put(new.write, "x");
        ck_assert_int_eq(call_end(&call), R);
        close_ends(new);
    }
}

SCENARIO(a_duplicate_of_a_closed_number_wakes_nobody)
{
    struct call call;
    struct ends old = open_pipe(0);
    int duplicate = dup(old.read);
    start_wait(&call, old.read, R);
    assert_waits(&call);
    ck_assert_int_eq(call_cancel(&call), -ECANCELED);
    close(old.read);

    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(ends[0], old.read);
    start_wait(&call, ends[0], R);
    assert_waits(&call);
    put(old.write, "x");         /* the old file, which lives on */
    assert_waits(&call);
    put(ends[1], "x");
    ck_assert_int_eq(call_end(&call), R);
    close(ends[0]);
    close(ends[1]);
    close(duplicate);
    close(old.write);
}

/* ---- bad use ---- */

SCENARIO(events_that_are_none_are_einval)
{
    struct ends pipe_ = open_pipe(0);
    unsigned wrong[] = {0, 2, 8, R | 2, W | 8, R | W | 16, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        ck_assert_int_eq(asyncio_fd_wait(pipe_.write, wrong[i]), -EINVAL);
    close_ends(pipe_);
}

SCENARIO(numbers_that_are_no_descriptors_are_ebadf)
{
    let_a_turn_pass();           /* the loop has its own by now */
    struct ends pipe_ = open_pipe(0);
    close_ends(pipe_);
    int wrong[] = {-1, -100, INT32_MIN, INT32_MAX, 1000000, pipe_.read};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        ck_assert_int_eq(asyncio_fd_wait(wrong[i], R), -EBADF);
        ck_assert_int_eq(asyncio_fd_wait(wrong[i], R | W), -EBADF);
    }
}

START_TEST(outside_of_a_task_it_is_eperm)
{
    struct ends pipe_ = open_pipe(0);
    ck_assert_int_eq(asyncio_fd_wait(pipe_.write, W), -EPERM);
    close_ends(pipe_);
}
END_TEST

/* ---- cost ---- */

SCENARIO(a_warm_wait_allocates_nothing)
{
    struct ends pipe_ = open_pipe(0);
    uint64_t before = 0;
    for (int i = 0; i < 20; i++) {
        struct call call;
        if (i == 10)
            before = mem_alloc_count();
        start_wait(&call, pipe_.read, R);
        assert_waits(&call);
        put(pipe_.write, "x");
        ck_assert_int_eq(call_end(&call), R);
        drain(pipe_.read, 1);
    }
    ck_assert_uint_eq(mem_alloc_count(), before);
    close_ends(pipe_);
}

/* ---- the simulation ---- */

SCENARIO(a_simulation_has_no_real_descriptors)
{
    struct ends pipe_ = open_pipe(0);
    ck_assert_int_eq(asyncio_fd_wait(pipe_.write, W), -ENOTSUP);
    ck_assert_int_eq(asyncio_fd_wait(pipe_.read, R), -ENOTSUP);
    ck_assert_int_eq(asyncio_fd_wait(pipe_.read, 0), -EINVAL);
    close_ends(pipe_);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("wait");
    suite_case(suite, outside_of_a_task_it_is_eperm);
    if (rig_is_virtual()) {
        suite_case(suite, a_simulation_has_no_real_descriptors);
        return suite;
    }
    suite_case(suite, what_is_ready_is_told_at_once);
    suite_case(suite, readable_once_something_is_written);
    suite_case(suite, writable_once_there_is_room);
    suite_case(suite, a_hang_up_counts_as_all);
    suite_case(suite, files_are_always_ready);
    suite_case(suite, all_who_wait_for_it_are_told);
    suite_case(suite, each_is_told_of_what_it_waits_for);
    suite_case(suite, one_leaves_and_the_others_stay);
    suite_case(suite, a_thousand_pipes_at_once);
    suite_case(suite, a_thread_writes_while_the_loop_sleeps);
    suite_case(suite, a_cancelled_wait_is_over_and_can_begin_again);
    suite_case(suite, cancelled_already_it_does_not_wait_even_when_ready);
    suite_case(suite, a_cancel_after_the_result_does_not_take_it_back);
    suite_case(suite, a_wait_meets_its_deadline);
    suite_case(suite, who_is_always_ready_lets_others_run_and_is_cancelled);
    suite_case(suite, a_number_that_was_closed_and_comes_again_is_new);
    suite_case(suite, a_duplicate_of_a_closed_number_wakes_nobody);
    suite_case(suite, events_that_are_none_are_einval);
    suite_case(suite, numbers_that_are_no_descriptors_are_ebadf);
    suite_case(suite, a_warm_wait_allocates_nothing);
    return suite;
}
