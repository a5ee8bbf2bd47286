/*
 * time_wait.h - connections in TIME-WAIT as small records.
 *
 * Private to src/tcp, but for the struct that lies in struct tcp. A connection whose owner has let
 * go of it and which owes nothing more becomes an entry in tcp_settle(); a segment for it makes it
 * a connection again, on which the same code runs as on all others. See time_wait.c.
 */
#ifndef TAPIO_TCP_TIME_WAIT_H
#define TAPIO_TCP_TIME_WAIT_H

#include "base/chain.h"
#include "base/wheel.h"
#include "tcp/tcp_seq.h"

struct tcp;
struct tcp_conn;

struct tw_entry {
    struct chain_link queue; /* behind those that end before */
    uint32_t hash_next;      /* its number and one; 0: none */
    uint32_t ends;           /* brief: tw_ends_at() */
    uint32_t challenged;     /* brief; 0: not lately */
    uint32_t id;
    uint32_t local, remote; /* the IPv4 addresses, or the end of the others */
    uint16_t local_port, remote_port;
    tcp_seq snd_nxt, rcv_nxt;
    uint32_t ts_recent;
    unsigned rcv_wnd : 30;
    unsigned ts_ok : 1, sack_ok : 1;
    unsigned upper : 20; /* of the rest of IPv6 addresses: its number and one; 0: none */
    unsigned snd_shift : 4, rcv_scale : 4;
    uint16_t snd_wnd_max; /* in units of 2^snd_shift */
    uint8_t tos, ttl;
};
static_assert(sizeof(struct tw_entry) <= 64 - POOL_TAG, "an entry is small: that is its point");

/* The first 96 bits of two IPv6 addresses. */
enum { TW_UPPER = 12 };
struct tw_upper {
    uint8_t local[TW_UPPER], remote[TW_UPPER];
};
static_assert(sizeof(struct tw_upper) <= 32 - POOL_TAG, "and this is half of one");

struct time_wait {
    struct pool entries, uppers;
    uint32_t *table; /* by four-tuple; as hash_next */
    uint32_t table_mask;
    struct chain_link head; /* of the only chain: of entries, by when they end */
    struct chains queue;
    instant first_ends; /* the first one */
    struct timer timer; /* for it */
};

/* 0 or -ENOMEM. */
NODISCARD int tw_init(struct tcp *tcp, uint8_t timer_owner);
void tw_fini(struct tcp *tcp);
uint64_t tw_cap_octets(const struct time_wait *tw);

struct tw_entry *tw_find(struct tcp *tcp, struct endpoint local, struct endpoint remote);
struct endpoint tw_local(const struct time_wait *tw, const struct tw_entry *entry);
struct endpoint tw_remote(const struct time_wait *tw, const struct tw_entry *entry);
/* To a microsecond, rounded up. */
instant tw_ends_at(const struct time_wait *tw, const struct tw_entry *entry);
/* The entry is gone, and a connection in its place, which becomes one again when it settles, if it
 * still may. NULL: every slot is taken. */
struct tcp_conn *tw_inflate(struct tcp *tcp, struct tw_entry *entry);
/* Those at this address of ours end. */
void tw_forget_address(struct tcp *tcp, struct ip_addr local, const char *cause, instant now);
/* An act of tcp_settle(), the last one. True: `conn` is an entry now, and its slot is free. */
bool tw_settle(struct tcp *tcp, struct tcp_conn *conn, instant now);

#endif
