/* SPDX-License-Identifier: MIT */
/*
 * A file that is written beside another and then takes its name:
 *
 *    temporary_open -> write to its fd -> temporary_finish: it is the file
 *                                     \-> temporary_drop: there was nothing
 *
 * All of it blocks: for threads of the pool.
 */
#ifndef IO_TEMPORARY_H
#define IO_TEMPORARY_H

#include <asyncio/path.h>

#include "base/base.h"

struct temporary {
    const char *path;            /* that it is to replace; borrowed */
    char *name;                  /* that it has until then */
    int fd;
    unsigned flags;              /* of enum asyncio_replace_flags */
};

/*
 * Makes an empty file in the directory of `path`, with the mode of that or,
 * where there is none, `mode` but for the umask. -EEXIST: there is one, and
 * the flags say that there must not be. Leaves nothing behind on failure.
 */
int temporary_open(struct temporary *temporary, const char *path, mode_t mode,
                   unsigned flags);

/* Gives it the name, syncs as the flags say, and closes it; on failure too,
 * and then it is dropped, unless it was already renamed. */
int temporary_finish(struct temporary *temporary);

/* Closes and removes it. */
void temporary_drop(struct temporary *temporary);

#endif
