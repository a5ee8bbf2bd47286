/*
 * sock_epoll.c - epoll sets: sockets that are asked about once, and told about when they change.
 *
 * A set holds an item for each of its sockets, and a socket a chain of the items that watch it.
 * What changed comes from below through the stack's ready list (sock_spread_news()), and puts the
 * items that ask for such news on the ready lists of their sets: a step for each item, however many
 * sockets a set has. Waiting looks at these lists only, and asks each socket on them what holds.
 *
 * The two ways of asking, as on Linux. Level: an item stays on the list as long as something holds
 * that it asks for. Edge (EPOLLET): it leaves the list when it is told, and comes back with the
 * next news of a kind that it asks for; more text behind text that was not read is news, and so is
 * room after there was none.
 *
 * Left out: sets in sets, EPOLLEXCLUSIVE, EPOLLWAKEUP.
 */
#include <errno.h>
#include <limits.h>

#include "sock/sock_table.h"

enum {
    IN_EVENTS = EPOLLIN | EPOLLRDNORM | EPOLLRDHUP,
    OUT_EVENTS = EPOLLOUT | EPOLLWRNORM,
    KNOWN_EVENTS = IN_EVENTS | OUT_EVENTS | EPOLLPRI | EPOLLERR | EPOLLHUP | EPOLLRDBAND |
                   EPOLLWRBAND | EPOLLMSG,
};

struct epoll_set {
    struct list items; /* all of them, by `member` */
    struct list ready; /* those that may have something to tell, by `ready` */
};

struct epoll_item {
    struct list member, ready;
    struct epoll_set *set;
    struct epoll_item *next; /* of the same socket */
    epoll_data_t data;
    struct sock *sock;
    uint32_t events;
    bool spent; /* EPOLLONESHOT has told: nothing more until EPOLL_CTL_MOD */
};

static_assert(sizeof(struct epoll_set) <= STACK_EPOLL_SET_SIZE, "STACK_EPOLL_SET_SIZE");
static_assert(sizeof(struct epoll_item) <= STACK_EPOLL_ITEM_SIZE, "STACK_EPOLL_ITEM_SIZE");

/* poll's bits and epoll's are the same. */
static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLERR == POLLERR &&
                  EPOLLHUP == POLLHUP && EPOLLRDHUP == POLLRDHUP,
              "epoll's names are poll's");

/* What an item has to tell about its socket now. */
static uint32_t item_holds(const struct epoll_item *item)
{
    uint32_t asked = (item->events & KNOWN_EVENTS) | EPOLLERR | EPOLLHUP;

    return item->spent ? 0 : (uint16_t)sock_holds(item->sock) & asked;
}

static void make_ready(struct epoll_item *item)
{
    if (!list_is_linked(&item->ready))
        list_append(&item->set->ready, &item->ready);
}

void sock_epoll_tell(struct stack *stack, struct sock *sock, uint8_t news)
{
    (void)stack;
    for (struct epoll_item *item = sock->watches; item; item = item->next) {
        bool asked = news == NEWS_ALL || (news & NEWS_IN && item->events & IN_EVENTS) ||
                     (news & NEWS_OUT && item->events & OUT_EVENTS);
        if (asked && !item->spent)
            make_ready(item);
    }
}

/* --- making and changing ------------------------------------------------------------------ */

int sock_epoll_create(struct stack *stack, int flags)
{
    if (flags & ~EPOLL_CLOEXEC)
        return -EINVAL;
    struct sock *sock = sock_new(stack);
    if (!sock)
        return -ENFILE;
    struct epoll_set *set = pool_get(&stack->epoll_sets);
    if (!set) {
        sock_delete(stack, sock);
        return -ENFILE;
    }
    list_init(&set->items);
    list_init(&set->ready);
    sock->kind = SOCK_EPOLL;
    sock->epoll = set;
    return sock_number(stack, sock);
}

static void item_delete(struct stack *stack, struct epoll_item *item)
{
    list_remove(&item->member);
    list_remove(&item->ready);
    pool_put(&stack->epoll_items, item);
}

void sock_epoll_forget(struct stack *stack, struct sock *sock)
{
    while (sock->watches) {
        struct epoll_item *item = sock->watches;
        sock->watches = item->next;
        item_delete(stack, item);
    }
}

/* Takes it out of its socket's chain. */
static void unwatch(struct sock *sock, const struct epoll_item *item)
{
    struct epoll_item **link = &sock->watches;

    while (*link != item)
        link = &(*link)->next;
    *link = item->next;
}

void sock_epoll_end(struct stack *stack, struct sock *sock)
{
    struct epoll_set *set = sock->epoll;

    while (!list_is_empty(&set->items)) {
        struct epoll_item *item = CONTAINER_OF(set->items.next, struct epoll_item, member);
        unwatch(item->sock, item);
        item_delete(stack, item);
    }
    pool_put(&stack->epoll_sets, set);
}

