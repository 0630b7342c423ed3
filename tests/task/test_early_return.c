/* SPDX-License-Identifier: MIT */
/*
 * Rule 6 of cancellation: a frame that returns without ending the scope that
 * it began aborts the program with the task's name, instead of corrupting
 * memory. Each case is a program that makes the mistake, in a child process.
 */
#include "rig.h"

#define APART __attribute__((noinline))

/* AddressSanitizer may see the dead frame being touched before we look at it,
 * and has then much more to say. */
static void assert_aborts(asyncio_fn *fn, const char *name)
{
    struct outcome outcome = run_in_child(fn);
    if (CTX_ASAN && strstr(outcome.said, "AddressSanitizer"))
        return;
    ck_assert_msg(WIFSIGNALED(outcome.status) &&
                      WTERMSIG(outcome.status) == SIGABRT &&
                      strstr(outcome.said, "hasty"),
                  "%s: status %#x, said: %s", name, (unsigned)outcome.status,
                  outcome.said);
}

#define assert_named(fn) assert_aborts(fn, #fn)

static void be_hasty(void)
{
    asyncio_task_set_name(asyncio_current_task(), "hasty");
}

/* ---- frames that forget ---- */

static APART int forget_timeout(void)
{
    struct asyncio_timeout timeout;
    int err = asyncio_timeout_begin(&timeout, 1000);
    __asm__ volatile("" : : "r"(&timeout) : "memory");
    return err;
}

static APART int forget_shield(void)
{
    struct asyncio_shield shield;
    int err = asyncio_shield_begin(&shield, ASYNCIO_FOREVER);
    __asm__ volatile("" : : "r"(&shield) : "memory");
    return err;
}

static APART int forget_group(void)
{
    struct asyncio_group group;
    int err = asyncio_group_begin(&group);
    __asm__ volatile("" : : "r"(&group) : "memory");
    return err;
}

/* A frame that is far larger, with the scope at either end of it. */
static APART int forget_in_a_large_frame(void)
{
    struct {
        char room[2000];
        struct asyncio_timeout timeout;
        char more_room[2000];
    } frame;
    memset(&frame, 0, sizeof frame);
    int err = asyncio_timeout_begin(&frame.timeout, 1000);
    __asm__ volatile("" : : "r"(&frame) : "memory");
    return err;
}

/* Uses as much stack as the forgetful frames did, so that nothing is left of
 * them. */
static APART void overwrite(int byte)
{
    volatile char room[8192];
    memset((void *)room, byte, sizeof room);
    __asm__ volatile("" : : "r"(room) : "memory");
}

/* Deeper than the forgotten scope: it lies in the living part of the stack. */
static APART int sleep_deeper(int byte)
{
    volatile char room[8192];
    memset((void *)room, byte, sizeof room);
    int err = asyncio_sleep(0);
    __asm__ volatile("" : : "r"(room) : "memory");
    return err;
}

/* ---- the dead scope below the stack pointer ---- */

static int sleep_after_timeout(void *arg)
{
    (void)arg;
    be_hasty();
    forget_timeout();
    return asyncio_sleep(0);
}

static int sleep_after_shield(void *arg)
{
    (void)arg;
    be_hasty();
    forget_shield();
    return asyncio_sleep(0.001);
}

static int sleep_after_group(void *arg)
{
    (void)arg;
    be_hasty();
    forget_group();
    return asyncio_sleep(ASYNCIO_FOREVER);
}

static int sleep_after_large_frame(void *arg)
{
    (void)arg;
    be_hasty();
    forget_in_a_large_frame();
    return asyncio_sleep(0);
}

static int await_after_timeout(void *arg)
{
    (void)arg;
    be_hasty();
    asyncio_task task = asyncio_create_task(sleep_for_ever, NULL);
    forget_timeout();
    return asyncio_await(task);
}

static int gather_after_group(void *arg)
{
    (void)arg;
    be_hasty();
    asyncio_task task = asyncio_create_task(sleep_for_ever, NULL);
    forget_group();
    return asyncio_gather(&task, 1, NULL);
}

static int wait_after_shield(void *arg)
{
    (void)arg;
    be_hasty();
    asyncio_task task = asyncio_create_task(sleep_for_ever, NULL);
    forget_shield();
    return asyncio_wait(&task, 1, ASYNCIO_ALL_COMPLETED, 1, NULL);
}

static int wait_for_after_timeout(void *arg)
{
    (void)arg;
    be_hasty();
    asyncio_task task = asyncio_create_task(sleep_for_ever, NULL);
    forget_timeout();
    return asyncio_wait_for(task, 1);
}

START_TEST(the_next_suspension_aborts)
{
    assert_named(sleep_after_timeout);
    assert_named(sleep_after_shield);
    assert_named(sleep_after_group);
    assert_named(sleep_after_large_frame);
    assert_named(await_after_timeout);
    assert_named(gather_after_group);
    assert_named(wait_after_shield);
    assert_named(wait_for_after_timeout);
}
END_TEST

static int return_after_timeout(void *arg)
{
    (void)arg;
    be_hasty();
    return forget_timeout();
}

static int return_after_group(void *arg)
{
    (void)arg;
    be_hasty();
    return forget_group();
}

static int return_with_it_open(void *arg)
{
    struct asyncio_timeout timeout;
    (void)arg;
    be_hasty();
    return asyncio_timeout_begin(&timeout, 1);
}

START_TEST(the_return_of_the_task_aborts)
{
    assert_named(return_after_timeout);
    assert_named(return_after_group);
    assert_named(return_with_it_open);
}
END_TEST

