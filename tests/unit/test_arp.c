/*
 * test_arp.c - the ARP packet, and the cache on a clock that the tests wind.
 *
 * We are 10.9.0.2/16 with the gateway 10.9.0.1. The fixture does what a stack does: take_packet()
 * is a device that takes what is owed, wind() fires the timers.
 */
#include <stdio.h>

#include "eth/arp.h"
#include "support/exact.h"
#include "support/proves.h"

static const struct mac_addr our_mac = {{0x02, 0, 0x5e, 0x10, 0, 1}};
static const struct mac_addr mac_a = {{0x02, 0, 0, 0, 0, 0xaa}};
static const struct mac_addr mac_b = {{0x02, 0, 0, 0, 0, 0xbb}};

#define OURS  V4(10, 9, 0, 2)
#define PEER  V4(10, 9, 0, 7)
#define OTHER V4(10, 9, 0, 8) /* somebody who is neither us nor the peer */
#define V4(a, b, c, d)                                                                             \
    ip_from_v4((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

enum { OWNER = 3 };

static struct env env;
static struct memory memory;
static struct events events;
static struct wheel wheel;
static struct frame_pool frames;
static struct stack_values values;
static struct ip_prefix addrs[3];
static struct arp arp;
static instant now;

static void given_a_cache(void)
{
    memory = (struct memory){.env = &env};
    now = (instant){NS_PER_S};
    wheel_init(&wheel, now);
    ck_assert_int_eq(events_init(&events, &memory, 64), 0);
    ck_assert_int_eq(frame_pool_init(&frames, &memory, 1 << 20), 0);
    values_default(&values);
    addrs[0] = (struct ip_prefix){OURS, 16};
    struct arp_config config = {
        .memory = &memory,
        .events = &events,
        .wheel = &wheel,
        .timer_owner = OWNER,
        .values = &values,
        .mac = our_mac,
        .addrs = addrs,
        .addr_count = 1,
        .gateway = V4(10, 9, 0, 1),
        .key = {1, 2},
    };
    ck_assert_int_eq(arp_init(&arp, &config), 0);
}

/* Whatever happened: nothing is left behind. */
static void then_nothing_is_left(void)
{
    arp_fini(&arp);
    ck_assert_uint_eq(wheel.armed, 0);
    ck_assert_uint_eq(frames.out, 0);
    frame_pool_fini(&frames);
    events_fini(&events, &memory);
}

static void restart_with_addresses(int count, struct ip_addr gateway)
{
    struct arp_config config = arp.config;

    arp_fini(&arp);
    config.addr_count = count;
    config.gateway = gateway;
    ck_assert_int_eq(arp_init(&arp, &config), 0);
}

static uint64_t counted(enum counter counter)
{
    return events.counters.events[counter];
}

static void wind(int64_t ns)
{
    now = instant_add(now, ns);
    for (struct timer *timer; (timer = wheel_expire(&wheel, now));) {
        ck_assert_uint_eq(timer->owner, OWNER);
        arp_timer(&arp, timer, now);
    }
}

/* A millisecond more than `ns`: timers may be a tick late. */
static void wind_past(int64_t ns)
{
    wind(ns + NS_PER_MS);
}

struct sent {
    struct arp_packet packet;
    struct mac_addr dst;
    enum why why;
};

static bool take_packet(struct sent *sent)
{
    struct sent ignored;
    if (!sent)
        sent = &ignored;
    if (!arp_next_packet(&arp, now, &sent->packet, &sent->dst, &sent->why))
        return false;
    arp_packet_sent(&arp, now);
    return true;
}

static int take_all(void)
{
    int count = 0;
    while (take_packet(NULL))
        count++;
    return count;
}

static enum drop hear(uint16_t op, struct mac_addr sha, struct ip_addr spa, struct ip_addr tpa)
{
    struct arp_packet packet = {.op = op, .sha = sha, .spa = spa, .tpa = tpa};
    events.current.why = WHY_NONE;
    return arp_input(&arp, &packet, sha, now);
}

static const char *state_of(struct ip_addr addr)
{
    const char *state = arp_state_name(&arp, addr);
    return state ? state : "none";
}

/* Sends a packet with this tag to `to`, as a stack does; what arp_resolve() said. */
static enum arp_result send_to(struct ip_addr to, uint32_t tag, struct mac_addr *mac)
{
    struct mac_addr ignored;
    enum arp_result result = arp_resolve(&arp, to, now, mac ? mac : &ignored);

    if (result == ARP_PENDING) {
        struct frame *frame = frame_get(&frames, 100);
        ck_assert_ptr_nonnull(frame);
        frame->tag = tag;
        arp_hold(&arp, to, frame);
    }
    return result;
}

static bool goes_to(struct ip_addr to, struct mac_addr mac)
{
    struct mac_addr found;
    return arp_resolve(&arp, to, now, &found) == ARP_KNOWN && mac_equal(found, mac);
}

/* The tag of the next packet that can go, or 0. */
static uint32_t released(struct mac_addr *dst)
{
    struct mac_addr ignored;
    struct frame *frame = arp_next_released(&arp, dst ? dst : &ignored);
    uint32_t tag = frame ? frame->tag : 0;
    frame_put(frame);
    return tag;
}

static int entries(void)
{
    return (int)arp.entries.used;
}

/* The peer is cached with mac_a, fresh, and somebody here has just sent to it. */
static void given_the_peer_is_reachable(void)
{
    ck_assert_int_eq(send_to(PEER, 1, NULL), ARP_PENDING);
    ck_assert_int_eq(take_all(), 1);
    ck_assert_int_eq(hear(ARP_REPLY, mac_a, PEER, OURS), DROP_NONE);
    ck_assert_uint_eq(released(NULL), 1);
    ck_assert(goes_to(PEER, mac_a));
    ck_assert_str_eq(state_of(PEER), "reachable");
}

/* --- the packet --------------------------------------------------------------------------- */

static const uint8_t request_octets[ARP_LEN] = {
    0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01,       /* Ethernet, IPv4, 6, 4, request */
    0x02, 0x00, 0x00, 0x00, 0x00, 0xaa, 10,   9,    0, 7, /* from the peer */
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 10,   9,    0, 2, /* who has us? */
};

START_TEST(a_packet_is_read_at_28_octets_and_more_and_refused_below)
{
    uint8_t octets[60] = {0};
    memcpy(octets, request_octets, ARP_LEN);
    for (size_t len = 0; len <= sizeof(octets); len++) {
        struct arp_packet packet;
        struct bytes in = exact_copy(octets, len);
        ck_assert_int_eq(arp_parse(in, &packet), len < ARP_LEN ? DROP_ARP_BAD : DROP_NONE);
        exact_free(in);
    }
    PROVES("A01", "RFC826-Reception-a");
}
END_TEST

static const struct {
    size_t at;
    uint16_t value;
} strange_fields[] = {
    {0, 0},      {0, 6},      {0, 0x0100}, {0, 0xffff}, /* hardware type */
    {2, 0x0806}, {2, 0x86dd}, {2, 0},                   /* protocol type */
    {4, 0x0004}, {4, 0x0504}, {4, 0x0704}, {4, 0x0804}, {4, 0x1004}, {4, 0xff04}, /* hlen */
    {4, 0x0600}, {4, 0x0603}, {4, 0x0605}, {4, 0x0610}, {4, 0x06ff}, {4, 0x0406}, /* plen */
};

START_TEST(a_packet_for_other_hardware_or_another_protocol_is_refused)
{
    uint8_t octets[60] = {0};
    struct arp_packet packet;

    memcpy(octets, request_octets, ARP_LEN);
    put_be16(octets + strange_fields[_i].at, strange_fields[_i].value);
    ck_assert_int_eq(arp_parse(bytes_of(octets, sizeof(octets)), &packet), DROP_ARP_BAD);
    PROVES("A01", "RFC826-Reception-a");
}
END_TEST

START_TEST(a_packet_is_written_as_it_was_read)
{
    struct arp_packet packet;
    uint8_t out[ARP_LEN];
    struct writer w = writer_of(out, sizeof(out));

    ck_assert_int_eq(arp_parse(bytes_of(request_octets, ARP_LEN), &packet), DROP_NONE);
    ck_assert_uint_eq(packet.op, ARP_REQUEST);
    ck_assert(mac_equal(packet.sha, mac_a) && ip_equal(packet.spa, PEER));
    ck_assert(mac_is_zero(packet.tha) && ip_equal(packet.tpa, OURS));
    arp_emit(&w, &packet);
    ck_assert_uint_eq(w.left, 0);
    ck_assert_mem_eq(out, request_octets, ARP_LEN);
}
END_TEST

/* --- RFC 826, "Packet Reception" ---------------------------------------------------------- */

START_TEST(who_asks_for_us_is_answered_alone_with_the_fields_swapped)
{
    struct sent sent;

    ck_assert_int_eq(hear(ARP_REQUEST, mac_a, PEER, OURS), DROP_NONE);
    ck_assert_int_eq(events.current.why, WHY_ARP_ASKED);
    ck_assert(take_packet(&sent));
    ck_assert_int_eq(sent.why, WHY_ARP_REPLY);
    ck_assert(mac_equal(sent.dst, mac_a));
    ck_assert_uint_eq(sent.packet.op, ARP_REPLY);
    ck_assert(mac_equal(sent.packet.sha, our_mac) && ip_equal(sent.packet.spa, OURS));
    ck_assert(mac_equal(sent.packet.tha, mac_a) && ip_equal(sent.packet.tpa, PEER));
    ck_assert(!take_packet(NULL));
    PROVES("RFC826-Reception-e", "RFC5227-2.6-a", "RFC5227-2.5-a");
}
END_TEST

START_TEST(who_asks_for_us_is_learned_and_need_not_be_asked)
{
    ck_assert_int_eq(hear(ARP_REQUEST, mac_a, PEER, OURS), DROP_NONE);
    ck_assert_int_eq(take_all(), 1); /* the answer */
    ck_assert(goes_to(PEER, mac_a));
    ck_assert_int_eq(take_all(), 0);
    PROVES("RFC826-Reception-c");
}
END_TEST

START_TEST(who_asks_for_another_is_not_learned)
{
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(hear(ARP_REQUEST, mac_a, V4(10, 9, 1 + i / 250, i % 250 + 1), OTHER),
                         DROP_NONE);
    ck_assert_int_eq(entries(), 0);
    ck_assert_int_eq(take_all(), 0);
    PROVES("RFC826-Reception-d");
}
END_TEST

START_TEST(what_nobody_asked_for_makes_no_entry)
{
    ck_assert_int_eq(hear(ARP_REPLY, mac_a, PEER, OURS), DROP_NONE);
    ck_assert_int_eq(hear(ARP_REPLY, mac_a, PEER, OTHER), DROP_NONE);
    ck_assert_int_eq(hear(ARP_REPLY, mac_a, PEER, PEER), DROP_NONE);   /* gratuitous, as a reply */
    ck_assert_int_eq(hear(ARP_REQUEST, mac_a, PEER, PEER), DROP_NONE); /* and as a request */
    ck_assert_uint_eq(counted(COUNTER_ARP_UNSOLICITED), 4);
    ck_assert_int_eq(entries(), 0);
    ck_assert_int_eq(take_all(), 0);
    PROVES("A03");
}
END_TEST

START_TEST(a_cached_station_refreshes_its_entry_whomever_it_asks_for)
{
    given_the_peer_is_reachable();
    wind(values.arp_lifetime - NS_PER_S);
    ck_assert_int_eq(hear(ARP_REQUEST, mac_a, PEER, OTHER), DROP_NONE);
    ck_assert_int_eq(events.current.why, WHY_ARP_HEARD);
    wind(values.arp_lifetime - NS_PER_S);
    ck_assert_str_eq(state_of(PEER), "reachable");
    wind_past(NS_PER_S);
    ck_assert_str_ne(state_of(PEER), "reachable");
    PROVES("RFC826-Reception-b");
}
END_TEST

/* The stale entry is taken over at once; the fresh one after the old station was asked in vain. */
START_TEST(a_cached_station_that_changes_its_hardware_is_believed)
{
    struct sent sent;

    ck_assert_int_eq(hear(ARP_REQUEST, mac_a, PEER, OURS), DROP_NONE);
    take_all();
    wind_past(values.arp_lifetime);
    ck_assert_str_eq(state_of(PEER), "stale");
    ck_assert_int_eq(hear(ARP_REQUEST, mac_b, PEER, OTHER), DROP_NONE);
    ck_assert(goes_to(PEER, mac_b));
    ck_assert_int_eq(take_all(), 0);

    ck_assert_int_eq(hear(ARP_REQUEST, mac_a, PEER, OTHER), DROP_NONE);
    ck_assert(take_packet(&sent));
    ck_assert(mac_equal(sent.dst, mac_b));
    wind_past(values.arp_interval);
    ck_assert(goes_to(PEER, mac_a));
    ck_assert_str_eq(state_of(PEER), "reachable");
    PROVES("RFC826-Reception-b");
}
END_TEST

/* Every opcode but two: merged like any other packet, then dropped by name, never answered. */
START_TEST(a_strange_opcode_merges_and_is_dropped)
{
    ck_assert_int_eq(hear(ARP_REQUEST, mac_a, PEER, OURS), DROP_NONE);
    take_all();
    for (uint32_t op = 0; op <= UINT16_MAX; op++) {
        if (op == ARP_REQUEST || op == ARP_REPLY)
            continue;
        ck_assert_int_eq(hear((uint16_t)op, mac_a, PEER, OURS), DROP_ARP_BAD);
        ck_assert_int_eq(hear((uint16_t)op, mac_a, OTHER, OURS), DROP_ARP_BAD);
    }
    ck_assert_int_eq(hear(99, mac_a, ip_from_v4(0), OURS), DROP_ARP_BAD);
    ck_assert_int_eq(hear(99, mac_a, OURS, OURS), DROP_ARP_BAD);
    ck_assert_int_eq(entries(), 1); /* no stranger was learned */
    ck_assert_int_eq(take_all(), 0);
    ck_assert_uint_eq(counted(COUNTER_ARP_CONFLICT), 0);

    wind_past(values.arp_lifetime);
    ck_assert_str_eq(state_of(PEER), "stale");
    ck_assert_int_eq(hear(99, mac_b, PEER, OURS), DROP_ARP_BAD);
    ck_assert_str_eq(state_of(PEER), "reachable");
    ck_assert(goes_to(PEER, mac_b));
    ck_assert_int_eq(take_all(), 0);
    PROVES("RFC826-Reception-f", "A01");
}
END_TEST

/* --- who may speak ------------------------------------------------------------------------ */

static const struct {
    struct mac_addr sha, frame_src;
    uint8_t spa[4];
    uint16_t op;
    enum drop drop;
} senders[] = {
#define A                                                                                          \
    {                                                                                              \
        {                                                                                          \
            0x02, 0, 0, 0, 0, 0xaa                                                                 \
        }                                                                                          \
    }
#define B                                                                                          \
    {                                                                                              \
        {                                                                                          \
            0x02, 0, 0, 0, 0, 0xbb                                                                 \
        }                                                                                          \
    }
#define GROUP                                                                                      \
    {                                                                                              \
        {                                                                                          \
            0x03, 0, 0, 0, 0, 0xaa                                                                 \
        }                                                                                          \
    }
#define ALL                                                                                        \
    {                                                                                              \
        {                                                                                          \
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff                                                     \
        }                                                                                          \
    }
#define ZERO                                                                                       \
    {                                                                                              \
        {                                                                                          \
            0, 0, 0, 0, 0, 0                                                                       \
        }                                                                                          \
    }
#define US                                                                                         \
    {                                                                                              \
        {                                                                                          \
            0x02, 0, 0x5e, 0x10, 0, 1                                                              \
        }                                                                                          \
    }
    {A, A, {10, 9, 0, 7}, ARP_REQUEST, DROP_NONE},
    {A, B, {10, 9, 0, 7}, ARP_REQUEST, DROP_ARP_BAD_SENDER}, /* the frame says otherwise */
    {GROUP, GROUP, {10, 9, 0, 7}, ARP_REQUEST, DROP_ARP_BAD_SENDER},
    {ALL, ALL, {10, 9, 0, 7}, ARP_REQUEST, DROP_ARP_BAD_SENDER},
    {ZERO, ZERO, {10, 9, 0, 7}, ARP_REQUEST, DROP_ARP_BAD_SENDER},
    {US, US, {10, 9, 0, 7}, ARP_REQUEST, DROP_ARP_BAD_SENDER},
    {US, A, {10, 9, 0, 2}, ARP_REQUEST, DROP_ARP_BAD_SENDER},
    {A, A, {10, 8, 255, 255}, ARP_REQUEST, DROP_ARP_BAD_SENDER}, /* off the link */
    {A, A, {10, 9, 0, 0}, ARP_REQUEST, DROP_ARP_BAD_SENDER},     /* the network itself */
    {A, A, {10, 9, 0, 1}, ARP_REQUEST, DROP_NONE},
    {A, A, {10, 9, 255, 254}, ARP_REQUEST, DROP_NONE},
    {A, A, {10, 9, 255, 255}, ARP_REQUEST, DROP_ARP_BAD_SENDER}, /* directed broadcast */
    {A, A, {10, 10, 0, 0}, ARP_REQUEST, DROP_ARP_BAD_SENDER},
    {A, A, {0, 0, 0, 1}, ARP_REQUEST, DROP_ARP_BAD_SENDER},
    {A, A, {127, 0, 0, 1}, ARP_REQUEST, DROP_ARP_BAD_SENDER},
    {A, A, {224, 0, 0, 1}, ARP_REQUEST, DROP_ARP_BAD_SENDER},
    {A, A, {240, 0, 0, 1}, ARP_REQUEST, DROP_ARP_BAD_SENDER},
    {A, A, {255, 255, 255, 255}, ARP_REQUEST, DROP_ARP_BAD_SENDER},
    {A, A, {0, 0, 0, 0}, ARP_REQUEST, DROP_NONE}, /* a probe */
    {A, A, {0, 0, 0, 0}, ARP_REPLY, DROP_ARP_BAD_SENDER},
    {A, B, {0, 0, 0, 0}, ARP_REQUEST, DROP_ARP_BAD_SENDER},
#undef A
#undef B
#undef GROUP
#undef ALL
#undef ZERO
#undef US
};

START_TEST(a_sender_that_is_no_station_of_this_link_is_dropped)
{
    const uint8_t *spa = senders[_i].spa;
    struct arp_packet packet = {
        .op = senders[_i].op,
        .sha = senders[_i].sha,
        .spa = V4(spa[0], spa[1], spa[2], spa[3]),
        .tpa = OURS,
    };

    ck_assert_int_eq(arp_input(&arp, &packet, senders[_i].frame_src, now), senders[_i].drop);
    if (senders[_i].drop) {
        ck_assert_int_eq(entries(), 0);
        ck_assert_int_eq(take_all(), 0);
        ck_assert_uint_eq(counted(COUNTER_ARP_CONFLICT), 0);
    }
    PROVES("A02");
}
END_TEST

START_TEST(a_gateway_outside_our_networks_may_speak)
{
    restart_with_addresses(1, V4(192, 0, 2, 1));
    ck_assert_int_eq(hear(ARP_REQUEST, mac_a, V4(192, 0, 2, 2), OURS), DROP_ARP_BAD_SENDER);
    ck_assert_int_eq(hear(ARP_REQUEST, mac_a, V4(192, 0, 2, 1), OURS), DROP_NONE);
    ck_assert(goes_to(V4(192, 0, 2, 1), mac_a));
}
END_TEST

START_TEST(a_probe_for_our_address_is_answered_and_teaches_nothing)
{
    struct sent sent;

    ck_assert_int_eq(hear(ARP_REQUEST, mac_a, ip_from_v4(0), OTHER), DROP_NONE);
    ck_assert_int_eq(take_all(), 0);
    ck_assert_int_eq(hear(ARP_REQUEST, mac_a, ip_from_v4(0), OURS), DROP_NONE);
    ck_assert_int_eq(entries(), 0);
    ck_assert(take_packet(&sent));
    ck_assert_uint_eq(sent.packet.op, ARP_REPLY);
    ck_assert(mac_equal(sent.dst, mac_a) && ip_is_unspecified(sent.packet.tpa));
    PROVES("RFC5227-2.5-a");
}
END_TEST

START_TEST(answers_beyond_the_ring_are_dropped_and_counted)
{
    for (int i = 0; i < ARP_ANSWERS + 5; i++)
        ck_assert_int_eq(hear(ARP_REQUEST, mac_a, PEER, OURS), DROP_NONE);
    ck_assert_uint_eq(counted(COUNTER_REPLY_DROP), 5);
    ck_assert_int_eq(take_all(), ARP_ANSWERS);
    ck_assert_int_eq(hear(ARP_REQUEST, mac_b, OTHER, OURS), DROP_NONE); /* around the seam */
    ck_assert_int_eq(take_all(), 1);
}
END_TEST

/* --- RFC 5227: our own address ------------------------------------------------------------ */

static void assert_claims_our_address(const struct sent *sent, enum why why)
{
    ck_assert_int_eq(sent->why, why);
    ck_assert(mac_equal(sent->dst, MAC_BROADCAST));
    ck_assert_uint_eq(sent->packet.op, ARP_REQUEST);
    ck_assert(mac_equal(sent->packet.sha, our_mac) && mac_is_zero(sent->packet.tha));
    ck_assert(ip_equal(sent->packet.spa, OURS) && ip_equal(sent->packet.tpa, OURS));
}

START_TEST(an_address_is_announced_twice_two_seconds_apart)
{
    struct sent sent;

    arp_announce(&arp, now);
    ck_assert(take_packet(&sent));
    assert_claims_our_address(&sent, WHY_ARP_ANNOUNCE);
    ck_assert(!take_packet(NULL));
    wind(2 * NS_PER_S - NS_PER_MS);
    ck_assert(!take_packet(NULL));
    wind(2 * NS_PER_MS);
    ck_assert(take_packet(&sent));
    assert_claims_our_address(&sent, WHY_ARP_ANNOUNCE);
    wind(100 * NS_PER_S);
    ck_assert(!take_packet(NULL));
    ck_assert_uint_eq(arp_timers(&arp), 0);
    PROVES("RFC5227-2.3-a");
}
END_TEST

START_TEST(each_address_is_announced_and_answered_for)
{
    struct sent sent;

    addrs[1] = (struct ip_prefix){V4(192, 0, 2, 9), 24};
    addrs[2] = (struct ip_prefix){{{0xfd, [15] = 2}}, 64}; /* not ARP's business */
    restart_with_addresses(3, V4(10, 9, 0, 1));
    arp_announce(&arp, now);
    ck_assert_int_eq(take_all(), 2);
    wind_past(2 * NS_PER_S);
    ck_assert_int_eq(take_all(), 2);

    ck_assert_int_eq(hear(ARP_REQUEST, mac_a, V4(192, 0, 2, 1), V4(192, 0, 2, 9)), DROP_NONE);
    ck_assert(take_packet(&sent));
    ck_assert(ip_equal(sent.packet.spa, V4(192, 0, 2, 9)));
    /* and each network is asked by the address that is in it */
    ck_assert_int_eq(send_to(V4(192, 0, 2, 77), 1, NULL), ARP_PENDING);
    ck_assert(take_packet(&sent));
    ck_assert(ip_equal(sent.packet.spa, V4(192, 0, 2, 9)));
    ck_assert_int_eq(send_to(PEER, 1, NULL), ARP_PENDING);
    ck_assert(take_packet(&sent));
    ck_assert(ip_equal(sent.packet.spa, OURS));
}
END_TEST

static int notes_heard;

static void hear_note(struct event_sink *sink, const struct event *event)
{
    (void)sink;
    notes_heard += event->type == EVENT_NOTE;
}

START_TEST(our_address_is_defended_once_in_ten_seconds_and_nothing_is_learned)
{
    struct event_sink sink = {.event = hear_note};
    struct sent sent;

    notes_heard = 0;
    events.sinks = &sink;
    for (int i = 0; i < 50; i++) { /* ten seconds, a conflict each 200 ms, in every form */
        ck_assert_int_eq(hear(i % 2 ? ARP_REPLY : ARP_REQUEST, mac_b, OURS, i % 3 ? OURS : PEER),
                         DROP_NONE);
        ck_assert_int_eq(events.current.why, WHY_ARP_CONFLICT);
        if (i == 0) {
            ck_assert(take_packet(&sent));
            assert_claims_our_address(&sent, WHY_ARP_DEFEND);
        }
        ck_assert(!take_packet(NULL));
        if (i < 49)
            wind(200 * NS_PER_MS);
    }
    wind(200 * NS_PER_MS);
    ck_assert_int_eq(hear(ARP_REPLY, mac_b, OURS, OURS), DROP_NONE);
    ck_assert(take_packet(&sent));
    assert_claims_our_address(&sent, WHY_ARP_DEFEND);
    ck_assert(!take_packet(NULL));

    ck_assert_int_eq(entries(), 0);
    ck_assert_uint_eq(counted(COUNTER_ARP_CONFLICT), 51);
    ck_assert_int_eq(notes_heard, 2);
    events.sinks = NULL;
    PROVES("A05", "RFC5227-2.4-a");
}
END_TEST

/* --- who contradicts a fresh entry -------------------------------------------------------- */

START_TEST(a_fresh_entry_is_kept_when_its_station_answers)
{
    struct sent sent;

    given_the_peer_is_reachable();
    wind(2 * NS_PER_S);
    ck_assert_int_eq(hear(ARP_REPLY, mac_b, PEER, OURS), DROP_NONE);
    ck_assert_uint_eq(counted(COUNTER_ARP_CONFLICT_ENTRY), 1);
    ck_assert(goes_to(PEER, mac_a));
    ck_assert(take_packet(&sent));
    ck_assert_int_eq(sent.why, WHY_ARP_PROBE);
    ck_assert(mac_equal(sent.dst, mac_a) && ip_equal(sent.packet.tpa, PEER));
    wind(500 * NS_PER_MS);
    ck_assert_int_eq(hear(ARP_REPLY, mac_a, PEER, OURS), DROP_NONE);
    ck_assert_int_eq(events.current.why, WHY_ARP_LEARNED);
    wind_past(values.arp_interval);
    ck_assert(goes_to(PEER, mac_a));
    ck_assert_int_eq(take_all(), 0);
    PROVES("A04");
}
END_TEST

START_TEST(a_fresh_entry_is_given_up_only_when_its_station_is_silent)
{
    given_the_peer_is_reachable();
    wind(2 * NS_PER_S);
    ck_assert_int_eq(hear(ARP_REPLY, mac_b, PEER, OURS), DROP_NONE);
    ck_assert_int_eq(take_all(), 1);
    wind(values.arp_interval - NS_PER_MS);
    ck_assert(goes_to(PEER, mac_a));
    wind(2 * NS_PER_MS);
    ck_assert(goes_to(PEER, mac_b));
    ck_assert_str_eq(state_of(PEER), "reachable");
    PROVES("A04", "RFC826-Reception-b");
}
END_TEST

START_TEST(progress_of_a_connection_speaks_for_the_old_station_too)
{
    given_the_peer_is_reachable();
    wind(2 * NS_PER_S);
    ck_assert_int_eq(hear(ARP_REPLY, mac_b, PEER, OURS), DROP_NONE);
    ck_assert_int_eq(take_all(), 1);
    arp_confirm(&arp, PEER, now);
    wind_past(values.arp_interval);
    ck_assert(goes_to(PEER, mac_a));
}
END_TEST

/* An attacker that repeats itself: the gateway's station is asked once a second, and keeps it. */
START_TEST(a_flood_of_contradictions_costs_one_probe_a_second)
{
    struct ip_addr gateway = V4(10, 9, 0, 1);
    int probes = 0;

    ck_assert_int_eq(hear(ARP_REQUEST, mac_a, gateway, OURS), DROP_NONE);
    take_all();
    for (int ms = 0; ms < 10000; ms += 10) {
        ck_assert_int_eq(hear(ARP_REPLY, mac_b, gateway, OURS), DROP_NONE);
        if (take_all() > 0) {
            probes++;
            ck_assert_int_eq(hear(ARP_REPLY, mac_a, gateway, OURS), DROP_NONE);
        }
        ck_assert(goes_to(gateway, mac_a));
        wind(10 * NS_PER_MS);
    }
    ck_assert_int_eq(probes, 10);
    PROVES("A04", "RFC1122-2.3.2.1-c");
}
END_TEST

/* --- RFC 1122, 2.3.2.1: requests and age -------------------------------------------------- */

START_TEST(an_unknown_address_is_asked_for_once_a_second_and_given_up_after_three)
{
    static const int64_t step = NS_PER_MS; /* a packet each millisecond, for ten seconds */
    struct sent sent;
    struct ip_addr failed;
    int requests = 0, pending = 0;
    bool told = false;
    instant last = {0};

    for (int i = 0; i < 3000; i++) {
        ck_assert_int_eq(send_to(PEER, 1, NULL), ARP_PENDING);
        pending++;
        while (take_packet(&sent)) {
            ck_assert_int_eq(sent.why, WHY_ARP_REQUEST);
            ck_assert(mac_equal(sent.dst, MAC_BROADCAST) && mac_is_zero(sent.packet.tha));
            ck_assert_uint_eq(sent.packet.op, ARP_REQUEST);
            ck_assert(ip_equal(sent.packet.spa, OURS) && ip_equal(sent.packet.tpa, PEER));
            ck_assert(requests == 0 || instant_since(now, last) >= NS_PER_S);
            last = now;
            requests++;
        }
        ck_assert_uint_le(frames.out, (uint64_t)values.arp_queue);
        wind(step);
    }
    ck_assert_int_eq(requests, 3);
    wind(10 * step);
    while (arp_next_failed(&arp, &failed)) {
        ck_assert(!told && ip_equal(failed, PEER));
        told = true;
    }
    ck_assert(told);
    ck_assert_uint_eq(frames.out, 0);
    ck_assert_uint_eq(counted(COUNTER_ARP_QUEUE_DROP), (uint64_t)pending);

    /* For as long as that took nobody is asked again, and senders hear it at once. */
    ck_assert_int_eq(send_to(PEER, 1, NULL), ARP_FAILED);
    ck_assert_int_eq(take_all(), 0);
    wind_past(3 * NS_PER_S);
    ck_assert_int_eq(send_to(PEER, 1, NULL), ARP_PENDING);
    ck_assert_int_eq(take_all(), 1);
    PROVES("A07", "RFC1122-2.3.2.1-c", "RFC1122-3.2.2-arp");
}
END_TEST

START_TEST(a_failed_address_that_speaks_up_is_believed)
{
    ck_assert_int_eq(send_to(PEER, 1, NULL), ARP_PENDING);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(take_all(), 1);
        wind_past(values.arp_interval);
    }
    ck_assert_str_eq(state_of(PEER), "failed");
    ck_assert_int_eq(hear(ARP_REQUEST, mac_a, PEER, OTHER), DROP_NONE);
    ck_assert(goes_to(PEER, mac_a));
    struct ip_addr failed;
    ck_assert(!arp_next_failed(&arp, &failed)); /* not any more */
}
END_TEST

START_TEST(a_device_that_is_full_costs_no_try)
{
    struct sent sent, again;

    ck_assert_int_eq(send_to(PEER, 1, NULL), ARP_PENDING);
    for (int i = 0; i < 10; i++) {
        ck_assert(arp_next_packet(&arp, now, &sent.packet, &sent.dst, &sent.why));
        wind(NS_PER_S);
    }
    ck_assert(take_packet(&again));
    ck_assert_mem_eq(&again.packet, &sent.packet, sizeof(sent.packet));
    wind(NS_PER_S - NS_PER_MS);
    ck_assert(!take_packet(NULL)); /* the second counts from when the device took the first */
    wind(2 * NS_PER_MS);
    ck_assert(take_packet(NULL));
}
END_TEST

START_TEST(an_entry_in_use_is_verified_when_its_lifetime_is_over)
{
    struct sent sent;

    values.arp_lifetime = 5 * NS_PER_S;
    given_the_peer_is_reachable();
    for (int i = 0; i < 4; i++) {
        wind(NS_PER_S);
        ck_assert(goes_to(PEER, mac_a));
        ck_assert(!take_packet(NULL));
    }
    wind_past(NS_PER_S);
    ck_assert(take_packet(&sent));
    ck_assert_int_eq(sent.why, WHY_ARP_PROBE);
    ck_assert(mac_equal(sent.dst, mac_a));
    ck_assert(goes_to(PEER, mac_a)); /* packets need not wait for it */
    ck_assert_int_eq(hear(ARP_REPLY, mac_a, PEER, OURS), DROP_NONE);
    ck_assert_str_eq(state_of(PEER), "reachable");
    PROVES("RFC1122-2.3.2.1-b");
}
END_TEST

START_TEST(a_peer_that_moved_in_silence_is_found_again)
{
    struct sent sent;
    int seconds = 0;
    bool found = false;

    given_the_peer_is_reachable();
    while (!found) { /* we keep sending; only mac_b answers now */
        ck_assert_int_lt(seconds++, 60 + 3 + 1);
        wind_past(NS_PER_S);
        send_to(PEER, 1, NULL);
        while (take_packet(&sent))
            if (mac_equal(sent.dst, MAC_BROADCAST) || mac_equal(sent.dst, mac_b))
                ck_assert_int_eq(hear(ARP_REPLY, mac_b, PEER, OURS), DROP_NONE);
        while (released(NULL))
            ;
        found = goes_to(PEER, mac_b);
    }
    PROVES("RFC1122-2.3.2.1-a");
}
END_TEST

START_TEST(an_entry_that_nobody_uses_grows_stale_and_is_forgotten)
{
    given_the_peer_is_reachable();
    wind(values.arp_lifetime - NS_PER_MS);
    ck_assert_str_eq(state_of(PEER), "reachable");
    wind(2 * NS_PER_MS);
    ck_assert_str_eq(state_of(PEER), "stale");
    wind_past(values.arp_lifetime);
    ck_assert_str_eq(state_of(PEER), "none");
    ck_assert_int_eq(take_all(), 0);
    ck_assert_int_eq(entries(), 0);
    PROVES("RFC1122-2.3.2.1-a");
}
END_TEST

START_TEST(an_entry_that_was_sent_to_last_is_not_used_once_it_is_gone)
{
    given_the_peer_is_reachable();
    ck_assert(goes_to(PEER, mac_a));
    for (int i = 0; i < 10 && entries() > 0; i++) { /* nobody answers any more */
        wind(values.arp_lifetime);
        take_all();
    }
    ck_assert_str_eq(state_of(PEER), "none");
    ck_assert_int_eq(send_to(PEER, 1, NULL), ARP_PENDING);
    take_all();
}
END_TEST

START_TEST(a_stale_entry_in_use_again_is_used_at_once_and_verified_soon)
{
    struct sent sent;

    given_the_peer_is_reachable();
    wind_past(values.arp_lifetime);
    ck_assert(goes_to(PEER, mac_a));
    ck_assert_str_eq(state_of(PEER), "delay");
    ck_assert(!take_packet(NULL));
    wind_past(NS_PER_S);
    ck_assert(take_packet(&sent));
    ck_assert_int_eq(sent.why, WHY_ARP_PROBE);
    ck_assert(goes_to(PEER, mac_a));
}
END_TEST

START_TEST(progress_of_a_connection_spares_the_question)
{
    given_the_peer_is_reachable();
    wind_past(values.arp_lifetime);
    ck_assert(goes_to(PEER, mac_a));
    arp_confirm(&arp, PEER, now);
    ck_assert_str_eq(state_of(PEER), "reachable");
    for (int i = 0; i < 300; i++) {
        wind(NS_PER_S);
        ck_assert(goes_to(PEER, mac_a));
        arp_confirm(&arp, PEER, now);
        ck_assert(!take_packet(NULL));
    }
    arp_confirm(&arp, OTHER, now); /* not in the cache: no entry is made */
    ck_assert_int_eq(entries(), 1);
}
END_TEST

START_TEST(doubt_asks_the_station_and_then_everybody)
{
    struct sent sent;

    given_the_peer_is_reachable();
    wind_past(NS_PER_S);
    arp_doubt(&arp, PEER, now);
    for (int i = 0; i < 3; i++) {
        ck_assert(take_packet(&sent));
        ck_assert(mac_equal(sent.dst, mac_a));
        arp_doubt(&arp, PEER, now); /* once more changes nothing */
        ck_assert(goes_to(PEER, mac_a));
        ck_assert(!take_packet(NULL));
        wind_past(NS_PER_S);
    }
    ck_assert_int_eq(send_to(PEER, 7, NULL), ARP_PENDING);
    ck_assert(take_packet(&sent));
    ck_assert(mac_equal(sent.dst, MAC_BROADCAST));
    ck_assert_int_eq(hear(ARP_REPLY, mac_b, PEER, OURS), DROP_NONE);
    ck_assert(goes_to(PEER, mac_b));
    arp_doubt(&arp, OTHER, now);
    ck_assert_int_eq(entries(), 1);
    PROVES("RFC1122-2.3.2.1-a");
}
END_TEST

/* --- RFC 1122, 2.3.2.2: packets that wait ------------------------------------------------- */

START_TEST(the_first_packet_leaves_when_the_address_is_known)
{
    struct mac_addr dst;

    ck_assert_int_eq(send_to(PEER, 1, NULL), ARP_PENDING);
    ck_assert_int_eq(take_all(), 1);
    ck_assert_uint_eq(released(NULL), 0);
    ck_assert_int_eq(hear(ARP_REPLY, mac_a, PEER, OURS), DROP_NONE);
    ck_assert_int_eq(events.current.why, WHY_ARP_LEARNED);
    ck_assert_uint_eq(released(&dst), 1);
    ck_assert(mac_equal(dst, mac_a));
    ck_assert_uint_eq(released(NULL), 0);
    PROVES("RFC1122-2.3.2.2-a");
}
END_TEST

START_TEST(the_latest_packets_wait_and_leave_in_order)
{
    for (uint32_t tag = 1; tag <= 10; tag++) {
        ck_assert_int_eq(send_to(PEER, tag, NULL), ARP_PENDING);
        ck_assert_int_eq(send_to(OTHER, 100 + tag, NULL), ARP_PENDING);
    }
    ck_assert_uint_eq(frames.out, 6);
    ck_assert_uint_eq(counted(COUNTER_ARP_QUEUE_DROP), 14);
    ck_assert_int_eq(take_all(), 2);
    ck_assert_int_eq(hear(ARP_REPLY, mac_a, PEER, OURS), DROP_NONE);
    ck_assert_int_eq(hear(ARP_REQUEST, mac_b, OTHER, OURS), DROP_NONE);
    static const uint32_t order[] = {8, 9, 10, 108, 109, 110, 0};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        struct mac_addr dst = {{0}};
        ck_assert_uint_eq(released(&dst), order[i]);
        if (order[i])
            ck_assert(mac_equal(dst, order[i] < 100 ? mac_a : mac_b));
    }
    PROVES("RFC1122-2.3.2.2-a", "RFC1122-2.3.2.2-b");
}
END_TEST

