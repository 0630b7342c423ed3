/* SPDX-License-Identifier: MIT */
/* The shuffle of ready work: of a seed's making, within what is promised. */
#include "suite.h"

#include <string.h>

#include "base/fault.h"
#include "engine/shuffle.h"

enum { PIECES = 40 };

struct piece {
    struct work work;
    enum work_order order;
};

static struct piece pieces[PIECES];

static int piece_index(const struct work *work)
{
    return (int)(container_of(work, const struct piece, work) - pieces);
}

static enum work_order order_of(const struct work *work)
{
    return pieces[piece_index(work)].order;
}

/* Where each piece stands after a shuffle of the first `count`. */
static void shuffle_once(struct shuffle *shuffle, int count, int *ret_places)
{
    struct work_queue ready;
    work_queue_init(&ready);
    for (int i = 0; i < count; i++)
        work_queue_push(&ready, &pieces[i].work);
    ck_assert_uint_eq(shuffle_ready(shuffle, &ready), count);
    for (int i = 0; i < count; i++)
        ret_places[i] = -1;
    for (int place = 0; place < count; place++) {
        ck_assert(!work_queue_is_empty(&ready));
        int i = piece_index(work_queue_pop(&ready));
        ck_assert_int_eq(ret_places[i], -1);
        ret_places[i] = place;
    }
    ck_assert(work_queue_is_empty(&ready));
}

static void shuffle_begin(struct shuffle *shuffle, uint64_t seed)
{
    *shuffle = (struct shuffle){.order_of = order_of};
    rng_seed(&shuffle->rng, seed);
    for (int i = 0; i < PIECES; i++)
        pieces[i].order = WORK_ANYWHERE;
}

START_TEST(one_seed_is_one_order)
{
    int first[PIECES], second[PIECES];
    struct shuffle shuffle;
    for (uint64_t seed = 0; seed < 50; seed++) {
        shuffle_begin(&shuffle, seed);
        shuffle_once(&shuffle, PIECES, first);
        shuffle_free(&shuffle);
        shuffle_begin(&shuffle, seed);
        shuffle_once(&shuffle, PIECES, second);
        shuffle_free(&shuffle);
        ck_assert_mem_eq(first, second, sizeof first);
    }
}
END_TEST

START_TEST(every_order_of_three_comes_up_about_equally)
{
    int counts[27] = {0}, places[3];
    struct shuffle shuffle;
    shuffle_begin(&shuffle, 1);
    for (int i = 0; i < 6000; i++) {
        shuffle_once(&shuffle, 3, places);
        counts[places[0] * 9 + places[1] * 3 + places[2]]++;
    }
    shuffle_free(&shuffle);
    int orders = 0;
    for (int i = 0; i < 27; i++) {
        if (!counts[i])
            continue;
        orders++;
        ck_assert_int_gt(counts[i], 800);
        ck_assert_int_lt(counts[i], 1200);
    }
    ck_assert_int_eq(orders, 6);
}
END_TEST

START_TEST(what_is_in_order_stays_so_among_the_rest)
{
    int places[PIECES];
    bool moved = false;
    struct shuffle shuffle;
    for (uint64_t seed = 0; seed < 200; seed++) {
        shuffle_begin(&shuffle, seed);
        for (int i = 0; i < PIECES; i += 2)
            pieces[i].order = WORK_IN_ORDER;
        shuffle_once(&shuffle, PIECES, places);
        for (int i = 2; i < PIECES; i += 2)
            ck_assert_int_lt(places[i - 2], places[i]);
        moved |= places[0] != 0;
        shuffle_free(&shuffle);
    }
    ck_assert(moved);
}
END_TEST

START_TEST(what_goes_last_goes_behind_all_before_it)
{
    int places[PIECES];
    struct shuffle shuffle;
    for (uint64_t seed = 0; seed < 200; seed++) {
        shuffle_begin(&shuffle, seed);
        pieces[10].order = WORK_LAST;
        pieces[11].order = WORK_IN_ORDER;
        pieces[25].order = WORK_LAST;
        shuffle_once(&shuffle, PIECES, places);
        for (int i = 0; i < 10; i++)
            ck_assert_int_lt(places[i], places[10]);
        for (int i = 0; i < 25; i++)
            ck_assert_int_lt(places[i], places[25]);
        shuffle_free(&shuffle);
    }
}
END_TEST

START_TEST(without_memory_nothing_is_lost)
{
    int places[PIECES];
    struct shuffle shuffle;
    shuffle_begin(&shuffle, 9);
    fault_arm(FAULT_MEMORY, 1);
    shuffle_once(&shuffle, PIECES, places);
    fault_disarm();
    for (int i = 0; i < PIECES; i++)
        ck_assert_int_eq(places[i], i);
    shuffle_free(&shuffle);
}
END_TEST

START_TEST(nothing_and_one_need_no_shuffle)
{
    int places[1];
    struct shuffle shuffle;
    shuffle_begin(&shuffle, 9);
    shuffle_once(&shuffle, 0, places);
    shuffle_once(&shuffle, 1, places);
    ck_assert_int_eq(places[0], 0);
    shuffle_free(&shuffle);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("shuffle");
    suite_case(suite, one_seed_is_one_order);
    suite_case(suite, every_order_of_three_comes_up_about_equally);
    suite_case(suite, what_is_in_order_stays_so_among_the_rest);
    suite_case(suite, what_goes_last_goes_behind_all_before_it);
    suite_case(suite, without_memory_nothing_is_lost);
    suite_case(suite, nothing_and_one_need_no_shuffle);
    return suite;
}
