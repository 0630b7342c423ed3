/* SPDX-License-Identifier: MIT */
/*
 * What the tests of descriptors share: pairs of ends, files, and calls that
 * wait, each in a task of its own.
 */
#ifndef IO_RIG_H
#define IO_RIG_H

#include <sys/socket.h>

#include "../engine/rig.h"

/* ---- ends ---- */

struct ends {
    int read, write;
};

static UNUSED struct ends open_pipe(int flags)
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC | flags), 0);
    return (struct ends){fds[0], fds[1]};
}

static UNUSED struct ends open_sockets(int flags)
{
    int fds[2];
    ck_assert_int_eq(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0, fds), 0);
    return (struct ends){fds[0], fds[1]};
}

static UNUSED void close_ends(struct ends ends)
{
    close(ends.read);
    close(ends.write);
}

static UNUSED void put(int fd, const char *bytes)
{
    ck_assert_int_eq(write(fd, bytes, strlen(bytes)), strlen(bytes));
}

/* Writes until nothing more fits; how much that was. */
static UNUSED size_t fill(int fd)
{
    static const char bytes[4096];
    size_t total = 0;
    ssize_t len;
    int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    while ((len = write(fd, bytes, sizeof bytes)) > 0)
        total += (size_t)len;
    fcntl(fd, F_SETFL, flags);
    return total;
}

static UNUSED void drain(int fd, size_t len)
{
    char bytes[4096];
    while (len > 0) {
        ssize_t got =
            read(fd, bytes, len < sizeof bytes ? len : sizeof bytes);
        ck_assert_int_gt(got, 0);
        len -= (size_t)got;
    }
}

static UNUSED int open_temporary(void)
{
    char name[] = "/tmp/casyncio-test-XXXXXX";
    int fd = mkstemp(name);
    ck_assert_int_ge(fd, 0);
    unlink(name);
    return fd;
}

/* ---- calls in tasks ---- */

struct call {
    int fd;
    unsigned events;             /* of a wait */
    char buf[64];                /* of a read */
    size_t len;                  /* of a read; 0: all of it */
    asyncio_task task;
};

static UNUSED int call_wait(void *arg)
{
    struct call *call = arg;
    return asyncio_fd_wait(call->fd, call->events);
}

static UNUSED int call_read(void *arg)
{
    struct call *call = arg;
    return (int)asyncio_fd_read(call->fd, call->buf,
                                call->len ? call->len : sizeof call->buf);
}

static UNUSED void call_start(struct call *call, asyncio_fn *fn)
{
    call->task = asyncio_create_task(fn, call);
    ck_assert_int_eq(asyncio_task_error(call->task), 0);
}

static UNUSED void start_wait(struct call *call, int fd, unsigned events)
{
    *call = (struct call){.fd = fd, .events = events};
    call_start(call, call_wait);
}

static UNUSED void start_read(struct call *call, int fd)
{
    *call = (struct call){.fd = fd};
    call_start(call, call_read);
}

static UNUSED void assert_waits(struct call *call)
{
    let_a_turn_pass();
    ck_assert(!asyncio_task_is_done(call->task));
}

static UNUSED int call_end(struct call *call)
{
    return asyncio_await(call->task);
}

static UNUSED int call_cancel(struct call *call)
{
    ck_assert_int_eq(asyncio_task_cancel(call->task), 0);
    return asyncio_await(call->task);
}

/* ---- many descriptors ---- */

enum { MANY = 1000 };

/* How many pipes this process may open, MANY at most. */
static UNUSED int many_pipes(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    rlim_t pipes = limit.rlim_cur > 200 ? (limit.rlim_cur - 100) / 2 : 50;
    return pipes < MANY ? (int)pipes : MANY;
}

#endif
