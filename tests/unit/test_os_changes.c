/*
 * test_os_changes.c - real files that change, and a cache that must not be noticed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/prng.h"
#include "os/os_env.h"
#include "os/os_files.h"
#include "os/os_files_cache.h"
#include "support/proves.h"

enum { CONTENT_MAX = 400 }; /* octets of a file, in these tests */

static char top[64]; /* the root that is served */
static struct os_env env;
static struct os_files files;
static struct os_changes changes;
static struct os_loop loop;
static struct os_files_cache_config config;
static struct os_files_cache cache;
static struct files_ops plain, cached;
static int told; /* how often something was */

/* --- the tree ----------------------------------------------------------------------------- */

static const char *in_top(const char *name)
{
    static char paths[2][200];
    static int turn;
    char *path = paths[turn++ % 2];

    snprintf(path, sizeof paths[0], "%s/%s", top, name);
    return path;
}

static void write_to(const char *name, const char *text, int flags)
{
    int fd = open(in_top(name), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)write(fd, text, strlen(text)), (int)strlen(text));
    close(fd);
}

static void write_file(const char *name, const char *text)
{
    write_to(name, text, O_TRUNC);
}

static void rename_to(const char *from, const char *to)
{
    ck_assert_int_eq(rename(in_top(from), in_top(to)), 0);
}

static void link_to(const char *target, const char *name)
{
    unlink(in_top(name));
    ck_assert_int_eq(symlink(target, in_top(name)), 0);
}

static void changed(struct os_changes *c, int mark)
{
    ck_assert_ptr_eq(c, &changes);
    told++;
    os_files_cache_changed(&cache, mark);
}

