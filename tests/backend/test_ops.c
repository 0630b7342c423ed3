/* SPDX-License-Identifier: MIT */
/*
 * The same operations on every real back end: poll, read and write, at once
 * and after waiting, their errors and their order.
 */
#include "suite.h"

#include <limits.h>
#include <poll.h>

#include "rig.h"

START_TEST(poll_waits_until_readable)
{
    struct rig rig;
    struct probe probe;
    int fds[2];
    if (!rig_open(&rig, _i))
        return;
    pipe_open(fds);
    ck_assert(!submit_poll(&rig, &probe, fds[0], POLLIN));
    ck_assert_uint_eq(rig.backend->in_flight, 1);
    expect_waiting(&rig, &probe);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    ck_assert_int_eq(finish(&rig, &probe), POLLIN);
    both_close(fds);
    rig_close(&rig);
}
END_TEST

START_TEST(poll_of_what_is_writable_ends_soon)
{
    struct rig rig;
    struct probe probe;
    int fds[2];
    if (!rig_open(&rig, _i))
        return;
    pipe_open(fds);
    submit_poll(&rig, &probe, fds[1], POLLOUT);
    ck_assert_int_eq(finish(&rig, &probe), POLLOUT);

    fill(fds[1]);
    ck_assert(!submit_poll(&rig, &probe, fds[1], POLLOUT));
    expect_waiting(&rig, &probe);
    drain(fds[0]);
    ck_assert_int_eq(finish(&rig, &probe), POLLOUT);
    both_close(fds);
    rig_close(&rig);
}
END_TEST

START_TEST(poll_hears_of_a_hangup_unasked)
{
    struct rig rig;
    struct probe probe;
    int fds[2];
    if (!rig_open(&rig, _i))
        return;
    pipe_open(fds);
    submit_poll(&rig, &probe, fds[0], POLLIN);
    expect_waiting(&rig, &probe);
    sys_close(fds[1]);
    ck_assert_int_eq(finish(&rig, &probe), POLLHUP);
    sys_close(fds[0]);
    rig_close(&rig);
}
END_TEST

START_TEST(read_of_what_is_there_is_done_at_once)
{
    struct rig rig;
    struct probe probe;
    char buf[8] = {0};
    int fds[2];
    if (!rig_open(&rig, _i))
        return;
    pair_open(fds);
    ck_assert_int_eq(write(fds[1], "hello", 5), 5);
    ck_assert(submit_read(&rig, &probe, fds[0], buf, sizeof(buf)));
    ck_assert_int_eq(probe.op.result, 5);
    ck_assert_str_eq(buf, "hello");
    ck_assert_uint_eq(rig.backend->in_flight, 0);
    both_close(fds);
    rig_close(&rig);
}
END_TEST

static void check_read_waits(struct rig *rig, int fds[2])
{
    struct probe probe;
    char buf[8] = {0};
    ck_assert(!submit_read(rig, &probe, fds[0], buf, sizeof(buf)));
    expect_waiting(rig, &probe);
    ck_assert_int_eq(write(fds[1], "hello", 5), 5);
    ck_assert_int_eq(finish(rig, &probe), 5);
    ck_assert_str_eq(buf, "hello");

    ck_assert(!submit_read(rig, &probe, fds[0], buf, sizeof(buf)));
    expect_waiting(rig, &probe);
    sys_close(fds[1]);
    ck_assert_int_eq(finish(rig, &probe), 0);
    sys_close(fds[0]);
}

START_TEST(read_waits_for_data_and_for_the_end)
{
    struct rig rig;
    int fds[2];
    if (!rig_open(&rig, _i))
        return;
    pipe_open(fds);
    check_read_waits(&rig, fds);
    pair_open(fds);
    check_read_waits(&rig, fds);
    rig_close(&rig);
}
END_TEST

START_TEST(blocking_descriptors_do_not_block_the_loop)
{
    struct rig rig;
    int fds[2];
    if (!rig_open(&rig, _i))
        return;
    pipe_open(fds);
    set_blocking(fds[0]);
    check_read_waits(&rig, fds);
    pair_open(fds);
    set_blocking(fds[0]);
    check_read_waits(&rig, fds);
    rig_close(&rig);
}
END_TEST

