/* SPDX-License-Identifier: MIT */
/* Intrusive lists, and the work queue, which is a list with one link. */
#include "suite.h"

#include "base/list.h"
#include "base/work.h"

struct item {
    struct asyncio_link link;
    int number;
};

static struct asyncio_link list;
static struct item items[4];

static void fill(size_t count)
{
    list_init(&list);
    for (size_t i = 0; i < count; i++) {
        items[i].number = (int)i;
        list_push_back(&list, &items[i].link);
    }
}

/* The numbers on the list as digits, e.g. 123. */
static int digits(struct asyncio_link *of)
{
    int result = 0;
    LIST_FOR_EACH(link, of)
        result = result * 10 + container_of(link, struct item, link)->number;
    return result;
}

START_TEST(empty_list_has_no_first)
{
    fill(0);
    ck_assert(list_is_empty(&list));
    ck_assert_ptr_null(list_pop_front(&list));
}
END_TEST

START_TEST(what_is_pushed_back_comes_out_in_order)
{
    fill(4);
    for (int i = 0; i < 4; i++)
        ck_assert_ptr_eq(list_pop_front(&list), &items[i].link);
    ck_assert(list_is_empty(&list));
}
END_TEST

START_TEST(what_is_pushed_front_comes_first)
{
    fill(2);
    items[3].number = 3;
    list_push_front(&list, &items[3].link);
    ck_assert_int_eq(digits(&list), 301);
}
END_TEST

START_TEST(removing_twice_is_harmless)
{
    fill(4);
    list_remove(&items[2].link);
    list_remove(&items[2].link);
    ck_assert_int_eq(digits(&list), 13);
    ck_assert(list_is_empty(&items[2].link));
}
END_TEST

START_TEST(splice_moves_all_to_the_end)
{
    fill(4);
    struct asyncio_link other;
    list_init(&other);
    list_splice(&other, &list);
    ck_assert(list_is_empty(&list));
    ck_assert_int_eq(digits(&other), 123);

    list_remove(&items[1].link);
    list_push_back(&list, &items[1].link);
    list_splice(&list, &other);
    ck_assert_int_eq(digits(&list), 1023);
    ck_assert(list_is_empty(&other));

    list_splice(&list, &other);
    ck_assert_int_eq(digits(&list), 1023);
}
END_TEST

START_TEST(safe_iteration_may_remove_what_it_sees)
{
    fill(4);
    LIST_FOR_EACH_SAFE(link, &list)
        if (container_of(link, struct item, link)->number % 2)
            list_remove(link);
    ck_assert_int_eq(digits(&list), 2);
    LIST_FOR_EACH_SAFE(link, &list)
        list_remove(link);
    ck_assert(list_is_empty(&list));
}
END_TEST

START_TEST(work_is_popped_in_the_order_it_was_pushed)
{
    struct work_queue queue;
    struct work works[3];
    work_queue_init(&queue);
    for (int round = 0; round < 2; round++) {
        ck_assert(work_queue_is_empty(&queue));
        for (size_t i = 0; i < ARRAY_SIZE(works); i++)
            work_queue_push(&queue, &works[i]);
        for (size_t i = 0; i < ARRAY_SIZE(works); i++) {
            ck_assert(!work_queue_is_empty(&queue));
            ck_assert_ptr_eq(work_queue_pop(&queue), &works[i]);
        }
    }
    ck_assert(work_queue_is_empty(&queue));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("list");
    suite_case(suite, empty_list_has_no_first);
    suite_case(suite, what_is_pushed_back_comes_out_in_order);
    suite_case(suite, what_is_pushed_front_comes_first);
    suite_case(suite, removing_twice_is_harmless);
    suite_case(suite, splice_moves_all_to_the_end);
    suite_case(suite, safe_iteration_may_remove_what_it_sees);
    suite_case(suite, work_is_popped_in_the_order_it_was_pushed);
    return suite;
}
