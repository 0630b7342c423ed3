/* SPDX-License-Identifier: MIT */
/*
 * What handles name. A handle is a slot's number and a generation; the slot's
 * generation moves on when its task is released, so a stale handle never
 * meets a stranger's task. The table lives off the stacks, whose memory may be
 * given back meanwhile.
 */
#ifndef TASK_SLOTS_H
#define TASK_SLOTS_H

#include "base/base.h"

struct asyncio_tcb;

struct slot {
    uint64_t generation;         /* odd: taken, even: free */
    union {
        struct asyncio_tcb *task; /* taken */
        uint64_t next_free;      /* free */
    };
};

struct slots {
    struct slot *items;
    uint32_t count;              /* in use or once used */
    uint32_t capacity;
    uint32_t first_free;         /* SLOT_NONE when there is none */
};

#define SLOT_NONE UINT32_MAX

void slots_init(struct slots *slots);
void slots_fini(struct slots *slots);

/* Another slot on the free list. -ENOMEM. */
int slots_grow(struct slots *slots);

static inline bool slots_have_room(const struct slots *slots)
{
    return slots->first_free != SLOT_NONE;
}

/* A slot for `task`, where there is room. */
static inline uint32_t slots_take(struct slots *slots,
                                  struct asyncio_tcb *task)
{
    uint32_t index = slots->first_free;
    struct slot *slot = &slots->items[index];
    slots->first_free = (uint32_t)slot->next_free;
    slot->generation++;
    slot->task = task;
    return index;
}

static inline void slots_give(struct slots *slots, uint32_t index)
{
    struct slot *slot = &slots->items[index];
    slot->generation++;
    slot->next_free = slots->first_free;
    slots->first_free = index;
}

/* The task, or NULL when the generation is not the slot's. */
static inline struct asyncio_tcb *slots_find(const struct slots *slots,
                                             uint32_t index,
                                             uint64_t generation)
{
    if (index >= slots->count || slots->items[index].generation != generation)
        return NULL;
    return slots->items[index].task;
}

#endif
