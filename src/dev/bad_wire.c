/*
 * bad_wire.c - see bad_wire.h.
 *
 * What makes a good bad wire is that its faults are those of a wire. So:
 *
 * Order. One link is one queue, in which nobody overtakes: the order stays, whatever the jitter,
 * and only `reorder` changes it. A chosen frame is set aside until 1 to 8 later ones have come, or
 * 10 ms when none do. All others leave in the order in which they came, which makes the frames
 * under way a plain queue with a handful beside it.
 *
 * Bursts. This is Gilbert's model: a good state that loses nothing, a bad one that loses all (or,
 * with burst_loss, a part: Elliott's), and
 * the chances to change between them chosen so that `loss` is the share of lost frames and `burst`
 * the mean length of a run.
 *
 * Corruption. It flips one to four bits of one 16-bit word. The Internet checksum sees every such
 * change, being a sum of such words (RFC 1071, 1), but not two changes that cancel each other, so
 * nothing is corrupted again by the next wire of its way. So a
 * transfer over a corrupting wire must end byte for byte equal, and a test may demand it. The
 * checksum must be there for that: a partial one is completed first. A change that no checksum sees
 * is a fault of its own, in bad_wire_tcp.c.
 *
 * A frame's fate is decided once, when it comes. Frames that will be lost take their time in the
 * bottleneck like all others: the loss is behind it.
 *
 * Big frames. No wire carries 64 KB in one frame, so one that comes is cut first, and each segment
 * has a fate, and a place in the bottleneck, of its own. What claims to be a big frame and is none
 * passes, is lost or doubled whole, and nobody changes it: whoever gets it will say what is wrong.
 */
#include "dev/bad_wire.h"

#include <string.h>

#include "base/bytes.h"
#include "base/instant.h"
#include "dev/big_frame.h"
#include "dev/vnet_wire.h"
#include "eth/eth_wire.h"

enum {
    REORDER_WAIT_MS = 10, /* how long a frame waits to be overtaken */
    FLIPS_MAX = 4,        /* bits of a word; 16 could turn 0 into -0, which sums up the same */
    QUEUE_MIN = 32768,    /* octets, where no queue was asked for */
    QUEUE_MAX = 1 << 30,
    OUTAGE_SHARE = 10,    /* a period is so many outages, when it was not said */
    QUEUES_A_SECOND = 10, /* or this part of what the rate carries in a second */
};

static const instant LONG_AGO = {INT64_MIN};

/* --- what is under way -------------------------------------------------------------------- */

static size_t held_cost(size_t len)
{
    return sizeof(struct held) + len;
}

/* All of a frame in one piece. */
static void gather(const struct arrival *frame, uint8_t *out)
{
    struct writer w = writer_of(out, frame->len);

    for (int i = 0; i < frame->iovcnt; i++)
        write_bytes(&w, frame->iov[i].iov_base, frame->iov[i].iov_len);
    assert(!w.overrun);
    write_zeros(&w, w.left);
}

/* A copy of a frame, or NULL when there is too much already. */
static struct held *hold(struct bad_wire *wire, const struct arrival *frame, instant due)
{
    size_t cost = held_cost(frame->len);
    if (wire->octets + cost > IMPAIR_HELD_MAX)
        return NULL;
    struct held *held = memory_alloc(wire->memory, cost);
    if (!held)
        return NULL;
    *held = (struct held){.due = due,
                          .len = (uint32_t)frame->len,
                          .truncated = frame->truncated,
                          .hurt = frame->hurt,
                          .meta = *frame->meta};
    gather(frame, held->octets);
    if (wire->completes && !held->meta.bad && held->meta.gso_type == FRAME_GSO_NONE)
        vnet_complete(held->octets, held->len, &held->meta);
    wire->octets += cost;
    wire->counters.held++;
    return held;
}

static void release(struct bad_wire *wire, struct held *held)
{
    wire->octets -= held_cost(held->len);
    wire->counters.held--;
    memory_release(wire->memory, held, held_cost(held->len));
}

static void line_up(struct bad_wire *wire, struct held *held)
{
    held->next = NULL;
    if (wire->last)
        wire->last->next = held;
    else
        wire->first = held;
    wire->last = held;
}

