/*
 * test_url.c - what is a URL that can be fetched, and what a reference means.
 */
#include "http/url.h"

#include <errno.h>
#include <stdio.h>

#include "http/http_octets.h"
#include "support/exact.h"
#include "support/holds.h"
#include "support/proves.h"

static struct url url, base;

/* From a buffer of exactly that size. */
static int parse(const char *text, size_t len)
{
    struct bytes exact = exact_copy(text, len);
    const char *why = NULL;

    int err = url_parse(exact, &url, &why);
    HOLDS(!err == !why);
    exact_free(exact);
    return err;
}

static int resolve(const char *reference)
{
    struct bytes exact = exact_copy(reference, strlen(reference));
    const char *why = NULL;

    int err = url_resolve(&base, exact, &url, &why);
    HOLDS(!err == !why);
    exact_free(exact);
    return err;
}

static const char *host_text(void)
{
    static char text[URL_HOST_TEXT + 1];
    struct writer w = writer_of(text, URL_HOST_TEXT);

    url_write_host(&w, &url);
    HOLDS(!w.overrun);
    *w.at = '\0';
    return text;
}

static const struct {
    const char *text, *host;
    uint16_t port;
    const char *target, *host_field;
    bool is_address;
} good[] = {
    {"http://10.9.0.1/", "10.9.0.1", 80, "/", "10.9.0.1", true},
    {"http://10.9.0.1", "10.9.0.1", 80, "/", "10.9.0.1", true},
    {"HTTP://Example.ORG/A", "example.org", 80, "/A", "example.org", false},
    {"10.9.0.1/x", "10.9.0.1", 80, "/x", "10.9.0.1", true},
    {"localhost:8080/x", "localhost", 8080, "/x", "localhost:8080", false},
    {"http://h:80/", "h", 80, "/", "h", false},
    {"http://h:/", "h", 80, "/", "h", false},
    {"http://h:1", "h", 1, "/", "h:1", false},
    {"http://h:65535/", "h", 65535, "/", "h:65535", false},
    {"http://h:00000080/", "h", 80, "/", "h", false},
    {"http://[fe80::1]/", "fe80::1", 80, "/", "[fe80::1]", true},
    {"http://[FE80::1]:8000/a", "fe80::1", 8000, "/a", "[fe80::1]:8000", true},
    {"http://h?q", "h", 80, "/?q", "h", false},
    {"http://h/?", "h", 80, "/?", "h", false},
    {"http://h/a?b?c/../d#e?f", "h", 80, "/a?b?c/../d", "h", false},
    {"http://h#f", "h", 80, "/", "h", false},
    {"http://h/a/./b/../c", "h", 80, "/a/c", "h", false},
    {"http://h/../../c", "h", 80, "/c", "h", false},
    {"http://h/a/..", "h", 80, "/", "h", false},
    {"http://h/a/b/.", "h", 80, "/a/b/", "h", false},
    {"http://h/a/...", "h", 80, "/a/...", "h", false},
    {"http://h//a//", "h", 80, "//a//", "h", false},
    {"http://h/%41%2e%2E", "h", 80, "/%41%2e%2E", "h", false},
    {"http://h/\xc3\xa4?\xff", "h", 80, "/%C3%A4?%FF", "h", false},
    {"http://h/\x80?\x80", "h", 80, "/%80?%80", "h", false},
    {"http://h/[x]{y}|^`", "h", 80, "/[x]{y}|^`", "h", false},
    {"http://h/a@b:c", "h", 80, "/a@b:c", "h", false},
    {"http://a_b-c.d1/", "a_b-c.d1", 80, "/", "a_b-c.d1", false},
    {"h//x", "h", 80, "//x", "h", false},
};

START_TEST(url_is_taken_apart)
{
    ck_assert_int_eq(parse(good[_i].text, strlen(good[_i].text)), 0);
    ck_assert_str_eq(url.host, good[_i].host);
    ck_assert_uint_eq(url.port, good[_i].port);
    ck_assert_str_eq(url.target, good[_i].target);
    ck_assert_uint_eq(url.target_len, strlen(url.target));
    ck_assert_str_eq(host_text(), good[_i].host_field);
    ck_assert(url.is_address == good[_i].is_address);
}
END_TEST

