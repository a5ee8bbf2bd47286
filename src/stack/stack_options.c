/*
 * stack_options.c - what a host writes into the options of an IPv4 packet: its address and the
 * time.
 *
 * The time is that of the day, in milliseconds since midnight, universal time. Without a clock that
 * knows it any time will do, marked by the highest bit (RFC 791, 3.1; RFC 1122, 3.2.2.8).
 */
#include "stack/stack.h"

#define NOT_OF_THE_DAY UINT32_C(0x80000000)
#define DAY_MS         INT64_C(86400000)

static uint32_t time_of_day_ms(const struct stack *s)
{
    if (!s->env.wall_ns)
        return NOT_OF_THE_DAY | (uint32_t)(s->now.ns / NS_PER_MS % DAY_MS);
    int64_t ms = s->env.wall_ns(s->env.context) / NS_PER_MS;
    return (uint32_t)((ms % DAY_MS + DAY_MS) % DAY_MS);
}

static struct bytes record(const struct stack *s, struct ip_addr ours, struct ipv4_options *room)
{
    ipv4_options_record(room, ours, time_of_day_ms(s));
    return ipv4_options_bytes(room);
}

struct bytes stack_sent_options(const struct stack *s, const struct ipv4_options *options,
                                struct ip_addr src, struct ipv4_options *room)
{
    if (!options)
        return (struct bytes){0};
    *room = *options;
    return record(s, src, room);
}

struct bytes stack_arrived_options(const struct stack *s, const struct ip_packet *ip,
                                   struct ipv4_options *room)
{
    struct bytes options = ip->header.v4.options;
    struct route route = {.src = ip->dst};

    if (ip->group && route_lookup(&s->ip, ip->src, &route))
        route.src = ip_from_v4(0);
    room->len = (uint8_t)options.len;
    memcpy(room->octets, options.at, options.len);
    return record(s, route.src, room);
}
