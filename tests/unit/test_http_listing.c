/*
 * test_http_listing.c - what is in a folder: every name, exactly, in order, and nothing of it
 * alive.
 */
#include "http/http_listing.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "base/bytes.h"
#include "http/http_path.h"
#include "support/fake_files.h"
#include "support/holds.h"
#include "support/proves.h"
#include "support/small_env.h"

/* 29 November 2026, 13:00:00.123 */
static const int64_t MTIME = 1795957200 * NS_PER_S + 123 * NS_PER_MS;

static struct small_env small;
static struct memory memory;
static struct pool pool;
static struct fake_files files;
static struct files_ops ops;
static unsigned wakes;
static char out[8 << 20]; /* what a listing wrote, NUL-terminated */
static size_t out_len;
static const char *type;

/* The server has this; here it is counted. */
void http_source_wake(struct http_source *source)
{
    (void)source;
    wakes++;
}

static struct fake_file *add(const char *name, enum file_kind kind, uint64_t size, int64_t mtime_ns)
{
    for (size_t i = 0; i < FAKE_FILES; i++) {
        if (files.file[i].name)
            continue;
        files.file[i] =
            (struct fake_file){.name = name, .kind = kind, .size = size, .mtime_ns = mtime_ns};
        return &files.file[i];
    }
    ck_abort_msg("too many files");
    return NULL;
}

static struct fake_file *add_file(const char *name)
{
    return add(name, FILE_REGULAR, 12, MTIME);
}

static void given_nine_files(void)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        add_file(names[i]);
}

static void given_a_root(void)
{
    small_env_init(&small);
    memory = (struct memory){.env = &small.env};
    ck_assert_int_eq(pool_init(&pool, &memory, "listings", http_listing_size(), HTTP_LISTINGS_MAX),
                     0);
    memset(&files, 0, sizeof(files));
    ops = fake_files_ops(&files);
    wakes = 0;
    add(".", FILE_DIRECTORY, 0, MTIME);
}

static void nothing_is_left(void)
{
    ck_assert_int_eq(files.open, 0);
    ck_assert_uint_eq(pool.used, 0);
    pool_fini(&pool);
    ck_assert_uint_eq(small.out, 0);
}

static struct http_source *open_listing(const char *path, const char *query)
{
    struct file_info info;

    int dir = ops.open(ops.context, path, &info);
    ck_assert_int_ge(dir, 0);
    struct http_source *source =
        http_listing_open(&pool, &ops, dir, path, bytes_of(query, strlen(query)), &type);
    ck_assert_ptr_nonnull(source);
    return source;
}

/* read(), on a buffer that ends where its room ends. */
static int read_some(struct http_source *source, size_t room, uint8_t *to)
{
    uint8_t *exact = malloc(room);

    ck_assert_ptr_nonnull(exact);
    int n = source->read(source, exact, room, (instant){0});
    HOLDS(n <= (int)room);
    if (n > 0)
        memcpy(to, exact, (size_t)n);
    free(exact);
    return n;
}

/* Reads to the end or an error into `out`; what the last read() said. */
static int read_all(struct http_source *source, size_t room)
{
    int n;

    out_len = 0;
    for (;;) {
        unsigned before = wakes;
        HOLDS(out_len + room < sizeof(out));
        n = read_some(source, room, (uint8_t *)out + out_len);
        if (n == -EAGAIN) {
            HOLDS(wakes == before + 1); /* whoever says "not yet" says when */
            continue;
        }
        HOLDS(wakes == before);
        if (n <= 0)
            break;
        out_len += (size_t)n;
    }
    out[out_len] = '\0';
    return n;
}

static void list_in(const char *path, const char *query, size_t room)
{
    struct http_source *source = open_listing(path, query);

    ck_assert_int_eq(read_all(source, room), 0);
    ck_assert_int_eq(read_some(source, 1, (uint8_t *)out + out_len + 1),
                     0); /* it stays at the end */
    source->close(source);
}

static void list(const char *path, const char *query)
{
    list_in(path, query, 4096);
}

