/* SPDX-License-Identifier: MIT */
/* The generator must give the same numbers on every machine for ever. */
#include "suite.h"

#include "base/rng.h"

START_TEST(seed_gives_the_published_sequence)
{
    /* The reference implementation's output for this seed. */
    static const uint64_t expected[] = {
        UINT64_C(6457827717110365317),  UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423),  UINT64_C(4593380528125082431),
        UINT64_C(16408922859458223821),
    };
    struct rng rng;
    rng_seed(&rng, 1234567);
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
        ck_assert_uint_eq(rng_next(&rng), expected[i]);
}
END_TEST

START_TEST(numbers_stay_below_their_bound_and_reach_all)
{
    struct rng rng;
    rng_seed(&rng, 9);
    int seen[10] = {0};
    for (int i = 0; i < 10000; i++) {
        uint64_t number = rng_below(&rng, ARRAY_SIZE(seen));
        ck_assert_uint_lt(number, ARRAY_SIZE(seen));
        seen[number]++;
    }
    for (size_t i = 0; i < ARRAY_SIZE(seen); i++)
        ck_assert_int_gt(seen[i], 800);
    ck_assert_uint_eq(rng_below(&rng, 1), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("rng");
    suite_case(suite, seed_gives_the_published_sequence);
    suite_case(suite, numbers_stay_below_their_bound_and_reach_all);
    return suite;
}
