/* SPDX-License-Identifier: MIT */
/*
 * How many processors there are to work with.
 */
#ifndef SYS_CPUS_H
#define SYS_CPUS_H

/* The processors that this process may run on; at least 1. */
unsigned sys_cpu_count(void);

#endif
