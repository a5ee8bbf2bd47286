/*
 * options_stack.c - the stack options: what each takes, and how they fit.
 *
 * A mistake in a command line must not leave half a device behind, so everything that can be known
 * without the machine is checked here, in two rounds: each value alone as it is read, and in
 * stack_options_check() how they fit each other (a gateway must be on the link, no two addresses
 * equal). --set and --profile are applied last, the profile first, whatever their order was: a
 * single value is more particular than a group.
 *
 * Names that the contract promises but that nothing stands behind yet are accepted as such and
 * refused with status 1, so that "later" and "never heard of it" (status 2) can be told apart.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/base.h"
#include "dev/impair.h"
#include "dev/stream.h"
#include "options.h"
#include "see/log.h"

/* --- each option alone -------------------------------------------------------------------- */

static int later(struct refusal *refusal, const char *option, const char *text)
{
    return refuse(refusal, EXIT_FAILURE, "%s %s: not built in yet", option, text);
}

bool addr_is_host(struct ip_addr addr)
{
    if (ip_is_v4(addr) && ip_to_v4(addr) >> 24 == 0)
        return false;
    return !ip_is_unspecified(addr) && !ip_is_loopback(addr) && !ip_is_multicast(addr) &&
           !ip_is_class_e(addr) && !ip_is_limited_broadcast(addr);
}

const char *options_no_peer(const struct options *o, struct ip_addr peer)
{
    if (ip_is_loopback(peer))
        return "loopback ends in our own stack, where nobody is; the machine's own side of the "
               "link "
               "has the address of --host-addr, 10.9.0.1 at first";
    if (!addr_is_host(peer))
        return "no station can have this address";
    for (int i = 0; i < o->config.addr_count; i++) {
        if (ip_equal(o->config.addr[i].addr, peer))
            return "our own address; give another station's, or ourselves another with --addr";
        if (prefix_is_broadcast(o->config.addr[i], peer))
            return "the broadcast address or the number of our network; give that of one station";
    }
    return NULL;
}

/* An address with its prefix that a station on a link can have. */
static int take_prefix(const char *option, const char *text, struct ip_prefix *out,
                       struct refusal *refusal)
{
    struct ip_addr bare;

    if (ip_prefix_parse(text, out)) {
        if (!ip_addr_parse(text, &bare))
            return refuse(refusal, EXIT_USAGE, "%s %s: the prefix is missing: try %s/24", option,
                          text, text);
        return refuse(refusal, EXIT_USAGE,
                      "%s %s: not an address with a prefix of 0 to 32, such as 10.9.0.2/24", option,
                      text);
    }
    if (!addr_is_host(out->addr))
        return refuse(refusal, EXIT_USAGE, "%s %s: no station can have this address", option, text);
    if (prefix_is_broadcast(*out, out->addr))
        return refuse(refusal, EXIT_USAGE,
                      "%s %s: this is the network's own number or its broadcast address", option,
                      text);
    return 0;
}

static int take_addr(const char *option, const char *text, struct ip_addr *out,
                     struct refusal *refusal)
{
    if (ip_addr_parse(text, out))
        return refuse(refusal, EXIT_USAGE, "%s %s: not an address, such as 10.9.0.1", option, text);
    if (!addr_is_host(*out))
        return refuse(refusal, EXIT_USAGE, "%s %s: no station can have this address", option, text);
    return 0;
}

static int take_stream(struct options *o, const char *text, struct refusal *refusal)
{
    const char *path = strchr(text, ':') + 1;

    if (!*path || strlen(path) > STREAM_PATH_MAX)
        return refuse(refusal, EXIT_USAGE, "--dev %.40s: the path of a socket has 1 to %d octets",
                      text, STREAM_PATH_MAX);
    o->config.link = STACK_LINK_ETHERNET;
    o->stream = path;
    snprintf(o->device, sizeof o->device, "stream");
    return 0;
}

