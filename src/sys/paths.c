/* SPDX-License-Identifier: MIT */
/* Files by name, directories, and watching them; see files.h. */
#include "sys/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "sys/internal.h"

int sys_file_id(const char *path, struct sys_file_id *ret_id)
{
    struct stat facts;
    if (fault_strikes(FAULT_SYSCALL))
        return -EACCES;
    int err = (int)sys_result(lstat(path, &facts));
    if (err < 0)
        return err;
    *ret_id = (struct sys_file_id){facts.st_dev, facts.st_ino};
    return 0;
}

bool sys_is_socket(const char *path)
{
    struct stat facts;
    return lstat(path, &facts) == 0 && S_ISSOCK(facts.st_mode);
}

int sys_stat(const char *path, struct stat *ret_facts)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EACCES;
    return (int)SYS_RETRY(stat(path, ret_facts));
}

int sys_lstat(const char *path, struct stat *ret_facts)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EACCES;
    return (int)SYS_RETRY(lstat(path, ret_facts));
}

int sys_unlink(const char *path)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EACCES;
    return (int)sys_result(unlink(path));
}

int sys_chmod(const char *path, mode_t mode)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EPERM;
    return (int)sys_result(chmod(path, mode));
}

/* The plain call where nothing more is asked for: not every file system knows
 * the other one's flags. */
int sys_rename(const char *from, const char *to, unsigned flags)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EACCES;
    if (!flags)
        return (int)sys_result(rename(from, to));
    return (int)sys_result(renameat2(AT_FDCWD, from, AT_FDCWD, to, flags));
}

int sys_link(const char *from, const char *to)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EACCES;
    return (int)sys_result(link(from, to));
}

int sys_symlink(const char *target, const char *path)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EACCES;
    return (int)sys_result(symlink(target, path));
}

ssize_t sys_readlink(const char *path, char *ret_target, size_t size)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EACCES;
    return sys_result(readlink(path, ret_target, size));
}

int sys_mkdir(const char *path, mode_t mode)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EACCES;
    return (int)sys_result(mkdir(path, mode));
}

int sys_rmdir(const char *path)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EACCES;
    return (int)sys_result(rmdir(path));
}

/* ---- directories ---- */

ssize_t sys_read_entries(int fd, void *buf, size_t size)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EIO;
    return SYS_RETRY(getdents64(fd, buf, size));
}

size_t sys_entry_at(const void *buf, struct sys_entry *ret_entry)
{
    const struct dirent64 *entry = buf;
    *ret_entry = (struct sys_entry){
        .name = entry->d_name,
        .inode = entry->d_ino,
        .type = entry->d_type,
    };
    return entry->d_reclen;
}

unsigned char sys_type_of_entry(int fd, const char *name)
{
    struct stat facts;
    if (fstatat(fd, name, &facts, AT_SYMLINK_NOFOLLOW) < 0)
        return DT_UNKNOWN;
    return (unsigned char)IFTODT(facts.st_mode);
}

/* ---- watching ---- */

int sys_inotify_open(void)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EMFILE;
    return (int)sys_result(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
}

int sys_inotify_add(int fd, const char *path, uint32_t mask)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -ENOSPC;
    return (int)sys_result(inotify_add_watch(fd, path, mask));
}

int sys_inotify_remove(int fd, int watch)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EINVAL;
    return (int)sys_result(inotify_rm_watch(fd, watch));
}
