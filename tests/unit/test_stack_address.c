/*
 * test_stack_address.c - addresses that come and go in the middle of traffic.
 *
 * The stack has two addresses on one link, so that what is left behind by the one that goes would
 * still find its way out: peer.c fails the test for a segment whose source is not ours.
 */
#include <poll.h>
#include <sys/epoll.h>

#include "base/addr.h"
#include "base/instant.h"
#include "support/peer.h"
#include "support/proves.h"
#include "support/udp_rig.h"

#define GOES  PEER_STACK_ADDR
#define STAYS PEER_V4(10, 9, 0, 3)

static struct ip_addr addr(uint32_t v4)
{
    return peer_endpoint(v4, 0).addr;
}

static struct ip_prefix prefix(uint32_t v4, uint8_t len)
{
    return (struct ip_prefix){addr(v4), len};
}

static struct peer *given_two_addresses(void)
{
    struct stack_config config;

    peer_config(&config);
    config.addr[config.addr_count++] = prefix(STAYS, 24);
    return peer_new_with(&config, INT64_C(1000000000000));
}

static void learn_addresses(struct peer *p)
{
    p->config = *stack_config(p->stack);
}

static void remove_addr(struct peer *p, uint32_t v4)
{
    ck_assert_int_eq(stack_remove_addr(p->stack, addr(v4), p->now), 0);
    learn_addresses(p);
}

static void add_addr(struct peer *p, uint32_t v4)
{
    ck_assert_int_eq(stack_add_addr(p->stack, prefix(v4, 24), p->now), 0);
    learn_addresses(p);
}

/* A connection of the next port, from the peer to that address, up to the third step. */
static struct wire_flow *half_open(struct peer *p, uint32_t to)
{
    struct wire_flow *flow = peer_flow_new(p);

    flow->our_addr = to;
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    return flow;
}

static void complete(struct peer *p, uint32_t to)
{
    half_open(p, to);
    peer_send(p, ".", 1, 1, 0);
    peer_expect_nothing(p);
}

/* A socket whose connection leaves from that address. */
static int connecting(struct peer *p, uint32_t from, uint16_t port)
{
    int s = peer_socket(p);

    ck_assert_int_eq(sock_bind(p->stack, s, peer_endpoint(from, port)), 0);
    ck_assert_int_eq(sock_connect(p->stack, s, peer_endpoint(PEER_ADDR, PEER_STACK_PORT), NULL),
                     -EINPROGRESS);
    return s;
}

/* --- what an address may be ---------------------------------------------------------------- */

START_TEST(an_address_that_no_stack_could_be_made_with_is_refused)
{
    struct peer *p = peer_new();
    const struct ip_prefix wrong[] = {
        prefix(PEER_V4(10, 9, 1, 0), 24), /* its network's number */
        prefix(PEER_V4(10, 9, 1, 255), 24), prefix(PEER_V4(224, 0, 0, 1), 24),
        prefix(PEER_V4(127, 0, 0, 1), 8),   prefix(PEER_V4(255, 255, 255, 255), 32),
        prefix(PEER_V4(10, 9, 1, 1), 33),   {.len = 24}};

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        ck_assert_int_eq(stack_add_addr(p->stack, wrong[i], p->now), -EINVAL);
    ck_assert_int_eq(stack_config(p->stack)->addr_count, 1);
    for (uint32_t i = 1; i < STACK_ADDRS; i++)
        ck_assert_int_eq(stack_add_addr(p->stack, prefix(GOES + i, 24), p->now), 0);
    ck_assert_int_eq(stack_add_addr(p->stack, prefix(GOES + 100, 24), p->now), -ENOSPC);
    ck_assert_int_eq(stack_remove_addr(p->stack, addr(GOES + 100), p->now), -EADDRNOTAVAIL);
    ck_assert_int_eq(stack_config(p->stack)->addr_count, STACK_ADDRS);
    peer_free(p);
}
END_TEST

