/* SPDX-License-Identifier: MIT */
/*
 * Blocking functions on a pool of the caller's choice: what asyncio_to_thread
 * does on the tasks' pool, for name lookups and files. The contracts are those
 * of the public functions.
 */
#ifndef SYNC_TO_THREAD_H
#define SYNC_TO_THREAD_H

#include <asyncio/task.h>

struct pool;

int pool_call(struct pool *pool, asyncio_fn *fn, void *arg);
int pool_call_abandonable(struct pool *pool, asyncio_fn *fn, void *arg,
                          void (*discard)(void *arg));

#endif
