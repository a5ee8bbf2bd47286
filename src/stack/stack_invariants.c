/*
 * stack_invariants.c - what must hold of a stack whenever nobody is inside it.
 *
 * The conservation law: what has come was consumed, is held, or was dropped by a name. The rest is
 * the layers' own to know. For simulations and fuzzers, as tcp_invariants.h is.
 */
#include "stack/stack.h"
#include "tcp/tcp_invariants.h"

/* Those that hold a port by bind(). */
static uint32_t bound_sockets(const struct stack *s)
{
    uint32_t count = 0;

    for (size_t i = 0; i < STACK_BOUND_LISTS; i++) {
        const struct list *bound = &s->bound[i];
        for (const struct list *node = bound->next; node != bound; node = node->next)
            count++;
    }
    return count;
}

/* Nobody waits for ever: ARP will tell of each station that is waited for. */
static bool all_are_awaited(const struct stack *s)
{
    for (uint32_t i = 0; i < s->tcp.stations; i++)
        if (tcp_is_awaiting(&s->tcp, i) && !arp_is_awaited(&s->arp, i))
            return false;
    return true;
}

const char *stack_check_invariants(struct stack *s, uint32_t *conn)
{
    const struct stack_counters *c = &s->events.counters;
    uint64_t dropped = 0;

    *conn = 0;
    for (int i = 0; i < DROP_COUNT; i++)
        dropped += c->drops[i];
    if (c->received != c->consumed + c->held + dropped)
        return "a frame was lost without a name";
    if (s->frames.charged > s->frames.cap)
        return "frames cost more than their cap";
    if (bound_sockets(s) != s->socket_names.used)
        return "the name of a socket belongs to nobody";
    if (!all_are_awaited(s))
        return "a connection waits for a station that nobody asks for";
    return tcp_check_invariants(&s->tcp, conn);
}
