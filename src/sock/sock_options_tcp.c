/*
 * sock_options_tcp.c - the options of the level IPPROTO_TCP, in Linux's units and bounds.
 */
#include <errno.h>
#include <linux/tcp.h>
#include <string.h>

#include "sock/sock_table.h"
#include "tcp/cc.h"

/* Linux's bounds. */
enum {
    MSS_MIN = 88,
    MSS_MAX = 32767,
    KEEP_SECONDS_MAX = 32767,
    KEEP_COUNT_MAX = 127,
    SYN_COUNT_MAX = 127,
    LINGER2_MAX_S = 120,
    WINDOW_CLAMP_MIN = 1152,
    RTO_FIRST_S = 1,
    RTO_MOST_S = 120,
    LINUX_CLOSE = 7,
    LINUX_LISTEN = 10,
};

/* TCP_DEFER_ACCEPT is told in seconds and kept as the <SYN,ACK>s that may time out within. */
static uint8_t retries_of(int seconds)
{
    int timeout = RTO_FIRST_S, period = RTO_FIRST_S;
    uint8_t retries = seconds > 0;

    while (seconds > period && retries < UINT8_MAX) {
        retries++;
        timeout = timeout * 2 < RTO_MOST_S ? timeout * 2 : RTO_MOST_S;
        period += timeout;
    }
    return retries;
}

static int seconds_of(uint8_t retries)
{
    int timeout = RTO_FIRST_S, period = retries > 0 ? RTO_FIRST_S : 0;

    for (int i = 1; i < retries; i++) {
        timeout = timeout * 2 < RTO_MOST_S ? timeout * 2 : RTO_MOST_S;
        period += timeout;
    }
    return period;
}

static bool is_in(int number, int min, int max)
{
    return number >= min && number <= max;
}

/* Can the option have this value? */
static bool is_possible(const struct sock *sock, int option, int number)
{
    switch (option) {
    case TCP_MAXSEG:
        return number == 0 || is_in(number, MSS_MIN, MSS_MAX);
    case TCP_KEEPIDLE:
    case TCP_KEEPINTVL:
        return is_in(number, 1, KEEP_SECONDS_MAX);
    case TCP_KEEPCNT:
        return is_in(number, 1, KEEP_COUNT_MAX);
    case TCP_SYNCNT:
        return is_in(number, 1, SYN_COUNT_MAX);
    case TCP_USER_TIMEOUT:
        return number >= 0;
    case TCP_INQ:
        return is_in(number, 0, 1);
    case TCP_WINDOW_CLAMP:
        return number != 0 || sock->kind == SOCK_FRESH;
    default: /* options are numbers, not an enum */
        return true;
    }
}

static int set_number(struct tcp_tuning *tuning, int option, int number)
{
    switch (option) {
    case TCP_MAXSEG:
        tuning->user_mss = (uint16_t)number;
        return 0;
    case TCP_KEEPIDLE:
        tuning->keep_idle_s = (uint32_t)number;
        return 0;
    case TCP_KEEPINTVL:
        tuning->keep_interval_s = (uint32_t)number;
        return 0;
    case TCP_KEEPCNT:
        tuning->keep_count = (uint8_t)number;
        return 0;
    case TCP_SYNCNT:
        tuning->syn_count = (uint8_t)number;
        return 0;
    case TCP_USER_TIMEOUT:
        tuning->user_timeout_ms = (uint32_t)number;
        return 0;
    case TCP_LINGER2:
        tuning->linger2_s = number < 0 ? -1 : number < LINGER2_MAX_S ? number : LINGER2_MAX_S;
        return 0;
    case TCP_DEFER_ACCEPT:
        tuning->defer_accept = retries_of(number);
        return 0;
    case TCP_WINDOW_CLAMP:
        tuning->window_clamp = number == 0 ? 0 : u32_max((uint32_t)number, WINDOW_CLAMP_MIN);
        return 0;
    case TCP_NOTSENT_LOWAT:
        tuning->notsent_lowat = (uint32_t)number;
        return 0;
    default: /* options are numbers, not an enum */
        return -ENOPROTOOPT;
    }
}

/* --- TCP_CONGESTION: a name, as Linux has them ------------------------------------------------ */

enum { CC_NAME_MAX = 16 }; /* TCP_CA_NAME_MAX */

static const char cc_names[CC_ALGORITHMS][CC_NAME_MAX] = {
    [CC_NEWRENO] = "reno", [CC_CUBIC] = "cubic"};

static int set_congestion(struct stack *stack, struct sock *sock, const void *value, socklen_t len)
{
    char name[CC_NAME_MAX] = "";

    if (len < 1)
        return -EINVAL;
    if (!value)
        return -EFAULT;
    memcpy(name, value, u32_min(len, CC_NAME_MAX - 1));
    for (int i = 0; i < CC_ALGORITHMS; i++) {
        if (strcmp(name, cc_names[i]) != 0)
            continue;
        struct tcp_tuning *tuning = sock_tune(stack, sock);
        if (!tuning)
            return -ENOBUFS;
        tuning->cc = (uint8_t)(i + 1);
        return 0;
    }
    return -ENOENT;
}

static int get_congestion(const struct stack *stack, const struct sock *sock, void *value,
                          socklen_t *len)
{
    uint8_t set = tuning_or_default(sock->tuning)->cc;
    int64_t algorithm = set ? set - 1 : stack->config.values.tcp_cc;

    return sock_put(value, len, cc_names[algorithm], CC_NAME_MAX);
}

