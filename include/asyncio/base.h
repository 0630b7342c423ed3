/* SPDX-License-Identifier: MIT */
/*
 * What every other header stands on: attributes, the link that objects in
 * the caller's memory are listed by, and the words for errors.
 *
 * A function returns 0 or a count when it succeeds and a negative errno when
 * it fails; never -1, never through errno:
 *
 *     int err = asyncio_sleep(1.0);
 *     if (err < 0)
 *         fprintf(stderr, "sleep: %s\n", asyncio_strerror(err));
 */
#ifndef ASYNCIO_BASE_H
#define ASYNCIO_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define ASYNCIO_BEGIN extern "C" {
#define ASYNCIO_END }
#else
#define ASYNCIO_BEGIN
#define ASYNCIO_END
#endif

#if defined(__GNUC__)
#define ASYNCIO_API __attribute__((visibility("default")))
/* Marks a function that may suspend the task that calls it. It has a frame of
 * its own also where the whole program is optimised as one: by that frame it
 * tells scopes in living frames from those that were left early. */
#define ASYNCIO_SUSPENDS __attribute__((noinline))
#else
#define ASYNCIO_API
#define ASYNCIO_SUSPENDS
#endif

#define ASYNCIO_VERSION_MAJOR 0
#define ASYNCIO_VERSION_MINOR 1
#define ASYNCIO_VERSION_PATCH 0

/*
 * Failures that no errno has a name for; they too are returned negative.
 * EAI: the resolver's (getaddrinfo(3)): NONAME, there is no such name; AGAIN,
 * no answer now, perhaps later; and so on as <netdb.h> names them.
 * TLS: of asyncio/tls.h. CERT is what is wrong with the other side's
 * certificate.
 */
enum asyncio_code {
    ASYNCIO_EAI_BASE = 5000,
    ASYNCIO_EAI_BADFLAGS = 5001,
    ASYNCIO_EAI_NONAME = 5002,
    ASYNCIO_EAI_AGAIN = 5003,
    ASYNCIO_EAI_FAIL = 5004,
    ASYNCIO_EAI_NODATA = 5005,
    ASYNCIO_EAI_FAMILY = 5006,
    ASYNCIO_EAI_SOCKTYPE = 5007,
    ASYNCIO_EAI_SERVICE = 5008,
    ASYNCIO_EAI_ADDRFAMILY = 5009,
    ASYNCIO_EAI_OVERFLOW = 5012,

    ASYNCIO_TLS_BASE = 5200,
    ASYNCIO_TLS_PROTOCOL = 5201, /* what came is not TLS, or broken */
    ASYNCIO_TLS_TRUNCATED = 5202, /* the end came without close_notify */
    ASYNCIO_TLS_VERSION = 5203,  /* no version in common */
    ASYNCIO_TLS_CIPHER = 5204,   /* no cipher in common */
    ASYNCIO_TLS_ALPN = 5205,     /* no application protocol in common */
    ASYNCIO_TLS_NAME = 5206,     /* the server has no such name */
    ASYNCIO_TLS_REFUSED = 5207,  /* our certificate, or the lack of one */
    ASYNCIO_TLS_ALERT = 5208,    /* another alert of the other side */
    ASYNCIO_TLS_LIBRARY = 5209,  /* anything else that OpenSSL says */
    ASYNCIO_TLS_FILE = 5210,     /* no certificate or key is in the file */
    ASYNCIO_TLS_PASSWORD = 5211, /* the key's password is wrong or missing */
    ASYNCIO_TLS_KEY = 5212,      /* the key is not the certificate's */
    ASYNCIO_TLS_CERT_INVALID = 5220,
    ASYNCIO_TLS_CERT_EXPIRED = 5221,
    ASYNCIO_TLS_CERT_NOT_YET = 5222, /* valid only from later on */
    ASYNCIO_TLS_CERT_SELF_SIGNED = 5223,
    ASYNCIO_TLS_CERT_ISSUER = 5224, /* nobody who is trusted */
    ASYNCIO_TLS_CERT_HOST = 5225, /* of somebody else */
    ASYNCIO_TLS_CERT_REVOKED = 5226,
    ASYNCIO_TLS_CERT_MISSING = 5227,
};

/* Seconds without end, wherever a deadline is asked for. */
#define ASYNCIO_FOREVER (1.0 / 0.0)

ASYNCIO_BEGIN

/*
 * A link of a circular doubly linked list. It stands in public structures
 * because those live in the caller's memory; programs leave it alone.
 */
struct asyncio_link {
    struct asyncio_link *next;
    struct asyncio_link *prev;
};

/* A timer of the loop, for the same reason. */
struct asyncio_timer {
    struct asyncio_link link;
    uint64_t deadline_ns;
    void (*fire)(struct asyncio_timer *timer);
};

/*
 * The version of the library that runs, as "major.minor.patch".
 * Never suspends. Needs no loop.
 */
ASYNCIO_API const char *asyncio_version(void);

/*
 * Says in a sentence what the result `err` of any call of this library
 * means. Takes negative errno values and the library's own codes; anything
 * else is "success" (>= 0) or "unknown error". The text is static.
 * Never suspends. Needs no loop.
 */
ASYNCIO_API const char *asyncio_strerror(int err);

/*
 * The symbol of the result `err`, as "ECANCELED", or "OK" when it is no
 * failure. The text is static. Never suspends. Needs no loop.
 */
ASYNCIO_API const char *asyncio_errname(int err);

ASYNCIO_END

#endif
