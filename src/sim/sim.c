/*
 * sim.c - see sim.h.
 *
 * The wire is a pipe with an impairment around the client's end, which cuts big frames; each end
 * may join again what comes. Time stands still while there are frames to run and jumps to the next
 * deadline when there are none, so a virtual hour costs what happens in it.
 */
#include "sim/sim.h"

#include <errno.h>
#include <netinet/in.h>
#include <tapio/sock.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/instant.h"
#include "base/prng.h"
#include "dev/pipe.h"
#include "sim/joined.h"
#include "sim/oracle.h"
#include "sim/stream.h"
#include "stack/stack.h"

enum { SERVER_PORT = 7, POLLS_MAX = 20000000 };

struct side {
    struct sim *sim;
    struct stack *stack;
    struct dev *dev;
    struct env env;
    struct prng randomness;
    int listener;
    struct stream_end *ends;
    uint32_t finished;
    struct oracle oracle;
};

struct sim {
    const struct sim_config *config;
    struct memory *memory;
    struct prng prng;
    struct streams streams; /* and the time */
    struct side side[2];
    struct dev *wire; /* the impaired device */
    struct sim_result *result;
};

void sim_config_init(struct sim_config *config)
{
    *config = (struct sim_config){
        .connections = 4, .octets = 262144, .limit_ns = 3600 * NS_PER_S, .mtu = 1500};
    values_default(&config->values);
    config->values.tcp_connections = 1024;
    config->values.sock_sockets = 1024;
    config->values.see_ring = 64;
    /* Three questions lost in a row would end an opening connection, and rightly; what is under
     * test here is TCP. */
    config->values.arp_tries = 16;
    /* A burst of losses is counted in packets, so who sends one in two minutes may lose many in a
     * row; that R2 gives up then is right, too, and not what is under test. */
    config->values.tcp_retries = 64;
}

static void problem(struct sim *sim, const char *what)
{
    if (!sim->streams.problem)
        sim->streams.problem = what;
}

static void finish(struct side *side, struct stream_end *end)
{
    sock_close(side->stack, end->s);
    end->s = -1;
    side->finished++;
}

/* --- connections -------------------------------------------------------------------------- */

static struct stream_end *end_of(struct sim *sim, struct side *side, int s)
{
    for (uint32_t i = 0; i < sim->config->connections; i++) {
        if (side->ends[i].s == s)
            return &side->ends[i];
    }
    return NULL;
}

/* The first four octets of the client's stream would tell which connection it is; its port does
 * too. */
static void accept_some(struct sim *sim)
{
    struct side *server = &sim->side[SIM_SERVER];
    struct side *client = &sim->side[SIM_CLIENT];
    struct endpoint remote;

    for (int s; (s = sock_accept(server->stack, server->listener, &remote, NULL)) >= 0;) {
        for (uint32_t i = 0; i < sim->config->connections; i++) {
            struct endpoint name;
            if (client->ends[i].s >= 0 &&
                sock_getsockname(client->stack, client->ends[i].s, &name) == 0 &&
                name.port == remote.port)
                server->ends[i].s = s;
        }
    }
}

static int open_connections(struct sim *sim)
{
    struct side *client = &sim->side[SIM_CLIENT];
    struct side *server = &sim->side[SIM_SERVER];
    struct endpoint to = {.addr = stack_config(server->stack)->addr[0].addr, .port = SERVER_PORT};

    int family = sim->config->ipv6 ? AF_INET6 : AF_INET;
    server->listener = sock_socket(server->stack, family, SOCK_STREAM, 0);
    if (server->listener < 0 ||
        sock_bind(server->stack, server->listener, (struct endpoint){.port = SERVER_PORT}) ||
        sock_listen(server->stack, server->listener, (int)sim->config->connections))
        return -EINVAL;
    for (uint32_t i = 0; i < sim->config->connections; i++) {
        struct stream_end *a = &client->ends[i], *b = &server->ends[i];
        *a = (struct stream_end){.s = sock_socket(client->stack, family, SOCK_STREAM, 0)};
        *b = (struct stream_end){.s = -1};
        stream_draw(&sim->streams, a, b, sim->config->octets);
        if (a->s < 0 || sock_connect(client->stack, a->s, to, NULL) != -EINPROGRESS)
            return -EINVAL;
    }
    return 0;
}

