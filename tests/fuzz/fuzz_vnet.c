/* fuzz_vnet.c - a virtio_net_hdr and a frame of any octets.
 *
 * First an octet that says whether offload was negotiated, then the header, then the frame. What
 * passes must fit the frame, survive a round trip, and be completed without touching anything but
 * the checksum field, to a sum that a receiver accepts. */
#include <stdlib.h>

#include "base/checksum.h"
#include "dev/vnet_wire.h"
#include "eth/eth_wire.h"

static void check_meta(const struct frame_meta *meta, size_t frame_len, bool offload)
{
    assert(meta->gso_type == FRAME_GSO_NONE || meta->gso_type == FRAME_GSO_TCPV4 ||
           meta->gso_type == FRAME_GSO_TCPV6);
    assert((meta->gso_type == FRAME_GSO_NONE) == (meta->gso_size == 0));
    assert((meta->flags & ~(FRAME_NEEDS_CSUM | FRAME_CSUM_VALID)) == 0);
    assert(offload || meta->flags == 0);
    assert(meta->bad == 0);
    if (meta->flags & FRAME_NEEDS_CSUM) {
        assert(meta->csum_start >= ETH_HEADER);
        assert((size_t)meta->csum_start + meta->csum_offset + 2 <= frame_len);
    } else {
        assert(meta->csum_start == 0 && meta->csum_offset == 0);
    }
}

static void check_round_trip(const struct frame_meta *meta, size_t frame_len)
{
    uint8_t header[VNET_HEADER];
    struct frame_meta again;

    vnet_emit(meta, header);
    assert(vnet_parse(bytes_of(header, VNET_HEADER), frame_len, true, &again) == DROP_NONE);
    assert(again.flags == meta->flags && again.gso_type == meta->gso_type);
    assert(again.gso_size == meta->gso_size && again.csum_start == meta->csum_start);
    assert(again.csum_offset == meta->csum_offset);
}

/* The field held F, a part of the sum; now the whole must sum up to what makes F right: ~F. */
static void check_completion(struct bytes frame, struct frame_meta meta)
{
    size_t start = meta.csum_start;
    size_t field = start + meta.csum_offset;
    bool partial = meta.flags & FRAME_NEEDS_CSUM;
    uint8_t *copy = malloc(frame.len ? frame.len : 1);

    if (frame.len)
        memcpy(copy, frame.at, frame.len);
    vnet_complete(copy, frame.len, &meta);
    assert(!(meta.flags & FRAME_NEEDS_CSUM));
    for (size_t i = 0; i < frame.len; i++)
        assert(copy[i] == frame.at[i] || (partial && (i == field || i == field + 1)));
    if (partial && (field - start) % 2 == 0) {
        struct checksum sum = {0};
        checksum_add(&sum, bytes_of(frame.at + field, 2));
        checksum_add(&sum, bytes_of(copy + start, frame.len - start));
        assert(checksum_finish(sum) == 0);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct frame_meta meta;

    if (size == 0)
        return 0;
    bool offload = data[0] & 1;
    struct bytes header = bytes_first(bytes_of(data + 1, size - 1), VNET_HEADER);
    struct bytes frame = bytes_skip(bytes_of(data + 1, size - 1), VNET_HEADER);
    enum drop drop = vnet_parse(header, frame.len, offload, &meta);
    assert(drop == DROP_NONE || drop == DROP_DEV_VNET);
    assert(header.len == VNET_HEADER || drop == DROP_DEV_VNET);
    if (drop != DROP_NONE)
        return 0;
    check_meta(&meta, frame.len, offload);
    check_round_trip(&meta, frame.len);
    check_completion(frame, meta);
    return 0;
}
