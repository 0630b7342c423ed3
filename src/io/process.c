/* SPDX-License-Identifier: MIT */
/* The life of child processes; see process.h. */
#include "io/process.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asyncio/scope.h>

#include "base/mem.h"
#include "io/stream.h"
#include "task/park.h"

static const double grace_default = 5;

/* ---- who may do what now ---- */

int process_enter(struct asyncio_process *process)
{
    if (!task_current())
        return -EPERM;
    if (process->loop_number != loop_current->number)
        return -EXDEV;
    if (process->is_closed)
        return -EBADF;
    process->users++;
    return 0;
}

static void process_free(struct asyncio_process *process)
{
    for (size_t i = 0; i < process->pipe_count; i++)
        asyncio_stream_close(process->pipes[i].stream);
    source_close(process->pidfd);
    mem_free(process);
}

void process_leave(struct asyncio_process *process)
{
    process->users--;
    if (process->is_closed && !process->users)
        process_free(process);
}

/* ---- the end ---- */

/* Without waiting. -EAGAIN: it runs; else how it is known to have ended. */
static int process_reap(struct asyncio_process *process)
{
    int status;
    if (process->has_ended)
        return process->end_err;
    int ended = sys_wait_child(process->pid, &status);
    if (ended == 0)
        return -EAGAIN;
    process->has_ended = true;
    process->end_err = ended < 0 ? ended : 0;
    if (ended > 0)
        process->returncode = WIFSIGNALED(status) ? -WTERMSIG(status)
                                                  : WEXITSTATUS(status);
    return process->end_err;
}

int process_await_end(struct asyncio_process *process)
{
    struct asyncio_tcb *task = task_current();
    int err = task_checkpoint(task);
    if (err < 0)
        return err;
    while ((err = process_reap(process)) == -EAGAIN) {
        struct task_op op;
        memset(&op, 0, sizeof op);
        op.op.kind = OP_POLL;
        op.op.events = POLLIN;
        op.op.fd = process->pidfd->fd;
        op.op.source = process->pidfd;
        ssize_t got = task_carry_op(task, &op, WAIT_CHILD);
        if (got < 0)
            return (int)got;
    }
    return err;
}

static int process_signal(struct asyncio_process *process, int signo,
                          bool whole_group)
{
    if (process->has_ended)
        return -ESRCH;
    return whole_group ? sys_group_signal(process->pid, signo)
                       : sys_pidfd_signal(process->pidfd->fd, signo);
}

/* One that is stopped notices a SIGTERM when it goes on. */
static void process_ask_to_end(struct asyncio_process *process)
{
    (void)process_signal(process, SIGTERM, process->kill_group);
    (void)process_signal(process, SIGCONT, process->kill_group);
}

static int process_await_grace(struct asyncio_process *process)
{
    struct asyncio_timeout timeout;
    int err = asyncio_timeout_begin(&timeout, process->grace);
    if (err < 0)
        return err;
    return asyncio_timeout_end(&timeout, process_await_end(process));
}

static void process_end_in_time(struct asyncio_process *process)
{
    if (process->grace >= 0) {
        process_ask_to_end(process);
        (void)process_await_grace(process);
    }
    if (process_reap(process) == -EAGAIN) {
        (void)process_signal(process, SIGKILL, process->kill_group);
        (void)process_await_end(process);
    }
}

/* Without the loop. */
static void process_end_now(struct asyncio_process *process)
{
    if (process_reap(process) != -EAGAIN)
        return;
    (void)process_signal(process, SIGKILL, process->kill_group);
    sys_kill_and_reap(process->pid);
    process->has_ended = true;
    process->returncode = -SIGKILL;
}

/* Ends it and waits for that, whatever happens. Entered. */
static void process_end(struct asyncio_process *process)
{
    struct asyncio_shield shield;
    if (process_reap(process) == -EAGAIN &&
        asyncio_shield_begin(&shield, ASYNCIO_FOREVER) == 0) {
        process_end_in_time(process);
        asyncio_shield_end(&shield, 0);
    }
    process_end_now(process);
}

/* ---- waiting ---- */

int process_wait_result(struct asyncio_process *process, int err)
{
    if (err == -ECANCELED && process->kill_on_cancel && !process->is_closed)
        process_end(process);
    return err;
}

int asyncio_process_wait(asyncio_process *process, int *ret_returncode)
{
    int err = process_enter(process);
    if (err < 0)
        return err;
    err = process_wait_result(process, process_await_end(process));
    if (err == 0 && ret_returncode)
        *ret_returncode = process->returncode;
    process_leave(process);
    return err;
}

int asyncio_process_returncode(asyncio_process *process, int *ret_returncode)
{
    int err = process_reap(process);
    if (err == 0 && ret_returncode)
        *ret_returncode = process->returncode;
    return err;
}

/* ---- facts ---- */

pid_t asyncio_process_pid(const asyncio_process *process)
{
    return process->pid;
}

asyncio_stream *asyncio_process_pipe(asyncio_process *process, int number)
{
    for (size_t i = 0; i < process->pipe_count; i++) {
        if (process->pipes[i].number == number)
            return process->pipes[i].stream;
    }
    return NULL;
}

