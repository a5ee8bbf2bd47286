/*
 * test_drill_packet.c - packets in scripts: every form of them, and every mistake.
 */
#include "base/bytes.h"
#include "support/drill_script.h"
#include "support/proves.h"

static const struct drill_packet *packet(const char *text)
{
    const struct drill_event *event = script_event(text);
    ck_assert_int_eq(event->kind, DRILL_PACKET);
    return &event->packet;
}

/* --- TCP ---------------------------------------------------------------------------------- */

START_TEST(a_segment_has_flags_numbers_and_options)
{
    const struct drill_packet *p =
        packet("+0 < SP. 4000:4010(10) ack 1 win 65535 urg 7 <mss 1460,nop,wscale 8>");
    ck_assert(!p->out && !p->encapsulated);
    ck_assert_int_eq(p->protocol, DRILL_TCP);
    ck_assert_uint_eq(p->tcp.flags, DRILL_SYN | DRILL_PSH | DRILL_ACK);
    ck_assert_uint_eq(p->tcp.seq, 4000);
    ck_assert_uint_eq(p->tcp.len, 10);
    ck_assert(p->tcp.has_ack && p->tcp.has_win && p->tcp.has_urg);
    ck_assert_uint_eq(p->tcp.ack, 1);
    ck_assert_uint_eq(p->tcp.win, 65535);
    ck_assert_uint_eq(p->tcp.urg, 7);
    ck_assert_int_eq(p->tcp.list, DRILL_OPTIONS_LIST);
    ck_assert_uint_eq(p->tcp.option_count, 3);
    ck_assert_uint_eq(p->src_port, 0);
}
END_TEST

START_TEST(what_a_segment_does_not_say_is_marked_so)
{
    const struct drill_packet *p = packet("+0 > . 1:1(0)");
    ck_assert(p->out);
    ck_assert(!p->tcp.has_ack && !p->tcp.has_win && !p->tcp.has_urg);
    ck_assert_int_eq(p->tcp.list, DRILL_OPTIONS_NONE);
    ck_assert_int_eq(p->said.ecn, DRILL_ECN_UNSAID);
    ck_assert(!p->said.has_tos && !p->said.has_ttl && !p->said.has_flowlabel);
    script_done();
    p = packet("+0 > . 1:1(0) <...>");
    ck_assert_int_eq(p->tcp.list, DRILL_OPTIONS_ANY);
    ck_assert_uint_eq(p->tcp.option_count, 0);
}
END_TEST

START_TEST(numbers_reach_to_the_end_of_their_range)
{
    const struct drill_packet *p =
        packet("+0 > 65535 > 1 R 4294901799:4294967295(65496) ack 4294967295 win 0");
    ck_assert_uint_eq(p->tcp.seq, 4294901799);
    ck_assert_uint_eq(p->tcp.len, 65496);
    ck_assert_uint_eq(p->tcp.ack, 4294967295);
    ck_assert_uint_eq(p->src_port, 65535);
    ck_assert_uint_eq(p->dst_port, 1);
}
END_TEST

enum { ACE1 = DRILL_ECE, ACE2 = DRILL_CWR, ACE4 = DRILL_AE };

static const struct {
    const char *text;
    uint16_t flags;
} flags[] = {
    {".", DRILL_ACK},
    {"-", 0},
    {"S", DRILL_SYN},
    {"F", DRILL_FIN},
    {"R", DRILL_RST},
    {"P", DRILL_PSH},
    {"U", DRILL_URG},
    {"E", DRILL_ECE},
    {"W", DRILL_CWR},
    {"A", DRILL_AE},
    {"S.", DRILL_SYN | DRILL_ACK},
    {"FPUR.", DRILL_FIN | DRILL_PSH | DRILL_URG | DRILL_RST | DRILL_ACK},
    {"SEWA", DRILL_SYN | DRILL_ECE | DRILL_CWR | DRILL_AE},
    {".0", DRILL_ACK},
    {".5", DRILL_ACK | ACE4 | ACE1},
    {".7", DRILL_ACK | ACE4 | ACE2 | ACE1},
    {"P.5", DRILL_PSH | DRILL_ACK | ACE4 | ACE1},
    {"P2.", DRILL_PSH | DRILL_ACK | ACE2},
    {"S5", DRILL_SYN | ACE4 | ACE1},
    {"F4P", DRILL_FIN | DRILL_PSH | ACE4},
    {"P .", DRILL_PSH | DRILL_ACK},
};