START_TEST(an_address_may_get_another_prefix)
{
    struct peer *p = peer_new();

    ck_assert_int_eq(stack_set_gateway(p->stack, addr(PEER_V4(10, 8, 0, 1))), -EINVAL);
    ck_assert_int_eq(stack_add_addr(p->stack, prefix(GOES, 8), p->now), 0);
    ck_assert_int_eq(stack_config(p->stack)->addr_count, 1);
    ck_assert_int_eq(stack_config(p->stack)->addr[0].len, 8);
    ck_assert_int_eq(stack_set_gateway(p->stack, addr(PEER_V4(10, 8, 0, 1))), 0);
    /* The gateway would be off the link. */
    ck_assert_int_eq(stack_add_addr(p->stack, prefix(GOES, 24), p->now), -EINVAL);
    ck_assert_int_eq(stack_config(p->stack)->addr[0].len, 8);
    peer_free(p);
}
END_TEST

START_TEST(a_gateway_goes_with_the_last_address_that_reaches_it)
{
    struct peer *p = given_two_addresses();

    remove_addr(p, GOES);
    ck_assert(ip_equal(stack_config(p->stack)->gateway, addr(PEER_V4(10, 9, 0, 254))));
    remove_addr(p, STAYS);
    ck_assert(ip_is_unspecified(stack_config(p->stack)->gateway));
    ck_assert_int_eq(stack_set_gateway(p->stack, addr(PEER_V4(10, 9, 0, 254))), -EINVAL);
    add_addr(p, GOES);
    ck_assert_int_eq(stack_set_gateway(p->stack, addr(PEER_V4(10, 9, 0, 254))), 0);
    peer_free(p);
}
END_TEST

START_TEST(only_an_address_that_is_not_ours_can_be_claimed)
{
    struct stack_config config;
    struct peer *p = peer_new();
    struct ip_addr v6;

    ck_assert_int_eq(ip_addr_parse("fd00::2", &v6), 0);
    ck_assert_int_eq(stack_claim(p->stack), ADDR_CLAIM_NONE);
    ck_assert_int_eq(stack_claim_addr(p->stack, addr(GOES), p->now), -EINVAL);
    ck_assert_int_eq(stack_claim_addr(p->stack, v6, p->now), -EINVAL);
    ck_assert_int_eq(stack_claim(p->stack), ADDR_CLAIM_NONE);
    p->deaf = true; /* who answers for every address */
    ck_assert_int_eq(stack_claim_addr(p->stack, addr(STAYS), p->now), 0);
    ck_assert_int_eq(stack_claim(p->stack), ADDR_CLAIM_ASKING);
    peer_wait(p, 3000);
    ck_assert_int_eq(stack_claim(p->stack), ADDR_CLAIM_ASKING);
    stack_end_claim(p->stack);
    ck_assert_int_eq(stack_claim(p->stack), ADDR_CLAIM_NONE);
    uint64_t asked = p->arp_requests;
    peer_wait(p, 10000);
    ck_assert_uint_eq(p->arp_requests, asked);
    ck_assert_int_eq(stack_claim_addr(p->stack, addr(STAYS), p->now), 0);
    peer_wait(p, 8000);
    ck_assert_int_eq(stack_claim(p->stack), ADDR_CLAIM_FREE);
    p->deaf = false;
    ck_assert_int_eq(stack_claim_addr(p->stack, addr(STAYS), p->now), 0);
    peer_wait(p, 1000);
    ck_assert_int_eq(stack_claim(p->stack), ADDR_CLAIM_TAKEN);
    peer_free(p);

    peer_config(&config);
    config.values.arp_probes = 0;
    p = peer_new_with(&config, INT64_C(1000000000000));
    ck_assert_int_eq(stack_claim_addr(p->stack, addr(STAYS), p->now), 0);
    ck_assert_int_eq(stack_claim(p->stack), ADDR_CLAIM_FREE);
    peer_free(p);

    given_rig(); /* no Ethernet */
    ck_assert_int_eq(stack_claim_addr(rig.stack, addr(STAYS), rig.now), -EINVAL);
    rig_end();
}
END_TEST

