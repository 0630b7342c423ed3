/* SPDX-License-Identifier: MIT */
/* The binary heap, against sorting. */
#include "suite.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "base/rng.h"

enum { COUNT = 1000 };

/* An odd size on purpose: items lie packed. */
struct item {
    int key;
    char text[7];
} __attribute__((packed));

static struct item memory[COUNT];
static struct heap heap;

static int compare_items(const void *a, const void *b)
{
    int x = ((const struct item *)a)->key;
    int y = ((const struct item *)b)->key;
    return (x > y) - (x < y);
}

static void setup(size_t capacity)
{
    heap_init(&heap, sizeof(struct item), compare_items);
    heap_set_memory(&heap, memory, capacity);
}

static struct item item_of(int key)
{
    struct item item = {.key = key};
    snprintf(item.text, sizeof(item.text), "%d", key);
    return item;
}

static void push(int key)
{
    struct item item = item_of(key);
    heap_push(&heap, &item);
}

static int pop(void)
{
    struct item item;
    ck_assert(heap_pop(&heap, &item));
    ck_assert_int_eq(atoi(item.text), item.key);
    return item.key;
}

START_TEST(empty_heap_has_no_top)
{
    struct item item = item_of(5);
    setup(1);
    ck_assert_ptr_null(heap_top(&heap));
    ck_assert(!heap_pop(&heap, &item));
    ck_assert_int_eq(item.key, 5);
}
END_TEST

START_TEST(one_item_comes_out_as_it_went_in)
{
    setup(1);
    push(42);
    ck_assert(heap_is_full(&heap));
    ck_assert_int_eq(((struct item *)heap_top(&heap))->key, 42);
    ck_assert_int_eq(pop(), 42);
    ck_assert_ptr_null(heap_top(&heap));
}
END_TEST

START_TEST(items_come_out_sorted)
{
    struct rng rng;
    static int keys[COUNT];
    rng_seed(&rng, 1);
    setup(COUNT);
    for (int i = 0; i < COUNT; i++) {
        keys[i] = (int)rng_below(&rng, COUNT / 2);
        push(keys[i]);
    }
    qsort(keys, COUNT, sizeof(keys[0]), compare_items);
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(pop(), keys[i]);
}
END_TEST

START_TEST(pushes_and_pops_may_mix)
{
    struct rng rng;
    rng_seed(&rng, 2);
    setup(COUNT);
    int counts[100] = {0};
    for (int i = 0; i < 20 * COUNT; i++) {
        if (heap_is_full(&heap) || (heap.count && rng_below(&rng, 2))) {
            int key = pop();
            int less = 0;
            for (int other = 0; other < key; other++)
                less += counts[other];
            ck_assert_int_eq(less, 0);
            ck_assert_int_gt(counts[key]--, 0);
        } else {
            int key = (int)rng_below(&rng, 100);
            counts[key]++;
            push(key);
        }
    }
}
END_TEST

START_TEST(a_heap_goes_on_in_grown_memory)
{
    static struct item larger[8];
    setup(2);
    push(2);
    push(1);
    memcpy(larger, memory, 2 * sizeof(memory[0]));
    memset(memory, 0xff, sizeof(memory));
    heap_set_memory(&heap, larger, ARRAY_SIZE(larger));
    push(0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pop(), i);
}
END_TEST

START_TEST(pushing_into_a_full_heap_aborts)
{
    setup(1);
    push(1);
    push(2);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("heap");
    suite_case(suite, empty_heap_has_no_top);
    suite_case(suite, one_item_comes_out_as_it_went_in);
    suite_case(suite, items_come_out_sorted);
    suite_case(suite, pushes_and_pops_may_mix);
    suite_case(suite, a_heap_goes_on_in_grown_memory);
    suite_case_signal(suite, pushing_into_a_full_heap_aborts, SIGABRT);
    return suite;
}
