/*
 * tcp.h - TCP (RFC 9293) as a machine: segments, calls and time go in; segments to send come out.
 *
 * Nothing is sent from inside. Whatever happens leaves debts (an ACK, text, a reset); tcp_output()
 * names the next segment of a connection that owes, and tcp_sent() says that it has left, so a
 * device that is full costs nothing but time. Connections of the same stack share one struct tcp,
 * which the stack owns. Opaque to callers: struct tcp_conn (tcp_conn.h is private to this folder).
 *
 * Owners: a socket's number, told through the ready list. A connection that has ended stays until
 * its owner lets go of it (tcp_release()), so that its error and last figures can be read.
 */
#ifndef TAPIO_TCP_TCP_H
#define TAPIO_TCP_TCP_H

#include <tapio/sock.h>

#include "base/events.h"
#include "base/frame.h"
#include "base/hash.h"
#include "base/prng.h"
#include "base/ready.h"
#include "base/wheel.h"
#include "tcp/flight.h"
#include "tcp/sendq.h"
#include "tcp/syn_cache.h"
#include "tcp/tcp_state.h"
#include "tcp/tcp_wire.h"
#include "tcp/time_wait.h"
#include "tcp/tuning.h"

struct tcp_conn;

struct tcp_listener {
    struct list node; /* in demux_listeners() */
    struct ready ready;
    struct endpoint local;     /* the address may be unspecified: any of ours */
    struct tcp_tuning *tuning; /* for those to come */
    uint32_t backlog;
    uint32_t waiting;  /* established, not yet accepted: in its queue of tcp->kin */
    instant cookie_at; /* when the last SYN cookie was sent: until when one may come back */
    uint8_t families;  /* TCP_FAMILY_*: whom an unspecified address stands for */
    bool keep_alive;   /* likewise for those to come */
};

enum { TCP_FAMILY_V4 = 1, TCP_FAMILY_V6 = 2 };

enum { KIN_OPENING }; /* among tcp->kin */

/* An ACK that must leave by itself, with the numbers of the moment at which it was owed: one for
 * each segment that came out of order (RFC 5681, 3.2), and one per 16 segments or 64 KB of a batch.
 * They live from one stack_send() to the next. */
struct ack_note {
    struct tcp_conn *conn; /* NULL: the connection is gone */
    tcp_seq ack;
    enum why why;
    uint8_t flags; /* TCP_ECE, or none */
    uint8_t sack_count;
    struct tcp_block sack[TCP_SACK_BLOCKS];
};

enum { TCP_ACK_NOTES = 64, TCP_ACK_NOTES_CONN = 16 };

struct tcp {
    struct memory *memory;
    struct events *events;
    struct wheel *wheel;
    const struct stack_values *values;
    struct hash_key isn_key, table_key, port_key, ts_key, cookie_key;
    struct prng prng;
    uint8_t timer_owner;
    uint16_t mtu;
    bool big_frames; /* the device of this moment cuts segments itself */

    struct pool conns, receivers, islands, listener_pool, tunings, senders, ranges;
    struct flight_limits flight_limits;
    struct syn_cache syn;       /* half-open passive connections */
    struct time_wait time_wait; /* those that nobody owns any more */
    struct sendq_pools send_pools;
    struct tcp_conn **table; /* by four-tuple: demux.c */
    uint32_t table_room;     /* buckets that it has memory for, */
    uint32_t table_used;     /* those in use, */
    uint32_t table_mask;     /* that number rounded up to a power of two, less one, */
    uint32_t table_count;    /* and connections in them */
    struct {
        struct endpoint local, remote;
        uint64_t hash;
    } hashed;               /* the four-tuple that was asked for last: see demux_hash() */
    uint32_t *port_use;     /* connections per local port */
    struct list *listeners; /* by port, */
    uint32_t listener_mask; /* in as many lists as there may be listeners */
    struct list debtors;
    struct list *parked; /* by the number of a station the debtors that wait for it, */
    uint32_t stations;   /* which is below this */
    struct list ready;   /* drained by the sockets */
    struct chains kin;   /* by the number and one of a listener those that wait there, oldest first;
                            by KIN_OPENING those in SYN-SENT */
    struct ack_note notes[TCP_ACK_NOTES];
    int note_count, notes_paid;
    int turn; /* segments that the first debtor has sent in a row */
    uint32_t next_id;
    uint32_t orphans; /* connections that nobody owns and that have not ended */
    uint64_t port_counter;
    bool progress; /* the segment being run acknowledged new octets: its sender is reachable */
};

