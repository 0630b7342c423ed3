/* SPDX-License-Identifier: MIT */
/*
 * Stands in for uring.c in a build without liburing.
 */
#include <errno.h>

#include "backend/backend.h"

int backend_uring_open(struct mailbox *mailbox, struct backend **ret_backend)
{
    (void)mailbox;
    (void)ret_backend;
    return -ENOSYS;
}
