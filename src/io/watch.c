/* SPDX-License-Identifier: MIT */
/*
 * Watching files: an inotify descriptor read as the stream that it is. The
 * kernel hands out whole events only, as many as fit; they are kept here and
 * handed on one by one, each with a buffer's worth of space for its name.
 */
#include <asyncio/stream.h>
#include <asyncio/watch.h>

#include <errno.h>
#include <limits.h>
#include <stdalign.h>
#include <string.h>

#include "base/mem.h"
#include "io/file_job.h"
#include "io/stream.h"
#include "sys/files.h"

/* At least one event of the longest name; many of the usual ones. */
enum { EVENTS_SIZE = 4096 };

_Static_assert(EVENTS_SIZE >= sizeof(struct inotify_event) + NAME_MAX + 1,
               "a read of less than an event fails");

struct asyncio_watch {
    asyncio_stream *stream;      /* NULL: closed while somebody uses it */
    size_t at, end;              /* events not yet handed out, in bytes */
    unsigned users;              /* calls under way */
    bool is_waiting;             /* somebody waits for the next event */
    alignas(struct inotify_event) char events[EVENTS_SIZE];
};

int asyncio_watch_open(asyncio_watch **ret_watch)
{
    if (!loop_current)
        return -EPERM;
    if (loop_current->is_virtual)
        return -ENOTSUP;
    asyncio_watch *watch = mem_zalloc(sizeof *watch);
    if (!watch)
        return -ENOMEM;
    int err = sys_inotify_open();
    if (err < 0)
        goto err_free;
    int fd = err;
    err = stream_new(fd, false, 0, &watch->stream);
    if (err < 0)
        goto err_close;
    *ret_watch = watch;
    return 0;

err_close:
    sys_close(fd);
err_free:
    mem_free(watch);
    return err;
}

/* ---- what is watched ---- */

static void watch_end(asyncio_watch *watch)
{
    if (--watch->users == 0 && !watch->stream)
        mem_free(watch);
}

/* A thread adds by a descriptor of its own: the watch may be closed meanwhile,
 * and its number be somebody else's. */
struct addition {
    int fd;
    const char *path;
    uint32_t mask;
};

static int add_run(void *arg)
{
    struct addition *addition = arg;
    return sys_inotify_add(addition->fd, addition->path, addition->mask);
}

int asyncio_watch_add(asyncio_watch *watch, const char *path, uint32_t mask)
{
    if (!task_current())
        return -EPERM;
    if (!watch->stream)
        return -EBADF;
    if (!stream_is_here(watch->stream))
        return -EXDEV;
    struct addition addition = {
        .fd = sys_duplicate(watch->stream->source->fd),
        .path = path,
        .mask = mask,
    };
    if (addition.fd < 0)
        return addition.fd;
    watch->users++;
    int id = file_job(add_run, &addition);
    sys_close(addition.fd);
    if (!watch->stream)
        id = -EBADF;
    watch_end(watch);
    return id;
}

int asyncio_watch_remove(asyncio_watch *watch, int id)
{
    if (!watch->stream)
        return -EBADF;
    return sys_inotify_remove(watch->stream->source->fd, id);
}

/* ---- events ---- */

static int watch_fill(asyncio_watch *watch)
{
    ssize_t len = asyncio_stream_read(watch->stream, watch->events,
                                      sizeof watch->events);
    if (len < 0)
        return (int)len;
    watch->at = 0;
    watch->end = (size_t)len;
    return 0;
}

static int watch_take(asyncio_watch *watch,
                      struct asyncio_watch_event *ret_event)
{
    const struct inotify_event *event =
        (const void *)(watch->events + watch->at);
    watch->at += sizeof *event + event->len;
    if (event->mask & IN_Q_OVERFLOW)
        return -EOVERFLOW;
    *ret_event = (struct asyncio_watch_event){
        .id = event->wd,
        .mask = event->mask,
        .cookie = event->cookie,
        .name = event->len ? event->name : "",
    };
    return 0;
}

static int watch_next(asyncio_watch *watch,
                      struct asyncio_watch_event *ret_event)
{
    int err = watch->at < watch->end ? task_checkpoint(task_current())
                                     : watch_fill(watch);
    return err < 0 ? err : watch_take(watch, ret_event);
}

int asyncio_watch_next(asyncio_watch *watch,
                       struct asyncio_watch_event *ret_event)
{
    if (!task_current())
        return -EPERM;
    if (!watch->stream)
        return -EBADF;
    if (!stream_is_here(watch->stream))
        return -EXDEV;
    if (watch->is_waiting)
        return -EBUSY;
    watch->users++;
    watch->is_waiting = true;
    int err = watch_next(watch, ret_event);
    watch->is_waiting = false;
    if (!watch->stream)
        err = -EBADF;
    watch_end(watch);
    return err;
}

void asyncio_watch_close(asyncio_watch *take_watch)
{
    if (!take_watch)
        return;
    asyncio_stream *stream = take_watch->stream;
    take_watch->stream = NULL;
    asyncio_stream_close(stream);
    if (take_watch->users == 0)
        mem_free(take_watch);
}
