/* SPDX-License-Identifier: MIT */
/* OpenSSL's errors; see failure.h. */
#include "tls/failure.h"

#include <asyncio/tls.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>

#include "base/base.h"

static _Thread_local char error_text[256];

/* What OpenSSL calls it, and what that is here. */
struct translation {
    int theirs;
    int ours;
};

#define TRANSLATE(table, theirs, otherwise)                                   \
    translate(table, ARRAY_SIZE(table), theirs, otherwise)

static int translate(const struct translation *table, size_t count, int theirs,
                     int otherwise)
{
    for (size_t i = 0; i < count; i++) {
        if (table[i].theirs == theirs)
            return table[i].ours;
    }
    return otherwise;
}

/* ---- certificates ---- */

static int code_of_certificate(long verified)
{
    static const struct translation table[] = {
        {X509_V_ERR_CERT_HAS_EXPIRED, -ASYNCIO_TLS_CERT_EXPIRED},
        {X509_V_ERR_CERT_NOT_YET_VALID, -ASYNCIO_TLS_CERT_NOT_YET},
        {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
         -ASYNCIO_TLS_CERT_SELF_SIGNED},
        {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, -ASYNCIO_TLS_CERT_ISSUER},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, -ASYNCIO_TLS_CERT_ISSUER},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
         -ASYNCIO_TLS_CERT_ISSUER},
        {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
         -ASYNCIO_TLS_CERT_ISSUER},
        {X509_V_ERR_CERT_UNTRUSTED, -ASYNCIO_TLS_CERT_ISSUER},
        {X509_V_ERR_HOSTNAME_MISMATCH, -ASYNCIO_TLS_CERT_HOST},
        {X509_V_ERR_IP_ADDRESS_MISMATCH, -ASYNCIO_TLS_CERT_HOST},
        {X509_V_ERR_CERT_REVOKED, -ASYNCIO_TLS_CERT_REVOKED},
        {X509_V_ERR_OUT_OF_MEM, -ENOMEM},
    };
    return TRANSLATE(table, (int)verified, -ASYNCIO_TLS_CERT_INVALID);
}

/* ---- alerts of the other side ---- */

static int code_of_alert(int alert)
{
    static const struct translation table[] = {
        {SSL_AD_UNEXPECTED_MESSAGE, -ASYNCIO_TLS_PROTOCOL},
        {SSL_AD_BAD_CERTIFICATE, -ASYNCIO_TLS_REFUSED},
        {SSL_AD_UNSUPPORTED_CERTIFICATE, -ASYNCIO_TLS_REFUSED},
        {SSL_AD_CERTIFICATE_REVOKED, -ASYNCIO_TLS_REFUSED},
        {SSL_AD_CERTIFICATE_EXPIRED, -ASYNCIO_TLS_REFUSED},
        {SSL_AD_CERTIFICATE_UNKNOWN, -ASYNCIO_TLS_REFUSED},
        {SSL_AD_UNKNOWN_CA, -ASYNCIO_TLS_REFUSED},
        {SSL_AD_ACCESS_DENIED, -ASYNCIO_TLS_REFUSED},
        {SSL_AD_PROTOCOL_VERSION, -ASYNCIO_TLS_VERSION},
        {SSL_AD_UNRECOGNIZED_NAME, -ASYNCIO_TLS_NAME},
        {SSL_AD_CERTIFICATE_REQUIRED, -ASYNCIO_TLS_REFUSED},
        {SSL_AD_NO_APPLICATION_PROTOCOL, -ASYNCIO_TLS_ALPN},
    };
    return TRANSLATE(table, alert, -ASYNCIO_TLS_ALERT);
}

/* ---- what else libssl says ---- */

