/* SPDX-License-Identifier: MIT */
/* For valgrind: a decision on a value that nobody wrote, on a context's
 * stack. */
#include "planted.h"

static __attribute__((noinline)) int decide(volatile int *values, int index)
{
    return values[index] > 3 ? 1 : 2;
}

static __attribute__((noinline)) void planted_uninitialised(bool is_clean)
{
    volatile int values[16];
    for (int i = 0; i < (is_clean ? 16 : 15); i++)
        values[i] = i;
    printf("%d\n", decide(values, 15));
}

int main(int argc, char **argv)
{
    return run_planted(argc, argv, planted_uninitialised);
}
