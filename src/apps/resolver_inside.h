/*
 * resolver_inside.h - what resolver.c and resolver_lookup.c share: one question on its way.
 *
 * resolver.c knows who asks and which names may be meant; resolver_lookup.c knows servers.
 */
#ifndef TAPIO_APPS_RESOLVER_INSIDE_H
#define TAPIO_APPS_RESOLVER_INSIDE_H

#include "apps/resolver.h"
#include "base/pool.h"

enum { DNS_TCP_MAX = 65535, DNS_RECEIVE = 4096 };

/* A name and a type that somebody waits for. */
struct lookup {
    struct list node;    /* on resolver->lookups */
    struct list waiters; /* struct resolver_query */
    struct resolver *resolver;
    struct sock_app app;
    struct dns_name name;  /* what is asked for, */
    struct dns_name alias; /* and what it has turned out to be called */
    uint16_t type, id;
    uint16_t mismatches; /* of this try */
    uint8_t server;      /* that is being asked */
    uint8_t tries;       /* servers that were asked, again and again included */
    uint8_t links;       /* CNAMEs that were followed, */
    uint32_t ttl;        /* and the least of their times to live */
    bool tcp, edns, sent;
    int s; /* -1: none */
    instant deadline;
    uint8_t *stream; /* what has come over TCP, with the length in front */
    uint32_t stream_len;
};

struct resolver {
    struct resolver_config config;
    struct memory memory;
    struct dns_cache cache;
    struct pool pool;    /* struct lookup */
    struct list lookups; /* under way */
    struct list known;   /* queries that nobody has looked at, */
    instant asked_at;    /* and when the last of them came */
    uint8_t first;       /* the server that answered last */
    struct resolver_counters counters;
};

/* --- resolver_lookup.c --------------------------------------------------------------------- */

/* Asks the first server. It ends with lookup_done(), at once where nothing can be asked. */
void lookup_begin(struct lookup *lookup, instant now);
/* Its deadline is over: the next server, or the end. */
void lookup_timeout(struct lookup *lookup, instant now);
/* Gives its socket and its buffer back. */
void lookup_stop(struct lookup *lookup);

/* --- resolver.c ----------------------------------------------------------------------------- */

/* The last act: the lookup is gone. */
void lookup_done(struct lookup *lookup, const struct resolver_answer *answer, instant now);

#endif
