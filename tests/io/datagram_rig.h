/* SPDX-License-Identifier: MIT */
/* What the tests of datagrams share. */
#ifndef IO_DATAGRAM_RIG_H
#define IO_DATAGRAM_RIG_H

#include "net_rig.h"

static UNUSED asyncio_datagram *
open_udp(const char *host, const struct asyncio_datagram_options *options)
{
    asyncio_datagram *datagram;
    ck_assert_int_eq(asyncio_datagram_bind(host, "0", options, &datagram), 0);
    return datagram;
}

static UNUSED struct asyncio_address
address_of(const asyncio_datagram *datagram)
{
    struct asyncio_address address;
    ck_assert_int_eq(asyncio_datagram_address(datagram, &address), 0);
    return address;
}

static UNUSED void host_of(const struct asyncio_address *address,
                           char *ret_host, size_t size)
{
    char text[ASYNCIO_ADDRESS_TEXT_SIZE];
    asyncio_address_format(address, text, sizeof text);
    char *colon = strrchr(text, ':');
    ck_assert_ptr_nonnull(colon);
    *colon = '\0';
    bool is_ipv6 = text[0] == '[';
    if (is_ipv6)
        colon[-1] = '\0';
    snprintf(ret_host, size, "%s", text + is_ipv6);
}

/* A port that was somebody else's. */
static UNUSED asyncio_datagram *
open_udp_at(const struct asyncio_address *address)
{
    asyncio_datagram *datagram;
    char host[ASYNCIO_ADDRESS_TEXT_SIZE], port[16];
    host_of(address, host, sizeof host);
    snprintf(port, sizeof port, "%d", asyncio_address_port(address));
    ck_assert_int_eq(asyncio_datagram_bind(host, port, NULL, &datagram), 0);
    return datagram;
}

static UNUSED asyncio_datagram *
connect_udp(const asyncio_datagram *far,
            const struct asyncio_datagram_options *options)
{
    asyncio_datagram *datagram;
    struct asyncio_address address = address_of(far);
    char host[ASYNCIO_ADDRESS_TEXT_SIZE], port[16];
    host_of(&address, host, sizeof host);
    snprintf(port, sizeof port, "%d", asyncio_address_port(&address));
    ck_assert_int_eq(asyncio_datagram_connect(host, port, options, &datagram),
                     0);
    return datagram;
}

static UNUSED void hear_datagram(asyncio_datagram *datagram, const char *text)
{
    char buf[256];
    ck_assert_int_eq(asyncio_datagram_receive(datagram, buf, sizeof buf),
                     strlen(text));
    ck_assert_mem_eq(buf, text, strlen(text));
}

struct receiving {
    asyncio_datagram *datagram;
    char buf[64];
    int count;
};

static UNUSED int receive(void *arg)
{
    struct receiving *call = arg;
    return (int)asyncio_datagram_receive(call->datagram, call->buf,
                                         sizeof call->buf);
}

/* A path of this process and this name, in static memory of the last few. */
static UNUSED const char *own_path(const char *name)
{
    static char paths[8][64];
    static unsigned used;
    char *path = paths[used++ % ARRAY_SIZE(paths)];
    snprintf(path, sizeof paths[0], "/tmp/casyncio-test-%d-%s", (int)getpid(),
             name);
    return path;
}

#endif