struct tcp_config {
    struct memory *memory;
    struct events *events;
    struct wheel *wheel;
    uint8_t timer_owner, syn_timer_owner, time_wait_timer_owner;
    const struct stack_values *values;
    uint32_t mtu;
    uint32_t stations; /* how many numbers tcp_park() may be told; 0: nobody ever waits */
    struct hash_key isn_key, table_key, port_key, ts_key, cookie_key;
    uint64_t seed;
};

/* 0 or -ENOMEM. */
NODISCARD int tcp_init(struct tcp *tcp, const struct tcp_config *config);
void tcp_fini(struct tcp *tcp);

/* --- segments arrive (RFC 9293, 3.10.7) --------------------------------------------------- */

enum tcp_verdict {
    SEG_CONTINUE,  /* no objection: the next check */
    SEG_PROCESSED, /* taken; what is owed will be paid */
    SEG_DROPPED,   /* not taken: arrival.drop says why */
    SEG_REFUSED,   /* not taken, and the caller answers with tcp_reset_for(): arrival.drop */
    SEG_ANSWERED,  /* taken and forgotten: the caller sends arrival.answer */
};

/* One segment on its way through the checks. */
struct tcp_arrival {
    struct tcp_segment seg;
    struct ip_addr src, dst;
    struct frame *frame; /* holds seg.text; NULL once somebody kept it */
    uint32_t segments;   /* that the device has joined in it; 1: it is as it came */
    uint8_t tos, ttl;    /* of the packet: type of service or traffic class, time to live */
    enum drop drop;
    bool syn_window;   /* it came on a SYN, where it is never scaled (RFC 7323, 2.2) */
    bool refused_text; /* our window is closed: the ACK counts, the text was cut off */
    struct tcp_segment answer;
    uint8_t answer_tos, answer_ttl; /* as in struct tcp_out */
};

/* Runs a segment whose checksum is right. Takes in->frame if it keeps it (then in->frame is NULL).
 */
enum tcp_verdict tcp_segment_arrives(struct tcp *tcp, struct tcp_arrival *in, instant now);

/* The reset that answers `seg` (RFC 9293, 3.10.7.1), from us (its destination) to its sender. */
struct tcp_segment tcp_reset_for(const struct tcp *tcp, const struct tcp_segment *seg);

/* --- an ICMP error about a segment of ours (RFC 9293, 3.9.2.2) ----------------------------------
 */

struct tcp_icmp {
    int error;    /* errno; 0: nothing to tell */
    bool hard;    /* it will not pass by itself */
    bool too_big; /* for a link of this MTU */
    uint32_t mtu;
    bool has_seq; /* the quoted segment's; an error that quotes none is not believed */
    tcp_seq seq;
};

/* DROP_NONE, or DROP_ICMP_NO_FLOW when it is not about a segment in flight between these two. */
enum drop tcp_icmp_error(struct tcp *tcp, struct endpoint local, struct endpoint remote,
                         const struct tcp_icmp *error, instant now);

/* --- time (RFC 9293, 3.10.8) -------------------------------------------------------------- */

void tcp_timer(struct tcp *tcp, struct timer *timer, instant now);
/* The same for a timer of the SYN cache. */
void tcp_syn_timer(struct tcp *tcp, struct timer *timer, instant now);
/* The same for the timer of all that are in TIME-WAIT. */
void tcp_time_wait_timer(struct tcp *tcp, instant now);

/* --- what to send ------------------------------------------------------------------------------
 */

enum {
    TCP_OUT_IOV = 8,
    TCP_BIG_TEXT = 65535 - 40 - TCP_HEADER_MAX, /* of a big frame, whatever its headers are */
};

