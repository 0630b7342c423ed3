/* SPDX-License-Identifier: MIT */
/*
 * TLS over streams, on OpenSSL 3. A library of its own, libcasyncio-tls
 * (pkg-config casyncio-tls), so that programs without TLS do not load it;
 * asyncio.h does not include this header.
 *
 *     asyncio_stream *stream;
 *     int err = asyncio_tls_open_connection("example.org", "443", NULL,
 *                                           &stream);
 *     if (err < 0)
 *         fprintf(stderr, "%s (%s)\n", asyncio_strerror(err),
 *                 asyncio_tls_error_text());
 *
 * What comes is a stream like any other (asyncio/stream.h). Where TLS makes a
 * difference:
 *
 *  - Read: an end without the other side's goodbye (close_notify) is
 *    -ASYNCIO_TLS_TRUNCATED, not 0. After any failure of TLS itself, every
 *    later read and write fails with the same.
 *  - Write: what counts as moved may partly wait in the stream when the call
 *    was cancelled; the next write, write_eof or close sends it first.
 *  - write_eof says goodbye, and the other side can still be read.
 *  - Close says goodbye, and waits for the socket to take it and what was
 *    written before (shutdown_timeout) if it does not at once. A client that
 *    has read nothing waits up to a second for the server's tickets, so that
 *    they do not find the socket gone and reset the connection.
 *  - get_extra_info: "version" ("TLSv1.3"), "cipher", "alpn",
 *    "server_hostname", "session_reused" ("0" or "1"), "ktls" ("send": the
 *    kernel makes the records of what is written), "peercert" (PEM),
 *    "peercert_subject", "peercert_issuer", "tls_error" (what OpenSSL said
 *    about the failure). -ENOENT where there is none.
 *
 * Renegotiation is refused. A task that does a handshake needs a stack of the
 * default size.
 */
#ifndef ASYNCIO_TLS_H
#define ASYNCIO_TLS_H

#include <asyncio/base.h>
#include <asyncio/server.h>
#include <asyncio/stream.h>
#include <asyncio/task.h>

ASYNCIO_BEGIN

/* ---- contexts ---- */

/*
 * What many connections of one side share: certificates, who is trusted, what
 * is spoken, and the sessions to resume. Is set up first and used then, by any
 * number of loops; connections keep what they need of it, so it may be freed
 * before they end. The files that it loads are read at once, by the calling
 * thread.
 */
typedef struct asyncio_tls_context asyncio_tls_context;

/*
 * A client's: TLS 1.2 and 1.3, and a server has to show a certificate in its
 * name from an authority that the system trusts. Writes *ret_context. Never
 * suspends. Needs no loop. -ENOMEM.
 */
ASYNCIO_API int asyncio_tls_context_new_client(
    asyncio_tls_context **ret_context);

/* A server's: TLS 1.2 and 1.3, clients are not asked for certificates. It needs
 * asyncio_tls_context_load_cert_chain. Never suspends. -ENOMEM. */
ASYNCIO_API int asyncio_tls_context_new_server(
    asyncio_tls_context **ret_context);

/* Frees it once the last connection has gone. NULL is fine. Never suspends. */
ASYNCIO_API void asyncio_tls_context_free(asyncio_tls_context *context);

/*
 * Trusts the authorities in a file of PEM certificates, in place of the
 * system's. May be called several times. Never suspends. -ENOENT, -EACCES, ...;
 * -ASYNCIO_TLS_FILE: there are none.
 */
ASYNCIO_API int asyncio_tls_context_load_verify_file(
    asyncio_tls_context *context, const char *path);

/* The same with a directory as `openssl rehash` makes it, which is looked into
 * when a certificate comes. Never suspends. -ENOMEM. */
ASYNCIO_API int asyncio_tls_context_load_verify_dir(
    asyncio_tls_context *context, const char *path);

/* Trusts the system's authorities beside those of load_verify_*. Never
 * suspends. */
ASYNCIO_API int asyncio_tls_context_load_verify_defaults(
    asyncio_tls_context *context);

/*
 * Its own certificate: a PEM file with it and those between it and the root,
 * and one with its key; `key_path` NULL: in the same file. `password` (may be
 * NULL) is the key's and is not kept. Never suspends. As open(2);
 * -ASYNCIO_TLS_FILE, _PASSWORD, _KEY.
 */
ASYNCIO_API int asyncio_tls_context_load_cert_chain(
    asyncio_tls_context *context, const char *cert_path, const char *key_path,
    const char *password);

/*
 * Application protocols (ALPN), as "h2", "http/1.1", the best first. A server
 * takes the first of its own that the client has, and refuses a client that
 * has some but none of these. Copied. Never suspends. -EINVAL: an empty name,
 * or one over 255 bytes.
 */
ASYNCIO_API int asyncio_tls_context_set_alpn(asyncio_tls_context *context,
                                             const char *const *protocols,
                                             size_t count);

enum asyncio_tls_version {
    ASYNCIO_TLS_1_2 = 0x0303,
    ASYNCIO_TLS_1_3 = 0x0304,
};

/* The oldest and the newest version to speak, of enum asyncio_tls_version; 0:
 * TLS 1.2, and the newest there is. Never suspends. -EINVAL. */
ASYNCIO_API int asyncio_tls_context_set_versions(asyncio_tls_context *context,
                                                 int oldest, int newest);

/* Ciphers of TLS 1.2, in the words of openssl-ciphers(1). Never suspends.
 * -EINVAL: none is known. */
