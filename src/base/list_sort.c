/* SPDX-License-Identifier: MIT */
/*
 * Bottom-up merge sort (Knuth, TAOCP 3, 5.2.4): bin i holds a sorted run of
 * 2^i links; a new link is merged up through the bins like a carry.
 */
#include "base/list_sort.h"

enum { BINS = 48 };

static bool list_is_sorted(const struct asyncio_link *list,
                           list_order *is_after)
{
    for (const struct asyncio_link *link = list->next;
         link != list && link->next != list; link = link->next) {
        if (is_after(link, link->next))
            return false;
    }
    return true;
}

/* Merges two runs linked by `next` and ended by NULL; `a` wins ties. */
static struct asyncio_link *merge(struct asyncio_link *a,
                                  struct asyncio_link *b, list_order *is_after)
{
    struct asyncio_link *head;
    struct asyncio_link **tail = &head;
    while (a && b) {
        struct asyncio_link **least = is_after(a, b) ? &b : &a;
        *tail = *least;
        tail = &(*least)->next;
        *least = (*least)->next;
    }
    *tail = a ? a : b;
    return head;
}

static struct asyncio_link *sort_run(struct asyncio_link *run,
                                     list_order *is_after)
{
    struct asyncio_link *bins[BINS] = {0};
    while (run) {
        struct asyncio_link *carry = run;
        run = run->next;
        carry->next = NULL;
        unsigned i = 0;
        for (; bins[i]; i++) {
            carry = merge(bins[i], carry, is_after);
            bins[i] = NULL;
        }
        bins[i] = carry;
    }
    struct asyncio_link *sorted = NULL;
    for (unsigned i = 0; i < BINS; i++) {
        if (bins[i])
            sorted = sorted ? merge(bins[i], sorted, is_after) : bins[i];
    }
    return sorted;
}

void list_sort(struct asyncio_link *list, list_order *is_after)
{
    if (list_is_sorted(list, is_after))
        return;
    list->prev->next = NULL;
    struct asyncio_link *run = sort_run(list->next, is_after);
    list_init(list);
    while (run) {
        struct asyncio_link *next = run->next;
        list_push_back(list, run);
        run = next;
    }
}
