/*
 * resolver.h - from names to addresses: a DNS stub resolver (RFC 1034, 5.3.1; RFC 1035, 7).
 *
 * A machine over the stack's sockets. Whoever asks embeds a struct resolver_query and is called
 * back once; equal questions share one lookup. Whoever turns the loop gives it time:
 *
 *     resolver_ask(resolver, &query, "www.example.com", DNS_TYPE_A, now)
 *     ... resolver_advance(resolver, now) at resolver_deadline(resolver) at the latest ...
 *     query.done(&query, &answer, now)
 *
 * Its sockets come to it by sock_next_ready(), as those of all applications.
 */
#ifndef TAPIO_APPS_RESOLVER_H
#define TAPIO_APPS_RESOLVER_H

#include <tapio/sock.h>

#include "apps/dns_cache.h"
#include "base/list.h"

enum {
    RESOLVER_SERVERS = 3,
    RESOLVER_SEARCH = 6, /* domains */
    RESOLVER_ATTEMPTS = 5,
    RESOLVER_LOOKUPS = 64,   /* questions that wait for an answer, at most */
    RESOLVER_LINKS = 16,     /* CNAMEs that are followed (THREATS S06) */
    RESOLVER_MISMATCHES = 32 /* strangers' answers before TCP is asked instead */
};

struct resolver_config {
    struct stack *stack;
    const struct env *env; /* random, alloc, release */
    struct ip_addr server[RESOLVER_SERVERS];
    uint32_t server_count;
    struct dns_name search[RESOLVER_SEARCH];
    uint32_t search_count;
    uint32_t ndots;     /* a name with fewer dots is looked for in the search list first */
    bool tcp;           /* ask over TCP from the start */
    uint32_t cached;    /* names that are remembered */
    int64_t timeout_ns; /* that a server has for its answer, and at each further try twice that */
    uint32_t attempts;  /* tries that each server has, up to RESOLVER_ATTEMPTS */
};

/* No server; two tries of 5 s for each, one dot, 64 names remembered. */
void resolver_config_init(struct resolver_config *config);

struct resolver_answer {
    struct dns_fact fact;  /* error also -EAGAIN: no server has answered, or too many questions
                              wait; -ELOOP: CNAMEs without end; -ENOBUFS; -EIO: no random number */
    struct bytes message;  /* the last message as it came; empty when there was none */
    struct ip_addr server; /* that sent it */
    bool tcp, from_cache;
};

struct resolver_query {
    void (*done)(struct resolver_query *query, const struct resolver_answer *answer, instant now);
    uint8_t candidate; /* which of the names that it may be is being looked for; the same number is
                          the same name for another type, */
    uint8_t last;      /* and the last one to look for: who waits may lower it */
    /* the resolver's */
    struct list node;
    struct dns_name name;
    uint16_t type;
    bool absolute;       /* it ended with a dot */
    bool no_data;        /* a candidate was there, but nothing of that type */
    bool literal;        /* it is an address */
    struct ip_addr addr; /* that */
};

struct resolver;

struct resolver_counters {
    uint64_t queries;    /* sent */
    uint64_t mismatches; /* dns.rx_mismatch: answers to another question, or by a stranger */
    uint64_t flawed[DNS_BAD_RECORD + 1]; /* by enum dns_flaw */
    uint64_t hits;                       /* found in the cache */
};

/* 0, -ENOMEM, -EINVAL without a server or a try. Not to be freed from within a query's done(). */
NODISCARD int resolver_new(const struct resolver_config *config, struct resolver **out);
/* Nobody is called back any more. */
void resolver_free(struct resolver *resolver);

/* 0: query->done() will be called, from resolver_advance() or when a socket is ready. -EINVAL:
 * `name` is none. */
NODISCARD int resolver_ask(struct resolver *resolver, struct resolver_query *query,
                           const char *name, uint16_t type, instant now);
/* query->done() will not be called. */
void resolver_forget(struct resolver_query *query);
void resolver_advance(struct resolver *resolver, instant now);
/* INSTANT_NEVER when it waits for nothing but its sockets. */
instant resolver_deadline(const struct resolver *resolver);
struct resolver_counters resolver_counters(const struct resolver *resolver);

#endif
