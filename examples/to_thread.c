/* SPDX-License-Identifier: MIT */
/*
 * A function that blocks or computes for long would stop every task. On a
 * thread of the pool it stops nobody: the ticking goes on.
 */
#include <stdio.h>
#include <unistd.h>
#include <asyncio.h>

/* Knows nothing of tasks, as most libraries do. */
static int slow_checksum(void *arg)
{
    const char *text = arg;
    int sum = 0;
    for (const char *c = text; *c; c++)
        sum += *c;
    usleep(350 * 1000);
    return sum;
}

static int tick(void *arg)
{
    (void)arg;
    for (int i = 1;; i++) {
        int err = asyncio_sleep(0.1);
        if (err < 0)
            return err;
        printf("tick %d\n", i);
    }
}

static int main_task(void *arg)
{
    (void)arg;
    char text[] = "Hello World";
    asyncio_task clock = asyncio_create_task(tick, NULL);

    /* Only this task waits for the thread. */
    int sum = asyncio_to_thread(slow_checksum, text);
    printf("checksum %d\n", sum);

    asyncio_task_cancel(clock);
    asyncio_await(clock);
    return sum < 0 ? sum : 0;
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    return asyncio_run(main_task, NULL) < 0;
}
