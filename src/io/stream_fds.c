/* SPDX-License-Identifier: MIT */
/*
 * Descriptors over Unix streams (unix(7), SCM_RIGHTS). They travel with a byte
 * of the stream, and the room for receiving them is always as large as the
 * kernel's most, so that it is here that those which the caller has no room for
 * are counted and closed.
 */
#include <errno.h>
#include <string.h>

#include "io/stream.h"
#include "sys/sockets.h"

/* SCM_MAX_FD of the kernel: the most that go with one message. */
enum { FDS_MAX = 253 };

/* Credentials come along where the program has asked the socket for them. */
union fds_control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(FDS_MAX * sizeof(int)) +
               CMSG_SPACE(sizeof(struct ucred))];
};

/* TCP would drop the descriptors without a word. */
static int fds_check(const asyncio_stream *stream)
{
    int family = 0;
    socklen_t len = sizeof family;
    if (!stream->is_socket || stream->filter)
        return -EOPNOTSUPP;
    int err = sys_getsockopt(stream->source->fd, SOL_SOCKET, SO_DOMAIN,
                             &family, &len);
    if (err < 0)
        return err;
    return family == AF_UNIX ? 0 : -EOPNOTSUPP;
}

static ssize_t fds_run(asyncio_stream *stream, enum op_kind kind,
                       struct msghdr *header)
{
    struct task_op op;
    memset(&op, 0, sizeof op);
    op.op.kind = kind;
    op.op.message.header = header;
    return stream_run(stream, &op);
}

/* ---- sending ---- */

/* With a frame of its own: there is a kilobyte in it. */
static __attribute__((noinline)) ssize_t
fds_send_first(asyncio_stream *stream, const int *fds, size_t count,
               struct iovec *part)
{
    union fds_control control;
    struct msghdr header = {
        .msg_iov = part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = CMSG_SPACE(count * sizeof *fds),
    };
    memset(&control, 0, sizeof control);
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(count * sizeof *fds);
    memcpy(CMSG_DATA(rights), fds, count * sizeof *fds);
    return fds_run(stream, OP_SENDMSG, &header);
}

static ssize_t fds_send(asyncio_stream *stream, const int *fds, size_t count,
                        struct iovec part, size_t *moved)
{
    char *bytes = part.iov_base;
    ssize_t done = stream->has_ended ? -EPIPE : fds_check(stream);
    if (done == 0)
        done = fds_send_first(stream, fds, count, &part);
    while (done >= 0) {
        *moved += (size_t)done;
        if (*moved == part.iov_len)
            return (ssize_t)*moved;
        done = stream_push(stream, bytes + *moved, part.iov_len - *moved);
    }
    return done;
}

ssize_t asyncio_stream_send_fds(asyncio_stream *stream, const int *fds,
                                size_t count, const void *buf, size_t len,
                                size_t *ret_moved)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)buf, .iov_len = len};
    size_t moved = 0;
    ssize_t result = -EINVAL;
    if (fds && count && count <= FDS_MAX && len)
        result = stream_begin(stream, &stream->is_writing);
    if (result == 0) {
        result = fds_send(stream, fds, count, part, &moved);
        stream_end(stream, &stream->is_writing);
    }
    if (ret_moved)
        *ret_moved = moved;
    return result;
}

/* ---- receiving ---- */

static void fds_take(struct cmsghdr *rights,
                     struct asyncio_received_fds *received)
{
    size_t count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(rights) + i * sizeof fd, sizeof fd);
        if (received->count < received->size) {
            received->fds[received->count++] = fd;
        } else {
            sys_close(fd);
            received->lost++;
        }
    }
}

static void fds_take_all(struct msghdr *header,
                         struct asyncio_received_fds *received)
{
    struct cmsghdr *control = CMSG_FIRSTHDR(header);
    for (; control; control = CMSG_NXTHDR(header, control)) {
        if (control->cmsg_level == SOL_SOCKET &&
            control->cmsg_type == SCM_RIGHTS)
            fds_take(control, received);
    }
    /* There was room for all, so the process had none. */
    if (header->msg_flags & MSG_CTRUNC)
        received->lost++;
}

static __attribute__((noinline)) ssize_t
fds_receive(asyncio_stream *stream, struct iovec part,
            struct asyncio_received_fds *received)
{
    union fds_control control;
    struct msghdr header = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    if (buffer_len(&stream->ahead) || buffer_len(&stream->below))
        return -EBUSY;
    int err = fds_check(stream);
    if (err < 0)
        return err;
    ssize_t got = fds_run(stream, OP_RECVMSG, &header);
    if (got >= 0)
        fds_take_all(&header, received);
    if (got == 0)
        stream->is_at_end = true;
    return got;
}

ssize_t asyncio_stream_receive_fds(asyncio_stream *stream, void *buf,
                                   size_t len,
                                   struct asyncio_received_fds *received)
{
    struct iovec part = {.iov_base = buf, .iov_len = len};
    received->count = 0;
    received->lost = 0;
    if (!len)
        return -EINVAL;
    int err = stream_begin(stream, &stream->is_reading);
    if (err < 0)
        return err;
    ssize_t got = fds_receive(stream, part, received);
    stream_end(stream, &stream->is_reading);
    return got;
}
