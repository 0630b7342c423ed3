/* SPDX-License-Identifier: MIT */
/*
 * Memory that comes to an end, memory that is given back, and counts from
 * none to very many.
 */
#include "rig.h"

/* ---- an end of memory ---- */

enum { MIB = 1024 * 1024 };

/* So much more address space than there is now. */
static void limit_memory(rlim_t more)
{
    rlim_t kib = (rlim_t)proc_kib("/proc/self/status", "VmSize:");
    struct rlimit limit = {kib * 1024 + more, kib * 1024 + more};
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
}

/* In a process of its own, since a limit cannot be lifted. */
static void assert_runs_in_child(asyncio_fn *fn)
{
    struct outcome outcome = run_in_child(fn);
    assert_exited(&outcome, 0);
}

struct sleeper {
    int number;
    double seconds;
};

static int sleep_and_return(void *arg)
{
    const struct sleeper *sleeper = arg;
    int err = asyncio_sleep(sleeper->seconds);
    return err < 0 ? err : sleeper->number;
}

enum { SLEEPERS_MAX = 4000, SLEEPERS_MIN = 50 };

static struct sleeper sleepers[SLEEPERS_MAX];
static asyncio_task sleeping[SLEEPERS_MAX];
static int slept[SLEEPERS_MAX];

/* Creates tasks until there is no memory for more; how many there are. */
static size_t create_many(const struct asyncio_task_options *options)
{
    for (size_t i = 0; i < SLEEPERS_MAX; i++) {
        sleepers[i] = (struct sleeper){(int)i, TICK * (double)(i % 7)};
        sleeping[i] =
            asyncio_create_task_with(sleep_and_return, &sleepers[i], options);
        if (asyncio_task_error(sleeping[i]) < 0)
            return i;
    }
    return SLEEPERS_MAX;
}

static void gather_many(size_t count)
{
    ck_assert_int_eq(asyncio_gather(sleeping, count, slept), 0);
    for (size_t i = 0; i < count; i++)
        CHEAP_ASSERT(slept[i] == (int)i);
}

/* The null task is all that comes of it, and the rest goes on. */
static void exhaust_once(const struct asyncio_task_options *options)
{
    size_t count = create_many(options);
    ck_assert_uint_ge(count, SLEEPERS_MIN);
    ck_assert_uint_lt(count, SLEEPERS_MAX);
    asyncio_task none = sleeping[count];
    ck_assert_int_eq(asyncio_task_error(none), -ENOMEM);
    ck_assert_int_eq(asyncio_await(none), -ENOMEM);
    ck_assert_int_eq(asyncio_task_cancel(none), -ENOMEM);
    ck_assert_int_eq(asyncio_task_detach(none), -ENOMEM);
    ck_assert(asyncio_task_is_done(none));
    ck_assert_int_eq(asyncio_all_tasks(NULL, 0), (int)count + 1);
    gather_many(count);
}

static int exhaust_main(void *arg)
{
    const struct asyncio_task_options options = {.stack_size = 512 * 1024};
    (void)arg;
    ck_assert_int_eq(asyncio_sleep(TICK), 0);
    limit_memory(128 * MIB);
    for (int round = 0; round < 3; round++)
        exhaust_once(NULL);
    /* Nothing is left for another size, and that harms nobody either. */
    ck_assert_int_eq(
        asyncio_await(asyncio_create_task_with(sleep_and_return, &sleepers[0],
                                               &options)),
        -ENOMEM);
    exhaust_once(NULL);
    return 0;
}

START_TEST(creation_fails_cleanly_where_memory_ends)
{
    assert_runs_in_child(exhaust_main);
}
END_TEST

static int huge_stack_main(void *arg)
{
    const struct asyncio_task_options huge = {.stack_size = 512 * MIB};
    const struct asyncio_task_options large = {.stack_size = 1 * MIB};
    (void)arg;
    ck_assert_int_eq(asyncio_sleep(TICK), 0);
    limit_memory(128 * MIB);
    asyncio_task none =
        asyncio_create_task_with(sleep_and_return, &sleepers[0], &huge);
    ck_assert_int_eq(asyncio_await(none), -ENOMEM);
    exhaust_once(&large);
    return 0;
}

START_TEST(a_stack_that_does_not_fit)
{
    assert_runs_in_child(huge_stack_main);
}
END_TEST

static int group_main(void *arg)
{
    struct asyncio_group group;
    size_t count = 0;
    (void)arg;
    ck_assert_int_eq(asyncio_sleep(TICK), 0);
    limit_memory(64 * MIB);
    ck_assert_int_eq(asyncio_group_begin(&group), 0);
    for (; count < SLEEPERS_MAX; count++) {
        sleepers[count] = (struct sleeper){0, TICK};
        asyncio_task child = asyncio_group_create_task(
            &group, sleep_and_return, &sleepers[count]);
        if (asyncio_task_error(child) < 0)
            break;
    }
    ck_assert_uint_lt(count, SLEEPERS_MAX);
    ck_assert_uint_eq(asyncio_group_alive(&group), count);
    ck_assert_int_eq(asyncio_group_end(&group, 0), 0);
    return 0;
}

