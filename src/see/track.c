/*
 * track.c - see track.h.
 *
 * What is hard is that a capture is not a receiver. It sees both directions, at a place that may be
 * anywhere on the path, so text that comes late may have been reordered before the place or sent
 * again because it was lost before it; both look the same here, and the sentence says so. What is
 * behind the highest number was seen or is in a list of holes (track_holes.c), which is what tells
 * a retransmission (seen before) from text that fills a hole (not seen).
 *
 * Order of things, as in RFC 9293, 3.10.7: reset, SYN, ACK, text, FIN.
 */
#include "see/track_inside.h"

/* --- the steps ---------------------------------------------------------------------------- */

static void set_state(struct track_side *side, enum tcp_state state)
{
    side->state = state;
    side->sure = true;
}

static bool is_surely(const struct track_side *side, enum tcp_state state)
{
    return side->sure && side->state == state;
}

/* By a reset: whoever calls then calls anew, even if by the same number. */
static bool is_broken_off(const struct track_conn *c)
{
    return is_surely(&c->side[0], TCPS_CLOSED) && is_surely(&c->side[1], TCPS_CLOSED);
}

static bool is_over(const struct track_conn *c)
{
    for (int i = 0; i < 2; i++)
        if (is_surely(&c->side[i], TCPS_CLOSED) || is_surely(&c->side[i], TCPS_TIME_WAIT))
            return true;
    return false;
}

static bool is_open(const struct track_side *side)
{
    return side->state == TCPS_ESTABLISHED || side->state == TCPS_SYN_RECEIVED;
}

/* The first word from a side whose SYN was not seen. */
static void begin_numbers(struct track_side *s, struct track_side *r, const struct tcp_segment *seg)
{
    bool syn = seg->flags & TCP_SYN;

    if (!s->has_first) {
        s->has_first = true;
        s->first = syn ? seg->seq : seq(seg->seq.value - 1);
    }
    if (!r->has_first && seg->flags & TCP_ACK) {
        r->has_first = true;
        r->first = seq(seg->ack.value - 1);
    }
}

static struct track_syn syn_of(const struct track_found *f)
{
    const struct tcp_options *options = &f->seg->options;

    return (struct track_syn){.seq = f->seg->seq,
                              .len = f->len,
                              .offers_scale = options->has_window_scale,
                              .scale = options->window_scale > 14 ? 14 : options->window_scale,
                              .window = f->seg->window};
}

static void take_syn(struct track_side *s, struct track_syn syn)
{
    s->has_first = s->has_isn = s->heard = s->has_scale = true;
    s->first = syn.seq;
    s->nxt = seq_add(syn.seq, 1 + syn.len);
    s->offers_scale = syn.offers_scale;
    s->scale = syn.scale;
    s->window = syn.window;
}

static enum track_kind on_reset(struct track_found *f, struct track_side *s, struct track_side *r)
{
    const struct tcp_segment *seg = f->seg;

    if (is_surely(r, TCPS_SYN_SENT) && seg->flags & TCP_ACK) {
        if (seg->ack.value != r->nxt.value)
            return TRACK_RESET_OUTSIDE;
        set_state(s, TCPS_CLOSED);
        if (!f->discarded)
            set_state(r, TCPS_CLOSED);
        return TRACK_REFUSED;
    }
    if (is_surely(r, TCPS_SYN_SENT) && !r->has_ack)
        return TRACK_RESET_OUTSIDE; /* it does not acknowledge the SYN (3.10.7.3, second) */
    if (r->has_ack && seg->seq.value != r->ack.value) {
        uint32_t window = (uint32_t)r->window << (r->has_scale ? r->scale : 0);
        bool inside = seg->seq.value - r->ack.value < u32_max(window, 1);
        if (!(inside && s->heard && seg->seq.value == s->nxt.value))
            return inside ? TRACK_RESET_DOUBTFUL : TRACK_RESET_OUTSIDE;
    }
    set_state(s, TCPS_CLOSED);
    if (!f->discarded)
        set_state(r, TCPS_CLOSED);
    return TRACK_RESET;
}

static enum track_kind on_syn(struct track_found *f, struct track_side *s, struct track_side *r)
{
    const struct tcp_segment *seg = f->seg;
    bool again = s->has_isn && s->first.value == seg->seq.value;

