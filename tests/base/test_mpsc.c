/* SPDX-License-Identifier: MIT */
/* The inbox: order, the wake-up hint, many pushers at once, signal handlers. */
#include "suite.h"

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/mpsc.h"

enum { PUSHERS = 4, EACH = 20000 };

struct note {
    struct work work;
    int pusher;
    int serial;
};

static struct mpsc inbox;
static struct note notes[PUSHERS][EACH];
static _Atomic int wakes;                /* pushes that found it empty */

static const struct note *note_of(struct work *work)
{
    return container_of(work, struct note, work);
}

START_TEST(only_the_first_push_finds_it_empty)
{
    struct work works[3];
    mpsc_init(&inbox);
    ck_assert(mpsc_is_empty(&inbox));
    ck_assert(mpsc_push(&inbox, &works[0]));
    ck_assert(!mpsc_push(&inbox, &works[1]));
    ck_assert(!mpsc_is_empty(&inbox));
    mpsc_take_all(&inbox);
    ck_assert(mpsc_is_empty(&inbox));
    ck_assert(mpsc_push(&inbox, &works[2]));
}
END_TEST

START_TEST(all_is_taken_first_in_first)
{
    struct work works[3];
    mpsc_init(&inbox);
    ck_assert_ptr_null(mpsc_take_all(&inbox));
    for (size_t i = 0; i < ARRAY_SIZE(works); i++)
        mpsc_push(&inbox, &works[i]);
    struct work *work = mpsc_take_all(&inbox);
    for (size_t i = 0; i < ARRAY_SIZE(works); i++, work = work->next)
        ck_assert_ptr_eq(work, &works[i]);
    ck_assert_ptr_null(work);
    ck_assert_ptr_null(mpsc_take_all(&inbox));
}
END_TEST

static void *push_notes(void *arg)
{
    struct note *own = arg;
    for (int i = 0; i < EACH; i++) {
        own[i].pusher = (int)((own - notes[0]) / EACH);
        own[i].serial = i;
        if (mpsc_push(&inbox, &own[i].work))
            atomic_fetch_add(&wakes, 1);
    }
    return NULL;
}

START_TEST(many_pushers_lose_nothing_and_keep_their_order)
{
    mpsc_init(&inbox);
    pthread_t threads[PUSHERS];
    for (int i = 0; i < PUSHERS; i++)
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, push_notes, notes[i]), 0);

    int next[PUSHERS] = {0};
    int takes = 0;
    for (int left = PUSHERS * EACH; left > 0;) {
        struct work *work = mpsc_take_all(&inbox);
        takes += work != NULL;
        for (; work; work = work->next, left--) {
            const struct note *note = note_of(work);
            ck_assert_int_eq(note->serial, next[note->pusher]);
            next[note->pusher]++;
        }
    }
    for (int i = 0; i < PUSHERS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(atomic_load(&wakes), takes);
}
END_TEST

static volatile sig_atomic_t handled;

static void push_from_handler(int signo)
{
    (void)signo;
    if (handled < EACH)
        mpsc_push(&inbox, &notes[1][handled++].work);
}

START_TEST(a_handler_may_push_in_the_middle_of_a_push)
{
    mpsc_init(&inbox);
    signal(SIGALRM, push_from_handler);
    struct itimerval often = {{0, 50}, {0, 50}};
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < EACH || handled < 100; i++) {
        if (i < EACH)
            mpsc_push(&inbox, &notes[0][i].work);
        else
            usleep(10); /* ThreadSanitizer delivers signals at calls only */
    }
    struct itimerval never = {0};
    setitimer(ITIMER_REAL, &never, NULL);
    int count = 0;
    for (struct work *work = mpsc_take_all(&inbox); work; work = work->next)
        count++;
    ck_assert_int_eq(count, EACH + handled);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("mpsc");
    suite_case(suite, only_the_first_push_finds_it_empty);
    suite_case(suite, all_is_taken_first_in_first);
    suite_case(suite, many_pushers_lose_nothing_and_keep_their_order);
    suite_case(suite, a_handler_may_push_in_the_middle_of_a_push);
    return suite;
}
