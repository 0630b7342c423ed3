/* SPDX-License-Identifier: MIT */
/*
 * The mailbox of a loop. See mailbox.h.
 *
 * Who sleeps and who wakes:
 *
 *             mailbox_will_sleep             the first post
 *    AWAKE ----------------------> SLEEPING ----------------> WOKEN
 *      ^                              |      (writes the         |
 *      |          mailbox_woke        |       eventfd)           |
 *      +------------------------------+--------------------------+
 *
 * No wake-up is lost: the loop stores SLEEPING and then looks into the inbox;
 * a poster fills the inbox and then looks for SLEEPING. All four steps are
 * sequentially consistent, so at least one of the two sees the other.
 *
 * Only the poster that changes SLEEPING into WOKEN writes the eventfd, one
 * write for each change. It may be late with it: the loop may have woken for
 * another reason meanwhile. So the loop counts what it is owed and reads until
 * it has got it; a late write costs one needless wake-up and no more.
 */
#include "backend/mailbox.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "base/mpsc.h"
#include "sys/sys.h"

enum sleep_state {
    AWAKE,
    SLEEPING,
    WOKEN,
};

struct mailbox {
    _Atomic unsigned refs;
    struct mpsc inbox;           /* &shut when no post succeeds any more */
    _Atomic uint64_t signals;    /* bit signo-1 */
    _Atomic int sleep_state;
    _Atomic int fd;              /* negative until mailbox_fd */
    uint64_t owed;               /* writes to fd not yet read: the loop's */
};

/* What stands in the inbox of a closed mailbox. */
static struct work shut;

struct mailbox *mailbox_new(void)
{
    struct mailbox *box = mem_alloc(sizeof(*box));
    if (!box)
        return NULL;
    atomic_init(&box->refs, 1);
    mpsc_init(&box->inbox);
    atomic_init(&box->signals, 0);
    atomic_init(&box->sleep_state, AWAKE);
    atomic_init(&box->fd, -1);
    box->owed = 0;
    return box;
}

struct mailbox *mailbox_ref(struct mailbox *box)
{
    atomic_fetch_add_explicit(&box->refs, 1, memory_order_relaxed);
    return box;
}

void mailbox_unref(struct mailbox *box)
{
    if (!box)
        return;
    /* acq_rel: what other holders did happens before the free. */
    if (atomic_fetch_sub_explicit(&box->refs, 1, memory_order_acq_rel) != 1)
        return;
    int fd = atomic_load(&box->fd);
    if (fd >= 0)
        sys_close(fd);
    mem_free(box);
}

int mailbox_fd(struct mailbox *box)
{
    int fd = atomic_load(&box->fd);
    if (fd >= 0)
        return fd;
    fd = sys_eventfd();
    if (fd >= 0)
        atomic_store(&box->fd, fd);
    return fd;
}

/* Whoever gets the loop from SLEEPING to WOKEN writes, nobody else. */
static void mailbox_wake(struct mailbox *box)
{
    if (atomic_load(&box->sleep_state) != SLEEPING)
        return;
    int expected = SLEEPING;
    if (!atomic_compare_exchange_strong(&box->sleep_state, &expected, WOKEN))
        return;
    int fd = atomic_load(&box->fd);
    if (fd >= 0)
        sys_eventfd_signal(fd);
}

/* As mpsc_push, but a shut inbox takes nothing. */
static bool inbox_push(struct mpsc *inbox, struct work *work)
{
    struct work *newest = atomic_load(&inbox->newest);
    do {
        if (newest == &shut)
            return false;
        work->next = newest;
    } while (
        !atomic_compare_exchange_weak(&inbox->newest, &newest, work));
    return true;
}

int mailbox_post(struct mailbox *box, struct work *work)
{
    if (!inbox_push(&box->inbox, work))
        return -ESHUTDOWN;
    mailbox_wake(box);
    return 0;
}

void mailbox_post_signal(struct mailbox *box, int signo)
{
    if (signo < 1 || signo > 64)
        return;
    atomic_fetch_or(&box->signals, UINT64_C(1) << (signo - 1));
    mailbox_wake(box);
}

static bool inbox_has_mail(struct mpsc *inbox)
{
    struct work *newest = atomic_load(&inbox->newest);
    return newest && newest != &shut;
}

bool mailbox_has_mail(struct mailbox *box)
{
    return inbox_has_mail(&box->inbox) || atomic_load(&box->signals) != 0;
}

/* Newest first becomes oldest first, at the end of `queue`. */
static bool queue_append_reversed(struct work_queue *queue, struct work *newest)
{
    struct work *oldest = NULL;
    for (struct work *work = newest; work;) {
        struct work *older = work->next;
        work->next = oldest;
        oldest = work;
        work = older;
    }
    for (struct work *work = oldest; work;) {
        struct work *younger = work->next;
        work_queue_push(queue, work);
        work = younger;
    }
    return oldest != NULL;
}

bool mailbox_collect(struct mailbox *box, struct work_queue *queue)
{
    if (!inbox_has_mail(&box->inbox))
        return false;
    /* Only the loop's thread shuts the inbox, so it is open here. */
    struct work *newest = atomic_exchange(&box->inbox.newest, NULL);
    return queue_append_reversed(queue, newest);
}

uint64_t mailbox_collect_signals(struct mailbox *box)
{
    if (atomic_load(&box->signals) == 0)
        return 0;
    return atomic_exchange(&box->signals, 0);
}

bool mailbox_will_sleep(struct mailbox *box)
{
    DEBUG_ASSERT(atomic_load(&box->sleep_state) == AWAKE);
    atomic_store(&box->sleep_state, SLEEPING);
    if (!mailbox_has_mail(box))
        return true;
    mailbox_woke(box);
    return false;
}

static void mailbox_drain(struct mailbox *box)
{
    uint64_t writes;
    ssize_t len = sys_read(atomic_load(&box->fd), &writes, sizeof(writes));
    if (len != (ssize_t)sizeof(writes))
        return;                  /* the write is late; the next sleep ends */
    ASSERT(writes <= box->owed);
    box->owed -= writes;
}

void mailbox_woke(struct mailbox *box)
{
    int old = atomic_exchange(&box->sleep_state, AWAKE);
    if (atomic_load(&box->fd) < 0)
        return;
    if (old == WOKEN)
        box->owed++;
    if (box->owed > 0)
        mailbox_drain(box);
}

void mailbox_close(struct mailbox *box, struct work_queue *queue)
{
    struct work *newest = atomic_exchange(&box->inbox.newest, &shut);
    if (newest != &shut)
        queue_append_reversed(queue, newest);
}

void mailbox_poison(struct mailbox *box)
{
    atomic_store(&box->inbox.newest, &shut);
    atomic_store(&box->sleep_state, AWAKE);
    int fd = atomic_exchange(&box->fd, -1);
    if (fd >= 0)
        sys_close(fd);
}