START_TEST(a_group_that_cannot_grow)
{
    assert_runs_in_child(group_main);
}
END_TEST

/* What was put before stays, in its order, and the queue works on. */
static void queue_exhaust(struct asyncio_queue *queue)
{
    static unsigned char item[MIB], got[MIB];
    int put = 0;
    do
        memcpy(item, &put, sizeof put);
    while (asyncio_queue_put(queue, item) == 0 && ++put < SLEEPERS_MAX);
    ck_assert_int_gt(put, 8);
    ck_assert_int_lt(put, SLEEPERS_MAX);
    ck_assert_int_eq(asyncio_queue_try_put(queue, item), -ENOMEM);
    ck_assert_int_eq((int)asyncio_queue_size(queue), put);
    for (int i = 0; i < put; i++) {
        int number;
        ck_assert_int_eq(asyncio_queue_get(queue, got), 0);
        memcpy(&number, got, sizeof number);
        ck_assert_int_eq(number, i);
    }
    ck_assert_int_eq(asyncio_queue_put(queue, item), 0);
    ck_assert_int_eq(asyncio_queue_get(queue, got), 0);
}

static int queue_main(void *arg)
{
    struct asyncio_queue queue;
    (void)arg;
    limit_memory(128 * MIB);
    ck_assert_int_eq(asyncio_queue_init(&queue, MIB, 0), 0);
    queue_exhaust(&queue);
    asyncio_queue_fini(&queue);
    return 0;
}

START_TEST(a_queue_that_cannot_grow)
{
    assert_runs_in_child(queue_main);
}
END_TEST

/* ---- memory is given back ---- */

enum { CROWD = 100000 };

static long rss_kib(void)
{
    return proc_kib("/proc/self/status", "VmRSS:");
}

static asyncio_task *tasks_new(size_t count)
{
    asyncio_task *tasks = calloc(count, sizeof *tasks);
    ck_assert_ptr_nonnull(tasks);
    return tasks;
}

static int yield_once(void *arg)
{
    (void)arg;
    return asyncio_sleep(0);
}

static int crowd_main(void *arg)
{
    asyncio_task *tasks = tasks_new(CROWD);
    (void)arg;
    long before = rss_kib();
    for (size_t i = 0; i < CROWD; i++)
        tasks[i] = asyncio_create_task(yield_once, NULL);
    ck_assert_int_eq(asyncio_gather(tasks, CROWD, NULL), 0);
    free(tasks);
    long crowded = rss_kib();
    ck_assert_int_ge(crowded, before + CROWD * 4L);

    long now = crowded;
    for (int i = 0; i < 200 && now > before + CROWD * 4L / 10; i++) {
        ck_assert_int_eq(asyncio_sleep(0.1), 0);
        now = rss_kib();
    }
    ck_assert_int_le(now, before + CROWD * 4L / 10);
    return 0;
}

START_TEST(a_crowd_that_has_left_gives_its_memory_back)
{
    ck_assert_int_eq(asyncio_run(crowd_main, NULL), 0);
}
END_TEST

/* ---- counts ---- */

SCENARIO(of_none_there_is_nothing_to_wait_for)
{
    struct asyncio_as_completed it;
    asyncio_task task = asyncio_create_task(yield_once, NULL);
    ck_assert_int_eq(asyncio_gather(NULL, 0, NULL), 0);
    ck_assert_int_eq(asyncio_gather(&task, 0, NULL), 0);
    ck_assert_int_eq(asyncio_wait(NULL, 0, ASYNCIO_ALL_COMPLETED, 1, NULL),
                     -EINVAL);
    ck_assert_int_eq(asyncio_wait(&task, 0, ASYNCIO_FIRST_COMPLETED, 1, NULL),
                     -EINVAL);
    ck_assert_int_eq(asyncio_as_completed_init(&it, &task, 0), -EINVAL);
    ck_assert_int_eq(asyncio_as_completed_init(&it, NULL, 0), -EINVAL);
    ck_assert_int_eq(asyncio_gather(NULL, 3, NULL), -EINVAL);
    ck_assert_int_eq(asyncio_gather(NULL, SIZE_MAX, NULL), -EINVAL);
    ck_assert_int_eq(asyncio_await(task), 0);
}

/* Numbers from 0 on, each once and in no order to speak of. */
static size_t scattered(size_t i, size_t count)
{
    return (i * 7919 + 13) % count;
}

struct crowd {
    size_t count;
    asyncio_task *tasks;
    struct sleeper *sleepers;
    int *results;
};

static struct crowd crowd_start(size_t count)
{
    struct crowd crowd = {
        .count = count,
        .tasks = tasks_new(count),
        .sleepers = calloc(count, sizeof *crowd.sleepers),
        .results = calloc(count, sizeof *crowd.results),
    };
    ck_assert(crowd.sleepers && crowd.results);
    for (size_t i = 0; i < count; i++) {
        double moments = (double)scattered(i, count) / (double)count;
        crowd.sleepers[i] = (struct sleeper){(int)i, TICK * moments};
        crowd.tasks[i] =
            asyncio_create_task(sleep_and_return, &crowd.sleepers[i]);
    }
    return crowd;
}

