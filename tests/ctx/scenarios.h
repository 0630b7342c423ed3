/* SPDX-License-Identifier: MIT */
/*
 * What a switch must do on every CPU, as functions that any program can call:
 * test_switch.c does with the Check library, and plain_switch.c without it,
 * where it is built for a CPU that this machine only emulates.
 *
 * The includer defines CHECK(condition) before.
 */
#ifndef TESTS_CTX_SCENARIOS_H
#define TESTS_CTX_SCENARIOS_H

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "ctx/ctx.h"
#include "ctx/stack.h"

/* The context that the scenario's contexts switch back to. */
static struct ctx scenario_main;
static struct stack_pool scenario_pool;

/* A context with what its body works on. */
struct coroutine {
    struct ctx ctx;
    void *top;
    uint64_t seed;
    uint64_t result;
    int steps;
    bool is_done;
};

static void coroutine_start(struct coroutine *self, void (*body)(void *arg))
{
    self->top = stack_take(&scenario_pool);
    CHECK(self->top);
    ctx_make(&self->ctx, stack_range(&scenario_pool, self->top), body, self);
}

static void coroutine_end(struct coroutine *self)
{
    ctx_release(&self->ctx);
    stack_give(&scenario_pool, self->top);
}

static _Noreturn void coroutine_finish(struct coroutine *self)
{
    self->is_done = true;
    ctx_exit(&self->ctx, &scenario_main);
}

static void scenario_begin(void)
{
    CHECK(stack_pool_init(&scenario_pool, STACK_SIZE_DEFAULT, 0) == 0);
    ctx_init_native(&scenario_main);
}

static void scenario_end(void)
{
    ctx_fini_native(&scenario_main);
    stack_pool_fini(&scenario_pool);
}

/* ---- registers ---- */

/* A switch behind a call, as most are: then the ABI must hold. */
static __attribute__((noinline)) void switch_by_call(struct ctx *from,
                                                     struct ctx *to)
{
    ctx_switch(from, to);
}

/* More live values of each kind than there are registers, all of which every
 * switch must keep: integers, doubles, vectors, and x87's or quad's. */
#define REGISTERS_BODY(name, do_switch)                                       \
    static uint64_t name(struct ctx *from, struct ctx *to, uint64_t seed,     \
                         int steps)                                           \
    {                                                                         \
        struct rng rng;                                                       \
        rng_seed(&rng, seed);                                                 \
        uint64_t a = seed, b = seed + 1, c = seed + 2, d = seed + 3;          \
        uint64_t e = seed + 4, f = seed + 5, g = seed + 6, h = seed + 7;      \
        double p = 1, q = 2, r = 3, s = 4, t = 5, u = 6, v = 7, w = 8;        \
        double y = 9, z = (double)(seed % 1000);                              \
        long double l = 0.5L;                                                 \
        for (int i = 0; i < steps; i++) {                                     \
            if (from)                                                         \
                do_switch(from, to);                                          \
            uint64_t x = rng_next(&rng);                                      \
            a += x ^ h, b ^= a + x, c += b >> 3, d ^= c << 1;                 \
            e += d ^ x, f ^= e, g += f >> 7, h ^= g;                          \
            p += z, q += p / 3, r -= q, s += r / 7, t -= s / 2, u += t;       \
            v -= u / 5, w += v, y -= w / 9, z = -z + y / 1024;                \
            l = l * 0.75L + (long double)(x >> 40);                           \
        }                                                                     \
        double sum = p + q + r + s + t + u + v + w + y + z + (double)l;       \
        uint64_t bits;                                                        \
        memcpy(&bits, &sum, sizeof(bits));                                    \
        return a ^ b ^ c ^ d ^ e ^ f ^ g ^ h ^ bits;                          \
    }

REGISTERS_BODY(churn_inline, ctx_switch)
REGISTERS_BODY(churn_by_call, switch_by_call)

static void churn_inline_body(void *arg)
{
    struct coroutine *self = arg;
    self->result =
        churn_inline(&self->ctx, &scenario_main, self->seed, self->steps);
    coroutine_finish(self);
}

static void churn_by_call_body(void *arg)
{
    struct coroutine *self = arg;
    self->result =
        churn_by_call(&self->ctx, &scenario_main, self->seed, self->steps);
    coroutine_finish(self);
}

/* The native side churns as well, against both coroutines in turn. */
static void scenario_registers(void)
{
    scenario_begin();
    struct coroutine one = {.seed = 11, .steps = 500};
    struct coroutine two = {.seed = 22, .steps = 500};
    coroutine_start(&one, churn_inline_body);
    coroutine_start(&two, churn_by_call_body);
    uint64_t mine = churn_inline(&scenario_main, &one.ctx, 33, 400) ^
                    churn_by_call(&scenario_main, &two.ctx, 44, 400);
    while (!one.is_done)
        ctx_switch(&scenario_main, &one.ctx);
    while (!two.is_done)
        ctx_switch(&scenario_main, &two.ctx);
    CHECK(one.result == churn_inline(NULL, NULL, 11, 500));
    CHECK(two.result == churn_by_call(NULL, NULL, 22, 500));
    CHECK(mine == (churn_inline(NULL, NULL, 33, 400) ^
                   churn_by_call(NULL, NULL, 44, 400)));
    coroutine_end(&one);
    coroutine_end(&two);
    scenario_end();
}

