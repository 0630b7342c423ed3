/* SPDX-License-Identifier: MIT */
/*
 * Blocking functions of files, on the files' pool: three answers to a cancel.
 *
 *   file_job             must finish, once a thread has begun it
 *   file_job_abandonable is left behind with its block of memory
 *   file_job_stoppable   looks at a flag now and then, and ends early
 *
 * All of them: -EPERM outside of a task; -ENOTSUP in a simulation, which has no
 * files; -ECANCELED before a thread has begun.
 */
#ifndef IO_FILE_JOB_H
#define IO_FILE_JOB_H

#include <asyncio/task.h>
#include <stdatomic.h>

/* May files be worked with here? 0, -EPERM or -ENOTSUP. */
int file_job_check(void);

/* `arg` is lent until it returns. */
int file_job(asyncio_fn *fn, void *arg);

/* `arg` is a block on the heap. -ECANCELED: it has been or will be discarded;
 * else it is still the caller's. */
int file_job_abandonable(asyncio_fn *fn, void *arg,
                         void (*discard)(void *arg));

/* `arg` is lent; when the caller is cancelled, *stop becomes true, and fn
 * should return -ECANCELED soon. */
int file_job_stoppable(asyncio_fn *fn, void *arg, atomic_bool *stop);

#endif
