/* SPDX-License-Identifier: MIT */
/*
 * Starting a task. Warm, it is a stack from the top of the free ones, a slot,
 * a few stores and a place in the ready queue: no allocation, no system call.
 */
#include <errno.h>
#include <string.h>

#include "base/say.h"
#include "task/local.h"
#include "task/release.h"

/* Control blocks begin on a cache line of their own, at one of so many places
 * below the stack's top. */
enum {
    TASK_ALIGN = 64,
    TASK_COLOURS = 32,
    TASK_COLOUR_STEP = 64,
};

/* ---- where things stand ---- */

/* The number of free stacks picks the colour: it differs between the tasks of
 * a crowd, and a stack that is taken and given in turns keeps its own. */
static struct asyncio_tcb *task_place(const struct stack_pool *pool, void *top)
{
    size_t size = (sizeof(struct asyncio_tcb) + TASK_ALIGN - 1) &
                  ~(size_t)(TASK_ALIGN - 1);
    size_t colour = 0;
    if (!(pool->flags & STACK_DENSE))
        colour = (pool->free_count % TASK_COLOURS) * TASK_COLOUR_STEP;
    return (void *)((char *)top - size - colour);
}

/* ---- the first frame ---- */

/* A child that the returning task never awaited. Out of line: it parks, and
 * who parks saves every register. */
static __attribute__((cold, noinline)) void
task_end_children(struct asyncio_tcb *task);

static _Noreturn void task_end(struct asyncio_tcb *task, int result)
{
    struct asyncio_runner *runner = task->runner;
    if (unlikely(runner->loop->is_poisoned))
        panic("a task returned in a fork's child; it should have ended by "
              "_exit or exec");
    if (unlikely(task->scope != &task->root))
        scope_die_left_early(task);
    if (unlikely(task->locals))
        locals_drop(task);
    if (unlikely(!list_is_empty(&task->root.children)))
        task_end_children(task);

    task->result = result;
    task->state = TASK_ENDED;
    runner->ended++;
    if (task->join)
        task->join->on_end(task->join, task);
    task_leave(task);
}

static _Noreturn void task_main(void *arg)
{
    struct asyncio_tcb *task = arg;
    task_end(task, task->call.fn(task->call.arg));
}

/* ---- making one ---- */

static inline __attribute__((always_inline)) void
task_init(struct asyncio_tcb *task, struct asyncio_runner *runner,
          const struct task_plan *plan)
{
    task->work.run = task_step;
    task->runner = runner;
    task->scope = &task->root;
    task->call.fn = plan->fn;
    task->call.arg = plan->arg;
    task->wait_kind = WAIT_NONE;
    task->state = TASK_READY;
    task->is_closing = false;
    task->is_named = false;
    task->is_reached = false;
    task->credit = TASK_CREDIT;
    task->join = plan->join;
    task->number = runner->created++;
    task->locals = NULL;
    scope_init(&task->root, SCOPE_ROOT, plan->parent, task);
    if (unlikely(plan->creator && plan->creator->locals))
        locals_inherit(task, plan->creator);
}

/* Makes sure that the next stack and the next slot can be taken. */
static __attribute__((cold, noinline)) int
task_make_room(struct asyncio_runner *runner, struct stack_pool *pool)
{
    if (!pool->free_count && stack_pool_grow(pool) < 0)
        return -ENOMEM;
    if (!slots_have_room(&runner->slots))
        return slots_grow(&runner->slots);
    return 0;
}

/* A control block on the stack, with a handle. */
static inline __attribute__((always_inline)) struct asyncio_tcb *
task_make_on(struct asyncio_runner *runner, struct stack_pool *pool, void *top)
{
    struct asyncio_tcb *task = task_place(pool, top);
    task->slot = slots_take(&runner->slots, task);
    task->pool = pool;
    task->stack_top = top;
    return task;
}

/* A task on a stack of `pool` that stands on no queue yet, or NULL. */
static inline __attribute__((always_inline)) struct asyncio_tcb *
task_make(struct asyncio_runner *runner, struct stack_pool *pool,
          const struct task_plan *plan)
{
    if (CTX_MARKED)
        runner_reap(runner);
    if (unlikely(crowd_is_due(runner)))
        crowd_begin(runner);
    if (unlikely(!pool->free_count || !slots_have_room(&runner->slots)) &&
        task_make_room(runner, pool) < 0)
        return NULL;
    struct asyncio_tcb *task = task_make_on(runner, pool, stack_take(pool));
    task_init(task, runner, plan);
    return task;
}

/* Its frames begin below `below`: the control block, or a copied argument. */
static inline __attribute__((always_inline)) void
task_start(struct asyncio_tcb *task, void *below)
{
    struct ctx_stack stack = stack_range(task->pool, task->stack_top);
    stack.top = below;
    ctx_make(&task->ctx, stack, task_main, task);
    runner_ready(task->runner, task);
}

/* ---- options ---- */

static struct stack_pool *task_pool(struct asyncio_runner *runner,
                                    const struct asyncio_task_options *options,
                                    int *ret_err)
{
    if (!options->stack_size && !options->dense_stack)
        return &runner->pool;
    size_t size = options->stack_size;
    if (!size)
        size = runner->pool.size;
    return runner_pool(runner, size, options->dense_stack, ret_err);
}

static bool task_arg_fits(const struct task_plan *plan,
                          const struct stack_pool *pool)
{
    size_t size = plan->options->arg_size;
    return !size || (plan->arg && size <= (pool->size - pool->guard) / 4);
}

