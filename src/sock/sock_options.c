/*
 * sock_options.c - getsockopt() and setsockopt(): the values' layouts, and the level SOL_SOCKET.
 *
 * Switches are bits of the socket, or of its UDP port. Numbers lie in a struct tcp_tuning
 * (tcp/tuning.h) that exists only once one was set, and that the socket shares with its connection
 * or listener. So an option may come before there is a connection, and an accepted socket has its
 * listener's.
 *
 * Errors come in Linux's order: a bad number, a length that is too short, a bad address, an unknown
 * option, a bad value. A getsockopt() with too little room gets as much as fits.
 */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>

#include "sock/sock_table.h"

/* The true cost of a buffer is at least this (Linux: SOCK_MIN_SNDBUF, SOCK_MIN_RCVBUF). */
enum { SEND_BUFFER_MIN = 4608, RECEIVE_BUFFER_MIN = 2304, LINGER_MOST_S = INT16_MAX };

static bool is_of_tcp(const struct sock *sock)
{
    return sock->kind != SOCK_PING && sock->kind != SOCK_UDP;
}

/* --- values and layouts ------------------------------------------------------------------- */

int sock_get_int(const void *value, socklen_t len, int *out)
{
    if (len < sizeof(int) || len > INT_MAX)
        return -EINVAL;
    if (!value)
        return -EFAULT;
    memcpy(out, value, sizeof(int));
    return 0;
}

int sock_put(void *value, socklen_t *len, const void *from, size_t size)
{
    if (*len < size)
        size = *len;
    if (size > 0 && !value)
        return -EFAULT;
    if (size > 0)
        memcpy(value, from, size);
    *len = (socklen_t)size;
    return 0;
}

int sock_put_int(void *value, socklen_t *len, int number)
{
    return sock_put(value, len, &number, sizeof number);
}

/* --- tuning ------------------------------------------------------------------------------- */

/* Always a copy of its own while it is shared, with the connection too: that is how the connection
 * sees what has changed when it is handed over. */
struct tcp_tuning *sock_tune(struct stack *stack, struct sock *sock)
{
    return tuning_edit(&stack->tcp.tunings, &sock->tuning);
}

/* What is set on a listener is so on those that come to it, but for IP options: those are between
 * it and nobody, as on Linux. */
static struct tcp_tuning *tuning_for_callers(struct stack *stack, const struct sock *sock)
{
    struct tcp_tuning *tuning = tuning_share(sock->tuning), *own = NULL;

    if (tuning && tuning->ip_options.len > 0)
        own = tuning_edit(&stack->tcp.tunings, &tuning);
    if (own)
        own->ip_options = (struct ipv4_options){0};
    return tuning;
}

static void hand_over(struct stack *stack, struct sock *sock)
{
    if (sock->kind == SOCK_UDP)
        sock_udp_apply(stack, sock);
    if (sock->kind == SOCK_CONNECTION) {
        if (tcp_tuning(sock->conn) != sock->tuning)
            tcp_set_tuning(&stack->tcp, sock->conn, sock->tuning, stack->now);
    } else if (sock->kind == SOCK_LISTENING && sock->listener->tuning != sock->tuning) {
        tuning_drop(&stack->tcp.tunings, &sock->listener->tuning);
        sock->listener->tuning = tuning_for_callers(stack, sock);
    }
}

void sock_apply_options(struct stack *stack, struct sock *sock)
{
    hand_over(stack, sock);
    if (sock->kind == SOCK_LISTENING)
        sock->listener->keep_alive = sock->keep_alive;
    if (sock->kind != SOCK_CONNECTION)
        return;
    tcp_set_keep_alive(&stack->tcp, sock->conn, sock->keep_alive, stack->now);
    tcp_set_cork(&stack->tcp, sock->conn, sock->cork, stack->now);
    tcp_set_no_delay(&stack->tcp, sock->conn, sock->no_delay, stack->now);
}

/* --- SOL_SOCKET --------------------------------------------------------------------------- */

static int set_linger(struct stack *stack, struct sock *sock, const void *value, socklen_t len)
{
    struct linger linger;

    if (len < sizeof linger)
        return -EINVAL;
    memcpy(&linger, value, sizeof linger);
    if (linger.l_onoff && (linger.l_linger != 0 || sock->tuning)) {
        struct tcp_tuning *tuning = sock_tune(stack, sock);
        if (!tuning)
            return -ENOBUFS;
        bool most =
            linger.l_linger < 0 || linger.l_linger > LINGER_MOST_S; /* as good as for ever */
        tuning->linger_s = most ? LINGER_MOST_S : (int16_t)linger.l_linger;
    }
    sock->linger = linger.l_onoff != 0;
    return 0;
}

