/* SPDX-License-Identifier: MIT */
/* Many loops: side by side in threads, and one after the other. */
#include "rig.h"

#include "base/mem.h"
#include "engine/loop.h"

enum { THREADS = 8 };

/* ---- side by side ---- */

struct side {
    asyncio_loop *loop;
    int number;
    int steps;
};

static atomic_int arrived;

static int count_steps(void *arg)
{
    struct side *side = arg;
    for (int i = 0; i < 50; i++) {
        ck_assert_ptr_eq(asyncio_get_running_loop(), side->loop);
        ck_assert_int_eq(asyncio_sleep(i % 5 ? 0 : 0.0005), 0);
        side->steps++;
    }
    return side->number;
}

static int work_beside_others(void *arg)
{
    struct side *side = arg;
    asyncio_task tasks[10];
    int results[10];
    side->loop = asyncio_get_running_loop();
    atomic_fetch_add(&arrived, 1);
    task_await_count(&arrived, THREADS);
    for (int i = 0; i < 10; i++)
        tasks[i] = asyncio_create_task(count_steps, side);
    ck_assert_int_eq(asyncio_gather(tasks, 10, results), 0);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(results[i], side->number);
    ck_assert_int_eq(side->steps, 500);
    return side->number;
}

static void *run_side(void *arg)
{
    struct side *side = arg;
    ck_assert_ptr_null(asyncio_get_running_loop());
    ck_assert_int_eq(asyncio_run(work_beside_others, side), side->number);
    ck_assert_ptr_null(asyncio_get_running_loop());
    return NULL;
}

START_TEST(each_thread_has_a_loop_of_its_own)
{
    struct side sides[THREADS] = {{0}};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        sides[i].number = 100 + i;
        threads[i] = thread_start(run_side, &sides[i]);
    }
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    for (int i = 0; i < THREADS; i++) {
        for (int j = 0; j < i; j++)
            ck_assert_ptr_ne(sides[i].loop, sides[j].loop);
    }
}
END_TEST

/* ---- a message goes round ---- */

enum { ROUNDS = 500 };

struct station {
    asyncio_loop *loop;
    struct station *next;
    int passed;
};

static struct station stations[THREADS];
static atomic_int waiting, round_over, unlinked;

static void pass_on(void *arg)
{
    struct station *station = arg;
    ck_assert_ptr_eq(asyncio_get_running_loop(), station->loop);
    if (++station->passed == ROUNDS && station == &stations[THREADS - 1]) {
        atomic_store(&round_over, 1);
        return;
    }
    ck_assert_int_eq(asyncio_call_soon_threadsafe(station->next->loop, pass_on,
                                                  station->next),
                     0);
}

static int be_station(void *arg)
{
    struct station *station = arg;
    station->loop = asyncio_get_running_loop();
    atomic_fetch_add(&waiting, 1);
    task_await_count(&waiting, THREADS);
    if (station == &stations[0])
        ck_assert_int_eq(asyncio_call_soon(pass_on, station, NULL), 0);
    task_await_count(&round_over, 1);
    /* Nobody leaves while another may still post to it. */
    atomic_fetch_add(&unlinked, 1);
    task_await_count(&unlinked, THREADS);
    return station->passed;
}

static void *run_station(void *arg)
{
    ck_assert_int_eq(asyncio_run(be_station, arg), ROUNDS);
    return NULL;
}

START_TEST(a_message_goes_round_through_all_loops)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        stations[i].next = &stations[(i + 1) % THREADS];
        threads[i] = thread_start(run_station, &stations[i]);
    }
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
}
END_TEST

/* ---- one after the other ---- */

static int thread_job(void *arg)
{
    return *(int *)arg;
}

static int use_a_bit_of_everything(void *arg)
{
    int seven = 7;
    ck_assert_ptr_nonnull(asyncio_backend_name());
    ck_assert_int_eq(asyncio_call_soon(note_arg, arg, NULL), 0);
    ck_assert_int_eq(asyncio_call_later(100, note_arg, arg, NULL), 0);
    ck_assert_int_eq(asyncio_add_signal_handler(SIGUSR1, note_arg, arg), 0);
    ck_assert_int_eq(asyncio_sleep(1e-6), 0);
    note_count = 0;
    return asyncio_to_thread(thread_job, &seven);
}

static void *run_once(void *arg)
{
    ck_assert_int_eq(asyncio_run(use_a_bit_of_everything, arg), 7);
    return NULL;
}

static int count_threads(void)
{
    return (int)proc_kib("/proc/self/status", "Threads:");
}

/* Not those that a pool's thread is about to close. */
static int settled_fds(void)
{
    pause_thread(0.05);
    return count_fds();
}