static void remove_aside(struct bad_wire *wire, uint32_t at)
{
    wire->aside_count--;
    memmove(wire->aside + at, wire->aside + at + 1,
            (wire->aside_count - at) * sizeof(wire->aside[0]));
}

/* Another frame has come: the first `count` that are set aside have been overtaken once more. */
static void overtake(struct bad_wire *wire, uint32_t count)
{
    for (uint32_t i = 0; i < count;) {
        struct held *held = wire->aside[i];
        if (--held->behind > 0) {
            i++;
            continue;
        }
        remove_aside(wire, i);
        count--;
        held->due = wire->last_due;
        line_up(wire, held);
    }
}

/* The frame that comes out next, or NULL. */
static struct held *next_out(const struct bad_wire *wire)
{
    struct held *held = wire->first;
    if (wire->aside_count && (!held || instant_before(wire->aside[0]->due, held->due)))
        held = wire->aside[0];
    return held;
}

struct held *bad_wire_due(const struct bad_wire *wire, instant now)
{
    struct held *held = next_out(wire);
    return held && !instant_before(now, held->due) ? held : NULL;
}

instant bad_wire_deadline(const struct bad_wire *wire)
{
    const struct held *held = next_out(wire);
    return held ? held->due : INSTANT_NEVER;
}

void bad_wire_drop(struct bad_wire *wire, struct held *held)
{
    if (wire->first == held) {
        wire->first = held->next;
        if (!wire->first)
            wire->last = NULL;
    } else {
        assert(wire->aside_count > 0 && wire->aside[0] == held);
        remove_aside(wire, 0);
    }
    release(wire, held);
}

/* --- faults ------------------------------------------------------------------------------- */

static bool chance(struct bad_wire *wire, uint32_t parts)
{
    return parts == UINT32_MAX || (parts > 0 && prng_chance(&wire->prng, parts));
}

/* The share of frames that fall into bursts, parts in 2^32: all the loss happens there. */
static uint64_t share_in_bursts(const struct impair_config *c)
{
    return c->burst_loss ? ((uint64_t)c->loss << 32) / c->burst_loss : c->loss;
}

/* Gilbert's model: a burst ends with a chance of 1/burst. It begins with the chance that makes the
 * share of frames in bursts right: share / (burst * (1 - share)). Elliott's addition: in a burst a
 * frame has a chance to pass. */
static bool is_lost_by_chance(struct bad_wire *wire)
{
    const struct impair_config *c = &wire->config;
    uint64_t whole = UINT64_C(1) << 32, share = share_in_bursts(c);

    if (c->burst <= 1 || c->loss == 0 || c->loss == UINT32_MAX || share >= whole)
        return chance(wire, c->loss);
    if (wire->in_burst) {
        wire->in_burst = !chance(wire, UINT32_MAX / c->burst);
    } else {
        uint64_t begin = (share << 32) / (c->burst * (whole - share));
        wire->in_burst = chance(wire, begin > UINT32_MAX ? UINT32_MAX : (uint32_t)begin);
    }
    return wire->in_burst && (c->burst_loss == 0 || chance(wire, c->burst_loss));
}

/* The link is down at the end of each period. */
static bool is_out(const struct impair_config *c, instant now)
{
    int64_t every = c->every_ns ? c->every_ns : c->outage_ns * OUTAGE_SHARE;

    return c->outage_ns > 0 && now.ns >= 0 && now.ns % every >= every - c->outage_ns;
}

static bool is_too_long(const struct bad_wire *wire, const struct arrival *frame)
{
    size_t header = wire->ip_only ? 0 : ETH_HEADER;

    return wire->config.mtu > 0 && frame->meta->gso_type == FRAME_GSO_NONE &&
           frame->len > wire->config.mtu + header;
}

/* What asks for less than a chance is not drawn: what a seed gives stays when a fault is added. */
static bool is_lost(struct bad_wire *wire, const struct arrival *frame, instant now)
{
    bool lost = is_lost_by_chance(wire);

    if (!lost && wire->config.ack_loss > 0 && frame->len <= sizeof wire->look) {
        gather(frame, wire->look);
        lost = bad_wire_is_bare_ack(bytes_of(wire->look, frame->len), wire->ip_only) &&
               chance(wire, wire->config.ack_loss);
    }
    return lost || is_too_long(wire, frame) || is_out(&wire->config, now);
}

