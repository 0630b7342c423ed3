/* SPDX-License-Identifier: MIT */
/*
 * The back end for kernels that have io_uring and allow it.
 *
 * An op that could not be done at once becomes a submission entry whose user
 * data is the op's address; entries are sent in one call with the next wait.
 *
 *    start              kernel
 *   -------> IN_RING -----------> done
 *    |  ^     |   ^
 *    |  |     |   | ready: starts again
 *    |  |     v   |
 *    |  |    IN_RING, ring_polls: waits for the fd. The kernel says -EAGAIN
 *    |  |    to a read or write that others outran 128 times (APOLL_MAX_RETRY)
 *    v  | an entry is free, in the next wait
 *   IN_BACKLOG
 *
 * The ring is made for one thread, the one that opens the back end, and runs
 * completions only when that thread asks for them (DEFER_TASKRUN): nothing
 * interrupts a running task. TASKRUN_FLAG is what makes a look into shared
 * memory see that there is something to ask for.
 *
 * A cancel is an entry too. It names the op by its address, and cannot hit a
 * later op in the same memory: entries are taken in order, so it comes before
 * whatever is started after it.
 *
 * Wake-ups come by a multishot poll on the mailbox's eventfd, not by a read of
 * it: reads of eventfds were broken in Linux 6.15.4 (ghostty #7731).
 */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>

#include "backend/op_class.h"
#include "backend/ring.h"
#include "backend/source.h"
#include "backend/uring_calls.h"
#include "base/mem.h"
#include "sys/sys.h"

/* User data that is no op's address: small numbers, and the address of a
 * source with its lowest bit set. */
enum {
    TAG_CANCEL,
    TAG_WAKE,
    TAG_COUNT,
    SOURCE_BIT = 1,
};

struct uring_backend {
    struct backend base;
    struct io_uring ring;
    struct asyncio_link backlog; /* ops IN_BACKLOG, oldest first */
    struct asyncio_link cancels; /* ops IN_RING to cancel when entries are
                                  * free again */
    struct asyncio_link sources_again; /* sources, likewise; by `again` */
    bool wake_armed;
    bool wake_once;              /* the kernel has no multishot poll */
};

static struct uring_backend *downcast(struct backend *base)
{
    return container_of(base, struct uring_backend, base);
}

/* ---- start and cancel ---- */

/* A free entry; makes room by submitting. NULL: the kernel takes none now. */
static struct io_uring_sqe *ring_entry(struct uring_backend *self)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&self->ring);
    if (sqe)
        return sqe;
    (void)ring_submit(&self->ring);  /* full or not is what counts */
    return io_uring_get_sqe(&self->ring);
}

static void start(struct uring_backend *self, struct op *op)
{
    struct io_uring_sqe *sqe = ring_entry(self);
    if (!sqe) {
        op->place = OP_IN_BACKLOG;
        list_push_back(&self->backlog, &op->link);
        return;
    }
    if (op->ring_polls)
        io_uring_prep_poll_add(sqe, op->fd, op_class[op->kind]->events(op));
    else
        op_class[op->kind]->prepare(op, sqe);
    io_uring_sqe_set_data(sqe, op);
    op->place = OP_IN_RING;
    if (op->source) {
        op->source->polls++;
        list_push_back(&op->source->waiters, &op->link);
    }
}

/* The kernel has no multishot poll: each wait on a source is a request. */
static bool submit_unwatched(struct uring_backend *self, struct op *op)
{
    ssize_t result = op_class[op->kind]->attempt(op, 0);
    if (result != -EAGAIN)
        return op_at_once(op, result);
    op_begin(&self->base, op, OP_NOWHERE);
    list_init(&op->link);
    op->ring_polls = true;
    start(self, op);
    return false;
}

static bool uring_submit(struct backend *base, struct op *op)
{
    const struct op_class *class = op_class[op->kind];
    if (op->source)
        return op->source->state == SOURCE_WATCHED
                   ? source_submit(base, op)
                   : submit_unwatched(downcast(base), op);
    if (!class->prepare)
        return op_submit_to_pool(base, op);
    if (class->attempt_first) {
        ssize_t result = class->attempt(op, 0);
        if (result != -EAGAIN)
            return op_at_once(op, result);
    }
    op_begin(base, op, OP_NOWHERE);
    list_init(&op->link);
    start(downcast(base), op);
    return false;
}

