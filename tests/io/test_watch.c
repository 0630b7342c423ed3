/* SPDX-License-Identifier: MIT */
/* Watching files and directories. */
#include "file_rig.h"

static asyncio_watch *open_watch(const char *path, uint32_t mask, int *ret_id)
{
    asyncio_watch *watch = NULL;
    ck_assert_int_eq(asyncio_watch_open(&watch), 0);
    int id = asyncio_watch_add(watch, path, mask);
    ck_assert_int_ge(id, 0);
    if (ret_id)
        *ret_id = id;
    return watch;
}

static void expect_event(asyncio_watch *watch, uint32_t mask, const char *name)
{
    struct asyncio_watch_event event;
    ck_assert_int_eq(asyncio_watch_next(watch, &event), 0);
    ck_assert_uint_eq(event.mask, mask);
    ck_assert_str_eq(event.name, name);
}

FILE_SCENARIO(a_directory_tells_what_happens_in_it)
{
    int id;
    struct asyncio_watch_event event, moved;
    asyncio_watch *watch =
        open_watch(".", IN_CREATE | IN_DELETE | IN_MOVE, &id);
    make_file("one", "");
    ck_assert_int_eq(mkdir("two", 0700), 0);
    ck_assert_int_eq(rename("one", "three"), 0);
    ck_assert_int_eq(unlink("three"), 0);
    ck_assert_int_eq(asyncio_watch_next(watch, &event), 0);
    ck_assert_int_eq(event.id, id);
    ck_assert_uint_eq(event.mask, IN_CREATE);
    ck_assert_str_eq(event.name, "one");
    expect_event(watch, IN_CREATE | IN_ISDIR, "two");
    ck_assert_int_eq(asyncio_watch_next(watch, &moved), 0);
    ck_assert_uint_eq(moved.mask, IN_MOVED_FROM);
    ck_assert_int_eq(asyncio_watch_next(watch, &event), 0);
    ck_assert_uint_eq(event.mask, IN_MOVED_TO);
    ck_assert_str_eq(event.name, "three");
    ck_assert_uint_eq(event.cookie, moved.cookie);
    expect_event(watch, IN_DELETE, "three");
    asyncio_watch_close(watch);
    asyncio_watch_close(NULL);
}

FILE_SCENARIO(a_file_tells_of_itself_without_a_name)
{
    int id;
    make_file("file", "x");
    asyncio_watch *watch = open_watch("file", IN_MODIFY, &id);
    ck_assert_int_eq(asyncio_watch_add(watch, "file", IN_ATTRIB), id);
    int fd = open("file", O_WRONLY | O_CLOEXEC);
    put(fd, "y");
    ck_assert_int_eq(fchmod(fd, 0600), 0);
    close(fd);
    expect_event(watch, IN_ATTRIB, "");
    asyncio_watch_close(watch);
}

struct watcher {
    asyncio_watch *watch;
    char name[NAME_MAX + 1];
};

static int await_event(void *arg)
{
    struct watcher *watcher = arg;
    struct asyncio_watch_event event;
    int err = asyncio_watch_next(watcher->watch, &event);
    if (err == 0)
        snprintf(watcher->name, sizeof watcher->name, "%s", event.name);
    return err;
}

FILE_SCENARIO(a_watcher_waits_until_something_happens)
{
    struct watcher watcher = {.watch = open_watch(".", IN_CREATE, NULL)};
    struct asyncio_watch_event event;
    asyncio_task task = asyncio_create_task(await_event, &watcher);
    let_a_turn_pass();
    ck_assert(!asyncio_task_is_done(task));
    ck_assert_int_eq(asyncio_watch_next(watcher.watch, &event), -EBUSY);
    make_file("file", "");
    ck_assert_int_eq(asyncio_await(task), 0);
    ck_assert_str_eq(watcher.name, "file");
    asyncio_watch_close(watcher.watch);
}

FILE_SCENARIO(a_cancelled_watcher_loses_nothing)
{
    struct watcher watcher = {.watch = open_watch(".", IN_CREATE, NULL)};
    char name[16];
    for (int i = 0; i < 100; i++) {
        asyncio_task task = asyncio_create_task(await_event, &watcher);
        ck_assert_int_eq(asyncio_sleep(i % 2 ? 0 : 1e-5), 0);
        snprintf(name, sizeof name, "%d", i);
        make_file(name, "");
        if (i % 3 == 0)
            ck_assert_int_eq(asyncio_sleep(0), 0);
        ck_assert_int_eq(asyncio_task_cancel(task), 0);
        if (asyncio_await(task) == -ECANCELED)
            ck_assert_int_eq(await_event(&watcher), 0);
        ck_assert_str_eq(watcher.name, name);
    }
    asyncio_watch_close(watcher.watch);
}

