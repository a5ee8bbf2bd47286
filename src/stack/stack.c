/*
 * stack.c - a stack is made, told the time, and looked into.
 *
 * All state hangs off one struct and comes from its pools, whose caps the config sets; two stacks
 * in one process know nothing of each other. Randomness is asked for once, here: every key that a
 * stranger must not guess. Time enters by the calls of tapio.h and by nothing else.
 */
#include <errno.h>

#include "stack/stack.h"
#include "tcp/demux.h"

/* --- configuration ------------------------------------------------------------------------ */

void stack_config_init(struct stack_config *config)
{
    *config = (struct stack_config){.size = sizeof(*config), .mtu = 1500};
    values_default(&config->values);
}

static const char *check_address(const struct stack_config *config, int index)
{
    const struct ip_prefix *p = &config->addr[index];

    if (!ip_is_v4(p->addr) && config->link == STACK_LINK_ETHERNET)
        return "an IPv6 address: IPv6 over Ethernet is not built in yet";
    if (!ip_is_v4(p->addr) && config->mtu < IPV6_MTU_MIN)
        return "IPv6 needs an MTU of 1280 or more (RFC 8200, 5)";
    if (p->len > (ip_is_v4(p->addr) ? 32 : 128))
        return "the prefix is longer than an address (32 bits for IPv4, 128 for IPv6)";
    if (ip_is_unspecified(p->addr) || ip_is_multicast(p->addr) || ip_is_loopback(p->addr) ||
        ip_is_limited_broadcast(p->addr) || ip_is_class_e(p->addr))
        return "an address that no station can have";
    if (prefix_is_broadcast(*p, p->addr))
        return "the address is its network's own number or broadcast address";
    for (int i = 0; i < index; i++) {
        if (ip_equal(config->addr[i].addr, p->addr))
            return "the same address twice";
    }
    return NULL;
}

static bool is_on_link(const struct stack_config *config, struct ip_addr addr)
{
    for (int i = 0; i < config->addr_count; i++) {
        if (prefix_contains(config->addr[i], addr))
            return true;
    }
    return false;
}

const char *stack_config_check(const struct stack_config *config)
{
    if (config->size != sizeof(*config))
        return "the config was made for another version: use stack_config_init()";
    if (config->mtu < 68 || config->mtu > 65535) /* RFC 791, 3.2 */
        return "the MTU must be 68 to 65535";
    if (config->link != STACK_LINK_ETHERNET && config->link != STACK_LINK_IP)
        return "a link of no kind that we know";
    if (mac_is_group(config->mac))
        return "the MAC address is a group address";
    if (config->addr_count < 0 || config->addr_count > STACK_ADDRS)
        return "too many addresses";
    for (int i = 0; i < config->addr_count; i++) {
        const char *wrong = check_address(config, i);
        if (wrong)
            return wrong;
    }
    if (config->link == STACK_LINK_ETHERNET && !ip_is_unspecified(config->gateway) &&
        !is_on_link(config, config->gateway))
        return "the gateway is not on the link of any address";
    if (values_wrong(&config->values))
        return "a value is outside its limits";
    if (config->values.tcp_port_min > config->values.tcp_port_max)
        return "tcp.port_min is above tcp.port_max";
    return NULL;
}

/* --- making ------------------------------------------------------------------------------- */

struct keys {
    struct hash_key isn, table, port, ts, arp, limiter;
    uint64_t seed;
    uint8_t mac[6];
    struct hash_key cookie;
    struct hash_key udp_table, udp_port, path;
    struct hash_key reassembly, ids;
};

/* A locally administered address of our own making (IEEE 802, the U/L bit). */
static struct mac_addr made_up_mac(const struct keys *keys)
{
    struct mac_addr mac;

    memcpy(mac.octet, keys->mac, sizeof mac.octet);
    mac.octet[0] = (uint8_t)((mac.octet[0] & ~1) | 2);
    return mac;
}

