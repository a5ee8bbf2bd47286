/* test_fields.c - headers as fields, whatever the octets are. */
#include "see/fields.h"

#include "base/prng.h"
#include "support/exact.h"
#include "support/proves.h"
#include "support/wire.h"

static struct dissection d;
static uint8_t frame[WIRE_FRAME_MAX];

static const struct field *find(const char *key)
{
    for (uint32_t i = 0; i < d.field_count; i++) {
        if (strcmp(d.field[i].key, key) == 0)
            return &d.field[i];
    }
    return NULL;
}

static const struct layer *layer(const char *key)
{
    for (uint32_t i = 0; i < d.layer_count; i++) {
        if (strcmp(d.layer[i].key, key) == 0)
            return &d.layer[i];
    }
    return NULL;
}

static bool is_printable(const char *string)
{
    for (; *string; string++) {
        if (*string < 0x20 || *string >= 0x7f)
            return false;
    }
    return true;
}

static bool is_sound(const struct field *f)
{
    const uint8_t *at = d.packet.at;
    bool inside =
        f->raw.len == 0 || (f->raw.at >= at && f->raw.at + f->raw.len <= at + d.packet.len);

    return inside && f->bit + f->bits <= d.packet.len * 8 && f->key && f->name && f->clause &&
           is_printable(f->value) && is_printable(f->meaning);
}

/* What must hold of every dissection. */
static void check_all(void)
{
    uint32_t next = 0;
    bool sound = d.layer_count <= FIELDS_LAYERS && d.field_count <= FIELDS_MAX;

    for (uint32_t i = 0; sound && i < d.layer_count; i++) {
        sound = d.layer[i].first == next && d.layer[i].start + d.layer[i].len <= d.whole;
        next += d.layer[i].count;
    }
    for (uint32_t i = 0; sound && i < d.field_count; i++)
        sound = is_sound(&d.field[i]);
    ck_assert(sound && next == d.field_count); /* once: each assertion costs a system call */
}

static void read_octets(const void *octets, size_t len, size_t whole, enum fields_link link)
{
    fields_read(&d, bytes_of(octets, len), (uint32_t)whole, link);
    check_all();
}

static void read_ip(const void *octets, size_t len)
{
    read_octets(octets, len, len, FIELDS_IP);
}

static size_t segment(const struct wire_tcp *more)
{
    struct wire_tcp tcp = *more;

    tcp.ip_src = 0x0a090001;
    tcp.ip_dst = 0x0a090002;
    tcp.src_port = 40000;
    tcp.dst_port = 80;
    tcp.ttl = 64;
    size_t len = wire_emit(frame, &tcp);
    read_octets(frame, len, len, FIELDS_ETHERNET);
    return len;
}

/* --- what is where ------------------------------------------------------------------------ */

START_TEST(a_segment_is_fields_with_their_places_values_and_clauses)
{
    static const uint8_t mss[] = {2, 4, 5, 0xb4};
    static const struct {
        const char *key;
        uint32_t bit, bits;
        const char *value, *clause;
    } fields[] = {
        {"eth.type", 96, 16, "0x0800 (IPv4)", "RFC 894"},
        {"ip.hdr_len", 116, 4, "5", "RFC 791, 3.1"},
        {"ip.src", 208, 32, "10.9.0.1", "RFC 791, 3.1"},
        {"tcp.dstport", 288, 16, "80 (HTTP)", "RFC 9293, 3.1"},
        {"tcp.seq_raw", 304, 32, "1000", "RFC 9293, 3.1"},
        {"tcp.flags.syn", 382, 1, "set", "RFC 9293, 3.5"},
        {"tcp.flags.fin", 383, 1, "not set", "RFC 9293, 3.6"},
        {"tcp.options.mss_val", 448, 16, "1460", "RFC 9293, 3.7.1"},
    };

    segment(&(struct wire_tcp){.flags = WIRE_SYN, .seq = 1000, .options = bytes_of(mss, 4)});
    ck_assert_uint_eq(d.flaws, 0);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const struct field *f = find(fields[i].key);
        ck_assert_ptr_nonnull(f);
        ck_assert_uint_eq(f->bit, fields[i].bit);
        ck_assert_uint_eq(f->bits, fields[i].bits);
        ck_assert_str_eq(f->value, fields[i].value);
        ck_assert_str_eq(f->clause, fields[i].clause);
    }
    ck_assert_str_eq(find("ip.hdr_len")->meaning,
                     "Length of this header in words of 32 bits: 20 octets.");
    ck_assert_uint_eq(layer("tcp")->start, 34);
    ck_assert_uint_eq(layer("tcp")->len, 24);
    ck_assert(d.seen.tcp && d.seen.seg.options.has_mss);
}
END_TEST