asyncio_stream *asyncio_process_stdin(asyncio_process *process)
{
    return asyncio_process_pipe(process, STDIN_FILENO);
}

asyncio_stream *asyncio_process_stdout(asyncio_process *process)
{
    return asyncio_process_pipe(process, STDOUT_FILENO);
}

asyncio_stream *asyncio_process_stderr(asyncio_process *process)
{
    return asyncio_process_pipe(process, STDERR_FILENO);
}

/* ---- signals ---- */

int asyncio_process_send_signal(asyncio_process *process, int signo)
{
    return process_signal(process, signo, false);
}

int asyncio_process_terminate(asyncio_process *process)
{
    return process_signal(process, SIGTERM, process->kill_group);
}

int asyncio_process_kill(asyncio_process *process)
{
    return process_signal(process, SIGKILL, process->kill_group);
}

/* ---- closing ---- */

/* The streams themselves stay for those who are in the midst of a call. */
static void process_cut_pipes(struct asyncio_process *process)
{
    for (size_t i = 0; i < process->pipe_count; i++)
        stream_cut(process->pipes[i].stream, false);
}

void asyncio_process_close(asyncio_process *process)
{
    if (!process)
        return;
    if (loop_current && process->loop_number != loop_current->number)
        panic("a process was closed from another loop than its own");
    process->is_closed = true;
    process->users++;
    process_cut_pipes(process);
    if (task_current())
        process_end(process);
    else                         /* the loop has ended, or a callback asks */
        process_end_now(process);
    process_leave(process);
}

pid_t asyncio_process_detach(asyncio_process *process)
{
    if (process->users)
        return -EBUSY;
    pid_t pid = process->has_ended ? -ECHILD : process->pid;
    process_free(process);
    return pid;
}

/* ---- starting ---- */

static const struct asyncio_process_options no_options;

static int options_check(const struct asyncio_process_options *options)
{
    bool has_group = options->new_group || options->new_session;
    if ((has_group && options->group) || options->group < 0)
        return -EINVAL;
    if ((options->kill_group && !has_group) || isnan(options->grace))
        return -EINVAL;
    return 0;
}

static struct asyncio_process *
process_new(const struct asyncio_process_options *options)
{
    size_t pipes = 3 + options->fd_count;
    struct asyncio_process *process =
        mem_zalloc(sizeof *process + pipes * sizeof process->pipes[0]);
    if (!process)
        return NULL;
    process->loop_number = loop_current->number;
    process->kill_on_cancel = options->kill_on_cancel;
    process->kill_group = options->kill_group;
    bool is_default = !(options->grace < 0) && !(options->grace > 0);
    process->grace = is_default ? grace_default : options->grace;
    return process;
}

static void process_set_limits(struct asyncio_process *process, size_t limit)
{
    for (size_t i = 0; limit && i < process->pipe_count; i++)
        process->pipes[i].stream->limit = limit;
}

/* A child that cannot be watched must not run: nobody could tell when it ends.
 * One that is gone already has been reaped by somebody else. */
static int process_watch(struct asyncio_process *process)
{
    struct backend *backend = loop_current->backend;
    int fd = sys_pidfd_open(process->pid);
    if (fd == -ESRCH) {
        process->has_ended = true;
        process->end_err = -ECHILD;
        return 0;
    }
    int err = fd < 0 ? fd : source_open(backend, fd, 0, &process->pidfd);
    if (err >= 0)
        return 0;
    if (fd >= 0)
        sys_close(fd);
    sys_kill_and_reap(process->pid);
    return err;
}

static int process_start(struct asyncio_process *process,
                         const char *const *argv,
                         const struct asyncio_process_options *options)
{
    struct process_plan plan = {
        .spawn = {
            .program = options->program ? options->program : argv[0],
            .argv = argv,
            .env = options->env,
            .cwd = options->cwd,
            .new_session = options->new_session,
            .new_group = options->new_group,
            .group = options->group,
            .keep_signals = options->keep_signals,
        },
    };
    int err = process_plan_open(&plan, process, options);
    if (err == 0)
        err = sys_spawn(&plan.spawn, &process->pid);
    process_plan_close(&plan);
    if (err == 0)
        err = process_watch(process);
    return err;
}

int asyncio_create_subprocess_exec(
    const char *const *argv, const struct asyncio_process_options *options,
    asyncio_process **ret_process)
{
    options = options ? options : &no_options;
    int err = asyncio_sleep(0);
    if (err == 0)
        err = argv && argv[0] ? options_check(options) : -EINVAL;
    if (err == 0)
        err = loop_open_backend(loop_current);
    if (err < 0)
        return err;
    if (loop_current->is_virtual)
        return -ENOTSUP;
    struct asyncio_process *process = process_new(options);
    if (!process)
        return -ENOMEM;
    err = process_start(process, argv, options);
    if (err < 0) {
        process_free(process);
        return err;
    }
    process_set_limits(process, options->limit);
    *ret_process = process;
    return 0;
}

int asyncio_create_subprocess_shell(
    const char *command, const struct asyncio_process_options *options,
    asyncio_process **ret_process)
{
    const char *const argv[] = {"/bin/sh", "-c", command, NULL};
    if (!command)
        return -EINVAL;
    return asyncio_create_subprocess_exec(argv, options, ret_process);
}