/* The op's own completion tells how it went, so the cancel's says nothing. */
static void send_cancel(struct uring_backend *self, struct op *op)
{
    struct io_uring_sqe *sqe = ring_entry(self);
    if (!sqe) {
        list_remove(&op->link);  /* from its source's, if it was there */
        list_push_back(&self->cancels, &op->link);
        return;
    }
    io_uring_prep_cancel64(sqe, (uint64_t)(uintptr_t)op, 0);
    io_uring_sqe_set_data64(sqe, TAG_CANCEL);
}

static void uring_cancel(struct backend *base, struct op *op)
{
    struct uring_backend *self = downcast(base);
    bool first = !op->cancel_asked;
    op->cancel_asked = true;
    if (op->place == OP_IN_RING && first)
        send_cancel(self, op);
    else if (op->place == OP_IN_BACKLOG || op->place == OP_AT_SOURCE ||
             op_withdraw_from_pool(op))
        op_end_later(op, -ECANCELED, &self->base.ended);
}

/* ---- sources ---- */

static uint64_t source_data(const struct source *source)
{
    return (uintptr_t)source | SOURCE_BIT;
}

/* Asks for its news, or, when it is CLOSING, for the end of them. */
static void source_ask(struct uring_backend *self, struct source *source)
{
    struct io_uring_sqe *sqe = ring_entry(self);
    if (!sqe) {
        list_push_back(&self->sources_again, &source->again);
        return;
    }
    if (source->state == SOURCE_CLOSING) {
        io_uring_prep_cancel64(sqe, source_data(source), 0);
        io_uring_sqe_set_data64(sqe, TAG_CANCEL);
        return;
    }
    ring_prepare_polls(sqe, source->fd,
                       POLLIN | POLLOUT | POLLRDHUP | EPOLLET);
    io_uring_sqe_set_data64(sqe, source_data(source));
    source->is_armed = true;
}

static int uring_watch(struct backend *base, struct source *source)
{
    struct uring_backend *self = downcast(base);
    if (self->wake_once)
        source->state = SOURCE_UNWATCHED;
    else
        source_ask(self, source);
    return 0;
}

/* Asks those to end that wait on their own; they come to -EBADF. */
static void source_end_polls(struct uring_backend *self, struct source *source)
{
    LIST_FOR_EACH_SAFE(link, &self->backlog)
    {
        struct op *op = container_of(link, struct op, link);
        if (op->source == source)
            op_end_later(op, -EBADF, &self->base.ended);
    }
    LIST_FOR_EACH_SAFE(at, &source->waiters)
    {
        struct op *op = container_of(at, struct op, link);
        if (!op->cancel_asked)
            send_cancel(self, op);
        op->cancel_asked = true;
    }
}

/* The last request that holds a CLOSING source's file may have ended. */
static void source_free_if_idle(struct source *source)
{
    if (!source->is_armed && !source->polls)
        source_free(source);
}

static void uring_unwatch(struct backend *base, struct source *source)
{
    struct uring_backend *self = downcast(base);
    bool is_unwatched = source->state == SOURCE_UNWATCHED;
    source->state = SOURCE_CLOSING;
    list_remove(&source->again);
    if (is_unwatched)
        source_end_polls(self, source);
    else if (source->is_armed)
        source_ask(self, source);
    source_free_if_idle(source);
}

/* Those that wait for its news wait on their own from here on. */
static void source_unwatch_for_good(struct uring_backend *self,
                                    struct source *source)
{
    struct asyncio_link waiters;
    struct asyncio_link *link;
    source->state = SOURCE_UNWATCHED;
    list_init(&waiters);
    list_splice(&waiters, &source->waiters);
    while ((link = list_pop_front(&waiters)) != NULL) {
        struct op *op = container_of(link, struct op, link);
        self->base.at_sources--;
        op->ring_polls = true;
        start(self, op);
    }
}

static void source_ended(struct uring_backend *self, struct source *source,
                         int result)
{
    source->is_armed = false;
    if (source->state == SOURCE_CLOSING) {
        list_remove(&source->again);
        source_free_if_idle(source);
    } else if (result >= 0 || result == -ENOMEM || result == -EAGAIN) {
        source_ask(self, source); /* the kernel was short of something */
    } else {
        self->wake_once |= result == -EINVAL;
        source_unwatch_for_good(self, source);
    }
}

