/* The oracle of the simulated network: it is content with packets that keep the rules, and names
 * the rule that one breaks. Each row is a packet that follows a proper handshake. */
#include "base/checksum.h"
#include "base/instant.h"
#include "ip/icmp_wire.h"
#include "ip/ipv4_wire.h"
#include "sim/oracle.h"
#include "support/proves.h"

enum { ISS = 1000, IRS = 5000, SHIFT = 4, WINDOW = 100 /* in units of 16 */ };

static struct oracle oracle;
static uint8_t octets[30000];

static struct ip_addr us(void)
{
    return ip_from_v4(0x0a000001);
}

static struct ip_addr peer(void)
{
    return ip_from_v4(0x0a000002);
}

static void tell(size_t len, const struct frame_meta *meta, enum packet_fate fate, enum why why,
                 const struct conn_facts *facts)
{
    const struct iovec iov = {octets, len};
    struct event event = {.type = EVENT_PACKET};

    event.packet.fate = fate;
    event.packet.why = why;
    event.packet.facts = facts;
    event.packet.tcp = true;
    event.packet.iov = &iov;
    event.packet.iovcnt = 1;
    event.packet.meta = *meta;
    oracle.sink.event(&oracle.sink, &event);
}

/* What a row changes of a packet that is right. */
struct packet {
    struct tcp_segment seg; /* but for the ports and the text's octets */
    size_t text;
    enum why why;
    uint32_t inflight; /* of a cwnd of 4000 */
    uint16_t gso_size; /* 0: no big frame */
    bool in, dropped, foreign, no_ttl, bad_sum, late_mss, verified;
};

static void put(const struct packet *p)
{
    static const uint8_t zeros[20000];
    struct ip_addr src = p->in ? peer() : us(), dst = p->in ? us() : peer();
    struct conn_facts facts = {.id = 1, .cwnd = 4000, .inflight = p->inflight};
    struct tcp_segment seg = p->seg;
    struct writer w = writer_of(octets, sizeof octets);

    if (p->foreign)
        src = ip_from_v4(0x0a000003);
    seg.src_port = p->in ? 80 : 2000;
    seg.dst_port = p->in ? 2000 : 80;
    size_t len = tcp_header_len(&seg) + p->text;
    ipv4_emit(&w,
              &(struct ipv4_header){.src = src, .dst = dst, .protocol = IP_PROTOCOL_TCP, .ttl = 64},
              len);
    if (p->no_ttl) { /* which no writer of ours writes */
        octets[8] = 0;
        put_be16(octets + 10, 0);
        put_be16(octets + 10, checksum_of(bytes_of(octets, IPV4_HEADER_MIN)));
    }
    uint8_t *at = w.at;
    seg.flags |= p->late_mss ? TCP_SYN : 0; /* no writer of ours has an MSS elsewhere */
    tcp_emit(&w, &seg);
    if (p->late_mss)
        at[13] &= (uint8_t)~TCP_SYN;
    write_bytes(&w, zeros, p->text);
    struct checksum c = {0};
    checksum_add_pseudo(&c, src, dst, IP_PROTOCOL_TCP, (uint32_t)len);
    checksum_add(&c, bytes_of(at, len));
    put_be16(at + TCP_CSUM_OFFSET, (uint16_t)(checksum_finish(c) + p->bad_sum));
    struct frame_meta meta = {.gso_type = p->gso_size ? FRAME_GSO_TCPV4 : FRAME_GSO_NONE,
                              .gso_size = p->gso_size,
                              .flags = p->verified ? FRAME_CSUM_VALID : 0};
    tell(sizeof octets - w.left, &meta,
         p->dropped ? PACKET_DROPPED
         : p->in    ? PACKET_CONSUMED
                    : PACKET_OUT,
         p->why, &facts);
}

/* The client is ours; both scale by SHIFT. The peer's window ends at ISS + 1 + 1600, ours at
 * IRS + 1 + 1600. Text of 500 octets has left. */
