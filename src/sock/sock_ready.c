/*
 * sock_ready.c - readiness: what holds, what has changed, who serves it.
 *
 * Lower layers put whatever changed on one list and call nobody; sock_next_ready() drains it. A
 * change is told once, so an application that stops before -EAGAIN asks for another turn with
 * sock_again(). Epoll sets hear of a change first (sock_spread_news()); the socket then waits on a
 * second list for sock_next_ready(), and comes back to the first when it changes again.
 */
#include <errno.h>
#include <limits.h>

#include "sock/sock_table.h"

enum { PUBLIC_EVENTS = POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP };

static short hold_conn(struct tcp_conn *conn)
{
    short holds = tcp_poll(conn);

    if (!(holds & POLLOUT))
        tcp_want_room(conn);
    if (holds & POLLIN)
        holds |= POLLRDNORM;
    if (holds & POLLOUT)
        holds |= POLLWRNORM;
    return holds;
}

short sock_holds(struct sock *sock)
{
    switch ((enum sock_kind)sock->kind) {
    case SOCK_FRESH:
        return POLLOUT | POLLHUP;
    case SOCK_LISTENING:
        return tcp_listener_poll(sock->listener);
    case SOCK_CONNECTION:
        return hold_conn(sock->conn);
    case SOCK_PING:
        return sock->ping->replies.len > 0 ? POLLIN | POLLOUT : POLLOUT;
    case SOCK_UDP:
        return udp_poll(sock->udp);
    case SOCK_EPOLL:
        return sock_epoll_holds(sock->epoll);
    }
    return 0;
}

void sock_spread_news(struct stack *stack)
{
    for (struct list *node; (node = list_take(&stack->tcp.ready));) {
        struct ready *ready = CONTAINER_OF(node, struct ready, node);
        struct sock *sock = sock_find(stack, ready->owner);
        uint8_t news = ready->news;
        ready->news = 0;
        if (!sock)
            continue;
        sock_epoll_tell(stack, sock, news);
        ready->told = true;
        list_append(&stack->told, node);
    }
}

static struct ready *ready_of(struct sock *sock)
{
    switch ((enum sock_kind)sock->kind) {
    case SOCK_FRESH:
    case SOCK_EPOLL:
        break;
    case SOCK_LISTENING:
        return &sock->listener->ready;
    case SOCK_CONNECTION:
        return tcp_conn_ready(sock->conn);
    case SOCK_PING:
        return &sock->ping->ready;
    case SOCK_UDP:
        return &sock->udp->ready;
    }
    return NULL;
}

int sock_poll(struct stack *stack, int s)
{
    struct sock *sock = sock_find(stack, s);

    if (sock && sock->kind == SOCK_EPOLL)
        sock_spread_news(stack);
    return sock ? sock_holds(sock) & PUBLIC_EVENTS : -EBADF;
}

/* One look at all of them: how many have something to say. */
static int look(struct stack *stack, struct sock_pollfd *fds, size_t count)
{
    int some = 0;

    sock_spread_news(stack);
    for (size_t i = 0; i < count; i++) {
        struct sock *sock = sock_find(stack, fds[i].s);
        short asked = fds[i].events | POLLERR | POLLHUP;
        fds[i].revents = 0;
        if (sock)
            fds[i].revents = sock_holds(sock) & asked;
        else if (fds[i].s >= 0)
            fds[i].revents = POLLNVAL;
        some += fds[i].revents != 0;
    }
    return some;
}

int sock_poll_many(struct stack *stack, struct sock_pollfd *fds, size_t count, int timeout_ms,
                   struct waiter *waiter)
{
    struct patience patience = sock_patience_ms(stack, timeout_ms, waiter);

    if (count > INT_MAX)
        return -EINVAL;
    if (count > 0 && !fds)
        return -EFAULT;
    for (;;) {
        int some = look(stack, fds, count);
        if (some > 0)
            return some;
        int err = sock_wait(stack, -1, 0, &patience);
        if (err == -EAGAIN) /* it may have happened at the last moment */
            return look(stack, fds, count);
        if (err)
            return err;
    }
}

int sock_next_ready(struct stack *stack, short *events)
{
    if (stack->epoll_items.used > 0 || !list_is_empty(&stack->told))
        sock_spread_news(stack);
    for (struct list *node;
         (node = list_take(&stack->told)) || (node = list_take(&stack->tcp.ready));) {
        struct ready *ready = CONTAINER_OF(node, struct ready, node);
        struct sock *sock = sock_find(stack, ready->owner);
        ready->news = 0;
        if (!sock)
            continue;
        *events = sock_holds(sock) & PUBLIC_EVENTS;
        return ready->owner;
    }
    return -EAGAIN;
}

void sock_again(struct stack *stack, int s)
{
    struct sock *sock = sock_find(stack, s);
    struct ready *ready = sock ? ready_of(sock) : NULL;

    if (ready)
        ready_tell_of(&stack->tcp.ready, ready, 0); /* which is no news for an epoll set */
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
    const struct sock *sock = sock_find_talker(stack, s);

    if (!sock)
        return -EBADF;
    if (sock->kind != SOCK_CONNECTION)
        return -ENOTCONN;
    tcp_conn_info(&stack->tcp, sock->conn, out);
    return 0;
}
