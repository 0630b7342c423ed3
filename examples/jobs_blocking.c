/* SPDX-License-Identifier: MIT */
/*
 * Five jobs of one second each, one after the other: five seconds, in which
 * the program does nothing but wait. jobs.c does the same in one.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static void job(int number)
{
    printf("Starting job %d\n", number);
    /* The whole program stands still. */
    sleep(1);
    printf("Finishing job %d\n", number);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);

    double start = now();
    for (int i = 0; i < 5; i++)
        job(i);
    printf("Total time: %.2f s\n", now() - start);
    return 0;
}
