/* SPDX-License-Identifier: MIT */
/*
 * The mailbox alone, without a back end: who may post and when, that nothing
 * posted is lost, and that no sleeper is left asleep.
 */
#include "suite.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "backend/mailbox.h"
#include "base/rng.h"
#include "sys/sys.h"

struct item {
    struct work work;
    int poster;
    int number;
};

static void no_run(struct work *work)
{
    (void)work;
}

static bool is_readable(struct mailbox *box)
{
    struct pollfd fd = {.fd = mailbox_fd(box), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

START_TEST(posts_are_collected_in_order)
{
    struct mailbox *box = mailbox_new();
    struct item items[100] = {0};
    struct work_queue queue;
    work_queue_init(&queue);
    ck_assert(!mailbox_has_mail(box));
    ck_assert(!mailbox_collect(box, &queue));
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 50; i++) {
            items[round * 50 + i].number = round * 50 + i;
            ck_assert_int_eq(
                mailbox_post(box, &items[round * 50 + i].work), 0);
        }
        ck_assert(mailbox_has_mail(box));
        ck_assert(mailbox_collect(box, &queue));
    }
    for (int i = 0; i < 100; i++) {
        ck_assert(!work_queue_is_empty(&queue));
        struct work *work = work_queue_pop(&queue);
        ck_assert_int_eq(container_of(work, struct item, work)->number, i);
    }
    ck_assert(work_queue_is_empty(&queue));
    mailbox_unref(box);
}
END_TEST

START_TEST(only_a_sleeper_is_woken_and_once)
{
    struct mailbox *box = mailbox_new();
    struct work_queue queue;
    struct work works[4];
    work_queue_init(&queue);
    ck_assert_int_ge(mailbox_fd(box), 0);
    ck_assert_int_eq(mailbox_fd(box), mailbox_fd(box));

    mailbox_post(box, &works[0]);
    ck_assert(!is_readable(box));
    ck_assert(!mailbox_will_sleep(box));
    mailbox_woke(box);
    mailbox_collect(box, &queue);

    ck_assert(mailbox_will_sleep(box));
    mailbox_post(box, &works[1]);
    ck_assert(is_readable(box));
    mailbox_post(box, &works[2]);
    mailbox_woke(box);
    ck_assert(!is_readable(box));
    mailbox_post(box, &works[3]);
    ck_assert(!is_readable(box));
    mailbox_collect(box, &queue);
    mailbox_unref(box);
}
END_TEST

START_TEST(a_closed_mailbox_takes_nothing)
{
    struct mailbox *box = mailbox_new();
    struct work_queue queue;
    struct work early, late;
    work_queue_init(&queue);
    ck_assert_int_eq(mailbox_post(box, &early), 0);
    mailbox_close(box, &queue);
    ck_assert_ptr_eq(work_queue_pop(&queue), &early);
    ck_assert(work_queue_is_empty(&queue));
    ck_assert_int_eq(mailbox_post(box, &late), -ESHUTDOWN);
    ck_assert(!mailbox_has_mail(box));
    ck_assert(!mailbox_collect(box, &queue));
    mailbox_close(box, &queue);
    ck_assert(work_queue_is_empty(&queue));
    mailbox_unref(box);
    mailbox_unref(NULL);
}
END_TEST

/* ---- signals ---- */

static struct mailbox *signalled_box;

static void tell_mailbox(int signo)
{
    mailbox_post_signal(signalled_box, signo);
}

START_TEST(signals_are_noted_each_once)
{
    struct mailbox *box = signalled_box = mailbox_new();
    mailbox_fd(box);
    signal(SIGUSR1, tell_mailbox);
    signal(SIGUSR2, tell_mailbox);
    raise(SIGUSR1);
    raise(SIGUSR1);
    raise(SIGUSR2);
    mailbox_post_signal(box, 64);
    mailbox_post_signal(box, 0);
    mailbox_post_signal(box, 65);
    ck_assert(mailbox_has_mail(box));
    ck_assert(!mailbox_will_sleep(box));
    uint64_t expected = UINT64_C(1) << (SIGUSR1 - 1) |
                        UINT64_C(1) << (SIGUSR2 - 1) | UINT64_C(1) << 63;
    ck_assert_uint_eq(mailbox_collect_signals(box), expected);
    ck_assert_uint_eq(mailbox_collect_signals(box), 0);

    ck_assert(mailbox_will_sleep(box));
    raise(SIGUSR1);
    ck_assert(is_readable(box));
    mailbox_woke(box);
    ck_assert(!is_readable(box));
    mailbox_unref(box);
}
END_TEST

