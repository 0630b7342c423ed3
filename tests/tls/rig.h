/* SPDX-License-Identifier: MIT */
/*
 * What the tests of TLS share: an authority and its certificates, made anew for
 * each program in a temporary folder; contexts, servers and connections.
 */
#ifndef TLS_RIG_H
#define TLS_RIG_H

#include "../io/net_rig.h"

#include <asyncio/filter.h>
#include <asyncio/tls.h>
#include <ftw.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

/* ---- the folder ---- */

static char rig_folder[64];
static pid_t rig_maker;

static UNUSED const char *rig_path(const char *name)
{
    static char paths[8][128];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", rig_folder, name);
    return path;
}

static int rig_remove_one(const char *path, const struct stat *info, int type,
                          struct FTW *where)
{
    (void)info, (void)type, (void)where;
    return remove(path);
}

static void rig_remove(void)
{
    if (getpid() == rig_maker)
        nftw(rig_folder, rig_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- certificates ---- */

/* Outside of cases, where Check's assertions cannot be. */
#define MUST(condition)                                                        \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);    \
            exit(1);                                                           \
        }                                                                      \
    } while (0)

enum { DAY = 24 * 60 * 60 };

struct certificate {
    const char *name;            /* NAME.pem and NAME.key */
    const char *alt_names;       /* as "DNS:localhost,IP:127.0.0.1" */
    long from, until;            /* days from today */
    const char *issuer;          /* "": itself */
    bool is_authority;
};

static const struct certificate rig_certificates[] = {
    {"authority", NULL, -10, 10, "", true},
    {"rogue", NULL, -10, 10, "", true},
    {"server", "DNS:localhost,DNS:*.wild.test,IP:127.0.0.1", -1, 1, "authority",
     false},
    {"expired", "DNS:localhost,IP:127.0.0.1", -3, -1, "authority", false},
    {"future", "DNS:localhost,IP:127.0.0.1", 1, 3, "authority", false},
    {"other", "DNS:other.test", -1, 1, "authority", false},
    {"one", "DNS:one.test", -1, 1, "authority", false},
    {"two", "DNS:two.test", -1, 1, "authority", false},
    {"self", "DNS:localhost,IP:127.0.0.1", -1, 1, "", false},
    {"stranger", "DNS:localhost,IP:127.0.0.1", -1, 1, "rogue", false},
    {"client", NULL, -1, 1, "authority", false},
};

static void rig_write(const char *name, const char *ending, X509 *cert,
                      EVP_PKEY *key, const char *password)
{
    char file[64];
    snprintf(file, sizeof file, "%s.%s", name, ending);
    FILE *out = fopen(rig_path(file), "we");
    MUST(out);
    if (cert)
        MUST(PEM_write_X509(out, cert));
    if (key)
        MUST(PEM_write_PKCS8PrivateKey(
            out, key, password ? EVP_aes_128_cbc() : NULL, password,
            password ? (int)strlen(password) : 0, NULL, NULL));
    MUST(fclose(out) == 0);
}

static X509 *rig_read_cert(const char *name)
{
    char file[64];
    snprintf(file, sizeof file, "%s.pem", name);
    FILE *in = fopen(rig_path(file), "re");
    MUST(in);
    X509 *cert = PEM_read_X509(in, NULL, NULL, NULL);
    MUST(cert);
    fclose(in);
    return cert;
}

static EVP_PKEY *rig_read_key(const char *name)
{
    char file[64];
    snprintf(file, sizeof file, "%s.key", name);
    FILE *in = fopen(rig_path(file), "re");
    MUST(in);
    EVP_PKEY *key = PEM_read_PrivateKey(in, NULL, NULL, NULL);
    MUST(key);
    fclose(in);
    return key;
}

static void rig_add_extension(X509 *cert, X509 *issuer, int nid,
                              const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension =
        X509V3_EXT_conf_nid(NULL, &context, nid, value);
    MUST(extension);
    MUST(X509_add_ext(cert, extension, -1));
    X509_EXTENSION_free(extension);
}

static void rig_make(const struct certificate *what)
{
    static long serial = 1;
    EVP_PKEY *key = EVP_EC_gen("P-256"), *issuer_key = key;
    X509 *cert = X509_new(), *issuer = cert;
    MUST(key && cert);
    if (*what->issuer) {
        issuer = rig_read_cert(what->issuer);
        issuer_key = rig_read_key(what->issuer);
    }
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(cert), what->from * DAY);
    X509_gmtime_adj(X509_getm_notAfter(cert), what->until * DAY);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)what->name, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer));
    rig_add_extension(cert, issuer, NID_basic_constraints,
                      what->is_authority ? "critical,CA:TRUE" : "CA:FALSE");
    if (what->alt_names)
        rig_add_extension(cert, issuer, NID_subject_alt_name, what->alt_names);
    MUST(X509_sign(cert, issuer_key, EVP_sha256()));
    rig_write(what->name, "pem", cert, NULL, NULL);
    rig_write(what->name, "key", NULL, key, NULL);
    if (issuer != cert) {
        X509_free(issuer);
        EVP_PKEY_free(issuer_key);
    }
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* Called by test_suite, once, before the cases fork. */
static UNUSED void rig_make_certificates(void)
{
    snprintf(rig_folder, sizeof rig_folder, "/tmp/casyncio-tls-XXXXXX");
    MUST(mkdtemp(rig_folder));
    rig_maker = getpid();
    atexit(rig_remove);
    for (size_t i = 0; i < ARRAY_SIZE(rig_certificates); i++)
        rig_make(&rig_certificates[i]);
}