    if (!(seg->flags & TCP_ACK)) {
        if (again)
            return TRACK_SYN_AGAIN;
        if (s->heard) {
            s->has_inside = !f->discarded;
            s->inside = syn_of(f);
            return TRACK_SYN_INSIDE;
        }
        take_syn(s, syn_of(f));
        set_state(s, TCPS_SYN_SENT);
        if (!r->has_isn) {
            if (!r->sure)
                r->state = TCPS_LISTEN; /* as one hopes */
            return TRACK_SYN;
        }
        set_state(s, TCPS_SYN_RECEIVED);
        set_state(r, TCPS_SYN_RECEIVED);
        return TRACK_SYN_BOTH;
    }
    if (r->has_isn && !(seq_lt(r->first, seg->ack) && seq_le(seg->ack, r->nxt)))
        return TRACK_SYN_ACK_WRONG; /* it may acknowledge text, too (RFC 7413) */
    s->has_ack = true;
    s->ack = seg->ack;
    if (again)
        return TRACK_SYN_ACK_AGAIN;
    if (s->heard)
        return TRACK_SYN_INSIDE;
    take_syn(s, syn_of(f));
    set_state(s, TCPS_SYN_RECEIVED);
    if (!f->discarded && r->state != TCPS_CLOSED)
        set_state(r, TCPS_ESTABLISHED);
    return TRACK_SYN_ACK;
}

/* The ACK moves the peer on that has sent a FIN. */
static void ack_fin(struct track_found *f, struct track_side *r)
{
    f->acks_fin = true;
    r->fin_acked = true;
    if (f->discarded)
        return;
    if (r->state == TCPS_FIN_WAIT_1)
        set_state(r, TCPS_FIN_WAIT_2);
    else if (r->state == TCPS_CLOSING)
        set_state(r, TCPS_TIME_WAIT);
    else if (r->state == TCPS_LAST_ACK)
        set_state(r, TCPS_CLOSED);
}

static enum track_kind on_ack(struct track_found *f, struct track_side *s, struct track_side *r)
{
    const struct tcp_segment *seg = f->seg;
    bool had = s->has_ack, same_window = had && s->window == seg->window;
    tcp_seq before = s->ack;

    f->old_window = s->window;
    f->window_closed = seg->window == 0 && !(had && s->window == 0);
    s->window = seg->window;
    if (had && seq_lt(seg->ack, before))
        return TRACK_ACK_OLD;
    s->has_ack = true;
    s->ack = seg->ack;
    if (r->heard && seq_lt(r->nxt, seg->ack)) {
        f->acks_unseen = true;
        r->nxt = seg->ack;
    } else if (!r->heard) {
        r->nxt = seg->ack;
        r->heard = true;
    }
    track_holes_acked(r, seg->ack);
    if (r->fin && !r->fin_acked && seq_lt(r->fin_seq, seg->ack))
        ack_fin(f, r);
    if (!had || seq_lt(before, seg->ack)) {
        f->acked = had ? seg->ack.value - before.value : 0;
        s->dup_acks = 0;
        return TRACK_ACK;
    }
    if (f->window_closed)
        return TRACK_WINDOW_ZERO;
    if (r->asked)
        return TRACK_ANSWER;
    if (!same_window)
        return TRACK_WINDOW;
    if (seq_lt(seg->ack, r->nxt) && f->len == 0 && !(seg->flags & TCP_FIN)) {
        s->dup_acks++;
        return TRACK_ACK_DUP;
    }
    return TRACK_ACK_SAME;
}

/* Text, a FIN, or numbers that ask for an answer. TRACK_ACK: nothing of these. */
static enum track_kind on_text(struct track_found *f, struct track_side *s, struct track_side *r)
{
    const struct tcp_segment *seg = f->seg;
    uint32_t len = f->len + !!(seg->flags & TCP_FIN);
    tcp_seq end = seq_add(seg->seq, len);

    if (!s->heard) { /* from the middle */
        s->heard = true;
        s->nxt = end;
        return len > 0 ? TRACK_TEXT : TRACK_ACK;
    }
    int32_t ahead = (int32_t)(seg->seq.value - s->nxt.value);
    bool closed = r->has_ack && r->window == 0;
    bool asks = ahead == -1 && f->len <= 1 && r->has_ack && r->ack.value == s->nxt.value;
    bool probes = closed && f->len <= 1 && seq_lt(seg->seq, r->ack);
    if (len == f->len && (asks || probes)) {
        s->asked = true;
        return closed ? TRACK_PROBE : TRACK_KEEP_ALIVE;
    }
    if (len == 0) {
        if (ahead > 0) { /* what was in between is missing in the capture */
            f->behind = (uint32_t)ahead;
            track_hole_add(s, s->nxt, seg->seq);
            s->nxt = seg->seq;
        }
        return TRACK_ACK;
    }
    if (f->len == 1 && closed && ahead <= 0) {
        s->asked = true;
        if (ahead == 0)
            s->nxt = end;
        return TRACK_PROBE;
    }
    if (ahead >= 0) {
        f->behind = (uint32_t)ahead;
        if (ahead > 0)
            track_hole_add(s, s->nxt, seg->seq);
        s->nxt = end;
        return ahead > 0 ? TRACK_BEYOND_HOLE : TRACK_TEXT;
    }
    bool filled = track_hole_fill(s, seg->seq, end);
    if (seq_lt(s->nxt, end)) {
        f->behind = (uint32_t)-ahead;
        s->nxt = end;
        return TRACK_TEXT_PARTLY;
    }
    if (filled)
        return TRACK_FILLS_HOLE;
    return r->has_ack && seq_le(end, r->ack) ? TRACK_AGAIN_IN_VAIN : TRACK_AGAIN;
}

