/* SPDX-License-Identifier: MIT */
/*
 * Sleeping on one descriptor, by the one system call that every tool knows.
 */
#ifndef SYS_NAP_H
#define SYS_NAP_H

#include "base/base.h"

/* Until one of `events` (poll(2)'s bits) holds on `fd`, or timeout_ns is over
 * (NSEC_NEVER: no limit). The events that hold, 0 when the time is over;
 * -EINTR as it is. */
int sys_nap(int fd, unsigned events, uint64_t timeout_ns);

#endif
