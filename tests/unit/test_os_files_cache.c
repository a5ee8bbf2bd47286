/*
 * test_os_files_cache.c - files from memory: what costs no call, what is seen anew, and who keeps
 * what. Over files that are made up; test_os_changes.c has real ones.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "os/os_files_cache.h"
#include "support/fake_files.h"
#include "support/proves.h"
#include "support/small_env.h"

enum { SECOND = 1000000000, FIRST_MARK = 100 };

/* Who tells of changes: a mark for each place in the table of files. */
struct fake_marks {
    int mark_of[FAKE_FILES]; /* 0: none */
    int twin_of[FAKE_FILES]; /* another place that is the same file; 0: none */
    int next, out, error;
    int to_tell; /* a mark; 0: none */
    int marked, looked;
};

static struct small_env small;
static struct fake_files files;
static struct fake_marks marks;
static struct os_loop loop;
static struct os_files_cache_config config;
static struct os_files_cache cache;
static struct files_ops ops;

/* --- the fakes ---------------------------------------------------------------------------- */

static int fake_mark(void *context, int file)
{
    struct fake_marks *m = context;
    int place = m->twin_of[file] ? m->twin_of[file] : file;

    m->marked++;
    if (m->error)
        return m->error;
    m->out += !m->mark_of[place];
    if (!m->mark_of[place])
        m->mark_of[place] = FIRST_MARK + m->next++;
    return m->mark_of[place];
}

static void fake_unmark(void *context, int mark)
{
    struct fake_marks *m = context;
    int place = 0;

    while (place < FAKE_FILES && m->mark_of[place] != mark)
        place++;
    ck_assert_int_lt(place, FAKE_FILES); /* once for each */
    m->mark_of[place] = 0;
    m->out--;
}

static void fake_look(void *context)
{
    struct fake_marks *m = context;
    int mark = m->to_tell;

    m->looked++;
    m->to_tell = 0;
    if (mark)
        os_files_cache_changed(&cache, mark);
}

static int fixed_random(void *context, void *octets, size_t len)
{
    (void)context;
    memset(octets, 7, len);
    return 0;
}

static int no_random(void *context, void *octets, size_t len)
{
    (void)context;
    memset(octets, 0, len);
    return -EAGAIN;
}

static const struct fake_file site[] = {
    {"page", FILE_REGULAR, .size = 100, .mtime_ns = 5},
    {"other", FILE_REGULAR, .size = 50, .mtime_ns = 6},
    {"empty", FILE_REGULAR, .size = 0},
    {"just", FILE_REGULAR, .size = 1000},
    {"large", FILE_REGULAR, .size = 1001},
    {"folder", FILE_DIRECTORY, .size = 0},
    {"folder/inner", FILE_REGULAR, .size = 10},
    {"secret", FILE_REGULAR, .size = 10, .open_error = -EACCES},
    {"third", FILE_REGULAR, .size = 30},
    {"fourth", FILE_REGULAR, .size = 40},
};

static void make_cache(void)
{
    ck_assert_int_eq(os_files_cache_init(&cache, &config), 0);
    ops = os_files_cache_ops(&cache);
}

static void given_files(void)
{
    small_env_init(&small);
    small.env.random = fixed_random;
    files = (struct fake_files){0};
    memcpy(files.file, site, sizeof site);
    marks = (struct fake_marks){0};
    loop = (struct os_loop){.now = {SECOND}};
    os_files_cache_config_init(&config);
    config.inner = fake_files_ops(&files);
    config.marks = (struct os_marks){&marks, fake_mark, fake_unmark, fake_look};
    config.loop = &loop;
    config.env = &small.env;
    config.file_max = 1000;
}

static void given_a_cache(void)
{
    given_files();
    make_cache();
}

/* Also that nothing is left behind. */
static void remove_cache(void)
{
    os_files_cache_fini(&cache);
    ck_assert_uint_eq(small.blocks, 0);
    ck_assert_int_eq(marks.out, 0);
    ck_assert_int_eq(files.open, 0);
}

/* --- asking ------------------------------------------------------------------------------- */

