/*
 * big_frame.h - one TCP frame of up to 64 KB as the segments that a wire would carry, and back.
 *
 * A device that takes big frames (dev->big_frames) is handed one header and up to 64 KB of text,
 * with gso_type and gso_size in its meta, and makes segments of it (TSO, GSO); it may hand over
 * what came in a row in the same way (GRO). These are both directions in software, for those who
 * look at frames one by one: captures, bad wires, the simulator. Nothing is allocated, and text is
 * never copied on the way down.
 */
#ifndef TAPIO_DEV_BIG_FRAME_H
#define TAPIO_DEV_BIG_FRAME_H

#include <tapio/dev.h>

#include "base/bytes.h"

enum {
    BIG_HEADER_MAX = 14 + 60 + 60, /* Ethernet, IP and TCP with all their options */
};

/* A frame that is being cut. Private but for what big_cut_next() sets. */
struct big_cut {
    /* The segment of this moment: */
    struct frame_meta meta;
    struct iovec iov[DEV_IOV_MAX];
    int iovcnt;

    struct frame_meta whole;
    const struct iovec *pieces;
    int piece_count;
    uint8_t header[BIG_HEADER_MAX]; /* the whole frame's, */
    uint8_t own[BIG_HEADER_MAX];    /* and the segment's */
    size_t header_len, ip_at, tcp_at;
    size_t text_len, done; /* octets of text, and those that have been handed out */
    uint32_t count;        /* segments handed out */
    bool is_v4;
};

/* Begins to cut `iov`, which must stay as it is until the last segment was taken. `ip_only`: no
 * Ethernet header. False, and nothing to take: it has no gso_type, or is not the TCP frame that its
 * meta says. A header may lie in several pieces. */
NODISCARD bool big_cut_begin(struct big_cut *cut, const struct frame_meta *meta,
                             const struct iovec *iov, int iovcnt, bool ip_only);
/* The next segment: meta (without a gso_type), iov and iovcnt of `cut`, which hold until the next
 * call. False: that was all.
 *
 * Sequence number, IP length and ID move on; FIN and PSH are the last segment's alone, CWR the
 * first one's. FRAME_NEEDS_CSUM stays, with the pseudo-header's sum in its field, and is
 * vnet_complete()'s or the device's to settle. */
bool big_cut_next(struct big_cut *cut);

/* How many segments a frame with so many octets of text is. */
static inline uint32_t big_segments(const struct frame_meta *meta, size_t text_len)
{
    if (meta->gso_type == FRAME_GSO_NONE || meta->gso_size == 0 || text_len <= meta->gso_size)
        return 1;
    return (uint32_t)((text_len + meta->gso_size - 1) / meta->gso_size);
}

/* Puts the frame `next` behind `frame` in one big frame, as GRO does: the same addresses, ports,
 * TTL, TOS and options, text that follows right on, every segment but the last of the first one's
 * size, ACK (and on the last PSH) as the only flags, both with a checksum that is right or that
 * nobody has to see any more. `frame` must have the room behind it. True: `frame` has become
 * both, with FRAME_CSUM_VALID, and `next` is the caller's to drop. False: nothing has changed. */
NODISCARD bool big_join(struct frame *frame, const struct frame *next, bool ip_only);

#endif
