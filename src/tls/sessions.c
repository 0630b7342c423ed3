/* SPDX-License-Identifier: MIT */
/* What a client keeps to resume; see sessions.h. */
#include "tls/sessions.h"

#include <string.h>

#include "base/mem.h"

enum {
    SESSIONS_MAX = 256,
    SESSIONS_PER_SERVER = 4,
};

struct session {
    struct asyncio_link link;
    SSL_SESSION *session;        /* owned */
    char server[];
};

static struct session *session_of(struct asyncio_link *link)
{
    return container_of(link, struct session, link);
}

void sessions_init(struct sessions *sessions)
{
    pthread_mutex_init(&sessions->lock, NULL);
    list_init(&sessions->list);
    sessions->count = 0;
}

static void session_free(struct sessions *sessions, struct session *session)
{
    list_remove(&session->link);
    sessions->count--;
    SSL_SESSION_free(session->session);
    mem_free(session);
}

void sessions_fini(struct sessions *sessions)
{
    LIST_FOR_EACH_SAFE(link, &sessions->list)
    session_free(sessions, session_of(link));
    pthread_mutex_destroy(&sessions->lock);
}

/* Drops what is too many: of this server, and of all. */
static void sessions_trim(struct sessions *sessions, const char *server)
{
    size_t same = 0;
    LIST_FOR_EACH_SAFE(link, &sessions->list)
    {
        struct session *session = session_of(link);
        same += strcmp(session->server, server) == 0;
        if (same > SESSIONS_PER_SERVER) {
            session_free(sessions, session);
            break;
        }
    }
    if (sessions->count > SESSIONS_MAX)
        session_free(sessions, session_of(sessions->list.prev));
}

bool sessions_put(struct sessions *sessions, const char *server,
                  SSL_SESSION *take_session)
{
    size_t size = strlen(server) + 1;
    struct session *session = mem_alloc(sizeof *session + size);
    if (!session)
        return false;
    session->session = take_session;
    memcpy(session->server, server, size);
    pthread_mutex_lock(&sessions->lock);
    list_push_front(&sessions->list, &session->link);
    sessions->count++;
    sessions_trim(sessions, server);
    pthread_mutex_unlock(&sessions->lock);
    return true;
}

static struct session *sessions_find(const struct sessions *sessions,
                                     const char *server)
{
    LIST_FOR_EACH(link, &sessions->list)
    {
        if (strcmp(session_of(link)->server, server) == 0)
            return session_of(link);
    }
    return NULL;
}

SSL_SESSION *sessions_take(struct sessions *sessions, const char *server)
{
    SSL_SESSION *taken = NULL;
    pthread_mutex_lock(&sessions->lock);
    struct session *session = sessions_find(sessions, server);
    if (session) {
        taken = session->session;
        SSL_SESSION_up_ref(taken);
        if (SSL_SESSION_get_protocol_version(taken) >= TLS1_3_VERSION)
            session_free(sessions, session);
    }
    pthread_mutex_unlock(&sessions->lock);
    return taken;
}
