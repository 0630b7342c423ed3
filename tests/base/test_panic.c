/* SPDX-License-Identifier: MIT */
/* Giving up: the sentence arrives, whatever its length, then SIGABRT. */
#include "suite.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"

/* Runs `die` in a child; what it prints on stderr goes to `ret_text`. */
static int stderr_of(void (*die)(void), char *ret_text, size_t size)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(fds[1], STDERR_FILENO);
        die();
        _exit(0);
    }
    close(fds[1]);
    size_t len = 0;
    for (ssize_t n = 1; n > 0 && len < size - 1; len += (size_t)n)
        n = read(fds[0], ret_text + len, size - 1 - len);
    ret_text[len] = '\0';
    close(fds[0]);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    return WTERMSIG(status);
}

static void die_shortly(void)
{
    panic("%d reasons", 3);
}

static void die_at_length(void)
{
    char long_text[2000];
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    panic("%s", long_text);
}

static void die_of_an_assertion(void)
{
    ASSERT(1 + 1 == 3);
}

START_TEST(the_sentence_is_printed_before_the_end)
{
    char text[256];
    ck_assert_int_eq(stderr_of(die_shortly, text, sizeof(text)), SIGABRT);
    ck_assert_str_eq(text, "asyncio: 3 reasons\n");
}
END_TEST

START_TEST(a_long_sentence_is_cut_but_printed)
{
    char text[4096];
    ck_assert_int_eq(stderr_of(die_at_length, text, sizeof(text)), SIGABRT);
    ck_assert_uint_gt(strlen(text), 300);
    ck_assert_ptr_nonnull(strstr(text, "xxx\n"));
}
END_TEST

START_TEST(an_assertion_names_itself)
{
    char text[1024];
    ck_assert_int_eq(stderr_of(die_of_an_assertion, text, sizeof(text)),
                     SIGABRT);
    ck_assert_ptr_nonnull(strstr(text, "test_panic.c"));
    ck_assert_ptr_nonnull(strstr(text, "1 + 1 == 3"));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("panic");
    suite_case(suite, the_sentence_is_printed_before_the_end);
    suite_case(suite, a_long_sentence_is_cut_but_printed);
    suite_case(suite, an_assertion_names_itself);
    return suite;
}
