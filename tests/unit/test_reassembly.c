/*
 * test_reassembly.c - fragments in and out, against the datagram that was cut.
 */
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <tapio/sock.h>

#include "base/prng.h"
#include "ip/icmp_wire.h"
#include "see/counters.h"
#include "stack/stack.h"
#include "support/holds.h"
#include "support/proves.h"
#include "support/small_env.h"

enum { DATA = 65507, PIECE = 1480, PIECES = (DATA + 8 + PIECE - 1) / PIECE };

static struct small_env env;
static struct stack *s;
static uint8_t message[DATA + 8];
static uint8_t back[DATA + 8];
static size_t back_len;
static int sent, full_after;

static int take(struct frame_sink *sink, const struct frame_meta *meta, const struct iovec *iov,
                int iovcnt, instant now)
{
    uint8_t octets[1500];
    struct writer w = writer_of(octets, sizeof octets);
    struct ipv4_header h;
    struct bytes payload;

    (void)sink, (void)meta, (void)now;
    if (full_after-- == 0)
        return -EAGAIN;
    for (int i = 0; i < iovcnt; i++)
        write_bytes(&w, iov[i].iov_base, iov[i].iov_len);
    ck_assert(!w.overrun);
    ck_assert_int_eq(ipv4_parse(bytes_of(octets, (size_t)(w.at - octets)), &h, &payload), 0);
    ck_assert_uint_eq(h.fragment_offset, back_len); /* in order, and nothing twice */
    memcpy(back + back_len, payload.at, payload.len);
    back_len += payload.len;
    ck_assert_int_eq(h.more_fragments, back_len < sizeof back);
    sent++;
    return 0;
}

static int fixed(void *context, void *out, size_t len)
{
    (void)context;
    memset(out, 0x5a, len);
    return 0;
}

static void given_a_stack(void)
{
    struct stack_config config;

    stack_config_init(&config);
    config.link = STACK_LINK_IP;
    config.addr[0] = (struct ip_prefix){ip_from_v4(0x0a090002), 24};
    config.addr_count = 1;
    small_env_init(&env);
    env.env.random = fixed;
    s = stack_new(&config, &env.env);
    ck_assert_ptr_nonnull(s);
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)(i * 31 >> 3);
    struct writer w = writer_of(message, sizeof message);
    static uint8_t data[DATA];
    memcpy(data, message + 8, DATA);
    icmp_emit(&w, &(struct icmp_header){.type = ICMP_ECHO, .rest = 7}, bytes_of(data, DATA));
    back_len = 0;
    sent = 0;
    full_after = -1;
}

static void stack_gone(void)
{
    struct stack_counters c;

    stack_counters(s, &c);
    ck_assert(counters_conserved(&c));
    stack_free(s);
    ck_assert_uint_eq(env.out, 0);
}

static void piece_from(uint32_t src, uint16_t id, size_t offset, struct bytes octets, bool more)
{
    uint8_t packet[1500];
    struct writer w = writer_of(packet, sizeof packet);
    struct ipv4_header h = {.src = ip_from_v4(src),
                            .dst = ip_from_v4(0x0a090002),
                            .protocol = IP_PROTOCOL_ICMP,
                            .ttl = 64,
                            .id = id,
                            .more_fragments = more,
                            .fragment_offset = (uint16_t)offset};

    ipv4_emit(&w, &h, octets.len);
    write_bytes(&w, octets.at, octets.len);
    stack_input_ip(s, bytes_of(packet, 20 + octets.len), NULL, s->now);
}

static void piece(size_t offset, size_t len, bool more)
{
    piece_from(0x0a090001, 99, offset, bytes_of(message + offset % sizeof message, len), more);
}

static void nth(int i)
{
    size_t offset = (size_t)i * PIECE;
    piece(offset, size_min(PIECE, sizeof message - offset), offset + PIECE < sizeof message);
}

START_TEST(the_largest_ping_is_answered_octet_for_octet_in_any_order)
{
    struct frame_sink sink = {take};

    for (int i = 0; i < PIECES; i++)
        nth(i * 7 % PIECES);
    full_after = 10;
    ck_assert_int_eq(stack_output_ip(s, &sink, s->now), -EAGAIN);
    ck_assert_int_eq(sent, 10);
    full_after = -1;
    ck_assert_int_eq(stack_output_ip(s, &sink, s->now), 0);
    ck_assert_uint_eq(back_len, sizeof message);
    ck_assert_int_eq(memcmp(back + 8, message + 8, DATA), 0);
    ck_assert_uint_eq(s->events.counters.held, 0);
    ck_assert_uint_eq(s->events.counters.consumed, PIECES);
    PROVES("I03", "RFC791-3.2-a", "RFC791-3.2-b", "RFC791-3.2-f", "RFC1122-3.3.2-a");
}
END_TEST

