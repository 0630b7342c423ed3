/* SPDX-License-Identifier: MIT */
/*
 * Cancelling everywhere (everywhere.h) in programs that wait for what is
 * outside of the loop: threads, descriptors, other loops.
 */
#include "everywhere.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

/* ---- functions in threads ---- */

struct lent {
    atomic_int users;            /* threads that have it now */
    atomic_int calls;
};

static atomic_int copies_alive;
static int calls_returned;

static int use_lent(void *arg)
{
    struct lent *lent = arg;
    atomic_fetch_add(&lent->users, 1);
    sys_thread_sleep(30000);
    atomic_fetch_add(&lent->calls, 1);
    atomic_fetch_sub(&lent->users, 1);
    return 5;
}

/* What is lent to a thread is on this stack: nobody may have it when the call
 * is over. */
COROUTINE(pool_lend)
{
    struct lent lent = {.users = 0};
    int result = STEP(asyncio_to_thread(use_lent, &lent));
    ck_assert_int_eq(atomic_load(&lent.users), 0);
    ck_assert_int_eq(atomic_load(&lent.calls), result == 5);
    ck_assert(result == 5 || result == -ECANCELED);
    calls_returned += result == 5;
    return result < 0 ? result : 0;
}

static void copy_free(void *copy)
{
    atomic_fetch_sub(&copies_alive, 1);
    free(copy);
}

COROUTINE(pool_abandon)
{
    struct lent *copy = calloc(1, sizeof *copy);
    atomic_fetch_add(&copies_alive, 1);
    int result = STEP(asyncio_to_thread_abandonable(use_lent, copy, copy_free));
    if (result == -ECANCELED)
        return result;
    ck_assert_int_eq(result, 5);
    ck_assert_int_eq(atomic_load(&copy->calls), 1);
    copy_free(copy);
    calls_returned++;
    return 0;
}

COROUTINE(pool_main)
{
    struct asyncio_group group;
    calls_returned = 0;
    ck_assert_int_eq(asyncio_group_begin(&group), 0);
    for (int i = 0; i < 2; i++) {
        asyncio_group_create_task(&group, pool_lend, NULL);
        asyncio_group_create_task(&group, pool_abandon, NULL);
    }
    return STEP(asyncio_group_end(&group, step_sleep(1)));
}

static void pool_check(bool is_unharmed)
{
    if (is_unharmed)
        ck_assert_int_eq(calls_returned, 4);
}

/* What was left behind is discarded, sooner or later. */
static void pool_after(void)
{
    for (int i = 0; i < 5000 && atomic_load(&copies_alive); i++)
        sys_thread_sleep(NSEC_PER_MSEC);
    ck_assert_int_eq(atomic_load(&copies_alive), 0);
}

EVERYWHERE(pool, pool_after, false)

/* ---- a queue that crosses threads ---- */

enum { CROSSINGS = 6 };

static struct {
    asyncio_thread_queue *queue;
    int put, got;
} ferry;

COROUTINE(ferry_put)
{
    int err = 0;
    for (int i = 0; i < CROSSINGS && err == 0; i++) {
        err = STEP(asyncio_thread_queue_put(ferry.queue, &i));
        ferry.put += err == 0;
    }
    asyncio_thread_queue_shutdown(ferry.queue);
    return err == -EPIPE ? 0 : err;
}

COROUTINE(ferry_get)
{
    int item, err;
    while ((err = STEP(asyncio_thread_queue_get(ferry.queue, &item))) == 0) {
        ck_assert_int_eq(item, ferry.got++);
        err = step_sleep(item % 2);
        if (err < 0)
            break;
    }
    if (err < 0)
        asyncio_thread_queue_shutdown(ferry.queue);
    return err == -EPIPE ? 0 : err;
}

COROUTINE(ferry_main)
{
    asyncio_task tasks[2];
    ferry.put = ferry.got = 0;
    ck_assert_int_eq(asyncio_thread_queue_new(sizeof(int), 2, &ferry.queue), 0);
    tasks[0] = asyncio_create_task(ferry_get, NULL);
    tasks[1] = asyncio_create_task(ferry_put, NULL);
    return STEP(asyncio_gather(tasks, 2, NULL));
}

static void ferry_check(bool is_unharmed)
{
    ck_assert_int_eq((int)asyncio_thread_queue_size(ferry.queue),
                     ferry.put - ferry.got);
    if (is_unharmed)
        ck_assert_int_eq(ferry.got, CROSSINGS);
    asyncio_thread_queue_free(ferry.queue);
}

EVERYWHERE(ferry, NULL, false)

/* ---- the same, with a thread at the other end ---- */

static struct {
    asyncio_thread_queue *to, *from;
    pthread_t thread;
    int sent, seen;              /* by main; by the thread */
} mill;

static void *mill_grind(void *arg)
{
    int item;
    (void)arg;
    while (asyncio_thread_queue_get(mill.to, &item) == 0) {
        mill.seen++;
        item = -item;
        if (asyncio_thread_queue_put(mill.from, &item) < 0)
            break;
    }
    asyncio_thread_queue_shutdown(mill.from);
    return NULL;
}

COROUTINE(mill_send)
{
    int err = 0;
    for (int i = 1; i <= CROSSINGS && err == 0; i++) {
        err = STEP(asyncio_thread_queue_put(mill.to, &i));
        mill.sent += err == 0;
    }
    asyncio_thread_queue_shutdown(mill.to);
    return err;
}

