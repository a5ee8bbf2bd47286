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

/* All but CLOSED, LISTEN and SYN-SENT (RFC 9293, 3.10.7.4 treats them together). */
bool tcp_state_is_synchronized(enum tcp_state state);

/* Can text still arrive (the peer has not sent FIN)? */
bool tcp_state_can_receive(enum tcp_state state);

/* May our text or FIN still be on its way? */
bool tcp_state_can_send(enum tcp_state state);

#endif
