/* SPDX-License-Identifier: MIT */
/* What is left of several pieces of memory while they are moved one after the
 * other, in steps that end anywhere. */
#ifndef IO_PIECES_H
#define IO_PIECES_H

#include <sys/uio.h>

#include "base/base.h"

enum { WINDOW_PARTS = 16 };

/* What is left to be moved: all of `parts` but the first `skip` bytes. */
struct pieces {
    const struct iovec *parts;
    size_t count;
    size_t skip;                 /* less than the first part's length */
};

/* Takes `len` bytes off the front, and parts that are empty. */
void pieces_advance(struct pieces *pieces, size_t len);

/* Copies the next parts to `window`, of WINDOW_PARTS; how many. */
size_t pieces_window(const struct pieces *pieces, struct iovec *window);

/* Are they, together, no longer than SSIZE_MAX? */
bool parts_fit(const struct iovec *parts, size_t count);

#endif