/* ---- the dead scope overwritten ---- */

static int sleep_after_overwriting(void *arg)
{
    (void)arg;
    be_hasty();
    forget_timeout();
    overwrite(0);
    return asyncio_sleep(0);
}

static int sleep_deeper_after_timeout(void *arg)
{
    (void)arg;
    be_hasty();
    forget_timeout();
    return sleep_deeper(0);
}

static int sleep_deeper_after_group(void *arg)
{
    (void)arg;
    be_hasty();
    forget_group();
    return sleep_deeper(0xff);
}

START_TEST(an_overwritten_scope_aborts)
{
    assert_named(sleep_after_overwriting);
    assert_named(sleep_deeper_after_timeout);
    assert_named(sleep_deeper_after_group);
}
END_TEST

/* ---- the next scope ---- */

static APART int begin_again(void)
{
    struct asyncio_timeout timeout;
    asyncio_timeout_begin(&timeout, 1000);
    return asyncio_timeout_end(&timeout, 0);
}

static int forget_and_begin_at_the_same_place(void *arg)
{
    (void)arg;
    be_hasty();
    forget_timeout();
    forget_timeout();
    return 0;
}

static int forget_and_begin_another(void *arg)
{
    (void)arg;
    be_hasty();
    forget_timeout();
    begin_again();
    return 0;
}

static int forget_in_a_loop(void *arg)
{
    (void)arg;
    be_hasty();
    for (int i = 0; i < 10; i++) {
        forget_group();
        begin_again();
    }
    return 0;
}

START_TEST(the_next_scope_aborts)
{
    assert_named(forget_and_begin_at_the_same_place);
    assert_named(forget_and_begin_another);
    assert_named(forget_in_a_loop);
}
END_TEST

static int end_the_outer_one(void *arg)
{
    struct asyncio_timeout outer;
    (void)arg;
    be_hasty();
    asyncio_timeout_begin(&outer, 1000);
    forget_timeout();
    return asyncio_timeout_end(&outer, 0);
}

static int end_twice(void *arg)
{
    struct asyncio_shield shield;
    (void)arg;
    be_hasty();
    asyncio_shield_begin(&shield, 1000);
    asyncio_shield_end(&shield, 0);
    return asyncio_shield_end(&shield, 0);
}

START_TEST(a_misplaced_end_aborts)
{
    assert_named(end_the_outer_one);
    assert_named(end_twice);
}
END_TEST

/* ---- and no false alarm ---- */

static APART int nest(int depth)
{
    struct asyncio_timeout timeout;
    struct asyncio_shield shield;
    struct asyncio_group group;
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 1000), 0);
    ck_assert_int_eq(asyncio_shield_begin(&shield, 1000), 0);
    ck_assert_int_eq(asyncio_group_begin(&group), 0);
    int err = asyncio_sleep(0);
    if (depth > 0 && err == 0)
        err = nest(depth - 1);
    if (err == 0)
        err = asyncio_sleep(0);
    err = asyncio_group_end(&group, err);
    err = asyncio_shield_end(&shield, err);
    return asyncio_timeout_end(&timeout, err);
}

SCENARIO(scopes_in_living_frames_are_fine)
{
    ck_assert_int_eq(nest(20), 0);
}

/* All in one frame, and in the wrong order of addresses. */
SCENARIO(scopes_in_one_frame_are_fine)
{
    struct asyncio_timeout timeouts[5];
    for (int i = 4; i >= 0; i--)
        ck_assert_int_eq(asyncio_timeout_begin(&timeouts[i], 1000), 0);
    ck_assert_int_eq(asyncio_sleep(0), 0);
    ck_assert_int_eq(asyncio_sleep(TICK), 0);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(asyncio_timeout_end(&timeouts[i], 0), 0);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(asyncio_timeout_begin(&timeouts[i], 1000), 0);
    ck_assert_int_eq(asyncio_sleep(0), 0);
    for (int i = 4; i >= 0; i--)
        ck_assert_int_eq(asyncio_timeout_end(&timeouts[i], 0), 0);
}

SCENARIO(scopes_on_the_heap_are_fine)
{
    struct asyncio_timeout *timeout = malloc(sizeof *timeout);
    ck_assert_int_eq(asyncio_timeout_begin(timeout, 1000), 0);
    ck_assert_int_eq(nest(3), 0);
    ck_assert_int_eq(asyncio_sleep(TICK), 0);
    ck_assert_int_eq(asyncio_timeout_end(timeout, 0), 0);
    free(timeout);
}

SCENARIO(scopes_on_a_dense_stack_are_fine)
{
    struct asyncio_task_options options = {.stack_size = 128 * 1024,
                                           .dense_stack = true};
    double seconds = TICK;
    asyncio_task task =
        asyncio_create_task_with(sleep_seconds, &seconds, &options);
    ck_assert_int_eq(asyncio_wait_for(task, 1000), 0);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("early_return");
    suite_case(suite, the_next_suspension_aborts);
    suite_case(suite, the_return_of_the_task_aborts);
    suite_case(suite, an_overwritten_scope_aborts);
    suite_case(suite, the_next_scope_aborts);
    suite_case(suite, a_misplaced_end_aborts);
    suite_case(suite, scopes_in_living_frames_are_fine);
    suite_case(suite, scopes_in_one_frame_are_fine);
    suite_case(suite, scopes_on_the_heap_are_fine);
    suite_case(suite, scopes_on_a_dense_stack_are_fine);
    return suite;
}
