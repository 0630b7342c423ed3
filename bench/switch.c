/* SPDX-License-Identifier: MIT */
/*
 * switch-N: the context switch alone, below tasks and loop. N coroutines are
 * entered from main in turn and switch back at once; ns per round trip.
 */
#include "bench.h"

#include "ctx/ctx.h"
#include "ctx/stack.h"

enum { SLICES = 15 };

static struct ctx native;

static void body(void *arg)
{
    struct ctx *self = arg;
    for (;;)
        ctx_switch(self, &native);
}

/* As the peer: the tops of the stacks are spread over the page, since
 * otherwise all fight for the same few cache lines. Tasks do the same. */
static void make(struct ctx *ctx, struct stack_pool *pool, long i)
{
    void *top = stack_take(pool);
    bench_check(top != NULL, "a stack");
    struct ctx_stack stack = stack_range(pool, top);
    stack.top = (char *)stack.top - (size_t)(i % 16) * 192;
    ctx_make(ctx, stack, body, ctx);
}

static void round_trips(struct ctx *all, long count, long rounds)
{
    for (long i = 0; i < rounds; i++)
        for (long j = 0; j < count; j++)
            ctx_switch(&native, &all[j]);
}

int main(int argc, char **argv)
{
    const char *row = bench_row(argc, argv, "switch-2");
    bench_check(strncmp(row, "switch-", 7) == 0, "the row is switch-N");
    long count = bench_number(row + 7);
    struct ctx *all = calloc((size_t)count, sizeof *all);
    bench_check(all != NULL, "memory");
    struct stack_pool pool;
    int err = stack_pool_init(&pool, STACK_SIZE_DEFAULT, 0);
    bench_check(err == 0, "a pool of stacks");
    ctx_init_native(&native);
    for (long i = 0; i < count; i++)
        make(&all[i], &pool, i);

    long rounds = bench_count(argc, argv, 4000000) / count;
    double slices[SLICES];
    round_trips(all, count, rounds / 4 + 1);
    for (int i = 0; i < SLICES; i++) {
        int64_t begin = bench_now_ns();
        round_trips(all, count, rounds);
        slices[i] = bench_each(bench_now_ns() - begin, rounds * count);
    }
    bench_report(row, bench_quartile(slices, SLICES), "ns");
    return 0;
}
