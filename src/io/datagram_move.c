/* SPDX-License-Identifier: MIT */
/*
 * Sending and receiving datagrams, one by one and in batches.
 *
 * Everything is a message of recvmsg(2): a plain recv that is shorter than what
 * was asked for would tell the source that nothing more is there, which is
 * true of a stream alone.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#include "io/datagram.h"
#include "sys/sockets.h"

/* Room for one number beside the message: the size of its segments. */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

/* Another task may close it while the checkpoint lets it run. */
static ssize_t datagram_run(asyncio_datagram *datagram, struct task_op *op)
{
    struct asyncio_tcb *task = task_current();
    int err = task_checkpoint(task);
    if (unlikely(err < 0))
        return err;
    if (unlikely(!datagram->source))
        return -EBADF;
    op->op.source = datagram->source;
    op->op.fd = datagram->source->fd;
    return task_carry_op(task, op, WAIT_FD);
}

static ssize_t datagram_run_one(asyncio_datagram *datagram, enum op_kind kind,
                                struct msghdr *header, int flags)
{
    struct task_op op;
    memset(&op, 0, sizeof op);
    op.op.kind = kind;
    op.op.message.header = header;
    op.op.message.flags = flags;
    return datagram_run(datagram, &op);
}

static ssize_t datagram_run_many(asyncio_datagram *datagram, enum op_kind kind,
                                 struct mmsghdr *headers, unsigned count,
                                 int flags)
{
    struct task_op op;
    memset(&op, 0, sizeof op);
    op.op.kind = kind;
    op.op.messages.headers = headers;
    op.op.messages.count = count;
    op.op.messages.flags = flags;
    return datagram_run(datagram, &op);
}

/* ---- receiving one ---- */

/* A segment glued to the next would pass for one datagram. */
static int receive_begin(asyncio_datagram *datagram)
{
    if (datagram->gets_segments)
        return -EOPNOTSUPP;
    return datagram_begin(datagram, &datagram->is_receiving);
}

ssize_t asyncio_datagram_receive_from(asyncio_datagram *datagram, void *buf,
                                      size_t size,
                                      struct asyncio_address *ret_sender)
{
    struct iovec part = {.iov_base = buf, .iov_len = size};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    int err = receive_begin(datagram);
    if (unlikely(err < 0))
        return err;
    if (ret_sender) {
        header.msg_name = ret_sender->storage_;
        header.msg_namelen = sizeof ret_sender->storage_;
    }
    ssize_t len = datagram_run_one(datagram, OP_RECVMSG, &header, MSG_TRUNC);
    if (len >= 0 && ret_sender)
        ret_sender->len_ = header.msg_namelen;
    datagram_end(datagram, &datagram->is_receiving);
    return len;
}

ssize_t asyncio_datagram_receive(asyncio_datagram *datagram, void *buf,
                                 size_t size)
{
    return asyncio_datagram_receive_from(datagram, buf, size, NULL);
}

/* ---- receiving many ---- */

enum { WINDOW = 32 };

/* As much of a batch as goes to the kernel at once. */
struct window {
    struct mmsghdr headers[WINDOW];
    struct iovec parts[WINDOW];
    union control controls[WINDOW];
};

static void window_set(struct window *window, size_t index, void *buf,
                       size_t len)
{
    struct msghdr *header = &window->headers[index].msg_hdr;
    memset(&window->headers[index], 0, sizeof window->headers[index]);
    window->parts[index] = (struct iovec){.iov_base = buf, .iov_len = len};
    header->msg_iov = &window->parts[index];
    header->msg_iovlen = 1;
}

static void receive_prepare(struct window *window, size_t index,
                            struct asyncio_datagram_message *message,
                            bool gets_segments)
{
    struct msghdr *header = &window->headers[index].msg_hdr;
    window_set(window, index, message->buf, message->size);
    header->msg_name = message->address.storage_;
    header->msg_namelen = sizeof message->address.storage_;
    if (gets_segments) {
        header->msg_control = &window->controls[index];
        header->msg_controllen = sizeof window->controls[index];
    }
}

static size_t segment_size_of(struct msghdr *header)
{
    struct cmsghdr *control = CMSG_FIRSTHDR(header);
    int size = 0;
    if (control && control->cmsg_level == IPPROTO_UDP &&
        control->cmsg_type == UDP_GRO)
        memcpy(&size, CMSG_DATA(control), sizeof size);
    return (size_t)size;
}

static void receive_note(struct mmsghdr *from,
                         struct asyncio_datagram_message *message)
{
    message->len = from->msg_len;
    message->segment_size = segment_size_of(&from->msg_hdr);
    message->address.len_ = from->msg_hdr.msg_namelen;
}

static ssize_t receive_many(asyncio_datagram *datagram,
                            struct asyncio_datagram_message *messages,
                            unsigned count)
{
    struct window window;
    for (unsigned i = 0; i < count; i++)
        receive_prepare(&window, i, &messages[i], datagram->gets_segments);
    ssize_t got = datagram_run_many(datagram, OP_RECVMMSG, window.headers,
                                    count, MSG_TRUNC);
    for (ssize_t i = 0; i < got; i++)
        receive_note(&window.headers[i], &messages[i]);
    return got;
}

