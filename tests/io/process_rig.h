/* SPDX-License-Identifier: MIT */
/* What the tests of child processes share. */
#ifndef IO_PROCESS_RIG_H
#define IO_PROCESS_RIG_H

#include "net_rig.h"

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

static UNUSED asyncio_process *
start_program(const char *const *argv,
              const struct asyncio_process_options *options)
{
    asyncio_process *process = NULL;
    int err = asyncio_create_subprocess_exec(argv, options, &process);
    ck_assert_msg(err == 0, "%s: %s", argv[0], asyncio_errname(err));
    return process;
}

static UNUSED asyncio_process *
start_shell(const char *command, const struct asyncio_process_options *options)
{
    asyncio_process *process = NULL;
    int err = asyncio_create_subprocess_shell(command, options, &process);
    ck_assert_msg(err == 0, "%s: %s", command, asyncio_errname(err));
    return process;
}

static UNUSED int wait_for(asyncio_process *process)
{
    int returncode = INT32_MIN;
    ck_assert_int_eq(asyncio_process_wait(process, &returncode), 0);
    return returncode;
}

/* What a shell's command says on its standard output. */
static UNUSED void
assert_shell_says(const char *command,
                  struct asyncio_process_options options, const char *words)
{
    struct asyncio_communication talk = {0};
    options.std_out.to = ASYNCIO_PIPE;
    asyncio_process *process = start_shell(command, &options);
    ck_assert_int_eq(asyncio_process_communicate(process, &talk), 0);
    ck_assert_str_eq(talk.out.bytes, words);
    ck_assert_int_eq(wait_for(process), 0);
    asyncio_communication_fini(&talk);
    asyncio_process_close(process);
}

/* The back end has its own descriptors afterwards. */
static UNUSED void warm_up(void)
{
    asyncio_process_close(start_program(ARGV("true"), NULL));
    let_a_turn_pass();
}

/* Neither running nor a zombie, as far as this process's children go. */
static UNUSED void assert_no_children(void)
{
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

/* Valgrind has none, for one. Virtual scenarios do without. */
static UNUSED void skip_without_pidfds(void)
{
    int pidfd = sys_pidfd_open(getpid());
    if (pidfd == -ENOSYS || pidfd == -EPERM)
        suite_skip("pidfd_open is missing or forbidden");
    sys_close(pidfd);
}

/* A shell that says so when it is ready, and then sleeps. */
static UNUSED asyncio_process *
start_sleeper(const char *before, struct asyncio_process_options options)
{
    char command[256];
    options.std_out.to = ASYNCIO_PIPE;
    snprintf(command, sizeof command, "%s echo ready; exec sleep 100",
             before ? before : "");
    asyncio_process *process = start_shell(command, &options);
    hear_text(asyncio_process_stdout(process), "ready\n");
    return process;
}

#endif
