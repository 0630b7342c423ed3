/* SPDX-License-Identifier: MIT */
/*
 * The back end for every Linux: readiness by epoll.
 *
 * An op is attempted; if it would block it waits among the waiters of its fd,
 * which is armed for what they all want, and is attempted again when epoll
 * reports the fd. Facts about epoll that shape this file:
 *
 *  - A registration belongs to the open file, not to the number. The program
 *    may close an fd behind our back and get the number again for another
 *    file. So we remember nothing about what is registered: arming is always
 *    EPOLL_CTL_MOD, then ADD when that says ENOENT. One call per wait, which
 *    EPOLLONESHOT would need anyway.
 *  - A closed number whose file lives on in a duplicate goes on reporting.
 *    Each arming therefore has a number of its own, which comes back with the
 *    event; an event of any but the latest arming is dropped. ONESHOT sees to
 *    it that there is at most one.
 *  - Withdrawing a waiter needs no system call: an arming that nobody waits
 *    for any more reports once, in vain.
 *  - EPERM is how epoll says that a file is always ready (a regular file).
 */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>

#include "backend/op_class.h"
#include "backend/source.h"
#include "base/mem.h"
#include "sys/sys.h"

enum {
    SLOTS_PER_PAGE = 64,
    EVENTS_PER_WAIT = 128,
};

/* What we know of one fd. */
struct fd_slot {
    struct asyncio_link waiters; /* ops AT_FD, oldest first */
    uint32_t arming;             /* counts; 0: never armed */
};

struct fd_page {
    struct fd_slot slots[SLOTS_PER_PAGE];
};

struct epoll_backend {
    struct backend base;
    int epfd;
    struct fd_page **pages;      /* NULL where no fd was waited for yet; the
                                  * slots themselves never move */
    size_t page_count;
    size_t waiting;              /* ops AT_FD */
    struct epoll_event events[EVENTS_PER_WAIT];
};

/*
 * What epoll hands back with an event: for a source its address, for a bare
 * descriptor its number and the number of the arming. The topmost bit, which
 * no address has, tells them apart.
 */
static const uint64_t fd_data = UINT64_C(1) << 63;
static const uint32_t arming_mask = UINT32_MAX >> 1;
/* The mailbox's; no descriptor looks like this. */
static const uint64_t mailbox_data = UINT64_MAX;

static struct epoll_backend *downcast(struct backend *base)
{
    return container_of(base, struct epoll_backend, base);
}

/* ---- the table of fds ---- */

static int pages_grow(struct epoll_backend *self, size_t needed)
{
    size_t count = self->page_count ? self->page_count : 4;
    while (count < needed)
        count *= 2;
    struct fd_page **pages =
        mem_realloc(self->pages, count * sizeof(*pages));
    if (!pages)
        return -ENOMEM;
    for (size_t i = self->page_count; i < count; i++)
        pages[i] = NULL;
    self->pages = pages;
    self->page_count = count;
    return 0;
}

static struct fd_page *fd_page_new(void)
{
    struct fd_page *page = mem_alloc(sizeof(*page));
    if (!page)
        return NULL;
    for (size_t i = 0; i < SLOTS_PER_PAGE; i++) {
        list_init(&page->slots[i].waiters);
        page->slots[i].arming = 0;
    }
    return page;
}

/* The slot of an fd that was waited for before, else NULL. */
static struct fd_slot *slot_find(struct epoll_backend *self, int fd)
{
    size_t page = (size_t)fd / SLOTS_PER_PAGE;
    if (fd < 0 || page >= self->page_count || !self->pages[page])
        return NULL;
    return &self->pages[page]->slots[(size_t)fd % SLOTS_PER_PAGE];
}

/* Makes the slot when there is none; 0 or negative. */
static int slot_get(struct epoll_backend *self, int fd,
                    struct fd_slot **ret_slot)
{
    *ret_slot = slot_find(self, fd);
    if (*ret_slot)
        return 0;
    /* No memory for numbers that are no descriptors: they may be huge. */
    int err = fd < 0 ? -EBADF : sys_is_nonblocking(fd);
    if (err < 0)
        return err;
    size_t page = (size_t)fd / SLOTS_PER_PAGE;
    if (page >= self->page_count && pages_grow(self, page + 1) < 0)
        return -ENOMEM;
    if (!self->pages[page])
        self->pages[page] = fd_page_new();
    *ret_slot = slot_find(self, fd);
    return *ret_slot ? 0 : -ENOMEM;
}

/* Arms `fd` for what all its waiters want. Where that fails, what was armed
 * before stays, and is still listened to. */
