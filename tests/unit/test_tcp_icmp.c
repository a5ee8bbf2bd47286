/*
 * test_tcp_icmp.c - what a connection makes of an ICMP error about one of its segments.
 *
 * Every error quotes a packet that the stack has just sent, as a router on the way would.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/instant.h"
#include "ip/icmp6_wire.h"
#include "support/ip_hosts.h"
#include "support/proves.h"

enum { V4, V6, TCP_PORTS = 0, TCP_SEQ = 4, TCP_OFFSET = 12, IPV4_FLAGS = 6, IPV4_DF = 0x40 };

static int header_len(int row)
{
    return row == V4 ? IPV4_HEADER_MIN : IPV6_HEADER;
}

/* The first packet that waits at host 0, as the network saw it. */
static struct host_packet first_sent(void)
{
    ck_assert_int_gt(host_output(0), 0);
    return hosts[0].out.packet[0];
}

static uint32_t seq_of(int row, const struct host_packet *p)
{
    const uint8_t *at = p->octets + header_len(row) + TCP_SEQ;

    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* What a packet of `mtu` octets has room for, with the options that this one has. */
static uint32_t mss_for(int row, uint32_t mtu, const struct host_packet *p)
{
    uint32_t tcp_header = (uint32_t)(p->octets[header_len(row) + TCP_OFFSET] >> 4) * 4;

    return mtu - (uint32_t)header_len(row) - tcp_header;
}

static void set_seq(int row, struct host_packet *p, uint32_t seq)
{
    put_be16(p->octets + header_len(row) + TCP_SEQ, (uint16_t)(seq >> 16));
    put_be16(p->octets + header_len(row) + TCP_SEQ + 2, (uint16_t)seq);
}

/* A router tells host 0 about a packet of its own. */
static void tell(int row, uint8_t type, uint8_t code, uint32_t rest,
                 const struct host_packet *about)
{
    uint8_t octets[IPV6_HEADER + ICMP_HEADER + 548];
    struct writer w = writer_of(octets, sizeof octets);
    struct icmp_header h = {.type = type, .code = code, .rest = rest};
    struct bytes quote = bytes_first(bytes_of(about->octets, about->len), 548);
    struct ip_addr us = host_addr(host_family[row].client);

    if (row == V4) {
        struct ipv4_header ip = {
            .src = host_addr("198.51.100.1"), .dst = us, .protocol = IP_PROTOCOL_ICMP, .ttl = 64};
        ipv4_emit(&w, &ip, ICMP_HEADER + quote.len);
        icmp_emit(&w, &h, quote);
    } else {
        struct ipv6_header ip = {.src = host_addr("2001:db8:f::1"),
                                 .dst = us,
                                 .next_header = IP_PROTOCOL_ICMP6,
                                 .hop_limit = 64};
        ipv6_emit(&w, &ip, ICMP_HEADER + quote.len);
        icmp6_emit(&w, ip.src, ip.dst, &h, quote);
    }
    host_input(0, octets, sizeof octets - w.left);
}

static void tell_too_big(int row, uint32_t mtu, const struct host_packet *about)
{
    if (row == V4)
        tell(row, ICMP_UNREACHABLE, ICMP_UNREACHABLE_TOO_BIG, mtu, about);
    else
        tell(row, ICMP6_TOO_BIG, 0, mtu, about);
}

static int error_of(int s)
{
    int error = 0;
    socklen_t len = sizeof error;

    ck_assert_int_eq(sock_getsockopt(hosts[0].stack, s, SOL_SOCKET, SO_ERROR, &error, &len), 0);
    return error;
}

static enum tcp_state state_of(int s)
{
    struct sock_info info;

    ck_assert_int_eq(sock_info(hosts[0].stack, s, &info), 0);
    return info.facts.state;
}

/* SYN-SENT: our SYN waits at the door. */
static int open_one(int row)
{
    int s = sock_socket(hosts[0].stack, host_family[row].family, SOCK_STREAM, 0);
    struct endpoint to = {host_addr(host_family[row].server), 80};

    ck_assert_int_eq(sock_connect(hosts[0].stack, s, to, NULL), -EINPROGRESS);
    return s;
}

/* --- hard and soft ------------------------------------------------------------------------ */

static const struct {
    int row;
    uint8_t type, code;
    int error; /* as connect() reports it, now or when it gives up */
    bool hard;
} errors[] = {
    {V4, ICMP_UNREACHABLE, 0, ENETUNREACH, false},
    {V4, ICMP_UNREACHABLE, 1, EHOSTUNREACH, false},
    {V4, ICMP_UNREACHABLE, 2, ENOPROTOOPT, true},
    {V4, ICMP_UNREACHABLE, 3, ECONNREFUSED, true},
    {V4, ICMP_UNREACHABLE, 5, EOPNOTSUPP, false},
    {V4, ICMP_UNREACHABLE, 13, EHOSTUNREACH, true},
    {V4, ICMP_UNREACHABLE, 16, EHOSTUNREACH, false},
    {V4, ICMP_TIME_EXCEEDED, 0, EHOSTUNREACH, false},
    {V4, ICMP_PARAMETER_PROBLEM, 0, EPROTO, false},
    {V6, ICMP6_UNREACHABLE, ICMP6_NO_ROUTE, ENETUNREACH, false},
    {V6, ICMP6_UNREACHABLE, ICMP6_PROHIBITED, EACCES, true},
    {V6, ICMP6_UNREACHABLE, ICMP6_BEYOND_SCOPE, EHOSTUNREACH, false},
    {V6, ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_ADDRESS, EHOSTUNREACH, false},
    {V6, ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_PORT, ECONNREFUSED, true},
    {V6, ICMP6_TIME_EXCEEDED, 0, EHOSTUNREACH, false},
    {V6, ICMP6_PARAMETER_PROBLEM, 1, EPROTO, false},
    {V6, 100, 0, ETIMEDOUT, false}, /* an error of a type to come: there is nothing to tell */
};

START_TEST(syn_sent_ends_with_a_hard_error_and_outlives_a_soft_one)
{
    int s = open_one(errors[_i].row);
    struct host_packet syn = first_sent();

    host_lose(0);
    tell(errors[_i].row, errors[_i].type, errors[_i].code, 0, &syn);
    ck_assert_int_eq(state_of(s), errors[_i].hard ? TCPS_CLOSED : TCPS_SYN_SENT);
    if (errors[_i].hard)
        ck_assert_int_eq(error_of(s), errors[_i].error);
    for (int64_t i = 0; i < 600 && state_of(s) != TCPS_CLOSED; i++) {
        hosts_now = instant_add(hosts_now, NS_PER_S);
        host_output(0);
        host_lose(0); /* nobody hears our SYN */
        ck_assert(i > 0 || !errors[_i].hard);
    }
    if (!errors[_i].hard)
        ck_assert_int_eq(error_of(s), errors[_i].error);
    sock_close(hosts[0].stack, s);
    PROVES("RFC9293-MUST-54", "RFC9293-MUST-56-syn", "RFC9293-SHLD-25", "RFC9293-SHLD-26",
           "RFC4443-3.1-b", "RFC4443-2.4-a", "I06");
}
END_TEST

START_TEST(syn_sent_still_connects_after_a_soft_error)
{
    int s = open_one(_i);
    struct host_packet syn = first_sent();
    int listener = sock_socket(hosts[1].stack, host_family[_i].family, SOCK_STREAM, 0);

    host_lose(0);
    tell(_i, _i == V4 ? ICMP_UNREACHABLE : ICMP6_UNREACHABLE, _i == V4 ? 1 : 0, 0, &syn);
    ck_assert_int_eq(sock_bind(hosts[1].stack, listener, (struct endpoint){.port = 80}), 0);
    ck_assert_int_eq(sock_listen(hosts[1].stack, listener, 1), 0);
    hosts_wait_ms(1500);
    ck_assert_int_eq(state_of(s), TCPS_ESTABLISHED);
    ck_assert_int_eq(error_of(s), 0);
    PROVES("RFC9293-MUST-56-syn");
}
END_TEST

START_TEST(established_takes_no_error_for_the_end)
{
    int listener, server, client = hosts_connect(errors[_i].row, &listener, &server);
    struct stack *a = hosts[0].stack, *b = hosts[1].stack;
    char back[8];

    ck_assert_int_eq(sock_send(a, client, "text", 4, 0, NULL), 4);
    struct host_packet text = first_sent();
    host_lose(0);
    tell(errors[_i].row, errors[_i].type, errors[_i].code, 0, &text);
    ck_assert_int_eq(state_of(client), TCPS_ESTABLISHED);
    ck_assert_int_eq(host_output(0), 0); /* nor for a reason to send again at once */
    hosts_wait_ms(1500);
    ck_assert_int_eq(sock_recv(b, server, back, sizeof back, 0, NULL), 4);
    ck_assert_int_eq(state_of(client), TCPS_ESTABLISHED);
    PROVES("RFC9293-MUST-56", "RFC4443-3.3-a", "I06");
}
END_TEST

START_TEST(established_that_gives_up_says_what_the_network_said)
{
    int listener, server, client = hosts_connect(_i, &listener, &server);

    ck_assert_int_eq(sock_send(hosts[0].stack, client, "text", 4, 0, NULL), 4);
    struct host_packet text = first_sent();
    host_lose(0);
    tell(_i, _i == V4 ? ICMP_UNREACHABLE : ICMP6_UNREACHABLE, _i == V4 ? 1 : 3, 0, &text);
    for (int i = 0; i < 4000 && state_of(client) != TCPS_CLOSED; i++) {
        hosts_now = instant_add(hosts_now, NS_PER_S);
        host_output(0);
        host_lose(0);
    }
    ck_assert_int_eq(error_of(client), EHOSTUNREACH);
    PROVES("RFC9293-SHLD-25");
}
END_TEST

/* A router has found fault with our header, which it may not with the next one. */
START_TEST(a_parameter_problem_is_noted_and_ends_nothing)
{
    int listener, server, client = hosts_connect(V4, &listener, &server);
    char back[8];

    ck_assert_int_eq(sock_send(hosts[0].stack, client, "text", 4, 0, NULL), 4);
    struct host_packet text = first_sent();
    host_lose(0);
    tell(V4, ICMP_PARAMETER_PROBLEM, 0, UINT32_C(12) << 24, &text);
    ck_assert_int_eq(state_of(client), TCPS_ESTABLISHED);
    ck_assert_int_eq(error_of(client), 0); /* unless it gives up one day */
    if (_i == 0) {
        hosts_wait_ms(1500);
        ck_assert_int_eq(sock_recv(hosts[1].stack, server, back, sizeof back, 0, NULL), 4);
        ck_assert_int_eq(sock_send(hosts[1].stack, server, "back", 4, 0, NULL), 4);
        hosts_settle();
        ck_assert_int_eq(sock_recv(hosts[0].stack, client, back, sizeof back, 0, NULL), 4);
    } else {
        for (int i = 0; i < 4000 && state_of(client) != TCPS_CLOSED; i++) {
            hosts_now = instant_add(hosts_now, NS_PER_S);
            host_output(0);
            host_lose(0);
        }
        ck_assert_int_eq(error_of(client), EPROTO);
    }
    PROVES("RFC1122-3.2.2.5-a");
}
END_TEST

/* --- about a segment in flight? ----------------------------------------------------------- */

static const struct {
    int32_t off;   /* of the quoted SEQ, from SND.UNA */
    bool from_end; /* or from SND.NXT */
    bool believed;
} quoted[] = {
    {-1, false, false}, {0, false, true}, {1, false, true},          {-1, true, true},
    {0, true, false},   {1, true, false}, {INT32_MIN, false, false},
};

START_TEST(only_a_segment_in_flight_is_believed)
{
    int row = _i % 2, listener, server, client = hosts_connect(row, &listener, &server);
    static const uint8_t text[4000];
    struct sock_info before, after;

    ck_assert_int_eq(sock_send(hosts[0].stack, client, text, sizeof text, 0, NULL), sizeof text);
    struct host_packet p = first_sent();
    ck_assert_int_eq(sock_info(hosts[0].stack, client, &before), 0);
    uint32_t from = seq_of(row, &p) + (quoted[_i / 2].from_end ? before.facts.inflight : 0);
    set_seq(row, &p, from + (uint32_t)quoted[_i / 2].off);
    tell_too_big(row, 1300, &p);
    ck_assert_int_eq(sock_info(hosts[0].stack, client, &after), 0);
    bool believed = quoted[_i / 2].believed;
    ck_assert_uint_eq(after.snd_mss, believed ? before.snd_mss - 200 : before.snd_mss);
    ck_assert_uint_eq(host_drops(0, DROP_ICMP_NO_FLOW), believed ? 0 : 1);
    PROVES("RFC5927-4.1-a", "RFC5927-7.2-a", "RFC8201-4-c", "I05", "RFC9293-PMTUD-1");
}
END_TEST

/* Who knows the four-tuple and guesses: of a million numbers all over the circle, those within 2920
 * octets in flight are believed and no others, and a reset of the connection is not to be had even
 * so. */
START_TEST(of_a_million_guesses_only_those_in_flight_are_believed)
{
    int listener, server, client = hosts_connect(V4, &listener, &server);
    static const uint8_t text[2920]; /* two segments, in flight both */
    static char back[sizeof text];
    const struct icmp_header h = {.type = ICMP_UNREACHABLE, .code = ICMP_UNREACHABLE_PORT};
    const struct ipv4_header ip = {.src = host_addr("198.51.100.1"),
                                   .dst = host_addr(host_family[V4].client),
                                   .protocol = IP_PROTOCOL_ICMP,
                                   .ttl = 64};
    uint8_t error[IPV4_HEADER_MIN + ICMP_HEADER + IPV4_HEADER_MIN + 8]; /* it quotes no more */
    struct writer w;
    uint64_t state = 11, right = 0;
    size_t got = 0;

    ck_assert_int_eq(sock_send(hosts[0].stack, client, text, sizeof text, 0, NULL), sizeof text);
    struct host_packet p = first_sent();
    uint32_t una = seq_of(V4, &p);
    for (int i = 0; i < 1000000; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint32_t guess = (uint32_t)(state >> 32);
        if (i % 1000 == 0) /* sometimes near */
            guess = una - 8000 + guess % 20000;
        right += guess - una < sizeof text;
        set_seq(V4, &p, guess);
        w = writer_of(error, sizeof error); /* as tell(), without its assertions */
        ipv4_emit(&w, &ip, sizeof error - IPV4_HEADER_MIN);
        icmp_emit(&w, &h, bytes_of(p.octets, IPV4_HEADER_MIN + 8));
        stack_input(hosts[0].stack, bytes_of(error, sizeof error), NULL, hosts_now);
    }
    ck_assert_uint_gt(right, 100);
    ck_assert_uint_eq(host_drops(0, DROP_ICMP_NO_FLOW), 1000000 - right);
    ck_assert_int_eq(state_of(client), TCPS_ESTABLISHED);
    for (int i = 0; i < 100 && got < sizeof text; i++) {
        hosts_wait_ms(1);
        ssize_t n = sock_recv(hosts[1].stack, server, back, sizeof back, 0, NULL);
        got += n > 0 ? (size_t)n : 0;
    }
    ck_assert_uint_eq(got, sizeof text);
    ck_assert_int_eq(error_of(client), 0);
    PROVES("I05", "RFC5927-4.1-a");
}
END_TEST

START_TEST(an_error_about_somebody_else_changes_nothing)
{
    int listener, server, client = hosts_connect(_i, &listener, &server);
    static const uint8_t text[2000];
    struct sock_info info;

    ck_assert_int_eq(sock_send(hosts[0].stack, client, text, sizeof text, 0, NULL), sizeof text);
    struct host_packet p = first_sent();
    for (int at = 0; at < 4; at++) { /* another port, of either side */
        struct host_packet other = p;
        other.octets[header_len(_i) + TCP_PORTS + at] ^= 1;
        tell_too_big(_i, 1300, &other);
    }
    struct host_packet udp = p;
    udp.octets[_i == V4 ? 9 : IPV6_NEXT_HEADER_OFFSET] = IP_PROTOCOL_UDP;
    tell_too_big(_i, 1300, &udp);
    ck_assert_uint_eq(host_drops(0, DROP_ICMP_NO_FLOW), 5);
    ck_assert_int_eq(sock_info(hosts[0].stack, client, &info), 0);
    ck_assert_uint_eq(info.snd_mss, mss_for(_i, 1500, &p));
    PROVES("RFC9293-MUST-54", "RFC8201-4-c", "I05");
}
END_TEST

/* --- too big ------------------------------------------------------------------------------ */

START_TEST(too_big_lowers_the_mss_and_sends_again_at_once)
{
    int listener, server, client = hosts_connect(_i, &listener, &server);
    struct stack *a = hosts[0].stack, *b = hosts[1].stack;
    static uint8_t text[12000], back[sizeof text];
    struct sock_info before, after;
    size_t got = 0;

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 31 + i / 256);
    ck_assert_int_eq(sock_send(a, client, text, sizeof text, 0, NULL), sizeof text);
    struct host_packet p = first_sent();
    ck_assert_uint_eq(p.len, 1500);
    ck_assert(_i != V4 || p.octets[IPV4_FLAGS] == IPV4_DF); /* else nobody would say so */
    host_lose(0);                                           /* all of it was too big */
    ck_assert_int_eq(sock_info(a, client, &before), 0);
    tell_too_big(_i, 1300, &p);

    int again = host_output(0); /* not a moment later */
    ck_assert_int_ge(again, 9);
    ck_assert_uint_eq(seq_of(_i, &hosts[0].out.packet[0]), seq_of(_i, &p));
    for (int i = 0; i < again; i++) {
        ck_assert_uint_le(hosts[0].out.packet[i].len, 1300);
        ck_assert(_i != V4 || hosts[0].out.packet[i].octets[IPV4_FLAGS] == IPV4_DF);
    }
    ck_assert_uint_eq(hosts[0].out.packet[0].len, 1300);
    ck_assert_int_eq(sock_info(a, client, &after), 0);
    ck_assert_uint_eq(after.facts.cwnd, before.facts.cwnd);
    ck_assert_uint_eq(after.facts.ssthresh, before.facts.ssthresh);
    ck_assert_int_eq(after.facts.rto_ms, before.facts.rto_ms);
    ck_assert_uint_eq(after.snd_mss, mss_for(_i, 1300, &p));
    host_deliver(0);
    hosts_settle();
    for (int i = 0; i < 200 && got < sizeof text; i++) {
        ssize_t n = sock_recv(b, server, back + got, sizeof back - got, 0, NULL);
        got += n > 0 ? (size_t)n : 0;
        hosts_wait_ms(1);
    }
    ck_assert_uint_eq(got, sizeof text);
    ck_assert_mem_eq(text, back, sizeof text);
    PROVES("RFC1191-3-a", "RFC1191-6.4-a", "RFC8201-4-a", "RFC4443-3.2-a", "RFC9293-PMTUD-1");
}
END_TEST