static void *task_copy_arg(struct asyncio_tcb *task, size_t arg_size)
{
    size_t size = (arg_size + TASK_ALIGN - 1) & ~(size_t)(TASK_ALIGN - 1);
    void *copy = (char *)task - size;
    memcpy(copy, task->call.arg, arg_size);
    task->call.arg = copy;
    return copy;
}

static int task_create_with(struct asyncio_runner *runner,
                            const struct task_plan *plan,
                            struct asyncio_tcb **ret_task)
{
    const struct asyncio_task_options *options = plan->options;
    int err;
    struct stack_pool *pool = task_pool(runner, options, &err);
    if (!pool)
        return err;
    if (!task_arg_fits(plan, pool))
        return -EINVAL;
    struct asyncio_tcb *task = task_make(runner, pool, plan);
    if (!task)
        return -ENOMEM;
    if (options->name)
        task_rename(task, options->name);
    void *below = task;
    if (options->arg_size)
        below = task_copy_arg(task, options->arg_size);
    task_start(task, below);
    *ret_task = task;
    return 0;
}

static inline __attribute__((always_inline)) int
task_create_plain(struct asyncio_runner *runner, const struct task_plan *plan,
                  struct asyncio_tcb **ret_task)
{
    struct asyncio_tcb *task = task_make(runner, &runner->pool, plan);
    if (unlikely(!task))
        return -ENOMEM;
    task_start(task, task);
    *ret_task = task;
    return 0;
}

int task_create(struct asyncio_runner *runner, const struct task_plan *plan,
                struct asyncio_tcb **ret_task)
{
    if (!plan->fn)
        return -EINVAL;
    if (plan->options)
        return task_create_with(runner, plan, ret_task);
    return task_create_plain(runner, plan, ret_task);
}

/* ---- children of a task that returns ---- */

/* Lets go of the ended ones, and asks the others to end. */
static void task_sweep_children(struct asyncio_tcb *task,
                                struct asyncio_join *reaper)
{
    LIST_FOR_EACH_SAFE(link, &task->root.children) {
        struct asyncio_scope *root =
            container_of(link, struct asyncio_scope, siblings);
        struct asyncio_tcb *child = root->task;
        if (child->state == TASK_ENDED && !child->join) {
            task_report_failure(child);
            task_release(child);
            continue;
        }
        if (!child->join)
            child->join = reaper;
        scope_cancel(root);
    }
}

static void reaper_on_end(struct asyncio_join *join, struct asyncio_tcb *child)
{
    (void)join;
    task_report_failure(child);
    task_release(child);
}

/*
 * Not only those that nobody has awaited: a child that somebody else awaits
 * now is waited for too, since it may use what the returning task lent it.
 * task_release wakes the closing task when the last one goes, and join_drop
 * when somebody who watched one lets go of it.
 */
static void task_end_children(struct asyncio_tcb *task)
{
    if (task->runner->is_debug) {
        char name[TASK_NAME_SIZE];
        task_name(task, name, sizeof name);
        say("%s returned without awaiting tasks that it had started", name);
    }
    struct asyncio_join reaper = {.on_end = reaper_on_end};
    task->is_closing = true;
    for (;;) {
        task_sweep_children(task, &reaper);
        if (list_is_empty(&task->root.children))
            break;
        task_park(task, WAIT_CHILDREN, NULL, NULL);
    }
}

/* ---- the public words ---- */

/* What the short way below leaves out: failures, first times, tools. */
static __attribute__((cold, noinline)) asyncio_task
create_task_slowly(asyncio_fn *fn, void *arg)
{
    struct asyncio_tcb *creator = task_current();
    if (!creator)
        return task_null(-EPERM);
    struct task_plan plan = {
        .fn = fn,
        .arg = arg,
        .parent = &creator->root,
        .creator = creator,
    };
    struct asyncio_tcb *task;
    int err = task_create(creator->runner, &plan, &task);
    return err == 0 ? task_handle(task) : task_null(err);
}

static inline bool creator_is_plain(const struct asyncio_tcb *creator)
{
    const struct asyncio_runner *runner = creator->runner;
    return runner->pool.free_count && !runner->pool.on_valgrind &&
           slots_have_room(&runner->slots) && !creator->locals &&
           !crowd_is_due(runner) && !CTX_MARKED;
}

/* The hot path. It calls nothing, so that it need not save a register. */
asyncio_task asyncio_create_task(asyncio_fn *fn, void *arg)
{
    struct asyncio_tcb *creator = task_current();
    if (unlikely(!creator || !fn || !creator_is_plain(creator)))
        return create_task_slowly(fn, arg);
    struct asyncio_runner *runner = creator->runner;
    struct task_plan plan = {.fn = fn, .arg = arg, .parent = &creator->root};
    struct asyncio_tcb *task =
        task_make_on(runner, &runner->pool, stack_take_plain(&runner->pool));
    task_init(task, runner, &plan);
    task_start(task, task);
    return task_handle(task);
}

asyncio_task
asyncio_create_task_with(asyncio_fn *fn, void *arg,
                         const struct asyncio_task_options *options)
{
    struct asyncio_tcb *creator = task_current();
    if (!creator)
        return task_null(-EPERM);
    struct task_plan plan = {
        .fn = fn,
        .arg = arg,
        .options = options,
        .parent = &creator->root,
        .creator = creator,
    };
    struct asyncio_tcb *task;
    int err = task_create(creator->runner, &plan, &task);
    return err == 0 ? task_handle(task) : task_null(err);
}
