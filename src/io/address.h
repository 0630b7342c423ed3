/* SPDX-License-Identifier: MIT */
/* Addresses of sockets as values and as text. */
#ifndef IO_ADDRESS_H
#define IO_ADDRESS_H

#include <sys/socket.h>
#include <sys/un.h>

#include "base/base.h"

struct address {
    socklen_t len;
    union {
        struct sockaddr any;
        struct sockaddr_storage storage;
        struct sockaddr_un local;
    };
};

/* As "127.0.0.1:80", "[fe80::1%eth0]:80", "/run/x", "@abstract", or "" for a
 * Unix socket without a name. Cut to fit; returns the whole length. */
int address_format(const struct address *address, char *ret_text, size_t size);

/* The port of an Internet address, else 0. */
int address_port(const struct address *address);

/* The address of a Unix socket; "@..." is abstract. -EINVAL: empty;
 * -ENAMETOOLONG. */
int address_of_path(const char *path, struct address *ret_address);

/* -EAFNOSUPPORT: longer than any address. */
int address_copy(const struct sockaddr *from, socklen_t len,
                 struct address *ret_address);

/* Of a socket: its own address, and its peer's. */
int address_of_socket(int fd, struct address *ret_address);
int address_of_peer(int fd, struct address *ret_address);

#endif
