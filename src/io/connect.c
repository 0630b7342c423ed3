/* SPDX-License-Identifier: MIT */
/*
 * Connecting. One address is tried plainly; several race each other (happy
 * eyeballs, RFC 8305): each attempt is a task of a group, the next one begins
 * when the last has failed or has had its time, and the first to succeed
 * cancels the rest.
 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <string.h>

#include <asyncio/names.h>
#include <asyncio/scope.h>
#include <asyncio/sync.h>
#include <netdb.h>

#include "io/address.h"
#include "io/stream.h"
#include "sys/sockets.h"

/* RFC 8305, section 5: the recommended Connection Attempt Delay. */
static const double attempt_delay_default = 0.25;

static const struct asyncio_connect_options no_options;

/* ---- one attempt ---- */

static int source_await_connected(struct source *source)
{
    struct task_op op;
    memset(&op, 0, sizeof op);
    op.op.kind = OP_CONNECT;
    op.op.fd = source->fd;
    op.op.source = source;
    return (int)task_run_op(task_current(), &op, WAIT_FD);
}

/* A stream of a socket whose connect has been called; `err` is what that
 * returned, 0 or -EINPROGRESS. The socket is taken over in any case. */
static int connect_finish(int fd, int err, asyncio_stream **ret_stream)
{
    asyncio_stream *stream;
    int opened = stream_new(fd, true, err == 0 ? POLLOUT : 0, &stream);
    if (opened < 0) {
        sys_close(fd);
        return opened;
    }
    if (err == -EINPROGRESS)
        err = source_await_connected(stream->source);
    if (err < 0) {
        asyncio_stream_abort(stream);
        return err;
    }
    *ret_stream = stream;
    return 0;
}

static int connect_to(const struct address *to, const struct address *from,
                      asyncio_stream **ret_stream)
{
    int fd = sys_socket(to->any.sa_family, SOCK_STREAM, 0);
    if (fd < 0)
        return fd;
    int err = to->any.sa_family == AF_UNIX ? 0 : sys_set_nodelay(fd);
    if (err == 0 && from)
        err = sys_bind(fd, &from->any, from->len);
    if (err == 0)
        err = sys_connect(fd, &to->any, to->len);
    if (err < 0 && err != -EINPROGRESS) {
        sys_close(fd);
        return err;
    }
    return connect_finish(fd, err, ret_stream);
}

/* ---- a race ---- */

enum { ADDRESSES_MAX = 64 };

struct race {
    const struct asyncio_connect_options *options;
    const struct addrinfo *local; /* where to connect from, or NULL */
    struct asyncio_event news;   /* an attempt has ended */
    asyncio_stream *winner;
    size_t failures;
    int first_failure;
    size_t count;
    const struct addrinfo *addresses[ADDRESSES_MAX];
    struct attempt {
        struct race *race;
        const struct addrinfo *address;
    } attempts[ADDRESSES_MAX];
};

static void race_note_failure(struct race *race, const struct address *address,
                              int err)
{
    const struct asyncio_connect_options *options = race->options;
    if (options->ret_failures && race->failures < options->failures_size) {
        struct asyncio_connect_failure *failure =
            &options->ret_failures[race->failures];
        address_format(address, failure->address, sizeof failure->address);
        failure->err = err;
    }
    if (!race->failures++)
        race->first_failure = err;
    if (options->ret_failure_count)
        *options->ret_failure_count = race->failures;
}

/* The local address of the same family. */
static int race_local(const struct race *race, int family,
                      struct address *storage, const struct address **ret_from)
{
    *ret_from = NULL;
    if (!race->local)
        return 0;
    for (const struct addrinfo *at = race->local; at; at = at->ai_next) {
        if (at->ai_family != family)
            continue;
        *ret_from = storage;
        return address_copy(at->ai_addr, at->ai_addrlen, storage);
    }
    return -EADDRNOTAVAIL;
}

static int race_attempt(struct race *race, const struct addrinfo *info,
                        asyncio_stream **ret_stream)
{
    struct address to = {0}, local;
    const struct address *from;
    int err = address_copy(info->ai_addr, info->ai_addrlen, &to);
    if (err == 0)
        err = race_local(race, info->ai_family, &local, &from);
    if (err == 0)
        err = connect_to(&to, from, ret_stream);
    if (err < 0 && err != -ECANCELED)
        race_note_failure(race, &to, err);
    return err;
}

static int attempt_run(void *arg)
{
    struct attempt *attempt = arg;
    struct race *race = attempt->race;
    asyncio_stream *stream;
    int err = race_attempt(race, attempt->address, &stream);
    if (err == 0 && race->winner)
        asyncio_stream_abort(stream); /* came second */
    else if (err == 0)
        race->winner = stream;
    asyncio_event_set(&race->news);
    return 0;
}

/* Waits until an attempt has ended or has had its time. */
static int race_wait(struct race *race, double seconds)
{
    struct asyncio_timeout timeout;
    int err = asyncio_timeout_begin(&timeout, seconds);
    if (err < 0)
        return err;
    err = asyncio_timeout_end(&timeout, asyncio_event_wait(&race->news));
    asyncio_event_clear(&race->news);
    return err == -ETIMEDOUT ? 0 : err;
}

