/* SPDX-License-Identifier: MIT */
/* Pieces of memory; see pieces.h. */
#include "io/pieces.h"

#include <limits.h>
#include <string.h>

void pieces_advance(struct pieces *pieces, size_t len)
{
    pieces->skip += len;
    while (pieces->count && pieces->skip >= pieces->parts->iov_len) {
        pieces->skip -= pieces->parts->iov_len;
        pieces->parts++;
        pieces->count--;
    }
}

size_t pieces_window(const struct pieces *pieces, struct iovec *window)
{
    size_t count = pieces->count < WINDOW_PARTS ? pieces->count : WINDOW_PARTS;
    memcpy(window, pieces->parts, count * sizeof *window);
    window[0].iov_base = (char *)window[0].iov_base + pieces->skip;
    window[0].iov_len -= pieces->skip;
    return count;
}

bool parts_fit(const struct iovec *parts, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        if (__builtin_add_overflow(len, parts[i].iov_len, &len) ||
            len > SSIZE_MAX)
            return false;
    }
    return true;
}
