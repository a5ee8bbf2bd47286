/*
 * test_http_mime.c - media types by name: the table, and a file of them.
 */
#include "http/http_mime.h"

#include <errno.h>
#include <stdio.h>

#include "support/exact.h"
#include "support/holds.h"
#include "support/proves.h"
#include "support/small_env.h"

static struct small_env env;
static struct memory memory;
static struct http_mime_types *types;
static char why[HTTP_MIME_WHY];

static void setup(void)
{
    small_env_init(&env);
    memory = (struct memory){.env = &env.env};
    types = NULL;
}

static void teardown(void)
{
    http_mime_free(&memory, types);
    types = NULL;
    ck_assert_uint_eq(env.out, 0);
    ck_assert_uint_eq(env.blocks, 0);
}

/* From a buffer of exactly that size, which is gone before anything is looked up. */
static int read_octets(const void *text, size_t len)
{
    struct bytes exact = exact_copy(text, len);
    struct text to = text_of(why, sizeof(why));

    http_mime_free(&memory, types);
    types = NULL;
    const int err = http_mime_read(&memory, exact, &types, &to);
    exact_free(exact);
    HOLDS(!err == (types != NULL));
    HOLDS(!err == (to.len == 0));
    return err;
}

static int read_text(const char *text)
{
    return read_octets(text, strlen(text));
}

static const char *find(const char *name)
{
    return http_mime_find(types, name, strlen(name));
}

/* --- the table ---------------------------------------------------------------------------- */

