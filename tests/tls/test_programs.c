/* SPDX-License-Identifier: MIT */
/* Against programs that were not written here: openssl's server and client, and
 * curl. Where one is missing, its cases have nothing to say. */
#include "rig.h"

#include <ctype.h>
#include <spawn.h>
#include <sys/ioctl.h>

extern char **environ;

/* ---- programs ---- */

struct program {
    pid_t pid;
    asyncio_stream *in, *out;    /* what it reads, and what it says */
};

static bool has_program(const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/usr/bin/%s", name);
    if (access(path, X_OK) == 0)
        return true;
    fprintf(stderr, "skipped: no %s here\n", name);
    return false;
}

/* The words of `line`; "@NAME" is the path of the rig's file of that name. */
static struct program program_start(const char *line)
{
    struct program program;
    struct ends in = open_pipe(0), out = open_pipe(0);
    char copy[512], *words[32], *rest;
    int count = 0;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok_r(copy, " ", &rest); word;
         word = strtok_r(NULL, " ", &rest)) {
        ck_assert_int_lt(count, 31);
        words[count++] =
            *word == '@' ? (char *)(uintptr_t)rig_path(word + 1) : word;
    }
    words[count] = NULL;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in.read, 0);
    posix_spawn_file_actions_adddup2(&actions, out.write, 1);
    posix_spawn_file_actions_adddup2(&actions, out.write, 2);
    ck_assert_int_eq(posix_spawnp(&program.pid, words[0], &actions, NULL, words,
                                  environ),
                     0);
    posix_spawn_file_actions_destroy(&actions);
    close(in.read);
    close(out.write);
    ck_assert_int_eq(asyncio_stream_from_fd(in.write, &program.in), 0);
    ck_assert_int_eq(asyncio_stream_from_fd(out.read, &program.out), 0);
    return program;
}

static int program_join(struct program *program)
{
    int status;
    asyncio_stream_close(program->in);
    asyncio_stream_close(program->out);
    let_a_turn_pass();           /* a ring lets go of them only then */
    ck_assert_int_eq(waitpid(program->pid, &status, 0), program->pid);
    return status;
}

static void program_kill(struct program *program)
{
    kill(program->pid, SIGKILL);
    program_join(program);
}

/* Reads what it says, line by line, until one has `part` in it. */
static const char *program_await(struct program *program, const char *part)
{
    static char line[8192];
    ssize_t len;
    while ((len = asyncio_stream_readline(program->out, line, sizeof line)) >
           0) {
        if (strstr(line, part))
            return line;
    }
    ck_abort_msg("the program never said \"%s\"", part);
}

/* Says a line, and waits until it has been read: what OpenSSL's programs read
 * in one piece is one command, or one text. */
static void program_tell(struct program *program, const char *line)
{
    int unread = 1;
    say_text(program->in, line);
    while (unread) {
        ck_assert_int_eq(ioctl(asyncio_stream_fd(program->in), FIONREAD,
                               &unread),
                         0);
        ck_assert_int_eq(asyncio_sleep(0.001), 0);
    }
}

/* ---- openssl s_server ---- */

static struct program serve_openssl(const char *options, char port[16])
{
    char words[512];
    snprintf(words, sizeof words,
             "openssl s_server -accept 0 -cert @server.pem -key @server.key %s",
             options);
    struct program program = program_start(words);
    const char *colon = strrchr(program_await(&program, "ACCEPT"), ':');
    ck_assert_ptr_nonnull(colon);
    snprintf(port, 16, "%d", (int)strtol(colon + 1, NULL, 10));
    return program;
}

static asyncio_stream *dial_openssl(const char *port,
                                    asyncio_tls_context *context)
{
    struct asyncio_tls_options options = {
        .context = context,
        .server_name = "localhost",
    };
    asyncio_stream *stream;
    ck_assert_code(
        asyncio_tls_open_connection("127.0.0.1", port, &options, &stream), 0);
    return stream;
}

static void talk_with_openssl(const char *options, const char *version)
{
    char port[16];
    asyncio_tls_context *client = client_context();
    struct program program = serve_openssl(options, port);
    asyncio_stream *stream = dial_openssl(port, client);
    ck_assert_str_eq(fact(stream, "version"), version);
    say_text(stream, "hello there\n");
    program_await(&program, "hello there");
    program_tell(&program, "hello yourself\n");
    hear_text(stream, "hello yourself\n");
    asyncio_stream_close(stream);
    program_await(&program, "DONE");
    asyncio_tls_context_free(client);
    program_kill(&program);
}

NET_SCENARIO(openssls_server_is_talked_to)
{
    if (!has_program("openssl"))
        return;
    talk_with_openssl("-tls1_2", "TLSv1.2");
    talk_with_openssl("-tls1_3", "TLSv1.3");
    talk_with_openssl("-cipher ECDHE-ECDSA-AES128-GCM-SHA256 -no_tls1_3",
                      "TLSv1.2");
}

