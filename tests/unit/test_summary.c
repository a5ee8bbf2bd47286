/* test_summary.c - packets in one line, whatever their octets are. */
#include "see/summary.h"

#include <stdlib.h>

#include "base/prng.h"
#include "support/proves.h"

enum { ROOM = 256 };

static char buffer[ROOM];

static enum summary_kind summary_of(const void *octets, size_t len, bool ethernet)
{
    struct text t = text_of(buffer, sizeof(buffer));
    enum summary_kind kind = summary_add(&t, bytes_of(octets, len), ethernet);
    ck_assert(!t.cut);
    ck_assert_uint_gt(t.len, 0);
    for (size_t i = 0; i < t.len; i++)
        ck_assert(buffer[i] >= 0x20 && buffer[i] < 0x7f);
    return kind;
}

#define ETHERNET  "\x02\x00\x5e\x10\x00\x01\x02\x00\x5e\x10\x00\x02"
#define ADDRESSES "\x0a\x09\x00\x01\x0a\x09\x00\x02"
#define IPV4(total, fragment, protocol)                                                            \
    ETHERNET "\x08\x00"                                                                            \
             "\x45\x00\x00" total "\x00\x01" fragment "\x40" protocol "\x00\x00" ADDRESSES
#define IPV6(len, next)                                                                            \
    ETHERNET "\x86\xdd"                                                                            \
             "\x60\x00\x00\x00\x00" len next "\x40"                                                \
             "\xfd\x00\x00\x09\0\0\0\0\0\0\0\0\0\0\0\x01"                                          \
             "\xfd\x00\x00\x09\0\0\0\0\0\0\0\0\0\0\0\x02"
#define TCP(offset, flags)                                                                         \
    "\x9c\x40\x00\x50\x00\x00\x03\xe8\x00\x00\x07\xd0" offset flags "\x01\xf4\x00\x00\x00\x00"

