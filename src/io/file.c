/* SPDX-License-Identifier: MIT */
/* Open files: their life, their position, and what concerns them as a whole.
 * Bytes are moved in file_rw.c. */
#include "io/file.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "io/file_job.h"
#include "sys/files.h"

/* ---- opening ---- */

static asyncio_file *file_new(const char *path)
{
    size_t size = strlen(path) + 1;
    asyncio_file *file = mem_zalloc(sizeof *file + size);
    if (!file)
        return NULL;
    file->fd = -1;
    file->loop_id = runner_current ? runner_current->id : 0;
    memcpy(file->path, path, size);
    return file;
}

void file_free(asyncio_file *file)
{
    if (file->fd >= 0)
        sys_close(file->fd);
    mem_free(file);
}

static bool mode_is_seekable(mode_t mode)
{
    return S_ISREG(mode) || S_ISBLK(mode) || S_ISCHR(mode) || S_ISDIR(mode);
}

/* An event counter answers lseek, too: only what is a file can be asked. */
static int file_find_position(asyncio_file *file)
{
    struct stat facts;
    int err = sys_fstat(file->fd, &facts);
    if (err < 0 || !mode_is_seekable(facts.st_mode))
        return err;
    int64_t position = sys_lseek(file->fd, 0, SEEK_CUR);
    if (position < 0)
        return position == -ESPIPE ? 0 : (int)position;
    file->is_seekable = true;
    file->position = position;
    return sys_set_blocking(file->fd);
}

/* What the calls on it want to know. */
static int file_learn(asyncio_file *file)
{
    int flags = sys_file_flags(file->fd);
    if (flags < 0)
        return flags;
    bool is_direct = flags & O_DIRECT;
    file->is_append = flags & O_APPEND;
    file->can_write = (flags & O_ACCMODE) != O_RDONLY;
    file->reads_nowait = !is_direct;
    file->writes_nowait = !is_direct;
    return file_find_position(file);
}

static int open_run(void *arg)
{
    asyncio_file *file = arg;
    file->fd = sys_open(file->path, file->flags, file->mode);
    return file->fd < 0 ? file->fd : file_learn(file);
}

/* On a thread, long after who wanted it has gone. */
static void open_discard(void *arg)
{
    file_free(arg);
}

int asyncio_file_open(const char *path, int flags, mode_t mode,
                      asyncio_file **ret_file)
{
    asyncio_file *file = file_new(path);
    if (!file)
        return -ENOMEM;
    file->flags = flags;
    file->mode = mode;
    int err = file_job_abandonable(open_run, file, open_discard);
    if (err == -ECANCELED)
        return err;              /* the file has been discarded */
    if (err < 0)
        file_free(file);
    else
        *ret_file = file;
    return err;
}

int asyncio_file_from_fd(int take_fd, asyncio_file **ret_file)
{
    if (!runner_current)
        return -EPERM;
    if (runner_current->loop->is_virtual)
        return -ENOTSUP;
    asyncio_file *file = file_new("");
    if (!file)
        return -ENOMEM;
    file->fd = take_fd;
    int err = file_learn(file);
    if (err < 0)
        mem_free(file);
    else
        *ret_file = file;
    return err;
}

int asyncio_file_fd(const asyncio_file *file)
{
    return file->fd;
}

/* ---- closing ---- */

static int close_run(void *arg)
{
    asyncio_file *file = arg;
    int fd = file->fd;
    file->fd = -1;
    return sys_close_file(fd);
}

static int file_close_on_thread(asyncio_file *file)
{
    int err = file_job_abandonable(close_run, file, open_discard);
    if (err == -ECANCELED)
        return err;              /* the file has been discarded */
    if (file->fd >= 0)
        err = 0;                 /* no thread was to be had: then here */
    file_free(file);
    return err;
}

int asyncio_file_close(asyncio_file *take_file)
{
    asyncio_file *file = take_file;
    if (!file)
        return 0;
    if (runner_current && file->loop_id != runner_current->id)
        return -EXDEV;
    file->is_closed = true;
    if (file->users > 0)
        return 0;
    if (file->can_write && task_current())
        return file_close_on_thread(file);
    file_free(file);
    return 0;
}

