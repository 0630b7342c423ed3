/* SPDX-License-Identifier: MIT */
/*
 * The frame of a unit test: main(), and how cases are added. See suite.h.
 */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"

/* What Meson, automake and liburing's tests agree on. */
enum { EXIT_SKIP = 77 };

void suite_case_add(Suite *suite, const TTest *test, int signal, int status)
{
    TCase *tcase = tcase_create(test->name);

    tcase_set_timeout(tcase, SUITE_CASE_SECONDS);
    if (signal != 0)
        tcase_add_test_raise_signal(tcase, test, signal);
    else
        tcase_add_exit_test(tcase, test, status);
    suite_add_tcase(suite, tcase);
}

void suite_skip(const char *why)
{
    fprintf(stderr, "skipped: %s\n", why);
    exit(EXIT_SKIP);
}

/*
 * A forced "uring" that cannot be had falls back to epoll, which is right for
 * programs; a test would then say "uring" of what it never saw.
 */
static void skip_without_back_end(void)
{
    const char *name = getenv("ASYNCIO_BACKEND");
    struct backend_options options = {.name = name};
    struct backend *backend;

    if (name == NULL)
        return;
    struct mailbox *mailbox = mailbox_new();
    if (mailbox == NULL || backend_open(&options, mailbox, &backend) < 0)
        suite_skip("no back end can be opened");
    if (strcmp(backend->class->name, name) != 0)
        suite_skip("this system has no such back end");
    backend->class->close(backend);
    mailbox_unref(mailbox);
}

int main(void)
{
    /* A crash must lose no line that was printed before it. */
    setvbuf(stdout, NULL, _IOLBF, 0);

    skip_without_back_end();

    /* Check forks for each case unless CK_FORK=no says otherwise (for a
     * debugger), and CK_VERBOSITY=verbose names the passed ones too. */
    SRunner *runner = srunner_create(test_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