static const struct {
    size_t offset, len;
    bool more;
    enum drop drop;
    uint32_t dropped;
} second[] = {
    {8, 16, true, DROP_IP4_FRAG_OVERLAP, 2},   {0, 16, true, DROP_IP4_FRAG_OVERLAP, 2},
    {16, 16, true, DROP_IP4_FRAG_OVERLAP, 2},  {0, 32, true, DROP_IP4_FRAG_OVERLAP, 2},
    {0, 24, true, DROP_IP4_FRAG_DUPLICATE, 1}, {24, 9, true, DROP_IP4_FRAG_BAD, 2},
    {24, 0, true, DROP_IP4_FRAG_BAD, 2},       {8, 8, false, DROP_IP4_FRAG_BAD, 2},
    {65528, 8, false, DROP_IP4_FRAG_BIG, 2},
};

START_TEST(a_second_fragment_that_cannot_be_ends_the_datagram)
{
    piece(0, 24, true);
    piece(second[_i].offset, second[_i].len, second[_i].more);
    ck_assert_uint_eq(s->events.counters.drops[second[_i].drop], second[_i].dropped);
    PROVES("P08", "P09", "P10", "RFC791-3.2-c", "RFC791-3.2-d", "RFC5722-ipv4-overlap");
}
END_TEST

/* The same where the first one to come is not the first of the datagram, or is its end. */
static const struct {
    struct {
        size_t offset, len;
        bool more;
    } one, two;
    enum drop drop;
} pairs[] = {
    {{24, 24, true}, {0, 32, true}, DROP_IP4_FRAG_OVERLAP}, /* its tail is in what is there */
    {{24, 24, true}, {8, 48, true}, DROP_IP4_FRAG_OVERLAP}, /* it encloses that */
    {{24, 24, true}, {16, 16, true}, DROP_IP4_FRAG_OVERLAP},
    {{24, 24, false}, {0, 32, true}, DROP_IP4_FRAG_OVERLAP},
    {{24, 24, false}, {48, 8, true}, DROP_IP4_FRAG_BAD},  /* behind the end */
    {{24, 24, false}, {40, 8, true}, DROP_IP4_FRAG_BAD},  /* up to the end, and more to come */
    {{24, 24, false}, {56, 8, false}, DROP_IP4_FRAG_BAD}, /* two ends */
    {{24, 24, false}, {8, 8, false}, DROP_IP4_FRAG_BAD},
    {{24, 24, true}, {24, 24, false}, DROP_IP4_FRAG_BAD}, /* a copy that calls itself the end */
};

START_TEST(two_fragments_that_contradict_each_other_end_the_datagram)
{
    piece(pairs[_i].one.offset, pairs[_i].one.len, pairs[_i].one.more);
    ck_assert_uint_eq(s->events.counters.held, 1);
    piece(pairs[_i].two.offset, pairs[_i].two.len, pairs[_i].two.more);
    ck_assert_uint_eq(s->events.counters.drops[pairs[_i].drop], 2);
    ck_assert_uint_eq(s->events.counters.held, 0);
    PROVES("P09", "P10", "RFC5722-ipv4-overlap");
}
END_TEST

START_TEST(half_a_datagram_ends_after_a_minute_and_its_sender_hears_of_it)
{
    piece(_i ? 0 : 8, 24, true);
    ck_assert_uint_eq(s->events.counters.held, 1);
    stack_advance(s, instant_add(s->now, 61 * NS_PER_S));
    ck_assert_uint_eq(s->events.counters.drops[DROP_IP4_FRAG_TIMEOUT], 1);
    ck_assert_uint_eq(s->replies.len, (unsigned)_i);
    PROVES("RFC1122-3.3.2-b", "RFC1122-3.3.2-c");
}
END_TEST