static int open_it(const char *name)
{
    struct file_info info;
    const struct fake_file *f = fake_file(&files, name);

    int handle = ops.open(ops.context, name, &info);
    if (handle >= 0) {
        ck_assert_int_eq(info.kind, f->kind);
        ck_assert_uint_eq(info.size, f->size);
        ck_assert_int_eq(info.mtime_ns, f->mtime_ns);
        ck_assert_uint_eq(info.inode, (uint64_t)(f - files.file));
    }
    return handle;
}

static void close_it(int handle)
{
    ops.close(ops.context, handle);
}

/* Reads all of it, in pieces, and compares. */
static void check_content(int handle, uint64_t size)
{
    uint8_t piece[64];
    uint64_t at = 0;
    int64_t n;

    while ((n = ops.read(ops.context, handle, at, piece, sizeof piece)) > 0)
        for (int64_t i = 0; i < n; i++, at++)
            ck_assert_uint_eq(piece[i], fake_file_octet(at));
    ck_assert_int_eq(n, 0);
    ck_assert_uint_eq(at, size);
}

/* Opens, reads and closes; how many calls the inner files saw. */
static uint64_t ask(const char *name)
{
    uint64_t before = files.opened + files.read;

    int handle = open_it(name);
    ck_assert_int_ge(handle, 0);
    check_content(handle, fake_file(&files, name)->size);
    close_it(handle);
    return files.opened + files.read - before;
}

static void ask_twice(const char *name)
{
    ask(name);
    ask(name);
}

static bool is_remembered(const char *name)
{
    return ask(name) == 0;
}

static void touch(const char *name)
{
    struct fake_file *f = fake_file(&files, name);

    f->mtime_ns++;
    f->size++;
}

static int mark_on(const char *name)
{
    return marks.mark_of[fake_file(&files, name) - files.file];
}

/* --- what is remembered ------------------------------------------------------------------- */

START_TEST(a_file_that_was_asked_for_twice_costs_no_call)
{
    ck_assert_uint_gt(ask("page"), 0);
    ck_assert_uint_gt(ask("page"), 0);
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(ask("page"), 0);
    ck_assert_uint_eq(cache.hits, 100);
    ck_assert_int_eq(files.open, 0); /* and no descriptor */
    ck_assert_int_eq(marks.looked, 0);
}
END_TEST

START_TEST(a_file_that_is_asked_for_once_is_neither_marked_nor_read)
{
    struct file_info info;

    for (size_t i = 0; i < ARRAY_LEN(site); i++) {
        int handle = ops.open(ops.context, site[i].name, &info);
        if (handle >= 0)
            close_it(handle);
    }
    ck_assert_int_eq(marks.marked, 0);
    ck_assert_uint_eq(files.read, 0);
}
END_TEST

/* clang-format off */
static const struct {
    const char *name;
    bool kept;
} kinds[] = {
    {"page",         true},
    {"empty",        true},
    {"just",         true},  /* as large as may be, */
    {"large",        false}, /* and an octet more */
    {"folder",       false},
    {"folder/inner", true},
};
/* clang-format on */

START_TEST(only_small_files_are_kept)
{
    const char *name = kinds[_i].name;

    for (int i = 0; i < 3; i++)
        close_it(open_it(name));
    uint64_t before = files.opened;
    close_it(open_it(name));
    ck_assert_uint_eq(files.opened - before, kinds[_i].kept ? 0 : 1);
    ck_assert_uint_eq(cache.files.used, kinds[_i].kept);
}
END_TEST

START_TEST(errors_are_not_kept)
{
    struct file_info info;

    for (uint64_t i = 1; i <= 4; i++) {
        ck_assert_int_eq(ops.open(ops.context, "new", &info), -ENOENT);
        ck_assert_int_eq(ops.open(ops.context, "secret", &info), -EACCES);
        ck_assert_uint_eq(files.opened, 2 * i);
    }
    files.file[20] = (struct fake_file){"new", FILE_REGULAR, .size = 3};
    ck_assert_uint_gt(ask("new"), 0);
}
END_TEST