static json_t *list_json(const char *path, const char *query)
{
    json_error_t error;

    list(path, query);
    ck_assert_str_eq(type, "application/json");
    json_t *all = json_loadb(out, out_len, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(all != NULL, "%s: %s", error.text, out);
    return all;
}

static void shows(const char *text)
{
    ck_assert_msg(strstr(out, text) != NULL, "no %s in\n%s", text, out);
}

static void shows_not(const char *text)
{
    ck_assert_msg(strstr(out, text) == NULL, "%s in\n%s", text, out);
}

static size_t count_of(const char *text)
{
    const size_t len = strlen(text);
    size_t count = 0;

    for (size_t i = 0; i + len <= out_len; i++)
        count += out[i] == text[0] && memcmp(out + i, text, len) == 0;
    return count;
}

/* The names of a listing in JSON, each with a space behind it. */
static const char *names_of(const char *query)
{
    static char names[1024];
    json_t *all = list_json(".", query), *entry;
    size_t i, len = 0;

    names[0] = '\0';
    json_array_foreach(json_object_get(all, "entries"), i, entry) len += (size_t)snprintf(
        names + len, sizeof(names) - len, "%s ", json_string_value(json_object_get(entry, "name")));
    json_decref(all);
    return names;
}

/* --- steps -------------------------------------------------------------------------------- */

START_TEST(a_scan_is_one_list_for_each_read_until_the_end)
{
    uint8_t octet;

    given_nine_files();
    struct http_source *source = open_listing(".", "");
    for (unsigned i = 1; i <= 3; i++) { /* 4, 4 and 1 names */
        ck_assert_int_eq(read_some(source, 1, &octet), -EAGAIN);
        ck_assert_uint_eq(files.listed, i);
        ck_assert_uint_eq(wakes, i);
        ck_assert_int_eq(files.open, 1);
    }
    ck_assert_int_eq(read_some(source, 1, &octet), 1);
    ck_assert_uint_eq(files.listed, 4);
    ck_assert_uint_eq(wakes, 3);
    ck_assert_int_eq(files.open, 0); /* as soon as all names are there */
    source->close(source);
}
END_TEST

START_TEST(any_room_gets_the_same_octets)
{
    static char whole[sizeof(out)];
    static const char *const queries[] = {"", "json", "sort=size&order=desc"};
    static const size_t rooms[] = {1, 2, 7, 100, 4095, 65536};

    add("a", FILE_DIRECTORY, 0, MTIME);
    add("a/b", FILE_DIRECTORY, 0, MTIME);
    add("a/b/d", FILE_DIRECTORY, 0, MTIME);
    add_file("a/b/x");
    add_file("a/b/<&>");
    add_file("a/b/\xff");
    for (size_t q = 0; q < ARRAY_LEN(queries); q++) {
        list_in("a/b", queries[q], 4096);
        memcpy(whole, out, out_len + 1);
        for (size_t i = 0; i < ARRAY_LEN(rooms); i++) {
            list_in("a/b", queries[q], rooms[i]);
            ck_assert_str_eq(out, whole);
            ck_assert_uint_eq(strlen(out), out_len);
        }
    }
}
END_TEST

START_TEST(one_read_writes_no_more_than_a_bounded_piece)
{
    struct http_source *source;
    static uint8_t to[1 << 20];
    int n;

    files.file[0].crowd = "f";
    files.file[0].crowd_count = HTTP_LISTING_ENTRIES;
    source = open_listing(".", "");
    while ((n = read_some(source, sizeof(to), to)) == -EAGAIN)
        ;
    ck_assert_int_eq(n, 16384);
    source->close(source);
}
END_TEST

START_TEST(close_in_any_phase_leaves_nothing)
{
    uint8_t octet;

    given_nine_files();
    for (int reads = 0; reads < 3000; reads += reads < 20 ? 1 : 17) {
        struct http_source *source = open_listing(".", "json");
        int n = -EAGAIN;
        for (int i = 0; i < reads && n != 0; i++)
            n = read_some(source, 1, &octet);
        source->close(source);
        HOLDS(files.open == 0 && pool.used == 0);
        if (n == 0) {
            ck_assert_int_gt(reads, 100);
            return;
        }
    }
    ck_abort_msg("no end");
}
END_TEST

START_TEST(an_error_of_the_scan_ends_the_listing_and_gives_the_handle_back)
{
    static const int errors[] = {-EIO, -EAGAIN, -ENOENT}, told[] = {-EIO, -EIO, -ENOENT};

    given_nine_files();
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        for (uint32_t at = 0; at <= 9; at++) {
            files.file[0].list_error = errors[i];
            files.file[0].list_error_at = at;
            struct http_source *source = open_listing(".", "");
            ck_assert_int_eq(read_all(source, 100), told[i]);
            ck_assert_uint_eq(out_len, 0);
            ck_assert_int_eq(files.open, 0);
            ck_assert_int_eq(read_all(source, 100), told[i]); /* and does not try again */
            source->close(source);
        }
    }
}
END_TEST

