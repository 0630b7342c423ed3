/* SPDX-License-Identifier: MIT */
/* Blocking functions on a thread: results, cancels, what is left behind. */
#include "rig.h"

#include <pthread.h>
#include <stdatomic.h>

#include "backend/pool.h"
#include "base/fault.h"
#include "sys/sys.h"

static atomic_int calls_made, discards_made;

/* A door that blocks a thread until it is opened. */
struct door {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int inside;                  /* who stands before it, or has passed */
    bool is_open;
};

#define DOOR                                                                  \
    {                                                                         \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, false         \
    }

static int pass_door(void *arg)
{
    struct door *door = arg;
    pthread_mutex_lock(&door->lock);
    door->inside++;
    pthread_cond_broadcast(&door->moved);
    while (!door->is_open)
        pthread_cond_wait(&door->moved, &door->lock);
    pthread_mutex_unlock(&door->lock);
    atomic_fetch_add(&calls_made, 1);
    return 17;
}

static void door_open(struct door *door)
{
    pthread_mutex_lock(&door->lock);
    door->is_open = true;
    pthread_cond_broadcast(&door->moved);
    pthread_mutex_unlock(&door->lock);
}

/* Blocks the loop for a moment, until so many threads stand there. */
static void door_await(struct door *door, int count)
{
    pthread_mutex_lock(&door->lock);
    while (door->inside < count)
        pthread_cond_wait(&door->moved, &door->lock);
    pthread_mutex_unlock(&door->lock);
}

static int twice(void *arg)
{
    atomic_fetch_add(&calls_made, 1);
    return 2 * *(int *)arg;
}

static int in_thread(void *arg)
{
    return asyncio_to_thread(twice, arg);
}

static int through_door(void *arg)
{
    return asyncio_to_thread(pass_door, arg);
}

/* ---- results ---- */

static int thread_id(void *arg)
{
    *(int *)arg = sys_thread_id();
    return -EXDEV;
}

static int results(void *arg)
{
    int number = 21, thread = 0;
    (void)arg;
    ck_assert_int_eq(asyncio_to_thread(twice, &number), 42);
    ck_assert_int_eq(asyncio_to_thread(thread_id, &thread), -EXDEV);
    if (is_simulated())
        ck_assert_int_eq(thread, sys_thread_id());
    else
        ck_assert_int_ne(thread, sys_thread_id());
    return 0;
}

START_TEST(result_is_what_the_function_returned)
{
    run(results, NULL);
}
END_TEST

static int misuse(void *arg)
{
    (void)arg;
    ck_assert_int_eq(asyncio_to_thread(NULL, NULL), -EINVAL);
    ck_assert_int_eq(asyncio_to_thread_abandonable(NULL, NULL, free),
                     -EINVAL);
    ck_assert_int_eq(asyncio_to_thread_abandonable(twice, NULL, NULL),
                     -EINVAL);
    return 0;
}

START_TEST(misuse_is_refused)
{
    int number = 1;
    ck_assert_int_eq(asyncio_to_thread(twice, &number), -EPERM);
    ck_assert_int_eq(asyncio_to_thread_abandonable(twice, &number, free),
                     -EPERM);
    run(misuse, NULL);
    ck_assert_int_eq(calls_made, 0);
}
END_TEST

static int many(void *arg)
{
    enum { CALLS = 200 };
    int numbers[CALLS], doubled[CALLS];
    asyncio_task tasks[CALLS];
    (void)arg;
    for (int i = 0; i < CALLS; i++) {
        numbers[i] = i;
        tasks[i] = asyncio_create_task(in_thread, &numbers[i]);
    }
    ck_assert_int_eq(asyncio_gather(tasks, CALLS, doubled), 0);
    for (int i = 0; i < CALLS; i++)
        ck_assert_int_eq(doubled[i], 2 * i);
    return 0;
}

START_TEST(many_calls_at_once)
{
    run(many, NULL);
}
END_TEST

