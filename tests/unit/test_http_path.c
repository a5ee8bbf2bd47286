/*
 * test_http_path.c - paths of targets: decoded once, judged, and never a way out.
 */
#include "http/http_path.h"

#include "support/exact.h"
#include "support/holds.h"
#include "support/proves.h"

static struct http_path path;

static int decode(const void *text, size_t len)
{
    struct bytes exact = exact_copy(text, len);
    int status = http_path_decode(exact, &path);

    if (!status) {
        /* What every name has in common, whatever it was made of. */
        HOLDS(path.len > 0 && path.len < sizeof(path.text));
        HOLDS(strlen(path.text) == path.len);
        HOLDS(path.text[0] != '/' && path.text[path.len - 1] != '/');
        HOLDS(!strstr(path.text, "//"));
    }
    exact_free(exact);
    return status;
}

struct row {
    const char *target;
    int status;
    const char *name;
    bool directory;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int status = decode(rows[i].target, strlen(rows[i].target));
        if (status != rows[i].status)
            ck_abort_msg("%s is %d, not %d", rows[i].target, status, rows[i].status);
        if (status)
            continue;
        ck_assert_str_eq(path.text, rows[i].name);
        ck_assert_msg(path.directory == rows[i].directory, "%s", rows[i].target);
    }
}