ssize_t asyncio_datagram_receive_many(asyncio_datagram *datagram,
                                      struct asyncio_datagram_message *messages,
                                      size_t count)
{
    if (!count)
        return -EINVAL;
    int err = datagram_begin(datagram, &datagram->is_receiving);
    if (unlikely(err < 0))
        return err;
    ssize_t got = receive_many(datagram, messages,
                               count < WINDOW ? (unsigned)count : WINDOW);
    datagram_end(datagram, &datagram->is_receiving);
    return got;
}

/* ---- sending ---- */

/* Nobody is told when another Unix socket's queue has room again, unless that
 * is the one which this is connected to. */
static bool send_is_blind(const asyncio_datagram *datagram,
                          const struct msghdr *header)
{
    return datagram->family == AF_UNIX && header->msg_name;
}

static ssize_t send_blindly(asyncio_datagram *datagram, struct mmsghdr *headers,
                            unsigned count)
{
    double pause = 0.001;
    ssize_t sent = task_checkpoint(task_current());
    while (sent == 0) {
        if (!datagram->source)
            return -EBADF;
        sent = sys_sendmmsg(datagram->source->fd, headers, count, 0);
        if (sent != -EAGAIN)
            break;
        sent = asyncio_sleep(pause);
        pause = fmin(2 * pause, 0.1);
    }
    return sent;
}

static ssize_t send_one(asyncio_datagram *datagram, struct msghdr *header)
{
    if (unlikely(send_is_blind(datagram, header))) {
        struct mmsghdr one = {.msg_hdr = *header};
        ssize_t sent = send_blindly(datagram, &one, 1);
        return sent < 0 ? sent : (ssize_t)one.msg_len;
    }
    return datagram_run_one(datagram, OP_SENDMSG, header, 0);
}

static int set_receiver(struct msghdr *header,
                        const struct asyncio_address *receiver)
{
    if (receiver->len_ > sizeof receiver->storage_)
        return -EINVAL;
    if (receiver->len_)
        header->msg_name = (void *)(uintptr_t)receiver->storage_;
    header->msg_namelen = receiver->len_;
    return 0;
}

ssize_t asyncio_datagram_sendto(asyncio_datagram *datagram, const void *buf,
                                size_t len,
                                const struct asyncio_address *receiver)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)buf, .iov_len = len};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    int err = receiver ? set_receiver(&header, receiver) : 0;
    if (err == 0)
        err = datagram_begin(datagram, &datagram->is_sending);
    if (unlikely(err < 0))
        return err;
    ssize_t sent = send_one(datagram, &header);
    datagram_end(datagram, &datagram->is_sending);
    return sent;
}

ssize_t asyncio_datagram_send(asyncio_datagram *datagram, const void *buf,
                              size_t len)
{
    return asyncio_datagram_sendto(datagram, buf, len, NULL);
}

/* ---- sending many ---- */

static int set_segments(asyncio_datagram *datagram, struct msghdr *header,
                        union control *control, size_t size)
{
    uint16_t value = (uint16_t)size;
    if (!datagram->can_segment)
        return -EOPNOTSUPP;
    if (size > UINT16_MAX)
        return -EINVAL;
    memset(control, 0, sizeof *control);
    header->msg_control = control;
    header->msg_controllen = CMSG_SPACE(sizeof value);
    struct cmsghdr *first = CMSG_FIRSTHDR(header);
    first->cmsg_level = IPPROTO_UDP;
    first->cmsg_type = UDP_SEGMENT;
    first->cmsg_len = CMSG_LEN(sizeof value);
    memcpy(CMSG_DATA(first), &value, sizeof value);
    return 0;
}

static int send_prepare(asyncio_datagram *datagram, struct window *window,
                        size_t index,
                        const struct asyncio_datagram_message *message)
{
    struct msghdr *header = &window->headers[index].msg_hdr;
    window_set(window, index, message->buf, message->len);
    int err = set_receiver(header, &message->address);
    if (err == 0 && message->segment_size)
        err = set_segments(datagram, header, &window->controls[index],
                           message->segment_size);
    return err;
}

/* At least one of them; how many. */
static ssize_t send_some(asyncio_datagram *datagram,
                         const struct asyncio_datagram_message *messages,
                         size_t count)
{
    struct window window;
    bool is_blind = false;
    unsigned filled = 0;
    while (filled < count && filled < WINDOW) {
        int err = send_prepare(datagram, &window, filled, &messages[filled]);
        if (err < 0 && !filled)
            return err;
        if (err < 0)
            break;               /* the others first */
        is_blind |= send_is_blind(datagram, &window.headers[filled].msg_hdr);
        filled++;
    }
    if (is_blind)
        return send_blindly(datagram, window.headers, filled);
    return datagram_run_many(datagram, OP_SENDMMSG, window.headers, filled, 0);
}

ssize_t asyncio_datagram_send_many(
    asyncio_datagram *datagram,
    const struct asyncio_datagram_message *messages, size_t count,
    size_t *ret_sent)
{
    size_t sent = 0;
    ssize_t result = count <= SSIZE_MAX ? 0 : -EINVAL;
    if (result == 0)
        result = datagram_begin(datagram, &datagram->is_sending);
    if (result == 0) {
        result = count ? 0 : task_checkpoint(task_current());
        while (sent < count && result >= 0) {
            result = send_some(datagram, messages + sent, count - sent);
            sent += result > 0 ? (size_t)result : 0;
        }
        datagram_end(datagram, &datagram->is_sending);
    }
    if (ret_sent)
        *ret_sent = sent;
    return result < 0 ? result : (ssize_t)sent;
}
