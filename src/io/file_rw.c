/* SPDX-License-Identifier: MIT */
/*
 * Bytes of open files.
 *
 *    hot:   preadv2(RWF_NOWAIT) on the loop's own thread; that is all
 *    cold:  -EAGAIN; an operation, for the ring or for the pool
 *    short: the cache had a part; once more for the rest, to the end
 *
 * Where the file system cannot say what would wait (-EOPNOTSUPP: /proc, ext4
 * for writes), it is not asked again. With O_DIRECT it is never asked: there
 * RWF_NOWAIT starts the read and then waits for the disk.
 */
#include <errno.h>
#include <limits.h>

#include "io/file.h"
#include "io/pieces.h"
#include "sys/files.h"

/* ---- one step: some bytes ---- */

static ssize_t file_run(asyncio_file *file, enum op_kind kind,
                        const struct iovec *parts, size_t count,
                        int64_t offset)
{
    struct task_op op = {
        .op = {.kind = kind, .fd = file->fd, .vector = {parts, count, offset}},
    };
    return task_run_op(task_current(), &op, WAIT_FD);
}

/* A FIFO, a terminal: what is there, without an offset. */
static ssize_t file_run_unseekable(asyncio_file *file, enum op_kind kind,
                                   const struct iovec *part)
{
    struct task_op op = {
        .op = {.kind = kind,
               .fd = file->fd,
               .io = {.buf = part->iov_base, .len = part->iov_len}},
    };
    return task_run_op(task_current(), &op, WAIT_FD);
}

static ssize_t read_step(asyncio_file *file, const struct iovec *parts,
                         size_t count, int64_t offset)
{
    if (unlikely(!file->is_seekable))
        return file_run_unseekable(file, OP_READ, parts);
    if (likely(file->reads_nowait)) {
        int err = task_checkpoint(task_current());
        if (unlikely(err < 0))
            return err;
        ssize_t got = sys_preadv_nowait(file->fd, parts, count, offset);
        if (likely(got != -EAGAIN && got != -EOPNOTSUPP))
            return got;
        file->reads_nowait = got == -EAGAIN;
    }
    return file_run(file, OP_PREADV, parts, count, offset);
}

static ssize_t write_step(asyncio_file *file, const struct iovec *parts,
                          size_t count, int64_t offset)
{
    if (unlikely(!file->is_seekable))
        return file_run_unseekable(file, OP_WRITE, parts);
    if (file->writes_nowait) {
        int err = task_checkpoint(task_current());
        if (unlikely(err < 0))
            return err;
        ssize_t done = sys_pwritev_nowait(file->fd, parts, count, offset);
        if (done != -EAGAIN && done != -EOPNOTSUPP)
            return done;
        file->writes_nowait = done == -EAGAIN;
    }
    return file_run(file, OP_PWRITEV, parts, count, offset);
}

typedef ssize_t step_fn(asyncio_file *file, const struct iovec *parts,
                        size_t count, int64_t offset);

/* Calls `step` on what is left, from the caller's own array where no part of
 * it is half done. */
static ssize_t step_on(asyncio_file *file, step_fn *step,
                       const struct pieces *left, int64_t offset)
{
    struct iovec window[WINDOW_PARTS];
    size_t count = left->count < IOV_MAX ? left->count : IOV_MAX;
    if (likely(left->skip == 0))
        return step(file, left->parts, count, offset);
    count = pieces_window(left, window);
    return step(file, window, count, offset);
}

/* ---- all of it ---- */

/* Moves all pieces, unless the file ends, or a step fails: *moved says how far
 * it came, and the result is that of the last step. */
static ssize_t file_move(asyncio_file *file, step_fn *step,
                         struct pieces left, int64_t offset, size_t *moved)
{
    static const struct iovec nothing;
    ssize_t done;
    pieces_advance(&left, 0);
    if (unlikely(!left.count))
        return step(file, &nothing, 1, offset);
    do {
        done = step_on(file, step, &left, offset + (int64_t)*moved);
        if (unlikely(done == 0 && step == write_step))
            done = -EIO;         /* else this would go on for ever */
        if (done <= 0)
            break;
        pieces_advance(&left, (size_t)done);
        *moved += (size_t)done;
    } while (left.count && (file->is_seekable || step == write_step));
    return done;
}

static ssize_t file_read_pieces(asyncio_file *file, struct pieces pieces,
                                int64_t offset)
{
    size_t moved = 0;
    ssize_t got = file_move(file, read_step, pieces, offset, &moved);
    return moved ? (ssize_t)moved : got;
}

/* As that, of one piece: mostly one step, and then nothing else. */
static ssize_t file_read_piece(asyncio_file *file, void *buf, size_t len,
                               int64_t offset)
{
    struct iovec part = {.iov_base = buf, .iov_len = len};
    ssize_t got = read_step(file, &part, 1, offset);
    if (likely(got <= 0 || (size_t)got == len || !file->is_seekable))
        return got;
    part.iov_base = (char *)buf + got;
    part.iov_len = len - (size_t)got;
    ssize_t more = file_read_pieces(file, (struct pieces){&part, 1, 0},
                                    offset + got);
    return got + (more > 0 ? more : 0);
}

