/*
 * test_http_files.c - files through the web server: the right octets, the right errors, whatever
 * happens to the file or the peer meanwhile.
 */
#include <errno.h>
#include <stdio.h>

#include "base/bytes.h"
#include "http/http_conn.h"
#include "support/holds.h"
#include "support/http_client.h"
#include "support/proves.h"

#define HOST "Host: a\r\n"

static const int64_t MTIME = 784111000 * NS_PER_S + 5;

static struct fake_file *add(const char *name, enum file_kind kind, uint64_t size)
{
    for (size_t i = 0; i < FAKE_FILES; i++) {
        if (files.file[i].name)
            continue;
        files.file[i] =
            (struct fake_file){.name = name, .kind = kind, .size = size, .mtime_ns = MTIME};
        return &files.file[i];
    }
    ck_abort_msg("too many files");
    return NULL;
}

static void setup(void)
{
    http_client_begin();
    add(".", FILE_DIRECTORY, 0);
    add("index.html", FILE_REGULAR, 1000);
    add("empty", FILE_REGULAR, 0);
    add("one", FILE_REGULAR, 1);
    add("mega.png", FILE_REGULAR, 1048576);
    add("dir", FILE_DIRECTORY, 0);
    add("dir/index.html", FILE_REGULAR, 77);
    add("bare", FILE_DIRECTORY, 0);
    add("sub dir", FILE_DIRECTORY, 0);
    http_client_start();
}

static void teardown(void)
{
    http_client_end();
}

static struct reply get(const char *target)
{
    char text[9000];

    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST "\r\n", target);
    return ask(text);
}

static bool is_pattern(const uint8_t *octets, size_t len, uint64_t offset)
{
    for (size_t i = 0; i < len; i++)
        if (octets[i] != fake_file_octet(offset + i))
            return false;
    return true;
}

static bool is_whole(const struct reply *r, uint64_t size)
{
    return r->body_len == size && is_pattern((const uint8_t *)r->body, r->body_len, 0);
}

/* A client that has asked and of whose response nothing has been taken. */
static int begin(const char *target, size_t room)
{
    char text[256];
    int c = connect_client();

    run();
    fake_set_room(stack, c, room);
    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST "\r\n", target);
    say(c, text);
    run();
    return c;
}

/* --- RFC 9110, 8: content ------------------------------------------------------------------- */

