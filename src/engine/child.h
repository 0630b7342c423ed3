/* SPDX-License-Identifier: MIT */
/*
 * Children: a pidfd is polled for, then the child is reaped. No SIGCHLD
 * handler, so a program's own children and other libraries' are left alone.
 */
#ifndef ENGINE_CHILD_H
#define ENGINE_CHILD_H

#include "engine/loop.h"

struct child_watch {
    struct op op;                /* polls the pidfd */
    struct asyncio_loop *loop;
    pid_t pid;
    int status;                  /* as waitpid's, once ended */
    /* It has ended and is reaped (err 0), or cannot be waited for. */
    void (*on_end)(struct child_watch *watch, int err);
};

/* Starts watching. 1: it has ended already (status), on_end is not called.
 * 0: on_end will be called. -ECHILD: no child of ours. -EMFILE. */
int child_watch_start(struct asyncio_loop *loop, struct child_watch *watch,
                      pid_t pid);

/* Asks it to end; on_end is then called with -ECANCELED, or has the status. */
void child_watch_cancel(struct child_watch *watch);

#endif
