/* SPDX-License-Identifier: MIT */
/*
 * Fetches many URLs at once over HTTP/1.1, and sums up.
 *
 *     fetch [-n MOST] [-t SECONDS] http://HOST[:PORT]/PATH...
 *
 * At most MOST (16) are under way at a time, and each has SECONDS (10). One
 * that fails is told of and does not hold up the others. Ctrl-C ends it.
 */
#include <errno.h>
#include <http_parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <asyncio.h>

enum { NAME_SIZE = 256, PORT_SIZE = 8, REQUEST_SIZE = 4096 };

struct fetch {
    const char *url;
    struct asyncio_semaphore *slots;
    double timeout;
    int status;                  /* the answer's, once it has begun */
    size_t bytes;                /* of its body */
    bool is_complete;
    int err;
};

/* ---- the answer ---- */

static int on_headers(http_parser *parser)
{
    struct fetch *fetch = parser->data;
    fetch->status = (int)parser->status_code;
    return 0;
}

static int on_body(http_parser *parser, const char *bytes, size_t len)
{
    struct fetch *fetch = parser->data;
    (void)bytes;
    fetch->bytes += len;
    return 0;
}

static int on_complete(http_parser *parser)
{
    struct fetch *fetch = parser->data;
    if (fetch->status < 200)
        return 0;                /* "Continue" and the like: more comes */
    fetch->is_complete = true;
    http_parser_pause(parser, 1); /* whatever follows is not for us */
    return 0;
}

