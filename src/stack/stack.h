/*
 * stack.h - the inside of struct stack: it owns all state and is the only one that knows every
 * layer.
 *
 * stack.c makes it and keeps its time, stack_input.c is a packet's whole way in, stack_output.c its
 * whole way out, stack_address.c changes our addresses, stack_reply.c makes what no connection
 * owes, stack_udp.c makes packets of datagrams, stack_ping.c serves datagram sockets of ICMP,
 * stack_options.c fills in IP options. The
 * sockets above use what is declared here; nothing here calls them.
 */
#ifndef TAPIO_STACK_STACK_H
#define TAPIO_STACK_STACK_H

#include "base/events.h"
#include "base/frame_queue.h"
#include "eth/arp.h"
#include "eth/eth_wire.h"
#include "ip/icmp.h"
#include "ip/ip_family.h"
#include "ip/ip_id.h"
#include "ip/pmtu.h"
#include "ip/reassembly.h"
#include "ip/route.h"
#include "tcp/tcp.h"
#include "udp/udp.h"

enum timer_owner { OWNER_TCP, OWNER_SYN_CACHE, OWNER_TIME_WAIT, OWNER_ARP, OWNER_REASSEMBLY };

enum { PING_QUEUE = 16, PING_PORTS = 256 }; /* replies that wait for one socket; sockets */

enum { STACK_BOUND_LISTS = 256 };

/* Room for one struct sock and its like, whose layout is src/sock's own business. */
enum {
    STACK_SOCKET_SIZE = 44,
    STACK_SOCKET_NAME_SIZE = 60,
    STACK_EPOLL_SET_SIZE = 44,
    STACK_EPOLL_ITEM_SIZE = 76,
};

struct stack {
    struct env env;
    struct memory memory;
    struct stack_config config;
    struct ip_config ip; /* a view of config */
    struct {
        struct ip_addr dst;
        struct route route;
        bool known;
    } last_route; /* what route_lookup() said last, until an address or the gateway changes */
    struct events events;
    struct wheel wheel;
    instant now; /* the latest time that anybody has told us */
    struct frame_pool frames;
    struct arp arp;
    struct icmp_limiter limiter;
    struct tcp tcp;
    struct udp udp;
    struct pmtu paths; /* of datagrams: a connection has its own */
    struct reassembly reassembly;
    struct ip_ids ids;
    /* Packets without a connection that wait to be sent: IP packets, `tag` their enum why. */
    struct frame_queue replies;
    uint32_t reply_cut;  /* how much of the first one's payload has left, in fragments */
    bool segments_first; /* the device was full before they had their turn */
    struct {             /* one that waited for ARP and found the device full */
        struct frame *packet;
        struct mac_addr mac;
        uint32_t cut; /* as reply_cut */
    } released;
    struct list pings[PING_PORTS]; /* by identifier */
    struct pool ping_ports;
    uint16_t next_ping;
    struct pool sockets;                  /* for src/sock, */
    struct sock *found;                   /* the one that was asked for last, or NULL, */
    int32_t found_number;                 /* and its number, */
    struct pool socket_names;             /* of those that hold a port, */
    struct list bound[STACK_BOUND_LISTS]; /* which are here, by it, */
    struct list told;                     /* those whose epoll sets know the news, */
    uint32_t sock_generation;             /* what tells a new one from an old one, */
    struct pool epoll_sets, epoll_items;
    struct { /* who was confirmed to ARP last: not for each segment again */
        struct ip_addr addr;
        instant until;
    } confirmed;
};

/* Time only goes forward. */
static inline void stack_tell_time(struct stack *stack, instant now)
{
    if (instant_before(stack->now, now))
        stack->now = now;
}

/* Has a call since the last turn left anything for the next: a packet to send, or a socket whose
 * change nobody was told? (What input and timers leave is paid in the turn that runs them.) */
bool stack_owes(const struct stack *stack);

/* --- stack_input.c ------------------------------------------------------------------------ */

/* The rest of stack_receive(), for who has called dev_receive(): runs the frames, which are the
 * stack's own, takes their references, and fires timers. A count that is an error is no frame. */
void stack_run_batch(struct stack *stack, const struct dev *dev, struct frame **batch, int count,
                     instant now);

/* --- stack_invariants.c ------------------------------------------------------------------- */

/* NULL when all that must hold does, else a sentence in static storage; `*conn` is the number of
 * the connection that it is about, or 0. Changes nothing; walks everything. */
const char *stack_check_invariants(struct stack *stack, uint32_t *conn);

/* --- stack_reply.c ------------------------------------------------------------------------ */

