/* SPDX-License-Identifier: MIT */
/*
 * What loops share with their process: the list of them, and what a fork does.
 *
 * A fork's child inherits no loop. Its copies of the parent's loops are
 * poisoned: rings and epoll instances are closed there and touched no more, no
 * thread has a running loop, the pools begin anew, and signals go back to what
 * they were. asyncio_run works anew in the child.
 */
#ifndef ENGINE_PROCESS_H
#define ENGINE_PROCESS_H

#include "engine/loop.h"

/* The first call prepares the process; the first of several loops has SIGPIPE
 * ignored (sigpipe.h). -ENOMEM. */
int process_add_loop(struct asyncio_loop *loop);
void process_remove_loop(struct asyncio_loop *loop);

/* No other thread forks in between: around the opening of descriptors. A fork
 * copies the table of descriptors first and memory later, so the child could
 * find the number of one that it does not have, and close a stranger's. */
void process_hold_forks(void);
void process_allow_forks(void);

/* What the layer above does around a fork: it holds its own locks across it,
 * and forgets in the child what was the parent's. Set by that layer. */
struct process_fork_hooks {
    void (*before)(void);
    void (*in_parent)(void);
    void (*in_child)(void);
};

void process_set_fork_hooks(const struct process_fork_hooks *hooks);

#endif
