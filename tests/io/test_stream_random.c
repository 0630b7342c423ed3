/* SPDX-License-Identifier: MIT */
/*
 * Streams against a model: a writer and a reader do at random what one can do
 * with a stream, in pieces of random lengths, cancelled at random moments, and
 * every byte is compared with what it must be. A failure names its seed;
 * ASYNCIO_TEST_SEED=n runs that one alone.
 */
#include <netinet/in.h>

#include "base/rng.h"
#include "net_rig.h"

#include "io/stream.h"

enum {
    TEXT_LEN = 60000,
    PIECE_MAX = 6000,
    SEEDS = 60,
};

/* What is sent; lines and other pieces of all lengths occur in it. */
static char text[TEXT_LEN];

struct play {
    struct rng writer_rng, reader_rng;
    struct pair pair;
    size_t written;              /* bytes that the writer was told have gone */
    size_t read;                 /* bytes that the reader has */
    int cancels;                 /* that were obeyed */
};

/* Short ones are frequent, long ones occur. */
static size_t some_length(struct rng *rng)
{
    size_t most = (size_t)1 << rng_below(rng, 13);
    size_t len = 1 + rng_below(rng, most);
    return len < PIECE_MAX ? len : PIECE_MAX;
}

static void make_text(struct rng *rng)
{
    size_t scale = 1 + rng_below(rng, 8);
    for (size_t i = 0; i < TEXT_LEN; i++)
        text[i] = (char)('a' + rng_below(rng, 3));
    for (size_t i = 0; i < TEXT_LEN; i += scale * some_length(rng))
        text[i] = '\n';
    for (size_t i = 0; i + 4 < TEXT_LEN; i += scale * some_length(rng))
        memcpy(text + i, "\0--\n", 4);
}

/* An assertion that names the seed. */
#define MUST(condition)                                                        \
    ck_assert_msg(condition, "ASYNCIO_TEST_SEED=%llu: not " #condition,        \
                  (unsigned long long)seed_at_play)

#define MUST_BE(value, expected)                                               \
    ck_assert_msg((intmax_t)(value) == (intmax_t)(expected),                   \
                  "ASYNCIO_TEST_SEED=%llu: " #value " is %jd, not %jd",        \
                  (unsigned long long)seed_at_play, (intmax_t)(value),         \
                  (intmax_t)(expected))

static uint64_t seed_at_play;

/* ---- a deadline that may pass at any moment ---- */

struct moment {
    struct asyncio_timeout timeout;
    bool is_on;
};

static void moment_begin(struct moment *moment, struct rng *rng)
{
    moment->is_on = rng_below(rng, 3) == 0;
    if (!moment->is_on)
        return;
    double seconds = (double)rng_below(rng, 40) * 1e-6;
    ck_assert_int_eq(asyncio_timeout_begin(&moment->timeout, seconds), 0);
}

/* True when the call was cut short. */
static bool moment_end(struct moment *moment, struct play *play,
                       ssize_t result)
{
    if (!moment->is_on)
        return false;
    int err = result < 0 ? (int)result : 0;
    err = asyncio_timeout_end(&moment->timeout, err);
    play->cancels += err == -ETIMEDOUT;
    return err == -ETIMEDOUT;
}

/* ---- the writer ---- */

static ssize_t write_pieces(struct play *play, size_t len, size_t *ret_moved)
{
    struct iovec parts[40];
    struct rng *rng = &play->writer_rng;
    size_t count = 1 + rng_below(rng, ARRAY_SIZE(parts));
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        size_t part = i + 1 < count ? rng_below(rng, len - at + 1) : len - at;
        parts[i] = (struct iovec){text + play->written + at, part};
        at += part;
    }
    return asyncio_stream_writev(play->pair.near, parts, count, ret_moved);
}

static void write_some(struct play *play)
{
    struct rng *rng = &play->writer_rng;
    size_t len = some_length(rng), moved = 0;
    bool is_in_pieces = rng_below(rng, 2);
    struct moment moment;
    ssize_t result;
    if (len > TEXT_LEN - play->written)
        len = TEXT_LEN - play->written;
    moment_begin(&moment, rng);
    if (is_in_pieces)
        result = write_pieces(play, len, &moved);
    else
        result = asyncio_stream_write(play->pair.near, text + play->written,
                                      len, &moved);
    bool is_cut = moment_end(&moment, play, result);
    MUST(moved <= len);
    if (!is_cut)
        MUST_BE(result, len);
    play->written += moved;
}

static int run_writer(void *arg)
{
    struct play *play = arg;
    while (play->written < TEXT_LEN) {
        write_some(play);
        if (rng_below(&play->writer_rng, 4) > 0)
            asyncio_sleep(1e-9); /* the reader hears of this piece alone */
    }
    return asyncio_stream_write_eof(play->pair.near);
}

/* ---- the reader, and what it must have read ---- */

static char heard[TEXT_LEN + 1];

/* How long the piece that begins here and ends with the separator is. */
static size_t model_piece(const struct play *play, const char *separator,
                          size_t len)
{
    const char *start = text + play->read;
    const char *at = memmem(start, TEXT_LEN - play->read, separator, len);
    return at ? (size_t)(at - start) + len : 0;
}

static void took(struct play *play, ssize_t len)
{
    MUST(len >= 0);
    MUST((size_t)len <= TEXT_LEN - play->read);
    MUST(memcmp(heard, text + play->read, (size_t)len) == 0);
    play->read += (size_t)len;
}

