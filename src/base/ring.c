/* SPDX-License-Identifier: MIT */
/* The growable ring. Growing unwraps: the oldest item comes to lie first. */
#include "base/ring.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

#define RING_CAPACITY_MIN 8

/* The place of the item that is `offset` behind the oldest. */
static char *ring_at(const struct ring *ring, size_t offset)
{
    size_t index = (ring->head + offset) & (ring->capacity - 1);
    return ring->items + index * ring->item_size;
}

void ring_init(struct ring *ring, size_t item_size)
{
    *ring = (struct ring){.item_size = item_size};
}

void ring_fini(struct ring *ring)
{
    mem_free(ring->items);
    *ring = (struct ring){.item_size = ring->item_size};
}

static void ring_unwrap(const struct ring *ring, char *to)
{
    if (!ring->count)
        return;
    size_t until_end = ring->capacity - ring->head;
    size_t first = ring->count < until_end ? ring->count : until_end;
    size_t size = ring->item_size;
    memcpy(to, ring->items + ring->head * size, first * size);
    memcpy(to + first * size, ring->items, (ring->count - first) * size);
}

int ring_reserve(struct ring *ring, size_t count)
{
    if (count <= ring->capacity)
        return 0;
    size_t capacity = ring->capacity ? ring->capacity : RING_CAPACITY_MIN;
    while (capacity < count) {
        if (capacity > SIZE_MAX / 2)
            return -ENOMEM;
        capacity *= 2;
    }
    size_t bytes;
    if (__builtin_mul_overflow(capacity, ring->item_size, &bytes))
        return -ENOMEM;
    char *items = mem_alloc(bytes);
    if (!items)
        return -ENOMEM;
    ring_unwrap(ring, items);
    mem_free(ring->items);
    ring->items = items;
    ring->head = 0;
    ring->capacity = capacity;
    return 0;
}

int ring_push_back(struct ring *ring, const void *item)
{
    int err = ring_reserve(ring, ring->count + 1);
    if (err < 0)
        return err;
    memcpy(ring_at(ring, ring->count), item, ring->item_size);
    ring->count++;
    return 0;
}

bool ring_pop_front(struct ring *ring, void *ret_item)
{
    if (!ring->count)
        return false;
    memcpy(ret_item, ring_at(ring, 0), ring->item_size);
    ring->head = (ring->head + 1) & (ring->capacity - 1);
    ring->count--;
    return true;
}

bool ring_pop_back(struct ring *ring, void *ret_item)
{
    if (!ring->count)
        return false;
    memcpy(ret_item, ring_at(ring, ring->count - 1), ring->item_size);
    ring->count--;
    return true;
}
