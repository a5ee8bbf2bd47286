/*
 * rack.c - see rack.h.
 *
 * Left out of the RFC's letter: the timer of step 5 stands where the last segment that it could be
 * about would be due, whether or not that one is still open. So nothing but what is lost is walked
 * over, and at worst it looks once in vain.
 */
#include "tcp/rack.h"

enum {
    WINDOW_PART = 4, /* of min_RTT, at first */
    PERSIST = 16,    /* recoveries */
    MULT_MAX = 255,  /* far beyond what SRTT allows */
    DUP_THRESH = 3,
};

static const int64_t least_half = 150 * NS_PER_S; /* together five minutes, as Linux has it */

void rack_init(struct rack *r)
{
    *r = (struct rack){.least = {INT64_MAX, INT64_MAX, {0}}, .window_mult = 1};
}

void rack_sample(struct rack *r, int64_t rtt_ns, instant now)
{
    struct least_rtt *l = &r->least;
    bool first = l->now_ns == INT64_MAX;
    int64_t age = first ? 0 : instant_since(now, l->began);

    if (first || age >= least_half) {
        l->before_ns = age < 2 * least_half ? l->now_ns : INT64_MAX;
        l->now_ns = rtt_ns;
        l->began = now;
    } else if (rtt_ns < l->now_ns) {
        l->now_ns = rtt_ns;
    }
}

int64_t rack_min_rtt(const struct rack *r)
{
    return r->least.before_ns < r->least.now_ns ? r->least.before_ns : r->least.now_ns;
}

/* RACK_sent_after(). */
static bool is_after(instant sent1, tcp_seq end1, instant sent2, tcp_seq end2)
{
    return instant_before(sent2, sent1) || (sent1.ns == sent2.ns && seq_lt(end2, end1));
}

void rack_update(struct rack *r, const struct flight_news *news)
{
    r->reordering_seen |= news->reordered;
    if (!news->has_newest)
        return;
    r->rtt_ns = instant_since(news->now, news->newest_sent);
    if (r->has_arrived && !is_after(news->newest_sent, news->newest_end, r->sent, r->end))
        return;
    r->has_arrived = true;
    r->sent = news->newest_sent;
    r->end = news->newest_end;
}

void rack_adapt(struct rack *r, const struct flight *f, bool dsack, bool recovered)
{
    if (r->in_dsack_round && seq_le(r->dsack_round, f->una))
        r->in_dsack_round = false;
    if (!r->in_dsack_round && dsack) {
        r->in_dsack_round = true;
        r->dsack_round = f->nxt;
        if (r->window_mult < MULT_MAX)
            r->window_mult++;
        r->window_persist = PERSIST;
    } else if (recovered) {
        if (r->window_persist > 0)
            r->window_persist--;
        if (r->window_persist == 0)
            r->window_mult = 1;
    }
}

/* As RFC 6675, 4 has it: has enough arrived beyond what is missing? */
static bool is_dup_thresh(const struct flight *f, uint32_t mss)
{
    return f->islands >= DUP_THRESH || f->sacked_octets > (DUP_THRESH - 1) * mss;
}

int64_t rack_window(const struct rack *r, const struct flight *f, bool recovering, uint32_t mss,
                    int64_t srtt_ns)
{
    if (!r->reordering_seen && (recovering || is_dup_thresh(f, mss)))
        return 0;
    int64_t least = rack_min_rtt(r) == INT64_MAX ? srtt_ns : rack_min_rtt(r);
    int64_t window = least / WINDOW_PART * r->window_mult;
    return window < srtt_ns ? window : srtt_ns;
}

static int64_t remaining(const struct rack *r, instant sent, int64_t window_ns, instant now)
{
    return r->rtt_ns + window_ns - instant_since(now, sent);
}

int64_t rack_detect(struct rack *r, struct flight *f, int64_t window_ns, instant now)
{
    struct flight_range *range;

    if (!r->has_arrived)
        return 0;
    while ((range = flight_oldest(f)) && is_after(r->sent, r->end, range->sent, range_end(range))) {
        if (remaining(r, range->sent, window_ns, now) > 0)
            return remaining(r, r->sent, window_ns, now);
        flight_lose(f, range);
    }
    return 0;
}

void rack_timeout(struct rack *r, struct flight *f, int64_t window_ns, instant now)
{
    struct flight_range *range = flight_at(f, f->una);

    if (range && !range->sacked && !range->lost)
        flight_lose(f, range);
    while ((range = flight_oldest(f)) && remaining(r, range->sent, window_ns, now) <= 0)
        flight_lose(f, range);
}
