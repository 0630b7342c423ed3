/* SPDX-License-Identifier: MIT */
/*
 * The frame of a program with a planted bug: run_planted() calls `body` on
 * a stack of its own, with several switches before, so that a tool which was
 * told the wrong things about a switch is confused by then. With the argument
 * "clean" the bug is left out, and the tool must have nothing to say.
 */
#ifndef TESTS_PLANTED_IN_CONTEXT_H
#define TESTS_PLANTED_IN_CONTEXT_H

#include <stdio.h>
#include <string.h>

#include "ctx/ctx.h"
#include "ctx/stack.h"

static struct ctx native;
static struct ctx context;
static void (*planted_body)(bool is_clean);
static bool planted_is_clean;

static void context_entry(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10; i++)
        ctx_switch(&context, &native);
    planted_body(planted_is_clean);
    ctx_exit(&context, &native);
}

/* A switch under a frame with arrays of its own, on both sides. */
static __attribute__((noinline)) void enter_context(int i)
{
    volatile char frame[100];
    memset((char *)frame, i, sizeof(frame));
    ctx_switch(&native, &context);
    if (frame[99] != (char)i)
        puts("the frame has changed");
}

static int run_planted(int argc, char **argv, void (*body)(bool is_clean))
{
    planted_body = body;
    planted_is_clean = argc > 1 && strcmp(argv[1], "clean") == 0;
    struct stack_pool pool;
    if (stack_pool_init(&pool, STACK_SIZE_DEFAULT, 0) < 0)
        return 2;
    ctx_init_native(&native);
    for (int round = 0; round < 3; round++) {
        void *top = stack_take(&pool);
        if (!top)
            return 2;
        ctx_make(&context, stack_range(&pool, top), context_entry, NULL);
        for (int i = 0; i <= 10; i++)
            enter_context(i);
        ctx_release(&context);
        stack_give(&pool, top);
    }
    ctx_fini_native(&native);
    stack_pool_fini(&pool);
    return 0;
}

#endif
