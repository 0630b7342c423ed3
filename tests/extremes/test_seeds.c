/* SPDX-License-Identifier: MIT */
/*
 * Simulations: the same seed is the same run, another seed another order; time
 * is virtual and nobody waits for it; what can never go on is told.
 */
#include "rig.h"

/* ---- a program that keeps a log ---- */

enum { LOG_MAX = 400, ACTORS = 8 };

struct entry {
    int actor, deed;
    double at;
};

static struct {
    struct entry entries[LOG_MAX];
    size_t count;
    struct asyncio_lock lock;
    struct asyncio_queue queue;
} theatre;

static void note(int actor, int deed)
{
    ck_assert_uint_lt(theatre.count, LOG_MAX);
    theatre.entries[theatre.count++] =
        (struct entry){actor, deed, asyncio_time()};
}

static int work_offstage(void *arg)
{
    note(*(int *)arg, 100);
    return 0;
}

static int act(void *arg)
{
    int actor = *(int *)arg;
    note(actor, 0);
    ck_assert_int_eq(asyncio_lock_acquire(&theatre.lock), 0);
    note(actor, 1);
    ck_assert_int_eq(asyncio_sleep(actor % 3), 0);
    ck_assert_int_eq(asyncio_lock_release(&theatre.lock), 0);
    ck_assert_int_eq(asyncio_to_thread(work_offstage, arg), 0);
    note(actor, 2);
    ck_assert_int_eq(asyncio_queue_put(&theatre.queue, &actor), 0);
    ck_assert_int_eq(asyncio_sleep(0), 0);
    note(actor, 3);
    int other;
    ck_assert_int_eq(asyncio_queue_get(&theatre.queue, &other), 0);
    note(actor, 10 + other);
    return 0;
}

static int play(void *arg)
{
    int actors[ACTORS];
    asyncio_task tasks[ACTORS];
    (void)arg;
    memset(&theatre, 0, sizeof theatre);
    asyncio_lock_init(&theatre.lock);
    ck_assert_int_eq(asyncio_queue_init(&theatre.queue, sizeof(int), 0), 0);
    for (int i = 0; i < ACTORS; i++) {
        actors[i] = i;
        tasks[i] = asyncio_create_task(act, &actors[i]);
    }
    int err = asyncio_gather(tasks, ACTORS, NULL);
    asyncio_queue_fini(&theatre.queue);
    asyncio_lock_fini(&theatre.lock);
    return err;
}

static bool is_same_play(const struct entry *first, size_t count)
{
    bool is_same = theatre.count == count;
    for (size_t i = 0; is_same && i < count; i++) {
        const struct entry *other = &theatre.entries[i];
        is_same = first[i].actor == other->actor &&
                  first[i].deed == other->deed && first[i].at == other->at;
    }
    return is_same;
}

START_TEST(the_same_seed_is_the_same_run)
{
    static struct entry first[LOG_MAX];
    for (uint64_t seed = 0; seed < 50; seed++) {
        ck_assert_int_eq(asyncio_run_simulated(seed, play, NULL), 0);
        size_t count = theatre.count;
        ck_assert_uint_eq(count, ACTORS * 6);
        memcpy(first, theatre.entries, sizeof first);
        ck_assert_int_eq(asyncio_run_simulated(seed, play, NULL), 0);
        ck_assert_msg(is_same_play(first, count), "seed %d", (int)seed);
    }
}
END_TEST

START_TEST(other_seeds_are_other_runs)
{
    static struct entry first[LOG_MAX];
    size_t count, same = 0;
    ck_assert_int_eq(asyncio_run_simulated(1, play, NULL), 0);
    count = theatre.count;
    memcpy(first, theatre.entries, sizeof first);
    for (uint64_t seed = 2; seed < 100; seed++) {
        ck_assert_int_eq(asyncio_run_simulated(seed, play, NULL), 0);
        same += is_same_play(first, count);
    }
    ck_assert_uint_eq(same, 0);
}
END_TEST

