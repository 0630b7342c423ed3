/* SPDX-License-Identifier: MIT */
/*
 * A back end: one short table of functions that carries operations out.
 * Completion is the model, readiness imitates it. `uring` where the kernel has
 * io_uring and allows it, `epoll` elsewhere, `sim` for tests; chosen at run
 * time. Everything here is called on the loop's thread.
 */
#ifndef BACKEND_BACKEND_H
#define BACKEND_BACKEND_H

#include "backend/mailbox.h"
#include "backend/op.h"
#include "base/base.h"

struct backend {
    const struct backend_class *class;
    struct mailbox *mailbox;     /* borrowed from the loop; wait watches it */
    size_t in_flight;            /* ops submitted, and not yet done or
                                  * abandoned */
    size_t at_sources;           /* of these, ops AT_SOURCE */
    struct asyncio_link ended;   /* ops to deliver at the next wait */
    struct asyncio_link sources; /* that the descriptors belong to */
};

struct backend_class {
    const char *name;
    void (*close)(struct backend *backend);
    /* close for a fork's child: frees what is its own, touches nothing that it
     * shares with the parent, and forgets what was in flight. */
    void (*poison)(struct backend *backend);
    /*
     * Starts `op`. True: it is complete already (op->result; `done` is not
     * called). False: IN_FLIGHT; `done` will be called from a later wait,
     * also where starting failed. Never both.
     */
    bool (*submit)(struct backend *backend, struct op *op);
    /* Asks an op IN_FLIGHT to end early. It ends through `done` in any case,
     * from a later wait, never from inside this call. */
    void (*cancel)(struct backend *backend, struct op *op);
    /*
     * Turns away from an OP_WORK that is IN_FLIGHT: `done` is not called any
     * more, instead `discard(op)` once, when its function has returned, on
     * whatever thread; a job that was not started is discarded without being
     * run. The op must live until then. False: too late, `done` will be
     * called.
     */
    bool (*abandon)(struct backend *backend, struct op *op,
                    void (*discard)(struct op *op));
    /*
     * Submits what is queued, waits until at least one completion, a post to
     * the mailbox, or `timeout_ns` from now (0: looks only; NSEC_NEVER: no
     * limit), and calls `done` of everything that completed. It may also come
     * back early with nothing. Returns how many completed, or -EDEADLK (sim:
     * nothing is in flight and no limit), or -EINTR. The caller has the
     * mailbox's will_sleep/woke around a real wait. What the pool did comes
     * through the mailbox: the work that is collected there calls `done`, and
     * is not in the count.
     */
    int (*wait)(struct backend *backend, uint64_t timeout_ns);
    /* True when wait(0) might find something; costs no system call where the
     * back end can know (uring), else always true while ops are in flight. */
    bool (*may_have_completions)(struct backend *backend);
    /* The loop's clock: sys_now_ns, or the virtual one. */
    uint64_t (*now_ns)(struct backend *backend);
    /* Begins to tell a source its news, or makes it UNWATCHED; ends that and
     * what still waits (-EBADF), and sees to it that source_free follows. For
     * source.c. -ENOTSUP (sim), -ENOMEM, -ENOSPC. */
    int (*watch)(struct backend *backend, struct source *source);
    void (*unwatch)(struct backend *backend, struct source *source);
    /* The owner is about to close `fd`: no op on it is in flight. */
    void (*forget_fd)(struct backend *backend, int fd);
};

struct backend_options {
    const char *name;            /* "uring", "epoll", "sim"; NULL: the
                                  * environment's ASYNCIO_BACKEND, else the
                                  * best that works */
    uint64_t seed;               /* sim */
};

/*
 * Opens the back end that the options ask for. With no name asked for, a
 * forbidden or missing ring (seccomp, sysctl, memlock, old kernel) falls back
 * to epoll without a word; a forced "uring" that cannot be had does too, and
 * the class says which it became. -EINVAL: no such name. -EMFILE, -ENOMEM.
 * "epoll" avoids even the probe of io_uring.
 */
int backend_open(const struct backend_options *options,
                 struct mailbox *mailbox, struct backend **ret_backend);

/* The maker of each; used by backend_open and by tests. */
int backend_uring_open(struct mailbox *mailbox, struct backend **ret_backend);
int backend_epoll_open(struct mailbox *mailbox, struct backend **ret_backend);
int backend_sim_open(struct mailbox *mailbox, uint64_t seed,
                     struct backend **ret_backend);

#endif
