/* SPDX-License-Identifier: MIT */
/*
 * Sources: descriptors that the library owns, on every back end, and twice on
 * a ring that has no polls which go on: one that has found out already
 * (REFUSED), and one that finds out by the source (REFUSING).
 */
#include "suite.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "backend/source.h"
#include "base/fault.h"
#include "rig.h"

/* ---- the rig, with sources ---- */

enum { REFUSED = RIG_COUNT, REFUSING, SOURCE_RIG_COUNT };

static bool open_rig(struct rig *rig, int index)
{
    if (index < RIG_COUNT)
        return rig_open(rig, index);
#ifdef HAVE_LIBURING
    ring_refuses_polls = true;
    if (!rig_open(rig, 1))
        return false;
    if (index == REFUSED)
        rig_wait(rig, 1);
    return true;
#else
    return false;
#endif
}

static struct source *open_source(struct rig *rig, int fd)
{
    struct source *source;
    ck_assert_int_eq(source_open(rig->backend, fd, 0, &source), 0);
    return source;
}

static bool submit_io(struct rig *rig, struct probe *probe,
                      struct source *source, enum op_kind kind, void *buf,
                      size_t len)
{
    probe_init(probe, kind, source->fd);
    probe->op.source = source;
    probe->op.io.buf = buf;
    probe->op.io.len = len;
    return submit(rig, probe);
}

static bool submit_poll_of(struct rig *rig, struct probe *probe,
                           struct source *source, unsigned events)
{
    probe_init(probe, OP_POLL, source->fd);
    probe->op.source = source;
    probe->op.events = events;
    return submit(rig, probe);
}

