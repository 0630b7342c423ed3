/* SPDX-License-Identifier: MIT */
/*
 * What the tests of files share: a directory of their own, which is the
 * current one while a scenario runs, and plain calls to see with.
 *
 *     FILE_SCENARIO(an_empty_file_has_no_bytes)
 *     {
 *         make_file("empty", "");
 *         ...
 *     }
 */
#ifndef IO_FILE_RIG_H
#define IO_FILE_RIG_H

#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>

#include "net_rig.h"

#include "base/fault.h"
#include "base/mem.h"

/* ---- a directory ---- */

static UNUSED int remove_entry(const char *path, const struct stat *facts,
                               int type, struct FTW *where)
{
    (void)facts;
    (void)type;
    (void)where;
    return remove(path);
}

static UNUSED void in_a_directory(void (*body)(void))
{
    char path[] = "/tmp/casyncio-test-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(path));
    ck_assert_int_eq(chdir(path), 0);
    body();
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* A scenario of the real world, in a directory of its own. */
#define FILE_SCENARIO(name)                                                    \
    static void name##_files(void);                                            \
    NET_SCENARIO(name)                                                         \
    {                                                                          \
        in_a_directory(name##_files);                                          \
    }                                                                          \
    static void name##_files(void)

/* ---- plain calls ---- */

static UNUSED void make_bytes(const char *path, const void *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, len), len);
    close(fd);
}

static UNUSED void make_file(const char *path, const char *text)
{
    make_bytes(path, text, strlen(text));
}

static UNUSED void assert_contents(const char *path, const char *text)
{
    char buf[4096] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
    ck_assert_int_eq(read(fd, buf, sizeof buf - 1), strlen(text));
    ck_assert_str_eq(buf, text);
    close(fd);
}

static UNUSED bool exists(const char *path)
{
    struct stat facts;
    return lstat(path, &facts) == 0;
}

static UNUSED int count_entries(const char *path)
{
    int count = 0;
    DIR *dir = opendir(path);
    ck_assert_ptr_nonnull(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2;
}

static UNUSED unsigned char byte_of(size_t i)
{
    return (unsigned char)(i * 31 + (i >> 8) * 17 + (i >> 16) * 7);
}

/* A file of `len` bytes that byte_of tells. */
static UNUSED void make_large(const char *path, size_t len)
{
    unsigned char *bytes = malloc(len);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = byte_of(i);
    make_bytes(path, bytes, len);
    free(bytes);
}

static UNUSED void assert_bytes(const void *bytes, size_t len, size_t offset)
{
    const unsigned char *byte = bytes;
    /* Each assertion is a write to Check: not one for every byte. */
    for (size_t i = 0; i < len; i++) {
        if (byte[i] != byte_of(offset + i))
            ck_abort_msg("byte %zu is wrong", offset + i);
    }
}

/* Takes a file out of the page cache. */
static UNUSED void make_cold(int fd)
{
    ck_assert_int_eq(fsync(fd), 0);
    ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
}

/* Can the page cache be asked what it has of a file? */
static UNUSED bool cache_can_be_asked(int fd)
{
    char byte;
    struct iovec part = {&byte, 1};
    if (preadv2(fd, &part, 1, 0, RWF_NOWAIT) == 1)
        return true;
    printf("skipped: this file system does not know RWF_NOWAIT\n");
    return false;
}

/* ---- handles ---- */

static UNUSED asyncio_file *open_file(const char *path, int flags)
{
    asyncio_file *file = NULL;
    int err = asyncio_file_open(path, flags, 0644, &file);
    ck_assert_msg(err == 0, "%s: %s", path, asyncio_errname(err));
    return file;
}

static UNUSED int open_error(const char *path, int flags)
{
    asyncio_file *file;
    int err = asyncio_file_open(path, flags, 0644, &file);
    ck_assert_int_lt(err, 0);
    return err;
}

static UNUSED void close_file(asyncio_file *file)
{
    ck_assert_int_eq(asyncio_file_close(file), 0);
}

/* ---- file systems of the test's own ---- */

/* Mounts a tmpfs that nobody else sees, not even threads that there are
 * already; false, and says so, where that is not allowed. */
static UNUSED bool mount_tmpfs(const char *path, const char *options)
{
    if (mkdir(path, 0755) < 0 || unshare(CLONE_NEWNS) < 0 ||
        mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", path, "tmpfs", 0, options) < 0) {
        printf("skipped: no tmpfs can be mounted here\n");
        return false;
    }
    return true;
}

static UNUSED void unmount(const char *path)
{
    ck_assert_int_eq(umount2(path, MNT_DETACH), 0);
}

/* ---- failures one after the other ---- */

/* Calls `body` with the first ask failing, then the second, ... until none
 * is left to fail; no descriptor may be left behind. */
static UNUSED void fail_each(void (*body)(void))
{
    body();                      /* what is made once is there */
    let_a_turn_pass();
    int fds = count_fds();
    for (uint64_t n = 1;; n++) {
        fault_arm(FAULT_ANY, n);
        body();
        uint64_t asks = fault_disarm();
        let_a_turn_pass();       /* a ring closes what it watches then */
        await_fds(fds);
        if (asks < n)
            break;
        ck_assert_uint_lt(n, 10000);
    }
}

#endif
