/* SPDX-License-Identifier: MIT */
/*
 * Callbacks of call_soon, call_later, call_at: boxes from slabs, recycled, so
 * that scheduling one costs no allocation when warm.
 */
#ifndef ENGINE_CALLBACK_H
#define ENGINE_CALLBACK_H

#include "engine/loop.h"

/* How a simulation may shuffle callbacks: not; and other work: freely. */
enum work_order callback_order_of(const struct work *work);

/* Frees the slabs of a loop that ends; callbacks that did not run are
 * forgotten. */
void callbacks_free(struct asyncio_loop *loop);

#endif
