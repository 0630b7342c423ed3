/* SPDX-License-Identifier: MIT */
/*
 * Shows what is added to files, as `tail -n 0 -F` does: also when a file is cut
 * and begun anew, or renamed while another one takes its name.
 *
 *     follow FILE...
 *
 * A file that is not there yet is waited for. Ctrl-C ends it.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <asyncio.h>

struct follow {
    const char *path;
    const char *name;            /* its end */
    char folder[PATH_MAX];       /* what is before that */
    int folder_id;               /* watched for files that take the name */
    asyncio_file *file;          /* NULL: there is none */
    int file_id;                 /* watched for what is added */
};

static asyncio_watch *watch;

static void tell(const struct follow *follow, const char *what)
{
    fprintf(stderr, "follow: %s: %s\n", follow->path, what);
}

/* ---- the file ---- */

static void print(const struct follow *follow, const char *bytes, size_t len)
{
    static const struct follow *last;
    if (last != follow)
        printf("%s==> %s <==\n", last ? "\n" : "", follow->path);
    last = follow;
    fwrite(bytes, 1, len, stdout);
    fflush(stdout);
}

/* Shows what has been added since the last time. */
static int follow_read(struct follow *follow)
{
    struct stat facts;
    char buf[16 * 1024];
    ssize_t len;
    int err = asyncio_file_stat(follow->file, &facts);
    if (err < 0)
        return err;
    if (facts.st_size < asyncio_file_tell(follow->file)) {
        tell(follow, "was cut");
        asyncio_file_seek(follow->file, 0, SEEK_SET);
    }
    while ((len = asyncio_file_read(follow->file, buf, sizeof buf)) > 0)
        print(follow, buf, (size_t)len);
    return (int)len;
}

/* Should another file take the name between the open and the watch, the
 * folder's watch tells of it. */
static int follow_open(struct follow *follow)
{
    int err = asyncio_file_open(follow->path, O_RDONLY, 0, &follow->file);
    if (err < 0)
        return err;
    follow->file_id = asyncio_watch_add(watch, follow->path, IN_MODIFY);
    if (follow->file_id == -ENOENT)
        return 0;
    return follow->file_id < 0 ? follow->file_id : 0;
}

static void follow_close(struct follow *follow)
{
    if (follow->file && follow->file_id >= 0)
        asyncio_watch_remove(watch, follow->file_id);
    asyncio_file_close(follow->file);
    follow->file = NULL;
}

/* ---- the name ---- */

static bool is_same_file(asyncio_file *file, const struct stat *facts)
{
    struct stat own;
    return file && asyncio_file_stat(file, &own) == 0 &&
           own.st_ino == facts->st_ino && own.st_dev == facts->st_dev;
}

/* Another file may have taken the name. */
static int follow_renew(struct follow *follow)
{
    struct stat facts;
    int err = asyncio_stat(follow->path, &facts);
    if (err == 0 && is_same_file(follow->file, &facts))
        return 0;
    if (err == 0 && follow->file)
        err = follow_read(follow); /* to the end of the old one */
    if (err == 0) {
        tell(follow, follow->file ? "is another file now" : "is there now");
        follow_close(follow);
        err = follow_open(follow);
    }
    if (err == 0)
        err = follow_read(follow);
    return err == -ENOENT ? 0 : err; /* it has gone again */
}

static int follow_begin(struct follow *follow)
{
    follow->folder_id =
        asyncio_watch_add(watch, follow->folder, IN_CREATE | IN_MOVED_TO);
    if (follow->folder_id < 0)
        return follow->folder_id;
    int err = follow_open(follow);
    if (err == -ENOENT) {
        tell(follow, "is not there yet");
        return 0;
    }
    if (err < 0)
        return err;
    int64_t end = asyncio_file_seek(follow->file, 0, SEEK_END);
    return end < 0 ? (int)end : 0;
}

/* ---- all of them ---- */

struct plan {
    struct follow *follows;
    size_t count;
};

static int handle(struct follow *follow,
                  const struct asyncio_watch_event *event)
{
    if (event->id == follow->folder_id &&
        strcmp(event->name, follow->name) == 0)
        return follow_renew(follow);
    if (follow->file && event->id == follow->file_id)
        return follow_read(follow);
    return 0;
}

/* So much has happened at once that nobody knows what. */
static int look_again(struct follow *follow)
{
    int err = follow_renew(follow);
    return err == 0 && follow->file ? follow_read(follow) : err;
}

static int follow_all(const struct plan *plan)
{
    struct asyncio_watch_event event;
    int err = 0;
    for (size_t i = 0; i < plan->count && err == 0; i++)
        err = follow_begin(&plan->follows[i]);
    while (err == 0) {
        int got = asyncio_watch_next(watch, &event);
        if (got < 0 && got != -EOVERFLOW)
            return got;
        for (size_t i = 0; i < plan->count && err == 0; i++)
            err = got == 0 ? handle(&plan->follows[i], &event)
                           : look_again(&plan->follows[i]);
    }
    return err;
}

static int main_task(void *arg)
{
    const struct plan *plan = arg;
    int err = asyncio_watch_open(&watch);
    if (err < 0)
        return err;
    err = follow_all(plan);
    for (size_t i = 0; i < plan->count; i++)
        follow_close(&plan->follows[i]);
    asyncio_watch_close(watch);
    return err;
}

static bool follow_init(struct follow *follow, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    if (len >= sizeof follow->folder)
        return false;
    follow->path = path;
    follow->name = slash ? slash + 1 : path;
    memcpy(follow->folder, path, len);
    if (len == 0)
        strcpy(follow->folder, slash ? "/" : ".");
    return true;
}

int main(int argc, char **argv)
{
    struct plan plan = {.count = (size_t)argc - 1};
    plan.follows = calloc((size_t)argc, sizeof *plan.follows);
    bool is_fine = plan.follows && plan.count > 0;
    for (size_t i = 0; is_fine && i < plan.count; i++)
        is_fine = follow_init(&plan.follows[i], argv[i + 1]);
    if (!is_fine) {
        fprintf(stderr, "usage: follow FILE...\n");
        free(plan.follows);
        return 2;
    }
    int err = asyncio_run(main_task, &plan);
    if (err < 0 && err != -EINTR)
        fprintf(stderr, "follow: %s\n", asyncio_strerror(err));
    free(plan.follows);
    return err < 0 && err != -EINTR;
}