/* Submits a receive that finds nothing. */
static void await_bytes(struct rig *rig, struct probe *probe,
                        struct source *source, void *buf, size_t len)
{
    ck_assert(!submit_io(rig, probe, source, OP_RECV, buf, len));
    rig_wait(rig, 0);
    ck_assert_int_eq(probe->done, 0);
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* Waits until the kernel has let go of what was closed. */
static void expect_closed(struct rig *rig, int fd)
{
    for (int i = 0; i < 1000 && is_open(fd); i++)
        rig_wait(rig, MSEC);
    ck_assert(!is_open(fd));
}

static void put_byte(int fd)
{
    ck_assert_int_eq(write(fd, "x", 1), 1);
}

static void allow_descriptors(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* ---- news ---- */

START_TEST(news_come_to_who_waits)
{
    struct rig rig;
    struct probe probe;
    char buf[8];
    int fds[2];
    if (!open_rig(&rig, _i))
        return;
    pair_open(fds);
    struct source *source = open_source(&rig, fds[0]);
    ck_assert_int_eq(source->state == SOURCE_UNWATCHED, _i == REFUSED);
    for (int i = 0; i < 3; i++) {
        await_bytes(&rig, &probe, source, buf, sizeof buf);
        ck_assert_int_eq(source->state == SOURCE_UNWATCHED, _i >= REFUSED);
        expect_waiting(&rig, &probe);
        ck_assert_int_eq(write(fds[1], "news", 4), 4);
        ck_assert_int_eq(finish(&rig, &probe), 4);
        ck_assert_mem_eq(buf, "news", 4);
    }
    source_close(source);
    expect_closed(&rig, fds[0]);
    sys_close(fds[1]);
    rig_close(&rig);
}
END_TEST

START_TEST(what_is_left_is_taken_at_once)
{
    struct rig rig;
    struct probe probe;
    char byte;
    int fds[2];
    if (!open_rig(&rig, _i))
        return;
    pair_open(fds);
    struct source *source = open_source(&rig, fds[0]);
    await_bytes(&rig, &probe, source, &byte, 1);
    ck_assert_int_eq(write(fds[1], "abc", 3), 3);
    ck_assert_int_eq(finish(&rig, &probe), 1);
    for (int i = 0; i < 2; i++) {
        ck_assert(submit_io(&rig, &probe, source, OP_RECV, &byte, 1));
        ck_assert_int_eq(probe.op.result, 1);
        ck_assert_int_eq(byte, "bc"[i]);
    }
    await_bytes(&rig, &probe, source, &byte, 1);
    sys_close(fds[1]);
    ck_assert_int_eq(finish(&rig, &probe), 0);
    source_close(source);
    expect_closed(&rig, fds[0]);
    rig_close(&rig);
}
END_TEST

START_TEST(one_reads_while_the_other_writes)
{
    struct rig rig;
    struct probe reader, writer;
    static char bytes[1 << 16];
    char byte;
    int fds[2];
    if (!open_rig(&rig, _i))
        return;
    pair_open(fds);
    fill(fds[0]);
    struct source *source = open_source(&rig, fds[0]);
    ck_assert(!submit_io(&rig, &writer, source, OP_SEND, bytes, sizeof bytes));
    await_bytes(&rig, &reader, source, &byte, 1);
    put_byte(fds[1]);
    ck_assert_int_eq(finish(&rig, &reader), 1);
    ck_assert_int_eq(writer.done, 0);
    drain(fds[1]);
    ck_assert_int_gt(finish(&rig, &writer), 0);
    source_close(source);
    expect_closed(&rig, fds[0]);
    sys_close(fds[1]);
    rig_close(&rig);
}
END_TEST

/* The news of the end and of the last bytes came together; the bytes were
 * taken in one piece, which shows that no more is there. */
START_TEST(the_end_is_news_after_the_last_bytes)
{
    struct rig rig;
    struct probe probe;
    char buf[8];
    int fds[2];
    if (!open_rig(&rig, _i))
        return;
    pair_open(fds);
    struct source *source = open_source(&rig, fds[0]);
    await_bytes(&rig, &probe, source, buf, sizeof buf);
    put_byte(fds[1]);
    shutdown(fds[1], SHUT_WR);
    ck_assert_int_eq(finish(&rig, &probe), 1);
    submit_poll_of(&rig, &probe, source, POLLIN);
    ck_assert_int_gt(finish(&rig, &probe), 0);
    submit_io(&rig, &probe, source, OP_RECV, buf, sizeof buf);
    ck_assert_int_eq(finish(&rig, &probe), 0);
    source_close(source);
    expect_closed(&rig, fds[0]);
    sys_close(fds[1]);
    rig_close(&rig);
}
END_TEST

/* Datagrams live on after an error of one. */
START_TEST(an_error_that_was_taken_is_no_news)
{
    struct rig rig;
    struct probe probe;
    char buf[8];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(1)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!open_rig(&rig, _i))
        return;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(
        connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    struct source *source = open_source(&rig, fd);
    await_bytes(&rig, &probe, source, buf, sizeof buf);
    ck_assert_int_eq(send(fd, "x", 1, 0), 1);
    ck_assert_int_eq(finish(&rig, &probe), -ECONNREFUSED);
    await_bytes(&rig, &probe, source, buf, sizeof buf);
    cancel(&rig, &probe);
    ck_assert_int_eq(finish(&rig, &probe), -ECANCELED);
    ck_assert(!submit_poll_of(&rig, &probe, source, POLLIN));
    expect_waiting(&rig, &probe);
    cancel(&rig, &probe);
    ck_assert_int_eq(finish(&rig, &probe), -ECANCELED);
    source_close(source);
    expect_closed(&rig, fd);
    rig_close(&rig);
}
END_TEST

/* ---- cancel and close ---- */

START_TEST(a_cancelled_wait_leaves_the_next_one_its_news)
{
    struct rig rig;
    struct probe first, second;
    char byte;
    int fds[2];
    if (!open_rig(&rig, _i))
        return;
    pair_open(fds);
    struct source *source = open_source(&rig, fds[0]);
    await_bytes(&rig, &first, source, &byte, 1);
    cancel(&rig, &first);
    put_byte(fds[1]);
    ck_assert_int_eq(finish(&rig, &first), -ECANCELED);
    submit_io(&rig, &second, source, OP_RECV, &byte, 1);
    ck_assert_int_eq(finish(&rig, &second), 1);
    source_close(source);
    expect_closed(&rig, fds[0]);
    sys_close(fds[1]);
    rig_close(&rig);
}
END_TEST

START_TEST(closed_under_who_waits_is_ebadf)
{
    struct rig rig;
    struct probe reader, writer, poller;
    char byte = 'x';
    int fds[2];
    if (!open_rig(&rig, _i))
        return;
    pair_open(fds);
    fill(fds[0]);
    struct source *source = open_source(&rig, fds[0]);
    ck_assert(!submit_io(&rig, &writer, source, OP_SEND, &byte, 1));
    await_bytes(&rig, &reader, source, &byte, 1);
    ck_assert(!submit_poll_of(&rig, &poller, source, POLLIN));
    source_close(source);
    ck_assert_int_eq(writer.done + reader.done + poller.done, 0);
    cancel(&rig, &poller);       /* too late */
    ck_assert_int_eq(finish(&rig, &reader), -EBADF);
    ck_assert_int_eq(finish(&rig, &writer), -EBADF);
    ck_assert_int_eq(finish(&rig, &poller), -EBADF);
    expect_closed(&rig, fds[0]);
    drain(fds[1]);
    ck_assert_int_eq(read(fds[1], &byte, 1), 0);
    sys_close(fds[1]);
    rig_close(&rig);
}
END_TEST

START_TEST(closed_after_a_cancel_it_ends_once)
{
    struct rig rig;
    struct probe probe;
    char byte;
    int fds[2];
    if (!open_rig(&rig, _i))
        return;
    pair_open(fds);
    struct source *source = open_source(&rig, fds[0]);
    await_bytes(&rig, &probe, source, &byte, 1);
    cancel(&rig, &probe);
    source_close(source);
    ssize_t result = finish(&rig, &probe);
    ck_assert(result == -ECANCELED || result == -EBADF);
    expect_closed(&rig, fds[0]);
    ck_assert_int_eq(probe.done, 1);
    sys_close(fds[1]);
    rig_close(&rig);
}
END_TEST

START_TEST(the_other_side_sees_the_end_after_a_wait)
{
    struct rig rig;
    char byte;
    int fds[2];
    if (!open_rig(&rig, _i))
        return;
    for (int is_known = 0; is_known <= 1; is_known++) {
        pair_open(fds);
        struct source *source = open_source(&rig, fds[0]);
        if (is_known)
            rig_wait(&rig, 0);
        source_close(source);
        expect_closed(&rig, fds[0]);
        ck_assert_int_eq(read(fds[1], &byte, 1), 0);
        sys_close(fds[1]);
    }
    rig_close(&rig);
}
END_TEST

/* A number that comes again is another source, and has its own news alone. */
START_TEST(a_number_that_comes_again_is_another_source)
{
    struct rig rig;
    struct probe probe;
    char byte;
    int old[2], new[2];
    if (!open_rig(&rig, _i))
        return;
    pair_open(old);
    int number = old[0];
    struct source *source = open_source(&rig, number);
    rig_wait(&rig, 0);
    put_byte(old[1]);
    source_close(source);
    expect_closed(&rig, number);
    pair_open(new);
    ck_assert_int_eq(new[0], number);
    source = open_source(&rig, number);
    await_bytes(&rig, &probe, source, &byte, 1);
    expect_waiting(&rig, &probe);
    put_byte(new[1]);
    ck_assert_int_eq(finish(&rig, &probe), 1);
    source_close(source);
    expect_closed(&rig, number);
    sys_close(old[1]);
    sys_close(new[1]);
    rig_close(&rig);
}
END_TEST

START_TEST(a_released_descriptor_stays_open)
{
    struct rig rig;
    struct probe probe;
    char byte;
    int fds[2];
    if (!open_rig(&rig, _i))
        return;
    pair_open(fds);
    struct source *source = open_source(&rig, fds[0]);
    await_bytes(&rig, &probe, source, &byte, 1);
    ck_assert_int_eq(source_release(source), fds[0]);
    ck_assert_int_eq(finish(&rig, &probe), -EBADF);
    rig_wait(&rig, MSEC);
    put_byte(fds[1]);
    ck_assert_int_eq(read(fds[0], &byte, 1), 1);
    source = open_source(&rig, fds[0]);
    await_bytes(&rig, &probe, source, &byte, 1);
    put_byte(fds[1]);
    ck_assert_int_eq(finish(&rig, &probe), 1);
    source_close(source);
    expect_closed(&rig, fds[0]);
    sys_close(fds[1]);
    rig_close(&rig);
}
END_TEST

/* Somebody closes what is not his: an error to whoever reads, no busy loop. */
START_TEST(a_descriptor_closed_behind_our_back_is_an_error)
{
    struct rig rig;
    struct probe probe;
    char byte;
    int fds[2];
    if (_i == 0 || !open_rig(&rig, _i))
        return;                  /* epoll refuses it at once */
    pair_open(fds);
    struct source *source = open_source(&rig, fds[0]);
    sys_close(fds[0]);
    submit_io(&rig, &probe, source, OP_RECV, &byte, 1);
    ck_assert_int_eq(finish(&rig, &probe), -EBADF);
    rig_wait(&rig, 0);
    ck_assert(!rig.backend->class->may_have_completions(rig.backend));
    source_release(source);
    sys_close(fds[1]);
    rig_close(&rig);
}
END_TEST

/* ---- crowds ---- */

/* Far more than the ring has entries, opened and closed in one turn. */
START_TEST(hundreds_are_opened_and_closed_in_one_turn)
{
    enum { COUNT = 300 };
    static struct source *sources[COUNT];
    static struct probe probes[COUNT];
    static int fds[COUNT][2];
    struct rig rig;
    char byte;
    allow_descriptors();
    if (!open_rig(&rig, _i))
        return;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT; i++) {
            pair_open(fds[i]);
            sources[i] = open_source(&rig, fds[i][0]);
            ck_assert(!submit_io(&rig, &probes[i], sources[i], OP_RECV, &byte,
                                 1));
        }
        if (round == 1)
            rig_wait(&rig, 0);
        for (int i = 0; i < COUNT; i++)
            source_close(sources[i]);
        for (int i = 0; i < COUNT; i++) {
            ck_assert_int_eq(finish(&rig, &probes[i]), -EBADF);
            expect_closed(&rig, fds[i][0]);
            ck_assert_int_eq(read(fds[i][1], &byte, 1), 0);
            sys_close(fds[i][1]);
        }
    }
    rig_close(&rig);
}
END_TEST