START_TEST(file_is_sent_whole)
{
    static const struct {
        const char *target;
        uint64_t size;
        const char *type;
    } rows[] = {
        {"/", 1000, "text/html; charset=utf-8"},
        {"/index.html", 1000, "text/html; charset=utf-8"},
        {"/empty", 0, "application/octet-stream"},
        {"/one", 1, "application/octet-stream"},
        {"/mega.png", 1048576, "image/png"},
        {"/dir/", 77, "text/html; charset=utf-8"},
        {"//dir/./index.html", 77, "text/html; charset=utf-8"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply r = get(rows[i].target);
        ck_assert_int_eq(r.status, 200);
        ck_assert(is_whole(&r, rows[i].size));
        ck_assert_str_eq(field(&r, "Content-Type"), rows[i].type);
        ck_assert_str_eq(field(&r, "Last-Modified"), "Sun, 06 Nov 1994 08:36:40 GMT");
    }
    PROVES("RFC9110-8.6-a", "RFC9110-9.1-a", "W07");
}
END_TEST

START_TEST(head_of_a_file_tells_its_length_and_reads_nothing)
{
    struct reply r = ask("HEAD /mega.png HTTP/1.1\r\n" HOST "\r\n");

    ck_assert_int_eq(r.status, 200);
    ck_assert_str_eq(field(&r, "Content-Length"), "1048576");
    ck_assert_uint_eq(files.read, 0);
    ck_assert_int_eq(files.open, 0);
    PROVES("RFC9110-9.3.2-a");
}
END_TEST

START_TEST(any_pace_gives_the_same_octets)
{
    static const size_t rooms[] = {1, 255, 4096, 65537, 300000};
    struct reply r;

    add("some", FILE_REGULAR, 100003);
    for (size_t i = 0; i < ARRAY_LEN(rooms); i++) {
        static uint8_t got[101000];
        size_t len = 0, taken;
        int c = begin("/some", rooms[i]);
        do {
            taken = fake_take(stack, c, got + len, size_min(rooms[i], sizeof(got) - len));
            len += taken;
            run();
        } while (taken);
        const uint8_t *end = memmem(got, len, "\r\n\r\n", 4);
        ck_assert_ptr_nonnull(end);
        ck_assert_uint_eq((size_t)(got + len - (end + 4)), 100003);
        ck_assert(is_pattern(end + 4, 100003, 0));
    }
    int c = connect_client();
    fake_set_step(stack, 7);
    say(c, "GET /some HTTP/1.1\r\n" HOST "\r\n");
    run();
    ck_assert(next_reply(c, false, &r));
    ck_assert(is_whole(&r, 100003));
    ck_assert_uint_eq(stray(c), 0);
}
END_TEST

START_TEST(file_of_more_than_4_gib_is_exact)
{
    const uint64_t size = (UINT64_C(5) << 30) + 3;

    add("giga", FILE_REGULAR, size)->hollow = true;
    int c = connect_client();
    run();
    fake_only_count(stack, c);
    say(c, "GET /giga HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    run();
    ck_assert(fake_is_shut(stack, c));
    ck_assert_uint_eq(files.octets, size);
    uint64_t head_len = fake_sent_total(stack, c) - size;
    ck_assert(head_len > 100 && head_len < 400);
    PROVES("W07", "RFC9110-8.6-a");
}
END_TEST

START_TEST(octets_that_do_not_fit_are_seldom_read_again)
{
    add("some", FILE_REGULAR, 1000000);
    int c = begin("/some", 5000);
    while (fake_take(stack, c, NULL, 5000))
        run();
    ck_assert_uint_le(files.octets, 2000000);
}
END_TEST

START_TEST(long_files_share_the_turns)
{
    int a = begin("/mega.png", 0), b = begin("/mega.png", 0);

    fake_set_room(stack, a, SIZE_MAX);
    fake_set_room(stack, b, SIZE_MAX);
    sock_again(stack, a);
    sock_again(stack, b);
    fake_run(stack, now);
    ck_assert_uint_le(stray(a), HTTP_TURN_OCTETS + HTTP_CHUNK + HTTP_RESPONSE_ROOM);
    ck_assert_uint_ge(stray(a), HTTP_TURN_OCTETS);
    ck_assert_uint_eq(stray(a), stray(b));
    run();
    ck_assert_uint_gt(stray(a), 1048576);
    ck_assert_uint_eq(stray(a), stray(b));
}
END_TEST

START_TEST(time_of_change_is_never_in_the_future)
{
    struct reply r;

    fake_file(&files, "one")->mtime_ns = (wall_s + 100) * NS_PER_S;
    r = get("/one");
    ck_assert_str_eq(field(&r, "Last-Modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
    fake_file(&files, "one")->mtime_ns = -1;
    r = get("/one");
    ck_assert_str_eq(field(&r, "Last-Modified"), "Wed, 31 Dec 1969 23:59:59 GMT");
}
END_TEST

/* --- names ---------------------------------------------------------------------------------- */

START_TEST(directory_without_its_slash_is_redirected)
{
    static char name[3000], long_name[200], target[9000];
    struct reply r = get("/dir");

    ck_assert_int_eq(r.status, 301);
    ck_assert_str_eq(field(&r, "Location"), "/dir/");
    r = get("//dir?x"); /* never "//dir/", which would be another host */
    ck_assert_str_eq(field(&r, "Location"), "/dir/?x");
    r = get("/sub%20dir");
    ck_assert_str_eq(field(&r, "Location"), "/sub%20dir/");
    r = ask("HEAD /dir HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_int_eq(r.status, 301);

    /* Very long names are led on by their last segment. */
    for (int i = 0; i < 14; i++) {
        memset(name + strlen(name), 'n', 200);
        strcat(name, "/");
    }
    memset(long_name, ':', 150);
    strcat(name, long_name);
    add(name, FILE_DIRECTORY, 0);
    snprintf(target, sizeof(target), "/%s", name);
    r = get(target);
    ck_assert_int_eq(r.status, 301);
    ck_assert(memcmp(field(&r, "Location"), "./%3A%3A", 8) == 0);
    ck_assert_uint_eq(strlen(field(&r, "Location")), 2 + 150 * 3 + 1);

    /* A query is kept while it is short. */
    snprintf(target, sizeof(target), "/dir?%0*d", HTTP_LOCATION_MAX - 3, 1);
    r = get(target);
    ck_assert_uint_eq(strlen(field(&r, "Location")), 6 + HTTP_LOCATION_MAX - 3);
    snprintf(target, sizeof(target), "/dir?%0*d", HTTP_LOCATION_MAX - 2, 1);
    r = get(target);
    ck_assert_str_eq(field(&r, "Location"), "/dir/");
}
END_TEST

START_TEST(folders_are_listed_and_other_kinds_refused)
{
    add("fifo", FILE_OTHER, 0);
    add("odd", FILE_DIRECTORY, 0);
    add("odd/index.html", FILE_DIRECTORY, 0);
    ck_assert_int_eq(get("/bare/").status, 200); /* a listing */
    ck_assert_int_eq(get("/odd/").status, 200);
    ck_assert_int_eq(get("/fifo").status, 403);
    ck_assert_int_eq(get("/one/").status, 404);
    ck_assert_int_eq(get("/one/more").status, 404);
    ck_assert_int_eq(get("/nope").status, 404);
    ck_assert_uint_eq(files.read, 0);
    PROVES("W07", "RFC9110-15.5.5-a");
}
END_TEST

START_TEST(index_of_a_very_long_directory_is_not_looked_for)
{
    static char name[HTTP_PATH_ROOM], target[HTTP_PATH_ROOM + 8];

    /* One octet more than leaves room for "/index.html". */
    const size_t len = sizeof(name) - sizeof("/index.html") + 1;
    for (size_t i = 0; i < len; i++)
        name[i] = i % 200 == 199 ? '/' : 'n';
    add(name, FILE_DIRECTORY, 0);
    snprintf(target, sizeof(target), "/%s/", name);
    ck_assert_int_eq(get(target).status, 200);
    ck_assert_uint_eq(files.opened, 1);
    name[len - 1] = '\0';
    snprintf(target, sizeof(target), "/%s/", name);
    ck_assert_int_eq(get(target).status, 200);
    ck_assert_uint_eq(files.opened, 3); /* it was looked for */
}
END_TEST

START_TEST(path_never_leads_out_of_the_root)
{
    static const char *const targets[] = {
        "/../etc/passwd",
        "/..",
        "/dir/../../etc/passwd",
        "/%2e%2e/etc/passwd",
        "/%2E%2E%2Fetc/passwd",
        "/..%2fetc%2fpasswd",
        "/%252e%252e/etc/passwd",
        "/..%5c..%5cetc",
        "/..\\etc",
        "/dir%00.html",
        "/%c0%ae%c0%ae/etc/passwd",
        "/%e0%80%ae./etc",
        "/.../etc",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/dir/%2e%2e/x",
        "/~root",
        "/%zz",
        "/%",
        "http://a/../etc/passwd",
    };

    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        int status = get(targets[i]).status; /* and fake_files asserts the name */
        ck_assert_msg(status == 400 || status == 404, "%s: %d", targets[i], status);
    }
    ck_assert_uint_eq(files.read, 0);
    PROVES("W06", "RFC9110-15.5.5-a");
}
END_TEST

START_TEST(pages_come_before_files_when_there_are_both)
{
    static const struct http_page pages[] = {
        {"one", "text/plain", {(const uint8_t *)"page", 4}},
    };

    http_client_end();
    http_client_begin();
    config.pages = pages;
    config.page_count = 1;
    add("one", FILE_REGULAR, 1);
    add("two", FILE_REGULAR, 2);
    http_client_start();
    ck_assert_uint_eq(get("/one").body_len, 4);
    ck_assert_uint_eq(get("/two").body_len, 2);
}
END_TEST

/* --- faults --------------------------------------------------------------------------------- */

START_TEST(error_of_a_file_has_its_status)
{
    static const struct {
        int error;
        int status;
    } rows[] = {
        {-ENOENT, 404}, {-ENOTDIR, 404}, {-ELOOP, 404}, {-EXDEV, 404},  {-ENAMETOOLONG, 404},
        {-EACCES, 403}, {-EPERM, 403},   {-ENXIO, 403}, {-EMFILE, 503}, {-ENFILE, 503},
        {-ENOMEM, 503}, {-EAGAIN, 503},  {-EIO, 500},   {-EINVAL, 500},
    };
    struct reply r;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fake_file(&files, "one")->open_error = rows[i].error;
        fake_file(&files, "dir/index.html")->open_error = rows[i].error;
        r = get("/one");
        ck_assert_int_eq(r.status, rows[i].status);
        ck_assert_ptr_null(field(&r, "Connection")); /* the framing is fine */
        /* an index that is not there is no error */
        bool none = rows[i].error == -ENOENT || rows[i].error == -ENAMETOOLONG;
        ck_assert_int_eq(get("/dir/").status, none ? 200 : rows[i].status);
    }
    ck_assert_int_eq(get("/mega.png").status, 200); /* and the server lives */
    PROVES("W07", "W15", "RFC9110-15.6-a");
}
END_TEST

START_TEST(read_that_fails_before_the_head_is_500)
{
    struct fake_file *mega = fake_file(&files, "mega.png");

    mega->read_error = -EIO;
    ck_assert_int_eq(get("/mega.png").status, 500);
    ck_assert(!fake_is_shut(stack, asked));
    mega->read_error = -ENOMEM;
    ck_assert_int_eq(get("/mega.png").status, 503);
    mega->read_error = 0;
    mega->cut = true; /* emptied between open() and the first read() */
    ck_assert_int_eq(get("/mega.png").status, 500);
    PROVES("W15", "RFC9110-15.6-a");
}
END_TEST

START_TEST(file_that_fails_or_shrinks_meanwhile_is_a_reset)
{
    struct fake_file *mega = fake_file(&files, "mega.png");
    struct http_server_stats stats;

    for (int how = 0; how < 2; how++) {
        int c = begin("/mega.png", 100000);
        uint64_t sent = fake_sent_total(stack, c);
        ck_assert_uint_eq(sent, 100000);
        if (how == 0) {
            mega->cut = true;
            mega->cut_size = 150000;
        } else {
            mega->read_error = -EIO;
            mega->read_error_at = 150000;
        }
        fake_set_room(stack, c, SIZE_MAX);
        sock_again(stack, c);
        run();
        ck_assert(fake_is_closed(stack, c) && fake_is_reset(stack, c));
        /* What was read is exact, and nothing stands in for the rest. */
        ck_assert_uint_le(fake_sent_total(stack, c), 150000 + HTTP_RESPONSE_ROOM);
        struct bytes all = fake_sent(stack, c);
        const uint8_t *end = memmem(all.at, all.len, "\r\n\r\n", 4);
        ck_assert(is_pattern(end + 4, all.len - (size_t)(end + 4 - all.at), 0));
        mega->cut = false;
        mega->read_error = 0;
    }
    http_server_stats(server, &stats);
    ck_assert_uint_eq(stats.aborted, 2);
    PROVES("W15", "W14");
}
END_TEST

START_TEST(file_that_grows_meanwhile_keeps_its_announced_length)
{
    struct reply r;
    int c = begin("/mega.png", 100000);

    fake_file(&files, "mega.png")->size *= 2;
    fake_set_room(stack, c, SIZE_MAX);
    sock_again(stack, c);
    run();
    ck_assert(next_reply(c, false, &r));
    ck_assert(is_whole(&r, 1048576));
    ck_assert_uint_eq(stray(c), 0);
    PROVES("W14");
}
END_TEST

START_TEST(peer_that_vanishes_gives_its_file_back)
{
    int c = begin("/mega.png", 100000);

    ck_assert_int_eq(files.open, 1);
    fake_fail(stack, c, -ECONNRESET);
    run();
    ck_assert_int_eq(files.open, 0);
    ck_assert(fake_is_closed(stack, c));
    PROVES("W13");
}
END_TEST

/* --- RFC 9112, 9.5: slow readers ------------------------------------------------------------ */

START_TEST(peer_that_takes_nothing_for_30_seconds_is_reset)
{
    int c = begin("/mega.png", 100000);

    wait_ns(29900 * NS_PER_MS);
    ck_assert(!fake_is_closed(stack, c));
    wait_ns(200 * NS_PER_MS);
    ck_assert(fake_is_closed(stack, c) && fake_is_reset(stack, c));
    ck_assert_int_eq(files.open, 0);
}
END_TEST

START_TEST(slow_peer_is_served_and_a_trickling_one_is_not)
{
    int slow = begin("/mega.png", 100000), trickling = begin("/mega.png", 100000);
    uint64_t used = memory_used;

    for (int i = 0; i < 100; i++) { /* 2 kB/s and 2 octets a second */
        fake_take(stack, slow, NULL, 2000);
        if (i < 32)
            fake_take(stack, trickling, NULL, 2);
        wait_ns(NS_PER_S);
    }
    ck_assert(fake_is_reset(stack, trickling));
    ck_assert(!fake_is_closed(stack, slow));
    ck_assert_uint_le(memory_used, used);
}
END_TEST

START_TEST(five_thousand_slow_readers_do_not_hold_up_others)
{
    enum { SLOW = 5000 };
    static int slow[SLOW];
    struct http_server_stats stats;

    http_client_end();
    http_client_begin();
    config.connections = SLOW + 100;
    add("ten", FILE_REGULAR, 10000000)->hollow = true;
    add("one", FILE_REGULAR, 1);
    http_client_start();
    for (int i = 0; i < SLOW; i++)
        slow[i] = begin("/ten", 300);
    const uint64_t used = memory_used;
    ck_assert_uint_le(used, http_server_memory_cap(server));
    for (int second = 0; second < 32; second++) { /* one octet a second, or none */
        for (int i = 0; i < SLOW; i += 2)
            fake_take(stack, slow[i], NULL, 1);
        struct reply r = get("/one");
        ck_assert(is_whole(&r, 1));
        wait_ns(NS_PER_S);
    }
    ck_assert_uint_le(memory_used, used + 2 * 65536);
    for (int i = 0; i < SLOW; i++)
        HOLDS(fake_is_reset(stack, slow[i]));
    ck_assert_int_eq(files.open, 0);
    http_server_stats(server, &stats);
    ck_assert_uint_eq(stats.aborted, SLOW);
    PROVES("RFC9112-slow-a", "W10");
}
END_TEST

static TCase *add_tcase(Suite *s, const char *name)
{
    TCase *c = tcase_create(name);

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    suite_add_tcase(s, c);
    return c;
}

int main(void)
{
    Suite *s = suite_create("http_files");
    TCase *c = add_tcase(s, "RFC 9110, 8: content");

    tcase_add_test(c, file_is_sent_whole);
    tcase_add_test(c, head_of_a_file_tells_its_length_and_reads_nothing);
    tcase_add_test(c, any_pace_gives_the_same_octets);
    tcase_add_test(c, file_of_more_than_4_gib_is_exact);
    tcase_add_test(c, octets_that_do_not_fit_are_seldom_read_again);
    tcase_add_test(c, long_files_share_the_turns);
    tcase_add_test(c, time_of_change_is_never_in_the_future);

    c = add_tcase(s, "names");
    tcase_add_test(c, directory_without_its_slash_is_redirected);
    tcase_add_test(c, folders_are_listed_and_other_kinds_refused);
    tcase_add_test(c, index_of_a_very_long_directory_is_not_looked_for);
    tcase_add_test(c, path_never_leads_out_of_the_root);
    tcase_add_test(c, pages_come_before_files_when_there_are_both);

    c = add_tcase(s, "faults");
    tcase_add_test(c, error_of_a_file_has_its_status);
    tcase_add_test(c, read_that_fails_before_the_head_is_500);
    tcase_add_test(c, file_that_fails_or_shrinks_meanwhile_is_a_reset);
    tcase_add_test(c, file_that_grows_meanwhile_keeps_its_announced_length);
    tcase_add_test(c, peer_that_vanishes_gives_its_file_back);

    c = add_tcase(s, "RFC 9112, 9.5: slow readers");
    tcase_add_test(c, peer_that_takes_nothing_for_30_seconds_is_reset);
    tcase_add_test(c, slow_peer_is_served_and_a_trickling_one_is_not);
    tcase_add_test(c, five_thousand_slow_readers_do_not_hold_up_others);
    return run_suite(s, "http_files");
}
