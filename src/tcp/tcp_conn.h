/*
 * tcp_conn.h - the connection: the variables of RFC 9293, 3.3.1, under their own names.
 *
 * Private to src/tcp. A connection is made by an active OPEN or by a SYN at a listener, changes its
 * state only through tcp_set_state(), and every entry point (a segment, a call, a timer) ends in
 * tcp_settle(), which keeps the books: is it to be freed, does it owe something, is its owner to be
 * told, when must it act next.
 *
 * Sequence numbers in the send queue: SND.UNA is the queue's front, except that the SYN and the FIN
 * take a number each and lie in no queue.
 */
#ifndef TAPIO_TCP_CONN_H
#define TAPIO_TCP_CONN_H

#include <errno.h>

#include "tcp/isn.h"
#include "tcp/receiver.h"
#include "tcp/recvq.h"
#include "tcp/rto.h"
#include "tcp/sender.h"
#include "tcp/sendq.h"
#include "tcp/tcp.h"

/*
 * There may be a million of them, and most sit idle: so it holds only what must outlast idleness,
 * and each field is as narrow as it can be (docs/memory.md). By use, so that a segment touches few
 * cache lines: what it is found by and held against, what text in order changes, what leaves, and
 * what is seldom asked for.
 */
struct tcp_conn {
    struct tcp_conn *hash_next;
    struct endpoint local, remote;
    uint32_t id;

    uint8_t state; /* enum tcp_state: tcp_set_state() alone writes it */
    uint8_t snd_scale : 4, rcv_scale : 4;
    uint8_t held : 4;    /* enum held_by, as found when it last tried */
    uint8_t stalled : 4; /* enum held_by: the stall that was told; HELD_NO_TEXT: none */
    uint8_t ack_why;     /* enum why of the ACK that is due */
    uint8_t rst_why;     /* enum why of the reset that is owed; WHY_NONE: none */
    uint8_t retransmits; /* of the segment at SND.UNA in a row: R1, R2 */
    uint8_t ack_notes;   /* of this batch: see struct ack_note */
    uint8_t error;       /* the errno that ended it; reported once */
    uint8_t soft_error;  /* errno of the last ICMP error since something was acknowledged */
    uint8_t keep_probes; /* keep-alives in a row that nobody has answered */
    uint8_t tos, ttl;

    bool passive : 1;      /* SYN-RECEIVED was reached from LISTEN (MUST-11) */
    bool scaling : 1;      /* both SYNs carried the window scale option (RFC 7323, 2.2) */
    bool ack_due : 1;      /* an ACK is owed now */
    bool closing : 1;      /* the application has closed the sending side: a FIN follows the text */
    bool fin_sent : 1;     /* it has been sent: SND.NXT is past it */
    bool peer_fin : 1;     /* the peer's FIN has been processed */
    bool fin_early : 1;    /* a FIN beyond a hole: receiver->fin says where */
    bool read_shut : 1;    /* the application reads no more */
    bool no_delay : 1;     /* TCP_NODELAY */
    bool corked : 1;       /* the last write said MSG_MORE */
    bool cork : 1;         /* TCP_CORK */
    bool override : 1;     /* the override timer has run out: send the small segment */
    bool persisting : 1;   /* retransmit_at probes a closed window */
    bool timing : 1;       /* a round trip is being measured */
    bool syn_again : 1;    /* the SYN or <SYN,ACK> has left before, */
    bool syn_lost : 1;     /* and our timer says that it was lost */
    bool window_owed : 1;  /* the application read: perhaps the window must be told */
    bool syn_owed : 1;     /* the SYN or <SYN,ACK> is to be sent (again) */
    bool starving : 1;     /* a write found no memory or no room: told when there is some */
    bool changed : 1;      /* the owner is to be told when this entry settles, of a new state, */
    bool more_text : 1;    /* of text to read, */
    bool more_room : 1;    /* or of room for text */
    bool keep_alive : 1;   /* SO_KEEPALIVE */
    bool keep_owed : 1;    /* a keep-alive is to be sent */
    bool deferred : 1;     /* TCP_DEFER_ACCEPT: the third step has come, and text has not */
    bool probe_owed : 1;   /* the persist timer has run out */
    bool known_dead : 1;   /* the error was reported */
    bool challenged : 1;   /* a challenge ACK was owed, last at challenged_ms */
    bool ts_ok : 1;        /* both SYNs carried timestamps: Snd.TS.OK (RFC 7323, 3.2) */
    bool sack_ok : 1;      /* both SYNs permitted SACK (RFC 2018, 2) */
    bool has_dsack : 1;    /* receiver->dsack is to be told (RFC 2883) */
    bool pingpong : 1;     /* text has answered text: no quick ACKs (tcp.pingpong) */
    bool orphaned : 1;     /* it counts in tcp->orphans */
    bool ip_options : 1;   /* its tuning has some for it */
    bool ecn : 1;          /* both ends understand congestion marks (RFC 3168, 6.1.1), */
    bool ecn_marks : 1;    /* and our text may be marked */
    bool ecn_echo : 1;     /* a mark has come: ECE on every ACK until CWR comes */
    bool ecn_seen : 1;     /* the peer's text may be marked */
    bool ecn_answered : 1; /* ECE has made cwnd smaller for what is before sender->ecn_until */
    bool ecn_wait : 1;     /* no new text before retransmit_at */
    bool cwr_owed : 1;     /* CWR goes with the next new text */

