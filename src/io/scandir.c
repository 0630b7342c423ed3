/* SPDX-License-Identifier: MIT */
/*
 * Reading directories: a thread fills a block with many entries, from which
 * they are handed out. The first block comes with the opening, so that a small
 * directory costs one way to a thread and one more to see its end.
 */
#include <asyncio/path.h>

#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <string.h>

#include "base/mem.h"
#include "io/file_job.h"
#include "sys/files.h"
#include "task/park.h"

enum { ENTRIES_SIZE = 32 * 1024 };

struct asyncio_scandir {
    int fd;
    uint32_t loop_id;            /* the number of the runner whose it is */
    size_t at, end;              /* entries not yet handed out, in bytes */
    bool is_at_end;
    bool is_busy;
    bool is_closed;              /* while somebody uses it */
    alignas(8) char entries[ENTRIES_SIZE];
    char path[];
};

static void scandir_free(void *arg)
{
    asyncio_scandir *scan = arg;
    if (scan->fd >= 0)
        sys_close(scan->fd);
    mem_free(scan);
}

/* ---- on a thread ---- */

static int fill_run(void *arg)
{
    asyncio_scandir *scan = arg;
    ssize_t len = sys_read_entries(scan->fd, scan->entries, ENTRIES_SIZE);
    if (len < 0)
        return (int)len;
    scan->at = 0;
    scan->end = (size_t)len;
    scan->is_at_end = len == 0;
    return 0;
}

static int open_run(void *arg)
{
    asyncio_scandir *scan = arg;
    scan->fd = sys_open(scan->path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0);
    return scan->fd < 0 ? scan->fd : fill_run(scan);
}

/* Only file systems that keep no types ask for this. */
struct type_question {
    int fd;
    const char *name;
    unsigned char type;
};

static int type_run(void *arg)
{
    struct type_question *question = arg;
    question->type = sys_type_of_entry(question->fd, question->name);
    return 0;
}

/* ---- in a task ---- */

int asyncio_scandir_open(const char *path, asyncio_scandir **ret_scan)
{
    size_t size = strlen(path) + 1;
    asyncio_scandir *scan = mem_alloc(sizeof *scan + size);
    if (!scan)
        return -ENOMEM;
    memset(scan, 0, offsetof(struct asyncio_scandir, entries));
    memcpy(scan->path, path, size);
    scan->fd = -1;
    scan->loop_id = runner_current ? runner_current->id : 0;
    int err = file_job_abandonable(open_run, scan, scandir_free);
    if (err == -ECANCELED)
        return err;              /* it has been discarded */
    if (err < 0)
        scandir_free(scan);
    else
        *ret_scan = scan;
    return err;
}

static bool entry_is_dots(const char *name)
{
    return name[0] == '.' &&
           (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/* Takes the next entry of the block that is wanted: 1, else 0. */
static int entry_take(asyncio_scandir *scan, struct sys_entry *ret_entry)
{
    while (scan->at < scan->end) {
        scan->at += sys_entry_at(scan->entries + scan->at, ret_entry);
        if (!entry_is_dots(ret_entry->name))
            return 1;
    }
    return 0;
}

/* Cancelled here, the entry is handed out all the same: its type is what
 * could not be found out. */
static unsigned char entry_type(asyncio_scandir *scan,
                                const struct sys_entry *entry)
{
    struct type_question question = {scan->fd, entry->name, entry->type};
    if (entry->type == DT_UNKNOWN)
        (void)file_job(type_run, &question);
    return question.type;
}

static int scandir_next(asyncio_scandir *scan,
                        struct asyncio_dirent *ret_entry)
{
    struct sys_entry entry;
    int err = task_checkpoint(task_current());
    if (err < 0)
        return err;
    while (!entry_take(scan, &entry)) {
        if (scan->is_at_end)
            return 0;
        err = file_job(fill_run, scan);
        if (err < 0)
            return err;
    }
    *ret_entry = (struct asyncio_dirent){
        .name = entry.name,
        .inode = entry.inode,
        .type = entry_type(scan, &entry),
    };
    return 1;
}

int asyncio_scandir_next(asyncio_scandir *scan,
                         struct asyncio_dirent *ret_entry)
{
    if (!task_current())
        return -EPERM;
    if (scan->loop_id != runner_current->id)
        return -EXDEV;
    if (scan->is_busy)
        return -EBUSY;
    scan->is_busy = true;
    int result = scandir_next(scan, ret_entry);
    scan->is_busy = false;
    if (!scan->is_closed)
        return result;
    scandir_free(scan);
    return -EBADF;
}

void asyncio_scandir_close(asyncio_scandir *take_scan)
{
    if (!take_scan)
        return;
    take_scan->is_closed = true;
    if (!take_scan->is_busy)
        scandir_free(take_scan);
}
