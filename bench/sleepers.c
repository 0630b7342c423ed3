/* SPDX-License-Identifier: MIT */
/*
 * sleepers-256k, -64k, -dense-2k: a million tasks that sleep for an hour, on
 * the default stack, on one of 64 KiB, on a dense one of 2 KiB. Bytes per
 * task are the growth of VmRSS and VmPTE; the time until all are asleep is
 * the row's -spawn, ns per task.
 */
#include <asyncio.h>
#include <unistd.h>

#include "bench.h"

struct plan {
    const char *row;
    long count;
    struct asyncio_task_options options;
};

static long started;

static int sleeper(void *arg)
{
    (void)arg;
    started++;
    return asyncio_sleep(3600.0);
}

/* Starts all of them; asleep when this returns. */
static void start(const struct plan *plan)
{
    for (long i = 0; i < plan->count; i++) {
        asyncio_task task =
            asyncio_create_task_with(sleeper, NULL, &plan->options);
        bench_check(asyncio_task_error(task) == 0, "create a task");
    }
    while (started < plan->count)
        asyncio_sleep(0);
}

static int main_task(void *arg)
{
    const struct plan *plan = arg;
    char spawn_row[64];
    snprintf(spawn_row, sizeof spawn_row, "%s-spawn", plan->row);

    long before = bench_memory();
    int64_t begin = bench_now_ns();
    start(plan);
    double spawn_ns = bench_each(bench_now_ns() - begin, plan->count);
    long growth = bench_memory() - before;

    bench_report(plan->row, (double)growth / (double)plan->count, "B");
    bench_report(spawn_row, spawn_ns, "ns");
    _exit(0); /* nobody wants to wait for a million cancellations here */
}

int main(int argc, char **argv)
{
    struct plan plan = {.row = bench_row(argc, argv, "sleepers-256k")};
    plan.count = bench_count(argc, argv, 1000000);
    if (strcmp(plan.row, "sleepers-64k") == 0)
        plan.options.stack_size = (size_t)64 * 1024;
    else if (strcmp(plan.row, "sleepers-dense-2k") == 0)
        plan.options = (struct asyncio_task_options){
            .stack_size = (size_t)2 * 1024, .dense_stack = true};
    else
        bench_check(strcmp(plan.row, "sleepers-256k") == 0, "such a row");
    return asyncio_run(main_task, &plan) < 0;
}
