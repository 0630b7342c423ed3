/* SPDX-License-Identifier: MIT */
/* Contexts: settings, and the choices that OpenSSL asks for in a handshake. */
#include "tls/context.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "tls/failure.h"
#include "tls/filter.h"

/* ---- making and freeing ---- */

static pthread_once_t index_once = PTHREAD_ONCE_INIT;
static int context_index = -1;

/* OpenSSL frees the SSL_CTX, and us with it. */
static void context_gone(void *parent, void *data, CRYPTO_EX_DATA *all,
                         int index, long argl, void *argp)
{
    struct asyncio_tls_context *context = data;
    (void)parent, (void)all, (void)index, (void)argl, (void)argp;
    if (!context)
        return;
    sessions_fini(&context->sessions);
    pthread_mutex_destroy(&context->lock);
    mem_free(context->alpn);
    mem_free(context);
}

static void index_make(void)
{
    context_index = CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL_CTX, 0, NULL,
                                            NULL, NULL, context_gone);
}

static int session_came(SSL *ssl, SSL_SESSION *session)
{
    return filter_keep_session(SSL_get_app_data(ssl), session);
}

/* What is the same on both sides, and safe. */
static void context_settle(struct asyncio_tls_context *context)
{
    static const unsigned char id[] = "casyncio";
    SSL_CTX *ctx = context->ctx;
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_clear_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    /* A write may stop after each record, and go on from another address. */
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* As much as there is with one call, not first a record's head. */
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1);
    SSL_CTX_sess_set_new_cb(ctx, session_came);
    asyncio_tls_context_set_resumption(context, true);
    SSL_CTX_set_verify(
        ctx, context->is_server ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
}

static int context_new(bool is_server, struct asyncio_tls_context **ret_context)
{
    pthread_once(&index_once, index_make);
    struct asyncio_tls_context *context = mem_zalloc(sizeof *context);
    if (!context)
        return -ENOMEM;
    failure_begin();
    context->ctx =
        SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    if (!context->ctx) {
        mem_free(context);
        return failure_end(X509_V_OK);
    }
    context->is_server = is_server;
    pthread_mutex_init(&context->lock, NULL);
    sessions_init(&context->sessions);
    if (!SSL_CTX_set_ex_data(context->ctx, context_index, context)) {
        SSL_CTX_free(context->ctx);
        context_gone(NULL, context, NULL, 0, 0, NULL);
        return -ENOMEM;
    }
    context_settle(context);
    *ret_context = context;
    return 0;
}

int asyncio_tls_context_new_client(asyncio_tls_context **ret_context)
{
    return context_new(false, ret_context);
}

int asyncio_tls_context_new_server(asyncio_tls_context **ret_context)
{
    return context_new(true, ret_context);
}

void asyncio_tls_context_free(asyncio_tls_context *context)
{
    if (context)
        SSL_CTX_free(context->ctx);
}

struct ssl_ctx_st *asyncio_tls_context_native(asyncio_tls_context *context)
{
    return context->ctx;
}

int context_default(struct asyncio_tls_context **ret_context)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct asyncio_tls_context *context;
    int err = 0;
    pthread_mutex_lock(&lock);
    if (!context)
        err = context_new(false, &context);
    *ret_context = context;
    pthread_mutex_unlock(&lock);
    return err;
}

/* ---- whom to trust ---- */

static int outcome(int is_good)
{
    return is_good == 1 ? 0 : failure_end_of_file(false);
}

int asyncio_tls_context_load_verify_file(asyncio_tls_context *context,
                                         const char *path)
{
    failure_begin();
    int err = outcome(SSL_CTX_load_verify_file(context->ctx, path));
    if (err < 0)
        return err;
    context->has_trust = true;
    /* A client with several certificates chooses by these names. */
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(path);
    if (context->is_server && names)
        SSL_CTX_set_client_CA_list(context->ctx, names);
    else
        sk_X509_NAME_pop_free(names, X509_NAME_free);
    return 0;
}

int asyncio_tls_context_load_verify_dir(asyncio_tls_context *context,
                                        const char *path)
{
    failure_begin();
    int err = outcome(SSL_CTX_load_verify_dir(context->ctx, path));
    if (err == 0)
        context->has_trust = true;
    return err;
}