static void setup(void)
{
    const struct tcp_options syn = {
        .has_mss = true, .mss = 1460, .has_window_scale = true, .window_scale = SHIFT};
    const struct packet handshake[] = {
        {.seg = {.seq = {ISS}, .flags = TCP_SYN, .window = 1600, .options = syn},
         .why = WHY_OUT_SYN},
        {.seg = {.seq = {IRS},
                 .ack = {ISS + 1},
                 .flags = TCP_SYN | TCP_ACK,
                 .window = 1600,
                 .options = syn},
         .in = true},
        {.seg = {.seq = {ISS + 1}, .ack = {IRS + 1}, .flags = TCP_ACK, .window = WINDOW},
         .text = 500,
         .why = WHY_OUT_WRITTEN,
         .inflight = 500},
    };

    oracle_init(&oracle, us());
    for (size_t i = 0; i < ARRAY_LEN(handshake); i++)
        put(&handshake[i]);
    ck_assert_ptr_null(oracle.problem);
    ck_assert_uint_eq(oracle.packets, 3);
}

#define SEG(from, acked, wnd, ...)                                                                 \
    .seg = {.seq = {ISS + 1 + (from)},                                                             \
            .ack = {IRS + 1 + (acked)},                                                            \
            .flags = TCP_ACK,                                                                      \
            .window = (wnd),                                                                       \
            __VA_ARGS__}

/* clang-format off */
static const struct {
    struct packet packet;
    const char *problem;
} rows[] = {
    {{SEG(500, 0, WINDOW), .text = 500, .why = WHY_OUT_WRITTEN, .inflight = 1000}, NULL},
    {{SEG(500, 0, WINDOW), .bad_sum = true}, "a TCP checksum is wrong"},
    {{SEG(500, 0, WINDOW), .foreign = true}, "a packet was sent from an address that is not ours"},
    {{SEG(500, 0, WINDOW), .no_ttl = true}, "a packet was sent with a hop limit of zero"},
    {{SEG(500, 0, WINDOW, .options = {.has_mss = true, .mss = 500}), .late_mss = true},
                                        "an MSS option is on a segment that is no SYN"},
    /* The edge is IRS + 1601: with 16 acknowledged it is one unit less, and may be. */
    {{SEG(500, 16, WINDOW - 1), .text = 0}, NULL},
    {{SEG(500, 15, WINDOW - 1), .text = 0}, NULL},
    {{SEG(500, 0, WINDOW - 1), .text = 0}, "the right edge of a window has moved left"},
    {{SEG(500, 400, WINDOW - 26), .text = 0}, "the right edge of a window has moved left"},
    /* The peer's window ends with the 1600th octet. */
    {{SEG(600, 0, WINDOW), .text = 1000, .why = WHY_OUT_WRITTEN, .inflight = 1500}, NULL},
    {{SEG(601, 0, WINDOW), .text = 1000, .why = WHY_OUT_WRITTEN, .inflight = 1500},
                                        "text lies beyond the peer's window"},
    {{SEG(1600, 0, WINDOW), .text = 1, .why = WHY_OUT_PROBE, .inflight = 1600}, NULL},
    /* Again is for a reason. */
    {{SEG(0, 0, WINDOW), .text = 500, .why = WHY_OUT_RTO, .inflight = 500}, NULL},
    {{SEG(0, 0, WINDOW), .text = 500, .why = WHY_OUT_WRITTEN, .inflight = 500},
                                        "something was sent again without a reason"},
    {{SEG(499, 0, WINDOW), .text = 500, .why = WHY_NONE, .inflight = 999},
                                        "something was sent again without a reason"},
    /* cwnd is 4000; two segments of 500, and their options, are limited transmit's. */
    {{SEG(500, 0, WINDOW), .text = 500, .why = WHY_OUT_LIMITED, .inflight = 5080}, NULL},
    {{SEG(500, 0, WINDOW), .text = 500, .why = WHY_OUT_ACK_CLOCKED, .inflight = 5081},
                                        "new text has left beyond cwnd"},
    {{SEG(0, 0, WINDOW), .text = 500, .why = WHY_OUT_FAST, .inflight = 9000}, NULL},
    /* A big frame's segments are no longer for that. */
    {{SEG(500, 0, WINDOW), .text = 1000, .gso_size = 500, .why = WHY_OUT_LIMITED, .inflight = 5080}, NULL},
    {{SEG(500, 0, WINDOW), .text = 1000, .gso_size = 500, .why = WHY_OUT_LIMITED, .inflight = 5081},
                                        "new text has left beyond cwnd"},
    {{SEG(500, 0, WINDOW), .text = 1000, .gso_size = 1200, .why = WHY_OUT_LIMITED, .inflight = 6080}, NULL},
    {{SEG(500, 0, WINDOW), .text = 1000, .gso_size = 1200, .why = WHY_OUT_LIMITED, .inflight = 6081},
                                        "new text has left beyond cwnd"},
};
/* clang-format on */

