/* SPDX-License-Identifier: MIT */
/*
 * Standard streams, pipes, terminals; see asyncio/stdio.h.
 *
 * O_NONBLOCK belongs to the open file, which our descriptors 0, 1 and 2 share
 * with whoever else has them. So each kind is read in its own way:
 *
 *   a pipe, a terminal   opened anew through /proc: nonblocking, and watched
 *   a socket             duplicated and watched; each call says MSG_DONTWAIT
 *   a file, and what     duplicated, "bare": each read and write tries without
 *   cannot be opened     waiting (RWF_NOWAIT), then polls, or goes to the pool
 *
 * A terminal that is writable promises room for one character, and blocks for
 * the rest; where it cannot be opened anew its writes are for the pool.
 */
#include <asyncio/stdio.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "io/stream.h"
#include "sys/descriptors.h"

_Static_assert(sizeof(struct termios) <=
                   sizeof((struct asyncio_terminal *)0)->before_,
               "the public structure has room for it");

/* ---- standard streams ---- */

/* The news of what was there before the opening has been: a pipe whose writers
 * had gone is one. So the first call tries. */
static int standard_watch(int fd, bool is_socket, asyncio_stream **ret_stream)
{
    return stream_new(fd, is_socket, POLLIN | POLLOUT, ret_stream);
}

static int standard_duplicate(int fd, int kind, asyncio_stream **ret_stream)
{
    int own = sys_duplicate_above(fd, STDERR_FILENO + 1);
    if (own < 0)
        return own;
    int err = kind == FD_SOCKET ? standard_watch(own, true, ret_stream)
                                : stream_new_bare(own, ret_stream);
    if (err < 0)
        sys_close(own);
    else
        (*ret_stream)->writes_block = kind == FD_TERMINAL;
    return err;
}

static int standard_reopen(int fd, asyncio_stream **ret_stream)
{
    int own = sys_reopen(fd);
    if (own < 0)
        return own;
    int err = standard_watch(own, false, ret_stream);
    if (err < 0)
        sys_close(own);
    return err;
}

static int standard_open(int fd, asyncio_stream **ret_stream)
{
    int kind = sys_fd_kind(fd);
    if (kind < 0)
        return kind;
    if ((kind == FD_PIPE || kind == FD_TERMINAL) &&
        standard_reopen(fd, ret_stream) == 0)
        return 0;
    return standard_duplicate(fd, kind, ret_stream);
}

int asyncio_stdin(asyncio_stream **ret_stream)
{
    return standard_open(STDIN_FILENO, ret_stream);
}

int asyncio_stdout(asyncio_stream **ret_stream)
{
    return standard_open(STDOUT_FILENO, ret_stream);
}

int asyncio_stderr(asyncio_stream **ret_stream)
{
    return standard_open(STDERR_FILENO, ret_stream);
}

/* ---- pipes ---- */

int asyncio_pipe(asyncio_stream **ret_reader, asyncio_stream **ret_writer)
{
    int fds[2];
    asyncio_stream *reader;
    int err = sys_pipe(fds);
    if (err < 0)
        return err;
    err = stream_new(fds[0], false, 0, &reader);
    if (err < 0)
        goto err_close_both;
    err = stream_new(fds[1], false, POLLOUT, ret_writer);
    if (err < 0)
        goto err_close_reader;
    *ret_reader = reader;
    return 0;

err_close_reader:
    asyncio_stream_close(reader);
    sys_close(fds[1]);
    return err;
err_close_both:
    sys_close(fds[0]);
    sys_close(fds[1]);
    return err;
}

/* ---- terminals ---- */

static int mode_change(struct termios *mode, enum asyncio_terminal_mode to)
{
    switch (to) {
    case ASYNCIO_TERMINAL_RAW:
        cfmakeraw(mode);
        break;
    case ASYNCIO_TERMINAL_CBREAK:
        mode->c_lflag &= ~(tcflag_t)(ECHO | ICANON);
        break;
    case ASYNCIO_TERMINAL_NO_ECHO:
        mode->c_lflag &= ~(tcflag_t)ECHO;
        return 0;
    default:
        return -EINVAL;
    }
    mode->c_cc[VMIN] = 1;
    mode->c_cc[VTIME] = 0;
    return 0;
}

int asyncio_terminal_begin(struct asyncio_terminal *terminal, int fd,
                           enum asyncio_terminal_mode mode)
{
    struct termios before, after;
    int err = sys_terminal_get(fd, &before);
    if (err < 0)
        return err;
    after = before;
    err = mode_change(&after, mode);
    if (err == 0)
        err = sys_terminal_set(fd, &after);
    if (err < 0)
        return err;
    terminal->fd_ = fd;
    memcpy(terminal->before_, &before, sizeof before);
    return 0;
}

int asyncio_terminal_end(const struct asyncio_terminal *terminal)
{
    struct termios before;
    memcpy(&before, terminal->before_, sizeof before);
    return sys_terminal_set(terminal->fd_, &before);
}

int asyncio_terminal_get_size(int fd, struct asyncio_terminal_size *ret_size)
{
    return sys_terminal_size(fd, &ret_size->rows, &ret_size->columns);
}