START_TEST(a_handle_of_ours_is_no_descriptor_and_describes_its_file)
{
    struct file_info info;

    ask_twice("page");
    int handle = open_it("page");
    ck_assert_int_ge(handle, 1 << 30);
    ck_assert_int_eq(ops.info(ops.context, handle, &info), 0);
    ck_assert_uint_eq(info.size, 100);
    ck_assert_int_eq(ops.list(ops.context, handle, "page", NULL, NULL), -ENOTDIR);
    uint8_t octet;
    ck_assert_int_eq(ops.read(ops.context, handle, UINT64_MAX, &octet, 1), 0);
    close_it(handle);
}
END_TEST

static void count_entry(void *cookie, const char *name, const struct file_info *info)
{
    (void)name;
    (void)info;
    ++*(int *)cookie;
}

START_TEST(folders_are_listed_through_it)
{
    struct file_info info;
    int count = 0;

    int dir = open_it("folder");
    ck_assert_int_ge(dir, 0);
    ck_assert_int_eq(ops.info(ops.context, dir, &info), 0);
    ck_assert_int_eq(info.kind, FILE_DIRECTORY);
    while (ops.list(ops.context, dir, "folder", count_entry, &count) > 0)
        ;
    ck_assert_int_eq(count, 1);
    close_it(dir);
}
END_TEST

/* --- changes ------------------------------------------------------------------------------ */

START_TEST(a_file_that_changed_is_opened_anew)
{
    ask_twice("page");
    touch("page");
    os_files_cache_changed(&cache, mark_on("page"));
    ck_assert_int_eq(marks.out, 0);
    ask_twice("page"); /* a stranger again */
    ck_assert_uint_eq(ask("page"), 0);
}
END_TEST

static uint64_t serial_of(const char *name)
{
    struct file_info info;

    int handle = ops.open(ops.context, name, &info);
    ck_assert_int_ge(handle, 0);
    close_it(handle);
    return info.serial;
}

START_TEST(what_is_remembered_has_a_number_that_nothing_else_had)
{
    ck_assert_uint_eq(serial_of("page"), 0); /* it is not remembered */
    uint64_t first = serial_of("page");      /* it is, from now on */
    ck_assert_uint_ne(first, 0);
    ck_assert_uint_eq(serial_of("page"), first);
    ask("other");
    ck_assert_uint_ne(serial_of("other"), first);
    os_files_cache_changed(&cache, mark_on("page"));
    ask("page");
    uint64_t second = serial_of("page");
    ck_assert_uint_ne(second, first);
    ck_assert_uint_ne(second, serial_of("other"));
    loop.now.ns += SECOND; /* it is opened anew, and nobody compares */
    ck_assert_uint_gt(serial_of("page"), second);
    ck_assert_uint_eq(serial_of("large"), 0);
    ck_assert_uint_eq(serial_of("large"), 0);
}
END_TEST

START_TEST(a_change_of_one_file_leaves_the_others)
{
    ask_twice("page");
    ask_twice("other");
    os_files_cache_changed(&cache, mark_on("other"));
    os_files_cache_changed(&cache, 99999); /* nobody's */
    ck_assert(is_remembered("page"));
    ck_assert(!is_remembered("other"));
}
END_TEST

START_TEST(what_is_told_of_no_mark_may_concern_all)
{
    ask_twice("page");
    ask_twice("other");
    os_files_cache_changed(&cache, -1);
    ck_assert_uint_eq(cache.files.used, 0);
    ck_assert(!is_remembered("page"));
    ck_assert(!is_remembered("other"));
}
END_TEST

START_TEST(two_names_of_one_file_share_its_mark)
{
    marks.twin_of[1] = 8; /* "other" and "third" */
    ask_twice("other");
    ask_twice("third");
    ck_assert_int_eq(marks.out, 1);
    os_files_cache_changed(&cache, mark_on("third"));
    ck_assert_int_eq(marks.out, 0);
    ck_assert(!is_remembered("other"));
    ck_assert(!is_remembered("third"));
}
END_TEST

START_TEST(the_mark_of_two_names_goes_with_the_last)
{
    marks.twin_of[1] = 8;
    ask_twice("other");
    loop.now.ns += SECOND / 2;
    ask_twice("third");
    loop.now.ns += SECOND / 2; /* "other" is old now, and somebody else */
    marks.twin_of[1] = 0;
    ask("other");
    ck_assert_int_eq(marks.out, 2);
    ck_assert_int_ne(mark_on("third"), 0);
}
END_TEST

