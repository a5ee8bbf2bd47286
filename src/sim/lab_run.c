/*
 * lab_run.c - see lab_run.h.
 *
 * Time stands still while anything is to be done and then leaps. Why not the network of net.h: a
 * lab wants Ethernet as well as bare IP, frames that are lost by their number and not by chance,
 * and to know of each frame when it arrives at the moment at which it leaves.
 *
 * An item is made when a frame leaves; the stack's own event about it comes just after, and adds
 * the reason. What the receiver made of it is told when it has taken it, in the order of arrival.
 */
#include "sim/lab_run.h"

#include <errno.h>
#include <string.h>

#include "base/frame.h"
#include "base/instant.h"
#include "dev/vnet_wire.h"
#include "eth/eth_wire.h"
#include "sim/lab_world.h"
#include "tcp/tcp_wire.h"

/* --- items -------------------------------------------------------------------------------- */

void lab_problem(struct lab_world *world, const char *what, const char *whom)
{
    if (world->result->problem[0])
        return; /* the first one counts */
    struct text t = text_of(world->result->problem, sizeof world->result->problem);
    text_add(&t, world->plan->scene[world->scene].name);
    text_add(&t, ": ");
    text_add(&t, what);
    if (whom) {
        text_add(&t, ": ");
        text_add(&t, whom);
    }
}

struct lab_item *lab_add(struct lab_world *world, enum lab_kind kind, int host)
{
    if (world->result->count == LAB_ITEMS) {
        lab_problem(world, "more happens than can be told", NULL);
        return NULL;
    }
    struct lab_item *item = &world->result->item[world->result->count++];
    *item = (struct lab_item){.kind = kind,
                              .scene = world->scene,
                              .host = host,
                              .when = world->now,
                              .began = world->now,
                              .arrives = INSTANT_NEVER};
    return item;
}

static bool wants(enum lab_want want, bool is)
{
    return want == LAB_EITHER || (want == LAB_YES) == is;
}

static bool fits_segment(const struct lab_pick *pick, const struct lab_item *item)
{
    const struct lab_frame *f = &item->frame;

    return (!pick->protocol || pick->protocol == f->protocol) &&
           (!pick->has_flags ||
            (f->protocol == LAB_TCP &&
             pick->flags == (f->flags & (TCP_SYN | TCP_ACK | TCP_FIN | TCP_RST)))) &&
           wants(pick->text, f->len > 0) && wants(pick->lost, item->lost) &&
           wants(pick->again, item->again) &&
           (!pick->port || pick->port == f->src_port || pick->port == f->dst_port) &&
           (!pick->why[0] || strcmp(pick->why, why_key(item->why)) == 0) &&
           (!pick->got[0] || strcmp(pick->got, why_key(item->got)) == 0);
}

bool lab_fits(const struct lab_pick *pick, const struct lab_item *item)
{
    if (pick->kind != item->kind || (pick->host >= 0 && pick->host != item->host) ||
        (pick->scene >= 0 && pick->scene != item->scene))
        return false;
    if (item->kind == LAB_SEGMENT)
        return fits_segment(pick, item);
    return (!pick->word[0] || strcmp(pick->word, item->word) == 0) &&
           (item->kind != LAB_CALL || item->waits == (pick->waits == LAB_YES));
}

/* Of what comes from item `first` on. */
static int find_from(const struct lab_mark *mark, const struct lab_result *result, int first)
{
    int seen = 0, found = -1;

    for (int i = first; i < result->count; i++) {
        if (!lab_fits(&mark->pick, &result->item[i]))
            continue;
        seen++;
        if (mark->pick.nth == seen)
            return i;
        found = i;
    }
    if (mark->counts)
        return seen;
    return mark->pick.nth < 0 ? found : -1;
}

/* A mark may come after another one, which was named before it: the first of all is found first. */
int lab_find(const struct lab_plan *plan, const struct lab_result *result, int mark)
{
    int chain[LAB_MARKS], length = 0, found = -1;

    for (int m = mark; m >= 0; m = plan->mark[m].pick.after)
        chain[length++] = m;
    while (length > 0) {
        const struct lab_mark *m = &plan->mark[chain[--length]];
        if (m->pick.after >= 0 && found < 0)
            return m->counts ? 0 : -1;
        found = find_from(m, result, found + 1);
    }
    return found;
}

