/* SPDX-License-Identifier: MIT */
/* Descriptors that come from elsewhere and are shared with others, and those
 * that are made for others; and terminals. */
#ifndef SYS_DESCRIPTORS_H
#define SYS_DESCRIPTORS_H

#include <termios.h>

#include "sys/sys.h"

enum sys_fd_kind {
    FD_FILE,                     /* or a directory, a disk: always ready */
    FD_PIPE,
    FD_SOCKET,                   /* of streams */
    FD_TERMINAL,
    FD_OTHER,
};

/* Its kind. -EBADF; -EPROTOTYPE: a socket, but not of streams. */
int sys_fd_kind(int fd);
/* O_RDONLY, O_WRONLY or O_RDWR. */
int sys_access_mode(int fd);
/* A duplicate, close-on-exec and numbered `least` or above. It shares its mode
 * and its position with the original. */
int sys_duplicate_above(int fd, int least);
/* The same pipe or terminal with a mode of its own: nonblocking. What the
 * system says where it does not allow that. */
int sys_reopen(int fd);
/* A pipe whose ends may block. */
int sys_pipe_blocking(int ret_fds[2]);

/* ---- terminals; -ENOTTY ---- */

int sys_terminal_get(int fd, struct termios *ret_mode);
/* At once: it does not wait for output that a Ctrl-S holds up. */
int sys_terminal_set(int fd, const struct termios *mode);
int sys_terminal_size(int fd, unsigned *ret_rows, unsigned *ret_columns);

#endif