/* A seed means the same whichever door it comes through. */
START_TEST(a_runner_has_the_seed_of_its_options)
{
    static struct entry first[LOG_MAX];
    struct asyncio_runner_options options = {.backend = "sim", .seed = 5};
    asyncio_runner *runner;
    ck_assert_int_eq(asyncio_run_simulated(5, play, NULL), 0);
    size_t count = theatre.count;
    memcpy(first, theatre.entries, sizeof first);
    ck_assert_int_eq(asyncio_runner_new(&options, &runner), 0);
    ck_assert_int_eq(asyncio_runner_run(runner, play, NULL), 0);
    ck_assert(is_same_play(first, count));
    /* The next run goes on from there: neither the time nor the dice again. */
    ck_assert_int_eq(asyncio_runner_run(runner, play, NULL), 0);
    ck_assert(!is_same_play(first, count));
    asyncio_runner_free(runner);
}
END_TEST

/* ---- all orders there are ---- */

static int arrivals[4], arrived;

static int arrive(void *arg)
{
    arrivals[arrived++] = *(int *)arg;
    return 0;
}

static int race_main(void *arg)
{
    static int numbers[4] = {0, 1, 2, 3};
    asyncio_task tasks[4];
    (void)arg;
    arrived = 0;
    for (int i = 0; i < 4; i++)
        tasks[i] = asyncio_create_task(arrive, &numbers[i]);
    return asyncio_gather(tasks, 4, NULL);
}

START_TEST(every_order_of_four_comes_up)
{
    bool seen[256] = {false};
    int orders = 0;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        ck_assert_int_eq(asyncio_run_simulated(seed, race_main, NULL), 0);
        int order = 0;
        for (int i = 0; i < 4; i++)
            order = 4 * order + arrivals[i];
        orders += !seen[order];
        seen[order] = true;
    }
    ck_assert_int_eq(orders, 24);
}
END_TEST

/* ---- time ---- */

static int sleep_a_year(void *arg)
{
    const double year = 365.0 * 24 * 3600;
    double began = asyncio_time();
    (void)arg;
    for (int i = 0; i < 24; i++) {
        ck_assert_int_eq(asyncio_sleep(3600), 0);
        ck_assert_double_eq_tol(asyncio_time() - began, 3600.0 * (i + 1), 1e-6);
    }
    ck_assert_int_eq(asyncio_sleep(year), 0);
    ck_assert_double_eq_tol(asyncio_time() - began, year + 24 * 3600, 1e-3);
    return 0;
}

START_TEST(a_year_takes_no_time)
{
    uint64_t began = sys_now_ns();
    ck_assert_int_eq(asyncio_run_simulated(1, sleep_a_year, NULL), 0);
    ck_assert_uint_lt(sys_now_ns() - began,
                      10 * NSEC_PER_SEC * (uint64_t)rig_slowness());
}
END_TEST

static int sleep_in_order(void *arg)
{
    double seconds[] = {3e6, 1, 2e3, 1e-9, 0.5, 1e5};
    asyncio_task tasks[ARRAY_SIZE(seconds)];
    double last = 0, began = asyncio_time();
    struct asyncio_as_completed it;
    size_t index, count = 0;
    (void)arg;
    for (size_t i = 0; i < ARRAY_SIZE(seconds); i++)
        tasks[i] = asyncio_create_task(sleep_seconds, &seconds[i]);
    ck_assert_int_eq(
        asyncio_as_completed_init(&it, tasks, ARRAY_SIZE(seconds)), 0);
    for (; asyncio_as_completed_next(&it, &index, NULL) > 0; count++) {
        ck_assert_double_gt(seconds[index], last);
        last = seconds[index];
        ck_assert_double_eq_tol(asyncio_time() - began, last, 1e-6);
    }
    asyncio_as_completed_fini(&it);
    ck_assert_uint_eq(count, ARRAY_SIZE(seconds));
    return 0;
}

