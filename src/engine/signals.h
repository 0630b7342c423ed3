/* SPDX-License-Identifier: MIT */
/*
 * Signals. One handler for the whole process notes a signal in the mailbox of
 * every loop that watches it; each loop then calls its watch's function from a
 * turn of its own.
 *
 *     signal -> handler -> mailboxes -> (turn) -> watch->on_signal
 */
#ifndef ENGINE_SIGNALS_H
#define ENGINE_SIGNALS_H

#include "engine/loop.h"

struct signal_watch {
    struct asyncio_link link;    /* in the loop's signal_watches */
    int signo;
    /* A runner's own: only the first arrival is taken, the next has its
     * default action, so that a second Ctrl-C ends a program that is stuck;
     * and it gives way to any other watch of the loop. */
    bool is_once;
    /* Several such watches of one loop may have the same signal, and each is
     * told. Its function changes no watch. */
    bool is_shared;
    void (*on_signal)(struct signal_watch *watch);
    void (*release)(struct signal_watch *watch); /* at the loop's end, or
                                  * NULL */
};

/* -EEXIST: this loop watches it already. -EINVAL. -EMFILE: more than
 * SIGNALS_LOOPS_MAX loops watch signals. */
int signal_watch_start(struct asyncio_loop *loop, struct signal_watch *watch,
                       int signo);
/* The last watch of a signal restores what was there before the first. */
void signal_watch_stop(struct asyncio_loop *loop, struct signal_watch *watch);

/* Calls the watches of the signals in the set, bit signo-1. */
void signals_deliver(struct asyncio_loop *loop, uint64_t signals);

/* Stops every watch of a loop that is about to end. */
void signals_forget(struct asyncio_loop *loop);

/* Around a fork: nobody else changes the table meanwhile, and in the child all
 * is as before the first watch. */
void signals_before_fork(void);
void signals_after_fork_in_parent(void);
void signals_reset_after_fork(void);

/* Does the signal have its default action now? */
bool signal_is_default(int signo);

enum { SIGNALS_LOOPS_MAX = 64 };

#endif
