/*
 * test_icmp.c - ICMP: messages, what is answered and what never is, quotes, and the rate.
 */
#include "ip/icmp.h"
#include "ip/ipv4.h"
#include "support/exact.h"
#include "support/proves.h"

#define V4(a, b, c, d)                                                                             \
    ip_from_v4((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
#define OURS V4(10, 9, 0, 2)
#define PEER V4(10, 9, 0, 7)

static uint16_t naive_checksum(const uint8_t *octets, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        sum += i % 2 ? octets[i] : (uint32_t)octets[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static struct env env;
static struct memory memory = {.env = &env};
static struct frame_pool frames;

static void given_frames(void)
{
    ck_assert_int_eq(frame_pool_init(&frames, &memory, 1 << 20), 0);
}

static void then_no_frame_is_left(void)
{
    ck_assert_uint_eq(frames.out, 0);
    frame_pool_fini(&frames);
}

static struct ipv4_header packet_of(uint8_t protocol)
{
    return (struct ipv4_header){.src = PEER, .dst = OURS, .protocol = protocol, .ttl = 64};
}

/* --- messages ----------------------------------------------------------------------------- */

/* An echo request of `len` octets in all, with its checksum. */
static void make_echo(uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(i * 7);
    out[0] = ICMP_ECHO;
    out[1] = 0;
    put_be16(out + 2, 0);
    put_be16(out + 2, naive_checksum(out, len));
}

START_TEST(a_message_has_eight_octets_at_least)
{
    for (size_t len = 0; len <= 40; len++) {
        uint8_t octets[40];
        struct icmp_header h;
        struct bytes body;
        if (len >= ICMP_HEADER) {
            make_echo(octets, len);
        } else { /* its checksum is right, too */
            memset(octets, 0, sizeof(octets));
            put_be16(octets + 2, 0xffff);
        }
        struct bytes in = exact_copy(octets, len);
        ck_assert_int_eq(icmp_parse(in, &h, &body), len < ICMP_HEADER ? DROP_ICMP_BAD : DROP_NONE);
        if (len >= ICMP_HEADER) {
            ck_assert_uint_eq(h.type, ICMP_ECHO);
            ck_assert_uint_eq(h.rest, 0x1c232a31);
            ck_assert_uint_eq(body.len, len - ICMP_HEADER);
        }
        exact_free(in);
    }
    PROVES("I01");
}
END_TEST

START_TEST(a_message_with_any_bit_flipped_is_refused)
{
    for (size_t len = 8; len <= 17; len++)
        for (size_t bit = 0; bit < len * 8; bit++) {
            uint8_t octets[17];
            struct icmp_header h;
            struct bytes body;
            make_echo(octets, len);
            octets[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
            ck_assert_int_eq(icmp_parse(bytes_of(octets, len), &h, &body), DROP_ICMP_BAD);
        }
    PROVES("I01", "RFC792-Echo-b");
}
END_TEST

START_TEST(a_message_that_we_write_has_a_right_checksum_and_reads_back)
{
    for (size_t len = 0; len <= 33; len++) {
        uint8_t data[33], out[41];
        struct icmp_header in = {.type = 3, .code = (uint8_t)len, .rest = 0xfedcba98}, h;
        struct bytes body;
        struct writer w = writer_of(out, ICMP_HEADER + len);

        memset(data, 0xd5, sizeof(data));
        icmp_emit(&w, &in, bytes_of(data, len));
        ck_assert_uint_eq(w.left, 0);
        ck_assert_uint_eq(naive_checksum(out, ICMP_HEADER + len), 0);
        ck_assert_int_eq(icmp_parse(bytes_of(out, ICMP_HEADER + len), &h, &body), DROP_NONE);
        ck_assert(h.type == in.type && h.code == in.code && h.rest == in.rest);
        ck_assert(bytes_equal(body, bytes_of(data, len)));
    }
    PROVES("RFC792-Echo-b");
}
END_TEST

/* --- RFC 1122, 3.2.2: what a host does with each type ------------------------------------- */

START_TEST(each_type_is_known_ignored_or_bad)
{
    static const uint8_t ignored[] = {4, 5, 9, 10, 13, 14, 15, 16, 17, 18};

    for (unsigned type = 0; type < 256; type++) {
        struct icmp_header h = {.type = (uint8_t)type};
        enum icmp_kind kind, ignored_kind;
        enum drop drop = icmp_classify(&h, false, &kind);
        enum drop to_many = icmp_classify(&h, true, &ignored_kind);

        if (type == 0 || type == 3 || type == 8 || type == 11 || type == 12) {
            ck_assert_int_eq(drop, DROP_NONE);
            ck_assert_int_eq(kind, type == 0   ? ICMP_KIND_ECHO_REPLY
                                   : type == 8 ? ICMP_KIND_ECHO
                                               : ICMP_KIND_ERROR);
            ck_assert_int_eq(to_many, DROP_ICMP_BROADCAST);
            continue;
        }
        bool is_ignored = memchr(ignored, (int)type, sizeof(ignored));
        ck_assert_int_eq(drop, is_ignored ? DROP_ICMP_IGNORED : DROP_ICMP_BAD);
        ck_assert_int_eq(to_many, drop);
    }
    PROVES("I01", "I02", "I09", "RFC1122-3.2.2-a", "RFC1122-3.2.2.6-a", "RFC6633-5-a",
           "RFC1122-3.2.2.7-a", "RFC1122-3.2.2.8-a", "RFC1122-3.2.2.9-a");
}
END_TEST

/* --- RFC 1122, 3.2.2: what is never answered by an error ---------------------------------- */

START_TEST(an_error_is_sent_about_an_ordinary_packet)
{
    for (unsigned protocol = 0; protocol < 256; protocol++) {
        struct ipv4_header h = packet_of((uint8_t)protocol);
        if (protocol != IP_PROTOCOL_ICMP)
            ck_assert(icmp_may_answer(&h, false, false, bytes_of(NULL, 0)));
    }
    struct ipv4_header first_fragment = packet_of(17);
    first_fragment.more_fragments = true;
    ck_assert(icmp_may_answer(&first_fragment, false, false, bytes_of(NULL, 0)));
}
END_TEST

START_TEST(no_error_is_sent_about_an_error_or_what_may_be_one)
{
    struct ipv4_header h = packet_of(IP_PROTOCOL_ICMP);

    for (unsigned type = 0; type < 256; type++) {
        uint8_t octets[8] = {(uint8_t)type};
        bool is_query = type == 8 || type == 13 || type == 15 || type == 17;
        ck_assert_int_eq(icmp_may_answer(&h, false, false, bytes_of(octets, 8)), is_query);
    }
    struct bytes empty = exact_copy("", 0);
    ck_assert(!icmp_may_answer(&h, false, false, empty));
    exact_free(empty);
    PROVES("I10", "RFC1122-3.2.2-b");
}
END_TEST

START_TEST(no_error_is_sent_about_a_broadcast_a_group_or_a_later_fragment)
{
    struct ipv4_header h = packet_of(17);

    ck_assert(!icmp_may_answer(&h, false, true, bytes_of(NULL, 0)));
    ck_assert(!icmp_may_answer(&h, true, false, bytes_of(NULL, 0)));
    ck_assert(!icmp_may_answer(&h, true, true, bytes_of(NULL, 0)));
    h.dst = V4(224, 0, 0, 1);
    ck_assert(!icmp_may_answer(&h, false, false, bytes_of(NULL, 0)));
    h = packet_of(17);
    h.fragment_offset = 8;
    ck_assert(!icmp_may_answer(&h, false, false, bytes_of(NULL, 0)));
    PROVES("I10", "RFC1122-3.2.2-c", "RFC1122-3.2.2-d", "RFC1122-3.2.2-e");
}
END_TEST

static const struct {
    uint8_t src[4];
    bool may;
} askers[] = {
    {{10, 9, 0, 7}, true},    {{0, 0, 0, 0}, false},   {{0, 255, 255, 255}, false},
    {{1, 0, 0, 0}, true},     {{127, 0, 0, 1}, false}, {{223, 255, 255, 255}, true},
    {{224, 0, 0, 1}, false},  {{240, 0, 0, 1}, false}, {{255, 255, 255, 255}, false},
    {{10, 9, 0, 255}, false}, {{10, 9, 0, 0}, false},  {{10, 9, 0, 2}, false},
};

/* What the stack does: a packet must be accepted before an error about it is thought of. */
START_TEST(no_error_is_sent_to_an_address_that_is_not_a_single_host)
{
    static const struct ip_prefix ours = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 9, 0, 2}},
                                          24};
    static const struct ip_config config = {.addrs = &ours, .addr_count = 1};
    const uint8_t *src = askers[_i].src;
    struct ipv4_header h = packet_of(17);
    bool broadcast;

    h.src = V4(src[0], src[1], src[2], src[3]);
    bool may = !ipv4_accept(&config, &h, false, &broadcast) &&
               icmp_may_answer(&h, false, broadcast, bytes_of(NULL, 0));
    ck_assert_int_eq(may, askers[_i].may);
    PROVES("I10", "RFC1122-3.2.2-f");
}
END_TEST

START_TEST(no_error_is_sent_about_a_packet_with_options)
{
    static const uint8_t nops[4] = {1, 1, 1, 1};
    struct ipv4_header h = packet_of(17);

    h.options = bytes_of(nops, 4);
    ck_assert(!icmp_may_answer(&h, false, false, bytes_of(NULL, 0)));
    ck_assert_ptr_null(icmp_unreachable(&frames, bytes_of(nops, 4), &h, OURS, 3, 64, 1500));
    PROVES("P03");
}
END_TEST

/* --- echo --------------------------------------------------------------------------------- */

/* Takes one of our packets apart with our own parser, which other tests hold against octets made
 * by hand, and checks what is the same in all. */
static struct bytes open_packet(const struct frame *frame, struct ipv4_header *ip,
                                struct icmp_header *h)
{
    struct bytes payload, body;

    ck_assert_ptr_nonnull(frame);
    ck_assert_ptr_eq(frame->data, frame->buffer + FRAME_HEADROOM);
    ck_assert_int_eq(ipv4_parse(frame_bytes(frame), ip, &payload), DROP_NONE);
    ck_assert_uint_eq(payload.len + IPV4_HEADER_MIN, frame->len);
    ck_assert_uint_eq(ip->protocol, IP_PROTOCOL_ICMP);
    ck_assert(ip->dont_fragment && ip->id == 0 && ip->options.len == 0);
    ck_assert_int_eq(icmp_parse(payload, h, &body), DROP_NONE);
    return body;
}

static const size_t echo_lens[] = {0, 1, 8, 55, 56, 1472, 1473, 8000, 65507};

START_TEST(an_echo_returns_its_data_to_its_sender_from_the_address_asked)
{
    size_t len = echo_lens[_i];
    uint8_t *octets = malloc(len + 1);
    struct ipv4_header request = packet_of(IP_PROTOCOL_ICMP), ip;
    struct icmp_header h = {.type = ICMP_ECHO, .code = 0, .rest = 0x1234fffe}, reply;

    ck_assert_ptr_nonnull(octets);
    for (size_t i = 0; i < len; i++)
        octets[i] = (uint8_t)(i ^ i >> 8);
    request.dst = V4(192, 0, 2, (uint8_t)(_i + 1)); /* we may have many addresses */
    struct frame *frame = icmp_echo_reply(&frames, &request, &h, bytes_of(octets, len), 64);
    struct bytes body = open_packet(frame, &ip, &reply);
    ck_assert(ip_equal(ip.src, request.dst) && ip_equal(ip.dst, request.src));
    ck_assert_uint_eq(ip.ttl, 64);
    ck_assert_uint_eq(reply.type, ICMP_ECHO_REPLY);
    ck_assert_uint_eq(reply.code, 0);
    ck_assert_uint_eq(reply.rest, 0x1234fffe);
    ck_assert(bytes_equal(body, bytes_of(octets, len)));
    ck_assert_uint_eq(naive_checksum(frame->data, 20), 0);
    ck_assert_uint_eq(naive_checksum(frame->data + 20, frame->len - 20), 0);
    frame_put(frame);
    free(octets);
    PROVES("RFC792-Echo-a", "RFC792-Echo-b", "RFC1122-3.2.2.6-b", "RFC6864-4.1-b");
}
END_TEST

START_TEST(an_echo_keeps_the_type_of_service_but_not_the_ecn_bits_or_options)
{
    static const uint8_t route[8] = {7, 7, 4, 10, 9, 0, 7, 0};
    struct ipv4_header request = packet_of(IP_PROTOCOL_ICMP), ip;
    struct icmp_header h = {.type = ICMP_ECHO}, reply;

    request.options = bytes_of(route, sizeof(route));
    for (unsigned tos = 0; tos < 256; tos++) {
        request.tos = (uint8_t)tos;
        struct frame *frame = icmp_echo_reply(&frames, &request, &h, bytes_of("x", 1), 1);
        open_packet(frame, &ip, &reply);
        ck_assert_uint_eq(ip.tos, tos & 0xfc);
        ck_assert_uint_eq(frame->len, 29);
        frame_put(frame);
    }
    PROVES("P03");
}
END_TEST

START_TEST(without_a_frame_there_is_no_answer)
{
    struct ipv4_header request = packet_of(IP_PROTOCOL_ICMP);
    struct icmp_header h = {.type = ICMP_ECHO};
    struct frame *taken[3000];
    size_t count = 0;

    while (count < ARRAY_LEN(taken) && (taken[count] = frame_get(&frames, 100)))
        count++;
    ck_assert_uint_lt(count, ARRAY_LEN(taken));
    ck_assert_ptr_null(icmp_echo_reply(&frames, &request, &h, bytes_of("x", 1), 64));
    while (count > 0)
        frame_put(taken[--count]);
}
END_TEST

/* --- unreachable -------------------------------------------------------------------------- */

/* A packet from the peer to us with this payload length, and padding. */
static struct bytes make_packet(uint8_t *out, uint8_t protocol, size_t len, size_t padding)
{
    struct ipv4_header h = packet_of(protocol);
    struct writer w = writer_of(out, IPV4_HEADER_MIN);

    ipv4_emit(&w, &h, len);
    for (size_t i = 0; i < len; i++)
        out[IPV4_HEADER_MIN + i] = (uint8_t)(i * 3 + 1);
    memset(out + IPV4_HEADER_MIN + len, 0x5a, padding);
    return bytes_of(out, IPV4_HEADER_MIN + len + padding);
}

static const struct {
    size_t payload_len, padding, quoted;
} offenders[] = {
    {0, 26, 20},   {8, 18, 28},    {9, 0, 29},    {100, 0, 120},  {527, 0, 547},
    {528, 0, 548}, {528, 30, 548}, {529, 0, 548}, {1480, 0, 548}, {60000, 0, 548},
};

START_TEST(an_error_quotes_the_packet_as_it_came_and_fits_into_576_octets)
{
    uint8_t *octets = malloc(65535);
    struct ipv4_header its, ip;
    struct icmp_header h;
    struct bytes payload;

    ck_assert_ptr_nonnull(octets);
    struct bytes packet = make_packet(octets, 17, offenders[_i].payload_len, offenders[_i].padding);
    ck_assert_int_eq(ipv4_parse(packet, &its, &payload), DROP_NONE);
    struct frame *frame =
        icmp_unreachable(&frames, packet, &its, OURS, ICMP_UNREACHABLE_PORT, 64, 1500);
    struct bytes quote = open_packet(frame, &ip, &h);
    ck_assert(ip_equal(ip.src, OURS) && ip_equal(ip.dst, PEER));
    ck_assert_uint_eq(ip.tos, 0);
    ck_assert_uint_eq(h.type, 3);
    ck_assert_uint_eq(h.code, 3);
    ck_assert_uint_eq(h.rest, 0);
    ck_assert_uint_eq(quote.len, offenders[_i].quoted);
    ck_assert_mem_eq(quote.at, packet.at, quote.len);
    ck_assert_uint_le(frame->len, 576);
    frame_put(frame);
    free(octets);
    PROVES("RFC792-DestUnreach-a", "I11");
}
END_TEST

static const struct {
    uint32_t mtu;
    size_t quoted;
} small_links[] = {{68, 40}, {69, 41}, {95, 67}, {575, 547}, {576, 548}, {577, 548}};

START_TEST(an_error_fits_the_link_that_it_leaves_by)
{
    uint8_t octets[1024];
    struct ipv4_header its, ip;
    struct icmp_header h;
    struct bytes payload;

    struct bytes packet = make_packet(octets, 17, 900, 0);
    ck_assert_int_eq(ipv4_parse(packet, &its, &payload), DROP_NONE);
    struct frame *frame = icmp_unreachable(&frames, packet, &its, OURS, ICMP_UNREACHABLE_PORT, 64,
                                           small_links[_i].mtu);
    ck_assert_uint_le(frame->len, small_links[_i].mtu);
    struct bytes quote = open_packet(frame, &ip, &h);
    ck_assert_uint_eq(quote.len, small_links[_i].quoted); /* its header and 8 octets at least */
    ck_assert_mem_eq(quote.at, packet.at, quote.len);
    frame_put(frame);
    PROVES("I11");
}
END_TEST

/* IP in IP, twenty deep: we look at the outermost header and say that we do not speak 4. */
START_TEST(tunnels_are_not_opened)
{
    static const uint8_t tunnels[] = {4, 41, 47};
    for (size_t t = 0; t < ARRAY_LEN(tunnels); t++) {
        uint8_t octets[20 * 20 + 8] = {0};
        struct ipv4_header its, ip;
        struct icmp_header h;
        struct bytes payload;

        for (size_t depth = 0; depth < 20; depth++) {
            struct ipv4_header inner = packet_of(tunnels[t]);
            struct writer w = writer_of(octets + depth * 20, 20);
            ipv4_emit(&w, &inner, sizeof(octets) - (depth + 1) * 20);
        }
        struct bytes packet = bytes_of(octets, sizeof(octets));
        ck_assert_int_eq(ipv4_parse(packet, &its, &payload), DROP_NONE);
        ck_assert_uint_eq(its.protocol, tunnels[t]);
        ck_assert_uint_eq(payload.len, sizeof(octets) - 20);
        ck_assert(icmp_may_answer(&its, false, false, payload));
        struct frame *frame =
            icmp_unreachable(&frames, packet, &its, OURS, ICMP_UNREACHABLE_PROTOCOL, 64, 1500);
        struct bytes quote = open_packet(frame, &ip, &h);
        ck_assert_uint_eq(h.code, 2);
        ck_assert(bytes_equal(quote, packet));
        frame_put(frame);
    }
    PROVES("P07", "RFC1122-3.2.2.1-a");
}
END_TEST

/* --- quotes ------------------------------------------------------------------------------- */

START_TEST(a_quote_is_read_whole_and_refused_when_cut_anywhere)
{
    uint8_t octets[64];
    make_packet(octets, 6, 44, 0);

    for (size_t len = 0; len <= sizeof(octets); len++) {
        struct ipv4_header inner;
        struct bytes first8 = {0};
        size_t packet_len = 0;
        struct bytes quote = exact_copy(octets, len);
        enum drop drop = icmp_quote_parse(quote, &inner, &packet_len, &first8);
        ck_assert_int_eq(drop, len < 28 ? DROP_ICMP_QUOTE : DROP_NONE);
        if (!drop) {
            ck_assert(bytes_equal(first8, bytes_of(octets + 20, 8)));
            ck_assert(ip_equal(inner.src, PEER) && ip_equal(inner.dst, OURS));
            ck_assert_uint_eq(inner.protocol, 6);
        }
        exact_free(quote);
    }
    PROVES("I04");
}
END_TEST

static const struct {
    size_t at;
    uint8_t value;
    enum drop drop;
} quotes[] = {
    {0, 0x45, DROP_NONE},       {0, 0x44, DROP_ICMP_QUOTE}, /* header too short */
    {0, 0x40, DROP_ICMP_QUOTE}, {0, 0x46, DROP_ICMP_QUOTE}, /* malformed options */
    {0, 0x4f, DROP_ICMP_QUOTE}, {0, 0x55, DROP_ICMP_QUOTE}, /* version */
    {0, 0x65, DROP_ICMP_QUOTE}, {0, 0x05, DROP_ICMP_QUOTE},
    {2, 0xff, DROP_NONE},                                   /* total length: the rest was cut off */
    {10, 0xff, DROP_NONE},                                  /* checksum: routers change it */
    {8, 0, DROP_NONE},                                      /* and the time to live */
    {6, 0x40, DROP_NONE},       {6, 0x20, DROP_ICMP_QUOTE}, /* fragments: TCP makes none */
    {6, 0x01, DROP_ICMP_QUOTE}, {7, 0x01, DROP_ICMP_QUOTE},
};

/* Each oddity at each length, so that no header length reaches past the end. */
START_TEST(a_quote_that_cannot_be_of_our_packet_is_refused)
{
    uint8_t octets[100];
    make_packet(octets, 6, 80, 0);
    octets[quotes[_i].at] = quotes[_i].value;

    for (size_t len = 0; len <= sizeof(octets); len++) {
        struct ipv4_header inner;
        struct bytes first8;
        size_t packet_len;
        struct bytes quote = exact_copy(octets, len);
        ck_assert_int_eq(icmp_quote_parse(quote, &inner, &packet_len, &first8),
                         len < 28 ? DROP_ICMP_QUOTE : quotes[_i].drop);
        exact_free(quote);
    }
    PROVES("I04");
}
END_TEST

/* Octets 20 to 27 are the options. */
static const struct {
    uint8_t options[8];
    enum drop drop;
} quoted_options[] = {
    {{1, 1, 1, 1, 1, 1, 1, 0}, DROP_NONE},       {{7, 7, 8, 10, 9, 0, 2, 0}, DROP_NONE},
    {{148, 4, 0, 0, 0, 0, 0, 0}, DROP_NONE},     {{7, 9, 4, 0, 0, 0, 0, 0}, DROP_ICMP_QUOTE},
    {{7, 0, 4, 0, 0, 0, 0, 0}, DROP_ICMP_QUOTE}, {{131, 7, 4, 10, 9, 0, 1, 0}, DROP_ICMP_QUOTE},
};

START_TEST(a_quote_with_options_is_read_behind_them_if_they_can_be_ours)
{
    uint8_t octets[100];
    struct ipv4_header inner;
    struct bytes first8;
    size_t packet_len;

    make_packet(octets, 17, 80, 0);
    octets[0] = 0x47;
    memcpy(octets + 20, quoted_options[_i].options, 8);
    for (size_t len = 0; len <= sizeof octets; len++) {
        struct bytes quote = exact_copy(octets, len);
        enum drop drop = icmp_quote_parse(quote, &inner, &packet_len, &first8);
        ck_assert_int_eq(drop, len < 36 ? DROP_ICMP_QUOTE : quoted_options[_i].drop);
        if (!drop)
            ck_assert(bytes_equal(first8, bytes_of(octets + 28, 8)));
        exact_free(quote);
    }
    PROVES("I04");
}
END_TEST

/* Octet 6 has the flags; only UDP and ICMP of ours are cut, and an error is about the first piece.
 */
static const struct {
    uint8_t protocol, flags, offset;
    enum drop drop;
} pieces[] = {
    {17, 0x20, 0, DROP_NONE},       {1, 0x20, 0, DROP_NONE},        {6, 0x20, 0, DROP_ICMP_QUOTE},
    {17, 0x60, 0, DROP_ICMP_QUOTE}, {17, 0x20, 1, DROP_ICMP_QUOTE}, {17, 0x00, 1, DROP_ICMP_QUOTE},
};

START_TEST(a_quote_of_the_first_fragment_is_read)
{
    uint8_t octets[100];
    struct ipv4_header inner;
    struct bytes first8;
    size_t packet_len;

    make_packet(octets, pieces[_i].protocol, 80, 0);
    octets[6] = pieces[_i].flags;
    octets[7] = pieces[_i].offset;
    ck_assert_int_eq(
        icmp_quote_parse(bytes_of(octets, sizeof octets), &inner, &packet_len, &first8),
        pieces[_i].drop);
    PROVES("I04");
}
END_TEST

/* --- the rate ----------------------------------------------------------------------------- */

static struct stack_values values;
static struct icmp_limiter limiter;
static const struct hash_key key = {3, 4};

static void given_a_limiter(int64_t rate, int64_t burst, int64_t peer_rate, int64_t peer_burst)
{
    values_default(&values);
    values.icmp_rate = rate;
    values.icmp_burst = burst;
    values.icmp_peer_rate = peer_rate;
    values.icmp_peer_burst = peer_burst;
    icmp_limiter_init(&limiter, &values, key, (instant){0});
}

/* How many of `count` messages leave to one destination, or each to another, at `at`. */
static int let_out(int count, bool to_one, instant at)
{
    int sent = 0;
    for (int i = 0; i < count; i++)
        sent += icmp_allow(&limiter, to_one ? PEER : V4(10, 9, i >> 8, i & 255), at);
    return sent;
}

START_TEST(one_destination_gets_its_burst_and_then_its_rate)
{
    given_a_limiter(1000, 50, 100, 20);
    ck_assert_int_eq(let_out(1000, true, (instant){0}), 20);
    ck_assert_int_eq(let_out(10, true, (instant){NS_PER_S / 100 - 1}), 0);
    ck_assert_int_eq(let_out(10, true, (instant){NS_PER_S / 100}), 1);

    int sent = 0;
    for (int ms = 1000; ms < 11000; ms++)
        sent += let_out(10, true, (instant){ms * NS_PER_MS});
    ck_assert_int_ge(sent, 1000);
    ck_assert_int_le(sent, 1000 + 20);
    PROVES("RFC1812-4.3.2.8-a", "I11");
}
END_TEST

START_TEST(all_destinations_share_a_burst_and_a_rate)
{
    int sent = 0;

    given_a_limiter(1000, 50, 100, 20);
    int first = let_out(10000, false, (instant){0});
    ck_assert_int_ge(first, 50 * 3 / 4);
    ck_assert_int_le(first, 50);
    for (int ms = 1000; ms < 11000; ms++)
        sent += let_out(100, false, (instant){ms * NS_PER_MS});
    ck_assert_int_ge(sent, 9900); /* a flood from everywhere gets the rate and no more */
    ck_assert_int_le(sent, 10000 + 50);
    PROVES("RFC1812-4.3.2.8-a", "I11");
}
END_TEST

/* What a stranger could use to see whom else we answer: forged questions from one address cannot
 * empty the bucket of all, and its level cannot be read to the message. */
START_TEST(one_destination_cannot_drain_what_all_share)
{
    given_a_limiter(1000, 50, 100, 20);
    ck_assert_int_eq(let_out(100000, true, (instant){0}), 20);
    ck_assert(icmp_allow(&limiter, V4(192, 0, 2, 1), (instant){0}));

    int seen[51] = {0}, different = 0;
    for (uint64_t run = 0; run < 200; run++) {
        struct hash_key other = {run, 77};
        given_a_limiter(1000, 50, 1000000, 10000);
        icmp_limiter_init(&limiter, &values, other, (instant){0});
        int sent = 0;
        while (icmp_allow(&limiter, PEER, (instant){0})) /* until the first refusal */
            sent++;
        ck_assert_int_le(sent, 50);
        different += seen[sent]++ == 0;
    }
    ck_assert_int_ge(different, 5);
    PROVES("I11");
}
END_TEST

START_TEST(a_rate_of_zero_lets_nothing_out_and_a_burst_of_one_just_one)
{
    given_a_limiter(0, 50, 100, 20);
    ck_assert_int_eq(let_out(100, false, (instant){NS_PER_S}), 0);
    given_a_limiter(1000, 50, 0, 20);
    ck_assert_int_eq(let_out(100, false, (instant){NS_PER_S}), 0);
    given_a_limiter(1, 1, 1000000, 10000);
    ck_assert_int_eq(let_out(100, false, (instant){0}), 1);
    ck_assert_int_eq(let_out(100, false, (instant){NS_PER_S - 1}), 0);
    ck_assert_int_eq(let_out(100, false, (instant){NS_PER_S}), 1);
    given_a_limiter(1000000, 10000, 1000000, 10000);
    ck_assert_int_le(let_out(20000, true, (instant){0}), 10000);
}
END_TEST

START_TEST(a_long_silence_fills_a_bucket_and_no_more)
{
    given_a_limiter(1000, 1000, 100, 20);
    let_out(100, true, (instant){0});
    ck_assert_int_eq(let_out(100, true, (instant){INT64_MAX / 2}), 20);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("icmp");

    TCase *c = tcase_create("RFC 792: messages");
    tcase_add_test(c, a_message_has_eight_octets_at_least);
    tcase_add_test(c, a_message_with_any_bit_flipped_is_refused);
    tcase_add_test(c, a_message_that_we_write_has_a_right_checksum_and_reads_back);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 1122, 3.2.2: input and restraint");
    tcase_add_checked_fixture(c, given_frames, then_no_frame_is_left);
    tcase_add_test(c, each_type_is_known_ignored_or_bad);
    tcase_add_test(c, an_error_is_sent_about_an_ordinary_packet);
    tcase_add_test(c, no_error_is_sent_about_an_error_or_what_may_be_one);
    tcase_add_test(c, no_error_is_sent_about_a_broadcast_a_group_or_a_later_fragment);
    tcase_add_loop_test(c, no_error_is_sent_to_an_address_that_is_not_a_single_host, 0,
                        (int)ARRAY_LEN(askers));
    tcase_add_test(c, no_error_is_sent_about_a_packet_with_options);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 1122, 3.2.2.6: echo");
    tcase_add_checked_fixture(c, given_frames, then_no_frame_is_left);
    tcase_add_loop_test(c, an_echo_returns_its_data_to_its_sender_from_the_address_asked, 0,
                        (int)ARRAY_LEN(echo_lens));
    tcase_add_test(c, an_echo_keeps_the_type_of_service_but_not_the_ecn_bits_or_options);
    tcase_add_test(c, without_a_frame_there_is_no_answer);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 1122, 3.2.2.1: unreachable");
    tcase_add_checked_fixture(c, given_frames, then_no_frame_is_left);
    tcase_add_loop_test(c, an_error_quotes_the_packet_as_it_came_and_fits_into_576_octets, 0,
                        (int)ARRAY_LEN(offenders));
    tcase_add_loop_test(c, an_error_fits_the_link_that_it_leaves_by, 0,
                        (int)ARRAY_LEN(small_links));
    tcase_add_test(c, tunnels_are_not_opened);
    tcase_add_test(c, a_quote_is_read_whole_and_refused_when_cut_anywhere);
    tcase_add_loop_test(c, a_quote_with_options_is_read_behind_them_if_they_can_be_ours, 0,
                        (int)ARRAY_LEN(quoted_options));
    tcase_add_loop_test(c, a_quote_of_the_first_fragment_is_read, 0, (int)ARRAY_LEN(pieces));
    tcase_add_loop_test(c, a_quote_that_cannot_be_of_our_packet_is_refused, 0,
                        (int)ARRAY_LEN(quotes));
    suite_add_tcase(s, c);

    c = tcase_create("RFC 1812, 4.3.2.8: rate limiting");
    tcase_add_test(c, one_destination_gets_its_burst_and_then_its_rate);
    tcase_add_test(c, all_destinations_share_a_burst_and_a_rate);
    tcase_add_test(c, one_destination_cannot_drain_what_all_share);
    tcase_add_test(c, a_rate_of_zero_lets_nothing_out_and_a_burst_of_one_just_one);
    tcase_add_test(c, a_long_silence_fills_a_bucket_and_no_more);
    suite_add_tcase(s, c);
    return run_suite(s, "icmp");
}