ASYNCIO_API int asyncio_tls_context_set_ciphers(asyncio_tls_context *context,
                                                const char *list);

/* Cipher suites of TLS 1.3, the best first, separated by colons. Never
 * suspends. -EINVAL: one is not known. */
ASYNCIO_API int asyncio_tls_context_set_ciphersuites(
    asyncio_tls_context *context, const char *list);

/* What a server asks of its clients. */
enum asyncio_tls_client_cert {
    ASYNCIO_TLS_CLIENT_CERT_NONE,
    ASYNCIO_TLS_CLIENT_CERT_OPTIONAL, /* but a bad one is refused */
    ASYNCIO_TLS_CLIENT_CERT_REQUIRED,
};

/* Asks clients for certificates, of the authorities of load_verify_*. Never
 * suspends. -EINVAL: a client's context. */
ASYNCIO_API int asyncio_tls_context_set_client_cert(
    asyncio_tls_context *context, enum asyncio_tls_client_cert rule);

/*
 * A server's choice by the name that a client asks for (SNI; NULL: for none).
 * Sets *ret_context to the one to go on with, or leaves it for this one, and
 * returns 0; negative: there is no such name, and the client is told. Must not
 * suspend.
 */
typedef int asyncio_tls_name_fn(const char *name, void *arg,
                                asyncio_tls_context **ret_context);

/*
 * Calls on_name(name, arg) in each handshake. The context that it chooses
 * brings its certificate, its trust and its ALPN; versions and ciphers stay
 * this one's. Never suspends. -EINVAL: a client's context.
 */
ASYNCIO_API int asyncio_tls_context_set_on_name(asyncio_tls_context *context,
                                                asyncio_tls_name_fn *on_name,
                                                void *arg);

/*
 * Whether connections resume earlier sessions, which spares both sides the
 * costly half of a handshake: a client keeps sessions by server (256 of them
 * at most), a server hands out tickets and keeps nothing. It is on. Never
 * suspends.
 */
ASYNCIO_API void asyncio_tls_context_set_resumption(
    asyncio_tls_context *context, bool is_on);

/*
 * Whether the kernel makes the records of what is written (kTLS), where it
 * knows the cipher and the stream is TCP; then asyncio_stream_sendfile moves
 * files without a copy. New keys that the other side asks for are not given
 * then. It is off. Never suspends. -ENOTSUP: the kernel has none, or its module
 * is not loaded.
 */
ASYNCIO_API int asyncio_tls_context_set_ktls(asyncio_tls_context *context,
                                             bool is_on);

/*
 * Takes any certificate from anybody: whoever stands in between reads and
 * changes everything. For tests, or where there is another proof of who the
 * other side is. Never suspends.
 */
ASYNCIO_API void asyncio_tls_context_dangerously_trust_anybody(
    asyncio_tls_context *context);

struct ssl_ctx_st;

/* OpenSSL's SSL_CTX of it, for settings that are not here; it stays the
 * context's. Its app data and its callbacks are taken. Never suspends. */
ASYNCIO_API struct ssl_ctx_st *asyncio_tls_context_native(
    asyncio_tls_context *context);

/* ---- connections ---- */

/* Zeros are defaults. */
struct asyncio_tls_options {
    asyncio_tls_context *context; /* NULL: a client's with all defaults */
    /* Of a client: the name or address that the server's certificate has to
     * have, and that it is asked for. open_connection: NULL is the host. */
    const char *server_name;
    double handshake_timeout;    /* seconds; 0: 60 */
    double shutdown_timeout;     /* seconds that close may take; 0: 30 */
    const struct asyncio_connect_options *connect; /* of open_connection */
    const struct asyncio_server_options *server; /* of start_server */
};

/*
 * Connects as asyncio_open_connection and does the handshake. `options` may be
 * NULL. Writes *ret_stream. Suspends. Cancelled: -ECANCELED. -ETIMEDOUT: the
 * handshake took too long; what connecting or the handshake failed with
 * (ASYNCIO_TLS_* of asyncio/base.h).
 */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_tls_open_connection(const char *host, const char *port,
                            const struct asyncio_tls_options *options,
                            asyncio_stream **ret_stream);

/*
 * As asyncio_start_server, with a handshake in each client's task before
 * on_client. One that fails ends that connection and counts as its failure.
 * The options' texts are lent until it returns; a server's context is a must
 * (-EINVAL). Suspends where a name is looked up. Cancelled: -ECANCELED.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_tls_start_server(asyncio_client_fn *on_client, void *arg,
                         const char *host, const char *port,
                         const struct asyncio_tls_options *options,
                         asyncio_server **ret_server);

/*
 * Goes over to TLS on a stream that is open, on the side that the context is
 * of. What was read ahead and not taken belongs to TLS. When the handshake
 * fails, so does everything that follows on the stream; it stays the caller's
 * to close. Suspends. Cancelled: -ECANCELED. -ETIMEDOUT; ASYNCIO_TLS_*. Before
 * anything has been said: -EINVAL: a client that has to check a name needs
 * server_name; -EBUSY: somebody reads or writes; -EALREADY: it has TLS.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int
asyncio_start_tls(asyncio_stream *stream,
                  const struct asyncio_tls_options *options);

/*
 * What OpenSSL said about the last failure of TLS in this thread, and what is
 * wrong with the certificate where it was that; "" when it said nothing. For
 * people; holds until the task next suspends. Never suspends.
 */
ASYNCIO_API const char *asyncio_tls_error_text(void);

ASYNCIO_END

#endif