START_TEST(timers_go_off_in_order_and_on_time)
{
    for (uint64_t seed = 0; seed < 100; seed++)
        ck_assert_int_eq(asyncio_run_simulated(seed, sleep_in_order, NULL), 0);
}
END_TEST

/* ---- what can never go on ---- */

static struct asyncio_lock stuck_lock;
static struct asyncio_event stuck_event;
static int unwound;

static int take_lock(void *arg)
{
    (void)arg;
    int err = asyncio_lock_acquire(&stuck_lock);
    unwound += err == -ECANCELED;
    return err;
}

static int hold_lock_for_ever(void *arg)
{
    asyncio_lock_init(&stuck_lock);
    ck_assert_int_eq(asyncio_lock_acquire(&stuck_lock), 0);
    int err = asyncio_await(asyncio_create_task(take_lock, arg));
    unwound += err == -ECANCELED;
    ck_assert_int_eq(asyncio_lock_release(&stuck_lock), 0);
    asyncio_lock_fini(&stuck_lock);
    return err;
}

static int wait_in_vain(void *arg)
{
    (void)arg;
    asyncio_event_init(&stuck_event);
    int err = asyncio_event_wait(&stuck_event);
    unwound += err == -ECANCELED;
    asyncio_event_fini(&stuck_event);
    return err;
}

static int sleep_then_wait_in_vain(void *arg)
{
    TRY(asyncio_sleep(1000));
    return wait_in_vain(arg);
}

/* Whatever the main task makes of it. */
static int wait_in_vain_and_smile(void *arg)
{
    wait_in_vain(arg);
    return 0;
}

static int get_in_vain(void *arg)
{
    struct asyncio_queue queue;
    int item;
    (void)arg;
    ck_assert_int_eq(asyncio_queue_init(&queue, sizeof item, 0), 0);
    int err = asyncio_queue_get(&queue, &item);
    unwound += err == -ECANCELED;
    asyncio_queue_fini(&queue);
    return err;
}

/* Cleaning up takes time, and has it. */
static int clean_up(void *arg)
{
    struct asyncio_shield shield;
    int err = wait_in_vain(arg);
    ck_assert_int_eq(asyncio_shield_begin(&shield, ASYNCIO_FOREVER), 0);
    ck_assert_int_eq(asyncio_sleep(1000), 0);
    ck_assert_int_eq(asyncio_shield_end(&shield, 0), 0);
    unwound++;
    return err;
}

/* Others come to their end as well. */
static int wait_in_vain_together(void *arg)
{
    struct asyncio_group group;
    ck_assert_int_eq(asyncio_group_begin(&group), 0);
    asyncio_group_create_task(&group, sleep_for_ever, arg);
    asyncio_group_create_task(&group, get_in_vain, arg);
    asyncio_task_detach(asyncio_create_task(clean_up, arg));
    return asyncio_group_end(&group, 0);
}

START_TEST(what_can_never_go_on_is_edeadlk)
{
    static const struct {
        asyncio_fn *main;
        int unwound;
    } vain[] = {
        {hold_lock_for_ever, 2},    {wait_in_vain, 1},
        {sleep_then_wait_in_vain, 1}, {wait_in_vain_and_smile, 1},
        {sleep_for_ever, 0},        {get_in_vain, 1},
        {clean_up, 2},              {wait_in_vain_together, 3},
    };
    for (size_t i = 0; i < ARRAY_SIZE(vain); i++) {
        for (uint64_t seed = 0; seed < 20; seed++) {
            unwound = 0;
            ck_assert_int_eq(asyncio_run_simulated(seed, vain[i].main, NULL),
                             -EDEADLK);
            ck_assert_int_eq(unwound, vain[i].unwound);
        }
    }
}
END_TEST

static int value_17(void *arg)
{
    (void)arg;
    return asyncio_sleep(1) < 0 ? -EIO : 17;
}

