/*
 * udp.h - UDP (RFC 768) as a machine: ports, who gets which datagram, and the queues where they
 * wait.
 *
 * A port is what a socket stands on. It has a local name once it is bound, and a remote one while
 * it is connected. Datagrams that arrive are queued at the port whose name says most about them.
 * What is sent is not seen here: the stack makes a packet of it at once.
 *
 * Opaque to nobody, as there is little to hide: the sockets read a port's fields; they change the
 * names by the calls below, and those under "the socket's" as they like.
 */
#ifndef TAPIO_UDP_UDP_H
#define TAPIO_UDP_UDP_H

#include "base/events.h"
#include "base/frame_queue.h"
#include "base/hash.h"
#include "base/ready.h"
#include "base/tree.h"
#include "ip/icmp_error.h"
#include "udp/udp_wire.h"

enum { UDP_FAMILY_V4 = 1, UDP_FAMILY_V6 = 2, UDP_PORT_BUCKETS = 256 };

struct udp_port {
    struct ready ready;
    struct list group;          /* of the same name and families: a ring, from the latest back */
    struct udp_port *hash_next; /* of the one that leads a group: the next in the table's chain */
    struct tree sharers;        /* likewise: those of the group with reuse_port, from 0 on */
    struct tree_node share;     /* in it */
    struct list by_port;        /* bound to the same number, or one that shares its bucket */
    struct list waiting;        /* in udp->waiting: it found no room to send */
    struct endpoint local;      /* port 0: not bound. The address may be unspecified: any of ours */
    struct endpoint remote;     /* unspecified: not connected */
    struct frame_queue queue;   /* data of datagrams; the note of each is a struct udp_from */
    uint64_t queue_cap;         /* for queue.charged */
    uint8_t families;           /* UDP_FAMILY_*: whom an unspecified local address stands for */
    uint8_t error;              /* errno, to be told once; 0: none */
    bool is_connected : 1;
    bool leads : 1;      /* its group */
    bool reuse_port : 1; /* udp_set_reuse_port() */
    /* the socket's */
    bool reuse_addr : 1;
    bool broadcast : 1;   /* SO_BROADCAST: it may send there */
    bool all_errors : 1;  /* IP_RECVERR: it hears of each ICMP error */
    bool fragments : 1;   /* IP_PMTUDISC_DONT: "too big" is no error */
    bool port_chosen : 1; /* by bind(): stays when it disconnects, */
    bool addr_chosen : 1; /* likewise the address */
    bool shut_read : 1, shut_write : 1;
    uint8_t group_ttl;  /* IP_MULTICAST_TTL */
    uint8_t wants;      /* which control messages */
    bool takes_options; /* some of them tell IP options */
};

/* What is known of a queued datagram beside its data. */
struct udp_from {
    struct ip_addr src, dst;
    uint16_t src_port;
    uint8_t ttl, tos;
    uint8_t options_len; /* IP options, which lie in front of the data */
};

static_assert(sizeof(struct udp_from) <= FRAME_HEADROOM, "it is a frame's note");

struct udp {
    struct memory *memory;
    struct events *events;
    struct list *ready; /* where news goes */
    const struct stack_values *values;
    struct hash_key table_key, port_key;
    struct pool ports;
    struct udp_port **table; /* by both ends of a name, groups */
    uint32_t table_mask;
    uint32_t connected; /* ports that are */
    uint64_t choices;   /* ephemeral ports that were asked for */
    struct list waiting;
    struct list by_port[UDP_PORT_BUCKETS];
};

struct udp_config {
    struct memory *memory;
    struct events *events;
    struct list *ready;
    const struct stack_values *values;
    struct hash_key table_key, port_key;
};

/* 0 or -ENOMEM. */
NODISCARD int udp_init(struct udp *udp, const struct udp_config *config);
void udp_fini(struct udp *udp);
uint64_t udp_memory_cap(const struct udp *udp);

/* --- ports (udp_ports.c) ------------------------------------------------------------------- */

/* A port without a name, of the socket `owner`; NULL when there are udp.ports. */
NODISCARD struct udp_port *udp_open(struct udp *udp, uint8_t families, int32_t owner);
void udp_close(struct udp *udp, struct udp_port *port);

