/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the engine and of plain descriptors share beyond the rig
 * of the tasks: callbacks that write down their order, threads.
 */
#ifndef ENGINE_RIG_H
#define ENGINE_RIG_H

#include <pthread.h>
#include <stdatomic.h>

#include "../task/rig.h"

/* ---- an order of events ---- */

enum { NOTES_MAX = 4096 };

static UNUSED int notes[NOTES_MAX];
static UNUSED int note_count;

static UNUSED void note(int what)
{
    ck_assert_int_lt(note_count, NOTES_MAX);
    notes[note_count++] = what;
}

/* A callback: its argument is the number to write down, cast. */
static UNUSED void note_arg(void *arg)
{
    note((int)(intptr_t)arg);
}

static UNUSED void *number(int what)
{
    return (void *)(intptr_t)what;
}

static UNUSED void assert_notes(const int *expected, int count)
{
    ck_assert_int_eq(note_count, count);
    for (int i = 0; i < count; i++)
        ck_assert_msg(notes[i] == expected[i], "notes[%d] is %d, not %d", i,
                      notes[i], expected[i]);
}

#define ASSERT_NOTES(...)                                                      \
    assert_notes((const int[]){__VA_ARGS__},                                   \
                 (int)ARRAY_SIZE(((const int[]){__VA_ARGS__})))

/* Lets the loop look at its clock and its mail. */
static UNUSED void let_a_turn_pass(void)
{
    ck_assert_int_eq(asyncio_sleep(TICK), 0);
}

/* ---- threads ---- */

static UNUSED pthread_t thread_start(void *(*fn)(void *), void *arg)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, fn, arg), 0);
    return thread;
}

static UNUSED void thread_join(pthread_t thread)
{
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

static UNUSED void pause_thread(double seconds)
{
    sys_thread_sleep((uint64_t)(seconds * (double)NSEC_PER_SEC));
}

/* Spins until `*flag` is at least `least`, in a thread of its own. */
static UNUSED void await_count(atomic_int *flag, int least)
{
    while (atomic_load(flag) < least)
        pause_thread(0.0005);
}

/* The same in a task: the loop goes on meanwhile. On the virtual clock time
 * would run away, so it stands still. */
static UNUSED void task_await_count(atomic_int *flag, int least)
{
    while (atomic_load(flag) < least) {
        if (rig_is_virtual())
            pause_thread(0.0001);
        ck_assert_int_eq(asyncio_sleep(rig_is_virtual() ? 0 : 0.0005), 0);
    }
}

/* What each descriptor is, for who wonders which one is too many. */
static UNUSED void list_fds(void)
{
    for (int fd = 0; fd < 1024; fd++) {
        char link[32], target[256];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t len = readlink(link, target, sizeof target);
        if (len > 0)
            fprintf(stderr, "%d is %.*s\n", fd, (int)len, target);
    }
}

/* A pool's thread lets go of a loop a moment after the loop has its result. */
static UNUSED void await_fds(int count)
{
    for (int i = 0; i < 5000 && count_fds() != count; i++)
        pause_thread(0.001);
    if (count_fds() != count)
        list_fds();
    ck_assert_int_eq(count_fds(), count);
}

#endif
