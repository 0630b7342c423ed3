/* SPDX-License-Identifier: MIT */
/* Handshakes: who is trusted, what is agreed on, and every way to fail. */
#include "rig.h"

/* A client that trusts our authority and dials `server_name` meets a server
 * with this certificate. */
static char said[256];           /* by OpenSSL, about the last one */

static int meet(const char *certificate, const char *server_name)
{
    asyncio_tls_context *client = client_context();
    asyncio_server *server =
        serve_tls(echo_client, NULL, server_context(certificate));
    asyncio_stream *stream;
    int err = dial(server, server_name, client, &stream);
    snprintf(said, sizeof said, "%s", asyncio_tls_error_text());
    if (err == 0) {
        say_text(stream, "hello");
        hear_text(stream, "hello");
        asyncio_stream_close(stream);
    }
    asyncio_tls_context_free(client);
    asyncio_server_close(server);
    return err;
}

/* ---- certificates of servers ---- */

NET_SCENARIO(a_good_certificate_is_taken)
{
    ck_assert_code(meet("server", "localhost"), 0);
    ck_assert_code(meet("server", "localhost."), 0);
    ck_assert_code(meet("server", "a.wild.test"), 0);
}

NET_SCENARIO(an_address_is_looked_for_as_an_address)
{
    ck_assert_code(meet("server", NULL), 0); /* 127.0.0.1, the host */
    ck_assert_code(meet("server", "127.0.0.2"), -ASYNCIO_TLS_CERT_HOST);
}

NET_SCENARIO(an_expired_certificate_is_refused)
{
    ck_assert_code(meet("expired", "localhost"), -ASYNCIO_TLS_CERT_EXPIRED);
    ck_assert_str_eq(said,
                     "certificate verify failed: certificate has expired");
}

NET_SCENARIO(a_certificate_of_tomorrow_is_refused)
{
    ck_assert_code(meet("future", "localhost"), -ASYNCIO_TLS_CERT_NOT_YET);
}

NET_SCENARIO(a_certificate_for_another_host_is_refused)
{
    ck_assert_code(meet("other", "localhost"), -ASYNCIO_TLS_CERT_HOST);
    ck_assert_code(meet("server", "a.b.wild.test"), -ASYNCIO_TLS_CERT_HOST);
}

NET_SCENARIO(a_self_signed_certificate_is_refused)
{
    ck_assert_code(meet("self", "localhost"), -ASYNCIO_TLS_CERT_SELF_SIGNED);
}

NET_SCENARIO(a_certificate_from_a_stranger_is_refused)
{
    ck_assert_code(meet("stranger", "localhost"), -ASYNCIO_TLS_CERT_ISSUER);
}

NET_SCENARIO(by_default_our_authority_is_a_stranger)
{
    asyncio_server *server =
        serve_tls(echo_client, NULL, server_context("server"));
    asyncio_stream *stream;
    ck_assert_code(dial(server, "localhost", NULL, &stream),
                   -ASYNCIO_TLS_CERT_ISSUER);
    asyncio_server_close(server);
}

NET_SCENARIO(whoever_trusts_anybody_takes_anything)
{
    asyncio_tls_context *client;
    ck_assert_int_eq(asyncio_tls_context_new_client(&client), 0);
    asyncio_tls_context_dangerously_trust_anybody(client);
    asyncio_server *server =
        serve_tls(echo_client, NULL, server_context("expired"));
    asyncio_stream *stream = dial_well(server, client);
    say_text(stream, "x");
    hear_text(stream, "x");
    asyncio_stream_close(stream);
    asyncio_server_close(server);
}

