/* SPDX-License-Identifier: MIT */
/* The filter's insides; filter.c has the states, bio.c what lies below. */
#ifndef TLS_FILTER_H
#define TLS_FILTER_H

#include <asyncio/filter.h>

#include "io/buffer.h"
#include "tls/context.h"

enum tls_state {
    TLS_SHAKING,
    TLS_OPEN,
    TLS_FAILED,
};

struct tls {
    struct asyncio_filter filter;
    enum tls_state state;
    SSL *ssl;
    struct asyncio_tls_context *context; /* as long as `ssl` */
    double handshake_timeout, shutdown_timeout;
    char *server_name;           /* of a client; NULL: none was given */
    char *session_name;          /* what its sessions are kept under */
    bool *ret_has_begun;         /* of filter_install, until the start */

    /* Below: of the socket, as bio.c finds it. */
    BIO *writer;                 /* the one that `ssl` writes to */
    BIO *kernel;                 /* owned; NULL: the kernel is not asked */
    struct buffer out;           /* made by `ssl` and not taken by the socket */
    bool has_heard;              /* something since the handshake */
    bool is_cut;                 /* the other side has ended the connection */
    int in_err, out_err;         /* of reading and writing; 0: none so far */

    bool has_said_goodbye;       /* to OpenSSL: it may wait in `out` */
    int failure;                 /* FAILED: what every call comes to */
    char *failure_text;          /* NULL: OpenSSL said nothing */
};

/* Starts TLS on the stream and frees `take_tls` at the stream's end; on failure
 * before that, `take_tls` is gone, too. */
int filter_install(struct tls *take_tls, asyncio_stream *stream);

/* A filter for the side of the context. The sessions of a client are kept under
 * `session_name` (NULL: they are not). -EINVAL, -ENOMEM. */
int filter_new(const struct asyncio_tls_options *options,
               const char *session_name, struct tls **ret_tls);

/* OpenSSL has got a session to resume; 1: its reference was taken over. */
int filter_keep_session(struct tls *tls, SSL_SESSION *session);

/* asyncio_filter_class's get_extra_info. */
int filter_info(struct asyncio_filter *filter, const char *name, char *ret_text,
                size_t size);

/* ---- bio.c ---- */

/* Gives `ssl` the stream to read and write. -ENOMEM. */
int bio_attach(struct tls *tls);

/* Lets OpenSSL ask the kernel to make the records (kTLS). -ENOMEM. */
int bio_attach_kernel(struct tls *tls);

/* Does it? Then what is written to the socket are the program's own bytes. */
bool kernel_writes(const struct tls *tls);

/* Could it, on any connection? */
bool kernel_has_tls(void);

/* Hands the socket what it takes of `out`: 0: all of it; -EAGAIN; or out_err.
 * Never suspends. */
int out_push(struct tls *tls);

/* The same until all is gone. Suspends. */
int out_flush(struct tls *tls);

#endif