    uint16_t snd_mss; /* Eff.snd.MSS (RFC 9293, 3.7.1) */

    struct {
        tcp_seq una, nxt;
        uint32_t wnd; /* scaled */
        tcp_seq wl1, wl2;
        uint32_t wnd_max; /* MAX.SND.WND (RFC 5961, 5.2) */
    } snd;
    struct {
        tcp_seq nxt;
        tcp_seq grant; /* the right edge that the buffer has promised */
        tcp_seq told; /* and the one that the last segment told, which rounding may put elsewhere */
        tcp_seq edge; /* the rightmost ever told: RCV.NXT + RCV.WND, honoured (RFC 7323, 2.4) */
        uint32_t buffer; /* what the window may grow to now, octets; at most tcp_receive_cap() */
    } rcv;
    uint32_t ts_recent;   /* TS.Recent (RFC 7323, 4.3), */
    uint32_t ts_recent_s; /* and when it was taken: after 24 days it says nothing (5.5) */
    tcp_seq last_ack;     /* Last.ACK.sent */
    uint32_t ts_offset;   /* our clock, as this peer sees it, is so many ticks ahead */

    struct recvq recvq;
    struct receiver *receiver; /* mostly NULL */
    uint64_t octets_received;
    uint32_t segments_in, text_in; /* segments, as all that are counted here: for TCP_INFO */
    uint32_t text_at_ms;           /* when text last came */
    uint32_t unacked;              /* octets received in order since the last ACK, */
    uint16_t unacked_segments;     /* and segments */
    uint16_t quick_acks;           /* segments still acknowledged at once */
    uint16_t rcv_full; /* the largest text of a segment so far: "full-sized" for SHLD-19 */
    uint16_t rcv_mss;  /* what we announce */
    instant heard_at;  /* when the last segment came that was about this connection */

    struct ready ready;
    struct list debt;      /* on tcp->debtors while it may have something to send */
    struct timer timer;    /* the earliest of the deadlines below and the sender's */
    instant retransmit_at; /* RTO, persist or override, whichever the sender's state asks for */
    instant ack_at;        /* delayed ACK */
    instant linger_at;     /* TIME-WAIT, FIN-WAIT-2 without an owner; else keep-alive */

    struct sender *sender; /* often NULL */
    struct sendq sendq;
    struct rto rto;
    instant timed_at; /* when the segment left that is timed */
    uint64_t octets_acked;
    struct cc cc;
    uint32_t clocked; /* octets that the last ACK took out of flight, for the reason of the next */
    uint32_t min_rtt_us; /* 0: none yet */
    uint32_t sent_ms;    /* when text was last sent: idle restart (RFC 5681, 4.1) */
    uint32_t new_ms;     /* when text or a FIN that was new last left */
    uint32_t since_ms;   /* first transmission of what is at SND.UNA, as far as we know: R2 */
    uint32_t segments_out, text_out;
    uint32_t delivered; /* segments that were acknowledged, our SYN among them */

    tcp_seq iss;
    struct tcp_tuning *tuning; /* what was set to other than the default; often NULL */
    uint64_t octets_again;
    struct chain_link kin;  /* in tcp->kin, by its state */
    uint32_t listener;      /* passive and not yet accepted: its number and one; else 0 */
    uint32_t challenged_ms; /* with `challenged` */
    uint32_t total_retransmits, early_in;
};
static_assert(sizeof(struct tcp_conn) <= 432 - POOL_TAG, "most are idle: there are many of them");