/* --- connections --------------------------------------------------------------------------- */

START_TEST(an_address_serves_from_the_next_packet_on_and_no_longer)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 8);

    for (int round = 0; round < 3; round++) {
        peer_flow_new(p)->our_addr = STAYS;
        peer_syn(p);
        peer_expect_nothing(p);
        add_addr(p, STAYS);
        complete(p, STAYS);
        int s = peer_accept(p, listener);
        peer_send(p, "P.", 1, 1, 10);
        peer_wait(p, 100);
        peer_expect(p, ".", 1, 11, 0);
        remove_addr(p, STAYS);
        peer_send(p, "P.", 11, 1, 10);
        peer_expect_silence(p, 10000);
        char octets[20];
        ck_assert_int_eq(sock_recv(p->stack, s, octets, 20, 0, NULL), 10); /* what had come */
        ck_assert_int_eq(sock_recv(p->stack, s, octets, 20, 0, NULL), -ENETDOWN);
    }
    complete(p, GOES);
    peer_accept(p, listener);
    peer_free(p);
}
END_TEST

static const enum tcp_state states[] = {
    TCPS_LISTEN,     TCPS_SYN_SENT,   TCPS_SYN_RECEIVED, TCPS_ESTABLISHED, TCPS_FIN_WAIT_1,
    TCPS_FIN_WAIT_2, TCPS_CLOSE_WAIT, TCPS_CLOSING,      TCPS_LAST_ACK,    TCPS_TIME_WAIT};

/* In each state, whoever opened, with text on its way or not, owned or closed. */
START_TEST(a_connection_in_any_state_ends_with_its_address_and_says_nothing)
{
    enum tcp_state state = states[_i / 8];
    bool active = _i & 1, text = _i & 2, closed = _i & 4;
    struct peer *p = given_two_addresses();
    int s = peer_drive(p, state, active);

    if (text && (state == TCPS_ESTABLISHED || state == TCPS_CLOSE_WAIT)) {
        peer_app_send(p, s, 20000);
        peer_skip(p);
    }
    if (closed) {
        sock_close(p->stack, s);
        p->sock_count--;
    }
    remove_addr(p, GOES);
    peer_expect_silence(p, 600000);
    if (!closed && state != TCPS_LISTEN && (state != TCPS_SYN_RECEIVED || active)) {
        ck_assert_int_eq(peer_state_of(p, s), TCPS_CLOSED);
        ck_assert_int_eq(peer_so_error(p, s), ENETDOWN);
    }
    if (p->flow) { /* nobody is there for him */
        peer_send(p, "R", 1, 0, 0);
        peer_send(p, ".", 1, 1, 0);
        peer_expect_silence(p, 1000);
    }
    peer_free(p);
}
END_TEST

START_TEST(half_open_connections_end_and_those_of_the_other_address_stay)
{
    struct peer *p = given_two_addresses();
    int listener = peer_listen(p, 64);
    struct wire_flow *kept[20];

    for (int i = 0; i < 20; i++) {
        half_open(p, GOES);
        kept[i] = half_open(p, STAYS);
        if (i % 5 == 4)
            peer_wait(p, 300); /* they wait for different times */
    }
    peer_wait(p, 1500); /* and some have been sent again */
    peer_skip(p);
    remove_addr(p, GOES);
    for (int i = 0; i < 20; i++) {
        p->flow = kept[i];
        peer_send(p, ".", 1, 1, 0);
        peer_accept(p, listener);
    }
    peer_skip(p);
    peer_expect_silence(p, 600000);
    peer_free(p);
}
END_TEST