START_TEST(released_packets_survive_a_change_of_state)
{
    ck_assert_int_eq(send_to(PEER, 1, NULL), ARP_PENDING);
    ck_assert_int_eq(take_all(), 1);
    ck_assert_int_eq(hear(ARP_REPLY, mac_a, PEER, OURS), DROP_NONE);
    arp_doubt(&arp, PEER, now);
    ck_assert_str_eq(state_of(PEER), "probe");
    ck_assert_uint_eq(released(NULL), 1);
}
END_TEST

START_TEST(packets_that_still_wait_at_the_end_are_freed)
{
    ck_assert_int_eq(send_to(PEER, 1, NULL), ARP_PENDING);
    ck_assert_int_eq(send_to(OTHER, 2, NULL), ARP_PENDING);
    ck_assert_int_eq(take_all(), 2);
    ck_assert_int_eq(hear(ARP_REPLY, mac_a, PEER, OURS), DROP_NONE);
    /* and the fixture finds the pool full */
}
END_TEST

/* --- room --------------------------------------------------------------------------------- */

START_TEST(a_flood_of_askers_evicts_neither_the_gateway_nor_entries_in_use)
{
    struct ip_addr gateway = V4(10, 9, 0, 1);

    given_the_peer_is_reachable();
    ck_assert_int_eq(hear(ARP_REQUEST, mac_a, gateway, OURS), DROP_NONE);
    take_all();
    for (int i = 0; i < 65536; i++) {
        struct ip_addr spa = V4(10, 9, i >> 8, i & 255);
        if (ip_equal(spa, OURS) || ip_equal(spa, PEER) || ip_equal(spa, gateway))
            continue;
        enum drop drop = hear(ARP_REQUEST, mac_b, spa, OURS);
        ck_assert_int_eq(drop, i == 0 || i == 65535 ? DROP_ARP_BAD_SENDER : DROP_NONE);
        take_all();
        ck_assert_int_le(entries(), (int)values.arp_entries);
    }
    ck_assert_int_eq(entries(), (int)values.arp_entries);
    ck_assert_uint_eq(counted(COUNTER_ARP_EVICTED), 65536 - 5 - ((uint64_t)values.arp_entries - 2));
    ck_assert_uint_eq(counted(COUNTER_ARP_FULL), 0);
    ck_assert(goes_to(gateway, mac_a));
    ck_assert(goes_to(PEER, mac_a));
    ck_assert(goes_to(V4(10, 9, 255, 254), mac_b)); /* the newest asker has its entry */
    PROVES("A06", "RFC1122-2.3.2.2-b");
}
END_TEST