static inline uint32_t conn_text_sent(const struct tcp_conn *conn)
{
    /* octets of the send queue that are before SND.NXT */
    uint32_t flight = seq_diff(conn->snd.nxt, conn->snd.una);
    return u32_min(flight, conn->sendq.len);
}

/* Octets that may still be on their way. */
static inline uint32_t conn_inflight(const struct tcp_conn *conn)
{
    return conn->sender ? flight_pipe(&conn->sender->flight)
                        : seq_diff(conn->snd.nxt, conn->snd.una);
}

/* Does text wait for what is missing before it? */
static inline bool conn_has_early(const struct tcp_conn *conn)
{
    return conn->receiver && !reorder_is_empty(&conn->receiver->reorder);
}

/* Why nobody answered, as far as we know. */
static inline int conn_timeout_error(const struct tcp_conn *conn)
{
    return conn->soft_error ? conn->soft_error : ETIMEDOUT;
}

/* Is a segment in flight that was not full? */
static inline bool conn_has_small(const struct tcp_conn *conn)
{
    return conn->sender && seq_lt(conn->snd.una, conn->sender->small_end);
}

/* Octets that are to be sent again. */
static inline uint32_t conn_lost(const struct tcp_conn *conn)
{
    return conn->sender ? conn->sender->flight.lost_octets : 0;
}

/* The clock that timestamps tell: ticks of a millisecond, from a point that is this connection's
 * own (RFC 7323, 5.4 and 7.1). */
static inline uint32_t conn_timestamp(const struct tcp_conn *conn, instant now)
{
    return (uint32_t)(now.ns / NS_PER_MS) + conn->ts_offset;
}

/* A third of the send queue is free, enough that a writer is not woken for a crumb; and not more
 * than half of what TCP_NOTSENT_LOWAT allows is unsent. */
static inline bool tcp_has_room(const struct tcp_conn *conn)
{
    uint32_t lowat = tuning_or_default(conn->tuning)->notsent_lowat;

    return conn->sendq.len <= conn->sendq.cap - conn->sendq.cap / 3 &&
           (lowat == 0 || conn->sendq.len - conn_text_sent(conn) < (lowat + UINT64_C(1)) / 2);
}

/* A writer who found no room is told that there is some. */
static inline void tcp_feed(struct tcp_conn *conn)
{
    if (!conn->starving || !tcp_has_room(conn))
        return;
    conn->starving = false;
    conn->more_room = true;
}

/* What becomes of a segment that is not taken. */
static inline enum tcp_verdict seg_dropped(struct tcp_arrival *in, enum drop drop)
{
    in->drop = drop;
    return SEG_DROPPED;
}

static inline enum tcp_verdict seg_refused(struct tcp_arrival *in, enum drop drop)
{
    in->drop = drop;
    return SEG_REFUSED;
}

/* NULL: it was accepted, or was never anybody's. */
static inline struct tcp_listener *conn_listener(const struct tcp *tcp, const struct tcp_conn *conn)
{
    return conn->listener ? pool_at(&tcp->listener_pool, conn->listener - 1) : NULL;
}

/* IRS, which nobody asks for once the handshake is done: in SYN-RECEIVED. */
static inline tcp_seq conn_irs(const struct tcp_conn *conn)
{
    return seq_sub(conn->rcv.nxt, 1);
}

/* Is the application gone? */
static inline bool conn_is_orphan(const struct tcp_conn *conn)
{
    return conn->ready.owner == NO_OWNER && !conn->listener;
}

/* --- tcp_conn.c --------------------------------------------------------------------------- */

/* A slot of the pool; NULL when every one is taken. */
struct tcp_conn *conn_slot(struct tcp *tcp);
/* Would conn_slot() find one? */
bool conn_has_slot(const struct tcp *tcp);
/* A connection in CLOSED that has nothing yet, not even a number to be known by. */
void conn_init(const struct tcp *tcp, struct tcp_conn *conn, struct endpoint local,
               struct endpoint remote);
/* Both, with a number and in the table; NULL when there is no room. */
struct tcp_conn *conn_new(struct tcp *tcp, struct endpoint local, struct endpoint remote);
/* Eff.snd.MSS, of which cwnd is never less than one. */
void conn_set_mss(struct tcp_conn *conn, uint32_t mss);
/* Begins to count at `iss`, as if our SYN were out: SND.UNA = ISS, SND.NXT = ISS+1. */
void conn_start_at(struct tcp_conn *conn, tcp_seq iss);
/* The last act of each entry point; the connection may be gone afterwards. */
void tcp_settle(struct tcp *tcp, struct tcp_conn *conn, instant now);
void tcp_set_state(struct tcp *tcp, struct tcp_conn *conn, enum tcp_state next, const char *cause,
                   instant now);
