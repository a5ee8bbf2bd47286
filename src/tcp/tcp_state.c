/*
 * tcp_state.c - see tcp_state.h.
 *
 * Each row is a state, each bit of it a state that may follow. Any state may end in CLOSED: by a
 * reset, an abort, or a timeout (RFC 9293, 3.3.2, note 3).
 */
#include "tcp/tcp_state.h"

#define TO(state) TCP_STATE_BIT(state)

/* clang-format off */
static const uint16_t edges[TCP_STATE_COUNT] = {
    [TCPS_CLOSED]       = TO(SYN_SENT) | TO(SYN_RECEIVED), /* the latter from LISTEN, whose own record stays */
    [TCPS_LISTEN]       = TO(CLOSED),
    [TCPS_SYN_SENT]     = TO(CLOSED) | TO(SYN_RECEIVED) | TO(ESTABLISHED),
    [TCPS_SYN_RECEIVED] = TO(CLOSED) | TO(ESTABLISHED) | TO(FIN_WAIT_1) | TO(CLOSE_WAIT),
    [TCPS_ESTABLISHED]  = TO(CLOSED) | TO(FIN_WAIT_1) | TO(CLOSE_WAIT),
    [TCPS_FIN_WAIT_1]   = TO(CLOSED) | TO(FIN_WAIT_2) | TO(CLOSING) | TO(TIME_WAIT),
    [TCPS_FIN_WAIT_2]   = TO(CLOSED) | TO(TIME_WAIT),
    [TCPS_CLOSE_WAIT]   = TO(CLOSED) | TO(LAST_ACK),
    [TCPS_CLOSING]      = TO(CLOSED) | TO(TIME_WAIT),
    [TCPS_LAST_ACK]     = TO(CLOSED),
    [TCPS_TIME_WAIT]    = TO(CLOSED),
};
/* clang-format on */

bool tcp_state_may_follow(enum tcp_state from, enum tcp_state to)
{
    return edges[from] >> to & 1;
}
