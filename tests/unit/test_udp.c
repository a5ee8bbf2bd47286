/*
 * test_udp.c - datagrams in and out of a stack: who gets them, what is refused and how, what the
 * network says about them, and what a flood costs.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/instant.h"
#include "ip/pmtu.h"
#include "support/holds.h"
#include "support/proves.h"
#include "support/udp_rig.h"

enum { ICMP_UNREACHABLE = 3, CODE_PORT = 3, CODE_TOO_BIG = 4, ICMP_EXCEEDED = 11 };
enum { ICMP6_UNREACHABLE = 1, ICMP6_TOO_BIG = 2, ICMP6_EXCEEDED = 3, CODE6_PORT = 4 };

static uint8_t big[65535];

/* --- in ----------------------------------------------------------------------------------- */

START_TEST(boundaries_are_kept)
{
    int s = rig_socket(RIG_PORT);
    static const size_t len[] = {0, 1, 1472};
    uint8_t got[2000];

    memset(big, 0x5a, sizeof big);
    for (size_t i = 0; i < ARRAY_LEN(len); i++)
        RIG_INPUT(.data = big, .len = len[i]);
    ck_assert_int_eq(sock_poll(rig.stack, s), POLLIN | POLLOUT);
    for (size_t i = 0; i < ARRAY_LEN(len); i++) {
        int next = -1;
        ck_assert_int_eq(sock_ioctl(rig.stack, s, FIONREAD, &next), 0);
        ck_assert_int_eq(next, (int)len[i]);
        ck_assert_int_eq(sock_recv(rig.stack, s, got, sizeof got, 0, NULL), (ssize_t)len[i]);
        ck_assert_mem_eq(got, big, len[i]);
    }
    rig_expect_none(s);
    ck_assert_int_eq(sock_poll(rig.stack, s), POLLOUT);
    sock_close(rig.stack, s);
    PROVES("RFC768-Fields-c");
}
END_TEST

START_TEST(a_length_that_lies_is_dropped_and_octets_behind_it_are_not_delivered)
{
    static const size_t lies[] = {0, 1, 7, 101, 2000};
    int s = rig_socket(RIG_PORT);

    for (size_t i = 0; i < ARRAY_LEN(lies); i++)
        RIG_INPUT(.data = big, .len = 92, .udp_len = lies[i] + 1, .no_sum = true);
    ck_assert_uint_eq(rig_drops(DROP_UDP_LENGTH), ARRAY_LEN(lies));
    rig_expect_none(s);
    RIG_INPUT(.data = "twelve octet", .len = 12, .extra = 20);
    rig_expect(s, "twelve octet");
    ck_assert_int_eq(rig_output(), 0);
    sock_close(rig.stack, s);
    PROVES("RFC768-Fields-b", "U01");
}
END_TEST

START_TEST(a_wrong_checksum_is_silence_at_an_open_port_and_at_a_closed_one)
{
    int s = rig_socket(RIG_PORT);
    short events;

    while (sock_next_ready(rig.stack, &events) >= 0)
        ;
    RIG_INPUT(.data = "abc", .len = 3, .bad_sum = true);
    RIG_INPUT(.data = "abc", .len = 3, .bad_sum = true, .dst_port = 1);
    ck_assert_uint_eq(rig_drops(DROP_UDP_CHECKSUM), 2);
    ck_assert_int_eq(sock_next_ready(rig.stack, &events), -EAGAIN); /* nobody was woken */
    ck_assert_int_eq(rig_output(), 0);
    rig_expect_none(s);
    sock_close(rig.stack, s);
    PROVES("RFC1122-4.1.3.4-a");
}
END_TEST

