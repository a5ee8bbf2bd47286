/*
 * sock_options.c - getsockopt() and setsockopt(), with the layouts that POSIX gives the values.
 *
 * An option that is set before there is a connection is kept and handed over when there is one; an
 * accepted socket inherits its listener's.
 */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>

#include "sock/sock_table.h"

enum { BUFFER_MIN = 2048 };

static int get_int(const void *value, socklen_t len, int *out)
{
    if (len < sizeof(int))
        return -EINVAL;
    memcpy(out, value, sizeof(int));
    return 0;
}

static uint32_t bounded_buffer(int octets, int64_t most)
{
    if (octets < BUFFER_MIN)
        return BUFFER_MIN;
    return octets > most ? (uint32_t)most : (uint32_t)octets;
}

static int set_linger(struct sock *sock, const void *value, socklen_t len)
{
    struct linger linger;

    if (len < sizeof linger)
        return -EINVAL;
    memcpy(&linger, value, sizeof linger);
    if (linger.l_onoff && linger.l_linger != 0)
        return -EINVAL; /* a close() that waits is not built in yet */
    sock->linger_zero = linger.l_onoff != 0;
    return 0;
}

static int set_socket_option(struct stack *stack, struct sock *sock, int option, const void *value,
                             socklen_t len)
{
    const struct stack_values *values = &stack->config.values;
    int number;

    if (option == SO_LINGER)
        return set_linger(sock, value, len);
    int err = get_int(value, len, &number);
    if (err)
        return err;
    switch (option) {
    case SO_REUSEADDR:
        sock->reuse_addr = number != 0;
        return 0;
    case SO_SNDBUF:
        sock->send_buffer = bounded_buffer(number, values->mem_send / 4);
        break;
    case SO_RCVBUF:
        sock->receive_buffer = bounded_buffer(number, values->mem_frames / 4);
        break;
    default: /* options are numbers, not an enum */
        return -ENOPROTOOPT;
    }
    if (sock->kind == SOCK_CONNECTION)
        tcp_set_buffers(sock->conn, sock->send_buffer, sock->receive_buffer);
    return 0;
}

int sock_setsockopt(struct stack *stack, int s, int level, int option, const void *value,
                    socklen_t len)
{
    struct sock *sock = sock_find(stack, s);
    int number;

    if (!sock)
        return -EBADF;
    if (level == SOL_SOCKET)
        return set_socket_option(stack, sock, option, value, len);
    if (level != IPPROTO_TCP || option != TCP_NODELAY || sock->kind == SOCK_PING)
        return -ENOPROTOOPT;
    int err = get_int(value, len, &number);
    if (err)
        return err;
    sock->no_delay = number != 0;
    if (sock->kind == SOCK_CONNECTION)
        tcp_set_no_delay(&stack->tcp, sock->conn, sock->no_delay, stack->now);
    return 0;
}

static int put_value(void *value, socklen_t *len, const void *from, size_t size)
{
    if (*len < size)
        return -EINVAL;
    memcpy(value, from, size);
    *len = (socklen_t)size;
    return 0;
}

static int put_int(void *value, socklen_t *len, int number)
{
    return put_value(value, len, &number, sizeof number);
}

static int get_socket_option(struct stack *stack, struct sock *sock, int option, void *value,
                             socklen_t *len)
{
    const struct stack_values *values = &stack->config.values;
    bool connection = sock->kind == SOCK_CONNECTION;
    struct linger linger = {.l_onoff = sock->linger_zero};

    switch (option) {
    case SO_ERROR:
        return put_int(value, len, connection ? tcp_take_error(sock->conn) : 0);
    case SO_REUSEADDR:
        return put_int(value, len, sock->reuse_addr);
    case SO_LINGER:
        return put_value(value, len, &linger, sizeof linger);
    case SO_SNDBUF:
        return put_int(value, len,
                       sock->send_buffer ? (int)sock->send_buffer : (int)values->tcp_wmem);
    case SO_RCVBUF:
        return put_int(value, len,
                       sock->receive_buffer ? (int)sock->receive_buffer : (int)values->tcp_rmem);
    case SO_TYPE:
        return put_int(value, len, sock->kind == SOCK_PING ? SOCK_DGRAM : SOCK_STREAM);
    case SO_ACCEPTCONN:
        return put_int(value, len, sock->kind == SOCK_LISTENING);
    default: /* options are numbers, not an enum */
        return -ENOPROTOOPT;
    }
}

int sock_getsockopt(struct stack *stack, int s, int level, int option, void *value, socklen_t *len)
{
    struct sock *sock = sock_find(stack, s);
    struct sock_info info;

    if (!sock)
        return -EBADF;
    if (level == SOL_SOCKET)
        return get_socket_option(stack, sock, option, value, len);
    if (level != IPPROTO_TCP || sock->kind == SOCK_PING)
        return -ENOPROTOOPT;
    if (option == TCP_NODELAY)
        return put_int(value, len, sock->no_delay);
    if (option != TCP_MAXSEG)
        return -ENOPROTOOPT;
    if (sock->kind != SOCK_CONNECTION)
        return put_int(value, len, 536);
    tcp_conn_info(&stack->tcp, sock->conn, &info);
    return put_int(value, len, (int)info.snd_mss);
}
