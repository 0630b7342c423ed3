/* SPDX-License-Identifier: MIT */
/*
 * Standard streams, whatever they are (a file, a pipe, a socket, a terminal),
 * pipes of one's own, and the modes of a terminal.
 *
 *     asyncio_stream *input;
 *     char line[256];
 *     int err = asyncio_stdin(&input);
 *     if (err < 0)
 *         return err;
 *     while (asyncio_stream_readline(input, line, sizeof line) > 0)
 *         ...
 *     asyncio_stream_close(input);
 *
 * Descriptors 0, 1 and 2 are shared with other processes: with the shell, with
 * the other programs of a pipeline. So their mode is never changed (a
 * nonblocking terminal breaks the shell after us). The streams have
 * descriptors of their own: a pipe or a terminal opened anew where the system
 * allows it, else a duplicate that is read only when there is something. Files
 * are for the pool where the page cache does not have them, and so are writes
 * to a terminal that is not ours to open (after su): what has begun of these
 * must finish, a cancelled call waits for it.
 */
#ifndef ASYNCIO_STDIO_H
#define ASYNCIO_STDIO_H

#include <asyncio/base.h>
#include <asyncio/stream.h>
#include <asyncio/task.h>

ASYNCIO_BEGIN

/* ---- streams ---- */

/*
 * A stream of descriptor 0, to be closed by the caller; 0 itself stays open.
 * Open it once: what one stream has read ahead another one does not see. Never
 * suspends. -EBADF: it is closed; -ENOTSUP: in a simulation; -EMFILE, -ENOMEM.
 */
ASYNCIO_API int asyncio_stdin(asyncio_stream **ret_stream);

/* The same of descriptor 1. What stdio has buffered (printf) is not written by
 * it: fflush before the two are mixed. */
ASYNCIO_API int asyncio_stdout(asyncio_stream **ret_stream);

/* The same of descriptor 2. */
ASYNCIO_API int asyncio_stderr(asyncio_stream **ret_stream);

/* A pipe: what is written to the one is read from the other. Its end comes
 * with asyncio_stream_write_eof, or with the writer's close. Never suspends.
 * -EMFILE, -ENOMEM, -ENOTSUP: in a simulation. */
ASYNCIO_API int asyncio_pipe(asyncio_stream **ret_reader,
                             asyncio_stream **ret_writer);

/* ---- terminals ---- */

enum asyncio_terminal_mode {
    ASYNCIO_TERMINAL_CBREAK,     /* each key at once and unseen; Ctrl-C and the
                                  * like are signals */
    ASYNCIO_TERMINAL_RAW,        /* each byte as it comes, and as it goes */
    ASYNCIO_TERMINAL_NO_ECHO     /* by lines, unseen: for passwords */
};

/* What a terminal was before. */
struct asyncio_terminal {
    int fd_;
    uint64_t before_[16];        /* a struct termios, whose header has names
                                  * like ECHO */
};

/*
 * Changes the mode of the terminal `fd`, which is the terminal's and so every
 * process's that has it, until asyncio_terminal_end. Keys that have come stay.
 * Never suspends, and does not wait for output that is held up. -ENOTTY: it is
 * no terminal. A process in the background is stopped by it (SIGTTOU).
 */
ASYNCIO_API int asyncio_terminal_begin(struct asyncio_terminal *terminal,
                                       int fd, enum asyncio_terminal_mode mode);

/* Puts back what asyncio_terminal_begin found. Never suspends. As there. */
ASYNCIO_API int asyncio_terminal_end(const struct asyncio_terminal *terminal);

struct asyncio_terminal_size {
    unsigned rows;
    unsigned columns;
};

/* The size of its window in characters; SIGWINCH tells of another one
 * (asyncio/signal.h). Never suspends. -ENOTTY. */
ASYNCIO_API int
asyncio_terminal_get_size(int fd, struct asyncio_terminal_size *ret_size);

ASYNCIO_END

#endif
