/*
 * vnet_wire.c - see vnet_wire.h.
 *
 * The header comes from our own kernel, but also from relays and replayed captures, and kernels
 * have believed such headers more than once. So it is held against the frame's length here, before
 * anybody uses an offset of it. What is refused is what could make us read outside the frame or
 * divide by nothing; what is merely new (a flag bit that we do not know) is ignored, as virtio
 * asks.
 *
 * hdr_len is ignored on the way in, since headers are parsed again anyway, and left zero on the way
 * out: the kernel takes that as "look yourself". The ECN bit is understood and dropped: the TCP
 * header says it, too. Left out until big frames are cut and joined: UDP's types.
 */
#include "dev/vnet_wire.h"

#include "base/checksum.h"
#include "eth/eth_wire.h"

static bool is_known_type(uint8_t gso_type)
{
    switch (gso_type) {
    case FRAME_GSO_NONE:
    case FRAME_GSO_TCPV4:
    case FRAME_GSO_TCPV4 | VNET_GSO_ECN:
    case FRAME_GSO_TCPV6:
    case FRAME_GSO_TCPV6 | VNET_GSO_ECN:
        return true;
    }
    return false; /* the ECN bit alone, too */
}

enum drop vnet_parse(struct bytes in, size_t frame_len, bool offload, struct frame_meta *out)
{
    struct reader r = reader_of(in);

    uint8_t flags = read_u8(&r);
    uint8_t gso_type = read_u8(&r);
    read_le16(&r); /* hdr_len */
    uint16_t gso_size = read_le16(&r);
    uint16_t csum_start = read_le16(&r);
    uint16_t csum_offset = read_le16(&r);
    if (r.overrun || !is_known_type(gso_type))
        return DROP_DEV_VNET;
    if (gso_type != FRAME_GSO_NONE && gso_size == 0)
        return DROP_DEV_VNET;

    flags = offload ? flags & (FRAME_NEEDS_CSUM | FRAME_CSUM_VALID) : 0;
    if (flags & FRAME_NEEDS_CSUM) {
        /* No checksum covers the Ethernet header, and its field must lie within the frame. */
        if (csum_start < ETH_HEADER || (size_t)csum_start + csum_offset + 2 > frame_len)
            return DROP_DEV_VNET;
    } else {
        csum_start = csum_offset = 0;
    }

    *out = (struct frame_meta){.flags = flags,
                               .gso_type = gso_type & (uint8_t)~VNET_GSO_ECN,
                               .csum_start = csum_start,
                               .csum_offset = csum_offset};
    if (gso_type != FRAME_GSO_NONE)
        out->gso_size = gso_size;
    return DROP_NONE;
}

void vnet_emit(const struct frame_meta *meta, uint8_t out[VNET_HEADER])
{
    struct writer w = writer_of(out, VNET_HEADER);

    write_u8(&w, meta->flags);
    write_u8(&w, meta->gso_type);
    write_le16(&w, 0); /* hdr_len */
    write_le16(&w, meta->gso_size);
    write_le16(&w, meta->csum_start);
    write_le16(&w, meta->csum_offset);
    assert(!w.overrun && w.left == 0);
}

void vnet_complete(uint8_t *frame, size_t len, struct frame_meta *meta)
{
    if (!(meta->flags & FRAME_NEEDS_CSUM))
        return;
    size_t field = (size_t)meta->csum_start + meta->csum_offset;
    assert(field + 2 <= len);

    /* The field holds the sum of the pseudo-header, so it is summed with the rest. UDP alone cannot
     * say zero, which means "no checksum" there; all ones is the same number (RFC 768). To TCP
     * the two are equal, so nobody has to ask which it is. */
    uint16_t sum = checksum_of(bytes_of(frame + meta->csum_start, len - meta->csum_start));
    put_be16(frame + field, sum == 0 ? 0xffff : sum);
    meta->flags &= (uint8_t)~FRAME_NEEDS_CSUM;
    meta->csum_start = meta->csum_offset = 0;
}
