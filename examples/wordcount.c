/* SPDX-License-Identifier: MIT */
/*
 * Counts the words of all files below the given paths, many files at once, as
 * `find PATH... -type f -exec cat {} + | wc -w` does one after the other.
 *
 *     wordcount [-n MOST] [PATH...]    16 at once, the current directory
 *
 * Paths wait in a queue for one of MOST workers. Whoever meets a directory puts
 * what is in it into the queue, on top, so that the tree is walked depth first
 * and the queue stays short. When all that was put has been worked on, it is
 * done. What cannot be read is told of and skipped.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <asyncio.h>

enum { CHUNK_SIZE = 32 * 1024 };

/* What waits to be worked on. */
struct item {
    char *path;                  /* to be freed */
    unsigned char type;          /* DT_REG or DT_DIR */
};

struct count {
    struct asyncio_queue items;
    size_t words;
    size_t files;
    size_t failures;
};

/* ---- one file ---- */

/* Words that end in the chunk. Whether one goes on at its end is kept. */
static size_t count_chunk(const char *bytes, size_t len, bool *in_word)
{
    size_t words = 0;
    for (size_t i = 0; i < len; i++) {
        bool is_space = isspace((unsigned char)bytes[i]);
        words += is_space && *in_word;
        *in_word = !is_space;
    }
    return words;
}

static int count_file(struct count *count, const char *path)
{
    asyncio_file *file;
    char chunk[CHUNK_SIZE];
    bool in_word = false;
    size_t words = 0;
    ssize_t len;
    int err = asyncio_file_open(path, O_RDONLY, 0, &file);
    if (err < 0)
        return err;
    while ((len = asyncio_file_read(file, chunk, sizeof chunk)) > 0)
        words += count_chunk(chunk, (size_t)len, &in_word);
    asyncio_file_close(file);
    if (len < 0)
        return (int)len;
    count->words += words + in_word;
    count->files++;
    return 0;
}

/* ---- one directory ---- */

static int put_item(struct count *count, const char *folder, const char *name,
                    unsigned char type)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    struct item item = {malloc(size), type};
    if (!item.path)
        return -ENOMEM;
    snprintf(item.path, size, "%s%s%s", folder, *folder ? "/" : "", name);
    int err = asyncio_queue_put(&count->items, &item);
    if (err < 0)
        free(item.path);
    return err;
}

static int count_folder(struct count *count, const char *path)
{
    asyncio_scandir *scan;
    struct asyncio_dirent entry;
    int err = asyncio_scandir_open(path, &scan);
    if (err < 0)
        return err;
    while ((err = asyncio_scandir_next(scan, &entry)) > 0) {
        if (entry.type != DT_REG && entry.type != DT_DIR)
            continue;            /* links lead elsewhere, or in circles */
        err = put_item(count, path, entry.name, entry.type);
        if (err < 0)
            break;
    }
    asyncio_scandir_close(scan);
    return err;
}

/* ---- all of them ---- */

static void tell(struct count *count, const char *path, int err)
{
    fprintf(stderr, "wordcount: %s: %s\n", path, asyncio_strerror(err));
    count->failures++;
}

static int work(void *arg)
{
    struct count *count = arg;
    struct item item;
    int err;
    while ((err = asyncio_queue_get(&count->items, &item)) == 0) {
        err = item.type == DT_DIR ? count_folder(count, item.path)
                                  : count_file(count, item.path);
        if (err < 0 && err != -ECANCELED)
            tell(count, item.path, err);
        free(item.path);
        asyncio_queue_task_done(&count->items);
    }
    return err == -EPIPE ? 0 : err;
}

struct plan {
    size_t most;
    const char *const *paths;    /* ended by NULL */
};

static int put_roots(struct count *count, const char *const *paths)
{
    struct stat facts;
    int err = 0;
    for (; *paths && err == 0; paths++) {
        err = asyncio_stat(*paths, &facts);
        if (err == 0) {
            bool is_folder = S_ISDIR(facts.st_mode);
            err = put_item(count, "", *paths, is_folder ? DT_DIR : DT_REG);
        } else if (err != -ECANCELED) {
            tell(count, *paths, err);
            err = 0;
        }
    }
    return err;
}

static int count_all(struct count *count, const struct plan *plan)
{
    struct asyncio_group group;
    int err = put_roots(count, plan->paths);
    if (err < 0)
        return err;
    err = asyncio_group_begin(&group);
    if (err < 0)
        return err;
    for (size_t i = 0; i < plan->most && err == 0; i++)
        err = asyncio_task_error(
            asyncio_group_create_task(&group, work, count));
    if (err == 0)
        err = asyncio_queue_join(&count->items);

    /* The workers wait for more, and are told that there is none. */
    asyncio_queue_shutdown(&count->items, false);
    return asyncio_group_end(&group, err);
}

/* The exit status, or negative. */
static int main_task(void *arg)
{
    struct count count = {.words = 0};
    struct item item;
    int err = asyncio_lifo_queue_init(&count.items, sizeof item, 0);
    if (err < 0)
        return err;
    err = count_all(&count, arg);
    while (asyncio_queue_try_get(&count.items, &item) == 0)
        free(item.path);
    asyncio_queue_fini(&count.items);
    if (err < 0)
        return err;
    printf("%zu words in %zu files\n", count.words, count.files);
    return count.failures > 0;
}

int main(int argc, char **argv)
{
    const char *here[] = {".", NULL};
    struct plan plan = {.most = 16};
    int option;
    while ((option = getopt(argc, argv, "n:")) == 'n')
        plan.most = strtoul(optarg, NULL, 10);
    if (option != -1 || plan.most == 0) {
        fprintf(stderr, "usage: wordcount [-n MOST] [PATH...]\n");
        return 2;
    }
    plan.paths = optind < argc ? (const char *const *)argv + optind : here;
    int err = asyncio_run(main_task, &plan);
    if (err < 0)
        fprintf(stderr, "wordcount: %s\n", asyncio_strerror(err));
    return err != 0;
}
