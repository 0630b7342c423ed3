/* SPDX-License-Identifier: MIT */
/*
 * The scenarios of a switch in a program that needs nothing but the C
 * library, so that it can be built for any CPU and run by an emulator.
 */
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                      \
    ((condition) ? (void)0                                                    \
                 : (fprintf(stderr, "%s:%d: not so: %s\n", __FILE__,          \
                            __LINE__, #condition),                            \
                    abort()))

#include "scenarios.h"

int main(void)
{
    scenario_registers();
    scenario_first_look();
    scenario_recursion();
    scenario_crowd(1000);
    scenario_circle();
    puts("all scenarios passed");
    return 0;
}