/* The device is full while the <SYN,ACK> is shown to it. */
START_TEST(a_half_open_connection_whose_answer_waits_for_the_device_ends)
{
    struct peer *p = given_two_addresses();
    int listener = peer_listen(p, 64);

    p->refuse = 1000;
    peer_flow_new(p);
    peer_syn(p);
    struct wire_flow *kept = peer_flow_new(p);
    kept->our_addr = STAYS;
    peer_syn(p);
    peer_poll(p);
    remove_addr(p, GOES);
    p->refuse = 0;
    peer_expect(p, "S.", 0, 1, 0);
    peer_expect_nothing(p);
    peer_send(p, ".", 1, 1, 0);
    peer_accept(p, listener);
    peer_free(p);
}
END_TEST

START_TEST(records_of_time_wait_end_and_those_of_the_other_address_stay)
{
    struct peer *p = given_two_addresses();
    int listener = peer_listen(p, 64);

    for (int i = 0; i < 20; i++) {
        complete(p, i % 2 ? STAYS : GOES);
        int s = peer_accept(p, listener);
        sock_close(p->stack, s);
        p->sock_count--;
        peer_expect(p, "F.", 1, 1, 0);
        peer_send(p, "F.", 1, 2, 0);
        peer_expect(p, ".", 2, 2, 0);
    }
    struct wire_flow *kept = p->flow, *gone = kept - 1;
    remove_addr(p, GOES);
    add_addr(p, GOES);
    peer_poll(p);
    p->flow = kept;
    peer_send(p, "F.", 1, 2, 0); /* acknowledged again */
    peer_expect(p, ".", 2, 2, 0);
    p->flow = gone;
    peer_send(p, "F.", 1, 2, 0); /* unknown */
    peer_expect(p, "R", 2, 0, 0);
    peer_free(p);
}
END_TEST

START_TEST(what_nobody_has_accepted_yet_ends)
{
    struct peer *p = given_two_addresses();
    int listener = peer_listen(p, 4);

    complete(p, GOES);
    complete(p, STAYS);
    struct wire_flow *kept = p->flow;
    complete(p, GOES);
    remove_addr(p, GOES);
    p->flow = kept;
    int s = peer_accept(p, listener);
    peer_app_send(p, s, 5);
    peer_expect(p, "P.", 1, 1, 5);
    ck_assert_int_eq(sock_accept(p->stack, listener, NULL, NULL), -EAGAIN);
    ck_assert_int_eq(sock_poll(p->stack, listener) & POLLIN, 0);
    add_addr(p, GOES);
    for (int i = 0; i < 4; i++) /* the backlog has all of its room again */
        complete(p, GOES);
    for (int i = 0; i < 4; i++)
        peer_accept(p, listener);
    peer_free(p);
}
END_TEST

/* A connection that was aborted is in no table any more, but owes its reset. */
START_TEST(a_reset_that_is_owed_does_not_leave_from_an_address_that_is_gone)
{
    struct peer *p = given_two_addresses();
    const struct linger at_once = {.l_onoff = 1};
    int s = peer_establish_active(p);

    ck_assert_int_eq(sock_setsockopt(p->stack, s, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once),
                     0);
    sock_close(p->stack, s);
    p->sock_count--;
    remove_addr(p, GOES);
    peer_expect_silence(p, 1000);
    peer_free(p);
}
END_TEST

/* Likewise when the listener is closed under half-open and completed ones. */
START_TEST(resets_of_a_listener_that_closed_do_not_leave_either)
{
    struct peer *p = given_two_addresses();
    int listener = peer_listen(p, 8);

    half_open(p, GOES);
    complete(p, GOES);
    complete(p, STAYS);
    sock_close(p->stack, listener);
    p->sock_count--;
    remove_addr(p, GOES);
    peer_expect_reset(p, 1);
    peer_expect_silence(p, 1000);
    peer_free(p);
}
END_TEST

/* --- packets that wait --------------------------------------------------------------------- */