static void on_fin(struct track_found *f, struct track_side *s, struct track_side *r)
{
    bool again = s->fin;

    s->fin = true;
    s->fin_seq = seq_add(f->seg->seq, f->len);
    if (again) {
        f->kind = f->len == 0 ? TRACK_FIN_AGAIN : f->kind;
        return;
    }
    if (is_open(s))
        set_state(s, TCPS_FIN_WAIT_1);
    else if (s->state == TCPS_CLOSE_WAIT)
        set_state(s, TCPS_LAST_ACK);
    f->kind = f->kind == TRACK_BEYOND_HOLE ? f->kind : TRACK_FIN;
    if (f->discarded || s->hole_count > 0)
        return; /* it cannot be taken before what is missing */
    if (is_open(r))
        set_state(r, TCPS_CLOSE_WAIT);
    else if (r->state == TCPS_FIN_WAIT_1)
        set_state(r, TCPS_CLOSING);
    else if (r->state == TCPS_FIN_WAIT_2)
        set_state(r, TCPS_TIME_WAIT);
}

/* A segment with neither SYN nor RST. */
static void on_rest(struct track_found *f, struct track_conn *c, struct track_side *s,
                    struct track_side *r)
{
    if (!(f->seg->flags & TCP_ACK)) {
        f->kind = TRACK_SENSELESS;
        return;
    }
    enum track_kind text = on_text(f, s, r);
    enum track_kind ack = on_ack(f, s, r);
    f->kind = text == TRACK_ACK ? ack : text;
    bool third = !c->handshake_seen && s->has_isn && r->has_isn && seq_lt(r->first, f->seg->ack) &&
                 s->state == TCPS_ESTABLISHED && r->state == TCPS_SYN_RECEIVED;
    if (third && !f->discarded) {
        c->handshake_seen = f->third = true;
        set_state(r, TCPS_ESTABLISHED);
        if (text == TRACK_ACK)
            f->kind = TRACK_HANDSHAKE_DONE;
    } else if (s->state == TCPS_SYN_RECEIVED && r->state == TCPS_SYN_RECEIVED && !f->discarded) {
        set_state(r, TCPS_ESTABLISHED); /* both have called */
    }
    if (f->acks_fin && text == TRACK_ACK)
        f->kind = TRACK_FIN_ACKED;
    if (f->seg->flags & TCP_FIN)
        on_fin(f, s, r);
}

static bool is_senseless(uint8_t flags)
{
    int first = !!(flags & TCP_SYN) + !!(flags & TCP_RST) + !!(flags & TCP_FIN);

    return first > 1 && (flags & (TCP_RST | TCP_FIN)) != (TCP_RST | TCP_FIN);
}

/* --- a packet ----------------------------------------------------------------------------- */

/* A <SYN,ACK> for a SYN within the connection: its sender had forgotten it; this is the next. */
static struct track_conn *conn_of_inside(struct track *t, struct track_found *f, uint16_t i,
                                         struct endpoint src, struct endpoint dst)
{
    const struct track_conn *c = &t->conn[i];
    const struct track_side caller = c->side[!endpoint_equal(c->side[0].end, dst)];
    const tcp_seq ack = f->seg->ack;

    if (!(f->seg->flags & TCP_SYN) || !caller.has_inside ||
        ack.value - caller.inside.seq.value - 1 > caller.inside.len)
        return NULL;
    struct track_conn *next = track_renew(t, i, dst, src);
    take_syn(&next->side[0], caller.inside);
    set_state(&next->side[0], TCPS_SYN_SENT);
    f->new_tuple = true;
    return next;
}

static struct track_conn *conn_for(struct track *t, struct track_found *f, struct endpoint src,
                                   struct endpoint dst)
{
    bool syn = f->seg->flags & TCP_SYN, opens = syn && !(f->seg->flags & TCP_ACK);
    uint16_t i = track_find(t, src, dst);

