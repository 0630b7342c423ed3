/* SPDX-License-Identifier: MIT */
/*
 * Hello ... World: the smallest asyncio program.
 *
 *     $ ./hello
 *     Hello
 *     World          <- one second later
 */
#include <stdio.h>
#include <asyncio.h>

/* A coroutine is a plain function. Where it calls something that takes time,
 * it steps aside, and whatever else is ready runs meanwhile. */
static int main_task(void *arg)
{
    (void)arg;
    puts("Hello");
    int err = asyncio_sleep(1.0);
    if (err < 0)
        return err;
    puts("World");
    return 0;
}

int main(void)
{
    /* Show each line at once, also when the output goes to a pipe. */
    setvbuf(stdout, NULL, _IOLBF, 0);

    /* Starts the event loop, runs the coroutine in it, ends the loop. */
    return asyncio_run(main_task, NULL) < 0;
}