/* More news at once than the ring has room for; some are for nobody yet. */
START_TEST(thousands_are_ready_at_once)
{
    enum { COUNT = 2000 };
    static struct source *sources[COUNT];
    static struct probe probes[COUNT];
    static int fds[COUNT][2];
    static char bytes[COUNT];
    struct rig rig;
    struct rlimit limit;
    allow_descriptors();
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < 2 * COUNT + 100) {
        fprintf(stderr, "skipped: too few descriptors\n");
        return;
    }
    if (!open_rig(&rig, _i))
        return;
    for (int i = 0; i < COUNT; i++) {
        pair_open(fds[i]);
        sources[i] = open_source(&rig, fds[i][0]);
    }
    for (int round = 0; round < 3; round++) {
        for (int i = round % 2; i < COUNT; i += 2)
            ck_assert(!submit_io(&rig, &probes[i], sources[i], OP_RECV,
                                 &bytes[i], 1));
        rig_wait(&rig, 0);
        for (int i = 0; i < COUNT; i++)
            put_byte(fds[i][1]);
        for (int i = round % 2; i < COUNT; i += 2)
            ck_assert_int_eq(finish(&rig, &probes[i]), 1);
        for (int i = 1 - round % 2; i < COUNT; i += 2) {
            submit_io(&rig, &probes[i], sources[i], OP_RECV, &bytes[i], 1);
            ck_assert_int_eq(finish(&rig, &probes[i]), 1);
        }
    }
    for (int i = 0; i < COUNT; i++) {
        source_close(sources[i]);
        sys_close(fds[i][1]);
    }
    for (int i = 0; i < COUNT; i++)
        expect_closed(&rig, fds[i][0]);
    rig_close(&rig);
}
END_TEST