START_TEST(flags_are_letters_a_point_and_a_digit)
{
    char text[64];
    snprintf(text, sizeof(text), "+0 > %s 1:1(0)", flags[_i].text);
    ck_assert_uint_eq(packet(text)->tcp.flags, flags[_i].flags);
}
END_TEST

/* --- options ------------------------------------------------------------------------------ */

static const struct drill_tcp_option *option(const char *list, uint8_t count)
{
    char text[256];
    snprintf(text, sizeof(text), "+0 < . 1:1(0) win 0 <%s>", list);
    const struct drill_packet *p = packet(text);
    ck_assert_uint_eq(p->tcp.option_count, count);
    return p->tcp.options;
}

START_TEST(options_with_numbers_have_them)
{
    const struct drill_tcp_option *o =
        option("mss 1460,sackOK,TS val 100 ecr 4294967295,nop,wscale 255", 5);
    ck_assert_int_eq(o[0].kind, DRILL_OPT_MSS);
    ck_assert_uint_eq(o[0].value, 1460);
    ck_assert_int_eq(o[1].kind, DRILL_OPT_SACKOK);
    ck_assert_int_eq(o[2].kind, DRILL_OPT_TS);
    ck_assert_uint_eq(o[2].value, 100);
    ck_assert_uint_eq(o[2].ecr, 4294967295);
    ck_assert_int_eq(o[3].kind, DRILL_OPT_NOP);
    ck_assert_int_eq(o[4].kind, DRILL_OPT_WSCALE);
    ck_assert_uint_eq(o[4].value, 255);
    script_done();
    o = option("eol, eol,eol , eol", 4);
    ck_assert_int_eq(o[3].kind, DRILL_OPT_EOL);
}
END_TEST

START_TEST(sack_has_up_to_four_blocks)
{
    const struct drill_tcp_option *o = option("nop,nop,sack 1:2 3:4 5:6 4294967295:0", 3);
    ck_assert_int_eq(o[2].kind, DRILL_OPT_SACK);
    ck_assert_uint_eq(o[2].blocks, 4);
    ck_assert_uint_eq(o[2].block[0].left, 1);
    ck_assert_uint_eq(o[2].block[0].right, 2);
    ck_assert_uint_eq(o[2].block[3].left, 4294967295);
    ck_assert_uint_eq(o[2].block[3].right, 0);
}
END_TEST