static int source_came(struct uring_backend *self,
                       const struct io_uring_cqe *cqe)
{
    struct source *source =
        (struct source *)(uintptr_t)(cqe->user_data & ~(uint64_t)SOURCE_BIT);
    int ended = 0;
    if (source->state == SOURCE_WATCHED && cqe->res > 0)
        ended = source_report(source, (unsigned)cqe->res);
    if (!(cqe->flags & IORING_CQE_F_MORE))
        source_ended(self, source, cqe->res);
    return ended;
}

/* Gives entries to those that found none before, in their order. */
static void retry_waiting(struct uring_backend *self)
{
    struct asyncio_link again;
    struct asyncio_link *link;
    list_init(&again);
    list_splice(&again, &self->cancels);
    while ((link = list_pop_front(&again)) != NULL)
        send_cancel(self, container_of(link, struct op, link));
    list_splice(&again, &self->sources_again);
    while ((link = list_pop_front(&again)) != NULL)
        source_ask(self, container_of(link, struct source, again));
    list_splice(&again, &self->backlog);
    while ((link = list_pop_front(&again)) != NULL)
        start(self, container_of(link, struct op, link));
}

/* ---- completions ---- */

static void arm_wake(struct uring_backend *self)
{
    if (self->wake_armed)
        return;
    struct io_uring_sqe *sqe = ring_entry(self);
    if (!sqe)
        return;                  /* then it does not sleep yet */
    int fd = mailbox_fd(self->base.mailbox);
    if (self->wake_once)
        io_uring_prep_poll_add(sqe, fd, POLLIN);
    else
        ring_prepare_polls(sqe, fd, POLLIN);
    io_uring_sqe_set_data64(sqe, TAG_WAKE);
    self->wake_armed = true;
}

static void wake_came(struct uring_backend *self,
                      const struct io_uring_cqe *cqe)
{
    if (!(cqe->flags & IORING_CQE_F_MORE))
        self->wake_armed = false;
    if (cqe->res == -EINVAL)
        self->wake_once = true;
}

/* Is `result` not the end of it? Then the op is on its way again. On a source
 * what was polled for is done here, and *result is what that came to. */
static bool goes_on(struct uring_backend *self, struct op *op, ssize_t *result)
{
    if (op->cancel_asked)
        return false;
    if (op->ring_polls) {
        if (*result < 0)
            return false;
        if (op->source)
            *result = op_class[op->kind]->attempt(op, (unsigned)*result);
        if (op->source && *result != -EAGAIN)
            return false;
        op->ring_polls = op->source;
    } else if (*result == -EAGAIN) {
        op->ring_polls = true;
    } else if (*result != -EINTR) {
        return false;
    }
    start(self, op);
    return true;
}

/* What the waiter is told: a cancel that came in time has one name, whatever
 * the kernel was doing. */
static ssize_t final_result(const struct op *op, ssize_t result)
{
    if (op->source && op->source->state == SOURCE_CLOSING)
        return -EBADF;
    if (op->cancel_asked &&
        (op->ring_polls || result == -EAGAIN || result == -EINTR))
        return -ECANCELED;
    return result;
}

/* Returns how many ops that ended. */
static int completion_came(struct uring_backend *self,
                           const struct io_uring_cqe *cqe)
{
    if (cqe->user_data == TAG_WAKE)
        wake_came(self, cqe);
    if (cqe->user_data < TAG_COUNT)
        return 0;
    if (cqe->user_data & SOURCE_BIT)
        return source_came(self, cqe);
    ssize_t result = cqe->res;
    struct op *op = (struct op *)(uintptr_t)cqe->user_data;
    struct source *source = op->source;
    list_remove(&op->link);      /* from cancels, or its source's waiters */
    if (source)
        source->polls--;
    if (goes_on(self, op, &result))
        return 0;
    op->result = final_result(op, result);
    if (op_class[op->kind]->landed)
        op_class[op->kind]->landed(op, op->result);
    if (source && source->state == SOURCE_CLOSING)
        source_free_if_idle(source);
    op_end(op);
    return 1;
}

