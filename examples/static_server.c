/* SPDX-License-Identifier: MIT */
/*
 * Serves the files of a folder over HTTP/1.1: keep-alive, HEAD, ranges,
 * If-Modified-Since.
 *
 *     static_server [-a ADDRESS] [-p PORT] FOLDER       127.0.0.1 8080
 *
 * Try it: curl -i http://127.0.0.1:8080/. Ctrl-C ends it. Built with TLS it is
 * static_server_tls, which needs -c CERTIFICATE [-k KEY], too: PEM files.
 *
 * http.c knows the words of HTTP; beneath.c keeps paths inside of the folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <asyncio.h>
#ifdef WITH_TLS
#include <asyncio/tls.h>
enum { HAS_TLS = 1 };
#else
enum { HAS_TLS = 0 };
#endif
#include "beneath.h"
#include "http.h"

enum {
    HEAD_SIZE = HTTP_URL_SIZE + 1024,
    SMALL_SIZE = 16 * 1024,      /* files that go out together with the head */
    PIECE_SIZE = 1024 * 1024,
};

/* Seconds that a request may take to come, and each piece of an answer. */
static const double patience = 30;

static int folder_fd;

/* ---- answers ---- */

struct answer {
    asyncio_stream *stream;
    const struct http_request *request;
    struct asyncio_timeout *timeout;
    char fields[HEAD_SIZE];      /* of the head, each with its line end */
    int64_t from, len;           /* of the file: what the body is */
};

static size_t format_head(const struct answer *answer, enum http_status status,
                          char ret_head[HEAD_SIZE])
{
    char date[HTTP_TIME_SIZE];
    http_time_format(time(NULL), date);
    return (size_t)snprintf(
        ret_head, HEAD_SIZE,
        "HTTP/1.1 %d %s\r\nDate: %s\r\nConnection: %s\r\n%s\r\n", (int)status,
        http_status_str(status), date,
        answer->request->keep_alive ? "keep-alive" : "close", answer->fields);
}

/* A line of text; `field` is one more of the head, or "". */
static int send_line(struct answer *answer, enum http_status status,
                     const char *field)
{
    char head[HEAD_SIZE], line[64];
    size_t len = (size_t)snprintf(line, sizeof line, "%d %s\n", (int)status,
                                  http_status_str(status));
    snprintf(answer->fields, sizeof answer->fields,
             "Content-Type: text/plain\r\nContent-Length: %zu\r\n%s", len,
             field);
    bool is_head = answer->request->method == HTTP_HEAD;
    struct iovec parts[] = {
        {head, format_head(answer, status, head)},
        {line, is_head ? 0 : len},
    };
    return (int)asyncio_stream_writev(answer->stream, parts, 2, NULL);
}

/* The head, and the body where copying it is cheaper than a second write. */
static int send_head(struct answer *answer, enum http_status status,
                     asyncio_file *file)
{
    char head[HEAD_SIZE], bytes[SMALL_SIZE];
    ssize_t len = 0;
    if (answer->len > 0 && answer->len <= SMALL_SIZE)
        len = asyncio_file_pread(file, bytes, (size_t)answer->len,
                                 answer->from);
    if (len < 0)
        return (int)len;
    answer->from += len;
    answer->len -= len;
    struct iovec parts[] = {
        {head, format_head(answer, status, head)},
        {bytes, (size_t)len},
    };
    return (int)asyncio_stream_writev(answer->stream, parts, 2, NULL);
}

/* What goes from the kernel to the kernel. */
static int send_rest(struct answer *answer, asyncio_file *file)
{
    while (answer->len > 0) {
        int64_t most = answer->len < PIECE_SIZE ? answer->len : PIECE_SIZE;
        asyncio_timeout_reschedule(answer->timeout, patience);
        ssize_t len = asyncio_stream_sendfile(answer->stream, file,
                                              answer->from, (size_t)most, NULL);
        if (len <= 0)
            return len < 0 ? (int)len : -EIO; /* the file has been cut */
        answer->from += len;
        answer->len -= len;
    }
    return 0;
}