/* --- wires -------------------------------------------------------------------------------- */

static void push(struct lab_queue *q, int item)
{
    assert(q->count < LAB_FLYING);
    q->item[(q->first + q->count++) % LAB_FLYING] = item;
}

static int pop(struct lab_queue *q)
{
    if (q->count == 0)
        return -1;
    int item = q->item[q->first];
    q->first = (q->first + 1) % LAB_FLYING;
    q->count--;
    return item;
}

/* Is it one that the plan wants to be lost? Each drop counts what fits it. */
static bool is_to_drop(struct lab_station *st, const struct lab_item *item)
{
    const struct lab_plan *plan = st->world->plan;
    bool drop = false;

    for (int i = 0; i < plan->drops; i++) {
        const struct lab_drop *d = &plan->drop[i];
        if ((d->scene >= 0 && d->scene != item->scene) || !lab_fits(&d->pick, item))
            continue;
        st->drops_seen[i]++;
        drop |= d->pick.nth == 0 || (uint32_t)d->pick.nth == st->drops_seen[i];
    }
    return drop;
}

static struct lab_station *station_of(struct dev *dev)
{
    return CONTAINER_OF(dev, struct lab_station, dev);
}

static int send_frame(struct dev *dev, const struct frame_meta *meta, const struct iovec *iov,
                      int iovcnt, instant now)
{
    struct lab_station *st = station_of(dev);
    struct lab_world *world = st->world;
    struct arrival arrival = {.iov = iov, .iovcnt = iovcnt, .meta = meta};
    struct writer w = writer_of(world->chunk, sizeof world->chunk);

    for (int i = 0; i < iovcnt; i++) {
        arrival.len += iov[i].iov_len;
        write_bytes(&w, iov[i].iov_base, iov[i].iov_len);
    }
    struct lab_item *item = lab_add(world, LAB_SEGMENT, st->number);
    st->sent = item ? world->result->count - 1 : -1;
    if (!item || w.overrun || st->flying.count == LAB_FLYING)
        return 0;
    lab_read_frame(world, bytes_of(world->chunk, arrival.len), item);
    uint64_t held = st->wire.counters.held;
    item->lost = true;
    if (is_to_drop(st, item))
        return 0;
    bad_wire_arrive(&st->wire, &arrival, now);
    if (st->wire.counters.held > held) {
        item->lost = false;
        item->arrives = st->wire.last->due;
        push(&st->flying, st->sent);
    }
    return 0;
}

