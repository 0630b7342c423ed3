/* SPDX-License-Identifier: MIT */
/*
 * Running: turns of the loop until the main task has ended. The loop's turns
 * are driven on the thread's own stack, its `native` context.
 */
#include <errno.h>
#include <asyncio/testing.h>

#include "base/say.h"
#include "sys/sys.h"
#include "task/overflow.h"
#include "task/release.h"

/* ---- entering and leaving the loop ---- */

static void runner_enter(struct asyncio_runner *runner)
{
    runner_current = runner;
    loop_current = runner->loop;
    ctx_init_native(&runner->native);
    runner->overflow = overflow_watch_start();
}

static void runner_exit(struct asyncio_runner *runner)
{
    runner_reap(runner);
    overflow_watch_stop(runner->overflow);
    runner->overflow = NULL;
    ctx_fini_native(&runner->native);
    loop_current = NULL;
    runner_current = NULL;
}

/* ---- turns ---- */

static _Noreturn void runner_die(struct asyncio_runner *runner, int err)
{
    char name[TASK_NAME_SIZE] = "";
    for (uint32_t i = 0; i < runner->slots.count && !*name; i++) {
        const struct slot *slot = &runner->slots.items[i];
        if (slot->generation % 2 && slot->task->state == TASK_PARKED)
            task_name(slot->task, name, sizeof name);
    }
    panic("%s: %zu tasks wait where no cancel reaches them, %s the first",
          asyncio_errname(err), runner_alive(runner), name);
}

/*
 * The loop cannot go on: simulated, nothing can ever happen; or it cannot
 * wait. Everything is cancelled, and unwinds by its own returns.
 */
static void runner_break(struct asyncio_runner *runner, int err)
{
    if (runner->broken)
        runner_die(runner, err);
    runner->broken = err;
    scope_cancel(&runner->root);
}

static void runner_drive(struct asyncio_runner *runner, const bool *is_over)
{
    while (!*is_over) {
        int err = loop_turn(runner->loop);
        if (unlikely(err < 0))
            runner_break(runner, err);
    }
}

static void runner_drive_to_last(struct asyncio_runner *runner)
{
    while (runner_alive(runner)) {
        int err = loop_turn(runner->loop);
        if (unlikely(err < 0))
            runner_break(runner, err);
    }
}

/* What is left when everything has been cancelled and has ended. */
static void runner_mend(struct asyncio_runner *runner)
{
    runner_drive_to_last(runner);
    runner->broken = 0;
    runner->root.flags = 0;
}

void runner_end_tasks(struct asyncio_runner *runner)
{
    if (!runner_alive(runner) || runner->loop->is_poisoned)
        return;
    runner_enter(runner);
    scope_cancel(&runner->root);
    runner_drive_to_last(runner);
    runner_exit(runner);
}

/* ---- Ctrl-C ---- */

static void on_sigint(struct signal_watch *watch)
{
    struct asyncio_runner *runner =
        container_of(watch, struct asyncio_runner, sigint);
    runner->is_interrupted = true;
    scope_cancel(&runner->main_task->root);
}

static void sigint_start(struct asyncio_runner *runner)
{
    list_init(&runner->sigint.link);
    runner->is_interrupted = false;
    if (!runner->takes_sigint || !sys_is_main_thread() ||
        !signal_is_default(SIGINT))
        return;
    runner->sigint.is_once = true;
    runner->sigint.on_signal = on_sigint;
    signal_watch_start(runner->loop, &runner->sigint, SIGINT);
}

static void sigint_stop(struct asyncio_runner *runner)
{
    if (!list_is_empty(&runner->sigint.link))
        signal_watch_stop(runner->loop, &runner->sigint);
}

/* ---- the main task ---- */

struct main_run {
    struct asyncio_join join;
    bool is_over;
    int result;
};

static void main_on_end(struct asyncio_join *join, struct asyncio_tcb *task)
{
    struct main_run *run = container_of(join, struct main_run, join);
    run->is_over = true;
    run->result = task->result;
    task_release(task);
}

static int runner_run_main(struct asyncio_runner *runner, asyncio_fn *fn,
                           void *arg)
{
    struct main_run run = {.join.on_end = main_on_end};
    struct task_plan plan = {
        .fn = fn,
        .arg = arg,
        .parent = &runner->root,
        .join = &run.join,
    };
    int err = task_create(runner, &plan, &runner->main_task);
    if (err < 0)
        return err;
    sigint_start(runner);
    runner_drive(runner, &run.is_over);
    sigint_stop(runner);
    runner->main_task = NULL;

    int broken = runner->broken;
    if (broken)
        runner_mend(runner);
    if (runner->is_interrupted && run.result == -ECANCELED)
        return -EINTR;
    return broken ? broken : run.result;
}

/* ---- the public words ---- */

int asyncio_runner_run(asyncio_runner *runner, asyncio_fn *fn, void *arg)
{
    if (!runner || !fn)
        return -EINVAL;
    if (runner_current)
        return -EBUSY;
    if (runner->thread != sys_thread_id() || runner->loop->is_poisoned)
        return -EPERM;
    runner_enter(runner);
    int result = runner_run_main(runner, fn, arg);
    runner_exit(runner);
    return result;
}

static int run_with(const struct asyncio_runner_options *options,
                    asyncio_fn *fn, void *arg)
{
    asyncio_runner *runner;
    if (!fn)
        return -EINVAL;
    if (runner_current)
        return -EBUSY;
    int err = asyncio_runner_new(options, &runner);
    if (err < 0)
        return err;
    int result = asyncio_runner_run(runner, fn, arg);
    asyncio_runner_free(runner);
    return result;
}

int asyncio_run(asyncio_fn *fn, void *arg)
{
    return run_with(NULL, fn, arg);
}

int asyncio_run_simulated(uint64_t seed, asyncio_fn *fn, void *arg)
{
    struct asyncio_runner_options options = {.backend = "sim", .seed = seed};
    return run_with(&options, fn, arg);
}
