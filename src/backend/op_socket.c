/* SPDX-License-Identifier: MIT */
/*
 * Operations on sockets that a source owns: tried when it says ready, so what
 * the ring contributes is the news, and the reading and writing are plain
 * calls. (That measured as fast as one-shot requests of a ring, and never
 * leaves a buffer with the kernel; a receive of many needs a ring's own
 * buffers.)
 */
#include <errno.h>
#include <poll.h>

#include "backend/op_class.h"
#include "backend/source.h"
#include "sys/sockets.h"

static unsigned events_in(const struct op *op)
{
    (void)op;
    return POLLIN;
}

static unsigned events_out(const struct op *op)
{
    (void)op;
    return POLLOUT;
}

/* On a stream a short result means that this was all; the end, 0, goes on to
 * be ready. */
static bool io_takes_all(const struct op *op, ssize_t result)
{
    return result > 0 && (size_t)result < op->io.len;
}

static ssize_t recv_attempt(struct op *op, unsigned got)
{
    (void)got;
    return sys_recv(op->fd, op->io.buf, op->io.len, op->io.flags);
}

static ssize_t send_attempt(struct op *op, unsigned got)
{
    (void)got;
    return sys_send(op->fd, op->io.buf, op->io.len, op->io.flags);
}

static ssize_t recvmsg_attempt(struct op *op, unsigned got)
{
    (void)got;
    return sys_recvmsg(op->fd, op->message.header, op->message.flags);
}

static ssize_t sendmsg_attempt(struct op *op, unsigned got)
{
    (void)got;
    return sys_sendmsg(op->fd, op->message.header, op->message.flags);
}

static ssize_t recvmmsg_attempt(struct op *op, unsigned got)
{
    (void)got;
    return sys_recvmmsg(op->fd, op->messages.headers, op->messages.count,
                        op->messages.flags);
}

static ssize_t sendmmsg_attempt(struct op *op, unsigned got)
{
    (void)got;
    return sys_sendmmsg(op->fd, op->messages.headers, op->messages.count,
                        op->messages.flags);
}

/* Fewer than there was room for: these were all. */
static bool messages_take_all(const struct op *op, ssize_t result)
{
    return result > 0 && (size_t)result < op->messages.count;
}

static ssize_t accept_attempt(struct op *op, unsigned got)
{
    (void)got;
    return sys_accept(op->fd, NULL, NULL);
}

static ssize_t connect_attempt(struct op *op, unsigned got)
{
    return got ? sys_socket_error(op->fd) : -EAGAIN;
}

const struct op_class op_recv_class = {
    .name = "recv",
    .cancel_rule = OP_WITHDRAWN,
    .attempt = recv_attempt,
    .events = events_in,
    .takes_all = io_takes_all,
};

const struct op_class op_send_class = {
    .name = "send",
    .cancel_rule = OP_WITHDRAWN,
    .attempt = send_attempt,
    .events = events_out,
    .takes_all = io_takes_all,
};

const struct op_class op_recvmsg_class = {
    .name = "recvmsg",
    .cancel_rule = OP_WITHDRAWN,
    .attempt = recvmsg_attempt,
    .events = events_in,
};

const struct op_class op_sendmsg_class = {
    .name = "sendmsg",
    .cancel_rule = OP_WITHDRAWN,
    .attempt = sendmsg_attempt,
    .events = events_out,
};

const struct op_class op_recvmmsg_class = {
    .name = "recvmmsg",
    .cancel_rule = OP_WITHDRAWN,
    .attempt = recvmmsg_attempt,
    .events = events_in,
    .takes_all = messages_take_all,
};

/* Fewer may also mean that the next one cannot be sent at all. */
const struct op_class op_sendmmsg_class = {
    .name = "sendmmsg",
    .cancel_rule = OP_WITHDRAWN,
    .attempt = sendmmsg_attempt,
    .events = events_out,
};

const struct op_class op_accept_class = {
    .name = "accept",
    .cancel_rule = OP_WITHDRAWN,
    .attempt = accept_attempt,
    .events = events_in,
};

const struct op_class op_connect_class = {
    .name = "connect",
    .cancel_rule = OP_WITHDRAWN,
    .attempt = connect_attempt,
    .events = events_out,
};
