/* SPDX-License-Identifier: MIT */
/*
 * Everything that enters the kernel for a ring. uring.c is about operations;
 * this is about the ring that carries them. Negative errno throughout.
 */
#ifndef BACKEND_URING_CALLS_H
#define BACKEND_URING_CALLS_H

#include "backend/ring.h"
#include "base/base.h"

/* Makes a ring for the calling thread that can do all that uring.c asks of
 * it; 0, or negative and nothing is left. */
int ring_open(struct io_uring *ring);

/* Tests act as if the kernel refused so many of the best combinations of
 * flags: 0 to 2. */
extern unsigned ring_setups_skipped;

/* A poll that completes again and again, where the kernel has such a thing;
 * else it completes once, with -EINVAL. */
void ring_prepare_polls(struct io_uring_sqe *sqe, int fd, unsigned events);

/* Tests act as if the kernel had not: it is asked for what none has. */
extern bool ring_refuses_polls;

/* Does the kernel have completions that it posts only when it is entered? */
bool ring_has_news(struct io_uring *ring);

/* Sends what is queued. -EAGAIN, -EBUSY: it, or some of it, stays queued. */
int ring_submit(struct io_uring *ring);
/* Sends what is queued and has news posted; no call when there is neither. */
int ring_look(struct io_uring *ring);
/* Sends what is queued and waits for a completion; the limit is no failure. */
int ring_sleep(struct io_uring *ring, uint64_t timeout_ns);

#endif
