/*
 * dhcp_client.c - the client's states (RFC 2131, figure 5).
 *
 *     INIT -> SELECTING        DISCOVER, to all
 *     SELECTING -> REQUESTING  the first OFFER is taken: REQUEST, to all, names its server
 *     REQUESTING -> CHECKING   that server's ACK: does anybody on the link have it (RFC 5227)?
 *     CHECKING -> BOUND        nobody. Else DECLINE, and INIT after ten seconds or more
 *     BOUND -> RENEWING        T1: REQUEST, to the server
 *     RENEWING -> REBINDING    T2: REQUEST, to all
 *     REBINDING -> INIT        the lease has ended: the address is gone
 *     REBOOTING                REQUEST, to all, for an address that it had: at the start, or when
 *                              the link has come back. While a lease runs, it is kept meanwhile
 *
 * and from where a REQUEST is out, its ACK leads to BOUND and its NAK to INIT.
 *
 * Anybody on the link can play a server, and the first one who offers is believed; that is DHCP.
 * What can be had is that nobody cuts in later: an answer counts only with the number of the last
 * question, in a state that has asked one, and from the server that was asked. Nothing changes
 * before an ACK. And whoever says no again and again cannot make us shout: each start after the
 * first waits as long as a retransmission would (4 to 64 s), until a lease was had (THREATS H05).
 *
 * A lease counts from the moment when it was asked for, not from the answer (RFC 2131, 4.4.1), so
 * it ends here before it ends there. A renewal has a number of its own each time that it is sent,
 * so that the answer tells which one it answers.
 *
 * Left out: choosing among several offers, INFORM, options beyond what a host must know; classless
 * routes (option 121) are ignored, as they let a server redirect whatever it likes (THREATS H07).
 * The MTU of a lease is told and not applied. A conflict that shows later is defended (arp.h).
 */
#include "apps/dhcp_client.h"

#include <errno.h>
#include <netinet/in.h>

#include "apps/dhcp_client_inner.h"
#include "base/addr.h"

enum {
    TURN = 16,    /* messages, before others have their turn */
    REQUESTS = 5, /* that are sent for one offer, the last after 60 s (RFC 2131, 3.1) */
    REBOOTS = 3,  /* and for an address that it had: the last after 12 s */
};

static const int64_t decline_pause = 10 * NS_PER_S; /* RFC 2131, 3.1 (5) */

const char *dhcp_state_name(enum dhcp_state state)
{
    static const char *const names[] = {"INIT",     "SELECTING", "REQUESTING", "CHECKING", "BOUND",
                                        "RENEWING", "REBINDING", "REBOOTING",  "RELEASED"};

    assert(state < ARRAY_LEN(names));
    return names[state];
}

static void tell(struct dhcp_client *c, enum dhcp_news news, const struct dhcp_lease *lease,
                 instant now)
{
    if (c->config.told)
        c->config.told(c->config.context, news, lease, now);
}

static void enter(struct dhcp_client *c, enum dhcp_state state)
{
    c->state = state;
    c->tries = 0;
}

/* To INIT, from where all begins anew; not at once if it has done so in vain. */
static void restart(struct dhcp_client *c, int64_t at_least, instant now)
{
    const struct stack_values *values = &stack_config(c->config.stack)->values;
    int64_t pause = c->starts == 0 ? dhcp_between(c, values->dhcp_start_min, values->dhcp_start_max)
                                   : dhcp_backoff(c, c->starts - 1);

    c->starts++;
    stack_end_claim(c->config.stack);
    enter(c, DHCP_STATE_INIT);
    c->next = instant_add(now, pause > at_least ? pause : at_least);
}

/* --- a lease ------------------------------------------------------------------------------ */

static void lose(struct dhcp_client *c, instant now)
{
    struct stack *stack = c->config.stack;

    c->has_lease = false;
    int err = stack_remove_addr(stack, c->lease.said.addr.addr, now);
    (void)err; /* somebody else has removed it: so much the better */
    tell(c, DHCP_NEWS_LOST, &c->lease, now);
}

