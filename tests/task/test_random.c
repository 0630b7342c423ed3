/* SPDX-License-Identifier: MIT */
/*
 * Programs that nobody would write: each task does what its seed says, with
 * tasks, groups, timeouts, shields, waits and cancels in one another. Whatever
 * they do, every call answers with what its contract allows, every function
 * that began returns, and the run ends with nothing left.
 */
#include "rig.h"

#include "base/rng.h"

enum { TASKS_MAX = 150, KNOWN_MAX = 32, DEPTH_MAX = 6 };

struct world {
    struct rng rng;
    asyncio_task known[KNOWN_MAX]; /* any of them may be cancelled or awaited */
    int started, began, returned;
    int locals_alive;
    uint64_t seed;               /* for who looks at a core */
};

static struct world world;

struct actor {
    int depth;
};

static int act(void *arg);
static int play(int depth);

static unsigned dice(unsigned sides)
{
    return (unsigned)rng_below(&world.rng, sides);
}

static double some_time(void)
{
    return dice(3) ? dice(8) * TICK / 40 : 0;
}

static void assert_result(int result)
{
    ck_assert_msg(result >= 0 || result == -ECANCELED || result == -EIO ||
                      result == -ETIMEDOUT || result == -ESRCH ||
                      result == -EBUSY || result == -EDEADLK,
                  "%d", result);
}

static asyncio_task know(asyncio_task task)
{
    world.known[dice(KNOWN_MAX)] = task;
    return task;
}

static const struct asyncio_task_options *some_options(void)
{
    static struct asyncio_task_options options;
    options = (struct asyncio_task_options){
        .arg_size = sizeof(struct actor),
        .stack_size = dice(8) ? 0 : 128 * 1024,
    };
    return &options;
}

static asyncio_task start(int depth)
{
    struct actor actor = {depth + 1};
    if (world.started == TASKS_MAX)
        return (asyncio_task){0};
    world.started++;
    return know(asyncio_create_task_with(act, &actor, some_options()));
}

/* ---- what can be done ---- */

static int do_await(int depth)
{
    asyncio_task task = start(depth);
    if (asyncio_task_error(task) < 0)
        return 0;
    int err = dice(2) ? play(depth + 1) : 0;
    int result = dice(3) ? asyncio_await(task)
                         : asyncio_wait_for(task, some_time());
    assert_result(result);
    return err < 0 ? err : result;
}

static size_t start_some(asyncio_task *tasks, size_t count, int depth)
{
    size_t started = 0;
    for (size_t i = 0; i < count; i++) {
        tasks[started] = start(depth);
        started += asyncio_task_error(tasks[started]) == 0;
    }
    return started;
}

static int do_gather(int depth)
{
    asyncio_task tasks[4];
    int results[4];
    size_t count = start_some(tasks, 1 + dice(4), depth);
    if (dice(3) == 0)
        play(depth + 1);
    int err = asyncio_gather(tasks, count, results);
    for (size_t i = 0; i < count; i++)
        assert_result(results[i]);
    return err;
}

static int do_wait(int depth)
{
    asyncio_task tasks[4];
    bool done[4];
    size_t count = start_some(tasks, 1 + dice(4), depth);
    if (count == 0)
        return 0;
    int err = asyncio_wait(tasks, count, (enum asyncio_when)dice(3),
                           some_time(), done);
    assert_result(err);
    /* The rest is left to the end of the task. */
    for (size_t i = 0; i < count; i++) {
        if (dice(2))
            assert_result(asyncio_await(tasks[i]));
    }
    return err < 0 ? err : 0;
}

static int do_as_completed(int depth)
{
    struct asyncio_as_completed it;
    asyncio_task tasks[4];
    size_t count = start_some(tasks, 1 + dice(4), depth);
    int err = asyncio_as_completed_init(&it, tasks, count);
    if (err < 0)
        return count ? err : 0;
    do {
        err = asyncio_as_completed_next(&it, NULL, NULL);
    } while (err > 0 && dice(6));
    asyncio_as_completed_fini(&it);
    return err < 0 ? err : 0;
}

static int do_group(int depth)
{
    struct asyncio_group group;
    ck_assert_int_eq(asyncio_group_begin(&group), 0);
    for (unsigned i = dice(4); i > 0 && world.started < TASKS_MAX; i--) {
        struct actor actor = {depth + 1};
        world.started++;
        know(asyncio_group_create_task_with(&group, act, &actor,
                                            some_options()));
    }
    int err = dice(2) ? play(depth + 1) : 0;
    if (dice(8) == 0)
        asyncio_group_cancel(&group);
    err = asyncio_group_end(&group, err);
    ck_assert_uint_eq(asyncio_group_alive(&group), 0);
    return err;
}

static int do_timeout(int depth)
{
    struct asyncio_timeout timeout;
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, some_time()), 0);
    if (dice(4) == 0)
        asyncio_timeout_reschedule(&timeout, some_time());
    return asyncio_timeout_end(&timeout, play(depth + 1));
}

