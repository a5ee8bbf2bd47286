/*
 * tcp_undo.c - was a reduction in vain? (RFC 4015, RFC 3522, RFC 2883)
 *
 * When a flight is reduced, what it was is kept. If all that was sent again turns out to have come
 * twice, or if what arrives had left before anything was sent again, nothing had been lost: then
 * tcp_recovery.c takes the reduction back. What F-RTO finds about a timeout is its own business.
 */
#include "tcp/tcp_recovery.h"

void tcp_undo_remember(struct tcp_conn *conn)
{
    struct sender *s = conn->sender;

    s->undo.is_possible = true;
    s->undo.from = conn->snd.una;
    s->undo.to = conn->snd.nxt;
    s->undo.again = 0;
    s->undo.first = INSTANT_NEVER;
    cc_save(&conn->cc, &s->cc, &s->undo.before);
}

void tcp_note_repeated(struct tcp_conn *conn, tcp_seq from, uint32_t len, instant now)
{
    struct sender *s = conn->sender;
    struct undo *undo = &s->undo;

    /* F-RTO understands an ACK as long as nothing but the first was repeated. */
    if (s->frto == FRTO_NEW_TEXT || !seq_eq(from, conn->snd.una))
        s->frto = FRTO_OFF;
    if (!undo->is_possible)
        return;
    undo->again += len;
    undo->first = instant_min(undo->first, now);
}

void tcp_undo_count(struct sender *s, const struct ack_news *a)
{
    tcp_seq from = seq_max(a->twice.left, s->undo.from);
    tcp_seq to = seq_min(a->twice.right, s->undo.to);

    if (s->phase == PHASE_OPEN && s->undo.is_possible && seq_lt(s->undo.until, s->flight.una))
        s->undo.is_possible = false;
    if (s->undo.is_possible && a->dsack && seq_lt(from, to))
        s->undo.again -= u32_min(seq_diff(to, from), s->undo.again);
}

static bool was_in_vain(const struct sender *s)
{
    return s->undo.is_possible && !instant_is_never(s->undo.first) && s->undo.again == 0 &&
           (s->phase != PHASE_RECOVERY || s->flight.lost_octets == 0);
}

/* What has arrived had left before anything of this flight was sent again (RFC 3522, 3.2). */
static bool was_too_early(const struct sender *s, const struct ack_news *a)
{
    return s->undo.is_possible && a->advances && instant_before(a->news.echoed, s->undo.first) &&
           !instant_is_never(s->undo.first) && s->phase != PHASE_OPEN &&
           (s->phase == PHASE_TIMEOUT || s->flight.lost_octets == 0);
}

const char *tcp_undo_cause(const struct sender *s, const struct ack_news *a)
{
    if (was_in_vain(s))
        return "all that was sent again came twice: undone (RFC 2883, RFC 4015)";
    return was_too_early(s, a) ? "what arrived had left before the loss: undone (RFC 3522)" : NULL;
}