/* ---- the position ---- */

struct seek {
    int fd, whence;
    int64_t offset;              /* in and out */
};

static int seek_run(void *arg)
{
    struct seek *seek = arg;
    int64_t position = sys_lseek(seek->fd, seek->offset, seek->whence);
    if (position < 0)
        return (int)position;
    seek->offset = position;
    return 0;
}

static int64_t file_seek(asyncio_file *file, int64_t offset, int whence)
{
    struct seek seek = {file->fd, whence, offset};
    if (whence == SEEK_CUR &&
        __builtin_add_overflow(file->position, offset, &seek.offset))
        return -EOVERFLOW;
    if (whence != SEEK_SET && whence != SEEK_CUR) {
        int err = file_job(seek_run, &seek);
        if (err < 0)
            return err;
    }
    if (seek.offset < 0)
        return -EINVAL;
    file->position = seek.offset;
    return seek.offset;
}

int64_t asyncio_file_seek(asyncio_file *file, int64_t offset, int whence)
{
    if (!file->is_seekable)
        return -ESPIPE;
    int64_t position = file_begin(file);
    if (position < 0)
        return position;
    if (file->is_moving) {
        position = -EBUSY;
    } else {
        file->is_moving = true;
        position = file_seek(file, offset, whence);
        file->is_moving = false;
    }
    file_end(file);
    return position;
}

int64_t asyncio_file_tell(const asyncio_file *file)
{
    return file->is_seekable ? file->position : -ESPIPE;
}

/* ---- the file as a whole ---- */

/* What a thread is asked about a file; lent by the call that waits. */
struct whole {
    int fd;
    int how;                     /* mode of allocate; advice */
    int64_t offset, len;         /* len: size of truncate */
    struct stat *ret_facts;
};

static int truncate_run(void *arg)
{
    struct whole *whole = arg;
    return sys_ftruncate(whole->fd, whole->len);
}

static int advise_run(void *arg)
{
    struct whole *whole = arg;
    return sys_fadvise(whole->fd, whole->offset, whole->len, whole->how);
}

static int allocate_run(void *arg)
{
    struct whole *whole = arg;
    return sys_fallocate(whole->fd, whole->how, whole->offset, whole->len);
}

static int stat_run(void *arg)
{
    struct whole *whole = arg;
    return sys_fstat(whole->fd, whole->ret_facts);
}

static int whole_call(asyncio_file *file, asyncio_fn *fn, struct whole whole)
{
    int err = file_begin(file);
    if (err < 0)
        return err;
    whole.fd = file->fd;
    err = file_job(fn, &whole);
    file_end(file);
    return err;
}

int asyncio_file_truncate(asyncio_file *file, int64_t size)
{
    return whole_call(file, truncate_run, (struct whole){.len = size});
}

int asyncio_file_advise(asyncio_file *file, int64_t offset, int64_t len,
                        int advice)
{
    return whole_call(
        file, advise_run,
        (struct whole){.how = advice, .offset = offset, .len = len});
}

int asyncio_file_allocate(asyncio_file *file, int mode, int64_t offset,
                          int64_t len)
{
    return whole_call(
        file, allocate_run,
        (struct whole){.how = mode, .offset = offset, .len = len});
}

int asyncio_file_stat(asyncio_file *file, struct stat *ret_facts)
{
    return whole_call(file, stat_run, (struct whole){.ret_facts = ret_facts});
}

static int file_sync(asyncio_file *file, bool is_data_only)
{
    int err = file_begin(file);
    if (err < 0)
        return err;
    struct task_op op = {
        .op = {.kind = OP_FSYNC, .fd = file->fd, .sync = {is_data_only}},
    };
    err = (int)task_run_op(task_current(), &op, WAIT_FD);
    file_end(file);
    return err;
}

int asyncio_file_fsync(asyncio_file *file)
{
    return file_sync(file, false);
}

int asyncio_file_fdatasync(asyncio_file *file)
{
    return file_sync(file, true);
}