static void check_terminal(struct rig *rig, int flags)
{
    struct probe probe;
    char buf[16] = {0};
    int main_fd = posix_openpt(O_RDWR | O_NOCTTY);
    if (main_fd < 0 || grantpt(main_fd) < 0 || unlockpt(main_fd) < 0)
        return;                  /* no terminals here */
    int fd = open(ptsname(main_fd), O_RDWR | O_NOCTTY | flags);
    ck_assert_int_ge(fd, 0);
    ck_assert(!submit_read(rig, &probe, fd, buf, sizeof(buf)));
    expect_waiting(rig, &probe);
    ck_assert_int_eq(write(main_fd, "hello\n", 6), 6);
    ck_assert_int_eq(finish(rig, &probe), 6);
    ck_assert_str_eq(buf, "hello\n");
    submit_write(rig, &probe, fd, buf, 3);
    ck_assert_int_eq(finish(rig, &probe), 3);

    submit_read(rig, &probe, fd, buf, sizeof(buf));
    expect_waiting(rig, &probe);
    cancel(rig, &probe);
    ck_assert_int_eq(finish(rig, &probe), -ECANCELED);
    sys_close(fd);
    sys_close(main_fd);
}

/* Terminals promise nothing about not blocking (no RWF_NOWAIT). */
START_TEST(terminals_can_be_read)
{
    struct rig rig;
    if (!rig_open(&rig, _i))
        return;
    check_terminal(&rig, 0);
    check_terminal(&rig, O_NONBLOCK);
    rig_close(&rig);
}
END_TEST

/* Others take the data each time; a ring gives up on such a read after 128
 * times (APOLL_MAX_RETRY) and leaves it to us. */
START_TEST(a_reader_that_others_outrun_goes_on_waiting)
{
    struct rig rig;
    struct probe probe;
    char byte, mine;
    int fds[2];
    if (!rig_open(&rig, _i))
        return;
    pair_open(fds);
    ck_assert(!submit_read(&rig, &probe, fds[0], &mine, 1));
    rig_wait(&rig, 0);
    for (int round = 0; round < 400 && !probe.done; round++) {
        ck_assert_int_eq(write(fds[1], "x", 1), 1);
        /* Where the kernel runs completions by itself, the ring may win. */
        if (read(fds[0], &byte, 1) < 0)
            break;
        for (int i = 0; i < 3; i++)
            rig_wait(&rig, 0);
        ck_assert_int_eq(probe.done, 0);
    }
    if (write(fds[1], "x", 1) == 1)
        ck_assert_int_eq(finish(&rig, &probe), 1);
    both_close(fds);
    rig_close(&rig);
}
END_TEST

/* As above, but it is cancelled while it is ready in vain. */
START_TEST(a_reader_that_others_outrun_can_be_cancelled)
{
    struct rig rig;
    struct probe probe;
    char byte, mine;
    int fds[2];
    if (!rig_open(&rig, _i))
        return;
    pair_open(fds);
    for (int rounds = 120; rounds < 140; rounds++) {
        ck_assert(!submit_read(&rig, &probe, fds[0], &mine, 1));
        rig_wait(&rig, 0);
        for (int round = 0; round < rounds && !probe.done; round++) {
            ck_assert_int_eq(write(fds[1], "x", 1), 1);
            if (read(fds[0], &byte, 1) == 1 && round + 1 < rounds)
                rig_wait(&rig, 0);
        }
        if (!probe.done)
            cancel(&rig, &probe);
        ssize_t result = finish(&rig, &probe);
        ck_assert(result == 1 || result == -ECANCELED);
    }
    both_close(fds);
    rig_close(&rig);
}
END_TEST

