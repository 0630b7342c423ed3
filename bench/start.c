/* SPDX-License-Identifier: MIT */
/*
 * start: the whole life of a process, from posix_spawn to its end, for each
 * of the given programs in turn, hundreds of times.
 *
 *     start ROW DIVISOR PROGRAM...
 *
 * Prints the median wall time of each under the program's own name.
 */
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { PROGRAMS_MAX = 4, RUNS = 400 };

extern char **environ;

static posix_spawn_file_actions_t to_null;

/* Runs the program once; its wall time in us. */
static double once(char *program)
{
    char *argv[] = {program, NULL};
    pid_t pid;
    int status;
    int64_t begin = bench_now_ns();
    int err = posix_spawn(&pid, program, &to_null, NULL, argv, environ);
    bench_check(err == 0, program);
    bench_check(waitpid(pid, &status, 0) == pid, "wait");
    double us = (double)(bench_now_ns() - begin) / 1000;
    bench_check(status == 0, program);
    return us;
}

static double median(double *values, long count)
{
    qsort(values, (size_t)count, sizeof *values, bench_compare);
    return values[count / 2];
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int main(int argc, char **argv)
{
    static double times[PROGRAMS_MAX][RUNS];
    int programs = argc - 3;
    bench_check(programs > 0 && programs <= PROGRAMS_MAX,
                "usage: start ROW DIVISOR PROGRAM...");
    posix_spawn_file_actions_init(&to_null);
    posix_spawn_file_actions_addopen(&to_null, STDOUT_FILENO, "/dev/null",
                                     O_WRONLY, 0);
    long runs = bench_count(argc, argv, RUNS);
    bench_check(runs > 0, "at least one run");
    for (int i = 0; i < programs; i++)
        once(argv[3 + i]);
    for (long run = 0; run < runs; run++)
        for (int i = 0; i < programs; i++)
            times[i][run] = once(argv[3 + i]);
    for (int i = 0; i < programs; i++)
        bench_report(base_name(argv[3 + i]), median(times[i], runs), "us");
    return 0;
}