START_TEST(a_late_loop_is_not_trusted_once_in_each_turn)
{
    ask_twice("page");
    touch("page");
    marks.to_tell = mark_on("page");
    loop.late = true;
    loop.turns++;
    ask_twice("page"); /* which compares with what it is now */
    ck_assert_int_eq(marks.looked, 1);
    ck_assert(is_remembered("page"));
    ck_assert_int_eq(marks.looked, 1);
    loop.turns++;
    ck_assert(is_remembered("page"));
    ck_assert_int_eq(marks.looked, 2);
    loop.late = false;
    loop.turns++;
    ck_assert(is_remembered("page"));
    ck_assert_int_eq(marks.looked, 2);
}
END_TEST

START_TEST(what_is_a_second_old_is_opened_and_read_anew)
{
    ask_twice("page");
    int mark = mark_on("page");
    loop.now.ns += SECOND - 1;
    ck_assert_uint_eq(ask("page"), 0);
    touch("page"); /* and nobody tells */
    loop.now.ns += 1;
    ck_assert_uint_gt(ask("page"), 0);
    ck_assert_uint_eq(ask("page"), 0); /* it is no stranger */
    ck_assert_int_eq(mark_on("page"), mark);
    ck_assert_int_eq(marks.out, 1);
    ck_assert_uint_eq(cache.files.used, 1);
}
END_TEST

START_TEST(what_is_a_second_old_and_gone_is_gone)
{
    struct file_info info;

    ask_twice("page");
    fake_file(&files, "page")->open_error = -ENOENT;
    ck_assert_int_ge(ops.open(ops.context, "page", &info), 1 << 30);
    loop.now.ns += SECOND;
    ck_assert_int_eq(ops.open(ops.context, "page", &info), -ENOENT);
    close_it(1 << 30);
    ck_assert_uint_eq(cache.files.used, 0);
}
END_TEST

static int64_t changing_read(void *context, int handle, uint64_t offset, void *octets, size_t len)
{
    files.file[handle].mtime_ns++;
    return fake_files_ops(&files).read(context, handle, offset, octets, len);
}

START_TEST(a_file_that_changes_while_it_is_read_is_not_kept)
{
    struct file_info info;

    cache.config.inner.read = changing_read;
    for (int i = 0; i < 10; i++) {
        int handle = ops.open(ops.context, "page", &info);
        ck_assert_int_eq(handle, 0); /* the inner one */
        close_it(handle);
        ck_assert_uint_eq(cache.files.used, 0);
        ck_assert_int_eq(marks.out, 0);
    }
    ck_assert_int_eq(marks.marked, 5); /* it was tried every second time */
}
END_TEST

START_TEST(a_file_that_is_shorter_than_told_is_passed_through)
{
    struct fake_file *f = fake_file(&files, "page");

    f->cut = true;
    f->cut_size = 99;
    for (int i = 0; i < 4; i++) {
        int handle = open_it("page");
        ck_assert_int_lt(handle, 1 << 30);
        check_content(handle, 99);
        close_it(handle);
    }
}
END_TEST

START_TEST(an_error_of_reading_is_the_readers)
{
    struct fake_file *f = fake_file(&files, "page");
    uint8_t octets[100];

    f->read_error = -EIO;
    f->read_error_at = 60;
    for (int i = 0; i < 4; i++) {
        int handle = open_it("page");
        ck_assert_int_eq(ops.read(ops.context, handle, 0, octets, 100), 60);
        ck_assert_int_eq(ops.read(ops.context, handle, 60, octets, 40), -EIO);
        close_it(handle);
    }
}
END_TEST

START_TEST(without_anybody_to_tell_nothing_is_kept)
{
    marks.error = -ENOSPC;
    for (int i = 0; i < 10; i++)
        ck_assert_uint_gt(ask("page"), 0);
    ck_assert_int_eq(marks.marked, 5);
    marks.error = 0;
    ask_twice("page");
    ck_assert(is_remembered("page"));
}
END_TEST

