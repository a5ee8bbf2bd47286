/*
 * ip_hosts.h - two stacks on a link that carries bare IP packets, in virtual time.
 *
 * Host 0 opens, host 1 serves; each has an IPv4 address, a global and a link-local IPv6 one. What
 * one sends waits in `out` until the test delivers it, loses it, or answers it in the network's
 * name. Each packet's checksums must be right when it leaves.
 */
#ifndef TAPIO_TESTS_IP_HOSTS_H
#define TAPIO_TESTS_IP_HOSTS_H

#include <check.h>
#include <tapio/sock.h>

enum { HOST_PACKETS = 256, HOST_OCTETS = 2048, HOST_FAMILIES = 3 };

struct host_packet {
    size_t len;
    struct frame_meta meta;
    uint8_t octets[HOST_OCTETS];
};

/* What a host has sent and nobody has read. */
struct host_out {
    struct frame_sink sink;
    int count;
    struct host_packet packet[HOST_PACKETS];
};

struct host {
    struct stack *stack;
    struct host_out out;
    unsigned seed;
    uint64_t sums;
};

struct host_family {
    int family, icmp;
    const char *client, *server; /* addresses */
};

extern struct host hosts[2];
extern instant hosts_now;
extern const struct host_family host_family[HOST_FAMILIES]; /* IPv4, IPv6, IPv6 link-local */

void given_two_hosts(void);
void hosts_gone(void);

struct ip_addr host_addr(const char *text);
/* Lets a host pay what it owes into its `out`; how many packets wait there. */
int host_output(int which);
/* What waits in `out` reaches the other, or nobody. */
void host_deliver(int which);
void host_lose(int which);
/* Until nobody has anything to say. */
void hosts_settle(void);
/* The same in steps of a millisecond. */
void hosts_wait_ms(int64_t ms);
/* A packet out of nowhere. */
void host_input(int which, const void *octets, size_t len);
uint64_t host_drops(int which, enum drop drop);
/* Packets of that host whose checksums were found right; a wrong one fails the test. */
uint64_t host_sums(int which);

/* A connection from host 0 to port 80 of host 1, over the family of that row. Returns the client.
 */
int hosts_connect(int row, int *listener, int *accepted);

#endif
