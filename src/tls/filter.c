/* SPDX-License-Identifier: MIT */
/*
 * TLS as a filter of a stream.
 *
 *              the handshake is done
 *    SHAKING -------------------------> OPEN
 *       |                                |
 *       | it fails, takes too long,      | the other side breaks the rules, or
 *       | is cancelled                   | ends without close_notify
 *       v                                |
 *    FAILED <----------------------------+
 *
 * SHAKING belongs to the task that starts TLS; the stream is busy for all
 * others. FAILED remembers the first failure, and every call returns that. In
 * OPEN the two directions end one by one: reading when the other side's
 * close_notify has come (OpenSSL remembers), writing when ours has gone.
 *
 * OPEN, there are at most a reader and a writer. Neither suspends inside
 * OpenSSL (bio.c), so the SSL itself needs no owner; what they wait for is
 *
 *    reader:  input ----------------------> SSL_read ----> bytes, or the end
 *               ^   |                          |
 *               |   | and room, while `out`    | nothing whole yet
 *               |   | holds an answer of       |
 *               +---|- OpenSSL's (key update) -+
 *
 *    writer:  room, until `out` is empty -> SSL_write ---> room, until `out` is
 *                                                          empty, or cancelled:
 *                                                          the next one's task
 *
 * `out` is pushed on by whichever of them wakes first. The writer adds to it
 * only when it is empty, the reader only while it is below OUT_MAX: an other
 * side that asks and asks and takes no answers stops being read.
 */
#include "tls/filter.h"

#include <asyncio/fd.h>
#include <asyncio/scope.h>
#include <errno.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/mem.h"
#include "tls/failure.h"

enum {
    OUT_MAX = 128 * 1024,
    RECORD_MAX = SSL3_RT_MAX_PLAIN_LENGTH,
};

static const double handshake_timeout_default = 60;
static const double shutdown_timeout_default = 30;
static const double tickets_timeout = 1;
static const double kernel_pause = 0.001;

static struct tls *tls_of(const struct asyncio_filter *filter)
{
    return container_of(filter, struct tls, filter);
}

/* ---- failing ---- */

static int tls_fail(struct tls *tls, int err)
{
    const char *text = asyncio_tls_error_text();
    tls->state = TLS_FAILED;
    tls->failure = err;
    tls->failure_text = *text ? mem_strdup(text) : NULL;
    return err;
}

static int tls_fail_silently(struct tls *tls, int err)
{
    failure_forget();
    return tls_fail(tls, err);
}

/*
 * What a call of OpenSSL that did not succeed came to: -EAGAIN, it wants more
 * input; -EALREADY, it wants to write again what the kernel did not take; 0,
 * the other side has said goodbye; else TLS has failed. What the socket said
 * comes first, since OpenSSL only knows that something did.
 */
static int tls_explain(struct tls *tls, int result)
{
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return -EAGAIN;
    case SSL_ERROR_WANT_WRITE:
        return -EALREADY;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        break;
    }
    if (tls->in_err < 0)
        return tls_fail_silently(tls, tls->in_err);
    int err = failure_end(SSL_get_verify_result(tls->ssl));
    return tls_fail(tls, tls->is_cut ? -ASYNCIO_TLS_TRUNCATED : err);
}

/* Waits for what OpenSSL wants, as tls_explain names it. */
static int tls_await(struct tls *tls, int want)
{
    if (want == -EALREADY)
        return asyncio_sleep(kernel_pause);
    return asyncio_stream_raw_wait(tls->filter.stream, ASYNCIO_READABLE);
}

static bool is_want(int err)
{
    return err == -EAGAIN || err == -EALREADY;
}

/* ---- the handshake ---- */

static int tls_shake_once(struct tls *tls)
{
    failure_begin();
    int result = SSL_do_handshake(tls->ssl);
    int err = result == 1 ? 0 : tls_explain(tls, result);
    if (result != 1 && err == 0)
        err = tls_fail_silently(tls, -ASYNCIO_TLS_TRUNCATED);
    return err;
}

