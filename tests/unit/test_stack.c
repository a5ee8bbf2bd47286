/*
 * test_stack.c - the stack as a whole: what it believes of a device, what it refuses to be, and
 * what it gives back.
 */
#include <stdio.h>

#include "dev/vnet_wire.h"
#include "support/peer.h"
#include "support/proves.h"
#include "support/small_env.h"

enum { TCP_AT = 14 + 20, SUM_AT = 16 };

static struct peer *p;

static void given_a_listener(void)
{
    p = peer_new();
    peer_listen(p, 8);
}

static void peer_gone(void)
{
    peer_free(p);
}

/* A SYN for the listener; its checksum right, or only the pseudo-header's as an offloading device
 * has it. */
static size_t a_syn(uint8_t *out, bool partial)
{
    struct wire_flow *flow = peer_flow_new(p);
    struct wire_tcp syn = {.ip_src = PEER_ADDR,
                           .ip_dst = PEER_STACK_ADDR,
                           .src_port = flow->their_port,
                           .dst_port = PEER_STACK_PORT,
                           .seq = flow->irs,
                           .flags = WIRE_SYN,
                           .window = 1000,
                           .ttl = 64,
                           .bad_checksum = partial};
    memcpy(syn.eth_dst, stack_config(p->stack)->mac.octet, 6);
    memcpy(syn.eth_src, "\x02\0\0\0\0\1", 6);
    wire_flow_in(flow, &syn);
    return wire_emit(out, &syn);
}

static uint64_t received_syns(void)
{
    struct stack_usage usage = peer_usage(p);
    return usage.connections;
}

START_TEST(a_frame_that_filled_its_buffer_is_dropped_whatever_it_says)
{
    uint8_t octets[WIRE_FRAME_MAX];
    size_t len = a_syn(octets, false);
    struct frame *frame = stack_frame(p->stack, len);

    ck_assert_ptr_nonnull(frame);
    memcpy(frame->data, octets, len);
    frame->len = (uint32_t)len;
    frame->truncated = true;
    stack_input_frame(p->stack, frame, p->now);
    ck_assert_uint_eq(peer_drops(p, DROP_DEV_TRUNCATED), 1);
    ck_assert_uint_eq(received_syns(), 0);
    PROVES("T03");
}
END_TEST

START_TEST(a_frame_whose_device_header_lies_is_dropped)
{
    uint8_t octets[WIRE_FRAME_MAX];
    struct frame_meta meta = {.bad = 1};
    struct bytes frame = {octets, a_syn(octets, false)};

    stack_input(p->stack, frame, &meta, p->now);
    ck_assert_uint_eq(peer_drops(p, DROP_DEV_VNET), 1);
    ck_assert_uint_eq(received_syns(), 0);
    PROVES("T10", "T11");
}
END_TEST

static const struct {
    uint16_t start, offset;
    bool right;
} partial[] = {
    {TCP_AT, SUM_AT, true},      {0, SUM_AT, false},     {TCP_AT - 1, SUM_AT, false},
    {TCP_AT + 1, SUM_AT, false}, {TCP_AT, 0, false},     {TCP_AT, SUM_AT - 1, false},
    {TCP_AT, SUM_AT + 1, false}, {65535, SUM_AT, false}, {TCP_AT, 65535, false},
    {65535, 65535, false},
};

START_TEST(a_partial_checksum_is_believed_only_where_tcp_has_its_own)
{
    uint8_t octets[WIRE_FRAME_MAX];
    struct frame_meta meta = {.flags = FRAME_NEEDS_CSUM,
                              .csum_start = partial[_i].start,
                              .csum_offset = partial[_i].offset};
    struct bytes frame = {octets, a_syn(octets, true)};

    stack_input(p->stack, frame, &meta, p->now);
    ck_assert_uint_eq(peer_drops(p, DROP_DEV_VNET), partial[_i].right ? 0 : 1);
    ck_assert_uint_eq(received_syns(), partial[_i].right ? 1 : 0);
    PROVES("T13");
}
END_TEST

