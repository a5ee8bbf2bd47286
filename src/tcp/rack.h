/*
 * rack.h - what is lost, by time: RACK (RFC 8985, 6).
 *
 * When something that was sent later has arrived, what was sent before it and has not is lost, once
 * it has had some time to settle. That time, the reordering window, is nothing while the path has
 * never reordered, and grows with every round trip in which a retransmission turns out to have been
 * in vain (a D-SACK).
 *
 * Pure, over the scoreboard of flight.h. The caller brings round trips, news and moments, sets the
 * timer that rack_detect() asks for, and retransmits what is lost.
 */
#ifndef TAPIO_TCP_RACK_H
#define TAPIO_TCP_RACK_H

#include "tcp/flight.h"

/* The least of the round trips of the last minutes: two windows of half that time each, of which
 * the older one is forgotten as a whole (RFC 8985, 6.2, step 1). */
struct least_rtt {
    int64_t before_ns, now_ns; /* INT64_MAX: none */
    instant began;             /* the newer one */
};

struct rack {
    struct least_rtt least;
    bool has_arrived; /* anything at all: */
    instant sent;     /* RACK.xmit_ts, of the copy that left last of those that have arrived, */
    tcp_seq end;      /* RACK.end_seq, and its end */
    int64_t rtt_ns;   /* RACK.rtt */
    bool reordering_seen;
    uint8_t window_mult;    /* RACK.reo_wnd_mult, from 1 on */
    uint8_t window_persist; /* recoveries without a D-SACK until it is 1 again */
    bool in_dsack_round;
    tcp_seq dsack_round; /* the round trip that has had its D-SACK ends here */
};

void rack_init(struct rack *r);

/* A round trip was measured. */
void rack_sample(struct rack *r, int64_t rtt_ns, instant now);
/* INT64_MAX before the first. */
int64_t rack_min_rtt(const struct rack *r);

/* What a segment has told (steps 2 and 3); `news` is complete. */
void rack_update(struct rack *r, const struct flight_news *news);
/* It has told of a D-SACK, or not, and a recovery has ended with it, or not (step 4). */
void rack_adapt(struct rack *r, const struct flight *f, bool dsack, bool recovered);

/* How long what is late may still be on its way: RACK.reo_wnd. `recovering`: from a loss or a
 * timeout. */
int64_t rack_window(const struct rack *r, const struct flight *f, bool recovering, uint32_t mss,
                    int64_t srtt_ns);
/* Takes for lost what is late by more than `window_ns` (step 5). Returns in how long it should look
 * again although nothing has come; 0: never. */
int64_t rack_detect(struct rack *r, struct flight *f, int64_t window_ns, instant now);
/* The retransmission timer has expired (6.3): the first is lost, and all that is as late as above.
 */
void rack_timeout(struct rack *r, struct flight *f, int64_t window_ns, instant now);

#endif
