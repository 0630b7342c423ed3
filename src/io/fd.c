/* SPDX-License-Identifier: MIT */
/* Plain descriptors as awaitables; see asyncio/fd.h. */
#include <asyncio/fd.h>

#include <errno.h>
#include <poll.h>

#include "task/park.h"

_Static_assert(ASYNCIO_READABLE == POLLIN, "the kernel's own bits");
_Static_assert(ASYNCIO_WRITABLE == POLLOUT, "the kernel's own bits");

static ssize_t fd_run(struct task_op *op)
{
    struct asyncio_tcb *task = task_current();
    if (!task)
        return -EPERM;
    return task_run_op(task, op, WAIT_FD);
}

int asyncio_fd_wait(int fd, unsigned events)
{
    const unsigned all = ASYNCIO_READABLE | ASYNCIO_WRITABLE;
    if (!events || events & ~all)
        return -EINVAL;
    struct task_op op = {
        .op = {.kind = OP_POLL, .fd = fd, .events = events},
    };
    ssize_t ready = fd_run(&op);
    if (ready < 0)
        return (int)ready;
    if (ready & POLLNVAL)
        return -EBADF;
    if (ready & (POLLERR | POLLHUP))
        return (int)events;
    return (int)(ready & events);
}

ssize_t asyncio_fd_read(int fd, void *buf, size_t len)
{
    struct task_op op = {
        .op = {.kind = OP_READ, .fd = fd, .io = {.buf = buf, .len = len}},
    };
    return fd_run(&op);
}

ssize_t asyncio_fd_write(int fd, const void *buf, size_t len)
{
    struct task_op op = {
        .op = {.kind = OP_WRITE,
               .fd = fd,
               .io = {.buf = (void *)(uintptr_t)buf, .len = len}},
    };
    return fd_run(&op);
}
