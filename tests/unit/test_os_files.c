/*
 * test_os_files.c - strangers' paths on a real tree: what may be opened, and what must never be.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/os_files.h"
#include "support/proves.h"

static char top[64];  /* holds `secret` and `site` */
static char site[80]; /* the root that is served */
static struct os_files files;
static struct files_ops ops;

static const char *in_top(const char *name)
{
    static char path[400];
    snprintf(path, sizeof path, "%s/%s", top, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *out = fopen(in_top(name), "w");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    fclose(out);
}

static void link_to(const char *target, const char *name)
{
    ck_assert_int_eq(symlink(target, in_top(name)), 0);
}

static void given_a_site(void)
{
    strcpy(top, "/tmp/test_os_files.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(top));
    snprintf(site, sizeof site, "%s/site", top);
    mkdir(site, 0755);
    mkdir(in_top("site/folder"), 0755);
    write_file("secret", "outside\n");
    write_file("site/small.txt", "a small file\n");
    write_file("site/empty", "");
    write_file("site/folder/inner.txt", "inner\n");
    link_to("../secret", "site/out-relative");
    link_to("/etc/passwd", "site/out-absolute");
    link_to("..", "site/out-folder");
    link_to("folder/inner.txt", "site/inside");
    link_to("../small.txt", "site/folder/up-but-inside");
    link_to("loop", "site/loop");
    link_to("/proc/self/root", "site/magic");
    ck_assert_int_eq(mkfifo(in_top("site/fifo"), 0644), 0);

    ck_assert_int_eq(os_files_open(&files, site), 0);
    ops = os_files_ops(&files);
}

static void remove_site(void)
{
    char command[128];
    os_files_close(&files);
    snprintf(command, sizeof command, "rm -rf '%s'", top);
    ck_assert_int_eq(system(command), 0);
}

/* --- opening ------------------------------------------------------------------------------ */

/* clang-format off */
static const struct {
    const char *path;
    int wanted; /* 0: it opens */
} outside[] = {
    {"small.txt",                 0},
    {"folder/inner.txt",          0},
    {"inside",                    0},        /* a link that stays inside */
    {"folder/up-but-inside",      0},        /* ... by way of `..` */
    {"folder/../small.txt",       0},
    {"./small.txt",               0},
    {"",                          -ENOENT},
    {"..",                        -EXDEV},
    {"../secret",                 -EXDEV},
    {"folder/../../secret",       -EXDEV},
    {"folder/../../site/small.txt", -EXDEV}, /* leaves, and would come back */
    {"/etc/passwd",               -EXDEV},
    {"//etc/passwd",              -EXDEV},
    {"out-relative",              -EXDEV},
    {"out-absolute",              -EXDEV},
    {"out-folder/secret",         -EXDEV},
    {"magic/etc/passwd",          -EXDEV},
    {"loop",                      -ELOOP},
    {"small.txt/",                -ENOTDIR},
    {"small.txt/below",           -ENOTDIR},
    {"nothing",                   -ENOENT},
    {"..\\secret",                -ENOENT},  /* one strange name */
    {"%2e%2e/secret",             -ENOENT},  /* nothing is decoded here */
};
/* clang-format on */

START_TEST(open_never_leaves_the_root)
{
    struct file_info info;

    int file = ops.open(ops.context, outside[_i].path, &info);
    if (outside[_i].wanted == 0) {
        ck_assert_int_ge(file, 0);
        ck_assert_int_eq(info.kind, FILE_REGULAR);
        ops.close(ops.context, file);
    } else {
        ck_assert_msg(file == outside[_i].wanted, "%s: %d", outside[_i].path, file);
    }
    PROVES("W06");
}
END_TEST

START_TEST(open_refuses_magic_links_that_point_back_inside)
{
    struct os_files proc;
    struct file_info info;
    char path[32];

    /* /proc/self/fd/N leads to a file of ours; as a magic link it is refused all the same. */
    ck_assert_int_eq(os_files_open(&proc, "/proc/self"), 0);
    struct files_ops proc_ops = os_files_ops(&proc);
    snprintf(path, sizeof path, "fd/%d", files.root);
    int file = proc_ops.open(proc_ops.context, path, &info);
    ck_assert_msg(file == -ELOOP || file == -EXDEV, "%d", file);
    file = proc_ops.open(proc_ops.context, "exe", &info);
    ck_assert_msg(file == -ELOOP || file == -EXDEV, "%d", file);
    os_files_close(&proc);
    PROVES("W06");
}
END_TEST

START_TEST(open_of_a_fifo_returns_at_once_and_refuses)
{
    struct file_info info;

    alarm(5); /* a blocked open() would last for ever */
    ck_assert_int_eq(ops.open(ops.context, "fifo", &info), -EACCES);
    alarm(0);
    PROVES("W07");
}
END_TEST

START_TEST(open_of_a_device_refuses)
{
    struct os_files dev;
    struct file_info info;

    ck_assert_int_eq(os_files_open(&dev, "/dev"), 0);
    struct files_ops dev_ops = os_files_ops(&dev);
    alarm(5);
    ck_assert_int_eq(dev_ops.open(dev_ops.context, "zero", &info), -EACCES);
    ck_assert_int_eq(dev_ops.open(dev_ops.context, "null", &info), -EACCES);
    alarm(0);
    os_files_close(&dev);
    PROVES("W07");
}
END_TEST

START_TEST(open_of_a_folder_tells_that_it_is_one)
{
    struct file_info info;

    int file = ops.open(ops.context, "folder", &info);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(info.kind, FILE_DIRECTORY);
    ck_assert_int_eq((int)ops.read(ops.context, file, 0, &info, 1), -EISDIR);
    ops.close(ops.context, file);
    file = ops.open(ops.context, ".", &info);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(info.kind, FILE_DIRECTORY);
    ops.close(ops.context, file);
    PROVES("W07");
}
END_TEST

START_TEST(open_of_an_unreadable_file_is_refused)
{
    struct file_info info;

    ck_assert_int_eq(chmod(in_top("site/small.txt"), 0), 0);
    ck_assert_int_eq(chmod(top, 0755), 0);
    if (geteuid() == 0)
        ck_assert_int_eq((int)syscall(SYS_setresuid, -1, 65534, -1), 0); /* of this thread */
    ck_assert_int_eq(ops.open(ops.context, "small.txt", &info), -EACCES);
    ck_assert_int_ge(ops.open(ops.context, "empty", &info), 0);
    if (getuid() == 0)
        ck_assert_int_eq((int)syscall(SYS_setresuid, -1, 0, -1), 0);
    PROVES("W07");
}
END_TEST

/* --- reading ------------------------------------------------------------------------------ */

START_TEST(read_gives_octets_at_any_offset_and_zero_at_the_end)
{
    struct file_info info;
    char octets[32];

    int file = ops.open(ops.context, "small.txt", &info);
    ck_assert_int_ge(file, 0);
    ck_assert_uint_eq(info.size, 13);
    ck_assert_int_eq((int)ops.read(ops.context, file, 0, octets, sizeof octets), 13);
    ck_assert_int_eq(memcmp(octets, "a small file\n", 13), 0);
    ck_assert_int_eq((int)ops.read(ops.context, file, 8, octets, 4), 4);
    ck_assert_int_eq(memcmp(octets, "file", 4), 0);
    ck_assert_int_eq((int)ops.read(ops.context, file, 13, octets, sizeof octets), 0);
    ck_assert_int_eq((int)ops.read(ops.context, file, INT64_MAX, octets, 0), 0);
    ck_assert_int_eq((int)ops.read(ops.context, file, UINT64_MAX, octets, 1), -EINVAL);
    ops.close(ops.context, file);
}
END_TEST

START_TEST(an_empty_file_has_no_octets)
{
    struct file_info info;
    char octet;

    int file = ops.open(ops.context, "empty", &info);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(info.kind, FILE_REGULAR);
    ck_assert_uint_eq(info.size, 0);
    ck_assert_int_eq((int)ops.read(ops.context, file, 0, &octet, 1), 0);
    ops.close(ops.context, file);
    PROVES("W07");
}
END_TEST

START_TEST(a_file_above_4_GiB_is_read_exactly)
{
    struct file_info info;
    uint64_t size = (UINT64_C(4) << 30) + 3;
    char octets[8];

    int sparse = open(in_top("site/huge"), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    ck_assert_int_ge(sparse, 0);
    ck_assert_int_eq((int)pwrite(sparse, "end", 3, (off_t)size - 3), 3);
    close(sparse);

    int file = ops.open(ops.context, "huge", &info);
    ck_assert_int_ge(file, 0);
    ck_assert_uint_eq(info.size, size);
    ck_assert_int_eq((int)ops.read(ops.context, file, size - 3, octets, sizeof octets), 3);
    ck_assert_int_eq(memcmp(octets, "end", 3), 0);
    ops.close(ops.context, file);
    PROVES("W07");
}
END_TEST

START_TEST(a_file_that_shrinks_gives_a_short_count)
{
    struct file_info info;
    char octets[32];

    int file = ops.open(ops.context, "small.txt", &info);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(truncate(in_top("site/small.txt"), 4), 0);
    ck_assert_int_eq((int)ops.read(ops.context, file, 0, octets, 13), 4);
    ck_assert_int_eq(ops.info(ops.context, file, &info), 0);
    ck_assert_uint_eq(info.size, 4);
    ops.close(ops.context, file);
}
END_TEST

/* --- listing ------------------------------------------------------------------------------ */

struct listing {
    int count;
    char names[2048];
};

static void take_entry(void *cookie, const char *name, const struct file_info *info)
{
    struct listing *l = cookie;
    static const char kinds[] = "rdo"; /* as enum file_kind */
    size_t len = strlen(l->names);

    snprintf(l->names + len, sizeof l->names - len, "%s:%c ", name, kinds[info->kind]);
    l->count++;
}

static int open_folder(const char *path)
{
    struct file_info info;

    int dir = ops.open(ops.context, path, &info);
    ck_assert_int_ge(dir, 0);
    ck_assert_int_eq(info.kind, FILE_DIRECTORY);
    return dir;
}

/* Lists all of a folder; how many names it went past. */
static int list_all(const char *path, struct listing *l)
{
    int dir = open_folder(path), past = 0, step;

    *l = (struct listing){0};
    while ((step = ops.list(ops.context, dir, path, take_entry, l)) > 0)
        past += step;
    ck_assert_int_eq(step, 0);
    ck_assert_int_eq(ops.list(ops.context, dir, path, take_entry, l), 0); /* it stays at the end */
    ops.close(ops.context, dir);
    return past;
}

START_TEST(list_names_everything_and_follows_links_only_inside)
{
    struct listing l;

    ck_assert_int_eq(list_all(".", &l), 12); /* with "." and "..", which are not told */
    ck_assert_int_eq(l.count, 10);
    ck_assert_ptr_nonnull(strstr(l.names, "small.txt:r "));
    ck_assert_ptr_nonnull(strstr(l.names, "folder:d "));
    ck_assert_ptr_nonnull(strstr(l.names, "fifo:o "));
    ck_assert_ptr_nonnull(strstr(l.names, "inside:r "));
    ck_assert_ptr_nonnull(strstr(l.names, "out-relative:o "));
    ck_assert_ptr_nonnull(strstr(l.names, "out-folder:o "));
    ck_assert_ptr_nonnull(strstr(l.names, "loop:o "));
    list_all("folder", &l);
    ck_assert_int_eq(l.count, 2);
    ck_assert_ptr_nonnull(strstr(l.names, "up-but-inside:r "));
    PROVES("W06");
}
END_TEST

static void count_entry(void *cookie, const char *name, const struct file_info *info)
{
    int *seen = cookie;
    unsigned number;

    ck_assert_int_eq(sscanf(name, "%u", &number), 1);
    ck_assert_uint_lt(number, 1000);
    ck_assert_int_eq(info->kind, FILE_REGULAR);
    seen[number]++;
}

START_TEST(list_of_many_names_goes_in_bounded_steps_and_tells_each_once)
{
    static int seen[1000];
    char name[64];
    int step, past = 0;

    ck_assert_int_eq(mkdir(in_top("site/many"), 0755), 0);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "site/many/%d", i);
        write_file(name, "");
    }
    int dir = open_folder("many");
    while ((step = ops.list(ops.context, dir, "many", count_entry, seen)) > 0) {
        ck_assert_int_le(step, 64);
        past += step;
    }
    ops.close(ops.context, dir);
    ck_assert_int_eq(step, 0);
    ck_assert_int_eq(past, 1002);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(seen[i], 1);
}
END_TEST

START_TEST(list_tells_the_longest_name)
{
    struct listing l;
    char name[NAME_MAX + 1], path[NAME_MAX + 32];

    memset(name, 'n', NAME_MAX);
    name[NAME_MAX] = '\0';
    snprintf(path, sizeof path, "site/folder/%s", name);
    int fd = open(in_top(path), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    ck_assert_int_ge(fd, 0);
    close(fd);
    list_all("folder", &l);
    ck_assert_int_eq(l.count, 3);
    ck_assert_ptr_nonnull(strstr(l.names, name));
}
END_TEST

START_TEST(list_of_what_is_no_folder_below_the_root_fails)
{
    struct listing l = {0};
    struct file_info info;

    ck_assert_int_eq(ops.open(ops.context, "..", &info), -EXDEV);
    ck_assert_int_eq(ops.open(ops.context, "out-folder", &info), -EXDEV);
    int file = ops.open(ops.context, "small.txt", &info);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(ops.list(ops.context, file, "small.txt", take_entry, &l), -ENOTDIR);
    ops.close(ops.context, file);
    ck_assert_int_eq(ops.list(ops.context, -1, ".", take_entry, &l), -EBADF);
    ck_assert_int_eq(l.count, 0);
    PROVES("W06");
}
END_TEST

/* --- the root ----------------------------------------------------------------------------- */

START_TEST(a_root_must_be_a_folder)
{
    struct os_files other;

    ck_assert_int_eq(os_files_open(&other, in_top("secret")), -ENOTDIR);
    ck_assert_int_eq(os_files_open(&other, in_top("nothing")), -ENOENT);
    os_files_close(&other);
}
END_TEST

START_TEST(no_descriptor_is_left_open)
{
    struct file_info info;
    struct listing l;

    int before = dup(0);
    close(before);
    for (size_t i = 0; i < ARRAY_LEN(outside); i++) {
        int file = ops.open(ops.context, outside[i].path, &info);
        if (file >= 0)
            ops.close(ops.context, file);
    }
    ck_assert_int_eq(ops.open(ops.context, "fifo", &info), -EACCES);
    list_all(".", &l);
    int after = dup(0);
    close(after);
    ck_assert_int_eq(after, before);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("os_files");
    TCase *c = tcase_create("beneath the root");
    tcase_add_checked_fixture(c, given_a_site, remove_site);
    tcase_add_loop_test(c, open_never_leaves_the_root, 0, ARRAY_LEN(outside));
    tcase_add_test(c, open_refuses_magic_links_that_point_back_inside);
    tcase_add_test(c, open_of_a_fifo_returns_at_once_and_refuses);
    tcase_add_test(c, open_of_a_device_refuses);
    tcase_add_test(c, open_of_a_folder_tells_that_it_is_one);
    tcase_add_test(c, open_of_an_unreadable_file_is_refused);
    tcase_add_test(c, read_gives_octets_at_any_offset_and_zero_at_the_end);
    tcase_add_test(c, an_empty_file_has_no_octets);
    tcase_add_test(c, a_file_above_4_GiB_is_read_exactly);
    tcase_add_test(c, a_file_that_shrinks_gives_a_short_count);
    tcase_add_test(c, list_names_everything_and_follows_links_only_inside);
    tcase_add_test(c, list_of_many_names_goes_in_bounded_steps_and_tells_each_once);
    tcase_add_test(c, list_tells_the_longest_name);
    tcase_add_test(c, list_of_what_is_no_folder_below_the_root_fails);
    tcase_add_test(c, a_root_must_be_a_folder);
    tcase_add_test(c, no_descriptor_is_left_open);
    suite_add_tcase(s, c);
    return run_suite(s, "os_files");
}
