/* SPDX-License-Identifier: MIT */
/*
 * A program outside the tree, built against the installed library by
 * install.sh. It names a function as an internal one is named, which must not
 * collide when the library is linked statically.
 */
#include <asyncio.h>
#include <stdio.h>

void list_init(void);
int panic(void);

void list_init(void)
{
}

int panic(void)
{
    return 42;
}

static int main_task(void *arg)
{
    int err = asyncio_sleep(0.01);
    if (err < 0)
        return err;
    *(int *)arg = panic();
    return 0;
}

int main(void)
{
    int answer = 0;
    int err = asyncio_run(main_task, &answer);

    list_init();
    if (err < 0 || answer != 42) {
        fprintf(stderr, "answer %d, %s\n", answer, asyncio_strerror(err));
        return 1;
    }
    printf("outside: %d, casyncio %s\n", answer, asyncio_version());
    return 0;
}
