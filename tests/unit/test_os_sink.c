/*
 * test_os_sink.c - octets out to real files, at once and while the caller goes on.
 */
#include "os/os_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/holds.h"
#include "support/proves.h"

enum { PIECE = 1 << 20, RESERVED = 4 << 20 };

static char path[64];
static int fd;
static struct os_sink sink;
static uint8_t octets[3 * PIECE], got[sizeof octets];

static void setup(void)
{
    snprintf(path, sizeof path, "/tmp/tapio-test-XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (uint8_t)(i * 7 + i / 4096);
    os_sink_init(&sink, fd);
}

static void teardown(void)
{
    close(fd);
    ck_assert_int_eq(unlink(path), 0);
}

static struct stat look(void)
{
    struct stat st;

    ck_assert_int_eq(fstat(fd, &st), 0);
    return st;
}

static int write_piece(size_t at, size_t len)
{
    const struct iovec iov = {octets + at, len};

    return sink.sink.write(&sink.sink, &iov, 1);
}

static void begin(size_t at, size_t len)
{
    ck_assert_int_eq(sink.sink.begin(&sink.sink, bytes_of(octets + at, len)), 0);
}

static int settle(void)
{
    return sink.sink.settle(&sink.sink, true);
}

static void assert_file_has(size_t len)
{
    ck_assert_int_eq(look().st_size, (off_t)len);
    ck_assert_int_eq(pread(fd, got, sizeof got, 0), (ssize_t)len);
    ck_assert(memcmp(got, octets, len) == 0);
}

START_TEST(only_a_file_of_its_own_is_written_later)
{
    int ends[2];
    struct os_sink of_pipe;

    ck_assert(!sink.sink.begin && !sink.sink.settle);
    os_sink_own(&sink);
    ck_assert(sink.sink.begin && sink.sink.settle);
    ck_assert_int_eq(pipe(ends), 0);
    os_sink_init(&of_pipe, ends[1]);
    os_sink_own(&of_pipe);
    ck_assert(!of_pipe.sink.begin && !of_pipe.sink.settle);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(pieces_follow_each_other_whichever_way_they_go)
{
    os_sink_own(&sink);
    begin(0, PIECE);
    ck_assert_int_eq(settle(), PIECE);
    ck_assert_int_eq(write_piece(PIECE, 1000), 1000);
    begin(PIECE + 1000, 5);
    ck_assert_int_eq(settle(), 5);
    assert_file_has(PIECE + 1005);
}
END_TEST

START_TEST(who_does_not_wait_hears_of_it_later)
{
    int taken = -EAGAIN;

    os_sink_own(&sink);
    begin(0, sizeof octets);
    for (int i = 0; i < 10000 && taken == -EAGAIN; i++) {
        taken = sink.sink.settle(&sink.sink, false);
        usleep(100);
    }
    ck_assert_int_eq(taken, sizeof octets);
    assert_file_has(sizeof octets);
}
END_TEST

START_TEST(room_is_taken_ahead_and_given_back)
{
    os_sink_own(&sink);
    begin(0, PIECE);
    ck_assert_int_eq(settle(), PIECE);
    bool can = sink.reserved > 0; /* not every file system */
    ck_assert_int_eq(look().st_size, PIECE);
    if (can)
        ck_assert_int_ge(look().st_blocks * 512, RESERVED);
    os_sink_end(&sink);
    ck_assert_int_lt(look().st_blocks * 512, RESERVED);
    assert_file_has(PIECE);
}
END_TEST

START_TEST(small_files_take_no_room_ahead)
{
    os_sink_own(&sink);
    begin(0, 1000);
    ck_assert_int_eq(settle(), 1000);
    ck_assert_int_eq(sink.reserved, 0);
    ck_assert_int_lt(look().st_blocks * 512, PIECE);
}
END_TEST

/* A limit on the size of files stands for a disk that is full: it takes some octets, and then says
 * why it takes no more. */
START_TEST(a_piece_that_does_not_fit_is_told_with_its_reason)
{
    const size_t fits = 100000;
    struct rlimit before;

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit limit = {fits, before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    os_sink_own(&sink);
    begin(0, 200000);
    int taken = settle();
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    ck_assert_int_eq(taken, (int)fits);
    ck_assert_int_eq(sink.error, -EFBIG);
    assert_file_has(fits);

    os_sink_cut(&sink, 700);
    os_sink_end(&sink);
    assert_file_has(fits - 700);
    PROVES("F06");
}
END_TEST

START_TEST(what_others_wrote_in_front_is_not_cut_off)
{
    ck_assert_int_eq(write(fd, octets, 500), 500);
    ck_assert_int_eq(write_piece(500, 300), 300);
    os_sink_cut(&sink, 100);
    assert_file_has(700);
    ck_assert_int_eq(write_piece(700, 50), 50);
    assert_file_has(750);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("os_sink");
    TCase *c = tcase_create("files");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, only_a_file_of_its_own_is_written_later);
    tcase_add_test(c, pieces_follow_each_other_whichever_way_they_go);
    tcase_add_test(c, who_does_not_wait_hears_of_it_later);
    tcase_add_test(c, room_is_taken_ahead_and_given_back);
    tcase_add_test(c, small_files_take_no_room_ahead);
    tcase_add_test(c, a_piece_that_does_not_fit_is_told_with_its_reason);
    tcase_add_test(c, what_others_wrote_in_front_is_not_cut_off);
    suite_add_tcase(s, c);
    return run_suite(s, "os_sink");
}
