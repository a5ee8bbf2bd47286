/*
 * time_wait.h - connections in TIME-WAIT as small records.
 *
 * Private to src/tcp, but for the struct that lies in struct tcp. A connection whose owner has let
 * go of it and which owes nothing more becomes an entry in tcp_settle(); a segment for it makes it
 * a connection again, on which the same code runs as on all others. See time_wait.c.
 */
#ifndef TAPIO_TCP_TIME_WAIT_H
#define TAPIO_TCP_TIME_WAIT_H

#include "base/pool.h"
#include "base/wheel.h"
#include "tcp/tcp_seq.h"

struct tcp;
struct tcp_conn;

struct tw_entry {
    struct list queue; /* behind those that end before */
    struct tw_entry *hash_next;
    instant ends_at;
    instant challenged_at;
    struct ip_addr local, remote;
    uint16_t local_port, remote_port;
    uint32_t id;
    tcp_seq snd_nxt, rcv_nxt;
    uint32_t snd_wnd_max, rcv_wnd;
    uint32_t ts_recent;
    uint8_t tos, ttl;
    uint8_t rcv_scale : 4;
    bool ts_ok : 1, sack_ok : 1;
};
static_assert(sizeof(struct tw_entry) <= 128 - POOL_TAG, "an entry is small: that is its point");

struct time_wait {
    struct pool entries;
    struct tw_entry **table; /* by four-tuple */
    uint32_t table_mask;
    struct list queue;  /* of entries, by when they end */
    struct timer timer; /* the first one's */
};

/* 0 or -ENOMEM. */
NODISCARD int tw_init(struct tcp *tcp, uint8_t timer_owner);
void tw_fini(struct tcp *tcp);
uint64_t tw_cap_octets(const struct time_wait *tw);

struct tw_entry *tw_find(const struct tcp *tcp, struct endpoint local, struct endpoint remote);
/* The entry is gone, and a connection in its place, which becomes one again when it settles, if it
 * still may. NULL: every slot is taken. */
struct tcp_conn *tw_inflate(struct tcp *tcp, struct tw_entry *entry);
/* Those at this address of ours end. */
void tw_forget_address(struct tcp *tcp, struct ip_addr local, const char *cause, instant now);
/* An act of tcp_settle(), the last one. True: `conn` is an entry now, and its slot is free. */
bool tw_settle(struct tcp *tcp, struct tcp_conn *conn, instant now);

#endif
