/*
 * fuzz_ipv4.c - any octets as an IPv4 packet.
 *
 * The checksum would stop nearly everything, so each input is tried as it is and with its checksum
 * put right. Asserted of every packet that is read: the lengths nest, the payload lies within it,
 * the header without its options is written back as it was; and of every one that is accepted: its
 * source is a single host that is not us, its destination is us or many.
 */
#include <stdlib.h>

#include "base/checksum.h"
#include "ip/ipv4.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ip_prefix ours = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 9, 0, 2}},
                                      24};
static const struct ip_config config = {.addrs = &ours, .addr_count = 1};

static void accept_it(const struct ipv4_header *h, bool link_group)
{
    bool broadcast;

    if (ipv4_accept(&config, h, link_group, &broadcast))
        return;
    assert(!ip_is_multicast(h->src) && !ip_is_broadcast(&config, h->src));
    assert(!ip_is_loopback(h->src) && !ip_equal(h->src, ours.addr));
    if (broadcast)
        assert(ip_is_multicast(h->dst) || ip_is_broadcast(&config, h->dst));
    else
        assert(ip_equal(h->dst, ours.addr) && !link_group);
}

static void write_it_back(const uint8_t *packet, struct ipv4_header h, size_t payload_len)
{
    uint8_t again[IPV4_HEADER_MIN], wanted[IPV4_HEADER_MIN];
    struct writer w = writer_of(again, sizeof(again));

    if (h.ttl == 0 || payload_len > IPV4_TOTAL_MAX - IPV4_HEADER_MIN)
        return;
    memcpy(wanted, packet, sizeof(wanted));
    wanted[0] = 0x45; /* what our form of it differs in: no options, */
    put_be16(wanted + 2, (uint16_t)(IPV4_HEADER_MIN + payload_len));
    wanted[6] &= 0x7f; /* no reserved flag */
    put_be16(wanted + 10, 0);
    put_be16(wanted + 10, checksum_of(bytes_of(wanted, sizeof(wanted))));
    h.options = bytes_of(NULL, 0);
    ipv4_emit(&w, &h, payload_len);
    assert(w.left == 0 && memcmp(again, wanted, sizeof(again)) == 0);
}

static void try_packet(const uint8_t *data, size_t size)
{
    struct ipv4_header h;
    struct bytes payload;

    if (ipv4_parse(bytes_of(data, size), &h, &payload))
        return;
    size_t header_len = IPV4_HEADER_MIN + h.options.len;
    assert(header_len <= IPV4_HEADER_MAX && header_len % 4 == 0);
    assert(header_len + payload.len <= size && header_len + payload.len <= IPV4_TOTAL_MAX);
    assert(payload.at == data + header_len && h.options.at == data + IPV4_HEADER_MIN);
    assert(ip_is_v4(h.src) && ip_is_v4(h.dst) && h.fragment_offset % 8 == 0);
    assert(checksum_of(bytes_of(data, header_len)) == 0);
    write_it_back(data, h, payload.len);
    accept_it(&h, false);
    accept_it(&h, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_packet(data, size);
    if (size < IPV4_HEADER_MIN)
        return 0;

    uint8_t *right = malloc(size);
    assert(right);
    memcpy(right, data, size);
    put_be16(right + 10, 0);
    size_t header_len = size_min((size_t)(right[0] & 0x0f) * 4, size);
    put_be16(right + 10, checksum_of(bytes_of(right, header_len)));
    try_packet(right, size);
    free(right);
    return 0;
}
