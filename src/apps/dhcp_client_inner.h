/*
 * dhcp_client_inner.h - what the two files of the DHCP client share.
 */
#ifndef TAPIO_APPS_DHCP_CLIENT_INNER_H
#define TAPIO_APPS_DHCP_CLIENT_INNER_H

#include "apps/dhcp_client.h"
#include "base/memory.h"
#include "base/prng.h"

struct dhcp_client {
    struct dhcp_client_config config;
    struct memory memory;
    struct sock_app app;
    struct prng prng;
    int socket;

    enum dhcp_state state;
    instant next;     /* when the state has something to do */
    uint32_t tries;   /* messages of this state that were sent */
    uint32_t starts;  /* since a lease was had */
    instant began;    /* the first of them */
    uint32_t xid;     /* of the last question */
    uint16_t secs;    /* in it */
    instant asked_at; /* when the lease that would come begins to count */

    struct dhcp_reply offer; /* REQUESTING: whose; CHECKING: the acknowledgement */
    struct dhcp_lease lease; /* when it has one */
    bool has_lease;
    struct dhcp_counters counters;
};

/* --- dhcp_client_ask.c: what is said, and when again --------------------------------------- */

#define DHCP_SECOND NS_PER_S /* how far moments are spread */

/* At random, both included. */
int64_t dhcp_between(struct dhcp_client *c, int64_t least, int64_t most);
/* 4, 8, 16, 32, 64, 64 ... s, a second more or less (RFC 2131, 4.1). */
int64_t dhcp_backoff(struct dhcp_client *c, uint32_t after);

/* Each sends its message and sets when the state has something to do next. */
void dhcp_discover(struct dhcp_client *c, instant now);
void dhcp_request(struct dhcp_client *c, instant now);
void dhcp_ask_again(struct dhcp_client *c, instant now); /* REBOOTING */
void dhcp_renew(struct dhcp_client *c, instant now);     /* RENEWING or REBINDING: it is entered */

/* These only send it. */
void dhcp_decline(struct dhcp_client *c, instant now);
void dhcp_release(struct dhcp_client *c, instant now);

#endif