START_TEST(without_room_in_the_pool_the_handle_stays_the_callers)
{
    struct http_source *sources[HTTP_LISTINGS_MAX];
    struct file_info info;

    for (size_t i = 0; i < HTTP_LISTINGS_MAX; i++)
        sources[i] = open_listing(".", "");
    int dir = ops.open(ops.context, ".", &info);
    ck_assert_ptr_null(http_listing_open(&pool, &ops, dir, ".", bytes_of("", 0), &type));
    ck_assert_int_eq(files.open, HTTP_LISTINGS_MAX + 1);
    ops.close(ops.context, dir);
    for (size_t i = 0; i < HTTP_LISTINGS_MAX; i++)
        sources[i]->close(sources[i]);
}
END_TEST

START_TEST(listings_at_a_time_do_not_mix)
{
    add("a", FILE_DIRECTORY, 0, MTIME);
    add_file("a/inner");
    add_file("outer");
    struct http_source *a = open_listing("a", "json"), *root = open_listing(".", "json");
    uint8_t octet;
    ck_assert_int_eq(read_some(a, 1, &octet), -EAGAIN);
    ck_assert_int_eq(read_some(root, 1, &octet), -EAGAIN);
    ck_assert_int_eq(read_all(a, 10), 0);
    shows("inner");
    shows_not("outer");
    ck_assert_int_eq(read_all(root, 10), 0);
    shows("outer");
    shows_not("inner");
    a->close(a);
    root->close(root);
}
END_TEST

/* --- caps --------------------------------------------------------------------------------- */

static void check_caps(const char *crowd, uint32_t there, uint32_t shown)
{
    char text[64];

    files.file[0].crowd = crowd;
    files.file[0].crowd_count = there;
    json_t *all = list_json(".", "json");
    ck_assert_uint_eq(json_array_size(json_object_get(all, "entries")), shown);
    ck_assert(json_is_true(json_object_get(all, "complete")) == (there == shown));
    json_decref(all);
    list(".", "");
    snprintf(text, sizeof(text), "only the first %u of more are shown", (unsigned)shown);
    ck_assert_uint_eq(count_of(text), there > shown);
    ck_assert_uint_eq(count_of("<a href=\"./"), shown);
}

START_TEST(beyond_its_caps_a_listing_is_cut_and_says_so)
{
    static char long_name[HTTP_NAME_MAX - 6];
    const uint32_t fit = HTTP_LISTING_OCTETS / HTTP_NAME_MAX;

    check_caps("f", HTTP_LISTING_ENTRIES, HTTP_LISTING_ENTRIES);
    check_caps("f", HTTP_LISTING_ENTRIES + 1, HTTP_LISTING_ENTRIES);
    memset(long_name, 'n', sizeof(long_name) - 1);
    check_caps(long_name, fit, fit);
    check_caps(long_name, fit + 1, fit);
}
END_TEST

START_TEST(a_scan_ends_where_the_caps_are)
{
    files.file[0].crowd = "f";
    files.file[0].crowd_count = 10000000;
    list(".", "json");
    ck_assert_uint_eq(files.listed, HTTP_LISTING_ENTRIES / FAKE_STEP + 1);
    files.listed = 0;
    files.file[0].crowd = ".hidden"; /* no name to show, and still an end */
    list(".", "json");
    ck_assert_uint_le(files.listed, (1 << 17) / FAKE_STEP);
    ck_assert_str_eq(out, "{\"path\":\"/\",\"complete\":false,\"entries\":[]}\n");
}
END_TEST

START_TEST(the_longest_path_fits)
{
    static const char octets[] = {'"', '\x01', '\xff', '\''};
    static char path[HTTP_PATH_ROOM];

    for (size_t i = 0; i < ARRAY_LEN(octets); i++) {
        memset(path, octets[i], sizeof(path) - 1); /* all of it one segment */
        add(path, FILE_DIRECTORY, 0, MTIME);
        json_decref(list_json(path, "json"));
        list(path, "sort=time&order=desc");
        shows("</html>");
        for (size_t at = 1; at < sizeof(path) - 1; at += 2)
            path[at] = '/'; /* as deep as can be */
        json_decref(list_json(path, "json"));
        files.file[1].name = NULL;
    }
    path[0] = '"';
    add(path, FILE_DIRECTORY, 0, MTIME);
    list(path, "");
    shows("</html>");
    ck_assert_uint_eq(count_of(" / "), sizeof(path) / 2);
}
END_TEST

