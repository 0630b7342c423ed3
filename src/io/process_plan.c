/* SPDX-License-Identifier: MIT */
/*
 * Which descriptor of a child leads where.
 *
 * The child puts each of its numbers in place by a dup2. For none of these to
 * hit a descriptor that is still needed, all that we have for it stand above
 * the highest of its numbers, or are in their place already.
 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "io/process.h"
#include "io/stream.h"
#include "sys/descriptors.h"

enum { NUMBER_MAX = 255 };

/* ---- one descriptor ---- */

static void plan_add(struct process_plan *plan, int number, int fd)
{
    plan->fds[plan->spawn.fd_count++] = (struct sys_spawn_fd){number, fd};
}

/* Notes that a descriptor is the child's, at a place where it can stay until
 * then. It is taken over, and is closed on failure. */
static int plan_take(struct process_plan *plan, int number, int take_fd)
{
    int fd = take_fd;
    if (fd <= plan->spawn.highest) {
        fd = sys_duplicate_above(take_fd, plan->spawn.highest + 1);
        sys_close(take_fd);
        if (fd < 0)
            return fd;
    }
    plan->opened[plan->opened_count++] = fd;
    plan_add(plan, number, fd);
    return 0;
}

static int plan_pipe(struct process_plan *plan,
                     struct asyncio_process *process, int number,
                     bool child_reads)
{
    int fds[2];
    struct process_pipe *pipe_ = &process->pipes[process->pipe_count];
    int err = sys_pipe_blocking(fds);
    if (err < 0)
        return err;
    int ours = fds[child_reads], childs = fds[!child_reads];
    err = sys_set_nonblocking(ours);
    if (err == 0)
        err = stream_new(ours, false, child_reads ? POLLOUT : 0,
                         &pipe_->stream);
    if (err < 0) {
        sys_close(ours);
        sys_close(childs);
        return err;
    }
    pipe_->number = number;
    process->pipe_count++;
    return plan_take(plan, number, childs);
}

/* The caller's own, which stays where it is. */
static int plan_given(struct process_plan *plan, int number, int fd)
{
    if (fd < 0)
        return -EBADF;
    if (fd != number && fd <= plan->spawn.highest) {
        fd = sys_duplicate_above(fd, plan->spawn.highest + 1);
        if (fd < 0)
            return fd;
        plan->opened[plan->opened_count++] = fd;
    } else if (sys_access_mode(fd) < 0) {
        return -EBADF;           /* said here, it cannot be taken for exec's */
    }
    plan_add(plan, number, fd);
    return 0;
}

static int plan_redirect(struct process_plan *plan,
                         struct asyncio_process *process, int number,
                         const struct asyncio_redirect *redirect)
{
    switch (redirect->to) {
    case ASYNCIO_INHERIT:
        return number <= STDERR_FILENO ? 0 : plan_given(plan, number, number);
    case ASYNCIO_PIPE:
        return plan_pipe(plan, process, number, number == STDIN_FILENO);
    case ASYNCIO_PIPE_IN:
        return plan_pipe(plan, process, number, true);
    case ASYNCIO_FD:
        return plan_given(plan, number, redirect->fd);
    case ASYNCIO_DEVNULL:
        plan_add(plan, number, SPAWN_NULL);
        return 0;
    case ASYNCIO_STDOUT:
        if (number == STDOUT_FILENO)
            return -EINVAL;
        plan_add(plan, number, SPAWN_AS_STDOUT);
        return 0;
    }
    return -EINVAL;
}

/* ---- all of them ---- */

static int plan_survey(struct process_plan *plan,
                       const struct asyncio_process_options *options)
{
    if (options->fd_count > ASYNCIO_PROCESS_FDS_MAX)
        return -EINVAL;
    plan->spawn.highest = STDERR_FILENO;
    for (size_t i = 0; i < options->fd_count; i++) {
        int number = options->fds[i].number;
        if (number <= STDERR_FILENO || number > NUMBER_MAX)
            return -EINVAL;
        for (size_t k = 0; k < i; k++) {
            if (options->fds[k].number == number)
                return -EINVAL;
        }
        if (number > plan->spawn.highest)
            plan->spawn.highest = number;
    }
    return 0;
}

int process_plan_open(struct process_plan *plan,
                      struct asyncio_process *process,
                      const struct asyncio_process_options *options)
{
    const struct asyncio_redirect *const standard[] = {
        &options->std_in, &options->std_out, &options->std_err};
    int err = plan_survey(plan, options);
    plan->spawn.fds = plan->fds;
    for (int i = 0; i < 3 && err == 0; i++)
        err = plan_redirect(plan, process, i, standard[i]);
    for (size_t i = 0; i < options->fd_count && err == 0; i++)
        err = plan_redirect(plan, process, options->fds[i].number,
                            &options->fds[i].redirect);
    return err;
}

void process_plan_close(struct process_plan *plan)
{
    while (plan->opened_count)
        sys_close(plan->opened[--plan->opened_count]);
}
