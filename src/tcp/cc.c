/*
 * cc.c - see cc.h.
 *
 * Growth is counted in octets, at most L segments an ACK in slow start (RFC 5681, 3.1; RFC 3465,
 * 2.2; HyStart++ has an L of its own), so splitting an ACK gains nothing; and it stops while cwnd
 * is not what holds the sender back, so one that had little to say does not earn the right to burst
 * later (RFC 7661).
 */
#include "tcp/cc.h"

#include "base/base.h"

uint32_t cc_initial_window(uint16_t mss, bool syn_was_lost)
{
    if (syn_was_lost)
        return mss;
    return u32_min(10u * mss, u32_max(2u * mss, 14600));
}

void cc_init(struct cc *cc, enum cc_algorithm algorithm, uint16_t mss)
{
    *cc = (struct cc){.ssthresh = UINT32_MAX,
                      .mss = mss,
                      .cwnd = mss,
                      .abc_limit = 1,
                      .algorithm = algorithm & 15u};
}

void cc_memory_init(struct cc_memory *memory, tcp_seq nxt)
{
    hystart_init(&memory->hystart, nxt);
    memory->acked = 0;
    cubic_init(&memory->cubic);
}

void cc_choose(struct cc *cc, struct cc_memory *memory, enum cc_algorithm algorithm, tcp_seq nxt)
{
    if (cc->algorithm == algorithm)
        return;
    cc->algorithm = algorithm & 15u;
    if (memory)
        cc_memory_init(memory, nxt);
}

void cc_open(struct cc *cc, uint16_t mss, bool syn_was_lost)
{
    cc->mss = mss;
    cc->cwnd = cc_initial_window(mss, syn_was_lost);
}

static void slow_start(struct cc *cc, const struct cc_ack *ack)
{
    uint32_t limit = ack->after_loss ? 1 : cc->abc_limit;
    uint32_t most = limit ? limit * cc->mss : ack->acked;
    /* no further than ssthresh, but by a segment all the same */
    uint32_t left = u32_max(cc->ssthresh - cc->cwnd, cc->mss);

    cc->cwnd += u32_min(u32_min(ack->acked, most), left);
}

/* The first slow start: eight segments an ACK at most, unless paced, and its end before the first
 * loss. */
static enum cc_growth first_slow_start(struct cc *cc, struct hystart *h, const struct cc_ack *ack,
                                       bool limited)
{
    if (limited)
        cc->cwnd += hystart_growth(h, ack->acked, cc->mss, cc->paced);
    if (hystart_ack(h, ack->ack, ack->nxt, ack->rtt_ns))
        cc->ssthresh = cc->cwnd;
    return limited ? GROWTH_SLOW_START : GROWTH_NONE;
}

enum cc_growth cc_on_ack(struct cc *cc, struct cc_memory *memory, const struct cc_ack *ack)
{
    const struct cc_ops *ops = cc_algorithms[cc->algorithm];

    bool limited = ack->limited && cc->cwnd <= INT32_MAX / 2;
    if (ops->hystart && cc->hystart && cc_is_fresh(cc))
        return first_slow_start(cc, &memory->hystart, ack, limited);
    if (!limited) {
        if (ops->pause)
            ops->pause(memory, ack->now);
        return GROWTH_NONE;
    }
    if (cc->cwnd < cc->ssthresh) {
        slow_start(cc, ack);
        return GROWTH_SLOW_START;
    }
    ops->grow(cc, memory, ack);
    return GROWTH_AVOIDANCE;
}

void cc_on_loss(struct cc *cc, struct cc_memory *memory, uint32_t flight)
{
    if (!cc->reduced)
        cc->ssthresh = cc_algorithms[cc->algorithm]->on_loss(cc, memory, flight);
}

/* As much as was out counts, or cwnd if nothing is any more. Where that leaves cwnd as it was, half
 * of cwnd, down to a segment: below two segments ssthresh does not go (RFC 5681, 3.1). */
void cc_on_echo(struct cc *cc, struct cc_memory *memory, uint32_t flight)
{
    cc_on_loss(cc, memory, flight > 0 ? u32_min(flight, cc->cwnd) : cc->cwnd);
    cc->cwnd = cc->cwnd > cc->ssthresh ? cc->ssthresh : u32_max(cc->cwnd / 2, cc->mss);
    cc->reduced = true;
}

void cc_on_timeout(struct cc *cc, struct cc_memory *memory, uint32_t flight, bool again)
{
    if (!again)
        cc->ssthresh = cc_algorithms[cc->algorithm]->on_timeout(cc, memory, flight);
    cc->cwnd = cc->mss;
    cc->reduced = false;
}

bool cc_on_idle(struct cc *cc)
{
    uint32_t before = cc->cwnd;

    cc->cwnd = u32_min(cc->cwnd, cc_initial_window(cc->mss, false));
    return cc->cwnd != before;
}

void cc_save(const struct cc *cc, const struct cc_memory *memory, struct cc_state *out)
{
    *out = (struct cc_state){cc->cwnd, cc->ssthresh, *memory};
}

void cc_restore(struct cc *cc, struct cc_memory *memory, const struct cc_state *from)
{
    cc->cwnd = u32_max(cc->cwnd, from->cwnd);
    cc->ssthresh = u32_max(cc->ssthresh, from->ssthresh);
    *memory = from->memory;
}

/* --- NewReno (RFC 5681, 3.1) --------------------------------------------------------------- */

/* Equation 4. */
static uint32_t half_flight(const struct cc *cc, struct cc_memory *memory, uint32_t flight)
{
    memory->acked = 0;
    return u32_max(flight / 2, 2u * cc->mss);
}

/* A segment for each cwnd of octets. */
static void newreno_grow(struct cc *cc, struct cc_memory *memory, const struct cc_ack *ack)
{
    memory->acked += ack->acked;
    if (memory->acked >= cc->cwnd) {
        memory->acked -= cc->cwnd;
        cc->cwnd += cc->mss;
    }
}

static const struct cc_ops newreno = {.name = "newreno",
                                      .growth = "congestion avoidance (RFC 5681, 3.1)",
                                      .on_loss = half_flight,
                                      .on_timeout = half_flight,
                                      .grow = newreno_grow};

/* --- CUBIC (RFC 9438) ---------------------------------------------------------------------- */

static uint32_t cubic_on_loss(const struct cc *cc, struct cc_memory *memory, uint32_t flight)
{
    return cubic_reduce(&memory->cubic, cc->cwnd, flight, cc->mss);
}

static uint32_t cubic_on_timeout(const struct cc *cc, struct cc_memory *memory, uint32_t flight)
{
    return cubic_timeout(&memory->cubic, cc->cwnd, flight, cc->mss);
}

static void cubic_on_ack(struct cc *cc, struct cc_memory *memory, const struct cc_ack *ack)
{
    cc->cwnd = cubic_grow(&memory->cubic, cc->cwnd, ack->acked, cc->mss, ack->srtt_ns, ack->now);
}

static void cubic_on_pause(struct cc_memory *memory, instant now)
{
    cubic_pause(&memory->cubic, now);
}

static const struct cc_ops cubic = {.name = "cubic",
                                    .growth = "congestion avoidance, CUBIC (RFC 9438, 4)",
                                    .hystart = true,
                                    .on_loss = cubic_on_loss,
                                    .on_timeout = cubic_on_timeout,
                                    .grow = cubic_on_ack,
                                    .pause = cubic_on_pause};

const struct cc_ops *const cc_algorithms[CC_ALGORITHMS] = {
    [CC_NEWRENO] = &newreno,
    [CC_CUBIC] = &cubic,
};