static void serve(struct sim *sim, enum sim_side which)
{
    struct side *side = &sim->side[which];
    short events;

    for (int s; (s = sock_next_ready(side->stack, &events)) >= 0;) {
        if (which == SIM_SERVER && s == side->listener) {
            accept_some(sim);
            continue;
        }
        struct stream_end *end = end_of(sim, side, s);
        if (!end)
            continue;
        enum stream_state state = STREAM_GOES_ON;
        int error;
        if (events & POLLOUT && !(events & POLLERR))
            state = stream_send(&sim->streams, side->stack, end, &error);
        if (state == STREAM_GOES_ON && events & (POLLIN | POLLERR))
            state = stream_receive(&sim->streams, side->stack, end, &error);
        if (state == STREAM_BROKE)
            problem(sim, "a connection broke");
        if (state != STREAM_GOES_ON)
            finish(side, end);
    }
}

/* Readers whose pause is over. Returns when the next one's will be. */
static instant resume_readers(struct sim *sim, enum sim_side which)
{
    struct side *side = &sim->side[which];
    instant next = INSTANT_NEVER;

    for (uint32_t i = 0; i < sim->config->connections; i++) {
        next = instant_min(next, stream_resume(&sim->streams, side->stack, &side->ends[i]));
    }
    return next;
}

/* A wire that forges changes four octets of a frame at most. Which they are is not known here. */
static bool may_be_wrong(struct streams *streams, const struct stream_end *end, uint32_t at)
{
    const struct sim *sim = CONTAINER_OF(streams, struct sim, streams);

    (void)end;
    (void)at;
    return streams->forged < 4 * (impair_counters(sim->wire, IMPAIR_IN).forged +
                                  impair_counters(sim->wire, IMPAIR_OUT).forged);
}

/* --- the run -------------------------------------------------------------------------------------
 */

static bool is_empty(const struct stack *stack)
{
    struct stack_usage u;

    stack_usage(stack, &u);
    return u.connections == 0 && u.frames == 0 && u.send_chunks == 0 && u.islands == 0 &&
           u.receivers == 0 && u.senders == 0 && u.ranges == 0 && u.timers == 0 && u.sockets == 0 &&
           u.listeners == 0;
}

/* One poll of one side; true when frames were run. */
static bool poll_side(struct sim *sim, enum sim_side which)
{
    struct side *side = &sim->side[which];
    int frames = stack_receive(side->stack, side->dev, sim->streams.now);

    serve(sim, which);
    if (stack_send(side->stack, side->dev, sim->streams.now) == -ENETDOWN || frames < 0)
        problem(sim, "the wire is gone");
    uint32_t conn;
    const char *wrong = stack_check_invariants(side->stack, &conn);
    if (!wrong)
        wrong = side->oracle.problem;
    if (wrong)
        problem(sim, wrong);
    return frames > 0;
}

static bool all_finished(struct sim *sim)
{
    struct side *client = &sim->side[SIM_CLIENT];
    struct side *server = &sim->side[SIM_SERVER];

    if (client->finished < sim->config->connections || server->finished < sim->config->connections)
        return false;
    if (server->listener >= 0) {
        sock_close(server->stack, server->listener);
        server->listener = -1;
    }
    return is_empty(client->stack) && is_empty(server->stack);
}

static void run(struct sim *sim)
{
    while (!sim->streams.problem && !all_finished(sim)) {
        bool busy = false;
        instant next = INSTANT_NEVER;

        for (int i = 0; i < 2; i++) {
            instant reader = resume_readers(sim, (enum sim_side)i);
            busy |= poll_side(sim, (enum sim_side)i);
            next = instant_min(next, reader);
            next = instant_min(next, stack_deadline(sim->side[i].stack));
            next = instant_min(next, dev_deadline(sim->side[i].dev));
        }
        if (++sim->result->polls > POLLS_MAX || sim->streams.now.ns > sim->config->limit_ns)
            problem(sim, "it does not end");
        if (busy || all_finished(sim)) /* without ARP the last timer may be TIME-WAIT's */
            continue;
        if (instant_is_never(next))
            problem(sim, "nothing is planned, and something is missing");
        else if (instant_before(sim->streams.now, next))
            sim->streams.now = next;
        else
            sim->streams.now = instant_add(sim->streams.now, NS_PER_US);
    }
}

/* --- making and ending -------------------------------------------------------------------- */

static int seeded_random(void *context, void *octets, size_t len)
{
    struct side *side = context;
    struct writer w = writer_of(octets, len);

    while (w.left > 0)
        write_u8(&w, (uint8_t)prng_next(&side->randomness));
    return 0;
}