/* Nanoseconds; 0: for ever, negative: not at all. */
static int set_timeout(struct stack *stack, struct sock *sock, bool sending, const void *value,
                       socklen_t len)
{
    struct timeval time;

    if (len < sizeof time)
        return -EINVAL;
    memcpy(&time, value, sizeof time);
    if (time.tv_usec < 0 || time.tv_usec >= 1000000)
        return -EDOM;
    struct tcp_tuning *tuning = sock_tune(stack, sock);
    if (!tuning)
        return -ENOBUFS;
    int64_t ns = -1;
    if (time.tv_sec >= INT64_MAX / NS_PER_S)
        ns = 0;
    else if (time.tv_sec >= 0)
        ns = time.tv_sec * NS_PER_S + time.tv_usec * NS_PER_US;
    *(sending ? &tuning->send_timeout : &tuning->receive_timeout) = ns;
    return 0;
}

/* Twice what was asked for, within reason: the cost of text with what carries it. */
static uint32_t true_cost(int octets, int64_t min, int64_t most)
{
    int64_t cost = octets > 0 ? 2 * (int64_t)octets : octets < 0 ? most : min;

    cost = cost < most ? cost : most;
    return (uint32_t)(cost > min ? cost : min);
}

static int set_number(struct stack *stack, struct sock *sock, int option, int number)
{
    const struct stack_values *values = &stack->config.values;
    struct tcp_tuning *tuning = sock_tune(stack, sock);

    if (!tuning)
        return -ENOBUFS;
    if (option == SO_SNDBUF)
        tuning->send_buffer = true_cost(number, SEND_BUFFER_MIN, values->mem_send / 4);
    else if (option == SO_RCVBUF)
        tuning->receive_buffer = true_cost(number, RECEIVE_BUFFER_MIN, values->mem_frames / 4);
    else if (option == SO_PRIORITY)
        tuning->priority = (uint32_t)number;
    else
        tuning->mark = (uint32_t)number;
    return 0;
}

static int set_socket_option(struct stack *stack, struct sock *sock, int option, const void *value,
                             socklen_t len)
{
    int number;
    int err = sock_get_int(value, len, &number);

    if (err)
        return err;
    if (sock->kind == SOCK_UDP && (option == SO_BROADCAST || option == SO_REUSEPORT))
        return sock_set_udp_option(&stack->udp, sock->udp, SOL_SOCKET, option, number);
    switch (option) {
    case SO_REUSEADDR:
        sock->reuse_addr = number != 0;
        return 0;
    case SO_KEEPALIVE:
        sock->keep_alive = number != 0;
        return 0;
    case SO_LINGER:
        return set_linger(stack, sock, value, len);
    case SO_RCVTIMEO:
        return set_timeout(stack, sock, false, value, len);
    case SO_SNDTIMEO:
        return set_timeout(stack, sock, true, value, len);
    case SO_SNDBUF:
    case SO_RCVBUF:
    case SO_PRIORITY:
    case SO_MARK:
        return set_number(stack, sock, option, number);
    default: /* options are numbers, not an enum */
        return -ENOPROTOOPT;
    }
}

static int put_timeout(void *value, socklen_t *len, int64_t ns)
{
    int64_t wait = ns > 0 ? ns : 0;
    struct timeval time = {.tv_sec = wait / NS_PER_S, .tv_usec = wait % NS_PER_S / NS_PER_US};

    return sock_put(value, len, &time, sizeof time);
}

static int take_error(struct sock *sock)
{
    if (sock->kind == SOCK_UDP)
        return udp_take_error(sock->udp);
    return sock->kind == SOCK_CONNECTION ? tcp_take_error(sock->conn) : 0;
}

static int protocol_of(const struct sock *sock)
{
    if (sock->kind == SOCK_UDP)
        return IPPROTO_UDP;
    if (sock->kind != SOCK_PING)
        return IPPROTO_TCP;
    return sock->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
}

/* What a socket is, rather than what was set. */
static int get_nature(struct sock *sock, int option, void *value, socklen_t *len)
{
    switch (option) {
    case SO_ERROR:
        return sock_put_int(value, len, take_error(sock));
    case SO_TYPE:
        return sock_put_int(value, len, is_of_tcp(sock) ? SOCK_STREAM : SOCK_DGRAM);
    case SO_DOMAIN:
        return sock_put_int(value, len, sock->v6 ? AF_INET6 : AF_INET);
    case SO_PROTOCOL:
        return sock_put_int(value, len, protocol_of(sock));
    case SO_ACCEPTCONN:
        return sock_put_int(value, len, sock->kind == SOCK_LISTENING);
    default: /* options are numbers, not an enum */
        return -ENOPROTOOPT;
    }
}

