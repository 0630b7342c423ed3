/* SPDX-License-Identifier: MIT */
/*
 * Names; see asyncio/names.h. A look-up is a block on the heap that its thread
 * may need longer than the task that asked: cancelled, the task leaves it
 * behind, and the thread frees it with whatever it found.
 */
#include <asyncio/names.h>

#include <errno.h>
#include <string.h>

#include "backend/pool.h"
#include "base/mem.h"
#include "sync/to_thread.h"
#include "sys/names.h"
#include "task/runner.h"

/* ---- names to addresses ---- */

struct lookup {
    struct addrinfo hints;
    struct addrinfo *found;
    const char *host;            /* in `text`, or NULL */
    const char *port;
    char text[];
};

static int lookup_run(void *arg)
{
    struct lookup *lookup = arg;
    return sys_getaddrinfo(lookup->host, lookup->port, &lookup->hints,
                           &lookup->found);
}

static void lookup_discard(void *arg)
{
    struct lookup *lookup = arg;
    sys_freeaddrinfo(lookup->found);
    mem_free(lookup);
}

static struct lookup *lookup_new(const char *host, const char *port,
                                 const struct addrinfo *hints)
{
    size_t host_size = host ? strlen(host) + 1 : 0;
    size_t port_size = port ? strlen(port) + 1 : 0;
    struct lookup *lookup =
        mem_zalloc(sizeof *lookup + host_size + port_size);
    if (!lookup)
        return NULL;
    lookup->hints = *hints;
    if (host)
        lookup->host = memcpy(lookup->text, host, host_size);
    if (port)
        lookup->port = memcpy(lookup->text + host_size, port, port_size);
    return lookup;
}

static int lookup_on_thread(const char *host, const char *port,
                            const struct addrinfo *hints,
                            struct addrinfo **ret_found)
{
    struct lookup *lookup = lookup_new(host, port, hints);
    if (!lookup)
        return -ENOMEM;
    int err = pool_call_abandonable(&pool_names, lookup_run, lookup,
                                    lookup_discard);
    if (err == -ECANCELED)
        return err;              /* the lookup has been discarded */
    if (err == 0)
        *ret_found = lookup->found;
    mem_free(lookup);
    return err;
}

static const struct addrinfo default_hints = {.ai_socktype = SOCK_STREAM};

int asyncio_getaddrinfo(const char *host, const char *port,
                        const struct addrinfo *hints,
                        struct addrinfo **ret_found)
{
    if (!task_current())
        return -EPERM;
    if (!host && !port)
        return -EINVAL;
    if (!hints)
        hints = &default_hints;
    struct addrinfo literal = *hints;
    /* Who names an address means it, whatever the machine's own are. */
    literal.ai_flags &= ~AI_ADDRCONFIG;
    literal.ai_flags |= AI_NUMERICHOST | AI_NUMERICSERV;
    int err = sys_getaddrinfo(host, port, &literal, ret_found);
    if (err != -ASYNCIO_EAI_NONAME)
        return err;
    return lookup_on_thread(host, port, hints, ret_found);
}

void asyncio_freeaddrinfo(struct addrinfo *found)
{
    sys_freeaddrinfo(found);
}

/* ---- addresses to names ---- */

struct reverse_lookup {
    struct sockaddr_storage address;
    socklen_t len;
    int flags;
    bool wants_host, wants_port;
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
};

static int reverse_run(void *arg)
{
    struct reverse_lookup *lookup = arg;
    return sys_getnameinfo((const struct sockaddr *)&lookup->address,
                           lookup->len, lookup->host,
                           lookup->wants_host ? sizeof lookup->host : 0,
                           lookup->port,
                           lookup->wants_port ? sizeof lookup->port : 0,
                           lookup->flags);
}

static void name_copy(char *ret_name, size_t size, const char *name)
{
    size_t len = strnlen(name, size - 1);
    memcpy(ret_name, name, len);
    ret_name[len] = '\0';
}

int asyncio_getnameinfo(const struct sockaddr *address, size_t len,
                        char *ret_host, size_t host_size, char *ret_port,
                        size_t port_size, int flags)
{
    static const int numeric = NI_NUMERICHOST | NI_NUMERICSERV;
    if (!task_current())
        return -EPERM;
    if (!address || len > sizeof(struct sockaddr_storage))
        return -EINVAL;
    if ((flags & numeric) == numeric)
        return sys_getnameinfo(address, (socklen_t)len, ret_host, host_size,
                               ret_port, port_size, flags);
    struct reverse_lookup *lookup = mem_zalloc(sizeof *lookup);
    if (!lookup)
        return -ENOMEM;
    memcpy(&lookup->address, address, len);
    lookup->len = (socklen_t)len;
    lookup->flags = flags;
    lookup->wants_host = ret_host && host_size;
    lookup->wants_port = ret_port && port_size;
    int err = pool_call_abandonable(&pool_names, reverse_run, lookup,
                                    mem_free);
    if (err == -ECANCELED)
        return err;
    if (err == 0 && lookup->wants_host)
        name_copy(ret_host, host_size, lookup->host);
    if (err == 0 && lookup->wants_port)
        name_copy(ret_port, port_size, lookup->port);
    mem_free(lookup);
    return err;
}