/* --- users -------------------------------------------------------------------------------- */

START_TEST(who_has_it_open_keeps_what_he_opened)
{
    ask_twice("page");
    int old = open_it("page"), too = open_it("page");
    touch("page");
    os_files_cache_changed(&cache, mark_on("page"));
    ask_twice("page");
    int new = open_it("page");
    ck_assert_int_ne(new, old);
    check_content(old, 100);
    check_content(new, 101);
    close_it(old);
    check_content(too, 100);
    ck_assert_uint_eq(cache.files.used, 2);
    close_it(too);
    ck_assert_uint_eq(cache.files.used, 1);
    check_content(new, 101);
    close_it(new);
    ck_assert(is_remembered("page"));
    PROVES("W14");
}
END_TEST

START_TEST(an_open_file_may_grow_old)
{
    ask_twice("page");
    int old = open_it("page");
    loop.now.ns += SECOND;
    ask("page");
    ck_assert_uint_eq(cache.files.used, 2);
    check_content(old, 100);
    close_it(old);
    ck_assert_uint_eq(cache.files.used, 1);
}
END_TEST

/* --- caps --------------------------------------------------------------------------------- */

static void make_small_cache(uint32_t count, uint64_t octets)
{
    given_files();
    config.files = count;
    config.octets = octets;
    make_cache();
}

START_TEST(the_one_goes_that_was_asked_for_before_all_others)
{
    make_small_cache(3, 1 << 20);
    ask_twice("page");
    ask_twice("other");
    ask_twice("third");
    ask("page");
    ask_twice("fourth");
    ck_assert(is_remembered("page"));
    ck_assert(is_remembered("third"));
    ck_assert(is_remembered("fourth"));
    ck_assert_int_eq(mark_on("other"), 0);
    ck_assert_uint_eq(cache.files.used, 3);
    remove_cache();
}
END_TEST

START_TEST(one_that_is_open_is_not_thrown_out)
{
    make_small_cache(2, 1 << 20);
    ask_twice("page");
    int page = open_it("page");
    ask_twice("other");
    ask_twice("third"); /* in the place of "other" */
    check_content(page, 100);
    ck_assert(is_remembered("page"));
    int third = open_it("third");
    ask_twice("fourth"); /* finds no place */
    ck_assert(!is_remembered("fourth"));
    close_it(page);
    close_it(third);
    ask_twice("fourth");
    ck_assert(is_remembered("fourth"));
    remove_cache();
}
END_TEST

START_TEST(octets_have_a_cap_and_count_what_is_forgotten_but_open)
{
    make_small_cache(10, 300); /* a page and another, with what they cost beside */
    ask_twice("page");
    int page = open_it("page");
    os_files_cache_changed(&cache, mark_on("page"));
    ask_twice("page");
    ck_assert(is_remembered("page"));
    ck_assert_uint_le(cache.octets, 300);
    ask_twice("other"); /* in the place of the page that nobody has open */
    ck_assert(is_remembered("other"));
    ck_assert_uint_le(cache.octets, 300);
    ask_twice("just"); /* never fits */
    ck_assert(!is_remembered("just"));
    close_it(page);
    ck_assert_uint_le(cache.octets, 300);
    remove_cache();
}
END_TEST

START_TEST(memory_stays_below_the_cap_that_is_told)
{
    char names[FAKE_FILES][8];

    make_small_cache(16, 4000);
    for (int i = 10; i < FAKE_FILES; i++) {
        snprintf(names[i], sizeof names[i], "f%d", i);
        files.file[i] = (struct fake_file){names[i], FILE_REGULAR, .size = (uint64_t)i * 10};
    }
    for (int round = 0; round < 3; round++)
        for (int i = 10; i < FAKE_FILES; i++)
            ask_twice(names[i]);
    ck_assert_uint_le(small.peak, os_files_cache_memory_cap(&cache));
    ck_assert_uint_gt(cache.files.used, 5);
    remove_cache();
}
END_TEST

