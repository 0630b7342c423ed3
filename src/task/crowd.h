/* SPDX-License-Identifier: MIT */
/*
 * A look ahead along the ready queue, for crowds.
 *
 * With a hundred thousand ready tasks nothing of the next one is in a cache,
 * not even the translation of its stack's address, and a linked list does not
 * tell who comes eight steps later in time to fetch it. So as long as the
 * queue is long, each task that joins it is noted in the one that joined
 * eight before it, and whoever is taken out fetches the one noted in it.
 *
 * Those eight are still in the queue, which is first in first out and longer
 * than that; a simulation, which shuffles it, does without.
 */
#ifndef TASK_CROWD_H
#define TASK_CROWD_H

#include "task/runner.h"

/* So many ready tasks, with their frames, no longer fit in a cache of 2 MiB. */
enum { CROWD_MIN = 4096 };

static inline void crowd_note(struct asyncio_runner *runner,
                              struct asyncio_tcb *task)
{
    struct asyncio_tcb **eight_before =
        &runner->last_ready[runner->ready_noted++ % CROWD_AHEAD];
    if (runner->ready == CROWD_MIN + 1 || runner->loop->is_virtual)
        runner->ready_noted = 0; /* the queue has been shorter meanwhile */
    else if (runner->ready_noted > CROWD_AHEAD)
        (*eight_before)->ahead = task;
    *eight_before = task;
}

/* The control block, and the frames below it. */
static inline void crowd_fetch(const struct asyncio_tcb *task)
{
    const char *block = (const char *)task->ahead;
    for (int line = -3; line <= 3; line++)
        __builtin_prefetch(block + 64 * line);
}

/* A task joins the ready queue. */
static inline void runner_ready(struct asyncio_runner *runner,
                                struct asyncio_tcb *task)
{
    loop_ready(runner->loop, &task->work);
    if (unlikely(++runner->ready > CROWD_MIN))
        crowd_note(runner, task);
}

/* A task was taken out. */
static inline void runner_took(struct asyncio_runner *runner,
                               const struct asyncio_tcb *task)
{
    if (unlikely(--runner->ready > CROWD_MIN))
        crowd_fetch(task);
}

#endif
