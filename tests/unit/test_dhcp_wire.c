/*
 * test_dhcp_wire.c - DHCP messages: what a client says, what a server may say, and what it may not.
 */
#include <stdlib.h>

#include "apps/dhcp_wire.h"
#include "base/addr.h"
#include "base/base.h"
#include "support/holds.h"
#include "support/proves.h"

static const struct mac_addr ours = {{2, 0, 0, 0, 0, 7}};

/* --- a server's message, made option by option ----------------------------------------------- */

struct made {
    uint8_t octet[1500];
    struct writer w;
};

/* The fixed part of a reply that gives 192.0.2.50. */
static void begin(struct made *m)
{
    m->w = writer_of(m->octet, sizeof m->octet);
    write_bytes(&m->w, "\2\1\6\0\xca\xfe\xba\xbe\0\0\0\0\0\0\0\0\xc0\0\2\x32\xc0\0\2\1\0\0\0\0",
                28);
    write_bytes(&m->w, ours.octet, 6);
    write_zeros(&m->w, 10 + 64 + 128);
    write_be32(&m->w, 0x63825363);
}

static void option(struct made *m, uint8_t code, const void *data, uint8_t len)
{
    write_u8(&m->w, code);
    write_u8(&m->w, len);
    write_bytes(&m->w, data, len);
}

static void option_be32(struct made *m, uint8_t code, uint32_t value)
{
    uint8_t data[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                       (uint8_t)value};
    option(m, code, data, 4);
}

static void end(struct made *m)
{
    write_u8(&m->w, 255);
}

/* Type, server, mask, lease. */
static void begin_offer(struct made *m, uint8_t type, uint32_t mask, uint32_t lease)
{
    begin(m);
    option(m, 53, &type, 1);
    option_be32(m, 54, 0xc0000201);
    option_be32(m, 1, mask);
    option_be32(m, 51, lease);
}

/* Parses the octets in a buffer of their very size. */
static enum dhcp_flaw parse(const struct made *m, struct dhcp_reply *out)
{
    size_t len = (size_t)(m->w.at - m->octet);
    uint8_t *copy = malloc(len);

    HOLDS(copy && !m->w.overrun);
    memcpy(copy, m->octet, len);
    enum dhcp_flaw flaw = dhcp_reply_parse(bytes_of(copy, len), ours, out);
    free(copy);
    return flaw;
}

/* --- what a client says ------------------------------------------------------------------- */

START_TEST(a_discover_has_the_fixed_part_the_cookie_and_300_octets)
{
    struct dhcp_query query = {.type = DHCP_DISCOVER, .xid = 0x01020304, .secs = 5, .mac = ours};
    uint8_t octets[600];
    struct writer w = writer_of(octets, sizeof octets);

    dhcp_query_emit(&w, &query);
    ck_assert_uint_eq((size_t)(w.at - octets), DHCP_MESSAGE_MIN);
    ck_assert_mem_eq(octets, "\1\1\6\0\1\2\3\4\0\5\x80\0", 12); /* broadcast: no address yet */
    for (int i = 12; i < 28; i++)
        ck_assert_uint_eq(octets[i], 0);
    ck_assert_mem_eq(octets + 28, ours.octet, 6);
    ck_assert_mem_eq(octets + 236, "\x63\x82\x53\x63\x35\1\1\x3d\7\1\2\0\0\0\0\7", 16);
    ck_assert_mem_eq(octets + 252, "\x39\2\2\x40\x37\x08\1\3\6\x0f\x1a\x33\x3a\x3b\xff\0", 16);
}
END_TEST

/* The options behind the type and the identifier, as far as the end. */
static size_t options_of(const struct dhcp_query *query, uint8_t out[200])
{
    uint8_t octets[600];
    struct writer w = writer_of(octets, sizeof octets);

    dhcp_query_emit(&w, query);
    const uint8_t *from = octets + 252, *to = from;
    while (*to != 255)
        to += 2 + to[1];
    memcpy(out, from, (size_t)(to - from));
    return (size_t)(to - from);
}