START_TEST(without_offload_the_flags_of_the_device_header_mean_nothing)
{
    static const uint8_t header[VNET_HEADER] = {3}; /* NEEDS_CSUM and DATA_VALID */
    uint8_t octets[WIRE_FRAME_MAX];
    struct frame_meta meta;
    struct bytes frame = {octets, a_syn(octets, true)};

    ck_assert_int_eq(vnet_parse((struct bytes){header, sizeof header}, frame.len, false, &meta),
                     DROP_NONE);
    stack_input(p->stack, frame, &meta, p->now);
    ck_assert_uint_eq(peer_drops(p, DROP_TCP_CHECKSUM), 1);
    ck_assert_uint_eq(received_syns(), 0);
    PROVES("T14", "C02", "RFC9293-MUST-3");
}
END_TEST

/* --- what nobody here takes
 * ----------------------------------------------------------------------- */

/* An IPv4 packet of `protocol` with 40 octets, right in all else. */
static size_t a_packet(uint8_t *out, uint8_t protocol)
{
    size_t len = 14 + 20 + 40;
    uint16_t sum;

    memset(out, 0, len);
    memcpy(out, stack_config(p->stack)->mac.octet, 6);
    memcpy(out + 6, "\x02\0\0\0\0\1", 6);
    memcpy(out + 12, "\x08\0\x45\0\0\x3c\0\0\0\0\x40", 11);
    out[23] = protocol;
    memcpy(out + 26, "\x0a\x09\0\1\x0a\x09\0\2", 8);
    sum = wire_checksum(out + 14, 20, 0);
    out[24] = (uint8_t)(sum >> 8);
    out[25] = (uint8_t)sum;
    for (size_t i = 34; i < len; i++)
        out[i] = (uint8_t)i;
    return len;
}

static const uint8_t strange[] = {2, 4, 41, 47, 50, 99, 132, 255};

START_TEST(a_protocol_that_we_do_not_speak_is_named_and_answered_and_never_opened)
{
    uint8_t octets[128];

    peer_send_frame(p, octets, a_packet(octets, strange[_i]));
    ck_assert_uint_eq(peer_drops(p, DROP_IP4_PROTOCOL), 1);
    ck_assert_uint_eq(p->icmp_out, 1);
    PROVES("P07", "RFC1122-3.2.2.1-a");
}
END_TEST

START_TEST(errors_are_limited_for_one_destination)
{
    uint8_t octets[128];
    struct stack_values values = stack_config(p->stack)->values;
    size_t len = a_packet(octets, 99);

    for (int i = 0; i < 1000; i++)
        peer_send_frame(p, octets, len);
    ck_assert_uint_eq(peer_drops(p, DROP_IP4_PROTOCOL), 1000);
    ck_assert_uint_le(p->icmp_out, (uint64_t)values.icmp_peer_burst);
    ck_assert_uint_ge(p->icmp_out, 1);
    ck_assert_uint_eq(peer_counter(p, COUNTER_ICMP_LIMITED), 1000 - p->icmp_out);
    PROVES("RFC1812-4.3.2.8-a");
}
END_TEST

/* --- configuration and memory
 * ------------------------------------------------------------------------ */

static const struct {
    const char *address, *gateway;
    uint32_t mtu;
    bool group_mac, right;
} configs[] = {
    {"10.0.0.1/24", NULL, 1500, false, true},
    {"10.0.0.1/24", "10.0.0.254", 1500, false, true},
    {"10.0.0.1/24", "10.0.1.1", 1500, false, false},
    {"10.0.0.1/24", NULL, 0, false, false},
    {"10.0.0.1/24", NULL, 67, false, false},
    {"10.0.0.1/24", NULL, 68, false, true},
    {"10.0.0.1/24", NULL, 65535, false, true},
    {"10.0.0.1/24", NULL, 65536, false, false},
    {"10.0.0.1/24", NULL, 1500, true, false},
    {"10.0.0.0/24", NULL, 1500, false, false},
    {"10.0.0.255/24", NULL, 1500, false, false},
    {"127.0.0.1/8", NULL, 1500, false, false},
    {"224.0.0.1/24", NULL, 1500, false, false},
    {"0.0.0.0/0", NULL, 1500, false, false},
    {"255.255.255.255/32", NULL, 1500, false, false},
    {"240.0.0.1/8", NULL, 1500, false, false},
};

