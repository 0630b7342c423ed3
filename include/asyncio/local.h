/* SPDX-License-Identifier: MIT */
/*
 * Task-locals: values that belong to a task and that its children inherit at
 * their creation, as Python's contextvars. A child's changes are its own.
 *
 *     static struct asyncio_local request_id;
 *     asyncio_local_set(&request_id, "r-17");
 *     const char *id = asyncio_local_get(&request_id);
 */
#ifndef ASYNCIO_LOCAL_H
#define ASYNCIO_LOCAL_H

#include <asyncio/base.h>

ASYNCIO_BEGIN

/* A key: its address is its identity, so it is static as a rule. All zeros is
 * a key without default and without destructor. */
struct asyncio_local {
    void *default_value;         /* where no value was set */
    void (*destroy)(void *value); /* when the last task that sees it ends */
};

/* The calling task's value, or the default; also outside of tasks. Never
 * suspends. */
ASYNCIO_API void *asyncio_local_get(const struct asyncio_local *key);

/* Sets the calling task's value; children created from here on inherit it.
 * Never suspends. -EPERM: not in a task; -ENOMEM: the value stays the
 * caller's. */
ASYNCIO_API int asyncio_local_set(const struct asyncio_local *key,
                                  void *value);

ASYNCIO_END

#endif
