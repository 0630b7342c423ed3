/* SPDX-License-Identifier: MIT */
/* Names: what is looked up, what is refused, and whom a look-up holds up. No
 * name server is asked for any. */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include "net_rig.h"

#include "backend/pool.h"
#include "sync/to_thread.h"

/* ---- what is found ---- */

static int look_up(const char *host, const char *port,
                   const struct addrinfo *hints)
{
    struct addrinfo *found = NULL;
    int err = asyncio_getaddrinfo(host, port, hints, &found);
    if (err == 0)
        asyncio_freeaddrinfo(found);
    return err;
}

static int port_of(const struct addrinfo *info)
{
    struct sockaddr_in in;
    ck_assert_int_eq(info->ai_family, AF_INET);
    memcpy(&in, info->ai_addr, sizeof in);
    return ntohs(in.sin_port);
}

NET_SCENARIO(services_have_names)
{
    struct addrinfo *found;
    int err = asyncio_getaddrinfo("127.0.0.1", "http", NULL, &found);
    if (err == -ASYNCIO_EAI_SERVICE && access("/etc/services", R_OK) < 0) {
        puts("skipped: no /etc/services");
        return;
    }
    ck_assert_int_eq(err, 0);
    ck_assert_int_eq(port_of(found), 80);
    asyncio_freeaddrinfo(found);
}

NET_SCENARIO(without_hints_streams_are_meant)
{
    struct addrinfo *found;
    ck_assert_int_eq(asyncio_getaddrinfo("127.0.0.1", "80", NULL, &found), 0);
    ck_assert_int_eq(found->ai_socktype, SOCK_STREAM);
    ck_assert_ptr_null(found->ai_next);
    asyncio_freeaddrinfo(found);
}

NET_SCENARIO(hints_choose_type_and_family)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *found;
    ck_assert_int_eq(asyncio_getaddrinfo("localhost", "53", &hints, &found), 0);
    for (const struct addrinfo *at = found; at; at = at->ai_next) {
        ck_assert_int_eq(at->ai_family, AF_INET);
        ck_assert_int_eq(at->ai_socktype, SOCK_DGRAM);
    }
    asyncio_freeaddrinfo(found);
}

NET_SCENARIO(nobody_is_everybody_or_oneself)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE};
    struct addrinfo *found;
    struct sockaddr_in in;
    ck_assert_int_eq(asyncio_getaddrinfo(NULL, "80", &hints, &found), 0);
    memcpy(&in, found->ai_addr, sizeof in);
    ck_assert_uint_eq(in.sin_addr.s_addr, htonl(INADDR_ANY));
    asyncio_freeaddrinfo(found);
    hints.ai_flags = 0;
    ck_assert_int_eq(asyncio_getaddrinfo(NULL, "80", &hints, &found), 0);
    memcpy(&in, found->ai_addr, sizeof in);
    ck_assert_uint_eq(in.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    asyncio_freeaddrinfo(found);
}

NET_SCENARIO(a_canonical_name_is_told_on_request)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_CANONNAME};
    struct addrinfo *found;
    ck_assert_int_eq(asyncio_getaddrinfo("127.0.0.1", NULL, &hints, &found), 0);
    ck_assert_str_eq(found->ai_canonname, "127.0.0.1");
    asyncio_freeaddrinfo(found);
    ck_assert_int_eq(asyncio_getaddrinfo("localhost", NULL, &hints, &found), 0);
    ck_assert_ptr_nonnull(found->ai_canonname);
    asyncio_freeaddrinfo(found);
}

/* ---- what is refused ---- */

NET_SCENARIO(a_service_of_no_name_is_eai_service)
{
    ck_assert_int_eq(look_up("127.0.0.1", "no-such-service", NULL),
                     -ASYNCIO_EAI_SERVICE);
    struct addrinfo hints = {.ai_flags = AI_NUMERICSERV};
    ck_assert_int_eq(look_up("127.0.0.1", "http", &hints),
                     -ASYNCIO_EAI_NONAME);
}

NET_SCENARIO(a_literal_of_another_family_is_eai_addrfamily)
{
    struct addrinfo hints = {.ai_family = AF_INET};
    ck_assert_int_eq(look_up("::1", "80", &hints), -ASYNCIO_EAI_ADDRFAMILY);
    hints.ai_family = AF_INET6;
    ck_assert_int_eq(look_up("127.0.0.1", "80", &hints),
                     -ASYNCIO_EAI_ADDRFAMILY);
}