START_TEST(a_datagram_that_waits_is_there_before_a_minute_is_over)
{
    piece(0, 24, true);
    stack_advance(s, instant_add(s->now, 59 * NS_PER_S));
    ck_assert_uint_eq(s->events.counters.held, 1);
    ck_assert_uint_eq(s->replies.len, 0);
    PROVES("RFC1122-3.3.2-b");
}
END_TEST

START_TEST(errors_about_datagrams_that_never_got_whole_are_limited)
{
    uint64_t limited;

    for (uint16_t id = 0; id < REASSEMBLY_PER_SOURCE; id++)
        piece_from(0x0a090001, id, 0, bytes_of(message, 24), true);
    for (uint32_t src = 3; src < 150; src++)
        piece_from(0x0a090000 + src, 1, 0, bytes_of(message, 24), true);
    uint64_t held = s->events.counters.held;
    stack_advance(s, instant_add(s->now, 61 * NS_PER_S));
    limited = s->events.counters.events[COUNTER_ICMP_LIMITED];
    ck_assert_uint_gt(limited, 0);
    ck_assert_uint_gt(s->replies.len, 0);
    ck_assert_uint_eq(s->replies.len + s->events.counters.events[COUNTER_REPLY_DROP] + limited,
                      held);
    PROVES("P13");
}
END_TEST

static uint64_t told[4];
static int tellings, set, fired;

static void hear(struct event_sink *sink, const struct event *event)
{
    (void)sink;
    set += event->type == EVENT_TIMER_SET && event->timer.kind == TIMER_REASSEMBLY;
    fired += event->type == EVENT_TIMER_FIRED && event->timer.kind == TIMER_REASSEMBLY;
    if (event->type == EVENT_DROP && tellings < 4) {
        ck_assert_int_eq(event->drop.drop, DROP_IP4_FRAG_TIMEOUT);
        told[tellings++] = event->drop.packet;
    }
}

START_TEST(who_watches_hears_of_each_piece_that_dies_late)
{
    struct event_sink sink = {.event = hear};

    tellings = set = fired = 0;
    stack_listen(s, &sink);
    uint64_t before = s->events.packets;
    piece(0, 24, true);
    piece(48, 24, true);
    ck_assert_int_eq(tellings, 0);
    ck_assert_int_eq(set, 1);
    ck_assert_int_eq(fired, 0);
    stack_advance(s, instant_add(s->now, 61 * NS_PER_S));
    ck_assert_int_eq(fired, 1);
    ck_assert_int_eq(tellings, 2);
    ck_assert_uint_eq(told[0] + told[1], 2 * before + 3); /* by their numbers */
    ck_assert_uint_ne(told[0], told[1]);
    stack_unlisten(s, &sink);
}
END_TEST

/* --- caps --------------------------------------------------------------------------------- */

START_TEST(a_source_has_so_many_datagrams_and_its_oldest_goes_first)
{
    for (uint16_t id = 0; id <= REASSEMBLY_PER_SOURCE; id++)
        piece_from(0x0a090001, id, 0, bytes_of(message, 24), true);
    ck_assert_uint_eq(s->events.counters.held, REASSEMBLY_PER_SOURCE);
    ck_assert_uint_eq(s->events.counters.drops[DROP_IP4_FRAG_EVICT], 1);
    piece_from(0x0a090001, 1, 24, bytes_of(message + 24, 8), false); /* the second is there yet */
    ck_assert_uint_eq(s->events.counters.held, REASSEMBLY_PER_SOURCE - 1);
    PROVES("P12", "RFC791-limits-a");
}
END_TEST

START_TEST(a_flood_of_halves_stays_within_the_cap_and_a_pair_behind_it_gets_whole)
{
    uint32_t sources = 0;

    for (uint32_t i = 0; i < 100000; i++) {
        uint32_t src = 0x0a090003 + i % 200;
        piece_from(src, (uint16_t)i, 8, bytes_of(message, 1000), true);
        HOLDS(s->reassembly.charged <= REASSEMBLY_MEMORY);
        HOLDS(s->reassembly.queues.used <= REASSEMBLY_QUEUES);
        HOLDS(s->frames.charged <= REASSEMBLY_MEMORY);
    }
    for (size_t i = 0; i < REASSEMBLY_BUCKETS; i++) {
        HOLDS(s->reassembly.sources[i].count <= REASSEMBLY_PER_SOURCE);
        sources += s->reassembly.sources[i].count;
    }
    ck_assert_uint_eq(sources, s->reassembly.queues.used);
    ck_assert_uint_gt(sources, 20);
    uint64_t before = s->events.counters.consumed;
    nth(0);
    piece(PIECE, 8, false);
    ck_assert_uint_eq(s->events.counters.consumed + s->events.counters.drops[DROP_ICMP_BAD],
                      before + 2);
    PROVES("P12", "RFC791-limits-a");
}
END_TEST