static int go_on_meanwhile(void *arg)
{
    struct door door = DOOR;
    struct call call;
    (void)arg;
    call_start(&call, through_door, &door);
    for (int i = 0; i < 5; i++)
        settle();
    ck_assert(call_waits(&call));
    door_open(&door);
    ck_assert_int_eq(call_end(&call), 17);
    return 0;
}

START_TEST(other_tasks_run_meanwhile)
{
    if (!is_simulated())
        run(go_on_meanwhile, NULL);
}
END_TEST

/* A thread that has just delivered a result may not be back for the next call;
 * then the pool starts another, which is an allocation. */
static int count_allocations(void *arg)
{
    unsigned threads, threads_before, idle;
    int number = 1;
    (void)arg;
    ck_assert_int_eq(asyncio_to_thread(twice, &number), 2);
    pool_count(&pool_tasks, &threads_before, &idle);
    uint64_t before = mem_alloc_count();
    for (int i = 0; i < 40; i++)
        ck_assert_int_eq(asyncio_to_thread(twice, &number), 2);
    pool_count(&pool_tasks, &threads, &idle);
    ck_assert_uint_eq(mem_alloc_count(), before + threads - threads_before);
    return 0;
}

START_TEST(nothing_is_allocated)
{
    run(count_allocations, NULL);
}
END_TEST

/* ---- cancels ---- */

static int cancelled_before(void *arg)
{
    int number = 1;
    struct call call;
    (void)arg;
    call_start(&call, in_thread, &number);
    call_cancel(&call);
    ck_assert_int_eq(call_end(&call), -ECANCELED);
    ck_assert_int_eq(calls_made, 0);
    return 0;
}

START_TEST(cancelled_task_calls_nothing)
{
    run(cancelled_before, NULL);
}
END_TEST

static int cancel_while_running(void *arg)
{
    struct door door = DOOR;
    struct call call;
    (void)arg;
    call_start(&call, through_door, &door);
    asyncio_sleep(0);
    door_await(&door, 1);
    call_cancel(&call);
    settle();
    ck_assert(call_waits(&call));
    door_open(&door);
    ck_assert_int_eq(call_end(&call), 17);
    return 0;
}

START_TEST(running_function_finishes_and_its_result_stands)
{
    if (!is_simulated())
        run(cancel_while_running, NULL);
}
END_TEST

static struct asyncio_timeout timeout;

static int through_door_in_time(void *arg)
{
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, ASYNCIO_FOREVER), 0);
    return asyncio_timeout_end(&timeout, through_door(arg));
}

static int deadline_while_running(void *arg)
{
    struct door door = DOOR;
    struct call call;
    (void)arg;
    call_start(&call, through_door_in_time, &door);
    asyncio_sleep(0);
    door_await(&door, 1);
    ck_assert_int_eq(asyncio_timeout_reschedule(&timeout, 0), 0);
    settle();
    ck_assert(call_waits(&call));
    door_open(&door);
    ck_assert_int_eq(call_end(&call), 17);
    return 0;
}

START_TEST(running_function_outlasts_a_deadline)
{
    if (!is_simulated())
        run(deadline_while_running, NULL);
}
END_TEST

/* More calls than the pool has threads: the last one is queued. */
static int cancel_while_queued(void *arg)
{
    enum { CALLS = 40 };
    struct door door = DOOR;
    asyncio_task tasks[CALLS];
    int number = 1;
    struct call queued;
    (void)arg;
    for (int i = 0; i < CALLS; i++)
        tasks[i] = asyncio_create_task(through_door, &door);
    settle();
    call_start(&queued, in_thread, &number);
    settle();
    call_cancel(&queued);
    ck_assert_int_eq(call_end(&queued), -ECANCELED);
    door_open(&door);
    ck_assert_int_eq(asyncio_gather(tasks, CALLS, NULL), 0);
    ck_assert_int_eq(calls_made, CALLS);
    return 0;
}