NET_SCENARIO(a_refused_certificate_is_a_failure_of_that_client_alone)
{
    asyncio_tls_context *stern = client_context();
    asyncio_server *server =
        serve_tls(echo_client, NULL, server_context("server"));
    asyncio_stream *stream = dial_well(server, client_context()), *none;
    ck_assert_code(dial(server, "elsewhere", stern, &none),
                   -ASYNCIO_TLS_CERT_HOST);
    asyncio_tls_context_free(stern);
    say_text(stream, "still here");
    hear_text(stream, "still here");
    asyncio_stream_close(stream);
    for (int i = 0; i < 1000 && asyncio_server_clients(server); i++)
        let_a_turn_pass();
    ck_assert_uint_eq(asyncio_server_failures(server), 1);
    asyncio_server_close(server);
}

/* ---- certificates of clients ---- */

enum { WITHOUT, WITH_OURS, WITH_A_STRANGERS };

/* What the client's first read comes to, where it gets there. */
static int meet_with(enum asyncio_tls_client_cert rule, int shows, int version)
{
    asyncio_tls_context *ours = server_context("server"),
                        *client = client_context();
    asyncio_stream *stream;
    char byte;
    ck_assert_code(asyncio_tls_context_load_verify_file(
                       ours, rig_path("authority.pem")),
                   0);
    ck_assert_code(asyncio_tls_context_set_client_cert(ours, rule), 0);
    ck_assert_code(asyncio_tls_context_set_versions(ours, version, version), 0);
    if (shows != WITHOUT) {
        const char *name = shows == WITH_OURS ? "client" : "stranger";
        char cert[32], key[32];
        snprintf(cert, sizeof cert, "%s.pem", name);
        snprintf(key, sizeof key, "%s.key", name);
        ck_assert_code(asyncio_tls_context_load_cert_chain(
                           client, rig_path(cert), rig_path(key), NULL),
                       0);
    }
    asyncio_server *server = serve_tls(echo_client, NULL, ours);
    int err = dial(server, "localhost", client, &stream);
    asyncio_tls_context_free(client);
    if (err == 0) {
        (void)asyncio_stream_write(stream, "x", 1, NULL);
        err = (int)asyncio_stream_read(stream, &byte, 1);
        asyncio_stream_close(stream);
    }
    asyncio_server_close(server);
    return err;
}

NET_SCENARIO(a_client_may_have_to_show_a_certificate)
{
    static const int versions[] = {ASYNCIO_TLS_1_2, ASYNCIO_TLS_1_3};
    for (size_t i = 0; i < 2; i++) {
        int version = versions[i];
        ck_assert_code(
            meet_with(ASYNCIO_TLS_CLIENT_CERT_REQUIRED, WITH_OURS, version), 1);
        ck_assert_code(
            meet_with(ASYNCIO_TLS_CLIENT_CERT_REQUIRED, WITHOUT, version),
            version == ASYNCIO_TLS_1_3 ? -ASYNCIO_TLS_REFUSED
                                       : -ASYNCIO_TLS_ALERT);
        ck_assert_code(meet_with(ASYNCIO_TLS_CLIENT_CERT_REQUIRED,
                                 WITH_A_STRANGERS, version),
                       -ASYNCIO_TLS_REFUSED);
        ck_assert_code(
            meet_with(ASYNCIO_TLS_CLIENT_CERT_OPTIONAL, WITHOUT, version), 1);
        ck_assert_code(meet_with(ASYNCIO_TLS_CLIENT_CERT_OPTIONAL,
                                 WITH_A_STRANGERS, version),
                       -ASYNCIO_TLS_REFUSED);
        ck_assert_code(
            meet_with(ASYNCIO_TLS_CLIENT_CERT_NONE, WITH_A_STRANGERS, version),
            1);
    }
}

static int tell_subject(asyncio_stream *stream, void *arg)
{
    (void)arg;
    ssize_t len =
        asyncio_stream_write_text(stream, fact(stream, "peercert_subject"));
    return len < 0 ? (int)len : 0;
}

