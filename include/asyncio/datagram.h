/* SPDX-License-Identifier: MIT */
/*
 * Datagrams: UDP and Unix datagram sockets.
 *
 *     asyncio_datagram *datagram;
 *     struct asyncio_address sender;
 *     char buf[2048];
 *     int err = asyncio_datagram_bind("127.0.0.1", "8888", NULL, &datagram);
 *     if (err < 0)
 *         return err;
 *     ssize_t len = asyncio_datagram_receive_from(datagram, buf, sizeof buf,
 *                                                 &sender);
 *     if (len >= 0)
 *         len = asyncio_datagram_sendto(datagram, buf, (size_t)len, &sender);
 *     asyncio_datagram_close(datagram);
 *
 * One task at a time receives and one sends, which may be two: another one
 * gets -EBUSY. Memory is lent until the call returns. It belongs to the loop it
 * was opened in (-EXDEV elsewhere, and when that has ended) and is closed by
 * whoever opened it; a call of another task that is under way then fails with
 * -EBADF.
 *
 * What the network says of an earlier datagram of a connected socket is told
 * once, by the next call: -ECONNREFUSED when nobody had the port. Afterwards
 * the socket is as good as before.
 */
#ifndef ASYNCIO_DATAGRAM_H
#define ASYNCIO_DATAGRAM_H

#include <sys/types.h>

#include <asyncio/address.h>
#include <asyncio/base.h>
#include <asyncio/task.h>

ASYNCIO_BEGIN

typedef struct asyncio_datagram asyncio_datagram;

/* Zeros are defaults. */
struct asyncio_datagram_options {
    int family;                  /* AF_INET or AF_INET6 only; 0: either */
    const char *local_host;      /* of connect: where to send from, literally */
    const char *local_port;
    const char *local_path;      /* of connect_unix: the own name */
    bool reuse_address;          /* SO_REUSEADDR: several sockets, one port,
                                  * which multicast gives them all */
    bool reuse_port;             /* SO_REUSEPORT: several loops, one port */
    bool broadcast;              /* may send to broadcast addresses */
    bool ipv6_dual;              /* an IPv6 socket takes IPv4 as well */
    bool receive_segments;       /* GRO: see asyncio_datagram_message */
    size_t receive_buffer;       /* the kernel's, in bytes; 0: its default */
    size_t send_buffer;
};

/* ---- opening ---- */

/*
 * A UDP socket that receives on `port` (a number, "0" for any free one, or a
 * service's name) of `host`: the first of its addresses that can be bound;
 * NULL: all of the machine's. `options` may be NULL. Suspends where a name is
 * looked up. Cancelled: -ECANCELED. -EADDRINUSE, -EACCES, as bind(2).
 */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_datagram_bind(const char *host, const char *port,
                      const struct asyncio_datagram_options *options,
                      asyncio_datagram **ret_datagram);

/*
 * A UDP socket that sends to and receives from `port` of `host` alone: the
 * first of its addresses that there is a route to. `options` may be NULL.
 * Suspends where a name is looked up. Cancelled: -ECANCELED. -ENETUNREACH, as
 * connect(2).
 */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_datagram_connect(const char *host, const char *port,
                         const struct asyncio_datagram_options *options,
                         asyncio_datagram **ret_datagram);

/* A Unix socket that receives on `path`; "@..." is in the abstract name space.
 * A socket file that nobody has open any more is replaced, any other file is
 * -EADDRINUSE; closing removes it, if it is still its own. Never suspends. */
ASYNCIO_API int
asyncio_datagram_bind_unix(const char *path,
                           const struct asyncio_datagram_options *options,
                           asyncio_datagram **ret_datagram);

/* A Unix socket that sends to `path` alone, whose receiver can answer only if
 * options->local_path names this one. Never suspends. -ECONNREFUSED, -ENOENT,
 * as connect(2). */
ASYNCIO_API int
asyncio_datagram_connect_unix(const char *path,
                              const struct asyncio_datagram_options *options,
                              asyncio_datagram **ret_datagram);

/* Two Unix sockets that are connected to each other. Never suspends. -EMFILE,
 * -ENOMEM. */
ASYNCIO_API int asyncio_datagram_pair(asyncio_datagram *ret_datagrams[2]);

/* Takes a datagram socket over, which becomes nonblocking; on failure it stays
 * the caller's. Never suspends. -EPROTOTYPE: of another type; -ENOTSOCK;
 * -ENOTSUP: in a simulation; -EBADF; -ENOMEM. */
ASYNCIO_API int asyncio_datagram_from_fd(int take_fd,
                                         asyncio_datagram **ret_datagram);

/* ---- one at a time ---- */

/*
 * Receives a datagram and returns its length, which is more than `size` when it
 * was cut: the rest is lost. 0 is an empty datagram, not an end. Suspends.
 * Cancelled: -ECANCELED, nothing received.
 */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t
asyncio_datagram_receive(asyncio_datagram *datagram, void *buf, size_t size);