START_TEST(queued_function_is_withdrawn)
{
    if (!is_simulated())
        run(cancel_while_queued, NULL);
}
END_TEST

static int cancel_anywhere(void *arg)
{
    int numbers[8];
    asyncio_task tasks[8];
    int results[8];
    (void)arg;
    atomic_store(&calls_made, 0);
    for (int i = 0; i < 8; i++) {
        numbers[i] = i;
        tasks[i] = asyncio_create_task(in_thread, &numbers[i]);
    }
    asyncio_sleep(dice(10) / 1000.0);
    for (int i = 0; i < 8; i += 2)
        asyncio_task_cancel(tasks[i]);
    asyncio_gather(tasks, 8, results);
    int called = 0;
    for (int i = 0; i < 8; i++) {
        if (results[i] == -ECANCELED)
            continue;
        ck_assert_int_eq(results[i], 2 * i);
        called++;
    }
    ck_assert_int_eq(calls_made, called);
    return 0;
}

START_TEST(either_it_is_called_or_the_call_is_cancelled)
{
    run(cancel_anywhere, NULL);
    run_seeds(cancel_anywhere, NULL);
}
END_TEST

/* ---- abandonable ---- */

static void discard(void *arg)
{
    atomic_fetch_add(&discards_made, 1);
    free(arg);
}

static void await_discards(int count)
{
    while (atomic_load(&discards_made) < count)
        sys_thread_sleep(NSEC_PER_MSEC);
    ck_assert_int_eq(discards_made, count);
}

static int *new_number(int value)
{
    int *number = malloc(sizeof *number);
    ck_assert_ptr_nonnull(number);
    *number = value;
    return number;
}

static int abandonable(void *arg)
{
    return asyncio_to_thread_abandonable(twice, arg, discard);
}

static int not_abandoned(void *arg)
{
    int *number = new_number(4);
    (void)arg;
    ck_assert_int_eq(abandonable(number), 8);
    free(number);
    return 0;
}

START_TEST(argument_stays_the_callers_when_nothing_is_cancelled)
{
    run(not_abandoned, NULL);
    ck_assert_int_eq(discards_made, 0);
}
END_TEST

static int cancelled_before_abandonable(void *arg)
{
    struct call call;
    (void)arg;
    call_start(&call, abandonable, new_number(4));
    call_cancel(&call);
    ck_assert_int_eq(call_end(&call), -ECANCELED);
    ck_assert_int_eq(discards_made, 1);
    return 0;
}

START_TEST(argument_is_discarded_when_it_was_never_called)
{
    run(cancelled_before_abandonable, NULL);
    ck_assert_int_eq(calls_made, 0);
}
END_TEST

struct visit {
    struct door *door;
};

static int visit(void *arg)
{
    struct visit *visit = arg;
    return pass_door(visit->door);
}

static int abandonable_visit(void *arg)
{
    struct visit *it = malloc(sizeof *it);
    ck_assert_ptr_nonnull(it);
    it->door = arg;
    return asyncio_to_thread_abandonable(visit, it, discard);
}

static int abandon_while_running(void *arg)
{
    struct door *door = arg;
    struct call call;
    call_start(&call, abandonable_visit, door);
    asyncio_sleep(0);
    door_await(door, 1);
    call_cancel(&call);
    ck_assert_int_eq(call_end(&call), -ECANCELED);
    ck_assert_int_eq(discards_made, 0);
    return 0;
}

START_TEST(abandoned_function_outlives_even_the_loop)
{
    static struct door door = DOOR;
    if (is_simulated())
        return;
    run(abandon_while_running, &door);
    door_open(&door);
    await_discards(1);
    ck_assert_int_eq(calls_made, 1);
}
END_TEST

