/* SPDX-License-Identifier: MIT */
/*
 * The timing wheel against a model that keeps its timers in an array: what is
 * due, in which order, and when to look again.
 */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "engine/wheel.h"

enum { TIMERS = 200 };

static const uint64_t tick = UINT64_C(1) << WHEEL_TICK_SHIFT;

/* The wheel under test, and the model beside it. */
struct modelled {
    struct asyncio_timer timer;
    uint64_t deadline_ns;        /* valid while armed */
    uint64_t inserted;           /* counts insertions */
    bool armed;
};

static struct wheel *wheel;
static struct modelled timers[TIMERS];
static uint64_t now_ns;
static uint64_t insertions;

static void no_fire(struct asyncio_timer *timer)
{
    (void)timer;
}

static void setup_at(uint64_t start_ns)
{
    free(wheel);
    wheel = calloc(1, sizeof *wheel);
    ck_assert_ptr_nonnull(wheel);
    now_ns = start_ns;
    wheel_init(wheel, now_ns);
    for (int i = 0; i < TIMERS; i++) {
        timers[i] = (struct modelled){0};
        timer_init(&timers[i].timer, no_fire);
    }
}

static void setup(void)
{
    setup_at(0);
}

static void teardown(void)
{
    free(wheel);
    wheel = NULL;
}

static void insert(int i, uint64_t deadline_ns)
{
    wheel_insert(wheel, &timers[i].timer, deadline_ns);
    timers[i].armed = deadline_ns != NSEC_NEVER;
    timers[i].deadline_ns = deadline_ns;
    timers[i].inserted = ++insertions;
}

static void take_out(int i)
{
    wheel_remove(wheel, &timers[i].timer);
    ck_assert(!timer_is_armed(&timers[i].timer));
    timers[i].armed = false;
}

/* The armed timer that the model has first; -1: none. */
static int model_first(void)
{
    int first = -1;
    for (int i = 0; i < TIMERS; i++) {
        if (!timers[i].armed)
            continue;
        if (first < 0 || timers[i].deadline_ns < timers[first].deadline_ns ||
            (timers[i].deadline_ns == timers[first].deadline_ns &&
             timers[i].inserted < timers[first].inserted))
            first = i;
    }
    return first;
}

static void check_next(void)
{
    uint64_t next = wheel_next_ns(wheel);
    int first = model_first();
    if (first < 0) {
        ck_assert_uint_eq(next, NSEC_NEVER);
        return;
    }
    ck_assert_uint_le(next, timers[first].deadline_ns);
    /* Somewhat earlier, but never now without reason: that would spin. */
    if (timers[first].deadline_ns > now_ns)
        ck_assert_uint_gt(next, now_ns);
}

/* Advances both, and asserts that what is due is the model's, in its order. */
static int advance_to(uint64_t to_ns)
{
    struct asyncio_link due;
    struct asyncio_link *link;
    int count = 0;
    now_ns = to_ns;
    bool is_more;
    do {
        is_more = wheel_advance(wheel, to_ns, &due);
        while ((link = list_pop_front(&due))) {
            int i =
                (int)(container_of(link, struct modelled, timer.link) - timers);
            ck_assert_int_eq(i, model_first());
            ck_assert_uint_le(timers[i].deadline_ns, to_ns);
            timers[i].armed = false;
            count++;
        }
    } while (is_more);
    int first = model_first();
    if (first >= 0)
        ck_assert_uint_gt(timers[first].deadline_ns, to_ns);
    check_next();
    return count;
}

/* ---- one at a time ---- */

START_TEST(an_empty_wheel_has_no_next)
{
    ck_assert_uint_eq(wheel_next_ns(wheel), NSEC_NEVER);
    ck_assert_int_eq(advance_to(0), 0);
    ck_assert_int_eq(advance_to(1000 * NSEC_PER_SEC), 0);
    ck_assert_int_eq(advance_to(NSEC_NEVER - 1), 0);
    ck_assert_uint_eq(wheel->count, 0);
}
END_TEST

START_TEST(a_timer_fires_at_its_nanosecond_and_not_before)
{
    for (unsigned bit = 0; bit < 63; bit++) {
        uint64_t deadline = (UINT64_C(1) << bit) + 5;
        setup_at(0);
        insert(0, deadline);
        check_next();
        ck_assert_int_eq(advance_to(deadline - 1), 0);
        ck_assert_uint_eq(wheel_next_ns(wheel), deadline);
        ck_assert_int_eq(advance_to(deadline), 1);
        ck_assert_int_eq(advance_to(deadline + 1), 0);
    }
}
END_TEST

