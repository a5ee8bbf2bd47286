/*
 * tcp_recovery.h - the sender's side of a connection: what is in flight, what of it is lost, and
 * what follows from that.
 *
 * Private to src/tcp. An ACK is learnt from before SND.UNA moves and acted upon afterwards; a timer
 * says what nobody acknowledged; and what was done in vain is undone. Each part has a file.
 */
#ifndef TAPIO_TCP_RECOVERY_H
#define TAPIO_TCP_RECOVERY_H

#include "tcp/tcp_conn.h"

/* --- tcp_sender.c --------------------------------------------------------------------------- */

NODISCARD int senders_init(struct tcp *tcp);
void senders_fini(struct tcp *tcp);
/* Would a segment that leaves now find room to be remembered? Text or a FIN only. */
bool sender_has_room(struct tcp *tcp, struct tcp_conn *conn);
/* An ACK may have changed cwnd and SRTT: the pace follows. */
void sender_set_pace(const struct tcp *tcp, struct tcp_conn *conn, instant now);
/* May `len` octets leave now? If not, pace_at says when. */
bool sender_keeps_pace(struct tcp *tcp, struct tcp_conn *conn, uint32_t len, instant now);
/* `len` octets behind all others have left, or those of the first lost range. */
void sender_sent(struct tcp_conn *conn, uint32_t len, instant now);
void sender_sent_again(struct tcp_conn *conn, uint32_t len, instant now);
/* All before `una` has arrived. */
void sender_advance(struct sender *s, tcp_seq una);
/* Lets go of it when it is of no use any more; or at once. */
void sender_settle(struct tcp *tcp, struct tcp_conn *conn);
void sender_free(struct tcp *tcp, struct tcp_conn *conn);

/* --- tcp_recovery.c: what is lost, and what that means -------------------------------------- */

/* What an acceptable ACK says, SND.UNA =< SEG.ACK. */
struct ack_news {
    bool advances;    /* SND.UNA < SEG.ACK */
    bool duplicate;   /* (RFC 5681, 2) */
    bool limited;     /* cwnd was what kept the sender */
    bool covers_lost; /* it acknowledges what was taken for lost and not sent again */
    bool dsack;       /* the peer tells what came twice (RFC 2883): */
    struct tcp_block twice;
    uint32_t acked; /* octets that SEG.ACK adds */
    uint32_t sacked_before, flight_before;
    struct flight_news news;
};
/* What it did to the sender, for the reason of the packet and the timer. */
enum ack_effect {
    ACK_QUIET,
    ACK_SLOW_START,
    ACK_AVOIDANCE,
    ACK_LOSS,
    ACK_PARTIAL_NEWS,  /* (RFC 6582, 3.2): restart the timer */
    ACK_PARTIAL_AGAIN, /* do not */
    ACK_REPAIRS,       /* in recovery, and it goes on */
    ACK_RECOVERED,
    ACK_UNDOES,
};

/* Books on the scoreboard what the ACK tells, before SND.UNA moves. */
void tcp_learn(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *seg,
               struct ack_news *a, instant now);
/* Acts on it, after SND.UNA has moved. */
enum ack_effect tcp_react(struct tcp *tcp, struct tcp_conn *conn, const struct ack_news *a,
                          instant now);
/* All that is in flight is to be sent again, and cwnd stays: it says nothing about the path. */
void tcp_lose_all(struct tcp_conn *conn, enum lost_by why);
/* The retransmission timer has expired. */
void tcp_recover_from_timeout(struct tcp *tcp, struct tcp_conn *conn, instant now);
/* The reordering timer has. */
void tcp_reorder_timeout(struct tcp *tcp, struct tcp_conn *conn, instant now);
/* May `len` octets that are lost leave now? */
bool tcp_may_repeat(const struct tcp_conn *conn, tcp_seq at, uint32_t len);

/* --- tcp_undo.c ------------------------------------------------------------------------------- */

/* A flight is about to be reduced: this is how it was. */
void tcp_undo_remember(struct tcp_conn *conn);
/* Text of this flight was sent again, `len` octets from `from` on. */
void tcp_note_repeated(struct tcp_conn *conn, tcp_seq from, uint32_t len, instant now);
/* What an ACK tells to have come twice: octets of this flight that were sent again. */
void tcp_undo_count(struct sender *s, const struct ack_news *a);
/* Why the reduction was in vain, in static storage; NULL: it may not have been. */
const char *tcp_undo_cause(const struct sender *s, const struct ack_news *a);

/* --- tcp_tail_probe.c ----------------------------------------------------------------------- */

/* Sets the timer, after new text or an ACK that goes forward (RFC 8985, 7.2). */
void tcp_arm_tail_probe(struct tcp *tcp, struct tcp_conn *conn, instant now);
void tcp_tail_probe_timeout(struct tcp *tcp, struct tcp_conn *conn, instant now);
/* Where the last segment of the flight begins, to be sent once more. */
tcp_seq tcp_tail_start(const struct tcp_conn *conn);
/* It is about to be booked as sent again. */
void tcp_repeat_tail(struct tcp_conn *conn, tcp_seq at);
/* The probe has left. */
void tcp_tail_probe_sent(struct tcp_conn *conn, bool is_repeat);
/* The one of a recovery has. */
void tcp_rescue_sent(struct tcp_conn *conn);
/* An ACK has come while one was out (7.4.2). True: it has repaired a loss that nobody saw. */
bool tcp_tail_probe_acked(struct tcp_conn *conn, const struct ack_news *a);

#endif
