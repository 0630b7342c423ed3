/* SPDX-License-Identifier: MIT */
/*
 * The process's signal handler and the table it reads; see signals.h.
 *
 * The handler may run on any thread at any moment, so it takes no lock: it
 * reads a fixed table of atomics. A loop that leaves clears its row and then
 * waits until no handler is running, after which nobody can hold its mailbox.
 */
#include "engine/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/mem.h"
#include "engine/process.h"
#include "sys/sys.h"

enum { SIGNO_MAX = 64 };

struct row {
    _Atomic(struct mailbox *) mailbox; /* NULL: a free row */
    _Atomic uint64_t signals;    /* that it wants, bit signo-1 */
};

static struct row rows[SIGNALS_LOOPS_MAX];
static _Atomic uint64_t once_signals;
static atomic_uint handlers_running;

/* The rest is guarded by the lock, and never read by the handler. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction old_actions[SIGNO_MAX + 1];
static unsigned watchers[SIGNO_MAX + 1];

static uint64_t signal_bit(int signo)
{
    return UINT64_C(1) << (signo - 1);
}

static void on_signal(int signo)
{
    atomic_fetch_add(&handlers_running, 1);
    if (atomic_load(&once_signals) & signal_bit(signo)) {
        struct sigaction action = {.sa_handler = SIG_DFL};
        sys_sigaction_restore(signo, &action);
    }
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (!(atomic_load(&rows[i].signals) & signal_bit(signo)))
            continue;
        struct mailbox *mailbox = atomic_load(&rows[i].mailbox);
        if (mailbox)
            mailbox_post_signal(mailbox, signo);
    }
    atomic_fetch_sub(&handlers_running, 1);
}

static struct row *row_of(struct mailbox *mailbox)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (atomic_load(&rows[i].mailbox) == mailbox)
            return &rows[i];
    }
    return NULL;
}

static void row_drop_signal(struct row *row, int signo)
{
    uint64_t left = atomic_fetch_and(&row->signals, ~signal_bit(signo)) &
                    ~signal_bit(signo);
    if (left)
        return;
    atomic_store(&row->mailbox, NULL);
    while (atomic_load(&handlers_running))
        sys_thread_sleep(1000);
}

static int install(int signo, struct sigaction *ret_old)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigfillset(&action.sa_mask);
    return sys_sigaction(signo, &action, ret_old);
}

static int watch_locked(struct mailbox *mailbox, struct signal_watch *watch)
{
    int signo = watch->signo;
    struct row *row = row_of(mailbox);
    if (!row)
        row = row_of(NULL);
    if (!row)
        return -EMFILE;
    if (watch->is_once)
        atomic_fetch_or(&once_signals, signal_bit(signo));
    atomic_store(&row->mailbox, mailbox);
    atomic_fetch_or(&row->signals, signal_bit(signo));
    int err = watchers[signo] ? 0 : install(signo, &old_actions[signo]);
    if (err < 0) {
        row_drop_signal(row, signo);
        return err;
    }
    watchers[signo]++;
    return 0;
}

static bool signal_can_be_watched(int signo)
{
    return signo >= 1 && signo <= SIGNO_MAX && signo != SIGKILL &&
           signo != SIGSTOP && signo != SIGSEGV && signo != SIGBUS &&
           signo != SIGFPE && signo != SIGILL;
}

static struct signal_watch *watch_of(struct asyncio_loop *loop, int signo)
{
    LIST_FOR_EACH(link, &loop->signal_watches) {
        struct signal_watch *watch =
            container_of(link, struct signal_watch, link);
        if (watch->signo == signo)
            return watch;
    }
    return NULL;
}

int signal_watch_start(struct asyncio_loop *loop, struct signal_watch *watch,
                       int signo)
{
    if (!signal_can_be_watched(signo))
        return -EINVAL;
    struct signal_watch *other = watch_of(loop, signo);
    watch->signo = signo;
    if (other && other->is_shared && watch->is_shared) {
        list_push_back(&loop->signal_watches, &watch->link);
        return 0;
    }
    if (other && !other->is_once)
        return -EEXIST;
    process_hold_forks();
    int err = mailbox_fd(loop->mailbox);
    process_allow_forks();
    if (err < 0)
        return err;
    if (other)
        signal_watch_stop(loop, other);

    pthread_mutex_lock(&lock);
    err = watch_locked(loop->mailbox, watch);
    pthread_mutex_unlock(&lock);
    if (err < 0)
        return err;
    list_push_back(&loop->signal_watches, &watch->link);
    return 0;
}

void signal_watch_stop(struct asyncio_loop *loop, struct signal_watch *watch)
{
    int signo = watch->signo;
    list_remove(&watch->link);
    if (watch_of(loop, signo))
        return;                  /* others of this loop share it */
    pthread_mutex_lock(&lock);
    row_drop_signal(row_of(loop->mailbox), signo);
    if (watch->is_once)
        atomic_fetch_and(&once_signals, ~signal_bit(signo));
    if (--watchers[signo] == 0)
        sys_sigaction_restore(signo, &old_actions[signo]);
    else
        install(signo, NULL);    /* an is_once watch may have reset it */
    pthread_mutex_unlock(&lock);
}