static void do_read(struct play *play, size_t size)
{
    struct moment moment;
    moment_begin(&moment, &play->reader_rng);
    ssize_t len = asyncio_stream_read(play->pair.far, heard, size);
    if (moment_end(&moment, play, len))
        return;
    MUST(len > 0 && (size_t)len <= size);
    took(play, len);
}

static void do_readexactly(struct play *play, size_t size)
{
    struct moment moment;
    size_t moved = 0, left = TEXT_LEN - play->read;
    moment_begin(&moment, &play->reader_rng);
    ssize_t len =
        asyncio_stream_readexactly(play->pair.far, heard, size, &moved);
    if (!moment_end(&moment, play, len)) {
        if (size <= left)
            MUST_BE(len, size);
        else
            MUST_BE(len, -ENODATA);
        MUST_BE(moved, size <= left ? size : left);
    }
    took(play, (ssize_t)moved);
}

/* A piece that ends, one that is too long, or the end of all. */
static void check_piece(struct play *play, ssize_t len, size_t expected,
                        size_t most)
{
    if (expected && expected <= most) {
        MUST_BE(len, expected);
        took(play, len);
        return;
    }
    size_t left = TEXT_LEN - play->read;
    MUST_BE(len, expected || left >= most ? -EMSGSIZE : -ENODATA);
}

static size_t most_of(const struct play *play, size_t size)
{
    size_t limit = play->pair.far->limit;
    return size < limit ? size : limit;
}

static void do_readuntil(struct play *play, size_t size)
{
    static const char *const separators[] = {"\n", "\0--\n", "aab", "abcab"};
    static const size_t lengths[] = {1, 4, 3, 5};
    size_t which = rng_below(&play->reader_rng, ARRAY_SIZE(separators));
    size_t expected = model_piece(play, separators[which], lengths[which]);
    struct moment moment;
    moment_begin(&moment, &play->reader_rng);
    ssize_t len = asyncio_stream_readuntil(
        play->pair.far, separators[which], lengths[which], heard, size);
    if (!moment_end(&moment, play, len))
        check_piece(play, len, expected, most_of(play, size));
}

static void do_readline(struct play *play, size_t size)
{
    size_t left = TEXT_LEN - play->read;
    size_t expected = model_piece(play, "\n", 1);
    struct moment moment;
    size = size < 2 ? 2 : size;
    size_t most = most_of(play, size - 1);
    moment_begin(&moment, &play->reader_rng);
    ssize_t len = asyncio_stream_readline(play->pair.far, heard, size);
    if (moment_end(&moment, play, len))
        return;
    if (!expected && left < most)
        expected = left;         /* the last line lacks its end */
    check_piece(play, len, expected, most);
    if (len > 0)
        MUST(heard[len] == '\0');
}

static void do_wait(struct play *play, size_t size)
{
    struct moment moment;
    (void)size;
    moment_begin(&moment, &play->reader_rng);
    int result = asyncio_stream_wait_readable(play->pair.far);
    if (!moment_end(&moment, play, result))
        MUST(result == 1);
}

static int run_reader(void *arg)
{
    static void (*const actions[])(struct play *, size_t) = {
        do_read, do_readexactly, do_readuntil, do_readline, do_wait, do_read,
    };
    struct play *play = arg;
    struct rng *rng = &play->reader_rng;
    while (play->read < TEXT_LEN) {
        MUST(!asyncio_stream_at_eof(play->pair.far));
        size_t size = some_length(rng);
        actions[rng_below(rng, ARRAY_SIZE(actions))](play, size);
        if (rng_below(rng, 8) == 0)
            asyncio_sleep(0);
    }
    hear_end(play->pair.far);
    return 0;
}

/* ---- runs ---- */

static struct pair open_some_pair(struct rng *rng)
{
    struct pair pair = open_pair();
    int size = 1 << (10 + rng_below(rng, 7));
    setsockopt(asyncio_stream_fd(pair.near), SOL_SOCKET, SO_SNDBUF, &size,
               sizeof size);
    if (rng_below(rng, 2))
        pair.far->limit = 1 + rng_below(rng, 5000);
    return pair;
}

static int play_seed(uint64_t seed)
{
    static struct play play;
    struct rng rng;
    rng_seed(&rng, seed);
    make_text(&rng);
    memset(&play, 0, sizeof play);
    rng_seed(&play.writer_rng, rng_next(&rng));
    rng_seed(&play.reader_rng, rng_next(&rng));
    play.pair = open_some_pair(&rng);
    asyncio_task tasks[2] = {
        asyncio_create_task(run_writer, &play),
        asyncio_create_task(run_reader, &play),
    };
    ck_assert_int_eq(asyncio_gather(tasks, 2, NULL), 0);
    ck_assert_uint_eq(play.read, TEXT_LEN);
    close_pair(play.pair);
    return play.cancels;
}

NET_SCENARIO(whatever_is_done_every_byte_is_right)
{
    const char *only = getenv("ASYNCIO_TEST_SEED");
    int cancels = 0;
    uint64_t first = only ? strtoull(only, NULL, 10) : 1;
    uint64_t last = only ? first : (uint64_t)(SEEDS / rig_slowness()) + 1;
    for (uint64_t seed = first; seed <= last; seed++) {
        seed_at_play = seed;
        cancels += play_seed(seed);
    }
    ck_assert(only || cancels > 0);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("stream_random");
    suite_case(suite, whatever_is_done_every_byte_is_right);
    return suite;
}
