/*
 * udp_table.c - the port that a datagram is for.
 *
 * All ports lie in one table under a keyed hash of both ends of their names, so the port for a
 * datagram is found by asking for at most three names, the most telling first.
 *
 * A program may give many ports the same name. They are a group, a ring in the order in which they
 * were named, and only its latest, which leads it, is in the chain of the table: however many there
 * are, a datagram passes one. A group is of one family, too, since an open address stands for other
 * senders then. Who leads is first in line for a datagram; but if it has reuse_port, one of those
 * in the group that do is drawn by the sender's hash. They are numbered from 0 in a tree; when one
 * goes, the last number becomes its. So the one for a number is found in O(log n), and it is the
 * same one for the same sender until the group changes.
 *
 * What belongs to a group (its place in the chain, the tree's root) is a field of each port and
 * counts in the one that leads. The next leader takes it over.
 */
#include "udp/udp.h"

/* --- groups ------------------------------------------------------------------------------- */

static struct udp_port **bucket(struct udp *udp, struct endpoint local, struct endpoint remote)
{
    return &udp->table[siphash_tuple(udp->table_key, local, remote) & udp->table_mask];
}

bool udp_is_named(const struct udp_port *port, struct endpoint local, struct endpoint remote)
{
    return endpoint_equal(port->local, local) && endpoint_equal(port->remote, remote);
}

/* What points to the one that leads the group which `port` is in, or would be. */
static struct udp_port **group_of(struct udp *udp, const struct udp_port *port)
{
    struct udp_port **link = bucket(udp, port->local, port->remote);

    while (*link &&
           !(udp_is_named(*link, port->local, port->remote) && (*link)->families == port->families))
        link = &(*link)->hash_next;
    return link;
}

static struct udp_port *next_in_group(const struct udp_port *port)
{
    return CONTAINER_OF(port->group.next, struct udp_port, group);
}

/* `to` leads the group from now on. */
static void hand_over(struct udp_port **link, struct udp_port *to)
{
    struct udp_port *from = *link;

    to->hash_next = from->hash_next;
    to->sharers = from->sharers;
    to->leads = true;
    from->hash_next = NULL;
    from->sharers = (struct tree){0};
    from->leads = false;
    *link = to;
}

/* --- who shares the senders --------------------------------------------------------------- */

/* Nobody gains by the shape of the tree, for the program alone can make one. */
static void share(const struct udp *udp, struct udp_port *leader, struct udp_port *port)
{
    uint32_t number = pool_index(&udp->ports, port);

    port->share.key = leader->sharers.count;
    port->share.priority = (uint32_t)siphash(udp->port_key, bytes_of(&number, sizeof number));
    tree_insert(&leader->sharers, &port->share);
}

static void stop_sharing(struct udp_port *leader, struct udp_port *port)
{
    struct tree_node *last = tree_last(&leader->sharers);

    tree_remove(&leader->sharers, &port->share);
    if (last == &port->share)
        return;
    tree_remove(&leader->sharers, last);
    last->key = port->share.key;
    tree_insert(&leader->sharers, last);
}

/* Of those who share, always the same one for the same sender. */
static struct udp_port *share_of(struct udp_port *leader, uint64_t hash)
{
    const struct tree *sharers = &leader->sharers;
    uint32_t turn = (uint32_t)(hash >> 32) % sharers->count; /* `leader` itself is one */

    return CONTAINER_OF(tree_floor(sharers, turn), struct udp_port, share);
}

void udp_set_reuse_port(struct udp *udp, struct udp_port *port, bool on)
{
    if (port->reuse_port == on)
        return;
    port->reuse_port = on;
    if (port->local.port == 0)
        return;
    struct udp_port *leader = *group_of(udp, port);
    if (on)
        share(udp, leader, port);
    else
        stop_sharing(leader, port);
}

/* --- the table ---------------------------------------------------------------------------- */

void udp_table_insert(struct udp *udp, struct udp_port *port)
{
    struct udp_port **link = group_of(udp, port);

    if (*link) {
        list_append(&(*link)->group, &port->group); /* before it, and so behind the oldest */
        hand_over(link, port);
    } else {
        struct udp_port **head = bucket(udp, port->local, port->remote);
        port->hash_next = *head;
        port->leads = true;
        *head = port;
    }
    if (port->reuse_port)
        share(udp, port, port);
    udp->connected += port->is_connected;
}

void udp_table_remove(struct udp *udp, struct udp_port *port)
{
    struct udp_port **link = group_of(udp, port);

    assert(*link && (*link)->leads);
    if (port->reuse_port)
        stop_sharing(*link, port);
    if (*link == port && list_is_linked(&port->group)) {
        hand_over(link, next_in_group(port));
    } else if (*link == port) {
        *link = port->hash_next;
        port->hash_next = NULL;
        port->leads = false;
    }
    list_remove(&port->group);
    udp->connected -= port->is_connected;
}

struct udp_port *udp_chain(struct udp *udp, struct endpoint local, struct endpoint remote)
{
    return *bucket(udp, local, remote);
}

struct udp_port *udp_chain_next(const struct udp_port *port)
{
    struct udp_port *next = next_in_group(port);

    return next->leads ? next->hash_next : next;
}

/* --- the port for a datagram -------------------------------------------------------------- */

/* A group that knows the family alone goes before one that knows both. */
static struct udp_port *find_named(struct udp *udp, struct endpoint local, struct endpoint remote,
                                   struct ip_addr dst, uint64_t hash)
{
    uint8_t family = udp_family_of(dst);
    struct udp_port *best = NULL;

    for (struct udp_port *leader = *bucket(udp, local, remote); leader;
         leader = leader->hash_next) {
        if (!udp_is_named(leader, local, remote) || !udp_speaks(leader, dst))
            continue;
        if (!best || leader->families == family)
            best = leader;
    }
    return best && best->reuse_port ? share_of(best, hash) : best;
}

struct udp_port *udp_find(struct udp *udp, struct endpoint local, struct endpoint remote)
{
    const struct endpoint any_of_ours = {.port = local.port}, anybody = {.port = 0};
    uint64_t hash = siphash_tuple(udp->table_key, local, remote);
    struct udp_port *port = NULL;

    if (udp->connected > 0)
        port = find_named(udp, local, remote, local.addr, hash);
    if (!port)
        port = find_named(udp, local, anybody, local.addr, hash);
    return port ? port : find_named(udp, any_of_ours, anybody, local.addr, hash);
}
