/*
 * test_addr.c - addresses: what they are, and how they are written.
 *
 * The C library's inet_pton() and inet_ntop() are the judges where notations are random.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "base/addr.h"
#include "base/prng.h"
#include "support/holds.h"
#include "support/proves.h"

static struct ip_addr ip(const char *text)
{
    struct ip_addr addr;
    ck_assert_msg(ip_addr_parse(text, &addr) == 0, "%s", text);
    return addr;
}

static struct ip_prefix net(const char *text)
{
    struct ip_prefix prefix;
    ck_assert_msg(ip_prefix_parse(text, &prefix) == 0, "%s", text);
    return prefix;
}

/* --- kinds -------------------------------------------------------------------------------- */

enum { V4 = 1, UNSPECIFIED = 2, LOOPBACK = 4, MULTICAST = 8, BROADCAST = 16, CLASS_E = 32 };

static const struct {
    const char *text;
    unsigned is;
} kinds[] = {
    {"0.0.0.0", V4 | UNSPECIFIED},
    {"0.0.0.1", V4},
    {"10.9.0.2", V4},
    {"126.255.255.255", V4},
    {"127.0.0.0", V4 | LOOPBACK},
    {"127.255.255.255", V4 | LOOPBACK},
    {"128.0.0.0", V4},
    {"223.255.255.255", V4},
    {"224.0.0.0", V4 | MULTICAST},
    {"239.255.255.255", V4 | MULTICAST},
    {"240.0.0.0", V4 | CLASS_E},
    {"255.255.255.254", V4 | CLASS_E},
    {"255.255.255.255", V4 | BROADCAST},
    {"::", UNSPECIFIED},
    {"::1", LOOPBACK},
    {"::2", 0},
    {"::fffe:10.0.0.1", 0},
    {"::1:ffff:10.0.0.1", 0},
    {"fe80::1", 0},
    {"feff::", 0},
    {"ff00::", MULTICAST},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", MULTICAST},
};

START_TEST(an_address_has_the_kinds_of_its_range_and_no_others)
{
    struct ip_addr a = ip(kinds[_i].text);
    unsigned is = (ip_is_v4(a) ? V4 : 0u) | (ip_is_unspecified(a) ? UNSPECIFIED : 0u) |
                  (ip_is_loopback(a) ? LOOPBACK : 0u) | (ip_is_multicast(a) ? MULTICAST : 0u) |
                  (ip_is_limited_broadcast(a) ? BROADCAST : 0u) | (ip_is_class_e(a) ? CLASS_E : 0u);
    ck_assert_msg(is == kinds[_i].is, "%s: %#x", kinds[_i].text, is);
}
END_TEST

START_TEST(a_mac_address_says_whether_it_is_a_group)
{
    ck_assert(mac_is_group(MAC_BROADCAST));
    ck_assert(mac_is_group((struct mac_addr){{0x01, 0, 0x5e}}));
    ck_assert(!mac_is_group((struct mac_addr){{0x02, 0xff, 0xff, 0xff, 0xff, 0xff}}));
    ck_assert(mac_is_zero((struct mac_addr){{0}}));
    ck_assert(!mac_is_zero((struct mac_addr){{[5] = 1}}));
}
END_TEST

START_TEST(four_octets_survive_the_mapped_form)
{
    ck_assert_uint_eq(ip_to_v4(ip_from_v4(0x0a090002)), 0x0a090002);
    ck_assert(ip_equal(ip_from_v4(0x0a090002), ip("10.9.0.2")));
    ck_assert(ip_is_v4(ip_from_v4(0)));
    ck_assert(endpoint_equal((struct endpoint){ip("10.9.0.2"), 80},
                             (struct endpoint){ip("::ffff:10.9.0.2"), 80}));
    ck_assert(!endpoint_equal((struct endpoint){ip("10.9.0.2"), 80},
                              (struct endpoint){ip("10.9.0.2"), 81}));
}
END_TEST

/* --- networks ----------------------------------------------------------------------------- */

START_TEST(a_prefix_contains_what_differs_behind_its_bits_only)
{
    bool v4 = _i == 0;
    struct ip_addr base = v4 ? ip("10.9.170.85") : ip("2001:db8:aaaa:5555:1234:5678:9abc:def0");
    unsigned bits = v4 ? 32 : 128;
    unsigned offset = 128 - bits;

    for (unsigned len = 0; len <= bits; len++) {
        struct ip_prefix prefix = {base, (uint8_t)len};
        HOLDS(prefix_contains(prefix, base));
        for (unsigned bit = 0; bit < bits; bit++) {
            struct ip_addr other = base;
            other.octet[(offset + bit) / 8] ^= (uint8_t)(0x80 >> (offset + bit) % 8);
            HOLDS(prefix_contains(prefix, other) == (bit >= len));
        }
    }
}
END_TEST

