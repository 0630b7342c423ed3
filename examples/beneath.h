/* SPDX-License-Identifier: MIT */
/* Opening files below a folder, and nowhere else: for static_server.c. */
#ifndef BENEATH_H
#define BENEATH_H

#include <asyncio.h>

/*
 * Opens `path` below the folder for reading. The kernel itself keeps it inside
 * (openat2(2), Linux 5.6), whatever dots and links the path has: -EXDEV where
 * it leads out. Suspends unless the kernel has the path in its cache.
 * Cancelled: -ECANCELED; an open that hangs is left behind.
 */
int open_beneath(int folder_fd, const char *path, asyncio_file **ret_file);

#endif
