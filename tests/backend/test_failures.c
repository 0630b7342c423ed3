/* SPDX-License-Identifier: MIT */
/*
 * The n-th system call or allocation fails, for n = 1, 2, 3 ... until a run
 * goes through: opening and operating end in order whatever failed, and leave
 * nothing behind (which the sanitizers' leak check sees, too).
 */
#include "suite.h"

#include <poll.h>

#include "base/fault.h"
#include "rig.h"

static int count_fds(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static int open_by_index(struct rig *rig, int index)
{
    struct backend_options options = {.name = "sim"};
    if (index < RIG_COUNT)
        return rig_try_open(rig, rig_names[index]);
    rig->box = mailbox_new();
    int err = backend_open(&options, rig->box, &rig->backend);
    if (err < 0)
        mailbox_unref(rig->box);
    return err;
}

START_TEST(opening)
{
    struct rig rig;
    if (open_by_index(&rig, _i) < 0)
        return;
    rig_close(&rig);
    int before = count_fds();
    uint64_t n = 0;
    for (;;) {
        n++;
        struct mailbox *box = mailbox_new();
        struct backend *backend = NULL;
        fault_arm(FAULT_ANY, n);
        int err = _i == 0           ? backend_epoll_open(box, &backend)
                  : _i == RIG_COUNT ? backend_sim_open(box, 1, &backend)
                                    : backend_uring_open(box, &backend);
        uint64_t asks = fault_disarm();
        ck_assert_int_le(err, 0);
        ck_assert_int_eq(err == 0, backend != NULL);
        if (backend)
            backend->class->close(backend);
        mailbox_unref(box);
        ck_assert_int_eq(count_fds(), before);
        if (asks < n)
            break;
    }
    ck_assert_uint_gt(n, 1);
}
END_TEST

/* The front door opens something as long as epoll can be had. */
START_TEST(opening_falls_back)
{
    unsetenv("ASYNCIO_BACKEND");
    int opened = 0;
    for (uint64_t n = 1;; n++) {
        struct mailbox *box = mailbox_new();
        struct backend *backend = NULL;
        ck_assert_int_ge(mailbox_fd(box), 0);
        fault_arm(FAULT_ANY, n);
        int err = backend_open(NULL, box, &backend);
        uint64_t asks = fault_disarm();
        ck_assert_int_eq(err == 0, backend != NULL);
        if (backend) {
            opened++;
            backend->class->close(backend);
        }
        mailbox_unref(box);
        if (asks < n)
            break;
    }
    ck_assert_int_gt(opened, 0);
}
END_TEST

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

/* As finish, but with a bound in turns; what is given up on is cancelled. */
static void finish_somehow(struct rig *rig, struct probe *probe)
{
    for (int i = 0; i < 50 && !probe->done; i++)
        rig_wait(rig, MSEC);
    if (!probe->done)
        cancel(rig, probe);
    uint64_t limit_ns = sys_now_ns() + LONG_NS;
    while (!probe->done && sys_now_ns() < limit_ns)
        rig_wait(rig, MSEC);
    ck_assert_int_eq(probe->done, 1);
}

struct tale {
    int pipe[2];
    int pair[2];
    int file;
};

/* A bit of everything; nothing may hang, or end twice. */
static void run_tale(struct rig *rig, const struct tale *tale)
{
    struct probe poll, read, write_, work, gone, file;
    char in[8], out[8] = "abc", back[8];
    submit_poll(rig, &poll, tale->pipe[0], POLLIN);
    submit_poll(rig, &gone, tale->pair[0], POLLIN | POLLPRI);
    submit_read(rig, &read, tale->pair[0], in, sizeof(in));
    submit_work(rig, &work, nothing, NULL);
    rig_wait(rig, 0);
    submit_write(rig, &write_, tale->pair[1], out, 3);
    submit_write(rig, &file, tale->file, out, 3);
    if (!gone.done)
        cancel(rig, &gone);
    rig_wait(rig, 0);
    if (write(tale->pipe[1], "x", 1) != 1)
        ck_abort_msg("no room in an empty pipe");
    finish_somehow(rig, &write_);
    finish_somehow(rig, &file);
    if (!file.op.result)
        ck_abort_msg("a file that takes nothing");
    finish_somehow(rig, &gone);
    finish_somehow(rig, &poll);
    finish_somehow(rig, &read);
    finish_somehow(rig, &work);
    submit_read(rig, &file, tale->file, back, sizeof(back));
    finish_somehow(rig, &file);
}

START_TEST(operating)
{
    struct tale tale;
    struct rig rig;
    FILE *file = tmpfile();
    tale.file = fileno(file);
    if (open_by_index(&rig, _i) < 0)
        return;
    rig_close(&rig);
    for (uint64_t n = 1; n < 1000; n++) {
        pipe_open(tale.pipe);
        pair_open(tale.pair);
        ck_assert_int_eq(open_by_index(&rig, _i), 0);
        fault_arm(FAULT_ANY, n);
        run_tale(&rig, &tale);
        uint64_t asks = fault_disarm();
        rig_close(&rig);
        both_close(tale.pipe);
        both_close(tale.pair);
        if (asks < n)
            break;
    }
    fclose(file);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("failures");
    TCase *tcase = tcase_create("opening");
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, opening, 0, RIG_COUNT + 1);
    suite_add_tcase(suite, tcase);
    suite_case(suite, opening_falls_back);
    case_per_back_end(suite, operating);
    return suite;
}