START_TEST(a_runner_goes_on_after_edeadlk)
{
    struct asyncio_runner_options options = {.backend = "sim"};
    asyncio_runner *runner;
    ck_assert_int_eq(asyncio_runner_new(&options, &runner), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(asyncio_runner_run(runner, wait_in_vain, NULL),
                         -EDEADLK);
        ck_assert_int_eq(asyncio_runner_run(runner, value_17, NULL), 17);
    }
    asyncio_runner_free(runner);
}
END_TEST

static int wait_where_no_cancel_comes(void *arg)
{
    (void)arg;
    asyncio_task_set_name(asyncio_current_task(), "hermit");
    return asyncio_shield_run(ASYNCIO_FOREVER, wait_in_vain, NULL);
}

static void run_hermit(void *arg)
{
    asyncio_run_simulated(1, wait_where_no_cancel_comes, arg);
}

START_TEST(what_no_cancel_reaches_is_named)
{
    struct outcome outcome = in_child(run_hermit, NULL);
    assert_died(&outcome, SIGABRT);
    assert_said(&outcome, "EDEADLK");
    assert_said(&outcome, "hermit");
}
END_TEST

/* ---- threads, and what is outside ---- */

enum { JOBS = 5 };

static int jobs_done[JOBS], jobs_count;

struct thread_job {
    int number, thread;
};

static int run_inline(void *arg)
{
    const struct thread_job *job = arg;
    ck_assert_int_eq(sys_thread_id(), job->thread);
    jobs_done[jobs_count++] = job->number;
    return job->number;
}

static int send_job(void *arg)
{
    return asyncio_to_thread(run_inline, arg);
}

static int jobs_main(void *arg)
{
    struct thread_job jobs[JOBS];
    asyncio_task tasks[JOBS];
    int results[JOBS];
    double began = asyncio_time();
    (void)arg;
    jobs_count = 0;
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct thread_job){i, sys_thread_id()};
        tasks[i] = asyncio_create_task(send_job, &jobs[i]);
    }
    ck_assert_int_eq(asyncio_gather(tasks, JOBS, results), 0);
    for (int i = 0; i < JOBS; i++)
        ck_assert_int_eq(results[i], i);
    ck_assert_int_eq(jobs_count, JOBS);
    /* It took a moment of the virtual time, and no more than that. */
    ck_assert_double_gt(asyncio_time(), began);
    ck_assert_double_lt(asyncio_time(), began + 1);
    return 0;
}

START_TEST(threads_are_virtual_too)
{
    int others_first = 0;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        ck_assert_int_eq(asyncio_run_simulated(seed, jobs_main, NULL), 0);
        others_first += jobs_done[0] != 0;
    }
    /* The jobs end in an order that the seed decides. */
    ck_assert_int_gt(others_first, 20);
    ck_assert_int_lt(others_first, 50);
}
END_TEST

static int touch_outside(void *arg)
{
    int *ends = arg;
    char byte = 1;
    ck_assert_int_eq((int)asyncio_fd_write(ends[1], &byte, 1), -ENOTSUP);
    ck_assert_int_eq((int)asyncio_fd_read(ends[0], &byte, 1), -ENOTSUP);
    ck_assert_int_eq(asyncio_fd_wait(ends[1], ASYNCIO_WRITABLE), -ENOTSUP);
    return 0;
}

START_TEST(descriptors_from_outside_are_enotsup)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(asyncio_run_simulated(1, touch_outside, ends), 0);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("seeds");
    suite_case(suite, the_same_seed_is_the_same_run);
    suite_case(suite, other_seeds_are_other_runs);
    suite_case(suite, a_runner_has_the_seed_of_its_options);
    suite_case(suite, every_order_of_four_comes_up);
    suite_case(suite, a_year_takes_no_time);
    suite_case(suite, timers_go_off_in_order_and_on_time);
    suite_case(suite, what_can_never_go_on_is_edeadlk);
    suite_case(suite, a_runner_goes_on_after_edeadlk);
    suite_case(suite, what_no_cancel_reaches_is_named);
    suite_case(suite, threads_are_virtual_too);
    suite_case(suite, descriptors_from_outside_are_enotsup);
    return suite;
}
