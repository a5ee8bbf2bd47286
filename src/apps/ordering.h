/*
 * ordering.h - which of a host's addresses to try first (RFC 6724).
 *
 * Pure arithmetic on addresses: what is known of our own ones and of the ways there is an argument,
 * and so is the policy table, for who prefers another (RFC 6724, 2.1). IPv4 takes part in its
 * mapped form, as everywhere in this house (RFC 6724, 3.2).
 */
#ifndef TAPIO_APPS_ORDERING_H
#define TAPIO_APPS_ORDERING_H

#include <tapio/tapio.h>

#include "base/base.h"

enum { ORDERING_MAX = 64 /* addresses in one list */ };

/* A row of the policy table. */
struct ordering_policy {
    struct ip_prefix prefix;
    uint8_t precedence, label;
};

enum { ORDERING_POLICIES = 9 };
/* The default table (RFC 6724, 2.1). */
extern const struct ordering_policy ordering_policies[ORDERING_POLICIES];

/* An address of ours, with the prefix that it has on the link. */
struct ordering_source {
    struct ip_prefix prefix;
    bool deprecated;    /* (RFC 4862, 5.5.4) */
    bool home, care_of; /* (RFC 6275) */
};

struct ordering {
    const struct ordering_policy *policies;
    int policy_count;
    const struct ordering_source *sources;
    int source_count;
};

struct ordering_target {
    struct ip_addr addr;
    bool unreachable; /* it is known that there is no way */
    bool tunnelled;   /* the way leads through another IP */
};

/* The row that decides: the longest prefix. NULL where none matches. */
const struct ordering_policy *ordering_policy_of(const struct ordering *o, struct ip_addr addr);
/* Source(D): the address of ours that a packet to `dst` comes from (RFC 6724, 5), or NULL without
 * one of its family. */
const struct ordering_source *ordering_source_of(const struct ordering *o, struct ip_addr dst);
/* Best first (RFC 6724, 6). `count` is at most ORDERING_MAX. */
void ordering_sort(const struct ordering *o, struct ordering_target *targets, int count);
/* The same by the default table, for a stack: what its config tells of our addresses, the link and
 * the gateway. */
void ordering_sort_addrs(const struct stack_config *config, struct ip_addr *addrs, int count);

#endif
