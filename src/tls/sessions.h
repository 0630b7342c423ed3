/* SPDX-License-Identifier: MIT */
/*
 * The sessions that a client may resume: a bounded list, the newest first, each
 * under the name of the server that it is with. Shared by all loops that use
 * the context, hence the lock.
 */
#ifndef TLS_SESSIONS_H
#define TLS_SESSIONS_H

#include <openssl/ssl.h>
#include <pthread.h>

#include "base/list.h"

struct sessions {
    pthread_mutex_t lock;
    struct asyncio_link list;    /* of struct session */
    size_t count;
};

void sessions_init(struct sessions *sessions);
void sessions_fini(struct sessions *sessions);

/* Keeps `take_session` for `server`, in place of the oldest where there are too
 * many; without memory it is the caller's still, and false. */
bool sessions_put(struct sessions *sessions, const char *server,
                  SSL_SESSION *take_session);

/* The newest session with `server`, which is the caller's; NULL: none. Those of
 * TLS 1.3 are for one use (RFC 8446, C.4), so that nobody can tell by it that
 * two connections are of the same client. */
SSL_SESSION *sessions_take(struct sessions *sessions, const char *server);

#endif
