/* SPDX-License-Identifier: MIT */
/*
 * Child processes: other programs, their pipes, and how they end.
 *
 *     const char *argv[] = {"sort", "-u", NULL};
 *     struct asyncio_process_options options = {
 *         .std_in.to = ASYNCIO_PIPE, .std_out.to = ASYNCIO_PIPE,
 *     };
 *     asyncio_process *process;
 *     int err = asyncio_create_subprocess_exec(argv, &options, &process);
 *     if (err < 0)
 *         return err;
 *     struct asyncio_communication talk = {.input = text, .input_len = len};
 *     err = asyncio_process_communicate(process, &talk);
 *     puts(talk.out.bytes ? talk.out.bytes : "");
 *     asyncio_communication_fini(&talk);
 *     asyncio_process_close(process);
 *
 * Who starts a process closes it, and closing ends what still runs: no child
 * outlives its handle by mistake, and none stays a zombie. No handler of
 * SIGCHLD is installed, so the program's other children are left alone; a
 * program that ignores SIGCHLD, or reaps whatever ends, loses what its
 * processes came to (-ECHILD).
 *
 * A process belongs to the loop it was started in. Nothing here works in a
 * simulation (-ENOTSUP).
 */
#ifndef ASYNCIO_PROCESS_H
#define ASYNCIO_PROCESS_H

#include <sys/types.h>

#include <asyncio/base.h>
#include <asyncio/stream.h>
#include <asyncio/task.h>

ASYNCIO_BEGIN

typedef struct asyncio_process asyncio_process;

/* ---- starting ---- */

enum asyncio_redirect_to {
    ASYNCIO_INHERIT,             /* what this program has there */
    ASYNCIO_PIPE,                /* a stream of this program's: the child reads
                                  * its standard input from it, and writes the
                                  * others */
    ASYNCIO_PIPE_IN,             /* likewise, for the child to read */
    ASYNCIO_DEVNULL,             /* /dev/null */
    ASYNCIO_STDOUT,              /* wherever the child's standard output goes */
    ASYNCIO_FD                   /* `fd`, lent until the call returns */
};

/* Where a descriptor of the child leads. Zeros: inherited. */
struct asyncio_redirect {
    enum asyncio_redirect_to to;
    int fd;
};

/* One beyond standard input, output and error. ASYNCIO_INHERIT: the program's
 * descriptor of the same number. */
struct asyncio_process_fd {
    int number;                  /* in the child: 3 to 255 */
    struct asyncio_redirect redirect;
};

enum { ASYNCIO_PROCESS_FDS_MAX = 32 };

/* Zeros are defaults. Everything pointed to is lent until the call returns. */
struct asyncio_process_options {
    struct asyncio_redirect std_in;
    struct asyncio_redirect std_out;
    struct asyncio_redirect std_err;
    /* The child has these and no other descriptors, whatever this program has
     * open. At most ASYNCIO_PROCESS_FDS_MAX. */
    const struct asyncio_process_fd *fds;
    size_t fd_count;

    const char *program;         /* default: argv[0] */
    const char *const *env;      /* "NAME=value", ended by NULL; default: this
                                  * program's */
    const char *cwd;
    bool new_session;            /* setsid(2): no controlling terminal */
    bool new_group;              /* a process group of its own: Ctrl-C at the
                                  * terminal does not reach it */
    pid_t group;                 /* an existing one to join; 0: this one's */
    /* Every signal has its default action in the child and none is blocked,
     * unless this says: what is ignored or blocked here is so there, as
     * nohup(1) wants it; but for SIGPIPE, which has its default. */
    bool keep_signals;
    bool kill_on_cancel;         /* a cancelled wait or communicate ends it, as
                                  * close does, before it returns */
    /* terminate, kill and close signal all of its group (new_group or
     * new_session, else -EINVAL), and so what a shell has started, too; as
     * long as the child itself has not ended. */
    bool kill_group;
    double grace;                /* seconds from SIGTERM to SIGKILL where it is
                                  * ended; 0: 5; negative: SIGKILL at once */
    size_t limit;                /* of its streams' readline; 0: 64 KiB */
};

/*
 * Starts a program. argv[0] (or options->program) is looked up in this
 * program's PATH unless it has a slash; a relative one with a slash is meant
 * from `cwd`. `options` may be NULL. Writes *ret_process.
 *
 * Suspends to let others run, then takes the loop's thread for as long as the
 * kernel needs to load the program, about a tenth of a millisecond, however
 * large this process is (docs/decisions/0012). Cancelled: -ECANCELED, nothing
 * has been started. What kept it from starting is the result: -ENOENT,
 * -EACCES, -ENOEXEC, -E2BIG, as execve(2) and chdir(2); -EAGAIN: too many
 * processes; -EMFILE; -EBADF: a redirect's; -ESRCH, -EPERM: no such group;
 * -EINVAL: options that contradict each other.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_create_subprocess_exec(const char *const *argv,
                               const struct asyncio_process_options *options,
                               asyncio_process **ret_process);

/* As asyncio_create_subprocess_exec, of `/bin/sh -c command`. What is in the
 * command is the shell's to read: put no foreign text into it. */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_create_subprocess_shell(const char *command,
                                const struct asyncio_process_options *options,
                                asyncio_process **ret_process);