/* ---- the new stack ---- */

static __attribute__((noinline)) bool is_aligned(const void *pointer,
                                                 size_t alignment)
{
    return (uintptr_t)pointer % alignment == 0;
}

static void first_look_body(void *arg)
{
    struct coroutine *self = arg;
    struct ctx_stack stack = stack_range(&scenario_pool, self->top);
    char *frame = __builtin_frame_address(0);
    CHECK(frame >= (char *)stack.low && frame < (char *)stack.top);
    CHECK((char *)stack.top - frame < 512);
    /* Compilers trust the alignment that the ABI promises to a function. */
    _Alignas(16) char aligned[16];
    CHECK(is_aligned(aligned, 16));
    char text[64];
    snprintf(text, sizeof(text), "%.3f %Lg", 0.125, 2.5L);
    CHECK(strcmp(text, "0.125 2.5") == 0);
    self->result = self->seed;
    coroutine_finish(self);
}

static void scenario_first_look(void)
{
    scenario_begin();
    for (uint64_t seed = 1; seed < 100; seed++) {
        struct coroutine one = {.seed = seed};
        coroutine_start(&one, first_look_body);
        ctx_switch(&scenario_main, &one.ctx);
        CHECK(one.is_done && one.result == seed);
        coroutine_end(&one);
    }
    CHECK(scenario_pool.total < 64); /* one stack was used again and again */
    scenario_end();
}

/* Switches away at the bottom of the recursion, `depth` KiB down. */
static __attribute__((noinline)) int recurse(struct coroutine *self, int depth)
{
    volatile char kibibyte[1024];
    kibibyte[0] = (char)depth;
    if (depth == 0)
        ctx_switch(&self->ctx, &scenario_main);
    else
        CHECK(recurse(self, depth - 1) == depth - 1);
    CHECK(kibibyte[0] == (char)depth);
    return depth;
}

static void recurse_body(void *arg)
{
    struct coroutine *self = arg;
    recurse(self, self->steps);
    coroutine_finish(self);
}

static void scenario_recursion(void)
{
    scenario_begin();
    struct coroutine all[3] = {{.steps = 60}, {.steps = 30}, {.steps = 70}};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        coroutine_start(&all[i], recurse_body);
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < ARRAY_SIZE(all); i++)
            ctx_switch(&scenario_main, &all[i].ctx);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        CHECK(all[i].is_done);
        coroutine_end(&all[i]);
    }
    scenario_end();
}

/* ---- many ---- */

static void count_body(void *arg)
{
    struct coroutine *self = arg;
    for (int i = 0; i < self->steps; i++) {
        self->result += self->seed;
        ctx_switch(&self->ctx, &scenario_main);
    }
    coroutine_finish(self);
}

/* `count` contexts, stepped in a random order until all have ended. */
static void scenario_crowd(size_t count)
{
    scenario_begin();
    struct coroutine *all = calloc(count, sizeof(*all));
    CHECK(all);
    for (size_t i = 0; i < count; i++) {
        all[i].seed = i;
        all[i].steps = (int)(i % 7);
        coroutine_start(&all[i], count_body);
    }
    struct rng rng;
    rng_seed(&rng, count);
    for (size_t left = count; left > 0;) {
        struct coroutine *one = &all[rng_below(&rng, count)];
        if (one->is_done)
            continue;
        ctx_switch(&scenario_main, &one->ctx);
        left -= one->is_done;
    }
    for (size_t i = 0; i < count; i++) {
        CHECK(all[i].result == i * (i % 7));
        coroutine_end(&all[i]);
    }
    free(all);
    scenario_end();
}

/* ---- without the native one in between ---- */

enum { CIRCLE = 5 };
static struct coroutine circle[CIRCLE];

static void circle_body(void *arg)
{
    struct coroutine *self = arg;
    size_t next = ((size_t)(self - circle) + 1) % CIRCLE;
    while (circle[0].steps-- > 0)
        ctx_switch(&self->ctx, &circle[next].ctx);
    coroutine_finish(self);
}

/* Contexts that hand on to one another; the one that ends the round does so
 * on behalf of the others, which stay where they are. */
static void scenario_circle(void)
{
    scenario_begin();
    memset(circle, 0, sizeof(circle));
    circle[0].steps = 1003;
    for (size_t i = 0; i < CIRCLE; i++)
        coroutine_start(&circle[i], circle_body);
    ctx_switch(&scenario_main, &circle[0].ctx);
    int done = 0;
    for (size_t i = 0; i < CIRCLE; i++)
        done += circle[i].is_done;
    CHECK(done == 1);
    for (size_t i = 0; i < CIRCLE; i++) {
        while (!circle[i].is_done)
            ctx_switch(&scenario_main, &circle[i].ctx);
        coroutine_end(&circle[i]);
    }
    scenario_end();
}

#endif
