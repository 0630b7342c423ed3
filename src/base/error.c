/* SPDX-License-Identifier: MIT */
/*
 * The words for results. Where the library gives an errno a narrower meaning
 * than the C library does, the sentence here is the library's; every other
 * code falls through to the C library's table.
 */
#include <asyncio/base.h>

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/base.h"

#define STRING(token) #token
#define VERSION(major, minor, patch)                                          \
    STRING(major) "." STRING(minor) "." STRING(patch)

struct meaning {
    int code;                    /* positive errno */
    const char *sentence;
};

static const struct meaning meanings[] = {
    {EAGAIN, "not possible right now without waiting"},
    {EALREADY, "it has already been started"},
    {EBADF, "not an open file descriptor"},
    {EBUSY, "somebody else is already waiting for it or using it"},
    {ECANCELED, "cancelled"},
    {ECHILD, "no such child process"},
    {EDEADLK, "would wait for itself for ever"},
    {EEXIST, "there is one already"},
    {EINVAL, "an argument does not make sense"},
    {EMSGSIZE, "longer than the limit or the buffer"},
    {ENOBUFS, "no buffer is free"},
    {ENODATA, "the stream ended before that"},
    {ENOMEM, "out of memory"},
    {ENOSYS, "this system cannot do that"},
    {EOPNOTSUPP, "not supported for this object"},
    {EOVERFLOW, "more than can be counted or kept: some of it is lost"},
    {EPERM, "not permitted, or not called from a task of this loop"},
    {EPIPE, "the queue is closed or the other side is gone"},
    {ERANGE, "a number is out of range"},
    {ESHUTDOWN, "the loop has ended"},
    {ESRCH, "no such task: the handle is stale"},
    {ETIMEDOUT, "its deadline passed"},
    {EXDEV, "belongs to another loop, or to another file system"},
};

/* Those of enum asyncio_code. */
static const struct own_code {
    int code;
    const char *name;
    const char *sentence;
} own_codes[] = {
    {ASYNCIO_EAI_BADFLAGS, "EAI_BADFLAGS", "the look-up's flags are wrong"},
    {ASYNCIO_EAI_NONAME, "EAI_NONAME", "no such host or service"},
    {ASYNCIO_EAI_AGAIN, "EAI_AGAIN", "the name server did not answer"},
    {ASYNCIO_EAI_FAIL, "EAI_FAIL", "the name server refused to answer"},
    {ASYNCIO_EAI_NODATA, "EAI_NODATA", "the host has no address"},
    {ASYNCIO_EAI_FAMILY, "EAI_FAMILY", "no such family of addresses"},
    {ASYNCIO_EAI_SOCKTYPE, "EAI_SOCKTYPE", "no such type of socket"},
    {ASYNCIO_EAI_SERVICE, "EAI_SERVICE", "no such service"},
    {ASYNCIO_EAI_ADDRFAMILY, "EAI_ADDRFAMILY",
     "the host has no address of that family"},
    {ASYNCIO_EAI_OVERFLOW, "EAI_OVERFLOW", "the name is too long"},
    {ASYNCIO_TLS_PROTOCOL, "TLS_PROTOCOL",
     "the other side does not speak TLS, or broke its rules"},
    {ASYNCIO_TLS_TRUNCATED, "TLS_TRUNCATED",
     "the connection ended without a TLS goodbye: something may be missing"},
    {ASYNCIO_TLS_VERSION, "TLS_VERSION", "no TLS version in common"},
    {ASYNCIO_TLS_CIPHER, "TLS_CIPHER", "no TLS cipher in common"},
    {ASYNCIO_TLS_ALPN, "TLS_ALPN", "no application protocol in common"},
    {ASYNCIO_TLS_NAME, "TLS_NAME", "the server does not go by that name"},
    {ASYNCIO_TLS_REFUSED, "TLS_REFUSED",
     "the other side refused our certificate, or misses one"},
    {ASYNCIO_TLS_ALERT, "TLS_ALERT", "the other side ended TLS with an alert"},
    {ASYNCIO_TLS_LIBRARY, "TLS_LIBRARY", "the TLS library failed"},
    {ASYNCIO_TLS_FILE, "TLS_FILE",
     "there is no certificate or key in the file"},
    {ASYNCIO_TLS_PASSWORD, "TLS_PASSWORD",
     "the password of the key is wrong or missing"},
    {ASYNCIO_TLS_KEY, "TLS_KEY", "the key does not belong to the certificate"},
    {ASYNCIO_TLS_CERT_INVALID, "TLS_CERT_INVALID",
     "the certificate is not valid for this"},
    {ASYNCIO_TLS_CERT_EXPIRED, "TLS_CERT_EXPIRED",
     "the certificate has expired"},
    {ASYNCIO_TLS_CERT_NOT_YET, "TLS_CERT_NOT_YET",
     "the certificate is not valid yet"},
    {ASYNCIO_TLS_CERT_SELF_SIGNED, "TLS_CERT_SELF_SIGNED",
     "the certificate is signed by nobody but itself"},
    {ASYNCIO_TLS_CERT_ISSUER, "TLS_CERT_ISSUER",
     "the certificate comes from nobody who is trusted"},
    {ASYNCIO_TLS_CERT_HOST, "TLS_CERT_HOST",
     "the certificate is for another host"},
    {ASYNCIO_TLS_CERT_REVOKED, "TLS_CERT_REVOKED",
     "the certificate has been revoked"},
    {ASYNCIO_TLS_CERT_MISSING, "TLS_CERT_MISSING",
     "the other side has shown no certificate"},
};

static const struct own_code *own_code_find(int err)
{
    for (size_t i = 0; i < ARRAY_SIZE(own_codes); i++) {
        if (own_codes[i].code == -err)
            return &own_codes[i];
    }
    return NULL;
}

const char *asyncio_version(void)
{
    return VERSION(ASYNCIO_VERSION_MAJOR, ASYNCIO_VERSION_MINOR,
                   ASYNCIO_VERSION_PATCH);
}

const char *asyncio_strerror(int err)
{
    if (err >= 0)
        return "success";
    if (err == INT_MIN)
        return "unknown error";
    for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
        if (meanings[i].code == -err)
            return meanings[i].sentence;
    }
    const struct own_code *own = own_code_find(err);
    if (own)
        return own->sentence;
    const char *sentence = strerrordesc_np(-err);
    return sentence ? sentence : "unknown error";
}

const char *asyncio_errname(int err)
{
    if (err >= 0)
        return "OK";
    if (err == INT_MIN)
        return "UNKNOWN";
    const struct own_code *own = own_code_find(err);
    const char *name = own ? own->name : strerrorname_np(-err);
    return name ? name : "UNKNOWN";
}
