/* SPDX-License-Identifier: MIT */
/* The merge sort of lists: in order, stable, whole, and lazy when it can be. */
#include "suite.h"

#include "base/list_sort.h"
#include "base/rng.h"

enum { ITEMS_MAX = 300 };

struct item {
    struct asyncio_link link;
    unsigned key;
    unsigned number;             /* its place before */
};

static struct item items[ITEMS_MAX];
static struct asyncio_link list;
static unsigned compares;

static struct item *item_of(const struct asyncio_link *link)
{
    return container_of(link, struct item, link);
}

static bool is_after(const struct asyncio_link *a, const struct asyncio_link *b)
{
    compares++;
    return item_of(a)->key > item_of(b)->key;
}

static void append(unsigned number, unsigned key)
{
    items[number].key = key;
    items[number].number = number;
    list_push_back(&list, &items[number].link);
}

/* Sorts, and asserts that the list is in order, that equals have kept theirs,
 * that nobody is missing, and that the way back is the way there. */
static void sort_and_check(unsigned count)
{
    compares = 0;
    list_sort(&list, is_after);
    unsigned seen = 0, torn = 0, misplaced = 0;
    const struct asyncio_link *before = &list;
    LIST_FOR_EACH(link, &list) {
        torn += link->prev != before;
        if (before != &list) {
            const struct item *a = item_of(before), *b = item_of(link);
            misplaced += a->key > b->key ||
                         (a->key == b->key && a->number >= b->number);
        }
        before = link;
        seen++;
    }
    torn += list.prev != before;
    ck_assert_uint_eq(torn, 0);
    ck_assert_uint_eq(misplaced, 0);
    ck_assert_uint_eq(seen, count);
}

START_TEST(nothing_and_one_are_in_order)
{
    list_init(&list);
    sort_and_check(0);
    append(0, 5);
    sort_and_check(1);
    ck_assert_uint_eq(compares, 0);
}
END_TEST

START_TEST(a_list_in_order_costs_one_pass)
{
    list_init(&list);
    for (unsigned i = 0; i < 100; i++)
        append(i, i / 3);
    sort_and_check(100);
    ck_assert_uint_eq(compares, 99);
}
END_TEST

START_TEST(a_list_backwards_is_turned_round)
{
    for (unsigned count = 2; count < 70; count++) {
        list_init(&list);
        for (unsigned i = 0; i < count; i++)
            append(i, count - i);
        sort_and_check(count);
    }
}
END_TEST

START_TEST(the_last_one_may_be_the_first)
{
    list_init(&list);
    for (unsigned i = 0; i < 64; i++)
        append(i, i == 63 ? 0 : 7);
    sort_and_check(64);
    ck_assert_uint_eq(item_of(list.next)->number, 63);
}
END_TEST

START_TEST(any_list_is_sorted_and_equals_keep_their_order)
{
    struct rng rng;
    rng_seed(&rng, 20);
    for (int round = 0; round < 2000; round++) {
        unsigned count = (unsigned)rng_below(&rng, ITEMS_MAX);
        unsigned keys = 1 + (unsigned)rng_below(&rng, 2 * ITEMS_MAX);
        list_init(&list);
        for (unsigned i = 0; i < count; i++)
            append(i, (unsigned)rng_below(&rng, keys));
        sort_and_check(count);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("sort");
    suite_case(suite, nothing_and_one_are_in_order);
    suite_case(suite, a_list_in_order_costs_one_pass);
    suite_case(suite, a_list_backwards_is_turned_round);
    suite_case(suite, the_last_one_may_be_the_first);
    suite_case(suite, any_list_is_sorted_and_equals_keep_their_order);
    return suite;
}