/* Sends what the handshake has said. That the socket takes no more is not the
 * end yet: why may still be there to be read. */
static int tls_speak(struct tls *tls)
{
    int err = out_flush(tls);
    return err == tls->out_err ? 0 : err;
}

static int tls_shake(struct tls *tls)
{
    int err, waited;
    while (is_want(err = tls_shake_once(tls))) {
        waited = tls_speak(tls);
        if (waited == 0)
            waited = tls_await(tls, err);
        if (waited < 0)
            return waited;
    }
    if (err == 0)
        return tls_speak(tls);
    (void)out_push(tls);         /* the alert, as far as it goes */
    return err;
}

static int tls_start(struct asyncio_filter *filter)
{
    struct tls *tls = tls_of(filter);
    struct asyncio_timeout timeout;
    *tls->ret_has_begun = true;
    int err = tls->context->wants_kernel ? bio_attach_kernel(tls) : 0;
    if (err == 0)
        err = asyncio_timeout_begin(&timeout, tls->handshake_timeout);
    if (err == 0)
        err = asyncio_timeout_end(&timeout, tls_shake(tls));
    if (err == 0)
        tls->state = TLS_OPEN;
    else if (tls->state != TLS_FAILED)
        tls_fail_silently(tls, -ECONNABORTED); /* what others are told */
    return err;
}

/* ---- reading ---- */

/* Waits for the socket to have something for a reader, or room for what the
 * reader has to answer. */
static int tls_await_input(struct tls *tls)
{
    size_t waiting = buffer_len(&tls->out);
    unsigned events = waiting < OUT_MAX ? ASYNCIO_READABLE : 0;
    if (waiting)
        events |= ASYNCIO_WRITABLE;
    int err = asyncio_stream_raw_wait(tls->filter.stream, events);
    if (err == 0 && waiting)
        (void)out_push(tls);     /* a writer will be told why not */
    return err;
}

static ssize_t tls_read(struct asyncio_filter *filter, void *buf, size_t len)
{
    struct tls *tls = tls_of(filter);
    bool may_wait = !SSL_has_pending(tls->ssl);
    size_t got;
    int err;
    if (tls->state != TLS_OPEN)
        return tls->failure;
    if (SSL_get_shutdown(tls->ssl) & SSL_RECEIVED_SHUTDOWN)
        return 0;
    do {
        err = may_wait ? tls_await_input(tls) : 0;
        if (err < 0)
            return err;
        failure_begin();
        if (SSL_read_ex(tls->ssl, buf, len, &got))
            return (ssize_t)got;
        err = tls_explain(tls, 0);
        may_wait = true;
    } while (err == -EAGAIN);
    return err == -EALREADY ? tls_fail_silently(tls, -EPIPE) : err;
}

static bool tls_is_readable(const struct asyncio_filter *filter)
{
    const struct tls *tls = tls_of(filter);
    return tls->state != TLS_OPEN || SSL_has_pending(tls->ssl) ||
           SSL_get_shutdown(tls->ssl) & SSL_RECEIVED_SHUTDOWN;
}

/* ---- writing ---- */

/* One record. How much of the bytes it holds, or negative. */
static ssize_t tls_write_record(struct tls *tls, const void *buf, size_t len)
{
    size_t took;
    failure_begin();
    if (SSL_write_ex(tls->ssl, buf, len < RECORD_MAX ? len : RECORD_MAX, &took))
        return (ssize_t)took;
    int err = tls_explain(tls, 0);
    /* Nothing that it might wait for is left to come. */
    return is_want(err) || err == 0
               ? tls_fail_silently(tls, -ASYNCIO_TLS_PROTOCOL)
               : err;
}

static ssize_t tls_write(struct asyncio_filter *filter, const void *buf,
                         size_t len)
{
    struct tls *tls = tls_of(filter);
    if (tls->state != TLS_OPEN)
        return tls->failure;
    if (kernel_writes(tls))
        return asyncio_stream_raw_write(filter->stream, buf, len);
    int err = out_flush(tls);
    if (err < 0)
        return err;
    ssize_t took = tls_write_record(tls, buf, len);
    if (took < 0)
        return took;
    /* Cancelled, it has been taken all the same: the next one sends it. */
    err = out_flush(tls);
    return err < 0 && err != -ECANCELED ? err : took;
}