static ssize_t file_write_pieces(asyncio_file *file, struct pieces pieces,
                                 int64_t offset, size_t *moved)
{
    ssize_t done = file_move(file, write_step, pieces, offset, moved);
    return done < 0 ? done : (ssize_t)*moved;
}

/* ---- at an offset ---- */

/* file_begin, and what else an offset asks for. */
static int offset_begin(asyncio_file *file, int64_t offset)
{
    if (unlikely(!file->is_seekable))
        return -ESPIPE;
    if (unlikely(offset < 0))
        return -EINVAL;
    return file_begin(file);
}

ssize_t asyncio_file_pread(asyncio_file *file, void *buf, size_t len,
                           int64_t offset)
{
    int err = offset_begin(file, offset);
    if (unlikely(err < 0))
        return err;
    ssize_t got = file_read_piece(file, buf, len, offset);
    file_end(file);
    return got;
}

ssize_t asyncio_file_preadv(asyncio_file *file, const struct iovec *parts,
                            size_t count, int64_t offset)
{
    int err = parts_fit(parts, count) ? offset_begin(file, offset) : -EINVAL;
    if (err < 0)
        return err;
    ssize_t got =
        file_read_pieces(file, (struct pieces){parts, count, 0}, offset);
    file_end(file);
    return got;
}

static ssize_t file_pwrite(asyncio_file *file, struct pieces pieces,
                           int64_t offset, size_t *ret_moved)
{
    size_t moved = 0;
    ssize_t done = offset_begin(file, offset);
    if (done == 0) {
        done = file_write_pieces(file, pieces, offset, &moved);
        file_end(file);
    }
    if (ret_moved)
        *ret_moved = moved;
    return done;
}

ssize_t asyncio_file_pwrite(asyncio_file *file, const void *buf, size_t len,
                            int64_t offset, size_t *ret_moved)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)buf, .iov_len = len};
    return file_pwrite(file, (struct pieces){&part, 1, 0}, offset, ret_moved);
}

ssize_t asyncio_file_pwritev(asyncio_file *file, const struct iovec *parts,
                             size_t count, int64_t offset, size_t *ret_moved)
{
    if (!parts_fit(parts, count)) {
        if (ret_moved)
            *ret_moved = 0;
        return -EINVAL;
    }
    return file_pwrite(file, (struct pieces){parts, count, 0}, offset,
                       ret_moved);
}

/* ---- at the position ---- */

static int position_begin(asyncio_file *file)
{
    int err = file_begin(file);
    if (unlikely(err < 0))
        return err;
    if (unlikely(file->is_moving)) {
        file_end(file);
        return -EBUSY;
    }
    file->is_moving = true;
    return 0;
}

static void position_end(asyncio_file *file, size_t moved)
{
    file->position += (int64_t)moved;
    file->is_moving = false;
    file_end(file);
}

ssize_t asyncio_file_read(asyncio_file *file, void *buf, size_t len)
{
    int err = position_begin(file);
    if (unlikely(err < 0))
        return err;
    ssize_t got = file_read_piece(file, buf, len, file->position);
    position_end(file, got > 0 ? (size_t)got : 0);
    return got;
}

ssize_t asyncio_file_readv(asyncio_file *file, const struct iovec *parts,
                           size_t count)
{
    int err = parts_fit(parts, count) ? position_begin(file) : -EINVAL;
    if (err < 0)
        return err;
    ssize_t got = file_read_pieces(file, (struct pieces){parts, count, 0},
                                   file->position);
    position_end(file, got > 0 ? (size_t)got : 0);
    return got;
}

static ssize_t file_write(asyncio_file *file, struct pieces pieces,
                          size_t *ret_moved)
{
    size_t moved = 0;
    ssize_t done = position_begin(file);
    if (done == 0) {
        done = file_write_pieces(file, pieces, file->position, &moved);
        position_end(file, file->is_append ? 0 : moved);
    }
    if (ret_moved)
        *ret_moved = moved;
    return done;
}

ssize_t asyncio_file_write(asyncio_file *file, const void *buf, size_t len,
                           size_t *ret_moved)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)buf, .iov_len = len};
    return file_write(file, (struct pieces){&part, 1, 0}, ret_moved);
}

ssize_t asyncio_file_writev(asyncio_file *file, const struct iovec *parts,
                            size_t count, size_t *ret_moved)
{
    if (!parts_fit(parts, count)) {
        if (ret_moved)
            *ret_moved = 0;
        return -EINVAL;
    }
    return file_write(file, (struct pieces){parts, count, 0}, ret_moved);
}

/* ---- for sendfile ---- */

ssize_t file_read_some(asyncio_file *file, void *buf, size_t len,
                       int64_t offset)
{
    struct iovec part = {.iov_base = buf, .iov_len = len};
    return read_step(file, &part, 1, offset);
}

bool file_is_cached(asyncio_file *file, int64_t offset)
{
    char byte;
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    return file->reads_nowait && file->is_seekable &&
           sys_preadv_nowait(file->fd, &part, 1, offset) >= 0;
}
