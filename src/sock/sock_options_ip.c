/*
 * sock_options_ip.c - the options of the levels IPPROTO_IP and IPPROTO_IPV6.
 *
 * A connection has one octet for the type of service and the traffic class, and one for the time to
 * live and the hop limit: it speaks one of the two. An AF_INET6 socket may be asked by either name.
 *
 * IP_OPTIONS are those of every IPv4 packet of a socket (ip/ipv4_options_wire.c says which). They
 * lie in its tuning. A source route is -EPERM: packets with one are refused here, and few routers
 * take them. An accepted connection has none: Linux gives it those of the SYN, turned round. Nor
 * has what is sent without a connection: resets, answers of TIME-WAIT, SYN cookies.
 */
#include <errno.h>
#include <netinet/in.h>

#include "sock/sock_table.h"

enum {
    ECN_MASK = 3,
    /* So that a segment with all options of IP and TCP has room for some text. */
    OPTIONS_MTU_MIN = IPV4_HEADER_MAX + TCP_HEADER_MAX + 8,
};

/* These options may be one octet long. */
static int get_int_or_octet(const void *value, socklen_t len, int *out)
{
    if (len >= sizeof(int))
        return sock_get_int(value, len, out);
    if (len < 1)
        return -EINVAL;
    if (!value)
        return -EFAULT;
    *out = *(const uint8_t *)value;
    return 0;
}

/* Not the two bits of ECN, which are TCP's; a program that speaks UDP may do as it likes. */
static uint8_t without_ecn(int tos)
{
    return (uint8_t)(tos & ~ECN_MASK);
}

static int set_number(struct tcp_tuning *tuning, const struct sock *sock, int level, int option,
                      int number)
{
    bool v4 = level == IPPROTO_IP;

    if ((v4 && option == IP_TOS) || (!v4 && option == IPV6_TCLASS)) {
        if (!v4 && (number < -1 || number > 255))
            return -EINVAL;
        if (!v4 && number < 0) /* the default; of IP_TOS the low octet counts */
            number = 0;
        tuning->tos = sock->kind == SOCK_UDP ? (uint8_t)number : without_ecn(number);
        return 0;
    }
    if ((v4 && option == IP_TTL) || (!v4 && option == IPV6_UNICAST_HOPS)) {
        if (number < -1 || number > 255 || number == 0)
            return -EINVAL;
        tuning->ttl = number < 0 ? 0 : (uint8_t)number;
        return 0;
    }
    if ((v4 && option == IP_MTU_DISCOVER) || (!v4 && option == IPV6_MTU_DISCOVER)) {
        if (number < IP_PMTUDISC_DONT || number > IP_PMTUDISC_OMIT)
            return -EINVAL;
        tuning->pmtu_discover = (uint8_t)(number + 1);
        return 0;
    }
    return -ENOPROTOOPT;
}

static bool is_unbound_udp(const struct sock *sock)
{
    return sock->kind == SOCK_UDP && sock->udp->local.port == 0;
}

/* --- IP_OPTIONS --------------------------------------------------------------------------- */

const struct ipv4_options *sock_ip_options(const struct sock *sock, struct ip_addr to)
{
    return sock->tuning && sock->tuning->ip_options.len > 0 && ip_is_v4(to)
               ? &sock->tuning->ip_options
               : NULL;
}

static int set_options(struct stack *stack, struct sock *sock, const void *value, socklen_t len)
{
    bool is_stream = sock->kind != SOCK_UDP && sock->kind != SOCK_PING;
    struct ipv4_options options;

    if (len > IPV4_OPTIONS_MAX)
        return -EINVAL;
    if (len > 0 && !value)
        return -EFAULT;
    int err = ipv4_options_take(bytes_of(value, len), &options);
    if (err)
        return err;
    if (options.len > 0 && is_stream && stack->config.mtu < OPTIONS_MTU_MIN)
        return -EINVAL;
    if (options.len == 0 && !sock->tuning)
        return 0;
    struct tcp_tuning *tuning = sock_tune(stack, sock);
    if (!tuning)
        return -ENOBUFS;
    tuning->ip_options = options;
    return 0;
}

/* --- the calls ---------------------------------------------------------------------------- */

int sock_set_ip_option(struct stack *stack, struct sock *sock, int level, int option,
                       const void *value, socklen_t len)
{
    struct tcp_tuning scratch = {.references = 1};
    int number;

    if (level == IPPROTO_IP && option == IP_OPTIONS)
        return set_options(stack, sock, value, len);
    int err = level == IPPROTO_IP ? get_int_or_octet(value, len, &number)
                                  : sock_get_int(value, len, &number);

    if (err)
        return err;
    if (level == IPPROTO_IPV6 && option == IPV6_V6ONLY) {
        if ((sock->kind != SOCK_FRESH || sock_is_bound(sock)) && !is_unbound_udp(sock))
            return -EINVAL;
        sock->v6_only = number != 0;
        return 0;
    }
    if (sock->kind == SOCK_UDP) {
        err = sock_set_udp_option(&stack->udp, sock->udp, level, option, number);
        if (err != -ENOPROTOOPT)
            return err;
    }
    err = set_number(&scratch, sock, level, option, number);
    if (err)
        return err;
    struct tcp_tuning *tuning = sock_tune(stack, sock);
    return tuning ? set_number(tuning, sock, level, option, number) : -ENOBUFS;
}

int sock_get_ip_option(struct stack *stack, struct sock *sock, int level, int option, void *value,
                       socklen_t *len)
{
    const struct tcp_tuning *tuning = tuning_or_default(sock->tuning);
    bool v4 = level == IPPROTO_IP;
    int number, err = 0;

    if (v4 && option == IP_OPTIONS)
        return sock_put(value, len, tuning->ip_options.octets, tuning->ip_options.len);
    if ((v4 && option == IP_TOS) || (!v4 && option == IPV6_TCLASS))
        number = tuning->tos;
    else if ((v4 && option == IP_TTL) || (!v4 && option == IPV6_UNICAST_HOPS))
        number = tuning->ttl ? tuning->ttl : (int)stack->config.values.ip_ttl;
    else if ((v4 && option == IP_MTU_DISCOVER) || (!v4 && option == IPV6_MTU_DISCOVER))
        number = tuning->pmtu_discover ? tuning->pmtu_discover - 1 : IP_PMTUDISC_WANT;
    else if (!v4 && option == IPV6_V6ONLY)
        number = sock->v6_only;
    else if (sock->kind != SOCK_UDP)
        return -ENOPROTOOPT;
    else
        err = sock_get_udp_option(stack, sock->udp, level, option, &number);
    if (err)
        return err;
    uint8_t octet = (uint8_t)number;
    if (v4 && *len > 0 && *len < sizeof number)
        return sock_put(value, len, &octet, sizeof octet);
    return sock_put_int(value, len, number);
}
