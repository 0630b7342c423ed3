/* SPDX-License-Identifier: MIT */
/* Watching children through pidfds; see child.h. */
#include "engine/child.h"

#include <errno.h>
#include <poll.h>

#include "sys/sys.h"

static int child_reap(struct child_watch *watch)
{
    int ended = sys_wait_child(watch->pid, &watch->status);
    return ended == 0 ? -EAGAIN : ended;
}

static int child_close(struct child_watch *watch)
{
    int result = watch->op.result < 0 ? (int)watch->op.result
                                      : child_reap(watch);
    watch->loop->backend->class->forget_fd(watch->loop->backend, watch->op.fd);
    sys_close(watch->op.fd);
    return result;
}

static void child_op_done(struct op *op)
{
    struct child_watch *watch = container_of(op, struct child_watch, op);
    int result = child_close(watch);
    watch->on_end(watch, result < 0 ? result : 0);
}

int child_watch_start(struct asyncio_loop *loop, struct child_watch *watch,
                      pid_t pid)
{
    int err = loop_open_backend(loop);
    if (err < 0)
        return err;
    watch->loop = loop;
    watch->pid = pid;
    int ended = child_reap(watch);
    if (ended != -EAGAIN)
        return ended;
    int fd = sys_pidfd_open(pid);
    if (fd < 0)
        return fd == -ESRCH ? -ECHILD : fd;
    watch->op = (struct op){
        .kind = OP_POLL,
        .fd = fd,
        .events = POLLIN,
        .done = child_op_done,
    };
    if (!loop_submit(loop, &watch->op))
        return 0;
    return child_close(watch);
}

void child_watch_cancel(struct child_watch *watch)
{
    loop_cancel(watch->loop, &watch->op);
}
