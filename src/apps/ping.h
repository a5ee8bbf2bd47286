/*
 * ping.h - echo requests to a host, and what came of each (RFC 792).
 *
 * A machine over a datagram socket of ICMP: each sock_send() is one echo with that data, each
 * sock_recv() the data of one reply. The data carries a token that the caller draws at random, so a
 * stranger's reply is not taken for an answer. The caller polls the stack, then asks for results
 * until there are none:
 *
 *     while (ping_next(&ping, now, &result))
 *         ... print it ...
 *     ... sleep until ping_deadline(&ping) at the latest; ping_is_done(&ping) ends it
 */
#ifndef TAPIO_APPS_PING_H
#define TAPIO_APPS_PING_H

#include <tapio/sock.h>

#include "base/base.h"
#include "base/instant.h"

enum {
    PING_SIZE_MIN = 12,    /* octets of data: the token and the number of the echo */
    PING_SIZE_MAX = 65507, /* what an IPv4 datagram holds behind its header and ICMP's */
    PING_WINDOW = 64,      /* echoes that wait for a reply, at most */
};

struct ping_config {
    struct stack *stack;
    struct ip_addr host;
    uint32_t count;      /* 0: until ping_stop() */
    int64_t interval_ns; /* between two echoes */
    int64_t timeout_ns;  /* an echo counts as lost after this */
    uint32_t size;       /* octets of data */
    uint64_t token;      /* unpredictable */
};

enum ping_outcome {
    PING_REPLY,
    PING_DUPLICATE, /* a second reply, or one to an echo that was given up */
    PING_LOST,      /* no reply in time */
    PING_ERROR,     /* it could not be sent, or the network said no: `error` */
};

struct ping_result {
    enum ping_outcome outcome;
    uint32_t seq;   /* the first echo is 1 */
    int64_t rtt_ns; /* PING_REPLY */
    uint32_t len;   /* octets of data in the reply */
    bool damaged;   /* the reply's data is not what was sent */
    int error;      /* negative errno */
};

struct ping_stats {
    uint32_t sent, replies, duplicates, lost, errors;
    int64_t rtt_min_ns, rtt_max_ns, rtt_sum_ns;
};

struct ping_echo {
    uint32_t seq;
    bool waiting;
    instant sent;
};

struct ping {
    struct ping_config config;
    struct sock_app app;
    int socket;
    bool readable;
    bool stopped;
    uint32_t seq; /* of the newest echo */
    instant next; /* when the next is sent */
    struct ping_stats stats;
    struct ping_echo window[PING_WINDOW]; /* by sequence number */
    uint8_t data[PING_SIZE_MAX];
};

/* Opens the socket; the first echo goes out with the first ping_next(). 0; -EINVAL for a size or an
 * interval that makes no sense; or what the socket calls say. The struct is large: do not put it on
 * a small stack. */
NODISCARD int ping_init(struct ping *ping, const struct ping_config *config, instant now);
void ping_fini(struct ping *ping);

/* Sends what is due and reports one result; false when there is nothing to report now. */
NODISCARD bool ping_next(struct ping *ping, instant now, struct ping_result *out);

/* When ping_next() has something to do next; INSTANT_NEVER when it only waits for the socket. */
instant ping_deadline(const struct ping *ping);

/* No more echoes; those on their way are still waited for. */
void ping_stop(struct ping *ping);

/* All echoes are sent and each has its result. */
bool ping_is_done(const struct ping *ping);

#endif