/* The entry of the next hop stays, for the other address is on its link. */
START_TEST(what_waits_for_arp_does_not_leave_from_an_address_that_is_gone)
{
    struct stack_config config;
    peer_config(&config);
    config.addr[config.addr_count++] = prefix(STAYS, 24);
    struct peer *p = peer_new_with(&config, INT64_C(1000000000000));
    uint8_t frame[WIRE_MIN_FRAME];
    const uint8_t stack_mac[6] = {0x02, 0, 0x5e, 0x10, 0, 0x01};
    const uint32_t hop = PEER_V4(10, 9, 0, 77);

    p->deaf = true;
    const uint32_t from[] = {GOES, STAYS};
    for (size_t i = 0; i < 2; i++) {
        int s = peer_socket(p);
        ck_assert_int_eq(sock_bind(p->stack, s, peer_endpoint(from[i], (uint16_t)(5000 + i))), 0);
        ck_assert_int_eq(sock_connect(p->stack, s, peer_endpoint(hop, 80), NULL), -EINPROGRESS);
        peer_poll(p);
    }
    remove_addr(p, GOES);
    struct wire_arp answer = {.op = 2, .sha = {2, 0, 0, 0, 0, 1}, .spa = hop, .tpa = STAYS};
    memcpy(answer.tha, stack_mac, 6);
    peer_send_frame(p, frame, wire_emit_arp(frame, stack_mac, &answer));
    struct peer_segment syn;
    ck_assert(peer_next(p, &syn));
    ck_assert_uint_eq(syn.src, STAYS);
    ck_assert(!peer_next(p, &syn));
    peer_free(p);
}
END_TEST

/* The queue of the hop is full of the one's packets; the other has parked. */
START_TEST(who_waited_behind_packets_that_are_gone_goes_on)
{
    struct stack_config config;
    peer_config(&config);
    config.addr[config.addr_count++] = prefix(STAYS, 24);
    config.values.arp_queue = 1;
    struct peer *p = peer_new_with(&config, INT64_C(1000000000000));
    uint8_t frame[WIRE_MIN_FRAME];
    const uint8_t stack_mac[6] = {0x02, 0, 0x5e, 0x10, 0, 0x01};
    const uint32_t hop = PEER_V4(10, 9, 0, 77);
    const bool answered = _i;

    p->deaf = true;
    const uint32_t from[] = {GOES, STAYS};
    for (size_t i = 0; i < 2; i++) {
        int s = peer_socket(p);
        ck_assert_int_eq(sock_bind(p->stack, s, peer_endpoint(from[i], (uint16_t)(5000 + i))), 0);
        ck_assert_int_eq(sock_connect(p->stack, s, peer_endpoint(hop, 80), NULL), -EINPROGRESS);
        peer_poll(p);
    }
    struct wire_arp answer = {.op = 2, .sha = {2, 0, 0, 0, 0, 1}, .spa = hop, .tpa = STAYS};
    memcpy(answer.tha, stack_mac, 6);
    if (answered) { /* and the device is full when the packet could go */
        p->refuse = 1;
        peer_send_frame(p, frame, wire_emit_arp(frame, stack_mac, &answer));
        remove_addr(p, GOES);
    } else {
        remove_addr(p, GOES);
        peer_send_frame(p, frame, wire_emit_arp(frame, stack_mac, &answer));
    }
    struct peer_segment syn;
    ck_assert(peer_next(p, &syn));
    ck_assert_uint_eq(syn.src, STAYS);
    peer_free(p);
}
END_TEST

