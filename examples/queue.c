/* SPDX-License-Identifier: MIT */
/*
 * A producer and three consumers with a queue between them. The queue holds
 * two parcels at most: when it is full the producer waits, when it is empty
 * the consumers do, and nobody has to arrange that.
 */
#include <errno.h>
#include <stdio.h>
#include <asyncio.h>

enum { CONSUMERS = 3, PARCELS = 9 };

static struct asyncio_queue queue;

static int produce(void)
{
    for (int parcel = 1; parcel <= PARCELS; parcel++) {
        int err = asyncio_queue_put(&queue, &parcel);
        if (err < 0)
            return err;
        printf("packed parcel %d\n", parcel);
    }

    /* Waits until every parcel has been marked as done ... */
    int err = asyncio_queue_join(&queue);

    /* ... and sends the consumers home: their next get is -EPIPE. */
    asyncio_queue_shutdown(&queue, false);
    return err;
}

static int consume(void *arg)
{
    int number = *(int *)arg;
    int parcel, err;
    while ((err = asyncio_queue_get(&queue, &parcel)) == 0) {
        err = asyncio_sleep(0.1);
        if (err < 0)
            return err;
        printf("consumer %d delivered parcel %d\n", number, parcel);
        asyncio_queue_task_done(&queue);
    }
    return err == -EPIPE ? 0 : err;
}

static int main_task(void *arg)
{
    (void)arg;
    int numbers[CONSUMERS] = {1, 2, 3};
    struct asyncio_group group;
    int err = asyncio_queue_init(&queue, sizeof(int), 2);
    if (err < 0)
        return err;
    err = asyncio_group_begin(&group);
    if (err < 0)
        return err;
    for (int i = 0; i < CONSUMERS; i++)
        asyncio_group_create_task(&group, consume, &numbers[i]);
    err = asyncio_group_end(&group, produce());
    asyncio_queue_fini(&queue);
    return err;
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    return asyncio_run(main_task, NULL) < 0;
}
