/*
 * dhcp_client_ask.c - a client's messages (RFC 2131, table 5), and when they are sent again.
 *
 *                 to      ciaddr  requested  server   number
 *     DISCOVER    all     -       -          -        a new one each time
 *     REQUEST     all     -       yes        yes      the DISCOVER's
 *      rebooting  all     -       yes        -        a new one each time
 *      renewing   server  yes     -          -        a new one each time
 *      rebinding  all     yes     -          -        a new one each time
 *     DECLINE     all     -       yes        yes      a new one
 *     RELEASE     server  yes     -          yes      a new one
 *
 * "A new one each time", so that an answer tells which question it answers: a lease counts from
 * there (RFC 2131, 4.1 leaves it to the client). Those before an address leave from 0.0.0.0, which
 * is what a stack without one has (ip/route.c).
 */
#include <netinet/in.h>

#include "apps/dhcp_client_inner.h"
#include "base/addr.h"

enum { BACKOFF_STEPS = 4 /* how often the first pause is doubled (RFC 2131, 4.1) */ };

static const int64_t backoff_first = 4 * NS_PER_S;
static const int64_t renewal_least = 60 * NS_PER_S; /* RFC 2131, 4.4.5 */

int64_t dhcp_between(struct dhcp_client *c, int64_t least, int64_t most)
{
    if (most <= least)
        return least;
    return least + (int64_t)prng_below(&c->prng, (uint64_t)(most - least) + 1);
}

int64_t dhcp_backoff(struct dhcp_client *c, uint32_t after)
{
    int64_t base = backoff_first << u32_min(after, BACKOFF_STEPS);

    return dhcp_between(c, base - DHCP_SECOND, base + DHCP_SECOND);
}

/* A message that finds no room is as good as one that is lost: its timer sends it again. */
static void send_to(struct dhcp_client *c, const struct dhcp_query *query, struct ip_addr to)
{
    uint8_t octets[DHCP_MESSAGE_MAX];
    struct writer w = writer_of(octets, sizeof octets);
    struct endpoint server = {to, DHCP_SERVER_PORT};

    dhcp_query_emit(&w, query);
    assert(!w.overrun);
    ssize_t ignored =
        sock_sendto(c->config.stack, c->socket, octets, sizeof octets - w.left, 0, &server, NULL);
    (void)ignored;
    c->counters.sent++;
}

/* A message with the number and the seconds of the last question. */
static struct dhcp_query message(const struct dhcp_client *c, uint8_t type)
{
    return (struct dhcp_query){
        .type = type, .xid = c->xid, .secs = c->secs, .mac = stack_config(c->config.stack)->mac};
}

/* The same, but with numbers of its own. */
static struct dhcp_query question(struct dhcp_client *c, uint8_t type, instant now)
{
    int64_t secs = instant_since(now, c->began) / NS_PER_S;

    c->xid = (uint32_t)prng_next(&c->prng);
    c->secs = (uint16_t)(secs < UINT16_MAX ? secs : UINT16_MAX);
    c->asked_at = now;
    return message(c, type);
}

static void wait_backoff(struct dhcp_client *c, instant now)
{
    c->next = instant_add(now, dhcp_backoff(c, c->tries++));
}

void dhcp_discover(struct dhcp_client *c, instant now)
{
    struct dhcp_query query = question(c, DHCP_DISCOVER, now);

    send_to(c, &query, IP_BROADCAST);
    wait_backoff(c, now);
}

/* The seconds stay, too: relays must treat it like the DISCOVER (RFC 2131, 3.1 (3)). */
void dhcp_request(struct dhcp_client *c, instant now)
{
    struct dhcp_query query = message(c, DHCP_REQUEST);

    query.requested = c->offer.addr.addr;
    query.server = c->offer.server;
    if (c->tries == 0)
        c->asked_at = now;
    send_to(c, &query, IP_BROADCAST);
    wait_backoff(c, now);
}

void dhcp_ask_again(struct dhcp_client *c, instant now)
{
    struct dhcp_query query = question(c, DHCP_REQUEST, now);

    query.requested = c->config.had;
    send_to(c, &query, IP_BROADCAST);
    wait_backoff(c, now);
    if (c->has_lease)
        c->next = instant_min(c->next, c->lease.ends);
}

/* The next time after half of what is left. */
void dhcp_renew(struct dhcp_client *c, instant now)
{
    bool rebind = !instant_before(now, c->lease.rebind);
    instant edge = rebind ? c->lease.ends : c->lease.rebind;
    int64_t half = instant_since(edge, now) / 2;
    struct dhcp_query query = question(c, DHCP_REQUEST, now);

    c->state = rebind ? DHCP_STATE_REBINDING : DHCP_STATE_RENEWING;
    query.client = c->lease.said.addr.addr;
    send_to(c, &query, rebind ? IP_BROADCAST : c->lease.said.server);
    c->next = instant_min(edge, instant_add(now, half > renewal_least ? half : renewal_least));
}

void dhcp_decline(struct dhcp_client *c, instant now)
{
    struct dhcp_query query = question(c, DHCP_DECLINE, now);

    query.secs = 0;
    query.requested = c->offer.addr.addr;
    query.server = c->offer.server;
    send_to(c, &query, IP_BROADCAST);
}

void dhcp_release(struct dhcp_client *c, instant now)
{
    struct dhcp_query query = question(c, DHCP_RELEASE, now);

    query.secs = 0;
    query.client = c->lease.said.addr.addr;
    query.server = c->lease.said.server;
    send_to(c, &query, c->lease.said.server);
}
