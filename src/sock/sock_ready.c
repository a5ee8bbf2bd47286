/*
 * sock_ready.c - readiness: what holds, what has changed, who serves it.
 *
 * Lower layers put whatever changed on one list and call nobody; sock_next_ready() drains it. A
 * change is told once, so an application that stops before -EAGAIN asks for another turn with
 * sock_again().
 */
#include <errno.h>

#include "sock/sock_table.h"

static short poll_sock(const struct sock *sock)
{
    switch ((enum sock_kind)sock->kind) {
    case SOCK_FRESH:
        return POLLOUT | POLLHUP;
    case SOCK_LISTENING:
        return tcp_listener_poll(sock->listener);
    case SOCK_CONNECTION:
        return tcp_poll(sock->conn);
    case SOCK_PING:
        return sock->ping->len > 0 ? POLLIN | POLLOUT : POLLOUT;
    }
    return 0;
}

static struct ready *ready_of(struct sock *sock)
{
    switch ((enum sock_kind)sock->kind) {
    case SOCK_FRESH:
        break;
    case SOCK_LISTENING:
        return &sock->listener->ready;
    case SOCK_CONNECTION:
        return tcp_conn_ready(sock->conn);
    case SOCK_PING:
        return &sock->ping->ready;
    }
    return NULL;
}

int sock_poll(struct stack *stack, int s)
{
    const struct sock *sock = sock_find(stack, s);

    return sock ? poll_sock(sock) : -EBADF;
}

int sock_next_ready(struct stack *stack, short *events)
{
    for (struct list *node; (node = list_take(&stack->tcp.ready));) {
        const struct ready *ready = CONTAINER_OF(node, struct ready, node);
        const struct sock *sock = sock_find(stack, ready->owner);
        if (!sock)
            continue;
        *events = poll_sock(sock);
        return sock->number;
    }
    return -EAGAIN;
}

void sock_again(struct stack *stack, int s)
{
    struct sock *sock = sock_find(stack, s);
    struct ready *ready = sock ? ready_of(sock) : NULL;

    if (ready)
        ready_tell(&stack->tcp.ready, ready);
}

void sock_set_app(struct stack *stack, int s, struct sock_app *app)
{
    struct sock *sock = sock_find(stack, s);

    if (sock)
        sock->app = app;
}

struct sock_app *sock_app(struct stack *stack, int s)
{
    const struct sock *sock = sock_find(stack, s);

    return sock ? sock->app : NULL;
}

int sock_info(struct stack *stack, int s, struct sock_info *out)
{
    const struct sock *sock = sock_find(stack, s);

    if (!sock)
        return -EBADF;
    if (sock->kind != SOCK_CONNECTION)
        return -ENOTCONN;
    tcp_conn_info(&stack->tcp, sock->conn, out);
    return 0;
}
