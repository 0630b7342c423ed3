/* SPDX-License-Identifier: MIT */
/* What a TLS stream can tell about itself, as text. */
#include <errno.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "tls/filter.h"

static int text_copy(const char *text, size_t len, char *ret_text, size_t size)
{
    if (size) {
        size_t fits = len < size ? len : size - 1;
        memcpy(ret_text, text, fits);
        ret_text[fits] = '\0';
    }
    return (int)len;
}

static int text_of(const char *text, char *ret_text, size_t size)
{
    return text ? text_copy(text, strlen(text), ret_text, size) : -ENOENT;
}

/* ---- facts of the connection ---- */

static int fact_version(const struct tls *tls, char *ret_text, size_t size)
{
    return text_of(SSL_get_version(tls->ssl), ret_text, size);
}

static int fact_cipher(const struct tls *tls, char *ret_text, size_t size)
{
    return text_of(SSL_get_cipher_name(tls->ssl), ret_text, size);
}

static int fact_alpn(const struct tls *tls, char *ret_text, size_t size)
{
    const unsigned char *name;
    unsigned len;
    SSL_get0_alpn_selected(tls->ssl, &name, &len);
    return name ? text_copy((const char *)name, len, ret_text, size) : -ENOENT;
}

static int fact_server_hostname(const struct tls *tls, char *ret_text,
                                size_t size)
{
    const char *name = tls->server_name;
    if (!name)
        name = SSL_get_servername(tls->ssl, TLSEXT_NAMETYPE_host_name);
    return text_of(name, ret_text, size);
}

static int fact_session_reused(const struct tls *tls, char *ret_text,
                               size_t size)
{
    return text_of(SSL_session_reused(tls->ssl) ? "1" : "0", ret_text, size);
}

static int fact_ktls(const struct tls *tls, char *ret_text, size_t size)
{
    return text_of(kernel_writes(tls) ? "send" : NULL, ret_text, size);
}

/* ---- facts of the other side's certificate ---- */

static int print_pem(BIO *bio, const X509 *peer)
{
    return PEM_write_bio_X509(bio, peer);
}

static int print_name(BIO *bio, const X509_NAME *name)
{
    return X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0;
}

static int print_subject(BIO *bio, const X509 *peer)
{
    return print_name(bio, X509_get_subject_name(peer));
}

static int print_issuer(BIO *bio, const X509 *peer)
{
    return print_name(bio, X509_get_issuer_name(peer));
}

static int peer_print(const struct tls *tls,
                      int (*print)(BIO *bio, const X509 *peer), char *ret_text,
                      size_t size)
{
    const X509 *peer = SSL_get0_peer_certificate(tls->ssl);
    if (!peer)
        return -ENOENT;
    BIO *bio = BIO_new(BIO_s_mem());
    int len = -ENOMEM;
    char *text;
    if (bio && print(bio, peer)) {
        long printed = BIO_get_mem_data(bio, &text);
        len = text_copy(text, (size_t)printed, ret_text, size);
    }
    BIO_free(bio);
    return len;
}

static int fact_peercert(const struct tls *tls, char *ret_text, size_t size)
{
    return peer_print(tls, print_pem, ret_text, size);
}

static int fact_subject(const struct tls *tls, char *ret_text, size_t size)
{
    return peer_print(tls, print_subject, ret_text, size);
}

static int fact_issuer(const struct tls *tls, char *ret_text, size_t size)
{
    return peer_print(tls, print_issuer, ret_text, size);
}

/* ---- the table ---- */

static const struct fact {
    const char *name;
    int (*tell)(const struct tls *tls, char *ret_text, size_t size);
} facts[] = {
    {"version", fact_version},
    {"cipher", fact_cipher},
    {"alpn", fact_alpn},
    {"server_hostname", fact_server_hostname},
    {"session_reused", fact_session_reused},
    {"ktls", fact_ktls},
    {"peercert", fact_peercert},
    {"peercert_subject", fact_subject},
    {"peercert_issuer", fact_issuer},
};

int filter_info(struct asyncio_filter *filter, const char *name, char *ret_text,
                size_t size)
{
    const struct tls *tls = container_of(filter, struct tls, filter);
    if (strcmp(name, "tls_error") == 0)
        return text_of(tls->failure_text, ret_text, size);
    for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
        if (strcmp(facts[i].name, name) == 0 && tls->state != TLS_SHAKING)
            return facts[i].tell(tls, ret_text, size);
    }
    return -ENOENT;
}
