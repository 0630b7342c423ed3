/* SPDX-License-Identifier: MIT */
/* The C library's allocator behind the counter and the failure seam. */
#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"

static _Atomic uint64_t alloc_count;

static bool mem_refused(void)
{
    atomic_fetch_add_explicit(&alloc_count, 1, memory_order_relaxed);
    return fault_strikes(FAULT_MEMORY);
}

void *mem_alloc(size_t size)
{
    return mem_refused() ? NULL : malloc(size);
}

void *mem_zalloc(size_t size)
{
    return mem_refused() ? NULL : calloc(1, size);
}

void *mem_realloc(void *block, size_t size)
{
    return mem_refused() ? NULL : realloc(block, size);
}

char *mem_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = mem_alloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

void mem_free(void *block)
{
    free(block);
}

uint64_t mem_alloc_count(void)
{
    return atomic_load_explicit(&alloc_count, memory_order_relaxed);
}