static void *side_alloc(void *context, size_t len)
{
    return memory_alloc(((struct side *)context)->sim->memory, len);
}

static void side_release(void *context, void *octets, size_t len)
{
    memory_release(((struct side *)context)->sim->memory, octets, len);
}

/* 10.0.0.1 and 10.0.0.2, or fd00::1 and fd00::2. */
static struct ip_prefix address_of(const struct sim_config *config, enum sim_side which)
{
    uint8_t last = which == SIM_CLIENT ? 1 : 2;

    if (config->ipv6)
        return (struct ip_prefix){{{0xfd, [15] = last}}, 64};
    return (struct ip_prefix){ip_from_v4(0x0a000000u | last), 24};
}

static int make_side(struct sim *sim, enum sim_side which)
{
    const struct sim_config *config = sim->config;
    struct side *side = &sim->side[which];
    struct stack_config stack;

    stack_config_init(&stack);
    stack.values = config->values;
    stack.mtu = config->mtu;
    stack.link = config->link;
    stack.addr[0] = address_of(config, which);
    stack.addr_count = 1;
    prng_seed(&side->randomness, prng_next(&sim->prng));
    side->sim = sim;
    side->env = (struct env){
        .context = side, .random = seeded_random, .alloc = side_alloc, .release = side_release};
    side->listener = -1;
    side->ends = memory_alloc(sim->memory, config->connections * sizeof(*side->ends));
    side->stack = side->ends ? stack_new(&stack, &side->env) : NULL;
    if (!side->stack)
        return -ENOMEM;
    oracle_init(&side->oracle, stack.addr[0].addr);
    stack_listen(side->stack, &side->oracle.sink);
    if (config->watch[which])
        stack_listen(side->stack, config->watch[which]);
    return 0;
}

static int make_wire(struct sim *sim)
{
    const struct sim_config *config = sim->config;
    struct pipe_config pipe = {.mtu = config->mtu,
                               .capacity = 4 << 20,
                               .ip_only = config->link == STACK_LINK_IP,
                               .csum_offload = config->csum_offload || config->big_frames,
                               .big_frames = config->big_frames};
    struct impair_config in = config->to_client, out = config->to_server;
    struct dev *ends[2];
    int err = pipe_new(sim->memory, &pipe, ends);

    if (err)
        return err;
    in.seed = prng_next(&sim->prng);
    out.seed = prng_next(&sim->prng);
    sim->side[SIM_CLIENT].dev = ends[0];
    sim->side[SIM_SERVER].dev = ends[1];
    err = impair_new(sim->memory, ends[0], &in, &out, &sim->wire);
    if (err)
        return err;
    sim->side[SIM_CLIENT].dev = sim->wire;
    for (int i = 0; config->big_frames && i < 2 && !err; i++)
        err = joined_new(sim->memory, sim->side[i].dev, &sim->side[i].dev);
    return err;
}

static void take_result(struct sim *sim)
{
    sim->result->problem = sim->streams.problem;
    sim->result->verified = sim->streams.verified;
    sim->result->took_ns = sim->streams.now.ns;
    for (int i = 0; i < 2; i++)
        stack_counters(sim->side[i].stack, &sim->result->counters[i]);
    for (int i = 0; i < 2; i++)
        sim->result->wire[i] = impair_counters(sim->wire, i == 0 ? IMPAIR_IN : IMPAIR_OUT);
    for (int i = 0; i < 2 && sim->config->big_frames; i++)
        sim->result->joined += joined_count(sim->side[i].dev);
}

int sim_run(const struct sim_config *config, struct memory *memory, struct sim_result *result)
{
    struct sim sim = {.config = config, .memory = memory, .result = result};

    sim.streams.prng = &sim.prng;
    sim.streams.may_be_wrong = may_be_wrong;
    *result = (struct sim_result){0};
    prng_seed(&sim.prng, config->seed);
    int err = make_wire(&sim);
    if (!err)
        err = make_side(&sim, SIM_CLIENT);
    if (!err)
        err = make_side(&sim, SIM_SERVER);
    if (!err)
        err = open_connections(&sim);
    if (!err) {
        run(&sim);
        take_result(&sim);
    }
    for (int i = 0; i < 2; i++) {
        struct side *side = &sim.side[i];
        stack_free(side->stack);
        if (side->dev)
            dev_close(side->dev);
        if (side->ends)
            memory_release(memory, side->ends, config->connections * sizeof(*side->ends));
    }
    return err;
}
