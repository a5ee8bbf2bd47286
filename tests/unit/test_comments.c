/* test_comments.c - comments of pcapng, whatever the pieces are in which the file comes. */
#include "see/comments.h"

#include "base/prng.h"
#include "see/pcapng.h"
#include "support/memory_sink.h"
#include "support/proves.h"

static struct memory_sink out;
static struct pcapng p;
static struct comments c;

static const char *const said[] = {"the first", "",
                                   "why=text | A third, of forty octets and more."};

static void given_a_capture(bool ethernet)
{
    const struct pcapng_config config = {.device = "tun0", .ethernet = ethernet};
    static uint8_t octets[61];

    memory_sink_init(&out);
    ck_assert_int_eq(pcapng_open(&p, &out.sink, &config), 0);
    for (size_t i = 0; i < ARRAY_LEN(said); i++) {
        struct iovec iov = {octets, 40 + i};
        struct pcapng_packet packet = {
            .iov = &iov, .iovcnt = 1, .comment = bytes_of(said[i], strlen(said[i]))};
        pcapng_packet(&p, &packet);
    }
    comments_init(&c);
}

static void expect_comments(void)
{
    for (size_t i = 0; i < ARRAY_LEN(said); i++) {
        struct bytes comment = comments_take(&c, i + 1);
        ck_assert(bytes_equal(comment, bytes_of(said[i], strlen(said[i]))));
    }
    ck_assert_uint_eq(comments_take(&c, 4).len, 0);
    ck_assert_uint_eq(c.packets, 3);
}

START_TEST(comments_are_found_in_pieces_of_any_size)
{
    size_t piece = (size_t)_i;

    given_a_capture(true);
    for (size_t at = 0; at < out.len; at += piece)
        comments_feed(&c, out.at + at, size_min(piece, out.len - at));
    expect_comments();
}
END_TEST

START_TEST(the_link_type_raw_is_mended_for_libpcap)
{
    static uint8_t before[4096];
    size_t changed = 0;

    given_a_capture(false);
    ck_assert_uint_lt(out.len, sizeof(before));
    memcpy(before, out.at, out.len);
    for (size_t at = 0; at < out.len; at++)
        comments_feed(&c, out.at + at, 1);
    expect_comments();
    for (size_t i = 0; i < out.len; i++) {
        if (out.at[i] == before[i])
            continue;
        changed++;
        ck_assert_uint_eq(before[i], 101);
        ck_assert_uint_eq(out.at[i], 12);
    }
    ck_assert_uint_eq(changed, 2); /* interfaces */
}
END_TEST

START_TEST(a_section_may_be_little_endian_and_comments_several)
{
    /* clang-format off */
    static uint8_t file[] = {
        0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 28, 0, 0, 0,
        3, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, /* a simple packet, which has no comment */
        6, 0, 0, 0, 56, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 'p', 'k', 't', 0,
        1, 0, 1, 0, 'x', 0, 0, 0, 1, 0, 2, 0, 'y', 'z', 0, 0, 0, 0, 0, 0, 56, 0, 0, 0,
    };
    /* clang-format on */

    comments_init(&c);
    comments_feed(&c, file, sizeof(file));
    ck_assert_uint_eq(comments_take(&c, 1).len, 0);
    ck_assert(bytes_equal(comments_take(&c, 2), bytes_of("x; yz", 5)));
}
END_TEST

START_TEST(a_long_comment_is_cut)
{
    static char text[PCAPNG_STRING_MAX];
    struct iovec iov = {text, 20};

    memset(text, 'x', sizeof(text));
    given_a_capture(true);
    struct pcapng_packet packet = {
        .iov = &iov, .iovcnt = 1, .comment = bytes_of(text, sizeof(text))};
    pcapng_packet(&p, &packet);
    comments_feed(&c, out.at, out.len);
    ck_assert_uint_eq(comments_take(&c, 4).len, COMMENT_MAX);
}
END_TEST

START_TEST(what_is_not_pcapng_has_no_comments)
{
    uint8_t pcap[64] = {0xd4, 0xc3, 0xb2, 0xa1};

    comments_init(&c);
    comments_feed(&c, pcap, sizeof(pcap));
    ck_assert_int_eq(c.phase, COMMENTS_LOST);
}
END_TEST

START_TEST(a_damaged_file_is_read_without_a_mistake_of_ours)
{
    struct prng prng;

    prng_seed(&prng, 5);
    for (int i = 0; i < 2000; i++) {
        given_a_capture(i & 1);
        for (int k = 0; k < 3; k++)
            out.at[prng_below(&prng, out.len)] = (uint8_t)prng_next(&prng);
        comments_feed(&c, out.at, out.len);
        for (uint64_t number = 1; number < 5; number++)
            ck_assert_uint_le(comments_take(&c, number).len, COMMENT_MAX);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("comments");
    TCase *t = tcase_create("pcapng");
    tcase_add_loop_test(t, comments_are_found_in_pieces_of_any_size, 1, 100);
    tcase_add_test(t, the_link_type_raw_is_mended_for_libpcap);
    tcase_add_test(t, a_section_may_be_little_endian_and_comments_several);
    tcase_add_test(t, a_long_comment_is_cut);
    tcase_add_test(t, what_is_not_pcapng_has_no_comments);
    tcase_add_test(t, a_damaged_file_is_read_without_a_mistake_of_ours);
    suite_add_tcase(s, t);
    return run_suite(s, "comments");
}