START_TEST(a_thousand_threads_with_a_loop_each_leave_nothing)
{
    long times = 1000 / rig_slowness();
    for (int i = 0; i < 50; i++)
        thread_join(thread_start(run_once, NULL));
    int fds = settled_fds();
    int threads = count_threads();
    long kib = proc_kib("/proc/self/status", "VmRSS:");
    long address_kib = proc_kib("/proc/self/status", "VmSize:");
    for (long i = 0; i < times; i++)
        thread_join(thread_start(run_once, NULL));
    await_fds(fds);
    /* The pool's come and go, but there is a bound to them. */
    ck_assert_int_le(count_threads(), threads + 2);
    if (!CTX_MARKED && rig_slowness() == 1) {
        ck_assert_int_lt(proc_kib("/proc/self/status", "VmRSS:"), kib + 2048);
        ck_assert_int_lt(proc_kib("/proc/self/status", "VmSize:"),
                         address_kib + 128 * 1024);
    }
}
END_TEST

START_TEST(a_thousand_loops_in_one_thread_leave_nothing)
{
    long times = 1000 / rig_slowness();
    for (int i = 0; i < 50; i++)
        run_once(NULL);
    int fds = settled_fds();
    long kib = proc_kib("/proc/self/status", "VmRSS:");
    for (long i = 0; i < times; i++)
        run_once(NULL);
    await_fds(fds);
    if (!CTX_MARKED && rig_slowness() == 1)
        ck_assert_int_lt(proc_kib("/proc/self/status", "VmRSS:"), kib + 2048);
}
END_TEST

/* ---- at the same time, come and gone ---- */

static void *run_many(void *arg)
{
    for (int i = 0; i < 40; i++)
        ck_assert_int_eq(asyncio_run(return_value, arg), *(int *)arg);
    return NULL;
}

START_TEST(loops_begin_and_end_in_many_threads_at_once)
{
    pthread_t threads[THREADS];
    int fds = count_fds(), result = 3;
    for (int i = 0; i < THREADS; i++)
        threads[i] = thread_start(run_many, &result);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    await_fds(fds);
}
END_TEST

/* ---- what waiting costs ---- */

static int count_turns(void *arg)
{
    struct asyncio_loop *loop = asyncio_get_running_loop();
    (void)arg;
    let_a_turn_pass();
    uint64_t before = loop->turns;
    ck_assert_int_eq(asyncio_sleep(rig_is_virtual() ? 3600 : 0.3), 0);
    return (int)(loop->turns - before);
}

START_TEST(a_loop_that_waits_does_not_turn)
{
    int turns = asyncio_run(count_turns, NULL);
    ck_assert_int_ge(turns, 1);
    ck_assert_int_lt(turns, 20);
}
END_TEST

SCENARIO(a_warm_turn_allocates_nothing)
{
    let_a_turn_pass();
    uint64_t before = mem_alloc_count();
    for (int i = 0; i < 20; i++)
        let_a_turn_pass();
    ck_assert_uint_eq(mem_alloc_count(), before);
}

/* ---- one seed, one story ---- */

static int write_story(void *arg)
{
    note((int)(intptr_t)arg);
    ck_assert_int_eq(asyncio_sleep((double)((intptr_t)arg % 3)), 0);
    note(100 + (int)(intptr_t)arg);
    int result = 1;
    ck_assert_int_eq(asyncio_to_thread(thread_job, &result), 1);
    note(200 + (int)(intptr_t)arg);
    return 0;
}

static int tell_stories(void *arg)
{
    asyncio_task tasks[20];
    (void)arg;
    note_count = 0;
    for (int i = 0; i < 20; i++)
        tasks[i] = asyncio_create_task(write_story, number(i));
    return asyncio_gather(tasks, 20, NULL);
}

START_TEST(a_simulation_is_what_its_seed_says)
{
    int first[NOTES_MAX], distinct = 0, before[60] = {0};
    for (uint64_t seed = 1; seed <= 30; seed++) {
        ck_assert_int_eq(asyncio_run_simulated(seed, tell_stories, NULL), 0);
        ck_assert_int_eq(note_count, 60);
        memcpy(first, notes, sizeof first);
        ck_assert_int_eq(asyncio_run_simulated(seed, tell_stories, NULL), 0);
        ck_assert_mem_eq(first, notes, 60 * sizeof *notes);
        distinct += memcmp(before, notes, sizeof before) != 0;
        memcpy(before, notes, sizeof before);
    }
    ck_assert_int_eq(distinct, 30);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("loops");
    suite_case(suite, each_thread_has_a_loop_of_its_own);
    suite_case(suite, a_message_goes_round_through_all_loops);
    suite_case(suite, a_thousand_threads_with_a_loop_each_leave_nothing);
    suite_case(suite, a_thousand_loops_in_one_thread_leave_nothing);
    suite_case(suite, loops_begin_and_end_in_many_threads_at_once);
    suite_case(suite, a_loop_that_waits_does_not_turn);
    suite_case(suite, a_warm_turn_allocates_nothing);
    suite_case(suite, a_simulation_is_what_its_seed_says);
    return suite;
}
