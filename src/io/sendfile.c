/* SPDX-License-Identifier: MIT */
/*
 * A file to a stream. sendfile(2) waits for nobody's socket but, on the loop's
 * own thread, for the disk; so it is used as far as the page cache has what
 * comes next, and what it has not is read as any file is, and written. The
 * kernel reads ahead of both, so that after the first step of a file in
 * sequence the next one mostly finds its bytes.
 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "io/file.h"
#include "io/stream.h"

enum {
    SEND_STEP = 512 * 1024,      /* that one look into the cache stands for */
    COPY_STEP = 64 * 1024,
    COPY_ALIGN = 4096,           /* what O_DIRECT may ask for */
};

struct sending {
    asyncio_stream *stream;
    asyncio_file *file;
    int64_t offset;
    size_t left;                 /* SIZE_MAX: to the end */
    bool is_plain;               /* sendfile(2) will do */
    char *block;                 /* of COPY_STEP, aligned; NULL: none yet */
    void *memory;                /* that it is in */
};

/* ---- in the kernel ---- */

static bool stream_sends_plain(const asyncio_stream *stream)
{
    const struct asyncio_filter *filter = stream->filter;
    return !filter ||
           (filter->class_->sends_plain && filter->class_->sends_plain(filter));
}

static size_t step_len(const struct sending *sending, size_t most)
{
    return sending->left < most ? sending->left : most;
}

/* Are the first and the last byte of the next `len` there? Beyond the end
 * there is nothing to wait for. */
static bool next_is_cached(const struct sending *sending, size_t len)
{
    return file_is_cached(sending->file, sending->offset) &&
           file_is_cached(sending->file,
                          sending->offset + (int64_t)len - 1);
}

static ssize_t send_in_kernel(struct sending *sending, size_t len)
{
    struct task_op op = {
        .op = {.kind = OP_SENDFILE,
               .sendfile = {sending->file->fd, sending->offset, len}},
    };
    /* On a bare descriptor it might block. */
    if (!sending->stream->source && stream_fd(sending->stream) >= 0)
        return -EOPNOTSUPP;
    return stream_run(sending->stream, &op);
}

/* ---- through our hands ---- */

static int get_block(struct sending *sending)
{
    if (sending->block)
        return 0;
    sending->memory = mem_alloc(COPY_STEP + COPY_ALIGN);
    if (!sending->memory)
        return -ENOMEM;
    uintptr_t address = (uintptr_t)sending->memory;
    sending->block =
        (char *)sending->memory + (COPY_ALIGN - address % COPY_ALIGN);
    return 0;
}

/* With O_DIRECT a length must fit too: up to the end of the block. */
static size_t hand_len(const struct sending *sending)
{
    size_t len = step_len(sending, COPY_STEP);
    return (len + COPY_ALIGN - 1) / COPY_ALIGN * COPY_ALIGN;
}

static ssize_t send_by_hand(struct sending *sending, size_t *moved)
{
    ssize_t got = get_block(sending);
    if (got == 0)
        got = file_read_some(sending->file, sending->block, hand_len(sending),
                             sending->offset);
    if (got <= 0)
        return got;
    size_t len = step_len(sending, (size_t)got);
    ssize_t done = 1;
    while (*moved < len && done > 0) {
        done = stream_push(sending->stream, sending->block + *moved,
                           len - *moved);
        *moved += done > 0 ? (size_t)done : 0;
    }
    return done;
}

/* ---- one after the other ---- */

/* Some bytes in *moved; the result is 0 at the end, else that of the last
 * write. */
static ssize_t send_step(struct sending *sending, size_t *moved)
{
    size_t len = step_len(sending, SEND_STEP);
    if (sending->is_plain && next_is_cached(sending, len)) {
        ssize_t done = send_in_kernel(sending, len);
        if (done > 0)
            *moved = (size_t)done;
        if (done != -EINVAL && done != -EOPNOTSUPP)
            return done;
        sending->is_plain = false; /* no such way from this kind of file */
    }
    return send_by_hand(sending, moved);
}

static ssize_t send_all(struct sending *sending, size_t *total)
{
    ssize_t done = 1;
    while (sending->left > 0 && done > 0) {
        size_t moved = 0;
        done = send_step(sending, &moved);
        *total += moved;
        sending->offset += (int64_t)moved;
        if (sending->left != SIZE_MAX)
            sending->left -= moved;
    }
    mem_free(sending->memory);
    return done < 0 ? done : (ssize_t)*total;
}

static ssize_t send_begun(asyncio_stream *stream, asyncio_file *file,
                          int64_t offset, size_t count, size_t *moved)
{
    struct sending sending = {
        .stream = stream,
        .file = file,
        .offset = offset,
        .left = count ? count : SIZE_MAX,
        .is_plain = stream_sends_plain(stream),
    };
    if (!file->is_seekable)
        return -ESPIPE;
    if (offset < 0 || offset > INT64_MAX - SEND_STEP)
        return -EINVAL;
    if (stream->has_ended)
        return -EPIPE;
    return send_all(&sending, moved);
}

ssize_t asyncio_stream_sendfile(asyncio_stream *stream, asyncio_file *file,
                                int64_t offset, size_t count,
                                size_t *ret_moved)
{
    size_t moved = 0;
    ssize_t result = stream_begin(stream, &stream->is_writing);
    if (result == 0) {
        result = file_begin(file);
        if (result == 0) {
            result = send_begun(stream, file, offset, count, &moved);
            file_end(file);
        }
        stream_end(stream, &stream->is_writing);
    }
    if (ret_moved)
        *ret_moved = moved;
    return result;
}
