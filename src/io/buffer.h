/* SPDX-License-Identifier: MIT */
/*
 * What was read and not yet taken: bytes [start, end) of a block that exists
 * only while there are any, so that an idle stream holds none.
 */
#ifndef IO_BUFFER_H
#define IO_BUFFER_H

#include "base/base.h"

struct buffer {
    unsigned char *bytes;        /* NULL: empty */
    size_t start;
    size_t end;
    size_t capacity;
};

static inline size_t buffer_len(const struct buffer *buffer)
{
    return buffer->end - buffer->start;
}

static inline unsigned char *buffer_start(const struct buffer *buffer)
{
    return buffer->bytes + buffer->start;
}

/* Sees to it that `room` bytes fit behind the end. -ENOMEM. */
int buffer_reserve(struct buffer *buffer, size_t room);

/* Moves up to `len` bytes out; how many. */
size_t buffer_take(struct buffer *buffer, void *ret_bytes, size_t len);

/* Drops the first `len` bytes. */
void buffer_skip(struct buffer *buffer, size_t len);

void buffer_free(struct buffer *buffer);

#endif
