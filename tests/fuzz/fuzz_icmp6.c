/*
 * fuzz_icmp6.c - any octets as an ICMPv6 message from a peer, and what we do about it.
 *
 * The message is tried as it is and with its checksum put right. Asserted: what is read is written
 * back the same; a quote lies within the message; an echo comes back with its data; an error is at
 * most 1280 octets, quotes what came and is never about an error.
 */
#include <stdlib.h>

#include "base/checksum.h"
#include "ip/icmp6.h"
#include "ip/ipv6.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ip_addr us = {{0xfd, [15] = 2}}, them = {{0xfd, [15] = 1}};

/* Takes one of our own packets apart. */
static struct bytes open_packet(struct frame *frame, struct icmp_header *h)
{
    struct ipv6_header ip;
    struct bytes payload, body;

    assert(ipv6_parse(frame_bytes(frame), &ip, &payload) == DROP_NONE);
    assert(payload.len + IPV6_HEADER == frame->len && ip_equal(ip.src, us));
    assert(icmp6_parse(ip.src, ip.dst, payload, h, &body) == DROP_NONE);
    return body;
}

static void check_error(const struct icmp_header *h, struct bytes body)
{
    struct icmp_error error;

    if (icmp6_error_of(h, body, &error))
        return;
    assert(body.len >= IPV6_HEADER + 8 && error.first8.len == 8);
    assert(error.first8.at == body.at + IPV6_HEADER);
    assert(!error.too_big || (error.mtu >= IPV6_MTU_MIN && error.mtu < error.packet_len));
    assert(!error.hard || error.error);
}

static void try_message(struct frame_pool *pool, struct bytes message, bool group)
{
    struct ipv6_header ip = {.src = them, .dst = us, .next_header = IP_PROTOCOL_ICMP6};
    struct icmp_header h, reply;
    struct bytes body;
    enum icmp_kind kind;

    if (icmp6_parse(them, us, message, &h, &body))
        return;
    assert(body.at == message.at + ICMP_HEADER && body.len == message.len - ICMP_HEADER);
    uint8_t *again = malloc(message.len);
    assert(again);
    struct writer w = writer_of(again, message.len);
    icmp6_emit(&w, them, us, &h, body);
    assert(w.left == 0);
    again[2] = message.at[2]; /* 0 and 0xffff mean the same there */
    again[3] = message.at[3];
    assert(memcmp(again, message.at, message.len) == 0);
    free(again);

    if (icmp6_classify(&h, group, &kind))
        return;
    if (kind == ICMP_KIND_ERROR)
        check_error(&h, body);
    if (kind == ICMP_KIND_ECHO) {
        struct frame *frame = icmp6_echo_reply(pool, &ip, &h, body, us, 64);
        assert(frame);
        struct bytes returned = open_packet(frame, &reply);
        assert(reply.type == ICMP6_ECHO_REPLY && reply.rest == h.rest);
        assert(bytes_equal(returned, body));
        frame_put(frame);
    }
}

/* The octets as a packet that nobody takes. */
static void try_refusal(struct frame_pool *pool, struct bytes packet)
{
    struct ipv6_header its, error;
    struct icmp_header h;
    struct bytes payload, message;

    if (ipv6_parse(packet, &its, &payload) || ip_is_multicast(its.src) ||
        ip_is_unspecified(its.src) || !ip_equal(its.dst, us) || ip_is_v4(its.src) ||
        !icmp6_may_answer(&its, false, false, payload))
        return;
    struct frame *frame = icmp6_refuse(pool, packet, &its, 64);
    assert(frame && frame->len <= IPV6_MTU_MIN);
    struct bytes quote = open_packet(frame, &h);
    assert(quote.len <= packet.len && bytes_equal(quote, bytes_first(packet, quote.len)));
    assert(ipv6_parse(frame_bytes(frame), &error, &message) == DROP_NONE);
    assert(!icmp6_may_answer(&error, false, false, message)); /* and nobody answers it */
    frame_put(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct env env;
    struct memory memory = {.env = &env};
    struct frame_pool pool;

    if (size > IPV6_PAYLOAD_MAX)
        return 0;
    int err = frame_pool_init(&pool, &memory, 1 << 20);
    assert(!err);
    try_message(&pool, bytes_of(data, size), false);
    try_refusal(&pool, bytes_of(data, size));
    if (size >= ICMP_HEADER) {
        uint8_t *octets = malloc(size);
        assert(octets);
        memcpy(octets, data, size);
        put_be16(octets + 2, 0);
        struct checksum c = {0};
        checksum_add_pseudo(&c, them, us, IP_PROTOCOL_ICMP6, (uint32_t)size);
        checksum_add(&c, bytes_of(octets, size));
        put_be16(octets + 2, checksum_finish(c));
        try_message(&pool, bytes_of(octets, size), false);
        try_message(&pool, bytes_of(octets, size), true);
        free(octets);
    }
    assert(pool.out == 0);
    frame_pool_fini(&pool);
    return 0;
}
