/* SPDX-License-Identifier: MIT */
/*
 * Files by name: facts, names, directories, and files as a whole.
 *
 *     void *text;
 *     size_t len;
 *     int err = asyncio_read_file("settings.json", 1 << 20, &text, &len);
 *     ...
 *     err = asyncio_replace_file("settings.json", text, len, 0);
 *     asyncio_read_file_free(text);
 *
 * All of these run on a pool's threads. Those that only ask are left behind
 * when they are cancelled, whatever they hang on, and what they find is
 * dropped: "abandonable". Those that change something must finish once a
 * thread has begun: a cancel before that returns -ECANCELED and has changed
 * nothing; after it, the result stands. Outside of a task they are -EPERM; in
 * a simulation, where there are no files, -ENOTSUP.
 */
#ifndef ASYNCIO_PATH_H
#define ASYNCIO_PATH_H

#include <dirent.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <asyncio/base.h>
#include <asyncio/task.h>

ASYNCIO_BEGIN

/* ---- facts ---- */

/* Facts about what `path` leads to, as stat(2). Suspends. Abandonable. */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_stat(const char *path,
                                              struct stat *ret_facts);

/* As asyncio_stat, but of a symbolic link itself. */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_lstat(const char *path,
                                               struct stat *ret_facts);

/* Writes where a symbolic link leads, NUL-terminated, and returns its length.
 * Suspends. Abandonable. -EINVAL: no link; -ENAMETOOLONG: `size` is too
 * small. */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t asyncio_readlink(const char *path,
                                                      char *ret_target,
                                                      size_t size);

/* ---- names; each suspends and must finish ---- */

/* Gives a file another name, in place of what may have it, as rename(2).
 * -EXDEV: on another file system (asyncio_copy_file can). */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_rename(const char *from,
                                                const char *to);

/* Takes the name away, and with the last one the file, as unlink(2). */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_unlink(const char *path);

/* Gives a file one more name, as link(2). */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_link(const char *from,
                                              const char *to);

/* Makes the symbolic link `path` that leads to `target`, as symlink(2). */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_symlink(const char *target,
                                                 const char *path);

/* Makes a directory, as mkdir(2). */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_mkdir(const char *path, mode_t mode);

/* Takes an empty directory away, as rmdir(2). */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_rmdir(const char *path);

/* ---- directories ---- */

typedef struct asyncio_scandir asyncio_scandir;

struct asyncio_dirent {
    const char *name;            /* until the next call on the directory */
    uint64_t inode;
    unsigned char type;          /* DT_REG, DT_DIR, DT_LNK, ... of <dirent.h>;
                                  * DT_UNKNOWN: it is gone already */
};

/* Opens a directory to be read. Writes *ret_scan. Suspends. Abandonable.
 * -ENOTDIR, -ENOENT, -EACCES. */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_scandir_open(const char *path, asyncio_scandir **ret_scan);

/*
 * Writes the next entry, in no order, without "." and "..": 1; 0 at the end.
 * One task at a time (-EBUSY), on the loop it was opened in (-EXDEV). Mostly
 * returns at once; else suspends and must finish. Cancelled before: -ECANCELED,
 * and no entry is lost.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_scandir_next(asyncio_scandir *scan, struct asyncio_dirent *ret_entry);

/* Closes it and frees it; a call of another task that is under way ends first.
 * NULL is fine. Never suspends. */
ASYNCIO_API void asyncio_scandir_close(asyncio_scandir *take_scan);

/* ---- files as a whole ---- */

/*
 * Reads a whole file: *ret_bytes, with a NUL after them, to be freed by
 * asyncio_read_file_free, and how many. Suspends. Abandonable. -EFBIG: longer
 * than `limit` (0: none); -ENOMEM; as open(2) and read(2) otherwise.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_read_file(const char *path,
                                                   size_t limit,
                                                   void **ret_bytes,
                                                   size_t *ret_len);

/* Frees what asyncio_read_file has read. NULL is fine. Never suspends. */
ASYNCIO_API void asyncio_read_file_free(void *take_bytes);

/*
 * Reads a whole file into `buf` and returns its length. Suspends. Cancelled:
 * -ECANCELED, as soon as the read under way returns. -EFBIG: longer than
 * `size`.
 */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t asyncio_read_file_into(const char *path,
                                                            void *buf,
                                                            size_t size);

enum asyncio_replace_flags {
    /* There must be none yet: -EEXIST. */
    ASYNCIO_REPLACE_NOTHING = 1,
    /* The directory is synced as well: after a power cut it is the new one. */
    ASYNCIO_REPLACE_DURABLE = 2,
    /* Nothing is synced. Faster; a power cut may leave an empty file. */
    ASYNCIO_REPLACE_UNSYNCED = 4,
};

/*
 * Makes `buf` the whole contents of the file `path`, atomically: whoever opens
 * it sees the old one or the new one, whole, also after a crash. It is written
 * beside it under another name, synced, and renamed; it keeps the mode of the
 * old one (a new one: 0666 but for the umask); a symbolic link is replaced, not
 * followed. `flags`: of enum asyncio_replace_flags. Suspends. Cancelled before
 * the renaming: -ECANCELED, and all is as it was. On failure likewise, but for
 * that of DURABLE's last step.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_replace_file(const char *path,
                                                      const void *buf,
                                                      size_t len,
                                                      unsigned flags);

/*
 * Copies a file's contents to `to`, which it replaces as asyncio_replace_file
 * does (a new one gets the mode of `from`, but for the umask). The file system
 * shares the blocks where it can (reflink) or copies them itself. Suspends.
 * Cancelled: -ECANCELED within a few megabytes, and all is as it was.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_copy_file(const char *from, const char *to, unsigned flags);

ASYNCIO_END

#endif