/* How long `octets` take through the bottleneck. */
static int64_t transmission_ns(const struct bad_wire *wire, uint64_t octets)
{
    return (int64_t)(octets * 8 * (uint64_t)NS_PER_S / wire->config.rate);
}

static uint64_t queue_octets(const struct impair_config *c)
{
    if (c->queue)
        return c->queue;
    uint64_t share = c->rate / 8 / QUEUES_A_SECOND;
    return share < QUEUE_MIN ? QUEUE_MIN : share > QUEUE_MAX ? QUEUE_MAX : share;
}

/* Forgets those that have left by `now`. */
static void depart(struct departures *d, instant now)
{
    while (d->count > 0 && !instant_before(now, d->at[d->first])) {
        d->first = (d->first + 1) % d->room;
        d->count--;
    }
}

/* Room for all that may wait and the one that is being sent. False: no memory. A queue that has
 * become shorter keeps its room. */
static bool departures_fit(struct bad_wire *wire)
{
    struct departures *d = &wire->departures;
    uint32_t room = wire->config.queue_frames + 1;

    if (d->room >= room)
        return true;
    instant *at = memory_alloc(wire->memory, room * sizeof(*at));
    if (!at)
        return false;
    for (uint32_t i = 0; i < d->count; i++)
        at[i] = d->at[(d->first + i) % d->room];
    memory_release(wire->memory, d->at, d->room * sizeof(*d->at));
    *d = (struct departures){.at = at, .room = room, .count = d->count};
    return true;
}

/* Is there room for a frame that takes `own` ns, behind those that take `waiting`? An idle
 * bottleneck takes any frame. */
static bool has_place(struct bad_wire *wire, int64_t waiting, int64_t own, instant now)
{
    if (wire->config.queue_frames == 0)
        return waiting == 0 || waiting + own <= transmission_ns(wire, queue_octets(&wire->config));
    depart(&wire->departures, now);
    return departures_fit(wire) && wire->departures.count <= wire->config.queue_frames;
}

static void count_queue(struct bad_wire *wire, int64_t waiting)
{
    struct impair_counters *c = &wire->counters;
    struct departures *d = &wire->departures;
    uint64_t octets = (uint64_t)(waiting / NS_PER_US) * wire->config.rate / 8000000;

    if (octets > c->queue_most)
        c->queue_most = octets;
    if (wire->config.queue_frames == 0)
        return;
    if (d->count > c->frames_most) /* all but the one that is being sent */
        c->frames_most = d->count;
    d->at[(d->first + d->count) % d->room] = wire->busy_until;
    d->count++;
}

/* When the frame leaves the bottleneck; false when the queue in front of it is full. */
static bool pass_bottleneck(struct bad_wire *wire, size_t len, instant now, instant *out)
{
    *out = now;
    if (wire->config.rate == 0)
        return true;
    if (instant_before(wire->busy_until, now))
        wire->busy_until = now;
    int64_t waiting = instant_since(wire->busy_until, now);
    int64_t own = transmission_ns(wire, len);
    if (!has_place(wire, waiting, own, now))
        return false;
    wire->busy_until = instant_add(wire->busy_until, own);
    count_queue(wire, waiting);
    *out = wire->busy_until;
    return true;
}

static int64_t delay(struct bad_wire *wire)
{
    const struct impair_config *c = &wire->config;
    int64_t ns = c->delay_ns;
    if (c->jitter_ns > 0)
        ns += (int64_t)prng_below(&wire->prng, 2 * (uint64_t)c->jitter_ns + 1) - c->jitter_ns;
    return ns > 0 ? ns : 0;
}

/* Flips bits of one word, at an even distance from the start like those that checksums sum up. The
 * last word of an odd length has one octet. */
static void corrupt(struct bad_wire *wire, struct held *held)
{
    if (held->len == 0 || held->hurt || held->meta.bad || held->meta.gso_type != FRAME_GSO_NONE)
        return;
    vnet_complete(held->octets, held->len, &held->meta);
    held->meta.flags = 0;

    uint32_t word = (uint32_t)prng_below(&wire->prng, ((uint64_t)held->len + 1) / 2) * 2;
    uint32_t bits = held->len - word == 1 ? 8 : 16;
    uint32_t mask = 0;
    for (uint64_t flips = 1 + prng_below(&wire->prng, FLIPS_MAX); flips > 0; flips--)
        mask |= UINT32_C(1) << prng_below(&wire->prng, bits);
    held->octets[word] ^= (uint8_t)mask;
    if (bits == 16)
        held->octets[word + 1] ^= (uint8_t)(mask >> 8);
    held->hurt = true;
    wire->counters.corrupted++;
}

