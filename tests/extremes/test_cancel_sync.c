/* SPDX-License-Identifier: MIT */
/*
 * Cancelling everywhere (everywhere.h) in programs that use locks, events,
 * conditions, semaphores, barriers and queues: whoever is cancelled cleans up
 * behind itself, so nobody may wait for ever, and nothing may be lost.
 */
#include "everywhere.h"

/* ---- producers and consumers ---- */

enum { ITEMS_EACH = 4, PRODUCERS = 2 };

static struct {
    struct asyncio_queue queue;
    struct asyncio_lock lock;
    size_t put, got;
    int producing;               /* producers that have not ended */
    int sum;                     /* under the lock */
} shop;

COROUTINE(shop_produce)
{
    int err = 0;
    for (int i = 1; i <= ITEMS_EACH && err == 0; i++) {
        err = STEP(asyncio_queue_put(&shop.queue, &i));
        shop.put += err == 0;
        if (err == 0 && i % 2)
            err = step_sleep(1);
    }
    if (--shop.producing == 0)
        asyncio_queue_shutdown(&shop.queue, false);
    return err;
}

static int shop_work(int item)
{
    int err = STEP(asyncio_lock_acquire(&shop.lock));
    if (err < 0)
        return err;
    int sum = shop.sum;
    err = step_sleep(1);
    shop.sum = sum + item;
    ck_assert_int_eq(asyncio_lock_release(&shop.lock), 0);
    return err;
}

COROUTINE(shop_consume)
{
    int item, err;
    while ((err = STEP(asyncio_queue_get(&shop.queue, &item))) == 0) {
        shop.got++;
        err = shop_work(item);
        ck_assert_int_eq(asyncio_queue_task_done(&shop.queue), 0);
        if (err < 0)
            break;
    }
    return err == -EPIPE ? 0 : err;
}

COROUTINE(shop_main)
{
    struct asyncio_group group;
    shop.put = shop.got = 0;
    shop.sum = 0;
    shop.producing = PRODUCERS;
    asyncio_lock_init(&shop.lock);
    ck_assert_int_eq(asyncio_queue_init(&shop.queue, sizeof(int), 2), 0);
    ck_assert_int_eq(asyncio_group_begin(&group), 0);
    for (int i = 0; i < PRODUCERS; i++) {
        asyncio_group_create_task(&group, shop_produce, NULL);
        asyncio_group_create_task(&group, shop_consume, NULL);
    }
    return STEP(asyncio_group_end(&group, 0));
}

static void shop_check(bool is_unharmed)
{
    size_t left = asyncio_queue_size(&shop.queue);
    ck_assert(!asyncio_lock_is_locked(&shop.lock));
    ck_assert_uint_eq(shop.put, shop.got + left);
    for (size_t i = 0; i < left; i++) {
        int item;
        ck_assert_int_eq(asyncio_queue_try_get(&shop.queue, &item), 0);
        ck_assert_int_eq(asyncio_queue_task_done(&shop.queue), 0);
    }
    ck_assert_int_eq(asyncio_queue_task_done(&shop.queue), -EINVAL);
    if (is_unharmed) {
        ck_assert_uint_eq(shop.got, PRODUCERS * ITEMS_EACH);
        ck_assert_int_eq(shop.sum, PRODUCERS * (1 + 2 + 3 + 4));
    }
    asyncio_queue_fini(&shop.queue);
    asyncio_lock_fini(&shop.lock);
}

EVERYWHERE(shop, NULL, false)

/* ---- a queue that is joined ---- */

static struct {
    struct asyncio_queue queue;
    int done;
    bool is_joined;
} joined;

COROUTINE(joined_worker)
{
    int item, err;
    while ((err = STEP(asyncio_queue_get(&joined.queue, &item))) == 0) {
        step_sleep(1);           /* cancelled or not, the item is done */
        joined.done++;
        ck_assert_int_eq(asyncio_queue_task_done(&joined.queue), 0);
    }
    /* Whoever goes may be the last who works. */
    asyncio_queue_shutdown(&joined.queue, true);
    return err == -EPIPE ? 0 : err;
}

COROUTINE(joined_main)
{
    asyncio_task workers[2];
    joined.done = 0;
    joined.is_joined = false;
    ck_assert_int_eq(asyncio_lifo_queue_init(&joined.queue, sizeof(int), 0), 0);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(asyncio_queue_try_put(&joined.queue, &i), 0);
    for (size_t i = 0; i < ARRAY_SIZE(workers); i++)
        workers[i] = asyncio_create_task(joined_worker, NULL);
    int err = STEP(asyncio_queue_join(&joined.queue));
    joined.is_joined = err == 0;
    asyncio_queue_shutdown(&joined.queue, true);
    int failure = STEP(asyncio_gather(workers, ARRAY_SIZE(workers), NULL));
    return err < 0 ? err : failure;
}

