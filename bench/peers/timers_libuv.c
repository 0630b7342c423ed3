/* SPDX-License-Identifier: MIT */
/*
 * Peer of timers: libuv's uv_timer_t, a million at once.
 *
 * Insert and cancel: deadlines spread at random over 1 s .. 60 s, cancelled
 * in a shuffled order. Fire: deadlines spread over 100 ms; each callback is
 * called as it falls due; CPU time, so that no waiting is counted.
 */
#include <uv.h>

#include "../bench.h"

/* The timers that fire are due within SPAN from AHEAD on, when all of them
 * have long been in place. */
enum { SLICES = 3, FIRE_AHEAD_MS = 500, FIRE_SPAN_MS = 100 };

static long fired;

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
    fired++;
}

static void insert_all(uv_timer_t *timers, const uint64_t *delays, long count)
{
    for (long i = 0; i < count; i++)
        uv_timer_start(&timers[i], on_timer, delays[i], 0);
}

static void cancel_all(uv_timer_t *timers, const uint32_t *order, long count)
{
    for (long i = 0; i < count; i++)
        uv_timer_stop(&timers[order[i]]);
}

static double slice_fire(uv_loop_t *loop, uv_timer_t *timers,
                         const uint64_t *delays, long count)
{
    fired = 0;
    uv_update_time(loop);
    for (long i = 0; i < count; i++)
        uv_timer_start(&timers[i], on_timer,
                       FIRE_AHEAD_MS + delays[i] % FIRE_SPAN_MS, 0);
    int64_t begin = bench_cpu_ns();
    uv_run(loop, UV_RUN_DEFAULT);
    double each = bench_each(bench_cpu_ns() - begin, count);
    bench_check(fired == count, "every timer fired");
    return each;
}

int main(int argc, char **argv)
{
    if (strcmp(bench_row(argc, argv, "timers"), "--version") == 0) {
        printf("libuv %s\n", uv_version_string());
        return 0;
    }
    long count = bench_count(argc, argv, 1000000);
    size_t size = (size_t)count;
    uv_loop_t *loop = uv_default_loop();
    uv_timer_t *timers = calloc(size, sizeof *timers);
    uint64_t *delays = calloc(size, sizeof *delays);
    uint32_t *order = calloc(size, sizeof *order);
    bench_check(timers && delays && order, "memory");

    uint64_t state = 88172645463325252u;
    for (long i = 0; i < count; i++) {
        uv_timer_init(loop, &timers[i]);
        delays[i] = 1000 + bench_random(&state) % 59000;
    }
    bench_shuffle(order, count, &state);

    double insert[SLICES], cancel[SLICES], fire[SLICES];
    for (int i = 0; i < SLICES; i++) {
        int64_t begin = bench_now_ns();
        insert_all(timers, delays, count);
        int64_t middle = bench_now_ns();
        cancel_all(timers, order, count);
        insert[i] = bench_each(middle - begin, count);
        cancel[i] = bench_each(bench_now_ns() - middle, count);
        fire[i] = slice_fire(loop, timers, delays, count);
    }
    bench_report("timer-insert", bench_quartile(insert, SLICES), "ns");
    bench_report("timer-cancel", bench_quartile(cancel, SLICES), "ns");
    bench_report("timer-fire", bench_quartile(fire, SLICES), "ns");
    return 0;
}
