/*
 * vnet_wire.h - virtio_net_hdr, the header in front of a frame that names its offloads.
 *
 * A device that speaks it puts one before each frame, in both directions: what the checksum still
 * needs, and how a big frame is to be cut. The fields are little-endian (virtio 1.x). It is not
 * part of the frame, and nothing in it is worth more than the frame says itself: see vnet_parse().
 */
#ifndef TAPIO_DEV_VNET_WIRE_H
#define TAPIO_DEV_VNET_WIRE_H

#include <tapio/dev.h>
#include <tapio/drops.h>

#include "base/bytes.h"

enum {
    VNET_HEADER = 10,       /* without num_buffers, which merged buffers alone need */
    VNET_GSO_ECN = 0x80,    /* a bit beside the type: the segments carry ECN marks */
    VNET_FRAME_MAX = 65550, /* the longest frame that comes behind one */
};

/* Reads the header `in` of a frame of `frame_len` octets. `offload`: checksum offload was
 * negotiated; without it FRAME_NEEDS_CSUM and FRAME_CSUM_VALID are ignored, so that the checksum is
 * verified in software. DROP_NONE, or DROP_DEV_VNET when header and frame contradict each other.
 *
 * What only the frame's own headers can tell is the caller's to hold against them: csum_start must
 * be where the transport header begins, and gso_size is a hint that never becomes an MSS. */
NODISCARD enum drop vnet_parse(struct bytes in, size_t frame_len, bool offload,
                               struct frame_meta *out);

/* The mirror of vnet_parse(). */
void vnet_emit(const struct frame_meta *meta, uint8_t out[VNET_HEADER]);

/* Does in software what FRAME_NEEDS_CSUM asks for, and takes the flag away. The meta must have come
 * through vnet_parse(), or fit `len` as if it had. */
void vnet_complete(uint8_t *frame, size_t len, struct frame_meta *meta);

#endif
