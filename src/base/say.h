/* SPDX-License-Identifier: MIT */
/*
 * The few sentences the library says on standard error: failures that nobody
 * looked at, and what debug mode reports. Each is a line of its own, written
 * at once.
 */
#ifndef BASE_SAY_H
#define BASE_SAY_H

/* Prints "asyncio: <sentence>" on standard error. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2), cold));

#endif
