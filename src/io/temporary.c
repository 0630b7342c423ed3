/* SPDX-License-Identifier: MIT */
/* Files that take another's name; see temporary.h. */
#include "io/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sys/files.h"

/* Names tried before giving up: others may be left over from a crash. */
enum { NAME_TRIES = 1000 };

/* The length of what stands before the last component of `path`. */
static size_t directory_len(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* ---- making one ---- */

static int temporary_create(struct temporary *temporary, mode_t mode)
{
    static const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW;
    static _Atomic unsigned counter;
    size_t len = directory_len(temporary->path);
    size_t size = len + 64;
    int fd = -EEXIST;
    temporary->name = mem_alloc(size);
    if (!temporary->name)
        return -ENOMEM;
    memcpy(temporary->name, temporary->path, len);
    for (int i = 0; i < NAME_TRIES && fd == -EEXIST; i++) {
        snprintf(temporary->name + len, size - len, ".casyncio-%d-%u.tmp",
                 sys_process_id(), atomic_fetch_add(&counter, 1));
        fd = sys_open(temporary->name, flags, mode);
    }
    temporary->fd = fd;
    if (fd < 0)
        mem_free(temporary->name);
    return fd < 0 ? fd : 0;
}

/* 1: `path` is a file, with *ret_mode; 0: there is none; negative: neither a
 * file nor to be replaced by one. */
static int find_old(const char *path, mode_t *ret_mode)
{
    struct stat facts;
    int err = sys_lstat(path, &facts);
    if (err < 0)
        return err == -ENOENT ? 0 : err;
    if (S_ISDIR(facts.st_mode))
        return -EISDIR;
    *ret_mode = facts.st_mode & 07777;
    return S_ISREG(facts.st_mode);
}

int temporary_open(struct temporary *temporary, const char *path, mode_t mode,
                   unsigned flags)
{
    mode_t old_mode;
    int has_old = find_old(path, &old_mode);
    if (has_old < 0)
        return has_old;
    if (has_old && flags & ASYNCIO_REPLACE_NOTHING)
        return -EEXIST;
    *temporary = (struct temporary){.path = path, .flags = flags};
    int err = temporary_create(temporary, mode);
    if (err < 0 || !has_old)
        return err;
    err = sys_fchmod(temporary->fd, old_mode);
    if (err < 0)
        temporary_drop(temporary);
    return err;
}

/* ---- its end ---- */

static void temporary_close(struct temporary *temporary)
{
    sys_close(temporary->fd);
    mem_free(temporary->name);
}

void temporary_drop(struct temporary *temporary)
{
    (void)sys_unlink(temporary->name);
    temporary_close(temporary);
}

/* The directory is what holds the new name. */
static int sync_directory(struct temporary *temporary)
{
    size_t len = directory_len(temporary->name);
    char *path = temporary->name;
    if (len == 0)
        path[len++] = '.';
    path[len] = '\0';
    int fd = sys_open(path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return fd;
    int err = sys_fsync(fd, false);
    sys_close(fd);
    return err;
}

static int temporary_rename(struct temporary *temporary)
{
    unsigned flags = temporary->flags & ASYNCIO_REPLACE_NOTHING
                         ? RENAME_NOREPLACE
                         : 0;
    int err = 0;
    if (!(temporary->flags & ASYNCIO_REPLACE_UNSYNCED))
        err = sys_fsync(temporary->fd, false);
    if (err < 0)
        return err;
    return sys_rename(temporary->name, temporary->path, flags);
}

int temporary_finish(struct temporary *temporary)
{
    int err = temporary_rename(temporary);
    if (err < 0) {
        temporary_drop(temporary);
        return err;
    }
    if (temporary->flags & ASYNCIO_REPLACE_DURABLE)
        err = sync_directory(temporary);
    temporary_close(temporary);
    return err;
}
