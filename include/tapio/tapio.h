/*
 * tapio/tapio.h - a stack: its configuration, and the machine's own interface.
 *
 * A stack is a machine without hands. It takes frames, calls and the current time, changes its
 * state and notes what it owes. It reads no clock, descriptor or random source of its own and has
 * no globals, so the same code runs over a TAP, in a simulator and under a fuzzer.
 *
 * A poll is a loop in the caller:
 *
 *     stack_receive(s, dev, now);                   take frames, run them, fire timers
 *     while ((n = sock_next_ready(s, &what)) >= 0)  let the applications react
 *         ...
 *     stack_send(s, dev, now);                      pay what is owed, once
 *     sleep until the device is readable or stack_deadline(s)
 *
 * Those who bring frames without a device use stack_input(), stack_advance() and stack_output()
 * in the same order. Calls fail with a negative errno. A stack belongs to one thread at a time.
 */
#ifndef TAPIO_TAPIO_H
#define TAPIO_TAPIO_H

#include <sys/uio.h>
#include <tapio/dev.h>
#include <tapio/drops.h>
#include <tapio/event.h>
#include <tapio/types.h>
#include <tapio/values.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a stack needs of the world. All but `alloc` and `release` must be given; those two fall back
 * to malloc and free. */
struct env {
    void *context;                     /* first argument of each */
    int64_t (*mono_ns)(void *context); /* for loops and waiters; never the stack */
    int64_t (*wall_ns)(void *context); /* since 1970, for captures and Date: */
    int (*random)(void *context, void *octets, size_t len); /* unpredictable; 0 or -errno */
    void *(*alloc)(void *context, size_t len);              /* NULL when there is no more */
    void (*release)(void *context, void *octets, size_t len);
};

enum { STACK_ADDRS = 8 };

/* What the link carries. On one of bare IP packets, as behind a TUN, there are no stations: no ARP,
 * no MAC address. Whatever is sent has one way to go, so every address has a route. */
enum stack_link { STACK_LINK_ETHERNET, STACK_LINK_IP };

struct stack_config {
    size_t size; /* sizeof(struct stack_config), set by stack_config_init() */
    enum stack_link link;
    struct mac_addr mac; /* all zeros: one is made up (locally administered) */
    struct ip_prefix addr[STACK_ADDRS];
    int addr_count;
    struct ip_addr gateway; /* unspecified: only the link can be reached */
    uint32_t mtu;           /* octets of an IP packet */
    struct stack_values values;
};

/* Fills in the defaults: Ethernet, MTU 1500, no address, the default values. */
TAPIO_API void stack_config_init(struct stack_config *config);

/* NULL when `config` can be used, else a sentence that says what is wrong. */
TAPIO_API const char *stack_config_check(const struct stack_config *config);

/* Makes a stack; the caller frees it. `config` is copied; `env` is copied, what it points at must
 * outlive the stack. NULL when the config cannot be used, memory is short or env->random fails. */
struct stack;
TAPIO_API TAPIO_NODISCARD struct stack *stack_new(const struct stack_config *config,
                                                  const struct env *env);
TAPIO_API void stack_free(struct stack *stack);

/* The most memory that the caps in the config allow, in octets, and what is taken now. */
TAPIO_API uint64_t stack_memory_cap(const struct stack *stack);
TAPIO_API uint64_t stack_memory_used(const struct stack *stack);

/* --- with a device ------------------------------------------------------------------------ */

/* Takes at most DEV_BATCH frames from `dev`, runs them, and fires the timers that are due. Returns
 * the number of frames, or -ENETDOWN once the device is gone. */
TAPIO_API TAPIO_NODISCARD int stack_receive(struct stack *stack, struct dev *dev, instant now);

/* Sends what is owed: each connection's debts in turn, then replies without a connection. What the
 * device refuses with -EAGAIN stays owed. 0, -EAGAIN or -ENETDOWN. */
TAPIO_API TAPIO_NODISCARD int stack_send(struct stack *stack, struct dev *dev, instant now);

/* --- without one -------------------------------------------------------------------------- */

/* Runs one frame; borrows the octets for the call and copies what it keeps. On a link that carries
 * IP packets a frame is one of those. `meta` may be NULL: nothing is known. */
TAPIO_API void stack_input(struct stack *stack, struct bytes frame, const struct frame_meta *meta,
                           instant now);

/* As stack_input(), but the octets are an IP packet, whatever the link. */
TAPIO_API void stack_input_ip(struct stack *stack, struct bytes packet,
                              const struct frame_meta *meta, instant now);

/* Runs one frame of the stack's pool (stack_frame()) and takes the reference. */
TAPIO_API void stack_input_frame(struct stack *stack, struct frame *frame, instant now);