static int code_of_ssl(int reason, long verified)
{
    static const struct translation table[] = {
        {SSL_R_UNEXPECTED_EOF_WHILE_READING, -ASYNCIO_TLS_TRUNCATED},
        {SSL_R_UNSUPPORTED_PROTOCOL, -ASYNCIO_TLS_VERSION},
        {SSL_R_VERSION_TOO_LOW, -ASYNCIO_TLS_VERSION},
        {SSL_R_VERSION_TOO_HIGH, -ASYNCIO_TLS_VERSION},
        {SSL_R_NO_PROTOCOLS_AVAILABLE, -ASYNCIO_TLS_VERSION},
        {SSL_R_NO_SHARED_CIPHER, -ASYNCIO_TLS_CIPHER},
        {SSL_R_NO_CIPHERS_AVAILABLE, -ASYNCIO_TLS_CIPHER},
        {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, -ASYNCIO_TLS_CIPHER},
        {SSL_R_NO_SUITABLE_KEY_SHARE, -ASYNCIO_TLS_CIPHER},
        {SSL_R_NO_APPLICATION_PROTOCOL, -ASYNCIO_TLS_ALPN},
        {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, -ASYNCIO_TLS_CERT_MISSING},
        {SSL_R_CALLBACK_FAILED, -ASYNCIO_TLS_NAME},
        {SSL_R_NO_CERTIFICATE_ASSIGNED, -ASYNCIO_TLS_KEY},
    };
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return code_of_certificate(verified);
    if (reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256)
        return code_of_alert(reason - SSL_AD_REASON_OFFSET);
    return TRANSLATE(table, reason, -ASYNCIO_TLS_PROTOCOL);
}

/* 0: this one says nothing; another may. (The common ones say which part of
 * OpenSSL has failed, and that has said why.) */
static int code_of(unsigned long error, long verified)
{
    int reason = ERR_GET_REASON(error), library = ERR_GET_LIB(error);
    if (ERR_SYSTEM_ERROR(error))
        return -reason;
    if (reason == ERR_R_MALLOC_FAILURE)
        return -ENOMEM;
    if (library == ERR_LIB_X509 && (reason == X509_R_KEY_VALUES_MISMATCH ||
                                    reason == X509_R_KEY_TYPE_MISMATCH))
        return -ASYNCIO_TLS_KEY;
    if (library == ERR_LIB_SSL && !ERR_COMMON_ERROR(error))
        return code_of_ssl(reason, verified);
    return 0;
}

/* ---- the queue ---- */

/* Looking is cheaper than clearing, and there is nothing mostly: what is ours
 * has been read, and only the program may have left something. */
void failure_begin(void)
{
    if (unlikely(ERR_peek_error()))
        ERR_clear_error();
}

void failure_forget(void)
{
    error_text[0] = '\0';
}

static void failure_note(unsigned long error, long verified)
{
    const char *reason = ERR_reason_error_string(error);
    const char *detail =
        verified == X509_V_OK ? "" : X509_verify_cert_error_string(verified);
    snprintf(error_text, sizeof error_text, "%s%s%s",
             reason ? reason : "no reason given", *detail ? ": " : "", detail);
}

/* The first error of the queue lies deepest, the last is what it led to. What
 * decides is the first that means something here. */
static int queue_end(long verified, int otherwise)
{
    unsigned long error, first = 0;
    int code = 0;
    while ((error = ERR_get_error())) {
        int meaning = code_of(error, verified);
        if (!first || (!code && meaning))
            first = error;
        if (!code)
            code = meaning;
    }
    failure_note(first, code_of_certificate(verified) == code ? verified
                                                              : X509_V_OK);
    return code ? code : otherwise;
}

int failure_end(long verified)
{
    return queue_end(verified, -ASYNCIO_TLS_LIBRARY);
}

/* A wrong password may make anything of a key, so what OpenSSL says of it
 * differs; and no part of OpenSSL calls a file that is not one by its name. */
int failure_end_of_file(bool had_password)
{
    int code =
        queue_end(X509_V_OK, had_password ? -ASYNCIO_TLS_PASSWORD
                                          : -ASYNCIO_TLS_FILE);
    return code == -ASYNCIO_TLS_PROTOCOL ? -ASYNCIO_TLS_FILE : code;
}

const char *asyncio_tls_error_text(void)
{
    return error_text;
}