static int send_file(struct answer *answer, asyncio_file *file,
                     const struct stat *facts, const char *path)
{
    const struct http_request *request = answer->request;
    enum http_status status = HTTP_STATUS_OK;
    char modified[HTTP_TIME_SIZE], range[96] = "";
    int64_t first, last, size = facts->st_size;
    bool is_part = http_range(request->range, size, &first, &last);
    http_time_format(facts->st_mtime, modified);
    if (!is_part || *request->if_range) {
        is_part = false;         /* it may be of another version of the file */
        first = 0;
        last = size - 1;
    }
    if (facts->st_mtime <= http_time_parse(request->if_modified_since)) {
        status = HTTP_STATUS_NOT_MODIFIED;
    } else if (is_part && first >= size) {
        snprintf(range, sizeof range, "Content-Range: bytes */%" PRId64 "\r\n",
                 size);
        return send_line(answer, HTTP_STATUS_RANGE_NOT_SATISFIABLE, range);
    } else if (is_part) {
        status = HTTP_STATUS_PARTIAL_CONTENT;
        snprintf(range, sizeof range,
                 "Content-Range: bytes %" PRId64 "-%" PRId64 "/%" PRId64 "\r\n",
                 first, last, size);
    }
    snprintf(answer->fields, sizeof answer->fields,
             "Content-Type: %s\r\nContent-Length: %" PRId64 "\r\n"
             "Last-Modified: %s\r\nAccept-Ranges: bytes\r\n%s",
             http_type_of_name(path), last + 1 - first, modified, range);
    answer->from = first;
    bool has_body = request->method == HTTP_GET &&
                    status != HTTP_STATUS_NOT_MODIFIED;
    answer->len = has_body ? last + 1 - first : 0;
    int err = send_head(answer, status, file);
    return err < 0 ? err : send_rest(answer, file);
}

static enum http_status status_of(int err)
{
    if (err == -EACCES)
        return HTTP_STATUS_FORBIDDEN;
    if (err == -EMFILE || err == -ENFILE || err == -ENOMEM)
        return HTTP_STATUS_SERVICE_UNAVAILABLE;
    return HTTP_STATUS_NOT_FOUND; /* also what lies outside: -EXDEV */
}

/* To the same with a slash, without which its links would lead elsewhere. */
static int send_redirect(struct answer *answer)
{
    const char *url = answer->request->url;
    char field[HTTP_URL_SIZE];
    url += strspn(url, "/");     /* "//" would be another host */
    snprintf(field, sizeof field, "Location: /%.*s/\r\n",
             (int)strcspn(url, "?#"), url);
    return send_line(answer, HTTP_STATUS_MOVED_PERMANENTLY, field);
}

/* A folder is its index.html. */
static int send_path(struct answer *answer, char path[HTTP_URL_SIZE])
{
    asyncio_file *file;
    struct stat facts;
    size_t len = strlen(path);
    if (len == 0 || path[len - 1] == '/')
        snprintf(path + len, HTTP_URL_SIZE - len, "index.html");
    int err = open_beneath(folder_fd, path, &file);
    if (err == -ECANCELED)
        return err;
    if (err < 0)
        return send_line(answer, status_of(err), "");
    /* It is open, so its facts are in memory. */
    fstat(asyncio_file_fd(file), &facts);
    if (S_ISREG(facts.st_mode))
        err = send_file(answer, file, &facts, path);
    else if (S_ISDIR(facts.st_mode))
        err = send_redirect(answer);
    else
        err = send_line(answer, HTTP_STATUS_NOT_FOUND, "");
    asyncio_file_close(file);
    return err;
}

static int send_answer(struct answer *answer)
{
    const struct http_request *request = answer->request;
    char path[HTTP_URL_SIZE];
    if (request->method != HTTP_GET && request->method != HTTP_HEAD)
        return send_line(answer, HTTP_STATUS_METHOD_NOT_ALLOWED,
                         "Allow: GET, HEAD\r\n");
    if (strlen(request->url) == HTTP_URL_SIZE - 1)
        return send_line(answer, HTTP_STATUS_URI_TOO_LONG, "");
    if (!http_path_of_url(request->url, path))
        return send_line(answer, HTTP_STATUS_BAD_REQUEST, "");
    return send_path(answer, path);
}

