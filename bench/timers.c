/* SPDX-License-Identifier: MIT */
/*
 * timer-insert, timer-cancel, timer-fire: the timing wheel under the loop,
 * with a million timers at once.
 *
 * Insert and cancel: deadlines spread at random over 1 s .. 60 s, cancelled
 * in a shuffled order. Fire: deadlines spread over 100 ms; each timer's
 * function is called as it falls due; CPU time, so that no waiting is counted.
 */
#include "bench.h"

#include "engine/wheel.h"

enum { SLICES = 5 };

/* The timers that fire are due within SPAN from AHEAD on, when all of them
 * have long been in place. */
#define FIRE_AHEAD_NS (500 * NSEC_PER_MSEC)
#define FIRE_SPAN_NS (100 * NSEC_PER_MSEC)

struct plan {
    long count;
    struct asyncio_timer *timers;
    uint64_t *delays;
    uint32_t *order;
};

static struct wheel wheel;
static long fired;

static void on_timer(struct asyncio_timer *timer)
{
    (void)timer;
    fired++;
}

static void insert_all(const struct plan *plan, uint64_t from_ns,
                       uint64_t span_ns)
{
    for (long i = 0; i < plan->count; i++)
        wheel_insert(&wheel, &plan->timers[i],
                     from_ns + plan->delays[i] % span_ns);
}

static void cancel_all(const struct plan *plan)
{
    for (long i = 0; i < plan->count; i++)
        wheel_remove(&wheel, &plan->timers[plan->order[i]]);
}

/* As the loop does it: take out what is due, call each. */
static void fire_due(void)
{
    uint64_t now_ns = (uint64_t)bench_now_ns();
    bool is_more;
    do {
        struct asyncio_link due, *link;
        is_more = wheel_advance(&wheel, now_ns, &due);
        while ((link = list_pop_front(&due))) {
            struct asyncio_timer *timer =
                container_of(link, struct asyncio_timer, link);
            timer->fire(timer);
        }
    } while (is_more);
}

/* Sleeps until the wheel wants to be looked at. */
static void wait_next(void)
{
    uint64_t next_ns = wheel_next_ns(&wheel);
    struct timespec until = {
        .tv_sec = (time_t)(next_ns / NSEC_PER_SEC),
        .tv_nsec = (long)(next_ns % NSEC_PER_SEC),
    };
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static double slice_fire(const struct plan *plan)
{
    fired = 0;
    insert_all(plan, (uint64_t)bench_now_ns() + FIRE_AHEAD_NS, FIRE_SPAN_NS);
    int64_t begin = bench_cpu_ns();
    while (wheel.count) {
        wait_next();
        fire_due();
    }
    double each = bench_each(bench_cpu_ns() - begin, plan->count);
    bench_check(fired == plan->count, "every timer fired");
    return each;
}

static void prepare(struct plan *plan)
{
    size_t count = (size_t)plan->count;
    plan->timers = calloc(count, sizeof *plan->timers);
    plan->delays = calloc(count, sizeof *plan->delays);
    plan->order = calloc(count, sizeof *plan->order);
    bench_check(plan->timers && plan->delays && plan->order, "memory");
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < count; i++) {
        timer_init(&plan->timers[i], on_timer);
        plan->delays[i] =
            NSEC_PER_SEC + bench_random(&state) % (59 * NSEC_PER_SEC);
    }
    bench_shuffle(plan->order, plan->count, &state);
}

int main(int argc, char **argv)
{
    struct plan plan = {.count = bench_count(argc, argv, 1000000)};
    prepare(&plan);
    wheel_init(&wheel, (uint64_t)bench_now_ns());

    double insert[SLICES], cancel[SLICES], fire[SLICES];
    for (int i = 0; i < SLICES; i++) {
        int64_t begin = bench_now_ns();
        insert_all(&plan, (uint64_t)begin, UINT64_MAX);
        int64_t middle = bench_now_ns();
        cancel_all(&plan);
        insert[i] = bench_each(middle - begin, plan.count);
        cancel[i] = bench_each(bench_now_ns() - middle, plan.count);
        fire[i] = slice_fire(&plan);
    }
    bench_report("timer-insert", bench_quartile(insert, SLICES), "ns");
    bench_report("timer-cancel", bench_quartile(cancel, SLICES), "ns");
    bench_report("timer-fire", bench_quartile(fire, SLICES), "ns");
    return 0;
}
