/* SPDX-License-Identifier: MIT */
/*
 * A scope that expires: what timeouts and shields share. Both have the layout
 * of struct asyncio_timeout.
 */
#ifndef TASK_DEADLINE_H
#define TASK_DEADLINE_H

#include "task/scope.h"

/* -EPERM: not in a task; -EINVAL: NaN. */
int deadline_begin(struct asyncio_timeout *timeout, enum scope_kind kind,
                   double seconds);

/* Moves the deadline to `seconds` from now; past when not positive. */
void deadline_set(struct asyncio_timeout *timeout, double seconds);

/* Closes the scope; -ETIMEDOUT when its deadline, and nothing around it, made
 * `err` a cancellation. */
int deadline_end(struct asyncio_timeout *timeout, int err, const char *what);

#endif
