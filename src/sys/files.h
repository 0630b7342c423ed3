/* SPDX-License-Identifier: MIT */
/*
 * Files: open ones, and by name. Those that may wait for a disk are called on
 * a thread of a pool; what never waits says "nowait". Offsets are 64 bits.
 */
#ifndef SYS_FILES_H
#define SYS_FILES_H

#include <sys/stat.h>

#include "base/base.h"
#include "sys/sys.h"

/* ---- open files ---- */

int sys_open(const char *path, int flags, mode_t mode);
/* As sys_close, and what the file system still had to say. */
int sys_close_file(int fd);
int sys_duplicate(int fd);
int64_t sys_lseek(int fd, int64_t offset, int whence);
/* The flags that it was opened with, O_NONBLOCK and the like as they are now.
 */
int sys_file_flags(int fd);
/* Takes O_NONBLOCK away, which a ring would heed where read(2) does not. */
int sys_set_blocking(int fd);

ssize_t sys_preadv(int fd, const struct iovec *parts, size_t count,
                   int64_t offset);
ssize_t sys_pwritev(int fd, const struct iovec *parts, size_t count,
                    int64_t offset);
/* Moves what the page cache has or takes now: -EAGAIN: that is nothing;
 * -EOPNOTSUPP: the file system cannot tell. */
ssize_t sys_preadv_nowait(int fd, const struct iovec *parts, size_t count,
                          int64_t offset);
ssize_t sys_pwritev_nowait(int fd, const struct iovec *parts, size_t count,
                           int64_t offset);
int sys_fsync(int fd, bool is_data_only);
int sys_ftruncate(int fd, int64_t size);
int sys_fallocate(int fd, int mode, int64_t offset, int64_t len);
int sys_fadvise(int fd, int64_t offset, int64_t len, int advice);
int sys_fstat(int fd, struct stat *ret_facts);
int sys_fchmod(int fd, mode_t mode);
/* Shares the blocks of all of `from`. -EOPNOTSUPP, -EXDEV, -EINVAL: not here.
 */
int sys_clone_file(int fd, int from_fd);
/* Both at their file positions. */
ssize_t sys_copy_file_range(int fd, int from_fd, size_t len);
ssize_t sys_sendfile(int fd, int from_fd, int64_t offset, size_t len);

/* ---- names ---- */

/* What tells a file from a later one of the same name. */
struct sys_file_id {
    dev_t device;
    ino_t inode;
};

/* Of the file itself, also where that is a symbolic link. */
int sys_file_id(const char *path, struct sys_file_id *ret_id);
bool sys_is_socket(const char *path);
int sys_stat(const char *path, struct stat *ret_facts);
int sys_lstat(const char *path, struct stat *ret_facts);
int sys_unlink(const char *path);
int sys_chmod(const char *path, mode_t mode);
/* `flags`: RENAME_NOREPLACE and the like. */
int sys_rename(const char *from, const char *to, unsigned flags);
int sys_link(const char *from, const char *to);
int sys_symlink(const char *target, const char *path);
ssize_t sys_readlink(const char *path, char *ret_target, size_t size);
int sys_mkdir(const char *path, mode_t mode);
int sys_rmdir(const char *path);

/* ---- directories ---- */

struct sys_entry {
    const char *name;            /* in the buffer */
    uint64_t inode;
    unsigned char type;          /* DT_*; DT_UNKNOWN: the system did not say */
};

/* Fills `buf`, aligned as a pointer, with the next entries; how many bytes. */
ssize_t sys_read_entries(int fd, void *buf, size_t size);
/* The entry at the start of `buf`, and how many bytes it takes. */
size_t sys_entry_at(const void *buf, struct sys_entry *ret_entry);
/* The type, DT_*, of an entry of the directory `fd`; a link's is its own. */
unsigned char sys_type_of_entry(int fd, const char *name);

/* ---- watching ---- */

int sys_inotify_open(void);                               /* nonblocking */
int sys_inotify_add(int fd, const char *path, uint32_t mask);
int sys_inotify_remove(int fd, int watch);

#endif
