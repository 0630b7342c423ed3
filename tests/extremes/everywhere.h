/* SPDX-License-Identifier: MIT */
/*
 * Cancelling everywhere: a scenario is run again and again, and each time a
 * task of it is cancelled one step later, until it comes to its end unharmed.
 *
 * The steps are the moments before and after each suspending call, of any of
 * the scenario's tasks (STEP). The cancel comes from whichever task makes the
 * step, at once, or from a callback in the next turn, or in one after: so that
 * it finds tasks running, parked, and ready with a result in their hands.
 * The victim is the scenario's main task, or one of the others. In simulations
 * the same with many orders of the ready tasks, and with a deadline at every
 * instant at which something happens.
 *
 * Afterwards every function that was entered has been left, no task is alive,
 * no descriptor more is open, no memory is held, and the scenario's own check
 * holds.
 */
#ifndef EXTREMES_EVERYWHERE_H
#define EXTREMES_EVERYWHERE_H

#include "rig.h"

#include "blocks.h"

enum strike {
    STRIKE_NEVER,
    STRIKE_AT_ONCE,
    STRIKE_NEXT_TURN,
    STRIKE_TURN_AFTER,
    /* What suspends several times in one step is met later, too. */
    STRIKE_FIVE_TURNS_LATER = STRIKE_AT_ONCE + 5,
};

struct scenario {
    const char *name;
    asyncio_fn *main;            /* 0 unless something was cancelled, or timed
                                  * out */
    void (*check)(bool is_unharmed); /* in a task, when main has ended */
    void (*after)(void);         /* when the run has ended; or NULL */
    bool needs_kernel;           /* not in simulations */
};

enum { TASKS_MAX = 64, STEPS_MAX = 4000 };

/* What happens in the run that is on. */
static struct {
    const struct scenario *scenario;
    enum strike strike;
    size_t strike_step;
    size_t victim;               /* 0: main; else in the order of entering */
    double deadline;             /* of main; ASYNCIO_FOREVER for none */
    int turns_left;              /* before the strike's callback strikes */

    size_t step;
    double began;
    size_t entered, left;
    asyncio_task tasks[TASKS_MAX];
    double times[STEPS_MAX];     /* of the steps, from the beginning */
} run;

/* ---- what scenarios are written with ---- */

static void run_strike(void)
{
    if (run.victim < run.entered)
        asyncio_task_cancel(run.tasks[run.victim]);
}

static void run_strike_soon(void *arg)
{
    if (--run.turns_left > 0)
        ck_assert_int_eq(asyncio_call_soon(run_strike_soon, arg, NULL), 0);
    else
        run_strike();
}

static void run_step(void)
{
    if (run.step < STEPS_MAX)
        run.times[run.step] = asyncio_time() - run.began;
    if (run.step++ != run.strike_step || run.strike == STRIKE_NEVER)
        return;
    run.turns_left = (int)run.strike - STRIKE_AT_ONCE;
    if (run.strike == STRIKE_AT_ONCE)
        run_strike();
    else
        ck_assert_int_eq(asyncio_call_soon(run_strike_soon, NULL, NULL), 0);
}

static int run_stepped(ssize_t result)
{
    run_step();
    return (int)result;
}

/* A suspending call, and a step before and after it. */
#define STEP(call) (run_step(), run_stepped(call))

static void run_enter(void)
{
    ck_assert_uint_lt(run.entered, TASKS_MAX);
    run.tasks[run.entered++] = asyncio_current_task();
}

static int run_leave(int err)
{
    run.left++;
    return err;
}