/* Ends it at once, in CLOSED: queues flushed, `error` (0: none) kept for the owner. */
void tcp_end(struct tcp *tcp, struct tcp_conn *conn, int error, const char *cause, instant now);
/* As tcp_end(), after a reset to the peer. */
void tcp_abort_conn(struct tcp *tcp, struct tcp_conn *conn, int error, enum why why,
                    const char *cause, instant now);
/* TIME-WAIT begins, or begins again. */
void tcp_time_wait(struct tcp *tcp, struct tcp_conn *conn, const char *cause, instant now);
/* When it was challenged last, brief, while that forbids another one (RFC 5961, 7); 0: not lately.
 */
uint32_t conn_challenged(const struct tcp *tcp, const struct tcp_conn *conn, instant now);
/* From there, told beside `known`, into a new connection. */
void conn_recall_challenge(struct tcp_conn *conn, uint32_t brief, instant known);
static inline struct rto_limits tcp_rto_limits(const struct tcp *tcp)
{
    const struct stack_values *values = tcp->values;

    return (struct rto_limits){values->tcp_rto_initial, values->tcp_rto_min, values->tcp_rto_max,
                               values->tcp_rto_var_min, values->tcp_rto_syn_lost};
}
/* The shift that we offer. */
uint8_t tcp_window_shift(const struct tcp *tcp, const struct tcp_conn *conn);
/* MSS and the rest for our SYN, but for the time of its timestamp. */
struct tcp_options tcp_syn_options(const struct tcp *tcp, const struct tcp_conn *conn);
/* What of `mss` is left for text: those who said so in both SYNs put timestamps into every segment
 * (RFC 6691, 2). */
uint32_t conn_mss_without_options(const struct tcp_conn *conn, uint32_t mss);
/* What the peer's SYN says that a segment may hold, if need be by saying nothing. */
uint16_t tcp_mss_of_syn(const struct tcp *tcp, const struct tcp_conn *conn,
                        const struct tcp_segment *syn);
/* Takes them from the peer's. */
void tcp_take_syn_options(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *seg,
                          instant now);

/* --- tcp_tell.c: events ----------------------------------------------------------------------- */

/* cwnd or ssthresh has changed by a decision. */
void tcp_tell_cwnd(struct tcp *tcp, const struct tcp_conn *conn, const char *cause, instant now);
/* cwnd was `before`, until an ACK. */
void tcp_tell_cwnd_step(struct tcp *tcp, const struct tcp_conn *conn, uint32_t before,
                        const char *cause, instant now);
/* Nothing more leaves for now, and conn->held says why. */
void tcp_tell_held(struct tcp *tcp, const struct tcp_conn *conn, instant now);
/* Something has waited for so long that a timer has to ask; told once. */
void tcp_tell_stall(struct tcp *tcp, struct tcp_conn *conn, enum held_by by, int64_t waited_ns,
                    instant now);
/* New text leaves, or none waits any more. */
void tcp_tell_resumed(struct tcp *tcp, struct tcp_conn *conn, instant now);
void tcp_tell_note(struct tcp *tcp, const struct tcp_conn *conn, const char *text, int64_t value,
                   instant now);
void tcp_tell_reset(struct tcp *tcp, const struct tcp_conn *conn, bool sent, enum why why,
                    instant now);

/* --- tcp_timer.c, for a half-open connection in the cache ------------------------------------ */

/* Our SYN or <SYN,ACK> was not answered in time. */
void tcp_handshake_timeout(struct tcp *tcp, struct tcp_conn *conn, instant now);

/* --- listen.c ----------------------------------------------------------------------------- */

/* A segment for a listener (RFC 9293, 3.10.7.2). `made`: the half-open connection that it began. */
enum tcp_verdict tcp_listen_arrives(struct tcp *tcp, struct tcp_listener *listener,
                                    struct tcp_arrival *in, instant now, struct tcp_conn **made);
/* Does the segment bring back a SYN cookie of this listener's? The MSS that it keeps, or 0. */
uint16_t tcp_cookie_of(const struct tcp *tcp, const struct tcp_listener *listener,
                       const struct tcp_arrival *in, instant now);