static int take_dev(void *context, const char *text, struct refusal *refusal)
{
    struct options *o = context;

    if (strncmp(text, "pcap:", 5) == 0)
        return later(refusal, "--dev", text);
    o->stream = NULL;
    o->device_given = true;
    if (strncmp(text, "stream:", 7) == 0)
        return take_stream(o, text, refusal);
    o->config.link = strncmp(text, "tun:", 4) == 0 ? STACK_LINK_IP : STACK_LINK_ETHERNET;
    if (o->config.link == STACK_LINK_ETHERNET && strncmp(text, "tap:", 4) != 0)
        return refuse(refusal, EXIT_USAGE, "--dev %s: name its kind too, as in --dev tap:tap0",
                      text);
    if (!os_link_name_is_valid(text + 4))
        return refuse(refusal, EXIT_USAGE,
                      "--dev %s: an interface name has 1 to 15 letters or digits", text);
    snprintf(o->device, sizeof o->device, "%s", text + 4);
    return 0;
}

static int take_stack_addr(void *context, const char *text, struct refusal *refusal)
{
    struct options *o = context;
    struct ip_prefix addr;

    int status = take_prefix("--addr", text, &addr, refusal);
    if (status)
        return status;
    if (o->config.addr_count == STACK_ADDRS)
        return refuse(refusal, EXIT_USAGE, "--addr %s: at most %d addresses", text, STACK_ADDRS);
    for (int i = 0; i < o->config.addr_count; i++)
        if (ip_equal(o->config.addr[i].addr, addr.addr))
            return refuse(refusal, EXIT_USAGE, "--addr %s: given twice", text);
    o->config.addr[o->config.addr_count++] = addr;
    o->addr_given = true;
    return 0;
}

static int take_host_addr(void *context, const char *text, struct refusal *refusal)
{
    struct options *o = context;
    struct ip_prefix host;

    int status = take_prefix("--host-addr", text, &host, refusal);
    if (status)
        return status;
    *(ip_is_v4(host.addr) ? &o->host : &o->host6) = host;
    o->host_given = true;
    return 0;
}

static int take_gateway(void *context, const char *text, struct refusal *refusal)
{
    struct options *o = context;
    return take_addr("--gateway", text, &o->config.gateway, refusal);
}

static int take_dns(void *context, const char *text, struct refusal *refusal)
{
    struct options *o = context;
    return take_addr("--dns", text, &o->dns, refusal);
}

static int take_dhcp(void *context, const char *text, struct refusal *refusal)
{
    struct options *o = context;

    (void)text;
    (void)refusal;
    o->dhcp = true;
    return 0;
}

static int take_mac(void *context, const char *text, struct refusal *refusal)
{
    struct options *o = context;

    if (mac_addr_parse(text, &o->config.mac))
        return refuse(refusal, EXIT_USAGE, "--mac %s: not a MAC address, such as 02:00:5e:10:00:02",
                      text);
    if (mac_is_group(o->config.mac))
        return refuse(refusal, EXIT_USAGE,
                      "--mac %s: a group address (its first octet is odd); a station's is even",
                      text);
    if (mac_is_zero(o->config.mac))
        return refuse(refusal, EXIT_USAGE, "--mac %s: no station can have this address", text);
    o->mac_given = true;
    return 0;
}

static int take_mtu(void *context, const char *text, struct refusal *refusal)
{
    struct options *o = context;
    uint64_t mtu;

    if (!number_parse(text, MTU_MIN, MTU_MAX, &mtu))
        return refuse(refusal, EXIT_USAGE, "--mtu %s: not a number from %d to %d", text, MTU_MIN,
                      MTU_MAX);
    o->config.mtu = (uint32_t)mtu;
    o->mtu_given = true;
    return 0;
}

static int take_queues(void *context, const char *text, struct refusal *refusal)
{
    uint64_t queues;

    (void)context;
    if (!number_parse(text, 1, 256, &queues))
        return refuse(refusal, EXIT_USAGE, "--queues %s: not a number from 1 to 256", text);
    return queues == 1 ? 0 : later(refusal, "--queues", text);
}

static int take_offload(void *context, const char *text, struct refusal *refusal)
{
    struct options *o = context;
    return offload_take(&o->offload, text, refusal);
}

static int take_capture(void *context, const char *text, struct refusal *refusal)
{
    struct options *o = context;

    if (!*text)
        return refuse(refusal, EXIT_USAGE, "--capture needs the name of a file, or -");
    o->capture = text;
    return 0;
}

static int take_capture_raw(void *context, const char *text, struct refusal *refusal)
{
    struct options *o = context;

    (void)text;
    (void)refusal;
    o->capture_raw = true;
    return 0;
}

