/* SPDX-License-Identifier: MIT */
/*
 * A binary heap of items of one size, in memory that the caller provides and
 * grows. The least item is on top. Equal items come out in no particular
 * order; who needs one puts a serial number into the item.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include "base/base.h"

struct heap {
    char *items;                 /* the caller's; `capacity` items long */
    size_t item_size;
    size_t count;
    size_t capacity;
    int (*compare)(const void *a, const void *b);   /* as qsort's */
};

/* Empty, and without memory until heap_set_memory. */
void heap_init(struct heap *heap, size_t item_size,
               int (*compare)(const void *a, const void *b));

/* Goes on in other memory, to which the caller has already copied the first
 * `count` items (as realloc does). */
void heap_set_memory(struct heap *heap, void *items, size_t capacity);

static inline bool heap_is_full(const struct heap *heap)
{
    return heap->count == heap->capacity;
}

/* Copies the item in. The caller knows that the heap is not full. */
void heap_push(struct heap *heap, const void *item);

/* The least item, or NULL when there is none. Valid until the next change. */
static inline void *heap_top(const struct heap *heap)
{
    return heap->count ? heap->items : NULL;
}

/* Moves the least item out; false when there is none. */
bool heap_pop(struct heap *heap, void *ret_item);

#endif