/* A flood of them, to one who polls, to an epoll set by edge, and to the ready list. */
START_TEST(a_flood_with_wrong_checksums_wakes_nobody)
{
    int s = rig_socket(RIG_PORT), set = sock_epoll_create(rig.stack, 0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    short events;

    ck_assert_int_eq(sock_epoll_ctl(rig.stack, set, EPOLL_CTL_ADD, s, &event), 0);
    for (int i = 0; i < 10000; i++) {
        RIG_INPUT(.data = "abc", .len = 3, .bad_sum = true);
        HOLDS(sock_poll(rig.stack, s) == POLLOUT);
        HOLDS(sock_epoll_wait(rig.stack, set, &event, 1, 0, NULL) == 0);
        HOLDS(sock_next_ready(rig.stack, &events) == -EAGAIN);
    }
    ck_assert_uint_eq(rig_drops(DROP_UDP_CHECKSUM), 10000);
    RIG_INPUT(.data = "abc", .len = 3); /* and a right one comes through */
    ck_assert_int_eq(sock_epoll_wait(rig.stack, set, &event, 1, 0, NULL), 1);
    rig_expect(s, "abc");
    sock_close(rig.stack, set);
    sock_close(rig.stack, s);
    PROVES("U03");
}
END_TEST

START_TEST(no_checksum_is_taken_over_ipv4_and_dropped_over_ipv6)
{
    int s = rig_socket6(RIG_PORT);

    RIG_INPUT(.data = "four", .len = 4, .no_sum = true);
    rig_expect(s, "four");
    RIG_INPUT(.data = "six", .len = 3, .no_sum = true, .dst = "fd00::2");
    RIG_INPUT(.data = "six", .len = 3, .no_sum = true, .dst = "fd00::2", .dst_port = 1);
    ck_assert_uint_eq(rig_drops(DROP_UDP_CSUM_ZERO), 2);
    rig_expect_none(s);
    ck_assert_int_eq(rig_output(), 0);
    RIG_INPUT(.data = "six", .len = 3, .dst = "fd00::2");
    rig_expect(s, "six");
    sock_close(rig.stack, s);
    PROVES("RFC1122-4.1.3.4-b", "RFC8200-udp6-zero", "U02");
}
END_TEST

/* A device that offloads leaves the sum open, and says where. */
START_TEST(an_open_checksum_is_taken_where_it_is_udps_own)
{
    int s = rig_socket(RIG_PORT);
    uint8_t packet[31] = {0x45, [3] = 31, [8] = 64, 17, 0, 0, 10, 0,  0, 1,
                          10,   0,        0,        2,  0, 9, 27, 88, 0, 11};
    struct frame_meta meta = {.flags = FRAME_NEEDS_CSUM, .csum_start = 20, .csum_offset = 16};

    RIG_INPUT(.data = "abc", .len = 3, .open_sum = true);
    rig_expect(s, "abc");
    packet[10] = 0x66, packet[11] = 0xcc;
    stack_input_ip(rig.stack, (struct bytes){packet, sizeof packet}, &meta, rig.now);
    ck_assert_uint_eq(rig_drops(DROP_DEV_VNET), 1);
    meta.csum_offset = 6;
    stack_input_ip(rig.stack, (struct bytes){packet, sizeof packet}, &meta, rig.now);
    ck_assert_uint_eq(rig_drops(DROP_DEV_VNET), 1);
    ck_assert_int_eq(sock_recv(rig.stack, s, packet, 4, 0, NULL), 3);
    sock_close(rig.stack, s);
}
END_TEST

START_TEST(an_impossible_source_is_dropped)
{
    static const char *const source[] = {"224.0.0.1",  "255.255.255.255", "127.0.0.1",
                                         "10.0.0.255", "240.0.0.1",       "0.0.0.0"};
    int s = rig_socket(RIG_PORT);

    for (size_t i = 0; i < ARRAY_LEN(source); i++) {
        RIG_INPUT(.src = source[i], .data = "abc", .len = 3);
        RIG_INPUT(.src = source[i], .data = "abc", .len = 3, .dst_port = 1);
    }
    rig_expect_none(s);
    ck_assert_int_eq(rig_output(), 0);
    ck_assert_uint_eq(rig_drops(DROP_IP4_MARTIAN), 2 * ARRAY_LEN(source));
    sock_close(rig.stack, s);
    PROVES("RFC1122-4.1.3.6-a", "RFC1122-3.2.2-f");
}
END_TEST

/* --- nobody is there ---------------------------------------------------------------------- */

START_TEST(a_closed_port_is_unreachable_and_port_zero_is_silence)
{
    bool v6 = _i;

    memset(big, 0x5a, sizeof big);
    RIG_INPUT(.dst = v6 ? "fd00::2" : NULL, .data = big, .len = 100);
    ck_assert_int_eq(rig_output(), 1);
    const struct rig_packet *p = &rig.packet[0];
    size_t header = v6 ? 40 : 20;
    ck_assert_uint_eq(p->octets[header], v6 ? ICMP6_UNREACHABLE : ICMP_UNREACHABLE);
    ck_assert_uint_eq(p->octets[header + 1], v6 ? CODE6_PORT : CODE_PORT);
    ck_assert_uint_eq(p->len, 2 * header + 8 + 108); /* the packet itself, all of it */
    ck_assert_mem_eq(p->octets + 2 * header + 8 + 8, big, 100);
    ck_assert_uint_eq(rig_drops(DROP_UDP_CLOSED), 1);
    rig_forget();
    RIG_INPUT(.dst = v6 ? "fd00::2" : NULL, .data = big, .len = 100, .port_zero = true);
    ck_assert_int_eq(rig_output(), 0);
    ck_assert_uint_eq(rig_drops(DROP_UDP_PORT_ZERO), 1);
    PROVES("RFC1122-3.2.2.1-a", "RFC792-DestUnreach-a", "RFC4443-3.1-a");
}
END_TEST

START_TEST(a_closed_port_says_nothing_to_many)
{
    static const char *const many[] = {"255.255.255.255", "10.0.0.255", "224.0.0.1"};

    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        RIG_INPUT(.dst = many[i], .data = "abc", .len = 3, .broadcast_mac = true);
    ck_assert_int_eq(rig_output(), 0);
    ck_assert_uint_eq(rig_drops(DROP_UDP_CLOSED), ARRAY_LEN(many));
    RIG_INPUT(.data = "abc", .len = 3, .broadcast_mac = true); /* unicast IP in it */
    ck_assert_int_eq(rig_output(), 0);
    ck_assert_uint_eq(rig_drops(DROP_IP4_L2_BROADCAST), 1);
    PROVES("RFC1122-3.2.2-c", "RFC1122-3.2.2-d", "U04");
}
END_TEST

START_TEST(answers_for_closed_ports_are_limited)
{
    for (int i = 0; i < 1000; i++)
        RIG_INPUT(.data = "abc", .len = 3);
    ck_assert_int_le(rig_output(), 50);
    ck_assert_int_ge(rig.count, 10);
    ck_assert_uint_eq(rig_counter(COUNTER_ICMP_LIMITED), 1000u - (unsigned)rig.count);
    PROVES("RFC1812-4.3.2.8-a");
}
END_TEST

/* --- broadcast ---------------------------------------------------------------------------- */

START_TEST(a_broadcast_reaches_each_socket_once)
{
    int any = rig_socket(0), one = rig_socket(0), other = rig_socket(1), ours = rig_socket(0);
    struct endpoint from;
    char got[8];

    ck_assert_int_eq(rig_set(any, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    ck_assert_int_eq(rig_set(one, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    ck_assert_int_eq(rig_set(ours, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    ck_assert_int_eq(sock_bind(rig.stack, any, rig_at("0.0.0.0", RIG_PORT)), 0);
    ck_assert_int_eq(sock_bind(rig.stack, one, rig_at("10.0.0.255", RIG_PORT)), 0);
    ck_assert_int_eq(sock_bind(rig.stack, ours, rig_at("10.0.0.2", RIG_PORT)), 0);
    RIG_INPUT(.dst = "10.0.0.255", .data = "all", .len = 3, .broadcast_mac = true);
    ck_assert_int_eq(sock_recvfrom(rig.stack, any, got, sizeof got, 0, &from, NULL), 3);
    ck_assert(rig_is(from, "10.0.0.1", RIG_THEIRS));
    rig_expect(one, "all");
    rig_expect_none(ours); /* it asked for its own address alone */
    rig_expect_none(any);
    RIG_INPUT(.dst = "255.255.255.255", .data = "all", .len = 3, .broadcast_mac = true);
    rig_expect(any, "all");
    rig_expect_none(one);
    rig_expect_none(other);
    sock_close(rig.stack, any);
    sock_close(rig.stack, one);
    sock_close(rig.stack, other);
    sock_close(rig.stack, ours);
    PROVES("RFC1122-3.3.6-a");
}
END_TEST

/* Who is connected hears of its peer alone, at the broadcast address or at any. */
START_TEST(a_broadcast_reaches_who_is_connected_to_its_sender)
{
    int s[4];

    for (int i = 0; i < 4; i++) {
        s[i] = rig_socket(0);
        ck_assert_int_eq(rig_set(s[i], SOL_SOCKET, SO_REUSEADDR, 1), 0);
        ck_assert_int_eq(
            sock_bind(rig.stack, s[i], rig_at(i % 2 ? "10.0.0.255" : "0.0.0.0", RIG_PORT)), 0);
        ck_assert_int_eq(sock_connect(rig.stack, s[i],
                                      rig_at(i < 2 ? "10.0.0.1" : "10.0.0.9", RIG_THEIRS), NULL),
                         0);
    }
    RIG_INPUT(.dst = "10.0.0.255", .data = "all", .len = 3, .broadcast_mac = true);
    rig_expect(s[1], "all");
    for (int i = 0; i < 4; i++) { /* connect() has given those at any address the source's own */
        rig_expect_none(s[i]);
        sock_close(rig.stack, s[i]);
    }
}
END_TEST

START_TEST(a_checksum_is_left_open_for_the_device_behind_its_ethernet_header)
{
    int s = rig_socket(RIG_PORT);

    rig.dev.csum_offload = true;
    ck_assert_int_eq(rig_send_to(s, "10.0.0.1", RIG_THEIRS, "abc", 3), 3);
    ck_assert_int_eq(rig_output(), 1); /* the rig has looked where */
    ck_assert(rig.packet[0].open_sum);
    sock_close(rig.stack, s);
}
END_TEST

START_TEST(a_broadcast_is_sent_to_all_stations_by_who_may)
{
    int s = rig_socket(RIG_PORT);

    ck_assert_int_eq(rig_send_to(s, "10.0.0.255", 1, "a", 1), -EACCES);
    ck_assert_int_eq(rig_send_to(s, "255.255.255.255", 1, "a", 1), -EACCES);
    ck_assert_int_eq(sock_connect(rig.stack, s, rig_at("10.0.0.255", 1), NULL), -EACCES);
    ck_assert_int_eq(rig_set(s, SOL_SOCKET, SO_BROADCAST, 1), 0);
    ck_assert_int_eq(rig_get(s, SOL_SOCKET, SO_BROADCAST), 1);
    ck_assert_int_eq(rig_send_to(s, "10.0.0.255", 1, "a", 1), 1);
    ck_assert_int_eq(rig_send_to(s, "255.255.255.255", 1, "a", 1), 1);
    ck_assert_int_eq(rig_send_to(s, "239.129.1.2", 1, "a", 1), 1);
    ck_assert_int_eq(rig_output(), 3);
    ck_assert(rig.packet[0].broadcast_mac && rig.packet[1].broadcast_mac);
    ck_assert(!rig.packet[2].broadcast_mac);
    ck_assert_uint_eq(rig.packet[2].ttl, 1); /* a group, and no further than the link */
    ck_assert_uint_eq(rig.packet[0].ttl, 64);
    sock_close(rig.stack, s);
    PROVES("RFC894-p4-a");
}
END_TEST

/* --- a stack that has no address yet -------------------------------------------------------- */

START_TEST(who_has_no_address_can_ask_for_one)
{
    struct stack_config config;

    rig_config(&config, STACK_LINK_ETHERNET);
    config.addr_count = 0;
    rig_begin(&config);
    int s = rig_socket(68);
    ck_assert_int_eq(rig_set(s, SOL_SOCKET, SO_BROADCAST, 1), 0);
    ck_assert_int_eq(rig_send_to(s, "255.255.255.255", 67, "discover", 8), 8);
    ck_assert_int_eq(rig_send_to(s, "10.0.0.1", 67, "request", 7), -ENETUNREACH);
    ck_assert_int_eq(rig_output(), 1);
    const struct rig_packet *p = &rig.packet[0];
    ck_assert(p->broadcast_mac && p->src_port == 68 && p->dst_port == 67);
    ck_assert(rig_is((struct endpoint){p->src, 0}, "0.0.0.0", 0));

    RIG_INPUT(.dst = "255.255.255.255", .src_port = 67, .dst_port = 68, .data = "offer", .len = 5,
              .broadcast_mac = true);
    rig_expect(s, "offer");
    RIG_INPUT(.dst = "10.0.0.77", .src_port = 67, .dst_port = 68, .data = "offer 77", .len = 8);
    rig_expect(s, "offer 77");
    RIG_INPUT(.dst = "10.0.0.77", .src_port = 67, .dst_port = 69, .data = "?", .len = 1);
    ck_assert_int_eq(rig_output(), 1); /* nothing answers in the name of an address to come */
    ck_assert_uint_eq(rig_drops(DROP_UDP_CLOSED), 1);
    sock_close(rig.stack, s);
    rig_end();
}
END_TEST

/* --- queues ------------------------------------------------------------------------------- */

START_TEST(a_full_queue_drops_the_newest_and_is_charged_what_frames_cost)
{
    int s = rig_socket(RIG_PORT), other = rig_socket(1);
    struct stack_usage usage;
    char first[8];

    ck_assert_int_eq(rig_set(s, SOL_SOCKET, SO_RCVBUF, 10000), 0);
    ck_assert_int_eq(rig_get(s, SOL_SOCKET, SO_RCVBUF), 20000);
    for (int i = 0; i < 1000; i++)
        RIG_INPUT(.data = &(char[]){(char)i}, .len = 1);
    stack_usage(rig.stack, &usage);
    ck_assert_uint_le(usage.frames, 20000 / 512 + 1); /* 512: the smallest frame */
    ck_assert_uint_ge(usage.frames, 20000 / 512 - 1);
    ck_assert_uint_eq(rig_drops(DROP_UDP_FULL), 1000 - usage.frames);
    RIG_INPUT(.data = "abc", .len = 3, .dst_port = 1);
    rig_expect(other, "abc"); /* others have their own */
    for (int i = 0; i < (int)usage.frames; i++) {
        ck_assert_int_eq(sock_recv(rig.stack, s, first, 1, 0, NULL), 1);
        ck_assert_int_eq(first[0], (char)i); /* the oldest stayed */
    }
    RIG_INPUT(.data = "room", .len = 4);
    rig_expect(s, "room");
    sock_close(rig.stack, s);
    sock_close(rig.stack, other);
    PROVES("U05");
}
END_TEST

/* Small datagrams in large frames are not kept there; large ones are not copied. */
START_TEST(no_queue_holds_more_than_twice_what_its_data_is_worth)
{
    int s = rig_socket(RIG_PORT);

    ck_assert_int_eq(rig_set(s, SOL_SOCKET, SO_RCVBUF, 1 << 20), 0);
    for (int i = 0; i < 20; i++)
        RIG_INPUT(.data = big, .len = 60000);
    ck_assert_uint_eq(rig_drops(DROP_UDP_FULL) + rig_drops(DROP_IP_GIANT), 20);
    for (int i = 0; i < 20; i++)
        RIG_INPUT(.data = big, .len = 1400);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(sock_recv(rig.stack, s, big, sizeof big, 0, NULL), 1400);
    sock_close(rig.stack, s);
}
END_TEST

START_TEST(a_sender_that_finds_no_room_is_told_when_there_is_some)
{
    int s = rig_socket(RIG_PORT), ping = 0;
    short events;

    rig.full_after = 0;
    while (rig_send_to(s, "10.0.0.1", RIG_THEIRS, "x", 1) == 1)
        ping++;
    ck_assert_int_eq(ping, 128); /* half of stack.replies: the rest is for answers */
    ck_assert_int_eq(rig_send_to(s, "10.0.0.1", RIG_THEIRS, "x", 1), -EAGAIN);
    ck_assert_int_eq(sock_poll(rig.stack, s), 0);
    while (sock_next_ready(rig.stack, &events) >= 0)
        ;
    ck_assert_int_eq(rig_output(), 0);
    ck_assert_int_eq(sock_poll(rig.stack, s), 0);
    rig.full_after = 1;
    ck_assert_int_eq(rig_output(), 1);
    ck_assert_int_eq(sock_next_ready(rig.stack, &events), s);
    ck_assert_int_eq(events, POLLOUT);
    ck_assert_int_eq(rig_send_to(s, "10.0.0.1", RIG_THEIRS, "x", 1), 1);
    rig.full_after = -1;
    ck_assert_int_eq(rig_output(), 129);
    ck_assert_uint_eq(rig_counter(COUNTER_REPLY_DROP), 0);
    sock_close(rig.stack, s);
}
END_TEST

/* A device that takes one packet a poll, and a program that always has more datagrams. */
START_TEST(a_flood_of_datagrams_does_not_keep_a_connection_from_opening)
{
    int s = rig_socket(RIG_PORT), t = sock_socket(rig.stack, AF_INET, SOCK_STREAM, 0), polls = 0;

    rig.full_after = 0;
    ck_assert_int_eq(sock_connect(rig.stack, t, rig_at("10.0.0.1", 80), NULL), -EINPROGRESS);
    do {
        while (rig_send_to(s, "10.0.0.1", RIG_THEIRS, "x", 1) == 1)
            ;
        rig.full_after = 1;
        rig_output();
    } while (rig.packet[rig.count - 1].protocol != IPPROTO_TCP && polls++ < 10);
    ck_assert_int_le(polls, 2);
    rig.full_after = 1; /* and the other way round */
    rig_output();
    ck_assert_uint_eq(rig.packet[rig.count - 1].protocol, IPPROTO_UDP);
    sock_close(rig.stack, s);
    sock_close(rig.stack, t);
}
END_TEST

/* --- out ---------------------------------------------------------------------------------- */

START_TEST(what_is_sent_is_right_in_every_sum)
{
    int s = rig_socket6(RIG_PORT);
    uint32_t seed = 1;

    for (int i = 0; i < 1000; i++) {
        size_t len = (seed = seed * 1103515245 + 12345) >> 16 & 0x3ff;
        for (size_t k = 0; k < len; k++)
            big[k] = (uint8_t)((seed = seed * 1103515245 + 12345) >> 16);
        rig.dev.csum_offload = i % 3 == 2;
        ck_assert_int_eq(rig_send_to(s, i % 2 ? "fd00::1" : "10.0.0.1", RIG_THEIRS, big, len),
                         (ssize_t)len);
        ck_assert_int_eq(rig_output(), 1); /* the rig has summed it */
        HOLDS(rig.packet[0].data_len == len && memcmp(rig.packet[0].data, big, len) == 0);
        HOLDS(rig.packet[0].src_port == RIG_PORT && rig.packet[0].dst_port == RIG_THEIRS);
        HOLDS(rig.packet[0].open_sum == (i % 3 == 2));
        rig_forget();
    }
    rig.dev.csum_offload = false;
    uint8_t two[2] = {0, 0}; /* with its own checksum for data, the sum of a datagram is zero */
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(rig_send_to(s, _i ? "fd00::1" : "10.0.0.1", RIG_THEIRS, two, 2), 2);
        ck_assert_int_eq(rig_output(), 1);
        two[0] = (uint8_t)(rig.packet[0].checksum >> 8);
        two[1] = (uint8_t)rig.packet[0].checksum;
        if (i == 1)
            ck_assert_uint_eq(rig.packet[0].checksum, 0xffff);
        rig_forget();
    }
    sock_close(rig.stack, s);
    PROVES("RFC1122-4.1.3.4-c", "RFC768-Fields-a", "RFC8200-udp6-zero");
}
END_TEST

/* What IP_MTU_DISCOVER says, on a link of 1500, before and after a router said 1300. */
static const struct {
    int mode;
    size_t len; /* of the packet */
    bool lowered;
    int result; /* 0, or why not */
    bool dont_fragment;
} size_row[] = {
    {IP_PMTUDISC_WANT, 1500, false, 0, true},
    {IP_PMTUDISC_WANT, 1300, true, 0, true},
    {IP_PMTUDISC_WANT, 1301, true, 0, false},
    {IP_PMTUDISC_DONT, 28, false, 0, false},
    {IP_PMTUDISC_DONT, 1500, true, 0, false},
    {IP_PMTUDISC_DO, 1500, false, 0, true},
    {IP_PMTUDISC_DO, 1501, false, -EMSGSIZE, false},
    {IP_PMTUDISC_DO, 1300, true, 0, true},
    {IP_PMTUDISC_DO, 1301, true, -EMSGSIZE, false},
    {IP_PMTUDISC_PROBE, 1500, true, 0, true},
    {IP_PMTUDISC_PROBE, 1501, true, -EMSGSIZE, false},
    {IP_PMTUDISC_INTERFACE, 1500, true, 0, false},
    {IP_PMTUDISC_INTERFACE, 1501, true, -EMSGSIZE, false},
    {IP_PMTUDISC_OMIT, 1500, true, 0, false},
};

START_TEST(df_and_the_largest_datagram_are_as_ip_mtu_discover_says)
{
    int s = rig_socket(RIG_PORT);

    ck_assert_int_eq(rig_get(s, IPPROTO_IP, IP_MTU), -ENOTCONN);
    ck_assert_int_eq(sock_connect(rig.stack, s, rig_at("10.0.0.1", RIG_THEIRS), NULL), 0);
    ck_assert_int_eq(rig_get(s, IPPROTO_IP, IP_MTU), 1500);
    if (size_row[_i].lowered) {
        ck_assert_int_eq(sock_send(rig.stack, s, big, 1400, 0, NULL), 1400);
        rig_output();
        rig_input_error(ICMP_UNREACHABLE, CODE_TOO_BIG, 1300);
        ck_assert_int_eq(rig_get(s, IPPROTO_IP, IP_MTU), 1300);
        ck_assert_int_eq(rig_get(s, SOL_SOCKET, SO_ERROR), EMSGSIZE);
        rig_forget();
    }
    ck_assert_int_eq(rig_set(s, IPPROTO_IP, IP_MTU_DISCOVER, size_row[_i].mode), 0);
    ssize_t len = (ssize_t)size_row[_i].len - 28;
    ck_assert_int_eq(sock_send(rig.stack, s, big, (size_t)len, 0, NULL),
                     size_row[_i].result ? size_row[_i].result : len);
    ck_assert_int_eq(rig_output(), size_row[_i].result ? 0 : 1);
    if (!size_row[_i].result) {
        ck_assert_int_eq(rig.packet[0].dont_fragment, size_row[_i].dont_fragment);
    }
    rig.now = instant_add(rig.now, 601 * NS_PER_S); /* what was said is forgotten */
    stack_advance(rig.stack, rig.now);
    ck_assert_int_eq(rig_get(s, IPPROTO_IP, IP_MTU), 1500);
    sock_close(rig.stack, s);
    PROVES("RFC8085-3.2-a", "RFC8900-6.1-a");
}
END_TEST

START_TEST(a_packet_of_ipv6_is_never_larger_than_the_path)
{
    int s = rig_socket6(RIG_PORT);

    ck_assert_int_eq(rig_send_to(s, "fd00::1", RIG_THEIRS, big, 1453), -EMSGSIZE);
    ck_assert_int_eq(rig_send_to(s, "fd00::1", RIG_THEIRS, big, 1452), 1452);
    rig_output();
    rig_input_error(ICMP6_TOO_BIG, 0, 1300);
    ck_assert_int_eq(rig_send_to(s, "fd00::1", RIG_THEIRS, big, 1253), -EMSGSIZE);
    ck_assert_int_eq(rig_send_to(s, "fd00::1", RIG_THEIRS, big, 1252), 1252);
    ck_assert_int_eq(sock_connect(rig.stack, s, rig_at("fd00::1", 1), NULL), 0);
    ck_assert_int_eq(rig_get(s, IPPROTO_IPV6, IPV6_MTU), 1300);
    sock_close(rig.stack, s);
    PROVES("RFC4443-3.2-a");
}
END_TEST

START_TEST(a_router_is_not_believed_below_the_floor)
{
    int s = rig_socket6(RIG_PORT);

    ck_assert_int_eq(sock_connect(rig.stack, s, rig_at("10.0.0.1", RIG_THEIRS), NULL), 0);
    ck_assert_int_eq(sock_send(rig.stack, s, big, 1400, 0, NULL), 1400);
    rig_output();
    rig_input_error(ICMP_UNREACHABLE, CODE_TOO_BIG, 100);
    ck_assert_int_eq(rig_get(s, IPPROTO_IP, IP_MTU), 552); /* tcp.pmtu_floor_v4 */
    rig_input_error(ICMP_UNREACHABLE, CODE_TOO_BIG, 1000); /* nor does anybody raise it */
    ck_assert_int_eq(rig_get(s, IPPROTO_IP, IP_MTU), 552);
    sock_close(rig.stack, s);
}
END_TEST

START_TEST(what_is_known_of_one_path_is_about_no_other)
{
    struct pmtu pmtu;
    instant then = {0}, later = {600 * NS_PER_S};

    pmtu_init(&pmtu, (struct hash_key){1, 2});
    pmtu_lower(&pmtu, ip_from_v4(1), 1300, then);
    ck_assert_uint_eq(pmtu_find(&pmtu, ip_from_v4(1), 1500, then), 1300);
    ck_assert_uint_eq(pmtu_find(&pmtu, ip_from_v4(1), 1200, then), 1200);
    ck_assert_uint_eq(pmtu_find(&pmtu, ip_from_v4(1), 1500, later), 1500);
    for (uint32_t i = 2; i < 5000; i++) /* some of them share its place */
        HOLDS(pmtu_find(&pmtu, ip_from_v4(i), 1500, then) == 1500);
}
END_TEST

/* --- what the network says ------------------------------------------------------------------ */

static const struct {
    bool v6;
    uint8_t type, code;
    int connected; /* what a connected socket hears, */
    int all;       /* and with IP_RECVERR */
} error_row[] = {
    {false, ICMP_UNREACHABLE, CODE_PORT, ECONNREFUSED, ECONNREFUSED},
    {false, ICMP_UNREACHABLE, 1, 0, EHOSTUNREACH},
    {false, ICMP_UNREACHABLE, 13, EHOSTUNREACH, EHOSTUNREACH},
    {false, ICMP_EXCEEDED, 0, 0, EHOSTUNREACH},
    {false, 12, 0, EPROTO, EPROTO},
    {false, 4, 0, 0, 0}, /* source quench (RFC 6633) */
    {true, ICMP6_UNREACHABLE, CODE6_PORT, ECONNREFUSED, ECONNREFUSED},
    {true, ICMP6_UNREACHABLE, 0, 0, ENETUNREACH},
    {true, ICMP6_EXCEEDED, 0, 0, EHOSTUNREACH},
    {true, ICMP6_TOO_BIG, 0, EMSGSIZE, EMSGSIZE},
};

START_TEST(an_icmp_error_is_told_once_to_who_sent_and_to_nobody_else)
{
    const char *them = error_row[_i].v6 ? "fd00::1" : "10.0.0.1";
    int other = rig_socket6(1), loose = rig_socket6(RIG_PORT + 1), s = rig_socket6(RIG_PORT);
    char got[4];

    for (int all = 0; all < 2; all++) {
        int expected = all ? error_row[_i].all : error_row[_i].connected;
        ck_assert_int_eq(rig_set(s, error_row[_i].v6 ? IPPROTO_IPV6 : IPPROTO_IP,
                                 error_row[_i].v6 ? IPV6_RECVERR : IP_RECVERR, all),
                         0);
        ck_assert_int_eq(sock_connect(rig.stack, s, rig_at(them, RIG_THEIRS), NULL), 0);
        for (int way = 0; way < 3; way++) {
            ck_assert_int_eq(sock_send(rig.stack, s, big, 1400, 0, NULL), 1400);
            rig_output();
            rig_input_error(error_row[_i].type, error_row[_i].code, 1290);
            rig_forget();
            const struct event *told = stack_decision(rig.stack, 0);
            ck_assert(expected == 0 || (told && told->type == EVENT_NOTE));
            ck_assert(expected == 0 || told->note.value == expected || told->note.value == 1290);
            ck_assert_int_eq(!!(sock_poll(rig.stack, s) & POLLERR), expected != 0);
            if (way == 0)
                ck_assert_int_eq(rig_get(s, SOL_SOCKET, SO_ERROR), expected);
            else if (way == 1)
                ck_assert_int_eq(sock_send(rig.stack, s, "a", 1, 0, NULL),
                                 expected ? -expected : 1);
            else
                ck_assert_int_eq(sock_recv(rig.stack, s, got, 4, 0, NULL),
                                 expected ? -expected : -EAGAIN);
            ck_assert_int_eq(rig_get(s, SOL_SOCKET, SO_ERROR), 0); /* once */
            rig_output();
            rig_forget();
            if (error_row[_i].type == ICMP6_TOO_BIG)
                break; /* 1400 octets are too much from now on */
        }
        if (error_row[_i].type == ICMP6_TOO_BIG)
            rig.now = instant_add(rig.now, 601 * NS_PER_S);
        stack_advance(rig.stack, rig.now);
    }
    ck_assert_int_eq(rig_send_to(loose, them, RIG_THEIRS, big, 600), 600);
    rig_output();
    rig_input_error(error_row[_i].type, error_row[_i].code, 500);
    ck_assert_int_eq(rig_get(loose, SOL_SOCKET, SO_ERROR), 0); /* about whom? */
    ck_assert_int_eq(rig_get(other, SOL_SOCKET, SO_ERROR), 0);
    sock_close(rig.stack, s);
    sock_close(rig.stack, other);
    sock_close(rig.stack, loose);
    PROVES("RFC1122-4.1.3.3-a", "RFC1122-3.2.2.1-b", "RFC1122-3.2.2.4-a", "RFC4443-3.1-b",
           "RFC4443-3.3-a", "RFC6633-5-a");
}
END_TEST

START_TEST(an_error_about_a_port_that_nobody_has_is_nothing)
{
    int s = rig_socket(RIG_PORT);

    ck_assert_int_eq(rig_send_to(s, "10.0.0.1", RIG_THEIRS, "a", 1), 1);
    rig_output();
    sock_close(rig.stack, s);
    rig_input_error(ICMP_UNREACHABLE, CODE_PORT, 0);
    rig_input_error(ICMP_EXCEEDED, 0, 0);
    ck_assert_uint_eq(rig_drops(DROP_ICMP_NO_FLOW), 2);
    ck_assert_int_eq(rig_output(), 1); /* as before: no error is answered */
    PROVES("RFC1122-3.2.2-b");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("udp");

    TCase *c = tcase_create("RFC 768: in");
    tcase_add_checked_fixture(c, given_rig, rig_end);
    tcase_add_test(c, boundaries_are_kept);
    tcase_add_test(c, a_length_that_lies_is_dropped_and_octets_behind_it_are_not_delivered);
    tcase_add_test(c, a_wrong_checksum_is_silence_at_an_open_port_and_at_a_closed_one);
    tcase_add_test(c, a_flood_with_wrong_checksums_wakes_nobody);
    tcase_add_test(c, no_checksum_is_taken_over_ipv4_and_dropped_over_ipv6);
    tcase_add_test(c, an_open_checksum_is_taken_where_it_is_udps_own);
    tcase_add_test(c, an_impossible_source_is_dropped);
    tcase_add_loop_test(c, a_closed_port_is_unreachable_and_port_zero_is_silence, 0, 2);
    tcase_add_test(c, answers_for_closed_ports_are_limited);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 1122, 4.1: out, queues, errors");
    tcase_add_checked_fixture(c, given_rig, rig_end);
    tcase_add_test(c, a_full_queue_drops_the_newest_and_is_charged_what_frames_cost);
    tcase_add_test(c, no_queue_holds_more_than_twice_what_its_data_is_worth);
    tcase_add_test(c, a_sender_that_finds_no_room_is_told_when_there_is_some);
    tcase_add_test(c, a_flood_of_datagrams_does_not_keep_a_connection_from_opening);
    tcase_add_loop_test(c, what_is_sent_is_right_in_every_sum, 0, 2);
    tcase_add_loop_test(c, df_and_the_largest_datagram_are_as_ip_mtu_discover_says, 0,
                        ARRAY_LEN(size_row));
    tcase_add_test(c, a_packet_of_ipv6_is_never_larger_than_the_path);
    tcase_add_test(c, a_router_is_not_believed_below_the_floor);
    tcase_add_test(c, what_is_known_of_one_path_is_about_no_other);
    tcase_add_loop_test(c, an_icmp_error_is_told_once_to_who_sent_and_to_nobody_else, 0,
                        ARRAY_LEN(error_row));
    tcase_add_test(c, an_error_about_a_port_that_nobody_has_is_nothing);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 1122, 3.3.6: to many, on Ethernet");
    tcase_add_checked_fixture(c, given_rig_ethernet, rig_end);
    tcase_add_test(c, a_closed_port_says_nothing_to_many);
    tcase_add_test(c, a_broadcast_reaches_each_socket_once);
    tcase_add_test(c, a_broadcast_reaches_who_is_connected_to_its_sender);
    tcase_add_test(c, a_checksum_is_left_open_for_the_device_behind_its_ethernet_header);
    tcase_add_test(c, a_broadcast_is_sent_to_all_stations_by_who_may);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 2131, 4.1: no address yet");
    tcase_add_test(c, who_has_no_address_can_ask_for_one);
    suite_add_tcase(s, c);

    return run_suite(s, "udp");
}