START_TEST(each_kind_of_request_has_its_own_fields)
{
    static const char parameters[] = "\x39\2\2\x40\x37\x08\1\3\6\x0f\x1a\x33\x3a\x3b";
    struct ip_addr addr = ip_from_v4(0xc0000232), server = ip_from_v4(0xc0000201);
    struct dhcp_query selecting = {
        .type = DHCP_REQUEST, .mac = ours, .requested = addr, .server = server};
    struct dhcp_query renewing = {.type = DHCP_REQUEST, .mac = ours, .client = addr};
    struct dhcp_query declining = {
        .type = DHCP_DECLINE, .mac = ours, .requested = addr, .server = server};
    struct dhcp_query releasing = {
        .type = DHCP_RELEASE, .mac = ours, .client = addr, .server = server};
    uint8_t out[200], octets[600];

    ck_assert_uint_eq(options_of(&selecting, out), 12 + 14);
    ck_assert_mem_eq(out, "\x32\4\xc0\0\2\x32\x36\4\xc0\0\2\1", 12);
    ck_assert_mem_eq(out + 12, parameters, 14); /* the same list as in the DISCOVER */
    ck_assert_uint_eq(options_of(&renewing, out), 14);
    ck_assert_mem_eq(out, parameters, 14);
    ck_assert_uint_eq(options_of(&declining, out), 12);
    ck_assert_uint_eq(options_of(&releasing, out), 6);

    struct writer w = writer_of(octets, sizeof octets);
    dhcp_query_emit(&w, &renewing); /* who has an address can be answered there */
    ck_assert_mem_eq(octets + 10, "\0\0\xc0\0\2\x32", 6);
}
END_TEST

/* --- what a server says ------------------------------------------------------------------- */

START_TEST(an_acknowledgement_gives_all_that_a_host_needs)
{
    struct dhcp_reply r;
    struct made m;

    begin_offer(&m, DHCP_ACK, 0xffffff00, 3600);
    option(&m, 3, "\xc0\0\2\1\xc0\0\2\2", 8);
    option(&m, 6, "\1\1\1\1\xc0\0\2\3", 8);
    option(&m, 250, "unknown", 7);
    write_zeros(&m.w, 5); /* pads */
    option(&m, 15, "home.example", 12);
    option(&m, 26, "\5\x78", 2);
    option_be32(&m, 58, 1000);
    option_be32(&m, 59, 2000);
    end(&m);
    option(&m, 53, "\6", 1); /* behind the end */
    ck_assert_int_eq(parse(&m, &r), DHCP_FINE);
    ck_assert_uint_eq(r.type, DHCP_ACK);
    ck_assert_uint_eq(r.xid, 0xcafebabe);
    ck_assert(ip_equal(r.server, ip_from_v4(0xc0000201)));
    ck_assert(ip_equal(r.addr.addr, ip_from_v4(0xc0000232)) && r.addr.len == 24);
    ck_assert(r.router_count == 2 && ip_equal(r.router[1], ip_from_v4(0xc0000202)));
    ck_assert(r.dns_count == 2 && ip_equal(r.dns[0], ip_from_v4(0x01010101)));
    ck_assert(r.lease_s == 3600 && r.renew_s == 1000 && r.rebind_s == 2000 && r.mtu == 1400);
    ck_assert_str_eq(r.domain, "home.example");
    PROVES("RFC2131-3.1-a");
}
END_TEST