static void crowd_end(struct crowd *crowd)
{
    free(crowd->tasks);
    free(crowd->sleepers);
    free(crowd->results);
}

static int gather_crowd(void *arg)
{
    struct crowd crowd = crowd_start(crowd_of(CROWD));
    (void)arg;
    ck_assert_int_eq(asyncio_all_tasks(NULL, 0), (int)crowd.count + 1);
    ck_assert_int_eq(asyncio_gather(crowd.tasks, crowd.count, crowd.results),
                     0);
    for (size_t i = 0; i < crowd.count; i++)
        CHEAP_ASSERT(crowd.results[i] == (int)i);
    ck_assert_int_eq(asyncio_all_tasks(NULL, 0), 1);
    crowd_end(&crowd);
    return 0;
}

START_TEST(gather_a_hundred_thousand)
{
    ck_assert_int_eq(asyncio_run(gather_crowd, NULL), 0);
}
END_TEST

static int cancel_crowd(void *arg)
{
    struct crowd crowd = crowd_start(crowd_of(20000));
    (void)arg;
    for (size_t i = 0; i < crowd.count; i++)
        crowd.sleepers[i].seconds = 1000;
    ck_assert_int_eq(asyncio_sleep(0), 0);
    ck_assert_int_eq(asyncio_task_cancel(asyncio_current_task()), 0);
    ck_assert_int_eq(asyncio_gather(crowd.tasks, crowd.count, crowd.results),
                     -ECANCELED);
    for (size_t i = 0; i < crowd.count; i++)
        CHEAP_ASSERT(crowd.results[i] == -ECANCELED);
    crowd_end(&crowd);
    return 0;
}

START_TEST(cancel_twenty_thousand)
{
    ck_assert_int_eq(asyncio_run(cancel_crowd, NULL), 0);
}
END_TEST

static int wait_crowd(void *arg)
{
    struct crowd crowd = crowd_start(crowd_of(20000));
    bool *done = calloc(crowd.count, sizeof *done);
    (void)arg;
    ck_assert_ptr_nonnull(done);
    int count = asyncio_wait(crowd.tasks, crowd.count, ASYNCIO_FIRST_COMPLETED,
                             1000, done);
    ck_assert_int_ge(count, 1);
    count = asyncio_wait(crowd.tasks, crowd.count, ASYNCIO_ALL_COMPLETED, 1000,
                         done);
    ck_assert_int_eq(count, (int)crowd.count);
    for (size_t i = 0; i < crowd.count; i++) {
        CHEAP_ASSERT(done[i]);
        CHEAP_ASSERT(asyncio_await(crowd.tasks[i]) == (int)i);
    }
    free(done);
    crowd_end(&crowd);
    return 0;
}

START_TEST(wait_for_twenty_thousand)
{
    ck_assert_int_eq(asyncio_run(wait_crowd, NULL), 0);
}
END_TEST

static int take_crowd(void *arg)
{
    struct asyncio_as_completed it;
    struct crowd crowd = crowd_start(crowd_of(10000));
    size_t index, count = 0;
    int result;
    (void)arg;
    ck_assert_int_eq(
        asyncio_as_completed_init(&it, crowd.tasks, crowd.count), 0);
    double last = 0;
    for (; asyncio_as_completed_next(&it, &index, &result) > 0; count++) {
        CHEAP_ASSERT(result == (int)index);
        CHEAP_ASSERT(crowd.results[index]++ == 0);
        CHEAP_ASSERT(!rig_is_virtual() ||
                     crowd.sleepers[index].seconds >= last);
        last = crowd.sleepers[index].seconds;
    }
    asyncio_as_completed_fini(&it);
    ck_assert_uint_eq(count, crowd.count);
    crowd_end(&crowd);
    return 0;
}

START_TEST(take_ten_thousand_as_they_complete)
{
    ck_assert_int_eq(asyncio_run(take_crowd, NULL), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("memory");
    suite_case(suite, of_none_there_is_nothing_to_wait_for);
    suite_case(suite, gather_a_hundred_thousand);
    suite_case(suite, cancel_twenty_thousand);
    suite_case(suite, wait_for_twenty_thousand);
    suite_case(suite, take_ten_thousand_as_they_complete);
    /* The tools' own memory is in every figure, and under every limit. */
    if (is_under_tools())
        return suite;
    suite_case(suite, creation_fails_cleanly_where_memory_ends);
    suite_case(suite, a_stack_that_does_not_fit);
    suite_case(suite, a_group_that_cannot_grow);
    suite_case(suite, a_queue_that_cannot_grow);
    if (!rig_is_virtual()) /* a virtual second is no time to tidy up in */
        suite_case(suite, a_crowd_that_has_left_gives_its_memory_back);
    return suite;
}