static const struct {
    const char *text;
    int err;
} bad[] = {
    {"", -EINVAL},
    {"http://", -EINVAL},
    {"http:///x", -EINVAL},
    {"http://:80/", -EINVAL},
    {"https://h/", -EPROTONOSUPPORT},
    {"HTTPS://h/", -EPROTONOSUPPORT},
    {"ftp://h/", -EPROTONOSUPPORT},
    {"file:///etc/passwd", -EPROTONOSUPPORT},
    {"mailto:a", -EINVAL},
    {"http:h", -EINVAL},
    {"/a", -EINVAL},
    {"?a", -EINVAL},
    {"http://user@h/", -EINVAL},
    {"http://user:word@h/", -EINVAL},
    {"http://a@b@h/", -EINVAL},
    {"http://h:0/", -EINVAL},
    {"http://h:65536/", -EINVAL},
    {"http://h:99999999999999999999/", -EINVAL},
    {"http://h:8 0/", -EINVAL},
    {"http://h:-1/", -EINVAL},
    {"http://h:80:80/", -EINVAL},
    {"http://[::1/", -EINVAL},
    {"http://[]/", -EINVAL},
    {"http://[10.9.0.1]/", -EINVAL},
    {"http://[fe80::1%25eth0]/", -EINVAL},
    {"http://[v1.x]/", -EINVAL},
    {"http://[::1]x/", -EINVAL},
    {"http://::1/", -EINVAL},
    {"http://h%41/", -EINVAL},
    {"http://h\xc3\xa4/", -EINVAL},
    {"http://a,b/", -EINVAL},
    {"http://h/ x", -EINVAL},
    {"http://h/\tx", -EINVAL},
    {"http://h/\r\nX: y", -EINVAL},
    {"http://h/\x7f", -EINVAL},
    {"http://h/#\n", -EINVAL},
    {"http://h/%", -EINVAL},
    {"http://h/%4", -EINVAL},
    {"http://h/%4g", -EINVAL},
    {"http://h/?%g4", -EINVAL},
    {"http://h/\"", -EINVAL},
    {"http://h/<", -EINVAL},
    {"http://h/\\", -EINVAL},
};

START_TEST(url_that_cannot_be_fetched_is_refused_with_a_reason)
{
    ck_assert_int_eq(parse(bad[_i].text, strlen(bad[_i].text)), bad[_i].err);
}
END_TEST

START_TEST(control_or_space_is_refused_wherever_it_stands)
{
    static const char text[] = "http://host:80/path?query#fragment";

    for (size_t at = 0; at < strlen(text); at++)
        for (int octet = 0; octet <= 0x7f; octet++) {
            char copy[sizeof(text)];
            memcpy(copy, text, sizeof(text));
            copy[at] = (char)octet;
            int err = parse(copy, strlen(text));
            if (octet <= ' ' || octet == 0x7f)
                HOLDS(err == -EINVAL);
        }
}
END_TEST

START_TEST(host_may_have_253_octets_and_a_target_8192)
{
    static char text[9000];

    for (int len = 252; len <= 254; len++) {
        memset(text, 'a', sizeof(text));
        memcpy(text, "http://", 7);
        ck_assert_int_eq(parse(text, (size_t)(7 + len)), len <= 253 ? 0 : -EINVAL);
    }
    memcpy(text, "http://h/", 9);
    ck_assert_int_eq(parse(text, URL_MAX), 0);
    ck_assert_uint_eq(url.target_len, URL_MAX - 8);
    ck_assert_int_eq(parse(text, URL_MAX + 1), -EINVAL);
    /* Escapes make it longer than it was: three octets for one. */
    memset(text + 9, 0xe4, sizeof(text) - 9);
    ck_assert_int_eq(parse(text, 9 + 2730), 0);
    ck_assert_uint_eq(url.target_len, 1 + 3 * 2730);
    ck_assert_int_eq(parse(text, 9 + 2731), -EINVAL);
    text[9] = '?';
    ck_assert_int_eq(parse(text, 9 + 2730), 0);
    ck_assert_int_eq(parse(text, 9 + 2732), -EINVAL);
}
END_TEST

