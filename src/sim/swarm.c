/*
 * swarm.c - see swarm.h.
 *
 * Makes the network that the config draws, and lets it run to the next moment at which a fault
 * begins or all of them stop, and on to the end. What the hosts do is swarm_host.c's.
 */
#include "sim/swarm.h"

#include <errno.h>
#include <netinet/in.h>
#include <tapio/sock.h>

#include "base/instant.h"
#include "sim/swarm_inside.h"

void swarm_problem(struct swarm *swarm, uint32_t host, const char *what)
{
    if (swarm->result->problem)
        return;
    swarm->result->problem = what;
    swarm->result->host = host;
}

/* --- making ------------------------------------------------------------------------------- */

static int make_host(struct swarm *swarm, uint32_t number)
{
    const struct swarm_config *config = swarm->config;
    struct swarm_host *host = &swarm->host[number];
    struct net_host_config net_host = {.app = &host->app,
                                       .values = config->values,
                                       .mtu = config->mtu,
                                       .ipv6 = config->ipv6,
                                       .big_frames = config->offload >> number & 1};

    host->app = swarm_app;
    host->swarm = swarm;
    host->number = number;
    host->again = INSTANT_NEVER;
    int err = net_add_host(&swarm->net, &net_host);
    if (err < 0)
        return err;
    struct stack *stack = swarm->net.host[number].stack;
    oracle_init(&host->oracle, swarm->net.host[number].addr);
    stack_listen(stack, &host->oracle.sink);
    if (config->watch && config->watched == number)
        stack_listen(stack, config->watch);
    host->listener = sock_socket(stack, config->ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    if (host->listener < 0 ||
        sock_bind(stack, host->listener, (struct endpoint){.port = SWARM_PORT}) ||
        sock_listen(stack, host->listener, SWARM_CONNS))
        return -EINVAL;
    return 0;
}

static void make_conns(struct swarm *swarm)
{
    const struct swarm_config *config = swarm->config;

    for (uint32_t i = 0; i < config->connections; i++) {
        struct swarm_conn *conn = &swarm->conn[i];
        uint32_t from = (uint32_t)prng_below(&swarm->prng, config->hosts);
        uint32_t far = (uint32_t)prng_below(&swarm->prng, config->hosts - 1);
        *conn = (struct swarm_conn){
            .host = {from, far + (far >= from)},
            .opens_at = {(int64_t)prng_below(&swarm->prng, (uint64_t)config->opening_ns)},
            .end = {{.s = -1}, {.s = -1}}};
        stream_draw(&swarm->streams, &conn->end[OPENER], &conn->end[LISTENER], config->octets);
        swarm->to_verify += (uint64_t)conn->end[OPENER].to_send + conn->end[LISTENER].to_send;
    }
    swarm->ends_left = 2 * config->connections;
    for (uint32_t i = 0; i < config->connections; i++) { /* drawn last: sim_draw.c says why */
        struct swarm_conn *conn = &swarm->conn[i];
        conn->no_delay = prng_below(&swarm->prng, 2) == 0;
        conn->aborter = (enum side)prng_below(&swarm->prng, 2);
        const struct stream_end *end = &conn->end[conn->aborter];
        uint32_t at = 1 + (uint32_t)prng_below(&swarm->prng, end->to_send + end->expected + 1ul);
        if (prng_below(&swarm->prng, 4) == 0 && config->aborts)
            conn->abort_at = at;
    }
}

static int make_network(struct swarm *swarm)
{
    const struct swarm_config *config = swarm->config;
    struct net *net = &swarm->net;
    uint32_t router[SWARM_ROUTERS];
    int err = net_init(net, swarm->memory, config->seed, config->hosts, config->routers,
                       config->hosts + config->routers - 1);

    for (uint32_t i = 0; i < config->hosts && !err; i++)
        err = make_host(swarm, i);
    if (err)
        return err;
    for (uint32_t i = 0; i < config->routers; i++)
        router[i] = net_add_router(net);
    for (uint32_t i = 0; i < config->hosts; i++)
        net_join(net, i, router[config->at[i]], config->bad[i], config->mtu);
    for (uint32_t i = 1; i < config->routers; i++)
        net_join(net, router[i], router[config->above[i]], config->bad[config->hosts + i - 1],
                 config->mtu);
    swarm->forgery_sink.forged = swarm_note_forgery;
    for (uint32_t i = 0; i < net->wires; i++)
        net->wire[i].bad.forgeries = &swarm->forgery_sink;
    return net_start(net);
}

/* --- faults that come and go ---------------------------------------------------------------- */

static void set_mtu(struct swarm *swarm, const struct swarm_act *act, uint32_t mtu, bool silent)
{
    uint32_t wire = 2 * (swarm->config->hosts + act->target - 1);

    for (uint32_t i = wire; i < wire + 2; i++) {
        swarm->net.wire[i].mtu = mtu;
        swarm->net.wire[i].silent = silent;
    }
}

static void act(struct swarm *swarm, const struct swarm_act *act)
{
    struct net_host *host = &swarm->net.host[act->target];

    switch ((int)act->fault) {
    case SWARM_NARROW:
    case SWARM_BLACK_HOLE:
        set_mtu(swarm, act, (uint32_t)act->value, act->fault == SWARM_BLACK_HOLE);
        return;
    case SWARM_MEMORY:
        host->heap.failing = (uint32_t)act->value;
        break;
    case SWARM_LEAP:
        host->skew_ns += act->value;
        swarm->result->leaps++;
        break;
    case SWARM_SLEEP:
        host->asleep = instant_add(swarm->net.now, act->value);
        swarm->result->sleeps++;
        break;
    }
    net_wake(&swarm->net, act->target);
}

/* What lasts for a while is over. Two that narrow one link end together. */
static void undo(struct swarm *swarm, const struct swarm_act *act)
{
    if (act->fault == SWARM_MEMORY)
        swarm->net.host[act->target].heap.failing = 0;
    else
        set_mtu(swarm, act, swarm->config->mtu, false);
}

/* The act's next moment has come. */
static void turn(struct swarm *swarm, uint32_t number)
{
    const struct swarm_act *a = &swarm->config->act[number];
    instant *at = &swarm->act_at[number];
    bool *is_on = &swarm->act_is_on[number];

    if (*is_on)
        undo(swarm, a);
    else
        act(swarm, a);
    *is_on = !*is_on && a->lasts_ns > 0;
    if (*is_on)
        *at = instant_add(*at, a->lasts_ns);
    else if (a->every_ns > 0)
        *at = instant_add(*at, a->every_ns - a->lasts_ns);
    else
        *at = INSTANT_NEVER;
}

/* All faults stop. A link that a router speaks for stays as narrow as it is. */
static void stop_faults(struct swarm *swarm)
{
    const struct swarm_config *config = swarm->config;
    struct net *net = &swarm->net;

    for (uint32_t i = 0; i < net->wires; i++) {
        net->wire[i].bad.config = config->good[i / 2][i % 2];
        if (net->wire[i].silent)
            net->wire[i].mtu = config->mtu;
        net->wire[i].silent = false;
    }
    for (uint32_t i = 0; i < config->hosts; i++) {
        net->host[i].heap.failing = 0;
        net->host[i].asleep = net->now;
        net_wake(net, i);
    }
    for (uint32_t i = 0; i < config->acts; i++)
        swarm->act_at[i] = INSTANT_NEVER;
    swarm->stopped = true;
    swarm->limit = instant_add(net->now, config->grace_ns);
}

static bool is_time_to_stop(const struct swarm *swarm)
{
    const struct swarm_config *config = swarm->config;
    uint64_t arrived = swarm->streams.verified + swarm->streams.forged;

    if (swarm->net.now.ns >= config->stop_ns)
        return true;
    return config->stop_percent > 0 &&
           (swarm->ends_left == 0 || arrived >= swarm->to_verify / 100 * config->stop_percent);
}

/* Does what is to be done by now; returns when there is something next. */
static instant do_acts(struct swarm *swarm)
{
    const struct swarm_config *config = swarm->config;
    instant next = {config->stop_ns};

    for (uint32_t i = 0; i < config->acts; i++) {
        while (!instant_before(swarm->net.now, swarm->act_at[i]))
            turn(swarm, i);
        next = instant_min(next, swarm->act_at[i]);
    }
    if (!swarm->stopped && is_time_to_stop(swarm))
        stop_faults(swarm);
    return swarm->stopped ? swarm->limit : next;
}

/* --- the run ------------------------------------------------------------------------------ */

static bool is_empty(const struct stack *stack)
{
    struct stack_usage u;

    stack_usage(stack, &u);
    return u.connections == 0 && u.frames == 0 && u.send_chunks == 0 && u.islands == 0 &&
           u.receivers == 0 && u.timers == 0 && u.sockets == 0 && u.listeners == 0 &&
           u.orphans == 0 && u.tunings == 0 && u.epoll_items == 0;
}

static bool all_is_over(struct swarm *swarm)
{
    if (swarm->ends_left > 0 || !swarm->stopped)
        return false;
    bool empty = true;
    for (uint32_t i = 0; i < swarm->config->hosts; i++) {
        struct stack *stack = swarm->net.host[i].stack;
        if (swarm->host[i].listener >= 0)
            sock_close(stack, swarm->host[i].listener);
        swarm->host[i].listener = -1;
        empty = empty && is_empty(stack);
    }
    return empty;
}

/* The first host where something is missing. */
static uint32_t culprit(const struct swarm *swarm)
{
    for (uint32_t i = 0; i < swarm->config->connections; i++) {
        for (int side = OPENER; side <= LISTENER; side++) {
            if (!swarm->conn[i].over[side])
                return swarm->conn[i].host[side];
        }
    }
    for (uint32_t i = 0; i < swarm->config->hosts; i++) {
        if (!is_empty(swarm->net.host[i].stack))
            return i;
    }
    return 0;
}

static void run(struct swarm *swarm)
{
    const struct swarm_config *config = swarm->config;
    struct net *net = &swarm->net;

    while (!swarm->result->problem && !all_is_over(swarm)) {
        instant next = do_acts(swarm);
        if (net_step(net, next))
            ;
        else if (swarm->stopped && !instant_before(net->now, swarm->limit))
            swarm_problem(swarm, culprit(swarm),
                          swarm->ends_left
                              ? "a connection does not get on after the faults have stopped"
                              : "something is left when all has ended");
        if (net->steps > config->steps_max)
            swarm_problem(swarm, culprit(swarm), "it does not end");
    }
}

static void take_result(struct swarm *swarm)
{
    struct swarm_result *r = swarm->result;
    struct stack_counters c;

    r->took_ns = swarm->net.now.ns;
    r->verified = swarm->streams.verified;
    r->forged = swarm->streams.forged;
    r->packets = net_sent(&swarm->net);
    r->steps = swarm->net.steps;
    for (uint32_t i = 0; i < swarm->net.wires; i++) {
        const struct impair_counters *w = &swarm->net.wire[i].bad.counters;
        r->lost += w->lost;
        r->overflowed += w->rate_dropped + w->held_dropped;
        r->reordered += w->reordered;
        r->duplicated += w->duplicated;
        r->corrupted += w->corrupted;
        r->forgeries += w->forged;
        r->too_big += swarm->net.wire[i].too_big;
    }
    for (uint32_t i = 0; i < swarm->net.hosts; i++) {
        stack_counters(swarm->net.host[i].stack, &c);
        r->retransmits += c.events[COUNTER_TCP_RETRANSMITS];
        r->timeouts += c.events[COUNTER_TCP_TIMEOUTS];
        r->failed_allocations += swarm->net.host[i].heap.failed;
        r->cut += swarm->net.host[i].cut;
        r->joined += swarm->net.host[i].joined;
    }
}

/* A stack whose making lacks one allocation: there is none then, and nothing of it is left. */
static void make_without_memory(struct swarm *swarm)
{
    struct net_host_config host = {.app = &swarm->host[0].app,
                                   .values = swarm->config->values,
                                   .mtu = swarm->config->mtu,
                                   .ipv6 = swarm->config->ipv6,
                                   .fails_at = 1 + (uint32_t)prng_below(&swarm->prng, 40)};
    struct net net;

    if (net_init(&net, swarm->memory, swarm->config->seed, 1, 1, 1))
        return;
    int number = net_add_host(&net, &host);
    if ((number < 0) != (net.host[0].heap.failed > 0))
        swarm_problem(swarm, 0, "a stack was made without memory, or was not made with it");
    if (net_fini(&net) > 0)
        swarm_problem(swarm, 0, "a stack that could not be made has left memory behind");
}

int swarm_run(const struct swarm_config *config, struct memory *memory, struct swarm_result *result)
{
    struct swarm *swarm = memory_alloc(memory, sizeof(*swarm));

    if (!swarm)
        return -ENOMEM;
    *result = (struct swarm_result){0};
    swarm->config = config;
    swarm->memory = memory;
    swarm->result = result;
    prng_seed(&swarm->prng, config->seed);
    swarm->streams = (struct streams){.prng = &swarm->prng, .may_be_wrong = swarm_may_be_wrong};
    if (config->faults >> SWARM_MEMORY & 1)
        make_without_memory(swarm);
    make_conns(swarm);
    for (uint32_t i = 0; i < config->acts; i++)
        swarm->act_at[i] = (instant){config->act[i].at_ns};
    int err = make_network(swarm);
    if (!err) {
        run(swarm);
        take_result(swarm);
    }
    if (swarm->net.host && net_fini(&swarm->net) > 0 && !err)
        swarm_problem(swarm, 0, "a stack has not given back all its memory");
    memory_release(memory, swarm, sizeof(*swarm));
    return err;
}

uint64_t swarm_injected(const struct swarm_result *r)
{
    return r->lost + r->reordered + r->duplicated + r->corrupted + r->forgeries + r->too_big +
           r->failed_allocations + r->leaps + r->sleeps;
}
