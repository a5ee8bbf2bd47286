/*
 * udp_ports.c - ports, and the names that they are given.
 *
 * A name is our end and the other end, each of which may be open. udp_table.c has the ports by
 * their names; a second index, by number alone, serves bind(): who holds this number, under any
 * name?
 *
 * Numbers of AF_INET and AF_INET6 are the same numbers; `families` keeps apart what an open address
 * stands for. A port that knows IPv4 alone goes before one that knows both, as on Linux.
 */
#include <errno.h>

#include "udp/udp.h"

static const struct endpoint anybody;

static struct list *numbers(struct udp *udp, uint16_t number)
{
    return &udp->by_port[number % UDP_PORT_BUCKETS];
}

int udp_init(struct udp *udp, const struct udp_config *config)
{
    uint32_t size = 16;

    *udp = (struct udp){.memory = config->memory,
                        .events = config->events,
                        .ready = config->ready,
                        .values = config->values,
                        .table_key = config->table_key,
                        .port_key = config->port_key};
    list_init(&udp->waiting);
    for (size_t i = 0; i < UDP_PORT_BUCKETS; i++)
        list_init(&udp->by_port[i]);
    while (size < (uint64_t)udp->values->udp_ports)
        size *= 2;
    int err = pool_init(&udp->ports, udp->memory, "UDP ports", sizeof(struct udp_port),
                        (uint32_t)udp->values->udp_ports);
    if (err)
        return err;
    udp->table_mask = size - 1;
    udp->table = memory_alloc(udp->memory, size * sizeof(*udp->table));
    if (udp->table)
        return 0;
    pool_fini(&udp->ports);
    return -ENOMEM;
}

void udp_fini(struct udp *udp)
{
    memory_release(udp->memory, udp->table, (udp->table_mask + 1ul) * sizeof(*udp->table));
    pool_fini(&udp->ports);
}

uint64_t udp_memory_cap(const struct udp *udp)
{
    return pool_cap_octets(&udp->ports) + (udp->table_mask + 1ul) * sizeof(*udp->table);
}

/* --- opening, closing --------------------------------------------------------------------- */

struct udp_port *udp_open(struct udp *udp, uint8_t families, int32_t owner)
{
    struct udp_port *port = pool_get(&udp->ports);

    if (!port)
        return NULL;
    ready_init(&port->ready, owner);
    list_init(&port->group);
    list_init(&port->by_port);
    list_init(&port->waiting);
    port->families = families;
    port->queue_cap = (uint64_t)udp->values->udp_rmem;
    port->group_ttl = 1; /* no further than the link (RFC 1112, 6.1) */
    return port;
}

static void unbind(struct udp *udp, struct udp_port *port)
{
    if (port->local.port == 0)
        return;
    udp_table_remove(udp, port);
    list_remove(&port->by_port);
    port->local = port->remote = anybody;
    port->is_connected = false;
}

void udp_close(struct udp *udp, struct udp_port *port)
{
    unbind(udp, port);
    frame_queue_clear(&port->queue);
    list_remove(&port->ready.node);
    list_remove(&port->waiting);
    pool_put(&udp->ports, port);
}

/* --- names -------------------------------------------------------------------------------- */

uint8_t udp_family_of(struct ip_addr addr)
{
    return ip_is_v4(addr) ? UDP_FAMILY_V4 : UDP_FAMILY_V6;
}

/* Whom a port with this local address hears of. */
static uint8_t families_at(const struct udp_port *port, struct ip_addr addr)
{
    return ip_is_unspecified(addr) ? port->families : udp_family_of(addr);
}

bool udp_speaks(const struct udp_port *port, struct ip_addr dst)
{
    return families_at(port, port->local.addr) & udp_family_of(dst);
}

static bool may_share(const struct udp_port *a, const struct udp_port *b)
{
    return (a->reuse_addr && b->reuse_addr) || (a->reuse_port && b->reuse_port);
}

/* Could a datagram be meant for both? */
static bool names_meet(const struct udp_port *port, struct endpoint local,
                       const struct udp_port *other)
{
    struct ip_addr a = local.addr, b = other->local.addr;

    if (other->local.port != local.port)
        return false;
    if (!(families_at(port, a) & families_at(other, b)))
        return false;
    return ip_is_unspecified(a) || ip_is_unspecified(b) || ip_equal(a, b);
}

static bool is_free(struct udp *udp, const struct udp_port *port, struct endpoint local)
{
    struct list *same = numbers(udp, local.port);

    for (struct list *node = same->next; node != same; node = node->next) {
        const struct udp_port *other = CONTAINER_OF(node, struct udp_port, by_port);
        if (names_meet(port, local, other) && !may_share(port, other))
            return false;
    }
    return true;
}

/* A number that nobody holds under any name: an ephemeral port is shared with nobody. */
static bool is_unused(struct udp *udp, uint16_t number)
{
    struct list *same = numbers(udp, number);

    for (struct list *node = same->next; node != same; node = node->next) {
        if (CONTAINER_OF(node, struct udp_port, by_port)->local.port == number)
            return false;
    }
    return true;
}

/* RFC 6056, 3.3.1: from a place that nobody can guess, onwards. The range is TCP's. */
static int choose(struct udp *udp, uint16_t *out)
{
    uint32_t min = (uint32_t)udp->values->tcp_port_min;
    uint32_t count = (uint32_t)udp->values->tcp_port_max - min + 1;
    uint64_t choice = ++udp->choices;
    uint64_t start = siphash(udp->port_key, bytes_of(&choice, sizeof choice)) % count;

    for (uint32_t i = 0; i < count; i++) {
        *out = (uint16_t)(min + (start + i) % count);
        if (is_unused(udp, *out))
            return 0;
    }
    return -EADDRNOTAVAIL;
}

int udp_bind(struct udp *udp, struct udp_port *port, struct endpoint local)
{
    assert(port->local.port == 0 && !port->is_connected);
    if (ip_is_unspecified(local.addr))
        local.addr = anybody.addr; /* one form of it */
    if (local.port == 0) {
        int err = choose(udp, &local.port);
        if (err)
            return err;
    } else if (!is_free(udp, port, local)) {
        return -EADDRINUSE;
    }
    port->local = local;
    list_append(numbers(udp, local.port), &port->by_port);
    udp_table_insert(udp, port);
    return 0;
}

void udp_connect(struct udp *udp, struct udp_port *port, struct ip_addr local,
                 struct endpoint remote)
{
    assert(port->local.port != 0 && !ip_is_unspecified(remote.addr));
    udp_table_remove(udp, port);
    if (!ip_is_unspecified(local))
        port->local.addr = local;
    port->remote = remote;
    port->is_connected = true;
    udp_table_insert(udp, port);
}

void udp_disconnect(struct udp *udp, struct udp_port *port)
{
    if (!port->is_connected)
        return;
    if (!port->port_chosen) {
        unbind(udp, port);
        return;
    }
    udp_table_remove(udp, port);
    if (!port->addr_chosen)
        port->local.addr = anybody.addr;
    port->remote = anybody;
    port->is_connected = false;
    udp_table_insert(udp, port);
}
