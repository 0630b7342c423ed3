/* SPDX-License-Identifier: MIT */
/* The runner, of three jobs, one of which needs the others. */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux before 5.3 knows no pidfd_open, and valgrind does not either. */
#define EXAMPLE_IS_POSSIBLE                                                    \
    (syscall(SYS_pidfd_open, -1, 0) < 0 && errno != ENOSYS)

#include "example.h"

#define job job_of_runner        /* the rig has jobs, too */
#include "../../../examples/runner.c"

static int result;

static int run_three(void *arg)
{
    size_t most = 2;
    (void)arg;
    job_count = 3;
    strcpy(jobs[0].script, "echo one");
    strcpy(jobs[1].script, "echo two; sleep 0.001");
    strcpy(jobs[2].script, "echo three");
    jobs[2].need_count = 2;
    jobs[2].needs[1] = 1;
    result = run_jobs(&most);
    return result;
}

/* There is nobody but the example: its own end is what is waited for. */
PEER(onlooker)
{
    TRY(asyncio_event_wait(&example.serving));
    return result;
}

EXAMPLE(runner, run_three, NULL, onlooker)