/* A moment before its time, so that hosts that began together do not come together for ever
 * (RFC 2131, 4.4.5). */
static instant due(struct dhcp_client *c, uint32_t seconds, int64_t fuzz)
{
    if (seconds == DHCP_FOREVER)
        return INSTANT_NEVER;
    return instant_add(c->asked_at, seconds * NS_PER_S - dhcp_between(c, 0, fuzz));
}

static void bind_lease(struct dhcp_client *c, const struct dhcp_reply *ack, instant now)
{
    struct stack *stack = c->config.stack;
    struct ip_addr gateway = ack->router_count ? ack->router[0] : (struct ip_addr){{0}};
    bool is_new = !c->has_lease;

    /* The one before may be beyond the link as it is now. */
    int err = stack_set_gateway(stack, (struct ip_addr){{0}});
    if (!err)
        err = stack_add_addr(stack, ack->addr, now);
    if (!err)
        err = stack_set_gateway(stack, gateway);
    c->lease = (struct dhcp_lease){.said = *ack,
                                   .renew = due(c, ack->renew_s, DHCP_SECOND),
                                   .rebind = due(c, ack->rebind_s, DHCP_SECOND),
                                   .ends = due(c, ack->lease_s, 0)};
    c->has_lease = true;
    if (err) { /* an address that this stack cannot have */
        c->counters.flawed[DHCP_BAD_VALUE]++;
        lose(c, now);
        c->config.had = (struct ip_addr){{0}};
        restart(c, decline_pause, now);
        return;
    }
    c->starts = 0;
    c->config.had = ack->addr.addr;
    enter(c, DHCP_STATE_BOUND);
    c->next = c->lease.renew;
    tell(c, is_new ? DHCP_NEWS_BOUND : DHCP_NEWS_RENEWED, &c->lease, now);
}

static void decline(struct dhcp_client *c, instant now)
{
    const struct dhcp_lease would_be = {.said = c->offer};

    dhcp_decline(c, now);
    c->counters.declined++;
    c->config.had = (struct ip_addr){{0}};
    tell(c, DHCP_NEWS_TAKEN, &would_be, now);
    restart(c, decline_pause, now);
}

static void check(struct dhcp_client *c, const struct dhcp_reply *ack, instant now)
{
    c->offer = *ack;
    enter(c, DHCP_STATE_CHECKING);
    c->next = INSTANT_NEVER; /* the stack has a timer for it */
    if (stack_claim_addr(c->config.stack, ack->addr.addr, now))
        decline(c, now); /* it is ours already, and no server's to lend */
}

static void look_at_claim(struct dhcp_client *c, instant now)
{
    switch (stack_claim(c->config.stack)) {
    case ADDR_CLAIM_FREE:
        if (instant_before(now, due(c, c->offer.lease_s, 0)))
            bind_lease(c, &c->offer, now);
        else
            restart(c, 0, now); /* it took so long that it is over: we have slept */
        break;
    case ADDR_CLAIM_TAKEN:
        decline(c, now);
        break;
    case ADDR_CLAIM_NONE: /* somebody else has claimed an address meanwhile */
        restart(c, 0, now);
        break;
    case ADDR_CLAIM_ASKING:
        break;
    }
}

/* --- what is heard ------------------------------------------------------------------------ */

/* Whom and what the last question was about: the server (unspecified: anybody) and the address. */
static bool is_expected(const struct dhcp_client *c, const struct dhcp_reply *reply)
{
    struct ip_addr server = {{0}}, addr = c->config.had;

    if (c->state == DHCP_STATE_REQUESTING) {
        server = c->offer.server;
        addr = c->offer.addr.addr;
    } else if (c->state == DHCP_STATE_RENEWING) {
        server = c->lease.said.server;
    }
    if (!ip_is_unspecified(server) && !ip_equal(server, reply->server))
        return false;
    return reply->type == DHCP_NAK || (reply->type == DHCP_ACK && ip_equal(addr, reply->addr.addr));
}