/* A millisecond on a path from host 0 that swallows what is larger than `mtu` and says nothing. */
static void pass_silently(uint32_t mtu)
{
    struct host_out *out = &hosts[0].out;
    int kept = 0;

    hosts_now = instant_add(hosts_now, NS_PER_MS);
    host_output(0);
    for (int i = 0; i < out->count; i++) {
        if (out->packet[i].len <= mtu)
            out->packet[kept++] = out->packet[i];
    }
    out->count = kept;
    host_deliver(0);
    host_output(1);
    host_deliver(1);
}

static const struct {
    int row;
    uint32_t mtu, then; /* the path's, and what we come to believe */
    int ms;             /* when it begins to work, at least about that late */
} black_holes[] = {
    {V4, 1499, 1024, 3000}, {V4, 1024, 1024, 3000}, {V4, 1023, 552, 6200},
    {V4, 552, 552, 6200},   {V6, 1499, 1280, 3000}, {V6, 1280, 1280, 3000},
};

/* RFC 4821, 7.7: three retransmissions in vain, then smaller ones. */
START_TEST(a_path_that_swallows_large_packets_without_a_word_is_survived)
{
    int row = black_holes[_i].row, listener, server;
    int client = hosts_connect(row, &listener, &server);
    struct stack *a = hosts[0].stack, *b = hosts[1].stack;
    static uint8_t text[12000], back[sizeof text];
    struct host_packet first;
    struct sock_info info;
    size_t got = 0;
    instant begin = hosts_now;

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 31 + i / 256);
    ck_assert_int_eq(sock_send(a, client, text, sizeof text, 0, NULL), sizeof text);
    first = first_sent();
    ck_assert_uint_eq(first.len, 1500);
    while (instant_since(hosts_now, begin) < (black_holes[_i].ms - 200) * NS_PER_MS)
        pass_silently(black_holes[_i].mtu);
    ck_assert_int_eq(sock_recv(b, server, back, sizeof back, 0, NULL), -EAGAIN);
    for (int i = 0; i < 10000 && got < sizeof text; i++) {
        pass_silently(black_holes[_i].mtu);
        ssize_t n = sock_recv(b, server, back + got, sizeof back - got, 0, NULL);
        got += n > 0 ? (size_t)n : 0;
    }
    ck_assert_uint_eq(got, sizeof text);
    ck_assert_mem_eq(text, back, sizeof text);
    ck_assert_int_eq(sock_info(a, client, &info), 0);
    ck_assert_uint_eq(info.snd_mss, mss_for(row, black_holes[_i].then, &first));
    PROVES("C42");
}
END_TEST

