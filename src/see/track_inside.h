/*
 * track_inside.h - what the files of the tracker share: the table of connections, and what was
 * found out about a segment.
 */
#ifndef TAPIO_SEE_TRACK_INSIDE_H
#define TAPIO_SEE_TRACK_INSIDE_H

#include "see/track.h"

enum { TRACK_NONE = TRACK_CONNS }; /* no place in the table */

/* The place of the connection between these ends, whichever called; or TRACK_NONE. */
uint16_t track_find(const struct track *t, struct endpoint a, struct endpoint b);
/* A new one, in the place of the one that was quiet for longest when the table is full. */
struct track_conn *track_add(struct track *t, struct endpoint a, struct endpoint b);
/* A new one in the place of an old one of the same ends. */
struct track_conn *track_renew(struct track *t, uint16_t i, struct endpoint a, struct endpoint b);
void track_forget(struct track *t, uint16_t i);
/* A packet of it has come. */
void track_touch(struct track *t, uint16_t i);

/* [from, to) of a direction was passed over. */
void track_hole_add(struct track_side *s, tcp_seq from, tcp_seq to);
/* It has come; true if any of it was missing. */
bool track_hole_fill(struct track_side *s, tcp_seq from, tcp_seq to);
/* Its receiver has acknowledged it. */
void track_holes_acked(struct track_side *s, tcp_seq ack);

struct track_found {
    const struct track_conn *conn;
    const struct track_side *s, *r; /* who sent it, and whom it is for */
    const struct tcp_segment *seg;
    enum track_kind kind;
    uint32_t len;        /* of text */
    uint32_t acked;      /* octets that it acknowledges for the first time */
    uint32_t behind;     /* octets that it leaves out, or that are not new */
    uint16_t old_window; /* that its sender offered before */
    bool acks_unseen;    /* it acknowledges what the capture does not have */
    bool acks_fin;       /* of the receiver */
    bool window_closed;  /* by this one */
    bool first_seen;     /* the capture begins within this connection */
    bool new_tuple;      /* the two ends had a connection before */
    bool third;          /* it is the third step of the handshake */
    bool discarded;
};

/* What a packet is that no connection has. */
enum track_kind track_unfollowed(const struct dissection *d);
void track_say(struct text *out, const struct dissection *d, const struct track_found *f,
               const struct track_verdict *verdict);

#endif
