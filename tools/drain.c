/*
 * drain.c - looking for connections that nobody holds any more.
 *
 * A socket that was closed leaves a connection behind that still has octets or a FIN to bring
 * across; the sockets' numbers no longer lead to it. So this looks into the stack itself, at the
 * pool that holds all connections. TIME-WAIT is over in every sense that matters to the peer.
 */
#include "drain.h"

#include <errno.h>

#include "stack/stack.h"
#include "tcp/tcp_conn.h"

enum { SEND_ROUNDS = 64 }; /* a device that takes nothing is not asked for ever */

static bool is_alive(const struct tcp_conn *conn)
{
    enum tcp_state state = tcp_conn_state(conn);
    return state != TCPS_CLOSED && state != TCPS_TIME_WAIT;
}

static struct tcp_conn *next_alive(struct stack *stack, uint32_t *index)
{
    struct pool *conns = &stack->tcp.conns;

    while (!pool_is_past(conns, index)) {
        struct tcp_conn *conn = pool_at(conns, (*index)++);
        if (conn && is_alive(conn))
            return conn;
    }
    return NULL;
}

bool drain_is_done(struct stack *stack)
{
    uint32_t index = 0;
    return !next_alive(stack, &index);
}

bool drain_is_sent(struct stack *stack)
{
    const struct tcp_conn *conn;
    uint32_t index = 0;

    while ((conn = next_alive(stack, &index)))
        if (tcp_conn_state(conn) != TCPS_FIN_WAIT_2)
            return false;
    return true;
}

void drain_reset(struct stack *stack, struct dev *dev, instant now)
{
    struct tcp_conn *conn;
    uint32_t index = 0;

    while ((conn = next_alive(stack, &index)))
        tcp_release(&stack->tcp, conn, true, now);
    for (int i = 0; i < SEND_ROUNDS; i++)
        if (stack_send(stack, dev, now) != -EAGAIN)
            break;
    dev_flush(dev, now);
}