/* As many as the kernel queues, and some more; two names, or the kernel makes
 * one event of several. */
FILE_SCENARIO(too_many_events_are_eoverflow_and_it_goes_on)
{
    struct asyncio_watch_event event;
    void *text;
    size_t len;
    ck_assert_int_eq(
        asyncio_read_file("/proc/sys/fs/inotify/max_queued_events", 0, &text,
                          &len),
        0);
    long most = strtol(text, NULL, 10), seen = 0;
    asyncio_read_file_free(text);
    if (most > 100000) {
        printf("skipped: the kernel queues %ld events\n", most);
        return;
    }
    make_file("a", "");
    make_file("b", "");
    asyncio_watch *watch = open_watch(".", IN_ATTRIB | IN_CREATE, NULL);
    for (long i = 0; i <= most + 10; i++)
        ck_assert_int_eq(chmod(i % 2 ? "a" : "b", 0600), 0);
    int err;
    while ((err = asyncio_watch_next(watch, &event)) == 0)
        seen++;
    ck_assert_int_eq(err, -EOVERFLOW);
    ck_assert_int_eq(seen, most);
    make_file("c", "");
    expect_event(watch, IN_CREATE, "c");
    asyncio_watch_close(watch);
}

FILE_SCENARIO(what_is_removed_says_a_last_word)
{
    int id;
    asyncio_watch *watch = open_watch(".", IN_CREATE, &id);
    ck_assert_int_eq(asyncio_watch_remove(watch, id), 0);
    expect_event(watch, IN_IGNORED, "");
    ck_assert_int_eq(asyncio_watch_remove(watch, id), -EINVAL);
    asyncio_watch_close(watch);
}

FILE_SCENARIO(what_cannot_be_watched_says_why)
{
    asyncio_watch *watch;
    ck_assert_int_eq(asyncio_watch_open(&watch), 0);
    ck_assert_int_eq(asyncio_watch_add(watch, "missing", IN_CREATE), -ENOENT);
    ck_assert_int_eq(asyncio_watch_add(watch, ".", 0), -EINVAL);
    make_file("file", "");
    ck_assert_int_eq(asyncio_watch_add(watch, "file/x", IN_CREATE), -ENOTDIR);
    asyncio_watch_close(watch);
}

FILE_SCENARIO(closed_under_a_watcher_it_is_ebadf)
{
    let_a_turn_pass();           /* the loop has its own by now */
    int fds = count_fds();
    struct watcher watcher = {.watch = open_watch(".", IN_CREATE, NULL)};
    asyncio_task task = asyncio_create_task(await_event, &watcher);
    let_a_turn_pass();
    asyncio_watch_close(watcher.watch);
    ck_assert_int_eq(asyncio_await(task), -EBADF);
    let_a_turn_pass();
    await_fds(fds);
}

START_TEST(outside_of_a_loop_watches_are_eperm)
{
    asyncio_watch *watch;
    ck_assert_int_eq(asyncio_watch_open(&watch), -EPERM);
}
END_TEST

SCENARIO(a_simulation_has_nothing_to_watch)
{
    asyncio_watch *watch;
    ck_assert_int_eq(asyncio_watch_open(&watch), -ENOTSUP);
}

static void watch_once(void)
{
    asyncio_watch *watch;
    struct asyncio_watch_event event;
    if (asyncio_watch_open(&watch) < 0)
        return;
    int err = asyncio_watch_add(watch, ".", IN_CREATE);
    make_file("file", "");
    ck_assert_int_eq(unlink("file"), 0);
    if (err >= 0)
        (void)asyncio_watch_next(watch, &event);
    asyncio_watch_close(watch);
}

FILE_SCENARIO(whatever_fails_nothing_is_left_open)
{
    fail_each(watch_once);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("watch");
    suite_case(suite, outside_of_a_loop_watches_are_eperm);
    if (rig_is_virtual()) {
        suite_case(suite, a_simulation_has_nothing_to_watch);
        return suite;
    }
    suite_case(suite, a_directory_tells_what_happens_in_it);
    suite_case(suite, a_file_tells_of_itself_without_a_name);
    suite_case(suite, a_watcher_waits_until_something_happens);
    suite_case(suite, a_cancelled_watcher_loses_nothing);
    suite_case(suite, too_many_events_are_eoverflow_and_it_goes_on);
    suite_case(suite, what_is_removed_says_a_last_word);
    suite_case(suite, what_cannot_be_watched_says_why);
    suite_case(suite, closed_under_a_watcher_it_is_ebadf);
    suite_case(suite, whatever_fails_nothing_is_left_open);
    return suite;
}