/* A line that begins with K asks for new keys, one with k just takes them. */
NET_SCENARIO(new_keys_are_taken_and_given)
{
    char port[16];
    if (!has_program("openssl"))
        return;
    asyncio_tls_context *client = client_context();
    struct program program = serve_openssl("-tls1_3", port);
    asyncio_stream *stream = dial_openssl(port, client);
    for (int i = 0; i < 3; i++) {
        say_text(stream, "before\n");
        program_await(&program, "before");
        program_tell(&program, i % 2 ? "k\n" : "K\n");
        program_tell(&program, "with new keys\n");
        hear_text(stream, "with new keys\n");
        say_text(stream, "after\n");
        program_await(&program, "after");
    }
    asyncio_stream_close(stream);
    asyncio_tls_context_free(client);
    program_kill(&program);
}

NET_SCENARIO(openssls_sessions_are_resumed)
{
    static const char *const versions[] = {"-tls1_2", "-tls1_3"};
    char port[16];
    if (!has_program("openssl"))
        return;
    for (int i = 0; i < 2; i++) {
        asyncio_tls_context *client = client_context();
        struct program program = serve_openssl(versions[i], port);
        for (int round = 0; round < 3; round++) {
            asyncio_stream *stream = dial_openssl(port, client);
            ck_assert_str_eq(fact(stream, "session_reused"),
                             round ? "1" : "0");
            program_tell(&program, "x\n");
            hear_text(stream, "x\n"); /* and before it the tickets */
            asyncio_stream_close(stream);
            program_await(&program, "DONE");
        }
        asyncio_tls_context_free(client);
        program_kill(&program);
    }
}

/* A client of TLS 1.3 is done with its handshake before the server is. What the
 * server then sends, tickets, must not find a socket that is gone: its answer
 * would be a reset, which overtakes what the client has written. */
NET_SCENARIO(whoever_writes_and_leaves_at_once_is_heard)
{
    char port[16], words[32];
    if (!has_program("openssl"))
        return;
    asyncio_tls_context *client = client_context();
    struct program program = serve_openssl("-tls1_3", port);
    for (int i = 0; i < 10; i++) {
        asyncio_stream *stream = dial_openssl(port, client);
        snprintf(words, sizeof words, "last words %d\n", i);
        say_text(stream, words);
        asyncio_stream_close(stream);
        program_await(&program, words);
    }
    asyncio_tls_context_free(client);
    program_kill(&program);
}

NET_SCENARIO(openssls_server_asks_for_a_certificate)
{
    char port[16], byte;
    if (!has_program("openssl"))
        return;
    asyncio_tls_context *client = client_context();
    struct program program =
        serve_openssl("-Verify 2 -verify_return_error -CAfile @authority.pem",
                      port);
    asyncio_stream *stream = dial_openssl(port, client);
    ck_assert_code(asyncio_stream_read(stream, &byte, 1),
                   -ASYNCIO_TLS_REFUSED);
    asyncio_stream_close(stream);
    ck_assert_code(
        asyncio_tls_context_load_cert_chain(client, rig_path("client.pem"),
                                            rig_path("client.key"), NULL),
        0);
    stream = dial_openssl(port, client);
    say_text(stream, "certified\n");
    program_await(&program, "certified");
    asyncio_stream_close(stream);
    asyncio_tls_context_free(client);
    program_kill(&program);
}

NET_SCENARIO(a_server_that_is_killed_truncates)
{
    char port[16], byte;
    if (!has_program("openssl"))
        return;
    asyncio_tls_context *client = client_context();
    struct program program = serve_openssl("-tls1_2", port);
    asyncio_stream *stream = dial_openssl(port, client);
    program_tell(&program, "so far\n");
    hear_text(stream, "so far\n");
    program_kill(&program);
    ck_assert_code(asyncio_stream_read(stream, &byte, 1),
                   -ASYNCIO_TLS_TRUNCATED);
    asyncio_stream_close(stream);
    asyncio_tls_context_free(client);
}

/* ---- openssl s_client ---- */

static int shout_back(asyncio_stream *stream, void *arg)
{
    char line[256];
    ssize_t len;
    (void)arg;
    while ((len = asyncio_stream_readline(stream, line, sizeof line)) > 0) {
        for (ssize_t i = 0; i < len; i++)
            line[i] = (char)toupper(line[i]);
        len = asyncio_stream_write(stream, line, (size_t)len, NULL);
        if (len < 0)
            break;
    }
    return (int)len;
}

static void serve_to_openssl(const char *options, bool has_keys)
{
    asyncio_server *server =
        serve_tls(shout_back, NULL, server_context("server"));
    char words[512];
    snprintf(words, sizeof words,
             "openssl s_client -connect 127.0.0.1:%d -servername localhost "
             "-CAfile @authority.pem -verify_return_error %s",
             asyncio_server_port(server), options);
    struct program program = program_start(words);
    program_await(&program, "Verification: OK");
    for (int i = 0; i < 3; i++) {
        program_tell(&program, "whisper\n");
        program_await(&program, "WHISPER");
        if (!has_keys)
            continue;
        program_tell(&program, "K\n");
        program_await(&program, "KEYUPDATE");
    }
    asyncio_stream_close(program.in);
    program.in = NULL;
    while (asyncio_server_clients(server))
        let_a_turn_pass();
    ck_assert_uint_eq(asyncio_server_failures(server), 0);
    ck_assert_int_eq(program_join(&program), 0);
    asyncio_server_close(server);
}

