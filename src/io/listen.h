/* SPDX-License-Identifier: MIT */
/* Sockets that listen. */
#ifndef IO_LISTEN_H
#define IO_LISTEN_H

#include <asyncio/server.h>

#include "io/address.h"
#include "io/socket_file.h"

/* At most so many addresses of one name. */
enum { LISTEN_MAX = 32 };

/*
 * Listens on every address that `host` and `port` name. With port "0" all of
 * them get the same one. Writes up to LISTEN_MAX descriptors; how many, or
 * negative and none. Suspends where a name is looked up.
 */
int listen_on_host(const char *host, const char *port,
                   const struct asyncio_server_options *options,
                   int ret_fds[LISTEN_MAX]);

/* Listens once more where `fds` do, all with reuse_port; as above. */
int listen_beside(const int *fds, int count,
                  const struct asyncio_server_options *options,
                  int ret_fds[LISTEN_MAX]);

/* Listens on a Unix socket; the descriptor, or negative. */
int listen_on_path(const char *path,
                   const struct asyncio_server_options *options,
                   struct socket_file *ret_file);

#endif
