/* SPDX-License-Identifier: MIT */
/* The words for results. */
#include "suite.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <asyncio/base.h>

START_TEST(success_has_words_too)
{
    ck_assert_str_eq(asyncio_strerror(0), "success");
    ck_assert_str_eq(asyncio_strerror(17), "success");
    ck_assert_str_eq(asyncio_errname(0), "OK");
}
END_TEST

START_TEST(codes_say_what_they_mean_in_this_library)
{
    ck_assert_str_eq(asyncio_strerror(-ECANCELED), "cancelled");
    ck_assert_str_eq(asyncio_strerror(-ETIMEDOUT), "its deadline passed");
    ck_assert_str_eq(asyncio_strerror(-ESRCH),
                     "no such task: the handle is stale");
    ck_assert_str_eq(asyncio_strerror(-EDEADLK),
                     "would wait for itself for ever");
    ck_assert_str_eq(asyncio_strerror(-EXDEV),
                     "belongs to another loop, or to another file system");
}
END_TEST

START_TEST(other_codes_have_the_systems_words)
{
    ck_assert_str_eq(asyncio_strerror(-ENOENT), strerror(ENOENT));
    ck_assert_str_eq(asyncio_strerror(-ECONNREFUSED), strerror(ECONNREFUSED));
}
END_TEST

START_TEST(what_files_come_to_has_words)
{
    static const int errors[] = {
        EACCES, EBADF,     EBUSY,  EDQUOT, EEXIST,    EFBIG,
        EINVAL, EIO,       EISDIR, ELOOP,  ENAMETOOLONG, ENOENT,
        ENOSPC, ENOTEMPTY, EROFS,  ESPIPE, EOVERFLOW, ENOTDIR,
        ENXIO,  EXDEV,     EPERM,
    };
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        const char *words = asyncio_strerror(-errors[i]);
        ck_assert_str_ne(words, "unknown error");
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(words, asyncio_strerror(-errors[j]));
    }
}
END_TEST

START_TEST(names_are_the_symbols)
{
    ck_assert_str_eq(asyncio_errname(-ECANCELED), "ECANCELED");
    ck_assert_str_eq(asyncio_errname(-ENOENT), "ENOENT");
}
END_TEST

START_TEST(unknown_codes_are_called_so)
{
    ck_assert_str_eq(asyncio_strerror(-4000), "unknown error");
    ck_assert_str_eq(asyncio_strerror(INT_MIN), "unknown error");
    ck_assert_str_eq(asyncio_errname(-4000), "UNKNOWN");
    ck_assert_str_eq(asyncio_errname(INT_MIN), "UNKNOWN");
}
END_TEST

START_TEST(every_code_has_some_words)
{
    for (int err = -1; err > -5000; err--) {
        ck_assert_ptr_nonnull(asyncio_strerror(err));
        ck_assert_uint_gt(strlen(asyncio_strerror(err)), 4);
        ck_assert_ptr_nonnull(asyncio_errname(err));
    }
}
END_TEST

START_TEST(version_is_that_of_the_header)
{
    char version[32];
    snprintf(version, sizeof(version), "%d.%d.%d", ASYNCIO_VERSION_MAJOR,
             ASYNCIO_VERSION_MINOR, ASYNCIO_VERSION_PATCH);
    ck_assert_str_eq(asyncio_version(), version);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("error");
    suite_case(suite, success_has_words_too);
    suite_case(suite, codes_say_what_they_mean_in_this_library);
    suite_case(suite, other_codes_have_the_systems_words);
    suite_case(suite, what_files_come_to_has_words);
    suite_case(suite, names_are_the_symbols);
    suite_case(suite, unknown_codes_are_called_so);
    suite_case(suite, every_code_has_some_words);
    suite_case(suite, version_is_that_of_the_header);
    return suite;
}
