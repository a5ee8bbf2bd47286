/*
 * test_os_log.c - lines on their way to files, FIFOs and standard output: when they leave, what is
 * lost, and that nothing is ever waited for.
 *
 * Real descriptors in a folder of their own; the clock is wound by hand. Lines are numbered, so
 * that a reader sees what is missing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/os_log.h"
#include "os/os_signals.h"
#include "support/proves.h"

enum { LINE = 100 };

static char folder[64], path[128], other[128];
static struct os_log os_log;
static instant now;
static int written; /* lines that were offered */
static char got[1 << 20];
static size_t got_len;

static void setup(void)
{
    snprintf(folder, sizeof folder, "/tmp/tapio-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/log", folder);
    snprintf(other, sizeof other, "%s/other", folder);
    now = (instant){1000000 * NS_PER_S};
    written = 0;
    got_len = 0;
    umask(0);
    os_signals_ignore();
}

static void teardown(void)
{
    unlink(path);
    unlink(other);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* A line of LINE octets with a number; false: it was lost. */
static bool add(void)
{
    char line[LINE + 1];
    struct iovec iov = {line, LINE};

    snprintf(line, sizeof line, "%098d.\n", written++);
    int n = os_log.sink.write(&os_log.sink, &iov, 1);
    ck_assert(n == LINE || n == -ENOBUFS);
    return n == LINE;
}

/* As a turn of the loop at that time after the last one. */
static void turn(int64_t ns)
{
    now = instant_add(now, ns);
    os_log_advance(&os_log, now);
}

static int64_t pause_now(void)
{
    instant due = os_log_deadline(&os_log);
    return instant_is_never(due) ? -1 : instant_since(due, now);
}

static size_t size_of(const char *name)
{
    struct stat st;

    ck_assert_int_eq(stat(name, &st), 0);
    return (size_t)st.st_size;
}

/* Takes what can be read now. */
static void read_all(int fd)
{
    ssize_t n;

    while ((n = read(fd, got + got_len, sizeof got - got_len)) > 0)
        got_len += (size_t)n;
    ck_assert(n == 0 || errno == EAGAIN);
}

static void read_file(const char *name)
{
    int fd = open(name, O_RDONLY);

    got_len = 0;
    ck_assert_int_ge(fd, 0);
    read_all(fd);
    close(fd);
}

/* Whole lines whose numbers grow: how many; `*last` is the last one's. */
static int lines_got(int *last)
{
    int before = -1, count = 0;

    ck_assert_uint_eq(got_len % LINE, 0);
    for (size_t at = 0; at < got_len; at += LINE, count++) {
        ck_assert_mem_eq(got + at + LINE - 2, ".\n", 2);
        int number = atoi(got + at + 80);
        ck_assert_int_gt(number, before);
        before = number;
    }
    *last = before;
    return count;
}

/* A FIFO with a reader that does not read unless told to. */
static int given_a_fifo(void)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    ck_assert_int_ge(reader, 0);
    ck_assert_int_eq(os_log_open(&os_log, path), 0);
    return reader;
}

/* --- when they leave -------------------------------------------------------------------------- */

START_TEST(a_line_leaves_after_the_delay_and_not_before)
{
    ck_assert_int_eq(os_log_open(&os_log, path), 0);
    turn(0);
    ck_assert_int_eq(pause_now(), -1);
    ck_assert(add());
    turn(0);
    ck_assert_int_eq(pause_now(), OS_LOG_DELAY);
    turn(OS_LOG_DELAY / 2);
    ck_assert(add());
    turn(OS_LOG_DELAY / 2 - 1);
    ck_assert_int_eq(pause_now(), 1); /* the first line counts */
    ck_assert_uint_eq(size_of(path), 0);
    turn(1);
    ck_assert_uint_eq(size_of(path), 2 * LINE);
    ck_assert_int_eq(pause_now(), -1);
    ck_assert(add());
    turn(5 * NS_PER_S);
    ck_assert_int_eq(pause_now(), OS_LOG_DELAY);
    os_log_close(&os_log);
    ck_assert_uint_eq(size_of(path), 3 * LINE);
    ck_assert_uint_eq(os_log.lost, 0);
}
END_TEST

START_TEST(lines_leave_at_once_when_half_of_the_room_is_taken)
{
    ck_assert_int_eq(os_log_open(&os_log, path), 0);
    for (int i = 0; i < OS_LOG_ROOM / 2 / LINE; i++)
        ck_assert(add());
    ck_assert_uint_eq(size_of(path), 0);
    ck_assert(add());
    ck_assert_uint_eq(size_of(path), (size_t)written * LINE);
    for (int i = 0; i < 5000; i++)
        ck_assert(add());
    os_log_close(&os_log);
    ck_assert_uint_eq(os_log.lost, 0);
    int last;
    read_file(path);
    ck_assert_int_eq(lines_got(&last), written);
}
END_TEST