static void joined_check(bool is_unharmed)
{
    ck_assert_uint_eq(asyncio_queue_size(&joined.queue), 0);
    ck_assert_int_eq(asyncio_queue_task_done(&joined.queue), -EINVAL);
    if (is_unharmed) {
        ck_assert(joined.is_joined);
        ck_assert_int_eq(joined.done, 5);
    }
    asyncio_queue_fini(&joined.queue);
}

EVERYWHERE(joined, NULL, false)

/* ---- a condition, there and back ---- */

enum { STROKES = 4 };

static struct {
    struct asyncio_lock lock;
    struct asyncio_condition condition;
    int turn;                    /* whose it is */
    int strokes;
    bool is_over;
} table;

/* Waits with the lock for the turn of player `me`, and ends with the lock. */
static int table_await_turn(int me)
{
    int err = 0;
    while (err == 0 && table.turn != me && !table.is_over) {
        err = STEP(asyncio_condition_wait(&table.condition));
        /* With the lock, whatever it returned. */
        ck_assert_int_eq(asyncio_lock_acquire(&table.lock),
                         asyncio_check_cancelled() ? -ECANCELED : -EDEADLK);
    }
    return err;
}

static int table_play(int me)
{
    int err = STEP(asyncio_lock_acquire(&table.lock));
    if (err < 0)
        return err;
    err = table_await_turn(me);
    if (err == 0 && !table.is_over) {
        table.strokes++;
        table.turn = !me;
    }
    ck_assert_int_eq(asyncio_condition_notify(&table.condition, 1), 0);
    ck_assert_int_eq(asyncio_lock_release(&table.lock), 0);
    return err;
}

static int table_end(void *arg)
{
    (void)arg;
    int err = STEP(asyncio_lock_acquire(&table.lock));
    ck_assert_int_eq(err, 0);
    table.is_over = true;
    ck_assert_int_eq(asyncio_condition_notify_all(&table.condition), 0);
    return asyncio_lock_release(&table.lock);
}

COROUTINE(table_player)
{
    int err = 0;
    for (int i = 0; i < STROKES && err == 0; i++)
        err = table_play(arg != NULL);
    if (err < 0) /* the other is not to wait for ever */
        ck_assert_int_eq(asyncio_shield_run(ASYNCIO_FOREVER, table_end, NULL),
                         0);
    return err;
}

COROUTINE(table_main)
{
    asyncio_task players[2];
    asyncio_lock_init(&table.lock);
    asyncio_condition_init(&table.condition, &table.lock);
    table.turn = table.strokes = 0;
    table.is_over = false;
    players[0] = asyncio_create_task(table_player, NULL);
    players[1] = asyncio_create_task(table_player, &table);
    return STEP(asyncio_gather(players, 2, NULL));
}

static void table_check(bool is_unharmed)
{
    ck_assert(!asyncio_lock_is_locked(&table.lock));
    if (is_unharmed)
        ck_assert_int_eq(table.strokes, 2 * STROKES);
    asyncio_condition_fini(&table.condition);
    asyncio_lock_fini(&table.lock);
}

EVERYWHERE(table, NULL, false)

/* ---- workers that a semaphore limits ---- */

enum { PERMITS = 2, WORKERS = 5 };

static struct {
    struct asyncio_semaphore semaphore;
    int working, worked;
} limited;

COROUTINE(limited_worker)
{
    int err = STEP(asyncio_semaphore_acquire(&limited.semaphore));
    if (err < 0)
        return err;
    ck_assert_int_le(++limited.working, PERMITS);
    err = step_sleep(arg ? 1 : 0);
    limited.working--;
    limited.worked += err == 0;
    ck_assert_int_eq(asyncio_semaphore_release(&limited.semaphore), 0);
    return err;
}

COROUTINE(limited_main)
{
    asyncio_task workers[WORKERS];
    limited.working = limited.worked = 0;
    asyncio_bounded_semaphore_init(&limited.semaphore, PERMITS);
    for (int i = 0; i < WORKERS; i++)
        workers[i] =
            asyncio_create_task(limited_worker, i % 2 ? &limited : NULL);
    return STEP(asyncio_gather(workers, WORKERS, NULL));
}

static void limited_check(bool is_unharmed)
{
    for (int i = 0; i < PERMITS; i++)
        ck_assert_int_eq(asyncio_semaphore_try_acquire(&limited.semaphore), 0);
    ck_assert_int_eq(asyncio_semaphore_try_acquire(&limited.semaphore),
                     -EAGAIN);
    if (is_unharmed)
        ck_assert_int_eq(limited.worked, WORKERS);
    asyncio_semaphore_fini(&limited.semaphore);
}

EVERYWHERE(limited, NULL, false)

/* ---- a barrier ---- */

enum { PARTIES = 3, ROUNDS = 3 };

static struct {
    struct asyncio_barrier barrier;
    int numbers[ROUNDS];         /* a bit for each that was given */
} race;

static int race_wait(void *arg)
{
    (void)arg;
    return STEP(asyncio_barrier_wait(&race.barrier));
}

