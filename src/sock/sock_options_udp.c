/*
 * sock_options_udp.c - the options that only a socket of UDP has: which control messages it wants,
 * whom it may send to, how large a packet may be.
 */
#include <errno.h>
#include <netinet/in.h>

#include "sock/sock_table.h"

static const struct {
    int level, option;
    uint8_t want;
} switches[] = {
    {IPPROTO_IP, IP_PKTINFO, WANTS_PKTINFO},
    {IPPROTO_IP, IP_RECVTTL, WANTS_TTL},
    {IPPROTO_IP, IP_RECVTOS, WANTS_TOS},
    {IPPROTO_IP, IP_RECVOPTS, WANTS_OPTIONS},
    {IPPROTO_IP, IP_RETOPTS, WANTS_RETURN},
    {IPPROTO_IPV6, IPV6_RECVPKTINFO, WANTS_PKTINFO6},
    {IPPROTO_IPV6, IPV6_RECVHOPLIMIT, WANTS_HOP_LIMIT},
    {IPPROTO_IPV6, IPV6_RECVTCLASS, WANTS_TCLASS},
};

static uint8_t want_of(int level, int option)
{
    for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
        if (switches[i].level == level && switches[i].option == option)
            return switches[i].want;
    }
    return 0;
}

static bool is_group_ttl(int level, int option)
{
    return (level == IPPROTO_IP && option == IP_MULTICAST_TTL) ||
           (level == IPPROTO_IPV6 && option == IPV6_MULTICAST_HOPS);
}

static bool is_all_errors(int level, int option)
{
    return (level == IPPROTO_IP && option == IP_RECVERR) ||
           (level == IPPROTO_IPV6 && option == IPV6_RECVERR);
}

static bool is_mtu(int level, int option)
{
    return (level == IPPROTO_IP && option == IP_MTU) ||
           (level == IPPROTO_IPV6 && option == IPV6_MTU);
}

int sock_set_udp_option(struct udp *udp, struct udp_port *port, int level, int option, int number)
{
    uint8_t want = want_of(level, option);

    if (want) {
        port->wants = number ? port->wants | want : port->wants & (uint8_t)~want;
        port->takes_options = port->wants & (WANTS_OPTIONS | WANTS_RETURN);
        return 0;
    }
    if (is_group_ttl(level, option)) { /* -1: as it was */
        if (number < -1 || number > UINT8_MAX)
            return -EINVAL;
        port->group_ttl = number < 0 ? 1 : (uint8_t)number;
        return 0;
    }
    if (is_all_errors(level, option))
        port->all_errors = number != 0;
    else if (level == SOL_SOCKET && option == SO_BROADCAST)
        port->broadcast = number != 0;
    else if (level == SOL_SOCKET && option == SO_REUSEPORT)
        udp_set_reuse_port(udp, port, number != 0);
    else
        return -ENOPROTOOPT;
    return 0;
}

int sock_get_udp_option(const struct stack *stack, const struct udp_port *port, int level,
                        int option, int *number)
{
    uint8_t want = want_of(level, option);

    if (want)
        *number = (port->wants & want) != 0;
    else if (is_group_ttl(level, option))
        *number = port->group_ttl;
    else if (is_all_errors(level, option))
        *number = port->all_errors;
    else if (level == SOL_SOCKET && option == SO_BROADCAST)
        *number = port->broadcast;
    else if (level == SOL_SOCKET && option == SO_REUSEPORT)
        *number = port->reuse_port;
    else if (is_mtu(level, option) && port->is_connected)
        *number = (int)stack_path_mtu(stack, port->remote.addr);
    else
        return is_mtu(level, option) ? -ENOTCONN : -ENOPROTOOPT;
    return 0;
}
