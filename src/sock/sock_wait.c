/*
 * sock_wait.c - how long a call waits.
 *
 * A call waits if it was given a waiter, the socket is not O_NONBLOCK and the call does not say
 * MSG_DONTWAIT; until SO_RCVTIMEO or SO_SNDTIMEO is over, or for ever. All of it is decided when
 * the call begins, as on Linux.
 */
#include <errno.h>

#include "sock/sock_table.h"

struct patience sock_patience(struct stack *stack, int s, int flags, bool sending,
                              struct waiter *waiter)
{
    const struct sock *sock = sock_find(stack, s);
    struct patience patience = {.deadline = INSTANT_NEVER};

    if (!sock || sock->nonblock || flags & MSG_DONTWAIT)
        return patience;
    const struct tcp_tuning *tuning = tuning_or_default(sock->tuning);
    int64_t timeout = sending ? tuning->send_timeout : tuning->receive_timeout;
    if (timeout < 0) /* a negative time was set: not at all */
        return patience;
    patience.waiter = waiter;
    if (timeout > 0)
        patience.deadline = instant_add(stack->now, timeout);
    return patience;
}

struct patience sock_patience_ms(const struct stack *stack, int timeout_ms, struct waiter *waiter)
{
    struct patience patience = {.waiter = timeout_ms ? waiter : NULL, .deadline = INSTANT_NEVER};

    if (timeout_ms > 0)
        patience.deadline = instant_add(stack->now, timeout_ms * NS_PER_MS);
    return patience;
}

int sock_wait(struct stack *stack, int s, short events, const struct patience *patience)
{
    if (!patience->waiter || !instant_before(stack->now, patience->deadline))
        return -EAGAIN;
    return patience->waiter->wait(patience->waiter, stack, s, events, patience->deadline);
}