/* One comes early, and goes again when the others take their time; its place
 * is then free until it is back. */
static int race_warm_up(bool is_early)
{
    if (!is_early)
        return step_sleep(3);
    int number = asyncio_timeout_run(moment(1), race_wait, NULL);
    ck_assert_int_lt(number, 0);
    return number == -ETIMEDOUT ? 0 : number;
}

COROUTINE(race_runner)
{
    int err = race_warm_up(!arg);
    for (int round = 0; round < ROUNDS && err == 0; round++) {
        int number = race_wait(NULL);
        if (number < 0) {
            err = number;
            break;
        }
        ck_assert_int_lt(number, PARTIES);
        ck_assert_int_eq(race.numbers[round] & 1 << number, 0);
        race.numbers[round] |= 1 << number;
        err = step_sleep(arg ? 1 : 0);
    }
    if (err < 0) /* the others are not to wait for it */
        asyncio_barrier_abort(&race.barrier);
    return err == -EPIPE ? -ECANCELED : err;
}

COROUTINE(race_main)
{
    asyncio_task runners[PARTIES];
    memset(race.numbers, 0, sizeof race.numbers);
    ck_assert_int_eq(asyncio_barrier_init(&race.barrier, PARTIES), 0);
    for (int i = 0; i < PARTIES; i++)
        runners[i] = asyncio_create_task(race_runner, i ? &race : NULL);
    return STEP(asyncio_gather(runners, PARTIES, NULL));
}

static void race_check(bool is_unharmed)
{
    ck_assert_uint_eq(asyncio_barrier_waiting(&race.barrier), 0);
    for (int round = 0; is_unharmed && round < ROUNDS; round++)
        ck_assert_int_eq(race.numbers[round], (1 << PARTIES) - 1);
    asyncio_barrier_fini(&race.barrier);
}

EVERYWHERE(race, NULL, false)

/* ---- an event that many wait for ---- */

static struct {
    struct asyncio_event event;
    int passed;
} gate;

COROUTINE(gate_guest)
{
    int err = STEP(asyncio_event_wait(&gate.event));
    gate.passed += err == 0;
    return err;
}

COROUTINE(gate_keeper)
{
    int err = step_sleep(2);
    asyncio_event_set(&gate.event);
    return err;
}

COROUTINE(gate_main)
{
    asyncio_task tasks[5];
    gate.passed = 0;
    asyncio_event_init(&gate.event);
    for (int i = 0; i < 4; i++)
        tasks[i] = asyncio_create_task(gate_guest, NULL);
    tasks[4] = asyncio_create_task(gate_keeper, NULL);
    return STEP(asyncio_gather(tasks, 5, NULL));
}

static void gate_check(bool is_unharmed)
{
    ck_assert(asyncio_event_is_set(&gate.event));
    if (is_unharmed)
        ck_assert_int_eq(gate.passed, 4);
    asyncio_event_fini(&gate.event);
}

EVERYWHERE(gate, NULL, false)

/* ---- a lock that is waited for with little patience ---- */

static struct {
    struct asyncio_lock lock;
    int turned_away, served;
} counter;

static int counter_take(void *arg)
{
    (void)arg;
    return STEP(asyncio_lock_acquire(&counter.lock));
}

COROUTINE(counter_customer)
{
    int err = asyncio_timeout_run(moment(3), counter_take, NULL);
    if (err < 0) {
        counter.turned_away += err == -ETIMEDOUT;
        return err == -ETIMEDOUT ? 0 : err;
    }
    counter.served++;
    err = step_sleep(2);
    ck_assert_int_eq(asyncio_lock_release(&counter.lock), 0);
    return err;
}

COROUTINE(counter_main)
{
    struct asyncio_group group;
    counter.turned_away = counter.served = 0;
    asyncio_lock_init(&counter.lock);
    ck_assert_int_eq(asyncio_group_begin(&group), 0);
    for (int i = 0; i < 4; i++)
        asyncio_group_create_task(&group, counter_customer, NULL);
    return STEP(asyncio_group_end(&group, 0));
}

static void counter_check(bool is_unharmed)
{
    ck_assert(!asyncio_lock_is_locked(&counter.lock));
    if (is_unharmed)
        ck_assert_int_eq(counter.turned_away + counter.served, 4);
    if (is_unharmed && rig_is_virtual())
        ck_assert_int_eq(counter.served, 2);
    asyncio_lock_fini(&counter.lock);
}

EVERYWHERE(counter, NULL, false)

Suite *test_suite(void)
{
    Suite *suite = suite_create("cancel_sync");
    suite_case(suite, cancel_everywhere_in_shop);
    suite_case(suite, cancel_everywhere_in_joined);
    suite_case(suite, cancel_everywhere_in_table);
    suite_case(suite, cancel_everywhere_in_limited);
    suite_case(suite, cancel_everywhere_in_race);
    suite_case(suite, cancel_everywhere_in_gate);
    suite_case(suite, cancel_everywhere_in_counter);
    return suite;
}
