/*
 * syn_cache.h - half-open connections as small records (RFC 4987, 3.5).
 *
 * Private to src/tcp, but for the struct that lies in struct tcp. An entry is made by a SYN at a
 * listener and is a connection in SYN-RECEIVED in all that can be seen from outside. It acts by
 * being inflated to a struct tcp_conn, on which the same code runs as on all others, and
 * tcp_settle() deflates it again, or finds that it has become more than an entry. See syn_cache.c.
 */
#ifndef TAPIO_TCP_SYN_CACHE_H
#define TAPIO_TCP_SYN_CACHE_H

#include "base/chain.h"
#include "base/wheel.h"
#include "tcp/tcp_seq.h"

struct tcp;
struct tcp_conn;
struct tcp_listener;

/* Timeouts in a row with a queue of their own: 2^20 times the least RTO, 1 ms, is above any. */
enum { SYN_QUEUES = 21 };

struct syn_entry {
    struct chain_link queue; /* behind those that have waited as long */
    struct chain_link debt;  /* while it owes a segment: among debtors, or who wait for a station */
    unsigned hash_next : 20; /* its number and one; 0: none */
    unsigned scaling : 1, ts_ok : 1, sack_ok : 1, ecn : 1;
    unsigned rcv_wnd_up : 1; /* an ACK has told 65536, for a scaled window is rounded up */
    unsigned syn_owed : 1, syn_again : 1, syn_lost : 1;
    unsigned ack_due : 1, deferred : 1, timing : 1;
    uint32_t retransmit; /* brief: syn_retransmit_at() */
    struct ip_addr local, remote;
    uint32_t id;
    tcp_seq iss, irs;
    uint32_t ts_recent;
    uint32_t challenged; /* brief; 0: not lately */
    uint16_t listener;   /* its number in the pool; its port is ours */
    uint16_t remote_port;
    uint16_t snd_wnd, snd_mss;
    uint16_t rcv_wnd; /* that a <SYN,ACK> has told; 0: none has left. One less if rcv_wnd_up */
    uint8_t retransmits;
    uint8_t ack_why;
    uint8_t segments_in, segments_out, resent; /* for TCP_INFO, up to 255 */
    uint8_t snd_scale : 4, rcv_scale : 4;
};
static_assert(sizeof(struct syn_entry) <= 96 - POOL_TAG, "an entry is small: that is its point");

/* Of a queue of entries that wait for the same time, by when it ends. */
struct syn_queue {
    instant first_at;
    struct timer timer; /* the first one's */
};

enum { SYN_DEBTORS, SYN_PARKED }; /* among debts; from SYN_PARKED on: a chain for each station */

struct syn_cache {
    struct pool entries;
    uint32_t *table; /* by four-tuple; as hash_next */
    uint32_t table_mask;
    struct syn_queue queues[SYN_QUEUES]; /* by timeouts in a row */
    struct chain_link queue_heads[SYN_QUEUES], *debt_heads;
    struct chains waiting, debts;
    struct tcp_conn *place;     /* room to inflate one entry */
    struct tcp_conn *at;        /* where `inflated` is now: there, or in a slot of the pool; NULL */
    struct syn_entry *inflated; /* meaningful with `at` */
};

/* 0 or -ENOMEM. */
NODISCARD int syn_cache_init(struct tcp *tcp, uint8_t timer_owner);
void syn_cache_fini(struct tcp *tcp);
uint64_t syn_cache_cap_octets(const struct syn_cache *cache);

/* A new entry, inflated: a connection in CLOSED. NULL when the cache is full or without memory. */
struct tcp_conn *syn_new(struct tcp *tcp, struct tcp_listener *listener, struct endpoint local,
                         struct endpoint remote);
struct tcp_listener *syn_listener(const struct tcp *tcp, const struct syn_entry *entry);
/* When it has waited long enough, to a microsecond, rounded down; INSTANT_NEVER before it has
 * settled for the first time. */
instant syn_retransmit_at(const struct syn_cache *cache, const struct syn_entry *entry);
bool syn_has_room(const struct tcp *tcp);
struct syn_entry *syn_find(struct tcp *tcp, struct endpoint local, struct endpoint remote);
/* The entry as a connection, until tcp_settle() or until the next one is inflated. */
struct tcp_conn *syn_inflate(struct tcp *tcp, struct syn_entry *entry);
/* The same in a slot of the pool, where it stays if it settles in another state than SYN-RECEIVED.
 * NULL when every slot is taken. */
struct tcp_conn *syn_inflate_in_slot(struct tcp *tcp, struct syn_entry *entry);
/* Is it out of the cache, in its place or about to stay in a slot? */
static inline bool syn_is_inflated(const struct syn_cache *cache, const struct tcp_conn *conn)
{
    return conn == cache->at || conn == cache->place;
}
/* The first act of tcp_settle() for such a one. True: it is an ordinary connection, which goes on.
 */
bool syn_settle(struct tcp *tcp, struct tcp_conn *conn, instant now);
/* The first entry that owes a segment, inflated; NULL when none does. */
struct tcp_conn *syn_next_debtor(struct tcp *tcp);
/* It owes nothing, after all. */
void syn_forgive(struct tcp *tcp);
/* The inflated entry waits for its first hop, as in tcp_park(); */
void syn_park(struct tcp *tcp, uint32_t station);
/* all that wait for this one may try again. */
void syn_unpark(struct tcp *tcp, uint32_t station);
bool syn_is_awaiting(const struct tcp *tcp, uint32_t station);
/* Those at this address of ours end, in silence. */
void syn_forget_address(struct tcp *tcp, struct ip_addr local, const char *cause, instant now);
/* Nobody listens any more: those who wait hear a reset. */
void syn_abort_all(struct tcp *tcp, const struct tcp_listener *listener, instant now);

#endif
