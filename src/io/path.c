/* SPDX-License-Identifier: MIT */
/* Files by name; see asyncio/path.h. */
#include <asyncio/path.h>

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "io/file_job.h"
#include "sys/files.h"

/* ---- questions: a block that may be left behind ---- */

struct question {
    struct stat facts;           /* the answer, or */
    char target[PATH_MAX];       /* that; a link's is shorter */
    char path[];
};

static int stat_run(void *arg)
{
    struct question *question = arg;
    return sys_stat(question->path, &question->facts);
}

static int lstat_run(void *arg)
{
    struct question *question = arg;
    return sys_lstat(question->path, &question->facts);
}

static int readlink_run(void *arg)
{
    struct question *question = arg;
    return (int)sys_readlink(question->path, question->target,
                             sizeof question->target);
}

/* Asks, and hands the block with the answer to the caller: >= 0. */
static int ask(const char *path, asyncio_fn *fn, struct question **ret_question)
{
    size_t size = strlen(path) + 1;
    struct question *question = mem_alloc(sizeof *question + size);
    if (!question)
        return -ENOMEM;
    memcpy(question->path, path, size);
    int result = file_job_abandonable(fn, question, mem_free);
    if (result == -ECANCELED)
        return result;           /* the block has been discarded */
    if (result < 0)
        mem_free(question);
    else
        *ret_question = question;
    return result;
}

static int ask_for_facts(const char *path, asyncio_fn *fn,
                         struct stat *ret_facts)
{
    struct question *question;
    int err = ask(path, fn, &question);
    if (err < 0)
        return err;
    *ret_facts = question->facts;
    mem_free(question);
    return 0;
}

int asyncio_stat(const char *path, struct stat *ret_facts)
{
    return ask_for_facts(path, stat_run, ret_facts);
}

int asyncio_lstat(const char *path, struct stat *ret_facts)
{
    return ask_for_facts(path, lstat_run, ret_facts);
}

ssize_t asyncio_readlink(const char *path, char *ret_target, size_t size)
{
    struct question *question;
    int len = ask(path, readlink_run, &question);
    if (len < 0)
        return len;
    bool fits = (size_t)len < size;
    if (fits) {
        memcpy(ret_target, question->target, (size_t)len);
        ret_target[len] = '\0';
    }
    mem_free(question);
    return fits ? len : -ENAMETOOLONG;
}

/* ---- changes: lent names ---- */

struct change {
    const char *path;
    const char *other;           /* the new name, where there are two */
    mode_t mode;
};

static int rename_run(void *arg)
{
    struct change *change = arg;
    return sys_rename(change->path, change->other, 0);
}

static int link_run(void *arg)
{
    struct change *change = arg;
    return sys_link(change->path, change->other);
}

static int symlink_run(void *arg)
{
    struct change *change = arg;
    return sys_symlink(change->path, change->other);
}

static int unlink_run(void *arg)
{
    struct change *change = arg;
    return sys_unlink(change->path);
}

static int mkdir_run(void *arg)
{
    struct change *change = arg;
    return sys_mkdir(change->path, change->mode);
}

static int rmdir_run(void *arg)
{
    struct change *change = arg;
    return sys_rmdir(change->path);
}

int asyncio_rename(const char *from, const char *to)
{
    return file_job(rename_run, &(struct change){.path = from, .other = to});
}

int asyncio_link(const char *from, const char *to)
{
    return file_job(link_run, &(struct change){.path = from, .other = to});
}

int asyncio_symlink(const char *target, const char *path)
{
    return file_job(symlink_run,
                    &(struct change){.path = target, .other = path});
}

int asyncio_unlink(const char *path)
{
    return file_job(unlink_run, &(struct change){.path = path});
}

int asyncio_mkdir(const char *path, mode_t mode)
{
    return file_job(mkdir_run, &(struct change){.path = path, .mode = mode});
}

int asyncio_rmdir(const char *path)
{
    return file_job(rmdir_run, &(struct change){.path = path});
}
