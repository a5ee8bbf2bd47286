/*
 * rig_tap.c - a rig over a TAP or a TUN.
 *
 * An interface that was there belongs to somebody: we attach to it, take its MTU, and change
 * neither its addresses nor whether it is up. One that we make gets all of these, and goes away
 * with its descriptor.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dev/tap.h"
#include "rig.h"

static const char *kind_of(const struct options *o)
{
    return o->config.link == STACK_LINK_IP ? "tun" : "tap";
}

static bool has_family(const struct options *o, struct ip_prefix host)
{
    if (o->dhcp && ip_is_v4(host.addr))
        return true;
    for (int i = 0; i < o->config.addr_count; i++)
        if (ip_is_v4(o->config.addr[i].addr) == ip_is_v4(host.addr))
            return true;
    return false;
}

/* The kernel's side and ours must see each other as neighbours. */
static int check_neighbours(const struct options *o, struct ip_prefix host, struct refusal *refusal)
{
    char theirs[IP_ADDR_TEXT], first[IP_ADDR_TEXT];

    if (o->dhcp && ip_is_v4(host.addr)) /* that will turn out */
        return 0;
    for (int i = 0; i < o->config.addr_count; i++)
        if (prefix_contains(o->config.addr[i], host.addr) &&
            prefix_contains(host, o->config.addr[i].addr))
            return 0;
    return refuse(refusal, EXIT_USAGE,
                  "the stack at %s/%d and the kernel at %s/%d share no network: set --host-addr to "
                  "an address in the stack's",
                  ip_addr_format(o->config.addr[0].addr, first), o->config.addr[0].len,
                  ip_addr_format(host.addr, theirs), host.len);
}

/* The kernel gets an address of each family that the stack has one of. */
static int check_host(const struct options *o, struct ip_prefix host, struct refusal *refusal)
{
    if (!has_family(o, host))
        return 0;
    for (int i = 0; i < o->config.addr_count; i++)
        if (ip_equal(o->config.addr[i].addr, host.addr))
            return refuse(refusal, EXIT_USAGE,
                          "the stack has the kernel's default address: set --host-addr to another");
    return check_neighbours(o, host, refusal);
}

/* An interface of that name is there: can we live with it? */
static int check_existing(struct rig *rig, const struct os_link *link, struct refusal *refusal)
{
    const struct options *o = rig->options;

    bool tun = o->config.link == STACK_LINK_IP;

    if (tun ? !link->is_tun : !link->is_tap)
        return refuse(refusal, EXIT_FAILURE,
                      "%s is there but is no %s interface; choose another with --dev %s:NAME",
                      o->device, tun ? "TUN" : "TAP", kind_of(o));
    if (o->mtu_given && o->config.mtu > link->mtu)
        return refuse(refusal, EXIT_FAILURE,
                      "--mtu %u: %s has %u; leave it out, or run 'ip link set %s mtu %u' first",
                      o->config.mtu, o->device, link->mtu, o->device, o->config.mtu);
    if (o->host_given)
        say("%s was there before: its addresses stay as they are, and --host-addr is not used",
            o->device);
    if (!link->up)
        say("%s is down and nothing can reach us: run 'ip link set %s up'", o->device, o->device);
    return 0;
}

static int check_new(struct rig *rig, struct refusal *refusal)
{
    const struct options *o = rig->options;

    if (rig->config.mtu > OS_LINK_TAP_MTU_MAX)
        return refuse(refusal, EXIT_USAGE, "--mtu %u: a TAP of Linux takes at most %d",
                      rig->config.mtu, OS_LINK_TAP_MTU_MAX);
    int status = check_host(o, o->host, refusal);
    return status ? status : check_host(o, o->host6, refusal);
}

static int refuse_tap(int err, const struct options *o, struct refusal *refusal)
{
    char why[300];

    return refuse(
        refusal, err == -EPERM || err == -EACCES ? EXIT_PERMISSION : EXIT_FAILURE, "%s",
        tap_explain(err, o->device, o->config.link == STACK_LINK_IP, true, why, sizeof why));
}

/* Addresses and raises the interface that we have just made. */
static int set_up(struct rig *rig, struct refusal *refusal)
{
    const struct options *o = rig->options;
    struct ip_prefix hosts[2];
    int count = 0;
    const char *doing;

    if (has_family(o, o->host))
        hosts[count++] = o->host;
    if (has_family(o, o->host6))
        hosts[count++] = o->host6;
    int err = os_link_up(o->device, hosts, count, rig->config.mtu, &doing);
    if (err == -EPERM || err == -EACCES)
        return refuse(refusal, EXIT_PERMISSION,
                      "may not %s %s: run as root or in 'unshare -rn', or let root set it up first",
                      doing, o->device);
    if (!err)
        err = tap_refresh(rig->tap);
    if (err)
        return refuse(refusal, EXIT_FAILURE, "cannot %s %s: %s", doing, o->device, strerror(-err));
    return 0;
}

/* What a peer on this machine sends waits in the device's queue until we read it, and what finds no
 * room there is lost. So unless it was set, the receive window is no larger than half of the queue
 * holds, in frames of the MTU: the other half is for ACKs and for others. */
static void respect_queue(struct stack_config *config, const struct os_link *link)
{
    int64_t holds = (int64_t)link->txqueuelen * config->mtu / 2;
    struct stack_values initial;

    values_default(&initial);
    if (holds > 0 && holds < config->values.tcp_rmem && config->values.tcp_rmem == initial.tcp_rmem)
        config->values.tcp_rmem = holds > 4 * (int64_t)config->mtu ? holds : 4 * config->mtu;
}

int rig_open_tap(struct rig *rig, struct refusal *refusal)
{
    const struct options *o = rig->options;
    struct os_link link;

    int err = os_link_info(o->device, &link);
    if (err)
        return refuse(refusal, EXIT_FAILURE, "cannot look at the interface %s: %s", o->device,
                      strerror(-err));
    if (!o->mtu_given)
        rig->config.mtu = link.exists ? link.mtu : MTU_DEFAULT;
    int status = link.exists ? check_existing(rig, &link, refusal) : check_new(rig, refusal);
    if (status)
        return status;

    struct tap_config config = {.name = o->device,
                                .tun = o->config.link == STACK_LINK_IP,
                                .offload = o->offload != OFFLOAD_OFF};
    err = tap_open(&config, &rig->tap);
    if (err)
        return refuse_tap(err, o, refusal);
    rig->dev = rig->tap;
    rig->created = config.created;
    status = config.created ? set_up(rig, refusal) : 0;
    if (status)
        return status;
    if (o->offload != OFFLOAD_OFF && !rig->tap->csum_offload)
        say("the kernel grants no checksum offload on %s: plain frames are used", o->device);
    rig->config.mtu = u32_min(rig->config.mtu, rig->tap->mtu);
    err = os_link_info(o->device, &link);
    rig->link_index = err ? 0 : link.index;
    rig->link_up = !err && link.up;
    if (!err)
        respect_queue(&rig->config, &link);
    return 0;
}
