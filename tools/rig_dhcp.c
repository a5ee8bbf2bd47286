/*
 * rig_dhcp.c - a rig whose address comes from a DHCP server.
 *
 * To everything else of the tool the address is simply there when rig_open() returns: so the loop
 * runs here first, until the client is bound. A server (the verb's, not DHCP's) waits for as long
 * as it takes; who wants one page or one ping does not. Afterwards the client is one more machine
 * of the loop and says in a line when the address changes.
 *
 * At the end the lease is given back, which takes one packet; it may have to wait for ARP, but not
 * for long.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "rig.h"
#include "stack/stack.h"

#define PATIENCE   (30 * NS_PER_S) /* of who wants one thing */
#define FIRST_LOOK (10 * NS_PER_S) /* of who waits for ever */
#define RETURNING  (200 * NS_PER_MS)

/* --- news --------------------------------------------------------------------------------- */

static void take_in(struct rig *rig, const struct dhcp_reply *lease)
{
    const struct stack_config *config = stack_config(rig->stack);

    memcpy(rig->config.addr, config->addr, sizeof config->addr);
    rig->config.addr_count = config->addr_count;
    rig->config.gateway = config->gateway;
    if (ip_is_unspecified(rig->options->dns) && lease->dns_count > 0)
        rig->dns = lease->dns[0];
}

static void say_lease(const struct rig *rig, const struct dhcp_reply *lease)
{
    char addr[IP_ADDR_TEXT], server[IP_ADDR_TEXT], gateway[IP_ADDR_TEXT], seconds[32];

    snprintf(seconds, sizeof seconds, "for %u s", lease->lease_s);
    say("dhcp: %s/%d from %s %s%s%s", ip_addr_format(lease->addr.addr, addr), lease->addr.len,
        ip_addr_format(lease->server, server),
        lease->lease_s == DHCP_FOREVER ? "without end" : seconds,
        lease->router_count ? ", gateway " : "",
        lease->router_count ? ip_addr_format(lease->router[0], gateway) : "");
    if (lease->mtu && lease->mtu < rig->config.mtu)
        say("dhcp: the lease asks for an MTU of %u and ours is %u: if large packets get lost, use "
            "--mtu %u",
            lease->mtu, rig->config.mtu, lease->mtu);
}

static void told(void *context, enum dhcp_news news, const struct dhcp_lease *lease, instant now)
{
    struct rig *rig = context;
    char addr[IP_ADDR_TEXT];

    (void)now;
    ip_addr_format(lease->said.addr.addr, addr);
    switch (news) {
    case DHCP_NEWS_BOUND:
        take_in(rig, &lease->said);
        say_lease(rig, &lease->said);
        if (rig->lease == LEASE_AWAITED)
            os_loop_end(&rig->loop, 0);
        rig->lease = LEASE_HELD;
        break;
    case DHCP_NEWS_RENEWED:
        take_in(rig, &lease->said);
        break;
    case DHCP_NEWS_LOST:
        say("dhcp: %s is ours no more; its connections have ended, and we ask for another", addr);
        break;
    case DHCP_NEWS_TAKEN:
        say("dhcp: another station on the link has %s; we tell the server, and ask again", addr);
        break;
    }
}

/* --- in the loop -------------------------------------------------------------------------- */

static instant deadline(struct os_machine *machine)
{
    struct rig *rig = CONTAINER_OF(machine, struct rig, dhcp_turn);

    return instant_min(dhcp_client_deadline(rig->dhcp), rig->lease_look);
}

/* Has the last packet left, be it after ARP? */
static bool is_returned(const struct rig *rig)
{
    const struct dhcp_lease *lease = dhcp_client_lease(rig->dhcp);
    struct route route;

    if (!lease || route_lookup(&rig->stack->ip, lease->said.server, &route))
        return true;
    const char *state = arp_state_name(&rig->stack->arp, route.next_hop);
    return rig->stack->replies.len == 0 && state && strcmp(state, "incomplete") != 0;
}

