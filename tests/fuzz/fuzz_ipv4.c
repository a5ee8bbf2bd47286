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
    uint8_t again[IPV4_HEADER_MAX], wanted[IPV4_HEADER_MAX];
    size_t header_len = IPV4_HEADER_MIN + h.options.len;
    struct writer w = writer_of(again, header_len);

    if (h.ttl == 0)
        return;
    memcpy(wanted, packet, header_len);
    put_be16(wanted + 2, (uint16_t)(header_len + payload_len)); /* what our form differs in: */
    wanted[6] &= 0x7f;                                          /* no reserved flag */
    put_be16(wanted + 10, 0);
    put_be16(wanted + 10, checksum_of(bytes_of(wanted, header_len)));
    ipv4_emit(&w, &h, payload_len);
    assert(w.left == 0 && memcmp(again, wanted, header_len) == 0);
}

static void must_be_sound(struct ipv4_options options)
{
    assert(options.len % 4 == 0 && !ipv4_options_check(ipv4_options_bytes(&options)));
}

/* Whatever is done with well-formed options leaves them so. */
static void use_options(struct bytes options)
{
    struct ipv4_options out;

    if (ipv4_options_take(options, &out) == 0) /* as a program's */
        must_be_sound(out);
    must_be_sound(ipv4_options_copied(options));
    must_be_sound(ipv4_options_returned(options));
    out = (struct ipv4_options){.len = (uint8_t)options.len};
    memcpy(out.octets, options.at, options.len);
    ipv4_options_record(&out, ours.addr, 7);
    must_be_sound(out);
    must_be_sound(ipv4_options_returned(ipv4_options_bytes(&out)));
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
    use_options(h.options);
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
