/* SPDX-License-Identifier: MIT */
/* What start measures: the article's first program, without its sleep. */
#include <asyncio.h>
#include <stdio.h>

static int main_task(void *arg)
{
    (void)arg;
    puts("Hello ...");
    puts("... World!");
    return 0;
}

int main(void)
{
    return asyncio_run(main_task, NULL) < 0;
}