START_TEST(without_memory_it_passes_through)
{
    for (uint64_t i = 1;; i++) {
        given_files();
        small.fail_at = i;
        int err = os_files_cache_init(&cache, &config);
        if (err) {
            ck_assert_int_eq(err, -ENOMEM);
            ck_assert_uint_eq(small.blocks, 0);
            continue;
        }
        ops = os_files_cache_ops(&cache);
        ask_twice("page");
        bool all = is_remembered("page");
        small.fail_at = 0;
        ask_twice("page");
        ck_assert(is_remembered("page"));
        remove_cache();
        if (all)
            return;
    }
}
END_TEST

START_TEST(without_randomness_there_is_none)
{
    given_files();
    small.env.random = no_random;
    ck_assert_int_eq(os_files_cache_init(&cache, &config), -EAGAIN);
    ck_assert_uint_eq(small.blocks, 0);
}
END_TEST

static int far_open(void *context, const char *path, struct file_info *info)
{
    int handle = fake_files_ops(&files).open(context, path, info);
    return handle < 0 ? handle : handle + (1 << 30);
}

static void far_close(void *context, int handle)
{
    fake_files_ops(&files).close(context, handle - (1 << 30));
}

START_TEST(a_handle_that_could_be_ours_is_refused)
{
    struct file_info info;

    cache.config.inner.open = far_open;
    cache.config.inner.close = far_close;
    ck_assert_int_eq(ops.open(ops.context, "page", &info), -EMFILE);
    ck_assert_int_eq(files.open, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("os_files_cache");
    TCase *c = tcase_create("what is remembered");
    tcase_add_checked_fixture(c, given_a_cache, remove_cache);
    tcase_add_test(c, a_file_that_was_asked_for_twice_costs_no_call);
    tcase_add_test(c, a_file_that_is_asked_for_once_is_neither_marked_nor_read);
    tcase_add_loop_test(c, only_small_files_are_kept, 0, ARRAY_LEN(kinds));
    tcase_add_test(c, errors_are_not_kept);
    tcase_add_test(c, a_handle_of_ours_is_no_descriptor_and_describes_its_file);
    tcase_add_test(c, folders_are_listed_through_it);
    tcase_add_test(c, a_handle_that_could_be_ours_is_refused);
    suite_add_tcase(s, c);
    c = tcase_create("changes");
    tcase_add_checked_fixture(c, given_a_cache, remove_cache);
    tcase_add_test(c, a_file_that_changed_is_opened_anew);
    tcase_add_test(c, what_is_remembered_has_a_number_that_nothing_else_had);
    tcase_add_test(c, a_change_of_one_file_leaves_the_others);
    tcase_add_test(c, what_is_told_of_no_mark_may_concern_all);
    tcase_add_test(c, two_names_of_one_file_share_its_mark);
    tcase_add_test(c, the_mark_of_two_names_goes_with_the_last);
    tcase_add_test(c, a_late_loop_is_not_trusted_once_in_each_turn);
    tcase_add_test(c, what_is_a_second_old_is_opened_and_read_anew);
    tcase_add_test(c, what_is_a_second_old_and_gone_is_gone);
    tcase_add_test(c, a_file_that_changes_while_it_is_read_is_not_kept);
    tcase_add_test(c, a_file_that_is_shorter_than_told_is_passed_through);
    tcase_add_test(c, an_error_of_reading_is_the_readers);
    tcase_add_test(c, without_anybody_to_tell_nothing_is_kept);
    suite_add_tcase(s, c);
    c = tcase_create("users");
    tcase_add_checked_fixture(c, given_a_cache, remove_cache);
    tcase_add_test(c, who_has_it_open_keeps_what_he_opened);
    tcase_add_test(c, an_open_file_may_grow_old);
    suite_add_tcase(s, c);
    c = tcase_create("caps");
    tcase_add_test(c, the_one_goes_that_was_asked_for_before_all_others);
    tcase_add_test(c, one_that_is_open_is_not_thrown_out);
    tcase_add_test(c, octets_have_a_cap_and_count_what_is_forgotten_but_open);
    tcase_add_test(c, memory_stays_below_the_cap_that_is_told);
    tcase_add_test(c, without_memory_it_passes_through);
    tcase_add_test(c, without_randomness_there_is_none);
    suite_add_tcase(s, c);
    return run_suite(s, "os_files_cache");
}