static int do_shield(int depth)
{
    struct asyncio_shield shield;
    bool is_tight = dice(2);
    ck_assert_int_eq(asyncio_shield_begin(
                         &shield, is_tight ? ASYNCIO_FOREVER : some_time()),
                     0);
    int err = play(depth + 1);
    if (is_tight)
        ck_assert_int_eq(asyncio_check_cancelled(), 0);
    return asyncio_shield_end(&shield, err);
}

static int do_meddle(int depth)
{
    asyncio_task task = world.known[dice(KNOWN_MAX)];
    (void)depth;
    /* Anybody's task: the answer may be anything but a hang. */
    switch (asyncio_task_error(task) == 0 ? dice(8) : 9) {
    case 0:
    case 1:
        asyncio_task_cancel(task);
        break;
    case 2:
        asyncio_task_detach(task);
        break;
    case 3:
    case 4:
        assert_result(asyncio_wait(&task, 1, ASYNCIO_ALL_COMPLETED,
                                   some_time(), NULL));
        break;
    case 5:
    case 6:
        assert_result(asyncio_await(task));
        break;
    case 7:
        assert_result(asyncio_gather(&task, 1, NULL));
        break;
    }
    return 0;
}

static int do_leave(int depth)
{
    for (unsigned i = dice(3); i > 0; i--)
        start(depth);
    return asyncio_sleep(some_time());
}

static int do_fail(int depth)
{
    (void)depth;
    return dice(4) ? 0 : -EIO;
}

static int do_sleep(int depth)
{
    (void)depth;
    return asyncio_sleep(some_time());
}

static void count_down(void *value)
{
    ck_assert_ptr_eq(value, &world);
    world.locals_alive--;
}

static struct asyncio_local local_a = {.destroy = count_down};
static struct asyncio_local local_b = {.destroy = count_down};

static int do_set_local(int depth)
{
    const struct asyncio_local *key = dice(2) ? &local_a : &local_b;
    (void)depth;
    if (asyncio_local_get(key) == &world)
        return 0;
    world.locals_alive++;
    return asyncio_local_set(key, &world);
}

/* ---- a task ---- */

static int play(int depth)
{
    static int (*const deeds[])(int depth) = {
        do_sleep,  do_await,   do_gather, do_wait,   do_as_completed,
        do_group,  do_timeout, do_shield, do_leave,  do_meddle,
        do_meddle, do_leave,   do_fail,   do_meddle, do_set_local,
    };
    int err = 0;
    if (depth > DEPTH_MAX)
        return do_sleep(depth);
    for (unsigned i = 1 + dice(3); i > 0; i--) {
        err = deeds[dice(ARRAY_SIZE(deeds))](depth);
        if (err < 0 && dice(4)) /* some go on, whatever happened */
            break;
    }
    assert_result(err);
    return err;
}

static int act(void *arg)
{
    struct actor *actor = arg;
    world.began++;
    int err = play(actor->depth);
    world.returned++;
    return err;
}

static int act_first(void *arg)
{
    struct actor actor = {0};
    (void)arg;
    world.started++;
    int err = act(&actor);
    assert_result(err);
    return 0;
}

/* ---- runs ---- */

static void perform(uint64_t seed, bool is_simulated)
{
    memset(&world, 0, sizeof world);
    world.seed = seed;
    rng_seed(&world.rng, seed);
    int err = is_simulated ? asyncio_run_simulated(seed, act_first, NULL)
                           : asyncio_run(act_first, NULL);
    ck_assert_msg(err == 0, "seed %d: %d", (int)seed, err);
    ck_assert_msg(world.began == world.started &&
                      world.returned == world.started &&
                      world.locals_alive == 0,
                  "seed %d: %d started, %d began, %d returned, %d locals",
                  (int)seed, world.started, world.began, world.returned,
                  world.locals_alive);
}

/* ASYNCIO_TEST_SEEDS: how many programs; ASYNCIO_TEST_SEED: this one alone, and
 * aloud. */
static uint64_t wanted(const char *name, uint64_t usual)
{
    const char *value = getenv(name);
    return value ? strtoull(value, NULL, 10) : usual;
}

/* The failures that nobody looks at are many. */
static void keep_quiet(void)
{
    ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
}

START_TEST(random_programs)
{
    bool is_simulated = rig_is_virtual();
    uint64_t usual = (is_simulated ? 3000 : 150) / (uint64_t)rig_slowness();
    uint64_t count = wanted("ASYNCIO_TEST_SEEDS", usual);
    uint64_t chosen = wanted("ASYNCIO_TEST_SEED", 0);
    long tasks = 0;
    if (chosen) {
        perform(chosen, is_simulated);
        return;
    }
    keep_quiet();
    for (uint64_t seed = 1; seed <= count; seed++) {
        perform(seed, is_simulated);
        tasks += world.started;
    }
    /* They do not all end before they have begun. */
    ck_assert_int_gt(tasks, (long)count * 5);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("random");
    TCase *tcase = tcase_create("random_programs");
    tcase_set_timeout(tcase, 55);
    tcase_add_test(tcase, random_programs);
    suite_add_tcase(suite, tcase);
    return suite;
}
