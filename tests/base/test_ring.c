/* SPDX-License-Identifier: MIT */
/* The growable ring: both ends, wrapping, growing, running out of memory. */
#include "suite.h"

#include <errno.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/ring.h"
#include "base/rng.h"

static struct ring ring;

static void push(int number)
{
    ck_assert_int_eq(ring_push_back(&ring, &number), 0);
}

static int pop_front(void)
{
    int number = -1;
    ck_assert(ring_pop_front(&ring, &number));
    return number;
}

static int pop_back(void)
{
    int number = -1;
    ck_assert(ring_pop_back(&ring, &number));
    return number;
}

START_TEST(empty_ring_gives_nothing)
{
    int number = 7;
    ring_init(&ring, sizeof(int));
    ck_assert(!ring_pop_front(&ring, &number));
    ck_assert(!ring_pop_back(&ring, &number));
    ck_assert_int_eq(number, 7);
    ring_fini(&ring);
}
END_TEST

START_TEST(the_front_is_the_oldest_the_back_the_newest)
{
    ring_init(&ring, sizeof(int));
    for (int i = 0; i < 5; i++)
        push(i);
    ck_assert_int_eq(pop_front(), 0);
    ck_assert_int_eq(pop_back(), 4);
    ck_assert_int_eq(pop_front(), 1);
    ck_assert_int_eq(pop_back(), 3);
    ck_assert_int_eq(pop_back(), 2);
    ck_assert_uint_eq(ring.count, 0);
    ring_fini(&ring);
}
END_TEST

START_TEST(order_survives_wrapping_and_growing)
{
    ring_init(&ring, sizeof(int));
    struct rng rng;
    rng_seed(&rng, 3);
    int oldest = 0, next = 0;
    for (int i = 0; i < 100000; i++) {
        /* Rather pushes at first, so that it grows while wrapped. */
        if (rng_below(&rng, 100) < (i < 50000 ? 60 : 40)) {
            push(next++);
        } else if (next > oldest) {
            ck_assert_int_eq(pop_front(), oldest);
            oldest++;
        }
        ck_assert_uint_eq(ring.count, (size_t)(next - oldest));
    }
    ck_assert_uint_gt(ring.capacity, 1000);
    ring_fini(&ring);
}
END_TEST

START_TEST(reserved_room_needs_no_memory_later)
{
    ring_init(&ring, sizeof(int));
    ck_assert_int_eq(ring_reserve(&ring, 100), 0);
    uint64_t before = mem_alloc_count();
    for (int i = 0; i < 100; i++)
        push(i);
    for (int i = 0; i < 1000; i++)
        push(pop_front());
    ck_assert_uint_eq(mem_alloc_count(), before);
    ring_fini(&ring);
}
END_TEST

START_TEST(without_memory_the_ring_stays_whole)
{
    ring_init(&ring, sizeof(int));
    for (int i = 0; i < 8; i++)
        push(i);
    int number = 8;
    fault_arm(FAULT_MEMORY, 1);
    ck_assert_int_eq(ring_push_back(&ring, &number), -ENOMEM);
    fault_disarm();
    push(8);
    for (int i = 0; i < 9; i++)
        ck_assert_int_eq(pop_front(), i);
    ring_fini(&ring);
}
END_TEST

START_TEST(absurd_sizes_are_refused)
{
    ring_init(&ring, sizeof(int));
    ck_assert_int_eq(ring_reserve(&ring, SIZE_MAX), -ENOMEM);
    ck_assert_int_eq(ring_reserve(&ring, SIZE_MAX / 2), -ENOMEM);
    ck_assert_int_eq(ring_reserve(&ring, SIZE_MAX / 4), -ENOMEM);
    push(1);
    ring_fini(&ring);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("ring");
    suite_case(suite, empty_ring_gives_nothing);
    suite_case(suite, the_front_is_the_oldest_the_back_the_newest);
    suite_case(suite, order_survives_wrapping_and_growing);
    suite_case(suite, reserved_room_needs_no_memory_later);
    suite_case(suite, without_memory_the_ring_stays_whole);
    suite_case(suite, absurd_sizes_are_refused);
    return suite;
}
