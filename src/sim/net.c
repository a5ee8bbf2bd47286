/*
 * net.c - see net.h.
 *
 * Time stands still while anything is to be done and then leaps to the next moment at which
 * something is. Each node keeps that moment of its own, so a step costs a look at an array of
 * numbers and the work itself: a host that has nothing to do is not touched. The array is short
 * (hosts and wires of a simulation, not of the Internet), and walking it is cheaper than a heap
 * that must be kept right for each packet.
 *
 * A packet is copied once for each link that it crosses, into the wire; the stack's device hands
 * the last copy to the stack. What comes out of a wire at a router moves on within the same step;
 * what comes out at a host waits for that host's poll, up to DEV_BATCH at a time, as behind a real
 * device.
 *
 * A device that offloads cuts what its stack sends, and joins what came in a row when the stack
 * takes it; its checksums are completed on the way into the wire. So nobody but the two stacks can
 * tell.
 *
 * A host's clock is the network's and an offset. The wires know only the network's time; the stack
 * knows only its own.
 */
#include "sim/net.h"

#include <errno.h>
#include <string.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/frame.h"
#include "base/instant.h"
#include "dev/big_frame.h"
#include "sim/joined.h"
#include "stack/stack.h"

enum {
    AGAIN_US = 100, /* who has work left that it could not do now tries again after so long */
    NO_WIRE = UINT16_MAX,
};

/* --- wires -------------------------------------------------------------------------------- */

static bool is_router(const struct net *net, uint32_t node)
{
    return node >= net->hosts;
}

/* The wire has something for its end at another time now. */
static void plan_wire(struct net *net, uint32_t wire)
{
    struct net_wire *w = &net->wire[wire];
    instant due = bad_wire_deadline(&w->bad);

    if (is_router(net, w->to)) {
        net->due[wire] = due;
    } else {
        struct net_host *to = &net->host[w->to];
        due = instant_before(due, to->asleep) ? to->asleep : due;
        net->wake[w->to] = instant_min(net->wake[w->to], due);
    }
}

static void put_packet(struct net *net, struct net_wire *w, const struct iovec *iov, int iovcnt,
                       const struct frame_meta *meta, bool hurt)
{
    struct arrival arrival = {.iov = iov, .iovcnt = iovcnt, .meta = meta, .hurt = hurt};

    for (int i = 0; i < iovcnt; i++)
        arrival.len += iov[i].iov_len;
    if (arrival.len > w->mtu) { /* a router has looked before; a host knows its own link */
        w->too_big++;
        return;
    }
    bad_wire_arrive(&w->bad, &arrival, net->now);
}

void net_put(struct net *net, uint32_t wire, const struct iovec *iov, int iovcnt,
             const struct frame_meta *meta, bool hurt)
{
    put_packet(net, &net->wire[wire], iov, iovcnt, meta, hurt);
    plan_wire(net, wire);
}

/* --- a host's device ---------------------------------------------------------------------- */

static struct net_host *host_of(struct dev *dev)
{
    return CONTAINER_OF(dev, struct net_host, dev);
}

static int send_packet(struct dev *dev, const struct frame_meta *meta, const struct iovec *iov,
                       int iovcnt, instant now)
{
    struct net_host *host = host_of(dev);
    struct net_wire *w = &host->net->wire[host->out];
    struct big_cut cut;

    (void)now; /* the host's own idea of it */
    if (big_cut_begin(&cut, meta, iov, iovcnt, true)) {
        while (big_cut_next(&cut))
            put_packet(host->net, w, cut.iov, cut.iovcnt, &cut.meta, false);
        host->cut += cut.count;
    } else {
        put_packet(host->net, w, iov, iovcnt, meta, false);
    }
    plan_wire(host->net, host->out);
    return 0;
}

static int receive(struct dev *dev, struct frame_pool *pool, struct frame **batch, int max,
                   instant now)
{
    struct net_host *host = host_of(dev);
    struct bad_wire *wire = &host->net->wire[host->in].bad;
    struct held *held;
    int count = 0;

    (void)now;
    while (count < max && (held = bad_wire_due(wire, host->net->now))) {
        struct frame *frame = frame_get(pool, held->len);
        if (!frame) {
            dev->counters.rx_nobuf++;
            break;
        }
        memcpy(frame->data, held->octets, held->len);
        frame->len = held->len;
        frame->meta = held->meta;
        batch[count++] = frame;
        wire->counters.passed++;
        bad_wire_drop(wire, held);
    }
    int left = dev->big_frames ? joined_batch(pool, batch, count, true) : count;
    host->joined += (uint64_t)(count - left);
    return left;
}

static int no_descriptor(const struct dev *dev)
{
    (void)dev;
    return -1;
}

static void close_nothing(struct dev *dev)
{
    (void)dev;
}

static const struct dev_ops net_ops = {
    .receive = receive, .send = send_packet, .fd = no_descriptor, .close = close_nothing};