NET_SCENARIO(a_server_knows_its_client_by_the_certificate)
{
    asyncio_tls_context *ours = server_context("server"),
                        *client = client_context();
    ck_assert_code(asyncio_tls_context_load_verify_file(
                       ours, rig_path("authority.pem")),
                   0);
    ck_assert_code(asyncio_tls_context_set_client_cert(
                       ours, ASYNCIO_TLS_CLIENT_CERT_REQUIRED),
                   0);
    ck_assert_code(
        asyncio_tls_context_load_cert_chain(client, rig_path("client.pem"),
                                            rig_path("client.key"), NULL),
        0);
    asyncio_server *server = serve_tls(tell_subject, NULL, ours);
    asyncio_stream *stream = dial_well(server, client);
    hear_text(stream, "CN=client");
    hear_end(stream);
    asyncio_stream_close(stream);
    asyncio_server_close(server);
}

static int keep_result(asyncio_stream *stream, void *arg)
{
    struct asyncio_tls_options *options = arg;
    int err = asyncio_start_tls(stream, options);
    options->handshake_timeout = err;
    return err;
}

NET_SCENARIO(the_server_says_what_was_wrong_with_its_client)
{
    asyncio_tls_context *ours = server_context("server"),
                        *client = client_context();
    ck_assert_code(asyncio_tls_context_set_client_cert(
                       ours, ASYNCIO_TLS_CLIENT_CERT_REQUIRED),
                   0);
    struct asyncio_tls_options options = {.context = ours};
    asyncio_server *server;
    asyncio_stream *stream;
    ck_assert_int_eq(asyncio_start_server(keep_result, &options, "127.0.0.1",
                                          "0", NULL, &server),
                     0);
    if (dial(server, "localhost", client, &stream) == 0)
        asyncio_stream_close(stream);
    for (int i = 0; i < 1000 && asyncio_server_clients(server); i++)
        let_a_turn_pass();
    ck_assert_code(options.handshake_timeout, -ASYNCIO_TLS_CERT_MISSING);
    asyncio_tls_context_free(client);
    asyncio_tls_context_free(ours);
    asyncio_server_close(server);
}

/* ---- versions and ciphers ---- */

static int meet_versions(int ours, int theirs, const char *ret_version)
{
    asyncio_tls_context *far = server_context("server"),
                        *near = client_context();
    asyncio_stream *stream;
    ck_assert_code(asyncio_tls_context_set_versions(far, theirs, theirs), 0);
    ck_assert_code(asyncio_tls_context_set_versions(near, ours, ours), 0);
    asyncio_server *server = serve_tls(echo_client, NULL, far);
    int err = dial(server, "localhost", near, &stream);
    if (err == 0) {
        ck_assert_str_eq(fact(stream, "version"), ret_version);
        asyncio_stream_close(stream);
    }
    asyncio_tls_context_free(near);
    asyncio_server_close(server);
    return err;
}

NET_SCENARIO(both_sides_have_to_speak_the_version)
{
    int old = ASYNCIO_TLS_1_2, new = ASYNCIO_TLS_1_3;
    ck_assert_code(meet_versions(old, old, "TLSv1.2"), 0);
    ck_assert_code(meet_versions(new, new, "TLSv1.3"), 0);
    ck_assert_code(meet_versions(0, 0, "TLSv1.3"), 0);
    ck_assert_code(meet_versions(old, new, ""), -ASYNCIO_TLS_VERSION);
    ck_assert_code(meet_versions(new, old, ""), -ASYNCIO_TLS_VERSION);
}

NET_SCENARIO(ciphers_are_chosen_by_name)
{
    asyncio_tls_context *far = server_context("server"),
                        *near = client_context();
    ck_assert_code(
        asyncio_tls_context_set_ciphersuites(far, "TLS_CHACHA20_POLY1305_SHA256"
                                                  ":TLS_AES_256_GCM_SHA384"),
        0);
    ck_assert_code(
        asyncio_tls_context_set_ciphersuites(near, "TLS_AES_256_GCM_SHA384"),
        0);
    asyncio_server *server = serve_tls(echo_client, NULL, far);
    asyncio_stream *stream = dial_well(server, near);
    ck_assert_str_eq(fact(stream, "cipher"), "TLS_AES_256_GCM_SHA384");
    asyncio_stream_close(stream);
    asyncio_server_close(server);
}

