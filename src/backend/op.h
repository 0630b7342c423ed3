/* SPDX-License-Identifier: MIT */
/*
 * An operation: one completion, in the memory of whoever waits for it.
 *
 *            op_submit                    back end
 *    IDLE ---------------> IN_FLIGHT ----------------> IDLE, then done(op)
 *      \                       |  op_cancel: a wish; the op still ends once,
 *       \ done at once:        |  with -ECANCELED or with its result
 *        +-> IDLE, `true`      v
 *
 * While IN_FLIGHT the op and its buffer belong to the back end; `done` runs on
 * the loop's thread and only queues work, it never runs user code.
 *
 * Each kind has one file, op_<kind>.c, that holds both its views: how the ring
 * does it, and how readiness does it (attempt now; if it would block, wait for
 * the fd and attempt again; if it can only block, the pool).
 */
#ifndef BACKEND_OP_H
#define BACKEND_OP_H

#include <sys/types.h>

#include "base/base.h"
#include "base/list.h"
#include "base/work.h"

enum op_kind {
    OP_POLL,                     /* until one of `events` holds; result: them */
    OP_READ,                     /* at the file position; result: bytes */
    OP_WRITE,
    OP_WORK,                     /* a blocking function in the pool */
    OP_RECV,                     /* of a socket; result: bytes */
    OP_SEND,
    OP_RECVMSG,                  /* with addresses, descriptors, ... */
    OP_SENDMSG,
    OP_RECVMMSG,                 /* of many messages; result: how many */
    OP_SENDMMSG,
    OP_ACCEPT,                   /* result: the new descriptor */
    OP_CONNECT,                  /* the outcome of a connect under way */
    OP_PREADV,                   /* of a file, at an offset; result: bytes */
    OP_PWRITEV,
    OP_FSYNC,
    OP_SENDFILE,                 /* from a file to `fd`; result: bytes */
    OP_KIND_COUNT,
};

enum op_state {
    OP_IDLE,
    OP_IN_FLIGHT,
};

/* What a cancel can do to an operation that has started; see DESIGN. */
enum op_cancel_rule {
    OP_WITHDRAWN,                /* ask, wait for the completion, return */
    OP_MUST_FINISH,              /* it ends when it ends */
};

/* Where the back end has an operation that is IN_FLIGHT; the loop's thread
 * alone reads and writes it. */
enum op_place {
    OP_NOWHERE,
    OP_AT_FD,                    /* epoll: among the waiters of its fd */
    OP_AT_SOURCE,                /* among the waiters of its source */
    OP_IN_BACKLOG,               /* uring: no submission entry was free */
    OP_IN_RING,                  /* uring: the kernel has it, or will */
    OP_IN_POOL,
    OP_IN_SIM,
    OP_ENDED,                    /* result is set; done at the next wait */
};

/* The pool's half of the story, guarded by the pool's lock; see pool.h. */
enum job_state {
    JOB_NONE,
    JOB_QUEUED,
    JOB_RUNNING,
    JOB_RETURNED,
};

struct backend;
struct mailbox;
struct pool;
struct source;
struct iovec;
struct msghdr;
struct mmsghdr;

/* Zero it before the first use; then set the upper half and submit. */
struct op {
    enum op_kind kind;
    enum op_state state;
    int fd;                      /* of all but WORK */
    struct source *source;       /* whose that is; NULL: the program's own */
    unsigned events;             /* of POLL: poll(2)'s bits */
    ssize_t result;              /* valid once done: >= 0 or negative errno */
    void (*done)(struct op *op);
    union {
        struct {
            void *buf;
            size_t len;
            int flags;           /* of RECV, SEND */
        } io;                    /* READ, WRITE, RECV, SEND */
        struct {
            struct msghdr *header;
            int flags;
        } message;               /* RECVMSG, SENDMSG */
        struct {
            const struct iovec *parts;
            size_t count;        /* at most IOV_MAX */
            int64_t offset;
        } vector;                /* PREADV, PWRITEV */
        struct {
            bool is_data_only;
        } sync;                  /* FSYNC */
        struct {
            int from_fd;
            int64_t offset;
            size_t len;
        } sendfile;              /* SENDFILE */
        struct {
            struct mmsghdr *headers;
            unsigned count;
            int flags;
        } messages;              /* RECVMMSG, SENDMMSG */
        struct {
            int (*run)(void *arg);
            void *arg;
            struct pool *pool;
        } job;                   /* WORK */
    };

    /* The back end's, while IN_FLIGHT. */
    struct backend *backend;     /* which counts it; NULL: pool_submit's user */
    struct asyncio_link link;    /* among the waiters of its fd, in a pool's
                                  * queue, or in a list of the back end */
    struct work work;            /* posts a pool's completion home */
    struct mailbox *home;        /* counted; where that is posted */
    void (*discard)(struct op *op);  /* pool's lock: whoever waited is gone */
    uint64_t due_ns;             /* sim: when it completes */
    enum op_place place;
    enum job_state job_state;
    bool cancel_asked;
    bool ring_polls;             /* uring: waits for the fd, then tries again */
};

#endif
