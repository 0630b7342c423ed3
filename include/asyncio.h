/* SPDX-License-Identifier: MIT */
/*
 * asyncio, in C: an event loop that keeps many tasks going on one thread.
 * This header includes the others and nothing else.
 *
 *     static int main_task(void *arg)
 *     {
 *         (void)arg;
 *         puts("Hello ...");
 *         int err = asyncio_sleep(1.0);
 *         puts("... World!");
 *         return err;
 *     }
 *
 *     int main(void) { return asyncio_run(main_task, NULL) < 0; }
 */
#ifndef ASYNCIO_H
#define ASYNCIO_H

#include <asyncio/base.h>
#include <asyncio/task.h>
#include <asyncio/run.h>
#include <asyncio/scope.h>
#include <asyncio/local.h>
#include <asyncio/sync.h>
#include <asyncio/queue.h>
#include <asyncio/thread.h>
#include <asyncio/loop.h>
#include <asyncio/fd.h>
#include <asyncio/names.h>
#include <asyncio/address.h>
#include <asyncio/stream.h>
#include <asyncio/server.h>
#include <asyncio/file.h>
#include <asyncio/path.h>
#include <asyncio/watch.h>
#include <asyncio/datagram.h>
#include <asyncio/process.h>
#include <asyncio/stdio.h>
#include <asyncio/signal.h>
#include <asyncio/testing.h>

#endif
