/* SPDX-License-Identifier: MIT */
/* Files by name. */
#include "sys/files.h"

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

bool sys_is_file(int fd)
{
    struct stat facts;
    return fstat(fd, &facts) == 0 &&
           (S_ISREG(facts.st_mode) || S_ISDIR(facts.st_mode));
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