static void check_write_waits(struct rig *rig, int fds[2])
{
    struct probe probe;
    char byte = 'x';
    ck_assert(submit_write(rig, &probe, fds[1], &byte, 1));
    ck_assert_int_eq(probe.op.result, 1);
    size_t filled = fill(fds[1]);
    ck_assert(!submit_write(rig, &probe, fds[1], &byte, 1));
    expect_waiting(rig, &probe);
    size_t drained = drain(fds[0]);
    ck_assert_int_eq(finish(rig, &probe), 1);
    ck_assert_uint_eq(drained + drain(fds[0]), 1 + filled + 1);

    fill(fds[1]);
    ck_assert(!submit_write(rig, &probe, fds[1], &byte, 1));
    sys_close(fds[0]);
    ssize_t result = finish(rig, &probe);
    ck_assert(result == -EPIPE || result == -ECONNRESET);
    sys_close(fds[1]);
}

START_TEST(write_waits_for_room_and_hears_of_the_end)
{
    struct rig rig;
    int fds[2];
    if (!rig_open(&rig, _i))
        return;
    pipe_open(fds);
    check_write_waits(&rig, fds);
    pair_open(fds);
    check_write_waits(&rig, fds);
    rig_close(&rig);
}
END_TEST

START_TEST(a_reader_and_a_writer_share_a_descriptor)
{
    struct rig rig;
    struct probe reader, writer;
    char in[4], out[4] = "out";
    int fds[2];
    if (!rig_open(&rig, _i))
        return;
    pair_open(fds);
    fill(fds[0]);
    ck_assert(!submit_write(&rig, &writer, fds[0], out, 3));
    ck_assert(!submit_read(&rig, &reader, fds[0], in, 4));
    expect_waiting(&rig, &reader);
    ck_assert_int_eq(write(fds[1], "in", 2), 2);
    ck_assert_int_eq(finish(&rig, &reader), 2);
    expect_waiting(&rig, &writer);

    ck_assert(!submit_read(&rig, &reader, fds[0], in, 4));
    drain(fds[1]);
    ck_assert_int_eq(finish(&rig, &writer), 3);
    expect_waiting(&rig, &reader);
    sys_close(fds[1]);
    ssize_t result = finish(&rig, &reader);
    ck_assert(result == 0 || result == -ECONNRESET);
    sys_close(fds[0]);
    rig_close(&rig);
}
END_TEST

START_TEST(a_hangup_wakes_both_sides)
{
    struct rig rig;
    struct probe reader, writer;
    char bytes[4] = "abc";
    int fds[2];
    if (!rig_open(&rig, _i))
        return;
    pair_open(fds);
    fill(fds[0]);
    ck_assert(!submit_write(&rig, &writer, fds[0], bytes, 3));
    ck_assert(!submit_read(&rig, &reader, fds[0], bytes, 4));
    sys_close(fds[1]);
    ck_assert_int_le(finish(&rig, &reader), 0);
    ck_assert_int_lt(finish(&rig, &writer), 0);
    sys_close(fds[0]);
    rig_close(&rig);
}
END_TEST

START_TEST(bad_descriptors_are_answered)
{
    static const int bad[] = {-1, 987, INT_MAX};
    struct rig rig;
    struct probe probe;
    char byte = 0;
    if (!rig_open(&rig, _i))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        submit_poll(&rig, &probe, bad[i], POLLIN);
        ck_assert_int_eq(finish(&rig, &probe), -EBADF);
        submit_read(&rig, &probe, bad[i], &byte, 1);
        ck_assert_int_eq(finish(&rig, &probe), -EBADF);
        submit_write(&rig, &probe, bad[i], &byte, 1);
        ck_assert_int_eq(finish(&rig, &probe), -EBADF);
    }
    rig_close(&rig);
}
END_TEST

