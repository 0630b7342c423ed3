/* SPDX-License-Identifier: MIT */
/*
 * The only allocations of the library, so that a test can count them and make
 * any of them fail (see fault.h). NULL means out of memory.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/base.h"

void *mem_alloc(size_t size) __attribute__((malloc));
void *mem_zalloc(size_t size) __attribute__((malloc));
/* As realloc: the old block stays whole when it fails. */
void *mem_realloc(void *block, size_t size);
/* A copy of the text. */
char *mem_strdup(const char *text) __attribute__((malloc));
void mem_free(void *block);

/* Allocations made since the program started; for the tests that count. */
uint64_t mem_alloc_count(void);

#endif
