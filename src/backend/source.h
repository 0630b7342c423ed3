/* SPDX-License-Identifier: MIT */
/*
 * A source: a descriptor that belongs to the library, and all news of it.
 *
 * An op on a bare descriptor asks the kernel anew each time it has to wait,
 * since the program may do with the descriptor what it likes meanwhile. A
 * source is told of everything from its opening to its end by one request
 * (EPOLLET; a multishot poll in a ring) and remembers what was ready. An op
 * with a source tries where that says ready, else stands in the source's line;
 * either way the kernel is asked nothing but the read or write itself.
 *
 *              source_open              source_close          the last news
 *    (nothing) -----------> WATCHED ----------------> CLOSING --------> freed
 *                  |                                     ^
 *                  +-----> UNWATCHED -------------------+
 *                  the back end cannot: ops wait as on a bare descriptor
 *
 * The descriptor is closed when no request of the kernel's holds the file any
 * more, not before: else its other side would not see the end (axboe/liburing
 * #568). That is at once with epoll, and after the next wait with a ring; so
 * whoever wants the other side to know now shuts the socket down first.
 */
#ifndef BACKEND_SOURCE_H
#define BACKEND_SOURCE_H

#include "backend/backend.h"

enum source_state {
    SOURCE_WATCHED,
    SOURCE_UNWATCHED,
    SOURCE_CLOSING,
};

struct source {
    int fd;                      /* owned */
    enum source_state state;
    unsigned ready;              /* poll(2)'s bits that hold, as far as known */
    bool is_lumpy;               /* a short result may leave more behind it:
                                  * set by whoever opens it */
    bool is_released;            /* the descriptor is somebody else's again */
    bool is_armed;               /* uring: the kernel has the request */
    size_t polls;                /* uring: ops that poll for themselves, as
                                  * those of an UNWATCHED one do */
    struct asyncio_link again;   /* uring: to arm, or to withdraw when CLOSING,
                                  * as soon as there is an entry for it */
    struct backend *backend;     /* NULL: that has been closed */
    struct asyncio_link link;    /* in the back end's `sources` */
    struct asyncio_link waiters; /* ops AT_SOURCE, oldest first; those of
                                  * an UNWATCHED one that are IN_RING */
};

/*
 * Takes `fd` over, which must be a nonblocking one that can be polled, once it
 * returns 0. `ready`: bits that are known to hold already. -ENOMEM, -ENOTSUP
 * (sim), what epoll_ctl says.
 */
int source_open(struct backend *backend, int fd, unsigned ready,
                struct source **ret_source);

/* Gives it up and closes the descriptor. Ops that still wait end with -EBADF
 * at the next wait. NULL is fine. */
void source_close(struct source *source);

/* Gives it up and hands the descriptor back to whoever gave it. As
 * source_close in all else. */
int source_release(struct source *source);

/* Would an attempt for these events succeed, as far as is known? Asks the
 * kernel where the last result told nothing of that. */
bool source_is_ready(struct source *source, unsigned events);

/* The op's attempt, as far as that goes without waiting: its result, or
 * -EAGAIN. The op is never in flight. */
ssize_t source_try(struct op *op);

/* ---- for the back ends ---- */

/* submit of an op whose source is WATCHED. */
bool source_submit(struct backend *backend, struct op *op);

/* What submit does first wherever readiness may be known: true when that was
 * all. */
bool source_attempt(struct op *op);

/* News has come: tries the ops again that wait for it; how many ended. */
int source_report(struct source *source, unsigned got);

/* The kernel has let go of it: closes the descriptor and frees it. */
void source_free(struct source *source);

/* At the back end's end: sources that nobody has closed let go of it, and
 * those that wait for the kernel no longer do. */
void sources_orphan(struct backend *backend);

/* The same in a fork's child, where descriptors stay as they are: another
 * thread may have forked while their numbers changed hands. */
void sources_poison(struct backend *backend);

#endif
