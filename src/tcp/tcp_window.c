/*
 * tcp_window.c - what we tell the peer: ACKs and the window (RFC 9293, 3.8.6.2.2, 3.8.6.3).
 *
 * Two kinds of ACK debt. Most ACKs are cumulative: one flag, paid by whatever leaves next. A
 * segment out of order owes an ACK of its own, because the peer counts them; so does each sixteenth
 * segment of a long batch, because the peer's window grows by them. Those are notes, with the
 * number of their moment, for a note that repeated a later number would itself be a duplicate ACK.
 *
 * The right edge of the window does not move left (SHLD-14), although the field is scaled and so
 * cannot say every number: the field is rounded up, and the edge moves to what was said. Over many
 * small segments that adds up. Past a quarter of the buffer (or a unit) the field is rounded down
 * instead, and then the edge may seem to move left by less than a unit, which RFC 7323, 2.4
 * foresees. Whatever was ever told is honoured.
 */
#include "tcp/tcp_ecn.h"

void tcp_owe_ack(struct tcp_conn *conn, enum why why)
{
    conn->ack_due = true;
    conn->ack_why = (uint8_t)why;
}

void tcp_owe_ack_note(struct tcp *tcp, struct tcp_conn *conn, enum why why)
{
    bool none_left = tcp->note_count == TCP_ACK_NOTES || conn->ack_notes == TCP_ACK_NOTES_CONN;

    bool half_open = conn->passive && conn->state == TCPS_SYN_RECEIVED;

    /* nothing leaves before our <SYN,ACK>, which tells as much; and an entry of the SYN cache has
     * no address that a note could keep */
    if (none_left || conn->syn_owed || half_open) {
        tcp_owe_ack(conn, why);
        return;
    }
    struct ack_note *note = &tcp->notes[tcp->note_count++];
    *note = (struct ack_note){
        .conn = conn, .ack = conn->rcv.nxt, .why = why, .flags = tcp_ecn_echo(conn)};
    note->sack_count = tcp_sack_blocks(conn, note->sack);
    conn->has_dsack = false; /* it has said so */
    conn->ack_notes++;
    conn->unacked = 0;
    conn->unacked_segments = 0;
    conn->ack_due = false;
    conn->ack_at = INSTANT_NEVER;
}

void tcp_owe_challenge(struct tcp *tcp, struct tcp_conn *conn, enum why why, instant now)
{
    if (conn->challenged &&
        instant_since_ms(now, conn->challenged_ms) < tcp->values->tcp_challenge) {
        events_unsent(tcp->events, conn->id, "a challenge ACK: there was one lately (RFC 5961, 7)",
                      now);
        return;
    }
    conn->challenged = true;
    conn->challenged_ms = instant_ms(now);
    events_count(tcp->events, COUNTER_TCP_CHALLENGES);
    tcp_owe_ack(conn, why);
}

/* --- SACK: what has come beyond RCV.NXT (RFC 2018, 4; RFC 2883, 4) ------------------------ */

uint8_t tcp_name_blocks(const struct tcp_conn *conn, struct tcp_block out[TCP_SACK_BLOCKS])
{
    uint8_t max = conn->ts_ok ? TCP_SACK_BLOCKS_TS : TCP_SACK_BLOCKS;
    int count = 0;

    while (max > 0 &&
           tcp_sack_len(max) >= conn->snd_mss) /* an octet of text must fit beside them */
        max--;
    if (!conn->sack_ok || max == 0)
        return 0;
    if (conn->has_dsack)
        out[count++] = conn->receiver->dsack;
    return (uint8_t)(count + reorder_blocks(&conn->receiver->reorder, out + count, max - count));
}

void tcp_note_duplicate(struct tcp *tcp, struct tcp_conn *conn, tcp_seq at, tcp_seq end)
{
    bool half_open = conn->state == TCPS_SYN_RECEIVED && conn == tcp->syn.at; /* it would forget */

    if (!conn->sack_ok || !tcp->values->tcp_dsack || !seq_lt(at, end) || half_open)
        return;
    struct receiver *r = receiver_need(tcp, conn);
    if (!r)
        return;
    bool touches = conn->has_dsack && seq_le(at, r->dsack.right) && seq_le(r->dsack.left, end);
    r->dsack = touches
                   ? (struct tcp_block){seq_min(at, r->dsack.left), seq_max(end, r->dsack.right)}
                   : (struct tcp_block){at, end};
    conn->has_dsack = true;
}

/* --- the window --------------------------------------------------------------------------- */

/* The edge that the buffer allows. */
static tcp_seq possible_edge(const struct tcp_conn *conn)
{
    uint32_t most = UINT32_C(65535) << conn->rcv_scale;
    uint32_t room = conn->rcv.buffer > conn->recvq.len ? conn->rcv.buffer - conn->recvq.len : 0;

    return seq_add(conn->rcv.nxt, u32_min(room, most));
}

/* How far the edge could move, if it is worth it: by min(half the buffer, a segment) (MUST-39). */
static uint32_t possible_gain(const struct tcp_conn *conn)
{
    tcp_seq edge = possible_edge(conn);

    if (!seq_lt(conn->rcv.told, edge))
        return 0;
    uint32_t gain = seq_diff(edge, conn->rcv.told);
    return gain >= u32_min(conn->rcv.buffer / 2, conn->rcv_mss) ? gain : 0;
}

/* The window for a segment that acknowledges `ack`, in units of 2^shift. */
static uint32_t rounded_window(const struct tcp_conn *conn, tcp_seq ack)
{
    uint32_t unit = UINT32_C(1) << conn->rcv_scale;
    tcp_seq limit = seq_add(conn->rcv.grant, u32_max(conn->rcv.buffer / 4, unit));
    tcp_seq edge = seq_max(seq_max(conn->rcv.grant, conn->rcv.told), ack);
    uint32_t field = (seq_diff(edge, ack) + unit - 1) >> conn->rcv_scale;

    if (seq_lt(limit, seq_add(ack, field << conn->rcv_scale)))
        field = seq_lt(ack, limit) ? seq_diff(limit, ack) >> conn->rcv_scale : 0;
    return u32_min(field, 65535);
}

uint16_t tcp_offer_window(struct tcp_conn *conn, tcp_seq ack, bool syn, bool may_move)
{
    if (syn) { /* never scaled (RFC 7323, 2.2) */
        tcp_seq edge = seq_add(conn->rcv.nxt, u32_min(conn->rcv.buffer, 65535));
        conn->rcv.edge = conn->rcv.grant = conn->rcv.told = seq_max(conn->rcv.edge, edge);
        return (uint16_t)u32_min(seq_diff(conn->rcv.edge, ack), 65535);
    }
    if (may_move && possible_gain(conn) > 0)
        conn->rcv.grant = seq_max(conn->rcv.grant, possible_edge(conn));
    uint32_t field = rounded_window(conn, ack);
    conn->rcv.told = seq_add(ack, field << conn->rcv_scale);
    conn->rcv.edge = seq_max(conn->rcv.edge, conn->rcv.told);
    return (uint16_t)field;
}

bool tcp_window_is_news(const struct tcp_conn *conn)
{
    uint32_t gain = possible_gain(conn);
    tcp_seq enough = seq_add(conn->rcv.nxt, 2u * conn->rcv_mss);

    return gain > 0 && (seq_lt(conn->rcv.told, enough) || gain >= conn->rcv.buffer / 2);
}
