/*
 * test_reassembly.c - fragments in and out, against the datagram that was cut.
 */
#include <check.h>
#include <errno.h>

#include "ip/icmp_wire.h"
#include "see/counters.h"
#include "stack/stack.h"
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

static void piece(size_t offset, size_t len, bool more)
{
    uint8_t packet[1500];
    struct writer w = writer_of(packet, sizeof packet);
    struct ipv4_header h = {.src = ip_from_v4(0x0a090001),
                            .dst = ip_from_v4(0x0a090002),
                            .protocol = IP_PROTOCOL_ICMP,
                            .ttl = 64,
                            .id = 99,
                            .more_fragments = more,
                            .fragment_offset = (uint16_t)offset};

    ipv4_emit(&w, &h, len);
    write_bytes(&w, message + offset % sizeof message, len);
    stack_input_ip(s, bytes_of(packet, 20 + len), NULL, s->now);
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
    PROVES("I03");
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
    PROVES("P08", "P09", "P10");
}
END_TEST

START_TEST(half_a_datagram_ends_after_a_minute_and_its_sender_hears_of_it)
{
    piece(_i ? 0 : 8, 24, true);
    ck_assert_uint_eq(s->events.counters.held, 1);
    stack_advance(s, instant_add(s->now, 61 * NS_PER_S));
    ck_assert_uint_eq(s->events.counters.drops[DROP_IP4_FRAG_TIMEOUT], 1);
    ck_assert_uint_eq(s->replies.len, (unsigned)_i);
    PROVES("P13");
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
    tcase_add_loop_test(c, half_a_datagram_ends_after_a_minute_and_its_sender_hears_of_it, 0, 2);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
