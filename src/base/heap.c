/* SPDX-License-Identifier: MIT */
/*
 * Sifting moves a hole instead of swapping: every step copies one item, and
 * the item on the move is the caller's own copy, so nothing is allocated for
 * it whatever its size.
 */
#include "base/heap.h"

#include <string.h>

static void *heap_at(const struct heap *heap, size_t index)
{
    return heap->items + index * heap->item_size;
}

static void heap_set(struct heap *heap, size_t index, const void *item)
{
    void *place = heap_at(heap, index);
    if (place != item)
        memcpy(place, item, heap->item_size);
}

static bool heap_is_less(const struct heap *heap, const void *a, const void *b)
{
    return heap->compare(a, b) < 0;
}

void heap_init(struct heap *heap, size_t item_size,
               int (*compare)(const void *a, const void *b))
{
    *heap = (struct heap){.item_size = item_size, .compare = compare};
}

void heap_set_memory(struct heap *heap, void *items, size_t capacity)
{
    ASSERT(capacity >= heap->count);
    heap->items = items;
    heap->capacity = capacity;
}

void heap_push(struct heap *heap, const void *item)
{
    ASSERT(heap->count < heap->capacity);
    size_t hole = heap->count++;
    while (hole > 0) {
        size_t parent = (hole - 1) / 2;
        if (!heap_is_less(heap, item, heap_at(heap, parent)))
            break;
        heap_set(heap, hole, heap_at(heap, parent));
        hole = parent;
    }
    heap_set(heap, hole, item);
}

/* The smaller child of `hole`, or `count` when it has none. */
static size_t heap_lesser_child(const struct heap *heap, size_t hole)
{
    size_t child = 2 * hole + 1;
    if (child >= heap->count)
        return heap->count;
    size_t right = child + 1;
    if (right < heap->count &&
        heap_is_less(heap, heap_at(heap, right), heap_at(heap, child)))
        return right;
    return child;
}

bool heap_pop(struct heap *heap, void *ret_item)
{
    if (!heap->count)
        return false;
    memcpy(ret_item, heap->items, heap->item_size);

    /* The last item looks for a place from the top on down. It stays where it
     * is, past the end, while the hole sinks. */
    const void *item = heap_at(heap, --heap->count);
    size_t hole = 0;
    for (;;) {
        size_t child = heap_lesser_child(heap, hole);
        if (child == heap->count ||
            !heap_is_less(heap, heap_at(heap, child), item))
            break;
        heap_set(heap, hole, heap_at(heap, child));
        hole = child;
    }
    heap_set(heap, hole, item);
    return true;
}