static const struct {
    const char *octets;
    size_t len;
    enum summary_kind kind;
    const char *text;
} packets[] = {
#define ROW(octets, kind, text)                                                                    \
    {                                                                                              \
        octets, sizeof(octets) - 1, kind, text                                                     \
    }
    ROW(IPV4("\x28", "\x00\x00", "\x06") TCP("\x50", "\x02"), SUMMARY_TCP,
        "10.9.0.1:40000 > 10.9.0.2:80 [S] seq 1000 win 500 len 0"),
    ROW(IPV4("\x2b", "\x40\x00", "\x06") TCP("\x50", "\x18") "abc", SUMMARY_TCP,
        "10.9.0.1:40000 > 10.9.0.2:80 [P.] seq 1000 ack 2000 win 500 len 3"),
    ROW(IPV4("\x28", "\x00\x00", "\x06") TCP("\x50", "\x3f") "padding", SUMMARY_TCP,
        "10.9.0.1:40000 > 10.9.0.2:80 [SFRPU.] seq 1000 ack 2000 win 500 len 0"),
    ROW(IPV4("\xf8", "\x00\x00", "\x06") TCP("\x50", "\x10"), SUMMARY_TCP,
        "10.9.0.1:40000 > 10.9.0.2:80 [.] seq 1000 ack 2000 win 500 len 208"),
    ROW(IPV4("\x28", "\x00\x00", "\x06") TCP("\x40", "\x10"), SUMMARY_TCP,
        "10.9.0.1 > 10.9.0.2 TCP, malformed"),
    ROW(IPV4("\x28", "\x00\x00", "\x06") TCP("\x60", "\x10") "\x01\x01\x01\x01", SUMMARY_TCP,
        "10.9.0.1 > 10.9.0.2 TCP, malformed"),
    ROW(IPV4("\x28", "\x20\x00", "\x06") TCP("\x50", "\x10"), SUMMARY_TCP,
        "10.9.0.1:40000 > 10.9.0.2:80 [.] seq 1000 ack 2000 win 500 len 0"),
    ROW(IPV4("\x28", "\x00\xb9", "\x06") TCP("\x50", "\x10"), SUMMARY_IP,
        "10.9.0.1 > 10.9.0.2 fragment at 1480 protocol 6 len 20"),
    ROW(IPV4("\x1c", "\x00\x00", "\x11") "\x00\x35\x00\x35\x00\x08\x00\x00", SUMMARY_UDP,
        "10.9.0.1:53 > 10.9.0.2:53 UDP len 0"),
    ROW(IPV4("\x1c", "\x00\xb9", "\x11") "\x00\x35\x00\x35\x00\x08\x00\x00", SUMMARY_IP,
        "10.9.0.1 > 10.9.0.2 fragment at 1480 protocol 17 len 8"),
    ROW(IPV4("\x1b", "\x00\x00", "\x11") "\x00\x35\x00\x35\x00\x08\x00", SUMMARY_UDP,
        "10.9.0.1 > 10.9.0.2 UDP, malformed"),
    ROW(IPV4("\x1c", "\x00\x00", "\x01") "\x08\x00\x00\x00\x12\x34\x00\x07", SUMMARY_ICMP,
        "10.9.0.1 > 10.9.0.2 ICMP echo id 4660 seq 7"),
    ROW(IPV4("\x1c", "\x00\x00", "\x01") "\x00\x00\x00\x00\x12\x34\x00\x07", SUMMARY_ICMP,
        "10.9.0.1 > 10.9.0.2 ICMP echo reply id 4660 seq 7"),
    ROW(IPV4("\x1c", "\x00\x00", "\x01") "\x03\x01\x00\x00\x00\x00\x00\x00", SUMMARY_ICMP,
        "10.9.0.1 > 10.9.0.2 ICMP type 3 code 1"),
    ROW(IPV4("\x1b", "\x00\x00", "\x01") "\x03\x01\x00\x00\x00\x00\x00", SUMMARY_ICMP,
        "10.9.0.1 > 10.9.0.2 ICMP, malformed"),
    ROW(IPV4("\x13", "\x00\x00", "\x06"), SUMMARY_IP, "IP, malformed"),
    ROW(ETHERNET "\x08\x00"
                 "\x65",
        SUMMARY_IP, "IP, malformed"),
    ROW(ETHERNET "\x08\x06"
                 "\x00\x01\x08\x00\x06\x04\x00\x01\x02\x00\x5e\x10\x00\x02\x0a\x09\x00"
                 "\x01\x00\x00\x00\x00\x00\x00\x0a\x09\x00\x02",
        SUMMARY_ARP, "ARP who-has 10.9.0.2 tell 10.9.0.1"),
    ROW(ETHERNET "\x08\x06"
                 "\x00\x01\x08\x00\x06\x04\x00\x02\x02\x00\x5e\x10\x00\x02\x0a\x09\x00"
                 "\x01\x00\x00\x00\x00\x00\x00\x0a\x09\x00\x02",
        SUMMARY_ARP, "ARP 10.9.0.1 is-at 02:00:5e:10:00:02"),
    ROW(ETHERNET "\x08\x06"
                 "\x00\x01\x08\x00\x06\x04\x00\x09\x02\x00\x5e\x10\x00\x02\x0a\x09\x00"
                 "\x01\x00\x00\x00\x00\x00\x00\x0a\x09\x00\x02",
        SUMMARY_ARP, "ARP operation 9"),
    ROW(ETHERNET "\x08\x06"
                 "\x00\x01",
        SUMMARY_ARP, "ARP, malformed"),
    ROW(IPV6("\x15", "\x06") TCP("\x50", "\x02") "a", SUMMARY_TCP,
        "[fd00:9::1]:40000 > [fd00:9::2]:80 [S] seq 1000 win 500 len 1"),
    ROW(IPV6("\x14", "\x06") TCP("\x50", "\xc2"), SUMMARY_TCP,
        "[fd00:9::1]:40000 > [fd00:9::2]:80 [SEW] seq 1000 win 500 len 0"),
    ROW(IPV6("\x08", "\x3a") "\x80\x00\x00\x00\x12\x34\x00\x07", SUMMARY_ICMP,
        "fd00:9::1 > fd00:9::2 ICMPv6 echo id 4660 seq 7"),
    ROW(IPV6("\x08", "\x3a") "\x01\x04\x00\x00\x00\x00\x00\x00", SUMMARY_ICMP,
        "fd00:9::1 > fd00:9::2 ICMPv6 type 1 code 4"),
    ROW(IPV6("\x07", "\x3a") "\x01\x04\x00\x00\x00\x00\x00", SUMMARY_ICMP,
        "fd00:9::1 > fd00:9::2 ICMPv6, malformed"),
    ROW(IPV6("\x08", "\x00") "\x3a\x00\x00\x00\x00\x00\x00\x00", SUMMARY_IP,
        "fd00:9::1 > fd00:9::2 next header 0 len 8"),
    ROW(ETHERNET "\x86\xdd", SUMMARY_IP, "IPv6, malformed"),
    ROW(ETHERNET "\x88\xcc", SUMMARY_OTHER, "02:00:5e:10:00:02 > 02:00:5e:10:00:01 type 0x88cc"),
    ROW("\x02\x00", SUMMARY_OTHER, "a runt of 2 octets"),
    ROW("", SUMMARY_OTHER, "a runt of 0 octets"),
#undef ROW
};