    if (i != TRACK_NONE && opens) {
        const struct track_conn *c = &t->conn[i];
        const struct track_side *s = &c->side[!endpoint_equal(c->side[0].end, src)];
        bool same = s->heard && s->first.value == f->seg->seq.value;
        f->new_tuple = is_broken_off(c) || (is_over(c) && !same);
    }
    if (f->new_tuple)
        return track_renew(t, i, src, dst);
    struct track_conn *next = i == TRACK_NONE || opens ? NULL : conn_of_inside(t, f, i, src, dst);
    if (next)
        return next;
    if (i != TRACK_NONE) {
        track_touch(t, i);
        return &t->conn[i];
    }
    bool from_b = syn && !opens; /* a <SYN,ACK> comes from who was called */
    struct track_conn *c = from_b ? track_add(t, dst, src) : track_add(t, src, dst);
    f->first_seen = !opens;
    for (int side = 0; side < 2 && !syn; side++)
        c->side[side].state = TCPS_ESTABLISHED; /* a guess */
    return c;
}

static void fill_verdict(struct track_verdict *out, const struct track_found *f)
{
    const struct track_conn *c = f->conn;
    const struct track_side *a = &c->side[0], *b = &c->side[1];
    bool syn = f->seg->flags & TCP_SYN;

    out->conn = c->id;
    out->a_to_b = f->s == a;
    out->a = a->end;
    out->b = b->end;
    out->state_a = a->state;
    out->state_b = b->state;
    out->sure_a = a->sure;
    out->sure_b = b->sure;
    out->relative = f->s->has_first;
    out->seq = f->seg->seq.value - f->s->first.value;
    out->has_ack = f->seg->flags & TCP_ACK && f->r->has_first;
    out->ack = f->seg->ack.value - f->r->first.value;
    out->len = f->len;
    out->scaled = !syn && f->s->has_scale && f->r->has_scale;
    out->window = f->seg->window;
    if (out->scaled && f->s->offers_scale && f->r->offers_scale)
        out->window <<= f->s->scale;
    out->in_flight = f->s->heard && f->r->has_ack && seq_lt(f->r->ack, f->s->nxt)
                         ? f->s->nxt.value - f->r->ack.value
                         : 0;
}

static void follow(struct track *t, const struct dissection *d, struct track_found *f,
                   struct track_verdict *out)
{
    struct endpoint src = {d->seen.src, f->seg->src_port}, dst = {d->seen.dst, f->seg->dst_port};
    struct track_conn *c = conn_for(t, f, src, dst);
    struct track_side *s = &c->side[!endpoint_equal(c->side[0].end, src)];
    struct track_side *r = s == &c->side[0] ? &c->side[1] : &c->side[0];

    f->conn = c;
    f->s = s;
    f->r = r;
    s->asked = false;
    if (is_senseless(f->seg->flags)) {
        f->kind = TRACK_SENSELESS;
    } else if (f->seg->flags & TCP_RST) {
        begin_numbers(s, r, f->seg);
        f->kind = on_reset(f, s, r);
    } else {
        begin_numbers(s, r, f->seg);
        if (f->seg->flags & TCP_SYN)
            f->kind = on_syn(f, s, r);
        else
            on_rest(f, c, s, r);
    }
    fill_verdict(out, f);
}

/* An error of ICMP about a segment: whose was it? */
static void find_quoted(struct track *t, const struct dissection *d, struct track_verdict *out)
{
    uint16_t i = track_find(t, d->seen.quoted_src, d->seen.quoted_dst);

    if (i == TRACK_NONE)
        return;
    const struct track_side *side = t->conn[i].side;
    out->conn = t->conn[i].id;
    out->a = side[0].end;
    out->b = side[1].end;
    out->state_a = side[0].state;
    out->state_b = side[1].state;
    out->sure_a = side[0].sure;
    out->sure_b = side[1].sure;
    out->a_to_b = endpoint_equal(side[0].end, d->seen.quoted_src);
}

void track_packet(struct track *t, const struct dissection *d, bool discarded,
                  struct track_verdict *out)
{
    struct track_found f = {.seg = &d->seen.seg, .len = d->seen.text_len, .discarded = discarded};

    memset(out, 0, sizeof(*out));
    if (d->seen.tcp && d->seen.sum == SUM_WRONG) {
        f.kind = TRACK_BAD_SUM;
    } else if (d->seen.tcp) {
        follow(t, d, &f, out);
    } else if (d->seen.icmp_error && d->seen.quoted_tcp) {
        f.kind = TRACK_ICMP_ERROR;
        find_quoted(t, d, out);
    } else {
        f.kind = track_unfollowed(d);
    }
    out->kind = f.kind;
    struct text words = text_of(out->text, sizeof(out->text));
    track_say(&words, d, &f, out);
}