/* --- names -------------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
    const char *name, *link, *shown, *json;
} strange[] = {
    {"plain.txt",          "plain.txt",              "plain.txt",                      "plain.txt"},
    {"a b",                "a%20b",                  "a b",                            "a b"},
    {"<script>alert(1)",   "%3Cscript%3Ealert%281%29", "&lt;script&gt;alert(1)",       "<script>alert(1)"},
    {"\" onclick=\"x",     "%22%20onclick%3D%22x",   "&quot; onclick=&quot;x",         "\\\" onclick=\\\"x"},
    {"' x='",              "%27%20x%3D%27",          "&#39; x=&#39;",                  "' x='"},
    {"&amp;",              "%26amp%3B",              "&amp;amp;",                      "&amp;"},
    {"javascript:x",       "javascript%3Ax",         "javascript:x",                   "javascript:x"},
    {"a?b#c",              "a%3Fb%23c",              "a?b#c",                          "a?b#c"},
    {"%41",                "%2541",                  "%41",                            "%41"},
    {"\\back",             "%5Cback",                "\\back",                         "\\\\back"},
    {"x\r\nSet-Cookie: y", "x%0D%0ASet-Cookie%3A%20y", "x\xe2\x90\x8d\xe2\x90\x8aSet-Cookie: y", "x\\u000d\\u000aSet-Cookie: y"},
    {"\x01\x1b[2J\x1f\x7f", "%01%1B%5B2J%1F%7F",      "\xe2\x90\x81\xe2\x90\x9b[2J\xe2\x90\x9f\xe2\x90\xa1", "\\u0001\\u001b[2J\\u001f\\u007f"},
    {"\xc2\x9b" "2J",      "%C2%9B2J",               "\xef\xbf\xbd" "2J",              "\\u009b2J"}, /* a control of C1 */
    {"caf\xc3\xa9",        "caf%C3%A9",              "caf\xc3\xa9",                    "caf\xc3\xa9"},
    {"\xf0\x9f\x98\x80",   "%F0%9F%98%80",           "\xf0\x9f\x98\x80",               "\xf0\x9f\x98\x80"},
    {"caf\xe9",            "caf%E9",                 "caf\xef\xbf\xbd",                "caf\\ufffd"},    /* Latin 1 */
    {"\xc3(",              "%C3%28",                 "\xef\xbf\xbd(",                  "\\ufffd("},      /* cut short */
    {"\xed\xa0\x80",       "%ED%A0%80",              "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "\\ufffd\\ufffd\\ufffd"}, /* a surrogate */
};
/* clang-format on */

START_TEST(a_name_is_text_in_the_page_and_octets_in_its_link)
{
    char text[400];

    add_file(strange[_i].name);
    list(".", "");
    ck_assert_str_eq(type, "text/html; charset=utf-8");
    snprintf(text, sizeof(text), "<tr><td><a href=\"./%s\">%s</a><td title=\"12 octets\">12 B<td>",
             strange[_i].link, strange[_i].shown);
    shows(text);
    ck_assert_uint_eq(count_of("<script"), 0);
    for (size_t i = 0; i < out_len; i++)
        HOLDS((uint8_t)out[i] >= 0x20 || out[i] == '\n');

    list(".", "json");
    snprintf(text, sizeof(text), "{\"name\":\"%s\",\"type\":\"file\",\"size\":12,",
             strange[_i].json);
    shows(text);
    PROVES("W16");
}
END_TEST

START_TEST(a_path_is_text_in_the_page)
{
    char text[1000], path[300];

    snprintf(path, sizeof(path), "up/%s", strange[_i].name);
    add(path, FILE_DIRECTORY, 0, MTIME);
    list(path, "");
    snprintf(text, sizeof(text), "<title>Files in /up/%s/</title>", strange[_i].shown);
    shows(text);
    snprintf(
        text, sizeof(text),
        "<a href=\"../../\">Files</a> / <a href=\"../\">up</a> / <b aria-current=\"page\">%s</b>"
        "</nav>\n<h1>%s</h1>",
        strange[_i].shown, strange[_i].shown);
    shows(text);
    ck_assert_uint_eq(count_of("<script"), 0);
    for (size_t i = 0; i < out_len; i++)
        HOLDS((uint8_t)out[i] >= 0x20 || out[i] == '\n');

    list(path, "json");
    snprintf(text, sizeof(text), "{\"path\":\"/up/%s/\",", strange[_i].json);
    shows(text);
    PROVES("W16");
}
END_TEST