static void given_a_site(void)
{
    strcpy(top, "/tmp/test_os_changes.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(top));
    mkdir(in_top("one"), 0755);
    mkdir(in_top("two"), 0755);
    write_file("page", "the page\n");
    write_file("other", "another page\n");
    write_file("one/inner", "inner one\n");
    write_file("two/inner", "inner two\n");
    link_to("page", "link");
    link_to("one", "folder");

    told = 0;
    loop = (struct os_loop){.now = {NS_PER_S}};
    ck_assert_int_eq(os_env_init(&env, NULL), 0);
    ck_assert_int_eq(os_files_open(&files, top), 0);
    ck_assert_int_eq(os_changes_open(&changes, changed), 0);
    plain = os_files_ops(&files);
    os_files_cache_config_init(&config);
    config.inner = plain;
    config.marks = os_changes_marks(&changes);
    config.loop = &loop;
    config.env = &env.env;
    ck_assert_int_eq(os_files_cache_init(&cache, &config), 0);
    cached = os_files_cache_ops(&cache);
}

static void remove_site(void)
{
    char command[128];

    os_files_cache_fini(&cache);
    os_changes_close(&changes);
    os_files_close(&files);
    snprintf(command, sizeof command, "rm -rf '%s'", top);
    ck_assert_int_eq(system(command), 0);
}

/* --- asking ------------------------------------------------------------------------------- */

/* What one request gets: an error, or all that can be told. */
struct answer {
    int err;
    struct file_info info;
    int64_t len;
    char octets[CONTENT_MAX + 1];
};

static int open_in_a_turn(const char *name, struct file_info *info)
{
    loop.turns++;
    loop.late = true; /* whatever the disk has seen before this request, it must see */
    return cached.open(cached.context, name, info);
}

static struct answer ask(const struct files_ops *ops, const char *name)
{
    struct answer a = {0};
    int handle =
        ops == &cached ? open_in_a_turn(name, &a.info) : ops->open(ops->context, name, &a.info);

    if (handle < 0) {
        a = (struct answer){.err = handle};
        return a;
    }
    if (a.info.kind == FILE_REGULAR)
        a.len = ops->read(ops->context, handle, 0, a.octets, CONTENT_MAX);
    ops->close(ops->context, handle);
    return a;
}

static bool same_answer(const struct answer *a, const struct answer *b)
{
    return a->err == b->err && a->info.kind == b->info.kind && a->info.size == b->info.size &&
           a->info.mtime_ns == b->info.mtime_ns && a->info.inode == b->info.inode &&
           a->len == b->len && memcmp(a->octets, b->octets, CONTENT_MAX) == 0;
}

/* That it gets what the disk has. */
static void check_is_fresh(const char *name)
{
    struct answer wanted = ask(&plain, name), got = ask(&cached, name);

    ck_assert_msg(same_answer(&wanted, &got), "%s: '%s' (%d) and not '%s' (%d)", name, got.octets,
                  got.err, wanted.octets, wanted.err);
}

static void ask_until_remembered(const char *name)
{
    uint64_t hits = cache.hits;

    for (int i = 0; i < 3; i++)
        check_is_fresh(name);
    ck_assert_uint_gt(cache.hits, hits);
}

/* How many marks the kernel has for us. */
static int marks_of_the_kernel(void)
{
    char path[64], line[200];
    int count = 0;

    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", changes.watch.fd);
    FILE *in = fopen(path, "r");
    ck_assert_ptr_nonnull(in);
    while (fgets(line, sizeof line, in))
        count += strncmp(line, "inotify ", 8) == 0;
    fclose(in);
    return count;
}

/* --- what is told ------------------------------------------------------------------------- */

static void write_in_place(void)
{
    write_to("page", "THE", 0);
}

static void append(void)
{
    write_to("page", "more\n", O_APPEND);
}

static void cut_off(void)
{
    ck_assert_int_eq(truncate(in_top("page"), 3), 0);
}

static void rename_over(void)
{
    write_file("new", "NEW page\n"); /* as long as the old one */
    rename_to("new", "page");
}

static void link_over(void)
{
    link_to("other", "link-2");
    rename_to("link-2", "page");
}

static void rename_away(void)
{
    rename_to("page", "somewhere");
}

static void remove_it(void)
{
    ck_assert_int_eq(unlink(in_top("page")), 0);
}

static void make_it_a_folder(void)
{
    remove_it();
    ck_assert_int_eq(mkdir(in_top("page"), 0755), 0);
}

static void touch_it(void)
{
    const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
    ck_assert_int_eq(utimensat(AT_FDCWD, in_top("page"), times, 0), 0);
}

static void forbid_it(void)
{
    ck_assert_int_eq(chmod(in_top("page"), 0), 0);
}

static void swap_them(void)
{
    ck_assert_int_eq(
        renameat2(AT_FDCWD, in_top("page"), AT_FDCWD, in_top("other"), RENAME_EXCHANGE), 0);
}

static void (*const change[])(void) = {
    write_in_place, append,   cut_off,          rename_over, link_over, rename_away,
    remove_it,      touch_it, make_it_a_folder, forbid_it,   swap_them,
};

START_TEST(a_change_is_seen_by_the_next_request)
{
    ask_until_remembered("page");
    change[_i]();
    check_is_fresh("page");
    for (int i = 0; i < 3; i++)
        check_is_fresh("page");
    ck_assert_int_gt(told, 0);
}
END_TEST

START_TEST(a_change_is_seen_through_a_link)
{
    ask_until_remembered("link");
    ask_until_remembered("page");
    ck_assert_int_eq(marks_of_the_kernel(), 1);
    change[_i]();
    check_is_fresh("link");
    check_is_fresh("page");
}
END_TEST

START_TEST(the_loop_hears_of_a_change_by_itself)
{
    struct pollfd p = {.fd = changes.watch.fd, .events = POLLIN};

    ask_until_remembered("page");
    ck_assert_int_eq(poll(&p, 1, 0), 0);
    write_in_place();
    ck_assert_int_eq(poll(&p, 1, 0), 1);
    changes.watch.ready(&changes.watch, loop.now);
    ck_assert_int_eq(cache.files.used, 0);
    changes.watch.ready(&changes.watch, loop.now);
    ck_assert_int_eq(poll(&p, 1, 0), 0); /* to the end */
}
END_TEST

START_TEST(what_goes_on_changing_is_told_once)
{
    ask_until_remembered("page");
    for (int i = 0; i < 1000; i++)
        write_to("page", i % 2 ? "odd" : "even", 0);
    check_is_fresh("page");
    ck_assert_int_le(told, 3); /* it changed (two in one), and its mark is gone */
}
END_TEST

START_TEST(more_changes_than_are_told_concern_all_files)
{
    char name[32];

    ask_until_remembered("page");
    told = 0;
    changed(&changes, -1); /* as when the queue ran over: see inotify(7) */
    ck_assert_int_eq(cache.files.used, 0);
    ck_assert_int_eq(marks_of_the_kernel(), 0);
    for (int i = 0; i < 200; i++) { /* more than one read() takes */
        snprintf(name, sizeof name, "many-%d", i);
        write_file(name, "a");
        ask_until_remembered(name);
    }
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "many-%d", i);
        write_file(name, "b");
    }
    ck_assert_int_eq(marks_of_the_kernel(), 200);
    check_is_fresh("many-7");
    ck_assert_int_eq(marks_of_the_kernel(), 0);
}
END_TEST