/* Queues an IP packet that no connection owes; takes the frame. Drops it, counted, when the queue
 * is full: false. NULL is allowed (there was no buffer): false, too. */
bool stack_reply(struct stack *stack, struct frame *packet, enum why why);
/* The first one, taken out of the queue; there is one. */
struct frame *stack_reply_take(struct stack *stack);
/* The segment that answers `in` without a connection. */
void stack_answer(struct stack *stack, const struct tcp_arrival *in, enum why why);
/* The reset that answers `seg`, within the rate limit. */
void stack_reset(struct stack *stack, const struct tcp_arrival *in, enum why why);

/* Of a packet that is dropped: the protocol and whose it was, into event->drop, as far as its
 * octets tell. */
void stack_peek(struct bytes octets, bool ethernet, struct event *event);
/* Emits an EVENT_PACKET; of a big frame one for each of its segments, the first with the id that is
 * in `event`. For those who watch: ask events_wanted() first. */
void stack_tell_packet(struct stack *stack, const struct event *event);

/* --- stack_udp.c -------------------------------------------------------------------------- */

struct datagram_out {
    struct endpoint local, remote; /* of one family; what `remote` is has been looked at */
    const struct iovec *iov;       /* its data, in pieces */
    int iovcnt;
    size_t len; /* of all pieces: a length that UDP can tell */
    uint8_t ttl, tos;
    bool may_fragment;                  /* DF is clear (IPv4) */
    const struct ipv4_options *options; /* NULL: none */
};

/* Makes a packet of it that waits to be sent. 0; -EAGAIN when too many wait; -ENOBUFS. */
NODISCARD int stack_send_datagram(struct stack *stack, const struct datagram_out *out);
/* Somebody may have left the queue: who waits for room hears of it. */
void stack_tell_room(struct stack *stack);
/* How large a packet may be on the way there, as far as is known. */
uint32_t stack_path_mtu(const struct stack *stack, struct ip_addr to);
/* An ICMP error about a datagram from `local` to `remote`. */
NODISCARD enum drop stack_udp_error(struct stack *stack, struct endpoint local,
                                    struct endpoint remote, const struct icmp_error *error);

/* --- stack_options.c ----------------------------------------------------------------------- */

/* Options of ours with what this host records in them, the source's address and the time: in
 * `room`. None when `options` is NULL. */
struct bytes stack_sent_options(const struct stack *stack, const struct ipv4_options *options,
                                struct ip_addr src, struct ipv4_options *room);
/* Likewise those of an IPv4 packet that has come. */
struct bytes stack_arrived_options(const struct stack *stack, const struct ip_packet *ip,
                                   struct ipv4_options *room);

/* --- stack_fragments.c -------------------------------------------------------------------- */

/* A fragment for us; takes the frame when it is kept. `*whole` is the packet, when it is complete.
 */
NODISCARD enum drop stack_take_fragment(struct stack *stack, const struct ip_packet *ip,
                                        struct frame **frame, struct frame **whole,
                                        struct reassembly_queue **queue);
/* The rest of a datagram has not come in time. */
void stack_fragment_timeout(struct stack *stack, struct timer *timer);
/* Of a packet that is longer than the MTU and whose payload has left up to `cut`: the next
 * fragment's header, into `w`, and its payload. */
struct bytes stack_next_piece(const struct ip_packet *ip, uint32_t cut, uint32_t mtu,
                              struct writer *w);

/* --- stack_ping.c ------------------------------------------------------------------------- */

/* A datagram socket of ICMP: its echo requests carry its identifier. */
struct ping_port {
    struct list node;
    struct ready ready;
    struct ip_addr remote; /* unspecified until connected */
    uint16_t id;
    uint16_t next_sequence;
    struct frame_queue replies; /* their bodies */
};

/* NULL when there are PING_PORTS. */
NODISCARD struct ping_port *ping_port_open(struct stack *stack, int32_t owner);
void ping_port_close(struct stack *stack, struct ping_port *port);
/* `options`, of IPv4, may be NULL. The octets of data that were queued; -EDESTADDRREQ, -EMSGSIZE,
 * -EAGAIN, -ENOBUFS, or no route. */
NODISCARD ssize_t ping_port_send(struct stack *stack, struct ping_port *port,
                                 const struct ipv4_options *options, struct bytes data);
NODISCARD ssize_t ping_port_recv(struct ping_port *port, void *out, size_t len, bool peek);
/* An echo reply has come: keeps its body for whoever asked. DROP_ICMP_NO_PING otherwise. */
NODISCARD enum drop ping_reply_arrives(struct stack *stack, struct ip_addr from,
                                       const struct icmp_header *h, struct bytes body);

#endif