/* A coroutine of a scenario: its body has the parameter `arg`. */
#define COROUTINE(name)                                                        \
    static int name##_body(void *arg);                                         \
    static int name(void *arg)                                                 \
    {                                                                          \
        run_enter();                                                           \
        return run_leave(name##_body(arg));                                    \
    }                                                                          \
    static int name##_body(UNUSED void *arg)

/* A moment of a scenario's time. */
static UNUSED double moment(double count)
{
    return count * (rig_is_virtual() ? 0.5 : 0.00005);
}

static UNUSED int step_sleep(double count)
{
    return STEP(asyncio_sleep(count > 0 ? moment(count) : 0));
}

/* ---- one run ---- */

static int run_timed_main(void *arg)
{
    struct asyncio_timeout timeout;
    int err = asyncio_timeout_begin(&timeout, run.deadline);
    ck_assert_int_eq(err, 0);
    return asyncio_timeout_end(&timeout, run.scenario->main(arg));
}

static int run_driver(void *ret_result)
{
    run.began = asyncio_time();
    asyncio_task main_task = asyncio_create_task(run_timed_main, NULL);
    int result = asyncio_await(main_task);
    ck_assert_int_eq(asyncio_all_tasks(NULL, 0), 1);
    ck_assert_uint_eq(run.left, run.entered);
    ck_assert_int_eq(asyncio_check_cancelled(), 0);
    *(int *)ret_result = result;

    bool struck = run.strike != STRIKE_NEVER && run.step > run.strike_step;
    bool is_unharmed = !struck && isinf(run.deadline);
    run.scenario->check(is_unharmed);
    if (is_unharmed)
        ck_assert_int_eq(result, 0);
    else if (struck)
        ck_assert_msg(result == 0 || result == -ECANCELED, "%d", result);
    else
        ck_assert_msg(result == 0 || result == -ETIMEDOUT, "%d", result);
    return 0;
}

/* Says which run it was that failed. */
static void run_told(int status, void *arg)
{
    (void)arg;
    if (status != 0)
        fprintf(stderr, "in the run %s\n", watch_words);
}

static int run_once(const struct scenario *scenario, uint64_t seed)
{
    char what[128];
    int result = 1;
    run.scenario = scenario;
    run.step = run.entered = run.left = 0;
    snprintf(what, sizeof what, "%s, seed %d, victim %zu, strike %d, until %g",
             scenario->name, (int)seed, run.victim, (int)run.strike,
             run.deadline);
    watch_begin(what, run.strike_step);
    int fds = fds_open();
    long blocks = atomic_load(&blocks_alive);
    int err = rig_is_virtual()
                  ? asyncio_run_simulated(seed, run_driver, &result)
                  : asyncio_run(run_driver, &result);
    watch_end();
    ck_assert_int_eq(err, 0);
    if (scenario->after)
        scenario->after();
    for (int i = 0; i < 1000; i++) {
        if (fds_open() == fds && atomic_load(&blocks_alive) == blocks)
            break;
        sys_thread_sleep(NSEC_PER_MSEC); /* a thread holds the loop's door */
    }
    ck_assert_int_eq(fds_open(), fds);
    ck_assert_int_eq(atomic_load(&blocks_alive), blocks);
    return result;
}

/* ---- many runs ---- */

static void run_reset(void)
{
    run.strike = STRIKE_NEVER;
    run.strike_step = 0;
    run.victim = 0;
    run.deadline = ASYNCIO_FOREVER;
}

/* A strike at each step in turn, `stride` of them apart. */
static void strike_each_step(const struct scenario *scenario, uint64_t seed,
                             enum strike strike, size_t victim, size_t stride)
{
    run_reset();
    run.strike = strike;
    run.victim = victim;
    do {
        run_once(scenario, seed);
        run.strike_step += stride;
        ck_assert_uint_lt(run.strike_step, STEPS_MAX);
    } while (run.step > run.strike_step - stride);
}

/* Each of its tasks but the main one. */
static void strike_inner_tasks(const struct scenario *scenario, uint64_t seed,
                               enum strike strike, size_t stride)
{
    run_reset();
    run_once(scenario, seed);
    size_t tasks = run.entered;
    for (size_t victim = 1; victim < tasks; victim++)
        strike_each_step(scenario, seed, strike, victim, stride);
}

/* A deadline at each virtual instant at which there is a step, and between
 * that and the one before. */
static void expire_each_instant(const struct scenario *scenario, uint64_t seed)
{
    static double instants[STEPS_MAX];
    run_reset();
    run_once(scenario, seed);
    size_t count = run.step < STEPS_MAX ? run.step : STEPS_MAX;
    memcpy(instants, run.times, count * sizeof instants[0]);
    double last = -1;
    for (size_t i = 0; i < count; i++) {
        if (instants[i] <= last)
            continue;
        run.deadline = instants[i];
        run_once(scenario, seed);
        run.deadline = (instants[i] + last) / 2;
        run_once(scenario, seed);
        last = instants[i];
    }
}

static void cancel_everywhere(const struct scenario *scenario)
{
    bool is_virtual = rig_is_virtual();
    if (is_virtual && scenario->needs_kernel)
        return;
    on_exit(run_told, NULL);
    uint64_t seeds = is_virtual ? 4 : 1;
    size_t stride = is_virtual ? 1 : 5;
    if (rig_slowness() > 1) {
        seeds = 1;
        stride *= 3;
    }
    enum strike last =
        scenario->needs_kernel ? STRIKE_FIVE_TURNS_LATER : STRIKE_TURN_AFTER;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        for (enum strike strike = STRIKE_AT_ONCE; strike <= last; strike++)
            strike_each_step(scenario, seed, strike, 0, 1);
        if (is_virtual)
            expire_each_instant(scenario, seed);
    }
    strike_inner_tasks(scenario, 1, STRIKE_AT_ONCE, stride);
    strike_inner_tasks(scenario, 2, STRIKE_NEXT_TURN, stride);
}

/* A test of one scenario: NAME_main, NAME_check, and what else it has. */
#define EVERYWHERE(name, after, needs_kernel)                                  \
    START_TEST(cancel_everywhere_in_##name)                                    \
    {                                                                          \
        static const struct scenario scenario = {                              \
            #name, name##_main, name##_check, after, needs_kernel};            \
        cancel_everywhere(&scenario);                                          \
    }                                                                          \
    END_TEST

#endif