/* ---- contexts ---- */

static UNUSED asyncio_tls_context *server_context(const char *name)
{
    asyncio_tls_context *context;
    char cert[64], key[64];
    snprintf(cert, sizeof cert, "%s.pem", name);
    snprintf(key, sizeof key, "%s.key", name);
    ck_assert_int_eq(asyncio_tls_context_new_server(&context), 0);
    ck_assert_int_eq(asyncio_tls_context_load_cert_chain(
                         context, rig_path(cert), rig_path(key), NULL),
                     0);
    return context;
}

/* Trusts our authority. */
static UNUSED asyncio_tls_context *client_context(void)
{
    asyncio_tls_context *context;
    ck_assert_int_eq(asyncio_tls_context_new_client(&context), 0);
    ck_assert_int_eq(asyncio_tls_context_load_verify_file(
                         context, rig_path("authority.pem")),
                     0);
    return context;
}

/* ---- servers and connections ---- */

/* The server keeps what it needs of the context. */
static UNUSED asyncio_server *serve_tls(asyncio_client_fn *on_client, void *arg,
                                        asyncio_tls_context *take_context)
{
    struct asyncio_tls_options options = {.context = take_context};
    asyncio_server *server;
    ck_assert_int_eq(asyncio_tls_start_server(on_client, arg, "127.0.0.1", "0",
                                              &options, &server),
                     0);
    asyncio_tls_context_free(take_context);
    return server;
}

static UNUSED int dial(const asyncio_server *server, const char *name,
                       asyncio_tls_context *context,
                       asyncio_stream **ret_stream)
{
    struct asyncio_tls_options options = {
        .context = context,
        .server_name = name,
    };
    char port[16];
    snprintf(port, sizeof port, "%d", asyncio_server_port(server));
    return asyncio_tls_open_connection("127.0.0.1", port, &options, ret_stream);
}

/* The same, and it has to work; takes the context. */
static UNUSED asyncio_stream *dial_well(const asyncio_server *server,
                                        asyncio_tls_context *take_context)
{
    asyncio_stream *stream;
    int err = dial(server, "localhost", take_context, &stream);
    ck_assert_msg(err == 0, "%s: %s", asyncio_errname(err),
                  asyncio_tls_error_text());
    asyncio_tls_context_free(take_context);
    return stream;
}

static UNUSED const char *fact(asyncio_stream *stream, const char *name)
{
    static char text[4096];
    int len = asyncio_stream_get_extra_info(stream, name, text, sizeof text);
    return len < 0 ? asyncio_errname(len) : text;
}

#define ck_assert_code(result, code)                                           \
    do {                                                                       \
        int code_result = (int)(result);                                       \
        ck_assert_msg(code_result == (code), "%s is %s (%s), not %s", #result, \
                      asyncio_errname(code_result), asyncio_tls_error_text(),  \
                      asyncio_errname(code));                                  \
    } while (0)

/* ---- two ends of one connection ---- */

struct shake {
    asyncio_stream *stream;
    struct asyncio_tls_options options;
    asyncio_task task;
};

static UNUSED int shake_run(void *arg)
{
    struct shake *shake = arg;
    return asyncio_start_tls(shake->stream, &shake->options);
}

/* A connected pair whose near end is a client, and whose far end a server. */
static UNUSED struct pair open_tls_pair_with(asyncio_tls_context *take_client,
                                             asyncio_tls_context *take_server)
{
    struct pair pair = open_pair();
    struct shake near = {.stream = pair.near,
                         .options = {.context = take_client,
                                     .server_name = "localhost"}};
    struct shake far = {.stream = pair.far,
                        .options = {.context = take_server}};
    near.task = asyncio_create_task(shake_run, &near);
    far.task = asyncio_create_task(shake_run, &far);
    ck_assert_code(asyncio_await(near.task), 0);
    ck_assert_code(asyncio_await(far.task), 0);
    asyncio_tls_context_free(take_client);
    asyncio_tls_context_free(take_server);
    return pair;
}

static UNUSED struct pair open_tls_pair(void)
{
    return open_tls_pair_with(client_context(), server_context("server"));
}

#endif