static const struct {
    const char *list;
    enum drill_option_kind kind;
    uint32_t value;
    uint8_t count, octets[4]; /* the first of them */
} octets[] = {
    {"nop,nop,FO", DRILL_OPT_FO, 0, 0, {0}},
    {"nop,nop,FO abCD1234", DRILL_OPT_FO, 0, 4, {0xab, 0xcd, 0x12, 0x34}},
    {"nop,nop,FO 12345678", DRILL_OPT_FO, 0, 4, {0x12, 0x34, 0x56, 0x78}},
    {"nop,nop,FO 0000000000000000", DRILL_OPT_FO, 0, 8, {0}},
    {"nop,nop,FO 99999999999999999999", DRILL_OPT_FO, 0, 10, {0x99, 0x99, 0x99, 0x99}},
    {"FOEXP", DRILL_OPT_FOEXP, 0, 0, {0}},
    {"FOEXP 01ab02cd", DRILL_OPT_FOEXP, 0, 4, {0x01, 0xab, 0x02, 0xcd}},
    {"nop,nop,md5 0001", DRILL_OPT_MD5, 0, 2, {0, 1}},
    {"nop,nop,md5 000102030405060708090a0b0c0d0e0f", DRILL_OPT_MD5, 0, 16, {0, 1, 2, 3}},
    {"nop,nop,nop,ECN e0b 1", DRILL_OPT_ACCECN, 172, 3, {0, 0, 1}},
    {"ECN e0b 1 ceb 66051", DRILL_OPT_ACCECN, 172, 6, {0, 0, 1, 1}},
    {"nop,ECN e1b 16777215 ceb 0 e0b 2", DRILL_OPT_ACCECN, 174, 9, {255, 255, 255, 0}},
    {"nop,nop,kind 77", DRILL_OPT_UNKNOWN, 77, 0, {0}},
    {"nop,nop,kind 253 f00d", DRILL_OPT_UNKNOWN, 253, 2, {0xf0, 0x0d}},
    {"nop,nop,kind 2", DRILL_OPT_UNKNOWN, 2, 0, {0}}, /* an MSS without one */
};

START_TEST(options_with_octets_have_them)
{
    char text[160];
    snprintf(text, sizeof(text), "+0 > . 1:1(0) <%s%s>", octets[_i].list,
             octets[_i].count % 4 == 2 && octets[_i].kind != DRILL_OPT_ACCECN ? ",nop,nop" : "");
    const struct drill_tcp *tcp = &packet(text)->tcp;
    const struct drill_tcp_option *o = tcp->options;
    while (o->kind == DRILL_OPT_NOP)
        o++;
    ck_assert_int_eq(o->kind, octets[_i].kind);
    ck_assert_uint_eq(o->value, octets[_i].value);
    ck_assert_uint_eq(o->octet_count, octets[_i].count);
    for (size_t i = 0; i < size_min(o->octet_count, 4); i++)
        ck_assert_uint_eq(o->octets[i], octets[_i].octets[i]);
}
END_TEST

START_TEST(the_octets_of_an_option_may_be_a_defined_word)
{
    script_given("--define=\"A=3021b9d889017eeb\" --define=\"Z=0000000000000000\"\n"
                 "0 `a` +0 > . 1:1(0) <nop,nop,FO A> +0 > . 1:1(0) <nop,nop,FO Z>");
    const struct drill_tcp_option *o = &script.events[1].packet.tcp.options[2];
    ck_assert_uint_eq(o->octet_count, 8);
    ck_assert_uint_eq(o->octets[0], 0x30);
    ck_assert_uint_eq(o->octets[7], 0xeb);
    o = &script.events[2].packet.tcp.options[2];
    ck_assert_uint_eq(o->octet_count, 8);
    ck_assert_uint_eq(o->octets[7], 0);
}
END_TEST

/* --- UDP, ICMP ---------------------------------------------------------------------------- */

START_TEST(a_datagram_has_a_length)
{
    const struct drill_packet *p = packet("+0 < udp 1000 > 2000 (65507)");
    ck_assert_int_eq(p->protocol, DRILL_UDP);
    ck_assert_uint_eq(p->udp.len, 65507);
    ck_assert_uint_eq(p->src_port, 1000);
    ck_assert_uint_eq(p->dst_port, 2000);
}
END_TEST