/* A frame buffer with at least `room` octets, or NULL when the pool is empty. */
TAPIO_API TAPIO_NODISCARD struct frame *stack_frame(struct stack *stack, size_t room);

/* Where stack_output() hands frames: as dev_ops.send, and with its results. */
struct frame_sink {
    int (*send)(struct frame_sink *sink, const struct frame_meta *meta, const struct iovec *iov,
                int iovcnt, instant now);
};

/* As stack_send(), but to a sink. */
TAPIO_API TAPIO_NODISCARD int stack_output(struct stack *stack, struct frame_sink *sink,
                                           instant now);

/* As stack_output(), but what is handed over are IP packets, whatever the link: nothing is asked of
 * ARP. */
TAPIO_API TAPIO_NODISCARD int stack_output_ip(struct stack *stack, struct frame_sink *sink,
                                              instant now);

/* --- time --------------------------------------------------------------------------------- */

/* When stack_advance() has something to do next; {INT64_MAX} when nothing is planned. */
TAPIO_API instant stack_deadline(const struct stack *stack);

/* Tells the stack what time it is and fires the timers that are due. Time never goes back. */
TAPIO_API void stack_advance(struct stack *stack, instant now);

/* --- addresses that come and go ------------------------------------------------------------ */

/* Gives the stack one more address, or one that it has another prefix length; the link is told
 * (RFC 5227, 2.3). -EINVAL for one that stack_config_check() would not have; -ENOSPC when there are
 * STACK_ADDRS. */
TAPIO_API TAPIO_NODISCARD int stack_add_addr(struct stack *stack, struct ip_prefix addr,
                                             instant now);
/* Takes an address away, at once: nothing leaves from it any more. Connections from there end
 * without a word to their peers, and their sockets, those of UDP that are bound to it or connected
 * from it too, hear -ENETDOWN. A listener stays, and serves again when the address comes back. A
 * gateway that is on no link now is forgotten. -EADDRNOTAVAIL when it is none of ours. */
TAPIO_API TAPIO_NODISCARD int stack_remove_addr(struct stack *stack, struct ip_addr addr,
                                                instant now);
/* Does anybody on the link have an IPv4 address that we would like to add? */
enum addr_claim {
    ADDR_CLAIM_NONE,   /* it was not asked */
    ADDR_CLAIM_ASKING, /* it is being asked: 4 to 7 s, by the values arp.probe... */
    ADDR_CLAIM_FREE,   /* nobody has answered */
    ADDR_CLAIM_TAKEN   /* somebody has it, or wants it, too */
};
/* Begins to ask (RFC 5227, 2.1.1), for one address at a time: what was asked before is forgotten.
 * -EINVAL for one that cannot be asked for: no IPv4, no Ethernet, or ours already. */
TAPIO_API TAPIO_NODISCARD int stack_claim_addr(struct stack *stack, struct ip_addr addr,
                                               instant now);
/* Stays as it is until the next claim, or the end of this one. */
TAPIO_API enum addr_claim stack_claim(const struct stack *stack);
TAPIO_API void stack_end_claim(struct stack *stack);
/* Unspecified: only the link can be reached. -EINVAL when it is not on the link of any address. */
TAPIO_API TAPIO_NODISCARD int stack_set_gateway(struct stack *stack, struct ip_addr gateway);

/* --- looking in --------------------------------------------------------------------------- */

/* Things that happened and are not the end of a received frame. */
/* clang-format off */
#define TAPIO_COUNTER_LIST(X) \
    X(ARP_UNSOLICITED,   "arp.unsolicited")    X(ARP_CONFLICT,     "arp.conflict") \
    X(ARP_CONFLICT_ENTRY,"arp.conflict_entry") X(ARP_EVICTED,      "arp.evict") \
    X(ARP_QUEUE_DROP,    "arp.qdrop")          X(ARP_FULL,         "arp.full") \
    X(ICMP_LIMITED,      "icmp.limited")       X(RST_LIMITED,      "tcp.rst_limited") \
    X(REPLY_DROP,        "dev.tx_qdrop")       X(TX_BAD,           "dev.tx_bad") \
    X(NO_ROUTE,          "ip4.no_route") \
    X(MEM_FAIL,          "mem.fail")           X(TCP_BAD_OPTION,   "tcp.rx_opt") \
    X(TCP_TRIMMED,       "tcp.rx_trim")        X(TCP_CHALLENGES,   "tcp.challenges") \
    X(TCP_ACTIVE_OPENS,  "tcp.active_opens")   X(TCP_PASSIVE_OPENS,"tcp.passive_opens") \
    X(TCP_RETRANSMITS,   "tcp.retransmits")    X(TCP_TIMEOUTS,     "tcp.timeouts") \
    X(TCP_UNDONE,        "tcp.undone")         X(TCP_SACK_IGNORED, "tcp.rx_sack") \
    X(TCP_FAST,          "tcp.fast_retransmits") X(TCP_RST_OUT,    "tcp.resets_sent") \
    X(TCP_RST_IN,        "tcp.resets_received") X(TCP_OOO,         "tcp.out_of_order") \
    X(TCP_COOKIE_SENT,   "tcp.cookie_sent")    X(TCP_COOKIE_OK,    "tcp.cookie_ok") \
    X(TCP_CE_IN,         "tcp.ce_received")    X(TCP_ECE_IN,       "tcp.ece_received") \
    X(TCP_CWR_OUT,       "tcp.cwr_sent")       X(TCP_ECN_REDUCTIONS, "tcp.ecn_reductions") \
    X(TCP_TW_EVICT,      "tcp.tw_evict")       X(TCP_ORPHAN_RESET, "tcp.orphan_reset")
