/* SPDX-License-Identifier: MIT */
/*
 * Runs the jobs of a file, those that need others after them, and what can be
 * at once at once. What a job says is shown as a whole when it has ended. The
 * first one that fails stops those that run, and nothing else is begun.
 *
 *     runner [-j MOST] FILE            as many at once as there are processors
 *
 * The file is made of jobs like this one, in any order:
 *
 *     program: library header          # what it needs
 *         cc -c main.c                 # lines for the shell
 *         cc -o program main.o library.a
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <asyncio.h>

enum { JOBS_MAX = 1000, NEEDS_MAX = 16, NAME_SIZE = 64, SCRIPT_SIZE = 4096 };

struct job {
    char name[NAME_SIZE];
    size_t needs[NEEDS_MAX];     /* jobs, by index */
    size_t need_count;
    bool is_told;                /* the file has it, and not only needs it */
    enum { UNSEEN, ON_PATH, SEEN } mark; /* of the search for circles */
    char script[SCRIPT_SIZE];
    struct asyncio_event done;
};

static struct job jobs[JOBS_MAX];
static size_t job_count;
static struct asyncio_semaphore slots;

/* ---- the file ---- */

static _Noreturn void die(const char *name, const char *what)
{
    fprintf(stderr, "runner: %s: %s\n", name, what);
    exit(2);
}

static size_t job_named(const char *name)
{
    for (size_t i = 0; i < job_count; i++) {
        if (strcmp(jobs[i].name, name) == 0)
            return i;
    }
    if (job_count == JOBS_MAX || strlen(name) >= NAME_SIZE)
        die(name, "more than there is room for");
    strcpy(jobs[job_count].name, name);
    return job_count++;
}

/* "NAME: NEED NEED ..." */
static struct job *read_needs(char *line)
{
    char *needs = strchr(line, ':');
    if (!needs)
        die(line, "neither a job nor a line of one");
    *needs++ = '\0';
    struct job *job = &jobs[job_named(line)];
    if (job->is_told)
        die(line, "is there twice");
    job->is_told = true;
    for (char *need; (need = strtok(needs, " \t")); needs = NULL) {
        if (job->need_count == NEEDS_MAX)
            die(line, "needs too much");
        job->needs[job->need_count++] = job_named(need);
    }
    return job;
}

static void read_jobs(const char *path)
{
    char *line = NULL;
    size_t size = 0;
    struct job *job = NULL;
    FILE *file = fopen(path, "r");
    if (!file)
        die(path, strerror(errno));
    while (getline(&line, &size, file) > 0) {
        if (job && strchr(" \t", *line)) {
            if (strlen(job->script) + strlen(line) >= SCRIPT_SIZE)
                die(job->name, "is too long");
            strcat(job->script, line);
        } else {
            line[strcspn(line, "#\n")] = '\0';
            job = *line ? read_needs(line) : job;
        }
    }
    free(line);
    fclose(file);
}

/* Jobs that wait for each other would wait for ever. */
static void check_job(struct job *job)
{
    if (!job->is_told)
        die(job->name, "is needed, and is not there");
    if (job->mark == ON_PATH)
        die(job->name, "needs itself");
    if (job->mark == SEEN)
        return;
    job->mark = ON_PATH;
    for (size_t i = 0; i < job->need_count; i++)
        check_job(&jobs[job->needs[i]]);
    job->mark = SEEN;
}

/* ---- a job ---- */

static void print_output(const struct job *job, char *text)
{
    for (char *line; text && (line = strsep(&text, "\n"));) {
        if (*line || text)
            printf("[%s] %s\n", job->name, line);
    }
}

static int job_result(const struct job *job, int code)
{
    if (code == 0)
        return 0;
    if (code < 0)
        printf("[%s] failed: %s\n", job->name, strsignal(-code));
    else
        printf("[%s] failed: exit status %d\n", job->name, code);
    return -EIO;
}

/* When this is cancelled, closing the process ends it and all that it has
 * started, before the task ends. */
static int job_execute(const struct job *job)
{
    const char *argv[] = {"sh", "-e", "-c", job->script, NULL};
    const struct asyncio_process_options options = {
        .std_in = {.to = ASYNCIO_DEVNULL},
        .std_out = {.to = ASYNCIO_PIPE},
        .std_err = {.to = ASYNCIO_STDOUT},
        .new_group = true,
        .kill_group = true,
        .grace = 1,
    };
    struct asyncio_communication talk = {.limit = 64 * 1024 * 1024};
    asyncio_process *process;
    int code;
    int err = asyncio_create_subprocess_exec(argv, &options, &process);
    if (err < 0)
        return err;
    err = asyncio_process_communicate(process, &talk);
    if (err == 0)
        err = asyncio_process_returncode(process, &code);
    print_output(job, talk.out.bytes);
    if (err == 0)
        err = job_result(job, code);
    asyncio_communication_fini(&talk);
    asyncio_process_close(process);
    return err;
}

static int job_run(void *arg)
{
    struct job *job = arg;
    int err = 0;
    for (size_t i = 0; i < job->need_count && err == 0; i++)
        err = asyncio_event_wait(&jobs[job->needs[i]].done);
    if (err == 0)
        err = asyncio_semaphore_acquire(&slots);
    if (err < 0)
        return err;
    err = job_execute(job);
    asyncio_semaphore_release(&slots);
    if (err == 0)
        asyncio_event_set(&job->done);
    return err;
}

/* Each job is a task of one group: the first that fails cancels the others,
 * those that run and those that wait for their turn. */
static int run_jobs(void *arg)
{
    struct asyncio_group group;
    int err = asyncio_group_begin(&group);
    if (err < 0)
        return err;
    asyncio_semaphore_init(&slots, *(size_t *)arg);
    for (size_t i = 0; i < job_count; i++)
        asyncio_event_init(&jobs[i].done);
    for (size_t i = 0; i < job_count && err == 0; i++)
        err = asyncio_task_error(
            asyncio_group_create_task(&group, job_run, &jobs[i]));
    return asyncio_group_end(&group, err);
}

int main(int argc, char **argv)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t most = processors > 0 ? (size_t)processors : 1;
    int option;
    setvbuf(stdout, NULL, _IOLBF, 0);
    while ((option = getopt(argc, argv, "j:")) == 'j')
        most = strtoul(optarg, NULL, 10);
    if (option != -1 || most == 0 || argc - optind != 1) {
        fprintf(stderr, "usage: runner [-j MOST] FILE\n");
        return 2;
    }
    read_jobs(argv[optind]);
    for (size_t i = 0; i < job_count; i++)
        check_job(&jobs[i]);
    int err = asyncio_run(run_jobs, &most);
    if (err < 0 && err != -EIO)
        fprintf(stderr, "runner: %s\n", asyncio_strerror(err));
    return err < 0;
}
