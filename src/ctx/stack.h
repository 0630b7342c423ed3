/* SPDX-License-Identifier: MIT */
/*
 * Stacks of one size, carved from large slabs of address space.
 *
 * Each slot of `size` bytes is, from low to high: a guard (64 KiB, or a
 * quarter of the slot where that is less; none with STACK_DENSE), then the
 * usable stack. Memory is touched lazily. Free stacks are reused hottest
 * first (a stack of stacks), so the warm path is a pop and never a system call.
 */
#ifndef CTX_STACK_H
#define CTX_STACK_H

#include "ctx/ctx.h"

#define STACK_SIZE_DEFAULT ((size_t)256 * 1024)
#define STACK_SIZE_MIN ((size_t)16 * 1024)      /* guarded */
#define STACK_SIZE_MIN_DENSE ((size_t)2 * 1024) /* STACK_DENSE */
#define STACK_SIZE_MAX ((size_t)1 << 30)
#define STACK_GUARD ((size_t)64 * 1024)

enum stack_flags {
    STACK_DENSE = 1,             /* unguarded, slots smaller than a page may
                                  * share one; for many tiny tasks */
};

struct stack_slab;

struct stack_pool {
    size_t size;                 /* of a slot, guard included */
    size_t guard;                /* of that, the guard; 0 when dense */
    unsigned flags;
    bool on_valgrind;
    void **free;                 /* tops of free stacks, hottest last */
    size_t free_count;
    size_t free_low;             /* least of free_count since the last trim:
                                  * so many were never needed since */
    size_t cold_count;           /* min(this, free_low) of the first hold no
                                  * memory: given back by an earlier trim, or
                                  * never touched */
    size_t capacity;             /* of `free` */
    size_t total;                /* slots carved so far, <= capacity */
    struct stack_slab *slabs;    /* newest first; only it is being carved */
};

/*
 * `size` is rounded up to a page (dense: to 64 bytes). Maps nothing yet.
 * -EINVAL when the size is out of the bounds above.
 */
int stack_pool_init(struct stack_pool *pool, size_t size, unsigned flags);

/* Unmaps everything; every stack must have been given back. */
void stack_pool_fini(struct stack_pool *pool);

/* Carves more stacks (now and then a slab; guards installed in batches).
 * -ENOMEM. */
int stack_pool_grow(struct stack_pool *pool);

/* The usable range of the stack that ends at `top`. */
static inline struct ctx_stack stack_range(const struct stack_pool *pool,
                                           void *top)
{
    char *high = top;
    return (struct ctx_stack){high - (pool->size - pool->guard), high};
}

/* The top of a free stack where there is one, not under valgrind. */
static inline void *stack_take_plain(struct stack_pool *pool)
{
    void *top = pool->free[--pool->free_count];
    if (pool->free_count < pool->free_low)
        pool->free_low = pool->free_count;
    return top;
}

/* The top of a free stack, or NULL when memory is exhausted. */
static inline void *stack_take(struct stack_pool *pool)
{
    if (unlikely(!pool->free_count) && stack_pool_grow(pool) < 0)
        return NULL;
    void *top = stack_take_plain(pool);
    if (unlikely(pool->on_valgrind))
        sanitizer_stack_renew(stack_range(pool, top).low,
                              pool->size - pool->guard);
    return top;
}

/* Nobody runs on it any more; its contents are gone. */
static inline void stack_give(struct stack_pool *pool, void *top)
{
    DEBUG_ASSERT(pool->free_count < pool->total);
    struct ctx_stack stack = stack_range(pool, top);
    sanitizer_stack_clean(stack.low, pool->size - pool->guard);
    pool->free[pool->free_count++] = top;
}

/*
 * Gives the memory of those free stacks back to the system that nobody has
 * needed since the last trim, coldest first and a bounded number at a time
 * (the loop is not held up for more than a few milliseconds). Called by an
 * idle loop once in a while, so that a crowd that comes back at once finds
 * its stacks warm. Slabs stay mapped: address space is free. Returns true
 * when the bound cut it short: called again, it gives back more.
 */
bool stack_pool_trim(struct stack_pool *pool);

#endif
