/* SPDX-License-Identifier: MIT */
/*
 * Guards, by whatever mechanism this system has and by mprotect: a child that
 * touches one dies of SIGSEGV, a child that touches what lies beside it lives.
 */
#include "suite.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "sys/sys.h"

enum { COUNT = 100 };                    /* more than one batch */

static char *memory;
static size_t page;
static size_t stride;

static void map(void)
{
    page = sys_page_size();
    stride = 4 * page;
    memory = sys_map(COUNT * stride);
    ck_assert_ptr_nonnull(memory);
}

/* 0, or the signal that a child dies of when it writes there. */
static int signal_of_touch(char *place)
{
    pid_t child = fork();
    if (child == 0) {
        /* Sanitizers would turn the signal into an exit. */
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        *(volatile char *)place = 1;
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void check_range(size_t i)
{
    char *range = memory + i * stride;
    ck_assert_int_eq(signal_of_touch(range), SIGSEGV);
    ck_assert_int_eq(signal_of_touch(range + 2 * page - 1), SIGSEGV);
    ck_assert_int_eq(signal_of_touch(range + 2 * page), 0);
    ck_assert_int_eq(signal_of_touch(range + stride - 1), 0);
}

static void guard_and_check(size_t count)
{
    ck_assert_int_eq(sys_guard(memory, 2 * page, stride, count), 0);
    for (size_t i = 0; i < count; i += 11)
        check_range(i);
    check_range(count - 1);
}

START_TEST(guards_kill_whoever_touches_them)
{
    map();
    guard_and_check(COUNT);
}
END_TEST

START_TEST(one_guard_works_too)
{
    map();
    guard_and_check(1);
    ck_assert_int_eq(signal_of_touch(memory + stride), 0);
    ck_assert_int_eq(sys_guard(memory, page, stride, 0), 0);
}
END_TEST

START_TEST(mprotect_does_where_the_advice_is_missing)
{
    sys_guard_force_mprotect(true);
    map();
    guard_and_check(COUNT);
}
END_TEST

START_TEST(guards_survive_a_discard)
{
    for (int force = 0; force < 2; force++) {
        sys_guard_force_mprotect(force);
        map();
        ck_assert_int_eq(sys_guard(memory, 2 * page, stride, 3), 0);
        ck_assert_int_eq(sys_discard(memory, 3 * stride), 0);
        check_range(0);
        check_range(2);
    }
}
END_TEST

START_TEST(a_forked_child_guards_its_own_memory)
{
    map();
    ck_assert_int_eq(sys_guard(memory, page, stride, 2), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(sys_guard(memory, page, stride, COUNT) < 0);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(signal_of_touch(memory + 2 * stride), 0);
    ck_assert_int_eq(signal_of_touch(memory + (COUNT - 1) * stride), 0);
}
END_TEST

/* The number of mappings of this process. */
static int mapping_count(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    int count = 0;
    for (int c = 0; (c = fgetc(maps)) != EOF;)
        count += c == '\n';
    fclose(maps);
    return count;
}

START_TEST(the_advice_splits_no_mapping)
{
    map();
    int before = mapping_count();
    ck_assert_int_eq(sys_guard(memory, page, stride, COUNT), 0);
    int split = mapping_count() - before;
    if (split >= COUNT)
        return; /* a kernel before 6.13, where mprotect it must be */
    ck_assert_int_le(split, 2);
}
END_TEST

START_TEST(locked_memory_is_guarded_by_mprotect)
{
    map();
    if (mlock(memory, 8 * stride) < 0)
        return; /* RLIMIT_MEMLOCK */
    ck_assert_int_eq(sys_guard(memory, 2 * page, stride, 8), 0);
    check_range(0);
    check_range(7);
    check_range(3);
}
END_TEST

START_TEST(no_mapping_to_guard_is_an_error)
{
    map();
    sys_unmap(memory, COUNT * stride);
    ck_assert_int_eq(sys_guard(memory, page, stride, COUNT), -ENOMEM);
    fault_arm(FAULT_SYSCALL, 1);
    ck_assert_int_eq(sys_guard(memory, page, stride, 0), -ENOMEM);
    fault_disarm();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("guard");
    suite_case(suite, guards_kill_whoever_touches_them);
    suite_case(suite, one_guard_works_too);
    suite_case(suite, mprotect_does_where_the_advice_is_missing);
    suite_case(suite, guards_survive_a_discard);
    suite_case(suite, a_forked_child_guards_its_own_memory);
    suite_case(suite, the_advice_splits_no_mapping);
    suite_case(suite, locked_memory_is_guarded_by_mprotect);
    suite_case(suite, no_mapping_to_guard_is_an_error);
    return suite;
}
