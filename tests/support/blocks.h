/* SPDX-License-Identifier: MIT */
/*
 * An allocator that stands in for the library's (base/mem.c) and counts the
 * blocks that are alive. Included by the one file of a test program.
 */
#ifndef SUPPORT_BLOCKS_H
#define SUPPORT_BLOCKS_H

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"

static atomic_long blocks_alive;
static _Atomic uint64_t blocks_ever;

static void *block_counted(void *block)
{
    atomic_fetch_add(&blocks_ever, 1);
    if (block)
        atomic_fetch_add(&blocks_alive, 1);
    return block;
}

void *mem_alloc(size_t size)
{
    return fault_strikes(FAULT_MEMORY) ? NULL : block_counted(malloc(size));
}

void *mem_zalloc(size_t size)
{
    return fault_strikes(FAULT_MEMORY) ? NULL : block_counted(calloc(1, size));
}

void *mem_realloc(void *block, size_t size)
{
    if (fault_strikes(FAULT_MEMORY))
        return NULL;
    void *moved = realloc(block, size);
    return block ? moved : block_counted(moved);
}

char *mem_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = mem_alloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

void mem_free(void *block)
{
    if (block)
        atomic_fetch_sub(&blocks_alive, 1);
    free(block);
}

uint64_t mem_alloc_count(void)
{
    return atomic_load(&blocks_ever);
}

#endif
