/* SPDX-License-Identifier: MIT */
/*
 * The door of a loop for everybody who is not on its thread: other threads,
 * pool threads, signal handlers. A counted heap object that outlives its loop,
 * so whoever holds a reference may post at any time: after the loop's end the
 * answer is -ESHUTDOWN, never a touch of freed memory.
 *
 * Posting is lock-free and async-signal-safe (base/mpsc.h). The eventfd is
 * written only when the loop sleeps or is about to: the loop says so with
 * mailbox_will_sleep, looks once more, and only then waits.
 */
#ifndef BACKEND_MAILBOX_H
#define BACKEND_MAILBOX_H

#include "base/base.h"
#include "base/work.h"

struct mailbox;

/* A mailbox with one reference, or NULL. Opens no descriptor yet. */
struct mailbox *mailbox_new(void);
struct mailbox *mailbox_ref(struct mailbox *box);
void mailbox_unref(struct mailbox *box);

/* The eventfd that becomes readable when a sleeping loop is posted to; made at
 * the first call. Negative errno when it cannot be. Loop's thread only. */
int mailbox_fd(struct mailbox *box);

/* Hands `work` to the loop; 0, or -ESHUTDOWN (then it stays the caller's).
 * Any thread. */
int mailbox_post(struct mailbox *box, struct work *work);

/* Notes that signal `signo` (1..64) came, and wakes. Signal handlers. */
void mailbox_post_signal(struct mailbox *box, int signo);

/* Everything posted so far moves to the end of `queue`, in order of posting;
 * false when there was nothing. One load when empty. Loop's thread only. */
bool mailbox_collect(struct mailbox *box, struct work_queue *queue);

/* A hint: something was posted and not collected, or a signal noted. */
bool mailbox_has_mail(struct mailbox *box);

/* The signals noted since the last call, bit signo-1. Loop's thread only. */
uint64_t mailbox_collect_signals(struct mailbox *box);

/* From here on posts write the eventfd. Returns false (and takes it back)
 * when something is already there: do not sleep. Loop's thread only. */
bool mailbox_will_sleep(struct mailbox *box);
/* Ends that, and drains the eventfd if it was written. */
void mailbox_woke(struct mailbox *box);

/* No post succeeds any more; what was posted moves to `queue` as collect. */
void mailbox_close(struct mailbox *box, struct work_queue *queue);

/* In a fork's child: closed without touching what the parent shares. */
void mailbox_poison(struct mailbox *box);

#endif
