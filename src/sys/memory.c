/* SPDX-License-Identifier: MIT */
/* Mappings. Guards have a file of their own, guard.c. */
#include "sys/internal.h"

#include <sys/mman.h>
#include <unistd.h>

/* Not a system call: the C library has it from the start of the process. */
size_t sys_page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

void *sys_map(size_t size)
{
    if (fault_strikes(FAULT_MEMORY))
        return NULL;
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    /* A huge page under a slab of stacks would make the first touch of one
     * stack pay for the memory of eight. Kernels built without huge pages
     * refuse the advice, and that is as good. */
    madvise(memory, size, MADV_NOHUGEPAGE);
    return memory;
}

void sys_unmap(void *memory, size_t size)
{
    int err = munmap(memory, size);
    ASSERT(err == 0);
}

int sys_discard(void *memory, size_t size)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -ENOMEM;
    return (int)sys_result(madvise(memory, size, MADV_DONTNEED));
}