START_TEST(summary_says_what_a_packet_is)
{
    ck_assert_int_eq(summary_of(packets[_i].octets, packets[_i].len, true), packets[_i].kind);
    ck_assert_str_eq(buffer, packets[_i].text);
}
END_TEST

START_TEST(summary_without_ethernet_begins_at_the_ip_header)
{
    const char *octets = IPV4("\x28", "\x00\x00", "\x06") TCP("\x50", "\x02");
    ck_assert_int_eq(summary_of(octets + 14, 40, false), SUMMARY_TCP);
    ck_assert_str_eq(buffer, "10.9.0.1:40000 > 10.9.0.2:80 [S] seq 1000 win 500 len 0");
    ck_assert_int_eq(summary_of("", 0, false), SUMMARY_IP);
    ck_assert_str_eq(buffer, "IP, malformed");
}
END_TEST

START_TEST(summary_reads_no_octet_past_the_end)
{
    /* each prefix of each packet, in a buffer of exactly its size */
    for (size_t len = 0; len <= packets[_i].len; len++) {
        uint8_t *exact = malloc(len ? len : 1);
        ck_assert_ptr_nonnull(exact);
        memcpy(exact, packets[_i].octets, len);
        summary_of(exact, len, true);
        summary_of(exact, len, false);
        free(exact);
    }
}
END_TEST

START_TEST(summary_of_random_octets_is_printable)
{
    struct prng prng;
    uint8_t octets[SUMMARY_HEADERS];

    prng_seed(&prng, 7);
    for (int i = 0; i < 20000; i++) {
        const char *like = packets[prng_below(&prng, ARRAY_LEN(packets))].octets;
        size_t len = (size_t)prng_below(&prng, sizeof(octets) + 1);
        for (size_t k = 0; k < sizeof(octets); k++)
            octets[k] = (uint8_t)prng_next(&prng);
        memcpy(octets, like, size_min(strlen(like), sizeof(octets)));
        memcpy(octets + 12, i & 1 ? "\x08\x00\x45" : "\x08\x06\x00", 3);
        summary_of(octets, len, true);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("summary");
    TCase *c = tcase_create("packets");
    tcase_add_loop_test(c, summary_says_what_a_packet_is, 0, ARRAY_LEN(packets));
    tcase_add_test(c, summary_without_ethernet_begins_at_the_ip_header);
    tcase_add_loop_test(c, summary_reads_no_octet_past_the_end, 0, ARRAY_LEN(packets));
    tcase_add_test(c, summary_of_random_octets_is_printable);
    suite_add_tcase(s, c);
    return run_suite(s, "summary");
}
