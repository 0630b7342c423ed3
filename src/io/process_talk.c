/* SPDX-License-Identifier: MIT */
/*
 * asyncio_process_communicate: one task writes the input, one reads each
 * output, all at once, since the child may do with them in any order.
 */
#include <errno.h>
#include <string.h>

#include <asyncio/scope.h>

#include "base/mem.h"
#include "io/process.h"
#include "io/stream.h"

#define LIMIT_DEFAULT ((size_t)16 * 1024 * 1024)
enum { OUTPUT_FIRST = 4096 };

/* ---- input ---- */

struct talk_input {
    asyncio_stream *stream;
    struct asyncio_communication *communication;
};

/* A child that has read enough, or has ended, is no failure of ours. */
static int talk_write(void *arg)
{
    const struct talk_input *input = arg;
    struct asyncio_communication *communication = input->communication;
    ssize_t done = 0;
    if (communication->input_len)
        done = asyncio_stream_write(input->stream, communication->input,
                                    communication->input_len,
                                    &communication->input_taken);
    if (done == -EPIPE || done == -ECONNRESET)
        done = 0;
    if (done < 0)
        return (int)done;
    int err = asyncio_stream_write_eof(input->stream);
    return err == -EBADF ? 0 : err; /* said already */
}

/* ---- outputs ---- */

struct talk_output {
    asyncio_stream *stream;
    struct asyncio_output *output;
    size_t capacity;
    size_t limit;
};

/* Sees to it that there is room, for the NUL too. */
static int output_grow(struct talk_output *talk)
{
    struct asyncio_output *output = talk->output;
    size_t capacity = talk->capacity ? talk->capacity * 2 : OUTPUT_FIRST;
    if (output->len + 1 < talk->capacity)
        return 0;
    if (capacity > talk->limit)
        capacity = talk->limit + 1;
    char *bytes = mem_realloc(output->bytes, capacity);
    if (!bytes)
        return -ENOMEM;
    output->bytes = bytes;
    talk->capacity = capacity;
    return 0;
}

/* At the limit one byte more tells whether that was all. */
static ssize_t output_read(struct talk_output *talk)
{
    struct asyncio_output *output = talk->output;
    char beyond;
    if (output->len == talk->limit) {
        ssize_t got = asyncio_stream_read(talk->stream, &beyond, 1);
        return got > 0 ? -EMSGSIZE : got;
    }
    int err = output_grow(talk);
    if (err < 0)
        return err;
    ssize_t got = asyncio_stream_read(talk->stream, output->bytes + output->len,
                                      talk->capacity - 1 - output->len);
    output->len += got > 0 ? (size_t)got : 0;
    output->bytes[output->len] = '\0';
    return got;
}

static int talk_read(void *arg)
{
    ssize_t got;
    do
        got = output_read(arg);
    while (got > 0);
    return (int)got;
}

/* ---- all at once ---- */

struct talk {
    struct talk_input input;
    struct talk_output out;
    struct talk_output err;
};

static int talk_start(struct asyncio_group *group, asyncio_fn *fn, void *arg,
                      const asyncio_stream *stream)
{
    if (!stream)
        return 0;
    return asyncio_task_error(asyncio_group_create_task(group, fn, arg));
}

static int talk_run(struct asyncio_group *group, void *arg)
{
    struct talk *talk = arg;
    int err = talk_start(group, talk_write, &talk->input, talk->input.stream);
    if (err == 0)
        err = talk_start(group, talk_read, &talk->out, talk->out.stream);
    if (err == 0)
        err = talk_start(group, talk_read, &talk->err, talk->err.stream);
    return err;
}

static int process_talk(struct asyncio_process *process,
                        struct asyncio_communication *communication)
{
    size_t limit = communication->limit ? communication->limit : LIMIT_DEFAULT;
    struct talk talk = {
        .input = {asyncio_process_stdin(process), communication},
        .out = {asyncio_process_stdout(process), &communication->out, 0, limit},
        .err = {asyncio_process_stderr(process), &communication->err, 0, limit},
    };
    int err = asyncio_group_run(talk_run, &talk);
    return err < 0 ? err : process_await_end(process);
}

int asyncio_process_communicate(asyncio_process *process,
                                struct asyncio_communication *communication)
{
    if (communication->limit == SIZE_MAX)
        return -EINVAL;          /* no room for the NUL */
    int err = process_enter(process);
    if (err < 0)
        return err;
    communication->input_taken = 0;
    err = process_talk(process, communication);
    err = process_wait_result(process, err);
    process_leave(process);
    return err;
}

void asyncio_communication_fini(struct asyncio_communication *communication)
{
    mem_free(communication->out.bytes);
    mem_free(communication->err.bytes);
    communication->out = (struct asyncio_output){NULL, 0};
    communication->err = (struct asyncio_output){NULL, 0};
}