START_TEST(what_is_hidden_or_not_served_is_not_listed)
{
    static char long_name[HTTP_NAME_MAX + 2];

    memset(long_name, 'n', HTTP_NAME_MAX);
    add_file(".profile");
    add(".git", FILE_DIRECTORY, 0, MTIME);
    add("fifo", FILE_OTHER, 0, MTIME);
    add_file("seen");
    add("folder", FILE_DIRECTORY, 0, MTIME);
    add_file("folder/inner");
    add_file(long_name);
    list(".", "");
    ck_assert_uint_eq(count_of("<a href=\"./"), 3);
    shows("<a href=\"./seen\">");
    shows("<a href=\"./folder/\">folder/</a><td>&ndash;<td>");
    shows(long_name);
    long_name[HTTP_NAME_MAX] = 'n'; /* no longer a name that http_path.h takes */
    list(".", "");
    ck_assert_uint_eq(count_of("<a href=\"./"), 2);
    ck_assert_str_eq(names_of("json"), "folder seen ");
}
END_TEST

/* --- order -------------------------------------------------------------------------------- */

static void given_files_in_disorder(void)
{
    given_a_root();
    add("file10", FILE_REGULAR, 5, 300);
    add("Beta", FILE_REGULAR, 2000, 100);
    add("zoo", FILE_DIRECTORY, 77, 50);
    add("file9", FILE_REGULAR, 5, 200);
    add("alpha", FILE_REGULAR, 30, 400);
    add("file09", FILE_REGULAR, 6, -1);
    add("Ant", FILE_DIRECTORY, 0, 900);
    add("gamma", FILE_REGULAR, UINT64_MAX, 200);
}

/* clang-format off */
static const struct {
    const char *query, *names;
} orders[] = {
    {"json",                      "Ant zoo alpha Beta file09 file9 file10 gamma "},
    {"json&sort=name",            "Ant zoo alpha Beta file09 file9 file10 gamma "},
    {"json&sort=name&order=asc",  "Ant zoo alpha Beta file09 file9 file10 gamma "},
    {"order=desc&json",           "zoo Ant gamma file10 file9 file09 Beta alpha "},
    {"json&sort=size",            "Ant zoo file9 file10 file09 alpha Beta gamma "},
    {"sort=size&order=desc&json", "Ant zoo gamma Beta alpha file09 file9 file10 "},
    {"json=1&sort=time",          "zoo Ant file09 Beta file9 gamma file10 alpha "},
    {"sort=time&json&order=desc", "Ant zoo alpha file10 file9 gamma Beta file09 "},
    {"SORT=Time&JSON&Order=DESC", "Ant zoo alpha file10 file9 gamma Beta file09 "},
    /* What nobody understands means the default. */
    {"json&sort=",                "Ant zoo alpha Beta file09 file9 file10 gamma "},
    {"json&sort=colour&order=up", "Ant zoo alpha Beta file09 file9 file10 gamma "},
    {"json&sort=size2",           "Ant zoo alpha Beta file09 file9 file10 gamma "},
    {"json&sort=siz",             "Ant zoo alpha Beta file09 file9 file10 gamma "},
    {"json&sort",                 "Ant zoo alpha Beta file09 file9 file10 gamma "},
    {"json&xsort=size&page=2",    "Ant zoo alpha Beta file09 file9 file10 gamma "},
    {"&&=&=&json&&sort=size&",    "Ant zoo file9 file10 file09 alpha Beta gamma "},
    {"json&sort=size=time",       "Ant zoo alpha Beta file09 file9 file10 gamma "},
    {"json&sort=size&sort=time",  "zoo Ant file09 Beta file9 gamma file10 alpha "},
    {"json&sort=size&sort=?",     "Ant zoo alpha Beta file09 file9 file10 gamma "},
};
/* clang-format on */

START_TEST(entries_are_in_the_order_that_was_asked_for)
{
    ck_assert_str_eq(names_of(orders[_i].query), orders[_i].names);
}
END_TEST