NET_SCENARIO(openssls_client_is_served)
{
    if (!has_program("openssl"))
        return;
    serve_to_openssl("-tls1_3", true);
    serve_to_openssl("-tls1_2", false);
}

/* R: renegotiate. It is told no, and takes that for the end. */
NET_SCENARIO(openssls_client_may_not_renegotiate)
{
    char words[512];
    if (!has_program("openssl"))
        return;
    asyncio_server *server =
        serve_tls(shout_back, NULL, server_context("server"));
    snprintf(words, sizeof words,
             "openssl s_client -connect 127.0.0.1:%d -CAfile @authority.pem "
             "-tls1_2",
             asyncio_server_port(server));
    struct program program = program_start(words);
    program_await(&program, "Verification: OK");
    program_tell(&program, "x\n");
    program_await(&program, "X");
    program_tell(&program, "R\n");
    program_await(&program, "no renegotiation");
    while (asyncio_server_clients(server))
        let_a_turn_pass();
    program_join(&program);
    asyncio_server_close(server);
}

NET_SCENARIO(openssls_client_resumes)
{
    char words[512], path[128];
    if (!has_program("openssl"))
        return;
    asyncio_server *server =
        serve_tls(shout_back, NULL, server_context("server"));
    snprintf(path, sizeof path, "%s", rig_path("session"));
    for (int round = 0; round < 2; round++) {
        snprintf(words, sizeof words,
                 "openssl s_client -connect 127.0.0.1:%d -CAfile "
                 "@authority.pem %s %s",
                 asyncio_server_port(server),
                 round ? "-sess_in" : "-sess_out", path);
        struct program program = program_start(words);
        program_await(&program, round ? "Reused, TLSv1.3" : "New, TLSv1.3");
        program_tell(&program, "x\n");
        program_await(&program, "X");
        asyncio_stream_close(program.in);
        program.in = NULL;
        program_join(&program);
    }
    asyncio_server_close(server);
}

/* ---- curl ---- */

static int serve_page(asyncio_stream *stream, void *arg)
{
    static const char body[] = "a page over TLS\n";
    char line[512], answer[256];
    ssize_t len;
    (void)arg;
    while ((len = asyncio_stream_readline(stream, line, sizeof line)) > 2)
        continue;
    if (len <= 0)
        return (int)len;
    snprintf(answer, sizeof answer,
             "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n"
             "Connection: close\r\n\r\n%s",
             strlen(body), body);
    len = asyncio_stream_write_text(stream, answer);
    return len < 0 ? (int)len : 0;
}

static int fetch_with_curl(const char *certificate, const char *options)
{
    asyncio_server *server =
        serve_tls(serve_page, NULL, server_context(certificate));
    char words[512], line[256];
    snprintf(words, sizeof words,
             "curl --silent --show-error --cacert @authority.pem %s "
             "https://localhost:%d/",
             options, asyncio_server_port(server));
    struct program program = program_start(words);
    ssize_t len = asyncio_stream_readline(program.out, line, sizeof line);
    ck_assert_int_gt(len, 0);
    int status = WEXITSTATUS(program_join(&program));
    if (status == 0)
        ck_assert_str_eq(line, "a page over TLS\n");
    asyncio_server_close(server);
    return status;
}

NET_SCENARIO(curl_fetches_a_page)
{
    enum { PEER_FAILED_VERIFICATION = 60 };
    if (!has_program("curl"))
        return;
    ck_assert_int_eq(fetch_with_curl("server", ""), 0);
    ck_assert_int_eq(fetch_with_curl("server", "--tls-max 1.2"), 0);
    ck_assert_int_eq(fetch_with_curl("expired", ""), PEER_FAILED_VERIFICATION);
    ck_assert_int_eq(fetch_with_curl("other", ""), PEER_FAILED_VERIFICATION);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("programs");
    rig_make_certificates();
    suite_case(suite, openssls_server_is_talked_to);
    suite_case(suite, new_keys_are_taken_and_given);
    suite_case(suite, openssls_sessions_are_resumed);
    suite_case(suite, whoever_writes_and_leaves_at_once_is_heard);
    suite_case(suite, openssls_server_asks_for_a_certificate);
    suite_case(suite, a_server_that_is_killed_truncates);
    suite_case(suite, openssls_client_is_served);
    suite_case(suite, openssls_client_may_not_renegotiate);
    suite_case(suite, openssls_client_resumes);
    suite_case(suite, curl_fetches_a_page);
    return suite;
}