NET_SCENARIO(nonsense_in_the_hints_is_told_apart)
{
    struct addrinfo hints = {.ai_family = AF_UNIX};
    ck_assert_int_eq(look_up("localhost", "80", &hints), -ASYNCIO_EAI_FAMILY);
    hints = (struct addrinfo){.ai_flags = 1 << 30};
    ck_assert_int_eq(look_up("localhost", "80", &hints),
                     -ASYNCIO_EAI_BADFLAGS);
    hints = (struct addrinfo){.ai_flags = AI_CANONNAME};
    ck_assert_int_eq(look_up(NULL, "80", &hints), -ASYNCIO_EAI_BADFLAGS);
    hints = (struct addrinfo){.ai_socktype = 77};
    ck_assert_int_eq(look_up("localhost", "80", &hints),
                     -ASYNCIO_EAI_SOCKTYPE);
    hints = (struct addrinfo){.ai_flags = AI_NUMERICHOST};
    ck_assert_int_eq(look_up("localhost", "80", &hints), -ASYNCIO_EAI_NONAME);
    ck_assert_int_eq(look_up(NULL, NULL, NULL), -EINVAL);
}

/* ---- addresses to names ---- */

static struct sockaddr_in loopback(int port)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port)};
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return in;
}

static int name_of(const struct sockaddr_in *in, size_t len, char *ret_host,
                   size_t host_size, char *ret_port, size_t port_size,
                   int flags)
{
    const void *any = in;
    return asyncio_getnameinfo(any, len, ret_host, host_size, ret_port,
                               port_size, flags);
}

NET_SCENARIO(ports_have_the_names_of_services)
{
    struct sockaddr_in in = loopback(80);
    char port[NI_MAXSERV];
    ck_assert_int_eq(
        name_of(&in, sizeof in, NULL, 0, port, sizeof port, 0), 0);
    ck_assert(strcmp(port, "http") == 0 || strcmp(port, "80") == 0);
    ck_assert_int_eq(name_of(&in, sizeof in, NULL, 0, port, sizeof port,
                             NI_NUMERICSERV),
                     0);
    ck_assert_str_eq(port, "80");
}

NET_SCENARIO(a_name_that_does_not_fit_is_eai_overflow_or_cut)
{
    struct sockaddr_in in = loopback(80);
    char host[4];
    ck_assert_int_eq(name_of(&in, sizeof in, host, sizeof host, NULL, 0,
                             NI_NUMERICHOST | NI_NUMERICSERV),
                     -ASYNCIO_EAI_OVERFLOW);
    /* from the thread that has room for any */
    ck_assert_int_eq(name_of(&in, sizeof in, host, sizeof host, NULL, 0, 0),
                     0);
    ck_assert_uint_le(strlen(host), 3);
}

NET_SCENARIO(what_is_no_address_has_no_name)
{
    static const int numeric = NI_NUMERICHOST | NI_NUMERICSERV;
    struct sockaddr_in in = loopback(80);
    char host[64];
    ck_assert_int_eq(name_of(NULL, sizeof in, host, sizeof host, NULL, 0, 0),
                     -EINVAL);
    ck_assert_int_eq(name_of(&in, 1000, host, sizeof host, NULL, 0, 0),
                     -EINVAL);
    ck_assert_int_eq(name_of(&in, 4, host, sizeof host, NULL, 0, numeric),
                     -ASYNCIO_EAI_FAMILY);
    in.sin_family = 77;
    ck_assert_int_eq(name_of(&in, sizeof in, host, sizeof host, NULL, 0, 0),
                     -ASYNCIO_EAI_FAMILY);
    in = loopback(80);
    ck_assert_int_eq(name_of(&in, sizeof in, host, sizeof host, NULL, 0,
                             1 << 30),
                     -ASYNCIO_EAI_BADFLAGS);
}

/* ---- whom it holds up ---- */

/* What a name server that does not answer does to a thread. */
struct hang {
    atomic_int *begun;
    atomic_int *released;
    atomic_int *discarded;
};

static int hang_run(void *arg)
{
    struct hang *hang = arg;
    atomic_fetch_add(hang->begun, 1);
    await_count(hang->released, 1);
    return 0;
}

static void hang_discard(void *arg)
{
    struct hang *hang = arg;
    atomic_fetch_add(hang->discarded, 1);
    free(hang);
}

struct hangs {
    struct hang each;
    struct pool *pool;
};

static int hang_in_pool(void *arg)
{
    struct hangs *hangs = arg;
    struct hang *hang = malloc(sizeof *hang);
    *hang = hangs->each;
    int err = pool_call_abandonable(hangs->pool, hang_run, hang, hang_discard);
    if (err != -ECANCELED)
        free(hang);
    return err;
}

static int touch(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
    return 0;
}

enum { NAMES_MOST = 8 };

