/* SPDX-License-Identifier: MIT */
/* The table of handles; see slots.h. */
#include "task/slots.h"

#include <errno.h>

#include "base/mem.h"

enum { SLOTS_FIRST = 64 };

void slots_init(struct slots *slots)
{
    *slots = (struct slots){.first_free = SLOT_NONE};
}

void slots_fini(struct slots *slots)
{
    mem_free(slots->items);
    slots_init(slots);
}

static int slots_reserve(struct slots *slots)
{
    if (slots->count < slots->capacity)
        return 0;
    if (slots->capacity > SLOT_NONE / 2)
        return -ENOMEM;
    uint32_t capacity = slots->capacity ? 2 * slots->capacity : SLOTS_FIRST;
    struct slot *items =
        mem_realloc(slots->items, capacity * sizeof *slots->items);
    if (!items)
        return -ENOMEM;
    slots->items = items;
    slots->capacity = capacity;
    return 0;
}

int slots_grow(struct slots *slots)
{
    int err = slots_reserve(slots);
    if (err < 0)
        return err;
    struct slot *slot = &slots->items[slots->count];
    slot->generation = 0;
    slot->next_free = SLOT_NONE;
    slots->first_free = slots->count++;
    return 0;
}
