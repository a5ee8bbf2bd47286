/*
 * sock_control.c - fcntl() and ioctl(): what a descriptor knows of its socket.
 */
#include <errno.h>

#include "sock/sock_table.h"

int sock_fcntl(struct stack *stack, int s, int command, int argument)
{
    struct sock *sock = sock_find(stack, s);

    if (!sock)
        return -EBADF;
    switch (command) {
    case F_GETFL:
        return O_RDWR | (sock->nonblock ? O_NONBLOCK : 0);
    case F_SETFL:
        sock->nonblock = argument & O_NONBLOCK;
        return 0;
    case F_GETFD:
    case F_SETFD:
        return 0;
    default: /* commands are numbers, not an enum */
        return -EINVAL;
    }
}

/* One at a time is read. What was sent has left, as far as its sender is concerned. */
static int next_datagram(const struct frame_queue *queue, unsigned long request)
{
    return request == FIONREAD && queue->head ? (int)queue->head->len : 0;
}

static int conn_queue(const struct tcp_conn *conn, unsigned long request)
{
    if (request == FIONREAD)
        return (int)tcp_unread(conn);
    return (int)(request == SIOCOUTQ ? tcp_unacknowledged(conn) : tcp_unsent(conn));
}

int sock_ioctl(struct stack *stack, int s, unsigned long request, int *argument)
{
    struct sock *sock = sock_find_talker(stack, s);
    int queue = 0;

    if (!sock)
        return -EBADF;
    if (request == FIONBIO) {
        if (!argument)
            return -EFAULT;
        sock->nonblock = *argument != 0;
        return 0;
    }
    if (request != FIONREAD && request != SIOCOUTQ && request != SIOCOUTQNSD)
        return -ENOTTY;
    if (sock->kind == SOCK_LISTENING)
        return -EINVAL;
    if (sock->kind == SOCK_CONNECTION)
        queue = conn_queue(sock->conn, request);
    else if (sock->kind == SOCK_PING)
        queue = next_datagram(&sock->ping->replies, request);
    else if (sock->kind == SOCK_UDP)
        queue = next_datagram(&sock->udp->queue, request);
    if (!argument)
        return -EFAULT;
    *argument = queue;
    return 0;
}
