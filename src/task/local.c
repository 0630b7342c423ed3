/* SPDX-License-Identifier: MIT */
/*
 * Task-locals: a counted table of counted values. A child holds its creator's
 * table, so inheriting all values is one count. Whoever sets a value in a table
 * that others see makes a table of its own first: so a table never outlives
 * the tasks that see it, nor a value the tables that have it.
 */
#include "task/local.h"

#include <errno.h>

#include "base/mem.h"
#include "task/runner.h"

struct local_value {
    const struct asyncio_local *key;
    void *value;
    size_t holders;              /* tables that have it */
};

struct local_table {
    size_t holders;              /* tasks that see it */
    size_t count;
    struct local_value *values[];
};

void locals_inherit(struct asyncio_tcb *child,
                    const struct asyncio_tcb *creator)
{
    child->locals = creator->locals;
    child->locals->holders++;
}

static void value_drop(struct local_value *value)
{
    if (--value->holders)
        return;
    if (value->key->destroy)
        value->key->destroy(value->value);
    mem_free(value);
}

/* The box stays; nobody else sees it. */
static void value_replace(struct local_value *box, void *value)
{
    void *old = box->value;
    box->value = value;
    /* Last, for it may run the program's code. */
    if (box->key->destroy)
        box->key->destroy(old);
}

static void table_drop(struct local_table *table)
{
    if (!table || --table->holders)
        return;
    for (size_t i = table->count; i > 0; i--)
        value_drop(table->values[i - 1]);
    mem_free(table);
}

void locals_drop(struct asyncio_tcb *task)
{
    struct local_table *table = task->locals;
    task->locals = NULL;
    table_drop(table);
}

/* Where the key is in the table; its count when it is not. */
static size_t table_find(const struct local_table *table,
                         const struct asyncio_local *key)
{
    size_t i = 0;
    while (i < table->count && table->values[i]->key != key)
        i++;
    return i;
}

/* A table with `count` places: the first values are those of `old` (or NULL),
 * the rest is to be filled. */
static struct local_table *table_copy(const struct local_table *old,
                                      size_t count)
{
    struct local_table *table =
        mem_alloc(sizeof *table + count * sizeof *table->values);
    if (!table)
        return NULL;
    table->holders = 1;
    table->count = count;
    for (size_t i = 0; old && i < old->count; i++) {
        table->values[i] = old->values[i];
        table->values[i]->holders++;
    }
    return table;
}

/* Makes `value` stand at `index` of a table that the task alone sees. */
static int task_put_local(struct asyncio_tcb *task, size_t index,
                          struct local_value *value)
{
    struct local_table *old = task->locals;
    bool is_new = !old || index == old->count;
    struct local_value *replaced = is_new ? NULL : old->values[index];
    if (is_new || old->holders > 1) {
        size_t count = old ? old->count : 0;
        struct local_table *table = table_copy(old, count + is_new);
        if (!table)
            return -ENOMEM;
        task->locals = table;
        table_drop(old);
    }
    task->locals->values[index] = value;
    /* Last, for it may run the program's code. */
    if (replaced)
        value_drop(replaced);
    return 0;
}

int asyncio_local_set(const struct asyncio_local *key, void *value)
{
    struct asyncio_tcb *task = task_current();
    if (!task)
        return -EPERM;
    struct local_table *table = task->locals;
    size_t index = table ? table_find(table, key) : 0;
    struct local_value *now = NULL;
    if (table && index < table->count)
        now = table->values[index];
    if (now && now->value == value)
        return 0;
    if (now && now->holders == 1 && table->holders == 1) {
        value_replace(now, value);
        return 0;
    }

    struct local_value *box = mem_alloc(sizeof *box);
    if (!box)
        return -ENOMEM;
    *box = (struct local_value){key, value, 1};
    int err = task_put_local(task, index, box);
    if (err < 0)
        mem_free(box);
    return err;
}

void *asyncio_local_get(const struct asyncio_local *key)
{
    const struct asyncio_tcb *task = task_current();
    const struct local_table *table = task ? task->locals : NULL;
    size_t index = table ? table_find(table, key) : 0;
    if (!table || index == table->count)
        return key->default_value;
    return table->values[index]->value;
}
