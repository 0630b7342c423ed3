/* SPDX-License-Identifier: MIT */
/* SIGPIPE while there are loops; see sigpipe.h. */
#include "engine/sigpipe.h"

#include <signal.h>

#include "engine/signals.h"
#include "sys/sys.h"

static bool is_ignored_by_us;

int sigpipe_ignore(void)
{
    if (!signal_is_default(SIGPIPE))
        return 0;
    struct sigaction action = {.sa_handler = SIG_IGN};
    int err = sys_sigaction(SIGPIPE, &action, NULL);
    is_ignored_by_us = err == 0;
    return err;
}

static bool sigpipe_is_ignored(void)
{
    struct sigaction now;
    return sys_sigaction(SIGPIPE, NULL, &now) == 0 &&
           !(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_IGN;
}

void sigpipe_restore(void)
{
    if (is_ignored_by_us && sigpipe_is_ignored()) {
        struct sigaction action = {.sa_handler = SIG_DFL};
        sys_sigaction_restore(SIGPIPE, &action);
    }
    is_ignored_by_us = false;
}