struct tcp_out {
    struct tcp_conn *conn;
    struct ip_addr src, dst;
    struct tcp_segment seg; /* seg.text.len is the text's length; its octets are in iov[] */
    struct iovec iov[TCP_OUT_IOV];
    int iovcnt;
    uint16_t each; /* these are several segments, for a device that cuts them: octets of text in all
                      but the last; 0: it is one */
    enum why why;
    uint8_t tos, ttl;                      /* for the packet; ttl 0: as configured */
    const struct ipv4_options *ip_options; /* NULL: none */
    uint8_t retransmits; /* how often in a row this text was sent again: R1 asks for doubt at 3 */
    bool is_note;        /* pays notes[notes_paid] */
    bool is_retransmit, is_probe, is_syn;
    bool is_tail_probe, is_rescue; /* what is in flight is taken for lost first */
};

/* The next segment that some connection owes, connections in turn; false when nothing is owed or
 * may be sent. Nothing changes until tcp_sent(). */
bool tcp_output(struct tcp *tcp, instant now, struct tcp_out *out);
/* How many segments it is. */
static inline uint32_t tcp_out_segments(const struct tcp_out *out)
{
    return out->each ? ((uint32_t)out->seg.text.len + out->each - 1) / out->each : 1;
}
/* Only its first segment, for who cannot take several; the others are named again. */
void tcp_out_first(struct tcp_out *out);
/* It has left. */
void tcp_sent(struct tcp *tcp, const struct tcp_out *out, instant now);
/* Its first hop, the station of this number, is being asked for, and no more can wait there: the
 * debt stays, until tcp_unpark() for the same number. */
void tcp_park(struct tcp *tcp, const struct tcp_out *out, uint32_t station, instant now);
/* All who wait for this station try again. O(1), and then what each of them sends. */
void tcp_unpark(struct tcp *tcp, uint32_t station);
/* All who wait do, because addresses or routes are not what they were. O(stations). */
void tcp_unpark_all(struct tcp *tcp);
/* Does anybody wait for this station? */
bool tcp_is_awaiting(const struct tcp *tcp, uint32_t station);
/* Its first hop is unknown for good: who waits for it hears -EHOSTUNREACH. */
void tcp_unreachable(struct tcp *tcp, struct tcp_conn *conn, int error, instant now);
/* The same for all that are still opening and whose remote address `is_behind` it. */
void tcp_unreachable_behind(struct tcp *tcp, bool (*is_behind)(void *cookie, struct ip_addr remote),
                            void *cookie, int error, instant now);
/* This address is not ours any more (RFC 2131, 4.4.5): every connection that has it ends, half-open
 * ones and those in TIME-WAIT too, without a word to the peer. Who owns one hears ENETDOWN. */
void tcp_forget_address(struct tcp *tcp, struct ip_addr local, instant now);
/* The connection that a packet of ours, quoted or given back by a lower layer, belongs to; NULL. It
 * may be out of the SYN cache, and is gone when the next one is. */
struct tcp_conn *tcp_find(struct tcp *tcp, struct endpoint local, struct endpoint remote);

/* --- calls (RFC 9293, 3.10.1 to 3.10.6) ---------------------------------------------------------
 */

NODISCARD int tcp_listen(struct tcp *tcp, struct endpoint local, uint8_t families, uint32_t backlog,
                         int32_t owner, struct tcp_listener **out);
void tcp_listener_close(struct tcp *tcp, struct tcp_listener *listener, instant now);
/* The oldest completed connection, now owned by `owner`; NULL when there is none. */
struct tcp_conn *tcp_accept(struct tcp *tcp, struct tcp_listener *listener, int32_t owner);

/* -EADDRINUSE when the four-tuple is taken, -ENOBUFS without room. `tuning` may be NULL. */
NODISCARD int tcp_connect(struct tcp *tcp, struct endpoint local, struct endpoint remote,
                          struct tcp_tuning *tuning, int32_t owner, instant now,
                          struct tcp_conn **out);
/* An ephemeral port for `local.addr` and `remote` (unspecified for a bind); -EADDRNOTAVAIL. `taken`
 * says whether a socket is bound to a port. RFC 6056, 3.3.1. */
NODISCARD int tcp_choose_port(struct tcp *tcp, struct endpoint local, struct endpoint remote,
                              bool (*taken)(void *cookie, uint16_t port), void *cookie,
                              uint16_t *out);
/* How many octets were taken; -EAGAIN, -EPIPE, -EFAULT, or the connection's error. `frame`: text
 * lies in it and may be sent from there; NULL: it is copied. */