static bool tls_sends_plain(const struct asyncio_filter *filter)
{
    const struct tls *tls = tls_of(filter);
    return tls->state == TLS_OPEN && kernel_writes(tls);
}

/* OpenSSL holds it for said once it has begun to; a second call of it would say
 * it to the end if it has not, and else wait for the other side's. */
static int tls_say_goodbye_once(struct tls *tls)
{
    failure_begin();
    if (tls->has_said_goodbye)
        return 0;
    int result = SSL_shutdown(tls->ssl);
    int err = result < 0 ? tls_explain(tls, result) : 0;
    tls->has_said_goodbye = err == 0;
    return err;
}

static int tls_say_goodbye(struct tls *tls)
{
    int err;
    while ((err = tls_say_goodbye_once(tls)) == -EALREADY) {
        err = tls_await(tls, err);
        if (err < 0)
            return err;
    }
    return err < 0 ? err : out_flush(tls);
}

static int tls_write_eof(struct asyncio_filter *filter)
{
    struct tls *tls = tls_of(filter);
    return tls->state == TLS_OPEN ? tls_say_goodbye(tls) : tls->failure;
}

/* ---- ending ---- */

/* A TCP socket that is closed while there is something to be read resets the
 * connection, and what is under way to the other side may be lost with it: an
 * alert, or the last that was written. Often what is to be read are the tickets
 * of a TLS 1.3 server, which nobody asks for. */
static void tls_drop_input(struct tls *tls)
{
    char dropped[4096];
    ssize_t got;
    int rounds = 0;
    do
        got = asyncio_stream_raw_try_read(tls->filter.stream, dropped,
                                          sizeof dropped);
    while (got > 0 && rounds++ < 16);
}

/* They may still be to come: a client is done with its handshake before the
 * server is. */
static bool tls_may_get_tickets(const struct tls *tls)
{
    return !tls->context->is_server && !tls->has_heard && !tls->is_cut &&
           SSL_version(tls->ssl) >= TLS1_3_VERSION;
}

static int tls_await_tickets(struct tls *tls)
{
    struct asyncio_timeout timeout;
    int err = asyncio_timeout_begin(&timeout, tickets_timeout);
    if (err < 0)
        return err;
    return asyncio_timeout_end(
        &timeout,
        asyncio_stream_raw_wait(tls->filter.stream, ASYNCIO_READABLE));
}

static void tls_part(struct tls *tls)
{
    struct asyncio_timeout timeout;
    int err = asyncio_timeout_begin(&timeout, tls->shutdown_timeout);
    if (err < 0)
        return;
    err = tls_say_goodbye(tls);
    if (err == 0 && tls_may_get_tickets(tls))
        err = tls_await_tickets(tls);
    (void)asyncio_timeout_end(&timeout, err);
}

static void tls_free(struct tls *tls)
{
    /* OpenSSL does not let a session be resumed whose connection was cut off
     * by us; there is nothing wrong with it. */
    if (tls->ssl && tls->state == TLS_OPEN)
        SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(tls->ssl);
    BIO_free(tls->kernel);
    buffer_free(&tls->out);
    mem_free(tls->server_name);
    mem_free(tls->session_name);
    mem_free(tls->failure_text);
    mem_free(tls);
}

static void tls_close(struct asyncio_filter *filter, bool is_abort)
{
    struct tls *tls = tls_of(filter);
    if (!is_abort && tls->state == TLS_OPEN)
        tls_part(tls);
    if (!is_abort)
        tls_drop_input(tls);
    tls_free(tls);
}

static const struct asyncio_filter_class tls_class = {
    .read = tls_read,
    .write = tls_write,
    .is_readable = tls_is_readable,
    .write_eof = tls_write_eof,
    .close = tls_close,
    .get_extra_info = filter_info,
    .sends_plain = tls_sends_plain,
    .start = tls_start,
};

/* ---- making ---- */