START_TEST(a_prefix_never_contains_the_other_family)
{
    ck_assert(!prefix_contains(net("::/0"), ip("10.9.0.2")));
    ck_assert(!prefix_contains(net("0.0.0.0/0"), ip("::1")));
    ck_assert(prefix_contains(net("::/0"), ip("::1")));
    ck_assert(prefix_contains(net("0.0.0.0/0"), ip("255.255.255.255")));
}
END_TEST

static const struct {
    const char *net, *addr;
    bool is;
} broadcasts[] = {
    {"10.9.0.2/24", "10.9.0.255", true},    {"10.9.0.2/24", "10.9.0.0", true},
    {"10.9.0.2/24", "10.9.0.254", false},   {"10.9.0.2/24", "10.9.0.1", false},
    {"10.9.0.2/24", "10.9.1.255", false},   {"10.9.0.2/24", "255.255.255.255", false},
    {"10.9.0.2/30", "10.9.0.3", true},      {"10.9.0.2/30", "10.9.0.0", true},
    {"10.9.0.2/30", "10.9.0.1", false},     {"10.9.0.2/31", "10.9.0.3", false},
    {"10.9.0.2/31", "10.9.0.2", false},     {"10.9.0.2/32", "10.9.0.2", false},
    {"10.9.0.2/8", "10.255.255.255", true}, {"10.9.0.2/0", "255.255.255.255", true},
    {"fe80::1/64", "fe80::", false},
};

START_TEST(a_broadcast_has_all_host_bits_alike)
{
    ck_assert_int_eq(prefix_is_broadcast(net(broadcasts[_i].net), ip(broadcasts[_i].addr)),
                     broadcasts[_i].is);
}
END_TEST

/* --- text --------------------------------------------------------------------------------- */

