/* SPDX-License-Identifier: MIT */
/* The log follower, and a log that grows, is cut, and is replaced. */
#include "example.h"

#include "../../../examples/follow.c"

static char log_path[64], old_path[80];

static int follow_log(void *arg)
{
    static struct follow follow;
    struct plan plan = {&follow, 1};
    (void)arg;
    memset(&follow, 0, sizeof follow);
    snprintf(log_path, sizeof log_path, "/tmp/casyncio-follow-%d",
             (int)getpid());
    snprintf(old_path, sizeof old_path, "%s.old", log_path);
    ck_assert(follow_init(&follow, log_path));
    int err = main_task(&plan);
    unlink(log_path);
    unlink(old_path);
    return err;
}

static int log_words(int flags)
{
    int fd = open(log_path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "words\n", 6), 6);
    close(fd);
    return asyncio_sleep(moment(4));
}

PEER(logger)
{
    TRY(asyncio_sleep(moment(4)));
    TRY(log_words(O_APPEND));
    TRY(log_words(O_APPEND));
    TRY(log_words(O_TRUNC));
    (void)rename(log_path, old_path);
    return log_words(O_APPEND);
}

EXAMPLE(follow, follow_log, NULL, logger)