/* TCP_DEFER_ACCEPT: is this the third step alone, while there is still time for text? */
bool tcp_defers(const struct tcp_conn *conn, const struct tcp_segment *seg);

/* --- tcp_time_wait.c ---------------------------------------------------------------------- */

/* Does `seg` open a new incarnation of a connection in TIME-WAIT, and is there room for it? */
bool tcp_may_reopen(struct tcp *tcp, const struct tcp_conn *conn, const struct tcp_segment *seg);
/* The peer's FIN came again: 2 MSL from now. */
void tcp_time_wait_again(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *fin,
                         instant now);

/* --- tcp_input.c, tcp_output.c: the same for a connection that comes back by a SYN cookie ---- */

/* The checks of RFC 9293, 3.10.7.4. */
enum tcp_verdict tcp_synchronized_arrives(struct tcp *tcp, struct tcp_conn *conn,
                                          struct tcp_arrival *in, instant now);
/* The <SYN,ACK> of a connection that will not be kept, into in->answer. */
void tcp_answer_syn(const struct tcp *tcp, struct tcp_conn *conn, instant now,
                    struct tcp_arrival *in);

/* --- tcp_user.c --------------------------------------------------------------------------- */

/* FIN-WAIT-2 begins for a connection without an owner: how long may the peer take? */
void tcp_wait_for_fin(struct tcp *tcp, struct tcp_conn *conn, instant now);

/* --- tcp_ack.c: the fifth check ----------------------------------------------------------- */

/* SND.UNA moves to SEG.ACK: frees text and takes a round-trip sample. */
void tcp_advance_una(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *seg,
                     instant now);
/* The handshake is done: the first cwnd, and the RTO after a SYN that was lost. */
void tcp_open_sender(struct tcp *tcp, struct tcp_conn *conn, instant now);
/* SND.WND <- SEG.WND, as the WL1/WL2 rule allows. */
void tcp_take_window(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *seg);
/* (SND.UNA - MAX.SND.WND) =< SEG.ACK =< SND.NXT (RFC 5961, 5.2). */
bool tcp_ack_is_plausible(const struct tcp_conn *conn, const struct tcp_segment *seg);
enum tcp_verdict tcp_check_ack(struct tcp *tcp, struct tcp_conn *conn, struct tcp_arrival *in,
                               instant now);

/* --- tcp_receiver.c ------------------------------------------------------------------------- */

NODISCARD int receivers_init(struct tcp *tcp);
void receivers_fini(struct tcp *tcp);
/* The connection's, made if need be; NULL without memory. */
struct receiver *receiver_need(struct tcp *tcp, struct tcp_conn *conn);
/* Text that came early is forgotten. */
void receiver_flush(struct tcp *tcp, struct tcp_conn *conn);
/* Lets go of it when it is of no use any more; or at once. */
void receiver_settle(struct tcp *tcp, struct tcp_conn *conn);
void receiver_free(struct tcp *tcp, struct tcp_conn *conn);

/* --- tcp_text.c: the seventh and eighth --------------------------------------------------- */

enum tcp_verdict tcp_take_text(struct tcp *tcp, struct tcp_conn *conn, struct tcp_arrival *in,
                               instant now);
enum tcp_verdict tcp_check_fin(struct tcp *tcp, struct tcp_conn *conn, struct tcp_arrival *in,
                               instant now);

/* --- tcp_window.c: what we tell the peer -------------------------------------------------- */

/* An ACK that must leave by itself, with the numbers of this moment. */
void tcp_owe_ack_note(struct tcp *tcp, struct tcp_conn *conn, enum why why);
/* An ACK that any outgoing segment pays. */
void tcp_owe_ack(struct tcp_conn *conn, enum why why);
/* A challenge, unless one left within the last tcp.challenge (RFC 5961, 7). */
void tcp_owe_challenge(struct tcp *tcp, struct tcp_conn *conn, enum why why, instant now);
/* What we have beyond RCV.NXT, for the ACK of this moment; a D-SACK comes first (RFC 2883, 4).
 * Returns how many blocks, none without SACK. */
uint8_t tcp_name_blocks(const struct tcp_conn *conn, struct tcp_block out[TCP_SACK_BLOCKS]);
static inline uint8_t tcp_sack_blocks(const struct tcp_conn *conn,
                                      struct tcp_block out[TCP_SACK_BLOCKS])
{
    bool none = !conn->has_dsack && !conn_has_early(conn); /* nearly always */