/* ---- threads ---- */

enum { POSTERS = 4, POSTS = 250000 };

struct poster {
    struct mailbox *box;
    struct item *items;
    pthread_t thread;
    int accepted;
};

static void *post_all(void *arg)
{
    struct poster *poster = arg;
    for (int i = 0; i < POSTS; i++) {
        if (mailbox_post(poster->box, &poster->items[i].work) < 0)
            break;
        poster->accepted++;
    }
    mailbox_unref(poster->box);
    return NULL;
}

static void posters_start(struct poster *posters, struct mailbox *box)
{
    for (int i = 0; i < POSTERS; i++) {
        posters[i].box = mailbox_ref(box);
        posters[i].items = calloc(POSTS, sizeof(*posters[i].items));
        posters[i].accepted = 0;
        for (int k = 0; k < POSTS; k++) {
            posters[i].items[k].work.run = no_run;
            posters[i].items[k].poster = i;
            posters[i].items[k].number = k;
        }
        pthread_create(&posters[i].thread, NULL, post_all, &posters[i]);
    }
}

static void posters_end(struct poster *posters)
{
    for (int i = 0; i < POSTERS; i++) {
        pthread_join(posters[i].thread, NULL);
        free(posters[i].items);
    }
}

/* Takes out what there is; each poster's must come in its order. */
static int take(struct work_queue *queue, int next[POSTERS])
{
    int count = 0;
    for (; !work_queue_is_empty(queue); count++) {
        struct work *work = work_queue_pop(queue);
        struct item *item = container_of(work, struct item, work);
        /* Asked first: every assertion of Check is a write to a file. */
        if (item->number != next[item->poster])
            ck_assert_int_eq(item->number, next[item->poster]);
        next[item->poster]++;
    }
    return count;
}

static void sleep_once(struct mailbox *box)
{
    struct pollfd fd = {.fd = mailbox_fd(box), .events = POLLIN};
    bool sleeps = mailbox_will_sleep(box);
    /* A lost wake-up would be a sleep of this length. */
    if (sleeps)
        ck_assert_int_eq(poll(&fd, 1, 20000), 1);
    mailbox_woke(box);
}

START_TEST(a_million_posts_from_four_threads_arrive)
{
    struct mailbox *box = mailbox_new();
    struct poster posters[POSTERS];
    struct work_queue queue;
    int next[POSTERS] = {0};
    work_queue_init(&queue);
    posters_start(posters, box);
    for (int count = 0; count < POSTERS * POSTS;) {
        if (!mailbox_collect(box, &queue))
            sleep_once(box);
        count += take(&queue, next);
    }
    posters_end(posters);
    ck_assert(!mailbox_has_mail(box));
    mailbox_unref(box);
}
END_TEST

START_TEST(closing_under_fire_loses_nothing)
{
    struct mailbox *box = mailbox_new();
    struct poster posters[POSTERS];
    struct work_queue queue;
    int next[POSTERS] = {0};
    work_queue_init(&queue);
    posters_start(posters, box);
    int count = 0;
    while (count < 1000) {
        mailbox_collect(box, &queue);
        count += take(&queue, next);
    }
    mailbox_close(box, &queue);
    count += take(&queue, next);
    mailbox_unref(box);
    int accepted = 0;
    posters_end(posters);
    for (int i = 0; i < POSTERS; i++)
        accepted += posters[i].accepted;
    ck_assert_int_eq(count, accepted);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("mailbox");
    suite_case(suite, posts_are_collected_in_order);
    suite_case(suite, only_a_sleeper_is_woken_and_once);
    suite_case(suite, a_closed_mailbox_takes_nothing);
    suite_case(suite, signals_are_noted_each_once);
    suite_case(suite, a_million_posts_from_four_threads_arrive);
    suite_case(suite, closing_under_fire_loses_nothing);
    return suite;
}
