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

struct ipv4_options stack_record_options(const struct stack *s, struct bytes options,
                                         struct ip_addr ours)
{
    struct ipv4_options out = {.len = (uint8_t)options.len};

    assert(options.len <= IPV4_OPTIONS_MAX);
    memcpy(out.octets, options.at, options.len);
    ipv4_options_record(&out, ours, time_of_day_ms(s));
    return out;
}

struct ipv4_options stack_arrived_options(const struct stack *s, const struct ip_packet *ip)
{
    struct route route = {.src = ip->dst};

    if (ip->group && route_lookup(&s->ip, ip->src, &route))
        route.src = ip_from_v4(0);
    return stack_record_options(s, ip->header.v4.options, route.src);
}