/* --- what it opens ---------------------------------------------------------------------------- */

START_TEST(a_file_is_made_for_its_owner_and_group_and_appended_to)
{
    struct stat st;

    ck_assert_int_eq(os_log_open(&os_log, path), 0);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq((int)(st.st_mode & 0777), 0640);
    ck_assert_int_ne(fcntl(os_log.fd, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert(add());
    os_log_close(&os_log);
    ck_assert_int_eq(os_log_open(&os_log, path), 0);
    ck_assert(add());
    int fd = open(path, O_WRONLY | O_APPEND); /* as another program would */
    ck_assert_int_eq((int)write(fd, "x", 1), 1);
    close(fd);
    os_log_close(&os_log);
    read_file(path);
    ck_assert_uint_eq(got_len, 2 * LINE + 1);
    ck_assert_int_eq(got[LINE], 'x');
}
END_TEST

START_TEST(what_cannot_be_opened_says_why)
{
    char deep[160];

    ck_assert_int_eq(os_log_open(&os_log, folder), -EISDIR);
    snprintf(deep, sizeof deep, "%s/none/log", folder);
    ck_assert_int_eq(os_log_open(&os_log, deep), -ENOENT);
}
END_TEST

START_TEST(a_fifo_needs_no_reader_yet)
{
    int last;

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(os_log_open(&os_log, path), 0);
    ck_assert(add());
    turn(0);
    turn(OS_LOG_DELAY);
    ck_assert_int_eq(os_log.error, 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    read_all(reader);
    ck_assert_int_eq(lines_got(&last), 1);
    os_log_close(&os_log);
    close(reader);
}
END_TEST

/* --- readers that are slow -------------------------------------------------------------------- */

START_TEST(a_full_fifo_loses_lines_and_counts_them)
{
    int reader = given_a_fifo(), last, kept = 0;

    for (int i = 0; i < 5000; i++)
        kept += add();
    ck_assert_uint_eq(os_log.lost, (uint64_t)(written - kept));
    ck_assert_int_gt(kept, OS_LOG_ROOM / LINE);
    ck_assert_int_lt(kept, written);
    turn(0);
    for (int i = 0; i < 100 && pause_now() != -1; i++) {
        read_all(reader);
        turn(OS_LOG_DELAY);
    }
    read_all(reader);
    ck_assert_int_eq(lines_got(&last), kept);
    ck_assert(add()); /* there is room again */
    os_log_close(&os_log);
    read_all(reader);
    ck_assert_int_eq(lines_got(&last), kept + 1);
    ck_assert_int_eq(last, written - 1);
    ck_assert_int_eq(os_log.error, 0);
    close(reader);
    PROVES("F06");
}
END_TEST

START_TEST(a_full_fifo_is_tried_less_and_less_often)
{
    static const int64_t pauses_ms[] = {10, 20, 40, 80, 160, 200, 200};
    int reader = given_a_fifo();

    while (add())
        ;
    turn(0);
    for (size_t i = 0; i < ARRAY_LEN(pauses_ms); i++) {
        ck_assert_int_eq(pause_now(), pauses_ms[i] * NS_PER_MS);
        turn(1); /* a busy loop does not try more often */
        ck_assert_int_eq(pause_now(), pauses_ms[i] * NS_PER_MS - 1);
        turn(pauses_ms[i] * NS_PER_MS - 1);
    }
    read_all(reader);
    turn(OS_LOG_DELAY); /* a part of the rest goes, and it is tried soon again */
    while (add())
        ;
    turn(0);
    ck_assert_int_le(pause_now(), 10 * NS_PER_MS);
    close(reader); /* nobody is there at the end: no second is lost */
    os_log_close(&os_log);
    ck_assert_int_eq(os_log.error, -EPIPE);
}
END_TEST

START_TEST(a_descriptor_of_others_is_not_changed_and_never_waited_for)
{
    int fd[2], last;

    ck_assert_int_eq(pipe(fd), 0);
    fcntl(fd[0], F_SETFL, O_NONBLOCK);
    os_log_use(&os_log, fd[1]);
    int kept = 0;
    for (int i = 0; i < 5000; i++)
        kept += add(); /* a write that waited would do so for ever */
    ck_assert_int_eq(fcntl(fd[1], F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_lt(kept, written);
    turn(0);
    for (int i = 0; i < 100 && pause_now() != -1; i++) {
        read_all(fd[0]);
        turn(OS_LOG_DELAY);
    }
    ck_assert_int_eq(os_log_reopen(&os_log), -EBADF);
    os_log_close(&os_log);
    ck_assert_int_ge(fcntl(fd[1], F_GETFD), 0); /* still open */
    read_all(fd[0]);
    ck_assert_int_eq(lines_got(&last), kept);
    ck_assert_uint_eq(os_log.lost, (uint64_t)(written - kept));
    close(fd[0]);
    close(fd[1]);
}
END_TEST

START_TEST(the_end_waits_a_second_and_counts_what_is_left)
{
    int reader = given_a_fifo(), last;

    while (add())
        ;
    os_log_close(&os_log);
    read_all(reader);
    /* the last line may have left in part */
    got_len -= got_len % LINE;
    ck_assert_uint_eq((uint64_t)lines_got(&last) + os_log.lost, (uint64_t)written);
    ck_assert_int_eq(os_log_deadline(&os_log).ns, INT64_MAX);
    close(reader);
}
END_TEST

/* --- trouble ---------------------------------------------------------------------------------- */

START_TEST(a_fifo_whose_reader_has_gone_waits_for_the_next)
{
    int reader = given_a_fifo(), last;

    ck_assert(add());
    close(reader);
    turn(0);
    turn(OS_LOG_DELAY);
    ck_assert_int_eq(os_log.error, -EPIPE);
    ck_assert_int_gt(pause_now(), 0);
    reader = open(path, O_RDONLY | O_NONBLOCK);
    turn(OS_LOG_DELAY);
    read_all(reader);
    ck_assert_int_eq(lines_got(&last), 1);
    os_log_close(&os_log);
    ck_assert_uint_eq(os_log.lost, 0);
    close(reader);
}
END_TEST

START_TEST(a_full_disk_keeps_lines_until_there_is_room)
{
    int last;

    ck_assert_int_eq(symlink("/dev/full", path), 0);
    ck_assert_int_eq(os_log_open(&os_log, path), 0);
    ck_assert(add());
    turn(0);
    turn(OS_LOG_DELAY);
    ck_assert_int_eq(os_log.error, -ENOSPC);
    ck_assert_int_gt(pause_now(), 0);
    while (add())
        ;
    ck_assert_uint_eq(os_log.lost, 1);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(os_log_reopen(&os_log), 0);
    turn(OS_LOG_DELAY);
    turn(OS_LOG_DELAY);
    read_file(path);
    ck_assert_int_eq(lines_got(&last), written - 1);
    os_log_close(&os_log);
    PROVES("F06");
}
END_TEST

START_TEST(a_file_that_was_renamed_is_left_with_its_lines)
{
    int last;

    ck_assert_int_eq(os_log_open(&os_log, path), 0);
    ck_assert(add());
    ck_assert(add());
    ck_assert_int_eq(rename(path, other), 0);
    ck_assert(add());
    ck_assert_int_eq(os_log_reopen(&os_log), 0);
    ck_assert(add());
    os_log_close(&os_log);
    read_file(other);
    ck_assert_int_eq(lines_got(&last), 3);
    read_file(path);
    ck_assert_int_eq(lines_got(&last), 1);
    ck_assert_int_eq(last, 3);
}
END_TEST

START_TEST(a_name_that_cannot_be_opened_anew_leaves_the_old_file)
{
    int last;

    ck_assert_int_eq(os_log_open(&os_log, path), 0);
    ck_assert_int_eq(rename(path, other), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert(add());
    ck_assert_int_eq(os_log_reopen(&os_log), -EISDIR);
    ck_assert(add());
    os_log_close(&os_log);
    read_file(other);
    ck_assert_int_eq(lines_got(&last), 2);
    ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("os_log");
    TCase *c = tcase_create("leaving");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, a_line_leaves_after_the_delay_and_not_before);
    tcase_add_test(c, lines_leave_at_once_when_half_of_the_room_is_taken);
    suite_add_tcase(s, c);
    c = tcase_create("opening");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, a_file_is_made_for_its_owner_and_group_and_appended_to);
    tcase_add_test(c, what_cannot_be_opened_says_why);
    tcase_add_test(c, a_fifo_needs_no_reader_yet);
    suite_add_tcase(s, c);
    c = tcase_create("slow readers");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, a_full_fifo_loses_lines_and_counts_them);
    tcase_add_test(c, a_full_fifo_is_tried_less_and_less_often);
    tcase_add_test(c, a_descriptor_of_others_is_not_changed_and_never_waited_for);
    tcase_add_test(c, the_end_waits_a_second_and_counts_what_is_left);
    suite_add_tcase(s, c);
    c = tcase_create("trouble");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, a_fifo_whose_reader_has_gone_waits_for_the_next);
    tcase_add_test(c, a_full_disk_keeps_lines_until_there_is_room);
    tcase_add_test(c, a_file_that_was_renamed_is_left_with_its_lines);
    tcase_add_test(c, a_name_that_cannot_be_opened_anew_leaves_the_old_file);
    suite_add_tcase(s, c);
    return run_suite(s, "os_log");
}
