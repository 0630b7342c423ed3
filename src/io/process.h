/* SPDX-License-Identifier: MIT */
/*
 * A child process's insides.
 *
 *                    its pidfd is readable, and it is reaped
 *     process_start -> RUNNING -----------------------------> ENDED -> closed
 *                        |  close, or a cancel where that was asked for:
 *                        |  SIGTERM, a while, SIGKILL       ^
 *                        +----------------------------------+
 *
 * Nothing runs between the calls: the pidfd is a source of the loop, and
 * whoever waits stands in its line. The child is reaped by the first who finds
 * it ended; until then its number cannot become another process's.
 */
#ifndef IO_PROCESS_H
#define IO_PROCESS_H

#include <asyncio/process.h>

#include "backend/source.h"
#include "engine/loop.h"
#include "sys/spawn.h"

struct process_pipe {
    int number;                  /* in the child */
    asyncio_stream *stream;
};

struct asyncio_process {
    pid_t pid;
    unsigned loop_number;        /* whose it is */
    struct source *pidfd;        /* NULL: it was gone before it had one */
    bool has_ended;              /* and is reaped: */
    int end_err;                 /* 0, or why nobody knows how */
    int returncode;
    bool is_closed;
    unsigned users;              /* calls that are under way */
    bool kill_on_cancel;
    bool kill_group;
    double grace;                /* negative: none */
    size_t pipe_count;
    struct process_pipe pipes[]; /* room for all that were asked for */
};

/* ---- process_plan.c ---- */

enum { PROCESS_FDS_ALL = 3 + ASYNCIO_PROCESS_FDS_MAX };

/* What the child is to have, while it is being started. */
struct process_plan {
    struct sys_spawn spawn;
    struct sys_spawn_fd fds[PROCESS_FDS_ALL];
    int opened[PROCESS_FDS_ALL]; /* for the child alone, to be closed here */
    size_t opened_count;
};

/* Opens the descriptors that `options` speak of; our ends of pipes become
 * streams of the process. On failure those stay to be closed with it, and
 * process_plan_close is called in any case. */
int process_plan_open(struct process_plan *plan,
                      struct asyncio_process *process,
                      const struct asyncio_process_options *options);
void process_plan_close(struct process_plan *plan);

/* ---- process.c ---- */

/* Around what suspends: in between the process stays, even if closed. */
int process_enter(struct asyncio_process *process);
void process_leave(struct asyncio_process *process);

/* Waits until it has ended; as asyncio_process_wait. Entered. */
int process_await_end(struct asyncio_process *process);

/* What a wait that came to `err` comes to: with kill_on_cancel a cancelled one
 * ends the child first. Entered. */
int process_wait_result(struct asyncio_process *process, int err);

#endif
