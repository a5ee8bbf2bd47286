/*
 * blast.h - what the parts of the client share.
 *
 * A part is a verb or two: it drives a server for some seconds and prints one JSON object. Counting
 * begins after a warm-up of WARM_UP_NS, when windows have grown and caches are filled.
 */
#ifndef BENCH_BLAST_H
#define BENCH_BLAST_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WARM_UP_NS = 300 * 1000 * 1000,
    CONNS_MAX = 4096,
    PORT_DISCARD = 9,
    PORT_CHARGEN = 19,
    PORT_HTTP = 80,
};

/* The part of a run that counts. */
struct span {
    int64_t start, end; /* ns */
};

_Noreturn void die(const char *what);
int64_t now_ns(void);
struct span span_of(double seconds);

struct sockaddr_in at_port(struct in_addr host, uint16_t port);

/* A socket on cubic, where the kernel has it (runs on machines with other defaults compare), and
 * without Nagle's wait. */
int tcp_socket(bool waits);
/* The same, connected; it does not wait any more. */
int tcp_connection(struct in_addr host, uint16_t port);

/* Octets a second, over `push` connections to discard and `pull` from chargen at once. */
int bulk(struct in_addr host, double seconds, int push, int pull);
/* Requests over so many keep-alive connections, one in flight on each. */
int requests(struct in_addr host, double seconds, int conns, const char *path);
/* A connection for each request, so many at once; the server closes first and has the TIME-WAIT. */
int connects(struct in_addr host, double seconds, int conns, const char *path);
/* A file, again and again over so many keep-alive connections: octets a second. */
int downloads(struct in_addr host, double seconds, int conns, const char *path);
/* Small datagrams to discard, as fast as they go. */
int datagrams(struct in_addr host, double seconds);
/* Starts `command` on `core`, and counts from there to its first answer. It is taken to listen when
 * it prints "ready"; with `silent`, when it takes a connection. */
int start(struct in_addr host, int core, bool silent, char **command);

/* The octets of an answer of 200, head and body, or 0 when [text, text + len) is less than its
 * head. Ends the program when it is another answer. */
size_t answer_octets(const char *text, size_t len);
/* The same, but 0 too when there is less than the whole. */
size_t answer_length(const char *text, size_t len);

#endif