START_TEST(a_scan_of_the_link_is_bounded_and_costs_no_entry_in_use)
{
    uint64_t refused = 0;

    given_the_peer_is_reachable();
    for (int i = 0; i < 10000; i++) {
        enum arp_result result = send_to(V4(10, 9, 1 + i / 250, 1 + i % 250), 1, NULL);
        ck_assert_int_ne(result, ARP_KNOWN);
        refused += result == ARP_FAILED;
        take_all();
    }
    ck_assert_uint_eq(counted(COUNTER_ARP_FULL), refused);
    ck_assert_int_eq(entries(), (int)values.arp_entries / 2 + 1);
    ck_assert_uint_eq(frames.out, (uint64_t)values.arp_entries / 2);
    ck_assert(goes_to(PEER, mac_a));
    /* the gateway can still be asked for, and strangers can still be learned */
    ck_assert_int_eq(send_to(V4(10, 9, 0, 1), 1, NULL), ARP_PENDING);
    ck_assert_int_eq(hear(ARP_REQUEST, mac_b, OTHER, OURS), DROP_NONE);
    ck_assert(goes_to(OTHER, mac_b));
    PROVES("RFC1122-2.3.2.2-b");
}
END_TEST

START_TEST(a_cache_full_of_entries_in_use_takes_no_more_and_says_so)
{
    values.arp_entries = 4;
    restart_with_addresses(1, V4(10, 9, 0, 1));
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(hear(ARP_REQUEST, mac_a, V4(10, 9, 3, i), OURS), DROP_NONE);
        ck_assert(goes_to(V4(10, 9, 3, i), mac_a));
    }
    take_all();
    ck_assert_int_eq(hear(ARP_REQUEST, mac_b, PEER, OURS), DROP_NONE);
    ck_assert_int_eq(take_all(), 1); /* it is answered all the same */
    ck_assert_str_eq(state_of(PEER), "none");
    ck_assert_int_eq(send_to(PEER, 1, NULL), ARP_FAILED);
    ck_assert_uint_eq(counted(COUNTER_ARP_FULL), 2);

    wind(9 * NS_PER_S);
    ck_assert(goes_to(V4(10, 9, 3, 0), mac_a)); /* all but one rest now */
    wind_past(NS_PER_S);
    ck_assert_int_eq(send_to(PEER, 1, NULL), ARP_PENDING);
    ck_assert_str_eq(state_of(V4(10, 9, 3, 0)), "reachable");
    ck_assert_str_eq(state_of(V4(10, 9, 3, 1)), "none"); /* the longest unused */
    ck_assert_uint_eq(counted(COUNTER_ARP_EVICTED), 1);
    PROVES("RFC1122-2.3.2.2-b");
}
END_TEST

