/* SPDX-License-Identifier: MIT */
/*
 * A call that the library does not have, made as the library would: at once
 * where the kernel promises not to wait (RESOLVE_CACHED), else by a thread.
 */
#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_now(int folder_fd, const char *path, uint64_t more_rules)
{
    const struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK, /* a FIFO shall not wait */
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | more_rules,
    };
    long fd = syscall(SYS_openat2, folder_fd, path, &how, sizeof how);
    return fd < 0 ? -errno : (int)fd;
}

/* On the heap, with all that the thread needs, for it may be left behind. */
struct opening {
    int folder_fd;
    int fd;
    char path[];
};

static int opening_run(void *arg)
{
    struct opening *opening = arg;
    opening->fd = open_now(opening->folder_fd, opening->path, 0);
    return 0;
}

static void opening_discard(void *arg)
{
    struct opening *opening = arg;
    if (opening->fd >= 0)
        close(opening->fd);
    if (opening->folder_fd >= 0)
        close(opening->folder_fd);
    free(opening);
}

static int open_in_thread(int folder_fd, const char *path)
{
    size_t size = strlen(path) + 1;
    struct opening *opening = malloc(sizeof *opening + size);
    if (!opening)
        return -ENOMEM;
    memcpy(opening->path, path, size);
    opening->fd = -1;
    /* One of its own: the folder may be closed before the thread is done. */
    opening->folder_fd = fcntl(folder_fd, F_DUPFD_CLOEXEC, 0);
    int err = asyncio_to_thread_abandonable(opening_run, opening,
                                            opening_discard);
    if (err == -ECANCELED)
        return err;
    int fd = err < 0 ? err : opening->fd;
    opening->fd = -1;
    opening_discard(opening);
    return fd;
}

int open_beneath(int folder_fd, const char *path, asyncio_file **ret_file)
{
    int fd = open_now(folder_fd, path, RESOLVE_CACHED);
    if (fd == -EAGAIN || fd == -EINVAL) /* EINVAL: before Linux 5.12 */
        fd = open_in_thread(folder_fd, path);
    if (fd < 0)
        return fd;
    int err = asyncio_file_from_fd(fd, ret_file);
    if (err < 0)
        close(fd);
    return err;
}