/* ---- facts ---- */

/* Its number, also after its end. Never suspends. */
ASYNCIO_API pid_t asyncio_process_pid(const asyncio_process *process);

/*
 * What it came to, as wait; -EAGAIN: it runs. `ret_returncode` may be NULL.
 * Never suspends. -ECHILD: somebody else has reaped it.
 */
ASYNCIO_API int asyncio_process_returncode(asyncio_process *process,
                                           int *ret_returncode);

/*
 * The stream at the other end of its pipes; NULL where there is none. It stays
 * the process's: it is closed with it. To say that no more input comes, call
 * asyncio_stream_write_eof. Never suspends.
 */
ASYNCIO_API asyncio_stream *asyncio_process_stdin(asyncio_process *process);
/* Its standard output, likewise. */
ASYNCIO_API asyncio_stream *asyncio_process_stdout(asyncio_process *process);
/* Its standard error, likewise. */
ASYNCIO_API asyncio_stream *asyncio_process_stderr(asyncio_process *process);
/* The pipe at any `number` of the child's, likewise. */
ASYNCIO_API asyncio_stream *asyncio_process_pipe(asyncio_process *process,
                                                 int number);

/* ---- waiting ---- */

/*
 * Waits until it has ended and reaps it. *ret_returncode (may be NULL) is its
 * exit status, or the negative number of the signal that ended it. Any number
 * of tasks may wait, and again. Suspends. A child that writes to a pipe nobody
 * reads does not end: use communicate. Cancelled: -ECANCELED; the child runs on
 * unless kill_on_cancel was asked for. -ECHILD: somebody else has reaped it;
 * -EBADF: closed meanwhile.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_process_wait(asyncio_process *process,
                                                      int *ret_returncode);

/* What a child has said: `len` bytes and a NUL after them; bytes is NULL where
 * it said nothing. The caller's. */
struct asyncio_output {
    char *bytes;
    size_t len;
};

/* Zeros are defaults, and the outputs' beginning. */
struct asyncio_communication {
    const void *input;           /* for its standard input; lent */
    size_t input_len;
    size_t limit;                /* bytes of each output; 0: 16 MiB */
    struct asyncio_output out;   /* of pipes only */
    struct asyncio_output err;
    size_t input_taken;          /* how much of the input has gone */
};

/*
 * Writes the input to its standard input and ends that, reads its standard
 * output and error to their ends, all at once, then waits until it has ended.
 * Returns 0, and asyncio_process_returncode has what it came to. A child that
 * does not care for the rest of its input is no error. The outputs hold what
 * has been read however the call ends; free them with
 * asyncio_communication_fini, and do not reuse them without.
 *
 * Suspends. Cancelled: -ECANCELED; the child runs on unless kill_on_cancel was
 * asked for. -EMSGSIZE: an output is longer than the limit; the child may hang
 * in writing the rest, so close it. -ENOMEM. -EBUSY: somebody else reads or
 * writes a stream of it.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_process_communicate(asyncio_process *process,
                            struct asyncio_communication *communication);

/* Frees the outputs; the rest stays. Never suspends. */
ASYNCIO_API void
asyncio_communication_fini(struct asyncio_communication *communication);

/* ---- ending ---- */

/* Sends it a signal. Never suspends. -ESRCH: it has ended; -EINVAL: no such
 * signal; -EPERM: it has become somebody else's. */
ASYNCIO_API int asyncio_process_send_signal(asyncio_process *process,
                                            int signo);

/* SIGTERM, to its group where kill_group was asked for. As send_signal. */
ASYNCIO_API int asyncio_process_terminate(asyncio_process *process);

/* SIGKILL, likewise. */
ASYNCIO_API int asyncio_process_kill(asyncio_process *process);

/*
 * Closes its streams and frees it. One that still runs is ended first: SIGTERM,
 * after options.grace seconds SIGKILL; and it is reaped. NULL is fine. Suspends
 * until it has ended; not cut short by a cancel. Other calls that wait for it
 * are -EBADF or have its end. Outside of tasks: SIGKILL at once.
 */
ASYNCIO_API ASYNCIO_SUSPENDS void
asyncio_process_close(asyncio_process *process);

/*
 * Closes its streams and frees it, and lets the child run on: returns its
 * number, and asyncio_wait_child is the caller's to call. Never suspends.
 * -ECHILD: it has been reaped. -EBUSY: somebody waits for it, and nothing has
 * been done.
 */
ASYNCIO_API pid_t asyncio_process_detach(asyncio_process *process);

ASYNCIO_END

#endif
