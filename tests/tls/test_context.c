/* SPDX-License-Identifier: MIT */
/* Contexts: what they load, what they refuse, and how long they live. */
#include "rig.h"

#include <openssl/ssl.h>
#include <sys/stat.h>

static int load(const char *cert, const char *key, const char *password)
{
    asyncio_tls_context *context;
    ck_assert_int_eq(asyncio_tls_context_new_server(&context), 0);
    int err = asyncio_tls_context_load_cert_chain(
        context, rig_path(cert), key ? rig_path(key) : NULL, password);
    asyncio_tls_context_free(context);
    return err;
}

START_TEST(a_certificate_needs_its_own_key)
{
    ck_assert_code(load("server.pem", "server.key", NULL), 0);
    ck_assert_code(load("server.pem", "other.key", NULL), -ASYNCIO_TLS_KEY);
}
END_TEST

START_TEST(files_that_are_not_there_are_told_as_such)
{
    ck_assert_code(load("nobody.pem", "server.key", NULL), -ENOENT);
    ck_assert_code(load("server.pem", "nobody.key", NULL), -ENOENT);
    ck_assert_int_gt(strlen(asyncio_tls_error_text()), 0);
    asyncio_tls_context *context;
    ck_assert_int_eq(asyncio_tls_context_new_client(&context), 0);
    ck_assert_code(asyncio_tls_context_load_verify_file(
                       context, rig_path("nobody.pem")),
                   -ENOENT);
    asyncio_tls_context_free(context);
}
END_TEST

START_TEST(files_without_certificates_are_told_as_such)
{
    FILE *file = fopen(rig_path("text"), "we");
    ck_assert_ptr_nonnull(file);
    fputs("no certificate is in here\n", file);
    fclose(file);
    ck_assert_code(load("text", "server.key", NULL), -ASYNCIO_TLS_FILE);
    ck_assert_code(load("server.pem", "text", NULL), -ASYNCIO_TLS_FILE);
    ck_assert_code(load("server.pem", NULL, NULL), -ASYNCIO_TLS_FILE);
    asyncio_tls_context *context;
    ck_assert_int_eq(asyncio_tls_context_new_client(&context), 0);
    ck_assert_code(
        asyncio_tls_context_load_verify_file(context, rig_path("text")),
        -ASYNCIO_TLS_FILE);
    asyncio_tls_context_free(context);
}
END_TEST

START_TEST(a_key_may_have_a_password)
{
    EVP_PKEY *key = rig_read_key("server");
    rig_write("locked", "key", NULL, key, "sesame");
    EVP_PKEY_free(key);
    ck_assert_code(load("server.pem", "locked.key", "sesame"), 0);
    ck_assert_code(load("server.pem", "locked.key", "barley"),
                   -ASYNCIO_TLS_PASSWORD);
    ck_assert_code(load("server.pem", "locked.key", NULL),
                   -ASYNCIO_TLS_PASSWORD);
}
END_TEST

START_TEST(a_certificate_and_its_key_may_share_a_file)
{
    EVP_PKEY *key = rig_read_key("server");
    X509 *cert = rig_read_cert("server");
    rig_write("both", "pem", cert, key, NULL);
    X509_free(cert);
    EVP_PKEY_free(key);
    ck_assert_code(load("both.pem", NULL, NULL), 0);
}
END_TEST

START_TEST(what_is_not_known_is_refused)
{
    static const char *const empty[] = {"h2", ""};
    char name[300];
    const char *const names[] = {name};
    asyncio_tls_context *client, *server;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    ck_assert_int_eq(asyncio_tls_context_new_client(&client), 0);
    ck_assert_int_eq(asyncio_tls_context_new_server(&server), 0);
    ck_assert_code(asyncio_tls_context_set_ciphers(client, "ROT13"), -EINVAL);
    ck_assert_code(asyncio_tls_context_set_ciphersuites(client, "ROT13"),
                   -EINVAL);
    ck_assert_code(asyncio_tls_context_set_versions(client, 0x0302, 0),
                   -EINVAL);
    ck_assert_code(asyncio_tls_context_set_versions(client, ASYNCIO_TLS_1_3,
                                                    ASYNCIO_TLS_1_2),
                   -EINVAL);
    ck_assert_code(asyncio_tls_context_set_alpn(client, empty, 2), -EINVAL);
    ck_assert_code(asyncio_tls_context_set_alpn(client, names, 1), -EINVAL);
    ck_assert_code(asyncio_tls_context_set_client_cert(
                       client, ASYNCIO_TLS_CLIENT_CERT_REQUIRED),
                   -EINVAL);
    ck_assert_code(asyncio_tls_context_set_on_name(client, NULL, NULL),
                   -EINVAL);
    ck_assert_code(asyncio_tls_context_set_on_name(server, NULL, NULL), 0);
    asyncio_tls_context_free(client);
    asyncio_tls_context_free(server);
    asyncio_tls_context_free(NULL);
}
END_TEST