START_TEST(files_are_read_and_written)
{
    enum { LEN = 3 << 20 };
    struct rig rig;
    struct probe probe;
    char *out = malloc(LEN), *in = calloc(1, LEN);
    if (!rig_open(&rig, _i))
        goto free_all;
    FILE *file = tmpfile();
    int fd = fileno(file);
    for (size_t i = 0; i < LEN; i++)
        out[i] = (char)(i * 7 + i / 4096);
    for (ssize_t done = 0; done < LEN;) {
        submit_write(&rig, &probe, fd, out + done, (size_t)(LEN - done));
        ck_assert_int_gt(finish(&rig, &probe), 0);
        done += probe.op.result;
    }
    fsync(fd);
    /* The cache forgets it, so that a read has to wait for the disk. */
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    lseek(fd, 0, SEEK_SET);
    for (ssize_t done = 0; done < LEN;) {
        submit_read(&rig, &probe, fd, in + done, (size_t)(LEN - done));
        ck_assert_int_gt(finish(&rig, &probe), 0);
        done += probe.op.result;
    }
    ck_assert_int_eq(memcmp(in, out, LEN), 0);
    submit_read(&rig, &probe, fd, in, 1);
    ck_assert_int_eq(finish(&rig, &probe), 0);
    submit_poll(&rig, &probe, fd, POLLIN);
    ck_assert_int_eq(finish(&rig, &probe), POLLIN);
    fclose(file);
    rig_close(&rig);
free_all:
    free(in);
    free(out);
}
END_TEST

/* ---- in number ---- */

enum { MANY = 400 };

START_TEST(many_descriptors_at_once)
{
    static struct probe probes[MANY];
    static int fds[MANY][2];
    static char bytes[MANY];
    struct rig rig;
    if (!rig_open(&rig, _i))
        return;
    for (int i = 0; i < MANY; i++) {
        pipe_open(fds[i]);
        ck_assert(
            !submit_read(&rig, &probes[i], fds[i][0], &bytes[i], 1));
    }
    expect_waiting(&rig, &probes[0]);
    /* 7 and MANY have no common divisor: each has its turn once. */
    for (int i = 0; i < MANY; i++) {
        int k = i * 7 % MANY;
        char byte = (char)k;
        ck_assert_int_eq(write(fds[k][1], &byte, 1), 1);
    }
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(finish(&rig, &probes[i]), 1);
        ck_assert_int_eq(bytes[i], (char)i);
        both_close(fds[i]);
    }
    rig_close(&rig);
}
END_TEST

/* More completions at one moment than the ring of completions has places. */
START_TEST(many_waiters_of_one_descriptor)
{
    enum { CROWD = 3000 };
    static struct probe probes[CROWD];
    struct rig rig;
    int fds[2];
    if (!rig_open(&rig, _i))
        return;
    pipe_open(fds);
    for (int i = 0; i < CROWD; i++)
        ck_assert(!submit_poll(&rig, &probes[i], fds[0], POLLIN));
    expect_waiting(&rig, &probes[0]);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    for (int i = 0; i < CROWD; i++)
        ck_assert_int_eq(finish(&rig, &probes[i]), POLLIN);
    both_close(fds);
    rig_close(&rig);
}
END_TEST

START_TEST(many_are_cancelled_at_once)
{
    enum { CROWD = 2000 };
    static struct probe probes[CROWD];
    struct rig rig;
    int fds[2];
    if (!rig_open(&rig, _i))
        return;
    pipe_open(fds);
    for (int i = 0; i < CROWD; i++)
        submit_poll(&rig, &probes[i], fds[0], POLLIN);
    rig_wait(&rig, 0);
    for (int i = 0; i < CROWD; i++)
        cancel(&rig, &probes[i]);
    for (int i = 0; i < CROWD; i++)
        ck_assert_int_eq(finish(&rig, &probes[i]), -ECANCELED);
    both_close(fds);
    rig_close(&rig);
}
END_TEST

START_TEST(completions_come_in_the_order_of_events)
{
    enum { ROW = 40 };
    struct rig rig;
    struct probe probes[ROW];
    int fds[ROW][2];
    char byte;
    if (!rig_open(&rig, _i))
        return;
    for (int i = 0; i < ROW; i++) {
        pipe_open(fds[i]);
        ck_assert(!submit_read(&rig, &probes[i], fds[i][0], &byte, 1));
    }
    expect_waiting(&rig, &probes[0]);
    for (int i = ROW; i-- > 0;)
        ck_assert_int_eq(write(fds[i][1], "x", 1), 1);
    for (int i = ROW; i-- > 0;) {
        ck_assert_int_eq(finish(&rig, &probes[i]), 1);
        if (i < ROW - 1)
            ck_assert_uint_gt(probes[i].order, probes[i + 1].order);
    }
    for (int i = 0; i < ROW; i++)
        both_close(fds[i]);
    rig_close(&rig);
}
END_TEST

