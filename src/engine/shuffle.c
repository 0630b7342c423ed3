/* SPDX-License-Identifier: MIT */
/*
 * The shuffle of the ready queue: each piece draws a rank, not lower than that
 * of those which it must follow, and they are sorted by rank.
 */
#include "engine/shuffle.h"

#include <stdlib.h>

#include "base/mem.h"

struct card {
    uint64_t rank;
    size_t index;                /* in the queue, among equal ranks */
    struct work *work;
};

static bool shuffle_reserve(struct shuffle *shuffle, size_t count)
{
    if (count <= shuffle->capacity)
        return true;
    size_t capacity = shuffle->capacity ? 2 * shuffle->capacity : 64;
    struct card *deck =
        mem_realloc(shuffle->deck, capacity * sizeof *shuffle->deck);
    if (!deck)
        return false;
    shuffle->deck = deck;
    shuffle->capacity = capacity;
    return true;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Draws the ranks of all that is ready; returns how many cards there are. */
static size_t shuffle_draw(struct shuffle *shuffle, struct work_queue *ready)
{
    uint64_t highest = 0, highest_in_order = 0;
    size_t count = 0;
    while (!work_queue_is_empty(ready) && shuffle_reserve(shuffle, count + 1)) {
        struct work *work = work_queue_pop(ready);
        uint64_t rank = rng_next(&shuffle->rng);
        switch (shuffle->order_of(work)) {
        case WORK_ANYWHERE:
            break;
        case WORK_IN_ORDER:
            rank = highest_in_order = most(rank, highest_in_order);
            break;
        case WORK_LAST:
            rank = highest;
            break;
        }
        highest = most(rank, highest);
        shuffle->deck[count] = (struct card){rank, count, work};
        count++;
    }
    return count;
}

static int card_compare(const void *left, const void *right)
{
    const struct card *a = left, *b = right;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

size_t shuffle_ready(struct shuffle *shuffle, struct work_queue *ready)
{
    size_t count = shuffle_draw(shuffle, ready);
    if (count > 1)
        qsort(shuffle->deck, count, sizeof *shuffle->deck, card_compare);

    struct work_queue rest = *ready;
    work_queue_init(ready);
    for (size_t i = 0; i < count; i++)
        work_queue_push(ready, shuffle->deck[i].work);
    while (rest.head) {
        struct work *work = rest.head;
        rest.head = work->next;
        work_queue_push(ready, work);
        count++;
    }
    return count;
}

void shuffle_free(struct shuffle *shuffle)
{
    mem_free(shuffle->deck);
    *shuffle = (struct shuffle){0};
}
