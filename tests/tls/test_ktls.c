/* SPDX-License-Identifier: MIT */
/* Files over TLS; and TLS in the kernel, where that has it. */
#include "rig.h"

#include <asyncio/file.h>

enum { FILE_SIZE = 3 << 20 };

static char byte_of_file(size_t at)
{
    return (char)(at * 13 + at / 4099);
}

static void make_file(void)
{
    static char bytes[FILE_SIZE];
    FILE *file = fopen(rig_path("page"), "we");
    ck_assert_ptr_nonnull(file);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = byte_of_file(i);
    ck_assert_uint_eq(fwrite(bytes, 1, sizeof bytes, file), sizeof bytes);
    ck_assert_int_eq(fclose(file), 0);
}

/* In between what is written and what is sent from the file. */
static int send_page(asyncio_stream *stream, void *ret_ktls)
{
    asyncio_file *file;
    strcpy(ret_ktls, fact(stream, "ktls"));
    ssize_t done = asyncio_file_open(rig_path("page"), O_RDONLY, 0, &file);
    if (done < 0)
        return (int)done;
    done = asyncio_stream_write_text(stream, "head");
    if (done > 0)
        done = asyncio_stream_sendfile(stream, file, 0, FILE_SIZE, NULL);
    if (done > 0)
        done = asyncio_stream_write_text(stream, "tail");
    asyncio_file_close(file);
    return done < 0 ? (int)done : 0;
}

static void hear_page(asyncio_stream *stream)
{
    static char bytes[FILE_SIZE];
    hear_text(stream, "head");
    ck_assert_code(
        asyncio_stream_readexactly(stream, bytes, sizeof bytes, NULL),
        FILE_SIZE);
    for (size_t i = 0; i < sizeof bytes; i++) {
        if (bytes[i] != byte_of_file(i))
            ck_abort_msg("byte %zu is wrong", i);
    }
    hear_text(stream, "tail");
    hear_end(stream);
}

static void fetch_page(asyncio_tls_context *server_side, char ret_ktls[16])
{
    make_file();
    asyncio_server *server = serve_tls(send_page, ret_ktls, server_side);
    asyncio_stream *stream = dial_well(server, client_context());
    hear_page(stream);
    asyncio_stream_close(stream);
    ck_assert_uint_eq(asyncio_server_failures(server), 0);
    asyncio_server_close(server);
}

NET_SCENARIO(a_file_is_sent_over_tls)
{
    char ktls[16];
    fetch_page(server_context("server"), ktls);
    ck_assert_str_eq(ktls, "ENOENT");
}

/* False, and says so, where the kernel has no TLS. */
static bool wants_ktls(asyncio_tls_context *context)
{
    int err = asyncio_tls_context_set_ktls(context, true);
    if (err == 0)
        return true;
    ck_assert_code(err, -ENOTSUP);
    ck_assert_code(asyncio_tls_context_set_ktls(context, false), 0);
    fprintf(stderr, "skipped: this kernel has no TLS, or not its module\n");
    asyncio_tls_context_free(context);
    return false;
}

NET_SCENARIO(the_kernel_makes_the_records)
{
    static const int versions[] = {ASYNCIO_TLS_1_2, ASYNCIO_TLS_1_3};
    for (int i = 0; i < 2; i++) {
        asyncio_tls_context *server = server_context("server");
        char ktls[16];
        if (!wants_ktls(server))
            return;
        ck_assert_code(
            asyncio_tls_context_set_versions(server, versions[i], versions[i]),
            0);
        ck_assert_code(
            asyncio_tls_context_set_ciphersuites(server,
                                                 "TLS_AES_128_GCM_SHA256"),
            0);
        ck_assert_code(asyncio_tls_context_set_ciphers(
                           server, "ECDHE-ECDSA-AES128-GCM-SHA256"),
                       0);
        fetch_page(server, ktls);
        ck_assert_str_eq(ktls, "send");
    }
}

NET_SCENARIO(both_kernels_talk)
{
    asyncio_tls_context *server = server_context("server");
    if (!wants_ktls(server))
        return;
    asyncio_tls_context *client = client_context();
    ck_assert(wants_ktls(client));
    asyncio_server *echo = serve_tls(echo_client, NULL, server);
    asyncio_stream *stream = dial_well(echo, client);
    for (int i = 0; i < 1000; i++) {
        say_text(stream, "to and fro");
        hear_text(stream, "to and fro");
    }
    ck_assert_str_eq(fact(stream, "ktls"), "send");
    ck_assert_code(asyncio_stream_write_eof(stream), 0);
    hear_end(stream);
    asyncio_stream_close(stream);
    asyncio_server_close(echo);
}

static int write_too_much(asyncio_stream *stream, void *ret_ktls)
{
    static const char bytes[16 << 20];
    struct asyncio_timeout timeout;
    strcpy(ret_ktls, fact(stream, "ktls"));
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 3 * TICK), 0);
    ssize_t done = asyncio_stream_write(stream, bytes, sizeof bytes, NULL);
    return asyncio_timeout_end(&timeout, done < 0 ? (int)done : 0);
}

/* The goodbye has nowhere to go, and no news says when it has. */
NET_SCENARIO(closing_a_full_socket_of_the_kernels_ends)
{
    asyncio_tls_context *context = server_context("server");
    struct asyncio_tls_options options = {.context = context,
                                          .shutdown_timeout = 5 * TICK};
    asyncio_server *server;
    char ktls[16];
    if (!wants_ktls(context))
        return;
    ck_assert_int_eq(asyncio_tls_start_server(write_too_much, ktls, "127.0.0.1",
                                              "0", &options, &server),
                     0);
    double start = asyncio_time();
    asyncio_stream *stream = dial_well(server, client_context());
    let_a_turn_pass();
    while (asyncio_server_clients(server))
        let_a_turn_pass();
    assert_passed(start, 8 * TICK);
    ck_assert_str_eq(ktls, "send");
    ck_assert_uint_eq(asyncio_server_failures(server), 1);
    asyncio_stream_close(stream);
    asyncio_server_close(server);
    asyncio_tls_context_free(context);
}

NET_SCENARIO(a_unix_stream_does_without_the_kernel)
{
    asyncio_tls_context *server = server_context("server");
    if (!wants_ktls(server))
        return;
    struct pair pair = open_tls_pair_with(client_context(), server);
    ck_assert_str_eq(fact(pair.far, "ktls"), "ENOENT");
    say_text(pair.far, "all the same");
    hear_text(pair.near, "all the same");
    close_pair(pair);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("ktls");
    rig_make_certificates();
    suite_case(suite, a_file_is_sent_over_tls);
    suite_case(suite, the_kernel_makes_the_records);
    suite_case(suite, both_kernels_talk);
    suite_case(suite, closing_a_full_socket_of_the_kernels_ends);
    suite_case(suite, a_unix_stream_does_without_the_kernel);
    return suite;
}
