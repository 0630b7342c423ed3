/* SPDX-License-Identifier: MIT */
/* Files by name. */
#ifndef SYS_FILES_H
#define SYS_FILES_H

#include <sys/stat.h>

#include "base/base.h"

bool sys_is_socket(const char *path);
/* A file or a directory: what cannot be waited for. */
bool sys_is_file(int fd);
int sys_unlink(const char *path);
int sys_chmod(const char *path, mode_t mode);

#endif