START_TEST(a_rule_that_is_broken_is_named)
{
    put(&rows[_i].packet);
    if (rows[_i].problem) {
        ck_assert_ptr_nonnull(oracle.problem);
        ck_assert_str_eq(oracle.problem, rows[_i].problem);
    } else {
        ck_assert_msg(!oracle.problem, "%s", oracle.problem);
    }
}
END_TEST

START_TEST(an_ack_counts_though_the_text_was_dropped_unless_it_is_damaged)
{
    struct packet ack = {
        .seg = {.seq = {IRS + 1}, .ack = {ISS + 501}, .flags = TCP_ACK, .window = WINDOW},
        .text = 10,
        .in = true,
        .dropped = true,
        .bad_sum = true};
    struct packet far = {
        .seg = {.seq = {ISS + 1 + 1100}, .ack = {IRS + 1}, .flags = TCP_ACK, .window = WINDOW},
        .text = 1000,
        .why = WHY_OUT_WRITTEN};

    ack.bad_sum = _i != 1;
    ack.verified = _i == 2;
    put(&ack);
    put(&far);
    ck_assert_int_eq(oracle.problem == NULL, _i > 0);
}
END_TEST

START_TEST(a_big_frame_is_read_whole)
{
    const struct packet big = {
        .seg = {.seq = {IRS + 1}, .ack = {ISS + 501}, .flags = TCP_ACK, .window = WINDOW},
        .text = 20000,
        .gso_size = 1000,
        .in = true,
        .verified = true,
        .bad_sum = true};

    put(&big);
    ck_assert_msg(!oracle.problem, "%s", oracle.problem);
}
END_TEST

START_TEST(an_error_about_an_error_is_named)
{
    uint8_t quote[28];
    struct writer q = writer_of(quote, sizeof quote), w = writer_of(octets, sizeof octets);
    struct icmp_header error = {.type = ICMP_UNREACHABLE, .code = ICMP_UNREACHABLE_PROTOCOL};

    ipv4_emit(
        &q,
        &(struct ipv4_header){.src = peer(), .dst = us(), .protocol = IP_PROTOCOL_ICMP, .ttl = 9},
        8);
    write_u8(&q, _i == 0 ? ICMP_ECHO : ICMP_TIME_EXCEEDED);
    write_zeros(&q, 7);
    ipv4_emit(
        &w,
        &(struct ipv4_header){.src = us(), .dst = peer(), .protocol = IP_PROTOCOL_ICMP, .ttl = 64},
        ICMP_HEADER + sizeof quote);
    icmp_emit(&w, &error, bytes_of(quote, sizeof quote));
    tell(sizeof octets - w.left, &(struct frame_meta){0}, PACKET_OUT, WHY_ICMP_UNREACHABLE, NULL);
    if (_i == 0)
        ck_assert_ptr_null(oracle.problem);
    else
        ck_assert_str_eq(oracle.problem, "an ICMP error is about an ICMP error");
}
END_TEST

/* --- what is told ------------------------------------------------------------------------- */

static void told(const struct event *event)
{
    oracle.sink.event(&oracle.sink, event);
}

static void told_state(enum tcp_state from, enum tcp_state to)
{
    told(&(struct event){.type = EVENT_STATE, .conn = 1, .state = {.from = from, .to = to}});
}

/* Any packet of connection 1. */
static void packet_in_state(enum tcp_state state, uint32_t cwnd)
{
    const struct conn_facts facts = {.id = 1, .state = state, .cwnd = cwnd};
    struct event event = {.type = EVENT_PACKET};

    event.packet.fate = PACKET_DROPPED;
    event.packet.facts = &facts;
    told(&event);
}

