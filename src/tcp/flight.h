/*
 * flight.h - what is in flight, and what is known of its fate: the scoreboard (RFC 6675, 3; RFC
 * 8985, 5).
 *
 * From SND.UNA to SND.NXT every octet belongs to one range. A range left at one moment, as one
 * copy, and has one fate:
 *
 *     open     under way, for all that is known: in `open`, by the time of its transmission
 *     lost     taken for lost and not sent again yet: in `lost`, by the time of that verdict, but
 *              the one that SND.UNA waits for first
 *     sacked   the peer has it, and may still throw it away: in neither list, joined with its like
 *
 * Pure: it counts octets and moments, and judges nothing. Who decides that something is lost walks
 * `open` from its oldest end and stops at the first range that is not; each transmission is walked
 * over once. All other calls are O(log n) in the number of ranges, and cost more only for ranges
 * whose fate changes, once each (THREATS C05, C06).
 */
#ifndef TAPIO_TCP_FLIGHT_H
#define TAPIO_TCP_FLIGHT_H

#include "base/instant.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/prng.h"
#include "base/tree.h"
#include "tcp/tcp_seq.h"

struct flight_range {
    struct tree_node node; /* .key is the first octet's number */
    struct list list;      /* in open or in lost */
    instant sent;          /* its newest copy */
    uint32_t len;
    bool sacked, lost;
    bool again;    /* sent more than once: what acknowledges it does not tell which copy arrived */
    bool reopened; /* `sent` is not when it was sent: see flight_reopen() */
};

static inline tcp_seq range_start(const struct flight_range *range)
{
    return seq(range->node.key);
}

static inline tcp_seq range_end(const struct flight_range *range)
{
    return seq(range->node.key + range->len);
}

struct flight_limits {
    struct pool *pool; /* of struct flight_range */
    struct prng *prng; /* shapes the tree */
    uint32_t cap;      /* ranges that one flight may have */
};

struct flight {
    const struct flight_limits *limits;
    struct tree ranges;         /* each begins where the one before it ends */
    struct flight_range *spare; /* for the next transmission, or NULL */
    struct list open, lost;
    tcp_seq una, nxt;
    tcp_seq highest; /* beyond the highest octet that has arrived (RACK.fack) */
    uint32_t sacked_octets, lost_octets;
    uint32_t islands; /* sacked ranges */
};

/* What one segment from the peer has told. The caller fills in the first part, and hands it to
 * flight_ack() and to flight_sack() for each block. */
struct flight_news {
    instant now;
    instant echoed; /* no later copy has been answered (RFC 7323, 3.2); INSTANT_NEVER: unknown */
    int64_t min_rtt_ns; /* a copy cannot be answered sooner */

    uint32_t delivered;  /* octets that had not arrived before, for all we knew */
    uint32_t sacked;     /* those of them that SACK has told */
    bool has_newest;     /* copies that cannot be the ones that arrived are left out: */
    instant newest_sent; /* of what was delivered the copy that left last, */
    tcp_seq newest_end;  /* or of those that left together the one behind the others */
    bool reordered;      /* something arrived behind what was sent after it (RFC 8985, 6.2, 3) */
};

/* Nothing is in flight, and `una` is the next number. */
void flight_init(struct flight *f, const struct flight_limits *limits, tcp_seq una);
/* Gives back what it has: it is no flight then. */
void flight_fini(struct flight *f);

static inline bool flight_is_empty(const struct flight *f)
{
    return f->ranges.count == 0;
}

/* Octets that may still be on the way (RFC 6675, 2: pipe). */
static inline uint32_t flight_pipe(const struct flight *f)
{
    return seq_diff(f->nxt, f->una) - f->sacked_octets - f->lost_octets;
}

/* --- out ---------------------------------------------------------------------------------- */

/* `len` octets behind all others have left. False without memory for them, which flight_has_room()
 * sees to. */
NODISCARD bool flight_sent(struct flight *f, uint32_t len, instant now);
/* Sets memory aside for the next flight_sent(). False: there is none. */
NODISCARD bool flight_has_room(struct flight *f);
/* The first `len` octets of a lost range have left again; it may be gone afterwards. False without
 * memory to cut it: then send all of it, or wait. */
NODISCARD bool flight_sent_again(struct flight *f, struct flight_range *range, uint32_t len,
                                 instant now);

/* --- in ----------------------------------------------------------------------------------- */

/* All before `una` has arrived, for good. una =< SND.NXT. */
void flight_ack(struct flight *f, tcp_seq una, struct flight_news *news);
/* [from, to) has arrived. What is not in flight is passed over; without memory to cut a range, so
 * is the part that would need it. Of several blocks the lowest first, else those that tell of lost
 * ACKs look like reordering. */
void flight_sack(struct flight *f, tcp_seq from, tcp_seq to, struct flight_news *news);
/* The peer has thrown away what it had told to have (RFC 2018, 8): all that was sacked is lost. */
void flight_renege(struct flight *f);

/* --- verdicts ----------------------------------------------------------------------------- */

/* The one whose newest copy left first; NULL when none is open. */
struct flight_range *flight_oldest(const struct flight *f);
/* An open range is taken for lost. */
void flight_lose(struct flight *f, struct flight_range *range);
/* All that is open is. */
void flight_lose_all(struct flight *f);
/* What is taken for lost was not: it is open again. When it was sent does not tell any more how
 * long it may take, so it counts as sent now, and more than once; and when it arrives it says
 * nothing about what was sent before. */
void flight_reopen(struct flight *f, instant now);
/* Which is to be sent again first; NULL: none. */
struct flight_range *flight_first_lost(const struct flight *f);
/* The highest that has not arrived, for all we know; something has not. */
struct flight_range *flight_last_missing(const struct flight *f);
/* The range that holds the octet at `at`, or NULL. */
struct flight_range *flight_at(const struct flight *f, tcp_seq at);
/* The part of an open range from `at` on, or all of it without memory to cut it. */
struct flight_range *flight_from(struct flight *f, struct flight_range *range, tcp_seq at);

#endif