NET_SCENARIO(without_a_cipher_in_common_there_is_no_connection)
{
    asyncio_tls_context *far = server_context("server"),
                        *near = client_context();
    asyncio_stream *stream;
    ck_assert_code(asyncio_tls_context_set_versions(near, 0, ASYNCIO_TLS_1_2),
                   0);
    ck_assert_code(asyncio_tls_context_set_ciphers(
                       far, "ECDHE-ECDSA-AES256-GCM-SHA384"),
                   0);
    ck_assert_code(asyncio_tls_context_set_ciphers(
                       near, "ECDHE-ECDSA-CHACHA20-POLY1305"),
                   0);
    struct asyncio_tls_options options = {.context = far};
    asyncio_server *server;
    ck_assert_int_eq(asyncio_start_server(keep_result, &options, "127.0.0.1",
                                          "0", NULL, &server),
                     0);
    ck_assert_code(dial(server, "localhost", near, &stream),
                   -ASYNCIO_TLS_ALERT);
    ck_assert_code(options.handshake_timeout, -ASYNCIO_TLS_CIPHER);
    asyncio_tls_context_free(near);
    asyncio_tls_context_free(far);
    asyncio_server_close(server);
}

/* ---- application protocols ---- */

static int meet_protocols(const char *const *near_has, size_t near_count,
                          const char *const *far_has, size_t far_count,
                          const char *expected)
{
    asyncio_tls_context *far = server_context("server"),
                        *near = client_context();
    asyncio_stream *stream;
    ck_assert_code(asyncio_tls_context_set_alpn(near, near_has, near_count), 0);
    ck_assert_code(asyncio_tls_context_set_alpn(far, far_has, far_count), 0);
    asyncio_server *server = serve_tls(echo_client, NULL, far);
    int err = dial(server, "localhost", near, &stream);
    if (err == 0) {
        ck_assert_str_eq(fact(stream, "alpn"), expected);
        asyncio_stream_close(stream);
    }
    asyncio_tls_context_free(near);
    asyncio_server_close(server);
    return err;
}

NET_SCENARIO(the_servers_favourite_protocol_is_taken)
{
    static const char *const near[] = {"http/1.1", "h2"};
    static const char *const far[] = {"h3", "h2", "http/1.1"};
    static const char *const none[] = {"gopher"};
    ck_assert_code(meet_protocols(near, 2, far, 3, "h2"), 0);
    ck_assert_code(meet_protocols(near, 1, far, 3, "http/1.1"), 0);
    ck_assert_code(meet_protocols(NULL, 0, far, 3, "ENOENT"), 0);
    ck_assert_code(meet_protocols(near, 2, NULL, 0, "ENOENT"), 0);
    ck_assert_code(meet_protocols(none, 1, far, 3, ""), -ASYNCIO_TLS_ALPN);
}

/* ---- names ---- */

struct names {
    asyncio_tls_context *one, *two;
    char asked[64];
};

static int choose_by_name(const char *name, void *arg,
                          asyncio_tls_context **ret_context)
{
    struct names *names = arg;
    snprintf(names->asked, sizeof names->asked, "%s", name ? name : "(none)");
    if (name && strcmp(name, "one.test") == 0)
        *ret_context = names->one;
    else if (name && strcmp(name, "two.test") == 0)
        *ret_context = names->two;
    else if (name && strcmp(name, "no.test") == 0)
        return -ENOENT;
    return 0;
}

