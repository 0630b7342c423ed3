/* SPDX-License-Identifier: MIT */
/*
 * What the tests above the engine share: scenarios, which are the main task of
 * a run on the back end that the environment names, and on many seeds where
 * that is the simulation; small coroutines; a child process that is watched.
 *
 *     SCENARIO(sleeping_takes_time)
 *     {
 *         ck_assert_int_eq(asyncio_sleep(TICK), 0);
 *     }
 */
#ifndef TASK_RIG_H
#define TASK_RIG_H

#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asyncio.h>
#include <asyncio/testing.h>

#include "base/base.h"
#include "ctx/sanitizer.h"
#include "sys/sys.h"

#define UNUSED __attribute__((unused))

/* ---- runs ---- */

/* How many orders of the ready tasks a scenario is simulated in. */
enum { RIG_SEEDS = 40 };

static UNUSED bool rig_is_virtual(void)
{
    const char *name = getenv("ASYNCIO_BACKEND");
    return name && strcmp(name, "sim") == 0;
}

/* The unit of time of scenarios: what is free on the virtual clock is short on
 * the real one. */
#define TICK (rig_is_virtual() ? 1.0 : 0.01)

/* How much slower than usual everything is here (valgrind, sanitizers). */
static UNUSED long rig_slowness(void)
{
    const char *slow = getenv("ASYNCIO_TEST_SLOW");
    long factor = slow ? strtol(slow, NULL, 10) : 1;
    return factor < 1 ? 1 : factor;
}

/* Each seed is a run of its own; the slow tools look for other things. */
static UNUSED uint64_t rig_seeds(void)
{
    long seeds = RIG_SEEDS / rig_slowness();
    return seeds < 4 ? 4 : (uint64_t)seeds;
}

static UNUSED void scenario_run(asyncio_fn *fn)
{
    ck_assert_int_eq(asyncio_run(fn, NULL), 0);
    if (!rig_is_virtual())
        return;
    for (uint64_t seed = 1; seed <= rig_seeds(); seed++) {
        int err = asyncio_run_simulated(seed, fn, NULL);
        ck_assert_msg(err == 0, "seed %d: %d", (int)seed, err);
    }
}

/* A test whose body is the main task of such runs. */
#define SCENARIO(name)                                                         \
    static void name##_body(void);                                             \
    static int name##_main(void *arg)                                          \
    {                                                                          \
        (void)arg;                                                             \
        name##_body();                                                         \
        return 0;                                                              \
    }                                                                          \
    START_TEST(name)                                                           \
    {                                                                          \
        scenario_run(name##_main);                                             \
    }                                                                          \
    END_TEST                                                                   \
    static void name##_body(void)

/* Whether `seconds` have passed since `start`: exactly, on the virtual clock;
 * on the real one not less, and not ridiculously more. */
static UNUSED void assert_passed(double start, double seconds)
{
    double passed = asyncio_time() - start;
    ck_assert_double_ge(passed, seconds - 1e-6);
    ck_assert_double_le(passed, seconds + (rig_is_virtual() ? 1e-6 : 5.0));
}

/* ---- small coroutines ---- */

static UNUSED int return_value(void *arg)
{
    return *(int *)arg;
}

static UNUSED int sleep_seconds(void *arg)
{
    return asyncio_sleep(*(double *)arg);
}

static UNUSED int sleep_for_ever(void *arg)
{
    (void)arg;
    return asyncio_sleep(ASYNCIO_FOREVER);
}

/* Lets the ready tasks run, often enough for whatever follows from that. */
static UNUSED void let_others_run(void)
{
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(asyncio_sleep(0), 0);
}

/* Sleeps, then returns or fails as told. */
struct job {
    double seconds;
    int result;
    bool began, ended;
    int slept;                   /* what the sleep returned */
};

static UNUSED int run_job(void *arg)
{
    struct job *job = arg;
    job->began = true;
    job->slept = asyncio_sleep(job->seconds);
    job->ended = true;
    return job->slept < 0 ? job->slept : job->result;
}

/* ---- counting ---- */

static UNUSED int count_fds(void)
{
    int count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* A figure of /proc/self/status or /proc/meminfo in KiB; -1: not there. */
static UNUSED long proc_kib(const char *file, const char *field)
{
    char line[256];
    long kib = -1;
    FILE *stream = fopen(file, "r");
    while (stream && fgets(line, sizeof line, stream)) {
        if (strncmp(line, field, strlen(field)) == 0)
            kib = strtol(line + strlen(field) + 1, NULL, 10);
    }
    if (stream)
        fclose(stream);
    return kib;
}

/* ---- a process of its own ---- */

struct outcome {
    int status;                  /* as waitpid's */
    char said[8192];             /* on standard error */
};

static UNUSED void outcome_read(struct outcome *outcome, int fd)
{
    size_t len = 0;
    ssize_t got;
    while (len < sizeof outcome->said - 1 &&
           (got = read(fd, outcome->said + len,
                       sizeof outcome->said - 1 - len)) > 0)
        len += (size_t)got;
    outcome->said[len] = '\0';
}

/* Calls fn(arg) in a forked child, which may die of it; what came of that. A
 * child that hangs dies of SIGALRM. */
static UNUSED struct outcome in_child(void (*fn)(void *arg), void *arg)
{
    struct outcome outcome;
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        alarm((unsigned)(15 * rig_slowness()));
        fn(arg);
        fflush(NULL);
        _exit(0);
    }
    close(ends[1]);
    outcome_read(&outcome, ends[0]);
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &outcome.status, 0), child);
    return outcome;
}

static UNUSED void assert_exited(const struct outcome *outcome, int status)
{
    ck_assert_msg(WIFEXITED(outcome->status) &&
                      WEXITSTATUS(outcome->status) == status,
                  "status %#x, said: %s", (unsigned)outcome->status,
                  outcome->said);
}

static UNUSED void assert_died(const struct outcome *outcome, int signo)
{
    ck_assert_msg(WIFSIGNALED(outcome->status) &&
                      WTERMSIG(outcome->status) == signo,
                  "status %#x, said: %s", (unsigned)outcome->status,
                  outcome->said);
}

static UNUSED void assert_said(const struct outcome *outcome, const char *words)
{
    ck_assert_msg(strstr(outcome->said, words) != NULL,
                  "\"%s\" is not in: %s", words, outcome->said);
}

static UNUSED void assert_silent(const struct outcome *outcome)
{
    ck_assert_str_eq(outcome->said, "");
}

/* Runs a main task in a child process; the child's exit status is 0 when that
 * returned 0, else 1. */
static UNUSED void run_in_child_body(void *arg)
{
    asyncio_fn **fn = arg;
    int err = asyncio_run(*fn, NULL);
    if (err != 0) {
        fflush(NULL);
        _exit(1);
    }
}

static UNUSED struct outcome run_in_child(asyncio_fn *fn)
{
    return in_child(run_in_child_body, &fn);
}

#endif