START_TEST(following_next_ns_leads_to_each_deadline_in_few_steps)
{
    for (unsigned bit = 0; bit < 63; bit++) {
        uint64_t deadline = (UINT64_C(1) << bit) + 12345;
        int steps = 0;
        setup_at(777);
        insert(0, deadline);
        while (advance_to(wheel_next_ns(wheel)) == 0)
            ck_assert_int_lt(++steps, WHEEL_LEVELS + 1);
        ck_assert_uint_eq(now_ns, deadline);
    }
}
END_TEST

START_TEST(never_is_not_armed)
{
    insert(0, NSEC_NEVER);
    ck_assert(!timer_is_armed(&timers[0].timer));
    ck_assert_uint_eq(wheel->count, 0);
    ck_assert_uint_eq(wheel_next_ns(wheel), NSEC_NEVER);
    ck_assert_int_eq(advance_to(NSEC_NEVER - 1), 0);
    take_out(0);
    insert(0, now_ns);
    ck_assert_int_eq(advance_to(now_ns), 1);
}
END_TEST

START_TEST(the_farthest_deadline_is_held)
{
    insert(0, NSEC_NEVER - 1);
    insert(1, NSEC_NEVER - tick);
    check_next();
    ck_assert_int_eq(advance_to(NSEC_NEVER - tick - 1), 0);
    ck_assert_int_eq(advance_to(NSEC_NEVER - tick), 1);
    ck_assert_int_eq(advance_to(NSEC_NEVER - 2), 0);
    ck_assert_int_eq(advance_to(NSEC_NEVER - 1), 1);
}
END_TEST

START_TEST(past_deadlines_fire_at_the_next_advance_in_their_order)
{
    setup_at(5000 * NSEC_PER_SEC);
    insert(0, 4000 * NSEC_PER_SEC);
    insert(1, 0);
    insert(2, 4999 * NSEC_PER_SEC);
    insert(3, 0);
    insert(4, now_ns);
    insert(5, now_ns + 1);
    check_next();
    ck_assert_uint_eq(wheel_next_ns(wheel), 0);
    ck_assert_int_eq(advance_to(now_ns), 5);
    ck_assert_int_eq(advance_to(now_ns + 1), 1);
}
END_TEST

START_TEST(a_clock_that_stands_or_goes_back_does_no_harm)
{
    setup_at(100 * NSEC_PER_SEC);
    insert(0, 100 * NSEC_PER_SEC + 10);
    insert(1, 100 * NSEC_PER_SEC + 10 * tick);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(advance_to(100 * NSEC_PER_SEC), 0);
    ck_assert_int_eq(advance_to(99 * NSEC_PER_SEC), 0);
    ck_assert_int_eq(advance_to(100 * NSEC_PER_SEC + 10), 1);
    ck_assert_int_eq(advance_to(0), 0);
    ck_assert_int_eq(advance_to(100 * NSEC_PER_SEC + 10 * tick), 1);
}
END_TEST

/* ---- order ---- */

START_TEST(equal_deadlines_fire_first_in_first_out)
{
    for (int i = 0; i < TIMERS; i++)
        insert(i, 50 * NSEC_PER_MSEC);
    ck_assert_int_eq(advance_to(50 * NSEC_PER_MSEC), TIMERS);
}
END_TEST

/* Each is inserted from a nearer place, so they come to the slot from all
 * levels; the model in advance_to knows the order. */
START_TEST(equal_deadlines_keep_their_order_across_cascades)
{
    for (unsigned bit = WHEEL_TICK_SHIFT; bit < 62; bit++) {
        uint64_t deadline = (UINT64_C(1) << bit) * 3 / 2 + 3;
        setup_at(0);
        int i = 0;
        uint64_t distance = deadline;
        for (; i < TIMERS && distance > 1; i += 2) {
            insert(i, deadline);
            insert(i + 1, deadline);
            distance = distance * 2 / 3;
            ck_assert_int_eq(advance_to(deadline - distance), 0);
        }
        ck_assert_int_eq(advance_to(deadline), i);
    }
}
END_TEST

START_TEST(within_one_tick_the_nanoseconds_decide)
{
    uint64_t start = 4 * tick;
    for (int i = 0; i < 100; i++)
        insert(i, start + (uint64_t)(i * 37 % 100));
    for (uint64_t ns = 0; ns < 100; ns++)
        ck_assert_int_eq(advance_to(start + ns), 1);
}
END_TEST

/* ---- removal ---- */

START_TEST(removed_timers_do_not_fire)
{
    for (int i = 0; i < 100; i++)
        insert(i, (uint64_t)(i + 1) * 3 * NSEC_PER_MSEC);
    for (int i = 0; i < 100; i += 2)
        take_out(i);
    ck_assert_uint_eq(wheel->count, 50);
    take_out(0);
    ck_assert_uint_eq(wheel->count, 50);
    ck_assert_int_eq(advance_to(NSEC_PER_SEC), 50);
    ck_assert_uint_eq(wheel->count, 0);
}
END_TEST