START_TEST(a_datagram_of_tiny_pieces_ends_at_the_cap)
{
    for (size_t i = 0; i <= REASSEMBLY_PIECES; i++)
        piece(8 * (REASSEMBLY_PIECES + 1 - i), 8, true); /* from behind, as it costs the most */
    ck_assert_uint_eq(s->events.counters.held, 0);
    ck_assert_uint_eq(s->events.counters.drops[DROP_IP4_FRAG_EVICT], REASSEMBLY_PIECES + 1);
    PROVES("P12");
}
END_TEST

/* --- what is behind a fragment ------------------------------------------------------------ */

START_TEST(a_header_of_tcp_in_two_fragments_is_judged_whole)
{
    uint8_t packet[64];
    uint8_t segment[20] = {[12] = 0x50, [13] = TCP_SYN};
    uint64_t *bad = &s->events.counters.drops[DROP_TCP_CHECKSUM];

    for (int half = 0; half < 2; half++) {
        struct writer w = writer_of(packet, sizeof packet);
        size_t at = half ? 8 : 0, len = half ? 12 : 8;
        ipv4_emit(&w,
                  &(struct ipv4_header){.src = ip_from_v4(0x0a090001),
                                        .dst = ip_from_v4(0x0a090002),
                                        .protocol = IP_PROTOCOL_TCP,
                                        .ttl = 64,
                                        .id = 5,
                                        .more_fragments = half == 0,
                                        .fragment_offset = (uint16_t)at},
                  len);
        write_bytes(&w, segment + at, len);
        stack_input_ip(s, bytes_of(packet, 20 + len), NULL, s->now);
        ck_assert_uint_eq(*bad, half ? 2 : 0);
        ck_assert_uint_eq(s->events.counters.held, half ? 0 : 1);
    }
    PROVES("P11", "RFC1858-3-a");
}
END_TEST

/* --- against a model ---------------------------------------------------------------------- */

enum { UNITS = 24, ROUNDS = 3000 };

/* A datagram of so many times 8 octets is cut at random; the pieces come in any order, some twice,
 * and in every other round one of them is changed. It is whole if and only if nothing was changed.
 * The message is no ICMP, so that its checksum tells nothing. */
START_TEST(any_order_with_repetitions_makes_the_same_datagram)
{
    struct prng prng;

    prng_seed(&prng, (uint64_t)_i);
    for (int round = 0; round < ROUNDS; round++) {
        size_t start[UNITS], end[UNITS], count = 0;
        for (size_t at = 0; at < UNITS;) {
            start[count] = at;
            at += 1 + prng_next(&prng) % 5;
            end[count++] = at = size_min(at, UNITS);
        }
        struct stack_counters before = s->events.counters;
        bool lie = count > 1 && prng_next(&prng) % 2;
        size_t order[2 * UNITS], orders = 0;
        for (size_t i = 0; i < count; i++) {
            order[orders++] = i;
            if (prng_next(&prng) % 4 == 0)
                order[orders++] = i;
        }
        for (size_t i = orders - 1; i > 0; i--) {
            size_t j = prng_next(&prng) % (i + 1), swapped = order[i];
            order[i] = order[j];
            order[j] = swapped;
        }
        size_t seen = 0, sent_pieces = 0;
        uint32_t have = 0;
        for (size_t i = 0; i < orders && seen < count; i++) {
            size_t k = order[i];
            if (lie && seen == 1 && !(have >> k & 1)) { /* one that begins in what is there */
                size_t there = order[0];
                uint8_t other[8 * UNITS] = {0xee};
                piece_from(0x0a090001, (uint16_t)round, 8 * start[there],
                           bytes_of(other, 8 * (end[there] - start[there])), end[there] < UNITS);
                HOLDS(s->events.counters.held == 0);
                break;
            }
            seen += !(have >> k & 1);
            have |= UINT32_C(1) << k;
            piece_from(0x0a090001, (uint16_t)round, 8 * start[k],
                       bytes_of(message + 8 * start[k], 8 * (end[k] - start[k])), end[k] < UNITS);
            sent_pieces++;
            HOLDS(seen == count ? s->events.counters.held == 0 : s->events.counters.held == seen);
        }
        uint64_t *drops = s->events.counters.drops;
        HOLDS(drops[DROP_IP4_FRAG_DUPLICATE] - before.drops[DROP_IP4_FRAG_DUPLICATE] ==
              sent_pieces - seen);
        HOLDS((drops[DROP_IP4_FRAG_OVERLAP] != before.drops[DROP_IP4_FRAG_OVERLAP]) == lie);
        HOLDS(drops[DROP_ICMP_BAD] - before.drops[DROP_ICMP_BAD] == (lie ? 0 : seen));
    }
    PROVES("P09", "RFC815-3-a", "RFC5722-ipv4-overlap");
}
END_TEST

