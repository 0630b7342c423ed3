/* SPDX-License-Identifier: MIT */
/*
 * check_example EXPECTED MIN MAX CPU PROGRAM [WORDS]
 *
 * Runs PROGRAM with its words. It must exit with 0, print what the file
 * EXPECTED holds, take at least MIN and less than MAX seconds, and use less
 * than CPU seconds of processor time.
 *
 * Each line of EXPECTED is a shell pattern, for figures that vary. A line that
 * begins with '?' may be missing, for what a slow machine does not get to. A
 * first line "!any order" says that the order of lines depends on the clock.
 *
 * ASYNCIO_TEST_SLOW=n in the environment (sanitizers, emulators) allows n
 * times MAX and CPU.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LINE_SIZE = 256, LINES_MAX = 100 };

/* A neighbour on the same machine may hold the processor once; what is late
 * three times is slow. */
enum { ATTEMPTS = 3 };

struct lines {
    size_t count;
    char line[LINES_MAX][LINE_SIZE];
};

static struct lines said, expected;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "check_example: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static pid_t program_start(char **words, FILE **ret_output)
{
    int fds[2];

    if (pipe(fds) < 0)
        die("pipe");
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        execvp(words[0], words);
        die(words[0]);
    }
    close(fds[1]);
    *ret_output = fdopen(fds[0], "r");
    return pid;
}

/* Reads to the end; cuts the newlines off. */
static void lines_read(FILE *file, struct lines *lines)
{
    lines->count = 0;
    while (lines->count < LINES_MAX &&
           fgets(lines->line[lines->count], LINE_SIZE, file) != NULL) {
        char *line = lines->line[lines->count++];
        line[strcspn(line, "\n")] = '\0';
    }
    fclose(file);
}

static int line_compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void lines_sort(struct lines *lines)
{
    qsort(lines->line, lines->count, LINE_SIZE, line_compare);
}

/* Compares line by line, and shows what was said. */
static bool output_matches(void)
{
    size_t next = 0;
    bool same = true;

    if (strcmp(expected.line[0], "!any order") == 0) {
        lines_sort(&said);
        lines_sort(&expected);
        next = 1; /* '!' sorts before everything that is printed */
    }
    for (size_t i = 0; i < said.count; i++) {
        const char *line = said.line[i];

        printf("%s\n", line);
        while (next < expected.count && expected.line[next][0] == '?' &&
               fnmatch(&expected.line[next][1], line, 0) != 0)
            next++;
        if (next == expected.count) {
            printf("  ^ nothing more was expected\n");
            same = false;
            continue;
        }
        const char *pattern = expected.line[next++];
        pattern += pattern[0] == '?';
        if (fnmatch(pattern, line, 0) != 0) {
            printf("  ^ expected: %s\n", pattern);
            same = false;
        }
    }
    for (; next < expected.count; next++) {
        if (expected.line[next][0] != '?') {
            printf("  ^ missing: %s\n", expected.line[next]);
            same = false;
        }
    }
    return same;
}

static bool below(const char *what, double value, double limit)
{
    printf("%s: %.3f s, less than %.3f s allowed\n", what, value, limit);
    return value < limit;
}

enum verdict {
    FINE,
    LATE,                        /* right, but for MAX or CPU */
    WRONG,
};

struct limits {
    double min, max, cpu;        /* seconds */
};

static double seconds_of(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

static enum verdict attempt(char **program, const struct limits *limits)
{
    struct rusage usage;
    FILE *output;
    int status;

    double began = now();
    pid_t pid = program_start(program, &output);
    lines_read(output, &said);
    if (wait4(pid, &status, 0, &usage) < 0)
        die("wait4");
    double elapsed = now() - began;
    double cpu = seconds_of(&usage.ru_utime) + seconds_of(&usage.ru_stime);

    bool fine = output_matches();
    if (status != 0)
        printf("wait status %d\n", status);
    if (elapsed < limits->min)
        printf("took %.3f s, at least %.3f s expected\n", elapsed, limits->min);
    bool in_time = below("wall", elapsed, limits->max);
    bool frugal = below("processor", cpu, limits->cpu);
    if (!fine || status != 0 || elapsed < limits->min)
        return WRONG;
    return in_time && frugal ? FINE : LATE;
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        fprintf(stderr, "usage: check_example EXPECTED MIN MAX CPU PROGRAM\n");
        return 2;
    }
    const char *slow = getenv("ASYNCIO_TEST_SLOW");
    double factor = slow != NULL ? atof(slow) : 1;
    struct limits limits = {
        atof(argv[2]), atof(argv[3]) * factor, atof(argv[4]) * factor,
    };
    FILE *pattern_file = fopen(argv[1], "r");
    if (pattern_file == NULL)
        die(argv[1]);
    lines_read(pattern_file, &expected);

    enum verdict verdict = LATE;
    for (int i = 0; i < ATTEMPTS && verdict == LATE; i++)
        verdict = attempt(&argv[5], &limits);
    return verdict != FINE;
}
