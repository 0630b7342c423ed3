/* SPDX-License-Identifier: MIT */
/*
 * An open file's insides.
 *
 *    a call on the file:  file_begin ... file_end
 *    close:  no call is under way: at once. Else the last one's file_end
 *            closes it, so that no descriptor is closed under a thread or
 *            under an operation that the ring has not yet seen.
 */
#ifndef IO_FILE_H
#define IO_FILE_H

#include <asyncio/file.h>
#include <errno.h>

#include "task/park.h"

struct asyncio_file {
    int fd;
    unsigned users;              /* calls under way */
    uint32_t loop_id;            /* the number of the runner whose it is */
    int64_t position;            /* is_seekable */
    bool is_seekable;            /* else reads and writes are a pipe's */
    bool is_append;
    bool can_write;
    bool reads_nowait;           /* the page cache can be asked: file_rw.c */
    bool writes_nowait;
    bool is_moving;              /* somebody reads or writes at the position */
    bool is_closed;              /* while somebody still uses it */
    int flags;                   /* to open it with, for the thread */
    mode_t mode;
    char path[];
};

/*
 * The entry of every call on a file, and its end. In between the file stays,
 * even if another task closes it. -EPERM: no task; -EXDEV; -EBADF: closed.
 */
static inline int file_begin(asyncio_file *file)
{
    if (unlikely(!task_current()))
        return -EPERM;
    if (unlikely(file->loop_id != runner_current->id))
        return -EXDEV;
    if (unlikely(file->is_closed))
        return -EBADF;
    file->users++;
    return 0;
}

/* Closes it for good, on whatever thread. */
void file_free(asyncio_file *file);

static inline void file_end(asyncio_file *file)
{
    if (unlikely(--file->users == 0 && file->is_closed))
        file_free(file);
}

/* As asyncio_file_pread, of a file that the caller has begun with: some bytes,
 * 0 at the end, or negative. */
ssize_t file_read_some(asyncio_file *file, void *buf, size_t len,
                       int64_t offset);

/* Would a read from `offset` on find its first byte in the page cache? */
bool file_is_cached(asyncio_file *file, int64_t offset);

#endif