/* RFC 3986, 5.4.1 and 5.4.2, without the fragments, which are not sent. */
static const struct {
    const char *reference, *host, *target;
} references[] = {
    {"g", "a", "/b/c/g"},
    {"./g", "a", "/b/c/g"},
    {"g/", "a", "/b/c/g/"},
    {"/g", "a", "/g"},
    {"//g", "g", "/"},
    {"?y", "a", "/b/c/d;p?y"},
    {"g?y", "a", "/b/c/g?y"},
    {"#s", "a", "/b/c/d;p?q"},
    {"g#s", "a", "/b/c/g"},
    {"g?y#s", "a", "/b/c/g?y"},
    {";x", "a", "/b/c/;x"},
    {"g;x", "a", "/b/c/g;x"},
    {".", "a", "/b/c/"},
    {"./", "a", "/b/c/"},
    {"..", "a", "/b/"},
    {"../", "a", "/b/"},
    {"../g", "a", "/b/g"},
    {"../..", "a", "/"},
    {"../../", "a", "/"},
    {"../../g", "a", "/g"},
    {"../../../g", "a", "/g"},
    {"../../../../g", "a", "/g"},
    {"/./g", "a", "/g"},
    {"/../g", "a", "/g"},
    {"g.", "a", "/b/c/g."},
    {".g", "a", "/b/c/.g"},
    {"g..", "a", "/b/c/g.."},
    {"..g", "a", "/b/c/..g"},
    {"./../g", "a", "/b/g"},
    {"./g/.", "a", "/b/c/g/"},
    {"g/./h", "a", "/b/c/g/h"},
    {"g/../h", "a", "/b/c/h"},
    {"g;x=1/./y", "a", "/b/c/g;x=1/y"},
    {"g;x=1/../y", "a", "/b/c/y"},
    {"g?y/./x", "a", "/b/c/g?y/./x"},
    {"g?y/../x", "a", "/b/c/g?y/../x"},
    {"http://g:81/x", "g", "/x"},
    {"HTTP://g?x", "g", "/?x"},
};

START_TEST(reference_is_seen_from_its_base)
{
    static const char text[] = "http://a/b/c/d;p?q";

    ck_assert_int_eq(parse(text, strlen(text)), 0);
    base = url;
    ck_assert_int_eq(resolve(references[_i].reference), 0);
    ck_assert_str_eq(url.host, references[_i].host);
    ck_assert_str_eq(url.target, references[_i].target);
    ck_assert_uint_eq(url.target_len, strlen(url.target));
}
END_TEST

START_TEST(reference_that_leads_elsewhere_than_http_is_refused)
{
    static const struct {
        const char *reference;
        int err;
    } rows[] = {
        {"", -EINVAL},
        {"https://a/", -EPROTONOSUPPORT},
        {"g:h", -EPROTONOSUPPORT},
        {"http:g", -EINVAL},
        {"//u@h/", -EINVAL},
        {"javascript:x", -EPROTONOSUPPORT},
        {"a\r\nb", -EINVAL},
        {"%zz", -EINVAL},
        {"///x", -EINVAL},
        {"//h:99999/", -EINVAL},
    };

    ck_assert_int_eq(parse("http://a:81/b", 13), 0);
    base = url;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (resolve(rows[i].reference) != rows[i].err)
            ck_abort_msg("%s", rows[i].reference);
    ck_assert_int_eq(resolve("c"), 0); /* the port of the base stays */
    ck_assert_uint_eq(url.port, 81);
    ck_assert_int_eq(resolve("//a/c"), 0); /* but not with another authority */
    ck_assert_uint_eq(url.port, 80);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("url");
    TCase *c = tcase_create("RFC 3986, 3: parts");

    tcase_add_loop_test(c, url_is_taken_apart, 0, ARRAY_LEN(good));
    tcase_add_loop_test(c, url_that_cannot_be_fetched_is_refused_with_a_reason, 0, ARRAY_LEN(bad));
    tcase_add_test(c, control_or_space_is_refused_wherever_it_stands);
    tcase_add_test(c, host_may_have_253_octets_and_a_target_8192);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 3986, 5: references");
    tcase_add_loop_test(c, reference_is_seen_from_its_base, 0, ARRAY_LEN(references));
    tcase_add_test(c, reference_that_leads_elsewhere_than_http_is_refused);
    suite_add_tcase(s, c);
    return run_suite(s, "url");
}
