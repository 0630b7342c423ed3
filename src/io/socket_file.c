/* SPDX-License-Identifier: MIT */
/* The files of Unix sockets; see socket_file.h. */
#include "io/socket_file.h"

#include <errno.h>

#include "base/mem.h"
#include "io/address.h"
#include "sys/sockets.h"

/* Has anybody a socket of that name still? */
static bool path_is_alive(const struct address *address, int type)
{
    int fd = sys_socket(AF_UNIX, type, 0);
    if (fd < 0)
        return true;
    int err = sys_connect(fd, &address->any, address->len);
    sys_close(fd);
    return err != -ECONNREFUSED;
}

static int bind_anew(int fd, int type, const struct address *address)
{
    int err = sys_bind(fd, &address->any, address->len);
    const char *path = address->local.sun_path;
    if (err != -EADDRINUSE || !*path || !sys_is_socket(path) ||
        path_is_alive(address, type))
        return err;
    err = sys_unlink(path);
    if (err < 0)
        return err;
    return sys_bind(fd, &address->any, address->len);
}

static int bind_file(int fd, int type, const struct address *address,
                     struct socket_file *file)
{
    const char *path = address->local.sun_path;
    int err = bind_anew(fd, type, address);
    if (err < 0)
        return err;
    err = sys_file_id(path, &file->id);
    if (err < 0)
        (void)sys_unlink(path);
    return err;
}

int socket_file_bind(int fd, int type, const char *path,
                     struct socket_file *ret_file)
{
    struct address address;
    struct socket_file file = {.path = NULL};
    int err = address_of_path(path, &address);
    if (err < 0)
        return err;
    if (*path == '@') {
        err = sys_bind(fd, &address.any, address.len);
    } else {
        file.path = mem_strdup(path);
        err = file.path ? bind_file(fd, type, &address, &file) : -ENOMEM;
    }
    if (err < 0) {
        mem_free(file.path);
        return err;
    }
    *ret_file = file;
    return 0;
}

void socket_file_remove(struct socket_file *file)
{
    struct sys_file_id now;
    if (file->path && sys_file_id(file->path, &now) == 0 &&
        now.device == file->id.device && now.inode == file->id.inode)
        (void)sys_unlink(file->path);
    mem_free(file->path);
    file->path = NULL;
}
