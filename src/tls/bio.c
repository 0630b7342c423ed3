/* SPDX-License-Identifier: MIT */
/*
 * The socket, as OpenSSL sees it: a BIO that never suspends. So an SSL is never
 * in use by two tasks, whatever they wait for, and no call of OpenSSL's is left
 * open while another task makes one.
 *
 * Reading: OpenSSL's own buffer is what the socket is read into, as much as
 * there is. Nothing there: it says so, and whoever reads waits outside.
 *
 * Writing never fails here and takes everything: to the socket what that takes,
 * the rest to `out`. OpenSSL then never has half a record in its hands that
 * only the same write, with the same bytes, could finish: a cancelled writer
 * leaves whole records behind, and anybody may push them on. A socket that
 * cannot be written to any more is told of by out_err; meanwhile OpenSSL goes
 * on reading, where the reason may be found (an alert).
 *
 * kTLS: the kernel makes the records of what is written (never reads them: that
 * has to be asked for with a call that only the SSL's own BIO makes). Bytes of
 * the program then go past OpenSSL to the socket. What OpenSSL itself has to
 * say, tickets and alerts, are messages with a mark, which a BIO of the socket
 * sends: `kernel`. It knows nothing of the stream, so when the socket takes no
 * more there is no news to wait for; OpenSSL is told to try again, and whoever
 * waits for that looks every millisecond. It happens only when an alert comes
 * after more than the socket holds.
 */
#include <asyncio/fd.h>
#include <errno.h>

#include "base/mem.h"
#include "tls/filter.h"

/* ---- what waits for the socket ---- */

static void out_fail(struct tls *tls, int err)
{
    tls->out_err = err;
    buffer_free(&tls->out);
}

int out_push(struct tls *tls)
{
    struct buffer *out = &tls->out;
    while (buffer_len(out)) {
        ssize_t took = asyncio_stream_raw_try_write(
            tls->filter.stream, buffer_start(out), buffer_len(out));
        if (took == -EAGAIN)
            return -EAGAIN;
        if (took < 0)
            out_fail(tls, (int)took);
        else
            buffer_skip(out, (size_t)took);
    }
    buffer_free(out);
    return tls->out_err;
}

int out_flush(struct tls *tls)
{
    int err;
    while ((err = out_push(tls)) == -EAGAIN) {
        err = asyncio_stream_raw_wait(tls->filter.stream, ASYNCIO_WRITABLE);
        if (err < 0)
            return err;
    }
    return err;
}

static void out_add(struct tls *tls, const char *bytes, size_t len)
{
    struct buffer *out = &tls->out;
    if (!len)
        return;
    if (buffer_reserve(out, len) < 0) {
        out_fail(tls, -ENOMEM);  /* a record is missing: it is over */
        return;
    }
    memcpy(out->bytes + out->end, bytes, len);
    out->end += len;
}

/* ---- the kernel's TLS ---- */

bool kernel_has_tls(void)
{
    char line[256] = "";
    BIO *file = BIO_new_file("/proc/sys/net/ipv4/tcp_available_ulp", "r");
    if (file)
        (void)BIO_gets(file, line, sizeof line);
    BIO_free(file);
    return strstr(line, "tls");
}

bool kernel_writes(const struct tls *tls)
{
    return unlikely(tls->kernel) && BIO_get_ktls_send(tls->kernel);
}

/* A message of OpenSSL's own. */
static int kernel_write(struct tls *tls, BIO *bio, const char *bytes,
                        size_t len)
{
    int took = BIO_write(tls->kernel, bytes, (int)len);
    if (took == (int)len)
        return 1;
    if (BIO_should_retry(tls->kernel)) {
        BIO_set_retry_write(bio);
        return -1;
    }
    out_fail(tls, -EPIPE);
    return 1;
}

/* What OpenSSL asks of sockets: to turn to the kernel, once all that was
 * written before is there, and to mark a message. */
static long kernel_control(struct tls *tls, int what, long number,
                           void *pointer)
{
    if (!tls->kernel || buffer_len(&tls->out))
        return 0;
    return BIO_ctrl(tls->kernel, what, number, pointer);
}

/* ---- the BIO's methods ---- */

static int bio_write(BIO *bio, const char *bytes, size_t len, size_t *ret_len)
{
    struct tls *tls = BIO_get_data(bio);
    ssize_t took = 0;
    BIO_clear_retry_flags(bio);
    *ret_len = len;
    if (tls->out_err < 0)
        return 1;
    if (kernel_writes(tls))
        return kernel_write(tls, bio, bytes, len);
    if (!buffer_len(&tls->out))
        took = asyncio_stream_raw_try_write(tls->filter.stream, bytes, len);
    if (took == -EAGAIN)
        took = 0;
    if (took < 0)
        out_fail(tls, (int)took);
    else
        out_add(tls, bytes + took, len - (size_t)took);
    return 1;
}

static int bio_read(BIO *bio, char *buf, size_t size, size_t *ret_len)
{
    struct tls *tls = BIO_get_data(bio);
    ssize_t got = asyncio_stream_raw_try_read(tls->filter.stream, buf, size);
    BIO_clear_retry_flags(bio);
    *ret_len = got > 0 ? (size_t)got : 0;
    tls->has_heard |= got > 0 && tls->state == TLS_OPEN;
    if (got > 0)
        return 1;
    if (got == -EAGAIN)
        BIO_set_retry_read(bio);
    else if (got == 0)
        tls->is_cut = true;
    else
        tls->in_err = (int)got;
    return got == 0 ? 0 : -1;
}

static long bio_control(BIO *bio, int what, long number, void *pointer)
{
    struct tls *tls = BIO_get_data(bio);
    switch (what) {
    case BIO_CTRL_FLUSH:
        return 1;                /* who made it flush, flushes */
    case BIO_CTRL_EOF:
        return tls->is_cut;
    default:
        return bio == tls->writer
                   ? kernel_control(tls, what, number, pointer)
                   : 0;
    }
}

/* ---- attaching ---- */

static pthread_once_t method_once = PTHREAD_ONCE_INIT;
static BIO_METHOD *method;

static void method_make(void)
{
    int type = BIO_get_new_index();
    if (type < 0)
        return;
    method = BIO_meth_new(type | BIO_TYPE_SOURCE_SINK, "asyncio stream");
    if (!method)
        return;
    BIO_meth_set_write_ex(method, bio_write);
    BIO_meth_set_read_ex(method, bio_read);
    BIO_meth_set_ctrl(method, bio_control);
}

static BIO *bio_new(struct tls *tls)
{
    pthread_once(&method_once, method_make);
    BIO *bio = method ? BIO_new(method) : NULL;
    if (bio) {
        BIO_set_data(bio, tls);
        BIO_set_init(bio, 1);
    }
    return bio;
}

int bio_attach(struct tls *tls)
{
    BIO *reader = bio_new(tls), *writer = bio_new(tls);
    if (!reader || !writer) {
        BIO_free(reader);
        BIO_free(writer);
        return -ENOMEM;
    }
    tls->writer = writer;
    SSL_set_bio(tls->ssl, reader, writer);
    return 0;
}

int bio_attach_kernel(struct tls *tls)
{
    int fd = asyncio_stream_fd(tls->filter.stream);
    tls->kernel = BIO_new_socket(fd, BIO_NOCLOSE);
    return tls->kernel ? 0 : -ENOMEM;
}