START_TEST(a_config_is_checked_before_anything_is_made)
{
    struct small_env e;
    struct stack_config config;

    small_env_init(&e);
    stack_config_init(&config);
    ck_assert_int_eq(ip_prefix_parse(configs[_i].address, &config.addr[0]), 0);
    config.addr_count = 1;
    config.mtu = configs[_i].mtu;
    if (configs[_i].gateway)
        ck_assert_int_eq(ip_addr_parse(configs[_i].gateway, &config.gateway), 0);
    if (configs[_i].group_mac)
        config.mac.octet[0] = 1;
    ck_assert_int_eq(stack_config_check(&config) == NULL, configs[_i].right);
    if (!configs[_i].right) {
        ck_assert_ptr_null(stack_new(&config, &e.env));
        ck_assert_uint_eq(e.calls, 0);
    }
    PROVES("F12");
}
END_TEST

START_TEST(the_same_address_twice_is_refused)
{
    struct stack_config config;

    stack_config_init(&config);
    ck_assert_int_eq(ip_prefix_parse("10.0.0.1/24", &config.addr[0]), 0);
    ck_assert_int_eq(ip_prefix_parse("10.0.0.1/16", &config.addr[1]), 0);
    config.addr_count = 2;
    ck_assert_ptr_nonnull(stack_config_check(&config));
}
END_TEST

static int some_random(void *context, void *octets, size_t len)
{
    (void)context;
    memset(octets, 0x5a, len);
    return 0;
}

static int no_random(void *context, void *octets, size_t len)
{
    (void)context;
    (void)octets;
    (void)len;
    return -EAGAIN;
}

START_TEST(without_randomness_there_is_no_stack)
{
    struct small_env e;
    struct stack_config config;

    small_env_init(&e);
    stack_config_init(&config);
    e.env.random = no_random;
    ck_assert_ptr_null(stack_new(&config, &e.env));
    ck_assert_uint_eq(e.blocks, 0);
    PROVES("F08");
}
END_TEST

START_TEST(a_stack_is_made_whole_or_not_at_all_and_gives_all_memory_back)
{
    struct small_env e;
    struct stack_config config;
    struct stack *made = NULL;

    stack_config_init(&config);
    config.values.tcp_connections = 64;
    for (uint64_t k = 1; !made; k++) {
        small_env_init(&e);
        e.env.random = some_random;
        e.fail_at = k;
        made = stack_new(&config, &e.env);
        if (!made)
            ck_assert_uint_eq(e.blocks, 0);
        ck_assert_uint_lt(k, 1000);
    }
    ck_assert_uint_gt(e.blocks, 3);
    stack_free(made);
    ck_assert_uint_eq(e.blocks, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("stack");
    TCase *c = tcase_create("what a device says");
    tcase_add_checked_fixture(c, given_a_listener, peer_gone);
    tcase_add_test(c, a_frame_that_filled_its_buffer_is_dropped_whatever_it_says);
    tcase_add_test(c, a_frame_whose_device_header_lies_is_dropped);
    tcase_add_loop_test(c, a_partial_checksum_is_believed_only_where_tcp_has_its_own, 0,
                        sizeof partial / sizeof partial[0]);
    tcase_add_test(c, without_offload_the_flags_of_the_device_header_mean_nothing);
    suite_add_tcase(s, c);
    c = tcase_create("RFC 1122, 3.2.2.1: unreachable");
    tcase_add_checked_fixture(c, given_a_listener, peer_gone);
    tcase_add_loop_test(c, a_protocol_that_we_do_not_speak_is_named_and_answered_and_never_opened,
                        0, sizeof strange);
    tcase_add_test(c, errors_are_limited_for_one_destination);
    suite_add_tcase(s, c);
    c = tcase_create("making one");
    tcase_add_loop_test(c, a_config_is_checked_before_anything_is_made, 0,
                        sizeof configs / sizeof configs[0]);
    tcase_add_test(c, the_same_address_twice_is_refused);
    tcase_add_test(c, without_randomness_there_is_no_stack);
    tcase_add_test(c, a_stack_is_made_whole_or_not_at_all_and_gives_all_memory_back);
    suite_add_tcase(s, c);
    return run_suite(s, "stack");
}
