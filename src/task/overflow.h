/* SPDX-License-Identifier: MIT */
/*
 * Running off a stack is named: the guard's SIGSEGV prints the task and its
 * stack size, then kills as it would have.
 *
 * Only where SIGSEGV has its default action: sanitizers and programs with
 * handlers of their own keep them.
 */
#ifndef TASK_OVERFLOW_H
#define TASK_OVERFLOW_H

struct overflow_watch;

/* Gives the calling thread an alternate signal stack, if it has none, and
 * installs the handler for the process. NULL: not needed, or no memory. */
struct overflow_watch *overflow_watch_start(void);

/* On the thread that started it. NULL is fine. */
void overflow_watch_stop(struct overflow_watch *watch);

/* Around a fork: nobody else counts watches meanwhile, and the child, where
 * the other threads are gone, begins anew. */
void overflow_before_fork(void);
void overflow_after_fork_in_parent(void);
void overflow_reset_after_fork(void);

#endif
