/* SPDX-License-Identifier: MIT */
/*
 * yield-N: N tasks that do nothing but let the others run; ns per yield,
 * through the scheduler. The N creations and joins are counted too, in the
 * peers as here: a two-thousandth part, or less.
 */
#include <asyncio.h>

#include "bench.h"

enum { SLICES = 9 };

struct plan {
    const char *row;
    long tasks;
    long yields;                 /* of each task, in a slice */
    asyncio_task *handles;
};

static int yielder(void *arg)
{
    long count = *(long *)arg;
    for (long i = 0; i < count; i++)
        asyncio_sleep(0);
    return 0;
}

static double slice(struct plan *plan, long yields)
{
    int64_t begin = bench_now_ns();
    for (long i = 0; i < plan->tasks; i++)
        plan->handles[i] = asyncio_create_task(yielder, &yields);
    int err = asyncio_gather(plan->handles, (size_t)plan->tasks, NULL);
    bench_check(err == 0, "gather");
    return bench_each(bench_now_ns() - begin, plan->tasks * yields);
}

static int version_task(void *arg)
{
    (void)arg;
    printf("casyncio %s on %s\n", asyncio_version(), asyncio_backend_name());
    return 0;
}

static int main_task(void *arg)
{
    struct plan *plan = arg;
    double slices[SLICES];
    slice(plan, plan->yields / 4 + 1);
    for (int i = 0; i < SLICES; i++)
        slices[i] = slice(plan, plan->yields);
    bench_report(plan->row, bench_quartile(slices, SLICES), "ns");
    return 0;
}

int main(int argc, char **argv)
{
    struct plan plan = {.row = bench_row(argc, argv, "yield-1000")};
    if (strcmp(plan.row, "--version") == 0)
        return asyncio_run(version_task, NULL) < 0;
    bench_check(strncmp(plan.row, "yield-", 6) == 0, "the row is yield-N");
    plan.tasks = bench_number(plan.row + 6);
    plan.yields = bench_count(argc, argv, 4000000) / plan.tasks;
    plan.handles = calloc((size_t)plan.tasks, sizeof *plan.handles);
    bench_check(plan.handles != NULL, "memory");
    return asyncio_run(main_task, &plan) < 0;
}