/* --- a host's environment ----------------------------------------------------------------- */

static int seeded_random(void *context, void *octets, size_t len)
{
    struct net_host *host = context;
    struct writer w = writer_of(octets, len);

    while (w.left > 0)
        write_u8(&w, (uint8_t)prng_next(&host->randomness));
    return 0;
}

static void *heap_alloc(void *context, size_t len)
{
    struct net_heap *heap = &((struct net_host *)context)->heap;

    if ((heap->failing > 0 && prng_chance(&heap->prng, heap->failing)) ||
        (heap->fails_at > 0 && --heap->fails_at == 0)) {
        heap->failed++;
        return NULL;
    }
    void *octets = memory_alloc(heap->memory, len);
    if (octets)
        heap->octets += len;
    return octets;
}

static void heap_release(void *context, void *octets, size_t len)
{
    struct net_heap *heap = &((struct net_host *)context)->heap;

    heap->octets -= len;
    memory_release(heap->memory, octets, len);
}

/* --- making ------------------------------------------------------------------------------- */

int net_init(struct net *net, struct memory *memory, uint64_t seed, uint32_t hosts,
             uint32_t routers, uint32_t links)
{
    assert(hosts > 0 && hosts + routers <= NET_NODES_MAX && links > 0 && links <= NET_LINKS_MAX);
    *net = (struct net){
        .memory = memory, .hosts_max = hosts, .nodes_max = hosts + routers, .wires_max = 2 * links};
    prng_seed(&net->prng, seed);
    net->host = memory_alloc(memory, hosts * sizeof(*net->host));
    net->wire = memory_alloc(memory, net->wires_max * sizeof(*net->wire));
    net->wake = memory_alloc(memory, net->nodes_max * sizeof(*net->wake));
    net->due = memory_alloc(memory, net->wires_max * sizeof(*net->due));
    net->route = memory_alloc(memory, (routers + 1ul) * hosts * sizeof(*net->route));
    if (net->host && net->wire && net->wake && net->due && net->route)
        return 0;
    net_fini(net);
    return -ENOMEM;
}

uint64_t net_fini(struct net *net)
{
    uint64_t left = 0;

    for (uint32_t i = 0; net->host && i < net->hosts; i++) {
        stack_free(net->host[i].stack);
        left += net->host[i].heap.octets;
    }
    for (uint32_t i = 0; i < net->wires; i++)
        bad_wire_fini(&net->wire[i].bad);
    memory_release(net->memory, net->host, net->hosts_max * sizeof(*net->host));
    memory_release(net->memory, net->wire, net->wires_max * sizeof(*net->wire));
    memory_release(net->memory, net->wake, net->nodes_max * sizeof(*net->wake));
    memory_release(net->memory, net->due, net->wires_max * sizeof(*net->due));
    memory_release(net->memory, net->route,
                   (net->nodes_max - net->hosts_max + 1ul) * net->hosts_max * sizeof(*net->route));
    return left;
}

/* 10.0.0.1, 10.0.0.2 ..., or fd00::1 ... */
static struct ip_prefix address_of(uint32_t host, bool ipv6)
{
    uint32_t number = host + 1;

    if (ipv6)
        return (struct ip_prefix){{{0xfd, [14] = (uint8_t)(number >> 8), [15] = (uint8_t)number}},
                                  64};
    return (struct ip_prefix){ip_from_v4(0x0a000000u | number), 8};
}

int net_add_host(struct net *net, const struct net_host_config *config)
{
    assert(net->hosts < net->hosts_max && net->nodes == net->hosts);
    struct net_host *host = &net->host[net->hosts];
    struct ip_prefix addr = address_of(net->hosts, config->ipv6);
    struct stack_config stack;

    *host = (struct net_host){.net = net,
                              .node = net->hosts,
                              .addr = addr.addr,
                              .app = config->app,
                              .dev = {.ops = &net_ops,
                                      .mtu = config->mtu,
                                      .ip_only = true,
                                      .csum_offload = config->big_frames,
                                      .big_frames = config->big_frames},
                              .heap = {.memory = net->memory, .fails_at = config->fails_at},
                              .out = NO_WIRE,
                              .in = NO_WIRE};
    prng_seed(&host->randomness, prng_next(&net->prng));
    prng_seed(&host->heap.prng, prng_next(&net->prng));
    host->env = (struct env){
        .context = host, .random = seeded_random, .alloc = heap_alloc, .release = heap_release};
    stack_config_init(&stack);
    stack.values = config->values;
    stack.mtu = config->mtu;
    stack.link = STACK_LINK_IP;
    stack.addr[0] = addr;
    stack.addr_count = 1;
    if (stack_config_check(&stack))
        return -EINVAL;
    host->stack = stack_new(&stack, &host->env);
    net->nodes = ++net->hosts; /* without a stack, too: net_fini() counts what is left of it */
    return host->stack ? (int)host->node : -ENOMEM;
}