static const http_parser_settings callbacks = {
    .on_headers_complete = on_headers,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

static int read_answer(asyncio_stream *stream, struct fetch *fetch)
{
    http_parser parser;
    char buf[16 * 1024];
    ssize_t len;
    http_parser_init(&parser, HTTP_RESPONSE);
    parser.data = fetch;
    for (;;) {
        len = asyncio_stream_read(stream, buf, sizeof buf);
        if (len < 0)
            return (int)len;
        /* No bytes tell it of the end, which may be what completes a body. */
        http_parser_execute(&parser, &callbacks, buf, (size_t)len);
        if (fetch->is_complete)
            return 0;
        if (len == 0)
            return -ENODATA;
        if (HTTP_PARSER_ERRNO(&parser) != HPE_OK)
            return -EPROTO;
    }
}

/* ---- the request ---- */

struct target {
    char host[NAME_SIZE];
    char port[PORT_SIZE];
    const char *path;
    int path_len;
};

static int copy_part(const char *url, const struct http_parser_url *parts,
                     enum http_parser_url_fields field, char *ret, size_t size)
{
    size_t len = parts->field_data[field].len;
    if (len >= size)
        return -ENAMETOOLONG;
    memcpy(ret, url + parts->field_data[field].off, len);
    ret[len] = '\0';
    return 0;
}

static int parse_url(const char *url, struct target *ret)
{
    struct http_parser_url parts;
    http_parser_url_init(&parts);
    if (strncmp(url, "http://", 7) != 0 ||
        http_parser_parse_url(url, strlen(url), 0, &parts) != 0)
        return -EINVAL;
    int err = copy_part(url, &parts, UF_HOST, ret->host, sizeof ret->host);
    snprintf(ret->port, sizeof ret->port, "%d",
             parts.field_set & 1 << UF_PORT ? parts.port : 80);
    ret->path = "/";
    ret->path_len = 1;
    if (parts.field_set & 1 << UF_PATH) {
        ret->path = url + parts.field_data[UF_PATH].off;
        ret->path_len = (int)strcspn(ret->path, "#");
    }
    return err;
}

static int write_request(asyncio_stream *stream, const struct target *target)
{
    char request[REQUEST_SIZE];
    bool is_ipv6 = strchr(target->host, ':') != NULL;
    int len = snprintf(request, sizeof request,
                       "GET %.*s HTTP/1.1\r\n"
                       "Host: %s%s%s:%s\r\n"
                       "User-Agent: casyncio-fetch\r\n"
                       "Connection: close\r\n"
                       "\r\n",
                       target->path_len, target->path, is_ipv6 ? "[" : "",
                       target->host, is_ipv6 ? "]" : "", target->port);
    if (len >= (int)sizeof request)
        return -ENAMETOOLONG;
    return (int)asyncio_stream_write(stream, request, (size_t)len, NULL);
}

static int fetch_url(void *arg)
{
    struct fetch *fetch = arg;
    struct target target;
    asyncio_stream *stream;
    int err = parse_url(fetch->url, &target);
    if (err < 0)
        return err;
    err = asyncio_open_connection(target.host, target.port, NULL, &stream);
    if (err < 0)
        return err;
    err = write_request(stream, &target);
    if (err >= 0)
        err = read_answer(stream, fetch);
    asyncio_stream_close(stream);
    return err;
}

/* ---- all of them ---- */

static void print_result(const struct fetch *fetch, double seconds)
{
    if (fetch->err < 0)
        printf("--- %s: %s\n", fetch->url, asyncio_strerror(fetch->err));
    else
        printf("%d %s: %zu bytes in %.3f s\n", fetch->status, fetch->url,
               fetch->bytes, seconds);
}

/* A failure is kept and not returned: it would end the whole group. */
static int fetch_in_turn(void *arg)
{
    struct fetch *fetch = arg;
    fetch->err = asyncio_semaphore_acquire(fetch->slots);
    if (fetch->err < 0)
        return fetch->err;
    double start = asyncio_time();
    fetch->err = asyncio_timeout_run(fetch->timeout, fetch_url, fetch);
    asyncio_semaphore_release(fetch->slots);
    print_result(fetch, asyncio_time() - start);
    return 0;
}

static int fetch_all(struct fetch *fetches, int count)
{
    struct asyncio_group group;
    int err = asyncio_group_begin(&group);
    if (err < 0)
        return err;
    for (int i = 0; i < count && err == 0; i++)
        err = asyncio_task_error(
            asyncio_group_create_task(&group, fetch_in_turn, &fetches[i]));
    return asyncio_group_end(&group, err);
}

/* Returns whether all were answered. */
static bool print_summary(const struct fetch *fetches, int count,
                          double seconds)
{
    size_t bytes = 0;
    int answers = 0;
    for (int i = 0; i < count; i++) {
        bytes += fetches[i].bytes;
        answers += fetches[i].err == 0;
    }
    printf("%d of %d answered: %zu bytes in %.3f s\n", answers, count, bytes,
           seconds);
    return answers == count;
}

struct plan {
    char **urls;
    int count;
    size_t most;
    double timeout;
};

/* The exit status, or negative. */
static int main_task(void *arg)
{
    const struct plan *plan = arg;
    struct asyncio_semaphore slots;
    struct fetch *fetches = calloc((size_t)plan->count, sizeof *fetches);
    if (!fetches)
        return -ENOMEM;
    asyncio_semaphore_init(&slots, plan->most);
    for (int i = 0; i < plan->count; i++) {
        fetches[i].url = plan->urls[i];
        fetches[i].slots = &slots;
        fetches[i].timeout = plan->timeout;
    }
    double start = asyncio_time();
    int err = fetch_all(fetches, plan->count);
    if (err == 0)
        err = !print_summary(fetches, plan->count, asyncio_time() - start);
    asyncio_semaphore_fini(&slots);
    free(fetches);
    return err;
}

static bool options_read(struct plan *plan, int argc, char **argv)
{
    int option;
    while ((option = getopt(argc, argv, "n:t:")) != -1) {
        if (option == 'n')
            plan->most = strtoul(optarg, NULL, 10);
        else if (option == 't')
            plan->timeout = strtod(optarg, NULL);
        else
            return false;
    }
    plan->urls = argv + optind;
    plan->count = argc - optind;
    return plan->count > 0 && plan->most > 0 && plan->timeout > 0;
}

int main(int argc, char **argv)
{
    struct plan plan = {.most = 16, .timeout = 10};
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!options_read(&plan, argc, argv)) {
        fprintf(stderr, "usage: fetch [-n MOST] [-t SECONDS] URL...\n");
        return 2;
    }
    int err = asyncio_run(main_task, &plan);
    if (err < 0)
        fprintf(stderr, "fetch: %s\n", asyncio_strerror(err));
    return err != 0;
}
