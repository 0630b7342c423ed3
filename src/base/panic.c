/* SPDX-License-Identifier: MIT */
/*
 * The one way to give up. The sentence is put together in a local buffer and
 * handed over in one piece: stdio's own buffer for an unbuffered stream takes
 * 8 KiB of stack, which a small task stack does not have.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

#define SENTENCE_LEN_MAX 400

_Noreturn void panic(const char *format, ...)
{
    static const char prefix[] = "asyncio: ";
    char line[sizeof(prefix) + SENTENCE_LEN_MAX];
    size_t len = sizeof(prefix) - 1;
    memcpy(line, prefix, sizeof(prefix));

    va_list args;
    va_start(args, format);
    int sentence_len =
        vsnprintf(line + len, SENTENCE_LEN_MAX, format, args);
    va_end(args);

    if (sentence_len > 0)
        len = strlen(line);
    line[len] = '\n';
    fwrite(line, 1, len + 1, stderr);
    abort();
}
