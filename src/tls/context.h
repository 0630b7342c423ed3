/* SPDX-License-Identifier: MIT */
/*
 * A context's insides. It lives as long as OpenSSL's SSL_CTX, which counts its
 * users and frees both: each connection is one, so a context that its program
 * has freed stays for those that are open.
 */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include <asyncio/tls.h>

#include "tls/sessions.h"

struct asyncio_tls_context {
    SSL_CTX *ctx;                /* owns this structure */
    bool is_server;
    bool trusts_anybody;
    bool has_trust;              /* somebody has said whom */
    bool resumes;
    bool wants_kernel;           /* kTLS */
    pthread_mutex_t lock;        /* of `has_trust`, in context_use */
    asyncio_tls_name_fn *on_name;
    void *name_arg;
    unsigned char *alpn;         /* as on the wire: each after its length */
    size_t alpn_len;
    struct sessions sessions;
};

/* Before each connection: a client that nobody has told whom to trust trusts
 * whom the system does. Reading those takes so long that it is put off until it
 * is known to be needed. */
int context_use(struct asyncio_tls_context *context);

/* The one for who has none, made when first asked for. */
int context_default(struct asyncio_tls_context **ret_context);

#endif
