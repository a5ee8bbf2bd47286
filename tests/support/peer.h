/*
 * peer.h - a stack under test, and a scripted peer on the wire with it, in virtual time.
 *
 * The stack is reached through its public calls alone. The peer is the test: it builds every frame
 * by itself (wire.h), answers ARP for every address but the stack's, and checks each frame that
 * comes back: what wire_parse() and wire_flow_out() check, the TTL, the addresses, that no reset
 * answers a reset and no segment gets two ACKs, and after each step that received = consumed + the
 * sum of the named drops.
 *
 * Numbers are relative, as in a trace: the peer's SEQ counts from its ISS and what it acknowledges
 * from the stack's, so that after the handshake both stand at 1. Flags are written with the letters
 * of packetdrill: S, F, R, P, E, W and '.' for ACK. Both streams carry peer_octet(), so that what
 * arrives can be told apart by where it belongs.
 *
 *     struct peer *p = peer_new();
 *     int s = peer_establish_passive(p);
 *     peer_send(p, "P.", 1, 1, 100);       SEQ 1, ACK 1, 100 octets
 *     peer_expect(p, ".", 1, 101, 0);      the stack acknowledges them at once
 *     peer_app_read(p, s, 100);
 *     peer_free(p);                        and nothing is left
 *
 * Everything that must hold fails the Check test with the trace so far.
 */
#ifndef TAPIO_TESTS_PEER_H
#define TAPIO_TESTS_PEER_H

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <tapio/sock.h>
#include <tapio/tapio.h>

#include "support/wire.h"

#define PEER_V4(a, b, c, d)                                                                        \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

enum {
    PEER_STACK_PORT = 80,
    PEER_PORT = 40000,
    PEER_WINDOW = 65535,
    PEER_FLOWS = 320,
    PEER_QUEUE = 8192,
    PEER_TRACE = 64,
    PEER_SOCKS = 512,
};

#define PEER_STACK_ADDR PEER_V4(10, 9, 0, 2)
#define PEER_ADDR       PEER_V4(10, 9, 0, 1)

/* A segment that the stack sent. SEQ and ACK are relative, as above. */
struct peer_segment {
    struct wire_flow *flow;
    uint32_t seq, ack;
    uint8_t flags;
    uint32_t window; /* as on the wire */
    uint32_t len;    /* octets of text */
    bool has_mss, has_scale, has_timestamps;
    uint16_t mss;
    uint8_t scale;
    uint32_t ts_val, ts_ecr;
    uint32_t seq_absolute, ack_absolute;
    uint32_t src, dst;
    uint16_t src_port, dst_port;
    uint8_t dscp, ecn, ttl;
    int64_t at_ns; /* since the test began */
};

/* A segment that the peer sends, in full. What is zero is as peer_send() has it. */
struct peer_out {
    const char *flags;
    uint32_t seq, ack;
    uint32_t len;         /* octets of the stream, from SEQ */
    const void *text;     /* instead: these */
    struct bytes options; /* instead of the ones that a SYN has by itself */
    struct bytes ip_options;
    bool no_options;
    uint16_t urgent;
    uint8_t more_flags; /* as on the wire: those that have no letter */
    uint8_t dscp, ecn, ttl, reserved, data_offset;
    bool bad_checksum;
    uint32_t dst_addr, src_addr; /* instead of the flow's */
    bool broadcast;              /* to the link's broadcast address */
};

struct peer {
    struct stack *stack;
    struct stack_config config;
    instant now;
    int64_t began_ns;
    uint64_t random; /* state of what env->random gives */

    struct wire_flow flows[PEER_FLOWS];
    int flow_count;
    struct wire_flow *flow; /* the connection that the calls are about */
    uint32_t iss;           /* of the next connection: the peer's */
    uint16_t port;          /* likewise */
    uint16_t local_port;    /* the stack's, when it opens; 0: an ephemeral one */

    uint32_t window; /* of the segments to come */
    uint16_t mss;    /* in our SYN; 0: no option */
    int scale;       /* likewise; -1: no option */
    bool any_ttl;    /* else it must be ip.ttl */
    bool deaf;       /* the peer answers no ARP request */
    bool strangers;  /* resets to who has no flow are counted, else they fail the test */
    bool batch;      /* peer_send() does not let the stack answer yet */
    int refuse;      /* so many frames the device refuses with -EAGAIN */
    bool no_memory;  /* every allocation fails */
    uint64_t memory; /* octets that the stack has */