COROUTINE(mill_main)
{
    mill.sent = mill.seen = 0;
    ck_assert_int_eq(asyncio_thread_queue_new(sizeof(int), 2, &mill.to), 0);
    ck_assert_int_eq(asyncio_thread_queue_new(sizeof(int), 0, &mill.from), 0);
    ck_assert_int_eq(pthread_create(&mill.thread, NULL, mill_grind, NULL), 0);
    asyncio_task sender = asyncio_create_task(mill_send, NULL);
    int item, expected = 0, err;
    while ((err = STEP(asyncio_thread_queue_get(mill.from, &item))) == 0)
        ck_assert_int_eq(item, -++expected);
    int failure = STEP(asyncio_await(sender));
    return err == -EPIPE ? failure : err;
}

static void mill_check(bool is_unharmed)
{
    ck_assert_int_eq(pthread_join(mill.thread, NULL), 0);
    ck_assert_int_eq(mill.seen, mill.sent);
    if (is_unharmed)
        ck_assert_int_eq(mill.seen, CROSSINGS);
    asyncio_thread_queue_free(mill.to);
    asyncio_thread_queue_free(mill.from);
}

EVERYWHERE(mill, NULL, true)

/* ---- an echo through a pair of sockets ---- */

static int echoed;

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        int done = STEP(asyncio_fd_write(fd, bytes, len));
        if (done < 0)
            return done;
        bytes += done;
        len -= (size_t)done;
    }
    return 0;
}

/* Ends with its end of the pair closed. */
COROUTINE(echo_server)
{
    int fd = *(int *)arg, err = 0;
    char buf[64];
    for (;;) {
        err = STEP(asyncio_fd_wait(fd, ASYNCIO_READABLE));
        if (err < 0)
            break;
        err = STEP(asyncio_fd_read(fd, buf, sizeof buf));
        if (err <= 0)
            break;
        err = write_all(fd, buf, (size_t)err);
        if (err < 0)
            break;
    }
    close(fd);
    return err == -EPIPE || err == -ECONNRESET ? 0 : err;
}

static int echo_once(int fd)
{
    char buf[64];
    size_t got = 0;
    TRY(write_all(fd, "there and back", 14));
    while (got < 14) {
        int len = STEP(asyncio_fd_read(fd, buf + got, sizeof buf - got));
        if (len <= 0)
            return len < 0 ? len : -EPIPE;
        got += (size_t)len;
    }
    ck_assert_int_eq(memcmp(buf, "there and back", 14), 0);
    echoed++;
    return 0;
}

COROUTINE(echo_client)
{
    int fd = *(int *)arg, err = 0;
    for (int i = 0; i < 3 && err == 0; i++)
        err = echo_once(fd);
    close(fd);
    return err == -EPIPE || err == -ECONNRESET ? 0 : err;
}

COROUTINE(echo_main)
{
    int ends[2];
    asyncio_task tasks[2];
    echoed = 0;
    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    tasks[0] = asyncio_create_task(echo_server, &ends[0]);
    tasks[1] = asyncio_create_task(echo_client, &ends[1]);
    return STEP(asyncio_gather(tasks, 2, NULL));
}

static void echo_check(bool is_unharmed)
{
    if (is_unharmed)
        ck_assert_int_eq(echoed, 3);
}

EVERYWHERE(echo, NULL, true)

/* ---- nobody says anything ---- */

COROUTINE(silence_read)
{
    char byte;
    return STEP(asyncio_fd_read(*(int *)arg, &byte, 1));
}

COROUTINE(silence_wait)
{
    return STEP(asyncio_fd_wait(*(int *)arg, ASYNCIO_READABLE));
}

/* Nothing but a cancel ends these. */
COROUTINE(silence_main)
{
    int ends[2], results[4];
    asyncio_task tasks[4];
    ck_assert_int_eq(pipe(ends), 0);
    for (int i = 0; i < 4; i++)
        tasks[i] = asyncio_create_task(i % 2 ? silence_read : silence_wait,
                                       &ends[0]);
    int err = step_sleep(2);
    for (int i = 0; i < 4; i++)
        asyncio_task_cancel(tasks[i]);
    STEP(asyncio_gather(tasks, 4, results));
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(results[i], -ECANCELED);
    close(ends[0]);
    close(ends[1]);
    return err;
}

static void silence_check(bool is_unharmed)
{
    (void)is_unharmed;
}

EVERYWHERE(silence, NULL, true)

/* ---- a child process ---- */

COROUTINE(parent_main)
{
    int ends[2], status = 0;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        char byte;
        close(ends[1]);
        ssize_t len = read(ends[0], &byte, 1);
        _exit(len == 0 ? 9 : 1);
    }
    close(ends[0]);
    int err = step_sleep(1);
    close(ends[1]);              /* the child ends */
    int waited = STEP(asyncio_wait_child(pid, &status));
    /* Cancelled, the wait leaves the child to whoever waits next. */
    if (waited < 0)
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(WEXITSTATUS(status), 9);
    return err < 0 ? err : waited;
}

static void parent_check(bool is_unharmed)
{
    (void)is_unharmed;
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}

EVERYWHERE(parent, NULL, true)

Suite *test_suite(void)
{
    Suite *suite = suite_create("cancel_outside");
    suite_case(suite, cancel_everywhere_in_pool);
    suite_case(suite, cancel_everywhere_in_ferry);
    suite_case(suite, cancel_everywhere_in_mill);
    suite_case(suite, cancel_everywhere_in_echo);
    suite_case(suite, cancel_everywhere_in_silence);
    if (!sanitizer_on_valgrind()) /* it knows no pidfds */
        suite_case(suite, cancel_everywhere_in_parent);
    return suite;
}