NET_SCENARIO(a_server_has_a_certificate_for_each_name)
{
    static const char *const protocols[] = {"two"};
    struct names names = {server_context("one"), server_context("two"), ""};
    asyncio_tls_context *ours = server_context("server"),
                        *client = client_context();
    asyncio_stream *stream;
    ck_assert_code(
        asyncio_tls_context_set_on_name(ours, choose_by_name, &names), 0);
    ck_assert_code(asyncio_tls_context_set_alpn(names.two, protocols, 1), 0);
    ck_assert_code(asyncio_tls_context_set_alpn(client, protocols, 1), 0);
    asyncio_server *server = serve_tls(echo_client, NULL, ours);

    ck_assert_code(dial(server, "one.test", client, &stream), 0);
    ck_assert_str_eq(fact(stream, "peercert_subject"), "CN=one");
    ck_assert_str_eq(fact(stream, "server_hostname"), "one.test");
    asyncio_stream_close(stream);
    ck_assert_code(dial(server, "two.test", client, &stream), 0);
    ck_assert_str_eq(fact(stream, "peercert_subject"), "CN=two");
    ck_assert_str_eq(fact(stream, "alpn"), "two");
    asyncio_stream_close(stream);
    ck_assert_code(dial(server, "localhost", client, &stream), 0);
    ck_assert_str_eq(fact(stream, "peercert_subject"), "CN=server");
    asyncio_stream_close(stream);
    ck_assert_code(dial(server, "127.0.0.1", client, &stream), 0);
    ck_assert_str_eq(names.asked, "(none)");
    asyncio_stream_close(stream);
    ck_assert_code(dial(server, "no.test", client, &stream),
                   -ASYNCIO_TLS_NAME);
    asyncio_tls_context_free(client);
    asyncio_tls_context_free(names.one);
    asyncio_tls_context_free(names.two);
    asyncio_server_close(server);
}

/* ---- resumption ---- */

static bool dial_again(asyncio_server *server, asyncio_tls_context *client,
                       const char *name)
{
    asyncio_stream *stream;
    ck_assert_code(dial(server, name, client, &stream), 0);
    say_text(stream, "x");
    hear_text(stream, "x");      /* and with it the tickets */
    bool is_reused = strcmp(fact(stream, "session_reused"), "1") == 0;
    asyncio_stream_close(stream);
    return is_reused;
}

static void resume(int version)
{
    asyncio_tls_context *far = server_context("server"),
                        *client = client_context(), *other = client_context();
    ck_assert_code(asyncio_tls_context_set_versions(far, version, version), 0);
    asyncio_server *server = serve_tls(echo_client, NULL, far);
    ck_assert(!dial_again(server, client, "localhost"));
    for (int i = 0; i < 10; i++)
        ck_assert(dial_again(server, client, "localhost"));
    ck_assert(!dial_again(server, client, "b.wild.test"));
    ck_assert(!dial_again(server, other, "localhost"));
    asyncio_tls_context_set_resumption(client, false);
    ck_assert(!dial_again(server, client, "localhost"));
    asyncio_tls_context_free(client);
    asyncio_tls_context_free(other);
    asyncio_server_close(server);
}

NET_SCENARIO(sessions_are_resumed_with_the_same_server)
{
    resume(ASYNCIO_TLS_1_2);
    resume(ASYNCIO_TLS_1_3);
}

NET_SCENARIO(a_server_may_refuse_to_resume)
{
    asyncio_tls_context *far = server_context("server"),
                        *client = client_context();
    asyncio_tls_context_set_resumption(far, false);
    asyncio_server *server = serve_tls(echo_client, NULL, far);
    ck_assert(!dial_again(server, client, "localhost"));
    ck_assert(!dial_again(server, client, "localhost"));
    asyncio_tls_context_free(client);
    asyncio_server_close(server);
}

/* More servers than a client keeps sessions of. */
NET_SCENARIO(the_sessions_kept_are_bounded)
{
    asyncio_tls_context *client = client_context();
    asyncio_server *server =
        serve_tls(echo_client, NULL, server_context("server"));
    char name[32];
    int count = rig_slowness() > 1 ? 10 : 300;
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "n%d.wild.test", i);
        ck_assert(!dial_again(server, client, name));
    }
    ck_assert(dial_again(server, client, name));
    if (count == 300)
        ck_assert(!dial_again(server, client, "n0.wild.test"));
    asyncio_tls_context_free(client);
    asyncio_server_close(server);
}