START_TEST(an_address_that_was_just_asked_for_is_not_evicted_and_asked_again)
{
    int requests = 0;

    values.arp_entries = 4;
    values.arp_tries = 1;
    restart_with_addresses(1, V4(10, 9, 0, 1));
    for (int ms = 0; ms < 10000; ms += 5) { /* one sender to nowhere, and a flood of askers */
        send_to(PEER, 1, NULL);
        struct sent sent;
        while (take_packet(&sent))
            requests += sent.why == WHY_ARP_REQUEST;
        ck_assert_int_eq(hear(ARP_REQUEST, mac_b, V4(10, 9, 1 + ms / 250, 1 + ms % 250), OURS),
                         DROP_NONE);
        wind(5 * NS_PER_MS);
    }
    ck_assert_int_le(requests, 10);
    PROVES("RFC1122-2.3.2.1-c");
}
END_TEST

static int allocations_left;

static void *alloc_some(void *context, size_t len)
{
    (void)context;
    return allocations_left-- > 0 ? calloc(1, len) : NULL;
}

static void release_all(void *context, void *octets, size_t len)
{
    (void)context;
    (void)len;
    free(octets);
}

START_TEST(without_memory_there_is_no_cache_or_no_entry_and_nothing_leaks)
{
    struct env poor = {.alloc = alloc_some, .release = release_all};
    struct memory little = {.env = &poor};
    struct arp_config with_little = arp.config;
    struct arp other;
    bool resolved = false;

    with_little.memory = &little;
    for (int count = 0; count < 10 && !resolved; count++) {
        struct mac_addr mac;
        allocations_left = count;
        if (arp_init(&other, &with_little))
            continue;
        resolved = arp_resolve(&other, PEER, now, &mac) == ARP_PENDING;
        arp_fini(&other);
    }
    ck_assert(resolved);
    ck_assert_uint_ge(little.failures, 2);
    ck_assert_uint_ge(counted(COUNTER_ARP_FULL), 1);
}
END_TEST

