/* SPDX-License-Identifier: MIT */
/*
 * The parser (http_parser of Node.js) is fed with what comes, and calls back
 * with pieces of texts. It is told to pause at the end of each request: the
 * next one, which may have come in the same read, is for the next call.
 */
#include "http.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- requests ---- */

/* Adds a piece to a text, as far as there is room. */
static void append(char *text, size_t size, const char *piece, size_t len)
{
    size_t have = strlen(text);
    size_t room = size - 1 - have;
    len = len < room ? len : room;
    memcpy(text + have, piece, len);
    text[have + len] = '\0';
}

static int on_url(http_parser *parser, const char *piece, size_t len)
{
    struct http_reader *reader = parser->data;
    append(reader->request->url, HTTP_URL_SIZE, piece, len);
    return 0;
}

static int on_name(http_parser *parser, const char *piece, size_t len)
{
    struct http_reader *reader = parser->data;
    if (reader->in_value)
        *reader->name = '\0';    /* of the field before */
    reader->in_value = false;
    append(reader->name, HTTP_FIELD_SIZE, piece, len);
    return 0;
}

static char *field_wanted(struct http_request *request, const char *name)
{
    if (strcasecmp(name, "Range") == 0)
        return request->range;
    if (strcasecmp(name, "If-Range") == 0)
        return request->if_range;
    if (strcasecmp(name, "If-Modified-Since") == 0)
        return request->if_modified_since;
    return NULL;
}

static int on_value(http_parser *parser, const char *piece, size_t len)
{
    struct http_reader *reader = parser->data;
    char *field = field_wanted(reader->request, reader->name);
    reader->in_value = true;
    if (field)
        append(field, HTTP_FIELD_SIZE, piece, len);
    return 0;
}

static int on_complete(http_parser *parser)
{
    struct http_reader *reader = parser->data;
    reader->request->method = (enum http_method)parser->method;
    reader->request->keep_alive = http_should_keep_alive(parser);
    reader->is_complete = true;
    http_parser_pause(parser, 1);
    return 0;
}

static const http_parser_settings callbacks = {
    .on_url = on_url,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_message_complete = on_complete,
};

void http_reader_init(struct http_reader *reader, asyncio_stream *stream)
{
    memset(reader, 0, offsetof(struct http_reader, buf));
    reader->stream = stream;
    http_parser_init(&reader->parser, HTTP_REQUEST);
    reader->parser.data = reader;
}

/* 1: a request is complete; 0: more is needed. */
static int reader_parse(struct http_reader *reader)
{
    reader->start += http_parser_execute(&reader->parser, &callbacks,
                                         reader->buf + reader->start,
                                         reader->end - reader->start);
    if (reader->is_complete)
        return 1;
    bool is_fine = HTTP_PARSER_ERRNO(&reader->parser) == HPE_OK;
    return is_fine && !reader->parser.upgrade ? 0 : -EPROTO;
}

int http_reader_next(struct http_reader *reader, struct http_request *ret)
{
    memset(ret, 0, sizeof *ret);
    reader->request = ret;
    reader->is_complete = reader->in_value = false;
    *reader->name = '\0';
    http_parser_pause(&reader->parser, 0);
    for (;;) {
        int parsed = 0;
        if (reader->start < reader->end)
            parsed = reader_parse(reader);
        if (parsed != 0)
            return parsed;
        ssize_t len = asyncio_stream_read(reader->stream, reader->buf,
                                          sizeof reader->buf);
        if (len <= 0)
            return (int)len;
        reader->start = 0;
        reader->end = (size_t)len;
    }
}

/* ---- words ---- */

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
    return at ? (int)(at - digits) : -1;
}

bool http_path_of_url(const char *url, char *ret_path)
{
    const char *end = url + strcspn(url, "?#");
    for (url += strspn(url, "/"); url < end; url++) {
        char c = *url;
        if (c == '%') {
            int high = hex_digit(url[1]);
            int low = high < 0 ? -1 : hex_digit(url[2]);
            if (low < 0)
                return false;
            c = (char)(high << 4 | low);
            url += 2;
        }
        if (c == '\0')
            return false;
        *ret_path++ = c;
    }
    *ret_path = '\0';
    return true;
}

const char *http_type_of_name(const char *name)
{
    static const char *const types[][2] = {
        {".html", "text/html"},        {".css", "text/css"},
        {".txt", "text/plain"},        {".js", "text/javascript"},
        {".json", "application/json"}, {".svg", "image/svg+xml"},
        {".png", "image/png"},         {".jpg", "image/jpeg"},
        {".jpeg", "image/jpeg"},       {".gif", "image/gif"},
        {".webp", "image/webp"},       {".ico", "image/x-icon"},
        {".pdf", "application/pdf"},   {".wasm", "application/wasm"},
    };
    const char *ending = strrchr(name, '.');
    for (size_t i = 0; ending && i < sizeof types / sizeof *types; i++) {
        if (strcasecmp(ending, types[i][0]) == 0)
            return types[i][1];
    }
    return "application/octet-stream";
}

/* One range; several at once may be answered by the whole. */
bool http_range(const char *field, int64_t size, int64_t *ret_first,
                int64_t *ret_last)
{
    char *end;
    if (strncmp(field, "bytes=", 6) != 0)
        return false;
    const char *from = field + 6;
    *ret_last = size - 1;
    if (*from == '-') {          /* the last so many */
        int64_t count = strtoll(from + 1, &end, 10);
        *ret_first = count < size ? size - count : 0;
        return isdigit((unsigned char)from[1]) && *end == '\0';
    }
    *ret_first = strtoll(from, &end, 10);
    if (!isdigit((unsigned char)*from) || *end != '-')
        return false;
    const char *to = end + 1;
    int64_t last = *to ? strtoll(to, &end, 10) : size;
    if (*to && (!isdigit((unsigned char)*to) || *end || last < *ret_first))
        return false;
    *ret_last = last < size ? last : size - 1;
    return true;
}

static const char time_words[] = "%a, %d %b %Y %H:%M:%S GMT";

void http_time_format(time_t time, char ret_text[HTTP_TIME_SIZE])
{
    struct tm parts;
    gmtime_r(&time, &parts);
    strftime(ret_text, HTTP_TIME_SIZE, time_words, &parts);
}

time_t http_time_parse(const char *text)
{
    struct tm parts = {0};
    const char *end = strptime(text, time_words, &parts);
    return end && *end == '\0' ? timegm(&parts) : -1;
}
