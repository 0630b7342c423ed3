/* SPDX-License-Identifier: MIT */
/* An example that talks to nobody, EXAMPLE_SOURCE, on the virtual clock. */
#define EXAMPLE_IS_SIMULATED 1

#include "example.h"

#include <unistd.h>

#define usleep(microseconds) ((void)0) /* a thread's: no clock jumps it */
#include EXAMPLE_SOURCE

/* There is nobody but the example: its own end is what is waited for. */
PEER(onlooker)
{
    return asyncio_event_wait(&example.serving);
}

EXAMPLE(simulated, main_task, NULL, onlooker)