/* --- the events --------------------------------------------------------------------------- */

static char states_heard[200];
static unsigned timers_set, timers_fired;

static void hear_state(struct event_sink *sink, const struct event *event)
{
    (void)sink;
    size_t len = strlen(states_heard);
    timers_set += event->type == EVENT_TIMER_SET && event->timer.kind == TIMER_NEIGHBOUR;
    timers_fired += event->type == EVENT_TIMER_FIRED && event->timer.kind == TIMER_NEIGHBOUR;
    if (event->type == EVENT_NEIGHBOUR && ip_equal(event->neighbour.addr, PEER))
        snprintf(states_heard + len, sizeof(states_heard) - len, "%s ", event->neighbour.state);
}

START_TEST(each_change_of_state_is_an_event)
{
    struct event_sink sink = {.event = hear_state};

    states_heard[0] = 0;
    timers_set = timers_fired = 0;
    events.sinks = &sink;
    given_the_peer_is_reachable();
    wind_past(values.arp_lifetime);
    ck_assert(goes_to(PEER, mac_a));
    for (int i = 0; i < 20; i++) {
        wind_past(NS_PER_S);
        take_all();
    }
    ck_assert_str_eq(states_heard,
                     "incomplete reachable stale delay probe incomplete failed gone ");
    ck_assert_uint_gt(timers_fired, 0); /* and so is each timer */
    ck_assert_uint_ge(timers_set, timers_fired);
    events.sinks = NULL;
}
END_TEST