static struct epoll_item *item_of(const struct epoll_set *set, const struct sock *sock)
{
    struct epoll_item *item = sock->watches;

    while (item && item->set != set)
        item = item->next;
    return item;
}

/* What is asked for, from now on; what holds already is news. */
static void item_ask(struct epoll_item *item, const struct epoll_event *event)
{
    item->events = event->events;
    item->data = event->data;
    item->spent = false;
    if (item_holds(item))
        make_ready(item);
}

static int item_add(struct stack *stack, struct epoll_set *set, struct sock *sock,
                    const struct epoll_event *event)
{
    struct epoll_item *item = pool_get(&stack->epoll_items);

    if (!item)
        return -ENOSPC;
    list_init(&item->ready);
    list_init(&item->member);
    list_append(&set->items, &item->member);
    item->set = set;
    item->sock = sock;
    item->next = sock->watches;
    sock->watches = item;
    item_ask(item, event);
    return 0;
}

/* Errors in Linux's order: the event's address, the numbers, what kind they are. */
static int check_control(struct stack *stack, int epoll, int operation, int s,
                         const struct epoll_event *event)
{
    const struct sock *sock = sock_find(stack, s), *set = sock_find(stack, epoll);

    if (operation != EPOLL_CTL_DEL && !event)
        return -EFAULT;
    if (!set || !sock || sock->closing)
        return -EBADF;
    if (sock == set || set->kind != SOCK_EPOLL)
        return -EINVAL;
    return sock->kind == SOCK_EPOLL ? -EPERM : 0;
}

int sock_epoll_ctl(struct stack *stack, int epoll, int operation, int s,
                   const struct epoll_event *event)
{
    int err = check_control(stack, epoll, operation, s, event);

    if (err)
        return err;
    sock_spread_news(stack); /* what happened before is not news for a new item */
    struct sock *sock = sock_find(stack, s);
    struct epoll_set *set = sock_find(stack, epoll)->epoll;
    struct epoll_item *item = item_of(set, sock);
    switch (operation) {
    case EPOLL_CTL_ADD:
        return item ? -EEXIST : item_add(stack, set, sock, event);
    case EPOLL_CTL_MOD:
        if (!item)
            return -ENOENT;
        item_ask(item, event);
        return 0;
    case EPOLL_CTL_DEL:
        if (!item)
            return -ENOENT;
        unwatch(sock, item);
        item_delete(stack, item);
        return 0;
    default: /* operations are numbers, not an enum */
        return -EINVAL;
    }
}

/* --- waiting ------------------------------------------------------------------------------ */

/* Would a wait find something? What no longer holds since it came to the list is no answer. */
short sock_epoll_holds(struct epoll_set *set)
{
    while (!list_is_empty(&set->ready)) {
        struct epoll_item *item = CONTAINER_OF(set->ready.next, struct epoll_item, ready);
        if (item_holds(item))
            return POLLIN;
        list_remove(&item->ready);
    }
    return 0;
}

/* Tells what holds for those that have news; who asks by level stays on the list, at its end. */
static int collect(struct epoll_set *set, struct epoll_event *events, int most)
{
    struct list waiting, again;
    int count = 0;

    list_init(&waiting);
    list_init(&again);
    list_splice(&waiting, &set->ready);
    while (count < most) {
        struct list *node = list_take(&waiting);
        if (!node)
            break;
        struct epoll_item *item = CONTAINER_OF(node, struct epoll_item, ready);
        uint32_t holds = item_holds(item);
        if (!holds)
            continue; /* it did when it was put here */
        events[count++] = (struct epoll_event){.events = holds, .data = item->data};
        if (item->events & EPOLLONESHOT)
            item->spent = true;
        else if (!(item->events & EPOLLET))
            list_append(&again, &item->ready);
    }
    list_splice(&set->ready, &waiting);
    list_splice(&set->ready, &again);
    return count;
}

int sock_epoll_wait(struct stack *stack, int epoll, struct epoll_event *events, int max_events,
                    int timeout_ms, struct waiter *waiter)
{
    struct patience patience = sock_patience_ms(stack, timeout_ms, waiter);

    if (max_events <= 0 || max_events > INT_MAX / (int)sizeof(*events))
        return -EINVAL;
    if (!events)
        return -EFAULT;
    for (;;) {
        struct sock *set = sock_find(stack, epoll);
        if (!set)
            return -EBADF;
        if (set->kind != SOCK_EPOLL)
            return -EINVAL;
        sock_spread_news(stack);
        int count = collect(set->epoll, events, max_events);
        if (count > 0)
            return count;
        int err = sock_wait(stack, epoll, POLLIN, &patience);
        if (err == -EAGAIN) {
            sock_spread_news(stack); /* it may have happened at the last moment */
            set = sock_find(stack, epoll);
            return set ? collect(set->epoll, events, max_events) : -EBADF;
        }
        if (err)
            return err;
    }
}
