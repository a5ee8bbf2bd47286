/*
 * reassembly.h - the pieces of a datagram wait here for the rest (RFC 791, 3.2; RFC 815).
 *
 * Knows addresses, identifications and offsets, but no header: whoever calls it has parsed the
 * piece, and makes a packet of the whole. So it can serve IPv6's fragment header, too.
 */
#ifndef TAPIO_IP_REASSEMBLY_H
#define TAPIO_IP_REASSEMBLY_H

#include <tapio/drops.h>

#include "base/events.h"
#include "base/frame.h"
#include "base/hash.h"
#include "base/prng.h"
#include "base/tree.h"
#include "base/wheel.h"

enum {
    REASSEMBLY_MEMORY = 256 * 1024, /* octets at their true cost, of all queues */
    REASSEMBLY_QUEUES = 256,
    REASSEMBLY_PER_SOURCE = 16, /* queues */
    REASSEMBLY_PIECES = 64,     /* of one queue, or what the largest datagram needs at the MTU */
    REASSEMBLY_BUCKETS = 256,
    REASSEMBLY_SECONDS = 60, /* 60 to 120 (RFC 1122, 3.3.2) */
};

/* Which datagram a piece is of. */
struct fragment_key {
    struct ip_addr src, dst;
    uint32_t id;
    uint8_t protocol; /* of IPv4; IPv6 has 0 here (RFC 8200, 4.5) */
};

/* A piece that has come. `frame` holds the packet from its IP header on. */
struct fragment {
    struct fragment_key key;
    uint32_t offset;     /* octets */
    uint32_t header_len; /* of what stands in front of the piece, in the frame */
    bool more;
    bool link_group; /* the link brought it to many */
    bool congested;  /* it carries CE (RFC 3168, 5.3) */
    bool unmarkable; /* it carries Not-ECT: nobody may have marked it */
};

struct reassembly_queue {
    struct fragment_key key;
    struct list in_bucket, in_source, by_age;
    struct timer timer;
    struct tree pieces;
    uint32_t bucket, source;
    uint32_t octets; /* that have come */
    uint32_t end;    /* how many there are; 0: not known */
    uint64_t charged;
    bool link_group, congested, unmarkable;
};

struct reassembly {
    struct pool queues, pieces;
    struct wheel *wheel;
    struct prng prng; /* for the trees' shapes */
    struct hash_key hash_key;
    uint8_t timer_owner;
    uint32_t pieces_max; /* of one queue */
    uint64_t charged;
    struct list by_age; /* the oldest first */
    struct list buckets[REASSEMBLY_BUCKETS];
    struct {
        struct list queues; /* the oldest first */
        uint32_t count;
    } sources[REASSEMBLY_BUCKETS]; /* by keyed hash; those that collide share */
    struct events *events;
    instant now; /* the latest time that was told */
};

struct reassembly_config {
    struct memory *memory;
    struct wheel *wheel;
    struct events *events; /* of what is held, and of what is dropped while it waits */
    struct hash_key key;
    uint64_t seed;
    uint32_t mtu;
    uint8_t timer_owner;
};

NODISCARD int reassembly_init(struct reassembly *r, const struct reassembly_config *config);
void reassembly_fini(struct reassembly *r);

/* Takes a piece. DROP_NONE: the frame has been kept (`*frame` is NULL then), and `*whole` is the
 * queue when it was the last one. Otherwise the frame is still the caller's, to be dropped for this
 * reason; what the queue had may be gone with it. */
NODISCARD enum drop reassembly_add(struct reassembly *r, const struct fragment *f,
                                   struct frame **frame, instant now,
                                   struct reassembly_queue **whole);

/* The first piece's packet, with its header; NULL when it has not come. */
const struct frame *reassembly_first(const struct reassembly_queue *q, uint32_t *header_len);

/* Copies out a whole datagram's octets. */
void reassembly_copy(const struct reassembly_queue *q, struct writer *w);

/* The queue ends: its pieces count as consumed, or as dropped for a reason, which who watches hears
 * of each: what came was told as held. */
void reassembly_end(struct reassembly *r, struct reassembly_queue *q, enum drop drop);

/* Whose time is over? The caller may look at it, and then ends it. */
static inline struct reassembly_queue *reassembly_of_timer(struct timer *timer)
{
    return CONTAINER_OF(timer, struct reassembly_queue, timer);
}

#endif
