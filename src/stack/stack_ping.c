/*
 * stack_ping.c - datagram sockets of ICMP: what a ping stands on.
 *
 * What is sent becomes the data of an echo request with the socket's identifier and the next
 * sequence number; what comes back with that identifier, from the host that was asked, is queued. A
 * port keeps at most PING_QUEUE replies, the newest are refused.
 */
#include <errno.h>

#include "stack/stack.h"

/* Identifiers are given one after the other, so each list has one or few. */
static struct list *list_of(struct stack *s, uint16_t id)
{
    return &s->pings[id % PING_PORTS];
}

static struct ping_port *find(struct stack *s, uint16_t id)
{
    struct list *list = list_of(s, id);

    for (struct list *node = list->next; node != list; node = node->next) {
        struct ping_port *port = CONTAINER_OF(node, struct ping_port, node);
        if (port->id == id)
            return port;
    }
    return NULL;
}

struct ping_port *ping_port_open(struct stack *s, int32_t owner)
{
    struct ping_port *port = pool_get(&s->ping_ports);

    if (!port)
        return NULL;
    list_init(&port->node);
    ready_init(&port->ready, owner);
    do
        port->id = s->next_ping++;
    while (find(s, port->id)); /* fewer sockets than identifiers: it ends */
    list_append(list_of(s, port->id), &port->node);
    return port;
}

void ping_port_close(struct stack *s, struct ping_port *port)
{
    list_remove(&port->node);
    list_remove(&port->ready.node);
    frame_queue_clear(&port->replies);
    pool_put(&s->ping_ports, port);
}

ssize_t ping_port_send(struct stack *s, struct ping_port *port, const struct ipv4_options *options,
                       struct bytes data)
{
    const struct ip_family *family = ip_family_of(port->remote);
    struct ipv4_options room;
    struct route route;

    if (ip_is_unspecified(port->remote))
        return -EDESTADDRREQ;
    size_t whole =
        (size_t)family->header_len + (options ? options->len : 0u) + ICMP_HEADER + data.len;
    bool in_fragments = whole > s->config.mtu;
    if (in_fragments && (family->version != 4 || whole > UINT16_MAX))
        return -EMSGSIZE;
    int err = route_lookup(&s->ip, port->remote, &route);
    if (err)
        return err;
    if (s->replies.len >= (uint64_t)s->config.values.stack_replies)
        return -EAGAIN;
    struct ip_out header = {.src = route.src,
                            .dst = port->remote,
                            .protocol = family->icmp,
                            .ttl = (uint8_t)s->config.values.ip_ttl,
                            .may_fragment = in_fragments,
                            .options = stack_sent_options(s, options, route.src, &room)};
    if (in_fragments)
        header.id = ip_id_next(&s->ids, header.src, header.dst, header.protocol);
    struct frame *packet =
        family->echo(&s->frames, &header, (uint32_t)port->id << 16 | port->next_sequence, data);
    if (!packet)
        return -ENOBUFS;
    port->next_sequence++;
    stack_reply(s, packet, WHY_ICMP_PING);
    return (ssize_t)data.len;
}

enum drop ping_reply_arrives(struct stack *s, struct ip_addr from, const struct icmp_header *h,
                             struct bytes body)
{
    struct ping_port *port = find(s, (uint16_t)(h->rest >> 16));

    if (!port || !ip_equal(port->remote, from) || port->replies.len >= PING_QUEUE)
        return DROP_ICMP_NO_PING;
    struct frame *reply = frame_copy(&s->frames, body);
    if (!reply)
        return DROP_DEV_NO_BUFFER;
    frame_queue_append(&port->replies, reply);
    ready_tell(&s->tcp.ready, &port->ready);
    return DROP_NONE;
}

/* One datagram a call; what does not fit is cut off, as recv() does. */
ssize_t ping_port_recv(struct ping_port *port, void *out, size_t len, bool peek)
{
    struct frame *reply = port->replies.head;

    if (!reply)
        return -EAGAIN;
    struct writer w = writer_of(out, len);
    size_t n = size_min(len, reply->len);
    write_bytes(&w, reply->data, n);
    if (!peek)
        frame_put(frame_queue_take(&port->replies));
    return (ssize_t)n;
}
