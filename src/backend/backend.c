/* SPDX-License-Identifier: MIT */
/*
 * Which back end it is to be. See backend.h.
 */
#include "backend/backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *wanted_name(const struct backend_options *options)
{
    if (options && options->name)
        return options->name;
    const char *name = getenv("ASYNCIO_BACKEND");
    return name && name[0] != '\0' ? name : "uring";
}

int backend_open(const struct backend_options *options,
                 struct mailbox *mailbox, struct backend **ret_backend)
{
    const char *name = wanted_name(options);
    if (strcmp(name, "sim") == 0)
        return backend_sim_open(mailbox, options ? options->seed : 0,
                                ret_backend);
    if (strcmp(name, "uring") == 0) {
        /* Whatever the reason, epoll is asked next: if that is short of
         * memory or descriptors too, it will say so itself. */
        if (backend_uring_open(mailbox, ret_backend) == 0)
            return 0;
    } else if (strcmp(name, "epoll") != 0) {
        return -EINVAL;
    }
    return backend_epoll_open(mailbox, ret_backend);
}