static void hear_verdict(struct dhcp_client *c, const struct dhcp_reply *reply, instant now)
{
    if (!is_expected(c, reply)) {
        c->counters.strange++;
    } else if (reply->type == DHCP_NAK) {
        c->counters.refused++;
        if (c->has_lease)
            lose(c, now);
        c->config.had = (struct ip_addr){{0}};
        restart(c, 0, now);
    } else if (c->has_lease) {
        bind_lease(c, reply, now);
    } else {
        check(c, reply, now);
    }
}

static void hear(struct dhcp_client *c, const struct dhcp_reply *reply, instant now)
{
    switch (c->state) {
    case DHCP_STATE_SELECTING:
        if (reply->type == DHCP_OFFER) {
            c->offer = *reply;
            enter(c, DHCP_STATE_REQUESTING);
            dhcp_request(c, now);
            return;
        }
        break;
    case DHCP_STATE_REQUESTING:
    case DHCP_STATE_RENEWING:
    case DHCP_STATE_REBINDING:
    case DHCP_STATE_REBOOTING:
        hear_verdict(c, reply, now);
        return;
    case DHCP_STATE_INIT:
    case DHCP_STATE_CHECKING:
    case DHCP_STATE_BOUND:
    case DHCP_STATE_RELEASED:
        break;
    }
    c->counters.strange++;
}

static void ready(struct sock_app *app, int s, short events, instant now)
{
    struct dhcp_client *c = CONTAINER_OF(app, struct dhcp_client, app);
    struct endpoint from;
    uint8_t octets[1500];

    (void)events;
    for (int i = 0; i < TURN; i++) {
        struct dhcp_reply reply;
        ssize_t n =
            sock_recvfrom(c->config.stack, s, octets, sizeof octets, MSG_DONTWAIT, &from, NULL);
        if (n == -EAGAIN)
            return;
        if (n < 0)
            continue; /* an ICMP error about what we have sent; its timer sends it again */
        enum dhcp_flaw flaw = DHCP_BAD_MESSAGE;
        if (from.port == DHCP_SERVER_PORT)
            flaw = dhcp_reply_parse(bytes_of(octets, (size_t)n), stack_config(c->config.stack)->mac,
                                    &reply);
        if (flaw != DHCP_FINE)
            c->counters.flawed[flaw]++;
        else if (reply.xid != c->xid)
            c->counters.strange++;
        else
            hear(c, &reply, now);
    }
    sock_again(c->config.stack, s);
}

/* --- time --------------------------------------------------------------------------------- */

/* Nobody has said anything about the address that it had. */
static void give_up_reboot(struct dhcp_client *c, instant now)
{
    if (!c->has_lease) {
        c->config.had = (struct ip_addr){{0}};
        restart(c, 0, now);
        return;
    }
    enter(c, DHCP_STATE_BOUND); /* it may be used for the rest of the lease (RFC 2131, 3.2) */
    c->next = c->lease.renew;
}

