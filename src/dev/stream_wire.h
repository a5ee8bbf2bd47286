/*
 * stream_wire.h - frames in a stream of octets: each with its length in front.
 *
 * What passt and QEMU (-netdev stream, -netdev socket) speak over a UNIX socket: four octets, most
 * significant first, say how long the Ethernet frame behind them is. Nothing marks the beginning of
 * a frame, so whoever has lost its place cannot find it again.
 */
#ifndef TAPIO_DEV_STREAM_WIRE_H
#define TAPIO_DEV_STREAM_WIRE_H

#include "base/bytes.h"

enum {
    STREAM_HEADER = 4,
    STREAM_FRAME_MAX = 65535 + 14 + 4, /* the longest IP packet, Ethernet's header, a VLAN tag */
};

enum stream_sight {
    STREAM_PARTIAL,   /* the next frame is not all there yet */
    STREAM_FRAME,     /* a frame, of no octets perhaps */
    STREAM_SENSELESS, /* a length that no frame has: from here on nothing means anything */
};

/* What the stream goes on with. *frame is the frame's octets, within `in`, with STREAM_FRAME; what
 * follows begins STREAM_HEADER octets and its length further on. *len is the length in front once
 * all of it is there, else 0. */
NODISCARD enum stream_sight stream_parse(struct bytes in, struct bytes *frame, uint32_t *len);

/* The mirror of stream_parse(): what goes in front of a frame of `len` octets. */
void stream_emit(size_t len, uint8_t out[STREAM_HEADER]);

#endif