static const struct {
    const char *text;
    struct drill_icmp icmp;
} icmps[] = {
    {"unreachable port_unreachable",
     {.type = {3, 1}, .code = {3, 4}, .known = {true, true}, .quote = DRILL_QUOTE_TCP}},
    {"unreachable frag_needed mtu 1028 [1:1001(1000)]",
     {.type = {3, 1},
      .code = {4, 0},
      .known = {true, false},
      .has_mtu = true,
      .mtu = 1028,
      .seq = 1,
      .len = 1000}},
    {"packet_too_big mtu 1280 [0:0(0)]",
     {.type = {0, 2}, .known = {false, true}, .has_mtu = true, .mtu = 1280}},
    {"unreachable [udp (64)]",
     {.type = {3, 1}, .known = {true, true}, .quote = DRILL_QUOTE_UDP, .len = 64}},
    {"echo_request id 7 [raw (100)]",
     {.type = {8, 128},
      .known = {true, true},
      .has_id = true,
      .id = 7,
      .quote = DRILL_QUOTE_RAW,
      .len = 100}},
    {"unreachable no_route", {.type = {3, 1}, .known = {false, true}}},
    {"source_quench", {.type = {4, 0}, .known = {true, false}}},
    {"time_exceeded ttl_exceeded_in_transit", {.type = {11, 3}, .known = {true, false}}},
    {"time_exceeded exceeded_frag_time", {.type = {11, 3}, .code = {0, 1}, .known = {false, true}}},
    {"parameter_problem unknown_option", {.type = {12, 4}, .code = {0, 2}, .known = {false, true}}},
    {"type_3 code_255", {.type = {3, 3}, .code = {255, 255}, .known = {true, true}}},
    {"type_3 code_4 mtu 576",
     {.type = {3, 3}, .code = {4, 4}, .known = {true, true}, .has_mtu = true, .mtu = 576}},
};

START_TEST(an_icmp_message_has_a_type_of_each_family_that_knows_it)
{
    char text[128];
    const struct drill_icmp *wanted = &icmps[_i].icmp;
    snprintf(text, sizeof(text), "+0 < icmp %s", icmps[_i].text);
    const struct drill_packet *p = packet(text);
    const struct drill_icmp *icmp = &p->icmp;
    ck_assert_int_eq(p->protocol, DRILL_ICMP);
    for (int family = 0; family < 2; family++) {
        ck_assert_int_eq(icmp->known[family], wanted->known[family]);
        if (!icmp->known[family])
            continue;
        ck_assert_uint_eq(icmp->type[family], wanted->type[family]);
        ck_assert_uint_eq(icmp->code[family], wanted->code[family]);
    }
    ck_assert_int_eq(icmp->has_mtu, wanted->has_mtu);
    ck_assert_uint_eq(icmp->mtu, wanted->mtu);
    ck_assert_int_eq(icmp->has_id, wanted->has_id);
    ck_assert_uint_eq(icmp->id, wanted->id);
    ck_assert_int_eq(icmp->quote, wanted->quote);
    ck_assert_uint_eq(icmp->seq, wanted->seq);
    ck_assert_uint_eq(icmp->len, wanted->len);
}
END_TEST

/* --- annotations and packets in packets ---------------------------------------------------- */

static const struct {
    const char *text;
    struct drill_annotation said;
} annotations[] = {
    {"[noecn]", {.ecn = DRILL_NOECN}},
    {"[ect0]", {.ecn = DRILL_ECT0}},
    {"(ect1)", {.ecn = DRILL_ECT1}},
    {"[ce]", {.ecn = DRILL_CE}},
    {"[ect01]", {.ecn = DRILL_ECT01}},
    {"[tos 0x28]", {.has_tos = true, .tos = 0x28}},
    {"(ttl 64)", {.has_ttl = true, .ttl = 64}},
    {"(hlim 255)", {.has_ttl = true, .ttl = 255}},
    {"(class 0xff)", {.has_tos = true, .tos = 255}},
    {"[flowlabel 0xfffff]", {.has_flowlabel = true, .flowlabel = 0xfffff}},
    {"[ect0, flowlabel 0x1]", {.ecn = DRILL_ECT0, .has_flowlabel = true, .flowlabel = 1}},
    {"(tos 0x2, flowlabel 0x0)", {.has_tos = true, .tos = 2, .has_flowlabel = true}},
};