START_TEST(options_may_lie_in_three_fields_and_come_in_pieces)
{
    struct dhcp_reply r;
    struct made m;

    begin_offer(&m, DHCP_ACK, 0xffffff00, 3600);
    option(&m, 52, "\3", 1);
    option(&m, 15, "one.", 4);
    option(&m, 6, "\1\1", 2); /* half an address */
    end(&m);
    /* file, then sname: each a field of its own, with an end of its own */
    memcpy(m.octet + 108, "\x0f\4two.\6\2\1\2\xff", 11);
    memcpy(m.octet + 44, "\x0f\5three\xff", 8);
    ck_assert_int_eq(parse(&m, &r), DHCP_FINE);
    ck_assert_str_eq(r.domain, "one.two.three");
    ck_assert(r.dns_count == 1 && ip_equal(r.dns[0], ip_from_v4(0x01010102)));
    PROVES("RFC2131-4.1-overload", "RFC2131-3.1-a", "H02");
}
END_TEST

START_TEST(an_overload_within_an_overload_leads_nowhere)
{
    struct dhcp_reply r;
    struct made m;

    begin_offer(&m, DHCP_ACK, 0xffffff00, 3600);
    option(&m, 52, "\1", 1);
    end(&m);
    memcpy(m.octet + 108, "\x34\1\3\xff", 4); /* in the file field: look into sname, too */
    memcpy(m.octet + 44, "\x0f\4nope\xff", 7);
    ck_assert_int_eq(parse(&m, &r), DHCP_FINE);
    ck_assert_str_eq(r.domain, "");
    PROVES("H02");
}
END_TEST

START_TEST(what_is_not_to_us_is_no_reply)
{
    static const struct {
        size_t at;
        uint8_t value;
    } wrong[] = {{0, 1}, {1, 6}, {2, 16}, {28, 3}, {33, 8}, {236, 0}, {239, 0}};
    struct dhcp_reply r;
    struct made m;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        begin_offer(&m, DHCP_OFFER, 0xffffff00, 3600);
        end(&m);
        ck_assert_int_eq(parse(&m, &r), DHCP_FINE);
        m.octet[wrong[i].at] = wrong[i].value;
        ck_assert_int_eq(parse(&m, &r), DHCP_BAD_MESSAGE);
    }
    for (size_t len = 0; len < DHCP_FIXED; len++)
        ck_assert_int_eq(dhcp_reply_parse(bytes_of(m.octet, len), ours, &r), DHCP_BAD_MESSAGE);
    static const uint8_t no_answers[] = {0, DHCP_DISCOVER, DHCP_REQUEST, DHCP_RELEASE, 8, 255};
    for (size_t i = 0; i < ARRAY_LEN(no_answers); i++) {
        begin_offer(&m, no_answers[i], 0xffffff00, 3600);
        ck_assert_int_eq(parse(&m, &r), DHCP_BAD_MESSAGE);
    }
    begin(&m); /* without a type, without a server */
    ck_assert_int_eq(parse(&m, &r), DHCP_BAD_MESSAGE);
    option(&m, 53, "\2", 1);
    ck_assert_int_eq(parse(&m, &r), DHCP_BAD_MESSAGE);
    ck_assert_str_eq(dhcp_flaw_name(DHCP_BAD_MESSAGE), "dhcp.rx_bad");
}
END_TEST

START_TEST(a_message_cut_anywhere_is_survived)
{
    struct dhcp_reply r;
    struct made m;

    begin_offer(&m, DHCP_ACK, 0xffffff00, 3600);
    option(&m, 3, "\xc0\0\2\1", 4);
    end(&m);
    size_t whole = (size_t)(m.w.at - m.octet);
    for (size_t len = DHCP_FIXED; len < whole; len++) {
        m.w.at = m.octet + len;
        enum dhcp_flaw flaw = parse(&m, &r);
        /* only the END may be missing, or the router, which is not needed */
        HOLDS(flaw != DHCP_FINE || len >= whole - 7);
    }
    PROVES("RFC2131-4.1-len", "H02");
}
END_TEST

