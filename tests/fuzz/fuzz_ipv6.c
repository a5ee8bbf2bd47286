/*
 * fuzz_ipv6.c - any octets as an IPv6 packet.
 *
 * Asserted of every packet that is read: the payload lies behind the header and within the packet,
 * and the header is written back as it was; and of every one that is accepted: its source is a
 * single host that is not us, no address is IPv4 in disguise, its destination is us or many.
 */
#include <stdlib.h>

#include "ip/ipv6.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ip_prefix ours[] = {
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 9, 0, 2}}, 24},
    {{{0xfd, [15] = 2}}, 64},
};
static const struct ip_config config = {.addrs = ours, .addr_count = 2};

static void accept_it(const struct ipv6_header *h)
{
    bool group;

    if (ipv6_accept(&config, h, &group))
        return;
    assert(!ip_is_multicast(h->src) && !ip_is_loopback(h->src) && !ip_is_unspecified(h->src));
    assert(!ip_is_v4(h->src) && !ip_is_v4(h->dst) && !ip_is_ours(&config, h->src));
    assert(group ? ip_is_multicast(h->dst) : ip_equal(h->dst, ours[1].addr));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes packet = bytes_of(data, size), payload;
    struct reader r = reader_of(packet);
    struct ipv6_header h, quoted;
    size_t len;
    enum drop drop = ipv6_parse(packet, &h, &payload);

    assert(ipv6_read_header(&r, &quoted, &len) || drop == DROP_IP6_HEADER);
    if (drop)
        return 0;
    assert(payload.at == data + IPV6_HEADER && payload.len == len);
    assert(IPV6_HEADER + payload.len <= size && !ipv6_is_extension(h.next_header));
    if (h.hop_limit > 0) {
        uint8_t again[IPV6_HEADER];
        struct writer w = writer_of(again, sizeof again);
        ipv6_emit(&w, &h, payload.len);
        assert(w.left == 0 && memcmp(again, data, sizeof again) == 0);
    }
    accept_it(&h);
    return 0;
}
