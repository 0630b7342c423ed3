/* SPDX-License-Identifier: MIT */
/*
 * A group of tasks: none of them outlives the block that opened it. The first
 * one that fails cancels the others, and its error is what the block ends
 * with, so nothing runs on unseen and no failure is lost.
 */
#include <errno.h>
#include <stdio.h>
#include <asyncio.h>

struct order {
    const char *dish;
    double seconds;              /* that it takes to cook */
    int err;                     /* what goes wrong then; 0: nothing */
};

static int cook(void *arg)
{
    const struct order *order = arg;
    printf("%s: on the stove\n", order->dish);
    int err = asyncio_sleep(order->seconds);
    if (err < 0) {
        printf("%s: stopped (%s)\n", order->dish, asyncio_errname(err));
        return err;
    }
    printf("%s: %s\n", order->dish, order->err ? "burnt" : "done");
    return order->err;
}

static int serve(struct order *orders, int count)
{
    struct asyncio_group group;
    int err = asyncio_group_begin(&group);
    if (err < 0)
        return err;
    for (int i = 0; i < count; i++)
        asyncio_group_create_task(&group, cook, &orders[i]);

    /* Waits for every one of them, however they end. */
    return asyncio_group_end(&group, 0);
}

static int main_task(void *arg)
{
    (void)arg;
    struct order lunch[] = {{"soup", 0.2, 0}, {"rice", 0.1, 0}};
    int err = serve(lunch, 2);
    printf("lunch: %s\n\n", err < 0 ? asyncio_strerror(err) : "served");

    struct order dinner[] = {
        {"stew", 0.3, 0},
        {"fish", 0.1, -EIO},
        {"cake", 0.2, 0},
    };
    err = serve(dinner, 3);
    printf("dinner: %s\n", err < 0 ? asyncio_strerror(err) : "served");
    return 0;
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    return asyncio_run(main_task, NULL) < 0;
}
