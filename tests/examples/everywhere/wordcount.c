/* SPDX-License-Identifier: MIT */
/* The word count, of a folder that each machine with a compiler has. */
#include "example.h"

#include "../../../examples/wordcount.c"

static int result;

static int count_headers(void *arg)
{
    static const char *const paths[] = {
        "/usr/include/net", "/usr/include/errno.h", NULL,
    };
    struct plan plan = {.most = 3, .paths = paths};
    (void)arg;
    result = main_task(&plan);
    return result < 0 ? result : 0;
}

/* There is nobody but the example: its own end is what is waited for. */
PEER(onlooker)
{
    TRY(asyncio_event_wait(&example.serving));
    return result;
}

EXAMPLE(wordcount, count_headers, NULL, onlooker)