START_TEST(an_option_of_another_length_is_a_flaw)
{
    static const uint8_t numbers[] = {1, 51, 52, 53, 54, 58, 59, 26};
    struct dhcp_reply r;
    struct made m;

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        begin_offer(&m, DHCP_ACK, 0xffffff00, 3600);
        option(&m, numbers[i], "\0\0\0\0\0\0\0", 7); /* a second piece */
        end(&m);
        ck_assert_int_eq(parse(&m, &r), DHCP_BAD_OPTION);
    }
    for (uint8_t len = 0; len < 9; len++) { /* lists of addresses */
        begin_offer(&m, DHCP_ACK, 0xffffff00, 3600);
        option(&m, 6, "\1\1\1\1\2\2\2\2\3", len);
        end(&m);
        ck_assert_int_eq(parse(&m, &r), len > 0 && len % 4 == 0 ? DHCP_FINE : DHCP_BAD_OPTION);
    }
    begin_offer(&m, DHCP_ACK, 0xffffff00, 3600);
    write_bytes(&m.w, "\3\xff\xc0\0\2\1", 6); /* longer than the message */
    ck_assert_int_eq(parse(&m, &r), DHCP_BAD_OPTION);
    begin_offer(&m, DHCP_ACK, 0xffffff00, 3600);
    option(&m, 52, "\4", 1);
    ck_assert_int_eq(parse(&m, &r), DHCP_BAD_OPTION);
    ck_assert_str_eq(dhcp_flaw_name(DHCP_BAD_OPTION), "dhcp.rx_opt");
    PROVES("RFC2131-4.1-len", "H02");
}
END_TEST

START_TEST(pads_without_end_end_with_the_message)
{
    struct dhcp_reply r;
    struct made m;

    begin_offer(&m, DHCP_ACK, 0xffffff00, 3600);
    write_zeros(&m.w, 255);
    ck_assert_int_eq(parse(&m, &r), DHCP_FINE);
    PROVES("H02");
}
END_TEST

/* --- values ------------------------------------------------------------------------------- */

static const struct {
    uint32_t addr, mask, lease;
    bool fine;
} values[] = {
    {0xc0000232, 0xffffff00, 3600, true},       {0, 0xffffff00, 3600, false},
    {0x7f000001, 0xff000000, 3600, false},      {0xe0000001, 0xff000000, 3600, false},
    {0xf0000001, 0xff000000, 3600, false},      {0xffffffff, 0xffffff00, 3600, false},
    {0xc00002ff, 0xffffff00, 3600, false},      {0xc0000200, 0xffffff00, 3600, false},
    {0xc0000232, 0xffff00ff, 3600, false},      {0xc0000232, 0, 3600, false},
    {0xc0000232, 0xffffffff, 3600, false},      {0xc0000232, 0xfffffffe, 3600, false},
    {0xc0000231, 0xfffffffc, 3600, true},       {0x00000101, 0xffffff00, 3600, false},
    {0xc0000232, 0xffffff00, 0, false},         {0xc0000232, 0xffffff00, 1, false},
    {0xc0000232, 0xffffff00, 9, false},         {0xc0000232, 0xffffff00, 10, true},
    {0xc0000232, 0xffffff00, UINT32_MAX, true},
};

START_TEST(values_that_no_host_can_have_are_refused)
{
    struct dhcp_reply r;
    struct made m;

    begin_offer(&m, DHCP_OFFER, values[_i].mask, values[_i].lease);
    end(&m);
    put_be16(m.octet + 16, (uint16_t)(values[_i].addr >> 16));
    put_be16(m.octet + 18, (uint16_t)values[_i].addr);
    ck_assert_int_eq(parse(&m, &r), values[_i].fine ? DHCP_FINE : DHCP_BAD_VALUE);
    if (values[_i].lease == 10) /* no longer than it is lent */
        ck_assert(r.lease_s == 10 && r.renew_s == 5 && r.rebind_s == 9);
    if (values[_i].lease == UINT32_MAX)
        ck_assert(r.lease_s == DHCP_FOREVER && r.renew_s == DHCP_FOREVER);
    ck_assert_str_eq(dhcp_flaw_name(DHCP_BAD_VALUE), "dhcp.rx_value");
    PROVES("H03");
}
END_TEST

