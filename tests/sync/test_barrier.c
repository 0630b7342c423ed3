/* SPDX-License-Identifier: MIT */
/* The barrier: rounds, numbers, those who leave, reset and abort. */
#include "rig.h"

#include <limits.h>

static struct asyncio_barrier barrier;

static int pass(void *arg)
{
    return asyncio_barrier_wait(arg);
}

static void init(size_t parties)
{
    ck_assert_int_eq(asyncio_barrier_init(&barrier, parties), 0);
}

static void start_waiters(struct call *calls, int count)
{
    for (int i = 0; i < count; i++) {
        call_start(&calls[i], pass, &barrier);
        settle();
        ck_assert(call_waits(&calls[i]));
        ck_assert_uint_eq(asyncio_barrier_waiting(&barrier), (size_t)i + 1);
    }
}

/* ---- rounds ---- */

static int rounds(void *arg)
{
    enum { PARTIES = 5, ROUNDS = 4 };
    struct call calls[PARTIES];
    (void)arg;
    init(PARTIES);
    for (int round = 0; round < ROUNDS; round++) {
        unsigned seen = 0;
        for (int i = 0; i < PARTIES; i++)
            call_start(&calls[i], pass, &barrier);
        for (int i = 0; i < PARTIES; i++) {
            int number = call_end(&calls[i]);
            ck_assert_int_ge(number, 0);
            ck_assert_int_lt(number, PARTIES);
            seen |= 1u << number;
        }
        ck_assert_uint_eq(seen, (1u << PARTIES) - 1);
        ck_assert_uint_eq(asyncio_barrier_waiting(&barrier), 0);
    }
    asyncio_barrier_fini(&barrier);
    return 0;
}

START_TEST(parties_pass_together_with_different_numbers)
{
    run(rounds, NULL);
    run_seeds(rounds, NULL);
}
END_TEST

static int alone(void *arg)
{
    (void)arg;
    init(1);
    for (int i = 0; i < 300; i++)
        ck_assert_int_eq(asyncio_barrier_wait(&barrier), 0);
    return 0;
}

START_TEST(one_party_passes_at_once)
{
    run(alone, NULL);
}
END_TEST

static int cross_many(void *arg)
{
    int *crossings = arg;
    for (int i = 0; i < 50; i++) {
        /* Nobody is a round ahead of another that has not passed this one. */
        int err = asyncio_barrier_wait(&barrier);
        if (err < 0)
            return err;
        ck_assert_int_ge(*crossings, 3 * i);
        ++*crossings;
    }
    return 0;
}

static int overlapping(void *arg)
{
    asyncio_task tasks[3];
    int crossings = 0;
    (void)arg;
    init(3);
    for (int i = 0; i < 3; i++)
        tasks[i] = asyncio_create_task(cross_many, &crossings);
    ck_assert_int_eq(asyncio_gather(tasks, 3, NULL), 0);
    ck_assert_int_eq(crossings, 150);
    return 0;
}

START_TEST(rounds_follow_each_other_at_once)
{
    run(overlapping, NULL);
}
END_TEST

START_TEST(bad_numbers_of_parties_are_invalid)
{
    ck_assert_int_eq(asyncio_barrier_init(&barrier, 0), -EINVAL);
    ck_assert_int_eq(asyncio_barrier_init(&barrier, SIZE_MAX), -EINVAL);
    ck_assert_int_eq(asyncio_barrier_init(&barrier, (size_t)INT_MAX + 1),
                     -EINVAL);
    ck_assert_int_eq(asyncio_barrier_init(&barrier, INT_MAX), 0);
}
END_TEST

START_TEST(outside_of_tasks_is_refused)
{
    init(1);
    ck_assert_int_eq(asyncio_barrier_wait(&barrier), -EPERM);
}
END_TEST

/* ---- cancels ---- */

static int cancel_one(void *arg)
{
    int which = *(int *)arg;
    struct call calls[3], late[2];
    unsigned seen = 0;
    init(4);
    start_waiters(calls, 3);
    call_cancel(&calls[which]);
    /* Its place is free at once, before it has run. */
    ck_assert_uint_eq(asyncio_barrier_waiting(&barrier), 2);
    call_start(&late[0], pass, &barrier);
    ck_assert_int_eq(call_end(&calls[which]), -ECANCELED);
    settle();
    ck_assert(call_waits(&late[0]));

    call_start(&late[1], pass, &barrier);
    for (int i = 0; i < 3; i++) {
        if (i != which)
            seen |= 1u << call_end(&calls[i]);
    }
    for (int i = 0; i < 2; i++)
        seen |= 1u << call_end(&late[i]);
    ck_assert_uint_eq(seen, 15);
    asyncio_barrier_fini(&barrier);
    return 0;
}

START_TEST(cancelled_waiter_frees_its_place)
{
    for (int which = 0; which < 3; which++) {
        run(cancel_one, &which);
        run_seeds(cancel_one, &which);
    }
}
END_TEST

static int cancel_after_opening(void *arg)
{
    struct call call;
    (void)arg;
    init(2);
    start_waiters(&call, 1);
    ck_assert_int_eq(asyncio_barrier_wait(&barrier), 1);
    call_cancel(&call);
    ck_assert_int_eq(call_end(&call), 0);
    ck_assert_uint_eq(asyncio_barrier_waiting(&barrier), 0);
    return 0;
}

