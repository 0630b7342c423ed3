/* SPDX-License-Identifier: MIT */
/* The insides of datagram sockets. */
#ifndef IO_DATAGRAM_H
#define IO_DATAGRAM_H

#include <asyncio/datagram.h>

#include "backend/source.h"
#include "io/socket_file.h"
#include "task/park.h"

struct asyncio_datagram {
    struct source *source;       /* NULL: closed */
    struct socket_file file;     /* of a Unix socket */
    int family;
    bool can_segment;            /* GSO */
    bool gets_segments;          /* GRO is on */
    bool is_receiving, is_sending; /* somebody does */
    bool is_closed;              /* by another task, during a call of this */
};

/* One of a descriptor that it takes over once this returns 0. -EPERM: no loop
 * runs here. */
int datagram_new(int fd, int family, asyncio_datagram **ret_datagram);

/* The entry of every call that receives or sends, and its end: in between it
 * stays, even if another task closes it. `is_busy` is is_receiving or
 * is_sending. -EPERM, -EXDEV, -EBADF (closed), -EBUSY. */
int datagram_begin(asyncio_datagram *datagram, bool *is_busy);
void datagram_end(asyncio_datagram *datagram, bool *is_busy);

#endif
