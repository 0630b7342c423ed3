/* SPDX-License-Identifier: MIT */
/* Files by name. */
#ifndef SYS_FILES_H
#define SYS_FILES_H

#include <sys/stat.h>

#include "base/base.h"

/* What tells a file from a later one of the same name. */
struct sys_file_id {
    dev_t device;
    ino_t inode;
};

/* Of the file itself, also where that is a symbolic link. */
int sys_file_id(const char *path, struct sys_file_id *ret_id);

bool sys_is_socket(const char *path);
/* A file or a directory: what cannot be waited for. */
bool sys_is_file(int fd);
int sys_unlink(const char *path);
int sys_chmod(const char *path, mode_t mode);

#endif