static int init_transports(struct stack *s, const struct keys *keys)
{
    const struct stack_values *values = &s->config.values;
    struct tcp_config tcp = {.memory = &s->memory,
                             .events = &s->events,
                             .wheel = &s->wheel,
                             .timer_owner = OWNER_TCP,
                             .syn_timer_owner = OWNER_SYN_CACHE,
                             .time_wait_timer_owner = OWNER_TIME_WAIT,
                             .values = values,
                             .mtu = s->config.mtu,
                             .stations =
                                 s->config.link == STACK_LINK_ETHERNET ? s->arp.entries.cap : 0,
                             .isn_key = keys->isn,
                             .table_key = keys->table,
                             .port_key = keys->port,
                             .ts_key = keys->ts,
                             .cookie_key = keys->cookie,
                             .seed = keys->seed};
    int err = tcp_init(&s->tcp, &tcp);
    if (err)
        return err;
    struct udp_config udp = {.memory = &s->memory,
                             .events = &s->events,
                             .ready = &s->tcp.ready,
                             .values = values,
                             .table_key = keys->udp_table,
                             .port_key = keys->udp_port};
    err = udp_init(&s->udp, &udp);
    if (err)
        tcp_fini(&s->tcp);
    return err;
}

/* What src/sock and the pings take theirs from. */
static int init_sockets(struct stack *s)
{
    const struct stack_values *values = &s->config.values;
    uint32_t count = (uint32_t)values->sock_sockets;
    int err = pool_init(&s->sockets, &s->memory, "sockets", STACK_SOCKET_SIZE, count);

    if (!err)
        err = pool_init(&s->socket_names, &s->memory, "names of sockets", STACK_SOCKET_NAME_SIZE,
                        count);
    if (!err)
        err = pool_init(&s->epoll_sets, &s->memory, "epoll sets", STACK_EPOLL_SET_SIZE,
                        (uint32_t)values->sock_epoll_sets);
    if (!err)
        err = pool_init(&s->epoll_items, &s->memory, "epoll items", STACK_EPOLL_ITEM_SIZE,
                        (uint32_t)values->sock_epoll_items);
    if (!err)
        err = pool_init(&s->ping_ports, &s->memory, "ping ports", sizeof(struct ping_port),
                        PING_PORTS);
    return err;
}

/* Also after an init_sockets() that failed. */
static void fini_sockets(struct stack *s)
{
    pool_fini(&s->ping_ports);
    pool_fini(&s->epoll_items);
    pool_fini(&s->epoll_sets);
    pool_fini(&s->socket_names);
    pool_fini(&s->sockets);
}

static int init_layers(struct stack *s, const struct keys *keys)
{
    const struct stack_values *values = &s->config.values;
    int err = frame_pool_init(&s->frames, &s->memory, (uint64_t)values->mem_frames);

    if (err)
        return err;
    err = init_sockets(s);
    if (err)
        goto no_events;
    err = events_init(&s->events, &s->memory, (uint32_t)values->see_ring);
    if (err)
        goto no_events;
    struct arp_config arp = {.memory = &s->memory,
                             .events = &s->events,
                             .wheel = &s->wheel,
                             .timer_owner = OWNER_ARP,
                             .values = values,
                             .mac = s->config.mac,
                             .addrs = s->config.addr,
                             .addr_count = s->config.addr_count,
                             .gateway = s->config.gateway,
                             .key = keys->arp};
    err = arp_init(&s->arp, &arp);
    if (err)
        goto no_arp;
    err = init_transports(s, keys);
    if (err)
        goto no_transports;
    struct reassembly_config reassembly = {.memory = &s->memory,
                                           .wheel = &s->wheel,
                                           .events = &s->events,
                                           .key = keys->reassembly,
                                           .seed = keys->reassembly.k0 ^ keys->seed,
                                           .mtu = s->config.mtu,
                                           .timer_owner = OWNER_REASSEMBLY};
    err = reassembly_init(&s->reassembly, &reassembly);
    if (err)
        goto no_reassembly;
    s->ids.key = keys->ids;
    return 0;
no_reassembly:
    udp_fini(&s->udp);
    tcp_fini(&s->tcp);
no_transports:
    arp_fini(&s->arp);
no_arp:
    events_fini(&s->events, &s->memory);
no_events:
    fini_sockets(s);
    frame_pool_fini(&s->frames);
    return err;
}

