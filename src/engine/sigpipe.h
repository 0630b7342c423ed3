/* SPDX-License-Identifier: MIT */
/*
 * A write to whom nobody reads any more is an error, -EPIPE, and not the end
 * of the program: while the process has loops SIGPIPE is ignored, unless the
 * program has said what is to happen. The caller (process.c) sees to it that
 * no two threads are here at once.
 */
#ifndef ENGINE_SIGPIPE_H
#define ENGINE_SIGPIPE_H

/* The first loop comes. 0 or negative. */
int sigpipe_ignore(void);

/* The last loop has gone, or a fork's child begins without any: the default
 * action is back, unless somebody has changed it meanwhile. */
void sigpipe_restore(void);

#endif