/* True cost, both ways. What a datagram of UDP costs on its way out is bounded elsewhere; what is
 * set for it is kept, without effect. */
static int64_t buffer_of(const struct stack *stack, const struct sock *sock, bool sending)
{
    const struct stack_values *values = &stack->config.values;
    const struct tcp_tuning *tuning = tuning_or_default(sock->tuning);
    uint32_t set = sending ? tuning->send_buffer : tuning->receive_buffer;

    if (set)
        return set;
    if (sock->kind == SOCK_UDP)
        return values->udp_rmem;
    int64_t sends =
        values->tcp_wmem < values->tcp_wmem_first ? values->tcp_wmem : values->tcp_wmem_first;

    return sending ? sends : values->tcp_rmem;
}

static int get_socket_option(struct stack *stack, struct sock *sock, int option, void *value,
                             socklen_t *len)
{
    const struct tcp_tuning *tuning = tuning_or_default(sock->tuning);
    struct linger linger = {.l_onoff = sock->linger, .l_linger = tuning->linger_s};
    int number;

    if (sock->kind == SOCK_UDP &&
        sock_get_udp_option(stack, sock->udp, SOL_SOCKET, option, &number) == 0)
        return sock_put_int(value, len, number);

    switch (option) {
    case SO_REUSEADDR:
        return sock_put_int(value, len, sock->reuse_addr);
    case SO_KEEPALIVE:
        return sock_put_int(value, len, sock->keep_alive);
    case SO_LINGER:
        return sock_put(value, len, &linger, sizeof linger);
    case SO_SNDBUF:
    case SO_RCVBUF:
        return sock_put_int(value, len, (int)buffer_of(stack, sock, option == SO_SNDBUF));
    case SO_RCVTIMEO:
        return put_timeout(value, len, tuning->receive_timeout);
    case SO_SNDTIMEO:
        return put_timeout(value, len, tuning->send_timeout);
    case SO_PRIORITY:
        return sock_put_int(value, len, (int)tuning->priority);
    case SO_MARK:
        return sock_put_int(value, len, (int)tuning->mark);
    default: /* options are numbers, not an enum */
        return get_nature(sock, option, value, len);
    }
}

/* --- the calls ---------------------------------------------------------------------------- */

int sock_setsockopt(struct stack *stack, int s, int level, int option, const void *value,
                    socklen_t len)
{
    struct sock *sock = sock_find_talker(stack, s);
    int err = -ENOPROTOOPT;

    if (!sock)
        return -EBADF;
    if (len > INT_MAX)
        return -EINVAL;
    if (level == SOL_SOCKET)
        err = set_socket_option(stack, sock, option, value, len);
    else if (level == IPPROTO_TCP && is_of_tcp(sock))
        err = sock_set_tcp_option(stack, sock, option, value, len);
    else if (level == IPPROTO_IP || (level == IPPROTO_IPV6 && sock->v6))
        err = sock_set_ip_option(stack, sock, level, option, value, len);
    if (!err)
        sock_apply_options(stack, sock);
    return err;
}

/* One without an option of ours, UDP's, is a level all the same. */
static bool knows_level(const struct sock *sock, int level)
{
    return level == SOL_SOCKET || level == IPPROTO_IP || (level == IPPROTO_IPV6 && sock->v6) ||
           (level == IPPROTO_TCP && is_of_tcp(sock)) ||
           (level == IPPROTO_UDP && sock->kind == SOCK_UDP);
}

int sock_getsockopt(struct stack *stack, int s, int level, int option, void *value, socklen_t *len)
{
    struct sock *sock = sock_find_talker(stack, s);

    if (!sock)
        return -EBADF;
    if (!knows_level(sock, level))
        return sock->v6 ? -ENOPROTOOPT : -EOPNOTSUPP; /* Linux's two families disagree */
    if (!len)
        return -EFAULT;
    if (*len > INT_MAX)
        return -EINVAL;
    if (level == SOL_SOCKET)
        return get_socket_option(stack, sock, option, value, len);
    if (level == IPPROTO_TCP && is_of_tcp(sock))
        return sock_get_tcp_option(stack, sock, option, value, len);
    if (level == IPPROTO_IP || (level == IPPROTO_IPV6 && sock->v6))
        return sock_get_ip_option(stack, sock, level, option, value, len);
    return -ENOPROTOOPT;
}