/* The same, and who sent it; without an address when that has no name. */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t asyncio_datagram_receive_from(
    asyncio_datagram *datagram, void *buf, size_t size,
    struct asyncio_address *ret_sender);

/*
 * Sends a datagram to whom it is connected to; returns `len`. Waits while the
 * send buffer, or the queue of a Unix receiver, is full. Suspends. Cancelled:
 * -ECANCELED, nothing sent. -EMSGSIZE: too long; -EDESTADDRREQ, -ENOTCONN: it
 * is not connected.
 */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t
asyncio_datagram_send(asyncio_datagram *datagram, const void *buf, size_t len);

/* The same, to `receiver`. A Unix receiver whose queue is full is tried again
 * every now and then, since the kernel does not tell when it has room. */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t
asyncio_datagram_sendto(asyncio_datagram *datagram, const void *buf,
                        size_t len, const struct asyncio_address *receiver);

/* ---- many at once ---- */

/*
 * One of many. With a segment_size a message stands for several datagrams one
 * behind the other, all of that size but the last, which may be shorter: the
 * kernel cuts them on their way out (GSO), and with options.receive_segments
 * those of one sender come in like that (GRO), so that a large buffer is filled
 * by one call.
 */
struct asyncio_datagram_message {
    void *buf;
    size_t size;                 /* of buf, for receiving */
    size_t len;                  /* bytes to send, or received: more than
                                  * `size` when it was cut */
    size_t segment_size;         /* 0: a single datagram */
    struct asyncio_address address; /* whom to, or none; whom from */
};

/*
 * Receives what is there, up to `count` messages (and no more than 32), as soon
 * as there is one; returns how many. Suspends. Cancelled: -ECANCELED, nothing
 * received. -EINVAL: count is 0.
 */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t
asyncio_datagram_receive_many(asyncio_datagram *datagram,
                              struct asyncio_datagram_message *messages,
                              size_t count);

/*
 * Sends all of `count` messages in as few calls as can be; returns `count`.
 * When it fails, *ret_sent (may be NULL) says how many have gone all the same,
 * and the failure is that of the next. Suspends. Cancelled: -ECANCELED.
 * -EOPNOTSUPP: segments, and it cannot; else as asyncio_datagram_sendto.
 */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t
asyncio_datagram_send_many(asyncio_datagram *datagram,
                           const struct asyncio_datagram_message *messages,
                           size_t count, size_t *ret_sent);

/* True when messages to be sent may have a segment_size: UDP, and a kernel
 * that has GSO. Never suspends. */
ASYNCIO_API bool
asyncio_datagram_can_segment(const asyncio_datagram *datagram);

/* ---- multicast ---- */

/*
 * Receives what is sent to the group (a literal address, as "239.1.2.3" or
 * "ff02::1:5") on an interface ("eth0", or NULL: of the system's choice). Never
 * suspends. -EINVAL: no such group of the socket's family; -ENODEV: no such
 * interface; -EADDRINUSE: it is in there already.
 */
ASYNCIO_API int asyncio_datagram_join(asyncio_datagram *datagram,
                                      const char *group, const char *interface);

/* Ends that. Never suspends. -EADDRNOTAVAIL: it was not in there. */
ASYNCIO_API int asyncio_datagram_leave(asyncio_datagram *datagram,
                                       const char *group,
                                       const char *interface);

/* How many networks its multicasts may cross; 0: they stay on this machine, 1
 * from the beginning. Never suspends. -EINVAL: over 255. */
ASYNCIO_API int asyncio_datagram_set_multicast_ttl(asyncio_datagram *datagram,
                                                   int hops);

/* Whether sockets of this machine get them too; true from the beginning. Never
 * suspends. */
ASYNCIO_API int asyncio_datagram_set_multicast_loop(asyncio_datagram *datagram,
                                                    bool is_on);

/* The interface that they leave by. Never suspends. -ENODEV: no such one. */
ASYNCIO_API int
asyncio_datagram_set_multicast_interface(asyncio_datagram *datagram,
                                         const char *interface);

/* ---- ending, and facts ---- */

/* Closes it and frees it. NULL is fine. Never suspends. */
ASYNCIO_API void asyncio_datagram_close(asyncio_datagram *datagram);

/* A fact as text: "sockname", "peername". Copied to `ret_text`, cut to fit
 * `size`; returns the whole length. Never suspends. -ENOENT: no such fact;
 * -ENOTCONN: no peer. */
ASYNCIO_API int asyncio_datagram_get_extra_info(asyncio_datagram *datagram,
                                                const char *name,
                                                char *ret_text, size_t size);

/* Its own address. Never suspends. */
ASYNCIO_API int asyncio_datagram_address(const asyncio_datagram *datagram,
                                         struct asyncio_address *ret_address);

/* Its descriptor, which stays its own: for setsockopt and the like. */
ASYNCIO_API int asyncio_datagram_fd(const asyncio_datagram *datagram);

ASYNCIO_END

#endif
