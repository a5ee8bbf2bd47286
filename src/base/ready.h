/*
 * ready.h - "something changed for the owner of this": a node of the stack's ready list.
 *
 * Whatever a socket can wait for (a connection, a listener, a ping) embeds one. Lower layers put it
 * on the list and never call upward; sock_next_ready() drains it. What changed adds up in `news`
 * until somebody looks: an epoll set with EPOLLET asks for changes, not for what holds.
 */
#ifndef TAPIO_BASE_READY_H
#define TAPIO_BASE_READY_H

#include "base/list.h"

enum { NO_OWNER = -1 };

enum {
    NEWS_IN = 1,  /* there is more to read */
    NEWS_OUT = 2, /* there is room again */
    NEWS_ALL = 7, /* the state changed: anything may hold */
};

struct ready {
    struct list node;
    int32_t owner; /* a socket's number, or NO_OWNER */
    uint8_t news;
    bool told; /* the epoll sets know; it waits for sock_next_ready() */
};

static inline void ready_init(struct ready *ready, int32_t owner)
{
    list_init(&ready->node);
    ready->owner = owner;
    ready->news = 0;
    ready->told = false;
}

static inline void ready_tell_of(struct list *list, struct ready *ready, uint8_t news)
{
    if (ready->owner == NO_OWNER)
        return;
    ready->news |= news;
    if (list_is_linked(&ready->node)) {
        if (!ready->told)
            return;
        list_remove(&ready->node);
    }
    ready->told = false;
    list_append(list, &ready->node);
}

static inline void ready_tell(struct list *list, struct ready *ready)
{
    ready_tell_of(list, ready, NEWS_ALL);
}

#endif