static const struct {
    int row;
    uint32_t mtu;
    uint32_t then; /* the path MTU that the MSS is for */
    enum drop drop;
} mtus[] = {
    {V4, 1499, 1499, DROP_NONE},
    {V4, 1500, 1500, DROP_ICMP_PMTU},
    {V4, 9000, 1500, DROP_ICMP_PMTU},
    {V4, 0, 1492, DROP_NONE}, /* an old router: the next plateau */
    {V4, 67, 552, DROP_NONE},
    {V4, 68, 552, DROP_NONE},
    {V4, 551, 552, DROP_NONE},
    {V4, 552, 552, DROP_NONE},
    {V4, 553, 553, DROP_NONE},
    {V6, 1279, 1500, DROP_ICMP_PMTU},
    {V6, 0, 1500, DROP_ICMP_PMTU},
    {V6, 1280, 1280, DROP_NONE},
    {V6, 1281, 1281, DROP_NONE},
    {V6, 1500, 1500, DROP_ICMP_PMTU},
    {V6, 9000, 1500, DROP_ICMP_PMTU},
    {V6, UINT32_MAX, 1500, DROP_ICMP_PMTU},
};

START_TEST(a_path_mtu_goes_down_to_the_floor_and_never_up)
{
    int row = mtus[_i].row, listener, server, client = hosts_connect(row, &listener, &server);
    static const uint8_t text[4000];
    struct sock_info info;

    ck_assert_int_eq(sock_send(hosts[0].stack, client, text, sizeof text, 0, NULL), sizeof text);
    struct host_packet p = first_sent();
    host_lose(0);
    tell_too_big(row, mtus[_i].mtu, &p);
    ck_assert_int_eq(sock_info(hosts[0].stack, client, &info), 0);
    ck_assert_uint_eq(info.snd_mss, mss_for(row, mtus[_i].then, &p));
    if (mtus[_i].drop)
        ck_assert_uint_eq(host_drops(0, mtus[_i].drop), 1);
    tell_too_big(row, mtus[_i].then + 1, &p); /* the packet was larger still, but we know better */
    ck_assert_int_eq(sock_info(hosts[0].stack, client, &info), 0);
    ck_assert_uint_eq(info.snd_mss, mss_for(row, mtus[_i].then, &p));
    PROVES("RFC1191-3-b", "RFC1191-5-a", "RFC8201-4-a", "RFC8201-4-b", "I07", "RFC9293-PMTUD-1");
}
END_TEST