START_TEST(path_becomes_a_relative_name)
{
    static const struct row rows[] = {
        {"", 0, ".", true},
        {"/", 0, ".", true},
        {"//", 0, ".", true},
        {"/.", 0, ".", true},
        {"/a", 0, "a", false},
        {"/a/", 0, "a", true},
        {"/a/b.html", 0, "a/b.html", false},
        {"/a//b", 0, "a/b", false},
        {"//etc/passwd", 0, "etc/passwd", false},
        {"/./a/./b/.", 0, "a/b", true},
        {"/a/%2e/b", 0, "a/b", false},
        {"/...", 0, "...", false},
        {"/.hidden", 0, ".hidden", false},
        {"/a..b", 0, "a..b", false},
        {"/..a", 0, "..a", false},
        {"/a%20b", 0, "a b", false},
        {"/a+b", 0, "a+b", false},
    };

    check_rows(rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(escapes_are_decoded_once)
{
    static const struct row rows[] = {
        {"/%41", 0, "A", false},       {"/%4a%4A", 0, "JJ", false},
        {"/%2561", 0, "%61", false},   {"/%252e%252e", 0, "%2e%2e", false},
        {"/%zz", 400, NULL, false},    {"/%", 400, NULL, false},
        {"/%4", 400, NULL, false},     {"/%4/a", 400, NULL, false},
        {"/a%g0", 400, NULL, false},   {"/%%41", 400, NULL, false},
        {"/%u0041", 400, NULL, false}, {"/%+1", 400, NULL, false},
    };

    check_rows(rows, ARRAY_LEN(rows));
    PROVES("RFC9110-4.2-a");
}
END_TEST

START_TEST(path_that_climbs_or_hides_is_refused)
{
    static const struct row rows[] = {
        {"/..", 400, NULL, false},
        {"/../", 400, NULL, false},
        {"/../etc/passwd", 400, NULL, false},
        {"/a/../b", 400, NULL, false},
        {"/a/..", 400, NULL, false},
        {"..", 400, NULL, false},
        {"/%2e%2e/etc/passwd", 400, NULL, false},
        {"/%2E./etc", 400, NULL, false},
        {"/.%2e/etc", 400, NULL, false},
        {"/a/%2e%2e%2fetc", 404, NULL, false},
        {"/..%2f..%2fetc", 404, NULL, false},
        {"/a%2fb", 404, NULL, false},
        {"/%2Fetc/passwd", 404, NULL, false},
        {"/a%5cb", 404, NULL, false},
        {"/..%5c..%5cetc", 404, NULL, false},
        {"/..\\etc", 404, NULL, false},
        {"/a%00.html", 400, NULL, false},
        {"/%00", 400, NULL, false},
        {"/a%0d%0ab", 400, NULL, false},
        {"/a%1f", 400, NULL, false},
        {"/a%7f", 400, NULL, false},
        {"/a%09", 400, NULL, false},
    };

    check_rows(rows, ARRAY_LEN(rows));
    PROVES("W06");
}
END_TEST

START_TEST(names_are_well_formed_utf8)
{
    static const struct row rows[] = {
        {"/%c3%a4", 0, "\xc3\xa4", false},
        {"/%C2%80", 0, "\xc2\x80", false},
        {"/%df%bf", 0, "\xdf\xbf", false},
        {"/%e0%a0%80", 0, "\xe0\xa0\x80", false},
        {"/%ed%9f%bf", 0, "\xed\x9f\xbf", false},
        {"/%ee%80%80", 0, "\xee\x80\x80", false},
        {"/%f0%90%80%80", 0, "\xf0\x90\x80\x80", false},
        {"/%f4%8f%bf%bf", 0, "\xf4\x8f\xbf\xbf", false},
        {"/%c0%ae%c0%ae/", 400, NULL, false}, /* overlong dots */
        {"/%c0%af", 400, NULL, false},        /* an overlong slash */
        {"/%c1%bf", 400, NULL, false},
        {"/%e0%80%af", 400, NULL, false},
        {"/%e0%9f%bf", 400, NULL, false},
        {"/%f0%80%80%af", 400, NULL, false},
        {"/%f0%8f%bf%bf", 400, NULL, false},
        {"/%ed%a0%80", 400, NULL, false}, /* surrogates */
        {"/%ed%bf%bf", 400, NULL, false},
        {"/%f4%90%80%80", 400, NULL, false}, /* above U+10FFFF */
        {"/%f5%80%80%80", 400, NULL, false},
        {"/%ff", 400, NULL, false},
        {"/%80", 400, NULL, false},
        {"/%c3", 400, NULL, false},
        {"/%c3/%a4", 400, NULL, false}, /* across a slash */
        {"/%e2%82", 400, NULL, false},
        {"/%e2%28%a1", 400, NULL, false},
        {"/%f0%9f%98", 400, NULL, false},
        {"/%f0%9f%98%80x", 0, "\xf0\x9f\x98\x80x", false},
    };

    check_rows(rows, ARRAY_LEN(rows));
    PROVES("W06");
}
END_TEST

START_TEST(names_have_a_length)
{
    static char target[3 * HTTP_PATH_ROOM];
    static const struct {
        size_t segment;
        int status;
    } rows[] = {{HTTP_NAME_MAX, 0}, {HTTP_NAME_MAX + 1, 404}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        memset(target, 'a', rows[i].segment + 1);
        target[0] = '/';
        ck_assert_int_eq(decode(target, rows[i].segment + 1), rows[i].status);
    }
    /* The whole: every length up to far too long, in segments of one octet. */
    for (size_t i = 0; i < sizeof(target); i++)
        target[i] = i % 2 ? 'a' : '/';
    for (size_t len = HTTP_PATH_ROOM - 8; len < HTTP_PATH_ROOM + 8; len++) {
        int status = decode(target, len);
        ck_assert_int_eq(status, len - 1 <= HTTP_PATH_ROOM - 2 ? 0 : 404);
    }
    ck_assert_int_eq(decode(target, sizeof(target)), 404);
}
END_TEST

START_TEST(encoding_is_undone_by_decoding)
{
    char name[3], encoded[16];

    for (int a = 1; a < 256; a++) {
        name[0] = 'x';
        name[1] = (char)a;
        struct writer w = writer_of(encoded, sizeof(encoded));
        http_path_encode(&w, name, 2);
        size_t len = sizeof(encoded) - w.left;
        ck_assert(!w.overrun);
        ck_assert_uint_eq(len, http_path_encoded_len(name, 2));
        for (size_t i = 0; i < len; i++)
            ck_assert(encoded[i] > 0x20 && encoded[i] < 0x7f && !strchr("<>\"'&\\", encoded[i]));
        if (a >= 0x20 && a < 0x7f && a != '/' && a != '\\') {
            ck_assert_int_eq(decode(encoded, len), 0);
            ck_assert_uint_eq(path.len, 2);
            ck_assert(memcmp(path.text, name, 2) == 0);
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_path");
    TCase *c = tcase_create("RFC 9110, 4.2: paths");

    tcase_add_test(c, path_becomes_a_relative_name);
    tcase_add_test(c, escapes_are_decoded_once);
    tcase_add_test(c, path_that_climbs_or_hides_is_refused);
    tcase_add_test(c, names_are_well_formed_utf8);
    tcase_add_test(c, names_have_a_length);
    tcase_add_test(c, encoding_is_undone_by_decoding);
    suite_add_tcase(s, c);
    return run_suite(s, "http_path");
}
