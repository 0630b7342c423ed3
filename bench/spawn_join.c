/* SPDX-License-Identifier: MIT */
/* spawn-join: one task after the other, started and awaited; ns per task. */
#include <asyncio.h>

#include "bench.h"

enum { SLICES = 9 };

static int child(void *arg)
{
    (void)arg;
    return 0;
}

static double slice(long count)
{
    int64_t begin = bench_now_ns();
    for (long i = 0; i < count; i++) {
        asyncio_task task = asyncio_create_task(child, NULL);
        bench_check(asyncio_await(task) == 0, "await");
    }
    return bench_each(bench_now_ns() - begin, count);
}

static int main_task(void *arg)
{
    long count = *(long *)arg;
    double slices[SLICES];
    slice(count / 4 + 1);
    for (int i = 0; i < SLICES; i++)
        slices[i] = slice(count);
    bench_report("spawn-join", bench_quartile(slices, SLICES), "ns");
    return 0;
}

int main(int argc, char **argv)
{
    long count = bench_count(argc, argv, 2000000);
    return asyncio_run(main_task, &count) < 0;
}
