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

#include "base/addr.h"
#include "base/bytes.h"

enum {
    BIG_HEADER_MAX = 14 + 60 + 60, /* Ethernet, IP and TCP with all their options */
};

/* Where the parts of a TCP frame are, and what its headers say that matters here. Private. */
struct big_place {
    size_t ip_at, tcp_at, text_at; /* from the frame's first octet */
    size_t end;                    /* of the packet; behind it is padding, or nothing */
    struct ip_addr src, dst;
    uint32_t seq;
    uint16_t id; /* IPv4's */
    uint8_t flags;
    bool is_v4;
    bool dont_fragment;
};

/* A frame that is being cut. Private but for what big_cut_next() sets. */
struct big_cut {
    /* The segment of this moment: */
    struct frame_meta meta;
    struct iovec iov[DEV_IOV_MAX];
    int iovcnt;

    struct big_place place;
    const struct iovec *pieces;     /* the first that is not used up, */
    size_t piece_done;              /* and the octets of it that are */
    uint8_t header[BIG_HEADER_MAX]; /* the whole frame's, */
    uint8_t own[BIG_HEADER_MAX];    /* and the segment's */
    size_t text_len, done;          /* octets of text, and those that have been handed out */
    size_t size;                    /* text of a segment that is not the last, */
    uint16_t size_sum;              /* and the sum over its pseudo-header */
    uint32_t count, total;          /* segments handed out, of so many */
};

/* Begins to cut `iov`, which must stay as it is until the last segment was taken. `ip_only`: no
 * Ethernet header. False, and nothing to take: it has no gso_type, or is not the TCP frame that its
 * meta says, or nobody cuts such a one: IP options or extension headers, a fragment, SYN, RST or
 * URG, a checksum that is wrong, headers and text in one piece with DEV_IOV_MAX - 1 behind it. A
 * header may lie in several pieces. */
NODISCARD bool big_cut_begin(struct big_cut *cut, const struct frame_meta *meta,
                             const struct iovec *iov, int iovcnt, bool ip_only);
/* The next segment: meta (without a gso_type), iov and iovcnt of `cut`, which hold until the next
 * call. False: that was all.
 *
 * Sequence number, IP length and ID move on; FIN and PSH are the last segment's alone, CWR the
 * first one's. Each has FRAME_NEEDS_CSUM, with the pseudo-header's sum in its field, which is
 * vnet_complete()'s or the device's to settle: also where the whole frame's had been verified, for
 * that says nothing about the segments' own. Nothing is padded: the last one's Ethernet frame may
 * be shorter than 60 octets. */
bool big_cut_next(struct big_cut *cut);

/* How many segments a frame with so many octets of text is. */
static inline uint32_t big_segments(const struct frame_meta *meta, size_t text_len)
{
    if (meta->gso_type == FRAME_GSO_NONE || meta->gso_size == 0 || text_len <= meta->gso_size)
        return 1;
    return (uint32_t)((text_len + meta->gso_size - 1) / meta->gso_size);
}

/* Puts the frame `next` behind `frame` in one big frame, as GRO does: the same headers but for
 * what moves on from segment to segment, text that follows right on, every segment but the last of
 * the first one's size, ACK (and on the last PSH) as the only flags, both with a checksum that is
 * right or that nobody has to see any more. `frame` must have the room behind it, and no other
 * holder. True: `frame` has become both, with FRAME_CSUM_VALID (and the pseudo-header's sum in the
 * field that nobody looks at), and `next` is the caller's to drop. False: nothing has changed. */
NODISCARD bool big_join(struct frame *frame, const struct frame *next, bool ip_only);

#endif