/* --- identifications ---------------------------------------------------------------------- */

START_TEST(no_identification_comes_twice_before_all_have_come)
{
    static uint8_t used[65536];
    struct ip_ids ids = {.key = {1, (uint64_t)_i}};

    memset(used, 0, sizeof used);
    for (uint32_t i = 0; i < 65536; i++) {
        uint16_t id = ip_id_next(&ids, ip_from_v4(1), ip_from_v4(2), IP_PROTOCOL_UDP);
        HOLDS(used[id]++ == 0);
    }
    PROVES("RFC6864-4.3-a");
}
END_TEST

/* Seen from one destination, another's are no help: hardly ever the next number, no two alike more
 * often than chance has it, and every bit as often set as not. */
START_TEST(identifications_cannot_be_guessed)
{
    enum { N = 4096 };
    struct ip_ids ids = {.key = {7, 8}};
    uint16_t last = 0;
    int steps = 0, same = 0, bits[16] = {0};

    for (int i = 0; i < N; i++) {
        uint16_t a = ip_id_next(&ids, ip_from_v4(1), ip_from_v4(2), IP_PROTOCOL_UDP);
        uint16_t b = ip_id_next(&ids, ip_from_v4(1), ip_from_v4(3), IP_PROTOCOL_UDP);
        uint16_t c = ip_id_next(&ids, ip_from_v4(1), ip_from_v4(2), IP_PROTOCOL_ICMP);
        steps += (uint16_t)(a - last) <= 16;
        same += a == b || a == c || b == c;
        for (int bit = 0; bit < 16; bit++)
            bits[bit] += a >> bit & 1;
        last = a;
    }
    ck_assert_int_le(steps, 8); /* one is to be expected */
    ck_assert_int_le(same, 8);
    for (int bit = 0; bit < 16; bit++)
        ck_assert(bits[bit] > N / 2 - 6 * 32 && bits[bit] < N / 2 + 6 * 32);
    PROVES("P14", "RFC6864-4.1-b");
}
END_TEST

/* --- congestion marks --------------------------------------------------------------------- */

enum { NOT_ECT, ECT_1, ECT_0, CE, UDP_LEN = 24, UDP_PORT = 7777 };

/* Half a datagram of UDP, without a checksum. */
static void marked_half(bool late, uint8_t tos)
{
    static const uint8_t datagram[UDP_LEN] = {0x30,           0x39, UDP_PORT >> 8,
                                              UDP_PORT & 255, 0,    UDP_LEN};
    uint8_t packet[64];
    struct writer w = writer_of(packet, sizeof packet);
    struct ipv4_header h = {.src = ip_from_v4(0x0a090001),
                            .dst = ip_from_v4(0x0a090002),
                            .protocol = IP_PROTOCOL_UDP,
                            .ttl = 64,
                            .tos = tos,
                            .id = 7,
                            .more_fragments = !late,
                            .fragment_offset = late ? UDP_LEN - 8 : 0};
    struct bytes half = late ? bytes_skip(bytes_of(datagram, UDP_LEN), UDP_LEN - 8)
                             : bytes_of(datagram, UDP_LEN - 8);

    ipv4_emit(&w, &h, half.len);
    write_bytes(&w, half.at, half.len);
    stack_input_ip(s, bytes_of(packet, 20 + half.len), NULL, s->now);
}

