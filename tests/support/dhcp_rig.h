/*
 * dhcp_rig.h - a stack on an Ethernet that asks for its address, and a test that is everybody else.
 *
 * Time is wound by hand, from deadline to deadline. The rig reads what leaves: DHCP messages, with
 * everything that they say, and ARP packets; the test makes each answer. The server 192.0.2.1
 * answers ARP for itself. After each turn received = consumed + held + the sum of the named drops.
 */
#ifndef TAPIO_TESTS_DHCP_RIG_H
#define TAPIO_TESTS_DHCP_RIG_H

#include "apps/dhcp_client.h"
#include "eth/arp_wire.h"
#include "support/small_env.h"

enum { DHCP_RIG_SAID = 512, DHCP_RIG_TOLD = 64 };

#define DHCP_SERVER  ip_from_v4(0xc0000201) /* 192.0.2.1 */
#define DHCP_OTHER   ip_from_v4(0xc0000202)
#define DHCP_ADDRESS ip_from_v4(0xc0000232) /* 192.0.2.50 */

/* A message of the client's. */
struct dhcp_said {
    instant when;
    struct mac_addr to;
    struct ip_addr src, dst;
    uint16_t src_port, dst_port;
    size_t len;
    bool cookie, sum_is_right, ended;
    uint8_t op, type;
    uint32_t xid;
    uint16_t secs, flags;
    struct ip_addr client, requested, server; /* unspecified: zero, or no such option */
    uint8_t parameters[32];
    size_t parameter_count;
    uint8_t id[16]; /* the client's identifier */
    size_t id_len;
};

struct arp_said {
    instant when;
    struct mac_addr to;
    struct arp_packet packet;
};

struct dhcp_told {
    instant when;
    enum dhcp_news news;
    struct ip_addr addr;
};

struct dhcp_rig {
    struct small_env memory;
    struct stack_config config;
    struct stack *stack;
    struct dhcp_client *client;
    struct frame_sink sink;
    instant now;
    uint64_t random;
    bool silent_server; /* to ARP */
    int said_count, arp_count, told_count, others;
    struct dhcp_said said[DHCP_RIG_SAID];
    struct arp_said arp[DHCP_RIG_SAID];
    struct dhcp_told told[DHCP_RIG_TOLD];
    uint64_t seen; /* messages, also those that were forgotten */
};

extern struct dhcp_rig dhcp_rig;

/* A stack without an address, as configured by default; the test may change rig.config and begin
 * then. `seed` decides all that is random. */
void given_dhcp_rig(uint64_t seed);
/* The client starts; it may have had an address. */
void dhcp_rig_begin(struct ip_addr had);
/* Frees all, and sees that nothing is left. */
void dhcp_rig_end(void);

void dhcp_rig_wait(int64_t ns);
/* Until a message leaves, `limit` at most; NULL: none did. */
const struct dhcp_said *dhcp_rig_next(int64_t limit);
/* The newest message. */
const struct dhcp_said *dhcp_rig_last(void);
void dhcp_rig_forget(void);

/* What a server says. Zero is the usual: an answer to the last question, by DHCP_SERVER, that lends
 * DHCP_ADDRESS/24 for an hour, sent to all. */
struct dhcp_says {
    uint8_t type;
    uint32_t xid_change; /* is added */
    uint8_t op;
    struct ip_addr server, addr;
    struct mac_addr mac;
    uint32_t lease, mask; /* 0xffffff00 */
    uint32_t renew, rebind;
    struct ip_addr router; /* else with_router: the server */
    bool no_server;        /* its identifier is 0.0.0.0 */
    uint16_t from_port;
    bool bad_cookie, unicast, with_router;
    size_t cut; /* to so many octets */
};

void dhcp_rig_server(const struct dhcp_says *says);
#define DHCP_SERVER_SAYS(...) dhcp_rig_server(&(struct dhcp_says){__VA_ARGS__})
/* An ARP packet from a station, or from ourselves. */
void dhcp_rig_arp(uint16_t op, struct mac_addr from, struct ip_addr spa, struct ip_addr tpa);

/* DISCOVER, OFFER, REQUEST, ACK, and the link is silent: the client is bound. */
void dhcp_rig_bind(uint32_t lease);

#endif