/* A datagram of three fragments, of which the device has taken one. */
START_TEST(a_datagram_of_which_half_has_left_stops_there)
{
    static const char data[4000];
    int s, other;

    given_rig();
    s = sock_socket(rig.stack, AF_INET, SOCK_DGRAM, 0);
    other = rig_socket(RIG_PORT + 1);
    ck_assert_int_eq(sock_bind(rig.stack, s, rig_at("10.0.0.2", RIG_PORT)), 0);
    ck_assert_int_eq(rig_send_to(s, "10.0.0.1", RIG_THEIRS, data, sizeof data), sizeof data);
    rig.full_after = 1;
    ck_assert_int_eq(rig_output(), 1);
    ck_assert_int_eq(stack_remove_addr(rig.stack, rig_at("10.0.0.2", 0).addr, rig.now), 0);
    rig.full_after = -1;
    rig_forget();
    ck_assert_int_eq(rig_output(), 0);
    ck_assert_int_eq(rig_send_to(other, "10.0.0.1", RIG_THEIRS, data, sizeof data), sizeof data);
    ck_assert_int_eq(rig_output(), 1); /* from its first octet */
    ck_assert_uint_eq(rig.packet[0].data_len, sizeof data);
    ck_assert(ip_equal(rig.packet[0].src, rig_at("10.0.0.3", 0).addr));
    ck_assert_int_eq(rig_send_to(s, "10.0.0.1", RIG_THEIRS, "x", 1), -EADDRNOTAVAIL);
    sock_close(rig.stack, s);
    sock_close(rig.stack, other);
    rig_end();
}
END_TEST

