/*
 * udp.c - datagrams arrive, and what comes back of those that were sent.
 *
 * Who gets a datagram is udp_table.c's answer. Here it is queued, whole, in the frame that brought
 * it when that is well filled, else in a smaller one; what else is known of it lies in front, in
 * the frame's headroom, and IP options, of which few have some and few programs ask for, in front
 * of the data. A queue is charged what its frames cost, not what their data is: a flood of
 * one-octet datagrams must not hold more memory than its cap says. When it is full the newest goes,
 * and nobody is woken.
 *
 * An ICMP error is a hint that anybody can send who knows the two names (RFC 1122, 4.1.3.3). What
 * happens with it is Linux's habit. A connected port hears once of those that will not pass by
 * themselves; one that is not connected hears of none, since it could not tell about whom it is;
 * and with `all_errors` each is told to either.
 *
 * Left out: the queue of errors (MSG_ERRQUEUE), UDP-Lite, and groups, which nobody can join yet.
 */
#include "udp/udp.h"

#include <errno.h>
#include <poll.h>

/* --- in ----------------------------------------------------------------------------------- */

static bool has_room(const struct udp_port *port)
{
    return port->queue.charged < port->queue_cap;
}

/* The last frame may go beyond the cap by less than its own size: a datagram that is larger than
 * the cap would never come through otherwise. */
static void append(struct udp *udp, struct udp_port *port, const struct udp_arrival *in,
                   struct frame *frame)
{
    struct udp_from *from = frame_note(frame);

    *from = (struct udp_from){.src = in->src,
                              .dst = in->dst,
                              .src_port = in->datagram.src_port,
                              .ttl = in->ttl,
                              .tos = in->tos,
                              .options_len = port->takes_options ? (uint8_t)in->options.len : 0};
    frame_queue_append(&port->queue, frame);
    ready_tell_of(udp->ready, &port->ready, NEWS_IN);
}

/* Its data in a frame of its own, behind the IP options if the port takes any; NULL without memory.
 */
static struct frame *copy_for(const struct udp_port *port, const struct udp_arrival *in)
{
    struct bytes data = in->datagram.data;

    if (!port->takes_options || in->options.len == 0)
        return frame_copy(in->frame->home, data);
    const struct iovec piece[] = {{(void *)(uintptr_t)in->options.at, in->options.len},
                                  {(void *)(uintptr_t)data.at, data.len}};
    struct frame *frame = frame_gather(in->frame->home, piece, 2);
    if (frame)
        frame_trim_front(frame, (uint32_t)in->options.len);
    return frame;
}

/* The same where nobody else needs what came. */
static struct frame *take_for(const struct udp_port *port, struct udp_arrival *in)
{
    struct frame *came = in->frame, *frame;

    if (port->takes_options && in->options.len > 0) {
        frame = copy_for(port, in);
        frame_put(came);
    } else {
        frame = frame_compact(came, in->datagram.data);
    }
    in->frame = NULL;
    return frame;
}

static enum drop deliver(struct udp *udp, struct udp_port *port, struct udp_arrival *in)
{
    if (!has_room(port))
        return DROP_UDP_FULL;
    struct frame *frame = take_for(port, in);
    if (!frame)
        return DROP_DEV_NO_BUFFER;
    append(udp, port, in, frame);
    events_note(udp->events, WHY_UDP_IN);
    return DROP_NONE;
}

/* A copy to each that has this name and hears of this sender. */
static enum drop deliver_to_named(struct udp *udp, const struct udp_arrival *in,
                                  struct endpoint local, struct endpoint remote, enum drop so_far)
{
    for (struct udp_port *port = udp_chain(udp, local, remote); port; port = udp_chain_next(port)) {
        if (!udp_is_named(port, local, remote) || !udp_speaks(port, in->dst))
            continue;
        struct frame *frame = has_room(port) ? copy_for(port, in) : NULL;
        if (frame) {
            append(udp, port, in, frame);
            so_far = DROP_NONE;
        } else if (so_far) {
            so_far = has_room(port) ? DROP_DEV_NO_BUFFER : DROP_UDP_FULL;
        }
    }
    return so_far;
}

