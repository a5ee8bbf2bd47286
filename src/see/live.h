/*
 * live.h - a running stack as a stream of samples: what the live page shows, and `tapio top`.
 *
 * While somebody reads, the recorder listens to the stack's events, and every LIVE_TICK it makes
 * one line of JSON of what has happened since: which connections there are and how they do, the
 * packets (of very many a part, and how many were left out), drops by reason, the wire. All readers
 * share these lines. A reader who is behind gets the newest one and is told how many he has missed:
 * what is old is dropped, never queued. Decisions (states, retransmissions, cuts of cwnd) he takes
 * from the stack's own ring at his own pace, so that he sees them even when he has missed samples,
 * and those of the time before he came. While nobody reads nothing is recorded, and nothing costs.
 *
 *     live_join(live, &reader, now);
 *     ... live_advance(live, now) when live_deadline() says so
 *     while (live_next(live, &reader, &line, now))
 *         hand over the line
 *     live_leave(live, &reader);
 *
 * Lines are objects with a member `type`. Times are microseconds since the recorder was made, sizes
 * octets, sequence numbers those of the wire.
 *
 *     {"type":"hello","schema":1,"tick_ms":80,"device":"tap0","us":..}
 *     {"type":"sample","n":7,"us":..,"missed":0,
 *      "conns":[{"id":3,"state":"ESTABLISHED","local":"10.9.0.2:80","remote":..,"cwnd":..,..}],
 *      "gone":[2],                       connections that are not there any more
 *      "packets":[[id,us,conn,fate,why,seq,ack,window,len,flags,[left,right,..],drop]],
 *      "left_out":0,                     packets that are not among them
 *      "received":..,"consumed":..,"sent":..,"drops":{"tcp.rx_seq":2},   totals; of drops, what
 * changed "wire":[{"loss_ppm":..,"delay_us":..,"rate_bps":..,"lost":..,"rate_dropped":..},{}]}  in
 * and out
 *     {"type":"decisions","of":[{"n":12,"us":..,"conn":3,"what":"state","from":..,"to":..,"cause":..}]}
 *
 * `fate` of a packet is 0: sent, 1: received, 2: discarded. `window` of a received one is what its
 * sender takes beyond `ack` in octets, of a sent one what its header says. Only headers are kept:
 * what a connection carries is nobody's business.
 */
#ifndef TAPIO_SEE_LIVE_H
#define TAPIO_SEE_LIVE_H

#include <tapio/snapshot.h>
#include <tapio/tapio.h>

#include "base/control_ops.h"
#include "base/memory.h"
#include "base/text.h"

enum {
    LIVE_SCHEMA = 1,
    LIVE_TICK_MS = 80,
    LIVE_LINE = 16384,    /* octets of a line at most, its NUL included */
    LIVE_BEHIND = 4,      /* samples that a reader may be behind before he misses some */
    LIVE_CONNS = 64,      /* connections that are followed; those that are quiet give way */
    LIVE_PACKETS = 2048,  /* that can be asked for by id (live_packet()) */
    LIVE_HEADERS = 160,   /* octets kept of a packet: Ethernet, IP and TCP with all options */
    LIVE_OBSERVERS = 128, /* connections that are known as an observer's own */
};

struct live;

struct live_config {
    const char *device;            /* "tap0"; static storage */
    const struct control_ops *ops; /* the wire; NULL: there is none to be told of */
};

/* Where a reader is. */
struct live_reader {
    uint64_t sample;   /* the next one, */
    uint64_t decision; /* and the next decision, counted as stack_decisions_made() */
    uint64_t missed;   /* samples since the last that he got */
    bool greeted;
    bool own_too; /* wants to see the packets of observers */
};

/* A packet that was told of. */
struct live_packet {
    uint64_t id;
    instant when;
    uint32_t conn;
    enum packet_fate fate;
    enum why why;
    enum drop drop;
    bool ethernet;
    bool is_own;       /* an observer's */
    uint32_t len;      /* of the whole frame */
    uint32_t kept;     /* of its headers */
    uint32_t seq, ack; /* of a TCP segment; else 0 */
    uint32_t window, text;
    uint8_t flags, sacks;
    bool tcp;
    uint32_t sack[8];
    uint8_t headers[LIVE_HEADERS];
};

/* `stack` and what `config` points at must outlive it. NULL: no memory. */
NODISCARD struct live *live_new(struct memory *memory, struct stack *stack,
                                const struct live_config *config, instant now);
/* All readers have left. */
void live_free(struct live *live);
uint64_t live_memory_cap(void);

void live_join(struct live *live, struct live_reader *reader, instant now);
void live_leave(struct live *live, struct live_reader *reader);

/* When the next sample is due; INSTANT_NEVER while nobody reads. */
instant live_deadline(const struct live *live);
/* True: there is a new sample, and whoever reads may be woken. */
bool live_advance(struct live *live, instant now);

/* The reader's next line, of at most LIVE_LINE octets; false: none now. */
bool live_next(struct live *live, struct live_reader *reader, struct text *line, instant now);

/* `conn` carries what an observer asks: it is marked, and its packets are left out unless somebody
 * wants them. */
void live_mark_observer(struct live *live, uint32_t conn);

/* The headers of packets that were told of, from `*from` on, as a line (live_headers.c); false:
 * there are none. Who begins now begins at live_headers_from(). */
uint64_t live_headers_from(const struct live *live);
bool live_tell_headers(const struct live *live, uint64_t *from, struct text *line);

/* NULL: it was never told of, or is forgotten. Valid until the stack is next called. */
const struct live_packet *live_packet(const struct live *live, uint64_t id);

#endif