START_TEST(names_are_ordered_as_people_do)
{
    /* clang-format off */
    static const char *const ordered[] = {
        "!", "0", "00", "1", "02", "2", "10", "A", "a", "a 1", "a1", "a01b", "a2", "a10", "aa", "b",
        "v1.9", "v1.10", "x99999999999999999999", "x100000000000000000000", "\xc3\xa4",
    };
    /* clang-format on */
    char expected[256] = "";

    for (size_t i = 0; i < ARRAY_LEN(ordered); i++) {
        strcat(strcat(expected, ordered[i]), " ");
        add_file(ordered[(i * 8 + 3) % ARRAY_LEN(ordered)]);
    }
    ck_assert_str_eq(names_of("json"), expected);
}
END_TEST

START_TEST(thousands_of_entries_are_in_order)
{
    static struct fake_file *const root = &files.file[0];
    json_t *all, *entry;
    size_t i;

    root->crowd = "f";
    root->crowd_count = 4000;
    all = list_json(".", "json&order=desc");
    json_array_foreach(json_object_get(all, "entries"), i, entry)
    {
        char name[16];
        snprintf(name, sizeof(name), "f%07u", 3999 - (unsigned)i);
        ck_assert_str_eq(json_string_value(json_object_get(entry, "name")), name);
    }
    ck_assert_uint_eq(i, 4000);
    json_decref(all);
}
END_TEST

/* clang-format off */
static const struct {
    const char *query, *name, *size, *time; /* the headings */
    const char *kept; /* behind links to other folders */
} headings[] = {
    {"",
     " aria-sort=\"ascending\"><a href=\"?sort=name&amp;order=desc\">",
     "><a href=\"?sort=size&amp;order=desc\">", "><a href=\"?sort=time&amp;order=desc\">", ""},
    {"order=desc",
     " aria-sort=\"descending\"><a href=\"?sort=name&amp;order=asc\">",
     "><a href=\"?sort=size&amp;order=desc\">", "><a href=\"?sort=time&amp;order=desc\">",
     "?sort=name&amp;order=desc"},
    {"sort=size",
     "><a href=\"?sort=name&amp;order=asc\">",
     " aria-sort=\"ascending\"><a href=\"?sort=size&amp;order=desc\">",
     "><a href=\"?sort=time&amp;order=desc\">", "?sort=size&amp;order=asc"},
    {"sort=size&order=desc",
     "><a href=\"?sort=name&amp;order=asc\">",
     " aria-sort=\"descending\"><a href=\"?sort=size&amp;order=asc\">",
     "><a href=\"?sort=time&amp;order=desc\">", "?sort=size&amp;order=desc"},
    {"sort=time&order=desc",
     "><a href=\"?sort=name&amp;order=asc\">", "><a href=\"?sort=size&amp;order=desc\">",
     " aria-sort=\"descending\"><a href=\"?sort=time&amp;order=asc\">", "?sort=time&amp;order=desc"},
};
/* clang-format on */

START_TEST(headings_are_links_that_sort_and_the_order_is_kept)
{
    char text[300];

    add("a", FILE_DIRECTORY, 0, MTIME);
    add("a/b", FILE_DIRECTORY, 0, MTIME);
    add("a/b/c", FILE_DIRECTORY, 0, MTIME);
    list("a/b", headings[_i].query);
    snprintf(text, sizeof(text),
             "<th scope=\"col\"%sName</a><th scope=\"col\"%sSize</a><th scope=\"col\"%sModified "
             "(UTC)</a>",
             headings[_i].name, headings[_i].size, headings[_i].time);
    shows(text);
    ck_assert_uint_eq(count_of(" aria-sort="), 1);
    snprintf(text, sizeof(text), "<a href=\"../../%s\">Files</a> / <a href=\"../%s\">a</a> / ",
             headings[_i].kept, headings[_i].kept);
    shows(text);
    snprintf(text, sizeof(text), "<a href=\"../%s\">Parent folder</a>", headings[_i].kept);
    shows(text);
    snprintf(text, sizeof(text), "<a href=\"./c/%s\">c/</a>", headings[_i].kept);
    shows(text);
}
END_TEST

/* --- what is said of entries -------------------------------------------------------------- */

