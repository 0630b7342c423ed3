/* SPDX-License-Identifier: MIT */
/*
 * Cancelling: before, after and while an operation completes. An op ends once,
 * and what it says is what happened to the data.
 */
#include "suite.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/rng.h"
#include "rig.h"

START_TEST(a_waiting_op_is_withdrawn)
{
    struct rig rig;
    struct probe probe;
    char byte;
    int fds[2];
    if (!rig_open(&rig, _i))
        return;
    pair_open(fds);
    submit_poll(&rig, &probe, fds[0], POLLIN);
    expect_waiting(&rig, &probe);
    cancel(&rig, &probe);
    ck_assert_int_eq(finish(&rig, &probe), -ECANCELED);

    submit_read(&rig, &probe, fds[0], &byte, 1);
    expect_waiting(&rig, &probe);
    cancel(&rig, &probe);
    ck_assert_int_eq(finish(&rig, &probe), -ECANCELED);
    both_close(fds);
    rig_close(&rig);
}
END_TEST

START_TEST(an_op_not_yet_sent_is_withdrawn)
{
    struct rig rig;
    struct probe probe;
    int fds[2];
    if (!rig_open(&rig, _i))
        return;
    pair_open(fds);
    submit_poll(&rig, &probe, fds[0], POLLIN);
    cancel(&rig, &probe);
    ck_assert_int_eq(finish(&rig, &probe), -ECANCELED);
    both_close(fds);
    rig_close(&rig);
}
END_TEST

START_TEST(a_cancelled_read_takes_no_data)
{
    struct rig rig;
    struct probe probe;
    char buf[4];
    int fds[2];
    if (!rig_open(&rig, _i))
        return;
    pair_open(fds);
    submit_read(&rig, &probe, fds[0], buf, sizeof(buf));
    rig_wait(&rig, 0);
    ck_assert_int_eq(write(fds[1], "abc", 3), 3);
    cancel(&rig, &probe);
    ssize_t result = finish(&rig, &probe);
    size_t left = drain(fds[0]);
    if (result == -ECANCELED)
        ck_assert_uint_eq(left, 3);
    else
        ck_assert_int_eq(result + (ssize_t)left, 3);
    both_close(fds);
    rig_close(&rig);
}
END_TEST

START_TEST(a_second_cancel_changes_nothing)
{
    struct rig rig;
    struct probe probe;
    int fds[2];
    if (!rig_open(&rig, _i))
        return;
    pair_open(fds);
    submit_poll(&rig, &probe, fds[0], POLLIN);
    rig_wait(&rig, 0);
    for (int i = 0; i < 200; i++)
        cancel(&rig, &probe);
    ck_assert_int_eq(finish(&rig, &probe), -ECANCELED);
    rig_wait(&rig, 0);
    ck_assert_int_eq(probe.done, 1);
    both_close(fds);
    rig_close(&rig);
}
END_TEST

START_TEST(one_of_two_waiters_is_cancelled)
{
    struct rig rig;
    struct probe stays, goes;
    int fds[2];
    if (!rig_open(&rig, _i))
        return;
    pair_open(fds);
    submit_poll(&rig, &stays, fds[0], POLLIN);
    submit_poll(&rig, &goes, fds[0], POLLIN);
    rig_wait(&rig, 0);
    cancel(&rig, &goes);
    ck_assert_int_eq(finish(&rig, &goes), -ECANCELED);
    expect_waiting(&rig, &stays);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    ck_assert_int_eq(finish(&rig, &stays), POLLIN);
    both_close(fds);
    rig_close(&rig);
}
END_TEST

/* The next op lies in the same memory: a late cancel must not hit it. */
START_TEST(a_cancel_does_not_hit_the_successor)
{
    struct rig rig;
    struct probe probe;
    char byte;
    int fds[2];
    if (!rig_open(&rig, _i))
        return;
    pair_open(fds);
    for (int round = 0; round < 300; round++) {
        submit_read(&rig, &probe, fds[0], &byte, 1);
        rig_wait(&rig, 0);
        ck_assert_int_eq(write(fds[1], "x", 1), 1);
        cancel(&rig, &probe);
        if (finish(&rig, &probe) == -ECANCELED)
            drain(fds[0]);
        ck_assert(!submit_read(&rig, &probe, fds[0], &byte, 1));
        rig_wait(&rig, 0);
        ck_assert_int_eq(probe.done, 0);
        ck_assert_int_eq(write(fds[1], "y", 1), 1);
        ck_assert_int_eq(finish(&rig, &probe), 1);
    }
    both_close(fds);
    rig_close(&rig);
}
END_TEST

/* ---- racing ---- */

struct writer {
    int fd;
    _Atomic bool stop;
    size_t written;              /* the thread's; read after it was joined */
};

static void *write_now_and_then(void *arg)
{
    struct writer *writer = arg;
    struct rng rng;
    rng_seed(&rng, 3);
    while (!atomic_load(&writer->stop)) {
        if (write(writer->fd, "x", 1) == 1)
            writer->written++;
        sys_thread_sleep(rng_below(&rng, 30000));
    }
    return NULL;
}

START_TEST(cancel_races_with_completion)
{
    struct rig rig;
    struct probe probe;
    struct rng rng;
    pthread_t thread;
    int fds[2];
    size_t read_len = 0;
    char buf[16];
    if (!rig_open(&rig, _i))
        return;
    pair_open(fds);
    struct writer writer = {.fd = fds[1]};
    rng_seed(&rng, 4);
    pthread_create(&thread, NULL, write_now_and_then, &writer);
    for (int round = 0; round < 1500; round++) {
        if (!submit_read(&rig, &probe, fds[0], buf, sizeof(buf))) {
            rig_wait(&rig, rng_below(&rng, 50000));
            if (!probe.done)
                cancel(&rig, &probe);
        }
        ssize_t result = finish(&rig, &probe);
        ck_assert(result > 0 || result == -ECANCELED);
        read_len += result > 0 ? (size_t)result : 0;
    }
    atomic_store(&writer.stop, true);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(read_len + drain(fds[0]), writer.written);
    both_close(fds);
    rig_close(&rig);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("cancel");
    case_per_back_end(suite, a_waiting_op_is_withdrawn);
    case_per_back_end(suite, an_op_not_yet_sent_is_withdrawn);
    case_per_back_end(suite, a_cancelled_read_takes_no_data);
    case_per_back_end(suite, a_second_cancel_changes_nothing);
    case_per_back_end(suite, one_of_two_waiters_is_cancelled);
    case_per_back_end(suite, a_cancel_does_not_hit_the_successor);
    case_per_back_end(suite, cancel_races_with_completion);
    return suite;
}
