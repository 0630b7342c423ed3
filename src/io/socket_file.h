/* SPDX-License-Identifier: MIT */
/* The file of a Unix socket: bound with it, and removed with it, unless another
 * one has taken its place meanwhile. */
#ifndef IO_SOCKET_FILE_H
#define IO_SOCKET_FILE_H

#include "sys/files.h"

struct socket_file {
    char *path;                  /* owned; NULL: there is none */
    struct sys_file_id id;
};

/*
 * Binds a Unix socket of that type to a path, or to "@..." in the abstract name
 * space, which has no file. A socket file that nobody has open any more is
 * replaced; any other file is -EADDRINUSE. -EINVAL: empty; -ENAMETOOLONG;
 * -ENOMEM; as bind(2).
 */
int socket_file_bind(int fd, int type, const char *path,
                     struct socket_file *ret_file);

/* Removes it, and frees what names it; a second time is harmless. */
void socket_file_remove(struct socket_file *file);

#endif