static const struct {
    const char *text, *canonical; /* NULL: not an address */
} texts[] = {
    {"0.0.0.0", "0.0.0.0"},
    {"255.255.255.255", "255.255.255.255"},
    {"10.9.0.2", "10.9.0.2"},
    {"256.0.0.0", NULL},
    {"1.2.3", NULL},
    {"1.2.3.4.", NULL},
    {"1.2.3.4.5", NULL},
    {".1.2.3.4", NULL},
    {"1..2.3", NULL},
    {"01.2.3.4", NULL},
    {"1.2.3.00", NULL},
    {"1.2.3.1000", NULL},
    {" 1.2.3.4", NULL},
    {"1.2.3.4 ", NULL},
    {"+1.2.3.4", NULL},
    {"1.2.3.-4", NULL},
    {"0x1.2.3.4", NULL},
    {"1", NULL},
    {"", NULL},
    {"::", "::"},
    {":", NULL},
    {":::", NULL},
    {"::1", "::1"},
    {"1::", "1::"},
    {"::1::", NULL},
    {"1::2::3", NULL},
    {":1", NULL},
    {"1:", NULL},
    {"1::2:", NULL},
    {":1::2", NULL},
    {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
    {"1:2:3:4:5:6:7:8:9", NULL},
    {"1:2:3:4:5:6:7:8:", NULL},
    {"1:2:3:4:5:6:7", NULL},
    {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
    {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
    {"1:2:3:4::5:6:7:8", NULL},
    {"::1:2:3:4:5:6:7:8", NULL},
    {"1:2:3:4:5:6:7:8::", NULL},
    {"2001:DB8::FF00", "2001:db8::ff00"},
    {"2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"},
    {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
    {"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
    {"0:0:1:0:0:0:0:0", "0:0:1::"},
    {"00001::", NULL},
    {"g::", NULL},
    {"fe80::1%eth0", NULL},
    {"::1.2.3.4", "::102:304"},
    {"::ffff:1.2.3.4", "1.2.3.4"},
    {"::FFFF:0102:0304", "1.2.3.4"},
    {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
    {"1:2:3:4:5:6:7:1.2.3.4", NULL},
    {"1:2:3:4:5::1.2.3.4", "1:2:3:4:5:0:102:304"},
    {"1:2:3:4:5:6::1.2.3.4", NULL},
    {"::1.2.3", NULL},
    {"::1.2.3.4:5", NULL},
    {"::1.2.3.400", NULL},
    {"1.2.3.4::", NULL},
};

START_TEST(an_address_is_read_strictly_and_written_in_one_form)
{
    struct ip_addr addr = {{7}};
    char out[IP_ADDR_TEXT];
    int err = ip_addr_parse(texts[_i].text, &addr);

    if (texts[_i].canonical) {
        ck_assert_msg(err == 0, "%s", texts[_i].text);
        ck_assert_str_eq(ip_addr_format(addr, out), texts[_i].canonical);
    } else {
        ck_assert_msg(err == -EINVAL, "%s: %d", texts[_i].text, err);
        ck_assert_int_eq(addr.octet[0], 7);
    }
}
END_TEST

START_TEST(a_parser_reads_no_further_than_the_terminator)
{
    static const char *const longest[] = {"2001:0db8:0000:0000:0001:0000:255.255.255.255/128",
                                          "255.255.255.255/32", "02:00:5e:10:00:01", "::/0"};
    for (size_t i = 0; i < ARRAY_LEN(longest); i++)
        for (size_t len = 0; len <= strlen(longest[i]); len++) {
            char *exact = calloc(1, len + 1);
            ck_assert_ptr_nonnull(exact);
            memcpy(exact, longest[i], len);
            struct ip_addr addr;
            struct ip_prefix prefix;
            struct mac_addr mac;
            (void)!ip_addr_parse(exact, &addr);
            (void)!ip_prefix_parse(exact, &prefix);
            (void)!mac_addr_parse(exact, &mac);
            free(exact);
        }
}
END_TEST

START_TEST(random_notations_mean_what_the_c_library_says)
{
    static const char alphabet[] = "0012fF9:::...g";
    struct prng prng;
    unsigned accepted = 0;

    prng_seed(&prng, 1);
    for (int round = 0; round < 400000; round++) {
        char text[64];
        size_t len = 0;
        if (round % 2) { /* a valid one, with a few characters changed */
            struct ip_addr seed;
            for (size_t i = 0; i < 16; i++)
                seed.octet[i] = prng_below(&prng, 2) ? (uint8_t)prng_next(&prng) : 0;
            ip_addr_format(prng_below(&prng, 4) ? seed : ip_from_v4((uint32_t)prng_next(&prng)),
                           text);
            len = strlen(text);
            for (uint64_t n = prng_below(&prng, 3); n > 0; n--)
                text[prng_below(&prng, len)] = alphabet[prng_below(&prng, sizeof(alphabet) - 1)];
        } else {
            len = prng_below(&prng, 20);
            for (size_t i = 0; i < len; i++)
                text[i] = alphabet[prng_below(&prng, sizeof(alphabet) - 1)];
            text[len] = '\0';
        }

        struct ip_addr ours, theirs = {{[10] = 0xff, [11] = 0xff}};
        bool they = inet_pton(AF_INET, text, theirs.octet + 12) == 1 ||
                    inet_pton(AF_INET6, text, theirs.octet) == 1;
        bool we = ip_addr_parse(text, &ours) == 0;
        if (we != they || (we && !ip_equal(ours, theirs)))
            ck_abort_msg("%s", text);
        accepted += we;
    }
    ck_assert_uint_gt(accepted, 10000);
}
END_TEST

START_TEST(every_address_is_written_so_that_it_reads_back_the_same)
{
    struct prng prng;

    prng_seed(&prng, 2);
    for (int round = 0; round < 100000; round++) {
        struct ip_addr addr = {{0}}, back;
        char ours[IP_ADDR_TEXT], theirs[INET6_ADDRSTRLEN];
        uint64_t zeros = prng_next(&prng);
        for (size_t i = 0; i < 16; i++)
            if (zeros >> i / 2 & 1)
                addr.octet[i] = (uint8_t)(prng_next(&prng) & (zeros >> 32));
        if (round % 8 == 0)
            addr = ip_from_v4((uint32_t)prng_next(&prng));

        ip_addr_format(addr, ours);
        HOLDS(ip_addr_parse(ours, &back) == 0);
        HOLDS(ip_equal(addr, back));
        if (ip_is_v4(addr)) {
            HOLDS(inet_ntop(AF_INET, addr.octet + 12, theirs, sizeof(theirs)));
            HOLDS(strcmp(ours, theirs) == 0);
        } else {
            HOLDS(inet_ntop(AF_INET6, addr.octet, theirs, sizeof(theirs)));
            if (!strchr(theirs, '.')) /* it writes ::1.2.3.4, which RFC 5952 leaves open */
                HOLDS(strcmp(ours, theirs) == 0);
        }
    }
}
END_TEST

static const struct {
    const char *text, *addr; /* NULL: not a prefix */
    unsigned len;
} prefixes[] = {
    {"10.9.0.2/24", "10.9.0.2", 24},
    {"0.0.0.0/0", "0.0.0.0", 0},
    {"10.9.0.2/32", "10.9.0.2", 32},
    {"10.9.0.2/33", NULL, 0},
    {"10.9.0.2/024", NULL, 0},
    {"10.9.0.2/", NULL, 0},
    {"10.9.0.2", NULL, 0},
    {"10.9.0.2/24/", NULL, 0},
    {"10.9.0.2/-1", NULL, 0},
    {"10.9.0.2/2 ", NULL, 0},
    {"10.9.0.2/4294967320", NULL, 0},
    {"/24", NULL, 0},
    {"fe80::1/64", "fe80::1", 64},
    {"::/0", "::", 0},
    {"::1/128", "::1", 128},
    {"::1/129", NULL, 0},
    {"::ffff:10.9.0.2/24", NULL, 0},
};

START_TEST(a_prefix_is_an_address_and_a_length_that_fits_it)
{
    struct ip_prefix prefix;
    int err = ip_prefix_parse(prefixes[_i].text, &prefix);

    if (!prefixes[_i].addr) {
        ck_assert_msg(err == -EINVAL, "%s: %d", prefixes[_i].text, err);
        return;
    }
    ck_assert_int_eq(err, 0);
    ck_assert(ip_equal(prefix.addr, ip(prefixes[_i].addr)));
    ck_assert_uint_eq(prefix.len, prefixes[_i].len);
}
END_TEST

static const struct {
    const char *text;
    bool good;
} macs[] = {
    {"02:00:5e:10:00:01", true},
    {"00:00:00:00:00:00", true},
    {"FF:ff:Ff:fF:aB:9c", true},
    {"02:00:5e:10:00", false},
    {"02:00:5e:10:00:", false},
    {"02:00:5e:10:00:1", false},
    {"02:00:5e:10:00:01:", false},
    {"02:00:5e:10:00:01:02", false},
    {"2:0:5e:10:0:1", false},
    {"02-00-5e-10-00-01", false},
    {"02005e100001", false},
    {"0g:00:5e:10:00:01", false},
    {"", false},
    {" 02:00:5e:10:00:01", false},
    {"02:00:5e:10:00:01 ", false},
};

START_TEST(a_mac_address_is_six_pairs_of_digits)
{
    struct mac_addr mac;
    char out[MAC_ADDR_TEXT];
    int err = mac_addr_parse(macs[_i].text, &mac);

    ck_assert_msg(err == (macs[_i].good ? 0 : -EINVAL), "%s: %d", macs[_i].text, err);
    if (macs[_i].good) {
        char lower[MAC_ADDR_TEXT];
        for (size_t i = 0; i < sizeof(lower); i++) {
            char c = macs[_i].text[i];
            lower[i] = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
        }
        ck_assert_str_eq(mac_addr_format(mac, out), lower);
    }
}
END_TEST

START_TEST(an_endpoint_puts_brackets_around_ipv6)
{
    char out[ENDPOINT_TEXT];

    ck_assert_str_eq(endpoint_format((struct endpoint){ip("10.9.0.2"), 80}, out), "10.9.0.2:80");
    ck_assert_str_eq(endpoint_format((struct endpoint){ip("fe80::1"), 0}, out), "[fe80::1]:0");
    ck_assert_str_eq(
        endpoint_format((struct endpoint){ip("1111:2222:3333:4444:5555:6666:7777:8888"), 65535},
                        out),
        "[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("addr");

    TCase *kind = tcase_create("kinds");
    tcase_add_loop_test(kind, an_address_has_the_kinds_of_its_range_and_no_others, 0,
                        ARRAY_LEN(kinds));
    tcase_add_test(kind, a_mac_address_says_whether_it_is_a_group);
    tcase_add_test(kind, four_octets_survive_the_mapped_form);
    suite_add_tcase(s, kind);

    TCase *network = tcase_create("networks");
    tcase_add_loop_test(network, a_prefix_contains_what_differs_behind_its_bits_only, 0, 2);
    tcase_add_test(network, a_prefix_never_contains_the_other_family);
    tcase_add_loop_test(network, a_broadcast_has_all_host_bits_alike, 0, ARRAY_LEN(broadcasts));
    suite_add_tcase(s, network);

    TCase *text = tcase_create("RFC 4291, 2.2: text");
    tcase_set_timeout(text, 60);
    tcase_add_loop_test(text, an_address_is_read_strictly_and_written_in_one_form, 0,
                        ARRAY_LEN(texts));
    tcase_add_test(text, a_parser_reads_no_further_than_the_terminator);
    tcase_add_test(text, random_notations_mean_what_the_c_library_says);
    tcase_add_test(text, every_address_is_written_so_that_it_reads_back_the_same);
    tcase_add_loop_test(text, a_prefix_is_an_address_and_a_length_that_fits_it, 0,
                        ARRAY_LEN(prefixes));
    tcase_add_loop_test(text, a_mac_address_is_six_pairs_of_digits, 0, ARRAY_LEN(macs));
    tcase_add_test(text, an_endpoint_puts_brackets_around_ipv6);
    suite_add_tcase(s, text);

    return run_suite(s, "addr");
}
