/*
 * hystart.c - see hystart.h.
 *
 * An ACK that ends a round counts for that round, with its sample: what it acknowledges was sent
 * then. Round trips are kept in microseconds, so that a connection pays 20 octets for all of this.
 *
 * Left out: what the division by four drops. An ACK of less than four octets earns nothing in CSS,
 * which is slower than asked and never faster.
 */
#include "tcp/hystart.h"

enum {
    MIN_RTT_THRESH_US = 4000,
    MAX_RTT_THRESH_US = 16000,
    MIN_RTT_DIVISOR = 8,
    N_RTT_SAMPLE = 8,
    CSS_GROWTH_DIVISOR = 4,
    CSS_ROUNDS = 5,
    L_UNPACED = 8
};

#define RTT_NONE UINT32_MAX

static_assert(sizeof(struct hystart) <= 20, "every connection has one");

void hystart_init(struct hystart *h, tcp_seq nxt)
{
    *h = (struct hystart){.window_end = nxt, .last_us = RTT_NONE, .current_us = RTT_NONE};
}

uint32_t hystart_growth(const struct hystart *h, uint32_t acked, uint32_t mss, bool paced)
{
    assert(!hystart_is_over(h));
    uint32_t growth = paced ? acked : u32_min(acked, L_UNPACED * mss);
    return h->phase == HYSTART_CSS ? growth / CSS_GROWTH_DIVISOR : growth;
}

static void take_sample(struct hystart *h, int64_t rtt_ns)
{
    int64_t us = rtt_ns / NS_PER_US;

    h->current_us = u32_min(h->current_us, us < RTT_NONE ? (uint32_t)us : RTT_NONE - 1);
    if (h->samples < N_RTT_SAMPLE)
        h->samples++;
}

/* Never than a round that has measured nothing: no sample is as long as RTT_NONE. */
static bool is_slower_than_before(const struct hystart *h)
{
    uint32_t thresh = u32_min(h->last_us / MIN_RTT_DIVISOR, MAX_RTT_THRESH_US);
    thresh = u32_max(thresh, MIN_RTT_THRESH_US);
    return h->current_us >= (uint64_t)h->last_us + thresh;
}

/* After so many samples that one late ACK does not make a slow round. */
static void judge(struct hystart *h)
{
    if (h->phase == HYSTART_CSS) {
        if (h->current_us < h->baseline_us)
            h->phase = HYSTART_SLOW_START;
    } else if (is_slower_than_before(h)) {
        h->baseline_us = h->current_us;
        h->css_rounds = CSS_ROUNDS; /* the rest of this round is the first */
        h->phase = HYSTART_CSS;
    }
}

static void end_round(struct hystart *h, tcp_seq nxt)
{
    h->window_end = nxt;
    h->last_us = h->current_us;
    h->current_us = RTT_NONE;
    h->samples = 0;
    if (h->phase == HYSTART_CSS && --h->css_rounds == 0)
        h->phase = HYSTART_OVER;
}

bool hystart_ack(struct hystart *h, tcp_seq ack, tcp_seq nxt, int64_t rtt_ns)
{
    if (hystart_is_over(h))
        return false;
    if (rtt_ns >= 0)
        take_sample(h, rtt_ns);
    if (h->samples >= N_RTT_SAMPLE)
        judge(h);
    if (seq_le(h->window_end, ack))
        end_round(h, nxt);
    return hystart_is_over(h);
}

void hystart_stop(struct hystart *h)
{
    h->phase = HYSTART_OVER;
}