START_TEST(a_state_that_was_not_told_is_named)
{
    oracle_init(&oracle, us());
    packet_in_state(TCPS_CLOSED, 0); /* nothing is known yet */
    told_state(TCPS_CLOSED, TCPS_SYN_SENT);
    packet_in_state(TCPS_SYN_SENT, 0);
    ck_assert_ptr_null(oracle.problem);
    packet_in_state(TCPS_ESTABLISHED, 0);
    ck_assert_str_eq(oracle.problem, "a state was entered that was not told");

    oracle_init(&oracle, us());
    told_state(TCPS_CLOSED, TCPS_SYN_SENT);
    told_state(TCPS_ESTABLISHED, TCPS_CLOSE_WAIT);
    ck_assert_str_eq(oracle.problem, "a state was left that had not been told");
}
END_TEST

START_TEST(a_change_of_cwnd_that_was_not_told_is_named)
{
    oracle_init(&oracle, us());
    told_state(TCPS_CLOSED, TCPS_SYN_SENT);
    told_state(TCPS_SYN_SENT, TCPS_ESTABLISHED);
    packet_in_state(TCPS_ESTABLISHED, 1000);
    told(&(struct event){.type = EVENT_CWND, .conn = 1, .cwnd = {.cwnd = 2000}});
    packet_in_state(TCPS_ESTABLISHED, 2000);
    told(&(struct event){.type = EVENT_CWND_STEP, .conn = 1, .cwnd = {.cwnd = 3000}});
    packet_in_state(TCPS_ESTABLISHED, 3000);
    told(&(struct event){.type = EVENT_CWND, .conn = 65, .cwnd = {.cwnd = 7}}); /* its slot */
    packet_in_state(TCPS_ESTABLISHED, 4000);
    ck_assert_ptr_null(oracle.problem);
    told(&(struct event){.type = EVENT_CWND, .conn = 1, .cwnd = {.cwnd = 5000}});
    packet_in_state(TCPS_CLOSED, 6000);
    ck_assert_str_eq(oracle.problem, "cwnd has changed, and nothing was told");
}
END_TEST

START_TEST(a_timer_that_fires_untold_is_named)
{
    oracle_init(&oracle, us());
    told(&(struct event){.type = EVENT_TIMER_FIRED, .conn = 1}); /* its beginning was not heard */
    told_state(TCPS_CLOSED, TCPS_SYN_SENT);
    told(&(struct event){.type = EVENT_TIMER_SET, .conn = 1, .timer = {.kind = TIMER_RETRANSMIT}});
    told(
        &(struct event){.type = EVENT_TIMER_FIRED, .conn = 1, .timer = {.kind = TIMER_RETRANSMIT}});
    ck_assert_ptr_null(oracle.problem);
    told(&(struct event){.type = EVENT_TIMER_FIRED, .conn = 1, .timer = {.kind = TIMER_PERSIST}});
    ck_assert_str_eq(oracle.problem, "a timer has fired that was not told to be set");
}
END_TEST

START_TEST(where_a_stream_began_is_known_by_its_syn)
{
    struct endpoint local = {.addr = us(), .port = 2000}, remote = {.addr = peer(), .port = 80};
    tcp_seq start;

    ck_assert(oracle_stream_start(&oracle, local, remote, &start));
    ck_assert_uint_eq(start.value, ISS + 1);
    local.port++;
    ck_assert(!oracle_stream_start(&oracle, local, remote, &start));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("oracle");
    TCase *c = tcase_create("rules");
    tcase_add_checked_fixture(c, setup, NULL);
    tcase_add_loop_test(c, a_rule_that_is_broken_is_named, 0, ARRAY_LEN(rows));
    tcase_add_loop_test(c, an_ack_counts_though_the_text_was_dropped_unless_it_is_damaged, 0, 3);
    tcase_add_test(c, a_big_frame_is_read_whole);
    tcase_add_loop_test(c, an_error_about_an_error_is_named, 0, 2);
    tcase_add_test(c, where_a_stream_began_is_known_by_its_syn);
    tcase_add_test(c, a_state_that_was_not_told_is_named);
    tcase_add_test(c, a_change_of_cwnd_that_was_not_told_is_named);
    tcase_add_test(c, a_timer_that_fires_untold_is_named);
    suite_add_tcase(s, c);
    return run_suite(s, "oracle");
}