/* ---- the back end's end ---- */

START_TEST(what_was_closed_last_is_closed_with_the_back_end)
{
    struct rig rig;
    char byte;
    int fds[2];
    if (!open_rig(&rig, _i))
        return;
    pair_open(fds);
    struct source *source = open_source(&rig, fds[0]);
    rig_wait(&rig, 0);
    source_close(source);
    rig_close(&rig);
    ck_assert(!is_open(fds[0]));
    ck_assert_int_eq(read(fds[1], &byte, 1), 0);
    sys_close(fds[1]);
}
END_TEST

START_TEST(what_nobody_has_closed_is_closed_later)
{
    struct rig rig;
    int fds[2];
    if (!open_rig(&rig, _i))
        return;
    pair_open(fds);
    struct source *source = open_source(&rig, fds[0]);
    rig_wait(&rig, 0);
    rig_close(&rig);
    ck_assert(is_open(fds[0]));
    ck_assert_ptr_null(source->backend);
    source_close(source);
    ck_assert(!is_open(fds[0]));
    sys_close(fds[1]);
}
END_TEST

static int in_fork_child(struct rig *rig, struct source *open_one, int fd)
{
    rig->backend->class->poison(rig->backend);
    if (open_one->backend)
        return 1;
    source_close(open_one);
    return is_open(fd) ? 2 : 0;
}

