/* SPDX-License-Identifier: MIT */
/* Shared descriptors, and terminals; see descriptors.h. */
#include "sys/descriptors.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/internal.h"

static int socket_kind(int fd)
{
    int type;
    socklen_t len = sizeof type;
    int err = (int)sys_result(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len));
    if (err < 0)
        return err;
    return type == SOCK_STREAM ? FD_SOCKET : -EPROTOTYPE;
}

int sys_fd_kind(int fd)
{
    struct stat facts;
    if (fault_strikes(FAULT_SYSCALL))
        return -EBADF;
    int err = (int)sys_result(fstat(fd, &facts));
    if (err < 0)
        return err;
    if (S_ISSOCK(facts.st_mode))
        return socket_kind(fd);
    if (S_ISFIFO(facts.st_mode))
        return FD_PIPE;
    if (S_ISREG(facts.st_mode) || S_ISDIR(facts.st_mode) ||
        S_ISBLK(facts.st_mode))
        return FD_FILE;
    return S_ISCHR(facts.st_mode) && isatty(fd) ? FD_TERMINAL : FD_OTHER;
}

int sys_access_mode(int fd)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EBADF;
    int flags = (int)sys_result(fcntl(fd, F_GETFL));
    return flags < 0 ? flags : flags & O_ACCMODE;
}

int sys_duplicate_above(int fd, int least)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EMFILE;
    return (int)sys_result(fcntl(fd, F_DUPFD_CLOEXEC, least));
}

/* The link under /proc leads to the very object, whatever has become of its
 * name. A FIFO to write to whose readers have gone is -ENXIO; somebody else's
 * terminal or pipe, as under su(1), -EACCES. */
int sys_reopen(int fd)
{
    char path[32];
    int access = sys_access_mode(fd);
    if (access < 0)
        return access;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (fault_strikes(FAULT_SYSCALL))
        return -ENOENT;
    return (int)SYS_RETRY(
        open(path, access | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
}

int sys_pipe_blocking(int ret_fds[2])
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EMFILE;
    return (int)sys_result(pipe2(ret_fds, O_CLOEXEC));
}

/* ---- terminals ---- */

int sys_terminal_get(int fd, struct termios *ret_mode)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EIO;
    return (int)sys_result(tcgetattr(fd, ret_mode));
}

int sys_terminal_set(int fd, const struct termios *mode)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EIO;
    return (int)SYS_RETRY(tcsetattr(fd, TCSANOW, mode));
}

int sys_terminal_size(int fd, unsigned *ret_rows, unsigned *ret_columns)
{
    struct winsize size;
    if (fault_strikes(FAULT_SYSCALL))
        return -EIO;
    int err = (int)sys_result(ioctl(fd, TIOCGWINSZ, &size));
    if (err < 0)
        return err;
    *ret_rows = size.ws_row;
    *ret_columns = size.ws_col;
    return 0;
}
