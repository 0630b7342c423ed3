/* SPDX-License-Identifier: MIT */
/* For AddressSanitizer: writes behind an array on a stack of our own. */
#include "planted.h"

static __attribute__((noinline)) void fill(volatile char *array, size_t count)
{
    for (size_t i = 0; i < count; i++)
        array[i] = 1;
}

static __attribute__((noinline)) void planted_overflow(bool is_clean)
{
    volatile char array[32];
    fill(array, is_clean ? 32 : 33);
}

int main(int argc, char **argv)
{
    return run_planted(argc, argv, planted_overflow);
}