static int slot_arm(struct epoll_backend *self, struct fd_slot *slot, int fd)
{
    uint32_t events = 0;
    LIST_FOR_EACH(link, &slot->waiters)
    {
        struct op *op = container_of(link, struct op, link);
        events |= op_class[op->kind]->events(op);
    }
    /* The bits above poll(2)'s are epoll's own. */
    events = (events & 0xffff) | EPOLLONESHOT;
    uint32_t arming = (slot->arming + 1) & arming_mask;
    uint64_t data = fd_data | (uint64_t)arming << 32 | (uint32_t)fd;
    int err = sys_epoll_ctl(self->epfd, EPOLL_CTL_MOD, fd, events, data);
    if (err == -ENOENT)
        err = sys_epoll_ctl(self->epfd, EPOLL_CTL_ADD, fd, events, data);
    if (err >= 0)
        slot->arming = arming;
    return err;
}

/* ---- start and cancel ---- */

static int wait_at_fd(struct epoll_backend *self, struct op *op)
{
    struct fd_slot *slot;
    int err = slot_get(self, op->fd, &slot);
    if (err < 0)
        return err;
    list_push_back(&slot->waiters, &op->link);
    err = slot_arm(self, slot, op->fd);
    if (err < 0)
        list_remove(&op->link);
    else
        self->waiting++;
    return err;
}

/* On a file that epoll refuses, readiness means nothing: what would block is
 * for the pool, and a poll is true at once. */
static bool submit_unpollable(struct epoll_backend *self, struct op *op)
{
    if (op_class[op->kind]->pool)
        return op_submit_to_pool(&self->base, op);
    int events = sys_poll_now(op->fd, op->events);
    return op_at_once(op, events != 0 ? events : -EPERM);
}

static bool epoll_submit(struct backend *base, struct op *op)
{
    struct epoll_backend *self = downcast(base);
    const struct op_class *class = op_class[op->kind];
    if (op->source)
        return source_submit(base, op);
    if (!class->attempt)
        return op_submit_to_pool(base, op);
    if (class->attempt_first) {
        ssize_t result = class->attempt(op, 0);
        if (result != -EAGAIN)
            return op_at_once(op, result);
    }
    int err = wait_at_fd(self, op);
    if (err == -EPERM)
        return submit_unpollable(self, op);
    if (err < 0)
        return op_at_once(op, err);
    return op_begin(base, op, OP_AT_FD);
}

static void leave_fd(struct epoll_backend *self, struct op *op, ssize_t result)
{
    ASSERT(op->place == OP_AT_FD);
    self->waiting--;
    op_end_later(op, result, &self->base.ended);
}

static void epoll_cancel(struct backend *base, struct op *op)
{
    struct epoll_backend *self = downcast(base);
    op->cancel_asked = true;
    if (op->place == OP_AT_FD)
        leave_fd(self, op, -ECANCELED);
    else if (op->place == OP_AT_SOURCE || op_withdraw_from_pool(op))
        op_end_later(op, -ECANCELED, &self->base.ended);
}

/* ---- wait ---- */

/* Tries again whoever waits for what has come; arms anew for the rest. */
static void fd_reported(struct epoll_backend *self, struct fd_slot *slot,
                        int fd, unsigned got)
{
    LIST_FOR_EACH_SAFE(link, &slot->waiters)
    {
        struct op *op = container_of(link, struct op, link);
        const struct op_class *class = op_class[op->kind];
        /* An error or the end of the other side is news for both sides. */
        if (!(got & (class->events(op) | POLLERR | POLLHUP)))
            continue;
        ssize_t result = class->attempt(op, got);
        if (result != -EAGAIN)
            leave_fd(self, op, result);
    }
    if (list_is_empty(&slot->waiters))
        return;
    int err = slot_arm(self, slot, fd);
    if (err >= 0)
        return;
    LIST_FOR_EACH_SAFE(link, &slot->waiters)
    leave_fd(self, container_of(link, struct op, link), err);
}

static void event_came(struct epoll_backend *self, struct epoll_event *event)
{
    if (!(event->data.u64 & fd_data)) {
        source_report((struct source *)(uintptr_t)event->data.u64,
                      event->events);
        return;
    }
    if (event->data.u64 == mailbox_data)
        return;                  /* mailbox_woke drains it */
    int fd = (int)(uint32_t)event->data.u64;
    struct fd_slot *slot = slot_find(self, fd);
    if (slot && slot->arming == (uint32_t)(event->data.u64 >> 32 & arming_mask))
        fd_reported(self, slot, fd, event->events);
}