static int race_run(struct asyncio_group *group, void *arg)
{
    struct race *race = arg;
    double delay = race->options->attempt_delay;
    if (delay == 0)
        delay = attempt_delay_default;
    int err = 0;
    for (size_t i = 0; err == 0 && !race->winner;) {
        if (i < race->count) {
            struct attempt *attempt = &race->attempts[i];
            *attempt = (struct attempt){race, race->addresses[i++]};
            err = asyncio_task_error(
                asyncio_group_create_task(group, attempt_run, attempt));
        } else if (race->failures == race->count) {
            break;
        }
        if (err == 0)
            err = race_wait(race, i < race->count ? delay : ASYNCIO_FOREVER);
    }
    asyncio_group_cancel(group);
    return err;
}

static int race_result(struct race *race, int err, asyncio_stream **ret_stream)
{
    if (race->winner && err < 0) {
        asyncio_stream_abort(race->winner);
        return err;
    }
    if (!race->winner)
        return err < 0 ? err : race->first_failure;
    *ret_stream = race->winner;
    return 0;
}

/* Interleaves the families, the first one's first (RFC 8305, section 4). */
static void race_sort(struct race *race, const struct addrinfo *found)
{
    int family = found->ai_family;
    const struct addrinfo *same = found, *other = found;
    while ((same || other) && race->count < ADDRESSES_MAX) {
        while (same && same->ai_family != family)
            same = same->ai_next;
        if (same && race->count < ADDRESSES_MAX) {
            race->addresses[race->count++] = same;
            same = same->ai_next;
        }
        while (other && other->ai_family == family)
            other = other->ai_next;
        if (other && race->count < ADDRESSES_MAX) {
            race->addresses[race->count++] = other;
            other = other->ai_next;
        }
    }
}

/* ---- the public words ---- */

static int look_up_local(const struct asyncio_connect_options *options,
                         struct addrinfo **ret_local)
{
    struct addrinfo hints = {
        .ai_family = options->family,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE | AI_NUMERICHOST,
    };
    *ret_local = NULL;
    if (!options->local_host && !options->local_port)
        return 0;
    return asyncio_getaddrinfo(options->local_host, options->local_port, &hints,
                               ret_local);
}

static int connect_any(struct race *race, const struct addrinfo *found,
                       asyncio_stream **ret_stream)
{
    int err;
    if (race->options->ret_failure_count)
        *race->options->ret_failure_count = 0;
    if (!found->ai_next)
        return race_attempt(race, found, ret_stream);
    race_sort(race, found);
    asyncio_event_init(&race->news);
    err = asyncio_group_run(race_run, race);
    asyncio_event_fini(&race->news);
    return race_result(race, err, ret_stream);
}

/* With a frame of its own: a race is large. */
static __attribute__((noinline)) int
connect_race(const struct asyncio_connect_options *options,
             const struct addrinfo *found, const struct addrinfo *local,
             asyncio_stream **ret_stream)
{
    struct race race;
    memset(&race, 0, offsetof(struct race, addresses));
    race.options = options;
    race.local = local;
    return connect_any(&race, found, ret_stream);
}

static int connect_begin(const struct asyncio_connect_options *options)
{
    struct asyncio_tcb *task = task_current();
    if (!task)
        return -EPERM;
    if (!(options->attempt_delay >= 0)) /* nor is NaN */
        return -EINVAL;
    return task_checkpoint(task);
}

int asyncio_open_connection(const char *host, const char *port,
                            const struct asyncio_connect_options *options,
                            asyncio_stream **ret_stream)
{
    struct addrinfo *found, *local;
    options = options ? options : &no_options;
    int err = connect_begin(options);
    if (err < 0)
        return err;
    /* Not AI_ADDRCONFIG: without a network it finds no loopback either, and
     * addresses without a route come last anyhow and fail at once. */
    struct addrinfo hints = {
        .ai_family = options->family,
        .ai_socktype = SOCK_STREAM,
    };
    err = asyncio_getaddrinfo(host, port, &hints, &found);
    if (err < 0)
        return err;
    err = look_up_local(options, &local);
    if (err == 0) {
        err = connect_race(options, found, local, ret_stream);
        asyncio_freeaddrinfo(local);
    }
    asyncio_freeaddrinfo(found);
    if (err == 0 && options->limit)
        (*ret_stream)->limit = options->limit;
    return err;
}

/* A Unix server whose backlog is full says -EAGAIN, and no event tells when
 * that is over. */
static int connect_unix(const struct address *to, asyncio_stream **ret_stream)
{
    double pause = 0.001;
    int err;
    while ((err = connect_to(to, NULL, ret_stream)) == -EAGAIN) {
        err = asyncio_sleep(pause);
        if (err < 0)
            return err;
        pause = fmin(2 * pause, 0.1);
    }
    return err;
}

int asyncio_open_unix_connection(const char *path,
                                 const struct asyncio_connect_options *options,
                                 asyncio_stream **ret_stream)
{
    struct address to;
    int err = connect_begin(options ? options : &no_options);
    if (err == 0)
        err = address_of_path(path, &to);
    if (err == 0)
        err = connect_unix(&to, ret_stream);
    if (err == 0 && options && options->limit)
        (*ret_stream)->limit = options->limit;
    return err;
}
