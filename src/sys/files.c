/* SPDX-License-Identifier: MIT */
/* Open files; see files.h. Names are in paths.c. */
#include "sys/files.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/internal.h"

int sys_open(const char *path, int flags, mode_t mode)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EMFILE;
    return (int)SYS_RETRY(open(path, flags | O_CLOEXEC, mode));
}

/* Not retried, for the reason of sys_close. */
int sys_close_file(int fd)
{
    int err = (int)sys_result(close(fd));
    ASSERT(err != -EBADF);
    if (fault_strikes(FAULT_SYSCALL))
        return -EIO;
    return err == -EINTR ? 0 : err;
}

int sys_duplicate(int fd)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EMFILE;
    return (int)sys_result(fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

int64_t sys_lseek(int fd, int64_t offset, int whence)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EINVAL;
    return sys_result(lseek(fd, offset, whence));
}

int sys_file_flags(int fd)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EBADF;
    return (int)sys_result(fcntl(fd, F_GETFL));
}

int sys_set_blocking(int fd)
{
    int flags = sys_file_flags(fd);
    if (flags < 0 || !(flags & O_NONBLOCK))
        return flags < 0 ? flags : 0;
    return (int)sys_result(fcntl(fd, F_SETFL, flags & ~O_NONBLOCK));
}

/* ---- bytes ---- */

ssize_t sys_preadv(int fd, const struct iovec *parts, size_t count,
                   int64_t offset)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EIO;
    return SYS_RETRY(preadv(fd, parts, (int)count, offset));
}

ssize_t sys_pwritev(int fd, const struct iovec *parts, size_t count,
                    int64_t offset)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -ENOSPC;
    return SYS_RETRY(pwritev(fd, parts, (int)count, offset));
}

/* Straight into the kernel: in a process with threads the C library spends a
 * tenth of what a read of one page costs on being a cancellation point. */
ssize_t sys_preadv_nowait(int fd, const struct iovec *parts, size_t count,
                          int64_t offset)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EAGAIN;
    long low = (long)offset, high = (long)((uint64_t)offset >> 32);
    ssize_t got = SYS_RETRY(
        syscall(SYS_preadv2, fd, parts, count, low, high, RWF_NOWAIT));
    return got == -ENOSYS ? -EOPNOTSUPP : got;
}

ssize_t sys_pwritev_nowait(int fd, const struct iovec *parts, size_t count,
                           int64_t offset)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EAGAIN;
    return SYS_RETRY(pwritev2(fd, parts, (int)count, offset, RWF_NOWAIT));
}

int sys_clone_file(int fd, int from_fd)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EOPNOTSUPP;
    return (int)SYS_RETRY(ioctl(fd, FICLONE, from_fd));
}

ssize_t sys_copy_file_range(int fd, int from_fd, size_t len)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EXDEV;
    return SYS_RETRY(copy_file_range(from_fd, NULL, fd, NULL, len, 0));
}

ssize_t sys_sendfile(int fd, int from_fd, int64_t offset, size_t len)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EIO;
    return SYS_RETRY(sendfile(fd, from_fd, &(off_t){offset}, len));
}

/* ---- the file as a whole ---- */

int sys_fsync(int fd, bool is_data_only)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EIO;
    return (int)SYS_RETRY(is_data_only ? fdatasync(fd) : fsync(fd));
}

int sys_ftruncate(int fd, int64_t size)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EIO;
    return (int)SYS_RETRY(ftruncate(fd, size));
}

int sys_fallocate(int fd, int mode, int64_t offset, int64_t len)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -ENOSPC;
    return (int)SYS_RETRY(fallocate(fd, mode, offset, len));
}

/* It returns its error, and leaves errno alone. */
int sys_fadvise(int fd, int64_t offset, int64_t len, int advice)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EINVAL;
    return -posix_fadvise(fd, offset, len, advice);
}

int sys_fstat(int fd, struct stat *ret_facts)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EIO;
    return (int)sys_result(fstat(fd, ret_facts));
}

int sys_fchmod(int fd, mode_t mode)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EPERM;
    return (int)sys_result(fchmod(fd, mode));
}
