/* SPDX-License-Identifier: MIT */
/*
 * As in_context.h, one floor up: run_planted() calls `body` in a task, among
 * others that come and go, after several suspensions.
 */
#ifndef TESTS_PLANTED_IN_TASK_H
#define TESTS_PLANTED_IN_TASK_H

#include <stdio.h>
#include <string.h>

#include <asyncio.h>

static void (*planted_body)(bool is_clean);
static bool planted_is_clean;

static int suspend(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10; i++) {
        int err = asyncio_sleep(0);
        if (err < 0)
            return err;
    }
    return 0;
}

static int task_entry(void *arg)
{
    int err = suspend(arg);
    if (err < 0)
        return err;
    planted_body(planted_is_clean);
    return suspend(arg);
}

static int main_task(void *arg)
{
    enum { TASKS = 4 };
    asyncio_task tasks[TASKS];
    for (int i = 0; i < TASKS; i++)
        tasks[i] = asyncio_create_task(i == 2 ? task_entry : suspend, arg);
    return asyncio_gather(tasks, TASKS, NULL);
}

static int run_planted(int argc, char **argv, void (*body)(bool is_clean))
{
    planted_body = body;
    planted_is_clean = argc > 1 && strcmp(argv[1], "clean") == 0;
    return asyncio_run(main_task, NULL) < 0;
}

#endif
