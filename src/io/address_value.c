/* SPDX-License-Identifier: MIT */
/* Addresses as the program has them; see asyncio/address.h. */
#include <asyncio/address.h>

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "io/address.h"
#include "sys/names.h"

_Static_assert(sizeof(struct sockaddr_un) + 1 <= ASYNCIO_ADDRESS_TEXT_SIZE,
               "an abstract name has its '@', a path its NUL");
_Static_assert(sizeof((struct asyncio_address *)0)->storage_ ==
                   sizeof(struct sockaddr_storage),
               "the kernel writes there");

/* ---- from text ---- */

static bool is_port(const char *text)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    unsigned long port = strtoul(text, &end, 10);
    return !*end && port <= UINT16_MAX;
}

/* Splits "127.0.0.1:80" or "[::1]:80"; returns the port's digits, or NULL. */
static const char *split_host(const char *text, char *ret_host, size_t size)
{
    const char *colon = strrchr(text, ':');
    if (!colon || !is_port(colon + 1))
        return NULL;
    const char *start = text, *end = colon;
    if (*text == '[') {
        if (end[-1] != ']')
            return NULL;
        start++;
        end--;
    }
    size_t len = (size_t)(end - start);
    if (len == 0 || len >= size)
        return NULL;
    memcpy(ret_host, start, len);
    ret_host[len] = '\0';
    return colon + 1;
}

static int parse_internet(const char *text, struct asyncio_address *ret_address)
{
    char host[INET6_ADDRSTRLEN + IF_NAMESIZE];
    const char *port = split_host(text, host, sizeof host);
    if (!port)
        return -EINVAL;
    struct addrinfo *found;
    struct addrinfo hints = {
        .ai_family = *text == '[' ? AF_INET6 : AF_INET,
        .ai_socktype = SOCK_DGRAM,
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
    };
    int err = sys_getaddrinfo(host, port, &hints, &found);
    if (err < 0)
        return err == -ENOMEM ? err : -EINVAL;
    err = asyncio_address_copy(found->ai_addr, found->ai_addrlen, ret_address);
    sys_freeaddrinfo(found);
    return err;
}

static int parse_path(const char *text, struct asyncio_address *ret_address)
{
    struct address local;
    int err = address_of_path(text, &local);
    if (err < 0)
        return err;
    return asyncio_address_copy(&local.any, local.len, ret_address);
}

int asyncio_address_parse(const char *text, struct asyncio_address *ret_address)
{
    if (*text == '@' || strchr(text, '/'))
        return parse_path(text, ret_address);
    return parse_internet(text, ret_address);
}

/* ---- to text, and the rest ---- */

/* `len` is the program's to write, so it is not believed. */
static int address_of_value(const struct asyncio_address *from,
                            struct address *ret_address)
{
    const void *any = from->storage_;
    return address_copy(any, (socklen_t)from->len_, ret_address);
}

int asyncio_address_format(const struct asyncio_address *address,
                           char *ret_text, size_t size)
{
    struct address copy;
    if (!address->len_) {
        if (size)
            *ret_text = '\0';
        return 0;
    }
    int err = address_of_value(address, &copy);
    return err < 0 ? err : address_format(&copy, ret_text, size);
}

int asyncio_address_copy(const struct sockaddr *from, size_t len,
                         struct asyncio_address *ret_address)
{
    if (len > sizeof ret_address->storage_)
        return -EAFNOSUPPORT;
    memset(ret_address, 0, sizeof *ret_address);
    memcpy(ret_address->storage_, from, len);
    ret_address->len_ = (uint32_t)len;
    return 0;
}

const struct sockaddr *
asyncio_address_sockaddr(const struct asyncio_address *address, size_t *ret_len)
{
    const void *storage = address->storage_;
    if (!address->len_)
        return NULL;
    *ret_len = address->len_;
    return storage;
}

int asyncio_address_port(const struct asyncio_address *address)
{
    struct address copy;
    int err = address_of_value(address, &copy);
    return err < 0 ? 0 : address_port(&copy);
}

bool asyncio_address_equal(const struct asyncio_address *a,
                           const struct asyncio_address *b)
{
    return a->len_ == b->len_ && a->len_ <= sizeof a->storage_ &&
           memcmp(a->storage_, b->storage_, a->len_) == 0;
}
