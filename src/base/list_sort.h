/* SPDX-License-Identifier: MIT */
/*
 * A stable merge sort of linked lists, in place; one pass when the list is in
 * order already.
 */
#ifndef BASE_LIST_SORT_H
#define BASE_LIST_SORT_H

#include "base/list.h"

/* `is_after(a, b)`: a must come after b. */
typedef bool list_order(const struct asyncio_link *a,
                        const struct asyncio_link *b);

void list_sort(struct asyncio_link *list, list_order *is_after);

#endif
