/* SPDX-License-Identifier: MIT */
/*
 * A chat: whoever connects says a name, and from then on each line that they
 * type goes to everybody else.
 *
 *     chat [HOST [PORT]]               127.0.0.1 8889
 *
 * Try it in two terminals: socat - TCP:127.0.0.1:8889. Ctrl-C ends it.
 *
 * A member has two tasks: one hears what they say, one tells them what others
 * say, out of a queue of their own. So nobody waits for a slow member: when
 * their queue is full, it is they who have to go.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <asyncio.h>

enum { NAME_SIZE = 24, LINE_SIZE = 512, QUEUE_LINES = 256 };

/* How long a member may take for one line, in seconds. */
static const double patience = 30;

/* A line may lie in many queues at once; whoever holds it last frees it. */
struct line {
    size_t holders;
    size_t len;
    char text[];
};

struct member {
    struct member *next;
    asyncio_stream *stream;
    struct asyncio_queue lines;  /* to be told: struct line * */
    struct asyncio_group group;  /* of the task that tells them */
    bool is_slow;
    char name[NAME_SIZE];
};

static struct member *members;

/* ---- lines ---- */

static struct line *line_new(const char *name, const char *words)
{
    size_t size = strlen(name) + strlen(words) + sizeof " \n";
    struct line *line = malloc(sizeof *line + size);
    if (!line)
        return NULL;
    line->holders = 1;
    line->len = (size_t)snprintf(line->text, size, "%s %s\n", name, words);
    return line;
}

static void line_drop(struct line *line)
{
    if (--line->holders == 0)
        free(line);
}

/* Puts a line into the queues of all members but `speaker`; never waits. */
static void say(const struct member *speaker, const char *name,
                const char *words)
{
    struct line *line = line_new(name, words);
    if (!line)
        return;
    for (struct member *member = members; member; member = member->next) {
        if (member == speaker)
            continue;
        if (asyncio_queue_try_put(&member->lines, &line) == 0) {
            line->holders++;
            continue;
        }
        member->is_slow = true;
        asyncio_group_cancel(&member->group);
    }
    line_drop(line);
}

/* ---- members ---- */

static void announce(const struct member *member, const char *what)
{
    char words[NAME_SIZE + 32];
    snprintf(words, sizeof words, "%s %s", member->name, what);
    puts(words);
    say(NULL, "*", words);
}

static void member_join(struct member *member)
{
    member->next = members;
    members = member;
    announce(member, "has come");
}

static void member_leave(struct member *member)
{
    struct member **at = &members;
    while (*at != member)
        at = &(*at)->next;
    *at = member->next;
    announce(member, member->is_slow ? "was too slow" : "has left");
}

/* Reads until they hang up. */
static int member_hear(struct member *member)
{
    char words[LINE_SIZE], name[NAME_SIZE + 1];
    ssize_t len;
    snprintf(name, sizeof name, "%s:", member->name);
    while ((len = asyncio_stream_readline(member->stream, words,
                                          sizeof words)) > 0) {
        words[strcspn(words, "\r\n")] = '\0';
        say(member, name, words);
    }
    return (int)len;
}

static int tell_line(struct member *member, const struct line *line)
{
    struct asyncio_timeout timeout;
    int err = asyncio_timeout_begin(&timeout, patience);
    if (err < 0)
        return err;
    err = (int)asyncio_stream_write(member->stream, line->text, line->len,
                                    NULL);
    return asyncio_timeout_end(&timeout, err);
}

/* Writes what is in their queue, until that is shut down and empty. */
static int member_tell(void *arg)
{
    struct member *member = arg;
    struct line *line;
    int err;
    while ((err = asyncio_queue_get(&member->lines, &line)) == 0) {
        err = tell_line(member, line);
        line_drop(line);
        if (err < 0)
            return err;
    }
    return err == -EPIPE ? 0 : err;
}

static int member_chat(struct member *member)
{
    int err = asyncio_group_begin(&member->group);
    if (err < 0)
        return err;
    err = asyncio_task_error(
        asyncio_group_create_task(&member->group, member_tell, member));
    if (err == 0) {
        member_join(member);
        err = member_hear(member);
        member_leave(member);
    }

    /* They have hung up, but what was said before they shall still hear. */
    asyncio_queue_shutdown(&member->lines, false);
    return asyncio_group_end(&member->group, err);
}

/* The length of the name; 0 when they have none. */
static int ask_name(asyncio_stream *stream, char *ret_name)
{
    ssize_t len = asyncio_stream_write_text(stream, "Your name? ");
    if (len >= 0)
        len = asyncio_stream_readline(stream, ret_name, NAME_SIZE);
    if (len <= 0)
        return (int)len;
    return (int)(strcspn(ret_name, "\r\n"));
}

static int on_client(asyncio_stream *stream, void *arg)
{
    struct member member = {.stream = stream};
    struct line *line;
    (void)arg;
    int len = ask_name(stream, member.name);
    if (len <= 0)
        return len;
    member.name[len] = '\0';
    int err = asyncio_queue_init(&member.lines, sizeof line, QUEUE_LINES);
    if (err < 0)
        return err;
    err = member_chat(&member);
    while (asyncio_queue_try_get(&member.lines, &line) == 0)
        line_drop(line);
    asyncio_queue_fini(&member.lines);
    return err;
}

static int serve(void *arg)
{
    const char **words = arg;
    asyncio_server *server;
    char address[64] = "?";
    int err = asyncio_start_server(on_client, NULL, words[0], words[1], NULL,
                                   &server);
    if (err < 0)
        return err;
    asyncio_server_sockname(server, 0, address, sizeof address);
    printf("chat on %s\n", address);
    return asyncio_server_serve_forever(server);
}

int main(int argc, char **argv)
{
    const char *words[2] = {"127.0.0.1", "8889"};
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 3) {
        fprintf(stderr, "usage: chat [HOST [PORT]]\n");
        return 2;
    }
    for (int i = 1; i < argc; i++)
        words[i - 1] = argv[i];
    int err = asyncio_run(serve, words);
    if (err < 0 && err != -EINTR)
        fprintf(stderr, "chat: %s\n", asyncio_strerror(err));
    return err < 0 && err != -EINTR;
}
