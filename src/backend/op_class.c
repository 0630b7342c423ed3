/* SPDX-License-Identifier: MIT */
/*
 * The table of operations, and what all back ends do alike with them.
 */
#include "backend/op_class.h"

#include "backend/pool.h"

const struct op_class *const op_class[OP_KIND_COUNT] = {
    [OP_POLL] = &op_poll_class,
    [OP_READ] = &op_read_class,
    [OP_WRITE] = &op_write_class,
    [OP_WORK] = &op_work_class,
    [OP_RECV] = &op_recv_class,
    [OP_SEND] = &op_send_class,
    [OP_RECVMSG] = &op_recvmsg_class,
    [OP_SENDMSG] = &op_sendmsg_class,
    [OP_RECVMMSG] = &op_recvmmsg_class,
    [OP_SENDMMSG] = &op_sendmmsg_class,
    [OP_ACCEPT] = &op_accept_class,
    [OP_CONNECT] = &op_connect_class,
    [OP_PREADV] = &op_preadv_class,
    [OP_PWRITEV] = &op_pwritev_class,
    [OP_FSYNC] = &op_fsync_class,
    [OP_SENDFILE] = &op_sendfile_class,
};

_Static_assert(OP_KIND_COUNT == 16, "a new kind needs its row above");

void backend_init(struct backend *backend, const struct backend_class *class,
                  struct mailbox *mailbox)
{
    backend->class = class;
    backend->mailbox = mailbox;
    backend->in_flight = 0;
    backend->at_sources = 0;
    list_init(&backend->ended);
    list_init(&backend->sources);
}

bool op_begin(struct backend *backend, struct op *op, enum op_place place)
{
    ASSERT(op->state == OP_IDLE);
    op->state = OP_IN_FLIGHT;
    op->place = place;
    op->backend = backend;
    op->cancel_asked = false;
    op->ring_polls = false;
    backend->in_flight++;
    return false;
}

bool op_at_once(struct op *op, ssize_t result)
{
    ASSERT(op->state == OP_IDLE);
    op->result = result;
    return true;
}

void op_end_later(struct op *op, ssize_t result, struct asyncio_link *ended)
{
    ASSERT(op->state == OP_IN_FLIGHT);
    if (op->place == OP_AT_SOURCE)
        op->backend->at_sources--;
    list_remove(&op->link);
    list_push_back(ended, &op->link);
    op->result = result;
    op->place = OP_ENDED;
}

void op_end(struct op *op)
{
    ASSERT(op->state == OP_IN_FLIGHT);
    op->state = OP_IDLE;
    op->place = OP_NOWHERE;
    if (op->backend)
        op->backend->in_flight--;
    op->backend = NULL;
    op->done(op);                /* the op may be gone from here on */
}

int op_end_all(struct asyncio_link *ended)
{
    int count = 0;
    struct asyncio_link *link;
    while ((link = list_pop_front(ended)) != NULL) {
        op_end(container_of(link, struct op, link));
        count++;
    }
    return count;
}

bool op_submit_to_pool(struct backend *backend, struct op *op)
{
    struct pool *pool = op_class[op->kind]->pool(op);
    op_begin(backend, op, OP_IN_POOL);
    int err = pool_submit(pool, op, backend->mailbox);
    if (err == 0)
        return false;
    op->state = OP_IDLE;
    op->place = OP_NOWHERE;
    op->backend = NULL;
    backend->in_flight--;
    return op_at_once(op, err);
}

bool op_withdraw_from_pool(struct op *op)
{
    if (op->place != OP_IN_POOL ||
        !pool_withdraw(op_class[op->kind]->pool(op), op))
        return false;
    op->state = OP_IN_FLIGHT;    /* the pool gave it back, to us */
    return true;
}

bool op_abandon_in_pool(struct backend *backend, struct op *op,
                        void (*discard)(struct op *op))
{
    ASSERT(op->kind == OP_WORK);
    /* The op may be gone once the pool knows. */
    if (op->place != OP_IN_POOL || !pool_abandon(op->job.pool, op, discard))
        return false;
    backend->in_flight--;
    return true;
}
