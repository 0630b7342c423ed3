/* SPDX-License-Identifier: MIT */
/* What static_server.c needs of HTTP/1.1: requests that are read one after the
 * other from a stream, and what their words mean. */
#ifndef HTTP_H
#define HTTP_H

#include <http_parser.h>
#include <time.h>
#include <asyncio.h>

enum { HTTP_URL_SIZE = 2048, HTTP_FIELD_SIZE = 64, HTTP_TIME_SIZE = 40 };

/* A text that was longer than there is room for has all of its size, less
 * one. */
struct http_request {
    enum http_method method;
    bool keep_alive;             /* another request may follow */
    char url[HTTP_URL_SIZE];
    char range[HTTP_FIELD_SIZE]; /* fields of the head; "" : none */
    char if_range[HTTP_FIELD_SIZE];
    char if_modified_since[HTTP_FIELD_SIZE];
};

/* What reads them. */
struct http_reader {
    asyncio_stream *stream;
    http_parser parser;
    struct http_request *request;
    bool in_value;               /* of the field `name` */
    bool is_complete;
    char name[HTTP_FIELD_SIZE];
    size_t start, end;           /* of what is in `buf` and not parsed */
    char buf[8 * 1024];
};

void http_reader_init(struct http_reader *reader, asyncio_stream *stream);

/* Reads the next request, its body left out. Suspends. 1: there it is; 0: the
 * client has no more; -EPROTO: that is no HTTP; as asyncio_stream_read. */
int http_reader_next(struct http_reader *reader, struct http_request *ret);

/* The path of a URL, decoded, without slashes at its start, in as much room as
 * the URL has. False: it is no path. */
bool http_path_of_url(const char *url, char *ret_path);

/* The type of a file by its name's ending. */
const char *http_type_of_name(const char *name);

/* The bytes from `first` to `last` that a Range field means of `size` bytes;
 * a first one that is not below `size` cannot be had. False: all of them. */
bool http_range(const char *field, int64_t size, int64_t *ret_first,
                int64_t *ret_last);

/* A time as HTTP writes it. */
void http_time_format(time_t time, char ret_text[HTTP_TIME_SIZE]);

/* -1: that is no time. */
time_t http_time_parse(const char *text);

#endif
