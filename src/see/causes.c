/*
 * causes.c - see causes.h.
 *
 * Connections are numbered one after the other by the stack, not by their peers, so the number
 * itself is hash enough.
 */
#include "see/causes.h"

enum { LOOKED_AT = 65536 }; /* decisions at most: see.ring may be much longer */

/* Where `conn` is, or the free place where it would be. The table is never full. */
static struct cause *place_of(const struct causes *causes, uint32_t conn)
{
    uint32_t at = conn & causes->mask;

    while (causes->table[at].conn != 0 && causes->table[at].conn != conn)
        at = (at + 1) & causes->mask;
    return &causes->table[at];
}

bool causes_init(struct causes *causes, const struct stack *stack, struct memory *memory)
{
    uint32_t ring = u32_min((uint32_t)stack_config(stack)->values.see_ring, LOOKED_AT);
    uint32_t size = 16;

    while (size < 2 * ring)
        size *= 2;
    *causes = (struct causes){.mask = size - 1};
    causes->table = memory_alloc(memory, size * sizeof(*causes->table));
    if (!causes->table)
        return false;
    for (size_t back = 0; back < ring; back++) {
        const struct event *event = stack_decision(stack, back);
        if (!event)
            break;
        if (event->type != EVENT_CWND || event->conn == 0)
            continue;
        struct cause *cause = place_of(causes, event->conn);
        if (cause->conn == 0) /* else a newer one is there */
            *cause = (struct cause){event->conn, event->cwnd.cwnd, event->cwnd.ssthresh,
                                    event->when, event->cwnd.cause};
    }
    return true;
}

void causes_fini(struct causes *causes, struct memory *memory)
{
    if (causes->table)
        memory_release(memory, causes->table, (causes->mask + 1ul) * sizeof(*causes->table));
    causes->table = NULL;
}

const struct cause *causes_find(const struct causes *causes, uint32_t conn)
{
    const struct cause *cause = conn ? place_of(causes, conn) : NULL;

    return cause && cause->conn != 0 ? cause : NULL;
}
