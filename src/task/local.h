/* SPDX-License-Identifier: MIT */
/* Task-locals; see asyncio/local.h. */
#ifndef TASK_LOCAL_H
#define TASK_LOCAL_H

#include <asyncio/local.h>

#include "task/task.h"

/* The child sees what the creator sees now. Costs one count. */
void locals_inherit(struct asyncio_tcb *child,
                    const struct asyncio_tcb *creator);

/* Lets go of what a task that ends sees. */
void locals_drop(struct asyncio_tcb *task);

#endif
