/*
 * tcp_shape.h - a segment takes shape: numbers, text, flags. Nothing here decides or changes
 * anything; that is tcp_output.c's and tcp_sent.c's.
 */
#ifndef TAPIO_TCP_SHAPE_H
#define TAPIO_TCP_SHAPE_H

#include "tcp/tcp_conn.h"

/* Both ends, what a connection puts into every packet, and the reason. */
void shape_begin(struct tcp_conn *conn, struct tcp_out *out, tcp_seq at, uint8_t flags,
                 enum why why);
/* It acknowledges `ack`, with the window that goes with it; `may_move`: a larger one than told. */
void shape_ack(struct tcp_conn *conn, struct tcp_out *out, tcp_seq ack, bool may_move);
/* Points it at `len` octets of the send queue; it may get fewer. */
void shape_text(struct tcp_conn *conn, struct tcp_out *out, uint32_t at, uint32_t len);
/* As shape_text(), of several segments with `each` octets of text; the last may have fewer only at
 * the end of `len`. */
void shape_segments(struct tcp_conn *conn, struct tcp_out *out, uint32_t at, uint32_t len,
                    uint32_t each);
/* `len` octets of text from `from` on once more, and our FIN when it lies before `end` and right
 * behind them. */
void shape_repeat(struct tcp_conn *conn, struct tcp_out *out, tcp_seq from, uint32_t len,
                  tcp_seq end, enum why why);

/* Text that a full segment holds now: the blocks that it must carry leave less of it. */
static inline uint32_t full_segment_len(const struct tcp_conn *conn)
{
    struct tcp_block blocks[TCP_SACK_BLOCKS];
    uint32_t options = tcp_sack_len(tcp_sack_blocks(conn, blocks));

    return conn->snd_mss > options ? conn->snd_mss - options : 1;
}
/* How much more the peer's window takes. */
uint32_t usable_window_len(const struct tcp_conn *conn);
/* Text from `from` on that a segment may carry within it. */
uint32_t text_in_window(const struct tcp_conn *conn, tcp_seq from);

#endif