struct stack *stack_new(const struct stack_config *config, const struct env *env)
{
    struct memory memory = {.env = env};
    struct keys keys;

    if (stack_config_check(config) || env->random(env->context, &keys, sizeof keys))
        return NULL;
    struct stack *s = memory_alloc(&memory, sizeof(*s));
    if (!s)
        return NULL;
    s->env = *env;
    s->memory = (struct memory){.env = &s->env, .octets = memory.octets};
    s->config = *config;
    if (s->config.link == STACK_LINK_ETHERNET && mac_is_zero(s->config.mac))
        s->config.mac = made_up_mac(&keys);
    s->ip = (struct ip_config){.addrs = s->config.addr,
                               .addr_count = s->config.addr_count,
                               .gateway = s->config.gateway,
                               .point_to_point = s->config.link == STACK_LINK_IP};
    s->next_ping = (uint16_t)keys.seed;
    for (size_t i = 0; i < PING_PORTS; i++)
        list_init(&s->pings[i]);
    for (size_t i = 0; i < STACK_BOUND_LISTS; i++)
        list_init(&s->bound[i]);
    list_init(&s->told);
    wheel_init(&s->wheel, s->now);
    pmtu_init(&s->paths, keys.path);
    icmp_limiter_init(&s->limiter, &s->config.values, keys.limiter, s->now);
    if (init_layers(s, &keys)) {
        memory_release(&memory, s, sizeof(*s));
        return NULL;
    }
    if (s->config.link == STACK_LINK_ETHERNET)
        arp_announce(&s->arp, s->now);
    return s;
}

void stack_free(struct stack *s)
{
    if (!s)
        return;
    reassembly_fini(&s->reassembly);
    arp_fini(&s->arp); /* before the connections: its timers share the wheel's lists with theirs */
    udp_fini(&s->udp);
    tcp_fini(&s->tcp);
    events_fini(&s->events, &s->memory);
    fini_sockets(s);
    frame_pool_fini(&s->frames);
    struct env env = s->env;
    struct memory memory = {.env = &env, .octets = sizeof(*s)};
    memory_release(&memory, s, sizeof(*s));
}

/* --- time --------------------------------------------------------------------------------- */

instant stack_deadline(const struct stack *s)
{
    return wheel_deadline(&s->wheel);
}

struct hop {
    const struct ip_config *ip;
    struct ip_addr addr;
};

/* Is the remote address reached through the station that `cookie` names? */
static bool is_behind(void *cookie, struct ip_addr remote)
{
    const struct hop *who = cookie;
    struct route route;

    return route_lookup(who->ip, remote, &route) == 0 && ip_equal(route.next_hop, who->addr);
}

void stack_advance(struct stack *s, instant now)
{
    struct hop who = {.ip = &s->ip};

    stack_tell_time(s, now);
    for (struct timer *timer; (timer = wheel_expire(&s->wheel, s->now));) {
        if (timer->owner == OWNER_TCP)
            tcp_timer(&s->tcp, timer, s->now);
        else if (timer->owner == OWNER_SYN_CACHE)
            tcp_syn_timer(&s->tcp, timer, s->now);
        else if (timer->owner == OWNER_TIME_WAIT)
            tcp_time_wait_timer(&s->tcp, s->now);
        else if (timer->owner == OWNER_REASSEMBLY)
            stack_fragment_timeout(s, timer);
        else
            arp_timer(&s->arp, timer, s->now);
    }
    while (arp_next_failed(&s->arp, &who.addr))
        tcp_unreachable_behind(&s->tcp, is_behind, &who, EHOSTUNREACH, s->now);
}