/* --- what is not told --------------------------------------------------------------------- */

static void switch_link(void)
{
    link_to("other", "link");
}

static void switch_link_out(void)
{
    link_to("/etc/passwd", "link");
}

static void switch_folder(void)
{
    link_to("two", "folder");
}

static void rename_folder(void)
{
    rename_to("one", "gone");
    rename_to("two", "one");
}

static void write_by_mapping(void)
{
    int fd = open(in_top("page"), O_RDWR | O_CLOEXEC);
    char *at = mmap(NULL, 9, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    ck_assert_ptr_ne(at, MAP_FAILED);
    memcpy(at, "THE", 3);
    munmap(at, 9);
    close(fd);
}

static const struct {
    const char *name;
    void (*change)(void);
} silent[] = {
    {"link", switch_link},           {"link", switch_link_out},    {"folder/inner", switch_folder},
    {"folder/inner", rename_folder}, {"one/inner", rename_folder}, {"page", write_by_mapping},
};

START_TEST(what_nobody_tells_is_seen_after_a_second)
{
    ask_until_remembered(silent[_i].name);
    silent[_i].change();
    loop.now.ns += NS_PER_S;
    check_is_fresh(silent[_i].name);
    check_is_fresh(silent[_i].name);
}
END_TEST

/* --- what it holds ------------------------------------------------------------------------ */

static int lowest_free_descriptor(void)
{
    int fd = dup(0);
    close(fd);
    return fd;
}

START_TEST(no_descriptor_and_no_mark_is_left)
{
    int before = lowest_free_descriptor();

    ask_until_remembered("page");
    ask_until_remembered("one/inner");
    ck_assert_int_eq(lowest_free_descriptor(), before);
    ck_assert_int_eq(marks_of_the_kernel(), 2);
    loop.now.ns += NS_PER_S;
    check_is_fresh("page");
    ck_assert_int_eq(marks_of_the_kernel(), 2);
    remove_it();
    check_is_fresh("page");
    ck_assert_int_eq(marks_of_the_kernel(), 1);
    ck_assert_int_eq(lowest_free_descriptor(), before);
}
END_TEST

START_TEST(a_file_that_is_removed_is_sent_to_its_end)
{
    struct file_info info;
    char octets[CONTENT_MAX];

    ask_until_remembered("page");
    int handle = open_in_a_turn("page", &info);
    remove_it();
    check_is_fresh("page");
    ck_assert_int_eq((int)cached.read(cached.context, handle, 4, octets, sizeof octets), 5);
    ck_assert_int_eq(memcmp(octets, "page\n", 5), 0);
    cached.close(cached.context, handle);
    PROVES("W14");
}
END_TEST

START_TEST(without_a_descriptor_there_is_no_mark)
{
    struct os_marks marks = os_changes_marks(&changes);

    ck_assert_int_eq(marks.mark(marks.context, 99999), -ENOENT);
    marks.unmark(marks.context, 12345); /* nobody's: no harm */
}
END_TEST

/* --- at random ---------------------------------------------------------------------------- */

enum { HELD = 6, FILES = 7 };

/* All names that may be there, by way of links and folders too; the first of them are only ever
 * files. */
static const char *const names[] = {"page",      "other",        "third", "one/inner", "two/inner",
                                    "one/third", "folder/inner", "link",  "folder",    "one"};

static struct prng prng;

/* A file that a response has open: what was told of it must go on to be true. */
static struct held {
    int handle; /* -1: none */
    struct answer was;
} held[HELD];

static const char *some_name(void)
{
    return names[prng_below(&prng, ARRAY_LEN(names))];
}

static const char *some_file(void)
{
    return names[prng_below(&prng, FILES)];
}

static void some_text(char text[CONTENT_MAX + 1])
{
    size_t len = (size_t)prng_below(&prng, 3) * 50 + (size_t)prng_below(&prng, 3);

    memset(text, 'a' + (int)prng_below(&prng, 26), len);
    text[len] = '\0';
}

/* One change, of those that are told. Any of them may fail, as there is no such file. */
static void change_something(void)
{
    char text[CONTENT_MAX + 1];
    const char *name = some_file();
    int fd = -1;

    some_text(text);
    switch (prng_below(&prng, 6)) {
    case 0:
    case 1:
        fd = open(in_top(some_name()), O_WRONLY | O_CLOEXEC); /* in place */
        break;
    case 2:
        fd = open(in_top(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        break;
    case 3:
        write_file("fresh", text);
        rename(in_top("fresh"), in_top(name));
        break;
    case 4:
        rename(in_top(name), in_top(some_file()));
        break;
    case 5:
        if (prng_below(&prng, 4) == 0)
            unlink(in_top(name));
        break;
    }
    if (fd < 0)
        return;
    ck_assert_int_eq((int)write(fd, text, strlen(text)), (int)strlen(text));
    close(fd);
}

/* One of those that are not; then a second passes. */
static void switch_something(void)
{
    static const char *const targets[] = {"page", "other", "one/third", "two/inner", "/etc/passwd"};

    if (prng_below(&prng, 2)) {
        link_to(targets[prng_below(&prng, ARRAY_LEN(targets))], "link");
    } else if (prng_below(&prng, 2)) {
        link_to(prng_below(&prng, 2) ? "one" : "two", "folder");
    } else {
        rename(in_top("one"), in_top("aside"));
        rename(in_top("two"), in_top("one"));
        rename(in_top("aside"), in_top("two"));
    }
    loop.now.ns += NS_PER_S;
}

static void hold_something(void)
{
    struct held *h = &held[prng_below(&prng, HELD)];

    if (h->handle >= 1 << 30) {
        struct answer is = {.info = h->was.info};
        is.len = cached.read(cached.context, h->handle, 0, is.octets, CONTENT_MAX);
        ck_assert(same_answer(&is, &h->was));
    }
    if (h->handle >= 0)
        cached.close(cached.context, h->handle);
    const char *name = some_name();
    h->was = ask(&plain, name);
    h->handle = open_in_a_turn(name, &h->was.info);
}

START_TEST(nobody_can_tell_it_from_the_files_themselves)
{
    enum { STEPS = 20000 };

    os_files_cache_fini(&cache); /* a small one, in which there is never room enough */
    config.files = 5;
    config.file_max = 120;
    config.octets = 700;
    ck_assert_int_eq(os_files_cache_init(&cache, &config), 0);
    prng_seed(&prng, (uint64_t)_i);
    for (int i = 0; i < HELD; i++)
        held[i].handle = -1;
    for (int i = 0; i < STEPS; i++) {
        uint64_t dice = prng_below(&prng, 100);
        if (dice < 10)
            change_something();
        else if (dice < 12)
            switch_something();
        else if (dice < 20)
            hold_something();
        else if (dice < 25)
            loop.now.ns += (int64_t)prng_below(&prng, (uint64_t)NS_PER_S / 4);
        else
            check_is_fresh(some_name());
    }
    for (int i = 0; i < HELD; i++)
        if (held[i].handle >= 0)
            cached.close(cached.context, held[i].handle);
    ck_assert_uint_gt(cache.hits, STEPS / 20);
    ck_assert_uint_le(cache.octets, config.octets);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("os_changes");
    TCase *c = tcase_create("what is told");
    tcase_add_checked_fixture(c, given_a_site, remove_site);
    tcase_add_loop_test(c, a_change_is_seen_by_the_next_request, 0, ARRAY_LEN(change));
    tcase_add_loop_test(c, a_change_is_seen_through_a_link, 0, ARRAY_LEN(change));
    tcase_add_test(c, the_loop_hears_of_a_change_by_itself);
    tcase_add_test(c, what_goes_on_changing_is_told_once);
    tcase_add_test(c, more_changes_than_are_told_concern_all_files);
    suite_add_tcase(s, c);
    c = tcase_create("what is not told");
    tcase_add_checked_fixture(c, given_a_site, remove_site);
    tcase_add_loop_test(c, what_nobody_tells_is_seen_after_a_second, 0, ARRAY_LEN(silent));
    suite_add_tcase(s, c);
    c = tcase_create("what it holds");
    tcase_add_checked_fixture(c, given_a_site, remove_site);
    tcase_add_test(c, no_descriptor_and_no_mark_is_left);
    tcase_add_test(c, a_file_that_is_removed_is_sent_to_its_end);
    tcase_add_test(c, without_a_descriptor_there_is_no_mark);
    suite_add_tcase(s, c);
    c = tcase_create("at random");
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, given_a_site, remove_site);
    tcase_add_loop_test(c, nobody_can_tell_it_from_the_files_themselves, 0, 3);
    suite_add_tcase(s, c);
    return run_suite(s, "os_changes");
}
