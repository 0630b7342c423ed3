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

/* So many tasks, with their frames, no longer fit in a cache of 2 MiB. A few
 * less end the crowd than begin it, so that it does not come and go. */
enum { CROWD_BEGINS = 4096, CROWD_ENDS = 2048 };

/* The tasks have become a crowd: counts those that are ready. */
void crowd_begin(struct asyncio_runner *runner) __attribute__((cold));

static inline void crowd_note(struct asyncio_runner *runner,
                              struct asyncio_tcb *task)
{
    /* With a shorter queue, not all of the last eight are still in it. */
    if (++runner->ready <= CROWD_AHEAD)
        runner->ready_noted = 0;
    struct asyncio_tcb **eight_before =
        &runner->last_ready[runner->ready_noted % CROWD_AHEAD];
    if (runner->ready_noted++ >= CROWD_AHEAD)
        (*eight_before)->ahead = task;
    *eight_before = task;
    task->ahead = NULL;
}

/* The control block, and the frames below it. */
static inline void crowd_fetch(struct asyncio_runner *runner,
                               const struct asyncio_tcb *task)
{
    const char *block = (const char *)task->ahead;
    for (int line = -3; block && line <= 3; line++)
        __builtin_prefetch(block + 64 * line);
    runner->ready--;
    runner->is_crowd = runner_alive(runner) > CROWD_ENDS;
}

/* A task joins the ready queue. */
static inline void runner_ready(struct asyncio_runner *runner,
                                struct asyncio_tcb *task)
{
    loop_ready(runner->loop, &task->work);
    if (unlikely(runner->is_crowd))
        crowd_note(runner, task);
}

/* A task was taken out. */
static inline void runner_took(struct asyncio_runner *runner,
                               const struct asyncio_tcb *task)
{
    if (unlikely(runner->is_crowd))
        crowd_fetch(runner, task);
}

/* The next task that is created makes a crowd of them. */
static inline bool crowd_is_due(const struct asyncio_runner *runner)
{
    return runner_alive(runner) >= CROWD_BEGINS && !runner->is_crowd;
}

#endif
