/*
 * fuzz_icmp.c - any octets as an ICMP message in a packet from a peer, and what we do about it.
 *
 * The input is the IPv4 header that carries it (20 octets, its checksum put right) and the message,
 * which is tried as it is and with its checksum put right. Asserted: what is read is written back
 * the same; a quote lies within the message; an echo comes back with its data; an error is at most
 * 576 octets, quotes what came, is never about an error, and neither carries an option or is left
 * behind.
 */
#include <stdlib.h>

#include "base/checksum.h"
#include "ip/icmp.h"
#include "ip/ipv4.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ip_prefix ours = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 9, 0, 2}},
                                      24};
static const struct ip_config config = {.addrs = &ours, .addr_count = 1};

/* Takes one of our own packets apart. */
static struct bytes open_packet(struct frame *frame, struct icmp_header *h)
{
    struct ipv4_header ip;
    struct bytes payload, body;

    assert(ipv4_parse(frame_bytes(frame), &ip, &payload) == DROP_NONE);
    assert(ip.options.len == 0 && payload.len + IPV4_HEADER_MIN == frame->len);
    assert(icmp_parse(payload, h, &body) == DROP_NONE);
    return body;
}

static void check_quote(struct bytes body)
{
    struct ipv4_header inner;
    struct bytes first8;
    size_t packet_len;

    if (icmp_quote_parse(body, &inner, &packet_len, &first8))
        return;
    assert(body.len >= IPV4_HEADER_MIN + 8 && first8.len == 8);
    assert(first8.at == body.at + IPV4_HEADER_MIN + inner.options.len &&
           !ipv4_options_check(inner.options));
}

static void try_message(struct frame_pool *pool, const struct ipv4_header *ip, struct bytes message,
                        bool broadcast)
{
    struct icmp_header h, reply;
    struct bytes body;
    enum icmp_kind kind;

    if (icmp_parse(message, &h, &body))
        return;
    assert(body.at == message.at + ICMP_HEADER && body.len == message.len - ICMP_HEADER);
    uint8_t *again = malloc(message.len);
    assert(again);
    struct writer w = writer_of(again, message.len);
    icmp_emit(&w, &h, body);
    /* 0 and 0xffff mean the same; emit never writes the latter over octets that are not all zero */
    assert(w.left == 0 && checksum_of(bytes_of(again, message.len)) == 0);
    again[2] = message.at[2];
    again[3] = message.at[3];
    assert(memcmp(again, message.at, message.len) == 0);
    free(again);

    if (icmp_classify(&h, broadcast, &kind))
        return;
    assert(!broadcast);
    if (kind == ICMP_KIND_ERROR)
        check_quote(body);
    if (kind == ICMP_KIND_ECHO) {
        struct frame *frame = icmp_echo_reply(pool, ip, &h, body, 64);
        assert(frame);
        struct bytes returned = open_packet(frame, &reply);
        assert(reply.type == ICMP_ECHO_REPLY && reply.rest == h.rest);
        assert(bytes_equal(returned, body));
        frame_put(frame);
    }
}

static void try_error(struct frame_pool *pool, struct bytes packet, const struct ipv4_header *ip,
                      bool broadcast, struct bytes payload)
{
    struct icmp_header h;

    if (!icmp_may_answer(ip, false, broadcast, payload))
        return;
    assert(!broadcast && ip->options.len == 0 && ip->fragment_offset == 0);
    struct frame *frame = icmp_unreachable(pool, packet, ip, ours.addr, 2, 64, 1500);
    assert(frame && frame->len <= 576);
    struct bytes quote = open_packet(frame, &h);
    assert(quote.len <= packet.len && bytes_equal(quote, bytes_first(packet, quote.len)));
    assert(quote.len >= size_min(IPV4_HEADER_MIN + payload.len, 548));

    /* and nobody sends an error about this one */
    struct ipv4_header error;
    struct bytes message;
    assert(ipv4_parse(frame_bytes(frame), &error, &message) == DROP_NONE);
    assert(!icmp_may_answer(&error, false, false, message));
    frame_put(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct env env;
    struct memory memory = {.env = &env};
    struct frame_pool pool;

    if (size < IPV4_HEADER_MIN || size > IPV4_TOTAL_MAX)
        return 0;
    uint8_t *octets = malloc(size);
    assert(octets);
    memcpy(octets, data, size);
    int err = frame_pool_init(&pool, &memory, 1 << 20);
    assert(!err);
    put_be16(octets + 2, (uint16_t)size);
    size_t header_len = size_min((size_t)(octets[0] & 0x0f) * 4, size);
    put_be16(octets + 10, 0);
    put_be16(octets + 10, checksum_of(bytes_of(octets, header_len)));

    struct ipv4_header ip;
    struct bytes packet = bytes_of(octets, size), payload;
    bool broadcast;
    if (!ipv4_parse(packet, &ip, &payload) && !ipv4_accept(&config, &ip, false, &broadcast)) {
        try_error(&pool, packet, &ip, broadcast, payload);
        try_message(&pool, &ip, payload, broadcast);
        if (payload.len >= ICMP_HEADER) {
            uint8_t *checksum = octets + header_len + 2;
            put_be16(checksum, 0);
            put_be16(checksum, checksum_of(payload));
            try_message(&pool, &ip, payload, broadcast);
        }
    }
    check_quote(packet);
    assert(pool.out == 0);
    frame_pool_fini(&pool);
    free(octets);
    return 0;
}