START_TEST(a_link_is_what_the_capture_says)
{
    static const uint8_t null[] = {2, 0, 0, 0, 0x45}, loop[] = {0, 0, 0, 30, 0x60};
    static const uint8_t sll[] = {0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0, 0x45};

    read_octets(null, 5, 5, FIELDS_NULL);
    ck_assert_str_eq(d.layer[1].key, "ip");
    read_octets(loop, 5, 5, FIELDS_LOOP);
    ck_assert_str_eq(d.layer[1].key, "ipv6");
    read_octets(sll, 17, 17, FIELDS_SLL);
    ck_assert_str_eq(d.layer[1].key, "ip");
    read_ip("\x60", 1);
    ck_assert_str_eq(d.layer[0].key, "ipv6");
    read_ip("", 0);
    ck_assert_uint_eq(d.layer_count, 1);
}
END_TEST

/* --- checksums ---------------------------------------------------------------------------- */

START_TEST(a_checksum_is_right_wrong_partial_or_not_to_be_known)
{
    size_t len = segment(&(struct wire_tcp){.flags = WIRE_ACK, .text = bytes_of("abcd", 4)});

    ck_assert_int_eq(find("tcp.checksum")->sum, SUM_RIGHT);
    ck_assert_int_eq(find("ip.checksum")->sum, SUM_RIGHT);
    read_octets(frame, 56, len, FIELDS_ETHERNET); /* the capture has not all of it */
    ck_assert_int_eq(find("tcp.checksum")->sum, SUM_UNKNOWN);
    frame[50] ^= 1;
    read_octets(frame, len, len, FIELDS_ETHERNET);
    ck_assert_int_eq(find("tcp.checksum")->sum, SUM_WRONG);
    ck_assert_ptr_nonnull(strstr(find("tcp.checksum")->meaning, "would be right"));
    frame[50] = 0x14; /* 10.9.0.1, 10.9.0.2, 6 and 24, added up */
    frame[51] = 0x33;
    read_octets(frame, len, len, FIELDS_ETHERNET);
    ck_assert_int_eq(find("tcp.checksum")->sum, SUM_PARTIAL);
    frame[20] = 0x20; /* a first fragment */
    read_octets(frame, len, len, FIELDS_ETHERNET);
    ck_assert_int_eq(find("tcp.checksum")->sum, SUM_UNKNOWN);
    ck_assert_int_eq(find("ip.checksum")->sum, SUM_WRONG);
}
END_TEST

/* --- what is wrong ------------------------------------------------------------------------ */

#define IP4(first, total, flags, protocol)                                                         \
    first "\0" total "\0\0" flags "\x40" protocol "\0\0\x0a\x09\0\x01\x0a\x09\0\x02"
#define TCP(offset) "\0\1\0\2\0\0\0\0\0\0\0\0" offset "\x10\0\0\0\0\0\0"

