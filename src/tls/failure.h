/* SPDX-License-Identifier: MIT */
/*
 * What OpenSSL says, in the library's own words. Its queue of errors belongs to
 * the thread, not to the task: it is emptied before each call (failure_begin)
 * and read right after, so that no task finds another's errors in it.
 */
#ifndef TLS_FAILURE_H
#define TLS_FAILURE_H

#include <stdbool.h>

/* Before a call whose errors will be looked at. */
void failure_begin(void);

/*
 * The code for what the call has left in the queue, and empties that.
 * `verified` is the result of verifying the other side's certificate
 * (X509_V_*), for calls that do. Notes the text for asyncio_tls_error_text.
 */
int failure_end(long verified);

/* The same of loading a file: `had_password`, it asked for one. */
int failure_end_of_file(bool had_password);

/* Notes that there is none, since it was not OpenSSL that failed. */
void failure_forget(void);

#endif