uint32_t net_add_router(struct net *net)
{
    assert(net->hosts == net->hosts_max && net->nodes < net->nodes_max);
    return net->nodes++;
}

static void make_wire(struct net *net, uint32_t from, uint32_t to,
                      const struct impair_config *config, uint32_t mtu)
{
    struct net_wire *w = &net->wire[net->wires];

    *w = (struct net_wire){.from = from, .to = to, .mtu = mtu};
    bad_wire_init(&w->bad, net->memory, config, true, prng_next(&net->prng));
    w->bad.completes = true;
    if (!is_router(net, from))
        net->host[from].out = net->wires;
    if (!is_router(net, to))
        net->host[to].in = net->wires;
    net->due[net->wires++] = INSTANT_NEVER;
}

uint32_t net_join(struct net *net, uint32_t a, uint32_t b, const struct impair_config wires[2],
                  uint32_t mtu)
{
    assert(a < net->nodes && b < net->nodes && a != b && net->wires + 2 <= net->wires_max);
    make_wire(net, a, b, &wires[0], mtu);
    make_wire(net, b, a, &wires[1], mtu);
    return net->wires - 2;
}

/* The ways to one host, from the host outwards: whoever is reached first over a wire goes back by
 * its twin. `queue` has room for all nodes. Returns how many were reached. */
static uint32_t find_ways(struct net *net, uint32_t host, uint16_t *queue)
{
    uint32_t first = 0, last = 0;

    queue[last++] = (uint16_t)host;
    while (first < last) {
        uint32_t node = queue[first++];
        for (uint32_t i = 0; i < net->wires; i++) {
            uint32_t far = net->wire[i].to;
            bool met = false;
            if (net->wire[i].from != node)
                continue;
            for (uint32_t k = 0; k < last; k++)
                met |= queue[k] == far;
            if (met || (!is_router(net, node) && node != host))
                continue; /* hosts pass nothing on */
            queue[last++] = (uint16_t)far;
            if (is_router(net, far))
                net->route[(far - net->hosts) * net->hosts + host] = (uint16_t)(i ^ 1);
        }
    }
    return last;
}

int net_start(struct net *net)
{
    uint16_t *queue = memory_alloc(net->memory, net->nodes_max * sizeof(*queue));

    if (!queue)
        return -ENOMEM;
    uint32_t reached = net->nodes;
    for (uint32_t i = 0; i < net->hosts; i++)
        reached = u32_min(reached, find_ways(net, i, queue));
    memory_release(net->memory, queue, net->nodes_max * sizeof(*queue));
    for (uint32_t i = net->hosts; i < net->nodes; i++)
        net->wake[i] = INSTANT_NEVER;
    return reached == net->nodes ? 0 : -EINVAL;
}

/* --- the run ------------------------------------------------------------------------------ */

void net_wake(struct net *net, uint32_t host)
{
    struct net_host *h = &net->host[host];

    net->wake[host] = instant_before(net->now, h->asleep) ? h->asleep : net->now;
}

static void poll_host(struct net *net, struct net_host *host)
{
    instant now = net_host_now(host);
    int frames = stack_receive(host->stack, &host->dev, now);

    assert(frames >= 0); /* this device is never gone */
    instant app = host->app->poll(host->app, host->stack, now);
    int err = stack_send(host->stack, &host->dev, now);
    assert(!err);
    if (host->app->after)
        host->app->after(host->app, host->stack);

    instant next = instant_min(app, stack_deadline(host->stack));
    if (!instant_is_never(next))
        next = instant_add(next, -host->skew_ns);
    next = instant_min(next, bad_wire_deadline(&net->wire[host->in].bad));
    /* What could not be done now, for want of memory perhaps, is tried again a little later. */
    if (frames == 0 && !instant_before(net->now, next))
        next = instant_add(net->now, AGAIN_US * NS_PER_US);
    net->wake[host->node] = next;
}

bool net_step(struct net *net, instant until)
{
    instant next = INSTANT_NEVER;

    for (uint32_t i = 0; i < net->hosts; i++)
        next = instant_min(next, net->wake[i]);
    for (uint32_t i = 0; i < net->wires; i++)
        next = instant_min(next, net->due[i]);
    if (instant_before(until, next)) {
        net->now = until;
        return false;
    }
    if (instant_before(net->now, next))
        net->now = next;
    net->steps++;
    for (uint32_t i = 0; i < net->wires; i++) {
        if (instant_before(net->now, net->due[i]))
            continue;
        net_forward(net, i);
        plan_wire(net, i);
    }
    for (uint32_t i = 0; i < net->hosts; i++) {
        if (!instant_before(net->now, net->wake[i]))
            poll_host(net, &net->host[i]);
    }
    return true;
}

uint64_t net_sent(const struct net *net)
{
    uint64_t sent = 0;
    struct stack_counters c;

    for (uint32_t i = 0; i < net->hosts; i++) {
        stack_counters(net->host[i].stack, &c);
        sent += c.sent;
    }
    return sent;
}