static const struct {
    const char *octets;
    size_t len;
    const char *says;
} flawed[] = {
#define ROW(octets, says)                                                                          \
    {                                                                                              \
        octets, sizeof(octets) - 1, says                                                           \
    }
    ROW("\x45\0\0", "malformed: it ends within Total Length"),
    ROW(IP4("\x44", "\0\x14", "\0\0", "\6"), "malformed: a header has at least 5 words"),
    ROW(IP4("\x45", "\0\x13", "\0\0", "\6"),
        "malformed: the total length is less than this header"),
    ROW(IP4("\x45", "\0\x15", "\0\0", "\6"),
        "malformed: the total length says more than the frame has"),
    ROW(IP4("\x55", "\0\x14", "\0\0", "\6"), "malformed: the version is not 4"),
    ROW(IP4("\x46", "\0\x18", "\0\0", "\x11") "\x07\x01\0\0",
        "malformed: the option goes on behind the header"),
    ROW(IP4("\x46", "\0\x18", "\0\0", "\x11") "\x44\x05\0\0",
        "malformed: the option goes on behind the header"),
    ROW(IP4("\x45", "\0\x28", "\0\0", "\6") TCP("\x40"),
        "malformed: a header has at least 5 words"),
    ROW(IP4("\x45", "\0\x28", "\0\0", "\6") TCP("\x60"),
        "malformed: the header goes on behind the segment"),
    ROW(IP4("\x45", "\0\x2c", "\0\0", "\6") TCP("\x60") "\x02\x03\x05\0",
        "malformed: an MSS option has 4 octets"),
    ROW(IP4("\x45", "\0\x2c", "\0\0", "\6") TCP("\x60") "\x02\x01\x05\xb4",
        "malformed: an option has at least 2 octets"),
    ROW(IP4("\x45", "\0\x2c", "\0\0", "\6") TCP("\x60") "\x01\x02\x04\x05",
        "malformed: the option goes on behind the header"),
    ROW(IP4("\x45", "\0\x2c", "\0\0", "\6") TCP("\x60") "\0\1\0\0",
        "malformed: octets behind the end of the options"),
    ROW(IP4("\x45", "\0\x1c", "\0\0", "\x11") "\0\1\0\2\0\7\0\0",
        "malformed: a datagram has at least 8 octets"),
    ROW(IP4("\x45", "\0\x1c", "\0\0", "\x11") "\0\1\0\2\0\x09\0\0",
        "malformed: the length says more than the packet has"),
    ROW(IP4("\x45", "\0\x17", "\0\0", "\1") "\x08\0\0", "malformed: it ends within Checksum"),
#undef ROW
};

START_TEST(checksums_may_cover_any_length_and_any_pair_of_addresses)
{
    static uint8_t big[80000] = {0x45, [8] = 64, 6, [12] = 10, 9, 0, 1, 10, 9, 0, 2, [32] = 0x50};
    static uint8_t mixed[60] = {0x60, [5] = 20, 6, 64,   [18] = 0xff, 0xff,     10,
                                9,    0,        1, 0xfe, 0x80,        [39] = 1, [52] = 0x50};

    read_ip(big, sizeof big); /* its total length is 0, as a device that cuts big packets has it */
    ck_assert_int_eq(find("tcp.checksum")->sum, SUM_WRONG);
    read_ip(mixed, sizeof mixed); /* from ::ffff:10.9.0.1 to fe80::1 */
    ck_assert_int_eq(find("tcp.checksum")->sum, SUM_WRONG);
}
END_TEST

START_TEST(what_is_wrong_is_said_where_it_is)
{
    const char *found = NULL;

    read_ip(flawed[_i].octets, flawed[_i].len);
    ck_assert_uint_gt(d.flaws, 0);
    for (uint32_t i = 0; i < d.field_count; i++) {
        if (d.field[i].kind == FIELD_FLAW && strcmp(d.field[i].value, flawed[_i].says) == 0)
            found = d.field[i].value;
    }
    /* an option of IPv4 that is too short says so in words of its own */
    if (!found && strstr(flawed[_i].says, "behind the header"))
        found = find("malformed")->value;
    ck_assert_msg(found != NULL, "it says: %s", find("malformed")->value);
}
END_TEST

START_TEST(what_the_capture_left_out_is_no_flaw_of_the_packet)
{
    size_t len = segment(&(struct wire_tcp){.flags = WIRE_ACK});

    read_octets(frame, 44, len, FIELDS_ETHERNET);
    ck_assert_uint_eq(d.flaws, 0);
    ck_assert_ptr_nonnull(find("cut"));
    ck_assert_ptr_nonnull(find("tcp.seq_raw"));
    ck_assert_ptr_null(find("tcp.ack_raw"));
}
END_TEST

