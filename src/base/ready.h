/*
 * ready.h - "something changed for the owner of this": a node of the stack's ready list.
 *
 * Whatever a socket can wait for (a connection, a listener, a ping) embeds one. Lower layers put it
 * on the list and never call upward; sock_next_ready() drains it.
 */
#ifndef TAPIO_BASE_READY_H
#define TAPIO_BASE_READY_H

#include "base/list.h"

enum { NO_OWNER = -1 };

struct ready {
    struct list node;
    int32_t owner; /* a socket's number, or NO_OWNER */
};

static inline void ready_init(struct ready *ready, int32_t owner)
{
    list_init(&ready->node);
    ready->owner = owner;
}

static inline void ready_tell(struct list *list, struct ready *ready)
{
    if (ready->owner != NO_OWNER && !list_is_linked(&ready->node))
        list_append(list, &ready->node);
}

#endif