/* ---- behind the back end's back ---- */

START_TEST(a_closed_and_reused_number_is_the_new_file)
{
    struct rig rig;
    struct probe probe;
    char byte;
    int old[2], new[2];
    if (!rig_open(&rig, _i))
        return;
    for (int round = 0; round < 20; round++) {
        pipe_open(old);
        ck_assert(!submit_read(&rig, &probe, old[0], &byte, 1));
        rig_wait(&rig, 0);
        cancel(&rig, &probe);
        ck_assert_int_eq(finish(&rig, &probe), -ECANCELED);
        int number = old[0];
        both_close(old);

        pipe_open(new);
        ck_assert_int_eq(new[0], number);
        ck_assert(!submit_read(&rig, &probe, new[0], &byte, 1));
        expect_waiting(&rig, &probe);
        ck_assert_int_eq(write(new[1], "x", 1), 1);
        ck_assert_int_eq(finish(&rig, &probe), 1);
        if (round % 2)
            rig.backend->class->forget_fd(rig.backend, new[0]);
        both_close(new);
    }
    rig_close(&rig);
}
END_TEST

/* epoll goes on reporting the old file under the number that is now another's,
 * for as long as a duplicate keeps it open. */
START_TEST(a_duplicate_of_the_old_file_is_not_heard)
{
    struct rig rig;
    struct probe probe;
    int old[2], new[2];
    if (!rig_open(&rig, _i))
        return;
    pipe_open(old);
    ck_assert(!submit_poll(&rig, &probe, old[0], POLLIN));
    rig_wait(&rig, 0);
    cancel(&rig, &probe);
    ck_assert_int_eq(finish(&rig, &probe), -ECANCELED);
    int copy = fcntl(old[0], F_DUPFD_CLOEXEC, 100);
    ck_assert_int_ge(copy, 0);
    sys_close(old[0]);

    pipe_open(new);
    ck_assert_int_eq(new[0], old[0]);
    ck_assert(!submit_poll(&rig, &probe, new[0], POLLIN));
    ck_assert_int_eq(write(old[1], "x", 1), 1);
    expect_waiting(&rig, &probe);
    ck_assert_int_eq(write(new[1], "x", 1), 1);
    ck_assert_int_eq(finish(&rig, &probe), POLLIN);
    both_close(new);
    sys_close(copy);
    sys_close(old[1]);
    rig_close(&rig);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("ops");
    case_per_back_end(suite, poll_waits_until_readable);
    case_per_back_end(suite, poll_of_what_is_writable_ends_soon);
    case_per_back_end(suite, poll_hears_of_a_hangup_unasked);
    case_per_back_end(suite, read_of_what_is_there_is_done_at_once);
    case_per_back_end(suite, read_waits_for_data_and_for_the_end);
    case_per_back_end(suite, blocking_descriptors_do_not_block_the_loop);
    case_per_back_end(suite, terminals_can_be_read);
    case_per_back_end(suite, a_reader_that_others_outrun_goes_on_waiting);
    case_per_back_end(suite, a_reader_that_others_outrun_can_be_cancelled);
    case_per_back_end(suite, write_waits_for_room_and_hears_of_the_end);
    case_per_back_end(suite, a_reader_and_a_writer_share_a_descriptor);
    case_per_back_end(suite, a_hangup_wakes_both_sides);
    case_per_back_end(suite, bad_descriptors_are_answered);
    case_per_back_end(suite, files_are_read_and_written);
    case_per_back_end(suite, many_descriptors_at_once);
    case_per_back_end(suite, many_waiters_of_one_descriptor);
    case_per_back_end(suite, many_are_cancelled_at_once);
    case_per_back_end(suite, completions_come_in_the_order_of_events);
    case_per_back_end(suite, a_closed_and_reused_number_is_the_new_file);
    case_per_back_end(suite, a_duplicate_of_the_old_file_is_not_heard);
    return suite;
}