START_TEST(json_has_what_was_promised)
{
    add("a", FILE_DIRECTORY, 0, MTIME);
    add_file("a/x.txt");
    add("a/d", FILE_DIRECTORY, 4096, MTIME);
    add("a/big", FILE_REGULAR, UINT64_C(1) << 60, MTIME);
    json_decref(list_json("a", "json"));
    ck_assert_str_eq(out, "{\"path\":\"/a/\",\"complete\":true,\"entries\":["
                          "{\"name\":\"d\",\"type\":\"folder\",\"modified\":"
                          "\"2026-11-29T13:00:00.123Z\"},"
                          "{\"name\":\"big\",\"type\":\"file\",\"size\":\"1152921504606846976\","
                          "\"modified\":\"2026-11-29T13:00:00.123Z\"},"
                          "{\"name\":\"x.txt\",\"type\":\"file\",\"size\":12,\"modified\":"
                          "\"2026-11-29T13:00:00.123Z\"}]}\n");
}
END_TEST

/* clang-format off */
static const struct {
    uint64_t size;
    const char *shown, *exact;
} sizes[] = {
    {0, "0 B", "0 octets"},             {1, "1 B", "1 octet"},
    {999, "999 B", "999 octets"},       {1000, "1.0 kB", "1000 octets"},
    {1049, "1.0 kB", "1049 octets"},    {1050, "1.1 kB", "1050 octets"},
    {99949, "99.9 kB", "99949 octets"}, {99950, "100 kB", "99950 octets"},
    {123450, "123 kB", "123450 octets"}, {999499, "999 kB", "999499 octets"},
    {999500, "1.0 MB", "999500 octets"}, {1234567, "1.2 MB", "1234567 octets"},
    {999500000, "1.0 GB", "999500000 octets"},
    {UINT64_C(1500000000000), "1.5 TB", "1500000000000 octets"},
    {UINT64_C(2340000000000000), "2.3 PB", "2340000000000000 octets"},
    {UINT64_C(999499999999999999), "999 PB", "999499999999999999 octets"},
    {UINT64_C(999500000000000000), "1.0 EB", "999500000000000000 octets"},
    {UINT64_MAX, "18.4 EB", "18446744073709551615 octets"},
};
/* clang-format on */

START_TEST(sizes_are_short_and_exact_where_one_looks_closer)
{
    char text[100];

    add("x", FILE_REGULAR, sizes[_i].size, MTIME);
    list(".", "");
    snprintf(text, sizeof(text), "</a><td title=\"%s\">%s<td>", sizes[_i].exact, sizes[_i].shown);
    shows(text);
    snprintf(text, sizeof(text), "<p>1 file, %s</p>", sizes[_i].shown);
    shows(text);
}
END_TEST

/* clang-format off */
static const struct {
    int64_t ns;
    const char *date, *clock, *rest;
} times[] = {
    {0, "1970-01-01", "00:00", ":00.000Z"},
    {999999, "1970-01-01", "00:00", ":00.000Z"},
    {1000000, "1970-01-01", "00:00", ":00.001Z"},
    {-1, "1969-12-31", "23:59", ":59.999Z"},
    {-NS_PER_S, "1969-12-31", "23:59", ":59.000Z"},
    {951782399 * NS_PER_S, "2000-02-28", "23:59", ":59.000Z"},
    {951782400 * NS_PER_S, "2000-02-29", "00:00", ":00.000Z"},
    {INT64_MAX, "2262-04-11", "23:47", ":16.854Z"},
    {INT64_MIN, "1677-09-21", "00:12", ":43.145Z"},
};
/* clang-format on */

START_TEST(times_are_in_utc)
{
    char text[200];

    add("x", FILE_REGULAR, 0, times[_i].ns);
    list(".", "");
    snprintf(text, sizeof(text), "<td><time datetime=\"%sT%s%s\">%s %s</time>\n", times[_i].date,
             times[_i].clock, times[_i].rest, times[_i].date, times[_i].clock);
    shows(text);
    list(".", "json");
    snprintf(text, sizeof(text), "\"modified\":\"%sT%s%s\"", times[_i].date, times[_i].clock,
             times[_i].rest);
    shows(text);
}
END_TEST

START_TEST(a_page_sums_up_what_is_there)
{
    add("a", FILE_DIRECTORY, 0, MTIME);
    list(".", "");
    shows("<p>1 folder</p>");
    add("b", FILE_DIRECTORY, 5, MTIME);
    add("x", FILE_REGULAR, 700, MTIME);
    list(".", "");
    shows("<p>2 folders, 1 file, 700 B</p>");
    add("y", FILE_REGULAR, 800, MTIME);
    list(".", "");
    shows("<p>2 folders, 2 files, 1.5 kB</p>");
    add("z", FILE_REGULAR, UINT64_MAX - 10, MTIME);
    list(".", "");
    shows("<p>2 folders, 3 files, 18.4 EB</p>");
}
END_TEST

