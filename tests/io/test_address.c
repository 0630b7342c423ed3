/* SPDX-License-Identifier: MIT */
/* Addresses, from text and back. */
#include <netinet/in.h>
#include <sys/un.h>

#include "net_rig.h"

static void assert_same_text(const char *text)
{
    struct asyncio_address address;
    char back[ASYNCIO_ADDRESS_TEXT_SIZE];
    ck_assert_int_eq(asyncio_address_parse(text, &address), 0);
    ck_assert_int_eq(asyncio_address_format(&address, back, sizeof back),
                     strlen(text));
    ck_assert_str_eq(back, text);
}

START_TEST(what_is_written_is_what_was_read)
{
    assert_same_text("127.0.0.1:80");
    assert_same_text("0.0.0.0:0");
    assert_same_text("255.255.255.255:65535");
    assert_same_text("[::1]:80");
    assert_same_text("[2001:db8::7]:443");
    assert_same_text("/run/service.sock");
    assert_same_text("./service.sock");
    assert_same_text("@abstract");
    assert_same_text("@");
}
END_TEST

START_TEST(a_zone_may_have_a_name_or_a_number)
{
    struct asyncio_address named, numbered;
    ck_assert_int_eq(asyncio_address_parse("[fe80::1%lo]:9", &named), 0);
    ck_assert_int_eq(asyncio_address_parse("[fe80::1%1]:9", &numbered), 0);
    ck_assert(asyncio_address_equal(&named, &numbered));
    assert_same_text("[fe80::1%1]:9");
}
END_TEST

START_TEST(what_is_no_address_is_einval)
{
    static const char *const texts[] = {
        "", ":", ":80", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http",
        "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1: 1", "localhost:80",
        "::1:80", "[::1]", "[::1]80", "[::1:80", "[]:80", "[:80", "]:80",
        "[127.0.0.1]:80", "127.0.0.1:99999999999999999999", "300.1.1.1:1",
        "name-without-a-slash",
        "a-host-whose-name-is-longer-than-any-literal-address-could-be:80",
    };
    struct asyncio_address address;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        ck_assert_msg(asyncio_address_parse(texts[i], &address) == -EINVAL,
                      "%s", texts[i]);
}
END_TEST

START_TEST(a_path_has_at_most_107_bytes)
{
    struct asyncio_address address;
    char path[200];
    memset(path, 'x', sizeof path);
    path[0] = '/';
    path[107] = '\0';
    assert_same_text(path);
    path[107] = 'x';
    path[108] = '\0';
    ck_assert_int_eq(asyncio_address_parse(path, &address), -ENAMETOOLONG);
}
END_TEST

START_TEST(a_text_is_cut_to_fit)
{
    struct asyncio_address address;
    char text[8];
    ck_assert_int_eq(asyncio_address_parse("127.0.0.1:80", &address), 0);
    ck_assert_int_eq(asyncio_address_format(&address, text, sizeof text), 12);
    ck_assert_str_eq(text, "127.0.0");
    ck_assert_int_eq(asyncio_address_format(&address, NULL, 0), 12);
}
END_TEST

START_TEST(no_address_is_an_empty_text)
{
    struct asyncio_address none = {.len_ = 0};
    char text[8] = "x";
    size_t len = 7;
    ck_assert_int_eq(asyncio_address_format(&none, text, sizeof text), 0);
    ck_assert_str_eq(text, "");
    ck_assert_int_eq(asyncio_address_port(&none), 0);
    ck_assert_ptr_null(asyncio_address_sockaddr(&none, &len));
    ck_assert_uint_eq(len, 7);
}
END_TEST

START_TEST(ports_are_told)
{
    struct asyncio_address address;
    ck_assert_int_eq(asyncio_address_parse("127.0.0.1:80", &address), 0);
    ck_assert_int_eq(asyncio_address_port(&address), 80);
    ck_assert_int_eq(asyncio_address_parse("[::1]:65535", &address), 0);
    ck_assert_int_eq(asyncio_address_port(&address), 65535);
    ck_assert_int_eq(asyncio_address_parse("@x", &address), 0);
    ck_assert_int_eq(asyncio_address_port(&address), 0);
}
END_TEST

START_TEST(they_are_the_kernels_own)
{
    struct asyncio_address address, copy;
    size_t len;
    ck_assert_int_eq(asyncio_address_parse("127.0.0.1:80", &address), 0);
    const struct sockaddr *kernels = asyncio_address_sockaddr(&address, &len);
    ck_assert_uint_eq(len, sizeof(struct sockaddr_in));
    ck_assert_int_eq(kernels->sa_family, AF_INET);
    ck_assert_int_eq(asyncio_address_copy(kernels, len, &copy), 0);
    ck_assert(asyncio_address_equal(&address, &copy));
    ck_assert_int_eq(asyncio_address_copy(kernels, 1000, &copy), -EAFNOSUPPORT);
}
END_TEST

START_TEST(different_ones_are_not_equal)
{
    static const char *const texts[] = {
        "127.0.0.1:80", "127.0.0.1:81", "127.0.0.2:80", "[::1]:80", "[::1]:81",
        "/run/x", "/run/xy", "@x",
    };
    struct asyncio_address a, b;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(texts); j++) {
            ck_assert_int_eq(asyncio_address_parse(texts[i], &a), 0);
            ck_assert_int_eq(asyncio_address_parse(texts[j], &b), 0);
            ck_assert_int_eq(asyncio_address_equal(&a, &b), i == j);
        }
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("address");
    suite_case(suite, what_is_written_is_what_was_read);
    suite_case(suite, a_zone_may_have_a_name_or_a_number);
    suite_case(suite, what_is_no_address_is_einval);
    suite_case(suite, a_path_has_at_most_107_bytes);
    suite_case(suite, a_text_is_cut_to_fit);
    suite_case(suite, no_address_is_an_empty_text);
    suite_case(suite, ports_are_told);
    suite_case(suite, they_are_the_kernels_own);
    suite_case(suite, different_ones_are_not_equal);
    return suite;
}