/* The queue was full of its datagrams: who waits for room hears of it. */
START_TEST(datagrams_that_wait_go_and_make_room)
{
    int s, other, sent = 0;

    given_rig();
    s = sock_socket(rig.stack, AF_INET, SOCK_DGRAM, 0);
    other = sock_socket(rig.stack, AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_eq(sock_bind(rig.stack, s, rig_at("10.0.0.2", RIG_PORT)), 0);
    ck_assert_int_eq(sock_bind(rig.stack, other, rig_at("10.0.0.3", RIG_PORT)), 0);
    rig.full_after = 0;
    while (rig_send_to(s, "10.0.0.1", RIG_THEIRS, "x", 1) == 1)
        sent++;
    ck_assert_int_gt(sent, 1);
    ck_assert_int_eq(rig_send_to(other, "10.0.0.1", RIG_THEIRS, "y", 1), -EAGAIN);
    ck_assert_int_eq(sock_poll(rig.stack, other) & POLLOUT, 0);
    uint64_t drops = rig_counter(COUNTER_REPLY_DROP);
    ck_assert_int_eq(stack_remove_addr(rig.stack, rig_at("10.0.0.2", 0).addr, rig.now), 0);
    ck_assert_uint_eq(rig_counter(COUNTER_REPLY_DROP), drops + (uint64_t)sent);
    ck_assert_int_ne(sock_poll(rig.stack, other) & POLLOUT, 0);
    ck_assert_int_eq(rig_send_to(other, "10.0.0.1", RIG_THEIRS, "y", 1), 1);
    rig.full_after = -1;
    ck_assert_int_eq(rig_output(), 1);
    sock_close(rig.stack, s);
    sock_close(rig.stack, other);
    rig_end();
}
END_TEST

/* The first fragment of a ping to it has come, the rest never does. */
START_TEST(fragments_to_an_address_that_is_gone_are_not_answered_for)
{
    static const bool gone[] = {false, true};
    uint8_t packet[20 + 64] = {0x45, 0,  0, 84, 0, 7, 0x20, 0, 64, IPPROTO_ICMP, 0, 0, 10, 0, 0,
                               1,    10, 0, 0,  2, 8, 0,    0, 0};
    uint32_t sum = 0;

    for (size_t i = 0; i < 20; i += 2)
        sum += (uint32_t)(packet[i] << 8 | packet[i + 1]);
    sum = ~((sum & 0xffff) + (sum >> 16));
    packet[10] = (uint8_t)(sum >> 8);
    packet[11] = (uint8_t)sum;
    for (size_t i = 0; i < ARRAY_LEN(gone); i++) {
        given_rig();
        rig_input_packet(packet, sizeof packet);
        if (gone[i])
            ck_assert_int_eq(stack_remove_addr(rig.stack, rig_at("10.0.0.2", 0).addr, rig.now), 0);
        rig.now = instant_add(rig.now, 120 * NS_PER_S);
        stack_advance(rig.stack, rig.now);
        ck_assert_int_eq(rig_output(), gone[i] ? 0 : 1); /* ICMP: the time is over */
        rig_forget();
        rig_end();
    }
}
END_TEST

START_TEST(a_ping_leaves_from_an_address_that_is_there)
{
    given_rig();
    int s = sock_socket(rig.stack, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
    ck_assert_int_ge(s, 0);
    ck_assert_int_eq(sock_connect(rig.stack, s, rig_at("10.0.0.1", 0), NULL), 0);
    ck_assert_int_eq(sock_send(rig.stack, s, "x", 1, 0, NULL), 1);
    ck_assert_int_eq(stack_remove_addr(rig.stack, rig_at("10.0.0.2", 0).addr, rig.now), 0);
    ck_assert_int_eq(rig_output(), 0); /* it waited, and has gone with the address */
    ck_assert_int_eq(sock_send(rig.stack, s, "x", 1, 0, NULL), 1);
    ck_assert_int_eq(rig_output(), 1);
    ck_assert(ip_equal(rig.packet[0].src, rig_at("10.0.0.3", 0).addr));
    ck_assert_int_eq(stack_remove_addr(rig.stack, rig_at("10.0.0.3", 0).addr, rig.now), 0);
    ck_assert_int_eq(sock_send(rig.stack, s, "x", 1, 0, NULL), -ENETUNREACH);
    rig_forget();
    sock_close(rig.stack, s);
    rig_end();
}
END_TEST

/* --- who is told --------------------------------------------------------------------------- */

START_TEST(a_set_of_epoll_hears_of_every_socket_that_has_lost_its_address)
{
    struct peer *p = given_two_addresses();
    int set = peer_own(p, sock_epoll_create(p->stack, 0));
    int tcp = peer_establish_active(p);
    int udp = peer_own(p, sock_socket(p->stack, AF_INET, SOCK_DGRAM, 0));
    int kept = peer_own(p, sock_socket(p->stack, AF_INET, SOCK_DGRAM, 0));
    struct epoll_event events[4];

    ck_assert_int_eq(sock_bind(p->stack, udp, peer_endpoint(GOES, 7)), 0);
    ck_assert_int_eq(sock_bind(p->stack, kept, peer_endpoint(STAYS, 7)), 0);
    const int sockets[] = {tcp, udp, kept};
    for (int i = 0; i < 3; i++) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = i};
        ck_assert_int_eq(sock_epoll_ctl(p->stack, set, EPOLL_CTL_ADD, sockets[i], &event), 0);
    }
    ck_assert_int_eq(sock_epoll_wait(p->stack, set, events, 4, 0, NULL), 0);
    remove_addr(p, GOES);
    ck_assert_int_eq(sock_epoll_wait(p->stack, set, events, 4, 0, NULL), 2);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_lt(events[i].data.fd, 2);
        ck_assert(events[i].events & EPOLLERR);
    }
    peer_free(p);
}
END_TEST

/* Who is connected may name his other end anew once he has let go of it. */
START_TEST(a_datagram_socket_can_be_connected_again)
{
    given_rig();
    int s = sock_socket(rig.stack, AF_INET, SOCK_DGRAM, 0);
    char octet;
    ck_assert_int_eq(sock_connect(rig.stack, s, rig_at("10.0.0.1", RIG_THEIRS), NULL), 0);
    ck_assert_int_eq(stack_remove_addr(rig.stack, rig_at("10.0.0.2", 0).addr, rig.now), 0);
    ck_assert_int_eq(sock_recv(rig.stack, s, &octet, 1, 0, NULL), -ENETDOWN);
    ck_assert_int_eq(sock_recv(rig.stack, s, &octet, 1, 0, NULL), -EAGAIN);
    ck_assert_int_eq(sock_send(rig.stack, s, "x", 1, 0, NULL), -EADDRNOTAVAIL);
    ck_assert_int_eq(sock_disconnect(rig.stack, s), 0);
    ck_assert_int_eq(sock_connect(rig.stack, s, rig_at("10.0.0.1", RIG_THEIRS), NULL), 0);
    ck_assert_int_eq(sock_send(rig.stack, s, "x", 1, 0, NULL), 1);
    ck_assert_int_eq(rig_output(), 1);
    ck_assert(ip_equal(rig.packet[0].src, rig_at("10.0.0.3", 0).addr));
    rig_forget();
    sock_close(rig.stack, s);
    rig_end();
}
END_TEST

