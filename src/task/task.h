/* SPDX-License-Identifier: MIT */
/*
 * A task: a coroutine on a stack of its own.
 *
 *                      task_step / task_leave
 *     create -> READY -----------------------> RUNNING -> ENDED -> released
 *                 ^                             |
 *                 |  task_wake                  | task_park
 *                 +---------- PARKED <----------+
 *
 * READY    in the loop's ready queue, by `work`.
 * RUNNING  runner->current; one per thread.
 * PARKED   `wait` says for what; exactly one wake-up ends it.
 * ENDED    its function has returned; `result` stands until the task is
 *          released by whoever joins it (see join.h). Its stack is kept: the
 *          control block lives there.
 *
 * The control block stands at the top of the task's stack, in the page that the
 * first frames touch anyhow, staggered so that the blocks of many tasks do
 * not fall into the same cache sets.
 */
#ifndef TASK_TASK_H
#define TASK_TASK_H

#include <asyncio/scope.h>
#include <asyncio/task.h>

#include "base/base.h"
#include "base/list.h"
#include "base/work.h"
#include "ctx/ctx.h"
#include "ctx/stack.h"
#include "engine/loop.h"

enum { TASK_NAME_SIZE = 32 };

/* Suspending calls that may return at once between two real suspensions. */
enum { TASK_CREDIT = 128 };

enum task_state {
    TASK_READY,
    TASK_RUNNING,
    TASK_PARKED,
    TASK_ENDED,
};

/* What a parked task waits for: told by the task dump and by traces. */
enum wait_kind {
    WAIT_NONE,
    WAIT_YIELD,
    WAIT_SLEEP,
    WAIT_TASK,                   /* object: struct asyncio_tcb; an await */
    WAIT_TASKS,                  /* object: struct asyncio_join */
    WAIT_FD,                     /* object: struct task_op */
    WAIT_LOCK,
    WAIT_EVENT,
    WAIT_CONDITION,
    WAIT_SEMAPHORE,
    WAIT_BARRIER,
    WAIT_QUEUE_PUT,
    WAIT_QUEUE_GET,
    WAIT_QUEUE_JOIN,
    WAIT_THREAD,
    WAIT_CHILD,
    WAIT_SIGNAL,                 /* object: struct waiter */
    WAIT_CHILDREN,               /* a returning task, for those it started */
};

struct asyncio_runner;
struct local_table;

/*
 * Asked of a wait whose task has been cancelled. True: the wait is withdrawn
 * here and now, and the task wakes with -ECANCELED. False: it will still wake
 * of its own (an operation that the kernel has, a join).
 */
typedef bool wait_abort(struct asyncio_tcb *task, void *object);

struct wait {
    void *object;
    wait_abort *abort;           /* NULL: the wait cannot be cut short */
    uint64_t since_ns;           /* the turn in which it began */
    intptr_t result;             /* that task_wake brought */
};

struct asyncio_tcb {
    /* One cache line: all that a yield needs. */
    struct work work;            /* READY; run is task_step */
    struct ctx ctx;
    struct asyncio_runner *runner;
    struct asyncio_scope *scope; /* the innermost */
    uint8_t state;
    uint8_t wait_kind;           /* PARKED: see `wait`; yielding */
    uint8_t credit;              /* calls that may yet return at once; park.c */
    bool is_closing;             /* its function returned; ends its children */
    bool is_named;
    bool is_reached;             /* by a walk of task_waits_for */

    struct asyncio_fn_call {
        asyncio_fn *fn;
        void *arg;
    } call;
    struct wait wait;
    struct asyncio_tcb *ahead;   /* READY in a crowd: see crowd.h */
    int result;                  /* ENDED */
    uint32_t slot;               /* in the runner's table of handles */
    struct asyncio_join *join;   /* who waits for its end, or NULL */
    struct asyncio_link join_link; /* in a list of join's, or nowhere and
                                  * then not even initialised */
    size_t join_index;           /* the joiner's own number for it */
    struct asyncio_scope root;   /* every task's outermost scope; in the list
                                  * of its owner's root until released */
    struct local_table *locals;  /* task-locals, counted; NULL: none */
    struct stack_pool *pool;     /* that its stack goes back to */
    void *stack_top;
    uint64_t number;             /* counts the runner's tasks */
    struct asyncio_link interrupted_link; /* in the runner's `interrupted` */
    char name[TASK_NAME_SIZE];   /* is_named */
};

/* ---- create.c, task.c ---- */

/* What every way of starting a task comes down to. */
struct task_plan {
    asyncio_fn *fn;
    void *arg;
    const struct asyncio_task_options *options; /* or NULL */
    struct asyncio_scope *parent; /* of the new root scope */
    struct asyncio_join *join;   /* or NULL: to be awaited */
    const struct asyncio_tcb *creator; /* whose locals it inherits, or NULL */
};

/* 0 and a READY task, or -EINVAL, -ENOMEM. */
int task_create(struct asyncio_runner *runner, const struct task_plan *plan,
                struct asyncio_tcb **ret_task);

/* The null handle that answers `err`. */
asyncio_task task_null(int err);

/* Writes the name of a task to `ret_name`; its whole length. */
int task_name(const struct asyncio_tcb *task, char *ret_name, size_t size);

/* Gives it another name, cut to fit. */
void task_rename(struct asyncio_tcb *task, const char *name);

/* Says on standard error that nobody has looked at a failure. Cancellations
 * of a cancelled task are none. */
void task_report_failure(const struct asyncio_tcb *task);

#endif