START_TEST(openssls_own_context_is_at_hand)
{
    asyncio_tls_context *context;
    ck_assert_int_eq(asyncio_tls_context_new_client(&context), 0);
    ck_assert_int_eq(
        SSL_CTX_get_min_proto_version(asyncio_tls_context_native(context)),
        TLS1_2_VERSION);
    ck_assert_int_eq(
        SSL_CTX_get_verify_mode(asyncio_tls_context_native(context)),
        SSL_VERIFY_PEER);
    asyncio_tls_context_free(context);
}
END_TEST

START_TEST(each_code_has_a_name_and_a_sentence)
{
    ck_assert_str_eq(asyncio_errname(-ASYNCIO_TLS_CERT_HOST), "TLS_CERT_HOST");
    ck_assert_str_eq(asyncio_strerror(-ASYNCIO_TLS_CERT_HOST),
                     "the certificate is for another host");
    for (int code = ASYNCIO_TLS_PROTOCOL; code <= ASYNCIO_TLS_KEY; code++)
        ck_assert_str_ne(asyncio_errname(-code), "UNKNOWN");
    for (int code = ASYNCIO_TLS_CERT_INVALID; code <= ASYNCIO_TLS_CERT_MISSING;
         code++)
        ck_assert_str_ne(asyncio_errname(-code), "UNKNOWN");
}
END_TEST

/* As `openssl rehash` does. */
NET_SCENARIO(a_folder_of_authorities_is_looked_into)
{
    X509 *cert = rig_read_cert("authority");
    char link[64], target[128];
    snprintf(link, sizeof link, "authorities/%08lx.0",
             X509_NAME_hash_ex(X509_get_subject_name(cert), NULL, NULL, NULL));
    X509_free(cert);
    ck_assert_int_eq(mkdir(rig_path("authorities"), 0700), 0);
    snprintf(target, sizeof target, "%s", rig_path("authority.pem"));
    ck_assert_int_eq(symlink(target, rig_path(link)), 0);

    asyncio_tls_context *client;
    ck_assert_int_eq(asyncio_tls_context_new_client(&client), 0);
    ck_assert_code(asyncio_tls_context_load_verify_dir(
                       client, rig_path("authorities")),
                   0);
    ck_assert_code(asyncio_tls_context_load_verify_defaults(client), 0);
    asyncio_server *server =
        serve_tls(echo_client, NULL, server_context("server"));
    asyncio_stream *stream = dial_well(server, client);
    asyncio_stream_close(stream);
    asyncio_server_close(server);
    ck_assert_int_eq(unlink(rig_path(link)), 0);
    ck_assert_int_eq(rmdir(rig_path("authorities")), 0);
}

NET_SCENARIO(a_connection_outlives_its_context)
{
    struct pair pair = open_tls_pair(); /* which has freed both */
    say_text(pair.near, "still");
    hear_text(pair.far, "still");
    ck_assert_str_eq(fact(pair.near, "peercert_subject"), "CN=server");
    close_pair(pair);
}

struct share {
    asyncio_tls_context *client, *server;
};

static int share_main(void *arg)
{
    struct share *share = arg;
    struct asyncio_tls_options options = {.context = share->server};
    asyncio_server *server;
    asyncio_stream *stream;
    ck_assert_int_eq(asyncio_tls_start_server(echo_client, NULL, "127.0.0.1",
                                              "0", &options, &server),
                     0);
    for (int i = 0; i < 20; i++) {
        ck_assert_code(dial(server, "localhost", share->client, &stream), 0);
        say_text(stream, "x");
        hear_text(stream, "x");
        asyncio_stream_close(stream);
    }
    asyncio_server_close(server);
    return 0;
}

static void *share_thread(void *arg)
{
    ck_assert_int_eq(asyncio_run(share_main, arg), 0);
    return NULL;
}

START_TEST(loops_share_a_context)
{
    struct share share;
    pthread_t threads[3];
    if (rig_is_virtual())
        return;
    share = (struct share){client_context(), server_context("server")};
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        threads[i] = thread_start(share_thread, &share);
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        thread_join(threads[i]);
    asyncio_tls_context_free(share.client);
    asyncio_tls_context_free(share.server);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("context");
    rig_make_certificates();
    suite_case(suite, a_certificate_needs_its_own_key);
    suite_case(suite, files_that_are_not_there_are_told_as_such);
    suite_case(suite, files_without_certificates_are_told_as_such);
    suite_case(suite, a_key_may_have_a_password);
    suite_case(suite, a_certificate_and_its_key_may_share_a_file);
    suite_case(suite, what_is_not_known_is_refused);
    suite_case(suite, openssls_own_context_is_at_hand);
    suite_case(suite, each_code_has_a_name_and_a_sentence);
    suite_case(suite, a_folder_of_authorities_is_looked_into);
    suite_case(suite, a_connection_outlives_its_context);
    suite_case(suite, loops_share_a_context);
    return suite;
}