static int take_impair(void *context, const char *text, struct refusal *refusal)
{
    struct options *o = context;
    return impairs_take(&o->impairs, text, refusal);
}

static int take_set(void *context, const char *text, struct refusal *refusal)
{
    struct options *o = context;

    if (o->set_count == OPTIONS_SETS)
        return refuse(refusal, EXIT_USAGE, "--set %s: at most %d of them", text, OPTIONS_SETS);
    o->set[o->set_count++] = text;
    return 0;
}

static int take_profile(void *context, const char *text, struct refusal *refusal)
{
    struct options *o = context;
    return profile_take(&o->profile, text, refusal);
}

static int take_seed(void *context, const char *text, struct refusal *refusal)
{
    struct options *o = context;

    o->seeded = true;
    return seed_take(&o->seed, text, refusal);
}

static int take_control(void *context, const char *text, struct refusal *refusal)
{
    struct options *o = context;

    if (!*text)
        return refuse(refusal, EXIT_USAGE, "--control needs the path of a socket");
    o->control = text;
    return 0;
}

static int take_ready_fd(void *context, const char *text, struct refusal *refusal)
{
    struct options *o = context;
    return ready_fd_take(&o->ready_fd, text, refusal);
}

static int take_log(void *context, const char *text, struct refusal *refusal)
{
    struct options *o = context;
    struct log trial;
    char why[LOG_WHY];

    log_init(&trial, NULL, (instant){0});
    if (log_parse(&trial, text, why))
        return refuse(refusal, EXIT_USAGE, "--log %s: %s", text, why);
    o->log = text;
    return 0;
}

/* clang-format off */
const struct option_row stack_option_rows[STACK_OPTIONS] = {
    {"dev",         0, "KIND:NAME",   "the device: tap:NAME or tun:NAME, created when absent (default tap:tap0), or stream:PATH, a UNIX socket of passt or QEMU; later pcap:", take_dev},
    {"addr",        0, "ADDR/PREFIX", "an address of the stack, repeatable (default 10.9.0.2/24)", take_stack_addr},
    {"host-addr",   0, "ADDR/PREFIX", "the kernel's address on a device that we create, one of each family (default 10.9.0.1/24, fd00:9::1/64)", take_host_addr},
    {"gateway",     0, "ADDR",        "where packets beyond the link go", take_gateway},
    {"dns",         0, "ADDR",        "whom to ask for names", take_dns},
    {"dhcp",        0, NULL,          "ask a DHCP server for the address, the gateway and whom to ask for names", take_dhcp},
    {"mac",         0, "MAC",         "the stack's Ethernet address (default: made up)", take_mac},
    {"mtu",         0, "N",           "octets of an IP packet, 68 to 65535 (default: the device's, or 1500)", take_mtu},
    {"queues",      0, "N",           "queues of the device (1; more come later)", take_queues},
    {"offload",     0, "on|off",      "checksum offload (default: on where the kernel grants it)", take_offload},
    {"capture",     0, "FILE|-",      "write annotated pcapng", take_capture},
    {"capture-raw", 0, NULL,          "capture frames as handed to the device", take_capture_raw},
    {"impair",      0, "SPEC",        "make the link worse, repeatable: loss=1%,dup=0.1%,reorder=2%,corrupt=0.1%,delay=20ms,jitter=5ms,rate=100mbit,seed=7 (prefix in: or out:)", take_impair},
    {"set",         0, "KEY=VALUE",   "change a value, repeatable; --set help lists them", take_set},
    {"profile",     0, "NAME",        "a group of values: default, rfc, linux, freebsd", take_profile},
    {"seed",        0, "N",           "make random choices repeatable, and predictable", take_seed},
    {"control",     0, "PATH",        "where to look into the running stack: a socket for tapio ss and capture (serve has one anyway)", take_control},
    {"ready-fd",    0, "N",           "write a line to this descriptor when ready, and close it", take_ready_fd},
    {"log",         0, "SPEC",        "log events to stderr, such as tcp=debug,arp=info", take_log},
};
/* clang-format on */

/* --- how they fit ------------------------------------------------------------------------- */