/* ---- facts ---- */

NET_SCENARIO(facts_of_the_connection)
{
    asyncio_server *server =
        serve_tls(echo_client, NULL, server_context("server"));
    asyncio_stream *stream = dial_well(server, client_context());
    ck_assert_str_eq(fact(stream, "peercert_subject"), "CN=server");
    ck_assert_str_eq(fact(stream, "peercert_issuer"), "CN=authority");
    ck_assert_ptr_nonnull(strstr(fact(stream, "peercert"), "BEGIN CERTIF"));
    ck_assert_str_eq(fact(stream, "server_hostname"), "localhost");
    ck_assert_str_eq(fact(stream, "session_reused"), "0");
    ck_assert_str_eq(fact(stream, "tls_error"), "ENOENT");
    ck_assert_str_eq(fact(stream, "weather"), "ENOENT");
    ck_assert_ptr_nonnull(strstr(fact(stream, "peername"), "127.0.0.1:"));
    char cut[4];
    ck_assert_int_eq(asyncio_stream_get_extra_info(stream, "version", cut,
                                                   sizeof cut),
                     7);
    ck_assert_str_eq(cut, "TLS");
    asyncio_stream_close(stream);
    asyncio_server_close(server);
}

/* ---- what goes wrong below ---- */

static int talk_nonsense(asyncio_stream *stream, void *arg)
{
    char heard[1024];
    ssize_t len = asyncio_stream_read(stream, heard, sizeof heard);
    (void)arg;
    if (len > 0)
        len = asyncio_stream_write_text(stream, "220 ready, how are you?\r\n");
    while (len > 0)
        len = asyncio_stream_read(stream, heard, sizeof heard);
    return 0;
}

static int hang_up(asyncio_stream *stream, void *arg)
{
    char heard[16];
    ssize_t len = asyncio_stream_read(stream, heard, sizeof heard);
    (void)arg;
    if (len > 0)
        asyncio_stream_abort(NULL);
    return 0;
}

static int shut_up(asyncio_stream *stream, void *arg)
{
    char heard[1024];
    (void)arg;
    while (asyncio_stream_read(stream, heard, sizeof heard) > 0)
        continue;
    return 0;
}

static int meet_plain(asyncio_client_fn *on_client, double seconds)
{
    asyncio_tls_context *client = client_context();
    struct asyncio_tls_options options = {
        .context = client,
        .server_name = "localhost",
        .handshake_timeout = seconds,
    };
    asyncio_server *server;
    asyncio_stream *stream;
    char port[16];
    ck_assert_int_eq(asyncio_start_server(on_client, NULL, "127.0.0.1", "0",
                                          NULL, &server),
                     0);
    snprintf(port, sizeof port, "%d", asyncio_server_port(server));
    int err = asyncio_tls_open_connection("127.0.0.1", port, &options, &stream);
    ck_assert_int_lt(err, 0);
    asyncio_tls_context_free(client);
    asyncio_server_close(server);
    return err;
}

NET_SCENARIO(a_server_without_tls_is_found_out)
{
    ck_assert_code(meet_plain(talk_nonsense, 0), -ASYNCIO_TLS_PROTOCOL);
    ck_assert_int_gt(strlen(asyncio_tls_error_text()), 0);
}

NET_SCENARIO(a_silent_server_is_given_up)
{
    double start = asyncio_time();
    ck_assert_code(meet_plain(shut_up, 5 * TICK), -ETIMEDOUT);
    assert_passed(start, 5 * TICK);
    ck_assert_str_eq(asyncio_tls_error_text(), "");
}

NET_SCENARIO(a_server_that_hangs_up_has_reset)
{
    ck_assert_code(meet_plain(hang_up, 0), -ECONNRESET);
}