/* Be it of an offer or of a refusal. */
START_TEST(a_server_that_is_no_host_is_refused)
{
    static const uint32_t servers[] = {0, 0x7f000001, 0xe0000001, 0xf0000001, 0xffffffff};
    struct dhcp_reply r;
    struct made m;

    for (size_t i = 0; i < 2 * ARRAY_LEN(servers); i++) {
        begin(&m);
        option(&m, 53, i % 2 ? "\6" : "\2", 1);
        option_be32(&m, 54, servers[i / 2]);
        option_be32(&m, 1, 0xffffff00);
        option_be32(&m, 51, 3600);
        end(&m);
        ck_assert_int_eq(parse(&m, &r), DHCP_BAD_VALUE);
    }
    PROVES("H03");
}
END_TEST

START_TEST(times_that_make_no_sense_are_replaced)
{
    static const struct {
        uint32_t renew, rebind;
        bool kept;
    } times[] = {{100, 200, true},  {200, 100, false}, {100, 100, false}, {0, 200, false},
                 {100, 800, false}, {100, 900, false}, {4, 200, false},   {5, 200, true}};
    struct dhcp_reply r;
    struct made m;

    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        begin_offer(&m, DHCP_ACK, 0xffffff00, 800);
        option_be32(&m, 58, times[i].renew);
        option_be32(&m, 59, times[i].rebind);
        end(&m);
        ck_assert_int_eq(parse(&m, &r), DHCP_FINE);
        ck_assert_uint_eq(r.renew_s, times[i].kept ? times[i].renew : 400);
        ck_assert_uint_eq(r.rebind_s, times[i].kept ? times[i].rebind : 700);
    }
    PROVES("H03");
}
END_TEST

START_TEST(routers_beyond_the_link_and_lists_without_end_are_cut)
{
    uint8_t servers[240];
    struct dhcp_reply r;
    struct made m;

    for (size_t i = 0; i < sizeof servers; i++)
        servers[i] = (uint8_t)(i / 4 + 1);
    begin_offer(&m, DHCP_ACK, 0xffffff00, 800);
    /* off the link, we ourselves, on it, its broadcast */
    option(&m, 3, "\x0a\0\0\1\xc0\0\2\x32\xc0\0\2\1\xc0\0\2\xff", 16);
    option(&m, 6, servers, sizeof servers);
    option(&m, 26, "\0\x44", 2); /* an MTU of 68 */
    end(&m);
    ck_assert_int_eq(parse(&m, &r), DHCP_FINE);
    ck_assert_uint_eq(r.router_count, 1);
    ck_assert(ip_equal(r.router[0], ip_from_v4(0xc0000201)));
    ck_assert_uint_eq(r.dns_count, 3);
    ck_assert_uint_eq(r.mtu, 0);
    PROVES("H03");
}
END_TEST

static const struct {
    const char *octets;
    uint8_t len;
    const char *domain;
} domains[] = {
    {"home.example", 12, "home.example"},
    {"home.example", 13, "home.example"},
    {"a\0b", 3, ""},
    {"a\nb", 3, ""},
    {"$(reboot)", 9, ""},
    {"a b", 3, ""},
    {"\3www", 4, ""},
    {"\xc0\x0c", 2, ""},
    {"", 1, ""},
    {"", 0, ""},
};

START_TEST(a_domain_that_holds_more_than_a_name_is_none)
{
    struct dhcp_reply r;
    struct made m;

    begin_offer(&m, DHCP_ACK, 0xffffff00, 800);
    option(&m, 15, domains[_i].octets, domains[_i].len);
    end(&m);
    ck_assert_int_eq(parse(&m, &r), DHCP_FINE);
    ck_assert_str_eq(r.domain, domains[_i].domain);
    PROVES("H04");
}
END_TEST

