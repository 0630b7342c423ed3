/* SPDX-License-Identifier: MIT */
/* Sentences on standard error; see say.h. */
#include "base/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SENTENCE_SIZE 400

/* In one piece: stdio's own buffer for an unbuffered stream takes 8 KiB of
 * stack, which a small task has not. */
void say(const char *format, ...)
{
    char line[SENTENCE_SIZE + 1] = "asyncio: ";
    size_t len = strlen(line);
    va_list args;
    va_start(args, format);
    vsnprintf(line + len, SENTENCE_SIZE - len, format, args);
    va_end(args);
    len = strlen(line);
    line[len++] = '\n';
    fwrite(line, 1, len, stderr);
}
