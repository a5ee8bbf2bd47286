/*
 * tcp_state.h - the edges between the eleven states (RFC 9293, 3.3.2, figure 5).
 *
 * The one table of legal changes. tcp_set_state() asserts against it and the diagram in
 * docs/ARCHITECTURE.md is drawn from it.
 */
#ifndef TAPIO_TCP_STATE_H
#define TAPIO_TCP_STATE_H

#include <tapio/event.h>

#include "base/base.h"

/* May a connection go from one state to the other? */
bool tcp_state_may_follow(enum tcp_state from, enum tcp_state to);

/* A set of states has a bit for each of them. */
#define TCP_STATE_BIT(state) (1u << TCPS_##state)

/* All but CLOSED, LISTEN and SYN-SENT (RFC 9293, 3.10.7.4 treats them together). */
static inline bool tcp_state_is_synchronized(enum tcp_state state)
{
    const unsigned others = TCP_STATE_BIT(CLOSED) | TCP_STATE_BIT(LISTEN) | TCP_STATE_BIT(SYN_SENT);
    return !(others >> state & 1);
}

/* Can text still arrive (the peer has not sent FIN)? */
static inline bool tcp_state_can_receive(enum tcp_state state)
{
    const unsigned receiving = TCP_STATE_BIT(SYN_RECEIVED) | TCP_STATE_BIT(ESTABLISHED) |
                               TCP_STATE_BIT(FIN_WAIT_1) | TCP_STATE_BIT(FIN_WAIT_2);
    return receiving >> state & 1;
}

/* May our text or FIN still be on its way? */
static inline bool tcp_state_can_send(enum tcp_state state)
{
    const unsigned sending = TCP_STATE_BIT(ESTABLISHED) | TCP_STATE_BIT(FIN_WAIT_1) |
                             TCP_STATE_BIT(CLOSE_WAIT) | TCP_STATE_BIT(CLOSING) |
                             TCP_STATE_BIT(LAST_ACK);
    return sending >> state & 1;
}

#endif
