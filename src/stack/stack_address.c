/*
 * stack_address.c - addresses come and go while the stack runs.
 *
 * They have one place, the stack's config; IP's view of it and the ARP cache read them there, and
 * are told here when there are more or fewer. Whoever chooses a source looks there too, each time,
 * so a new address serves from the next packet on. One that goes leaves three things behind that
 * already have it as their source, and all of them go too: connections, sockets named after it,
 * and packets that wait to be sent, be it for ARP.
 *
 * With an address or a gateway, the way to somewhere else may change: connections that wait for a
 * station to answer ARP try again, and find out whether it is still the one.
 */
#include <errno.h>

#include "stack/stack.h"

static int find(const struct stack *s, struct ip_addr addr)
{
    for (int i = 0; i < s->config.addr_count; i++)
        if (ip_equal(s->config.addr[i].addr, addr))
            return i;
    return -1;
}

static void tell(struct stack *s, const char *text, struct ip_addr addr)
{
    struct event event = {.type = EVENT_NOTE, .when = s->now, .note = {.text = text}};

    if (ip_is_v4(addr))
        event.note.value = ip_to_v4(addr);
    events_emit(&s->events, &event);
}

int stack_add_addr(struct stack *s, struct ip_prefix addr, instant now)
{
    struct stack_config trial = s->config;
    int at = find(s, addr.addr);

    stack_tell_time(s, now);
    if (at < 0 && trial.addr_count == STACK_ADDRS)
        return -ENOSPC;
    trial.addr[at < 0 ? trial.addr_count++ : at] = addr;
    if (stack_config_check(&trial))
        return -EINVAL;
    tcp_unpark_all(&s->tcp);
    if (at >= 0) {
        s->config.addr[at] = addr;
        s->last_route.known = false;
        return 0;
    }
    at = s->config.addr_count++;
    s->config.addr[at] = addr;
    s->ip.addr_count = s->config.addr_count;
    s->last_route.known = false;
    if (s->config.link == STACK_LINK_ETHERNET)
        arp_address_added(&s->arp, at, s->now);
    tell(s, "an address is ours now", addr.addr);
    return 0;
}

/* Whether a packet of ours comes from there. */
static bool is_from(const struct frame *packet, struct ip_addr addr)
{
    return ip_equal(ip_packet_of_ours(frame_bytes(packet)).src, addr);
}

static void forget_packets(struct stack *s, struct ip_addr addr)
{
    uint32_t waiting = s->replies.len;

    if (waiting > 0 && is_from(s->replies.head, addr))
        s->reply_cut = 0;
    while (waiting-- > 0) {
        struct frame *packet = frame_queue_take(&s->replies);
        if (is_from(packet, addr)) {
            events_count(&s->events, COUNTER_REPLY_DROP);
            frame_put(packet);
        } else {
            frame_queue_append(&s->replies, packet);
        }
    }
    if (s->config.link == STACK_LINK_ETHERNET)
        arp_drop_held(&s->arp, is_from, addr);
    if (s->released.packet && is_from(s->released.packet, addr)) {
        frame_put(s->released.packet);
        s->released.packet = NULL;
        s->released.cut = 0;
    }
}

int stack_remove_addr(struct stack *s, struct ip_addr addr, instant now)
{
    int at = find(s, addr);

    stack_tell_time(s, now);
    if (at < 0)
        return -EADDRNOTAVAIL;
    s->config.addr_count--;
    for (int i = at; i < s->config.addr_count; i++)
        s->config.addr[i] = s->config.addr[i + 1];
    s->ip.addr_count = s->config.addr_count;
    s->last_route.known = false;
    if (stack_set_gateway(s, s->config.gateway)) {
        int err = stack_set_gateway(s, (struct ip_addr){{0}});
        assert(!err);
    }
    if (s->config.link == STACK_LINK_ETHERNET)
        arp_address_removed(&s->arp, at, s->now);
    tcp_forget_address(&s->tcp, addr, s->now);
    udp_forget_address(&s->udp, addr);
    forget_packets(s, addr);
    stack_tell_room(s);
    tell(s, "an address is ours no more", addr);
    return 0;
}

int stack_set_gateway(struct stack *s, struct ip_addr gateway)
{
    struct stack_config trial = s->config;

    trial.gateway = gateway;
    if (stack_config_check(&trial))
        return -EINVAL;
    s->config.gateway = s->ip.gateway = gateway;
    s->last_route.known = false;
    if (s->config.link == STACK_LINK_ETHERNET)
        arp_set_gateway(&s->arp, gateway);
    tcp_unpark_all(&s->tcp);
    return 0;
}

/* --- before an address is ours ------------------------------------------------------------ */

int stack_claim_addr(struct stack *s, struct ip_addr addr, instant now)
{
    stack_tell_time(s, now);
    if (s->config.link != STACK_LINK_ETHERNET || !ip_is_v4(addr) || find(s, addr) >= 0)
        return -EINVAL;
    arp_claim(&s->arp, addr, s->now);
    return 0;
}

enum addr_claim stack_claim(const struct stack *s)
{
    return arp_claim_state(&s->arp);
}

void stack_end_claim(struct stack *s)
{
    arp_claim_end(&s->arp);
}
