/* SPDX-License-Identifier: MIT */
/* Buffers of streams; see buffer.h. */
#include "io/buffer.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

enum { BUFFER_FIRST = 4096 };

static void buffer_move_to_front(struct buffer *buffer)
{
    size_t len = buffer_len(buffer);
    memmove(buffer->bytes, buffer_start(buffer), len);
    buffer->start = 0;
    buffer->end = len;
}

int buffer_reserve(struct buffer *buffer, size_t room)
{
    if (buffer->capacity - buffer->end >= room)
        return 0;
    if (buffer->start)
        buffer_move_to_front(buffer);
    size_t capacity = buffer->capacity ? buffer->capacity : BUFFER_FIRST;
    while (capacity - buffer->end < room)
        capacity *= 2;
    if (capacity == buffer->capacity)
        return 0;
    unsigned char *bytes = mem_realloc(buffer->bytes, capacity);
    if (!bytes)
        return -ENOMEM;
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return 0;
}

size_t buffer_take(struct buffer *buffer, void *ret_bytes, size_t len)
{
    size_t have = buffer_len(buffer);
    if (len > have)
        len = have;
    if (len)
        memcpy(ret_bytes, buffer_start(buffer), len);
    buffer_skip(buffer, len);
    return len;
}

void buffer_skip(struct buffer *buffer, size_t len)
{
    buffer->start += len;
    if (buffer->start == buffer->end)
        buffer->start = buffer->end = 0;
}

void buffer_free(struct buffer *buffer)
{
    mem_free(buffer->bytes);
    *buffer = (struct buffer){0};
}
