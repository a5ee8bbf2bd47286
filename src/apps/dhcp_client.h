/*
 * dhcp_client.h - an address from a server, for as long as it lends it (RFC 2131).
 *
 * A machine over a socket of the stack, which it gives an address and takes it away again. The
 * stack must be on an Ethernet and have no other IPv4 address: a host that asks for its address
 * has none, and only then takes answers that are sent to the one that it will have.
 *
 *     dhcp_client_new(&config, now, &client)
 *     ... dhcp_client_advance(client, now) after each turn, and at dhcp_client_deadline() ...
 *     config.told(context, DHCP_NEWS_BOUND, lease, now)
 *
 * Its socket comes to it by sock_next_ready(), as those of all applications.
 */
#ifndef TAPIO_APPS_DHCP_CLIENT_H
#define TAPIO_APPS_DHCP_CLIENT_H

#include <tapio/sock.h>

#include "apps/dhcp_wire.h"
#include "base/instant.h"

/* RFC 2131, figure 5, and two of our own. */
enum dhcp_state {
    DHCP_STATE_INIT,
    DHCP_STATE_SELECTING,
    DHCP_STATE_REQUESTING,
    DHCP_STATE_CHECKING, /* acknowledged; does somebody on the link have the address? */
    DHCP_STATE_BOUND,
    DHCP_STATE_RENEWING,
    DHCP_STATE_REBINDING,
    DHCP_STATE_REBOOTING,
    DHCP_STATE_RELEASED,
};

/* "INIT" ... */
const char *dhcp_state_name(enum dhcp_state state);

struct dhcp_lease {
    struct dhcp_reply said;      /* what the server has acknowledged */
    instant renew, rebind, ends; /* T1, T2 and the end; INSTANT_NEVER */
};

enum dhcp_news {
    DHCP_NEWS_BOUND,   /* the stack has an address */
    DHCP_NEWS_RENEWED, /* it keeps it; the rest of the lease may have changed */
    DHCP_NEWS_LOST,    /* it has none any more: the lease has ended, or a server says no */
    DHCP_NEWS_TAKEN    /* another station has the address that was offered */
};

struct dhcp_client_config {
    struct stack *stack;
    const struct env *env; /* random, alloc, release */
    struct ip_addr had;    /* an address that it had before and would like again; unspecified */
    /* `lease` is valid during the call; of DHCP_NEWS_LOST and _TAKEN what was or would have been.
     * May be NULL. */
    void (*told)(void *context, enum dhcp_news news, const struct dhcp_lease *lease, instant now);
    void *context;
};

struct dhcp_counters {
    uint64_t sent;
    uint64_t flawed[DHCP_BAD_VALUE + 1]; /* by enum dhcp_flaw */
    uint64_t strange; /* answers to nothing that was asked, or by another server than was asked */
    uint64_t refused; /* DHCPNAK */
    uint64_t declined;
};

struct dhcp_client;

/* 0, -ENOMEM, -EINVAL without an Ethernet, or what the socket calls say. */
NODISCARD int dhcp_client_new(const struct dhcp_client_config *config, instant now,
                              struct dhcp_client **out);
/* The stack keeps the address: whoever wants it gone says dhcp_client_release() before, or removes
 * it. */
void dhcp_client_free(struct dhcp_client *client);

void dhcp_client_advance(struct dhcp_client *client, instant now);
instant dhcp_client_deadline(const struct dhcp_client *client);

/* The link was away and may be another one now: is our address still good there? (RFC 2131, 3.7) */
void dhcp_client_link_up(struct dhcp_client *client, instant now);
/* Gives the address back (RFC 2131, 4.4.6). The client is still from then on; the stack should be
 * let send once more and then be freed, or lose the address. */
void dhcp_client_release(struct dhcp_client *client, instant now);

/* NULL when there is none. */
const struct dhcp_lease *dhcp_client_lease(const struct dhcp_client *client);
enum dhcp_state dhcp_client_state(const struct dhcp_client *client);
struct dhcp_counters dhcp_client_counters(const struct dhcp_client *client);

#endif
