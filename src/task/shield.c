/* SPDX-License-Identifier: MIT */
/* Shields: a scope that no mark from above enters. */
#include <errno.h>

#include "task/deadline.h"

int asyncio_shield_begin(struct asyncio_shield *shield, double seconds)
{
    return deadline_begin(&shield->timeout_, SCOPE_SHIELD, seconds);
}

int asyncio_shield_end(struct asyncio_shield *shield, int err)
{
    return deadline_end(&shield->timeout_, err, "the shield that ends");
}

int asyncio_shield_run(double seconds, asyncio_fn *body, void *arg)
{
    struct asyncio_shield shield;
    if (!body)
        return -EINVAL;
    int err = asyncio_shield_begin(&shield, seconds);
    if (err < 0)
        return err;
    return asyncio_shield_end(&shield, body(arg));
}