START_TEST(an_ipv6_address_that_maps_ipv4_is_ipv6)
{
    uint8_t packet[48] = {0x60, 0, 0, 0, 0, 8, 58, 64};

    packet[18] = packet[19] = 0xff; /* ::ffff:0.0.0.0 to :: */
    packet[40] = 128;
    read_ip(packet, sizeof(packet));
    ck_assert_str_eq(find("ipv6.src")->value, "::ffff:0.0.0.0");
    ck_assert_int_eq(find("icmpv6.checksum")->sum, SUM_WRONG);
    ck_assert_uint_eq(find("icmpv6.type")->number, 128);
}
END_TEST

/* --- bounds ------------------------------------------------------------------------------- */

START_TEST(chains_of_headers_end)
{
    static uint8_t chain[40 + 8 * 200];

    chain[0] = 0x60;
    chain[4] = (uint8_t)(8 * 200 >> 8);
    chain[5] = (uint8_t)(8 * 200 & 255);
    chain[6] = 60; /* destination options, each followed by the next */
    for (size_t i = 0; i < 200; i++)
        memcpy(chain + 40 + 8 * i, "\x3c\0\1\4\0\0\0\0", 8);
    read_ip(chain, sizeof(chain));
    ck_assert(d.full);
    ck_assert_uint_eq(d.layer_count, FIELDS_LAYERS);
    memset(chain + 40, 0, sizeof(chain) - 40); /* and one header with nothing but padding */
    chain[41] = 199;
    read_ip(chain, sizeof(chain));
    ck_assert(d.full);
}
END_TEST

START_TEST(no_octet_past_the_end_is_read)
{
    /* each prefix of each packet, in a buffer of exactly its size, as if there were more and not */
    for (size_t len = 0; len <= flawed[_i].len; len++) {
        struct bytes exact = exact_copy(flawed[_i].octets, len);
        for (int link = 0; link <= FIELDS_SLL2; link++) {
            read_octets(exact.at, len, len, (enum fields_link)link);
            read_octets(exact.at, len, flawed[_i].len, (enum fields_link)link);
        }
        exact_free(exact);
    }
}
END_TEST

/* Numbers of protocols that lead on, more often than chance would have it. */
START_TEST(random_octets_are_fields_or_not)
{
    static const uint8_t likes[] = {0x45, 0x60, 0x08, 0x86, 0xdd, 6, 17, 1,
                                    58,   0,    43,   44,   60,   5, 8};
    uint8_t octets[256];
    struct prng prng;

    prng_seed(&prng, 11);
    for (int i = 0; i < 5000; i++) {
        size_t len = (size_t)prng_below(&prng, sizeof(octets) + 1);
        for (size_t k = 0; k < len; k++)
            octets[k] = prng_chance(&prng, UINT32_MAX / 3) ? likes[prng_below(&prng, sizeof(likes))]
                                                           : (uint8_t)prng_next(&prng);
        struct bytes exact = exact_copy(octets, len);
        read_octets(exact.at, len, len + (size_t)prng_below(&prng, 9),
                    (enum fields_link)prng_below(&prng, FIELDS_SLL2 + 1));
        exact_free(exact);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fields");
    TCase *c = tcase_create("headers");
    tcase_add_test(c, a_segment_is_fields_with_their_places_values_and_clauses);
    tcase_add_test(c, a_link_is_what_the_capture_says);
    tcase_add_test(c, a_checksum_is_right_wrong_partial_or_not_to_be_known);
    tcase_add_test(c, checksums_may_cover_any_length_and_any_pair_of_addresses);
    tcase_add_loop_test(c, what_is_wrong_is_said_where_it_is, 0,
                        sizeof(flawed) / sizeof(flawed[0]));
    tcase_add_test(c, what_the_capture_left_out_is_no_flaw_of_the_packet);
    tcase_add_test(c, an_ipv6_address_that_maps_ipv4_is_ipv6);
    tcase_add_test(c, chains_of_headers_end);
    tcase_add_loop_test(c, no_octet_past_the_end_is_read, 0, sizeof(flawed) / sizeof(flawed[0]));
    tcase_add_test(c, random_octets_are_fields_or_not);
    suite_add_tcase(s, c);
    return run_suite(s, "fields");
}