static void timeout(struct dhcp_client *c, instant now)
{
    if (c->has_lease && !instant_before(now, c->lease.ends)) {
        lose(c, now);
        c->config.had = (struct ip_addr){{0}}; /* it may be another's by now */
        restart(c, 0, now);
        return;
    }
    switch (c->state) {
    case DHCP_STATE_INIT:
        if (c->starts == 1)
            c->began = now;
        if (ip_is_unspecified(c->config.had)) {
            enter(c, DHCP_STATE_SELECTING);
            dhcp_discover(c, now);
        } else {
            enter(c, DHCP_STATE_REBOOTING);
            dhcp_ask_again(c, now);
        }
        break;
    case DHCP_STATE_SELECTING:
        dhcp_discover(c, now);
        break;
    case DHCP_STATE_REQUESTING:
        if (c->tries < REQUESTS)
            dhcp_request(c, now);
        else
            restart(c, 0, now);
        break;
    case DHCP_STATE_REBOOTING:
        if (c->tries < REBOOTS)
            dhcp_ask_again(c, now);
        else
            give_up_reboot(c, now);
        break;
    case DHCP_STATE_BOUND:
        c->began = now;
        dhcp_renew(c, now);
        break;
    case DHCP_STATE_RENEWING:
    case DHCP_STATE_REBINDING:
        dhcp_renew(c, now);
        break;
    case DHCP_STATE_CHECKING:
    case DHCP_STATE_RELEASED:
        c->next = INSTANT_NEVER;
        break;
    }
}

void dhcp_client_advance(struct dhcp_client *c, instant now)
{
    if (c->state == DHCP_STATE_CHECKING)
        look_at_claim(c, now);
    if (!instant_before(now, c->next))
        timeout(c, now);
}

instant dhcp_client_deadline(const struct dhcp_client *c)
{
    return c->next;
}

/* --- the calls ---------------------------------------------------------------------------- */

void dhcp_client_link_up(struct dhcp_client *c, instant now)
{
    if (c->state == DHCP_STATE_RELEASED)
        return;
    c->began = now;
    if (c->has_lease) {
        enter(c, DHCP_STATE_REBOOTING);
        dhcp_ask_again(c, now);
    } else {
        c->starts = 0;
        restart(c, 0, now);
    }
}

void dhcp_client_release(struct dhcp_client *c, instant now)
{
    stack_end_claim(c->config.stack);
    if (c->has_lease)
        dhcp_release(c, now);
    enter(c, DHCP_STATE_RELEASED);
    c->next = INSTANT_NEVER;
}

const struct dhcp_lease *dhcp_client_lease(const struct dhcp_client *c)
{
    return c->has_lease ? &c->lease : NULL;
}

enum dhcp_state dhcp_client_state(const struct dhcp_client *c)
{
    return c->state;
}

struct dhcp_counters dhcp_client_counters(const struct dhcp_client *c)
{
    return c->counters;
}

static int open_socket(struct dhcp_client *c)
{
    struct stack *stack = c->config.stack;
    const int on = 1;
    int s = sock_socket(stack, AF_INET, SOCK_DGRAM, 0);

    if (s < 0)
        return s;
    int err = sock_setsockopt(stack, s, SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
    if (!err)
        err = sock_bind(stack, s, (struct endpoint){.port = DHCP_CLIENT_PORT});
    if (err) {
        sock_close(stack, s);
        return err;
    }
    c->socket = s;
    c->app.ready = ready;
    sock_set_app(stack, s, &c->app);
    return 0;
}

int dhcp_client_new(const struct dhcp_client_config *config, instant now, struct dhcp_client **out)
{
    struct memory memory = {.env = config->env};
    uint64_t seed;

    if (stack_config(config->stack)->link != STACK_LINK_ETHERNET)
        return -EINVAL;
    int err = config->env->random(config->env->context, &seed, sizeof seed);
    if (err)
        return err;
    struct dhcp_client *c = memory_alloc(&memory, sizeof *c);
    if (!c)
        return -ENOMEM;
    *c = (struct dhcp_client){.config = *config, .memory = memory, .began = now};
    prng_seed(&c->prng, seed);
    err = open_socket(c);
    if (err) {
        memory_release(&memory, c, sizeof *c);
        return err;
    }
    restart(c, 0, now);
    *out = c;
    return 0;
}

void dhcp_client_free(struct dhcp_client *c)
{
    if (!c)
        return;
    stack_end_claim(c->config.stack);
    sock_close(c->config.stack, c->socket);
    struct memory memory = c->memory;
    memory_release(&memory, c, sizeof *c);
}