START_TEST(an_empty_folder_says_so)
{
    add("a", FILE_DIRECTORY, 0, MTIME);
    list("a", "");
    shows("<p>This folder is empty.</p>");
    shows("<a href=\"../\">Parent folder</a>");
    shows_not("<thead>");
    json_decref(list_json("a", "json"));
    ck_assert_str_eq(out, "{\"path\":\"/a/\",\"complete\":true,\"entries\":[]}\n");

    files.file[1].name = NULL;
    list(".", "");
    shows("<p>This folder is empty.</p>");
    shows_not("Parent folder");
    shows_not("<table>");
    shows("<title>Files in /</title>");
    shows("<main>\n<h1>Files</h1>");
    shows_not("<nav");
}
END_TEST

START_TEST(a_page_needs_nothing_from_elsewhere)
{
    add_file("x");
    list(".", "");
    ck_assert(strncmp(out, "<!doctype html>\n<html lang=\"en\">\n", 33) == 0);
    shows("default-src 'none'");
    shows("color-scheme:light dark");
    shows("prefers-color-scheme:dark");
    shows_not("<script");
    shows_not(" src=");
    shows_not("@import");
    ck_assert_uint_eq(count_of("url("), count_of("url(\"data:"));
    ck_assert_uint_eq(count_of("<link"), count_of("<link rel=\"icon\" href=\"data:"));
    ck_assert_uint_eq(count_of("http://"), count_of("xmlns='http://www.w3.org/2000/svg'"));
    ck_assert_uint_eq(count_of("https://"), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_listing");
    TCase *c = tcase_create("steps");

    tcase_add_checked_fixture(c, given_a_root, nothing_is_left);
    tcase_add_test(c, a_scan_is_one_list_for_each_read_until_the_end);
    tcase_add_test(c, any_room_gets_the_same_octets);
    tcase_add_test(c, one_read_writes_no_more_than_a_bounded_piece);
    tcase_add_test(c, close_in_any_phase_leaves_nothing);
    tcase_add_test(c, an_error_of_the_scan_ends_the_listing_and_gives_the_handle_back);
    tcase_add_test(c, without_room_in_the_pool_the_handle_stays_the_callers);
    tcase_add_test(c, listings_at_a_time_do_not_mix);
    suite_add_tcase(s, c);

    c = tcase_create("caps");
    tcase_add_checked_fixture(c, given_a_root, nothing_is_left);
    tcase_add_test(c, beyond_its_caps_a_listing_is_cut_and_says_so);
    tcase_add_test(c, a_scan_ends_where_the_caps_are);
    tcase_add_test(c, the_longest_path_fits);
    suite_add_tcase(s, c);

    c = tcase_create("names");
    tcase_add_checked_fixture(c, given_a_root, nothing_is_left);
    tcase_add_loop_test(c, a_name_is_text_in_the_page_and_octets_in_its_link, 0,
                        ARRAY_LEN(strange));
    tcase_add_loop_test(c, a_path_is_text_in_the_page, 0, ARRAY_LEN(strange));
    tcase_add_test(c, what_is_hidden_or_not_served_is_not_listed);
    tcase_add_test(c, names_are_ordered_as_people_do);
    tcase_add_test(c, thousands_of_entries_are_in_order);
    suite_add_tcase(s, c);

    c = tcase_create("order");
    tcase_add_checked_fixture(c, given_files_in_disorder, nothing_is_left);
    tcase_add_loop_test(c, entries_are_in_the_order_that_was_asked_for, 0, ARRAY_LEN(orders));
    suite_add_tcase(s, c);

    c = tcase_create("content");
    tcase_add_checked_fixture(c, given_a_root, nothing_is_left);
    tcase_add_loop_test(c, headings_are_links_that_sort_and_the_order_is_kept, 0,
                        ARRAY_LEN(headings));
    tcase_add_test(c, json_has_what_was_promised);
    tcase_add_loop_test(c, sizes_are_short_and_exact_where_one_looks_closer, 0, ARRAY_LEN(sizes));
    tcase_add_loop_test(c, times_are_in_utc, 0, ARRAY_LEN(times));
    tcase_add_test(c, a_page_sums_up_what_is_there);
    tcase_add_test(c, an_empty_folder_says_so);
    tcase_add_test(c, a_page_needs_nothing_from_elsewhere);
    suite_add_tcase(s, c);
    return run_suite(s, "http_listing");
}