/* What the kernel had to keep for want of room it posts at the next wait. */
static int reap(struct uring_backend *self)
{
    struct io_uring_cqe *cqe;
    unsigned head;
    unsigned seen = 0;
    int ended = 0;
    io_uring_for_each_cqe(&self->ring, head, cqe) {
        seen++;
        ended += completion_came(self, cqe);
    }
    io_uring_cq_advance(&self->ring, seen);
    return ended;
}

/* ---- the table ---- */

/* Not with something to deliver, nor with something that the ring has no
 * place for yet, nor where nobody could wake it. */
static bool may_sleep(const struct uring_backend *self)
{
    return self->wake_armed && list_is_empty(&self->base.ended) &&
           list_is_empty(&self->backlog) && list_is_empty(&self->cancels) &&
           list_is_empty(&self->sources_again) &&
           io_uring_cq_ready(&self->ring) == 0;
}

static int uring_wait(struct backend *base, uint64_t timeout_ns)
{
    struct uring_backend *self = downcast(base);
    retry_waiting(self);
    if (timeout_ns > 0)
        arm_wake(self);
    int err = timeout_ns > 0 && may_sleep(self)
                  ? ring_sleep(&self->ring, timeout_ns)
                  : ring_look(&self->ring);
    int ended = op_end_all(&self->base.ended);
    ended += reap(self);
    /* EAGAIN, EBUSY: no memory, or too many completions not yet seen; what was
     * not taken is still queued. */
    if (ended > 0 || err >= 0 || err == -EAGAIN || err == -EBUSY)
        return ended;
    return err;
}

static bool uring_may_have_completions(struct backend *base)
{
    struct uring_backend *self = downcast(base);
    return io_uring_cq_ready(&self->ring) > 0 ||
           io_uring_sq_ready(&self->ring) > 0 ||
           ring_has_news(&self->ring) || !list_is_empty(&base->ended) ||
           !list_is_empty(&self->backlog) || !list_is_empty(&self->cancels) ||
           !list_is_empty(&self->sources_again);
}

static uint64_t uring_now_ns(struct backend *base)
{
    (void)base;
    return sys_now_ns();
}

/* A ring holds no fd beyond the ops on it. */
static void uring_forget_fd(struct backend *base, int fd)
{
    (void)base;
    (void)fd;
}

/* In a child as in the parent: unmaps and closes what is ours. */
static void uring_free(struct uring_backend *self)
{
    io_uring_queue_exit(&self->ring);
    mem_free(self);
}

static bool uring_has_closing(const struct backend *base)
{
    LIST_FOR_EACH(link, &base->sources) {
        if (container_of(link, struct source, link)->state == SOURCE_CLOSING)
            return true;
    }
    return false;
}

/* Whoever was told that a source is closed may count on its other side to
 * see it, so the kernel lets go first; but not for ever. */
static void uring_close(struct backend *base)
{
    ASSERT(base->in_flight == 0);
    int err = 0;
    while (uring_has_closing(base) && (err >= 0 || err == -EINTR))
        err = uring_wait(base, NSEC_PER_MSEC);
    sources_orphan(base);
    uring_free(downcast(base));
}

static void uring_poison(struct backend *base)
{
    sources_poison(base);
    uring_free(downcast(base));
}

static const struct backend_class uring_class = {
    .name = "uring",
    .close = uring_close,
    .poison = uring_poison,
    .submit = uring_submit,
    .cancel = uring_cancel,
    .abandon = op_abandon_in_pool,
    .wait = uring_wait,
    .may_have_completions = uring_may_have_completions,
    .now_ns = uring_now_ns,
    .watch = uring_watch,
    .unwatch = uring_unwatch,
    .forget_fd = uring_forget_fd,
};

/* ---- open ---- */

int backend_uring_open(struct mailbox *mailbox, struct backend **ret_backend)
{
    int wake_fd = mailbox_fd(mailbox);
    if (wake_fd < 0)
        return wake_fd;
    struct uring_backend *self = mem_zalloc(sizeof(*self));
    if (!self)
        return -ENOMEM;
    backend_init(&self->base, &uring_class, mailbox);
    list_init(&self->backlog);
    list_init(&self->cancels);
    list_init(&self->sources_again);
    int err = ring_open(&self->ring);
    if (err < 0) {
        mem_free(self);
        return err;
    }
    *ret_backend = &self->base;
    return 0;
}