    struct peer_segment queue[PEER_QUEUE]; /* what the stack sent and the test has not looked at */
    int head, tail;
    uint64_t frames_out, arp_requests, icmp_out, strangers_reset;
    uint64_t answered_resets;

    int socks[PEER_SOCKS];
    int sock_count;
    uint32_t app_sent, app_read; /* places in the streams of peer->flow */
    enum tcp_state state;        /* the last that any connection has changed to */
    const char *cause;
    struct event_sink events;
    char trace[PEER_TRACE][96];
    uint64_t traced;
};

/* --- making one ------------------------------------------------------------------------------ */

/* A stack at 10.9.0.2/24 with the gateway 10.9.0.254, and its peer at 10.9.0.1, who know each
 * other. */
struct peer *peer_new(void);
/* The same with another config, and at another time: the virtual clock starts there. */
void peer_config(struct stack_config *config);
struct peer *peer_new_with(const struct stack_config *config, int64_t began_ns);
/* And with other unpredictable octets than the usual ones (seed 1). */
struct peer *peer_new_seeded(const struct stack_config *config, int64_t began_ns, uint64_t seed);
/* A stack whose ISS is `iss` when it opens the first connection, to or from the usual ports. */
struct peer *peer_new_at_iss(uint32_t iss, bool active);
/* Closes every socket, waits until all has run out, and finds that nothing is left. */
void peer_free(struct peer *p);
/* The same, but the time to run out is the caller's: nothing may be left now. */
void peer_free_now(struct peer *p);
/* Just frees it, with whatever lives in it. */
void peer_drop(struct peer *p);

/* --- time --------------------------------------------------------------------------------------
 */

/* Lets `ms` milliseconds pass, timer by timer. */
void peer_wait(struct peer *p, int64_t ms);
/* Until so many milliseconds after the test began. */
void peer_wait_until(struct peer *p, int64_t ms);
/* Milliseconds since the test began, rounded down. */
int64_t peer_time(const struct peer *p);
/* Lets the stack pay what it owes now. */
void peer_poll(struct peer *p);

/* --- the wire ----------------------------------------------------------------------------------
 */

#define peer_send(p, f, q, a, n)                                                                   \
    peer_send_full(p, &(struct peer_out){.flags = (f), .seq = (q), .ack = (a), .len = (n)})
#define PEER_SEND(p, ...) peer_send_full(p, &(struct peer_out){__VA_ARGS__})
void peer_send_full(struct peer *p, const struct peer_out *out);
/* Any frame. */
void peer_send_frame(struct peer *p, const void *frame, size_t len);

/* What is given now is one batch of frames: the stack answers when it ends. */
void peer_batch_begin(struct peer *p);
void peer_batch_end(struct peer *p);

/* The next segment that the stack sent is this one. PSH counts only when `flags` has a P. Returns
 * it. */
#define peer_expect(p, flags, seq, ack, len)                                                       \
    peer_expect_at(p, __FILE__, __LINE__, flags, seq, ack, len)
struct peer_segment peer_expect_at(struct peer *p, const char *file, int line, const char *flags,
                                   uint32_t seq, uint32_t ack, uint32_t len);
/* The same after waiting for it: it leaves `ms` after the last thing that happened (less than a
 * millisecond late), and nothing before it. */
#define peer_expect_after(p, ms, flags, seq, ack, len)                                             \
    peer_expect_after_at(p, __FILE__, __LINE__, ms, flags, seq, ack, len)
struct peer_segment peer_expect_after_at(struct peer *p, const char *file, int line, int64_t ms,
                                         const char *flags, uint32_t seq, uint32_t ack,
                                         uint32_t len);
/* The reset of a connection that was there: with or without the ACK bit, which RFC 9293, 3.10.5
 * leaves out and 3.1 asks for; with it, ACK is RCV.NXT as last told, or past what the stack has
 * taken since. */