int asyncio_tls_context_load_verify_defaults(asyncio_tls_context *context)
{
    failure_begin();
    int err = outcome(SSL_CTX_set_default_verify_paths(context->ctx));
    if (err == 0)
        context->has_trust = true;
    return err;
}

int context_use(struct asyncio_tls_context *context)
{
    int err = 0;
    if (context->is_server || context->trusts_anybody)
        return 0;
    pthread_mutex_lock(&context->lock);
    if (!context->has_trust)
        err = asyncio_tls_context_load_verify_defaults(context);
    pthread_mutex_unlock(&context->lock);
    return err;
}

void asyncio_tls_context_dangerously_trust_anybody(asyncio_tls_context *context)
{
    context->trusts_anybody = true;
    SSL_CTX_set_verify(context->ctx, SSL_VERIFY_NONE, NULL);
}

int asyncio_tls_context_set_client_cert(asyncio_tls_context *context,
                                        enum asyncio_tls_client_cert rule)
{
    static const int modes[] = {
        [ASYNCIO_TLS_CLIENT_CERT_NONE] = SSL_VERIFY_NONE,
        [ASYNCIO_TLS_CLIENT_CERT_OPTIONAL] = SSL_VERIFY_PEER,
        [ASYNCIO_TLS_CLIENT_CERT_REQUIRED] =
            SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
    };
    if (!context->is_server || (size_t)rule >= ARRAY_SIZE(modes))
        return -EINVAL;
    SSL_CTX_set_verify(context->ctx, modes[rule], NULL);
    return 0;
}

/* ---- who we are ---- */

struct password {
    const char *text;            /* NULL: there is none */
    bool is_asked_for;
};

/* Without a password the answer is none; OpenSSL would ask on the terminal. */
static int password_asked(char *buf, int size, int is_writing, void *arg)
{
    struct password *password = arg;
    (void)is_writing;
    if (!password)
        return -1;
    password->is_asked_for = true;
    size_t len = password->text ? strlen(password->text) : 0;
    if (!password->text || len > (size_t)size)
        return -1;
    memcpy(buf, password->text, len);
    return (int)len;
}

int asyncio_tls_context_load_cert_chain(asyncio_tls_context *context,
                                        const char *cert_path,
                                        const char *key_path,
                                        const char *password)
{
    SSL_CTX *ctx = context->ctx;
    struct password asked = {.text = password};
    failure_begin();
    SSL_CTX_set_default_passwd_cb(ctx, password_asked);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, &asked);
    int is_good = SSL_CTX_use_certificate_chain_file(ctx, cert_path);
    if (is_good == 1)
        is_good = SSL_CTX_use_PrivateKey_file(
            ctx, key_path ? key_path : cert_path, SSL_FILETYPE_PEM);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
    return is_good == 1 ? 0 : failure_end_of_file(asked.is_asked_for);
}

/* ---- what is spoken ---- */

int asyncio_tls_context_set_versions(asyncio_tls_context *context, int oldest,
                                     int newest)
{
    if (oldest == 0)
        oldest = ASYNCIO_TLS_1_2;
    if (oldest < ASYNCIO_TLS_1_2 || oldest > ASYNCIO_TLS_1_3 ||
        newest > ASYNCIO_TLS_1_3 || (newest && newest < oldest))
        return -EINVAL;
    SSL_CTX_set_min_proto_version(context->ctx, oldest);
    SSL_CTX_set_max_proto_version(context->ctx, newest);
    return 0;
}

static int known(int is_known)
{
    if (is_known != 1)
        (void)failure_end(X509_V_OK);
    return is_known == 1 ? 0 : -EINVAL;
}

int asyncio_tls_context_set_ciphers(asyncio_tls_context *context,
                                    const char *list)
{
    failure_begin();
    return known(SSL_CTX_set_cipher_list(context->ctx, list));
}

int asyncio_tls_context_set_ciphersuites(asyncio_tls_context *context,
                                         const char *list)
{
    failure_begin();
    return known(SSL_CTX_set_ciphersuites(context->ctx, list));
}

/* The names as on the wire, to `ret_wire`, which may be NULL; the length of
 * that, or -EINVAL. */