/* ---- connections ---- */

/* 1: another one may follow. */
static int serve_request(struct http_reader *reader)
{
    struct http_request request;
    struct asyncio_timeout timeout;
    struct answer answer = {reader->stream, &request, &timeout, "", 0, 0};
    int err = asyncio_timeout_begin(&timeout, patience);
    if (err < 0)
        return err;
    int got = http_reader_next(reader, &request);
    if (got > 0)
        err = send_answer(&answer);
    else if (got == -EPROTO)
        err = send_line(&answer, HTTP_STATUS_BAD_REQUEST, "");
    else
        err = got;
    err = asyncio_timeout_end(&timeout, err);
    return err < 0 ? err : got > 0 && request.keep_alive;
}

/* Closing a socket from which not all has been read breaks the connection, and
 * the answer may be lost with it: the client has to end first. */
static int linger(asyncio_stream *stream)
{
    struct asyncio_timeout timeout;
    char buf[4096];
    int err = asyncio_timeout_begin(&timeout, 2);
    if (err < 0)
        return err;
    err = asyncio_stream_write_eof(stream);
    while (err >= 0 &&
           (err = (int)asyncio_stream_read(stream, buf, sizeof buf)) > 0)
        continue;
    return asyncio_timeout_end(&timeout, err);
}

static int on_client(asyncio_stream *stream, void *arg)
{
    struct http_reader reader;
    int err;
    (void)arg;
    http_reader_init(&reader, stream);
    do
        err = serve_request(&reader);
    while (err > 0);
    return err < 0 ? err : linger(stream);
}

struct options {
    const char *address;
    const char *port;
    const char *certificate;
    const char *key;
    const char *folder;
};

#ifdef WITH_TLS
static int start(const struct options *options, asyncio_server **ret_server)
{
    struct asyncio_tls_options tls = {0};
    int err = asyncio_tls_context_new_server(&tls.context);
    if (err < 0)
        return err;
    err = asyncio_tls_context_load_cert_chain(tls.context, options->certificate,
                                              options->key, NULL);
    if (err == 0)
        err = asyncio_tls_start_server(on_client, NULL, options->address,
                                       options->port, &tls, ret_server);
    asyncio_tls_context_free(tls.context);
    return err;
}
#else
static int start(const struct options *options, asyncio_server **ret_server)
{
    return asyncio_start_server(on_client, NULL, options->address,
                                options->port, NULL, ret_server);
}
#endif

static int serve(void *arg)
{
    const struct options *options = arg;
    asyncio_server *server;
    char address[64] = "?";
    folder_fd = open(options->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0)
        return -errno;
    int err = start(options, &server);
    if (err == 0) {
        asyncio_server_sockname(server, 0, address, sizeof address);
        printf("%s on %s\n", options->folder, address);
        err = asyncio_server_serve_forever(server);
    }
    close(folder_fd);
    return err;
}

static bool options_read(struct options *options, int argc, char **argv)
{
    int option;
    while ((option = getopt(argc, argv, "a:p:c:k:")) != -1) {
        if (option == 'a')
            options->address = optarg;
        else if (option == 'p')
            options->port = optarg;
        else if (option == 'c')
            options->certificate = optarg;
        else if (option == 'k')
            options->key = optarg;
        else
            return false;
    }
    options->folder = argv[optind];
    return argc - optind == 1 && HAS_TLS == (options->certificate != NULL);
}

int main(int argc, char **argv)
{
    struct options options = {.address = "127.0.0.1", .port = "8080"};
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!options_read(&options, argc, argv)) {
        fprintf(stderr, "usage: %s [-a ADDRESS] [-p PORT]%s FOLDER\n", argv[0],
                HAS_TLS ? " -c CERTIFICATE [-k KEY]" : "");
        return 2;
    }
    int err = asyncio_run(serve, &options);
    if (err < 0 && err != -EINTR)
        fprintf(stderr, "static_server: %s\n", asyncio_strerror(err));
    return err < 0 && err != -EINTR;
}