/* One that is not shared is the only one, and may do with the list what it
 * likes. */
static void signal_deliver(struct asyncio_loop *loop, int signo)
{
    LIST_FOR_EACH(link, &loop->signal_watches) {
        struct signal_watch *watch =
            container_of(link, struct signal_watch, link);
        bool is_last = watch->signo == signo && !watch->is_shared;
        if (watch->signo == signo)
            watch->on_signal(watch);
        if (is_last)
            return;
    }
}

void signals_deliver(struct asyncio_loop *loop, uint64_t signals)
{
    while (signals) {
        int signo = __builtin_ctzll(signals) + 1;
        signals &= signals - 1;
        signal_deliver(loop, signo);
    }
}

void signals_forget(struct asyncio_loop *loop)
{
    LIST_FOR_EACH_SAFE(link, &loop->signal_watches) {
        struct signal_watch *watch =
            container_of(link, struct signal_watch, link);
        signal_watch_stop(loop, watch);
        if (watch->release)
            watch->release(watch);
    }
}

/*
 * A signal that the child gets at its birth would run our handler there, on
 * copies of the rows whose eventfds are still the parent's. So none arrives in
 * the forking thread until the child has put the old actions back.
 */
static sigset_t mask_at_fork;

void signals_before_fork(void)
{
    pthread_mutex_lock(&lock);
    sys_block_signals(&mask_at_fork);
}

static void signals_let_in(void)
{
    sigset_t mask = mask_at_fork;
    pthread_mutex_unlock(&lock);
    sys_unblock_signals(&mask);
}

void signals_after_fork_in_parent(void)
{
    signals_let_in();
}

void signals_reset_after_fork(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        atomic_store(&rows[i].mailbox, NULL);
        atomic_store(&rows[i].signals, 0);
    }
    for (int signo = 1; signo <= SIGNO_MAX; signo++) {
        if (watchers[signo])
            sys_sigaction_restore(signo, &old_actions[signo]);
        watchers[signo] = 0;
    }
    atomic_store(&once_signals, 0);
    atomic_store(&handlers_running, 0);
    signals_let_in();
}

bool signal_is_default(int signo)
{
    struct sigaction now;
    return sys_sigaction(signo, NULL, &now) == 0 &&
           !(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_DFL;
}

/* ---- asyncio_add_signal_handler ---- */

struct signal_handler {
    struct signal_watch watch;
    asyncio_callback *callback;
    void *arg;
};

/* Watches are called from a turn, outside of tasks, where user code may run. */
static void handler_on_signal(struct signal_watch *watch)
{
    struct signal_handler *handler =
        container_of(watch, struct signal_handler, watch);
    handler->callback(handler->arg);
}

static void handler_release(struct signal_watch *watch)
{
    mem_free(container_of(watch, struct signal_handler, watch));
}

int asyncio_add_signal_handler(int signo, asyncio_callback *callback,
                               void *arg)
{
    struct asyncio_loop *loop = loop_current;
    if (!loop)
        return -EPERM;
    if (!callback)
        return -EINVAL;
    struct signal_handler *handler = mem_zalloc(sizeof *handler);
    if (!handler)
        return -ENOMEM;
    handler->callback = callback;
    handler->arg = arg;
    handler->watch.on_signal = handler_on_signal;
    handler->watch.release = handler_release;
    int err = signal_watch_start(loop, &handler->watch, signo);
    if (err < 0)
        mem_free(handler);
    return err;
}

int asyncio_remove_signal_handler(int signo)
{
    struct asyncio_loop *loop = loop_current;
    if (!loop)
        return -EPERM;
    struct signal_watch *watch = watch_of(loop, signo);
    if (!watch || watch->on_signal != handler_on_signal)
        return -ESRCH;
    signal_watch_stop(loop, watch);
    handler_release(watch);
    return 0;
}