START_TEST(a_domain_of_pieces_has_255_octets_at_most)
{
    struct dhcp_reply r;
    struct made m;
    uint8_t name[255];

    memset(name, 'a', sizeof name);
    for (int more = 0; more < 3; more++) {
        begin_offer(&m, DHCP_ACK, 0xffffff00, 800);
        option(&m, 15, name, 255);
        if (more > 0)
            option(&m, 15, name, more == 1 ? 1 : 255);
        end(&m);
        ck_assert_int_eq(parse(&m, &r), DHCP_FINE);
        ck_assert_uint_eq(strlen(r.domain), more == 0 ? 255 : 0);
    }
    PROVES("H02", "H04");
}
END_TEST

START_TEST(a_refusal_needs_no_address)
{
    struct dhcp_reply r;
    struct made m;

    begin(&m);
    option(&m, 53, "\6", 1);
    option_be32(&m, 54, 0xc0000201);
    end(&m);
    put_be16(m.octet + 16, 0);
    put_be16(m.octet + 18, 0);
    ck_assert_int_eq(parse(&m, &r), DHCP_FINE);
    ck_assert_uint_eq(r.type, DHCP_NAK);
}
END_TEST

START_TEST(random_messages_are_survived)
{
    uint64_t random = 1;
    struct dhcp_reply r;
    struct made m;

    for (int i = 0; i < 100000; i++) {
        begin_offer(&m, DHCP_ACK, 0xffffff00, 800);
        option(&m, 52, "\3", 1);
        option(&m, 3, "\xc0\0\2\1", 4);
        option(&m, 15, "home.example", 12);
        end(&m);
        memcpy(m.octet + 108, "\6\4\1\1\1\1\xff", 7);
        size_t len = (size_t)(m.w.at - m.octet);
        for (int n = 0; n < 4; n++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
            m.octet[44 + (random >> 40) % (len - 44)] = (uint8_t)(random >> 56);
        }
        enum dhcp_flaw flaw = parse(&m, &r);
        HOLDS(flaw != DHCP_FINE || r.type == DHCP_NAK ||
              (r.lease_s >= DHCP_LEASE_MIN && r.renew_s <= r.rebind_s && r.rebind_s <= r.lease_s &&
               r.addr.len > 0 && r.router_count <= DHCP_ROUTERS && r.dns_count <= DHCP_SERVERS));
    }
    PROVES("RFC2131-4.1-len", "H02");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dhcp_wire");

    TCase *t = tcase_create("RFC 2131, 4.4: what a client says");
    tcase_add_test(t, a_discover_has_the_fixed_part_the_cookie_and_300_octets);
    tcase_add_test(t, each_kind_of_request_has_its_own_fields);
    suite_add_tcase(s, t);

    t = tcase_create("RFC 2131, 4.3: what a server says");
    tcase_add_test(t, an_acknowledgement_gives_all_that_a_host_needs);
    tcase_add_test(t, options_may_lie_in_three_fields_and_come_in_pieces);
    tcase_add_test(t, an_overload_within_an_overload_leads_nowhere);
    tcase_add_test(t, what_is_not_to_us_is_no_reply);
    tcase_add_test(t, a_message_cut_anywhere_is_survived);
    tcase_add_test(t, an_option_of_another_length_is_a_flaw);
    tcase_add_test(t, pads_without_end_end_with_the_message);
    tcase_add_test(t, a_refusal_needs_no_address);
    tcase_add_test(t, random_messages_are_survived);
    suite_add_tcase(s, t);

    t = tcase_create("RFC 2132: values");
    tcase_add_loop_test(t, values_that_no_host_can_have_are_refused, 0, ARRAY_LEN(values));
    tcase_add_test(t, a_server_that_is_no_host_is_refused);
    tcase_add_test(t, times_that_make_no_sense_are_replaced);
    tcase_add_test(t, routers_beyond_the_link_and_lists_without_end_are_cut);
    tcase_add_loop_test(t, a_domain_that_holds_more_than_a_name_is_none, 0, ARRAY_LEN(domains));
    tcase_add_test(t, a_domain_of_pieces_has_255_octets_at_most);
    suite_add_tcase(s, t);
    return run_suite(s, "dhcp_wire");
}