/* One frame as a wire carries it. */
static void arrive(struct bad_wire *wire, const struct arrival *frame, instant now)
{
    struct impair_counters *counters = &wire->counters;
    instant due;

    counters->taken++;
    if (!pass_bottleneck(wire, frame->len, now, &due)) {
        counters->rate_dropped++;
        return;
    }
    counters->carried += frame->len;
    if (is_lost(wire, frame, now)) {
        counters->lost++;
        return;
    }
    due = instant_add(due, delay(wire));
    if (instant_before(due, wire->last_due))
        due = wire->last_due;

    struct held *held = hold(wire, frame, due);
    if (!held) {
        counters->held_dropped++;
        return;
    }
    wire->last_due = due;
    if (instant_before(now, due))
        counters->delayed++;
    struct held *twin = NULL;
    if (chance(wire, wire->config.duplicate))
        twin = hold(wire, frame, due);
    if (chance(wire, wire->config.corrupt))
        corrupt(wire, held);
    struct forgery forgery;
    if (held->meta.gso_type == FRAME_GSO_NONE && chance(wire, wire->config.forge) &&
        bad_wire_forge(held->octets, held->len, wire->ip_only, &wire->prng, &forgery)) {
        counters->forged++;
        if (wire->forgeries)
            wire->forgeries->forged(wire->forgeries, &forgery);
    }

    uint32_t earlier = wire->aside_count;
    if (chance(wire, wire->config.reorder)) {
        /* Each frame that comes overtakes all of them, so eight later the oldest is in line. */
        assert(earlier < ARRAY_LEN(wire->aside));
        held->behind = (uint8_t)(1 + prng_below(&wire->prng, REORDER_MAX));
        held->due = instant_add(due, REORDER_WAIT_MS * NS_PER_MS);
        wire->aside[wire->aside_count++] = held;
        counters->reordered++;
    } else {
        line_up(wire, held);
    }
    if (twin) {
        line_up(wire, twin);
        counters->duplicated++;
    }
    overtake(wire, earlier);
}

void bad_wire_arrive(struct bad_wire *wire, const struct arrival *frame, instant now)
{
    struct big_cut cut;

    if (frame->truncated ||
        !big_cut_begin(&cut, frame->meta, frame->iov, frame->iovcnt, wire->ip_only)) {
        arrive(wire, frame, now);
        return;
    }
    while (big_cut_next(&cut)) {
        struct arrival segment = {
            .iov = cut.iov, .iovcnt = cut.iovcnt, .meta = &cut.meta, .hurt = frame->hurt};
        for (int i = 0; i < cut.iovcnt; i++)
            segment.len += cut.iov[i].iov_len;
        segment.len = size_max(segment.len, wire->shortest);
        arrive(wire, &segment, now);
    }
}

/* --- life --------------------------------------------------------------------------------- */

void bad_wire_init(struct bad_wire *wire, struct memory *memory, const struct impair_config *config,
                   bool ip_only, uint64_t seed)
{
    *wire = (struct bad_wire){.memory = memory,
                              .config = *config,
                              .ip_only = ip_only,
                              .busy_until = LONG_AGO,
                              .last_due = LONG_AGO};
    prng_seed(&wire->prng, seed);
}

void bad_wire_change(struct bad_wire *wire, const struct impair_config *config)
{
    /* Those that wait were given their times at the old rate, and keep them. At another rate the
     * queue begins anew: what comes leaves behind them, as nobody overtakes, and is not refused for
     * the time that they take. */
    if (wire->config.rate != config->rate)
        wire->busy_until = LONG_AGO;
    wire->config = *config;
    wire->in_burst = false;
}

void bad_wire_fini(struct bad_wire *wire)
{
    struct held *held;
    while ((held = next_out(wire)))
        bad_wire_drop(wire, held);
    memory_release(wire->memory, wire->departures.at,
                   wire->departures.room * sizeof(*wire->departures.at));
    wire->departures = (struct departures){0};
}