START_TEST(one_path_says_nothing_of_another)
{
    int listener, server, first = hosts_connect(V6, &listener, &server);
    static const uint8_t text[4000];
    struct stack *a = hosts[0].stack;
    struct sock_info info;
    int other = open_one(V4);

    hosts_settle();
    ck_assert_int_eq(state_of(other), TCPS_ESTABLISHED);
    ck_assert_int_eq(sock_send(a, other, text, sizeof text, 0, NULL), sizeof text);
    struct host_packet p4 = first_sent();
    host_lose(0);
    ck_assert_int_eq(sock_send(a, first, text, sizeof text, 0, NULL), sizeof text);
    struct host_packet p6 = first_sent();
    tell_too_big(V6, 1300, &p6);
    ck_assert_int_eq(sock_info(a, first, &info), 0);
    ck_assert_uint_eq(info.snd_mss, mss_for(V6, 1300, &p6));
    ck_assert_int_eq(sock_info(a, other, &info), 0);
    ck_assert_uint_eq(info.snd_mss, mss_for(V4, 1500, &p4));
    PROVES("RFC8201-5.2-a");
}
END_TEST

START_TEST(source_quench_is_not_heard)
{
    int listener, server, client = hosts_connect(V4, &listener, &server);
    static const uint8_t text[4000];
    struct sock_info before, after;

    ck_assert_int_eq(sock_send(hosts[0].stack, client, text, sizeof text, 0, NULL), sizeof text);
    struct host_packet p = first_sent();
    ck_assert_int_eq(sock_info(hosts[0].stack, client, &before), 0);
    tell(V4, ICMP_SOURCE_QUENCH, 0, 0, &p);
    ck_assert_int_eq(sock_info(hosts[0].stack, client, &after), 0);
    ck_assert_uint_eq(after.facts.cwnd, before.facts.cwnd);
    ck_assert_uint_eq(host_drops(0, DROP_ICMP_IGNORED), 1);
    PROVES("RFC9293-MUST-55", "I09");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tcp icmp");
    TCase *c = tcase_create("RFC 9293, 3.9.2.2: ICMP errors");

    tcase_add_checked_fixture(c, given_two_hosts, hosts_gone);
    tcase_add_loop_test(c, syn_sent_ends_with_a_hard_error_and_outlives_a_soft_one, 0,
                        (int)ARRAY_LEN(errors));
    tcase_add_loop_test(c, syn_sent_still_connects_after_a_soft_error, 0, 2);
    tcase_add_loop_test(c, established_takes_no_error_for_the_end, 0, (int)ARRAY_LEN(errors));
    tcase_add_loop_test(c, a_parameter_problem_is_noted_and_ends_nothing, 0, 2);
    tcase_add_loop_test(c, established_that_gives_up_says_what_the_network_said, 0, 2);
    tcase_add_loop_test(c, only_a_segment_in_flight_is_believed, 0, 2 * (int)ARRAY_LEN(quoted));
    tcase_add_test(c, of_a_million_guesses_only_those_in_flight_are_believed);
    tcase_add_loop_test(c, an_error_about_somebody_else_changes_nothing, 0, 2);
    tcase_add_loop_test(c, a_path_that_swallows_large_packets_without_a_word_is_survived, 0,
                        (int)ARRAY_LEN(black_holes));
    tcase_add_loop_test(c, too_big_lowers_the_mss_and_sends_again_at_once, 0, 2);
    tcase_add_loop_test(c, a_path_mtu_goes_down_to_the_floor_and_never_up, 0, (int)ARRAY_LEN(mtus));
    tcase_add_test(c, one_path_says_nothing_of_another);
    tcase_add_test(c, source_quench_is_not_heard);
    suite_add_tcase(s, c);
    return run_suite(s, "tcp_icmp");
}