static bool epoll_has_waiters(const struct epoll_backend *self)
{
    return self->waiting > 0 || self->base.at_sources > 0;
}

static int epoll_wait_(struct backend *base, uint64_t timeout_ns)
{
    struct epoll_backend *self = downcast(base);
    size_t before = base->in_flight;
    if (!list_is_empty(&self->base.ended))
        timeout_ns = 0;
    int count = 0;
    /* Without waiters a look would see at most the mailbox's eventfd, which
     * says nothing that the mailbox itself does not say cheaper. */
    if (timeout_ns > 0 || epoll_has_waiters(self))
        count = sys_epoll_wait(self->epfd, self->events, EVENTS_PER_WAIT,
                               timeout_ns);
    for (int i = 0; i < count; i++)
        event_came(self, &self->events[i]);
    op_end_all(&base->ended);
    int ended = (int)(before - base->in_flight);
    return ended == 0 && count < 0 ? count : ended;
}

static bool epoll_may_have_completions(struct backend *base)
{
    struct epoll_backend *self = downcast(base);
    return epoll_has_waiters(self) || !list_is_empty(&self->base.ended);
}

/* ---- sources ---- */

static int epoll_watch(struct backend *base, struct source *source)
{
    static const uint32_t events =
        EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    int epfd = downcast(base)->epfd;
    uint64_t data = (uintptr_t)source;
    int err = sys_epoll_ctl(epfd, EPOLL_CTL_ADD, source->fd, events, data);
    /* It was waited for as a bare descriptor before. */
    if (err == -EEXIST)
        err = sys_epoll_ctl(epfd, EPOLL_CTL_MOD, source->fd, events, data);
    return err;
}

/* By hand, since a duplicate somewhere, in a forked child for instance, would
 * keep it in epoll. */
static void epoll_unwatch(struct backend *base, struct source *source)
{
    (void)sys_epoll_ctl(downcast(base)->epfd, EPOLL_CTL_DEL, source->fd, 0, 0);
    source_free(source);
}

static uint64_t epoll_now_ns(struct backend *base)
{
    (void)base;
    return sys_now_ns();
}

/* The kernel forgets an fd at its close, unless a duplicate of the file lives
 * on somewhere, in a forked child for instance. */
static void epoll_forget_fd(struct backend *base, int fd)
{
    struct epoll_backend *self = downcast(base);
    struct fd_slot *slot = slot_find(self, fd);
    if (!slot || slot->arming == 0)
        return;
    ASSERT(list_is_empty(&slot->waiters));
    (void)sys_epoll_ctl(self->epfd, EPOLL_CTL_DEL, fd, 0, 0);
}

/* ---- open and close ---- */

/* In a child as in the parent: closing our epfd leaves the parent's alone. */
static void epoll_free(struct epoll_backend *self)
{
    sys_close(self->epfd);
    for (size_t i = 0; i < self->page_count; i++)
        mem_free(self->pages[i]);
    mem_free(self->pages);
    mem_free(self);
}

static void epoll_close(struct backend *base)
{
    ASSERT(base->in_flight == 0);
    sources_orphan(base);
    epoll_free(downcast(base));
}

static void epoll_poison(struct backend *base)
{
    sources_poison(base);
    epoll_free(downcast(base));
}

static const struct backend_class epoll_class = {
    .name = "epoll",
    .close = epoll_close,
    .poison = epoll_poison,
    .submit = epoll_submit,
    .cancel = epoll_cancel,
    .abandon = op_abandon_in_pool,
    .wait = epoll_wait_,
    .may_have_completions = epoll_may_have_completions,
    .now_ns = epoll_now_ns,
    .watch = epoll_watch,
    .unwatch = epoll_unwatch,
    .forget_fd = epoll_forget_fd,
};

int backend_epoll_open(struct mailbox *mailbox, struct backend **ret_backend)
{
    int wake_fd = mailbox_fd(mailbox);
    if (wake_fd < 0)
        return wake_fd;
    struct epoll_backend *self = mem_zalloc(sizeof(*self));
    if (!self)
        return -ENOMEM;
    backend_init(&self->base, &epoll_class, mailbox);
    int err = self->epfd = sys_epoll_create();
    if (err < 0)
        goto err_free;
    err = sys_epoll_ctl(self->epfd, EPOLL_CTL_ADD, wake_fd, EPOLLIN,
                        mailbox_data);
    if (err < 0)
        goto err_close;
    *ret_backend = &self->base;
    return 0;

err_close:
    sys_close(self->epfd);
err_free:
    mem_free(self);
    return err;
}
