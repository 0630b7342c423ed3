/* SPDX-License-Identifier: MIT */
/*
 * Watching files and directories: what inotify(7) tells, awaited.
 *
 *     asyncio_watch *watch;
 *     struct asyncio_watch_event event;
 *     int err = asyncio_watch_open(&watch);
 *     if (err == 0)
 *         err = asyncio_watch_add(watch, "inbox", IN_CLOSE_WRITE);
 *     while (err >= 0 && (err = asyncio_watch_next(watch, &event)) == 0)
 *         take(event.name);
 *     asyncio_watch_close(watch);
 */
#ifndef ASYNCIO_WATCH_H
#define ASYNCIO_WATCH_H

#include <sys/inotify.h>

#include <asyncio/base.h>
#include <asyncio/task.h>

ASYNCIO_BEGIN

typedef struct asyncio_watch asyncio_watch;

struct asyncio_watch_event {
    int id;                      /* that asyncio_watch_add returned */
    uint32_t mask;               /* IN_* of <sys/inotify.h> */
    uint32_t cookie;             /* the same in both halves of a renaming */
    const char *name;            /* of the entry, in a directory; else "". Until
                                  * the next call */
};

/* Makes a watch of nothing yet, which belongs to the loop that runs. Never
 * suspends. -EMFILE, -ENOMEM; -EPERM: no loop runs here; -ENOTSUP: in a
 * simulation. */
ASYNCIO_API int asyncio_watch_open(asyncio_watch **ret_watch);

/*
 * Watches `path` too, for what `mask` says (IN_*); returns a number for it. A
 * file that is watched already gets the new mask, and has the same number.
 * Suspends, and must finish once a thread has begun. Cancelled before:
 * -ECANCELED. -ENOENT, -EACCES; -ENOSPC: too many watches; -EBADF: closed by
 * another task meanwhile.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_watch_add(asyncio_watch *watch,
                                                   const char *path,
                                                   uint32_t mask);

/* Ends the watching of number `id`; IN_IGNORED is the last event of it. Never
 * suspends. -EINVAL: no such number. */
ASYNCIO_API int asyncio_watch_remove(asyncio_watch *watch, int id);

/*
 * Waits for the next event and writes *ret_event: 0. Suspends. Cancelled:
 * -ECANCELED, and none is lost. One task at a time: -EBUSY. -EOVERFLOW: so much
 * has happened that the kernel has dropped some; look for yourself, and call
 * again. -EBADF: closed by another task meanwhile; -EXDEV: another loop's.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_watch_next(asyncio_watch *watch, struct asyncio_watch_event *ret_event);

/* Ends all of it and frees it; a call of another task that is under way ends
 * with -EBADF. NULL is fine. Never suspends. */
ASYNCIO_API void asyncio_watch_close(asyncio_watch *take_watch);

ASYNCIO_END

#endif