/* The type of service that a datagram was given with; -1: none has come. */
static int tos_of_datagram(int socket)
{
    uint8_t text[UDP_LEN], control[64];
    struct iovec iov = {text, sizeof text};
    struct sock_msg msg = {
        .iov = &iov, .iovcnt = 1, .control = control, .control_len = sizeof control};

    if (sock_recvmsg(s, socket, &msg, MSG_DONTWAIT, NULL) == -EAGAIN)
        return -1;
    ck_assert_uint_ge(msg.control_len, CMSG_LEN(1));
    struct cmsghdr head;
    memcpy(&head, control, sizeof head);
    ck_assert_int_eq(head.cmsg_type, IP_TOS);
    return control[CMSG_LEN(0)];
}

/* All pairs of marks, each in both orders of arrival. */
START_TEST(a_congestion_mark_on_a_fragment_is_neither_lost_nor_made_up)
{
    int first = _i & 3, last = _i >> 2 & 3, one = 1, wanted = 0x48 | first;
    bool backwards = _i >> 4;
    int socket = sock_socket(s, AF_INET, SOCK_DGRAM, 0);

    ck_assert_int_ge(socket, 0);
    ck_assert_int_eq(sock_bind(s, socket, (struct endpoint){.port = UDP_PORT}), 0);
    ck_assert_int_eq(sock_setsockopt(s, socket, IPPROTO_IP, IP_RECVTOS, &one, sizeof one), 0);
    if (first == CE || last == CE)
        wanted = first == NOT_ECT || last == NOT_ECT ? -1 : 0x48 | CE;
    marked_half(backwards, (uint8_t)(0x48 | (backwards ? last : first)));
    marked_half(!backwards, (uint8_t)(0x48 | (backwards ? first : last)));
    ck_assert_int_eq(tos_of_datagram(socket), wanted);
    ck_assert_uint_eq(s->events.counters.drops[DROP_IP4_FRAG_ECN], wanted < 0 ? 2 : 0);
    ck_assert_uint_eq(s->events.counters.held, 0);
    ck_assert_int_eq(sock_close(s, socket), 0);
    PROVES("RFC3168-5.3-a");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reassembly");
    TCase *c = tcase_create("RFC 791, 3.2; RFC 1122, 3.3.2");

    tcase_add_checked_fixture(c, given_a_stack, stack_gone);
    tcase_add_test(c, the_largest_ping_is_answered_octet_for_octet_in_any_order);
    tcase_add_loop_test(c, a_second_fragment_that_cannot_be_ends_the_datagram, 0,
                        (int)ARRAY_LEN(second));
    tcase_add_loop_test(c, two_fragments_that_contradict_each_other_end_the_datagram, 0,
                        ARRAY_LEN(pairs));
    tcase_add_loop_test(c, half_a_datagram_ends_after_a_minute_and_its_sender_hears_of_it, 0, 2);
    tcase_add_test(c, a_datagram_that_waits_is_there_before_a_minute_is_over);
    tcase_add_test(c, errors_about_datagrams_that_never_got_whole_are_limited);
    tcase_add_test(c, who_watches_hears_of_each_piece_that_dies_late);
    suite_add_tcase(suite, c);

    c = tcase_create("caps");
    tcase_add_checked_fixture(c, given_a_stack, stack_gone);
    tcase_add_test(c, a_source_has_so_many_datagrams_and_its_oldest_goes_first);
    tcase_add_test(c, a_flood_of_halves_stays_within_the_cap_and_a_pair_behind_it_gets_whole);
    tcase_add_test(c, a_datagram_of_tiny_pieces_ends_at_the_cap);
    tcase_add_test(c, a_header_of_tcp_in_two_fragments_is_judged_whole);
    tcase_add_loop_test(c, any_order_with_repetitions_makes_the_same_datagram, 0, 4);
    suite_add_tcase(suite, c);

    c = tcase_create("RFC 3168, 5.3: congestion marks");
    tcase_add_checked_fixture(c, given_a_stack, stack_gone);
    tcase_add_loop_test(c, a_congestion_mark_on_a_fragment_is_neither_lost_nor_made_up, 0, 32);
    suite_add_tcase(suite, c);

    c = tcase_create("RFC 6864, 4: identifications");
    tcase_add_loop_test(c, no_identification_comes_twice_before_all_have_come, 0, 3);
    tcase_add_test(c, identifications_cannot_be_guessed);
    suite_add_tcase(suite, c);
    return run_suite(suite, "reassembly");
}
