/* SPDX-License-Identifier: MIT */
/*
 * OP_WORK: a function that can only block, in the pool that it names. It has
 * no view but that one. A cancel takes it back while it is queued; once it
 * runs it ends when it ends, unless whoever waits turns away (abandon).
 */
#include "backend/op_class.h"

static struct pool *work_pool(const struct op *op)
{
    return op->job.pool;
}

static ssize_t work_block(struct op *op)
{
    return op->job.run(op->job.arg);
}

const struct op_class op_work_class = {
    .name = "work",
    .cancel_rule = OP_MUST_FINISH,
    .pool = work_pool,
    .block = work_block,
};
