/* SPDX-License-Identifier: MIT */
/*
 * Timeouts: everything between the begin and the end, however deep, has to be
 * over by the deadline. What is under way then is cancelled.
 */
#include <errno.h>
#include <stdio.h>
#include <asyncio.h>

/* Answers after so many seconds. */
static int ask_server(double seconds)
{
    int err = asyncio_sleep(seconds);
    if (err < 0)
        return err;
    return 42;
}

static int ask_with_patience(double seconds)
{
    struct asyncio_timeout timeout;
    int err = asyncio_timeout_begin(&timeout, 0.2);
    if (err < 0)
        return err;
    int answer = ask_server(seconds);

    /* Hands the answer on, but -ETIMEDOUT if the deadline cut it short. */
    return asyncio_timeout_end(&timeout, answer);
}

static int slow_task(void *arg)
{
    (void)arg;
    return ask_server(10);
}

static int main_task(void *arg)
{
    (void)arg;
    int answer = ask_with_patience(0.1);
    printf("quick server: %d\n", answer);

    answer = ask_with_patience(10);
    if (answer == -ETIMEDOUT)
        puts("slow server: no answer in time");

    /* The same for a task, in one call: it is cancelled and waited for. */
    asyncio_task task = asyncio_create_task(slow_task, NULL);
    int err = asyncio_wait_for(task, 0.2);
    printf("slow task: %s\n", asyncio_strerror(err));
    return 0;
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    return asyncio_run(main_task, NULL) < 0;
}