/* A server has answered, and may have taken its time; now we wait for it, or for the link. */
static bool is_served(const struct rig *rig)
{
    enum dhcp_state state = dhcp_client_state(rig->dhcp);

    return state == DHCP_STATE_REQUESTING || state == DHCP_STATE_CHECKING;
}

static void look(struct rig *rig, instant now)
{
    if (rig->lease == LEASE_RETURNED) {
        if (is_returned(rig) || !instant_before(now, rig->lease_look))
            os_loop_end(&rig->loop, 0);
        return;
    }
    if (instant_before(now, rig->lease_look))
        return;
    rig->lease_look = INSTANT_NEVER;
    if (rig->lease != LEASE_AWAITED)
        return;
    if (rig->options->dhcp_patient && is_served(rig))
        rig->lease_look = instant_add(now, FIRST_LOOK);
    else if (rig->options->dhcp_patient)
        say("no DHCP server has answered on %s yet; we go on asking", rig->options->device);
    else
        os_loop_end(&rig->loop, -ETIMEDOUT);
}

static void advance(struct os_machine *machine, instant now)
{
    struct rig *rig = CONTAINER_OF(machine, struct rig, dhcp_turn);

    dhcp_client_advance(rig->dhcp, now);
    look(rig, now);
}

/* --- beginning and end -------------------------------------------------------------------- */

static int wait_for_lease(struct rig *rig, struct refusal *refusal)
{
    const char *device = rig->options->device;

    int result = os_loop_run(&rig->loop);
    os_loop_reset(&rig->loop);
    if (rig->lease == LEASE_HELD)
        return 0;
    if (result == -ETIMEDOUT)
        return refuse(refusal, EXIT_FAILURE,
                      "--dhcp: no server has lent us an address in %d s; is one on the link of %s? "
                      "If not, give --addr",
                      (int)(PATIENCE / NS_PER_S), device);
    if (result < 0)
        return refuse(refusal, EXIT_FAILURE, "%s: %s; start again once it is there", device,
                      result == -ENETDOWN ? "it is gone" : strerror(-result));
    return refuse(refusal, EXIT_FAILURE, "--dhcp: stopped before there was an address");
}

int rig_take_lease(struct rig *rig, struct refusal *refusal)
{
    struct dhcp_client_config config = {
        .stack = rig->stack, .env = &rig->env.env, .told = told, .context = rig};
    instant now = os_now();

    if (!rig->options->dhcp)
        return 0;
    int err = dhcp_client_new(&config, now, &rig->dhcp);
    if (err)
        return refuse(refusal, EXIT_FAILURE, "--dhcp: %s", strerror(-err));
    rig->lease_look = instant_add(now, rig->options->dhcp_patient ? FIRST_LOOK : PATIENCE);
    rig->dhcp_turn = (struct os_machine){.deadline = deadline, .advance = advance};
    os_loop_add_machine(&rig->loop, &rig->dhcp_turn);
    return wait_for_lease(rig, refusal);
}

/* The machines of the verb have gone by now; ours alone is turned. */
void rig_return_lease(struct rig *rig)
{
    if (!rig->dhcp)
        return;
    if (dhcp_client_lease(rig->dhcp) && rig->loop.result != -ENETDOWN) {
        instant now = os_now();
        stack_advance(rig->stack, now);
        dhcp_client_release(rig->dhcp, now);
        rig->lease = LEASE_RETURNED;
        rig->lease_look = instant_add(now, RETURNING);
        rig->stop = NULL;
        os_loop_reset(&rig->loop);
        rig->loop.machines = &rig->dhcp_turn;
        rig->dhcp_turn.next = NULL;
        int ignored = os_loop_run(&rig->loop);
        (void)ignored; /* the server will find out by itself */
    }
    dhcp_client_free(rig->dhcp);
    rig->dhcp = NULL;
}