static int check_values(struct options *o, struct refusal *refusal)
{
    if (o->profile && values_profile(&o->config.values, o->profile))
        return refuse(refusal, EXIT_USAGE, "--profile %s: cannot be used", o->profile);
    for (int i = 0; i < o->set_count; i++) {
        int status = value_take(o->set[i], &o->config.values, refusal);
        if (status)
            return status;
    }
    return 0;
}

static int check_gateway(const struct options *o, struct refusal *refusal)
{
    char text[IP_ADDR_TEXT];
    struct ip_addr gateway = o->config.gateway;

    if (ip_is_unspecified(gateway))
        return 0;
    for (int i = 0; i < o->config.addr_count; i++)
        if (ip_equal(o->config.addr[i].addr, gateway))
            return refuse(refusal, EXIT_USAGE, "--gateway %s: this is our own address",
                          ip_addr_format(gateway, text));
    for (int i = 0; i < o->config.addr_count; i++)
        if (prefix_contains(o->config.addr[i], gateway) &&
            !prefix_is_broadcast(o->config.addr[i], gateway))
            return 0;
    return refuse(refusal, EXIT_USAGE,
                  "--gateway %s: no station on the link; it must be in the network of an --addr",
                  ip_addr_format(gateway, text));
}

static int check_host(const struct options *o, struct ip_addr host, struct refusal *refusal)
{
    char text[IP_ADDR_TEXT];

    for (int i = 0; i < o->config.addr_count && o->host_given; i++)
        if (ip_equal(o->config.addr[i].addr, host))
            return refuse(refusal, EXIT_USAGE,
                          "--host-addr %s: the stack has this address; the kernel needs another",
                          ip_addr_format(host, text));
    return 0;
}

/* What the link cannot have, and only the whole line shows. */
static int check_link(const struct options *o, struct refusal *refusal)
{
    char text[IP_ADDR_TEXT];

    if (o->stream && o->host_given)
        return refuse(
            refusal, EXIT_USAGE,
            "--host-addr: a stream has no interface of the kernel's; leave it out, and give "
            "the peer its address where it is started");
    if (o->stream && o->offload == OFFLOAD_ON)
        return refuse(refusal, EXIT_USAGE,
                      "--offload on: a stream carries whole frames only; leave it out");
    if (o->config.link == STACK_LINK_IP)
        return o->mac_given ? refuse(refusal, EXIT_USAGE,
                                     "--mac: a TUN has no Ethernet addresses; leave it out")
                            : 0;
    for (int i = 0; i < o->config.addr_count; i++)
        if (!ip_is_v4(o->config.addr[i].addr))
            return later(refusal, "--addr", ip_addr_format(o->config.addr[i].addr, text));
    if (!ip_is_v4(o->config.gateway) && !ip_is_unspecified(o->config.gateway))
        return later(refusal, "--gateway", ip_addr_format(o->config.gateway, text));
    return 0;
}

/* A lease names the address and the gateway, and needs a link with stations. */
static int check_dhcp(const struct options *o, struct refusal *refusal)
{
    if (!o->dhcp)
        return 0;
    if (o->config.link == STACK_LINK_IP)
        return refuse(refusal, EXIT_USAGE,
                      "--dhcp: a TUN has no Ethernet, which DHCP needs; use --dev tap:NAME");
    for (int i = 0; i < o->config.addr_count; i++)
        if (ip_is_v4(o->config.addr[i].addr))
            return refuse(refusal, EXIT_USAGE,
                          "--dhcp: the server names the address; leave --addr out, or --dhcp");
    if (!ip_is_unspecified(o->config.gateway))
        return refuse(refusal, EXIT_USAGE, "--dhcp: the server names the gateway; leave it out");
    return 0;
}

int stack_options_check(struct options *o, struct refusal *refusal)
{
    int status = check_link(o, refusal);
    if (!status)
        status = check_dhcp(o, refusal);
    if (!status)
        status = check_gateway(o, refusal);
    if (!status)
        status = check_host(o, o->host.addr, refusal);
    if (!status)
        status = check_host(o, o->host6.addr, refusal);
    if (!status)
        status = check_values(o, refusal);
    if (status)
        return status;
    const char *wrong = stack_config_check(&o->config);
    return wrong ? refuse(refusal, EXIT_USAGE, "%s", wrong) : 0;
}