START_TEST(a_fork_leaves_the_parents_alone)
{
    struct rig rig;
    struct probe probe;
    char byte;
    int fds[2], closing[2];
    int status;
    if (!open_rig(&rig, _i))
        return;
    pair_open(fds);
    pair_open(closing);
    struct source *source = open_source(&rig, fds[0]);
    struct source *other = open_source(&rig, closing[0]);
    await_bytes(&rig, &probe, source, &byte, 1);
    source_close(other);
    pid_t child = fork();
    if (child == 0)
        _exit(in_fork_child(&rig, source, fds[0]));
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    put_byte(fds[1]);
    ck_assert_int_eq(finish(&rig, &probe), 1);
    expect_closed(&rig, closing[0]);
    source_close(source);
    expect_closed(&rig, fds[0]);
    sys_close(fds[1]);
    sys_close(closing[1]);
    rig_close(&rig);
}
END_TEST

/* ---- whatever fails ---- */

static void finish_somehow(struct rig *rig, struct probe *probe)
{
    for (int i = 0; i < 20 && !probe->done; i++)
        rig_wait(rig, MSEC);
    if (!probe->done)
        cancel(rig, probe);
    uint64_t limit_ns = sys_now_ns() + LONG_NS;
    while (!probe->done && sys_now_ns() < limit_ns)
        rig_wait(rig, MSEC);
    ck_assert_int_eq(probe->done, 1);
}

static void run_tale(struct rig *rig, int fds[2])
{
    struct probe reader, writer, poller;
    struct source *source;
    char buf[8], text[] = "abc";
    if (source_open(rig->backend, fds[0], 0, &source) < 0) {
        sys_close(fds[0]);
        return;
    }
    submit_io(rig, &reader, source, OP_RECV, buf, sizeof buf);
    submit_io(rig, &writer, source, OP_SEND, text, 3);
    rig_wait(rig, 0);
    put_byte(fds[1]);
    finish_somehow(rig, &reader);
    finish_somehow(rig, &writer);
    submit_poll_of(rig, &poller, source, POLLIN);
    if (!poller.done)
        cancel(rig, &poller);
    submit_io(rig, &reader, source, OP_RECV, buf, sizeof buf);
    source_close(source);
    finish_somehow(rig, &poller);
    finish_somehow(rig, &reader);
}

START_TEST(whatever_fails_all_ends)
{
    int fds[2];
    for (uint64_t n = 1; n < 1000; n++) {
        struct rig rig;
        if (!open_rig(&rig, _i))
            return;
        pair_open(fds);
        fault_arm(FAULT_ANY, n);
        run_tale(&rig, fds);
        uint64_t asks = fault_disarm();
        expect_closed(&rig, fds[0]);
        sys_close(fds[1]);
        rig_close(&rig);
        if (asks < n)
            break;
    }
}
END_TEST

/* Once for each back end, and on the ring without polls that go on. */
static void add(Suite *suite, const TTest *test)
{
    TCase *tcase = tcase_create(test->name);
    tcase_set_timeout(tcase, SUITE_CASE_SECONDS);
    tcase_add_loop_test(tcase, test, 0, SOURCE_RIG_COUNT);
    suite_add_tcase(suite, tcase);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("source");
    add(suite, news_come_to_who_waits);
    add(suite, what_is_left_is_taken_at_once);
    add(suite, one_reads_while_the_other_writes);
    add(suite, the_end_is_news_after_the_last_bytes);
    add(suite, an_error_that_was_taken_is_no_news);
    add(suite, a_cancelled_wait_leaves_the_next_one_its_news);
    add(suite, closed_under_who_waits_is_ebadf);
    add(suite, closed_after_a_cancel_it_ends_once);
    add(suite, the_other_side_sees_the_end_after_a_wait);
    add(suite, a_number_that_comes_again_is_another_source);
    add(suite, a_released_descriptor_stays_open);
    add(suite, a_descriptor_closed_behind_our_back_is_an_error);
    add(suite, hundreds_are_opened_and_closed_in_one_turn);
    add(suite, thousands_are_ready_at_once);
    add(suite, what_was_closed_last_is_closed_with_the_back_end);
    add(suite, what_nobody_has_closed_is_closed_later);
    add(suite, a_fork_leaves_the_parents_alone);
    add(suite, whatever_fails_all_ends);
    return suite;
}
