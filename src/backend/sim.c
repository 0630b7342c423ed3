/* SPDX-License-Identifier: MIT */
/*
 * The back end of the simulation: nothing real happens, and time is a number.
 *
 * The clock starts at the same instant in every run and moves only in wait,
 * straight to the next thing that is due: an hour of waiting takes no time.
 * A blocking function runs inline on the loop's thread when its turn comes,
 * after a delay drawn from the seed, so the order of such jobs is arbitrary
 * and yet the same for the same seed. Real descriptors are outside of the
 * simulated world: operations on them get -ENOTSUP.
 */
#include <errno.h>

#include "backend/op_class.h"
#include "base/mem.h"
#include "base/rng.h"

/* The clock's first reading: not 0, which looks like "unset", and round. */
static const uint64_t sim_start_ns = 1000 * NSEC_PER_SEC;

/* How long a blocking function takes, at least and less than. */
static const uint64_t sim_work_min_ns = 10 * UINT64_C(1000);
static const uint64_t sim_work_max_ns = 10 * NSEC_PER_MSEC;

struct sim_backend {
    struct backend base;
    uint64_t now_ns;
    struct rng rng;
    struct asyncio_link due;     /* ops IN_SIM, by due_ns, then by arrival */
};

static struct sim_backend *downcast(struct backend *base)
{
    return container_of(base, struct sim_backend, base);
}

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
    return a > NSEC_NEVER - b ? NSEC_NEVER : a + b;
}

static void insert_by_due(struct sim_backend *self, struct op *op)
{
    struct asyncio_link *before = self->due.prev;
    while (before != &self->due &&
           container_of(before, struct op, link)->due_ns > op->due_ns)
        before = before->prev;
    list_push_front(before, &op->link);
}

static bool sim_submit(struct backend *base, struct op *op)
{
    struct sim_backend *self = downcast(base);
    if (op->kind != OP_WORK)
        return op_at_once(op, -ENOTSUP);
    op->discard = NULL;
    op->due_ns = self->now_ns + sim_work_min_ns +
                 rng_below(&self->rng, sim_work_max_ns - sim_work_min_ns);
    insert_by_due(self, op);
    return op_begin(base, op, OP_IN_SIM);
}

/* In the real pool it is a matter of luck whether a thread has the job
 * already; here the seed says. */
static void sim_cancel(struct backend *base, struct op *op)
{
    struct sim_backend *self = downcast(base);
    if (op->cancel_asked)
        return;
    op->cancel_asked = true;
    if (op->place == OP_IN_SIM && rng_below(&self->rng, 2) == 0)
        op_end_later(op, -ECANCELED, &self->base.ended);
}

/* Likewise: the seed says if it was running, that is, if it will have run. */
static bool sim_abandon(struct backend *base, struct op *op,
                        void (*discard)(struct op *op))
{
    ASSERT(op->kind == OP_WORK);
    if (op->place != OP_IN_SIM)
        return false;
    op->discard = discard;
    base->in_flight--;
    return true;
}

/* Runs the job that is due. One that was abandoned is seen to its end too,
 * but is nobody's completion. Returns how many completed: 0 or 1. */
static int run_due(struct op *op)
{
    list_remove(&op->link);
    op->result = op_class[op->kind]->block(op);
    if (op->discard) {
        op->discard(op);
        return 0;
    }
    op_end(op);
    return 1;
}

static uint64_t next_due_ns(const struct sim_backend *self)
{
    if (list_is_empty(&self->due))
        return NSEC_NEVER;
    return container_of(self->due.next, struct op, link)->due_ns;
}

static int sim_wait(struct backend *base, uint64_t timeout_ns)
{
    struct sim_backend *self = downcast(base);
    int count = op_end_all(&self->base.ended);
    /* Somebody has something to say: time stands still until it is heard. */
    if (count > 0 || mailbox_has_mail(base->mailbox))
        timeout_ns = 0;
    uint64_t until_ns = add_saturated(self->now_ns, timeout_ns);
    if (next_due_ns(self) < until_ns)
        until_ns = next_due_ns(self);
    if (until_ns == NSEC_NEVER)
        return -EDEADLK;
    if (until_ns > self->now_ns)
        self->now_ns = until_ns;
    while (next_due_ns(self) <= self->now_ns)
        count += run_due(container_of(self->due.next, struct op, link));
    return count;
}

static bool sim_may_have_completions(struct backend *base)
{
    struct sim_backend *self = downcast(base);
    return !list_is_empty(&self->base.ended) ||
           next_due_ns(self) <= self->now_ns;
}

static uint64_t sim_now_ns(struct backend *base)
{
    return downcast(base)->now_ns;
}

static int sim_watch(struct backend *base, struct source *source)
{
    (void)base;
    (void)source;
    return -ENOTSUP;
}

static void sim_unwatch(struct backend *base, struct source *source)
{
    (void)base;
    (void)source;
}

static void sim_forget_fd(struct backend *base, int fd)
{
    (void)base;
    (void)fd;
}

static void sim_poison(struct backend *base)
{
    mem_free(downcast(base));
}

/* Only abandoned jobs can be left: they have a promise to be discarded. */
static void sim_close(struct backend *base)
{
    struct sim_backend *self = downcast(base);
    ASSERT(base->in_flight == 0);
    while (!list_is_empty(&self->due))
        run_due(container_of(self->due.next, struct op, link));
    mem_free(self);
}

static const struct backend_class sim_class = {
    .name = "sim",
    .close = sim_close,
    .poison = sim_poison,
    .submit = sim_submit,
    .cancel = sim_cancel,
    .abandon = sim_abandon,
    .wait = sim_wait,
    .may_have_completions = sim_may_have_completions,
    .now_ns = sim_now_ns,
    .watch = sim_watch,
    .unwatch = sim_unwatch,
    .forget_fd = sim_forget_fd,
};

int backend_sim_open(struct mailbox *mailbox, uint64_t seed,
                     struct backend **ret_backend)
{
    struct sim_backend *self = mem_zalloc(sizeof(*self));
    if (!self)
        return -ENOMEM;
    backend_init(&self->base, &sim_class, mailbox);
    self->now_ns = sim_start_ns;
    rng_seed(&self->rng, seed);
    list_init(&self->due);
    *ret_backend = &self->base;
    return 0;
}
