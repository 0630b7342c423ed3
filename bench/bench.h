/* SPDX-License-Identifier: MIT */
/*
 * What all bench programs share: two clocks, the choice among slices, the
 * memory of this process, the line that is printed.
 *
 * A program is called `PROGRAM ROW [DIVISOR]`; it measures the row in several
 * slices and prints `row value unit`. DIVISOR makes the counts smaller for a
 * quick look. `PROGRAM --version` prints what was measured. All functions are
 * inline so that a program is one file, in C or in C++.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static inline int64_t bench_clock_ns(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Wall time. */
static inline int64_t bench_now_ns(void)
{
    return bench_clock_ns(CLOCK_MONOTONIC);
}

/* CPU time of the whole process: for rows in which a loop may wait. */
static inline int64_t bench_cpu_ns(void)
{
    return bench_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static inline int bench_compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The lower quartile: sorts the values. Others on the machine only ever add
 * time, so the low end is the truer one; the very lowest may be luck. */
static inline double bench_quartile(double *values, size_t count)
{
    qsort(values, count, sizeof *values, bench_compare);
    return values[count / 4];
}

static inline double bench_each(int64_t span_ns, long count)
{
    return (double)span_ns / (double)count;
}

static inline void bench_report(const char *row, double value, const char *unit)
{
    printf("%s %.2f %s\n", row, value, unit);
    fflush(stdout);
}

/* Ends the program: a bench that cannot measure must not print a figure. */
static inline void bench_check(int is_good, const char *what)
{
    if (is_good)
        return;
    fprintf(stderr, "bench: failed: %s\n", what);
    exit(1);
}

/* The number that the text begins with. */
static inline long bench_number(const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);
    bench_check(end != text, "a number is expected");
    return number;
}

/* The row that was asked for; without one the first that the program has. */
static inline const char *bench_row(int argc, char **argv, const char *first)
{
    return argc > 1 ? argv[1] : first;
}

/* A count for this run: the full one, or a part of it for a quick look. */
static inline long bench_count(int argc, char **argv, long full)
{
    long divisor = argc > 2 ? bench_number(argv[2]) : 1;
    bench_check(divisor >= 1, "the divisor is at least 1");
    return full / divisor;
}

/* The number in front of "kB" on the line of /proc/self/status that starts
 * with the name, in bytes. */
static inline long bench_status_bytes(const char *status, const char *name)
{
    const char *line = strstr(status, name);
    bench_check(line != NULL, name);
    return bench_number(line + strlen(name)) * 1024;
}

/* Bytes a process occupies: its pages and the tables that map them. */
static inline long bench_memory_of(long pid)
{
    char path[64];
    char status[8192];
    snprintf(path, sizeof path, "/proc/%ld/status", pid);
    FILE *file = fopen(path, "r");
    bench_check(file != NULL, "open the process's status");
    size_t len = fread(status, 1, sizeof status - 1, file);
    fclose(file);
    status[len] = '\0';
    return bench_status_bytes(status, "VmRSS:") +
           bench_status_bytes(status, "VmPTE:");
}

static inline long bench_memory(void)
{
    return bench_memory_of(getpid());
}

/* xorshift: the same sequence in each run and, where a peer is written in C,
 * for both sides. */
static inline uint64_t bench_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Fills order with 0 .. count - 1, shuffled. */
static inline void bench_shuffle(uint32_t *order, long count, uint64_t *state)
{
    for (long i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    for (long i = count - 1; i > 0; i--) {
        long j = (long)(bench_random(state) % (uint64_t)(i + 1));
        uint32_t kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

#endif
