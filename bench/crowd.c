/* SPDX-License-Identifier: MIT */
/*
 * crowd-cold, crowd-warm: 100k tasks at once, then all joined; ns per task.
 * Each yields once and returns, so that all of them have begun before the
 * first has ended and none gets the stack of another. Cold is the first crowd
 * of the process, warm are those that come after it.
 */
#include <asyncio.h>

#include "bench.h"

enum { SLICES = 9 };

struct plan {
    long count;
    asyncio_task *handles;
};

static int child(void *arg)
{
    (void)arg;
    return asyncio_sleep(0);
}

static double slice(struct plan *plan)
{
    int64_t begin = bench_now_ns();
    for (long i = 0; i < plan->count; i++)
        plan->handles[i] = asyncio_create_task(child, NULL);
    int err = asyncio_gather(plan->handles, (size_t)plan->count, NULL);
    bench_check(err == 0, "gather");
    return bench_each(bench_now_ns() - begin, plan->count);
}

static int main_task(void *arg)
{
    struct plan *plan = arg;
    double slices[SLICES];
    double cold = slice(plan);
    for (int i = 0; i < SLICES; i++)
        slices[i] = slice(plan);
    bench_report("crowd-cold", cold, "ns");
    bench_report("crowd-warm", bench_quartile(slices, SLICES), "ns");
    return 0;
}

int main(void)
{
    struct plan plan = {.count = 100000};
    plan.handles = calloc((size_t)plan.count, sizeof *plan.handles);
    bench_check(plan.handles != NULL, "memory");
    return asyncio_run(main_task, &plan) < 0;
}