static TCase *with_a_cache(Suite *s, const char *name)
{
    TCase *c = tcase_create(name);
    tcase_add_checked_fixture(c, given_a_cache, then_nothing_is_left);
    suite_add_tcase(s, c);
    return c;
}

int main(void)
{
    Suite *s = suite_create("arp");

    TCase *c = tcase_create("RFC 826: packet format");
    tcase_add_test(c, a_packet_is_read_at_28_octets_and_more_and_refused_below);
    tcase_add_loop_test(c, a_packet_for_other_hardware_or_another_protocol_is_refused, 0,
                        (int)ARRAY_LEN(strange_fields));
    tcase_add_test(c, a_packet_is_written_as_it_was_read);
    suite_add_tcase(s, c);

    c = with_a_cache(s, "RFC 826: packet reception");
    tcase_add_test(c, who_asks_for_us_is_answered_alone_with_the_fields_swapped);
    tcase_add_test(c, who_asks_for_us_is_learned_and_need_not_be_asked);
    tcase_add_test(c, who_asks_for_another_is_not_learned);
    tcase_add_test(c, what_nobody_asked_for_makes_no_entry);
    tcase_add_test(c, a_cached_station_refreshes_its_entry_whomever_it_asks_for);
    tcase_add_test(c, a_cached_station_that_changes_its_hardware_is_believed);
    tcase_add_test(c, a_strange_opcode_merges_and_is_dropped);
    tcase_add_loop_test(c, a_sender_that_is_no_station_of_this_link_is_dropped, 0,
                        (int)ARRAY_LEN(senders));
    tcase_add_test(c, a_gateway_outside_our_networks_may_speak);
    tcase_add_test(c, answers_beyond_the_ring_are_dropped_and_counted);

    c = with_a_cache(s, "RFC 5227: our own address");
    tcase_add_test(c, a_probe_for_our_address_is_answered_and_teaches_nothing);
    tcase_add_test(c, an_address_is_announced_twice_two_seconds_apart);
    tcase_add_test(c, each_address_is_announced_and_answered_for);
    tcase_add_test(c, our_address_is_defended_once_in_ten_seconds_and_nothing_is_learned);

    c = with_a_cache(s, "contradictions");
    tcase_add_test(c, a_fresh_entry_is_kept_when_its_station_answers);
    tcase_add_test(c, a_fresh_entry_is_given_up_only_when_its_station_is_silent);
    tcase_add_test(c, progress_of_a_connection_speaks_for_the_old_station_too);
    tcase_add_test(c, a_flood_of_contradictions_costs_one_probe_a_second);

    c = with_a_cache(s, "RFC 1122, 2.3.2.1: cache validation");
    tcase_add_test(c, an_unknown_address_is_asked_for_once_a_second_and_given_up_after_three);
    tcase_add_test(c, a_failed_address_that_speaks_up_is_believed);
    tcase_add_test(c, a_device_that_is_full_costs_no_try);
    tcase_add_test(c, an_entry_in_use_is_verified_when_its_lifetime_is_over);
    tcase_add_test(c, a_peer_that_moved_in_silence_is_found_again);
    tcase_add_test(c, an_entry_that_nobody_uses_grows_stale_and_is_forgotten);
    tcase_add_test(c, an_entry_that_was_sent_to_last_is_not_used_once_it_is_gone);
    tcase_add_test(c, a_stale_entry_in_use_again_is_used_at_once_and_verified_soon);
    tcase_add_test(c, progress_of_a_connection_spares_the_question);
    tcase_add_test(c, doubt_asks_the_station_and_then_everybody);

    c = with_a_cache(s, "RFC 1122, 2.3.2.2: packet queue");
    tcase_add_test(c, the_first_packet_leaves_when_the_address_is_known);
    tcase_add_test(c, the_latest_packets_wait_and_leave_in_order);
    tcase_add_test(c, released_packets_survive_a_change_of_state);
    tcase_add_test(c, packets_that_still_wait_at_the_end_are_freed);

    c = with_a_cache(s, "room");
    tcase_add_test(c, a_flood_of_askers_evicts_neither_the_gateway_nor_entries_in_use);
    tcase_add_test(c, a_scan_of_the_link_is_bounded_and_costs_no_entry_in_use);
    tcase_add_test(c, a_cache_full_of_entries_in_use_takes_no_more_and_says_so);
    tcase_add_test(c, an_address_that_was_just_asked_for_is_not_evicted_and_asked_again);
    tcase_add_test(c, without_memory_there_is_no_cache_or_no_entry_and_nothing_leaks);

    c = with_a_cache(s, "events");
    tcase_add_test(c, each_change_of_state_is_an_event);
    return run_suite(s, "arp");
}