START_TEST(an_annotation_says_something_of_the_ip_header)
{
    static const char *const bodies[] = {". 1:1(0)", "udp (5)", "icmp unreachable"};
    const struct drill_annotation *wanted = &annotations[_i].said;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        char text[128];
        snprintf(text, sizeof(text), "+0 > %s %s", annotations[_i].text, bodies[i]);
        const struct drill_annotation *said = &packet(text)->said;
        ck_assert_int_eq(said->ecn, wanted->ecn);
        ck_assert_int_eq(said->has_tos, wanted->has_tos);
        ck_assert_int_eq(said->has_ttl, wanted->has_ttl);
        ck_assert_int_eq(said->has_flowlabel, wanted->has_flowlabel);
        ck_assert_uint_eq(said->tos, wanted->tos);
        ck_assert_uint_eq(said->ttl, wanted->ttl);
        ck_assert_uint_eq(said->flowlabel, wanted->flowlabel);
        script_done();
    }
}
END_TEST

static const char *const encapsulated[] = {
    "+0 > ipv4 192.0.2.1 > 192.0.2.2: . 1:1(0)",
    "+0 > ipv4 [ttl 5] 192.0.2.1 > 192.0.2.2 : udp (5)",
    "+0 > ipv6 2001:db8::1 > 2001:db8::2: . 1:1(0)",
    "+0 > ipv4 192.0.2.1 > 192.0.2.2: gre: . 1:1(0)",
    "+0 > ipv4 192.0.2.1 > 192.0.2.2: gre flags 0x2000, sum 0, off 0, key = 7, seq 1: . 1:1(0)",
    "+0 > gre, flags [checksum present, key present, sequence# present], key = 0x7: . 1:1(0)",
    "+0 > gre flags [none] : . 1:1(0)",
    "+0 < mpls (label 0, tc 0, ttl 0) (label 1048575, tc 7, [S], ttl 255) : . 1:1(0) win 5",
    "+0 > encap psp spi 0x12 . 1:1(0)",
};

START_TEST(a_packet_in_a_packet_is_read_and_marked)
{
    ck_assert(packet(encapsulated[_i])->encapsulated);
}
END_TEST

/* --- mistakes ----------------------------------------------------------------------------- */