/* Whose names could be meant: our end is the address that was sent to or any, the other end the
 * sender or anybody. No port has two names, so none has two copies. */
static enum drop deliver_to_many(struct udp *udp, const struct udp_arrival *in)
{
    const struct endpoint local[] = {{in->dst, in->datagram.dst_port},
                                     {.port = in->datagram.dst_port}};
    const struct endpoint remote[] = {{in->src, in->datagram.src_port}, {.port = 0}};
    enum drop drop = DROP_UDP_CLOSED;

    for (size_t i = 0; i < 4; i++)
        drop = deliver_to_named(udp, in, local[i / 2], remote[i % 2], drop);
    if (!drop)
        events_note(udp->events, WHY_UDP_IN_MANY);
    return drop;
}

enum drop udp_arrives(struct udp *udp, struct udp_arrival *in)
{
    if (in->to_many)
        return deliver_to_many(udp, in);
    struct udp_port *port = udp_find(udp, (struct endpoint){in->dst, in->datagram.dst_port},
                                     (struct endpoint){in->src, in->datagram.src_port});
    return port ? deliver(udp, port, in) : DROP_UDP_CLOSED;
}

struct frame *udp_take(struct udp_port *port)
{
    struct frame *frame = frame_queue_take(&port->queue);

    assert(frame != NULL);
    return frame;
}

/* --- errors ------------------------------------------------------------------------------- */

/* Will it not pass by itself? As Linux has it, which differs from what a connection of TCP makes of
 * the same error: a datagram that was too big is lost for good. */
static bool is_hard(const struct udp_port *port, const struct icmp_error *error)
{
    return error->too_big ? !port->fragments : error->hard || error->error == EPROTO;
}

enum drop udp_icmp_error(struct udp *udp, struct endpoint local, struct endpoint remote,
                         const struct icmp_error *error)
{
    struct udp_port *port = udp_find(udp, local, remote);

    if (!port)
        return DROP_ICMP_NO_FLOW;
    events_note(udp->events, WHY_ICMP_ERROR);
    if (error->error && (port->all_errors || (port->is_connected && is_hard(port, error)))) {
        port->error = (uint8_t)error->error;
        ready_tell(udp->ready, &port->ready);
    }
    return DROP_NONE;
}

void udp_forget_address(struct udp *udp, struct ip_addr local)
{
    for (size_t i = 0; i < UDP_PORT_BUCKETS; i++) {
        struct list *bucket = &udp->by_port[i];
        for (struct list *node = bucket->next; node != bucket; node = node->next) {
            struct udp_port *port = CONTAINER_OF(node, struct udp_port, by_port);
            if (!ip_equal(port->local.addr, local))
                continue;
            port->error = ENETDOWN;
            ready_tell(udp->ready, &port->ready);
        }
    }
}

int udp_take_error(struct udp_port *port)
{
    int error = port->error;

    port->error = 0;
    return error;
}

/* --- readiness ---------------------------------------------------------------------------- */

void udp_want_room(struct udp *udp, struct udp_port *port)
{
    if (!list_is_linked(&port->waiting))
        list_append(&udp->waiting, &port->waiting);
}

void udp_tell_room(struct udp *udp)
{
    for (struct list *node; (node = list_take(&udp->waiting));) {
        struct udp_port *port = CONTAINER_OF(node, struct udp_port, waiting);
        ready_tell_of(udp->ready, &port->ready, NEWS_OUT);
    }
}

short udp_poll(const struct udp_port *port)
{
    short holds = list_is_linked(&port->waiting) ? 0 : POLLOUT | POLLWRNORM;

    if (port->queue.len > 0 || port->shut_read)
        holds |= POLLIN | POLLRDNORM;
    if (port->shut_read)
        holds |= POLLRDHUP;
    if (port->shut_read && port->shut_write)
        holds |= POLLHUP;
    return port->error ? holds | POLLERR : holds;
}