static int abandon_while_queued(void *arg)
{
    enum { CALLS = 40 };
    asyncio_task tasks[CALLS];
    struct call queued;
    for (int i = 0; i < CALLS; i++)
        tasks[i] = asyncio_create_task(through_door, arg);
    settle();
    call_start(&queued, abandonable, new_number(1));
    settle();
    call_cancel(&queued);
    ck_assert_int_eq(call_end(&queued), -ECANCELED);
    door_open(arg);
    ck_assert_int_eq(asyncio_gather(tasks, CALLS, NULL), 0);
    return 0;
}

START_TEST(abandoned_before_its_start_is_only_discarded)
{
    static struct door door = DOOR;
    if (is_simulated())
        return;
    run(abandon_while_queued, &door);
    await_discards(1);
    ck_assert_int_eq(calls_made, 40);
}
END_TEST

static int cancels_itself(void *arg)
{
    (void)arg;
    return -ECANCELED;
}

static int own_cancel(void *arg)
{
    (void)arg;
    int err = asyncio_to_thread_abandonable(cancels_itself, new_number(1),
                                            discard);
    ck_assert_int_eq(err, -ECANCELED);
    ck_assert_int_eq(discards_made, 1);
    return 0;
}

START_TEST(cancelled_always_means_that_the_argument_is_gone)
{
    run(own_cancel, NULL);
}
END_TEST

static int out_of_memory(void *arg)
{
    int *number = new_number(1);
    (void)arg;
    settle();
    fault_arm(FAULT_MEMORY, 1);
    int err = abandonable(number);
    fault_disarm();
    ck_assert_int_eq(err, -ENOMEM);
    ck_assert_int_eq(discards_made, 0);
    free(number);
    return 0;
}

START_TEST(argument_stays_the_callers_without_memory)
{
    run(out_of_memory, NULL);
}
END_TEST

static int abandon_anywhere(void *arg)
{
    int *numbers[8];
    asyncio_task tasks[8];
    int results[8];
    for (int i = 0; i < 8; i++) {
        numbers[i] = new_number(i);
        tasks[i] = asyncio_create_task(abandonable, numbers[i]);
    }
    asyncio_sleep(dice(10) / 1000.0);
    for (int i = 0; i < 8; i += 2)
        asyncio_task_cancel(tasks[i]);
    asyncio_gather(tasks, 8, results);
    for (int i = 0; i < 8; i++) {
        if (results[i] == -ECANCELED) {
            ++*(int *)arg;
            continue;
        }
        ck_assert_int_eq(results[i], 2 * i);
        free(numbers[i]);
    }
    return 0;
}

/* What is abandoned is seen to its end before the simulation is over. */
START_TEST(every_argument_is_freed_once)
{
    int cancelled = 0;
    run_seeds(abandon_anywhere, &cancelled);
    ck_assert_int_gt(cancelled, 0);
    ck_assert_int_eq(discards_made, cancelled);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("to_thread");
    suite_case(suite, result_is_what_the_function_returned);
    suite_case(suite, misuse_is_refused);
    suite_case(suite, many_calls_at_once);
    suite_case(suite, other_tasks_run_meanwhile);
    suite_case(suite, nothing_is_allocated);
    suite_case(suite, cancelled_task_calls_nothing);
    suite_case(suite, running_function_finishes_and_its_result_stands);
    suite_case(suite, running_function_outlasts_a_deadline);
    suite_case(suite, queued_function_is_withdrawn);
    suite_case(suite, either_it_is_called_or_the_call_is_cancelled);
    suite_case(suite, argument_stays_the_callers_when_nothing_is_cancelled);
    suite_case(suite, argument_is_discarded_when_it_was_never_called);
    suite_case(suite, abandoned_function_outlives_even_the_loop);
    suite_case(suite, abandoned_before_its_start_is_only_discarded);
    suite_case(suite, cancelled_always_means_that_the_argument_is_gone);
    suite_case(suite, argument_stays_the_callers_without_memory);
    suite_case(suite, every_argument_is_freed_once);
    return suite;
}