START_TEST(a_socket_bound_to_an_address_that_is_gone_cannot_connect)
{
    struct peer *p = given_two_addresses();
    int s = peer_socket(p);

    ck_assert_int_eq(sock_bind(p->stack, s, peer_endpoint(GOES, 5000)), 0);
    remove_addr(p, GOES);
    ck_assert_int_eq(sock_connect(p->stack, s, peer_endpoint(PEER_ADDR, 80), NULL), -EADDRNOTAVAIL);
    ck_assert_int_eq(sock_bind(p->stack, peer_socket(p), peer_endpoint(GOES, 5001)),
                     -EADDRNOTAVAIL);
    add_addr(p, GOES);
    ck_assert_int_eq(sock_connect(p->stack, s, peer_endpoint(PEER_ADDR, 80), NULL), -EINPROGRESS);
    peer_expect(p, "S", 0, 0, 0);
    int other = connecting(p, STAYS, 5001);
    (void)other;
    peer_expect(p, "S", 0, 0, 0);
    peer_free(p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stack_address");
    TCase *tcase = tcase_create("addresses that come and go");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, an_address_that_no_stack_could_be_made_with_is_refused);
    tcase_add_test(tcase, an_address_may_get_another_prefix);
    tcase_add_test(tcase, a_gateway_goes_with_the_last_address_that_reaches_it);
    tcase_add_test(tcase, only_an_address_that_is_not_ours_can_be_claimed);
    tcase_add_test(tcase, an_address_serves_from_the_next_packet_on_and_no_longer);
    tcase_add_loop_test(tcase, a_connection_in_any_state_ends_with_its_address_and_says_nothing, 0,
                        8 * (int)ARRAY_LEN(states));
    tcase_add_test(tcase, half_open_connections_end_and_those_of_the_other_address_stay);
    tcase_add_test(tcase, a_half_open_connection_whose_answer_waits_for_the_device_ends);
    tcase_add_test(tcase, records_of_time_wait_end_and_those_of_the_other_address_stay);
    tcase_add_test(tcase, what_nobody_has_accepted_yet_ends);
    tcase_add_test(tcase, a_reset_that_is_owed_does_not_leave_from_an_address_that_is_gone);
    tcase_add_test(tcase, resets_of_a_listener_that_closed_do_not_leave_either);
    tcase_add_test(tcase, what_waits_for_arp_does_not_leave_from_an_address_that_is_gone);
    tcase_add_loop_test(tcase, who_waited_behind_packets_that_are_gone_goes_on, 0, 2);
    tcase_add_test(tcase, a_datagram_of_which_half_has_left_stops_there);
    tcase_add_test(tcase, datagrams_that_wait_go_and_make_room);
    tcase_add_test(tcase, fragments_to_an_address_that_is_gone_are_not_answered_for);
    tcase_add_test(tcase, a_ping_leaves_from_an_address_that_is_there);
    tcase_add_test(tcase, a_set_of_epoll_hears_of_every_socket_that_has_lost_its_address);
    tcase_add_test(tcase, a_datagram_socket_can_be_connected_again);
    tcase_add_test(tcase, a_socket_bound_to_an_address_that_is_gone_cannot_connect);
    suite_add_tcase(suite, tcase);
    return run_suite(suite, "stack_address");
}
