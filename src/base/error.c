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
    {ENOBUFS, "no buffer is free"},
    {ENOMEM, "out of memory"},
    {ENOSYS, "this system cannot do that"},
    {EOPNOTSUPP, "not supported for this object"},
    {EPERM, "not permitted, or not called from a task of this loop"},
    {EPIPE, "the queue is closed or the other side is gone"},
    {ERANGE, "a number is out of range"},
    {ESHUTDOWN, "the loop has ended"},
    {ESRCH, "no such task: the handle is stale"},
    {ETIMEDOUT, "its deadline passed"},
    {EXDEV, "belongs to another loop"},
};

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
    const char *sentence = strerrordesc_np(-err);
    return sentence ? sentence : "unknown error";
}

const char *asyncio_errname(int err)
{
    if (err >= 0)
        return "OK";
    const char *name = err == INT_MIN ? NULL : strerrorname_np(-err);
    return name ? name : "UNKNOWN";
}