#define peer_expect_reset(p, seq) peer_expect_reset_at(p, __FILE__, __LINE__, seq)
struct peer_segment peer_expect_reset_at(struct peer *p, const char *file, int line, uint32_t seq);
/* The stack has sent nothing more. */
#define peer_expect_nothing(p) peer_expect_nothing_at(p, __FILE__, __LINE__)
void peer_expect_nothing_at(struct peer *p, const char *file, int line);
/* Nothing now, nor within `ms` milliseconds. */
#define peer_expect_silence(p, ms) peer_expect_silence_at(p, __FILE__, __LINE__, ms)
void peer_expect_silence_at(struct peer *p, const char *file, int line, int64_t ms);
/* The next segment, whatever it is; false when there is none. */
bool peer_next(struct peer *p, struct peer_segment *out);
/* Forgets what was sent; how many segments that was. */
int peer_skip(struct peer *p);

/* As ck_assert(), with the trace. */
#define peer_assert(p, condition)                                                                  \
    do {                                                                                           \
        if (!(condition))                                                                          \
            peer_fail_at(p, __FILE__, __LINE__, #condition);                                       \
    } while (0)
void peer_fail_at(struct peer *p, const char *file, int line, const char *what);

/* --- connections ---------------------------------------------------------------------------------
 */

/* A new connection of the next port, from the peer; it becomes p->flow. */
struct wire_flow *peer_flow_new(struct peer *p);
/* A new incarnation of p->flow: the same four-tuple, another ISS of the peer's. */
struct wire_flow *peer_flow_again(struct peer *p, uint32_t iss);
/* Forgets all connections, for tests that open very many: none of them may speak any more. */
void peer_flows_forget(struct peer *p);
/* The SYN of p->flow, with the options that p->mss and p->scale ask for. */
void peer_syn(struct peer *p);

/* A listening socket on PEER_STACK_PORT. */
int peer_listen(struct peer *p, int backlog);
/* sock_accept() must give one. */
int peer_accept(struct peer *p, int listener);
/* A socket that peer_free() closes. */
int peer_own(struct peer *p, int s);
int peer_socket(struct peer *p);
/* Calls sock_connect() to the peer's port PEER_STACK_PORT; SYN-SENT, the SYN taken off the queue.
 */
int peer_connect(struct peer *p);

/* ESTABLISHED, every segment of the handshake seen: the socket. Passive: the listener is closed. */
int peer_establish_passive(struct peer *p);
int peer_establish_active(struct peer *p);
/* To any state but CLOSED, with what was sent on the way taken off the queue: the socket (of LISTEN
 * and SYN-RECEIVED the listener). `active`: who opened. */
int peer_drive(struct peer *p, enum tcp_state state, bool active);

/* The stack's variables as the wire shows them, relative: SND.NXT, SND.UNA, RCV.NXT; RCV.WND in
 * octets. */
uint32_t peer_snd_nxt(const struct peer *p);
uint32_t peer_snd_una(const struct peer *p);
uint32_t peer_rcv_nxt(const struct peer *p);
uint32_t peer_rcv_wnd(const struct peer *p);
/* What sock_info() says. */
struct sock_info peer_info(struct peer *p, int s);
enum tcp_state peer_state_of(struct peer *p, int s);
struct stack_usage peer_usage(struct peer *p);
uint64_t peer_drops(struct peer *p, enum drop drop);
uint64_t peer_counter(struct peer *p, enum counter counter);

/* --- the application
 * ------------------------------------------------------------------------------- */

/* The octet at place `at` of either stream, from 0. */
uint8_t peer_octet(uint32_t at);
/* sock_send() takes exactly `len` octets of the stream. */
void peer_app_send(struct peer *p, int s, uint32_t len);
/* sock_recv() gives exactly these `len` octets of the stream, in one call or many. */
void peer_app_read(struct peer *p, int s, uint32_t len);
/* The result of one sock_recv() without text to take. */
ssize_t peer_recv_result(struct peer *p, int s);
/* SO_ERROR, as it is taken. */
int peer_so_error(struct peer *p, int s);
/* Closes it and lets the stack act. */
void peer_close(struct peer *p, int s);
/* With SO_LINGER on and 0 seconds: ABORT. */
void peer_abort(struct peer *p, int s);
void peer_shutdown(struct peer *p, int s, int how);
struct endpoint peer_endpoint(uint32_t addr, uint16_t port);
void peer_no_delay(struct peer *p, int s);
/* An option that is an int: what sock_setsockopt() says; its value. */
int peer_set(struct peer *p, int s, int level, int option, int value);
int peer_get(struct peer *p, int s, int level, int option);

#endif
