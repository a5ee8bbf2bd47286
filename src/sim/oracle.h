/*
 * oracle.h - what every packet of a stack must keep, whatever the network does to it.
 *
 * An oracle listens to one stack's events and looks at each packet that it sends or takes:
 *
 *     checksums are right; the source is an address of ours; the hop limit is not zero;
 *     no ICMP error is about an ICMP error; an MSS option is on a SYN alone;
 *     the right edge of a window that was told never moves left, but by rounding;
 *     no text lies beyond the edge that the peer has told, but for a probe's octet;
 *     new text leaves within cwnd;
 *     what is sent again is so for a named reason;
 *     a connection's state and cwnd are what was last told of them: no change goes untold;
 *     no timer fires that was not told to be set.
 *
 * It keeps what it needs to know of each connection by itself, from the packets.
 */
#ifndef TAPIO_SIM_ORACLE_H
#define TAPIO_SIM_ORACLE_H

#include <tapio/event.h>

#include "base/addr.h"
#include "base/frame.h"
#include "base/memory.h"
#include "tcp/tcp_wire.h"

enum { ORACLE_FLOWS = 64, ORACLE_PACKET = FRAME_ROOM_MAX /* a big frame is looked at whole */ };

/* A connection as its packets show it. */
struct oracle_flow {
    struct endpoint local, remote; /* port 0: not in use */
    bool syn_out, syn_in;
    tcp_seq iss, irs;
    uint8_t our_scale, peer_scale; /* as the SYNs offered them */
    bool our_scaling, peer_scaling;
    bool told, heard; /* an edge, by us and by the peer */
    tcp_seq told_edge, heard_edge;
    tcp_seq sent; /* behind the last number that has left */
    uint32_t mss; /* the longest text that has left */
};

/* What events have told of a connection. */
struct oracle_told {
    uint32_t conn; /* 0: nothing yet */
    enum tcp_state state;
    enum tcp_state from; /* the one before, which it left */
    instant since;       /* then */
    bool has_cwnd;
    bool is_whole; /* from its beginning on */
    uint32_t cwnd;
    uint32_t timers; /* a bit for each kind that was set */
};

struct oracle {
    struct event_sink sink;
    struct ip_addr addr;
    const char *problem; /* the first; static storage */
    uint64_t packets;    /* that were looked at */
    struct oracle_flow flow[ORACLE_FLOWS];
    uint32_t next;                         /* the slot that is taken next: the oldest goes */
    struct oracle_told told[ORACLE_FLOWS]; /* by the connection's number, the newest of a slot */
    uint8_t octets[ORACLE_PACKET];
};

void oracle_init(struct oracle *oracle, struct ip_addr addr);

/* The number of the first octet of the stream from `src` to `dst`, as the oracle of `src` has seen
 * the SYN; false when it has not. */
bool oracle_stream_start(const struct oracle *oracle, struct endpoint src, struct endpoint dst,
                         tcp_seq *start);

#endif