START_TEST(media_type_is_that_of_the_last_extension)
{
    static const struct {
        const char *name, *type;
    } rows[] = {
        {"index.html", "text/html; charset=utf-8"},
        {"a/B.HTM", "text/html; charset=utf-8"},
        {"x.tar.gz", "application/gzip"},
        {"README.txt.gz", "application/gzip"},
        {"x.gz.txt", "text/plain; charset=utf-8"},
        {"x.js", "text/javascript; charset=utf-8"},
        {"x.woff2", "font/woff2"},
        {"x.WoFf2", "font/woff2"},
        {"x.7Z", "application/x-7z-compressed"},
        {"x.webmanifest", "application/manifest+json"},
        {"x.svg", "image/svg+xml"},
        {"README", "application/octet-stream"},
        {"html", "application/octet-stream"},
        {"dir.html/file", "application/octet-stream"},
        {"dir.html/", "application/octet-stream"},
        {"x.", "application/octet-stream"},
        {"x.html.", "application/octet-stream"},
        {".", "application/octet-stream"},
        {"", "application/octet-stream"},
        {"x.htmlx", "application/octet-stream"},
        {"x.htm ", "application/octet-stream"},
        {"x.ht", "application/octet-stream"},
        {".txt", "text/plain; charset=utf-8"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct bytes name = exact_copy(rows[i].name, strlen(rows[i].name));
        ck_assert_str_eq(http_mime_type((const char *)name.at, name.len), rows[i].type);
        ck_assert_str_eq(http_mime_find(NULL, (const char *)name.at, name.len), rows[i].type);
        exact_free(name);
    }
}
END_TEST

START_TEST(extension_is_behind_the_last_dot_of_the_last_segment)
{
    static const struct {
        const char *name, *extension;
    } rows[] = {
        {"a.b", "b"},
        {"a.b.C", "C"},
        {".b", "b"},
        {"x/y.z/a.b", "b"},
        {"x.y/a", ""},
        {"x.y/", ""},
        {"a", ""},
        {"a.", ""},
        {"", ""},
        {".", ""},
        {"a.b/.htaccess", "htaccess"},
        {"a/..", ""},
        {"a.b c", "b c"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct bytes got = http_mime_extension(rows[i].name, strlen(rows[i].name));
        ck_assert_msg(bytes_equal(got, bytes_of(rows[i].extension, strlen(rows[i].extension))),
                      "%s: %.*s", rows[i].name, (int)got.len, (const char *)got.at);
    }
}
END_TEST

/* Through the lookup, as the table is nobody else's: all names of up to three letters or digits,
 * and some longer ones. */
START_TEST(text_in_the_table_says_its_charset_and_nothing_else_does)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char *const longer[] = {"x.html", "x.json", "x.text", "x.markdown", "x.xhtml",
                                         "x.atom", "x.yaml", "x.webp", "x.geojson",  "x.docx"};
    enum { LETTERS = sizeof(letters) - 1 };
    char name[] = "x.abc";
    int known = 0;

    for (int n = 0; n < LETTERS * LETTERS * LETTERS + (int)ARRAY_LEN(longer); n++) {
        const int which = n - LETTERS * LETTERS * LETTERS;
        name[2] = letters[n % LETTERS];
        name[3] = letters[n / LETTERS % LETTERS];
        name[4] = letters[which < 0 ? n / LETTERS / LETTERS : 0];
        const char *type = which < 0 ? http_mime_type(name, 5)
                                     : http_mime_type(longer[which], strlen(longer[which]));
        if (strcmp(type, "application/octet-stream") == 0) {
            HOLDS(which < 0);
            continue;
        }
        known++;
        HOLDS(strlen(type) <= HTTP_MIME_TYPE_MAX);
        const char *charset = strstr(type, "; charset=utf-8");
        HOLDS((strncmp(type, "text/", 5) == 0) == (charset != NULL));
        HOLDS(!charset || charset[strlen("; charset=utf-8")] == '\0');
        HOLDS(charset || !strpbrk(type, "; "));
    }
    ck_assert_int_gt(known, 70);
}
END_TEST

START_TEST(text_in_the_widest_sense_is_compressible)
{
    static const struct {
        const char *type;
        bool is;
    } rows[] = {
        {"text/html; charset=utf-8", true},
        {"text/plain", true},
        {"TEXT/CSS", true},
        {"text/javascript;charset=utf-8", true},
        {"application/json", true},
        {"application/json ; x=y", true},
        {"Application/JSON", true},
        {"application/javascript", true},
        {"application/xml", true},
        {"application/xhtml+xml", true},
        {"application/manifest+json", true},
        {"application/ld+JSON", true},
        {"image/svg+xml", true},
        {"application/wasm", true},
        {"application/vnd.ms-fontobject", true},
        {"font/ttf", true},
        {"image/x-icon", true},
        {"model/gltf-binary", true},
        {"json", false},
        {"application/", false},
        {"application/font/ttf", false},
        {"image/json", false},
        {"image/png", false},
        {"image/jpeg", false},
        {"font/woff2", false},
        {"video/mp4", false},
        {"application/gzip", false},
        {"application/zip", false},
        {"application/epub+zip", false},
        {"application/octet-stream", false},
        {"application/jsonx", false},
        {"application/x+jsonx", false},
        {"application/pdf;x=+json", false},
        {"+json", false},
        {"text", false},
        {"xtext/plain", false},
        {"", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(http_mime_is_compressible(rows[i].type) == rows[i].is, "%s", rows[i].type);
}
END_TEST

/* --- a file of types ---------------------------------------------------------------------- */

START_TEST(file_of_types_is_looked_at_before_the_table)
{
    static const char text[] = "# what the site has\n"
                               "\n"
                               "text/html\thtml  htm\r\n"
                               "  application/x-thing thing THANG # not me\n"
                               "application/x-nothing\n"
                               "   \t \n"
                               "image/x-png\tpng\n"
                               "text/x-c c++ h~ 1905\n"
                               "application/spdx+json spdx.json\n"
                               "application/x-last last";
    static const struct {
        const char *name, *type;
    } rows[] = {
        {"a.html", "text/html; charset=utf-8"},
        {"a.HTM", "text/html; charset=utf-8"},
        {"a.thing", "application/x-thing"},
        {"a.tHing", "application/x-thing"},
        {"a.thang", "application/x-thing"},
        {"a.png", "image/x-png"}, /* and not the table's */
        {"a.c++", "text/x-c; charset=utf-8"},
        {"a.h~", "text/x-c; charset=utf-8"},
        {"a.1905", "text/x-c; charset=utf-8"},
        {"a.last", "application/x-last"},
        {"a.gif", "image/gif"}, /* the table's */
        {"a.spdx.json", "application/json"},
        {"a.not", "application/octet-stream"},
        {"a.me", "application/octet-stream"},
        {"thing", "application/octet-stream"},
        {"a.thing/b", "application/octet-stream"},
        {"a.", "application/octet-stream"},
        {"", "application/octet-stream"},
        {"a.thin", "application/octet-stream"},
        {"a.things", "application/octet-stream"},
    };

    ck_assert_int_eq(read_text(text), 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_str_eq(find(rows[i].name), rows[i].type);
    /* The table itself has not changed. */
    ck_assert_str_eq(http_mime_type("a.png", 5), "image/png");
}
END_TEST

START_TEST(types_in_braces_end_with_a_semicolon)
{
    static const char text[] = "# nginx\n"
                               "types {\n"
                               "    text/html          html htm;\n"
                               "    application/x-long\n"
                               "                       long # here\n"
                               "                       longer;\n"
                               "    image/x-a a;image/x-b b;;\n"
                               "    image/x-none;\n"
                               "}\n"
                               "text/x-plain plain\n"
                               "types\n{ text/x-two two; }\n"
                               "types{}text/x-three three;text/x-four four\n";
    static const struct {
        const char *name, *type;
    } rows[] = {
        {"x.htm", "text/html; charset=utf-8"},
        {"x.long", "application/x-long"},
        {"x.longer", "application/x-long"},
        {"x.a", "image/x-a"},
        {"x.b", "image/x-b"},
        {"x.plain", "text/x-plain; charset=utf-8"},
        {"x.two", "text/x-two; charset=utf-8"},
        {"x.three", "text/x-three; charset=utf-8"},
        {"x.four", "text/x-four; charset=utf-8"},
        {"x.here", "application/octet-stream"},
    };

    ck_assert_int_eq(read_text(text), 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_str_eq(find(rows[i].name), rows[i].type);
}
END_TEST

START_TEST(last_line_that_names_an_extension_wins)
{
    ck_assert_int_eq(read_text("a/one x y\na/two X\na/three z x\na/four y y\n"), 0);
    ck_assert_str_eq(find("f.x"), "a/three");
    ck_assert_str_eq(find("f.y"), "a/four");
    ck_assert_str_eq(find("f.z"), "a/three");
}
END_TEST

START_TEST(mistake_names_its_line)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"\n# x\ntexthtml html", "line 3: \"texthtml\" is no media type"},
        {"text/html html\ntext/ css", "line 2: \"text/\" is no media type"},
        {"/html html", "line 1: \"/html\" is no media type"},
        {"/", "line 1: \"/\" is no media type"},
        {"text/html/x html", "line 1: \"text/html/x\" is no media type"},
        {"text/h(ml html", "line 1: \"text/h(ml\" is no media type"},
        {"t\xc3\xa4xt/html html", "line 1: \"t\\xc3\\xa4xt/html\" is no media type"},
        {"text/html;charset=utf-8 html", "line 1: \"charset=utf-8\" is no media type"},
        {"text/html h/tml", "line 1: \"h/tml\" is no extension"},
        {"text/html html\n\ntext/css .css", "line 3: \".css\" is no extension"},
        {"text/html html .", "line 1: \".\" is no extension"},
        {"text/html \"html\"", "line 1: \"\"html\"\" is no extension"},
        {"text/html h\x01", "line 1: \"h\\x01\" is no extension"},
        {"types", "line 1: \"types\" is no media type"},
        {"types html", "line 1: \"types\" is no media type"},
        {"Typos {", "line 1: \"Typos\" is no media type"},
        {"\n{ text/html html; }", "line 2: \"{\" has no \"types\" before it"},
        {"types { { } }", "line 1: \"{\" has no \"types\" before it"},
        {"types {\n text/html html\n}", "line 3: \"text/html\" has no \";\" behind it"},
        {"types {\n text/html html\n text/css css;\n}", "line 3: \"text/css\" is no extension"},
        {"types { types }", "line 1: \"types\" is no media type"},
        {"types {\n types { }\n}", "line 2: \"types\" is no media type"},
        {"\n\ntypes {\n text/html html;\n\n", "line 3: \"types {\" is never closed"},
        {"types {\n text/html html;\n}\n}", "line 4: \"}\" closes nothing"},
        {"text/html }", "line 1: \"}\" closes nothing"},
        {"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeee",
         "line 1: \"aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd...\" is no media type"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert_msg(read_text(rows[i].text) == -EINVAL, "%s", rows[i].text);
        ck_assert_str_eq(why, rows[i].why);
        ck_assert_uint_eq(env.blocks, 0);
    }
    /* A NUL is an octet like any other that has no place here. */
    ck_assert_int_eq(read_octets("text/html ht\0ml", 15), -EINVAL);
    ck_assert_str_eq(why, "line 1: \"ht\\x00ml\" is no extension");
}
END_TEST

START_TEST(nothing_is_a_file_of_no_types)
{
    static const char *const texts[] = {"",    "\n",        "# only a comment", " \t\r\n",
                                        ";;;", "types { }", "types {\n}\n",     "text/html"};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        ck_assert_msg(read_text(texts[i]) == 0, "%s", texts[i]);
        ck_assert_str_eq(find("x.html"), "text/html; charset=utf-8");
        ck_assert_str_eq(find("x.unknown"), "application/octet-stream");
    }
    ck_assert_int_eq(read_octets(NULL, 0), 0);
}
END_TEST

START_TEST(type_has_a_length)
{
    char text[HTTP_MIME_TYPE_MAX + 16];

    for (size_t len = HTTP_MIME_TYPE_MAX - 1; len <= HTTP_MIME_TYPE_MAX + 1; len++) {
        memset(text, 'a', len);
        text[3] = '/';
        memcpy(text + len, " x", 3);
        ck_assert_int_eq(read_text(text), len <= HTTP_MIME_TYPE_MAX ? 0 : -EINVAL);
        if (types)
            ck_assert_uint_eq(strlen(find("f.x")), len);
    }
    /* With the charset that is added to text. */
    for (size_t len = HTTP_MIME_TYPE_MAX - 16; len <= HTTP_MIME_TYPE_MAX - 14; len++) {
        memset(text, 'a', len);
        memcpy(text, "text/", 5);
        memcpy(text + len, " x", 3);
        ck_assert_int_eq(read_text(text), len <= HTTP_MIME_TYPE_MAX - 15 ? 0 : -EINVAL);
        if (types)
            ck_assert_uint_eq(strlen(find("f.x")), len + 15);
    }
}
END_TEST

/* As many as may be, in an order that is none, each found again; one more is refused. */
START_TEST(there_may_be_4096_extensions)
{
    static char text[HTTP_MIME_TEXT_MAX];
    size_t len = 0;

    for (unsigned i = 0; i < HTTP_MIME_EXTENSIONS_MAX; i++) {
        const unsigned n = i * 2741 % HTTP_MIME_EXTENSIONS_MAX;
        len += (size_t)snprintf(text + len, sizeof(text) - len, "a/t%u %s%u\n", n,
                                n % 3 ? "e" : "longer-", n);
    }
    ck_assert_int_eq(read_octets(text, len), 0);
    for (unsigned n = 0; n < HTTP_MIME_EXTENSIONS_MAX; n++) {
        char name[64], type[64];
        snprintf(name, sizeof(name), "f.%s%u", n % 3 ? "E" : "Longer-", n);
        snprintf(type, sizeof(type), "a/t%u", n);
        HOLDS(strcmp(find(name), type) == 0);
    }
    ck_assert_str_eq(find("f.e4096"), "application/octet-stream");
    len += (size_t)snprintf(text + len, sizeof(text) - len, "\na/more more\n");
    ck_assert_int_eq(read_octets(text, len), -EFBIG);
    ck_assert_str_eq(why, "line 4098: \"more\" is one extension too many: 4096 are the most");
}
END_TEST

START_TEST(file_may_have_256_kib)
{
    static char text[HTTP_MIME_TEXT_MAX + 1];

    memset(text, '#', sizeof(text));
    ck_assert_int_eq(read_octets(text, HTTP_MIME_TEXT_MAX), 0);
    ck_assert_int_eq(read_octets(text, HTTP_MIME_TEXT_MAX + 1), -EFBIG);
    ck_assert_str_eq(why, "more than 256 KiB");
    /* One word of all that is a line of its own: still within the block. */
    memset(text, 'x', sizeof(text));
    memcpy(text, "a/b ", 4);
    ck_assert_int_eq(read_octets(text, HTTP_MIME_TEXT_MAX), 0);
}
END_TEST

static uint64_t octets_of(const char *text)
{
    ck_assert_int_eq(read_text(text), 0);
    return env.out;
}

START_TEST(what_is_kept_of_a_file_is_what_can_be_found)
{
    const uint64_t one = octets_of("a/b x");

    ck_assert_uint_eq(env.blocks, 1);
    ck_assert_uint_eq(octets_of("# x\na/b x # x\na/long-and-without-extension\n"), one);
    ck_assert_uint_eq(octets_of("a/b x y.z"), one); /* no name has that */
    ck_assert_uint_eq(octets_of("a/b xyz"), one + 2);
    ck_assert_uint_eq(octets_of("a/bcd x y"), octets_of("a/b x y") + 2); /* once for both */
}
END_TEST

START_TEST(memory_that_is_not_there_is_told)
{
    ck_assert_int_eq(read_text("a/b x\n"), 0);
    ck_assert_uint_eq(env.blocks, 1);
    env.fail_at = env.calls + 1;
    ck_assert_int_eq(read_text("a/b x\n"), -ENOMEM);
    ck_assert_str_eq(why, "no memory");
    ck_assert_uint_eq(memory.failures, 1);
    ck_assert_uint_eq(env.blocks, 0);
    http_mime_free(&memory, NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_mime");
    TCase *c = tcase_create("RFC 9110, 8.3: media types");

    tcase_add_test(c, media_type_is_that_of_the_last_extension);
    tcase_add_test(c, extension_is_behind_the_last_dot_of_the_last_segment);
    tcase_add_test(c, text_in_the_table_says_its_charset_and_nothing_else_does);
    tcase_add_test(c, text_in_the_widest_sense_is_compressible);
    suite_add_tcase(s, c);
    c = tcase_create("a file of types");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, file_of_types_is_looked_at_before_the_table);
    tcase_add_test(c, types_in_braces_end_with_a_semicolon);
    tcase_add_test(c, last_line_that_names_an_extension_wins);
    tcase_add_test(c, mistake_names_its_line);
    tcase_add_test(c, nothing_is_a_file_of_no_types);
    tcase_add_test(c, type_has_a_length);
    tcase_add_test(c, there_may_be_4096_extensions);
    tcase_add_test(c, file_may_have_256_kib);
    tcase_add_test(c, what_is_kept_of_a_file_is_what_can_be_found);
    tcase_add_test(c, memory_that_is_not_there_is_told);
    suite_add_tcase(s, c);
    return run_suite(s, "http_mime");
}
