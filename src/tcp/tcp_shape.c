/* tcp_shape.c - see tcp_shape.h. */
#include "tcp/tcp_shape.h"

void shape_begin(struct tcp_conn *conn, struct tcp_out *out, tcp_seq at, uint8_t flags,
                 enum why why)
{
    *out = (struct tcp_out){.conn = conn,
                            .src = conn->local.addr,
                            .dst = conn->remote.addr,
                            .tos = conn->tos,
                            .ttl = conn->ttl,
                            .why = why,
                            .seg = {.src_port = conn->local.port,
                                    .dst_port = conn->remote.port,
                                    .seq = at,
                                    .flags = flags}};
}

void shape_ack(struct tcp_conn *conn, struct tcp_out *out, tcp_seq ack, bool may_move)
{
    out->seg.ack = ack;
    out->seg.window = tcp_offer_window(conn, ack, out->seg.flags & TCP_SYN, may_move);
}

void shape_text(struct tcp_conn *conn, struct tcp_out *out, uint32_t at, uint32_t len)
{
    out->iovcnt = sendq_gather(&conn->sendq, at, &len, out->iov, TCP_OUT_IOV);
    out->seg.text.len = len;
}

void shape_segments(struct tcp_conn *conn, struct tcp_out *out, uint32_t at, uint32_t len,
                    uint32_t each)
{
    shape_text(conn, out, at, len);
    if (out->seg.text.len < len) /* in more pieces than a frame may have */
        shape_text(conn, out, at, (uint32_t)out->seg.text.len / each * each);
    if (out->seg.text.len > each)
        out->each = (uint16_t)each;
}

/* The sequence number of our FIN, behind all text. */
static tcp_seq fin_seq(const struct tcp_conn *conn)
{
    return seq_add(conn->snd.una, conn->sendq.len);
}

uint32_t usable_window_len(const struct tcp_conn *conn)
{
    tcp_seq edge = seq_add(conn->snd.una, conn->snd.wnd);

    return seq_lt(conn->snd.nxt, edge) ? seq_diff(edge, conn->snd.nxt) : 0; /* (MUST-34) */
}

void shape_repeat(struct tcp_conn *conn, struct tcp_out *out, tcp_seq from, uint32_t len,
                  tcp_seq end, enum why why)
{
    uint32_t at = seq_diff(from, conn->snd.una);
    bool fin =
        conn->fin_sent && seq_eq(seq_add(from, len), fin_seq(conn)) && seq_lt(fin_seq(conn), end);

    shape_begin(conn, out, from, TCP_ACK, fin && len == 0 ? WHY_OUT_FIN_AGAIN : why);
    shape_text(conn, out, at, len);
    if (fin && out->seg.text.len == len)
        out->seg.flags |= TCP_FIN;
    tcp_seq behind = seq_add(from, (uint32_t)out->seg.text.len);
    tcp_seq push_end = conn->sender->push_end;
    bool pushed = seq_lt(from, push_end) && seq_le(push_end, behind);
    if (out->seg.text.len > 0 && (pushed || at + out->seg.text.len == conn->sendq.len))
        out->seg.flags |= TCP_PSH;
    shape_ack(conn, out, conn->rcv.nxt, true);
    out->is_retransmit = true;
    out->retransmits = conn->retransmits;
}

uint32_t text_in_window(const struct tcp_conn *conn, tcp_seq from)
{
    uint32_t at = seq_diff(from, conn->snd.una);
    uint32_t window = conn->snd.wnd > at ? conn->snd.wnd - at : 0;
    uint32_t text = at < conn->sendq.len ? conn->sendq.len - at : 0;

    return u32_min(u32_min(text, full_segment_len(conn)), window);
}
