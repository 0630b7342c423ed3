/* SPDX-License-Identifier: MIT */
/*
 * Five jobs of one second each, all at the same time: one second.
 * Compare jobs_blocking.c, where they wait one after the other.
 */
#include <stdio.h>
#include <asyncio.h>

static int job(void *arg)
{
    int number = *(int *)arg;
    printf("Starting job %d\n", number);
    /* This job waits; the others run. */
    int err = asyncio_sleep(1.0);
    if (err < 0)
        return err;
    printf("Finishing job %d\n", number);
    return 0;
}

static int main_task(void *arg)
{
    (void)arg;
    int numbers[5] = {0, 1, 2, 3, 4};
    asyncio_task tasks[5];

    /* Each call starts a task that runs as soon as this one waits ... */
    for (int i = 0; i < 5; i++)
        tasks[i] = asyncio_create_task(job, &numbers[i]);

    /* ... which is here: for all five of them to end. */
    return asyncio_gather(tasks, 5, NULL);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);

    double start = asyncio_time();
    int err = asyncio_run(main_task, NULL);
    printf("Total time: %.2f s\n", asyncio_time() - start);
    return err < 0;
}