NODISCARD ssize_t tcp_send(struct tcp *tcp, struct tcp_conn *conn, struct frame *frame,
                           struct bytes text, bool more, instant now);
/* What a RECEIVE asks for. */
struct tcp_read {
    void *out;
    size_t len;
    uint32_t from; /* with `peek`: skip so many octets */
    bool peek;     /* leave them where they are */
    bool discard;  /* `out` is not written */
};
/* How many octets were read, 0 at the end; -EAGAIN, -EFAULT or the error. */
NODISCARD ssize_t tcp_recv(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_read *read,
                           instant now);
/* Octets that can be read; that the peer has not acknowledged, FIN included; that were not sent. */
uint32_t tcp_unread(const struct tcp_conn *conn);
uint32_t tcp_unacknowledged(const struct tcp_conn *conn);
uint32_t tcp_unsent(const struct tcp_conn *conn);
/* Its FIN has come, and nothing will be behind it. */
bool tcp_peer_has_closed(const struct tcp_conn *conn);
/* No more from us: FIN follows the text. */
NODISCARD int tcp_shutdown_write(struct tcp *tcp, struct tcp_conn *conn, instant now);
void tcp_shutdown_read(struct tcp *tcp, struct tcp_conn *conn, instant now);
/* The owner lets go: CLOSE, or ABORT when text is unread or `abort` is set. The pointer is dead
 * then. */
void tcp_release(struct tcp *tcp, struct tcp_conn *conn, bool abort, instant now);

/* --- what may be set (tcp_tune.c) ---------------------------------------------------------- */

void tcp_set_no_delay(struct tcp *tcp, struct tcp_conn *conn, bool on, instant now);
/* TCP_CORK: only full segments leave, until it is off or tcp.override has passed. */
void tcp_set_cork(struct tcp *tcp, struct tcp_conn *conn, bool on, instant now);
void tcp_set_keep_alive(struct tcp *tcp, struct tcp_conn *conn, bool on, instant now);
/* TCP_QUICKACK: the next segments are acknowledged at once, or none is. */
void tcp_set_quick_ack(struct tcp *tcp, struct tcp_conn *conn, bool on, instant now);
bool tcp_quick_ack(const struct tcp_conn *conn);
/* Type of service (traffic class) and time to live (hop limit) of what it sends (MUST-48,
 * MUST-49); ttl 0: ip.ttl. */
void tcp_set_tos_ttl(struct tcp_conn *conn, uint8_t tos, uint8_t ttl);
/* Takes a share of `tuning`, instead of the one it had; it takes effect as far as it still can. */
void tcp_set_tuning(struct tcp *tcp, struct tcp_conn *conn, struct tcp_tuning *tuning, instant now);
struct tcp_tuning *tcp_tuning(const struct tcp_conn *conn);

/* --- readiness, figures -------------------------------------------------------------------- */

/* POLLIN and friends, as they hold now. */
short tcp_poll(const struct tcp_conn *conn);
short tcp_listener_poll(const struct tcp_listener *listener);
/* Somebody waits for room: tell him when there is some. */
void tcp_want_room(struct tcp_conn *conn);
/* What TCP_INFO shows (tcp_figures.c). */
void tcp_figures(const struct tcp *tcp, const struct tcp_conn *conn, instant now,
                 struct sock_tcp_info *out);
/* The error, once; 0 afterwards. */
int tcp_take_error(struct tcp_conn *conn);
enum tcp_state tcp_conn_state(const struct tcp_conn *conn);
struct endpoint tcp_conn_local(const struct tcp_conn *conn);
struct endpoint tcp_conn_remote(const struct tcp_conn *conn);
struct ready *tcp_conn_ready(struct tcp_conn *conn);
void tcp_conn_facts(const struct tcp *tcp, const struct tcp_conn *conn, struct conn_facts *out);
void tcp_conn_info(const struct tcp *tcp, const struct tcp_conn *conn, struct sock_info *out);
/* Octets of the lists of those who wait for a station. */
uint64_t tcp_parking_octets(const struct tcp *tcp);
/* Connections of any state, those in TIME-WAIT included, on a local port. */
uint32_t tcp_port_use(const struct tcp *tcp, uint16_t port);

#endif
