/* SPDX-License-Identifier: MIT */
/*
 * The ring when it is full: what finds no submission entry waits for one, and
 * is neither lost nor slept over. The kernel's refusal is made by the failure
 * seam, since real kernels hardly ever refuse.
 */
#include "suite.h"

#include <poll.h>

#include "base/fault.h"
#include "rig.h"

#ifdef HAVE_LIBURING

/* As many as the ring has entries, and more than enough. */
enum { CROWD = 256 };

static struct probe crowd[CROWD];
static int crowd_count;
static int fds[2];

static bool uring_open(struct rig *rig)
{
    if (rig_try_open(rig, "uring") < 0) {
        fprintf(stderr, "no ring here: not tested\n");
        return false;
    }
    pipe_open(fds);
    return true;
}

/* Takes every entry; the next one to want one has to submit first. */
static void fill_ring(struct rig *rig)
{
    unsigned asks = 0;
    for (crowd_count = 0; crowd_count < CROWD && asks == 0; crowd_count++) {
        fault_arm(FAULT_SYSCALL, CROWD);
        submit_poll(rig, &crowd[crowd_count], fds[0], POLLIN);
        asks = (unsigned)fault_disarm();
    }
    ck_assert_uint_eq(asks, 1);  /* the last one found it full and sent all */
    int entries = crowd_count - 1;
    for (int i = 1; i < entries; i++) {
        submit_poll(rig, &crowd[crowd_count++], fds[0], POLLIN);
        ck_assert_int_lt(crowd_count, CROWD);
    }
}

static void end_crowd(struct rig *rig)
{
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    for (int i = 0; i < crowd_count; i++)
        ck_assert_int_eq(finish(rig, &crowd[i]), POLLIN);
    both_close(fds);
    rig_close(rig);
}

/* Does it with the kernel taking no entries. */
static void refused(void (*act)(struct rig *rig, struct probe *probe),
                    struct rig *rig, struct probe *probe)
{
    fault_arm(FAULT_SYSCALL, 1);
    act(rig, probe);
    ck_assert_uint_ge(fault_disarm(), 1);
}

static void act_submit(struct rig *rig, struct probe *probe)
{
    ck_assert(!submit_poll(rig, probe, fds[0], POLLIN));
}

START_TEST(an_op_without_an_entry_is_started_later)
{
    struct rig rig;
    struct probe late;
    if (!uring_open(&rig))
        return;
    fill_ring(&rig);
    refused(act_submit, &rig, &late);
    ck_assert_int_eq(late.op.place, OP_IN_BACKLOG);
    ck_assert(rig.backend->class->may_have_completions(rig.backend));
    rig_wait(&rig, 0);
    ck_assert_int_eq(late.op.place, OP_IN_RING);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    ck_assert_int_eq(finish(&rig, &late), POLLIN);
    end_crowd(&rig);
}
END_TEST

START_TEST(an_op_without_an_entry_is_withdrawn)
{
    struct rig rig;
    struct probe late;
    if (!uring_open(&rig))
        return;
    fill_ring(&rig);
    refused(act_submit, &rig, &late);
    cancel(&rig, &late);
    ck_assert_int_eq(rig_wait(&rig, 0), 1);
    ck_assert_int_eq(late.done, 1);
    ck_assert_int_eq(late.op.result, -ECANCELED);
    end_crowd(&rig);
}
END_TEST

START_TEST(a_cancel_without_an_entry_is_sent_later)
{
    struct rig rig;
    struct probe probe;
    if (!uring_open(&rig))
        return;
    act_submit(&rig, &probe);
    expect_waiting(&rig, &probe);
    fill_ring(&rig);
    refused(cancel, &rig, &probe);
    cancel(&rig, &probe);
    ck_assert_int_eq(finish(&rig, &probe), -ECANCELED);
    end_crowd(&rig);
}
END_TEST

static void act_look(struct rig *rig, struct probe *probe)
{
    rig_wait(rig, 0);
    ck_assert_int_eq(probe->done, 1);
}

/* Nothing of it may hit what comes to lie in the same memory. */
START_TEST(a_cancel_without_an_entry_may_come_too_late)
{
    struct rig rig;
    struct probe probe;
    int first[2], second[2];
    if (!uring_open(&rig))
        return;
    pipe_open(first);
    pipe_open(second);
    submit_poll(&rig, &probe, first[0], POLLIN);
    expect_waiting(&rig, &probe);
    fill_ring(&rig);
    refused(cancel, &rig, &probe);
    ck_assert_int_eq(write(first[1], "x", 1), 1);
    refused(act_look, &rig, &probe);
    ck_assert_int_eq(probe.op.result, POLLIN);
    submit_poll(&rig, &probe, second[0], POLLIN);
    expect_waiting(&rig, &probe);
    ck_assert_int_eq(write(second[1], "x", 1), 1);
    ck_assert_int_eq(finish(&rig, &probe), POLLIN);
    both_close(first);
    both_close(second);
    end_crowd(&rig);
}
END_TEST

static void act_wait(struct rig *rig, struct probe *probe)
{
    (void)probe;
    uint64_t start_ns = sys_now_ns();
    ck_assert_int_eq(rig_wait(rig, LONG_NS), 0);
    ck_assert_uint_lt(sys_now_ns() - start_ns, LONG_NS / 2);
}

START_TEST(no_sleep_before_all_has_started)
{
    struct rig rig;
    struct probe late;
    if (!uring_open(&rig))
        return;
    rig_wait(&rig, 1);           /* the wake-up is armed */
    fill_ring(&rig);
    refused(act_submit, &rig, &late);
    refused(act_wait, &rig, NULL);
    ck_assert_int_eq(late.op.place, OP_IN_BACKLOG);
    cancel(&rig, &late);
    ck_assert_int_eq(finish(&rig, &late), -ECANCELED);
    end_crowd(&rig);
}
END_TEST

START_TEST(no_sleep_before_it_can_be_woken)
{
    struct rig rig;
    if (!uring_open(&rig))
        return;
    fill_ring(&rig);
    /* There is no entry for the wake-up. */
    refused(act_wait, &rig, NULL);
    end_crowd(&rig);
}
END_TEST

#endif

Suite *test_suite(void)
{
    Suite *suite = suite_create("uring");
#ifdef HAVE_LIBURING
    suite_case(suite, an_op_without_an_entry_is_started_later);
    suite_case(suite, an_op_without_an_entry_is_withdrawn);
    suite_case(suite, a_cancel_without_an_entry_is_sent_later);
    suite_case(suite, a_cancel_without_an_entry_may_come_too_late);
    suite_case(suite, no_sleep_before_all_has_started);
    suite_case(suite, no_sleep_before_it_can_be_woken);
#else
    suite_skip("built without liburing");
#endif
    return suite;
}