/* Gives an unbound port a local name; number 0: an ephemeral one (RFC 6056). -EADDRINUSE;
 * -EADDRNOTAVAIL when there is none left. Two ports may share a name if both have reuse_addr, or
 * both reuse_port. */
NODISCARD int udp_bind(struct udp *udp, struct udp_port *port, struct endpoint local);
/* Names the other end of a bound port, and its own address more closely. It hears of nobody else
 * then. */
void udp_connect(struct udp *udp, struct udp_port *port, struct ip_addr local,
                 struct endpoint remote);
/* It hears of all again, and loses those parts of its name that nobody has chosen. */
void udp_disconnect(struct udp *udp, struct udp_port *port);

/* Who changes this shares senders with others of its name, or does no more. */
void udp_set_reuse_port(struct udp *udp, struct udp_port *port, bool on);
bool udp_is_named(const struct udp_port *port, struct endpoint local, struct endpoint remote);
uint8_t udp_family_of(struct ip_addr addr);
/* Does it hear of the family of `dst`? */
bool udp_speaks(const struct udp_port *port, struct ip_addr dst);

/* --- by their names (udp_table.c) ----------------------------------------------------------- */

/* A port that has a name comes, or goes; between the two neither its name nor `families` change. */
void udp_table_insert(struct udp *udp, struct udp_port *port);
void udp_table_remove(struct udp *udp, struct udp_port *port);

/* The port for a datagram from `remote` to `local`, by how much a name says: both ends, then our
 * address, then any of ours. Of several with the same name the one that was named last; if that has
 * reuse_port, each that has it gets its share of the senders, and the same ones until somebody
 * comes or goes. O(log n) among n of one name. NULL: none. */
struct udp_port *udp_find(struct udp *udp, struct endpoint local, struct endpoint remote);

/* All ports whose names hash as this one does: the first, and the one behind; NULL. */
struct udp_port *udp_chain(struct udp *udp, struct endpoint local, struct endpoint remote);
struct udp_port *udp_chain_next(const struct udp_port *port);

/* --- datagrams (udp.c) ---------------------------------------------------------------------- */

struct udp_arrival {
    struct ip_addr src, dst;
    struct udp_datagram datagram;
    struct frame *frame; /* holds its data; NULL once a port keeps it */
    uint8_t ttl, tos;
    struct bytes options; /* of IPv4 */
    bool to_many;         /* it was sent to a broadcast address or a group */
};

/* Queues a datagram whose checksum is right: at one port, or when it was sent to many, at each that
 * it is for. Takes in->frame if it keeps it. DROP_UDP_CLOSED: nobody is there; DROP_UDP_FULL,
 * DROP_DEV_NO_BUFFER: nobody could take it. */
NODISCARD enum drop udp_arrives(struct udp *udp, struct udp_arrival *in);
/* The first that waits, out of the queue; there is one. The caller drops the frame. */
NODISCARD struct frame *udp_take(struct udp_port *port);
static inline const struct udp_from *udp_from_of(struct frame *frame)
{
    return (const struct udp_from *)frame_note(frame);
}
/* The IP options that came with it; none when its port takes none. */
static inline struct bytes udp_options_of(struct frame *frame)
{
    size_t len = udp_from_of(frame)->options_len;

    return bytes_of(frame->data - len, len);
}

/* An ICMP error about a datagram from `local` to `remote`. DROP_ICMP_NO_FLOW: nobody is there. */
NODISCARD enum drop udp_icmp_error(struct udp *udp, struct endpoint local, struct endpoint remote,
                                   const struct icmp_error *error);
/* The error, once; 0 afterwards. */
int udp_take_error(struct udp_port *port);

/* This address is not ours any more: who is named after it hears ENETDOWN, once. */
void udp_forget_address(struct udp *udp, struct ip_addr local);

/* It found no room to send: udp_tell_room() says when there is some. */
void udp_want_room(struct udp *udp, struct udp_port *port);
void udp_tell_room(struct udp *udp);

/* POLLIN and friends, as they hold now. */
short udp_poll(const struct udp_port *port);

#endif