static const struct {
    const char *text, *says;
} mistakes[] = {
    {"> X 1:1(0)", "flags of S F R P U E W A"},
    {"> 5 1:1(0)", "'>' and the other port"},
    {"> .8 1:1(0)", "digit from 0 to 7"},
    {"> .55 1:1(0)", "stands alone"},
    {"> E.5 1:1(0)", "stands alone"},
    {"> S5W 1:1(0)", "stands alone"},
    {"> P .5 1:1(0)", "a sequence number"}, /* with a blank it is a flag and a number */
    {"> ! 1:1(0)", "TCP flags"},
    {"> tcp 1:1(0)", "flags of S F"},
    {"> . 1:2(0)", "1:2(0): start and length make 1, not 2"},
    {"> . 1:1001(999)", "make 1000, not 1001"},
    {"> . 4294967295:0(1)", "make 4294967296, not 0"},
    {"> . 1:1", "'(' in front of a length"},
    {"> . 1 1(0)", "':' and the end"},
    {"> . -1:0(1)", "from 0 to 4294967295, found '-1'"},
    {"> . 4294967296:4294967296(0)", "from 0 to 4294967295"},
    {"> . 0:65536(65536)", "from 0 to 65535"},
    {"> . 0:65497(65497)", "more than 65536 octets"},
    {"> . 0:65493(65493) <nop,nop,nop,nop>", "more than 65536 octets"},
    {"> . 1:1(0) ack", "an acknowledgement number"},
    {"> . 1:1(0) ack x", "an acknowledgement number"},
    {"> . 1:1(0) win 65536", "a window from 0 to 65535"},
    {"> . 1:1(0) win 0x10", "a window from 0 to 65535, found '0x10'"},
    {"> . 1:1(0) win 5 ack 1", "a time in front of the event"},
    {"> . 1:1(0) urg 65536", "an urgent pointer"},
    {"< . 1:1(0) ack 1", "'win'"},
    {"< . 1:1(0) ack 1 <nop,nop,nop,nop>", "'win'"},
    {"> . 1:1(0) <>", "leave it out"},
    {"< . 1:1(0) win 0 <...>", "<...>"},
    {"> . 1:1(0) <nop>", "1 octets of TCP options: a multiple of 4"},
    {"> . 1:1(0) <nop,nop>", "2 octets"},
    {"> . 1:1(0) <mss 1460,sackOK>", "6 octets"},
    {"> . 1:1(0) <mss 1460,nop,wscale 3,nop>", "9 octets"},
    {"< . 1:1(0) win 0 <wscale 3>", "3 octets"},
    {"> . 1:1(0) <mss 65536>", "a segment size"},
    {"> . 1:1(0) <mss>", "a segment size"},
    {"> . 1:1(0) <wscale 256>", "a shift count"},
    {"> . 1:1(0) <sackok>", "a TCP option: nop"},
    {"> . 1:1(0) <mss 1460", "',' and another option, or '>'"},
    {"> . 1:1(0) <mss 1460 nop>", "',' and another option, or '>'"},
    {"> . 1:1(0) <mss 1460,>", "a TCP option"},
    {"> . 1:1(0) <nop,nop,sack>", "the left edge"},
    {"> . 1:1(0) <nop,nop,sack 1>", "':' between the edges"},
    {"> . 1:1(0) <sack 1:2 1:2 1:2 1:2 1:2>", "more than 4 blocks"},
    {"> . 1:1(0) <TS val 5>", "'ecr'"},
    {"> . 1:1(0) <TS 5>", "'val'"},
    {"> . 1:1(0) <nop,nop,FO abc>", "pairs of hexadecimal digits"},
    {"> . 1:1(0) <nop,nop,FO xy>", "pairs of hexadecimal digits"},
    {"> . 1:1(0) <nop,nop,FO -1>", "pairs of hexadecimal digits"},
    {"> . 1:1(0) <nop,nop,md5>", "pairs of hexadecimal digits"},
    {"> . 1:1(0) <nop,nop,md5 000102030405060708090a0b0c0d0e0f10>", "at most 16"},
    {"> . 1:1(0) <ECN ceb 1>", "'e0b' or 'e1b'"},
    {"> . 1:1(0) <nop,ECN e0b 1 e1b 1>", "',' and another option"},
    {"> . 1:1(0) <nop,nop,nop,ECN e0b 16777216>", "a counter"},
    {"> . 1:1(0) <kind 256>", "the number of an option"},
    {"> . 1:1(0) <kind 1>", "write nop"},
    {"> . 1:1(0) <kind 0 00>", "write eol"},
    {"> . 1:1(0) <TS val 1 ecr 1,TS val 1 ecr 1,TS val 1 ecr 1,TS val 1 ecr 1,nop>",
     "more than 40 octets"},
    {"> udp", "'(' in front of a length"},
    {"> udp (65536)", "from 0 to 65535"},
    {"> udp (65509)", "more than 65536 octets"},
    {"> udp 5 (5)", "'>' and the other port"},
    {"> 70000 > 5 . 1:1(0)", "a port from 0 to 65535"},
    {"< icmp", "an ICMP type"},
    {"< icmp nonsense", "an ICMP type"},
    {"< icmp type_256", "an ICMP type"},
    {"< icmp type_", "an ICMP type"},
    {"< icmp unreachable nonsense", "an ICMP code"},
    {"< icmp redirect frag_needed", "an ICMP code"},
    {"< icmp source_quench no_route", "an ICMP code"},
    {"< icmp unreachable port_unreachable mtu 5", "'mtu' belongs"},
    {"< icmp unreachable mtu 5", "'mtu' belongs"},
    {"< icmp echo_request id 65536", "an identifier"},
    {"< icmp unreachable [1:2(0)]", "make 1, not 2"},
    {"< icmp unreachable [tcp]", "what is quoted"},
    {"< icmp unreachable [udp (5)", "']' behind what is quoted"},
    {"< [ect01] . 1:1(0) win 0", "ect01"},
    {"> [ect2] . 1:1(0)", "noecn, ect0"},
    {"> [] . 1:1(0)", "noecn, ect0"},
    {"> [ect0) . 1:1(0)", "']' behind the annotation"},
    {"> (ttl 64] . 1:1(0)", "')' behind the annotation"},
    {"> [ttl 256] . 1:1(0)", "a TTL"},
    {"> [tos 0x100] . 1:1(0)", "an octet"},
    {"> [ect0, ttl 5] . 1:1(0)", "'flowlabel'"},
    {"> [ttl 5, flowlabel 0x1] . 1:1(0)", "']' behind the annotation"},
    {"> [flowlabel 0x100000] . 1:1(0)", "a flow label"},
    {"> ipv4 2001:db8::1 > 192.0.2.2: . 1:1(0)", "an IPv4 address"},
    {"> ipv6 192.0.2.1 > 2001:db8::2: . 1:1(0)", "an IPv6 address"},
    {"> ipv4 192.0.2.1: . 1:1(0)", "'>' between the addresses"},
    {"> ipv4 192.0.2.1 > 192.0.2.2 . 1:1(0)", "':' behind the outer header"},
    {"> mpls label 5: . 1:1(0)", "'('"},
    {"> mpls (label 1048576, tc 0, ttl 0): . 1:1(0)", "a label"},
    {"> gre nonsense: . 1:1(0)", "GRE header"},
    {"> gre flags [nonsense present]: . 1:1(0)", "'checksum'"},
    {"> encap psp 5 . 1:1(0)", "'spi'"},
};

