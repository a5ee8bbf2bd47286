/*
 * udp_rig.h - a stack with sockets of UDP, and a wire whose both ends the test holds.
 *
 * The stack is 10.0.0.2 and 10.0.0.3 of 10.0.0.0/24, and on a link of bare IP packets fd00::2/64 as
 * well. Time is wound by hand. The test makes each datagram that arrives, and sees each packet that
 * leaves, whose sums are computed here anew; after each step received = consumed + the sum of the
 * named drops. On Ethernet every station is THEIR_MAC's, who answers ARP.
 */
#ifndef TAPIO_TESTS_UDP_RIG_H
#define TAPIO_TESTS_UDP_RIG_H

#include <check.h>
#include <netinet/in.h>
#include <string.h>
#include <tapio/sock.h>

enum { RIG_PACKETS = 600, RIG_PORT = 7000, RIG_THEIRS = 9000 };

/* A packet that the stack has sent, read. */
struct rig_packet {
    uint8_t *octets; /* of the IP packet */
    size_t len;
    struct ip_addr src, dst;
    uint8_t protocol, ttl, tos;
    bool dont_fragment, open_sum, broadcast_mac;
    uint16_t src_port, dst_port, checksum; /* of UDP */
    const uint8_t *data;
    size_t data_len;
    const uint8_t *options; /* of the IPv4 header */
    size_t options_len;
    int pieces;        /* it came in so many, */
    uint8_t piece[60]; /* and this is the header of the last */
};

struct rig {
    struct stack *stack;
    struct stack_config config;
    instant now;
    struct dev dev;
    uint64_t random;
    int full_after; /* packets until the device takes no more; negative: never */
    int count;
    struct rig_packet packet[RIG_PACKETS];
};

/* What the stack receives. Zero is the usual: from 10.0.0.1:9000 to 10.0.0.2:7000. */
struct rig_in {
    const char *src, *dst;
    uint16_t src_port, dst_port;
    const void *data;
    size_t len;
    uint8_t ttl, tos;
    bool no_sum, bad_sum, open_sum, port_zero;
    size_t udp_len; /* instead of what is right; plus one */
    size_t extra;   /* octets behind the datagram, within the packet */
    bool broadcast_mac;
    const void *options; /* of the IPv4 header: a multiple of four octets */
    size_t options_len;
};

/* What the wall clock says: 34 milliseconds past noon. */
#define RIG_WALL_MS UINT32_C(43200034)

extern struct rig rig;

void rig_config(struct stack_config *config, enum stack_link link);
void rig_begin(const struct stack_config *config);
void given_rig(void); /* with bare IP packets */
void given_rig_ethernet(void);
/* Closes no socket: nothing may be left but what the test says it owns. */
void rig_end(void);

struct endpoint rig_at(const char *addr, uint16_t port);
bool rig_is(struct endpoint end, const char *addr, uint16_t port);
void rig_input(const struct rig_in *in);
#define RIG_INPUT(...) rig_input(&(struct rig_in){__VA_ARGS__})
/* An IP packet out of nowhere. */
void rig_input_packet(const void *octets, size_t len);
/* An ICMP error from 10.0.0.1, or fd00::1, about the packet that the stack has sent first. */
void rig_input_error(uint8_t type, uint8_t code, uint32_t rest);
/* Lets the stack pay; how many packets are in rig.packet[]. */
int rig_output(void);
void rig_forget(void);
uint64_t rig_drops(enum drop drop);
uint64_t rig_counter(enum counter counter);

/* A socket of AF_INET, at that port of any of our addresses; 0: not bound. */
int rig_socket(uint16_t port);
int rig_socket6(uint16_t port);
int rig_set(int s, int level, int option, int value);
int rig_get(int s, int level, int option); /* the value, or -errno */
ssize_t rig_send_to(int s, const char *addr, uint16_t port, const void *data, size_t len);
/* The next datagram of `s` is these octets. */
void rig_expect(int s, const char *text);
/* There is none. */
void rig_expect_none(int s);

#endif
