/* SPDX-License-Identifier: MIT */
/* What all back ends do alike with sources; see source.h. */
#include "backend/source.h"

#include <errno.h>
#include <poll.h>

#include "backend/op_class.h"
#include "base/mem.h"
#include "sys/sys.h"

/* These hardly ever pass, so an op that finds them always tries. */
static const unsigned final_events = POLLERR | POLLHUP | POLLRDHUP;

int source_open(struct backend *backend, int fd, unsigned ready,
                struct source **ret_source)
{
    struct source *source = mem_zalloc(sizeof *source);
    if (!source)
        return -ENOMEM;
    source->fd = fd;
    source->ready = ready;
    source->backend = backend;
    list_init(&source->waiters);
    list_init(&source->again);
    list_push_back(&backend->sources, &source->link);
    int err = backend->class->watch(backend, source);
    if (err < 0) {
        list_remove(&source->link);
        mem_free(source);
        return err;
    }
    *ret_source = source;
    return 0;
}

void source_close(struct source *source)
{
    if (!source)
        return;
    struct backend *backend = source->backend;
    if (!backend) {
        source_free(source);
        return;
    }
    while (source->state == SOURCE_WATCHED &&
           !list_is_empty(&source->waiters)) {
        struct op *op = container_of(source->waiters.next, struct op, link);
        op_end_later(op, -EBADF, &backend->ended);
    }
    backend->class->unwatch(backend, source);
}

int source_release(struct source *source)
{
    int fd = source->fd;
    source->is_released = true;
    source_close(source);
    return fd;
}

bool source_is_ready(struct source *source, unsigned events)
{
    unsigned doubtful = source->is_lumpy ? source->ready & events : 0;
    if (doubtful && sys_poll_now(source->fd, doubtful) == 0)
        source->ready &= ~doubtful;
    return source->ready & (events | final_events);
}

void source_free(struct source *source)
{
    list_remove(&source->link);
    if (!source->is_released)
        sys_close(source->fd);
    mem_free(source);
}

static struct source *sources_pop(struct backend *backend)
{
    struct asyncio_link *link = list_pop_front(&backend->sources);
    return link ? container_of(link, struct source, link) : NULL;
}

void sources_orphan(struct backend *backend)
{
    struct source *source;
    while ((source = sources_pop(backend))) {
        source->backend = NULL;
        if (source->state == SOURCE_CLOSING)
            source_free(source);
    }
}

void sources_poison(struct backend *backend)
{
    struct source *source;
    while ((source = sources_pop(backend))) {
        source->backend = NULL;
        if (source->state == SOURCE_CLOSING)
            mem_free(source);
    }
}

/* ---- ops ---- */

/* Reads also stop short at the mark of urgent data, which epoll tells of. (In
 * a ring every piece of data is said to be urgent; there, what lies behind a
 * mark may have to wait for the next piece.) */
static bool source_takes_all(const struct source *source, const struct op *op,
                             ssize_t result)
{
    const struct op_class *class = op_class[op->kind];
    return class->takes_all && !source->is_lumpy &&
           !(source->ready & POLLPRI) && class->takes_all(op, result);
}

/* What the attempt has shown: -EAGAIN, or less than was asked for, means that
 * the next piece comes with news of its own. */
static void source_learn(struct source *source, const struct op *op,
                         ssize_t result)
{
    static const unsigned passing = POLLERR | POLLPRI;
    const struct op_class *class = op_class[op->kind];
    if (result == -EAGAIN)
        source->ready &= ~(class->events(op) | passing);
    else if (source_takes_all(source, op, result))
        source->ready &= ~class->events(op);
}

bool source_attempt(struct op *op)
{
    struct source *source = op->source;
    const struct op_class *class = op_class[op->kind];
    unsigned got = source->ready & (class->events(op) | final_events);
    if (!got)
        return false;
    ssize_t result = class->attempt(op, got);
    source_learn(source, op, result);
    return result != -EAGAIN && op_at_once(op, result);
}

ssize_t source_try(struct op *op)
{
    const struct op_class *class = op_class[op->kind];
    if (op->source->state == SOURCE_UNWATCHED)
        return class->attempt(op, class->events(op));
    return source_attempt(op) ? op->result : -EAGAIN;
}

bool source_submit(struct backend *backend, struct op *op)
{
    if (source_attempt(op))
        return true;
    list_push_back(&op->source->waiters, &op->link);
    backend->at_sources++;
    return op_begin(backend, op, OP_AT_SOURCE);
}

int source_report(struct source *source, unsigned got)
{
    int ended = 0;
    source->ready |= got;
    LIST_FOR_EACH_SAFE(link, &source->waiters)
    {
        struct op *op = container_of(link, struct op, link);
        const struct op_class *class = op_class[op->kind];
        unsigned good = source->ready & (class->events(op) | final_events);
        if (!good)
            continue;
        ssize_t result = class->attempt(op, good);
        source_learn(source, op, result);
        if (result == -EAGAIN)
            continue;
        list_remove(&op->link);
        op->backend->at_sources--;
        op->result = result;
        op_end(op);
        ended++;
    }
    return ended;
}