NET_SCENARIO(hung_look_ups_hold_up_neither_files_nor_threads)
{
    atomic_int begun = 0, released = 0, discarded = 0, touched = 0;
    struct hangs hangs = {{&begun, &released, &discarded}, &pool_names};
    asyncio_task tasks[NAMES_MOST];
    struct asyncio_timeout timeout;
    unsigned threads, idle;
    for (int i = 0; i < NAMES_MOST; i++)
        tasks[i] = asyncio_create_task(hang_in_pool, &hangs);
    task_await_count(&begun, NAMES_MOST);
    pool_count(&pool_names, &threads, &idle);
    ck_assert_uint_eq(threads, NAMES_MOST);
    ck_assert_uint_eq(idle, 0);

    ck_assert_int_eq(pool_call(&pool_files, touch, &touched), 0);
    ck_assert_int_eq(asyncio_to_thread(touch, &touched), 0);
    ck_assert_int_eq(atomic_load(&touched), 2);
    /* literals need no thread, names wait for one and can be given up */
    ck_assert_int_eq(look_up("127.0.0.1", "80", NULL), 0);
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0.02), 0);
    int err = look_up("localhost", "80", NULL);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, err), -ETIMEDOUT);

    for (int i = 0; i < NAMES_MOST; i++)
        ck_assert_int_eq(asyncio_task_cancel(tasks[i]), 0);
    for (int i = 0; i < NAMES_MOST; i++)
        ck_assert_int_eq(asyncio_await(tasks[i]), -ECANCELED);
    ck_assert_int_eq(atomic_load(&discarded), 0);
    atomic_store(&released, 1);
    task_await_count(&discarded, NAMES_MOST);
    ck_assert_int_eq(look_up("localhost", "80", NULL), 0);
}

NET_SCENARIO(files_that_hang_hold_up_no_look_ups)
{
    atomic_int begun = 0, released = 0, discarded = 0;
    struct hangs hangs = {{&begun, &released, &discarded}, &pool_files};
    asyncio_task tasks[16];
    for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
        tasks[i] = asyncio_create_task(hang_in_pool, &hangs);
    task_await_count(&begun, ARRAY_SIZE(tasks));
    ck_assert_int_eq(look_up("localhost", "80", NULL), 0);
    atomic_store(&released, 1);
    for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
        ck_assert_int_eq(asyncio_await(tasks[i]), 0);
    ck_assert_int_eq(atomic_load(&discarded), 0);
}

/* ---- words ---- */

START_TEST(every_code_has_a_name_and_a_sentence)
{
    static const int codes[] = {
        ASYNCIO_EAI_BADFLAGS, ASYNCIO_EAI_NONAME,     ASYNCIO_EAI_AGAIN,
        ASYNCIO_EAI_FAIL,     ASYNCIO_EAI_NODATA,     ASYNCIO_EAI_FAMILY,
        ASYNCIO_EAI_SOCKTYPE, ASYNCIO_EAI_SERVICE,    ASYNCIO_EAI_ADDRFAMILY,
        ASYNCIO_EAI_OVERFLOW,
    };
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        const char *sentence = asyncio_strerror(-codes[i]);
        ck_assert_int_eq(strncmp(asyncio_errname(-codes[i]), "EAI_", 4), 0);
        ck_assert_str_ne(sentence, "unknown error");
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(sentence, asyncio_strerror(-codes[j]));
    }
    ck_assert_str_eq(asyncio_errname(-ASYNCIO_EAI_BASE), "UNKNOWN");
    ck_assert_str_eq(asyncio_strerror(-ASYNCIO_EAI_BASE - 99),
                     "unknown error");
}
END_TEST

START_TEST(outside_of_tasks_it_is_eperm)
{
    struct sockaddr_in in = loopback(80);
    char host[64];
    ck_assert_int_eq(look_up("127.0.0.1", "80", NULL), -EPERM);
    ck_assert_int_eq(name_of(&in, sizeof in, host, sizeof host, NULL, 0, 0),
                     -EPERM);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("names");
    suite_case(suite, services_have_names);
    suite_case(suite, without_hints_streams_are_meant);
    suite_case(suite, hints_choose_type_and_family);
    suite_case(suite, nobody_is_everybody_or_oneself);
    suite_case(suite, a_canonical_name_is_told_on_request);
    suite_case(suite, a_service_of_no_name_is_eai_service);
    suite_case(suite, a_literal_of_another_family_is_eai_addrfamily);
    suite_case(suite, nonsense_in_the_hints_is_told_apart);
    suite_case(suite, ports_have_the_names_of_services);
    suite_case(suite, a_name_that_does_not_fit_is_eai_overflow_or_cut);
    suite_case(suite, what_is_no_address_has_no_name);
    suite_case(suite, hung_look_ups_hold_up_neither_files_nor_threads);
    suite_case(suite, files_that_hang_hold_up_no_look_ups);
    suite_case(suite, every_code_has_a_name_and_a_sentence);
    suite_case(suite, outside_of_tasks_it_is_eperm);
    return suite;
}