static bool is_address(const char *name)
{
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(name);
    ASN1_OCTET_STRING_free(address);
    return address;
}

/* The name is asked for (SNI, which has no room for addresses), and looked for
 * in the certificate. */
static int tls_expect(struct tls *tls, const char *name)
{
    SSL *ssl = tls->ssl;
    int is_good;
    if (is_address(name)) {
        is_good = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name);
    } else {
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        is_good = SSL_set1_host(ssl, name) &&
                  SSL_set_tlsext_host_name(ssl, name);
    }
    return is_good ? 0 : -EINVAL;
}

/* "example.org." is example.org, and certificates know it as that. */
static char *name_copy(const char *name)
{
    char *copy = mem_strdup(name);
    size_t len = copy ? strlen(copy) : 0;
    if (len > 1 && copy[len - 1] == '.')
        copy[len - 1] = '\0';
    return copy;
}

static int tls_be_client(struct tls *tls, const char *name,
                         const char *session_name)
{
    SSL_set_connect_state(tls->ssl);
    if (!name || !*name)         /* to OpenSSL an empty one means any */
        return tls->context->trusts_anybody ? 0 : -EINVAL;
    tls->server_name = name_copy(name);
    if (!tls->server_name)
        return -ENOMEM;
    int err = tls_expect(tls, tls->server_name);
    if (err < 0 || !session_name || !tls->context->resumes)
        return err;
    tls->session_name = mem_strdup(session_name);
    if (!tls->session_name)
        return -ENOMEM;
    SSL_SESSION *session =
        sessions_take(&tls->context->sessions, session_name);
    if (session)
        SSL_set_session(tls->ssl, session);
    SSL_SESSION_free(session);
    return 0;
}

int filter_keep_session(struct tls *tls, SSL_SESSION *session)
{
    if (!tls->session_name || !SSL_SESSION_is_resumable(session))
        return 0;
    return sessions_put(&tls->context->sessions, tls->session_name, session);
}

/* NaN is no time, and neither is what has passed. */
static int seconds_of(double seconds, double otherwise, double *ret_seconds)
{
    bool is_time = seconds >= 0;
    if (!is_time)
        return -EINVAL;
    *ret_seconds = seconds > 0 ? seconds : otherwise;
    return 0;
}

static int tls_set(struct tls *tls, const struct asyncio_tls_options *options,
                   const char *session_name)
{
    int err = seconds_of(options->handshake_timeout, handshake_timeout_default,
                         &tls->handshake_timeout);
    if (err == 0)
        err = seconds_of(options->shutdown_timeout, shutdown_timeout_default,
                         &tls->shutdown_timeout);
    if (err == 0)
        err = context_use(tls->context);
    if (err < 0)
        return err;
    failure_begin();
    tls->ssl = SSL_new(tls->context->ctx);
    if (!tls->ssl)
        return failure_end(X509_V_OK);
    SSL_set_app_data(tls->ssl, tls);
    err = bio_attach(tls);
    if (err < 0)
        return err;
    if (!tls->context->is_server)
        return tls_be_client(tls, options->server_name, session_name);
    SSL_set_accept_state(tls->ssl);
    return 0;
}

int filter_new(const struct asyncio_tls_options *options,
               const char *session_name, struct tls **ret_tls)
{
    struct tls *tls = mem_zalloc(sizeof *tls);
    if (!tls)
        return -ENOMEM;
    tls->filter.class_ = &tls_class;
    tls->context = options->context;
    int err = tls->context ? 0 : context_default(&tls->context);
    if (err == 0)
        err = tls_set(tls, options, session_name);
    if (err < 0) {
        tls_free(tls);
        return err;
    }
    *ret_tls = tls;
    return 0;
}

int filter_install(struct tls *take_tls, asyncio_stream *stream)
{
    bool has_begun = false;
    take_tls->ret_has_begun = &has_begun;
    int err = asyncio_stream_set_filter(stream, &take_tls->filter);
    if (!has_begun)
        tls_free(take_tls);      /* else the stream's, and it may be gone */
    return err;
}