START_TEST(a_wheel_that_was_emptied_by_hand_has_no_next)
{
    insert(0, 5);
    insert(1, 100 * NSEC_PER_SEC);
    insert(2, NSEC_NEVER - 1);
    for (int i = 0; i < 3; i++)
        take_out(i);
    ck_assert_uint_eq(wheel_next_ns(wheel), NSEC_NEVER);
    insert(3, 200 * NSEC_PER_SEC);
    check_next();
    ck_assert_int_eq(advance_to(200 * NSEC_PER_SEC), 1);
}
END_TEST

START_TEST(a_due_timer_can_be_taken_from_the_due_ones)
{
    struct asyncio_link due;
    for (int i = 0; i < 3; i++)
        insert(i, 10);
    insert(3, 20 * NSEC_PER_SEC);
    wheel_advance(wheel, 10, &due);
    wheel_remove(wheel, &timers[1].timer);
    ck_assert_uint_eq(wheel->count, 1);
    ck_assert_ptr_eq(list_pop_front(&due), &timers[0].timer.link);
    ck_assert_ptr_eq(list_pop_front(&due), &timers[2].timer.link);
    ck_assert_ptr_null(list_pop_front(&due));
    /* And be armed again from there. */
    wheel_insert(wheel, &timers[0].timer, 30);
    ck_assert_uint_eq(wheel->count, 2);
    ck_assert_uint_eq(wheel_next_ns(wheel), 30);
}
END_TEST

/* ---- at random ---- */

static uint64_t random_distance(struct rng *rng, unsigned bits_max)
{
    unsigned bits = (unsigned)rng_below(rng, bits_max + 1);
    return rng_next(rng) & ((UINT64_C(1) << bits) - 1);
}

static uint64_t random_deadline(struct rng *rng, unsigned bits_max)
{
    uint64_t distance = random_distance(rng, bits_max);
    switch (rng_below(rng, 8)) {
    case 0:                      /* past */
        return now_ns > distance ? now_ns - distance : 0;
    case 1:                      /* equal to another's */
        return timers[rng_below(rng, TIMERS)].deadline_ns;
    case 2:                      /* a multiple of something: more equals */
        return (now_ns + distance) & ~(16 * tick - 1);
    default:
        return now_ns + distance;
    }
}

static void random_step(struct rng *rng, unsigned bits_max)
{
    int i = (int)rng_below(rng, TIMERS);
    unsigned what = (unsigned)rng_below(rng, 10);
    if (what < 2) {
        advance_to(now_ns + random_distance(rng, bits_max));
    } else if (what < 3 && model_first() >= 0) {
        uint64_t next = wheel_next_ns(wheel);
        advance_to(next > now_ns ? next : now_ns);
    } else if (timers[i].armed) {
        ck_assert(timer_is_armed(&timers[i].timer));
        take_out(i);
    } else {
        ck_assert(!timer_is_armed(&timers[i].timer));
        insert(i, random_deadline(rng, bits_max));
    }
    check_next();
}

START_TEST(a_random_life_is_that_of_the_model)
{
    static const unsigned bits[] = {8, 12, 16, 20, 26, 34, 44, 52};
    for (uint64_t seed = 0; seed < 80; seed++) {
        struct rng rng;
        rng_seed(&rng, seed);
        setup_at(random_distance(&rng, 60));
        for (int step = 0; step < 1500; step++)
            random_step(&rng, bits[seed % ARRAY_SIZE(bits)]);
        size_t armed = 0;
        for (int i = 0; i < TIMERS; i++)
            armed += timers[i].armed;
        ck_assert_uint_eq(wheel->count, armed);
        ck_assert_int_eq(advance_to(NSEC_NEVER - 1), armed);
    }
}
END_TEST

static void add(Suite *suite, const TTest *test)
{
    TCase *tcase = tcase_create(test->name);
    tcase_set_timeout(tcase, SUITE_CASE_SECONDS);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test);
    suite_add_tcase(suite, tcase);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("wheel");
    add(suite, an_empty_wheel_has_no_next);
    add(suite, a_timer_fires_at_its_nanosecond_and_not_before);
    add(suite, following_next_ns_leads_to_each_deadline_in_few_steps);
    add(suite, never_is_not_armed);
    add(suite, the_farthest_deadline_is_held);
    add(suite, past_deadlines_fire_at_the_next_advance_in_their_order);
    add(suite, a_clock_that_stands_or_goes_back_does_no_harm);
    add(suite, equal_deadlines_fire_first_in_first_out);
    add(suite, equal_deadlines_keep_their_order_across_cascades);
    add(suite, within_one_tick_the_nanoseconds_decide);
    add(suite, removed_timers_do_not_fire);
    add(suite, a_wheel_that_was_emptied_by_hand_has_no_next);
    add(suite, a_due_timer_can_be_taken_from_the_due_ones);
    add(suite, a_random_life_is_that_of_the_model);
    return suite;
}
