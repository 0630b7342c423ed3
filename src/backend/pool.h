/* SPDX-License-Identifier: MIT */
/*
 * Threads for what can only block. Three pools for the whole process, shared
 * by its loops and never by each other, so that slow name lookups cannot fill
 * the one that files use (asyncio, libuv: "DNS stalls my files").
 *
 *    submit          a thread takes it        run returned
 *   -------> QUEUED -----------------> RUNNING ------------> posted home
 *               | withdraw               | abandon
 *               v                        v
 *           the caller's again       discard(op) runs on the pool's thread
 *
 * A pool grows a thread whenever a job finds none idle, up to its bound; an
 * idle thread ends after a while. Threads run with all signals blocked.
 */
#ifndef BACKEND_POOL_H
#define BACKEND_POOL_H

#include "backend/op.h"

extern struct pool pool_files;   /* at most 16 threads */
extern struct pool pool_names;   /* at most 8 */
extern struct pool pool_tasks;   /* to_thread: min(32, cores + 4), as asyncio */

/*
 * Queues `op`: the view of it that blocks (for OP_WORK its function) runs on a
 * thread, its result is posted to `home` (a reference is held meanwhile),
 * whose loop then calls done(op) by running the work that it collects.
 * -EAGAIN/-ENOMEM when there is no thread at all and none can be made.
 */
int pool_submit(struct pool *pool, struct op *op, struct mailbox *home);

/* Takes a job back that no thread has started; true when that worked. */
bool pool_withdraw(struct pool *pool, struct op *op);

/* Turns away from a job: `discard` is called with the op, by the thread, when
 * the function returns; the op must live until then. A job that no thread has
 * started is not run any more, only discarded by the next free thread. False:
 * the function has already returned and its completion is posted. */
bool pool_abandon(struct pool *pool, struct op *op,
                  void (*discard)(struct op *op));

/* Threads that exist now and that wait for work, for tests and statistics. */
void pool_count(struct pool *pool, unsigned *ret_threads, unsigned *ret_idle);

/* How long a thread waits for work before it ends; tests shorten it. */
extern uint64_t pool_idle_ns;

/* Around a fork, from pthread_atfork's handlers: nobody else is inside a pool
 * meanwhile, and in the child, where the threads are gone, it begins anew. */
void pool_before_fork(void);
void pool_after_fork_in_parent(void);
void pool_reset_after_fork(void);

#endif
