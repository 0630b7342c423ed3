/* SPDX-License-Identifier: MIT */
/*
 * OP_POLL: until one of `events` (poll(2)'s bits) holds on `fd`. The result
 * are those that hold, with POLLERR and POLLHUP whether asked for or not.
 */
#include <errno.h>
#include <poll.h>

#include "backend/op_class.h"
#include "backend/ring.h"

/* Without got there is nothing to say yet: the poller itself will tell, and a
 * look beforehand would be a system call that mostly says no. */
static ssize_t poll_attempt(struct op *op, unsigned got)
{
    if (got & POLLRDHUP)
        got |= POLLIN;           /* the end is there to be read */
    got &= op->events | POLLERR | POLLHUP;
    return got ? (ssize_t)got : -EAGAIN;
}

static unsigned poll_events(const struct op *op)
{
    return op->events;
}

#ifdef HAVE_LIBURING
static void poll_prepare(struct op *op, struct io_uring_sqe *sqe)
{
    io_uring_prep_poll_add(sqe, op->fd, op->events);
}
#endif

const struct op_class op_poll_class = {
    .name = "poll",
    .cancel_rule = OP_WITHDRAWN,
    .attempt = poll_attempt,
    .events = poll_events,
    .prepare = RING_VIEW(poll_prepare),
};