NET_SCENARIO(a_client_without_tls_is_found_out)
{
    asyncio_server *server =
        serve_tls(echo_client, NULL, server_context("server"));
    asyncio_stream *stream = connect_to_server(server);
    char heard[64];
    say_text(stream, "GET / HTTP/1.0\r\n\r\n");
    while (asyncio_stream_read(stream, heard, sizeof heard) > 0)
        continue;                /* an alert, and the end */
    for (int i = 0; i < 1000 && asyncio_server_clients(server); i++)
        let_a_turn_pass();
    ck_assert_uint_eq(asyncio_server_failures(server), 1);
    asyncio_stream_close(stream);
    asyncio_server_close(server);
}

NET_SCENARIO(a_silent_client_is_given_up)
{
    asyncio_tls_context *context = server_context("server");
    struct asyncio_tls_options options = {.context = context,
                                          .handshake_timeout = 3 * TICK};
    asyncio_server *server;
    ck_assert_int_eq(asyncio_tls_start_server(echo_client, NULL, "127.0.0.1",
                                              "0", &options, &server),
                     0);
    asyncio_tls_context_free(context);
    asyncio_stream *stream = connect_to_server(server);
    hear_end(stream);
    ck_assert_uint_eq(asyncio_server_failures(server), 1);
    asyncio_stream_close(stream);
    asyncio_server_close(server);
}

static int dial_slowly(void *arg)
{
    struct shake *shake = arg;
    return asyncio_start_tls(shake->stream, &shake->options);
}

NET_SCENARIO(a_cancelled_handshake_leaves_a_stream_to_be_closed)
{
    struct pair pair = open_pair();
    asyncio_tls_context *client = client_context();
    struct shake near = {.stream = pair.near,
                         .options = {.context = client,
                                     .server_name = "localhost"}};
    char byte;
    asyncio_task task = asyncio_create_task(dial_slowly, &near);
    let_a_turn_pass();
    ck_assert_code(asyncio_stream_read(pair.near, &byte, 1), -EBUSY);
    ck_assert_code(asyncio_stream_write(pair.near, "x", 1, NULL), -EBUSY);
    asyncio_task_cancel(task);
    ck_assert_code(asyncio_await(task), -ECANCELED);
    ck_assert_code(asyncio_stream_read(pair.near, &byte, 1), -ECONNABORTED);
    ck_assert_code(asyncio_stream_write(pair.near, "x", 1, NULL),
                   -ECONNABORTED);
    ck_assert_code(asyncio_stream_write_eof(pair.near), -ECONNABORTED);
    ck_assert_code(asyncio_start_tls(pair.near, &near.options), -EALREADY);
    asyncio_tls_context_free(client);
    close_pair(pair);
}

NET_SCENARIO(a_stream_closed_in_its_handshake_ends_it)
{
    struct pair pair = open_pair();
    asyncio_tls_context *client = client_context();
    struct shake near = {.stream = pair.near,
                         .options = {.context = client,
                                     .server_name = "localhost"}};
    asyncio_task task = asyncio_create_task(dial_slowly, &near);
    let_a_turn_pass();
    asyncio_stream_close(pair.near);
    ck_assert_code(asyncio_await(task), -EBADF);
    asyncio_tls_context_free(client);
    asyncio_stream_close(pair.far);
}

NET_SCENARIO(what_makes_no_sense_is_refused_before_anything_is_said)
{
    struct pair pair = open_pair();
    asyncio_tls_context *client = client_context(),
                        *server = server_context("server");
    struct asyncio_tls_options options = {.context = client};
    asyncio_server *none;
    asyncio_stream *stream;
    ck_assert_code(asyncio_start_tls(pair.near, &options), -EINVAL);
    ck_assert_code(asyncio_start_tls(pair.near, NULL), -EINVAL);
    options.server_name = "";
    ck_assert_code(asyncio_start_tls(pair.near, &options), -EINVAL);
    options.server_name = "localhost";
    options.handshake_timeout = -1;
    ck_assert_code(asyncio_start_tls(pair.near, &options), -EINVAL);
    options.handshake_timeout = NAN;
    ck_assert_code(asyncio_start_tls(pair.near, &options), -EINVAL);
    options.handshake_timeout = 0;
    ck_assert_code(asyncio_tls_start_server(echo_client, NULL, NULL, "0",
                                            &options, &none),
                   -EINVAL);
    ck_assert_code(
        asyncio_tls_start_server(echo_client, NULL, NULL, "0", NULL, &none),
        -EINVAL);
    options.context = server;
    ck_assert_code(
        asyncio_tls_open_connection("127.0.0.1", "1", &options, &stream),
        -EINVAL);
    say_text(pair.near, "plain");
    hear_text(pair.far, "plain");
    asyncio_tls_context_free(client);
    asyncio_tls_context_free(server);
    close_pair(pair);
}