    return none ? 0 : tcp_name_blocks(conn, out);
}
/* The octets of [at, end) came twice: the next ACK says so, once. */
void tcp_note_duplicate(struct tcp *tcp, struct tcp_conn *conn, tcp_seq at, tcp_seq end);
/* RCV.WND. */
static inline uint32_t conn_window(const struct tcp_conn *conn)
{
    return seq_diff(conn->rcv.edge, conn->rcv.nxt);
}
/* Moves the edge right if the buffer allows and it is worth telling (MUST-39), and returns the
 * window field for a segment that acknowledges `ack`. */
uint16_t tcp_offer_window(struct tcp_conn *conn, tcp_seq ack, bool syn, bool may_move);
/* Has the window opened by enough to send an ACK for it alone? */
bool tcp_window_is_news(const struct tcp_conn *conn);

/* --- tcp_tune.c --------------------------------------------------------------------------- */

/* What lies behind conn->tuning, the stack's value where nothing was set. */
int64_t tcp_keep_idle(const struct tcp *tcp, const struct tcp_conn *conn);
int64_t tcp_keep_interval(const struct tcp *tcp, const struct tcp_conn *conn);
uint32_t tcp_keep_count(const struct tcp *tcp, const struct tcp_conn *conn);
int64_t tcp_user_timeout(const struct tcp *tcp, const struct tcp_conn *conn);
/* How long FIN-WAIT-2 lasts without an owner; negative: it is not entered. */
int64_t tcp_fin_wait_2(const struct tcp *tcp, const struct tcp_conn *conn);
/* What the receive buffer may ever grow to. */
uint32_t tcp_receive_cap(const struct tcp *tcp, const struct tcp_conn *conn);
/* What the send buffer may hold at first, and more when cwnd has grown. */
uint32_t tcp_first_send_cap(const struct tcp *tcp);
void tcp_grow_send_cap(const struct tcp *tcp, struct tcp_conn *conn);
/* Before text is taken: less room while memory for send queues is short. */
void tcp_share_send_memory(const struct tcp *tcp, struct tcp_conn *conn);
/* What the application lets a segment hold, at most `mss`. */
uint32_t tcp_clamp_mss(const struct tcp_conn *conn, uint32_t mss);
/* Octets of IP options in each of its segments. */
uint32_t tcp_ip_options_len(const struct tcp_conn *conn);
/* A connection begins, with its own or its listener's tuning: before its SYN is made. The share of
 * it is the caller's to take. */
void tcp_begin_tuned(struct tcp *tcp, struct tcp_conn *conn, struct tcp_tuning *tuning);
/* The handshake of a listener's connection is done: what was set on the listener since, too. */
void tcp_inherit(struct tcp *tcp, struct tcp_conn *conn, instant now);

/* --- tcp_alive.c: keep-alive and the user timeout ------------------------------------------- */

/* When keep-alive must look next is in linger_at, unless FIN-WAIT-2 or TIME-WAIT has it. */
void tcp_keep_arm(struct tcp *tcp, struct tcp_conn *conn, instant now);
/* A segment was about this connection: the peer is there. */
void tcp_keep_heard(struct tcp *tcp, struct tcp_conn *conn, instant now);
void tcp_keep_timeout(struct tcp *tcp, struct tcp_conn *conn, instant now);
bool tcp_keeps_alive(const struct tcp_conn *conn);
/* `at`, but no later than the user timeout of what is at SND.UNA. */
instant tcp_within_user_timeout(const struct tcp *tcp, const struct tcp_conn *conn, instant at,
                                instant now);
bool tcp_user_timeout_is_over(const struct tcp *tcp, const struct tcp_conn *conn, instant now);

/* --- tcp_park.c --------------------------------------------------------------------------- */

/* 0 or -ENOMEM. */
NODISCARD int tcp_parking_init(struct tcp *tcp, uint32_t stations);
void tcp_parking_fini(struct tcp *tcp);

/* --- tcp_icmp.c --------------------------------------------------------------------------- */

/* What path carries no more than `mtu`, or our floor: smaller segments from now on. False when they
 * are as small already. */
bool tcp_lower_path_mtu(const struct tcp *tcp, struct tcp_conn *conn, uint32_t mtu);

/* --- tcp_timer.c -------------------------------------------------------------------------- */

/* Sets retransmit_at as RFC 6298, 5 asks: something is in flight or a window is closed. */
void tcp_arm_retransmit(struct tcp *tcp, struct tcp_conn *conn, instant now);

#endif
