/* SPDX-License-Identifier: MIT */
/*
 * What `./run demo` shows: the article's three programs as they run, a clock
 * beside each line, and then the five jobs as bars, sequential against
 * concurrent. Every number and every bar is measured from the lines as they
 * arrive; the programs know nothing of it.
 *
 * Each program runs on a pseudo terminal, so that it prints line by line as
 * it would for a person.
 */
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* The article has five; a program that prints others has them left out. */
enum { JOBS = 5, BAR_COLUMNS = 60 };

struct bar {
    double start;               /* seconds since the program began, or -1 */
    double finish;              /* the same */
};

struct program {
    const char *name;           /* its file in the folder of programs */
    const char *title;          /* what it shows */
    const char *colour;         /* of its bars, on a terminal */
    double elapsed;             /* wall-clock seconds, measured */
    double processor;           /* seconds of CPU time, user and system */
    struct bar bars[JOBS];
};

static bool on_terminal;
static const char *block = "#";

static const char *style(const char *code)
{
    return on_terminal ? code : "";
}

#define BOLD style("\033[1m")
#define DIM style("\033[2m")
#define PLAIN style("\033[0m")

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "demo: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Opens a pseudo terminal that passes bytes through as they are. */
static int terminal_open(int *ret_slave)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
        die("pseudo terminal");
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        die("pseudo terminal");

    struct termios mode;
    tcgetattr(slave, &mode);
    cfmakeraw(&mode);
    tcsetattr(slave, TCSANOW, &mode);
    *ret_slave = slave;
    return master;
}

static pid_t program_start(const char *path, int slave)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0) {
        dup2(slave, STDOUT_FILENO);
        execl(path, path, (char *)NULL);
        die(path);
    }
    close(slave);
    return pid;
}

/* Shows one line with its time, and keeps the time if it is about a job. */
static void program_line(struct program *program, const char *line, double at)
{
    int job;

    printf("   %s%5.2f s%s  %s\n", DIM, at, PLAIN, line);
    fflush(stdout);
    if (sscanf(line, "Starting job %d", &job) == 1 && job >= 0 && job < JOBS)
        program->bars[job].start = at;
    if (sscanf(line, "Finishing job %d", &job) == 1 && job >= 0 && job < JOBS)
        program->bars[job].finish = at;
}

/* Reads lines until the program has closed its end. */
static void program_follow(struct program *program, int master, double began)
{
    char line[256];
    size_t used = 0;

    for (;;) {
        char c;
        ssize_t got = read(master, &c, 1);
        if (got < 0 && errno == EINTR)
            continue;
        /* EIO is how a pseudo terminal says end of file. */
        if (got <= 0)
            break;
        if (c != '\n' && used < sizeof(line) - 1) {
            line[used++] = c;
            continue;
        }
        line[used] = '\0';
        used = 0;
        program_line(program, line, now() - began);
    }
    line[used] = '\0';
    if (used > 0)
        program_line(program, line, now() - began);
}

static bool program_run(struct program *program, const char *folder)
{
    char path[4096];
    struct rusage usage;
    int slave, status;

    for (int i = 0; i < JOBS; i++)
        program->bars[i] = (struct bar){-1, -1};
    snprintf(path, sizeof(path), "%s/%s", folder, program->name);
    printf("%s%s%s  examples/%s.c\n", BOLD, program->title, PLAIN,
           program->name);

    int master = terminal_open(&slave);
    double began = now();
    pid_t pid = program_start(path, slave);
    program_follow(program, master, began);
    if (wait4(pid, &status, 0, &usage) < 0)
        die("wait4");
    program->elapsed = now() - began;
    program->processor =
        (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
        (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    close(master);

    printf("   %selapsed %.2f s%s, of which the processor worked %.3f s\n\n",
           BOLD, program->elapsed, PLAIN, program->processor);
    if (status != 0)
        fprintf(stderr, "demo: %s failed\n", program->name);
    return status == 0;
}

static void repeat(const char *text, int count)
{
    for (int i = 0; i < count; i++)
        fputs(text, stdout);
}

/* Draws the jobs of one program; `scale` is columns per second. */
static void program_draw(const struct program *program, double scale)
{
    printf("%s  %s%.2f s%s\n", program->title, BOLD, program->elapsed, PLAIN);
    for (int i = 0; i < JOBS; i++) {
        const struct bar *bar = &program->bars[i];
        if (bar->start < 0 || bar->finish < bar->start)
            continue;
        int from = (int)(bar->start * scale + 0.5);
        int to = (int)(bar->finish * scale + 0.5);
        if (to > BAR_COLUMNS)
            to = BAR_COLUMNS;
        if (to == from && from < BAR_COLUMNS)
            to++;
        printf("   job %d |", i);
        repeat(" ", from);
        fputs(style(program->colour), stdout);
        repeat(block, to - from);
        fputs(PLAIN, stdout);
        repeat(" ", BAR_COLUMNS - to);
        printf("|\n");
    }
}

/* The ruler below the bars: a mark and its number at each whole second. */
static void ruler_draw(double longest, double scale)
{
    char marks[BAR_COLUMNS + 2];
    char numbers[BAR_COLUMNS + 16];
    int length = 0;

    memset(marks, '-', BAR_COLUMNS + 1);
    marks[BAR_COLUMNS + 1] = '\0';
    memset(numbers, ' ', sizeof(numbers));
    for (int second = 0; second <= (int)longest && second < 100; second++) {
        int column = (int)(second * scale + 0.5);
        char number[12];
        int digits = snprintf(number, sizeof(number), "%d s", second);

        marks[column] = '+';
        memcpy(&numbers[column], number, (size_t)digits);
        length = column + digits;
    }
    printf("         %s%s\n", DIM, marks);
    printf("         %.*s%s\n", length, numbers, PLAIN);
}

int main(int argc, char **argv)
{
    struct program programs[] = {
        {.name = "hello", .title = "Hello ... World"},
        {.name = "jobs_blocking",
         .title = "Five jobs, one after the other",
         .colour = "\033[33m"},
        {.name = "jobs",
         .title = "The same five jobs, together",
         .colour = "\033[32m"},
    };
    const struct program *blocking = &programs[1], *together = &programs[2];
    bool fine = true;

    if (argc != 2) {
        fprintf(stderr, "usage: demo FOLDER-OF-PROGRAMS\n");
        return 2;
    }
    setlocale(LC_CTYPE, "");
    on_terminal = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
    if (on_terminal && strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
        block = "\u2588";

    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
        fine = program_run(&programs[i], argv[1]) && fine;
    if (!fine)
        return EXIT_FAILURE;

    double longest = blocking->elapsed > together->elapsed
                         ? blocking->elapsed
                         : together->elapsed;
    double scale = BAR_COLUMNS / longest;
    program_draw(blocking, scale);
    printf("\n");
    program_draw(together, scale);
    ruler_draw(longest, scale);
    return EXIT_SUCCESS;
}