bool stack_owes(const struct stack *s)
{
    return !list_is_empty(&s->tcp.debtors) || s->replies.len > 0 || !list_is_empty(&s->tcp.ready) ||
           !list_is_empty(&s->told) || arp_owes(&s->arp);
}

/* --- looking in --------------------------------------------------------------------------- */

const struct stack_config *stack_config(const struct stack *s)
{
    return &s->config;
}

instant stack_now(const struct stack *s)
{
    return s->now;
}

void stack_counters(const struct stack *s, struct stack_counters *out)
{
    *out = s->events.counters;
    out->events[COUNTER_MEM_FAIL] = s->memory.failures;
}

void stack_usage(const struct stack *s, struct stack_usage *out)
{
    *out = (struct stack_usage){.frames = s->frames.out,
                                .send_chunks = s->tcp.send_pools.out,
                                .connections = s->tcp.conns.used + s->tcp.syn.entries.used +
                                               s->tcp.time_wait.entries.used,
                                .half_open = s->tcp.syn.entries.used,
                                .time_wait = s->tcp.time_wait.entries.used,
                                .orphans = s->tcp.orphans,
                                .listeners = s->tcp.listener_pool.used,
                                .sockets = s->sockets.used,
                                .tunings = s->tcp.tunings.used,
                                .senders = s->tcp.senders.used,
                                .ranges = s->tcp.ranges.used,
                                .epoll_items = s->epoll_items.used,
                                .receivers = s->tcp.receivers.used,
                                .islands = s->tcp.islands.used,
                                .timers = s->wheel.armed - arp_timers(&s->arp)};
}

uint64_t stack_memory_used(const struct stack *s)
{
    return s->memory.octets;
}

uint64_t stack_memory_cap(const struct stack *s)
{
    const struct tcp *tcp = &s->tcp;

    return s->frames.cap + tcp->send_pools.cap + pool_cap_octets(&tcp->conns) +
           pool_cap_octets(&tcp->islands) + pool_cap_octets(&tcp->receivers) +
           pool_cap_octets(&tcp->listener_pool) + syn_cache_cap_octets(&tcp->syn) +
           tw_cap_octets(&tcp->time_wait) + pool_cap_octets(&tcp->senders) +
           pool_cap_octets(&tcp->ranges) + pool_cap_octets(&tcp->tunings) +
           pool_cap_octets(&s->epoll_sets) + pool_cap_octets(&s->epoll_items) +
           pool_cap_octets(&s->sockets) + pool_cap_octets(&s->socket_names) +
           pool_cap_octets(&s->ping_ports) + pool_cap_octets(&s->arp.entries) +
           pool_cap_octets(&s->reassembly.queues) + pool_cap_octets(&s->reassembly.pieces) +
           demux_octets(tcp) + tcp_parking_octets(tcp) + udp_memory_cap(&s->udp) +
           s->events.ring_len * sizeof(struct event) + sizeof(*s);
}

void stack_listen(struct stack *s, struct event_sink *sink)
{
    sink->next = s->events.sinks;
    s->events.sinks = sink;
}

void stack_unlisten(struct stack *s, struct event_sink *sink)
{
    for (struct event_sink **link = &s->events.sinks; *link; link = &(*link)->next) {
        if (*link == sink) {
            *link = sink->next;
            return;
        }
    }
}

const struct event *stack_decision(const struct stack *s, size_t back)
{
    return events_decision(&s->events, back);
}

uint64_t stack_decisions_made(const struct stack *s)
{
    return s->events.decisions;
}

struct frame *stack_frame(struct stack *s, size_t room)
{
    return frame_get(&s->frames, room);
}
