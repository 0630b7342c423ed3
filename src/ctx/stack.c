/* SPDX-License-Identifier: MIT */
/*
 * Where stacks come from and where their memory goes.
 *
 * A slab is one mapping. Slabs double from 16 stacks on, so that a small
 * program maps little and a large one seldom; a slab is carved in chunks, so
 * that the first task does not pay for the guards of a thousand others. The
 * array of free stacks always has room for all there are: giving one back
 * cannot fail. Beside it nothing is kept per stack: a million costs 8 MB.
 */
#include "ctx/stack.h"

#include <errno.h>

#include "base/mem.h"
#include "sys/sys.h"

#define SLAB_STACKS_FIRST 16
#define SLAB_STACKS_FULL ((size_t)64)            /* or, where that is more, */
#define SLAB_SIZE_FULL ((size_t)64 * 1024 * 1024) /* as many as fit in this */
#define CHUNK_STACKS_MIN ((size_t)4)
#define CHUNK_STACKS_MAX ((size_t)64)
#define TRIM_STACKS_MAX ((size_t)512)
#define DENSE_ALIGN ((size_t)64)

struct stack_slab {
    struct stack_slab *older;
    char *memory;
    size_t count;                /* slots that fit in */
    size_t carved;               /* of these, handed to the pool so far */
    unsigned *valgrind_ids;      /* one per slot; NULL but under valgrind */
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t round_up(size_t size, size_t unit)
{
    return (size + unit - 1) / unit * unit;
}

/* ---- life of a pool ---- */

int stack_pool_init(struct stack_pool *pool, size_t size, unsigned flags)
{
    bool is_dense = flags & STACK_DENSE;
    if (size < (is_dense ? STACK_SIZE_MIN_DENSE : STACK_SIZE_MIN) ||
        size > STACK_SIZE_MAX)
        return -EINVAL;
    *pool = (struct stack_pool){
        .flags = flags,
        .on_valgrind = sanitizer_on_valgrind(),
    };
    if (is_dense) {
        pool->size = round_up(size, DENSE_ALIGN);
        return 0;
    }
    size_t page = sys_page_size();
    pool->size = most(round_up(size, page), 4 * page);
    pool->guard = least(STACK_GUARD, pool->size / 4 / page * page);
    return 0;
}

static void slab_free(struct stack_pool *pool, struct stack_slab *slab)
{
    for (size_t i = 0; slab->valgrind_ids && i < slab->carved; i++)
        sanitizer_stack_deregister(slab->valgrind_ids[i]);
    mem_free(slab->valgrind_ids);
    sys_unmap(slab->memory, slab->count * pool->size);
    mem_free(slab);
}

void stack_pool_fini(struct stack_pool *pool)
{
    ASSERT(pool->free_count == pool->total);
    while (pool->slabs) {
        struct stack_slab *slab = pool->slabs;
        pool->slabs = slab->older;
        slab_free(pool, slab);
    }
    mem_free(pool->free);
    *pool = (struct stack_pool){0};
}

/* ---- growing ---- */

static int pool_reserve(struct stack_pool *pool, size_t capacity)
{
    if (capacity <= pool->capacity)
        return 0;
    /* Twice as much, so that it is seldom copied; what of it is not used yet
     * is not touched either and occupies no memory. */
    capacity = most(capacity, 2 * pool->capacity);
    void **free = mem_realloc(pool->free, capacity * sizeof(*free));
    if (!free)
        return -ENOMEM;
    pool->free = free;
    pool->capacity = capacity;
    return 0;
}

static int slab_map(struct stack_slab *slab, const struct stack_pool *pool)
{
    slab->memory = sys_map(slab->count * pool->size);
    if (!slab->memory)
        return -ENOMEM;
    if (!pool->on_valgrind)
        return 0;
    slab->valgrind_ids = mem_zalloc(slab->count * sizeof(unsigned));
    if (slab->valgrind_ids)
        return 0;
    sys_unmap(slab->memory, slab->count * pool->size);
    return -ENOMEM;
}

/* Adds an empty slab in front. */
static int pool_add_slab(struct stack_pool *pool)
{
    size_t count_max = most(SLAB_STACKS_FULL, SLAB_SIZE_FULL / pool->size);
    size_t count = least(most(pool->total, SLAB_STACKS_FIRST), count_max);
    int err = pool_reserve(pool, pool->total + count);
    if (err < 0)
        return err;
    struct stack_slab *slab = mem_zalloc(sizeof(*slab));
    if (!slab)
        return -ENOMEM;
    slab->count = count;
    err = slab_map(slab, pool);
    if (err < 0) {
        mem_free(slab);
        return err;
    }
    slab->older = pool->slabs;
    pool->slabs = slab;
    return 0;
}

/* Puts fresh stacks under the ones that are free already: nothing is colder
 * than what was never touched. */
static void pool_add_cold(struct stack_pool *pool, char *first_top,
                          size_t count)
{
    for (size_t i = pool->free_count; i > 0; i--)
        pool->free[i - 1 + count] = pool->free[i - 1];
    for (size_t i = 0; i < count; i++)
        pool->free[i] = first_top + i * pool->size;
    pool->cold_count = least(pool->cold_count, pool->free_low) + count;
    pool->free_count += count;
    pool->free_low += count;
    pool->total += count;
}

int stack_pool_grow(struct stack_pool *pool)
{
    if (!pool->slabs || pool->slabs->carved == pool->slabs->count) {
        int err = pool_add_slab(pool);
        if (err < 0)
            return err;
    }
    struct stack_slab *slab = pool->slabs;
    size_t count = most(CHUNK_STACKS_MIN, least(pool->total, CHUNK_STACKS_MAX));
    count = least(count, slab->count - slab->carved);
    char *first = slab->memory + slab->carved * pool->size;
    if (pool->guard && sys_guard(first, pool->guard, pool->size, count) < 0)
        return -ENOMEM;

    char *first_top = first + pool->size;
    for (size_t i = 0; slab->valgrind_ids && i < count; i++) {
        struct ctx_stack stack = stack_range(pool, first_top + i * pool->size);
        slab->valgrind_ids[slab->carved + i] =
            sanitizer_stack_register(stack.low, stack.top);
    }
    slab->carved += count;
    pool_add_cold(pool, first_top, count);
    return 0;
}

/* ---- giving memory back ---- */

/* Sorts by the bits of the address from `bit` downwards: in place, and for a
 * million stacks four times as fast as sorting by comparison. */
static void sort_by_bits(void **tops, size_t count, uintptr_t bit)
{
    while (count > 1 && bit) {
        size_t low = 0, high = count;
        while (low < high) {
            void *top = tops[low];
            if ((uintptr_t)top & bit) {
                tops[low] = tops[--high];
                tops[high] = top;
            } else {
                low++;
            }
        }
        bit >>= 1;
        sort_by_bits(tops, low, bit);
        tops += low;
        count -= low;
    }
}

static void sort_addresses(void **tops, size_t count)
{
    uintptr_t differing = 0;
    for (size_t i = 1; i < count; i++)
        differing |= (uintptr_t)tops[i] ^ (uintptr_t)tops[0];
    uintptr_t bit = 1;
    while (differing >>= 1)
        bit <<= 1;
    sort_by_bits(tops, count, bit);
}

/* Discards the whole pages between the stacks that end at these tops, which
 * lie side by side. Guards in between survive that. Where the system
 * refuses, the memory just stays. */
static void discard_run(const struct stack_pool *pool, void *first_top,
                        void *last_top)
{
    uintptr_t page = sys_page_size();
    uintptr_t low = (uintptr_t)stack_range(pool, first_top).low;
    uintptr_t high = (uintptr_t)last_top / page * page;
    low = (low + page - 1) / page * page;
    if (low < high)
        sys_discard((char *)first_top - ((uintptr_t)first_top - low),
                    high - low);
}

/* One call for each run of neighbours. Changes the order of `tops`. */
static void discard_stacks(const struct stack_pool *pool, void **tops,
                           size_t count)
{
    sort_addresses(tops, count);
    size_t first = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_last = i + 1 == count ||
                       (char *)tops[i] + pool->size != (char *)tops[i + 1];
        if (!is_last)
            continue;
        discard_run(pool, tops[first], tops[i]);
        first = i + 1;
    }
}

bool stack_pool_trim(struct stack_pool *pool)
{
    size_t end = pool->free_low;
    size_t begin = least(pool->cold_count, end);
    bool is_partial = pool->guard && end - begin > TRIM_STACKS_MAX;
    if (is_partial)
        end = begin + TRIM_STACKS_MAX;
    if (begin < end && pool->guard) {
        discard_stacks(pool, pool->free + begin, end - begin);
    } else if (begin < end) {
        /* Dense stacks may share a page, which goes only once all on it are
         * cold, the ones that were trimmed earlier included; so these are
         * looked at all together: half a second for a million. */
        discard_stacks(pool, pool->free, end);
    }
    pool->cold_count = end;
    if (!is_partial)
        pool->free_low = pool->free_count;
    return is_partial;
}