static int count_end(asyncio_stream *stream, void *arg)
{
    (void)stream, (void)arg;
    return 0;
}

static void note_end(void *arg)
{
    ++*(int *)arg;
}

NET_SCENARIO(a_servers_end_is_told_to_its_maker)
{
    asyncio_tls_context *context = server_context("server");
    struct asyncio_server_options plain = {.on_end = note_end};
    struct asyncio_tls_options options = {.context = context, .server = &plain};
    asyncio_server *server;
    int ended = 0;
    ck_assert_int_eq(asyncio_tls_start_server(count_end, &ended, "127.0.0.1",
                                              "0", &options, &server),
                     0);
    ck_assert_int_eq(ended, 0);
    asyncio_server_close(server);
    ck_assert_int_eq(ended, 1);
    ck_assert_int_lt(asyncio_tls_start_server(count_end, &ended, "127.0.0.1",
                                              "no such port", &options,
                                              &server),
                     0);
    ck_assert_int_eq(ended, 1);
    asyncio_tls_context_free(context);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("handshake");
    rig_make_certificates();
    suite_case(suite, a_good_certificate_is_taken);
    suite_case(suite, an_address_is_looked_for_as_an_address);
    suite_case(suite, an_expired_certificate_is_refused);
    suite_case(suite, a_certificate_of_tomorrow_is_refused);
    suite_case(suite, a_certificate_for_another_host_is_refused);
    suite_case(suite, a_self_signed_certificate_is_refused);
    suite_case(suite, a_certificate_from_a_stranger_is_refused);
    suite_case(suite, by_default_our_authority_is_a_stranger);
    suite_case(suite, whoever_trusts_anybody_takes_anything);
    suite_case(suite, a_refused_certificate_is_a_failure_of_that_client_alone);
    suite_case(suite, a_client_may_have_to_show_a_certificate);
    suite_case(suite, a_server_knows_its_client_by_the_certificate);
    suite_case(suite, the_server_says_what_was_wrong_with_its_client);
    suite_case(suite, both_sides_have_to_speak_the_version);
    suite_case(suite, ciphers_are_chosen_by_name);
    suite_case(suite, without_a_cipher_in_common_there_is_no_connection);
    suite_case(suite, the_servers_favourite_protocol_is_taken);
    suite_case(suite, a_server_has_a_certificate_for_each_name);
    suite_case(suite, sessions_are_resumed_with_the_same_server);
    suite_case(suite, a_server_may_refuse_to_resume);
    suite_case(suite, the_sessions_kept_are_bounded);
    suite_case(suite, facts_of_the_connection);
    suite_case(suite, a_server_without_tls_is_found_out);
    suite_case(suite, a_silent_server_is_given_up);
    suite_case(suite, a_server_that_hangs_up_has_reset);
    suite_case(suite, a_client_without_tls_is_found_out);
    suite_case(suite, a_silent_client_is_given_up);
    suite_case(suite, a_cancelled_handshake_leaves_a_stream_to_be_closed);
    suite_case(suite, a_stream_closed_in_its_handshake_ends_it);
    suite_case(suite,
               what_makes_no_sense_is_refused_before_anything_is_said);
    suite_case(suite, a_servers_end_is_told_to_its_maker);
    return suite;
}
