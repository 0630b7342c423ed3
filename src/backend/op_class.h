/* SPDX-License-Identifier: MIT */
/*
 * What the back ends know of each kind of operation: both its views, in one
 * const table. A new operation is a row here and a file op_<kind>.c; no back
 * end changes.
 */
#ifndef BACKEND_OP_CLASS_H
#define BACKEND_OP_CLASS_H

#include "backend/backend.h"
#include "backend/op.h"

struct io_uring_sqe;

struct op_class {
    const char *name;
    enum op_cancel_rule cancel_rule;

    /* ---- readiness; attempt is NULL where there is but the pool ---- */

    /* Worth a try before anything is armed: it mostly succeeds. */
    bool attempt_first;
    /* Does it now: a result, or -EAGAIN when it would block. `got` are the
     * events that the fd was reported ready for, 0 on the first try. */
    ssize_t (*attempt)(struct op *op, unsigned got);
    /* poll(2)'s bits to wait for before the next attempt. */
    unsigned (*events)(const struct op *op);
    /* Does this result show that nothing more is ready? NULL: only -EAGAIN
     * does. See source.h. */
    bool (*takes_all)(const struct op *op, ssize_t result);

    /* ---- blocking; NULL where readiness never fails ---- */

    struct pool *(*pool)(const struct op *op);
    /* On a thread of that pool; takes its time. */
    ssize_t (*block)(struct op *op);

    /* ---- completion; NULL where the ring cannot do it ---- */

    /* Fills all of the entry but its user data. */
    void (*prepare)(struct op *op, struct io_uring_sqe *sqe);
    /* The kernel moved data behind the back of the tools that watch memory. */
    void (*landed)(struct op *op, ssize_t result);
};

extern const struct op_class op_poll_class;
extern const struct op_class op_read_class;
extern const struct op_class op_write_class;
extern const struct op_class op_work_class;
extern const struct op_class op_recv_class;
extern const struct op_class op_send_class;
extern const struct op_class op_recvmsg_class;
extern const struct op_class op_sendmsg_class;
extern const struct op_class op_recvmmsg_class;
extern const struct op_class op_sendmmsg_class;
extern const struct op_class op_accept_class;
extern const struct op_class op_connect_class;
extern const struct op_class op_preadv_class;
extern const struct op_class op_pwritev_class;
extern const struct op_class op_fsync_class;
extern const struct op_class op_sendfile_class;

extern const struct op_class *const op_class[OP_KIND_COUNT];

/* ---- what is the same in every back end ---- */

void backend_init(struct backend *backend, const struct backend_class *class,
                  struct mailbox *mailbox);

/* IDLE -> IN_FLIGHT at `place`. Returns false, which is what submit returns. */
bool op_begin(struct backend *backend, struct op *op, enum op_place place);
/* Never was in flight: submit's answer is true. */
bool op_at_once(struct op *op, ssize_t result);
/* IN_FLIGHT -> ENDED: takes it out of the list that it is in, and adds it to
 * those that the next wait delivers. */
void op_end_later(struct op *op, ssize_t result, struct asyncio_link *ended);
/* IN_FLIGHT -> IDLE, and tells whoever waits. */
void op_end(struct op *op);
/* Ends all of the list; returns how many. */
int op_end_all(struct asyncio_link *ended);

/* submit through the pool */
bool op_submit_to_pool(struct backend *backend, struct op *op);
/* cancel and abandon of what may be there; false: it is not, or too late */
bool op_withdraw_from_pool(struct op *op);
bool op_abandon_in_pool(struct backend *backend, struct op *op,
                        void (*discard)(struct op *op));

#endif
