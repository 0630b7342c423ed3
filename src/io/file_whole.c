/* SPDX-License-Identifier: MIT */
/*
 * Files as a whole: read, replaced, copied, each in one visit to a thread.
 * Whatever lends memory looks between its steps whether it is to stop; what
 * does not is simply left behind.
 */
#include <asyncio/path.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/mem.h"
#include "io/file_job.h"
#include "io/temporary.h"
#include "sys/files.h"

enum {
    STEP = 1 << 20,              /* between two looks at `stop` */
    COPY_STEP = 8 << 20,         /* of what the kernel copies by itself */
    COPY_BLOCK = 128 * 1024,
    FIRST_BLOCK = 16 * 1024,     /* for a file that tells no size (/proc) */
};

static bool is_stopped(atomic_bool *stop)
{
    return stop && atomic_load_explicit(stop, memory_order_relaxed);
}

/* Reads until `buf` is full or the file ends; how much. */
static ssize_t read_full(int fd, char *buf, size_t size, atomic_bool *stop)
{
    size_t len = 0;
    while (len < size) {
        if (is_stopped(stop))
            return -ECANCELED;
        size_t step = size - len < STEP ? size - len : STEP;
        ssize_t got = sys_read(fd, buf + len, step);
        if (got < 0)
            return got;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    return (ssize_t)len;
}

static int write_full(int fd, const char *buf, size_t len, atomic_bool *stop)
{
    while (len > 0) {
        if (is_stopped(stop))
            return -ECANCELED;
        ssize_t done = sys_write(fd, buf, len < STEP ? len : STEP);
        if (done <= 0)
            return done < 0 ? (int)done : -EIO;
        buf += done;
        len -= (size_t)done;
    }
    return 0;
}

/* ---- read, into a block of its own ---- */

struct reading {
    size_t limit;
    char *bytes;
    size_t len;
    char path[];
};

static void reading_free(void *arg)
{
    struct reading *reading = arg;
    mem_free(reading->bytes);
    mem_free(reading);
}

/* Room for one byte more than is expected, which tells the end. */
static size_t first_capacity(int fd, size_t limit)
{
    struct stat facts;
    size_t size = 0;
    if (sys_fstat(fd, &facts) == 0 && facts.st_size > 0)
        size = (size_t)facts.st_size;
    if (size < FIRST_BLOCK)
        size = FIRST_BLOCK;
    return (size < limit ? size : limit) + 1;
}

static int reading_grow(struct reading *reading, size_t *capacity)
{
    size_t wanted = *capacity > reading->limit / 2 ? reading->limit + 1
                                                   : *capacity * 2;
    char *bytes = mem_realloc(reading->bytes, wanted);
    if (!bytes)
        return -ENOMEM;
    reading->bytes = bytes;
    *capacity = wanted;
    return 0;
}

/* `len` below capacity: then it has ended, and there is room for a NUL. */
static int reading_fill(struct reading *reading, int fd)
{
    size_t capacity = first_capacity(fd, reading->limit);
    reading->bytes = mem_alloc(capacity);
    if (!reading->bytes)
        return -ENOMEM;
    for (;;) {
        ssize_t got = read_full(fd, reading->bytes + reading->len,
                                capacity - reading->len, NULL);
        if (got < 0)
            return (int)got;
        reading->len += (size_t)got;
        if (reading->len < capacity)
            break;
        if (reading->len > reading->limit)
            return -EFBIG;
        int err = reading_grow(reading, &capacity);
        if (err < 0)
            return err;
    }
    reading->bytes[reading->len] = '\0';
    return 0;
}

static int reading_run(void *arg)
{
    struct reading *reading = arg;
    int fd = sys_open(reading->path, O_RDONLY, 0);
    if (fd < 0)
        return fd;
    int err = reading_fill(reading, fd);
    sys_close(fd);
    return err;
}

int asyncio_read_file(const char *path, size_t limit, void **ret_bytes,
                      size_t *ret_len)
{
    size_t size = strlen(path) + 1;
    struct reading *reading = mem_zalloc(sizeof *reading + size);
    if (!reading)
        return -ENOMEM;
    memcpy(reading->path, path, size);
    reading->limit = limit && limit < SIZE_MAX / 4 ? limit : SIZE_MAX / 4;
    int err = file_job_abandonable(reading_run, reading, reading_free);
    if (err == -ECANCELED)
        return err;              /* the block has been discarded */
    if (err == 0) {
        *ret_bytes = reading->bytes;
        *ret_len = reading->len;
        reading->bytes = NULL;
    }
    reading_free(reading);
    return err;
}

void asyncio_read_file_free(void *take_bytes)
{
    mem_free(take_bytes);
}

/* ---- read, into the caller's memory ---- */

struct filling {
    const char *path;
    char *buf;
    size_t size;
    size_t len;
    atomic_bool stop;
};

/* One byte more than there is room for would be too much. */
static int filling_run_fd(struct filling *filling, int fd)
{
    char more;
    ssize_t got = read_full(fd, filling->buf, filling->size, &filling->stop);
    if (got < 0)
        return (int)got;
    filling->len = (size_t)got;
    if (filling->len < filling->size)
        return 0;
    got = sys_read(fd, &more, 1);
    if (got < 0)
        return (int)got;
    return got == 0 ? 0 : -EFBIG;
}

static int filling_run(void *arg)
{
    struct filling *filling = arg;
    int fd = sys_open(filling->path, O_RDONLY, 0);
    if (fd < 0)
        return fd;
    int err = filling_run_fd(filling, fd);
    sys_close(fd);
    return err;
}

ssize_t asyncio_read_file_into(const char *path, void *buf, size_t size)
{
    struct filling filling = {.path = path, .buf = buf, .size = size};
    int err = file_job_stoppable(filling_run, &filling, &filling.stop);
    return err < 0 ? err : (ssize_t)filling.len;
}

/* ---- replace ---- */

struct replacement {
    const char *path;
    const char *buf;
    size_t len;
    unsigned flags;
    atomic_bool stop;
};

static int replace_run(void *arg)
{
    struct replacement *replacement = arg;
    struct temporary temporary;
    int err = temporary_open(&temporary, replacement->path, 0666,
                             replacement->flags);
    if (err < 0)
        return err;
    err = write_full(temporary.fd, replacement->buf, replacement->len,
                     &replacement->stop);
    if (err == 0)
        return temporary_finish(&temporary);
    temporary_drop(&temporary);
    return err;
}

static bool flags_are_known(unsigned flags)
{
    return !(flags & ~(unsigned)(ASYNCIO_REPLACE_NOTHING |
                                 ASYNCIO_REPLACE_DURABLE |
                                 ASYNCIO_REPLACE_UNSYNCED));
}

int asyncio_replace_file(const char *path, const void *buf, size_t len,
                         unsigned flags)
{
    struct replacement replacement = {
        .path = path,
        .buf = buf,
        .len = len,
        .flags = flags,
    };
    if (!flags_are_known(flags))
        return -EINVAL;
    return file_job_stoppable(replace_run, &replacement, &replacement.stop);
}

/* ---- copy ---- */

struct copy {
    const char *from, *to;
    unsigned flags;
    atomic_bool stop;
};

/* Both descriptors at their positions. */
static int copy_by_hand(struct copy *copy, int fd, int from_fd)
{
    char *block = mem_alloc(COPY_BLOCK);
    int err = block ? 0 : -ENOMEM;
    while (err == 0) {
        ssize_t len = read_full(from_fd, block, COPY_BLOCK, &copy->stop);
        if (len <= 0) {
            err = (int)len;
            break;
        }
        err = write_full(fd, block, (size_t)len, &copy->stop);
    }
    mem_free(block);
    return err;
}

/* 0 at the end; also, at once, for a file that the kernel cannot copy by
 * itself and yet reads well (/proc), so the last word is the hand's. */
static int copy_in_kernel(struct copy *copy, int fd, int from_fd)
{
    ssize_t done;
    do {
        if (is_stopped(&copy->stop))
            return -ECANCELED;
        done = sys_copy_file_range(fd, from_fd, COPY_STEP);
    } while (done > 0);
    return (int)done;
}

/* The kernel says in many ways that it will not; what is really wrong, the
 * hand will find too. */
static int copy_bytes(struct copy *copy, int fd, int from_fd)
{
    if (sys_clone_file(fd, from_fd) == 0)
        return 0;
    int err = copy_in_kernel(copy, fd, from_fd);
    if (err == -ECANCELED || err == -ENOSPC || err == -EDQUOT || err == -EIO)
        return err;
    return copy_by_hand(copy, fd, from_fd);
}

static int copy_from_fd(struct copy *copy, int from_fd)
{
    struct stat facts;
    struct temporary temporary;
    int err = sys_fstat(from_fd, &facts);
    if (err == 0 && S_ISDIR(facts.st_mode))
        err = -EISDIR;
    if (err == 0)
        err = temporary_open(&temporary, copy->to, facts.st_mode & 0777,
                             copy->flags);
    if (err < 0)
        return err;
    err = copy_bytes(copy, temporary.fd, from_fd);
    if (err == 0)
        return temporary_finish(&temporary);
    temporary_drop(&temporary);
    return err;
}

static int copy_run(void *arg)
{
    struct copy *copy = arg;
    int fd = sys_open(copy->from, O_RDONLY, 0);
    if (fd < 0)
        return fd;
    int err = copy_from_fd(copy, fd);
    sys_close(fd);
    return err;
}

int asyncio_copy_file(const char *from, const char *to, unsigned flags)
{
    struct copy copy = {.from = from, .to = to, .flags = flags};
    if (!flags_are_known(flags))
        return -EINVAL;
    return file_job_stoppable(copy_run, &copy, &copy.stop);
}