static int receive(struct dev *dev, struct frame_pool *pool, struct frame **batch, int max,
                   instant now)
{
    struct lab_station *st = station_of(dev);
    int count = 0;

    (void)now;
    (void)pool;
    while (count < max && st->inbox_count > 0) {
        batch[count++] = st->inbox[st->inbox_first].frame;
        push(&st->taken, st->inbox[st->inbox_first].item);
        st->inbox_first = (st->inbox_first + 1) % LAB_FLYING;
        st->inbox_count--;
    }
    return count;
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

static const struct dev_ops lab_ops = {
    .receive = receive, .send = send_frame, .fd = no_descriptor, .close = close_nothing};

static void deliver(struct lab_world *world, const struct held *held, int to, int item)
{
    struct lab_station *st = &world->station[to];

    if (st->inbox_count == LAB_FLYING)
        return;
    struct frame *frame = stack_frame(st->stack, held->len);
    if (!frame)
        return;
    memcpy(frame->data, held->octets, held->len);
    frame->len = held->len;
    frame->meta = held->meta;
    uint32_t at = (st->inbox_first + st->inbox_count++) % LAB_FLYING;
    st->inbox[at].frame = frame;
    st->inbox[at].item = item;
    st->wake = world->now;
}

/* The switch: what comes out of a host's wire goes to whom it is for. */
static void forward(struct lab_world *world, struct lab_station *from)
{
    struct held *held;

    while ((held = bad_wire_due(&from->wire, world->now))) {
        int item = pop(&from->flying);
        int to = world->result->item[item].frame.to;
        for (int i = 0; i < world->plan->hosts; i++)
            if (i != from->number && (to < 0 || to == i))
                deliver(world, held, i, to < 0 ? -1 : item);
        bad_wire_drop(&from->wire, held);
    }
}

/* --- a scene ------------------------------------------------------------------------------ */

struct ip_addr lab_address(int host)
{
    return ip_from_v4(0x0a000001u + (uint32_t)host);
}

static int seeded_random(void *context, void *octets, size_t len)
{
    struct lab_station *st = context;
    struct writer w = writer_of(octets, len);

    while (w.left > 0)
        write_u8(&w, (uint8_t)prng_next(&st->randomness));
    return 0;
}

static void *station_alloc(void *context, size_t len)
{
    return memory_alloc(((struct lab_station *)context)->world->memory, len);
}

static void station_release(void *context, void *octets, size_t len)
{
    memory_release(((struct lab_station *)context)->world->memory, octets, len);
}

/* A laboratory's stacks are small, and leave timestamps out: a segment of text is then 1460 octets,
 * as in the books. */
static void make_values(const struct lab_world *world, int host, struct stack_values *v)
{
    const struct lab_plan *plan = world->plan;

    values_default(v);
    v->tcp_connections = v->tcp_time_wait = v->tcp_syn_cache = v->sock_sockets = 64;
    v->see_ring = 64;
    v->tcp_timestamps = 0;
    for (int i = 0; i < plan->sets; i++) {
        const struct lab_set *set = &plan->set[i];
        if ((set->scene >= 0 && set->scene != world->scene) ||
            (set->host >= 0 && set->host != host))
            continue;
        int err = values_set(v, set->key, set->value);
        assert(!err); /* the plan was read */
    }
}

static int make_station(struct lab_world *world, int host, struct event_sink *capture)
{
    const struct lab_scene *scene = &world->plan->scene[world->scene];
    struct lab_station *st = &world->station[host];
    struct stack_config config;

    st->world = world;
    st->number = host;
    st->sent = -1;
    st->next_shown = 3; /* behind the three that every process has */
    st->sink.event = lab_listen;
    st->dev = (struct dev){.ops = &lab_ops,
                           .mtu = scene->mtu[host],
                           .ip_only = !scene->ethernet,
                           .unpadded = !scene->ethernet};
    for (int i = 0; i < LAB_SLOTS; i++)
        st->s[i] = -1;
    prng_seed(&st->randomness, world->plan->seed * 1000 + (uint64_t)(world->scene * 10 + host));
    st->env = (struct env){
        .context = st, .random = seeded_random, .alloc = station_alloc, .release = station_release};
    bad_wire_init(&st->wire, world->memory, &scene->wire[host].config, !scene->ethernet, 1);
    stack_config_init(&config);
    make_values(world, host, &config.values);
    config.link = scene->ethernet ? STACK_LINK_ETHERNET : STACK_LINK_IP;
    config.mtu = scene->mtu[host];
    config.mac = (struct mac_addr){{0x02, 0, 0, 0, 0, (uint8_t)(host + 1)}};
    config.addr[0] = (struct ip_prefix){lab_address(host), 24};
    config.addr_count = 1;
    st->stack = stack_new(&config, &st->env);
    if (!st->stack)
        return -ENOMEM;
    stack_advance(st->stack, world->now);
    stack_listen(st->stack, &st->sink);
    if (capture && host == world->plan->capture)
        stack_listen(st->stack, capture);
    st->wake = world->now;
    return 0;
}

static void poll_station(struct lab_world *world, int host)
{
    struct lab_station *st = &world->station[host];
    short events;

    int frames = stack_receive(st->stack, &st->dev, world->now);
    assert(frames >= 0);
    while (sock_next_ready(st->stack, &events) >= 0)
        ; /* each program asks for its own socket again */
    instant app = lab_act(world, host);
    int err = stack_send(st->stack, &st->dev, world->now);
    assert(!err);
    st->wake = instant_min(app, stack_deadline(st->stack));
    if (st->inbox_count > 0)
        st->wake = world->now;
}

/* Goes on to the next moment at which something happens; false when nothing will. */
static bool step(struct lab_world *world, instant limit)
{
    instant next = INSTANT_NEVER;
    int hosts = world->plan->hosts;

    for (int i = 0; i < hosts; i++) {
        next = instant_min(next, world->station[i].wake);
        next = instant_min(next, bad_wire_deadline(&world->station[i].wire));
    }
    if (instant_is_never(next) || instant_before(limit, next))
        return false;
    if (instant_before(world->now, next))
        world->now = next;
    for (int i = 0; i < hosts; i++)
        forward(world, &world->station[i]);
    for (int i = 0; i < hosts; i++)
        if (!instant_before(world->now, world->station[i].wake))
            poll_station(world, i);
    return true;
}

static void end_scene(struct lab_world *world, struct event_sink *capture)
{
    for (int i = 0; i < world->plan->hosts; i++) {
        struct lab_station *st = &world->station[i];
        if (!st->stack)
            continue;
        while (st->inbox_count > 0) {
            dev_frame_release(st->inbox[st->inbox_first].frame);
            st->inbox_first = (st->inbox_first + 1) % LAB_FLYING;
            st->inbox_count--;
        }
        stack_unlisten(st->stack, &st->sink);
        if (capture && i == world->plan->capture)
            stack_unlisten(st->stack, capture);
        stack_free(st->stack);
        bad_wire_fini(&st->wire);
    }
}

static int run_scene(struct lab_world *world, struct event_sink *capture)
{
    const struct lab_plan *plan = world->plan;
    instant limit = instant_add(world->now, plan->scene[world->scene].limit_ns);
    int err = 0, steps = 0;

    for (int i = 0; i < plan->hosts && !err; i++)
        err = make_station(world, i, capture);
    for (int i = 0; i < plan->programs; i++)
        if (plan->program[i].scene == world->scene)
            world->actor[world->actors++] =
                (struct lab_actor){.program = &plan->program[i], .item = -1, .until = world->now};
    while (!err && !world->result->problem[0] && steps++ < LAB_STEPS_MAX && step(world, limit))
        ;
    if (steps >= LAB_STEPS_MAX)
        lab_problem(world, "it does not end", NULL);
    for (int i = 0; i < world->actors && !err; i++)
        if (world->actor[i].at < world->actor[i].program->count)
            lab_problem(world, "a program has not ended",
                        plan->host[world->actor[i].program->host].name);
    end_scene(world, capture);
    return err;
}

int lab_run(const struct lab_plan *plan, struct memory *memory, struct event_sink *capture,
            struct lab_result *result)
{
    struct lab_world *world = memory_alloc(memory, sizeof *world);
    instant start = {0};
    int err = 0;

    *result =
        (struct lab_result){.item = memory_alloc(memory, LAB_ITEMS * sizeof(struct lab_item))};
    if (!world || !result->item)
        err = -ENOMEM;
    for (int i = 0; i < plan->scenes && !err && !result->problem[0]; i++) {
        memset(world, 0, sizeof *world);
        world->plan = plan;
        world->memory = memory;
        world->result = result;
        world->scene = i;
        world->now = start;
        result->first_of[i] = start.ns;
        err = run_scene(world, capture);
        result->scene_ended[i] = world->now.ns;
        /* The next one begins at a whole second, so that one capture holds them all. */
        start = (instant){(world->now.ns / NS_PER_S + 2) * NS_PER_S};
    }
    memory_release(memory, world, sizeof *world);
    if (err)
        lab_result_free(result, memory);
    return err;
}

void lab_result_free(struct lab_result *result, struct memory *memory)
{
    memory_release(memory, result->item, LAB_ITEMS * sizeof(struct lab_item));
    result->item = NULL;
}