START_TEST(opened_barrier_stands_against_a_later_cancel)
{
    run(cancel_after_opening, NULL);
    run_seeds(cancel_after_opening, NULL);
}
END_TEST

static int cancelled_last(void *arg)
{
    struct call calls[2];
    (void)arg;
    init(2);
    start_waiters(calls, 1);
    call_start(&calls[1], pass, &barrier);
    call_cancel(&calls[1]);
    ck_assert_int_eq(call_end(&calls[1]), -ECANCELED);
    ck_assert(call_waits(&calls[0]));
    ck_assert_uint_eq(asyncio_barrier_waiting(&barrier), 1);
    ck_assert_int_eq(asyncio_barrier_wait(&barrier), 1);
    return call_end(&calls[0]);
}

START_TEST(cancelled_task_does_not_open_it)
{
    run(cancelled_last, NULL);
}
END_TEST

static int under_timeout(void *arg)
{
    struct asyncio_timeout timeout;
    (void)arg;
    init(2);
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0.003), 0);
    int err = asyncio_timeout_end(&timeout, asyncio_barrier_wait(&barrier));
    ck_assert_int_eq(err, -ETIMEDOUT);
    ck_assert_uint_eq(asyncio_barrier_waiting(&barrier), 0);
    ck_assert(!asyncio_barrier_is_broken(&barrier));
    return 0;
}

START_TEST(timeout_ends_the_wait)
{
    run(under_timeout, NULL);
}
END_TEST

/* ---- reset and abort ---- */

static int reset_under_waiters(void *arg)
{
    struct call calls[2];
    (void)arg;
    init(3);
    start_waiters(calls, 2);
    asyncio_barrier_reset(&barrier);
    ck_assert_uint_eq(asyncio_barrier_waiting(&barrier), 0);
    ck_assert(!asyncio_barrier_is_broken(&barrier));
    ck_assert_int_eq(call_end(&calls[0]), -EPIPE);
    ck_assert_int_eq(call_end(&calls[1]), -EPIPE);

    start_waiters(calls, 2);
    ck_assert_int_eq(asyncio_barrier_wait(&barrier), 2);
    ck_assert_int_eq(call_end(&calls[0]), 0);
    ck_assert_int_eq(call_end(&calls[1]), 1);
    return 0;
}

START_TEST(reset_fails_those_who_wait_and_begins_anew)
{
    run(reset_under_waiters, NULL);
    run_seeds(reset_under_waiters, NULL);
}
END_TEST

static int abort_under_waiters(void *arg)
{
    struct call calls[2];
    (void)arg;
    init(3);
    start_waiters(calls, 2);
    asyncio_barrier_abort(&barrier);
    ck_assert(asyncio_barrier_is_broken(&barrier));
    ck_assert_int_eq(asyncio_barrier_wait(&barrier), -EPIPE);
    ck_assert_int_eq(call_end(&calls[0]), -EPIPE);
    ck_assert_int_eq(call_end(&calls[1]), -EPIPE);
    ck_assert_int_eq(asyncio_barrier_wait(&barrier), -EPIPE);

    asyncio_barrier_reset(&barrier);
    ck_assert(!asyncio_barrier_is_broken(&barrier));
    start_waiters(calls, 2);
    ck_assert_int_eq(asyncio_barrier_wait(&barrier), 2);
    ck_assert_int_eq(call_end(&calls[0]), 0);
    ck_assert_int_eq(call_end(&calls[1]), 1);
    return 0;
}

START_TEST(abort_breaks_it_until_a_reset)
{
    run(abort_under_waiters, NULL);
    run_seeds(abort_under_waiters, NULL);
}
END_TEST

/* ---- the end ---- */

static int count_allocations(void *arg)
{
    asyncio_task tasks[3];
    int crossings;
    (void)arg;
    init(3);
    for (int round = 0; round < 2; round++) {
        uint64_t before = mem_alloc_count();
        crossings = 0;
        for (int i = 0; i < 3; i++)
            tasks[i] = asyncio_create_task(cross_many, &crossings);
        ck_assert_int_eq(asyncio_gather(tasks, 3, NULL), 0);
        if (round)
            ck_assert_uint_eq(mem_alloc_count(), before);
    }
    return 0;
}

START_TEST(nothing_is_allocated)
{
    run(count_allocations, NULL);
}
END_TEST

static int fini_under_waiter(void *arg)
{
    struct call call;
    (void)arg;
    init(2);
    start_waiters(&call, 1);
    asyncio_barrier_fini(&barrier);
    return 0;
}

START_TEST(fini_with_a_waiter_aborts)
{
    run(fini_under_waiter, NULL);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("barrier");
    suite_case(suite, parties_pass_together_with_different_numbers);
    suite_case(suite, one_party_passes_at_once);
    suite_case(suite, rounds_follow_each_other_at_once);
    suite_case(suite, bad_numbers_of_parties_are_invalid);
    suite_case(suite, outside_of_tasks_is_refused);
    suite_case(suite, cancelled_waiter_frees_its_place);
    suite_case(suite, opened_barrier_stands_against_a_later_cancel);
    suite_case(suite, cancelled_task_does_not_open_it);
    suite_case(suite, timeout_ends_the_wait);
    suite_case(suite, reset_fails_those_who_wait_and_begins_anew);
    suite_case(suite, abort_breaks_it_until_a_reset);
    suite_case(suite, nothing_is_allocated);
    suite_case_signal(suite, fini_with_a_waiter_aborts, SIGABRT);
    return suite;
}