START_TEST(a_mistake_in_a_packet_is_told)
{
    char text[256];
    snprintf(text, sizeof(text), "0 `a`\n\n+0 %s", mistakes[_i].text);
    script_refused(text, 3, mistakes[_i].says);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("drill_packet");
    TCase *c = tcase_create("packets");
    tcase_add_checked_fixture(c, NULL, script_done);
    tcase_add_test(c, a_segment_has_flags_numbers_and_options);
    tcase_add_test(c, what_a_segment_does_not_say_is_marked_so);
    tcase_add_test(c, numbers_reach_to_the_end_of_their_range);
    tcase_add_loop_test(c, flags_are_letters_a_point_and_a_digit, 0, (int)ARRAY_LEN(flags));
    tcase_add_test(c, options_with_numbers_have_them);
    tcase_add_test(c, sack_has_up_to_four_blocks);
    tcase_add_loop_test(c, options_with_octets_have_them, 0, (int)ARRAY_LEN(octets));
    tcase_add_test(c, the_octets_of_an_option_may_be_a_defined_word);
    tcase_add_test(c, a_datagram_has_a_length);
    tcase_add_loop_test(c, an_icmp_message_has_a_type_of_each_family_that_knows_it, 0,
                        (int)ARRAY_LEN(icmps));
    tcase_add_loop_test(c, an_annotation_says_something_of_the_ip_header, 0,
                        (int)ARRAY_LEN(annotations));
    tcase_add_loop_test(c, a_packet_in_a_packet_is_read_and_marked, 0,
                        (int)ARRAY_LEN(encapsulated));
    tcase_add_loop_test(c, a_mistake_in_a_packet_is_told, 0, (int)ARRAY_LEN(mistakes));
    suite_add_tcase(s, c);
    return run_suite(s, "drill_packet");
}