/* Is it kept in the tuning? */
static bool is_number(int option)
{
    struct tcp_tuning scratch = {.references = 1};

    return set_number(&scratch, option, 0) == 0;
}

int sock_set_tcp_option(struct stack *stack, struct sock *sock, int option, const void *value,
                        socklen_t len)
{
    int number;

    if (option == TCP_CONGESTION)
        return set_congestion(stack, sock, value, len);
    int err = sock_get_int(value, len, &number);
    if (err)
        return err;
    if (!is_possible(sock, option, number))
        return -EINVAL;
    switch (option) {
    case TCP_NODELAY:
        sock->no_delay = number != 0;
        return 0;
    case TCP_CORK:
        sock->cork = number != 0;
        return 0;
    case TCP_INQ:
        sock->inq = number != 0;
        return 0;
    case TCP_QUICKACK:
        if (sock->kind == SOCK_CONNECTION)
            tcp_set_quick_ack(&stack->tcp, sock->conn, number != 0, stack->now);
        return 0;
    default: /* options are numbers, not an enum */
        break;
    }
    if (!is_number(option))
        return -ENOPROTOOPT;
    struct tcp_tuning *tuning = sock_tune(stack, sock);
    return tuning ? set_number(tuning, option, number) : -ENOBUFS;
}

/* --- reading ------------------------------------------------------------------------------ */

/* A socket without a connection, in the same words. */
static void no_figures(const struct stack *stack, const struct sock *sock,
                       struct sock_tcp_info *out)
{
    bool listens = sock->kind == SOCK_LISTENING;

    *out = (struct sock_tcp_info){.tcpi_state = listens ? LINUX_LISTEN : LINUX_CLOSE,
                                  .tcpi_rto =
                                      (uint32_t)(stack->config.values.tcp_rto_initial / NS_PER_US),
                                  .tcpi_snd_mss = 536,
                                  .tcpi_rcv_mss = 536,
                                  .tcpi_snd_cwnd = 10,
                                  .tcpi_snd_ssthresh = INT32_MAX,
                                  .tcpi_reordering = 3,
                                  .tcpi_min_rtt = UINT32_MAX};
    if (listens) {
        out->tcpi_unacked = sock->listener->waiting;
        out->tcpi_sacked = sock->listener->backlog;
    }
}

static int get_info(const struct stack *stack, const struct sock *sock, void *value, socklen_t *len)
{
    struct sock_tcp_info info;

    if (sock->kind == SOCK_CONNECTION)
        tcp_figures(&stack->tcp, sock->conn, stack->now, &info);
    else
        no_figures(stack, sock, &info);
    return sock_put(value, len, &info, sizeof info);
}

static int max_segment(const struct stack *stack, const struct sock *sock)
{
    struct sock_info info;
    int user = tuning_or_default(sock->tuning)->user_mss;

    if (sock->kind != SOCK_CONNECTION)
        return user ? user : 536;
    tcp_conn_info(&stack->tcp, sock->conn, &info);
    return (int)info.snd_mss;
}

/* `own` if it was set, else the stack's value, in seconds. */
static int seconds_or(int own, int64_t value)
{
    return own ? own : (int)(value / NS_PER_S);
}

static int get_number(const struct stack *stack, const struct sock *sock, int option, int *out)
{
    const struct tcp_tuning *tuning = tuning_or_default(sock->tuning);
    const struct stack_values *values = &stack->config.values;

    switch (option) {
    case TCP_NODELAY:
        *out = sock->no_delay;
        return 0;
    case TCP_CORK:
        *out = sock->cork;
        return 0;
    case TCP_INQ:
        *out = sock->inq;
        return 0;
    case TCP_QUICKACK:
        *out = sock->kind != SOCK_CONNECTION || tcp_quick_ack(sock->conn);
        return 0;
    case TCP_MAXSEG:
        *out = max_segment(stack, sock);
        return 0;
    case TCP_KEEPIDLE:
        *out = seconds_or((int)tuning->keep_idle_s, values->tcp_keepalive_idle);
        return 0;
    case TCP_KEEPINTVL:
        *out = seconds_or((int)tuning->keep_interval_s, values->tcp_keepalive_interval);
        return 0;
    case TCP_KEEPCNT:
        *out = tuning->keep_count ? tuning->keep_count : (int)values->tcp_keepalive_count;
        return 0;
    case TCP_SYNCNT:
        *out = tuning->syn_count ? tuning->syn_count : (int)values->tcp_syn_retries;
        return 0;
    case TCP_USER_TIMEOUT:
        *out = tuning->user_timeout_ms ? (int)tuning->user_timeout_ms
                                       : (int)(values->tcp_user_timeout / NS_PER_MS);
        return 0;
    case TCP_LINGER2:
        *out = seconds_or(tuning->linger2_s, values->tcp_fin_wait_2);
        return 0;
    case TCP_DEFER_ACCEPT:
        *out = seconds_of(tuning->defer_accept);
        return 0;
    case TCP_WINDOW_CLAMP:
        *out = (int)tuning->window_clamp;
        return 0;
    case TCP_NOTSENT_LOWAT:
        *out = (int)tuning->notsent_lowat;
        return 0;
    default: /* options are numbers, not an enum */
        return -ENOPROTOOPT;
    }
}

int sock_get_tcp_option(struct stack *stack, struct sock *sock, int option, void *value,
                        socklen_t *len)
{
    int number;

    if (option == TCP_INFO)
        return get_info(stack, sock, value, len);
    if (option == TCP_CONGESTION)
        return get_congestion(stack, sock, value, len);
    int err = get_number(stack, sock, option, &number);
    return err ? err : sock_put_int(value, len, number);
}
