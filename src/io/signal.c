/* SPDX-License-Identifier: MIT */
/*
 * Signals as something to wait for; see asyncio/signal.h.
 *
 * A handle is a set of the engine's watches and of what has come meanwhile. A
 * signal that comes while somebody waits is given to the first of them there
 * and then, so a cancel afterwards does not lose it.
 */
#include <asyncio/signal.h>

#include <errno.h>

#include "base/mem.h"
#include "engine/signals.h"
#include "sync/waiters.h"
#include "task/park.h"

struct signals_entry {
    struct signal_watch watch;
    asyncio_signals *signals;
};

struct asyncio_signals {
    struct asyncio_loop *loop;   /* there as long as a watch is in its list */
    unsigned loop_number;
    uint64_t pending;            /* that have come, bit signo-1 */
    struct asyncio_link waiters;
    unsigned users;              /* calls that are under way */
    bool is_closed;              /* the last of them frees it */
    size_t count;                /* of the entries that have been started */
    struct signals_entry entries[];
};

/* ---- arrivals ---- */

static void signals_on_signal(struct signal_watch *watch)
{
    asyncio_signals *signals =
        container_of(watch, struct signals_entry, watch)->signals;
    struct waiter *waiter = waiters_pop(&signals->waiters);
    if (waiter)
        waiter_wake(waiter, watch->signo);
    else
        signals->pending |= UINT64_C(1) << (watch->signo - 1);
}

static int signals_take(asyncio_signals *signals)
{
    int signo = __builtin_ctzll(signals->pending) + 1;
    signals->pending &= signals->pending - 1;
    return signo;
}

static int signals_await(asyncio_signals *signals, struct asyncio_tcb *task)
{
    int err = task_checkpoint(task);
    if (err < 0)
        return err;
    if (signals->is_closed)
        return -EBADF;
    if (signals->pending)
        return signals_take(signals);
    return (int)waiters_wait(&signals->waiters, task, WAIT_SIGNAL);
}

int asyncio_signals_next(asyncio_signals *signals)
{
    struct asyncio_tcb *task = task_current();
    if (!task)
        return -EPERM;
    if (signals->loop_number != loop_current->number)
        return -EXDEV;
    signals->users++;
    int result = signals_await(signals, task);
    signals->users--;
    if (signals->is_closed && !signals->users)
        mem_free(signals);
    return result;
}

/* ---- opening and closing ---- */

static int signals_start(asyncio_signals *signals, int signo)
{
    struct signals_entry *entry = &signals->entries[signals->count];
    for (size_t i = 0; i < signals->count; i++) {
        if (signals->entries[i].watch.signo == signo)
            return 0;            /* twice in the list */
    }
    entry->signals = signals;
    entry->watch.is_shared = true;
    entry->watch.on_signal = signals_on_signal;
    int err = signal_watch_start(signals->loop, &entry->watch, signo);
    signals->count += err == 0;
    return err;
}

/* The loop that ends takes the watches out of its list. */
static void signals_stop(asyncio_signals *signals)
{
    for (size_t i = 0; i < signals->count; i++) {
        struct signal_watch *watch = &signals->entries[i].watch;
        if (!list_is_empty(&watch->link))
            signal_watch_stop(signals->loop, watch);
    }
}

int asyncio_signals_open(const int *signos, size_t count,
                         asyncio_signals **ret_signals)
{
    if (!loop_current)
        return -EPERM;
    if (!signos || !count || count > INT16_MAX)
        return -EINVAL;
    asyncio_signals *signals =
        mem_zalloc(sizeof *signals + count * sizeof signals->entries[0]);
    if (!signals)
        return -ENOMEM;
    signals->loop = loop_current;
    signals->loop_number = loop_current->number;
    list_init(&signals->waiters);
    int err = 0;
    for (size_t i = 0; i < count && err == 0; i++)
        err = signals_start(signals, signos[i]);
    if (err < 0) {
        signals_stop(signals);
        mem_free(signals);
        return err;
    }
    *ret_signals = signals;
    return 0;
}

void asyncio_signals_close(asyncio_signals *signals)
{
    if (!signals)
        return;
    if (loop_current && signals->loop_number != loop_current->number)
        panic("signals were closed from another loop than their own");
    signals_stop(signals);
    signals->is_closed = true;
    waiters_wake_all(&signals->waiters, -EBADF);
    if (!signals->users)
        mem_free(signals);
}

int asyncio_signal_wait(const int *signos, size_t count)
{
    asyncio_signals *signals;
    if (!task_current())
        return -EPERM;
    int err = asyncio_signals_open(signos, count, &signals);
    if (err < 0)
        return err;
    int signo = asyncio_signals_next(signals);
    asyncio_signals_close(signals);
    return signo;
}