/* clang-format on */

enum counter {
#define TAPIO_X(id, name) COUNTER_##id,
    TAPIO_COUNTER_LIST(TAPIO_X)
#undef TAPIO_X
};
#define TAPIO_X(id, name) +1
enum { COUNTER_COUNT = TAPIO_COUNTER_LIST(TAPIO_X) };
#undef TAPIO_X

TAPIO_API const char *counter_name(enum counter counter);

/* At every moment between two calls: received == consumed + held + the sum of drops[]. */
struct stack_counters {
    uint64_t received;
    uint64_t consumed;
    uint64_t held; /* fragments that wait for the rest */
    uint64_t sent;
    uint64_t drops[DROP_COUNT];
    uint64_t events[COUNTER_COUNT];
};

TAPIO_API void stack_counters(const struct stack *stack, struct stack_counters *out);

/* What is alive right now. All zero on a stack whose sockets are closed and have run out. */
struct stack_usage {
    uint64_t frames;      /* frame buffers in receive queues or waiting for ARP */
    uint64_t send_chunks; /* chunks in send queues */
    uint64_t connections; /* half-open ones and those in TIME-WAIT included */
    uint64_t half_open;   /* in the SYN cache */
    uint64_t time_wait;   /* in TIME-WAIT, and nobody's */
    uint64_t orphans;     /* of the others, those that nobody owns and that have not ended */
    uint64_t listeners;
    uint64_t sockets;
    uint64_t senders;     /* connections with text in flight, or that have lost some */
    uint64_t ranges;      /* of their scoreboards */
    uint64_t tunings;     /* what was set on sockets and connections, where it is not the default */
    uint64_t epoll_items; /* sockets in epoll sets */
    uint64_t timers;      /* armed, but for the ARP cache's */
    uint64_t islands;     /* out-of-order text */
    uint64_t receivers;   /* connections that something has not come in order to */
};

TAPIO_API void stack_usage(const struct stack *stack, struct stack_usage *out);

/* Adds or removes a listener to the event stream; it must not be there twice. */
TAPIO_API void stack_listen(struct stack *stack, struct event_sink *sink);
TAPIO_API void stack_unlisten(struct stack *stack, struct event_sink *sink);

/* The decision that was made `back` decisions ago (0: the newest), or NULL when it was never made
 * or has been overwritten. Valid until the stack is next called. */
TAPIO_API const struct event *stack_decision(const struct stack *stack, size_t back);
/* How many were ever made: those beyond see.ring have been overwritten. */
TAPIO_API uint64_t stack_decisions_made(const struct stack *stack);

/* As it is now, with the addresses that have come since. */
TAPIO_API const struct stack_config *stack_config(const struct stack *stack);
TAPIO_API instant stack_now(const struct stack *stack);

/* --- addresses as text -------------------------------------------------------------------- */

/* "10.9.0.2" or "fe80::1"; -EINVAL when it is neither. */
TAPIO_API TAPIO_NODISCARD int ip_addr_parse(const char *text, struct ip_addr *out);
/* "10.9.0.2/24"; -EINVAL. */
TAPIO_API TAPIO_NODISCARD int ip_prefix_parse(const char *text, struct ip_prefix *out);
/* "02:00:5e:10:00:01"; -EINVAL. */
TAPIO_API TAPIO_NODISCARD int mac_addr_parse(const char *text, struct mac_addr *out);

enum { IP_ADDR_TEXT = 46, MAC_ADDR_TEXT = 18, ENDPOINT_TEXT = 56 };
TAPIO_API const char *ip_addr_format(struct ip_addr addr, char out[IP_ADDR_TEXT]);
TAPIO_API const char *mac_addr_format(struct mac_addr addr, char out[MAC_ADDR_TEXT]);
/* "10.9.0.2:80", "[fe80::1]:80" */
TAPIO_API const char *endpoint_format(struct endpoint end, char out[ENDPOINT_TEXT]);

#ifdef __cplusplus
}
#endif
#endif