static ssize_t alpn_write(const char *const *protocols, size_t count,
                          unsigned char *ret_wire)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(protocols[i]);
        if (!len || len > UINT8_MAX)
            return -EINVAL;
        if (ret_wire) {
            ret_wire[at] = (unsigned char)len;
            memcpy(ret_wire + at + 1, protocols[i], len);
        }
        at += len + 1;
    }
    return (ssize_t)at;
}

/* The server's side: its own first that the client has, too. */
static int alpn_asked(SSL *ssl, const unsigned char **ret_name,
                      unsigned char *ret_len, const unsigned char *theirs,
                      unsigned theirs_len, void *arg)
{
    const struct asyncio_tls_context *context = arg;
    unsigned char *name;
    (void)ssl;
    if (!context->alpn)
        return SSL_TLSEXT_ERR_NOACK;
    if (SSL_select_next_proto(&name, ret_len, context->alpn,
                              (unsigned)context->alpn_len, theirs,
                              theirs_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret_name = name;
    return SSL_TLSEXT_ERR_OK;
}

int asyncio_tls_context_set_alpn(asyncio_tls_context *context,
                                 const char *const *protocols, size_t count)
{
    ssize_t len = alpn_write(protocols, count, NULL);
    if (len < 0 || len > UINT16_MAX)
        return -EINVAL;
    unsigned char *wire = len ? mem_alloc((size_t)len) : NULL;
    if (len && !wire)
        return -ENOMEM;
    alpn_write(protocols, count, wire);
    mem_free(context->alpn);
    context->alpn = wire;
    context->alpn_len = (size_t)len;
    SSL_CTX_set_alpn_select_cb(context->ctx, alpn_asked, context);
    return SSL_CTX_set_alpn_protos(context->ctx, wire, (unsigned)len)
               ? -ENOMEM
               : 0;
}

/* ---- which name ---- */

/* The other context's certificate and trust; what else it says of verifying
 * has been copied to the SSL when that was made. */
static void ssl_go_over(SSL *ssl, const struct asyncio_tls_context *context)
{
    SSL_CTX *ctx = context->ctx;
    SSL_set_SSL_CTX(ssl, ctx);
    SSL_set_verify(ssl, SSL_CTX_get_verify_mode(ctx), NULL);
}

static int name_asked(SSL *ssl, int *ret_alert, void *arg)
{
    struct asyncio_tls_context *context = arg, *chosen = NULL;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (context->on_name(name, context->name_arg, &chosen) < 0) {
        *ret_alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    if (chosen && chosen != context)
        ssl_go_over(ssl, chosen);
    return name ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

int asyncio_tls_context_set_on_name(asyncio_tls_context *context,
                                    asyncio_tls_name_fn *on_name, void *arg)
{
    if (!context->is_server)
        return -EINVAL;
    context->on_name = on_name;
    context->name_arg = arg;
    SSL_CTX_set_tlsext_servername_callback(context->ctx,
                                           (on_name ? name_asked : NULL));
    SSL_CTX_set_tlsext_servername_arg(context->ctx, context);
    return 0;
}

/* ---- resumption ---- */

/* A server remembers nothing of its own: the ticket that it hands out holds it
 * all. A client's sessions are kept in our list, by server, not in OpenSSL's,
 * which knows no servers. */
void asyncio_tls_context_set_resumption(asyncio_tls_context *context,
                                        bool is_on)
{
    SSL_CTX *ctx = context->ctx;
    context->resumes = is_on;
    SSL_CTX_set_session_cache_mode(
        ctx, context->is_server || !is_on
                 ? SSL_SESS_CACHE_OFF
                 : SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    if (is_on)
        SSL_CTX_clear_options(ctx, SSL_OP_NO_TICKET);
    else
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(ctx, is_on && context->is_server ? 2 : 0);
}

/* ---- the kernel ---- */

int asyncio_tls_context_set_ktls(asyncio_tls_context *context, bool is_on)
{
    if (is_on && !kernel_has_tls())
        return -ENOTSUP;
    context->wants_kernel = is_on;
    if (is_on)
        SSL_CTX_set_options(context->ctx, SSL_OP_ENABLE_KTLS);
    else
        SSL_CTX_clear_options(context->ctx, SSL_OP_ENABLE_KTLS);
    return 0;
}
