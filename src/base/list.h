/* SPDX-License-Identifier: MIT */
/*
 * Circular doubly linked lists of links embedded in their objects.
 * A list is a link that is no object's: empty when it points at itself.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <asyncio/base.h>

#include "base/base.h"

static inline void list_init(struct asyncio_link *list)
{
    list->next = list;
    list->prev = list;
}

static inline bool list_is_empty(const struct asyncio_link *list)
{
    return list->next == list;
}

static inline void list_push_back(struct asyncio_link *list,
                                  struct asyncio_link *link)
{
    link->prev = list->prev;
    link->next = list;
    list->prev->next = link;
    list->prev = link;
}

static inline void list_push_front(struct asyncio_link *list,
                                   struct asyncio_link *link)
{
    list_push_back(list->next, link);
}

/* Takes out a link that nobody asks for any more. */
static inline void list_unlink(struct asyncio_link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
}

/* Takes the link out; it then points at itself: a second time is harmless. */
static inline void list_remove(struct asyncio_link *link)
{
    list_unlink(link);
    list_init(link);
}

/* NULL when the list is empty. */
static inline struct asyncio_link *list_pop_front(struct asyncio_link *list)
{
    struct asyncio_link *link = list->next;
    if (link == list)
        return NULL;
    list_remove(link);
    return link;
}

/* Moves all of `from` to the end of `list`; `from` is empty afterwards. */
static inline void list_splice(struct asyncio_link *list,
                               struct asyncio_link *from)
{
    if (list_is_empty(from))
        return;
    from->next->prev = list->prev;
    from->prev->next = list;
    list->prev->next = from->next;
    list->prev = from->prev;
    list_init(from);
}

#define LIST_FOR_EACH(link, list)                                             \
    for (struct asyncio_link *link = (list)->next; link != (list);            \
         link = link->next)

/* As LIST_FOR_EACH, but the body may remove `link`. */
#define LIST_FOR_EACH_SAFE(link, list)                                        \
    for (struct asyncio_link *link = (list)->next, *link##_next = link->next; \
         link != (list); link = link##_next, link##_next = link->next)

#endif
