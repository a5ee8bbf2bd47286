/*
 * fuzz_eth.c - any octets as an Ethernet frame.
 *
 * Asserted of every frame: what is read is written back the same; the payload is all behind the
 * header; what is accepted is not a tag or a length, comes from a single station that is not us,
 * and goes to us or to a group.
 */
#include "eth/eth_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct mac_addr ours = {{0x02, 0, 0x5e, 0x10, 0, 1}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct eth_header h;
    struct bytes payload;
    bool group;
    enum drop drop = eth_parse(bytes_of(data, size), &h, &payload);

    assert((drop == DROP_ETH_RUNT) == (size < ETH_HEADER));
    if (drop)
        return 0;
    assert(h.type >= ETH_LENGTH_BELOW && h.type != ETH_TYPE_VLAN && h.type != ETH_TYPE_QINQ);
    assert(payload.at == data + ETH_HEADER && payload.len == size - ETH_HEADER);

    uint8_t again[ETH_HEADER];
    struct writer w = writer_of(again, sizeof(again));
    eth_emit(&w, &h);
    assert(w.left == 0 && memcmp(again, data, ETH_HEADER) == 0);

    for (int big = 0; big < 2; big++) {
        drop = eth_accept(&h, payload.len, ours, 1500, big, &group);
        if (drop)
            continue;
        assert(payload.len <= 1500 || big);
        assert(!mac_is_group(h.src) && !mac_is_zero(h.src) && !mac_equal(h.src, ours));
        assert(group == mac_is_group(h.dst));
        assert(group || mac_equal(h.dst, ours));
    }
    return 0;
}
